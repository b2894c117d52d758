/* SPDX-License-Identifier: MIT */
/* The HTTP server's own structures: a connection, its exchanges, the site they ask for.
 *
 * A connection is the state of its protocol actor. Requests are read one after the other; each becomes an
 * exchange, and exchanges leave in the order they came:
 *
 *   head ──▶ body (whole: gathered; stream: passed on) ──▶ served ──▶ answered ──▶ its turn: written ──▶ over
 */
#ifndef WF_HTTP_SERVER_H
#define WF_HTTP_SERVER_H

#include <stdatomic.h>

#include <weft/edge.h>
#include <weft/http.h>
#include <weft/leaf.h>

#include "http1_codec.h"
#include "http1_write.h"
#include "http_route.h"

typedef struct wf_http_exchange wf_http_exchange;
typedef struct wf_http_conn wf_http_conn;

/* ---- sites */

/* A site compiled; one for each config and reactor. */
typedef struct wf_http_site {
    struct wf_http_site *next;
    const void *config; /* what it was compiled from */
    const weft_http_route *rows;
    wf_http_routes *routes;
    wf_http1_limits codec_limits;
    weft_http_limits limits;
    const weft_http_access_log *access_log;
    weft_http_text server;
} wf_http_site;

/* What a reactor keeps for all its sites. */
typedef struct wf_http_reactor {
    wf_http_site *sites;
    int64_t date_s;
    char date[WF_HTTP1_DATE_BYTES];
    weft_http_field fields[WF_HTTP1_FIELDS_LAST]; /* of the head being read */
    char *log;      /* access log lines that gather */
    size_t log_n;
    int log_fd;
    weft_hook log_hook;
} wf_http_reactor;

wf_http_reactor *wf_http_reactor_here(void); /* errors: NULL */

/* The compiled site of @config. errors: NULL and @why. */
const wf_http_site *wf_http_site_of(const void *config, bool routes_only, weft_why *why);

/* ---- connections */

enum {
    WF_HTTP_CLOSING = 1 << 0,   /* after what was read: nothing more is read */
    WF_HTTP_LINGERING = 1 << 1, /* answered an error: what still comes is thrown away */
    WF_HTTP_PAUSED = 1 << 2,    /* input stands until there is room */
    WF_HTTP_ENDED = 1 << 3,     /* the client sends no more */
    WF_HTTP_RUNNING = 1 << 4,   /* within run_input: no second one inside of it */
    WF_HTTP_GONE = 1 << 5,      /* the stream has closed */
};

struct wf_http_conn {
    weft_ref stream;
    const wf_http_site *site;
    wf_http_exchange *first, *last; /* in the order of their requests */
    wf_http_exchange *reading;      /* whose body is coming */
    weft_bytes pending;             /* came and was not read; kept */
    weft_msg *held;                 /* the data message that holds the next one back */
    weft_alarm alarm;
    uint32_t deadline, armed;       /* ticks; the alarm may stand before the deadline, never behind */
    uint32_t scanned;
    uint32_t served;
    uint16_t open, flags;
};

/* Reads what is pending, as far as it may. */
void wf_http_input(weft_actor *self, wf_http_conn *c);
/* The front exchange may have become ready to be written, or ended. */
void wf_http_output(weft_actor *self, wf_http_conn *c);
/* The last exchange is over; @whole: everything sent was read. */
void wf_http_finish(weft_actor *self, wf_http_conn *c, bool whole);
/* Sets the deadline for the state the connection is in. */
void wf_http_watch_time(wf_http_conn *c);
/* Answers with an error that ends the connection: what follows cannot be understood. */
void wf_http_refuse(weft_actor *self, wf_http_conn *c, wf_http_exchange *x, int status,
                    const char *detail);

/* ---- exchanges */

enum {
    WF_HTTP_X_BODY_DONE = 1 << 0, /* the request's body is whole, or there is none */
    WF_HTTP_X_ANSWERED = 1 << 1,  /* the response's head is decided */
    WF_HTTP_X_HEAD_SENT = 1 << 2,
    WF_HTTP_X_OVER = 1 << 3,      /* the response is wholly written */
    WF_HTTP_X_CLOSE = 1 << 4,     /* the connection closes behind it */
    WF_HTTP_X_CHUNKED = 1 << 5,
    WF_HTTP_X_NO_BODY = 1 << 6,   /* HEAD, 204, 304: the body is not sent */
    WF_HTTP_X_CONTINUE = 1 << 7,  /* 100 Continue is waited for */
    WF_HTTP_X_SERVED = 1 << 8,    /* a handler has begun */
    WF_HTTP_X_LOST = 1 << 9,      /* the connection has gone */
    WF_HTTP_X_KEPT = 1 << 10,     /* head_bytes are its own */
};

