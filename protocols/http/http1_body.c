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

/* Takes the line of a chunk, and the line end of the data before it. */
static weft_err chunk_line(wf_http1 *p, const uint8_t *at, size_t n, wf_http1_piece *out,
                           weft_why *why)
{
    wf_http1_chunk chunk;
    weft_err err = wf_http1_machine_chunk_line(&p->machine, at, n, &chunk, why);

    if (err != WEFT_OK)
        return failed(p, out, err, 400);
    out->consumed += chunk.consumed;

    /* RFC 9112 section 7.1.1: "A server ought to limit the total length of chunk extensions
     * received in a request to an amount reasonable for the services provided". Leading zeros are
     * no better. */
    uint64_t excess = p->excess + (uint64_t)chunk.consumed;
    if (excess > (uint64_t)p->limits->chunk_excess_bytes_max + WF_HTTP1_CHUNK_FREE_BYTES)
        return failed(
            p, out,
            weft_because(why, WEFT_EPROTO,
                         "chunk extensions of more than %u bytes (chunk_excess_bytes_max)",
                         p->limits->chunk_excess_bytes_max),
            400);
    p->excess = (uint32_t)excess;
    if (!chunk.begun)
        return WEFT_OK;
    if (chunk.left > p->left)
        return too_big(p, out, why);

    uint64_t paid = chunk.left > UINT32_MAX ? UINT32_MAX : chunk.left;
    paid = WF_HTTP1_CHUNK_FREE_BYTES + WF_HTTP1_CHUNK_FREE_BYTES_PER_BYTE * paid;
    p->excess = excess > paid ? (uint32_t)(excess - paid) : 0;
    p->left -= chunk.left;
    p->phase = chunk.left > 0 ? WF_HTTP1_AT_CHUNK_DATA : WF_HTTP1_AT_TRAILERS;
    return WEFT_OK;
}

static weft_err chunk_data(wf_http1 *p, const uint8_t *at, size_t n, wf_http1_piece *out,
                           weft_why *why)
{
    wf_http1_chunk chunk;
    weft_err err = wf_http1_machine_chunk_data(&p->machine, at, n, &chunk, why);

    if (err != WEFT_OK)
        return failed(p, out, err, 500);
    out->data = at;
    out->data_bytes = chunk.consumed;
    out->consumed += chunk.consumed;
    if (chunk.left == 0)
        p->phase = WF_HTTP1_AT_CHUNK_LINE;
    return WEFT_OK;
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
    weft_err err = wf_http1_machine_trailers(&p->machine, &r);
    if (err != WEFT_OK)
        return failed(p, out, err, r.status);
    out->consumed += bytes;
    out->trailers_count = out->trailers != NULL ? r.fields_count : 0;
    p->phase = WF_HTTP1_AT_DONE;
    return WEFT_OK;
}

/* Chunk after chunk until there is data, or no more bytes, or the end. */
static weft_err chunked(wf_http1 *p, const uint8_t *at, size_t n, wf_http1_piece *out,
                        weft_why *why)
{
    weft_err err = WEFT_OK;

    while (err == WEFT_OK && p->phase == WF_HTTP1_AT_CHUNK_LINE && out->consumed < n)
        err = chunk_line(p, at + out->consumed, n - out->consumed, out, why);
    if (err == WEFT_OK && p->phase == WF_HTTP1_AT_CHUNK_DATA && out->consumed < n)
        err = chunk_data(p, at + out->consumed, n - out->consumed, out, why);
    else if (err == WEFT_OK && p->phase == WF_HTTP1_AT_TRAILERS && out->consumed < n)
        err = trailers(p, at + out->consumed, n - out->consumed, out, why);
    return err;
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
