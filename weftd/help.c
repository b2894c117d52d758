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
    weft_options_print_help("options of every service", weft_common_options, to);
    (void)fprintf(to,
                  "\nAn option's value follows in the next word or behind a \"=\".\n"
                  "Without --listen a service is reached from this machine only.\n\n%s",
                  codes);
}

void help_print_service(const service *s, FILE *to)
{
    (void)fprintf(to, "usage: weftd %s", s->name);
    for (const weft_option *row = s->options; row->name != NULL; row++)
        if (row->positional)
            (void)fprintf(to, " %s", row->name);
    (void)fprintf(to, " [OPTIONS]\n\n%s: %s\n", s->name, s->summary);
    if (s->about != NULL)
        (void)fprintf(to, "%s\n", s->about);
    weft_options_print_help("options", s->options, to);
    weft_options_print_help("options of every service", weft_common_options, to);
    (void)fprintf(to, "\nexample:\n  %s\n\n%s", s->example, codes);
}
