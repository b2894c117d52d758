/* SPDX-License-Identifier: MIT */
/* Frames: their heads, and gathering those that come in pieces. */
#include "link_codec.h"

#include <string.h>

#include <weft/edge.h>

#include "link_bytes.h"

static const char *const kind_names[] = {
    [LINK_HELLO] = "hello",   [LINK_MAIL] = "mail", [LINK_CHUNK] = "chunk", [LINK_ATOMS] = "atoms",
    [LINK_CREDIT] = "credit", [LINK_PING] = "ping", [LINK_PONG] = "pong",   [LINK_BYE] = "goodbye",
};

void wf_link_write_head(uint8_t to[LINK_HEAD_BYTES], link_kind kind, uint64_t seq, uint32_t bytes)
{
    store_u32(to, bytes);
    to[4] = (uint8_t)kind;
    to[5] = to[6] = to[7] = 0;
    store_u64(to + 8, seq);
}

static weft_err read_head(const link_reader *reader, const uint8_t *head, link_frame *out,
                          weft_why *why)
{
    unsigned kind = head[4];
    if (kind < LINK_HELLO || kind > LINK_BYE)
        return weft_because(why, WEFT_EPROTO, "a frame of kind %u; expected %u to %u", kind,
                            (unsigned)LINK_HELLO, (unsigned)LINK_BYE);
    if ((head[5] | head[6] | head[7]) != 0)
        return weft_because(why, WEFT_EPROTO, "a %s frame with flags %02x%02x%02x; expected none",
                            kind_names[kind], head[5], head[6], head[7]);
    uint32_t bytes = load_u32(head);
    if (bytes > reader->bytes_max)
        return weft_because(why, WEFT_ETOOBIG, "a %s frame of %u bytes; expected %u at most",
                            kind_names[kind], bytes, reader->bytes_max);
    *out = (link_frame){.kind = (link_kind)kind, .seq = load_u64(head + 8), .bytes = bytes};
    return WEFT_OK;
}

static void take(const uint8_t **at, size_t *n, uint8_t *to, size_t bytes)
{
    memcpy(to, *at, bytes);
    *at += bytes;
    *n -= bytes;
}

/* The head of a frame, of which none or some has come before. EFULL: not whole yet. */
static weft_err gather_head(link_reader *reader, const uint8_t **at, size_t *n, weft_why *why)
{
    size_t part = LINK_HEAD_BYTES - reader->head_n;
    part = part < *n ? part : *n;
    if (part != 0)
        take(at, n, reader->head + reader->head_n, part);
    reader->head_n += (uint32_t)part;
    if (reader->head_n < LINK_HEAD_BYTES)
        return WEFT_EFULL;
    return read_head(reader, reader->head, &reader->frame, why);
}

