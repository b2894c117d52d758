/* SPDX-License-Identifier: MIT */
/* SP as a stage.
 *
 * A message that has come whole is a slice of what was read. One that has not is gathered, so that it may be larger
 * than the stream's window; what gathers is charged to nobody, and at most one such message is there, as the next is
 * read when the one before was let go of. Its room grows with what comes, not with what was announced. */
#include "sp_stage.h"

#include <string.h>

#include <weft/edge.h>

enum { ROOM_BYTES_MIN = 4096 };

const weft_type wf_sp_hello_type = WEFT_DATA_TYPE("weft.sp_hello");
const weft_type wf_sp_frame_type = WEFT_DATA_TYPE("weft.sp_frame");

typedef struct sp_stage {
    wf_sp_setup setup;
    bool greeted, gathering;
    uint64_t left;      /* of the message that gathers */
    weft_bytes message; /* as far as it has come */
} sp_stage;

static weft_err sp_open(weft_stage *stage, const void *config, weft_why *why)
{
    sp_stage *s = weft_stage_state(stage);
    uint8_t *to;
    weft_bytes hello;
    s->setup = *(const wf_sp_setup *)config;
    weft_err err = weft_bytes_new(WF_SP_HELLO_BYTES, &to, &hello);
    if (err != WEFT_OK)
        return weft_because(why, err, "no memory for an SP greeting");
    wf_sp_write_hello(s->setup.kind->kind, to);
    err = weft_stage_send(stage, hello);
    weft_bytes_drop(&hello);
    return err == WEFT_OK ? err : weft_because(why, err, "an SP greeting cannot be sent");
}

static weft_err greet(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    sp_stage *s = weft_stage_state(stage);
    bool whole;
    weft_err err = wf_sp_read_hello(s->setup.kind, in.at, in.size, &whole, why);
    if (err != WEFT_OK || !whole)
        return err;
    s->greeted = true;
    *out = (weft_piece){.kind = WEFT_PIECE_FRAME,
                        .type = &wf_sp_hello_type,
                        .bytes = weft_bytes_share(weft_bytes_slice(in, 0, WF_SP_HELLO_BYTES))};
    weft_stage_take(stage, WF_SP_HELLO_BYTES);
    return WEFT_OK;
}

static void tell(weft_bytes message, weft_piece *out)
{
    *out = (weft_piece){.kind = WEFT_PIECE_FRAME, .type = &wf_sp_frame_type, .bytes = message};
}

/* Room for @n bytes more behind what has come, of @left at most. */
static weft_err make_room(sp_stage *s, size_t n)
{
    weft_bytes *m = &s->message, bigger;
    uint8_t *to;
    if (m->buffer != NULL && weft_bytes_spare(*m) >= n)
        return WEFT_OK;
    uint64_t size = 2 * ((uint64_t)m->size + n), all = (uint64_t)m->size + s->left;
    size = size > ROOM_BYTES_MIN ? size : ROOM_BYTES_MIN;
    weft_err err = weft_bytes_new((size_t)(size < all ? size : all), &to, &bigger);
    if (err != WEFT_OK)
        return err;
    if (m->size != 0)
        memcpy(to, m->at, m->size);
    bigger.size = m->size;
    weft_bytes_drop(m);
    *m = bigger;
    return WEFT_OK;
}

static weft_err gather(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    sp_stage *s = weft_stage_state(stage);
    size_t n = in.size < s->left ? in.size : (size_t)s->left;
    weft_err err = n != 0 ? make_room(s, n) : WEFT_OK;
    if (err != WEFT_OK)
        return weft_because(why, err, "no memory for an SP message");
    if (n != 0)
        memcpy((uint8_t *)(uintptr_t)s->message.at + s->message.size, in.at, n);
    s->message.size += n;
    s->left -= n;
    weft_stage_take(stage, n);
    if (s->left != 0)
        return WEFT_OK;
    s->gathering = false;
    tell(s->message, out);
    s->message = WEFT_NO_BYTES;
    return WEFT_OK;
}

static weft_err sp_up(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    sp_stage *s = weft_stage_state(stage);
    size_t used;
    uint64_t size;
    if (!s->greeted)
        return greet(stage, in, out, why);
    if (s->gathering)
        return gather(stage, in, out, why);
    weft_err err = wf_sp_read_frame(s->setup.ipc, s->setup.message_bytes_max, in.at, in.size, &used,
                                    &size, why);
    if (err != WEFT_OK || used == 0)
        return err;
    weft_bytes rest = weft_bytes_slice(in, used, SIZE_MAX);
    if (rest.size >= size) {
        /* the share first: when all of it was taken, what was read is given back */
        tell(size != 0 ? weft_bytes_share(weft_bytes_slice(rest, 0, (size_t)size)) : WEFT_NO_BYTES,
             out);
        weft_stage_take(stage, used + (size_t)size);
        return WEFT_OK;
    }
    weft_stage_take(stage, used);
    s->gathering = true;
    s->left = size;
    return gather(stage, rest, out, why);
}

static weft_err sp_up_end(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    const sp_stage *s = weft_stage_state(stage);
    (void)out;
    if (s->gathering || in.size != 0)
        return weft_because(why, WEFT_ETRUNCATED, "SP: the peer ended in the middle of a %s",
                            s->greeted ? "message" : "greeting");
    return WEFT_OK;
}

static void sp_close(weft_stage *stage)
{
    sp_stage *s = weft_stage_state(stage);
    weft_bytes_drop(&s->message);
}

const weft_stage_ops wf_sp_stage = {
    .name = "SP",
    .state_bytes = sizeof(sp_stage),
    .open = sp_open,
    .up = sp_up,
    .up_end = sp_up_end,
    .close = sp_close,
};
