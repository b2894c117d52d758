/* SPDX-License-Identifier: MIT */
/* A link: the actor that carries what goes to one other node, and what comes from there.
 *
 *     DOWN ── time to connect ──▶ DIALING ── connected, hellos said ──▶ UP
 *      ▲ └──── a gate hands over a connection with a welcome hello ────▶│
 *      └─────────────── lost, refused, silent, goodbye ─────────────────┘
 *
 * At most one connection is the link's at a time. Of two that are made at once the one that the node with the
 * smaller name dialed stays; of two of the same life of the peer that which it began later. */
#ifndef WF_LINK_H
#define WF_LINK_H

#include "node.h"

typedef struct pending pending;

/* What stands in line to be sent: a message as it was told to the link, or a record that is packed. */
typedef struct item {
    struct item *next;
    weft_msg *msg;  /* kept; NULL: packed, or cancelled */
    uint8_t *bytes; /* packed: the whole record */
    uint32_t total, offset;
    uint32_t id;       /* of its chunks */
    uint32_t charge;   /* against what may wait */
    uint64_t src, dst; /* the pair whose order it keeps; dst 0: with all of src */
    bool counted;      /* it takes credit */
    pending *pending;  /* of a request */
    uint32_t
        cancel; /* a request that is no longer wanted, and must be told so behind its last chunk */
    struct item *behind, **behind_tail; /* of the same pair, while this one goes in chunks */
} item;

typedef struct items {
    item *first, **tail;
    uint32_t n;
    uint64_t bytes;
} items;

/* A request of ours, in the room of its message. */
struct pending {
    weft_msg *msg;
    item *item;   /* where it waits, or goes in chunks; NULL: it was sent */
    uint32_t req; /* 0: it waits */
    uint64_t seq; /* of the frame it was in */
};
_Static_assert(sizeof(pending) <= WEFT_REMOTE_ROOM_BYTES, "what is pending fits its message");

/* A monitor of ours, of an actor there. */
typedef struct watch {
    weft_remote_watch of;
    uint32_t id;
    bool sent;
    struct watch *next; /* of those that could not be told yet */
    weft_err reason;
    char why[96];
} watch;

struct watched {
    watched *next; /* of the same actor, and kind */
    uint32_t id;
    weft_ref who;
    bool life;
};

/* What a number of the peer's stands for. */
typedef struct atom_in {
    const weft_type *type; /* of a name: the last that was let through to it */
    weft_ref named;        /* of a name, then */
    char *text;
} atom_in;

/* Streams between the two nodes (link_stream.h). */
typedef struct link_stream link_stream;
typedef struct link_opening link_opening;
typedef struct link_streams {
    link_map by_id;
    link_stream *line, **line_tail; /* what would send: each has its turn */
    link_opening *opening;          /* asked for, while there is no connection */
    uint32_t openings;
    uint32_t last; /* number that this side gave */
} link_streams;

/* What a tell that needs no message was sent with last. */
typedef struct link_direct {
    const weft_type *type; /* NULL: nothing */
    weft_ref from, to;
    uint64_t ended; /* as the node's exports_ended was */
    uint64_t src, dst;
    uint32_t type_number;
    uint8_t flags;
} link_direct;

/* Whom the last message from there was for. */
typedef struct link_recent {
    const weft_type *type; /* NULL: nothing came */
    weft_ref from, to;
    uint64_t ended; /* as the node's exports_ended was */
    uint64_t src, dst;
    uint32_t type_number;
    uint8_t named;
} link_recent;

struct node_link {
    node_link *next;
    node *node;
    weft_actor *self;
    unsigned number; /* of the node, in references */
    char name[WEFT_NODE_NAME_BYTES];
    const char *url; /* NULL: it connects to us */
    char *url_own;   /* of one that joined: @url, or NULL */
    bool family;     /* a process of this program: adopted again and again, and trusted */
    bool over;       /* of the family: it does not come again */
    weft_link_state state;
    uint64_t peer_life, attempt;
    uint32_t redial_ms, ups;
    bool leaving; /* shut-down, or parted: nothing is begun any more */
    bool parted;  /* no member: it waits to become one again, since its number is taken for ever */

    weft_ref stream;
    bool session_live; /* @s is of @stream */
    link_session s;
    link_handed handed; /* stream nobody: none */
    bool dials;         /* it says hello first on @stream */
    weft_alarm tick, redial, again;
    weft_hook flush;
    bool stream_full; /* it has refused: `drained` follows */
    bool far;         /* the stream is of another reactor: it is written when it asks for it */
    weft_msg *pull;

