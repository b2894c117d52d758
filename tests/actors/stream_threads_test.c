/* SPDX-License-Identifier: MIT */
/* Streams across two reactors: owners, streams and writers on different threads. */
#include "actors/stream_kit.h"

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    KIT_CHECK(s, weft_close(self, s->stream) == WEFT_OK);
}

static void send_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    KIT_CHECK(s, kit_send(self, s, 16 << 10) == WEFT_OK);
}

static void echo(weft_actor *self, kit_side *s, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    KIT_CHECK(s, weft_write(self, s->stream, data->bytes) == WEFT_OK);
}

static void end_when_back(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    if (s->got == s->total)
        KIT_CHECK(s, weft_end(self, s->stream) == WEFT_OK);
}

static void abort_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    KIT_CHECK(s, weft_abort(self, s->stream, WEFT_EPROTO) == WEFT_OK);
}

/* ---- connections of a listener are spread over the reactors */

static weft_err serve_echo(weft_actor *self, weft_msg *msg)
{
    return weft_write(self, weft_sender(msg), ((const weft_data *)weft_body(msg))->bytes);
}

static const weft_handler echo_rows[] = {{.type = &weft_data_type, .fn = serve_echo}, {0}};
static const weft_behaviour echo_behaviour = {.name = "echo", .handlers = echo_rows};

enum { CLIENTS = 8 };

static void connections_on_both_reactors_are_served(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side client[CLIENTS], b = {.count = 0};
        if (by->url == NULL || by->tls)
            continue;
        for (unsigned i = 0; i < CLIENTS; i++)
            client[i] = (kit_side){.opened = send_it, .total = 256 << 10, .data = end_when_back};
        kit_run(&(kit_world){.by = by,
                             .a = &client[0],
                             .more = &client[1],
                             .n_more = CLIENTS - 1,
                             .b = &b,
                             .serve = &echo_behaviour,
                             .reactors = 2,
                             .closes = CLIENTS});
        for (unsigned i = 0; i < CLIENTS; i++) {
            CHECK_U64(client[i].got, 256 << 10);
            CHECK_U64(client[i].wrong + client[i].faults, 0);
            CHECK_STR(client[i].log, "odec");
        }
    }
}

/* ---- an owner on reactor 1 of a stream on reactor 0; TLS is pushed where the stream is */

#define FOR_EACH_PLAIN(by) KIT_FOR_EACH(by) if (!by->tls)

static void run_far(const kit_transport *by, kit_side *a, kit_side *b, kit_side *c)
{
    kit_run(&(kit_world){.by = by, .a = a, .b = b, .c = c, .reactors = 2, .far = true});
}

static void an_owner_far_away_sees_and_does_what_one_nearby_does(void)
{
    FOR_EACH_PLAIN(by)
    {
        kit_side a = {.opened = send_it, .total = 800 << 10, .data = end_when_back};
        kit_side b = {.data = echo, .ended = close_it};
        run_far(by, &a, &b, NULL);
        CHECK_U64(a.got, 800 << 10);
        CHECK_STR(a.log, "odec");
        CHECK_STR(b.log, "odec");
        CHECK_ERR(a.reason, WEFT_EDONE);
        CHECK_U64(a.closes + b.closes, 2);
    }
}

static void bytes_given_to_a_far_owner_are_echoed_and_come_home(void)
{
    FOR_EACH_PLAIN(by)
    {
        kit_side a = {.data = echo, .ended = close_it, .window = 100000};
        kit_side b = {.opened = send_it, .total = 800 << 10, .data = end_when_back};
        run_far(by, &a, &b, NULL);
        CHECK_U64(a.got, 800 << 10);
        CHECK_U64(b.got, 800 << 10);
    }
}

static void an_abort_from_far_away_is_told_to_both(void)
{
    FOR_EACH_PLAIN(by)
    {
        kit_side a = {.data = abort_it}, b = {.opened = send_it, .total = 5, .ended = close_it};
        run_far(by, &a, &b, NULL);
        CHECK_ERR(a.reason, WEFT_EPROTO);
        CHECK_STR(a.log, "odc");
        CHECK_U64(b.closes, 1);
    }
}

static void send_too_much(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    (void)kit_send(self, s, 64 << 10);
}

static void keep_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)self;
    if (s->held == NULL)
        s->held = weft_keep(msg);
}

static void what_a_far_writer_overruns_closes_the_stream_rather_than_losing_bytes(void)
{
    FOR_EACH_PLAIN(by)
    {
        kit_side a = {.opened = send_too_much, .total = 32 << 20, .write_queue = 100000};
        kit_side b = {.opened = keep_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b, .reactors = 2, .far = true, .closes = 1});
        CHECK_ERR(a.reason, WEFT_ELIMIT);
    }
}

static void begin_producing(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    KIT_CHECK(s, weft_produce(self, s->stream) == WEFT_OK);
}

static void produce(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    s->total += 64 << 10;
    KIT_CHECK(s, kit_send(self, s, 16 << 10) == WEFT_OK);
    if (s->total < (8 << 20))
        return;
    weft_produce_end(self, s->stream);
    KIT_CHECK(s, weft_end(self, s->stream) == WEFT_OK);
}

static void a_far_producer_is_pulled_and_never_overruns(void)
{
    FOR_EACH_PLAIN(by)
    {
        kit_side a = {.opened = begin_producing, .pull = produce, .write_queue = 200000};
        kit_side b = {.ended = close_it};
        run_far(by, &a, &b, NULL);
        CHECK_U64(b.got, 8 << 20);
        CHECK_ERR(a.reason, WEFT_EDONE);
    }
}

static void hand_over(weft_actor *self, kit_side *s, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    KIT_CHECK(s, weft_hand_over(self, s->stream, s->world->c->self,
                                weft_bytes_slice(data->bytes, 3, SIZE_MAX)) == WEFT_OK);
    (void)weft_stop(self, WEFT_OK);
}

static void a_hand_over_from_one_reactor_to_the_other_loses_nothing(void)
{
    FOR_EACH_PLAIN(by)
    {
        kit_side a = {.data = hand_over}, c = {.ended = close_it, .got = 3};
        kit_side b = {.opened = send_it, .total = 800 << 10, .end_when_sent = true};
        run_far(by, &a, &b, &c);
        CHECK_U64(c.got, 800 << 10);
        CHECK_U64(c.wrong, 0);
        CHECK_STR(c.log, "odec");
    }
}

static const test_case cases[] = {
    TEST(connections_on_both_reactors_are_served),
    TEST(an_owner_far_away_sees_and_does_what_one_nearby_does),
    TEST(bytes_given_to_a_far_owner_are_echoed_and_come_home),
    TEST(an_abort_from_far_away_is_told_to_both),
    TEST(what_a_far_writer_overruns_closes_the_stream_rather_than_losing_bytes),
    TEST(a_far_producer_is_pulled_and_never_overruns),
    TEST(a_hand_over_from_one_reactor_to_the_other_loses_nothing),
    {0},
};

const test_suite stream_threads_suite = {
    .name = "actors/stream threads", .cases = cases, .threads = true};
