/* SPDX-License-Identifier: MIT */
/* Sends that leave together: alone, and as what many connections have to send at the end of one round. */
#include "sends.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include <weft/edge.h>
#include <weft/net.h>
#include <weft/system.h>

#include "alloc.h"
#include "check.h"

/* ---- in a system's only actor */

static weft_err run_it(weft_actor *self, weft_msg *msg)
{
    void (*fn)(void) = (void (*)(void))(uintptr_t)weft_config(self);
    (void)msg;
    fn();
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}
static const weft_handler run_rows[] = {{.type = &weft_started_type, .fn = run_it}, {0}};
static const weft_behaviour runner = {.name = "runner", .handlers = run_rows};

static void within_a_reactor(const weft_behaviour *what, const void *config)
{
    weft_system *sys = weft_system_new(&(weft_system_options){.no_signals = true});
    REQUIRE(sys != NULL);
    CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, what, config)));
    CHECK_I64(weft_run(&sys), 0);
}

/* ---- the call */

enum { SENDS = 8 };

static char text[] = "what is said";

typedef struct pairs {
    int here[SENDS], there[SENDS];
    struct iovec v[SENDS][2];
    wf_send send[SENDS];
} pairs;

/* Each is to say its text, the last three bytes of it apart. */
static void pairs_open(pairs *p)
{
    for (unsigned i = 0; i < SENDS; i++) {
        int fd[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
        p->here[i] = fd[0];
        p->there[i] = fd[1];
        p->v[i][0] = (struct iovec){text, 9};
        p->v[i][1] = (struct iovec){text + 9, 3};
        p->send[i] = (wf_send){fd[0], 0, {.msg_iov = p->v[i], .msg_iovlen = 2}, 0};
    }
}

static void check_said(const pairs *p, unsigned i, size_t n)
{
    char got[sizeof text];
    CHECK_I64(p->send[i].sent, n);
    CHECK_I64(recv(p->there[i], got, sizeof got, MSG_DONTWAIT), n);
    CHECK_MEM(got, n, text, n);
}

static void pairs_close(pairs *p)
{
    for (unsigned i = 0; i < SENDS; i++) {
        (void)close(p->here[i]);
        if (p->there[i] >= 0)
            (void)close(p->there[i]);
    }
}

/* One piece or two, a socket that is full, one whose peer has gone, and what is none. */
static void send_some(void)
{
    pairs p;
    int pipe_fd[2];
    pairs_open(&p);
    p.send[1].is.msg_iovlen = 1;
    while (send(p.here[2], text, sizeof text, MSG_DONTWAIT) > 0) {
    }
    (void)close(p.there[3]);
    p.there[3] = -1;
    REQUIRE(pipe2(pipe_fd, O_CLOEXEC) == 0);
    p.send[4].fd = pipe_fd[1];
    wf_sends_make(p.send, SENDS);
    check_said(&p, 0, 12);
    check_said(&p, 1, 9);
    CHECK_I64(p.send[2].sent, -EAGAIN);
    CHECK_I64(p.send[3].sent, -EPIPE);
    CHECK_I64(p.send[4].sent, -ENOTSOCK);
    for (unsigned i = 5; i < SENDS; i++)
        check_said(&p, i, 12);
    (void)close(pipe_fd[0]);
    (void)close(pipe_fd[1]);
    pairs_close(&p);
}

static void send_few_and_many(void)
{
    pairs p;
    wf_sends_make(NULL, 0);
    for (unsigned n = 1; n <= SENDS; n++) {
        pairs_open(&p);
        wf_sends_make(p.send, n);
        for (unsigned i = 0; i < n; i++)
            check_said(&p, i, 12);
        pairs_close(&p);
    }
    send_some(); /* the ring is as it was */
    send_some();
}

static void each_send_says_what_came_of_it(void)
{
    within_a_reactor(&runner, (const void *)(uintptr_t)send_few_and_many);
}

/* The next descriptor is one too many. */
static void send_without_a_descriptor(void)
{
    struct rlimit was, is;
    pairs p;
    REQUIRE(getrlimit(RLIMIT_NOFILE, &was) == 0);
    pairs_open(&p);
    int next = dup(p.here[0]);
    (void)close(next);
    is = (struct rlimit){(rlim_t)next, was.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &is) == 0);
    wf_sends_make(p.send, SENDS);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &was) == 0);
    for (unsigned i = 0; i < SENDS; i++)
        check_said(&p, i, 12);
    pairs_close(&p);
    send_some();
}

static void where_there_is_no_ring_they_are_made_one_by_one(void)
{
    within_a_reactor(&runner, (const void *)(uintptr_t)send_without_a_descriptor);
}

static void send_without_memory(void)
{
    pairs p;
    pairs_open(&p);
    long failed = wf_alloc_failed();
    wf_alloc_fail_after(0);
    wf_sends_make(p.send, SENDS);
    wf_alloc_fail_after(-1);
    CHECK_I64(wf_alloc_failed(), failed + 1);
    for (unsigned i = 0; i < SENDS; i++)
        check_said(&p, i, 12);
    pairs_close(&p);
}

static void without_memory_they_are_made_one_by_one(void)
{
    within_a_reactor(&runner, (const void *)(uintptr_t)send_without_memory);
}

/* ---- connections: all is written in one turn, to more than leave together, each after its kind */

enum { CONNS = 200, PIECES = 25, LONG = 600000 };

typedef enum kind { SHORT_TEXT, IN_PIECES, MUCH, A_FILE, GOES, ENDS, KINDS } kind;

