/* SPDX-License-Identifier: MIT */
/* Joining two streams, for whoever has come by both of them: what a forwarder does, from where both are open. */
#ifndef WF_FORWARD_H
#define WF_FORWARD_H

#include <weft/stream.h>

typedef struct wf_forward_side {
    weft_ref stream;
    uint64_t bytes; /* that came from it */
    bool opened, closed;
} wf_forward_side;

/* The state of such an actor, or what its state begins with. */
typedef struct wf_forward {
    wf_forward_side client, target;
    weft_msg *opening; /* of the client: kept until the target is there, so that nothing comes */
    uint32_t came_ms;  /* when something last came */
    uint32_t idle_ms;  /* 0: it may be idle for good */
    bool closing;      /* for nothing came for too long */
} wf_forward;

/* From the next message on @self, which owns the two open streams named in the wf_forward that its state begins
 * with, is a forwarder of them, and ends with them. errors: ENOMEM (nothing has changed). thread: in a handler. */
WEFT_MUST_USE weft_err wf_forward_join(weft_actor *self, uint32_t idle_ms);

#endif
