/* SPDX-License-Identifier: MIT */
/* What is said between a node and a visitor: who is no node, wants no link, and only asks who is there and how long
 * an answer takes. Pure.
 *
 *    visitor    ── hello, with life 0 ──▶   node
 *               ◀── the node's hello ──
 *               ── ping ──▶ ◀── pong ──     again and again, until either says goodbye or closes
 *
 * A life of 0 is what makes a hello a visitor's: no node has it, and nodes that know no visitors refuse it before they
 * look at anything else. */
#ifndef WF_LINK_VISIT_H
#define WF_LINK_VISIT_H

#include "link_session.h"

enum {
    LINK_VISIT_FRAME_MAX =
        LINK_HEAD_BYTES + LINK_HELLO_BYTES_MAX, /* of a frame, its head included */
    LINK_VISIT_SILENT_MS = 90 * 1000, /* a visitor that says nothing for so long is closed */
};

/* One end. All zero at first. */
typedef struct link_visit {
    link_reader reader;
    uint64_t seq_in, seq_out;
} link_visit;

/* Whether @hello is that of a visitor, of which nothing else means anything. */
static inline bool wf_is_visit(const link_hello *hello)
{
    return hello->life == 0;
}

/* Takes the next frame off *@at, *@n, as wf_link_read, and sees that it is the next. Frames are small here.
 * errors: as wf_link_read, EPROTO (another number than the next). */
WEFT_MUST_USE weft_err wf_visit_read(link_visit *v, const uint8_t **at, size_t *n, link_frame *out,
                                     weft_why *why);
void wf_visit_done(link_visit *v);

/* Each writes the next frame at @to, of LINK_VISIT_FRAME_MAX bytes, and returns how many it has. */
size_t wf_visit_hello(link_visit *v, uint8_t *to, const link_hello *hello);
/* PING or PONG. */
size_t wf_visit_pair(link_visit *v, uint8_t *to, link_kind kind, uint64_t value);
size_t wf_visit_bye(link_visit *v, uint8_t *to, link_bye reason, const char *why);

#endif
