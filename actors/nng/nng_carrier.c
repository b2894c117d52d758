/* SPDX-License-Identifier: MIT */
/* A stream of NNG: what is on its way there and from there, between a reactor and NNG's threads. */
#include "nng_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- under the lock */

void wf_nng_wake(wf_nng *n)
{
    const uint64_t one = 1;
    if (n->awake || n->wake < 0)
        return;
    n->awake = true;
    (void)!write(n->wake, &one, sizeof one);
}

/* Lets go of the lock. Whoever sees that it is over, and that nobody is within a call for it, gives it away. */
void wf_nng_release(wf_nng *n)
{
    bool gives = n->phase == CARRIER_OVER && n->submitting == 0 && !n->buried;
    n->buried |= gives;
    (void)pthread_mutex_unlock(&n->lock);
    if (gives)
        wf_nng_is_over(n);
}

/* ---- what NNG's threads call */

static void on_dialed(void *context)
{
    wf_nng *n = context;
    int error = nng_aio_result(n->dial);
    nng_stream *stream = error == 0 ? nng_aio_get_output(n->dial, 0) : NULL;
    int poll = error == 0 ? wf_nng_look_out(stream, n->near) : -1;
    (void)pthread_mutex_lock(&n->lock);
    n->dial_error = error;
    n->stream = stream;
    n->poll = poll;
    wf_nng_wake(n);
    if (error == 0 && n->phase == CARRIER_DIALING) {
        n->phase = CARRIER_OPEN;
        n->looks = poll >= 0;
    }
    wf_nng_pump(n);
    wf_nng_release(n);
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
    wf_nng_wake(n);
    wf_nng_go_on(n);
    wf_nng_release(n);
}

static void on_sent(void *context)
{
    wf_nng *n = context;
    (void)pthread_mutex_lock(&n->lock);
    n->out_error = nng_aio_result(n->out);
    n->sent += (uint32_t)nng_aio_count(n->out);
    n->leave_by_ns = wf_nng_leave_by();
    if (n->out_error == 0 && n->sent < n->buffer[n->fill_out ^ 1]->n && wf_nng_may_submit(n)) {
        wf_nng_send_rest(n);
        wf_nng_release(n);
        return;
    }
    wf_nng_sent(n);
    wf_nng_go_on(n);
    wf_nng_release(n);
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
    n->poll = -1;
    (void)pthread_mutex_init(&n->lock, NULL);
    n->near = n->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
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
    if (n->poll >= 0)
        (void)close(n->poll);
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
    wf_nng_release(n);
}

weft_err wf_nng_open(wf_nng *n)
{
    weft_err err = make_room(n);
    (void)pthread_mutex_lock(&n->lock);
    if (err == WEFT_OK) {
        n->phase = CARRIER_OPEN;
        n->looks = n->poll >= 0;
        wf_nng_pump(n);
    }
    wf_nng_release(n);
    return err;
}

/* ---- what its reactor does */

void wf_nng_end(wf_nng *n)
{
    (void)pthread_mutex_lock(&n->lock);
    if (!n->end_put)
        wf_cut_mark(n->buffer[n->fill_out], WF_CUT_END);
    n->end_put = true;
    wf_nng_pump(n);
    wf_nng_release(n);
}

void wf_nng_readable(wf_nng *n)
{
    (void)pthread_mutex_lock(&n->lock);
    n->dry = false;
    (void)pthread_mutex_unlock(&n->lock);
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
    wf_nng_release(n);
    return events & want;
}

int wf_nng_close(wf_nng *n, bool abort)
{
    (void)pthread_mutex_lock(&n->lock);
    int wake_fd = n->wake;
    n->wake = -1;
    n->closing = true;
    n->looks = false;
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
    wf_nng_go_on(n);
    wf_nng_release(n);
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
