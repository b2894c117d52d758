/* SPDX-License-Identifier: MIT */
/* What a client asks for of a channel, and what it is told. */
#include "ssh_session.h"

#include <string.h>

#include "ssh_lib.h"

enum { NAME_BYTES = 256 };

wf_ssh_channel *wf_ssh_channel_new(wf_ssh *s, bool errors)
{
    bool place = false;
    for (uint32_t i = 0; i < s->channels_max; i++)
        place |= !s->channel[i].used;
    ssh_channel channel = place && !s->finished ? ssh_channel_new(s->session) : NULL;
    wf_ssh_channel *c = channel != NULL ? wf_ssh_channel_add(s, channel) : NULL;
    if (c == NULL)
        return NULL;
    c->errors = errors;
    c->opening = true;
    return c;
}

static int ask_env(ssh_channel channel, const char *text)
{
    char name[NAME_BYTES];
    const char *equals = strchr(text, '=');
    size_t n = equals != NULL ? (size_t)(equals - text) : 0;
    if (n == 0 || n >= sizeof name)
        return SSH_ERROR;
    memcpy(name, text, n);
    name[n] = '\0';
    return ssh_channel_request_env(channel, name, equals + 1);
}

static int ask(const wf_ssh_channel *c, wf_ssh_asked what, const char *text, uint16_t port,
               weft_window window)
{
    switch (what) {
    case WF_SSH_ASK_SESSION:
        return ssh_channel_open_session(c->channel);
    case WF_SSH_ASK_FORWARD:
        return ssh_channel_open_forward(c->channel, text, port, "127.0.0.1", 0);
    case WF_SSH_ASK_ENV:
        return ask_env(c->channel, text);
    case WF_SSH_ASK_PTY:
        return ssh_channel_request_pty_size(c->channel, text, window.columns, window.rows);
    case WF_SSH_ASK_SHELL:
        return ssh_channel_request_shell(c->channel);
    case WF_SSH_ASK_EXEC:
        return ssh_channel_request_exec(c->channel, text);
    default:
        return ssh_channel_request_subsystem(c->channel, text);
    }
}

wf_ssh_progress wf_ssh_channel_ask(wf_ssh_channel *c, wf_ssh_asked what, const char *text,
                                   uint16_t port, weft_window window)
{
    if (c->channel == NULL)
        return WF_SSH_NO;
    /* libssh looks at what came meanwhile, and may keep a message of it */
    c->ssh->more |= wf_ssh_is_busy(c->ssh);
    int rc = ask(c, what, text, port, window);
    c->ssh->more |= rc != SSH_AGAIN;
    if (rc == SSH_AGAIN)
        return WF_SSH_LATER;
    if (what == WF_SSH_ASK_SESSION || what == WF_SSH_ASK_FORWARD) {
        c->opening = false;
        c->closed = rc != SSH_OK; /* there is nothing whose end the peer would tell */
    }
    return rc == SSH_OK || what == WF_SSH_ASK_ENV ? WF_SSH_YES : WF_SSH_NO;
}

void wf_ssh_channel_opened_late(wf_ssh_channel *c)
{
    int rc = ssh_channel_open_session(c->channel);
    if (rc == SSH_AGAIN)
        return;
    c->opening = false;
    c->closed = rc != SSH_OK;
    if (rc == SSH_OK)
        (void)ssh_channel_close(c->channel);
}

bool wf_ssh_channel_exited(wf_ssh_channel *c, int *code, char signal[16], bool *core)
{
    if (!c->exited)
        return false;
    c->exited = false;
    *code = c->code;
    *core = c->core;
    memcpy(signal, c->signal, sizeof c->signal);
    return true;
}

void wf_ssh_channel_resize(wf_ssh_channel *c, weft_window window)
{
    if (c->channel != NULL && !wf_ssh_channel_closed(c))
        (void)ssh_channel_change_pty_size(c->channel, window.columns, window.rows);
}

void wf_ssh_channel_send_signal(wf_ssh_channel *c, const char *name)
{
    if (c->channel != NULL && !wf_ssh_channel_closed(c))
        (void)ssh_channel_request_send_signal(c->channel, name);
}
