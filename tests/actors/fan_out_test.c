/* SPDX-License-Identifier: MIT */
/* A fan-out whose policy is to wait: a topic asks each subscriber, and goes on when all have room.
 *
 *   publisher ── asks ──▶ topic ── asks each ──▶ subscriber ── stream ──▶ reader
 *
 * The other policies, with 1,000 subscribers on sockets, are in tests/programs/publish.sh. */
#include <weft/net.h>

#include "check.h"

enum {
    SUBSCRIBERS = 40,
    PIECE = 8 << 10,
    PIECES = 200,
    QUEUE = 64 << 10,
    WIRE = 256 << 10,                         /* what a pair holds between its ends */
    ACCOUNT = 2 * (WIRE + QUEUE + 4 * PIECE), /* a piece is charged with 16 KiB */
    LATE_MS = 40,
};

typedef struct news {
    weft_bytes bytes;
} news;
typedef struct taken {
    char nothing;
} taken;
static const weft_type taken_type = WEFT_TYPE("taken", taken, NULL);
static const weft_type news_type = WEFT_TYPE_BYTES("news", news, bytes, &taken_type);
typedef struct tick {
    char nothing;
} tick;
static const weft_type tick_type = WEFT_TYPE("tick", tick, NULL);

static struct {
    unsigned published, published_when_late, answers, done;
    size_t held_most, queued_most;
    uint64_t got[SUBSCRIBERS], wrong;
    weft_ref subscriber[SUBSCRIBERS], topic;
    weft_account *account;
} seen;

/* ---- readers, at the other ends of the streams; the first is late */

typedef struct reader {
    unsigned number;
    weft_msg *held;
} reader;

