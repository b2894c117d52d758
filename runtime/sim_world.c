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

/* What all members share. */
static weft_sim *root_here(void)
{
    return WF_R->sys->sim->root;
}

static wf_sim_due *due_of(weft_sim *root, const arrival *a)
{
    return &wf_sim_member_at(root, a->timer.spare)->due[wf_sim_reactor_of(a->timer.spare)];
}

static void is_due(weft_sim *root, arrival *a)
{
    if (a->timer.spare != 0 && wf_sim_member_at(root, a->timer.spare) == root &&
        a->timer.spare > UINT8_MAX)
        a->timer.spare = 0; /* who it was for has left */
    wf_sim_due *due = due_of(root, a);
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
    is_due(root_here(), (arrival *)timer);
}

static void not_due(weft_sim *root, arrival *a)
{
    wf_sim_due *due = due_of(root, a);
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
    for (uint32_t k = wf_random_below(&sim->root->choice, n); k != 0; k--)
        a = a->next;
    not_due(sim->root, a);
    a->state = IDLE;
    sim->root->arrivals--;
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

void wf_sim_due_to_root(weft_sim *sim)
{
    weft_sim *root = sim->root;
    for (unsigned i = 0; i < WF_THREADS_MAX; i++)
        for (arrival *a; (a = sim->due[i].first) != NULL;) {
            not_due(root, a);
            a->timer.spare = 0;
            is_due(root, a);
        }
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

unsigned weft_sim_place(unsigned reactor)
{
    return WF_R->sys->sim->member << 8 | reactor;
}

unsigned weft_sim_member(const struct weft_sim *sim)
{
    return sim->member;
}

struct weft_sim *weft_sim_world(struct weft_sim *sim)
{
    return sim->root;
}

void weft_arrive(weft_arrival *at, unsigned place, uint32_t delay_ms, weft_arrival_fn *fn)
{
    weft_sim *root = root_here();
    arrival *a = (arrival *)(void *)at;
    weft_arrive_cancel(at);
    root->arrivals++;
    a->fn = fn;
    a->timer.spare = place;
    if (delay_ms == 0) {
        is_due(root, a);
        return;
    }
    a->state = UNDER_WAY;
    wf_timer_arm(&root->under_way, &a->timer, delay_ms, fire);
}

void weft_arrive_cancel(weft_arrival *at)
{
    weft_sim *root = root_here();
    arrival *a = (arrival *)(void *)at;
    if (a->state == IDLE)
        return;
    if (a->state == DUE)
        not_due(root, a);
    else
        wf_timer_cancel(&root->under_way, &a->timer);
    a->state = IDLE;
    root->arrivals--;
}

uint32_t weft_arrive_wait_ms(const weft_arrival *at)
{
    const arrival *a = (const arrival *)(const void *)at;
    if (a->state == IDLE)
        return UINT32_MAX;
    return a->state == DUE ? 0 : a->timer.when - root_here()->under_way.now;
}

uint32_t weft_sim_below(weft_sim *sim, uint32_t n)
{
    return wf_random_below(&sim->root->faulted, n);
}

bool weft_sim_chance(weft_sim *sim, uint32_t parts)
{
    /* a fault that is off draws nothing, so that it does not change what the others do */
    return parts != 0 && wf_random_below(&sim->root->faulted, MILLION) < parts;
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
    sim->root->wire_free = free;
    return &sim->root->wire;
}
