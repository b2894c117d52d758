/* SPDX-License-Identifier: MIT */
/* Trees with isolated children for tests: this program, started again, runs one of them; a driver, in a fiber of the
 * first process, does with them what a test says. */
#ifndef WEFT_TESTS_ISOLATED_KIT_H
#define WEFT_TESTS_ISOLATED_KIT_H

#include "check.h"

#include <weft/fiber.h>
#include <weft/isolated.h>

#include "node_kit.h"

/* What a child is asked by a count, instead of to add one. */
enum {
    ORDER_PID = 1000000, /* it answers with its number */
    ORDER_KEEP,          /* it never answers */
    ORDER_KILL,          /* its process is killed, of ABORT aborted, of HALT stopped (SIGSTOP) */
    ORDER_ABORT,
    ORDER_HALT,
    ORDER_FAIL, /* it stops with EINVAL, */
    ORDER_DONE, /* in order; it has answered before */
    ORDER_SPIN, /* it does not return */
    ORDER_UP, /* it asks "driver" of the process that started it to add one to 100, and answers with that */
    ORDER_SIDE,     /* the same of "second" there */
    ORDER_X,        /* of "shop/x" */
    ORDER_STUBBORN, /* from now on it does not stop when told */
};

enum { ISOLATED_LIMIT_MS = 30000, ISOLATED_LOST_MS = 400 };

/* The tree of the name, for both sides. */
const weft_supervisor *isolated_tree(const char *name);
/* The main function of the other process. */
int isolated_main(const char *name);

typedef void isolated_drive(weft_actor *self);
/* Runs the tree @name until @drive has returned; neither a child nor a descriptor may be left. @node: what the
 * system is beside; NULL: no node. */
void isolated_run(const char *name, isolated_drive *drive, const weft_node *node);

/* ---- by the driver */

/* Asks the child @name, and waits. */
const weft_outcome *isolated_ask(weft_actor *self, const char *name, uint64_t n);
/* The same of what must succeed. */
uint64_t isolated_value(weft_actor *self, const char *name, uint64_t n);
/* What the supervisor says of its @i-th child. */
weft_supervisor_listing isolated_list(weft_actor *self);

/* What the driver was told of the end of what it monitors; waits for the first. */
const seen *isolated_down(weft_actor *self);

extern weft_ref isolated_supervisor;

#endif
