/* SPDX-License-Identifier: MIT */
/* What may be asked of an endpoint: done at once when it lives on this reactor, else sent to it; and the types
 * of what it tells. */
#include <stdio.h>
#include <string.h>

#include "endpoint.h"

/* ---- the types */

static weft_err ignore_unhandled(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static weft_err stop_unhandled(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_OK);
}

typedef struct let_go {
    char nothing;
} let_go;
const weft_type wf_endpoint_let_go_type = WEFT_TYPE("weft.endpoint_let_go", let_go, NULL);

static void let_go_here(wf_endpoint *e)
{
    if (e->failures_out != 0)
        e->failures_out--;
}

weft_err wf_endpoint_on_let_go(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    let_go_here(weft_state(self));
    return WEFT_OK;
}

static void failed_release(void *body)
{
    const weft_datagram_failed *failed = body;
    wf_endpoint *e = wf_endpoint_here(failed->endpoint);
    if (e != NULL)
        let_go_here(e);
    else if (!weft_is_here(failed->endpoint))
        (void)!weft_event(NULL, failed->endpoint, &wf_endpoint_let_go_type, &(let_go){0});
}

const weft_type weft_endpoint_opened_type = {.name = "weft.endpoint_opened",
                                             .size = sizeof(weft_endpoint_opened),
                                             .otherwise = ignore_unhandled};
const weft_type weft_datagram_type = WEFT_TYPE_BYTES("weft.datagram", weft_datagram, bytes, NULL);
const weft_type weft_datagram_failed_type = {.name = "weft.datagram_failed",
                                             .size = sizeof(weft_datagram_failed),
                                             .release = failed_release,
                                             .otherwise = ignore_unhandled};
const weft_type weft_endpoint_drained_type = {.name = "weft.endpoint_drained",
                                              .size = sizeof(weft_endpoint_drained),
                                              .otherwise = ignore_unhandled};
const weft_type weft_endpoint_closed_type = {.name = "weft.endpoint_closed",
                                             .size = sizeof(weft_endpoint_closed),
                                             .otherwise = stop_unhandled};
const weft_type weft_endpoint_stats_type =
    WEFT_TYPE("weft.endpoint_stats", weft_endpoint_stats, NULL);
const weft_type weft_endpoint_count_type =
    WEFT_TYPE("weft.endpoint_count", weft_endpoint_count, &weft_endpoint_stats_type);

/* ---- operations */

typedef enum op_kind { OP_SEND, OP_SET, OP_JOIN, OP_LEAVE, OP_CLOSE } op_kind;

/* One operation, as a message and as the argument of apply. */
typedef struct endpoint_op {
    weft_bytes bytes;
    op_kind kind;
    weft_address from;          /* where it comes from, of no family as the system says */
    weft_address to;            /* whom to send to, of no family the peer; or a group */
    weft_endpoint_settings set; /* or of a group: its interface */
} endpoint_op;

const weft_type wf_endpoint_op_type = WEFT_TYPE_BYTES("weft.endpoint_op", endpoint_op, bytes, NULL);

static weft_err set(wf_endpoint *e, const weft_endpoint_settings *s)
{
    if ((s->given & WEFT_ENDPOINT_WINDOW) != 0) {
        e->window.max = s->window_bytes;
        wf_endpoint_watch(e);
    }
    if ((s->given & WEFT_ENDPOINT_WRITE_QUEUE) != 0)
        e->out.max = s->write_queue_bytes_max;
    if ((s->given & WEFT_ENDPOINT_POLICY) != 0)
        e->out.policy = s->policy;
    return e->leaf->set(e, s);
}

static weft_err apply(wf_endpoint *e, const endpoint_op *op)
{
    switch (op->kind) {
    case OP_SEND:
        return wf_endpoint_queue(e, op->to.family != WEFT_FAMILY_NONE ? &op->to : NULL, &op->from,
                                 op->bytes);
    case OP_SET:
        return set(e, &op->set);
    case OP_JOIN:
    case OP_LEAVE:
        return e->leaf->join(e, &op->to, op->set.interface, op->kind == OP_LEAVE);
    default:
        wf_endpoint_close(e);
        return WEFT_OK;
    }
}

