/* SPDX-License-Identifier: MIT */
/* Stays connected: 16_reconnect URL says hello whenever a connection stands, and prints what comes. */
#include <stdio.h>
#include <sysexits.h>

#include <weft/weft.h>

/* [config] */
static weft_reconnect_config config = {.delay_ms = 20, .delay_max_ms = 1000, .failures_max = 5};

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    weft_ref client = weft_spawn(self, &weft_reconnect, &config);
    (void)msg;
    return weft_ref_is_nobody(client) ? weft_stop(self, WEFT_ENOMEM) : WEFT_OK;
}
/* [/config] */

/* [stream] */
static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    return weft_write_text(self, opened->stream, "hello\n");
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    (void)self;
    printf("closed: %s\n", weft_err_text(closed->reason));
    return WEFT_OK; /* unhandled, it would stop this actor */
}
/* [/stream] */

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    (void)self;
    (void)fwrite(data->bytes.at, 1, data->bytes.size, stdout);
    return WEFT_OK;
}

/* [waiting] */
static weft_err on_waiting(weft_actor *self, weft_msg *msg)
{
    const weft_reconnect_waiting *waiting = weft_body(msg);
    (void)self;
    printf("again in %u ms: %s\n", waiting->delay_ms, waiting->why);
    return WEFT_OK;
}

static weft_err on_gave_up(weft_actor *self, weft_msg *msg)
{
    const weft_reconnect_gave_up *up = weft_body(msg);
    printf("gave up after %u failures: %s\n", up->failures, up->why);
    weft_system_stop(self, up->reason);
    return WEFT_OK;
}
/* [/waiting] */

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_reconnect_waiting_type, .fn = on_waiting},
    {.type = &weft_reconnect_gave_up_type, .fn = on_gave_up},
    {0},
};
static const weft_behaviour greeter = {.name = "greeter", .handlers = handlers};

int main(int argc, char **argv)
{
    weft_system *sys = weft_system_new(NULL);
    config.url = argc > 1 ? argv[1] : "tcp://127.0.0.1:1234";
    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &greeter, NULL)))
        return EX_OSERR;
    return weft_run(&sys);
}
