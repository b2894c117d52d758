/* SPDX-License-Identifier: MIT */
/* What every stream does, whatever carries it: the order of its events, and its ends. */
#include <stdlib.h>

#include "actors/stream_kit.h"
#include "pipes.h"

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_close(self, s->stream));
}

static void end_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_end(self, s->stream));
}

static void send_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    (void)kit_send(self, s, 16 << 10);
}

static void echo(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)s;
    CHECK_OK(weft_write(self, weft_sender(msg), ((const weft_data *)weft_body(msg))->bytes));
}

/* ---- order */

static void end_after_five(weft_actor *self, kit_side *s, weft_msg *msg)
{
    if (s->got == 5)
        end_it(self, s, msg);
}

static void opened_data_ended_closed_come_in_that_order(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_it, .total = 5, .data = end_after_five};
        kit_side b = {.data = echo, .ended = end_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_STR(a.log, "odec");
        CHECK_STR(b.log, "odec");
        CHECK_U64(a.got, 5);
        CHECK_U64(a.closes + b.closes + a.opens + b.opens, 4);
        CHECK_ERR(a.reason, WEFT_EDONE);
        CHECK_ERR(b.reason, WEFT_EDONE);
    }
}

static void write_at_once(weft_actor *self, kit_side *s, weft_msg *msg)
{
    uint8_t *text = malloc(s->count + 1);
    REQUIRE(text != NULL);
    for (uint64_t i = 0; i < s->count; i++)
        text[i] = kit_byte(i);
    CHECK_OK(weft_write_copy(self, s->stream, text, s->count));
    free(text);
    end_it(self, s, msg);
}

static void one_write_of_any_size_arrives_whole(void)
{
    static const uint64_t sizes[] = {0, 1, 64 << 10, 10 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        KIT_FOR_EACH(by)
        {
            kit_side a = {.opened = write_at_once, .count = sizes[i]}, b = {.ended = close_it};
            kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
            CHECK_U64(b.got, sizes[i]);
            CHECK_STR(b.log, sizes[i] != 0 ? "odec" : "oec");
            CHECK_STR(a.log, "oec");
            CHECK_ERR(a.reason, WEFT_EDONE);
        }
}

/* ---- half close */

static void half_closed(kit_side *first, kit_side *second, kit_side *a, kit_side *b)
{
    first->opened = end_it;
    second->ended = send_it;
    second->total = 1 << 20;
    second->end_when_sent = true;
    KIT_FOR_EACH(by)
    {
        kit_side one = *a, two = *b;
        kit_run(&(kit_world){.by = by, .a = &one, .b = &two});
        CHECK_U64(one.got + two.got, 1 << 20);
        CHECK_STR(first == a ? one.log : two.log, "odec");
        CHECK_STR(first == a ? two.log : one.log, "oec");
        CHECK_ERR(one.reason, WEFT_EDONE);
        CHECK_ERR(two.reason, WEFT_EDONE);
    }
}

static void who_ended_its_side_is_still_told_what_comes(void)
{
    kit_side a = {.count = 0}, b = {.count = 0};
    half_closed(&a, &b, &a, &b);
    a = b = (kit_side){.count = 0};
    half_closed(&b, &a, &a, &b);
}

static void without_a_row_the_peers_end_closes_and_closed_stops_the_owner(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_it, .total = 5, .end_when_sent = true};
        kit_side b = {.bare = true, .data = echo};
        if (by->tls)
            continue; /* it has no row to push the stage in */
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK(b.stopped);
        CHECK_U64(a.got, 5);
        CHECK_STR(a.log, "odec");
    }
}

/* ---- abort, and peers that vanish */

static void abort_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_abort(self, s->stream, WEFT_EPROTO));
    CHECK_ERR(weft_write(self, s->stream, WEFT_BYTES_LITERAL("x")), WEFT_EGONE);
    CHECK_ERR(weft_end(self, s->stream), WEFT_EGONE);
}

