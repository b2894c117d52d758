/* SPDX-License-Identifier: MIT */
/* SP sockets on the command line, as nngcat and nanocat are. */
#include <string.h>
#include <sysexits.h>

#include <weft/log.h>
#include <weft/sp.h>
#include <weft/timer.h>

#include "services.h"

typedef struct sp_settings {
    weft_option_texts listen, dial, topics;
    const char *data;
    uint32_t count, pipes, interval_ms, timeout_ms;
    weft_sp_config socket;
    /* what becomes of them */
    const char *listens[WEFT_OPTION_TEXTS_MAX + 1], *dials[WEFT_OPTION_TEXTS_MAX + 1],
        *prefixes[WEFT_OPTION_TEXTS_MAX + 1];
    weft_sp_kind kind;
    weft_err err;
} sp_settings;

static sp_settings settings;

static const weft_option sp_options[] = {
    {.name = "listen",
     .kind = WEFT_OPTION_TEXTS,
     .value = "URL",
     .at = offsetof(sp_settings, listen),
     .help = "listen there, such as nng+pull://127.0.0.1:5555; may be given 16 times"},
    {.name = "dial",
     .kind = WEFT_OPTION_TEXTS,
     .value = "URL",
     .at = offsetof(sp_settings, dial),
     .help = "stay connected there, such as nng+req+ipc:///run/app.sp; may be given 16 times"},
    {.name = "data",
     .kind = WEFT_OPTION_TEXT,
     .value = "TEXT",
     .at = offsetof(sp_settings, data),
     .help = "what is sent; of rep and respondent, what is answered: else what was asked"},
    {.name = "topic",
     .kind = WEFT_OPTION_TEXTS,
     .value = "TEXT",
     .at = offsetof(sp_settings, topics),
     .help = "of sub: messages that begin so; else all; may be given 16 times"},
    {.name = "count",
     .kind = WEFT_OPTION_COUNT,
     .value = "N",
     .unset = "0",
     .at = offsetof(sp_settings, count),
     .min = 0,
     .max = 1000000000,
     .help = "ends after so many were sent, or came if none are; 0: what needs one, others go on"},
    {.name = "pipes",
     .kind = WEFT_OPTION_COUNT,
     .value = "N",
     .unset = "1",
     .at = offsetof(sp_settings, pipes),
     .min = 1,
     .max = 1024,
     .help = "sends when so many peers are there"},
    {.name = "interval",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "1s",
     .at = offsetof(sp_settings, interval_ms),
     .min = 1,
     .max = 86400000,
     .help = "between one message that is sent and the next"},
    {.name = "timeout",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "1m",
     .at = offsetof(sp_settings, timeout_ms),
     .min = 1,
     .max = 86400000,
     .help = "for an answer, or until a message was taken"},
    {.name = "survey",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "1s",
     .at = offsetof(sp_settings, socket.survey_ms),
     .min = 1,
     .max = 86400000,
     .help = "how long answers to a survey are waited for"},
    {0},
};

typedef struct talker {
    bool begun;
    uint32_t sent, came;
} talker;

static sp_settings *settings_of(const weft_actor *self)
{
    return (sp_settings *)(uintptr_t)weft_config(self);
}

static bool answers(const sp_settings *s)
{
    return s->kind == WEFT_SP_REP || s->kind == WEFT_SP_RESPONDENT;
}

static bool hears_only(const sp_settings *s)
{
    return answers(s) || s->kind == WEFT_SP_PULL || s->kind == WEFT_SP_SUB || s->data == NULL;
}

