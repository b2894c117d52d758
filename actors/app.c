/* SPDX-License-Identifier: MIT */
/* The main function of applications: the command line, then the system, then the exit code.
 *
 *   words ──▶ options ──▶ services checked ──▶ tree made ──▶ services opened ──▶ addresses opened
 *         ──▶ user given up ──▶ services settled ──▶ system run ──▶ exit code */
#include "app.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include <weft/isolated.h>

#include "privileges.h"
#include "sockets.h"

/* Not every program has the first two. */
static const weft_option own_options[] = {
    {.name = "plugin",
     .kind = WEFT_OPTION_TEXTS,
     .value = "FILE",
     .at = offsetof(wf_app_settings, plugins),
     .help = "add the services of this shared object; may be given 16 times"},
    {.name = "admin",
     .kind = WEFT_OPTION_URL,
     .value = "URL",
     .at = offsetof(wf_app_settings, admin),
     .help = "let operators look into what runs, at unix:PATH, which its owner alone may open"},
    {.name = "user",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .at = offsetof(wf_app_settings, user),
     .help = "become this user, and its groups, once every address is open"},
    {.name = "group",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .at = offsetof(wf_app_settings, group),
     .help = "become this group instead of the user's own"},
    {.name = "print-tree",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(wf_app_settings, print_tree),
     .action = true,
     .help = "print the tree of actors that would be started, and do nothing"},
    {0},
};

static int refuse(const wf_app_command *c, int code, const char *text)
{
    const char *space = c->chosen != NULL ? " " : "";
    const char *service = c->chosen != NULL ? c->chosen->name : "";
    (void)fprintf(stderr, "%s%s%s: %s\n", c->name, space, service, text);
    if (code == EX_USAGE)
        (void)fprintf(stderr, "%s%s%s --help says what there is\n", c->name, space, service);
    return code;
}

/* ---- what runs */

static int code_of(weft_err err)
{
    switch (err) {
    case WEFT_OK:
        return EX_OK;
    case WEFT_ENOMEM:
        return EX_OSERR;
    case WEFT_EINTERNAL:
        return EX_SOFTWARE;
    default:
        return EX_CONFIG;
    }
}

static weft_err check_services(wf_app_command *c, weft_why *why)
{
    weft_err err = WEFT_OK;
    while (err == WEFT_OK && c->checked < c->run_n) {
        const weft_service *s = c->run[c->checked++];
        if (s->check != NULL)
            err = s->check(s->settings, why);
    }
    return err;
}

static weft_err open_services(const wf_app_command *c, weft_why *why)
{
    weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && i < c->run_n; i++)
        if (c->run[i]->open != NULL)
            err = c->run[i]->open(c->run[i]->settings, why);
    return err;
}

/* What root could read, another user may not: whoever looks for the reason is told that it is another. */
static weft_err settle_services(const wf_app_command *c, weft_why *why)
{
    const char *user = c->own.user;
    for (size_t i = 0; i < c->run_n; i++) {
        weft_why what = {""};
        weft_err err =
            c->run[i]->settled != NULL ? c->run[i]->settled(c->run[i]->settings, &what) : WEFT_OK;
        if (err != WEFT_OK)
            return weft_because(why, err, "%s%.40s%s%s", user != NULL ? "as user " : "",
                                user != NULL ? user : "", user != NULL ? ": " : "", what.text);
    }
    return WEFT_OK;
}

static weft_err begin_services(const wf_app_command *c, weft_system *sys, weft_why *why)
{
    weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && i < c->run_n; i++)
        if (c->run[i]->begin != NULL)
            err = c->run[i]->begin(c->run[i]->settings, sys, why);
    return err;
}

static void services_done(const wf_app_command *c)
{
    for (size_t i = c->checked; i-- > 0;)
        if (c->run[i]->done != NULL)
            c->run[i]->done(c->run[i]->settings);
}

static int services_code(const wf_app_command *c)
{
    int code = EX_OK;
    for (size_t i = 0; code == EX_OK && i < c->run_n; i++)
        if (c->run[i]->code != NULL)
            code = c->run[i]->code(c->run[i]->settings);
    return code;
}

/* A connection needs a descriptor: what the system allows is taken. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static weft_system_options options_of(const wf_app_command *c)
{
    weft_system_options o = {.reactors = 0};
    if (c->app->system != NULL)
        o = *c->app->system;
    o.reactors = c->common.threads;
    o.log_level = (weft_level)c->common.log_level;
    o.log_level_set = true;
    o.log_format = (weft_log_format)c->common.log_format;
    return o;
}

/* Types and limits of links are said in one place, whether the program is a node or not. */
static weft_isolation isolation_of(const wf_app_command *c)
{
    return (weft_isolation){
        .argv = c->argv, .types = c->app->node.types, .lost_ms = c->app->node.lost_ms};
}

