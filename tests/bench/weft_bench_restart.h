/* SPDX-License-Identifier: MIT */
/* The case `restart` of weft_bench_core. */
#ifndef WEFT_BENCH_RESTART_H
#define WEFT_BENCH_RESTART_H

#include <weft/system.h>

/* A child that fails @n times is restarted; prints the line of the case and stops the system. */
void bench_restart(weft_system *sys, int64_t n);

#endif
