/* SPDX-License-Identifier: MIT */
/* The output of a program: an actor that owns the process, gathers what it writes and answers when it has
 * ended. Whoever no longer wants it ends the actor, and with it the process. */
#include <string.h>

#include <weft/process.h>

#include "conn.h"

const weft_type weft_output_type = WEFT_TYPE_BYTES("weft.output", weft_output, bytes, NULL);

enum { ROOM_FIRST = 4096 };

/* The request that waits for it. */
typedef struct output_request {
    char nothing;
} output_request;
static const weft_type output_request_type =
    WEFT_TYPE("weft.output_request", output_request, &weft_output_type);

/* What came from one of its descriptors. */
typedef struct gathered {
    weft_ref stream;
    uint8_t *at;
    size_t size, room;
} gathered;

typedef struct gathering {
    weft_ref process;
    weft_msg *asked;
    weft_bytes input;
    gathered out, err;
    size_t bytes_max;
    bool cut;
    weft_err failed; /* what one of its streams was lost with */
} gathering;

static gathering *state_of(weft_actor *self)
{
    return weft_state(self);
}

/* Ends it with what became of it, once. */
static void fail_it(weft_actor *self, gathering *g, weft_err err, const char *why)
{
    if (g->asked != NULL) {
        (void)weft_fail(g->asked, err, "%s", why);
        weft_drop(&g->asked);
    }
    (void)weft_stop(self, WEFT_OK);
}

static weft_err grow(gathered *to, size_t size)
{
    size_t room = to->room != 0 ? to->room : ROOM_FIRST;
    while (room < size)
        room *= 2;
    if (room == to->room)
        return WEFT_OK;
    uint8_t *at = weft_alloc_again(to->at, room);
    if (at == NULL)
        return WEFT_ENOMEM;
    to->at = at;
    to->room = room;
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    gathering *g = state_of(self);
    const weft_data *data = weft_body(msg);
    gathered *to = weft_ref_same(data->stream, g->out.stream) ? &g->out : &g->err;
    size_t size = data->bytes.size, left = g->bytes_max - g->out.size - g->err.size;
    if (size > left && !g->cut) {
        fail_it(self, g, WEFT_ETOOBIG, "the program wrote more than was to be gathered");
        return WEFT_OK;
    }
    if (size > left)
        size = left;
    if (size == 0)
        return WEFT_OK;
    if (grow(to, to->size + size) != WEFT_OK) {
        fail_it(self, g, WEFT_ENOMEM, "no memory for what the program wrote");
        return WEFT_OK;
    }
    memcpy(to->at + to->size, data->bytes.at, size);
    to->size += size;
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    gathering *g = state_of(self);
    const weft_closed *closed = weft_body(msg);
    bool reads = weft_ref_same(closed->stream, g->out.stream) ||
                 weft_ref_same(closed->stream, g->err.stream);
    /* what it did not read of its input is its own affair */
    if (reads && closed->reason != WEFT_EDONE && g->failed == WEFT_OK)
        g->failed = closed->reason;
    return WEFT_OK;
}

static uint8_t *copy(uint8_t *to, const gathered *from)
{
    if (from->size != 0)
        memcpy(to, from->at, from->size);
    return to + from->size;
}

static weft_err answer(gathering *g, const weft_process_ended *ended)
{
    weft_output body = {.out_bytes = g->out.size, .code = ended->code, .signal = ended->signal};
    size_t size = g->out.size + g->err.size;
    if (size != 0) {
        uint8_t *to = NULL;
        weft_err err = weft_bytes_new(size, &to, &body.bytes);
        if (err != WEFT_OK)
            return err;
        (void)copy(copy(to, &g->out), &g->err);
    }
    weft_err err = weft_reply_body(g->asked, &weft_output_type, &body);
    weft_bytes_drop(&body.bytes);
    return err;
}

