/* SPDX-License-Identifier: MIT */
/* The tables of auth: failures within a window, nonces that are used once. */
#include "auth_nonce.h"
#include "auth_throttle.h"
#include "check.h"
#include "runtime/kit.h"

static const uint8_t seed[32] = "a seed of thirty-two bytes, zero";

/* ---- failures */

enum { WINDOW = 1000, MAX = 3 };

static void so_many_failures_close_the_door_until_the_window_is_over(void)
{
    wf_throttle t;
    REQUIRE(wf_throttle_init(&t, 64, WINDOW, seed) == WEFT_OK);
    uint64_t alice = wf_throttle_user(&t, "alice"), bob = wf_throttle_user(&t, "bob");
    uint32_t now = UINT32_MAX - 500; /* the clock goes round meanwhile */
    for (unsigned i = 0; i < MAX; i++) {
        CHECK_U64(wf_throttle_wait_ms(&t, alice, MAX, now), 0);
        wf_throttle_charge(&t, alice, now);
    }
    CHECK_U64(wf_throttle_wait_ms(&t, alice, MAX, now), WINDOW);
    CHECK_U64(wf_throttle_wait_ms(&t, alice, MAX, now + 900), 100);
    CHECK_U64(wf_throttle_wait_ms(&t, bob, MAX, now), 0);
    CHECK_U64(wf_throttle_wait_ms(&t, alice, MAX, now + WINDOW), 0);
    wf_throttle_charge(&t, alice, now + WINDOW);
    CHECK_U64(wf_throttle_wait_ms(&t, alice, MAX, now + WINDOW), 0);
    wf_throttle_done(&t);
}

static void what_is_forgiven_is_not_counted(void)
{
    wf_throttle t;
    REQUIRE(wf_throttle_init(&t, 64, WINDOW, seed) == WEFT_OK);
    uint64_t alice = wf_throttle_user(&t, "alice");
    for (unsigned i = 0; i < 100; i++) {
        wf_throttle_charge(&t, alice, 0);
        wf_throttle_forgive(&t, alice);
    }
    CHECK_U64(wf_throttle_wait_ms(&t, alice, 1, 0), 0);
    wf_throttle_forgive(&t, alice);
    wf_throttle_charge(&t, alice, 0);
    CHECK(wf_throttle_wait_ms(&t, alice, 1, 0) > 0);
    wf_throttle_done(&t);
}

static void a_peer_is_its_network(void)
{
    wf_throttle t;
    REQUIRE(wf_throttle_init(&t, 64, WINDOW, seed) == WEFT_OK);
    weft_address a = {.family = WEFT_FAMILY_V6, .port = 1}, b = a, c = {.family = WEFT_FAMILY_V4};
    b.port = 2;
    b.ip[15] = 9;
    CHECK_U64(wf_throttle_peer(&t, &a), wf_throttle_peer(&t, &b));
    b.ip[7] = 1;
    CHECK(wf_throttle_peer(&t, &a) != wf_throttle_peer(&t, &b));
    CHECK(wf_throttle_peer(&t, &a) != wf_throttle_peer(&t, &c));
    weft_address d = c;
    d.port = 99;
    CHECK_U64(wf_throttle_peer(&t, &c), wf_throttle_peer(&t, &d));
    d.ip[3] = 1;
    CHECK(wf_throttle_peer(&t, &c) != wf_throttle_peer(&t, &d));
    weft_address none = {.family = WEFT_FAMILY_NONE}, unix_peer = {.family = WEFT_FAMILY_UNIX};
    CHECK_U64(wf_throttle_peer(&t, &none), 0);
    CHECK_U64(wf_throttle_peer(&t, &unix_peer), 0);
    wf_throttle_charge(&t, 0, 0);
    CHECK_U64(wf_throttle_wait_ms(&t, 0, 0, 0), 0);
    wf_throttle_done(&t);
}

static void many_names_do_not_wash_away_the_one_that_is_guessed_at(void)
{
    wf_throttle t;
    char name[16];
    REQUIRE(wf_throttle_init(&t, 64, WINDOW, seed) == WEFT_OK);
    uint64_t alice = wf_throttle_user(&t, "alice");
    for (unsigned i = 0; i < MAX; i++)
        wf_throttle_charge(&t, alice, 0);
    for (unsigned i = 0; i < 10000; i++) {
        (void)snprintf(name, sizeof name, "user-%u", i);
        wf_throttle_charge(&t, wf_throttle_user(&t, name), 0);
    }
    CHECK(wf_throttle_wait_ms(&t, alice, MAX, 0) > 0);
    wf_throttle_done(&t);
}

/* ---- nonces */

enum { LIFE = 5000 };
static const uint64_t start_ms = UINT64_C(1700000000000);