/* Whoever sent it was told that it is on its way; what cannot be done is told the owner. */
weft_err wf_endpoint_on_op(weft_actor *self, weft_msg *msg)
{
    wf_endpoint *e = weft_state(self);
    const endpoint_op *op = weft_body(msg);
    weft_err err = (e->flags & ENDPOINT_CLOSED) == 0 ? apply(e, op) : WEFT_EGONE;
    if (err == WEFT_OK || err == WEFT_EGONE)
        return WEFT_OK;
    if (op->kind == OP_SEND && err == WEFT_EFULL)
        e->stats.dropped++;
    else
        wf_endpoint_failed(e, &(weft_datagram_failed){.peer = op->to, .reason = err});
    return WEFT_OK;
}

static weft_err run(weft_actor *self, weft_ref ref, const endpoint_op *op)
{
    wf_endpoint *e = wf_endpoint_here(ref);
    if (e != NULL)
        return apply(e, op);
    if (weft_is_here(ref))
        return WEFT_EGONE;
    return weft_tell_body(self, ref, &wf_endpoint_op_type, op);
}

weft_err weft_send_from(weft_actor *self, weft_ref endpoint, const weft_address *to,
                        const weft_address *from, weft_bytes bytes)
{
    wf_endpoint *e = wf_endpoint_here(endpoint);
    if (e != NULL)
        return wf_endpoint_queue(e, to, from, bytes);
    if (weft_is_here(endpoint))
        return WEFT_EGONE;
    endpoint_op op = {.kind = OP_SEND, .bytes = bytes};
    if (to != NULL)
        op.to = *to;
    if (from != NULL)
        op.from = *from;
    return weft_tell_body(self, endpoint, &wf_endpoint_op_type, &op);
}

weft_err weft_send(weft_actor *self, weft_ref endpoint, const weft_address *to, weft_bytes bytes)
{
    return weft_send_from(self, endpoint, to, NULL, bytes);
}

weft_err weft_send_copy(weft_actor *self, weft_ref endpoint, const weft_address *to,
                        const void *from, size_t size)
{
    weft_bytes bytes;
    uint8_t *at;
    weft_err err = weft_bytes_new(size, &at, &bytes);
    if (err != WEFT_OK)
        return err;
    if (size != 0)
        memcpy(at, from, size);
    err = weft_send(self, endpoint, to, bytes);
    weft_bytes_drop(&bytes);
    return err;
}

weft_err weft_endpoint_set(weft_actor *self, weft_ref endpoint,
                           const weft_endpoint_settings *settings)
{
    return run(self, endpoint, &(endpoint_op){.kind = OP_SET, .set = *settings});
}

static weft_err membership(weft_actor *self, weft_ref endpoint, op_kind kind,
                           const weft_address *group, const char *interface)
{
    endpoint_op op = {.kind = kind, .to = *group};
    size_t n = interface != NULL ? strlen(interface) : 0;
    if (n >= sizeof op.set.interface)
        return WEFT_ENOTFOUND;
    if (n != 0)
        memcpy(op.set.interface, interface, n);
    return run(self, endpoint, &op);
}

weft_err weft_join(weft_actor *self, weft_ref endpoint, const weft_address *group,
                   const char *interface)
{
    return membership(self, endpoint, OP_JOIN, group, interface);
}

weft_err weft_leave(weft_actor *self, weft_ref endpoint, const weft_address *group,
                    const char *interface)
{
    return membership(self, endpoint, OP_LEAVE, group, interface);
}

weft_err weft_endpoint_close(weft_actor *self, weft_ref endpoint)
{
    return run(self, endpoint, &(endpoint_op){.kind = OP_CLOSE});
}
