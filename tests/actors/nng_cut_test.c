/* SPDX-License-Identifier: MIT */
/* Pieces and marks on streams of NNG: what is written comes back, however it is cut on its way. */
#include "actors/nng/nng_cut.h"

#include <stdlib.h>

#include "check.h"
#include "random.h"

static void a_piece_is_its_length_and_its_bytes(void)
{
    static const uint8_t wanted[] = {3, 0, 0, 0, 'a', 'b', 'c', 0, 0, 0, 0, 255, 255, 255, 255};
    wf_cut_buffer *b = calloc(1, sizeof *b);
    REQUIRE(b != NULL);
    CHECK_U64(wf_cut_put(b, (const uint8_t *)"a", 1), 1);
    CHECK_U64(wf_cut_put(b, (const uint8_t *)"bc", 2), 2); /* the piece grows */
    wf_cut_mark(b, WF_CUT_END);
    wf_cut_mark(b, WF_CUT_SEEN);
    CHECK_U64(b->n, sizeof wanted);
    CHECK(memcmp(b->data, wanted, sizeof wanted) == 0);
    free(b);
}

static void a_buffer_that_takes_no_more_has_room_for_both_marks(void)
{
    static const uint8_t some[1000];
    wf_cut_buffer *b = calloc(1, sizeof *b);
    REQUIRE(b != NULL);
    uint64_t put = 0;
    for (size_t k; (k = wf_cut_put(b, some, sizeof some)) != 0;)
        put += k;
    CHECK(!wf_cut_has_room(b));
    CHECK(put + 8 * WF_CUT_HEAD_BYTES >= WF_CUT_BUFFER_BYTES);
    wf_cut_mark(b, WF_CUT_SEEN);
    wf_cut_mark(b, WF_CUT_END);
    CHECK(b->n <= sizeof b->data);
    free(b);
}

static void behind_a_mark_another_piece_begins(void)
{
    wf_cut_buffer *b = calloc(1, sizeof *b);
    REQUIRE(b != NULL);
    CHECK_U64(wf_cut_put(b, (const uint8_t *)"a", 1), 1);
    wf_cut_mark(b, WF_CUT_SEEN);
    CHECK_U64(wf_cut_put(b, (const uint8_t *)"b", 1), 1);
    CHECK_U64(b->n, 3 * WF_CUT_HEAD_BYTES + 2);
    free(b);
}

static void what_is_longer_than_a_piece_becomes_several(void)
{
    enum { MORE = 1000 };
    static uint8_t some[WF_CUT_PIECE_BYTES_MAX + MORE];
    wf_cut_buffer *b = calloc(1, sizeof *b);
    REQUIRE(b != NULL);
    if (b == NULL)
        return;
    CHECK_U64(wf_cut_put(b, some, 1), 1);
    CHECK_U64(wf_cut_put(b, some, sizeof some), sizeof some);
    static const uint8_t first[] = {0, 0, 1, 0},
                         second[] = {(MORE + 1) & 255, (MORE + 1) >> 8, 0, 0};
    CHECK(memcmp(b->data, first, sizeof first) == 0);
    CHECK(memcmp(b->data + WF_CUT_HEAD_BYTES + WF_CUT_PIECE_BYTES_MAX, second, sizeof second) == 0);
    CHECK_U64(b->n, 2 * WF_CUT_HEAD_BYTES + 1 + sizeof some);
    free(b);
}

/* ---- read */

typedef struct seen {
    uint8_t bytes[8192];
    size_t n;
    unsigned ends, seens;
    bool broken;
} seen;

