/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "runtime/alloc.h"
#include "runtime/wf_arena.h"

static void pieces_are_aligned_zeroed_and_apart(void)
{
    wf_arena arena = {.bytes_max = 1 << 20};
    unsigned char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        unsigned char *piece = pieces[i] = wf_arena_take(&arena, i * 7);
        REQUIRE(piece != NULL);
        CHECK_U64((uintptr_t)piece % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < i * 7; k++)
            CHECK(piece[k] == 0);
        memset(piece, (int)i, i * 7);
    }
    for (size_t i = 1; i < 200; i++)
        CHECK(pieces[i][0] == i && pieces[i][i * 7 - 1] == i);
    unsigned char *large = wf_arena_take(&arena, 100000);
    REQUIRE(large != NULL);
    for (size_t k = 0; k < 100000; k++)
        if (large[k] != 0)
            CHECK_U64(k, 0);
    wf_arena_done(&arena);
}

static void what_it_holds_stays_within_the_limit(void)
{
    wf_arena arena = {.bytes_max = 10000};
    size_t given = 0;
    while (wf_arena_take(&arena, 48) != NULL) {
        given += 48;
        CHECK(arena.bytes <= 10000);
    }
    CHECK_ERR(arena.err, WEFT_ELIMIT);
    /* All but the heads of its blocks can be used; under the sanitizers each piece is a block. */
#ifdef WEFT_DEV
    CHECK(given >= 5000 && given <= 10000);
#else
    CHECK(given >= 9700 && given <= 10000);
#endif
    CHECK(wf_arena_take(&arena, 10001) == NULL);
    CHECK(wf_arena_take(&arena, SIZE_MAX) == NULL);
    CHECK(wf_arena_take(&arena, SIZE_MAX - 14) == NULL);
    wf_arena_done(&arena);
    CHECK(wf_arena_take(&arena, 5000) != NULL);
    wf_arena_done(&arena);
    arena.bytes_max = SIZE_MAX;
    CHECK(wf_arena_take(&arena, SIZE_MAX) == NULL);
    CHECK(wf_arena_take(&arena, SIZE_MAX / 2 + 1) == NULL);
    CHECK_ERR(arena.err, WEFT_ELIMIT);
    CHECK_U64(arena.bytes, 0);
}

static void memory_stays_flat_when_it_is_used_again(void)
{
    wf_arena arena = {.bytes_max = 8 << 20};
    size_t kept = 0;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 100; i++)
            CHECK(wf_arena_take(&arena, 100) != NULL);
        CHECK(wf_arena_take(&arena, 4 << 20) != NULL);
        CHECK(arena.bytes > 4 << 20);
        wf_arena_reset(&arena);
        CHECK(arena.bytes <= 1 << 20);
        CHECK(round < 2 || arena.bytes == kept);
        kept = arena.bytes;
    }
    wf_arena_done(&arena);
    CHECK_U64(arena.bytes, 0);
    /* One huge piece is not kept. */
    CHECK(wf_arena_take(&arena, 4 << 20) != NULL);
    wf_arena_reset(&arena);
    CHECK_U64(arena.bytes, 0);
    wf_arena_done(&arena);
    wf_arena_reset(&arena);
}

static void a_failed_taking_says_why_and_harms_nothing(void)
{
    wf_arena arena = {.bytes_max = 1 << 20};
    char *first = wf_arena_take(&arena, 4000);
    REQUIRE(first != NULL);
    memset(first, 'x', 4000);
    wf_alloc_fail_after(0);
    CHECK(wf_arena_take(&arena, 4000) == NULL);
    wf_alloc_fail_after(-1);
    CHECK_ERR(arena.err, WEFT_ENOMEM);
    CHECK(wf_arena_take(&arena, 4000) != NULL);
    CHECK(first[0] == 'x' && first[3999] == 'x');
    wf_arena_done(&arena);
}

static const test_case cases[] = {
    TEST(pieces_are_aligned_zeroed_and_apart),
    TEST(what_it_holds_stays_within_the_limit),
    TEST(memory_stays_flat_when_it_is_used_again),
    TEST(a_failed_taking_says_why_and_harms_nothing),
    {0},
};

const test_suite arena_suite = {.name = "runtime/arena", .cases = cases};
