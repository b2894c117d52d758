/* SPDX-License-Identifier: MIT */
/* Wards: children that keep their reference, their names and those who monitor them when they stop. */
#include "kit.h"

#include <weft/edge.h>
#include <weft/fiber.h>
#include <weft/ward.h>

#include "runtime/alloc.h"

/* What the keeper, a puppet, heard of its ward. */
static struct {
    weft_ward ward;
    weft_ref keeper, ref;
    unsigned ups, downs;
    weft_err up, reason;
    char why[RECORD_WHY];
    bool again; /* begins it in `down` */
} kept;

static void ward_up(weft_actor *self, weft_ward *ward, weft_err err, const char *why)
{
    CHECK(weft_ref_same(weft_self(self), kept.keeper));
    CHECK(ward == &kept.ward);
    kept.ups++;
    kept.up = err;
    (void)snprintf(kept.why, sizeof kept.why, "%s", why);
}

static void ward_down(weft_actor *self, weft_ward *ward, weft_err reason, const char *why)
{
    kept.downs++;
    kept.reason = reason;
    (void)snprintf(kept.why, sizeof kept.why, "%s", why);
    CHECK(weft_ward_is_down(ward));
    if (kept.again)
        (void)weft_ward_begin(self, ward);
}

static const weft_ward_ops ops = {.up = ward_up, .down = ward_down};

typedef struct plan {
    const weft_behaviour *behaviour;
    const void *config;
    weft_err err;
    weft_why why;
} plan;

static weft_err make(weft_actor *self, weft_msg *msg, void *with)
{
    plan *p = with;
    (void)msg;
    p->err = weft_ward_new(self, &kept.ward, p->behaviour, p->config, &ops, &p->why);
    kept.ref = kept.ward.ref;
    return WEFT_OK;
}
static weft_err begin(weft_actor *self, weft_msg *msg, void *with)
{
    bool up = weft_ward_begin(self, &kept.ward);
    (void)msg;
    if (with != NULL)
        *(bool *)with = up;
    return WEFT_OK;
}
static weft_err stop(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    weft_ward_stop(self, &kept.ward, WEFT_ESTOPPING);
    return WEFT_OK;
}
static weft_err end(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    weft_ward_end(self, &kept.ward, WEFT_ECANCELLED);
    return WEFT_OK;
}

/* A keeper with a ward that is down. */
static void keep(const weft_behaviour *behaviour, const void *config)
{
    plan p = {.behaviour = behaviour, .config = config};
    memset(&kept, 0, sizeof kept);
    kept.keeper = sim_puppet(NULL);
    sim_do(kept.keeper, make, &p);
    CHECK_OK(p.err);
    REQUIRE(!weft_ref_is_nobody(kept.ref));
}

static void keep_begun(const weft_behaviour *behaviour, const void *config)
{
    keep(behaviour, config);
    sim_do(kept.keeper, begin, NULL);
}

/* ---- what a ward does */

static weft_err crash(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_because(self, WEFT_EIO, "the disk is %s", "gone");
}
static weft_err count(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)with;
    return weft_reply(msg, num, .n = ++s->n);
}
static weft_err watch(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_monitor(self, *(const weft_ref *)with);
}
static weft_err unwatch(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    weft_demonitor(self, *(const weft_ref *)with);
    return WEFT_OK;
}
static weft_err tie(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_link(self, *(const weft_ref *)with);
}
static uint64_t counted(void)
{
    const weft_outcome *got = sim_ask(kept.ref, count, NULL);
    CHECK_OK(got->err);
    return got->err == WEFT_OK ? ((const num *)got->body)->n : 0;
}

/* A witness: monitors the ward, and writes down what it is told. */
static struct {
    unsigned restarted, downs;
    weft_restarted last;
    weft_down down;
    char why[RECORD_WHY];
} seen;

