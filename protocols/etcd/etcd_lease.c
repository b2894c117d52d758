/* SPDX-License-Identifier: MIT */
/* The lease: granted, renewed, lost; and the key of this node that hangs on it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "etcd.h"

static bool is_due(const etcd *e, uint32_t at, uint32_t *next)
{
    if ((int32_t)(weft_now_ms(e->self) - at) >= 0)
        return true;
    if ((int32_t)(at - *next) < 0)
        *next = at;
    return false;
}

bool wf_etcd_lease_good(const etcd *e)
{
    return e->lease != 0 && (int32_t)(weft_now_ms(e->self) - e->good_until) < 0;
}

/* ---- lost */

static void tell_lost(etcd *e)
{
    weft_store_lost lost = {.lease = e->untold};
    if (e->untold != 0 &&
        weft_event(e->self, e->registry, &weft_store_lost_type, &lost) != WEFT_ENOMEM)
        e->untold = 0;
}

void wf_etcd_lease_lost(etcd *e, const char *why)
{
    if (e->lease == 0)
        return;
    weft_log(e->self, WEFT_WARNING, "lost the lease %" PRIu64 ": %s", e->lease, why);
    e->lease = 0;
    e->registered = false;
    e->untold = e->epoch;
    tell_lost(e);
}

/* ---- granted and renewed */

/* What hangs on the lease is ours until then: its time runs from before the call was sent. A quarter of it is
 * left for owners to hear of a loss, and for a server that renewed a lease while it was the leader no more. */
static void good_from(etcd *e, uint32_t sent, uint64_t ttl_s)
{
    uint32_t ms = ttl_s < WEFT_ETCD_TTL_S_MAX ? (uint32_t)ttl_s * 1000 : WEFT_ETCD_TTL_S_MAX * 1000;
    e->good_until = sent + ms - ms / 4;
    e->refresh_at = sent + ms / 3;
}

static weft_err on_granted(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    etcd *e = weft_state(self);
    etcd_answer a;
    weft_why why = {""};
    (void)next;
    if (wf_etcd_called(e, &e->grant, got, &a, &why) != WEFT_OK || a.failed || a.lease == 0 ||
        a.ttl_s == 0) {
        weft_log(self, WEFT_NOTICE, "got no lease: %s", why.text);
        if (e->grant.again == 0)
            wf_etcd_call_failed(e, &e->grant);
    } else {
        e->lease = a.lease;
        e->epoch++;
        good_from(e, e->grant.sent, a.ttl_s);
        weft_log(self, WEFT_NOTICE, "has the lease %" PRIu64 " of %" PRIu64 " s", a.lease, a.ttl_s);
    }
    wf_etcd_answer_done(&a);
    wf_etcd_go(e);
    return WEFT_OK;
}

static weft_err on_refreshed(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    etcd *e = weft_state(self);
    etcd_answer a;
    weft_why why = {""};
    (void)next;
    weft_err err = wf_etcd_called(e, &e->refresh, got, &a, &why);
    if (err != WEFT_OK || a.failed)
        weft_log(self, WEFT_INFO, "could not renew the lease: %s", why.text);
    else if (a.lease != e->lease)
        e->refresh.again = 0; /* of one that was lost meanwhile */
    else if (a.ttl_s == 0)
        wf_etcd_lease_lost(e, "etcd knows it no more");
    else
        good_from(e, e->refresh.sent, a.ttl_s);
    wf_etcd_answer_done(&a);
    wf_etcd_go(e);
    return WEFT_OK;
}

/* ---- this node's key */

static weft_err on_put(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    etcd *e = weft_state(self);
    etcd_answer a;
    weft_why why = {""};
    (void)next;
    if (wf_etcd_called(e, &e->put, got, &a, &why) == WEFT_OK && !a.failed)
        e->registered = e->lease == e->put_lease;
    else if (wf_etcd_no_lease(&a) && e->lease == e->put_lease)
        wf_etcd_lease_lost(e, why.text);
    else
        weft_log(self, WEFT_INFO, "could not join: %s", why.text);
    wf_etcd_answer_done(&a);
    wf_etcd_go(e);
    return WEFT_OK;
}

void wf_etcd_lease_go(etcd *e, uint32_t *next)
{
    char body[ETCD_REQUEST_BYTES], key[ETCD_KEY_BYTES];
    tell_lost(e);
    if (e->untold != 0)
        *next = weft_now_ms(e->self) + 1;
    if (e->lease != 0 && is_due(e, e->good_until, next))
        wf_etcd_lease_lost(e, "it could not be renewed in time");
    if (e->lease == 0) {
        if (e->closing == NULL && wf_etcd_may_call(e, &e->grant, next)) {
            wf_etcd_write_grant(body, e->ttl_s);
            (void)wf_etcd_call(e, &e->grant, "lease/grant", body, false, on_granted, NULL);
        }
        return;
    }
    if (is_due(e, e->refresh_at, next) && wf_etcd_may_call(e, &e->refresh, next)) {
        wf_etcd_write_lease(body, e->lease);
        (void)wf_etcd_call(e, &e->refresh, "lease/keepalive", body, false, on_refreshed, NULL);
    }
    if (!e->registered && !e->config->names_only && wf_etcd_may_call(e, &e->put, next)) {
        (void)snprintf(key, sizeof key, "%snodes/%s", e->prefix, e->node);
        wf_etcd_write_put(body, key, e->config->url != NULL ? e->config->url : "", e->lease);
        e->put_lease = e->lease;
        (void)wf_etcd_call(e, &e->put, "kv/put", body, false, on_put, NULL);
    }
}

/* ---- given back */

static void answer_close(etcd *e)
{
    (void)weft_reply(e->closing, weft_store_given, 0);
    weft_drop(&e->closing);
    e->closed = true;
}

static weft_err on_revoked(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    etcd *e = weft_state(self);
    (void)next, (void)got; /* if it failed the lease ends by itself */
    e->grant.asked = false;
    if (e->closing != NULL)
        answer_close(e);
    return WEFT_OK;
}

void wf_etcd_revoke(etcd *e)
{
    char body[ETCD_REQUEST_BYTES];
    bool sent = false;
    if (e->lease != 0 && !e->grant.asked) {
        wf_etcd_write_lease(body, e->lease);
        sent = wf_etcd_call(e, &e->grant, "lease/revoke", body, false, on_revoked, NULL);
    }
    e->lease = 0;
    if (!sent)
        answer_close(e);
}
