/* SPDX-License-Identifier: MIT */
/* A client's side of the opening handshake (RFC 6455 section 4.1): the request, and what the answer has to be. */
#include <stdio.h>
#include <string.h>

#include <weft/hash.h>
#include <weft/leaf.h>
#include <weft/net.h>
#include <weft/timer.h>
#include <weft/tls.h>

#include "http/http1_codec.h"
#include "http/http1_write.h"
#include "http/http_fields.h"
#include "http/http_url.h"
#include "http/http_writer.h"
#include "ws_stage.h"

enum { OFFERS_BYTES = 256, OWN_FIELDS = 4, CALL_FIELDS_MAX = 32, ANSWER_FIELDS_MAX = 64 };

struct wf_ws_client {
    char key[WF_WS_KEY_BYTES + 1];
    char offers[OFFERS_BYTES]; /* subprotocols, as they were sent */
    bool packs;                /* and whether packing was */
    size_t scanned;
};

/* ---- the request */

static weft_err write_offers(wf_ws_client *client, const char *const *names, weft_why *why)
{
    wf_http_writer w = wf_http_writer_over(client->offers, sizeof client->offers - 1);
    for (const char *const *name = names; name != NULL && *name != NULL; name++) {
        size_t n = strlen(*name);
        if (n > WF_WS_PROTOCOL_BYTES_MAX || !wf_http_is_token(*name, n))
            return weft_because(why, WEFT_EINVAL, "\"%.70s\" cannot be a subprotocol", *name);
        if (name != names)
            wf_http_put_str(&w, ", ");
        wf_http_put_str(&w, *name);
    }
    client->offers[w.n] = '\0';
    return w.err == WEFT_OK ? w.err
                            : weft_because(why, WEFT_EINVAL, "subprotocols of more than %d bytes",
                                           OFFERS_BYTES - 1);
}

static void add(wf_http1_ask *ask, weft_http_field *fields, const char *name, const char *value)
{
    fields[ask->fields_count++] =
        (weft_http_field){name, value, (uint32_t)strlen(name), (uint32_t)strlen(value)};
}

static weft_err send_request(const wf_ws *s, const wf_ws_asking *asking, weft_why *why)
{
    const weft_ws_call *call = asking->call;
    weft_http_field fields[CALL_FIELDS_MAX + OWN_FIELDS];
    wf_http1_ask ask = {.method = WEFT_HTTP_GET,
                        .target = asking->target,
                        .host = asking->host,
                        .upgrade = {"websocket", 9},
                        .fields = fields};
    weft_bytes bytes;
    uint8_t *to;
    size_t n;
    if (call->fields_count > CALL_FIELDS_MAX)
        return weft_because(why, WEFT_EINVAL, "a request of more than %d fields", CALL_FIELDS_MAX);
    add(&ask, fields, "Sec-WebSocket-Version", "13");
    add(&ask, fields, "Sec-WebSocket-Key", s->client->key);
    if (s->client->offers[0] != '\0')
        add(&ask, fields, "Sec-WebSocket-Protocol", s->client->offers);
    if (s->client->packs)
        add(&ask, fields, "Sec-WebSocket-Extensions", WF_WS_OFFER);
    for (uint32_t i = 0; i < call->fields_count; i++)
        fields[ask.fields_count++] = call->fields[i];
    size_t bound = wf_http1_ask_bound(&ask);
    weft_err err = weft_bytes_new(bound, &to, &bytes);
    if (err != WEFT_OK)
        return err;
    err = wf_http1_write_request(to, bound, &ask, &n, why);
    if (err == WEFT_OK)
        err = weft_stage_send(s->stage, weft_bytes_slice(bytes, 0, n));
    weft_bytes_drop(&bytes);
    return err;
}

weft_err wf_ws_client_open(wf_ws *s, const wf_ws_asking *asking, weft_why *why)
{
    uint8_t random[16];
    s->client = weft_alloc_zero(sizeof *s->client);
    if (s->client == NULL)
        return WEFT_ENOMEM;
    /* RFC 6455 section 4.1: "a nonce consisting of a randomly selected 16-byte value" */
    weft_random(NULL, random, sizeof random);
    (void)weft_base64(random, sizeof random, s->client->key);
    s->client->packs = !s->options.no_deflate;
    weft_err err = write_offers(s->client, asking->call->protocols, why);
    return err == WEFT_OK ? send_request(s, asking, why) : err;
}