static weft_err on_restarted(weft_actor *self, weft_msg *msg)
{
    (void)self;
    seen.restarted++;
    seen.last = *(const weft_restarted *)weft_body(msg);
    (void)snprintf(seen.why, sizeof seen.why, "%s", seen.last.why);
    return WEFT_OK;
}
static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    (void)self;
    seen.downs++;
    seen.down = *(const weft_down *)weft_body(msg);
    (void)snprintf(seen.why, sizeof seen.why, "%s", seen.down.why);
    return WEFT_OK;
}
static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}
static const weft_handler witness_rows[] = {{.type = &weft_restarted_type, .fn = on_restarted},
                                            {.type = &weft_down_type, .fn = on_down},
                                            {.type = &act_type, .fn = on_act},
                                            {0}};
static const weft_behaviour witness = {.name = "witness", .handlers = witness_rows};

static weft_ref watched_from(unsigned reactor)
{
    memset(&seen, 0, sizeof seen);
    weft_ref w = weft_system_spawn(weft_sim_system(sim), reactor, &witness, NULL);
    sim_do(w, watch, &kept.ref);
    return w;
}

/* ---- the life of a ward */

static void what_is_told_before_it_begins_waits_for_it(void)
{
    record *rec = record_new();
    bool up = false;
    keep(&puppet, rec);
    CHECK_OK(weft_sim_tell(sim, kept.ref, num, .n = 7));
    CHECK_U64(rec->n, 0);
    sim_do(kept.keeper, begin, &up);
    CHECK(up);
    CHECK_U64(rec->n, 1);
    CHECK_U64(kept.ups, 0); /* it was up at once */
}

static void a_restart_keeps_the_reference_and_zeroes_the_state(void)
{
    record *rec = record_new();
    keep_begun(&puppet, rec);
    CHECK_U64(counted(), 1);
    CHECK_U64(counted(), 2);
    kept.again = true;
    sim_do(kept.ref, crash, NULL);
    CHECK_U64(kept.downs, 1);
    CHECK_ERR(kept.reason, WEFT_EIO);
    CHECK_STR(kept.why, "the disk is gone");
    CHECK_U64(rec->ends, 1);
    CHECK_U64(counted(), 1);
    CHECK_U64(kept.ward.begun, 2);
}

static void while_it_is_down_tells_wait_within_its_limit(void)
{
    static weft_behaviour narrow;
    record *rec = record_new();
    narrow = puppet;
    narrow.mailbox_max = 3;
    keep_begun(&narrow, rec);
    sim_do(kept.ref, crash, NULL);
    for (uint64_t n = 0; n < 3; n++)
        CHECK_OK(weft_sim_tell(sim, kept.ref, num, .n = n));
    CHECK_ERR(weft_sim_tell(sim, kept.ref, num, .n = 9), WEFT_EFULL);
    CHECK_U64(rec->n, 0);
    sim_do(kept.keeper, begin, NULL);
    CHECK_U64(rec->n, 3);
    CHECK_U64(rec->got[2], 2);
}

static void an_ask_waits_for_one_that_is_down_within_its_time(void)
{
    keep_begun(&puppet, NULL);
    sim_do(kept.ref, crash, NULL);
    const weft_outcome *got = weft_sim_ask_body(sim, kept.ref, &act_type, &(act){count, NULL}, 200);
    CHECK_ERR(got->err, WEFT_ETIMEDOUT);
    sim_do(kept.keeper, begin, NULL);
    CHECK_U64(counted(), 1); /* what nobody waits for was taken back, not run */
}

static weft_err crash_with_mail(weft_actor *self, weft_msg *msg, void *with)
{
    CHECK_OK(weft_tell(self, weft_self(self), num, .n = 1));
    return crash(self, msg, with);
}

static void mail_queued_at_the_crash_fails(void)
{
    record *rec = record_new();
    keep_begun(&puppet, rec);
    kept.again = true;
    uint64_t dead = sim_stats(0).dead_letters;
    sim_do(kept.ref, crash_with_mail, NULL);
    CHECK_U64(rec->n, 0);
    CHECK_U64(sim_stats(0).dead_letters - dead, 1);
    CHECK_U64(sim_stats_of(kept.ref).queued, 0);
}

static weft_err gather(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    record *rec = with;
    s->kept = weft_keep(msg);
    s->timer = weft_every(self, 10, num, .n = 1);
    CHECK(!weft_ref_is_nobody(weft_spawn(self, &puppet, rec)));
    return weft_monitor(self, kept.keeper);
}

