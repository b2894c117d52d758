/* SPDX-License-Identifier: MIT */
/* Monitors and links: told once, also when it is too late, across reactors, whoever ends first. */
#include "kit.h"

#include "alloc.h"
#include "core.h"
#include "sys.h"

typedef struct pair {
    weft_ref to;
    weft_err err;
    unsigned times;
} pair;

static weft_err watch(weft_actor *self, weft_msg *msg, void *with)
{
    pair *p = with;
    (void)msg;
    for (unsigned i = 0; i < (p->times != 0 ? p->times : 1); i++)
        p->err = weft_monitor(self, p->to);
    return WEFT_OK;
}
static weft_err unwatch(weft_actor *self, weft_msg *msg, void *with)
{
    const pair *p = with;
    (void)msg;
    weft_demonitor(self, p->to);
    return WEFT_OK;
}
static weft_err link_to(weft_actor *self, weft_msg *msg, void *with)
{
    pair *p = with;
    (void)msg;
    p->err = weft_link(self, p->to);
    return WEFT_OK;
}
static weft_err stop_ok(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}
static weft_err stop_ill(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_because(self, WEFT_EIO, "the disk is full");
}

static void one_that_ends_is_told_once(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        record *rec = record_new();
        pair p = {.to = sim_puppet_on(there, NULL)};
        sim_do(sim_puppet(rec), watch, &p);
        CHECK_OK(p.err);
        CHECK_U64(rec->downs, 0);
        sim_do(p.to, stop_ill, NULL);
        CHECK_U64(rec->downs, 1);
        CHECK(weft_ref_same(rec->down.who, p.to));
        CHECK_ERR(rec->down.reason, WEFT_EIO);
        CHECK_STR(rec->why, "the disk is full");
        CHECK_U64(sim_cells(0), 0);
    }
}

static char long_why[WEFT_WHY_BYTES];

static weft_err stop_at_length(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_because(self, WEFT_EIO, "%s", long_why);
}

/* A sentence of @n bytes. */
static void write_long_why(size_t n)
{
    for (size_t i = 0; i < n; i++)
        long_why[i] = (char)('a' + i % 26);
    long_why[n] = '\0';
}

static void a_sentence_comes_whole_as_long_as_any_is(void)
{
    for (unsigned there = 0; there < 2; there++)
        for (size_t n = 90; n < WEFT_WHY_BYTES; n++) {
            sim_of(2);
            record *rec = record_new(), *own = record_new();
            pair p = {.to = sim_puppet_on(there, NULL)};
            write_long_why(n);
            weft_ref linked = sim_puppet(own);
            sim_do(sim_puppet(rec), watch, &p);
            sim_do(linked, link_to, &p);
            pair q = {.to = linked};
            record *second = record_new();
            sim_do(sim_puppet(second), watch, &q);
            sim_do(p.to, stop_at_length, NULL);
            CHECK_U64(rec->downs, 1);
            CHECK_STR(rec->why, long_why);
            CHECK_U64(second->downs, 1);
            CHECK_STR(second->why, long_why);
            CHECK_U64(sim_cells(0), 0);
        }
}

static void a_long_sentence_is_cut_where_memory_is_out(void)
{
    unsigned cut = 0, whole = 0;
    write_long_why(WEFT_WHY_BYTES - 1);
    for (long n = 0; n < 20; n++)
        for (unsigned there = 0; there < 2; there++) {
            sim_of(2);
            record *rec = record_new();
            pair p = {.to = sim_puppet_on(there, NULL)};
            sim_do(sim_puppet(rec), watch, &p);
            wf_alloc_fail_after(n);
            bool told = weft_sim_tell(sim, p.to, act, .fn = stop_at_length) == WEFT_OK;
            wf_alloc_fail_after(-1);
            weft_sim_advance(sim, 100);
            CHECK_U64(rec->downs, told);
            if (!told)
                continue;
            CHECK_ERR(rec->down.reason, WEFT_EIO);
            whole += strcmp(rec->why, long_why) == 0;
            cut += strlen(rec->why) == 95 && strncmp(rec->why, long_why, 95) == 0;
        }
    CHECK(cut > 0 && whole > 0);
}

static void one_that_ends_in_order_is_told_too(void)
{
    record *rec = record_new();
    pair p = {.to = sim_puppet(NULL)};
    sim_do(sim_puppet(rec), watch, &p);
    sim_do(p.to, stop_ok, NULL);
    CHECK_U64(rec->downs, 1);
    CHECK_OK(rec->down.reason);
    CHECK_STR(rec->why, "all is well");
}

