/* SPDX-License-Identifier: MIT */
/* The leaf of NNG's streams: what conn.c wants, said to the carrier, and the other way round. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nng_parts.h"

typedef struct nng_leaf {
    weft_watch watch; /* of the carrier's eventfd */
    weft_watch look;  /* of its socket, by @poll */
    int poll;         /* -1: NNG looks */
    weft_hook
        hook; /* readiness that was there already is told after the turn, as a descriptor's is */
    conn *c;
    wf_nng *n;
    unsigned want;
} nng_leaf;

static nng_leaf *leaf_of(const conn *c)
{
    return weft_leaf_context(c);
}

/* ---- readiness */

/* @l may be gone after it. */
static void tell(nng_leaf *l, bool woken)
{
    unsigned events = wf_nng_ready(l->n, l->want, woken);
    if (events != 0 || (l->c->flags & CONN_OPENING) != 0)
        wf_conn_ready(l->c, events);
}

static void on_wake(weft_watch *watch, unsigned events)
{
    nng_leaf *l = (nng_leaf *)(void *)((char *)watch - offsetof(nng_leaf, watch));
    uint64_t count;
    (void)events;
    (void)!read(l->n->wake, &count, sizeof count);
    tell(l, true);
}

static void on_readable(weft_watch *watch, unsigned events)
{
    nng_leaf *l = (nng_leaf *)(void *)((char *)watch - offsetof(nng_leaf, look));
    (void)events;
    wf_nng_readable(l->n);
    tell(l, false);
}

static void on_hook(weft_hook *hook)
{
    tell((nng_leaf *)(void *)((char *)hook - offsetof(nng_leaf, hook)), false);
}

static void look(nng_leaf *l)
{
    if (wf_nng_ready(l->n, l->want, false) != 0)
        weft_hook_queue(&l->hook);
}

/* ---- the leaf */

static weft_err nng_read(conn *c, weft_bytes *out, weft_why *why)
{
    nng_leaf *l = leaf_of(c);
    uint8_t *block = weft_read_block();
    size_t max = conn_read_max(c), got;
    int error;
    if (block == NULL)
        return WEFT_ENOMEM;
    wf_cut_kind kind = wf_nng_take(
        l->n, block, max < WEFT_READ_BYTES_MAX ? max : WEFT_READ_BYTES_MAX, &got, &error);
    switch (kind) {
    case WF_CUT_BYTES:
        look(l);
        /* these bytes have left NNG: without memory for them the stream is lost, not a part of it */
        return weft_read_bytes(got, &c->window, out) == WEFT_OK
                   ? WEFT_OK
                   : weft_because(why, WEFT_ELOST, "no memory for what was read");
    case WF_CUT_END:
        return WEFT_EDONE;
    case WF_CUT_BROKEN:
        return weft_because(why, WEFT_EPROTO,
                            "these are no pieces: is the other end one of weft's?");
    default:
        if (error == 0)
            look(l); /* of what came, nothing was to be given out: a head, or marks */
        return error != 0 ? weft_because(why, WEFT_ELOST, "read: %s", nng_strerror(error))
                          : WEFT_EFULL;
    }
}

static weft_err nng_write(conn *c, const conn_item *items, unsigned n, size_t *sent, weft_why *why)
{
    nng_leaf *l = leaf_of(c);
    wf_cut_part parts[CONN_WRITE_ITEMS];
    unsigned count = 0;
    int error = 0;
    size_t all = 0;
    if (items[0].file != NULL)
        return WEFT_EUNSUPPORTED; /* it comes as bytes */
    for (; count < n && items[count].file == NULL; count++) {
        weft_bytes bytes = items[count].bytes;
        parts[count] = (wf_cut_part){(uint8_t *)(uintptr_t)bytes.at, bytes.size};
        all += bytes.size;
    }
    *sent = wf_nng_put(l->n, parts, count, &error);
    if (error != 0)
        return weft_because(why, WEFT_ELOST, "write: %s", nng_strerror(error));
    return *sent < all ? WEFT_EFULL : WEFT_OK;
}

static void nng_want(conn *c, unsigned events)
{
    nng_leaf *l = leaf_of(c);
    l->want = events;
    if (l->poll >= 0)
        weft_watch_set(&l->look, events & WEFT_READABLE);
    look(l);
}

static void nng_end(conn *c)
{
    wf_nng_end(leaf_of(c)->n);
}

static void nng_leaf_close(conn *c, bool abort)
{
    nng_leaf *l = leaf_of(c);
    weft_watch_set(&l->watch, 0);
    weft_hook_cancel(&l->hook);
    if (l->poll >= 0) {
        weft_watch_set(&l->look, 0);
        (void)close(l->poll);
    }
    (void)close(wf_nng_close(l->n, abort));
    weft_alloc_free(l);
}

static void nng_addresses(conn *c, weft_address *local, weft_address *peer)
{
    nng_stream *stream = leaf_of(c)->n->stream;
    nng_sockaddr at;
    if (nng_stream_get_addr(stream, NNG_OPT_LOCADDR, &at) == 0)
        wf_nng_address(&at, local);
    if (nng_stream_get_addr(stream, NNG_OPT_REMADDR, &at) == 0)
        wf_nng_address(&at, peer);
}

