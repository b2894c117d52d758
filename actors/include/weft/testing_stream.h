/* SPDX-License-Identifier: MIT */
/** Testing what speaks over streams: peers in the hand of a test, behaviours driven by bytes without a
 * wire, scripts, and faults of the simulated wire by name.
 *
 * A peer is one end of a stream in a simulation (<weft/testing.h>). It does what it is told and remembers
 * what came; each call runs until nobody has anything to do, the clock standing still. Peers live until
 * weft_sim_free: to see what one is told as the system stops, weft_system_shutdown and weft_sim_advance
 * first. Everything here is called by the thread that made the simulation, never from a handler;
 * what memory has no room for ends the program, so that a failure is the tested code's own. */
#ifndef WEFT_TESTING_STREAM_H
#define WEFT_TESTING_STREAM_H

#include <weft/stream.h>
#include <weft/testing.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What has happened to a peer. Read freely, never written. */
typedef struct weft_sim_peer {
    weft_sim *sim;
    weft_ref actor;
    weft_ref stream; /**< its end of the connection */
    weft_ref owner;  /**< of a string: the actor under test; else nobody */
    bool opened;
    bool ended;  /**< the other side sends no more */
    bool closed; /**< it is over, for @reason: EDONE, ELOST (the other side aborted), ... */
    weft_err reason;
    char why[96];
    const char *got; /**< everything that came, with a zero behind it */
    size_t got_bytes;
    size_t expected; /**< of them: what weft_sim_expect has found right */
    size_t waiting;  /**< bytes it was told to send that the stream has not taken: back-pressure */
    bool owner_gone; /**< of a string: the actor under test has ended, for @owner_reason */
    weft_err owner_reason;
} weft_sim_peer;

/* ---- making one */

/** Connects to @url. @deaf: as weft_sim_peer_deaf, from the first byte on. Never NULL. */
weft_sim_peer *weft_sim_connect(weft_sim *sim, const char *url);
weft_sim_peer *weft_sim_connect_deaf(weft_sim *sim, const char *url);

/** Listens at @url; the peer becomes the end of the connection made there first, others are closed.
 * Before the first step. Never NULL: what went wrong is its @reason. */
weft_sim_peer *weft_sim_listen(weft_sim *sim, const char *url);

/** Spawns @behaviour with @config as the owner of a stream in memory whose other end is the peer: what the
 * peer sends is its data, what it writes is what the peer got. No wire, no address, no latency. Never
 * NULL. */
weft_sim_peer *weft_sim_string(weft_sim *sim, const weft_behaviour *behaviour, const void *config);

/* ---- what it does */

/** How what is sent is cut into pieces. */
typedef enum weft_sim_cut {
    WEFT_SIM_WHOLE,
    WEFT_SIM_BYTES, /**< byte by byte */
    WEFT_SIM_SPLIT, /**< at places of the seed's choice */
} weft_sim_cut;

/** Sends a copy of @n bytes; what is refused for want of room follows when there is some. */
void weft_sim_peer_send(weft_sim_peer *peer, const void *at, size_t n);
/** The same for a text. */
void weft_sim_peer_say(weft_sim_peer *peer, const char *text);
/** The same in pieces, running after each. */
void weft_sim_peer_send_cut(weft_sim_peer *peer, const void *at, size_t n, weft_sim_cut cut);
/** The same in pieces of @step bytes. */
void weft_sim_peer_send_steps(weft_sim_peer *peer, const void *at, size_t n, size_t step);

/** Ends its side behind what it sends; closes; aborts at once. */
void weft_sim_peer_end(weft_sim_peer *peer);
void weft_sim_peer_close(weft_sim_peer *peer);
void weft_sim_peer_abort(weft_sim_peer *peer);

/** Keeps what comes from now on, so that nothing more does, and what the other side writes piles up
 * there; or lets it go again. */
void weft_sim_peer_deaf(weft_sim_peer *peer, bool deaf);
/** Lets go of what is kept, and keeps the next that comes. */
void weft_sim_peer_hear_once(weft_sim_peer *peer);

