/* SPDX-License-Identifier: MIT */
/* What node_kills has seen, and its limits.
 *
 * A crash is seen by its reset, in some milliseconds; one that only silence tells takes as long as the limit of the
 * pings. What is asserted lies between the two, far from both, and not of each crash but of nearly all: what a busy
 * machine holds up once is no fault, what holds up all is. */
#include "node_kills_seen.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MEMORY_KIB_MAX = 8192, /* more than after the first tenth */
    FDS_MAX = 4,           /* the same: of connections that are just being closed */
    /* parts of the limit of the pings: */
    CRASH_PARTS = 8,  /* half of the crashes are noticed within one: before a ping finds them */
    SILENT_PARTS = 2, /* what takes longer may have been told by silence alone */
    SILENT_CRASHES_IN = 50, /* of so many crashes one may take that long, and one more */
    FLAPS_IN = 4,           /* of so many cycles one may have a flap, and one more */
    US_IN_MS = 1000,
};

bool kills_begin(kills_seen *seen, unsigned cycles)
{
    size_t bytes = (cycles + 1) * sizeof(uint32_t);
    *seen = (kills_seen){.cycles = cycles};
    seen->crashes.us = malloc(bytes);
    seen->hangs.us = malloc(bytes);
    if (seen->crashes.us == NULL || seen->hangs.us == NULL)
        return false;
    memset(seen->crashes.us, 1, bytes); /* so that it is not taken for growth */
    memset(seen->hangs.us, 1, bytes);
    return true;
}

void kills_add(kills_times *to, uint64_t ns)
{
    uint64_t us = ns / US_IN_MS;
    to->us[to->n++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

/* ---- what is held */

static unsigned descriptors(void)
{
    unsigned n = 0;
    DIR *of = opendir("/proc/self/fd");
    while (of != NULL && readdir(of) != NULL)
        n++;
    if (of != NULL)
        (void)closedir(of);
    return n;
}

static long memory_kib(void)
{
    long pages = 0, all_pages = 0;
    FILE *from = fopen("/proc/self/statm", "re");
    if (from != NULL && fscanf(from, "%ld %ld", &all_pages, &pages) != 2)
        pages = 0;
    if (from != NULL)
        (void)fclose(from);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

void kills_look(kills_seen *seen, unsigned cycle)
{
    for (unsigned i = 0; i < 2; i++)
        if (cycle == (i == 0 ? seen->cycles / 10 + 1 : seen->cycles)) {
            seen->fds[i] = descriptors();
            seen->memory_kib[i] = memory_kib();
        }
}

/* ---- limits */

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The one of which @part in 100 are no more; of two halves the smaller. @times are in order. */
static double ms_at(const kills_times *times, unsigned part)
{
    unsigned at = times->n != 0 ? (times->n - 1) * part / 100 : 0;
    return times->n != 0 ? times->us[at] / (double)US_IN_MS : 0;
}

static unsigned more_than(const kills_times *times, uint32_t us)
{
    unsigned n = 0;
    for (unsigned i = 0; i < times->n; i++)
        n += times->us[i] > us;
    return n;
}

static bool holds(bool what, const char *else_this)
{
    if (!what)
        (void)fprintf(stderr, "node_kills: %s\n", else_this);
    return what;
}

static bool times_hold(const kills_seen *s, uint32_t lost_ms)
{
    unsigned silent = more_than(&s->crashes, lost_ms / SILENT_PARTS * US_IN_MS);
    bool all = holds(ms_at(&s->crashes, 50) <= lost_ms / (double)CRASH_PARTS,
                     "half of the crashes were noticed late: no better than by silence");
    all &= holds(silent <= 1 + s->crashes.n / SILENT_CRASHES_IN,
                 "too many crashes were noticed so late that silence may have told");
    /* what is stopped says nothing: what tells before its time is something else */
    all &= holds(s->hangs.n == 0 || ms_at(&s->hangs, 0) >= lost_ms / (double)SILENT_PARTS,
                 "a hang was noticed before the limit of the pings");
    all &= holds(ms_at(&s->hangs, 50) <= lost_ms + lost_ms / 2.0,
                 "hangs are not noticed within the limit of the pings");
    return all & holds(s->flaps <= 1 + s->cycles / FLAPS_IN,
                       "links to who was neither killed nor stopped were lost too often");
}

bool kills_report(kills_seen *s, uint32_t lost_ms)
{
    qsort(s->crashes.us, s->crashes.n, sizeof *s->crashes.us, by_size);
    qsort(s->hangs.us, s->hangs.n, sizeof *s->hangs.us, by_size);
    (void)printf("%u cycles: %" PRIu64 " answers, %" PRIu64
                 " asks lost; %u crashes noticed in %.2f ms (median), %.2f (of 90 in 100), %.2f at "
                 "most; %u hangs in %.0f to %.0f ms; %u flaps; descriptors %u to %u, memory %ld "
                 "to %ld KiB\n",
                 s->cycles, s->answered, s->lost, s->crashes.n, ms_at(&s->crashes, 50),
                 ms_at(&s->crashes, 90), ms_at(&s->crashes, 100), s->hangs.n, ms_at(&s->hangs, 0),
                 ms_at(&s->hangs, 100), s->flaps, s->fds[0], s->fds[1], s->memory_kib[0],
                 s->memory_kib[1]);
    bool all = times_hold(s, lost_ms);
    if (s->cycles >= 10) {
        all &= holds(s->fds[1] <= s->fds[0] + FDS_MAX, "descriptors leak");
        all &= holds(s->memory_kib[1] <= s->memory_kib[0] + MEMORY_KIB_MAX, "memory grows");
    }
    free(s->crashes.us);
    free(s->hangs.us);
    return all;
}
