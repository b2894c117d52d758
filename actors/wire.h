/* SPDX-License-Identifier: MIT */
/* The simulated wire: links between two ends, in virtual time, with faults.
 *
 *     conn ── write ──▶ chunks under way ── arrive, in order ──▶ chunks here ── read ──▶ conn
 *
 * What is under way and here is bounded by the window of the end it goes to. Both ends and all that
 * is between them belong to one thread, whatever reactors the connections live on. */
#ifndef WF_WIRE_H
#define WF_WIRE_H

#include <weft/edge.h>
#include <weft/url.h>

#include "conn.h"

typedef struct wire_link wire_link;
typedef struct wire_listener wire_listener;

typedef enum wire_kind { WIRE_BYTES, WIRE_END, WIRE_RESET } wire_kind;

typedef struct wire_chunk {
    struct wire_chunk *next;
    wire_kind kind;
    uint32_t due; /* ms of virtual time */
    uint32_t at;  /* bytes of it that were read */
    uint32_t size;
    uint8_t data[];
} wire_chunk;

/* Where somebody listens, or will: what tests do to all links there. */
typedef struct wire_place {
    struct wire_place *next;
    weft_address address;
    uint32_t delay_ms;  /* on top of each link's own latency */
    uint32_t cut_until; /* ms of virtual time: nothing arrives before */
    unsigned member;    /* the system that listens there, or did last */
} wire_place;

/* A system that is cut off from all others, or was. */
typedef struct wire_island {
    struct wire_island *next;
    unsigned member;
    uint32_t cut_until; /* ms of virtual time */
} wire_island;

/* Something that is freed with the world. */
typedef struct wire_kept {
    struct wire_kept *next;
    void (*free)(struct wire_kept *kept);
} wire_kept;

/* In order of arrival. */
typedef struct wire_queue {
    wire_chunk *first, *last;
} wire_queue;

typedef struct wire_end {
    wire_link *link;
    conn *c;          /* NULL: not accepted yet, or closed */
    weft_ref stream;  /* of @c */
    unsigned reactor; /* of @c: its place in the world */
    unsigned want;
    weft_arrival ready;  /* tells @c what it wants to know */
    weft_arrival coming; /* the first chunk under way to this end */
    wire_queue way, here;
    uint32_t due_last; /* when the last chunk under way arrives */
    uint32_t bytes;    /* under way and here */
    uint32_t window;   /* what they are bounded by until @c is there */
    bool ended;        /* the peer sends no more */
    bool lost;
    bool closed;
    struct wire_end *next_waiting; /* for its listener */
    weft_address address;
} wire_end;

struct wire_link {
    struct weft_sim *sim;
    wire_link *next, **back; /* of all */
    wire_place *place;
    uint32_t delay_ms;    /* as its place's, of this one */
    weft_arrival opening; /* the connect on its way to the listener, its outcome on the way back */
    uint32_t id;
    uint32_t latency_ms;
    unsigned open; /* ends; freed with the last */
    bool answered; /* the connect: its outcome is on its way back, or there */
    bool refused;
    /* Who wants to know what the connect came to, while it has no connection yet. */
    void (*outcome)(void *context);
    void *context;
    wire_end end[2]; /* who connects, who accepts */
};

/* ---- links (wire.c) */

/* Whether @url is of the world that @sim (NULL: the real one) is. errors: EUNSUPPORTED. */
weft_err wf_wire_check(const struct weft_sim *sim, const weft_url *url, weft_why *why);

/* Begins to connect to @to; @outcome(@context) is called on @reactor. The end is the caller's: to be attached to
 * a connection, or refused. errors: NULL. */
wire_end *wf_wire_begin(struct weft_sim *sim, const weft_url *url, const weft_address *to,
                        unsigned reactor, void (*outcome)(void *context), void *context);
/* Begins to connect @c, whose outcome reaches its on_ready. errors: ENOMEM. */
weft_err wf_wire_connect(conn *c, struct weft_sim *sim, const weft_url *url, weft_why *why);
/* What it came to, once on_ready was called. errors: EREFUSED. */
weft_err wf_wire_connected(const conn *c);
/* What the connect of @e came to, once that was told. errors: EREFUSED. */
weft_err wf_wire_outcome(const wire_end *e);
/* Makes @c the connection of @e, which was accepted, or has connected. */
void wf_wire_attach(conn *c, wire_end *e);
/* Nobody takes @e, which was accepted: its peer sees a reset. */
void wf_wire_refuse(wire_end *e);

