/* SPDX-License-Identifier: MIT */
/* Peers: an actor at one end of a stream that does what a test says, and remembers what came. */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/net.h>

enum { PIECE_BYTES = 64 << 10, GOT_BYTES = 256, CUT_AGAIN_MS = 1 };

typedef struct peer_state {
    wf_peer *peer; /* NULL: one connection too many */
    weft_msg *held;
} peer_state;

typedef enum peer_act { PEER_GO, PEER_ABORT, PEER_HEAR } peer_act;

typedef struct peer_do {
    peer_act act;
} peer_do;
static const weft_type peer_do_type = WEFT_TYPE("weft.sim_peer_do", peer_do, NULL);

/* ---- memory, past the tap: it is the test's, not that of what is tested */

static void *must(void *block)
{
    if (block == NULL)
        abort();
    return block;
}

static void free_peer(wire_kept *kept)
{
    wf_peer *p = (wf_peer *)(void *)((char *)kept - offsetof(wf_peer, kept));
    for (peer_said *said = p->said, *next; said != NULL; said = next) {
        next = said->next;
        free(said);
    }
    free(p->got);
    free(p);
}

static wf_peer *new_peer(weft_sim *sim, const char *url)
{
    wf_peer *p = must(calloc(1, sizeof *p));
    p->seen.sim = sim;
    p->url = url;
    p->said_tail = &p->said;
    p->cut_sent = p->cut_got = SIZE_MAX;
    p->got_room = GOT_BYTES;
    p->seen.got = p->got = must(calloc(1, GOT_BYTES));
    p->kept.free = free_peer;
    if (wf_wire_keep(sim, &p->kept) != WEFT_OK)
        abort();
    return p;
}

static void put_got(wf_peer *p, const uint8_t *at, size_t n)
{
    if (p->seen.got_bytes + n >= p->got_room) {
        p->got_room = 2 * (p->seen.got_bytes + n) + 1;
        p->seen.got = p->got = must(realloc(p->got, p->got_room));
    }
    memcpy(p->got + p->seen.got_bytes, at, n);
    p->seen.got_bytes += n;
    p->got[p->seen.got_bytes] = '\0';
}

/* ---- what it sends */

static void forget_unsent(wf_peer *p)
{
    p->unsent = NULL;
    p->seen.waiting = 0;
}

/* All that was to be sent before the cut has been written: it must leave before the connection goes. */
static void cut(weft_actor *self, wf_peer *p)
{
    conn *c = wf_conn_here(p->seen.stream);
    forget_unsent(p);
    if (c == NULL)
        return;
    wf_conn_flush(c);
    if (weft_write_left(self, p->seen.stream) == 0 ||
        weft_after(self, CUT_AGAIN_MS, peer_do, .act = PEER_GO).gen == 0)
        (void)weft_abort(self, p->seen.stream, WEFT_OK);
}

/* errors: as weft_write. */
static weft_err send_piece(weft_actor *self, wf_peer *p)
{
    peer_said *said = p->unsent;
    size_t n = said->size - said->at, left = p->cut_sent - p->sent;
    n = n < PIECE_BYTES ? n : PIECE_BYTES;
    n = n < left ? n : left;
    weft_err err = weft_write(self, p->seen.stream, weft_bytes_static(said->bytes + said->at, n));
    if (err != WEFT_OK)
        return err;
    said->at += n;
    p->sent += n;
    p->seen.waiting -= n;
    if (said->at == said->size)
        p->unsent = said->next;
    return WEFT_OK;
}

static void send_rest(weft_actor *self, wf_peer *p)
{
    while (p->unsent != NULL && p->sent < p->cut_sent) {
        weft_err err = send_piece(self, p);
        if (err == WEFT_EFULL)
            return;
        if (err != WEFT_OK)
            forget_unsent(p);
    }
    if (p->sent >= p->cut_sent) {
        cut(self, p);
        return;
    }
    if (p->ending)
        (void)weft_end(self, p->seen.stream);
    if (p->closing)
        (void)weft_close(self, p->seen.stream);
    p->ending = p->closing = false;
}

/* ---- what it is told */

