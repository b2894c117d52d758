/* SPDX-License-Identifier: MIT */
/** The classic wire services, and forwarding: behaviours to listen with.
 *
 *     weft_listen(sys, "tcp://127.0.0.1:7007", &weft_wire_echo, NULL);
 *
 * One actor serves one connection, over any transport. Those that answer and are done (daytime,
 * time, qotd) end their side, throw away what still comes, and close when the peer has ended its
 * side too or WEFT_WIRE_LINGER_MS have passed: a close with bytes unread would take the answer
 * back.
 *
 *     weft_listen(sys, "udp://127.0.0.1:7007", &weft_wire_echo, NULL);
 *
 * Over datagrams one actor serves all: each datagram, whatever it says, is answered by one (by none:
 * discard). Those from a port of one of these services are not, lest two of them talk for ever. */
#ifndef WEFT_WIRE_H
#define WEFT_WIRE_H

#include <weft/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_WIRE_LINGER_MS 5000U
#define WEFT_WIRE_QUOTE_BYTES_MAX 512U /**< of a quote with its line ends as "\r\n"; RFC 865 */

/** Sends back what comes. A peer that does not read stops being read. RFC 862. */
extern const weft_behaviour weft_wire_echo;

/** Throws away what comes. RFC 863. */
extern const weft_behaviour weft_wire_discard;

/** Sends lines of 72 of the 95 printing characters, each beginning one character later, until the
 * peer closes; throws away what comes. Made on demand: a peer that does not read holds no memory. A datagram
 * is answered with 0 to 512 of these characters. RFC 864. */
extern const weft_behaviour weft_wire_chargen;

/** Sends the day and the time of day, "Tuesday, February 22, 1982 17:37:43-UTC". RFC 867. */
extern const weft_behaviour weft_wire_daytime;

/** Sends the seconds since 1900 as 32 bits in network order, which begin anew in 2036. RFC 868. */
extern const weft_behaviour weft_wire_time;

/** Sends the quote of the day: one of a list for each day (UTC), the same to everybody. RFC 865. */
extern const weft_behaviour weft_wire_qotd;

/** The config of weft_wire_qotd; NULL: the quotes it brings. */
typedef struct weft_wire_quotes {
    /** Quotes parted by lines of one "%", as fortune(6) has them. What exceeds
     * WEFT_WIRE_QUOTE_BYTES_MAX is cut. Borrowed for the life of its listeners; NULL: those it
     * brings. */
    const char *text;
} weft_wire_quotes;

/** Whether @text has quotes and each can be sent whole.
 * errors: EINVAL (no quote; a control character other than tab and newline), ETOOBIG; the sentence
 * names the line. thread: any. */
WEFT_MUST_USE weft_err weft_wire_quotes_check(const char *text, weft_why *why);

/** What weft_forward_service needs to know. Borrowed for the life of its listeners. */
typedef struct weft_forward_config {
    const char *to;   /**< the URL to connect to, for each connection anew; its options count */
    uint32_t idle_ms; /**< both sides are closed when nothing has come from either for so long, and
                           aborted if that takes as long again; 0: never */
} weft_forward_config;

/** Joins each connection with one of its own to config->to: bytes both ways, a slow side slows the
 * other one's source, a half close is passed on when everything before it was, an abort at once. If
 * the target cannot be reached the connection is aborted and the reason logged; nothing of it is
 * read before the target is there. A PROXY header that config->to asks for (its option `proxy`) is about the
 * connection that is joined. config: a `const weft_forward_config *`. */
extern const weft_behaviour weft_forward_service;

#ifdef __cplusplus
}
#endif
#endif
