/* SPDX-License-Identifier: MIT */
/* Requests as they go over the wire: which fields they have, and head and body in one piece. */
#include <string.h>

#include "http_client.h"
#include "http_fields.h"
#include "http_writer.h"

enum {
    OWN_FIELDS = 8,
    STACK_BYTES = 6144,
    SMALL_BODY_BYTES = 4096, /* copied behind the head */
    HOP_BYTES = 512,         /* of one hop in a list of them, at most */
};

/* A request that is being put together. */
typedef struct letter {
    wf_http1_ask ask;
    weft_http_field fields[WF_HTTP1_FIELDS_LAST + OWN_FIELDS];
    char forwarded_for[1024], forwarded[1024];
    char host[WF_HTTP_URL_AUTHORITY_BYTES];
} letter;

static weft_http_text text(const char *at)
{
    return (weft_http_text){at, (uint32_t)strlen(at)};
}

static void add(letter *l, const char *name, weft_http_text value)
{
    if (value.bytes != 0)
        l->fields[l->ask.fields_count++] =
            (weft_http_field){name, value.at, (uint32_t)strlen(name), value.bytes};
}

/* ---- a call's */

static bool has(const letter *l, const char *name)
{
    return wf_http_find(l->fields, l->ask.fields_count, name).at != NULL;
}

static weft_err add_call_fields(letter *l, const wf_http_client *c, const wf_http_job *job,
                                weft_why *why)
{
    const weft_http_call *call = wf_http_job_call(job);
    if (call->fields_count > WF_HTTP1_FIELDS_LAST)
        return weft_because(why, WEFT_EINVAL, "a request of more than %u fields",
                            WF_HTTP1_FIELDS_LAST);
    for (uint32_t i = 0; i < call->fields_count; i++)
        if (wf_http_field_goes(job, &call->fields[i]))
            l->fields[l->ask.fields_count++] = call->fields[i];
    if (!has(l, "user-agent"))
        add(l, "User-Agent", text(c->user_agent));
    if (!has(l, "accept"))
        add(l, "Accept", text("*/*"));
    if (!call->packed && !has(l, "accept-encoding"))
        add(l, "Accept-Encoding", text("gzip, br"));
    if (call->content_type != NULL && (job->flags & WF_HTTP_JOB_REPEATED) == 0)
        add(l, "Content-Type", text(call->content_type));
    if (job->cookie != NULL)
        add(l, "Cookie", text(job->cookie));
    return WEFT_OK;
}

/* ---- a forwarded request's */

/* CGI, and WSGI after it, make HTTP_X_FORWARDED_FOR of X_Forwarded_For too: who asks must not say by such a name what
 * this proxy says. */
