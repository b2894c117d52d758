/* SPDX-License-Identifier: MIT */
/* Help pages, made of the tables that they describe. */
#include "help.h"

#include <string.h>

enum { NAME_WIDTH = 26 };

static const char page[] =
    "usage: weftd SERVICE [OPTIONS]     runs a service until SIGINT or SIGTERM\n"
    "       weftd SERVICE --help        says what its options are\n"
    "       weftd list                  names the services\n"
    "       weftd urls                  says how URLs are written and what options they have\n";

static const char codes[] =
    "exit codes: 0 ended in order; 64 wrong command line; 69 an address is not to be had;\n"
    "            70 ended by a failure; 71 the system refused something weftd needs;\n"
    "            78 what an option names cannot be used\n";

/* "--listen URL", "--help", "FROM". */
static void print_row(const option *row, FILE *to)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s%s%s%s", row->positional ? "" : "--", row->name,
                   row->value != NULL ? " " : "", row->value != NULL ? row->value : "");
    (void)fprintf(to, "  %-*s %s", NAME_WIDTH, name, row->help);
    if (row->unset != NULL)
        (void)fprintf(to, " [%s]", row->unset);
    (void)putc('\n', to);
}

static void print_rows(const char *title, const option *rows, FILE *to)
{
    if (rows->name == NULL)
        return;
    (void)fprintf(to, "\n%s:\n", title);
    for (; rows->name != NULL; rows++)
        print_row(rows, to);
}

void help_print_list(FILE *to)
{
    for (const service *const *s = services; *s != NULL; s++)
        (void)fprintf(to, "%-10s %s\n", (*s)->name, (*s)->summary);
}

void help_print(FILE *to)
{
    (void)fprintf(to, "%s\nservices:\n", page);
    for (const service *const *s = services; *s != NULL; s++)
        (void)fprintf(to, "  %-*s %s\n", NAME_WIDTH, (*s)->name, (*s)->summary);
    print_rows("options of every service", common_options, to);
    (void)fprintf(to,
                  "\nAn option's value follows in the next word or behind a \"=\".\n"
                  "Without --listen a service is reached from this machine only.\n\n%s",
                  codes);
}

void help_print_service(const service *s, FILE *to)
{
    (void)fprintf(to, "usage: weftd %s", s->name);
    for (const option *row = s->options; row->name != NULL; row++)
        if (row->positional)
            (void)fprintf(to, " %s", row->name);
    (void)fprintf(to, " [OPTIONS]\n\n%s: %s\n", s->name, s->summary);
    if (s->about != NULL)
        (void)fprintf(to, "%s\n", s->about);
    print_rows("options", s->options, to);
    print_rows("options of every service", common_options, to);
    (void)fprintf(to, "\nexample:\n  %s\n\n%s", s->example, codes);
}
