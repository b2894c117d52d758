/* SPDX-License-Identifier: MIT */
/* What the files of NNG's streams share; the only one that includes NNG.
 *
 *    reactor ── wf_nng_put ─────────── nng_stream_send, at once ──▶ ┐
 *        ┊ what does not go: a buffer ── NNG's threads ───────────▶ │ the socket
 *        ┊ what no reactor waits for: a block ◀── NNG's threads ─── │
 *            ◀── wf_nng_take ───────── nng_stream_recv, at once ─── ┘
 *
 * What can be done at once is done by whoever wants it, with an nng_aio that calls nobody back: it is cancelled behind the
 * call, after which it has come to something or has done nothing. NNG's threads wait for what cannot, and say so by an
 * eventfd. Where the socket beneath the stream can be found, its reactor waits itself for what comes.
 *
 * Rules that keep NNG 1.5.2 from hanging for ever, or using what is gone:
 * - at most one send and one receive are under way
 * - nothing is submitted once the stream is over, which is decided under the carrier's lock; what is being
 *   submitted is counted, and only with nothing left of that is it buried
 * - a burial is nng_stream_close, nng_aio_stop, nng_stream_free, in that order, by one thread of ours
 *   (nng_janitor.c), as a callback must never wait and a reactor neither
 * - callbacks only move bytes from buffer to buffer, and wake whoever waits
 * - nng_fini is never called, and nothing forks but to exec */
#ifndef WF_NNG_PARTS_H
#define WF_NNG_PARTS_H

#include <pthread.h>

#include <nng/nng.h>

#include "nng_cut.h"
#include "nng_stream.h"

enum {
    NNG_BLOCK_BYTES =
        16 << 10, /* of a receive that was waited for: more is read at once behind it */
    NNG_LEAVE_MS =
        2000, /* what was written before a close may stand still for so long on its way */
    NNG_LOOK_DESCRIPTORS_MAX =
        4096, /* each way from where the socket of a stream is looked for; beyond, NNG's threads wait for it */
};

typedef struct wf_nng_block {
    uint32_t n, at; /* n 0: it is empty */
    uint8_t data[NNG_BLOCK_BYTES];
} wf_nng_block;

/*  DIALING ──▶ OPEN ──▶ LEAVING ──▶ OVER
 *     └─────────┴── aborted ─────────▲          accepted ones begin in WAITING, and go to OPEN or OVER */
typedef enum wf_nng_phase {
    CARRIER_DIALING,
    CARRIER_WAITING, /* accepted, and nobody has it */
    CARRIER_OPEN,
    CARRIER_LEAVING, /* what was written still leaves, what comes is thrown away */
    CARRIER_OVER,    /* nothing is submitted any more */
} wf_nng_phase;

struct wf_nng {
    pthread_mutex_t lock; /* of all that is here, but where it says something else */
    wf_nng_phase phase;
    unsigned submitting;     /* threads that are within a call of NNG for it */
    bool buried;             /* it is the janitor's */
    bool closing;            /* nobody has it any more */
    bool awake;              /* the eventfd was written to, and not read since */
    bool receiving, sending; /* by NNG, or at once by whoever set it */
    bool dry;                /* there was nothing to receive at once: somebody says when there is */
    bool looks;              /* its reactor does, by @poll; else NNG */
    bool wants_room;         /* whoever writes wants to know when there is some */
    bool end_put;
    int dial_error, in_error, out_error; /* of NNG; 0: none */
    unsigned fill_out;   /* which buffer is written to; the other one is being sent */
    uint32_t sent;       /* of that */
    wf_cut_reader cut;   /* the reactor's until it leaves */
    wf_nng_block *block; /* with bytes it is the reactor's until it leaves */
    wf_cut_buffer *buffer[2];
    int wake; /* an eventfd; -1: nobody waits any more */
    int near; /* the number that it had: the socket, which is made next, has one that is near */
    int poll; /* an epoll of its own with the socket; the leaf's from when it is open. -1: none, or no longer here */
    nng_stream *stream;
    nng_stream_dialer *dialer;
    nng_aio *dial, *in, *out;
    nng_aio *in_now, *out_now; /* that call nobody back */

    uint64_t leave_by_ns;                        /* with LEAVING */
    struct wf_nng *next;                         /* to be buried, or waiting at a listener */
    struct wf_nng *leaving_next, **leaving_back; /* the janitor's */
};

/* ---- nng_carrier.c */

