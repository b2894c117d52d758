/* SPDX-License-Identifier: MIT */
/** Applications: a tree of supervised actors, the options of its services, and a main function.
 *
 *   options read ──▶ addresses opened ──▶ user and group given up ──▶ tree started, in order ──▶ running
 *   SIGTERM ──▶ addresses closed ──▶ tree stopped, in reverse, each finishing its work ──▶ exit code */
#ifndef WEFT_APP_H
#define WEFT_APP_H

#include <weft/options.h>
#include <weft/supervisor.h>
#include <weft/system.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A part of an application that has options of its own. */
typedef struct weft_service {
    const char *name;           /**< one word: the title of its options in the help */
    const weft_option *options; /**< ends in { 0 } */
    void *settings; /**< the zeroed struct of their fields; children may have it as config */
    /** After its options were read, before anything is opened: checks them, and fills in the tree what
     * depends on them. An error ends the program with EX_CONFIG (78) and the sentence. NULL: nothing. */
    weft_err (*check)(void *settings, weft_why *why);
} weft_service;

/** Services of an application at most. */
#define WEFT_SERVICES_MAX 16

/** What a program is. Borrowed until weft_main has returned. */
typedef struct weft_app {
    const char *name;             /**< NULL: as it was called */
    const char *summary;          /**< one line for the help; NULL: none */
    const char *version;          /**< NULL: weft's */
    const weft_supervisor *tree;  /**< what it runs */
    const weft_service *services; /**< ends in { 0 }; NULL: none */
    /** What the command line leaves open; `reactors`, `log_level` and `log_format` are set by it. */
    const weft_system_options *system;
} weft_app;

/** The whole of a program: reads the command line, runs the tree until SIGINT, SIGTERM or
 * weft_system_stop, stops it in order. Addresses of children with `listen` are opened before --user and
 * --group take effect, and stay open when such a child is restarted (those of children added later, and of
 * tables that are not reached through weft_supervisor configs, are opened when they start).
 * Gives a sysexits code: 0; 64 a wrong command line; 69 the tree could not start; 70 it gave up, or the
 * system was stopped with an error; 71 what the system refused; 77 the user or group cannot be had; 78 a
 * service's check failed. thread: any; it becomes reactor 0. */
int weft_main(const weft_app *app, int argc, char **argv);

#ifdef __cplusplus
}
#endif
#endif