static void look(wf_cut_reader *r, const uint8_t *at, size_t n, size_t max, seen *out)
{
    const uint8_t *piece;
    size_t piece_n;
    for (;;)
        switch (wf_cut_read(r, &at, &n, max, &piece, &piece_n)) {
        case WF_CUT_BYTES:
            CHECK(piece_n != 0 && piece_n <= max && out->n + piece_n <= sizeof out->bytes);
            memcpy(out->bytes + out->n, piece, piece_n);
            out->n += piece_n;
            break;
        case WF_CUT_END:
            out->ends++;
            break;
        case WF_CUT_SEEN:
            out->seens++;
            break;
        case WF_CUT_BROKEN:
            out->broken = true;
            return;
        default:
            CHECK_U64(n, 0);
            return;
        }
}

static void it_comes_back_however_it_is_cut(void)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        test_random random = {seed};
        wf_cut_buffer *b = calloc(1, sizeof *b);
        seen *got = calloc(1, sizeof *got);
        uint8_t written[4096];
        size_t n = 0;
        REQUIRE(b != NULL && got != NULL);
        for (size_t i = 0; i < sizeof written; i++)
            written[i] = (uint8_t)test_below(&random, 256);
        size_t mark_at = test_below(&random, sizeof written);
        bool marked = false;
        while (n < sizeof written) {
            size_t k = 1 + test_below(&random, 700);
            if (!marked && n >= mark_at) {
                wf_cut_mark(b, WF_CUT_SEEN);
                marked = true;
            }
            n += wf_cut_put(b, written + n, k < sizeof written - n ? k : sizeof written - n);
        }
        wf_cut_mark(b, WF_CUT_END);
        wf_cut_reader r = {0};
        for (size_t at = 0, k; at < b->n; at += k) {
            k = 1 + test_below(&random, 100);
            k = k < b->n - at ? k : b->n - at;
            look(&r, b->data + at, k, 1 + test_below(&random, 300), got);
        }
        CHECK_U64(got->n, sizeof written);
        CHECK(memcmp(got->bytes, written, sizeof written) == 0);
        CHECK_U64(got->ends, 1);
        CHECK_U64(got->seens, marked);
        CHECK(!got->broken);
        free(b);
        free(got);
    }
}

/* ---- read to where it is to stand, sent from where it stands */

/* What a stream of raw bytes has not given yet. */
typedef struct raw {
    const uint8_t *at;
    size_t n;
} raw;

/* Fills @parts with what is there, @max at most, and nothing beyond; returns how many bytes. */
static size_t fill(raw *from, const wf_cut_part *parts, unsigned n, size_t max)
{
    size_t all = 0;
    for (unsigned i = 0; i < n; i++) {
        size_t k = parts[i].n < from->n ? parts[i].n : from->n;
        k = k < max - all ? k : max - all;
        if (k != 0)
            memcpy(parts[i].at, from->at, k);
        from->at += k;
        from->n -= k;
        all += k;
    }
    return all;
}

static void read_in_place(test_random *random, wf_cut_buffer *b, seen *got)
{
    wf_cut_reader r = {0};
    raw from = {b->data, b->n};
    while (from.n != 0 && !r.broken) {
        wf_cut_part parts[WF_CUT_PARTS_MAX];
        size_t max = 1 + test_below(random, 900);
        uint8_t *to = malloc(max); /* so that a look beyond it is seen */
        REQUIRE(to != NULL);
        unsigned n = wf_cut_where(&r, to, max, parts);
        size_t came = fill(&from, parts, n, 1 + test_below(random, 900));
        size_t k = wf_cut_came(&r, to, max, came);
        CHECK(k <= max && got->n + k <= sizeof got->bytes);
        memcpy(got->bytes + got->n, to, k);
        got->n += k;
        free(to);
    }
    got->ends = r.ended;
    got->seens = r.seen;
    got->broken = r.broken;
}

