/* SPDX-License-Identifier: MIT */
/** Deferreds: the answers that are not there yet.
 *
 * A weft_deferred belongs to the actor that made it and never leaves it. It fires once, with a value or with
 * an error, and is consumed once: by weft_when, by weft_await in a fiber, by a step of a chain, by a
 * combinator, by weft_within or by weft_ignore. One that nobody consumed by the end of the handler (that of
 * its fiber) is detached; its failure is logged.
 *
 * An outcome always comes through the actor's mailbox, also that of a Deferred that has fired when it is
 * made: nothing here runs a continuation or a step before it returns. */
#ifndef WEFT_DEFERRED_H
#define WEFT_DEFERRED_H

#include <weft/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether a request that went to another node, and failed, had arrived there. */
typedef enum weft_delivery {
    WEFT_DELIVERY_UNKNOWN, /**< it may have, or it went nowhere else */
    WEFT_NOT_DELIVERED,    /**< surely not: it may be asked again */
    WEFT_DELIVERED,        /**< surely: it was given to the actor, or refused there */
} weft_delivery;

/** What a Deferred came to: a value (@err is WEFT_OK) or a failure. Borrowed by whoever is given it. */
typedef struct weft_outcome {
    weft_err err;
    weft_delivery delivery; /**< of a failed ask of an actor of another node */
    const char *why;        /**< the sentence; never NULL */
    const weft_type *type;  /**< of the value; NULL in failure, and for success without a value */
    const void *body;       /**< the value; NULL in failure, and for success without a value */
    weft_ref from;          /**< who answered; nobody when the runtime did */
    void *context;          /**< in a step: as given to weft_then_with and its like; else NULL */
    size_t index; /**< of weft_any, weft_race, and a failed weft_all: which it was; else 0 */
} weft_outcome;

/** A handler continued: goes on serving @msg with what the Deferred came to. */
typedef weft_err weft_continue_fn(weft_actor *self, weft_msg *msg, const weft_outcome *got);

/** Goes on serving @msg in @fn when @deferred has fired; always from the mailbox, never at once. @msg
 * stays alive until then. errors: EUSED (consumed before), EGONE (not a Deferred of this actor), ELIMIT (one
 * that could not be made: asks_max, or memory), ENOMEM (to keep @msg: @deferred is not consumed, and this may
 * be tried again). After an error @fn is not called, and @msg ends as it would without this call; an error
 * that its handler returns fails it. thread: in the handler that serves @msg. */
weft_err weft_when(weft_msg *msg, weft_deferred deferred, weft_continue_fn *fn);

/** Whatever it comes to, nobody cares, and nothing is logged. errors: EUSED. thread: in a handler. */
weft_err weft_ignore(weft_actor *self, weft_deferred deferred);

/** No longer wants it. What it waits for is cancelled where that is: of a chain the request or the promise
 * that is awaited now, of a combinator every member that is outstanding. Wherever it was forwarded, a request
 * still queued is removed unrun, and one being served is told (its continuations get ECANCELLED;
 * weft_cancelled for one that was kept); a promise is told by its function. That fires with ECANCELLED, which
 * comes down the chain through its steps. A late reply dies unseen and is counted. errors: EUSED (has fired or
 * been consumed by weft_ignore). thread: in a handler of the actor that made it. */
weft_err weft_cancel(weft_actor *self, weft_deferred deferred);

/** Told to an actor that keeps (weft_keep) a request whose asker no longer wants the answer. */
typedef struct weft_cancelled {
    const weft_msg *msg; /**< the one that is kept; compare, then weft_drop it */
} weft_cancelled;
extern const weft_type weft_cancelled_type;

/* ---- chains */

/** A step of a chain: it may look at @got, and
 * - leave *@next alone and return WEFT_OK: what it was given goes on (of weft_catch: success without a value)
 * - set *@next to a Deferred of this actor (weft_succeed, weft_failed, an ask, another chain, ...): the chain
 *   waits for that, and comes to what it comes to
 * - return an error: the chain fails with it; the sentence stays when it is the error it was given
 * What it asks inherits from the message that waits for the chain; if none does, from the outcome. */
