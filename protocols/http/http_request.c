/* SPDX-License-Identifier: MIT */
/* What a handler may ask of a request. */
#include <string.h>
#include <strings.h>

#include <weft/tls.h>

#include "http_path.h"
#include "http_server.h"

enum { NAME_ON_STACK = 128 };

weft_http_text wf_http_route_rest(const weft_msg *msg, const char *param)
{
    const wf_http_exchange *x = wf_http_exchange_of(msg);
    return x != NULL ? wf_http_match_param(&x->match, param) : (weft_http_text){NULL, 0};
}

/* Decodes @raw into memory of @msg. errors: NULL. */
static char *decode(weft_msg *msg, weft_http_text raw, bool plus_is_space)
{
    char *to = weft_scratch(msg, raw.bytes + 1);
    size_t n;
    if (to == NULL ||
        wf_http_percent_decode(raw, plus_is_space ? WF_HTTP_PLUS_IS_SPACE : WF_HTTP_PLUS_IS_PLUS,
                               to, raw.bytes + 1, &n) != WEFT_OK)
        return NULL;
    return to;
}

const char *weft_http_param(weft_msg *msg, const char *name)
{
    weft_http_text raw = wf_http_route_rest(msg, name);
    const char *value = raw.at != NULL && raw.bytes != 0 ? decode(msg, raw, false) : NULL;
    return value != NULL ? value : "";
}

/* Whether @raw, decoded, is @name. */
static bool is_name(weft_http_text raw, const char *name)
{
    char decoded[NAME_ON_STACK + 1];
    size_t n = strlen(name), got;
    if (raw.bytes < n || raw.bytes > 3 * n || n > NAME_ON_STACK)
        return false;
    return wf_http_percent_decode(raw, WF_HTTP_PLUS_IS_SPACE, decoded, sizeof decoded, &got) ==
               WEFT_OK &&
           got == n && memcmp(decoded, name, n) == 0;
}

const char *weft_http_query(weft_msg *msg, const char *name)
{
    const weft_http_request *r = weft_body(msg);
    if (wf_http_exchange_of(msg) == NULL || r->query.at == NULL)
        return NULL;
    weft_http_text query = r->query;
    wf_http_pair pair;
    while (wf_http_query_next(&query, &pair))
        if (is_name(pair.name, name))
            return decode(msg, pair.value, true);
    return NULL;
}

static weft_http_text find(const weft_http_field *fields, uint32_t count, const char *name)
{
    size_t n = strlen(name);
    for (uint32_t i = 0; i < count; i++)
        if (fields[i].name_bytes == n && strncasecmp(fields[i].name, name, n) == 0)
            return (weft_http_text){fields[i].value, fields[i].value_bytes};
    return (weft_http_text){NULL, 0};
}

weft_http_text weft_http_field_of(const weft_msg *msg, const char *name)
{
    const weft_http_request *r = weft_body(msg);
    if (wf_http_exchange_of(msg) == NULL)
        return (weft_http_text){NULL, 0};
    return find(r->fields, r->fields_count, name);
}

weft_http_text weft_http_trailer_of(const weft_msg *msg, const char *name)
{
    const wf_http_exchange *x = wf_http_exchange_of(msg);
    if (x == NULL || x->trailers == NULL)
        return (weft_http_text){NULL, 0};
    return find(x->trailers->fields, x->trailers->count, name);
}

const void *weft_http_config_of(const weft_msg *msg)
{
    const wf_http_exchange *x = wf_http_exchange_of(msg);
    return x != NULL && x->row != NULL ? x->row->config : NULL;
}

/* Only where the connection is can it be asked. */
static const wf_http_peer *peer_of(const weft_msg *msg)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    if (x != NULL && x->peer == NULL && weft_is_local(msg))
        wf_http_note_client(x->site_actor, x);
    return x != NULL ? x->peer : NULL;
}

bool weft_http_is_secure(const weft_msg *msg)
{
    const wf_http_peer *peer = peer_of(msg);
    return peer != NULL && peer->secure;
}

weft_address weft_http_client(weft_msg *msg)
{
    const wf_http_peer *peer = peer_of(msg);
    return peer != NULL ? peer->address : (weft_address){.family = WEFT_FAMILY_NONE};
}
