/* SPDX-License-Identifier: MIT */
/* The Q method as two tables: what is wanted, and what is heard (RFC 1143 section 7). */
#include "telnet_options.h"

#include "telnet_codec.h"

enum { NO, YES, WANTNO, WANTNO_OPPOSITE, WANTYES, WANTYES_OPPOSITE, STATES };

/* What is said: nothing, or the verb that asks for the option to be on or off. */
enum { SILENT, SAY_ON, SAY_OFF };

typedef struct step {
    uint8_t next, say;
} step;

/* We want it off, on. What is on its way already is not said again. */
static const step wants[STATES][2] = {
    [NO] = {{NO, SILENT}, {WANTYES, SAY_ON}},
    [YES] = {{WANTNO, SAY_OFF}, {YES, SILENT}},
    [WANTNO] = {{WANTNO, SILENT}, {WANTNO_OPPOSITE, SILENT}},
    [WANTNO_OPPOSITE] = {{WANTNO, SILENT}, {WANTNO_OPPOSITE, SILENT}},
    [WANTYES] = {{WANTYES_OPPOSITE, SILENT}, {WANTYES, SILENT}},
    [WANTYES_OPPOSITE] = {{WANTYES_OPPOSITE, SILENT}, {WANTYES, SILENT}},
};

/* The peer says off, on. NO with "on" is a request, and not in the table. Of an "off" that was answered by
 * "on" section 7 says "Error: DONT answered by WILL": it counts as answered. */
static const step hears[STATES][2] = {
    [NO] = {{NO, SILENT}, {NO, SAY_OFF}},
    [YES] = {{NO, SAY_OFF}, {YES, SILENT}},
    [WANTNO] = {{NO, SILENT}, {NO, SILENT}},
    [WANTNO_OPPOSITE] = {{WANTYES, SAY_ON}, {YES, SILENT}},
    [WANTYES] = {{NO, SILENT}, {YES, SILENT}},
    [WANTYES_OPPOSITE] = {{NO, SILENT}, {WANTNO, SAY_OFF}},
};

/* Whether the option is being done, as far as the two have agreed so far. */
static bool is_done(uint8_t state)
{
    return state == YES || state == WANTNO || state == WANTNO_OPPOSITE;
}

static uint8_t verb_of(wf_telnet_side side, uint8_t say)
{
    if (say == SILENT)
        return 0;
    if (side == WF_TELNET_OURS)
        return say == SAY_ON ? WF_TELNET_WILL : WF_TELNET_WONT;
    return say == SAY_ON ? WF_TELNET_DO : WF_TELNET_DONT;
}

void wf_telnet_welcome(wf_telnet_options *o, wf_telnet_side side, uint8_t option)
{
    o->welcome[side][option / 8] |= (uint8_t)(1U << option % 8);
}

uint8_t wf_telnet_want(wf_telnet_options *o, wf_telnet_side side, uint8_t option, bool on)
{
    const step *s = &wants[o->state[side][option]][on];
    o->state[side][option] = s->next;
    return verb_of(side, s->say);
}

wf_telnet_turn wf_telnet_heard(wf_telnet_options *o, uint8_t verb, uint8_t option)
{
    wf_telnet_side side =
        verb == WF_TELNET_WILL || verb == WF_TELNET_WONT ? WF_TELNET_PEERS : WF_TELNET_OURS;
    bool on = verb == WF_TELNET_WILL || verb == WF_TELNET_DO;
    uint8_t before = o->state[side][option];
    step s = hears[before][on];
    if (before == NO && on && (o->welcome[side][option / 8] & 1U << option % 8) != 0)
        s = (step){YES, SAY_ON};
    o->state[side][option] = s.next;
    return (wf_telnet_turn){.say = verb_of(side, s.say),
                            .changed = is_done(before) != is_done(s.next),
                            .on = is_done(s.next)};
}

bool wf_telnet_is_on(const wf_telnet_options *o, wf_telnet_side side, uint8_t option)
{
    return is_done(o->state[side][option]);
}
