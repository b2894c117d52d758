/* SPDX-License-Identifier: MIT */
/* The relay of UDP ASSOCIATE: an endpoint for the client, and one for each family of its targets.
 *
 *   client ── header, bytes ──▶ inside ──▶ outside (v4, v6) ──▶ target
 *   client ◀── header, bytes ── inside ◀── outside ◀─────────── target
 *
 * What is not the client's, is in fragments, or goes to or comes from where the rules do not allow, is dropped, as a
 * datagram may be. Names are resolved as far as that needs no look-up. */
#include "socks_associate.h"

#include <stdio.h>
#include <string.h>

#include <weft/datagram.h>
#include <weft/socks.h>
#include <weft/timer.h>

#include "socks_codec.h"
#include "socks_rules.h"

const weft_type wf_socks_associated_type =
    WEFT_TYPE("weft.socks_associated", wf_socks_associated, NULL);
const weft_type wf_socks_associate_type =
    WEFT_TYPE("weft.socks_associate", wf_socks_associate, &wf_socks_associated_type);

typedef struct relay {
    weft_msg *asked; /* kept until the client's endpoint is up */
    weft_ref inside, outside4, outside6;
    wf_socks_place client; /* whose datagrams are taken */
    weft_address answer;   /* where they came from */
    uint32_t came_ms;
} relay;

typedef struct relay_idle {
    char nothing;
} relay_idle;
static const weft_type relay_idle_type = WEFT_TYPE("weft.socks_relay_idle", relay_idle, NULL);

static bool watch_idle(weft_actor *self, uint32_t delay_ms)
{
    return weft_after(self, delay_ms, relay_idle, .nothing = 0).slot != 0;
}

/* ---- its beginning and its end */

static weft_err on_associate(weft_actor *self, weft_msg *msg)
{
    relay *r = weft_state(self);
    const wf_socks_associate *a = weft_body(msg);
    const weft_socks_config *config = weft_config(self);
    char host[WEFT_ADDRESS_TEXT_BYTES], url[WEFT_ADDRESS_TEXT_BYTES + 16];
    bool v6 = a->local.family == WEFT_FAMILY_V6;
    (void)snprintf(url, sizeof url, "udp://%s%s%s:0", v6 ? "[" : "",
                   weft_address_host(&a->local, host), v6 ? "]" : "");
    r->client = wf_socks_place_at(&a->client);
    r->came_ms = weft_now_ms(self);
    r->inside = weft_endpoint_bind(self, url, weft_self(self));
    if (weft_ref_is_nobody(r->inside) ||
        (config->idle_ms != 0 && !watch_idle(self, config->idle_ms)))
        return weft_stop(self, WEFT_ENOMEM);
    r->asked = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    relay *r = weft_state(self);
    const weft_endpoint_opened *opened = weft_body(msg);
    if (r->asked == NULL || !weft_ref_same(opened->endpoint, r->inside))
        return WEFT_OK;
    (void)weft_reply(r->asked, wf_socks_associated, .bound = opened->local);
    weft_drop(&r->asked);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    relay *r = weft_state(self);
    const weft_endpoint_closed *closed = weft_body(msg);
    if (weft_ref_same(closed->endpoint, r->inside)) {
        if (r->asked != NULL) {
            (void)weft_fail(r->asked, closed->reason, "%s", closed->why);
            weft_drop(&r->asked);
        }
        return weft_stop(self, WEFT_OK);
    }
    /* the next datagram tries again */
    if (weft_ref_same(closed->endpoint, r->outside4))
        r->outside4 = WEFT_NOBODY;
    else
        r->outside6 = WEFT_NOBODY;
    return WEFT_OK;
}

static weft_err on_idle(weft_actor *self, weft_msg *msg)
{
    const relay *r = weft_state(self);
    const weft_socks_config *config = weft_config(self);
    uint32_t still_ms = weft_now_ms(self) - r->came_ms;
    (void)msg;
    if (still_ms < config->idle_ms && watch_idle(self, config->idle_ms - still_ms))
        return WEFT_OK;
    return weft_stop(self, WEFT_OK);
}

