/* SPDX-License-Identifier: MIT */
/* Server-sent events: their lines, what a server sends, and a source that comes again. */
#include "check.h"
#include "sse_codec.h"

#include <stdlib.h>
#include <string.h>

#include <weft/net.h>
#include <weft/testing_stream.h>

#define URL "sim://server"

/* ---- lines: "type|id|data/" for each event */

static char told[2048];
static uint32_t retry_ms;

static weft_err read_steps(const char *at, size_t n, size_t step, size_t max)
{
    wf_sse_codec c;
    wf_sse_piece piece;
    weft_why why = {""};
    weft_err err = WEFT_EFULL;
    told[0] = '\0';
    wf_sse_init(&c, max);
    for (size_t i = 0; i < n && (err == WEFT_EFULL || err == WEFT_OK);) {
        size_t size = n - i < step ? n - i : step, used;
        err = wf_sse_read(&c, (const uint8_t *)at + i, size, &used, &piece, &why);
        CHECK(used <= size);
        i += used;
        size_t length = strlen(told);
        if (err == WEFT_OK)
            (void)snprintf(told + length, sizeof told - length, "%s|%s|%.*s/", piece.event,
                           piece.id, (int)piece.n, piece.data);
    }
    retry_ms = c.retry_ms;
    wf_sse_done(&c);
    return err == WEFT_EFULL ? WEFT_OK : err;
}

static const struct {
    const char *bytes, *told;
} streams[] = {
    /* the examples of the standard */
    {"data: YHOO\ndata: +2\ndata: 10\n\n", "message||YHOO\n+2\n10/"},
    {": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
     "message|1|first event/message||second event/message|| third event/"},
    {"data\n\ndata\ndata\n\ndata:", "message||/message||\n/"},
    {"data:test\n\ndata: test\n\n", "message||test/message||test/"},
    /* and the rest of its rules */
    {"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\ndata: x\n\n",
     "add||73857293/remove||2153/message||x/"},
    {"event: lost\n\ndata: x\n\n", "message||x/"},
    {"data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\r", "message||a\nb\nc/message||d/"},
    {"\xef\xbb\xbf"
     "data: marked\n\n",
     "message||marked/"},
    {"id: 7\ndata: a\n\ndata: b\n\n", "message|7|a/message|7|b/"},
    {"id: 7\n\ndata: b\n\nid: 8\n", "message|7|b/"},
    {"data: a\nid: 1\nid: 2\n\nid\n\ndata: b\n\n", "message|2|a/message||b/"},
    {"nonsense: x\nDATA: no\n:data: no\ndata : no\ndata: yes\n\n", "message||yes/"},
    {"data: not whole\n", ""},
    {"\n\n\n", ""},
};

static void streams_are_read_however_they_are_cut(void)
{
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        for (size_t step = 1; step < 40; step += 1 + step / 8) {
            CHECK_OK(read_steps(streams[i].bytes, strlen(streams[i].bytes), step, 1000));
            CHECK_STR(told, streams[i].told);
        }
}

static void how_long_to_wait_is_a_number(void)
{
    CHECK_OK(read_steps("retry: 1500\n\n", 13, 99, 1000));
    CHECK_U64(retry_ms, 1500);
    CHECK_OK(read_steps("retry: 15s\nretry:\n\n", 19, 99, 1000));
    CHECK_U64(retry_ms, 0);
    CHECK_OK(read_steps("retry: 99999999999999999999\n\n", 29, 99, 1000));
    CHECK_U64(retry_ms, UINT32_MAX);
}

static void an_event_beyond_the_limit_is_an_error(void)
{
    CHECK_OK(read_steps("data: 12345\n\n", 13, 99, 11));
    CHECK_ERR(read_steps("data: 123456\n\n", 14, 99, 11), WEFT_ETOOBIG);
    CHECK_ERR(read_steps("data: 1234\ndata: 1234567\n", 24, 3, 16), WEFT_ETOOBIG);
}

static void an_id_with_a_zero_or_too_long_is_not_kept(void)
{
    char line[400] = "id: ";
    CHECK_OK(read_steps("id: 1\nid: a\0b\ndata: x\n\n", 23, 99, 1000));
    CHECK_STR(told, "message|1|x/");
    memset(line + 4, 'i', 200);
    memcpy(line + 204, "\ndata: x\n\n", 11);
    CHECK_OK(read_steps(line, strlen(line), 99, 1000));
    CHECK_STR(told, "message||x/");
}

