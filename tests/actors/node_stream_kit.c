/* SPDX-License-Identifier: MIT */
/* Owners of streams between nodes, for tests. */
#include "node_stream_kit.h"

enum { PIECE = 16 << 10 };

far_side side_at[KIT_NODES_MAX];

uint8_t far_byte(uint64_t at)
{
    return (uint8_t)(at * 131 + (at >> 8) * 7 + (at >> 16));
}

static far_side *side_of(weft_actor *self)
{
    return (far_side *)(uintptr_t)weft_config(self);
}

static far_end *end_of(far_side *s, weft_ref stream)
{
    for (unsigned i = 0; i < s->n; i++)
        if (weft_ref_same(s->end[i].stream, stream))
            return &s->end[i];
    if (s->n == ENDS_MAX)
        return &s->end[ENDS_MAX - 1];
    s->end[s->n].stream = stream;
    return &s->end[s->n++];
}

static void note(far_end *e, char what)
{
    size_t n = strlen(e->log);
    if ((n == 0 || e->log[n - 1] != what) && n + 1 < sizeof e->log)
        e->log[n] = what;
}

/* ---- sending */

static bool is_made(const far_side *s, weft_ref stream)
{
    for (unsigned i = 0; i < s->n_made; i++)
        if (weft_ref_same(s->made[i].mine, stream))
            return true;
    return false;
}

void far_send(weft_actor *self, far_side *s, far_end *e)
{
    uint64_t total = is_made(s, e->stream) ? s->total : s->answer;
    uint8_t bytes[PIECE];
    while (e->sent < total) {
        size_t n = total - e->sent < PIECE ? (size_t)(total - e->sent) : PIECE;
        for (size_t i = 0; i < n; i++)
            bytes[i] = far_byte(e->sent + i);
        weft_err err = weft_write_copy(self, e->stream, bytes, n);
        if (err != WEFT_OK)
            return; /* `drained` follows, or `closed` */
        e->sent += n;
    }
    if (s->end_when_sent)
        (void)weft_end(self, e->stream);
    if (s->close_when_sent)
        (void)weft_close(self, e->stream);
}

/* ---- what it is told */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    side_of(self)->self = weft_self(self);
    return weft_register(self, "worker");
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    far_side *s = side_of(self);
    far_end *e = end_of(s, opened->stream);
    note(e, 'o');
    e->opens++;
    e->local = opened->local;
    e->peer = opened->peer;
    far_send(self, s, e);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    far_side *s = side_of(self);
    far_end *e = end_of(s, data->stream);
    note(e, 'd');
    e->datas++;
    for (size_t i = 0; i < data->bytes.size; i++)
        e->wrong += data->bytes.at[i] != far_byte(e->got + i);
    e->got += data->bytes.size;
    if (s->hold)
        e->held = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    far_side *s = side_of(self);
    far_end *e = end_of(s, ((const weft_ended *)weft_body(msg))->stream);
    note(e, 'e');
    if (!s->stays)
        (void)weft_close(self, e->stream);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    far_end *e = end_of(side_of(self), closed->stream);
    note(e, 'c');
    e->closes++;
    e->reason = closed->reason;
    (void)snprintf(e->why, sizeof e->why, "%s", closed->why);
    weft_drop(&e->held);
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    far_side *s = side_of(self);
    far_send(self, s, end_of(s, ((const weft_drained *)weft_body(msg))->stream));
    return WEFT_OK;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    side_of(self)->downs++;
    return WEFT_OK;
}

static weft_err on_introduce(weft_actor *self, weft_msg *msg)
{
    const introduce *i = weft_body(msg);
    side_of(self)->told = weft_ref_of_message(i->whom);
    return WEFT_OK;
}

typedef struct side_deed {
    kit_fn *fn;
    void *with;
} side_deed;
static const weft_type side_deed_type = WEFT_TYPE("test.side_deed", side_deed, NULL);

static weft_err on_deed(weft_actor *self, weft_msg *msg)
{
    const side_deed *d = weft_body(msg);
    return d->fn(self, msg, d->with);
}

static void ended(weft_actor *self, weft_err reason)
{
    far_side *s = side_of(self);
    (void)reason;
    for (unsigned i = 0; i < s->n; i++)
        weft_drop(&s->end[i].held);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},       {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},   {.type = &weft_drained_type, .fn = on_drained},
    {.type = &weft_down_type, .fn = on_down},       {.type = &introduce_type, .fn = on_introduce},
    {.type = &side_deed_type, .fn = on_deed},       {0},
};
static const weft_behaviour side = {.name = "side", .handlers = handlers, .ended = ended};

void side_start(unsigned i)
{
    side_at[i].self = weft_sim_spawn(node_at[i].sim, &side, &side_at[i]);
}

void stream_world(unsigned n, uint64_t seed, const weft_sim_faults *faults)
{
    memset(side_at, 0, sizeof side_at);
    kit_more = side_start;
    world_of(n, seed, faults);
    REQUIRE(all_linked());
}

void side_do(unsigned i, kit_fn *fn, void *with)
{
    CHECK_OK(weft_sim_tell(node_at[i].sim, side_at[i].self, side_deed, fn, with));
}

/* ---- doing */

static weft_err on_made(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    far_side *s = side_of(self);
    (void)msg;
    s->err = got->err;
    (void)snprintf(s->why, sizeof s->why, "%s", got->why);
    if (got->err == WEFT_OK && s->n_made < ENDS_MAX) {
        s->made[s->n_made++] = *(const weft_node_streamed *)got->body;
        end_of(s, s->made[s->n_made - 1].mine);
    }
    return WEFT_OK;
}

static weft_err open_it(weft_actor *self, weft_msg *msg, void *with)
{
    return weft_when(msg, weft_node_stream(self, weft_named(self, with)), on_made);
}

weft_err open_stream(unsigned from, const char *name, unsigned to)
{
    char text[WEFT_NAME_BYTES];
    (void)snprintf(text, sizeof text, to != from ? "%s@n%u" : "%s", name, to);
    side_at[from].err = WEFT_EINTERNAL;
    side_do(from, open_it, text);
    return side_at[from].err;
}

static weft_err let_it_go(weft_actor *self, weft_msg *msg, void *with)
{
    far_side *s = side_of(self);
    (void)msg, (void)with;
    s->hold = false;
    for (unsigned i = 0; i < s->n; i++)
        weft_drop(&s->end[i].held);
    return WEFT_OK;
}

void let_go(unsigned i)
{
    side_do(i, let_it_go, NULL);
}
