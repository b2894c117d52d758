/* SPDX-License-Identifier: MIT */
/* The HTTP server's own structures: a connection, its exchanges, the site they ask for.
 *
 * A connection is the state of its protocol actor. Requests are read one after the other; each
 * becomes an exchange, and exchanges leave in the order they came:
 *
 *   head ──▶ body (gathered, or passed on) ──▶ served ──▶ answered ──▶ its turn: written ──▶ over
 *
 * What holds throughout:
 * - c->first is the only exchange that may write. An answer given before that, or while the client
 * takes nothing, is stored.
 * - c->reading, if there is one, is the last exchange: nothing is read behind a body.
 * - Handlers run within read_all (WF_HTTP_RUNNING), or within wf_http_output through the
 * continuation of another request; neither is entered from within itself.
 * - x->conn is set until the exchange is over or its connection lost. What keeps the exchange
 * longer (a handler, a request sent on) reads its request and nothing else. */
#ifndef WF_HTTP_SERVER_H
#define WF_HTTP_SERVER_H

#include <stdatomic.h>

#include <weft/edge.h>
#include <weft/http.h>
#include <weft/stage.h>

#include "http1_codec.h"
#include "http1_write.h"
#include "http_alarm.h"
#include "http_hosts.h"
#include "http_route.h"

typedef struct wf_http_exchange wf_http_exchange;
typedef struct wf_http_conn wf_http_conn;

/* ---- sites (http_site.c) */

/* A site compiled; one for each config and reactor. */
typedef struct wf_http_site {
    struct wf_http_site *next;
    const void *config;   /* what it was compiled from */
    wf_http_table table;  /* of all hosts, or of those that have none of their own */
    wf_http_hosts *hosts; /* NULL: none */
    wf_http1_limits codec_limits;
    weft_http_limits limits;
    const weft_http_access_log *access_log;
    const weft_http_error_page *error_pages; /* NULL: none */
    weft_http_text server;
} wf_http_site;

/* What a reactor keeps for all its sites. */
typedef struct wf_http_reactor {
    wf_http_site *sites;
    int64_t date_s;
    char date[WF_HTTP1_DATE_BYTES];
    weft_http_field fields[WF_HTTP1_FIELDS_LAST]; /* of the head, or the trailers, being read */
    weft_bytes rest;                              /* what stands behind that head */
    struct wf_http_gateway *gateways;             /* the clients of proxies (http_proxy.c) */
    uint32_t packings;                            /* bodies being packed (http_packing.c) */
    struct wf_http_cgi_count *cgis;               /* the scripts that run (http_cgi.c) */
    char *log;                                    /* access log lines that gather */
    size_t log_n;
    uint64_t log_lost; /* lines, since it could last be written */
    int log_fd;
    weft_hook log_hook;
} wf_http_reactor;

wf_http_reactor *wf_http_reactor_here(void); /* errors: NULL */

/* The compiled site of @config. errors: NULL and @why. */
const wf_http_site *wf_http_site_of(const void *config, bool routes_only, weft_why *why);

/* ---- connections */

enum {
    WF_HTTP_CLOSING = 1 << 0,   /* no further request is read */
    WF_HTTP_LINGERING = 1 << 1, /* all is written: what still comes is thrown away for a moment */
    WF_HTTP_PAUSED = 1 << 2,    /* input stands until there is room */
    WF_HTTP_ENDED = 1 << 3,     /* the client sends no more */
    WF_HTTP_RUNNING = 1 << 4,   /* within read_all */
    WF_HTTP_GONE = 1 << 5,      /* the stream has closed, or was told to: nothing is done with it */
    WF_HTTP_HEAD_BEGUN = 1 << 6, /* a part of a head is there */
    WF_HTTP_SURPLUS = 1 << 7,    /* something that came was thrown away, and more may come */
    WF_HTTP_LOOKED = 1 << 8,     /* c->left is what waited when the client was last looked after */
    WF_HTTP_DRAINED = 1 << 9,    /* the client has taken everything that was written */
    WF_HTTP_UPGRADED = 1 << 10,  /* the stream is handed over when what is being read has been */
};

/* Who is at the other end of a connection: asked of the stream once, shared by its exchanges, and read wherever
 * those are served. */
typedef struct wf_http_peer {
    _Atomic uint32_t refs;
    bool secure; /* it came over TLS */
    weft_address address;
} wf_http_peer;

