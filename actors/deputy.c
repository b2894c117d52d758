/* SPDX-License-Identifier: MIT */
/* Children on other reactors: the keeper here, the deputy there. */
#include "deputy.h"

#include <stdio.h>

#include <weft/edge.h>
#include <weft/system.h>
#include <weft/ward.h>

enum { AGAIN_MS = 10, NAME_TRIES = 100, NEWS_WHY_BYTES = 96 };

/* Begins the child, again if it has stopped; answered when it is up. The sender hears of its end. */
typedef struct deputy_begin {
    uint32_t life;
} deputy_begin;
typedef struct deputy_ready {
    weft_ref child;
} deputy_ready;
/* Stops it; answered when it is down. */
typedef struct deputy_halt {
    weft_err reason;
} deputy_halt;
typedef struct deputy_halted {
    weft_err reason;
} deputy_halted;
/* It has stopped by itself. */
typedef struct deputy_news {
    uint32_t life;
    weft_err reason;
    char why[NEWS_WHY_BYTES];
} deputy_news;

static const weft_type deputy_ready_type = WEFT_TYPE("weft.deputy_ready", deputy_ready, NULL);
static const weft_type deputy_halted_type = WEFT_TYPE("weft.deputy_halted", deputy_halted, NULL);
static const weft_type deputy_begin_type =
    WEFT_TYPE("weft.deputy_begin", deputy_begin, &deputy_ready_type);
static const weft_type deputy_halt_type =
    WEFT_TYPE("weft.deputy_halt", deputy_halt, &deputy_halted_type);
static const weft_type deputy_news_type = WEFT_TYPE("weft.deputy_news", deputy_news, NULL);

wf_posting *wf_posting_new(void)
{
    wf_posting *p = weft_alloc_zero(sizeof *p);
    if (p != NULL)
        atomic_store_explicit(&p->users, 1, memory_order_relaxed);
    return p;
}

void wf_posting_leave(wf_posting *p)
{
    /* release: its uses come before the last one's free */
    if (p != NULL && atomic_fetch_sub_explicit(&p->users, 1, memory_order_acq_rel) == 1)
        weft_alloc_free(p);
}

void wf_posting_end(weft_actor *self, wf_posting *p)
{
    if (p != NULL && !weft_ref_is_nobody(p->deputy))
        (void)weft_stop_ref(self, p->deputy,
                            WEFT_OK); /* without memory it ends with the supervisor */
    wf_posting_leave(p);
}

/* ---- the deputy */

typedef struct deputy {
    weft_ward child;  /* must be first */
    weft_alarm again; /* memory was out for the news, or the name is not free yet */
    unsigned tries;   /* to take the name */
    weft_ref keeper;
    uint32_t life;
    bool made, told;
    weft_msg *begins, *halts; /* requests that wait */
    deputy_news news;
} deputy;

static wf_posting *posting_of(const weft_actor *self)
{
    return (wf_posting *)(uintptr_t)weft_config(self);
}

static void is_ready(deputy *d)
{
    if (d->begins != NULL)
        (void)weft_reply(d->begins, deputy_ready, .child = d->child.ref);
    weft_drop(&d->begins);
}

static void begin_it(weft_actor *self, deputy *d)
{
    if (weft_ward_begin(self, &d->child))
        is_ready(d);
}

static void child_up(weft_actor *self, weft_ward *ward, weft_err err, const char *why)
{
    deputy *d = (deputy *)(void *)ward;
    if (err != WEFT_OK)
        weft_ward_kill(self, ward, err, why);
    else
        is_ready(d);
}

static void send_news(weft_actor *self, void *context);

static void news_again(weft_alarm *alarm)
{
    deputy *d = (deputy *)(void *)((char *)alarm - offsetof(deputy, again));
    weft_enter(weft_actor_of_state(d), send_news, d);
}

static void send_news(weft_actor *self, void *context)
{
    deputy *d = context;
    if (weft_event(self, d->keeper, &deputy_news_type, &d->news) == WEFT_ENOMEM)
        weft_alarm_set(&d->again, AGAIN_MS, news_again);
}

