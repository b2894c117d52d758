/* SPDX-License-Identifier: MIT */
/* A pipe, as its two files share it: its life and what it reads (sp_pipe.c), and what it writes (sp_pipe_out.c).
 * All of it is in handlers of the pipe's actor. */
#ifndef WF_SP_PIPE_H
#define WF_SP_PIPE_H

#include "sp_socket.h"

/* A message: given out, until the socket has let go of it; or what is to be written, a put or a reply. */
typedef struct wf_sp_job {
    struct wf_sp_job *next, *before; /* the latter of those that were given out */
    weft_msg *put;                   /* kept; NULL: a reply */
    weft_bytes bytes;
    uint8_t head_n;
    uint8_t head[WF_SP_TRACE_BYTES_MAX];
} wf_sp_job;

typedef struct wf_sp_conn {
    weft_ref stream;
    bool up, closed, alone;
    uint32_t out; /* messages given out, and replies not written yet */
    weft_msg *held;
    wf_sp_job *given;        /* out */
    wf_sp_job *first, *last; /* to be written */
} wf_sp_conn;

static inline const wf_sp_place *wf_sp_place_of(const weft_actor *self)
{
    return weft_config(self);
}

/* ---- sp_pipe.c */

/* The stream is of no use any more: @why is logged. `closed` follows. */
weft_err wf_sp_pipe_give_up(weft_actor *self, weft_err err, const char *why);

/* ---- sp_pipe_out.c */

/* Writes @j, its own from now on, behind all that waits. */
void wf_sp_pipe_write(weft_actor *self, wf_sp_conn *p, wf_sp_job *j);
/* A message that was given out is done with, or its reply was written: the stream may be read on. */
void wf_sp_pipe_read_on(wf_sp_conn *p);
/* What waits to be written will not be: ELOST. */
void wf_sp_pipe_drop_jobs(wf_sp_conn *p);

weft_err wf_sp_pipe_on_put(weft_actor *self, weft_msg *msg);
/* The socket no longer wants it to be sent. */
weft_err wf_sp_pipe_on_cancelled(weft_actor *self, weft_msg *msg);
weft_err wf_sp_pipe_on_drained(weft_actor *self, weft_msg *msg);

#endif