struct wf_http_conn {
    weft_ref stream;
    const wf_http_site *site;
    wf_http_peer *peer;             /* NULL: nobody has asked yet */
    wf_http_exchange *first, *last; /* in the order of their requests */
    wf_http_exchange *reading;      /* whose body is coming */
    weft_bytes pending;             /* came and was not read; kept */
    weft_msg *held;                 /* the data message that holds the next one back */
    wf_http_alarm alarm;
    uint32_t read_at;  /* when a head began, a piece of a body came, or lingering began */
    uint32_t write_at; /* when something was last written, or taken */
    uint32_t left;
    uint32_t scanned;
    uint32_t served;
    uint16_t open, flags;
};

/* ---- reading (http_input.c) */

/* What came: read as far as it may be, and what is left kept. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_http_take(weft_actor *self, wf_http_conn *c, weft_bytes in);
/* Reads what is pending, as far as it may. Calm when there is nothing, or when reading is under
 * way. */
void wf_http_input(weft_actor *self, wf_http_conn *c);
/* Goes on with a request behind which nothing was read (X_HOLDS), as if it were just being read: @serve may hand the
 * stream over. What stands behind it is read then. */
weft_err wf_http_input_go_on(weft_actor *self, wf_http_exchange *x,
                             weft_err (*serve)(weft_actor *self, weft_msg *msg,
                                               const weft_outcome *got),
                             const weft_outcome *got);
/* The client sends no more. */
void wf_http_input_ended(weft_actor *self, wf_http_conn *c);

/* ---- time (http_time.c) */

/* Sets the alarm for the state the connection is in, if it would ring too late. */
void wf_http_watch_time(wf_http_conn *c);
/* Something was written, or taken by the client. */
void wf_http_wrote(wf_http_conn *c);

/* ---- ending (http_end.c) */

/* Flushes and closes the stream, or with a reason aborts it; `closed` follows. */
void wf_http_close(weft_actor *self, wf_http_conn *c, weft_err reason);
/* The last exchange is over, or the one behind which the connection ends: the rest is given up.
 * @whole: the client has sent nothing that was not read. */
void wf_http_finish(weft_actor *self, wf_http_conn *c, bool whole);
/* What comes cannot be understood, or is not wanted: answered with @status, behind the answers
 * before it, as the connection's end. @x is the exchange whose body it is, NULL for a head; its
 * stream is closed with @reason. */
void wf_http_refuse(weft_actor *self, wf_http_conn *c, wf_http_exchange *x, int status,
                    weft_err reason, const char *detail);
/* The handler is no longer wanted, for @reason: what it waits for is cancelled, its worker stopped. */
void wf_http_give_up(weft_actor *self, wf_http_exchange *x, weft_err reason);
/* The stream has closed, or this actor ends (@ending: nothing may be cancelled then). */
void wf_http_lost(weft_actor *self, wf_http_conn *c, bool ending);

/* ---- exchanges (http_exchange.c) */

enum {
    WF_HTTP_X_BODY_DONE = 1 << 0, /* the request's body is whole, or there is none */
    WF_HTTP_X_ANSWERED = 1 << 1,  /* the response's head is decided */
    WF_HTTP_X_HEAD_SENT = 1 << 2,
    WF_HTTP_X_OVER = 1 << 3,  /* the response is wholly written */
    WF_HTTP_X_CLOSE = 1 << 4, /* the connection closes behind it */
    WF_HTTP_X_CHUNKED = 1 << 5,
    WF_HTTP_X_NO_BODY = 1 << 6,  /* HEAD, 204, 304: the body is not sent */
    WF_HTTP_X_CONTINUE = 1 << 7, /* 100 Continue is waited for */
    WF_HTTP_X_SERVED = 1 << 8,   /* a handler has begun */
    WF_HTTP_X_LOST = 1 << 9,     /* x->conn is gone */
    WF_HTTP_X_KEPT = 1 << 10,    /* head_bytes are its own */
    WF_HTTP_X_GIVEN_UP =
        1 << 11, /* answered in its handler's stead, or lost: a late answer is calm */
    WF_HTTP_X_ASKING = 1 << 12, /* a guard is finding out who it is from */
    WF_HTTP_X_HOLDS = 1 << 13, /* ASKING, and the stream may be handed over then: nothing is read */
    WF_HTTP_X_NOTED_LATER = 1 << 14, /* who has its stream now tells the access log */
    WF_HTTP_X_AWAITS = 1 << 15, /* CONTINUE, which is an upstream's to say (wf_http_continue_now) */
};

