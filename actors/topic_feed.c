/* SPDX-License-Identifier: MIT */
/* Feeders: one subscriber's queue, and the one publication that it has not let go of yet.
 *
 *             pushed                     let go of, the queue is empty
 *     idle ───────────▶ asking ──────────────────────────────────────▶ idle
 *                        │  ▲ let go of: the next        its mailbox is full
 *                        │  └──────────── waits for room ◀──┐
 *                        └──────────────────────────────────┘
 */
#include "topic.h"

typedef struct go {
    char nothing;
} go;
static const weft_type go_type = WEFT_TYPE("weft.topic_go", go, NULL);

enum { FAR_MAX = 64 }; /* publications on their way to another node */

static bool is_full(const wf_feeder *f)
{
    return f->n >= f->topic->queue_max || f->bytes >= f->topic->queue_bytes_max;
}

/* Whether @issue would be one too many; one that is larger than the limit alone is not. */
static bool is_over(const wf_feeder *f, const wf_issue *issue)
{
    return f->n >= f->topic->queue_max ||
           (f->n > 0 && issue->charge > f->topic->queue_bytes_max - f->bytes);
}

/* Keeps the topic's count of those that hold it up. false: it was the last, which has room now. */
static bool note_full(wf_feeder *f)
{
    bool full = f->slow == WEFT_SLOW_WAIT && !f->ending && is_full(f);
    if (full == f->full)
        return true;
    f->full = full;
    f->topic->full += full ? 1U : UINT32_MAX;
    return full || f->topic->full != 0;
}

static wf_issue *pop(wf_feeder *f)
{
    wf_issue *issue = f->queue[f->from];
    f->from = (f->from + 1) % f->queue_room;
    f->n--;
    f->bytes -= issue->charge;
    return issue;
}

static weft_err append(wf_feeder *f, wf_issue *issue)
{
    if (f->n == f->queue_room) {
        uint32_t more = f->queue_room != 0 ? 2 * f->queue_room : 4;
        wf_issue **grown = weft_alloc(more * sizeof(wf_issue *));
        if (grown == NULL)
            return WEFT_ENOMEM;
        for (uint32_t i = 0; i < f->n; i++)
            grown[i] = f->queue[(f->from + i) % f->queue_room];
        weft_alloc_free(f->queue);
        f->queue = grown;
        f->queue_room = more;
        f->from = 0;
    }
    f->queue[(f->from + f->n++) % f->queue_room] = issue;
    f->bytes += issue->charge;
    issue->holders++;
    return WEFT_OK;
}

static void disconnect(weft_actor *self, wf_feeder *f, weft_err reason)
{
    wf_topic *t = f->topic;
    weft_topic_ended ended = {.topic = weft_self(t->self), .reason = reason};
    f->ending = true;
    t->counts.disconnected++;
    /* of another node it watches this feeder */
    if (weft_remote_node_of(f->who) == 0 &&
        weft_event(self, f->who, &weft_topic_ended_type, &ended) != WEFT_OK)
        weft_log(self, WEFT_INFO, "a subscriber was not told that it is disconnected");
    (void)weft_stop_ref(self, weft_self(weft_actor_of_state(f)), WEFT_OK);
}

/* A publication does not get to the subscriber: only those that drop may go on. */
static void leave_out(weft_actor *self, wf_feeder *f, weft_err reason)
{
    if (f->slow == WEFT_SLOW_DROP_OLDEST || f->slow == WEFT_SLOW_DROP_NEWEST)
        f->topic->counts.dropped++;
    else
        disconnect(self, f, reason);
}

void wf_feeder_push(weft_actor *self, wf_feeder *f, wf_issue *issue)
{
    while (is_over(f, issue) && f->slow == WEFT_SLOW_DROP_OLDEST) {
        wf_issue_drop(f->topic, pop(f));
        f->topic->counts.dropped++;
    }
    /* who waits takes what is under way already; no other comes until there is room */
    if (is_over(f, issue) && f->slow != WEFT_SLOW_WAIT) {
        leave_out(self, f, WEFT_EFULL);
        return;
    }
    weft_err err = append(f, issue);
    if (err != WEFT_OK) {
        leave_out(self, f, err);
        return;
    }
    (void)note_full(f);
    if (f->busy)
        return;
    f->busy = true;
    go body = {0};
    err = weft_event(self, weft_self(weft_actor_of_state(f)), &go_type, &body);
    if (err != WEFT_OK) {
        f->busy = false;
        wf_issue_drop(f->topic, pop(f));
        (void)note_full(f);
        leave_out(self, f, err);
    }
}

/* ---- asking */

static weft_err next(weft_actor *self, weft_msg *msg);

/* It went, or is of no use to the subscriber. */
static weft_err done(weft_actor *self, weft_msg *msg)
{
    wf_feeder *f = weft_state(self);
    wf_issue_drop(f->topic, f->now);
    f->now = NULL;
    return f->ending ? WEFT_OK : next(self, msg);
}

static weft_err on_room(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_feeder *f = weft_state(self);
    if (f->slow == WEFT_SLOW_WAIT && got->err == WEFT_ETIMEDOUT) {
        disconnect(self, f, got->err);
        return WEFT_OK;
    }
    return got->err == WEFT_EGONE ? weft_stop(self, WEFT_OK) : next(self, msg);
}

static weft_err on_taken(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_feeder *f = weft_state(self);
    bool by_runtime = weft_ref_is_nobody(got->from);
    if (by_runtime && got->err == WEFT_EGONE)
        return weft_stop(self, WEFT_OK);
    if (by_runtime && got->err == WEFT_EFULL)
        return weft_when(msg, weft_room(self, f->who), on_room);
    if (by_runtime && got->err == WEFT_ETIMEDOUT && f->slow == WEFT_SLOW_WAIT)
        disconnect(self, f, got->err);
    else if (by_runtime && (got->err == WEFT_ENOMEM || got->err == WEFT_ELIMIT))
        leave_out(self, f, got->err);
    else
        f->topic->counts.delivered++; /* whatever it answered, it has let go of it */
    return done(self, msg);
}

