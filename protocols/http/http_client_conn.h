/* SPDX-License-Identifier: MIT */
/* One connection of a client: its state, and what its files say to each other.
 *
 *   opening ──▶ (tunnel) ──▶ idle ◀──────────────────────────┐
 *                             │ start                          │ kept alive
 *                             ▼                                │
 *                            head ──▶ body (gathered, thrown away) ──▶ over ──▶ ended
 *                              └────▶ asking ──▶ body (streamed) ──────▲
 *
 * What holds: c->job is set from start to over. c->body is a stream of the connection's own while a job
 * with one is under way. Nothing is read while `asking`, or while the stream of the body is full. */
#ifndef WF_HTTP_CLIENT_CONN_H
#define WF_HTTP_CLIENT_CONN_H

#include "http_alarm.h"
#include "http_client.h"
#include "http_unpack.h"

typedef enum wf_http_phase {
    WF_HTTP_OPENING,
    WF_HTTP_TUNNEL, /* the answer to CONNECT is waited for */
    WF_HTTP_IDLE,
    WF_HTTP_HEAD,   /* that of an answer is waited for */
    WF_HTTP_ASKING, /* told of the head: where the body goes is waited for */
    WF_HTTP_BODY,
    WF_HTTP_ENDING,
} wf_http_phase;

enum {
    WF_HTTP_C_KEEP = 1 << 0,      /* another request may follow */
    WF_HTTP_C_SENT = 1 << 1,      /* the request is whole */
    WF_HTTP_C_DISCARD = 1 << 2,   /* the body is thrown away */
    WF_HTTP_C_PAUSED = 1 << 3,    /* the stream of the body is full */
    WF_HTTP_C_TOUCHED = 1 << 4,   /* something came for this job */
    WF_HTTP_C_USED = 1 << 5,      /* a job was served before this one */
    WF_HTTP_C_RUNNING = 1 << 6,   /* within the loop that reads */
    WF_HTTP_C_LAST = 1 << 7,      /* the body's last piece was read, and perhaps not yet unpacked */
    WF_HTTP_C_MORE = 1 << 8,      /* what was unpacked last filled its room: there may be more */
    WF_HTTP_C_CONTINUE = 1 << 9,  /* the body waits for 100 Continue */
    WF_HTTP_C_UNWANTED = 1 << 10, /* it was answered without: what comes of it is thrown away */
};

typedef struct wf_http_cc {
    const wf_http_client *client; /* its limits and codec limits alone; it outlives this actor */
    const wf_http_origin *origin;
    weft_ref stream;
    wf_http_job *job;
    wf_http_phase phase;
    uint32_t flags;
    wf_http1 parser;
    wf_http1_framing framing;
    size_t scanned;
    weft_bytes pending;         /* came and was not read */
    weft_msg *held;             /* the data message that holds the next one back */
    const weft_account *window; /* of the connection: what it gave out and is still alive */
    weft_ref body;              /* the stream of the body, or nobody */
    weft_msg *upload; /* data of it that waits for room, or `opened` while none may come */
    uint64_t upload_left;
    uint64_t body_bytes; /* so far: gathered, thrown away */
    wf_http_unpack *unpack;
    weft_bytes packed; /* of the piece that is being unpacked; kept */
    wf_http_alarm alarm;
    uint32_t since, left;
    uint32_t served;
} wf_http_cc;

/* ---- http_client_conn.c */

/* The job is over: well, or failed. The connection goes on, or ends. */
void wf_http_conn_over(weft_actor *self, wf_http_cc *c);
/* Fails the job, if there is one, and ends the connection. @kind: how the sentence begins. */
void wf_http_conn_fail(weft_actor *self, wf_http_cc *c, weft_err err, const char *kind,
                       const char *why);
/* Fails it for what is known of where it stands. */
void wf_http_conn_lost(weft_actor *self, wf_http_cc *c, weft_err err, const char *why);
/* Tells the client. false: it cannot be told, and the connection ends. */
bool wf_http_conn_tell(weft_actor *self, wf_http_cc *c, wf_http_told_what what);
/* Whether nobody wants the job any more, which the connection is about to hear: of the message nothing may
 * be read. It is failed then. */
bool wf_http_conn_is_given_up(weft_actor *self, wf_http_cc *c);
/* Says the request, over a connection that is up. */
void wf_http_conn_begin(weft_actor *self, wf_http_cc *c);
/* Something moved. */
void wf_http_conn_moved(wf_http_cc *c);

/* ---- http_client_read.c */

WEFT_MUST_USE weft_err wf_http_conn_take(weft_actor *self, wf_http_cc *c, weft_bytes in);
/* Reads on. */
void wf_http_conn_read(weft_actor *self, wf_http_cc *c);
/* The server sends no more. */
void wf_http_conn_ended(weft_actor *self, wf_http_cc *c);
bool wf_http_conn_is_held(const wf_http_cc *c);

/* ---- http_client_body.c */

/* One piece of the answer's body: unless it is packed, all of it goes on at once. errors: EDONE (no more
 * of it is wanted); others fail the job. */
WEFT_MUST_USE weft_err wf_http_conn_piece(weft_actor *self, wf_http_cc *c, weft_bytes piece,
                                          weft_why *why);
/* Unpacks what is left of a piece. errors: EFULL (its stream is full: again after `drained`); others fail
 * the job. */
WEFT_MUST_USE weft_err wf_http_conn_unpack(weft_actor *self, wf_http_cc *c, weft_why *why);
/* Whether there is room for a piece now; if not, `drained` follows. */
bool wf_http_conn_has_room(weft_actor *self, const wf_http_cc *c);
/* A piece of the request's body, or `opened` before the first; its end. */
void wf_http_conn_upload(weft_actor *self, wf_http_cc *c, weft_msg *msg);
void wf_http_conn_upload_ended(weft_actor *self, wf_http_cc *c);
void wf_http_conn_upload_again(weft_actor *self, wf_http_cc *c);

/* ---- http_client_continue.c */

/* The body may go, or need not wait any longer. */
void wf_http_conn_continue(weft_actor *self, wf_http_cc *c);
/* Whoever asked, and waits to hear that, is told to send the body. */
void wf_http_conn_go_ahead(const wf_http_cc *c);
/* Gives the stream of a body of which nothing was sent back to the client. false: it cannot be. */
bool wf_http_conn_give_back(weft_actor *self, wf_http_cc *c);
/* An answer came with @status. true: the job is over, to be sent again without asking. */
bool wf_http_conn_not_wanted(weft_actor *self, wf_http_cc *c, int status);

/* ---- http_client_time.c */

void wf_http_conn_watch(wf_http_cc *c);

#endif
