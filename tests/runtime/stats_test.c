/* SPDX-License-Identifier: MIT */
/* Accounting: exact for counts and bytes, from any thread, of those who live. */
#include "kit.h"

#include "driver_sim.h"
#include "mailbox.h"
#include "post.h"
#include "reactor.h"
#include "sys.h"

typedef struct broad {
    uint64_t word[20];
} broad;
static const weft_type broad_type = WEFT_TYPE("test.broad", broad, NULL);

typedef struct sending {
    weft_ref to;
    unsigned nums, broads;
} sending;

static weft_err send_some(weft_actor *self, weft_msg *msg, void *with)
{
    const sending *s = with;
    (void)msg;
    for (unsigned i = 0; i < s->nums; i++)
        CHECK_OK(weft_tell(self, s->to, num, .n = i));
    for (unsigned i = 0; i < s->broads; i++)
        CHECK_OK(weft_tell(self, s->to, broad, .word = {i}));
    return WEFT_OK;
}

static void what_waits_is_counted_with_its_bytes_and_age(void)
{
    weft_system *sys = rig_new(1);
    wf_reactor *r = sys->reactor[0];
    weft_ref a = weft_system_spawn(sys, 0, &puppet, NULL),
             b = weft_system_spawn(sys, 0, &puppet, NULL);
    sending s = {b, 5, 3};
    weft_actor_stats st;
    act body = {send_some, &s};
    CHECK_OK(weft_system_tell(sys, a, &act_type, &body));
    (void)wf_take_inbox(r);
    (void)wf_turn(r, wf_next_ready(r), 10);
    wf_driver_sim_advance(sys->driver, 70 * 1000000);
    CHECK(weft_stats_actor(sys, b, &st));
    CHECK_U64(st.queued, 8);
    CHECK_U64(st.queued_bytes, 5 * 64 + 3 * 256);
    CHECK_U64(st.age_ms, 70);
    CHECK_U64(st.handled, 0);
    CHECK_STR(st.behaviour, "puppet");
    (void)wf_turn(r, wf_next_ready(r), 6); /* cut off */
    CHECK(weft_stats_actor(sys, b, &st));
    CHECK_U64(st.queued, 2);
    CHECK_U64(st.queued_bytes, 2 * 256);
    CHECK_U64(st.handled, 6);
    (void)wf_turn_rest(r, 10);
    CHECK(weft_stats_actor(sys, b, &st));
    CHECK_U64(st.queued, 0);
    CHECK_U64(st.queued_bytes, 0);
    CHECK_U64(st.age_ms, 0);
    CHECK_U64(st.handled, 8);
    rig_free(&sys);
}

