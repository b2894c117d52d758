/* SPDX-License-Identifier: MIT */
/* Heads and chunk frames as they are written, and what is refused before it can break a line. */
#include "check.h"

#include "protocols/http/http1_write.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define TEXT(literal)                  \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }

static uint8_t out[1024];
static size_t written;
static weft_why why;

static weft_err answer(const wf_http1_answer *a)
{
    written = 0;
    why.text[0] = '\0';
    weft_err err = wf_http1_write_head(out, sizeof out, a, &written, &why);
    CHECK(written <= wf_http1_answer_bound(a));
    return err;
}

static weft_err ask(const wf_http1_ask *a)
{
    written = 0;
    why.text[0] = '\0';
    weft_err err = wf_http1_write_request(out, sizeof out, a, &written, &why);
    CHECK(written <= wf_http1_ask_bound(a));
    return err;
}

#define CHECK_OUT(want) CHECK_MEM(out, written, (want), sizeof(want) - 1)

static void a_response_has_what_it_was_given(void)
{
    const weft_http_field fields[] = {WEFT_HTTP_FIELD("ETag", "\"x\""),
                                      WEFT_HTTP_FIELD("X-Empty", "")};

    CHECK_OK(answer(&(wf_http1_answer){
        .status = 200,
        .minor = 1,
        .framing = WF_HTTP1_LENGTH,
        .content_length = 1234567,
        .date = DATE,
        .server = TEXT("weft"),
        .content_type = TEXT("text/plain"),
        .fields = fields,
        .fields_count = 2,
    }));
    CHECK_OUT("HTTP/1.1 200 OK\r\nDate: " DATE "\r\nServer: weft\r\nContent-Type: text/plain\r\n"
              "Content-Length: 1234567\r\nETag: \"x\"\r\nX-Empty: \r\n\r\n");
}

