/* SPDX-License-Identifier: MIT */
/* How streams hold back and let go: windows, write limits, pulling, files; over every transport. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <weft/edge.h>

#include "actors/stream_kit.h"

enum { PIECE = 16 << 10 };

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_close(self, s->stream));
}

static void send_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    (void)kit_send(self, s, PIECE);
}

static size_t held_by(weft_actor *self, weft_ref stream)
{
    weft_actor_stats stats;
    return weft_stats_actor(weft_system_of(self), stream, &stats) ? stats.held_bytes : 0;
}

/* ---- a message that is kept holds the next ones back, and with them the writer */

enum { ROUNDS = 30, QUEUE = 200 << 10, MUCH = 8 << 20 };

static void keep_the_first(weft_actor *self, kit_side *s, weft_msg *msg)
{
    if (s->datas != 1)
        return;
    s->held = weft_keep(msg);
    kit_tell(self, s->world->a, 0);
}

/* a: fills the stream, then plays rounds with b in which nothing may come there */
static void fill_then_wait(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    if (s->count++ == 0) {
        s->total = MUCH;
        s->end_when_sent = true;
    }
    if (s->sent < s->total)
        (void)kit_send(self, s, PIECE);
    /* whole writes are taken while it is below the limit */
    CHECK(weft_write_queued(self, s->stream) < QUEUE + PIECE);
    kit_tell(self, s->world->b, 0);
}

static void let_go_in_the_end(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_U64(s->datas, 1);
    if (s->count++ < ROUNDS) {
        kit_tell(self, s->world->a, 0);
        return;
    }
    CHECK(s->world->a->sent < MUCH);
    CHECK_ERR(weft_write_copy(self, s->world->a->stream, "x", 1), WEFT_EFULL);
    kit_let_go(self, s);
}

static void a_message_that_is_kept_holds_back_the_next_and_in_the_end_the_writer(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_it, .total = 1, .write_queue = QUEUE, .note = fill_then_wait};
        kit_side b = {.data = keep_the_first, .note = let_go_in_the_end, .ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_U64(b.got, MUCH);
        CHECK(a.drains > 0);
        CHECK(a.drains < MUCH / (QUEUE / 4));
        CHECK_STR(b.log, "odec");
    }
}

/* ---- bytes that are kept hold the window */

enum { WINDOW = 96 << 10, BLOCK = 66 << 10 };

/* What is held for bytes that it keeps: a stage may hold some more, of which it still tells. */
static size_t kept_of(const kit_side *s)
{
    size_t sum = 0;
    for (unsigned i = 0; i < s->n_kept; i++)
        sum += weft_bytes_charge(s->kept[i]);
    return sum;
}

static void keep_bytes(weft_actor *self, kit_side *s, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    if (s->count > ROUNDS || s->n_kept == 64)
        return;
    s->kept[s->n_kept++] = weft_bytes_keep(self, data->bytes);
    CHECK(held_by(self, s->stream) <= WINDOW + 2 * BLOCK);
    if (held_by(self, s->stream) > WINDOW && kept_of(s) > WINDOW && s->count++ == 0)
        kit_tell(self, s->world->a, s->datas);
}

static void send_more(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)kit_send(self, s, PIECE);
    kit_tell(self, s->world->b, ((const kit_note *)weft_body(msg))->what);
}

/* b: nothing may come while it keeps more than its window */
static void drop_bytes_in_the_end(weft_actor *self, kit_side *s, weft_msg *msg)
{
    uint32_t datas = ((const kit_note *)weft_body(msg))->what;
    CHECK_U64(s->datas, datas);
    if (s->count++ < ROUNDS)
        kit_tell(self, s->world->a, datas);
    else
        kit_let_go(self, s);
}

static void bytes_that_are_kept_hold_the_source_at_its_window(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {
            .opened = send_it, .total = 4 << 20, .end_when_sent = true, .note = send_more};
        kit_side b = {.window = WINDOW, .data = keep_bytes, .note = drop_bytes_in_the_end};
        b.ended = close_it;
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_U64(b.got, 4 << 20);
        CHECK(b.count > ROUNDS);
    }
}

