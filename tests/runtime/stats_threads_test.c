/* SPDX-License-Identifier: MIT */
/* Accounting read by another thread while actors come, work and go on two reactors. */
#include "kit.h"

#include <pthread.h>

enum { CHILDREN = 5000, TELLS = 4 };

static _Atomic uint64_t wrong; /* what must not be: a check is the main thread's */
static _Atomic unsigned woven; /* of CHILDREN, on both reactors */
static _Atomic uint64_t served;
static _Atomic bool read_once, reader_done;
static weft_ref weaver[2];

/* ---- who is looked at: children that serve a few messages and end, spawned again and again */

static weft_err on_thread_num(weft_actor *self, weft_msg *msg)
{
    const num *n = weft_body(msg);
    served++;
    return n->n == 0 ? weft_stop(self, WEFT_OK) : WEFT_OK;
}

static const weft_handler thread_rows[] = {{.type = &num_type, .fn = on_thread_num}, {0}};
static const weft_behaviour thread = {.name = "test.thread", .handlers = thread_rows};

static weft_err weave(weft_actor *self, weft_msg *msg, void *with);

static weft_err weave_on(weft_actor *self)
{
    const act next = {weave, NULL};
    return weft_tell_body(self, weft_self(self), &act_type, &next);
}

/* One child, and a word to the weaver on the other reactor, so that there is traffic between them. */
static weft_err weave(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    weft_ref child = weft_spawn(self, &thread, NULL);
    for (unsigned i = TELLS; i-- > 0;)
        if (weft_tell(self, child, num, .n = i) != WEFT_OK)
            wrong++;
    (void)weft_tell(self, weaver[1 - weft_reactor_of(self)], num, .n = 0);
    if (++woven < 2 * CHILDREN || !read_once)
        return weave_on(self);
    return WEFT_OK;
}

static weft_err look(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    if (reader_done)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err start_looking(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    if (weft_timer_start(self, 1, 1, &act_type, &(act){look, NULL}).slot == 0)
        wrong++;
    return WEFT_OK;
}

/* ---- who looks */

typedef struct reader {
    const weft_system *sys;
    uint64_t handled[2]; /* of the weavers, when last looked at */
    uint64_t messages[2];
    uint64_t seen, threads;
} reader;

static bool is_known(const char *name)
{
    static const char *const names[] = {"test.thread", "puppet", "weft.system"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void read_reactor(reader *r, unsigned i)
{
    weft_reactor_stats reactor;
    weft_actor_stats a;
    uint32_t cursor = 0;
    if (!weft_stats_reactor(r->sys, i, &reactor) || reactor.messages < r->messages[i])
        wrong++;
    r->messages[i] = reactor.messages;
    while (weft_stats_next(r->sys, i, &cursor, &a)) {
        r->seen++;
        r->threads += strcmp(a.behaviour, "test.thread") == 0;
        if (!is_known(a.behaviour) || weft_ref_is_nobody(a.ref))
            wrong++;
        /* each may have ended since */
        (void)weft_stats_actor(r->sys, a.ref, &a);
    }
    if (!weft_stats_actor(r->sys, weaver[i], &a) || a.handled < r->handled[i] ||
        strcmp(a.behaviour, "puppet") != 0)
        wrong++;
    r->handled[i] = a.handled;
}

static void *read_all(void *context)
{
    reader *r = context;
    while (woven < 2 * CHILDREN || r->threads == 0) {
        read_reactor(r, 0);
        read_reactor(r, 1);
        read_once = r->threads != 0;
    }
    reader_done = true;
    return NULL;
}

static void all_of_it_may_be_read_by_any_thread_while_actors_come_and_go(void)
{
    weft_system *sys = weft_system_new(&(weft_system_options){
        .reactors = 2, .no_signals = true, .log_level = WEFT_NO_LOG, .log_level_set = true});
    reader r = {.sys = sys};
    pthread_t other;
    const act first = {weave, NULL}, looking = {start_looking, NULL};
    REQUIRE(sys != NULL);
    wrong = 0;
    served = 0;
    woven = 0;
    read_once = false;
    reader_done = false;
    weft_ref watch = weft_system_spawn(sys, 0, &puppet, NULL);
    for (unsigned i = 0; i < 2; i++)
        weaver[i] = weft_system_spawn(sys, i, &puppet, NULL);
    for (unsigned i = 0; i < 2; i++)
        CHECK_OK(weft_system_tell(sys, weaver[i], &act_type, &first));
    CHECK_OK(weft_system_tell(sys, watch, &act_type, &looking));
    REQUIRE(pthread_create(&other, NULL, read_all, &r) == 0);
    CHECK_I64(weft_run(&sys), 0);
    CHECK_I64(pthread_join(other, NULL), 0);
    CHECK_U64(wrong, 0);
    CHECK(r.seen > 0 && r.threads > 0);
    CHECK(served > 0);
}

static const test_case cases[] = {
    TEST(all_of_it_may_be_read_by_any_thread_while_actors_come_and_go),
    {0},
};

const test_suite stats_threads_suite = {
    .name = "runtime/stats threads", .cases = cases, .threads = true};
