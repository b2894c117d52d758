/* SPDX-License-Identifier: MIT */
/* Hellos: protobuf, so that any version reads that of any other, and checked before anything is believed. */
#include <stdio.h>
#include <string.h>

#include <weft/pack.h>

#include "link_session.h"
#include "weft_link.pb-c.h"

enum { ARENA_BYTES_MAX = 64 << 10 };

static const weft_type hello_type =
    WEFT_TYPE_PROTO("weft.link.hello", Weft__Link__Hello, &weft__link__hello__descriptor, NULL);

size_t wf_link_write_hello(uint8_t *to, const link_hello *hello)
{
    char node[LINK_NODE_BYTES], cluster[LINK_NODE_BYTES];
    Weft__Link__Hello h;
    weft__link__hello__init(&h);
    memcpy(node, hello->node, sizeof node);
    memcpy(cluster, hello->cluster, sizeof cluster);
    h.version = LINK_VERSION;
    h.node = node;
    h.cluster = cluster;
    h.life = hello->life;
    h.attempt = hello->attempt;
    h.frame_bytes_max = hello->frame_bytes_max;
    h.credit_bytes = hello->credit_bytes;
    h.features = hello->features;
    weft_pack(&hello_type, &h, to);
    return weft_packed_bytes(&hello_type, &h);
}

bool wf_link_is_name(const char *text)
{
    size_t n = strnlen(text, LINK_NODE_BYTES);
    return n != 0 && n != LINK_NODE_BYTES &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/") == n;
}

static weft_err check(const Weft__Link__Hello *h, weft_why *why)
{
    if (h->version != LINK_VERSION)
        return weft_because(why, WEFT_EUNSUPPORTED, "the peer speaks version %u; expected %d",
                            h->version, LINK_VERSION);
    if (h->life == 0)
        return WEFT_OK;
    if (!wf_link_is_name(h->node))
        return weft_because(why, WEFT_EPROTO, "the peer's name is no name of a node");
    if (h->cluster[0] != '\0' && !wf_link_is_name(h->cluster))
        return weft_because(why, WEFT_EPROTO, "the peer's cluster is no name");
    if (h->frame_bytes_max < LINK_FRAME_TARGET || h->credit_bytes == 0)
        return weft_because(why, WEFT_EPROTO,
                            "the peer takes frames of %u bytes; expected %d at least",
                            h->frame_bytes_max, LINK_FRAME_TARGET);
    return WEFT_OK;
}

static weft_err unpack(const link_frame *frame, weft_arena *arena, link_hello *out, weft_why *why)
{
    void *made;
    weft_err err = weft_unpack(&hello_type, frame->body, frame->bytes, arena, &made, why);
    const Weft__Link__Hello *h = made;
    if (err == WEFT_OK)
        err = check(h, why);
    if (err != WEFT_OK)
        return err;
    *out = (link_hello){.life = 0};
    if (h->life == 0) /* what a visitor says of itself has not been looked at */
        return WEFT_OK;
    *out = (link_hello){.life = h->life,
                        .attempt = h->attempt,
                        .frame_bytes_max = h->frame_bytes_max,
                        .credit_bytes = h->credit_bytes,
                        .features = h->features};
    (void)snprintf(out->node, sizeof out->node, "%s", h->node);
    (void)snprintf(out->cluster, sizeof out->cluster, "%s", h->cluster);
    return WEFT_OK;
}

weft_err wf_link_read_hello(const link_frame *frame, link_hello *out, weft_why *why)
{
    if (frame->kind != LINK_HELLO || frame->seq != 1)
        return weft_because(why, WEFT_EPROTO, "the first frame is no hello");
    weft_arena *arena = weft_arena_new(ARENA_BYTES_MAX);
    if (arena == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a hello");
    weft_err err = unpack(frame, arena, out, why);
    weft_arena_free(arena);
    return err;
}
