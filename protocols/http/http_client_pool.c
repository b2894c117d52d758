/* SPDX-License-Identifier: MIT */
/* Which connection serves which job: origins, their connections, and who waits for one. */
#include <stdio.h>
#include <string.h>

#include "http_client.h"

/* ---- where an origin is reached */

static weft_err reach_named(const char *to, const char *timeout, char out[WEFT_URL_BYTES_MAX + 1],
                            weft_why *why)
{
    const char *join = strchr(to, '?') != NULL ? "&" : "?";
    bool given = strstr(to, "timeout=") != NULL;
    int n = snprintf(out, WEFT_URL_BYTES_MAX + 1, "%s%s%s", to, given ? "" : join,
                     given ? "" : timeout);
    return n <= WEFT_URL_BYTES_MAX ? WEFT_OK
                                   : weft_because(why, WEFT_ETOOBIG, ".to is longer than a URL");
}

weft_err wf_http_reach(weft_actor *self, const wf_http_url *url, const char *to,
                       uint32_t timeout_ms, char out[WEFT_URL_BYTES_MAX + 1], weft_why *why)
{
    char timeout[32];
    bool sim = weft_sim_of(weft_system_of(self)) != NULL;
    (void)snprintf(timeout, sizeof timeout, "timeout=%ums", timeout_ms);
    if (to != NULL)
        return reach_named(to, timeout, out, why);
    bool v6 = url->kind == WEFT_HOST_V6;
    (void)snprintf(out, WEFT_URL_BYTES_MAX + 1, "%s://%s%s%s:%u?%s", sim ? "sim" : "tcp",
                   v6 ? "[" : "", url->host, v6 ? "]" : "", url->port, timeout);
    return WEFT_OK;
}

/* ---- origins */

static uint32_t hash_text(uint32_t h, const char *text)
{
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 16777619U;
    return h;
}

static uint32_t hash_of(const wf_http_job *job)
{
    uint32_t h = 2166136261U ^ job->where.port ^ (job->where.secure ? 1U << 16 : 0);
    h = hash_text(h, job->where.host);
    return job->to != NULL ? hash_text(h, job->to) : h;
}

static bool is_of(const wf_http_origin *o, const wf_http_job *job)
{
    bool same_to = o->to == NULL ? job->to == NULL : job->to != NULL && strcmp(o->to, job->to) == 0;
    return same_to && o->secure == job->where.secure && o->port == job->where.port &&
           strcmp(o->host, job->where.host) == 0;
}

static wf_http_origin *find(const wf_http_client *c, uint32_t hash, const wf_http_job *job)
{
    wf_http_origin *o = c->buckets[hash % WF_HTTP_BUCKETS];
    while (o != NULL && (o->hash != hash || !is_of(o, job)))
        o = o->next;
    return o;
}

/* One that nobody uses is forgotten. */
static void forget(wf_http_client *c, wf_http_origin *o)
{
    wf_http_origin **at = &c->buckets[o->hash % WF_HTTP_BUCKETS];
    if (o->links != NULL || o->first != NULL)
        return;
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    weft_alloc_free(o);
}

/* A proxy of the connection: the connect talks to it, and HTTP knows nothing of it. */
static bool is_socks(const char *proxy)
{
    return strncmp(proxy, "socks", 5) == 0;
}

/* NULL: none. */
static const char *proxy_of(const wf_http_client *c, const wf_http_job *job)
{
    return job->to == NULL ? wf_http_proxy_to(c->config, &c->proxies, &job->where) : NULL;
}

/* The proxy becomes an option of the connect: it is a URL already, encoded but for what ends an option. */
static weft_err reach_socks(weft_actor *self, const wf_http_client *c, const char *proxy,
                            const wf_http_url *url, char out[WEFT_URL_BYTES_MAX + 1], weft_why *why)
{
    bool sim = weft_sim_of(weft_system_of(self)) != NULL, v6 = url->kind == WEFT_HOST_V6;
    int n = snprintf(out, WEFT_URL_BYTES_MAX + 1,
                     "%s://%s%s%s:%u?timeout=%ums&via=", sim ? "sim" : "tcp", v6 ? "[" : "",
                     url->host, v6 ? "]" : "", url->port, c->limits.connect_timeout_ms);
    for (const char *from = proxy; *from != '\0'; from++) {
        const char one[2] = {*from, '\0'};
        const char *put = *from == '&' ? "%26" : *from == '#' ? "%23" : one;
        size_t bytes = strlen(put);
        if ((size_t)n + bytes > WEFT_URL_BYTES_MAX)
            return weft_because(why, WEFT_ETOOBIG, ".proxy is longer than a URL");
        memcpy(out + n, put, bytes + 1);
        n += (int)bytes;
    }
    return WEFT_OK;
}

