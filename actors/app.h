/* SPDX-License-Identifier: MIT */
/* Applications from within: what the command line came to, the tree it stands for, the actor at the top. */
#ifndef WF_APP_H
#define WF_APP_H

#include <weft/app.h>
#include <weft/plugin.h>

/* ---- the command line */

typedef struct wf_app_settings {
    const char *user, *group;
    const char *admin; /* a URL */
    weft_option_texts plugins;
    bool print_tree;
} wf_app_settings;

enum { WF_OWN_ROWS = 6 }; /* at most, the last being {0} */
enum { WF_SET_COMMON, WF_SET_OWN, WF_SET_SERVICES };

typedef struct wf_app_command {
    const weft_app *app;
    const char *name;
    char **argv;
    weft_common_settings common;
    wf_app_settings own;
    const weft_service *all[WEFT_SERVICES_MAX]; /* what there is */
    size_t n;
    const char *plugin[WEFT_PLUGINS_MAX]; /* as they were named */
    const weft_plugin *loaded[WEFT_PLUGINS_MAX];
    size_t plugins;
    const weft_service *chosen;     /* by the first word; NULL: none */
    const weft_service *const *run; /* of those, what is run */
    size_t run_n;
    size_t checked; /* of these, those whose `check` was called */
    weft_option own_rows[WF_OWN_ROWS];
    weft_option_set
        sets[WF_SET_SERVICES + WEFT_SERVICES_MAX]; /* behind the first two: of what is run */
} wf_app_command;

/* The services of the program, then those of the plug-ins that @words name. errors, with the sentence: ELIMIT
 * (WEFT_SERVICES_MAX), EEXISTS (a name that is taken), and as wf_plugin_load. */
WEFT_MUST_USE weft_err wf_app_gather(wf_app_command *c, const weft_option_words *words,
                                     weft_why *why);

/* The service of that name, or NULL and the one that looks most like it. */
const weft_service *const *wf_app_find(const wf_app_command *c, const char *name,
                                       const weft_service **nearest);

/* ---- what is only printed; each gives a sysexits code */

/* That of the service that was chosen, or of the program. */
int wf_app_print_help(const wf_app_command *c, FILE *to);
int wf_app_print_list(const wf_app_command *c);
int wf_app_print_config(const wf_app_command *c);
int wf_app_print_version(const wf_app_command *c);
/* Whether everything reached @to: what a full disk swallowed is no success. */
int wf_app_printed(FILE *to);

/* ---- the tree */

typedef struct wf_app_tree wf_app_tree;

/* The application's own tree, and a supervisor for each service that has children. errors: those of the
 * services, ENOMEM. */
WEFT_MUST_USE weft_err wf_app_tree_new(const wf_app_command *c, wf_app_tree **out, weft_why *why);
void wf_app_tree_free(wf_app_tree *tree); /* NULL: nothing */
/* Its table; lives as long. */
const weft_supervisor *wf_app_tree_root(const wf_app_tree *tree);
/* A line for each child, with what is below it: who, what it is, when it is restarted. */
void wf_app_tree_print(const char *name, const weft_supervisor *tree, FILE *to);

/* ---- the actor at the top */

/* What it is spawned with, and what it says of its end. Lives as long as the system. */
typedef struct wf_app_run {
    const weft_supervisor *tree;
    int code; /* a sysexits code, if it is not the system's own */
} wf_app_run;

/* Spawns it. errors: ENOMEM, ELIMIT. thread: before start. */
weft_err wf_app_spawn(weft_system *sys, wf_app_run *run);

#endif
