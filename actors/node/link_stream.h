/* SPDX-License-Identifier: MIT */
/* A stream between two nodes: at each an actor, a stream like any other, whose leaf is the link.
 *
 *    owner ◀── opened, data, ... ── stream ◀── what came ◀── records ┄┄ the other side's leaf ◀── stream ◀── owner
 *          ── weft_write, ... ───▶        ──▶ in line ──▶ link ┄┄┄┄▶
 *
 *    asked for ── STREAM sent ──▶ OPENING ── ROOM came ──▶ OPEN ── CLOSED, sent or come; the link lost ──▶ over
 *                 STREAM came, ROOM sent ──────────────────▶
 *
 * What may be on its way to one side, or stands there unread, is bounded by the room that it gave, which it gives
 * again for what its stream has read; what that has given out is bounded by the stream's window. */
#ifndef WF_LINK_STREAM_H
#define WF_LINK_STREAM_H

#include <weft/leaf.h>

#include "link.h"

enum {
    LINK_STREAM_ROOM = WEFT_NODE_STREAM_BYTES, /* of records, on their way to one stream */
    LINK_STREAM_ROOM_PARTS = 4,                /* it is given again in such parts */
    LINK_STREAM_BYTES_MAX = 32 << 10,          /* of one record, and of one turn */
    LINK_STREAM_OUT_MAX = 64 << 10, /* appended and not written: streams wait, messages pass them */
};

/* A record's bytes, which were not read. */
typedef struct link_came {
    struct link_came *next;
    uint32_t bytes, charge;
    uint8_t at[];
} link_came;

struct link_stream {
    node_link *link; /* NULL: the other side is told nothing any more */
    weft_leaf *leaf; /* NULL: it is closed */
    weft_ref ref;
    link_stream *next; /* in line */
    uint32_t id;
    unsigned want;
    bool making, up, in_line, turn;
    bool ended;    /* the other side sends no more */
    bool left;     /* and takes no more: it is closed there */
    uint32_t sent; /* in this turn */
    uint64_t room; /* of records that may go */
    uint32_t given, owed;
    link_came *came, **came_tail;
    weft_hook hook;
    weft_address local, peer;
};

extern const weft_leaf_ops wf_link_leaf;

/* Asked of a link: a stream between @owner, of this node, and @there, of the other. The reply is
 * weft_node_streamed. errors: EUNREACHABLE, EUNSUPPORTED, EGONE, ELIMIT, ENOMEM. */
typedef struct wf_stream_open {
    weft_ref there, owner;
    weft_address local, peer; /* of the connection it goes on for */
} wf_stream_open;
extern const weft_type wf_stream_open_type;

/* Who @there, of any kind, stands for: a name of this node may be that of an actor of another. Nobody: it has ended. */
weft_ref wf_stream_whom(weft_actor *self, weft_ref there);
/* Asks the link to the node of @open->there, which is another one; the Deferred gives weft_node_streamed. */
WEFT_MUST_USE weft_deferred wf_stream_between(weft_actor *self, const wf_stream_open *open);

/* ---- link_stream.c: the leaf */

/* One that is to be in the table of @l. errors: NULL. */
WEFT_MUST_USE link_stream *wf_stream_new(node_link *l, uint32_t id);
/* Makes its leaf, for @owner. errors: ENOMEM, EGONE; @s is freed. */
WEFT_MUST_USE weft_err wf_stream_make(node_link *l, link_stream *s, weft_ref owner);
/* Something came: its stream is told so after the turn. */
void wf_stream_look(link_stream *s);
/* It is over, at both sides. @s is gone after it. */
void wf_stream_fail(link_stream *s, weft_err err, const char *why);

/* ---- link_open.c: how one begins */

/* The other side asks for one. */
void wf_stream_on_asked(node_link *l, const link_record *record);

/* Tells the other side that @id is closed. */
void wf_stream_say_closed(node_link *l, uint32_t id, weft_err err, const char *why);
/* What was asked for and waits is refused. */
void wf_streams_refuse(node_link *l, weft_err err, const char *why);

#endif
