/* SPDX-License-Identifier: MIT */
/* Answers packed on their way: which, how their heads read, in steps, and what is left of them when something fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/edge.h>
#include <weft/net.h>
#include <weft/testing_stream.h>

#include "check.h"
#include "http_packing.h"
#include "http_unpack.h"
#include "http_world.h"

enum {
    ROWS_MAX = 64,
    SEEDS = 60,
    LARGE = 400000,
    STREAMED = 200000,
    UNPACKED_MAX = 6000000,
    MANY = 6
};

static weft_sim *sim;
static weft_http_compress compress;

/* ---- rows beside those of the world */

/* A body of the pattern as the query says it: bytes, type, field, status. */
static weft_err said(weft_actor *self, weft_msg *msg)
{
    const char *bytes = weft_http_query(msg, "bytes"), *type = weft_http_query(msg, "type");
    const char *name = weft_http_query(msg, "name"), *value = weft_http_query(msg, "value");
    const char *status = weft_http_query(msg, "status");
    weft_http_field field = {.name = name, .value = value};
    size_t n = bytes != NULL ? strtoul(bytes, NULL, 10) : 5000;
    weft_bytes body;
    uint8_t *to;
    (void)self;
    weft_err err = weft_bytes_new(n, &to, &body);
    if (err != WEFT_OK)
        return err;
    for (size_t i = 0; i < n; i++)
        to[i] = http_pattern(i);
    if (name != NULL) {
        field.name_bytes = (uint32_t)strlen(name);
        field.value_bytes = (uint32_t)strlen(value);
    }
    err = weft_http_respond(msg,
                            &(weft_http_answer){.status = status != NULL ? atoi(status) : 200,
                                                .content_type = type != NULL ? type : "text/plain",
                                                .fields = &field,
                                                .fields_count = name != NULL ? 1 : 0,
                                                .body = body});
    weft_bytes_drop(&body);
    return err;
}

static weft_err noise(weft_actor *self, weft_msg *msg)
{
    static uint8_t bytes[8192];
    uint64_t x = 88172645463325252u;
    (void)self;
    for (size_t i = 0; i < sizeof bytes; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes[i] = (uint8_t)(x >> 32);
    }
    return weft_http_bytes(msg, 200, "text/plain",
                           weft_bytes_static((const char *)bytes, sizeof bytes));
}

static weft_http_route rows[ROWS_MAX];

static void make_rows(void)
{
    size_t n = 0;
    for (; http_routes[n].route != NULL; n++)
        rows[n] = http_routes[n];
    rows[n++] = (weft_http_route){.route = "GET /said", .handler = said};
    rows[n++] = (weft_http_route){.route = "GET /noise", .handler = noise};
    REQUIRE(n < ROWS_MAX);
    for (size_t i = 0; i < n; i++)
        rows[i].compress = &compress;
    rows[n] = (weft_http_route){.route = "GET /plain", .handler = said};
    rows[n + 1] = (weft_http_route){.route = NULL};
    http_config.routes = rows;
}

static void before(void)
{
    http_world_reset();
    compress = (weft_http_compress){.bytes_min = 0};
    make_rows();
    sim = http_world_open(NULL);
    REQUIRE(sim != NULL);
}

