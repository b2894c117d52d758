/* SPDX-License-Identifier: MIT */
/* A WebSocket through a proxy: an actor that asks the upstream, and then joins its stream with the client's. */
#ifndef WF_HTTP_PROXY_JOIN_H
#define WF_HTTP_PROXY_JOIN_H

#include <weft/tls.h>
#include <weft/url.h>

#include "http1_codec.h"

/* What it is to do. It is the actor's config, freed by it when they are joined, or when it ends before. */
typedef struct wf_http_join {
    weft_bytes head; /* of the request to the upstream */
    weft_tls *tls;   /* NULL: without */
    uint32_t answer_timeout_ms;
    wf_http1_limits codec_limits;
    char host[WEFT_URL_HOST_BYTES_MAX + 1];
    char connect[WEFT_URL_BYTES_MAX + 1];
} wf_http_join;

/* Takes NULL. */
void wf_http_join_free(wf_http_join *plan);
/* The next owner of the client's stream. */
extern const weft_behaviour wf_http_join_behaviour;

#endif
