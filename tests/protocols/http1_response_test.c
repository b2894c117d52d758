/* SPDX-License-Identifier: MIT */
/* Response heads as a client reads them: status lines, and where each body ends. */
#include "check.h"

#include <stdlib.h>

#include "protocols/http1_wire.h"

static wf_http1 p;
static wf_http1_head head;
static weft_http_field fields[8];

static weft_err parse(const char *text, weft_http_method asked)
{
    size_t scanned = 0, n = wf_http1_head_end((const uint8_t *)text, strlen(text), &scanned);

    wf_http1_init(&p, NULL);
    REQUIRE(n > 0);
    return wf_http1_parse_response(&p, (const uint8_t *)text, n, asked, &head, fields, 8, NULL);
}

static void a_status_line_has_three_parts(void)
{
    CHECK_OK(parse("HTTP/1.1 404 Not  Found\t!\r\n\r\n", WEFT_HTTP_GET));
    CHECK_U64(head.status, 404);
    CHECK_U64(head.minor, 1);
    CHECK_MEM(head.reason.at, head.reason.bytes, "Not  Found\t!", 12);
    CHECK_OK(parse("HTTP/1.0 200 \r\n\r\n", WEFT_HTTP_GET));
    CHECK_U64(head.minor, 0);
    CHECK_U64(head.reason.bytes, 0);
    CHECK_OK(parse("HTTP/1.1 599\r\n\r\n", WEFT_HTTP_GET));
    CHECK_U64(head.status, 599);
}

static void other_status_lines_are_refused(void)
{
    static const char *const lines[] = {
        "HTTP/1.1 20 OK\r\n",
        "HTTP/1.1 2000 OK\r\n",
        "HTTP/1.1 099 OK\r\n",
        "HTTP/1.1 600 OK\r\n",
        "HTTP/1.1  200 OK\r\n",
        "HTTP/1.1 2x0 OK\r\n",
        "HTTP/1.1 200\tOK\r\n",
        "HTTP/1.1 200OK\r\n",
        "HTTP/1.1\r\n",
        "HTTP/2.0 200 OK\r\n",
        "HTTP/1.2 200 OK\r\n",
        "http/1.1 200 OK\r\n",
        "ICY 200 OK\r\n",
        "HTTP/1.1 200 O\x01K\r\n",
        "HTTP/1.1 200 OK\n",
        "HTTP/1.1 200 OK\rX\r\n",
        "HTTP/1.1 200 OK\r\nX : a\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "%s\r\n", lines[i]);
        check_err(parse(text, WEFT_HTTP_GET), WEFT_EPROTO, lines[i], __FILE__, __LINE__);
        CHECK_U64(head.status, 502);
    }
}

static void each_body_ends_where_its_head_says(void)
{
    static const struct {
        const char *head;
        weft_http_method asked;
        wf_http1_framing framing;
        bool keep_alive;
        uint64_t content_length;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\n", WEFT_HTTP_GET, WF_HTTP1_UNTIL_CLOSE, false, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", WEFT_HTTP_GET, WF_HTTP1_LENGTH, true, 5},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", WEFT_HTTP_GET, WF_HTTP1_NO_BODY, true, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n", WEFT_HTTP_GET,
         WF_HTTP1_LENGTH, false, 5},
        {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n", WEFT_HTTP_GET, WF_HTTP1_LENGTH, false, 5},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", WEFT_HTTP_GET, WF_HTTP1_CHUNKED, true,
         0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", WEFT_HTTP_HEAD, WF_HTTP1_NO_BODY, true, 5},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", WEFT_HTTP_HEAD, WF_HTTP1_NO_BODY,
         true, 0},
        {"HTTP/1.1 200 OK\r\n", WEFT_HTTP_HEAD, WF_HTTP1_NO_BODY, true, 0},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n", WEFT_HTTP_GET, WF_HTTP1_NO_BODY,
         true, 5},
        {"HTTP/1.1 204 No Content\r\n", WEFT_HTTP_GET, WF_HTTP1_NO_BODY, true, 0},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n", WEFT_HTTP_GET, WF_HTTP1_NO_BODY, false,
         5},
        {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n", WEFT_HTTP_GET,
         WF_HTTP1_NO_BODY, false, 0},
        {"HTTP/1.1 100 Continue\r\n", WEFT_HTTP_POST, WF_HTTP1_NO_BODY, true, 0},
        {"HTTP/1.1 101 Switching Protocols\r\n", WEFT_HTTP_GET, WF_HTTP1_NO_BODY, false, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", WEFT_HTTP_CONNECT, WF_HTTP1_NO_BODY, false, 5},
        {"HTTP/1.1 407 Proxy\r\nContent-Length: 5\r\n", WEFT_HTTP_CONNECT, WF_HTTP1_LENGTH, true,
         5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "%s\r\n", rows[i].head);
        check_err(parse(text, rows[i].asked), WEFT_OK, rows[i].head, __FILE__, __LINE__);
        check_u64(head.framing, rows[i].framing, rows[i].head, __FILE__, __LINE__);
        check_u64(head.keep_alive, rows[i].keep_alive, rows[i].head, __FILE__, __LINE__);
        check_u64(head.content_length, rows[i].content_length, rows[i].head, __FILE__, __LINE__);
    }
}

