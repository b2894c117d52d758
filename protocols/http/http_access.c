/* SPDX-License-Identifier: MIT */
/* The access log: lines gather for each reactor and leave in one write at the end of the round. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_log_line.h"
#include "http_server.h"

enum { LOG_BYTES = 64 << 10 };

static void flush(weft_hook *hook)
{
    wf_http_reactor *h = (wf_http_reactor *)(void *)((char *)hook - offsetof(wf_http_reactor, log_hook));
    /* a log that cannot be written must not stop the work: what the disk refuses is lost */
    ssize_t n = write(h->log_fd, h->log, h->log_n);
    (void)n;
    h->log_n = 0;
}

void wf_http_log_access(wf_http_exchange *x)
{
    wf_http_reactor *h = wf_http_reactor_here();
    const weft_http_access_log *log = x->site->access_log;
    char host[WEFT_ADDRESS_TEXT_BYTES];
    if (h->log == NULL && (h->log = malloc(LOG_BYTES)) == NULL)
        return;
    if (h->log_n != 0 && (h->log_fd != log->fd || LOG_BYTES - h->log_n < WF_HTTP_LOG_LINE_BYTES_DEFAULT))
        flush(&h->log_hook);
    weft_address none = {.family = WEFT_FAMILY_NONE};
    const weft_address *client = x->client != NULL ? x->client : &none;
    (void)weft_address_host(client, host);
    const weft_http_field *fields = wf_http_request_of(x)->fields;
    uint64_t now = weft_wall_ns(NULL);
    wf_http_log_entry entry = {
        .client = {host, (uint32_t)strlen(host)},
        .method = x->head.method_name,
        .target = x->head.target,
        .referer = wf_http1_value(&x->head, fields, WF_HTTP_REFERER),
        .agent = wf_http1_value(&x->head, fields, WF_HTTP_USER_AGENT),
        .time_s = (int64_t)(x->begun_ns / 1000000000U),
        .duration_us = (now - x->begun_ns) / 1000U,
        .body_bytes = x->sent_bytes,
        .status = x->status,
        .major = 1,
        .minor = x->head.minor,
    };
    size_t n = log->json ? wf_http_log_json(h->log + h->log_n, WF_HTTP_LOG_LINE_BYTES_DEFAULT, &entry)
                         : wf_http_log_combined(h->log + h->log_n, WF_HTTP_LOG_LINE_BYTES_DEFAULT,
                                                &entry);
    h->log_n += n;
    h->log_fd = log->fd;
    h->log_hook.run = flush;
    weft_hook_queue(&h->log_hook);
}
