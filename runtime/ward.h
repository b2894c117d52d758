/* SPDX-License-Identifier: MIT */
/* Wards, as the end of an actor sees them. */
#ifndef WF_WARD_H
#define WF_WARD_H

#include <weft/ward.h>

#include "core.h"

/* @a, of which everything but its memory has ended, is a ward that stays: it is down now, and its
 * parent has been told. false: it ends like any other. */
bool wf_ward_stays(wf_reactor *r, weft_actor *a) WF_COLD;

/* Someone stops @a, which is down: nothing to do, unless its parent ends too. */
void wf_ward_stop_down(wf_reactor *r, weft_actor *a) WF_COLD;

#endif
