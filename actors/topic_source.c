/* SPDX-License-Identifier: MIT */
/* Topics of several nodes: one that has a source subscribes there, again whenever it was lost, and is served there
 * as any subscriber.
 *
 *   publisher ──▶ source ──▶ feeder ┄┄ one record a node ┄┄▶ topic ──▶ feeders ──▶ subscribers
 */
#include "topic.h"

#include <weft/node.h>
#include <weft/timer.h>

#include "weft_topic.pb-c.h"

enum {
    JOIN_LIMIT_MS = 5000,
    REJOIN_MS = 500, /* between two attempts to subscribe */
};

typedef Weft__Topic__Join weft_topic_join;
typedef Weft__Topic__Joined wf_topic_joined;
typedef struct wf_topic_rejoin {
    char nothing;
} wf_topic_rejoin;
const weft_type wf_topic_joined_type =
    WEFT_TYPE_PROTO("weft.topic_joined", wf_topic_joined, &weft__topic__joined__descriptor, NULL);
const weft_type weft_topic_join_type = WEFT_TYPE_PROTO(
    "weft.topic_join", weft_topic_join, &weft__topic__join__descriptor, &wf_topic_joined_type);
const weft_type wf_topic_rejoin_type = WEFT_TYPE("weft.topic_rejoin", wf_topic_rejoin, NULL);

static bool is_far(const weft_msg *msg)
{
    return weft_remote_node_of(weft_sender(msg)) != 0;
}

/* ---- at the source */

weft_err wf_topic_on_join(weft_actor *self, weft_msg *msg)
{
    const wf_topic *t = weft_state(self);
    const weft_topic_join *join = weft_body(msg);
    weft_topic_subscribe how = {.slow = (weft_slow)join->slow};
    if (join->slow > WEFT_SLOW_WAIT)
        return weft_fail(msg, WEFT_EINVAL, "no policy has the number %u", join->slow);
    weft_ref feeder;
    weft_err err = wf_topic_add(self, weft_sender(msg), &how, &feeder);
    if (err == WEFT_ELIMIT)
        return weft_fail(msg, err, "subscribers_max (%u) is reached", t->n_max);
    if (err != WEFT_OK)
        return err;
    Weft__Ref ref;
    weft_ref_to_message(&ref, feeder);
    return weft_reply(msg, wf_topic_joined, .subscribers = t->n, .feeder = &ref);
}

weft_err wf_topic_answer(weft_msg *msg, uint32_t subscribers)
{
    return is_far(msg) ? weft_reply(msg, wf_topic_joined, .subscribers = subscribers)
                       : weft_reply(msg, weft_topic_answer, .subscribers = subscribers);
}

/* ---- at the other nodes */

bool wf_topic_is_for_source(const wf_topic *t, const weft_msg *msg)
{
    return !weft_ref_is_nobody(t->source) && !is_far(msg);
}

static weft_err rejoin_later(weft_actor *self)
{
    weft_timer timer = weft_after(self, REJOIN_MS, wf_topic_rejoin, 0);
    if (timer.slot == 0)
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to subscribe again");
    return WEFT_OK;
}

static weft_err on_joined(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_topic *t = weft_state(self);
    (void)msg;
    if (got->err != WEFT_OK) {
        weft_log(self, WEFT_INFO, "has no source: %s", got->why);
        return rejoin_later(self);
    }
    weft_ref feeder = weft_ref_of_message(((const wf_topic_joined *)got->body)->feeder);
    /* unwatched it would never know that it has lost it */
    if (weft_ref_is_nobody(feeder) || weft_monitor(self, feeder) != WEFT_OK)
        return rejoin_later(self);
    t->joined = feeder;
    t->counts.joined++;
    return WEFT_OK;
}

weft_err wf_topic_on_rejoin(weft_actor *self, weft_msg *msg)
{
    const wf_topic *t = weft_state(self);
    const weft_topic_config *config = weft_config(self);
    return weft_when(msg,
                     weft_ask_within(self, t->source, JOIN_LIMIT_MS, weft_topic_join,
                                     .slow = (uint32_t)config->slow),
                     on_joined);
}

weft_err wf_topic_join_now(weft_actor *self)
{
    wf_topic_rejoin body = {0};
    return weft_event(self, weft_self(self), &wf_topic_rejoin_type, &body);
}

weft_err wf_topic_on_down(weft_actor *self, weft_msg *msg)
{
    wf_topic *t = weft_state(self);
    const weft_down *down = weft_body(msg);
    if (!weft_ref_same(down->who, t->joined))
        return WEFT_OK;
    t->joined = WEFT_NOBODY;
    weft_log(self, WEFT_INFO, "has lost its source: %s", down->why);
    return rejoin_later(self);
}
