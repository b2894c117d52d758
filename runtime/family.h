/* SPDX-License-Identifier: MIT */
/* Families: spawning, stopping, ending, monitors. */
#ifndef WF_FAMILY_H
#define WF_FAMILY_H

#include "core.h"

/* Spawns on @r; @parent may be NULL. errors: NULL and @why. thread: @r's, or before start. */
weft_actor *wf_spawn(wf_reactor *r, weft_actor *parent, const weft_behaviour *behaviour,
                     const void *config, weft_why *why);

/* The same without `started`. errors: NULL with @err (EINVAL, ENOMEM, ELIMIT) and @why. */
weft_actor *wf_spawn_quietly(wf_reactor *r, weft_actor *parent, const weft_behaviour *behaviour,
                             const void *config, weft_err *err, weft_why *why);

/* The behaviour @self was spawned with: the layout of its memory. */
const weft_behaviour *wf_spawned_as(const weft_actor *self);

/* Stops @a: politely (weft_stopping, if it has a row) or at once. @why may be NULL. thread: @r's. */
void wf_actor_stop(wf_reactor *r, weft_actor *a, weft_err reason, const char *why, bool at_once);

/* Has @a ended by force when its time to stop is over, a ward with its children; the first call stands. */
void wf_stop_grace(wf_reactor *r, weft_actor *a);

/* @a, which is stopping, has no turn under way: ends it, or its children first. */
void wf_actor_end(wf_reactor *r, weft_actor *a) WF_NOINLINE;

/* Links @a, in @slot, to the children of @parent. */
void wf_family_join(wf_reactor *r, weft_actor *parent, weft_actor *a, uint32_t slot);
/* Makes @a a child of the actor in slot @parent (0: of nobody) instead. */
void wf_family_move(wf_reactor *r, weft_actor *a, uint32_t parent);

/* The account in the state of @a, through which it gives bytes out; NULL: it is no source. */
static inline weft_account *wf_account_of(weft_actor *a)
{
    const weft_behaviour *b = wf_spawned_as(a);
    return b->account == 0 ? NULL : (weft_account *)(void *)(a->state + b->account - 1);
}

/* The memory of an actor whose bytes have all come home. */
void wf_actor_free(wf_reactor *r, weft_actor *a, const weft_behaviour *spawned_as);

/* Tells those who monitor @a that it ended. */
void wf_monitors_fire(wf_reactor *r, weft_actor *a);
/* Those who care for this life of @a alone, links among them, are told that it is over. */
void wf_monitors_life_over(wf_reactor *r, weft_actor *a);
/* Tells those who monitor @a that it begins again, for the @count-th time. */
void wf_monitors_restarted(wf_reactor *r, weft_actor *a, uint32_t count);
/* The system ends: forgets what could not be told. */
void wf_monitors_done(wf_reactor *r);
/* Ends the monitor of @cell on the watcher's side. */
void wf_monitor_end(wf_reactor *r, wf_cell *cell);

/* Everything of @r that is left is stopped; true: nothing is. */
bool wf_stop_all(wf_reactor *r, weft_err reason, bool at_once);

#endif
