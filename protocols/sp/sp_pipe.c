/* SPDX-License-Identifier: MIT */
/* A pipe: one connection of a socket.
 *
 *   opened ── greeted ──▶ joining ──▶ up ── closed ──▶ (what it gave out comes back) ──▶ ended
 *
 *   peer ──▶ stream ── frame ──▶ got, asked of the socket ──▶ its answer ──▶ written, if it is a reply
 *   socket ── put ──▶ written, or waiting until the stream has drained ──▶ done
 *
 * While it gives out requests_max messages it holds the last, and the stream reads no more. */
#include <string.h>

#include <weft/edge.h>
#include <weft/ward.h>

#include "sp_socket.h"
#include "sp_stage.h"

/* A message that is charged to no window (see sp_stage.c) goes out alone. */
enum { ALONE_BYTES = 64 << 10 };

/* A message: given out, until the socket has let go of it; or what is to be written, a put or a reply. */
typedef struct job {
    struct job *next, *before; /* the latter of those that were given out */
    weft_msg *put;             /* kept; NULL: a reply */
    weft_bytes bytes;
    uint8_t head_n;
    uint8_t head[WF_SP_TRACE_BYTES_MAX];
} job;

typedef struct pipe {
    weft_ref stream;
    bool up, closed, alone;
    uint32_t out; /* messages given out, and replies not written yet */
    weft_msg *held;
    job *given;        /* out */
    job *first, *last; /* to be written */
} pipe;

typedef struct sp_late {
    char nothing;
} sp_late;
static const weft_type sp_late_type = WEFT_TYPE("weft.sp_late", sp_late, NULL);

const weft_type wf_sp_done_type = WEFT_TYPE("weft.sp_done", wf_sp_done, NULL);
const weft_type wf_sp_put_type = WEFT_TYPE_BYTES("weft.sp_put", wf_sp_put, bytes, &wf_sp_done_type);

static const wf_sp_place *place_of(const weft_actor *self)
{
    return weft_config(self);
}

/* The stream is of no use any more. `closed` follows. */
static weft_err give_up(weft_actor *self, weft_err err, const char *why)
{
    const pipe *p = weft_state(self);
    weft_log(self, WEFT_INFO, "a pipe is closed: %s", why);
    return p->closed ? WEFT_OK : weft_abort(self, p->stream, err);
}

/* ---- writing */

static weft_err write_frame(weft_actor *self, const pipe *p, const job *j)
{
    const wf_sp_place *place = place_of(self);
    weft_bytes head;
    uint8_t *to;
    weft_err err = weft_bytes_new(WF_SP_FRAME_BYTES_MAX + j->head_n, &to, &head);
    if (err != WEFT_OK)
        return err;
    size_t n = wf_sp_write_frame(place->url.ipc, (uint64_t)j->head_n + j->bytes.size, to);
    memcpy(to + n, j->head, j->head_n);
    const weft_bytes parts[] = {weft_bytes_slice(head, 0, n + j->head_n), j->bytes};
    err = weft_write_parts(self, p->stream, parts, j->bytes.size != 0 ? 2 : 1);
    weft_bytes_drop(&head);
    return err;
}

static weft_err write_web(weft_actor *self, const pipe *p, const job *j)
{
    weft_bytes whole;
    uint8_t *to;
    if (j->head_n == 0)
        return weft_ws_send(self, p->stream, WEFT_WS_BINARY, j->bytes);
    weft_err err = weft_bytes_new(j->head_n + j->bytes.size, &to, &whole);
    if (err != WEFT_OK)
        return err;
    memcpy(to, j->head, j->head_n);
    if (j->bytes.size != 0)
        memcpy(to + j->head_n, j->bytes.at, j->bytes.size);
    err = weft_ws_send(self, p->stream, WEFT_WS_BINARY,
                       weft_bytes_slice(whole, 0, j->head_n + j->bytes.size));
    weft_bytes_drop(&whole);
    return err;
}

