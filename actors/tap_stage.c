/* SPDX-License-Identifier: MIT */
/* The stage of a tap: passes everything on as it is, and has what it saw written to the tap's file by an actor
 * that lives as long as something waits to be written, and has the blocking pool do it. */
#include <weft/pool.h>
#include <weft/timer.h>

#include "pipeline.h"
#include "tap.h"

typedef struct tap_plan {
    wf_tap *tap;
    bool connects;
} tap_plan;

typedef struct tap_state {
    wf_tap *tap;
    wf_tap_flow flow;
} tap_state;

/* ---- who writes */

typedef struct tap_job {
    wf_tap *tap;
} tap_job;

static void job_share(void *body)
{
    (void)wf_tap_share(((const tap_job *)body)->tap);
}

static void job_release(void *body)
{
    wf_tap_drop(((const tap_job *)body)->tap);
}

typedef struct tap_done {
    char nothing;
} tap_done;
static const weft_type tap_done_type = WEFT_TYPE("weft.tap_written", tap_done, NULL);
static const weft_type tap_job_type = {.name = "weft.tap_write",
                                       .size = sizeof(tap_job),
                                       .reply = &tap_done_type,
                                       .share = job_share,
                                       .release = job_release};

static wf_tap *tap_of(const weft_actor *self)
{
    return (wf_tap *)(uintptr_t)weft_config(self);
}

static weft_err write_there(weft_actor *self, weft_msg *msg)
{
    (void)self;
    wf_tap_write(((const tap_job *)weft_body(msg))->tap);
    return weft_reply(msg, tap_done, .nothing = 0);
}

static weft_err go_on(weft_actor *self, weft_msg *msg);

static weft_err on_written(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    /* a system that stops has no pool any more */
    if (got->err != WEFT_OK)
        wf_tap_write(tap_of(self));
    return wf_tap_written(tap_of(self)) ? weft_stop(self, WEFT_OK) : go_on(self, msg);
}

static weft_err go_on(weft_actor *self, weft_msg *msg)
{
    const tap_job job = {.tap = tap_of(self)};
    return weft_when(msg, weft_ask_pool_body(self, write_there, &tap_job_type, &job, WEFT_NO_LIMIT),
                     on_written);
}

static void writer_ended(weft_actor *self, weft_err reason)
{
    (void)reason;
    wf_tap_drop(tap_of(self));
}

static const weft_handler writer_rows[] = {{.type = &weft_started_type, .fn = go_on}, {0}};
static const weft_behaviour writer = {
    .name = "tap", .handlers = writer_rows, .ended = writer_ended};

static void see_to_writing(wf_tap *tap)
{
    weft_why why;
    if (!weft_ref_is_nobody(weft_spawn_apart(&writer, wf_tap_share(tap), &why)))
        return;
    wf_tap_pass(tap);
    wf_tap_drop(tap);
}

/* ---- what it sees */

static void record(weft_stage *stage, wf_tap_event event, int way, const uint8_t *at, size_t n)
{
    tap_state *s = weft_stage_state(stage);
    const weft_actor *self = conn_actor(stage->owner);
    if (!wf_tap_is_over(s->tap) &&
        wf_tap_add(s->tap, weft_system_of(self), &s->flow, event, way, at, n, weft_wall_ns(self)))
        see_to_writing(s->tap);
}

/* Not before its first byte: then those below know who is at each end. */
static void begin(weft_stage *stage)
{
    tap_state *s = weft_stage_state(stage);
    if (s->flow.id != 0)
        return;
    s->flow.id = wf_tap_next_id(s->tap);
    wf_conn_addresses(stage->owner, &s->flow.local, &s->flow.peer);
    record(stage, WF_TAP_OPENED, WF_TAP_IN, NULL, 0);
}

static void see(weft_stage *stage, int way, weft_bytes bytes)
{
    tap_state *s = weft_stage_state(stage);
    begin(stage);
    for (size_t i = 0; i < bytes.size; i += WF_TAP_PIECE_BYTES) {
        weft_bytes piece = weft_bytes_slice(bytes, i, WF_TAP_PIECE_BYTES);
        record(stage, WF_TAP_BYTES, way, piece.at, piece.size);
        s->flow.bytes[way] += piece.size;
    }
}

