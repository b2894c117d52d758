/* SPDX-License-Identifier: MIT */
/* The WebSocket server of `./weft bench ws`: says back each message as it came. */
#include <stdio.h>

#include <weft/weft.h>

static weft_err on_binary(weft_actor *self, weft_msg *msg)
{
    const weft_ws_binary *data = weft_body(msg);
    return weft_ws_send(self, data->stream, WEFT_WS_BINARY, data->bytes);
}

static const weft_handler rows[] = {
    {.type = &weft_ws_binary_type, .fn = on_binary},
    {0},
};
static const weft_behaviour echo = {.name = "echo", .handlers = rows};
static const weft_websocket_config sockets = {.behaviour = &echo};

static const weft_http_route routes[] = {
    {.route = "GET /", .use = &weft_websocket, .config = &sockets},
    {0},
};

int main(int argc, char **argv)
{
    char url[64];
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_socket PORT\n");
        return 64;
    }
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%s", argv[1]);
    return weft_serve(url, &weft_http_site, routes);
}
