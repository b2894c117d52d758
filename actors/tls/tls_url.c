/* SPDX-License-Identifier: MIT */
/* TLS as URLs ask for it: read when a URL is opened, pushed on each of its connections. */
#include "tls_url.h"

#include <stdio.h>
#include <string.h>

#include <weft/tls.h>

#include "tls_parts.h"

enum { ALPN_MAX = 8, CLIENTS_KEPT_MAX = 16 };

/* What nginx says too: a browser shows it. */
static const char plain_http_answer[] =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 58\r\n"
    "Connection: close\r\n\r\n"
    "This port speaks https: the request was sent to it in http";

static const weft_url_option_id options[] = {
    WEFT_URL_CERT,   WEFT_URL_KEY,     WEFT_URL_OCSP, WEFT_URL_CA,
    WEFT_URL_VERIFY, WEFT_URL_CLIENTS, WEFT_URL_ALPN, WEFT_URL_TLS_MIN,
    WEFT_URL_RESUME, WEFT_URL_HOST,    WEFT_URL_KTLS,
};

static const char *const option_names[] = {
    "cert", "key", "ocsp", "ca", "verify", "clients", "alpn", "tls_min", "resume", "host", "ktls",
};

/* ---- the config that the options come to */

typedef struct asked {
    weft_tls_config config;
    weft_tls_identity identity[WEFT_TLS_IDENTITIES_MAX + 1];
    const char *alpn[ALPN_MAX + 1];
    char alpn_text[WEFT_URL_TEXTS_BYTES_MAX + 1];
} asked;

static weft_err read_identities(const weft_url *url, asked *out, weft_why *why)
{
    const char *cert;
    size_t n = 0;
    for (; (cert = weft_url_text(url, WEFT_URL_CERT, n)) != NULL; n++) {
        if (n == WEFT_TLS_IDENTITIES_MAX)
            return weft_because(why, WEFT_ELIMIT, "more than %u certificates (option \"cert\")",
                                WEFT_TLS_IDENTITIES_MAX);
        out->identity[n] = (weft_tls_identity){.certificate_file = cert,
                                               .key_file = weft_url_text(url, WEFT_URL_KEY, n),
                                               .ocsp_file = weft_url_text(url, WEFT_URL_OCSP, n)};
    }
    if (weft_url_text(url, WEFT_URL_KEY, n) != NULL || weft_url_text(url, WEFT_URL_OCSP, n) != NULL)
        return weft_because(why, WEFT_EINVAL,
                            "more keys, or answers of OCSP, than certificates: expected \"cert\" "
                            "and \"key\" in pairs");
    return WEFT_OK;
}

static weft_err read_alpn(const weft_url *url, asked *out, weft_why *why)
{
    const char *text = weft_url_text(url, WEFT_URL_ALPN, 0);
    size_t n = 0;
    if (text == NULL && url->scheme != WEFT_SCHEME_HTTPS)
        return WEFT_OK;
    (void)snprintf(out->alpn_text, sizeof out->alpn_text, "%s", text != NULL ? text : "http/1.1");
    for (char *at = out->alpn_text, *comma; at != NULL; at = comma) {
        if ((comma = strchr(at, ',')) != NULL)
            *comma++ = '\0';
        if (n == ALPN_MAX)
            return weft_because(why, WEFT_ELIMIT, "the option \"alpn\" has more than %d protocols",
                                ALPN_MAX);
        out->alpn[n++] = at;
    }
    out->config.alpn = out->alpn;
    return WEFT_OK;
}

static weft_err read_options(const weft_url *url, bool listens, asked *out, weft_why *why)
{
    weft_err err = read_identities(url, out, why);
    if (err == WEFT_OK)
        err = read_alpn(url, out, why);
    if (err != WEFT_OK)
        return err;
    weft_tls_config *c = &out->config;
    c->more = out->identity;
    c->trust_file = weft_url_text(url, WEFT_URL_CA, 0);
    c->clients = listens ? (weft_tls_clients)url->options.tls_clients : WEFT_TLS_CLIENTS_IGNORED;
    c->unverified = !listens && !url->options.tls_verify;
    c->tls13_only = url->options.tls_min == 1;
    c->no_resuming = !url->options.tls_resume;
    c->kernel = (weft_tls_kernel)url->options.tls_kernel;
    c->plain_http_answer = listens && url->scheme == WEFT_SCHEME_HTTPS ? plain_http_answer : NULL;
    if (listens && weft_url_text(url, WEFT_URL_CERT, 0) == NULL)
        return weft_because(why, WEFT_EINVAL,
                            "whoever listens with TLS has a certificate: expected the options "
                            "cert=FILE and key=FILE");
    return WEFT_OK;
}

/* ---- clients of a reactor, by what they were asked for */

typedef struct kept_client {
    struct kept_client *next; /* the last used first */
    weft_tls *tls;
    char options[];
} kept_client;

static void drop_client(kept_client *k)
{
    weft_tls_drop(&k->tls);
    weft_alloc_free(k);
}

static void drop_clients(void *kept)
{
    for (kept_client *k = kept, *next; k != NULL; k = next) {
        next = k->next;
        drop_client(k);
    }
}

/* Moves it to the front. */
static weft_tls *find_client(kept_client **first, const char *text)
{
    for (kept_client **at = first; *at != NULL; at = &(*at)->next)
        if (strcmp((*at)->options, text) == 0) {
            kept_client *k = *at;
            *at = k->next;
            k->next = *first;
            *first = k;
            return k->tls;
        }
    return NULL;
}