static void connection_is_said_only_where_it_must_be(void)
{
    wf_http1_answer a = {.status = 404, .minor = 1};

    CHECK_OK(answer(&a));
    CHECK_OUT("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    a.close = true;
    CHECK_OK(answer(&a));
    CHECK_OUT("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    a.minor = 0;
    CHECK_OK(answer(&a));
    CHECK_OUT("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    a.close = false;
    CHECK_OK(answer(&a));
    CHECK_OUT("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
}

static void an_upgrade_is_said_in_two_fields(void)
{
    wf_http1_answer a = {.status = 101, .minor = 1, .upgrade = TEXT("websocket")};

    CHECK_OK(answer(&a));
    CHECK_OUT(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    a = (wf_http1_answer){.status = 426, .minor = 1, .close = true, .upgrade = TEXT("h2c")};
    CHECK_OK(answer(&a));
    CHECK_OUT("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close, upgrade\r\n"
              "Upgrade: h2c\r\n\r\n");
}

static void statuses_without_a_body_are_not_framed(void)
{
    CHECK_OK(answer(&(wf_http1_answer){.status = 100, .minor = 1}));
    CHECK_OUT(WF_HTTP1_CONTINUE);
    CHECK_OK(answer(&(wf_http1_answer){.status = 204, .minor = 1}));
    CHECK_OUT("HTTP/1.1 204 No Content\r\n\r\n");
    CHECK_OK(answer(&(wf_http1_answer){.status = 304, .minor = 1}));
    CHECK_OUT("HTTP/1.1 304 Not Modified\r\n\r\n");
    CHECK_OK(answer(&(wf_http1_answer){.status = 200, .minor = 1, .method = WEFT_HTTP_CONNECT}));
    CHECK_OUT("HTTP/1.1 200 OK\r\n\r\n");
    CHECK_OK(answer(&(wf_http1_answer){.status = 200, .minor = 1, .method = WEFT_HTTP_HEAD}));
    CHECK_OUT("HTTP/1.1 200 OK\r\n\r\n");
    CHECK_OK(answer(&(wf_http1_answer){.status = 205, .minor = 1}));
    CHECK_OUT("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");

    CHECK(!wf_http1_has_body(204, WEFT_HTTP_GET) && !wf_http1_has_body(304, WEFT_HTTP_GET));
    CHECK(!wf_http1_has_body(100, WEFT_HTTP_GET) && !wf_http1_has_body(200, WEFT_HTTP_HEAD));
    CHECK(!wf_http1_has_body(200, WEFT_HTTP_CONNECT) && wf_http1_has_body(500, WEFT_HTTP_CONNECT));
    CHECK(wf_http1_has_body(200, WEFT_HTTP_GET));
}

static void head_and_304_may_say_what_a_get_would(void)
{
    wf_http1_answer a = {
        .status = 200, .minor = 1, .framing = WF_HTTP1_LENGTH, .content_length = 7};

    a.method = WEFT_HTTP_HEAD;
    CHECK_OK(answer(&a));
    CHECK_OUT("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
    a.framing = WF_HTTP1_CHUNKED;
    CHECK_OK(answer(&a));
    CHECK_OUT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    a = (wf_http1_answer){
        .status = 304, .minor = 1, .framing = WF_HTTP1_LENGTH, .content_length = 7};
    CHECK_OK(answer(&a));
    CHECK_OUT("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
}

static void a_framing_that_cannot_be_is_refused(void)
{
    static const wf_http1_answer rows[] = {
        {.status = 99, .minor = 1},
        {.status = 600, .minor = 1},
        {.status = 204, .minor = 1, .framing = WF_HTTP1_LENGTH, .content_length = 1},
        {.status = 204, .minor = 1, .framing = WF_HTTP1_CHUNKED},
        {.status = 103, .minor = 1, .framing = WF_HTTP1_CHUNKED},
        {.status = 205, .minor = 1, .framing = WF_HTTP1_CHUNKED},
        {.status = 200, .minor = 1, .method = WEFT_HTTP_CONNECT, .framing = WF_HTTP1_CHUNKED},
        {.status = 200, .minor = 0, .framing = WF_HTTP1_CHUNKED},
        {.status = 200, .minor = 1, .framing = WF_HTTP1_UNTIL_CLOSE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_ERR(answer(&rows[i]), WEFT_EINVAL);
        CHECK_U64(written, 0);
        CHECK(why.text[0] != '\0');
    }
    CHECK_OK(
        answer(&(wf_http1_answer){.status = 200, .framing = WF_HTTP1_UNTIL_CLOSE, .close = true}));
    CHECK_OUT("HTTP/1.1 200 OK\r\n\r\n");
}

static void what_would_break_a_line_is_refused_by_name(void)
{
    static const weft_http_field rows[] = {
        {"X-A", "a\r\nSet-Cookie: b", 3, 16},
        {"X-A", "a\n", 3, 2},
        {"X-A", "a\0b", 3, 3},
        {"X-A", "\x7f", 3, 1},
        {"X-A", "aaaaaaaaaaaa\raaaaaaaaa", 3, 22},
        {"X-A\r\nX-B", "a", 8, 1},
        {"X-A:", "a", 4, 1},
        {"X A", "a", 3, 1},
        {"", "a", 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_ERR(answer(&(wf_http1_answer){
                      .status = 200, .minor = 1, .fields = &rows[i], .fields_count = 1}),
                  WEFT_EINVAL);
        CHECK(i > 4 || strstr(why.text, "X-A") != NULL);
        CHECK_U64(written, 0);
    }
    CHECK_ERR(answer(&(wf_http1_answer){.status = 200, .minor = 1, .server = TEXT("a\r\nb")}),
              WEFT_EINVAL);
    CHECK_ERR(answer(&(wf_http1_answer){.status = 200, .minor = 1, .content_type = TEXT("a\nb")}),
              WEFT_EINVAL);
    CHECK_ERR(answer(&(wf_http1_answer){.status = 101, .minor = 1, .upgrade = TEXT("\x01")}),
              WEFT_EINVAL);
}

static void framing_fields_are_not_taken_from_outside(void)
{
    static const weft_http_field rows[] = {
        WEFT_HTTP_FIELD("Content-Length", "3"),
        WEFT_HTTP_FIELD("TRANSFER-ENCODING", "chunked"),
        WEFT_HTTP_FIELD("connection", "close"),
        WEFT_HTTP_FIELD("Upgrade", "x"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_ERR(answer(&(wf_http1_answer){
                      .status = 200, .minor = 1, .fields = &rows[i], .fields_count = 1}),
                  WEFT_EINVAL);
        CHECK_ERR(ask(&(wf_http1_ask){.target = TEXT("/"), .fields = &rows[i], .fields_count = 1}),
                  WEFT_EINVAL);
    }
    const weft_http_field host = WEFT_HTTP_FIELD("host", "a");
    CHECK_ERR(ask(&(wf_http1_ask){.target = TEXT("/"), .fields = &host, .fields_count = 1}),
              WEFT_EINVAL);
}

static void a_request_has_what_it_was_given(void)
{
    const weft_http_field fields[] = {WEFT_HTTP_FIELD("Accept", "*/*")};

    CHECK_OK(ask(&(wf_http1_ask){
        .target = TEXT("/a?b"),
        .host = TEXT("example.org:81"),
        .fields = fields,
        .fields_count = 1,
    }));
    CHECK_OUT("GET /a?b HTTP/1.1\r\nHost: example.org:81\r\nAccept: */*\r\n\r\n");
    CHECK_OK(ask(&(wf_http1_ask){.method = WEFT_HTTP_POST, .target = TEXT("/"), .host = TEXT("")}));
    CHECK_OUT("POST / HTTP/1.1\r\nHost: \r\nContent-Length: 0\r\n\r\n");
    CHECK_OK(ask(&(wf_http1_ask){
        .method = WEFT_HTTP_OTHER,
        .method_name = TEXT("REPORT"),
        .target = TEXT("*"),
        .framing = WF_HTTP1_CHUNKED,
        .close = true,
    }));
    CHECK_OUT("REPORT * HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");

    CHECK_ERR(ask(&(wf_http1_ask){.host = TEXT("a")}), WEFT_EINVAL);
    CHECK_ERR(ask(&(wf_http1_ask){.target = TEXT("/a b")}), WEFT_EINVAL);
    CHECK_ERR(ask(&(wf_http1_ask){.target = TEXT("/\r\n")}), WEFT_EINVAL);
    CHECK_ERR(ask(&(wf_http1_ask){.target = TEXT("/"), .method = WEFT_HTTP_OTHER}), WEFT_EINVAL);
    CHECK_ERR(ask(&(wf_http1_ask){.target = TEXT("/"), .framing = WF_HTTP1_UNTIL_CLOSE}),
              WEFT_EINVAL);
}

static void numbers_and_statuses_are_written_in_full(void)
{
    static const uint64_t numbers[] = {0, 9, 10, 99, 100, 12345, 1000000, UINT64_MAX};
    char want[128];

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        CHECK_OK(answer(&(wf_http1_answer){
            .status = 200, .minor = 1, .framing = WF_HTTP1_LENGTH, .content_length = numbers[i]}));
        (void)snprintf(want, sizeof want, "HTTP/1.1 200 OK\r\nContent-Length: %" PRIu64 "\r\n\r\n",
                       numbers[i]);
        CHECK_MEM(out, written, want, strlen(want));
    }
    for (int status = 206; status <= 599; status++) {
        if (status == 304)
            continue;
        CHECK_OK(answer(&(wf_http1_answer){.status = status, .minor = 1}));
        (void)snprintf(want, sizeof want, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\n\r\n", status,
                       weft_http_status_text(status));
        CHECK_MEM(out, written, want, strlen(want));
    }
}

static void too_little_room_is_told_before_anything_is_written(void)
{
    wf_http1_answer a = {.status = 200, .minor = 1, .date = DATE};
    size_t bound = wf_http1_answer_bound(&a);

    CHECK_OK(wf_http1_write_head(out, bound, &a, &written, &why));
    CHECK_ERR(wf_http1_write_head(NULL, bound - 1, &a, &written, &why), WEFT_ETOOBIG);

    wf_http1_ask question = {.target = TEXT("/")};
    bound = wf_http1_ask_bound(&question);
    CHECK_OK(wf_http1_write_request(out, bound, &question, &written, &why));
    CHECK_ERR(wf_http1_write_request(NULL, bound - 1, &question, &written, &why), WEFT_ETOOBIG);
}

static void chunks_are_framed_in_hexadecimal(void)
{
    static const struct {
        uint64_t n;
        const char *head;
    } rows[] = {
        {0, ""},        {1, "1\r\n"},       {15, "f\r\n"},
        {16, "10\r\n"}, {4096, "1000\r\n"}, {UINT64_MAX, "ffffffffffffffff\r\n"},
    };
    uint8_t chunk[WF_HTTP1_CHUNK_HEAD_BYTES_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK_MEM(chunk, wf_http1_chunk_head(chunk, rows[i].n), rows[i].head, strlen(rows[i].head));
}

static void trailers_end_a_chunked_body(void)
{
    const weft_http_field trailers[] = {WEFT_HTTP_FIELD("Digest", "x"), WEFT_HTTP_FIELD("B", "\n")};

    CHECK_OK(wf_http1_write_trailers(out, sizeof out, NULL, 0, &written, &why));
    CHECK_OUT(WF_HTTP1_CHUNKS_END);
    CHECK_OK(wf_http1_write_trailers(out, 16, trailers, 1, &written, &why));
    CHECK_OUT("0\r\nDigest: x\r\n\r\n");
    CHECK_ERR(wf_http1_write_trailers(out, 15, trailers, 1, &written, &why), WEFT_ETOOBIG);
    CHECK_ERR(wf_http1_write_trailers(out, sizeof out, trailers, 2, &written, &why), WEFT_EINVAL);
}

static const test_case cases[] = {
    TEST(a_response_has_what_it_was_given),
    TEST(connection_is_said_only_where_it_must_be),
    TEST(an_upgrade_is_said_in_two_fields),
    TEST(statuses_without_a_body_are_not_framed),
    TEST(head_and_304_may_say_what_a_get_would),
    TEST(a_framing_that_cannot_be_is_refused),
    TEST(what_would_break_a_line_is_refused_by_name),
    TEST(framing_fields_are_not_taken_from_outside),
    TEST(a_request_has_what_it_was_given),
    TEST(numbers_and_statuses_are_written_in_full),
    TEST(too_little_room_is_told_before_anything_is_written),
    TEST(chunks_are_framed_in_hexadecimal),
    TEST(trailers_end_a_chunked_body),
    {0},
};

const test_suite http1_write_suite = {.name = "protocols/http1_write", .cases = cases};
