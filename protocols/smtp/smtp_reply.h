/* SPDX-License-Identifier: MIT */
/* Answers of a server, read line by line. RFC 5321, section 4.2; RFC 2034. Pure. */
#ifndef WF_SMTP_REPLY_H
#define WF_SMTP_REPLY_H

#include <weft/smtp.h>

enum { WF_SMTP_REPLY_LINES_MAX = 128 };

/* What a hello was answered with. */
typedef enum wf_smtp_can {
    WF_SMTP_CAN_PIPELINE = 1,
    WF_SMTP_CAN_TLS = 2,
    WF_SMTP_CAN_8BIT = 4,
    WF_SMTP_CAN_UTF8 = 8,
    WF_SMTP_CAN_SIZE = 16,
    WF_SMTP_CAN_PLAIN = 32,
    WF_SMTP_CAN_LOGIN = 64,
    WF_SMTP_CAN_CRAM = 128,
} wf_smtp_can;

/* An answer as it comes; zeroed before its first line. */
typedef struct wf_smtp_reply {
    weft_smtp_status status; /* with the text of the last line */
    unsigned lines;
    unsigned can;  /* what its lines say, taken as those of a hello */
    uint64_t size; /* SIZE; 0: none, or no limit */
} wf_smtp_reply;

/* Takes a line without its end. WEFT_OK: that was the last. errors: EFULL (more follow), EPROTO (not an answer, or
 * one of two codes), ETOOBIG (too many lines). */
WEFT_MUST_USE weft_err wf_smtp_reply_line(wf_smtp_reply *r, const char *line, size_t n);

#endif