    items waiting;           /* in line: no credit, or no room */
    item *bigs, **bigs_tail; /* being sent in chunks, in turn */
    unsigned n_bigs;
    uint64_t behind_bytes; /* what waits behind them */
    link_map asks;         /* req to its pending */
    link_map kept; /* requests that wait or were asked, by their messages: to their pendings */
    uint32_t last_req;
    link_map served;    /* req of theirs to its served */
    link_map watches;   /* id to its watch */
    link_map watch_ids; /* the monitor at its watcher to its id */
    uint32_t last_watch;
    watch *untold;
    weft_msg *unheard;      /* weft_remote_watch, kept: without memory for them, nor to say so */
    link_map watched_ids;   /* id of theirs to its watched */
    link_map watched_by[2]; /* key_of the actor to the first of its watched; of lives apart */
    items rooms;            /* requests for room */
    link_map types_out, names_out;
    uint32_t last_type, last_name;
    weft_ref last_src; /* who sent the last message, and its token */
    uint64_t last_src_token, last_src_ended;
    link_direct direct;
    link_recent came;
    link_streams streams;
    atom_in *types_in, *names_in;
    uint32_t n_types_in, n_names_in;
    char why[96]; /* it could not be reached, or is down; "": it is up, or nothing is known */
    uint64_t lost;
    uint64_t noted; /* tells whose sender may be told that they were refused there */
};

/* ---- link.c */

extern const weft_behaviour wf_link_behaviour;
node_link *wf_link_of(weft_actor *self);
/* Says goodbye and ends the connection, for which monitors are told @why; nothing is begun any more. */
void wf_link_leave(node_link *l, const char *why);
/* Fills the state of the link that is @self, to the node @name at @url (NULL: it connects to us), which is borrowed. */
void wf_link_begin(node *n, weft_actor *self, const char *name, const char *url);
/* Something was appended to the session: it is sent at the end of the round. */
void wf_link_touch(node_link *l);
/* Much was appended to it, or what others wait for: some of it is written now. */
void wf_link_write_some(node_link *l);
/* The connection is over: everything that hung on it is told so. */
void wf_link_lost(node_link *l, weft_err err, const char *why);
/* Memory was out where the other side would wait for ever: the connection ends at the next moment. */
void wf_link_broken(node_link *l);
/* Whether a tell need not wait, and what may wait in bytes. */
bool wf_link_has_room(const node_link *l);
uint64_t wf_link_waiting_max(const node_link *l);
/* What the link takes has changed. */
void wf_link_publish(node_link *l);
/* Tells later those that there was no memory for. */
void wf_link_again_later(node_link *l);

/* The session of a new connection. */
void wf_link_session_begin(node_link *l, weft_ref stream, bool dialed);
/* Its first words were put together, or (@err) were not. */
weft_err wf_link_session_begun(node_link *l, weft_err err);
/* Its session is over; what was asked is not looked at. */
void wf_link_session_end(node_link *l);
void wf_link_set_state(node_link *l, weft_link_state state);

/* ---- link_connect.c: how it comes to a connection */

/* Whether a connection that begins with @hello is better than what there is. errors: as link_knock. */
WEFT_MUST_USE weft_err wf_link_knock(const node_link *l, const link_hello *hello, weft_why *why);
/* Told to a link: @fd is to be its connection. */
typedef struct link_adopt {
    int fd;
    bool dials;
} link_adopt;
extern const weft_type wf_link_adopt_type;
/* Connects, if it is down and has where to. @context is the link. */
void wf_link_dial(weft_actor *self, void *context);
void wf_link_dial_later(node_link *l);
weft_err wf_link_on_adopt(weft_actor *self, weft_msg *msg);
weft_err wf_link_on_handed(weft_actor *self, weft_msg *msg);
weft_err wf_link_on_opened(weft_actor *self, weft_msg *msg);

/* ---- link_send.c, link_line.c: what goes there */

weft_err wf_link_on_mail(weft_actor *self, weft_msg *msg);
weft_err wf_link_on_cancelled(weft_actor *self, weft_msg *msg);
weft_err wf_link_on_room(weft_actor *self, weft_msg *msg);
/* Sends what waits, as far as there is credit and room. */
void wf_link_pump(node_link *l);
/* Whether something may be appended now; @counted: that takes credit. */
bool wf_link_may_send(const node_link *l, bool counted);
/* Sends @record, whose payload is @made, of @type (NULL: none), in line behind what @src sent to @dst.
 * errors: ENOMEM, ETOOBIG. */
WEFT_MUST_USE weft_err wf_link_put(node_link *l, link_record *record, const weft_type *type,
                                   void *made, uint64_t src, uint64_t dst);
/* Sends a failure's record the same way. Without memory for it the connection ends, since the other side would
 * wait for it for ever. */
void wf_link_say(node_link *l, const link_record *record, const char *why, uint32_t count,
                 uint64_t src, uint64_t dst);
/* As wf_link_put, with the number of @type in the record, and with its references as they go.
 * errors: those of wf_types_add, ENOMEM, ETOOBIG, with @why. */
WEFT_MUST_USE weft_err wf_link_put_typed(node_link *l, link_record *record, const weft_type *type,
                                         void *made, uint64_t src, uint64_t dst, weft_why *why);
