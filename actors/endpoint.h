/* SPDX-License-Identifier: MIT */
/* The endpoint actor: a leaf that moves datagrams, a queue of output, an owner.
 *
 *   opening ──▶ open ──▶ closing (sends what is left) ──▶ closed: the owner is told, the actor ends
 *      └─────────┴──────────── lost, ended by force ──────▲
 */
#ifndef WF_ENDPOINT_H
#define WF_ENDPOINT_H

#include <weft/datagram.h>
#include <weft/edge.h>
#include <weft/supervisor.h>
#include <weft/url.h>
#include <weft/ward.h>

typedef struct wf_endpoint wf_endpoint;

enum {
    ENDPOINT_OPEN = 1 << 0,
    ENDPOINT_CLOSING = 1 << 1, /* sends what is left, reads no more */
    ENDPOINT_CLOSED = 1 << 2,  /* the leaf is closed */
    ENDPOINT_TOLD = 1 << 3,    /* `closed` was told: nothing more is */
    ENDPOINT_PAUSED = 1 << 4,  /* the window is used up */
    ENDPOINT_BLOCKED = 1 << 5, /* the leaf took no more: waits for room */
    ENDPOINT_DRAIN = 1 << 6,   /* a send was refused: `drained` is owed */
    ENDPOINT_CHILD = 1 << 7,   /* the owner is this actor's child */
    ENDPOINT_DEAF = 1 << 8,    /* the system shuts down: nothing more is read */
    ENDPOINT_FLUSHING = 1 << 9,
};

/* What waits to leave. */
typedef struct endpoint_item {
    weft_bytes bytes;
    weft_address to;     /* of no family: the peer */
    uint8_t from_family; /* of no family: as the system says */
    uint8_t from[16];    /* where it comes from */
} endpoint_item;

/* A ring; @room is a power of two, or 0. */
typedef struct endpoint_queue {
    endpoint_item *at;
    uint32_t room, first, n;
    uint32_t fresh; /* bytes, overhead included: bounded by @max */
    uint32_t max;
    weft_send_policy policy;
} endpoint_queue;

/* One that came, in two pieces of somebody's memory. */
typedef struct endpoint_came {
    const uint8_t *at[2];
    uint32_t size[2];
    uint32_t whole, lost, interface;
    bool truncated;
    weft_address from, to;
} endpoint_came;

/* How a kind of transport moves datagrams; its functions run on the endpoint's reactor and never block. */
typedef struct endpoint_leaf {
    const char *name;
    /* Gives those that are there, at most @max, to wf_endpoint_came. */
    void (*receive)(wf_endpoint *e, unsigned max);
    /* Sends from the front of the queue: WEFT_OK, @done of them are gone (sent, or told as failed);
     * WEFT_EFULL: no more go now, wf_endpoint_ready is called when they do. */
    weft_err (*send)(wf_endpoint *e, unsigned *done);
    /* wf_endpoint_ready is wanted for these events from now on. */
    void (*want)(wf_endpoint *e, unsigned events);
    /* Called once. */
    void (*close)(wf_endpoint *e);
    void (*addresses)(wf_endpoint *e, weft_address *local, weft_address *peer);
    /* Whether it can send there (NULL: to its peer). errors: EINVAL, ETOOBIG. */
    weft_err (*check)(const wf_endpoint *e, const weft_address *to, size_t size);
    /* What of @settings is the leaf's own. */
    weft_err (*set)(wf_endpoint *e, const weft_endpoint_settings *settings);
    weft_err (*join)(wf_endpoint *e, const weft_address *group, const char *interface, bool leave);
    /* How many the kernel had no room for. */
    uint64_t (*lost)(wf_endpoint *e);
} endpoint_leaf;

struct wf_endpoint {
    weft_watch watch; /* or whatever the leaf keeps there */
    weft_account window;
    const endpoint_leaf *leaf;
    weft_ref owner;
    uint32_t flags;
    endpoint_queue out;
    weft_hook flush, again; /* at the end of the round: what is queued; what memory was out for */
    weft_alarm alarm;       /* ends a close whose rest does not leave */
    weft_msg *draining;     /* the phase that waits until nothing is held */
    uint32_t failures_out;
    uint32_t largest; /* the most that one came to: how many may be asked for within the window */
    weft_endpoint_stats stats;
    weft_err reason; /* what it ends with */
    char why[96];

    /* the socket's */
    uint32_t size;       /* bytes of a datagram that are taken */
    uint32_t drops_seen; /* of the kernel's count of them */
    uint8_t family;      /* of the socket: AF_INET, AF_INET6, AF_UNIX */
    bool connected;
    bool v4_too;    /* a v6 socket that speaks v4 */
    bool no_merge;  /* the kernel does not take several in one */
    bool unlink;    /* its path is its own */
    char path[108]; /* of unix */
};

