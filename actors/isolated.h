/* SPDX-License-Identifier: MIT */
/* Children in processes of their own.
 *
 *      supervisor ── ward ──▶ keeper ── process ─┄┄┄─▶ the same program ── top ── ward ──▶ child
 *                                │                                          ▲
 *                              link ◀┄┄┄ a pair of sockets, a session ┄┄┄▶ link
 *
 * What the supervisor sees is a keeper, a ward of its own, whose lives are those of the process: it is up when the
 * child is, stops for what the child stopped for, or for how its process ended, and each of its starts is a new
 * process. Whoever sends to the child's name does not pass by it: the name stands for the child on its node. */
#ifndef WF_ISOLATED_H
#define WF_ISOLATED_H

#include <weft/isolated.h>
#include <weft/remote.h>

/* The name of the actor at the top of such a process. */
#define WF_ISOLATED_TOP "weft.isolated"
/* What the process is told by its environment. */
#define WF_ISOLATED_VARIABLE "WEFT_ISOLATED"

enum {
    WF_ISOLATED_FD = 3,          /* its end of the pair of sockets */
    WF_ISOLATED_TERM_MS = 500,   /* from SIGTERM to SIGKILL, when it has not stopped in its time */
    WF_ISOLATED_LEAVE_MS = 2000, /* one whose child has stopped has so long to exit */
    WF_ISOLATED_TEXT_BYTES = 320,
    WF_ISOLATED_URL_BYTES = 32,
    WF_ISOLATED_ANEW = -2, /* adopted instead of a descriptor: it will connect to us anew */
    WF_ISOLATED_GONE = -1, /* it will not */
};

/* A row of the program's tables that is isolated. */
typedef struct wf_isolated {
    struct wf_isolated *next;
    const weft_child *row;
    unsigned number;            /* among all of the program, from 1, in the order of the tables */
    unsigned reactors;          /* it has */
    char name[WEFT_NAME_BYTES]; /* as registered */
    char node[WEFT_NODE_NAME_BYTES];
    weft_node_member member; /* that node */
    char *const *argv;
} wf_isolated;

/* ---- isolated_list.c: which there are */

typedef struct wf_isolated_list {
    wf_isolated *first; /* outermost below @self, or below the root */
    wf_isolated *self;  /* NULL: the list is of the program's first process */
} wf_isolated_list;

/* Lists what process number @of (0: the first) is and starts. errors: EINVAL, ELIMIT, ENOMEM, ENOTFOUND (there is
 * no such row); nothing is listed then. */
WEFT_MUST_USE weft_err wf_isolated_list_of(const weft_supervisor *tree, unsigned of,
                                           wf_isolated_list *out, weft_why *why);
void wf_isolated_list_done(wf_isolated_list *list);

/* Calls @fn for all rows below @row, and not below isolated ones of those, then for @row, with its name @name. Ends
 * with the first error. */
typedef weft_err wf_isolated_fn(const weft_child *row, const char *name, void *context,
                                weft_why *why);
WEFT_MUST_USE weft_err wf_isolated_each(const weft_child *row, const char *name, wf_isolated_fn *fn,
                                        void *context, weft_why *why);

/* ---- isolated.c: systems with such children */

/* What a process is started as. */
typedef struct wf_isolated_boot {
    unsigned number;
    int pid; /* of who started it */
    char node[WEFT_NODE_NAME_BYTES], parent[WEFT_NODE_NAME_BYTES], cluster[WEFT_NODE_NAME_BYTES];
    char url[WF_ISOLATED_URL_BYTES]; /* in a simulation: of who started it */
} wf_isolated_boot;

/* Makes @sys what process @boot (NULL: the first) is: a node, linked to those it starts and to who started it.
 * errors: as weft_isolated_begin; ENOTFOUND. thread: before start. */
WEFT_MUST_USE weft_err wf_isolated_set_up(weft_system *sys, const weft_supervisor *tree,
                                          const weft_isolation *how, const wf_isolated_boot *boot,
                                          weft_why *why);
/* In a simulation: the processes that @sys starts; NULL: this is none, or it starts none. */
typedef struct wf_isolated_sims wf_isolated_sims;
wf_isolated_sims *wf_isolated_sims_of(const weft_system *sys);
/* Which of the tree @sys runs; NULL: it is the first process. */
const wf_isolated *wf_isolated_self(const weft_system *sys);
/* What stands for @row in @sys; NULL: it was not told of it. thread: any. */
const wf_isolated *wf_isolated_of(const weft_system *sys, const weft_child *row);
/* What the environment of a process says. */
void wf_isolated_print(const weft_system *sys, const wf_isolated *of,
                       char out[WF_ISOLATED_TEXT_BYTES]);
/* false: this is no such text. */
bool wf_isolated_read(const char *text, wf_isolated_boot *out);

/* ---- isolated_keeper.c: in the process of the supervisor */

/* Its config is a wf_isolated. */
extern const weft_behaviour wf_isolated_keeper_behaviour;
/* Has the name of @of, and those of named rows below it, stand for those actors of its process, as long as @keeper
 * has names. errors: as weft_register. */
WEFT_MUST_USE weft_err wf_isolated_register(weft_actor *keeper, const wf_isolated *of);
/* Who others know as the child. */
weft_ref wf_isolated_ref(weft_actor *self, const wf_isolated *of);
/* It does not begin again: what waits for it fails. */
void wf_isolated_gone(weft_actor *self, const wf_isolated *of);

/* ---- isolated_top.c: in its own */

/* What both ends say to each other may come to @sys. */
WEFT_MUST_USE weft_err wf_isolated_own_types(weft_system *sys, weft_why *why);
/* Spawns the actor at the top, which adopts @fd (NULL: it is connected otherwise). errors: ENOMEM, and as weft_on_phase. thread: before start. */
WEFT_MUST_USE weft_err wf_isolated_top(weft_system *sys, const int *fd, weft_why *why);

#endif
