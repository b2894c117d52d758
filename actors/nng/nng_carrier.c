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

static void send_on(wf_nng *n)
{
    wf_cut_buffer *b = n->buffer[n->fill_out ^ 1];
    submit(n, nng_stream_send, n->out, b->data + n->sent, b->n - n->sent);
}

/* Begins what can be begun. */
static void pump(wf_nng *n)
{
    while (may_submit(n)) {
        wf_nng_block *block = n->block[n->fill_in];
        if (!n->receiving && n->in_error == 0 && block->n == 0) {
            n->receiving = true;
            submit(n, nng_stream_recv, n->in, block->data, sizeof block->data);
        } else if (!n->sending && n->out_error == 0 && n->buffer[n->fill_out]->n != 0) {
            n->sending = true;
            n->sent = 0;
            n->fill_out ^= 1;
            send_on(n);
        } else
            break;
    }
}

/* The next of what came; a block that was looked at to its end is received into again. */
static wf_cut_kind cut(wf_nng *n, size_t max, const uint8_t **piece, size_t *piece_n)
{
    for (;;) {
        wf_nng_block *b = n->block[n->take_in];
        const uint8_t *at = b->data + b->at;
        size_t left = b->n - b->at;
        if (b->n == 0)
            return WF_CUT_NOTHING;
        wf_cut_kind kind = wf_cut_read(&n->cut, &at, &left, max, piece, piece_n);
        b->at = b->n - (uint32_t)left;
        if (kind == WF_CUT_SEEN)
            n->seen = true;
        if (kind == WF_CUT_END)
            wf_cut_mark(n->buffer[n->fill_out], WF_CUT_SEEN);
        if (kind != WF_CUT_NOTHING && kind != WF_CUT_SEEN)
            return kind;
        if (left == 0) {
            b->n = b->at = 0;
            n->take_in ^= 1;
        }
    }
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
    if (kind == WF_CUT_BROKEN || n->out_error != 0 || n->in_error != 0 ||
        (n->seen && !n->sending && n->buffer[n->fill_out]->n == 0))
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
    if (n->in_error == 0) {
        n->block[n->fill_in]->n = (uint32_t)nng_aio_count(n->in);
        n->fill_in ^= 1;
    }
    n->receiving = false;
    wake(n);
    look_and_leave(n);
    pump(n);
    release(n);
}

static void on_sent(void *context)
{
    wf_nng *n = context;
    (void)pthread_mutex_lock(&n->lock);
    wf_cut_buffer *b = n->buffer[n->fill_out ^ 1];
    n->out_error = nng_aio_result(n->out);
    n->sent += (uint32_t)nng_aio_count(n->out);
    n->leave_by_ns = wf_nng_leave_by();
    if (n->out_error == 0 && n->sent < b->n && may_submit(n)) {
        send_on(n);
        release(n);
        return;
    }
    n->sending = false;
    b->n = b->grows = 0;
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
    for (int i = 0; i < 2; i++) {
        n->block[i] = weft_alloc(sizeof *n->block[i]);
        n->buffer[i] = weft_alloc(sizeof *n->buffer[i]);
        if (n->block[i] == NULL || n->buffer[i] == NULL)
            return WEFT_ENOMEM;
        n->block[i]->n = n->block[i]->at = 0;
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
        nng_aio_alloc(&n->out, on_sent, n) != 0 ||
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
    if (n->wake >= 0)
        (void)close(n->wake);
    for (int i = 0; i < 2; i++) {
        weft_alloc_free(n->block[i]);
        weft_alloc_free(n->buffer[i]);
    }
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
    if (n->cut.ended)
        kind = WF_CUT_END;
    while (!n->cut.ended && *got < max) {
        kind = cut(n, max - *got, &piece, &piece_n);
        if (kind != WF_CUT_BYTES)
            break;
        memcpy(to + *got, piece, piece_n);
        *got += piece_n;
    }
    *error = n->in_error;
    pump(n);
    release(n);
    return *got != 0 ? WF_CUT_BYTES : kind;
}

size_t wf_nng_put(wf_nng *n, const uint8_t *from, size_t size, int *error)
{
    (void)pthread_mutex_lock(&n->lock);
    *error = n->out_error;
    size_t put = wf_cut_put(n->buffer[n->fill_out], from, size);
    release(n);
    return put;
}

void wf_nng_flush(wf_nng *n, bool end)
{
    (void)pthread_mutex_lock(&n->lock);
    if (end && !n->end_put)
        wf_cut_mark(n->buffer[n->fill_out], WF_CUT_END);
    n->end_put |= end;
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
        if (n->block[n->take_in]->n != 0 || n->in_error != 0 || n->cut.ended)
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
    if (n->stream != NULL)
        nng_stream_free(n->stream);
    if (n->dialer != NULL)
        nng_stream_dialer_free(n->dialer);
    wf_nng_free(n);
}
