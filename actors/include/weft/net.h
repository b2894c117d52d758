/* SPDX-License-Identifier: MIT */
/** Listening and connecting, by URL. */
#ifndef WEFT_NET_H
#define WEFT_NET_H

#include <weft/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Listens at @url: each connection gets an actor of @behaviour, spawned with @config, as its owner; it
 * lives with the connection. @url as in <weft/url.h>; connections are spread over the reactors. At a URL of
 * datagrams (udp, unixgram) one actor serves all: see weft_bind (<weft/datagram.h>).
 * errors: those of the URL, EEXISTS (the address is taken), EDENIED, ... ; they are also logged, and
 * weft_run ends at once with EX_UNAVAILABLE (69). thread: before start. */
weft_err weft_listen(weft_system *sys, const char *url, const weft_behaviour *behaviour,
                     const void *config);

/** What a listener came to. */
typedef struct weft_listening {
    weft_ref listener;    /**< weft_stop_ref ends it: connections finish, nothing new is accepted */
    weft_address address; /**< where it really listens (port 0 becomes a port) */
    char url[160];        /**< the same as a URL */
} weft_listening;

/** As weft_listen, telling what came of it, without a log line on failure. */
WEFT_MUST_USE weft_err weft_listen_at(weft_system *sys, const char *url,
                                      const weft_behaviour *behaviour, const void *config,
                                      weft_listening *out, weft_why *why);

/** The whole of a simple program: a system, a listener, run. Gives a sysexits code.
 * thread: any; it becomes reactor 0. */
int weft_serve(const char *url, const weft_behaviour *behaviour, const void *config);

/** Connects to @url for @owner, which is told `opened`, or `closed` with the reason: a URL that is no
 * URL is EINVAL there too. The stream lives on this reactor until its owner ends.
 * A name is looked up (<weft/resolver.h>) and its addresses are raced (RFC 8305); `srv` says which service
 * (RFC 2782); `timeout` spans it all. errors: nobody only when memory is out. thread: in a handler. */
WEFT_MUST_USE weft_ref weft_connect(weft_actor *self, const char *url, weft_ref owner);

/** The same on behalf of another connection, which was made from @peer to @local: a URL with the option
 * `proxy` tells the other end so. weft_connect speaks for itself there.
 * errors: as weft_connect. thread: in a handler. */
WEFT_MUST_USE weft_ref weft_connect_for(weft_actor *self, const char *url, weft_ref owner,
                                        const weft_address *local, const weft_address *peer);

/** Makes an open descriptor a stream owned by @owner: a socket, a pipe's end, a terminal, a file. It is made
 * non-blocking, which all who share it see, and is closed with the stream. What is no descriptor is told
 * as `closed` with EINVAL. errors: nobody (memory is out; the descriptor is closed). thread: in a handler. */
WEFT_MUST_USE weft_ref weft_adopt(weft_actor *self, int fd, weft_ref owner);

/** Two streams in memory, each the other's peer: what is written to one is data of the other.
 * errors: ENOMEM. thread: in a handler. */
WEFT_MUST_USE weft_err weft_pair(weft_actor *self, weft_ref owner_a, weft_ref owner_b,
                                 weft_ref out[2]);

#ifdef __cplusplus
}
#endif
#endif