static void one_that_has_ended_is_told_at_once(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        record *rec = record_new();
        pair p = {.to = sim_puppet_on(there, NULL)};
        sim_do(p.to, stop_ok, NULL);
        sim_do(sim_puppet(rec), watch, &p);
        CHECK_OK(p.err);
        CHECK_U64(rec->downs, 1);
        CHECK_ERR(rec->down.reason, WEFT_EGONE);
        CHECK(weft_ref_same(rec->down.who, p.to));
        CHECK_U64(sim_cells(0), 0);
    }
}

static void nobody_is_down_at_once(void)
{
    record *rec = record_new();
    weft_ref a = sim_puppet(rec);
    pair p = {.to = WEFT_NOBODY};
    sim_do(a, watch, &p);
    CHECK_OK(p.err);
    CHECK_U64(rec->downs, 1);
    p.to = (weft_ref){.home = 77, .slot = 1, .gen = 1};
    sim_do(a, watch, &p);
    CHECK_U64(rec->downs, 2);
    CHECK_ERR(rec->down.reason, WEFT_EGONE);
}

static void each_monitor_is_told(void)
{
    record *one = record_new(), *two = record_new();
    pair p = {.to = sim_puppet(NULL), .times = 3};
    sim_do(sim_puppet(one), watch, &p);
    sim_do(sim_puppet(two), watch, &p);
    sim_do(p.to, stop_ok, NULL);
    CHECK_U64(one->downs, 3);
    CHECK_U64(two->downs, 3);
}

static void monitors_taken_back_are_not_told(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        record *rec = record_new();
        weft_ref a = sim_puppet(rec);
        pair p = {.to = sim_puppet_on(there, NULL), .times = 3};
        pair other = {.to = sim_puppet_on(there, NULL)};
        sim_do(a, watch, &p);
        sim_do(a, watch, &other);
        sim_do(a, unwatch, &p);
        CHECK_U64(sim_cells(0), 1);
        sim_do(p.to, stop_ok, NULL);
        CHECK_U64(rec->downs, 0);
        sim_do(other.to, stop_ok, NULL);
        CHECK_U64(rec->downs, 1);
        sim_do(a, unwatch, &p); /* calm */
    }
}

static void a_watcher_that_ends_first_leaves_nothing(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        weft_ref a = sim_puppet(NULL);
        pair p = {.to = sim_puppet_on(there, NULL), .times = 5};
        sim_do(a, watch, &p);
        sim_do(a, stop_ok, NULL);
        CHECK_U64(sim_cells(0), 0);
        sim_do(p.to, stop_ok, NULL);
    }
}

static void both_may_end_at_once(void)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        sim_with(&(weft_sim_options){.seed = seed, .system.reactors = 2});
        weft_ref a = sim_puppet(NULL);
        pair p = {.to = sim_puppet_on(1, NULL)}, back = {.to = a};
        act stop = {stop_ok, NULL};
        sim_do(a, watch, &p);
        sim_do(p.to, watch, &back);
        CHECK_OK(weft_system_tell(weft_sim_system(sim), a, &act_type, &stop));
        CHECK_OK(weft_system_tell(weft_sim_system(sim), p.to, &act_type, &stop));
        CHECK(weft_sim_run(sim));
        CHECK_U64(sim_cells(0) + sim_cells(1), 0);
    }
}

static weft_err watch_self(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    CHECK_OK(weft_monitor(self, weft_self(self)));
    return weft_link(self, weft_self(self));
}

static void one_may_watch_itself(void)
{
    weft_ref a = sim_puppet(NULL);
    sim_do(a, watch_self, NULL);
    sim_do(a, stop_ill, NULL);
    CHECK_U64(sim_cells(0), 0);
}

/* ---- how many */

static weft_err few_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}
static unsigned few_downs;
static weft_err few_down(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    few_downs++;
    return WEFT_OK;
}
static const weft_handler few_handlers[] = {
    {.type = &act_type, .fn = few_act}, {.type = &weft_down_type, .fn = few_down}, {0}};
static const weft_behaviour few = {.name = "few", .handlers = few_handlers, .monitors_max = 3};

