/* SPDX-License-Identifier: MIT */
/* Happy eyeballs, version 2: RFC 8305. */
#include "race.h"

#include <string.h>

#include "address_order.h"

void wf_race_begin(wf_race *r)
{
    memset(r, 0, sizeof *r);
    r->v6.asked = r->v4.asked = true;
}

void wf_race_answer(wf_race *r, bool v6, const weft_address *addresses, uint32_t n)
{
    wf_race_queue *q = v6 ? &r->v6 : &r->v4;
    q->asked = false;
    for (uint32_t i = 0; i < n && q->n < WF_RACE_ADDRESSES_MAX; i++)
        q->at[q->n++] = addresses[i];
    wf_addresses_order(q->at, q->n);
}

void wf_race_attempt_failed(wf_race *r)
{
    r->trying--;
    r->due = true;
}

void wf_race_delayed(wf_race *r)
{
    r->delaying = false;
    r->trying_began = true;
    r->due = true;
}

/* 3: "If a positive AAAA response ... is received first, the first IPv6 connection attempt is immediately
 * started. If a positive A response is received first ..., the client SHOULD wait a short time for the AAAA
 * response"; a negative one ends that wait. */
static bool may_begin(const wf_race *r)
{
    return r->v6.n != 0 || (r->v4.n != 0 && !r->v6.asked);
}

static wf_race_step delay(wf_race *r, uint32_t ms)
{
    if (r->delaying)
        return WF_RACE_WAIT;
    r->delaying = true;
    r->delay_ms = ms;
    return WF_RACE_DELAY;
}

wf_race_step wf_race_look(wf_race *r)
{
    bool some = r->v6.n != 0 || r->v4.n != 0;
    if (!r->trying_began && may_begin(r)) {
        r->trying_began = r->due = true;
        r->delaying = false;
    }
    if (!some)
        return r->trying != 0 || r->v6.asked || r->v4.asked ? WF_RACE_WAIT : WF_RACE_FAILED;
    if (!r->trying_began)
        return delay(r, WF_RACE_RESOLUTION_DELAY_MS);
    /* 5: "a subsequent attempt ... if the previous one fails, or the delay has passed" */
    if (r->due || r->trying == 0) {
        r->delaying = false;
        return WF_RACE_TRY;
    }
    return delay(r, WF_RACE_ATTEMPT_DELAY_MS);
}

/* The family of the better first address begins; then they take turns while both have some. */
static bool next_is_v6(const wf_race *r)
{
    if (r->v6.n == 0 || r->v4.n == 0)
        return r->v6.n != 0;
    if (r->tried != 0)
        return !r->last_v6;
    return wf_address_precedence(&r->v6.at[0]) >= wf_address_precedence(&r->v4.at[0]);
}

weft_address wf_race_next(wf_race *r)
{
    bool v6 = next_is_v6(r);
    wf_race_queue *q = v6 ? &r->v6 : &r->v4;
    weft_address next = q->at[0];
    q->n--;
    memmove(q->at, q->at + 1, q->n * sizeof *q->at);
    r->last_v6 = v6;
    r->tried++;
    r->trying++;
    r->due = false;
    return next;
}