static void after(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

/* ---- asking */

typedef struct answer {
    int status;
    bool whole; /* the response, and what was packed in it */
    char head[2048];
    char coding[16]; /* "": it was not packed */
    uint8_t *body;   /* unpacked; the caller's to free */
    size_t body_n, sent;
} answer;

static const char *field(const answer *a, const char *name)
{
    static char value[256];
    char line[64];
    (void)snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = strstr(a->head, line);
    if (at == NULL)
        return "";
    at += strlen(line);
    (void)snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r"), at);
    return value;
}

/* What the body comes to; a whole one ends where its packing does. */
static void unpack(answer *a, const http_reply *r)
{
    wf_http_unpack *u = NULL;
    size_t used = 0, room = UNPACKED_MAX;
    a->body = malloc(room);
    REQUIRE(a->body != NULL);
    CHECK_OK(wf_http_unpack_new((weft_http_text){a->coding, (uint32_t)strlen(a->coding)}, &u));
    if (u == NULL) {
        if (r->body_bytes != 0)
            memcpy(a->body, r->body, r->body_bytes);
        a->body_n = r->body_bytes;
        return;
    }
    if (r->body_bytes != 0)
        CHECK_OK(
            wf_http_unpack_run(u, r->body, r->body_bytes, &used, a->body, room, &a->body_n, NULL));
    if (a->whole)
        CHECK_OK(wf_http_unpack_end(u, NULL));
    wf_http_unpack_free(u);
}

static answer read_answer(const weft_sim_peer *c, bool head_only)
{
    const uint8_t *at = (const uint8_t *)c->got;
    size_t n = c->got_bytes;
    http_reply r = http_take_reply(&at, &n, head_only);
    answer a = {.status = r.status, .whole = r.whole, .sent = r.body_bytes};
    if (r.head != NULL)
        (void)snprintf(a.head, sizeof a.head, "%.*s", (int)r.head_bytes, r.head);
    (void)snprintf(a.coding, sizeof a.coding, "%s", field(&a, "Content-Encoding"));
    if (!head_only)
        unpack(&a, &r);
    free(r.body);
    return a;
}

static void ask(weft_sim_peer *c, const char *method, const char *target, const char *fields)
{
    char text[1024];
    (void)snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: web\r\n%s\r\n", method, target,
                   fields);
    weft_sim_peer_send(c, text, strlen(text));
}

static answer get(const char *target, const char *accept)
{
    char fields[128] = "";
    weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
    if (accept != NULL)
        (void)snprintf(fields, sizeof fields, "Accept-Encoding: %s\r\n", accept);
    ask(c, "GET", target, fields);
    (void)weft_sim_settle(sim, 2000);
    answer a = read_answer(c, false);
    weft_sim_peer_close(c);
    return a;
}

static void check_pattern(const answer *a, const char *coding, size_t n)
{
    CHECK_U64(a->status, 200);
    CHECK_STR(a->coding, coding);
    CHECK(a->whole);
    CHECK_U64(a->body_n, n);
    for (size_t i = 0; i < a->body_n; i++)
        if (a->body[i] != http_pattern(i)) {
            CHECK_U64(i, SIZE_MAX);
            return;
        }
}

static void check_get(const char *target, const char *accept, const char *coding, size_t n)
{
    answer a = get(target, accept);
    check_pattern(&a, coding, n);
    free(a.body);
}

/* ---- which, and how */

static void a_small_answer_is_packed_with_its_length(void)
{
    answer a = get("/said", "gzip");
    check_pattern(&a, "gzip", 5000);
    CHECK(a.sent < 1000);
    CHECK_U64(strtoul(field(&a, "Content-Length"), NULL, 10), a.sent);
    CHECK_STR(field(&a, "Vary"), "Accept-Encoding");
    free(a.body);
    check_get("/said", "gzip, br", "br", 5000);
    check_get("/said", "br;q=0.1, gzip", "gzip", 5000);
    check_get("/said", "br;q=0, gzip;q=0", "", 5000);
    a = get("/said", NULL);
    check_pattern(&a, "", 5000);
    CHECK_STR(field(&a, "Vary"), "Accept-Encoding"); /* another client would get another */
    free(a.body);
}

static void a_large_answer_is_packed_in_chunks(void)
{
    static const char *const codings[] = {"gzip", "br"};
    char target[64];
    static const size_t sizes[] = {WF_HTTP_PACK_STEP_BYTES, WF_HTTP_PACK_STEP_BYTES + 1,
                                   3 * WF_HTTP_PACK_STEP_BYTES, LARGE};
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            (void)snprintf(target, sizeof target, "/big/%zu", sizes[k]);
            answer a = get(target, codings[i]);
            check_pattern(&a, codings[i], sizes[k]);
            CHECK(a.sent < sizes[k] / 4);
            CHECK(sizes[k] <= WF_HTTP_PACK_STEP_BYTES ||
                  strcmp(field(&a, "Transfer-Encoding"), "chunked") == 0);
            free(a.body);
        }
}