/* The end of a connection. */
wire_end *wf_wire_end_of(const conn *c);
static inline wire_end *wire_peer(wire_end *e)
{
    return e == &e->link->end[0] ? &e->link->end[1] : &e->link->end[0];
}
/* Sends a chunk, which is taken, to @to. */
void wf_wire_send(wire_end *to, wire_chunk *chunk);
/* The same for one without bytes; what memory has no room for is lost with the connection. */
void wf_wire_send_kind(wire_end *to, wire_kind kind);
/* errors: NULL. */
wire_chunk *wf_wire_chunk_new(wire_kind kind, size_t size);
void wf_wire_chunk_free(wire_chunk *chunk);
/* @size of the bytes that are here were read. */
void wf_wire_took(wire_end *e, size_t size);
/* Has @e tell its connection what it wants to know, in @delay_ms at the latest. */
void wf_wire_look(wire_end *e, uint32_t delay_ms);
/* How many bytes may be sent to @e now. */
uint32_t wf_wire_room(const wire_end *e);
/* Closes an end; frees the link with the second. */
void wf_wire_close(wire_end *e);
/* errors: EINVAL for a name that is too long. */
weft_err wf_wire_address(weft_address *to, const char *name, unsigned port, weft_why *why);
/* An end finds its connection lost; what is under way to it is too. */
void wf_wire_lose(wire_end *e);
/* What is under way on @link, a connect too, is there no sooner than at @until. */
void wf_wire_hold(wire_link *link, uint32_t until);
/* A line in the event log. */
void wf_wire_note(const wire_link *link, const char *format, ...) WEFT_PRINTF(2, 3);

/* ---- the world: listeners, links, places (wire_listen.c) */

/* Listens at the name and port of @url. errors: NULL with @err and @why: EEXISTS, ENOMEM. */
wire_listener *wf_wire_listen(struct weft_sim *sim, const weft_url *url, weft_address *local,
                              weft_err *err, weft_why *why);
/* Has @ready(@context) called on @reactor when somebody waits, if that is wanted. */
void wf_wire_listener_watch(wire_listener *l, unsigned reactor, void (*ready)(void *context),
                            void *context);
void wf_wire_listener_want(wire_listener *l, bool want);
/* The next that waits, or NULL. */
wire_end *wf_wire_accept(wire_listener *l);
/* Ends it: those that wait are reset. */
void wf_wire_unlisten(wire_listener *l);

/* Who listens at @address, or NULL. */
wire_listener *wf_wire_listener_at(struct weft_sim *sim, const weft_address *address);
/* Has @e, which wants to connect, wait there. false: too many do. */
bool wf_wire_listener_offer(wire_listener *l, wire_end *e);
/* Counts @link among those of the world and gives it its place and its number, which is also that of a
 * port for who connects. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_wire_join(wire_link *link, const weft_address *to);
void wf_wire_leave(wire_link *link);
/* The first of all links; NULL: there is none. */
wire_link *wf_wire_links(struct weft_sim *sim);
/* The place of @address. errors: NULL. */
wire_place *wf_wire_place(struct weft_sim *sim, const weft_address *address);
/* The names of the simulation, and how many questions about them were sent. errors: NULL. */
typedef struct wf_wire_names {
    const struct weft_sim_name *rows;
    unsigned asked;
} wf_wire_names;
wf_wire_names *wf_wire_names_of(struct weft_sim *sim);
/* Whether @name is one of them. */
bool wf_wire_is_name(struct weft_sim *sim, const char *name);
/* The island of the system @member. errors: NULL. */
wire_island *wf_wire_island(struct weft_sim *sim, unsigned member);
/* Until when nothing arrives on @link: 0, it does. */
uint32_t wf_wire_cut_until(const wire_link *link);
/* Has @kept freed with the world. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_wire_keep(struct weft_sim *sim, wire_kept *kept);

/* Where the world keeps what it knows of datagrams; NULL at first. errors: NULL. */
void **wf_wire_datagrams(struct weft_sim *sim);

extern const conn_leaf wf_conn_leaf_sim;

#endif