/* A response that waits for its turn. */
typedef struct wf_http_stored {
    weft_http_answer answer;
    weft_bytes text; /* holds the fields and the content type */
    weft_http_field *fields;
} wf_http_stored;

/* Path and query as they were rewritten last, and before. */
typedef struct wf_http_rewritten {
    struct wf_http_rewritten *before;
    char text[];
} wf_http_rewritten;
void wf_http_rewritten_free(wf_http_rewritten *last); /* (http_moved.c) takes NULL */

/* The trailers of a request. */
typedef struct wf_http_trailers {
    uint32_t count;
    weft_http_field fields[]; /* and their text behind them */
} wf_http_trailers;

struct wf_http_exchange {
    _Atomic uint32_t refs; /* the connection's, the message's, and those of requests sent on */
    uint16_t flags;
    uint16_t status; /* of the response */
    uint8_t again;   /* how often it was sent on by who was to serve it */
    bool shared;     /* others hold its request: what that points to never moves again */
    bool
        late; /* its stream is made for an answer that needs one; said before it is sent elsewhere */
    uint32_t at; /* the tick from which its answer is waited for */
    wf_http_exchange *next;
    weft_actor *site_actor; /* valid unless LOST */
    wf_http_conn *conn;
    const weft_http_route *row;
    const wf_http_site *site;
    const weft_http_error_page *error_pages; /* the site's, also for who serves it elsewhere */
    weft_bytes head_bytes;                   /* what the slices point into */
    wf_http_peer *peer;                      /* known from when it was sent elsewhere */
    wf_http_stored *stored;
    struct wf_http_packing *packing; /* what packs the response's body; NULL: nobody */
    struct wf_http_body *stream;     /* the duplex stream of a .stream route */
    wf_http_trailers *trailers;
    char *principal; /* who asks, found out by a guard; its own */
    wf_http_rewritten
        *rewritten;      /* what path and query, and their parameters, point into; NULL: the head */
    weft_ref worker;     /* what .use has made */
    uint64_t sent_bytes; /* of the response's body */
    uint64_t begun_ns;   /* for the access log */
    wf_http1 parser;
    wf_http1_head head;
    wf_http_match match;
    uint32_t room_fields; /* the message and the fields stand behind this struct */
    _Alignas(16) unsigned char room[];
};

/* An exchange for the head that was parsed into @head and @fields, at the end of the queue.
 * errors: NULL. */
wf_http_exchange *wf_http_exchange_new(weft_actor *self, wf_http_conn *c, const wf_http1_head *head,
                                       const weft_http_field *fields);
weft_msg *wf_http_message(wf_http_exchange *x);
weft_http_request *wf_http_request_of(wf_http_exchange *x);
void wf_http_exchange_drop(wf_http_exchange *x);
/* Makes what its slices point into its own: it will outlive the bytes it came in. false: no memory.
 */
bool wf_http_exchange_persist(weft_actor *self, wf_http_exchange *x);
/* Remembers with the exchange who is at the other end. Without memory nobody is. */
void wf_http_note_client(weft_actor *self, wf_http_exchange *x);
/* Takes NULL. */
void wf_http_peer_drop(wf_http_peer *peer);
/* The request's exchange; NULL if @msg is no HTTP request. */
wf_http_exchange *wf_http_exchange_of(const weft_msg *msg);
/* A part of the path, still encoded: what stands at the route's parameter @param. */
weft_http_text wf_http_route_rest(const weft_msg *msg, const char *param);
/* Takes the first exchange out of the queue. */
wf_http_exchange *wf_http_exchange_shift(wf_http_conn *c);
/* The connection has no more to do with it; @status is logged unless the response had one. Its
 * stream is closed with @reason, its worker stopped. Gives back the connection's reference. */
void wf_http_exchange_leave(weft_actor *self, wf_http_exchange *x, int status, weft_err reason);

/* ---- serving (http_dispatch.c) */

