/* SPDX-License-Identifier: MIT */
/* What a supervisor does next: children stop one by one from the last, and begin in order from the first.
 *
 * Nothing here waits for a message: wards tell what they come to by a call, and whatever happened, the
 * same question is asked: what is wanted, and what can be done towards it now? */
#include <stdio.h>

#include "supervisor.h"

/* "counter", "shop/counter", or the reference. */
static const char *name_of(const wf_charge *c, char text[WEFT_REF_TEXT_BYTES])
{
    return c->name[0] != '\0' ? c->name : weft_ref_print(wf_charge_ref(c), text);
}

/* ---- stopping */

static void begin_stop(weft_actor *self, wf_supervisor *s, wf_charge *c)
{
    if (c->state != WEFT_CHILD_UP && c->state != WEFT_CHILD_STARTING)
        return;
    weft_alarm_clear(&c->alarm);
    c->state = WEFT_CHILD_STOPPING;
    if (c->posting != NULL)
        c->posting->over = c->leaving || s->ending;
    weft_ward_stop(self, &c->ward, s->ending ? s->reason : WEFT_ESTOPPING);
}

/* Stops the last of those that are to be down. true: one of them is not yet. */
static bool stop_next(weft_actor *self, wf_supervisor *s)
{
    for (wf_charge *c = s->last; c != NULL; c = c->prev) {
        if (c->wanted || (c->leaving && !s->ending && !s->resting))
            continue;
        begin_stop(self, s, c);
        if (c->state == WEFT_CHILD_STOPPING)
            return true;
    }
    return false;
}

/* All that were to be down are: those that are to begin again may. */
static void turn_round(wf_supervisor *s)
{
    for (wf_charge *c = s->first; c != NULL; c = c->next)
        if (c->again) {
            c->again = false;
            c->wanted = c->ordered = true;
        }
}

/* ---- beginning */

static void tell_added(wf_charge *c)
{
    if (c->asked == NULL)
        return;
    (void)weft_reply(c->asked, weft_supervisor_added, .ref = wf_charge_ref(c));
    weft_drop(&c->asked);
}

static void is_up(weft_actor *self, wf_charge *c)
{
    c->state = WEFT_CHILD_UP;
    c->was_up = true;
    c->ordered = false;
    c->up_at = weft_now_ms(self);
    tell_added(c);
}

static void start_late(weft_actor *self, void *context)
{
    wf_charge *c = context;
    weft_why why;
    weft_explain(&why, "its start took longer than %u ms",
                 c->child.start_ms != 0 ? c->child.start_ms : WF_START_MS);
    weft_ward_kill(self, &c->ward, WEFT_ETIMEDOUT, why.text);
}

static void on_start_late(weft_alarm *alarm)
{
    wf_charge *c = (wf_charge *)(void *)((char *)alarm - offsetof(wf_charge, alarm));
    weft_enter(c->supervisor, start_late, c);
}

static void begin_one(weft_actor *self, wf_charge *c)
{
    c->state = WEFT_CHILD_STARTING;
    if (weft_ward_begin(self, &c->ward))
        is_up(self, c);
    else
        weft_alarm_set(&c->alarm, c->child.start_ms != 0 ? c->child.start_ms : WF_START_MS,
                       on_start_late);
}

static void begin_all(weft_actor *self, wf_supervisor *s)
{
    bool in_order = true;
    for (wf_charge *c = s->first; c != NULL; c = c->next) {
        if (!c->wanted)
            continue;
        if (c->state == WEFT_CHILD_DOWN && !c->backs_off && (in_order || !c->ordered))
            begin_one(self, c);
        in_order = in_order && (!c->ordered || c->state == WEFT_CHILD_UP);
    }
}

/* The table is up when nobody of it is to be up and is not. */
static void look_whether_up(wf_supervisor *s)
{
    for (const wf_charge *c = s->first; c != NULL; c = c->next)
        if (!c->added && c->wanted && c->state != WEFT_CHILD_UP)
            return;
    s->up = true;
    weft_drop(&s->started);
}

