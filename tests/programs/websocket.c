/* SPDX-License-Identifier: MIT */
/* WebSockets for tests/programs/websocket.sh.
 * usage: weft_websocket serve URL        says back what comes
 *        weft_websocket ask URL N SIZE   N binary messages of SIZE bytes, one behind the other, each of which
 *                                        has to come back; and then a text */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#include "parts/ws_echo.h"

static const weft_websocket_config sockets = {.behaviour = &ws_echo,
                                              .protocols = ws_echo_protocols,
                                              .options = {.message_bytes_max = 16 << 20}};
static const weft_http_route routes[] = {
    {.route = "GET /*", .use = &weft_websocket, .config = &sockets},
    {0},
};

/* ---- asking */

static const char *url;
static unsigned left;
static size_t size;
static char *payload;
static bool done;

static weft_err give_up(weft_actor *self, const char *what)
{
    (void)fprintf(stderr, "%s\n", what);
    weft_system_stop(self, WEFT_EPROTO);
    return WEFT_OK;
}

static weft_err next(weft_actor *self, weft_ref socket)
{
    if (left-- != 0)
        return weft_ws_send(self, socket, WEFT_WS_BINARY, weft_bytes_static(payload, size));
    return weft_ws_send_text(self, socket, "gr\xc3\xbc\xc3\x9f dich");
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    static const weft_ws_call call = {.protocols = ws_echo_protocols,
                                      .options = {.message_bytes_max = 16 << 20}};
    (void)msg;
    return weft_ref_is_nobody(weft_ws_connect(self, url, &call, weft_self(self))) ? WEFT_ENOMEM
                                                                                  : WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    weft_ws_info info;
    weft_err err = weft_ws_about(self, weft_sender(msg), &info);
    if (err != WEFT_OK)
        return err;
    (void)printf("open%s%s%s\n", info.packs ? " packed" : "", info.protocol[0] != '\0' ? " " : "",
                 info.protocol);
    return next(self, weft_sender(msg));
}

static weft_err on_back(weft_actor *self, weft_msg *msg)
{
    const weft_ws_binary *data = weft_body(msg);
    if (data->bytes.size != size || memcmp(data->bytes.at, payload, size) != 0)
        return give_up(self, "something else came back");
    return next(self, data->stream);
}

static weft_err on_text_back(weft_actor *self, weft_msg *msg)
{
    const weft_ws_text *text = weft_body(msg);
    (void)printf("%.*s\n", (int)text->bytes.size, (const char *)text->bytes.at);
    done = true;
    return weft_ws_close(self, text->stream, 1000, "done");
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    (void)printf("closed: %s\n", closed->why);
    weft_system_stop(self, done ? WEFT_OK : WEFT_EPROTO);
    return WEFT_OK;
}

static const weft_handler ask_rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_ws_binary_type, .fn = on_back},
    {.type = &weft_ws_text_type, .fn = on_text_back},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour asker = {.name = "asker", .handlers = ask_rows};

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return weft_serve(argv[2], &weft_http_site, routes);
    if (argc != 5)
        return 64; /* EX_USAGE */
    url = argv[2];
    left = (unsigned)strtoul(argv[3], NULL, 10);
    size = strtoul(argv[4], NULL, 10);
    payload = malloc(size + 1);
    weft_system *sys = weft_system_new(NULL);
    if (payload == NULL || sys == NULL ||
        weft_ref_is_nobody(weft_system_spawn(sys, 0, &asker, NULL)))
        return 71; /* EX_OSERR */
    for (size_t i = 0; i < size; i++)
        payload[i] = (char)(i * i >> 7);
    int code = weft_run(&sys);
    free(payload);
    return code;
}
