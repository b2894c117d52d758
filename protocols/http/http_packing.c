/* SPDX-License-Identifier: MIT */
/* Packing a response's body on its way. */
#include "http_packing.h"

#include <string.h>

#include "http_chunk.h"
#include "http_packer.h"

/* What a step makes at most: not packed at all it has a few bytes for each block more, and those of a flush. */
enum { STEP_ROOM = WF_HTTP_PACK_STEP_BYTES + 512 };

struct wf_http_packing {
    wf_http_exchange *x;
    const wf_http_packer *packer;
    void *state;
    bool whole; /* the body is here, not written to a stream */
    bool ended;
    uint64_t bytes;  /* of the body, 0: unknown */
    weft_bytes rest; /* whole: what is still to be packed */
    uint32_t *count; /* of all on this reactor */
    weft_hook hook;
};

/* ---- steps */

static bool has_room(const wf_http_exchange *x)
{
    return x->conn->first == x && (x->flags & WF_HTTP_X_OVER) == 0 &&
           !weft_write_full(x->site_actor, x->conn->stream);
}

/* What is packed goes to the client as a chunk. */
static weft_err send(wf_http_packing *p, weft_bytes packed)
{
    wf_http_exchange *x = p->x;
    weft_err err =
        packed.size != 0 ? wf_http_chunk_write(x->site_actor, x->conn->stream, packed) : WEFT_OK;

    if (err == WEFT_OK) {
        x->sent_bytes += packed.size;
        wf_http_wrote(x->conn);
    }
    return err;
}

static weft_err run(wf_http_packing *p, wf_http_pack_how how, const uint8_t *in, size_t in_n,
                    uint8_t **to, size_t *room)
{
    bool done = false;
    weft_err err = p->packer->run(p->state, how, &in, &in_n, to, room, &done);

    /* a step is never larger than its room */
    return err == WEFT_OK && !done ? WEFT_EINTERNAL : err;
}

/* The first bytes of @items are given with MORE, and the last of the step with a flush. */
static weft_err pack_step(wf_http_packing *p, const weft_leaf_item *items, unsigned n, uint8_t **to,
                          size_t *room, size_t *used)
{
    weft_err err = WEFT_OK;

    for (unsigned i = 0; i < n && items[i].file == NULL && err == WEFT_OK; i++) {
        size_t left = WF_HTTP_PACK_STEP_BYTES - *used, take = items[i].bytes.size;
        bool last = take >= left || i + 1 == n || items[i + 1].file != NULL;
        take = take < left ? take : left;
        err = run(p, last ? WF_HTTP_PACK_FLUSH : WF_HTTP_PACK_MORE, items[i].bytes.at, take, to,
                  room);
        *used += take;
        if (last)
            break;
    }
    return err;
}

weft_err wf_http_packing_write(wf_http_packing *p, const weft_leaf_item *items, unsigned n,
                               size_t *used)
{
    size_t room = STEP_ROOM;
    weft_bytes packed;
    uint8_t *to;
    weft_err err = weft_bytes_new(room, &to, &packed);

    *used = 0;
    if (err != WEFT_OK)
        return err;
    err = pack_step(p, items, n, &to, &room, used);
    packed.size = STEP_ROOM - room;
    if (err == WEFT_OK)
        err = send(p, packed);
    weft_bytes_drop(&packed);
    return err;
}

weft_err wf_http_packing_end(wf_http_packing *p)
{
    uint8_t end[512], *to = end;
    size_t room = sizeof end;

    if (p->ended)
        return WEFT_OK;
    p->ended = true;
    weft_err err = run(p, WF_HTTP_PACK_END, NULL, 0, &to, &room);
    weft_bytes packed = WEFT_NO_BYTES;
    if (err == WEFT_OK)
        err = weft_bytes_new(sizeof end - room, &to, &packed);
    if (err != WEFT_OK)
        return err;
    memcpy(to, end, packed.size);
    err = send(p, packed);
    weft_bytes_drop(&packed);
    return err;
}

/* ---- a whole body */

static weft_err write_rest(wf_http_packing *p)
{
    const weft_leaf_item item = {.bytes = p->rest};
    size_t used;
    weft_err err = wf_http_packing_write(p, &item, 1, &used);

    if (err != WEFT_OK || used < p->rest.size) {
        p->rest = weft_bytes_slice(p->rest, used, SIZE_MAX);
        return err;
    }
    weft_bytes_drop(&p->rest);
    return wf_http_packing_end(p);
}

static void step(weft_actor *self, void *context)
{
    wf_http_packing *p = context;
    wf_http_exchange *x = p->x;
    weft_err err = p->ended ? WEFT_OK : write_rest(p);

    if (err == WEFT_OK && p->ended)
        err = weft_write(self, x->conn->stream, WEFT_BYTES_LITERAL(WF_HTTP1_CHUNKS_END));
    if (err == WEFT_EFULL)
        return; /* the end, after `drained` */
    if (err != WEFT_OK) {
        weft_log(self, WEFT_WARNING, "a response was cut short: %s", weft_err_text(err));
        wf_http_close(self, x->conn,
                      WEFT_OK); /* in the middle of chunks, so it does not look whole */
        return;
    }
    if (!p->ended) {
        wf_http_packing_drained(x);
        return;
    }
    x->flags |= WF_HTTP_X_OVER;
    wf_http_wrote(x->conn);
    wf_http_output(self, x->conn);
}

static void on_hook(weft_hook *hook)
{
    wf_http_packing *p =
        (wf_http_packing *)(void *)((char *)hook - offsetof(wf_http_packing, hook));

    if (has_room(p->x))
        weft_enter(p->x->site_actor, step, p);
}

void wf_http_packing_drained(wf_http_exchange *x)
{
    wf_http_packing *p = x->packing;

    if (p != NULL && p->whole && (x->flags & WF_HTTP_X_HEAD_SENT) != 0 && has_room(x))
        weft_hook_queue(&p->hook);
}

bool wf_http_packing_begin(wf_http_exchange *x)
{
    if (x->packing == NULL || !x->packing->whole)
        return false;
    wf_http_packing_drained(x);
    return true;
}

uint64_t wf_http_packing_bytes(const wf_http_packing *p)
{
    return p->bytes;
}

/* ---- its life */

bool wf_http_packing_open(wf_http_exchange *x, wf_http_coding coding, const weft_http_answer *a)
{
    wf_http_reactor *h = wf_http_reactor_here();
    uint32_t max = x->row->compress->packings_max;
    wf_http_packing *p = NULL;

    if (h != NULL && h->packings < (max != 0 ? max : WF_HTTP_PACKINGS_MAX_DEFAULT))
        p = weft_alloc_zero(sizeof *p);
    if (p == NULL)
        return false;
    p->packer = wf_http_packer_of(coding);
    p->state = p->packer->open(WF_HTTP_PACK_WINDOW_STREAM);
    if (p->state == NULL) {
        weft_alloc_free(p);
        return false;
    }
    p->x = x;
    p->whole = !a->stream;
    p->bytes = a->stream_bytes;
    p->rest = weft_bytes_share(a->body);
    p->hook.run = on_hook;
    p->count = &h->packings;
    h->packings++;
    x->packing = p;
    return true;
}

void wf_http_packing_free(wf_http_packing **at)
{
    wf_http_packing *p = *at;

    *at = NULL;
    if (p == NULL)
        return;
    weft_hook_cancel(&p->hook);
    weft_bytes_drop(&p->rest);
    p->packer->close(p->state);
    (*p->count)--;
    weft_alloc_free(p);
}
