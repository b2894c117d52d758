/* SPDX-License-Identifier: MIT */
/* A listener, as its two files see it: who is let in (accept.c), and its own life (listener.c). */
#ifndef WF_LISTENER_H
#define WF_LISTENER_H

#include "conn.h"
#include "listen.h"
#include "peers.h"

enum { WF_REFUSALS_MAX = 64 }; /* connections that are being told that there are too many */

typedef struct listener {
    weft_watch watch;
    wf_listening *shared;
    weft_msg *draining; /* the phase that waits until the last connection is over */
    uint32_t open;      /* connections here */
    uint32_t all;       /* everywhere; counted by the one that accepts */
    uint32_t refusing;  /* of those here: not let in, and told so */
    unsigned next;      /* which reactor is given the next one */
    int spare_fd;       /* given up to refuse politely when descriptors are out */
    bool accepts, paused;
    bool exhausted; /* descriptors are out, and that was said */
    bool closed;    /* what is listened at is */
} listener;

/* A descriptor, the end of a simulated link, or a stream of NNG, and the peer it was counted for. */
typedef struct wf_accepted {
    int fd;
    wire_end *end;
    wf_nng *nng;
    wf_peer *peer;
} wf_accepted;
/* Given to the listener of another reactor. */
extern const weft_type wf_accepted_type;
weft_err wf_on_accepted(weft_actor *self, weft_msg *msg);
/* Accepting goes on after a pause. */
extern const weft_type wf_accept_again_type;
weft_err wf_on_accept_again(weft_actor *self, weft_msg *msg);

/* Begins to accept: this is the listener that does. */
void wf_accept_begin(weft_actor *self, listener *l);
/* Looks for who waits as far as there is room. */
void wf_accept_watch(listener *l);
/* Takes those whom the kernel has accepted already, before the socket is closed. */
void wf_accept_rest(weft_actor *self, listener *l);
/* Nothing more is accepted. */
void wf_accept_end(listener *l);

/* Whether it is the one that accepts, which counts those of all. */
bool wf_listener_is_first(const weft_actor *self);
/* One of those that the first counts has gone. */
weft_err wf_listener_tell_left(weft_actor *self, listener *l);

#endif
