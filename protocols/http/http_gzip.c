/* SPDX-License-Identifier: MIT */
/* The wrapper of zlib. */
#include "http_gzip.h"

#include <limits.h>
#define ZLIB_CONST /* what is packed is only read */
#include <zlib.h>

#include <weft/edge.h>

#include "http_packer.h"
#include "http_unpack.h"

enum {
    /* What is packed is kept and sent often, but it is packed while others wait: level 5 comes
     * within 2 % of level 6 in two thirds of its time (a MiB of source text: 20 ms). */
    LEVEL = 5,
    WINDOW_BITS = 15,
    GZIP_FORMAT = 16, /* added to the window's bits: gzip's head and sum instead of zlib's */
    MEMORY_LEVEL = 8,
};

/* ---- bodies */

static uInt at_most(size_t n)
{
    return n < UINT_MAX ? (uInt)n : UINT_MAX;
}

/* The window is always the largest: gzip has no more than that. */
static void *gzip_open(unsigned window)
{
    z_stream *z = weft_alloc_zero(sizeof *z);

    (void)window;
    if (z != NULL && deflateInit2(z, LEVEL, Z_DEFLATED, WINDOW_BITS + GZIP_FORMAT, MEMORY_LEVEL,
                                  Z_DEFAULT_STRATEGY) != Z_OK) {
        weft_alloc_free(z);
        z = NULL;
    }
    return z;
}

static weft_err gzip_run(void *state, wf_http_pack_how how, const uint8_t **in, size_t *in_n,
                         uint8_t **out, size_t *out_n, bool *done)
{
    static const int flushes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    z_stream *z = state;
    uInt given = at_most(*in_n), room = at_most(*out_n);
    int flush = given == *in_n ? flushes[how] : Z_NO_FLUSH;

    z->next_in = *in;
    z->avail_in = given;
    z->next_out = *out;
    z->avail_out = room;
    int got = deflate(z, flush);
    *in_n -= given - z->avail_in;
    *in = z->next_in;
    *out_n -= room - z->avail_out;
    *out = z->next_out;
    /* "If deflate returns with avail_out == 0, this function must be called again with the same value of the flush
     * parameter and more output space" (zlib.h); that there was room left says that all is out. */
    *done = flush == Z_FINISH ? got == Z_STREAM_END : *in_n == 0 && z->avail_out != 0;
    return got == Z_STREAM_ERROR ? WEFT_ENOMEM : WEFT_OK;
}

static void gzip_close(void *state)
{
    if (state != NULL)
        (void)deflateEnd(state);
    weft_alloc_free(state);
}

const wf_http_packer wf_http_pack_gzip = {.open = gzip_open, .run = gzip_run, .close = gzip_close};

/* ---- messages */

/* With a flush nothing more than this: each block of 16 KiB has five bytes of its own, the flush ten. */
size_t wf_deflate_bound(size_t n)
{
    return n + n / 1000 + 64;
}

weft_err wf_deflate_message(int window_bits, const void *from, size_t n, uint8_t *to, size_t to_max,
                            size_t *packed_n)
{
    enum { TAIL_BYTES = 4 };
    z_stream z = {.next_in = from, .next_out = to};
    if (n > UINT_MAX || to_max > UINT_MAX)
        return WEFT_ETOOBIG;
    z.avail_in = (uInt)n;
    z.avail_out = (uInt)to_max;
    if (deflateInit2(&z, LEVEL, Z_DEFLATED, -window_bits, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return WEFT_ENOMEM;
    int end = deflate(&z, Z_SYNC_FLUSH);
    size_t made = to_max - z.avail_out;
    (void)deflateEnd(&z);
    if (end != Z_OK || z.avail_in != 0 || made < TAIL_BYTES || made == to_max)
        return WEFT_ETOOBIG;
    *packed_n = made - TAIL_BYTES;
    return WEFT_OK;
}

/* ---- unpacking */

static void *inflate_open(int window_bits)
{
    z_stream *z = weft_alloc_zero(sizeof *z);
    if (z != NULL && inflateInit2(z, window_bits) != Z_OK) {
        weft_alloc_free(z);
        z = NULL;
    }
    return z;
}

static void *gunzip_open(void)
{
    return inflate_open(WINDOW_BITS + GZIP_FORMAT);
}

/* RFC 9110 section 8.4.1.2: "deflate" is the zlib format. */
static void *deflate_open(void)
{
    return inflate_open(WINDOW_BITS);
}

static weft_err inflate_run(void *state, const uint8_t **in, size_t *in_n, uint8_t **out,
                            size_t *out_n, bool *done)
{
    z_stream *z = state;
    uInt given = at_most(*in_n), room = at_most(*out_n);
    z->next_in = *in;
    z->avail_in = given;
    z->next_out = *out;
    z->avail_out = room;
    int got = inflate(z, Z_NO_FLUSH);
    *in_n -= given - z->avail_in;
    *in = z->next_in;
    *out_n -= room - z->avail_out;
    *out = z->next_out;
    *done = got == Z_STREAM_END;
    if (got == Z_OK || got == Z_STREAM_END || got == Z_BUF_ERROR)
        return WEFT_OK;
    return got == Z_MEM_ERROR ? WEFT_ENOMEM : WEFT_EPROTO;
}

static void inflate_close(void *state)
{
    (void)inflateEnd(state);
    weft_alloc_free(state);
}

void *wf_inflate_open(void)
{
    return inflate_open(-WINDOW_BITS);
}

weft_err wf_inflate_run(void *state, const uint8_t **in, size_t *in_n, uint8_t **out, size_t *out_n)
{
    bool done;
    weft_err err;
    /* RFC 7692 section 7.2.3.4: "... a DEFLATE block with the "BFINAL" bit set to 1". Each round but the first takes a
     * byte at least. */
    do {
        err = inflate_run(state, in, in_n, out, out_n, &done);
        if (err == WEFT_OK && done)
            (void)inflateReset(state);
    } while (err == WEFT_OK && done && *in_n != 0 && *out_n != 0);
    return err;
}

void wf_inflate_close(void *state)
{
    if (state != NULL)
        inflate_close(state);
}

/* RFC 1952 section 2.2: "A gzip file consists of a series of "members"", one behind the other. */
static void gunzip_again(void *state)
{
    (void)inflateReset(state);
}

const wf_http_unpack_ops wf_http_unpack_gzip = {.names = {"gzip", "x-gzip"},
                                                .open = gunzip_open,
                                                .run = inflate_run,
                                                .close = inflate_close,
                                                .again = gunzip_again};
const wf_http_unpack_ops wf_http_unpack_deflate = {
    .names = {"deflate"}, .open = deflate_open, .run = inflate_run, .close = inflate_close};