/* A response that waits for its turn. */
typedef struct wf_http_stored {
    weft_http_answer answer;
    weft_bytes text; /* holds the fields and the content type */
    weft_http_field *fields;
} wf_http_stored;

struct wf_http_exchange {
    _Atomic uint32_t refs;  /* the connection's, the message's, and those of requests sent on */
    uint16_t flags;
    uint16_t status;        /* of the response */
    wf_http_exchange *next;
    weft_actor *site_actor; /* valid unless LOST */
    wf_http_conn *conn;
    const weft_http_route *row;
    const wf_http_site *site;
    weft_bytes head_bytes;  /* what the slices point into */
    weft_address *client;
    wf_http_stored *stored;
    struct wf_http_body *stream; /* the duplex stream of a .stream route */
    weft_account *account;  /* of a body that is gathered */
    uint64_t sent_bytes;    /* of the response's body */
    uint64_t begun_ns;      /* for the access log */
    wf_http1 parser;
    wf_http1_head head;
    wf_http_match match;
    uint32_t room_fields;   /* the message and the fields stand behind this struct */
    _Alignas(16) unsigned char room[];
};

/* An exchange for the head that was parsed into @head and @fields. errors: NULL. */
wf_http_exchange *wf_http_exchange_new(weft_actor *self, wf_http_conn *c, const wf_http1_head *head,
                                       const weft_http_field *fields);
weft_msg *wf_http_message(wf_http_exchange *x);
weft_http_request *wf_http_request_of(wf_http_exchange *x);
void wf_http_exchange_drop(wf_http_exchange *x);
/* Makes what its slices point into its own: it will outlive the bytes it came in. false: no memory. */
bool wf_http_exchange_persist(weft_actor *self, wf_http_exchange *x);
/* Finds the route and serves it, now or when the body is there. */
void wf_http_dispatch(weft_actor *self, wf_http_exchange *x);
/* The body is whole. */
void wf_http_serve(weft_actor *self, wf_http_exchange *x);

/* The request's exchange; NULL if @msg is no HTTP request. */
wf_http_exchange *wf_http_exchange_of(const weft_msg *msg);

/* Whatever the request was answered with: writes it if it is the front one's turn, else stores it. */
void wf_http_answered(weft_actor *self, wf_http_exchange *x, const weft_http_answer *answer);
/* The same, as it came in a message. */
void wf_http_answered_with(weft_actor *self, wf_http_exchange *x, const void *body);
/* Writes an error page now: it is the front one's turn. */
void wf_http_put_error(weft_actor *self, wf_http_exchange *x, int status, const char *detail);
/* Remembers the client's address with the exchange. */
void wf_http_note_client(weft_actor *self, wf_http_exchange *x);
void wf_http_stored_free(wf_http_stored *stored);

/* A part of the path, still encoded: what stands at the route's parameter @param. */
weft_http_text wf_http_route_rest(const weft_msg *msg, const char *param);

/* An error page as an answer; the body dies with @msg. */
void wf_http_answer_error(weft_actor *self, wf_http_exchange *x, int status, const char *detail);

/* ---- bodies */

/* Takes a piece of the request's body. ETOOBIG beyond the limit, EFULL: the taker must catch up first;
 * nothing was taken then. */
weft_err wf_http_body_take(weft_actor *self, wf_http_exchange *x, weft_bytes bytes);
/* The body is whole. */
void wf_http_body_done(weft_actor *self, wf_http_exchange *x);
/* Makes the duplex stream of a .stream route, owned by @owner. errors: ENOMEM. */
weft_err wf_http_body_open(weft_actor *self, wf_http_exchange *x, weft_ref owner);
/* Its owner may be told of the request now. */
void wf_http_body_begin(wf_http_exchange *x);
/* The front exchange's head has been written: its body may follow. */
void wf_http_body_turn(wf_http_exchange *x);
/* The connection has gone, or the exchange is over. */
void wf_http_body_end(wf_http_exchange *x, weft_err reason);

/* ---- access log */
void wf_http_log_access(wf_http_exchange *x);

#endif
