/* SPDX-License-Identifier: MIT */
/* The link as an actor: its output and its time, what its stream says, what others may send, its end. */
#include "link.h"

#include <stdio.h>
#include <string.h>

#include "link_stream.h"
#include "node_url.h"

enum {
    WRITE_QUEUE_BYTES_MAX = 1 << 20,
    TELL_AGAIN_MS = 10,
    /* of requests and answers, some 60: with a few hundred under way both sides have something to do; with twice as much
     * they work in turn, and with half of it each write costs more than that gains */
    EARLY_BYTES = 2560,
    MUCH_BYTES = 64 << 10, /* of whatever */
};

node_link *wf_link_of(weft_actor *self)
{
    return weft_state(self);
}

/* ---- what others may send */

uint64_t wf_link_waiting_max(const node_link *l)
{
    uint32_t max = l->node->config->waiting_bytes_max;
    return max != 0 ? max : NODE_WAITING_BYTES_MAX;
}

bool wf_link_has_room(const node_link *l)
{
    return l->state == WEFT_LINK_UP && l->waiting.n == 0 &&
           l->behind_bytes < wf_link_waiting_max(l);
}

void wf_link_publish(node_link *l)
{
    unsigned takes = 0;
    if (l->state != WEFT_LINK_DOWN && !l->leaving) {
        takes = WEFT_REMOTE_THERE;
        if (l->waiting.bytes + l->behind_bytes < wf_link_waiting_max(l))
            takes |= WEFT_REMOTE_ASKS;
        if (wf_link_has_room(l))
            takes |= WEFT_REMOTE_TELLS;
    }
    weft_remote_takes(l->node->sys, l->number, takes);
}

void wf_link_set_state(node_link *l, weft_link_state state)
{
    l->state = state;
    wf_link_publish(l);
}

/* The connection is over, and must not be there any more. */
static void end_stream(node_link *l, weft_err err, const char *why)
{
    weft_ref stream = l->stream;
    wf_link_lost(l, err, why);
    (void)weft_abort(l->self, stream, WEFT_OK);
}

/* ---- output */

/* false: there was nothing, or it could not be written. */
static bool write_now(node_link *l)
{
    const uint8_t *at;
    size_t n = wf_session_flush(&l->s, &at);
    if (n == 0 || l->stream_full || (l->far && l->pull == NULL))
        return false;
    weft_err err = weft_write_copy(l->self, l->stream, at, n);
    if (err == WEFT_EFULL) {
        l->stream_full = true;
        return false;
    }
    if (err != WEFT_OK) {
        end_stream(l, err == WEFT_EGONE ? WEFT_ELOST : err, weft_err_text(err));
        return false;
    }
    wf_session_flushed(&l->s);
    weft_drop(&l->pull);
    return true;
}

static void flush_in(weft_actor *self, void *context)
{
    node_link *l = context;
    (void)self;
    while (l->session_live) {
        wf_link_pump(l);
        if (l->streams.line != NULL)
            wf_streams_pump(l);
        if (!write_now(l))
            return;
    }
}

static void on_flush(weft_hook *hook)
{
    node_link *l = (node_link *)(void *)((char *)hook - offsetof(node_link, flush));
    weft_enter(l->self, flush_in, l);
}

/* Requests and answers do not wait for the end of a long round: the other side works on what has come while
 * this one goes on. What is told alone gathers, since each write has its price. */
static void write_early(weft_actor *self, void *context)
{
    node_link *l = context;
    const uint8_t *at;
    (void)self;
    size_t n = wf_session_flush(&l->s, &at);
    weft_err err =
        l->stream_full || l->far ? WEFT_EFULL : weft_write_copy(l->self, l->stream, at, n);
    if (err == WEFT_EFULL && !l->far)
        l->stream_full = true;
    if (err != WEFT_OK)
        return; /* the end of the round sees to it */
    wf_session_flushed(&l->s);
    weft_write_flush(l->self, l->stream);
}

void wf_link_touch(node_link *l)
{
    weft_hook_queue(&l->flush);
    wf_link_write_some(l);
}

void wf_link_write_some(node_link *l)
{
    size_t waiting = wf_session_waiting(&l->s);
    if (waiting >= MUCH_BYTES || (waiting >= EARLY_BYTES && (l->asks.n | l->served.n) != 0))
        weft_enter(l->self, write_early, l);
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    (void)msg;
    l->stream_full = false;
    wf_link_touch(l);
    return WEFT_OK;
}