/** Cuts the connection (a reset) when @bytes bytes in all have been sent, or have come. What is sent behind
 * them never leaves; what comes behind them is not in @got. Set before they are. */
void weft_sim_peer_cut_sent(weft_sim_peer *peer, size_t bytes);
void weft_sim_peer_cut_got(weft_sim_peer *peer, size_t bytes);

/* ---- what must come */

/** How long weft_sim_expect waits, in virtual time, for what is on its way on the wire. */
#define WEFT_SIM_EXPECT_MS 10000U

/** Whether @text comes next, behind what was expected before. "": it did. Else what was expected, what
 * came, and where they differ; valid until the peer's next. */
const char *weft_sim_expect(weft_sim_peer *peer, const char *text);
/** The same for @n bytes. */
const char *weft_sim_expect_bytes(weft_sim_peer *peer, const void *at, size_t n);

/** What a row of a script does beyond bytes and time, or says that must be. */
typedef enum weft_sim_act {
    WEFT_SIM_NOTHING,
    WEFT_SIM_END, /**< the peer's doings, as the functions above */
    WEFT_SIM_CLOSE,
    WEFT_SIM_ABORT,
    WEFT_SIM_DEAF,
    WEFT_SIM_HEAR,
    WEFT_SIM_OPEN,   /**< must be now: open both ways, with nothing more come than was expected */
    WEFT_SIM_ENDED,  /**< the other side has ended, and it is not closed; nothing more came */
    WEFT_SIM_CLOSED, /**< it is over, for @reason if that is not WEFT_OK; nothing more came */
} weft_sim_act;

/** A row of a script; what is set of it happens in the order of its fields. A table of them ends in {0}. */
typedef struct weft_sim_row {
    uint32_t wait_ms;   /**< moves the clock on */
    const char *expect; /**< must come next */
    const char *send;
    weft_sim_act act;
    weft_err reason; /**< of WEFT_SIM_CLOSED */
} weft_sim_row;

/** Plays @rows; sends in a row go as one text before it is cut. "": all was as it says, and nothing more
 * came than was expected. Else the number of the row (from 1) and what was wrong with it, as
 * weft_sim_expect says it. */
const char *weft_sim_play(weft_sim_peer *peer, const weft_sim_row *rows, weft_sim_cut cut);

/* ---- faults of the simulated wire

   Those by @url are of the place `sim://NAME[:PORT]` somebody listens at, and of all connections there.
   errors: EINVAL (no such URL), ENOMEM; of those by @stream, an end of a connection: EGONE. */

/** Connections that are up are lost, for both ends, with what is under way. @dropped: how many; may be
 * NULL. */
WEFT_MUST_USE weft_err weft_sim_drop(weft_sim *sim, const char *url, unsigned *dropped);
WEFT_MUST_USE weft_err weft_sim_drop_stream(weft_sim *sim, weft_ref stream);

/** What is sent from now on takes @ms longer, on connections still to be made too. 0: no longer. */
WEFT_MUST_USE weft_err weft_sim_delay(weft_sim *sim, const char *url, uint32_t ms);
WEFT_MUST_USE weft_err weft_sim_delay_stream(weft_sim *sim, weft_ref stream, uint32_t ms);

/** For @ms nothing arrives at the place or from it; connects are not answered. What is under way, and what
 * is sent meanwhile, arrives when it is over: a wire that is cut off is slow, not lost. */
WEFT_MUST_USE weft_err weft_sim_partition(weft_sim *sim, const char *url, uint32_t ms);

/* ---- faults of whole systems, of several in one world (weft_sim_options.beside) */

/** Between @sim and all others nothing arrives for @ms, nor are connects answered; within it all goes on. What
 * is under way, and what is sent meanwhile, arrives when it is over. errors: ENOMEM. */
WEFT_MUST_USE weft_err weft_sim_isolate(weft_sim *sim, uint32_t ms);

/** The process of @sim is killed: whoever it is connected to sees a reset, its actors end as they stand, none
 * is asked, nothing is flushed. It is freed; *@sim becomes NULL. Gives what leaked. NULL is calm. */
unsigned weft_sim_crash(weft_sim **sim);

#ifdef __cplusplus
}
#endif
#endif
