/* SPDX-License-Identifier: MIT */
/* The error pages of `weftd web`: files that are read once, when it starts. */
#ifndef WEFTD_WEB_PAGES_H
#define WEFTD_WEB_PAGES_H

#include <weft/http.h>
#include <weft/options.h>

typedef struct web_pages {
    weft_option_texts given; /* STATUS[-LAST]=FILE */
    weft_http_error_page pages[WEFT_OPTION_TEXTS_MAX + 1];
} web_pages;

/* Reads the files. To be given back in any case. errors: EINVAL, ETOOBIG, those of open and read, with a sentence
 * that names the option; ENOMEM. */
WEFT_MUST_USE weft_err web_pages_read(web_pages *p, weft_why *why);
void web_pages_done(web_pages *p);

#endif
