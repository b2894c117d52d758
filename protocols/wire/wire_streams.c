/* SPDX-License-Identifier: MIT */
/* Echo, discard and chargen: the services that go on until the peer closes; or that answer each datagram. */
#include <weft/datagram.h>
#include <weft/stream.h>
#include <weft/wire.h>

#include "wire_text.h"

/* Bytes that were accepted and cannot be sent must not be missing in silence. */
static weft_err sent(weft_actor *self, weft_ref stream, weft_err err)
{
    return err == WEFT_OK || err == WEFT_EGONE ? WEFT_OK : weft_abort(self, stream, err);
}

static weft_err throw_away(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

/* ---- echo: ended needs no row, what came before it is flushed */

static weft_err on_echo_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return sent(self, data->stream, weft_write(self, data->stream, data->bytes));
}

/* What finds no room is lost, as on the way. */
static weft_err on_echo_datagram(weft_actor *self, weft_msg *msg)
{
    const weft_datagram *d = weft_body(msg);
    if (wf_wire_answers(&d->from))
        (void)weft_send_from(self, d->endpoint, &d->from, &d->to, d->bytes);
    return WEFT_OK;
}

static const weft_handler echo_handlers[] = {
    {.type = &weft_data_type, .fn = on_echo_data},
    {.type = &weft_datagram_type, .fn = on_echo_datagram},
    {0},
};

const weft_behaviour weft_wire_echo = {.name = "echo", .handlers = echo_handlers};

/* ---- discard */

static const weft_handler discard_handlers[] = {
    {.type = &weft_data_type, .fn = throw_away},
    {.type = &weft_datagram_type, .fn = throw_away},
    {0},
};

const weft_behaviour weft_wire_discard = {.name = "discard", .handlers = discard_handlers};

/* ---- chargen */

static weft_err on_chargen_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    return sent(self, opened->stream, weft_produce(self, opened->stream));
}

static weft_err on_chargen_pull(weft_actor *self, weft_msg *msg)
{
    const weft_pull *pull = weft_body(msg);
    size_t bytes;
    const uint8_t *block = wf_chargen_block(&bytes);
    return sent(self, pull->stream,
                weft_write(self, pull->stream, weft_bytes_static(block, bytes)));
}

/* RFC 864: "a datagram is sent containing a random number (between 0 and 512) of characters". */
static weft_err on_chargen_datagram(weft_actor *self, weft_msg *msg)
{
    const weft_datagram *d = weft_body(msg);
    uint16_t draw;
    size_t all;
    const uint8_t *block = wf_chargen_block(&all);
    weft_random(self, &draw, sizeof draw);
    if (wf_wire_answers(&d->from))
        (void)weft_send_from(self, d->endpoint, &d->from, &d->to,
                             weft_bytes_static(block, draw % (WF_CHARGEN_DATAGRAM_BYTES_MAX + 1)));
    return WEFT_OK;
}

static const weft_handler chargen_handlers[] = {
    {.type = &weft_datagram_type, .fn = on_chargen_datagram},
    {.type = &weft_opened_type, .fn = on_chargen_opened},
    {.type = &weft_pull_type, .fn = on_chargen_pull},
    {.type = &weft_data_type, .fn = throw_away},
    /* who has nothing to say may still want to hear: RFC 864 goes on until the connection is closed
     */
    {.type = &weft_ended_type, .fn = throw_away},
    {0},
};

const weft_behaviour weft_wire_chargen = {.name = "chargen", .handlers = chargen_handlers};
