/* SPDX-License-Identifier: MIT */
/* The steps of a simulation. One step is the smallest thing that may come between two others: a
 * message served, an inbox taken, a batch handed over, output flushed, an arrival let through. */
#include "alloc.h"
#include "block.h"
#include "family.h"
#include "mailbox.h"
#include "post.h"
#include "reactor.h"
#include "sim.h"

enum {
    ROTATE_MAX = 16, /* how far from the front of the run queue the next actor may stand */
    BUDGET_MAX = 16, /* messages of one turn, when more than one is served */
    FAIL_WITHIN = 8, /* a failing memory fails one of the next takings */
    MILLION = 1000000,
};

/* What a reactor may do now, as bits. */
enum {
    WORK_ARRIVAL = 1,
    WORK_INBOX = 2,
    WORK_TURN = 4,
    WORK_HOOK = 8,
    WORK_HAND_OVER = 16,
    WORK_NUDGE = 32,
    WORK_CLOCK = 64,
};

static unsigned work_of(const weft_sim *sim, wf_reactor *r)
{
    unsigned work = sim->due[r->index].n != 0 ? WORK_ARRIVAL : 0;
    if (WF_STAT_GET(r->stop))
        return work;
    /* whoever comes out of its sleep looks at the clock before anything else */
    if (wf_tick(sim->sys) != r->wheel.now)
        return WORK_CLOCK;
    if (atomic_load_explicit(&r->inbox, memory_order_relaxed) != NULL)
        work |= WORK_INBOX;
    if (wf_reactor_ready(r))
        work |= WORK_TURN;
    if (r->hooks != NULL)
        work |= WORK_HOOK;
    if (r->out_any)
        work |= WORK_HAND_OVER;
    if (WF_STAT_GET(r->nudged))
        work |= WORK_NUDGE;
    return work;
}

/* One of the bits of @work. */
static unsigned choose(weft_sim *sim, unsigned work)
{
    uint32_t skip = wf_random_below(&sim->root->choice, (uint32_t)__builtin_popcount(work));
    for (; skip != 0; skip--)
        work &= work - 1;
    return work & -work;
}

/* Another actor than the first may be next: it and those before it go to the end. What one actor
 * tells another keeps its order, since mailboxes do. */
static void rotate(weft_sim *sim, wf_reactor *r)
{
    unsigned n = 0;
    for (const weft_actor *a = r->ready; a != NULL && n < ROTATE_MAX; a = a->next_ready)
        n++;
    if (n < 2)
        return;
    weft_actor *a;
    for (unsigned k = wf_random_below(&sim->root->choice, n); k != 0 && (a = r->ready) != NULL;
         k--) {
        r->ready = a->next_ready;
        a->next_ready = NULL;
        *r->ready_tail = a;
        r->ready_tail = &a->next_ready;
    }
}

static void note_turn(weft_sim *sim, const wf_reactor *r, const weft_actor *a, const weft_msg *m,
                      uint32_t budget)
{
    char who[WEFT_REF_TEXT_BYTES];
    if (m == NULL)
        wf_sim_note(sim, "r%u %s %s: a turn without mail", r->index,
                    weft_ref_print(wf_ref_of(r, a), who), WF_STAT_GET(a->program)->behaviour->name);
    for (; m != NULL && budget != 0; m = m->next, budget--)
        wf_sim_note_message(sim, r, a, m);
}

/* Often one message, so that what other reactors do comes between any two; sometimes more, as in a
 * turn of the real loop. */
static void turn(weft_sim *sim, wf_reactor *r)
{
    uint32_t budget = 1;
    if (wf_random_below(&sim->root->choice, 4) == 0)
        budget += wf_random_below(&sim->root->choice, BUDGET_MAX);
    if (r->rest_actor != NULL) {
        note_turn(sim, r, r->rest_actor, r->rest, budget);
        (void)wf_turn_rest(r, budget);
        return;
    }
    rotate(sim, r);
    weft_actor *a = wf_next_ready(r);
    if (a == NULL)
        return;
    note_turn(sim, r, a, a->head, budget);
    WF_STAT_ADD(r->stat.turns, 1);
    (void)wf_turn(r, a, budget);
}

static void work(weft_sim *sim, wf_reactor *r, unsigned what)
{
    switch (what) {
    case WORK_CLOCK:
        wf_reactor_poll(r, 0);
        break;
    case WORK_ARRIVAL:
        wf_sim_arrive(sim, r->index);
        break;
    case WORK_INBOX:
        wf_sim_note(sim, "r%u takes its inbox", r->index);
        (void)wf_take_inbox(r);
        break;
    case WORK_HOOK:
        wf_sim_note(sim, "r%u flushes", r->index);
        wf_reactor_hook(r);
        break;
    case WORK_NUDGE:
        wf_sim_note(sim, "r%u is nudged", r->index);
        break; /* it looks after each step */
    case WORK_HAND_OVER:
        wf_sim_note(sim, "r%u hands over", r->index);
        wf_hand_over_all(r);
        break;
    default:
        turn(sim, r);
    }
}

/* Whether the taking that a test asked to fail was met. */
static void work_counting(weft_sim *sim, wf_reactor *r, unsigned what)
{
    long taken = wf_alloc_count(), failed = wf_alloc_failed();
    wf_alloc_fail_after((long)sim->fail_in - 1);
    work(sim, r, what);
    wf_alloc_fail_after(-1);
    if (wf_alloc_failed() == failed) {
        sim->fail_in -= (uint64_t)(wf_alloc_count() - taken);
        return;
    }
    sim->fail_in = 0;
    sim->allocation_failed = true;
    wf_sim_note(sim, "fault: memory was out, as asked for");
}