/* Finds the route and serves the request, now or when the body is there. */
void wf_http_dispatch(weft_actor *self, wf_http_exchange *x);
/* The body is whole. */
void wf_http_body_done(weft_actor *self, wf_http_exchange *x);
/* Says 100 Continue, if that is waited for, the turn is this one's and there is room. */
void wf_http_continue(weft_actor *self, wf_http_exchange *x);
/* The upstream wants the body of @msg, a request on this reactor: 100 Continue may be said, now or in its turn. */
void wf_http_continue_now(weft_msg *msg);

/* ---- answering (http_respond.c, http_output.c) */

/* How many fields an answer may have. */
#define WF_HTTP_ANSWER_FIELDS_MAX 64

/* The detail of an error page that is shown. */
#define WF_HTTP_DETAIL_BYTES_MAX 200

/* What is answered from a stack (wf_http_answered's @lent) has a body of at most this. */
#define WF_HTTP_SMALL_BODY_BYTES 4096

/* Answers: writes it if it is this one's turn, else stores it. @lent: the body's bytes are gone
 * when this returns. */
void wf_http_answered(weft_actor *self, wf_http_exchange *x, const weft_http_answer *answer,
                      bool lent);
/* The same, as it came in a message of weft_http_response_type. */
void wf_http_answered_with(weft_actor *self, wf_http_exchange *x, const void *body);
/* Answers with an error page; @field (may be NULL) goes with it. */
void wf_http_answer_error(weft_actor *self, wf_http_exchange *x, int status, const char *detail,
                          const weft_http_field *field);
/* Writes what has its turn, as far as there is room. */
void wf_http_output(weft_actor *self, wf_http_conn *c);
/* Forgets an answer that waits. Takes NULL. */
void wf_http_stored_free(wf_http_stored *stored);

/* An answer as a buffer: the content type and the fields. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_http_answer_pack(const weft_http_answer *a, weft_bytes *out);
/* Points @a into @text; @fields has room for what was packed. */
void wf_http_answer_unpack(weft_bytes text, weft_http_answer *a, weft_http_field *fields);

/* ---- error pages (http_error_answer.c) */

#define WF_HTTP_PAGE_ROOM 2560

/* Where the body of an error's answer may stand. */
typedef struct wf_http_page_room {
    weft_bytes made; /* to be dropped behind the answer */
    char text[WF_HTTP_PAGE_ROOM];
} wf_http_page_room;

WEFT_MUST_USE weft_err wf_http_error_pages_check(const weft_http_error_page *pages, weft_why *why);
/* The answer with the error page of @status that the site of @x has, or the standard one. @x NULL: that one. */
weft_http_answer wf_http_error_answer(wf_http_exchange *x, int status, const char *detail,
                                      wf_http_page_room *room);
/* Whether its body stands in the text of @room. */
bool wf_http_page_is_lent(const weft_http_answer *answer, const wf_http_page_room *room);
/* Answers with the error page of @status, and @fields. */
weft_err wf_http_error_with(weft_msg *msg, int status, const char *detail,
                            const weft_http_field *fields, uint32_t count);

/* ---- upgrades (http_upgrade.c) */

/* Who goes on with a connection that speaks something else from now on. */
typedef struct wf_http_upgrade {
    const char *protocol; /* for Upgrade; NULL: nothing is said, the new owner does that */
    const weft_http_field *fields;
    uint32_t fields_count;
    const weft_behaviour *behaviour; /* an actor of it becomes the stream's owner */
    const void *config;
    const weft_stage_ops *stage; /* on top of the stream; NULL: none */
    const void *stage_config;    /* borrowed until wf_http_upgrade returns */
} wf_http_upgrade;

/* Answers 101 and hands the stream over, what stands behind the request first. Only within the handler that
 * is given the request, in its turn. errors: EINVAL (not now, or not the last request: nothing was said),
 * ENOMEM; when the stream is lost by it, WEFT_OK. */
WEFT_MUST_USE weft_err wf_http_upgrade_to(weft_actor *self, weft_msg *msg,
                                          const wf_http_upgrade *to);
/* What was being read is done with: the connection is no longer this actor's, which ends. */
void wf_http_upgraded(weft_actor *self, wf_http_conn *c);

/* Serves it by whoever its path belongs to now, within a handler of the site. (http_dispatch.c) */
weft_err wf_http_serve_anew(weft_actor *self, weft_msg *msg);
/* Serves it by its row, within a handler of the site. */
weft_err wf_http_serve_row(weft_actor *self, weft_msg *msg);

