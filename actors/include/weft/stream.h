/* SPDX-License-Identifier: MIT */
/** Streams: the one vocabulary of everything that is like a connection.
 *
 * A stream is an actor. Its owner gets messages from it: opened, data (again and again), ended, and
 * closed exactly once and last. One data message is out at a time: the next is made when that one has
 * been let go of, and when the bytes given out and still alive are within the stream's window. A
 * protocol that passes bytes to a slow peer slows its own source with no code at all.
 *
 * Functions with `weft_actor *self` are called in a handler, from any reactor. A reference to a stream of another
 * node can be sent, monitored and stopped like any other, but not written to (ETYPE): who is to use it there is
 * handed it over, or has an end of its own (weft_node_stream). */
#ifndef WEFT_STREAM_H
#define WEFT_STREAM_H

#include <weft/address.h>
#include <weft/system.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a stream tells its owner */

/** The stream is up. What comes waits until this has been let go of. Unhandled: ignored. */
typedef struct weft_opened {
    weft_ref stream;
    weft_address local, peer;
} weft_opened;
extern const weft_type weft_opened_type;

/** Bytes came. Borrowed like every body; weft_keep(msg) holds the next ones back. */
typedef struct weft_data {
    weft_bytes bytes;
    weft_ref stream;
} weft_data;
extern const weft_type weft_data_type;

/** The peer sends no more; it may still read. Unhandled: flush and close. */
typedef struct weft_ended {
    weft_ref stream;
} weft_ended;
extern const weft_type weft_ended_type;

/** It is over: the last message of a stream. Unhandled: the owner stops. */
typedef struct weft_closed {
    weft_ref stream;
    weft_err reason; /**< EDONE, ELOST, EABORTED, EREFUSED, ETIMEDOUT, EUNREACHABLE, EPROTO, ... */
    char why[96];
} weft_closed;
extern const weft_type weft_closed_type;

/** There is room again after WEFT_EFULL. Unhandled: ignored. */
typedef struct weft_drained {
    weft_ref stream;
} weft_drained;
extern const weft_type weft_drained_type;

/** The next piece may be written: told to whoever called weft_produce. */
typedef struct weft_pull {
    weft_ref stream;
    size_t room; /**< bytes that fit now; a bigger piece is taken too */
} weft_pull;
extern const weft_type weft_pull_type;

/* ---- what may be asked of it */

/** Writes @bytes: shared, never copied. Bytes that a stream gave out are bounded by their source, which
 * stands still while they wait. All others (fresh, static, moved to an account of one's own) are refused,
 * before anything is queued, while write_queue_bytes_max or more of them wait; `drained` follows.
 * errors: EGONE (closed), EFULL, ETOOBIG (4 GiB or more of such bytes in one write). Towards a stream of another
 * reactor OK means: on its way; what it has no
 * room for when it arrives closes it with ELIMIT (weft_produce waits for room there too). */
weft_err weft_write(weft_actor *self, weft_ref stream, weft_bytes bytes);

/** Writes @count pieces one behind the other: all of them, or none. Towards a stream of another reactor,
 * or one with a stage that changes what is written, they are joined in a copy first.
 * errors: as weft_write, ENOMEM. */
weft_err weft_write_parts(weft_actor *self, weft_ref stream, const weft_bytes *parts,
                          unsigned count);

/** Writes a copy of @size bytes at @from. errors: as weft_write, ENOMEM. */
weft_err weft_write_copy(weft_actor *self, weft_ref stream, const void *from, size_t size);

/** Writes text as printf makes it. errors: as weft_write, ENOMEM. */
weft_err weft_write_text(weft_actor *self, weft_ref stream, const char *format, ...)
    WEFT_PRINTF(3, 4);

/** An open file that streams send from; counted, so that it may be in many queues. */
typedef struct weft_file weft_file;

/** Takes the descriptor @fd. errors: NULL when memory is out (@fd is closed). thread: any. */
WEFT_MUST_USE weft_file *weft_file_new(int fd);
weft_file *weft_file_share(weft_file *file);
/** Gives a share back and sets *@file to NULL; the last closes the descriptor. thread: any. */
void weft_file_drop(weft_file **file);
int weft_file_fd(const weft_file *file);

