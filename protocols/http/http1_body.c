/* SPDX-License-Identifier: MIT */
/* The body of a message, piece by piece. */
#include "http1_codec.h"

#include "http1_parts.h"

weft_err wf_http1_body_limit(wf_http1 *p, uint64_t bytes_max, weft_why *why)
{
    if (p->phase == WF_HTTP1_AT_LENGTH && p->left > bytes_max)
        return weft_because(why, WEFT_ETOOBIG, "a body of %llu bytes, expected at most %llu",
                            (unsigned long long)p->left, (unsigned long long)bytes_max);
    if (p->phase != WF_HTTP1_AT_LENGTH && p->left > bytes_max)
        p->left = bytes_max;
    return WEFT_OK;
}

static weft_err failed(wf_http1 *p, wf_http1_piece *out, weft_err err, uint16_t status)
{
    p->phase = WF_HTTP1_AT_FAILED;
    out->status = status;
    return err;
}

static weft_err too_big(wf_http1 *p, wf_http1_piece *out, weft_why *why)
{
    return failed(p, out, weft_because(why, WEFT_ETOOBIG, "the body goes on beyond its limit"),
                  413);
}

/* Takes up to p->left bytes as data. */
static void take(wf_http1 *p, const uint8_t *at, size_t n, wf_http1_piece *out)
{
    out->data = at;
    out->data_bytes = n < p->left ? n : (size_t)p->left;
    out->consumed += out->data_bytes;
    p->left -= out->data_bytes;
}

/* The value of a HEXDIG; 16 if it is none. */
static unsigned hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* Goes one byte further in what stands between the data of two chunks:
 *     chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF     (RFC 9112 section 7.1)
 * NULL, or what was expected instead of @c. Extensions are not understood and, as their
 * section 7.1.1 demands, ignored, but they are text: what ends the line for others ends it here. */
static const char *chunk_step(wf_http1 *p, uint8_t c)
{
    unsigned digit;

    switch (p->phase) {
    case WF_HTTP1_AT_DATA_CR:
        p->phase = WF_HTTP1_AT_DATA_LF;
        return c == '\r' ? NULL : "CRLF behind the data";
    case WF_HTTP1_AT_DATA_LF:
        p->phase = WF_HTTP1_AT_SIZE;
        return c == '\n' ? NULL : "CRLF behind the data";
    case WF_HTTP1_AT_SIZE:
        p->phase = WF_HTTP1_AT_DIGITS;
        p->chunk = digit = hex_value(c);
        return digit < 16 ? NULL : "a hexadecimal size";
    case WF_HTTP1_AT_DIGITS:
        digit = hex_value(c);
        if (digit < 16) {
            /* "Recipients MUST anticipate potentially large hexadecimal numerals and prevent
             * parsing errors due to integer conversion overflows" */
            if (p->chunk >> 60 != 0)
                return "a size that fits 64 bits";
            p->chunk = p->chunk << 4 | digit;
            return NULL;
        }
        /* fallthrough */
    case WF_HTTP1_AT_BLANK:
        if (c == ';')
            p->phase = WF_HTTP1_AT_EXTENSION;
        else if (c == ' ' || c == '\t')
            p->phase = WF_HTTP1_AT_BLANK;
        else if (c == '\r' && p->phase == WF_HTTP1_AT_DIGITS)
            p->phase = WF_HTTP1_AT_SIZE_LF;
        else
            return "CRLF or ';' behind the size";
        return NULL;
    case WF_HTTP1_AT_EXTENSION:
        if (c == '\r')
            p->phase = WF_HTTP1_AT_SIZE_LF;
        return c == '\r' || wf_http_is((char)c, WF_HTTP_VALUE) ? NULL : "text in an extension";
    default: /* SIZE_LF */
        p->phase = p->chunk > 0 ? WF_HTTP1_AT_DATA : WF_HTTP1_AT_TRAILERS;
        return c == '\n' ? NULL : "LF behind CR";
    }
}

static bool between_data(const wf_http1 *p)
{
    return p->phase != WF_HTTP1_AT_DATA && p->phase != WF_HTTP1_AT_TRAILERS;
}

/* The line of a chunk has been read, and @excess bytes were spent on framing: may it begin? */
static weft_err chunk_begun(wf_http1 *p, uint64_t excess, wf_http1_piece *out, weft_why *why)
{
    if (p->chunk > p->left)
        return too_big(p, out, why);
    p->left -= p->chunk;

    uint64_t paid = p->chunk > UINT32_MAX ? UINT32_MAX : p->chunk;
    paid = WF_HTTP1_CHUNK_FREE_BYTES + WF_HTTP1_CHUNK_FREE_BYTES_PER_BYTE * paid;
    p->excess = excess > paid ? (uint32_t)(excess - paid) : 0;
    return WEFT_OK;
}

