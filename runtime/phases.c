/* SPDX-License-Identifier: MIT */
/* The phases of a system.
 *
 *   bind ──▶ start ──▶ running ── shut-down asked ──▶ close ──▶ drain ──▶ end ──▶ actors stop ──▶ over
 *     └── one fails ────────────────────────────────────▲
 *
 * Each arrow is taken when everyone asked in that phase has answered; in shut-down also when
 * stop_grace_ms are over. */
#include "phases.h"

#include "alloc.h"
#include "ask.h"
#include "family.h"
#include "log.h"
#include "mailbox.h"
#include "operate.h"
#include "pool.h"
#include "reactor.h"
#include "sys.h"

enum { PHASE_ASKED_MAX = 4096, LAST_GRACE_MS = 1000, RETRY_MS = 10 };

typedef struct list {
    weft_ref *who;
    uint32_t n, room;
} list;

struct wf_phases {
    list phase[WEFT_PHASE_COUNT_];
    weft_ref coordinator;
};

/* The coordinator's state. */
typedef struct coordinator {
    weft_alarm retry; /* memory was out for the next phase */
    weft_phase now, next;
    uint32_t open;  /* answers outstanding */
    uint32_t until; /* the tick shut-down must be over by; 0: not shutting down */
    weft_err reason;
    uint32_t cut;
} coordinator;

typedef struct phase_go {
    weft_phase phase;
} phase_go;
typedef struct shutdown_asked {
    weft_err reason;
} shutdown_asked;

static const weft_type phase_go_type = WEFT_TYPE("weft.phase_go", phase_go, NULL);
static const weft_type shutdown_asked_type = WEFT_TYPE("weft.shutdown", shutdown_asked, NULL);
const weft_type weft_phase_done_type = WEFT_TYPE("weft.phase_done", weft_phase_done, NULL);

/* An actor without a row for a phase it was registered for has nothing to wait for. */
static weft_err phase_ignored(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, weft_phase_done, .cut = 0);
}

const weft_type weft_phase_begins_type = {.name = "weft.phase_begins",
                                          .size = sizeof(weft_phase_begins),
                                          .reply = &weft_phase_done_type,
                                          .otherwise = phase_ignored};

static const char *const phase_names[] = {"bind", "start", "close", "drain", "end"};

/* Every reactor ends its actors, this one last, so that replies still find their way. */
static void end_system(weft_actor *self, const coordinator *c)
{
    wf_reactor *r = WF_R;
    int32_t left = (int32_t)(c->until - r->wheel.now);
    uint32_t grace = left > LAST_GRACE_MS ? (uint32_t)left : LAST_GRACE_MS;
    if (c->cut != 0)
        weft_log(self, WEFT_WARNING, "shut-down cut off %u pieces of accepted work", c->cut);
    r->sys->reason = c->reason;
    wf_pool_close(r->sys);
    for (unsigned i = wf_threads(r->sys); i-- > 0;) {
        WF_STAT_SET(r->sys->reactor[i]->end_grace_ms, grace);
        wf_reactor_nudge(r->sys->reactor[i]);
    }
}

static uint32_t grace_left(const coordinator *c, const wf_reactor *r)
{
    int32_t left = (int32_t)(c->until - r->wheel.now);
    return left > 0 ? (uint32_t)left : 1;
}

static void begin_phase(weft_actor *self, void *context);

static void begin_again(weft_alarm *alarm)
{
    coordinator *c = (coordinator *)(void *)alarm;
    weft_enter(weft_actor_of_state(c), begin_phase, c);
}

/* A phase is a message that is served until everyone has answered. What memory has no room for is tried
 * again: a system that cannot be shut down is worse than one that has no memory. */
static void begin_phase(weft_actor *self, void *context)
{
    coordinator *c = context;
    if (weft_tell(self, weft_self(self), phase_go, .phase = c->next) != WEFT_OK)
        weft_alarm_set(&c->retry, RETRY_MS, begin_again);
}

static weft_err next_phase(weft_actor *self, coordinator *c)
{
    if (c->now == WEFT_PHASE_START)
        return WEFT_OK; /* up; the rest waits for shut-down */
    if (c->now == WEFT_PHASE_END) {
        end_system(self, c);
        return WEFT_OK;
    }
    c->next = (weft_phase)(c->now + 1);
    begin_phase(self, c);
    return WEFT_OK;
}

static weft_err begin_shutdown(weft_actor *self, coordinator *c, weft_err reason)
{
    if (c->until != 0)
        return WEFT_OK;
    c->until = WF_R->wheel.now + WF_R->sys->options.stop_grace_ms;
    c->until += c->until == 0;
    /* for who is asked to end from now on: told in messages, which order it */
    atomic_store_explicit(&WF_R->sys->stop_until, c->until, memory_order_relaxed);
    c->reason = reason;
    c->next = WEFT_PHASE_CLOSE;
    begin_phase(self, c);
    return WEFT_OK;
}