static weft_err stop(weft_actor *self, weft_err err, const char *why)
{
    sp_settings *s = settings_of(self);
    s->err = err;
    if (err != WEFT_OK)
        (void)fprintf(stderr, "weftd sp: %s (%s)\n", why, weft_err_name(err));
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

/* One line each. A reader of the standard output that is slow holds this up, and thereby the peers. */
static weft_err print(weft_actor *self, weft_bytes bytes)
{
    if ((bytes.size != 0 && fwrite(bytes.at, 1, bytes.size, stdout) != bytes.size) ||
        putchar('\n') == EOF || fflush(stdout) != 0)
        return stop(self, WEFT_EIO, "unable to write to the standard output");
    return WEFT_OK;
}

/* ---- sending */

typedef struct sp_next {
    char nothing;
} sp_next;
static const weft_type sp_next_type = WEFT_TYPE("weftd.sp_next", sp_next, NULL);

static weft_err print_outcome(weft_actor *self, const weft_outcome *got)
{
    weft_err err = WEFT_OK;
    if (got->type == &weft_sp_message_type)
        return print(self, ((const weft_sp_message *)got->body)->bytes);
    if (got->type == &weft_sp_answers_type) {
        const weft_sp_answers *a = got->body;
        for (uint32_t i = 0; i < a->n && err == WEFT_OK; i++)
            err = print(self, a->at[i]);
    }
    return err;
}

static weft_err on_sent(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const sp_settings *s = settings_of(self);
    talker *t = weft_state(self);
    (void)msg;
    if (got->err != WEFT_OK)
        return stop(self, got->err, got->why);
    weft_err err = print_outcome(self, got);
    if (err != WEFT_OK)
        return err;
    bool talks = s->kind == WEFT_SP_PAIR || s->kind == WEFT_SP_PAIR1 || s->kind == WEFT_SP_BUS;
    if (++t->sent >= s->count && (s->count != 0 || !talks))
        return stop(self, WEFT_OK, "");
    return s->count != 0 && weft_after(self, s->interval_ms, sp_next, .nothing = 0).slot == 0
               ? WEFT_ENOMEM
               : WEFT_OK;
}

static weft_err on_next(weft_actor *self, weft_msg *msg)
{
    const sp_settings *s = settings_of(self);
    weft_bytes bytes = weft_bytes_static(s->data, strlen(s->data));
    return weft_when(msg,
                     weft_ask_within(self, weft_named(self, "sp.socket"), s->timeout_ms,
                                     weft_sp_message, .bytes = bytes),
                     on_sent);
}

static weft_err on_joined(weft_actor *self, weft_msg *msg)
{
    const sp_settings *s = settings_of(self);
    const weft_sp_joined *joined = weft_body(msg);
    talker *t = weft_state(self);
    if (hears_only(s) || t->begun || joined->pipes < s->pipes)
        return WEFT_OK;
    t->begun = true;
    return weft_tell(self, weft_self(self), sp_next, .nothing = 0);
}

/* ---- hearing */

static weft_err on_message(weft_actor *self, weft_msg *msg)
{
    const sp_settings *s = settings_of(self);
    const weft_sp_message *m = weft_body(msg);
    talker *t = weft_state(self);
    weft_err err = print(self, m->bytes);
    if (err == WEFT_OK && answers(s))
        err = weft_reply(msg, weft_sp_message,
                         .bytes = s->data != NULL ? weft_bytes_static(s->data, strlen(s->data))
                                                  : m->bytes);
    if (err == WEFT_OK && hears_only(s) && ++t->came == s->count)
        return stop(self, WEFT_OK, "");
    return err;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    const weft_down *down = weft_body(msg);
    return stop(self, down->reason != WEFT_OK ? down->reason : WEFT_EGONE, down->why);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    weft_ref socket = weft_spawn(self, &weft_sp, &settings_of(self)->socket);
    (void)msg;
    return weft_ref_is_nobody(socket) ? WEFT_ENOMEM : weft_monitor(self, socket);
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_sp_joined_type, .fn = on_joined},
    {.type = &weft_sp_message_type, .fn = on_message},
    {.type = &sp_next_type, .fn = on_next},
    {.type = &weft_down_type, .fn = on_down},
    {0},
};

static const weft_behaviour talks = {
    .name = "sp talker", .handlers = rows, .state_bytes = sizeof(talker)};

/* ---- the service */

static void copy_texts(const char **to, const weft_option_texts *from)
{
    for (size_t i = 0; i < from->count; i++)
        to[i] = from->at[i];
}

static weft_err sp_check(void *at, weft_why *why)
{
    static const char *const everything[] = {"", NULL};
    sp_settings *s = at;
    weft_sp_url url;
    if (s->listen.count + s->dial.count == 0)
        return weft_because(why, WEFT_EINVAL, "expected --listen URL or --dial URL");
    copy_texts(s->listens, &s->listen);
    copy_texts(s->dials, &s->dial);
    copy_texts(s->prefixes, &s->topics);
    s->socket.listen = s->listens;
    s->socket.dial = s->dials;
    s->socket.topics = s->topics.count != 0 ? s->prefixes : everything;
    s->socket.name = "sp.socket";
    for (size_t i = 0; i < s->listen.count + s->dial.count; i++) {
        bool listens = i < s->listen.count;
        weft_err err = weft_sp_url_parse(listens ? s->listens[i] : s->dials[i - s->listen.count],
                                         listens, &url, why);
        if (err != WEFT_OK)
            return err;
    }
    s->kind = url.kind;
    return WEFT_OK;
}

static weft_err sp_children(void *at, weft_children *to, weft_why *why)
{
    const weft_child child = {
        .name = "talker", .behaviour = &talks, .config = at, .restart = WEFT_RESTART_NEVER};
    return weft_children_add(to, &child, why);
}

static int sp_code(const void *at)
{
    return ((const sp_settings *)at)->err == WEFT_OK ? 0 : EX_UNAVAILABLE;
}

const weft_service service_sp = {
    .name = "sp",
    .summary = "talk to nanomsg and NNG programs: requests, queues, publications, surveys, pairs",
    .about = "What comes is printed, a line for each message; --data is what is sent, or answered. "
             "Peers may\n"
             "come later, and again: it stays connected. All URLs are of one kind; weftd urls says "
             "how they\n"
             "are written.",
    .example = "weftd sp --dial nng+req://127.0.0.1:5555 --data hello",
    .options = sp_options,
    .settings = &settings,
    .check = sp_check,
    .children = sp_children,
    .code = sp_code,
};
