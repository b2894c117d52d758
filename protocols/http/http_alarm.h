/* SPDX-License-Identifier: MIT */
/* The one alarm of a connection, set lazily: a limit that moves on costs a store, and an alarm that rings too
 * early is set anew. Ticks wrap. */
#ifndef WF_HTTP_ALARM_H
#define WF_HTTP_ALARM_H

#include <stdbool.h>

#include <weft/edge.h>
#include <weft/timer.h>

typedef struct wf_http_alarm {
    weft_alarm alarm; /* must be first */
    uint32_t armed;   /* the tick it rings at; 0: it is off */
} wf_http_alarm;

/* What is waited for, as its owner numbers it, and until when. */
typedef struct wf_http_limit {
    unsigned what; /* 0: nothing */
    uint32_t at;   /* tick */
} wf_http_limit;

/* Puts @what, at @at, in the place of what @best says, if it is sooner. */
static inline void wf_http_limit_sooner(wf_http_limit *best, unsigned what, uint32_t at)
{
    if (best->what == 0 || (int32_t)(at - best->at) < 0)
        *best = (wf_http_limit){what, at};
}

/* Has @rings called at @tick. */
void wf_http_alarm_arm(wf_http_alarm *alarm, uint32_t tick, void (*rings)(weft_alarm *alarm));

/* The same at @limit, if anything is waited for, and the alarm would not ring before that anyway. */
static inline void wf_http_alarm_watch(wf_http_alarm *alarm, wf_http_limit limit,
                                       void (*rings)(weft_alarm *alarm))
{
    if (limit.what != 0 && (alarm->armed == 0 || (int32_t)(limit.at - alarm->armed) < 0))
        wf_http_alarm_arm(alarm, limit.at, rings);
}

/* It has rung. true: what @limit says is over; else it is set anew, if anything is waited for. */
bool wf_http_alarm_is_over(wf_http_alarm *alarm, wf_http_limit limit,
                           void (*rings)(weft_alarm *alarm));

#endif
