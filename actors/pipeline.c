/* SPDX-License-Identifier: MIT */
/* The order in which the options of a URL stand on its connections. */
#include "pipeline.h"

#include "tls/tls_url.h"
#include "via.h"

/* From the wire upwards: what comes first on the wire is the first to read it. */
static const wf_pipeline_part *const parts[] = {
    /* around the leaf */
    &wf_meter_part,
    /* who is asked to connect on */
    &wf_via_part,
    &wf_proxy_part,
    &wf_tls_part,
    /* above TLS: what it shows is plain */
    &wf_tap_part,
    NULL,
};

_Static_assert(sizeof parts / sizeof parts[0] <= WF_PIPELINE_PARTS_MAX + 1, "room for each part");

weft_err wf_pipeline_open(const weft_url *url, weft_url_end end, wf_pipeline *out, weft_why *why)
{
    *out = (wf_pipeline){.any = false};
    for (size_t i = 0; parts[i] != NULL; i++) {
        weft_err err = parts[i]->prepare(url, end, &out->prepared[i], why);
        out->any = out->any || out->prepared[i] != NULL;
        if (err != WEFT_OK) {
            wf_pipeline_drop(out);
            return err;
        }
    }
    return WEFT_OK;
}

/* What the owner has put there before the stream was connected stands above what is of the wire. */
typedef struct lifted {
    weft_stage *top, *bottom;
} lifted;

static lifted lift(conn *c)
{
    lifted owners = {NULL, NULL};
    if (c->rare == NULL)
        return owners;
    owners = (lifted){c->rare->top, c->rare->bottom};
    c->rare->top = c->rare->bottom = NULL;
    return owners;
}

static void lower(conn *c, lifted owners)
{
    if (owners.top == NULL)
        return;
    owners.bottom->below = c->rare->top;
    if (c->rare->top != NULL)
        c->rare->top->above = owners.bottom;
    else
        c->rare->bottom = owners.bottom;
    c->rare->top = owners.top;
}

weft_err wf_pipeline_push(const wf_pipeline *pipeline, conn *c, const weft_url *url, weft_why *why)
{
    weft_err err = WEFT_OK;
    if (!pipeline->any)
        return WEFT_OK;
    /* an owner may write before it is open: that too is said within, and behind what the parts say */
    conn_out *early = wf_conn_early_take(c);
    lifted owners = lift(c);
    for (size_t i = 0; err == WEFT_OK && parts[i] != NULL; i++)
        if (pipeline->prepared[i] != NULL)
            err = parts[i]->push(c, pipeline->prepared[i], url, why);
    if (err == WEFT_OK && c->rare != NULL)
        c->rare->floor = c->rare->top;
    /* what was written early has been through the owner's stages */
    wf_conn_early_give(c, early);
    lower(c, owners);
    return err;
}

void wf_pipeline_drop(wf_pipeline *pipeline)
{
    for (size_t i = 0; pipeline->any && parts[i] != NULL; i++)
        if (pipeline->prepared[i] != NULL && parts[i]->drop != NULL)
            parts[i]->drop(pipeline->prepared[i]);
    *pipeline = (wf_pipeline){.any = false};
}