/** Writes @size bytes of @file from @offset on, with sendfile where the transport can. The stream takes
 * a share. A file that turns out shorter closes the stream with ETRUNCATED. errors: as weft_write. */
weft_err weft_write_file(weft_actor *self, weft_ref stream, weft_file *file, uint64_t offset,
                         uint64_t size);

/** From now on @self is told weft_pull whenever the queue has room, once at a time; the message is let
 * go of when its handler returns. weft_produce_end ends it. errors: EGONE, EEXISTS. */
weft_err weft_produce(weft_actor *self, weft_ref stream);
void weft_produce_end(weft_actor *self, weft_ref stream);

/** Half close: when everything written has left, the peer is told that no more comes. errors: EGONE. */
weft_err weft_end(weft_actor *self, weft_ref stream);

/** Flush, then close: nothing more is read. `closed` follows with EDONE, or with ETIMEDOUT when the peer
 * takes nothing of what is left for WEFT_CLOSE_STALL_MS. errors: EGONE. */
weft_err weft_close(weft_actor *self, weft_ref stream);

/** Closes at once (RST where there is one); what is queued is lost. `closed` follows with EABORTED, or
 * with @reason if that is not WEFT_OK. errors: EGONE. */
weft_err weft_abort(weft_actor *self, weft_ref stream, weft_err reason);

/** Hands the stream to @owner: takes effect behind the message being served, with @unread (which the
 * old owner had been given and did not use) and what else is unread told to the new owner first, after
 * an `opened`. The stream then lives on without the old owner, which may stop at once. A data message that
 * waits in the old owner's mailbox is still the old owner's: call it while serving, or keeping, a message
 * of the stream, and there is none.
 * @owner may be of another node: it is then told of a stream of its own node, which is joined with this one
 * (<weft/node.h>, weft_node_stream), with the addresses of this one; if that comes to nothing, this one is aborted
 * with the reason. Bytes go there, not the frames of stages (EUNSUPPORTED).
 * errors: EGONE, ENOMEM. */
weft_err weft_hand_over(weft_actor *self, weft_ref stream, weft_ref owner, weft_bytes unread);

/** Settings that may change while it is open; only what is set in @given changes. */
typedef struct weft_stream_settings {
    enum { WEFT_SET_NODELAY = 1, WEFT_SET_WINDOW = 2, WEFT_SET_WRITE_QUEUE = 4 } given;
    bool nodelay;
    uint32_t window_bytes, write_queue_bytes_max;
} weft_stream_settings;
weft_err weft_stream_set(weft_actor *self, weft_ref stream, const weft_stream_settings *settings);

/** Bytes queued on a stream of this reactor; 0 for others. */
size_t weft_write_queued(weft_actor *self, weft_ref stream);

/** Everything that waits to leave it, files and borrowed bytes too; counted when asked for. */
uint64_t weft_write_left(weft_actor *self, weft_ref stream);

/** Whether half of write_queue_bytes_max is queued on a stream of this reactor. If so, `drained` follows
 * when there is room again: for who would rather wait than be refused. */
bool weft_write_full(weft_actor *self, weft_ref stream);

/** What was written to a stream of this reactor leaves now, as far as it can, and not at the end of the round:
 * for who has more to do before that, while the peer could begin. thread: in a handler. */
void weft_write_flush(weft_actor *self, weft_ref stream);

/** Where a stream of this reactor is and who is at its other end. errors: EGONE. */
weft_err weft_stream_addresses(weft_actor *self, weft_ref stream, weft_address *local,
                               weft_address *peer);

/* ---- limits, by name */

#define WEFT_WINDOW_BYTES (256U << 10)           /**< given out and still alive, by default */
#define WEFT_WRITE_QUEUE_BYTES_MAX (1024U << 10) /**< fresh bytes that wait to leave, by default */
#define WEFT_HANDSHAKE_MS 10000U /**< what an accepted stream's stages may take until it is open */
#define WEFT_CLOSE_STALL_MS 30000U /**< a stream that closes may flush so long without progress */
#define WEFT_LINGER_MS 2000U       /**< and then waits so long for a peer that still sends */

#ifdef __cplusplus
}
#endif
#endif
