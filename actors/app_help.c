/* SPDX-License-Identifier: MIT */
/* What an application prints about itself, made of the tables that it describes. */
#include <string.h>
#include <sysexits.h>

#include <weft/version.h>

#include "app.h"

enum { NAME_WIDTH = 26, WORD_WIDTH = 10, USAGE_WIDTH = 20 };

static const char codes[] =
    "exit codes: 0 ended in order; 64 wrong command line; 69 an address is not to be had, or\n"
    "            unable to start; 70 ended by a failure; 71 the system refused something it\n"
    "            needs; 77 no such user, or not allowed; 78 what an option names cannot be used\n";

int wf_app_printed(FILE *to)
{
    return fflush(to) == 0 && ferror(to) == 0 ? EX_OK : EX_IOERR;
}

static const char *summary_of(const weft_service *s)
{
    return s->summary != NULL ? s->summary : "";
}

static void print_words(const weft_service *s, FILE *to)
{
    for (const weft_option *row = s->options; row != NULL && row->name != NULL; row++)
        if (row->positional)
            (void)fprintf(to, row->kind == WEFT_OPTION_TEXTS ? " [%s...]" : " %s", row->name);
}

static void print_common(const wf_app_command *c, const char *title, FILE *to)
{
    weft_options_print_help(title, c->sets[WF_SET_OWN].rows, to);
    weft_options_print_help("common options", weft_common_options, to);
}

static void print_service(const wf_app_command *c, const weft_service *s, FILE *to)
{
    (void)fprintf(to, "usage: %s %s", c->name, s->name);
    print_words(s, to);
    (void)fprintf(to, " [OPTIONS]\n\n%s: %s\n", s->name, summary_of(s));
    if (s->about != NULL)
        (void)fprintf(to, "%s\n", s->about);
    weft_options_print_help("options", s->options, to);
    print_common(c, "options of every service", to);
    if (s->example != NULL)
        (void)fprintf(to, "\nexample:\n  %s\n", s->example);
    (void)fprintf(to, "\n%s", codes);
}

static void print_usage(const wf_app_command *c, const char *what, const char *help, FILE *to)
{
    (void)fprintf(to, "       %s %-*s %s\n", c->name, USAGE_WIDTH, what, help);
}

/* Of a program whose first word chooses. */
static void print_choice(const wf_app_command *c, FILE *to)
{
    (void)fprintf(to, "usage: %s %-*s %s\n", c->name, USAGE_WIDTH, "SERVICE [OPTIONS]",
                  "runs a service until SIGINT or SIGTERM");
    print_usage(c, "SERVICE --help", "says what its options are", to);
    print_usage(c, "list", "names the services", to);
    for (const weft_app_word *w = c->app->words; w != NULL && w->name != NULL; w++)
        print_usage(c, w->name, w->help, to);
    (void)fprintf(to, "\nservices:\n");
    for (size_t i = 0; i < c->n; i++)
        (void)fprintf(to, "  %-*s %s\n", NAME_WIDTH, c->all[i]->name, summary_of(c->all[i]));
    print_common(c, "options of every service", to);
    (void)fprintf(to,
                  "\nAn option's value follows in the next word or behind a \"=\".\n"
                  "Without --listen a service is reached from this machine only.\n\n%s",
                  codes);
}

static void print_all(const wf_app_command *c, FILE *to)
{
    char title[96];
    (void)fprintf(to, "usage: %s", c->name);
    for (size_t i = 0; i < c->n; i++)
        print_words(c->all[i], to);
    (void)fprintf(to, " [OPTIONS]\n");
    if (c->app->summary != NULL)
        (void)fprintf(to, "\n%s: %s\n", c->name, c->app->summary);
    for (size_t i = 0; i < c->n; i++) {
        (void)snprintf(title, sizeof title, "options of %s", c->all[i]->name);
        weft_options_print_help(title, c->all[i]->options, to);
    }
    print_common(c, "options of the program", to);
    (void)fprintf(to, "\n%s", codes);
}

int wf_app_print_help(const wf_app_command *c, FILE *to)
{
    if (c->chosen != NULL)
        print_service(c, c->chosen, to);
    else if (c->app->choose)
        print_choice(c, to);
    else
        print_all(c, to);
    return wf_app_printed(to);
}

int wf_app_print_list(const wf_app_command *c)
{
    for (size_t i = 0; i < c->n; i++)
        (void)printf("%-*s %s\n", WORD_WIDTH, c->all[i]->name, summary_of(c->all[i]));
    return wf_app_printed(stdout);
}

int wf_app_print_config(const wf_app_command *c)
{
    if (c->chosen != NULL)
        (void)printf("service: %s\n", c->chosen->name);
    for (size_t i = WF_SET_SERVICES + c->run_n; i-- > 0;)
        weft_options_print_yaml(&c->sets[i], stdout);
    return wf_app_printed(stdout);
}

int wf_app_print_version(const wf_app_command *c)
{
    (void)printf("%s %s\n", c->name, c->app->version != NULL ? c->app->version : WEFT_VERSION);
    return wf_app_printed(stdout);
}
