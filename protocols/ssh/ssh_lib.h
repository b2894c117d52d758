/* SPDX-License-Identifier: MIT */
/* libssh: the only place that includes it, for the sources of this folder that wrap it (ssh_keys.c,
 * ssh_session.c, ssh_channel.c). */
#ifndef WF_SSH_LIB_H
#define WF_SSH_LIB_H

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "ssh_session.h"

struct wf_ssh_channel {
    wf_ssh *ssh;
    ssh_channel channel; /* NULL: the session has ended */
    struct ssh_channel_callbacks_struct callbacks;
    void *user;
    size_t waits;    /* bytes that came and were not read */
    char signal[16]; /* that came and was not told; "": none */
    bool used;
    bool doomed; /* nobody here uses it any more, ... */
    bool closed; /* ... and the peer has closed it: it may be freed when libssh holds no message */
};

struct wf_ssh {
    ssh_session session;
    ssh_message message; /* that is not answered yet */
    int ours;            /* our end of the pair; the other is libssh's */
    int theirs;
    bool more;     /* libssh may hold another message, or a channel wait for its end */
    bool granted;  /* it is known who the peer is */
    bool finished; /* no more of libssh's functions may be called */
    uint32_t channels_max;
    struct wf_ssh_channel channel[];
};

/* The host keys as libssh wants them. */
ssh_bind wf_ssh_keys_bind(const struct weft_ssh_keys *keys);

/* The channel of @channel; NULL: it is not ours. */
struct wf_ssh_channel *wf_ssh_channel_find(wf_ssh *s, ssh_channel channel);
/* Frees those of which nobody speaks any more. libssh must hold no message: it may be about one of them. */
void wf_ssh_channels_reap(wf_ssh *s);
/* A free place for @channel. errors: NULL. */
struct wf_ssh_channel *wf_ssh_channel_add(wf_ssh *s, ssh_channel channel);

#endif