typedef weft_err weft_step_fn(weft_actor *self, weft_deferred *next, const weft_outcome *got);

/** A Deferred that is @deferred with @step behind it, which consumes @deferred. The step runs
 * - weft_then: on success; a failure goes past it
 * - weft_catch: on failure; a success goes past it
 * - weft_finally: on both
 * The forms `_with` have @context given to the step as got->context; the others give NULL.
 * errors of the Deferred: EUSED, EGONE (@deferred, as in weft_when; a failure like any other, which a
 * weft_catch may take), ELIMIT (no room for more). thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_then(weft_actor *self, weft_deferred deferred, weft_step_fn *step);
WEFT_MUST_USE weft_deferred weft_catch(weft_actor *self, weft_deferred deferred,
                                       weft_step_fn *step);
WEFT_MUST_USE weft_deferred weft_finally(weft_actor *self, weft_deferred deferred,
                                         weft_step_fn *step);
WEFT_MUST_USE weft_deferred weft_then_with(weft_actor *self, weft_deferred deferred,
                                           weft_step_fn *step, void *context);
WEFT_MUST_USE weft_deferred weft_catch_with(weft_actor *self, weft_deferred deferred,
                                            weft_step_fn *step, void *context);
WEFT_MUST_USE weft_deferred weft_finally_with(weft_actor *self, weft_deferred deferred,
                                              weft_step_fn *step, void *context);

/** A Deferred that is @deferred, which it consumes, with a limit of its own: when @limit_ms have passed, what
 * is awaited is cancelled and it fails with ETIMEDOUT and a sentence that says who was awaited and how long.
 * An answer that is in the mailbox by then still wins. @limit_ms: the limit, or WEFT_INHERIT; WEFT_NO_LIMIT
 * gives @deferred back. errors of the Deferred: as weft_then. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_within(weft_actor *self, weft_deferred deferred,
                                        uint32_t limit_ms);

/* ---- plain ones: no message stands behind them */

/** One that has succeeded with a copy of @body; @type and @body NULL: without a value.
 * errors of the Deferred: EINVAL, ENOMEM, ELIMIT. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_succeed_body(weft_actor *self, const weft_type *type,
                                              const void *body);
#define weft_succeed(self, T, ...) weft_succeed_body((self), &T##_type, &(const T){__VA_ARGS__})

/** One that has failed, with a sentence (@format may be NULL: the code's own).
 * thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_failed(weft_actor *self, weft_err err, const char *format, ...)
    WEFT_PRINTF(3, 4);

/** The other end of a Deferred: whoever has it fires it, once, in any later handler of the actor. A value;
 * all zero is one that has fired. The fields are weft's. */
typedef struct weft_promise {
    uint32_t slot, gen;
} weft_promise;

/** Nobody wants the promise any more: its Deferred was cancelled, or its actor ends. It may be fired now, with
 * what has come so far or an error of its own; else it fires with ECANCELLED when this returns. Runs as a
 * handler of @self, not within weft_cancel; never after the promise was fired. At the end of the actor it
 * comes before the behaviour's `ended` and, like that, must not ask. */
typedef void weft_unwanted_fn(weft_actor *self, weft_promise *promise, void *context);

/** A promise and its Deferred, which is consumed by this handler or detached as that of an ask is; the promise
 * is kept for as long as it takes. @unwanted may be NULL. *@out is always set.
 * errors of the Deferred: ELIMIT (asks_max); firing the promise then gives EGONE. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_promise_new(weft_actor *self, weft_promise *out,
                                             weft_unwanted_fn *unwanted, void *context);

/** Fires *@promise with a copy of @body (NULL and NULL: without a value) and clears it.
 * errors: EUSED (it has fired), EGONE (nobody waits for it any more: cancelled, ignored, never consumed, or
 * not of this actor); @unwanted is not called any more. EINVAL, ENOMEM: it has not fired, and may be tried
 * again. thread: in a handler of the actor that made it. */
