/* SPDX-License-Identifier: MIT */
/* The supervisor's own structures: its children in their order, and what is to become of each. */
#ifndef WF_SUPERVISOR_H
#define WF_SUPERVISOR_H

#include <weft/edge.h>
#include <weft/supervisor.h>
#include <weft/system.h>
#include <weft/ward.h>

#include "deputy.h"
#include "isolated.h"
#include "listen.h"

enum {
    WF_START_MS = 30000,
    WF_STOP_MS = 5000,
    WF_RESTARTS = 3,
    WF_RESTARTS_MOST = 65536,
    WF_RESTARTS_WINDOW_MS = 5000,
    WF_BACKOFF_MS_MAX = 30000,
    WF_CHILDREN_MAX = 1024,
    WF_POST_MS = 1000, /* for a word to another reactor and back */
};

/* A child:
 *
 *            begin           `started` is done          ward_stop
 *   down ───────────▶ starting ──────────────▶ up ──────────────────▶ stopping ──┐
 *    ▲ ▲                 │ it fails             │ it stops by itself             │
 *    │ └─────────────────┴──────────────────────┘──▶ ended (not restarted)       │
 *    └───────────────────────────────────────────────────────────────────────────┘
 */
typedef struct wf_charge {
    weft_ward ward;   /* must be first */
    weft_alarm alarm; /* the end of its back-off, or of the time it may take to start */
    weft_actor *supervisor;
    struct wf_charge *next, *prev;
    weft_child child;
    wf_listen_plan plan;         /* of one that listens */
    wf_posting *posting;         /* of one on another reactor; else NULL */
    const wf_isolated *isolated; /* of one in a process of its own; else NULL */
    weft_ref elsewhere;          /* of that: who others know */
    char name[WEFT_NAME_BYTES];  /* as registered */
    weft_child_state state;
    bool wanted;    /* is to be up; else it is to be down */
    bool again;     /* is to be up again when all that are to be down are */
    bool ordered;   /* begins when those before it are up */
    bool backs_off; /* waits for its alarm */
    bool was_up;
    bool added;     /* not of the table */
    bool leaving;   /* is being removed: whatever else happens does not wait for it */
    uint32_t fails; /* in a row */
    uint32_t up_at;
    weft_err reason;
    weft_msg *asked; /* the request that adds or removes it */
} wf_charge;

typedef struct wf_supervisor {
    const weft_supervisor *config;
    wf_charge *first, *last;
    uint32_t n;
    uint32_t *restarts; /* when the last restarts_max were: a ring */
    uint32_t restarts_n, restarts_next;
    weft_msg *started;  /* until the table is up */
    weft_msg *draining; /* until all are down */
    bool up;            /* the table has been up */
    bool resting;       /* all are to be down, and stay so */
    bool ending;        /* when all are down, so is this */
    weft_err reason;
    weft_why why;
} wf_supervisor;

/* Who others know as the child. */
static inline weft_ref wf_charge_ref(const wf_charge *c)
{
    if (c->isolated != NULL)
        return c->elsewhere;
    return c->posting != NULL ? c->posting->child : c->ward.ref;
}

/* The numbers of @config with its defaults. */
uint32_t wf_supervisor_restarts_max(const weft_supervisor *config);
uint32_t wf_supervisor_window_ms(const weft_supervisor *config);
/* How long all children of @config may take to stop, one after the other. */
uint32_t wf_supervisor_stop_ms(const weft_supervisor *config);
/* How long @child may. */
uint32_t wf_child_stop_ms(const weft_child *child);

/* Takes one restart out of the budget. false: it is used up. */
bool wf_supervisor_may_restart(wf_supervisor *s, uint32_t now);
/* How long @c waits before it begins again, after one more failure. */
uint32_t wf_supervisor_backoff(weft_actor *self, const wf_supervisor *s, wf_charge *c);

/* Makes a child that is down, the last of all. errors: EINVAL, EEXISTS, ELIMIT, EUNSUPPORTED, ENOMEM and
 * @why. @row is its row in the program's table, or NULL. */
weft_err wf_charge_new(weft_actor *self, wf_supervisor *s, const weft_child *child,
                       const char *name, const weft_child *row, wf_charge **out, weft_why *why);
/* Ends @c, which is down, for good. */
void wf_charge_end(weft_actor *self, wf_charge *c);
/* The same, and forgets it. */
void wf_charge_drop(weft_actor *self, wf_supervisor *s, wf_charge *c);
/* Frees what is left of all: their actors have ended. */
void wf_charges_done(weft_actor *self, wf_supervisor *s);

/* Does what can be done now towards what is wanted: stops the last that is not, else begins the first. */
void wf_supervisor_go_on(weft_actor *self, wf_supervisor *s);
/* Has all children stop, and the supervisor after them; the first reason stands. */
void wf_supervisor_end(weft_actor *self, wf_supervisor *s, weft_err reason, const char *why);
/* Has all children stop. */
void wf_supervisor_rest(weft_actor *self, wf_supervisor *s);
/* Has @c stop, and forgets it then. */
void wf_supervisor_remove_one(weft_actor *self, wf_supervisor *s, wf_charge *c);

#endif