static void see_end(weft_stage *stage, int way)
{
    tap_state *s = weft_stage_state(stage);
    if (s->flow.ended[way])
        return;
    begin(stage);
    record(stage, WF_TAP_ENDED, way, NULL, 0);
    s->flow.ended[way] = true;
}

/* ---- the stage */

static weft_err tap_open(weft_stage *stage, const void *config, weft_why *why)
{
    tap_state *s = weft_stage_state(stage);
    const tap_plan *plan = config;
    (void)why;
    s->tap = wf_tap_share(plan->tap);
    s->flow.connected = plan->connects;
    return WEFT_OK;
}

static weft_err tap_up(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    (void)why;
    if (in.size == 0)
        return WEFT_OK;
    see(stage, WF_TAP_IN, in);
    *out = (weft_piece){.kind = WEFT_PIECE_BYTES, .bytes = weft_bytes_share(in)};
    weft_stage_take(stage, in.size);
    return WEFT_OK;
}

static weft_err tap_up_end(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    (void)in, (void)out, (void)why;
    see_end(stage, WF_TAP_IN);
    return WEFT_OK;
}

static weft_err tap_down(weft_stage *stage, weft_bytes bytes, weft_why *why)
{
    weft_err err = weft_stage_send(stage, bytes);
    if (err != WEFT_OK)
        return weft_because(why, err, "unable to pass on what is written: %s", weft_err_text(err));
    see(stage, WF_TAP_OUT, bytes);
    return WEFT_OK;
}

static weft_err tap_down_end(weft_stage *stage, weft_why *why)
{
    (void)why;
    see_end(stage, WF_TAP_OUT);
    return WEFT_OK;
}

static void tap_close(weft_stage *stage)
{
    tap_state *s = weft_stage_state(stage);
    if (s->tap == NULL)
        return;
    if (s->flow.id != 0)
        record(stage, WF_TAP_CLOSED, WF_TAP_IN, NULL, 0);
    wf_tap_drop(s->tap);
}

static const weft_stage_ops tap_ops = {
    .name = "tap",
    .state_bytes = sizeof(tap_state),
    .open = tap_open,
    .up = tap_up,
    .up_end = tap_up_end,
    .down = tap_down,
    .down_end = tap_down_end,
    .close = tap_close,
    .down_bytes_max = 64 << 10,
};

/* ---- the part */

static weft_err tap_prepare(const weft_url *url, weft_url_end end, void **out, weft_why *why)
{
    const char *path = weft_url_text(url, WEFT_URL_TAP, 0);
    bool listens = end == WEFT_URL_LISTEN;
    if (path == NULL)
        return WEFT_OK;
    if (path[0] == '\0')
        return weft_because(why, WEFT_EINVAL, "the option \"tap\" names no file");
    tap_plan *plan = weft_alloc_zero(sizeof *plan);
    if (plan == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a tap");
    plan->connects = !listens;
    /* a connect must not wait for a disk */
    weft_err err = wf_tap_new(path, (weft_tap_format)url->options.tap_format,
                              url->options.tap_bytes_max, listens, &plan->tap, why);
    if (err == WEFT_OK)
        *out = plan;
    else
        weft_alloc_free(plan);
    return err;
}

static weft_err tap_push(conn *c, void *prepared, const weft_url *url, weft_why *why)
{
    (void)url;
    return weft_push(conn_actor(c), weft_self(conn_actor(c)), &tap_ops, prepared, WEFT_STAGE_TOP,
                     why);
}

static void tap_drop(void *prepared)
{
    tap_plan *plan = prepared;
    wf_tap_drop(plan->tap);
    weft_alloc_free(plan);
}

const wf_pipeline_part wf_tap_part = {
    .name = "tap", .prepare = tap_prepare, .push = tap_push, .drop = tap_drop};