/* What stands between: nothing, a proxy that is asked, or one that is tunnelled through. */
static weft_err reach_origin(weft_actor *self, const wf_http_client *c, const wf_http_job *job,
                             char connect[WEFT_URL_BYTES_MAX + 1], weft_why *why)
{
    wf_http_url through;
    const char *proxy = proxy_of(c, job);
    uint32_t timeout = c->limits.connect_timeout_ms;
    if (proxy == NULL)
        return wf_http_reach(self, &job->where, job->to, timeout, connect, why);
    if (is_socks(proxy))
        return reach_socks(self, c, proxy, &job->where, connect, why);
    weft_err err = wf_http_url_parse(proxy, &through, why);
    if (err == WEFT_OK && through.secure)
        err = weft_because(why, WEFT_EUNSUPPORTED, "a proxy is reached by http, not by https");
    return err == WEFT_OK ? wf_http_reach(self, &through, NULL, timeout, connect, why) : err;
}

static wf_http_origin *make(wf_http_client *c, uint32_t hash, const wf_http_job *job,
                            const char *connect)
{
    size_t n = strlen(connect) + 1, to_n = job->to != NULL ? strlen(job->to) + 1 : 0;
    const char *proxy = proxy_of(c, job);
    bool proxied = proxy != NULL && !is_socks(proxy);
    wf_http_origin *o = weft_alloc_zero(sizeof *o + n + to_n);
    if (o == NULL)
        return NULL;
    o->connect = memcpy((char *)(o + 1), connect, n);
    o->to = job->to != NULL ? memcpy((char *)(o + 1) + n, job->to, to_n) : NULL;
    o->secure = job->where.secure;
    o->tunnel = proxied && o->secure;
    o->through = proxied && !o->secure;
    o->port = job->where.port;
    (void)wf_http_url_authority(&job->where, false, o->authority);
    (void)wf_http_url_authority(&job->where, true, o->whole);
    memcpy(o->host, job->where.host, sizeof o->host);
    o->hash = hash;
    o->next = c->buckets[hash % WF_HTTP_BUCKETS];
    c->buckets[hash % WF_HTTP_BUCKETS] = o;
    return o;
}

weft_err wf_http_client_tls(wf_http_client *c, weft_why *why)
{
    static const char *const alpn[] = {"http/1.1", NULL};
    weft_tls_config config = c->config->tls != NULL ? *c->config->tls : (weft_tls_config){0};
    if (c->tls != NULL)
        return WEFT_OK;
    config.alpn = alpn;
    return weft_tls_client(&config, &c->tls, why);
}

static void remember(wf_http_client *c, const wf_http_url *url)
{
    if (url->authority.bytes > sizeof c->known_authority)
        return;
    memcpy(c->known_authority, url->authority.at, url->authority.bytes);
    c->known = *url;
    c->known.authority.at = c->known_authority;
}

static weft_err origin_of(weft_actor *self, wf_http_client *c, wf_http_job *job, weft_why *why)
{
    char connect[WEFT_URL_BYTES_MAX + 1];
    weft_err err = wf_http_url_parse_known(job->url, &c->known, &job->where, why);
    if (err != WEFT_OK)
        return err;
    remember(c, &job->where);
    uint32_t hash = hash_of(job);
    job->origin = find(c, hash, job);
    if (job->origin != NULL)
        return WEFT_OK;
    err = reach_origin(self, c, job, connect, why);
    if (err == WEFT_OK && job->where.secure)
        err = wf_http_client_tls(c, why);
    if (err != WEFT_OK)
        return err;
    job->origin = make(c, hash, job, connect);
    return job->origin != NULL ? WEFT_OK : weft_because(why, WEFT_ENOMEM, "no memory");
}

/* ---- connections */

static void unlink_link(wf_http_link *link)
{
    wf_http_origin *o = link->origin;
    if (link->back != NULL)
        link->back->next = link->next;
    else
        o->links = link->next;
    if (link->next != NULL)
        link->next->back = link->back;
}

