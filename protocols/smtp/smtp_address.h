/* SPDX-License-Identifier: MIT */
/* Mailboxes, paths and domains as RFC 5321 section 4.1.2 writes them. Pure. */
#ifndef WF_SMTP_ADDRESS_H
#define WF_SMTP_ADDRESS_H

#include <weft/smtp.h>

/* RFC 5322, section 3.2.3: what words have besides quotes. ASCII's. */
bool wf_smtp_is_atext(unsigned char c);

/* How many of the @n bytes @at are a mailbox (Local-part "@" ( Domain / address-literal )); 0: none of them, and
 * *@wrong says why. Bytes beyond ASCII are counted as well formed UTF-8 or refused; *@utf8 says there were some. */
size_t wf_smtp_mailbox(const char *at, size_t n, bool *utf8, const char **wrong);

/* The same for a Domain or an address-literal. */
size_t wf_smtp_domain(const char *at, size_t n, bool *utf8, const char **wrong);

/* Reads "<...>": a mailbox, behind a source route that is read and forgotten (RFC 5321, appendix C); nothing at
 * all with @null; "postmaster" with @postmaster. @out gets the mailbox. The same result as above. */
size_t wf_smtp_path(const char *at, size_t n, bool null, bool postmaster,
                    char out[WEFT_SMTP_ADDRESS_BYTES], bool *utf8, const char **wrong);

/* Whether a mailbox has white space or a control character in it, as a quoted local part may: in a list of words or
 * lines it would be taken for several. */
bool wf_smtp_has_blank(const char *address);

#endif
