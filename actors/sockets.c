/* SPDX-License-Identifier: MIT */
/* Addresses of a tree, opened before it starts and kept while it runs: a child that is restarted need not
 * open its own again, which it might not be allowed to any more, and refuses nobody meanwhile. */
#include "sockets.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <weft/edge.h>
#include <weft/url.h>

#include "endpoint.h"
#include "nng/nng_stream.h"
#include "socket.h"
#include "tls/tls_url.h"
#include "wire.h"

typedef struct opened {
    struct opened *next;
    const weft_child *row;
    weft_url url;
    weft_address address;
    int fd; /* -1: closed */
    unsigned n;
    weft_ref member[WEFT_REACTORS_MAX];
} opened;

typedef struct sockets {
    opened *first;
} sockets;

static void close_one(opened *o)
{
    if (o->fd < 0)
        return;
    if ((o->url.scheme == WEFT_SCHEME_UNIX || o->url.scheme == WEFT_SCHEME_UNIXGRAM) &&
        !o->url.abstract)
        (void)unlink(o->url.path); /* first: whoever comes next may bind it anew */
    (void)close(o->fd);
    o->fd = -1;
}

static void sockets_free(void *kept)
{
    sockets *s = kept;
    for (opened *o = s->first, *next; o != NULL; o = next) {
        next = o->next;
        close_one(o);
        weft_alloc_free(o);
    }
    weft_alloc_free(s);
}

static weft_err open_one(sockets *s, const weft_child *child, weft_why *why)
{
    opened *o = weft_alloc_zero(sizeof *o);
    if (o == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a listener");
    weft_err err = weft_url_parse(child->listen, &o->url, why);
    if (err == WEFT_OK)
        err = weft_url_check(&o->url, WEFT_URL_LISTEN, why);
    if (err == WEFT_OK && o->url.scheme == WEFT_SCHEME_SIM)
        err = weft_because(why, WEFT_EINVAL, "%s: simulated wires exist in tests only",
                           child->listen);
    if (err == WEFT_OK && wf_scheme_is_nng(o->url.scheme)) {
        /* its keeper has NNG listen, as the user that the program has become */
        weft_alloc_free(o);
        return WEFT_OK;
    }
    o->fd = -1;
    if (err == WEFT_OK && wf_is_datagram(&o->url))
        o->fd = wf_endpoint_socket(&o->url, WEFT_URL_LISTEN, &o->address, &err, why);
    else if (err == WEFT_OK)
        o->fd = wf_socket_listen(&o->url, &o->address, &err, why);
    if (o->fd < 0) {
        weft_alloc_free(o);
        return err;
    }
    o->row = child;
    o->next = s->first;
    s->first = o;
    return WEFT_OK;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tables of the program are nested */
static weft_err open_table(sockets *s, const weft_supervisor *tree, weft_why *why)
{
    weft_err err = WEFT_OK;
    for (const weft_child *c = tree->children; err == WEFT_OK && c != NULL && c->behaviour != NULL;
         c++)
        if (c->isolated)
            continue; /* its process opens its own */
        else if (c->listen != NULL)
            err = open_one(s, c, why);
        else if (c->behaviour == &weft_supervisor_behaviour && c->config != NULL)
            err = open_table(s, c->config, why);
    return err;
}

weft_err wf_sockets_open(weft_system *sys, const weft_supervisor *tree, weft_why *why)
{
    if (tree == NULL || weft_sim_of(sys) != NULL)
        return WEFT_OK;
    sockets *s = weft_alloc_zero(sizeof *s);
    if (s == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for listeners");
    weft_err err = open_table(s, tree, why);
    if (err == WEFT_OK)
        weft_system_keep(sys, WEFT_KEPT_SOCKETS, s, sockets_free);
    else
        sockets_free(s);
    return err;
}

static weft_err check_one(const weft_child *child, weft_why *why)
{
    weft_url url;
    void *prepared = NULL;
    weft_why wrong = {""};
    weft_err err = weft_url_parse(child->listen, &url, why);
    if (err != WEFT_OK || wf_is_datagram(&url))
        return err;
    err = wf_tls_part.prepare(&url, WEFT_URL_LISTEN, &prepared, &wrong);
    if (prepared != NULL)
        wf_tls_part.drop(prepared);
    return err == WEFT_OK ? WEFT_OK
                          : weft_because(why, err, "unable to listen at %.100s: %s", child->listen,
                                         wrong.text);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the tables of the program are nested */
weft_err wf_sockets_check(const weft_supervisor *tree, weft_why *why)
{
    weft_err err = WEFT_OK;
    for (const weft_child *c = tree->children; err == WEFT_OK && c != NULL && c->behaviour != NULL;
         c++)
        if (c->listen != NULL)
            err = check_one(c, why);
        else if (c->behaviour == &weft_supervisor_behaviour && c->config != NULL)
            err = wf_sockets_check(c->config, why);
    return err;
}

static opened *find(const weft_child *child)
{
    const sockets *s = *weft_kept(WEFT_KEPT_SOCKETS);
    opened *o = s != NULL ? s->first : NULL;
    while (o != NULL && o->row != child)
        o = o->next;
    return o;
}

int wf_sockets_of(const weft_child *child, weft_address *out)
{
    const opened *o = find(child);
    if (o == NULL || o->fd < 0)
        return -1;
    *out = o->address;
    return fcntl(o->fd, F_DUPFD_CLOEXEC, 0);
}

void wf_sockets_serve(const weft_child *child, weft_ref first, const weft_ref *members, unsigned n)
{
    opened *o = find(child);
    if (o == NULL)
        return;
    memcpy(o->member, members, n * sizeof *members);
    o->member[0] = first;
    o->n = n;
}

/* What it comes to shows when the tree stops; a listener that has ended meanwhile has nothing left to do. */
static void ask(weft_actor *self, weft_ref who, weft_phase phase, uint32_t grace_ms)
{
    (void)weft_ignore(self, weft_ask_within(self, who, grace_ms, weft_phase_begins, .phase = phase,
                                            .grace_ms = grace_ms));
}

void wf_sockets_close(weft_actor *self)
{
    enum { CLOSE_MS = 1000 };
    const sockets *s = *weft_kept(WEFT_KEPT_SOCKETS);
    for (opened *o = s != NULL ? s->first : NULL; o != NULL; o = o->next) {
        if (o->n != 0)
            ask(self, o->member[0], WEFT_PHASE_CLOSE, CLOSE_MS);
        close_one(o);
    }
}

void wf_sockets_drain(weft_actor *self, uint32_t grace_ms)
{
    const sockets *s = *weft_kept(WEFT_KEPT_SOCKETS);
    for (const opened *o = s != NULL ? s->first : NULL; o != NULL; o = o->next)
        for (unsigned i = 0; i < o->n; i++)
            ask(self, o->member[i], WEFT_PHASE_DRAIN, grace_ms);
}
