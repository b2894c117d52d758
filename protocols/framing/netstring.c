/* SPDX-License-Identifier: MIT */
/* Netstrings: a decimal length, a colon, the frame, a comma. */
#include "framing_state.h"

#include <inttypes.h>
#include <stdio.h>

/* A byte for a sentence, where it may be anything. */
static weft_err not_expected(uint8_t byte, const char *expected, weft_why *why)
{
    return weft_because(why, WEFT_EPROTO, "a netstring has the byte 0x%02x (%c), expected %s", byte,
                        byte > ' ' && byte < 0x7f ? byte : '?', expected);
}

/* Takes one more digit of the length, of which `scanned` are known. */
static weft_err take_digit(weft_framer *f, uint8_t byte, weft_why *why)
{
    if (byte < '0' || byte > '9')
        return not_expected(byte, f->scanned == 0 ? "a digit" : "a digit or a colon", why);
    if (f->scanned == 1 && f->length == 0)
        return weft_because(why, WEFT_EPROTO, "the length of a netstring begins with a zero");

    uint64_t length = (uint64_t)f->length * 10 + byte - '0';
    if (length > wf_frame_max(f))
        return weft_because(why, WEFT_ETOOBIG,
                            "a netstring of %" PRIu64 " bytes or more, expected at most %zu",
                            length, wf_frame_max(f));
    f->length = (uint32_t)length;
    f->scanned++;
    return WEFT_OK;
}

static weft_err netstring_next(weft_framer *f, const uint8_t *at, size_t n, weft_frame_place *out,
                               weft_why *why)
{
    if (n < f->scanned)
        return wf_frame_shrank(f, n, why);

    while (f->scanned < n && (at[f->scanned] != ':' || f->scanned == 0)) {
        weft_err err = take_digit(f, at[f->scanned], why);
        if (err != WEFT_OK)
            return err;
    }
    if (f->scanned == n) /* a colon, the frame and a comma are still to come, if not a digit */
        return wf_frame_needs(out, (size_t)f->length + 2 + (n == 0));

    size_t start = f->scanned + 1, length = f->length;
    if (n - start <= length)
        return wf_frame_needs(out, length + 1 - (n - start));
    if (at[start + length] != ',')
        return not_expected(at[start + length], "a comma behind its last byte", why);
    return wf_frame_found(f, out, start, length, 1);
}

static weft_err netstring_wrap(const weft_framer *f, const uint8_t *frame, size_t n,
                               weft_frame_ends *out, weft_why *why)
{
    char head[32];
    (void)f, (void)frame;

    int length = snprintf(head, sizeof head, "%zu:", n);
    if (length < 0 || length > WEFT_FRAME_HEAD_BYTES_MAX)
        return weft_because(why, WEFT_ETOOBIG,
                            "a netstring of %zu bytes, expected at most %d digits", n,
                            WEFT_FRAME_HEAD_BYTES_MAX - 1);

    *out = (weft_frame_ends){.tail = ",", .tail_bytes = 1, .head_bytes = (uint8_t)length};
    for (int i = 0; i < length; i++)
        out->head[i] = (uint8_t)head[i];
    return WEFT_OK;
}

const weft_framing weft_netstrings = {
    .name = "netstrings", .next = netstring_next, .wrap = netstring_wrap};
