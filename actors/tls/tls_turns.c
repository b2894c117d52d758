/* SPDX-License-Identifier: MIT */
/* Handshakes in turns: a few a round, so that whoever else lives on the reactor is served in between.
 *
 *   bytes of a handshake ──▶ is there a turn left? ── yes ──▶ it goes on
 *                                  └── no ──▶ queue ── next round's first turns ──▶ it goes on
 *
 * What a step costs is OpenSSL's to say (a signature, a key agreement, a chain to verify) and cannot be
 * cut; so their number is what is limited (docs/decisions/0040). */
#include "tls_parts.h"

typedef struct turns {
    weft_hook hook;
    unsigned used; /* of this round's */
    tls_state *first, *last;
} turns;

static void leave(turns *t, tls_state *s)
{
    *(s->back != NULL ? &s->back->next : &t->first) = s->next;
    *(s->next != NULL ? &s->next->back : &t->last) = s->back;
    s->next = s->back = NULL;
    s->waiting = false;
}

static void join(turns *t, tls_state *s)
{
    s->back = t->last;
    *(t->last != NULL ? &t->last->next : &t->first) = s;
    t->last = s;
    s->waiting = true;
}

/* Between two looks at the descriptors: those that waited longest come first. */
static void next_round(weft_hook *hook)
{
    turns *t = (turns *)(void *)((char *)hook - offsetof(turns, hook));
    t->used = 0;
    for (tls_state *s; (s = t->first) != NULL && t->used < WEFT_TLS_HANDSHAKES_A_ROUND;) {
        leave(t, s);
        s->turn = true;
        t->used++;
        weft_stage_again(s->stage); /* which may be gone after it */
    }
    if (t->used != 0)
        weft_hook_queue(&t->hook);
}

/* errors: NULL: then everybody has a turn. */
static turns *turns_here(void)
{
    void **kept = weft_kept(WEFT_KEPT_TLS_TURNS);
    if (*kept == NULL && (*kept = weft_alloc_zero(sizeof(turns))) != NULL) {
        ((turns *)*kept)->hook.run = next_round;
        weft_kept_set_free(WEFT_KEPT_TLS_TURNS, weft_alloc_free);
    }
    return *kept;
}

bool wf_tls_turn(tls_state *s)
{
    turns *t = turns_here();
    if (s->turn || t == NULL) {
        s->turn = false;
        return true;
    }
    if (s->waiting)
        return false;
    if (t->first == NULL && t->used < WEFT_TLS_HANDSHAKES_A_ROUND) {
        t->used++;
        weft_hook_queue(&t->hook);
        return true;
    }
    join(t, s);
    weft_hook_queue(&t->hook);
    return false;
}

void wf_tls_turn_leave(tls_state *s)
{
    if (s->waiting)
        leave(turns_here(), s);
}
