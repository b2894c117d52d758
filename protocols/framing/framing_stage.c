/* SPDX-License-Identifier: MIT */
/* Framings as the top stage of a stream: bytes come up as lines or frames, one a message. */
#include <weft/framing.h>

#include <string.h>

#include <weft/edge.h>

/* The state of the stage. */
typedef struct framed {
    const weft_framing *framing;
    weft_framer framer;
    const weft_type *type; /* of what it tells */
} framed;

typedef struct framed_config {
    const weft_framing *framing;
    const weft_framer *settings;
} framed_config;

const weft_type weft_line_type = WEFT_DATA_TYPE("weft.line");
const weft_type weft_frame_type = WEFT_DATA_TYPE("weft.frame");

static weft_err framed_open(weft_stage *stage, const void *config, weft_why *why)
{
    framed *s = weft_stage_state(stage);
    const framed_config *c = config;
    weft_frame_place none;

    s->framing = c->framing;
    s->type = c->framing == &weft_lines ? &weft_line_type : &weft_frame_type;
    if (c->settings != NULL)
        s->framer = *c->settings;
    weft_framer_forget(&s->framer);
    /* settings that cannot be are refused here rather than at the first byte */
    return s->framing->next(&s->framer, NULL, 0, &none, why);
}

static void tell(weft_stage *stage, weft_bytes frame, weft_piece *out)
{
    const framed *s = weft_stage_state(stage);
    *out =
        (weft_piece){.kind = WEFT_PIECE_FRAME, .bytes = weft_bytes_share(frame), .type = s->type};
}

static weft_err framed_up(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    framed *s = weft_stage_state(stage);
    weft_frame_place place;
    weft_err err = s->framing->next(&s->framer, in.at, in.size, &place, why);
    if (err != WEFT_OK || place.consumed == 0)
        return err;

    tell(stage, weft_bytes_slice(in, place.start, place.bytes), out);
    weft_stage_take(stage, place.consumed);
    return WEFT_OK;
}

/* What is left is no whole frame. */
static weft_err framed_up_end(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    framed *s = weft_stage_state(stage);
    size_t max = s->framer.frame_bytes_max != 0 ? s->framer.frame_bytes_max : WEFT_FRAME_BYTES_MAX;
    if (in.size == 0)
        return WEFT_OK;
    if (s->framing != &weft_lines || !s->framer.unended_last)
        return weft_because(why, WEFT_ETRUNCATED,
                            "the peer ended %zu bytes into one of its %s, expected the rest of it",
                            in.size, s->framing->name);
    /* a "\r" at its end may have been waiting for its "\n"; now it is one byte more of the line */
    if (in.size > max)
        return weft_because(why, WEFT_ETOOBIG, "a line is longer than %zu bytes", max);

    weft_framer_forget(&s->framer);
    tell(stage, in, out);
    weft_stage_take(stage, in.size);
    return WEFT_OK;
}

static const weft_stage_ops framed_ops = {
    .name = "framing",
    .state_bytes = sizeof(framed),
    .open = framed_open,
    .up = framed_up,
    .up_end = framed_up_end,
};

weft_err weft_frame_by(weft_actor *self, weft_ref stream, const weft_framing *framing,
                       const weft_framer *settings, weft_why *why)
{
    return weft_push(self, stream, &framed_ops, &(framed_config){framing, settings}, WEFT_STAGE_TOP,
                     why);
}

weft_err weft_unframe(weft_actor *self, weft_ref stream)
{
    return weft_pop(self, stream, &framed_ops);
}

weft_err weft_write_frame(weft_actor *self, weft_ref stream, const weft_framing *framing,
                          const weft_framer *settings, weft_bytes bytes)
{
    static const weft_framer defaults;
    weft_frame_ends ends;
    weft_err err =
        framing->wrap(settings != NULL ? settings : &defaults, bytes.at, bytes.size, &ends, NULL);
    if (err != WEFT_OK)
        return err;

    /* both ends in one buffer, since they outlive this call */
    weft_bytes around;
    uint8_t *to;
    err = weft_bytes_new((size_t)ends.head_bytes + ends.tail_bytes, &to, &around);
    if (err != WEFT_OK)
        return err;
    memcpy(to, ends.head, ends.head_bytes);
    memcpy(to + ends.head_bytes, ends.tail, ends.tail_bytes);
    const weft_bytes parts[] = {
        weft_bytes_slice(around, 0, ends.head_bytes),
        bytes,
        weft_bytes_slice(around, ends.head_bytes, ends.tail_bytes),
    };
    err = weft_write_parts(self, stream, parts, 3);
    weft_bytes_drop(&around);
    return err;
}
