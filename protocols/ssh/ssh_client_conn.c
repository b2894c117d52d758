/* SPDX-License-Identifier: MIT */
/* A client's connection, from what it needs to know first to its end.
 *
 *   PREPARE ──▶ connect ──▶ the exchange ──▶ CHECK ──▶ SIGN (again and again) ──▶ ready ──▶ over ──▶ closed: ends
 *      └────────────┴─────── connect_ms, a mistake, a refusal ──────┴───────────────────────▲
 *
 * In capitals: on the pool. While the pool has the session, no step of it is made here. */
#include <string.h>

#include <weft/net.h>

#include "ssh_client.h"

enum {
    CONNECT_MS = 30000,
    WAITING_MAX = 64,
    CHANNELS_MAX = 10,
    KEEPALIVE_MS = 60000,
    KEEPALIVE_MAX = 3,
};

typedef struct ssh_late {
    char nothing;
} ssh_late;
typedef struct ssh_end {
    char nothing;
} ssh_end;
static const weft_type ssh_end_type = WEFT_TYPE("weft.ssh_end", ssh_end, NULL);
static const weft_type ssh_late_type = WEFT_TYPE("weft.ssh_late", ssh_late, NULL);

/* ---- the end */

static void fail_waiting(wf_ssh_client_state *s, weft_err err, const char *why)
{
    while (s->first != NULL) {
        wf_ssh_waiting *w = s->first;
        s->first = w->next;
        (void)weft_fail(w->msg, err, "%s", why);
        weft_drop(&w->msg);
        weft_alloc_free(w);
    }
    s->last = &s->first;
    s->waiting = 0;
}

static void over(weft_actor *self, weft_err err, const char *why)
{
    wf_ssh_client_state *s = weft_state(self);
    wf_ssh_conn *c = &s->conn;
    if (c->over)
        return;
    c->over = true;
    /* who asks from now on gets another connection; if it does not hear of it, when this has ended */
    if (!weft_ref_is_nobody(weft_parent(self)) &&
        weft_event(self, weft_parent(self), &wf_ssh_lost_type, &(wf_ssh_lost){weft_self(self)}) ==
            WEFT_ENOMEM)
        weft_log(self, WEFT_WARNING, "no memory to tell that a connection is over");
    err = err == WEFT_EDONE || err == WEFT_OK ? WEFT_ELOST : err;
    s->err = err;
    weft_explain(&s->why, "%s", why);
    fail_waiting(s, err, why);
    wf_ssh_client_fail(self, NULL, err, why);
    wf_ssh_conn_done(c);
    wf_ssh_lose(c, why);
    if (weft_ref_is_nobody(c->stream)) {
        /* what is in the mailbox is told why first */
        if (weft_tell(self, weft_self(self), ssh_end, .nothing = 0) != WEFT_OK)
            (void)weft_stop(self, err);
        return;
    }
    /* the pool may have the session: then there is no goodbye */
    if (c->ssh != NULL && !c->away) {
        wf_ssh_goodbye(c->ssh);
        wf_ssh_take_output(self);
    }
    if (s->opened)
        (void)weft_close(self, c->stream);
    else
        (void)weft_abort(self, c->stream, err);
}

/* ---- getting ready */

static void ready(weft_actor *self)
{
    wf_ssh_client_state *s = weft_state(self);
    const weft_ssh_client_config *config = weft_config(self);
    wf_ssh_granted_to_client(s->conn.ssh);
    s->ready = s->conn.granted = true;
    if (wf_ssh_watch(self, or_default(config->keepalive_ms, KEEPALIVE_MS),
                     or_default(config->keepalive_max, KEEPALIVE_MAX)) != WEFT_OK) {
        over(self, WEFT_ENOMEM, "no memory for a timer");
        return;
    }
    while (s->first != NULL && !s->conn.over) {
        wf_ssh_waiting *w = s->first;
        s->first = w->next;
        s->last = s->first != NULL ? s->last : &s->first;
        s->waiting--;
        wf_ssh_client_open(self, w->msg);
        weft_alloc_free(w);
    }
}

