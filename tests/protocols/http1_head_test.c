/* SPDX-License-Identifier: MIT */
/* What stands in a request head that was taken: its parts, its known fields, what they ask for. */
#include "check.h"

#include "protocols/http/http1_codec.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"

static wf_http1 p;
static wf_http1_head head;
static weft_http_field fields[16];

static weft_err parse(const char *text)
{
    size_t scanned = 0, n = wf_http1_head_end((const uint8_t *)text, strlen(text), &scanned);

    wf_http1_init(&p, NULL);
    REQUIRE(n > 0);
    return wf_http1_parse_request(&p, (const uint8_t *)text, n, &head, fields, 16, NULL);
}

static void check_text(weft_http_text got, const char *want, int line)
{
    CU_assertImplementation((got.at != NULL) == (want != NULL), (unsigned)line, "there or not",
                            __FILE__, "", CU_FALSE);
    if (got.at != NULL && want != NULL)
        check_mem(got.at, got.bytes, want, strlen(want), want, __FILE__, line);
}

#define CHECK_TEXT(got, want) check_text((got), (want), __LINE__)

static void a_path_and_a_query_are_cut_out_of_the_target(void)
{
    CHECK_OK(parse("GET /a/b?c=d?e HTTP/1.1\r\nHost: www.example.org:8080\r\n\r\n"));
    CHECK_U64(head.method, WEFT_HTTP_GET);
    CHECK_U64(head.form, WF_HTTP1_ORIGIN);
    CHECK_U64(head.minor, 1);
    CHECK_U64(head.port, 8080);
    CHECK_TEXT(head.method_name, "GET");
    CHECK_TEXT(head.target, "/a/b?c=d?e");
    CHECK_TEXT(head.path, "/a/b");
    CHECK_TEXT(head.query, "c=d?e");
    CHECK_TEXT(head.host, "www.example.org");
    CHECK_TEXT(head.scheme, NULL);

    CHECK_OK(parse("GET /? HTTP/1.0\r\n\r\n"));
    CHECK_TEXT(head.query, "");
    CHECK_TEXT(head.host, NULL);
    CHECK_U64(head.minor, 0);
    CHECK_OK(parse("GET / HTTP/1.0\r\n\r\n"));
    CHECK_TEXT(head.query, NULL);
}

static void an_absolute_target_says_more_than_host(void)
{
    CHECK_OK(parse("GET http://[::1]:81/x?y HTTP/1.1\r\nHost: other:82\r\n\r\n"));
    CHECK_U64(head.form, WF_HTTP1_ABSOLUTE);
    CHECK_U64(head.port, 81);
    CHECK_TEXT(head.scheme, "http");
    CHECK_TEXT(head.host, "[::1]");
    CHECK_TEXT(head.path, "/x");
    CHECK_TEXT(head.query, "y");

    CHECK_OK(parse("GET https://b?y HTTP/1.1\r\nHost: other:82\r\n\r\n"));
    CHECK_U64(head.port, 0);
    CHECK_TEXT(head.host, "b");
    CHECK_TEXT(head.path, "/");
    CHECK_TEXT(head.query, "y");
}

