/* SPDX-License-Identifier: MIT */
#include "http_parts.h"

#include <time.h>

#include "http_date.h"

#define NOW INT64_C(1700000000) /* 14 Nov 2023 */

static const char *imf(int64_t unix_s)
{
    static char out[WF_HTTP_DATE_BYTES + 1];
    wf_http_date_format(out, unix_s);
    out[WF_HTTP_DATE_BYTES] = '\0';
    return out;
}

/* The time that @text is, or -1. */
static int64_t parsed_at(const char *text, int64_t now_s)
{
    int64_t unix_s = -1;
    (void)wf_http_date_parse(piece(text), now_s, &unix_s);
    return unix_s;
}

static int64_t parsed(const char *text)
{
    return parsed_at(text, NOW);
}

static void the_three_forms_of_the_standard_are_one_time(void)
{
    CHECK_I64(parsed("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    CHECK_I64(parsed("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    CHECK_I64(parsed("Sun Nov  6 08:49:37 1994"), 784111777);
    CHECK_I64(parsed("Sun Nov 06 08:49:37 1994"), 784111777);
    CHECK_STR(imf(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

static void it_agrees_with_the_c_library_on_every_kind_of_day(void)
{
    static const char format[] = "%a, %d %b %Y %H:%M:%S GMT";
    for (int64_t t = INT64_C(-60000000000); t < INT64_C(250000000000); t += INT64_C(9999991) * 7) {
        char want[64];
        struct tm tm;
        time_t at = (time_t)t;
        int64_t back = 0;
        REQUIRE(gmtime_r(&at, &tm) != NULL);
        /* %Y does not pad */
        size_t n = strftime(want, sizeof want, format, &tm);
        const char *got = imf(t);
        if (tm.tm_year + 1900 >= 1000)
            CHECK_MEM(got, WF_HTTP_DATE_BYTES, want, n);
        CHECK(wf_http_date_parse(piece(got), NOW, &back));
        CHECK_I64(back, t);
    }
}

static void leap_days_are_days(void)
{
    CHECK_STR(imf(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
    CHECK_STR(imf(951868799), "Tue, 29 Feb 2000 23:59:59 GMT");
    CHECK_STR(imf(951868800), "Wed, 01 Mar 2000 00:00:00 GMT");
    CHECK_I64(parsed("Tue, 29 Feb 2000 00:00:00 GMT"), 951782400);
    CHECK_I64(parsed("Wed, 29 Feb 1900 00:00:00 GMT"), -1);
    CHECK_I64(parsed("Thu, 29 Feb 2023 00:00:00 GMT"), -1);
    CHECK_I64(parsed("Thu, 29 Feb 2024 00:00:00 GMT"), 1709164800);
}

static void what_is_out_of_range_becomes_the_nearest_that_can_be_written(void)
{
    CHECK_STR(imf(INT64_MIN), "Mon, 01 Jan 0001 00:00:00 GMT");
    CHECK_STR(imf(WF_HTTP_DATE_MIN), "Mon, 01 Jan 0001 00:00:00 GMT");
    CHECK_STR(imf(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    CHECK_STR(imf(WF_HTTP_DATE_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    CHECK_STR(imf(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
    CHECK_STR(imf(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

static void two_digits_of_a_year_mean_at_most_fifty_years_ahead(void)
{
    int64_t now = parsed("Tue, 14 Nov 2023 22:13:20 GMT");
    CHECK_I64(now, NOW);
    /* the very second in fifty years, and the next one */
    CHECK_I64(parsed("Tuesday, 14-Nov-73 22:13:20 GMT"), parsed("Tue, 14 Nov 2073 22:13:20 GMT"));
    CHECK_I64(parsed("Tuesday, 14-Nov-73 22:13:21 GMT"), parsed("Tue, 14 Nov 1973 22:13:21 GMT"));
    CHECK_I64(parsed("Friday, 31-Dec-99 23:59:59 GMT"), parsed("Fri, 31 Dec 1999 23:59:59 GMT"));
    /* late in a century the next one is nearer */
    int64_t late = parsed("Thu, 01 Jan 2099 00:00:00 GMT");
    CHECK_I64(parsed_at("Wednesday, 06-Nov-05 08:49:37 GMT", late),
              parsed("Fri, 06 Nov 2105 08:49:37 GMT"));
}

static void a_leap_second_is_the_next_minute(void)
{
    CHECK_I64(parsed("Sat, 31 Dec 2016 23:59:60 GMT"), parsed("Sun, 01 Jan 2017 00:00:00 GMT"));
}

static void what_is_not_a_date_is_refused_and_changes_nothing(void)
{
    static const char *const rows[] = {
        "",
        "S",
        "Sun",
        "Sun,",
        "Sun, ",
        "0",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 32 Dec 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT",
        "Sun, 06  Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Monday, 06 Nov 1994 08:49:37 GMT",
        "Sundae, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov   6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  6 08:49:37 1994 GMT",
        NULL,
    };
    for (size_t i = 0; rows[i] != NULL; i++) {
        int64_t unix_s = 42;
        if (wf_http_date_parse(piece(rows[i]), NOW, &unix_s))
            CHECK_STR(rows[i], "refused");
        CHECK_I64(unix_s, 42);
    }
    CHECK_I64(parsed(NULL), -1);
}

static void every_beginning_of_a_date_is_none(void)
{
    static const char *const whole[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Wednesday, 09-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    for (size_t k = 0; k < 3; k++)
        for (uint32_t n = 0; n < strlen(whole[k]); n++) {
            int64_t unix_s;
            CHECK(!wf_http_date_parse((weft_http_text){whole[k], n}, NOW, &unix_s));
        }
}

static void logs_and_pages_have_their_own_forms(void)
{
    char log[WF_HTTP_DATE_LOG_BYTES], iso[WF_HTTP_DATE_ISO_BYTES];
    wf_http_date_format_log(log, 784111777);
    CHECK_MEM(log, sizeof log, "06/Nov/1994:08:49:37 +0000", 26);
    wf_http_date_format_iso(iso, 784111777);
    CHECK_MEM(iso, sizeof iso, "1994-11-06T08:49:37Z", 20);
}

static const test_case cases[] = {
    TEST(the_three_forms_of_the_standard_are_one_time),
    TEST(it_agrees_with_the_c_library_on_every_kind_of_day),
    TEST(leap_days_are_days),
    TEST(what_is_out_of_range_becomes_the_nearest_that_can_be_written),
    TEST(two_digits_of_a_year_mean_at_most_fifty_years_ahead),
    TEST(a_leap_second_is_the_next_minute),
    TEST(what_is_not_a_date_is_refused_and_changes_nothing),
    TEST(every_beginning_of_a_date_is_none),
    TEST(logs_and_pages_have_their_own_forms),
    {0},
};

const test_suite http_date_suite = {.name = "protocols/http_date", .cases = cases};
