/* SPDX-License-Identifier: MIT */
/* Suspended and tapped actors, as turns and ends see them. */
#ifndef WF_OPERATE_H
#define WF_OPERATE_H

#include <weft/operate.h>

#include "core.h"

/* Says in the statistics whether @a is suspended: the top bit of what it handled, which no count reaches. */
#define WF_HANDLED_SUSPENDED (1ULL << 63)

/* @a is suspended: @rest, which it has not served, goes back in front of its mailbox, and @a counts as ready though no
 * queue has it (as a ward that is down), so that mail wakes nobody. */
void wf_set_aside(wf_reactor *r, weft_actor *a, weft_msg *rest) WF_COLD;

/* @a, if it is suspended, is so no more. */
void wf_resume(wf_reactor *r, weft_actor *a) WF_COLD;

/* Tells who taps @a that it begins to serve @m. */
void wf_tap_look(wf_reactor *r, weft_actor *a, const weft_msg *m) WF_COLD;

/* Lets go of the taps of an actor that has ended. */
void wf_taps_done(struct wf_rare *rare) WF_COLD;

#endif
