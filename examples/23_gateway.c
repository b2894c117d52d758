/* SPDX-License-Identifier: MIT */
/* One process, many protocols: a site with a WebSocket, over HTTP and HTTPS, mail, chat, SSH and telnet.
 *
 *     23_gateway KEYS HTTP-URL HTTPS-URL SMTP-URL IRC-URL SSH-URL TELNET-URL
 *     23_gateway keys http://127.0.0.1:8080 'https://127.0.0.1:8443?cert=own.pem&key=own.key' tcp://127.0.0.1:2525 \
 *                tcp://127.0.0.1:6667 tcp://127.0.0.1:2222 tcp://127.0.0.1:2323
 */
#include <stdio.h>

#include <weft/weft.h>

/* ---- the site: a greeting, a socket that says what it hears, and one that is in the chat */

static weft_err hello(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_text(msg, 200, "hello\n");
}

static weft_err on_text(weft_actor *self, weft_msg *msg)
{
    return weft_ws_send(self, weft_sender(msg), WEFT_WS_TEXT,
                        ((const weft_ws_text *)weft_body(msg))->bytes);
}
static const weft_handler visitor_rows[] = {{.type = &weft_ws_text_type, .fn = on_text}, {0}};
static const weft_behaviour visitor = {.name = "visitor", .handlers = visitor_rows};

/* [chat] */
static const weft_irc_config chat = {.server = "gateway.example", .flood_line_ms = WEFT_IRC_NEVER};
/* [/chat] */

/* [browsers] */
static const char *const chat_protocols[] = {"text.ircv3.net", NULL};
static const weft_websocket_config chat_sockets = {
    .behaviour = &weft_irc_server, .config = &chat, .protocols = chat_protocols};
static const weft_websocket_config socket_config = {.behaviour = &visitor};
static const weft_http_route routes[] = {
    {.route = "GET /hello", .handler = hello},
    {.route = "GET /echo", .use = &weft_websocket, .config = &socket_config},
    {.route = "GET /chat", .use = &weft_websocket, .config = &chat_sockets},
    {0},
};
/* [/browsers] */

/* ---- the others: each is a table */

static const weft_smtp_maildir_config mail_folder = {.path = "mail"};
static const weft_smtp_config mail = {
    .host = "gateway.example", .message = &weft_smtp_maildir, .message_config = &mail_folder};
static const weft_auth_source source = {
    .kind = WEFT_AUTH_FROM_MEMORY, .user = "ann", .password = "secret"};
static const weft_auth_config auth = {.sources = &source, .count = 1};
/* [network] */
static const weft_child kept[] = {
    {.name = "auth", .behaviour = &weft_auth, .config = &auth},
    {.name = "chat", .behaviour = &weft_irc_network, .config = &chat},
    {0},
};
static const weft_supervisor keeper = {.children = kept};
/* [/network] */
/* [console] */
static const weft_console_config console = {.auth = "auth"};
/* [/console] */
static const weft_ssh_service channels[] = {
    {.kind = WEFT_SSH_EXEC, .behaviour = &weft_wire_echo},
    {0},
};
static weft_ssh_config shell = {.services = channels, .password = true, .auth_name = "auth"};

/* [doors] */
static const struct {
    const weft_behaviour *behaviour;
    const void *config;
} doors[] = {
    {&weft_http_site, routes}, {&weft_http_site, routes},  {&weft_smtp_server, &mail},
    {&weft_irc_server, &chat}, {&weft_ssh_server, &shell}, {&weft_console, &console},
};
/* [/doors] */

int main(int argc, char **argv)
{
    enum { DOORS = sizeof doors / sizeof doors[0] };
    weft_ssh_keys *keys = NULL;
    weft_why why;
    if (argc != 2 + DOORS) {
        (void)fprintf(
            stderr,
            "usage: 23_gateway KEYS HTTP-URL HTTPS-URL SMTP-URL IRC-URL SSH-URL TELNET-URL\n");
        return 64; /* EX_USAGE */
    }
    if (weft_ssh_keys_open(argv[1], false, &keys, &why) != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 78;
    }
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL)
        return 71;
    shell.keys = keys;
    if (weft_ref_is_nobody(weft_system_spawn(sys, 0, &weft_supervisor_behaviour, &keeper)))
        return 71;
    /* [open] */
    for (int i = 0; i < DOORS; i++)
        (void)weft_listen(sys, argv[2 + i], doors[i].behaviour, doors[i].config);
    /* [/open] */
    int code = weft_run(&sys);
    weft_ssh_keys_close(&keys);
    return code;
}
