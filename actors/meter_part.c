/* SPDX-License-Identifier: MIT */
/* What the options of a URL ask a meter for. */
#include "meter.h"
#include "pipeline.h"

void wf_meter_plan_drop(wf_meter_plan *plan)
{
    /* release: the uses of the others come before the last frees it */
    if (atomic_fetch_sub_explicit(&plan->users, 1, memory_order_acq_rel) == 1)
        weft_alloc_free(plan);
}

static weft_err meter_prepare(const weft_url *url, weft_url_end end, void **out, weft_why *why)
{
    const weft_url_options *o = &url->options;
    (void)end;
    if (o->idle_ms == 0 && o->lifetime_ms == 0 && o->read_rate == 0 && o->write_rate == 0 &&
        o->read_rate_all == 0 && o->write_rate_all == 0)
        return WEFT_OK;
    wf_meter_plan *plan = weft_alloc_zero(sizeof *plan);
    if (plan == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the limits of connections");
    atomic_init(&plan->users, 1);
    plan->idle_ms = o->idle_ms;
    plan->lifetime_ms = o->lifetime_ms;
    plan->rate[0] = o->read_rate;
    plan->rate[1] = o->write_rate;
    plan->burst = o->rate_burst;
    wf_bucket_init(&plan->all[0], o->read_rate_all, o->rate_burst);
    wf_bucket_init(&plan->all[1], o->write_rate_all, o->rate_burst);
    *out = plan;
    return WEFT_OK;
}

static weft_err meter_push(conn *c, void *prepared, const weft_url *url, weft_why *why)
{
    weft_err err = wf_meter_put(c, prepared);
    (void)url;
    return err == WEFT_OK ? err
                          : weft_because(why, err, "no memory for the limits of a connection");
}

static void meter_drop(void *prepared)
{
    wf_meter_plan_drop(prepared);
}

const wf_pipeline_part wf_meter_part = {
    .name = "meter", .prepare = meter_prepare, .push = meter_push, .drop = meter_drop};
