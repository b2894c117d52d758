/* SPDX-License-Identifier: MIT */
/* Programs: a behaviour's rows compiled, at its first spawn, into a table with one probe a lookup. */
#ifndef WF_PROGRAM_H
#define WF_PROGRAM_H

#include "core.h"

/* The program of @behaviour, compiled once for each system. errors: NULL: memory is out, or a row is not
 * valid (no function, two rows of one type), with @why. thread: a reactor's, or before start. */
const wf_program *wf_program_of(wf_reactor *r, const weft_behaviour *behaviour, weft_why *why);

/* Frees the programs of a system. */
void wf_programs_free(weft_system *sys);

#endif
