/* SPDX-License-Identifier: MIT */
/* Echo: one actor for each connection, safe against a peer that does not read. */
/* [echo] */
#include <weft/weft.h>

static weft_err echo_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_write(self, weft_sender(msg), data->bytes);
}

static const weft_handler handlers[] = {
    {.type = &weft_data_type, .fn = echo_data},
    {0},
};

static const weft_behaviour echo = {.name = "echo", .handlers = handlers};

int main(int argc, char **argv)
{
    return weft_serve(argc > 1 ? argv[1] : "tcp://127.0.0.1:1234", &echo, NULL);
}
/* [/echo] */