static void rested(wf_supervisor *s)
{
    if (s->draining == NULL)
        return;
    (void)weft_reply(s->draining, weft_phase_done, .cut = 0);
    weft_drop(&s->draining);
}

void wf_supervisor_go_on(weft_actor *self, wf_supervisor *s)
{
    if (stop_next(self, s))
        return;
    if (s->ending) {
        (void)weft_stop_because(self, s->reason, "%s", s->why.text);
        return;
    }
    if (s->resting) {
        rested(s);
        return;
    }
    turn_round(s);
    begin_all(self, s);
    if (!s->up)
        look_whether_up(s);
}

/* ---- the whole of it */

static void want_nobody(wf_supervisor *s)
{
    for (wf_charge *c = s->first; c != NULL; c = c->next) {
        c->wanted = c->again = false;
        if (c->backs_off)
            weft_alarm_clear(&c->alarm);
        c->backs_off = false;
    }
}

void wf_supervisor_end(weft_actor *self, wf_supervisor *s, weft_err reason, const char *why)
{
    if (!s->ending) {
        s->ending = true;
        s->reason = reason;
        weft_explain(&s->why, "%s", why);
        want_nobody(s);
    }
    wf_supervisor_go_on(self, s);
}

void wf_supervisor_rest(weft_actor *self, wf_supervisor *s)
{
    s->resting = true;
    want_nobody(s);
    wf_supervisor_go_on(self, s);
}

/* ---- children that stop */

static void removed(weft_actor *self, wf_supervisor *s, wf_charge *c)
{
    if (c->asked != NULL)
        (void)weft_reply(c->asked, weft_supervisor_removed, .reason = c->reason);
    weft_drop(&c->asked);
    wf_charge_drop(self, s, c);
}

void wf_supervisor_remove_one(weft_actor *self, wf_supervisor *s, wf_charge *c)
{
    c->wanted = c->again = false;
    c->leaving = true;
    begin_stop(self, s, c);
    if (c->state != WEFT_CHILD_STOPPING)
        removed(self, s, c);
}

/* It is not restarted: its reference is stale from now on. One of the table is still listed. */
static void ended(weft_actor *self, wf_supervisor *s, wf_charge *c)
{
    c->wanted = false;
    c->state = WEFT_CHILD_ENDED;
    tell_added(c);
    if (c->added)
        wf_charge_drop(self, s, c);
    else
        wf_charge_end(self, c);
}

static void backed_off(weft_actor *self, void *context)
{
    wf_charge *c = context;
    c->backs_off = false;
    wf_supervisor_go_on(self, weft_state(self));
}

static void on_backed_off(weft_alarm *alarm)
{
    wf_charge *c = (wf_charge *)(void *)((char *)alarm - offsetof(wf_charge, alarm));
    weft_enter(c->supervisor, backed_off, c);
}

static bool in_group(const wf_supervisor *s, bool behind)
{
    return s->config->strategy == WEFT_ONE_FOR_ALL ||
           (s->config->strategy == WEFT_REST_FOR_ONE && behind);
}

/* @failed is to begin again, and with it those whom the strategy names. */
static void restart(weft_actor *self, wf_supervisor *s, wf_charge *failed, uint32_t wait_ms)
{
    wf_charge *first = failed;
    bool behind = false;
    for (wf_charge *c = s->first; c != NULL; c = c->next) {
        behind = behind || c == failed;
        if (c == failed || !in_group(s, behind) || c->leaving || !(c->wanted || c->again))
            continue;
        if (first == failed && !behind)
            first = c;
        c->wanted = false;
        c->again = c->child.restart != WEFT_RESTART_NEVER || c->state == WEFT_CHILD_DOWN;
    }
    failed->again = s->config->strategy != WEFT_ONE_FOR_ONE;
    failed->wanted = !failed->again;
    if (wait_ms == 0)
        return;
    /* the group waits, not the one that failed alone: it begins with its first */
    begin_stop(self, s, first);
    first->backs_off = true;
    weft_alarm_set(&first->alarm, wait_ms, on_backed_off);
}

