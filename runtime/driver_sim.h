/* SPDX-License-Identifier: MIT */
/* The driver of simulated systems. */
#ifndef WF_DRIVER_SIM_H
#define WF_DRIVER_SIM_H

#include "driver.h"

/* A driver whose clock stands still and whose random bytes come from @seed. errors: NULL. */
wf_driver *wf_driver_sim_new(uint64_t seed);

/* Moves its clock on. */
void wf_driver_sim_advance(wf_driver *driver, uint64_t ns);

#endif
