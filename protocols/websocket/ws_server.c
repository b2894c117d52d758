/* SPDX-License-Identifier: MIT */
/* A server's side of the opening handshake (RFC 6455 section 4.2): a request becomes a socket, or an answer
 * that says why not. */
#include <stdio.h>
#include <string.h>

#include "http/http_fields.h"
#include "http/http_server.h"
#include "ws_stage.h"

enum { FIELDS = 3 };

typedef struct fault {
    int status; /* 0: none */
    const char *detail;
} fault;

static bool is_let_in(const weft_websocket_config *config, weft_http_text origin)
{
    if (config->origins == NULL || origin.at == NULL)
        return true;
    for (const char *const *o = config->origins; *o != NULL; o++)
        if (origin.bytes == strlen(*o) && strncasecmp(origin.at, *o, origin.bytes) == 0)
            return true;
    return false;
}

/* Section 11.3: what "MUST NOT appear more than once" in a request. */
static bool stands_twice(const weft_http_request *r, const char *name)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < r->fields_count; i++)
        n += wf_http_text_is((weft_http_text){r->fields[i].name, r->fields[i].name_bytes}, name);
    return n > 1;
}

/* The requirements in the order of section 4.2.1. */
static fault look(const weft_msg *msg, const weft_websocket_config *config)
{
    const weft_http_request *r = weft_body(msg);
    if (r->method != WEFT_HTTP_GET)
        return (fault){405, "A WebSocket is asked for with GET."};
    /* RFC 9110 section 7.8: "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request" */
    if (r->minor < 1)
        return (fault){426, "This is a WebSocket: it is asked for by HTTP/1.1."};
    if (!wf_ws_list_has(weft_http_field_of(msg, "upgrade"), "websocket") ||
        !wf_ws_list_has(weft_http_field_of(msg, "connection"), "upgrade"))
        return (fault){426, "This is a WebSocket: it is asked for with Upgrade: websocket."};
    if (stands_twice(r, "sec-websocket-version") || stands_twice(r, "sec-websocket-key"))
        return (fault){400, "Sec-WebSocket-Version and Sec-WebSocket-Key: expected once each."};
    if (!wf_http_text_is(weft_http_field_of(msg, "sec-websocket-version"), "13"))
        return (fault){426, "Sec-WebSocket-Version: expected 13."};
    if (!wf_ws_key_is_valid(weft_http_field_of(msg, "sec-websocket-key")))
        return (fault){400, "Sec-WebSocket-Key: expected sixteen bytes in base64."};
    if (!is_let_in(config, weft_http_field_of(msg, "origin")))
        return (fault){403, "Pages of this origin are not let in."};
    return (fault){0};
}

static weft_err refuse(weft_msg *msg, fault f)
{
    static const weft_http_field version = {"Sec-WebSocket-Version", "13", 21, 2};
    static const weft_http_field allow = {"Allow", "GET", 5, 3};
    char text[160];
    int n = snprintf(text, sizeof text, "%s\n", f.detail);
    return weft_http_respond(msg,
                             &(weft_http_answer){.status = f.status,
                                                 .content_type = "text/plain; charset=utf-8",
                                                 .fields = f.status == 405 ? &allow : &version,
                                                 .fields_count = f.status == 405 || f.status == 426,
                                                 .upgrade = f.status == 426 ? "websocket" : NULL,
                                                 .body = weft_bytes_copy(msg, text, (size_t)n)});
}

static weft_http_field field(const char *name, const char *value)
{
    return (weft_http_field){name, value, (uint32_t)strlen(name), (uint32_t)strlen(value)};
}

static weft_err agree(weft_actor *self, weft_msg *msg, const weft_websocket_config *config)
{
    const weft_http_request *r = weft_body(msg);
    char accept[WF_WS_ACCEPT_BYTES + 1], extension[WF_WS_EXTENSION_BYTES] = "";
    weft_http_field fields[FIELDS];
    uint32_t n = 0;
    wf_ws_setup setup = {
        .options = &config->options,
        .target = r->target,
        .principal = weft_http_principal(msg),
        .protocol = wf_ws_protocol_choose(config->protocols,
                                          weft_http_field_of(msg, "sec-websocket-protocol")),
    };
    if (!config->options.no_deflate)
        setup.deflate =
            wf_ws_extension_accept(weft_http_field_of(msg, "sec-websocket-extensions"), extension);
    if (!wf_ws_accept_of(weft_http_field_of(msg, "sec-websocket-key"), accept))
        return weft_http_error(msg, 500, NULL);
    fields[n++] = field("Sec-WebSocket-Accept", accept);
    if (setup.protocol != NULL)
        fields[n++] = field("Sec-WebSocket-Protocol", setup.protocol);
    if (extension[0] != '\0')
        fields[n++] = field("Sec-WebSocket-Extensions", extension);
    weft_err err = wf_http_upgrade_to(self, msg,
                                      &(wf_http_upgrade){.protocol = "websocket",
                                                         .fields = fields,
                                                         .fields_count = n,
                                                         .behaviour = config->behaviour,
                                                         .config = config->config,
                                                         .stage = wf_ws_ops(&config->options),
                                                         .stage_config = &setup});
    if (err == WEFT_EINVAL)
        return refuse(msg,
                      (fault){400, "A WebSocket is asked for behind every answer, and alone."});
    return err;
}

static weft_err on_request(weft_actor *self, weft_msg *msg)
{
    const weft_websocket_config *config = weft_http_config_of(msg);
    if (config == NULL || config->behaviour == NULL) {
        weft_log(self, WEFT_ERROR, "a WebSocket route without a behaviour in its config");
        return weft_http_error(msg, 500, NULL);
    }
    fault f = look(msg, config);
    return f.status != 0 ? refuse(msg, f) : agree(self, msg, config);
}

static const weft_handler handlers[] = {
    {.type = &weft_http_request_type, .fn = on_request},
    {0},
};

const weft_behaviour weft_websocket = {.name = "websocket", .handlers = handlers};
