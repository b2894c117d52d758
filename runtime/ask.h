/* SPDX-License-Identifier: MIT */
/* Asks: cells, outcomes, continuations, and what a served message holds. */
#ifndef WF_ASK_H
#define WF_ASK_H

#include <weft/remote.h>

#include "core.h"
#include "mailbox.h"

/* ---- cells */

static inline uint32_t wf_cell_index(const wf_reactor *r, const wf_cell *cell)
{
    return (uint32_t)(cell - r->cells);
}
static inline uint64_t wf_cell_id(const wf_reactor *r, const wf_cell *cell)
{
    return (uint64_t)cell->gen << 32 | wf_cell_index(r, cell);
}
/* The index in an id, or in a request that was made of one and forwarded. */
static inline uint32_t wf_index_of(uint64_t id)
{
    return (uint32_t)id & (WF_CELLS_MAX - 1);
}
/* The cell of an id; NULL if it is over. */
static inline wf_cell *wf_cell_at(const wf_reactor *r, uint64_t id)
{
    wf_cell *cell = &r->cells[wf_index_of(id)];
    return cell->gen == id >> 32 && cell->kind != WF_CELL_FREE ? cell : NULL;
}

/* A request says, between the index and the generation of its asker's cell, how often it was forwarded. A
 * cell says the same of the target it knows, beside the target's home. */
enum { WF_FORWARDS_SHIFT = 22, WF_FORWARDS_MAX = 255, WF_TARGET_HOME_BITS = 8 };
_Static_assert(WF_CELLS_MAX == 1 << WF_FORWARDS_SHIFT, "what lies above a cell's index is free");
_Static_assert(WF_THREADS_MAX < 1 << WF_TARGET_HOME_BITS, "a home and a count share 16 bits");

static inline unsigned wf_forwards_of(uint64_t request)
{
    return (unsigned)(request >> WF_FORWARDS_SHIFT) & WF_FORWARDS_MAX;
}
/* The request as its asker made it. */
static inline uint64_t wf_request_of(uint64_t request)
{
    return request & ~((uint64_t)WF_FORWARDS_MAX << WF_FORWARDS_SHIFT);
}
/* Who was asked, or has the request by now, as far as an ask's cell knows. */
static inline weft_ref wf_cell_target(const wf_cell *cell)
{
    return (weft_ref){cell->target_home & ((1U << WF_TARGET_HOME_BITS) - 1), cell->target_slot,
                      cell->target_gen};
}

/* A cell of @a's list: a table that never moves, an id with a generation, so that what is late dies in
 * O(1). errors: NULL when there are WF_CELLS_MAX. */
static inline wf_cell *wf_cell_new(wf_reactor *r, weft_actor *a, unsigned kind, uint64_t *id)
{
    uint32_t i = r->free_cell;
    wf_cell *cell = &r->cells[i];
    if (WF_LIKELY(i != 0)) {
        r->free_cell = cell->next_free;
    } else {
        if (r->cells_used + 1 >= WF_CELLS_MAX)
            return NULL;
        i = ++r->cells_used;
        cell = &r->cells[i];
        cell->gen = 1;
    }
    *id = (uint64_t)cell->gen << 32 | i;
#ifdef WEFT_DEV
    r->made[i] = r->made_now;
    r->made_now = (wf_made){NULL, 0};
#endif
    cell->kind = (uint8_t)kind;
    cell->timer.back = NULL;
    cell->timer.spare = WF_STAT_GET(a->slot);
    cell->prev = 0;
    cell->next = a->cells;
    if (cell->next != 0)
        r->cells[cell->next].prev = i;
    a->cells = i;
    return cell;
}

/* Takes the cell at @i out of its owner's list and frees it; its timer is cancelled. */
static inline void wf_cell_free_at(wf_reactor *r, uint32_t i)
{
    wf_cell *cell = &r->cells[i];
    wf_timer_cancel(&r->wheel, &cell->timer);
    if (cell->next != 0)
        r->cells[cell->next].prev = cell->prev;
    if (cell->prev != 0)
        r->cells[cell->prev].next = cell->next;
    else
        r->slots[cell->timer.spare].actor->cells = cell->next;
    cell->gen++;
    cell->kind = WF_CELL_FREE;
    cell->next_free = r->free_cell;
    r->free_cell = i;
}

static inline void wf_cell_free(wf_reactor *r, const wf_cell *cell)
{
    wf_cell_free_at(r, wf_cell_index(r, cell));
}

/* ---- outcomes */

/* A reply came to the mailbox of @a: runs the continuation. Takes @m. */
void wf_settle(wf_reactor *r, weft_actor *a, weft_msg *m);

/* Goes on serving @waiting in @then. The message with the outcome is the context again afterwards: what
 * ends with it may send, too. */
static inline WF_FAST void wf_go_on(wf_reactor *r, weft_actor *a, weft_msg *waiting,
                                    weft_continue_fn *then, const weft_outcome *got)
{
    weft_msg *m = r->current;
    if (--waiting->hold->waits == 0)
        waiting->flags &= (uint16_t)~WF_WAITS;
    r->current = waiting;
    weft_err err = then(a, waiting, got);
    if (WF_UNLIKELY(err != WEFT_OK))
        wf_handler_failed(a, waiting, err);
    if ((waiting->flags & (WF_KEPT | WF_WAITS)) == 0)
        wf_msg_done(r, a, waiting);
    r->current = m;
}

