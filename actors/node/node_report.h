/* SPDX-License-Identifier: MIT */
/* What the node's actor is asked about itself. */
#ifndef WF_NODE_REPORT_H
#define WF_NODE_REPORT_H

#include "node.h"

extern const weft_type wf_node_ping_type;
/* Makes the types known. */
WEFT_MUST_USE weft_err wf_node_report_types(node *n, weft_why *why);
weft_err wf_node_on_ping(weft_actor *self, weft_msg *msg);
weft_err wf_node_on_report(weft_actor *self, weft_msg *msg);

#endif
