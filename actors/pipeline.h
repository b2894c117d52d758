/* SPDX-License-Identifier: MIT */
/* What the options of a URL put on each of its connections, below whatever its owner puts there.
 *
 *   wire ─▶ part 0 ─▶ part 1 ─▶ ... ─▶ the owner's stages ─▶ owner
 *
 * A part is one concern (TLS, say): it reads the URL's options once, when the URL is opened, and pushes its
 * stage on each connection. The table in pipeline.c is their order from the wire upwards. */
#ifndef WF_PIPELINE_H
#define WF_PIPELINE_H

#include <weft/url.h>

#include "conn.h"

/* A part; a static const value. Its functions never block but for files that are read when a listener is
 * opened. */
typedef struct wf_pipeline_part {
    const char *name;
    /* Reads what @url asks for at @end into *@out, which is left NULL if that is nothing: the part is then
     * not there. thread: any. errors: close, or do not open, with that reason. */
    weft_err (*prepare)(const weft_url *url, weft_url_end end, void **out, weft_why *why);
    /* Puts the stage on @c, which is not open yet. thread: its reactor. errors: close @c with that reason. */
    weft_err (*push)(conn *c, void *prepared, const weft_url *url, weft_why *why);
    /* thread: any, when nobody uses it any more; may be NULL. */
    void (*drop)(void *prepared);
} wf_pipeline_part;

/* Time limits and rates (meter_part.c). */
extern const wf_pipeline_part wf_meter_part;
/* The PROXY protocol (proxy_part.c). */
extern const wf_pipeline_part wf_proxy_part;

/* A copy of all bytes to a file (tap_stage.c). */
extern const wf_pipeline_part wf_tap_part;

enum { WF_PIPELINE_PARTS_MAX = 12 };

/* What was prepared of one URL. A zeroed one asks for nothing. */
typedef struct wf_pipeline {
    void *prepared[WF_PIPELINE_PARTS_MAX];
    bool any;
} wf_pipeline;

/* errors: those of a part; @out is then empty. */
WEFT_MUST_USE weft_err wf_pipeline_open(const weft_url *url, weft_url_end end, wf_pipeline *out,
                                        weft_why *why);
/* Puts it on @c, before wf_conn_begin. errors: those of a part. */
WEFT_MUST_USE weft_err wf_pipeline_push(const wf_pipeline *pipeline, conn *c, const weft_url *url,
                                        weft_why *why);
void wf_pipeline_drop(wf_pipeline *pipeline);

#endif
