/* SPDX-License-Identifier: MIT */
/** Stages: functions from bytes to bytes, or to messages, between a stream's wire and its owner.
 *
 *        owner          gets data, or what the top stage makes of it (lines, frames)
 *          ▲ │
 *        framing        up: one frame a piece
 *          │ ▼
 *         TLS           up: plain bytes     down: records
 *          │ ▼
 *        wire           descriptor, pair, simulated wire
 *
 * A stage is pure: no descriptor, no mailbox, no clock. Upward it is pulled: the stream asks for one
 * piece when its owner has let go of the one before. Downward it is pushed. */
#ifndef WEFT_STAGE_H
#define WEFT_STAGE_H

#include <weft/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_stage weft_stage;

typedef enum weft_piece_kind {
    WEFT_PIECE_NONE,  /**< needs more bytes from below */
    WEFT_PIECE_BYTES, /**< bytes for the stage above, or data for the owner */
    WEFT_PIECE_FRAME, /**< a message of @type, whose body is a weft_data; only from the top stage */
    WEFT_PIECE_END,   /**< the peer sends no more (a close_notify) */
} weft_piece_kind;

/** One piece on its way up. The share of @bytes goes with it. */
typedef struct weft_piece {
    weft_piece_kind kind;
    weft_bytes bytes;
    const weft_type *type;
} weft_piece;

/** The release hook of messages whose body is a weft_data: the stream goes on. */
void weft_data_release(void *body);

/** A type for the frames of a stage: its body is a weft_data. */
#define WEFT_DATA_TYPE(type_name)                                                       \
    {                                                                                   \
        .name = (type_name), .size = sizeof(weft_data),                                 \
        .bytes = 1 + (uint32_t)offsetof(weft_data, bytes), .release = weft_data_release \
    }

/** What a stage is. A static const value. */
typedef struct weft_stage_ops {
    const char *name;
    uint32_t state_bytes;
    /** Begins; may send (weft_stage_send), as a TLS client does. @config is borrowed for the call. */
    weft_err (*open)(weft_stage *stage, const void *config, weft_why *why);
    /** Makes one piece of what stands in @in, which holds everything from below not yet taken, in one
     * run (perhaps nothing), and is there until all of it was taken; takes what it used by
     * weft_stage_take. WEFT_PIECE_NONE: more is needed. Is
     * called again after each piece until it says that. errors: close the stream with that reason, after
     * what it sent has had a chance to leave. */
    weft_err (*up)(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why);
    /** Below has ended: like @up, for what is left; a truncation is ETRUNCATED. NULL: nothing to say. */
    weft_err (*up_end)(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why);
    /** The owner writes @bytes, borrowed for the call: sends them on by weft_stage_send. It is called
     * when there is room below, never from within another function of the stage. NULL: as they are.
     * errors: EFULL: not now, the same again after the next @up (a handshake is under way); others close
     * the stream with that reason. */
    weft_err (*down)(weft_stage *stage, weft_bytes bytes, weft_why *why);
    /** Asked before @down is given what is next, which is @bytes of a file or of memory, where no stage below
     * has a say in what is written. WEFT_OK: from now on all of it goes by this stage as it is, files as
     * files, and @down is not called again; @down_end is. EFULL: ask again when what was sent has left.
     * EUNSUPPORTED: it is given to @down. NULL: everything is. */
    weft_err (*lets_by)(weft_stage *stage, bool file, uint64_t bytes);
    /** The owner ends its side, behind all it wrote: what is left to send goes now. NULL: nothing.
     * errors: as @down. */
    weft_err (*down_end)(weft_stage *stage, weft_why *why);
    /** Is over; frees what the state holds. NULL: nothing. */
    void (*close)(weft_stage *stage);
    /** What is written is given to @down in pieces of at most so many bytes; 0: as it was written, for
     * stages to which one write is one frame (no files can be written through these). */
    uint32_t down_bytes_max;
    /** It has to come to something with the peer (a handshake, a header) before the owner is told `opened`,
     * if it is there by then: until weft_stage_ready nothing is told. A peer that ends first, or takes
     * longer than the handshake limit, closes the stream. */
    bool holds;
    /** Changes what `opened`, and weft_stream_addresses, say: whom a header speaks of, say. NULL: no. */
    void (*about)(const weft_stage *stage, weft_address *local, weft_address *peer);
} weft_stage_ops;

