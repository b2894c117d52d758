/* SPDX-License-Identifier: MIT */
/* URLs of SP sockets: a kind, and how the stream below is written. They are no streams themselves, so that
 * <weft/url.h> does not know them: what is behind the kind becomes a URL of its own. */
#include <stdio.h>
#include <string.h>

#include <weft/url.h>

#include "sp_codec.h"

/* How messages are carried. @listen, @dial: the scheme of the stream, with what stands between it and the rest. */
typedef struct transport {
    const char *name;
    const char *listen, *dial;
    bool ipc, web, simulated;
} transport;

static const transport transports[] = {
    {"tcp", "tcp://", "tcp://", .ipc = false},
    {"ipc", "unix:", "unix:", .ipc = true},
    {"tls", "tls://", "tls://", .ipc = false},
    {"ws", "http://", "tcp://", .web = true},
    {"wss", "https://", "tls://", .web = true},
    {"sim", "sim://", "sim://", .simulated = true},
    {"ipc+sim", "sim://", "sim://", .ipc = true, .simulated = true},
    {"ws+sim", "sim://", "sim://", .web = true, .simulated = true},
};

static const weft_sp_form forms[] = {
    {"nng+KIND://HOST:PORT",
     "over TCP; KIND: pair, pair1, pub, sub, req, rep, push, pull, surveyor,"},
    {"", "respondent or bus; what follows ? are options of the stream below"},
    {"nng+KIND+ipc:///PATH", "over a UNIX socket, as nanomsg and NNG do by ipc://"},
    {"nng+KIND+tls://HOST:PORT", "over TLS, as NNG does by tls+tcp://"},
    {"nng+KIND+ws://HOST:PORT/PATH", "over WebSocket"},
    {"nng+KIND+wss://HOST:PORT/PATH", "over WebSocket and TLS"},
    {"nng+KIND+sim://NAME", "over a simulated wire (ws+sim: WebSocket over one), in tests"},
};

const weft_sp_form *weft_sp_form_at(size_t i)
{
    return i < sizeof forms / sizeof forms[0] ? &forms[i] : NULL;
}

static const transport *transport_named(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++)
        if (strlen(transports[i].name) == n && memcmp(transports[i].name, name, n) == 0)
            return &transports[i];
    return NULL;
}

static weft_err no_url(const char *text, weft_why *why)
{
    return weft_because(why, WEFT_EINVAL,
                        "\"%.80s\" is no URL of an SP socket, expected nng+KIND://HOST:PORT", text);
}

/* The URL of the stream: of a WebSocket that is dialled without its path, which is the request's. */
static weft_err write_stream(const char *scheme, const char *rest, bool web, weft_sp_url *out,
                             weft_why *why)
{
    const char *query = strchr(rest, '?');
    size_t n = query != NULL ? (size_t)(query - rest) : strlen(rest);
    const char *slash = memchr(rest, '/', n);
    size_t place = web && slash != NULL ? (size_t)(slash - rest) : n;
    if (n - place >= sizeof out->path)
        return weft_because(why, WEFT_ETOOBIG, "the path of a WebSocket has at most %zu bytes",
                            sizeof out->path - 1);
    if (web)
        (void)snprintf(out->path, sizeof out->path, "%.*s", (int)(n - place), rest + place);
    if (web && out->path[0] == '\0')
        (void)snprintf(out->path, sizeof out->path, "/");
    int size = snprintf(out->stream, sizeof out->stream, "%s%.*s%s", scheme, (int)place, rest,
                        query != NULL ? query : "");
    return size >= 0 && (size_t)size < sizeof out->stream
               ? WEFT_OK
               : weft_because(why, WEFT_ETOOBIG, "a URL has at most %zu bytes",
                              sizeof out->stream - 1);
}

weft_err weft_sp_url_parse(const char *text, bool listens, weft_sp_url *out, weft_why *why)
{
    static const char prefix[] = "nng+";
    weft_sp_url got = {.ipc = false};
    weft_url url;
    const char *colon = strchr(text, ':');
    if (colon == NULL || strncmp(text, prefix, sizeof prefix - 1) != 0 ||
        strncmp(colon, "://", 3) != 0)
        return no_url(text, why);
    const char *kind = text + sizeof prefix - 1, *plus = memchr(kind, '+', (size_t)(colon - kind));
    const wf_sp_kind_row *row =
        wf_sp_kind_named(kind, (size_t)((plus != NULL ? plus : colon) - kind));
    if (row == NULL)
        return no_url(text, why);
    const transport *by =
        plus != NULL ? transport_named(plus + 1, (size_t)(colon - plus - 1)) : &transports[0];
    if (by == NULL)
        return weft_because(why, WEFT_EINVAL,
                            "\"%.80s\": expected tcp, ipc, tls, ws, wss or sim behind nng+%s+",
                            text, row->name);
    got.kind = row->kind;
    got.ipc = by->ipc;
    got.web = by->web;
    got.simulated = by->simulated;
    weft_err err = write_stream(listens ? by->listen : by->dial, colon + 3, by->web, &got, why);
    if (err == WEFT_OK)
        err = weft_url_parse(got.stream, &url, why);
    if (err == WEFT_OK)
        err = weft_url_check(&url, listens ? WEFT_URL_LISTEN : WEFT_URL_CONNECT, why);
    if (err == WEFT_OK)
        *out = got;
    return err;
}
