/* SPDX-License-Identifier: MIT */
/* What every endpoint does, whatever carries its datagrams. */
#include "actors/datagram_kit.h"

enum { MANY = 500, FLIGHT = 4 };

static void close_both(weft_actor *self, gram_side *s, weft_msg *msg)
{
    gram_close(self, s, msg);
    gram_tell(self, s == s->world->a ? s->world->b : s->world->a, 0);
}

/* ---- whole, with their boundaries */

static const uint32_t sizes[] = {0, 1, 4, 5, 100, 1472, 2047, 2048, 2049, 9000, 40000, 60000};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void send_next_size(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)msg;
    if (s->grams == SIZES)
        close_both(self, s, msg);
    else
        GRAM_CHECK(s, gram_send(self, s, s->grams, sizes[s->grams]) == WEFT_OK);
}

static void check_size_and_send(weft_actor *self, gram_side *s, weft_msg *msg)
{
    const weft_datagram *d = weft_body(msg);
    GRAM_CHECK(s, d->bytes.size == sizes[s->grams - 1] && d->whole == d->bytes.size);
    GRAM_CHECK(s, !d->truncated && d->lost == 0);
    send_next_size(self, s, msg);
}

static void datagrams_of_every_size_come_whole_and_go_back(void)
{
    GRAM_FOR_EACH(by)
    {
        gram_side a = {.opened = send_next_size, .datagram = check_size_and_send};
        gram_side b = {.datagram = gram_echo, .note = gram_close};
        gram_run(&(gram_world){.by = by, .a = &a, .b = &b});
        CHECK_U64(a.grams, SIZES);
        CHECK_U64(b.grams, SIZES);
        CHECK_STR(a.log, "odc");
        CHECK_STR(b.log, "odc");
        CHECK_U64(a.opens + b.opens + a.closes + b.closes, 4);
        CHECK_ERR(a.reason, WEFT_EDONE);
        CHECK_ERR(b.reason, WEFT_EDONE);
    }
}

/* ---- many, with a few in flight */

static void send_flight(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)msg;
    for (; s->count < MANY && s->count < s->grams + FLIGHT; s->count++)
        GRAM_CHECK(s, gram_send(self, s, (uint32_t)s->count, 64) == WEFT_OK);
    if (s->grams == MANY)
        close_both(self, s, msg);
}

static void many_with_several_in_flight_all_come_back(void)
{
    GRAM_FOR_EACH(by)
    {
        gram_side a = {.opened = send_flight, .datagram = send_flight};
        gram_side b = {.datagram = gram_echo, .note = gram_close, .bare = false};
        gram_run(&(gram_world){.by = by, .a = &a, .b = &b, .listen = true});
        CHECK_U64(a.grams, MANY);
        CHECK_U64(b.grams, MANY);
        CHECK_U64(a.bytes, MANY * 64);
    }
}

static void endpoints_of_another_reactor_work_alike(void)
{
    GRAM_FOR_EACH(by)
    {
        gram_side a = {.opened = send_flight, .datagram = send_flight};
        gram_side b = {.datagram = gram_echo, .note = gram_close};
        gram_run(&(gram_world){.by = by, .a = &a, .b = &b, .reactors = 2, .far = true});
        CHECK_U64(a.grams, MANY);
        CHECK_STR(a.log, "odc");
    }
}

/* ---- truncated */

static void send_300(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)msg;
    GRAM_CHECK(s, gram_send(self, s, 7, 300) == WEFT_OK);
}

static void check_truncated(weft_actor *self, gram_side *s, weft_msg *msg)
{
    const weft_datagram *d = weft_body(msg);
    GRAM_CHECK(s, d->truncated && d->bytes.size == 100 && d->whole == 300);
    gram_tell(self, s->world->a, 0);
    gram_count(self, s, msg);
}

static void what_is_larger_than_size_is_truncated_and_says_so(void)
{
    GRAM_FOR_EACH(by)
    {
        gram_side a = {.opened = send_300, .note = gram_close};
        gram_side b = {.datagram = check_truncated, .options = "?size=100"};
        gram_run(&(gram_world){.by = by, .a = &a, .b = &b});
        CHECK_U64(b.stats.truncated, 1);
        CHECK_U64(b.stats.received_bytes, 100);
    }
}

