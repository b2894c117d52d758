/* SPDX-License-Identifier: MIT */
/* A WebSocket through a proxy: an actor that asks the upstream, and then joins its stream with the client's. */
#ifndef WF_HTTP_PROXY_JOIN_H
#define WF_HTTP_PROXY_JOIN_H

#include <weft/stream.h>
#include <weft/tls.h>
#include <weft/url.h>

#include "http1_codec.h"

/* What it is to do. It is the actor's config, freed by it when they are joined, or when it ends before. */
typedef struct wf_http_join {
    weft_bytes head; /* of the request to the upstream */
    weft_tls *tls;   /* NULL: without */
    uint32_t answer_timeout_ms;
    wf_http1_limits codec_limits;
    struct wf_http_exchange
        *told; /* for the access log, until that was told; NULL: there is none */
    /* of an upstream that declines */
    wf_http1 parser;
    uint16_t status;
    uint64_t sent_bytes; /* of the body */
    char host[WEFT_URL_HOST_BYTES_MAX + 1];
    char connect[WEFT_URL_BYTES_MAX + 1];
} wf_http_join;

/* Takes NULL. */
void wf_http_join_free(wf_http_join *plan);
/* The access log is told, once, what the client was answered. */
void wf_http_join_note(wf_http_join *plan, int status);

/* ---- an upstream that declines (http_proxy_decline.c) */

/* Answers the client with the upstream's head. errors: EINVAL, ETOOBIG, ENOMEM with a sentence; those of weft_write. */
WEFT_MUST_USE weft_err wf_http_decline_head(weft_actor *self, weft_ref client, wf_http_join *plan,
                                            const wf_http1_head *head,
                                            const weft_http_field *fields, weft_why *why);
/* And with what of its body stands in @in, of which *@used bytes are done with. errors: EDONE (it is whole);
 * EPROTO, ETOOBIG (it is broken); those of weft_write. */
WEFT_MUST_USE weft_err wf_http_decline_body(weft_actor *self, weft_ref client, wf_http_join *plan,
                                            weft_bytes in, size_t *used);
/* The next owner of the client's stream. */
extern const weft_behaviour wf_http_join_behaviour;

#endif
