/* SPDX-License-Identifier: MIT */
/* The PROXY protocol on a connection: a header read before `opened` is told, or written before all else.
 *
 *   wire ─▶ [header] [the client's bytes ...] ─▶ stage: takes the header, passes the rest ─▶ TLS ... owner */
#include <string.h>

#include <weft/net.h>

#include "admission.h"
#include "pipeline.h"
#include "proxy_header.h"

/* What was read of a URL. */
typedef struct proxy_plan {
    unsigned versions; /* bits of wf_proxy_version */
    bool listens;
    wf_admission *admission; /* of whom the header speaks */
} proxy_plan;

typedef struct proxy_state {
    const proxy_plan *plan; /* lives as long as the listener, whose child the connection is */
    bool read;              /* the header came */
    bool known;             /* and there are addresses in it */
    weft_address source, destination;
} proxy_state;

/* ---- reading */

static weft_err in_open(weft_stage *stage, const void *config, weft_why *why)
{
    proxy_state *s = weft_stage_state(stage);
    (void)why;
    s->plan = config;
    return WEFT_OK;
}

static weft_err turn_away(const weft_address *client, weft_err err, weft_why *why)
{
    char host[WEFT_ADDRESS_TEXT_BYTES];
    (void)weft_address_host(client, host);
    weft_count(err == WEFT_EDENIED ? WEFT_COUNT_CONNS_DENIED : WEFT_COUNT_CONNS_CROWDED);
    if (err == WEFT_EDENIED)
        return weft_because(why, err, "%s is not allowed here", host);
    if (err == WEFT_ELIMIT)
        return weft_because(why, err, "%s has as many connections as it may", host);
    return weft_because(why, err, "no memory to count the connections of %s", host);
}

static weft_err read_header(weft_stage *stage, proxy_state *s, weft_bytes in, size_t *used,
                            weft_why *why)
{
    wf_proxy_header header;
    weft_err err = wf_proxy_header_read(in.at, in.size, s->plan->versions, &header, why);
    if (err != WEFT_OK)
        return err == WEFT_EFULL ? WEFT_OK : err;
    /* for LOCAL, and without addresses, it is the proxy itself, which was let in when it was accepted */
    if (header.known)
        err = wf_admission_enter(s->plan->admission, &header.source, &stage->owner->rare->peer);
    if (err != WEFT_OK)
        return turn_away(&header.source, err, why);
    s->read = true;
    s->known = header.known;
    s->source = header.source;
    s->destination = header.destination;
    *used = header.bytes;
    weft_stage_ready(stage);
    return WEFT_OK;
}

static weft_err in_up(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    proxy_state *s = weft_stage_state(stage);
    size_t used = 0;
    weft_err err = s->read ? WEFT_OK : read_header(stage, s, in, &used, why);
    if (err != WEFT_OK || !s->read)
        return err;
    if (in.size > used)
        *out = (weft_piece){.kind = WEFT_PIECE_BYTES,
                            .bytes = weft_bytes_share(weft_bytes_slice(in, used, SIZE_MAX))};
    weft_stage_take(stage, in.size);
    return WEFT_OK;
}

static void in_about(const weft_stage *stage, weft_address *local, weft_address *peer)
{
    const proxy_state *s = weft_stage_state((weft_stage *)(uintptr_t)stage);
    if (!s->known)
        return;
    *local = s->destination;
    *peer = s->source;
}

static const weft_stage_ops in_ops = {
    .name = "PROXY",
    .state_bytes = sizeof(proxy_state),
    .open = in_open,
    .up = in_up,
    .holds = true,
    .about = in_about,
};

/* ---- writing */

/* No stage: the header stands in the queue before anything else does, and that is all. */
static weft_err write_header(conn *c, wf_proxy_version version, weft_why *why)
{
    weft_address local = {.family = WEFT_FAMILY_NONE}, peer = local;
    uint8_t header[WF_PROXY_OUT_BYTES_MAX];
    if (c->rare != NULL && c->rare->behalf != NULL) {
        peer = c->rare->behalf->peer;
        local = c->rare->behalf->local;
    } else {
        /* on nobody's behalf: it is the source itself */
        wf_conn_addresses(c, &peer, &local);
    }
    weft_err err =
        wf_conn_queue_copy(c, header, wf_proxy_header_write(version, &peer, &local, header));
    return err == WEFT_OK ? err : weft_because(why, err, "no memory for the PROXY header");
}

weft_ref weft_connect_for(weft_actor *self, const char *url, weft_ref owner,
                          const weft_address *local, const weft_address *peer)
{
    weft_ref stream = weft_connect(self, url, owner);
    conn *c = wf_conn_here(stream);
    if (c == NULL || (c->flags & CONN_OPENING) == 0)
        return stream;
    conn_behalf *behalf = wf_conn_rare_of(c) != NULL ? weft_alloc(sizeof *behalf) : NULL;
    if (behalf == NULL) {
        wf_conn_lost(c, WEFT_ENOMEM, "no memory for whom it connects for");
        return stream;
    }
    *behalf = (conn_behalf){.local = *local, .peer = *peer};
    c->rare->behalf = behalf;
    return stream;
}

/* ---- the part */

static weft_err proxy_prepare(const weft_url *url, weft_url_end end, void **out, weft_why *why)
{
    bool listens = end == WEFT_URL_LISTEN;
    weft_err err = WEFT_OK;
    if (weft_url_given(url, WEFT_URL_PROXY_FROM) && url->options.proxy == 0)
        return weft_because(why, WEFT_EINVAL,
                            "the option \"proxy_from\" says who sends PROXY headers: expected "
                            "proxy=v1, v2 or any with it");
    if (url->options.proxy == 0)
        return WEFT_OK;
    if (!listens && url->options.proxy == (WF_PROXY_V1 | WF_PROXY_V2))
        return weft_because(why, WEFT_EINVAL,
                            "one connects with proxy=v1 or proxy=v2; any is for listening");
    proxy_plan *plan = weft_alloc_zero(sizeof *plan);
    if (plan == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the PROXY protocol");
    *plan = (proxy_plan){.versions = url->options.proxy, .listens = listens};
    if (listens)
        err = wf_admission_open(url, WF_AT_HEADER, &plan->admission, why);
    if (err == WEFT_OK)
        *out = plan;
    else
        weft_alloc_free(plan);
    return err;
}

static weft_err proxy_push(conn *c, void *prepared, const weft_url *url, weft_why *why)
{
    const proxy_plan *plan = prepared;
    (void)url;
    if (plan->listens)
        return weft_push(conn_actor(c), weft_self(conn_actor(c)), &in_ops, plan, WEFT_STAGE_TOP,
                         why);
    return write_header(c, (wf_proxy_version)plan->versions, why);
}

static void proxy_drop(void *prepared)
{
    proxy_plan *plan = prepared;
    wf_admission_drop(plan->admission);
    weft_alloc_free(plan);
}

const wf_pipeline_part wf_proxy_part = {
    .name = "PROXY", .prepare = proxy_prepare, .push = proxy_push, .drop = proxy_drop};
