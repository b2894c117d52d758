/* SPDX-License-Identifier: MIT */
/* SP sockets, as their parts see each other.
 *
 *   socket ── listeners ──▶ connection ──▶ pipe          (on the connection's reactor)
 *      ├───── dialer ── weft_reconnect ──▶ pipe          (beside the socket)
 *      │
 *      │◀── join ── pipe          its peer has greeted; refused: it is one too many
 *      │◀── got ─── pipe          a message; answered when the owner has let go of it, with its reply
 *      │─── put ──▶ pipe          a message; answered when the stream has taken it
 *
 * All of these but the first are asks, so that each side knows how far the other is: a pipe reads on when what it gave
 * was taken, and a socket gives a pipe pipe_queue_max messages at most that were not answered yet. */
#ifndef WF_SP_SOCKET_H
#define WF_SP_SOCKET_H

#include <weft/http.h>
#include <weft/reconnect.h>
#include <weft/sp.h>
#include <weft/supervisor.h>
#include <weft/websocket.h>

#include "sp_codec.h"

/* ---- places: one for each URL of a socket */

/* Where a socket listens or dials, and what its pipes have to know. Lives as long as anything may be connected there. */
typedef struct wf_sp_place {
    struct wf_sp_place *next;
    weft_sp_url url;
    const wf_sp_kind_row *kind;
    weft_ref socket;
    uint64_t message_bytes_max;
    uint32_t requests_max, reply_ms, hops_max;
    /* of WebSockets */
    char protocol[32]; /* of whoever listens: "rep.sp.nanomsg.org" */
    const char *protocols[2];
    char route[272];
    char dialled[528]; /* the request's URL */
    weft_websocket_config sockets;
    weft_http_route routes[2];
    weft_ws_call call;
    /* of dialling */
    weft_reconnect_config reconnect;
} wf_sp_place;

/* One more for @text, filled in from @config. errors: those of the URL, EINVAL (another kind than *@kind, which is set if it
 * is NULL), ENOMEM. thread: in a handler. */
WEFT_MUST_USE weft_err wf_sp_place_new(weft_actor *self, const weft_sp_config *config,
                                       const char *text, bool listens, const wf_sp_kind_row **kind,
                                       wf_sp_place **out, weft_why *why);
/* Nothing can be connected there any more. NULL is calm. */
void wf_sp_place_free(wf_sp_place *place);
/* Somebody may still be: it is kept until the system is freed. */
void wf_sp_place_leave(wf_sp_place *place);

/* ---- behaviours; the config of each is a wf_sp_place */

extern const weft_behaviour wf_sp_pipe, wf_sp_dialer;

/* ---- what a socket and its pipes say */

/* Asked of the socket. errors: ELIMIT, EEXISTS, ESTOPPING: the pipe closes. */
typedef struct wf_sp_join {
    weft_ref pipe;
} wf_sp_join;

/* Asked of the socket: a message that came. */
typedef struct wf_sp_got {
    weft_bytes bytes;
    uint32_t id; /* of an answer */
} wf_sp_got;

/* Its answer. */
typedef struct wf_sp_taken {
    weft_bytes reply;
    bool replies; /* @reply goes back to the peer */
} wf_sp_taken;

/* Asked of a pipe. errors: ELOST, EGONE: it was not written. */
typedef struct wf_sp_put {
    weft_bytes bytes;
    uint32_t word; /* stands before them: an id, or hops */
    bool has_word;
} wf_sp_put;

typedef struct wf_sp_done {
    char nothing;
} wf_sp_done;

extern const weft_type wf_sp_join_type, wf_sp_got_type, wf_sp_taken_type, wf_sp_put_type,
    wf_sp_done_type;

/* ---- the socket's state */

typedef struct wf_sp_pipe_entry {
    weft_ref ref; /* nobody: a free entry */
    uint16_t gen;
    bool lost;           /* it took one no more: `down` follows */
    uint32_t on_the_way; /* messages it was asked to take and has not answered */
} wf_sp_pipe_entry;

/* A message that was asked of the socket: on its way to a pipe, waiting for one, or for its answers. */
typedef struct wf_sp_item {
    struct wf_sp_item *next; /* that waits behind it */
    weft_msg *msg;           /* kept */
    uint32_t id;
    uint64_t order;
    bool waits;
    bool taken; /* by the pipe, which is to answer */
    uint16_t pipe, pipe_gen;
    weft_timer timer;
    struct wf_sp_survey *survey;
} wf_sp_item;