static void what_a_life_had_outstanding_ends_with_it(void)
{
    record *rec = record_new(), *child = record_new();
    keep_begun(&puppet, rec);
    sim_do(kept.ref, gather, child);
    CHECK_U64(sim_stats(0).timers, 1);
    sim_do(kept.ref, crash, NULL);
    CHECK_U64(child->ends, 1);
    CHECK_U64(sim_stats(0).timers, 0);
    sim_do(kept.keeper, begin, NULL);
    weft_sim_advance(sim, 100);
    CHECK_U64(rec->n, 0);
    CHECK_U64(counted(), 1);
}

static weft_err be_another(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_become(self, &witness);
}

static void it_begins_again_as_what_it_was_made(void)
{
    keep_begun(&puppet, NULL);
    sim_do(kept.ref, be_another, NULL);
    CHECK_STR(sim_stats_of(kept.ref).behaviour, "witness");
    kept.again = true;
    sim_do(kept.ref, crash, NULL);
    CHECK_STR(sim_stats_of(kept.ref).behaviour, "puppet");
}

/* ---- starting */

static weft_msg *start_kept;
static weft_err start_err;
static bool start_keeps, start_stops;

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    if (start_keeps)
        start_kept = weft_keep(msg);
    if (start_stops)
        (void)weft_stop(self, WEFT_EDENIED);
    if (start_err != WEFT_OK)
        return weft_fail(msg, start_err, "no %s", "luck");
    return WEFT_OK;
}
static weft_err go_up(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    weft_drop(&start_kept);
    return WEFT_OK;
}
static const weft_handler starting_rows[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &act_type, .fn = on_act}, {0}};
static const weft_behaviour starting = {
    .name = "starting", .handlers = starting_rows, .state_bytes = 8};

static void starts(bool keeps, bool stops, weft_err err)
{
    start_keeps = keeps;
    start_stops = stops;
    start_err = err;
}

static void it_is_up_when_its_started_is_done(void)
{
    starts(false, false, WEFT_OK);
    keep_begun(&starting, NULL);
    CHECK_U64(kept.ups, 1);
    starts(true, false, WEFT_OK);
    keep_begun(&starting, NULL);
    CHECK_U64(kept.ups, 0);
    sim_do(kept.ref, go_up, NULL);
    CHECK_U64(kept.ups, 1);
    CHECK_ERR(kept.up, WEFT_OK);
}

static weft_err start_in_a_fiber(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_sleep(self, 100) != WEFT_OK ? WEFT_ESTOPPING : start_err;
}
static const weft_handler fiber_rows[] = {
    {.type = &weft_started_type, .fn = start_in_a_fiber, .fiber = true}, {0}};
static const weft_behaviour starting_slowly = {.name = "starting slowly", .handlers = fiber_rows};

static void a_start_may_wait_in_a_fiber(void)
{
    starts(false, false, WEFT_EDENIED);
    keep_begun(&starting_slowly, NULL);
    weft_sim_advance(sim, 90);
    CHECK_U64(kept.ups, 0);
    weft_sim_advance(sim, 20);
    CHECK_U64(kept.ups, 1);
    CHECK_ERR(kept.up, WEFT_EDENIED);
    sim_do(kept.keeper, stop, NULL);
    sim_do(kept.keeper, begin, NULL);
    sim_do(kept.keeper, stop, NULL); /* in the middle of it */
    CHECK_U64(kept.ups, 1);
    CHECK_U64(kept.downs, 2);
}

static void a_start_that_fails_is_told_with_its_sentence(void)
{
    starts(false, false, WEFT_EEXISTS);
    keep_begun(&starting, NULL);
    CHECK_U64(kept.ups, 1);
    CHECK_ERR(kept.up, WEFT_EEXISTS);
    CHECK_STR(kept.why, "no luck");
}