/* ---- a server: sends what the test says, one request after the other */

static struct {
    unsigned requests;
    char last_id[64];
    const weft_sse *events[4]; /* of each request, ended by one with nothing in it */
    const char *raw;           /* or this, to every request */
    bool end;                  /* behind them */
    int status;                /* instead of them */
    const char *type;
} server;

static weft_err on_request(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *r = weft_body(msg);
    unsigned i = server.requests++;
    (void)snprintf(server.last_id, sizeof server.last_id, "%s", weft_sse_last_id(msg));
    if (server.status != 0)
        return weft_http_respond(
            msg, &(weft_http_answer){.status = server.status, .content_type = server.type});
    weft_ref stream = r->stream;
    weft_err err = weft_sse_begin(msg);
    for (const weft_sse *e = i < 4 ? server.events[i] : NULL;
         err == WEFT_OK && e != NULL && (e->text != NULL || e->bytes.size != 0); e++)
        err = weft_sse_send(self, stream, e);
    if (err == WEFT_OK && server.raw != NULL)
        err = weft_write(self, stream, weft_bytes_static(server.raw, strlen(server.raw)));
    else if (err == WEFT_OK)
        err = weft_sse_comment(self, stream, "still here");
    return err == WEFT_OK && server.end ? weft_end(self, stream) : err;
}

static const weft_handler server_rows[] = {{.type = &weft_http_request_type, .fn = on_request},
                                           {0}};
static const weft_behaviour events = {.name = "events", .handlers = server_rows};
static const weft_http_route routes[] = {{.route = "GET /events", .use = &events, .stream = true},
                                         {0}};

/* ---- who listens to a source */

static struct {
    char log[512];
    char why[96];
    weft_err reason;
    uint32_t retry_ms;
    bool keep; /* the next event is kept */
    weft_msg *kept;
    unsigned source_ended;
} seen;

static weft_sse_source_config config;

/* Where the log goes on. */
static char *log_end(size_t *room)
{
    size_t n = strlen(seen.log);
    *room = sizeof seen.log - n;
    return seen.log + n;
}

static weft_err listener_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_ref_is_nobody(weft_spawn(self, &weft_sse_source, &config)) ? WEFT_ENOMEM : WEFT_OK;
}

static weft_err on_event(weft_actor *self, weft_msg *msg)
{
    const weft_sse_event *e = weft_body(msg);
    (void)self;
    size_t room;
    char *to = log_end(&room);
    (void)snprintf(to, room, "%s|%s|%.*s/", e->event, e->id, (int)e->data.size,
                   (const char *)e->data.at);
    if (seen.keep)
        seen.kept = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_state(weft_actor *self, weft_msg *msg)
{
    const weft_sse_state *state = weft_body(msg);
    static const char *const words[] = {"<open>", "<broken>", "<over>"};
    (void)self;
    size_t room;
    char *to = log_end(&room);
    (void)snprintf(to, room, "%s", words[state->change]);
    seen.reason = state->reason;
    seen.retry_ms = state->retry_ms;
    memcpy(seen.why, state->why, sizeof seen.why);
    return WEFT_OK;
}

typedef struct let_go {
    char nothing;
} let_go;
static const weft_type let_go_type = WEFT_TYPE("test.let_go", let_go, NULL);

static weft_err on_let_go(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    seen.keep = false;
    weft_drop(&seen.kept);
    return WEFT_OK;
}

static void source_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    (void)self, (void)child, (void)reason;
    seen.source_ended++;
}

static void listener_ended(weft_actor *self, weft_err reason)
{
    (void)self, (void)reason;
    if (seen.kept != NULL)
        weft_drop(&seen.kept);
}

static const weft_handler listener_rows[] = {
    {.type = &weft_started_type, .fn = listener_started},
    {.type = &weft_sse_event_type, .fn = on_event},
    {.type = &weft_sse_state_type, .fn = on_state},
    {.type = &let_go_type, .fn = on_let_go},
    {0},
};
static const weft_behaviour listener = {.name = "listener",
                                        .handlers = listener_rows,
                                        .ended = listener_ended,
                                        .child_ended = source_ended};

