/* SPDX-License-Identifier: MIT */
/** Deferreds: the answers that are not there yet.
 *
 * A weft_deferred belongs to the actor that made it. It fires once and is consumed once: by weft_when,
 * weft_ignore, or, in a fiber, weft_await. One that nobody consumed by the end of the handler (that of its
 * fiber) is detached; its failure is logged. */
#ifndef WEFT_DEFERRED_H
#define WEFT_DEFERRED_H

#include <weft/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a Deferred came to: a reply (@err is WEFT_OK) or a failure. Borrowed by the continuation. */
typedef struct weft_outcome {
    weft_err err;
    const char *why;       /**< the sentence; never NULL */
    const weft_type *type; /**< of the reply; NULL in failure */
    const void *body;      /**< of the reply; NULL in failure */
    weft_ref from;         /**< who answered; nobody when the runtime did */
} weft_outcome;

/** A handler continued: goes on serving @msg with what the Deferred came to. */
typedef weft_err weft_continue_fn(weft_actor *self, weft_msg *msg, const weft_outcome *got);

/** Goes on serving @msg in @fn when @deferred has fired; always from the mailbox, never at once. @msg
 * stays alive until then. errors: EUSED (consumed before), EGONE (not a Deferred of this actor). An
 * error fails @msg when returned from its handler. thread: in the handler that serves @msg. */
weft_err weft_when(weft_msg *msg, weft_deferred deferred, weft_continue_fn *fn);

/** Whatever it comes to, nobody cares, and nothing is logged. errors: EUSED. thread: in a handler. */
weft_err weft_ignore(weft_actor *self, weft_deferred deferred);

/** No longer wants it. Wherever it was forwarded, a request still queued is removed unrun, and one being
 * served is told (its continuations get ECANCELLED; weft_cancelled for one that was kept); the Deferred
 * fires with ECANCELLED. A late reply dies unseen and is counted. errors: EUSED (has fired or been
 * consumed by weft_ignore). thread: in a handler of the actor that made it. */
weft_err weft_cancel(weft_actor *self, weft_deferred deferred);

/** Told to an actor that keeps (weft_keep) a request whose asker no longer wants the answer. */
typedef struct weft_cancelled {
    const weft_msg *msg; /**< the one that is kept; compare, then weft_drop it */
} weft_cancelled;
extern const weft_type weft_cancelled_type;

#ifdef __cplusplus
}
#endif
#endif
