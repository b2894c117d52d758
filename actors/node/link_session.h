/* SPDX-License-Identifier: MIT */
/* The session of a link: what the two ends of one connection owe each other. Pure: bytes and the time go in,
 * bytes and calls come out.
 *
 *    who dials     FRESH ── its hello ──▶ GREETED ── a hello ──▶ UP
 *    who accepts   FRESH ── a hello, and its own ──▶ GREETED ── anything ──▶ UP
 *    both          UP ── goodbye said ──▶ LEAVING ──▶ OVER    (or from anywhere: a fault, silence, a goodbye)
 *
 * Who accepts is up only when something came behind the hello: a hello alone may be of a peer that has died
 * since. An invariant: what may be on its way is bounded. TELL and ASK records take credit, which the
 * other side gives back when it has consumed them; all others are bounded by those, and by monitors. */
#ifndef WF_LINK_SESSION_H
#define WF_LINK_SESSION_H

#include "link_codec.h"

enum {
    LINK_VERSION = 1,
    LINK_NODE_BYTES = 64,              /* of a name, the final zero included */
    LINK_CREDIT_BYTES = 4 << 20,       /* of records on their way, by default */
    LINK_MESSAGE_BYTES_MAX = 16 << 20, /* of one record, in chunks */
    LINK_PARTIAL_MAX = 64,             /* records in chunks that are under way to one side */
    LINK_PARTIAL_BYTES_MAX = 64 << 20, /* and what they may come to */
    LINK_FRAME_TARGET = 64 << 10,      /* a frame of records is closed when it has so many */
    LINK_ATOMS_MAX = 65536,            /* of each kind and direction */
    LINK_HELLO_MS = 5000,              /* the hello must have come */
    LINK_PING_MS = 1000,               /* nothing came for so long: a ping */
    LINK_LOST_MS = 4000,               /* nothing came for so long: lost */
};

/* Who the other side is, or this one. */
typedef struct link_hello {
    char node[LINK_NODE_BYTES], cluster[LINK_NODE_BYTES];
    uint64_t life, attempt;
    uint32_t frame_bytes_max;
    uint64_t credit_bytes, features;
} link_hello;

/* Writes it at @to, of LINK_HELLO_BYTES_MAX bytes; returns how many. */
size_t wf_link_write_hello(uint8_t *to, const link_hello *hello);
/* One with life 0 is that of a visitor (link_visit.h), of which @out has nothing else.
 * errors: EPROTO, ELIMIT, EUNSUPPORTED (another version), ENOMEM, with @why. */
/* Whether @text is a name of a node, or of a cluster: what stands in references and logs. */
bool wf_link_is_name(const char *text);
WEFT_MUST_USE weft_err wf_link_read_hello(const link_frame *frame, link_hello *out, weft_why *why);

typedef enum link_state {
    LINK_FRESH,
    LINK_GREETED,
    LINK_UP,
    LINK_LEAVING,
    LINK_OVER,
} link_state;

typedef struct link_session link_session;

/* What the session calls; each from within a function of the session, which it must not free. */
typedef struct link_session_ops {
    /* A hello came: to who dials, or to who accepts and was not given it. An error refuses it, with a
     * goodbye. */
    weft_err (*hello)(link_session *s, const link_hello *hello, link_bye *bye, weft_why *why);
    void (*up)(link_session *s);
    /* A record; its payload is borrowed. */
    void (*record)(link_session *s, const link_record *record);
    /* @atom stands for its text from now on. errors: refuse it, and end the session. */
    weft_err (*atom)(link_session *s, const link_atom *atom, weft_why *why);
    /* There is credit again, or more is known to have arrived. */
    void (*credit)(link_session *s);
} link_session_ops;

/* All of a limit's fields 0: the default. */
typedef struct link_limits {
    uint64_t credit_bytes;
    uint32_t message_bytes_max, ping_ms, lost_ms, hello_ms;
} link_limits;

/* Gathers one record that comes in chunks. */
typedef struct link_partial {
    uint32_t id; /* 0: none */
    uint32_t total, got, room;
    uint8_t *bytes;
    bool counted; /* it takes credit */
} link_partial;

struct link_session {
    const link_session_ops *ops;
    void *context;
    link_limits limits;
    link_state state;
    bool dialed;
    link_hello mine, peer;

    link_reader reader;
    uint64_t seq_in, seq_out;
    uint64_t acknowledged;      /* the other side has consumed up to this frame of ours */
    int64_t credit, credit_max; /* for records of ours; below 0 by one record at most */
    uint64_t taken;             /* credit of ours that the other side has taken and not got back */
    uint64_t owed;              /* of that: consumed, to be given back */
    link_partial partial[LINK_PARTIAL_MAX];
    uint64_t partial_bytes; /* their totals */
    uint32_t chunk_id;

    uint8_t *out; /* frames to be sent */
    size_t out_n, out_room;
    size_t mail_at; /* where the frame of records that is open begins */
    bool mail_open;

    uint32_t began_ms, heard_ms, pinged_ms;
    uint32_t round_trip_ms;
    uint64_t records_in, records_out, bytes_in, bytes_out;

    weft_err err; /* why it is over */
    link_bye bye; /* as the other side said it; 0: it did not */
    weft_why why;
};

/* Makes it ready for a new connection; @mine is who this side is. */
void wf_session_init(link_session *s, const link_session_ops *ops, void *context,
                     const link_limits *limits, const link_hello *mine, bool dialed,
                     uint32_t now_ms);
/* Gives back what it holds. */
void wf_session_done(link_session *s);

/* Who dials: the connection is there. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_session_greet(link_session *s);
/* Who accepts: @hello, the first frame, was read by others, and is welcome. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_session_accept(link_session *s, const link_hello *hello);

/* Bytes came. errors: whatever ended it, which stands in the session too; then nothing more is read. */
WEFT_MUST_USE weft_err wf_session_data(link_session *s, const uint8_t *at, size_t n,
                                       uint32_t now_ms);
/* Time has passed: pings, or finds it lost (ETIMEDOUT). *@next_ms: when to be called again at the latest. */
WEFT_MUST_USE weft_err wf_session_tick(link_session *s, uint32_t now_ms, uint32_t *next_ms);

/* ---- sending; all errors but ENOMEM are none. What is appended waits for wf_session_flush. */

/* Whether a record of @op takes credit. */
static inline bool link_op_counts(link_op op)
{
    return op == LINK_OP_TELL || op == LINK_OP_ASK;
}
/* Appends room for @record, of LINK_RECORD_WHOLE_MAX bytes at most, with all but its payload written;
 * *@payload is where that goes. *@seq: of the frame it is in. */
WEFT_MUST_USE weft_err wf_session_record(link_session *s, const link_record *record,
                                         uint8_t **payload, uint64_t *seq);
/* Appends a chunk of the record that is the @total bytes at @from, from *@offset on, which moves on. */
WEFT_MUST_USE weft_err wf_session_chunk(link_session *s, uint32_t id, const uint8_t *from,
                                        uint32_t total, uint32_t *offset, bool counted,
                                        uint64_t *seq);
WEFT_MUST_USE weft_err wf_session_atom(link_session *s, const link_atom *atom);
/* Says goodbye; nothing can be appended after it. */
void wf_session_leave(link_session *s, link_bye reason, const char *why);

/* What is to be written now: good until something is appended. 0 bytes: nothing. */
size_t wf_session_flush(link_session *s, const uint8_t **at);
/* It was: forgets it. */
void wf_session_flushed(link_session *s);
/* Bytes that wait for it. */
static inline size_t wf_session_waiting(const link_session *s)
{
    return s->out_n;
}

#endif
