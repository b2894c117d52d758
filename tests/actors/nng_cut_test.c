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
    TEST(a_length_beyond_the_limit_breaks_it_and_so_it_stays),
    TEST(nothing_but_seen_may_follow_an_end),
    {0},
};

const test_suite nng_cut_suite = {.name = "actors/nng_cut", .cases = cases};
