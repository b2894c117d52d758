/* SPDX-License-Identifier: MIT */
/* Children on other reactors.
 *
 *      supervisor ── ward ──▶ keeper ┄┄ begin, halt ┄┄▶ deputy ── ward ──▶ child
 *      its reactor                   ◀┄┄ stopped ┄┄┄┄   the other reactor
 *
 * A ward lives where its parent does. So the child is the ward of a deputy there, and what the supervisor
 * sees is a keeper of its own, whose lives are those of the child: it is up when the child is, stops for
 * what the child stopped for, and each of its starts has the deputy begin the child again. */
#ifndef WF_DEPUTY_H
#define WF_DEPUTY_H

#include <stdatomic.h>

#include <weft/supervisor.h>

/* What supervisor, keeper and deputy share; freed with the last of them. The first part is written before
 * the deputy is spawned; the second is the keeper's and its supervisor's alone. */
typedef struct wf_posting {
    const weft_behaviour *behaviour;
    const void *config;
    unsigned reactor;
    uint32_t stop_ms;
    char name[WEFT_NAME_BYTES]; /* "": none */
    weft_ref supervisor;
    _Atomic uint32_t users;

    weft_ref deputy, child; /* nobody: not yet */
    uint32_t life;          /* of the keeper */
    bool over;              /* it is stopped for good: the deputy is to be gone, too */
} wf_posting;

/* Of which the caller is the first user. errors: NULL. */
wf_posting *wf_posting_new(void);
/* One user less. thread: any. */
void wf_posting_leave(wf_posting *posting);
/* The supervisor has no use for the child any more: ends it with its deputy, and leaves. */
void wf_posting_end(weft_actor *self, wf_posting *posting);

/* Spawned with a wf_posting. */
extern const weft_behaviour wf_post_keeper_behaviour;

#endif
