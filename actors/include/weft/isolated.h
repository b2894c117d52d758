/* SPDX-License-Identifier: MIT */
/** Isolated children: actors of a supervisor's table that run in processes of their own (weft_child.isolated).
 *
 *     static const weft_child children[] = {
 *         {.name = "thumbnails", .behaviour = &thumbnails, .isolated = true},
 *         {.name = "web", .behaviour = &site, .listen = "http://127.0.0.1:8080"},
 *         {0},
 *     };
 *
 * Such a process is the same program, started again with the same command line; it finds the child by its place in
 * the table and runs that alone, with what is below it. Its supervisor starts, watches and restarts it under the
 * rules of its table: that it was ended by a signal, does not answer for `lost_ms`, or cannot be started counts as
 * any other failure. Its name stands for it in this process, through all its lives:
 * - it is told, asked, monitored and linked to by its name as other actors are, and what is sent to it must be a
 *   protobuf message (WEFT_TYPE_PROTO): a plain struct is refused with WEFT_ETYPE. So are names of named children
 *   below it
 * - when its process ends, asks that had been sent to it fail with WEFT_ELOST, and weft_outcome.delivery says
 *   whether it surely had them; its monitors are told weft_down. Nobody else notices
 * - a tell is refused (WEFT_EFULL) until it is up; an ask waits for that within its time
 * - it reaches actors of this process by "NAME@NODE", NODE being weft_isolated_by
 *
 * weft_main does all of this. A program with a main function of its own calls weft_isolated_begin before its system
 * starts and, before it does anything else, asks weft_is_isolated.
 *
 * It inherits the environment, the directory, the user and the limits; standard input is /dev/null, what it prints
 * and logs goes where this process's does. It has one reactor, or as many as the rows at and below it name. It is
 * trusted as this program is: it is kept apart from crashes, not from attacks. Not yet: children with a row that
 * was added later (weft_supervisor_add), streams to it, a user of its own. */
#ifndef WEFT_ISOLATED_H
#define WEFT_ISOLATED_H

#include <weft/node.h>
#include <weft/supervisor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The node that a program with isolated children is when it is none by weft_node_begin. */
#define WEFT_ISOLATED_MAIN "weft.main"
/** Isolated children of a tree at most. */
#define WEFT_ISOLATED_MAX 1024U
/** When nothing came from one for so long it is taken for dead, and killed; unless weft_isolation.lost_ms says. */
#define WEFT_ISOLATED_LOST_MS 10000U
/** A process whose parent has ended without a word stops in order, and is killed after so long. */
#define WEFT_ISOLATED_ORPHAN_MS 10000U

/** What both ends agree on; zero means the default. Borrowed until the system is freed. */
typedef struct weft_isolation {
    char *const *argv; /**< what the process is started with: that of main */
    /** Types that may come, ends in NULL: those that no behaviour in the table has a row for, and no type that is
     * sent has as its reply. */
    const weft_type *const *types;
    uint32_t lost_ms; /**< 0: WEFT_ISOLATED_LOST_MS; of a system that is a node: as that says */
} weft_isolation;

/** Makes what isolated children of @tree need; nothing if it has none. A system that is to be a node is made one
 * before. errors: EINVAL (a row without a name, or one that is on a reactor), ELIMIT (WEFT_ISOLATED_MAX), EEXISTS
 * (a node of that name, two types of one name), ETYPE, ENOMEM. thread: before start. */
WEFT_MUST_USE weft_err weft_isolated_begin(weft_system *sys, const weft_supervisor *tree,
                                           const weft_isolation *how, weft_why *why);

/** Whether this process was started to run an isolated child. thread: any. */
bool weft_is_isolated(void);

/** Runs the child that this process was started for, of the same @tree, with the same @how, until it ends or is to.
 * @options: NULL: the defaults; `reactors` is not used. Gives a sysexits code. thread: the first one. */
int weft_isolated_main(const weft_supervisor *tree, const weft_isolation *how,
                       const weft_system_options *options);

/** The node of the process that started this one; NULL: this is no isolated child's. Lives as long as the system.
 * thread: in a handler. */
const char *weft_isolated_by(weft_actor *self);

#ifdef __cplusplus
}
#endif
#endif
