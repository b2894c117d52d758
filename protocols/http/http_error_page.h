/* SPDX-License-Identifier: MIT */
/* The small page that goes with a status, for people.
 *
 * Pure: no I/O, no allocation. thread: any. */
#ifndef WF_HTTP_ERROR_PAGE_H
#define WF_HTTP_ERROR_PAGE_H

#include <weft/http_types.h>

#include "http_writer.h"

/* How a page is written. */
typedef enum wf_http_page {
    WF_HTTP_PAGE_HTML,
    WF_HTTP_PAGE_TEXT,
} wf_http_page;

/* The Content-Type of a page. Static. */
const char *wf_http_page_type(wf_http_page page);

/* No page is larger than this plus six times its detail. */
#define WF_HTTP_ERROR_PAGE_BYTES_MAX 1024

/* Puts the page for @status: its reason, a sentence that says what it means to who reads it, and
 * @detail (`at` NULL for none), which is escaped and may be anything. Nothing tells the software or
 * its version. */
void wf_http_put_error_page(wf_http_writer *w, wf_http_page page, int status,
                            weft_http_text detail);

#endif
