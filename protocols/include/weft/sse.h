/* SPDX-License-Identifier: MIT */
/** Server-sent events, both ways: a stream of events over one HTTP response. WHATWG HTML, section 9.2.
 *
 * A server's route has .use and .stream; the actor answers with weft_sse_begin and then sends:
 *
 *     static weft_err on_request(weft_actor *self, weft_msg *msg) { return weft_sse_begin(msg); }
 *     static weft_err on_price(weft_actor *self, weft_msg *msg)
 *     {
 *         return weft_sse_send(self, stream, &(weft_sse){.event = "price", .text = "250"});
 *     }
 *
 * A client is an actor: weft_sse_source keeps a connection, begins again where it was when that is lost, and
 * tells its parent each event. */
#ifndef WEFT_SSE_H
#define WEFT_SSE_H

#include <weft/http_client.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a server's side */

/** An event to send; what is zero is left out, but for the data. */
typedef struct weft_sse {
    const char *event; /**< its type; NULL: "message" to the client */
    const char *id;    /**< what a client that comes again says it has had */
    const char *text;  /**< the data, of any number of lines; NULL: @bytes */
    weft_bytes bytes;
    uint32_t retry_ms; /**< how long a client waits before it comes again */
} weft_sse;

/** Answers a request of a .stream route as a stream of events (text/event-stream, not to be stored).
 * errors: those of weft_http_respond. */
weft_err weft_sse_begin(weft_msg *msg);

/** The Last-Event-ID of the request: what the client has had; "" if it says nothing. Lives as long as the
 * message. */
const char *weft_sse_last_id(weft_msg *msg);

/** Sends an event on the request's @stream. Line ends of any kind within the data are kept as new lines.
 * errors: EINVAL (an event or id with a line end in it, an id with a zero), EGONE, EFULL as weft_write
 * (`drained` follows), ENOMEM. thread: in a handler. */
weft_err weft_sse_send(weft_actor *self, weft_ref stream, const weft_sse *event);

/** Sends a comment, which clients skip: so that whoever stands in between does not take the silence for an end.
 * errors: as weft_sse_send. */
weft_err weft_sse_comment(weft_actor *self, weft_ref stream, const char *text);

/* ---- a client's side */

#define WEFT_SSE_NAME_BYTES 64 /**< an event's type, its final zero included; longer ones are cut */
#define WEFT_SSE_ID_BYTES 128  /**< an id; longer ones are not kept */

/** An event that came. */
typedef struct weft_sse_event {
    weft_bytes data; /**< lines with "\n" between them */
    weft_ref source;
    char event[WEFT_SSE_NAME_BYTES]; /**< "message" unless it said otherwise */
    char id[WEFT_SSE_ID_BYTES];      /**< the last that was given, "" if none was */
} weft_sse_event;

typedef enum weft_sse_change {
    WEFT_SSE_OPEN,   /**< the server answers with events */
    WEFT_SSE_BROKEN, /**< the connection is lost, or could not be made: it is tried again */
    WEFT_SSE_OVER,   /**< it is not tried again: the source ends */
} weft_sse_change;

/** What became of the connection. Unhandled: ignored. */
typedef struct weft_sse_state {
    weft_ref source;
    weft_sse_change change;
    weft_err reason;   /**< of BROKEN and OVER */
    uint32_t retry_ms; /**< of BROKEN: until the next attempt */
    char why[96];
} weft_sse_state;

extern const weft_type weft_sse_event_type, weft_sse_state_type;

/** The config of weft_sse_source; zero is the default. It must live as long as the source. */
typedef struct weft_sse_source_config {
    const char *url;
    const char *to; /**< as weft_http_call.to */
    const weft_http_field *fields;
    uint32_t fields_count;
    uint32_t
        retry_ms; /**< until the server says otherwise: 3 s; doubled at each failure in a row */
    uint32_t retry_ms_max; /**< 60 s */
    uint32_t
        event_bytes_max; /**< of one event: 1 MiB; beyond: the connection is given up and tried again */
} weft_sse_source_config;

/** A source, spawned by whoever is to be told its events and weft_sse_state. The next event is told when the
 * one before has been let go of. It ends (WEFT_SSE_OVER) when the server answers 204, a client's error, or
 * another content type; weft_stop_ref ends it too. */
extern const weft_behaviour weft_sse_source;

#ifdef __cplusplus
}
#endif
#endif