static void one_that_stops_while_it_starts_is_down_and_never_up(void)
{
    starts(false, true, WEFT_OK);
    keep_begun(&starting, NULL);
    starts(true, false, WEFT_OK);
    CHECK_U64(kept.ups, 0);
    CHECK_U64(kept.downs, 1);
    sim_do(kept.keeper, begin, NULL);
    sim_do(kept.keeper, stop, NULL); /* a start that waits ends with it */
    CHECK_U64(kept.ups, 0);
    CHECK_U64(kept.downs, 2);
}

static weft_err begin_and_stop(weft_actor *self, weft_msg *msg, void *with)
{
    (void)begin(self, msg, with);
    return stop(self, msg, with);
}

static void one_that_is_stopped_before_its_first_turn_is_no_dead_letter(void)
{
    starts(false, false, WEFT_OK);
    keep(&starting, NULL);
    sim_do(kept.keeper, begin_and_stop, NULL);
    CHECK_U64(kept.ups, 0);
    CHECK_U64(kept.downs, 1);
    CHECK_U64(sim_stats(0).dead_letters, 0);
}

/* ---- who watches */

static void those_who_monitor_it_hear_of_restarts_and_of_the_end(void)
{
    sim_of(2);
    for (unsigned reactor = 0; reactor < 2; reactor++) {
        keep_begun(&puppet, NULL);
        (void)watched_from(reactor);
        kept.again = true;
        for (unsigned n = 1; n < 4; n++) {
            sim_do(kept.ref, crash, NULL);
            CHECK_U64(seen.restarted, n);
            CHECK_U64(seen.last.count, n);
        }
        CHECK(weft_ref_same(seen.last.who, kept.ref));
        CHECK_ERR(seen.last.reason, WEFT_EIO);
        CHECK_STR(seen.why, "the disk is gone");
        CHECK_U64(seen.downs, 0);
        kept.again = false;
        sim_do(kept.ref, crash, NULL);
        sim_do(kept.keeper, end, NULL);
        CHECK_U64(seen.downs, 1);
        CHECK_ERR(seen.down.reason, WEFT_EIO);
        CHECK_STR(seen.why, "the disk is gone");
        CHECK_ERR(weft_sim_tell(sim, kept.ref, num, .n = 1), WEFT_EGONE);
    }
}

static weft_err crash_at_length(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_because(self, WEFT_EIO, "%0*d", WEFT_WHY_BYTES - 1, 7);
}

static void those_who_monitor_it_hear_a_long_sentence_whole(void)
{
    char want[WEFT_WHY_BYTES];
    (void)snprintf(want, sizeof want, "%0*d", WEFT_WHY_BYTES - 1, 7);
    sim_of(2);
    for (unsigned reactor = 0; reactor < 2; reactor++) {
        keep_begun(&puppet, NULL);
        (void)watched_from(reactor);
        kept.again = true;
        sim_do(kept.ref, crash_at_length, NULL);
        CHECK_U64(seen.restarted, 1);
        CHECK_STR(seen.why, want);
        kept.again = false;
        sim_do(kept.ref, crash_at_length, NULL);
        sim_do(kept.keeper, end, NULL);
        CHECK_U64(seen.downs, 1);
        CHECK_STR(seen.why, want);
    }
}

static weft_err watch_life(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_monitor_life(self, *(const weft_ref *)with);
}

/* Memory is out from the @first taking on. */
static long first;
static weft_err crash_without(weft_actor *self, weft_msg *msg, void *with)
{
    wf_alloc_fail_run(first, 1000);
    return crash(self, msg, with);
}

static void a_restart_that_memory_had_no_room_to_tell_is_told_later(void)
{
    unsigned late = 0;
    for (unsigned where = 0; where < 2; where++)
        for (first = 0; first < 8; first++) {
            sim_of(2);
            keep_begun(&puppet, NULL);
            (void)watched_from(where);
            kept.again = true;
            sim_do(kept.ref, crash_without, NULL);
            late += seen.restarted == 0;
            wf_alloc_fail_after(-1);
            weft_sim_advance(sim, 100);
            CHECK_U64(seen.restarted, 1);
            CHECK_U64(seen.last.count, 1);
            CHECK_ERR(seen.last.reason, WEFT_EIO);
            sim_do(kept.ref, crash, NULL); /* the next one is told as ever */
            CHECK_U64(seen.restarted, 2);
            CHECK_U64(seen.last.count, 2);
            sim_done();
        }
    CHECK(late > 0); /* else memory was never out where it matters */
    sim_one();
}

