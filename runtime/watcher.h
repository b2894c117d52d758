/* SPDX-License-Identifier: MIT */
/* The watcher: a thread that samples what runs and reports a handler that holds its reactor. */
#ifndef WF_WATCHER_H
#define WF_WATCHER_H

#include "core.h"

weft_err wf_watcher_begin(weft_system *sys, weft_why *why);
void wf_watcher_end(weft_system *sys);
/* Wakes it if it sleeps without a limit. thread: any. */
void wf_watcher_wake(weft_system *sys);

#endif