void wf_ws_client_free(wf_ws_client *client)
{
    weft_alloc_free(client);
}

/* ---- the answer */

static weft_err refused(int status, weft_why *why)
{
    if (status == 401 || status == 403)
        return weft_because(why, WEFT_EDENIED, "WebSocket: the server answered %d", status);
    return weft_because(why, WEFT_EPROTO, "WebSocket: the server answered %d, expected 101",
                        status);
}

static bool is_accepted(const wf_ws_client *client, weft_http_text accept)
{
    char expected[WF_WS_ACCEPT_BYTES + 1];
    return wf_ws_accept_of((weft_http_text){client->key, WF_WS_KEY_BYTES}, expected) &&
           accept.bytes == WF_WS_ACCEPT_BYTES &&
           memcmp(accept.at, expected, WF_WS_ACCEPT_BYTES) == 0;
}

static weft_err take_protocol(wf_ws *s, weft_http_text chosen, weft_why *why)
{
    const char *names[2] = {s->protocol, NULL};
    if (chosen.at == NULL)
        return WEFT_OK;
    (void)snprintf(s->protocol, sizeof s->protocol, "%.*s", (int)chosen.bytes, chosen.at);
    const weft_http_text offered = {s->client->offers, (uint32_t)strlen(s->client->offers)};
    if (chosen.bytes < sizeof s->protocol && wf_ws_protocol_choose(names, offered) != NULL)
        return WEFT_OK;
    return weft_because(why, WEFT_EPROTO,
                        "WebSocket: the server chose a subprotocol that was not "
                        "offered");
}

/* Section 4.1: what the client has to look for in the answer. */
static weft_err check(wf_ws *s, const wf_http1_head *head, const weft_http_field *fields,
                      weft_why *why)
{
    if (head->status != 101)
        return refused(head->status, why);
    if (!head->upgrade ||
        !wf_ws_list_has(wf_http1_value(head, fields, WF_HTTP_UPGRADE), "websocket"))
        return weft_because(why, WEFT_EPROTO, "WebSocket: the server upgraded to something else");
    if (!is_accepted(s->client, wf_http1_value(head, fields, WF_HTTP_SEC_WEBSOCKET_ACCEPT)))
        return weft_because(why, WEFT_EPROTO,
                            "WebSocket: the server's Sec-WebSocket-Accept does not answer the key");
    if (!wf_ws_extension_agreed(wf_http1_value(head, fields, WF_HTTP_SEC_WEBSOCKET_EXTENSIONS),
                                &s->deflate) ||
        (s->deflate.agreed && !s->client->packs))
        return weft_because(why, WEFT_EPROTO,
                            "WebSocket: the server chose an extension that was "
                            "not offered");
    s->codec.packs = s->deflate.agreed;
    return take_protocol(s, wf_http1_value(head, fields, WF_HTTP_SEC_WEBSOCKET_PROTOCOL), why);
}

/* One head. WEFT_EFULL: it is not whole yet. */
static weft_err read_head(wf_ws *s, weft_bytes *in, weft_why *why)
{
    weft_http_field fields[ANSWER_FIELDS_MAX];
    wf_http1_head head;
    wf_http1 parser;
    uint16_t status;
    size_t n = wf_http1_head_end(in->at, in->size, &s->client->scanned);
    if (n == 0) {
        weft_err err = wf_http1_head_unfinished(NULL, in->at, in->size, &status, why);
        return err == WEFT_OK ? WEFT_EFULL : err;
    }
    s->client->scanned = 0;
    wf_http1_init(&parser, NULL);
    weft_err err = wf_http1_parse_response(&parser, in->at, n, WEFT_HTTP_GET, &head, fields,
                                           ANSWER_FIELDS_MAX, why);
    if (err != WEFT_OK)
        return err;
    bool interim = head.status < 200 && head.status != 101;
    err = interim ? WEFT_OK : check(s, &head, fields, why);
    if (err != WEFT_OK)
        return err;
    *in = weft_bytes_slice(*in, n, SIZE_MAX);
    if (!interim) {
        wf_ws_client_free(s->client);
        s->client = NULL;
    }
    return WEFT_OK;
}

