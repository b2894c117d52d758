/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM as shut-down; SIGPIPE ignored while a system runs. */
#ifndef WF_SIGNALS_H
#define WF_SIGNALS_H

#include "core.h"

/* From here on the two signals begin shut-down (a second one ends it at once). Calm when it cannot. */
void wf_signals_begin(weft_system *sys);
/* Puts the program's own handling back. */
void wf_signals_end(weft_system *sys);

#endif