static void read_on(weft_actor *self, pipe *p)
{
    (void)self;
    p->out--;
    p->alone = false;
    weft_drop(&p->held);
}

/* @j is over: it was written (WEFT_OK), or will not be. */
static void job_over(weft_actor *self, pipe *p, job *j, weft_err err)
{
    if (j->put == NULL)
        read_on(self, p);
    else if (err == WEFT_OK)
        (void)weft_reply(j->put, wf_sp_done, .nothing = 0);
    else
        (void)weft_fail(j->put, err, "the pipe is closed");
    weft_drop(&j->put);
    weft_bytes_drop(&j->bytes);
    weft_alloc_free(j);
}

/* Writes what waits, while the stream has room. */
static void flush(weft_actor *self, pipe *p)
{
    while (p->first != NULL && !p->closed && !weft_write_full(self, p->stream)) {
        job *j = p->first;
        weft_err err = place_of(self)->url.web ? write_web(self, p, j) : write_frame(self, p, j);
        if (err == WEFT_EFULL)
            return; /* `drained` follows */
        p->first = j->next;
        if (p->first == NULL)
            p->last = NULL;
        job_over(self, p, j, err);
        if (err != WEFT_OK)
            (void)give_up(self, err, "a message cannot be written");
    }
}

static void add(pipe *p, job *j)
{
    if (p->last != NULL)
        p->last->next = j;
    else
        p->first = j;
    p->last = j;
}

static weft_err on_put(weft_actor *self, weft_msg *msg)
{
    pipe *p = weft_state(self);
    const wf_sp_put *put = weft_body(msg);
    if (p->closed || !p->up)
        return weft_fail(msg, WEFT_ELOST, "the pipe is closed");
    job *j = weft_alloc_zero(sizeof *j);
    if (j == NULL)
        return WEFT_ENOMEM;
    j->put = weft_keep(msg);
    j->bytes = weft_bytes_share(put->bytes);
    if (put->has_word) {
        wf_sp_write_word(put->word, j->head);
        j->head_n = WF_SP_WORD_BYTES;
    }
    add(p, j);
    flush(self, p);
    return WEFT_OK;
}

/* The socket no longer wants it to be sent. */
static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    pipe *p = weft_state(self);
    const weft_cancelled *cancelled = weft_body(msg);
    job *before = NULL;
    for (job *j = p->first; j != NULL; before = j, j = j->next) {
        if (j->put != cancelled->msg)
            continue;
        *(before != NULL ? &before->next : &p->first) = j->next;
        if (p->last == j)
            p->last = before;
        job_over(self, p, j, WEFT_ECANCELLED);
        break;
    }
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    flush(self, weft_state(self));
    return WEFT_OK;
}

/* ---- reading */

static void end_if_over(weft_actor *self, const pipe *p)
{
    /* a reply has nowhere to go; anything else that was read is still given to the owner */
    if (p->closed && (p->out == 0 || place_of(self)->kind->stack))
        (void)weft_stop(self, WEFT_OK);
}

/* Its step does not run when the pipe ends before it would. */
static void note_given(pipe *p, job *j)
{
    j->next = p->given;
    if (j->next != NULL)
        j->next->before = j;
    p->given = j;
}

static void take_given(pipe *p, job *j)
{
    if (j->next != NULL)
        j->next->before = j->before;
    *(j->before != NULL ? &j->before->next : &p->given) = j->next;
    j->next = j->before = NULL;
}

/* The socket has let go of a message. */
static weft_err on_taken(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    pipe *p = weft_state(self);
    job *j = got->context;
    const wf_sp_taken *taken = got->body;
    (void)next;
    take_given(p, j);
    if (got->err == WEFT_OK && taken->replies && !p->closed) {
        j->bytes = weft_bytes_share(taken->reply);
        add(p, j);
        flush(self, p);
    } else {
        read_on(self, p);
        weft_alloc_free(j);
    }
    end_if_over(self, p);
    return WEFT_OK;
}

