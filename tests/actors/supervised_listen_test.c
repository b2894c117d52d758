/* SPDX-License-Identifier: MIT */
/* Listeners and streams of supervised children: served, drained, restarted. */
#include "runtime/kit.h"

#include <weft/net.h>
#include <weft/supervisor.h>
#include <weft/testing_stream.h>

/* ---- an echo that fails when it is told to, and one that is slow to leave */

static unsigned served, left;
static bool stays; /* does not stop when asked to */

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    served++;
    return weft_write(self, weft_sender(msg), data->bytes);
}
static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    const weft_stopping *stopping = weft_body(msg);
    return stays ? WEFT_OK : weft_stop(self, stopping->reason);
}
static void echo_ended(weft_actor *self, weft_err reason)
{
    (void)self, (void)reason;
    left++;
}
static const weft_handler echo_rows[] = {{.type = &weft_data_type, .fn = on_data},
                                         {.type = &weft_stopping_type, .fn = on_stopping},
                                         {0}};
static const weft_behaviour echo = {.name = "echo", .handlers = echo_rows, .ended = echo_ended};

static const weft_child listens[] = {
    {.name = "web", .behaviour = &echo, .listen = "sim://web", .stop_ms = 2000}, {0}};
static const weft_supervisor tree = {.children = listens};

static weft_ref top;
static record *watching;

static weft_err watch(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_monitor(self, *(const weft_ref *)with);
}
static weft_err stop_other(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_stop_ref(self, *(const weft_ref *)with, WEFT_EIO);
}
static weft_err stop_named(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_stop_ref(self, weft_named(self, with), WEFT_EIO);
}

static void supervise(const weft_supervisor *what)
{
    top = weft_sim_spawn(sim, &weft_supervisor_behaviour, what);
    REQUIRE(!weft_ref_is_nobody(top));
    watching = record_new();
    sim_do(sim_puppet(watching), watch, &top);
}

static void before(void)
{
    served = left = 0;
    stays = false;
    sim_of(3);
}

static char web[] = "web", caller[] = "caller";

/* One that is connected, and was answered. */
static weft_sim_peer *client_served(void)
{
    weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
    weft_sim_peer_say(c, "hello");
    weft_sim_advance(sim, 10);
    CHECK(c->opened);
    CHECK_MEM(c->got, c->got_bytes, "hello", 5);
    return c;
}

static void it_is_up_when_it_listens_and_serves_on_every_reactor(void)
{
    weft_sim_peer *c[6];
    supervise(&tree);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "listening at sim://web"), 1);
    for (unsigned i = 0; i < 6; i++)
        c[i] = client_served();
    CHECK_U64(served, 6);
    for (unsigned i = 0; i < 3; i++)
        CHECK(sim_stats(i).actors >= 4); /* a listener; two streams with an owner each, or one */
    for (unsigned i = 0; i < 6; i++)
        weft_sim_peer_close(c[i]);
}

static void a_stop_accepts_nothing_more_and_waits_for_those_that_are_open(void)
{
    supervise(&tree);
    stays = true;
    weft_sim_peer *c = client_served();
    sim_do(sim_puppet(NULL), stop_other, &top);
    CHECK_U64(watching->downs, 0);
    const weft_sim_peer *late = weft_sim_connect(sim, "sim://web");
    CHECK(late->closed && !late->opened);
    weft_sim_advance(sim, 1000);
    CHECK_U64(watching->downs, 0);
    weft_sim_peer_close(c);
    weft_sim_advance(sim, 10);
    CHECK_U64(left, 1);
    CHECK_U64(watching->downs, 1);
}

static void those_that_stay_too_long_are_ended(void)
{
    supervise(&tree);
    stays = true;
    const weft_sim_peer *c = client_served();
    sim_do(sim_puppet(NULL), stop_other, &top);
    weft_sim_advance(sim, 1990);
    CHECK_U64(watching->downs, 0);
    weft_sim_advance(sim, 20);
    CHECK_U64(watching->downs, 1);
    weft_sim_advance(sim, 20000);
    CHECK_U64(left, 1);
    CHECK(c->closed || c->ended);
}

static void it_listens_again_after_a_restart(void)
{
    weft_sim_peer *c[2];
    supervise(&tree);
    c[0] = client_served();
    sim_do(sim_puppet(NULL), stop_named, web);
    weft_sim_advance(sim, 100);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "child web is restarted"), 1);
    c[1] = client_served();
    CHECK_U64(watching->downs, 0);
    weft_sim_peer_close(c[1]);
}

