/* SPDX-License-Identifier: MIT */
/* A terminal as a stream: what of the streams' rules holds where there is no half close. */
#include "actors/stream_kit.h"

static const kit_transport terminal = {.name = "terminal", .terminal = true};

static void send_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    (void)kit_send(self, s, 16 << 10);
}

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_close(self, s->stream));
}

static void abort_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_abort(self, s->stream, WEFT_EPROTO));
}

static void echo(weft_actor *self, kit_side *s, weft_msg *msg)
{
    CHECK_OK(weft_write(self, s->stream, ((const weft_data *)weft_body(msg))->bytes));
}

static void close_when_all_came(weft_actor *self, kit_side *s, weft_msg *msg)
{
    if (s->got == s->count)
        close_it(self, s, msg);
}

static void bytes_of_any_value_go_both_ways_in_their_order(void)
{
    static const uint64_t sizes[] = {1, 4095, 64 << 10, 2 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        kit_side a = {.opened = send_it, .total = sizes[i], .data = close_when_all_came};
        kit_side b = {.data = echo, .ended = close_it};
        a.count = sizes[i];
        kit_run(&(kit_world){.by = &terminal, .a = &a, .b = &b});
        CHECK_U64(a.got, sizes[i]);
        CHECK_U64(b.got, sizes[i]);
        CHECK_STR(a.log, "odc");
        CHECK_STR(b.log, "odec");
        CHECK_ERR(a.reason, WEFT_EDONE);
        CHECK_ERR(b.reason, WEFT_EDONE);
    }
}

/* ---- a slow reader */

static void hold_the_first(weft_actor *self, kit_side *s, weft_msg *msg)
{
    if (s->datas == 1) {
        s->held = weft_keep(msg);
        kit_tell(self, s->world->a, 0);
    }
    close_when_all_came(self, s, msg);
}

static void send_until_full(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_ERR(kit_send(self, s, 16 << 10), WEFT_EFULL);
    CHECK(s->sent < s->total);
    kit_tell(self, s->world->b, 0);
}

static void write_one(weft_actor *self, kit_side *s, weft_msg *msg)
{
    uint64_t all = s->total;
    (void)msg;
    s->total = 1;
    CHECK_OK(kit_send(self, s, 1));
    s->total = all;
}

static void let_go(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_U64(s->datas, 1); /* nothing came while it was held */
    kit_let_go(self, s);
}

static void a_reader_that_holds_back_stops_its_writer(void)
{
    kit_side a = {
        .opened = write_one, .note = send_until_full, .total = 4 << 20, .write_queue = 100000};
    kit_side b = {.data = hold_the_first, .note = let_go, .count = 4 << 20};
    a.ended = close_it;
    kit_run(&(kit_world){.by = &terminal, .a = &a, .b = &b});
    CHECK_U64(b.got, 4 << 20);
    CHECK(a.drains != 0);
}

/* ---- sides that vanish */

static void who_vanishes_is_told_to_the_other_side(void)
{
    kit_side a = {.opened = send_it, .total = 5, .ended = close_it}, b = {.data = abort_it};
    kit_run(&(kit_world){.by = &terminal, .a = &a, .b = &b});
    CHECK_ERR(b.reason, WEFT_EPROTO);
    CHECK(a.reason == WEFT_EDONE || a.reason == WEFT_ELOST);

    kit_side c = {.data = abort_it}, d = {.opened = send_it, .total = 5, .ended = close_it};
    kit_run(&(kit_world){.by = &terminal, .a = &c, .b = &d});
    CHECK_ERR(c.reason, WEFT_EPROTO);
    CHECK(d.reason == WEFT_EDONE || d.reason == WEFT_ELOST);
}

static void who_vanishes_at_once_is_told_to_the_other_side(void)
{
    kit_side a = {.ended = close_it}, b = {.opened = abort_it};
    kit_run(&(kit_world){.by = &terminal, .a = &a, .b = &b});
    CHECK_ERR(b.reason, WEFT_EPROTO);
    CHECK(a.reason == WEFT_EDONE || a.reason == WEFT_ELOST);
    CHECK_U64(a.closes + b.closes, 2);
}

static void who_vanishes_ends_a_writer(void)
{
    kit_side a = {.opened = send_it, .total = 10 << 20}, b = {.data = abort_it};
    kit_run(&(kit_world){.by = &terminal, .a = &a, .b = &b});
    CHECK_ERR(a.reason, WEFT_ELOST);
    CHECK(a.sent < 10 << 20);
}

/* ---- another owner, a producer */

enum { USED = 3, MUCH = 1 << 20 };

static void hand_over(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_bytes rest = weft_bytes_slice(((const weft_data *)weft_body(msg))->bytes, USED, SIZE_MAX);
    CHECK_OK(weft_hand_over(self, s->stream, s->world->c->self, rest));
    (void)weft_stop(self, WEFT_OK);
}

static void what_the_old_owner_did_not_use_comes_first_at_the_new_one(void)
{
    kit_side a = {.opened = send_it, .total = MUCH, .ended = close_it}, b = {.data = hand_over};
    kit_side c = {.got = USED, .count = MUCH, .data = close_when_all_came};
    kit_run(&(kit_world){.by = &terminal, .a = &a, .b = &b, .c = &c});
    CHECK_U64(c.got, MUCH);
    CHECK_U64(c.wrong, 0);
    CHECK_STR(c.log, "odc");
    CHECK_U64(b.closes, 0);
}

static void begin_producing(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_produce(self, s->stream));
}

static void produce(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    s->total += 16 << 10;
    CHECK_OK(kit_send(self, s, 16 << 10));
    if (s->total == MUCH)
        weft_produce_end(self, s->stream);
}

static void a_producer_is_asked_for_the_next_piece_when_there_is_room(void)
{
    kit_side a = {.opened = begin_producing, .write_queue = 100000, .pull = produce};
    kit_side b = {.count = MUCH, .data = close_when_all_came};
    a.ended = close_it;
    kit_run(&(kit_world){.by = &terminal, .a = &a, .b = &b});
    CHECK_U64(b.got, MUCH);
    CHECK_U64(a.drains, 0);
}

static const test_case cases[] = {
    TEST(bytes_of_any_value_go_both_ways_in_their_order),
    TEST(a_reader_that_holds_back_stops_its_writer),
    TEST(who_vanishes_is_told_to_the_other_side),
    TEST(who_vanishes_at_once_is_told_to_the_other_side),
    TEST(who_vanishes_ends_a_writer),
    TEST(what_the_old_owner_did_not_use_comes_first_at_the_new_one),
    TEST(a_producer_is_asked_for_the_next_piece_when_there_is_room),
    {0},
};

const test_suite terminal_stream_suite = {.name = "actors/stream terminal", .cases = cases};
