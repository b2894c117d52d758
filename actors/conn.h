/* SPDX-License-Identifier: MIT */
/* The connection actor: a leaf that moves bytes, a stack of stages, a queue of output, an owner.
 *
 *   opening ──▶ open ──▶ closing (flushes) ──▶ closed: the owner is told, the actor ends
 *      └─────────┴────────── lost, aborted ──────▲
 */
#ifndef WF_CONN_H
#define WF_CONN_H

#include <weft/leaf.h>
#include <weft/stage.h>
#include <weft/stream.h>
#include <weft/ward.h>

typedef struct weft_leaf conn;
struct iovec;
struct wf_send;

typedef weft_leaf_item conn_item;
typedef weft_leaf_ops conn_leaf;

enum {
    CONN_OPENING = 1 << 0,    /* connecting: nothing is read or written yet */
    CONN_CLOSING = 1 << 1,    /* flushes, then closes */
    CONN_CLOSED = 1 << 2,     /* the leaf is closed */
    CONN_DATA_OUT = 1 << 3,   /* a message of this stream has not been let go of */
    CONN_PAUSED = 1 << 4,     /* reading is off */
    CONN_BLOCKED = 1 << 5,    /* the wire took no more: waits for room */
    CONN_ENDED_IN = 1 << 6,   /* the peer sends no more */
    CONN_ENDED_TOLD = 1 << 7, /* and the owner was told */
    CONN_END_OUT = 1 << 8,    /* half close asked for: after what is queued */
    CONN_END_SENT = 1 << 9,
    CONN_DRAIN = 1 << 10,     /* a write was refused: `drained` is owed */
    CONN_CHILD = 1 << 11,     /* the owner is this actor's child */
    CONN_TOLD = 1 << 12,      /* `closed` was told: nothing more is */
    CONN_NO_SOCKET = 1 << 13, /* a pipe or a file: written without MSG_NOSIGNAL */
    CONN_COUNTED = 1 << 14,   /* its parent is a listener, which is told when it is over */
    CONN_BUSY = 1 << 15,  /* its queues or stages are being worked on: nothing is told meanwhile */
    CONN_AGAIN = 1 << 16, /* and something is to be told after that */
    CONN_RETRY = 1 << 17, /* memory was out for `closed`: a hook tries again */
    CONN_LINGERING = 1 << 21, /* all has been sent; what still comes is read and thrown away */
    CONN_GOODBYE = 1 << 22, /* what is left to be sent is a stage's own, to a peer that has ended */
    CONN_HAND_OVER = 1 << 23, /* to next_owner, when no message is out */
    CONN_HELD = 1 << 24,      /* up, but stages have to come to something before `opened` is told */
    CONN_REFUSED = 1 << 25,   /* counted, but as one that is told that there are too many */
    CONN_LOST = 1 << 20,      /* it does not end in order: the reason says why */
    CONN_FLUSHING = 1 << 19,  /* sending is under way */
    CONN_LOOK = 1 << 26,      /* the first bytes were told: the end may have come with them */
    CONN_DOWN_ENDED = 1 << 18, /* what the owner wrote, and its end, went through every stage */
};

enum {
    CONN_OUT_ITEMS = 10,
    CONN_WRITE_ITEMS = 64 /* that are written with one call at most */
};

/* A piece of the output queue; taken when there is output, given back when it has left. */
typedef struct conn_out {
    weft_hook hook; /* of the first piece: flushes at the end of the round */
    conn *owner;
    struct conn_out *next, *last; /* @last is right in the first piece of a queue */
    uint32_t first, n;
    conn_item item[CONN_OUT_ITEMS];
} conn_out;

/* Whom a connection is made for. */
typedef struct conn_behalf {
    weft_address local, peer; /* of the connection it goes on for */
} conn_behalf;

