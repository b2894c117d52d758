/* SPDX-License-Identifier: MIT */
/* The bytes of a stream of NNG: what goes or comes at once, what stands in line for NNG, and what it has received.
 * All with the lock, which is let go of within calls of NNG. */
#include "nng_parts.h"

#include <string.h>

/* NNG is called without the lock: it sends and receives within the call when it can. */
static void submit(wf_nng *n, void (*go)(nng_stream *stream, nng_aio *aio), nng_aio *aio, void *at,
                   size_t bytes)
{
    nng_iov iov = {.iov_buf = at, .iov_len = bytes};
    n->submitting++;
    (void)pthread_mutex_unlock(&n->lock);
    (void)nng_aio_set_iov(aio, 1, &iov); /* one always fits */
    go(n->stream, aio);
    (void)pthread_mutex_lock(&n->lock);
    n->submitting--;
}

/* The same, but only what goes at once: @aio calls nobody back, and is over when this returns. Returns how many bytes it
 * was, and *@error, of NNG. */
static size_t at_once(wf_nng *n, void (*go)(nng_stream *stream, nng_aio *aio), nng_aio *aio,
                      const wf_cut_part *parts, unsigned count, int *error)
{
    nng_iov iov[WF_CUT_GATHER_PARTS_MAX];
    for (unsigned i = 0; i < count; i++)
        iov[i] = (nng_iov){.iov_buf = parts[i].at, .iov_len = parts[i].n};
    n->submitting++;
    (void)pthread_mutex_unlock(&n->lock);
    (void)nng_aio_set_iov(aio, count, iov);
    go(n->stream, aio);
    nng_aio_cancel(aio);
    nng_aio_wait(aio); /* for another thread that is just doing it, at most */
    int result = nng_aio_result(aio);
    size_t bytes = result == 0 ? nng_aio_count(aio) : 0;
    (void)pthread_mutex_lock(&n->lock);
    n->submitting--;
    *error = result == NNG_ECANCELED ? 0 : result;
    return bytes;
}

/* ---- out */

void wf_nng_send_rest(wf_nng *n)
{
    wf_cut_buffer *b = n->buffer[n->fill_out ^ 1];
    submit(n, nng_stream_send, n->out, b->data + n->sent, b->n - n->sent);
}

void wf_nng_sent(wf_nng *n)
{
    wf_cut_buffer *b = n->buffer[n->fill_out ^ 1];
    n->sending = false;
    b->n = b->grows = 0;
    if (n->wants_room || n->out_error != 0)
        wf_nng_wake(n);
    n->wants_room = false;
}

/* Sends what stands in line: at once, and what does not go by NNG. */
static void send_line(wf_nng *n)
{
    n->sending = true;
    n->fill_out ^= 1;
    wf_cut_buffer *b = n->buffer[n->fill_out ^ 1];
    wf_cut_part all = {b->data, b->n};
    n->sent = (uint32_t)at_once(n, nng_stream_send, n->out_now, &all, 1, &n->out_error);
    if (n->sent < b->n && n->out_error == 0 && wf_nng_may_submit(n))
        wf_nng_send_rest(n);
    else
        wf_nng_sent(n);
}

/* Begins what can be begun. */
void wf_nng_pump(wf_nng *n)
{
    while (wf_nng_may_submit(n)) {
        if (!n->receiving && n->in_error == 0 && n->block->n == 0 &&
            ((n->dry && !n->looks) || n->phase == CARRIER_LEAVING)) {
            n->receiving = true;
            submit(n, nng_stream_recv, n->in, n->block->data, sizeof n->block->data);
        } else if (!n->sending && n->out_error == 0 && n->buffer[n->fill_out]->n != 0)
            send_line(n);
        else
            break;
    }
}

/* ---- in */

/* The other side has ended: it is told that this was read. */
static void ended(wf_nng *n)
{
    wf_cut_mark(n->buffer[n->fill_out], WF_CUT_SEEN);
}

/* The next of what NNG received. */
static wf_cut_kind cut(wf_nng *n, size_t max, const uint8_t **piece, size_t *piece_n)
{
    wf_nng_block *b = n->block;
    for (;;) {
        const uint8_t *at = b->data + b->at;
        size_t left = b->n - b->at;
        if (b->n == 0)
            return WF_CUT_NOTHING;
        wf_cut_kind kind = wf_cut_read(&n->cut, &at, &left, max, piece, piece_n);
        b->at = b->n - (uint32_t)left;
        if (kind == WF_CUT_END)
            ended(n);
        if (kind != WF_CUT_NOTHING && kind != WF_CUT_SEEN)
            return kind;
        if (left == 0)
            b->n = b->at = 0;
    }
}

