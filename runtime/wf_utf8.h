/* SPDX-License-Identifier: MIT */
/* Whether bytes are UTF-8, as RFC 3629 has it. Pure. thread: any. */
#ifndef WF_UTF8_H
#define WF_UTF8_H

#include <stddef.h>

/* How many of the @n bytes at @text are well-formed UTF-8: @n if all are, else the offset of the
 * first byte of a sequence that is not. Overlong forms, surrogates (U+D800 to U+DFFF), what lies
 * beyond U+10FFFF and a sequence that the end cuts off are not. A zero byte is. @text may be NULL
 * if @n is 0. */
size_t wf_utf8_prefix(const char *text, size_t n);

#endif
