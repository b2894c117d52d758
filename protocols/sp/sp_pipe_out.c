/* SPDX-License-Identifier: MIT */
/* What a pipe writes: puts of its socket and replies, one behind the other, while the stream has room.
 *
 *   socket ── put ──▶ written, or waiting until the stream has drained ──▶ done
 */
#include <string.h>

#include <weft/edge.h>

#include "sp_pipe.h"
#include "sp_stage.h"

const weft_type wf_sp_done_type = WEFT_TYPE("weft.sp_done", wf_sp_done, NULL);
const weft_type wf_sp_put_type = WEFT_TYPE_BYTES("weft.sp_put", wf_sp_put, bytes, &wf_sp_done_type);

static weft_err write_frame(weft_actor *self, const wf_sp_conn *p, const wf_sp_job *j)
{
    const wf_sp_place *place = wf_sp_place_of(self);
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

static weft_err write_web(weft_actor *self, const wf_sp_conn *p, const wf_sp_job *j)
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

void wf_sp_pipe_read_on(wf_sp_conn *p)
{
    p->out--;
    p->alone = false;
    weft_drop(&p->held);
}

/* @j is over: it was written (WEFT_OK), or will not be. */
static void job_over(wf_sp_conn *p, wf_sp_job *j, weft_err err)
{
    if (j->put == NULL)
        wf_sp_pipe_read_on(p);
    else if (err == WEFT_OK)
        (void)weft_reply(j->put, wf_sp_done, .nothing = 0);
    else
        (void)weft_fail(j->put, err, "the pipe is closed");
    weft_drop(&j->put);
    weft_bytes_drop(&j->bytes);
    weft_alloc_free(j);
}

/* Writes what waits, while the stream has room. */
static void flush(weft_actor *self, wf_sp_conn *p)
{
    while (p->first != NULL && !p->closed && !weft_write_full(self, p->stream)) {
        wf_sp_job *j = p->first;
        weft_err err =
            wf_sp_place_of(self)->url.web ? write_web(self, p, j) : write_frame(self, p, j);
        if (err == WEFT_EFULL)
            return; /* `drained` follows */
        p->first = j->next;
        if (p->first == NULL)
            p->last = NULL;
        job_over(p, j, err);
        if (err != WEFT_OK)
            (void)wf_sp_pipe_give_up(self, err, "a message cannot be written");
    }
}

void wf_sp_pipe_write(weft_actor *self, wf_sp_conn *p, wf_sp_job *j)
{
    if (p->last != NULL)
        p->last->next = j;
    else
        p->first = j;
    p->last = j;
    flush(self, p);
}

weft_err wf_sp_pipe_on_put(weft_actor *self, weft_msg *msg)
{
    wf_sp_conn *p = weft_state(self);
    const wf_sp_put *put = weft_body(msg);
    if (p->closed || !p->up)
        return weft_fail(msg, WEFT_ELOST, "the pipe is closed");
    wf_sp_job *j = weft_alloc_zero(sizeof *j);
    if (j == NULL)
        return WEFT_ENOMEM;
    j->put = weft_keep(msg);
    j->bytes = weft_bytes_share(put->bytes);
    if (put->has_word) {
        wf_sp_write_word(put->word, j->head);
        j->head_n = WF_SP_WORD_BYTES;
    }
    wf_sp_pipe_write(self, p, j);
    return WEFT_OK;
}

weft_err wf_sp_pipe_on_cancelled(weft_actor *self, weft_msg *msg)
{
    wf_sp_conn *p = weft_state(self);
    const weft_cancelled *cancelled = weft_body(msg);
    wf_sp_job *before = NULL;
    for (wf_sp_job *j = p->first; j != NULL; before = j, j = j->next) {
        if (j->put != cancelled->msg)
            continue;
        *(before != NULL ? &before->next : &p->first) = j->next;
        if (p->last == j)
            p->last = before;
        job_over(p, j, WEFT_ECANCELLED);
        break;
    }
    return WEFT_OK;
}

weft_err wf_sp_pipe_on_drained(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    flush(self, weft_state(self));
    return WEFT_OK;
}

void wf_sp_pipe_drop_jobs(wf_sp_conn *p)
{
    for (wf_sp_job *j = p->first; j != NULL; j = p->first) {
        p->first = j->next;
        job_over(p, j, WEFT_ELOST);
    }
    p->last = NULL;
}
