/* SPDX-License-Identifier: MIT */
/* Records of a tap for people: a line that says what, then lines as `hexdump -C` writes them.
 *
 *   2026-11-28T10:06:24.123Z #1 192.0.2.7:5555 > 198.51.100.1:443 5 bytes behind 0
 *   00000000  68 65 6c 6c 6f                                    |hello| */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tap.h"

enum { ROW_BYTES = 16, ROW_TEXT_BYTES = 96, HEAD_TEXT_BYTES = 2 * WEFT_ADDRESS_TEXT_BYTES + 128 };

static size_t room(size_t n)
{
    return HEAD_TEXT_BYTES + (n / ROW_BYTES + 1) * ROW_TEXT_BYTES;
}

size_t wf_tap_room(weft_tap_format format, size_t n)
{
    enum { PACKETS = 3, PACKET_BYTES = 16 + 40 + 20 };
    return format == WEFT_TAP_PCAP ? n + (size_t)PACKETS * PACKET_BYTES : room(n);
}

/* "2026-11-28T10:06:24.123Z " (RFC 3339). */
static char *put_time(uint64_t wall_ns, char *to, const char *end)
{
    time_t seconds = (time_t)(wall_ns / 1000000000);
    struct tm tm;
    (void)gmtime_r(&seconds, &tm);
    to += strftime(to, (size_t)(end - to), "%Y-%m-%dT%H:%M:%S", &tm);
    return to + snprintf(to, (size_t)(end - to), ".%03uZ ", (unsigned)(wall_ns / 1000000 % 1000));
}

static char *put_row(const uint8_t *at, size_t n, uint64_t offset, char *to)
{
    static const char digits[] = "0123456789abcdef";
    to += sprintf(to, "%08" PRIx64 " ", offset);
    for (size_t i = 0; i < ROW_BYTES; i++) {
        if (i == ROW_BYTES / 2)
            *to++ = ' ';
        *to++ = ' ';
        *to++ = i < n ? digits[at[i] >> 4] : ' ';
        *to++ = i < n ? digits[at[i] & 0xf] : ' ';
    }
    *to++ = ' ';
    *to++ = ' ';
    *to++ = '|';
    for (size_t i = 0; i < n; i++)
        *to++ = at[i] >= ' ' && at[i] < 0x7f ? (char)at[i] : '.';
    *to++ = '|';
    *to++ = '\n';
    return to;
}

size_t wf_tap_text(const wf_tap_flow *flow, wf_tap_event event, int way, const uint8_t *at,
                   size_t n, uint64_t wall_ns, uint8_t *out)
{
    char *begin = (char *)out, *end = begin + HEAD_TEXT_BYTES, *to = put_time(wall_ns, begin, end);
    char peer[WEFT_ADDRESS_TEXT_BYTES], local[WEFT_ADDRESS_TEXT_BYTES];
    (void)weft_address_print(&flow->peer, peer);
    (void)weft_address_print(&flow->local, local);
    bool from_peer =
        event == WF_TAP_BYTES || event == WF_TAP_ENDED ? way == WF_TAP_IN : !flow->connected;
    to += snprintf(to, (size_t)(end - to), "#%" PRIu32 " %s > %s ", flow->id,
                   from_peer ? peer : local, from_peer ? local : peer);
    if (event == WF_TAP_BYTES)
        to += sprintf(to, "%zu bytes behind %" PRIu64 "\n", n, flow->bytes[way]);
    else
        to += sprintf(to, "%s\n",
                      event == WF_TAP_OPENED  ? "opened"
                      : event == WF_TAP_ENDED ? "ended"
                                              : "closed");
    for (size_t i = 0; i < n; i += ROW_BYTES)
        to = put_row(at + i, n - i < ROW_BYTES ? n - i : ROW_BYTES, flow->bytes[way] + i, to);
    return (size_t)(to - begin);
}
