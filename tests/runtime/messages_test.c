/* SPDX-License-Identifier: MIT */
/* Messages: tells and what becomes of them, mailboxes that are full, what a handler may know. */
#include "kit.h"

#include <stdlib.h>

typedef struct two {
    weft_ref to;
    unsigned n;
    weft_err err;
    uint64_t seen;
} two;

/* ---- order and copies */

static weft_err tell_row(weft_actor *self, weft_msg *msg, void *with)
{
    const two *t = with;
    (void)msg;
    for (unsigned i = 0; i < t->n; i++)
        CHECK_OK(weft_tell(self, t->to, num, .n = i));
    return WEFT_OK;
}

static void check_row(const record *rec, unsigned n)
{
    CHECK_U64(rec->n, n);
    for (unsigned i = 0; i < n && i < rec->n; i++)
        if (rec->got[i] != i) {
            CHECK_U64(rec->got[i], i);
            return;
        }
}

static void tells_arrive_in_the_order_of_sending(void)
{
    record *rec = record_new();
    sim_do(sim_puppet(NULL), tell_row, &(two){.to = sim_puppet(rec), .n = 1000});
    check_row(rec, 1000);
}

static void tells_to_another_reactor_arrive_in_the_order_of_sending(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        sim_with(&(weft_sim_options){.seed = seed, .system.reactors = 2});
        record *rec = record_new();
        sim_do(sim_puppet(NULL), tell_row, &(two){.to = sim_puppet_on(1, rec), .n = 300});
        check_row(rec, 300);
    }
}

static weft_err change_behind(weft_actor *self, weft_msg *msg, void *with)
{
    const two *t = with;
    num body = {.n = 7};
    (void)msg;
    CHECK_OK(weft_tell_body(self, t->to, &num_type, &body));
    body.n = 8;
    return WEFT_OK;
}

static void a_message_is_a_copy(void)
{
    record *rec = record_new();
    sim_do(sim_puppet(NULL), change_behind, &(two){.to = sim_puppet(rec)});
    CHECK_U64(rec->n, 1);
    CHECK_U64(rec->got[0], 7);
}

/* ---- who serves it */

static const weft_type stranger_type = WEFT_TYPE("test.stranger", num, NULL);

static weft_err obliging(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, num, .n = ((const num *)weft_body(msg))->n + 1);
}

static const weft_type obliging_type = {
    .name = "test.obliging", .size = sizeof(num), .otherwise = obliging};

static weft_err takes_the_rest(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, num, .n = weft_type_of(msg) == &stranger_type ? 100 : 200);
}

static const weft_behaviour taker = {.name = "taker", .otherwise = takes_the_rest};

static void a_tell_without_a_row_is_counted(void)
{
    weft_ref a = sim_puppet(NULL);
    uint64_t before = sim_stats(0).unhandled;
    CHECK_OK(weft_sim_tell_body(sim, a, &stranger_type, &(num){1}));
    CHECK_U64(sim_stats(0).unhandled - before, 1);
}

static void a_request_without_a_row_fails_with_both_names(void)
{
    const weft_outcome *got =
        weft_sim_ask_body(sim, sim_puppet(NULL), &stranger_type, &(num){1}, WEFT_INHERIT);
    CHECK_ERR(got->err, WEFT_EUNHANDLED);
    CHECK_STR(got->why, "puppet has no row for test.stranger");
    CHECK(got->body == NULL && got->type == NULL);
}

static void a_type_may_say_what_is_done_without_a_row(void)
{
    const weft_outcome *got =
        weft_sim_ask_body(sim, sim_puppet(NULL), &obliging_type, &(num){1}, WEFT_INHERIT);
    CHECK_OK(got->err);
    CHECK_U64(((const num *)got->body)->n, 2);
}

static void a_behaviour_may_take_what_it_has_no_row_for(void)
{
    weft_ref a = weft_sim_spawn(sim, &taker, NULL);
    const weft_outcome *got = weft_sim_ask_body(sim, a, &stranger_type, &(num){1}, WEFT_INHERIT);
    CHECK_OK(got->err);
    CHECK_U64(((const num *)got->body)->n, 100);
    got = weft_sim_ask_body(sim, a, &obliging_type, &(num){1}, WEFT_INHERIT);
    CHECK_OK(got->err);
    CHECK_U64(((const num *)got->body)->n, 200);
}

static weft_err fail_plainly(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    return WEFT_EDENIED;
}