/* The outcome in the failed reply @m. */
static inline weft_outcome wf_failure_of(const weft_msg *m)
{
    const wf_failure *failure = (const wf_failure *)(const void *)m->body;
    return (weft_outcome){.err = failure->err,
                          .delivery = (weft_delivery)failure->delivery,
                          .why =
                              failure->why[0] != '\0' ? failure->why : weft_err_text(failure->err),
                          .from = m->from};
}

/* Deferreds this handler made and did not consume are detached: they get a limit of their own, and
 * their failure is logged. */
void wf_detach_unconsumed(wf_reactor *r, weft_actor *a) WF_COLD;

/* What a limit as given to weft_ask_body arms, in ms: 0 when an ask upstream guards it. */
uint32_t wf_ask_limit_ms(const wf_reactor *r, uint32_t limit_ms);
/* Arms the limit that stands in @cell, if any. */
void wf_ask_arm(wf_reactor *r, wf_cell *cell);
/* An ask that nothing upstream guards any more gets a limit of its own. */
void wf_arm_late(wf_reactor *r, wf_cell *cell) WF_COLD;

/* Fails the request @m with @err and @why (NULL: the code's sentence); @from may be NULL.
 * errors: ENOMEM; then it is not answered, and whoever lets go of it calls wf_owe_failure. */
weft_err wf_fail_request(wf_reactor *r, weft_actor *from, weft_msg *m, weft_err err,
                         const char *why);

/* The same, saying whether it had arrived where it went. */
weft_err wf_fail_delivery(wf_reactor *r, weft_actor *from, weft_msg *m, weft_err err,
                          weft_delivery delivery, const char *why);

/* Takes @m, a request that memory had no room to fail, in the place of wf_msg_free: its asker is told ENOMEM
 * as soon as there is memory. */
void wf_owe_failure(wf_reactor *r, weft_msg *m) WF_COLD;
/* The answer @m to a spawn comes to @a when that was told already that there is none: who was spawned is stopped. */
void wf_spawned_late(weft_actor *a, const weft_msg *m) WF_COLD;
/* The system ends: forgets what could not be told. */
void wf_owed_done(wf_reactor *r);

/* Puts a failed outcome for the cell @id into its owner's mailbox. */
void wf_fail_cell(wf_reactor *r, wf_cell *cell, weft_err err, const char *why);

/* Ends everything outstanding of an actor that has ended: its asks are cancelled where they are. */
void wf_cells_end(wf_reactor *r, weft_actor *a);

/* Consumes @deferred as @state. errors: NULL, and EUSED, EGONE or ELIMIT. */
wf_cell *wf_consume(weft_actor *self, weft_deferred deferred, unsigned state, weft_err *err);

/* Nothing guards what @cell waits for any more: the asks under it get limits of their own. */
void wf_arm_late(wf_reactor *r, wf_cell *cell);

/* Cancels what the ask of @cell left at its target. The cell is there until everything that is being
 * cancelled has been. */
void wf_cancel_at_target(wf_reactor *r, wf_cell *cell);

/* Cancels the request @request of @asker at @target, if it is there. */
void wf_cancel_at(wf_reactor *r, weft_ref target, weft_ref asker, uint64_t request);

/* Has @control run at @to; its first two words become the asker's reference and the third its cell: it
 * answers with a WF_REPLY. *@sent: it is on its way; else the Deferred fails. */
weft_deferred wf_ask_control(weft_actor *self, weft_ref to, wf_control *control, bool *sent);

/* An ask whose request @send makes and sends to @to, with @request and @flags, in the context that has
 * its time limit. What @send comes to fails the Deferred, with @why. */
typedef weft_err wf_ask_send(weft_actor *self, weft_ref to, uint64_t request, unsigned flags,
                             void *context, weft_why *why);
weft_deferred wf_ask_by(weft_actor *self, weft_ref to, uint32_t limit_ms, wf_ask_send *send,
                        void *context, weft_why *why);

/* @m is answered, but continuations of it are outstanding: what guarded their asks is over. */
void wf_arm_waiting(wf_reactor *r, const weft_actor *a, const weft_msg *m);

/* A request under way at @a is no longer wanted: its continuations, its fiber, or whoever keeps it, are
 * told. */
void wf_tell_holder(wf_reactor *r, weft_actor *a, weft_msg *m);

/* ---- holds */

/* The hold of a message being served, made at its first need. errors: NULL. */
wf_hold *wf_hold_of(wf_reactor *r, weft_actor *a, weft_msg *m);
/* Frees the hold and the scratch memory of @m. */
void wf_hold_free(wf_reactor *r, weft_msg *m);
/* Takes one that @a keeps without a hold off its list; NULL: there is none. */
weft_msg *wf_bare_of(wf_reactor *r, const weft_actor *a);
/* What an actor rarely needs, made at the first need. errors: NULL. */
wf_rare *wf_rare_of(weft_actor *a);

/* The request behind weft_room: by the time its turn comes, what stood before it is gone. */
/* One of another reactor need not wait for its turn: it is answered when the mailbox has fallen to half of
 * what it takes, so that its sender goes on while there is still something to do here. Takes @m in true. */
bool wf_room_wait(weft_actor *a, weft_msg *m) WF_COLD;
/* Answers those that wait, if the mailbox has fallen so far. */
void wf_room_look(wf_reactor *r, weft_actor *a) WF_COLD;

#endif