static weft_err on_phase_done(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    coordinator *c = weft_state(self);
    const phase_go *go = weft_body(msg);
    if (got->err == WEFT_OK)
        c->cut += ((const weft_phase_done *)got->body)->cut;
    else if (got->err != WEFT_EGONE) {
        weft_log(self, WEFT_ERROR, "phase %s failed: %s", phase_names[go->phase], got->why);
        if (go->phase <= WEFT_PHASE_START)
            (void)begin_shutdown(self, c, got->err);
        else
            c->cut++;
    }
    /* what is left of a start-up that a shut-down overtook does not count */
    if (go->phase != c->now || --c->open != 0)
        return WEFT_OK;
    if (c->until != 0 && c->now < WEFT_PHASE_CLOSE)
        return WEFT_OK;
    return next_phase(self, c);
}

static weft_err on_go(weft_actor *self, weft_msg *msg)
{
    coordinator *c = weft_state(self);
    const phase_go *go = weft_body(msg);
    const list *l = &WF_R->sys->phases->phase[go->phase];
    if (c->until != 0 && go->phase < WEFT_PHASE_CLOSE)
        return WEFT_OK;
    c->now = go->phase;
    c->open = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        if (go->phase >=
            WEFT_PHASE_CLOSE) /* it may be suspended: an end does not wait for an operator */
            (void)!weft_resume(self, l->who[i]);
        uint32_t grace = c->until != 0 ? grace_left(c, WF_R) : WF_R->sys->options.ask_limit_ms;
        weft_err err = weft_when(msg,
                                 weft_ask_within(self, l->who[i], grace, weft_phase_begins,
                                                 .phase = go->phase, .grace_ms = grace),
                                 on_phase_done);
        if (err == WEFT_OK)
            c->open++;
    }
    return c->open != 0 ? WEFT_OK : next_phase(self, c);
}

static weft_err on_shutdown(weft_actor *self, weft_msg *msg)
{
    const shutdown_asked *asked = weft_body(msg);
    return begin_shutdown(self, weft_state(self), asked->reason);
}

static const weft_handler handlers[] = {
    {.type = &phase_go_type, .fn = on_go},
    {.type = &shutdown_asked_type, .fn = on_shutdown},
    {0},
};

static void coordinator_ended(weft_actor *self, weft_err reason)
{
    coordinator *c = weft_state(self);
    (void)reason;
    weft_alarm_clear(&c->retry);
}

static const weft_behaviour coordinator_behaviour = {.name = "weft.system",
                                                     .handlers = handlers,
                                                     .state_bytes = sizeof(coordinator),
                                                     .ended = coordinator_ended};

weft_err wf_phases_init(weft_system *sys, weft_why *why)
{
    sys->phases = wf_alloc_zero(sizeof *sys->phases);
    if (sys->phases == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the phases of the system");
    weft_actor *a = wf_spawn(sys->reactor[0], NULL, &coordinator_behaviour, NULL, why);
    if (a == NULL)
        return WEFT_ENOMEM;
    sys->phases->coordinator = wf_ref_of(sys->reactor[0], a);
    return WEFT_OK;
}

void wf_phases_free(weft_system *sys)
{
    if (sys->phases == NULL)
        return;
    for (unsigned i = 0; i < WEFT_PHASE_COUNT_; i++)
        wf_free(sys->phases->phase[i].who);
    wf_free(sys->phases);
}

weft_err weft_on_phase(weft_system *sys, weft_phase phase, weft_ref who)
{
    list *l = &sys->phases->phase[phase];
    if (l->n == PHASE_ASKED_MAX)
        return WEFT_ELIMIT;
    if (l->n == l->room) {
        uint32_t room = l->room != 0 ? 2 * l->room : 16;
        weft_ref *who_new = wf_realloc(l->who, room * sizeof *l->who);
        if (who_new == NULL)
            return WEFT_ENOMEM;
        l->who = who_new;
        l->room = room;
    }
    l->who[l->n++] = who;
    return WEFT_OK;
}

bool wf_phases_is_coordinator(const weft_system *sys, weft_ref ref)
{
    return sys->phases != NULL && weft_ref_same(ref, sys->phases->coordinator);
}

weft_err wf_phases_begin(weft_system *sys)
{
    return weft_system_tell(sys, sys->phases->coordinator, &phase_go_type,
                            &(phase_go){.phase = WEFT_PHASE_BIND});
}

void weft_system_shutdown(weft_system *sys, weft_err reason)
{
    int none = 0;
    /* the first reason stands; without memory and without locks, since a signal handler may be here */
    (void)atomic_compare_exchange_strong_explicit(&sys->stopping, &none, 1 + (int)reason,
                                                  memory_order_relaxed, memory_order_relaxed);
    wf_reactor_nudge(sys->reactor[0]);
}

static void shut_down(weft_actor *self, void *context)
{
    const weft_system *sys = context;
    (void)begin_shutdown(self, weft_state(self), (weft_err)(WF_STAT_GET(sys->stopping) - 1));
}

void wf_phases_look(weft_system *sys)
{
    wf_reactor *r = sys->reactor[0];
    weft_ref ref = sys->phases->coordinator;
    weft_actor *a = wf_actor_at(r, ref.slot, ref.gen);
    if (a != NULL && WF_STAT_GET(sys->stopping) != 0)
        weft_enter(a, shut_down, sys);
}

void weft_system_stop(weft_actor *self, weft_err reason)
{
    weft_system *sys = WF_R->sys;
    if (weft_tell(self, sys->phases->coordinator, shutdown_asked, .reason = reason) != WEFT_OK)
        weft_system_shutdown(sys, reason);
}
