/* SPDX-License-Identifier: MIT */
/** What an operator does to actors: have one wait, go on, end at once; look at what it is told.
 *
 * All of it goes to the actor's reactor as control does, before whatever waits in a mailbox, and costs the way of a
 * message nothing while nobody uses it. weft_stats says what came of it. */
#ifndef WEFT_OPERATE_H
#define WEFT_OPERATE_H

#include <weft/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/** From now on @who serves no message: they wait, up to its mailbox_max as always, until weft_resume. Time limits go
 * on, and so does what does not come as a message: an edge reads on until its owner takes no more. A message that
 * is being served is finished, what continues it waits. Asked to stop, or stopped, it is resumed and ends as ever;
 * restarted by its supervisor it is not suspended any more. One that is ending takes no notice.
 * Asked in a phase of the shut-down (<weft/system.h>), it is resumed too. errors: EGONE, EINVAL (@self itself), EDENIED
 * (it is "weft.system", which ends the system in order), EUNSUPPORTED (it is of another node), ENOMEM. thread: in a
 * handler. */
WEFT_MUST_USE weft_err weft_suspend(weft_actor *self, weft_ref who);
/** @who serves messages again, those that waited first. Calm if it does. errors: as weft_suspend. */
WEFT_MUST_USE weft_err weft_resume(weft_actor *self, weft_ref who);

/** Ends @who with @reason at the end of its turn, without asking it first as weft_stop_ref does; its children, as
 * ever, before it. errors: EGONE, EDENIED (as weft_suspend), EUNSUPPORTED, ENOMEM. thread: in a handler. */
WEFT_MUST_USE weft_err weft_kill(weft_actor *self, weft_ref who, weft_err reason);

/* ---- looking at messages */

typedef enum weft_tapped_kind {
    WEFT_TAPPED_TELL,
    WEFT_TAPPED_REQUEST,
    WEFT_TAPPED_REPLY,
    WEFT_TAPPED_FAILURE, /**< a reply that is one */
    WEFT_TAPPED_TIMER,
} weft_tapped_kind;

#define WEFT_TAP_TEXT_BYTES 320U /**< of a message's text form that are shown */
#define WEFT_TAP_WINDOW 256U     /**< told and not yet taken; what comes meanwhile is lost */
#define WEFT_TAPS_MAX 8U         /**< on one actor */

/** Told to who taps, for each message that @who begins to serve. Messages of this type are not shown. */
typedef struct weft_tapped {
    uint64_t number; /**< from 1; what is left out was lost */
    weft_ref who, from;
    const weft_type *type;
    uint64_t trace;
    uint64_t wall_ns; /**< when, of the clock on the wall */
    uint32_t bytes;   /**< of its block */
    weft_tapped_kind kind;
    /** Its text form (<weft/form.h>); of a failure the code and its sentence; "" if its type has none. */
    char text[WEFT_TAP_TEXT_BYTES];
} weft_tapped;
extern const weft_type weft_tapped_type;

/** What is known of a tap on its taker's side. */
typedef struct weft_tap weft_tap;

/** Has weft_tapped told to @self for what @who serves from now on, over restarts by its supervisor, until one of them
 * ends or weft_tap_end; whether @who has ended is for a monitor to say. One that has WEFT_TAPS_MAX already, or no
 * memory for it, tells nothing and logs so. The tap is yours to end, in the ended hook at the latest.
 * errors: NULL with @why. thread: in a handler. */
WEFT_MUST_USE weft_tap *weft_tap_begin(weft_actor *self, weft_ref who, weft_why *why);
/** One weft_tapped of it has been dealt with: the window has room for another. */
void weft_tap_taken(weft_tap *tap);
/** No more of it; sets *@tap to NULL. What is under way still comes. Calm with NULL. */
void weft_tap_end(weft_tap **tap);

#ifdef __cplusplus
}
#endif
#endif
