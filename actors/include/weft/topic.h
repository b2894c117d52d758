/* SPDX-License-Identifier: MIT */
/** Topics: publish and subscribe inside a node, and between nodes.
 *
 *     weft_ref prices = weft_spawn(self, &weft_topic, &(weft_topic_config){.name = "prices"});
 *     weft_tell(self, prices, weft_topic_subscribe, .slow = WEFT_SLOW_DROP_OLDEST);
 *     weft_tell(self, prices, price, .cents = 250);
 *
 * A topic is an actor. What it is told or asked, of any type but those of this header, is a publication:
 * each subscriber is asked it, one publication at a time, in order. The next one comes when the last has
 * been let go of: its handler returned, or dropped what it kept; a reply may be given and is not looked
 * at. So a subscriber that passes bytes to a slow peer keeps the message until there is room, and what
 * comes meanwhile waits in its queue at the topic, where its policy says what happens when that is full.
 *
 * Bytes of a publication are moved once, to the topic's own account, and shared by all: no reader holds
 * the source they came from. Types with a release hook but no share hook (the events of streams) cannot
 * be published.
 *
 *     weft_spawn(self, &weft_topic, &(weft_topic_config){.name = "prices", .source = "prices@edge-1"});
 *
 * A topic with a source is that topic on this node: it subscribes there, and gives what comes to its own
 * subscribers, so that a publication crosses once for each node. What is published here goes to the source first.
 * When the link is lost the source forgets it, and it subscribes again when there is one; what was published
 * meanwhile it does not get, but for the last if the source retains. Publications are protobuf messages then
 * (<weft/node.h>), whose type names no reply, and the source's node lets the other reach the topic's name. */
#ifndef WEFT_TOPIC_H
#define WEFT_TOPIC_H

#include <weft/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What becomes of a publication for which a subscriber's queue has no room. */
typedef enum weft_slow {
    WEFT_SLOW_DROP_OLDEST, /**< it comes in, and the oldest that waits is left out and counted */
    WEFT_SLOW_DROP_NEWEST, /**< it is left out and counted */
    WEFT_SLOW_DISCONNECT,  /**< the subscription ends; weft_topic_ended is told */
    /** The topic takes no publication until there is room: nothing is lost, and publishers that wait for
     * their answer go as fast as the slowest such subscriber. One that lets a publication go only after
     * wait_ms is disconnected. */
    WEFT_SLOW_WAIT,
} weft_slow;

/** The config of weft_topic; it must live as long as the topic. NULL, and zeros, are the defaults. */
typedef struct weft_topic_config {
    const char *name;         /**< registered (weft_register); NULL: none */
    uint32_t subscribers_max; /**< 0: 4,096 */
    uint32_t queue_max;       /**< publications that wait for one subscriber; 0: 64 */
    uint32_t queue_bytes_max; /**< and what their bytes are charged with; 0: 256 KiB */
    uint32_t bytes_max;       /**< of all bytes that some subscriber still needs; 0: 16 MiB */
    uint32_t wait_ms;         /**< see WEFT_SLOW_WAIT; 0: 30,000 */
    bool retain;              /**< the last publication is the first thing a new subscriber gets */
    const char *source; /**< "prices@edge-1": this topic is that one, on this node; NULL: its own */
    weft_slow
        slow; /**< what becomes of what this node is too slow for, at the source. With WEFT_SLOW_WAIT one
                         publication at a time is on its way */
} weft_topic_config;

/** Publications that may wait at a topic for subscribers with WEFT_SLOW_WAIT. */
#define WEFT_TOPIC_WAITING_MAX 64U

/** Spawn it with a weft_topic_config. A publication that is a request is answered weft_topic_answer (its
 * type must allow that: reply NULL or &weft_topic_answer_type) when it stands in every queue.
 * errors of a publication: EFULL (bytes_max is reached, or WEFT_TOPIC_WAITING_MAX wait), EINVAL (a type
 * that cannot be published), ENOMEM. */
extern const weft_behaviour weft_topic;

/** Subscribes @who, or the sender if that is nobody. Who subscribes again changes its policy. The
 * subscription ends with the subscriber. The reply is weft_topic_answer; errors: ELIMIT
 * (subscribers_max), ENOMEM. */
typedef struct weft_topic_subscribe {
    weft_ref who;
    weft_slow slow;
    bool not_mine; /**< without what the subscriber published itself */
} weft_topic_subscribe;

/** Ends the subscription of @who, or of the sender. What waited for it is dropped. The reply is
 * weft_topic_answer; errors: ENOTFOUND. */
typedef struct weft_topic_unsubscribe {
    weft_ref who;
} weft_topic_unsubscribe;

/** How many subscribers there are, or were given the publication. */
typedef struct weft_topic_answer {
    uint32_t subscribers;
} weft_topic_answer;

/** Told to a subscriber that was disconnected. Unhandled: ignored. */
typedef struct weft_topic_ended {
    weft_ref topic;
    weft_err reason; /**< EFULL (its queue was full), ETIMEDOUT (wait_ms), ENOMEM */
} weft_topic_ended;

/** How is it? The reply is weft_topic_counts. */
typedef struct weft_topic_look {
    char nothing;
} weft_topic_look;
typedef struct weft_topic_counts {
    uint32_t subscribers;
    uint32_t waiting;      /**< publications that wait for a subscriber with WEFT_SLOW_WAIT */
    uint64_t published;    /**< publications */
    uint64_t delivered;    /**< let go of by a subscriber */
    uint64_t dropped;      /**< left out for a subscriber */
    uint64_t disconnected; /**< subscriptions ended by their policy */
    uint64_t held_bytes;   /**< charged to its account */
    uint32_t joined;       /**< how often it has subscribed at its source */
} weft_topic_counts;

extern const weft_type weft_topic_subscribe_type, weft_topic_unsubscribe_type,
    weft_topic_answer_type, weft_topic_ended_type, weft_topic_look_type, weft_topic_counts_type;
/** What topics of other nodes subscribe with: for a row of weft_node.allow with this topic's name. Nodes know it. */
extern const weft_type weft_topic_join_type;

#ifdef __cplusplus
}
#endif
#endif
