/* SPDX-License-Identifier: MIT */
/* The operator's end: a terminal joined with a running weftd's console, or one command and its answer. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include <weft/console.h>
#include <weft/net.h>
#include <weft/process.h>
#include <weft/telnet.h>

#include "services.h"

typedef struct console_settings {
    const char *to, *who, *type, *node;
    weft_option_texts fields;
    uint32_t count;    /* of a tap; 0: until it is stopped */
    uint32_t limit_ms; /* of an ask */
    const char *verb;  /* NULL: a terminal */
    weft_err err;
    bool refused; /* the answer is an error */
    bool begun;   /* something of it has come */
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
#define OPTION_ROW_FIELDS                                             \
    {                                                                 \
        .name = "FIELD=VALUE", .kind = WEFT_OPTION_TEXTS,             \
        .at = offsetof(console_settings, fields), .positional = true, \
        .help = "what it says: amount=5 name=\"a b\" order={id=7}"    \
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

typedef struct ends {
    weft_ref console, terminal;
    weft_window shown; /* the window the console knows of */
    bool leaving;
} ends;

static weft_err leave(weft_actor *self, weft_err err, const char *why)
{
    ends *e = weft_state(self);
    if (e->leaving)
        return WEFT_OK;
    e->leaving = true;
    settings.err = err;
    if (err != WEFT_OK)
        (void)fprintf(stderr, "weftd %s: %s (%s)\n",
                      settings.verb != NULL ? settings.verb : "console", why, weft_err_name(err));
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

/* Says that the service is up, which must not take longer than a start may, and begins. */
typedef struct console_begin {
    char nothing;
} console_begin;
static const weft_type console_begin_type = WEFT_TYPE("weft.console_begin", console_begin, NULL);

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_tell(self, weft_self(self), console_begin, .nothing = 0);
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    ends *e = weft_state(self);
    (void)msg;
    if (settings.to == NULL)
        return leave(self, WEFT_EINVAL, "--to says where, such as --to unix:web.admin");
    e->console = weft_connect(self, settings.to, weft_self(self));
    return weft_ref_is_nobody(e->console) ? leave(self, WEFT_ENOMEM, "no memory") : WEFT_OK;
}

/* ---- a terminal */

static weft_window window(void)
{
    struct winsize size;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0)
        return (weft_window){.rows = 0};
    return (weft_window){.rows = size.ws_row, .columns = size.ws_col};
}

static weft_err join(weft_actor *self, ends *e)
{
    const char *terminal = getenv("TERM");
    weft_why why = {""};
    e->shown = window();
    weft_telnet_options options = {
        .client = true,
        .quiet = true,
        .columns = e->shown.columns,
        .rows = e->shown.rows,
        .terminal =
            terminal != NULL && strlen(terminal) < WEFT_TELNET_TERMINAL_BYTES ? terminal : NULL};
    weft_err err = weft_telnet_speak(self, e->console, &options, &why);
    if (err == WEFT_OK)
        err = weft_write_text(self, e->console, "console\n");
    if (err == WEFT_OK) {
        e->terminal = weft_connect(self, "stdio:?raw=on", weft_self(self));
        err = weft_ref_is_nobody(e->terminal) ? WEFT_ENOMEM : WEFT_OK;
    }
    return err == WEFT_OK ? WEFT_OK : leave(self, err, "the terminal cannot be joined");
}

/* Told with the next key: a terminal says nothing by itself when it is made larger. */
static void watch_window(weft_actor *self, ends *e)
{
    weft_window now = window();
    if (now.rows == e->shown.rows && now.columns == e->shown.columns)
        return;
    e->shown = now;
    (void)!weft_telnet_resize(self, e->console, now.columns, now.rows);
}

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

