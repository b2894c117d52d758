/* SPDX-License-Identifier: MIT */
/* Streams of NNG beyond what every stream does: strangers, nobody there, memory that is out, and what is left. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/nng/nng_stream.h"
#include "actors/stream_kit.h"
#include "alloc.h"

static const kit_transport by_tcp = {
    .name = "nng over tcp", .url = "nng+tcp://127.0.0.1:0", .resets = true, .sockets = true};

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_close(self, s->stream));
}

/* ---- who is no end of weft's */

static void connect_plainly(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    s->stream = weft_connect(self, s->world->url + sizeof "nng+" - 1, weft_self(self));
    KIT_CHECK(s, !weft_ref_is_nobody(s->stream));
}

static void say_get(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_write_text(self, s->stream, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
}

static void a_stranger_is_refused_with_a_word(void)
{
    kit_side a = {.note = connect_plainly, .opened = say_get, .raw = true, .ended = close_it};
    kit_side b = {.raw = true};
    kit_run(&(kit_world){.by = &by_tcp, .a = &a, .b = &b, .no_connect = true});
    CHECK_ERR(b.reason, WEFT_EPROTO);
    CHECK_STR(b.why, "these are no pieces: is the other end one of weft's?");
    CHECK_U64(b.got, 0);
    CHECK_U64(wf_nng_count(), 0);
}

static void end_plainly(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_write_text(self, s->stream, "%c%c%c%cab", 5, 1, 1, 1));
    CHECK_OK(weft_close(self, s->stream));
}

static void a_stream_that_just_stops_is_lost_and_not_ended(void)
{
    kit_side a = {.note = connect_plainly, .opened = close_it, .raw = true}, b = {.raw = true};
    kit_run(&(kit_world){.by = &by_tcp, .a = &a, .b = &b, .no_connect = true});
    CHECK_ERR(b.reason, WEFT_ELOST);
    a = (kit_side){.note = connect_plainly, .opened = end_plainly, .raw = true};
    b = (kit_side){.raw = true};
    kit_run(&(kit_world){.by = &by_tcp, .a = &a, .b = &b, .no_connect = true});
    CHECK_ERR(b.reason, WEFT_EPROTO);
}

/* ---- nobody there */

static void connect_where(weft_actor *self, kit_side *s, weft_msg *msg)
{
    static const char *const urls[] = {"nng+tcp://127.0.0.1:1?timeout=20s",
                                       "nng+ipc:/nowhere/at/all", "nng+tcp://localhost:1",
                                       "nng+tls+tcp://127.0.0.1:1"};
    (void)msg;
    s->stream = weft_connect(self, urls[s->count], weft_self(self));
    KIT_CHECK(s, !weft_ref_is_nobody(s->stream));
}

static void where_nobody_listens_a_connect_is_refused(void)
{
    for (uint64_t i = 0; i < 4; i++) {
        kit_side a = {.note = connect_where, .count = i}, b = {.count = 0};
        kit_run(&(kit_world){.by = &by_tcp, .a = &a, .b = &b, .no_connect = true, .closes = 1});
        CHECK_STR(a.log, "c");
        CHECK_ERR(a.reason, WEFT_EREFUSED);
    }
    CHECK_U64(wf_nng_count(), 0);
}

/* ---- what is left */

static void stop_all(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)s, (void)msg;
    weft_system_stop(self, WEFT_OK);
}

static void send_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    (void)kit_send(self, s, 16 << 10);
}

static void a_system_that_stops_in_the_middle_leaves_no_stream(void)
{
    kit_side a = {.opened = send_it, .total = 8 << 20}, b = {.data = stop_all};
    kit_run(&(kit_world){.by = &by_tcp, .a = &a, .b = &b, .closes = 99});
    CHECK(b.got != 0);
    CHECK_U64(wf_nng_count(), 0);
}

static void connect_and_leave(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    s->stream = weft_connect(self, s->world->url, weft_self(self));
    CHECK_OK(weft_abort(self, s->stream, WEFT_ECANCELLED));
}

static void a_connect_that_is_given_up_at_once_is_over(void)
{
    for (int i = 0; i < 20; i++) {
        kit_side a = {.note = connect_and_leave}, b = {.raw = true};
        kit_run(&(kit_world){.by = &by_tcp, .a = &a, .b = &b, .no_connect = true, .closes = 1});
        CHECK_ERR(a.reason, WEFT_ECANCELLED);
        CHECK_U64(wf_nng_count(), 0);
    }
}

