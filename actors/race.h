/* SPDX-License-Identifier: MIT */
/* Which address of a host is tried when: the rules of RFC 8305, without a clock or a socket.
 *
 *   waiting for answers ── AAAA has addresses, or nothing more is to come ──▶ trying
 *        │                                                                  ▲
 *        └── A has addresses ──▶ resolution delay ── over, or AAAA is there ┘
 *
 * While trying, another attempt is due when the connection attempt delay is over or the last attempt has
 * failed. Addresses that come later take their place among those not tried yet. */
#ifndef WF_RACE_H
#define WF_RACE_H

#include <weft/address.h>
#include <weft/error.h>

#include <stdbool.h>

enum {
    WF_RACE_ADDRESSES_MAX = 32,       /* of a host; more are not tried */
    WF_RACE_RESOLUTION_DELAY_MS = 50, /* RFC 8305 8 */
    WF_RACE_ATTEMPT_DELAY_MS = 250,
};

/* What is to be done now. */
typedef enum wf_race_step {
    WF_RACE_WAIT,   /* something under way has to come to something; nothing else */
    WF_RACE_DELAY,  /* wait wf_race.delay_ms, then wf_race_delayed, unless a step comes first */
    WF_RACE_TRY,    /* begin an attempt: wf_race_next */
    WF_RACE_FAILED, /* nothing is left */
} wf_race_step;

/* Addresses of one family that were not tried, best first. */
typedef struct wf_race_queue {
    weft_address at[WF_RACE_ADDRESSES_MAX];
    uint32_t n;
    bool asked; /* there is no answer yet */
} wf_race_queue;

typedef struct wf_race {
    wf_race_queue v6, v4;
    uint32_t delay_ms;
    unsigned tried;    /* attempts begun */
    unsigned trying;   /* attempts under way */
    bool last_v6;      /* the family of the last attempt */
    bool trying_began; /* out of waiting for answers */
    bool delaying;     /* a delay is running */
    bool due;          /* the next attempt need not wait */
} wf_race;

/* Both families are asked for. */
void wf_race_begin(wf_race *r);
/* The addresses of one family came, or none. */
void wf_race_answer(wf_race *r, bool v6, const weft_address *addresses, uint32_t n);
/* An attempt has failed. */
void wf_race_attempt_failed(wf_race *r);
/* The delay is over. */
void wf_race_delayed(wf_race *r);
/* What is next; asked after each of the above, again after each WF_RACE_TRY. */
wf_race_step wf_race_look(wf_race *r);
/* The address to try now. */
weft_address wf_race_next(wf_race *r);

#endif