/* A tap is over when this end closes, or the other one does. */
static weft_err ask(weft_actor *self, const ends *e)
{
    char *line = command();
    if (line == NULL)
        return leave(self, WEFT_ENOMEM, "no memory");
    weft_err err = weft_write_copy(self, e->console, line, strlen(line));
    free(line);
    if (err == WEFT_OK && strcmp(settings.verb, "tap") != 0)
        err = weft_end(self, e->console);
    return err == WEFT_OK ? WEFT_OK : leave(self, err, "the command cannot be sent");
}

static weft_err print(weft_actor *self, weft_bytes bytes)
{
    if (!settings.begun && bytes.size != 0) {
        settings.begun = true;
        settings.refused = bytes.at[0] == 'e' && settings.verb != NULL && bytes.size >= 7 &&
                           memcmp(bytes.at, "error: ", 7) == 0;
    }
    if (fwrite(bytes.at, 1, bytes.size, settings.refused ? stderr : stdout) != bytes.size)
        return leave(self, WEFT_EIO, "unable to write to the standard output");
    if (strcmp(settings.verb, "tap") != 0)
        return WEFT_OK;
    if (settings.refused) /* the console waits for another command */
        return weft_close(self, ((const ends *)weft_state(self))->console);
    return fflush(stdout) == 0 ? WEFT_OK
                               : leave(self, WEFT_EIO, "unable to write to the standard output");
}

/* ---- what the two streams say */

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    ends *e = weft_state(self);
    if (!weft_ref_same(weft_sender(msg), e->console))
        return WEFT_OK;
    return settings.verb != NULL ? ask(self, e) : join(self, e);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    ends *e = weft_state(self);
    const weft_data *data = weft_body(msg);
    weft_err err;
    if (settings.verb != NULL)
        return print(self, data->bytes);
    bool keys = weft_ref_same(data->stream, e->terminal);
    if (keys)
        watch_window(self, e);
    err = weft_write(self, keys ? e->console : e->terminal, data->bytes);
    return err == WEFT_OK || err == WEFT_EGONE ? WEFT_OK : leave(self, err, weft_err_text(err));
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    const ends *e = weft_state(self);
    weft_ref other = weft_ref_same(weft_sender(msg), e->console) ? e->terminal : e->console;
    if (settings.verb == NULL)
        (void)weft_close(self, other);
    return weft_close(self, weft_sender(msg));
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const ends *e = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    bool console = weft_ref_same(closed->stream, e->console);
    if (fflush(stdout) != 0)
        return leave(self, WEFT_EIO, "unable to write to the standard output");
    if (console && settings.verb == NULL && !weft_ref_is_nobody(e->terminal) &&
        closed->reason == WEFT_EDONE)
        return weft_close(self, e->terminal); /* what it still has to show comes first */
    return leave(self, closed->reason == WEFT_EDONE ? WEFT_OK : closed->reason, closed->why);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &console_begin_type, .fn = on_begin},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour operator_behaviour = {
    .name = "operator", .handlers = handlers, .state_bytes = sizeof(ends)};

static weft_err add_operator(weft_children *to, const char *verb, weft_why *why)
{
    settings.verb = verb;
    const weft_child child = {
        .name = "operator", .behaviour = &operator_behaviour, .restart = WEFT_RESTART_NEVER};
    return weft_children_add(to, &child, why);
}

int console_code(void)
{
    if (settings.refused)
        return EX_DATAERR;
    return settings.err == WEFT_OK       ? EX_OK
           : settings.err == WEFT_EINVAL ? EX_USAGE
                                         : EX_UNAVAILABLE;
}

static int operator_code(const void *at)
{
    (void)at;
    return console_code();
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
    "an\nanswer that is an error, and 69 for a console that cannot be reached."

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
                                         .code = operator_code}

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
    .summary = "look into what runs elsewhere, on this terminal",
    .about = ABOUT "\n\"help\" lists its commands; Tab completes; Ctrl-D leaves.",
    .example = "weftd console --to unix:web.admin",
    .options = plain_options,
    .settings = &settings,
    .children = console_children,
    .code = operator_code,
};
