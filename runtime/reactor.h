/* SPDX-License-Identifier: MIT */
/* Reactors: the loop around turns. */
#ifndef WF_REACTOR_H
#define WF_REACTOR_H

#include "core.h"

/* Makes reactor @index of @sys; @loop: the program's own, or NULL. errors: NULL and @why. */
wf_reactor *wf_reactor_new(weft_system *sys, unsigned index, struct ev_loop *loop, weft_why *why);
/* Frees it; no thread may be in it, and no other reactor may send to it any more. */
void wf_reactor_free(wf_reactor *r);

/* Runs until its stop flag is up: the loop of a thread. */
void wf_reactor_run(wf_reactor *r);

/* Takes the inbox and gives turns within one budget, then hands over and flushes; true: work is left. */
bool wf_reactor_round(wf_reactor *r);

/* Looks at the descriptors (@timeout_ms as in the driver's poll) and runs what is due. */
void wf_reactor_poll(wf_reactor *r, int64_t timeout_ms);
/* Reads the clock: fires what is due, and places the timers that were started since. */
void wf_reactor_clock(wf_reactor *r);

/* How long it may sleep, in ms: -1: until something happens. */
int64_t wf_reactor_timeout(wf_reactor *r);

/* Whether anything is ready here: for the simulator's choice. */
bool wf_reactor_ready(const wf_reactor *r);

/* Runs the first of the hooks that wait. */
void wf_reactor_hook(wf_reactor *r);

/* Sees to a nudge. Whether it is to leave its loop: it is told to, or was ended and nothing is left. */
bool wf_reactor_over(wf_reactor *r);

/* Has @r see to what stands in the system's and its own flags; needs no memory.
 * thread: any, and signal handlers. */
void wf_reactor_nudge(wf_reactor *r);

/* Leaves the loop: what is on its way to others must reach them. */
void wf_reactor_leave(wf_reactor *r);

/* Tells every actor to stop; the loop ends when none is left, by force after @grace_ms. */
void wf_reactor_end(wf_reactor *r, uint32_t grace_ms);

#endif
