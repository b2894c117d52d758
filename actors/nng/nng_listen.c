/* SPDX-License-Identifier: MIT */
/* Accepting streams of NNG: its threads put those who come in line, a listener of ours takes them from there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "address.h"
#include "nng_parts.h"

/* ---- what NNG says, as weft says it */

weft_err wf_nng_because(weft_why *why, int error, const char *what)
{
    weft_err err;
    switch (error) {
    case NNG_ENOMEM:
        err = WEFT_ENOMEM;
        break;
    case NNG_EINVAL:
    case NNG_EADDRINVAL:
        err = WEFT_EINVAL;
        break;
    case NNG_ECONNREFUSED:
    case NNG_ENOENT: /* no such socket */
        err = WEFT_EREFUSED;
        break;
    case NNG_EADDRINUSE:
        err = WEFT_EEXISTS;
        break;
    case NNG_EUNREACHABLE:
        err = WEFT_EUNREACHABLE;
        break;
    case NNG_ETIMEDOUT:
        err = WEFT_ETIMEDOUT;
        break;
    case NNG_EPERM:
        err = WEFT_EDENIED;
        break;
    case NNG_ENOFILES:
        err = WEFT_ELIMIT;
        break;
    case NNG_ENOTSUP:
        err = WEFT_EUNSUPPORTED;
        break;
    default:
        err = WEFT_ELOST;
        break;
    }
    return weft_because(why, err, "%.100s%s%s", what, what[0] != '\0' ? ": " : "",
                        nng_strerror(error));
}

void wf_nng_address(const nng_sockaddr *from, weft_address *to)
{
    *to = (weft_address){.family = WEFT_FAMILY_NONE};
    if (from->s_family == NNG_AF_INET) {
        to->family = WEFT_FAMILY_V4;
        to->port = (uint16_t)(from->s_in.sa_port >> 8 | from->s_in.sa_port << 8);
        memcpy(to->ip, &from->s_in.sa_addr, 4);
    } else if (from->s_family == NNG_AF_INET6) {
        to->family = WEFT_FAMILY_V6;
        to->port = (uint16_t)(from->s_in6.sa_port >> 8 | from->s_in6.sa_port << 8);
        to->scope = from->s_in6.sa_scope;
        memcpy(to->ip, from->s_in6.sa_addr, 16);
    } else if (from->s_family == NNG_AF_IPC) {
        to->family = WEFT_FAMILY_UNIX;
        (void)snprintf(to->path, sizeof to->path, "%.107s", from->s_ipc.sa_path);
    }
}

weft_err wf_nng_url(const weft_url *url, char *to, size_t room, weft_why *why)
{
    int n;
    const char *host = url->host.kind == WEFT_HOST_ANY ? "*" : url->host.name;
    if (url->scheme == WEFT_SCHEME_NNG_IPC)
        n = snprintf(to, room, "ipc://%s", url->path);
    else if (url->host.kind == WEFT_HOST_V6)
        n = snprintf(to, room, "tcp://[%s]:%u", host, url->host.port);
    else
        n = snprintf(to, room, "tcp://%s:%u", host, url->host.port);
    return n > 0 && (size_t)n < room ? WEFT_OK
                                     : weft_because(why, WEFT_ETOOBIG, "this URL is too long");
}

/* ---- who comes */

static void wake(wf_nng_listener *l)
{
    const uint64_t one = 1;
    (void)!write(l->wake, &one, sizeof one);
}

static void release(wf_nng_listener *l)
{
    bool gives = l->over && l->submitting == 0 && !l->buried;
    l->buried |= gives;
    (void)pthread_mutex_unlock(&l->lock);
    if (gives)
        wf_nng_listener_is_over(l);
}

/* With the lock: begins to accept, if there is room for one more. */
static void accept_next(wf_nng_listener *l)
{
    if (l->accepting || l->over || l->error != 0 || l->waiting >= l->waiting_max)
        return;
    if (l->spare == NULL)
        l->spare = wf_nng_new(CARRIER_WAITING);
    if (l->spare == NULL) {
        l->error = errno == EMFILE || errno == ENFILE ? NNG_ENOFILES : NNG_ENOMEM;
        wake(l);
        return;
    }
    l->accepting = true;
    l->submitting++;
    (void)pthread_mutex_unlock(&l->lock);
    nng_stream_listener_accept(l->listener, l->aio);
    (void)pthread_mutex_lock(&l->lock);
    l->submitting--;
}

static void on_accepted(void *context)
{
    wf_nng_listener *l = context;
    int error = nng_aio_result(l->aio);
    if (error == 0) {
        l->spare->stream = nng_aio_get_output(l->aio, 0);
        l->spare->poll = wf_nng_look_out(l->spare->stream, l->spare->near);
    }
    (void)pthread_mutex_lock(&l->lock);
    l->accepting = false;
    if (error == 0) {
        wf_nng *n = l->spare;
        l->spare = NULL;
        *l->last = n;
        l->last = &n->next;
        l->waiting++;
    } else if (error == NNG_ENOMEM || error == NNG_ENOFILES || error == NNG_ECLOSED ||
               error == NNG_ECANCELED)
        l->error = error; /* what the peer did wrong is its own affair */
    wake(l);
    accept_next(l);
    release(l);
}

/* ---- what its reactor does */

