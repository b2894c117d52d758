/* SPDX-License-Identifier: MIT */
/* Bytes without number over every transport: generated, looked at and forgotten, in memory that does not grow with
 * them. How many is WEFT_TEST_BULK's to say ("1G"). */
#include <stdlib.h>

#include "actors/stream_kit.h"

enum {
    PRESET = 16 << 20,
    PRESET_SIM = 4 << 20, /* a wire of short reads takes far longer for the same bytes */
    QUEUE = 300 << 10,
    WINDOW = 200 << 10,
    LEAST_BYTES_A_MS = 1000,
    PIECE_MAX = 150 << 10,
    BLOCK = 66 << 10,
    MEMORY_MAX =
        8 << 20, /* of buffers, whatever is sent: two queues, two windows, and what stages hold */
    PATTERN = 1000003, /* a prime: no piece that is lost, doubled or out of its place looks right */
};

static uint8_t pattern[PATTERN + PIECE_MAX];

static void make_pattern(void)
{
    uint64_t x = 0x9e3779b97f4a7c15;
    if (pattern[0] != 0)
        return;
    for (size_t i = 0; i < sizeof pattern; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        pattern[i] = i < PATTERN ? (uint8_t)(x | 1) : pattern[i - PATTERN];
    }
}

static uint64_t bulk(const kit_transport *by)
{
    const char *text = getenv("WEFT_TEST_BULK");
    char *unit = NULL;
    if (text == NULL)
        return by->sim ? PRESET_SIM : PRESET;
    uint64_t n = strtoull(text, &unit, 10);
    unsigned shift = *unit == 'G' ? 30 : *unit == 'M' ? 20 : *unit == 'k' ? 10 : 0;
    REQUIRE(n != 0);
    return n << shift;
}

/* On a machine that others use, too. */
static uint32_t limit_ms(uint64_t bytes)
{
    return (uint32_t)(120000 + bytes / LEAST_BYTES_A_MS);
}

/* ---- what both sides look at */

static void check_memory(weft_actor *self, kit_side *s)
{
    weft_reactor_stats all;
    weft_actor_stats own;
    const weft_system *sys = weft_system_of(self);
    if (weft_stats_actor(sys, s->stream, &own))
        KIT_CHECK(s, own.held_bytes <= WINDOW + 2 * BLOCK);
    KIT_CHECK(s, weft_stats_reactor(sys, 0, &all) && all.buffer_bytes <= s->count + MEMORY_MAX);
}

static void check_bytes(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_bytes bytes = ((const weft_data *)weft_body(msg))->bytes;
    uint64_t at = s->got - bytes.size;
    for (size_t i = 0, n; i < bytes.size; i += n) {
        size_t from = (size_t)((at + i) % PATTERN);
        n = bytes.size - i < PIECE_MAX ? bytes.size - i : PIECE_MAX;
        s->wrong += memcmp(bytes.at + i, pattern + from, n) != 0;
    }
    check_memory(self, s);
}

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_close(self, s->stream));
}

/* ---- in pieces */

/* Pieces of 1 to PIECE_MAX bytes, until the stream takes no more. */
static void send_pieces(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    while (s->sent < s->total) {
        weft_bytes bytes;
        uint8_t *to;
        size_t n = (size_t)(1 + (s->sent * 7919 + s->datas) % PIECE_MAX);
        n = n < s->total - s->sent ? n : (size_t)(s->total - s->sent);
        REQUIRE(weft_bytes_new(n, &to, &bytes) == WEFT_OK);
        memcpy(to, pattern + s->sent % PATTERN, n);
        weft_err err = weft_write(self, s->stream, bytes);
        weft_bytes_drop(&bytes);
        KIT_CHECK(s, weft_write_queued(self, s->stream) < QUEUE + PIECE_MAX);
        if (err == WEFT_EFULL)
            return;
        CHECK_OK(err);
        s->sent += n;
    }
    CHECK_OK(weft_end(self, s->stream));
}

static void bulk_arrives_whole_in_memory_that_does_not_grow_with_it(void)
{
    make_pattern();
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = send_pieces, .drained = send_pieces, .write_queue = QUEUE};
        kit_side b = {.window = WINDOW, .data = check_bytes, .ended = close_it, .raw = true};
        a.total = bulk(by);
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b, .limit_ms = limit_ms(a.total)});
        CHECK_U64(b.got, a.total);
        CHECK_STR(b.log, "odec");
        CHECK_ERR(a.reason, WEFT_EDONE);
        CHECK_ERR(b.reason, WEFT_EDONE);
    }
}