static void restarts_that_could_not_be_told_are_told_as_one(void)
{
    sim_of(2);
    keep_begun(&puppet, NULL);
    weft_ref who = watched_from(1);
    kept.again = true;
    first = 0;
    sim_do(kept.ref, crash_without, NULL);
    wf_alloc_fail_after(-1); /* the test needs some */
    sim_do(kept.ref, crash_without, NULL);
    CHECK_U64(seen.restarted, 0);
    wf_alloc_fail_after(-1);
    weft_sim_advance(sim, 100);
    CHECK_U64(seen.restarted, 1);
    CHECK_U64(seen.last.count, 2);
    /* one that no longer watches, or ends, is forgotten */
    sim_do(kept.ref, crash_without, NULL);
    wf_alloc_fail_after(-1);
    sim_do(who, unwatch, &kept.ref);
    weft_sim_advance(sim, 100);
    CHECK_U64(seen.restarted, 1);
}

/* Its end says all. */
static void an_end_takes_the_place_of_a_restart_that_could_not_be_told(void)
{
    sim_of(2);
    keep_begun(&puppet, NULL);
    (void)watched_from(1);
    kept.again = true;
    first = 0;
    sim_do(kept.ref, crash_without, NULL);
    wf_alloc_fail_after(-1);
    kept.again = false;
    sim_do(kept.keeper, end, NULL);
    weft_sim_advance(sim, 100);
    CHECK_U64(seen.restarted, 0);
    CHECK_U64(seen.downs, 1);
}

static void who_cares_for_one_life_is_told_when_it_is_over(void)
{
    record *rec = record_new();
    keep_begun(&puppet, NULL);
    kept.again = true;
    sim_do(sim_puppet(rec), watch_life, &kept.ref);
    sim_do(kept.ref, crash, NULL);
    sim_do(kept.ref, crash, NULL);
    CHECK_U64(rec->downs, 1);
    CHECK_STR(rec->why, "the disk is gone");
}

static void links_end_with_a_life(void)
{
    record *rec = record_new();
    keep_begun(&puppet, NULL);
    weft_ref linked = sim_puppet(rec);
    sim_do(linked, tie, &kept.ref);
    kept.again = true;
    sim_do(kept.ref, crash, NULL);
    CHECK_U64(rec->ends, 1);
    CHECK_ERR(rec->ended, WEFT_EIO);
    CHECK_U64(counted(), 1);
}

static void a_keeper_that_is_linked_to_its_ward_ends_with_it(void)
{
    record *rec = record_new();
    keep_begun(&puppet, rec);
    kept.again = true;
    sim_do(kept.keeper, tie, &kept.ref);
    sim_do(kept.ref, crash, NULL);
    CHECK_U64(kept.downs, 0);
    CHECK_U64(rec->ends, 1);
    CHECK_ERR(weft_sim_tell(sim, kept.ref, num, .n = 1), WEFT_EGONE);
    CHECK_ERR(weft_sim_tell(sim, kept.keeper, num, .n = 1), WEFT_EGONE);
}

static weft_err release(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    weft_release_child(self, kept.ref);
    return WEFT_OK;
}

static void a_ward_cannot_be_given_away(void)
{
    keep_begun(&puppet, NULL);
    sim_do(kept.keeper, release, NULL);
    CHECK(weft_ref_same(sim_stats_of(kept.ref).parent, kept.keeper));
}

static char it[] = "it";
static weft_err take_name(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_register(self, with);
}
static weft_err find_name(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    return weft_reply(msg, num, .n = weft_ref_same(weft_lookup(self, "it"), kept.ref));
}

