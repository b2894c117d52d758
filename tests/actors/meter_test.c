/* SPDX-License-Identifier: MIT */
/* Limits of time and of rates, in virtual time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/accepting_kit.h"
#include "actors/bucket.h"
#include "actors/conn.h"

#define NS_OF_MS UINT64_C(1000000)

/* What comes is thrown away and counted, for each connection in the order in which they opened. */
enum { SINKS_MAX = 128 };
static struct {
    weft_ref stream[SINKS_MAX];
    uint64_t bytes[SINKS_MAX];
    unsigned n;
} sunk;

static weft_err sink_opened(weft_actor *self, weft_msg *msg)
{
    (void)self;
    REQUIRE(sunk.n < SINKS_MAX);
    sunk.stream[sunk.n++] = ((const weft_opened *)weft_body(msg))->stream;
    return WEFT_OK;
}

static weft_err sink_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    (void)self;
    for (unsigned i = 0; i < sunk.n; i++)
        if (weft_ref_same(sunk.stream[i], data->stream))
            sunk.bytes[i] += data->bytes.size;
    return WEFT_OK;
}

static const weft_handler sink_rows[] = {{.type = &weft_opened_type, .fn = sink_opened},
                                         {.type = &weft_data_type, .fn = sink_data},
                                         {0}};
static const weft_behaviour sink = {.name = "test.sink", .handlers = sink_rows};

/* Writes zeroes for as long as somebody takes them. */
static weft_err source_opened(weft_actor *self, weft_msg *msg)
{
    return weft_produce(self, ((const weft_opened *)weft_body(msg))->stream);
}

static weft_err source_pull(weft_actor *self, weft_msg *msg)
{
    static const uint8_t zeroes[10000];
    return weft_write(self, ((const weft_pull *)weft_body(msg))->stream,
                      weft_bytes_static(zeroes, sizeof zeroes));
}

static weft_err source_closed(weft_actor *self, weft_msg *msg)
{
    seen.closes++;
    seen.reason = ((const weft_closed *)weft_body(msg))->reason;
    return weft_stop(self, WEFT_OK);
}

static const weft_handler source_rows[] = {{.type = &weft_closed_type, .fn = source_closed},
                                           {.type = &weft_opened_type, .fn = source_opened},
                                           {.type = &weft_pull_type, .fn = source_pull},
                                           {0}};
static const weft_behaviour source = {.name = "test.source", .handlers = source_rows};

static void begin_with(unsigned reactors, const weft_behaviour *behaviour, const char *options)
{
    char url[256];
    memset(&sunk, 0, sizeof sunk);
    memset(&seen, 0, sizeof seen);
    sim = weft_sim_new(&(weft_sim_options){.seed = 5, .system = {.reactors = reactors}});
    (void)snprintf(url, sizeof url, "sim://g%s", options);
    CHECK_OK(weft_listen(weft_sim_system(sim), url, behaviour, NULL));
    CHECK(weft_sim_run(sim));
}

static void send(weft_sim_peer *p, size_t n)
{
    uint8_t *bytes = calloc(1, n);
    REQUIRE(bytes != NULL);
    weft_sim_peer_send(p, bytes, n);
    free(bytes);
}

/* ---- time */

static void who_says_nothing_is_closed_when_the_time_is_over(void)
{
    accepting_begin("?idle=5s");
    weft_sim_peer *p = accepting_client("");
    weft_sim_advance(sim, 4999);
    CHECK(!p->ended && !p->closed);
    weft_sim_advance(sim, 1);
    CHECK(p->ended);
    CHECK_ERR(seen.reason, WEFT_ETIMEDOUT);
    CHECK_STR(seen.why, "nothing came or went for 5.000 s");
    accepting_end();
}

static void every_byte_begins_the_time_anew(void)
{
    accepting_begin("?idle=5s");
    weft_sim_peer *p = accepting_client("");
    for (int i = 0; i < 10; i++) {
        weft_sim_advance(sim, 3000);
        weft_sim_peer_say(p, "x");
    }
    CHECK(!p->ended && !p->closed);
    weft_sim_advance(sim, 4999);
    CHECK(!p->ended && !p->closed);
    weft_sim_advance(sim, 1);
    CHECK(p->ended);
    accepting_end();
}

