/* SPDX-License-Identifier: MIT */
/* The services for operators of what runs elsewhere: a command each, and the console. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/console.h>

#include "operator.h"
#include "services.h"

typedef struct console_settings {
    const char *to, *who, *type, *node;
    weft_option_texts fields;
    uint32_t count;    /* of a tap; 0: until it is stopped */
    uint32_t limit_ms; /* of an ask */
    const char *verb;  /* NULL: a terminal, or lines */
    char *line;        /* of a verb: to be freed */
    operator_job job;
} console_settings;

/* One service runs, and these are its. */
static console_settings settings;

#define OPTION_ROW_TO                                                 \
    {                                                                 \
        .name = "to", .kind = WEFT_OPTION_CONNECT, .value = "URL",    \
        .at = offsetof(console_settings, to),                         \
        .help = "the console of what runs, as it was told by --admin" \
    }

static const weft_option plain_options[] = {OPTION_ROW_TO, {0}};
static const weft_option look_options[] = {
    {.name = "node",
     .kind = WEFT_OPTION_TEXT,
     .value = "NODE",
     .at = offsetof(console_settings, node),
     .help = "of another node that one is linked to, if that lets it (weftd node --operator)"},
    OPTION_ROW_TO,
    {0},
};
static const weft_option who_options[] = {
    {.name = "WHO",
     .kind = WEFT_OPTION_TEXT,
     .at = offsetof(console_settings, who),
     .positional = true,
     .help = "a name, or an actor as ps lists it: 0.1.2"},
    OPTION_ROW_TO,
    {0},
};
#define OPTION_ROW_WHO                                                                  \
    {                                                                                   \
        .name = "WHO", .kind = WEFT_OPTION_TEXT, .at = offsetof(console_settings, who), \
        .positional = true, .help = "a name, or an actor as ps lists it: 0.1.2"         \
    }
#define OPTION_ROW_TYPE                                                                   \
    {                                                                                     \
        .name = "TYPE", .kind = WEFT_OPTION_TEXT, .at = offsetof(console_settings, type), \
        .positional = true, .help = "the type of the message, which WHO must serve"       \
    }
#define OPTION_ROW_FIELDS                                                      \
    {                                                                          \
        .name = "FIELD=VALUE", .kind = WEFT_OPTION_TEXTS,                      \
        .at = offsetof(console_settings, fields), .positional = true,          \
        .help = "what it says: amount=5 name=\"a b\" order={id=7}; 16 at most" \
    }
static const weft_option tell_options[] = {
    OPTION_ROW_WHO, OPTION_ROW_TYPE, OPTION_ROW_FIELDS, OPTION_ROW_TO, {0}};
static const weft_option ask_options[] = {
    OPTION_ROW_WHO,
    OPTION_ROW_TYPE,
    OPTION_ROW_FIELDS,
    {.name = "limit",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "5s",
     .at = offsetof(console_settings, limit_ms),
     .min = 1,
     .max = WEFT_CONSOLE_ASK_MS_MAX,
     .help = "what the answer may take"},
    OPTION_ROW_TO,
    {0},
};
static const weft_option tap_options[] = {
    OPTION_ROW_WHO,
    {.name = "count",
     .kind = WEFT_OPTION_COUNT,
     .value = "N",
     .unset = "0",
     .at = offsetof(console_settings, count),
     .min = 0,
     .max = 1000000,
     .help = "messages to show; 0: until it is stopped"},
    OPTION_ROW_TO,
    {0},
};
static const weft_option level_options[] = {
    {.name = "LEVEL",
     .kind = WEFT_OPTION_TEXT,
     .at = offsetof(console_settings, who),
     .positional = true,
     .help = "debug, info, notice, warning, error or none"},
    OPTION_ROW_TO,
    {0},
};

/* ---- one command */

/* The shell took the quotes away: a value with blanks or the like gets them back. One that begins with a quote or a
 * brace is left as it is. */
