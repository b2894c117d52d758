/* SPDX-License-Identifier: MIT */
/** WebSocket, both ends: messages over a stream that began as HTTP/1.1. RFC 6455, RFC 7692.
 *
 *     static const weft_handler chat_rows[] = {
 *         {.type = &weft_ws_text_type, .fn = on_text},
 *         {0},
 *     };
 *     static const weft_behaviour chat = {.name = "chat", .handlers = chat_rows};
 *     static const weft_websocket_config sockets = {.behaviour = &chat};
 *     static const weft_http_route routes[] = {
 *         {.route = "GET /chat", .use = &weft_websocket, .config = &sockets},
 *         {0},
 *     };
 *
 * A socket is a stream (<weft/stream.h>): its owner is told opened, then a weft_ws_text or weft_ws_binary for
 * each message, one at a time, then ended and closed; back-pressure, hand-over and limits are those of streams.
 * Pings are answered, and sent while nothing comes. With .stream the owner is told plain data instead, and
 * what it writes is sent as binary messages: any protocol runs over it as it does over TCP. */
#ifndef WEFT_WEBSOCKET_H
#define WEFT_WEBSOCKET_H

#include <weft/http.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_tls;

/* ---- what is told */

/** A text message, whole, well-formed UTF-8; a binary one. Borrowed like data: the next is told when this one
 * has been let go of. Empty ones are told too. */
typedef weft_data weft_ws_text;
typedef weft_data weft_ws_binary;
extern const weft_type weft_ws_text_type, weft_ws_binary_type;

/** Limits and ways of a socket; zero is the default. */
typedef struct weft_ws_options {
    uint64_t message_bytes_max; /**< of a message, unpacked: 1 MiB; beyond: closed with 1009 */
    uint32_t
        ping_ms; /**< a peer that sends nothing is pinged after this, and given up after twice as long:
                           30 s; UINT32_MAX: never */
    bool stream;                /**< told as data, written as binary messages */
    bool no_deflate;            /**< permessage-deflate is not agreed on */
    uint32_t deflate_bytes_min; /**< shorter messages are not packed: 256 */
} weft_ws_options;

/* ---- a server's side */

/** The config of weft_websocket. Borrowed as long as the site. */
typedef struct weft_websocket_config {
    const weft_behaviour *behaviour; /**< an actor of it owns each socket, and lives with it */
    const void *config;              /**< its config */
    weft_ws_options options;
    const char *const
        *protocols; /**< subprotocols, the preferred first, ended by NULL; NULL: none. One
                                       that speaks none of those a client offers is not refused: none is
                                       then agreed on */
    const char *const *origins; /**< values of Origin that are let in, ended by NULL; NULL: any.
                                       Others: 403. Requests without one are no browser's: let in */
} weft_websocket_config;

/** A route's .use: takes the upgrade, or answers with 400, 403, 405 or 426 and the reason. */
extern const weft_behaviour weft_websocket;

/* ---- a client's side */

/** How weft_ws_connect asks; zero is the default. Borrowed for the call. */
typedef struct weft_ws_call {
    weft_ws_options options;
    const char *const *protocols; /**< offered, ended by NULL */
    const weft_http_field *fields;
    uint32_t fields_count; /**< more fields of the request: Origin, Authorization, ... */
    const char *to;        /**< connects there instead of to the URL's host, by a URL of a stream:
                                "unix:/run/app.sock"; NULL: the host */
    struct weft_tls *tls;  /**< wss: a client's side; NULL: the system's roots */
} weft_ws_call;

/** Connects to @url ("ws://HOST[:PORT][/PATH]", "wss://...") for @owner, as weft_connect does: `opened` when
 * the server has agreed, `closed` with the reason if not (EPROTO: it answered with something else; EDENIED:
 * 401 or 403). @call may be NULL. errors: nobody when memory is out. thread: in a handler. */
WEFT_MUST_USE weft_ref weft_ws_connect(weft_actor *self, const char *url, const weft_ws_call *call,
                                       weft_ref owner);

/* ---- both sides */

typedef enum weft_ws_opcode {
    WEFT_WS_TEXT = 1,
    WEFT_WS_BINARY = 2,
    WEFT_WS_CLOSE = 8,
    WEFT_WS_PING = 9,
    WEFT_WS_PONG = 10,
} weft_ws_opcode;

/** Sends one message, TEXT or BINARY, or a PING of at most 125 bytes. Nothing is kept of @bytes beyond the
 * call. errors: EGONE (no such socket on this reactor, or it was closed), EINVAL (another opcode, a text that is
 * not UTF-8, a ping that is too long), EFULL as weft_write (`drained` follows), ENOMEM.
 * thread: in a handler, on the socket's reactor. */
weft_err weft_ws_send(weft_actor *self, weft_ref socket, weft_ws_opcode opcode, weft_bytes bytes);

/** Sends a text message as printf makes it. errors: as weft_ws_send. */
weft_err weft_ws_send_text(weft_actor *self, weft_ref socket, const char *format, ...)
    WEFT_PRINTF(3, 4);

/** Closes behind what was sent, telling the peer @code (1000: done; 1001: going away; 1008: against the rules;
 * 3000 to 4999: one's own) and @reason, at most 123 bytes, for people; longer ones are cut. The peer's own close
 * is waited for as long as any stream lingers. weft_close is the same with 1000.
 * errors: EGONE, EINVAL (a code that may not be sent). thread: as weft_ws_send. */
weft_err weft_ws_close(weft_actor *self, weft_ref socket, uint16_t code, const char *reason);

/** What is known of a socket. */
typedef struct weft_ws_info {
    const char *protocol; /**< agreed on; "": none. Borrowed until the handler returns */
    const char *target;   /**< of the request: path and query as they came (cut at 255 bytes) */
    const char
        *principal;      /**< who asked for it, as a guard has found out; NULL: nobody was asked */
    bool packs;          /**< permessage-deflate was agreed on */
    uint16_t close_code; /**< what the peer closed with; 1005: without a code; 0: it did not yet */
    char close_reason[124];
    uint32_t pings; /**< answered by the peer so far */
} weft_ws_info;

/** errors: EGONE (no such stream here), ENOTFOUND (it is no socket). thread: in a handler. */
weft_err weft_ws_about(weft_actor *self, weft_ref socket, weft_ws_info *out);

#ifdef __cplusplus
}
#endif
#endif