static weft_err on_signed(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_ssh_client_state *s = weft_state(self);
    (void)next;
    s->conn.away = false;
    if (s->conn.over)
        return WEFT_OK;
    if (got->err != WEFT_OK)
        over(self, got->err, got->why);
    else if (s->work->err == WEFT_OK)
        ready(self);
    else if (s->work->err != WEFT_EFULL)
        over(self, s->work->err, s->work->why.text);
    if (!s->conn.over)
        wf_ssh_pump(self);
    return WEFT_OK;
}

/* The pool has done its part. false: that failed, or it is over already. */
static bool came_back(weft_actor *self, wf_ssh_client_state *s, const weft_outcome *got)
{
    s->conn.away = false;
    if (s->conn.over)
        return false;
    if (got->err == WEFT_OK && s->work->err == WEFT_OK)
        return true;
    over(self, got->err != WEFT_OK ? got->err : s->work->err,
         got->err != WEFT_OK ? got->why : s->work->why.text);
    return false;
}

static weft_err on_checked(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_ssh_client_state *s = weft_state(self);
    (void)next;
    if (!came_back(self, s, got))
        return WEFT_OK;
    wf_ssh_host_known(s->conn.ssh);
    wf_ssh_pump(self);
    return WEFT_OK;
}

static void on_event(weft_actor *self, const wf_ssh_event *event)
{
    wf_ssh_client_state *s = weft_state(self);
    if (event->want == WF_SSH_HOST) {
        s->work->type = event->name;
        s->work->key = event->value;
        s->conn.away = true;
        wf_ssh_work_do(self, s->work, WF_SSH_CHECK, on_checked);
    } else if (event->want == WF_SSH_PROVE) {
        s->conn.away = true;
        wf_ssh_work_do(self, s->work, WF_SSH_SIGN, on_signed);
    }
}

static void stepped(weft_actor *self)
{
    const wf_ssh_client_state *s = weft_state(self);
    if (s->ready)
        wf_ssh_client_go_on(self);
}

static const wf_ssh_side side = {.event = on_event, .over = over, .stepped = stepped};

static weft_err on_prepared(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    const weft_ssh_client_config *config = weft_config(self);
    wf_ssh_client_state *s = weft_state(self);
    uint32_t channels = or_default(config->channels_max, CHANNELS_MAX);
    weft_why why;
    (void)next;
    if (!came_back(self, s, got))
        return WEFT_OK;
    channels = channels < WEFT_SSH_CHANNELS_MAX ? channels : WEFT_SSH_CHANNELS_MAX;
    weft_err err =
        wf_ssh_new_client(s->work->user, s->work->key_types, channels, &s->work->ssh, &why);
    if (err != WEFT_OK) {
        over(self, err, why.text);
        return WEFT_OK;
    }
    s->conn.stream = weft_connect(self, config->url, weft_self(self));
    if (weft_ref_is_nobody(s->conn.stream))
        over(self, WEFT_ENOMEM, "no memory for a connection");
    return WEFT_OK;
}

/* ---- messages */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    const weft_ssh_client_config *config = weft_config(self);
    wf_ssh_client_state *s = weft_state(self);
    weft_err err;
    weft_why why;
    (void)msg;
    s->last = &s->first;
    s->conn.side = &side;
    s->work = wf_ssh_work_new(config, &err, &why);
    if (s->work == NULL) {
        over(self, err, why.text);
        return WEFT_OK;
    }
    if (weft_after(self, or_default(config->connect_ms, CONNECT_MS), ssh_late, .nothing = 0).slot ==
        0) {
        over(self, WEFT_ENOMEM, "no memory for a timer");
        return WEFT_OK;
    }
    s->conn.away = true;
    wf_ssh_work_do(self, s->work, WF_SSH_PREPARE, on_prepared);
    return WEFT_OK;
}