static void connect_and_options_have_targets_of_their_own(void)
{
    CHECK_OK(parse("CONNECT db.example:5432 HTTP/1.1\r\nHost: db.example\r\n\r\n"));
    CHECK_U64(head.form, WF_HTTP1_AUTHORITY);
    CHECK_U64(head.port, 5432);
    CHECK_TEXT(head.host, "db.example");
    CHECK_TEXT(head.path, NULL);

    CHECK_OK(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK_U64(head.form, WF_HTTP1_ASTERISK);
    CHECK_TEXT(head.target, "*");
    CHECK_TEXT(head.host, "a");
}

static void methods_have_numbers_and_names(void)
{
    static const char *const names[] = {"GET",     "HEAD",  "POST",  "PUT",  "DELETE",
                                        "OPTIONS", "TRACE", "PATCH", "LOCK", "REPORT"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s / HTTP/1.1\r\nHost: a\r\n\r\n", names[i]);
        CHECK_OK(parse(text));
        CHECK_U64(head.method, weft_http_method_of(names[i], strlen(names[i])));
        CHECK_TEXT(head.method_name, names[i]);
    }
    CHECK_U64(head.method, WEFT_HTTP_OTHER);
}

static void known_fields_are_found_by_number(void)
{
    CHECK_OK(parse(GET "x-a: 1\r\nCONTENT-TYPE:text/plain \r\nCookie: a\r\nX-B: 2\r\n"
                       "cookie:  b\t\r\nIf-None-Match: *\r\n\r\n"));
    CHECK_U64(head.fields_count, 7);
    CHECK_TEXT(wf_http1_value(&head, fields, WF_HTTP_HOST), "a");
    CHECK_TEXT(wf_http1_value(&head, fields, WF_HTTP_CONTENT_TYPE), "text/plain");
    CHECK_TEXT(wf_http1_value(&head, fields, WF_HTTP_IF_NONE_MATCH), "*");
    CHECK_TEXT(wf_http1_value(&head, fields, WF_HTTP_COOKIE), "a");
    CHECK_TEXT(wf_http1_value(&head, fields, WF_HTTP_RANGE), NULL);
    CHECK_U64(head.repeated, UINT64_C(1) << WF_HTTP_COOKIE);
    CHECK_MEM(fields[1].name, fields[1].name_bytes, "x-a", 3);
    CHECK_MEM(fields[5].value, fields[5].value_bytes, "b", 1);
}

static void an_empty_value_is_there_and_empty(void)
{
    CHECK_OK(parse(GET "Range:\r\nReferer: \t \r\nTE:\r\n\r\n"));
    CHECK_TEXT(wf_http1_value(&head, fields, WF_HTTP_RANGE), "");
    CHECK_TEXT(wf_http1_value(&head, fields, WF_HTTP_REFERER), "");
    CHECK_TEXT(wf_http1_value(&head, fields, WF_HTTP_TE), "");
}

static void connections_persist_as_their_version_says(void)
{
    static const struct {
        const char *head;
        bool keep_alive;
    } rows[] = {
        {GET "\r\n", true},
        {GET "Connection: keep-alive\r\n\r\n", true},
        {GET "Connection: close\r\n\r\n", false},
        {GET "Connection: x , Close\t\r\n\r\n", false},
        {GET "Connection: keep-alive\r\nConnection: close\r\n\r\n", false},
        {GET "Connection: closed\r\n\r\n", true},
        {GET "Connection: close-x\r\n\r\n", true},
        {GET "Connection: ,,close,\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_OK(parse(rows[i].head));
        check_u64(head.keep_alive, rows[i].keep_alive, rows[i].head, __FILE__, __LINE__);
    }
}

static void an_upgrade_is_asked_for_in_two_fields(void)
{
    CHECK_OK(parse(GET "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    CHECK(head.upgrade);
    CHECK_TEXT(wf_http1_value(&head, fields, WF_HTTP_UPGRADE), "websocket");
    CHECK_OK(parse(GET "Upgrade: websocket\r\n\r\n"));
    CHECK(!head.upgrade);
    CHECK_OK(parse(GET "Connection: upgrade\r\n\r\n"));
    CHECK(!head.upgrade);
    CHECK_OK(parse("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"));
    CHECK(!head.upgrade);
}

static void continue_is_awaited_only_for_a_body_and_by_1_1(void)
{
    CHECK_OK(parse(GET "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n"));
    CHECK(head.expect_continue);
    CHECK_OK(parse(GET "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"));
    CHECK(head.expect_continue);
    CHECK_U64(head.framing, WF_HTTP1_CHUNKED);
    CHECK_OK(parse(GET "Expect: 100-continue\r\n\r\n"));
    CHECK(!head.expect_continue);
    CHECK_OK(parse("PUT / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"));
    CHECK(!head.expect_continue);
}

static void a_refusal_says_what_and_where(void)
{
    static const struct {
        const char *head, *part;
    } rows[] = {
        {GET "X: a\r\n b\r\n\r\n", "field line 2, \"X\", is folded"},
        {GET "Host: b\r\n\r\n", "Host stands there more than once"},
        {"BREW / HTTP/1.1\r\n\r\n", "the method \"BREW\" is not known"},
        {"GET / HTTP/1.9\r\n\r\n", "HTTP/1.9 is not known"},
        {GET "X Y: a\r\n\r\n", "invalid header token, at byte 26 of a head"},
        {GET "X: \x01\r\n\r\n", "field line 2, \"X\", has a control character"},
        {GET "Transfer-Encoding: gzip, chunked\r\n\r\n",
         "\"gzip, chunked\", expected chunked alone"},
        {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "the request target \"/a#b\" has a '#'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        weft_why why = {""};
        CHECK(wf_http1_parse_request(&p, (const uint8_t *)rows[i].head, strlen(rows[i].head), &head,
                                     fields, 16, &why) != WEFT_OK);
        if (strstr(why.text, rows[i].part) == NULL)
            CHECK_STR(why.text, rows[i].part);
    }
}

static void every_known_name_is_known_in_any_case(void)
{
    static const char *const names[WF_HTTP_NAMES_COUNT_] = {
#define ROW(number, name) [number] = name,
        WF_HTTP_NAMES(ROW)
#undef ROW
    };
    for (unsigned i = 1; i < WF_HTTP_NAMES_COUNT_; i++) {
        char name[32];
        size_t n = strlen(names[i]);
        CHECK_U64(wf_http_name_of(names[i], n), i);
        for (size_t k = 0; k <= n; k++)
            name[k] =
                names[i][k] >= 'a' && names[i][k] <= 'z' ? (char)(names[i][k] - 32) : names[i][k];
        CHECK_U64(wf_http_name_of(name, n), i);
        for (size_t k = 0; k < n; k++) {
            char kept = name[k];
            name[k] = '~';
            CHECK_U64(wf_http_name_of(name, n), WF_HTTP_NAME_OTHER);
            name[k] = kept;
        }
        CHECK_U64(wf_http_name_of(name, n - 1), WF_HTTP_NAME_OTHER);
    }
}

static void value_bytes_are_judged_alike_one_by_one_and_in_words(void)
{
    for (unsigned c = 0; c < 256; c++)
        for (size_t at = 0; at < 20; at++) {
            char text[20];
            memset(text, 'a', sizeof text);
            text[at] = (char)c;
            CHECK_U64(wf_http_value_span(text, sizeof text),
                      wf_http_span(text, sizeof text, WF_HTTP_VALUE));
        }
}

static void methods_and_statuses_have_texts(void)
{
    CHECK_STR(weft_http_status_text(200), "OK");
    CHECK_STR(weft_http_status_text(404), "Not Found");
    CHECK_STR(weft_http_status_text(299), "");
    CHECK_STR(weft_http_status_text(-1), "");
    CHECK_STR(weft_http_method_name(WEFT_HTTP_PATCH), "PATCH");
    CHECK_STR(weft_http_method_name(WEFT_HTTP_OTHER), "");
    CHECK_U64(weft_http_method_of("get", 3), WEFT_HTTP_OTHER);
    for (unsigned m = 0; m < WEFT_HTTP_OTHER; m++) {
        const char *name = weft_http_method_name((weft_http_method)m);
        CHECK_U64(weft_http_method_of(name, strlen(name)), m);
    }
}

static const test_case cases[] = {
    TEST(a_path_and_a_query_are_cut_out_of_the_target),
    TEST(an_absolute_target_says_more_than_host),
    TEST(connect_and_options_have_targets_of_their_own),
    TEST(methods_have_numbers_and_names),
    TEST(known_fields_are_found_by_number),
    TEST(an_empty_value_is_there_and_empty),
    TEST(connections_persist_as_their_version_says),
    TEST(an_upgrade_is_asked_for_in_two_fields),
    TEST(continue_is_awaited_only_for_a_body_and_by_1_1),
    TEST(a_refusal_says_what_and_where),
    TEST(every_known_name_is_known_in_any_case),
    TEST(value_bytes_are_judged_alike_one_by_one_and_in_words),
    TEST(methods_and_statuses_have_texts),
    {0},
};

const test_suite http1_head_suite = {.name = "protocols/http1_head", .cases = cases};