static weft_err next(weft_actor *self, weft_msg *msg)
{
    wf_feeder *f = weft_state(self);
    wf_topic *t = f->topic;
    if (f->now == NULL && f->n == 0) {
        f->busy = false;
        return WEFT_OK;
    }
    if (f->now == NULL) {
        f->now = pop(f);
        if (!note_full(f))
            weft_enter(t->self, wf_topic_resume, t);
    }
    const wf_issue *issue = f->now;
    const void *body = issue->kept != NULL ? weft_body(issue->kept) : issue->body;
    uint32_t limit_ms = f->slow == WEFT_SLOW_WAIT ? t->wait_ms : WEFT_NO_LIMIT;
    weft_set_trace(msg, issue->trace);
    weft_err err =
        weft_when(msg, weft_ask_body(self, f->who, issue->type, body, limit_ms), on_taken);
    if (err == WEFT_OK)
        return WEFT_OK;
    /* no memory even to wait: it goes on with the next publication that comes */
    wf_issue_drop(t, f->now);
    f->now = NULL;
    f->busy = false;
    leave_out(self, f, err);
    return WEFT_OK;
}

/* ---- asking another node: several at once, whose order the link keeps. Their bodies are with the link from then
 * on; one for which that has no room is left out, since the next may find some. */

static weft_err next_far(weft_actor *self, weft_msg *msg);

static weft_err on_far_taken(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_feeder *f = weft_state(self);
    f->out--;
    /* that it has gone its monitor says */
    bool left_out = got->err == WEFT_EFULL || got->err == WEFT_ENOMEM || got->err == WEFT_ELIMIT ||
                    got->err == WEFT_EGONE || got->err == WEFT_ELOST ||
                    got->err == WEFT_EUNREACHABLE;
    if (left_out && !f->ending)
        leave_out(self, f, got->err);
    else if (!left_out)
        f->topic->counts.delivered++;
    return f->ending ? WEFT_OK : next_far(self, msg);
}

static weft_err next_far(weft_actor *self, weft_msg *msg)
{
    wf_feeder *f = weft_state(self);
    const wf_topic *t = f->topic;
    while (f->out < FAR_MAX && f->n > 0 && !f->ending) {
        wf_issue *issue = pop(f);
        const void *body = issue->kept != NULL ? weft_body(issue->kept) : issue->body;
        weft_set_trace(msg, issue->trace);
        weft_err err = weft_when(msg, weft_ask_body(self, f->who, issue->type, body, WEFT_NO_LIMIT),
                                 on_far_taken);
        wf_issue_drop(t, issue);
        if (err != WEFT_OK)
            leave_out(self, f, err);
        else
            f->out++;
    }
    f->busy = f->out == FAR_MAX; /* else what is pushed goes at once */
    return WEFT_OK;
}

static weft_err on_go(weft_actor *self, weft_msg *msg)
{
    const wf_feeder *f = weft_state(self);
    return f->far && f->now == NULL ? next_far(self, msg) : next(self, msg);
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_OK);
}

/* ---- beginning and ending */

static void on_ended(weft_actor *self, weft_err reason)
{
    wf_feeder *f = weft_state(self);
    wf_topic *t = f->topic;
    (void)reason;
    if (t == NULL)
        return; /* it was never taken in */
    wf_issue_drop(t, f->now);
    while (f->n > 0)
        wf_issue_drop(t, pop(f));
    weft_alloc_free(f->queue);
    wf_feeder *last = t->feeder[--t->n];
    t->feeder[f->place] = last;
    last->place = f->place;
    f->ending = true;
    if (note_full(f) || t->waiting == 0)
        return;
    char room = 0;
    if (weft_event(self, weft_self(t->self), &wf_topic_room_type, &room) != WEFT_OK)
        weft_log(self, WEFT_INFO, "publications wait for the next one");
}

static const weft_handler rows[] = {
    {.type = &go_type, .fn = on_go},
    {.type = &weft_down_type, .fn = on_down},
    {0},
};

static const weft_behaviour feeder_behaviour = {
    .name = "topic.feeder", .handlers = rows, .state_bytes = sizeof(wf_feeder), .ended = on_ended};

/* Who is to be watched, and whether that worked. */
typedef struct watched {
    weft_ref who;
    weft_err err;
} watched;

static void watch(weft_actor *self, void *context)
{
    watched *w = context;
    w->err = weft_monitor(self, w->who);
}

weft_err wf_feeder_new(weft_actor *self, weft_ref who, wf_feeder **out)
{
    weft_ref ref = weft_spawn(self, &feeder_behaviour, NULL);
    weft_actor *child = weft_here(ref);
    watched w = {.who = who};
    if (child == NULL)
        return WEFT_ENOMEM;
    weft_enter(child, watch, &w);
    if (w.err != WEFT_OK) {
        (void)weft_stop_ref(self, ref, w.err);
        return w.err;
    }
    *out = weft_state(child);
    **out = (wf_feeder){.topic = weft_state(self), .who = who};
    return WEFT_OK;
}

void wf_feeder_set(wf_feeder *f, const weft_topic_subscribe *how)
{
    f->slow = how->slow;
    f->not_mine = how->not_mine;
    f->far = weft_remote_node_of(f->who) != 0 && how->slow != WEFT_SLOW_WAIT;
    (void)note_full(f);
}
