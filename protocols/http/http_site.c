/* SPDX-License-Identifier: MIT */
/* Sites: routes and limits compiled once for each reactor. */
#include <string.h>

#include "http_server.h"

static const weft_http_limits limit_defaults = {
    .request_line_bytes_max = WF_HTTP1_REQUEST_LINE_BYTES_MAX,
    .head_bytes_max = WF_HTTP1_HEAD_BYTES_MAX,
    .fields_max = WF_HTTP1_FIELDS_MAX,
    .body_bytes_max = 1 << 20,
    .responses_pending_max = 64,
    .requests_max = UINT32_MAX,
    .head_timeout_ms = 10000,
    .body_timeout_ms = 30000,
    .idle_timeout_ms = 60000,
    .answer_timeout_ms = 30000,
    .write_timeout_ms = 60000,
};

static uint32_t or_default(uint32_t value, uint32_t standard)
{
    return value != 0 ? value : standard;
}

static weft_http_limits limits_filled(const weft_http_limits *l)
{
    const weft_http_limits *d = &limit_defaults;
    return (weft_http_limits){
        .request_line_bytes_max = or_default(l->request_line_bytes_max, d->request_line_bytes_max),
        .head_bytes_max = or_default(l->head_bytes_max, d->head_bytes_max),
        .fields_max = or_default(l->fields_max, d->fields_max),
        .body_bytes_max = l->body_bytes_max != 0 ? l->body_bytes_max : d->body_bytes_max,
        .responses_pending_max = or_default(l->responses_pending_max, d->responses_pending_max),
        .requests_max = or_default(l->requests_max, d->requests_max),
        .head_timeout_ms = or_default(l->head_timeout_ms, d->head_timeout_ms),
        .body_timeout_ms = or_default(l->body_timeout_ms, d->body_timeout_ms),
        .idle_timeout_ms = or_default(l->idle_timeout_ms, d->idle_timeout_ms),
        .answer_timeout_ms = or_default(l->answer_timeout_ms, d->answer_timeout_ms),
        .write_timeout_ms = or_default(l->write_timeout_ms, d->write_timeout_ms),
    };
}

static weft_err check_row(const weft_http_route *row, weft_why *why)
{
    int ways = (row->handler != NULL) + (row->use != NULL) + (row->to != NULL) +
               (row->redirect != NULL) + (row->rewrite != NULL);
    if (ways != 1)
        return weft_because(why, WEFT_EINVAL,
                            "route \"%.80s\" must have exactly one of .handler, .use, .to, "
                            ".redirect and .rewrite",
                            row->route);
    weft_err err = wf_http_moved_check(row, why);
    if (err != WEFT_OK)
        return err;
    if (row->stream && row->use == NULL)
        return weft_because(why, WEFT_EINVAL, "route \"%.80s\": .stream needs .use", row->route);
    return row->guard != NULL ? wf_http_guard_check(row->guard, why) : WEFT_OK;
}

