/* SPDX-License-Identifier: MIT */
/* What `weftd web` serves: routes made of its options. */
#ifndef WEFTD_WEB_SITES_H
#define WEFTD_WEB_SITES_H

#include <weft/auth.h>
#include <weft/http.h>
#include <weft/http_client.h>
#include <weft/options.h>

#include "service_auth.h"

enum { WEB_PROXIES_MAX = WEFT_OPTION_TEXTS_MAX, WEB_UPSTREAMS_MAX = 16 };

/* One --proxy. */
typedef struct web_proxy {
    char *text; /* what the option says, cut up */
    char *route;
    const char *upstreams[WEB_UPSTREAMS_MAX + 1];
    weft_http_client_config client;
} web_proxy;

/* One --cgi. */
typedef struct web_cgi {
    char *route;
    weft_http_cgi_config config;
} web_cgi;

typedef struct web_sites {
    weft_option_texts proxy, auth, redirect, rewrite, cgi;
    uint32_t cgi_time_ms, cgi_children;
    bool strip, keep_host, least_busy, digest, compress;
    /* what web_sites_make makes of them */
    web_proxy proxies[WEB_PROXIES_MAX];
    char *moves[2 * WEFT_OPTION_TEXTS_MAX]; /* what --redirect and --rewrite say, cut up */
    size_t moves_n;
    service_auth who;
    weft_http_guard guard;
    web_cgi cgis[WEFT_OPTION_TEXTS_MAX];
    weft_http_route routes[2 * WEB_PROXIES_MAX + 3 * WEFT_OPTION_TEXTS_MAX + 2];
} web_sites;

/* Makes the routes: the proxies, and @files for the rest. To be given back in any case. errors: EINVAL, ELIMIT and
 * those of auth, with a sentence that names the option; ENOMEM. */
WEFT_MUST_USE weft_err web_sites_make(web_sites *s, const weft_http_files_config *files,
                                      weft_why *why);
void web_sites_done(web_sites *s);

#endif