typedef struct wf_sp_topic {
    uint8_t n, at[WEFT_SP_TOPIC_BYTES_MAX];
} wf_sp_topic;

typedef struct wf_sp_socket {
    weft_sp_config config; /* with the defaults filled in */
    const wf_sp_kind_row *kind;
    weft_ref owner, supervisor;
    wf_sp_place *places;
    uint32_t listens,
        listening; /* how many of the places are to listen at; and have been asked to */
    bool stopping;
    bool
        all_gone; /* its listeners have ended in their own time, and with them all their connections */
    weft_err reason;
    wf_sp_pipe_entry *pipes;
    uint32_t pipes_n, pipes_room, pipes_up, next_pipe;
    wf_sp_item **items; /* by the low half of their ids */
    uint16_t *item_gens;
    uint32_t items_room, items_n, next_item;
    uint64_t order;
    wf_sp_item *first, *last; /* that wait */
    uint32_t waiting;
    uint64_t waiting_bytes;
    weft_account *answers; /* of a surveyor */
    wf_sp_topic *topics;
    uint32_t topics_n, topics_room;
    weft_sp_counts counts;
} wf_sp_socket;

/* ---- sending (sp_send.c) */

weft_err wf_sp_on_message(weft_actor *self, weft_msg *msg);
weft_err wf_sp_on_cancelled(weft_actor *self, weft_msg *msg);
/* There may be room for what waits. */
void wf_sp_pump(weft_actor *self, wf_sp_socket *s);
/* Asks pipe number @pipe to take @bytes, for @item, or for nobody. false: it cannot be asked (memory is out). */
bool wf_sp_put_to(weft_actor *self, wf_sp_socket *s, uint32_t pipe, const wf_sp_item *item,
                  weft_bytes bytes);
/* Whether pipe number @at can be asked to take one more. */
bool wf_sp_has_room(const wf_sp_socket *s, uint32_t at);
/* Has it sent, now or when there is a pipe; in its turn. */
void wf_sp_dispatch(weft_actor *self, wf_sp_socket *s, wf_sp_item *item);
/* Everything that waits, or is on its way, fails. */
void wf_sp_fail_all(weft_actor *self, wf_sp_socket *s, weft_err err);

/* ---- items (sp_items.c) */

/* errors: EFULL, ENOMEM. @msg is kept. */
WEFT_MUST_USE weft_err wf_sp_item_new(weft_actor *self, wf_sp_socket *s, weft_msg *msg,
                                      wf_sp_item **out);
/* NULL: it is over. */
wf_sp_item *wf_sp_item_of(const wf_sp_socket *s, uint32_t id);
/* Lets go of its message, answered or not. */
void wf_sp_item_free(weft_actor *self, wf_sp_socket *s, wf_sp_item *item);
void wf_sp_wait(wf_sp_socket *s, wf_sp_item *item);
void wf_sp_wait_no_more(wf_sp_socket *s, wf_sp_item *item);
weft_bytes wf_sp_item_bytes(const wf_sp_item *item);

/* ---- requests and surveys (sp_request.c) */

/* The pipe has taken a request. */
void wf_sp_request_taken(weft_actor *self, wf_sp_socket *s, wf_sp_item *item);
/* A pipe is over: what it was to answer is asked again. */
void wf_sp_requests_lost(weft_actor *self, wf_sp_socket *s, uint32_t pipe, uint16_t gen);
/* An answer has come. */
void wf_sp_answer(weft_actor *self, wf_sp_socket *s, const wf_sp_got *got);
weft_err wf_sp_survey_all(weft_actor *self, wf_sp_socket *s, weft_msg *msg);
void wf_sp_survey_free(struct wf_sp_survey *survey);
weft_err wf_sp_on_again(weft_actor *self, weft_msg *msg);
weft_err wf_sp_on_survey_over(weft_actor *self, weft_msg *msg);
typedef struct wf_sp_due {
    uint32_t id;
} wf_sp_due;
typedef wf_sp_due wf_sp_again, wf_sp_survey_over;
extern const weft_type wf_sp_again_type, wf_sp_survey_over_type;

/* ---- what comes (sp_receive.c) */

weft_err wf_sp_on_got(weft_actor *self, weft_msg *msg);
weft_err wf_sp_on_subscribe(weft_actor *self, weft_msg *msg);
weft_err wf_sp_on_unsubscribe(weft_actor *self, weft_msg *msg);
/* Adds one. errors: ELIMIT, ETOOBIG, ENOMEM. */
WEFT_MUST_USE weft_err wf_sp_topic_add(wf_sp_socket *s, const void *at, size_t n);

#endif
