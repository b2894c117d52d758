/* SPDX-License-Identifier: MIT */
/* What comes from the simulated world: arrivals, each at its time and at its reactor. */
#include "log.h"
#include "sim.h"

typedef struct wf_sim_arrival arrival;

/* What a weft_arrival is inside. */
struct wf_sim_arrival {
    wf_timer timer; /* its spare: the reactor */
    arrival *next, *back;
    weft_arrival_fn *fn;
    uint32_t state;
};

enum { IDLE, UNDER_WAY, DUE };
enum { CHOICE_MAX = 16, MILLION = 1000000 };

_Static_assert(sizeof(arrival) <= sizeof(weft_arrival), "an arrival has room for what is kept");
_Static_assert(offsetof(arrival, timer) == 0, "a timer that fires is the arrival it belongs to");

static weft_sim *sim_here(void)
{
    return WF_R->sys->sim;
}

static void is_due(weft_sim *sim, arrival *a)
{
    wf_sim_due *due = &sim->due[a->timer.spare];
    a->state = DUE;
    a->next = NULL;
    a->back = due->last;
    if (due->last != NULL)
        due->last->next = a;
    else
        due->first = a;
    due->last = a;
    due->n++;
}

static void fire(wf_timer *timer)
{
    is_due(sim_here(), (arrival *)timer);
}

static void not_due(weft_sim *sim, arrival *a)
{
    wf_sim_due *due = &sim->due[a->timer.spare];
    if (a->back != NULL)
        a->back->next = a->next;
    else
        due->first = a->next;
    if (a->next != NULL)
        a->next->back = a->back;
    else
        due->last = a->back;
    due->n--;
}

/* One of the first that are due: what is due at one time has no order of its own. */
void wf_sim_arrive(weft_sim *sim, unsigned index)
{
    wf_sim_due *due = &sim->due[index];
    uint32_t n = due->n < CHOICE_MAX ? due->n : CHOICE_MAX;
    arrival *a = due->first;
    for (uint32_t k = wf_random_below(&sim->choice, n); k != 0; k--)
        a = a->next;
    not_due(sim, a);
    a->state = IDLE;
    sim->arrivals--;
    a->fn((weft_arrival *)(void *)a);
}

void wf_sim_world_tick(weft_sim *sim)
{
    WF_R = sim->sys->reactor[0];
    wf_wheel_run(&sim->under_way, wf_tick(sim->sys));
}

void wf_sim_world_init(weft_sim *sim)
{
    sim->under_way.now = wf_tick(sim->sys);
}

void wf_sim_world_done(weft_sim *sim)
{
    if (sim->wire != NULL)
        sim->wire_free(sim->wire);
    sim->wire = NULL;
}

/* ---- what edge actors use */

weft_sim *weft_sim_of(const weft_system *sys)
{
    return sys->sim;
}

void weft_arrive(weft_arrival *at, unsigned reactor, uint32_t delay_ms, weft_arrival_fn *fn)
{
    weft_sim *sim = sim_here();
    arrival *a = (arrival *)(void *)at;
    weft_arrive_cancel(at);
    sim->arrivals++;
    a->fn = fn;
    a->timer.spare = reactor;
    if (delay_ms == 0) {
        is_due(sim, a);
        return;
    }
    a->state = UNDER_WAY;
    wf_timer_arm(&sim->under_way, &a->timer, delay_ms, fire);
}

void weft_arrive_cancel(weft_arrival *at)
{
    weft_sim *sim = sim_here();
    arrival *a = (arrival *)(void *)at;
    if (a->state == IDLE)
        return;
    if (a->state == DUE)
        not_due(sim, a);
    else
        wf_timer_cancel(&sim->under_way, &a->timer);
    a->state = IDLE;
    sim->arrivals--;
}

uint32_t weft_arrive_wait_ms(const weft_arrival *at)
{
    const arrival *a = (const arrival *)(const void *)at;
    if (a->state == IDLE)
        return UINT32_MAX;
    return a->state == DUE ? 0 : a->timer.when - sim_here()->under_way.now;
}

uint32_t weft_sim_below(weft_sim *sim, uint32_t n)
{
    return wf_random_below(&sim->faulted, n);
}

bool weft_sim_chance(weft_sim *sim, uint32_t parts)
{
    /* a fault that is off draws nothing, so that it does not change what the others do */
    return parts != 0 && wf_random_below(&sim->faulted, MILLION) < parts;
}

const weft_sim_faults *weft_sim_faults_of(const weft_sim *sim)
{
    return &sim->faults;
}

void weft_sim_note(weft_sim *sim, const char *text)
{
    wf_sim_note(sim, "%s", text);
}

void **weft_sim_wire(weft_sim *sim, void (*free)(void *wire))
{
    sim->wire_free = free;
    return &sim->wire;
}
