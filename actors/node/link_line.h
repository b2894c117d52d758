/* SPDX-License-Identifier: MIT */
/* The line of what is to be sent, and the packing of what stands in it: two files that call each other. */
#ifndef WF_LINK_LINE_H
#define WF_LINK_LINE_H

#include "link.h"

/* ---- link_line.c */

void wf_line_put(items *line, item *it);
void wf_item_free(item *it);
/* @it, which is packed, goes in chunks from now on. */
void wf_big_begin(node_link *l, item *it);
/* What goes in chunks from @src to @dst (0: to anybody), or NULL. */
item *wf_big_of_pair(const node_link *l, uint64_t src, uint64_t dst);
/* Lets go of a message that waited, or was answered. */
void wf_link_let_go(node_link *l, weft_msg *msg);
/* What a message is found by while it is kept. */
uint64_t wf_kept_key(const weft_msg *msg);

/* ---- link_send.c */

/* Fails @msg, or counts it: it was not sent. */
void wf_link_refuse(node_link *l, weft_msg *msg, weft_err err, const char *why);
/* Sends it now, or fails it. true: it is a request that waits for its answer, and is kept. */
bool wf_send_message(node_link *l, weft_msg *msg);
/* The same of one that stood in line; @it is freed. */
void wf_send_kept(node_link *l, item *it);
/* Sends what is packed; @it is freed, or goes in chunks. */
void wf_send_packed(node_link *l, item *it);
/* Whether a body of @bytes is within what a message may be. */
bool wf_link_fits(const node_link *l, size_t bytes);
/* What keeps the order of messages to @to apart from those to others. */
uint64_t wf_dst_key(weft_ref to);

#endif
