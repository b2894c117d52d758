/* SPDX-License-Identifier: MIT */
/* What the tests of HTTP's pure parts share: pieces of text from literals, and what was written. */
#ifndef WEFT_TESTS_HTTP_PARTS_H
#define WEFT_TESTS_HTTP_PARTS_H

#include "check.h"

#include "http_writer.h"
#include <weft/http_types.h>

static inline weft_http_text piece(const char *str)
{
    return (weft_http_text){str, str != NULL ? (uint32_t)strlen(str) : 0};
}

/* Room for one answer, and a writer over it that leaves a byte for the final zero. */
typedef struct page {
    char text[16384];
    wf_http_writer w;
} page;

static inline wf_http_writer *page_open(page *p)
{
    p->w = wf_http_writer_over(p->text, sizeof p->text - 1);
    return &p->w;
}

static inline const char *page_text(page *p)
{
    p->text[p->w.n] = '\0';
    return p->w.err == WEFT_OK ? p->text : "(did not fit)";
}

#endif
