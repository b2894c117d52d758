/* SPDX-License-Identifier: MIT */
/* Streams of NNG, as connections and listeners see them: nng+tcp, nng+ipc, and nng+tls+tcp, which is TLS of ours
 * over nng+tcp. NNG's own threads move the bytes; what they have done is handed over here. */
#ifndef WF_NNG_STREAM_H
#define WF_NNG_STREAM_H

#include <weft/url.h>

#include "conn.h"

/* A stream of NNG, with what is on its way there and from there. */
typedef struct wf_nng wf_nng;
/* Who accepts them. */
typedef struct wf_nng_listener wf_nng_listener;

static inline bool wf_scheme_is_nng(weft_scheme scheme)
{
    return scheme == WEFT_SCHEME_NNG_TCP || scheme == WEFT_SCHEME_NNG_IPC ||
           scheme == WEFT_SCHEME_NNG_TLS;
}

/* ---- a connection over one (nng_leaf.c) */

/* Begins to connect @c, which is opening, to @url; c->rare->on_ready is called when that may have come to
 * something. errors: EINVAL, ENOMEM, ELIMIT (descriptors), those of NNG. */
WEFT_MUST_USE weft_err wf_nng_connect(conn *c, const weft_url *url, weft_why *why);
/* What it came to. errors: EFULL (nothing yet), those of connecting. */
WEFT_MUST_USE weft_err wf_nng_connected(conn *c, weft_why *why);
/* Makes @n, which was accepted, the wire of @c, which may be lost with that; taken. */
void wf_nng_attach(conn *c, wf_nng **n);

/* ---- accepting (nng_listen.c) */

/* Listens at @url. @fd: becomes readable when somebody waits, and is the caller's to close. errors: NULL, with
 * @err and @why. */
WEFT_MUST_USE wf_nng_listener *wf_nng_listen(const weft_url *url, int *fd, weft_address *local,
                                             weft_err *err, weft_why *why);
/* When the system of this reactor is freed, it waits until all that was closed is gone. thread: in a handler. */
void wf_nng_settle_at_end(void);
/* Who waits, and from where. NULL: errno is EAGAIN, or says what descriptors or memory lack; then nobody is
 * accepted before the next call. */
WEFT_MUST_USE wf_nng *wf_nng_accept(wf_nng_listener *l, weft_address *peer);
/* Nobody is accepted any more; those who wait are turned away. */
void wf_nng_unlisten(wf_nng_listener *l);
/* Turns away who was accepted; NULL is calm. */
void wf_nng_refuse(wf_nng *n);

/* ---- for tests */

/* How many there are, those that are still being closed among them. thread: any. */
unsigned wf_nng_count(void);

#endif