/* An endpoint without a leaf. */
void wf_endpoint_init(wf_endpoint *e, weft_ref owner);
/* Makes an endpoint actor, child of @parent. errors: NULL. */
wf_endpoint *wf_endpoint_new(weft_actor *parent, weft_ref owner, weft_ref *ref);
static inline weft_actor *endpoint_actor(const wf_endpoint *e)
{
    return weft_actor_of_state((void *)(uintptr_t)e);
}
/* That of a reference, if it is of this reactor and open. */
wf_endpoint *wf_endpoint_here(weft_ref ref);
/* Its leaf is set up: tells `opened`, reads. */
void wf_endpoint_begin(wf_endpoint *e);
/* Limits as @url says. */
void wf_endpoint_set_up(wf_endpoint *e, const weft_url *url);
/* The leaf is ready for @events. */
void wf_endpoint_ready(wf_endpoint *e, unsigned events);
/* One came. */
void wf_endpoint_came(wf_endpoint *e, const endpoint_came *came);
/* One that was sent has failed; @failed without its endpoint. */
void wf_endpoint_failed(wf_endpoint *e, const weft_datagram_failed *failed);
/* It ends now, with this. */
void wf_endpoint_lost(wf_endpoint *e, weft_err reason, const char *why);
void wf_endpoint_close(wf_endpoint *e);
/* Its owner has ended: what it sent still leaves. */
void wf_endpoint_owner_gone(wf_endpoint *e);
/* The actor ends now, whatever is under way. */
void wf_endpoint_end_now(wf_endpoint *e);
/* Nothing is held any more: the phase that waits goes on; @context is the endpoint. */
void wf_endpoint_drained(weft_actor *self, void *context);
/* Nothing is left to be sent: a closing one closes. */
void wf_endpoint_sent_all(wf_endpoint *e);
/* Reads, or stops reading, as window and state say. */
void wf_endpoint_watch(wf_endpoint *e);
/* Owes nothing any more to who was refused. errors: ENOMEM. */
weft_err wf_endpoint_tell_drained(wf_endpoint *e);

/* ---- the queue of output (endpoint_out.c) */

weft_err wf_endpoint_queue(wf_endpoint *e, const weft_address *to, const weft_address *from,
                           weft_bytes bytes);
/* Sends what goes. */
void wf_endpoint_flush(wf_endpoint *e);
/* Counts and drops all that waits. */
void wf_endpoint_drop_queue(wf_endpoint *e);
/* Number @i of those that wait. */
static inline const endpoint_item *endpoint_item_at(const wf_endpoint *e, uint32_t i)
{
    return &e->out.at[(e->out.first + i) & (e->out.room - 1)];
}

/* ---- what is asked of it (endpoint_ops.c) */

extern const weft_type wf_endpoint_op_type, wf_endpoint_let_go_type;
weft_err wf_endpoint_on_op(weft_actor *self, weft_msg *msg);
weft_err wf_endpoint_on_let_go(weft_actor *self, weft_msg *msg);

extern const weft_behaviour wf_endpoint_behaviour;

/* What one that is bound before start is spawned with; it is taken by its first message, or its end. */
typedef struct endpoint_plan {
    weft_url url;
    const weft_behaviour *behaviour;
    const void *config;
    int fd;                   /* -1: taken, or simulated */
    bool lent;                /* the path it is bound to is somebody else's to remove */
    struct endpoint_end *end; /* of a simulation; NULL: taken, or real */
} endpoint_plan;
/* Closes what was not taken. */
void wf_endpoint_plan_done(endpoint_plan *plan);
/* Makes what @plan has opened the leaf of @e. errors: ENOMEM. */
weft_err wf_endpoint_take(wf_endpoint *e, endpoint_plan *plan);

/* ---- sockets (endpoint_socket.c opens, endpoint_udp.c moves) */

extern const endpoint_leaf wf_endpoint_leaf_socket, wf_endpoint_leaf_none;
/* Opens, and binds or connects, what @url says. errors: -1. */
int wf_endpoint_socket(const weft_url *url, weft_url_end end, weft_address *local, weft_err *err,
                       weft_why *why);
/* Closes it; the file of a unix one goes first, if @owns_path. */
void wf_endpoint_socket_close(int fd, const weft_url *url, bool owns_path);
/* The address of @url. errors: ENONAME, EUNSUPPORTED. */
weft_err wf_endpoint_socket_address(const weft_url *url, weft_address *out, weft_why *why);
static inline bool wf_is_datagram(const weft_url *url)
{
    return url->scheme == WEFT_SCHEME_UDP || url->scheme == WEFT_SCHEME_UNIXGRAM;
}
/* Makes @fd, which is taken, the leaf of @e; its file goes with it if it @owns_path. errors: ENOMEM; @fd is
 * closed. */
weft_err wf_endpoint_attach(wf_endpoint *e, int fd, const weft_url *url, weft_url_end end,
                            bool owns_path);
weft_err wf_endpoint_socket_set(wf_endpoint *e, const weft_endpoint_settings *settings);
weft_err wf_endpoint_socket_join(wf_endpoint *e, const weft_address *group, const char *interface,
                                 bool leave);

/* ---- the simulated world (endpoint_sim.c) */

typedef struct endpoint_end endpoint_end;
extern const endpoint_leaf wf_endpoint_leaf_sim;
/* errors: NULL. */
endpoint_end *wf_endpoint_sim_open(struct weft_sim *sim, const weft_url *url, weft_url_end end,
                                   weft_address *local, weft_err *err, weft_why *why);
void wf_endpoint_sim_attach(wf_endpoint *e, endpoint_end *end);
void wf_endpoint_sim_close(endpoint_end *end);

/* Binds @child->listen for a supervised child: the owner, of its behaviour, and the endpoint are children of
 * @self. @lent is a descriptor bound there already, at *@local, which is taken though its path is not; -1: none.
 * Where it is bound is written to @to. errors: as weft_bind_at. */
WEFT_MUST_USE weft_err wf_endpoint_keep(weft_actor *self, const weft_child *child, int lent,
                                        weft_address *local, char *to, size_t room, weft_why *why);

#endif
