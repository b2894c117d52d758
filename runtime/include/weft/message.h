/* SPDX-License-Identifier: MIT */
/** Messages: tell, ask, reply, and what a handler may know about the one it serves.
 *
 * A message is a copy: what you pass stays yours. It is also the context of what it causes: its time
 * limit and trace id go on to what its handler sends. */
#ifndef WEFT_MESSAGE_H
#define WEFT_MESSAGE_H

#include <weft/bytes.h>
#include <weft/error.h>
#include <weft/ref.h>
#include <weft/type.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Says yes to "accepted for delivery", never "delivered". What is known here is an immediate error:
 * @to is stale (EGONE), its mailbox is full or there is no credit towards its reactor (EFULL), a body
 * cannot be copied (EINVAL, ENOMEM). Each refusal is counted. A refusal at the far side is a counted
 * dead letter there. thread: in a handler. */
weft_err weft_tell_body(weft_actor *self, weft_ref to, const weft_type *type, const void *body);

/** weft_tell(self, to, counter_add, .amount = 1): the body is a compound literal of the type's struct. */
#define weft_tell(self, to, T, ...) weft_tell_body((self), (to), &T##_type, &(const T){__VA_ARGS__})

/** Fires when @to has room again after WEFT_EFULL, or at once if it has. errors of the Deferred: EGONE.
 * thread: in a handler. */
typedef struct weft_deferred {
    uint32_t slot, gen;
} weft_deferred;

WEFT_MUST_USE weft_deferred weft_room(weft_actor *self, weft_ref to);

/** No limit: shows in listings of an actor's asks. */
#define WEFT_NO_LIMIT UINT32_MAX
/** The rest of the time of the message being served, or the system's default. */
#define WEFT_INHERIT 0U

/** Asks @to and gives the Deferred of its answer. Never fails at the call: the Deferred does.
 * @limit_ms: the time limit, WEFT_INHERIT or WEFT_NO_LIMIT.
 * errors of the Deferred: those of weft_tell_body, ETIMEDOUT, ECANCELLED, ENOANSWER (the request was
 * let go of), EUNHANDLED, ETYPE, ELIMIT (asks_max), and whatever the answerer fails with.
 * thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_ask_body(weft_actor *self, weft_ref to, const weft_type *type,
                                          const void *body, uint32_t limit_ms);

#define weft_ask(self, to, T, ...) \
    weft_ask_body((self), (to), &T##_type, &(const T){__VA_ARGS__}, WEFT_INHERIT)
#define weft_ask_within(self, to, limit_ms, T, ...) \
    weft_ask_body((self), (to), &T##_type, &(const T){__VA_ARGS__}, (limit_ms))

/** Answers a request. WEFT_OK once it is answered or its asker is gone, so that
 * `return weft_reply(...)` never fails it twice. A tell has nobody to answer: nothing happens.
 * errors: EUSED (answered before), ETYPE (not the type that the request's type names), ENOMEM.
 * thread: in a handler of the actor that holds @msg. */
weft_err weft_reply_body(weft_msg *msg, const weft_type *type, const void *body);

#define weft_reply(msg, T, ...) weft_reply_body((msg), &T##_type, &(const T){__VA_ARGS__})

/** Answers a request with a failure and a sentence (@format may be NULL: the code's own). As
 * weft_reply; an error of a handler does the same without a sentence. After ENOMEM it is not answered: when it
 * is let go of without an answer its asker is told ENOMEM, as soon as there is memory. */
weft_err weft_fail(weft_msg *msg, weft_err err, const char *format, ...) WEFT_PRINTF(3, 4);

/** Sends @msg on to @to as it is: whoever asked gets the answer from there. @msg counts as answered.
 * A cancel finds it there, as often as it is forwarded.
 * errors: as weft_tell_body, ELIMIT (forwarded 255 times already: a circle); the request is then still
 * yours to answer. thread: in a handler. */
weft_err weft_forward(weft_msg *msg, weft_ref to);

/** Keeps @msg beyond its handler: answer it later, then weft_drop it. A stream's next event waits for
 * the one that is kept. Gives @msg back. thread: in the handler that serves it. */
weft_msg *weft_keep(weft_msg *msg);

/** Lets go of a kept message, sets *@msg to NULL; a request not answered fails with ENOANSWER.
 * thread: in a handler of the actor that kept it. */
void weft_drop(weft_msg **msg);

/** The body: a `const T *` of the message's type. thread: in a handler. */
const void *weft_body(const weft_msg *msg);

/** Who sent it; nobody for what the runtime itself says. */
weft_ref weft_sender(const weft_msg *msg);

/** Its type. */
const weft_type *weft_type_of(const weft_msg *msg);

/** Whether an answer is waited for (and none was given yet). */
bool weft_is_request(const weft_msg *msg);

/** Milliseconds left of its time limit; WEFT_NO_LIMIT if it has none, 0 if it has passed. */
uint32_t weft_time_left_ms(const weft_msg *msg);

/** The id of the chain of messages it belongs to; 0: none was given. */
uint64_t weft_trace(const weft_msg *msg);

/** Begins a new chain: what this handler sends from now on carries @trace. */
void weft_set_trace(weft_msg *msg, uint64_t trace);

/** For a message of a repeating timer: how many ticks were left out before it, else 0. */
uint64_t weft_skipped(const weft_msg *msg);

/** @size bytes that die with @msg: handlers never free. Aligned for any type, zeroed.
 * errors: NULL when memory is out or scratch_bytes_max (1 MiB) is reached. thread: in a handler. */
void *weft_scratch(weft_msg *msg, size_t size);

/** What weft_scratch gave last for @msg, so that a continuation finds what its handler left there; NULL:
 * nothing. thread: in a handler of the actor that holds @msg. */
void *weft_scratch_last(const weft_msg *msg);

/** Told to a sender that asked for it (weft_report_undelivered) when a tell was refused at the far side. */
typedef struct weft_undelivered {
    weft_ref to;
    const weft_type *type;
    weft_err err;
} weft_undelivered;
extern const weft_type weft_undelivered_type;

/** Whether this actor wants weft_undelivered for its refused tells. thread: in a handler. */
void weft_report_undelivered(weft_actor *self, bool wanted);

#ifdef __cplusplus
}
#endif
#endif