/* What most connections never need. */
typedef struct conn_rare {
    weft_stage *top, *bottom;
    weft_stage *floor;   /* the topmost of those that its URL put there; NULL: none */
    weft_bytes unread;   /* came through the whole stack, or was given back, and was not told */
    weft_ref producer;   /* who is told weft_pull */
    bool pull_out;       /* and has not let go of it */
    weft_ref next_owner; /* with CONN_HAND_OVER */
    weft_err reason;     /* what it ends with */
    char why[96];
    weft_hook hook;            /* while opening: looks whether it is up already (connect.c) */
    void (*on_ready)(conn *c); /* while opening: the connect has come to something */
    void *connecting;          /* while opening: what its URL asks for, or NULL (connect.c) */
    conn_behalf *behalf;       /* or NULL: its own (proxy_part.c) */
    struct wf_meter *meter;    /* around the leaf, or NULL */
    uint32_t read_bytes_max;   /* of one read; 0: WEFT_READ_BYTES_MAX */
    struct wf_peer *peer;      /* it is counted for, or NULL; left when the leaf is closed */
    weft_timer timer;
    uint32_t write_queue_max;
    uint32_t above;  /* of @queued: what stands above stages and did not go through them yet */
    bool fresh;      /* it was connected, and nothing has come yet */
    bool in_up;      /* a stage is making a piece: what it sends is its own, not the owner's */
    bool relayed;    /* its owner is, or is to be, a relay to another node (stream_relay.h) */
    bool moved;      /* output has left since the alarm was set */
    uint8_t holding; /* stages that hold `opened` back */
    uint8_t leaving; /* stages that have done their work */
    uint32_t handshake_ms; /* how long they may; 0: the connect's own limit says */
    uint64_t seals_left;   /* records that the kernel may seal yet (leaf_sealed.c) */
    conn *owner;
    struct conn_rights *rights; /* descriptors that are passed (leaf_rights.c) */
    weft_alarm alarm;           /* ends a handshake, or a close, whose peer does nothing */
} conn_rare;

/* One stage of a stack. */
struct weft_stage {
    const weft_stage_ops *ops;
    conn *owner;
    weft_stage *above, *below;
    weft_bytes in;   /* came from below and was not taken */
    conn_out *down;  /* was written above and did not go through yet */
    bool starved;    /* asked for more since @in last grew */
    bool ended;      /* the peer's end was passed on */
    bool not_now;    /* takes nothing to send before it has seen more from below */
    bool ending;     /* above has ended: so does this, behind what stands in @down */
    bool down_ended; /* and did */
    bool holding;    /* `opened` waits for it */
    bool leaving;    /* has done its work: taken out when nothing stands in it */
    bool lets_by;    /* what is written goes by it as it is */
    _Alignas(16) unsigned char state[];
};

struct weft_leaf {
    weft_watch watch; /* or whatever the leaf keeps there */
    weft_account window;
    const conn_leaf *leaf;
    weft_ref owner;
    conn_out *out; /* the queue of the wire; NULL: nothing waits */
    conn_rare *rare;
    uint32_t queued; /* bytes in the queue that are fresh: bounded by write_queue_max */
    uint32_t flags;
};

/* Makes a connection actor, child of @parent, over @leaf; @owner nobody: set later. errors: NULL.
 * The caller then sets up the leaf and calls wf_conn_begin. */
conn *wf_conn_new(weft_actor *parent, const conn_leaf *leaf, weft_ref owner, weft_ref *ref);

/* Addresses that need not be asked for: the caller knows them. NULL: not that one. */
typedef struct conn_known {
    const weft_address *local, *peer;
} conn_known;
#define CONN_UNKNOWN ((conn_known){NULL, NULL})
/* It is up: begins to read, and tells `opened`, at once unless a stage holds that back. */
void wf_conn_begin(conn *c, conn_known known);

/* Where it is and who is at its other end, as its stages know better than the leaf. */
void wf_conn_addresses(const conn *c, weft_address *local, weft_address *peer);

/* The leaf is ready for @events. */
void wf_conn_ready(conn *c, unsigned events);

/* It is lost, or refused: nothing is flushed. */
void wf_conn_lost(conn *c, weft_err reason, const char *why);

/* A stage refuses what came: its last word (an alert) is sent if it goes at once. */
void wf_conn_broken(conn *c, weft_err reason, const char *why);

/* Flush, then close; nothing more is read. */
void wf_conn_close(conn *c);
/* A stream that closes and has something left to send is lost when its peer takes nothing of it. */
void wf_conn_limit_close(conn *c);
/* This side is about to end: what stages say from now on is nobody's loss if the peer has gone. */
void wf_conn_goodbye(conn *c);

/* Its owner has gone: what it wrote still leaves. */
void wf_conn_owner_gone(conn *c);
/* Whether nothing is left to be sent on a stream that is closing, or that has ended on both sides. */
bool wf_conn_over(const conn *c);
/* Whether it reads on for a moment rather than close now; `closed` has then been told. */
bool wf_conn_linger(conn *c);
/* The moment is over. */
void wf_conn_lingered(conn *c);
/* Closes the leaf, once; what is queued, or in the stages, is dropped. */
void wf_conn_close_leaf(conn *c, bool abort);
/* The leaf is closed: tells `closed`, if it was not, and stops the actor. */
void wf_conn_finish(conn *c);
/* The actor ends now, whatever is under way. */
void wf_conn_end_now(conn *c);