/* Takes the line of a chunk, and the line end of the data before it. */
static weft_err chunk_line(wf_http1 *p, const uint8_t *at, size_t n, wf_http1_piece *out,
                           weft_why *why)
{
    const char *expected = NULL;
    size_t i = 0;

    while (i < n && expected == NULL && between_data(p))
        expected = chunk_step(p, at[i++]);
    if (expected != NULL)
        return failed(p, out,
                      weft_because(why, WEFT_EPROTO, "a chunk has byte 0x%02x, expected %s",
                                   at[i - 1], expected),
                      400);
    out->consumed += i;

    /* RFC 9112 section 7.1.1: "A server ought to limit the total length of chunk extensions
     * received in a request to an amount reasonable for the services provided". Leading zeros are
     * no better. */
    uint64_t excess = p->excess + (uint64_t)i;
    if (excess > (uint64_t)p->limits->chunk_excess_bytes_max + WF_HTTP1_CHUNK_FREE_BYTES)
        return failed(
            p, out,
            weft_because(why, WEFT_EPROTO,
                         "chunk extensions of more than %u bytes (chunk_excess_bytes_max)",
                         p->limits->chunk_excess_bytes_max),
            400);
    p->excess = (uint32_t)excess;
    return between_data(p) ? WEFT_OK : chunk_begun(p, excess, out, why);
}

static void chunk_data(wf_http1 *p, const uint8_t *at, size_t n, wf_http1_piece *out)
{
    out->data = at;
    out->data_bytes = n < p->chunk ? n : (size_t)p->chunk;
    out->consumed += out->data_bytes;
    p->chunk -= out->data_bytes;
    if (p->chunk == 0)
        p->phase = WF_HTTP1_AT_DATA_CR;
}

static weft_err trailers(wf_http1 *p, const uint8_t *at, size_t n, wf_http1_piece *out,
                         weft_why *why)
{
    uint32_t max = p->limits->trailer_fields_max;
    size_t scanned = p->scanned, bytes = wf_http1_section_end(at, n, &scanned);

    if ((bytes > 0 ? bytes : n) > p->limits->trailer_bytes_max)
        return failed(p, out,
                      weft_because(why, WEFT_ETOOBIG,
                                   "a trailer section of more than %u bytes (trailer_bytes_max)",
                                   p->limits->trailer_bytes_max),
                      431);
    if (bytes == 0) {
        p->scanned = (uint32_t)scanned;
        return WEFT_OK;
    }

    wf_http1_reading r = {
        .start = (const char *)at,
        .end = (const char *)at + bytes,
        .limits = p->limits,
        .fields = out->trailers,
        .fields_max = out->trailers == NULL || out->trailers_max > max ? max : out->trailers_max,
        .why = why,
    };
    weft_err err = wf_http1_machine_trailers(&r);
    if (err != WEFT_OK)
        return failed(p, out, err, r.status);
    out->consumed += bytes;
    out->trailers_count = out->trailers != NULL ? r.fields_count : 0;
    p->phase = WF_HTTP1_AT_DONE;
    return WEFT_OK;
}

static weft_err chunked(wf_http1 *p, const uint8_t *at, size_t n, wf_http1_piece *out,
                        weft_why *why)
{
    weft_err err = WEFT_OK;

    if (between_data(p) && n > 0)
        err = chunk_line(p, at, n, out, why);
    if (err != WEFT_OK || out->consumed == n)
        return err;
    at += out->consumed;
    n -= out->consumed;
    if (p->phase == WF_HTTP1_AT_TRAILERS)
        return trailers(p, at, n, out, why);
    chunk_data(p, at, n, out);
    return WEFT_OK;
}

weft_err wf_http1_body(wf_http1 *p, const uint8_t *at, size_t n, wf_http1_piece *out, weft_why *why)
{
    weft_err err = WEFT_OK;

    out->consumed = 0;
    out->data = NULL;
    out->data_bytes = 0;
    out->trailers_count = 0;
    out->status = 0;

    switch (p->phase) {
    case WF_HTTP1_AT_DONE:
        break;
    case WF_HTTP1_AT_LENGTH:
        take(p, at, n, out);
        if (p->left == 0)
            p->phase = WF_HTTP1_AT_DONE;
        break;
    case WF_HTTP1_AT_UNTIL_CLOSE:
        if (p->left == 0 && n > 0)
            err = too_big(p, out, why);
        else
            take(p, at, n, out);
        break;
    case WF_HTTP1_AT_FAILED:
        err = failed(p, out, weft_because(why, WEFT_EPROTO, "the message was refused before"), 400);
        break;
    default:
        err = chunked(p, at, n, out, why);
        break;
    }
    out->complete = p->phase == WF_HTTP1_AT_DONE;
    return err;
}

weft_err wf_http1_body_ended(const wf_http1 *p, weft_why *why)
{
    if (p->phase == WF_HTTP1_AT_DONE || p->phase == WF_HTTP1_AT_UNTIL_CLOSE)
        return WEFT_OK;
    /* RFC 9112 section 8: "A message body that uses the chunked transfer coding is incomplete if
     * the zero-sized chunk that terminates the encoding has not been received. A message that uses
     * a valid Content-Length is incomplete if the size of the message body received (in octets) is
     * less than the value given by Content-Length." */
    if (p->phase == WF_HTTP1_AT_LENGTH)
        return weft_because(why, WEFT_ETRUNCATED,
                            "the connection ended %llu bytes before the end of the body",
                            (unsigned long long)p->left);
    return weft_because(why, WEFT_ETRUNCATED, "the connection ended before the last chunk");
}
