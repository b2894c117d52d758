/* SPDX-License-Identifier: MIT */
/* Listeners, as what makes and keeps them sees them. */
#ifndef WF_LISTEN_H
#define WF_LISTEN_H

#include <stdatomic.h>

#include <weft/net.h>
#include <weft/supervisor.h>
#include <weft/url.h>

#include "admission.h"
#include "nng/nng_stream.h"
#include "pipeline.h"
#include "wire.h"

/* What the listeners of one URL share; freed with the last of them. */
typedef struct wf_listening {
    weft_url url;
    wf_pipeline pipeline;    /* what stands on each connection */
    wf_admission *admission; /* who is let in; NULL: everybody */
    const weft_behaviour *behaviour;
    const void *config;
    int fd;               /* -1: closed */
    weft_address local;   /* of every connection; family NONE: each has its own */
    bool lent;            /* another descriptor of it stays open: its path stays */
    wire_listener *wire;  /* in a simulation; then there is no descriptor */
    wf_nng_listener *nng; /* of NNG; then @fd says that somebody waits */
    unsigned n;
    weft_ref member[WEFT_REACTORS_MAX]; /* the first, which accepts, is that of reactor 0 */
    weft_ref keeper;                    /* they end with it; nobody: with the system */
    _Atomic uint32_t users;
} wf_listening;

/* Opens @url; the caller is the first of its users. @lent: a descriptor that is open there already, and
 * its own from now on; -1: none; then @out->address says where. @out says where it really listens.
 * errors: NULL, @err and @why. */
wf_listening *wf_listening_open(weft_system *sys, const char *url, const weft_behaviour *behaviour,
                                const void *config, int lent, weft_listening *out, weft_err *err,
                                weft_why *why);
/* One more, before it is spawned: each listener is one until it ends. */
void wf_listening_use(wf_listening *listening);
/* One less; the last closes what is open. thread: any. */
void wf_listening_leave(wf_listening *listening);

/* Closes what is listened at; calm when that was done. */
void wf_listening_close(wf_listening *listening);

/* A listener, spawned with a wf_listening on each reactor; that of reactor 0 must be the last. */
extern const weft_behaviour wf_listener_behaviour;

/* What a keeper is spawned with. */
typedef struct wf_listen_plan {
    const weft_child *child;
    const weft_child
        *row; /* of the program's table, by which an address opened before is found; or NULL */
} wf_listen_plan;

/* Keeps the listeners of a supervised child: its start opens the URL, its stop accepts nothing more and
 * waits for the connections that are open. */
extern const weft_behaviour wf_listen_keeper_behaviour;

#endif
