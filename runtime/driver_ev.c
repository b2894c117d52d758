/* SPDX-License-Identifier: MIT */
/* The driver of the real world: libev for readiness, an eventfd for wake-ups, pthreads.
 *
 * Each reactor has a loop of its own (ev_loop_new), so libev's default loop, its signal handling and its
 * child watching are never used. The reactor's timers stand in its own wheel; libev only sleeps. */
#include "driver.h"

#include <errno.h>
#include <ev.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"

_Static_assert(sizeof(ev_io) <= sizeof(weft_watch), "a watch has room for an ev_io");

struct wf_poller {
    struct ev_loop *loop;
    bool own_loop;
    unsigned events;    /* seen by the poll under way */
    ev_io wake;         /* the eventfd */
    ev_timer alarm;     /* ends a wait */
    ev_prepare prepare; /* within a program's loop */
    ev_idle idle;       /* keeps it from sleeping while there is work */
    int64_t (*turn)(void *context);
    void *context;
};

/* The poller whose loop runs on this thread now; NULL within a program's own loop. */
static __thread wf_poller *polling;

struct wf_thread {
    pthread_t id;
    void (*fn)(void *context);
    void *context;
    char name[16];
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static uint64_t real_now_ns(wf_driver *driver)
{
    (void)driver;
    return clock_ns(CLOCK_MONOTONIC);
}

static uint64_t real_wall_ns(wf_driver *driver)
{
    (void)driver;
    return clock_ns(CLOCK_REALTIME);
}

static void real_random(wf_driver *driver, void *to, size_t bytes)
{
    (void)driver;
    for (size_t got = 0; got < bytes;) {
        ssize_t n = getrandom((char *)to + got, bytes - got, 0);
        if (n > 0)
            got += (size_t)n;
    }
}

static void on_wake(struct ev_loop *loop, ev_io *w, int revents)
{
    uint64_t count;
    (void)loop, (void)revents;
    while (read(w->fd, &count, sizeof count) > 0) {
    }
}

static void on_alarm(struct ev_loop *loop, ev_timer *w, int revents)
{
    (void)revents;
    ev_timer_stop(loop, w);
}

static void on_idle(struct ev_loop *loop, ev_idle *w, int revents)
{
    (void)loop, (void)w, (void)revents;
}

static void set_alarm(wf_poller *p, int64_t timeout_ms)
{
    if (ev_is_active(&p->alarm))
        ev_timer_stop(p->loop, &p->alarm);
    if (timeout_ms > 0) {
        /* libev measures from its own idea of now, which is as old as the last poll */
        ev_now_update(p->loop);
        ev_timer_set(&p->alarm, (double)timeout_ms * 1e-3, 0);
        ev_timer_start(p->loop, &p->alarm);
    }
}

static void on_prepare(struct ev_loop *loop, ev_prepare *w, int revents)
{
    wf_poller *p = w->data;
    (void)revents;
    int64_t timeout_ms = p->turn(p->context);
    if (timeout_ms == 0 && !ev_is_active(&p->idle))
        ev_idle_start(loop, &p->idle);
    else if (timeout_ms != 0 && ev_is_active(&p->idle))
        ev_idle_stop(loop, &p->idle);
    set_alarm(p, timeout_ms);
}

static wf_poller *real_poller_new(wf_driver *driver, unsigned index, struct ev_loop *loop,
                                  weft_why *why)
{
    (void)driver, (void)index;
    wf_poller *p = wf_alloc_zero(sizeof *p);
    if (p == NULL) {
        (void)weft_because(why, WEFT_ENOMEM, "no memory for a poller");
        return NULL;
    }
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    p->own_loop = loop == NULL;
    p->loop = loop != NULL ? loop : ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (fd < 0 || p->loop == NULL) {
        (void)weft_because(why, WEFT_ELIMIT, "unable to make an event loop: %s", strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        if (p->own_loop && p->loop != NULL)
            ev_loop_destroy(p->loop);
        wf_free(p);
        return NULL;
    }
    ev_io_init(&p->wake, on_wake, fd, EV_READ);
    ev_io_start(p->loop, &p->wake);
    ev_timer_init(&p->alarm, on_alarm, 0, 0);
    ev_prepare_init(&p->prepare, on_prepare);
    p->prepare.data = p;
    ev_idle_init(&p->idle, on_idle);
    return p;
}

static void real_embed(wf_poller *p, int64_t (*turn)(void *context), void *context)
{
    if (turn != NULL) {
        p->turn = turn;
        p->context = context;
        ev_prepare_start(p->loop, &p->prepare);
        return;
    }
    ev_prepare_stop(p->loop, &p->prepare);
    ev_idle_stop(p->loop, &p->idle);
}

static void real_poller_free(wf_poller *p)
{
    if (p == NULL)
        return;
    real_embed(p, NULL, NULL);
    ev_timer_stop(p->loop, &p->alarm);
    ev_io_stop(p->loop, &p->wake);
    (void)close(p->wake.fd);
    if (p->own_loop)
        ev_loop_destroy(p->loop);
    wf_free(p);
}

static unsigned real_poll(wf_poller *p, int64_t timeout_ms)
{
    p->events = 0;
    if (timeout_ms != 0)
        set_alarm(p, timeout_ms);
    polling = p;
    (void)ev_run(p->loop, timeout_ms == 0 ? EVRUN_NOWAIT : EVRUN_ONCE);
    polling = NULL;
    return p->events;
}

static void real_wake(wf_poller *p)
{
    uint64_t one = 1;
    while (write(p->wake.fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

/* The one callback of every descriptor: what the owner gave stands in the watcher's data. */
static void on_ready(struct ev_loop *loop, ev_io *w, int revents)
{
    weft_ready_fn *ready = (weft_ready_fn *)w->data;
    (void)loop;
    if (polling != NULL)
        polling->events++;
    ready((weft_watch *)w, ((revents & EV_READ) != 0 ? WEFT_READABLE : 0U) |
                               ((revents & EV_WRITE) != 0 ? WEFT_WRITABLE : 0U));
}

static void real_watch_init(wf_poller *p, weft_watch *watch, int fd, weft_ready_fn *ready)
{
    ev_io *w = (ev_io *)watch;
    (void)p;
    ev_io_init(w, on_ready, fd, 0);
    w->data = (void *)ready;
}

static void real_watch_set(wf_poller *p, weft_watch *watch, unsigned events)
{
    ev_io *w = (ev_io *)watch;
    int want = ((events & WEFT_READABLE) != 0 ? EV_READ : 0) |
               ((events & WEFT_WRITABLE) != 0 ? EV_WRITE : 0);
    int is = ev_is_active(w) ? w->events & (EV_READ | EV_WRITE) : 0;
    if (want == is)
        return;
    ev_io_stop(p->loop, w);
    if (want != 0) {
        ev_io_set(w, w->fd, want);
        ev_io_start(p->loop, w);
    }
}

static int real_watch_fd(const weft_watch *watch)
{
    return ((const ev_io *)watch)->fd;
}

static void *thread_main(void *arg)
{
    wf_thread *t = arg;
    (void)prctl(PR_SET_NAME, t->name);
    t->fn(t->context);
    return NULL;
}

static wf_thread *real_thread_start(wf_driver *driver, const char *name, void (*fn)(void *context),
                                    void *context)
{
    (void)driver;
    wf_thread *t = wf_alloc_zero(sizeof *t);
    if (t == NULL)
        return NULL;
    t->fn = fn;
    t->context = context;
    (void)strncpy(t->name, name, sizeof t->name - 1);
    if (pthread_create(&t->id, NULL, thread_main, t) != 0) {
        wf_free(t);
        return NULL;
    }
    return t;
}

static void real_thread_join(wf_thread *thread)
{
    if (thread == NULL)
        return;
    (void)pthread_join(thread->id, NULL);
    wf_free(thread);
}

static void real_wait_word(wf_driver *driver, _Atomic uint32_t *word, uint32_t expected,
                           uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000U), (long)(ns % 1000000000U)};
    (void)driver;
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, ns != 0 ? &t : NULL, NULL, 0);
}

static void real_wake_word(wf_driver *driver, _Atomic uint32_t *word)
{
    (void)driver;
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static void real_free(wf_driver *driver)
{
    wf_free(driver);
}

static const wf_driver_ops real_ops = {
    .name = "ev",
    .now_ns = real_now_ns,
    .wall_ns = real_wall_ns,
    .random = real_random,
    .poller_new = real_poller_new,
    .poller_free = real_poller_free,
    .poll = real_poll,
    .wake = real_wake,
    .watch_init = real_watch_init,
    .watch_set = real_watch_set,
    .watch_fd = real_watch_fd,
    .embed = real_embed,
    .thread_start = real_thread_start,
    .thread_join = real_thread_join,
    .wait_word = real_wait_word,
    .wake_word = real_wake_word,
    .free = real_free,
};

wf_driver *wf_driver_ev_new(void)
{
    wf_driver *driver = wf_alloc_zero(sizeof *driver);
    if (driver != NULL)
        driver->ops = &real_ops;
    return driver;
}