/* ---- the window */

enum { WINDOW = 4096, KEPT_BYTES = 900 };

static void keep_until_it_stands(weft_actor *self, gram_side *s, weft_msg *msg)
{
    const weft_datagram *d = weft_body(msg);
    if (s->n_kept < 64 && s->count == 0)
        s->kept[s->n_kept++] = weft_bytes_keep(self, d->bytes);
    /* each is a buffer of 1 KiB: the fifth finds the window used up, whoever is next waits for room */
    GRAM_CHECK(s, s->n_kept <= WINDOW / KEPT_BYTES + 1);
    if (s->grams == WINDOW / KEPT_BYTES + 1)
        gram_tell(self, s->world->a, 1); /* by then as much as may come has */
    if (s->grams == 8)
        close_both(self, s, msg);
}

static void send_eight_then_let_go(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)msg;
    for (uint32_t i = 0; i < 8; i++)
        GRAM_CHECK(s, gram_send(self, s, i, KEPT_BYTES) == WEFT_OK);
}

static void on_a_note(weft_actor *self, gram_side *s, weft_msg *msg)
{
    if (((const gram_note *)weft_body(msg))->what == 1)
        gram_tell(self, s->world->b, 1); /* there and back: a round or more */
    else
        gram_close(self, s, msg);
}

static void let_go_after_a_while(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)msg;
    if (s->count++ < 20) {
        GRAM_CHECK(s, s->grams == WINDOW / KEPT_BYTES + 1);
        gram_tell(self, s, 1);
        return;
    }
    gram_let_go(s);
}

static void what_is_kept_holds_the_source_at_its_window(void)
{
    GRAM_FOR_EACH(by)
    {
        gram_side a = {.opened = send_eight_then_let_go, .note = on_a_note};
        gram_side b = {.datagram = keep_until_it_stands,
                       .note = let_go_after_a_while,
                       .options = "?window=4096"};
        if (by->merged)
            continue;
        gram_run(&(gram_world){.by = by, .a = &a, .b = &b});
        CHECK_U64(b.grams, 8);
    }
}

/* ---- the queue of output */

static void send_until_full(weft_actor *self, gram_side *s, weft_msg *msg)
{
    weft_err err = WEFT_OK;
    (void)msg;
    while (s->count < 40 && (err = gram_send(self, s, (uint32_t)s->count, 500)) == WEFT_OK)
        s->count++;
    GRAM_CHECK(s, err == WEFT_OK || (err == WEFT_EFULL && s->count != 0));
    if (err == WEFT_OK)
        gram_count(self, s, msg);
}

static void count_to_40(weft_actor *self, gram_side *s, weft_msg *msg)
{
    if (s->grams == 40)
        gram_close(self, s, msg);
}

static void a_send_beyond_the_queue_is_refused_and_room_is_told(void)
{
    GRAM_FOR_EACH(by)
    {
        gram_side a = {
            .opened = send_until_full, .drained = send_until_full, .options = "?write_queue=2k"};
        gram_side b = {.datagram = count_to_40};
        /* a unix socket holds ten, and who is not connected is told that more find no room */
        if (by->local && by->other != NULL)
            continue;
        gram_run(&(gram_world){.by = by, .a = &a, .b = &b});
        CHECK(a.drains >= 9);
        CHECK_U64(b.grams, 40);
        CHECK_ERR(a.reason, WEFT_EDONE);
    }
}

static void send_ten(weft_actor *self, gram_side *s, weft_msg *msg)
{
    for (uint32_t i = 0; i < 10; i++)
        GRAM_CHECK(s, gram_send(self, s, i, 500) == WEFT_OK);
    gram_count(self, s, msg);
}

static void note_numbers(weft_actor *self, gram_side *s, weft_msg *msg)
{
    s->count |= 1U << gram_number(weft_body(msg));
    if (s->grams == 4)
        gram_close(self, s, msg);
}

