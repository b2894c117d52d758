/* SPDX-License-Identifier: MIT */
/* The main function of applications: the command line, then the system, then the exit code. */
#include <weft/app.h>

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "app.h"
#include "privileges.h"
#include "sockets.h"

typedef struct own_settings {
    const char *user, *group;
} own_settings;

static const weft_option own_options[] = {
    {.name = "user",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .at = offsetof(own_settings, user),
     .help = "become this user, and its groups, once every address is open"},
    {.name = "group",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .at = offsetof(own_settings, group),
     .help = "become this group instead of the user's own"},
    {0},
};

enum { COMMON, OWN, SERVICES };

/* What the command line came to. */
typedef struct command {
    const weft_app *app;
    const char *name;
    weft_common_settings common;
    own_settings own;
    weft_option_set sets[SERVICES + WEFT_SERVICES_MAX];
    size_t n;
} command;

static int refuse(const command *c, int code, const char *text)
{
    (void)fprintf(stderr, "%s: %s\n", c->name, text);
    if (code == EX_USAGE)
        (void)fprintf(stderr, "%s --help says what there is\n", c->name);
    return code;
}

/* ---- what is only printed */

static int printed(void)
{
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? EX_OK : EX_IOERR;
}

static void print_words(const command *c)
{
    for (size_t i = SERVICES; i < c->n; i++)
        for (const weft_option *row = c->sets[i].rows; row->name != NULL; row++)
            if (row->positional)
                (void)printf(" %s", row->name);
}

static int print_help(const command *c)
{
    char title[96];
    (void)printf("usage: %s", c->name);
    print_words(c);
    (void)printf(" [OPTIONS]\n");
    if (c->app->summary != NULL)
        (void)printf("\n%s: %s\n", c->name, c->app->summary);
    for (size_t i = SERVICES; i < c->n; i++) {
        (void)snprintf(title, sizeof title, "options of %s", c->app->services[i - SERVICES].name);
        weft_options_print_help(title, c->sets[i].rows, stdout);
    }
    weft_options_print_help("options of the program", own_options, stdout);
    weft_options_print_help("common options", weft_common_options, stdout);
    (void)puts(
        "\nexit codes: 0 ended in order; 64 wrong command line; 69 unable to start; 70 ended by "
        "a\nfailure; 71 the system refused something; 77 no such user, or not allowed; 78 an "
        "option\nnames what cannot be used");
    return printed();
}

static int print_config(const command *c)
{
    for (size_t i = c->n; i-- > 0;)
        weft_options_print_yaml(&c->sets[i], stdout);
    return printed();
}

static int print_version(const command *c)
{
    (void)printf("%s %s\n", c->name, c->app->version != NULL ? c->app->version : WEFT_VERSION);
    return printed();
}

/* ---- what runs */

static weft_err check_services(const weft_app *app, weft_why *why)
{
    weft_err err = WEFT_OK;
    for (const weft_service *s = app->services; err == WEFT_OK && s != NULL && s->name != NULL; s++)
        if (s->check != NULL)
            err = s->check(s->settings, why);
    return err;
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

static weft_system *system_of(const command *c)
{
    weft_system_options o = {.reactors = 0};
    if (c->app->system != NULL)
        o = *c->app->system;
    o.reactors = c->common.threads;
    o.log_level = (weft_level)c->common.log_level;
    o.log_level_set = true;
    o.log_format = (weft_log_format)c->common.log_format;
    return weft_system_new(&o);
}

/* While there is one thread, and the rights the program was started with. */
static int prepare(const command *c, weft_system *sys, wf_app_run *run, weft_why *why)
{
    if (wf_sockets_open(sys, c->app->tree, why) != WEFT_OK)
        return EX_UNAVAILABLE;
    if (wf_privileges_drop(c->own.user, c->own.group, why) != WEFT_OK)
        return EX_NOPERM;
    if (wf_app_spawn(sys, run) == WEFT_OK)
        return EX_OK;
    weft_explain(why, "no memory for the application");
    return EX_OSERR;
}

static int run(const command *c)
{
    wf_app_run app_run = {.tree = c->app->tree};
    weft_why why = {""};
    if (check_services(c->app, &why) != WEFT_OK)
        return refuse(c, EX_CONFIG, why.text);
    raise_descriptors();
    weft_system *sys = system_of(c);
    if (sys == NULL)
        return refuse(c, EX_OSERR, "memory, threads or descriptors are out");
    int code = prepare(c, sys, &app_run, &why);
    if (code != EX_OK) {
        weft_system_free(&sys);
        return refuse(c, code, why.text);
    }
    code = weft_run(&sys);
    return app_run.code != 0 ? app_run.code : code;
}

static const char *name_of(const weft_app *app, int argc, char **argv)
{
    if (app->name != NULL)
        return app->name;
    if (argc < 1)
        return "app";
    const char *slash = strrchr(argv[0], '/');
    return slash != NULL ? slash + 1 : argv[0];
}

static bool gather(command *c)
{
    c->sets[COMMON] = (weft_option_set){.rows = weft_common_options, .to = &c->common};
    c->sets[OWN] = (weft_option_set){.rows = own_options, .to = &c->own};
    c->n = SERVICES;
    for (const weft_service *s = c->app->services; s != NULL && s->name != NULL; s++) {
        static const weft_option none[] = {{0}};
        if (c->n == SERVICES + WEFT_SERVICES_MAX)
            return false;
        c->sets[c->n++] =
            (weft_option_set){.rows = s->options != NULL ? s->options : none, .to = s->settings};
    }
    return true;
}

int weft_main(const weft_app *app, int argc, char **argv)
{
    command c = {.app = app, .name = name_of(app, argc, argv)};
    weft_option_words words = {.at = argv, .count = argc, .next = argc > 0 ? 1 : 0};
    weft_why why = {""};
    int code;
    if (!gather(&c))
        return refuse(&c, EX_SOFTWARE, "it has more than 16 services");
    weft_err err = weft_options_read(c.sets, c.n, &words, false, &why);
    if (err != WEFT_OK)
        code = refuse(&c, err == WEFT_ENOMEM ? EX_OSERR : EX_USAGE, why.text);
    else if (c.common.help)
        code = print_help(&c);
    else if (c.common.version)
        code = print_version(&c);
    else if (c.common.print_config)
        code = print_config(&c);
    else
        code = run(&c);
    for (size_t i = 0; i < c.n; i++)
        weft_options_done(&c.sets[i]);
    return code;
}