static void keep_client(kept_client **first, const char *text, weft_tls *tls)
{
    size_t n = strlen(text) + 1, count = 1;
    kept_client *k = weft_alloc(sizeof *k + n);
    if (k == NULL)
        return; /* it is made again next time */
    *k = (kept_client){.next = *first, .tls = weft_tls_share(tls)};
    memcpy(k->options, text, n);
    *first = k;
    for (kept_client **at = &k->next; *at != NULL; at = &(*at)->next)
        if (++count > CLIENTS_KEPT_MAX) {
            kept_client *oldest = *at;
            *at = NULL;
            drop_client(oldest);
            return;
        }
}

/* What makes two clients the same. */
static void describe(const weft_url *url, char to[WEFT_URL_BYTES_MAX + 1])
{
    weft_url only = {.scheme = WEFT_SCHEME_TLS, .options = url->options};
    memset(only.options.given, 0, sizeof only.options.given);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i] != WEFT_URL_HOST && weft_url_given(url, options[i]))
            only.options.given[options[i] / 64] |= UINT64_C(1) << options[i] % 64;
    if (url->scheme == WEFT_SCHEME_HTTPS && !weft_url_given(url, WEFT_URL_ALPN))
        only.host.port = 443; /* which speaks of http/1.1 */
    (void)weft_url_print(&only, to, WEFT_URL_BYTES_MAX + 1);
}

static weft_err client_of(const weft_url *url, const asked *want, weft_tls **out, weft_why *why)
{
    void **kept = weft_kept(WEFT_KEPT_TLS_CLIENTS);
    char text[WEFT_URL_BYTES_MAX + 1];
    kept_client *first = *kept;
    describe(url, text);
    weft_tls *tls = find_client(&first, text);
    if (tls != NULL) {
        *kept = first;
        *out = weft_tls_share(tls);
        return WEFT_OK;
    }
    weft_err err = weft_tls_client(&want->config, out, why);
    if (err != WEFT_OK)
        return err;
    if (*kept == NULL)
        weft_kept_set_free(WEFT_KEPT_TLS_CLIENTS, drop_clients);
    keep_client(&first, text, *out);
    *kept = first;
    return WEFT_OK;
}

/* ---- the part of the pipeline */

typedef struct prepared {
    weft_tls *tls;
    char host[WEFT_URL_HOST_BYTES_MAX + 1]; /* whom a client expects; "": nobody in particular */
} prepared;

static bool is_wanted(const weft_url *url)
{
    return url->scheme == WEFT_SCHEME_TLS || url->scheme == WEFT_SCHEME_HTTPS ||
           url->scheme == WEFT_SCHEME_NNG_TLS || url->options.tls;
}

/* An option of TLS where there is none would promise what is not kept. */
static weft_err check_plain(const weft_url *url, weft_why *why)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (weft_url_given(url, options[i]))
            return weft_because(why, WEFT_EINVAL,
                                "the option \"%s\" is one of TLS, which this URL has not asked "
                                "for: expected the option \"tls\" too",
                                option_names[i]);
    return WEFT_OK;
}

static weft_err set_host(const weft_url *url, prepared *p, weft_why *why)
{
    const char *given = weft_url_text(url, WEFT_URL_HOST, 0);
    const char *host = given != NULL ? given : url->host.name;
    size_t n = strcspn(host, "%"); /* a zone is of this machine alone */
    if (n > 1 && host[n - 1] == '.')
        n--; /* RFC 6066 section 3: "without a trailing dot" */
    (void)snprintf(p->host, sizeof p->host, "%.*s", (int)n, host);
    if (n == 0 && url->options.tls_verify)
        return weft_because(why, WEFT_EINVAL,
                            "whose certificate is expected? This URL has no host: expected the "
                            "option host=NAME, or verify=off");
    return WEFT_OK;
}

static weft_err fill(const weft_url *url, bool listens, prepared *p, weft_why *why)
{
    asked *want = weft_alloc_zero(sizeof *want);
    if (want == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for TLS");
    weft_err err = read_options(url, listens, want, why);
    if (err == WEFT_OK && !listens)
        err = set_host(url, p, why);
    if (err == WEFT_OK)
        err = listens ? weft_tls_server(&want->config, &p->tls, why)
                      : client_of(url, want, &p->tls, why);
    weft_alloc_free(want);
    return err;
}

static weft_err prepare(const weft_url *url, weft_url_end end, void **out, weft_why *why)
{
    if (!is_wanted(url))
        return check_plain(url, why);
    prepared *p = weft_alloc_zero(sizeof *p);
    if (p == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for TLS");
    weft_err err = fill(url, end == WEFT_URL_LISTEN, p, why);
    if (err != WEFT_OK)
        weft_alloc_free(p);
    else
        *out = p;
    return err;
}

static weft_err push(conn *c, void *context, const weft_url *url, weft_why *why)
{
    const prepared *p = context;
    weft_actor *self = conn_actor(c);
    const char *host = p->host[0] != '\0' ? p->host : NULL;
    (void)url;
    return weft_push(self, weft_self(self), &wf_tls_ops, &(wf_tls_push){p->tls, host},
                     WEFT_STAGE_TOP, why);
}

static void drop(void *context)
{
    prepared *p = context;
    weft_tls_drop(&p->tls);
    weft_alloc_free(p);
}

const wf_pipeline_part wf_tls_part = {
    .name = "tls", .prepare = prepare, .push = push, .drop = drop};