static void a_full_queue_drops_what_its_policy_says_and_counts_it(void)
{
    /* 2 KiB are reached by four of 628; of the last four the first three left room for one */
    static const struct {
        const char *options;
        uint64_t come;
    } rows[] = {{"?write_queue=2k&when_full=drop_newest", 0x00f},
                {"?write_queue=2k&when_full=drop_oldest", 0x3c0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        GRAM_FOR_EACH(by)
        {
            gram_side a = {.opened = send_ten, .options = rows[i].options};
            gram_side b = {.datagram = note_numbers};
            gram_run(&(gram_world){.by = by, .a = &a, .b = &b});
            CHECK_U64(b.count, rows[i].come);
            CHECK_U64(a.stats.dropped, 6);
            CHECK_U64(a.stats.failed, 0);
        }
}

/* ---- failures */

static void send_after_it_closed(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)msg;
    gram_tell(self, s->world->b, 0);
}

static void send_one(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)msg;
    GRAM_CHECK(s, gram_send(self, s, 1, 20) == WEFT_OK);
}

static void tell_a(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)msg;
    gram_tell(self, s->world->a, 0);
}

static void what_is_sent_to_nobody_is_told_as_failed(void)
{
    GRAM_FOR_EACH(by)
    {
        gram_side a = {.opened = send_after_it_closed, .note = send_one, .failed = gram_count};
        gram_side b = {.note = gram_close, .closed = tell_a};
        gram_run(&(gram_world){.by = by, .a = &a, .b = &b});
        CHECK_STR(a.log, "ofc");
        CHECK(a.fail == WEFT_EREFUSED || (by->local && a.fail == WEFT_ENOTFOUND));
        CHECK(a.failure.icmp == by->icmp);
        CHECK_U64(a.stats.failed, 1);
        if (by->icmp)
            CHECK_U64(a.failure.peer.port, b.local.port);
    }
}

static void send_what_cannot_be(weft_actor *self, gram_side *s, weft_msg *msg)
{
    static uint8_t huge[70000];
    weft_address strange = {.family = s->local.family == WEFT_FAMILY_UNIX ? WEFT_FAMILY_V4
                                                                          : WEFT_FAMILY_UNIX};
    (void)msg;
    weft_bytes bytes = weft_bytes_static(huge, sizeof huge);
    const weft_address *to = s->to.family != WEFT_FAMILY_NONE ? &s->to : NULL;
    if (!s->world->by->local)
        GRAM_CHECK(s, weft_send(self, s->endpoint, to, bytes) == WEFT_ETOOBIG);
    GRAM_CHECK(s, weft_send(self, s->endpoint, &strange, weft_bytes_slice(bytes, 0, 1)) ==
                      WEFT_EINVAL);
    if (to != NULL)
        GRAM_CHECK(s, weft_send_copy(self, s->endpoint, NULL, "x", 1) == WEFT_EINVAL);
    GRAM_CHECK(s, weft_send(self, weft_self(self), to, bytes) == WEFT_EGONE);
    close_both(self, s, msg);
    GRAM_CHECK(s, weft_send_copy(self, s->endpoint, to, "x", 1) == WEFT_EGONE);
    GRAM_CHECK(s, weft_endpoint_close(self, s->endpoint) == WEFT_EGONE);
    GRAM_CHECK(s, weft_join(self, s->endpoint, &strange, NULL) == WEFT_EGONE);
}

static void what_cannot_be_sent_is_an_error_of_the_call(void)
{
    GRAM_FOR_EACH(by)
    {
        gram_side a = {.opened = send_what_cannot_be};
        gram_side b = {.note = gram_close};
        gram_run(&(gram_world){.by = by, .a = &a, .b = &b});
        CHECK_STR(a.log, "oc");
        CHECK_U64(b.grams, 0);
    }
}

static void ask_what_cannot_be(weft_actor *self, gram_side *s, weft_msg *msg)
{
    weft_address strange = {.family = s->local.family == WEFT_FAMILY_UNIX ? WEFT_FAMILY_V4
                                                                          : WEFT_FAMILY_UNIX};
    (void)msg;
    GRAM_CHECK(s, weft_join(self, s->endpoint, &strange, NULL) == WEFT_OK); /* on its way */
    GRAM_CHECK(s, weft_send_copy(self, s->endpoint, &strange, "x", 1) == WEFT_OK);
}