static weft_err reader_data(weft_actor *self, weft_msg *msg)
{
    reader *r = weft_state(self);
    weft_bytes bytes = ((const weft_data *)weft_body(msg))->bytes;
    r->number = (unsigned)(uintptr_t)weft_config(self) - 1;
    for (size_t i = 0; i < bytes.size; i++)
        seen.wrong += bytes.at[i] != (uint8_t)((seen.got[r->number] + i) / PIECE);
    if (r->number == 0 && seen.got[0] == 0) {
        r->held = weft_keep(msg);
        (void)weft_after(self, LATE_MS, tick, .nothing = 0);
    }
    seen.got[r->number] += bytes.size;
    if (seen.got[r->number] == (uint64_t)PIECE * PIECES && ++seen.done == SUBSCRIBERS)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err reader_wakes(weft_actor *self, weft_msg *msg)
{
    reader *r = weft_state(self);
    (void)msg;
    seen.published_when_late = seen.published;
    weft_drop(&r->held);
    return WEFT_OK;
}

static const weft_handler reader_rows[] = {
    {.type = &weft_data_type, .fn = reader_data}, {.type = &tick_type, .fn = reader_wakes}, {0}};
static const weft_behaviour reader_behaviour = {
    .name = "reader", .handlers = reader_rows, .state_bytes = sizeof(reader)};

/* ---- subscribers: a request is answered when it has found room */

typedef struct subscriber {
    weft_ref stream;
    weft_msg *waiting;
} subscriber;

static weft_err subscriber_opened(weft_actor *self, weft_msg *msg)
{
    subscriber *s = weft_state(self);
    s->stream = ((const weft_opened *)weft_body(msg))->stream;
    return weft_stream_set(
        self, s->stream,
        &(weft_stream_settings){.given = WEFT_SET_WRITE_QUEUE, .write_queue_bytes_max = QUEUE});
}

static weft_err pass_on(weft_actor *self, subscriber *s, weft_msg *msg)
{
    weft_err err = weft_write(self, s->stream, ((const news *)weft_body(msg))->bytes);
    if (weft_write_queued(self, s->stream) > seen.queued_most)
        seen.queued_most = weft_write_queued(self, s->stream);
    if (err == WEFT_EFULL)
        return err;
    return err == WEFT_OK ? weft_reply(msg, taken, .nothing = 0) : weft_fail(msg, err, NULL);
}

static weft_err subscriber_news(weft_actor *self, weft_msg *msg)
{
    subscriber *s = weft_state(self);
    if (pass_on(self, s, msg) == WEFT_EFULL)
        s->waiting = weft_keep(msg);
    return WEFT_OK;
}

static weft_err subscriber_drained(weft_actor *self, weft_msg *msg)
{
    subscriber *s = weft_state(self);
    (void)msg;
    if (s->waiting != NULL && pass_on(self, s, s->waiting) != WEFT_EFULL)
        weft_drop(&s->waiting);
    return WEFT_OK;
}

static const weft_handler subscriber_rows[] = {
    {.type = &weft_opened_type, .fn = subscriber_opened},
    {.type = &news_type, .fn = subscriber_news},
    {.type = &weft_drained_type, .fn = subscriber_drained},
    {0},
};
static const weft_behaviour subscriber_behaviour = {
    .name = "subscriber", .handlers = subscriber_rows, .state_bytes = sizeof(subscriber)};

/* ---- the topic: one piece at a time, each charged to its account once */

static weft_err one_taken(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    CHECK_ERR(got->err, WEFT_OK);
    return ++seen.answers % SUBSCRIBERS == 0 ? weft_reply(msg, taken, .nothing = 0) : WEFT_OK;
}

static weft_err topic_news(weft_actor *self, weft_msg *msg)
{
    weft_bytes bytes = weft_bytes_keep(self, ((const news *)weft_body(msg))->bytes);
    CHECK_OK(weft_bytes_move(&bytes, seen.account));
    if (weft_account_held(seen.account) > seen.held_most)
        seen.held_most = weft_account_held(seen.account);
    seen.published++;
    for (unsigned i = 0; i < SUBSCRIBERS; i++)
        CHECK_OK(
            weft_when(msg, weft_ask(self, seen.subscriber[i], news, .bytes = bytes), one_taken));
    weft_bytes_drop(&bytes);
    return WEFT_OK;
}

static const weft_handler topic_rows[] = {{.type = &news_type, .fn = topic_news, .serial = true},
                                          {0}};
static const weft_behaviour topic_behaviour = {.name = "topic", .handlers = topic_rows};

/* ---- who publishes: the next piece when the last has been taken by all */

static weft_err publish(weft_actor *self, weft_msg *msg);

static weft_err published(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    CHECK_ERR(got->err, WEFT_OK);
    return seen.published < PIECES ? publish(self, msg) : WEFT_OK;
}

static weft_err publish(weft_actor *self, weft_msg *msg)
{
    weft_bytes bytes;
    uint8_t *to;
    REQUIRE(weft_bytes_new(PIECE, &to, &bytes) == WEFT_OK);
    memset(to, (int)(seen.published & 0xff), PIECE);
    weft_err err = weft_when(msg, weft_ask(self, seen.topic, news, .bytes = bytes), published);
    weft_bytes_drop(&bytes);
    return err;
}

static weft_err begin(weft_actor *self, weft_msg *msg)
{
    weft_ref out[2];
    (void)msg;
    seen.account = weft_account_new("topic", ACCOUNT);
    REQUIRE(seen.account != NULL);
    seen.topic = weft_spawn(self, &topic_behaviour, NULL);
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        seen.subscriber[i] = weft_spawn(self, &subscriber_behaviour, NULL);
        /* a config of its number, since 0 would be none */
        weft_ref r = weft_spawn(self, &reader_behaviour, (const void *)(uintptr_t)(i + 1));
        CHECK_OK(weft_pair(self, seen.subscriber[i], r, out));
    }
    return weft_tell(self, weft_self(self), tick, .nothing = 0);
}

static void over(weft_actor *self, weft_err reason)
{
    (void)self, (void)reason;
    weft_account_close(&seen.account);
}

static const weft_handler begin_rows[] = {
    {.type = &weft_started_type, .fn = begin}, {.type = &tick_type, .fn = publish}, {0}};
static const weft_behaviour publisher = {
    .name = "publisher", .handlers = begin_rows, .ended = over};

static void a_topic_that_asks_waits_for_the_slowest_and_loses_nothing(void)
{
    memset(&seen, 0, sizeof seen);
    weft_system *sys = weft_system_new(&(weft_system_options){.no_signals = true});
    REQUIRE(sys != NULL);
    CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &publisher, NULL)));
    CHECK_I64(weft_run(&sys), 0);
    for (unsigned i = 0; i < SUBSCRIBERS; i++)
        CHECK_U64(seen.got[i], (uint64_t)PIECE * PIECES);
    CHECK_U64(seen.wrong, 0);
    /* it stood still for the one that was late, within its queue and the account */
    CHECK(seen.published_when_late < PIECES / 2);
    CHECK(seen.queued_most < QUEUE + PIECE);
    CHECK(seen.held_most <= ACCOUNT);
}

static const test_case cases[] = {
    TEST(a_topic_that_asks_waits_for_the_slowest_and_loses_nothing),
    {0},
};

const test_suite fan_out_suite = {.name = "actors/fan-out", .cases = cases};
