/* SPDX-License-Identifier: MIT */
/** Messages as text (RFC 5322): the fields of a header, and the addresses that stand in them, for whoever has to find out
 * whom a message is for.
 *
 *     weft_mail_header header = {.at = text, .end = text + n, .line = 1};
 *     weft_mail_field field;
 *     while ((err = weft_mail_field_next(&header, &field, &why)) == WEFT_OK)
 *         if (weft_mail_field_is(&field, "To")) {
 *             weft_mail_addresses list = weft_mail_addresses_of(&field, NULL);
 *             while ((err = weft_mail_address_next(&list, address, &why)) == WEFT_OK)
 *                 ...
 *         }
 *
 * Pure: nothing is allocated or kept, and what is told is a part of the text that is read. Each byte is looked at a few
 * times at most, and nothing recurs, whoever has written it. Lines end with LF or CRLF. thread: any. */
#ifndef WEFT_MAIL_H
#define WEFT_MAIL_H

#include <weft/smtp.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is left of a header. */
typedef struct weft_mail_header {
    const char *at, *end;
    uint32_t line; /**< the number of the line at @at */
} weft_mail_header;

/** A field. */
typedef struct weft_mail_field {
    const char *name, *body; /**< what stands before the colon, and behind it with its folds */
    size_t name_n, body_n; /**< without blanks before the colon, without the end of its last line */
    const char *whole;     /**< the field as it stands there, with the end of its last line */
    size_t whole_n;
    uint32_t line; /**< where it begins */
} weft_mail_field;

/** Reads the next field. errors: EDONE (the empty line was, and @header is behind it; or the text is over), EINVAL
 * ("line 3: ...", what is there instead of a field). *@out is unchanged then. */
WEFT_MUST_USE weft_err weft_mail_field_next(weft_mail_header *header, weft_mail_field *out,
                                            weft_why *why);

/** Whether it is called @name, in capitals or not. */
bool weft_mail_field_is(const weft_mail_field *field, const char *name);

/** What is left of a field's list of addresses (RFC 5322, 3.4). Borrows the field. */
typedef struct weft_mail_addresses {
    const weft_mail_field *field;
    const char *at;
    const char *host;
    bool group; /**< it stands within a group */
} weft_mail_addresses;

/** All of the addresses of @field. @host is whose mailbox "root" is, which says none; NULL: it is refused. Borrowed. */
weft_mail_addresses weft_mail_addresses_of(const weft_mail_field *field, const char *host);

/** Reads the next address, without its name and comments, as the envelope of a message has it (RFC 5321, 4.1.2):
 * quoted where it must be. Members of groups are told one by one; groups may be empty, and so may lists. The obsolete
 * forms of 4.4 are read: routes, blanks around dots, empty members; and, because many write so, "a@b <c@d>" and dots one
 * behind the other or at an end of what stands before the @.
 * errors: EDONE (that was all), EINVAL ("line 3: To: ...", what was expected there). *@out is unchanged then. */
WEFT_MUST_USE weft_err weft_mail_address_next(weft_mail_addresses *list,
                                              char out[WEFT_SMTP_ADDRESS_BYTES], weft_why *why);

#ifdef __cplusplus
}
#endif
#endif
