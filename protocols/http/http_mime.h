/* SPDX-License-Identifier: MIT */
/* The media type of a file, by the extension of its name.
 *
 * Pure: no I/O, no allocation. thread: any. */
#ifndef WF_HTTP_MIME_H
#define WF_HTTP_MIME_H

#include <stdbool.h>
#include <stddef.h>

#include <weft/http_types.h>

/* The longest extension that has a type, its final zero included. */
#define WF_HTTP_EXTENSION_BYTES_MAX 12

typedef struct wf_http_mime {
    char extension[WF_HTTP_EXTENSION_BYTES_MAX]; /* in lower case, without the dot; "" if unknown */
    bool compresses;                             /* as wf_http_type_compresses says of `type` */
    weft_http_text type; /* the value of Content-Type; text has "; charset=utf-8" */
} wf_http_mime;

/* The type of the file @path (its last segment counts), case aside; never NULL. What has no
 * extension that is known is application/octet-stream; so is ".profile", where the dot hides the
 * file and begins no extension, and "a." Static. */
const wf_http_mime *wf_http_mime_of(const char *path, size_t n);

/* The @i-th type of the table, in the order of the extensions; NULL behind the last. Static. */
const wf_http_mime *wf_http_mime_at(size_t i);

#endif
