/* SPDX-License-Identifier: MIT */
/* The access log: lines gather for each reactor and leave in one write at the end of the round. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "http_log_line.h"
#include "http_server.h"

enum { LOG_BYTES = 64 << 10, LINE_BYTES = WF_HTTP_LOG_LINE_BYTES_DEFAULT };

/* Writes what gathered. Returns 0, or why there is a rest. */
static int write_all(int fd, const char **at, size_t *left)
{
    while (*left != 0) {
        ssize_t n = write(fd, *at, *left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        *at += n;
        *left -= (size_t)n;
    }
    return 0;
}

static uint64_t lines_in(const char *at, size_t n)
{
    uint64_t lines = 0;
    for (const char *end; n != 0 && (end = memchr(at, '\n', n)) != NULL; lines++) {
        n -= (size_t)(end + 1 - at);
        at = end + 1;
    }
    return lines;
}

/* A log that cannot be written must not stop the work, nor fill another log: what is lost is said when
 * that begins, and counted when it is over. */
static void note_loss(wf_http_reactor *h, int err, uint64_t lines)
{
    if (err != 0 && h->log_lost == 0)
        weft_log(NULL, WEFT_ERROR, "the access log cannot be written: %s; its lines are lost",
                 strerror(err));
    if (err == 0 && h->log_lost != 0) {
        weft_log(NULL, WEFT_NOTICE, "the access log is written again; %" PRIu64 " lines were lost",
                 h->log_lost);
        h->log_lost = 0;
    }
    h->log_lost += lines;
}

void wf_http_log_flush(wf_http_reactor *h)
{
    const char *at = h->log;
    size_t left = h->log_n;
    int err = write_all(h->log_fd, &at, &left);
    h->log_n = 0;
    note_loss(h, err, lines_in(at, left));
}

static void on_flush(weft_hook *hook)
{
    wf_http_log_flush(
        (wf_http_reactor *)(void *)((char *)hook - offsetof(wf_http_reactor, log_hook)));
}

/* Room for a line that goes to @fd. errors: NULL. */
static char *room_for_line(wf_http_reactor *h, int fd)
{
    if (h->log == NULL && (h->log = weft_alloc(LOG_BYTES)) == NULL)
        return NULL;
    if (h->log_n != 0 && (h->log_fd != fd || LOG_BYTES - h->log_n < LINE_BYTES))
        wf_http_log_flush(h);
    h->log_fd = fd;
    return h->log + h->log_n;
}

void wf_http_log_access(wf_http_exchange *x, int status)
{
    static const weft_address none = {.family = WEFT_FAMILY_NONE};
    wf_http_reactor *h = wf_http_reactor_here();
    const weft_http_access_log *log = x->site->access_log;
    const weft_http_field *fields = wf_http_request_of(x)->fields;
    char host[WEFT_ADDRESS_TEXT_BYTES];
    char *to = room_for_line(h, log->fd);
    if (to == NULL)
        return;
    (void)weft_address_host(x->peer != NULL ? &x->peer->address : &none, host);
    wf_http_log_entry entry = {
        .client = {host, (uint32_t)strlen(host)},
        .user = {x->principal, x->principal != NULL ? (uint32_t)strlen(x->principal) : 0},
        .method = x->head.method_name,
        .target = x->head.target,
        .referer = wf_http1_value(&x->head, fields, WF_HTTP_REFERER),
        .agent = wf_http1_value(&x->head, fields, WF_HTTP_USER_AGENT),
        .time_s = (int64_t)(x->begun_ns / 1000000000U),
        .duration_us = (weft_wall_ns(NULL) - x->begun_ns) / 1000U,
        .body_bytes = x->sent_bytes,
        .status = (uint16_t)status,
        .major = 1,
        .minor = x->head.minor,
    };
    h->log_n += log->json ? wf_http_log_json(to, LINE_BYTES, &entry)
                          : wf_http_log_combined(to, LINE_BYTES, &entry);
    h->log_hook.run = on_flush;
    weft_hook_queue(&h->log_hook);
}
