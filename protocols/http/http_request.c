/* SPDX-License-Identifier: MIT */
/* What a handler may ask of a request. */
#include <string.h>
#include <strings.h>

#include "http_path.h"
#include "http_server.h"

const char *weft_http_param(weft_msg *msg, const char *name)
{
    const wf_http_exchange *x = wf_http_exchange_of(msg);
    weft_http_text raw = x != NULL ? wf_http_match_param(&x->match, name) : (weft_http_text){NULL, 0};
    if (raw.at == NULL || raw.bytes == 0)
        return "";
    char *to = weft_scratch(msg, raw.bytes + 1);
    size_t n;
    if (to == NULL ||
        wf_http_match_param_decode(&x->match, name, to, raw.bytes + 1, &n) != WEFT_OK)
        return "";
    return to;
}

static char *decode(weft_msg *msg, weft_http_text raw)
{
    char *to = weft_scratch(msg, raw.bytes + 1);
    size_t n;
    if (to == NULL)
        return NULL;
    return wf_http_percent_decode(raw, WF_HTTP_PLUS_IS_SPACE, to, raw.bytes + 1, &n) == WEFT_OK
               ? to
               : NULL;
}

const char *weft_http_query(weft_msg *msg, const char *name)
{
    const weft_http_request *r = weft_body(msg);
    if (wf_http_exchange_of(msg) == NULL || r->query.at == NULL)
        return NULL;
    weft_http_text query = r->query;
    wf_http_pair pair;
    while (wf_http_query_next(&query, &pair)) {
        const char *got = decode(msg, pair.name);
        if (got != NULL && strcmp(got, name) == 0)
            return decode(msg, pair.value);
    }
    return NULL;
}

weft_http_text weft_http_field_of(const weft_msg *msg, const char *name)
{
    const weft_http_request *r = weft_body(msg);
    size_t n = strlen(name);
    if (wf_http_exchange_of(msg) != NULL)
        for (uint32_t i = 0; i < r->fields_count; i++)
            if (r->fields[i].name_bytes == n && strncasecmp(r->fields[i].name, name, n) == 0)
                return (weft_http_text){r->fields[i].value, r->fields[i].value_bytes};
    return (weft_http_text){NULL, 0};
}

const void *weft_http_config_of(const weft_msg *msg)
{
    const wf_http_exchange *x = wf_http_exchange_of(msg);
    return x != NULL && x->row != NULL ? x->row->config : NULL;
}

weft_address weft_http_client(weft_msg *msg)
{
    const wf_http_exchange *x = wf_http_exchange_of(msg);
    weft_address local, peer = {.family = WEFT_FAMILY_NONE};
    if (x != NULL && x->client != NULL)
        return *x->client;
    if (x != NULL && x->conn != NULL)
        (void)weft_stream_addresses(NULL, x->conn->stream, &local, &peer);
    return peer;
}