static void an_error_of_a_handler_fails_its_request(void)
{
    const weft_outcome *got = sim_ask(sim_puppet(NULL), fail_plainly, NULL);
    CHECK_ERR(got->err, WEFT_EDENIED);
    CHECK_STR(got->why, weft_err_text(WEFT_EDENIED));
}

static void an_error_of_a_handler_does_not_end_the_actor(void)
{
    record *rec = record_new();
    weft_ref a = sim_puppet(rec);
    sim_do(a, fail_plainly, NULL);
    CHECK_OK(weft_sim_tell(sim, a, num, .n = 5));
    CHECK_U64(rec->n, 1);
    CHECK_U64(weft_sim_logged(sim, WEFT_INFO, "failed to serve kit.act: not permitted"), 1);
}

/* ---- refusals */

static weft_err tell_once(weft_actor *self, weft_msg *msg, void *with)
{
    two *t = with;
    (void)msg;
    t->err = weft_tell(self, t->to, num, .n = 1);
    return WEFT_OK;
}

static weft_err stop_now(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static void a_stale_reference_is_an_error_and_a_dead_letter(void)
{
    weft_ref a = sim_puppet(NULL), b = sim_puppet(NULL);
    two t = {.to = b};
    sim_do(b, stop_now, NULL);
    uint64_t before = sim_stats(0).dead_letters;
    sim_do(a, tell_once, &t);
    CHECK_ERR(t.err, WEFT_EGONE);
    CHECK_U64(sim_stats(0).dead_letters - before, 1);
}

static void a_stale_reference_stays_stale_when_its_place_is_taken(void)
{
    record *rec = record_new();
    weft_ref a = sim_puppet(NULL), b = sim_puppet(NULL);
    sim_do(b, stop_now, NULL);
    weft_ref c = sim_puppet(rec);
    CHECK_U64(c.slot, b.slot);
    two t = {.to = b};
    sim_do(a, tell_once, &t);
    CHECK_ERR(t.err, WEFT_EGONE);
    CHECK_U64(rec->n, 0);
}

static void a_stale_reference_abroad_is_a_dead_letter_there(void)
{
    sim_of(2);
    weft_ref a = sim_puppet(NULL), b = sim_puppet_on(1, NULL);
    two t = {.to = b};
    sim_do(b, stop_now, NULL);
    uint64_t before = sim_stats(1).dead_letters;
    sim_do(a, tell_once, &t);
    CHECK_OK(t.err);
    CHECK_U64(sim_stats(1).dead_letters - before, 1);
}

static void nobody_is_gone(void)
{
    two t = {.to = WEFT_NOBODY};
    sim_do(sim_puppet(NULL), tell_once, &t);
    CHECK_ERR(t.err, WEFT_EGONE);
}

static void a_reference_to_a_reactor_that_is_not_there_is_gone(void)
{
    two t = {.to = {.home = 60, .slot = 1, .gen = 1}};
    sim_do(sim_puppet(NULL), tell_once, &t);
    CHECK_ERR(t.err, WEFT_EGONE);
}

static const weft_handler small_handlers[] = {{0}};
static weft_err count_it(weft_actor *self, weft_msg *msg)
{
    uint64_t *n = weft_state(self);
    (void)msg;
    ++*n;
    return WEFT_OK;
}
/* A mailbox of 3. */
static const weft_behaviour small = {.name = "small",
                                     .handlers = small_handlers,
                                     .otherwise = count_it,
                                     .state_bytes = 8,
                                     .mailbox_max = 3};

static weft_err tell_till_full(weft_actor *self, weft_msg *msg, void *with)
{
    two *t = with;
    (void)msg;
    while ((t->err = weft_tell(self, t->to, num, .n = t->n)) == WEFT_OK && t->n < 100)
        t->n++;
    return WEFT_OK;
}

static void a_full_mailbox_refuses_and_counts(void)
{
    weft_ref b = weft_sim_spawn(sim, &small, NULL);
    two t = {.to = b};
    uint64_t before = sim_stats(0).refused;
    sim_do(sim_puppet(NULL), tell_till_full, &t);
    CHECK_ERR(t.err, WEFT_EFULL);
    CHECK_U64(t.n, 3);
    CHECK_U64(sim_stats(0).refused - before, 1);
    CHECK_U64(sim_stats_of(b).handled, 3);
}

static weft_err on_room(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    two *t = ((const act *)weft_body(msg))->with;
    t->seen = sim_stats_of(t->to).handled;
    CHECK_OK(got->err);
    t->err = weft_tell(self, t->to, num, .n = 9);
    return WEFT_OK;
}

static weft_err fill_and_wait_for_room(weft_actor *self, weft_msg *msg, void *with)
{
    two *t = with;
    (void)tell_till_full(self, msg, with);
    return weft_when(msg, weft_room(self, t->to), on_room);
}

static void room_fires_when_there_is_room_again(void)
{
    weft_ref b = weft_sim_spawn(sim, &small, NULL);
    two t = {.to = b};
    sim_do(sim_puppet(NULL), fill_and_wait_for_room, &t);
    CHECK_OK(t.err);
    CHECK_U64(t.seen, 4); /* with the question for room */
    CHECK_U64(sim_stats_of(b).handled, 5);
}

static weft_err on_no_room(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    two *t = ((const act *)weft_body(msg))->with;
    (void)self;
    t->err = got->err;
    return WEFT_OK;
}

static const weft_behaviour slow = {
    .name = "slow", .handlers = small_handlers, .otherwise = count_it, .state_bytes = 8};
enum { ABROAD_MAX = 16384, SLOW_MAX = 4096 }; /* credit between two reactors; its mailbox_max */

static weft_err tell_abroad_till_full(weft_actor *self, weft_msg *msg, void *with)
{
    two *t = with;
    while ((t->err = weft_tell(self, t->to, num, .n = t->n)) == WEFT_OK)
        t->n++;
    return weft_when(msg, weft_room(self, t->to), on_room);
}

static void room_abroad_fires_while_there_is_still_something_to_do_there(void)
{
    sim_of(2);
    weft_ref b = weft_system_spawn(weft_sim_system(sim), 1, &slow, NULL);
    two t = {.to = b};
    sim_do(sim_puppet(NULL), tell_abroad_till_full, &t);
    CHECK_U64(t.n, ABROAD_MAX);
    CHECK_OK(t.err);
    CHECK(t.seen >= ABROAD_MAX / 2 - SLOW_MAX / 2 && t.seen < ABROAD_MAX);
    CHECK_U64(sim_stats_of(b).handled, ABROAD_MAX + 1);
}

static weft_err fill_abroad_then_cancel(weft_actor *self, weft_msg *msg, void *with)
{
    two *t = with;
    while (weft_tell(self, t->to, num, .n = t->n) == WEFT_OK)
        t->n++;
    weft_deferred room = weft_room(self, t->to);
    CHECK_OK(weft_when(msg, room, on_no_room));
    return weft_cancel(self, room);
}

static void room_abroad_can_be_cancelled(void)
{
    sim_of(2);
    weft_ref b = weft_system_spawn(weft_sim_system(sim), 1, &slow, NULL);
    two t = {.to = b};
    sim_do(sim_puppet(NULL), fill_abroad_then_cancel, &t);
    CHECK_ERR(t.err, WEFT_ECANCELLED);
    CHECK_U64(sim_stats_of(b).handled, ABROAD_MAX);
}

static weft_err stop_at_once(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static weft_err stop_then_fill_abroad(weft_actor *self, weft_msg *msg, void *with)
{
    two *t = with;
    (void)weft_tell(self, t->to, act, .fn = stop_at_once);
    while (weft_tell(self, t->to, num, .n = t->n) == WEFT_OK)
        t->n++;
    return weft_when(msg, weft_room(self, t->to), on_no_room);
}

static void who_waits_for_room_abroad_hears_of_the_end_there(void)
{
    sim_of(2);
    two t = {.to = sim_puppet_on(1, NULL)};
    sim_do(sim_puppet(NULL), stop_then_fill_abroad, &t);
    CHECK_ERR(t.err, WEFT_EGONE);
}

static weft_err wait_for_room(weft_actor *self, weft_msg *msg, void *with)
{
    const two *t = with;
    return weft_when(msg, weft_room(self, t->to), on_room);
}

static void room_fires_at_once_if_there_is_some(void)
{
    two t = {.to = weft_sim_spawn(sim, &small, NULL), .err = WEFT_EINVAL};
    sim_do(sim_puppet(NULL), wait_for_room, &t);
    CHECK_OK(t.err);
}

static weft_err wait_for_no_room(weft_actor *self, weft_msg *msg, void *with)
{
    const two *t = with;
    return weft_when(msg, weft_room(self, t->to), on_no_room);
}

static void there_is_no_room_at_one_that_has_ended(void)
{
    weft_ref b = sim_puppet(NULL);
    two t = {.to = b};
    sim_do(b, stop_now, NULL);
    sim_do(sim_puppet(NULL), wait_for_no_room, &t);
    CHECK_ERR(t.err, WEFT_EGONE);
    t.to = WEFT_NOBODY;
    t.err = WEFT_OK;
    sim_do(sim_puppet(NULL), wait_for_no_room, &t);
    CHECK_ERR(t.err, WEFT_EGONE);
}

/* ---- undelivered */

static weft_err want_reports(weft_actor *self, weft_msg *msg, void *with)
{
    const two *t = with;
    (void)msg;
    weft_report_undelivered(self, t->n != 0);
    return WEFT_OK;
}

static void check_undelivered_abroad(bool wanted)
{
    sim_of(2);
    record *rec = record_new();
    weft_ref a = sim_puppet(rec), b = sim_puppet_on(1, NULL);
    two t = {.to = b, .n = wanted};
    sim_do(a, want_reports, &t);
    sim_do(b, stop_now, NULL);
    sim_do(a, tell_once, &t);
    CHECK_OK(t.err);
    CHECK_U64(rec->undelivered, wanted ? 1 : 0);
    if (!wanted)
        return;
    CHECK(weft_ref_same(rec->refused.to, b));
    CHECK(rec->refused.type == &num_type);
    CHECK_ERR(rec->refused.err, WEFT_EGONE);
}

static void a_tell_refused_abroad_is_reported_to_who_wants_it(void)
{
    check_undelivered_abroad(true);
}

static void a_tell_refused_abroad_is_not_reported_unasked(void)
{
    check_undelivered_abroad(false);
}

typedef struct queue_up {
    weft_ref to;
    bool wide;
} queue_up;

typedef struct broad {
    uint64_t word[4];
} broad;
static const weft_type broad_type = WEFT_TYPE("test.broad", broad, NULL);

/* The stop overtakes what was told before it. */
static weft_err tell_and_stop(weft_actor *self, weft_msg *msg, void *with)
{
    const queue_up *q = with;
    (void)msg;
    weft_report_undelivered(self, true);
    if (q->wide)
        CHECK_OK(weft_tell(self, q->to, broad, .word = {1}));
    else
        CHECK_OK(weft_tell(self, q->to, num, .n = 1));
    return weft_stop_ref(self, q->to, WEFT_OK);
}

static void mail_left_at_an_end_is_reported_to_who_wants_it(void)
{
    for (int wide = 0; wide < 2; wide++) {
        record *rec = record_new();
        weft_ref a = sim_puppet(rec), b = sim_puppet(NULL);
        sim_do(a, tell_row,
               &(two){.to = b, .n = 10}); /* so that blocks of both sizes are at hand */
        sim_do(a, tell_and_stop, &(queue_up){.to = b, .wide = wide != 0});
        CHECK_U64(rec->undelivered, 1);
        CHECK_ERR(rec->refused.err, WEFT_EGONE);
    }
}

/* ---- groups */

static weft_err tell_group(weft_actor *self, weft_msg *msg, void *with)
{
    two *t = with;
    (void)msg;
    t->err = weft_tell(self, t->to, num, .n = weft_reactor_of(self));
    return WEFT_OK;
}

static void the_member_of_a_group_on_the_senders_reactor_gets_it(void)
{
    sim_of(3);
    record *rec = record_new();
    weft_ref group = weft_system_spawn_each(weft_sim_system(sim), &puppet, rec);
    CHECK(weft_ref_kind_of(group) == WEFT_REF_GROUP);
    for (unsigned i = 0; i < 3; i++) {
        two t = {.to = group};
        uint64_t before = sim_stats(i).messages;
        sim_do(sim_puppet_on(i, NULL), tell_group, &t);
        CHECK_OK(t.err);
        CHECK(sim_stats(i).messages >= before + 2); /* the act and the number, both here */
    }
    CHECK_U64(rec->n, 3);
    for (unsigned i = 0; i < 3; i++)
        CHECK_U64(rec->got[i], i);
}

static weft_err monitor_it(weft_actor *self, weft_msg *msg, void *with)
{
    two *t = with;
    (void)msg;
    t->err = weft_monitor(self, t->to);
    return WEFT_OK;
}

static void a_group_can_be_asked_and_monitored(void)
{
    record *rec = record_new();
    weft_ref group = weft_system_spawn_each(weft_sim_system(sim), &puppet, NULL);
    two t = {.to = group};
    sim_do(sim_puppet(rec), monitor_it, &t);
    CHECK_OK(t.err);
    CHECK_ERR(weft_sim_ask(sim, group, act, .fn = stop_now)->err, WEFT_ENOANSWER);
    CHECK_U64(rec->downs, 1);
    CHECK(weft_ref_same(rec->down.who, group));
}

/* ---- what a handler may know */

typedef struct known {
    weft_ref sender, self;
    bool request;
    const weft_type *type;
    uint32_t left;
    uint64_t trace;
    weft_ref to;
} known;

static weft_err look(weft_actor *self, weft_msg *msg, void *with)
{
    known *k = with;
    k->sender = weft_sender(msg);
    k->self = weft_self(self);
    k->request = weft_is_request(msg);
    k->type = weft_type_of(msg);
    k->left = weft_time_left_ms(msg);
    k->trace = weft_trace(msg);
    return k->request ? weft_reply(msg, num, .n = 1) : WEFT_OK;
}

static weft_err tell_look(weft_actor *self, weft_msg *msg, void *with)
{
    known *k = with;
    (void)msg;
    return weft_tell(self, k->to, act, .fn = look, .with = with);
}

static void a_tell_knows_its_sender_and_is_no_request(void)
{
    weft_ref a = sim_puppet(NULL), b = sim_puppet(NULL);
    known k = {.to = b};
    sim_do(a, tell_look, &k);
    CHECK(weft_ref_same(k.sender, a));
    CHECK(weft_ref_same(k.self, b));
    CHECK(!k.request);
    CHECK(k.type == &act_type);
    CHECK_U64(k.left, WEFT_NO_LIMIT);
}

static void a_request_has_time_left(void)
{
    known k = {0};
    CHECK_OK(weft_sim_ask_body(sim, sim_puppet(NULL), &act_type, &(act){look, &k}, 700)->err);
    CHECK(k.request);
    CHECK(k.left > 0 && k.left <= 700);
    CHECK_OK(
        weft_sim_ask_body(sim, sim_puppet(NULL), &act_type, &(act){look, &k}, WEFT_NO_LIMIT)->err);
    CHECK_U64(k.left, WEFT_NO_LIMIT);
}

static weft_err answered_before(weft_actor *self, weft_msg *msg, void *with)
{
    bool *request = with;
    (void)self;
    CHECK(weft_is_request(msg));
    CHECK_OK(weft_reply(msg, num, .n = 1));
    *request = weft_is_request(msg);
    return WEFT_OK;
}

static void an_answered_request_is_none_any_more(void)
{
    bool request = true;
    CHECK_OK(sim_ask(sim_puppet(NULL), answered_before, &request)->err);
    CHECK(!request);
}

static weft_err trace_on(weft_actor *self, weft_msg *msg, void *with)
{
    weft_set_trace(msg, 4711);
    CHECK_U64(weft_trace(msg), 4711);
    return tell_look(self, msg, with);
}

typedef struct chain {
    known k[2];
    weft_ref to;
} chain;

static weft_err through_the_middle(weft_actor *self, weft_msg *msg, void *with)
{
    chain *c = with;
    c->k[0].trace = weft_trace(msg);
    return weft_tell(self, c->to, act, .fn = look, .with = &c->k[1]);
}

static weft_err start_chain(weft_actor *self, weft_msg *msg, void *with)
{
    chain *c = with;
    weft_set_trace(msg, 99);
    return weft_tell(self, c->k[0].to, act, .fn = through_the_middle, .with = c);
}

static void a_trace_goes_on_to_what_a_handler_sends(void)
{
    known k = {.to = sim_puppet(NULL)};
    sim_do(sim_puppet(NULL), trace_on, &k);
    CHECK_U64(k.trace, 4711);
    chain c = {.k[0].to = sim_puppet(NULL), .to = sim_puppet(NULL)};
    sim_do(sim_puppet(NULL), start_chain, &c);
    CHECK_U64(c.k[0].trace, 99);
    CHECK_U64(c.k[1].trace, 99);
    sim_do(sim_puppet(NULL), tell_look, &k);
    CHECK_U64(k.trace, 0); /* and no further */
}

static void a_time_limit_goes_on_to_what_a_handler_sends(void)
{
    known k = {.to = sim_puppet(NULL)};
    const weft_outcome *got =
        weft_sim_ask_body(sim, sim_puppet(NULL), &act_type, &(act){tell_look, &k}, 500);
    CHECK_ERR(got->err, WEFT_ENOANSWER);
    CHECK(k.left > 0 && k.left <= 500);
}

/* ---- scratch memory */

static weft_err use_scratch(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    for (size_t size = 1; size < 5000; size = size * 2 + 1) {
        unsigned char *s = weft_scratch(msg, size);
        REQUIRE(s != NULL);
        CHECK_U64((uintptr_t)s % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            if (s[i] != 0) {
                CHECK_U64(s[i], 0);
                break;
            }
        memset(s, 0xFF, size);
    }
    return WEFT_OK;
}

static void scratch_memory_is_zeroed_and_aligned_and_freed(void)
{
    sim_do(sim_puppet(NULL), use_scratch, NULL);
}

static weft_err find_scratch(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    CHECK_OK(got->err);
    CHECK_STR(weft_scratch_last(msg), "left here");
    return weft_reply(msg, num, .n = 1);
}

static weft_err leave_scratch(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    CHECK(weft_scratch_last(msg) == NULL);
    REQUIRE(weft_bytes_copy(msg, "x", 1).size == 1);
    CHECK(weft_scratch_last(msg) == NULL); /* what bytes need is not scratch of the handler's */
    REQUIRE(weft_scratch(msg, 5) != NULL);
    char *last = weft_scratch(msg, 10);
    REQUIRE(last != NULL);
    memcpy(last, "left here", 10);
    REQUIRE(weft_bytes_copy(msg, "y", 1).size == 1);
    CHECK(weft_scratch_last(msg) == last);
    return weft_when(msg, weft_room(self, weft_self(self)), find_scratch);
}

static void a_continuation_finds_the_last_scratch_memory_of_its_handler(void)
{
    CHECK_OK(sim_ask(sim_puppet(NULL), leave_scratch, NULL)->err);
}

static weft_err overuse_scratch(weft_actor *self, weft_msg *msg, void *with)
{
    unsigned *n = with;
    (void)self;
    CHECK(weft_scratch(msg, (1 << 20) + 1) == NULL);
    while (*n < 100 && weft_scratch(msg, 100 << 10) != NULL)
        ++*n;
    CHECK(weft_scratch(msg, 24 << 10) != NULL); /* what is left is still there */
    CHECK(weft_scratch(msg, 1) == NULL);
    CHECK(weft_scratch(msg, SIZE_MAX) == NULL);
    return WEFT_OK;
}

static void scratch_memory_of_a_message_is_limited_to_a_mebibyte(void)
{
    unsigned n = 0;
    sim_do(sim_puppet(NULL), overuse_scratch, &n);
    CHECK_U64(n, 10);
}

/* ---- keeping */

typedef struct keeping {
    weft_msg *msg;
    char *scratch;
    weft_err err;
    bool reply;
    weft_ref keeper;
} keeping;

static weft_err keep_it(weft_actor *self, weft_msg *msg, void *with)
{
    keeping *k = with;
    (void)self;
    k->scratch = weft_scratch(msg, 10);
    REQUIRE(k->scratch != NULL);
    memcpy(k->scratch, "still me", 9);
    k->msg = weft_keep(msg);
    CHECK(k->msg == msg);
    return WEFT_OK;
}

static weft_err let_it_go(weft_actor *self, weft_msg *msg, void *with)
{
    keeping *k = with;
    (void)self, (void)msg;
    CHECK(weft_type_of(k->msg) == &act_type);
    CHECK_STR(k->scratch, "still me");
    if (k->reply)
        CHECK_OK(weft_reply(k->msg, num, .n = 77));
    weft_drop(&k->msg);
    CHECK(k->msg == NULL);
    weft_drop(&k->msg);
    return WEFT_OK;
}

static void a_kept_tell_lives_until_it_is_dropped(void)
{
    keeping k = {0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, keep_it, &k);
    sim_do(a, let_it_go, &k);
}

static weft_err on_kept_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    keeping *k = ((const act *)weft_body(msg))->with;
    (void)self;
    k->err = got->err;
    if (got->err == WEFT_OK)
        CHECK_U64(((const num *)got->body)->n, 77);
    return WEFT_OK;
}

static weft_err ask_keeper(weft_actor *self, weft_msg *msg, void *with)
{
    keeping *k = with;
    k->err = WEFT_EINTERNAL;
    return weft_when(msg, weft_ask(self, k->keeper, act, .fn = keep_it, .with = k), on_kept_answer);
}

static void check_kept_request(bool reply, weft_err want)
{
    weft_ref a = sim_puppet(NULL), b = sim_puppet(NULL);
    keeping k = {.keeper = b, .reply = reply};
    sim_do(a, ask_keeper, &k);
    CHECK_ERR(k.err, WEFT_EINTERNAL);
    sim_do(b, let_it_go, &k);
    CHECK_ERR(k.err, want);
}

static void a_kept_request_is_answered_later(void)
{
    check_kept_request(true, WEFT_OK);
}

static void a_kept_request_dropped_unanswered_fails_its_asker(void)
{
    check_kept_request(false, WEFT_ENOANSWER);
}

static weft_err keep_and_drop(weft_actor *self, weft_msg *msg, void *with)
{
    weft_msg *kept = weft_keep(msg);
    (void)self, (void)with;
    weft_drop(&kept);
    CHECK(weft_scratch(msg, 8) != NULL); /* it is served to the end */
    return weft_reply(msg, num, .n = 3);
}

static void a_message_may_be_dropped_by_the_handler_that_keeps_it(void)
{
    const weft_outcome *got = sim_ask(sim_puppet(NULL), keep_and_drop, NULL);
    CHECK_OK(got->err);
}

static void what_is_kept_at_an_end_goes_with_it(void)
{
    weft_ref a = sim_puppet(NULL), b = sim_puppet(NULL);
    keeping k = {.keeper = b};
    sim_do(a, ask_keeper, &k);
    sim_do(b, stop_now, NULL);
    CHECK_ERR(k.err, WEFT_EGONE);
}

/* ---- forwarding */

typedef struct forwarding {
    weft_ref to;
    weft_err err, again;
    act inner;
} forwarding;

static weft_err forward_it(weft_actor *self, weft_msg *msg, void *with)
{
    forwarding *f = with;
    if (weft_ref_same(weft_self(self), f->to)) {
        CHECK(weft_is_request(msg));
        return weft_reply(msg, num, .n = 12);
    }
    f->err = weft_forward(msg, f->to);
    if (f->err == WEFT_OK)
        f->again = weft_forward(msg, f->to);
    else
        return weft_fail(msg, WEFT_EDENIED, "kept here");
    CHECK(!weft_is_request(msg));
    return WEFT_OK;
}

static void who_asked_gets_the_answer_from_where_it_was_forwarded_to(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        weft_ref a = sim_puppet(NULL), b = sim_puppet_on(there, NULL);
        forwarding f = {.to = b};
        const weft_outcome *got = sim_ask(a, forward_it, &f);
        CHECK_OK(got->err);
        CHECK_U64(((const num *)got->body)->n, 12);
        CHECK(weft_ref_same(got->from, b));
        CHECK_OK(f.err);
        CHECK_ERR(f.again, WEFT_EUSED);
    }
}

static void a_request_that_cannot_be_forwarded_is_still_to_be_answered(void)
{
    weft_ref a = sim_puppet(NULL), b = sim_puppet(NULL);
    forwarding f = {.to = b};
    sim_do(b, stop_now, NULL);
    const weft_outcome *got = sim_ask(a, forward_it, &f);
    CHECK_ERR(f.err, WEFT_EGONE);
    CHECK_ERR(got->err, WEFT_EDENIED);
    CHECK_STR(got->why, "kept here");
}

static weft_err forward_num(weft_actor *self, weft_msg *msg, void *with)
{
    const forwarding *f = with;
    (void)self;
    return weft_forward(msg, f->to);
}

static weft_err note_sender(weft_actor *self, weft_msg *msg)
{
    weft_ref *from;
    const void *config = weft_config(self);
    memcpy(&from, &config, sizeof(void *));
    *from = weft_sender(msg);
    return WEFT_OK;
}
static const weft_handler noting_handlers[] = {{.type = &act_type, .fn = note_sender}, {0}};
static const weft_behaviour noting = {.name = "noting", .handlers = noting_handlers};

static weft_err tell_forward(weft_actor *self, weft_msg *msg, void *with)
{
    forwarding *f = with;
    (void)msg;
    return weft_tell(self, f->inner.with == NULL ? f->to : *(weft_ref *)f->inner.with, act,
                     .fn = forward_num, .with = f);
}

static void a_forwarded_tell_keeps_its_sender(void)
{
    weft_ref from = WEFT_NOBODY;
    weft_ref a = sim_puppet(NULL), b = sim_puppet(NULL);
    weft_ref c = weft_sim_spawn(sim, &noting, &from);
    forwarding f = {.to = c, .inner.with = &b};
    sim_do(a, tell_forward, &f);
    CHECK(weft_ref_same(from, a));
}

/* A down carries a sentence that dies with it. */
typedef struct down_seen {
    weft_ref to;
    char why[64];
    weft_err reason;
    weft_ref watched;
} down_seen;

static weft_err pass_down_on(weft_actor *self, weft_msg *msg)
{
    const down_seen *d = weft_config(self);
    return weft_forward(msg, d->to);
}
static weft_err watch_it(weft_actor *self, weft_msg *msg)
{
    const down_seen *d = weft_config(self);
    (void)msg;
    return weft_monitor(self, d->watched);
}
static weft_err see_down(weft_actor *self, weft_msg *msg)
{
    down_seen *d;
    const void *config = weft_config(self);
    memcpy(&d, &config, sizeof(void *));
    const weft_down *down = weft_body(msg);
    d->reason = down->reason;
    (void)snprintf(d->why, sizeof d->why, "%s", down->why);
    return WEFT_OK;
}
static const weft_handler passing_handlers[] = {
    {.type = &weft_down_type, .fn = pass_down_on}, {.type = &num_type, .fn = watch_it}, {0}};
static const weft_handler seeing_handlers[] = {{.type = &weft_down_type, .fn = see_down}, {0}};
static const weft_behaviour passing = {.name = "passing", .handlers = passing_handlers};
static const weft_behaviour seeing = {.name = "seeing", .handlers = seeing_handlers};

static weft_err stop_with_a_sentence(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_because(self, WEFT_EDENIED, "because");
}

static void a_down_can_be_forwarded(void)
{
    down_seen d = {.watched = sim_puppet(NULL)};
    d.to = weft_sim_spawn(sim, &seeing, &d);
    CHECK_OK(weft_sim_tell(sim, weft_sim_spawn(sim, &passing, &d), num, .n = 1));
    sim_do(d.watched, stop_with_a_sentence, NULL);
    CHECK_ERR(d.reason, WEFT_EDENIED);
    CHECK_STR(d.why, weft_err_text(WEFT_EDENIED)); /* the sentence died with the first */
}

static const test_case cases[] = {
    TEST(tells_arrive_in_the_order_of_sending),
    TEST(tells_to_another_reactor_arrive_in_the_order_of_sending),
    TEST(a_message_is_a_copy),
    TEST(a_tell_without_a_row_is_counted),
    TEST(a_request_without_a_row_fails_with_both_names),
    TEST(a_type_may_say_what_is_done_without_a_row),
    TEST(a_behaviour_may_take_what_it_has_no_row_for),
    TEST(an_error_of_a_handler_fails_its_request),
    TEST(an_error_of_a_handler_does_not_end_the_actor),
    TEST(a_stale_reference_is_an_error_and_a_dead_letter),
    TEST(a_stale_reference_stays_stale_when_its_place_is_taken),
    TEST(a_stale_reference_abroad_is_a_dead_letter_there),
    TEST(nobody_is_gone),
    TEST(a_reference_to_a_reactor_that_is_not_there_is_gone),
    TEST(a_full_mailbox_refuses_and_counts),
    TEST(room_fires_when_there_is_room_again),
    TEST(room_fires_at_once_if_there_is_some),
    TEST(room_abroad_fires_while_there_is_still_something_to_do_there),
    TEST(room_abroad_can_be_cancelled),
    TEST(who_waits_for_room_abroad_hears_of_the_end_there),
    TEST(there_is_no_room_at_one_that_has_ended),
    TEST(a_tell_refused_abroad_is_reported_to_who_wants_it),
    TEST(a_tell_refused_abroad_is_not_reported_unasked),
    TEST(mail_left_at_an_end_is_reported_to_who_wants_it),
    TEST(the_member_of_a_group_on_the_senders_reactor_gets_it),
    TEST(a_group_can_be_asked_and_monitored),
    TEST(a_tell_knows_its_sender_and_is_no_request),
    TEST(a_request_has_time_left),
    TEST(an_answered_request_is_none_any_more),
    TEST(a_trace_goes_on_to_what_a_handler_sends),
    TEST(a_time_limit_goes_on_to_what_a_handler_sends),
    TEST(scratch_memory_is_zeroed_and_aligned_and_freed),
    TEST(a_continuation_finds_the_last_scratch_memory_of_its_handler),
    TEST(scratch_memory_of_a_message_is_limited_to_a_mebibyte),
    TEST(a_kept_tell_lives_until_it_is_dropped),
    TEST(a_kept_request_is_answered_later),
    TEST(a_kept_request_dropped_unanswered_fails_its_asker),
    TEST(a_message_may_be_dropped_by_the_handler_that_keeps_it),
    TEST(what_is_kept_at_an_end_goes_with_it),
    TEST(who_asked_gets_the_answer_from_where_it_was_forwarded_to),
    TEST(a_request_that_cannot_be_forwarded_is_still_to_be_answered),
    TEST(a_forwarded_tell_keeps_its_sender),
    TEST(a_down_can_be_forwarded),
    {0},
};

const test_suite messages_suite = {
    .name = "runtime/messages", .before = sim_one, .after = sim_done, .cases = cases};