static void names_stay_and_may_be_taken_again(void)
{
    keep_begun(&puppet, NULL);
    weft_ref other = sim_puppet(NULL);
    sim_do(kept.ref, take_name, it);
    sim_do(kept.ref, crash, NULL);
    CHECK_U64(((const num *)sim_ask(other, find_name, NULL)->body)->n, 1);
    sim_do(kept.keeper, begin, NULL);
    CHECK_ERR(sim_ask(kept.ref, take_name, it)->err, WEFT_ENOANSWER);
    CHECK_ERR(sim_ask(other, take_name, it)->err, WEFT_EEXISTS);
    sim_do(kept.keeper, end, NULL);
    CHECK_ERR(sim_ask(other, take_name, it)->err, WEFT_ENOANSWER);
}

/* ---- stopping */

static weft_err never_stop(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}
static record *stubborn_child;
static weft_err spawn_stubborn(weft_actor *self, weft_msg *msg, void *with);
static const weft_handler stubborn_rows[] = {
    {.type = &weft_stopping_type, .fn = never_stop}, {.type = &act_type, .fn = on_act}, {0}};
static void stubborn_ended(weft_actor *self, weft_err reason)
{
    (void)self;
    stubborn_child->ends++;
    stubborn_child->ended = reason;
}
static const weft_behaviour stubborn = {
    .name = "stubborn", .handlers = stubborn_rows, .ended = stubborn_ended};
static weft_err spawn_stubborn(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    CHECK(!weft_ref_is_nobody(weft_spawn(self, &stubborn, NULL)));
    return WEFT_OK;
}

static void one_that_does_not_stop_in_time_ends_by_force_with_its_children(void)
{
    stubborn_child = record_new();
    keep_begun(&stubborn, NULL);
    kept.ward.stop_ms = 300;
    sim_do(kept.ref, spawn_stubborn, NULL);
    sim_do(kept.keeper, stop, NULL);
    weft_sim_advance(sim, 290);
    CHECK_U64(kept.downs, 0);
    weft_sim_advance(sim, 20);
    CHECK_U64(kept.downs, 1);
    CHECK_ERR(kept.reason, WEFT_ETIMEDOUT);
    CHECK_U64(stubborn_child->ends, 2);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "did not stop in time"), 1);
}

static void children_slow_to_end_are_bounded_by_the_time_of_the_ward(void)
{
    stubborn_child = record_new();
    keep_begun(&puppet, NULL);
    kept.ward.stop_ms = 300;
    sim_do(kept.ref, spawn_stubborn, NULL);
    sim_do(kept.keeper, stop, NULL); /* has no row for it: only its child is slow */
    weft_sim_advance(sim, 290);
    CHECK_U64(kept.downs, 0);
    weft_sim_advance(sim, 20);
    CHECK_U64(kept.downs, 1);
    CHECK_U64(stubborn_child->ends, 1);
}

static weft_err stop_other(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_stop_ref(self, *(const weft_ref *)with, WEFT_ECANCELLED);
}

static void a_stop_by_others_is_a_stop_like_any_and_nothing_when_it_is_down(void)
{
    keep_begun(&puppet, NULL);
    sim_do(sim_puppet(NULL), stop_other, &kept.ref);
    CHECK_U64(kept.downs, 1);
    CHECK_ERR(kept.reason, WEFT_ECANCELLED);
    sim_do(sim_puppet(NULL), stop_other, &kept.ref);
    sim_do(kept.keeper, begin, NULL);
    CHECK_U64(counted(), 1);
}

static void one_that_is_ended_while_it_lives_is_not_told_as_down(void)
{
    keep_begun(&puppet, NULL);
    (void)watched_from(0);
    sim_do(kept.keeper, end, NULL);
    CHECK_U64(kept.downs, 0);
    CHECK_U64(seen.downs, 1);
    CHECK_ERR(seen.down.reason, WEFT_ECANCELLED);
    sim_do(kept.keeper, begin, NULL); /* calm */
    sim_do(kept.keeper, stop, NULL);
    sim_do(kept.keeper, end, NULL);
}

