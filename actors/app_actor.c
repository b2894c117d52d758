/* SPDX-License-Identifier: MIT */
/* The top of an application: begins the tree when the system starts, stops it when the system drains, and
 * stops the system when the tree gives up.
 *
 *   WEFT_PHASE_START: tree begun ──▶ it is up: answered      WEFT_PHASE_CLOSE: addresses closed
 *   WEFT_PHASE_DRAIN: tree told to stop ──▶ it is down: answered */
#include <sysexits.h>

#include <weft/edge.h>
#include <weft/ward.h>

#include "app.h"
#include "sockets.h"

typedef struct top {
    weft_ward tree;  /* must be first */
    weft_msg *waits; /* the phase that waits for it */
    bool up, stopping;
} top;

static wf_app_run *run_of(const weft_actor *self)
{
    return (wf_app_run *)(uintptr_t)weft_config(self);
}

static void answer(top *t)
{
    if (t->waits != NULL)
        (void)weft_reply(t->waits, weft_phase_done, .cut = 0);
    weft_drop(&t->waits);
}

static void tree_up(weft_actor *self, weft_ward *ward, weft_err err, const char *why)
{
    top *t = (top *)(void *)ward;
    if (err != WEFT_OK) {
        weft_ward_kill(self, ward, err, why);
        return;
    }
    t->up = true;
    if (!t->stopping)
        answer(t);
}

/* It has failed to start, or given up: who runs the program must hear of it. */
static void failed(weft_actor *self, top *t, weft_err reason, const char *why)
{
    weft_log(self, WEFT_ERROR, "%s: %s", t->up ? "the tree has given up" : "unable to start", why);
    run_of(self)->code = t->up ? EX_SOFTWARE : EX_UNAVAILABLE;
    if (t->waits != NULL) {
        (void)weft_fail(t->waits, reason, "%s", why);
        weft_drop(&t->waits);
    } else
        weft_system_stop(self, reason);
}

static void tree_down(weft_actor *self, weft_ward *ward, weft_err reason, const char *why)
{
    top *t = (top *)(void *)ward;
    if (t->stopping)
        answer(t);
    else
        failed(self, t, reason != WEFT_OK ? reason : WEFT_EGONE, why);
}

static const weft_ward_ops tree_ops = {.up = tree_up, .down = tree_down};

static weft_err begin(weft_actor *self, weft_msg *msg, top *t)
{
    weft_why why = {""};
    weft_err err = weft_ward_new(self, &t->tree, &weft_supervisor_behaviour, run_of(self)->tree,
                                 &tree_ops, &why);
    if (err != WEFT_OK) {
        run_of(self)->code = EX_OSERR;
        return weft_fail(msg, err, "%s", why.text);
    }
    t->waits = weft_keep(msg);
    (void)weft_ward_begin(self, &t->tree);
    return WEFT_OK;
}

/* A start that a shut-down overtook is no longer waited for. */
static weft_err stop(weft_actor *self, weft_msg *msg, top *t, uint32_t grace_ms)
{
    t->stopping = true;
    wf_sockets_drain(self, grace_ms);
    if (t->waits != NULL) {
        (void)weft_fail(t->waits, WEFT_ESTOPPING, NULL);
        weft_drop(&t->waits);
    }
    if (t->tree.begun == 0 || weft_ward_is_down(&t->tree))
        return weft_reply(msg, weft_phase_done, .cut = 0);
    t->waits = weft_keep(msg);
    t->tree.stop_ms = grace_ms;
    weft_ward_stop(self, &t->tree, WEFT_ESTOPPING);
    return WEFT_OK;
}

static weft_err on_phase(weft_actor *self, weft_msg *msg)
{
    const weft_phase_begins *begins = weft_body(msg);
    if (begins->phase == WEFT_PHASE_START)
        return begin(self, msg, weft_state(self));
    if (begins->phase == WEFT_PHASE_DRAIN)
        return stop(self, msg, weft_state(self), begins->grace_ms);
    if (begins->phase == WEFT_PHASE_CLOSE)
        wf_sockets_close(self);
    return weft_reply(msg, weft_phase_done, .cut = 0);
}

/* Whoever ends it ends what it keeps: nothing is left that the system could run for. */
static void app_ended(weft_actor *self, weft_err reason)
{
    const top *t = weft_state(self);
    if (t->stopping || run_of(self)->code != 0)
        return;
    run_of(self)->code = reason != WEFT_OK && reason != WEFT_ESTOPPING ? EX_SOFTWARE : 0;
    weft_system_stop(self, reason);
}

static const weft_handler handlers[] = {{.type = &weft_phase_begins_type, .fn = on_phase}, {0}};

static const weft_behaviour app_behaviour = {
    .name = "app", .handlers = handlers, .state_bytes = sizeof(top), .ended = app_ended};

weft_err wf_app_spawn(weft_system *sys, wf_app_run *run)
{
    static const weft_phase asked[] = {WEFT_PHASE_START, WEFT_PHASE_CLOSE, WEFT_PHASE_DRAIN};
    weft_ref ref = weft_system_spawn(sys, 0, &app_behaviour, run);
    weft_err err = weft_ref_is_nobody(ref) ? WEFT_ENOMEM : WEFT_OK;
    for (unsigned i = 0; err == WEFT_OK && i < sizeof asked / sizeof *asked; i++)
        err = weft_on_phase(sys, asked[i], ref);
    return err;
}