weft_err weft_resolve_body(weft_actor *self, weft_promise *promise, const weft_type *type,
                           const void *body);
#define weft_resolve(self, promise, T, ...) \
    weft_resolve_body((self), (promise), &T##_type, &(const T){__VA_ARGS__})

/** Fires it with @err and a sentence (@format may be NULL: the code's own). errors: EUSED, EGONE, as above. */
weft_err weft_reject(weft_actor *self, weft_promise *promise, weft_err err, const char *format, ...)
    WEFT_PRINTF(4, 5);

/* ---- several at once */

/** What happens to the members that are outstanding when a combinator has fired. */
typedef enum weft_rest {
    WEFT_CANCEL_REST, /**< they are cancelled, and nobody hears of them */
    WEFT_LEAVE_REST,  /**< they go on; a failure of theirs is logged */
} weft_rest;

/** The value of weft_all and weft_settled: what the members came to, in the order they were given. It stays in
 * the actor: sending it is EINVAL. */
typedef struct weft_outcomes {
    size_t n;
    const weft_outcome *at; /**< @n of them */
} weft_outcomes;
extern const weft_type weft_outcomes_type;

/** Each of these consumes its @n members, and gives one Deferred; cancelling that cancels every member that
 * is outstanding. A member that cannot be consumed (EUSED, EGONE) counts as failed with that.
 * - weft_all: when all have succeeded, weft_outcomes; with the first failure as soon as there is one
 * - weft_settled: when all have fired, weft_outcomes
 * - weft_any: the first success; when all have failed, the failure that came last
 * - weft_race: whatever comes first, success or failure
 * got->index says which member it was. None at all (@n is 0) is success with no outcomes for the first two,
 * EINVAL for the others. errors of the Deferred besides: ENOMEM, ELIMIT. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_all(weft_actor *self, const weft_deferred *members, size_t n,
                                     weft_rest rest);
WEFT_MUST_USE weft_deferred weft_settled(weft_actor *self, const weft_deferred *members, size_t n);
WEFT_MUST_USE weft_deferred weft_any(weft_actor *self, const weft_deferred *members, size_t n,
                                     weft_rest rest);
WEFT_MUST_USE weft_deferred weft_race(weft_actor *self, const weft_deferred *members, size_t n,
                                      weft_rest rest);

/* ---- in dev builds: where a Deferred was made */

/** Notes the place in the program that makes the next Deferred, for the log line of a failure that nobody
 * reads; gives @self back. Does nothing in a library that is no dev build. */
weft_actor *weft_made_at(weft_actor *self, const char *file, int line);

#if defined(WEFT_DEV) && !defined(WEFT_MAKES_DEFERREDS)
#define WEFT_MADE_AT(self) weft_made_at((self), __FILE__, __LINE__)
#define weft_ask_body(self, ...) weft_ask_body(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_room(self, ...) weft_room(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_then(self, ...) weft_then(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_catch(self, ...) weft_catch(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_finally(self, ...) weft_finally(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_then_with(self, ...) weft_then_with(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_catch_with(self, ...) weft_catch_with(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_finally_with(self, ...) weft_finally_with(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_within(self, ...) weft_within(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_succeed_body(self, ...) weft_succeed_body(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_failed(self, ...) weft_failed(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_promise_new(self, ...) weft_promise_new(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_all(self, ...) weft_all(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_settled(self, ...) weft_settled(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_any(self, ...) weft_any(WEFT_MADE_AT(self), __VA_ARGS__)
#define weft_race(self, ...) weft_race(WEFT_MADE_AT(self), __VA_ARGS__)
#endif

#ifdef __cplusplus
}
#endif
#endif
