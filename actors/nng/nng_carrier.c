/* SPDX-License-Identifier: MIT */
/* A stream of NNG: what is on its way there and from there, between a reactor and NNG's threads. */
#include "nng_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- under the lock */

static void wake(wf_nng *n)
{
    const uint64_t one = 1;
    if (n->awake || n->wake < 0)
        return;
    n->awake = true;
    (void)!write(n->wake, &one, sizeof one);
}

/* Lets go of the lock. Whoever sees that it is over, and that nobody is within a call for it, gives it away. */
static void release(wf_nng *n)
{
    bool gives = n->phase == CARRIER_OVER && n->submitting == 0 && !n->buried;
    n->buried |= gives;
    (void)pthread_mutex_unlock(&n->lock);
    if (gives)
        wf_nng_is_over(n);
}

static bool may_submit(const wf_nng *n)
{
    return n->phase == CARRIER_OPEN || n->phase == CARRIER_LEAVING;
}

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

static void send_rest(wf_nng *n)
{
    wf_cut_buffer *b = n->buffer[n->fill_out ^ 1];
    submit(n, nng_stream_send, n->out, b->data + n->sent, b->n - n->sent);
}

static void buffer_done(wf_nng *n)
{
    wf_cut_buffer *b = n->buffer[n->fill_out ^ 1];
    n->sending = false;
    b->n = b->grows = 0;
}

/* Sends what stands in line: at once, and what does not go by NNG. */
static void send_line(wf_nng *n)
{
    n->sending = true;
    n->fill_out ^= 1;
    wf_cut_buffer *b = n->buffer[n->fill_out ^ 1];
    wf_cut_part all = {b->data, b->n};
    n->sent = (uint32_t)at_once(n, nng_stream_send, n->out_now, &all, 1, &n->out_error);
    if (n->sent < b->n && n->out_error == 0 && may_submit(n))
        send_rest(n);
    else
        buffer_done(n);
}

