/* SPDX-License-Identifier: MIT */
/* Isolated children: real processes, which are killed, stopped, and let go. */
#include "isolated_kit.h"

#include <signal.h>
#include <unistd.h>

/* ---- while it runs */

static void ask_it(weft_actor *self)
{
    CHECK_U64(isolated_value(self, "first", 41), 42);
    uint64_t pid = isolated_value(self, "first", ORDER_PID);
    CHECK(pid != (uint64_t)getpid());
    CHECK_U64(isolated_value(self, "first", ORDER_PID), pid);
    CHECK(isolated_value(self, "second", ORDER_PID) != pid);
    CHECK_U64(isolated_value(self, "here", ORDER_PID), getpid());
}

static void a_child_runs_in_a_process_of_its_own_and_is_asked_by_its_name(void)
{
    isolated_run("two", ask_it, NULL);
}

static void ask_up(weft_actor *self)
{
    CHECK_U64(isolated_value(self, "first", ORDER_UP), 101);
    CHECK_U64(isolated_value(self, "first", ORDER_SIDE), 101);
}

static void it_reaches_who_started_it_and_through_that_its_siblings(void)
{
    isolated_run("two", ask_up, NULL);
}

static void such_a_system_may_be_a_node_too(void)
{
    static const weft_node node = {
        .name = "edge-1", .cluster = "farm", .ping_ms = 100, .lost_ms = ISOLATED_LOST_MS};
    isolated_run("two", ask_up, &node);
}

typedef struct plain {
    uint64_t n;
} plain;
static const weft_type plain_type = WEFT_TYPE("test.plain", plain, NULL);

static void tell_plainly(weft_actor *self)
{
    CHECK_U64(isolated_value(self, "first", 1), 2);
    CHECK_ERR(weft_tell(self, weft_named(self, "first"), plain, .n = 1), WEFT_ETYPE);
    const weft_outcome *got =
        weft_await(self, weft_ask(self, weft_named(self, "first"), plain, .n = 1));
    CHECK_ERR(got->err, WEFT_ETYPE);
    CHECK_STR(got->why, "test.plain is a plain struct: it cannot go to node isolated/first");
}

static void a_plain_struct_is_refused(void)
{
    isolated_run("two", tell_plainly, NULL);
}

static void ask_below(weft_actor *self)
{
    while (isolated_ask(self, "shop/y", 1)->err == WEFT_EGONE)
        continue; /* its supervisor gives names when it begins, as any other */
    uint64_t pid = isolated_value(self, "shop/x", ORDER_PID);
    CHECK(pid != (uint64_t)getpid());
    CHECK_U64(isolated_value(self, "shop/far", ORDER_PID), pid);
    uint64_t y = isolated_value(self, "shop/y", ORDER_PID);
    CHECK(y != pid && y != (uint64_t)getpid());
    CHECK_U64(isolated_value(self, "shop/y", ORDER_X), 101);
    const weft_outcome *got = isolated_ask(self, "shop/y", ORDER_KILL);
    CHECK_ERR(got->err, WEFT_ELOST);
    CHECK(isolated_value(self, "shop/y", ORDER_PID) != y);
    CHECK_U64(isolated_value(self, "shop/x", ORDER_PID), pid);
}

static void a_supervisor_runs_with_its_own_children_some_of_them_isolated_again(void)
{
    isolated_run("nested", ask_below, NULL);
}

/* ---- crashes */

static void crash_it(weft_actor *self, uint64_t how)
{
    uint64_t pid = isolated_value(self, "first", ORDER_PID);
    uint64_t other = isolated_value(self, "second", ORDER_PID);
    weft_ref first = weft_named(self, "first");
    weft_deferred kept = weft_ask_within(self, first, ISOLATED_LIMIT_MS, count, .n = ORDER_KEEP);
    CHECK_OK(weft_monitor(self, first));
    const weft_outcome *got = isolated_ask(self, "first", how);
    CHECK_ERR(got->err, WEFT_ELOST);
    CHECK(got->delivery != WEFT_NOT_DELIVERED);
    got = weft_await(self, kept);
    CHECK_ERR(got->err, WEFT_ELOST);
    CHECK_ERR(isolated_down(self)->down, WEFT_ELOST);
    /* at once: it waits until the child has begun again */
    got = isolated_ask(self, "first", ORDER_PID);
    CHECK(count_of(got) != pid);
    CHECK_U64(got->err == WEFT_OK ? ((const count *)got->body)->from : 0, 1);
    CHECK_U64(isolated_value(self, "second", ORDER_PID), other);
}