/* Whoever waits is told; if nobody does, it has stopped by itself. */
static void child_down(weft_actor *self, weft_ward *ward, weft_err reason, const char *why)
{
    deputy *d = (deputy *)(void *)ward;
    bool halted = d->halts != NULL;
    if (halted)
        (void)weft_reply(d->halts, deputy_halted, .reason = reason);
    weft_drop(&d->halts);
    if (d->begins != NULL && d->told && reason != WEFT_OK) {
        (void)weft_fail(d->begins, reason, "%s", why);
        weft_drop(&d->begins);
        return;
    }
    if (d->begins != NULL && d->told) /* has done its work while it started */
        is_ready(d);
    if (d->begins != NULL) { /* a life that its keeper did not outlive is over: now the next */
        d->told = true;
        begin_it(self, d);
        return;
    }
    if (halted)
        return;
    d->news = (deputy_news){.life = d->life, .reason = reason};
    (void)snprintf(d->news.why, sizeof d->news.why, "%s", why);
    send_news(self, d);
}

static const weft_ward_ops child_ops = {.up = child_up, .down = child_down};

static weft_err make_child(weft_actor *self, deputy *d, weft_why *why)
{
    const wf_posting *p = posting_of(self);
    weft_err err = weft_ward_new(self, &d->child, p->behaviour, p->config, &child_ops, why);
    if (err != WEFT_OK)
        return err;
    d->child.stop_ms = p->stop_ms;
    if (p->name[0] != '\0' && (err = weft_register(weft_here(d->child.ref), p->name)) != WEFT_OK) {
        weft_ward_end(self, &d->child, WEFT_OK);
        return weft_because(why, err, "it cannot be named %s: %s", p->name, weft_err_text(err));
    }
    d->made = true;
    return WEFT_OK;
}

static void make_and_begin(weft_actor *self, void *context);

static void make_again(weft_alarm *alarm)
{
    deputy *d = (deputy *)(void *)((char *)alarm - offsetof(deputy, again));
    weft_enter(weft_actor_of_state(d), make_and_begin, d);
}

/* A child of an earlier life of the supervisor may still have the name: it is ending. */
static void make_and_begin(weft_actor *self, void *context)
{
    deputy *d = context;
    weft_why why = {""};
    weft_err err = make_child(self, d, &why);
    if (err == WEFT_OK) {
        d->told = true;
        begin_it(self, d);
    } else if (err == WEFT_EEXISTS && d->tries++ < NAME_TRIES)
        weft_alarm_set(&d->again, AGAIN_MS, make_again);
    else {
        (void)weft_fail(d->begins, err, "%s", why.text);
        weft_drop(&d->begins);
    }
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    deputy *d = weft_state(self);
    weft_alarm_clear(&d->again); /* of an earlier life */
    weft_drop(&d->begins);
    d->keeper = weft_sender(msg);
    d->life = ((const deputy_begin *)weft_body(msg))->life;
    d->begins = weft_keep(msg);
    d->tries = 0;
    if (!d->made) {
        make_and_begin(self, d);
        return WEFT_OK;
    }
    d->told = weft_ward_is_down(&d->child);
    if (d->told)
        begin_it(self, d);
    else
        weft_ward_kill(self, &d->child, WEFT_EABORTED, "its supervisor did not wait for its end");
    return WEFT_OK;
}

static weft_err on_halt(weft_actor *self, weft_msg *msg)
{
    deputy *d = weft_state(self);
    const deputy_halt *halt = weft_body(msg);
    weft_drop(&d->begins);
    weft_alarm_clear(&d->again);
    if (!d->made || weft_ward_is_down(&d->child))
        return weft_reply(msg, deputy_halted, .reason = WEFT_OK);
    weft_drop(&d->halts);
    d->halts = weft_keep(msg);
    weft_ward_stop(self, &d->child, halt->reason);
    return WEFT_OK;
}

static weft_err on_deputy_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    if (weft_monitor_life(self, posting_of(self)->supervisor) != WEFT_OK)
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to watch its supervisor");
    return WEFT_OK;
}

static weft_err on_supervisor_down(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_ESTOPPING);
}

static void deputy_ended(weft_actor *self, weft_err reason)
{
    deputy *d = weft_state(self);
    (void)reason;
    weft_alarm_clear(&d->again);
    wf_posting_leave(posting_of(self));
}

