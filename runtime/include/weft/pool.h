/* SPDX-License-Identifier: MIT */
/** The blocking pool: threads whose handlers may block.
 *
 * A thread of it is a reactor with a mailbox loop of the same kind, so what lives there is an actor like
 * any other, told and asked like any other. None is started before the first is needed; then as many as
 * are busy at once, up to weft_system_options.pool. One that has nothing to do sleeps. */
#ifndef WEFT_POOL_H
#define WEFT_POOL_H

#include <weft/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The requests of weft_ask_pool that may wait for one thread of the pool. */
#define WEFT_POOL_ASKS_MAX 4096U

/** Spawns on the thread of the pool that has the least to do, with no parent: its handlers may block.
 * The Deferred gives weft_spawned. errors of the Deferred: ENOMEM, ELIMIT (no thread to be had,
 * actors_max), ESTOPPING. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_spawn_blocking(weft_actor *self, const weft_behaviour *behaviour,
                                                const void *config);

/** Has @fn serve a request of @type on the thread of the pool that has the least to do, where it may
 * block. @fn is a handler: it gets a copy of @body (weft_body), answers with weft_reply or weft_fail, and
 * an error that it returns fails the request. The actor it runs in is the pool's: without a state, not to
 * be stopped, and others wait while it blocks. A request that is cancelled is removed unrun; once @fn
 * runs, only its answer is thrown away. @limit_ms: as weft_ask_body.
 * errors of the Deferred: as weft_ask_body, EFULL (WEFT_POOL_ASKS_MAX), ELIMIT (no thread to be had),
 * ESTOPPING. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_ask_pool_body(weft_actor *self, weft_handler_fn *fn,
                                               const weft_type *type, const void *body,
                                               uint32_t limit_ms);

/** weft_ask_pool(self, hash_it, password, .text = text): as weft_ask, but of a function. */
#define weft_ask_pool(self, fn, T, ...) \
    weft_ask_pool_body((self), (fn), &T##_type, &(const T){__VA_ARGS__}, WEFT_INHERIT)

#ifdef __cplusplus
}
#endif
#endif
