/* SPDX-License-Identifier: MIT */
/* Dates, counted rather than looked up: the civil calendar is arithmetic on days since 0000-03-01,
 * a year that starts with March having its leap day last. */
#include "http_date.h"

#include <string.h>

#include "http_lex.h"

#define DAY_SECONDS 86400
#define ERA_YEARS 400
#define ERA_DAYS 146097   /* of 400 years */
#define EPOCH_DAYS 719468 /* 1970-01-01 counted from 0000-03-01 */

/* Three letters each, so that a name is a place in the string. */
static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* @month 1 to 12. Days from 1970-01-01; the year may be any that the range allows. */
static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - (ERA_YEARS - 1)) / ERA_YEARS;
    int64_t year_of_era = y - era * ERA_YEARS;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * ERA_DAYS + day_of_era - EPOCH_DAYS;
}

wf_http_date wf_http_date_split(int64_t unix_s)
{
    if (unix_s < WF_HTTP_DATE_MIN)
        unix_s = WF_HTTP_DATE_MIN;
    if (unix_s > WF_HTTP_DATE_MAX)
        unix_s = WF_HTTP_DATE_MAX;

    /* Counted from 0000-03-01, everything in range is positive, and 32 bits hold the days. */
    uint64_t seconds = (uint64_t)(unix_s + (int64_t)EPOCH_DAYS * DAY_SECONDS);
    uint32_t days = (uint32_t)(seconds / DAY_SECONDS);
    uint32_t rest = (uint32_t)(seconds % DAY_SECONDS);
    uint32_t era = days / ERA_DAYS, day_of_era = days % ERA_DAYS;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t from_march = (5 * day_of_year + 2) / 153;
    uint32_t month = from_march < 10 ? from_march + 3 : from_march - 9;

    return (wf_http_date){
        .year = (int)(era * ERA_YEARS + year_of_era + (month <= 2)),
        .month = (int)month,
        .day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1),
        .hour = (int)(rest / 3600),
        .minute = (int)(rest / 60 % 60),
        .second = (int)(rest % 60),
        /* 0000-03-01 was a Wednesday. */
        .weekday = (int)((days + 3) % 7),
    };
}

/* ---- writing ---- */

static char *put_name(char *out, const char *names, int i)
{
    memcpy(out, names + (ptrdiff_t)3 * i, 3);
    return out + 3;
}

static char *put2(char *out, int value, char behind)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
    out[2] = behind;
    return out + 3;
}

static char *put4(char *out, int value, char behind)
{
    (void)put2(out, value / 100, 0);
    return put2(out + 2, value % 100, behind);
}

void wf_http_date_format(char out[WF_HTTP_DATE_BYTES], int64_t unix_s)
{
    wf_http_date d = wf_http_date_split(unix_s);
    char *at = put_name(out, day_names, d.weekday);
    *at++ = ',';
    *at++ = ' ';
    at = put2(at, d.day, ' ');
    at = put_name(at, month_names, d.month - 1);
    *at++ = ' ';
    at = put4(at, d.year, ' ');
    at = put2(at, d.hour, ':');
    at = put2(at, d.minute, ':');
    at = put2(at, d.second, ' ');
    memcpy(at, "GMT", 3);
}

void wf_http_date_format_log(char out[WF_HTTP_DATE_LOG_BYTES], int64_t unix_s)
{
    wf_http_date d = wf_http_date_split(unix_s);
    char *at = put2(out, d.day, '/');
    at = put_name(at, month_names, d.month - 1);
    *at++ = '/';
    at = put4(at, d.year, ':');
    at = put2(at, d.hour, ':');
    at = put2(at, d.minute, ':');
    at = put2(at, d.second, ' ');
    memcpy(at, "+0000", 5);
}

void wf_http_date_format_iso(char out[WF_HTTP_DATE_ISO_BYTES], int64_t unix_s)
{
    wf_http_date d = wf_http_date_split(unix_s);
    char *at = put4(out, d.year, '-');
    at = put2(at, d.month, '-');
    at = put2(at, d.day, 'T');
    at = put2(at, d.hour, ':');
    at = put2(at, d.minute, ':');
    (void)put2(at, d.second, 'Z');
}

/* ---- reading ---- */

/* The grammar's parts are read in a row; the first that is not there makes `bad` stick. */
typedef struct reader {
    wf_http_lex lex;
    bool bad;
} reader;

static void read_literal(reader *r, const char *literal)
{
    for (; *literal != '\0'; literal++)
        if (!wf_http_lex_char(&r->lex, *literal))
            r->bad = true;
}

