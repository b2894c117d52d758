/* SPDX-License-Identifier: MIT */
/* Topics: publications come in, are charged once, and go to the feeder of each subscriber.
 *
 *   publisher ──▶ topic ──▶ feeder ── asks, one at a time ──▶ subscriber
 *                   │          └ queue: full, and the policy is to wait? then what comes waits here:
 *                   └ waits ◀──────────────────────────────────────────────────────┘
 */
#include "topic.h"

#include <string.h>

enum {
    SUBSCRIBERS_MAX = 4096,
    QUEUE_MAX = 64,
    QUEUE_BYTES_MAX = 256 << 10,
    BYTES_MAX = 16 << 20,
    WAIT_MS = 30000
};

static weft_err ignore(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

const weft_type weft_topic_answer_type = WEFT_TYPE("weft.topic_answer", weft_topic_answer, NULL);
const weft_type weft_topic_subscribe_type =
    WEFT_TYPE("weft.topic_subscribe", weft_topic_subscribe, &weft_topic_answer_type);
const weft_type weft_topic_unsubscribe_type =
    WEFT_TYPE("weft.topic_unsubscribe", weft_topic_unsubscribe, &weft_topic_answer_type);
const weft_type weft_topic_ended_type = {
    .name = "weft.topic_ended", .size = sizeof(weft_topic_ended), .otherwise = ignore};
const weft_type weft_topic_counts_type = WEFT_TYPE("weft.topic_counts", weft_topic_counts, NULL);
const weft_type weft_topic_look_type =
    WEFT_TYPE("weft.topic_look", weft_topic_look, &weft_topic_counts_type);
typedef struct room {
    char nothing;
} room;
const weft_type wf_topic_room_type = WEFT_TYPE("weft.topic_room", room, NULL);

/* ---- issues */

static void drop_kept(weft_actor *self, void *context)
{
    (void)self;
    weft_drop(&((wf_issue *)context)->kept);
}

void wf_issue_drop(const wf_topic *t, wf_issue *issue)
{
    if (issue == NULL || --issue->holders != 0)
        return;
    if (issue->kept != NULL)
        weft_enter(t->self, drop_kept, issue);
    else if (issue->type->release != NULL)
        issue->type->release(issue->body);
    weft_bytes_drop(&issue->bytes);
    weft_alloc_free(issue);
}

/* The bytes of @msg as a share of the topic's own. */
static weft_err take_bytes(weft_actor *self, const weft_msg *msg, weft_bytes *out)
{
    const wf_topic *t = weft_state(self);
    const weft_type *type = weft_type_of(msg);
    *out = WEFT_NO_BYTES;
    if (type->bytes == 0)
        return WEFT_OK;
    weft_bytes bytes =
        *(const weft_bytes *)(const void *)((const char *)weft_body(msg) + type->bytes - 1);
    if (bytes.size == 0)
        return WEFT_OK;
    bytes = weft_bytes_keep(self, bytes);
    if (bytes.size == 0)
        return WEFT_ENOMEM;
    weft_err err = weft_bytes_move(&bytes, t->account);
    if (err != WEFT_OK)
        weft_bytes_drop(&bytes);
    else
        *out = bytes;
    return err == WEFT_ELIMIT ? WEFT_EFULL : err;
}

/* errors: EFULL, EINVAL, ENOMEM. The caller has one share. */
static weft_err issue_new(weft_actor *self, weft_msg *msg, wf_issue **out)
{
    const weft_type *type = weft_type_of(msg);
    bool keep = type->descriptor != NULL;
    weft_bytes bytes;
    if (type->release != NULL && type->share == NULL)
        return WEFT_EINVAL;
    weft_err err = take_bytes(self, msg, &bytes);
    if (err != WEFT_OK)
        return err;
    wf_issue *issue = weft_alloc_zero(sizeof *issue + (keep ? 0 : type->size));
    if (issue == NULL) {
        weft_bytes_drop(&bytes);
        return WEFT_ENOMEM;
    }
    issue->holders = 1;
    issue->type = type;
    issue->trace = weft_trace(msg);
    issue->bytes = bytes;
    issue->charge = (uint32_t)weft_bytes_charge(bytes);
    if (keep) {
        issue->kept = weft_keep(msg);
    } else {
        memcpy(issue->body, weft_body(msg), type->size);
        if (type->bytes != 0)
            memcpy(issue->body + type->bytes - 1, &bytes, sizeof bytes);
        if (type->share != NULL)
            type->share(issue->body);
    }
    *out = issue;
    return WEFT_OK;
}

/* ---- publications */

/* What it was not given to: whoever published it, if that subscribed so. */
static uint32_t give_to_all(weft_actor *self, wf_issue *issue, weft_ref publisher)
{
    const wf_topic *t = weft_state(self);
    uint32_t given = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        wf_feeder *f = t->feeder[i];
        if (f->ending || (f->not_mine && weft_ref_same(f->who, publisher)))
            continue;
        wf_feeder_push(self, f, issue);
        given++;
    }
    return given;
}

