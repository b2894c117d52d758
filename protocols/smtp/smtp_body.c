/* SPDX-License-Identifier: MIT */
/* The stream of a message: what a client sends is the data of the actor that takes it.
 *
 *   session ── pieces ──▶ queue ── read ──▶ stream ──▶ owner
 *
 * The stream's own calls only note what they want; what follows for the session happens in a hook, between
 * turns, so that neither is worked on from within the other. */
#include <weft/leaf.h>

#include "framing/pieces.h"
#include "smtp_server.h"

struct wf_smtp_body {
    weft_actor *session_actor; /* NULL: the session's side is over */
    wf_smtp_session *session;
    weft_leaf *leaf; /* NULL: the stream is closed */
    wf_pieces in;
    unsigned want;
    bool begun, whole, stalled;
    weft_hook hook;
};

static void body_free(wf_smtp_body *b)
{
    weft_hook_cancel(&b->hook);
    wf_pieces_drop(&b->in);
    weft_alloc_free(b);
}

/* ---- what is to be done, and doing it */

static bool readable(const wf_smtp_body *b)
{
    return b->leaf != NULL && b->begun && (b->want & WEFT_READABLE) != 0 &&
           (b->in.n != 0 || b->whole);
}

static bool session_may_go_on(const wf_smtp_body *b)
{
    return b->session_actor != NULL && b->stalled && (b->in.n < WF_PIECES_MAX || b->leaf == NULL);
}

static void look(wf_smtp_body *b)
{
    if (readable(b) || session_may_go_on(b))
        weft_hook_queue(&b->hook);
}

static void session_again(weft_actor *self, void *context)
{
    wf_smtp_session *s = context;
    wf_smtp_resume(self, s, s->phase);
}

/* One thing at a time, since each may be the last that happens to @b. */
static void on_hook(weft_hook *hook)
{
    wf_smtp_body *b = (wf_smtp_body *)(void *)((char *)hook - offsetof(wf_smtp_body, hook));
    if (session_may_go_on(b)) {
        b->stalled = false;
        look(b);
        weft_enter(b->session_actor, session_again, b->session);
    } else if (readable(b))
        weft_leaf_ready(b->leaf, WEFT_READABLE);
}

/* ---- the leaf */

static weft_err body_read(weft_leaf *leaf, weft_bytes *out, weft_why *why)
{
    wf_smtp_body *b = weft_leaf_context(leaf);
    (void)why;
    if (b->in.n == 0)
        return b->whole ? WEFT_EDONE : WEFT_EFULL;
    weft_err err = wf_pieces_read(&b->in, leaf, out);
    if (err != WEFT_OK)
        return err;
    look(b);
    return WEFT_OK;
}

/* "A message is taken, and answered": there is nothing to be written into it. */
static weft_err body_write(weft_leaf *leaf, const weft_leaf_item *items, unsigned n, size_t *sent,
                           weft_why *why)
{
    (void)leaf, (void)items, (void)n;
    *sent = 0;
    return weft_because(why, WEFT_EINVAL, "nothing can be written to a message that comes");
}

static void body_want(weft_leaf *leaf, unsigned events)
{
    wf_smtp_body *b = weft_leaf_context(leaf);
    b->want = events;
    look(b);
}

static void body_end(weft_leaf *leaf)
{
    (void)leaf;
}

static void body_close(weft_leaf *leaf, bool abort)
{
    wf_smtp_body *b = weft_leaf_context(leaf);
    (void)abort;
    b->leaf = NULL;
    wf_pieces_drop(&b->in); /* what nobody will read must not hold the client's window */
    if (b->session_actor == NULL)
        body_free(b);
    else
        look(b);
}

static void body_addresses(weft_leaf *leaf, weft_address *local, weft_address *peer)
{
    const wf_smtp_body *b = weft_leaf_context(leaf);
    if (b->session_actor != NULL)
        (void)weft_stream_addresses(b->session_actor, b->session->stream, local, peer);
}

static weft_err body_nodelay(weft_leaf *leaf, bool on)
{
    (void)leaf, (void)on;
    return WEFT_EUNSUPPORTED;
}

static const weft_leaf_ops body_leaf = {
    .name = "smtp message",
    .read = body_read,
    .write = body_write,
    .want = body_want,
    .end = body_end,
    .close = body_close,
    .addresses = body_addresses,
    .nodelay = body_nodelay,
};

/* ---- from the session */

wf_smtp_body *wf_smtp_body_new(weft_actor *self, wf_smtp_session *s, weft_ref owner,
                               weft_ref *stream)
{
    wf_smtp_body *b = weft_alloc_zero(sizeof *b);
    if (b == NULL)
        return NULL;
    b->hook.run = on_hook;
    b->session_actor = self;
    b->session = s;
    b->leaf = weft_leaf_new(self, &body_leaf, b, owner, stream);
    if (b->leaf != NULL)
        return b;
    body_free(b);
    return NULL;
}

void wf_smtp_body_begin(wf_smtp_body *b)
{
    if (b->leaf == NULL)
        return;
    b->begun = true;
    weft_leaf_begin(b->leaf);
    look(b);
}

weft_err wf_smtp_body_take(weft_actor *self, wf_smtp_body *b, weft_bytes bytes)
{
    if (b->leaf == NULL)
        return WEFT_OK;
    if (b->in.n >= WF_PIECES_MAX && (bytes.buffer != NULL || b->in.n == WF_PIECES_ROOM)) {
        b->stalled = true;
        return WEFT_EFULL;
    }
    weft_bytes kept = weft_bytes_keep(self, bytes);
    if (kept.size == 0)
        return WEFT_ENOMEM;
    wf_pieces_add(&b->in, kept);
    look(b);
    return WEFT_OK;
}

bool wf_smtp_body_is_behind(const wf_smtp_body *b)
{
    return b != NULL && b->leaf != NULL && b->in.n != 0;
}

void wf_smtp_body_whole(wf_smtp_body *b)
{
    b->whole = true;
    look(b);
}

void wf_smtp_body_end(wf_smtp_body **body, weft_err reason, const char *why)
{
    wf_smtp_body *b = *body;
    *body = NULL;
    if (b == NULL)
        return;
    b->session_actor = NULL;
    if (b->leaf == NULL)
        body_free(b);
    else
        weft_leaf_lost(b->leaf, reason, why);
}