/* What the application is to other nodes, or the service of it that says so; NULL: nothing. */
static const weft_node *node_of(const wf_app_command *c)
{
    const weft_node *node = &c->app->node;
    for (size_t i = 0; node->name == NULL && i < c->run_n; i++)
        if (c->run[i]->node != NULL)
            node = c->run[i]->node;
    return node->name != NULL ? node : NULL;
}

/* What was said of the node is no good, or the system does not let it listen. */
static int node_code(weft_err err)
{
    switch (err) {
    case WEFT_EINVAL:
    case WEFT_EDENIED:
    case WEFT_ETOOBIG:
    case WEFT_ETYPE:
    case WEFT_EUNSUPPORTED:
        return EX_CONFIG;
    default:
        return EX_UNAVAILABLE;
    }
}

/* While there is one thread, and the rights the program was started with. */
static int prepare(const wf_app_command *c, weft_system *sys, wf_app_run *run, weft_why *why)
{
    weft_err err = open_services(c, why);
    if (err != WEFT_OK)
        return code_of(err);
    if (wf_sockets_open(sys, run->tree, why) != WEFT_OK)
        return EX_UNAVAILABLE;
    const weft_node *node = node_of(c);
    err = node != NULL ? weft_node_begin(sys, node, why) : WEFT_OK;
    if (err != WEFT_OK)
        return node_code(err);
    err = begin_services(c, sys, why);
    if (err != WEFT_OK)
        return code_of(err);
    weft_isolation how = isolation_of(c);
    err = weft_isolated_begin(sys, run->tree, &how, why);
    if (err != WEFT_OK)
        return code_of(err);
    if (wf_privileges_drop(c->own.user, c->own.group, why) != WEFT_OK)
        return EX_NOPERM;
    err = settle_services(c, why);
    if (err != WEFT_OK)
        return code_of(err);
    if (wf_app_spawn(sys, run) == WEFT_OK)
        return EX_OK;
    weft_explain(why, "no memory for the application");
    return EX_OSERR;
}

static int run_tree(const wf_app_command *c, const weft_supervisor *tree)
{
    wf_app_run app_run = {.tree = tree};
    weft_why why = {""};
    raise_descriptors();
    weft_system_options options = options_of(c);
    weft_system *sys = weft_system_new(&options);
    if (sys == NULL)
        return refuse(c, EX_OSERR, "memory, threads or descriptors are out");
    int code = prepare(c, sys, &app_run, &why);
    if (code != EX_OK) {
        weft_system_free(&sys);
        return refuse(c, code, why.text);
    }
    code = weft_run(&sys);
    if (app_run.code != 0)
        return app_run.code;
    return code != EX_OK ? code : services_code(c);
}

/* Only one child of the tree, in this process: as the user that the program has become. */
static int run_isolated(const wf_app_command *c, const weft_supervisor *tree)
{
    weft_system_options options = options_of(c);
    weft_isolation how = isolation_of(c);
    raise_descriptors();
    return weft_isolated_main(tree, &how, &options);
}

static int run(wf_app_command *c)
{
    weft_why why = {""};
    wf_app_tree *tree = NULL;
    int code;
    weft_err err = check_services(c, &why);
    if (err == WEFT_OK)
        err = wf_app_tree_new(c, &tree, &why);
    if (err == WEFT_OK && !c->own.print_tree && !weft_is_isolated())
        err = wf_sockets_check(wf_app_tree_root(tree), &why);
    if (err != WEFT_OK)
        code = refuse(c, code_of(err), why.text);
    else if (c->own.print_tree) {
        wf_app_tree_print(c->name, wf_app_tree_root(tree), stdout);
        code = wf_app_printed(stdout);
    } else if (weft_is_isolated())
        code = run_isolated(c, wf_app_tree_root(tree));
    else
        code = run_tree(c, wf_app_tree_root(tree));
    wf_app_tree_free(tree);
    services_done(c);
    return code;
}

/* ---- the command line */

static const char *name_of(const weft_app *app, int argc, char **argv)
{
    if (app->name != NULL)
        return app->name;
    if (argc < 1)
        return "app";
    const char *slash = strrchr(argv[0], '/');
    return slash != NULL ? slash + 1 : argv[0];
}