static void bytes_that_are_sent_count_too(void)
{
    begin_with(1, &source, "?idle=5s&write_rate=100&rate_burst=1");
    weft_sim_peer *p = accepting_client("?window=1k");
    weft_sim_advance(sim, 60000);
    CHECK(!p->ended && !p->closed);
    CHECK_U64(p->got_bytes, 6001);
    /* nobody takes them any more: a window of them, and then nothing goes */
    weft_sim_peer_deaf(p, true);
    weft_sim_advance(sim, 10240 + 4000);
    CHECK_U64(seen.closes, 0);
    weft_sim_advance(sim, 3000);
    CHECK_U64(seen.closes, 1);
    CHECK_ERR(seen.reason, WEFT_ETIMEDOUT);
    accepting_end();
}

static void a_connection_that_is_busy_ends_with_its_lifetime(void)
{
    accepting_begin("?idle=5s&lifetime=20s");
    weft_sim_peer *p = accepting_client("");
    for (int i = 0; i < 19; i++) {
        weft_sim_advance(sim, 1000);
        weft_sim_peer_say(p, "x");
    }
    weft_sim_advance(sim, 999);
    CHECK(!p->ended && !p->closed);
    weft_sim_advance(sim, 1);
    CHECK(p->ended);
    CHECK_ERR(seen.reason, WEFT_ETIMEDOUT);
    CHECK_STR(seen.why, "it has been open for its lifetime of 20.000 s");
    accepting_end();
}

static void who_connects_may_limit_it_too(void)
{
    accepting_begin("");
    weft_sim_peer *p = accepting_client("?idle=2s");
    weft_sim_advance(sim, 1999);
    CHECK(!p->closed);
    weft_sim_advance(sim, 1);
    CHECK(p->closed);
    CHECK_ERR(p->reason, WEFT_ETIMEDOUT);
    accepting_end();
}

static void no_alarm_is_set_for_each_byte(void)
{
    weft_reactor_stats before, after;
    accepting_begin("?idle=5s&lifetime=1h");
    weft_sim_peer *p = accepting_client("");
    REQUIRE(weft_stats_reactor(weft_sim_system(sim), 0, &before));
    for (int i = 0; i < 1000; i++)
        weft_sim_peer_say(p, "x");
    REQUIRE(weft_stats_reactor(weft_sim_system(sim), 0, &after));
    CHECK_U64(after.timers, before.timers);
    accepting_end();
}

/* ---- rates of one connection */

static void what_is_read_keeps_to_its_rate(void)
{
    begin_with(1, &sink, "?read_rate=1000&rate_burst=1000");
    weft_sim_peer *p = accepting_client("");
    send(p, 5000);
    CHECK_U64(sunk.bytes[0], 1000);
    weft_sim_advance(sim, 1000);
    CHECK_U64(sunk.bytes[0], 2000);
    weft_sim_advance(sim, 2999);
    CHECK_U64(sunk.bytes[0], 4980);
    weft_sim_advance(sim, 1);
    CHECK_U64(sunk.bytes[0], 5000);
    /* what nobody used is kept, but no more than a burst */
    weft_sim_advance(sim, 500);
    send(p, 5000);
    CHECK_U64(sunk.bytes[0], 5500);
    weft_sim_advance(sim, 3600 * 1000);
    CHECK_U64(sunk.bytes[0], 10000);
    send(p, 5000);
    CHECK_U64(sunk.bytes[0], 11000);
    accepting_end();
}

