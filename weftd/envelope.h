/* SPDX-License-Identifier: MIT */
/* Whom a message is for and whom it is from, if its header is to say it, as sendmail -t has it. Pure.
 *
 *   addresses of the command line ──▶ envelope_add ─────────────┐
 *   the message ──▶ envelope_gather, up to the empty line ──▶ envelope_read ──▶ to, from, and the header that is sent */
#ifndef WEFTD_ENVELOPE_H
#define WEFTD_ENVELOPE_H

#include <weft/mail.h>

enum { ENVELOPE_HEADER_BYTES_MAX = 1 << 20, ENVELOPE_RECIPIENTS_MAX = 1000 };

typedef struct envelope {
    char *header; /* what came of it; once it was read, what is sent of it */
    size_t n, room;
    char **to; /* each once */
    uint32_t to_n;
    char from[WEFT_SMTP_ADDRESS_BYTES]; /* "": the header does not say */
} envelope;

/* Adds a copy of @address, unless it is there, in capitals or not. errors: ETOOBIG, ENOMEM. */
WEFT_MUST_USE weft_err envelope_add(envelope *e, const char *address, weft_why *why);

/* Takes the next @n bytes of the message, *@used of them. *@whole: the header has come to its empty line.
 * errors: ETOOBIG, ENOMEM. */
WEFT_MUST_USE weft_err envelope_gather(envelope *e, const uint8_t *at, size_t n, size_t *used,
                                       bool *whole, weft_why *why);

/* Reads what was gathered, which is all of a header: the recipients are added that To, Cc and Bcc name, or, of a message
 * that is sent anew, Resent-To, Resent-Cc and Resent-Bcc (RFC 5322, 3.6.6); From, or Resent-From, is the sender. Bcc,
 * Resent-Bcc and a line "From ...", which files of messages begin with, are no part of the header any more. Names alone
 * are of @host. errors: EINVAL ("line 3: ...", or there are no recipients), ETOOBIG, ENOMEM. */
WEFT_MUST_USE weft_err envelope_read(envelope *e, const char *host, weft_why *why);

void envelope_done(envelope *e);

#endif
