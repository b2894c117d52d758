/* SPDX-License-Identifier: MIT */
/* The line of an access log that tells of one exchange, as text or as JSON.
 *
 * What a client sent stands in it escaped: no quote, control byte or byte above 0x7e can end a
 * field or a line, or move a terminal's cursor. Pure: no I/O, no allocation. thread: any. */
#ifndef WF_HTTP_LOG_LINE_H
#define WF_HTTP_LOG_LINE_H

#include <weft/http_types.h>

/* The least room for a line, and one that seldom cuts anything. */
#define WF_HTTP_LOG_LINE_BYTES_MIN 768
#define WF_HTTP_LOG_LINE_BYTES_DEFAULT 4096

/* One exchange. `at` is NULL for what is not known; all is borrowed. */
typedef struct wf_http_log_entry {
    weft_http_text client; /* its address */
    weft_http_text user;   /* who it proved to be */
    weft_http_text method, target;
    weft_http_text referer, agent;
    int64_t time_s;       /* when the request came, seconds since 1970 */
    uint64_t duration_us; /* until the last byte was handed over; in the JSON form only */
    uint64_t body_bytes;  /* of the response, as sent */
    uint16_t status;
    uint8_t major, minor; /* of the HTTP version */
} wf_http_log_entry;

/* Writes a line of the combined format, its newline included, and returns its length:
 *
 *   192.0.2.1 - ann [06/Nov/1994:08:49:37 +0000] "GET /a HTTP/1.1" 200 1234 "-" "curl/8.0"
 *
 * Bytes that may not stand there are written \xHH; what is not known is "-". A field that is too
 * long for what @out_max leaves it (target, referer and agent share it) is cut and ends in "...":
 * the line is always whole, and no escape is cut through. @out_max is at least
 * WF_HTTP_LOG_LINE_BYTES_MIN; with less nothing is written and 0 returned. */
size_t wf_http_log_combined(char *out, size_t out_max, const wf_http_log_entry *entry);

/* As above, as one JSON object: time (ISO 8601), client, user, method, target, protocol, status,
 * bytes, duration_us, referer, agent. What is not known is null. UTF-8 stays; bytes that are none
 * become U+FFFD, so whoever needs them takes the combined form. */
size_t wf_http_log_json(char *out, size_t out_max, const wf_http_log_entry *entry);

#endif