/* ---- to a target */

static bool is_client(relay *r, const weft_address *from)
{
    wf_socks_place place = wf_socks_place_at(from);
    if (place.address.family != r->client.address.family ||
        memcmp(place.address.ip, r->client.address.ip, sizeof place.address.ip) != 0)
        return false;
    if (r->client.port == 0)
        r->client.port = place.port; /* RFC 1928 section 7: whoever it is must stay the same */
    if (r->client.port != place.port)
        return false;
    r->answer = *from;
    return true;
}

static weft_ref outside_of(weft_actor *self, relay *r, const weft_address *to)
{
    bool v6 = to->family == WEFT_FAMILY_V6;
    weft_ref *outside = v6 ? &r->outside6 : &r->outside4;
    if (weft_ref_is_nobody(*outside))
        *outside = weft_endpoint_bind(self, v6 ? "udp://[::]:0?v6only=on" : "udp://0.0.0.0:0",
                                      weft_self(self));
    return *outside;
}

static weft_err to_target(weft_actor *self, relay *r, weft_bytes in)
{
    const weft_socks_config *config = weft_config(self);
    wf_socks_request target;
    weft_address to;
    char url[WF_SOCKS_NAME_BYTES_MAX + 32];
    size_t head = wf_socks_read_packet(in.at, in.size, &target);
    if (head == 0)
        return WEFT_OK;
    wf_socks_place place = wf_socks_place_of(target.host, target.port);
    bool v6 = strchr(target.host, ':') != NULL;
    (void)snprintf(url, sizeof url, "udp://%s%s%s:%u", v6 ? "[" : "", target.host, v6 ? "]" : "",
                   target.port);
    if (!wf_socks_allowed(config->allow, config->deny, &place) ||
        weft_endpoint_address(url, &to, NULL) != WEFT_OK)
        return WEFT_OK;
    wf_socks_place there = wf_socks_place_at(&to);
    if (wf_socks_rules_match(config->deny, &there))
        return WEFT_OK;
    /* the queue may be full: then it is lost, as on any other hop */
    (void)weft_send(self, outside_of(self, r, &to), &to, weft_bytes_slice(in, head, SIZE_MAX));
    return WEFT_OK;
}

/* ---- and back */

static weft_err to_client(weft_actor *self, const relay *r, const weft_datagram *d)
{
    const weft_socks_config *config = weft_config(self);
    wf_socks_place place = wf_socks_place_at(&d->from);
    uint8_t head[WF_SOCKS_SAY_BYTES], *to;
    weft_bytes packet;
    size_t n = wf_socks_say_packet(&d->from, head);
    if (r->answer.family == WEFT_FAMILY_NONE || wf_socks_rules_match(config->deny, &place) ||
        weft_bytes_new(n + d->bytes.size, &to, &packet) != WEFT_OK)
        return WEFT_OK;
    memcpy(to, head, n);
    if (d->bytes.size != 0)
        memcpy(to + n, d->bytes.at, d->bytes.size);
    (void)weft_send(self, r->inside, &r->answer, packet);
    weft_bytes_drop(&packet);
    return WEFT_OK;
}

static weft_err on_datagram(weft_actor *self, weft_msg *msg)
{
    relay *r = weft_state(self);
    const weft_datagram *d = weft_body(msg);
    bool inside = weft_ref_same(d->endpoint, r->inside);
    if (d->truncated || (inside && !is_client(r, &d->from)))
        return WEFT_OK;
    r->came_ms = weft_now_ms(self);
    return inside ? to_target(self, r, d->bytes) : to_client(self, r, d);
}

static const weft_handler handlers[] = {
    {.type = &wf_socks_associate_type, .fn = on_associate},
    {.type = &weft_endpoint_opened_type, .fn = on_opened},
    {.type = &weft_datagram_type, .fn = on_datagram},
    {.type = &weft_endpoint_closed_type, .fn = on_closed},
    {.type = &relay_idle_type, .fn = on_idle},
    {0},
};

const weft_behaviour wf_socks_association = {
    .name = "socks association", .handlers = handlers, .state_bytes = sizeof(relay)};
