/* SPDX-License-Identifier: MIT */
/* Admission: the networks allowed and denied, and the count of each peer. */
#include "admission.h"

#include <weft/edge.h>

#include "networks.h"

struct wf_admission {
    wf_networks allow, deny;
    wf_peers *peers; /* NULL: not counted */
};

static weft_err read_lists(const weft_url *url, wf_admission_point point, wf_admission *a,
                           weft_why *why)
{
    bool proxied = url->options.proxy != 0;
    if (point == WF_AT_ACCEPT && proxied)
        return wf_networks_read(url, WEFT_URL_PROXY_FROM, &a->allow, why);
    weft_err err = wf_networks_read(url, WEFT_URL_ALLOW, &a->allow, why);
    return err == WEFT_OK ? wf_networks_read(url, WEFT_URL_DENY, &a->deny, why) : err;
}

static weft_err fill(const weft_url *url, wf_admission_point point, wf_admission *a, weft_why *why)
{
    const weft_url_options *o = &url->options;
    weft_err err = read_lists(url, point, a, why);
    bool counts = o->peer_conns_max != 0 && (point == WF_AT_HEADER) == (o->proxy != 0);
    if (err != WEFT_OK || !counts)
        return err;
    a->peers = wf_peers_new(o->peer_conns_max, o->peer_prefix);
    return a->peers != NULL ? WEFT_OK : weft_because(why, WEFT_ENOMEM, "no memory for a listener");
}

weft_err wf_admission_open(const weft_url *url, wf_admission_point point, wf_admission **out,
                           weft_why *why)
{
    wf_admission *a = weft_alloc_zero(sizeof *a);
    if (a == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a listener");
    weft_err err = fill(url, point, a, why);
    if (err != WEFT_OK || (a->allow.n == 0 && a->deny.n == 0 && a->peers == NULL))
        wf_admission_drop(a);
    else
        *out = a;
    return err;
}

void wf_admission_drop(wf_admission *a)
{
    if (a == NULL)
        return;
    wf_peers_drop(a->peers);
    weft_alloc_free(a);
}

/* The longest prefix says; of two as long, deny does. Who is in neither list is let in if there is no list of
 * those who are. */
static bool allowed(const wf_admission *a, const weft_address *peer)
{
    if (peer->family != WEFT_FAMILY_V4 && peer->family != WEFT_FAMILY_V6)
        return true;
    int allow = wf_networks_match(&a->allow, peer), deny = wf_networks_match(&a->deny, peer);
    return allow > deny || (allow < 0 && deny < 0 && a->allow.n == 0);
}

weft_err wf_admission_enter(wf_admission *a, const weft_address *peer, wf_peer **counted)
{
    if (a == NULL)
        return WEFT_OK;
    if (!allowed(a, peer))
        return WEFT_EDENIED;
    return a->peers != NULL ? wf_peers_enter(a->peers, peer, counted) : WEFT_OK;
}
