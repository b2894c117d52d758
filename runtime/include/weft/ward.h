/* SPDX-License-Identifier: MIT */
/** For writers of supervisors: children that keep their reference when they stop.
 *
 *             begin                     it stops, or is stopped
 *   made ─────────────▶ alive ─────────────────────────────────────▶ down ── weft_ward_end ──▶ ended
 *    (down)               ▲            (`down` is called)              │
 *                         └───────────────── begin ────────────────────┘
 *
 * When a ward stops, all of it ends as any actor's does: its children before it, its asks, timers,
 * monitors and links; queued mail fails, `ended` runs. What stays is its reference, its names, and
 * those who monitor it. While it is down it is a mailbox: a tell is accepted, an ask waits within its
 * time, mailbox_max holds. When it begins again its state is zeroed, its behaviour is the one it was
 * made with, and `started` comes before whatever waits. */
#ifndef WEFT_WARD_H
#define WEFT_WARD_H

#include <weft/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_ward weft_ward;

/** What its parent hears of a ward, at once and without a message, so that no lack of memory can lose
 * it. Runs as the parent's code, on its reactor; may begin, stop and end wards, tell and set alarms. */
typedef struct weft_ward_ops {
    /** Its `started` has been served, its continuations too: WEFT_OK, or the error and the sentence it
     * came to. Then it is alive all the same: stop it. Not called when it stopped meanwhile. */
    void (*up)(weft_actor *self, weft_ward *ward, weft_err err, const char *why);
    /** It has stopped and is down. Not called once its parent is stopping. @why is never NULL. */
    void (*down)(weft_actor *self, weft_ward *ward, weft_err reason, const char *why);
} weft_ward_ops;

/** A child that is kept, embedded in what its parent keeps of it; must not move, and must live until it was
 * ended while it was down, or its parent's `ended` runs. The fields are read freely; @stop_ms may be set at any time. */
struct weft_ward {
    weft_ref ref;
    const weft_ward_ops *ops;
    uint32_t stop_ms;  /**< how long it and its children may take to stop when told; 0: 5,000 */
    uint32_t begun;    /**< how often it has begun */
    uint64_t room[10]; /**< its `started` message */
};

/** Makes a ward of @self, which is down: it has a reference, takes mail and may be given names, and
 * begins with weft_ward_begin. @config is borrowed for its life. @ward is zeroed and filled in.
 * errors: EINVAL, ENOMEM, ELIMIT as weft_spawn; EUNSUPPORTED for a behaviour that gives bytes out
 * (weft_behaviour.account). thread: in a handler. */
WEFT_MUST_USE weft_err weft_ward_new(weft_actor *self, weft_ward *ward,
                                     const weft_behaviour *behaviour, const void *config,
                                     const weft_ward_ops *ops, weft_why *why);

/** Begins one that is down, for the first time or again; those who monitor it are then told
 * weft_restarted. Needs no memory but for that. true: it is up at once, having no row for `started`;
 * else `up` will be called. Calm when it is not down. thread: in a handler or callback of its parent. */
bool weft_ward_begin(weft_actor *self, weft_ward *ward);

/** Has it stop, politely if it has a row for weft_stopping; after stop_ms it and its children are ended
 * by force (ETIMEDOUT). `down` follows. Calm when it is down. thread: as weft_ward_begin. */
void weft_ward_stop(weft_actor *self, weft_ward *ward, weft_err reason);

/** The same at once, with a sentence (may be NULL) that those who monitor it see. */
void weft_ward_kill(weft_actor *self, weft_ward *ward, weft_err reason, const char *why);

/** Ends it for good: its reference is stale from now on, its names are free, those who monitor it are
 * told weft_down with what it stopped for. One that is alive is stopped at once with @reason, and `down`
 * is not called. thread: as weft_ward_begin. */
void weft_ward_end(weft_actor *self, weft_ward *ward, weft_err reason);

/** Whether it is down. */
bool weft_ward_is_down(const weft_ward *ward);

/** As weft_monitor, but told weft_down when this life of @who is over, also if it will begin again: for
 * actors that serve one life, as a stream does its owner's. */
weft_err weft_monitor_life(weft_actor *self, weft_ref who);

#ifdef __cplusplus
}
#endif
#endif