static void monitors_beyond_monitors_max_are_refused(void)
{
    weft_ref a = weft_sim_spawn(sim, &few, NULL);
    pair p = {.to = sim_puppet(NULL), .times = 3};
    few_downs = 0;
    CHECK_OK(weft_sim_tell(sim, a, act, .fn = watch, .with = &p));
    CHECK_OK(p.err);
    p.times = 1;
    CHECK_OK(weft_sim_tell(sim, a, act, .fn = watch, .with = &p));
    CHECK_ERR(p.err, WEFT_ELIMIT);
    sim_do(p.to, stop_ok, NULL);
    CHECK_U64(few_downs, 3);
    p.to = sim_puppet(NULL);
    CHECK_OK(weft_sim_tell(sim, a, act, .fn = watch, .with = &p)); /* their room has come back */
    CHECK_OK(p.err);
}

static const weft_behaviour cramped = {
    .name = "cramped", .handlers = few_handlers, .mailbox_max = 1};

static weft_err no_more(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    return WEFT_OK;
}
static weft_err fill_it_and_stop(weft_actor *self, weft_msg *msg, void *with)
{
    const weft_ref *to = with;
    (void)msg;
    while (weft_tell(self, *to, act, .fn = no_more) == WEFT_OK) {
    }
    return weft_stop(self, WEFT_OK);
}

static void a_down_is_told_though_the_mailbox_is_full(void)
{
    few_downs = 0;
    weft_ref a = weft_sim_spawn(sim, &cramped, NULL), b = sim_puppet(NULL);
    pair p = {.to = b};
    CHECK_OK(weft_sim_tell(sim, a, act, .fn = watch, .with = &p));
    sim_do(b, fill_it_and_stop, &a);
    CHECK_U64(few_downs, 1);
}

/* ---- names */

static weft_err take_name(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_register(self, "monitored");
}
static weft_err watch_name(weft_actor *self, weft_msg *msg, void *with)
{
    pair *p = with;
    (void)msg;
    p->to = weft_named(self, "monitored");
    p->err = weft_monitor(self, p->to);
    return WEFT_OK;
}

static void a_name_is_watched_as_who_has_it(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        record *rec = record_new();
        weft_ref b = sim_puppet_on(there, NULL), a = sim_puppet(rec);
        pair p = {0};
        sim_do(a, watch_name, &p);
        CHECK_U64(rec->downs, 1); /* nobody has it */
        sim_do(b, take_name, NULL);
        sim_do(a, watch_name, &p);
        CHECK_OK(p.err);
        sim_do(b, stop_ok, NULL);
        CHECK_U64(rec->downs, 2);
        CHECK(weft_ref_same(rec->down.who, p.to)); /* as it was watched */
    }
}

/* ---- links */

static void check_linked(unsigned there, bool first_ends, act_fn *how, bool other_ends)
{
    sim_of(2);
    record *one = record_new(), *two = record_new();
    weft_ref a = sim_puppet(one), b = sim_puppet_on(there, two);
    pair p = {.to = b};
    sim_do(a, link_to, &p);
    CHECK_OK(p.err);
    sim_do(first_ends ? a : b, how, NULL);
    const record *other = first_ends ? two : one;
    CHECK_U64(other->ends, other_ends);
    if (other_ends)
        CHECK_ERR(other->ended, WEFT_EIO);
    CHECK_U64(one->downs + two->downs, 0);
    CHECK_U64(sim_cells(0) + sim_cells(1), 0);
}

static void those_who_are_linked_end_together_in_error(void)
{
    for (unsigned there = 0; there < 2; there++) {
        check_linked(there, true, stop_ill, true);
        check_linked(there, false, stop_ill, true);
    }
}

static void those_who_are_linked_may_end_alone_in_order(void)
{
    for (unsigned there = 0; there < 2; there++) {
        check_linked(there, true, stop_ok, false);
        check_linked(there, false, stop_ok, false);
    }
}

static void who_links_to_one_that_has_ended_ends(void)
{
    record *rec = record_new();
    weft_ref a = sim_puppet(rec), b = sim_puppet(NULL);
    pair p = {.to = b};
    sim_do(b, stop_ok, NULL);
    sim_do(a, link_to, &p);
    CHECK_OK(p.err);
    CHECK_U64(rec->ends, 1);
    CHECK_ERR(rec->ended, WEFT_EGONE);
}

