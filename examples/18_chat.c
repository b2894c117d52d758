/* SPDX-License-Identifier: MIT */
/* A chat in the browser: a page, a WebSocket for each visitor, and a topic between them.
 * usage: 18_chat [URL] */
#include <weft/weft.h>

typedef struct said {
    weft_bytes bytes;
} said;
static const weft_type said_type = WEFT_TYPE_BYTES("said", said, bytes, NULL);

/* [visitor] */
static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    *(weft_ref *)weft_state(self) = weft_sender(msg);
    return weft_tell(self, weft_named(self, "room"), weft_topic_subscribe,
                     .slow = WEFT_SLOW_DISCONNECT);
}

static weft_err on_text(weft_actor *self, weft_msg *msg)
{
    const weft_ws_text *text = weft_body(msg);
    return weft_tell(self, weft_named(self, "room"), said, .bytes = text->bytes);
}

static weft_err on_said(weft_actor *self, weft_msg *msg)
{
    const weft_ref *socket = weft_state(self);
    return weft_ws_send(self, *socket, WEFT_WS_TEXT, ((const said *)weft_body(msg))->bytes);
}
/* [/visitor] */

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_ws_text_type, .fn = on_text},
    {.type = &said_type, .fn = on_said},
    {0},
};
static const weft_behaviour visitor = {
    .name = "visitor", .handlers = handlers, .state_bytes = sizeof(weft_ref)};

static weft_err page(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_bytes(
        msg, 200, "text/html",
        WEFT_BYTES_LITERAL("<!doctype html><title>chat</title><input id=i><pre id=p></pre><script>"
                           "let w=new WebSocket('ws://'+location.host+'/room');"
                           "w.onmessage=e=>p.textContent+=e.data+'\\n';"
                           "i.onchange=()=>{w.send(i.value);i.value=''}</script>"));
}

/* [routes] */
static const weft_websocket_config room = {.behaviour = &visitor};
static const weft_http_route routes[] = {
    {.route = "GET /", .handler = page},
    {.route = "GET /room", .use = &weft_websocket, .config = &room},
    {0},
};
/* [/routes] */

int main(int argc, char **argv)
{
    static const weft_topic_config topic = {.name = "room"};
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &weft_topic, &topic)))
        return 71; /* EX_OSERR */
    (void)weft_listen(sys, argc > 1 ? argv[1] : "http://127.0.0.1:8880", &weft_http_site, routes);
    return weft_run(&sys);
}
