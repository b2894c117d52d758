/* SPDX-License-Identifier: MIT */
/* Forwarding: one actor owns two streams and writes to each what comes from the other.
 *
 *   connecting ── target opened ──▶ joined ── both closed ──▶ ended
 *       └── target closed: the client is aborted ─────────────▲
 *
 * What is written is borrowed from the stream it came from, so a slow side holds the other one's
 * window and thereby stops its source: there is no code for that here. */
#include <inttypes.h>

#include <weft/net.h>
#include <weft/timer.h>
#include <weft/wire.h>

typedef struct side {
    weft_ref stream;
    uint64_t bytes; /* that came from it */
    bool opened, closed;
} side;

typedef struct forward {
    side client, target;
    weft_msg
        *opening; /* the client's `opened`: kept until the target is there, so that nothing comes */
    uint32_t came_ms; /* when something last came */
    bool closing;     /* for nothing came for too long */
} forward;

typedef struct forward_idle {
    char nothing;
} forward_idle;
static const weft_type forward_idle_type = WEFT_TYPE("weft.forward_idle", forward_idle, NULL);

static side *side_of(forward *f, weft_ref stream)
{
    return weft_ref_same(f->client.stream, stream) ? &f->client : &f->target;
}

static side *other_side(forward *f, const side *s)
{
    return s == &f->client ? &f->target : &f->client;
}

static void abort_side(weft_actor *self, side *s)
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
    forward *f = weft_state(self);
    const weft_forward_config *config = weft_config(self);
    f->client = (side){.stream = opened->stream, .opened = true};
    f->came_ms = weft_now_ms(self);
    f->target.stream =
        weft_connect_for(self, config->to, weft_self(self), &opened->local, &opened->peer);
    if (weft_ref_is_nobody(f->target.stream) ||
        (config->idle_ms != 0 && !watch_idle(self, config->idle_ms)))
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to forward a connection");
    f->opening = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    forward *f = weft_state(self);
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
    forward *f = weft_state(self);
    const weft_data *data = weft_body(msg);
    side *from = side_of(f, data->stream), *to = other_side(f, from);
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
    forward *f = weft_state(self);
    const weft_ended *ended = weft_body(msg);
    const side *to = other_side(f, side_of(f, ended->stream));
    /* behind what is queued; a side that has closed says so itself */
    (void)weft_end(self, to->stream);
    return WEFT_OK;
}

static weft_err on_idle(weft_actor *self, weft_msg *msg)
{
    forward *f = weft_state(self);
    const weft_forward_config *config = weft_config(self);
    uint32_t still_ms = weft_now_ms(self) - f->came_ms;
    (void)msg;
    if (still_ms < config->idle_ms && watch_idle(self, config->idle_ms - still_ms))
        return WEFT_OK;
    weft_log(self, WEFT_INFO, "nothing came for %" PRIu32 " ms: %s", still_ms,
             f->closing ? "aborting" : "closing");
    if (f->closing || !watch_idle(self, config->idle_ms)) {
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

static weft_err unreachable(weft_actor *self, forward *f, const weft_closed *closed)
{
    const weft_forward_config *config = weft_config(self);
    weft_log(self, WEFT_WARNING, "unable to reach %s: %s", config->to, closed->why);
    abort_side(self, &f->client);
    weft_drop(&f->opening);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    forward *f = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    side *from = side_of(f, closed->stream), *other = other_side(f, from);
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

const weft_behaviour weft_forward_service = {
    .name = "forward", .handlers = handlers, .state_bytes = sizeof(forward)};