/* errors: it was not published. Otherwise it is answered, and one of protobuf-c is the issue's. */
static weft_err publish(weft_actor *self, weft_msg *msg)
{
    wf_topic *t = weft_state(self);
    wf_issue *issue = NULL;
    weft_err err = issue_new(self, msg, &issue);
    if (err == WEFT_EFULL)
        return weft_fail(msg, err, "bytes_max of the topic is reached"), err;
    if (err == WEFT_EINVAL)
        return weft_fail(msg, err, "%s cannot be published", weft_type_of(msg)->name), err;
    if (err != WEFT_OK)
        return err;
    t->counts.published++;
    uint32_t given = give_to_all(self, issue, weft_sender(msg));
    err = wf_topic_answer(msg, given);
    if (err != WEFT_OK)
        (void)weft_fail(msg, err, NULL);
    if (t->retain) {
        wf_issue_drop(t, t->last);
        t->last = issue;
    } else {
        wf_issue_drop(t, issue);
    }
    return WEFT_OK;
}

void wf_topic_resume(weft_actor *self, void *topic)
{
    wf_topic *t = topic;
    while (t->full == 0 && t->waiting > 0) {
        weft_msg *msg = t->waits[t->waiting_from];
        t->waiting_from = (t->waiting_from + 1) % WEFT_TOPIC_WAITING_MAX;
        t->waiting--;
        bool is_taken = weft_type_of(msg)->descriptor != NULL;
        weft_err err = publish(self, msg);
        if (err != WEFT_OK)
            (void)weft_fail(msg, err, NULL);
        if (err != WEFT_OK || !is_taken)
            weft_drop(&msg);
    }
}

static weft_err on_publication(weft_actor *self, weft_msg *msg)
{
    wf_topic *t = weft_state(self);
    if (t->self == NULL)
        return WEFT_ENOMEM; /* it could not begin, and ends */
    if (wf_topic_is_for_source(t, msg)) {
        weft_err err = weft_forward(msg, t->source);
        return err == WEFT_OK ? err : weft_fail(msg, err, "the topic's source is not reached"), err;
    }
    wf_topic_resume(self, t);
    if (t->full == 0 && t->waiting == 0)
        return publish(self, msg);
    if (t->waiting == WEFT_TOPIC_WAITING_MAX)
        return weft_fail(msg, WEFT_EFULL, "%u publications wait for a slow subscriber",
                         WEFT_TOPIC_WAITING_MAX),
               WEFT_EFULL;
    t->waits[(t->waiting_from + t->waiting++) % WEFT_TOPIC_WAITING_MAX] = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_room(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    wf_topic_resume(self, weft_state(self));
    return WEFT_OK;
}

/* The publisher no longer waits: it is taken for not published. */
static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    wf_topic *t = weft_state(self);
    const weft_msg *which = ((const weft_cancelled *)weft_body(msg))->msg;
    uint32_t kept = 0;
    weft_msg *gone = NULL;
    for (uint32_t i = 0; i < t->waiting; i++) {
        weft_msg *m = t->waits[(t->waiting_from + i) % WEFT_TOPIC_WAITING_MAX];
        if (m == which)
            gone = m;
        else
            t->waits[(t->waiting_from + kept++) % WEFT_TOPIC_WAITING_MAX] = m;
    }
    t->waiting = kept;
    weft_drop(&gone);
    return WEFT_OK;
}

/* ---- subscriptions */

static wf_feeder *find(const wf_topic *t, weft_ref who)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (!t->feeder[i]->ending && weft_ref_same(t->feeder[i]->who, who))
            return t->feeder[i];
    return NULL;
}

static weft_err add(weft_actor *self, weft_ref who, wf_feeder **out)
{
    wf_topic *t = weft_state(self);
    if (t->n == t->n_max)
        return WEFT_ELIMIT;
    if (t->n == t->room) {
        uint32_t more = t->room != 0 ? 2 * t->room : 8;
        wf_feeder **grown = weft_alloc_again(t->feeder, more * sizeof(wf_feeder *));
        if (grown == NULL)
            return WEFT_ENOMEM;
        t->feeder = grown;
        t->room = more;
    }
    weft_err err = wf_feeder_new(self, who, out);
    if (err != WEFT_OK)
        return err;
    (*out)->place = t->n;
    t->feeder[t->n++] = *out;
    return WEFT_OK;
}

static weft_ref subject(const weft_msg *msg, weft_ref who)
{
    return weft_ref_is_nobody(who) ? weft_sender(msg) : who;
}

