/* SPDX-License-Identifier: MIT */
/* The wire services over datagrams: each is answered by one, if by any. */
#include "check.h"
#include "wire_text.h"

#include <weft/datagram.h>
#include <weft/testing.h>
#include <weft/wire.h>

#define URL "sim://service:7"

/* ---- one who sends, and remembers what comes */

typedef struct sender {
    weft_ref self, endpoint;
    unsigned came, failed;
    uint8_t got[1024];
    size_t got_bytes;
} sender;

typedef struct say {
    weft_bytes bytes;
} say;
static const weft_type say_type = WEFT_TYPE_BYTES("sender.say", say, bytes, NULL);

static weft_sim *sim;
static sender s;

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    s.self = weft_self(self);
    s.endpoint = weft_endpoint_connect(self, URL, s.self);
    return WEFT_OK;
}

static weft_err on_say(weft_actor *self, weft_msg *msg)
{
    return weft_send(self, s.endpoint, NULL, ((const say *)weft_body(msg))->bytes);
}

static weft_err on_datagram(weft_actor *self, weft_msg *msg)
{
    const weft_datagram *d = weft_body(msg);
    (void)self;
    s.came++;
    s.got_bytes = d->bytes.size < sizeof s.got ? d->bytes.size : sizeof s.got;
    memcpy(s.got, d->bytes.at, s.got_bytes);
    return WEFT_OK;
}

static weft_err on_failed(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    s.failed++;
    return WEFT_OK;
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &say_type, .fn = on_say},
    {.type = &weft_datagram_type, .fn = on_datagram},
    {.type = &weft_datagram_failed_type, .fn = on_failed},
    {0},
};
static const weft_behaviour sends = {.name = "sender", .handlers = rows};

static void serve(const weft_behaviour *service, const void *config)
{
    s = (sender){.came = 0};
    sim = weft_sim_new(NULL);
    REQUIRE(sim != NULL);
    CHECK_OK(weft_bind(weft_sim_system(sim), URL, service, config));
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &sends, NULL)));
    CHECK(weft_sim_run(sim));
}

static void say_text(const char *text)
{
    CHECK_OK(weft_sim_tell(sim, s.self, say, .bytes = weft_bytes_static(text, strlen(text))));
}

static void finish(void)
{
    CHECK_U64(s.failed, 0);
    CHECK_U64(weft_sim_free(&sim), 0);
}

/* ---- the services */

static void echo_sends_each_back(void)
{
    serve(&weft_wire_echo, NULL);
    say_text("one");
    CHECK_MEM(s.got, s.got_bytes, "one", 3);
    say_text("");
    CHECK_U64(s.got_bytes, 0);
    CHECK_U64(s.came, 2);
    finish();
}

static void discard_answers_nothing(void)
{
    serve(&weft_wire_discard, NULL);
    say_text("one");
    CHECK_U64(s.came, 0);
    finish();
}

static void chargen_answers_up_to_512_characters_of_its_lines(void)
{
    size_t bytes, most = 0, least = SIZE_MAX;
    const uint8_t *block = wf_chargen_block(&bytes);
    serve(&weft_wire_chargen, NULL);
    for (unsigned i = 0; i < 200; i++) {
        say_text("more");
        CHECK_U64(s.came, i + 1);
        CHECK_MEM(s.got, s.got_bytes, block, s.got_bytes);
        most = s.got_bytes > most ? s.got_bytes : most;
        least = s.got_bytes < least ? s.got_bytes : least;
    }
    CHECK(most <= 512 && most > 400 && least < 100);
    finish();
}

static void daytime_time_and_qotd_answer_as_they_do_over_streams(void)
{
    static const weft_wire_quotes quotes = {.text = "the only\nquote\n%\n"};
    serve(&weft_wire_daytime, NULL);
    say_text("");
    CHECK_MEM(s.got + s.got_bytes - 6, 6, "-UTC\r\n", 6);
    finish();
    serve(&weft_wire_time, NULL);
    say_text("");
    uint8_t begin[4]; /* of a simulation's calendar */
    wf_time_bytes(UINT64_C(1700000000) * 1000000000, begin);
    CHECK_MEM(s.got, s.got_bytes, begin, 4);
    finish();
    serve(&weft_wire_qotd, &quotes);
    say_text("");
    CHECK_MEM(s.got, s.got_bytes, "the only\r\nquote\r\n", 17);
    finish();
}

static void who_would_answer_in_its_turn_is_not_answered(void)
{
    weft_address from = {.family = WEFT_FAMILY_V4, .port = 40000};
    CHECK(wf_wire_answers(&from));
    static const uint16_t services[] = {0, 7, 13, 17, 19, 37};
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        from.port = services[i];
        CHECK(!wf_wire_answers(&from));
    }
    from = (weft_address){.family = WEFT_FAMILY_UNIX};
    CHECK(!wf_wire_answers(&from));
    from.path[0] = '@';
    CHECK(wf_wire_answers(&from));
}

static const test_case cases[] = {
    TEST(echo_sends_each_back),
    TEST(discard_answers_nothing),
    TEST(chargen_answers_up_to_512_characters_of_its_lines),
    TEST(daytime_time_and_qotd_answer_as_they_do_over_streams),
    TEST(who_would_answer_in_its_turn_is_not_answered),
    {0},
};

const test_suite wire_datagram_suite = {.name = "protocols/wire_datagram", .cases = cases};