static void kill_it(weft_actor *self)
{
    crash_it(self, ORDER_KILL);
    weft_supervisor_listing list = isolated_list(self);
    CHECK_U64(list.child[0].restarts, 1);
    CHECK_ERR(list.child[0].reason, WEFT_ELOST);
    CHECK(list.child[0].state == WEFT_CHILD_UP);
    CHECK(weft_ref_kind_of(list.child[0].ref) == WEFT_REF_NAME);
    CHECK_U64(list.child[1].restarts, 0);
    crash_it(self, ORDER_ABORT);
    CHECK_U64(isolated_list(self).child[0].restarts, 2);
}

static void when_it_is_killed_only_its_askers_notice_and_it_begins_again(void)
{
    isolated_run("two", kill_it, NULL);
}

static void silence_it(weft_actor *self)
{
    crash_it(self, ORDER_HALT);
    crash_it(self, ORDER_SPIN);
}

static void one_that_is_silent_is_killed_and_begins_again(void)
{
    isolated_run("two", silence_it, NULL);
}

static void kill_often(weft_actor *self)
{
    for (unsigned i = 0; i < 20; i++) {
        uint64_t pid = isolated_value(self, "first", ORDER_PID);
        CHECK(kill((pid_t)pid, SIGKILL) == 0);
        /* what was on its way may be lost, never wrong */
        const weft_outcome *got = isolated_ask(self, "first", 1);
        CHECK(got->err == WEFT_OK || got->err == WEFT_ELOST);
        CHECK(isolated_ask(self, "second", 1)->err == WEFT_OK);
    }
}

static void it_may_be_killed_again_and_again(void)
{
    isolated_run("two", kill_often, NULL);
}

static void kill_too_often(weft_actor *self)
{
    CHECK_OK(weft_monitor(self, isolated_supervisor));
    for (unsigned i = 0; i < 3; i++) {
        CHECK_U64(isolated_value(self, "first", 1), 2);
        CHECK_ERR(isolated_ask(self, "first", ORDER_KILL)->err, WEFT_ELOST);
    }
    const seen *down = isolated_down(self);
    CHECK_ERR(down->down, WEFT_ELIMIT);
    CHECK(strstr(down->why, "child first failed once more after 2 restarts") == down->why);
    CHECK(isolated_ask(self, "first", 1)->err != WEFT_OK);
}

static void crashes_count_as_restarts_do(void)
{
    isolated_run("strict", kill_too_often, NULL);
}

/* ---- it stops by itself */

static void have_it_fail(weft_actor *self)
{
    uint64_t pid = isolated_value(self, "first", ORDER_PID);
    CHECK_U64(isolated_value(self, "first", ORDER_FAIL), 0);
    const weft_outcome *got;
    do /* the process may take it while it ends */
        got = isolated_ask(self, "first", ORDER_PID);
    while (got->err == WEFT_EGONE || got->err == WEFT_ELOST);
    CHECK(count_of(got) != pid);
    CHECK_ERR(isolated_list(self).child[0].reason, WEFT_EINVAL);
}

static void what_it_stopped_for_is_what_its_supervisor_is_told(void)
{
    isolated_run("once", have_it_fail, NULL);
}

static void have_it_end(weft_actor *self)
{
    CHECK_U64(isolated_value(self, "first", 1), 2);
    CHECK_OK(weft_monitor(self, weft_named(self, "first")));
    CHECK_U64(isolated_value(self, "first", ORDER_DONE), 0);
    (void)isolated_down(self);
    while (isolated_list(self).child[0].state != WEFT_CHILD_ENDED)
        CHECK_OK(weft_sleep(self, 0));
    CHECK_OK(isolated_list(self).child[0].reason);
    CHECK_ERR(isolated_ask(self, "first", 1)->err, WEFT_EGONE);
}

