/* SPDX-License-Identifier: MIT */
/* Looking at the messages of an actor: a tap is shared by the reactor of the actor and that of its taker. */
#include <stdio.h>

#include <weft/form.h>

#include "alloc.h"
#include "ask.h"
#include "mailbox.h"
#include "operate.h"

const weft_type weft_tapped_type = WEFT_TYPE("weft.tapped", weft_tapped, NULL);

struct weft_tap {
    struct weft_tap *next; /* of the same actor */
    weft_ref to;
    uint64_t number, told; /* the actor's side: messages seen; those that were told */
    /* Shared. @taken is stored by the taker, and read by the actor's side, which takes it for no more than a count:
     * relaxed. @over is the same. @holders: whoever takes it to 0 frees the tap, and what the other did before it let
     * go must be over: release on the way down, acquire at 0. */
    _Atomic uint64_t taken;
    _Atomic bool over;
    _Atomic unsigned holders;
};

static void drop(weft_tap *tap)
{
    if (atomic_fetch_sub_explicit(&tap->holders, 1, memory_order_acq_rel) == 1)
        wf_free(tap);
}

/* ---- the actor's side */

static void begin_here(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    const wf_control *c = (const wf_control *)(const void *)m->body;
    weft_tap *tap = (weft_tap *)(uintptr_t)c->word[0];
    wf_rare *rare = target != NULL ? wf_rare_of(target) : NULL;
    unsigned n = 0;
    (void)r;
    for (const weft_tap *one = rare != NULL ? rare->taps : NULL; one != NULL; one = one->next)
        n++;
    if (rare == NULL || n == WEFT_TAPS_MAX || (target->bits & WF_STOPPING) != 0) {
        if (target != NULL)
            weft_log(target, WEFT_WARNING, "cannot be tapped: %s",
                     rare == NULL         ? "no memory for it"
                     : n == WEFT_TAPS_MAX ? "it has as many taps as it may have"
                                          : "it is stopping");
        drop(tap);
        return;
    }
    tap->next = rare->taps;
    rare->taps = tap;
    target->bits |= WF_TAPPED;
}

static weft_tapped_kind kind_of(const weft_msg *m)
{
    if ((m->flags & WF_REPLY) != 0)
        return (m->flags & WF_FAILED) != 0 ? WEFT_TAPPED_FAILURE : WEFT_TAPPED_REPLY;
    return (m->flags & WF_TIMER) != 0 ? WEFT_TAPPED_TIMER
           : m->request != 0          ? WEFT_TAPPED_REQUEST
                                      : WEFT_TAPPED_TELL;
}

static void describe(wf_reactor *r, const weft_actor *a, const weft_msg *m, weft_tapped *out)
{
    *out = (weft_tapped){.who = wf_ref_of(r, a),
                         .from = m->from,
                         .type = m->type,
                         .trace = m->trace,
                         .wall_ns = r->drv->wall_ns(r->driver),
                         .bytes = wf_block_bytes(m),
                         .kind = kind_of(m)};
    if (out->kind == WEFT_TAPPED_FAILURE) {
        const wf_failure *f = (const wf_failure *)(const void *)m->body;
        (void)snprintf(out->text, sizeof out->text, "%s: %s", weft_err_name(f->err),
                       f->why[0] != '\0' ? f->why : weft_err_text(f->err));
    } else {
        (void)weft_form_print(m->type, m->body, out->text, sizeof out->text);
    }
}

/* Tells @out to who takes @tap. false: there is nobody any more. */
static bool tell(weft_tap *tap, weft_tapped *out)
{
    if (atomic_load_explicit(&tap->over, memory_order_relaxed))
        return false;
    out->number = ++tap->number;
    if (tap->told - atomic_load_explicit(&tap->taken, memory_order_relaxed) >= WEFT_TAP_WINDOW)
        return true;
    weft_err err = wf_put(NULL, tap->to, &weft_tapped_type, out, 0, WF_UNCOUNTED);
    tap->told += err == WEFT_OK;
    return err != WEFT_EGONE;
}

void wf_tap_look(wf_reactor *r, weft_actor *a, const weft_msg *m)
{
    weft_msg *outer = r->current;
    weft_tapped out;
    if (m->type == &weft_tapped_type)
        return;
    describe(r, a, m, &out);
    r->current = r->nothing;
    for (weft_tap **at = &a->rare->taps, *tap; (tap = *at) != NULL;) {
        if (tell(tap, &out)) {
            at = &tap->next;
        } else {
            *at = tap->next;
            drop(tap);
        }
    }
    r->current = outer;
    if (a->rare->taps == NULL)
        a->bits &= (uint16_t)~WF_TAPPED;
}

void wf_taps_done(wf_rare *rare)
{
    for (weft_tap *tap; (tap = rare->taps) != NULL;) {
        rare->taps = tap->next;
        drop(tap);
    }
}

/* ---- the taker's side */

weft_tap *weft_tap_begin(weft_actor *self, weft_ref who, weft_why *why)
{
    wf_reactor *r = WF_R;
    char text[WEFT_REF_TEXT_BYTES];
    who = wf_resolve(r, who);
    weft_err err = wf_is_remote(who.home)                ? WEFT_EUNSUPPORTED
                   : weft_ref_same(who, weft_self(self)) ? WEFT_EINVAL
                   : who.slot == 0                       ? WEFT_EGONE
                                                         : WEFT_OK;
    weft_tap *tap = err == WEFT_OK ? wf_alloc_zero(sizeof *tap) : NULL;
    if (err == WEFT_OK && tap == NULL)
        err = WEFT_ENOMEM;
    if (tap != NULL) {
        tap->to = weft_self(self);
        atomic_init(&tap->holders, 2);
        wf_control control = {.run = begin_here, .word = {(uint64_t)(uintptr_t)tap}};
        err = wf_control_send(r, who, &control);
    }
    if (err == WEFT_OK)
        return tap;
    wf_free(tap);
    (void)weft_because(why, err, "%s cannot be tapped: %s", weft_ref_print(who, text),
                       err == WEFT_EINVAL ? "it is who would be told" : weft_err_text(err));
    return NULL;
}

void weft_tap_taken(weft_tap *tap)
{
    atomic_store_explicit(&tap->taken, atomic_load_explicit(&tap->taken, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

void weft_tap_end(weft_tap **tap)
{
    if (*tap == NULL)
        return;
    atomic_store_explicit(&(*tap)->over, true, memory_order_relaxed);
    drop(*tap);
    *tap = NULL;
}
