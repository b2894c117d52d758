/* SPDX-License-Identifier: MIT */
/* The order in which the targets of a service are tried: RFC 2782. */
#include "srv_order.h"

#include <stddef.h>

static void swap(wf_srv_target *a, wf_srv_target *b)
{
    wf_srv_target kept = *a;
    *a = *b;
    *b = kept;
}

/* How many behind @from, itself included, have its priority. */
static uint32_t same_priority(const wf_srv_target *targets, uint32_t from, uint32_t n)
{
    uint32_t end = from;
    while (end < n && targets[end].priority == targets[from].priority)
        end++;
    return end - from;
}

/* "Compute the sum of the weights of those RRs, and ... choose a uniform random number between 0 and the sum
 * computed (inclusive), and select the RR whose running sum value is the first in the selected order which is
 * greater than or equal to the random number selected", those of weight 0 at the beginning of the list. */
static uint32_t choose(const wf_srv_target *targets, uint32_t n,
                       uint32_t (*draw)(void *context, uint32_t max), void *context)
{
    uint32_t sum = 0, running = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += targets[i].weight;
    uint32_t drawn = draw(context, sum);
    for (uint32_t i = 0; i < n; i++) {
        running += targets[i].weight;
        if (running >= drawn)
            return i;
    }
    return n - 1;
}

void wf_srv_order(wf_srv_target *targets, uint32_t n, uint32_t (*draw)(void *context, uint32_t max),
                  void *context)
{
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t k = i; k > 0; k--) {
            const wf_srv_target *a = &targets[k - 1], *b = &targets[k];
            if (a->priority < b->priority || (a->priority == b->priority && a->weight <= b->weight))
                break;
            swap(&targets[k - 1], &targets[k]);
        }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t left = same_priority(targets, i, n);
        /* what is chosen comes forward; the others keep their order, light ones first */
        for (uint32_t at = i + choose(targets + i, left, draw, context); at > i; at--)
            swap(&targets[at - 1], &targets[at]);
    }
}
