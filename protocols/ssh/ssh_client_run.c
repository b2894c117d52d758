/* SPDX-License-Identifier: MIT */
/* One command: what it says is gathered, up to a limit, and is the answer when it has ended. */
#include <string.h>

#include <weft/edge.h>

#include "ssh_client.h"

enum { OUTPUT_BYTES_MAX = 8 << 20, FIRST_BYTES = 4 << 10 };

static void result_share(void *body)
{
    weft_ssh_result *r = body;
    r->output = weft_bytes_share(r->output);
    r->errors = weft_bytes_share(r->errors);
}

static void result_release(void *body)
{
    weft_ssh_result *r = body;
    weft_bytes_drop(&r->output);
    weft_bytes_drop(&r->errors);
}

const weft_type weft_ssh_result_type = {.name = "weft.ssh_result",
                                        .size = sizeof(weft_ssh_result),
                                        .share = result_share,
                                        .release = result_release};

/* One of both ways that it says something. */
typedef struct gathered {
    weft_ref stream;
    uint8_t *at;
    size_t size, room;
    bool ended;
} gathered;

typedef struct run {
    weft_msg *request;
    gathered output, errors;
    weft_ssh_exited exited;
    bool has_exited, done;
} run;

/* ---- the end */

static weft_err finish(weft_actor *self, run *r, weft_err err, const char *why)
{
    if (r->done)
        return WEFT_OK;
    r->done = true;
    if (r->request != NULL && err != WEFT_OK)
        (void)weft_fail(r->request, err, "%s", why);
    weft_drop(&r->request);
    if (!weft_ref_is_nobody(r->output.stream))
        (void)weft_close(self, r->output.stream);
    return weft_stop(self, WEFT_OK);
}

static weft_err bytes_of(const gathered *g, weft_bytes *out)
{
    uint8_t *to;
    *out = (weft_bytes){.size = 0};
    if (g->size == 0)
        return WEFT_OK;
    weft_err err = weft_bytes_new(g->size, &to, out);
    if (err == WEFT_OK)
        memcpy(to, g->at, g->size);
    return err;
}

/* It is over when both ways have ended, and it is known how. */
static weft_err look(weft_actor *self, run *r)
{
    weft_ssh_result result = {.code = r->exited.code, .core = r->exited.core};
    if (!r->output.ended || !r->errors.ended || !r->has_exited || r->done)
        return WEFT_OK;
    memcpy(result.signal, r->exited.signal, sizeof result.signal);
    weft_err err = bytes_of(&r->output, &result.output);
    if (err == WEFT_OK)
        err = bytes_of(&r->errors, &result.errors);
    if (err == WEFT_OK)
        err = weft_reply_body(r->request, &weft_ssh_result_type, &result);
    weft_bytes_drop(&result.output);
    weft_bytes_drop(&result.errors);
    return finish(self, r, err, "no memory for what it said");
}

/* ---- the beginning */

static weft_err on_open(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    run *r = weft_state(self);
    (void)next;
    if (r->done)
        return WEFT_OK;
    if (got->err != WEFT_OK)
        return finish(self, r, got->err, got->why);
    const weft_ssh_channel *channel = got->body;
    const wf_ssh_wish *wish = weft_body(r->request);
    r->output.stream = channel->stream;
    r->errors.stream = channel->errors;
    size_t n = wish->text.size - wish->input_at;
    weft_err err = n != 0
                       ? weft_write_copy(self, channel->stream, wish->text.at + wish->input_at, n)
                       : WEFT_OK;
    if (err != WEFT_OK)
        return finish(self, r, err, "no memory for what it is to read");
    (void)weft_end(self, channel->stream);
    return WEFT_OK;
}

static weft_err on_run(weft_actor *self, weft_msg *msg)
{
    run *r = weft_state(self);
    r->request = weft_keep(msg);
    (void)weft_ignore(self, weft_finally(self,
                                         weft_ask_body(self, weft_parent(self), &wf_ssh_open_type,
                                                       weft_body(msg), WEFT_INHERIT),
                                         on_open));
    return WEFT_OK;
}

/* ---- what it says */

static gathered *gathered_of(run *r, weft_ref stream)
{
    if (weft_ref_same(stream, r->output.stream))
        return &r->output;
    return weft_ref_same(stream, r->errors.stream) ? &r->errors : NULL;
}

static bool add(gathered *g, weft_bytes bytes)
{
    size_t room = g->room != 0 ? g->room : FIRST_BYTES;
    while (room < g->size + bytes.size)
        room *= 2;
    if (room != g->room) {
        uint8_t *more = weft_alloc_again(g->at, room);
        if (more == NULL)
            return false;
        g->at = more;
        g->room = room;
    }
    memcpy(g->at + g->size, bytes.at, bytes.size);
    g->size += bytes.size;
    return true;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_ssh_client_config *config = weft_config(self);
    const weft_data *data = weft_body(msg);
    run *r = weft_state(self);
    gathered *g = gathered_of(r, data->stream);
    if (g == NULL || r->done)
        return WEFT_OK;
    if (g->size + data->bytes.size > or_default(config->output_bytes_max, OUTPUT_BYTES_MAX))
        return finish(self, r, WEFT_ETOOBIG, "it says more than is gathered (output_bytes_max)");
    if (!add(g, data->bytes))
        return finish(self, r, WEFT_ENOMEM, "no memory for what it says");
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    run *r = weft_state(self);
    gathered *g = gathered_of(r, ((const weft_ended *)weft_body(msg))->stream);
    if (g != NULL)
        g->ended = true;
    return look(self, r);
}

static weft_err on_exited(weft_actor *self, weft_msg *msg)
{
    run *r = weft_state(self);
    r->exited = *(const weft_ssh_exited *)weft_body(msg);
    r->has_exited = true;
    return look(self, r);
}

/* One that did not read what it was to read is no failure: what it said, and how it ended, is the answer. */
static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    run *r = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    gathered *g = gathered_of(r, closed->stream);
    if (g == NULL || r->done)
        return WEFT_OK;
    if (g == &r->output && !g->ended && !r->has_exited)
        return finish(self, r, closed->reason == WEFT_EDONE ? WEFT_ELOST : closed->reason,
                      closed->why);
    g->ended = true;
    return look(self, r);
}

static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    run *r = weft_state(self);
    (void)msg;
    return finish(self, r, WEFT_ECANCELLED, "nobody wants it any more");
}

static void run_ended(weft_actor *self, weft_err reason)
{
    run *r = weft_state(self);
    (void)self, (void)reason;
    if (r->request != NULL)
        (void)weft_fail(r->request, WEFT_EGONE, "the client has ended");
    weft_drop(&r->request);
    weft_alloc_free(r->output.at);
    weft_alloc_free(r->errors.at);
}

static const weft_handler handlers[] = {
    {.type = &wf_ssh_run_type, .fn = on_run},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_ssh_exited_type, .fn = on_exited},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};

const weft_behaviour wf_ssh_client_run = {
    .name = "ssh.run", .handlers = handlers, .state_bytes = sizeof(run), .ended = run_ended};
