/* SPDX-License-Identifier: MIT */
/* Runs a command on another host: its input, output and exit code are this program's. */
#include <string.h>

#include <weft/net.h>

#include "services.h"
#include "ssh_target.h"

enum { FAILED = 255 }; /* as ssh has it */

typedef struct ssh_run_settings {
    ssh_target target;
    const char *host, *command;
    weft_option_texts env;
    int code;
} ssh_run_settings;

static ssh_run_settings settings;

static const weft_option ssh_run_options[] = {
    {.name = "USER@HOST",
     .kind = WEFT_OPTION_TEXT,
     .at = offsetof(ssh_run_settings, host),
     .positional = true,
     .help = "where it runs, and as whom; USER@HOST:PORT for another port than 22"},
    {.name = "COMMAND",
     .kind = WEFT_OPTION_TEXT,
     .at = offsetof(ssh_run_settings, command),
     .positional = true,
     .help = "what runs there, in one word, for a shell there to read"},
    {.name = "env",
     .kind = WEFT_OPTION_TEXTS,
     .value = "NAME=VALUE",
     .at = offsetof(ssh_run_settings, env),
     .help = "a variable it gets, if the host allows that one; may be given 16 times"},
    OPTION_ROWS_SSH(ssh_run_settings),
    {0},
};

/* ---- the actor: joins the standard input and output with the channel
 *
 *   stdio ── data ──▶ channel       what is written is borrowed from where it came, so that a slow side holds
 *   stdio ◀── data ── channel       the other one back */

typedef struct ssh_run {
    weft_ref stdio, stream, errors;
    bool stream_ended, errors_ended, exited, over;
} ssh_run;

typedef struct ssh_run_begin {
    char nothing;
} ssh_run_begin;
static const weft_type ssh_run_begin_type = WEFT_TYPE("ssh.run_begin", ssh_run_begin, NULL);

static ssh_run_settings *settings_of(const weft_actor *self)
{
    return (ssh_run_settings *)(uintptr_t)weft_config(self);
}

/* At the host, whose address is said; or here. */
static weft_err failed(weft_actor *self, bool there, weft_err err, const char *why)
{
    ssh_run_settings *s = settings_of(self);
    ssh_run *r = weft_state(self);
    if (r->over)
        return WEFT_OK;
    r->over = true;
    s->code = FAILED;
    if (there)
        ssh_target_failed(&s->target, "ssh-run", err, why);
    else
        (void)fprintf(stderr, "weftd ssh-run: %s (%s)\n", why, weft_err_name(err));
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

/* When both ways have ended and it is known how: what was said is flushed. */
static weft_err look(weft_actor *self)
{
    ssh_run *r = weft_state(self);
    if (!r->stream_ended || !r->errors_ended || !r->exited || r->over)
        return WEFT_OK;
    r->over = true;
    return weft_close(self, r->stdio);
}

/* The tree is up first. */
static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_tell(self, weft_self(self), ssh_run_begin, .nothing = 0);
}

static weft_err on_channel(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    ssh_run *r = weft_state(self);
    (void)msg;
    if (got->err != WEFT_OK)
        return failed(self, true, got->err, got->why);
    r->stream = ((const weft_ssh_channel *)got->body)->stream;
    r->errors = ((const weft_ssh_channel *)got->body)->errors;
    r->stdio = weft_connect(self, "stdio:", weft_self(self));
    if (weft_ref_is_nobody(r->stdio))
        return failed(self, false, WEFT_ENOMEM, "no memory");
    return WEFT_OK;
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    const ssh_run_settings *s = settings_of(self);
    const char *env[WEFT_OPTION_TEXTS_MAX + 1] = {NULL};
    weft_ref client = weft_spawn(self, &weft_ssh_client, &s->target.client);
    for (size_t i = 0; i < s->env.count; i++)
        env[i] = s->env.at[i];
    weft_deferred asked = weft_ssh_open(
        self, client, &(weft_ssh_call){.command = s->command, .env = env, .errors = true});
    return weft_when(msg, weft_within(self, asked, WEFT_NO_LIMIT), on_channel);
}

/* A standard error that is slow holds this up, and thereby the host: there is nobody else here. */
static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    const ssh_run *r = weft_state(self);
    if (weft_ref_same(data->stream, r->errors))
        (void)fwrite(data->bytes.at, 1, data->bytes.size, stderr);
    else
        (void)weft_write(self, weft_ref_same(data->stream, r->stream) ? r->stdio : r->stream,
                         data->bytes);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    weft_ref stream = ((const weft_ended *)weft_body(msg))->stream;
    ssh_run *r = weft_state(self);
    if (weft_ref_same(stream, r->stdio)) {
        (void)weft_end(self, r->stream);
        return WEFT_OK;
    }
    r->stream_ended |= weft_ref_same(stream, r->stream);
    r->errors_ended |= weft_ref_same(stream, r->errors);
    return look(self);
}

static weft_err on_exited(weft_actor *self, weft_msg *msg)
{
    const weft_ssh_exited *e = weft_body(msg);
    ssh_run *r = weft_state(self);
    settings_of(self)->code = e->code >= 0 ? e->code & 255 : FAILED;
    if (e->signal[0] != '\0')
        (void)fprintf(stderr, "weftd ssh-run: it was ended by signal %s\n", e->signal);
    r->exited = true;
    return look(self);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    const ssh_run *r = weft_state(self);
    /* what has ended may be closed while the other way has not */
    if ((r->stream_ended && weft_ref_same(closed->stream, r->stream)) ||
        (r->errors_ended && weft_ref_same(closed->stream, r->errors)))
        return WEFT_OK;
    if (!r->over)
        return failed(self, !weft_ref_same(closed->stream, r->stdio),
                      closed->reason == WEFT_EDONE ? WEFT_ELOST : closed->reason, closed->why);
    if (weft_ref_same(closed->stream, r->stdio))
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &ssh_run_begin_type, .fn = on_begin},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_ssh_exited_type, .fn = on_exited},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour ssh_run_behaviour = {
    .name = "ssh-run", .handlers = handlers, .state_bytes = sizeof(ssh_run)};

/* ---- the service */

static weft_err ssh_run_check(void *at, weft_why *why)
{
    ssh_run_settings *s = at;
    s->code = FAILED;
    if (s->command[0] == '\0')
        return weft_because(why, WEFT_EINVAL, "there is no command");
    return ssh_target_read(&s->target, s->host, strlen(s->host), why);
}

static weft_err ssh_run_children(void *at, weft_children *to, weft_why *why)
{
    const weft_child child = {.name = "command",
                              .behaviour = &ssh_run_behaviour,
                              .config = at,
                              .restart = WEFT_RESTART_NEVER};
    return weft_children_add(to, &child, why);
}

static int ssh_run_code(const void *at)
{
    return ((const ssh_run_settings *)at)->code;
}

const weft_service service_ssh_run = {
    .name = "ssh-run",
    .summary = "run a command on another host over SSH",
    .about =
        "It reads the standard input, and what it says comes out here. The exit code is its own;\n"
        "255 if a signal ended it, or if it could not be run. A host is believed by\n"
        "~/.ssh/known_hosts, as ssh has it.",
    .example = "weftd ssh-run ann@build.example 'make -C shop' --key ~/.ssh/id_ed25519",
    .options = ssh_run_options,
    .settings = &settings,
    .check = ssh_run_check,
    .children = ssh_run_children,
    .code = ssh_run_code,
};
