/* SPDX-License-Identifier: MIT */
/* Asking: the client that each reactor has, and exchanges whose bodies are streamed both ways. */
#include <weft/net.h>

#include "http_client.h"

/* What a reactor keeps. */
typedef struct kept_client {
    weft_ref ref;
} kept_client;

static kept_client *kept_here(void)
{
    void **kept = weft_kept(WEFT_KEPT_HTTP_CLIENT);
    if (*kept == NULL) {
        *kept = weft_alloc_zero(sizeof(kept_client));
        weft_kept_set_free(WEFT_KEPT_HTTP_CLIENT, weft_alloc_free);
    }
    return *kept;
}

weft_ref weft_http_client_here(weft_actor *self)
{
    kept_client *k = kept_here();
    weft_why why = {""};
    if (k == NULL)
        return WEFT_NOBODY;
    if (weft_here(k->ref) == NULL) {
        k->ref = weft_spawn_apart(&weft_http_caller, NULL, &why);
        if (weft_ref_is_nobody(k->ref))
            weft_log(self, WEFT_ERROR, "no HTTP client: %s", why.text);
    }
    return k->ref;
}

weft_deferred weft_http_ask(weft_actor *self, const weft_http_call *call)
{
    return weft_ask_body(self, weft_http_client_here(self), &weft_http_call_type, call,
                         call->limit_ms);
}

weft_deferred weft_http_get(weft_actor *self, const char *url)
{
    return weft_http_ask(self, &(weft_http_call){.url = url});
}

/* The stream is made behind the ask, which is thereby in the client's mailbox before what the stream tells
 * it; the call holds its two ends in what both have of it, and is not read before this handler returns. */
weft_deferred weft_http_open(weft_actor *self, weft_ref client, const weft_http_call *call,
                             weft_ref *stream)
{
    weft_http_call opened = *call;
    weft_ref ends[2];
    if (weft_ref_is_nobody(client))
        client = weft_http_client_here(self);
    if (weft_here(client) == NULL)
        client = WEFT_NOBODY; /* whose Deferred says so */
    opened.own = NULL;
    wf_http_call_share(&opened);
    if (opened.own != NULL)
        opened.own->open = true;
    weft_deferred asked =
        weft_ask_body(self, client, &weft_http_call_type, &opened, call->limit_ms);
    if (opened.own != NULL && !weft_ref_is_nobody(client) &&
        weft_pair(self, weft_self(self), client, ends) == WEFT_OK) {
        opened.own->download = *stream = ends[0];
        opened.own->upload = ends[1];
    }
    wf_http_call_release(&opened);
    return asked;
}
