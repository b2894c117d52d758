/* SPDX-License-Identifier: MIT */
/* Timers of actors: a cell in the wheel and a message made beforehand. */
#ifndef WF_TIMER_H
#define WF_TIMER_H

#include "core.h"

/* A timer's message is about to be served; false: the timer was cancelled or reset while it was queued,
 * and the message is taken care of. */
bool wf_tick_begins(wf_reactor *r, weft_msg *m);
/* It has been served: goes back to a repeating timer, or is freed. */
void wf_tick_done(wf_reactor *r, weft_msg *m);
/* Ends the timer of @cell. */
void wf_timer_end(wf_reactor *r, wf_cell *cell);

#endif