static weft_err gather_body(link_reader *reader, const uint8_t **at, size_t *n, weft_why *why)
{
    uint32_t bytes = reader->frame.bytes;
    if (reader->kept == NULL && *n >= bytes) {
        reader->frame.body = *at;
        *at += bytes;
        *n -= bytes;
        return WEFT_OK;
    }
    if (reader->kept == NULL && (reader->kept = weft_alloc(bytes)) == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a frame of %u bytes", bytes);
    size_t part = bytes - reader->kept_n;
    part = part < *n ? part : *n;
    if (part != 0)
        take(at, n, reader->kept + reader->kept_n, part);
    reader->kept_n += (uint32_t)part;
    reader->frame.body = reader->kept;
    return reader->kept_n == bytes ? WEFT_OK : WEFT_EFULL;
}

weft_err wf_link_read(link_reader *reader, const uint8_t **at, size_t *n, link_frame *out,
                      weft_why *why)
{
    weft_err err = WEFT_OK;
    if (reader->kept != NULL && reader->kept_n == reader->frame.bytes)
        wf_link_reader_done(reader); /* the one before was given out */
    if (reader->head_n < LINK_HEAD_BYTES)
        err = gather_head(reader, at, n, why);
    if (err == WEFT_OK)
        err = gather_body(reader, at, n, why);
    if (err != WEFT_OK)
        return err;
    *out = reader->frame;
    reader->head_n = 0;
    return WEFT_OK;
}

void wf_link_reader_done(link_reader *reader)
{
    weft_alloc_free(reader->kept);
    reader->kept = NULL;
    reader->kept_n = 0;
}

/* ---- chunks */

void wf_link_write_chunk_head(uint8_t to[LINK_CHUNK_HEAD_BYTES], const link_chunk *chunk)
{
    store_u32(to, chunk->id);
    store_u32(to + 4, chunk->total);
    store_u32(to + 8, chunk->offset);
    store_u32(to + 12, chunk->bytes);
}

weft_err wf_link_read_chunk(const link_frame *frame, link_chunk *out, weft_why *why)
{
    if (frame->bytes < LINK_CHUNK_HEAD_BYTES)
        return weft_because(why, WEFT_EPROTO, "a chunk frame of %u bytes; expected %d at least",
                            frame->bytes, LINK_CHUNK_HEAD_BYTES);
    link_chunk c = {.id = load_u32(frame->body),
                    .total = load_u32(frame->body + 4),
                    .offset = load_u32(frame->body + 8),
                    .at = frame->body + LINK_CHUNK_HEAD_BYTES,
                    .bytes = load_u32(frame->body + 12)};
    if (c.bytes != frame->bytes - LINK_CHUNK_HEAD_BYTES || c.bytes == 0 ||
        c.bytes > LINK_CHUNK_BYTES_MAX)
        return weft_because(why, WEFT_EPROTO, "a chunk of %u bytes in a frame of %u", c.bytes,
                            frame->bytes);
    if (c.offset > c.total || c.bytes > c.total - c.offset)
        return weft_because(why, WEFT_EPROTO, "a chunk of bytes %u to %" PRIu64 " of %u", c.offset,
                            (uint64_t)c.offset + c.bytes, c.total);
    *out = c;
    return WEFT_OK;
}

/* ---- pairs */

void wf_link_write_pair(uint8_t to[LINK_PAIR_BYTES], link_pair pair)
{
    store_u64(to, pair.value);
    store_u64(to + 8, pair.consumed);
}

weft_err wf_link_read_pair(const link_frame *frame, link_pair *out, weft_why *why)
{
    if (frame->bytes != LINK_PAIR_BYTES)
        return weft_because(why, WEFT_EPROTO, "a %s frame of %u bytes; expected %d",
                            kind_names[frame->kind], frame->bytes, LINK_PAIR_BYTES);
    *out = (link_pair){load_u64(frame->body), load_u64(frame->body + 8)};
    return WEFT_OK;
}

/* ---- goodbyes */

size_t wf_link_write_goodbye(uint8_t to[LINK_GOODBYE_BYTES_MAX], const link_goodbye *goodbye)
{
    size_t n = strnlen(goodbye->why, LINK_BYE_BYTES_MAX - 1);
    size_t all = padded(16 + n);
    memset(to, 0, all);
    store_u32(to, (uint32_t)goodbye->reason);
    store_u32(to + 4, (uint32_t)n);
    store_u64(to + 8, goodbye->consumed);
    memcpy(to + 16, goodbye->why, n);
    return all;
}

/* What a peer says is shown in logs: whatever is no printing character becomes a question mark. */
static void copy_text(char *to, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] >= 0x20 && from[i] < 0x7f ? (char)from[i] : '?';
    to[n] = '\0';
}

weft_err wf_link_read_goodbye(const link_frame *frame, link_goodbye *out, weft_why *why)
{
    uint32_t reason = frame->bytes >= 16 ? load_u32(frame->body) : 0;
    uint32_t n = frame->bytes >= 16 ? load_u32(frame->body + 4) : 0;
    if (reason < LINK_BYE_DONE || reason > LINK_BYE_LAST || n >= LINK_BYE_BYTES_MAX ||
        frame->bytes != padded(16 + (size_t)n))
        return weft_because(why, WEFT_EPROTO, "a goodbye frame of %u bytes, for reason %u",
                            frame->bytes, reason);
    out->reason = (link_bye)reason;
    out->consumed = load_u64(frame->body + 8);
    copy_text(out->why, frame->body + 16, n);
    return WEFT_OK;
}
