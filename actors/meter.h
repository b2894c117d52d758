/* SPDX-License-Identifier: MIT */
/* Meters: a leaf around a connection's leaf that sees every byte of the wire go by, and so limits how long
 * nothing may, how long it may go on, and how fast.
 *
 *   stages, queue ◀──▶ meter ◀──▶ leaf ◀──▶ wire
 *
 * Connections whose URL asks for none of that have none. */
#ifndef WF_METER_H
#define WF_METER_H

#include "bucket.h"
#include "conn.h"

/* What the connections of one URL share; counted, since that of a connect is opened for one alone. */
typedef struct wf_meter_plan {
    _Atomic uint32_t users;
    uint32_t idle_ms, lifetime_ms;
    uint64_t rate[2], burst; /* read, write; of one connection */
    wf_bucket all[2];        /* of all of them; a rate of 0: no such limit */
} wf_meter_plan;

void wf_meter_plan_drop(wf_meter_plan *plan);

/* Puts a meter around the leaf of @c, which is not open yet. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_meter_put(conn *c, wf_meter_plan *plan);
/* The leaf of @c that moves the bytes, behind a meter or not. */
const conn_leaf *wf_meter_inner(const conn *c);
/* Another takes its place. */
void wf_meter_set_inner(conn *c, const conn_leaf *leaf);

#endif
