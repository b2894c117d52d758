/* SPDX-License-Identifier: MIT */
/* The log of a system: a threshold and a sink. */
#ifndef WF_LOG_H
#define WF_LOG_H

#include <stdarg.h>

#include "core.h"

struct wf_log {
    _Atomic int level;
    bool json;
    weft_log_hook *hook;
    void *context;
};

/* Logs for a part of the runtime that is no actor. @sys may be NULL: nothing is said. thread: any. */
void wf_log(weft_system *sys, weft_level level, const char *name, const char *format, ...)
    WEFT_PRINTF(4, 5);

/* errors: false when memory is out. */
bool wf_log_init(weft_system *sys);

#endif