static void a_link_can_be_taken_back(void)
{
    record *one = record_new();
    weft_ref a = sim_puppet(one), b = sim_puppet(NULL);
    pair p = {.to = b};
    sim_do(a, link_to, &p);
    sim_do(a, unwatch, &p);
    sim_do(b, stop_ill, NULL);
    CHECK_U64(one->ends, 0);
}

static void a_chain_of_links_ends_as_one(void)
{
    enum { N = 200 };
    record *rec[3] = {record_new(), record_new(), record_new()};
    weft_ref all[N];
    for (int i = 0; i < N; i++)
        all[i] = sim_puppet(i == 0 ? rec[0] : i == N - 1 ? rec[1] : rec[2]);
    for (int i = 0; i + 1 < N; i++) {
        pair p = {.to = all[i + 1]};
        sim_do(all[i], link_to, &p);
    }
    sim_do(all[N / 2], stop_ill, NULL);
    CHECK_U64(rec[0]->ends, 1);
    CHECK_U64(rec[1]->ends, 1);
    CHECK_U64(rec[2]->ends, N - 2);
}

/* The word to another reactor needs a batch, which is made when there is none. */
static void a_watcher_elsewhere_is_told_though_memory_was_out(void)
{
    unsigned late = 0;
    for (long n = 0; n < 20; n++) {
        sim_of(2);
        record *rec = record_new();
        pair p = {.to = sim_puppet(NULL)};
        sim_do(sim_puppet_on(1, rec), watch, &p);
        wf_alloc_fail_after(n);
        bool told = weft_sim_tell(sim, p.to, act, .fn = stop_ill) == WEFT_OK;
        wf_alloc_fail_after(-1);
        late += told && rec->downs == 0;
        weft_sim_advance(sim, 100);
        CHECK_U64(rec->downs, told);
        if (told)
            CHECK_ERR(rec->down.reason, WEFT_EIO);
    }
    CHECK(late > 0); /* else none of them was the one that matters */
}

/* The watched one's side of a monitor needs memory, and so does saying that there was none. */
static void a_monitor_elsewhere_fires_though_there_was_no_memory_for_it(void)
{
    unsigned late = 0;
    for (long n = 0; n < 30; n++) {
        sim_of(2);
        record *rec = record_new();
        pair p = {.to = sim_puppet_on(1, NULL), .err = WEFT_EABORTED};
        weft_ref a = sim_puppet(rec);
        wf_alloc_fail_run(n, 2);
        (void)weft_sim_tell(sim, a, act, .fn = watch, .with = &p);
        wf_alloc_fail_after(-1);
        unsigned at_once = rec->downs;
        weft_sim_advance(sim, 100);
        late += at_once == 0 && rec->downs == 1;
        if (rec->downs == 1)
            CHECK_ERR(rec->down.reason, WEFT_ENOMEM);
        sim_do(p.to, stop_ill, NULL);
        CHECK_U64(rec->downs, p.err == WEFT_OK);
        CHECK_U64(sim_cells(0), 0);
    }
    CHECK(late > 0); /* else none of them was the one that matters */
}

static const test_case cases[] = {
    TEST(a_monitor_elsewhere_fires_though_there_was_no_memory_for_it),
    TEST(a_watcher_elsewhere_is_told_though_memory_was_out),
    TEST(one_that_ends_is_told_once),
    TEST(a_sentence_comes_whole_as_long_as_any_is),
    TEST(a_long_sentence_is_cut_where_memory_is_out),
    TEST(one_that_ends_in_order_is_told_too),
    TEST(one_that_has_ended_is_told_at_once),
    TEST(nobody_is_down_at_once),
    TEST(each_monitor_is_told),
    TEST(monitors_taken_back_are_not_told),
    TEST(a_watcher_that_ends_first_leaves_nothing),
    TEST(both_may_end_at_once),
    TEST(one_may_watch_itself),
    TEST(monitors_beyond_monitors_max_are_refused),
    TEST(a_down_is_told_though_the_mailbox_is_full),
    TEST(a_name_is_watched_as_who_has_it),
    TEST(those_who_are_linked_end_together_in_error),
    TEST(those_who_are_linked_may_end_alone_in_order),
    TEST(who_links_to_one_that_has_ended_ends),
    TEST(a_link_can_be_taken_back),
    TEST(a_chain_of_links_ends_as_one),
    {0},
};

const test_suite monitors_suite = {
    .name = "runtime/monitors", .before = sim_one, .after = sim_done, .cases = cases};
