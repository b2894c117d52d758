/* SPDX-License-Identifier: MIT */
/* Gates: who waits at a connection that was accepted until it has said who it is. Nothing but a hello is read
 * there, of a few KiB, within a few seconds; then the connection goes to its link, or is told why not. */
#include <string.h>

#include "link.h"
#include "node_url.h"

const weft_type wf_link_handed_type = WEFT_TYPE("weft.link_handed", link_handed, NULL);

const weft_type wf_link_welcome_type = WEFT_TYPE("weft.link_welcome", link_welcome, NULL);
const weft_type wf_link_knock_type =
    WEFT_TYPE("weft.link_knock", link_knock, &wf_link_welcome_type);

typedef struct late {
    char nothing;
} late;
static const weft_type late_type = WEFT_TYPE("weft.gate_late", late, NULL);

typedef struct gate {
    link_reader reader;
    bool counted;
} gate;

/* What a message of bytes is kept with until the node has answered. */
typedef struct knocking {
    link_hello hello;
    size_t rest; /* bytes behind the hello */
} knocking;

/* Its config; the node lives as long as the system, and but for the counter only its reference is read here. */
static node *node_of(const weft_actor *self)
{
    return (node *)(uintptr_t)weft_config(self);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    late nothing = {0};
    (void)msg;
    g->reader.bytes_max = LINK_HELLO_BYTES_MAX;
    g->counted = true;
    if (atomic_fetch_add_explicit(&node_of(self)->gates, 1, memory_order_relaxed) >= NODE_GATES_MAX)
        return weft_stop(self, WEFT_EFULL);
    (void)weft_timer_start(self, LINK_HELLO_MS, 0, &late_type, &nothing);
    return WEFT_OK;
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    weft_log(self, WEFT_INFO, "a connection did not say who it is within %d ms", LINK_HELLO_MS);
    return weft_stop(self, WEFT_ETIMEDOUT);
}

/* Says why in a goodbye, which needs no hello before it, and closes. */
static weft_err refuse(weft_actor *self, weft_ref stream, link_bye bye, const char *why)
{
    uint8_t frame[LINK_HEAD_BYTES + LINK_GOODBYE_BYTES_MAX];
    link_goodbye g = {.reason = bye};
    strncpy(g.why, why, sizeof g.why - 1);
    size_t n = wf_link_write_goodbye(frame + LINK_HEAD_BYTES, &g);
    wf_link_write_head(frame, LINK_BYE, 1, (uint32_t)n);
    weft_log(self, bye == LINK_BYE_TWIN ? WEFT_DEBUG : WEFT_NOTICE, "refuses a connection: %s",
             why);
    (void)weft_write_copy(self, stream, frame, LINK_HEAD_BYTES + n);
    return weft_close(self, stream);
}

static link_bye bye_of(weft_err err)
{
    return err == WEFT_EEXISTS ? LINK_BYE_TWIN
           : err == WEFT_EGONE ? LINK_BYE_OLD
                               : LINK_BYE_REFUSED;
}

static weft_err on_welcome(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_data *data = weft_body(msg);
    const knocking *k = weft_scratch_last(msg);
    if (got->err != WEFT_OK)
        return refuse(self, data->stream, bye_of(got->err), got->why);
    weft_ref to = ((const link_welcome *)got->body)->link;
    link_handed handed = {.stream = data->stream, .hello = k->hello};
    weft_err err = weft_event(self, to, &wf_link_handed_type, &handed);
    if (err == WEFT_OK)
        err = weft_hand_over(self, data->stream, to,
                             weft_bytes_slice(data->bytes, data->bytes.size - k->rest, k->rest));
    if (err != WEFT_OK)
        (void)weft_abort(self, data->stream, err);
    return weft_stop(self, WEFT_OK);
}

static weft_err greeted(weft_actor *self, weft_msg *msg, const link_frame *frame, size_t rest)
{
    const weft_data *data = weft_body(msg);
    weft_why why = {""};
    knocking *k = weft_scratch(msg, sizeof *k);
    weft_err err = k != NULL ? wf_link_read_hello(frame, &k->hello, &why)
                             : weft_because(&why, WEFT_ENOMEM, "memory is out");
    if (err != WEFT_OK)
        return refuse(self, data->stream, LINK_BYE_PROTOCOL, why.text);
    err = wf_node_is_there(self, data->stream, k->hello.node, &why);
    if (err != WEFT_OK)
        return refuse(self, data->stream, LINK_BYE_REFUSED, why.text);
    k->rest = rest;
    link_knock knock = {k->hello};
    return weft_when(
        msg, weft_ask_body(self, node_of(self)->ref, &wf_link_knock_type, &knock, LINK_HELLO_MS),
        on_welcome);
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    gate *g = weft_state(self);
    const weft_data *data = weft_body(msg);
    const uint8_t *at = data->bytes.at;
    size_t n = data->bytes.size;
    weft_why why = {""};
    link_frame frame;
    weft_err err = wf_link_read(&g->reader, &at, &n, &frame, &why);
    if (err == WEFT_EFULL)
        return WEFT_OK;
    if (err != WEFT_OK)
        return refuse(self, data->stream, LINK_BYE_PROTOCOL, why.text);
    return greeted(self, msg, &frame, n);
}

static void ended(weft_actor *self, weft_err reason)
{
    gate *g = weft_state(self);
    (void)reason;
    if (g->counted)
        atomic_fetch_sub_explicit(&node_of(self)->gates, 1, memory_order_relaxed);
    wf_link_reader_done(&g->reader);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &late_type, .fn = on_late},
    {0},
};

const weft_behaviour wf_gate_behaviour = {
    .name = "weft.gate", .handlers = handlers, .state_bytes = sizeof(gate), .ended = ended};
