/* SPDX-License-Identifier: MIT */
/* --auth as the sources of an auth actor. */
#include "service_auth.h"

weft_err service_auth_read(const weft_option_texts *texts, service_auth *out, weft_why *why)
{
    for (size_t i = 0; i < texts->count; i++) {
        weft_err err = weft_auth_source_parse(texts->at[i], &out->sources[i], why);
        if (err != WEFT_OK)
            return err;
    }
    /* the realm is the service's to say */
    out->config.sources = out->sources;
    out->config.count = (uint32_t)texts->count;
    return texts->count != 0 ? weft_auth_check(&out->config, why) : WEFT_OK;
}