static weft_err stop_self(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static void wards_end_with_their_keeper_alive_or_down(void)
{
    record *rec = record_new();
    keep_begun(&puppet, rec);
    sim_do(kept.keeper, stop_self, NULL);
    CHECK_U64(rec->ends, 1);
    CHECK_U64(kept.downs, 0);
    keep_begun(&puppet, rec);
    sim_do(kept.ref, crash, NULL);
    CHECK_OK(weft_sim_tell(sim, kept.ref, num, .n = 1));
    sim_do(kept.keeper, stop_self, NULL);
    CHECK_U64(rec->ends, 2); /* once a life */
    CHECK_ERR(weft_sim_tell(sim, kept.ref, num, .n = 1), WEFT_EGONE);
}

static void a_behaviour_that_gives_bytes_out_is_refused(void)
{
    static const weft_behaviour source = {
        .name = "source", .state_bytes = sizeof(weft_account), .account = 1};
    plan p = {.behaviour = &source};
    kept.keeper = sim_puppet(NULL);
    sim_do(kept.keeper, make, &p);
    CHECK_ERR(p.err, WEFT_EUNSUPPORTED);
    CHECK(strstr(p.why.text, "source") != NULL);
}

/* ---- memory */

static void scenario(void)
{
    plan p = {.behaviour = &puppet};
    CHECK_U64(weft_sim_free(&sim), 0);
    sim = weft_sim_new(NULL);
    if (sim == NULL)
        return;
    memset(&kept, 0, sizeof kept);
    kept.again = true;
    kept.keeper = weft_sim_spawn(sim, &puppet, NULL);
    (void)weft_sim_tell(sim, kept.keeper, act, .fn = make, .with = &p);
    weft_ref w = weft_sim_spawn(sim, &witness, NULL);
    (void)weft_sim_tell(sim, w, act, .fn = watch, .with = &kept.ref);
    (void)weft_sim_tell(sim, kept.keeper, act, .fn = begin);
    for (int i = 0; i < 3; i++)
        (void)weft_sim_tell(sim, kept.ref, act, .fn = crash);
    if (p.err == WEFT_OK && kept.ward.begun == 4)
        CHECK(!weft_ward_is_down(&kept.ward));
}

static void nothing_leaks_whichever_taking_of_memory_fails(void)
{
    each_allocation_fails(scenario);
}

static const test_case cases[] = {
    TEST(what_is_told_before_it_begins_waits_for_it),
    TEST(a_restart_keeps_the_reference_and_zeroes_the_state),
    TEST(while_it_is_down_tells_wait_within_its_limit),
    TEST(an_ask_waits_for_one_that_is_down_within_its_time),
    TEST(mail_queued_at_the_crash_fails),
    TEST(what_a_life_had_outstanding_ends_with_it),
    TEST(it_begins_again_as_what_it_was_made),
    TEST(it_is_up_when_its_started_is_done),
    TEST(a_start_may_wait_in_a_fiber),
    TEST(a_start_that_fails_is_told_with_its_sentence),
    TEST(one_that_stops_while_it_starts_is_down_and_never_up),
    TEST(one_that_is_stopped_before_its_first_turn_is_no_dead_letter),
    TEST(those_who_monitor_it_hear_of_restarts_and_of_the_end),
    TEST(those_who_monitor_it_hear_a_long_sentence_whole),
    TEST(a_restart_that_memory_had_no_room_to_tell_is_told_later),
    TEST(restarts_that_could_not_be_told_are_told_as_one),
    TEST(an_end_takes_the_place_of_a_restart_that_could_not_be_told),
    TEST(who_cares_for_one_life_is_told_when_it_is_over),
    TEST(links_end_with_a_life),
    TEST(a_keeper_that_is_linked_to_its_ward_ends_with_it),
    TEST(a_ward_cannot_be_given_away),
    TEST(names_stay_and_may_be_taken_again),
    TEST(one_that_does_not_stop_in_time_ends_by_force_with_its_children),
    TEST(children_slow_to_end_are_bounded_by_the_time_of_the_ward),
    TEST(a_stop_by_others_is_a_stop_like_any_and_nothing_when_it_is_down),
    TEST(one_that_is_ended_while_it_lives_is_not_told_as_down),
    TEST(wards_end_with_their_keeper_alive_or_down),
    TEST(a_behaviour_that_gives_bytes_out_is_refused),
    TEST(nothing_leaks_whichever_taking_of_memory_fails),
    {0},
};

const test_suite wards_suite = {"runtime/wards", sim_one, sim_done, cases, false};
