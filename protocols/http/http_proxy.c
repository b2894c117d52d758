/* SPDX-License-Identifier: MIT */
/* A reverse proxy as a route: what it gets goes to a client of this reactor, and what asks to become a WebSocket to
 * an actor that joins two streams. */
#include <stdio.h>
#include <string.h>

#include "http_client_answer.h"
#include "http_proxy_join.h"
#include "http_server.h"
#include "websocket/ws_handshake.h"

/* The client of a config, on this reactor. */
typedef struct wf_http_gateway {
    struct wf_http_gateway *next;
    const void *config;
    weft_ref client;
} wf_http_gateway;

void wf_http_gateways_free(wf_http_gateway *first)
{
    for (wf_http_gateway *g = first, *next; g != NULL; g = next) {
        next = g->next;
        weft_alloc_free(g);
    }
}

static wf_http_gateway *gateway_of(const void *config)
{
    wf_http_reactor *h = wf_http_reactor_here();
    wf_http_gateway *g = h != NULL ? h->gateways : NULL;
    while (g != NULL && g->config != config)
        g = g->next;
    if (g != NULL || h == NULL || (g = weft_alloc_zero(sizeof *g)) == NULL)
        return g;
    *g = (wf_http_gateway){.next = h->gateways, .config = config, .client = WEFT_NOBODY};
    return h->gateways = g;
}

/* errors: nobody. */
static weft_ref client_of(weft_actor *self, const void *config)
{
    wf_http_gateway *g = gateway_of(config);
    weft_why why = {""};
    if (g == NULL)
        return WEFT_NOBODY;
    if (weft_here(g->client) == NULL) {
        g->client = weft_spawn_apart(&weft_http_caller, config, &why);
        if (weft_ref_is_nobody(g->client))
            weft_log(self, WEFT_ERROR, "no client for a proxy: %s", why.text);
    }
    return g->client;
}

/* ---- WebSockets */

static bool asks_for_websocket(const weft_msg *msg)
{
    const weft_http_request *r = weft_body(msg);
    return r->method == WEFT_HTTP_GET && r->minor >= 1 &&
           wf_ws_list_has(weft_http_field_of(msg, "connection"), "upgrade") &&
           wf_ws_list_has(weft_http_field_of(msg, "upgrade"), "websocket");
}

static weft_err fill_plan(weft_actor *self, wf_http_client *c, wf_http_job *job, wf_http_join *plan,
                          weft_why *why)
{
    wf_http_origin origin = {.through = false};
    const char *base = wf_http_upstreams_choose(c, job, weft_now_ms(self));
    if (base == NULL)
        return weft_because(why, WEFT_EINVAL, "this proxy has no upstream");
    wf_http_upstreams_leave(job); /* it is not counted there: a socket may live for days */
    weft_err err = wf_http_job_aim(c, job, base, why);
    if (err == WEFT_OK)
        err = wf_http_url_parse(job->url, &job->where, why);
    if (err == WEFT_OK && job->where.secure)
        err = wf_http_client_tls(c, why);
    if (err != WEFT_OK)
        return err;
    plan->tls = job->where.secure ? weft_tls_share(c->tls) : NULL;
    plan->answer_timeout_ms = c->limits.answer_timeout_ms;
    plan->codec_limits = c->codec_limits;
    memcpy(plan->host, job->where.host, sizeof plan->host);
    (void)wf_http_url_authority(&job->where, false, origin.authority);
    job->origin = &origin;
    err = wf_http_reach(self, &job->where, c->config->to, c->limits.connect_timeout_ms,
                        plan->connect, why);
    if (err == WEFT_OK)
        err = wf_http_upgrade_ask(c, job, &plan->head, why);
    job->origin = NULL;
    return err;
}

static weft_err make_plan(weft_actor *self, weft_msg *msg, weft_ref client, wf_http_join **out,
                          weft_why *why)
{
    wf_http_job job = {.refs = 1, .flags = WF_HTTP_JOB_FORWARDED, .msg = msg};
    wf_http_client *c = weft_state(weft_here(client));
    weft_err err = wf_http_client_prepare(c, weft_http_config_of(msg), why);
    wf_http_join *plan = err == WEFT_OK ? weft_alloc_zero(sizeof *plan) : NULL;
    if (err != WEFT_OK)
        return err;
    if (plan == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a WebSocket");
    err = fill_plan(self, c, &job, plan, why);
    weft_alloc_free(job.url);
    if (err != WEFT_OK)
        wf_http_join_free(plan);
    else
        *out = plan;
    return err;
}

/* What the client is answered is known to the joiner alone, who says so in the access log. false: no memory. */
static bool note_later(weft_actor *self, wf_http_exchange *x, wf_http_join *plan)
{
    if (x->site->access_log == NULL)
        return true;
    if (!wf_http_exchange_persist(self, x))
        return false;
    atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed);
    x->flags |= WF_HTTP_X_NOTED_LATER;
    plan->told = x;
    return true;
}

/* The stream is the joiner's at once: it is read no further here, and whatever comes behind the request
 * is for whoever the upstream will be by then. */
static weft_err serve_websocket(weft_actor *self, weft_msg *msg, weft_ref client)
{
    wf_http_join *plan;
    weft_why why = {""};
    weft_err err = make_plan(self, msg, client, &plan, &why);
    if (err == WEFT_ENOMEM)
        return err;
    if (err != WEFT_OK)
        return wf_http_answer_upstream_failure(self, msg, err, why.text);
    wf_http_exchange *x = wf_http_exchange_of(msg);
    if (!note_later(self, x, plan)) {
        wf_http_join_free(plan);
        return WEFT_ENOMEM;
    }
    err = wf_http_upgrade_to(
        self, msg, &(wf_http_upgrade){.behaviour = &wf_http_join_behaviour, .config = plan});
    if (err == WEFT_OK)
        return WEFT_OK;
    x->flags &= (uint16_t)~WF_HTTP_X_NOTED_LATER;
    wf_http_join_free(plan);
    return err == WEFT_EINVAL
               ? weft_http_error(msg, 400,
                                 "A WebSocket is asked for behind every answer, and alone.")
               : err;
}

/* ---- requests */

weft_err wf_http_proxy_serve(weft_actor *self, weft_msg *msg)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    if (x->row->config == NULL) {
        weft_log(self, WEFT_ERROR, "a proxy route without a config");
        return weft_http_error(msg, 500, NULL);
    }
    weft_ref client = client_of(self, x->row->config);
    if (weft_ref_is_nobody(client))
        return WEFT_ENOMEM;
    if (asks_for_websocket(msg))
        return serve_websocket(self, msg, client);
    /* most answers to a request without a body are small and come whole, which needs no stream */
    x->late = x->row->stream && (x->flags & WF_HTTP_X_BODY_DONE) != 0;
    return wf_http_exchange_persist(self, x) ? wf_http_ask_worker(self, msg, client) : WEFT_ENOMEM;
}

static const weft_handler handlers[] = {
    {.type = &weft_http_request_type, .fn = wf_http_proxy_serve},
    {0},
};
const weft_behaviour weft_http_proxy = {.name = "http proxy", .handlers = handlers};