static void a_source_that_is_too_fast_is_stopped_not_buffered(void)
{
    enum { BYTES = 4 << 20, SHARE = (64 << 10) / 50 };
    begin_with(1, &sink, "?read_rate=64k&window=64k");
    weft_sim_peer *p = accepting_client("?write_queue=64k");
    send(p, BYTES);
    weft_sim_advance(sim, 10000);
    /* what came: the burst, and ten seconds; what is under way is no more than the wire takes */
    CHECK(sunk.bytes[0] <= 11 * (64 << 10) && sunk.bytes[0] > 11 * (64 << 10) - SHARE);
    CHECK(p->waiting >= BYTES - sunk.bytes[0] - (256 << 10));
    weft_reactor_stats stats;
    REQUIRE(weft_stats_reactor(weft_sim_system(sim), 0, &stats));
    CHECK(stats.buffer_bytes < (1 << 20) + BYTES);
    accepting_end();
}

static void what_is_sent_keeps_to_its_rate(void)
{
    begin_with(1, &source, "?write_rate=2000&rate_burst=500");
    const weft_sim_peer *p = accepting_client("");
    CHECK_U64(p->got_bytes, 480); /* whole shares of 40 */
    weft_sim_advance(sim, 10000);
    CHECK_U64(p->got_bytes, 20480);
    accepting_end();
}

static void what_was_written_before_a_close_leaves_at_its_rate(void)
{
    accepting_begin("?write_rate=100&rate_burst=1");
    weft_sim_peer *p = accepting_client("");
    weft_sim_peer_say(p, "hello");
    weft_sim_peer_say(p, "q");
    CHECK(!p->ended);
    weft_sim_advance(sim, 1000);
    CHECK(p->ended);
    CHECK(strstr(p->got, "hello") != NULL);
    weft_sim_peer_close(p);
    CHECK_ERR(seen.reason, WEFT_EDONE);
    accepting_end();
}

static void who_connects_may_be_slow_too(void)
{
    begin_with(1, &sink, "");
    weft_sim_peer *p = accepting_client("?write_rate=1000&rate_burst=1000");
    send(p, 5000);
    CHECK_U64(sunk.bytes[0], 1000);
    weft_sim_advance(sim, 4000);
    CHECK_U64(sunk.bytes[0], 5000);
    accepting_end();
}

/* ---- rates of all */

static void all_share_their_rate_evenly(void)
{
    enum { CLIENTS = 8, RATE = 80000, SECONDS = 20 };
    for (unsigned reactors = 1; reactors <= 3; reactors += 2) {
        uint64_t all = 0;
        begin_with(reactors, &sink, "?read_rate_all=80000&rate_burst=8000");
        for (int i = 0; i < CLIENTS; i++)
            send(accepting_client(""), 1 << 20);
        weft_sim_advance(sim, SECONDS * 1000);
        for (int i = 0; i < CLIENTS; i++) {
            all += sunk.bytes[i];
            CHECK(sunk.bytes[i] >= RATE * SECONDS / CLIENTS - 8000 &&
                  sunk.bytes[i] <= RATE * SECONDS / CLIENTS + 8000);
        }
        CHECK(all <= RATE * SECONDS + 8000 && all >= RATE * SECONDS - 8000);
        accepting_end();
    }
}

static void those_who_want_nothing_take_nothing(void)
{
    begin_with(1, &sink, "?read_rate_all=1000&rate_burst=1000");
    for (int i = 0; i < 100; i++)
        (void)accepting_client("");
    weft_sim_peer *p = accepting_client("");
    send(p, 5000);
    CHECK_U64(sunk.bytes[100], 1000);
    weft_sim_advance(sim, 4000);
    CHECK_U64(sunk.bytes[100], 5000);
    accepting_end();
}

static void the_smaller_of_two_rates_counts(void)
{
    begin_with(1, &source, "?write_rate_all=3000&write_rate=1000&rate_burst=1000");
    const weft_sim_peer *p[4];
    p[0] = accepting_client("");
    weft_sim_advance(sim, 10000);
    CHECK_U64(p[0]->got_bytes, 11000);
    for (int i = 1; i < 4; i++)
        p[i] = accepting_client("");
    weft_sim_advance(sim, 60000);
    uint64_t all = 0;
    for (int i = 0; i < 4; i++)
        all += p[i]->got_bytes;
    CHECK(all >= 11000 + 180000 - 1000 && all <= 11000 + 180000 + 2000);
    accepting_end();
}

