/* SPDX-License-Identifier: MIT */
/* The peers of <weft/testing_stream.h>, from inside. */
#ifndef WF_PEER_H
#define WF_PEER_H

#include <weft/testing_stream.h>

#include "wire.h"

enum { PEER_FAILURE_BYTES = 2048 };

/* What it was told to send; lives as long as the world, since streams share it. */
typedef struct peer_said {
    struct peer_said *next;
    size_t at, size; /* taken by the stream; in all */
    uint8_t bytes[];
} peer_said;

typedef struct wf_peer {
    weft_sim_peer seen;
    wire_kept kept;
    const char *url; /* NULL: a string */
    bool listens, deaf;
    bool ending, closing; /* behind what is still to be sent */
    char *got;
    size_t got_room;
    size_t sent, cut_sent, cut_got; /* the last two SIZE_MAX: never */
    peer_said *said, *unsent, **said_tail;
    char failure[PEER_FAILURE_BYTES];
} wf_peer;

_Static_assert(offsetof(wf_peer, seen) == 0, "what a test holds is the peer");

static inline wf_peer *wf_peer_of(weft_sim_peer *peer)
{
    return (wf_peer *)(void *)peer;
}

#endif
