/* SPDX-License-Identifier: MIT */
/* The page that lists a directory: begun, given one entry after the other, and ended, in memory
 * that does not grow with the directory.
 *
 * Pure: no I/O but through the writer's sink, no allocation. thread: whichever holds the writer. */
#ifndef WF_HTTP_LISTING_H
#define WF_HTTP_LISTING_H

#include <stdbool.h>

#include "http_writer.h"

/* The Content-Type of the page, and a Content-Security-Policy that suits it: file names are foreign
 * text, and though they are escaped, nothing on the page has to be able to run. */
#define WF_HTTP_LISTING_TYPE "text/html; charset=utf-8"
#define WF_HTTP_LISTING_POLICY \
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

/* What is known of one file. */
typedef struct wf_http_entry {
    const char *name; /* bytes, ended by a zero, without '/' */
    uint64_t size;    /* bytes; not shown for a directory */
    int64_t mtime_s;  /* seconds since 1970 */
    bool is_dir;
} wf_http_entry;

/* A page while it is written. */
typedef struct wf_http_listing {
    wf_http_writer *w;
    uint64_t dirs, files, bytes; /* so far */
} wf_http_listing;

/* Begins the page into @w, which is borrowed until the end. @path is the directory as the browser's
 * user knows it, decoded, with a '/' at its end: it is shown, not linked to. @has_parent: link
 * "../". Links are relative, so the page must be served at an address that ends in '/'. */
wf_http_listing wf_http_listing_begin(wf_http_writer *w, const char *path, size_t path_n,
                                      bool has_parent);

/* Adds an entry, in the order in which it is to be seen. "", "." and ".." are passed over. */
void wf_http_listing_add(wf_http_listing *listing, const wf_http_entry *entry);

/* Ends the page with the sums, and flushes the writer. @cut: there are more entries than were
 * added, and the page says so. Returns the writer's `err`. */
WEFT_MUST_USE weft_err wf_http_listing_end(wf_http_listing *listing, bool cut);

/* The order in which people look for files, for qsort: directories first, then by name without
 * regard to ASCII case, then by bytes. */
int wf_http_entry_compare(const void *a, const void *b);

#define WF_HTTP_SIZE_BYTES_MAX 16

/* Writes @size for people into @out, ended by a zero: "0 B", "999 B", "1.0 KiB", "17 MiB". Returns
 * its length. */
size_t wf_http_size_format(char out[WF_HTTP_SIZE_BYTES_MAX], uint64_t size);

#endif
