/* SPDX-License-Identifier: MIT */
/* What readers of headers share: how a piece of one is shown to people. */
#ifndef WF_MAIL_HEADER_H
#define WF_MAIL_HEADER_H

#include <weft/mail.h>

enum { WF_MAIL_EXCERPT_BYTES = 41 };

/* The first characters from @at to the end of its line or to @end, with a ? for each that is not printable. */
const char *wf_mail_excerpt(const char *at, const char *end, char out[WF_MAIL_EXCERPT_BYTES]);

#endif
