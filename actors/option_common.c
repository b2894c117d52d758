/* SPDX-License-Identifier: MIT */
/* The options that every program has, and help pages made of tables. */
#include <weft/options.h>
#include <weft/system.h>

enum { NAME_WIDTH = 26 };

/* In the order of weft_level and weft_log_format. */
static const char *const levels[] = {"debug", "info", "notice", "warning", "error", "none", NULL};
static const char *const formats[] = {"auto", "text", "json", NULL};

const weft_option weft_common_options[] = {
    {.name = "threads",
     .kind = WEFT_OPTION_COUNT,
     .value = "N",
     .unset = "1",
     .at = offsetof(weft_common_settings, threads),
     .min = 1,
     .max = WEFT_REACTORS_MAX,
     .help = "threads that serve; connections are spread over them"},
    {.name = "log-level",
     .kind = WEFT_OPTION_CHOICE,
     .value = "LEVEL",
     .unset = "notice",
     .at = offsetof(weft_common_settings, log_level),
     .words = levels,
     .help = "the least that is logged: debug, info, notice, warning, error or none"},
    {.name = "log-format",
     .kind = WEFT_OPTION_CHOICE,
     .value = "FORMAT",
     .unset = "auto",
     .at = offsetof(weft_common_settings, log_format),
     .words = formats,
     .help = "text, json, or auto: text on a terminal, JSON lines elsewhere"},
    {.name = "print-config",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(weft_common_settings, print_config),
     .action = true,
     .help = "print what the options come to, as YAML, and do nothing"},
    {.name = "help",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(weft_common_settings, help),
     .action = true,
     .help = "print this and do nothing"},
    {.name = "version",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(weft_common_settings, version),
     .action = true,
     .help = "print the version and do nothing"},
    {0},
};

/* "--listen URL", "--help", "FROM", "-t, --read-recipients". */
static void print_row(const weft_option *row, FILE *to)
{
    char name[80];
    size_t n = 0;
    for (const char *at = row->letters; at != NULL && *at != '\0' && n < 16; at++)
        n += (size_t)snprintf(name + n, sizeof name - n, "-%c, ", *at);
    (void)snprintf(name + n, sizeof name - n, "%s%s%s%s", row->positional ? "" : "--", row->name,
                   row->value != NULL ? " " : "", row->value != NULL ? row->value : "");
    (void)fprintf(to, "  %-*s %s", NAME_WIDTH, name, row->help);
    if (row->unset != NULL)
        (void)fprintf(to, " [%s]", row->unset);
    (void)putc('\n', to);
}

void weft_options_print_help(const char *title, const weft_option *rows, FILE *to)
{
    if (rows == NULL || rows->name == NULL)
        return;
    (void)fprintf(to, "\n%s:\n", title);
    for (; rows->name != NULL; rows++)
        print_row(rows, to);
}
