/* SPDX-License-Identifier: MIT */
/* Daytime, time and qotd: the services that say one thing and are done.
 *
 *   opened ──▶ answer, end ──▶ what comes is thrown away ──▶ ended by the peer, or lingered: closed
 */
#include <weft/datagram.h>
#include <weft/stream.h>
#include <weft/wire.h>

#include "wire_text.h"

typedef struct linger_over {
    weft_ref stream;
} linger_over;
static const weft_type linger_over_type = WEFT_TYPE("weft.wire_linger_over", linger_over, NULL);

/* Closing with bytes unread makes TCP send a reset, which takes what was sent away from its
 * receiver. */
static weft_err answer(weft_actor *self, weft_ref stream, const void *text, size_t bytes)
{
    weft_err err = weft_write_copy(self, stream, text, bytes);
    if (err == WEFT_OK)
        err = weft_end(self, stream);
    if (err != WEFT_OK)
        return weft_abort(self, stream, err);
    weft_timer timer = weft_after(self, WEFT_WIRE_LINGER_MS, linger_over, .stream = stream);
    return timer.slot != 0 ? WEFT_OK : weft_close(self, stream);
}

static weft_err on_linger_over(weft_actor *self, weft_msg *msg)
{
    const linger_over *over = weft_body(msg);
    return weft_close(self, over->stream);
}

static weft_err throw_away(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

/* The same over datagrams: what finds no room is lost, as on the way. */
static weft_err answer_datagram(weft_actor *self, weft_msg *msg, const void *text, size_t bytes)
{
    const weft_datagram *d = weft_body(msg);
    if (!wf_wire_answers(&d->from))
        return WEFT_OK;
    weft_bytes copy = weft_bytes_copy(msg, text, bytes);
    if (copy.size == bytes)
        (void)weft_send_from(self, d->endpoint, &d->from, &d->to, copy);
    return WEFT_OK;
}

static weft_err on_daytime_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    char text[WF_DAYTIME_BYTES];
    size_t bytes = wf_daytime_text(weft_wall_ns(self), text);
    return answer(self, opened->stream, text, bytes);
}

static weft_err on_daytime_datagram(weft_actor *self, weft_msg *msg)
{
    char text[WF_DAYTIME_BYTES];
    size_t bytes = wf_daytime_text(weft_wall_ns(self), text);
    return answer_datagram(self, msg, text, bytes);
}

static weft_err on_time_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    uint8_t bytes[4];
    wf_time_bytes(weft_wall_ns(self), bytes);
    return answer(self, opened->stream, bytes, sizeof bytes);
}

static weft_err on_time_datagram(weft_actor *self, weft_msg *msg)
{
    uint8_t bytes[4];
    wf_time_bytes(weft_wall_ns(self), bytes);
    return answer_datagram(self, msg, bytes, sizeof bytes);
}

/* Writes today's quote; returns its bytes. */
static size_t todays_quote(weft_actor *self, char text[WEFT_WIRE_QUOTE_BYTES_MAX])
{
    const weft_wire_quotes *config = weft_config(self);
    const char *quotes = config != NULL && config->text != NULL ? config->text : wf_quotes_builtin;
    wf_quote_place quote = {.at = ""};
    if (!wf_quote_of_day(quotes, weft_wall_ns(self), &quote))
        return 0;
    size_t bytes = wf_quote_text(&quote, text, WEFT_WIRE_QUOTE_BYTES_MAX);
    return bytes < WEFT_WIRE_QUOTE_BYTES_MAX ? bytes : WEFT_WIRE_QUOTE_BYTES_MAX;
}

static weft_err on_qotd_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    char text[WEFT_WIRE_QUOTE_BYTES_MAX];
    size_t bytes = todays_quote(self, text);
    return answer(self, opened->stream, text, bytes);
}

static weft_err on_qotd_datagram(weft_actor *self, weft_msg *msg)
{
    char text[WEFT_WIRE_QUOTE_BYTES_MAX];
    size_t bytes = todays_quote(self, text);
    return answer_datagram(self, msg, text, bytes);
}

static const weft_handler daytime_handlers[] = {
    {.type = &weft_opened_type, .fn = on_daytime_opened},
    {.type = &weft_datagram_type, .fn = on_daytime_datagram},
    {.type = &weft_data_type, .fn = throw_away},
    {.type = &linger_over_type, .fn = on_linger_over},
    {0},
};

static const weft_handler time_handlers[] = {
    {.type = &weft_opened_type, .fn = on_time_opened},
    {.type = &weft_datagram_type, .fn = on_time_datagram},
    {.type = &weft_data_type, .fn = throw_away},
    {.type = &linger_over_type, .fn = on_linger_over},
    {0},
};

static const weft_handler qotd_handlers[] = {
    {.type = &weft_opened_type, .fn = on_qotd_opened},
    {.type = &weft_datagram_type, .fn = on_qotd_datagram},
    {.type = &weft_data_type, .fn = throw_away},
    {.type = &linger_over_type, .fn = on_linger_over},
    {0},
};

const weft_behaviour weft_wire_daytime = {.name = "daytime", .handlers = daytime_handlers};
const weft_behaviour weft_wire_time = {.name = "time", .handlers = time_handlers};
const weft_behaviour weft_wire_qotd = {.name = "qotd", .handlers = qotd_handlers};