static int read_digits(reader *r, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (wf_http_lex_ended(&r->lex) || !wf_http_is_digit(*r->lex.at)) {
            r->bad = true;
            return 0;
        }
        value = value * 10 + (*r->lex.at++ - '0');
    }
    return value;
}

/* The place of the next three letters among @count names, from 0. */
static int read_name(reader *r, const char *names, int count)
{
    for (int i = 0; i < count && r->lex.end - r->lex.at >= 3; i++)
        if (memcmp(r->lex.at, names + (ptrdiff_t)3 * i, 3) == 0) {
            r->lex.at += 3;
            return i;
        }
    r->bad = true;
    return 0;
}

static void read_time(reader *r, wf_http_date *d)
{
    d->hour = read_digits(r, 2);
    read_literal(r, ":");
    d->minute = read_digits(r, 2);
    read_literal(r, ":");
    d->second = read_digits(r, 2);
}

/* IMF-fixdate = "Sun, 06 Nov 1994 08:49:37 GMT", behind the comma */
static void read_imf(reader *r, wf_http_date *d)
{
    read_literal(r, ", ");
    d->day = read_digits(r, 2);
    read_literal(r, " ");
    d->month = read_name(r, month_names, 12) + 1;
    read_literal(r, " ");
    d->year = read_digits(r, 4);
    read_literal(r, " ");
    read_time(r, d);
    read_literal(r, " GMT");
}

/* asctime-date = "Sun Nov  6 08:49:37 1994", behind the day: one digit of it may be a space */
static void read_asctime(reader *r, wf_http_date *d)
{
    read_literal(r, " ");
    d->month = read_name(r, month_names, 12) + 1;
    read_literal(r, " ");
    d->day = wf_http_lex_char(&r->lex, ' ') ? read_digits(r, 1) : read_digits(r, 2);
    read_literal(r, " ");
    read_time(r, d);
    read_literal(r, " ");
    d->year = read_digits(r, 4);
}

/* rfc850-date = "Sunday, 06-Nov-94 08:49:37 GMT", behind "Sun"; the year stays at its two digits */
static void read_rfc850(reader *r, wf_http_date *d)
{
    static const char *const tails[7] = {"day", "day", "sday", "nesday", "rsday", "day", "urday"};
    read_literal(r, tails[d->weekday]);
    read_literal(r, ", ");
    d->day = read_digits(r, 2);
    read_literal(r, "-");
    d->month = read_name(r, month_names, 12) + 1;
    read_literal(r, "-");
    d->year = read_digits(r, 2);
    read_literal(r, " ");
    read_time(r, d);
    read_literal(r, " GMT");
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Second 60 is a leap second: "to allow for leap seconds" (RFC 5322 3.3). */
static bool in_range(const wf_http_date *d)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return d->year >= 1 && d->day >= 1 &&
           d->day <= days[d->month - 1] + (d->month == 2 && is_leap(d->year)) && d->hour <= 23 &&
           d->minute <= 59 && d->second <= 60;
}

static int64_t to_seconds(const wf_http_date *d)
{
    return days_from_civil(d->year, d->month, d->day) * DAY_SECONDS + (int64_t)d->hour * 3600 +
           (int64_t)d->minute * 60 + d->second;
}

/* "Recipients of a timestamp value in rfc850-date format, which uses a two-digit year, MUST
 * interpret a timestamp that appears to be more than 50 years in the future as representing the
 * most recent year in the past that had the same last two digits." */
static void settle_century(wf_http_date *d, int64_t now_s)
{
    wf_http_date limit = wf_http_date_split(now_s);
    limit.year += 50;
    d->year += limit.year - limit.year % 100;
    if (d->year > limit.year || (d->year == limit.year && to_seconds(d) > to_seconds(&limit)))
        d->year -= 100;
}

bool wf_http_date_parse(weft_http_text text, int64_t now_s, int64_t *unix_s)
{
    reader r = {.lex = wf_http_lex_over(text)};
    wf_http_date d = {.weekday = read_name(&r, day_names, 7)};

    if (r.bad || wf_http_lex_ended(&r.lex))
        return false;
    if (*r.lex.at == ',')
        read_imf(&r, &d);
    else if (*r.lex.at == ' ')
        read_asctime(&r, &d);
    else {
        read_rfc850(&r, &d);
        if (!r.bad)
            settle_century(&d, now_s);
    }
    if (r.bad || !wf_http_lex_ended(&r.lex) || !in_range(&d))
        return false;
    *unix_s = to_seconds(&d);
    return true;
}