/* The other way round: who is connected to sends. */
static void bulk_goes_the_other_way_too(void)
{
    make_pattern();
    KIT_FOR_EACH(by)
    {
        kit_side a = {.window = WINDOW, .data = check_bytes, .ended = close_it, .raw = true};
        kit_side b = {.opened = send_pieces, .drained = send_pieces, .write_queue = QUEUE};
        b.total = bulk(by);
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b, .limit_ms = limit_ms(b.total)});
        CHECK_U64(a.got, b.total);
        CHECK_STR(a.log, "odec");
    }
}

/* ---- as one write */

static void write_it_all(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_bytes bytes;
    uint8_t *to;
    (void)msg;
    REQUIRE(weft_bytes_new(s->total, &to, &bytes) == WEFT_OK);
    for (uint64_t at = 0, n; at < s->total; at += n) {
        n = s->total - at < PIECE_MAX ? s->total - at : PIECE_MAX;
        memcpy(to + at, pattern + at % PATTERN, n);
    }
    CHECK_OK(weft_write(self, s->stream, bytes));
    if (weft_write_queued(self, s->stream) >= WEFT_WRITE_QUEUE_BYTES_MAX)
        CHECK_ERR(weft_write_copy(self, s->stream, "x", 1), WEFT_EFULL);
    weft_bytes_drop(&bytes);
    CHECK_OK(weft_end(self, s->stream));
    s->total = 0;
}

static void one_write_of_bulk_leaves_in_pieces(void)
{
    make_pattern();
    KIT_FOR_EACH(by)
    {
        uint64_t total = bulk(by);
        kit_side a = {.opened = write_it_all, .total = total};
        kit_side b = {.window = WINDOW, .data = check_bytes, .ended = close_it, .raw = true};
        b.count = 2 * total; /* the write itself, in a block of a power of two */
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b, .limit_ms = limit_ms(total)});
        CHECK_U64(b.got, total);
        CHECK_STR(b.log, "odec");
        CHECK_ERR(a.reason, WEFT_EDONE);
    }
}

/* ---- and no more than that */

static bool has_stages(const kit_transport *by)
{
    return by->tls || by->secure || by->connect_policies != NULL;
}

static void write_too_much(weft_actor *self, kit_side *s, weft_msg *msg)
{
    /* refused by their number: nobody looks at them */
    const weft_bytes huge = {.at = pattern, .size = (size_t)UINT32_MAX + 1};
    const weft_bytes half = {.at = pattern, .size = (size_t)1 << 31};
    const weft_bytes parts[] = {half, half};
    size_t before = weft_write_queued(self, s->stream); /* a handshake's */
    (void)msg;
    CHECK_ERR(weft_write(self, s->stream, huge), WEFT_ETOOBIG);
    weft_err err = weft_write_parts(self, s->stream, parts, 2);
    /* where a stage changes what is written they would be joined first */
    CHECK(err == WEFT_ETOOBIG || (err == WEFT_ENOMEM && has_stages(s->world->by)));
    CHECK_U64(weft_write_queued(self, s->stream), before);
    CHECK_OK(weft_write_copy(self, s->stream, pattern, 5));
    CHECK_OK(weft_end(self, s->stream));
}

static void a_write_of_four_gib_is_refused_and_the_next_is_not(void)
{
    make_pattern();
    KIT_FOR_EACH(by)
    {
        kit_side a = {.opened = write_too_much};
        kit_side b = {.data = check_bytes, .ended = close_it, .raw = true};
        kit_run(&(kit_world){.by = by, .a = &a, .b = &b});
        CHECK_U64(b.got, 5);
        CHECK_U64(a.drains, 0);
        CHECK_ERR(a.reason, WEFT_EDONE);
    }
}

static const test_case cases[] = {
    TEST(bulk_arrives_whole_in_memory_that_does_not_grow_with_it),
    TEST(bulk_goes_the_other_way_too),
    TEST(one_write_of_bulk_leaves_in_pieces),
    TEST(a_write_of_four_gib_is_refused_and_the_next_is_not),
    {0},
};

const test_suite stream_bulk_suite = {.name = "actors/stream bulk", .cases = cases};