/* Begins what can be begun. */
static void pump(wf_nng *n)
{
    while (may_submit(n)) {
        if (!n->receiving && n->in_error == 0 && n->block->n == 0 &&
            (n->dry || n->phase == CARRIER_LEAVING)) {
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
    n->receiving = true;
    size_t raw = at_once(n, nng_stream_recv, n->in_now, parts, count, &n->in_error);
    n->receiving = false;
    n->dry = raw == 0;
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

/* ---- what NNG's threads call */

static void on_dialed(void *context)
{
    wf_nng *n = context;
    (void)pthread_mutex_lock(&n->lock);
    n->dial_error = nng_aio_result(n->dial);
    if (n->dial_error == 0)
        n->stream = nng_aio_get_output(n->dial, 0);
    wake(n);
    if (n->dial_error == 0 && n->phase == CARRIER_DIALING)
        n->phase = CARRIER_OPEN;
    pump(n);
    release(n);
}

static void on_received(void *context)
{
    wf_nng *n = context;
    (void)pthread_mutex_lock(&n->lock);
    n->in_error = nng_aio_result(n->in);
    if (n->in_error == 0)
        n->block->n = (uint32_t)nng_aio_count(n->in);
    n->receiving = false;
    n->dry = n->in_error == 0 && n->block->n < NNG_BLOCK_BYTES;
    wake(n);
    look_and_leave(n);
    pump(n);
    release(n);
}

static void on_sent(void *context)
{
    wf_nng *n = context;
    (void)pthread_mutex_lock(&n->lock);
    n->out_error = nng_aio_result(n->out);
    n->sent += (uint32_t)nng_aio_count(n->out);
    n->leave_by_ns = wf_nng_leave_by();
    if (n->out_error == 0 && n->sent < n->buffer[n->fill_out ^ 1]->n && may_submit(n)) {
        send_rest(n);
        release(n);
        return;
    }
    buffer_done(n);
    if (n->wants_room || n->out_error != 0)
        wake(n);
    n->wants_room = false;
    pump(n);
    look_and_leave(n);
    release(n);
}

/* ---- made */

static weft_err make_room(wf_nng *n)
{
    n->block = weft_alloc(sizeof *n->block);
    if (n->block == NULL)
        return WEFT_ENOMEM;
    n->block->n = n->block->at = 0;
    n->dry = true;
    for (int i = 0; i < 2; i++) {
        n->buffer[i] = weft_alloc(sizeof *n->buffer[i]);
        if (n->buffer[i] == NULL)
            return WEFT_ENOMEM;
        n->buffer[i]->n = n->buffer[i]->grows = 0;
    }
    return WEFT_OK;
}

wf_nng *wf_nng_new(wf_nng_phase phase)
{
    wf_nng *n = weft_alloc_zero(sizeof *n);
    errno = ENOMEM;
    if (n == NULL)
        return NULL;
    if (wf_nng_counted() != WEFT_OK) {
        weft_alloc_free(n);
        return NULL;
    }
    n->phase = phase;
    (void)pthread_mutex_init(&n->lock, NULL);
    n->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int failed = n->wake < 0 ? errno : ENOMEM;
    if (n->wake < 0 || nng_aio_alloc(&n->in, on_received, n) != 0 ||
        nng_aio_alloc(&n->out, on_sent, n) != 0 || nng_aio_alloc(&n->in_now, NULL, NULL) != 0 ||
        nng_aio_alloc(&n->out_now, NULL, NULL) != 0 ||
        (phase == CARRIER_DIALING &&
         (nng_aio_alloc(&n->dial, on_dialed, n) != 0 || make_room(n) != WEFT_OK))) {
        wf_nng_free(n);
        errno = failed;
        return NULL;
    }
    return n;
}

static void free_aio(nng_aio *aio)
{
    if (aio != NULL)
        nng_aio_free(aio);
}

void wf_nng_free(wf_nng *n)
{
    free_aio(n->dial);
    free_aio(n->in);
    free_aio(n->out);
    free_aio(n->in_now);
    free_aio(n->out_now);
    if (n->wake >= 0)
        (void)close(n->wake);
    weft_alloc_free(n->block);
    for (int i = 0; i < 2; i++)
        weft_alloc_free(n->buffer[i]);
    bool closing = n->closing;
    (void)pthread_mutex_destroy(&n->lock);
    weft_alloc_free(n);
    wf_nng_uncounted(closing);
}

void wf_nng_dial(wf_nng *n, nng_stream_dialer *dialer)
{
    (void)pthread_mutex_lock(&n->lock);
    n->dialer = dialer;
    n->submitting++;
    (void)pthread_mutex_unlock(&n->lock);
    nng_stream_dialer_dial(dialer, n->dial);
    (void)pthread_mutex_lock(&n->lock);
    n->submitting--;
    release(n);
}

weft_err wf_nng_open(wf_nng *n)
{
    weft_err err = make_room(n);
    (void)pthread_mutex_lock(&n->lock);
    if (err == WEFT_OK) {
        n->phase = CARRIER_OPEN;
        pump(n);
    }
    release(n);
    return err;
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
    if (*got == 0 && kind == WF_CUT_NOTHING && !n->cut.ended && !n->dry && n->in_error == 0)
        *got = receive_now(n, to, max);
    if (n->cut.ended || n->cut.broken)
        kind = n->cut.broken ? WF_CUT_BROKEN : WF_CUT_END;
    *error = n->in_error;
    pump(n);
    release(n);
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
        send_rest(n);
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
        bool now = !n->sending && n->buffer[n->fill_out]->n == 0 && may_submit(n) &&
                   count < WF_CUT_GATHER_PARTS_MAX;
        k = now ? put_now(n, from, count, put) : put_in_line(n, from, count, put);
        put += k;
    }
    *error = n->out_error;
    pump(n);
    release(n);
    return put;
}

void wf_nng_end(wf_nng *n)
{
    (void)pthread_mutex_lock(&n->lock);
    if (!n->end_put)
        wf_cut_mark(n->buffer[n->fill_out], WF_CUT_END);
    n->end_put = true;
    pump(n);
    release(n);
}

unsigned wf_nng_ready(wf_nng *n, unsigned want, bool woken)
{
    unsigned events = 0;
    (void)pthread_mutex_lock(&n->lock);
    if (woken)
        n->awake = false;
    if (n->phase == CARRIER_OPEN) {
        if (!n->dry || n->block->n != 0 || n->in_error != 0 || n->cut.ended || n->cut.broken)
            events |= WEFT_READABLE;
        if (n->out_error != 0 || wf_cut_has_room(n->buffer[n->fill_out]))
            events |= WEFT_WRITABLE;
    }
    n->wants_room = (want & ~events & WEFT_WRITABLE) != 0;
    release(n);
    return events & want;
}

int wf_nng_close(wf_nng *n, bool abort)
{
    (void)pthread_mutex_lock(&n->lock);
    int wake_fd = n->wake;
    n->wake = -1;
    n->closing = true;
    bool leaves = !abort && n->phase == CARRIER_OPEN && n->out_error == 0 && n->in_error == 0;
    n->leave_by_ns = wf_nng_leave_by();
    (void)pthread_mutex_unlock(&n->lock);
    wf_nng_closing(leaves ? n : NULL); /* before it can be over, which takes it off that list */
    (void)pthread_mutex_lock(&n->lock);
    n->phase = leaves ? CARRIER_LEAVING : CARRIER_OVER;
    if (leaves && !n->end_put) {
        n->end_put = true;
        wf_cut_mark(n->buffer[n->fill_out], WF_CUT_END);
    }
    look_and_leave(n);
    pump(n);
    release(n);
    return wake_fd;
}

/* ---- the janitor's */

bool wf_nng_expire(wf_nng *n, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&n->lock);
    bool over = n->phase == CARRIER_LEAVING && now_ns >= n->leave_by_ns;
    if (over)
        n->phase = CARRIER_OVER;
    over = over && n->submitting == 0;
    n->buried |= over;
    (void)pthread_mutex_unlock(&n->lock);
    return over;
}

void wf_nng_bury(wf_nng *n)
{
    if (n->dialer != NULL) {
        nng_stream_dialer_close(n->dialer);
        nng_aio_stop(n->dial); /* after which there is a stream, or never will be */
    }
    if (n->stream != NULL)
        nng_stream_close(n->stream);
    nng_aio_stop(n->in);
    nng_aio_stop(n->out);
    nng_aio_stop(n->in_now);
    nng_aio_stop(n->out_now);
    if (n->stream != NULL)
        nng_stream_free(n->stream);
    if (n->dialer != NULL)
        nng_stream_dialer_free(n->dialer);
    wf_nng_free(n);
}