/* ---- who waits for what comes */

enum { ROUNDS = 400 };

/* How often one of NNG's threads has waited, by what the kernel says of them. */
static uint64_t waits_of_nng(void)
{
    char path[64], name[32], line[128];
    uint64_t all = 0, n;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
        (void)snprintf(path, sizeof path, "/proc/self/task/%.16s/status", task->d_name);
        FILE *status = task->d_name[0] != '.' ? fopen(path, "re") : NULL;
        bool nng = false;
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            if (sscanf(line, "Name: %31s", name) == 1)
                nng = strncmp(name, "nng:", 4) == 0;
            if (nng && sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &n) == 1)
                all += n;
        }
        if (status != NULL)
            (void)fclose(status);
    }
    if (tasks != NULL)
        (void)closedir(tasks);
    return all;
}

static void say_one(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_write_text(self, s->stream, "."));
}

/* There and back ROUNDS times; between the second of them and the last, NNG's threads are counted. */
static void say_again(weft_actor *self, kit_side *s, weft_msg *msg)
{
    s->count++;
    if (s->count == 2)
        s->sent = waits_of_nng();
    if (s->count < ROUNDS) {
        say_one(self, s, msg);
        return;
    }
    s->sent = waits_of_nng() - s->sent;
    close_it(self, s, msg);
}

static uint64_t waits_over(const kit_transport *by)
{
    kit_side a = {.opened = say_one, .data = say_again, .raw = true};
    kit_side b = {.data = say_one, .ended = close_it, .raw = true};
    kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
    CHECK_U64(a.got, ROUNDS);
    return a.sent;
}

static void what_comes_by_tcp_wakes_none_of_nngs_threads(void)
{
    unsigned tcp = 0, ipc = 0;
    for (const kit_transport *by = kit_transports; by->name != NULL; by++) {
        if (by->url == NULL || strncmp(by->url, "nng+", 4) != 0)
            continue;
        if (strncmp(by->url, "nng+ipc:", 8) == 0) {
            CHECK(waits_over(by) > ROUNDS); /* so that the other figure means something */
            ipc++;
        } else {
            CHECK(waits_over(by) < ROUNDS / 10);
            tcp++;
        }
    }
    CHECK(tcp >= 3 && ipc >= 1);
    CHECK_U64(wf_nng_count(), 0);
}

/* ---- memory that is out */

enum { TAKINGS = 40 };

static void connect_without_memory(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    long failed = wf_alloc_failed();
    wf_alloc_fail_after((long)s->count);
    s->stream = weft_connect(self, s->world->url, weft_self(self));
    wf_alloc_fail_after(-1);
    s->drains = wf_alloc_failed() != failed;
    if (weft_ref_is_nobody(s->stream))
        weft_system_stop(self, WEFT_OK);
}

static void a_connect_without_memory_fails_and_leaves_nothing(void)
{
    bool failed = true;
    uint64_t n = 0;
    for (; failed && n < TAKINGS; n++) {
        kit_side a = {.note = connect_without_memory, .opened = close_it, .count = n};
        kit_side b = {.ended = close_it};
        kit_run(&(kit_world){.by = &by_tcp, .a = &a, .b = &b, .no_connect = true, .closes = 1});
        failed = a.drains != 0;
        /* what it can do without (a log line, its time limit) does not keep it from connecting */
        CHECK(a.closes == 0 || a.reason == WEFT_EDONE || (failed && a.reason == WEFT_ENOMEM));
        CHECK_U64(wf_nng_count(), 0);
    }
    CHECK(n < TAKINGS && n > 8); /* a carrier, its four blocks, its leaf, and the stream's own */
}

static const test_case cases[] = {
    TEST(a_stranger_is_refused_with_a_word),
    TEST(a_stream_that_just_stops_is_lost_and_not_ended),
    TEST(where_nobody_listens_a_connect_is_refused),
    TEST(a_system_that_stops_in_the_middle_leaves_no_stream),
    TEST(a_connect_that_is_given_up_at_once_is_over),
    TEST(what_comes_by_tcp_wakes_none_of_nngs_threads),
    TEST(a_connect_without_memory_fails_and_leaves_nothing),
    {0},
};

const test_suite nng_suite = {.name = "actors/nng", .cases = cases, .threads = true};
