/* SPDX-License-Identifier: MIT */
/* Happy eyeballs as rules: which address is due when. And the order of the targets of a service. */
#include "race.h"

#include <stdlib.h>

#include "check.h"
#include "resolver.h"
#include "srv_order.h"

static wf_race race;

static void answer(bool v6, const char *text)
{
    weft_address address[8];
    char copy[256];
    uint32_t n = 0;
    (void)snprintf(copy, sizeof copy, "%s", text);
    for (char *at = copy, *word; text[0] != '\0' && (word = strsep(&at, " ")) != NULL; n++)
        REQUIRE(wf_address_of_text(word, &address[n]));
    wf_race_answer(&race, v6, address, n);
}

/* What is to be done, written down: an address, "wait", "+50" (a delay), "failed". */
static const char *look(void)
{
    static char text[WEFT_ADDRESS_TEXT_BYTES];
    weft_address next;
    switch (wf_race_look(&race)) {
    case WF_RACE_WAIT:
        return "wait";
    case WF_RACE_FAILED:
        return "failed";
    case WF_RACE_DELAY:
        (void)snprintf(text, sizeof text, "+%u", race.delay_ms);
        return text;
    default:
        next = wf_race_next(&race);
        return weft_address_host(&next, text);
    }
}

static void the_sixth_is_tried_as_soon_as_its_answer_is_there(void)
{
    wf_race_begin(&race);
    CHECK_STR(look(), "wait");
    answer(true, "2001:db8::1 2001:db8::2");
    CHECK_STR(look(), "2001:db8::1");
    CHECK_STR(look(), "+250");
    answer(false, "192.0.2.1 192.0.2.2");
    CHECK_STR(look(), "wait"); /* the delay runs on */
    wf_race_delayed(&race);
    CHECK_STR(look(), "192.0.2.1");
    CHECK_STR(look(), "+250");
    wf_race_delayed(&race);
    CHECK_STR(look(), "2001:db8::2");
    wf_race_attempt_failed(&race);
    CHECK_STR(look(), "192.0.2.2");
    CHECK_STR(look(), "wait"); /* three are under way */
    for (int i = 0; i < 3; i++)
        wf_race_attempt_failed(&race);
    CHECK_STR(look(), "failed");
}

static void the_fourth_waits_a_moment_for_the_sixth(void)
{
    wf_race_begin(&race);
    answer(false, "192.0.2.1");
    CHECK_STR(look(), "+50");
    answer(true, "2001:db8::1");
    CHECK_STR(look(), "2001:db8::1");
    CHECK_STR(look(), "+250");

    wf_race_begin(&race);
    answer(false, "192.0.2.1 192.0.2.2");
    CHECK_STR(look(), "+50");
    wf_race_delayed(&race);
    CHECK_STR(look(), "192.0.2.1");
    CHECK_STR(look(), "+250");
    answer(true, "2001:db8::1"); /* late, but before those not tried yet */
    wf_race_delayed(&race);
    CHECK_STR(look(), "2001:db8::1");
}

static void that_there_is_no_sixth_ends_the_wait(void)
{
    wf_race_begin(&race);
    answer(false, "192.0.2.1");
    CHECK_STR(look(), "+50");
    answer(true, "");
    CHECK_STR(look(), "192.0.2.1");
    CHECK_STR(look(), "wait");
    wf_race_attempt_failed(&race);
    CHECK_STR(look(), "failed");

    wf_race_begin(&race);
    answer(true, "");
    CHECK_STR(look(), "wait");
    answer(false, "");
    CHECK_STR(look(), "failed");
}

static void an_attempt_that_fails_brings_the_next_at_once(void)
{
    wf_race_begin(&race);
    answer(true, "2001:db8::1");
    CHECK_STR(look(), "2001:db8::1");
    wf_race_attempt_failed(&race);
    CHECK_STR(look(), "wait"); /* for the other answer */
    answer(false, "192.0.2.1");
    CHECK_STR(look(), "192.0.2.1");
}

static void a_family_of_low_precedence_does_not_begin(void)
{
    wf_race_begin(&race);
    answer(true, "fd00::1");
    CHECK_STR(look(), "fd00::1"); /* nothing else is known */
    wf_race_begin(&race);
    answer(false, "192.0.2.1");
    CHECK_STR(look(), "+50");
    answer(true, "fd00::1");
    CHECK_STR(look(), "192.0.2.1");
}

static void more_addresses_than_the_limit_are_not_tried(void)
{
    weft_address many[40] = {{.family = WEFT_FAMILY_V4}};
    for (unsigned i = 0; i < 40; i++)
        many[i] = (weft_address){.family = WEFT_FAMILY_V4, .ip = {10, 0, 0, (uint8_t)i}};
    wf_race_begin(&race);
    answer(true, "");
    wf_race_answer(&race, false, many, 40);
    unsigned tried = 0;
    for (; wf_race_look(&race) == WF_RACE_TRY; tried++) {
        (void)wf_race_next(&race);
        wf_race_attempt_failed(&race);
    }
    CHECK_U64(tried, WF_RACE_ADDRESSES_MAX);
    CHECK_STR(look(), "failed");
}

/* ---- the order of targets */

static uint32_t drawn[8], draws, maxima[8];

static uint32_t draw(void *context, uint32_t max)
{
    (void)context;
    maxima[draws] = max;
    return drawn[draws++];
}

static void check_order(const wf_srv_target *given, uint32_t n, const char *want)
{
    wf_srv_target targets[8];
    char text[8] = "";
    memcpy(targets, given, n * sizeof *given);
    draws = 0;
    wf_srv_order(targets, n, draw, NULL);
    for (uint32_t i = 0; i < n; i++)
        text[i] = targets[i].host[0];
    CHECK_STR(text, want);
}

static void targets_of_lower_priority_come_first(void)
{
    static const wf_srv_target given[] = {{20, 0, 1, "c"}, {5, 0, 1, "a"}, {10, 0, 1, "b"}};
    memset(drawn, 0, sizeof drawn);
    check_order(given, 3, "abc");
}

static void within_a_priority_weights_are_chances(void)
{
    static const wf_srv_target given[] = {{1, 10, 1, "a"}, {1, 0, 1, "z"}, {1, 30, 1, "b"}};
    memcpy(drawn, (uint32_t[]){0, 0, 0}, 3 * sizeof *drawn); /* the light one has a small chance */
    check_order(given, 3, "zab");
    CHECK_U64(maxima[0], 40);
    memcpy(drawn, (uint32_t[]){10, 0, 0}, 3 * sizeof *drawn);
    check_order(given, 3, "azb");
    CHECK_U64(maxima[1], 30);
    memcpy(drawn, (uint32_t[]){11, 10, 0}, 3 * sizeof *drawn);
    check_order(given, 3, "baz");
    memcpy(drawn, (uint32_t[]){40, 0, 0}, 3 * sizeof *drawn);
    check_order(given, 3, "bza");
}

static const test_case cases[] = {
    TEST(the_sixth_is_tried_as_soon_as_its_answer_is_there),
    TEST(the_fourth_waits_a_moment_for_the_sixth),
    TEST(that_there_is_no_sixth_ends_the_wait),
    TEST(an_attempt_that_fails_brings_the_next_at_once),
    TEST(a_family_of_low_precedence_does_not_begin),
    TEST(more_addresses_than_the_limit_are_not_tried),
    TEST(targets_of_lower_priority_come_first),
    TEST(within_a_priority_weights_are_chances),
    {0},
};

const test_suite race_suite = {.name = "actors/race", .cases = cases};
