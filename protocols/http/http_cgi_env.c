/* SPDX-License-Identifier: MIT */
/* What a script is told of its request (RFC 3875 section 4.1), and nothing else of this program's environment but
 * PATH. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <weft/version.h>

#include "http_cgi.h"
#include "http_fields.h"
#include "http_server.h"

enum { OWN_MAX = 32 };

typedef struct environment {
    weft_msg *msg;
    const char **at;
    size_t n;
    bool failed;
} environment;

static void add(environment *e, const char *format, ...) WEFT_PRINTF(2, 3);
static void add(environment *e, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *text = n >= 0 ? weft_scratch(e->msg, (size_t)n + 1) : NULL;
    if (text != NULL)
        (void)vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
    e->failed |= text == NULL;
    e->at[e->n] = text;
    e->n += text != NULL;
}

static void add_text(environment *e, const char *name, weft_http_text text)
{
    add(e, "%s=%.*s", name, (int)text.bytes, text.bytes != 0 ? text.at : "");
}

/* ---- fields, as HTTP_NAME */

/* Not told: what has a variable of its own, what is between us and the client, secrets of the server's guards
 * (section 4.1.18), and Proxy, which programs would take for a setting. */
static bool is_told(const weft_http_field *f)
{
    static const char *const not [] = {
        "authorization", "proxy-authorization", "content-type", "content-length",
        "connection",    "keep-alive",          "proxy",        "te",
        "trailer",       "transfer-encoding",   "upgrade",      "expect"};
    for (uint32_t i = 0; i < f->name_bytes; i++) {
        char c = f->name[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && c != '-') /* "X_Y" would come out as "X-Y" does */
            return false;
    }
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
        if (wf_http_text_is((weft_http_text){f->name, f->name_bytes}, not [i]))
            return false;
    return true;
}

static bool is_same(const weft_http_field *a, const weft_http_field *b)
{
    return a->name_bytes == b->name_bytes && strncasecmp(a->name, b->name, a->name_bytes) == 0;
}

/* All of one name as one list, at the first of them (section 4.1.18, RFC 9110 section 5.3). */
static void add_field(environment *e, const weft_http_request *r, uint32_t first)
{
    const weft_http_field *f = &r->fields[first];
    size_t room = sizeof "HTTP_=" + f->name_bytes;
    bool cookie = wf_http_text_is((weft_http_text){f->name, f->name_bytes}, "cookie");
    for (uint32_t i = 0; i < first; i++)
        if (is_same(f, &r->fields[i]))
            return;
    for (uint32_t i = first; i < r->fields_count; i++)
        room += r->fields[i].value_bytes + 2;
    char *text = weft_scratch(e->msg, room), *to = text;
    e->failed |= text == NULL;
    if (text == NULL)
        return;
    to += sprintf(to, "HTTP_");
    for (uint32_t i = 0; i < f->name_bytes; i++) {
        char c = f->name[i];
        *to++ = c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    *to++ = '=';
    for (uint32_t i = first; i < r->fields_count; i++) {
        const weft_http_field *g = &r->fields[i];
        if (!is_same(f, g))
            continue;
        if (i != first)
            to += sprintf(to, cookie ? "; " : ", ");
        if (g->value_bytes != 0)
            memcpy(to, g->value, g->value_bytes);
        to += g->value_bytes;
    }
    *to = '\0';
    e->at[e->n++] = text;
}

/* ---- the rest */

static void add_server(environment *e, const wf_http_exchange *x, const weft_http_request *r)
{
    bool secure = weft_http_is_secure(e->msg);
    unsigned port = x->head.port != 0 ? x->head.port : secure ? 443 : 80;
    add(e, "GATEWAY_INTERFACE=CGI/1.1");
    add(e, "SERVER_SOFTWARE=weft/%s", WEFT_VERSION);
    add(e, "SERVER_PROTOCOL=HTTP/1.%u", r->minor);
    add_text(e, "SERVER_NAME", r->host);
    add(e, "SERVER_PORT=%u", port);
    if (secure)
        add(e, "HTTPS=on");
}

static void add_client(environment *e)
{
    char text[WEFT_ADDRESS_TEXT_BYTES];
    const weft_address client = weft_http_client(e->msg);
    const wf_http_exchange *x = wf_http_exchange_of(e->msg);
    const char *who = weft_http_principal(e->msg);
    const char *host = weft_address_host(&client, text);
    add(e, "REMOTE_ADDR=%s", host);
    add(e, "REMOTE_HOST=%s", host);
    if (who == NULL)
        return;
    add(e, "REMOTE_USER=%s", who);
    add(e, "AUTH_TYPE=%s", x->row->guard != NULL && x->row->guard->digest ? "Digest" : "Basic");
}

static void add_request(environment *e, const weft_http_request *r)
{
    weft_http_text type = weft_http_field_of(e->msg, "content-type");
    add_text(e, "REQUEST_METHOD",
             r->method == WEFT_HTTP_OTHER
                 ? r->method_name
                 : (weft_http_text){weft_http_method_name(r->method),
                                    (uint32_t)strlen(weft_http_method_name(r->method))});
    add_text(e, "REQUEST_URI", r->target);
    add_text(e, "QUERY_STRING", r->query);
    if (r->body_bytes != 0)
        add(e, "CONTENT_LENGTH=%" PRIu64, r->body_bytes);
    if (type.at != NULL)
        add_text(e, "CONTENT_TYPE", type);
}

static void add_script(environment *e, const weft_http_cgi_config *config,
                       const weft_http_request *r, const wf_http_cgi_script *script,
                       const char *path, bool directory)
{
    weft_http_text rest = wf_http_route_rest(e->msg, config->param != NULL ? config->param : "*");
    int prefix = rest.at != NULL ? (int)(rest.at - r->path.at) : 0;
    const char *info = path + script->path_bytes;
    if (prefix > 0 && r->path.at[prefix - 1] == '/')
        prefix--;
    add(e, "SCRIPT_NAME=%.*s/%.*s", prefix, r->path.at, (int)script->path_bytes, path);
    add(e, "SCRIPT_FILENAME=%s", (const char *)script->file.at);
    add(e, "PATH_INFO=%s%s", info, directory ? "/" : "");
}

const char *const *wf_http_cgi_env(weft_msg *msg, const weft_http_cgi_config *config,
                                   const wf_http_cgi_script *script, const char *path,
                                   bool directory)
{
    const weft_http_request *r = weft_body(msg);
    const char *search = getenv("PATH");
    environment e = {.msg = msg};
    size_t own = 0;
    while (config->env != NULL && config->env[own] != NULL)
        own++;
    e.at = weft_scratch(msg, (OWN_MAX + r->fields_count + own) * sizeof *e.at);
    if (e.at == NULL)
        return NULL;
    add(&e, "PATH=%s", search != NULL ? search : "/usr/local/bin:/usr/bin:/bin");
    add_server(&e, wf_http_exchange_of(msg), r);
    add_client(&e);
    add_request(&e, r);
    add_script(&e, config, r, script, path, directory);
    for (uint32_t i = 0; i < r->fields_count; i++)
        if (is_told(&r->fields[i]))
            add_field(&e, r, i);
    for (size_t i = 0; i < own; i++)
        e.at[e.n++] = config->env[i];
    e.at[e.n] = NULL;
    return e.failed ? NULL : e.at;
}