/* Draws whether memory is out during this step. */
static void work_with_faults(weft_sim *sim, wf_reactor *r, unsigned what)
{
    if (sim->fail_in != 0) {
        work_counting(sim, r, what);
        return;
    }
    if (sim->faults.allocation == 0 ||
        wf_random_below(&sim->faulted, MILLION) >= sim->faults.allocation) {
        work(sim, r, what);
        return;
    }
    long failed = wf_alloc_failed();
    wf_alloc_fail_after((long)wf_random_below(&sim->faulted, FAIL_WITHIN));
    work(sim, r, what);
    wf_alloc_fail_after(-1);
    if (wf_alloc_failed() != failed)
        wf_sim_note(sim, "fault: memory was out");
}

/* The reactor whose step is next, of any member; NULL: nobody has anything to do. */
static wf_reactor *choose_reactor(weft_sim *root)
{
    uint32_t n = 0;
    for (weft_sim *sim = root; sim != NULL; sim = sim->next)
        for (unsigned i = 0; i < wf_threads(sim->sys); i++)
            n += work_of(sim, sim->sys->reactor[i]) != 0;
    if (n == 0)
        return NULL;
    uint32_t skip = wf_random_below(&root->choice, n);
    for (weft_sim *sim = root; sim != NULL; sim = sim->next)
        for (unsigned i = 0; i < wf_threads(sim->sys); i++)
            if (work_of(sim, sim->sys->reactor[i]) != 0 && skip-- == 0)
                return sim->sys->reactor[i];
    return NULL;
}

static void step(weft_sim *sim, wf_reactor *r)
{
    sim->root->steps++;
    WF_R = r;
    work_with_faults(sim, r, choose(sim, work_of(sim, r)));
    if (!WF_STAT_GET(r->stop) && wf_reactor_over(r)) {
        wf_sim_note(sim, "r%u is over", r->index);
        wf_reactor_leave(r);
    } else if (work_of(sim, r) == 0)
        wf_block_send_home(r);
}

static bool step_of_world(weft_sim *root)
{
    for (weft_sim *sim = root; sim != NULL; sim = sim->next) {
        if (sim->halted)
            return false;
        wf_sim_start(sim);
    }
    wf_sim_world_tick(root);
    for (weft_sim *sim = root; sim != NULL; sim = sim->next)
        wf_sim_plans_run(sim);
    for (weft_sim *sim = root; sim != NULL; sim = sim->next)
        wf_sim_start(sim); /* those that plans made */
    wf_reactor *r = choose_reactor(root);
    if (r == NULL) {
        for (weft_sim *sim = root; sim != NULL; sim = sim->next)
            wf_sim_check_rest(sim);
        return false;
    }
    step(r->sys->sim, r);
    wf_sim_check(r->sys->sim, r);
    if (root->steps == root->stop_at && !root->ending) {
        wf_sim_note(root, "stopped, as asked for");
        root->halted = true;
    }
    return true;
}

bool weft_sim_step(weft_sim *sim)
{
    bool more = step_of_world(sim->root);
    WF_R = sim->sys->reactor[0];
    return more;
}

static bool halted(const weft_sim *root)
{
    for (const weft_sim *sim = root; sim != NULL; sim = sim->next)
        if (sim->halted)
            return true;
    return false;
}

/* Who is in the middle of a turn comes to its end: it stands in no queue, and is not to be put into one. */
static void finish_turns(weft_sim *sim)
{
    for (unsigned k = 0; k < wf_threads(sim->sys); k++) {
        wf_reactor *r = sim->sys->reactor[k];
        WF_R = r;
        if (r->rest_actor != NULL)
            (void)wf_turn_rest(r, UINT32_MAX);
    }
}

void wf_sim_alone(weft_sim *sim)
{
    finish_turns(sim);
    for (uint32_t i = 0, left = 1; left != 0 && i < WF_SIM_STEPS_MAX; i++) {
        left = 0;
        for (unsigned k = 0; k < wf_threads(sim->sys); k++) {
            wf_reactor *r = sim->sys->reactor[k];
            WF_R = r;
            left += !wf_stop_all(r, WEFT_EABORTED, true);
            for (unsigned what;
                 (what = work_of(sim, r) & ~(unsigned)(WORK_HOOK | WORK_ARRIVAL)) != 0;)
                work(sim, r, what & -what);
        }
    }
    for (unsigned k = 0; k < wf_threads(sim->sys); k++) {
        WF_R = sim->sys->reactor[k];
        WF_STAT_SET(WF_R->stop, true);
        wf_reactor_leave(WF_R);
    }
}

bool weft_sim_run(weft_sim *sim)
{
    for (uint32_t i = 0; i < WF_SIM_STEPS_MAX; i++)
        if (!weft_sim_step(sim))
            return !halted(sim->root);
    wf_sim_note(sim, "still work after %d steps", WF_SIM_STEPS_MAX);
    return false;
}

uint64_t weft_sim_steps(const weft_sim *sim)
{
    return sim->root->steps;
}

bool weft_sim_run_to(weft_sim *sim, uint64_t step)
{
    while (sim->root->steps < step && !halted(sim->root))
        if (!weft_sim_step(sim) && !wf_sim_move(sim, UINT32_MAX))
            break;
    return sim->root->steps == step;
}
