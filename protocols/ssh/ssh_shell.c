/* SPDX-License-Identifier: MIT */
/* Shells and commands: a process behind a channel, with a terminal or with pipes.
 *
 *   opened ──▶ whose it is: a thread of the pool looks ──▶ process started
 *   channel ── data ──▶ process (0)         opened is kept until it is known whose the process is, so that nothing
 *   channel ◀────────── process (1)         comes before. What is written is borrowed from where it came, so a
 *   stderr  ◀────────── process (2)         slow side holds the other one back: there is no code for that here.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/actor.h>
#include <weft/log.h>
#include <weft/pool.h>
#include <weft/ssh.h>

#include "ssh_account.h"
#include "ssh_env.h"

typedef struct shell {
    weft_ref channel, error;    /* of the peer */
    weft_ref process, out, err; /* of the process; @err nobody with a terminal */
    bool error_open;
    bool closing; /* the process has ended: what is written is flushed */
} shell;

/* ---- whose it is */

typedef struct shell_look {
    char user[WEFT_AUTH_USER_BYTES];
    bool as_user;
} shell_look;
typedef struct shell_looked {
    wf_ssh_account account;
    bool home; /* it can be entered */
} shell_looked;
static const weft_type shell_looked_type = WEFT_TYPE("weft.ssh_shell_looked", shell_looked, NULL);
static const weft_type shell_look_type =
    WEFT_TYPE("weft.ssh_shell_look", shell_look, &shell_looked_type);

/* With the rights of its user, whose home root may not be able to enter, or only root. */
static weft_err look_at_home(shell_looked *to, weft_why *why)
{
    char path[sizeof to->account.home + 2];
    wf_ssh_rights was;
    (void)snprintf(path, sizeof path, "%s/.", to->account.home);
    weft_err err = wf_ssh_rights_take(&to->account, &was, why);
    if (err != WEFT_OK)
        return err;
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    wf_ssh_rights_give_back(&was);
    to->home = fd >= 0;
    if (fd >= 0)
        (void)close(fd);
    return WEFT_OK;
}

/* thread: the pool's. */
static weft_err look_there(weft_actor *self, weft_msg *msg)
{
    const shell_look *look = weft_body(msg);
    shell_looked looked = {.home = false};
    weft_why why = {""};
    (void)self;
    weft_err err = wf_ssh_account_find(look->as_user ? look->user : NULL, &looked.account, &why);
    if (err == WEFT_OK)
        err = look_at_home(&looked, &why);
    return err == WEFT_OK ? weft_reply_body(msg, &shell_looked_type, &looked)
                          : weft_fail(msg, err, "%s", why.text);
}

/* ---- starting */

/* argv[0] is what a shell takes for the sign that it begins a session: "-sh" reads the profile. */
static void name_of(const char *shell_path, bool login, char *to, size_t bytes)
{
    const char *slash = strrchr(shell_path, '/');
    (void)snprintf(to, bytes, "%s%.100s", login ? "-" : "", slash != NULL ? slash + 1 : shell_path);
}

static bool start(weft_actor *self, shell *s, const weft_ssh_session *session,
                  const shell_looked *looked)
{
    static const weft_ssh_shell_config none = {0};
    const weft_ssh_shell_config *config = weft_config(self) != NULL ? weft_config(self) : &none;
    const wf_ssh_account *account = &looked->account;
    const char *program = config->shell != NULL ? config->shell
                          : config->as_user     ? account->shell
                                                : "/bin/sh";
    bool command = session->kind == WEFT_SSH_EXEC;
    char name[128]; /* a longer one is cut: it is but a name */
    name_of(program, !command, name, sizeof name);
    const char *argv[] = {name, command ? "-c" : NULL, session->command, NULL};
    const weft_process_ids ids = {account->uid, account->gid, account->groups, account->n_groups};
    const weft_process_fd error = {.child = 2, .kind = WEFT_PROCESS_FROM};
    wf_ssh_env env;
    wf_ssh_env_fill(&env, session, account, config->as_user, program);
    s->process = weft_process_start(self,
                                    &(weft_process_options){
                                        .argv = argv,
                                        .program = program,
                                        .env = env.at,
                                        .env_empty = true,
                                        .dir = config->dir != NULL ? config->dir
                                               : looked->home      ? account->home
                                                                   : "/",
                                        .ids = config->as_user ? &ids : NULL,
                                        .group = WEFT_PROCESS_NEW_SESSION,
                                        .terminal = session->terminal ? &session->window : NULL,
                                        .terminal_env = "SSH_TTY",
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

/* The peer is told; that it is let in and has no shell is for whoever runs this to mend. */
static weft_err refuse(weft_actor *self, shell *s, const weft_ssh_session *session, const char *why)
{
    weft_log(self, WEFT_WARNING, "no shell for %s: %s", session->user, why);
    (void)weft_ssh_exit(self, s->channel, 1);
    if (session->terminal) {
        (void)weft_write_text(self, s->channel, "%s\r\n", why);
        return weft_close(self, s->channel);
    }
    s->closing = true;
    s->error = weft_ssh_stderr(self, s->channel);
    s->error_open = !weft_ref_is_nobody(s->error);
    if (!s->error_open)
        return weft_close(self, s->channel);
    (void)weft_write_text(self, s->error, "%s\n", why);
    return weft_close(self, s->error);
}

static weft_err on_looked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    shell *s = weft_state(self);
    const weft_ssh_session *session = weft_ssh_session_of(s->channel);
    (void)msg;
    if (session == NULL)
        return WEFT_OK; /* its end is on the way */
    if (got->err != WEFT_OK)
        return refuse(self, s, session, got->why);
    const shell_looked *looked = got->body;
    if (!looked->home)
        weft_log(self, WEFT_NOTICE, "the home %s of %s cannot be entered", looked->account.home,
                 looked->account.name);
    if (!start(self, s, session, looked))
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to start a program");
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    const weft_ssh_shell_config *config = weft_config(self);
    shell *s = weft_state(self);
    if (!weft_ref_is_nobody(s->channel))
        return WEFT_OK; /* of the others */
    s->channel = opened->stream;
    const weft_ssh_session *session = weft_ssh_session_of(s->channel);
    if (session == NULL)
        return weft_stop_because(self, WEFT_EINVAL, "no channel of SSH");
    shell_look look = {.as_user = config != NULL && config->as_user};
    (void)snprintf(look.user, sizeof look.user, "%s", wf_ssh_account_name(session));
    weft_err err =
        weft_when(msg, weft_ask_pool_body(self, look_there, &shell_look_type, &look, WEFT_NO_LIMIT),
                  on_looked);
    return err == WEFT_OK ? WEFT_OK
                          : weft_stop_because(self, err, "no memory to look whose the shell is");
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
    if (!weft_ref_is_nobody(s->process)) /* else it starts with it */
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
        if (strcmp(row->name, signal->name) == 0 && !weft_ref_is_nobody(s->process))
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
