/* SPDX-License-Identifier: MIT */
/* What the two halves of a pool share: its workers, and who they are. */
#ifndef WF_WORKERS_H
#define WF_WORKERS_H

#include <weft/edge.h>
#include <weft/pool.h>
#include <weft/remote.h>
#include <weft/system.h>
#include <weft/workers.h>

typedef struct wf_worker {
    weft_ref ref;         /* nobody: it is being replaced */
    uint32_t outstanding; /* counted requests; those of one that ended fail one by one */
    uint32_t since_ms;
    bool far; /* of another node */
} wf_worker;

typedef struct wf_workers {
    wf_worker *worker;
    uint32_t n, next, nodes;
    uint32_t requests_max; /* 0: requests are not counted */
    uint32_t spawning;     /* on other reactors, not there yet */
    bool stopping;
    weft_err reason;
    uint64_t refused, ended;
} wf_workers;

static inline const weft_workers_config *wf_workers_config_of(const weft_actor *self)
{
    return weft_config(self);
}

/* ---- workers_places.c: handlers of the pool */

weft_err wf_workers_started(weft_actor *self, weft_msg *msg);
weft_err wf_workers_stopping(weft_actor *self, weft_msg *msg);
weft_err wf_workers_down(weft_actor *self, weft_msg *msg);
weft_err wf_workers_refill(weft_actor *self, weft_msg *msg);
void wf_workers_ended(weft_actor *self, weft_err reason);

/* A place is to be filled again. */
typedef struct wf_refill {
    uint32_t place;
} wf_refill;
extern const weft_type wf_refill_type;

#endif
