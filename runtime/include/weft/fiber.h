/* SPDX-License-Identifier: MIT */
/** Fibers: handlers that wait in a straight line.
 *
 * The handler of a row with `.fiber = true` runs on a stack of its own and may wait, by the three
 * functions below, for an answer, for time to pass, or for a next message. Its message stays alive until
 * it returns. Others may not wait: a call outside of a fiber is an error, EINVAL, that changes nothing.
 * So is one from a handler that the fiber's own handler calls within itself (a request served in place),
 * and, EUNSUPPORTED, one on the blocking pool.
 *
 * While a fiber waits its actor goes on serving other messages. What the fiber knew of the state before
 * the wait may be untrue after it: look again. A row that is .serial too keeps other ordinary messages
 * waiting meanwhile, which is safe and has its own danger: if what it waits for needs one of those (it
 * asks itself, or who asks it), nothing moves until the time limit. In both, replies, what weft_next waits
 * for, timers, `down` and control are delivered.
 *
 * A wait ends early when the asker of the fiber's message no longer wants the answer (ECANCELLED: the
 * wait under way, or else the next one, once) and when the actor is stopped (ESTOPPING: the wait under way
 * and every further one at once), so that the handler's clean-up runs. Stopped, it has 1,000 waits to
 * notice; then it is abandoned where it stands, and the log says so.
 *
 * Deferreds that are made before a wait may be consumed after it. `errno` and other variables of the thread
 * do not keep their values across a wait. No lock may be held while waiting. */
#ifndef WEFT_FIBER_H
#define WEFT_FIBER_H

#include <weft/deferred.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Waits until @deferred has fired and gives what it came to, which lives until the fiber's next wait or
 * its end. Never NULL. Consumes @deferred unless it fails with EINVAL, EUNSUPPORTED or ENOMEM.
 * errors of the outcome, beside those of the Deferred: EINVAL (outside of a fiber), EUNSUPPORTED, ESTOPPING,
 * ECANCELLED, EUSED (consumed before), EGONE (not a Deferred of this actor), ELIMIT, ENOMEM.
 * thread: in a handler whose row has .fiber. */
WEFT_MUST_USE const weft_outcome *weft_await(weft_actor *self, weft_deferred deferred);

/** Waits @ms milliseconds, never less, at most WEFT_TIMER_MS_MAX; 0 lets others run who are ready. Counts
 * as an ask while it waits. errors: EINVAL, EUNSUPPORTED, ESTOPPING, ECANCELLED, ELIMIT (asks_max), ENOMEM.
 * thread: as weft_await. */
WEFT_MUST_USE weft_err weft_sleep(weft_actor *self, uint32_t ms);

/** Waits for the next message of @type and gives it to the fiber instead of its row, if it has one. It is
 * borrowed until the fiber's next wait or its end: a request that is neither answered nor kept by then
 * fails with ENOANSWER. Of several fibers of an actor the one that has waited longest gets it. What waits
 * for a .serial row to be over is given too. What the fiber sends goes on belonging to the message it serves. @limit_ms: as weft_ask_body. Counts as an ask while it waits.
 * errors: ETIMEDOUT, EINVAL, EUNSUPPORTED, ESTOPPING, ECANCELLED, ELIMIT (asks_max), ENOMEM; *@out is then
 * untouched. thread: as weft_await. */
WEFT_MUST_USE weft_err weft_next_of(weft_actor *self, const weft_type *type, uint32_t limit_ms,
                                    weft_msg **out);

/** weft_next(self, line, 5000, &msg). */
#define weft_next(self, T, limit_ms, out) weft_next_of((self), &T##_type, (limit_ms), (out))

#ifdef __cplusplus
}
#endif
#endif