/* errors: NULL, errno. */
WEFT_MUST_USE wf_nng *wf_nng_new(wf_nng_phase phase);
/* One that was never submitted to NNG. */
void wf_nng_free(wf_nng *n);
/* Dials; the dialer is taken. */
void wf_nng_dial(wf_nng *n, nng_stream_dialer *dialer);
/* An accepted one is somebody's: receives from now on. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_nng_open(wf_nng *n);
/* This side ends, behind what stands in line. */
void wf_nng_end(wf_nng *n);
/* With the lock: its reactor is to look at it. */
void wf_nng_wake(wf_nng *n);
/* Lets go of the lock. Whoever sees that it is over, and that nobody is within a call for it, gives it away. */
void wf_nng_release(wf_nng *n);

/* The socket has something to read. */
void wf_nng_readable(wf_nng *n);
/* Those of the events @want that it is ready for; the eventfd says when it is for another one of them. @woken: it
 * has. */
unsigned wf_nng_ready(wf_nng *n, unsigned want, bool woken);
/* Ends it: at once, or when what was written has left and was read. The caller forgets it, and closes the eventfd,
 * which is returned: whoever watched a descriptor must be who closes it. */
int wf_nng_close(wf_nng *n, bool abort);
/* Its time to leave may be over; true: and so is it itself, which the caller then buries. thread: the janitor's. */
bool wf_nng_expire(wf_nng *n, uint64_t now_ns);
/* Closes, stops, frees. thread: the janitor's. */
void wf_nng_bury(wf_nng *n);

/* ---- nng_move.c; with the lock, but for the two that the reactor calls */

/* Begins what can be begun. */
void wf_nng_pump(wf_nng *n);
/* Something has changed: the same, and what leaves may be over. */
void wf_nng_go_on(wf_nng *n);
/* NNG sends the rest of the buffer that is being sent; or there is none, and whoever waits for room is told. */
void wf_nng_send_rest(wf_nng *n);
void wf_nng_sent(wf_nng *n);
static inline bool wf_nng_may_submit(const wf_nng *n)
{
    return n->phase == CARRIER_OPEN || n->phase == CARRIER_LEAVING;
}
/* Takes up to @max bytes that came, or come, to @to. BYTES: @got of them; NOTHING: none now, though it may be ready for
 * more; END; BROKEN; @error: of NNG, with NOTHING. */
wf_cut_kind wf_nng_take(wf_nng *n, uint8_t *to, size_t max, size_t *got, int *error);
/* Sends the bytes of the @count parts at @from; what does not go now, and fits, stands in line. Returns how many it
 * took; @error: of NNG. */
size_t wf_nng_put(wf_nng *n, const wf_cut_part *from, unsigned count, int *error);

/* errors as weft's, with a sentence. */
weft_err wf_nng_because(weft_why *why, int error, const char *what);
void wf_nng_address(const nng_sockaddr *from, weft_address *to);
/* The URL as NNG has it. errors: EINVAL, ETOOBIG. */
WEFT_MUST_USE weft_err wf_nng_url(const weft_url *url, char *to, size_t room, weft_why *why);

/* ---- nng_socket.c */

/* A descriptor that is readable while there is something to receive from @stream, which must outlive it; the caller's to
 * close. It is an epoll with the stream's socket: closing that makes any reactor forget the socket at once, though NNG still
 * has it. The socket is looked for from the number @near on. -1: it was not found, or there is no descriptor left. thread:
 * any; up to 2 * NNG_LOOK_DESCRIPTORS_MAX system calls. */
WEFT_MUST_USE int wf_nng_look_out(nng_stream *stream, int near);

/* ---- nng_janitor.c */

/* Counts one; the janitor is there from the first on. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_nng_counted(void);
/* One less; @closing: of those that were. */
void wf_nng_uncounted(bool closing);
/* Nobody has one of them any more: it will be over. @leaves: it leaves first, and is looked at meanwhile; or
 * NULL. */
void wf_nng_closing(wf_nng *leaves);
/* It is over, and nothing is submitted for it: closed and freed soon. */
void wf_nng_is_over(wf_nng *n);
/* When one that begins to leave must have left. */
uint64_t wf_nng_leave_by(void);
/* Waits until all that are closing are gone, NNG_LEAVE_MS without progress at most: an orderly end of the program
 * loses nothing. thread: any but NNG's and the janitor's. */
void wf_nng_settle(void);

/* The same for listeners, which close without leaving. */
struct wf_nng_listener {
    pthread_mutex_t lock;
    nng_stream_listener *listener;
    nng_aio *aio;
    int wake;
    wf_nng *spare;         /* for the next that comes */
    wf_nng *first, **last; /* who waits */
    unsigned waiting, waiting_max;
    unsigned submitting;
    bool accepting, over, buried;
    int error; /* of the last accept; nobody is accepted before somebody asks again */
    struct wf_nng_listener *next;
};
void wf_nng_listener_is_over(wf_nng_listener *l);
/* thread: the janitor's. */
void wf_nng_listener_bury(wf_nng_listener *l);

#endif
