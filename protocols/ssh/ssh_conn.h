/* SPDX-License-Identifier: MIT */
/* A connection of either side: the machine it drives, and its channels as streams.
 *
 *   stream ── data ──▶ session (ssh_session.h) ── events ──▶ the side: a server's, a client's
 *   stream ◀─ write ── session ◀──── leaves of channels (ssh_stream.c) ◀──▶ their owners
 *
 * What came is fed as far as libssh takes it, and the rest is kept with its message, so that a peer that sends
 * more than is worked off is not read. Nothing is fed while the stream has enough to send, so that one that
 * does not read is not answered without end. */
#ifndef WF_SSH_CONN_H
#define WF_SSH_CONN_H

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
    weft_ref stream;
    unsigned want, want_error;
    /* of a server */
    weft_ref service;
    bool served; /* the service has not ended */
    bool ended;  /* it was told that nothing more comes */
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
    /* of a client */
    weft_msg *request; /* kept until it is answered */
    weft_ref owner;    /* of its streams */
    uint32_t step;     /* of what the peer is asked before it is up */
    bool told_exit;
} wf_ssh_slot;

/* What one side does differently. Each is called as a handler of the connection's actor. */
typedef struct wf_ssh_side {
    void (*event)(weft_actor *self, const wf_ssh_event *event);
    /* The machine has come to its end. */
    void (*over)(weft_actor *self, weft_err err, const char *why);
    /* A step was made, after which channels may be further. NULL: nothing. */
    void (*stepped)(weft_actor *self);
} wf_ssh_side;

/* The first member of the state of both sides. */
struct wf_ssh_conn {
    const wf_ssh_side *side;
    wf_ssh *ssh;
    weft_ref stream;
    weft_address local, peer;
    weft_msg *data; /* kept until all of it was fed */
    size_t fed;
    wf_ssh_slot *slots;
    weft_hook hook; /* what channels wrote leaves before the reactor sleeps */
    uint32_t came_ms, silent;
    uint32_t keepalive_ms, keepalive_max;
    uint32_t written; /* by channels, since output was taken last */
    bool granted, over;
    bool asking;   /* somebody is asked about an event: no step is made */
    bool away;     /* the pool has the session: nothing of it is touched */
    bool blocked;  /* the stream has enough to send */
    bool going_on; /* has told itself to */
    char user
        [WEFT_AUTH_USER_BYTES]; /* of a server, until it has granted: as whom the peer last tried */
    weft_auth_source_kind by;
};

static inline uint32_t or_default(uint32_t given, uint32_t usual)
{
    return given != 0 ? given : usual;
}

/* The peer is there. */
static inline void wf_ssh_heard(weft_actor *self, wf_ssh_conn *c)
{
    c->came_ms = weft_now_ms(self);
    c->silent = 0;
}

/* ssh_conn.c */

void wf_ssh_conn_begin(wf_ssh_conn *c, const wf_ssh_side *side, const weft_opened *opened);
/* Does what can be done now: bytes in, events, bytes out. */
void wf_ssh_pump(weft_actor *self);
/* Lets out what the session has for the peer. */
void wf_ssh_take_output(weft_actor *self);
/* From now on a peer that says nothing for @ms is asked, and given up after @max answers that did not come;
 * WEFT_NO_LIMIT: never. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_ssh_watch(weft_actor *self, uint32_t ms, uint32_t max);
/* What the connection holds beside the session and its slots. */
void wf_ssh_conn_done(wf_ssh_conn *c);

/* The rows of both sides. */
extern const weft_type wf_ssh_go_on_type, wf_ssh_alive_type;
weft_err wf_ssh_on_data(weft_actor *self, weft_msg *msg);
weft_err wf_ssh_on_drained(weft_actor *self, weft_msg *msg);
weft_err wf_ssh_on_go_on(weft_actor *self, weft_msg *msg);
weft_err wf_ssh_on_alive(weft_actor *self, weft_msg *msg);

/* ssh_stream.c */

extern const weft_leaf_ops wf_ssh_leaf, wf_ssh_leaf_error;
/* Tells leaves and owners what has happened to their channels. */
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
