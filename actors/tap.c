/* SPDX-License-Identifier: MIT */
/* The file of a tap: records gather in memory, under a lock that is held for a copy, and whoever has the turn
 * writes them where that may block. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/edge.h>
#include <weft/log.h>

struct wf_tap {
    _Atomic uint32_t users;
    _Atomic uint32_t ids;
    _Atomic bool over;
    weft_tap_format format;
    uint64_t bytes_max;

    pthread_mutex_t lock;
    uint8_t *pending; /* records that wait */
    size_t bytes, room;
    uint64_t planned;           /* bytes of the file when all that waits is written */
    uint64_t lost;              /* records left out since the last that was not */
    bool writing;               /* somebody has the turn */
    _Atomic(weft_system *) sys; /* whose log it is */

    /* of who has the turn */
    int fd; /* -1: not open yet */
    bool failed;
    char path[WEFT_URL_PATH_BYTES_MAX + 1];
};

/* ---- the file */

static void say(const wf_tap *tap, weft_level level, const char *what)
{
    char text[sizeof tap->path + sizeof((weft_why){0}.text) + 16];
    (void)snprintf(text, sizeof text, "tap %s: %s", tap->path, what);
    weft_system *sys = atomic_load_explicit(&tap->sys, memory_order_relaxed);
    if (sys != NULL)
        weft_system_log(sys, (int)level, "weft", text);
}

static void give_up(wf_tap *tap, const char *what)
{
    atomic_store_explicit(&tap->over, true, memory_order_relaxed);
    say(tap, WEFT_WARNING, what);
}

static void fail(wf_tap *tap, const char *what)
{
    tap->failed = true;
    give_up(tap, what);
}

/* Appended to, so that several connections, listeners or lives may share it. A pipe that nobody reads must not
 * be waited for, and what it does not take is a failure. */
static weft_err open_file(wf_tap *tap, weft_why *why)
{
    uint8_t head[WF_TAP_PCAP_HEAD_BYTES];
    struct stat st;
    int fd =
        open(tap->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int err = errno;
        if (fd >= 0)
            (void)close(fd);
        return weft_because(why, weft_err_from_errno(err), "unable to open the tap %s: %s",
                            tap->path, strerror(err));
    }
    tap->fd = fd;
    (void)pthread_mutex_lock(&tap->lock);
    tap->planned +=
        st.st_size != 0 || tap->format != WEFT_TAP_PCAP ? (uint64_t)st.st_size : sizeof head;
    (void)pthread_mutex_unlock(&tap->lock);
    if (tap->format != WEFT_TAP_PCAP || st.st_size != 0)
        return WEFT_OK;
    wf_tap_pcap_head(head);
    if (write(fd, head, sizeof head) != (ssize_t)sizeof head)
        return weft_because(why, WEFT_EIO, "unable to write to the tap %s: %s", tap->path,
                            strerror(errno));
    return WEFT_OK;
}

static void write_all(wf_tap *tap, const uint8_t *at, size_t n)
{
    while (n != 0) {
        ssize_t w = write(tap->fd, at, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0) {
            char what[WEFT_WHY_BYTES];
            (void)snprintf(what, sizeof what, "nothing more is copied: write: %s", strerror(errno));
            fail(tap, what);
            return;
        }
        at += w;
        n -= (size_t)w;
    }
}

/* ---- records that wait */

/* false: there is none, or no memory for it. */
static bool make_room(wf_tap *tap, size_t more)
{
    if (tap->bytes + more <= tap->room)
        return true;
    size_t room = tap->room != 0 ? 2 * tap->room : WF_TAP_PIECE_BYTES;
    while (room < tap->bytes + more)
        room *= 2;
    if (room > WF_TAP_PENDING_BYTES_MAX)
        return false;
    uint8_t *again = weft_alloc_again(tap->pending, room);
    if (again == NULL)
        return false;
    tap->pending = again;
    tap->room = room;
    return true;
}

static void tell_lost(wf_tap *tap)
{
    char what[96];
    if (tap->lost == 0)
        return;
    (void)snprintf(what, sizeof what, "%" PRIu64 " pieces were left out: the disk did not keep up",
                   tap->lost);
    tap->lost = 0;
    say(tap, WEFT_WARNING, what);
}

