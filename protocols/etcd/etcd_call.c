/* SPDX-License-Identifier: MIT */
/* Calls of etcd: over the HTTP client, of one server until it fails, then of the next. */
#include <stdio.h>
#include <string.h>

#include "etcd.h"

enum { URL_BYTES = 512 };

static bool is_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

bool wf_etcd_may_call(const etcd *e, const etcd_call *c, uint32_t *next)
{
    if (c->asked)
        return false;
    if (c->again == 0 || !is_before(weft_now_ms(e->self), c->again))
        return true;
    if (is_before(c->again, *next))
        *next = c->again;
    return false;
}

void wf_etcd_call_failed(etcd *e, etcd_call *c)
{
    e->failed++;
    e->endpoint = (e->endpoint + 1) % e->endpoints;
    c->again = weft_now_ms(e->self) + ETCD_RETRY_MS;
    if (c->again == 0)
        c->again = 1;
    if (is_before(c->again, e->due))
        e->due = c->again;
}

static weft_deferred ask(etcd *e, const char *path, weft_bytes body, bool stream)
{
    const char *endpoint = e->config->endpoints[e->endpoint];
    bool local = strncmp(endpoint, "unix:", 5) == 0;
    char url[URL_BYTES];
    (void)snprintf(url, sizeof url, "%s/v3/%s", local ? "http://etcd" : endpoint, path);
    const weft_http_call call = {.method = WEFT_HTTP_POST,
                                 .url = url,
                                 .to = local ? endpoint : NULL,
                                 .content_type = "application/json",
                                 .body = body,
                                 .stream = stream,
                                 .no_redirects = true};
    return weft_ask_body(e->self, e->client, &weft_http_call_type, &call, e->call_ms);
}

bool wf_etcd_call(etcd *e, etcd_call *c, const char *path, const char *body, bool stream,
                  weft_step_fn *step, void *context)
{
    size_t n = strlen(body);
    uint8_t *to;
    weft_bytes bytes;
    c->sent = weft_now_ms(e->self);
    c->asked = false;
    if (weft_bytes_new(n + 1, &to, &bytes) == WEFT_OK) {
        memcpy(to, body, n + 1);
        weft_deferred asked = ask(e, path, weft_bytes_slice(bytes, 0, n), stream);
        c->asked =
            weft_ignore(e->self, weft_finally_with(e->self, asked, step, context)) == WEFT_OK;
        weft_bytes_drop(&bytes);
    }
    if (!c->asked)
        wf_etcd_call_failed(e, c);
    return c->asked;
}

weft_err wf_etcd_called(etcd *e, etcd_call *c, const weft_outcome *got, etcd_answer *out,
                        weft_why *why)
{
    const weft_http_page *page = got->body;
    *out = (etcd_answer){.revision = 0};
    c->asked = false;
    c->again = 0;
    weft_err err = got->err;
    if (err != WEFT_OK)
        weft_explain(why, "%s", got->why);
    else
        err = wf_etcd_read(page->body.at, page->body.size, out, why);
    if (err == WEFT_OK && page->status != 200 && !out->failed)
        err = weft_because(why, WEFT_EPROTO, "etcd: status %u without an error", page->status);
    if (err == WEFT_OK && out->failed)
        weft_explain(why, "etcd: %s", out->why);
    if (err != WEFT_OK || (out->failed && !wf_etcd_no_lease(out)))
        wf_etcd_call_failed(e, c);
    if (err != WEFT_OK)
        wf_etcd_answer_done(out);
    return err;
}
