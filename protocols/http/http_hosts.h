/* SPDX-License-Identifier: MIT */
/* The virtual hosts of a site: routes compiled for each. */
#ifndef WF_HTTP_HOSTS_H
#define WF_HTTP_HOSTS_H

#include <weft/edge.h>
#include <weft/http.h>
#include <weft/url.h>

#include "http_route.h"

/* Routes, compiled. */
typedef struct wf_http_table {
    const weft_http_route *rows;
    wf_http_routes *routes; /* NULL: there are none */
    uint32_t methods;       /* that any row takes, as bits */
} wf_http_table;

/* errors: those of weft_http_check. (http_site.c) */
WEFT_MUST_USE weft_err wf_http_table_compile(const weft_http_route *rows, wf_http_table *out,
                                             weft_why *why);

typedef struct wf_http_host {
    char name[WEFT_URL_HOST_BYTES_MAX + 3]; /* lower case */
    wf_http_table table;
} wf_http_host;

typedef struct wf_http_hosts {
    uint32_t count;
    wf_http_host of[]; /* sorted */
} wf_http_hosts;

/* owns: *@out. errors: EINVAL, EEXISTS, ELIMIT naming the row, ENOMEM. */
WEFT_MUST_USE weft_err wf_http_hosts_compile(const weft_http_host *rows, wf_http_hosts **out,
                                             weft_why *why);
/* Takes NULL. */
void wf_http_hosts_free(wf_http_hosts *hosts);
/* The routes of the host @name, as a request has it without its port; NULL: it is none of them. */
const wf_http_table *wf_http_hosts_find(const wf_http_hosts *hosts, weft_http_text name);

#endif