static weft_err on_open(weft_actor *self, weft_msg *msg)
{
    const weft_ssh_client_config *config = weft_config(self);
    wf_ssh_client_state *s = weft_state(self);
    if (s->conn.over)
        return weft_fail(msg, s->err, "%s", s->why.text);
    if (s->ready) {
        wf_ssh_client_open(self, weft_keep(msg));
        if (!s->conn.over)
            weft_hook_queue(&s->conn.hook);
        return WEFT_OK;
    }
    if (s->waiting >= or_default(config->waiting_max, WAITING_MAX))
        return weft_fail(msg, WEFT_EFULL, "%u wait for the connection already (waiting_max)",
                         s->waiting);
    wf_ssh_waiting *w = weft_alloc_zero(sizeof *w);
    if (w == NULL)
        return weft_fail(msg, WEFT_ENOMEM, "no memory to wait");
    w->msg = weft_keep(msg);
    *s->last = w;
    s->last = &w->next;
    s->waiting++;
    return WEFT_OK;
}

static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    const weft_cancelled *cancelled = weft_body(msg);
    wf_ssh_client_state *s = weft_state(self);
    for (wf_ssh_waiting **at = &s->first; *at != NULL; at = &(*at)->next) {
        wf_ssh_waiting *w = *at;
        if (w->msg != cancelled->msg)
            continue;
        *at = w->next;
        s->last = w->next != NULL ? s->last : at;
        s->waiting--;
        weft_drop(&w->msg);
        weft_alloc_free(w);
        return WEFT_OK;
    }
    wf_ssh_client_fail(self, cancelled->msg, WEFT_ECANCELLED, "nobody wants it any more");
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    wf_ssh_client_state *s = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    if (s->conn.over || !weft_ref_same(opened->stream, s->conn.stream))
        return WEFT_OK;
    s->opened = true;
    s->conn.ssh = s->work->ssh;
    s->conn.came_ms = weft_now_ms(self);
    wf_ssh_conn_begin(&s->conn, &side, opened);
    wf_ssh_pump(self);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    over(self, WEFT_ELOST, "the host has ended the connection");
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    over(self, closed->reason, closed->why);
    return weft_stop(self, WEFT_OK);
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    const wf_ssh_client_state *s = weft_state(self);
    (void)msg;
    if (!s->ready)
        over(self, WEFT_ETIMEDOUT, "it took too long until the host was ready (connect_ms)");
    return WEFT_OK;
}

static weft_err on_end(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_OK);
}

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    over(self, WEFT_EGONE, "the client ends");
    return WEFT_OK;
}

static void conn_ended(weft_actor *self, weft_err reason)
{
    wf_ssh_client_state *s = weft_state(self);
    (void)reason;
    s->conn.over = true;
    if (s->last != NULL)
        fail_waiting(s, WEFT_EGONE, "the client has ended");
    wf_ssh_client_fail(self, NULL, WEFT_EGONE, "the client has ended");
    wf_ssh_conn_done(&s->conn);
    wf_ssh_lose(&s->conn, "the connection has ended");
    wf_ssh_slots_free(&s->conn);
    s->conn.ssh = NULL;
    wf_ssh_work_drop(&s->work);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &wf_ssh_open_type, .fn = on_open},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = wf_ssh_on_data},
    {.type = &weft_drained_type, .fn = wf_ssh_on_drained},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {.type = &wf_ssh_go_on_type, .fn = wf_ssh_on_go_on},
    {.type = &wf_ssh_alive_type, .fn = wf_ssh_on_alive},
    {.type = &ssh_late_type, .fn = on_late},
    {.type = &ssh_end_type, .fn = on_end},
    {0},
};

const weft_behaviour wf_ssh_client_conn = {
    .name = "ssh.connection",
    .handlers = handlers,
    .state_bytes = sizeof(wf_ssh_client_state),
    .ended = conn_ended,
};
