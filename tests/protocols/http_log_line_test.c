/* SPDX-License-Identifier: MIT */
#include "http_parts.h"

#include "http_log_line.h"

static wf_http_log_entry ordinary(void)
{
    return (wf_http_log_entry){
        .client = piece("192.0.2.1"),
        .user = piece("ann"),
        .method = piece("GET"),
        .target = piece("/a?b=c"),
        .referer = piece("http://example.com/"),
        .agent = piece("curl/8.0"),
        .time_s = 784111777,
        .duration_us = 1234,
        .body_bytes = 5678,
        .status = 200,
        .major = 1,
        .minor = 1,
    };
}

typedef size_t writer(char *out, size_t out_max, const wf_http_log_entry *entry);

static const char *line_of(writer *write, const wf_http_log_entry *entry)
{
    static char out[WF_HTTP_LOG_LINE_BYTES_DEFAULT + 1];
    size_t n = write(out, WF_HTTP_LOG_LINE_BYTES_DEFAULT, entry);
    out[n] = '\0';
    CHECK(n > 0 && out[n - 1] == '\n');
    return out;
}

static void an_exchange_is_one_line_of_either_form(void)
{
    wf_http_log_entry e = ordinary();
    CHECK_STR(line_of(wf_http_log_combined, &e),
              "192.0.2.1 - ann [06/Nov/1994:08:49:37 +0000] \"GET /a?b=c HTTP/1.1\" 200 5678 "
              "\"http://example.com/\" \"curl/8.0\"\n");
    CHECK_STR(line_of(wf_http_log_json, &e),
              "{\"time\":\"1994-11-06T08:49:37Z\",\"client\":\"192.0.2.1\",\"user\":\"ann\","
              "\"method\":\"GET\",\"target\":\"/a?b=c\",\"protocol\":\"HTTP/1.1\",\"status\":200,"
              "\"bytes\":5678,\"duration_us\":1234,\"referer\":\"http://example.com/\","
              "\"agent\":\"curl/8.0\"}\n");
}

static void what_is_not_known_is_a_dash_or_null(void)
{
    wf_http_log_entry e = {.status = 400, .major = 1};
    CHECK_STR(line_of(wf_http_log_combined, &e),
              "- - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 0 \"-\" \"-\"\n");
    CHECK_STR(line_of(wf_http_log_json, &e),
              "{\"time\":\"1970-01-01T00:00:00Z\",\"client\":null,\"user\":null,\"method\":null,"
              "\"target\":null,\"protocol\":\"HTTP/1.0\",\"status\":400,\"bytes\":0,"
              "\"duration_us\":0,\"referer\":null,\"agent\":null}\n");
}

static void no_field_can_end_itself_or_the_line(void)
{
    wf_http_log_entry e = ordinary();
    e.user = piece("a b\"c");
    e.target = piece("/\" 200 1 \"x\r\nfake \\");
    e.agent = piece("\x1b[31m\x7f\xc3\xbc\xff");
    CHECK_STR(line_of(wf_http_log_combined, &e),
              "192.0.2.1 - a\\x20b\\x22c [06/Nov/1994:08:49:37 +0000] "
              "\"GET /\\x22\\x20200\\x201\\x20\\x22x\\x0D\\x0Afake\\x20\\x5C HTTP/1.1\" 200 5678 "
              "\"http://example.com/\" \"\\x1B[31m\\x7F\\xC3\\xBC\\xFF\"\n");
    const char *json = line_of(wf_http_log_json, &e);
    CHECK(strstr(json, "\"user\":\"a b\\\"c\"") != NULL);
    CHECK(strstr(json, "\"target\":\"/\\\" 200 1 \\\"x\\u000d\\u000afake \\\\\"") != NULL);
    CHECK(strstr(json, "\"agent\":\"\\u001b[31m\\u007f\xc3\xbc\\ufffd\"") != NULL);
}

static void json_takes_no_byte_that_is_not_utf8_and_no_control(void)
{
    wf_http_log_entry e = ordinary();
    e.agent = (weft_http_text){"\0\xc2\x85\xe2\x82\xac\xe2\x82", 8};
    const char *json = line_of(wf_http_log_json, &e);
    CHECK(strstr(json, "\"agent\":\"\\u0000\\u0085\xe2\x82\xac\\ufffd\\ufffd\"") != NULL);
}