static bool is_to_begin_again(const wf_charge *c, weft_err reason)
{
    return c->child.restart == WEFT_RESTART_ALWAYS ||
           (c->child.restart == WEFT_RESTART_ON_ERROR && reason != WEFT_OK);
}

/* Its first start has failed: who wanted it is told, and it is not kept. true: that was it. */
static bool never_was_up(weft_actor *self, wf_supervisor *s, wf_charge *c, weft_err reason,
                         const char *why)
{
    char text[WEFT_REF_TEXT_BYTES];
    weft_why whole;
    if (c->was_up || reason == WEFT_OK)
        return false;
    if (c->asked != NULL) {
        (void)weft_fail(c->asked, reason, "%s", why);
        weft_drop(&c->asked);
        wf_charge_drop(self, s, c);
        return true;
    }
    if (s->up)
        return false;
    weft_explain(&whole, "child %s could not start: %s", name_of(c, text), why);
    wf_supervisor_end(self, s, reason, whole.text);
    return true;
}

/* By itself, by force of a start that failed, or by others: it was wanted. */
static void failed(weft_actor *self, wf_supervisor *s, wf_charge *c, weft_err reason,
                   const char *why)
{
    char text[WEFT_REF_TEXT_BYTES];
    weft_why whole;
    uint32_t wait_ms = wf_supervisor_backoff(self, s, c);
    c->state = WEFT_CHILD_DOWN;
    if (never_was_up(self, s, c, reason, why))
        return;
    if (!is_to_begin_again(c, reason)) {
        weft_log(self, reason == WEFT_OK ? WEFT_INFO : WEFT_WARNING, "child %s has ended: %s",
                 name_of(c, text), why);
        ended(self, s, c);
        return;
    }
    if (!wf_supervisor_may_restart(s, weft_now_ms(self))) {
        weft_explain(&whole, "child %s failed once more after %u restarts within %u ms: %s",
                     name_of(c, text), wf_supervisor_restarts_max(s->config),
                     wf_supervisor_window_ms(s->config), why);
        weft_log(self, WEFT_ERROR, "gives up: %s", whole.text);
        wf_supervisor_end(self, s, WEFT_ELIMIT, whole.text);
        return;
    }
    weft_log(self, WEFT_NOTICE, "child %s is restarted in %u ms: %s", name_of(c, text), wait_ms,
             why);
    restart(self, s, c, wait_ms);
}

/* ---- what wards tell */

static void charge_up(weft_actor *self, weft_ward *ward, weft_err err, const char *why)
{
    wf_charge *c = (wf_charge *)(void *)ward;
    if (c->state != WEFT_CHILD_STARTING)
        return; /* it is being stopped already */
    weft_alarm_clear(&c->alarm);
    if (err != WEFT_OK) {
        weft_ward_kill(self, ward, err, why);
        return;
    }
    is_up(self, c);
    wf_supervisor_go_on(self, weft_state(self));
}

static void charge_down(weft_actor *self, weft_ward *ward, weft_err reason, const char *why)
{
    wf_supervisor *s = weft_state(self);
    wf_charge *c = (wf_charge *)(void *)ward;
    if (!c->backs_off)
        weft_alarm_clear(&c->alarm); /* of its start */
    c->reason = reason;
    if (c->wanted) {
        failed(self, s, c, reason, why);
    } else {
        c->state = WEFT_CHILD_DOWN;
        if (c->leaving)
            removed(self, s, c);
        else if (!c->again && !s->ending && !s->resting)
            ended(self, s, c);
    }
    wf_supervisor_go_on(self, s);
}

const weft_ward_ops wf_charge_ops = {.up = charge_up, .down = charge_down};