static void an_address_that_is_taken_fails_the_start_in_words(void)
{
    static const weft_child twice[] = {{.name = "one", .behaviour = &echo, .listen = "sim://web"},
                                       {.name = "two", .behaviour = &echo, .listen = "sim://web"},
                                       {0}};
    static const weft_supervisor both = {.children = twice};
    supervise(&both);
    weft_sim_advance(sim, 10);
    CHECK_U64(watching->downs, 1);
    CHECK_ERR(watching->down.reason, WEFT_EEXISTS);
    CHECK_STR(watching->why, "child two could not start: somebody listens at sim://web already");
}

static void a_url_that_is_none_fails_the_start_in_words(void)
{
    static const weft_child odd[] = {{.name = "one", .behaviour = &echo, .listen = "what"}, {0}};
    static const weft_supervisor wrong = {.children = odd};
    supervise(&wrong);
    CHECK_U64(watching->downs, 1);
    CHECK_ERR(watching->down.reason, WEFT_EINVAL);
}

static void a_stop_at_any_step_of_its_start_leaks_nothing(void)
{
    for (unsigned steps = 0; steps < 40; steps++) {
        sim_with(&(weft_sim_options){.seed = steps + 1, .system.reactors = 3});
        top = weft_sim_spawn(sim, &weft_supervisor_behaviour, &tree);
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(sim);
        (void)weft_sim_tell(sim, sim_puppet(NULL), act, .fn = stop_other, .with = &top);
        weft_sim_advance(sim, 100);
        weft_actor_stats stats;
        CHECK(!weft_stats_actor(weft_sim_system(sim), top, &stats));
        for (unsigned i = 1; i < 3; i++)
            CHECK_U64(sim_stats(i).actors, 0);
        CHECK_U64(weft_sim_free(&sim), 0);
    }
}

/* ---- a child that connects: its stream ends with its life */

static weft_err on_caller_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    weft_ref stream = weft_connect(self, "sim://web", weft_self(self));
    return weft_ref_is_nobody(stream) ? WEFT_ENOMEM : WEFT_OK;
}
static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}
static const weft_handler caller_rows[] = {
    {.type = &weft_started_type, .fn = on_caller_started}, {.type = &act_type, .fn = on_act}, {0}};
static const weft_behaviour caller_behaviour = {.name = "caller", .handlers = caller_rows};

static void a_stream_ends_with_the_life_of_its_owner(void)
{
    static const weft_child both[] = {{.name = "web", .behaviour = &echo, .listen = "sim://web"},
                                      {.name = "caller", .behaviour = &caller_behaviour},
                                      {0}};
    static const weft_supervisor calling = {.children = both};
    supervise(&calling);
    weft_sim_advance(sim, 100);
    for (unsigned n = 0; n < 3; n++) {
        CHECK_U64(left, n);
        sim_do(sim_puppet(NULL), stop_named, caller);
        weft_sim_advance(sim, 100);
    }
}

/* ---- memory */

static void scenario(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    sim = weft_sim_new(&(weft_sim_options){.system.reactors = 2});
    if (sim == NULL)
        return;
    top = weft_sim_spawn(sim, &weft_supervisor_behaviour, &tree);
    weft_sim_advance(sim, 10);
    (void)weft_sim_tell(sim, top, num, .n = 1);
    weft_sim_advance(sim, 100000);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void nothing_leaks_whichever_taking_of_memory_fails(void)
{
    each_allocation_fails(scenario);
}

static const test_case cases[] = {
    TEST(it_is_up_when_it_listens_and_serves_on_every_reactor),
    TEST(a_stop_accepts_nothing_more_and_waits_for_those_that_are_open),
    TEST(those_that_stay_too_long_are_ended),
    TEST(it_listens_again_after_a_restart),
    TEST(an_address_that_is_taken_fails_the_start_in_words),
    TEST(a_url_that_is_none_fails_the_start_in_words),
    TEST(a_stop_at_any_step_of_its_start_leaks_nothing),
    TEST(a_stream_ends_with_the_life_of_its_owner),
    TEST(nothing_leaks_whichever_taking_of_memory_fails),
    {0},
};

const test_suite supervised_listen_suite = {"actors/supervised_listen", before, sim_done, cases,
                                            false};