static const weft_handler deputy_rows[] = {
    {.type = &weft_started_type, .fn = on_deputy_started},
    {.type = &weft_down_type, .fn = on_supervisor_down},
    {.type = &deputy_begin_type, .fn = on_begin},
    {.type = &deputy_halt_type, .fn = on_halt},
    {0},
};
static const weft_behaviour deputy_behaviour = {.name = "deputy",
                                                .handlers = deputy_rows,
                                                .state_bytes = sizeof(deputy),
                                                .ended = deputy_ended};

/* ---- the keeper */

static weft_err on_ready(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_posting *p = posting_of(self);
    if (got->err == WEFT_OK)
        p->child = ((const deputy_ready *)got->body)->child;
    else
        return weft_fail(msg, got->err, "%s", got->why);
    return WEFT_OK;
}

static weft_err ask_to_begin(weft_actor *self, weft_msg *msg, wf_posting *p)
{
    /* how long it may take is its supervisor's to say */
    return weft_when(msg,
                     weft_ask_within(self, p->deputy, WEFT_NO_LIMIT, deputy_begin, .life = p->life),
                     on_ready);
}

static weft_err on_deputy(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_posting *p = posting_of(self);
    if (got->err != WEFT_OK) {
        /* one that is merely late may still come, and leaves by itself */
        if (got->err == WEFT_ENOMEM || got->err == WEFT_ELIMIT)
            wf_posting_leave(p);
        return weft_fail(msg, got->err, "nobody to start it on reactor %u: %s", p->reactor,
                         got->why);
    }
    p->deputy = ((const weft_spawned *)got->body)->ref;
    if (weft_monitor(self, p->deputy) != WEFT_OK)
        return WEFT_ENOMEM;
    return ask_to_begin(self, msg, p);
}

static weft_err on_keeper_started(weft_actor *self, weft_msg *msg)
{
    wf_posting *p = posting_of(self);
    p->life++;
    if (!weft_ref_is_nobody(p->deputy)) {
        if (weft_monitor(self, p->deputy) != WEFT_OK)
            return WEFT_ENOMEM;
        return ask_to_begin(self, msg, p);
    }
    atomic_fetch_add_explicit(&p->users, 1, memory_order_relaxed);
    return weft_when(msg, weft_spawn_on(self, p->reactor, &deputy_behaviour, p), on_deputy);
}

static weft_err on_news(weft_actor *self, weft_msg *msg)
{
    const deputy_news *news = weft_body(msg);
    if (news->life != posting_of(self)->life)
        return WEFT_OK;
    return weft_stop_because(self, news->reason, "%s", news->why);
}

/* The deputy has ended: the next life makes another. ENOMEM may also say that there was no memory there to
 * watch it: then it is still known, and the next life sees whether it is there. */
static weft_err on_deputy_down(weft_actor *self, weft_msg *msg)
{
    wf_posting *p = posting_of(self);
    const weft_down *down = weft_body(msg);
    if (down->reason != WEFT_ENOMEM)
        p->deputy = p->child = WEFT_NOBODY;
    if (p->over)
        return weft_stop(self, WEFT_OK);
    return weft_stop_because(self, down->reason != WEFT_OK ? down->reason : WEFT_EGONE, "%s",
                             down->why);
}

static weft_err on_halted(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_stopping *stopping = weft_body(msg);
    (void)got;
    return weft_stop(self, stopping->reason);
}

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    const wf_posting *p = posting_of(self);
    const weft_stopping *stopping = weft_body(msg);
    if (weft_ref_is_nobody(p->deputy))
        return weft_stop(self, stopping->reason);
    if (p->over && weft_stop_ref(self, p->deputy, stopping->reason) != WEFT_ENOMEM)
        return WEFT_OK; /* until it is down */
    return weft_when(
        msg,
        weft_ask_within(self, p->deputy, WEFT_NO_LIMIT, deputy_halt, .reason = stopping->reason),
        on_halted);
}

static const weft_handler keeper_rows[] = {
    {.type = &weft_started_type, .fn = on_keeper_started},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {.type = &weft_down_type, .fn = on_deputy_down},
    {.type = &deputy_news_type, .fn = on_news},
    {0},
};
const weft_behaviour wf_post_keeper_behaviour = {.name = "posting", .handlers = keeper_rows};
