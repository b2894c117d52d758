/* SPDX-License-Identifier: MIT */
/* Files that are there for a while: made, written and moved by the blocking pool. */
#ifndef WF_HTTP_SPOOL_H
#define WF_HTTP_SPOOL_H

#include <weft/deferred.h>

/* A file in a spool folder. It has shares: its maker's, and one for each request that is under way. With the last it is
 * closed, and removed unless it was moved away. */
typedef struct wf_http_spool_file wf_http_spool_file;

/* One that is not made yet, in @folder, under a name nobody can guess. errors: NULL. */
wf_http_spool_file *wf_http_spool_new(weft_actor *self, const char *folder);
/* Takes NULL. thread: any. */
void wf_http_spool_drop(wf_http_spool_file *file);
const char *wf_http_spool_path(const wf_http_spool_file *file);

/* Writes @bytes behind what was written, the first time into a new file; @last closes it. One at a time.
 * errors of the Deferred: EFULL (no room on the disk), EIO with a sentence, those of weft_ask_pool_body. */
WEFT_MUST_USE weft_deferred wf_http_spool_write(weft_actor *self, wf_http_spool_file *file,
                                                weft_bytes bytes, bool last);
/* Syncs what was written and moves it to @path. errors of the Deferred: as above. */
WEFT_MUST_USE weft_deferred wf_http_spool_keep(weft_actor *self, wf_http_spool_file *file,
                                               const char *path);

#endif
