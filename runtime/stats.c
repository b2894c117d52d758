/* SPDX-License-Identifier: MIT */
/* Accounting, read by any thread: memory of actors stays memory of actors, a generation looked at
 * before and after says whether what was read was one actor's. */
#include "buffer.h"
#include "operate.h"
#include "sys.h"

static const wf_reactor *reactor_at(const weft_system *sys, unsigned index)
{
    return index < wf_threads(sys) ? sys->reactor[index] : NULL;
}

bool weft_stats_reactor(const weft_system *sys, unsigned reactor, weft_reactor_stats *out)
{
    const wf_reactor *r = reactor_at(sys, reactor);
    if (r == NULL)
        return false;
    *out = (weft_reactor_stats){
        .messages = WF_STAT_GET(r->served),
        .turns = WF_STAT_GET(r->stat.turns),
        .polls = WF_STAT_GET(r->stat.polls),
        .sleeps = WF_STAT_GET(r->stat.sleeps),
        .wakes = WF_STAT_GET(r->stat.wakes),
        .refused = WF_STAT_GET(r->stat.refused),
        .dead_letters = WF_STAT_GET(r->stat.dead_letters),
        .late_replies = WF_STAT_GET(r->stat.late_replies),
        .unhandled = WF_STAT_GET(r->stat.unhandled),
        .hogs = WF_STAT_GET(r->stat.hogs),
        .restarts = WF_STAT_GET(r->stat.restarts),
        .conns_denied = WF_STAT_GET(r->stat.above[WEFT_COUNT_CONNS_DENIED]),
        .conns_crowded = WF_STAT_GET(r->stat.above[WEFT_COUNT_CONNS_CROWDED]),
        .actors = WF_STAT_GET(r->stat.actors),
        .timers = WF_STAT_GET(r->stat.timers),
        .asks = WF_STAT_GET(r->stat.asks),
        .fibers = WF_STAT_GET(r->stat.fibers),
        .block_bytes = WF_STAT_GET(r->stat.block_bytes),
        .buffer_bytes = WF_STAT_GET(r->stat.buffer_bytes),
    };
    return true;
}

/* Reads slot @slot of @r; false: nobody lives there, or somebody else moved in meanwhile. The address
 * sanitizer would call it a fault when one ends while its account is read: that memory stays memory of
 * actors, and what was read is thrown away. */
__attribute__((no_sanitize_address)) static bool read_actor(const wf_reactor *r, uint32_t slot,
                                                            weft_actor_stats *out)
{
    const wf_slot *s = &r->slots[slot];
    weft_actor *a = __atomic_load_n(&s->actor, __ATOMIC_ACQUIRE);
    uint32_t gen = __atomic_load_n(&s->gen, __ATOMIC_RELAXED);
    if (a == NULL || WF_STAT_GET(a->gen) != gen || WF_STAT_GET(a->slot) != slot)
        return false;
    const wf_program *program = WF_STAT_FOLLOW(a->program);
    if (program == NULL)
        return false;
    uint64_t mail = WF_STAT_GET(a->mail), handled = WF_STAT_GET(a->handled);
    uint32_t queued = (uint32_t)mail, parent = WF_STAT_GET(a->parent);
    uint64_t busy = WF_STAT_GET(r->busy[slot]);
    /* in this order: what came after the clock was read has waited for no time */
    uint32_t ready_at = WF_STAT_GET(a->ready_at);
    int32_t age_ms = (int32_t)(wf_tick(r->sys) - ready_at);
    *out = (weft_actor_stats){
        .ref = {.home = r->home, .slot = slot, .gen = gen},
        .parent = {.home = parent != 0 ? r->home : 0, .slot = parent},
        .behaviour = program->behaviour->name,
        .handlers = program->behaviour->handlers,
        .handled = handled & ~WF_HANDLED_SUSPENDED,
        .suspended = (handled & WF_HANDLED_SUSPENDED) != 0,
        .queued = queued,
        .queued_bytes = (uint32_t)(mail >> 32),
        .age_ms = queued != 0 && age_ms > 0 ? (uint32_t)age_ms : 0,
        .busy_us = busy >> 32 == gen ? (busy & UINT32_MAX) * 10000U : 0,
    };
    uint32_t account = program->behaviour->account;
    if (account != 0)
        out->held_bytes = WF_STAT_GET(((weft_account *)(void *)(a->state + account - 1))->held);
    if (parent != 0)
        out->parent.gen = __atomic_load_n(&r->slots[parent].gen, __ATOMIC_RELAXED);
    atomic_thread_fence(memory_order_acquire);
    return __atomic_load_n(&s->gen, __ATOMIC_RELAXED) == gen && WF_STAT_GET(a->slot) == slot;
}

bool weft_stats_actor(const weft_system *sys, weft_ref who, weft_actor_stats *out)
{
    if (weft_ref_kind_of(who) != WEFT_REF_ACTOR)
        return false;
    const wf_reactor *r = reactor_at(sys, wf_home_index(who.home));
    weft_actor_stats got;
    if (r == NULL || who.slot >= WF_SLOTS_MAX || !read_actor(r, who.slot, &got) ||
        got.ref.gen != who.gen)
        return false;
    *out = got;
    return true;
}

bool weft_stats_next(const weft_system *sys, unsigned reactor, uint32_t *cursor,
                     weft_actor_stats *out)
{
    const wf_reactor *r = reactor_at(sys, reactor);
    if (r == NULL)
        return false;
    uint32_t used = __atomic_load_n(&r->slots_used, __ATOMIC_RELAXED);
    while (*cursor < used) {
        *cursor += 1;
        if (read_actor(r, *cursor, out))
            return true;
    }
    return false;
}