static void what_is_not_worth_it_is_sent_as_it_is(void)
{
    check_get("/said?bytes=1023", "gzip", "", 1023);
    check_get("/said?bytes=1024", "gzip", "gzip", 1024);
    check_get("/said?type=image/png", "gzip", "", 5000);
    check_get("/said?type=text/event-stream", "gzip", "", 5000);
    check_get("/said?name=Cache-Control&value=max-age=9,+No-Transform", "gzip", "", 5000);
    check_get("/said?name=Cache-Control&value=max-age=9", "gzip", "gzip", 5000);
    check_get("/said?type=application/json", "gzip", "gzip", 5000);
    check_get("/plain", "gzip", "", 5000);
    answer a = get("/noise", "gzip");
    CHECK_STR(a.coding, "");
    CHECK_U64(a.body_n, 8192);
    free(a.body);
    a = get("/said?status=206&name=Content-Range&value=bytes+0-4999/5000", "gzip");
    CHECK_U64(a.status, 206);
    CHECK_STR(a.coding, "");
    free(a.body);
}

static void what_is_packed_already_is_not_packed_again(void)
{
    weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
    ask(c, "GET", "/said?name=Content-Encoding&value=br", "Accept-Encoding: gzip\r\n");
    (void)weft_sim_settle(sim, 2000);
    answer a = read_answer(c, true);
    CHECK_STR(a.coding, "br");
    CHECK(strstr(a.head, "gzip") == NULL);
    CHECK_STR(field(&a, "Content-Length"), "5000");
    weft_sim_peer_close(c);
}

static void a_strong_tag_becomes_weak_and_no_parts_are_promised(void)
{
    answer a = get("/said?name=ETag&value=\"v1\"", "gzip");
    CHECK_STR(field(&a, "ETag"), "W/\"v1\"");
    free(a.body);
    a = get("/said?name=ETag&value=\"v1\"", NULL);
    CHECK_STR(field(&a, "ETag"), "\"v1\"");
    free(a.body);
    a = get("/said?name=ETag&value=W/\"v1\"", "gzip");
    CHECK_STR(field(&a, "ETag"), "W/\"v1\"");
    free(a.body);
    a = get("/said?name=accept-ranges&value=bytes", "gzip");
    CHECK_STR(field(&a, "accept-ranges"), "");
    free(a.body);
}

static void limits_come_from_the_config(void)
{
    compress = (weft_http_compress){.bytes_min = 5001, .no_brotli = true};
    check_get("/said", "gzip", "", 5000);
    compress.bytes_min = 5000;
    check_get("/said", "gzip, br", "gzip", 5000);
}

static void head_says_what_get_would(void)
{
    static const char *const targets[] = {"/said", "/said?bytes=400000"};
    for (size_t i = 0; i < 2; i++) {
        weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
        ask(c, "HEAD", targets[i], "Accept-Encoding: gzip\r\n");
        ask(c, "GET", "/hello", ""); /* the connection goes on */
        (void)weft_sim_settle(sim, 2000);
        answer a = read_answer(c, true);
        CHECK_U64(a.status, 200);
        CHECK_STR(a.coding, "gzip");
        CHECK((field(&a, "Content-Length")[0] != '\0') == (i == 0));
        CHECK(strstr(c->got, "hello\n") != NULL);
        weft_sim_peer_close(c);
    }
}

static void an_old_client_gets_a_large_answer_as_it_is(void)
{
    weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
    static const char text[] = "GET /big/400000 HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n";
    weft_sim_peer_send(c, text, sizeof text - 1);
    (void)weft_sim_settle(sim, 2000);
    answer a = read_answer(c, false);
    check_pattern(&a, "", LARGE);
    free(a.body);
    weft_sim_peer_close(c);
}

/* ---- streamed */

static void what_is_streamed_is_packed_as_it_comes(void)
{
    check_get("/make/200000", "gzip", "gzip", STREAMED);
    check_get("/make/200000", "br", "br", STREAMED);
    check_get("/make/200000?piece=1", "", "", STREAMED);
    check_get("/make/3000?piece=1", "br", "br", 3000);
    check_get("/make/200000?say=200000", "gzip", "gzip", STREAMED);
    check_get("/make/200?say=200", "gzip", "", 200);
    check_get("/make/0", "gzip", "gzip", 0);
}