static bool is_taken_for_ours(const weft_http_field *field)
{
    static const char *const ours[] = {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"};
    char name[sizeof "x-forwarded-proto"];
    if (field->name_bytes >= sizeof name || memchr(field->name, '_', field->name_bytes) == NULL)
        return false;
    for (size_t i = 0; i < field->name_bytes; i++)
        name[i] = (char)(field->name[i] == '_' ? '-' : field->name[i]);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (wf_http_text_is((weft_http_text){name, field->name_bytes}, ours[i]))
            return true;
    return false;
}

static bool is_said_anew(const weft_http_field *field)
{
    switch (wf_http_name_of(field->name, field->name_bytes)) {
    case WF_HTTP_HOST:
    case WF_HTTP_EXPECT: /* it was met here, or is asked anew */
    case WF_HTTP_X_FORWARDED_FOR:
    case WF_HTTP_FORWARDED:
        return true;
    default: {
        const weft_http_text name = {field->name, field->name_bytes};
        return wf_http_text_is(name, "x-forwarded-host") ||
               wf_http_text_is(name, "x-forwarded-proto") || is_taken_for_ours(field);
    }
    }
}

/* What came with the request of @name, which this hop is put behind, if there is room for it. */
static void put_before(wf_http_writer *w, const weft_http_request *r, const char *name)
{
    weft_http_text before = wf_http_find(r->fields, r->fields_count, name);
    if (before.bytes == 0 || before.bytes > w->max - HOP_BYTES)
        return;
    wf_http_put(w, before.at, before.bytes);
    wf_http_put_str(w, ", ");
}

/* Whom it asked: Host as it came, with its port, unless the target says it (RFC 9112 section 3.2.2). */
static weft_http_text host_of(const weft_http_request *r)
{
    weft_http_text host = wf_http_find(r->fields, r->fields_count, "host");
    bool whole = r->target.bytes != 0 && r->target.at[0] == '/';
    return whole && host.at != NULL ? host : r->host;
}

/* Who asked, behind whom the request names itself. */
static weft_http_text forwarded_for(letter *l, const wf_http_job *job)
{
    char host[WEFT_ADDRESS_TEXT_BYTES];
    weft_address client = weft_http_client(job->msg);
    wf_http_writer w = wf_http_writer_over(l->forwarded_for, sizeof l->forwarded_for);
    put_before(&w, wf_http_job_request(job), "x-forwarded-for");
    wf_http_put_str(&w, weft_address_host(&client, host));
    return (weft_http_text){l->forwarded_for, (uint32_t)w.n};
}

/* RFC 7239 section 4; section 6: an IPv6 address stands in brackets, and what is not known says so. */
static weft_http_text forwarded(letter *l, const wf_http_job *job, const char *proto)
{
    const weft_http_request *r = wf_http_job_request(job);
    char host[WEFT_ADDRESS_TEXT_BYTES];
    weft_address client = weft_http_client(job->msg);
    wf_http_writer w = wf_http_writer_over(l->forwarded, sizeof l->forwarded);
    bool v6 = client.family == WEFT_FAMILY_V6;
    put_before(&w, r, "forwarded");
    wf_http_put_str(&w, v6 ? "for=\"[" : "for=");
    wf_http_put_str(&w, v6 || client.family == WEFT_FAMILY_V4 ? weft_address_host(&client, host)
                                                              : "unknown");
    wf_http_put_str(&w, v6 ? "]\"" : "");
    weft_http_text asked = host_of(r);
    if (asked.bytes != 0 && asked.bytes < WF_HTTP_URL_AUTHORITY_BYTES) {
        wf_http_put_str(&w, ";host=\"");
        wf_http_put(&w, asked.at, asked.bytes);
        wf_http_put_char(&w, '"');
    }
    wf_http_put_str(&w, ";proto=");
    wf_http_put_str(&w, proto);
    return (weft_http_text){l->forwarded, (uint32_t)w.n};
}

static weft_err add_forwarded_fields(letter *l, const wf_http_job *job)
{
    const weft_http_request *r = wf_http_job_request(job);
    weft_http_text connection = wf_http_find(r->fields, r->fields_count, "connection");
    for (uint32_t i = 0; i < r->fields_count; i++)
        if (!wf_http_field_is_of_hop(&r->fields[i], connection) && !is_said_anew(&r->fields[i]))
            l->fields[l->ask.fields_count++] = r->fields[i];
    add(l, "X-Forwarded-For", forwarded_for(l, job));
    const char *proto = weft_http_is_secure(job->msg) ? "https" : "http";
    add(l, "X-Forwarded-Host", host_of(r));
    add(l, "X-Forwarded-Proto", text(proto));
    add(l, "Forwarded", forwarded(l, job, proto));
    /* RFC 9110 section 7.6.3: a gateway MUST send Via on what it forwards */
    add(l, "Via", text(r->minor == 0 ? "1.0 weft" : "1.1 weft"));
    return WEFT_OK;
}

/* ---- the head */

static void set_framing(letter *l, const wf_http_job *job)
{
    weft_bytes body = wf_http_job_body(job);
    if ((job->flags & WF_HTTP_JOB_UPLOAD) != 0) {
        l->ask.framing = job->upload_bytes != 0 ? WF_HTTP1_LENGTH : WF_HTTP1_CHUNKED;
        l->ask.content_length = job->upload_bytes;
    } else if (body.size != 0) {
        l->ask.framing = WF_HTTP1_LENGTH;
        l->ask.content_length = body.size;
    }
}

/* The target in the form that goes to an origin, or to a proxy (RFC 9112 section 3.2). */
static weft_http_text target_of(const wf_http_job *job, char *room, size_t max)
{
    const wf_http_url *url = &job->where;
    wf_http_writer w = wf_http_writer_over(room, max);
    bool whole = url->target.bytes != 0 && url->target.at[0] == '/';
    if (!job->origin->through && whole)
        return url->target;
    if (job->origin->through) {
        wf_http_put_str(&w, "http://");
        wf_http_put_str(&w, job->origin->authority);
    }
    if (!whole)
        wf_http_put_char(&w, '/');
    if (url->target.bytes != 0)
        wf_http_put(&w, url->target.at, url->target.bytes);
    return (weft_http_text){room, (uint32_t)w.n};
}

static weft_err write_letter(weft_actor *self, weft_ref stream, const letter *l, weft_bytes body,
                             weft_why *why)
{
    uint8_t stack[STACK_BYTES], *to = stack;
    size_t n, bound = wf_http1_ask_bound(&l->ask);
    bool together = body.size <= SMALL_BODY_BYTES && bound + body.size <= sizeof stack;
    weft_bytes parts[2] = {WEFT_NO_BYTES, body};
    weft_err err = together ? WEFT_OK : weft_bytes_new(bound, &to, &parts[0]);
    if (err != WEFT_OK)
        return err;
    err = wf_http1_write_request(to, bound, &l->ask, &n, why);
    if (err == WEFT_OK && together) {
        if (body.size != 0)
            memcpy(to + n, body.at, body.size);
        err = weft_write_copy(self, stream, to, n + body.size);
    } else if (err == WEFT_OK) {
        parts[0].size = n;
        err = weft_write_parts(self, stream, parts, body.size != 0 ? 2 : 1);
    }
    weft_bytes_drop(&parts[0]);
    return err;
}

weft_err wf_http_job_send(weft_actor *self, weft_ref stream, const wf_http_client *c,
                          const wf_http_job *job, bool close, weft_why *why)
{
    char room[WF_HTTP_URL_BYTES_MAX + WF_HTTP_URL_AUTHORITY_BYTES + 16];
    letter l;
    l.ask = (wf_http1_ask){.method = job->method, .method_name = job->method_name, .close = close};
    l.ask.fields = l.fields;
    weft_err err = wf_http_job_call(job) != NULL ? add_call_fields(&l, c, job, why)
                                                 : add_forwarded_fields(&l, job);
    if (err != WEFT_OK)
        return err;
    if (job->origin->through && c->config->proxy_auth != NULL)
        add(&l, "Proxy-Authorization", text(c->config->proxy_auth));
    l.ask.host = text(job->origin->authority);
    if (c->config->keep_host && (job->flags & WF_HTTP_JOB_FORWARDED) != 0)
        l.ask.host = host_of(wf_http_job_request(job));
    l.ask.target = target_of(job, room, sizeof room);
    set_framing(&l, job);
    bool waits = (job->flags & WF_HTTP_JOB_ASKED) != 0;
    if (waits)
        add(&l, "Expect", text("100-continue"));
    return write_letter(self, stream, &l, waits ? WEFT_NO_BYTES : wf_http_job_body(job), why);
}

weft_err wf_http_upgrade_ask(const wf_http_client *c, const wf_http_job *job, weft_bytes *out,
                             weft_why *why)
{
    char room[WF_HTTP_URL_BYTES_MAX + WF_HTTP_URL_AUTHORITY_BYTES + 16];
    letter l;
    uint8_t *to;
    size_t n;
    l.ask = (wf_http1_ask){.method = WEFT_HTTP_GET, .upgrade = text("websocket")};
    l.ask.fields = l.fields;
    weft_err err = add_forwarded_fields(&l, job);
    if (err != WEFT_OK)
        return err;
    l.ask.host =
        c->config->keep_host ? host_of(wf_http_job_request(job)) : text(job->origin->authority);
    l.ask.target = target_of(job, room, sizeof room);
    size_t bound = wf_http1_ask_bound(&l.ask);
    err = weft_bytes_new(bound, &to, out);
    if (err != WEFT_OK)
        return weft_because(why, err, "no memory for a head");
    err = wf_http1_write_request(to, bound, &l.ask, &n, why);
    if (err == WEFT_OK)
        out->size = n;
    else
        weft_bytes_drop(out);
    return err;
}

weft_err wf_http_tunnel_send(weft_actor *self, weft_ref stream, const wf_http_client *c,
                             const wf_http_origin *origin, weft_why *why)
{
    letter l;
    l.ask = (wf_http1_ask){
        .method = WEFT_HTTP_CONNECT, .target = text(origin->whole), .host = text(origin->whole)};
    l.ask.fields = l.fields;
    if (c->config->proxy_auth != NULL)
        add(&l, "Proxy-Authorization", text(c->config->proxy_auth));
    return write_letter(self, stream, &l, WEFT_NO_BYTES, why);
}
