/* SPDX-License-Identifier: MIT */
/* Who does what: RFC 1143's Q method, for each option and each side.
 *
 *            ask on                    heard on
 *      NO ──────────▶ WANTYES ──────────────────────▶ YES
 *      ▲                 │ ask off: WANTYES_OPPOSITE    │ ask off
 *      │    heard off    ▼                              ▼
 *      └───────────────────────────────────────────  WANTNO (ask on: WANTNO_OPPOSITE)
 *
 * A side is told at most one thing at a time, and an answer is never answered: no two peers can keep each
 * other busy. */
#ifndef WF_TELNET_OPTIONS_H
#define WF_TELNET_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Whose doing of the option: ours (we say WILL and WONT, the peer DO and DONT), or the peer's. */
typedef enum wf_telnet_side { WF_TELNET_OURS, WF_TELNET_PEERS } wf_telnet_side;

/* All options; {0} is how it begins: nothing is done, nothing is agreed to. */
typedef struct wf_telnet_options {
    uint8_t state[2][256];
    uint8_t welcome[2][256 / 8]; /* what is agreed to when the peer asks */
} wf_telnet_options;

/* What came of a word. */
typedef struct wf_telnet_turn {
    uint8_t say;  /* the verb to send; 0: nothing */
    bool changed; /* the option is on now and was off, or the other way */
    bool on;
} wf_telnet_turn;

/* From now on the peer is agreed with when it asks for @option. */
void wf_telnet_welcome(wf_telnet_options *o, wf_telnet_side side, uint8_t option);

/* We want it on or off: the verb to send, 0 if nothing is to be said (now). */
uint8_t wf_telnet_want(wf_telnet_options *o, wf_telnet_side side, uint8_t option, bool on);

/* The peer said @verb (WILL, WONT, DO, DONT) of @option. */
wf_telnet_turn wf_telnet_heard(wf_telnet_options *o, uint8_t verb, uint8_t option);

/* Whether both agree that it is done. */
bool wf_telnet_is_on(const wf_telnet_options *o, wf_telnet_side side, uint8_t option);

#endif
