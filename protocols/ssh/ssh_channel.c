/* SPDX-License-Identifier: MIT */
/* Channels of a session: what libssh keeps of them until it is read, and what it takes. */
#include "ssh_session.h"

#include <stdio.h>
#include <string.h>

#include "ssh_lib.h"

enum { WAITS_MAX = 4 << 20 };

/* libssh holds what came and counts it against the peer's window, which it opens when that is read. */
static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t size, int error,
                   void *user)
{
    wf_ssh_channel *c = user;
    (void)session, (void)channel, (void)data;
    if (c->doomed || (error != 0 && !c->errors))
        return (int)size; /* a client has nothing to say there, nobody listens any more */
    /* libssh takes what goes beyond the window, too */
    c->ssh->flooded |= size > WAITS_MAX;
    if (error != 0)
        c->error_waits = size;
    else
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

static void on_exit_status(ssh_session session, ssh_channel channel, int code, void *user)
{
    wf_ssh_channel *c = user;
    (void)session, (void)channel;
    c->exited = true;
    c->code = code;
}

static void on_exit_signal(ssh_session session, ssh_channel channel, const char *name, int core,
                           const char *text, const char *language, void *user)
{
    wf_ssh_channel *c = user;
    (void)session, (void)channel, (void)text, (void)language;
    c->exited = true;
    c->core = core != 0;
    (void)snprintf(c->signal, sizeof c->signal, "%s", name[0] != '\0' ? name : "?");
}

/* libssh itself would have no end before what came on both ways was read. */
static void on_eof(ssh_session session, ssh_channel channel, void *user)
{
    (void)session, (void)channel;
    ((wf_ssh_channel *)user)->eof = true;
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
        if (s->is_client) {
            c->callbacks.channel_exit_status_function = on_exit_status;
            c->callbacks.channel_exit_signal_function = on_exit_signal;
        } else {
            c->callbacks.channel_signal_function = on_signal;
        }
        c->callbacks.channel_eof_function = on_eof;
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

static size_t read_from(wf_ssh_channel *c, size_t *waits, uint8_t *to, size_t size, bool error)
{
    if (c->channel == NULL || *waits == 0)
        return 0;
    uint32_t n = size < *waits ? (uint32_t)size : (uint32_t)*waits;
    /* it is there, so that libssh looks at no descriptor for it */
    int got = ssh_channel_read_nonblocking(c->channel, to, n, error);
    if (got <= 0)
        return 0;
    *waits -= (size_t)got < *waits ? (size_t)got : *waits;
    return (size_t)got;
}

size_t wf_ssh_channel_read(wf_ssh_channel *c, uint8_t *to, size_t size)
{
    return read_from(c, &c->waits, to, size, false);
}

size_t wf_ssh_channel_error_waiting(const wf_ssh_channel *c)
{
    return c->channel != NULL ? c->error_waits : 0;
}

size_t wf_ssh_channel_error_read(wf_ssh_channel *c, uint8_t *to, size_t size)
{
    return read_from(c, &c->error_waits, to, size, true);
}

/* Of a server's channel nothing comes there, and so does no end. */
bool wf_ssh_channel_error_ended(const wf_ssh_channel *c)
{
    return c->channel == NULL ||
           (c->errors && c->error_waits == 0 && (c->eof || wf_ssh_channel_closed(c)));
}

bool wf_ssh_channel_ended(const wf_ssh_channel *c)
{
    return c->channel == NULL || (c->waits == 0 && (c->eof || wf_ssh_channel_closed(c)));
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
    /* one that is not open yet is closed when it is */
    if (!c->opening)
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
        if (!c->used || !c->doomed || c->channel == NULL)
            continue;
        if (c->opening)
            wf_ssh_channel_opened_late(c);
        if (!c->closed)
            continue;
        (void)ssh_remove_channel_callbacks(c->channel, &c->callbacks);
        ssh_channel_free(c->channel);
        memset(c, 0, sizeof *c);
    }
}