static void those_who_leave_while_they_wait_hold_nobody(void)
{
    begin_with(1, &sink, "?read_rate_all=1000&rate_burst=1000&lifetime=3s");
    for (int i = 0; i < 10; i++)
        send(accepting_client(""), 5000);
    weft_sim_advance(sim, 3000);
    unsigned last = sunk.n;
    send(accepting_client(""), 1000);
    /* behind ten shares of 20, which nobody will use */
    weft_sim_advance(sim, 1200);
    CHECK_U64(sunk.bytes[last], 1000);
    accepting_end();
}

/* ---- buckets */

static void a_bucket_gives_what_is_earned(void)
{
    wf_bucket b;
    uint64_t now = 1000 * NS_OF_MS;
    wf_bucket_init(&b, 1000, 100);
    CHECK_U64(b.share, 20);
    for (int i = 0; i < 5; i++)
        CHECK(wf_bucket_draw(&b, 20, now) <= now);
    CHECK_U64(wf_bucket_draw(&b, 20, now), now + 20 * NS_OF_MS);
    CHECK_U64(wf_bucket_draw(&b, 20, now), now + 40 * NS_OF_MS);
    now += 10000 * NS_OF_MS;
    for (int i = 0; i < 5; i++)
        CHECK(wf_bucket_draw(&b, 20, now) <= now);
    CHECK(wf_bucket_draw(&b, 20, now) > now);
}

static void extremes_have_sound_shares(void)
{
    static const uint64_t rates[] = {1, 49, 50, 1000000, UINT64_C(1) << 30};
    static const uint64_t bursts[] = {1, 1000, UINT64_C(1) << 30};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 3; k++) {
            wf_bucket b;
            wf_bucket_init(&b, rates[i], bursts[k]);
            CHECK(b.share >= 1 && b.share <= 64 << 10);
            uint64_t now = UINT64_C(1) << 62;
            CHECK(wf_bucket_draw(&b, b.share, now) <= now);
        }
}

/* ---- what it costs */

static void a_connection_without_limits_has_no_meter(void)
{
    /* the fixed part of every connection: with its watch and its window */
    CHECK_U64(sizeof(conn), 112);
}

static void memory_that_is_out_anywhere_ends_it_in_order(void)
{
    for (uint64_t n = 1;; n++) {
        REQUIRE(n < 1000);
        accepting_begin("?idle=5s&read_rate=1000&write_rate_all=1000");
        weft_sim_fail_allocation(sim, n);
        weft_sim_peer *p = accepting_client("?lifetime=20s&write_rate=1000");
        weft_sim_peer_say(p, "hello");
        bool met = weft_sim_allocation_failed(sim);
        weft_sim_fail_allocation(sim, 0);
        weft_sim_advance(sim, 30000);
        CHECK(p->closed || p->ended);
        accepting_end();
        if (!met)
            break;
    }
}

static const test_case cases[] = {
    TEST(who_says_nothing_is_closed_when_the_time_is_over),
    TEST(every_byte_begins_the_time_anew),
    TEST(bytes_that_are_sent_count_too),
    TEST(a_connection_that_is_busy_ends_with_its_lifetime),
    TEST(who_connects_may_limit_it_too),
    TEST(no_alarm_is_set_for_each_byte),
    TEST(what_is_read_keeps_to_its_rate),
    TEST(a_source_that_is_too_fast_is_stopped_not_buffered),
    TEST(what_is_sent_keeps_to_its_rate),
    TEST(what_was_written_before_a_close_leaves_at_its_rate),
    TEST(who_connects_may_be_slow_too),
    TEST(all_share_their_rate_evenly),
    TEST(those_who_want_nothing_take_nothing),
    TEST(the_smaller_of_two_rates_counts),
    TEST(those_who_leave_while_they_wait_hold_nobody),
    TEST(a_bucket_gives_what_is_earned),
    TEST(extremes_have_sound_shares),
    TEST(a_connection_without_limits_has_no_meter),
    TEST(memory_that_is_out_anywhere_ends_it_in_order),
    {0},
};
const test_suite meter_suite = {.name = "actors/meter", .cases = cases};