static void a_window_of_one_byte_slows_and_never_stops(void)
{
    enum { BYTES = 20000 };
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_it, .total = BYTES, .end_when_sent = true};
        kit_side b = {.window = 1, .ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_U64(b.got, BYTES);
    }
}

/* ---- what is forwarded is bounded by its source: echo to a peer that reads late */

static void write_back(weft_actor *self, kit_side *s, weft_msg *msg)
{
    CHECK_OK(weft_write(self, s->stream, ((const weft_data *)weft_body(msg))->bytes));
    CHECK(held_by(self, s->stream) <= WINDOW + 2 * BLOCK);
}

/* a keeps the first echo until it has written as much as goes */
static void take_echo(weft_actor *self, kit_side *s, weft_msg *msg)
{
    if (s->count++ == 0) {
        s->held = weft_keep(msg);
        (void)weft_after(self, 30, kit_note, .what = 0);
    } else if (s->got == s->total)
        CHECK_OK(weft_close(self, s->stream));
}

static void go_on_reading(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    kit_let_go(self, s);
}

static void an_echo_slows_its_peer_with_no_code_and_loses_nothing(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_it, .total = MUCH, .data = take_echo, .note = go_on_reading};
        kit_side b = {.window = WINDOW, .write_queue = 1000, .data = write_back, .ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_U64(a.got, MUCH);
        CHECK_U64(b.got, MUCH);
    }
}

/* ---- pulling */

static void begin_producing(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_produce(self, s->stream));
    CHECK_OK(weft_produce(self, s->stream));
}

static void produce(weft_actor *self, kit_side *s, weft_msg *msg)
{
    const weft_pull *pull = weft_body(msg);
    CHECK(pull->room >= QUEUE / 2);
    CHECK(weft_write_queued(self, s->stream) <= QUEUE / 2);
    s->total += PIECE;
    CHECK_OK(kit_send(self, s, PIECE));
    if (s->total < (2 << 20))
        return;
    weft_produce_end(self, s->stream);
    CHECK_OK(weft_end(self, s->stream));
}

static void a_producer_is_asked_for_the_next_piece_when_there_is_room(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = begin_producing, .write_queue = QUEUE, .pull = produce};
        kit_side b = {.ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_U64(b.got, 2 << 20);
        CHECK_U64(a.drains, 0);
    }
}

/* ---- files */

enum { FILE_BYTES = 300000 };

/* A file with the pattern in it, which has no name any more. */
static weft_file *file_new(void)
{
    char path[] = P_tmpdir "/weft-test-XXXXXX";
    int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    (void)unlink(path);
    uint8_t *bytes = malloc(FILE_BYTES);
    REQUIRE(bytes != NULL);
    for (unsigned i = 0; i < FILE_BYTES; i++)
        bytes[i] = kit_byte(i);
    CHECK_I64(write(fd, bytes, FILE_BYTES), FILE_BYTES);
    free(bytes);
    return weft_file_new(fd);
}

static void send_file(weft_actor *self, kit_side *s, weft_msg *msg)
{
    uint8_t head[7], tail[100];
    weft_file *file = file_new();
    (void)msg;
    for (unsigned i = 0; i < sizeof head; i++)
        head[i] = kit_byte(i);
    for (unsigned i = 0; i < sizeof tail; i++)
        tail[i] = kit_byte(FILE_BYTES + i);
    CHECK_OK(weft_write_copy(self, s->stream, head, sizeof head));
    CHECK_OK(weft_write_file(self, s->stream, file, sizeof head, 100000));
    CHECK_OK(weft_write_file(self, s->stream, file, sizeof head + 100000,
                             FILE_BYTES - 100000 - sizeof head));
    CHECK_OK(weft_write_copy(self, s->stream, tail, sizeof tail));
    CHECK_OK(weft_write_file(self, s->stream, file, 0, 0));
    CHECK_OK(weft_end(self, s->stream));
    weft_file_drop(&file);
}

/* Many of them leave with one call, also in the middle of one. */
static void send_small(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    (void)kit_send(self, s, 100);
}