static weft_sim *sim;
static weft_ref who;

static void begin(void)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = 3});
    CHECK_OK(weft_listen(weft_sim_system(sim), URL, &weft_http_site, routes));
    if (config.url == NULL)
        config = (weft_sse_source_config){.url = "http://server/events", .to = URL};
    who = weft_sim_spawn(sim, &listener, NULL);
    (void)weft_sim_run(sim);
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void before(void)
{
    memset(&seen, 0, sizeof seen);
    memset(&server, 0, sizeof server);
    memset(&config, 0, sizeof config);
}

static void what_is_sent_is_what_is_told(void)
{
    static const weft_sse some[] = {
        {.text = "one"},
        {.event = "price", .id = "41", .text = "two\nlines"},
        {.text = "crlf\r\nand\rcr\n", .retry_ms = 1234},
        {.bytes = {(const uint8_t *)"bytes", 5, NULL}},
        {.text = NULL},
    };
    server.events[0] = some;
    begin();
    CHECK_STR(seen.log, "<open>message||one/price|41|two\nlines/message|41|crlf\nand\ncr\n/"
                        "message|41|bytes/");
    finish();
}

static void a_lost_connection_is_made_again_from_where_it_was(void)
{
    static const weft_sse first[] = {{.id = "7", .text = "a"}, {.text = NULL}};
    static const weft_sse second[] = {{.text = "b"}, {.text = NULL}};
    server.events[0] = first;
    server.events[1] = second;
    begin();
    CHECK_STR(seen.log, "<open>message|7|a/");
    CHECK_OK(weft_sim_drop(sim, URL, NULL));
    (void)weft_sim_run(sim);
    CHECK_STR(seen.log, "<open>message|7|a/<broken>");
    CHECK_U64(seen.retry_ms, 3000);
    weft_sim_advance(sim, 2999);
    CHECK_U64(server.requests, 1);
    weft_sim_advance(sim, 2);
    CHECK_STR(seen.log, "<open>message|7|a/<broken><open>message|7|b/");
    CHECK_STR(server.last_id, "7");
    finish();
}

/* The id of an event that was never whole would have the server leave that event out. */
static void an_event_that_broke_off_is_asked_for_again(void)
{
    static const struct {
        const char *bytes, *log, *last_id;
    } rows[] = {
        {"id: 6\ndata: six\n\nid: 7\ndata: sev", "<open>message|6|six/<broken>", "6"},
        {"id: 6\ndata: six\n\nid: 7\ndata: seven\n", "<open>message|6|six/<broken>", "6"},
        {"id: 6\n\nid: 7\n", "<open><broken>", "6"},
        {"id: 6\ndata: six\n\nid: 7\n\n", "<open>message|6|six/<broken>", "7"},
        {"id: 7\ndata: sev", "<open><broken>", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        before();
        server.raw = rows[i].bytes;
        server.end = true;
        begin();
        CHECK_STR(seen.log, rows[i].log);
        weft_sim_advance(sim, 3001);
        CHECK_U64(server.requests, 2);
        CHECK_STR(server.last_id, rows[i].last_id);
        finish();
    }
}

static void the_server_says_how_long_to_wait(void)
{
    static const weft_sse first[] = {{.text = "a", .retry_ms = 100}, {.text = NULL}};
    server.events[0] = first;
    server.end = true;
    begin();
    CHECK_STR(seen.log, "<open>message||a/<broken>");
    CHECK_ERR(seen.reason, WEFT_EDONE);
    CHECK_U64(seen.retry_ms, 100);
    weft_sim_advance(sim, 101);
    CHECK_U64(server.requests, 2);
    finish();
}

static void failures_in_a_row_wait_longer_and_longer(void)
{
    config = (weft_sse_source_config){
        .url = "http://server/events", .to = "sim://nobody", .retry_ms = 100, .retry_ms_max = 500};
    begin();
    static const uint32_t waits[] = {100, 200, 400, 500, 500};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        CHECK_U64(seen.retry_ms, waits[i]);
        weft_sim_advance(sim, waits[i] + 1);
    }
    finish();
}