static void one_that_is_not_restarted_ends_with_its_process_and_its_name(void)
{
    isolated_run("once", have_it_end, NULL);
}

static void see_it_fail(weft_actor *self)
{
    CHECK_OK(weft_monitor(self, isolated_supervisor));
    const seen *down = isolated_down(self);
    CHECK_ERR(down->down, WEFT_ENOTFOUND);
    CHECK_STR(down->why, "child first could not start: there is no such thing");
}

static void that_its_start_failed_is_said_with_its_sentence(void)
{
    isolated_run("broken", see_it_fail, NULL);
}

/* ---- it is stopped */

static void make_it_stubborn(weft_actor *self)
{
    CHECK_U64(isolated_value(self, "first", ORDER_STUBBORN), 0);
}

static void one_that_does_not_stop_is_ended_in_its_time(void)
{
    isolated_run("quick", make_it_stubborn, NULL);
}

static void make_it_hang(weft_actor *self)
{
    weft_ref first = weft_named(self, "first");
    CHECK_U64(isolated_value(self, "first", 1), 2);
    CHECK_OK(weft_tell(self, first, count, .n = ORDER_SPIN));
}

static void so_is_one_that_hangs(void)
{
    isolated_run("quick", make_it_hang, NULL);
}

static void do_nothing(weft_actor *self)
{
    (void)self;
}

static void it_may_be_stopped_before_it_is_up(void)
{
    isolated_run("nested", do_nothing, NULL);
}

static void remove_it(weft_actor *self)
{
    CHECK_U64(isolated_value(self, "first", 1), 2);
    weft_supervisor_remove what = {.ref = WEFT_NOBODY, .name = "first"};
    const weft_outcome *got =
        weft_await(self, weft_ask_body(self, isolated_supervisor, &weft_supervisor_remove_type,
                                       &what, ISOLATED_LIMIT_MS));
    CHECK_OK(got->err);
    CHECK_U64(isolated_list(self).all, 2);
    CHECK_ERR(isolated_ask(self, "first", 1)->err, WEFT_EGONE);
    weft_supervisor_add add = {.child = isolated_tree("two")->children[0], .name = "first"};
    got = weft_await(self, weft_ask_body(self, isolated_supervisor, &weft_supervisor_add_type, &add,
                                         ISOLATED_LIMIT_MS));
    CHECK_ERR(got->err, WEFT_EUNSUPPORTED);
}

static void it_may_be_removed_but_not_be_added_later(void)
{
    isolated_run("two", remove_it, NULL);
}

static const test_case cases[] = {
    TEST(a_child_runs_in_a_process_of_its_own_and_is_asked_by_its_name),
    TEST(it_reaches_who_started_it_and_through_that_its_siblings),
    TEST(such_a_system_may_be_a_node_too),
    TEST(a_plain_struct_is_refused),
    TEST(a_supervisor_runs_with_its_own_children_some_of_them_isolated_again),
    TEST(when_it_is_killed_only_its_askers_notice_and_it_begins_again),
    TEST(one_that_is_silent_is_killed_and_begins_again),
    TEST(it_may_be_killed_again_and_again),
    TEST(crashes_count_as_restarts_do),
    TEST(what_it_stopped_for_is_what_its_supervisor_is_told),
    TEST(one_that_is_not_restarted_ends_with_its_process_and_its_name),
    TEST(that_its_start_failed_is_said_with_its_sentence),
    TEST(one_that_does_not_stop_is_ended_in_its_time),
    TEST(so_is_one_that_hangs),
    TEST(it_may_be_stopped_before_it_is_up),
    TEST(it_may_be_removed_but_not_be_added_later),
    {0},
};
const test_suite isolated_suite = {.name = "actors/isolated", .cases = cases, .threads = true};