/* The rest of the words are for these. */
static int serve(wf_app_command *c, weft_option_words *words)
{
    static const weft_option none[] = {{0}};
    weft_why why = {""};
    for (size_t i = 0; i < c->run_n; i++) {
        const weft_service *s = c->run[i];
        c->sets[WF_SET_SERVICES + i] =
            (weft_option_set){.rows = s->options != NULL ? s->options : none, .to = s->settings};
    }
    weft_err err = weft_options_read(c->sets, WF_SET_SERVICES + c->run_n, words, false, &why);
    if (err != WEFT_OK)
        return refuse(c, err == WEFT_ENOMEM ? EX_OSERR : EX_USAGE, why.text);
    if (c->common.help)
        return wf_app_print_help(c, stdout);
    if (c->common.version)
        return wf_app_print_version(c);
    if (c->common.print_config)
        return wf_app_print_config(c);
    return run(c);
}

/* `list`, `help` and the program's own; -1: the word is none of them. */
static int print_word(const wf_app_command *c, const char *word, const weft_option_words *words)
{
    const weft_app_word *own = c->app->words;
    bool list = strcmp(word, "list") == 0, help = strcmp(word, "help") == 0;
    while (own != NULL && own->name != NULL && strcmp(own->name, word) != 0)
        own++;
    if (!list && !help && (own == NULL || own->name == NULL))
        return -1;
    if (words->next < words->count && strcmp(words->at[words->next], "--help") != 0) {
        weft_why why;
        weft_explain(&why, "%s takes nothing behind it", word);
        return refuse(c, EX_USAGE, why.text);
    }
    if (list)
        return wf_app_print_list(c);
    if (help)
        return wf_app_print_help(c, stdout);
    own->print(stdout);
    return wf_app_printed(stdout);
}

static int choose(wf_app_command *c, weft_option_words *words)
{
    const weft_service *nearest;
    weft_why why;
    const char *word = words->at[words->next++];
    int code = print_word(c, word, words);
    if (code >= 0)
        return code;
    c->run = wf_app_find(c, word, &nearest);
    if (c->run != NULL) {
        c->run_n = 1;
        c->chosen = c->run[0];
        return serve(c, words);
    }
    if (nearest != NULL)
        weft_explain(
            &why, "there is no service \"%.40s\"; the nearest is \"%s\": %s (%s list names all)",
            word, nearest->name, nearest->summary != NULL ? nearest->summary : "", c->name);
    else
        weft_explain(&why, "there is no service \"%.40s\", nor any other", word);
    return refuse(c, EX_USAGE, why.text);
}

/* Options before the name of a service are those that every service has. */
static int dispatch(wf_app_command *c, weft_option_words *words)
{
    weft_why why = {""};
    if (!c->app->choose) {
        c->run = c->all;
        c->run_n = c->n;
        return serve(c, words);
    }
    weft_err err = weft_options_read(c->sets, WF_SET_SERVICES, words, true, &why);
    if (err != WEFT_OK)
        return refuse(c, err == WEFT_ENOMEM ? EX_OSERR : EX_USAGE, why.text);
    if (words->next < words->count)
        return choose(c, words);
    if (c->common.version)
        return wf_app_print_version(c);
    if (c->common.help)
        return wf_app_print_help(c, stdout);
    (void)wf_app_print_help(c, stderr);
    return EX_USAGE;
}

_Static_assert(sizeof own_options / sizeof *own_options <= WF_OWN_ROWS, "there is room for all");

static const weft_option *own_rows(wf_app_command *c)
{
    size_t n = 0;
    for (const weft_option *row = own_options; row->name != NULL; row++)
        if ((c->app->plugins || row->at != offsetof(wf_app_settings, plugins)) &&
            (c->app->admin != NULL || row->at != offsetof(wf_app_settings, admin)))
            c->own_rows[n++] = *row;
    return c->own_rows;
}

int weft_main(const weft_app *app, int argc, char **argv)
{
    wf_app_command c = {.app = app, .name = name_of(app, argc, argv), .argv = argv};
    weft_option_words words = {.at = argv, .count = argc, .next = argc > 0 ? 1 : 0};
    weft_why why = {""};
    c.sets[WF_SET_COMMON] = (weft_option_set){.rows = weft_common_options, .to = &c.common};
    c.sets[WF_SET_OWN] = (weft_option_set){.rows = own_rows(&c), .to = &c.own};
    weft_err err = wf_app_gather(&c, &words, &why);
    int code = err == WEFT_OK ? dispatch(&c, &words)
                              : refuse(&c, err == WEFT_ELIMIT ? EX_SOFTWARE : EX_CONFIG, why.text);
    for (size_t i = 0; i < WF_SET_SERVICES + c.run_n; i++)
        if (c.sets[i].rows != NULL)
            weft_options_done(&c.sets[i]);
    return code;
}