/* The same for one without payload, out of line. */
void wf_link_control(node_link *l, const link_record *record);
/* Writes who @to is into @record. errors: ENOMEM, ELIMIT (LINK_ATOMS_MAX). */
WEFT_MUST_USE weft_err wf_link_dst(node_link *l, weft_ref to, link_record *record);
/* Takes the request @req of ours off the table; it is to be answered and dropped. NULL: it is over. */
weft_msg *wf_link_take_ask(node_link *l, uint32_t req);
/* Fails all that waits or was asked. */
void wf_link_fail_all(node_link *l, weft_err err, const char *why);

/* ---- link_direct.c: what needs no message */

/* A weft_remote_room_fn. */
uint8_t *wf_link_direct(void *link, const weft_remote_told *told);

/* ---- link_receive.c: what comes from there */

void wf_link_on_record(node_link *l, const link_record *record);
/* What a message is for, and what it is. */
typedef struct message_in {
    weft_ref from, to;
    weft_remote_body body;
} message_in;
/* errors: EPROTO, ETYPE, EGONE, EDENIED, ELIMIT, ENOMEM, with @why. */
WEFT_MUST_USE weft_err wf_link_message_in(node_link *l, const link_record *record, message_in *out,
                                          weft_why *why);
/* Whom @record, of @type (NULL: it watches), is for. errors: EGONE, EDENIED, EPROTO, with @why. */
WEFT_MUST_USE weft_err wf_link_dst_in(node_link *l, const link_record *record,
                                      const weft_type *type, weft_ref *out, weft_why *why);
/* What a weft.link.Failure says. errors: EPROTO; the error is there. */
typedef struct link_failure {
    weft_err err;
    uint32_t count;
    char why[WEFT_WHY_BYTES];
} link_failure;
weft_err wf_link_failure_of(const node_link *l, const link_record *record, link_failure *out);
weft_err wf_link_on_atom(node_link *l, const link_atom *atom, weft_why *why);
void wf_link_receive_done(node_link *l);

/* ---- link_serve.c: requests of theirs */

void wf_link_on_ask(node_link *l, const link_record *record);
void wf_link_on_cancel(node_link *l, const link_record *record);
/* Nobody is there any more to be answered. */
void wf_link_cancel_served(node_link *l);
/* Gives back what is kept for requests. */
void wf_served_done(node *n);

/* ---- link_watch.c: monitors of ours */

weft_err wf_link_on_watch(weft_actor *self, weft_msg *msg);
weft_err wf_link_on_unwatch(weft_actor *self, weft_msg *msg);
weft_err wf_link_on_linked(weft_actor *self, weft_msg *msg);
weft_err wf_link_on_stop(weft_actor *self, weft_msg *msg);
/* The link is up: what was asked for before is sent. */
void wf_link_send_watches(node_link *l);
void wf_link_on_watch_record(node_link *l, const link_record *record);
/* Every monitor of ours is told; theirs are taken back. */
void wf_link_watches_lost(node_link *l, weft_err err, const char *why);
/* Tells those that there was no memory for. */
void wf_link_tell_again(node_link *l);
void wf_link_watch_done(node_link *l);

/* ---- link_stream.c, link_stream_in.c, link_open.c: streams */

void wf_streams_on_record(node_link *l, const link_record *record);
weft_err wf_streams_on_open(weft_actor *self, weft_msg *msg);
/* What was asked for before is opened. */
void wf_streams_up(node_link *l);
/* Each that would send has its turn, as far as there is room. */
void wf_streams_pump(node_link *l);
/* The request @msg, if one of those that wait is meant, is no longer wanted. */
void wf_streams_cancelled(node_link *l, const weft_msg *msg);
/* All of them end, at this side. */
void wf_streams_lost(node_link *l, weft_err err, const char *why);

/* ---- link_undelivered.c: tells that were refused */

/* The sender of @msg, which it wanted to know, is told that it was not sent. */
void wf_link_tell_undelivered(const weft_msg *msg, weft_err err);
/* The other side is told that @tell was refused. */
void wf_link_say_undelivered(node_link *l, const link_record *tell, weft_err err);
weft_err wf_link_on_undelivered(weft_actor *self, weft_msg *msg);
void wf_link_on_undelivered_record(node_link *l, const link_record *record);

/* ---- link_watched.c: monitors of theirs */

weft_err wf_link_on_down(weft_actor *self, weft_msg *msg);
weft_err wf_link_on_restarted(weft_actor *self, weft_msg *msg);
void wf_watched_monitor(node_link *l, const link_record *record);
void wf_watched_demonitor(node_link *l, const link_record *record);
void wf_watched_link(node_link *l, const link_record *record);
void wf_watched_stop(node_link *l, const link_record *record);
/* Nobody there wants to know any more. */
void wf_watched_forget(node_link *l);

#endif
