/* SPDX-License-Identifier: MIT */
/* What a stream tells: its types, and what happens when one is let go of or has no row. */
#include "conn.h"

/* ---- a message of the stream was let go of, wherever its owner lives */

/* Runs @fn on the connection, here or on its reactor, unless it is over. */
static void on_conn(weft_ref stream, weft_call_fn *fn)
{
    const uint64_t nothing[4] = {0};
    if (!weft_is_here(stream))
        (void)weft_call(stream, fn, nothing);
    else
        fn(weft_here(stream), nothing);
}

static conn *conn_of(weft_actor *target)
{
    if (target == NULL || weft_behaviour_of(target) != &wf_conn_behaviour)
        return NULL;
    return weft_state(target);
}

static void let_go_here(weft_actor *target, const uint64_t word[4])
{
    conn *c = conn_of(target);
    (void)word;
    if (c == NULL)
        return;
    c->flags &= ~(uint32_t)CONN_DATA_OUT;
    wf_conn_deliver(c);
}

static void pull_done_here(weft_actor *target, const uint64_t word[4])
{
    conn *c = conn_of(target);
    (void)word;
    if (c == NULL || c->rare == NULL)
        return;
    c->rare->pull_out = false;
    wf_conn_pull(c);
}

void weft_data_release(void *body)
{
    on_conn(((const weft_data *)body)->stream, let_go_here);
}

static void opened_release(void *body)
{
    on_conn(((const weft_opened *)body)->stream, let_go_here);
}

static void ended_release(void *body)
{
    on_conn(((const weft_ended *)body)->stream, let_go_here);
}

static void pull_release(void *body)
{
    on_conn(((const weft_pull *)body)->stream, pull_done_here);
}

/* ---- what happens without a row */

static weft_err close_unhandled(weft_actor *self, weft_msg *msg)
{
    return weft_close(self, weft_sender(msg));
}

static weft_err stop_unhandled(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_OK);
}

static weft_err ignore_unhandled(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

const weft_type weft_opened_type = {.name = "weft.opened",
                                    .size = sizeof(weft_opened),
                                    .release = opened_release,
                                    .otherwise = ignore_unhandled};
const weft_type weft_data_type = WEFT_DATA_TYPE("weft.data");
const weft_type weft_ended_type = {.name = "weft.ended",
                                   .size = sizeof(weft_ended),
                                   .release = ended_release,
                                   .otherwise = close_unhandled};
const weft_type weft_closed_type = {
    .name = "weft.closed", .size = sizeof(weft_closed), .otherwise = stop_unhandled};
const weft_type weft_drained_type = {
    .name = "weft.drained", .size = sizeof(weft_drained), .otherwise = ignore_unhandled};
const weft_type weft_pull_type = {.name = "weft.pull",
                                  .size = sizeof(weft_pull),
                                  .release = pull_release,
                                  .otherwise = ignore_unhandled};
