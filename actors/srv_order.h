/* SPDX-License-Identifier: MIT */
/* The order in which the targets of a service are tried. */
#ifndef WF_SRV_ORDER_H
#define WF_SRV_ORDER_H

#include <stdint.h>

/* A host and port of a service. */
typedef struct wf_srv_target {
    uint16_t priority, weight, port;
    const char *host;
} wf_srv_target;

/* Sorts @targets as RFC 2782 asks: the lowest priority first; within one, by chance as their weights are.
 * @draw gives a number from 0 to @max. */
void wf_srv_order(wf_srv_target *targets, uint32_t n, uint32_t (*draw)(void *context, uint32_t max),
                  void *context);

#endif
