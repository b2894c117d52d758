/* SPDX-License-Identifier: MIT */
/* The actor at the top of an application. */
#ifndef WF_APP_H
#define WF_APP_H

#include <weft/supervisor.h>
#include <weft/system.h>

/* What it is spawned with, and what it says of its end. Lives as long as the system. */
typedef struct wf_app_run {
    const weft_supervisor *tree;
    int code; /* a sysexits code, if it is not the system's own */
} wf_app_run;

/* Spawns it. errors: ENOMEM, ELIMIT. thread: before start. */
weft_err wf_app_spawn(weft_system *sys, wf_app_run *run);

#endif
