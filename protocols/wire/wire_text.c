/* SPDX-License-Identifier: MIT */
/* What the wire services say about the time, and the characters of chargen. */
#include "wire_text.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define SECOND_NS UINT64_C(1000000000)
#define SECONDS_1900_TO_1970 UINT64_C(2208988800) /* RFC 868 */

enum { CHARGEN_PERIODS = 9, CHARGEN_FIRST = ' ', CHARGEN_CHARACTERS = 72 };

size_t wf_daytime_text(uint64_t wall_ns, char out[WF_DAYTIME_BYTES])
{
    /* not strftime: its names depend on the program's locale */
    static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    struct tm tm = {0};
    time_t seconds = (time_t)(wall_ns / SECOND_NS);
    (void)gmtime_r(&seconds, &tm);
    /* RFC 867: "Weekday, Month Day, Year Time-Zone", as in "Tuesday, February 22, 1982
     * 17:37:43-PST" */
    int n = snprintf(out, WF_DAYTIME_BYTES, "%s, %s %d, %d %02d:%02d:%02d-UTC\r\n",
                     days[tm.tm_wday], months[tm.tm_mon], tm.tm_mday, tm.tm_year + 1900, tm.tm_hour,
                     tm.tm_min, tm.tm_sec);
    return (size_t)n < WF_DAYTIME_BYTES ? (size_t)n : WF_DAYTIME_BYTES - 1;
}

void wf_time_bytes(uint64_t wall_ns, uint8_t out[4])
{
    uint64_t seconds = wall_ns / SECOND_NS + SECONDS_1900_TO_1970;
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(seconds >> (24 - 8 * i));
}

/* One block for the whole process: however many peers do not read, none of them holds memory. */
static uint8_t chargen[CHARGEN_PERIODS * WF_CHARGEN_LINES * WF_CHARGEN_LINE_BYTES];

static void chargen_fill(void)
{
    uint8_t *to = chargen;
    for (unsigned line = 0; line < CHARGEN_PERIODS * WF_CHARGEN_LINES; line++) {
        for (unsigned i = 0; i < CHARGEN_CHARACTERS; i++)
            *to++ = (uint8_t)(CHARGEN_FIRST + (line + i) % WF_CHARGEN_LINES);
        *to++ = '\r';
        *to++ = '\n';
    }
}

const uint8_t *wf_chargen_block(size_t *bytes)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, chargen_fill);
    *bytes = sizeof chargen;
    return chargen;
}

bool wf_wire_answers(const weft_address *from)
{
    static const uint16_t services[] = {7, 13, 17, 19, 37}; /* RFC 862, 867, 865, 864, 868 */
    if (from->family == WEFT_FAMILY_UNIX)
        return from->path[0] != '\0';
    if (from->family == WEFT_FAMILY_SIM)
        return true;
    for (size_t i = 0; i < sizeof services / sizeof *services; i++)
        if (from->port == services[i])
            return false;
    return from->port != 0;
}
