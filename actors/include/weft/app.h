/* SPDX-License-Identifier: MIT */
/** Applications: a tree of supervised actors, the options of its services, and a main function.
 *
 *   options read ──▶ addresses opened ──▶ user and group given up ──▶ tree started, in order ──▶ running
 *   SIGTERM ──▶ addresses closed ──▶ tree stopped, in reverse, each finishing its work ──▶ exit code */
#ifndef WEFT_APP_H
#define WEFT_APP_H

#include <stdbool.h>
#include <stdio.h>

#include <weft/node.h>
#include <weft/options.h>
#include <weft/supervisor.h>
#include <weft/system.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The children that a service adds to the tree. */
typedef struct weft_children weft_children;

/** Children of a service at most, a listener for each URL. */
#define WEFT_SERVICE_CHILDREN_MAX 64U

/** Adds @child behind those there are; what it points to is borrowed for as long as the application runs.
 * errors: EINVAL (no behaviour), ELIMIT (WEFT_SERVICE_CHILDREN_MAX). thread: in weft_service.children. */
WEFT_MUST_USE weft_err weft_children_add(weft_children *to, const weft_child *child, weft_why *why);

/** Adds a child for each of @urls, with actors of @behaviour for the connections, spawned with @config.
 * When it stops it waits 10 s for those that are open. errors: as weft_children_add. thread: the same. */
WEFT_MUST_USE weft_err weft_children_listen(weft_children *to, const weft_option_urls *urls,
                                            const weft_behaviour *behaviour, const void *config,
                                            weft_why *why);

/** A part of an application that has options of its own, and may have children. Its functions are called
 * in this order, each at most once, while nothing runs yet or nothing runs any more. */
typedef struct weft_service {
    const char *name;           /**< one word: the title of its options in the help */
    const char *summary;        /**< one line, for lists of services; NULL: none */
    const char *about;          /**< more for its help page, in lines; NULL: nothing */
    const char *example;        /**< a command line that works; NULL: none */
    const weft_option *options; /**< ends in { 0 }; NULL: none */
    void *settings; /**< the zeroed struct of their fields; children may have it as config */
    /** After its options were read, before anything is opened: checks them, and fills in the tree what
     * depends on them. An error ends the program with its sentence and EX_CONFIG (78), EX_OSERR (71) for
     * ENOMEM, EX_SOFTWARE (70) for EINTERNAL. NULL: nothing. */
    weft_err (*check)(void *settings, weft_why *why);
    /** Adds what it runs: the children of a supervisor with the service's name, one for one. errors: as
     * `check`. NULL: it has none beside those in the application's tree. */
    weft_err (*children)(void *settings, weft_children *to, weft_why *why);
    /** Opens what the user that the program becomes (--user) may not. errors: as `check`. NULL: nothing. Unlike the
     * others it is not called in the processes of isolated children, which have that user. */
    weft_err (*open)(void *settings, weft_why *why);
    /** When it is settled who the program is, after --user and --group: checks what is used as that user, and fills in
     * what depends on it. errors: as `check`. NULL: nothing. Not called in the processes of isolated children. */
    weft_err (*settled)(void *settings, weft_why *why);
    /** Gives @sys what it has to have before it starts, weft_etcd_begin say: it is the node that it is to be. errors:
     * as `check`. NULL: nothing. Not called in the processes of isolated children, which are no members of theirs. */
    weft_err (*begin)(void *settings, weft_system *sys, weft_why *why);
    /** The exit code (sysexits) after a run that ended in order; NULL: 0. */
    int (*code)(const void *settings);
    /** What it makes the program to other nodes, filled in by `check`; without a name: nothing. NULL: it has nothing
     * to do with that. One service at most, of an application that says nothing itself. */
    const weft_node *node;
    /** Gives back what the others took, whatever became of the program, if `check` came to be called. */
    void (*done)(void *settings);
} weft_service;

/** Services of an application at most. */
#define WEFT_SERVICES_MAX 64

/** A word in the place of a service's name that only prints something. */
typedef struct weft_app_word {
    const char *name, *help; /**< one word; one line */
    void (*print)(FILE *to);
} weft_app_word;

/** What a program is. Borrowed until weft_main has returned. */
typedef struct weft_app {
    const char *name;             /**< NULL: as it was called */
    const char *summary;          /**< one line for the help; NULL: none */
    const char *version;          /**< NULL: weft's */
    const weft_supervisor *tree;  /**< what it runs beside its services; NULL: nothing */
    const weft_service *services; /**< ends in { 0 }; NULL: none */
    /** The first word of the command line names the one service that is run, as in `weftd echo`; `list`
     * there lists them, `help` prints the help. Otherwise all of them are. */
    bool choose;
    /** --plugin FILE adds the services of a plug-in (<weft/plugin.h>). The program must show plug-ins the
     * functions of weft: it is linked with the shared library, or shows them itself, as weftd does. */
    bool plugins;
    /** An actor of it serves each connection at --admin unix:PATH, whose file is for its owner alone unless
     * the URL has a mode: weft_console (<weft/console.h>). NULL: there is no --admin. */
    const weft_behaviour *admin;
    const weft_app_word *words; /**< with `choose`, further such words; ends in { 0 }; NULL: none */
    /** What the command line leaves open; `reactors`, `log_level` and `log_format` are set by it. */
    const weft_system_options *system;
    /** What it is to other nodes; without a name: none of them. Its `types` and `lost_ms` hold for isolated children,
     * too (<weft/isolated.h>). */
    weft_node node;
} weft_app;

/** The whole of a program: reads the command line, runs the tree until SIGINT, SIGTERM or
 * weft_system_stop, stops it in order. --print-config and --print-tree say what would run, --user and --group
 * who would run it. Addresses of children with `listen` are opened before --user and
 * --group take effect, and stay open when such a child is restarted (those of children added later, and of
 * tables that are not reached through weft_supervisor configs, are opened when they start).
 * Gives a sysexits code: 0; 64 a wrong command line; 69 the tree could not start; 70 it gave up, or the
 * system was stopped with an error; 71 what the system refused; 77 the user or group cannot be had; 78 a
 * service's check failed, or what it is as a node cannot be. thread: any; it becomes reactor 0. */
int weft_main(const weft_app *app, int argc, char **argv);

#ifdef __cplusplus
}
#endif
#endif
