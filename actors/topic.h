/* SPDX-License-Identifier: MIT */
/* What a topic and its feeders share. A feeder is the topic's child that serves one subscriber: it holds
 * the queue, asks, waits, and ends when the subscriber does. */
#ifndef WF_TOPIC_H
#define WF_TOPIC_H

#include <weft/edge.h>
#include <weft/remote.h>
#include <weft/system.h>
#include <weft/topic.h>

/* One publication, held by each queue it stands in. */
typedef struct wf_issue {
    uint32_t holders;
    uint32_t charge; /* of its bytes */
    uint64_t trace;
    const weft_type *type;
    weft_bytes bytes; /* of the topic's account */
    weft_msg *kept;   /* the body stands there, if only the runtime can copy it */
    _Alignas(16) unsigned char body[];
} wf_issue;

typedef struct wf_feeder wf_feeder;

typedef struct wf_topic {
    weft_actor *self;
    weft_account *account;
    wf_feeder **feeder;
    uint32_t n, room, n_max;
    uint32_t queue_max, queue_bytes_max, wait_ms;
    uint32_t full; /* feeders that wait and have no room */
    uint32_t waiting_from, waiting;
    weft_msg *waits[WEFT_TOPIC_WAITING_MAX]; /* publications, in order */
    wf_issue *last;                          /* retained */
    bool retain;
    weft_ref source; /* its name there; nobody: it has none */
    weft_ref joined; /* who serves it there; nobody: it is not subscribed */
    weft_topic_counts counts;
} wf_topic;

struct wf_feeder {
    wf_topic *topic;
    weft_ref who;
    uint32_t place; /* in the topic's list */
    weft_slow slow;
    bool not_mine;
    bool busy;    /* is asking, or about to */
    bool far;     /* of another node: several publications are on their way at once */
    uint32_t out; /* so many */
    bool full;    /* counts in the topic's @full */
    bool ending;  /* disconnected */
    wf_issue **queue;
    uint32_t queue_room, from, n, bytes;
    wf_issue *now; /* what the subscriber has */
};

/* ---- topic.c */

/* Gives a share of @issue back. thread: in a handler of the topic or of a feeder. */
void wf_issue_drop(const wf_topic *t, wf_issue *issue);
/* A feeder that was full has room, or is gone: goes on with what waits. */
void wf_topic_resume(weft_actor *self, void *topic);
extern const weft_type wf_topic_room_type;

/* Subscribes @who; *@feeder, if it is wanted, is who serves it. errors: ELIMIT, ENOMEM. */
weft_err wf_topic_add(weft_actor *self, weft_ref who, const weft_topic_subscribe *how,
                      weft_ref *feeder);

/* ---- topic_source.c: topics of other nodes */

extern const weft_type wf_topic_joined_type, wf_topic_rejoin_type;
weft_err wf_topic_on_join(weft_actor *self, weft_msg *msg);
weft_err wf_topic_on_rejoin(weft_actor *self, weft_msg *msg);
weft_err wf_topic_on_down(weft_actor *self, weft_msg *msg);
/* Subscribes at its source. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_topic_join_now(weft_actor *self);
/* Says how many got it, in words that cross. errors: as weft_reply_body. */
weft_err wf_topic_answer(weft_msg *msg, uint32_t subscribers);
/* Whether @msg is for the source to publish. */
bool wf_topic_is_for_source(const wf_topic *t, const weft_msg *msg);

/* ---- topic_feed.c */

/* Makes the feeder of @who. errors: ENOMEM, ELIMIT. thread: the topic's handler. */
weft_err wf_feeder_new(weft_actor *self, weft_ref who, wf_feeder **out);
/* Puts @issue into the queue, by the policy. thread: the topic's handler. */
void wf_feeder_push(weft_actor *self, wf_feeder *f, wf_issue *issue);
/* Sets the policy of one that is there. */
void wf_feeder_set(wf_feeder *f, const weft_topic_subscribe *how);

#endif