static weft_err keep_it(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)with;
    s->kept = weft_keep(msg);
    return WEFT_OK;
}
static weft_err drop_it(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)msg, (void)with;
    weft_drop(&s->kept);
    return WEFT_OK;
}
static weft_err on_any(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg, (void)got;
    return WEFT_OK;
}
static weft_err ask_and_arm(weft_actor *self, weft_msg *msg, void *with)
{
    const sending *s = with;
    CHECK(weft_after(self, 5000, num, .n = 1).slot != 0);
    CHECK(weft_every(self, 5000, num, .n = 1).slot != 0);
    for (unsigned i = 0; i < s->nums; i++)
        CHECK_OK(weft_when(msg, weft_ask(self, s->to, act, .fn = keep_it), on_any));
    return WEFT_OK;
}
static weft_err stop_now(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static void a_reactors_counts_are_exact(void)
{
    weft_reactor_stats before, now;
    weft_ref a = sim_puppet(NULL), b = sim_puppet(NULL);
    CHECK(weft_sim_run(sim));
    before = sim_stats(0);
    sending s = {b, 1, 0};
    sim_do(a, ask_and_arm, &s);
    now = sim_stats(0);
    CHECK_U64(now.messages - before.messages, 2);
    CHECK_U64(now.asks, 1);
    CHECK_U64(now.timers, 2);
    CHECK_U64(now.actors, before.actors);
    sim_do(b, drop_it, NULL);
    CHECK_U64(sim_stats(0).asks, 0);
    sim_do(a, stop_now, NULL);
    CHECK_U64(sim_stats(0).timers, 0);
    CHECK_U64(sim_stats(0).actors, before.actors - 1);
    CHECK_U64(sim_stats(0).refused, before.refused);
    CHECK_U64(sim_stats(0).dead_letters, before.dead_letters);
    CHECK(sim_stats(0).block_bytes > 0);
}

static void nobody_has_no_counts(void)
{
    weft_actor_stats s;
    weft_reactor_stats r;
    weft_system *sys = weft_sim_system(sim);
    weft_ref a = sim_puppet(NULL);
    CHECK(weft_stats_actor(sys, a, &s));
    CHECK(weft_ref_same(s.ref, a));
    sim_do(a, stop_now, NULL);
    CHECK(!weft_stats_actor(sys, a, &s));
    CHECK(!weft_stats_actor(sys, WEFT_NOBODY, &s));
    CHECK(!weft_stats_actor(sys, (weft_ref){.home = 9, .slot = 1, .gen = 1}, &s));
    CHECK(!weft_stats_actor(sys, (weft_ref){.home = 1, .slot = UINT32_MAX, .gen = 1}, &s));
    CHECK(!weft_stats_actor(sys, (weft_ref){.home = 0xFFFEU, .slot = 1}, &s));
    CHECK(!weft_stats_reactor(sys, 1, &r));
    CHECK(!weft_stats_reactor(sys, UINT32_MAX, &r));
}

static weft_ref a_child;
static weft_err spawn_one(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    a_child = weft_spawn(self, &puppet, NULL);
    return WEFT_OK;
}

static void every_actor_of_a_reactor_is_listed_once(void)
{
    enum { N = 50 };
    weft_system *sys = weft_sim_system(sim);
    weft_ref all[N];
    for (int i = 0; i < N; i++)
        all[i] = sim_puppet(NULL);
    sim_do(all[3], spawn_one, NULL);
    for (int i = 0; i < N; i += 2)
        sim_do(all[i], stop_now, NULL);
    uint32_t cursor = 0;
    weft_actor_stats s;
    unsigned found = 0, others = 0, children = 0;
    while (weft_stats_next(sys, 0, &cursor, &s)) {
        bool mine = false;
        for (int i = 1; i < N; i += 2)
            mine = mine || weft_ref_same(s.ref, all[i]);
        if (weft_ref_same(s.ref, a_child)) {
            children++;
            CHECK(weft_ref_same(s.parent, all[3]));
        } else {
            CHECK(weft_ref_is_nobody(s.parent));
            *(mine ? &found : &others) += 1;
        }
    }
    CHECK_U64(found, N / 2);
    CHECK_U64(children, 1);
    CHECK_U64(others, 2); /* the coordinator, and who speaks for the test */
    CHECK(!weft_stats_next(sys, 0, &cursor, &s));
    cursor = 0;
    CHECK(!weft_stats_next(sys, 5, &cursor, &s));
}

static void buffers_are_counted(void)
{
    uint8_t *to;
    weft_bytes b;
    CHECK(weft_sim_run(sim));
    uint64_t before = sim_stats(0).buffer_bytes;
    CHECK_OK(weft_bytes_new(50000, &to, &b));
    CHECK(sim_stats(0).buffer_bytes - before >= 50000);
    weft_bytes_drop(&b);
}

static const test_case cases[] = {
    TEST(what_waits_is_counted_with_its_bytes_and_age),
    TEST(a_reactors_counts_are_exact),
    TEST(nobody_has_no_counts),
    TEST(every_actor_of_a_reactor_is_listed_once),
    TEST(buffers_are_counted),
    {0},
};

const test_suite stats_suite = {
    .name = "runtime/stats", .before = sim_one, .after = sim_done, .cases = cases};