static void close_after_two(weft_actor *self, gram_side *s, weft_msg *msg)
{
    GRAM_CHECK(s, s->failure.peer.family != WEFT_FAMILY_NONE);
    if (s->fails == 2)
        close_both(self, s, msg);
}

static void what_an_endpoint_elsewhere_cannot_do_is_told_as_failed(void)
{
    GRAM_FOR_EACH(by)
    {
        gram_side a = {.opened = ask_what_cannot_be, .failed = close_after_two};
        gram_side b = {.note = gram_close};
        gram_run(&(gram_world){.by = by, .a = &a, .b = &b, .reactors = 2, .far = true});
        CHECK_STR(a.log, "ofc");
        CHECK_ERR(a.fail, WEFT_EINVAL);
        CHECK(!a.failure.icmp);
    }
}

/* ---- ends */

static void send_and_stop(weft_actor *self, gram_side *s, weft_msg *msg)
{
    send_one(self, s, msg);
    (void)weft_stop(self, WEFT_OK);
}

static void what_an_owner_sent_before_it_stopped_leaves(void)
{
    GRAM_FOR_EACH(by)
    {
        gram_side a = {.opened = send_and_stop};
        gram_side b = {.datagram = gram_close};
        gram_run(&(gram_world){.by = by, .a = &a, .b = &b, .closes = 1});
        CHECK_U64(b.grams, 1);
        CHECK_STR(a.log, "o");
    }
}

static void echo_and_close(weft_actor *self, gram_side *s, weft_msg *msg)
{
    gram_echo(self, s, msg);
    GRAM_CHECK(s, weft_endpoint_close(self, ((const weft_datagram *)weft_body(msg))->endpoint) ==
                      WEFT_OK);
}

/* It is bound before start, and has nobody to say where it is but a name that is known. */
static void without_a_row_closed_stops_the_owner(void)
{
    GRAM_FOR_EACH(by)
    {
        gram_side b = {.bare = true, .datagram = echo_and_close};
        gram_side a = {.opened = send_one, .datagram = gram_close};
        if (!by->sim)
            continue;
        gram_world w = {.by = by, .a = &a, .b = &b, .listen = true};
        (void)snprintf(w.url, sizeof w.url, "%s", by->url);
        w.early = true;
        gram_run(&w);
        CHECK_U64(b.closes, 1);
        CHECK_U64(a.grams, 1);
    }
}

static void a_system_that_stops_closes_what_is_open(void)
{
    GRAM_FOR_EACH(by)
    {
        gram_side a = {.opened = send_one, .datagram = gram_close};
        gram_side b = {.datagram = gram_echo};
        gram_run(&(gram_world){.by = by, .a = &a, .b = &b, .closes = 1, .listen = true});
        CHECK_U64(a.grams, 1);
        CHECK_U64(b.opens, 1);
    }
}

static const test_case cases[] = {
    TEST(datagrams_of_every_size_come_whole_and_go_back),
    TEST(many_with_several_in_flight_all_come_back),
    TEST(endpoints_of_another_reactor_work_alike),
    TEST(what_is_larger_than_size_is_truncated_and_says_so),
    TEST(what_is_kept_holds_the_source_at_its_window),
    TEST(a_send_beyond_the_queue_is_refused_and_room_is_told),
    TEST(a_full_queue_drops_what_its_policy_says_and_counts_it),
    TEST(what_is_sent_to_nobody_is_told_as_failed),
    TEST(what_cannot_be_sent_is_an_error_of_the_call),
    TEST(what_an_endpoint_elsewhere_cannot_do_is_told_as_failed),
    TEST(what_an_owner_sent_before_it_stopped_leaves),
    TEST(without_a_row_closed_stops_the_owner),
    TEST(a_system_that_stops_closes_what_is_open),
    {0},
};

const test_suite datagram_conformance_suite = {
    .name = "actors/datagram", .cases = cases, .threads = true};
