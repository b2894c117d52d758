/* SPDX-License-Identifier: MIT */
/* A multiplexer of two channels over one stream, one of whose readers never reads.
 *
 *   sender ── frames: channel, payload ──▶ mux ── account 1 ──▶ reader 1
 *     ▲                                     │ ── account 2 ──▶ reader 2 (never asks)
 *     └── channel 0: credit, pongs ─────────┘
 *
 * Each payload is moved to its channel's account at once, so that the stream's own window is always free
 * for what comes next: what stalls is the channel, not the control bytes and not the other one. */
#include <weft/framing.h>
#include <weft/net.h>

#include "check.h"

enum {
    CHANNELS = 3, /* 0 is control */
    PAYLOAD = 1000,
    CREDIT = 30,              /* payloads under way on a channel */
    CHANNEL_BYTES = 64 << 10, /* what these are charged with: their buffers are 2 KiB */
    CHUNKS = 3000,            /* on channel 1 */
    PINGS = 500,
    HANGS_AFTER_MS = 20000,
};

/* Channel 0 says one of these: 'p' ping and pong, '+' and a channel: one more may be sent there. */

typedef struct chunk {
    weft_bytes bytes;
} chunk;
static const weft_type chunk_type = WEFT_TYPE_BYTES("mux.chunk", chunk, bytes, NULL);
typedef struct want {
    uint32_t channel;
} want;
static const weft_type want_type = WEFT_TYPE("mux.want", want, NULL);
typedef struct late {
    char nothing;
} late;
static const weft_type late_type = WEFT_TYPE("mux.late", late, NULL);

/* What the test looks at afterwards. */
static struct {
    unsigned sent[CHANNELS], got[CHANNELS], pongs, wrong;
    size_t held_most[CHANNELS], stream_most;
    bool hung;
    weft_err reason;
} seen;

static void write_frame(weft_actor *self, weft_ref stream, const void *bytes, size_t size)
{
    CHECK_OK(weft_write_frame(self, stream, &weft_prefix16, NULL, weft_bytes_static(bytes, size)));
}

/* ---- who sends */

typedef struct sender {
    weft_ref stream;
    unsigned credit[CHANNELS];
    unsigned pings;
} sender;

static void send_chunks(weft_actor *self, sender *s, unsigned channel)
{
    weft_bytes frame;
    uint8_t *to;
    while (s->credit[channel] != 0 && seen.sent[channel] < CHUNKS) {
        REQUIRE(weft_bytes_new(1 + PAYLOAD, &to, &frame) == WEFT_OK);
        to[0] = (uint8_t)channel;
        memset(to + 1, (int)(seen.sent[channel] & 0xff), PAYLOAD);
        CHECK_OK(weft_write_frame(self, s->stream, &weft_prefix16, NULL, frame));
        weft_bytes_drop(&frame);
        s->credit[channel]--;
        seen.sent[channel]++;
    }
}

static void send_ping(weft_actor *self, sender *s)
{
    static const uint8_t ping[] = {0, 'p'};
    s->pings++;
    write_frame(self, s->stream, ping, sizeof ping);
}

static weft_err sender_opened(weft_actor *self, weft_msg *msg)
{
    sender *s = weft_state(self);
    weft_why why;
    s->stream = ((const weft_opened *)weft_body(msg))->stream;
    CHECK_OK(weft_frame_by(self, s->stream, &weft_prefix16, NULL, &why));
    s->credit[1] = s->credit[2] = CREDIT;
    send_chunks(self, s, 1);
    send_chunks(self, s, 2);
    send_ping(self, s);
    return WEFT_OK;
}

static weft_err sender_frame(weft_actor *self, weft_msg *msg)
{
    sender *s = weft_state(self);
    weft_bytes frame = ((const weft_frame *)weft_body(msg))->bytes;
    if (frame.at[1] == 'p') {
        seen.pongs++;
        if (s->pings < PINGS)
            send_ping(self, s);
    } else {
        s->credit[frame.at[2]]++;
        send_chunks(self, s, frame.at[2]);
    }
    if (seen.pongs == PINGS && seen.got[1] == CHUNKS)
        CHECK_OK(weft_close(self, s->stream));
    return WEFT_OK;
}