/* Who is first in line. */
static wf_nng *take_first(wf_nng_listener *l)
{
    wf_nng *n = l->first;
    if (n == NULL)
        return NULL;
    l->first = n->next;
    n->next = NULL;
    l->waiting--;
    if (l->first == NULL)
        l->last = &l->first;
    return n;
}

wf_nng *wf_nng_accept(wf_nng_listener *l, weft_address *peer)
{
    uint64_t count;
    nng_sockaddr at;
    (void)pthread_mutex_lock(&l->lock);
    wf_nng *n = take_first(l);
    int error = n == NULL ? l->error : 0;
    bool lacks = error == NNG_ENOMEM || error == NNG_ENOFILES;
    (void)!read(l->wake, &count, sizeof count);
    if (lacks)
        l->error = 0; /* the caller pauses, then calls again, and the next that comes is accepted */
    else
        accept_next(l);
    if (l->first != NULL || lacks || l->error != 0)
        wake(l);
    release(l);
    if (n != NULL && nng_stream_get_addr(n->stream, NNG_OPT_REMADDR, &at) == 0)
        wf_nng_address(&at, peer);
    errno = error == NNG_ENOFILES ? EMFILE : error == NNG_ENOMEM ? ENOMEM : EAGAIN;
    return n;
}

void wf_nng_unlisten(wf_nng_listener *l)
{
    wf_nng *n;
    wf_nng_closing(NULL);
    (void)pthread_mutex_lock(&l->lock);
    l->over = true;
    while ((n = take_first(l)) != NULL)
        wf_nng_refuse(n);
    release(l);
}

/* ---- opened, and closed */

void wf_nng_listener_bury(wf_nng_listener *l)
{
    nng_stream_listener_close(l->listener);
    nng_aio_stop(l->aio);
    wf_nng *n = take_first(l); /* one that came meanwhile */
    if (n != NULL)
        wf_nng_refuse(n);
    if (l->spare != NULL)
        wf_nng_free(l->spare);
    nng_stream_listener_free(l->listener);
    nng_aio_free(l->aio);
    (void)close(l->wake);
    (void)pthread_mutex_destroy(&l->lock);
    weft_alloc_free(l);
    wf_nng_uncounted(true);
}

/* Half made. */
static void listener_free(wf_nng_listener *l)
{
    if (l->listener != NULL)
        nng_stream_listener_free(l->listener);
    if (l->aio != NULL)
        nng_aio_free(l->aio);
    if (l->wake >= 0)
        (void)close(l->wake);
    (void)pthread_mutex_destroy(&l->lock);
    weft_alloc_free(l);
    wf_nng_uncounted(false);
}

static weft_err open_listener(wf_nng_listener *l, const weft_url *url, weft_address *local,
                              weft_why *why)
{
    char text[WEFT_URL_BYTES_MAX];
    nng_sockaddr at;
    weft_err err = wf_nng_url(url, text, sizeof text, why);
    if (err != WEFT_OK)
        return err;
    int error = nng_aio_alloc(&l->aio, on_accepted, l);
    if (error == 0)
        error = nng_stream_listener_alloc(&l->listener, text);
    if (error == 0 && weft_url_given(url, WEFT_URL_MODE))
        error = nng_stream_listener_set_int(l->listener, NNG_OPT_IPC_PERMISSIONS,
                                            (int)url->options.mode);
    if (error == 0 && url->scheme != WEFT_SCHEME_NNG_IPC)
        (void)nng_stream_listener_set_bool(l->listener, NNG_OPT_TCP_NODELAY, url->options.nodelay);
    if (error == 0)
        error = nng_stream_listener_listen(l->listener);
    if (error != 0)
        return wf_nng_because(why, error, text);
    *local = (weft_address){.family = WEFT_FAMILY_NONE};
    if (nng_stream_listener_get_addr(l->listener, NNG_OPT_LOCADDR, &at) == 0)
        wf_nng_address(&at, local);
    return WEFT_OK;
}

static wf_nng_listener *listener_new(const weft_url *url)
{
    wf_nng_listener *l = weft_alloc_zero(sizeof *l);
    if (l == NULL)
        return NULL;
    if (wf_nng_counted() != WEFT_OK) {
        weft_alloc_free(l);
        return NULL;
    }
    (void)pthread_mutex_init(&l->lock, NULL);
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->last = &l->first;
    l->waiting_max = url->options.backlog;
    return l;
}

wf_nng_listener *wf_nng_listen(const weft_url *url, int *fd, weft_address *local, weft_err *err,
                               weft_why *why)
{
    wf_nng_listener *l = listener_new(url);
    if (l == NULL) {
        *err = weft_because(why, WEFT_ENOMEM, "no memory for a listener");
        return NULL;
    }
    *err = open_listener(l, url, local, why);
    int copy = *err == WEFT_OK && l->wake >= 0 ? fcntl(l->wake, F_DUPFD_CLOEXEC, 0) : -1;
    if (*err == WEFT_OK && copy < 0)
        *err = weft_because(why, WEFT_ELIMIT, "no descriptor for a listener");
    if (*err != WEFT_OK) {
        listener_free(l);
        return NULL;
    }
    *fd = copy;
    (void)pthread_mutex_lock(&l->lock);
    accept_next(l);
    release(l);
    return l;
}
