/* SPDX-License-Identifier: MIT */
/* How frames are put one behind the other until they are sent: the session's other half. */
#ifndef WF_LINK_OUT_H
#define WF_LINK_OUT_H

#include "link_session.h"

/* Where the op of a record stands in its head. */
enum { LINK_OP_OFFSET = 28 };

/* A frame with the body of @n bytes at @body. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_out_frame(link_session *s, link_kind kind, const uint8_t *body, size_t n);
/* One of CREDIT, PING, PONG, with what was consumed. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_out_pair(link_session *s, link_kind kind, uint64_t value);
void wf_out_done(link_session *s);

#endif