static struct {
    weft_ref stream[CONNS];
    uint64_t got[CONNS], wrong;
    unsigned opened, lost, closed, open; /* @open: of both sides */
    weft_file *file;
} seen;

static size_t size_of(unsigned i)
{
    static const size_t sizes[KINDS] = {1, PIECES, LONG, 1000, 0, 7};
    return sizes[i % KINDS];
}

/* Byte @at of what the @i-th connection says. */
static uint8_t byte_of(unsigned i, uint64_t at)
{
    return i % KINDS == A_FILE ? (uint8_t)at : (uint8_t)(i + at * 7);
}

/* ---- who hears */

static weft_err hear(weft_actor *self, weft_msg *msg)
{
    unsigned i = (unsigned)(uintptr_t)weft_config(self) - 1;
    weft_bytes is = ((const weft_data *)weft_body(msg))->bytes;
    for (size_t k = 0; k < is.size; k++)
        seen.wrong += is.at[k] != byte_of(i, seen.got[i] + k);
    seen.got[i] += is.size;
    return seen.got[i] >= size_of(i) ? weft_close(self, weft_sender(msg)) : WEFT_OK;
}

static void one_less(weft_actor *self)
{
    if (--seen.open == 0)
        weft_system_stop(self, WEFT_OK);
}

static weft_err hear_the_end(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    one_less(self);
    return WEFT_OK;
}

static const weft_handler listener_rows[] = {
    {.type = &weft_data_type, .fn = hear}, {.type = &weft_closed_type, .fn = hear_the_end}, {0}};
static const weft_behaviour listener = {.name = "listener", .handlers = listener_rows};

/* ---- who says it */

static weft_err write_pieces(weft_actor *self, unsigned i, size_t n)
{
    weft_err err = WEFT_OK;
    for (size_t k = 0; err == WEFT_OK && k < n; k++) {
        weft_bytes bytes;
        uint8_t *to;
        err = weft_bytes_new(1, &to, &bytes);
        if (err != WEFT_OK)
            break;
        to[0] = byte_of(i, k);
        err = weft_write(self, seen.stream[i], bytes);
        weft_bytes_drop(&bytes);
    }
    return err;
}

static weft_err write_whole(weft_actor *self, unsigned i, size_t n)
{
    weft_bytes bytes;
    uint8_t *to;
    weft_err err = weft_bytes_new(n, &to, &bytes);
    if (err != WEFT_OK)
        return err;
    for (size_t k = 0; k < n; k++)
        to[k] = byte_of(i, k);
    err = weft_write(self, seen.stream[i], bytes);
    weft_bytes_drop(&bytes);
    return err;
}

static weft_err say(weft_actor *self, unsigned i)
{
    switch ((kind)(i % KINDS)) {
    case IN_PIECES:
        return write_pieces(self, i, PIECES);
    case A_FILE:
        return weft_write_file(self, seen.stream[i], seen.file, 0, 1000);
    case GOES: /* its peer has gone already */
        return weft_write_text(self, seen.stream[i], "nobody hears this");
    default:
        return write_whole(self, i, size_of(i));
    }
}

static weft_err say_all(weft_actor *self)
{
    for (unsigned i = 0; i < CONNS; i++) {
        CHECK_OK(say(self, i));
        if (i % KINDS == ENDS)
            CHECK_OK(weft_end(self, seen.stream[i]));
    }
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return ++seen.opened == CONNS ? say_all(self) : WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    seen.lost += closed->reason != WEFT_EDONE;
    seen.closed++;
    one_less(self);
    return WEFT_OK;
}

static weft_err begin(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    for (unsigned i = 0; i < CONNS; i++) {
        int fd[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
        seen.stream[i] = weft_adopt(self, fd[0], weft_self(self));
        CHECK(!weft_ref_is_nobody(seen.stream[i]));
        seen.open++;
        if (i % KINDS == GOES) {
            (void)close(fd[1]);
            continue;
        }
        seen.open++;
        weft_ref who = weft_spawn(self, &listener, (const void *)(uintptr_t)(i + 1));
        CHECK(!weft_ref_is_nobody(weft_adopt(self, fd[1], who)));
    }
    return WEFT_OK;
}

static const weft_handler talker_rows[] = {
    {.type = &weft_started_type, .fn = begin},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour talker = {.name = "talker", .handlers = talker_rows};

static void what_many_connections_say_in_one_round_comes_to_each(void)
{
    char name[] = P_tmpdir "/weft-sends-XXXXXX";
    uint8_t bytes[1000];
    memset(&seen, 0, sizeof seen);
    int fd = mkstemp(name);
    REQUIRE(fd >= 0);
    (void)unlink(name);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    CHECK_I64(write(fd, bytes, sizeof bytes), sizeof bytes);
    seen.file = weft_file_new(fd);
    REQUIRE(seen.file != NULL);
    within_a_reactor(&talker, NULL);
    weft_file_drop(&seen.file);
    for (unsigned i = 0; i < CONNS; i++)
        CHECK_U64(seen.got[i], size_of(i));
    CHECK_U64(seen.wrong, 0);
    CHECK_U64(seen.closed, CONNS);
    /* those whose peers had gone, and no others */
    CHECK_U64(seen.lost, (CONNS + KINDS - 1 - GOES) / KINDS);
}

static const test_case cases[] = {
    TEST(each_send_says_what_came_of_it),
    TEST(where_there_is_no_ring_they_are_made_one_by_one),
    TEST(without_memory_they_are_made_one_by_one),
    TEST(what_many_connections_say_in_one_round_comes_to_each),
    {0},
};

const test_suite sends_suite = {.name = "actors/sends", .cases = cases};