/* Whether it was lost; within TLS that may be an end of the wire alone. */
static bool is_lost(const kit_transport *by, const kit_side *s)
{
    return s->reason == WEFT_ELOST || ((by->tls || by->secure) && s->reason == WEFT_ETRUNCATED);
}

/* The side that did not abort: lost, or where the transport cannot say so, ended in order. */
static void check_other(const kit_transport *by, const kit_side *s)
{
    CHECK_U64(s->closes, 1);
    if (by->resets)
        CHECK_ERR(s->reason, WEFT_ELOST);
    else if (by->tls || by->secure)
        CHECK(is_lost(by, s));
    else
        CHECK(s->reason == WEFT_ELOST || s->reason == WEFT_EDONE);
    CHECK(s->log[strlen(s->log) - 1] == 'c');
}

static void an_abort_is_told_to_both_once_with_its_reason_here(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_it, .total = 5, .ended = close_it}, b = {.data = abort_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_ERR(b.reason, WEFT_EPROTO);
        CHECK_STR(b.log, "odc");
        check_other(by, &a);

        kit_side c = {.data = abort_it}, d = {.opened = send_it, .total = 5, .ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &c, .b = &d});
        CHECK_ERR(c.reason, WEFT_EPROTO);
        check_other(by, &d);
    }
}

static void a_peer_that_vanishes_at_once_is_told_as_closed(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.ended = close_it}, b = {.opened = abort_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_ERR(b.reason, WEFT_EPROTO);
        CHECK_U64(b.closes, 1);
        CHECK_U64(a.closes, 1);
        /* within a handshake an end is a truncation */
        if (!by->tls)
            check_other(by, &a);
    }
}

static void a_peer_that_vanishes_ends_a_writer(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_it, .total = 10 << 20}, b = {.data = abort_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        if (by->resets)
            CHECK_ERR(a.reason, WEFT_ELOST);
        CHECK(is_lost(by, &a));
        CHECK_U64(a.closes + b.closes, 2);
        CHECK(a.sent < 10 << 20);
    }
}

/* ---- what a pipe's other side leaves unread */

static void hold(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)self;
    s->held = weft_keep(msg);
}

static void its_reader_goes(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)self, (void)msg;
    wf_pipes_peer_gone(wf_conn_here(s->stream));
}

static void tell_b(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    kit_tell(self, s->world->b, 0);
}

static void let_go(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    kit_let_go(self, s);
}

/* As with a program that has ended: its end may be read before it is known to be gone. */
static void what_is_left_when_a_reader_goes_that_has_ended_is_a_loss(void)
{
    KIT_FOR_EACH(by)
    {
        if (!by->pipes || by->tls)
            continue;
        kit_side a = {
            .opened = send_it, .total = 900 << 10, .ended = its_reader_goes, .closed = tell_b};
        kit_side b = {.opened = end_it, .data = hold, .note = let_go, .ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_STR(a.log, "oec");
        CHECK_ERR(a.reason, WEFT_ELOST);
        CHECK_STR(a.why, "what was written was not read to its end");
    }
}

static void send_and_abort(weft_actor *self, kit_side *s, weft_msg *msg)
{
    send_it(self, s, msg);
    if (s->sent > 300000)
        abort_it(self, s, msg);
}

static void a_peer_that_vanishes_in_the_middle_leaves_a_reader_a_prefix(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.ended = close_it}, b = {.opened = send_and_abort, .drained = send_and_abort};
        b.total = 600000;
        b.write_queue = 100000;
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK(a.got <= b.sent);
        CHECK_U64(a.closes, 1);
        CHECK(a.reason == WEFT_ELOST || a.reason == WEFT_EDONE || a.reason == WEFT_ETRUNCATED);
    }
}

