/* SPDX-License-Identifier: MIT */
/* A pipe: one connection of a socket.
 *
 *   opened ── greeted ──▶ joining ──▶ up ── closed ──▶ (what it gave out comes back) ──▶ ended
 *
 *   peer ──▶ stream ── frame ──▶ got, asked of the socket ──▶ its answer ──▶ written, if it is a reply
 *   socket ── put ──▶ written (sp_pipe_out.c) ──▶ done
 *
 * While it gives out requests_max messages it holds the last, and the stream reads no more. */
#include <string.h>

#include <weft/edge.h>
#include <weft/ward.h>

#include "sp_pipe.h"
#include "sp_stage.h"

/* A message that is charged to no window (see sp_stage.c) goes out alone. */
enum { ALONE_BYTES = 64 << 10 };

typedef struct sp_late {
    char nothing;
} sp_late;
static const weft_type sp_late_type = WEFT_TYPE("weft.sp_late", sp_late, NULL);

/* The stream is of no use any more. `closed` follows. */
weft_err wf_sp_pipe_give_up(weft_actor *self, weft_err err, const char *why)
{
    const wf_sp_conn *p = weft_state(self);
    weft_log(self, WEFT_INFO, "a pipe is closed: %s", why);
    return p->closed ? WEFT_OK : weft_abort(self, p->stream, err);
}

/* ---- reading */

static void end_if_over(weft_actor *self, const wf_sp_conn *p)
{
    /* a reply has nowhere to go; anything else that was read is still given to the owner */
    if (p->closed && (p->out == 0 || wf_sp_place_of(self)->kind->stack))
        (void)weft_stop(self, WEFT_OK);
}

/* Its step does not run when the pipe ends before it would. */
static void note_given(wf_sp_conn *p, wf_sp_job *j)
{
    j->next = p->given;
    if (j->next != NULL)
        j->next->before = j;
    p->given = j;
}

static void take_given(wf_sp_conn *p, wf_sp_job *j)
{
    if (j->next != NULL)
        j->next->before = j->before;
    *(j->before != NULL ? &j->before->next : &p->given) = j->next;
    j->next = j->before = NULL;
}

/* The socket has let go of a message. */
static weft_err on_taken(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_sp_conn *p = weft_state(self);
    wf_sp_job *j = got->context;
    const wf_sp_taken *taken = got->body;
    (void)next;
    take_given(p, j);
    if (got->err == WEFT_OK && taken->replies && !p->closed) {
        j->bytes = weft_bytes_share(taken->reply);
        wf_sp_pipe_write(self, p, j);
    } else {
        wf_sp_pipe_read_on(p);
        weft_alloc_free(j);
    }
    end_if_over(self, p);
    return WEFT_OK;
}

/* Takes what stands before the body: *@skip bytes. errors: EPROTO. *@skip is 0 where it should not be: let go of. */
static weft_err read_head(const wf_sp_place *place, weft_bytes bytes, wf_sp_job *j, wf_sp_got *got,
                          weft_why *why)
{
    size_t skip = 0;
    weft_err err = WEFT_OK;
    if (place->kind->stack) {
        err = wf_sp_read_stack(bytes.at, bytes.size, place->hops_max, &skip, why);
        if (skip != 0)
            memcpy(j->head, bytes.at, skip);
        j->head_n = (uint8_t)skip;
    } else if (place->kind->asks) {
        err = wf_sp_read_id(bytes.at, bytes.size, &got->id, why);
        skip = WF_SP_WORD_BYTES;
    } else if (place->kind->hops) {
        err = wf_sp_read_hops(bytes.at, bytes.size, place->hops_max, &skip, why);
        wf_sp_write_word(1, j->head);
        j->head_n = WF_SP_WORD_BYTES;
    }
    if (err == WEFT_OK && skip == 0 && (place->kind->stack || place->kind->hops))
        return WEFT_ELIMIT;
    got->bytes = weft_bytes_slice(bytes, skip, SIZE_MAX);
    return err;
}

static weft_err give_out(weft_actor *self, weft_msg *msg, weft_bytes bytes, wf_sp_job *j)
{
    wf_sp_conn *p = weft_state(self);
    const wf_sp_place *place = wf_sp_place_of(self);
    wf_sp_got got = {.id = 0};
    weft_why why = {""};
    weft_err err = read_head(place, bytes, j, &got, &why);
    if (err != WEFT_OK) {
        weft_alloc_free(j);
        /* one hop too many is no fault of this peer */
        return err == WEFT_ELIMIT ? WEFT_OK : wf_sp_pipe_give_up(self, err, why.text);
    }
    p->out++;
    p->alone = bytes.size > ALONE_BYTES;
    if (p->out >= place->requests_max || p->alone)
        p->held = weft_keep(msg);
    weft_deferred taken = weft_ask_body(self, place->socket, &wf_sp_got_type, &got, WEFT_NO_LIMIT);
    if (weft_ignore(self, weft_finally_with(self, taken, on_taken, j)) == WEFT_OK) {
        note_given(p, j);
        return WEFT_OK;
    }
    wf_sp_pipe_read_on(p);
    weft_alloc_free(j);
    return wf_sp_pipe_give_up(self, WEFT_ENOMEM, "no memory for a message");
}

