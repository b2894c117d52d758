/* SPDX-License-Identifier: MIT */
/* Binding and connecting endpoints, before start and in handlers. */
#include <stdio.h>
#include <unistd.h>

#include "address.h"
#include "endpoint.h"
#include "wire.h"

void wf_endpoint_plan_done(endpoint_plan *plan)
{
    if (plan->fd >= 0)
        wf_endpoint_socket_close(plan->fd, &plan->url, !plan->lent);
    if (plan->end != NULL)
        wf_endpoint_sim_close(plan->end);
    weft_alloc_free(plan);
}

/* What @url says, opened. errors: those of the URL and of the system. */
static weft_err open_plan(struct weft_sim *sim, const char *text, weft_url_end end,
                          endpoint_plan *plan, weft_address *local, weft_why *why)
{
    plan->fd = -1;
    plan->lent = end != WEFT_URL_LISTEN;
    plan->end = NULL;
    weft_err err = weft_url_parse(text, &plan->url, why);
    if (err == WEFT_OK)
        err = weft_url_check(&plan->url, end, why);
    if (err != WEFT_OK)
        return err;
    if (plan->url.scheme != WEFT_SCHEME_SIM && !wf_is_datagram(&plan->url))
        return weft_because(why, WEFT_EUNSUPPORTED,
                            "\"%.40s\" is of streams, expected udp, unixgram or sim", text);
    if ((sim != NULL) != (plan->url.scheme == WEFT_SCHEME_SIM))
        return weft_because(why, WEFT_EUNSUPPORTED,
                            sim == NULL
                                ? "sim: simulated datagrams exist in a simulated system only"
                                : "a simulated system has sim://NAME[:PORT] only");
    if (sim != NULL)
        plan->end = wf_endpoint_sim_open(sim, &plan->url, end, local, &err, why);
    else
        plan->fd = wf_endpoint_socket(&plan->url, end, local, &err, why);
    return err;
}

static weft_err take(wf_endpoint *e, endpoint_plan *plan, weft_url_end end)
{
    int fd = plan->fd;
    wf_endpoint_set_up(e, &plan->url);
    plan->fd = -1;
    if (plan->end == NULL)
        return wf_endpoint_attach(e, fd, &plan->url, end, !plan->lent);
    wf_endpoint_sim_attach(e, plan->end);
    plan->end = NULL;
    return WEFT_OK;
}

weft_err wf_endpoint_take(wf_endpoint *e, endpoint_plan *plan)
{
    return take(e, plan, WEFT_URL_LISTEN);
}

weft_err weft_endpoint_address(const char *url, weft_address *out, weft_why *why)
{
    weft_url parsed;
    weft_err err = weft_url_parse(url, &parsed, why);
    if (err == WEFT_OK)
        err = weft_url_check(&parsed, WEFT_URL_CONNECT, why);
    if (err != WEFT_OK)
        return err;
    if (parsed.scheme == WEFT_SCHEME_SIM)
        return wf_wire_address(out, parsed.host.name, parsed.host.port, why);
    return wf_endpoint_socket_address(&parsed, out, why);
}

/* ---- in a handler */

static weft_ref begin(weft_actor *self, const char *url, weft_ref owner, weft_url_end end)
{
    weft_ref ref;
    weft_why why = {""};
    weft_address local;
    wf_endpoint *e = wf_endpoint_new(self, owner, &ref);
    endpoint_plan plan;
    if (e == NULL)
        return WEFT_NOBODY;
    if ((e->flags & ENDPOINT_CLOSED) != 0)
        return ref;
    weft_err err = open_plan(weft_sim_of(weft_system_of(self)), url, end, &plan, &local, &why);
    if (err == WEFT_OK && (err = take(e, &plan, end)) != WEFT_OK)
        (void)weft_because(&why, err, "no memory for an endpoint");
    if (err != WEFT_OK)
        wf_endpoint_lost(e, err, why.text);
    else
        wf_endpoint_begin(e);
    return ref;
}

weft_ref weft_endpoint_bind(weft_actor *self, const char *url, weft_ref owner)
{
    return begin(self, url, owner, WEFT_URL_LISTEN);
}

weft_ref weft_endpoint_connect(weft_actor *self, const char *url, weft_ref owner)
{
    return begin(self, url, owner, WEFT_URL_CONNECT);
}

static bool serves_datagrams(const weft_behaviour *behaviour)
{
    const weft_handler *row = behaviour->handlers;
    while (row != NULL && row->type != NULL && row->type != &weft_datagram_type)
        row++;
    return (row != NULL && row->type != NULL) || behaviour->otherwise != NULL;
}