static weft_err on_pull(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    const weft_pull *pull = weft_body(msg);
    if (!l->session_live || !weft_ref_same(pull->stream, l->stream))
        return WEFT_OK;
    weft_drop(&l->pull);
    l->pull = weft_keep(msg);
    wf_link_touch(l);
    return WEFT_OK;
}

/* ---- time */

static void tick_in(weft_actor *self, void *context);

static void on_tick(weft_alarm *alarm)
{
    node_link *l = (node_link *)(void *)((char *)alarm - offsetof(node_link, tick));
    weft_enter(l->self, tick_in, l);
}

static void tick_in(weft_actor *self, void *context)
{
    node_link *l = context;
    uint32_t next_ms;
    if (!l->session_live)
        return;
    weft_err err = wf_session_tick(&l->s, weft_now_ms(self), &next_ms);
    if (err != WEFT_OK) {
        end_stream(l, err, l->s.why.text);
        return;
    }
    weft_alarm_set(&l->tick, next_ms != 0 ? next_ms : 1, on_tick);
    if (wf_session_waiting(&l->s) != 0)
        wf_link_touch(l);
}

void wf_link_broken(node_link *l)
{
    if (l->s.state == LINK_OVER)
        return;
    l->s.state = LINK_OVER;
    l->s.err = WEFT_ENOMEM;
    weft_explain(&l->s.why, "memory is out");
    weft_alarm_set(&l->tick, 1, on_tick); /* not now: the session may be what called */
}

/* ---- a session begins */

static weft_err on_hello(link_session *s, const link_hello *hello, link_bye *bye, weft_why *why)
{
    const node_link *l = s->context;
    (void)bye;
    if (strcmp(hello->cluster, l->node->me.cluster) != 0)
        return weft_because(why, WEFT_EDENIED, "%s is of the cluster \"%s\"; expected \"%s\"",
                            hello->node, hello->cluster, l->node->me.cluster);
    if (strcmp(hello->node, l->name) != 0)
        return weft_because(why, WEFT_EDENIED, "%s answers there; expected %s", hello->node,
                            l->name);
    /* one that was accepted was looked at by its gate, where it lives */
    return s->dialed ? wf_node_is_there(l->self, l->stream, l->node->config, hello->node, why)
                     : WEFT_OK;
}

static void on_up(link_session *s)
{
    node_link *l = s->context;
    l->ups++;
    l->why[0] = '\0';
    l->redial_ms = 0;
    weft_alarm_clear(&l->redial);
    if (s->peer.life != l->peer_life) {
        if (l->peer_life != 0)
            weft_remote_anew(l->node->sys, l->number);
        l->peer_life = s->peer.life;
    }
    weft_log(l->self, WEFT_NOTICE, "is up: node %s", l->name);
    weft_alarm_set(&l->tick, 1, on_tick); /* other limits hold from now on */
    wf_link_set_state(l, WEFT_LINK_UP);
    wf_link_send_watches(l);
    wf_streams_up(l);
    wf_link_touch(l);
}

static void on_record(link_session *s, const link_record *record)
{
    wf_link_on_record(s->context, record);
}

static weft_err on_atom(link_session *s, const link_atom *atom, weft_why *why)
{
    return wf_link_on_atom(s->context, atom, why);
}

static void on_credit(link_session *s)
{
    wf_link_touch(s->context);
}

static const link_session_ops session_ops = {
    .hello = on_hello, .up = on_up, .record = on_record, .atom = on_atom, .credit = on_credit};

void wf_link_session_begin(node_link *l, weft_ref stream, bool dialed)
{
    const weft_node *c = l->node->config;
    link_limits limits = {.credit_bytes = c->credit_bytes,
                          .message_bytes_max = c->message_bytes_max,
                          .ping_ms = c->ping_ms,
                          .lost_ms = c->lost_ms};
    link_hello me = l->node->me;
    me.attempt = ++l->attempt;
    l->stream = stream;
    l->noted = 0;
    l->stream_full = false;
    l->far = !weft_is_here(stream);
    wf_session_init(&l->s, &session_ops, l, &limits, &me, dialed, weft_now_ms(l->self));
    l->session_live = true;
    weft_stream_settings settings = {.given = WEFT_SET_WRITE_QUEUE | WEFT_SET_NODELAY,
                                     .nodelay = true,
                                     .write_queue_bytes_max = WRITE_QUEUE_BYTES_MAX};
    (void)weft_stream_set(l->self, stream, &settings);
    if (l->far)
        (void)weft_produce(l->self, stream);
    weft_alarm_set(&l->tick, LINK_HELLO_MS, on_tick);
}