weft_err wf_ws_client_read(wf_ws *s, weft_bytes *in, weft_why *why)
{
    weft_err err = WEFT_OK;
    while (err == WEFT_OK && s->client != NULL && in->size != 0)
        err = read_head(s, in, why);
    return err == WEFT_EFULL ? WEFT_OK : err;
}

/* ---- connecting */

static weft_err push_tls(weft_actor *self, weft_ref stream, weft_tls *given, const char *host,
                         weft_why *why)
{
    weft_tls *own = NULL;
    weft_err err = given == NULL ? weft_tls_client(NULL, &own, why) : WEFT_OK;
    if (err == WEFT_OK)
        err = weft_tls_push(self, stream, given != NULL ? given : own, host, why);
    weft_tls_drop(&own);
    return err;
}

/* "ws" is http and "wss" https but for the name (RFC 6455 section 3). */
static weft_err parse(const char *url, wf_http_url *out, char *text, size_t max, weft_why *why)
{
    bool secure = strncasecmp(url, "wss:", 4) == 0;
    if (!secure && strncasecmp(url, "ws:", 3) != 0)
        return weft_because(why, WEFT_EUNSUPPORTED,
                            "a WebSocket's URL begins with ws:// or wss://");
    int n = snprintf(text, max, "http%s%s", secure ? "s" : "", url + (secure ? 3 : 2));
    if (n < 0 || (size_t)n >= max)
        return weft_because(why, WEFT_ETOOBIG, "a URL has at most %zu bytes", max - 2);
    return wf_http_url_parse(text, out, why);
}

static weft_err begin(weft_actor *self, weft_ref stream, const wf_http_url *url,
                      const weft_ws_call *call, weft_why *why)
{
    char authority[WF_HTTP_URL_AUTHORITY_BYTES], target[WF_HTTP_URL_BYTES_MAX + 2];
    size_t n = wf_http_url_authority(url, false, authority);
    bool slash = url->target.bytes == 0 || url->target.at[0] != '/';
    int target_n = snprintf(target, sizeof target, "%s%.*s", slash ? "/" : "",
                            (int)url->target.bytes, url->target.bytes != 0 ? url->target.at : "");
    const wf_ws_asking asking = {
        .call = call, .host = {authority, (uint32_t)n}, .target = {target, (uint32_t)target_n}};
    const wf_ws_setup setup = {
        .options = &call->options, .target = asking.target, .asking = &asking};
    weft_err err = weft_push(self, stream, wf_ws_ops(&call->options), &setup, WEFT_STAGE_TOP, why);
    if (err == WEFT_OK && url->secure)
        err = push_tls(self, stream, call->tls, url->host, why);
    return err;
}

weft_ref weft_ws_connect(weft_actor *self, const char *url, const weft_ws_call *call,
                         weft_ref owner)
{
    static const weft_ws_call nothing;
    char text[WF_HTTP_URL_BYTES_MAX + 2], authority[WF_HTTP_URL_AUTHORITY_BYTES];
    char to[WF_HTTP_URL_AUTHORITY_BYTES + 8];
    wf_http_url parsed;
    weft_why why = {""};
    weft_err err = parse(url, &parsed, text, sizeof text, &why);
    if (err != WEFT_OK)
        return weft_leaf_none(self, owner, err, why.text);
    (void)wf_http_url_authority(&parsed, true, authority);
    (void)snprintf(to, sizeof to, "tcp://%s", authority);
    call = call != NULL ? call : &nothing;
    weft_ref stream = weft_connect(self, call->to != NULL ? call->to : to, owner);
    if (weft_ref_is_nobody(stream))
        return stream;
    err = begin(self, stream, &parsed, call, &why);
    /* a stream that is closed already says why itself */
    if (err != WEFT_OK && err != WEFT_EGONE) {
        weft_log(self, WEFT_WARNING, "%s", why.text);
        (void)weft_abort(self, stream, err);
    }
    return stream;
}