/* Half closed on one side, gone on the other: there is nothing more to wait for. */
static void a_peer_that_vanishes_behind_an_end_is_told_as_closed(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = end_it, .ended = close_it}, b = {.ended = abort_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_STR(b.log, "oec");
        CHECK_ERR(b.reason, WEFT_EPROTO);
        CHECK_U64(a.closes, 1);
        CHECK(a.reason == WEFT_EDONE || is_lost(by, &a));

        kit_side c = {.ended = abort_it}, d = {.opened = end_it, .ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &c, .b = &d});
        CHECK_ERR(c.reason, WEFT_EPROTO);
        CHECK_U64(d.closes, 1);
        CHECK(d.reason == WEFT_EDONE || is_lost(by, &d));
    }
}

static void end_and_abort(weft_actor *self, kit_side *s, weft_msg *msg)
{
    end_it(self, s, msg);
    CHECK_OK(weft_abort(self, s->stream, WEFT_EPROTO));
}

/* Its end may or may not have left before it went. */
static void a_peer_that_vanishes_with_its_end_is_told_as_closed(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_it, .total = 5, .ended = close_it},
                 b = {.data = end_and_abort};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_ERR(b.reason, WEFT_EPROTO);
        CHECK_U64(a.closes + b.closes, 2);
        CHECK(a.reason == WEFT_EDONE || is_lost(by, &a));
    }
}

/* ---- close */

static void send_and_close(weft_actor *self, kit_side *s, weft_msg *msg)
{
    send_it(self, s, msg);
    CHECK_U64(s->sent, s->total);
    CHECK_OK(weft_close(self, s->stream));
    CHECK_ERR(weft_write(self, s->stream, WEFT_BYTES_LITERAL("late")), WEFT_EGONE);
    weft_err again = weft_close(self, s->stream); /* it may be over already */
    CHECK(again == WEFT_OK || again == WEFT_EGONE);
}

static void what_was_written_before_a_close_arrives(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_and_close, .total = 900 << 10}, b = {.ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_U64(b.got, 900 << 10);
        CHECK_STR(b.log, "odec");
        CHECK_STR(a.log, "oc");
        CHECK_ERR(a.reason, WEFT_EDONE);
        CHECK_ERR(b.reason, WEFT_EDONE);
    }
}

static void send_and_stop(weft_actor *self, kit_side *s, weft_msg *msg)
{
    send_it(self, s, msg);
    CHECK_U64(s->sent, s->total);
    (void)weft_stop(self, WEFT_OK);
}

static void what_an_owner_wrote_before_it_stopped_arrives(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_and_stop, .total = 900 << 10}, b = {.ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b, .closes = 1});
        CHECK_U64(b.got, 900 << 10);
        CHECK_STR(b.log, "odec");
        CHECK_STR(a.log, "o");

        kit_side c = {.ended = close_it}, d = {.opened = send_and_stop, .total = 900 << 10};
        kit_run(&(kit_world){.by = by, .a = &c, .b = &d, .closes = 1});
        CHECK_U64(c.got, 900 << 10);
    }
}

static const test_case cases[] = {
    TEST(opened_data_ended_closed_come_in_that_order),
    TEST(one_write_of_any_size_arrives_whole),
    TEST(who_ended_its_side_is_still_told_what_comes),
    TEST(without_a_row_the_peers_end_closes_and_closed_stops_the_owner),
    TEST(an_abort_is_told_to_both_once_with_its_reason_here),
    TEST(a_peer_that_vanishes_at_once_is_told_as_closed),
    TEST(a_peer_that_vanishes_ends_a_writer),
    TEST(what_is_left_when_a_reader_goes_that_has_ended_is_a_loss),
    TEST(a_peer_that_vanishes_in_the_middle_leaves_a_reader_a_prefix),
    TEST(a_peer_that_vanishes_behind_an_end_is_told_as_closed),
    TEST(a_peer_that_vanishes_with_its_end_is_told_as_closed),
    TEST(what_was_written_before_a_close_arrives),
    TEST(what_an_owner_wrote_before_it_stopped_arrives),
    {0},
};

const test_suite stream_conformance_suite = {.name = "actors/stream", .cases = cases};