static const weft_handler sender_rows[] = {
    {.type = &weft_opened_type, .fn = sender_opened},
    {.type = &weft_frame_type, .fn = sender_frame},
    {0},
};
static const weft_behaviour sender_behaviour = {
    .name = "sender", .handlers = sender_rows, .state_bytes = sizeof(sender)};

/* ---- the multiplexer */

typedef struct channel {
    weft_account *account;
    weft_bytes waiting[CREDIT];
    unsigned first, n;
    weft_ref reader;
    bool wanted;
} channel;

typedef struct mux {
    weft_ref stream;
    channel channel[CHANNELS];
} mux;

/* Gives a reader that asked the next chunk, which is then its alone, and says that there is room. */
static void serve_channel(weft_actor *self, mux *m, unsigned i)
{
    const uint8_t credit[] = {0, '+', (uint8_t)i};
    channel *c = &m->channel[i];
    if (!c->wanted || c->n == 0)
        return;
    weft_bytes *next = &c->waiting[c->first];
    c->wanted = false;
    CHECK_OK(weft_tell(self, c->reader, chunk, .bytes = *next));
    weft_bytes_drop(next);
    c->first = (c->first + 1) % CREDIT;
    c->n--;
    weft_bytes frame;
    uint8_t *to;
    REQUIRE(weft_bytes_new(sizeof credit, &to, &frame) == WEFT_OK);
    memcpy(to, credit, sizeof credit);
    CHECK_OK(weft_write_frame(self, m->stream, &weft_prefix16, NULL, frame));
    weft_bytes_drop(&frame);
}

static void on_chunk_for(weft_actor *self, mux *m, unsigned i, weft_bytes payload)
{
    channel *c = &m->channel[i];
    weft_bytes kept = weft_bytes_keep(self, payload);
    weft_err err = c->n < CREDIT ? weft_bytes_move(&kept, c->account) : WEFT_ELIMIT;
    CHECK_OK(err); /* beyond it the peer would have broken its promise */
    if (err != WEFT_OK) {
        weft_bytes_drop(&kept);
        return;
    }
    c->waiting[(c->first + c->n++) % CREDIT] = kept;
    if (weft_account_held(c->account) > seen.held_most[i])
        seen.held_most[i] = weft_account_held(c->account);
    serve_channel(self, m, i);
}

static weft_err mux_frame(weft_actor *self, weft_msg *msg)
{
    static const uint8_t pong[] = {0, 'p'};
    mux *m = weft_state(self);
    weft_bytes frame = ((const weft_frame *)weft_body(msg))->bytes;
    weft_actor_stats stats;
    if (weft_stats_actor(weft_system_of(self), m->stream, &stats) &&
        stats.held_bytes > seen.stream_most)
        seen.stream_most = stats.held_bytes;
    if (frame.at[0] == 0)
        write_frame(self, m->stream, pong, sizeof pong);
    else
        on_chunk_for(self, m, frame.at[0], weft_bytes_slice(frame, 1, SIZE_MAX));
    return WEFT_OK;
}

static weft_err mux_want(weft_actor *self, weft_msg *msg)
{
    mux *m = weft_state(self);
    unsigned i = ((const want *)weft_body(msg))->channel;
    m->channel[i].wanted = true;
    m->channel[i].reader = weft_sender(msg);
    serve_channel(self, m, i);
    return WEFT_OK;
}

static weft_err mux_opened(weft_actor *self, weft_msg *msg)
{
    mux *m = weft_state(self);
    weft_why why;
    m->stream = ((const weft_opened *)weft_body(msg))->stream;
    CHECK_OK(weft_frame_by(self, m->stream, &weft_prefix16, NULL, &why));
    for (unsigned i = 1; i < CHANNELS; i++) {
        m->channel[i].account = weft_account_new("mux.channel", CHANNEL_BYTES);
        REQUIRE(m->channel[i].account != NULL);
    }
    return WEFT_OK;
}

