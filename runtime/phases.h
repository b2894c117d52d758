/* SPDX-License-Identifier: MIT */
/* Start-up and shut-down: one coordinating actor on reactor 0 asks, phase after phase. */
#ifndef WF_PHASES_H
#define WF_PHASES_H

#include "core.h"

/* Makes the coordinator. errors: ENOMEM. thread: before start. */
weft_err wf_phases_init(weft_system *sys, weft_why *why);
void wf_phases_free(weft_system *sys);

/* Begins start-up: the phases BIND and START. errors: ENOMEM. */
weft_err wf_phases_begin(weft_system *sys);

/* Whether @ref is the coordinator: an end in order needs it, so nobody but the system suspends, stops or kills it. */
bool wf_phases_is_coordinator(const weft_system *sys, weft_ref ref) WF_COLD;

/* Begins shut-down if it was asked for from outside. thread: reactor 0's, between turns. */
void wf_phases_look(weft_system *sys);

#endif