/* Receives at once. What it reads goes where it is to stand. */
static size_t receive_now(wf_nng *n, uint8_t *to, size_t max)
{
    wf_cut_part parts[WF_CUT_PARTS_MAX];
    unsigned count = wf_cut_where(&n->cut, to, max, parts);
    size_t room = 0;
    for (unsigned i = 0; i < count; i++)
        room += parts[i].n;
    n->receiving = true;
    size_t raw = at_once(n, nng_stream_recv, n->in_now, parts, count, &n->in_error);
    n->receiving = false;
    /* NNG is never asked in vain while a reactor looks itself: it would wait too */
    n->dry = n->looks ? raw < room : raw == 0;
    size_t got = wf_cut_came(&n->cut, to, max, raw);
    if (n->cut.ended)
        ended(n);
    return got;
}

/* While it leaves: nobody wants what comes, but the marks in it. */
static void look_and_leave(wf_nng *n)
{
    const uint8_t *piece;
    size_t piece_n;
    wf_cut_kind kind;
    if (n->phase != CARRIER_LEAVING)
        return;
    while ((kind = cut(n, NNG_BLOCK_BYTES, &piece, &piece_n)) == WF_CUT_BYTES || kind == WF_CUT_END)
        continue;
    if (n->cut.broken || n->out_error != 0 || n->in_error != 0 ||
        (n->cut.seen && !n->sending && n->buffer[n->fill_out]->n == 0))
        n->phase = CARRIER_OVER;
}

/* Something has changed. What is sent at once calls nobody back, so that it is looked at again behind it. */
void wf_nng_go_on(wf_nng *n)
{
    look_and_leave(n);
    wf_nng_pump(n);
    look_and_leave(n);
}

/* ---- what its reactor does */

wf_cut_kind wf_nng_take(wf_nng *n, uint8_t *to, size_t max, size_t *got, int *error)
{
    wf_cut_kind kind = WF_CUT_NOTHING;
    const uint8_t *piece;
    size_t piece_n;
    *got = 0;
    (void)pthread_mutex_lock(&n->lock);
    while (!n->cut.ended && *got < max &&
           (kind = cut(n, max - *got, &piece, &piece_n)) == WF_CUT_BYTES) {
        memcpy(to + *got, piece, piece_n);
        *got += piece_n;
    }
    if (*got == 0 && !n->cut.ended && !n->cut.broken && !n->dry && n->in_error == 0)
        *got = receive_now(n, to, max);
    if (n->cut.ended || n->cut.broken)
        kind = n->cut.broken ? WF_CUT_BROKEN : WF_CUT_END;
    *error = n->in_error;
    wf_nng_pump(n);
    wf_nng_release(n);
    return *got != 0 ? WF_CUT_BYTES : kind;
}

/* What is sent from where it stands: with nothing before it, and few parts. */
static size_t put_now(wf_nng *n, const wf_cut_part *from, unsigned count, size_t skip)
{
    wf_cut_gather g;
    wf_cut_gather_from(&g, from, count, skip);
    if (g.n == 0)
        return 0;
    n->sending = true;
    size_t went = at_once(n, nng_stream_send, n->out_now, g.part, g.n, &n->out_error);
    n->sending = false;
    if (went < g.raw && n->out_error == 0) {
        wf_cut_keep(n->buffer[n->fill_out], g.part, g.n, went);
        n->sending = true;
        n->sent = 0;
        n->fill_out ^= 1;
        wf_nng_send_rest(n);
    }
    return g.bytes;
}

static size_t put_in_line(wf_nng *n, const wf_cut_part *from, unsigned count, size_t skip)
{
    size_t put = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t past = skip < from[i].n ? skip : from[i].n;
        size_t k = wf_cut_put(n->buffer[n->fill_out], from[i].at + past, from[i].n - past);
        skip -= past;
        put += k;
        if (k < from[i].n - past)
            break;
    }
    return put;
}

size_t wf_nng_put(wf_nng *n, const wf_cut_part *from, unsigned count, int *error)
{
    size_t put = 0, k = 1;
    (void)pthread_mutex_lock(&n->lock);
    while (k != 0 && n->out_error == 0) {
        bool now = !n->sending && n->buffer[n->fill_out]->n == 0 && wf_nng_may_submit(n) &&
                   count < WF_CUT_GATHER_PARTS_MAX;
        k = now ? put_now(n, from, count, put) : put_in_line(n, from, count, put);
        put += k;
    }
    *error = n->out_error;
    wf_nng_pump(n);
    wf_nng_release(n);
    return put;
}
