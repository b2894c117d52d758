/* SPDX-License-Identifier: MIT */
/* The pool: reactors beyond the system's own whose handlers may block, made when they are needed. */
#ifndef WF_POOL_H
#define WF_POOL_H

#include "core.h"
#include "sys.h"

/* What a thread of the pool is chosen for: until that arrives there, or is done. */
typedef enum wf_pool_use { WF_POOL_ACTOR, WF_POOL_JOB } wf_pool_use;

/* The thread with the least to do, made if none is idle and there may be more; @use counts there until
 * wf_pool_done. errors: NULL, @err (EFULL, ENOMEM, ELIMIT, ESTOPPING) and @why. thread: any reactor's, or
 * before start. */
wf_reactor *wf_pool_choose(weft_system *sys, wf_pool_use use, weft_err *err, weft_why *why);
void wf_pool_done(wf_reactor *r, wf_pool_use use);

/* From now on no thread is made. thread: any reactor's. */
void wf_pool_close(weft_system *sys);

#endif
