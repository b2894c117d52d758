/* SPDX-License-Identifier: MIT */
/* The leaf that meters: it lets bytes pass as they are earned, and remembers when some did.
 *
 * A direction that has to wait is not watched, so that what comes stays in the kernel, where the peer's
 * TCP sees it; an alarm ends the wait. Time limits cost a number a read or write and one alarm, which goes
 * off when the limit would have passed and is then set anew for what is left. */
#include "meter.h"

#include <stdio.h>
#include <string.h>

#include <weft/timer.h>

enum { READING, WRITING, WAYS };
enum { NS_OF_MS = 1000000, PACE_MS_MAX = 60000 };
enum { LIMIT_OWN, LIMIT_ALL, LIMITS };

static const unsigned event_of[WAYS] = {WEFT_READABLE, WEFT_WRITABLE};

/* What was drawn from a bucket and not used. */
typedef struct drawn {
    wf_bucket *bucket; /* NULL: this is not limited */
    uint32_t bytes;
    uint64_t earned_ns;
} drawn;

typedef struct wf_meter {
    conn *owner;
    const conn_leaf *inner;
    wf_meter_plan *plan;
    uint32_t began_ms, moved_ms;
    unsigned want; /* by the stream, whether it may be now or not */
    drawn drawn[WAYS][LIMITS];
    wf_bucket own[WAYS];
    weft_alarm pace;  /* the first way that waits may go on */
    weft_alarm limit; /* idle or lifetime, whichever would be first */
} wf_meter;

static const conn_leaf meter_leaf;

static wf_meter *meter_of(const conn *c)
{
    return c->rare->meter;
}

const conn_leaf *wf_meter_inner(const conn *c)
{
    return c->leaf == &meter_leaf ? meter_of(c)->inner : c->leaf;
}

void wf_meter_set_inner(conn *c, const conn_leaf *leaf)
{
    *(c->leaf == &meter_leaf ? &meter_of(c)->inner : &c->leaf) = leaf;
}

/* ---- how fast */

/* When what was drawn for @way is earned: 0: it is, or nothing was drawn. */
static uint64_t waits_until(const wf_meter *m, int way, uint64_t now_ns)
{
    uint64_t until = 0;
    for (int i = 0; i < LIMITS; i++) {
        const drawn *d = &m->drawn[way][i];
        if (d->bytes != 0 && d->earned_ns > now_ns && d->earned_ns > until)
            until = d->earned_ns;
    }
    return until;
}

static bool is_limited(const wf_meter *m, int way)
{
    return m->drawn[way][LIMIT_OWN].bucket != NULL || m->drawn[way][LIMIT_ALL].bucket != NULL;
}

static void on_pace(weft_alarm *alarm);

/* Has the leaf watch for what is wanted and need not wait. */
static void watch(wf_meter *m)
{
    uint64_t now_ns = weft_clock_ns(), first = UINT64_MAX;
    unsigned events = m->want;
    for (int way = 0; way < WAYS; way++) {
        uint64_t until = (events & event_of[way]) != 0 ? waits_until(m, way, now_ns) : 0;
        if (until == 0)
            continue;
        events &= ~event_of[way];
        first = until < first ? until : first;
    }
    m->inner->want(m->owner, events);
    if (first == UINT64_MAX) {
        weft_alarm_clear(&m->pace);
        return;
    }
    uint64_t ms = (first - now_ns + NS_OF_MS - 1) / NS_OF_MS;
    weft_alarm_set(&m->pace, ms < PACE_MS_MAX ? (uint32_t)ms : PACE_MS_MAX, on_pace);
}

static void on_pace(weft_alarm *alarm)
{
    watch((wf_meter *)(void *)((char *)alarm - offsetof(wf_meter, pace)));
}

/* How many bytes may go now; draws where nothing is left of what was drawn. 0: it has to wait, and does. */
static size_t allowance(wf_meter *m, int way)
{
    size_t most = SIZE_MAX;
    if (!is_limited(m, way))
        return most;
    uint64_t now_ns = weft_clock_ns();
    for (int i = 0; i < LIMITS; i++) {
        drawn *d = &m->drawn[way][i];
        if (d->bucket == NULL)
            continue;
        if (d->bytes == 0) {
            d->bytes = d->bucket->share;
            d->earned_ns = wf_bucket_draw(d->bucket, d->bytes, now_ns);
        }
        most = d->bytes < most ? d->bytes : most;
    }
    if (waits_until(m, way, now_ns) == 0)
        return most;
    watch(m);
    return 0;
}

static void spend(wf_meter *m, int way, size_t bytes)
{
    m->moved_ms = weft_now_ms(conn_actor(m->owner));
    for (int i = 0; i < LIMITS; i++) {
        drawn *d = &m->drawn[way][i];
        if (d->bucket == NULL)
            continue;
        /* a leaf that knows no limit may have read more: that is earned first the next time */
        if (bytes > d->bytes)
            (void)wf_bucket_draw(d->bucket, bytes - d->bytes, weft_clock_ns());
        d->bytes = bytes < d->bytes ? d->bytes - (uint32_t)bytes : 0;
    }
}

/* ---- the leaf */

static weft_err meter_read(conn *c, weft_bytes *out, weft_why *why)
{
    wf_meter *m = meter_of(c);
    size_t most = allowance(m, READING);
    if (most == 0)
        return WEFT_EFULL;
    c->rare->read_bytes_max = most < WEFT_READ_BYTES_MAX ? (uint32_t)most : WEFT_READ_BYTES_MAX;
    weft_err err = m->inner->read(c, out, why);
    if (err == WEFT_OK)
        spend(m, READING, out->size);
    return err;
}

/* The items that are @most bytes together; the last of them may be a part, unless it is a record, which goes
 * whole: what it has too much is earned later (spend). */