static weft_err nng_nodelay(conn *c, bool on)
{
    int error = nng_stream_set_bool(leaf_of(c)->n->stream, NNG_OPT_TCP_NODELAY, on);
    return error == 0             ? WEFT_OK
           : error == NNG_ENOTSUP ? WEFT_EUNSUPPORTED
                                  : wf_nng_because(NULL, error, "");
}

/* Whoever closes in order leaves when the other end has read all, so closing loses nothing. */
static const conn_leaf leaf_nng = {
    .name = "nng",
    .read = nng_read,
    .write = nng_write,
    .want = nng_want,
    .end = nng_end,
    .close = nng_leaf_close,
    .addresses = nng_addresses,
    .nodelay = nng_nodelay,
    .copies = true,
};

/* ---- made */

static void settle(void *kept)
{
    (void)kept;
    wf_nng_settle();
}

void wf_nng_settle_at_end(void)
{
    static char here;
    void **kept = weft_kept(WEFT_KEPT_NNG);
    if (*kept != NULL)
        return;
    *kept = &here;
    weft_kept_set_free(WEFT_KEPT_NNG, settle);
}

/* The stream is open: looks itself, if it can. */
static void look_out(nng_leaf *l)
{
    l->poll = l->n->poll;
    l->n->poll = -1;
    if (l->poll < 0)
        return;
    weft_watch_init(&l->look, l->poll, on_readable);
    weft_watch_set(&l->look, l->want & WEFT_READABLE);
}

/* errors: ENOMEM; @n is still the caller's. */
static weft_err set_leaf(conn *c, wf_nng *n)
{
    nng_leaf *l = weft_alloc_zero(sizeof *l);
    if (l == NULL)
        return WEFT_ENOMEM;
    wf_nng_settle_at_end();
    *l = (nng_leaf){.poll = -1, .hook.run = on_hook, .c = c, .n = n};
    weft_watch_init(&l->watch, n->wake, on_wake);
    memcpy(&c->watch, &l, sizeof(void *));
    c->leaf = &leaf_nng;
    weft_watch_set(&l->watch, WEFT_READABLE);
    return WEFT_OK;
}

static weft_err make_dialer(const weft_url *url, nng_stream_dialer **out, weft_why *why)
{
    char text[WEFT_URL_BYTES_MAX];
    weft_err err = wf_nng_url(url, text, sizeof text, why);
    if (err != WEFT_OK)
        return err;
    int error = nng_stream_dialer_alloc(out, text);
    if (error != 0)
        return wf_nng_because(why, error, text);
    if (url->scheme != WEFT_SCHEME_NNG_IPC)
        (void)nng_stream_dialer_set_bool(*out, NNG_OPT_TCP_NODELAY, url->options.nodelay);
    return WEFT_OK;
}

weft_err wf_nng_connect(conn *c, const weft_url *url, weft_why *why)
{
    nng_stream_dialer *dialer = NULL;
    wf_nng *n = wf_nng_new(CARRIER_DIALING); /* first: with what NNG needs (nng_janitor.c) */
    if (n == NULL) {
        weft_err err = weft_err_from_errno(errno);
        return weft_because(why, err, "unable to make a stream of NNG: %s", weft_err_text(err));
    }
    weft_err err = make_dialer(url, &dialer, why);
    if (err == WEFT_OK) {
        err = set_leaf(c, n);
        if (err == WEFT_OK) {
            wf_nng_dial(n, dialer);
            return WEFT_OK;
        }
        nng_stream_dialer_free(dialer);
        weft_explain(why, "no memory to connect");
    }
    wf_nng_free(n);
    return err;
}

weft_err wf_nng_connected(conn *c, weft_why *why)
{
    wf_nng *n = leaf_of(c)->n;
    (void)pthread_mutex_lock(&n->lock);
    bool open = n->phase == CARRIER_OPEN;
    int error = n->dial_error;
    (void)pthread_mutex_unlock(&n->lock);
    if (error != 0)
        return wf_nng_because(why, error, "");
    if (!open)
        return WEFT_EFULL;
    look_out(leaf_of(c));
    return WEFT_OK;
}

void wf_nng_attach(conn *c, wf_nng **from)
{
    wf_nng *n = *from;
    *from = NULL;
    c->leaf = &wf_conn_leaf_none;
    weft_err err = wf_nng_open(n);
    if (err == WEFT_OK)
        err = set_leaf(c, n);
    if (err == WEFT_OK) {
        look_out(leaf_of(c));
        return;
    }
    weft_log(conn_actor(c), WEFT_ERROR, "no memory for a connection: refused");
    wf_nng_refuse(n);
    wf_conn_lost(c, err, "no memory for a stream of NNG");
}

void wf_nng_refuse(wf_nng *n)
{
    if (n != NULL)
        (void)close(wf_nng_close(n, true));
}