/* Tells the owner what is next, if it may be told something; else reads on. */
void wf_conn_deliver(conn *c);
/* What happens until wf_conn_idle is worked on first: it is delivered then, if this was the outermost. */
static inline bool conn_busy(conn *c)
{
    bool outermost = (c->flags & CONN_BUSY) == 0;
    c->flags |= CONN_BUSY;
    return outermost;
}
void wf_conn_idle(conn *c, bool outermost);
/* Reads, or stops reading, as window, state and owner say. */
void wf_conn_watch(conn *c);

/* The queue of output. */
weft_err wf_conn_queue_bytes(conn *c, weft_bytes bytes);
/* All of them or, but for memory that is out and loses the stream, none. */
weft_err wf_conn_queue_parts(conn *c, const weft_bytes *parts, unsigned count);
weft_err wf_conn_queue_copy(conn *c, const void *from, size_t size);
/* What waits to leave, above the stages too. */
uint64_t wf_conn_left(const conn *c);
/* Whether half of the limit is queued; if so, `drained` is owed. */
bool wf_conn_is_full(conn *c);
weft_err wf_conn_queue_file(conn *c, weft_file *file, uint64_t offset, uint64_t size);
/* Sends what goes. */
void wf_conn_flush(conn *c);
/* Flushes the connections whose pieces of a queue these are the hooks of, together (conn_many.c). */
void wf_conn_flush_many(weft_hook **hooks, unsigned n);
/* As wf_conn_flush, of one that is busy and flushing: a first write has come to @err, and took @sent bytes. */
void wf_conn_flush_on(conn *c, weft_err err, size_t sent, weft_why *why);
/* Drops everything that is queued. */
void wf_conn_out_drop(conn *c);
/* The same for the pieces of a stage. */
void wf_conn_items_drop(conn_out **queue);
/* A new item at the end of such a queue. errors: NULL. */
conn_item *wf_conn_item_new(conn *c, conn_out **queue);
/* Takes @size bytes off its front. */
void wf_conn_items_take(conn *c, conn_out **queue, size_t size);
/* Puts a share of @bytes at its end, whatever the limit. errors: ENOMEM. */
weft_err wf_conn_item_put(conn *c, conn_out **queue, weft_bytes bytes);
/* Whether there is room for a write of @bytes; if not, `drained` is owed. errors: EFULL. */
weft_err wf_conn_check_room(conn *c, weft_bytes bytes);
/* Whether @bytes count against the limit: all but those that a stream gave out, whose source stands
 * still while they are alive. */
bool wf_conn_is_fresh(weft_bytes bytes);
/* What stands in the queue leaves at the end of the round, or now. */
void wf_conn_schedule(conn *c);
static inline bool conn_has_output(const conn *c)
{
    return c->out != NULL;
}
/* Tells the producer to go on, if there is room. */
void wf_conn_pull(conn *c);

/* ---- the stages */

typedef enum conn_pulled { CONN_NOTHING, CONN_PIECE, CONN_BROKEN } conn_pulled;

/* The next piece out of the top of the stack. CONN_BROKEN: @err and @why say what a stage refused. */
conn_pulled wf_conn_stages_pull(conn *c, weft_piece *piece, weft_err *err, weft_why *why);
/* Gives what came from the leaf to the bottom; takes the share. errors: ENOMEM. */
weft_err wf_conn_stages_give(conn *c, weft_bytes bytes);
void wf_conn_stages_close(conn *c);
/* What stands below a stage that held `opened` back is looked at again. */
void wf_conn_stages_go_on(conn *c);
/* What the stages hold of the window. */
size_t wf_conn_stages_charge(const conn *c);
/* Whether the stages may be given more although the window is used up: by them. */
bool wf_conn_stages_hungry(const conn *c);

/* Downward (conn_down.c): what is written waits above each stage that changes it until that takes it and
 * the wire has room. errors: EFULL before anything is taken; ENOMEM. */
weft_err wf_conn_down_bytes(conn *c, weft_bytes bytes);
/* errors: EUNSUPPORTED for a stage that wants each write whole. */
weft_err wf_conn_down_file(conn *c, weft_file *file, uint64_t offset, uint64_t size);
/* As weft_stage_send, from the lowest stage, where the leaf seals what is sent (leaf_sealed.c): @bytes are a
 * record of @type, one of TLS that is not data. */