static void finish(weft_actor *self, gathering *g, const weft_process_ended *ended)
{
    if (ended->err != WEFT_OK)
        fail_it(self, g, ended->err, ended->why);
    else if (g->failed != WEFT_OK)
        fail_it(self, g, g->failed, "what the program wrote did not come whole");
    else if (answer(g, ended) != WEFT_OK)
        fail_it(self, g, WEFT_ENOMEM, "no memory for what the program wrote");
    else {
        weft_drop(&g->asked);
        (void)weft_stop(self, WEFT_OK);
    }
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    gathering *g = state_of(self);
    if (g->asked != NULL)
        finish(self, g, weft_body(msg));
    else
        (void)weft_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_request(weft_actor *self, weft_msg *msg)
{
    gathering *g = state_of(self);
    (void)self;
    g->asked = weft_keep(msg);
    return WEFT_OK;
}

/* A request that was cancelled, or could not be sent, never came: then nobody wants this. */
static weft_err on_runs(weft_actor *self, weft_msg *msg)
{
    const gathering *g = state_of(self);
    (void)msg;
    return g->asked == NULL ? weft_stop(self, WEFT_OK) : WEFT_OK;
}

static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    gathering *g = state_of(self);
    (void)msg;
    weft_drop(&g->asked);
    return weft_stop(self, WEFT_OK);
}

static void gathering_ended(weft_actor *self, weft_err reason)
{
    gathering *g = state_of(self);
    (void)reason;
    weft_alloc_free(g->out.at);
    weft_alloc_free(g->err.at);
    weft_bytes_drop(&g->input);
}

static const weft_handler handlers[] = {
    {.type = &output_request_type, .fn = on_request},
    {.type = &weft_process_started_type, .fn = on_runs},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_process_ended_type, .fn = on_ended},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {0},
};
static const weft_behaviour gathering_behaviour = {.name = "process.output",
                                                   .handlers = handlers,
                                                   .state_bytes = sizeof(gathering),
                                                   .ended = gathering_ended};

static weft_err begin(weft_actor *a, const weft_output_options *o)
{
    static const weft_process_fd with_input[] = {{.child = 0, .kind = WEFT_PROCESS_TO},
                                                 {.child = 1, .kind = WEFT_PROCESS_FROM},
                                                 {.child = 2, .kind = WEFT_PROCESS_FROM}};
    gathering *g = weft_state(a);
    weft_process_options p = o->process;
    bool reads = o->input.size != 0;
    p.terminal = NULL;
    p.joined = false;
    p.fds = reads ? with_input : with_input + 1;
    p.n_fds = reads ? 3 : 2;
    g->bytes_max = o->bytes_max != 0 ? o->bytes_max : WEFT_OUTPUT_BYTES_MAX;
    g->cut = o->cut;
    g->process = weft_process_start(a, &p, weft_self(a));
    if (weft_ref_is_nobody(g->process))
        return WEFT_ENOMEM;
    g->out.stream = weft_process_stream(a, g->process, 1);
    g->err.stream = weft_process_stream(a, g->process, 2);
    if (!reads)
        return WEFT_OK;
    weft_ref to = weft_process_stream(a, g->process, 0);
    /* a process that failed already says so itself */
    weft_err err = weft_ref_is_nobody(to) ? WEFT_EGONE : weft_write(a, to, o->input);
    if (err == WEFT_OK)
        err = weft_end(a, to);
    return err == WEFT_EGONE ? WEFT_OK : err;
}

weft_deferred weft_process_output_of(weft_actor *self, const weft_output_options *options,
                                     uint32_t limit_ms)
{
    weft_ref ref = weft_spawn(self, &gathering_behaviour, NULL);
    weft_actor *a = weft_here(ref);
    weft_err err = a != NULL ? begin(a, options) : WEFT_ENOMEM;
    if (err != WEFT_OK) {
        if (a != NULL)
            (void)weft_stop(a, err);
        return weft_failed(self, err, "no memory to run a program");
    }
    return weft_ask_body(self, ref, &output_request_type, &(output_request){0}, limit_ms);
}

weft_deferred weft_process_output(weft_actor *self, const char *const *argv, uint32_t limit_ms)
{
    return weft_process_output_of(self, &(weft_output_options){.process = {.argv = argv}},
                                  limit_ms);
}