weft_err wf_topic_add(weft_actor *self, weft_ref who, const weft_topic_subscribe *how,
                      weft_ref *feeder)
{
    wf_topic *t = weft_state(self);
    wf_feeder *f = find(t, who);
    bool is_new = f == NULL;
    weft_err err = t->self == NULL ? WEFT_ENOMEM : is_new ? add(self, who, &f) : WEFT_OK;

    if (err != WEFT_OK)
        return err;
    wf_feeder_set(f, how);
    wf_topic_resume(self, t);
    if (is_new && t->last != NULL)
        wf_feeder_push(self, f, t->last);
    if (feeder != NULL)
        *feeder = weft_self(weft_actor_of_state(f));
    return WEFT_OK;
}

static weft_err on_subscribe(weft_actor *self, weft_msg *msg)
{
    const wf_topic *t = weft_state(self);
    const weft_topic_subscribe *how = weft_body(msg);
    weft_err err = wf_topic_add(self, subject(msg, how->who), how, NULL);
    if (err == WEFT_ELIMIT)
        return weft_fail(msg, err, "subscribers_max (%u) is reached", t->n_max), err;
    return err == WEFT_OK ? weft_reply(msg, weft_topic_answer, .subscribers = t->n) : err;
}

static weft_err on_unsubscribe(weft_actor *self, weft_msg *msg)
{
    const wf_topic *t = weft_state(self);
    const weft_topic_unsubscribe *what = weft_body(msg);
    wf_feeder *f = find(t, subject(msg, what->who));
    if (f == NULL)
        return weft_fail(msg, WEFT_ENOTFOUND, "no such subscriber");
    f->ending = true;
    (void)weft_stop_ref(self, weft_self(weft_actor_of_state(f)), WEFT_OK);
    return weft_reply(msg, weft_topic_answer, .subscribers = t->n - 1);
}

static weft_err on_look(weft_actor *self, weft_msg *msg)
{
    wf_topic *t = weft_state(self);
    t->counts.subscribers = t->n;
    t->counts.waiting = t->waiting;
    t->counts.held_bytes = t->account != NULL ? weft_account_held(t->account) : 0;
    return weft_reply_body(msg, &weft_topic_counts_type, &t->counts);
}

/* ---- beginning and ending */

static uint32_t value_or(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    static const weft_topic_config defaults = {.name = NULL};
    const weft_topic_config *config = weft_config(self);
    wf_topic *t = weft_state(self);
    (void)msg;
    if (config == NULL)
        config = &defaults;
    t->n_max = value_or(config->subscribers_max, SUBSCRIBERS_MAX);
    t->queue_max = value_or(config->queue_max, QUEUE_MAX);
    t->queue_bytes_max = value_or(config->queue_bytes_max, QUEUE_BYTES_MAX);
    t->wait_ms = value_or(config->wait_ms, WAIT_MS);
    t->retain = config->retain;
    t->account = weft_account_new("topic", value_or(config->bytes_max, BYTES_MAX));
    if (t->account == NULL)
        return weft_stop_because(self, WEFT_ENOMEM, "no memory for a topic");
    weft_err err = config->name != NULL ? weft_register(self, config->name) : WEFT_OK;
    if (err != WEFT_OK)
        return weft_stop_because(self, err, "unable to be called %.63s", config->name);
    t->self = self;
    t->joined = WEFT_NOBODY;
    t->source = config->source != NULL ? weft_named(self, config->source) : WEFT_NOBODY;
    if (config->source == NULL)
        return WEFT_OK;
    if (weft_remote_node_of(t->source) == 0)
        return weft_stop_because(self, WEFT_EINVAL, "%.80s is no name of another node's topic",
                                 config->source);
    err = wf_topic_join_now(self);
    return err == WEFT_OK ? err : weft_stop_because(self, err, "no memory for a topic");
}

/* The feeders have ended; what they held is gone, what is kept here fails by itself. */
static void on_ended(weft_actor *self, weft_err reason)
{
    wf_topic *t = weft_state(self);
    (void)reason;
    wf_issue_drop(t, t->last);
    weft_account_close(&t->account);
    weft_alloc_free(t->feeder);
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_topic_subscribe_type, .fn = on_subscribe},
    {.type = &weft_topic_unsubscribe_type, .fn = on_unsubscribe},
    {.type = &wf_topic_room_type, .fn = on_room},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {.type = &weft_topic_look_type, .fn = on_look},
    {.type = &weft_topic_join_type, .fn = wf_topic_on_join},
    {.type = &wf_topic_rejoin_type, .fn = wf_topic_on_rejoin},
    {.type = &weft_down_type, .fn = wf_topic_on_down},
    {0},
};

const weft_behaviour weft_topic = {.name = "topic",
                                   .handlers = rows,
                                   .otherwise = on_publication,
                                   .state_bytes = sizeof(wf_topic),
                                   .ended = on_ended};
