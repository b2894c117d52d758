/* SPDX-License-Identifier: MIT */
/* The lives of fibers: beginning with a message, going on, ending, and ending with their actor. */
#include "fiber.h"

#include "ask.h"
#include "deferreds.h"
#include "mailbox.h"
#include "sys.h"

static void run(wf_switch *at)
{
    wf_fiber *f = (wf_fiber *)(void *)at;
    f->err = f->fn(f->actor, f->msg);
    f->over = true;
}

/* There is no stack for it. */
static WF_COLD weft_err refuse(const wf_reactor *r, weft_actor *self, weft_msg *msg, weft_err err)
{
    weft_why why;
    if (err == WEFT_ELIMIT)
        weft_explain(&why, "no fiber for %s: fibers_max is %u", msg->type->name,
                     r->sys->options.fibers_max);
    else
        weft_explain(&why, "no memory for the fiber of %s", msg->type->name);
    if (weft_is_request(msg))
        return weft_fail(msg, err, "%s", why.text);
    weft_log(self, WEFT_WARNING, "%s", why.text);
    return err;
}

weft_err wf_fiber_serve(weft_actor *self, weft_msg *msg)
{
    wf_reactor *r = WF_R;
    weft_handler_fn *fn = wf_program_row(WF_STAT_GET(self->program), msg->type)->real;
    weft_err err;
    if (WF_UNLIKELY(r->blocking))
        return fn(self, msg); /* on its thread's own stack: its waits say that they cannot */
    wf_fiber *f = wf_fiber_new(r, &err);
    if (WF_UNLIKELY(f == NULL))
        return refuse(r, self, msg, err);
    f->actor = self;
    f->msg = msg;
    f->fn = fn;
    wf_switch_init(&f->at, wf_fiber_bottom(f), f, run);
    return wf_fiber_resume(r, f);
}

static void unlink_fiber(wf_fiber *f)
{
    if (f->back == NULL)
        return;
    *f->back = f->next;
    if (f->next != NULL)
        f->next->back = f->back;
    f->back = NULL;
}

static WF_COLD void say_abandoned(const wf_fiber *f)
{
    weft_log(f->actor, WEFT_ERROR,
             "the fiber that serves %s went on waiting, %d times, after its actor was stopped: "
             "what it would still have done is left out",
             f->msg->type->name, WF_FIBER_REFUSALS_MAX);
}

static weft_err end(wf_reactor *r, wf_fiber *f)
{
    weft_msg *m = f->msg;
    weft_err err = f->err;
    wf_fiber_let_go(r, f);
    if (WF_UNLIKELY(f->abandoned))
        say_abandoned(f);
    if (f->later != 0)
        wf_later_detach(r, f);
    unlink_fiber(f);
    if ((m->flags & WF_HELD) != 0)
        m->hold->fiber = NULL;
    wf_fiber_free(r, f);
    return err;
}

weft_err wf_fiber_resume(wf_reactor *r, wf_fiber *f)
{
    r->fiber = f;
    wf_switch_enter(&f->at);
    r->fiber = NULL;
    return f->over ? end(r, f) : WEFT_OK;
}

const weft_outcome *wf_fiber_wait(wf_reactor *r, wf_fiber *f)
{
    if (f->back == NULL) {
        wf_rare *rare = f->actor->rare; /* made with the hold of its message */
        f->msg->hold->fiber = f;
        f->next = rare->fibers;
        f->back = &rare->fibers;
        if (f->next != NULL)
            f->next->back = &f->next;
        rare->fibers = f;
    }
    if (WF_UNLIKELY(r->unconsumed != 0 || f->later != 0))
        wf_later_keep(r, f);
    wf_switch_leave(&f->at);
    if (WF_UNLIKELY(f->got->err == WEFT_ECANCELLED))
        f->cancelled = false;
    return f->got;
}

void wf_fiber_wait_over(wf_reactor *r, wf_fiber *f)
{
    wf_cell *cell = &r->cells[f->cell];
    weft_msg *m = f->msg;
    if (cell->kind == WF_CELL_ASK) {
        wf_cancel_at_target(r, cell);
        wf_deferred_over(r, f->actor, cell);
    } else {
        wf_leave(r, cell, WEFT_CANCEL_REST); /* others hang on it: it ends with its actor */
    }
    if (--m->hold->waits == 0)
        m->flags &= (uint16_t)~WF_WAITS;
}

/* The last waits of the actor's life end with this. */
static const weft_outcome stopped = {.err = WEFT_ESTOPPING, .why = "its actor is stopping"};

static void end_with_actor(wf_reactor *r, weft_actor *a, wf_fiber *f)
{
    weft_msg *m = f->msg;
    wf_fiber_wait_over(r, f);
    wf_fiber_unexpect(f);
    r->current = m;
    f->got = &stopped;
    weft_err err = wf_fiber_resume(r, f);
    if (err != WEFT_OK)
        wf_handler_failed(a, m, err);
    wf_msg_done(r, a, m);
    if (r->unconsumed != 0)
        wf_detach_unconsumed(r, a);
}

void wf_fibers_end(wf_reactor *r, weft_actor *a)
{
    weft_msg *outer = r->current;
    weft_actor *running = WF_STAT_GET(r->running);
    WF_STAT_PUBLISH(r->running, a);
    a->bits |= WF_READY; /* as in its turn: what comes back to it must not queue it */
    while (a->rare->fibers != NULL)
        end_with_actor(r, a, a->rare->fibers);
    a->bits &= (uint16_t)~WF_READY;
    WF_STAT_PUBLISH(r->running, running);
    r->current = outer;
}