static weft_err compile(const weft_http_route *rows, wf_http_routes **out, weft_why *why)
{
    size_t n = 0;
    for (; rows != NULL && rows[n].route != NULL; n++) {
        weft_err err = check_row(&rows[n], why);
        if (err != WEFT_OK)
            return err;
    }
    if (n == 0)
        return weft_because(why, WEFT_EINVAL, "a site needs at least one route");
    const char **text = weft_alloc(n * sizeof *text);
    if (text == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for %zu routes", n);
    for (size_t i = 0; i < n; i++)
        text[i] = rows[i].route;
    weft_err err = wf_http_routes_compile(text, n, out, why);
    weft_alloc_free(text);
    return err;
}

weft_err weft_http_check(const weft_http_route *routes, weft_why *why)
{
    wf_http_routes *compiled = NULL;
    weft_err err = compile(routes, &compiled, why);
    wf_http_routes_free(&compiled);
    return err;
}

/* The methods that any row takes: for requests that ask for none in particular. */
static uint32_t methods_of(const weft_http_route *rows)
{
    uint32_t methods = 0;
    for (; rows->route != NULL; rows++) {
        if (rows->route[0] == '/')
            return WF_HTTP_METHOD_BIT(WEFT_HTTP_OTHER) - 1;
        methods |= WF_HTTP_METHOD_BIT(weft_http_method_of(rows->route, strcspn(rows->route, " ")));
    }
    if ((methods & WF_HTTP_METHOD_BIT(WEFT_HTTP_GET)) != 0)
        methods |= WF_HTTP_METHOD_BIT(WEFT_HTTP_HEAD);
    return methods;
}

weft_err wf_http_table_compile(const weft_http_route *rows, wf_http_table *out, weft_why *why)
{
    if (rows == NULL)
        return weft_because(why, WEFT_EINVAL, "a site needs routes");
    weft_err err = compile(rows, &out->routes, why);
    if (err != WEFT_OK)
        return err;
    out->rows = rows;
    out->methods = methods_of(rows);
    return WEFT_OK;
}

static void site_free(wf_http_site *site)
{
    wf_http_routes_free(&site->table.routes);
    wf_http_hosts_free(site->hosts);
    weft_alloc_free(site);
}

static weft_err compile_site(wf_http_site *site, const weft_http_site_config *c, weft_why *why)
{
    weft_err err = wf_http_error_pages_check(c->error_pages, why);
    if (err == WEFT_OK && c->hosts != NULL)
        err = wf_http_hosts_compile(c->hosts, &site->hosts, why);
    if (err == WEFT_OK && (c->routes != NULL || c->hosts == NULL))
        err = wf_http_table_compile(c->routes, &site->table, why);
    return err;
}

weft_err weft_http_check_site(const weft_http_site_config *c, weft_why *why)
{
    wf_http_site *site = weft_alloc_zero(sizeof *site);
    if (site == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a site");
    weft_err err = compile_site(site, c, why);
    site_free(site);
    return err;
}

static wf_http_site *site_new(const void *config, bool routes_only, weft_why *why)
{
    wf_http_site *site = weft_alloc_zero(sizeof *site);
    const weft_http_site_config plain = {.routes = config};
    const weft_http_site_config *c = routes_only ? &plain : config;
    if (site == NULL) {
        (void)weft_because(why, WEFT_ENOMEM, "no memory for a site");
        return NULL;
    }
    if (compile_site(site, c, why) != WEFT_OK) {
        site_free(site);
        return NULL;
    }
    const char *server = c->server != NULL ? c->server : "weft";
    site->config = config;
    site->limits = limits_filled(&c->limits);
    site->access_log = c->access_log != NULL && c->access_log->fd >= 0 ? c->access_log : NULL;
    site->error_pages = c->error_pages;
    if (server[0] != '\0')
        site->server = (weft_http_text){server, (uint32_t)strlen(server)};
    if (site->limits.fields_max > WF_HTTP1_FIELDS_LAST)
        site->limits.fields_max = WF_HTTP1_FIELDS_LAST;
    if (site->limits.responses_pending_max > UINT16_MAX)
        site->limits.responses_pending_max = UINT16_MAX;
    site->codec_limits = wf_http1_limits_filled(&(wf_http1_limits){
        .request_line_bytes_max = site->limits.request_line_bytes_max,
        .head_bytes_max = site->limits.head_bytes_max,
    });
    return site;
}

static void reactor_free(void *kept)
{
    wf_http_reactor *h = kept;
    for (wf_http_site *s = h->sites, *next; s != NULL; s = next) {
        next = s->next;
        site_free(s);
    }
    wf_http_gateways_free(h->gateways);
    wf_http_cgi_counts_free(h->cgis);
    if (h->log_n != 0)
        wf_http_log_flush(h);
    weft_alloc_free(h->log);
    weft_alloc_free(h);
}

wf_http_reactor *wf_http_reactor_here(void)
{
    wf_http_reactor *h = *weft_kept(WEFT_KEPT_HTTP);
    if (h == NULL) {
        h = weft_alloc_zero(sizeof *h);
        if (h == NULL)
            return NULL;
        h->date_s = -1;
        *weft_kept(WEFT_KEPT_HTTP) = h;
        weft_kept_set_free(WEFT_KEPT_HTTP, reactor_free);
    }
    return h;
}

const wf_http_site *wf_http_site_of(const void *config, bool routes_only, weft_why *why)
{
    wf_http_reactor *h = wf_http_reactor_here();
    if (h == NULL) {
        (void)weft_because(why, WEFT_ENOMEM, "no memory for a site");
        return NULL;
    }
    for (wf_http_site *s = h->sites; s != NULL; s = s->next)
        if (s->config == config)
            return s;
    wf_http_site *site = site_new(config, routes_only, why);
    if (site != NULL) {
        site->next = h->sites;
        h->sites = site;
    }
    return site;
}
