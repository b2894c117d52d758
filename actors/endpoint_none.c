/* SPDX-License-Identifier: MIT */
/* The leaf of an endpoint that never got as far as a descriptor. */
#include "endpoint.h"

static void none_receive(wf_endpoint *e, unsigned max)
{
    (void)e, (void)max;
}

static weft_err none_send(wf_endpoint *e, unsigned *done)
{
    (void)e, (void)done;
    return WEFT_EFULL;
}

static void none_want(wf_endpoint *e, unsigned events)
{
    (void)e, (void)events;
}

static void none_close(wf_endpoint *e)
{
    (void)e;
}

static void none_addresses(wf_endpoint *e, weft_address *local, weft_address *peer)
{
    (void)e, (void)local, (void)peer;
}

static weft_err none_check(const wf_endpoint *e, const weft_address *to, size_t size)
{
    (void)e, (void)to, (void)size;
    return WEFT_EGONE;
}

static weft_err none_set(wf_endpoint *e, const weft_endpoint_settings *settings)
{
    (void)e, (void)settings;
    return WEFT_EGONE;
}

static weft_err none_join(wf_endpoint *e, const weft_address *group, const char *interface,
                          bool leave)
{
    (void)e, (void)group, (void)interface, (void)leave;
    return WEFT_EGONE;
}

static uint64_t none_lost(wf_endpoint *e)
{
    (void)e;
    return 0;
}

const endpoint_leaf wf_endpoint_leaf_none = {
    .name = "none",
    .receive = none_receive,
    .send = none_send,
    .want = none_want,
    .close = none_close,
    .addresses = none_addresses,
    .check = none_check,
    .set = none_set,
    .join = none_join,
    .lost = none_lost,
};