/* What was written is there before more is. */
static void a_piece_can_be_read_when_it_has_come(void)
{
    static const char *const accepts[] = {"Accept-Encoding: gzip\r\n", "Accept-Encoding: br\r\n"};
    for (size_t i = 0; i < 2; i++) {
        weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
        ask(c, "GET", "/silent", accepts[i]);
        (void)weft_sim_settle(sim, 100);
        answer a = read_answer(c, false);
        CHECK(!a.whole);
        CHECK_MEM(a.body, a.body_n, "begun\n", 6);
        free(a.body);
        weft_sim_peer_close(c);
    }
}

static void what_is_cut_does_not_look_whole(void)
{
    static const char *const targets[] = {"/make/50000?end=crash", "/make/50000?end=abort",
                                          "/make/50000?say=60000"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        answer a = get(targets[i], "gzip");
        CHECK_U64(a.status, 200);
        CHECK(!a.whole);
        free(a.body);
    }
    answer a = get("/make/50000?end=trailers", "gzip");
    check_pattern(&a, "gzip", 50000);
    free(a.body);
}

/* ---- clients that are slow, or leave */

static uint64_t buffers(void)
{
    uint64_t bytes = 0;
    weft_reactor_stats stats;
    for (unsigned i = 0; weft_stats_reactor(weft_sim_system(sim), i, &stats); i++)
        bytes += stats.buffer_bytes;
    return bytes;
}

static void a_client_that_does_not_read_holds_packing_back(void)
{
    static const char *const targets[] = {"/make/900000000", "/big/50000000"};
    for (size_t i = 0; i < 2; i++) {
        weft_sim_peer *c = weft_sim_connect_deaf(sim, "sim://web");
        ask(c, "GET", targets[i], "Accept-Encoding: gzip\r\n");
        (void)weft_sim_advance(sim, 20000);
        uint64_t before_bytes = buffers(), pulls = http_saw.pulls;
        (void)weft_sim_advance(sim, 20000);
        CHECK_U64(buffers(), before_bytes);
        CHECK_U64(http_saw.pulls, pulls);
        weft_sim_peer_close(c);
        weft_sim_peer_deaf(c, false);
        (void)weft_sim_settle(sim, 2000);
    }
}

/* Asks for much on one connection and for little on another, at the same time. */
static struct {
    weft_ref much, little;
    size_t much_bytes;
    size_t much_before; /* how much of it had come before the little */
    bool little_came;
} race;

static weft_err race_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    race.much = weft_connect(self, "sim://web", weft_self(self));
    race.little = weft_connect(self, "sim://web", weft_self(self));
    return WEFT_OK;
}
static weft_err race_opened(weft_actor *self, weft_msg *msg)
{
    static const char much[] = "GET /big/5000000 HTTP/1.1\r\nHost: web\r\nAccept-Encoding: gzip\r\n"
                               "Connection: close\r\n\r\n";
    static const char little[] = "GET /hello HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n";
    const weft_opened *opened = weft_body(msg);
    return weft_ref_same(opened->stream, race.much)
               ? weft_write(self, opened->stream, weft_bytes_static(much, sizeof much - 1))
               : weft_write(self, opened->stream, weft_bytes_static(little, sizeof little - 1));
}
static weft_err race_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    (void)self;
    if (weft_ref_same(weft_sender(msg), race.much))
        race.much_bytes += data->bytes.size;
    else {
        race.little_came = true;
        race.much_before = race.much_bytes;
    }
    return WEFT_OK;
}
static weft_err race_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    return weft_ref_same(closed->stream, race.much) ? weft_stop(self, WEFT_OK) : WEFT_OK;
}
static const weft_handler race_rows[] = {
    {.type = &weft_started_type, .fn = race_started},
    {.type = &weft_opened_type, .fn = race_opened},
    {.type = &weft_data_type, .fn = race_data},
    {.type = &weft_closed_type, .fn = race_closed},
    {0},
};
static const weft_behaviour racer = {.name = "test.racer", .handlers = race_rows};

static void others_have_their_turn_between_steps(void)
{
    after();
    sim = http_world_open(&(weft_sim_options){.system.reactors = 1});
    memset(&race, 0, sizeof race);
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &racer, NULL)));
    CHECK(weft_sim_settle(sim, 5000));
    CHECK(race.little_came);
    CHECK(race.much_bytes > 5000 && race.much_before < race.much_bytes / 4);
}

