/* SPDX-License-Identifier: MIT */
/* HTTP over the simulated wire with faults, over many seeds: every byte right, or a typed failure.
 */
#include <stdlib.h>

#include <weft/http.h>
#include <weft/net.h>
#include <weft/testing_stream.h>

#include "check.h"

enum { BODY_BYTES = 150000, REQUESTS = 3, SEEDS = 1000, SETTLE_MS = 120000 };

static uint8_t pattern[BODY_BYTES];

static weft_err serve_big(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_bytes(msg, 200, "application/octet-stream",
                           weft_bytes_static(pattern, sizeof pattern));
}

static weft_err serve_length(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *request = weft_body(msg);
    (void)self;
    bool right = request->body.size == sizeof pattern &&
                 memcmp(request->body.at, pattern, sizeof pattern) == 0;
    return weft_http_text(msg, right ? 200 : 500, "%zu\n", request->body.size);
}

static const weft_http_route routes[] = {
    {.route = "GET /big", .handler = serve_big},
    {.route = "POST /length", .handler = serve_length},
    {0},
};

static unsigned long seeds(void)
{
    const char *text = getenv("WEFT_SEEDS");
    return text != NULL ? strtoul(text, NULL, 10) : SEEDS;
}

static weft_sim *world(uint64_t seed)
{
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(i * 31 + (i >> 8));
    weft_sim *sim = weft_sim_new(&(weft_sim_options){
        .seed = seed,
        .system = {.reactors = 2},
        .faults = {.lost = 2000,
                   .short_read = 100000,
                   .short_write = 100000,
                   .refused = 20000,
                   .latency_ms_max = 20},
    });
    REQUIRE(sim != NULL);
    weft_listening at;
    weft_why why;
    CHECK_OK(weft_listen_at(weft_sim_system(sim), "sim://web", &weft_http_site, routes, &at, &why));
    return sim;
}

/* Takes one response off the front; false: it is not whole. What is there must be right. */
static bool take_response(const uint8_t **at, size_t *left, bool big)
{
    const uint8_t *end = memmem(*at, *left, "\r\n\r\n", 4);
    if (end == NULL)
        return false;
    CHECK(memcmp(*at, "HTTP/1.1 200 OK\r\n", 17) == 0);
    const char *length = memmem(*at, (size_t)(end - *at), "Content-Length: ", 16);
    REQUIRE(length != NULL);
    size_t n = strtoul(length + 16, NULL, 10), head = (size_t)(end + 4 - *at);
    size_t here = *left - head < n ? *left - head : n;
    if (big) {
        CHECK_U64(n, sizeof pattern);
        CHECK(memcmp(*at + head, pattern, here) == 0);
    }
    *at += head + here;
    *left -= head + here;
    return here == n;
}

/* Sends the @n bytes @at, waits, and checks what came. Returns how many responses were whole. */
static unsigned exchange(weft_sim *sim, const char *text, size_t n, bool big, unsigned wanted)
{
    weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
    weft_sim_peer_send(c, text, n);
    (void)weft_sim_settle(sim, SETTLE_MS);
    const uint8_t *at = (const uint8_t *)c->got;
    size_t left = c->got_bytes;
    unsigned whole = 0;
    while (whole < wanted && left != 0 && take_response(&at, &left, big))
        whole++;
    /* either all of it, or the stream says why not */
    CHECK(whole == wanted || (c->closed && c->reason != WEFT_OK));
    return whole;
}

static const char three_gets[] = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"
                                 "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"
                                 "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
static const char post_head[] =
    "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 150000\r\n\r\n";

static uint64_t run_seed(uint64_t seed, unsigned *whole, unsigned *failed)
{
    static char post[sizeof post_head - 1 + BODY_BYTES];
    weft_sim *sim = world(seed);
    memcpy(post, post_head, sizeof post_head - 1);
    memcpy(post + sizeof post_head - 1, pattern, sizeof pattern);
    unsigned got = exchange(sim, three_gets, sizeof three_gets - 1, true, REQUESTS);
    *whole += got;
    *failed += got != REQUESTS;
    got = exchange(sim, post, sizeof post, false, 1);
    *whole += got;
    *failed += got != 1;
    uint64_t hash = weft_sim_event_hash(sim);
    CHECK_U64(weft_sim_free(&sim), 0);
    return hash;
}

static void over_many_seeds_every_byte_is_right_or_the_failure_is_typed(void)
{
    unsigned whole = 0, failed = 0;
    for (uint64_t seed = 1; seed <= seeds(); seed++)
        (void)run_seed(seed, &whole, &failed);
    /* both must happen, or the faults prove nothing */
    CHECK(whole > 0);
    CHECK(failed > 0);
}

static void one_seed_makes_one_event_log(void)
{
    unsigned whole = 0, failed = 0;
    uint64_t first = run_seed(7, &whole, &failed);
    CHECK_U64(run_seed(7, &whole, &failed), first);
    CHECK(run_seed(8, &whole, &failed) != first);
}

static const test_case cases[] = {
    TEST(over_many_seeds_every_byte_is_right_or_the_failure_is_typed),
    TEST(one_seed_makes_one_event_log),
    {0},
};

const test_suite http_transfer_suite = {.name = "sim/http_transfer", .cases = cases};
