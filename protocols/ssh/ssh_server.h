/* SPDX-License-Identifier: MIT */
/* The parts of a server's connection: the machine it drives, its channels as streams, its timers.
 *
 *   stream ── data ──▶ session (ssh_session.h) ── events ──▶ ssh_auth.c, ssh_requests.c
 *   stream ◀─ write ── session ◀──── leaves of channels (ssh_stream.c) ◀──▶ services
 */
#ifndef WF_SSH_SERVER_H
#define WF_SSH_SERVER_H

#include <weft/edge.h>
#include <weft/leaf.h>
#include <weft/log.h>
#include <weft/timer.h>
#include <weft/wire.h>

#include "ssh_session.h"

typedef struct wf_ssh_conn wf_ssh_conn;

/* A channel: from its opening until its streams and its service are gone. */
typedef struct wf_ssh_slot {
    wf_ssh_conn *conn;
    struct wf_ssh_slot *next;
    wf_ssh_channel *channel; /* NULL: closed */
    weft_leaf *leaf, *error; /* of its streams; NULL: none, or closed */
    weft_ref stream, service;
    bool served; /* the service has not ended */
    unsigned want, want_error;
    weft_ssh_session session;
    char *command, *term; /* what the session points to */
    char **env;
    uint32_t env_count;
    bool exits; /* how the service said it ended */
    int code;
    char signal[16];
    bool core;
    weft_forward_config forward; /* of a channel to somewhere else */
    char url[300];
} wf_ssh_slot;

struct wf_ssh_conn {
    wf_ssh *ssh;
    weft_ref stream;
    weft_address local, peer;
    weft_msg *data; /* kept until all of it was fed */
    size_t fed;
    wf_ssh_slot *slots;
    weft_hook hook; /* what channels wrote leaves before the reactor sleeps */
    uint32_t came_ms, tries, silent;
    uint32_t written; /* by channels, since output was taken last */
    bool counted;     /* as one of whom it is not known who it is */
    bool granted, over;
    bool asking;    /* the auth actor */
    bool is_signed; /* what it is asked about */
    bool asked_none;
    bool blocked;  /* the stream has enough to send */
    bool going_on; /* has told itself to */
    char user[WEFT_AUTH_USER_BYTES];
};

static inline uint32_t or_default(uint32_t given, uint32_t usual)
{
    return given != 0 ? given : usual;
}

/* Does what can be done now: bytes in, events, bytes out. */
void wf_ssh_pump(weft_actor *self);
/* The connection ends in order, with what is to be sent; or at once, if @err is neither OK nor EDONE. */
void wf_ssh_over(weft_actor *self, weft_err err, const char *why);
/* It is known who the peer is. */
void wf_ssh_granted(weft_actor *self);

/* ssh_auth.c: the peer says who it is. */
void wf_ssh_on_auth(weft_actor *self, const wf_ssh_event *event);

/* ssh_requests.c: what it wants then. */
void wf_ssh_on_open(weft_actor *self, const wf_ssh_event *event);
void wf_ssh_on_request(weft_actor *self, const wf_ssh_event *event);

/* ssh_stream.c */
extern const weft_leaf_ops wf_ssh_leaf, wf_ssh_leaf_error;
/* Tells leaves and services what has happened to their channels. */
void wf_ssh_look(weft_actor *self);
/* Tells the service of @slot, if it has one that lives. */
void wf_ssh_tell(weft_actor *self, const wf_ssh_slot *slot, const weft_type *type,
                 const void *body);
/* Ends every stream, for the connection is over. */
void wf_ssh_lose(wf_ssh_conn *c, const char *why);
/* A new channel's place. errors: NULL. */
wf_ssh_slot *wf_ssh_slot_new(wf_ssh_conn *c, wf_ssh_channel *channel);
/* Gives it back if nothing of it is left. */
void wf_ssh_slot_done(wf_ssh_slot *slot);
void wf_ssh_slots_free(wf_ssh_conn *c);

#endif