static void it_comes_to_stand_where_it_is_wanted(void)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        test_random random = {seed};
        wf_cut_buffer *b = calloc(1, sizeof *b);
        seen *got = calloc(1, sizeof *got);
        uint8_t written[4096];
        REQUIRE(b != NULL && got != NULL);
        for (size_t i = 0; i < sizeof written; i++)
            written[i] = (uint8_t)test_below(&random, 256);
        size_t seen_at = test_below(&random, sizeof written), limit = 1 + test_below(&random, 700);
        for (size_t n = 0, k; n < sizeof written; n += k) {
            k = 1 + test_below(&random, (uint32_t)limit);
            k = k < sizeof written - n ? k : sizeof written - n;
            CHECK_U64(wf_cut_put(b, written + n, k), k);
            if (n <= seen_at && seen_at < n + k)
                wf_cut_mark(b, WF_CUT_SEEN);
            else if (test_below(&random, 3) == 0)
                b->grows = 0; /* another piece begins */
        }
        wf_cut_mark(b, WF_CUT_END);
        read_in_place(&random, b, got);
        CHECK_U64(got->n, sizeof written);
        CHECK(memcmp(got->bytes, written, sizeof written) == 0);
        CHECK(got->ends == 1 && got->seens == 1 && !got->broken);
        free(b);
        free(got);
    }
}

static void what_breaks_it_in_place_leaves_what_came_before(void)
{
    wf_cut_buffer *b = calloc(1, sizeof *b);
    seen *got = calloc(1, sizeof *got);
    test_random random = {7};
    REQUIRE(b != NULL && got != NULL);
    CHECK_U64(wf_cut_put(b, (const uint8_t *)"abc", 3), 3);
    static const uint8_t stranger[] = {'G', 'E', 'T', ' ', '/'};
    memcpy(b->data + b->n, stranger, sizeof stranger);
    b->n += sizeof stranger;
    read_in_place(&random, b, got);
    CHECK(got->broken && got->ends == 0);
    CHECK_U64(got->n, 3);
    CHECK(memcmp(got->bytes, "abc", 3) == 0);
    free(b);
    free(got);
}

/* As NNG may: some of what was gathered leaves at once, the rest stands in line. */
static void send_gathered(test_random *random, const wf_cut_part *parts, unsigned n,
                          wf_cut_buffer *rest, wf_cut_buffer *wire)
{
    size_t all = 0, put = 0;
    for (unsigned i = 0; i < n; i++)
        all += parts[i].n;
    while (put < all) {
        wf_cut_gather g;
        wf_cut_gather_from(&g, parts, n, put);
        REQUIRE(g.n != 0 && g.n <= WF_CUT_GATHER_PARTS_MAX && g.bytes != 0);
        CHECK(g.raw + (size_t)WF_CUT_MARKS_MAX * WF_CUT_HEAD_BYTES <= sizeof rest->data);
        raw from = {wire->data + wire->n, 0};
        size_t went = test_below(random, (uint32_t)g.raw + 1), left = went;
        for (unsigned i = 0; i < g.n; i++) {
            size_t k = g.part[i].n < left ? g.part[i].n : left;
            memcpy(wire->data + wire->n, g.part[i].at, k);
            wire->n += (uint32_t)k;
            left -= k;
        }
        CHECK(wire->data + wire->n == from.at + went);
        rest->n = rest->grows = 0;
        wf_cut_keep(rest, g.part, g.n, went);
        CHECK_U64(rest->n, g.raw - went);
        memcpy(wire->data + wire->n, rest->data, rest->n);
        wire->n += rest->n;
        put += g.bytes;
    }
    CHECK_U64(put, all);
}

