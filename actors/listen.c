/* SPDX-License-Identifier: MIT */
/* Listening, from outside: what the listeners of a URL share is opened, and they are spawned. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "endpoint.h"
#include "listen.h"
#include "socket.h"
#include "url_parts.h"

void wf_listening_close(wf_listening *shared)
{
    if (shared->wire != NULL)
        wf_wire_unlisten(shared->wire);
    if (shared->nng != NULL)
        wf_nng_unlisten(shared->nng);
    shared->wire = NULL;
    shared->nng = NULL;
    if (shared->fd < 0)
        return;
    /* in this order: once nobody listens at the path, whoever comes next may have bound it anew */
    if (shared->url.scheme == WEFT_SCHEME_UNIX && !shared->url.abstract && !shared->lent)
        (void)unlink(shared->url.path);
    (void)close(shared->fd);
    shared->fd = -1;
}

static void listening_free(wf_listening *shared)
{
    wf_listening_close(shared);
    wf_pipeline_drop(&shared->pipeline);
    wf_admission_drop(shared->admission);
    weft_alloc_free(shared);
}

static weft_err read_url(weft_system *sys, const char *text, weft_url *url, weft_why *why)
{
    weft_err err = weft_url_parse(text, url, why);
    if (err == WEFT_OK)
        err = weft_url_check(url, WEFT_URL_LISTEN, why);
    return err == WEFT_OK ? wf_wire_check(weft_sim_of(sys), url, why) : err;
}

/* Opens the place itself, unless it is lent. */
static weft_err open_place(weft_system *sys, wf_listening *shared, weft_listening *out,
                           weft_why *why)
{
    struct weft_sim *sim = weft_sim_of(sys);
    weft_err err = WEFT_OK;
    if (shared->lent)
        return WEFT_OK;
    if (sim != NULL)
        shared->wire = wf_wire_listen(sim, &shared->url, &out->address, &err, why);
    else if (wf_scheme_is_nng(shared->url.scheme))
        shared->nng = wf_nng_listen(&shared->url, &shared->fd, &out->address, &err, why);
    else
        shared->fd = wf_socket_listen(&shared->url, &out->address, &err, why);
    return err;
}

static weft_err fill(weft_system *sys, const char *text, wf_listening *shared, weft_listening *out,
                     weft_why *why)
{
    weft_err err = read_url(sys, text, &shared->url, why);
    if (err == WEFT_OK)
        err = wf_pipeline_open(&shared->url, WEFT_URL_LISTEN, &shared->pipeline, why);
    if (err == WEFT_OK)
        err = wf_admission_open(&shared->url, WF_AT_ACCEPT, &shared->admission, why);
    return err == WEFT_OK ? open_place(sys, shared, out, why) : err;
}

wf_listening *wf_listening_open(weft_system *sys, const char *text, const weft_behaviour *behaviour,
                                const void *config, int lent, weft_listening *out, weft_err *err,
                                weft_why *why)
{
    wf_listening *shared = weft_alloc_zero(sizeof *shared);
    if (shared == NULL) {
        *err = weft_because(why, WEFT_ENOMEM, "no memory for a listener");
        if (lent >= 0)
            (void)close(lent);
        return NULL;
    }
    *shared =
        (wf_listening){.behaviour = behaviour, .config = config, .fd = lent, .lent = lent >= 0};
    shared->n = weft_system_reactors(sys);
    atomic_store_explicit(&shared->users, 1, memory_order_relaxed);
    out->listener = WEFT_NOBODY;
    *err = fill(sys, text, shared, out, why);
    if (*err != WEFT_OK) {
        listening_free(shared);
        return NULL;
    }
    weft_scheme scheme = shared->url.scheme;
    if (shared->fd >= 0 && shared->nng == NULL && !wf_scheme_is_local(scheme) &&
        wf_address_is_one(&out->address))
        shared->local = out->address;
    wf_address_url(&out->address, wf_scheme_is_local(scheme) ? "tcp" : wf_scheme_row(scheme)->name,
                   out->url, sizeof out->url);
    if (out->address.family == WEFT_FAMILY_NONE || scheme == WEFT_SCHEME_NNG_IPC)
        (void)weft_url_print(&shared->url, out->url, sizeof out->url);
    return shared;
}

void wf_listening_use(wf_listening *shared)
{
    atomic_fetch_add_explicit(&shared->users, 1, memory_order_relaxed);
}

void wf_listening_leave(wf_listening *shared)
{
    /* the last of them frees what they share; release: its uses come before that */
    if (atomic_fetch_sub_explicit(&shared->users, 1, memory_order_acq_rel) == 1)
        listening_free(shared);
}

static weft_err spawn_members(weft_system *sys, wf_listening *shared, weft_why *why)
{
    for (unsigned i = 0; i < shared->n; i++) {
        shared->member[i] = weft_system_spawn(sys, i, &wf_listener_behaviour, shared);
        if (weft_ref_is_nobody(shared->member[i]))
            return weft_because(why, WEFT_ENOMEM, "no memory for a listener");
        wf_listening_use(shared);
        if (weft_on_phase(sys, WEFT_PHASE_CLOSE, shared->member[i]) != WEFT_OK ||
            weft_on_phase(sys, WEFT_PHASE_DRAIN, shared->member[i]) != WEFT_OK)
            return weft_because(why, WEFT_ELIMIT, "too many listeners");
    }
    return WEFT_OK;
}

weft_err weft_listen_at(weft_system *sys, const char *text, const weft_behaviour *behaviour,
                        const void *config, weft_listening *out, weft_why *why)
{
    weft_err err;
    weft_url url;
    if (weft_url_parse(text, &url, NULL) == WEFT_OK && wf_is_datagram(&url))
        return weft_bind_at(sys, text, behaviour, config, out, why);
    weft_listening got = {.listener = WEFT_NOBODY};
    wf_listening *shared = wf_listening_open(sys, text, behaviour, config, -1, &got, &err, why);
    if (shared == NULL)
        return err;
    /* what was spawned when the rest could not be ends with the system, and closes what it holds */
    err = spawn_members(sys, shared, why);
    got.listener = shared->member[0];
    wf_listening_leave(shared);
    if (err == WEFT_OK)
        *out = got;
    return err;
}

weft_err weft_listen(weft_system *sys, const char *url, const weft_behaviour *behaviour,
                     const void *config)
{
    weft_listening got;
    weft_why why = {""};
    weft_err err = weft_listen_at(sys, url, behaviour, config, &got, &why);
    if (err != WEFT_OK) {
        weft_system_log(sys, WEFT_ERROR, "weft", why.text);
        weft_system_refuse(sys, err);
        return err;
    }
    char text[sizeof got.url + 32];
    (void)snprintf(text, sizeof text, "listening at %s", got.url);
    weft_system_log(sys, WEFT_NOTICE, behaviour->name, text);
    return WEFT_OK;
}

int weft_serve(const char *url, const weft_behaviour *behaviour, const void *config)
{
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL)
        return 71; /* EX_OSERR */
    (void)weft_listen(sys, url, behaviour, config);
    return weft_run(&sys);
}
