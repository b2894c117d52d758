/* SPDX-License-Identifier: MIT */
/* A dialer: each stream that its reconnecting client gives it becomes a pipe. */
#include "sp_socket.h"

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    const wf_sp_place *place = weft_config(self);
    (void)msg;
    weft_ref client = weft_spawn(self, &weft_reconnect, &place->reconnect);
    return weft_ref_is_nobody(client) ? weft_stop_because(self, WEFT_ENOMEM, "no memory to dial")
                                      : WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    weft_ref pipe = weft_spawn(self, &wf_sp_pipe, weft_config(self));
    weft_err err = weft_ref_is_nobody(pipe) ? WEFT_ENOMEM : WEFT_OK;
    if (err == WEFT_OK)
        err = weft_hand_over(self, opened->stream, pipe, WEFT_NO_BYTES);
    if (err == WEFT_OK)
        return WEFT_OK;
    if (!weft_ref_is_nobody(pipe))
        (void)weft_stop_ref(self, pipe, err);
    return weft_abort(self, opened->stream, err); /* the client comes again */
}

/* Of a stream that could not be handed over: the client knows. */
static weft_err ignore(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static weft_err on_waiting(weft_actor *self, weft_msg *msg)
{
    const wf_sp_place *place = weft_config(self);
    const weft_reconnect_waiting *w = weft_body(msg);
    /* who waits for a peer that is not there is told so once */
    weft_log(self, w->failures == 1 ? WEFT_NOTICE : WEFT_INFO, "%s: %s; again in %u ms",
             place->url.stream, w->why, w->delay_ms);
    return WEFT_OK;
}

static weft_err on_gave_up(weft_actor *self, weft_msg *msg)
{
    const weft_reconnect_gave_up *up = weft_body(msg);
    return weft_stop_because(self, up->reason, "%s", up->why);
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_closed_type, .fn = ignore},
    {.type = &weft_reconnect_waiting_type, .fn = on_waiting},
    {.type = &weft_reconnect_gave_up_type, .fn = on_gave_up},
    {0},
};

const weft_behaviour wf_sp_dialer = {.name = "sp dialer", .handlers = rows};
