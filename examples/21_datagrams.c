/* SPDX-License-Identifier: MIT */
/* Datagrams: an echo, and one who asks again until it is answered. usage: 21_datagrams URL [TEXT] */
#include <stdio.h>
#include <string.h>
#include <weft/weft.h>

/* [echo] */
static weft_err echo(weft_actor *self, weft_msg *msg)
{
    const weft_datagram *d = weft_body(msg);
    return weft_send(self, d->endpoint, &d->from, d->bytes);
}

static const weft_handler echo_rows[] = {{.type = &weft_datagram_type, .fn = echo}, {0}};
static const weft_behaviour echoes = {.name = "echo", .handlers = echo_rows};
/* [/echo] */
/* [ask] */
static const weft_type ask_type = WEFT_TYPE("ask", weft_ref, NULL);
static const char *url, *text;

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    weft_ref endpoint = weft_endpoint_connect(self, url, weft_self(self));
    (void)msg, (void)weft_timer_start(self, 1, 200, &ask_type, &endpoint);
    return WEFT_OK;
}

static weft_err on_ask(weft_actor *self, weft_msg *msg) /* again: either way may lose it */
{
    return weft_send_copy(self, *(const weft_ref *)weft_body(msg), NULL, text, strlen(text));
}

static weft_err on_answer(weft_actor *self, weft_msg *msg)
{
    weft_bytes bytes = ((const weft_datagram *)weft_body(msg))->bytes;
    (void)printf("%.*s\n", (int)bytes.size, (const char *)bytes.at);
    return weft_stop(self, WEFT_OK);
}
/* [/ask] */
static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_endpoint_closed *closed = weft_body(msg);
    return weft_stop_because(self, closed->reason, "%s", closed->why);
}

static const weft_handler ask_rows[] = {{.type = &weft_started_type, .fn = on_started},
                                        {.type = &ask_type, .fn = on_ask},
                                        {.type = &weft_datagram_type, .fn = on_answer},
                                        {.type = &weft_endpoint_closed_type, .fn = on_closed},
                                        {0}};
static const weft_behaviour asks = {.name = "ask", .handlers = ask_rows, .ended = weft_system_stop};

int main(int argc, char **argv)
{
    url = argc > 1 ? argv[1] : "udp://127.0.0.1:1234", text = argc > 2 ? argv[2] : NULL;
    weft_system *sys = text != NULL ? weft_system_new(NULL) : NULL;
    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &asks, NULL)))
        return weft_serve(url, &echoes, NULL);
    return weft_run(&sys);
}
