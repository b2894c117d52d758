/* SPDX-License-Identifier: MIT */
/* libssh: the only place that includes it, for the sources of this folder that wrap it (ssh_keys.c,
 * ssh_session.c, ssh_channel.c, ssh_direct.c, ssh_client_session.c, ssh_client_channel.c). */
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
    bool eof;           /* the peer sends no more */
    bool opening;       /* a client has asked for it, and it is not open */
    bool errors;        /* somebody reads what a server says on its standard error */
    size_t error_waits; /* of that */
    bool exited;        /* the peer has said how it ended: with @signal, or */
    int code;
    bool core;
    bool doomed; /* nobody here uses it any more, ... */
    bool closed; /* ... and the peer has closed it: it may be freed when libssh holds no message */
};

/* How far a client is; a server's session is READY from the start, and libssh knows what it may be asked. */
typedef enum wf_ssh_phase {
    WF_SSH_IS_READY,
    WF_SSH_IS_CONNECTING,
    WF_SSH_IS_HOST, /* it is not known whether the host is who it says */
    WF_SSH_IS_PROVING,
} wf_ssh_phase;

struct wf_ssh {
    ssh_session session;
    wf_ssh_phase phase;
    bool is_client;
    char *host_key; /* of the server, in base64 */
    char fingerprint[WEFT_SSH_FINGERPRINT_BYTES];
    ssh_message message; /* that is not answered yet */
    int ours;            /* our end of the pair; the other is libssh's */
    int theirs;
    int held; /* the pair's end, while theirs is the peer's socket; -1: it never was */
    struct ssh_counter_struct counts; /* what libssh read of the pair, and wrote to it */
    uint64_t fed, taken;              /* what was written and read at our end */
    bool more;     /* libssh may hold another message, or a channel wait for its end */
    bool granted;  /* it is known who the peer is */
    bool flooded;  /* the peer does not care how much it may send */
    bool lost;     /* the peer's socket failed under libssh */
    bool finished; /* no more of libssh's functions may be called */
    uint32_t channels_max;
    struct wf_ssh_channel channel[];
};

/* A socket pair, and a session without anything set. errors: ENOMEM, ELIMIT (descriptors). */
WEFT_MUST_USE weft_err wf_ssh_make(uint32_t channels_max, wf_ssh **out, weft_why *why);
/* No more of libssh's functions are called, but for freeing. */
void wf_ssh_finish(wf_ssh *s);
/* Why the session is over, and that it is. */
WEFT_MUST_USE weft_err wf_ssh_is_over(wf_ssh *s, weft_why *why);
/* Whether libssh calls it over. */
bool wf_ssh_is_dead(const wf_ssh *s);

/* ssh_client_channel.c: one that nobody wants any more, and that was asked for, may be open now. */
void wf_ssh_channel_opened_late(struct wf_ssh_channel *c);

/* ssh_client_session.c: wf_ssh_next until the session is ready. */
WEFT_MUST_USE weft_err wf_ssh_next_of_client(wf_ssh *s, wf_ssh_event *out, weft_why *why);

/* What is offered to peers, in the order of preference. */
extern const char wf_ssh_exchanges[], wf_ssh_macs[], wf_ssh_key_types[];
/* That a private key is one: a file nobody else may read. It blocks. errors: EDENIED, those of the system. */
WEFT_MUST_USE weft_err wf_ssh_key_look(const char *path, weft_why *why);

/* Writes "SHA256:..." of @key; untouched when there is no memory. */
void wf_ssh_fingerprint(ssh_key key, char to[WEFT_SSH_FINGERPRINT_BYTES]);

/* The host keys as libssh wants them. */
ssh_bind wf_ssh_keys_bind(const struct weft_ssh_keys *keys);

/* The channel of @channel; NULL: it is not ours. */
struct wf_ssh_channel *wf_ssh_channel_find(wf_ssh *s, ssh_channel channel);
/* Frees those of which nobody speaks any more. libssh must hold no message: it may be about one of them. */
void wf_ssh_channels_reap(wf_ssh *s);
/* A free place for @channel. errors: NULL. */
struct wf_ssh_channel *wf_ssh_channel_add(wf_ssh *s, ssh_channel channel);

#endif
