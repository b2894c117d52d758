/* SPDX-License-Identifier: MIT */
/* etcd's client as an actor: what is due next, its beginning and its end. */
#include <stdio.h>
#include <string.h>

#include <weft/url.h>

#include "etcd.h"

const weft_type weft_etcd_state_type = WEFT_TYPE("weft.etcd_state", weft_etcd_state, NULL);
const weft_type weft_etcd_look_type =
    WEFT_TYPE("weft.etcd_look", weft_etcd_look, &weft_etcd_state_type);

enum { GRPC_NOT_FOUND = 5, IDLE_MS = 60000 };

bool wf_etcd_no_lease(const etcd_answer *a)
{
    return a->failed && a->code == GRPC_NOT_FOUND;
}

/* ---- what is due */

static void go_in(weft_actor *self, void *context)
{
    (void)self;
    wf_etcd_go(context);
}

static void on_alarm(weft_alarm *alarm)
{
    etcd *e = (etcd *)(void *)((char *)alarm - offsetof(etcd, alarm));
    weft_enter(e->self, go_in, e);
}

void wf_etcd_go(etcd *e)
{
    uint32_t now = weft_now_ms(e->self), next = now + IDLE_MS;
    if (e->closed || e->closing != NULL)
        return;
    e->due = next;
    wf_etcd_lease_go(e, &next);
    wf_etcd_watch_go(e, &next);
    wf_etcd_names_go(e, &next);
    if ((int32_t)(e->due - next) < 0) /* what failed at once */
        next = e->due;
    weft_alarm_set(&e->alarm, (int32_t)(next - now) > 0 ? next - now : 1, on_alarm);
}

/* ---- its life */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    etcd *e = weft_state(self);
    const weft_etcd *config = ((const weft_started *)weft_body(msg))->config;
    e->self = self;
    e->config = config;
    e->ttl_s = config->ttl_s != 0 ? config->ttl_s : ETCD_TTL_S;
    e->call_ms = e->ttl_s * 200 < ETCD_CALL_MS_MAX ? e->ttl_s * 200 : ETCD_CALL_MS_MAX;
    while (config->endpoints[e->endpoints] != NULL)
        e->endpoints++;
    (void)snprintf(e->node, sizeof e->node, "%s", weft_remote_self(weft_system_of(self)));
    if (config->prefix != NULL)
        (void)snprintf(e->prefix, sizeof e->prefix, "%s", config->prefix);
    else
        (void)snprintf(e->prefix, sizeof e->prefix, "/weft/%s/", weft_node_cluster(self));
    e->client_config =
        (weft_http_client_config){.limits = {.connect_timeout_ms = e->call_ms,
                                             .body_timeout_ms = 2 * ETCD_WATCH_MS,
                                             .body_bytes_max = ETCD_ANSWER_BYTES_MAX},
                                  .tls = config->tls};
    e->registry = weft_named(self, WEFT_REGISTRY_NAME);
    e->client = weft_spawn(self, &weft_http_caller, &e->client_config);
    if (weft_ref_is_nobody(e->client))
        return weft_stop(self, WEFT_ENOMEM);
    wf_etcd_go(e);
    return WEFT_OK;
}

static weft_err on_close(weft_actor *self, weft_msg *msg)
{
    etcd *e = weft_state(self);
    if (e->closing != NULL || e->closed)
        return weft_reply(msg, weft_store_given, 0);
    e->closing = weft_keep(msg);
    weft_alarm_clear(&e->alarm);
    wf_etcd_watch_stop(e);
    wf_etcd_revoke(e);
    return WEFT_OK;
}

static weft_err on_look(weft_actor *self, weft_msg *msg)
{
    const etcd *e = weft_state(self);
    bool good = wf_etcd_lease_good(e);
    return weft_reply(msg, weft_etcd_state, .lease = e->lease,
                      .left_ms = good ? e->good_until - weft_now_ms(self) : 0,
                      .leases = (uint32_t)e->epoch, .revision = e->revision,
                      .watching = !weft_ref_is_nobody(e->stream), .members = e->n_members,
                      .failed = e->failed);
}