static void to_front(wf_http_link *link)
{
    wf_http_origin *o = link->origin;
    link->back = NULL;
    link->next = o->links;
    if (o->links != NULL)
        o->links->back = link;
    o->links = link;
}

/* The connection that was used last: those not needed grow old. */
static wf_http_link *idle_of(const wf_http_origin *o)
{
    wf_http_link *link = o->links;
    while (link != NULL && !link->idle)
        link = link->next;
    return link;
}

static wf_http_link *open_link(weft_actor *self, wf_http_client *c, wf_http_origin *o)
{
    wf_http_link *link = weft_alloc_zero(sizeof *link);
    if (link == NULL)
        return NULL;
    link->ref = weft_spawn(self, &wf_http_conn_behaviour, o);
    if (weft_ref_is_nobody(link->ref)) {
        weft_alloc_free(link);
        return NULL;
    }
    link->origin = o;
    to_front(link);
    o->links_count++;
    c->links_count++;
    return link;
}

/* When there are conns_max of them, one that is idle elsewhere makes place. */
static void make_place(weft_actor *self, wf_http_client *c)
{
    for (unsigned b = 0; b < WF_HTTP_BUCKETS; b++)
        for (wf_http_origin *o = c->buckets[b]; o != NULL; o = o->next) {
            wf_http_link *link = idle_of(o);
            if (link == NULL)
                continue;
            link->idle = false;
            (void)weft_stop_ref(self, link->ref, WEFT_OK);
            return;
        }
}

static weft_err start(weft_actor *self, wf_http_link *link, wf_http_job *job)
{
    wf_http_start body = {job};
    job->refs++; /* an event takes the share that it is given */
    weft_err err = weft_event(self, link->ref, &wf_http_start_type, &body);
    if (err != WEFT_OK) {
        wf_http_job_drop(job);
        return err;
    }
    link->idle = false;
    link->job = job;
    job->link = link;
    unlink_link(link);
    to_front(link);
    if ((job->flags & (WF_HTTP_JOB_UPLOAD | WF_HTTP_JOB_HERE)) ==
        (WF_HTTP_JOB_UPLOAD | WF_HTTP_JOB_HERE)) {
        job->flags &= ~(uint32_t)WF_HTTP_JOB_HERE;
        (void)weft_hand_over(self, job->body_stream, link->ref, WEFT_NO_BYTES);
        if (job->opened != NULL)
            weft_drop(&job->opened);
    }
    return WEFT_OK;
}

/* ---- the queue */

static void enqueue(wf_http_client *c, wf_http_job *job)
{
    wf_http_origin *o = job->origin;
    job->behind = NULL;
    if (o->last != NULL)
        o->last->behind = job;
    else
        o->first = job;
    o->last = job;
    job->flags |= WF_HTTP_JOB_WAITING;
    c->waiting++;
}

static void dequeue(wf_http_client *c, wf_http_job *job)
{
    wf_http_origin *o = job->origin;
    wf_http_job **at = &o->first, *before = NULL;
    while (*at != job) {
        before = *at;
        at = &(*at)->behind;
    }
    *at = job->behind;
    if (o->last == job)
        o->last = before;
    job->behind = NULL;
    job->flags &= ~(uint32_t)WF_HTTP_JOB_WAITING;
    c->waiting--;
}

/* Gives the job a connection, if there is one or may be one. EFULL: it has to wait. */
static weft_err place(weft_actor *self, wf_http_client *c, wf_http_job *job)
{
    wf_http_origin *o = job->origin;
    wf_http_link *link;
    while ((job->flags & WF_HTTP_JOB_FRESH) == 0 && (link = idle_of(o)) != NULL) {
        weft_err err = start(self, link, job);
        if (err != WEFT_EGONE)
            return err;
        link->idle = false; /* it is about to end */
    }
    if (o->links_count >= c->limits.conns_per_origin_max) {
        /* an idle one that may not be used makes place for one that may */
        link = idle_of(o);
        if (link != NULL) {
            link->idle = false;
            (void)weft_stop_ref(self, link->ref, WEFT_OK);
        }
        return WEFT_EFULL;
    }
    if (c->links_count >= c->limits.conns_max) {
        make_place(self, c);
        return WEFT_EFULL;
    }
    link = open_link(self, c, o);
    return link != NULL ? start(self, link, job) : WEFT_ENOMEM;
}

