/* SPDX-License-Identifier: MIT */
/** For writers of transports: a stream over whatever moves bytes.
 *
 * The stream brings the window, the stages, the queue of output, hand-over and every message of
 * <weft/stream.h>; the leaf only reads, writes and says when it is ready. Its functions run on the
 * stream's reactor, never block, and may call weft_leaf_ready only from outside of themselves. */
#ifndef WEFT_LEAF_H
#define WEFT_LEAF_H

#include <weft/edge.h>
#include <weft/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The wire's end of a stream. Valid until close was called. */
typedef struct weft_leaf weft_leaf;

/** One piece of output: bytes, or a range of a file. */
typedef struct weft_leaf_item {
    weft_bytes bytes; /**< for a file: size is what is left, at is unused */
    weft_file *file;  /**< NULL: bytes */
    uint64_t offset;  /**< of a file */
} weft_leaf_item;

/** How a kind of transport moves bytes; a static const value, every function there. */
typedef struct weft_leaf_ops {
    const char *name;
    /** The next bytes. WEFT_OK: @out holds a share, at least one byte, charged to weft_leaf_window.
     * WEFT_EFULL: nothing now. WEFT_EDONE: the peer sends no more. Else: lost, with @why. */
    weft_err (*read)(weft_leaf *leaf, weft_bytes *out, weft_why *why);
    /** Sends of @n items what goes, telling how many bytes in @sent. WEFT_OK, WEFT_EFULL (no more goes
     * now; @sent may be some), EUNSUPPORTED (nothing was sent, the first is a file: it comes again as
     * bytes), or lost. What is kept of the items is shared. */
    weft_err (*write)(weft_leaf *leaf, const weft_leaf_item *items, unsigned n, size_t *sent,
                      weft_why *why);
    /** weft_leaf_ready is wanted for these events (WEFT_READABLE, WEFT_WRITABLE) from now on. */
    void (*want)(weft_leaf *leaf, unsigned events);
    /** No more will be written. */
    void (*end)(weft_leaf *leaf);
    /** Ends it: in order, or with a reset. Called once; @leaf is gone after it. */
    void (*close)(weft_leaf *leaf, bool abort);
    void (*addresses)(weft_leaf *leaf, weft_address *local, weft_address *peer);
    /** errors: EUNSUPPORTED. */
    weft_err (*nodelay)(weft_leaf *leaf, bool on);
    /** Whether bytes came that were not read, so that closing now would have the peer lose what it has
     * not read yet: the stream then ends its side and reads on for a moment. NULL: closing loses nothing. */
    bool (*unread)(weft_leaf *leaf);
    /** Whether @write keeps nothing of the items: they may then be of memory that is good only within it. */
    bool copies;
} weft_leaf_ops;

/** Makes a stream over @ops, a child of @self, for @owner (which it monitors); it is not up before
 * weft_leaf_begin. errors: NULL when memory is out. thread: in a handler. */
WEFT_MUST_USE weft_leaf *weft_leaf_new(weft_actor *self, const weft_leaf_ops *ops, void *context,
                                       weft_ref owner, weft_ref *stream);
/** It is up: `opened` is told, reading begins. */
void weft_leaf_begin(weft_leaf *leaf);
/** What was given to weft_leaf_new. */
void *weft_leaf_context(const weft_leaf *leaf);
/** The leaf of a stream of this reactor that was made with @ops; NULL: none, or closed. */
weft_leaf *weft_leaf_of(weft_ref stream, const weft_leaf_ops *ops);
/** What bytes that are read must be charged to. */
weft_account *weft_leaf_window(weft_leaf *leaf);
/** It may be read, or written, now. Calm when that is not wanted. */
void weft_leaf_ready(weft_leaf *leaf, unsigned events);
/** It is lost: `closed` follows with @reason. */
void weft_leaf_lost(weft_leaf *leaf, weft_err reason, const char *why);

/** The socket below @stream, lent until the handler or hook returns: for a library that writes to a descriptor
 * itself. Only where what is sent on it is as if weft_write had been called and all of it had left: a stream of this
 * reactor right above a socket (no stage, no meter, no TLS), open on both sides, in whose queue nothing waits, and of
 * whose messages none is out. Who reads from it takes what the owner would be told next. It never waits, and belongs
 * to the stream: it must not be closed, shut down, or set. errors: -1: use weft_write now, later it may be lent again.
 * thread: in a handler. */
int weft_stream_socket(weft_actor *self, weft_ref stream);

/** A stream that comes to nothing: @owner is told `closed` with @reason. For what is found wrong before there
 * is anything to connect to. errors: nobody, when memory is out. thread: in a handler. */
WEFT_MUST_USE weft_ref weft_leaf_none(weft_actor *self, weft_ref owner, weft_err reason,
                                      const char *why);

/** Aborts @stream as weft_abort does; if it is an end of a pair in memory, of this reactor, its other end is
 * told @reason rather than a loss: for who passes on what came from somewhere else, and failed there.
 * errors: EGONE. thread: in a handler. */
weft_err weft_pair_fail(weft_actor *self, weft_ref stream, weft_err reason);

#ifdef __cplusplus
}
#endif
#endif
