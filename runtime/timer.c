/* SPDX-License-Identifier: MIT */
/* Timers of actors. */
#include "timer.h"

#include "ask.h"
#include "mailbox.h"
#include "put.h"
#include "sys.h"

static void start(wf_reactor *r, wf_cell *cell, uint32_t ms, wf_fire_fn *fire)
{
    if (ms > WEFT_TIMER_MS_MAX)
        ms = WEFT_TIMER_MS_MAX;
    wf_timer_start(&r->wheel, &cell->timer, ms, fire);
}

/* Where a timer's message is. WITHDRAWN: in the mailbox, but not to be served, since the timer was reset. */
enum { AT_HOME, QUEUED, WITHDRAWN, SERVED };

/* cell->target_slot holds what weft_skipped shows while the tick is served. */
static void tick(wf_timer *timer)
{
    wf_reactor *r = WF_R;
    wf_cell *cell = (wf_cell *)timer;
    weft_msg *m = cell->tick;
    if (cell->period != 0)
        wf_timer_arm(&r->wheel, timer, cell->period, tick);
    if (cell->state == WITHDRAWN) {
        cell->state = QUEUED;
        return;
    }
    if (m == NULL) {
        cell->skipped++;
        return;
    }
    cell->state = QUEUED;
    cell->tick = NULL;
    cell->target_slot = cell->skipped;
    cell->skipped = 0;
    weft_actor *a = r->slots[timer->spare].actor;
    wf_deliver(r, a, m);
}

weft_timer weft_timer_start(weft_actor *self, uint32_t delay_ms, uint32_t period_ms,
                            const weft_type *type, const void *body)
{
    wf_reactor *r = WF_R;
    weft_msg *m = wf_msg_of_word(r, type, body, WF_UNCOUNTED | WF_TIMER);
    uint64_t id;
    if (period_ms > WEFT_TIMER_MS_MAX)
        period_ms = WEFT_TIMER_MS_MAX;
    if (m == NULL &&
        wf_msg_new(r, NULL, type, body, 0, WF_UNCOUNTED | WF_TIMER, &m, NULL) != WEFT_OK)
        return (weft_timer){0, 0};
    wf_cell *cell = wf_cell_new(r, self, WF_CELL_TIMER, &id);
    if (cell == NULL) {
        wf_msg_free(r, m);
        return (weft_timer){0, 0};
    }
    m->request = id;
    m->deadline = 0;
    m->trace = 0;
    cell->tick = m;
    cell->state = AT_HOME;
    cell->period = period_ms;
    cell->skipped = 0;
    cell->target_slot = 0;
    WF_STAT_ADD(r->stat.timers, 1);
    start(r, cell, delay_ms, tick);
    return (weft_timer){(uint32_t)id, (uint32_t)(id >> 32)};
}

static inline void timer_end(wf_reactor *r, wf_cell *cell, uint32_t i)
{
    weft_msg *m = cell->tick;
    if (m != NULL && (m->flags & WF_PLAIN) != 0)
        wf_block_free(r, m);
    else if (m != NULL)
        wf_msg_free(r, m);
    WF_STAT_SUB(r->stat.timers, 1);
    wf_cell_free_at(r, i);
}

void wf_timer_end(wf_reactor *r, wf_cell *cell)
{
    timer_end(r, cell, wf_cell_index(r, cell));
}

bool wf_tick_begins(wf_reactor *r, weft_msg *m)
{
    wf_cell *cell = wf_cell_at(r, m->request);
    if (cell == NULL) {
        wf_msg_free(r, m);
        return false;
    }
    if (cell->state == WITHDRAWN) {
        cell->state = AT_HOME;
        cell->tick = m;
        return false;
    }
    cell->state = SERVED;
    if (cell->period == 0)
        wf_timer_end(r, cell);
    return true;
}

void wf_tick_done(wf_reactor *r, weft_msg *m)
{
    wf_cell *cell = wf_cell_at(r, m->request);
    if (cell == NULL) {
        wf_msg_free(r, m);
        return;
    }
    m->flags = WF_UNCOUNTED | WF_TIMER;
    m->deadline = 0;
    m->trace = 0;
    cell->state = AT_HOME;
    cell->tick = m;
}

static wf_cell *cell_of(weft_actor *self, weft_timer timer)
{
    wf_cell *cell = wf_cell_at(WF_R, (uint64_t)timer.gen << 32 | timer.slot);
    if (cell == NULL || cell->kind != WF_CELL_TIMER || cell->timer.spare != WF_STAT_GET(self->slot))
        return NULL;
    return cell;
}

void weft_timer_cancel(weft_actor *self, weft_timer *timer)
{
    wf_cell *cell = cell_of(self, *timer);
    uint32_t i = timer->slot;
    *timer = (weft_timer){0, 0};
    if (cell != NULL)
        timer_end(WF_R, cell, i);
}

weft_err weft_timer_reset(weft_actor *self, weft_timer timer, uint32_t delay_ms)
{
    wf_cell *cell = cell_of(self, timer);
    if (cell == NULL)
        return WEFT_EGONE;
    if (cell->state == QUEUED)
        cell->state = WITHDRAWN;
    wf_timer_cancel(&WF_R->wheel, &cell->timer);
    start(WF_R, cell, delay_ms, tick);
    return WEFT_OK;
}

uint64_t weft_skipped(const weft_msg *msg)
{
    const wf_cell *cell = (msg->flags & WF_TIMER) != 0 ? wf_cell_at(WF_R, msg->request) : NULL;
    return cell != NULL ? cell->target_slot : 0;
}

uint32_t weft_now_ms(const weft_actor *self)
{
    (void)self;
    return WF_R->wheel.now;
}

uint64_t weft_wall_ns(const weft_actor *self)
{
    wf_reactor *r = WF_R;
    (void)self;
    /* read once a tick: a date or a log line needs no more */
    if (r->wall_tick != r->wheel.now) {
        r->wall_tick = r->wheel.now;
        r->wall_ns = r->drv->wall_ns(r->driver);
    }
    return r->wall_ns;
}

void weft_random(weft_actor *self, void *to, size_t bytes)
{
    (void)self;
    WF_R->drv->random(WF_R->driver, to, bytes);
}
