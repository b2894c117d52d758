/* SPDX-License-Identifier: MIT */
/* Where does a head end? */
#include "http1_parts.h"

#include <string.h>

#define CRLF_BYTES 2u

size_t wf_http1_section_end(const uint8_t *at, size_t n, size_t *scanned)
{
    size_t i = *scanned;

    if (n > 0 && at[0] == '\n')
        return 1;
    if (n >= CRLF_BYTES && at[0] == '\r' && at[1] == '\n')
        return CRLF_BYTES;

    while (i < n) {
        const uint8_t *lf = memchr(at + i, '\n', n - i);
        if (lf == NULL)
            break;
        size_t next = (size_t)(lf - at) + 1;
        /* Bare line feeds end lines too: heads that use them are to be refused, not waited for. */
        if (next < n && at[next] == '\n')
            return next + 1;
        if (next + 1 < n && at[next] == '\r' && at[next + 1] == '\n')
            return next + CRLF_BYTES;
        if (next == n || (next + 1 == n && at[next] == '\r')) {
            *scanned = next - 1; /* undecided until there is more */
            return 0;
        }
        i = next;
    }
    *scanned = n;
    return 0;
}

size_t wf_http1_empty_lines(const uint8_t *at, size_t n)
{
    size_t i = 0;
    /* RFC 9112 section 2.2: "a server that is expecting to receive and parse a request-line SHOULD
     * ignore at least one empty line (CRLF) received prior to the request-line." */
    while (n - i >= CRLF_BYTES && at[i] == '\r' && at[i + 1] == '\n' &&
           i <= WF_HTTP1_EMPTY_LINES_MAX * CRLF_BYTES)
        i += CRLF_BYTES;
    return i;
}

size_t wf_http1_head_end(const uint8_t *at, size_t n, size_t *scanned)
{
    if (n == 0 || at[0] != '\r')
        return n > 0 && at[0] == '\n' ? 1 : wf_http1_section_end(at, n, scanned);

    size_t empty = wf_http1_empty_lines(at, n);
    if (empty > WF_HTTP1_EMPTY_LINES_MAX * CRLF_BYTES)
        return empty; /* a head of nothing but empty lines: to be refused */
    if (n - empty < CRLF_BYTES)
        return 0;

    size_t behind = *scanned > empty ? *scanned - empty : 0;
    size_t end = wf_http1_section_end(at + empty, n - empty, &behind);
    *scanned = empty + behind;
    return end == 0 ? 0 : empty + end;
}

weft_err wf_http1_head_unfinished(const wf_http1_limits *limits, const uint8_t *at, size_t n,
                                  uint16_t *status, weft_why *why)
{
    wf_http1_limits all = wf_http1_limits_filled(limits);
    size_t empty = wf_http1_empty_lines(at, n);
    const uint8_t *line = at + empty;
    size_t line_n = n - empty, line_max = all.request_line_bytes_max;
    bool nothing = line_n == 0 || (line_n == 1 && line[0] == '\r'); /* but empty lines, so far */

    if (!nothing && !wf_http_is((char)line[0], WF_HTTP_TOKEN)) {
        *status = 400;
        return weft_because(why, WEFT_EPROTO, "a head begins with byte 0x%02x, expected a letter%s",
                            line[0], line[0] == 0x16 ? " (is it TLS?)" : "");
    }
    if (line_n >= line_max + CRLF_BYTES && memchr(line, '\n', line_max + CRLF_BYTES) == NULL) {
        *status = 414;
        return weft_because(why, WEFT_ETOOBIG,
                            "a request line of more than %zu bytes (request_line_bytes_max)",
                            line_max);
    }
    if (n >= all.head_bytes_max) {
        *status = 431;
        return weft_because(why, WEFT_ETOOBIG, "a head of more than %u bytes (head_bytes_max)",
                            all.head_bytes_max);
    }
    return WEFT_OK;
}
