/* SPDX-License-Identifier: MIT */
/* Sends that leave together: a ring for each reactor, which is empty between two calls.
 *
 *   not tried ──▶ there ── it fails ──▶ none: one by one from then on
 *      └── the kernel has none, or may not ──▲
 *
 * None of them waits (MSG_DONTWAIT), so that all have come to something when the call is back. */
#include "sends.h"

#include <errno.h>
#include <liburing.h>

#include <weft/edge.h>

typedef struct ring {
    struct io_uring uring;
    bool there;
} ring;

static void end(ring *r)
{
    if (r->there)
        io_uring_queue_exit(&r->uring);
    r->there = false;
}

static void ring_free(void *kept)
{
    end(kept);
    weft_alloc_free(kept);
}

/* errors: NULL: not now, or never. */
static ring *ring_of_reactor(void)
{
    void **kept = weft_kept(WEFT_KEPT_SENDS);
    ring *r = *kept;
    if (r == NULL && (r = weft_alloc_zero(sizeof *r)) != NULL) {
        r->there = io_uring_queue_init(WF_SENDS_MAX, &r->uring, 0) == 0;
        *kept = r;
        weft_kept_set_free(WEFT_KEPT_SENDS, ring_free);
    }
    return r != NULL && r->there ? r : NULL;
}

static void make_one(wf_send *s)
{
    ssize_t n = sendmsg(s->fd, &s->is, s->flags);
    s->sent = n < 0 ? -errno : n;
}

static void prepare(struct io_uring_sqe *entry, wf_send *s)
{
    const struct iovec *v = s->is.msg_iov;
    if (s->is.msg_iovlen == 1)
        io_uring_prep_send(entry, s->fd, v->iov_base, v->iov_len, s->flags);
    else
        io_uring_prep_sendmsg(entry, s->fd, &s->is, (unsigned)s->flags);
    io_uring_sqe_set_data(entry, s);
}

/* Takes what has come of those that the kernel has seen; their number. */
static unsigned take(ring *r)
{
    struct io_uring_cqe *done;
    unsigned head, n = 0;
    io_uring_for_each_cqe(&r->uring, head, done)
    {
        wf_send *s = io_uring_cqe_get_data(done);
        s->sent = done->res;
        n++;
    }
    io_uring_cq_advance(&r->uring, n);
    return n;
}

void wf_sends_make(wf_send *sends, unsigned n)
{
    enum { NOT_MADE = 1 - (1 << 30) };
    ring *r = n >= WF_SENDS_MIN ? ring_of_reactor() : NULL;
    for (unsigned i = 0; i < n; i++) {
        sends[i].flags |= MSG_NOSIGNAL | MSG_DONTWAIT;
        sends[i].sent = NOT_MADE;
        if (r != NULL)
            prepare(io_uring_get_sqe(&r->uring), &sends[i]);
    }
    for (unsigned made = 0; r != NULL && made < n; made += take(r)) {
        int submitted = io_uring_submit_and_wait(&r->uring, n - made);
        if (submitted < 0 && submitted != -EINTR) {
            (void)take(r);
            end(r);
            r = NULL;
        }
    }
    for (unsigned i = 0; i < n; i++)
        if (sends[i].sent == NOT_MADE)
            make_one(&sends[i]);
}