static void put(wf_tap *tap, const wf_tap_flow *flow, wf_tap_event event, int way,
                const uint8_t *at, size_t n, uint64_t wall_ns)
{
    uint8_t *to = tap->pending + tap->bytes;
    size_t size = tap->format == WEFT_TAP_PCAP ? wf_tap_pcap(flow, event, way, at, n, wall_ns, to)
                                               : wf_tap_text(flow, event, way, at, n, wall_ns, to);
    if (tap->planned + size > tap->bytes_max) {
        give_up(tap, "nothing more is copied: the file is as large as it may be");
        return;
    }
    tap->planned += size;
    tap->bytes += size;
}

bool wf_tap_add(wf_tap *tap, weft_system *sys, const wf_tap_flow *flow, wf_tap_event event, int way,
                const uint8_t *at, size_t n, uint64_t wall_ns)
{
    (void)pthread_mutex_lock(&tap->lock);
    atomic_store_explicit(&tap->sys, sys, memory_order_relaxed);
    if (wf_tap_is_over(tap)) {
        /* by another, meanwhile: whole records, and none behind a gap that nobody was told of */
    } else if (make_room(tap, wf_tap_room(tap->format, n))) {
        tell_lost(tap);
        put(tap, flow, event, way, at, n, wall_ns);
    } else
        tap->lost++;
    bool turn = !tap->writing && tap->bytes != 0;
    tap->writing = tap->writing || turn;
    (void)pthread_mutex_unlock(&tap->lock);
    return turn;
}

void wf_tap_write(wf_tap *tap)
{
    weft_why why;
    (void)pthread_mutex_lock(&tap->lock);
    uint8_t *at = tap->pending;
    size_t n = tap->bytes;
    tap->pending = NULL;
    tap->bytes = tap->room = 0;
    (void)pthread_mutex_unlock(&tap->lock);
    if (n != 0 && tap->fd < 0 && !tap->failed && open_file(tap, &why) != WEFT_OK)
        fail(tap, why.text);
    if (n != 0 && !tap->failed)
        write_all(tap, at, n);
    weft_alloc_free(at);
}

bool wf_tap_written(wf_tap *tap)
{
    (void)pthread_mutex_lock(&tap->lock);
    tap->writing = tap->bytes != 0;
    bool done = !tap->writing;
    (void)pthread_mutex_unlock(&tap->lock);
    return done;
}

void wf_tap_pass(wf_tap *tap)
{
    (void)pthread_mutex_lock(&tap->lock);
    tap->writing = false;
    (void)pthread_mutex_unlock(&tap->lock);
}

/* ---- shared */

static void tap_free(wf_tap *tap)
{
    if (tap->fd >= 0)
        (void)close(tap->fd);
    (void)pthread_mutex_destroy(&tap->lock);
    weft_alloc_free(tap->pending);
    weft_alloc_free(tap);
}

weft_err wf_tap_new(const char *path, weft_tap_format format, uint64_t bytes_max, bool open,
                    wf_tap **out, weft_why *why)
{
    wf_tap *tap = weft_alloc_zero(sizeof *tap);
    if (tap == NULL || pthread_mutex_init(&tap->lock, NULL) != 0) {
        weft_alloc_free(tap);
        return weft_because(why, WEFT_ENOMEM, "no memory for a tap");
    }
    atomic_init(&tap->users, 1);
    tap->format = format;
    tap->bytes_max = bytes_max;
    tap->fd = -1;
    (void)snprintf(tap->path, sizeof tap->path, "%s", path);
    weft_err err = open ? open_file(tap, why) : WEFT_OK;
    if (err == WEFT_OK)
        *out = tap;
    else
        tap_free(tap);
    return err;
}

wf_tap *wf_tap_share(wf_tap *tap)
{
    atomic_fetch_add_explicit(&tap->users, 1, memory_order_relaxed);
    return tap;
}

void wf_tap_drop(wf_tap *tap)
{
    /* acquire and release: what the others added comes before the last looks at it */
    if (atomic_fetch_sub_explicit(&tap->users, 1, memory_order_acq_rel) != 1)
        return;
    /* the system may be gone: there is no log any more */
    atomic_store_explicit(&tap->sys, NULL, memory_order_relaxed);
    wf_tap_write(tap);
    tap_free(tap);
}

uint32_t wf_tap_next_id(wf_tap *tap)
{
    return 1 + atomic_fetch_add_explicit(&tap->ids, 1, memory_order_relaxed);
}

bool wf_tap_is_over(const wf_tap *tap)
{
    return atomic_load_explicit(&tap->over, memory_order_relaxed);
}
