/* SPDX-License-Identifier: MIT */
/* A connection without a connection: shows bytes to the HTTP/1.1 codec in pieces, as a server or a
 * client would, and writes down what it says. However the bytes are cut, the text is the same. */
#ifndef WEFT_TESTS_HTTP1_WIRE_H
#define WEFT_TESTS_HTTP1_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/http/http1_codec.h"

typedef struct http1_wire {
    /* given */
    wf_http1_limits limits; /* filled */
    bool responses;
    weft_http_method asked; /* responses: to each of them */

    /* what was said:
     *
     *     = GET /path HTTP/1.1 [host] framing 5 keep
     *     Name: value
     *     < body
     *     Trailer: value
     *     .
     *     ! 400 EPROTO
     */
    char said[32768];
    size_t said_bytes;
    bool failed;

    /* the connection */
    wf_http1 p;
    uint8_t *held; /* exactly as large as what it holds, so that sanitizers see a byte too far */
    size_t held_bytes, scanned;
    bool in_body, ended;
} http1_wire;

static inline void wire_say(http1_wire *w, const void *text, size_t n)
{
    size_t room = sizeof w->said - 1 - w->said_bytes;
    n = n < room ? n : room;
    memcpy(w->said + w->said_bytes, text, n);
    w->said_bytes += n;
    w->said[w->said_bytes] = '\0';
}

static inline void wire_say_str(http1_wire *w, const char *text)
{
    wire_say(w, text, strlen(text));
}

static inline void wire_say_fields(http1_wire *w, const weft_http_field *fields, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        wire_say(w, fields[i].name, fields[i].name_bytes);
        wire_say_str(w, ": ");
        wire_say(w, fields[i].value, fields[i].value_bytes);
        wire_say_str(w, "\n");
    }
}

static inline void wire_say_failure(http1_wire *w, weft_err err, unsigned status)
{
    char line[64];
    (void)snprintf(line, sizeof line, "\n! %u %s\n", status, weft_err_name(err));
    wire_say_str(w, line);
    w->failed = true;
}

static inline void wire_say_head(http1_wire *w, const wf_http1_head *head,
                                 const weft_http_field *fields)
{
    static const char *const framings[] = {"none", "length", "chunked", "until close"};
    char line[128];

    wire_say_str(w, "= ");
    if (w->responses) {
        (void)snprintf(line, sizeof line, "%u ", head->status);
        wire_say_str(w, line);
        wire_say(w, head->reason.at, head->reason.bytes);
    } else {
        wire_say(w, head->method_name.at, head->method_name.bytes);
        wire_say_str(w, " ");
        wire_say(w, head->target.at, head->target.bytes);
        wire_say_str(w, " [");
        if (head->host.bytes > 0)
            wire_say(w, head->host.at, head->host.bytes);
        wire_say_str(w, "]");
    }
    (void)snprintf(line, sizeof line, " %s %llu%s%s%s\n", framings[head->framing],
                   (unsigned long long)head->content_length, head->keep_alive ? " keep" : " close",
                   head->expect_continue ? " expect" : "", head->upgrade ? " upgrade" : "");
    wire_say_str(w, line);
    wire_say_fields(w, fields, head->fields_count);
}

/* Lets go of the first @n bytes held. */
static inline void wire_consume(http1_wire *w, size_t n)
{
    size_t left = w->held_bytes - n;
    uint8_t *rest = malloc(left > 0 ? left : 1);
    if (rest == NULL)
        abort();
    if (left > 0)
        memcpy(rest, w->held + n, left);
    free(w->held);
    w->held = rest;
    w->held_bytes = left;
}

static inline bool wire_head(http1_wire *w)
{
    weft_http_field fields[WF_HTTP1_FIELDS_MAX];
    wf_http1_head head;
    weft_why why = {""};
    uint16_t status = 0;
    size_t n = wf_http1_head_end(w->held, w->held_bytes, &w->scanned);

    if (n == 0) {
        weft_err err = wf_http1_head_unfinished(&w->limits, w->held, w->held_bytes, &status, &why);
        if (err != WEFT_OK)
            wire_say_failure(w, err, w->responses ? 502 : status);
        return false;
    }
    weft_err err = w->responses ? wf_http1_parse_response(&w->p, w->held, n, w->asked, &head,
                                                          fields, WF_HTTP1_FIELDS_MAX, &why)
                                : wf_http1_parse_request(&w->p, w->held, n, &head, fields,
                                                         WF_HTTP1_FIELDS_MAX, &why);
    w->scanned = 0;
    if (err != WEFT_OK) {
        if (why.text[0] == '\0') /* each refusal has its sentence */
            abort();
        wire_say_failure(w, err, head.status);
        return false;
    }
    wire_say_head(w, &head, fields);
    wire_say_str(w, "< ");
    wire_consume(w, n);
    w->in_body = true;
    return true;
}

static inline bool wire_body(http1_wire *w)
{
    weft_http_field trailers[WF_HTTP1_TRAILER_FIELDS_MAX];
    wf_http1_piece piece = {.trailers = trailers, .trailers_max = WF_HTTP1_TRAILER_FIELDS_MAX};
    weft_why why = {""};
    weft_err err = wf_http1_body(&w->p, w->held, w->held_bytes, &piece, &why);

    if (err != WEFT_OK) {
        if (why.text[0] == '\0')
            abort();
        wire_say_failure(w, err, piece.status);
        return false;
    }
    if (piece.consumed > w->held_bytes || piece.data_bytes > piece.consumed)
        abort();
    if (piece.data_bytes > 0)
        wire_say(w, piece.data, piece.data_bytes);
    if (piece.complete) {
        wire_say_str(w, "\n");
        wire_say_fields(w, trailers, piece.trailers_count);
        wire_say_str(w, ".\n");
        w->in_body = false;
    }
    wire_consume(w, piece.consumed);
    return piece.complete || piece.consumed > 0;
}

/* Shows @n more bytes. */
static inline void wire_feed(http1_wire *w, const uint8_t *at, size_t n)
{
    uint8_t *all = malloc(w->held_bytes + n > 0 ? w->held_bytes + n : 1);
    if (all == NULL)
        abort();
    if (w->held_bytes > 0)
        memcpy(all, w->held, w->held_bytes);
    if (n > 0)
        memcpy(all + w->held_bytes, at, n);
    free(w->held);
    w->held = all;
    w->held_bytes += n;

    bool more = true;
    while (more && !w->failed && (w->in_body || w->held_bytes > 0))
        more = w->in_body ? wire_body(w) : wire_head(w);
}

static inline void wire_begin(http1_wire *w)
{
    w->said[0] = '\0';
    w->said_bytes = 0;
    w->failed = w->in_body = false;
    w->held = NULL;
    w->held_bytes = w->scanned = 0;
    wf_http1_init(&w->p, &w->limits);
}

/* Shows @at in pieces of 1 to 2 * @mean - 1 bytes, which @seed decides; @mean 0: all at once. */
static inline void wire_run(http1_wire *w, const uint8_t *at, size_t n, size_t mean, uint32_t seed)
{
    wire_begin(w);
    for (size_t i = 0; i < n;) {
        size_t piece = n;
        if (mean > 0) {
            seed = seed * 1664525u + 1013904223u;
            piece = 1 + (seed >> 16) % (2 * mean - 1);
        }
        piece = piece < n - i ? piece : n - i;
        wire_feed(w, at + i, piece);
        i += piece;
    }
    free(w->held);
    w->held = NULL;
}

#endif