/* Its first words were put together, or memory was out. */
weft_err wf_link_session_begun(node_link *l, weft_err err)
{
    if (err != WEFT_OK)
        end_stream(l, err, weft_err_text(err));
    else
        wf_link_touch(l);
    return WEFT_OK;
}

/* ---- what the stream says */

/* What came ended it. That the other side connects itself is no loss: what waits for the link waits on, and if
 * nothing comes of it, this side connects again. */
static void session_over(node_link *l, weft_err err)
{
    l->stream_full = false;
    (void)write_now(l); /* what it says to this */
    if (!l->session_live)
        return;
    if (l->state == WEFT_LINK_UP || l->s.bye != LINK_BYE_TWIN) {
        wf_link_lost(l, err, l->s.why.text);
        return;
    }
    wf_link_session_end(l);
    l->stream = WEFT_NOBODY;
    wf_link_dial_later(l);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    const weft_data *data = weft_body(msg);
    if (!l->session_live || !weft_ref_same(data->stream, l->stream))
        return WEFT_OK; /* of one that was given up */
    weft_err err = wf_session_data(&l->s, data->bytes.at, data->bytes.size, weft_now_ms(self));
    if (err == WEFT_OK) {
        if (wf_session_waiting(&l->s) != 0)
            wf_link_touch(l);
        return WEFT_OK;
    }
    if (l->session_live && weft_ref_same(l->stream, data->stream))
        session_over(l, err);
    (void)weft_close(self, data->stream);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    (void)weft_close(self, ((const weft_ended *)weft_body(msg))->stream);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    const weft_closed *closed = weft_body(msg);
    if (weft_ref_same(closed->stream, l->handed.stream))
        l->handed.stream = WEFT_NOBODY;
    if (!weft_ref_same(closed->stream, l->stream))
        return WEFT_OK;
    if (closed->reason == WEFT_EDONE)
        wf_link_lost(l, WEFT_ELOST, "it ended the connection");
    else
        wf_link_lost(l, closed->reason, closed->why);
    return WEFT_OK;
}

/* ---- its end */

void wf_link_session_end(node_link *l)
{
    weft_alarm_clear(&l->tick);
    weft_hook_cancel(&l->flush);
    weft_drop(&l->pull);
    wf_link_receive_done(l);
    if (l->session_live)
        wf_session_done(&l->s);
    l->session_live = false;
}

void wf_link_lost(node_link *l, weft_err err, const char *why)
{
    char reason[WEFT_WHY_BYTES], text[WEFT_WHY_BYTES + 96];
    bool was_up = l->state == WEFT_LINK_UP;
    (void)snprintf(reason, sizeof reason, "%s", why); /* which may be of the session */
    if (l->state == WEFT_LINK_DOWN && !l->session_live)
        return;
    if (was_up)
        weft_log(l->self, WEFT_NOTICE, "is down: node %s: %s", l->name, reason);
    else
        /* the same again and again is not news */
        weft_log(l->self, strcmp(l->why, reason) == 0 ? WEFT_INFO : WEFT_NOTICE,
                 "cannot reach node %s: %s", l->name, reason);
    (void)snprintf(l->why, sizeof l->why, "%.95s", reason);
    /* what is asked of one that is about to begin again waits for it */
    wf_link_set_state(l, l->family && !l->over && !l->leaving ? WEFT_LINK_DIALING : WEFT_LINK_DOWN);
    l->stream = WEFT_NOBODY;
    (void)snprintf(text, sizeof text,
                   was_up ? "node %s is down: %s" : "node %s cannot be reached: %s", l->name,
                   reason);
    err = was_up ? WEFT_ELOST : err == WEFT_ENOMEM ? err : WEFT_EUNREACHABLE;
    wf_link_fail_all(l, err, text);
    wf_streams_lost(l, err, text);
    wf_link_cancel_served(l);
    wf_link_watches_lost(l, err, text);
    wf_link_session_end(l);
    wf_link_dial_later(l);
}