/* It never came to be. */
static weft_err failed(weft_actor *self, wf_peer *p, weft_err reason)
{
    p->seen.closed = true;
    p->seen.reason = reason;
    (void)snprintf(p->seen.why, sizeof p->seen.why, "%s", weft_err_text(reason));
    return weft_stop(self, WEFT_OK);
}

static weft_err begin_string(weft_actor *self, wf_peer *p)
{
    weft_ref end[2];
    weft_err err = weft_monitor(self, p->seen.owner);
    if (err == WEFT_OK)
        err = weft_pair(self, p->seen.owner, weft_self(self), end);
    if (err != WEFT_OK)
        return failed(self, p, err);
    p->seen.stream = end[1];
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    peer_state *s = weft_state(self);
    wf_peer *p = (wf_peer *)(uintptr_t)weft_config(self);
    (void)msg;
    if (!weft_ref_is_nobody(p->seen.actor))
        return weft_stop(self, WEFT_OK);
    s->peer = p;
    p->seen.actor = weft_self(self);
    if (p->listens)
        return WEFT_OK;
    if (p->url == NULL)
        return begin_string(self, p);
    p->seen.stream = weft_connect(self, p->url, weft_self(self));
    return weft_ref_is_nobody(p->seen.stream) ? failed(self, p, WEFT_ENOMEM) : WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const peer_state *s = weft_state(self);
    if (s->peer == NULL)
        return WEFT_OK;
    s->peer->seen.stream = ((const weft_opened *)weft_body(msg))->stream;
    s->peer->seen.opened = true;
    send_rest(self, s->peer);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    peer_state *s = weft_state(self);
    wf_peer *p = s->peer;
    const weft_data *data = weft_body(msg);
    if (p == NULL)
        return WEFT_OK;
    size_t left = p->cut_got - p->seen.got_bytes;
    put_got(p, data->bytes.at, data->bytes.size < left ? data->bytes.size : left);
    if (p->seen.got_bytes >= p->cut_got)
        return weft_abort(self, p->seen.stream, WEFT_OK);
    if (p->deaf)
        s->held = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    const peer_state *s = weft_state(self);
    (void)msg;
    if (s->peer != NULL)
        s->peer->seen.ended = true;
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    const peer_state *s = weft_state(self);
    (void)msg;
    if (s->peer != NULL)
        send_rest(self, s->peer);
    return WEFT_OK;
}

/* Of a string it lives on, to hear of the end of the actor under test. */
static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    peer_state *s = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    weft_drop(&s->held);
    if (s->peer == NULL)
        return weft_stop(self, WEFT_OK);
    weft_sim_peer *seen = &s->peer->seen;
    seen->closed = true;
    seen->reason = closed->reason;
    (void)snprintf(seen->why, sizeof seen->why, "%s", closed->why);
    forget_unsent(s->peer);
    return s->peer->url == NULL ? WEFT_OK : weft_stop(self, WEFT_OK);
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    const peer_state *s = weft_state(self);
    s->peer->seen.owner_gone = true;
    s->peer->seen.owner_reason = ((const weft_down *)weft_body(msg))->reason;
    return WEFT_OK;
}

static weft_err on_do(weft_actor *self, weft_msg *msg)
{
    peer_state *s = weft_state(self);
    switch (((const peer_do *)weft_body(msg))->act) {
    case PEER_ABORT:
        return weft_abort(self, s->peer->seen.stream, WEFT_OK);
    case PEER_HEAR:
        weft_drop(&s->held);
        return WEFT_OK;
    default:
        if (s->peer->seen.opened && !s->peer->seen.closed)
            send_rest(self, s->peer);
        return WEFT_OK;
    }
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &peer_do_type, .fn = on_do},
    {0},
};

static const weft_behaviour behaviour = {
    .name = "weft.sim_peer", .handlers = handlers, .state_bytes = sizeof(peer_state)};

/* ---- making one */

static weft_sim_peer *begin(wf_peer *p)
{
    if (weft_ref_is_nobody(weft_sim_spawn(p->seen.sim, &behaviour, p))) {
        p->seen.closed = true;
        p->seen.reason = WEFT_ENOMEM;
    }
    (void)weft_sim_run(p->seen.sim);
    return &p->seen;
}