/* ---- moved (http_moved.c) */

/* How often a request is rewritten; one more is a 500. */
#define WF_HTTP_REWRITES_MAX 10

WEFT_MUST_USE weft_err wf_http_moved_check(const weft_http_route *row, weft_why *why);
/* The row of @table that serves the request, rewrites done; NULL: none does. What cannot be rewritten has a row that
 * says so. */
const weft_http_route *wf_http_row_find(wf_http_exchange *x, const wf_http_table *table);
/* Answers the request of an actor made for it so, that it is served anew as a GET of @target, by whoever that
 * belongs to (RFC 3875 section 6.2.2). (http_respond.c) */
weft_err wf_http_send_on(weft_msg *msg, weft_http_text target);
/* Whether that is what @got says; *@target is borrowed as it is. */
bool wf_http_is_sent_on(const weft_outcome *got, weft_bytes *target);
/* Does that: forgets the actor and its stream, and what of the body was not read. */
weft_err wf_http_serve_again(weft_actor *self, weft_msg *msg, weft_bytes target);
/* Serves a request of a row with a redirect. */
weft_err wf_http_redirect_serve(weft_actor *self, weft_msg *msg);

/* ---- guards (http_guard.c) */

WEFT_MUST_USE weft_err wf_http_guard_check(const weft_http_guard *guard, weft_why *why);
/* Serves a request of a row with a guard. */
weft_err wf_http_guard_serve(weft_actor *self, weft_msg *msg);

/* ---- scripts (http_cgi.c) */
typedef struct wf_http_cgi_count wf_http_cgi_count;
void wf_http_cgi_counts_free(wf_http_cgi_count *first);

/* ---- proxies (http_proxy.c) */

/* Serves a request of a weft_http_proxy route. */
weft_err wf_http_proxy_serve(weft_actor *self, weft_msg *msg);
void wf_http_gateways_free(struct wf_http_gateway *first);
/* Has @owner asked, and given the stream if the route has one that is not .late; its answer is the request's.
 * (http_dispatch.c) */
weft_err wf_http_ask_worker(weft_actor *self, weft_msg *msg, weft_ref owner);

/* ---- bodies (http_body.c, http_body_stream.c) */

/* Takes a piece of the request's body. ETOOBIG beyond the limit, EFULL: the taker must catch up
 * first; nothing was taken then. */
WEFT_MUST_USE weft_err wf_http_body_take(weft_actor *self, wf_http_exchange *x, weft_bytes bytes);
/* Keeps the @count trailers. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_http_trailers_take(wf_http_exchange *x, const weft_http_field *trailers,
                                             uint32_t count);

/* Makes the duplex stream of a .stream route, owned by @owner. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_http_stream_open(weft_actor *self, wf_http_exchange *x, weft_ref owner);
/* The same for an exchange that is .late, from within a turn of another actor of this reactor: its own copy of the
 * request, @msg, is told too. errors: EGONE (the connection is done with it), ENOMEM. */
WEFT_MUST_USE weft_err wf_http_stream_open_late(weft_msg *msg, weft_ref owner);
/* Its owner may be told of it now. */
void wf_http_stream_begin(wf_http_exchange *x);
WEFT_MUST_USE weft_err wf_http_stream_take(weft_actor *self, wf_http_exchange *x, weft_bytes bytes);
/* Whether something of the body has come that its owner has not taken. */
bool wf_http_stream_is_behind(const wf_http_exchange *x);
/* The request's body is whole. */
void wf_http_stream_whole(wf_http_exchange *x);
/* The response's head has been written: its body of @bytes (0: of any length) follows. */
void wf_http_stream_answered(weft_actor *self, wf_http_exchange *x, uint64_t bytes);
/* There is room again. */
void wf_http_stream_drained(wf_http_exchange *x);
/* Its owner ended in an error: what it wrote is not all. */
void wf_http_stream_cut(wf_http_exchange *x);
/* No more of it: its owner is told `closed` with @reason. */
void wf_http_stream_end(wf_http_exchange *x, weft_err reason);

/* ---- access log (http_access.c) */
void wf_http_log_access(wf_http_exchange *x, int status);
/* Writes the lines that gathered here; what cannot be written is lost, which is said in the log. */
void wf_http_log_flush(wf_http_reactor *h);

#endif
