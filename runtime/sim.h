/* SPDX-License-Identifier: MIT */
/* The simulator: a system whose reactors are stepped in one thread, by seeded choices. */
#ifndef WF_SIM_H
#define WF_SIM_H

#include <weft/testing.h>

#include "core.h"
#include "sim_random.h"
#include "sys.h"

enum {
    WF_SIM_STEPS_MAX = 1000000,    /* of one weft_sim_run */
    WF_SIM_LOG_BYTES = 1 << 20,    /* what the event log keeps at least */
    WF_SIM_NO_LIMIT_MS = 86400000, /* an ask without a limit is given up after a day */
    WF_SIM_FAILURE_BYTES = 2048,   /* of the text of weft_sim_failure */
};

/* Text that is appended to, and keeps its last MiB. */
typedef struct wf_sim_text {
    char *text; /* with a final zero */
    size_t n;
} wf_sim_text;

/* What arrives at one reactor and is due. */
typedef struct wf_sim_due {
    struct wf_sim_arrival *first, *last;
    uint32_t n;
} wf_sim_due;

/* What weft_sim_ask came to. */
typedef struct wf_sim_outcome {
    weft_outcome got;
    weft_why why;
    weft_msg *copy; /* of the reply; NULL in failure */
    bool there;
} wf_sim_outcome;

/* What must always hold (sim_check.c), and what is to happen at a time (sim_faults.c). */
typedef struct wf_sim_invariant wf_sim_invariant;
typedef struct wf_sim_plan wf_sim_plan;

struct weft_sim {
    weft_system *sys;
    weft_sim *root,
        *next; /* of one world; the first of them, which is its own root, has what all share */
    unsigned member, given; /* its number, the root's is 0; of the root: the last that was given */
    uint64_t seed, steps, stop_at;
    bool halted; /* no step is done any more */
    bool ending; /* within weft_sim_free, which nothing stops */
    wf_sim_invariant *invariants, **invariants_tail;
    char failure[WF_SIM_FAILURE_BYTES];
    wf_sim_plan *plans;                /* not due */
    wf_sim_plan *due_plan, **due_tail; /* due, in their order */
    uint64_t fail_in;                  /* the taking of memory that fails; 0: none */
    bool allocation_failed;
    weft_sim_faults faults;
    wf_random choice;  /* which step is next */
    wf_random faulted; /* apart, so that a fault that is off does not change the order of things */
    bool started;
    weft_ref outside; /* the actor that tests speak through */
    wf_sim_outcome outcome;
    wf_sim_text events, logs;
    uint64_t hash;
    weft_log_hook *log_hook; /* the program's */
    void *log_context;
    wf_wheel under_way; /* of the root: arrivals that are not due */
    wf_sim_due due[WF_THREADS_MAX];
    uint32_t arrivals; /* of the root: under way and due */
    void *wire;        /* what the layer above keeps for its world */
    void (*wire_free)(void *wire);
};

/* ---- sim_member.c: several systems in one world */

/* Makes @sim one of the world of @beside; NULL: a world of its own. */
void wf_sim_join(weft_sim *sim, const weft_sim *beside);
/* It is whole: steps do its steps. */
void wf_sim_joined(weft_sim *sim);
/* It leaves: what was on its way to it is the root's. */
void wf_sim_leave(weft_sim *sim);
/* The member of a place, and the root for one that has left. */
weft_sim *wf_sim_member_at(weft_sim *root, unsigned place);
/* A place is a reactor of a member. */
static inline unsigned wf_sim_reactor_of(unsigned place)
{
    return place & 255U;
}

/* ---- sim.c */

/* Begins start-up, if that has not happened. */
void wf_sim_start(weft_sim *sim);
/* Steps of @sim alone, with every actor stopped at once, until none is left. */
void wf_sim_alone(weft_sim *sim);
/* Moves the clock to the next moment something is due. false: nothing is within @ms_max. */
bool wf_sim_move(weft_sim *sim, uint32_t ms_max);
/* Ms since the system began. */
static inline uint32_t wf_sim_ms(const weft_sim *sim)
{
    return wf_tick(sim->sys) - 1;
}

/* ---- sim_log.c: events */

bool wf_sim_log_init(weft_sim *sim);
void wf_sim_log_done(weft_sim *sim);
/* One line, the time is put before it. */
void wf_sim_note(weft_sim *sim, const char *format, ...) WEFT_PRINTF(2, 3);
/* The system's log hook: @context is the simulation. */
void wf_sim_log_hook(void *context, const weft_log_line *line);
/* One line for a message that @a is about to serve. */
void wf_sim_note_message(weft_sim *sim, const wf_reactor *r, const weft_actor *a,
                         const weft_msg *m);

/* ---- sim_world.c: arrivals */

/* Lets one arrival at reactor @index through. */
void wf_sim_arrive(weft_sim *sim, unsigned index);
/* Has what is due now wait for its step. */
void wf_sim_world_tick(weft_sim *sim);
void wf_sim_world_init(weft_sim *sim);
void wf_sim_world_done(weft_sim *sim);
/* What is due at a member that leaves is due at the root. */
void wf_sim_due_to_root(weft_sim *sim);

/* ---- sim_faults.c: what a test asks for */

void wf_sim_faults_init(weft_sim *sim);
void wf_sim_faults_done(weft_sim *sim);
/* Does what is planned for now. */
void wf_sim_plans_run(weft_sim *sim);

/* ---- sim_check.c: what must always hold */

/* After a step of @r. */
void wf_sim_check(weft_sim *sim, const wf_reactor *r);
/* Nobody has anything to do. */
void wf_sim_check_rest(weft_sim *sim);
void wf_sim_check_init(weft_sim *sim);
void wf_sim_check_done(weft_sim *sim);

/* ---- sim_outside.c: tells and asks of tests */

bool wf_sim_outside_init(weft_sim *sim);
/* Frees the last outcome. */
void wf_sim_outside_done(weft_sim *sim);

#endif
