/* SPDX-License-Identifier: MIT */
/* Commands: a line read into what it asks for, or the answer that says why not. RFC 5321, section 4.1.1, and
 * the parameters of the extensions. Pure. */
#ifndef WF_SMTP_COMMANDS_H
#define WF_SMTP_COMMANDS_H

#include <weft/smtp.h>

typedef enum wf_smtp_verb {
    WF_SMTP_UNKNOWN,
    WF_SMTP_EHLO,
    WF_SMTP_HELO,
    WF_SMTP_LHLO,
    WF_SMTP_MAIL,
    WF_SMTP_RCPT,
    WF_SMTP_DATA,
    WF_SMTP_BDAT,
    WF_SMTP_RSET,
    WF_SMTP_NOOP,
    WF_SMTP_VRFY,
    WF_SMTP_EXPN,
    WF_SMTP_HELP,
    WF_SMTP_QUIT,
    WF_SMTP_STARTTLS,
    WF_SMTP_AUTH,
    WF_SMTP_VERBS_
} wf_smtp_verb;

typedef struct wf_smtp_command {
    wf_smtp_verb verb;
    /* MAIL, RCPT; VRFY ("": what is said is none); EHLO, HELO, LHLO: the domain */
    char address[WEFT_SMTP_ADDRESS_BYTES];
    bool utf8_address; /* it has bytes beyond ASCII */
    const char *text;  /* AUTH: the mechanism, with what follows it behind it; in the line */
    size_t text_n;
    const char *more; /* AUTH: the initial response; NULL: none was given */
    size_t more_n;
    uint64_t size; /* MAIL: SIZE; BDAT: of the chunk */
    bool last;     /* BDAT */
    bool eight_bit, utf8;
} wf_smtp_command;

/* What it is, by its first word alone. */
wf_smtp_verb wf_smtp_verb_of(const char *line, size_t n);

/* Whether no client of mail says that: a request of HTTP, or a field of one ("Host: x"). A page of a browser can post
 * a dialogue to any address that the browser reaches. */
bool wf_smtp_is_foreign(const char *line, size_t n);

/* Reads the @n bytes of a line without its end. false: *@wrong is what is to be answered. */
WEFT_MUST_USE bool wf_smtp_command_read(const char *line, size_t n, wf_smtp_command *out,
                                        weft_smtp_status *wrong);

#endif
