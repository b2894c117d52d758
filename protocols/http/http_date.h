/* SPDX-License-Identifier: MIT */
/* Dates as HTTP, its logs and its pages write them: from and to seconds since 1970 UTC, without
 * the C library's clock, locale or time zone.
 *
 * Pure: no I/O, no allocation. thread: any. */
#ifndef WF_HTTP_DATE_H
#define WF_HTTP_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/http_types.h>

/* The times that four digits of a year can tell: 0001-01-01 00:00:00 to 9999-12-31 23:59:59. */
#define WF_HTTP_DATE_MIN INT64_C(-62135596800)
#define WF_HTTP_DATE_MAX INT64_C(253402300799)

/* A time taken apart, UTC, proleptic Gregorian. */
typedef struct wf_http_date {
    int year;                 /* 1 to 9999 */
    int month, day;           /* 1 to 12, 1 to 31 */
    int hour, minute, second; /* second 0 to 59 */
    int weekday;              /* 0 is Sunday */
} wf_http_date;

/* Takes @unix_s apart; a time out of range becomes the nearest one in range. */
wf_http_date wf_http_date_split(int64_t unix_s);

#define WF_HTTP_DATE_BYTES 29
#define WF_HTTP_DATE_LOG_BYTES 26
#define WF_HTTP_DATE_ISO_BYTES 20

/* Writes @unix_s as an IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7), the one form
 * a sender may generate. Exactly WF_HTTP_DATE_BYTES, no final zero; out of range is the nearest. */
void wf_http_date_format(char out[WF_HTTP_DATE_BYTES], int64_t unix_s);

/* As above, the form of access logs: "06/Nov/1994:08:49:37 +0000". */
void wf_http_date_format_log(char out[WF_HTTP_DATE_LOG_BYTES], int64_t unix_s);

/* As above, ISO 8601: "1994-11-06T08:49:37Z". */
void wf_http_date_format_iso(char out[WF_HTTP_DATE_ISO_BYTES], int64_t unix_s);

/* Reads an HTTP-date in any of its three forms (RFC 9110 5.6.7): IMF-fixdate, RFC 850 and asctime.
 * They are case-sensitive and take the whole of @text. Every part is checked for its range, the day
 * for its month; second 60 is a leap second and becomes the next minute's first. The name of the
 * day must be one, but need not be the right one.
 * @now_s settles the century of RFC 850's two digits: the latest such date that is not more than 50
 * years after now.
 * Returns false and leaves @unix_s alone when it is no date; whoever asked then ignores the field.
 */
bool wf_http_date_parse(weft_http_text text, int64_t now_s, int64_t *unix_s);

#endif