static void what_is_no_stream_of_events_ends_the_source(void)
{
    static const struct {
        int status;
        const char *type, *log;
        weft_err reason;
    } rows[] = {
        {204, NULL, "<over>", WEFT_EDONE},
        {404, "text/plain", "<over>", WEFT_EPROTO},
        {200, "text/plain", "<over>", WEFT_EPROTO},
        {200, "text/event-streaming", "<over>", WEFT_EPROTO},
        {503, "text/plain", "<broken>", WEFT_EPROTO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        before();
        server.status = rows[i].status;
        server.type = rows[i].type;
        begin();
        CHECK_STR(seen.log, rows[i].log);
        CHECK_ERR(seen.reason, rows[i].reason);
        CHECK_U64(seen.source_ended, rows[i].log[1] == 'o');
        finish();
    }
}

static void the_next_event_waits_until_one_was_let_go_of(void)
{
    static const weft_sse some[] = {{.text = "a"}, {.text = "b"}, {.text = "c"}, {.text = NULL}};
    server.events[0] = some;
    seen.keep = true;
    begin();
    CHECK_STR(seen.log, "<open>message||a/");
    CHECK_OK(weft_sim_tell(sim, who, let_go, .nothing = 0));
    (void)weft_sim_run(sim);
    CHECK_STR(seen.log, "<open>message||a/message||b/message||c/");
    finish();
}

static void an_event_that_is_too_large_breaks_the_connection(void)
{
    static const weft_sse some[] = {{.text = "0123456789"}, {.text = NULL}};
    server.events[0] = some;
    config =
        (weft_sse_source_config){.url = "http://server/events", .to = URL, .event_bytes_max = 8};
    begin();
    CHECK_STR(seen.log, "<open><broken>");
    CHECK_ERR(seen.reason, WEFT_ETOOBIG);
    finish();
}

static void a_name_with_a_line_end_is_refused(void)
{
    CHECK_ERR(weft_sse_send(NULL, WEFT_NOBODY, &(weft_sse){.event = "a\nb", .text = "x"}),
              WEFT_EINVAL);
    CHECK_ERR(weft_sse_send(NULL, WEFT_NOBODY, &(weft_sse){.id = "a\rb", .text = "x"}),
              WEFT_EINVAL);
    CHECK_ERR(weft_sse_comment(NULL, WEFT_NOBODY, "a\nb"), WEFT_EINVAL);
}

static void memory_that_is_out_anywhere_leaks_nothing(void)
{
    static const weft_sse some[] = {{.id = "1", .text = "a"}, {.text = "b"}, {.text = NULL}};
    for (uint64_t n = 1;; n++) {
        before();
        server.events[0] = server.events[1] = some;
        sim = weft_sim_new(&(weft_sim_options){.seed = 3});
        CHECK_OK(weft_listen(weft_sim_system(sim), URL, &weft_http_site, routes));
        config = (weft_sse_source_config){.url = "http://server/events", .to = URL};
        weft_sim_fail_allocation(sim, n);
        if (!weft_ref_is_nobody(weft_sim_spawn(sim, &listener, NULL)))
            weft_sim_advance(sim, 4000);
        bool met = weft_sim_allocation_failed(sim);
        CHECK_U64(weft_sim_free(&sim), 0);
        if (!met)
            break;
    }
}

static const test_case cases[] = {
    TEST(streams_are_read_however_they_are_cut),
    TEST(how_long_to_wait_is_a_number),
    TEST(an_event_beyond_the_limit_is_an_error),
    TEST(an_id_with_a_zero_or_too_long_is_not_kept),
    TEST(what_is_sent_is_what_is_told),
    TEST(a_lost_connection_is_made_again_from_where_it_was),
    TEST(an_event_that_broke_off_is_asked_for_again),
    TEST(the_server_says_how_long_to_wait),
    TEST(failures_in_a_row_wait_longer_and_longer),
    TEST(what_is_no_stream_of_events_ends_the_source),
    TEST(the_next_event_waits_until_one_was_let_go_of),
    TEST(an_event_that_is_too_large_breaks_the_connection),
    TEST(a_name_with_a_line_end_is_refused),
    TEST(memory_that_is_out_anywhere_leaks_nothing),
    {0},
};
const test_suite sse_suite = {.name = "protocols/sse", .before = before, .cases = cases};
