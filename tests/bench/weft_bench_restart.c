/* SPDX-License-Identifier: MIT */
/* A supervisor with one child, which serves a message of its own and fails; again and again. */
#include "weft_bench_restart.h"

#include <stdio.h>
#include <time.h>

#include <weft/supervisor.h>

typedef struct blow {
    char nothing;
} blow;
static const weft_type blow_type = WEFT_TYPE("bench.blow", blow, NULL);

static int64_t left, all;
static double begun;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    if (left == all)
        begun = now_s();
    if (left-- != 0)
        return weft_tell(self, weft_self(self), blow, .nothing = 0);
    printf("restart %.2f ns\n", (now_s() - begun) * 1e9 / (double)all);
    fflush(stdout);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_blow(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_EIO);
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &blow_type, .fn = on_blow},
    {0},
};
static const weft_behaviour unlucky = {.name = "unlucky", .handlers = rows, .state_bytes = 32};
static const weft_child children[] = {{.name = "unlucky", .behaviour = &unlucky}, {0}};
static const weft_supervisor tree = {
    .restarts_max = 65536, .restarts_window_ms = 1, .children = children};

void bench_restart(weft_system *sys, int64_t n)
{
    left = all = n;
    if (weft_ref_is_nobody(weft_system_spawn(sys, 0, &weft_supervisor_behaviour, &tree)))
        weft_system_shutdown(sys, WEFT_ENOMEM);
}