weft_sim_peer *weft_sim_connect(weft_sim *sim, const char *url)
{
    return begin(new_peer(sim, url));
}

weft_sim_peer *weft_sim_connect_deaf(weft_sim *sim, const char *url)
{
    wf_peer *p = new_peer(sim, url);
    p->deaf = true;
    return begin(p);
}

weft_sim_peer *weft_sim_listen(weft_sim *sim, const char *url)
{
    wf_peer *p = new_peer(sim, url);
    weft_listening at;
    weft_why why = {""};
    p->listens = true;
    p->seen.reason = weft_listen_at(weft_sim_system(sim), url, &behaviour, p, &at, &why);
    p->seen.closed = p->seen.reason != WEFT_OK;
    (void)snprintf(p->seen.why, sizeof p->seen.why, "%.*s", (int)sizeof p->seen.why - 1, why.text);
    return &p->seen;
}

weft_sim_peer *weft_sim_string(weft_sim *sim, const weft_behaviour *tested, const void *config)
{
    wf_peer *p = new_peer(sim, NULL);
    p->seen.owner = weft_sim_spawn(sim, tested, config);
    return begin(p);
}

/* ---- what a test says */

static void act(wf_peer *p, peer_act what)
{
    (void)weft_sim_tell(p->seen.sim, p->seen.actor, peer_do, .act = what);
    (void)weft_sim_run(p->seen.sim);
}

void weft_sim_peer_send(weft_sim_peer *peer, const void *at, size_t n)
{
    wf_peer *p = wf_peer_of(peer);
    if (n == 0 || p->seen.closed)
        return;
    peer_said *said = must(malloc(sizeof *said + n));
    *said = (peer_said){.size = n};
    memcpy(said->bytes, at, n);
    *p->said_tail = said;
    p->said_tail = &said->next;
    if (p->unsent == NULL)
        p->unsent = said;
    p->seen.waiting += n;
    act(p, PEER_GO);
}

void weft_sim_peer_say(weft_sim_peer *peer, const char *text)
{
    weft_sim_peer_send(peer, text, strlen(text));
}

void weft_sim_peer_send_steps(weft_sim_peer *peer, const void *at, size_t n, size_t step)
{
    for (size_t i = 0; i < n; i += step)
        weft_sim_peer_send(peer, (const uint8_t *)at + i, n - i < step ? n - i : step);
}

void weft_sim_peer_send_cut(weft_sim_peer *peer, const void *at, size_t n, weft_sim_cut how)
{
    for (size_t i = 0, step = n; i < n; i += step) {
        step = n - i;
        if (how == WEFT_SIM_BYTES)
            step = 1;
        else if (how == WEFT_SIM_SPLIT)
            step =
                1 + weft_sim_below(peer->sim, (uint32_t)(step < PIECE_BYTES ? step : PIECE_BYTES));
        weft_sim_peer_send(peer, (const uint8_t *)at + i, step);
    }
}

void weft_sim_peer_end(weft_sim_peer *peer)
{
    wf_peer_of(peer)->ending = true;
    act(wf_peer_of(peer), PEER_GO);
}

void weft_sim_peer_close(weft_sim_peer *peer)
{
    wf_peer_of(peer)->closing = true;
    act(wf_peer_of(peer), PEER_GO);
}

void weft_sim_peer_abort(weft_sim_peer *peer)
{
    act(wf_peer_of(peer), PEER_ABORT);
}

void weft_sim_peer_deaf(weft_sim_peer *peer, bool deaf)
{
    wf_peer_of(peer)->deaf = deaf;
    if (!deaf)
        act(wf_peer_of(peer), PEER_HEAR);
}

void weft_sim_peer_hear_once(weft_sim_peer *peer)
{
    wf_peer_of(peer)->deaf = true;
    act(wf_peer_of(peer), PEER_HEAR);
}

void weft_sim_peer_cut_sent(weft_sim_peer *peer, size_t bytes)
{
    wf_peer_of(peer)->cut_sent = bytes;
}

void weft_sim_peer_cut_got(weft_sim_peer *peer, size_t bytes)
{
    wf_peer_of(peer)->cut_got = bytes;
}
