/* SPDX-License-Identifier: MIT */
/* The order in which the options of a URL stand on its connections. */
#include "pipeline.h"

#include "via.h"

/* From the wire upwards: what comes first on the wire is the first to read it. */
static const wf_pipeline_part *const parts[] = {
    &wf_via_part,
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

weft_err wf_pipeline_push(const wf_pipeline *pipeline, conn *c, const weft_url *url, weft_why *why)
{
    weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && pipeline->any && parts[i] != NULL; i++)
        if (pipeline->prepared[i] != NULL)
            err = parts[i]->push(c, pipeline->prepared[i], url, why);
    return err;
}

void wf_pipeline_drop(wf_pipeline *pipeline)
{
    for (size_t i = 0; pipeline->any && parts[i] != NULL; i++)
        if (pipeline->prepared[i] != NULL && parts[i]->drop != NULL)
            parts[i]->drop(pipeline->prepared[i]);
    *pipeline = (wf_pipeline){.any = false};
}