/* Fields of one byte over and over, in any room: the line is whole, fits, and cuts no escape. */
static void a_line_is_whole_however_long_its_fields(void)
{
    static char huge[70000];
    static char out[WF_HTTP_LOG_LINE_BYTES_DEFAULT];
    static const char fill[] = {'a', '"', '\x01', '\xff', '\\'};
    static const size_t rooms[] = {WF_HTTP_LOG_LINE_BYTES_MIN, WF_HTTP_LOG_LINE_BYTES_MIN + 1, 1023,
                                   WF_HTTP_LOG_LINE_BYTES_DEFAULT};
    for (size_t f = 0; f < sizeof fill; f++)
        for (size_t r = 0; r < 4; r++)
            for (int k = 0; k < 2; k++) {
                memset(huge, fill[f], sizeof huge);
                weft_http_text t = {huge, sizeof huge};
                wf_http_log_entry e = {.client = t,
                                       .user = t,
                                       .method = t,
                                       .target = t,
                                       .referer = t,
                                       .agent = t,
                                       .time_s = INT64_MAX,
                                       .body_bytes = UINT64_MAX,
                                       .duration_us = UINT64_MAX,
                                       .status = UINT16_MAX,
                                       .major = 255,
                                       .minor = 255};
                size_t n = (k == 0 ? wf_http_log_combined : wf_http_log_json)(out, rooms[r], &e);
                CHECK(n > 0 && n <= rooms[r]);
                CHECK(out[n - 1] == '\n');
                CHECK(memchr(out, '\n', n) == out + n - 1);
                CHECK(memmem(out, n, "...\"", 4) != NULL);
                if (k == 1)
                    CHECK(memcmp(out + n - 6, "...\"}\n", 6) == 0);
            }
}

/* "ab\\x01" over and over is six bytes, between whose first three and at whose end it may be cut.
 */
static void no_cut_goes_through_an_escape(void)
{
    static char fill[6000];
    static char out[WF_HTTP_LOG_LINE_BYTES_DEFAULT];
    wf_http_log_entry e = ordinary();
    for (size_t i = 0; i < sizeof fill; i++)
        fill[i] = "ab\x01"[i % 3];
    e.agent = (weft_http_text){fill, sizeof fill};
    for (size_t room = WF_HTTP_LOG_LINE_BYTES_MIN; room < WF_HTTP_LOG_LINE_BYTES_MIN + 30; room++) {
        size_t n = wf_http_log_combined(out, room, &e);
        const char *agent = memmem(out, n, "\"ab\\x01", 7);
        REQUIRE(agent != NULL && n <= room);
        size_t kept = (size_t)(out + n - 5 - (agent + 1)); /* but for ..."\n */
        CHECK_MEM(out + n - 5, 5, "...\"\n", 5);
        CHECK(kept % 6 <= 2);
        CHECK(kept >= 64 - 9);
    }
}

static void what_others_leave_a_long_field_may_use(void)
{
    static char huge[5000];
    wf_http_log_entry e = ordinary();
    memset(huge, 'x', sizeof huge);
    e.agent = (weft_http_text){huge, 3500};
    CHECK(strstr(line_of(wf_http_log_combined, &e), "...") == NULL);
    e.agent.bytes = 5000;
    CHECK(strstr(line_of(wf_http_log_combined, &e), "x...\"\n") != NULL);
}

static void too_little_room_is_no_line(void)
{
    char out[WF_HTTP_LOG_LINE_BYTES_MIN];
    wf_http_log_entry e = ordinary();
    CHECK_U64(wf_http_log_combined(out, sizeof out - 1, &e), 0);
    CHECK_U64(wf_http_log_json(out, sizeof out - 1, &e), 0);
}

static const test_case cases[] = {
    TEST(an_exchange_is_one_line_of_either_form),
    TEST(what_is_not_known_is_a_dash_or_null),
    TEST(no_field_can_end_itself_or_the_line),
    TEST(json_takes_no_byte_that_is_not_utf8_and_no_control),
    TEST(a_line_is_whole_however_long_its_fields),
    TEST(no_cut_goes_through_an_escape),
    TEST(what_others_leave_a_long_field_may_use),
    TEST(too_little_room_is_no_line),
    {0},
};

const test_suite http_log_line_suite = {.name = "protocols/http_log_line", .cases = cases};
