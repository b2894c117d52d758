/* SPDX-License-Identifier: MIT */
/* Sending: which pipe a message goes to, and what becomes of it when there is none.
 *
 *   asked ──▶ item ──▶ a pipe that has room: put ──▶ taken ──▶ sent (push, pair), or waits for its answer (req)
 *               └────▶ none: the queue ◀── the pipe was lost before it took it ──┘
 *
 *   pub, bus: put to each pipe that has room, and forgotten */
#include <weft/edge.h>

#include "sp_socket.h"

/* What the step behind a put is told: numbers, as either may be gone by then. */
typedef struct put_tag {
    uint32_t item; /* 0: none */
    uint16_t pipe, gen;
} put_tag;
_Static_assert(sizeof(put_tag) == sizeof(uint64_t) && sizeof(void *) == sizeof(uint64_t),
               "a tag is given as a pointer");

static void *tag_pack(put_tag tag)
{
    return (void *)(uintptr_t)((uint64_t)tag.item << 32 | (uint64_t)tag.pipe << 16 | tag.gen);
}

static put_tag tag_unpack(const void *context)
{
    uint64_t word = (uintptr_t)context;
    return (put_tag){(uint32_t)(word >> 32), (uint16_t)(word >> 16), (uint16_t)word};
}

/* ---- a put */

static void taken(weft_actor *self, wf_sp_socket *s, wf_sp_item *item)
{
    item->taken = true;
    if (s->kind->asks) {
        wf_sp_request_taken(self, s, item);
        return;
    }
    (void)weft_reply(item->msg, weft_sp_sent, .pipes = 1);
    wf_sp_item_free(self, s, item);
}

/* It was not written: another pipe may have it, unless the reason is another one. */
static void not_taken(weft_actor *self, wf_sp_socket *s, wf_sp_item *item, const weft_outcome *got)
{
    if (got->err == WEFT_ENOMEM || got->err == WEFT_ELIMIT) {
        (void)weft_fail(item->msg, got->err, "%s", got->why);
        wf_sp_item_free(self, s, item);
    } else if (!item->waits) {
        wf_sp_wait(s, item);
    }
}

static weft_err on_put_done(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_sp_socket *s = weft_state(self);
    put_tag tag = tag_unpack(got->context);
    wf_sp_pipe_entry *pipe = &s->pipes[tag.pipe];
    wf_sp_item *item = tag.item != 0 ? wf_sp_item_of(s, tag.item) : NULL;
    (void)next;
    if (pipe->gen == tag.gen) {
        pipe->on_the_way--;
        pipe->lost = pipe->lost || (got->err != WEFT_OK && got->err != WEFT_ENOMEM);
    }
    if (got->err == WEFT_OK)
        s->counts.sent++;
    else if (tag.item == 0)
        s->counts.dropped++;
    if (item != NULL && item->pipe == tag.pipe && item->pipe_gen == tag.gen) {
        if (got->err == WEFT_OK)
            taken(self, s, item);
        else
            not_taken(self, s, item, got);
    }
    wf_sp_pump(self, s);
    return WEFT_OK;
}

bool wf_sp_put_to(weft_actor *self, wf_sp_socket *s, uint32_t at, const wf_sp_item *item,
                  weft_bytes bytes)
{
    wf_sp_pipe_entry *pipe = &s->pipes[at];
    const put_tag tag = {item != NULL && s->kind->one ? item->id : 0, (uint16_t)at, pipe->gen};
    const wf_sp_put put = {.bytes = bytes,
                           .word = s->kind->asks ? item->id : 1,
                           .has_word = s->kind->asks || s->kind->hops};
    weft_deferred done = weft_ask_body(self, pipe->ref, &wf_sp_put_type, &put, WEFT_NO_LIMIT);
    if (weft_ignore(self, weft_finally_with(self, done, on_put_done, tag_pack(tag))) != WEFT_OK)
        return false;
    pipe->on_the_way++;
    return true;
}

/* ---- one pipe */

bool wf_sp_has_room(const wf_sp_socket *s, uint32_t at)
{
    const wf_sp_pipe_entry *pipe = &s->pipes[at];
    return !weft_ref_is_nobody(pipe->ref) && !pipe->lost &&
           pipe->on_the_way < s->config.pipe_queue_max;
}