void wf_link_leave(node_link *l, const char *why)
{
    l->leaving = true;
    weft_alarm_clear(&l->redial);
    weft_ref stream = l->stream;
    if (weft_ref_is_nobody(stream))
        return;
    if (l->session_live) {
        wf_session_leave(&l->s, LINK_BYE_DONE, "it leaves");
        l->stream_full = false;
        (void)write_now(l);
    }
    wf_link_lost(l, WEFT_EDONE, why);
    (void)weft_close(l->self, stream);
}

static void tell_again_in(weft_actor *self, void *context)
{
    (void)self;
    wf_link_tell_again(context);
}

static void on_again(weft_alarm *alarm)
{
    node_link *l = (node_link *)(void *)((char *)alarm - offsetof(node_link, again));
    weft_enter(l->self, tell_again_in, l);
}

void wf_link_again_later(node_link *l)
{
    weft_alarm_set(&l->again, TELL_AGAIN_MS, on_again);
}

void wf_link_begin(node *n, weft_actor *self, const char *name, const char *url)
{
    node_link *l = wf_link_of(self);
    *l = (node_link){.node = n, .self = self, .url = url};
    (void)snprintf(l->name, sizeof l->name, "%s", name);
    l->number = weft_remote_node(n->sys, name);
    weft_remote_direct(n->sys, l->number, wf_link_direct, l);
    l->family = wf_map_at(&n->family, l->number) != NULL;
    l->flush.run = on_flush;
    l->waiting.tail = &l->waiting.first;
    l->rooms.tail = &l->rooms.first;
    l->bigs_tail = &l->bigs;
    l->streams.line_tail = &l->streams.line;
    l->next = n->links;
    n->links = l;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    const weft_node_member *member = ((const weft_started *)weft_body(msg))->config;
    if (l->node == NULL) /* one that joined has been begun by the node */
        wf_link_begin(wf_node_here(), self, member->name, member->url);
    if (l->family)
        l->state = WEFT_LINK_DIALING; /* and takes asks since it was made */
    if (l->url == NULL)
        return WEFT_OK; /* it may have been given a descriptor, and takes asks since then */
    wf_link_dial(self, l);
    wf_link_publish(l);
    return WEFT_OK;
}

static void on_end(weft_actor *self, weft_err reason)
{
    node_link *l = wf_link_of(self);
    (void)reason;
    if (l->node == NULL)
        return;
    for (node_link **at = &l->node->links; *at != NULL; at = &(*at)->next)
        if (*at == l) {
            *at = l->next;
            break;
        }
    l->leaving = true;
    wf_link_lost(l, WEFT_ELOST, "this node leaves");
    weft_alarm_clear(&l->redial);
    weft_alarm_clear(&l->again);
    weft_remote_takes(l->node->sys, l->number, 0);
    weft_remote_direct(l->node->sys, l->number, NULL, NULL);
    wf_link_watch_done(l);
    weft_alloc_free(l->url_own);
    wf_map_done(&l->asks);
    wf_map_done(&l->kept);
    wf_map_done(&l->served);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_remote_mail_type, .fn = wf_link_on_mail},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_opened_type, .fn = wf_link_on_opened},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &weft_pull_type, .fn = on_pull},
    {.type = &wf_link_handed_type, .fn = wf_link_on_handed},
    {.type = &wf_link_adopt_type, .fn = wf_link_on_adopt},
    {.type = &weft_cancelled_type, .fn = wf_link_on_cancelled},
    {.type = &wf_stream_open_type, .fn = wf_streams_on_open},
    {.type = &weft_room_type, .fn = wf_link_on_room},
    {.type = &weft_remote_watch_type, .fn = wf_link_on_watch},
    {.type = &weft_remote_unwatch_type, .fn = wf_link_on_unwatch},
    {.type = &weft_remote_linked_type, .fn = wf_link_on_linked},
    {.type = &weft_remote_undelivered_type, .fn = wf_link_on_undelivered},
    {.type = &weft_remote_stop_type, .fn = wf_link_on_stop},
    {.type = &weft_down_type, .fn = wf_link_on_down},
    {.type = &weft_restarted_type, .fn = wf_link_on_restarted},
    {0},
};

const weft_behaviour wf_link_behaviour = {.name = "weft.link",
                                          .handlers = handlers,
                                          .state_bytes = sizeof(node_link),
                                          .mailbox_max = 1 << 16,
                                          .asks_max = NODE_SERVED_MAX,
                                          .monitors_max = 2 * NODE_WATCHED_MAX,
                                          .ended = on_end};