static void pipelined_answers_stay_in_order(void)
{
    weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
    const char *accept = "Accept-Encoding: br\r\n";
    ask(c, "GET", "/big/400000", accept);
    ask(c, "GET", "/make/200000", accept);
    ask(c, "GET", "/said", accept);
    ask(c, "GET", "/hello", accept);
    (void)weft_sim_settle(sim, 5000);
    const uint8_t *at = (const uint8_t *)c->got;
    size_t n = c->got_bytes;
    for (unsigned i = 0; i < 4; i++) {
        http_reply r = http_take_reply(&at, &n, false);
        CHECK(r.whole);
        CHECK_U64(r.status, 200);
        CHECK(i != 3 || r.body_bytes == 6);
        free(r.body);
    }
    weft_sim_peer_close(c);
}

static void beyond_packings_max_answers_are_sent_as_they_are(void)
{
    weft_sim_peer *c[MANY];
    unsigned packed = 0;
    after();
    sim = http_world_open(&(weft_sim_options){.system.reactors = 1});
    compress.packings_max = 2;
    for (unsigned i = 0; i < MANY; i++) {
        c[i] = weft_sim_connect(sim, "sim://web");
        ask(c[i], "GET", "/silent", "Accept-Encoding: gzip\r\n");
    }
    for (unsigned i = 0; i < MANY; i++) {
        answer a = read_answer(c[i], false);
        CHECK_MEM(a.body, a.body_n, "begun\n", 6);
        packed += a.coding[0] != '\0';
        free(a.body);
        weft_sim_peer_close(c[i]);
    }
    CHECK_U64(packed, 2);
    weft_sim_advance(sim, 200000);
    check_get("/make/2000", "gzip", "gzip", 2000); /* they are given back */
}

static void a_stop_in_the_middle_leaves_nothing_behind(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        after();
        sim = http_world_open(&(weft_sim_options){.seed = seed});
        weft_sim_peer *c = weft_sim_connect(sim, "sim://web");
        ask(c, "GET", seed % 2 == 0 ? "/big/400000" : "/make/200000", "Accept-Encoding: br\r\n");
        for (uint64_t i = 0; i < seed * 3; i++)
            (void)weft_sim_step(sim);
        if (seed % 3 == 0)
            weft_sim_peer_close(c);
    }
}

static void without_memory_an_answer_is_whole_or_cut(void)
{
    unsigned whole = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        after();
        sim = http_world_open(&(weft_sim_options){.seed = seed, .faults.allocation = 8000});
        answer a = get(seed % 3 == 0   ? "/said"
                       : seed % 3 == 1 ? "/big/100000"
                                       : "/make/100000",
                       seed % 2 == 0 ? "gzip" : "br");
        if (a.status == 200 && a.whole) {
            whole++;
            CHECK_U64(a.body_n, seed % 3 == 0 ? 5000 : 100000);
        }
        free(a.body);
    }
    CHECK(whole > SEEDS / 4);
}

static const test_case cases[] = {
    TEST(a_small_answer_is_packed_with_its_length),
    TEST(a_large_answer_is_packed_in_chunks),
    TEST(what_is_not_worth_it_is_sent_as_it_is),
    TEST(what_is_packed_already_is_not_packed_again),
    TEST(a_strong_tag_becomes_weak_and_no_parts_are_promised),
    TEST(limits_come_from_the_config),
    TEST(head_says_what_get_would),
    TEST(an_old_client_gets_a_large_answer_as_it_is),
    TEST(what_is_streamed_is_packed_as_it_comes),
    TEST(a_piece_can_be_read_when_it_has_come),
    TEST(what_is_cut_does_not_look_whole),
    TEST(a_client_that_does_not_read_holds_packing_back),
    TEST(others_have_their_turn_between_steps),
    TEST(pipelined_answers_stay_in_order),
    TEST(beyond_packings_max_answers_are_sent_as_they_are),
    TEST(a_stop_in_the_middle_leaves_nothing_behind),
    TEST(without_memory_an_answer_is_whole_or_cut),
    {0},
};

const test_suite http_packing_suite = {
    .name = "protocols/http_packing", .before = before, .after = after, .cases = cases};