static weft_err on_frame(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    wf_sp_job *j = weft_alloc_zero(sizeof *j);
    if (j == NULL)
        return wf_sp_pipe_give_up(self, WEFT_ENOMEM, "no memory for a message");
    return give_out(self, msg, data->bytes, j);
}

/* ---- its life */

static weft_err on_joined(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_sp_conn *p = weft_state(self);
    (void)msg;
    if (got->err != WEFT_OK)
        return wf_sp_pipe_give_up(self, got->err, got->why);
    p->up = true;
    return WEFT_OK;
}

/* What comes waits until the socket has said yes. */
static weft_err join(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg,
                     weft_ask_within(self, wf_sp_place_of(self)->socket, WEFT_SP_HELLO_MS,
                                     wf_sp_join, .pipe = weft_self(self)),
                     on_joined);
}

static weft_err on_hello(weft_actor *self, weft_msg *msg)
{
    return join(self, msg);
}

static weft_err open_web(weft_actor *self, weft_msg *msg, const wf_sp_conn *p)
{
    weft_ws_info about;
    weft_err err = weft_ws_about(self, p->stream, &about);
    if (err != WEFT_OK || strcmp(about.protocol, wf_sp_place_of(self)->protocol) != 0)
        return wf_sp_pipe_give_up(self, WEFT_EPROTO,
                                  "the peer does not speak the subprotocol that was expected");
    return join(self, msg);
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    wf_sp_conn *p = weft_state(self);
    const wf_sp_place *place = wf_sp_place_of(self);
    const wf_sp_setup setup = {place->kind, place->url.ipc, place->message_bytes_max};
    weft_why why = {""};
    p->stream = ((const weft_opened *)weft_body(msg))->stream;
    weft_err err = weft_monitor_life(self, place->socket);
    if (err == WEFT_OK && place->url.web)
        return open_web(self, msg, p);
    if (err == WEFT_OK && weft_after(self, WEFT_SP_HELLO_MS, sp_late, .nothing = 0).slot == 0)
        err = WEFT_ENOMEM;
    if (err == WEFT_OK)
        err = weft_push(self, p->stream, &wf_sp_stage, &setup, WEFT_STAGE_TOP, &why);
    return err == WEFT_OK || err == WEFT_EGONE
               ? WEFT_OK
               : wf_sp_pipe_give_up(self, err, why.text[0] != '\0' ? why.text : weft_err_text(err));
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    const wf_sp_conn *p = weft_state(self);
    (void)msg;
    return p->up ? WEFT_OK
                 : wf_sp_pipe_give_up(self, WEFT_ETIMEDOUT, "the peer did not say what it is");
}

/* The socket is over. */
static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    const wf_sp_conn *p = weft_state(self);
    (void)msg;
    return p->closed ? WEFT_OK : weft_close(self, p->stream);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    wf_sp_conn *p = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    if (closed->reason == WEFT_EPROTO || closed->reason == WEFT_ETOOBIG)
        weft_log(self, WEFT_WARNING, "a pipe was closed: %s", closed->why);
    p->closed = true;
    wf_sp_pipe_drop_jobs(p);
    weft_drop(&p->held);
    end_if_over(self, p);
    return WEFT_OK;
}

static void ended(weft_actor *self, weft_err reason)
{
    wf_sp_conn *p = weft_state(self);
    (void)reason;
    wf_sp_pipe_drop_jobs(p);
    for (wf_sp_job *j = p->given; j != NULL; j = p->given) {
        take_given(p, j);
        weft_alloc_free(j);
    }
    weft_drop(&p->held);
}

static const weft_handler rows[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &wf_sp_hello_type, .fn = on_hello},
    {.type = &wf_sp_frame_type, .fn = on_frame},
    {.type = &weft_ws_binary_type, .fn = on_frame},
    {.type = &wf_sp_put_type, .fn = wf_sp_pipe_on_put},
    {.type = &weft_cancelled_type, .fn = wf_sp_pipe_on_cancelled},
    {.type = &weft_drained_type, .fn = wf_sp_pipe_on_drained},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &sp_late_type, .fn = on_late},
    {0},
};

const weft_behaviour wf_sp_pipe = {
    .name = "sp pipe", .handlers = rows, .state_bytes = sizeof(wf_sp_conn), .ended = ended};