weft_err wf_conn_send_record(weft_stage *stage, uint8_t type, weft_bytes bytes);
/* The type of the record that @given, which a leaf got, is; 0: it is data. */
static inline uint8_t conn_record_type(const conn_item *given)
{
    return given->file == NULL ? (uint8_t)given->offset : 0;
}
/* Drops what was written and has not left, wherever it stands: the stream is about to end. */
void wf_conn_written_drop(conn *c);
/* The owner ends its side. */
void wf_conn_down_end(conn *c);
/* What was written before the stages were there, put aside and then through them: the queue of the wire is
 * empty between the two. */
conn_out *wf_conn_early_take(conn *c);
void wf_conn_early_give(conn *c, conn_out *early);
/* Moves on what waits. errors: what a stage refuses; the caller ends the stream with it. */
weft_err wf_conn_down_move(conn *c, weft_why *why);
/* The same; a failure ends the stream. */
void wf_conn_down_pump(conn *c);
/* Whether something waits for a stage that must see more from below first. */
bool wf_conn_down_waits(const conn *c);
/* Reads at most @max bytes of a queued file. errors: ETRUNCATED, EIO, ENOMEM. */
weft_err wf_conn_file_piece(const conn_item *item, size_t max, weft_bytes *out, weft_why *why);
/* Puts a share of @bytes before what was not told. errors: ENOMEM. */
weft_err wf_conn_stages_give_back(conn *c, weft_bytes bytes);
/* Bytes that came and were not told. */
size_t wf_conn_stages_unread(const conn *c);
/* Whether what comes must go through the stack. */
static inline bool conn_staged(const conn *c);
/* Whether what is written must: some stage has a say in it. */
bool wf_conn_transforms(const conn *c);
/* The nearest of @stage and those below it that has a say in what is written; NULL: none. */
weft_stage *wf_conn_taker(weft_stage *stage);
/* Everything written, and the end, has gone through every stage. */
static inline bool conn_down_done(const conn *c)
{
    return (c->flags & CONN_DOWN_ENDED) != 0 || !wf_conn_transforms(c);
}

conn_rare *wf_conn_rare_of(conn *c); /* errors: NULL */
/* What a leaf reads at most at a time. */
static inline size_t conn_read_max(const conn *c)
{
    return c->rare != NULL && c->rare->read_bytes_max != 0 ? c->rare->read_bytes_max
                                                           : WEFT_READ_BYTES_MAX;
}
static inline weft_actor *conn_actor(const conn *c)
{
    return weft_actor_of_state((void *)(uintptr_t)c);
}

/* The connection of a stream of this reactor; NULL: elsewhere, closed, or no stream. */
conn *wf_conn_here(weft_ref stream);

static inline bool conn_staged(const conn *c)
{
    return c->rare != NULL && (c->rare->top != NULL || c->rare->unread.size != 0);
}

extern const weft_behaviour wf_conn_behaviour;

/* Told to the listener of a CONN_COUNTED connection when that is over. */
extern const weft_type wf_conn_over_type;
typedef struct conn_over {
    bool refused; /* CONN_REFUSED */
} conn_over;

/* What is asked of a stream from another reactor: one type for every operation (stream.c). */
extern const weft_type wf_conn_op_type, wf_conn_let_go_type;
weft_err wf_conn_on_op(weft_actor *self, weft_msg *msg);
/* A message of the stream was let go of on another reactor (conn_events.c). */
typedef struct wf_conn_let_go {
    uint32_t kind;
} wf_conn_let_go;
weft_err wf_conn_on_let_go(weft_actor *self, weft_msg *msg);

/* Forgets what the URL asked for (connect.c). */
void wf_connecting_drop(conn *c);

/* Descriptors. @fd is taken. */
extern const conn_leaf wf_conn_leaf_fd, wf_conn_leaf_none;
void wf_conn_set_fd(conn *c, int fd);
/* What the kernel says of its addresses; NULL: not asked. */
void wf_fd_addresses(const conn *c, weft_address *local, weft_address *peer);
/* The same for one that comes from elsewhere: a reactor never blocks, whatever it did before. errors: what is
 * no descriptor. */
weft_err wf_conn_take_fd(conn *c, int fd, weft_why *why);
/* Reads what there is, as leaves do. */
weft_err wf_fd_read(int fd, size_t max, weft_account *window, weft_bytes *out, weft_why *why);
/* Whether the first write of what @c has to send may be made together with others', and nothing else must come first:
 * describes it in @send, to which @v, of CONN_OUT_ITEMS, belongs. */
bool wf_fd_join(const conn *c, struct iovec *v, struct wf_send *send);
/* What became of it, as a leaf's write says it. */
weft_err wf_fd_joined(const struct wf_send *send, size_t *sent, weft_why *why);

#endif