/* The next in turn that has room; UINT32_MAX: none. */
static uint32_t choose(wf_sp_socket *s)
{
    for (uint32_t i = 0; i < s->pipes_n; i++) {
        uint32_t at = (s->next_pipe + i) % s->pipes_n;
        if (!wf_sp_has_room(s, at))
            continue;
        s->next_pipe = at + 1;
        return at;
    }
    return UINT32_MAX;
}

static void send_by(weft_actor *self, wf_sp_socket *s, wf_sp_item *item, uint32_t at)
{
    item->pipe = (uint16_t)at;
    item->pipe_gen = s->pipes[at].gen;
    item->taken = false;
    if (wf_sp_put_to(self, s, at, item, wf_sp_item_bytes(item)))
        return;
    (void)weft_fail(item->msg, WEFT_ENOMEM, "no memory to send a message");
    wf_sp_item_free(self, s, item);
}

void wf_sp_pump(weft_actor *self, wf_sp_socket *s)
{
    while (s->first != NULL && !s->stopping) {
        uint32_t at = choose(s);
        if (at == UINT32_MAX)
            return;
        wf_sp_item *item = s->first;
        wf_sp_wait_no_more(s, item);
        send_by(self, s, item, at);
    }
}

void wf_sp_dispatch(weft_actor *self, wf_sp_socket *s, wf_sp_item *item)
{
    wf_sp_wait(s, item);
    wf_sp_pump(self, s);
}

static bool is_full(const wf_sp_socket *s, const weft_sp_message *m)
{
    return s->waiting >= s->config.queue_max ||
           (s->waiting != 0 && s->waiting_bytes + m->bytes.size > s->config.queue_bytes_max);
}

static weft_err send_one(weft_actor *self, wf_sp_socket *s, weft_msg *msg)
{
    wf_sp_item *item;
    /* what waits shows that there is no pipe with room */
    weft_err err = is_full(s, weft_body(msg)) ? WEFT_EFULL : wf_sp_item_new(self, s, msg, &item);
    if (err == WEFT_EFULL) {
        s->counts.refused++;
        return weft_fail(msg, err, "%u messages wait for a pipe already", s->waiting);
    }
    if (err == WEFT_OK)
        wf_sp_dispatch(self, s, item);
    return err;
}

/* ---- all pipes */

static weft_err send_all(weft_actor *self, wf_sp_socket *s, weft_msg *msg)
{
    const weft_sp_message *m = weft_body(msg);
    weft_sp_sent sent = {.pipes = 0};
    for (uint32_t at = 0; at < s->pipes_n; at++) {
        if (weft_ref_is_nobody(s->pipes[at].ref))
            continue;
        if (wf_sp_has_room(s, at) && wf_sp_put_to(self, s, at, NULL, m->bytes))
            sent.pipes++;
        else
            sent.dropped++;
    }
    s->counts.dropped += sent.dropped;
    return weft_reply_body(msg, &weft_sp_sent_type, &sent);
}

/* ---- what is asked */

weft_err wf_sp_on_message(weft_actor *self, weft_msg *msg)
{
    wf_sp_socket *s = weft_state(self);
    if (!s->kind->sends)
        return weft_fail(msg, WEFT_EUNSUPPORTED, "a %s sends nothing of its own", s->kind->name);
    if (s->stopping)
        return WEFT_ESTOPPING;
    if (s->kind->asks && !weft_is_request(msg))
        return weft_fail(msg, WEFT_EUNSUPPORTED, "a %s is asked, not told", s->kind->name);
    if (s->kind->one)
        return send_one(self, s, msg);
    return s->kind->asks ? wf_sp_survey_all(self, s, msg) : send_all(self, s, msg);
}

weft_err wf_sp_on_cancelled(weft_actor *self, weft_msg *msg)
{
    wf_sp_socket *s = weft_state(self);
    const weft_cancelled *cancelled = weft_body(msg);
    for (uint32_t i = 0; i < s->items_room; i++)
        if (s->items[i] != NULL && s->items[i]->msg == cancelled->msg) {
            wf_sp_item_free(self, s, s->items[i]);
            break;
        }
    return WEFT_OK;
}

void wf_sp_fail_all(weft_actor *self, wf_sp_socket *s, weft_err err)
{
    for (uint32_t i = 0; i < s->items_room; i++)
        if (s->items[i] != NULL) {
            (void)weft_fail(s->items[i]->msg, err, "the socket has ended");
            wf_sp_item_free(self, s, s->items[i]);
        }
}
