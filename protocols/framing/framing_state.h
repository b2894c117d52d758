/* SPDX-License-Identifier: MIT */
/* What the framings share: how a search ends. */
#ifndef WF_FRAMING_STATE_H
#define WF_FRAMING_STATE_H

#include <weft/framing.h>

_Static_assert(sizeof(weft_framer) <= 32, "a framer is embedded in every stream");

static inline size_t wf_frame_max(const weft_framer *f)
{
    return f->frame_bytes_max != 0 ? f->frame_bytes_max : WEFT_FRAME_BYTES_MAX;
}

/* A whole frame; the framer is ready for the one behind it. */
static inline weft_err wf_frame_found(weft_framer *f, weft_frame_place *out, size_t start,
                                      size_t bytes, size_t tail)
{
    weft_framer_forget(f);
    *out = (weft_frame_place){.start = start, .bytes = bytes, .consumed = start + bytes + tail};
    return WEFT_OK;
}

static inline weft_err wf_frame_needs(weft_frame_place *out, size_t need)
{
    *out = (weft_frame_place){.need = need};
    return WEFT_OK;
}

/* The caller gave fewer bytes than before without a frame in between. */
static inline weft_err wf_frame_shrank(const weft_framer *f, size_t n, weft_why *why)
{
    return weft_because(why, WEFT_EINVAL,
                        "%zu bytes were given to a framer that saw %zu before, expected the same "
                        "and more behind them",
                        n, f->scanned);
}

#endif
