/* SPDX-License-Identifier: MIT */
/* Channels of a session: what libssh keeps of them until it is read, and what it takes. */
#include "ssh_session.h"

#include <string.h>

#include "ssh_lib.h"

/* libssh holds what came and counts it against the peer's window, which it opens when that is read. */
static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t size, int error,
                   void *user)
{
    wf_ssh_channel *c = user;
    (void)session, (void)channel, (void)data;
    if (error != 0 || c->doomed)
        return (int)size; /* a client has nothing to say there, nobody listens any more */
    c->waits = size;
    return 0;
}

static void on_signal(ssh_session session, ssh_channel channel, const char *name, void *user)
{
    wf_ssh_channel *c = user;
    (void)session, (void)channel;
    if (strlen(name) < sizeof c->signal)
        memcpy(c->signal, name, strlen(name) + 1);
}

static void on_close(ssh_session session, ssh_channel channel, void *user)
{
    (void)session, (void)channel;
    ((wf_ssh_channel *)user)->closed = true;
}

wf_ssh_channel *wf_ssh_channel_find(wf_ssh *s, ssh_channel channel)
{
    for (uint32_t i = 0; i < s->channels_max; i++)
        if (s->channel[i].used && !s->channel[i].doomed && s->channel[i].channel == channel &&
            channel != NULL)
            return &s->channel[i];
    return NULL;
}

wf_ssh_channel *wf_ssh_channel_add(wf_ssh *s, ssh_channel channel)
{
    for (uint32_t i = 0; i < s->channels_max; i++) {
        wf_ssh_channel *c = &s->channel[i];
        if (c->used)
            continue;
        memset(c, 0, sizeof *c);
        c->used = true;
        c->ssh = s;
        c->channel = channel;
        c->callbacks.userdata = c;
        c->callbacks.channel_data_function = on_data;
        c->callbacks.channel_signal_function = on_signal;
        c->callbacks.channel_close_function = on_close;
        ssh_callbacks_init(&c->callbacks);
        if (ssh_set_channel_callbacks(channel, &c->callbacks) == SSH_OK)
            return c;
        c->used = false;
        break;
    }
    ssh_channel_free(channel);
    return NULL;
}

void wf_ssh_channel_set_user(wf_ssh_channel *c, void *user)
{
    c->user = user;
}

void *wf_ssh_channel_user(const wf_ssh_channel *c)
{
    return c->user;
}

/* ---- what comes */

size_t wf_ssh_channel_waiting(const wf_ssh_channel *c)
{
    return c->channel != NULL ? c->waits : 0;
}

size_t wf_ssh_channel_read(wf_ssh_channel *c, uint8_t *to, size_t size)
{
    if (c->channel == NULL || c->waits == 0)
        return 0;
    uint32_t n = size < c->waits ? (uint32_t)size : (uint32_t)c->waits;
    /* it is there, so that libssh looks at no descriptor for it */
    int got = ssh_channel_read_nonblocking(c->channel, to, n, 0);
    if (got <= 0)
        return 0;
    c->waits -= (size_t)got < c->waits ? (size_t)got : c->waits;
    return (size_t)got;
}

bool wf_ssh_channel_ended(const wf_ssh_channel *c)
{
    return c->channel == NULL ||
           (c->waits == 0 && (ssh_channel_is_eof(c->channel) || wf_ssh_channel_closed(c)));
}

bool wf_ssh_channel_closed(const wf_ssh_channel *c)
{
    return c->channel == NULL || c->closed || ssh_channel_is_closed(c->channel);
}

const char *wf_ssh_channel_signal(wf_ssh_channel *c, char name[16])
{
    if (c->signal[0] == '\0')
        return NULL;
    memcpy(name, c->signal, sizeof c->signal);
    c->signal[0] = '\0';
    return name;
}

/* ---- what goes */

size_t wf_ssh_channel_room(const wf_ssh_channel *c)
{
    if (c->channel == NULL || !ssh_channel_is_open(c->channel))
        return 0;
    return ssh_channel_window_size(c->channel);
}

size_t wf_ssh_channel_write(wf_ssh_channel *c, const uint8_t *at, size_t size, bool error)
{
    size_t room = wf_ssh_channel_room(c);
    uint32_t n = (uint32_t)(size < room ? size : room);
    if (n == 0)
        return 0;
    int done =
        error ? ssh_channel_write_stderr(c->channel, at, n) : ssh_channel_write(c->channel, at, n);
    /* while keys are exchanged anew it reads, too */
    c->ssh->more = true;
    return done > 0 ? (size_t)done : 0;
}

void wf_ssh_channel_end(wf_ssh_channel *c)
{
    if (c->channel != NULL)
        (void)ssh_channel_send_eof(c->channel);
}

void wf_ssh_channel_exit(wf_ssh_channel *c, int code)
{
    if (c->channel != NULL)
        (void)ssh_channel_request_send_exit_status(c->channel, code);
}

void wf_ssh_channel_exit_signal(wf_ssh_channel *c, const char *name, bool core)
{
    if (c->channel != NULL)
        (void)ssh_channel_request_send_exit_signal(c->channel, name, core, "", "");
}

/* libssh would free a channel as soon as both sides have closed it, though it may hold a message about it that
 * came before the close. So it is freed here, when there are none. */
void wf_ssh_channel_free(wf_ssh_channel *c)
{
    if (c->channel == NULL) {
        memset(c, 0, sizeof *c);
        return;
    }
    (void)ssh_channel_close(c->channel);
    c->ssh->more = true;
    c->user = NULL;
    c->waits = 0;
    c->doomed = true;
}

void wf_ssh_channels_reap(wf_ssh *s)
{
    for (uint32_t i = 0; i < s->channels_max; i++) {
        wf_ssh_channel *c = &s->channel[i];
        if (!c->used || !c->doomed || !c->closed || c->channel == NULL)
            continue;
        (void)ssh_remove_channel_callbacks(c->channel, &c->callbacks);
        ssh_channel_free(c->channel);
        memset(c, 0, sizeof *c);
    }
}
