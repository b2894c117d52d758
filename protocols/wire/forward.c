/* SPDX-License-Identifier: MIT */
/* Forwarding: one actor owns two streams and writes to each what comes from the other.
 *
 *   connecting ── target opened ──▶ joined ── both closed ──▶ ended
 *       └── target closed: the client is aborted ─────────────▲
 *
 * What is written is borrowed from the stream it came from, so a slow side holds the other one's
 * window and thereby stops its source: there is no code for that here. */
#include <inttypes.h>
#include <string.h>

#include <weft/net.h>
#include <weft/timer.h>
#include <weft/wire.h>

#include "forward.h"

typedef struct forward_idle {
    char nothing;
} forward_idle;
static const weft_type forward_idle_type = WEFT_TYPE("weft.forward_idle", forward_idle, NULL);

static wf_forward_side *side_of(wf_forward *f, weft_ref stream)
{
    return weft_ref_same(f->client.stream, stream) ? &f->client : &f->target;
}

static wf_forward_side *other_side(wf_forward *f, const wf_forward_side *s)
{
    return s == &f->client ? &f->target : &f->client;
}

static void abort_side(weft_actor *self, const wf_forward_side *s)
{
    if (!s->closed)
        (void)weft_abort(self, s->stream, WEFT_EABORTED);
}

/* ---- the beginning */

static bool watch_idle(weft_actor *self, uint32_t delay_ms)
{
    return weft_after(self, delay_ms, forward_idle, .nothing = 0).slot != 0;
}

static weft_err on_client_opened(weft_actor *self, weft_msg *msg, const weft_opened *opened)
{
    wf_forward *f = weft_state(self);
    const weft_forward_config *config = weft_config(self);
    f->client = (wf_forward_side){.stream = opened->stream, .opened = true};
    f->came_ms = weft_now_ms(self);
    f->idle_ms = config->idle_ms;
    f->target.stream =
        weft_connect_for(self, config->to, weft_self(self), &opened->local, &opened->peer);
    if (weft_ref_is_nobody(f->target.stream) || (f->idle_ms != 0 && !watch_idle(self, f->idle_ms)))
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to forward a connection");
    f->opening = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    wf_forward *f = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    if (!f->client.opened)
        return on_client_opened(self, msg, opened);
    f->target.opened = true;
    f->came_ms = weft_now_ms(self);
    weft_drop(&f->opening);
    return WEFT_OK;
}

/* ---- joined */

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    wf_forward *f = weft_state(self);
    const weft_data *data = weft_body(msg);
    wf_forward_side *from = side_of(f, data->stream), *to = other_side(f, from);
    weft_err err = weft_write(self, to->stream, data->bytes);
    from->bytes += data->bytes.size;
    f->came_ms = weft_now_ms(self);
    if (err != WEFT_OK) {
        /* it has closed, or memory is out: bytes are lost, so neither side may take this for the
         * end */
        abort_side(self, from);
        abort_side(self, to);
    }
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    wf_forward *f = weft_state(self);
    const weft_ended *ended = weft_body(msg);
    const wf_forward_side *to = other_side(f, side_of(f, ended->stream));
    /* behind what is queued; a side that has closed says so itself */
    (void)weft_end(self, to->stream);
    return WEFT_OK;
}

static weft_err on_idle(weft_actor *self, weft_msg *msg)
{
    wf_forward *f = weft_state(self);
    uint32_t still_ms = weft_now_ms(self) - f->came_ms;
    (void)msg;
    if (still_ms < f->idle_ms && watch_idle(self, f->idle_ms - still_ms))
        return WEFT_OK;
    weft_log(self, WEFT_INFO, "nothing came for %" PRIu32 " ms: %s", still_ms,
             f->closing ? "aborting" : "closing");
    if (f->closing || !watch_idle(self, f->idle_ms)) {
        /* what was queued is not taken either */
        abort_side(self, &f->client);
        abort_side(self, &f->target);
        return WEFT_OK;
    }
    f->closing = true;
    (void)weft_close(self, f->client.stream);
    (void)weft_close(self, f->target.stream);
    return WEFT_OK;
}

/* ---- the end */

static weft_err unreachable(weft_actor *self, wf_forward *f, const weft_closed *closed)
{
    const weft_forward_config *config = weft_config(self);
    /* its options may hold what is no log's business */
    int n = (int)strcspn(config->to, "?");
    weft_log(self, WEFT_WARNING, "unable to reach %.*s: %s", n, config->to, closed->why);
    abort_side(self, &f->client);
    weft_drop(&f->opening);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    wf_forward *f = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    wf_forward_side *from = side_of(f, closed->stream), *other = other_side(f, from);
    from->closed = true;
    if (other->closed) {
        weft_log(self, WEFT_INFO, "forwarded %" PRIu64 " bytes there and %" PRIu64 " back",
                 f->client.bytes, f->target.bytes);
        return weft_stop(self, WEFT_OK);
    }
    if (from == &f->target && !from->opened)
        return unreachable(self, f, closed);
    if (closed->reason == WEFT_EDONE)
        (void)weft_close(self, other->stream);
    else
        abort_side(self, other);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened}, {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},   {.type = &weft_closed_type, .fn = on_closed},
    {.type = &forward_idle_type, .fn = on_idle},  {0},
};

/* ---- the same for others' streams */

static const weft_handler joined_handlers[] = {
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &forward_idle_type, .fn = on_idle},
    {0},
};
static const weft_behaviour joined = {
    .name = "joined", .handlers = joined_handlers, .state_bytes = sizeof(wf_forward)};

weft_err wf_forward_join(weft_actor *self, uint32_t idle_ms)
{
    wf_forward *f = weft_state(self);
    weft_err err = weft_become(self, &joined);
    if (err != WEFT_OK || (idle_ms != 0 && !watch_idle(self, idle_ms)))
        return WEFT_ENOMEM;
    f->client.opened = f->target.opened = true;
    f->idle_ms = idle_ms;
    f->came_ms = weft_now_ms(self);
    return WEFT_OK;
}

const weft_behaviour weft_forward_service = {
    .name = "forward", .handlers = handlers, .state_bytes = sizeof(wf_forward)};
