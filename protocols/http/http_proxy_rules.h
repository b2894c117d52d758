/* SPDX-License-Identifier: MIT */
/* Which proxy a client goes through to a host. */
#ifndef WF_HTTP_PROXY_RULES_H
#define WF_HTTP_PROXY_RULES_H

#include <weft/edge.h>
#include <weft/http_client.h>

#include "http_url.h"

/* What the environment says, if that is asked; copies. */
typedef struct wf_http_proxies {
    char *http, *https, *direct; /* NULL: nothing */
} wf_http_proxies;

/* errors: ENOMEM; @out is then to be given back all the same. */
WEFT_MUST_USE weft_err wf_http_proxies_read(const weft_http_client_config *config,
                                            wf_http_proxies *out);
void wf_http_proxies_done(wf_http_proxies *p);
/* The proxy to @url; NULL: none. */
const char *wf_http_proxy_to(const weft_http_client_config *config, const wf_http_proxies *p,
                             const wf_http_url *url);
/* Whether the host of @url is in @list, as weft_http_client_config has it. Pure. */
bool wf_http_is_direct(const char *list, const wf_http_url *url);

#endif