static void place_first(weft_actor *self, wf_http_client *c, wf_http_origin *o)
{
    wf_http_job *job = o->first;
    weft_err err = place(self, c, job);
    if (err == WEFT_EFULL)
        return;
    dequeue(c, job);
    if (err == WEFT_OK)
        return;
    wf_http_job_fail(job, err, WF_HTTP_NOT_SENT "no memory for a connection");
    job->origin = NULL;
    wf_http_client_finish(self, c, job);
    forget(c, o);
}

weft_err wf_http_pool_place(weft_actor *self, wf_http_client *c, wf_http_job *job)
{
    weft_why why = {"no memory for a connection"};
    job->origin = NULL;
    weft_err err = origin_of(self, c, job, &why);
    if (err == WEFT_OK)
        err = job->origin->first != NULL ? WEFT_EFULL : place(self, c, job);
    if (err == WEFT_OK)
        return WEFT_OK;
    if (err == WEFT_EFULL && c->waiting < c->limits.waiting_max) {
        job->since = weft_now_ms(self);
        enqueue(c, job);
        return WEFT_OK;
    }
    if (err == WEFT_EFULL)
        (void)weft_because(&why, err, "%u requests wait already (waiting_max)",
                           c->limits.waiting_max);
    if (job->origin != NULL)
        forget(c, job->origin);
    job->origin = NULL;
    wf_http_job_fail(job, err, WF_HTTP_NOT_SENT "%s", why.text);
    return err;
}

void wf_http_pool_leave(weft_actor *self, wf_http_client *c, wf_http_job *job)
{
    if ((job->flags & WF_HTTP_JOB_WAITING) != 0) {
        dequeue(c, job);
        forget(c, job->origin);
        job->origin = NULL;
        return;
    }
    if (job->link == NULL)
        return;
    wf_http_start body = {job};
    job->refs++;
    if (weft_event(self, job->link->ref, &wf_http_give_up_type, &body) == WEFT_OK)
        return;
    wf_http_job_drop(job);
    (void)weft_stop_ref(self, job->link->ref, WEFT_ENOMEM);
}

void wf_http_pool_freed(weft_actor *self, wf_http_client *c, wf_http_link *link, bool idle)
{
    link->job = NULL;
    link->idle = idle && !c->ending;
    if (link->idle && link->origin->first != NULL)
        place_first(self, c, link->origin);
}

/* ---- connections that end */

static wf_http_link *find_link(const wf_http_client *c, weft_ref ref)
{
    for (unsigned b = 0; b < WF_HTTP_BUCKETS; b++)
        for (wf_http_origin *o = c->buckets[b]; o != NULL; o = o->next)
            for (wf_http_link *link = o->links; link != NULL; link = link->next)
                if (weft_ref_same(link->ref, ref))
                    return link;
    return NULL;
}

/* Whoever waits may have one now: of this origin, or of any if all were too many. */
static void serve_waiting(weft_actor *self, wf_http_client *c)
{
    for (unsigned b = 0; b < WF_HTTP_BUCKETS && c->waiting != 0; b++)
        for (wf_http_origin *o = c->buckets[b], *next; o != NULL; o = next) {
            next = o->next;
            if (o->first != NULL)
                place_first(self, c, o);
        }
}

wf_http_job *wf_http_pool_lost(weft_actor *self, wf_http_client *c, weft_ref ref)
{
    wf_http_link *link = find_link(c, ref);
    if (link == NULL)
        return NULL;
    wf_http_job *job = link->job;
    wf_http_origin *o = link->origin;
    if (job != NULL)
        job->link = NULL;
    unlink_link(link);
    o->links_count--;
    c->links_count--;
    weft_alloc_free(link);
    if (o->first == NULL)
        forget(c, o);
    if (c->waiting != 0 && !c->ending)
        serve_waiting(self, c);
    return job;
}

void wf_http_pool_done(wf_http_client *c)
{
    for (unsigned b = 0; b < WF_HTTP_BUCKETS; b++)
        for (wf_http_origin *o = c->buckets[b], *next; o != NULL; o = next) {
            next = o->next;
            for (wf_http_link *link = o->links, *after; link != NULL; link = after) {
                after = link->next;
                weft_alloc_free(link);
            }
            weft_alloc_free(o);
        }
    weft_tls_drop(&c->tls);
}
