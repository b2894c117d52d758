/* SPDX-License-Identifier: MIT */
/* Mailboxes and the run queue: how a message reaches an actor, and the actor its turn. */
#ifndef WF_MAILBOX_H
#define WF_MAILBOX_H

#include "block.h"
#include "core.h"

/* An idle actor has something to do. New children go on a stack that is served first, so that a tree
 * of spawns runs depth first; a parent waits until its new children had a turn, so that it cannot outrun
 * them. */
void wf_make_ready_family(wf_reactor *r, weft_actor *a) WF_NOINLINE;

static inline void wf_make_ready(wf_reactor *r, weft_actor *a)
{
    unsigned bits = a->bits;
    a->bits = (uint16_t)(bits | WF_READY);
    WF_STAT_SET(a->ready_at, r->wheel.now);
    if (WF_UNLIKELY(((bits & WF_UNRUN) | a->unrun) != 0)) {
        wf_make_ready_family(r, a);
        return;
    }
    a->next_ready = NULL;
    *r->ready_tail = a;
    r->ready_tail = &a->next_ready;
}

/* What @m counts for in the mailbox: its bytes, and itself if it is an ordinary one. */
static inline uint64_t wf_mail_of(const weft_msg *m)
{
    return (uint64_t)wf_block_bytes(m) << 32 | ((m->flags & WF_UNCOUNTED) ^ WF_UNCOUNTED);
}

static inline uint32_t wf_mail_count(const weft_actor *a)
{
    return (uint32_t)WF_STAT_GET(a->mail);
}

/* Links @m to the mailbox of @a. */
static inline void wf_deliver(wf_reactor *r, weft_actor *a, weft_msg *m)
{
    m->next = NULL;
    *a->tail = m;
    a->tail = &m->next;
    WF_STAT_ADD(a->mail, wf_mail_of(m));
    if ((a->bits & WF_READY) == 0)
        wf_make_ready(r, a);
}

/* The context that what is sent now inherits: the message being served. */
static inline void wf_fill(const wf_reactor *r, weft_msg *m, const weft_actor *from,
                           const weft_type *type, uint64_t request, unsigned flags)
{
    const weft_msg *c = r->current;
    m->next = NULL;
    m->type = type;
    m->from = from != NULL ? wf_ref_of(r, from) : WEFT_NOBODY;
    m->request = request;
    m->trace = c->trace;
    m->deadline = c->deadline;
    m->flags = (uint16_t)flags;
}

/* Makes a message of @type with a copy of @body, its bytes and shares taken.
 * errors: EINVAL, ENOMEM and @why. thread: the reactor's. */
weft_err wf_msg_new(wf_reactor *r, const weft_actor *from, const weft_type *type, const void *body,
                    uint64_t request, unsigned flags, weft_msg **out, weft_why *why);

/* The same with @room bytes more, at the end of the block. */
weft_err wf_msg_new_room(wf_reactor *r, const weft_actor *from, const weft_type *type,
                         const void *body, uint64_t request, unsigned flags, size_t room,
                         weft_msg **out, weft_why *why);

/* Sends a copy of @body to @to: the one way of every tell, ask and reply.
 * errors: EGONE, EFULL, EINVAL, ENOMEM. */
weft_err wf_put(weft_actor *from, weft_ref to, const weft_type *type, const void *body,
                uint64_t request, unsigned flags);

/* The same for a reply of @from, which is never refused for room. */
weft_err wf_put_reply(weft_actor *from, weft_ref to, const weft_type *type, const void *body,
                      uint64_t request);

/* Sends a message that is complete to wherever @to is; only WF_UNCOUNTED ones are never refused for
 * room. errors: EGONE, EFULL, ENOMEM; @m stays the caller's. */
weft_err wf_put_msg(wf_reactor *r, weft_ref to, weft_msg *m);

/* What @to stands for: an actor's reference for a name or a group. */
weft_ref wf_resolve(wf_reactor *r, weft_ref to);

/* @m did not reach its target for @err: its asker fails, its sender is told if it wants to be, the dead
 * letter is counted. Takes @m. */
void wf_refuse(wf_reactor *r, uint32_t slot, uint32_t gen, weft_msg *m, weft_err err);

/* Frees a message with what its body holds. It must not be held. */
void wf_msg_free(wf_reactor *r, weft_msg *m);

/* Gives the shares of a body back. */
void wf_body_release(const weft_type *type, void *body);

/* @m has been served: fails a request nobody answered and frees it, unless it is kept or waits. */
void wf_msg_done(wf_reactor *r, weft_actor *a, weft_msg *m);

/* A request served in place, or the `started` of a ward: its memory is its owner's. */
static inline void wf_local_done(weft_msg *m)
{
    ((const weft_local_ops *)(uintptr_t)m->request)->done(m);
}

/* A handler of @a, or its continuation, came to @err: fails the request @m, or says so. */
void wf_handler_failed(weft_actor *a, weft_msg *m, weft_err err) WF_COLD;

/* Runs one turn of @a, at most @left messages; returns how many. */
uint32_t wf_turn(wf_reactor *r, weft_actor *a, uint32_t left);
/* Goes on with the turn that the last budget cut off, if any. */
uint32_t wf_turn_rest(wf_reactor *r, uint32_t left);

/* Gives turns until @budget is used up or nobody is ready; what of it was used. */
uint32_t wf_turns(wf_reactor *r, uint32_t budget);

/* The next actor of the run queue, or NULL. */
weft_actor *wf_next_ready(wf_reactor *r);

/* ---- control: what overtakes mailboxes */

typedef void wf_control_fn(wf_reactor *r, weft_actor *target, weft_msg *m);
typedef struct wf_control {
    wf_control_fn *run; /* @target is NULL when it has ended, or when none was meant */
    uint64_t word[5];
} wf_control;
extern const weft_type wf_control_type;

/* Runs @run on the reactor of @to, at once if it is this one. errors: ENOMEM, EGONE (no such reactor). */
weft_err wf_control_send(wf_reactor *r, weft_ref to, const wf_control *control);
void wf_control_run(wf_reactor *r, uint32_t slot, uint32_t gen, weft_msg *m);

#endif