static void it_is_sent_from_where_it_stands_and_what_stays_is_kept(void)
{
    enum { PARTS = 12 };
    for (uint64_t seed = 1; seed <= 200; seed++) {
        test_random random = {seed};
        wf_cut_buffer *rest = calloc(1, sizeof *rest), *wire = calloc(1, sizeof *wire);
        seen *got = calloc(1, sizeof *got);
        uint8_t written[4096];
        wf_cut_part parts[PARTS];
        unsigned n = 0;
        REQUIRE(rest != NULL && wire != NULL && got != NULL);
        for (size_t i = 0; i < sizeof written; i++)
            written[i] = (uint8_t)test_below(&random, 256);
        for (size_t at = 0; at < sizeof written; n++) {
            size_t left = sizeof written - at, k = n == PARTS - 1 ? left : test_below(&random, 700);
            parts[n] = (wf_cut_part){written + at, k < left ? k : left};
            at += parts[n].n;
        }
        send_gathered(&random, parts, n, rest, wire);
        read_in_place(&random, wire, got);
        CHECK_U64(got->n, sizeof written);
        CHECK(memcmp(got->bytes, written, sizeof written) == 0 && !got->broken);
        free(rest);
        free(wire);
        free(got);
    }
}

static void much_is_gathered_up_to_what_can_be_kept(void)
{
    enum { MUCH = 1 << 20 };
    static uint8_t much[MUCH];
    wf_cut_gather g;
    wf_cut_part all = {much, sizeof much};
    wf_cut_buffer *rest = calloc(1, sizeof *rest);
    REQUIRE(rest != NULL);
    wf_cut_gather_from(&g, &all, 1, 1);
    CHECK_U64(g.n, WF_CUT_GATHER_PARTS_MAX);
    CHECK(g.part[1].at == much + 1 && g.part[1].n == WF_CUT_PIECE_BYTES_MAX);
    wf_cut_keep(rest, g.part, g.n, 0);
    CHECK_U64(rest->n, g.raw);
    wf_cut_mark(rest, WF_CUT_END);
    wf_cut_mark(rest, WF_CUT_SEEN);
    CHECK(rest->n <= sizeof rest->data);
    wf_cut_gather_from(&g, &all, 1, sizeof much);
    CHECK_U64(g.n, 0);
    free(rest);
}

static bool breaks(const uint8_t *at, size_t n)
{
    wf_cut_reader r = {0};
    seen *got = calloc(1, sizeof *got);
    REQUIRE(got != NULL);
    look(&r, at, n, 4096, got);
    bool broken = got->broken;
    if (broken)
        look(&r, (const uint8_t *)"\1\0\0\0x", 5, 4096, got);
    CHECK_U64(got->n, 0);
    free(got);
    return broken;
}

static void a_length_beyond_the_limit_breaks_it_and_so_it_stays(void)
{
    CHECK(breaks((const uint8_t *)"GET / HTTP/1.1\r\n", 16));
    CHECK(breaks((const uint8_t *)"\1\0\1\0", 4));  /* 65,537 */
    CHECK(!breaks((const uint8_t *)"\0\0\1\0", 4)); /* 65,536 */
    CHECK(breaks((const uint8_t *)"\376\377\377\377", 4));
}

static void nothing_but_seen_may_follow_an_end(void)
{
    CHECK(breaks((const uint8_t *)"\0\0\0\0\1\0\0\0x", 9));
    CHECK(breaks((const uint8_t *)"\0\0\0\0\0\0\0\0", 8));
    CHECK(!breaks((const uint8_t *)"\0\0\0\0\377\377\377\377", 8));
}

static const test_case cases[] = {
    TEST(a_piece_is_its_length_and_its_bytes),
    TEST(a_buffer_that_takes_no_more_has_room_for_both_marks),
    TEST(behind_a_mark_another_piece_begins),
    TEST(what_is_longer_than_a_piece_becomes_several),
    TEST(it_comes_back_however_it_is_cut),
    TEST(it_comes_to_stand_where_it_is_wanted),
    TEST(what_breaks_it_in_place_leaves_what_came_before),
    TEST(it_is_sent_from_where_it_stands_and_what_stays_is_kept),
    TEST(much_is_gathered_up_to_what_can_be_kept),
    TEST(a_length_beyond_the_limit_breaks_it_and_so_it_stays),
    TEST(nothing_but_seen_may_follow_an_end),
    {0},
};

const test_suite nng_cut_suite = {.name = "actors/nng_cut", .cases = cases};