static void put_field(FILE *to, const char *word)
{
    const char *value = strchr(word, '=');
    value = value != NULL ? value + 1 : word;
    bool plain = value == word || value[0] == '"' || value[0] == '{' ||
                 (value[0] != '\0' && value[strcspn(value, " \t\r\n\"\\{}")] == '\0');
    (void)fprintf(to, " %.*s", (int)(value - word), word);
    if (plain) {
        for (; *value != '\0'; value++)
            (void)putc(*value == '\n' || *value == '\r' ? ' ' : *value, to); /* within braces */
        return;
    }
    (void)putc('"', to);
    for (; *value != '\0'; value++)
        if (*value == '\n' || *value == '\r' || *value == '\t')
            (void)fprintf(to, "\\%c", *value == '\n' ? 'n' : *value == '\r' ? 'r' : 't');
        else
            (void)fprintf(to, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
    (void)putc('"', to);
}

/* The line of the command. errors: NULL: no memory, to be freed. */
static char *command(void)
{
    char *line = NULL;
    size_t n;
    FILE *to = open_memstream(&line, &n);
    if (to == NULL)
        return NULL;
    if (settings.node != NULL)
        (void)fprintf(to, "at %s ", settings.node);
    (void)fputs(settings.verb, to);
    if (strcmp(settings.verb, "ask") == 0)
        (void)fprintf(to, " --limit %u", settings.limit_ms);
    if (settings.who != NULL)
        (void)fprintf(to, " %s", settings.who);
    if (settings.type != NULL)
        (void)fprintf(to, " %s", settings.type);
    if (settings.count != 0)
        (void)fprintf(to, " %u", settings.count);
    for (size_t i = 0; i < settings.fields.count; i++)
        put_field(to, settings.fields.at[i]);
    (void)putc('\n', to);
    if (fclose(to) == 0)
        return line;
    free(line);
    return NULL;
}

static weft_err add_operator(weft_children *to, const char *verb, weft_why *why)
{
    bool people = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
    settings.verb = verb;
    if (verb != NULL) {
        settings.line = command();
        if (settings.line == NULL)
            return weft_because(why, WEFT_ENOMEM, "no memory for the command");
    }
    settings.job = (operator_job){.mode = verb != NULL ? OPERATOR_COMMAND
                                          : people     ? OPERATOR_PEOPLE
                                                       : OPERATOR_LINES,
                                  .name = verb != NULL ? verb : "console",
                                  .to = settings.to,
                                  .line = settings.line,
                                  .stays = verb != NULL && strcmp(verb, "tap") == 0};
    const weft_child child = {.name = "operator",
                              .behaviour = &operator_behaviour,
                              .config = &settings.job,
                              .restart = WEFT_RESTART_NEVER};
    return weft_children_add(to, &child, why);
}

int console_code(void)
{
    return operator_exit_code(&settings.job);
}

void console_done(void)
{
    free(settings.line);
    settings.line = NULL;
}

static int operator_code(const void *at)
{
    (void)at;
    return console_code();
}

static void operator_done(void *at)
{
    (void)at;
    console_done();
}

weft_err console_operate(weft_children *to, const char *verb, const char *who, const char *console,
                         weft_why *why)
{
    settings.who = who;
    settings.to = console;
    return add_operator(to, verb, why);
}

#define ABOUT                                                                               \
    "The console is that of a service that was given --admin URL. The exit code is 65 for " \
    "an\nanswer that is an error, and 69 for a console that cannot be reached, or is none."

#define SERVICE(word, said, rows, shown)                                                   \
    static weft_err word##_children(void *at, weft_children *to, weft_why *why)            \
    {                                                                                      \
        (void)at;                                                                          \
        return add_operator(to, #word, why);                                               \
    }                                                                                      \
    const weft_service service_##word = {.name = #word,                                    \
                                         .summary = (said),                                \
                                         .about = ABOUT,                                   \
                                         .example = "weftd " shown " --to unix:web.admin", \
                                         .options = (rows),                                \
                                         .settings = &settings,                            \
                                         .children = word##_children,                      \
                                         .code = operator_code,                            \
                                         .done = operator_done}

SERVICE(tree, "show who is whose child in what runs elsewhere", look_options, "tree");
SERVICE(ps, "list the actors of what runs elsewhere", look_options, "ps");
SERVICE(top, "list the busiest actors of what runs elsewhere", look_options, "top");
SERVICE(names, "list the names of actors of what runs elsewhere", look_options, "names");
SERVICE(reactors, "list the reactors of what runs elsewhere", look_options, "reactors");
SERVICE(cluster, "list the nodes that one that runs elsewhere is linked to", plain_options,
        "cluster");
SERVICE(children, "list what a supervisor elsewhere keeps", who_options, "children web");
SERVICE(stop, "end an actor of what runs elsewhere", who_options, "stop 0.7.1");
SERVICE(restart, "have an actor elsewhere begun again", who_options, "restart web");
SERVICE(kill, "end an actor elsewhere at once", who_options, "kill 0.7.1");
SERVICE(suspend, "have an actor elsewhere serve nothing", who_options, "suspend web");
SERVICE(resume, "have a suspended actor go on", who_options, "resume web");
SERVICE(tell, "send an actor elsewhere a message", tell_options, "tell counter add amount=5");
SERVICE(ask, "ask an actor elsewhere, and show its answer", ask_options,
        "ask counter add amount=5");
SERVICE(tap, "show what an actor elsewhere is told", tap_options, "tap counter --count 10");
SERVICE(log, "set what is logged elsewhere", level_options, "log debug");
SERVICE(shutdown, "stop what runs elsewhere", plain_options, "shutdown");

static weft_err console_children(void *at, weft_children *to, weft_why *why)
{
    (void)at;
    return add_operator(to, NULL, why);
}

const weft_service service_console = {
    .name = "console",
    .summary = "look into what runs elsewhere, on this terminal or by lines",
    .about =
        ABOUT "\n\"help\" lists its commands; Tab completes; Ctrl-D leaves. Without a terminal "
              "the lines of\nthe standard input are commands, each of which is answered.",
    .example = "weftd console --to unix:web.admin",
    .options = plain_options,
    .settings = &settings,
    .children = console_children,
    .code = operator_code,
    .done = operator_done,
};