/* Takes what stands before the body: *@skip bytes. errors: EPROTO. *@skip is 0 where it should not be: let go of. */
static weft_err read_head(const wf_sp_place *place, weft_bytes bytes, job *j, wf_sp_got *got,
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

static weft_err give_out(weft_actor *self, weft_msg *msg, weft_bytes bytes, job *j)
{
    pipe *p = weft_state(self);
    const wf_sp_place *place = place_of(self);
    wf_sp_got got = {.id = 0};
    weft_why why = {""};
    weft_err err = read_head(place, bytes, j, &got, &why);
    if (err != WEFT_OK) {
        weft_alloc_free(j);
        /* one hop too many is no fault of this peer */
        return err == WEFT_ELIMIT ? WEFT_OK : give_up(self, err, why.text);
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
    read_on(self, p);
    weft_alloc_free(j);
    return give_up(self, WEFT_ENOMEM, "no memory for a message");
}

static weft_err on_frame(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    job *j = weft_alloc_zero(sizeof *j);
    if (j == NULL)
        return give_up(self, WEFT_ENOMEM, "no memory for a message");
    return give_out(self, msg, data->bytes, j);
}

/* ---- its life */

static weft_err on_joined(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    pipe *p = weft_state(self);
    (void)msg;
    if (got->err != WEFT_OK)
        return give_up(self, got->err, got->why);
    p->up = true;
    return WEFT_OK;
}

/* What comes waits until the socket has said yes. */
static weft_err join(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg,
                     weft_ask_within(self, place_of(self)->socket, WEFT_SP_HELLO_MS, wf_sp_join,
                                     .pipe = weft_self(self)),
                     on_joined);
}

static weft_err on_hello(weft_actor *self, weft_msg *msg)
{
    return join(self, msg);
}

static weft_err open_web(weft_actor *self, weft_msg *msg, const pipe *p)
{
    weft_ws_info about;
    weft_err err = weft_ws_about(self, p->stream, &about);
    if (err != WEFT_OK || strcmp(about.protocol, place_of(self)->protocol) != 0)
        return give_up(self, WEFT_EPROTO,
                       "the peer does not speak the subprotocol that was expected");
    return join(self, msg);
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    pipe *p = weft_state(self);
    const wf_sp_place *place = place_of(self);
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
               : give_up(self, err, why.text[0] != '\0' ? why.text : weft_err_text(err));
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    const pipe *p = weft_state(self);
    (void)msg;
    return p->up ? WEFT_OK : give_up(self, WEFT_ETIMEDOUT, "the peer did not say what it is");
}

/* The socket is over. */
static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    const pipe *p = weft_state(self);
    (void)msg;
    return p->closed ? WEFT_OK : weft_close(self, p->stream);
}

static void drop_jobs(weft_actor *self, pipe *p)
{
    for (job *j = p->first; j != NULL; j = p->first) {
        p->first = j->next;
        job_over(self, p, j, WEFT_ELOST);
    }
    p->last = NULL;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    pipe *p = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    if (closed->reason == WEFT_EPROTO || closed->reason == WEFT_ETOOBIG)
        weft_log(self, WEFT_WARNING, "a pipe was closed: %s", closed->why);
    p->closed = true;
    drop_jobs(self, p);
    weft_drop(&p->held);
    end_if_over(self, p);
    return WEFT_OK;
}

static void ended(weft_actor *self, weft_err reason)
{
    pipe *p = weft_state(self);
    (void)reason;
    drop_jobs(self, p);
    for (job *j = p->given; j != NULL; j = p->given) {
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
    {.type = &wf_sp_put_type, .fn = on_put},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &sp_late_type, .fn = on_late},
    {0},
};

const weft_behaviour wf_sp_pipe = {
    .name = "sp pipe", .handlers = rows, .state_bytes = sizeof(pipe), .ended = ended};