/* Whether @behaviour could own an endpoint at @url. */
static weft_err check_owner(const char *url, const weft_behaviour *behaviour, weft_why *why)
{
    if (serves_datagrams(behaviour))
        return WEFT_OK;
    return weft_because(why, WEFT_EUNSUPPORTED, "%.60s: \"%.40s\" does not serve datagrams", url,
                        behaviour->name);
}

static void print_url(const weft_url *url, const weft_address *local, char *to, size_t room)
{
    wf_address_url(local, "udp", to, room);
    if (url->scheme == WEFT_SCHEME_UNIXGRAM)
        (void)snprintf(to, room, "unixgram:%.107s", local->path);
}

/* As open_plan, with the descriptor that is there already. */
static weft_err lent_plan(const char *text, int lent, endpoint_plan *plan, weft_why *why)
{
    plan->fd = lent;
    plan->lent = true;
    plan->end = NULL;
    weft_err err = weft_url_parse(text, &plan->url, why);
    if (err != WEFT_OK)
        (void)close(lent);
    return err;
}

weft_err wf_endpoint_keep(weft_actor *self, const weft_child *child, int lent, weft_address *local,
                          char *to, size_t room, weft_why *why)
{
    weft_ref ref, owner;
    endpoint_plan plan;
    weft_err err = lent >= 0 ? lent_plan(child->listen, lent, &plan, why)
                             : open_plan(weft_sim_of(weft_system_of(self)), child->listen,
                                         WEFT_URL_LISTEN, &plan, local, why);
    if (err != WEFT_OK)
        return err;
    print_url(&plan.url, local, to, room);
    err = check_owner(child->listen, child->behaviour, why);
    owner = err == WEFT_OK ? weft_spawn(self, child->behaviour, child->config) : WEFT_NOBODY;
    wf_endpoint *e = weft_ref_is_nobody(owner) ? NULL : wf_endpoint_new(self, owner, &ref);
    if (e == NULL || (e->flags & ENDPOINT_CLOSED) != 0) {
        if (plan.fd >= 0)
            wf_endpoint_socket_close(plan.fd, &plan.url, !plan.lent);
        if (plan.end != NULL)
            wf_endpoint_sim_close(plan.end);
        return err != WEFT_OK ? err : weft_because(why, WEFT_ENOMEM, "no memory for an endpoint");
    }
    err = take(e, &plan, WEFT_URL_LISTEN);
    if (err == WEFT_OK)
        wf_endpoint_begin(e);
    else
        wf_endpoint_lost(e, err, "no memory for an endpoint");
    return err;
}

/* ---- before start */

weft_err weft_bind_at(weft_system *sys, const char *url, const weft_behaviour *behaviour,
                      const void *config, weft_listening *out, weft_why *why)
{
    weft_listening got = {.listener = WEFT_NOBODY};
    weft_err err = check_owner(url, behaviour, why);
    endpoint_plan *plan = err == WEFT_OK ? weft_alloc_zero(sizeof *plan) : NULL;
    if (plan == NULL)
        return err != WEFT_OK ? err : weft_because(why, WEFT_ENOMEM, "no memory for an endpoint");
    err = open_plan(weft_sim_of(sys), url, WEFT_URL_LISTEN, plan, &got.address, why);
    if (err != WEFT_OK) {
        weft_alloc_free(plan);
        return err;
    }
    plan->behaviour = behaviour;
    plan->config = config;
    print_url(&plan->url, &got.address, got.url, sizeof got.url);
    got.listener = weft_system_spawn(sys, 0, &wf_endpoint_behaviour, plan);
    if (weft_ref_is_nobody(got.listener)) {
        wf_endpoint_plan_done(plan);
        return weft_because(why, WEFT_ENOMEM, "no memory for an endpoint");
    }
    /* it ends with the system if the rest cannot be, and closes what it holds */
    if (weft_on_phase(sys, WEFT_PHASE_CLOSE, got.listener) != WEFT_OK ||
        weft_on_phase(sys, WEFT_PHASE_DRAIN, got.listener) != WEFT_OK)
        return weft_because(why, WEFT_ELIMIT, "too many listeners");
    *out = got;
    return WEFT_OK;
}

weft_err weft_bind(weft_system *sys, const char *url, const weft_behaviour *behaviour,
                   const void *config)
{
    weft_listening got;
    weft_why why = {""};
    weft_err err = weft_bind_at(sys, url, behaviour, config, &got, &why);
    if (err != WEFT_OK) {
        weft_system_log(sys, WEFT_ERROR, "weft", why.text);
        weft_system_refuse(sys, err);
        return err;
    }
    char text[sizeof got.url + 32];
    (void)snprintf(text, sizeof text, "bound to %s", got.url);
    weft_system_log(sys, WEFT_NOTICE, behaviour->name, text);
    return WEFT_OK;
}