/** The state: state_bytes bytes, zeroed. */
void *weft_stage_state(weft_stage *stage);
/** Takes @size bytes from the front of what stands below: they will not be in @in again. */
void weft_stage_take(weft_stage *stage, size_t size);
/** Sends a share of @bytes to the stage below, or to the wire. Never refused for room in @down; from @up,
 * where the peer may make a stage answer as often as it likes, ELIMIT beyond write_queue_bytes_max.
 * errors: ELIMIT, EGONE (the stream's end has been sent), ENOMEM: for @up and @down to return. */
weft_err weft_stage_send(weft_stage *stage, weft_bytes bytes);
/** Bytes for a piece, charged to the stream's window: @to gets where. errors: ENOMEM. */
WEFT_MUST_USE weft_err weft_stage_bytes(weft_stage *stage, size_t size, uint8_t **to,
                                        weft_bytes *out);

/** It has come to what it held `opened` back for. May be called from within its functions, more than once. */
void weft_stage_ready(weft_stage *stage);
/** Whether the stream opens now that the stage is ready: what stands below it then better stays there until
 * it is asked for again, since the owner may put another stage above it first. */
bool weft_stage_is_last(const weft_stage *stage);
/** Has @up, and @down if it said EFULL, called again although nothing came: for a stage that waited for
 * something else, a moment for example. Not from within its functions. The stream may be gone after it. */
void weft_stage_again(weft_stage *stage);
/** It has done its work, which was a header or a dialogue before the bytes: it only passes on what is still
 * given to it, and is closed and taken out of the stack as soon as nothing stands in it. Called from @up. */
void weft_stage_leave(weft_stage *stage);
/** Ends the stream with @reason; for what is noticed outside of its functions. The stage is gone after it. */
void weft_stage_fail(weft_stage *stage, weft_err reason, const char *why);

typedef enum weft_stage_place {
    WEFT_STAGE_TOP, /**< next to the owner: a framing */
    /** Next to the wire, or above what the stream's URL put there: TLS, also below a framing that is there
     * already. */
    WEFT_STAGE_BOTTOM,
} weft_stage_place;

/** Puts a stage into the stack of a stream of this reactor. It takes effect at once: nothing is in
 * flight while the owner serves (or keeps) a message of the stream, or before the stream is open.
 * With WEFT_STAGE_BOTTOM bytes that came behind the message being served are refused: they were sent
 * before the stage was there, and would count as said within.
 * errors: EGONE (no stream here, or it has been closed or ended), EPROTO (there were such bytes; nothing
 * changes), EUNSUPPORTED (a stage that would stand above it lets by what is written), ENOMEM, what open says. thread: in a handler of the stream's owner. */
WEFT_MUST_USE weft_err weft_push(weft_actor *self, weft_ref stream, const weft_stage_ops *ops,
                                 const void *config, weft_stage_place place, weft_why *why);

/** Takes the top stage out again if it is @ops; what it had not used becomes data. errors: EGONE,
 * ENOTFOUND, EFULL (something written waits in it), ENOMEM (the stream is lost). */
weft_err weft_pop(weft_actor *self, weft_ref stream, const weft_stage_ops *ops);

/** The bytes that came and were not told to the owner yet, on this reactor. */
size_t weft_unread(weft_actor *self, weft_ref stream);

/** The topmost stage of a stream of this reactor that is @ops; NULL: none. Valid until the handler
 * returns. */
weft_stage *weft_stage_of(weft_actor *self, weft_ref stream, const weft_stage_ops *ops);

#ifdef __cplusplus
}
#endif
#endif