static weft_err mux_closed(weft_actor *self, weft_msg *msg)
{
    seen.reason = ((const weft_closed *)weft_body(msg))->reason;
    weft_system_stop(self, WEFT_OK);
    return weft_stop(self, WEFT_OK);
}

static void mux_gone(weft_actor *self, weft_err reason)
{
    mux *m = weft_state(self);
    (void)reason;
    for (unsigned i = 1; i < CHANNELS; i++) {
        channel *c = &m->channel[i];
        for (; c->n != 0; c->n--, c->first = (c->first + 1) % CREDIT)
            weft_bytes_drop(&c->waiting[c->first]);
        weft_account_close(&c->account);
    }
}

static const weft_handler mux_rows[] = {
    {.type = &weft_opened_type, .fn = mux_opened},
    {.type = &weft_frame_type, .fn = mux_frame},
    {.type = &want_type, .fn = mux_want},
    {.type = &weft_closed_type, .fn = mux_closed},
    {0},
};
static const weft_behaviour mux_behaviour = {
    .name = "mux", .handlers = mux_rows, .state_bytes = sizeof(mux), .ended = mux_gone};

/* ---- the reader of channel 1; that of channel 2 would be one that never asks */

static weft_err reader_started(weft_actor *self, weft_msg *msg)
{
    const weft_ref *where = ((const weft_started *)weft_body(msg))->config;
    return weft_tell(self, *where, want, .channel = 1);
}

static weft_err reader_chunk(weft_actor *self, weft_msg *msg)
{
    weft_bytes bytes = ((const chunk *)weft_body(msg))->bytes;
    for (size_t i = 0; i < bytes.size; i++)
        seen.wrong += bytes.at[i] != (seen.got[1] & 0xff);
    seen.wrong += bytes.size != PAYLOAD;
    seen.got[1]++;
    return weft_tell(self, weft_sender(msg), want, .channel = 1);
}

static const weft_handler reader_rows[] = {
    {.type = &weft_started_type, .fn = reader_started},
    {.type = &chunk_type, .fn = reader_chunk},
    {0},
};
static const weft_behaviour reader = {.name = "reader", .handlers = reader_rows};

/* ---- all of it */

static weft_err begin(weft_actor *self, weft_msg *msg)
{
    static weft_ref where;
    weft_ref out[2];
    (void)msg;
    (void)weft_after(self, HANGS_AFTER_MS, late, .nothing = 0);
    where = weft_spawn(self, &mux_behaviour, NULL);
    CHECK_OK(weft_pair(self, weft_spawn(self, &sender_behaviour, NULL), where, out));
    CHECK(!weft_ref_is_nobody(weft_spawn(self, &reader, &where)));
    return WEFT_OK;
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    seen.hung = true;
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static const weft_handler begin_rows[] = {
    {.type = &weft_started_type, .fn = begin}, {.type = &late_type, .fn = on_late}, {0}};
static const weft_behaviour director = {.name = "director", .handlers = begin_rows};

static void a_channel_nobody_reads_stalls_alone(void)
{
    memset(&seen, 0, sizeof seen);
    weft_system *sys = weft_system_new(&(weft_system_options){.no_signals = true});
    REQUIRE(sys != NULL);
    CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &director, NULL)));
    CHECK_I64(weft_run(&sys), 0);
    CHECK(!seen.hung);
    CHECK_ERR(seen.reason, WEFT_EDONE);
    /* the other channel and control have gone on to their end */
    CHECK_U64(seen.got[1], CHUNKS);
    CHECK_U64(seen.wrong, 0);
    CHECK_U64(seen.pongs, PINGS);
    /* the stalled one stands at its credit, its memory at its account's limit, and the stream is free */
    CHECK_U64(seen.sent[2], CREDIT);
    CHECK(seen.held_most[2] <= CHANNEL_BYTES);
    CHECK(seen.held_most[1] <= CHANNEL_BYTES);
    CHECK(seen.stream_most <= WEFT_WINDOW_BYTES);
}

static const test_case cases[] = {
    TEST(a_channel_nobody_reads_stalls_alone),
    {0},
};

const test_suite mux_spike_suite = {.name = "actors/mux spike", .cases = cases};