static void on_end(weft_actor *self, weft_err reason)
{
    etcd *e = weft_state(self);
    (void)reason;
    if (e->self == NULL)
        return;
    weft_alarm_clear(&e->alarm);
    if (e->closing != NULL)
        weft_drop(&e->closing);
    wf_etcd_members_done(e);
    wf_etcd_names_done(e);
    weft_alloc_free(e->line);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_store_take_type, .fn = wf_etcd_on_take},
    {.type = &weft_store_give_type, .fn = wf_etcd_on_give},
    {.type = &weft_store_close_type, .fn = on_close},
    {.type = &weft_cancelled_type, .fn = wf_etcd_on_cancelled},
    {.type = &weft_data_type, .fn = wf_etcd_on_data},
    {.type = &weft_ended_type, .fn = wf_etcd_on_ended},
    {.type = &weft_closed_type, .fn = wf_etcd_on_closed},
    {.type = &weft_etcd_look_type, .fn = on_look},
    {0},
};

static const weft_behaviour etcd_behaviour = {.name = "weft.etcd",
                                              .handlers = handlers,
                                              .state_bytes = sizeof(etcd),
                                              .mailbox_max = 1 << 17,
                                              .asks_max = 1 << 18,
                                              .ended = on_end};

/* ---- begun */

static weft_err check_endpoint(const char *endpoint, weft_why *why)
{
    weft_url url;
    weft_err err = weft_url_parse(endpoint, &url, why);
    if (err != WEFT_OK)
        return err;
    if (strlen(endpoint) > 255 ||
        (strncmp(endpoint, "http://", 7) != 0 && strncmp(endpoint, "https://", 8) != 0 &&
         strncmp(endpoint, "unix:", 5) != 0) ||
        (strncmp(endpoint, "http", 4) == 0 && strchr(strstr(endpoint, "//") + 2, '/') != NULL))
        return weft_because(why, WEFT_EINVAL,
                            "\"%.80s\" is no server of etcd; expected http://HOST:PORT, "
                            "https://HOST:PORT or unix:PATH",
                            endpoint);
    return WEFT_OK;
}

static weft_err check(const weft_etcd *config, weft_why *why)
{
    unsigned n = 0;
    weft_err err = WEFT_OK;
    for (; config->endpoints != NULL && config->endpoints[n] != NULL && err == WEFT_OK; n++)
        err = check_endpoint(config->endpoints[n], why);
    if (err != WEFT_OK)
        return err;
    if (n == 0 || n > WEFT_ETCD_ENDPOINTS_MAX)
        return weft_because(why, WEFT_EINVAL, "%u servers of etcd; expected 1 to %u", n,
                            WEFT_ETCD_ENDPOINTS_MAX);
    if (config->ttl_s != 0 &&
        (config->ttl_s < WEFT_ETCD_TTL_S_MIN || config->ttl_s > WEFT_ETCD_TTL_S_MAX))
        return weft_because(why, WEFT_EINVAL, "a lease of %u s; expected %u to %u", config->ttl_s,
                            WEFT_ETCD_TTL_S_MIN, WEFT_ETCD_TTL_S_MAX);
    if (config->url != NULL && (strlen(config->url) >= WEFT_NODE_URL_BYTES || *config->url == '\0'))
        return weft_because(why, WEFT_EINVAL, "the URL of this node is empty or too long");
    size_t prefix = config->prefix != NULL ? strlen(config->prefix) : 0;
    if (config->prefix != NULL &&
        (prefix == 0 || prefix >= WEFT_ETCD_PREFIX_BYTES || config->prefix[prefix - 1] != '/'))
        return weft_because(why, WEFT_EINVAL,
                            "\"%.64s\" is no prefix of keys: it is to end in /, within %u bytes",
                            config->prefix, WEFT_ETCD_PREFIX_BYTES);
    return WEFT_OK;
}

weft_err weft_etcd_begin(weft_system *sys, const weft_etcd *config, weft_why *why)
{
    if (weft_remote_self(sys) == NULL)
        return weft_because(why, WEFT_EINVAL, "only a node can use etcd for its members");
    weft_err err = check(config, why);
    if (err != WEFT_OK)
        return err;
    weft_ref made = weft_system_spawn(sys, 0, &etcd_behaviour, config);
    if (weft_ref_is_nobody(made))
        return weft_because(why, WEFT_ENOMEM, "no memory for etcd");
    err = weft_system_register(sys, made, WEFT_ETCD_NAME);
    return err == WEFT_OK ? weft_registry_begin(sys, made, why)
                          : weft_because(why, err, "the name %s cannot be had", WEFT_ETCD_NAME);
}