static void framing_in_two_ways_is_refused(void)
{
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        check_err(parse(heads[i], WEFT_HTTP_GET), WEFT_EPROTO, heads[i], __FILE__, __LINE__);
    CHECK_ERR(parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", WEFT_HTTP_GET),
              WEFT_EUNSUPPORTED);
}

static void an_upgrade_is_agreed_to_with_101(void)
{
    CHECK_OK(parse("HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
                   WEFT_HTTP_GET));
    CHECK(head.upgrade);
    CHECK_OK(parse("HTTP/1.1 426 U\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", WEFT_HTTP_GET));
    CHECK(!head.upgrade);
}

static void a_body_until_the_close_ends_with_it(void)
{
    const char *text = "HTTP/1.1 200 OK\r\n\r\nabc";
    const uint8_t *body = (const uint8_t *)text + 19;
    wf_http1_piece piece = {0};

    CHECK_OK(parse(text, WEFT_HTTP_GET));
    CHECK_OK(wf_http1_body(&p, body, 3, &piece, NULL));
    CHECK(!piece.complete);
    CHECK_MEM(piece.data, piece.data_bytes, "abc", 3);
    CHECK_OK(wf_http1_body_ended(&p, NULL));

    CHECK_OK(parse(text, WEFT_HTTP_GET));
    CHECK_OK(wf_http1_body_limit(&p, 2, NULL));
    CHECK_OK(wf_http1_body(&p, body, 3, &piece, NULL));
    CHECK_U64(piece.consumed, 2);
    CHECK_ERR(wf_http1_body(&p, body + 2, 1, &piece, NULL), WEFT_ETOOBIG);
}

static void however_they_are_cut_responses_say_the_same(void)
{
    static const char sent[] = "HTTP/1.1 100 Continue\r\n\r\n"
                               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ncd\r\n"
                               "0\r\nT: u\r\n\r\nHTTP/1.0 200\r\n\r\nefg";
    static const char said[] =
        "= 100 Continue none 0 keep\n< \n.\n"
        "= 200 OK length 2 keep\nContent-Length: 2\n< ab\n.\n"
        "= 200 OK chunked 0 keep\nTransfer-Encoding: chunked\n< cd\nT: u\n.\n"
        "= 200  until close 0 close\n< efg";
    static http1_wire w;

    w.limits = wf_http1_limits_filled(NULL);
    w.responses = true;
    w.asked = WEFT_HTTP_GET;
    for (uint32_t mean = 0; mean < 60; mean++) {
        wire_run(&w, (const uint8_t *)sent, sizeof sent - 1, mean, mean);
        CHECK_STR(w.said, said);
    }
}

static const test_case cases[] = {
    TEST(a_status_line_has_three_parts),
    TEST(other_status_lines_are_refused),
    TEST(each_body_ends_where_its_head_says),
    TEST(framing_in_two_ways_is_refused),
    TEST(an_upgrade_is_agreed_to_with_101),
    TEST(a_body_until_the_close_ends_with_it),
    TEST(however_they_are_cut_responses_say_the_same),
    {0},
};

const test_suite http1_response_suite = {.name = "protocols/http1_response", .cases = cases};
