/* SPDX-License-Identifier: MIT */
/* What an upstream says instead of agreeing to a WebSocket, on its way to the client: the head as this server writes
 * heads, the body piece by piece; and what the access log says of it. */
#include "http_proxy_join.h"

#include <weft/stream.h>

#include "http1_write.h"
#include "http_client.h"
#include "http_fields.h"
#include "http_server.h"

void wf_http_join_note(wf_http_join *plan, int status)
{
    wf_http_exchange *x = plan->told;
    plan->told = NULL;
    if (x == NULL)
        return;
    x->sent_bytes = plan->sent_bytes;
    wf_http_log_access(x, status);
    wf_http_exchange_drop(x);
}

/* Nobody will read what comes behind this answer, so a body whose length nobody said ends with the connection. */
static wf_http1_framing framing_of(const wf_http1_head *head)
{
    if (!wf_http1_has_body(head->status, WEFT_HTTP_GET))
        return WF_HTTP1_NO_BODY;
    return head->framing == WF_HTTP1_CHUNKED ? WF_HTTP1_UNTIL_CLOSE : head->framing;
}

weft_err wf_http_decline_head(weft_actor *self, weft_ref client, wf_http_join *plan,
                              const wf_http1_head *head, const weft_http_field *fields,
                              weft_why *why)
{
    weft_http_field kept[WF_HTTP1_FIELDS_LAST];
    weft_http_text connection = wf_http1_value(head, fields, WF_HTTP_CONNECTION);
    wf_http1_answer answer = {.status = head->status,
                              .minor = 1,
                              .method = WEFT_HTTP_GET,
                              .framing = framing_of(head),
                              .content_length = head->content_length,
                              .close = true,
                              .fields = kept};
    weft_bytes bytes;
    uint8_t *to;
    size_t n;
    for (uint32_t i = 0; i < head->fields_count; i++)
        if (!wf_http_field_is_of_hop(&fields[i], connection))
            kept[answer.fields_count++] = fields[i];
    size_t bound = wf_http1_answer_bound(&answer);
    weft_err err = weft_bytes_new(bound, &to, &bytes);
    if (err != WEFT_OK)
        return weft_because(why, err, "no memory for an answer");
    err = wf_http1_write_head(to, bound, &answer, &n, why);
    if (err == WEFT_OK)
        err = weft_write(self, client, weft_bytes_slice(bytes, 0, n));
    weft_bytes_drop(&bytes);
    plan->status = head->status;
    return err;
}

weft_err wf_http_decline_body(weft_actor *self, weft_ref client, wf_http_join *plan, weft_bytes in,
                              size_t *used)
{
    wf_http1_piece piece = {.complete = false};
    weft_why why;
    *used = 0;
    do {
        weft_err err = wf_http1_body(&plan->parser, in.at + *used, in.size - *used, &piece, &why);
        if (err == WEFT_OK && piece.data_bytes != 0)
            err = weft_write(self, client,
                             weft_bytes_slice(in, (size_t)(piece.data - in.at), piece.data_bytes));
        if (err != WEFT_OK)
            return err;
        *used += piece.consumed;
        plan->sent_bytes += piece.data_bytes;
    } while (!piece.complete && piece.consumed != 0 && *used < in.size);
    return piece.complete ? WEFT_EDONE : WEFT_OK;
}