static void fresh(const wf_nonces *n, uint64_t now, uint64_t random, char out[WF_NONCE_BYTES])
{
    uint8_t bytes[8];
    memcpy(bytes, &random, sizeof bytes);
    REQUIRE(wf_nonce_new(n, now, bytes, out));
    CHECK_U64(strlen(out), WF_NONCE_BYTES - 1);
}

static void a_nonce_is_used_once_with_each_number(void)
{
    wf_nonces n;
    char text[WF_NONCE_BYTES];
    REQUIRE(wf_nonces_init(&n, 64, LIFE, seed) == WEFT_OK);
    fresh(&n, start_ms, 1, text);
    CHECK(!wf_nonce_use_of(&n, text, 0, start_ms));
    CHECK(wf_nonce_use_of(&n, text, 2, start_ms));
    CHECK(!wf_nonce_use_of(&n, text, 2, start_ms));
    CHECK(wf_nonce_use_of(&n, text, 1, start_ms)); /* another connection was faster */
    CHECK(!wf_nonce_use_of(&n, text, 1, start_ms));
    CHECK(wf_nonce_use_of(&n, text, 70, start_ms));
    CHECK(!wf_nonce_use_of(&n, text, 6, start_ms)); /* too far behind */
    CHECK(wf_nonce_use_of(&n, text, 7, start_ms));
    CHECK(!wf_nonce_use_of(&n, text, 7, start_ms));
    CHECK(wf_nonce_use_of(&n, text, UINT32_MAX, start_ms));
    CHECK(!wf_nonce_use_of(&n, text, 70, start_ms));
    wf_nonces_done(&n);
}

static void a_nonce_is_ours_whole_and_young(void)
{
    wf_nonces n, other;
    char text[WF_NONCE_BYTES], bent[WF_NONCE_BYTES];
    REQUIRE(wf_nonces_init(&n, 64, LIFE, seed) == WEFT_OK);
    REQUIRE(wf_nonces_init(&other, 64, LIFE, (const uint8_t *)"another seed of 32 bytes exactly") ==
            WEFT_OK);
    fresh(&n, start_ms, 1, text);
    CHECK(!wf_nonce_use_of(&other, text, 1, start_ms));
    for (size_t i = 0; i < WF_NONCE_BYTES - 1; i++) {
        memcpy(bent, text, sizeof bent);
        bent[i] = bent[i] == '0' ? '1' : '0';
        CHECK(!wf_nonce_use_of(&n, bent, 1, start_ms));
        bent[i] = '\0';
        CHECK(!wf_nonce_use_of(&n, bent, 1, start_ms));
    }
    CHECK(!wf_nonce_use_of(&n, text, 1, start_ms - 1)); /* a clock that was set back */
    CHECK(!wf_nonce_use_of(&n, text, 1, start_ms + LIFE));
    CHECK(wf_nonce_use_of(&n, text, 1, start_ms + LIFE - 1));
    CHECK(!wf_nonce_use_of(&n, text, 2, start_ms + LIFE));
    wf_nonces_done(&n);
    wf_nonces_done(&other);
}

static void what_a_full_table_forgets_is_over(void)
{
    enum { MANY = 400 };
    static char text[MANY][WF_NONCE_BYTES];
    wf_nonces n;
    unsigned again = 0;
    REQUIRE(wf_nonces_init(&n, 64, LIFE, seed) == WEFT_OK);
    for (unsigned i = 0; i < MANY; i++) {
        fresh(&n, start_ms + i, i, text[i]);
        CHECK(wf_nonce_use_of(&n, text[i], 1, start_ms + i));
    }
    for (unsigned i = 0; i < MANY; i++) /* none may be used twice, remembered or not */
        again += wf_nonce_use_of(&n, text[i], 1, start_ms + MANY);
    CHECK_U64(again, 0);
    wf_nonces_done(&n);
}

static void make_tables(void)
{
    wf_throttle t;
    wf_nonces n;
    if (wf_throttle_init(&t, 100, WINDOW, seed) == WEFT_OK)
        wf_throttle_done(&t);
    if (wf_nonces_init(&n, 100, LIFE, seed) == WEFT_OK)
        wf_nonces_done(&n);
}

static void tables_are_made_or_not(void)
{
    each_allocation_fails(make_tables);
}

static const test_case cases[] = {
    TEST(so_many_failures_close_the_door_until_the_window_is_over),
    TEST(what_is_forgiven_is_not_counted),
    TEST(a_peer_is_its_network),
    TEST(many_names_do_not_wash_away_the_one_that_is_guessed_at),
    TEST(a_nonce_is_used_once_with_each_number),
    TEST(a_nonce_is_ours_whole_and_young),
    TEST(what_a_full_table_forgets_is_over),
    TEST(tables_are_made_or_not),
    {0},
};

const test_suite auth_parts_suite = {.name = "actors/auth-parts", .cases = cases};
