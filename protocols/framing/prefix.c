/* SPDX-License-Identifier: MIT */
/* Length prefixes of 8, 16 and 32 bits. */
#include "framing_state.h"

#include <inttypes.h>

static weft_err prefix_next(size_t width, weft_framer *f, const uint8_t *at, size_t n,
                            weft_frame_place *out, weft_why *why)
{
    uint64_t length = 0;

    if (n < width)
        return wf_frame_needs(out, width - n);
    for (size_t i = 0; i < width; i++)
        length = length << 8 | at[f->little_endian ? width - 1 - i : i];

    if (length > wf_frame_max(f))
        return weft_because(why, WEFT_ETOOBIG, "a frame of %" PRIu64 " bytes, expected at most %zu",
                            length, wf_frame_max(f));
    if (n - width < length)
        return wf_frame_needs(out, (size_t)length - (n - width));
    return wf_frame_found(f, out, width, (size_t)length, 0);
}

static weft_err prefix_wrap(size_t width, const weft_framer *f, size_t n, weft_frame_ends *out,
                            weft_why *why)
{
    if ((uint64_t)n >> (8 * width) != 0)
        return weft_because(why, WEFT_ETOOBIG,
                            "a frame of %zu bytes, expected at most what %zu bits can say", n,
                            8 * width);

    *out = (weft_frame_ends){.head_bytes = (uint8_t)width};
    for (size_t i = 0; i < width; i++)
        out->head[f->little_endian ? i : width - 1 - i] = (uint8_t)(n >> (8 * i));
    return WEFT_OK;
}

static weft_err prefix8_next(weft_framer *f, const uint8_t *at, size_t n, weft_frame_place *out,
                             weft_why *why)
{
    return prefix_next(1, f, at, n, out, why);
}

static weft_err prefix16_next(weft_framer *f, const uint8_t *at, size_t n, weft_frame_place *out,
                              weft_why *why)
{
    return prefix_next(2, f, at, n, out, why);
}

static weft_err prefix32_next(weft_framer *f, const uint8_t *at, size_t n, weft_frame_place *out,
                              weft_why *why)
{
    return prefix_next(4, f, at, n, out, why);
}

static weft_err prefix8_wrap(const weft_framer *f, const uint8_t *frame, size_t n,
                             weft_frame_ends *out, weft_why *why)
{
    (void)frame;
    return prefix_wrap(1, f, n, out, why);
}

static weft_err prefix16_wrap(const weft_framer *f, const uint8_t *frame, size_t n,
                              weft_frame_ends *out, weft_why *why)
{
    (void)frame;
    return prefix_wrap(2, f, n, out, why);
}

static weft_err prefix32_wrap(const weft_framer *f, const uint8_t *frame, size_t n,
                              weft_frame_ends *out, weft_why *why)
{
    (void)frame;
    return prefix_wrap(4, f, n, out, why);
}

const weft_framing weft_prefix8 = {.name = "prefix8", .next = prefix8_next, .wrap = prefix8_wrap};
const weft_framing weft_prefix16 = {
    .name = "prefix16", .next = prefix16_next, .wrap = prefix16_wrap};
const weft_framing weft_prefix32 = {
    .name = "prefix32", .next = prefix32_next, .wrap = prefix32_wrap};
