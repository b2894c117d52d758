/* SPDX-License-Identifier: MIT */
/* What node_kills has seen, and whether that is within its limits. */
#ifndef WEFT_TESTS_NODE_KILLS_SEEN_H
#define WEFT_TESTS_NODE_KILLS_SEEN_H

#include <stdbool.h>
#include <stdint.h>

/* How long it took until something was noticed, each time. */
typedef struct kills_times {
    uint32_t *us; /* room for one a cycle */
    unsigned n;
} kills_times;

typedef struct kills_seen {
    unsigned cycles;
    uint64_t answered, lost; /* asks */
    kills_times crashes, hangs;
    unsigned flaps;  /* losses of a link to who was neither killed nor stopped */
    unsigned fds[2]; /* after the first tenth of the cycles; after the last */
    long memory_kib[2];
} kills_seen;

/* Makes room for so many cycles, and touches it. false: there is none. */
bool kills_begin(kills_seen *seen, unsigned cycles);
void kills_add(kills_times *to, uint64_t ns);
/* Looks at descriptors and memory, after the cycles up to @cycle. */
void kills_look(kills_seen *seen, unsigned cycle);
/* Prints it, and each limit that does not hold; @lost_ms: that of the pings. false: one does not. Gives the room
 * back. */
bool kills_report(kills_seen *seen, uint32_t lost_ms);

#endif
