/* SPDX-License-Identifier: MIT */
/* Shells and commands: a process behind a channel, with a terminal or with pipes.
 *
 *   channel ── data ──▶ process (0)         opened is kept until the process has started, so that nothing
 *   channel ◀────────── process (1)         comes before. What is written is borrowed from where it came, so a
 *   stderr  ◀────────── process (2)         slow side holds the other one back: there is no code for that here.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <weft/actor.h>
#include <weft/log.h>
#include <weft/ssh.h>

enum { ENV_TAKEN_MAX = 32 };

typedef struct shell {
    weft_ref channel, error;    /* of the peer */
    weft_ref process, out, err; /* of the process; @err nobody with a terminal */
    bool error_open;
    bool closing; /* the process has ended: what is written is flushed */
} shell;

/* ---- starting */

/* What a peer sets may decide what programs do (LD_PRELOAD): as with OpenSSH, its language alone is taken. */
static bool is_taken(const char *variable)
{
    return strncmp(variable, "LANG=", 5) == 0 || strncmp(variable, "LC_", 3) == 0;
}

static bool start(weft_actor *self, shell *s, const weft_ssh_session *session)
{
    const weft_ssh_shell_config *config = weft_config(self);
    const char *program = config != NULL && config->shell != NULL ? config->shell : "/bin/sh";
    const char *command[] = {program, "-c", session->command, NULL}, *alone[] = {program, NULL};
    const char *env[ENV_TAKEN_MAX + 4];
    char user[WEFT_AUTH_USER_BYTES + 8], login[WEFT_AUTH_USER_BYTES + 8], term[256];
    size_t n = 0;
    (void)snprintf(user, sizeof user, "USER=%s", session->user);
    (void)snprintf(login, sizeof login, "LOGNAME=%s", session->user);
    (void)snprintf(term, sizeof term, "TERM=%.200s", session->term);
    env[n++] = user;
    env[n++] = login;
    if (session->terminal)
        env[n++] = term;
    for (const char *const *e = session->env; *e != NULL && n < ENV_TAKEN_MAX + 3; e++)
        if (is_taken(*e))
            env[n++] = *e;
    env[n] = NULL;
    const weft_process_fd error = {.child = 2, .kind = WEFT_PROCESS_FROM};
    s->process = weft_process_start(self,
                                    &(weft_process_options){
                                        .argv = session->kind == WEFT_SSH_EXEC ? command : alone,
                                        .env = env,
                                        .dir = config != NULL ? config->dir : NULL,
                                        .group = WEFT_PROCESS_NEW_SESSION,
                                        .terminal = session->terminal ? &session->window : NULL,
                                        .joined = !session->terminal,
                                        .fds = session->terminal ? NULL : &error,
                                        .n_fds = session->terminal ? 0 : 1,
                                    },
                                    weft_self(self));
    if (weft_ref_is_nobody(s->process))
        return false;
    s->out = weft_process_stream(self, s->process, 0);
    if (session->terminal)
        return true;
    s->err = weft_process_stream(self, s->process, 2);
    s->error = weft_ssh_stderr(self, s->channel);
    s->error_open = !weft_ref_is_nobody(s->error);
    return s->error_open;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    shell *s = weft_state(self);
    if (!weft_ref_is_nobody(s->channel))
        return WEFT_OK; /* of the others */
    s->channel = opened->stream;
    const weft_ssh_session *session = weft_ssh_session_of(s->channel);
    if (session == NULL || !start(self, s, session))
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to start a program");
    return WEFT_OK;
}

/* ---- bytes */

static weft_ref to_of(const shell *s, weft_ref from)
{
    if (weft_ref_same(from, s->channel))
        return s->out;
    return weft_ref_same(from, s->err) ? s->error : s->channel;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    shell *s = weft_state(self);
    /* to what has closed: it says so itself; a program that does not read its input is no fault */
    (void)weft_write(self, to_of(s, data->stream), data->bytes);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    const weft_ended *ended = weft_body(msg);
    shell *s = weft_state(self);
    /* of the process: it is over when it has ended, whatever it closed before */
    if (weft_ref_same(ended->stream, s->channel) && !weft_ref_is_nobody(s->out))
        (void)weft_end(self, s->out);
    return WEFT_OK;
}

static weft_err on_window(weft_actor *self, weft_msg *msg)
{
    const weft_ssh_window *window = weft_body(msg);
    shell *s = weft_state(self);
    (void)weft_process_resize(self, s->process, window->window);
    return WEFT_OK;
}

/* The names of RFC 4254 section 6.10. */
static const struct signal_name {
    const char *name;
    int number;
} signals[] = {
    {"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"FPE", SIGFPE},   {"HUP", SIGHUP},   {"ILL", SIGILL},
    {"INT", SIGINT},   {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV},
    {"TERM", SIGTERM}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {NULL, 0},
};

static weft_err on_signal(weft_actor *self, weft_msg *msg)
{
    const weft_ssh_signal *signal = weft_body(msg);
    shell *s = weft_state(self);
    for (const struct signal_name *row = signals; row->name != NULL; row++)
        if (strcmp(row->name, signal->name) == 0)
            return weft_process_signal(self, s->process, row->number, true);
    return WEFT_OK;
}

/* ---- the end */

static void say_how(weft_actor *self, const shell *s, const weft_process_ended *ended)
{
    const struct signal_name *row = signals;
    while (row->name != NULL && row->number != ended->signal)
        row++;
    if (ended->err != WEFT_OK)
        (void)weft_ssh_exit(self, s->channel, 127);
    else if (ended->signal == 0)
        (void)weft_ssh_exit(self, s->channel, ended->code);
    else if (row->name != NULL)
        (void)weft_ssh_exit_signal(self, s->channel, row->name, ended->core);
    else
        (void)weft_ssh_exit(self, s->channel, 128 + ended->signal);
}

static weft_err on_process_ended(weft_actor *self, weft_msg *msg)
{
    const weft_process_ended *ended = weft_body(msg);
    shell *s = weft_state(self);
    if (ended->err != WEFT_OK)
        weft_log(self, WEFT_WARNING, "%s", ended->why);
    say_how(self, s, ended);
    s->closing = true;
    /* what it said on the one is there before the other is closed */
    if (s->error_open)
        (void)weft_close(self, s->error);
    else
        (void)weft_close(self, s->channel);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    shell *s = weft_state(self);
    if (weft_ref_same(closed->stream, s->channel))
        return weft_stop(self, WEFT_OK); /* and with it the process */
    if (weft_ref_same(closed->stream, s->error)) {
        s->error_open = false;
        if (s->closing)
            (void)weft_close(self, s->channel);
    }
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_ssh_window_type, .fn = on_window},
    {.type = &weft_ssh_signal_type, .fn = on_signal},
    {.type = &weft_process_ended_type, .fn = on_process_ended},
    {0},
};

const weft_behaviour weft_ssh_shell = {
    .name = "ssh.shell", .handlers = handlers, .state_bytes = sizeof(shell)};
