/* SPDX-License-Identifier: MIT */
/* A listener as a supervised child: an actor that opens the URL and keeps one listener on each reactor.
 *
 *   started ──▶ opened ──▶ listeners 1, 2, ... spawned ──▶ listener 0 spawned, accepts ──▶ up
 *   stopping ──▶ listener 0 told, which tells the others ──▶ each waits for its connections ──▶ stopped
 *
 * They are on other reactors, so they are not its children: each watches this life of the keeper, and
 * ends with it. */
#include "listen.h"

#include <string.h>

#include "endpoint.h"
#include "sockets.h"

typedef struct keeper {
    wf_listening *shared;
    char url[160];
    unsigned next; /* the reactor whose listener is being spawned */
    unsigned open; /* listeners alive */
    bool bound;    /* at datagrams: its children are an endpoint and its owner */
    bool stopping;
    weft_err reason;
    const weft_child
        *row; /* of the program's table, by which its address was opened before; or NULL */
} keeper;

static weft_err spawn_next(weft_actor *self, weft_msg *msg, keeper *k);

static weft_err on_spawned(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    keeper *k = weft_state(self);
    unsigned i = k->next;
    if (got->err != WEFT_OK) {
        /* one that is merely late may still come, and leaves by itself */
        if (got->err != WEFT_ETIMEDOUT && got->err != WEFT_ECANCELLED)
            wf_listening_leave(k->shared);
        return weft_fail(msg, got->err, "no listener on reactor %u: %s", i, got->why);
    }
    weft_ref ref = ((const weft_spawned *)got->body)->ref;
    if (i != 0) /* that one says it itself, before it accepts */
        k->shared->member[i] = ref;
    if (weft_monitor(self, ref) != WEFT_OK)
        return weft_fail(msg, WEFT_ENOMEM, "no memory to watch a listener");
    k->open++;
    if (i == 0) {
        wf_sockets_serve(k->row, ref, k->shared->member, k->shared->n);
        weft_log(self, WEFT_NOTICE, "listening at %s", k->url);
        return WEFT_OK;
    }
    k->next = (i + 1) % k->shared->n;
    return spawn_next(self, msg, k);
}

static weft_err spawn_next(weft_actor *self, weft_msg *msg, keeper *k)
{
    wf_listening_use(k->shared);
    return weft_when(msg, weft_spawn_on(self, k->next, &wf_listener_behaviour, k->shared),
                     on_spawned);
}

/* ---- datagrams: one endpoint, and one owner, instead of listeners */

static bool is_datagram(const char *text)
{
    weft_url url;
    return weft_url_parse(text, &url, NULL) == WEFT_OK && wf_is_datagram(&url);
}

static weft_err bind_endpoint(weft_actor *self, weft_msg *msg, const weft_child *child, int lent,
                              weft_address *address)
{
    keeper *k = weft_state(self);
    weft_why why = {""};
    weft_err err = wf_endpoint_keep(self, child, lent, address, k->url, sizeof k->url, &why);
    if (err != WEFT_OK)
        return weft_fail(msg, err, "%s", why.text);
    k->bound = true;
    weft_log(self, WEFT_NOTICE, "bound to %s", k->url);
    return WEFT_OK;
}

/* Its owner, or its endpoint, is over: so is it. */
static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    const keeper *k = weft_state(self);
    (void)child;
    if (k->bound)
        (void)weft_stop_because(self, reason != WEFT_OK ? reason : WEFT_EGONE,
                                "the endpoint has ended");
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    keeper *k = weft_state(self);
    const weft_started *started = weft_body(msg);
    const wf_listen_plan *plan = started->config;
    const weft_child *child = plan->child;
    weft_listening got = {.listener = WEFT_NOBODY};
    weft_err err;
    weft_why why;
    int lent = plan->row != NULL ? wf_sockets_of(plan->row, &got.address) : -1;
    if (is_datagram(child->listen))
        return bind_endpoint(self, msg, child, lent, &got.address);
    k->shared = wf_listening_open(weft_system_of(self), child->listen, child->behaviour,
                                  child->config, lent, &got, &err, &why);
    if (k->shared == NULL)
        return weft_fail(msg, err, "%s", why.text);
    memcpy(k->url, got.url, sizeof k->url);
    k->row = plan->row;
    k->shared->keeper = weft_self(self);
    k->next = k->shared->n > 1 ? 1 : 0;
    return spawn_next(self, msg, k);
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    keeper *k = weft_state(self);
    const weft_down *down = weft_body(msg);
    k->open--;
    if (!k->stopping)
        return weft_stop_because(self, down->reason != WEFT_OK ? down->reason : WEFT_EGONE,
                                 "a listener has ended: %s", down->why);
    return k->open == 0 ? weft_stop(self, k->reason) : WEFT_OK;
}

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    keeper *k = weft_state(self);
    const weft_stopping *stopping = weft_body(msg);
    k->stopping = true;
    k->reason = stopping->reason;
    /* in the middle of its start nothing has been accepted: what there is ends with it */
    if (k->shared == NULL || k->open < k->shared->n)
        return weft_stop(self, k->reason);
    if (weft_stop_ref(self, k->shared->member[0], WEFT_ESTOPPING) == WEFT_ENOMEM)
        return weft_stop(self, k->reason);
    return WEFT_OK;
}

static void keeper_ended(weft_actor *self, weft_err reason)
{
    const keeper *k = weft_state(self);
    (void)reason;
    if (k->shared != NULL)
        wf_listening_leave(k->shared);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {0},
};

const weft_behaviour wf_listen_keeper_behaviour = {.name = "listen",
                                                   .handlers = handlers,
                                                   .state_bytes = sizeof(keeper),
                                                   .ended = keeper_ended,
                                                   .child_ended = child_ended};