static unsigned cut(const conn_item *items, unsigned n, size_t most, conn_item *out)
{
    unsigned k = 0;
    for (; k < n && k < CONN_WRITE_ITEMS && most != 0; k++) {
        out[k] = items[k];
        if (out[k].bytes.size > most && conn_record_type(&items[k]) == 0)
            out[k].bytes.size = most;
        most -= out[k].bytes.size < most ? out[k].bytes.size : most;
    }
    return k;
}

static size_t size_of(const conn_item *items, unsigned n)
{
    size_t total = 0;
    for (unsigned i = 0; i < n; i++)
        total += items[i].bytes.size;
    return total;
}

static weft_err meter_write(conn *c, const conn_item *items, unsigned n, size_t *sent,
                            weft_why *why)
{
    wf_meter *m = meter_of(c);
    conn_item some[CONN_WRITE_ITEMS];
    size_t most = allowance(m, WRITING);
    if (most == 0)
        return WEFT_EFULL;
    if (is_limited(m, WRITING)) {
        bool all = n <= CONN_WRITE_ITEMS && size_of(items, n) <= most;
        n = cut(items, n, most, some);
        weft_err err = m->inner->write(c, some, n, sent, why);
        if (*sent != 0)
            spend(m, WRITING, *sent);
        return err == WEFT_OK && !all ? WEFT_EFULL : err;
    }
    weft_err err = m->inner->write(c, items, n, sent, why);
    if (*sent != 0)
        spend(m, WRITING, *sent);
    return err;
}

static void meter_want(conn *c, unsigned events)
{
    wf_meter *m = meter_of(c);
    m->want = events;
    if (is_limited(m, READING) || is_limited(m, WRITING))
        watch(m);
    else
        m->inner->want(c, events);
}

static void meter_end(conn *c)
{
    meter_of(c)->inner->end(c);
}

static void meter_close(conn *c, bool abort)
{
    wf_meter *m = meter_of(c);
    weft_alarm_clear(&m->pace);
    weft_alarm_clear(&m->limit);
    c->leaf = m->inner;
    c->rare->meter = NULL;
    wf_meter_plan_drop(m->plan);
    weft_alloc_free(m);
    c->leaf->close(c, abort);
}

static void meter_addresses(conn *c, weft_address *local, weft_address *peer)
{
    meter_of(c)->inner->addresses(c, local, peer);
}

static weft_err meter_nodelay(conn *c, bool on)
{
    return meter_of(c)->inner->nodelay(c, on);
}

static bool meter_unread(conn *c)
{
    const conn_leaf *inner = meter_of(c)->inner;
    return inner->unread != NULL && inner->unread(c);
}

static const conn_leaf meter_leaf = {
    .name = "meter",
    .read = meter_read,
    .write = meter_write,
    .want = meter_want,
    .end = meter_end,
    .close = meter_close,
    .addresses = meter_addresses,
    .nodelay = meter_nodelay,
    .unread = meter_unread,
};

/* ---- how long */

static void on_limit(weft_alarm *alarm);

/* What is left of a limit of @limit_ms that began @since_ms ago; UINT32_MAX: there is none. */
static uint32_t left_of(uint32_t limit_ms, uint32_t since_ms)
{
    if (limit_ms == 0)
        return UINT32_MAX;
    return since_ms < limit_ms ? limit_ms - since_ms : 0;
}

static void out_of_time(conn *c, const char *what, uint32_t ms)
{
    char why[sizeof c->rare->why];
    (void)snprintf(why, sizeof why, "%s %u.%03u s", what, ms / 1000, ms % 1000);
    wf_conn_broken(c, WEFT_ETIMEDOUT, why);
}

static void limit_time(wf_meter *m)
{
    const wf_meter_plan *plan = m->plan;
    uint32_t now = weft_now_ms(conn_actor(m->owner));
    uint32_t idle = left_of(plan->idle_ms, now - m->moved_ms);
    uint32_t life = left_of(plan->lifetime_ms, now - m->began_ms);
    if (life == 0)
        out_of_time(m->owner, "it has been open for its lifetime of", plan->lifetime_ms);
    else if (idle == 0)
        out_of_time(m->owner, "nothing came or went for", plan->idle_ms);
    else if (idle != UINT32_MAX || life != UINT32_MAX)
        weft_alarm_set(&m->limit, idle < life ? idle : life, on_limit);
}

static void on_limit(weft_alarm *alarm)
{
    limit_time((wf_meter *)(void *)((char *)alarm - offsetof(wf_meter, limit)));
}

/* ---- put around a leaf */

static void set_limits(wf_meter *m)
{
    wf_meter_plan *plan = m->plan;
    for (int way = 0; way < WAYS; way++) {
        wf_bucket_init(&m->own[way], plan->rate[way], plan->burst);
        if (plan->rate[way] != 0)
            m->drawn[way][LIMIT_OWN].bucket = &m->own[way];
        if (plan->all[way].rate != 0)
            m->drawn[way][LIMIT_ALL].bucket = &plan->all[way];
    }
}

weft_err wf_meter_put(conn *c, wf_meter_plan *plan)
{
    conn_rare *rare = wf_conn_rare_of(c);
    wf_meter *m = rare != NULL ? weft_alloc_zero(sizeof *m) : NULL;
    if (m == NULL)
        return WEFT_ENOMEM;
    atomic_fetch_add_explicit(&plan->users, 1, memory_order_relaxed);
    m->owner = c;
    m->inner = c->leaf;
    m->plan = plan;
    m->began_ms = m->moved_ms = weft_now_ms(conn_actor(c));
    set_limits(m);
    rare->meter = m;
    c->leaf = &meter_leaf;
    limit_time(m);
    return WEFT_OK;
}
