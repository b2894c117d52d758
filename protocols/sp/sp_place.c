/* SPDX-License-Identifier: MIT */
/* Places: a URL of a socket, and what whoever is connected there has to know.
 *
 * Connections are made on every reactor, and begin with a look at their place: it may go when the listeners have said
 * that they have none left. A socket that is ended by force does not hear that, so its places stay as long as the system:
 * a few hundred bytes, for each such end. */
#include <stdio.h>
#include <string.h>

#include <weft/edge.h>

#include "sp_socket.h"

static weft_ref dial(weft_actor *self, const weft_reconnect_config *config)
{
    const wf_sp_place *place = config->context;
    if (place->url.web)
        return weft_ws_connect(self, place->dialled, &place->call, weft_self(self));
    return weft_connect(self, config->url, weft_self(self));
}

/* The subprotocol names whoever listens (sp-websocket-mapping-01). */
static void set_web(wf_sp_place *p, bool listens)
{
    const char *name = listens ? p->kind->name : weft_sp_kind_name(p->kind->peer);
    const weft_ws_options options = {.message_bytes_max = p->message_bytes_max, .no_deflate = true};
    (void)snprintf(p->protocol, sizeof p->protocol, "%s.sp.nanomsg.org", name);
    p->protocols[0] = p->protocol;
    (void)snprintf(p->route, sizeof p->route, "GET %s", p->url.path);
    p->sockets = (weft_websocket_config){
        .behaviour = &wf_sp_pipe, .config = p, .options = options, .protocols = p->protocols};
    p->routes[0] =
        (weft_http_route){.route = p->route, .use = &weft_websocket, .config = &p->sockets};
    p->call = (weft_ws_call){.options = options, .protocols = p->protocols, .to = p->url.stream};
    const char *host = strstr(p->url.stream, "://") + 3;
    (void)snprintf(p->dialled, sizeof p->dialled, "ws://%.*s%s", (int)strcspn(host, "/?"), host,
                   p->url.path);
}

static void set_limits(wf_sp_place *p, const weft_sp_config *config)
{
    p->message_bytes_max = config->message_bytes_max;
    p->requests_max = p->kind->stack ? config->pipe_requests_max : 1;
    p->reply_ms = p->kind->stack ? config->reply_ms : WEFT_NO_LIMIT;
    p->hops_max = config->hops_max;
}

weft_err wf_sp_place_new(weft_actor *self, const weft_sp_config *config, const char *text,
                         bool listens, const wf_sp_kind_row **kind, wf_sp_place **out,
                         weft_why *why)
{
    wf_sp_place *p = weft_alloc_zero(sizeof *p);
    if (p == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for \"%.60s\"", text);
    weft_err err = weft_sp_url_parse(text, listens, &p->url, why);
    if (err != WEFT_OK) {
        weft_alloc_free(p);
        return err;
    }
    p->kind = wf_sp_kind_of(p->url.kind);
    if (*kind != NULL && *kind != p->kind) {
        weft_alloc_free(p);
        return weft_because(why, WEFT_EINVAL, "a socket is of one kind: \"%.80s\" is not %s", text,
                            (*kind)->name);
    }
    *kind = p->kind;
    p->socket = weft_self(self);
    set_limits(p, config);
    if (p->url.web)
        set_web(p, listens);
    p->reconnect = (weft_reconnect_config){.url = p->url.stream,
                                           .delay_ms = config->delay_ms,
                                           .delay_max_ms = config->delay_max_ms,
                                           .connect = dial,
                                           .context = p};
    *out = p;
    return WEFT_OK;
}

void wf_sp_place_free(wf_sp_place *place)
{
    weft_alloc_free(place);
}

/* ---- those that stay */

static void free_kept(void *kept)
{
    for (wf_sp_place *p = kept, *next; p != NULL; p = next) {
        next = p->next;
        weft_alloc_free(p);
    }
}

void wf_sp_place_leave(wf_sp_place *place)
{
    void **kept = weft_kept(WEFT_KEPT_SP);
    place->next = *kept;
    *kept = place;
    weft_kept_set_free(WEFT_KEPT_SP, free_kept);
}