static void hundreds_of_small_pieces_arrive_in_order(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_small, .total = 60001, .end_when_sent = true};
        kit_side b = {.ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b, .listen_options = "?window=1k"});
        CHECK_U64(b.got, 60001);
        CHECK_ERR(a.reason, WEFT_EDONE);
    }
}

static void ranges_of_files_stand_in_line_with_what_is_written(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_file}, b = {.ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_U64(b.got, FILE_BYTES + 100);
        CHECK_ERR(a.reason, WEFT_EDONE);
    }
}

static void send_beyond_file(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_file *file = file_new();
    (void)msg;
    CHECK_OK(weft_write_file(self, s->stream, file, FILE_BYTES - 10, 11));
    weft_file_drop(&file);
}

static void a_file_that_is_too_short_closes_the_stream_as_truncated(void)
{
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_beyond_file}, b = {.ended = close_it, .raw = true};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_ERR(a.reason, WEFT_ETRUNCATED);
        CHECK(strstr(a.why, "shorter") != NULL);
        CHECK_U64(b.closes, 1);
    }
}

/* ---- an end that the peer would not see: what came is unread when the stream closes */

static void close_unread(weft_actor *self, kit_side *s, weft_msg *msg)
{
    if (s->datas != 1)
        return;
    s->held = weft_keep(msg);
    kit_tell(self, s->world->b, 0);
}

static void answer_and_close(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    s->total = 500000;
    CHECK_OK(kit_send(self, s, PIECE));
    CHECK_OK(weft_close(self, s->stream));
}

static void send_then_tell(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    s->total = 900000;
    (void)kit_send(self, s, PIECE);
    kit_tell(self, s->world->a, 0);
}

static void an_answer_arrives_although_the_request_was_never_read(void)
{
    KIT_FOR_EACH(by)
    {
        if (by->forwarded)
            continue;
        kit_side a = {.data = close_unread, .note = answer_and_close};
        kit_side b = {.opened = send_it, .total = 1, .note = send_then_tell, .ended = close_it};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_U64(b.got, 500000);
        CHECK_ERR(a.reason, WEFT_EDONE);
        /* a program that leaves what was sent to it unread ends, or is lost: whichever is seen first */
        if (by->exec == NULL)
            CHECK(b.log[strlen(b.log) - 2] == 'e');
    }
}

static void keep_for_ever(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)self;
    if (s->held == NULL)
        s->held = weft_keep(msg);
}

static void send_and_close(weft_actor *self, kit_side *s, weft_msg *msg)
{
    send_it(self, s, msg);
    close_it(self, s, msg);
}

static void a_close_that_the_peer_holds_up_ends_after_its_limit(void)
{
    KIT_FOR_EACH(by)
    {
        if (!by->sim || by->tls)
            continue; /* half a minute, but in virtual time */
        kit_side a = {.opened = send_and_close, .total = 1000000};
        kit_side b = {.data = keep_for_ever};
        kit_run(
            &(kit_world){.by = by, .a = &a, .b = &b, .closes = 1, .listen_options = "?window=64k"});
        CHECK_ERR(a.reason, WEFT_ETIMEDOUT);
        CHECK_U64(b.datas, 1);
    }
}

static const test_case cases[] = {
    TEST(a_message_that_is_kept_holds_back_the_next_and_in_the_end_the_writer),
    TEST(bytes_that_are_kept_hold_the_source_at_its_window),
    TEST(a_window_of_one_byte_slows_and_never_stops),
    TEST(an_echo_slows_its_peer_with_no_code_and_loses_nothing),
    TEST(a_producer_is_asked_for_the_next_piece_when_there_is_room),
    TEST(hundreds_of_small_pieces_arrive_in_order),
    TEST(ranges_of_files_stand_in_line_with_what_is_written),
    TEST(a_file_that_is_too_short_closes_the_stream_as_truncated),
    TEST(an_answer_arrives_although_the_request_was_never_read),
    TEST(a_close_that_the_peer_holds_up_ends_after_its_limit),
    {0},
};

const test_suite stream_flow_suite = {.name = "actors/stream flow", .cases = cases};
