/* SPDX-License-Identifier: MIT */
/* What a stream tells: its types, and what happens when one is let go of or has no row. */
#include "conn.h"

/* ---- a message of the stream was let go of, wherever its owner lives */

typedef enum let_go_kind { LET_GO, LET_GO_PULL } let_go_kind;

static void let_go_here(conn *c, let_go_kind kind)
{
    if (kind == LET_GO) {
        c->flags &= ~(uint32_t)CONN_DATA_OUT;
        wf_conn_deliver(c);
    } else if (c->rare != NULL) {
        c->rare->pull_out = false;
        wf_conn_pull(c);
    }
}

/* From another reactor it comes behind what the owner asked of the stream before: a write, a hand-over. */
const weft_type wf_conn_let_go_type = WEFT_TYPE("weft.let_go", wf_conn_let_go, NULL);

weft_err wf_conn_on_let_go(weft_actor *self, weft_msg *msg)
{
    let_go_here(weft_state(self), (let_go_kind)((const wf_conn_let_go *)weft_body(msg))->kind);
    return WEFT_OK;
}

static void let_go(weft_ref stream, let_go_kind kind)
{
    conn *c = wf_conn_here(stream);
    if (c != NULL)
        let_go_here(c, kind);
    else if (!weft_is_here(stream))
        (void)!weft_event(NULL, stream, &wf_conn_let_go_type, &(wf_conn_let_go){kind});
}

void weft_data_release(void *body)
{
    let_go(((const weft_data *)body)->stream, LET_GO);
}

static void opened_release(void *body)
{
    let_go(((const weft_opened *)body)->stream, LET_GO);
}

static void ended_release(void *body)
{
    let_go(((const weft_ended *)body)->stream, LET_GO);
}

static void pull_release(void *body)
{
    let_go(((const weft_pull *)body)->stream, LET_GO_PULL);
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
