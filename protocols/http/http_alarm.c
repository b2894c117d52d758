/* SPDX-License-Identifier: MIT */
/* The alarm of a connection. */
#include "http_alarm.h"

void wf_http_alarm_arm(wf_http_alarm *alarm, uint32_t tick, void (*rings)(weft_alarm *alarm))
{
    int32_t left = (int32_t)(tick - weft_now_ms(NULL));
    alarm->armed = tick != 0 ? tick : 1;
    weft_alarm_set(&alarm->alarm, left > 0 ? (uint32_t)left : 1, rings);
}

bool wf_http_alarm_is_over(wf_http_alarm *alarm, wf_http_limit limit,
                           void (*rings)(weft_alarm *alarm))
{
    alarm->armed = 0;
    if (limit.what == 0)
        return false;
    if ((int32_t)(limit.at - weft_now_ms(NULL)) <= 0)
        return true;
    wf_http_alarm_arm(alarm, limit.at, rings);
    return false;
}
