/* SPDX-License-Identifier: MIT */
/* Programs: a behaviour's rows compiled, at its first spawn, into a table with one probe a lookup. */
#ifndef WF_PROGRAM_H
#define WF_PROGRAM_H

#include "core.h"

/* The program of @behaviour, compiled once for each system. errors: NULL and @err, with @why: ENOMEM,
 * EINVAL when a row is not valid (no function, two rows of one type). thread: a reactor's, or before
 * start. */
const wf_program *wf_program_of(wf_reactor *r, const weft_behaviour *behaviour, weft_err *err,
                                weft_why *why);

/* What a turn calls for a serial row (run.c). */
weft_handler_fn wf_serve_serial;

/* Frees the programs of a system. */
void wf_programs_free(weft_system *sys);

#endif
