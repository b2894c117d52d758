/* SPDX-License-Identifier: MIT */
/* Topics: who gets what, in which order; slow subscribers by each policy; what is held, and for how long. */
#include "runtime/kit.h"

#include <weft/topic.h>

#include "pb_test.pb-c.h"

typedef struct news {
    uint64_t n;
    weft_bytes bytes;
} news;
static const weft_type news_type = WEFT_TYPE_BYTES("test.news", news, bytes, NULL);
static const weft_type line_type =
    WEFT_TYPE_PROTO("test.line", Pbtest__Line, &pbtest__line__descriptor, &weft_topic_answer_type);

/* ---- readers: write down what they get, or hold it when told to */

enum { READERS = 8, GOT = 64 };

static struct reader {
    weft_ref ref;
    unsigned n;
    uint64_t got[GOT];
    uint64_t bytes;
    weft_ref from;
    bool hold, sick;
    weft_msg *held;
    unsigned ended;
    weft_err reason;
} reader[READERS];

static weft_ref topic;

static struct reader *me(const weft_actor *self)
{
    return &reader[(const char *)weft_config(self) - (const char *)reader];
}

static weft_err take(weft_actor *self, weft_msg *msg, uint64_t n)
{
    struct reader *r = me(self);
    CHECK(r->held == NULL); /* one at a time */
    if (r->n < GOT)
        r->got[r->n] = n;
    r->n++;
    if (r->hold)
        r->held = weft_keep(msg);
    return r->sick ? WEFT_EIO : WEFT_OK;
}

static weft_err on_news(weft_actor *self, weft_msg *msg)
{
    const news *what = weft_body(msg);
    me(self)->bytes += what->bytes.size;
    size_t wrong = 0;
    for (size_t i = 0; i < what->bytes.size; i++)
        wrong += what->bytes.at[i] != (what->n & 0xff);
    CHECK_U64(wrong, 0);
    return take(self, msg, what->n);
}

static weft_err on_num(weft_actor *self, weft_msg *msg)
{
    return take(self, msg, ((const num *)weft_body(msg))->n);
}

static weft_err on_line(weft_actor *self, weft_msg *msg)
{
    const Pbtest__Line *what = weft_body(msg);
    return take(self, msg, what->count);
}

static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}

static weft_err on_topic_ended(weft_actor *self, weft_msg *msg)
{
    const weft_topic_ended *ended = weft_body(msg);
    CHECK(weft_ref_same(ended->topic, topic));
    me(self)->ended++;
    me(self)->reason = ended->reason;
    return WEFT_OK;
}

static void reader_gone(weft_actor *self, weft_err reason)
{
    (void)reason;
    weft_drop(&me(self)->held);
}

static const weft_handler reader_rows[] = {
    {.type = &news_type, .fn = on_news},
    {.type = &num_type, .fn = on_num},
    {.type = &line_type, .fn = on_line},
    {.type = &act_type, .fn = on_act},
    {.type = &weft_topic_ended_type, .fn = on_topic_ended},
    {0},
};
static const weft_behaviour reader_behaviour = {
    .name = "reader", .handlers = reader_rows, .ended = reader_gone};

/* ---- what tests do */

static void begin(const weft_topic_config *config, unsigned reactors)
{
    memset(reader, 0, sizeof reader);
    sim_of(reactors);
    for (unsigned i = 0; i < READERS; i++)
        reader[i].ref = weft_system_spawn(weft_sim_system(sim), i % reactors, &reader_behaviour,
                                          (const char *)reader + i);
    topic = weft_sim_spawn(sim, &weft_topic, config);
    REQUIRE(!weft_ref_is_nobody(topic));
}

static weft_err subscribe(unsigned i, weft_slow slow)
{
    return weft_sim_ask(sim, topic, weft_topic_subscribe, .who = reader[i].ref, .slow = slow)->err;
}

static weft_err publish(uint64_t n)
{
    return weft_sim_ask(sim, topic, num, .n = n)->err;
}

static void tell(uint64_t n)
{
    CHECK_OK(weft_sim_tell(sim, topic, num, .n = n));
}

static weft_topic_counts look(void)
{
    const weft_outcome *got = weft_sim_ask(sim, topic, weft_topic_look, .nothing = 0);
    CHECK_OK(got->err);
    return got->err == WEFT_OK ? *(const weft_topic_counts *)got->body : (weft_topic_counts){0};
}

static weft_err let_go(weft_actor *self, weft_msg *msg, void *with)
{
    struct reader *r = me(self);
    (void)msg;
    r->hold = with != NULL;
    weft_drop(&r->held);
    return WEFT_OK;
}
/* The reader lets go of what it holds, and holds the next one, or no more. */
static void next_at(unsigned i)
{
    static char yes;
    sim_do(reader[i].ref, let_go, &yes);
}
static void release_at(unsigned i)
{
    sim_do(reader[i].ref, let_go, NULL);
}

static weft_err stop_me(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_EIO);
}

static void check_got(unsigned i, const uint64_t *want, unsigned n)
{
    CHECK_U64(reader[i].n, n);
    for (unsigned k = 0; k < n && k < reader[i].n; k++)
        CHECK_U64(reader[i].got[k], want[k]);
}
#define CHECK_GOT(i, ...)                           \
    check_got((i), (const uint64_t[]){__VA_ARGS__}, \
              sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* A publication of @size bytes. */
typedef struct piece {
    uint64_t n;
    size_t size;
} piece;

static weft_err on_piece(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    return weft_reply(msg, num, .n = 1);
}

static weft_err send_piece(weft_actor *self, weft_msg *msg, void *with)
{
    const piece *p = with;
    uint8_t *to;
    weft_bytes bytes;
    if (weft_bytes_new(p->size, &to, &bytes) != WEFT_OK)
        return WEFT_ENOMEM;
    memset(to, (int)(p->n & 0xff), p->size);
    weft_err err = weft_when(msg, weft_ask(self, topic, news, .n = p->n, .bytes = bytes), on_piece);
    weft_bytes_drop(&bytes);
    return err;
}

static weft_err publish_bytes(uint64_t n, size_t size)
{
    return sim_ask(sim_puppet(NULL), send_piece, &(piece){.n = n, .size = size})->err;
}

/* ---- tests */

static void each_subscriber_gets_each_publication_in_order(void)
{
    for (unsigned reactors = 1; reactors <= 3; reactors++) {
        begin(NULL, reactors);
        for (unsigned i = 0; i < READERS; i++)
            CHECK_OK(subscribe(i, WEFT_SLOW_DROP_OLDEST));
        for (uint64_t n = 1; n <= 5; n++) {
            const weft_outcome *got = weft_sim_ask(sim, topic, num, .n = n);
            CHECK_OK(got->err);
            CHECK_U64(((const weft_topic_answer *)got->body)->subscribers, READERS);
        }
        CHECK(weft_sim_run(sim));
        for (unsigned i = 0; i < READERS; i++)
            CHECK_GOT(i, 1, 2, 3, 4, 5);
        weft_topic_counts c = look();
        CHECK_U64(c.published, 5);
        CHECK_U64(c.delivered, 5 * READERS);
        CHECK_U64(c.dropped, 0);
    }
}

static void a_topic_has_a_name(void)
{
    begin(&(weft_topic_config){.name = "weather"}, 1);
    CHECK(weft_sim_run(sim));
    weft_ref second = weft_sim_spawn(sim, &weft_topic, &(weft_topic_config){.name = "weather"});
    CHECK(weft_sim_run(sim));
    CHECK_ERR(weft_sim_ask(sim, second, num, .n = 1)->err, WEFT_EGONE);
    CHECK_OK(publish(1));
}

static void who_unsubscribes_or_ends_gets_no_more(void)
{
    begin(NULL, 2);
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(subscribe(i, WEFT_SLOW_DROP_OLDEST));
    tell(1);
    const weft_outcome *got =
        weft_sim_ask(sim, topic, weft_topic_unsubscribe, .who = reader[0].ref);
    CHECK_OK(got->err);
    CHECK_U64(((const weft_topic_answer *)got->body)->subscribers, 2);
    CHECK_ERR(weft_sim_ask(sim, topic, weft_topic_unsubscribe, .who = reader[0].ref)->err,
              WEFT_ENOTFOUND);
    sim_do(reader[1].ref, stop_me, NULL);
    tell(2);
    CHECK_GOT(0, 1);
    CHECK_GOT(1, 1);
    CHECK_GOT(2, 1, 2);
    CHECK_U64(look().subscribers, 1);
    CHECK_ERR(subscribe(1, WEFT_SLOW_WAIT), WEFT_OK); /* it has ended: gone at once */
    CHECK(weft_sim_run(sim));
    CHECK_U64(look().subscribers, 1);
}

static void the_last_publication_is_kept_for_who_comes_later(void)
{
    begin(&(weft_topic_config){.retain = true}, 1);
    CHECK_OK(subscribe(0, WEFT_SLOW_DROP_OLDEST));
    CHECK_OK(publish_bytes(1, 3000));
    CHECK_OK(publish_bytes(2, 3000));
    CHECK(look().held_bytes >= 3000);
    CHECK(look().held_bytes < 6000);
    CHECK_OK(subscribe(1, WEFT_SLOW_DROP_OLDEST));
    CHECK_OK(subscribe(1, WEFT_SLOW_DROP_NEWEST)); /* again: not told again */
    CHECK(weft_sim_run(sim));
    CHECK_GOT(0, 1, 2);
    CHECK_GOT(1, 2);
    CHECK_U64(look().subscribers, 2);
}

static weft_err publish_own(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    CHECK_OK(weft_tell(self, topic, weft_topic_subscribe, .not_mine = true));
    return weft_tell(self, topic, num, .n = 9);
}

static void who_publishes_may_do_without_its_own(void)
{
    begin(NULL, 1);
    CHECK_OK(subscribe(0, WEFT_SLOW_DROP_OLDEST));
    sim_do(reader[1].ref, publish_own, NULL);
    CHECK_GOT(0, 9);
    CHECK_U64(reader[1].n, 0);
    tell(10);
    CHECK_GOT(1, 10);
}

static void slow_and_oldest_dropped(void)
{
    begin(&(weft_topic_config){.queue_max = 3}, 1);
    CHECK_OK(subscribe(0, WEFT_SLOW_DROP_OLDEST));
    CHECK_OK(subscribe(1, WEFT_SLOW_DROP_OLDEST));
    reader[0].hold = true;
    for (uint64_t n = 1; n <= 7; n++)
        tell(n);
    CHECK_GOT(0, 1);
    CHECK_GOT(1, 1, 2, 3, 4, 5, 6, 7);
    CHECK_U64(look().dropped, 3);
    release_at(0);
    CHECK_GOT(0, 1, 5, 6, 7);
}

static void slow_and_newest_dropped(void)
{
    begin(&(weft_topic_config){.queue_max = 3}, 2);
    CHECK_OK(subscribe(0, WEFT_SLOW_DROP_NEWEST));
    reader[0].hold = true;
    for (uint64_t n = 1; n <= 7; n++)
        tell(n);
    CHECK_U64(look().dropped, 3);
    release_at(0);
    CHECK_GOT(0, 1, 2, 3, 4);
}

static void slow_and_disconnected(void)
{
    begin(&(weft_topic_config){.queue_max = 3}, 1);
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(subscribe(i, WEFT_SLOW_DISCONNECT));
    reader[1].hold = true;
    for (uint64_t n = 1; n <= 7; n++)
        tell(n);
    CHECK_U64(reader[1].ended, 1);
    CHECK_ERR(reader[1].reason, WEFT_EFULL);
    CHECK_GOT(1, 1);
    CHECK_GOT(0, 1, 2, 3, 4, 5, 6, 7);
    CHECK_GOT(2, 1, 2, 3, 4, 5, 6, 7);
    CHECK_U64(look().subscribers, 2);
    CHECK_U64(look().disconnected, 1);
    CHECK_U64(look().dropped, 0);
    release_at(1);
    CHECK_OK(subscribe(1, WEFT_SLOW_DISCONNECT)); /* it may come back */
    tell(8);
    CHECK_GOT(1, 1, 8);
}

/* Publishes 1, 2, ... each when the last has been answered. */
typedef struct stream {
    uint64_t n, to;
    weft_err err;
} stream;
static stream flow;

static weft_err flow_on(weft_actor *self, weft_msg *msg);
static weft_err flowed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    flow.err = got->err;
    return got->err == WEFT_OK ? flow_on(self, msg) : WEFT_OK;
}
static weft_err flow_on(weft_actor *self, weft_msg *msg)
{
    if (flow.n == flow.to)
        return WEFT_OK;
    return weft_when(msg, weft_ask_within(self, topic, WEFT_NO_LIMIT, num, .n = ++flow.n), flowed);
}
static weft_err flow_begin(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    return flow_on(self, msg);
}

static void slow_and_waited_for(void)
{
    for (unsigned reactors = 1; reactors <= 2; reactors++) {
        begin(&(weft_topic_config){.queue_max = 3}, reactors);
        CHECK_OK(subscribe(1, WEFT_SLOW_WAIT));
        CHECK_OK(subscribe(0, WEFT_SLOW_DROP_OLDEST));
        reader[1].hold = true;
        flow = (stream){.to = 20};
        sim_do(sim_puppet(NULL), flow_begin, NULL);
        CHECK_U64(flow.n, 5); /* one is held, three wait, the fifth is not answered */
        CHECK_U64(look().waiting, 1);
        CHECK_U64(reader[0].n, 4);
        next_at(1);
        CHECK_U64(flow.n, 6);
        release_at(1);
        CHECK_U64(flow.n, 20);
        CHECK_U64(reader[1].n, 20);
        CHECK_U64(reader[0].n, 20);
        for (unsigned i = 0; i < 20; i++)
            CHECK_U64(reader[1].got[i], i + 1);
        CHECK_U64(look().dropped, 0);
    }
}

static void who_is_waited_for_and_ends_holds_nobody_up(void)
{
    begin(&(weft_topic_config){.queue_max = 2}, 1);
    CHECK_OK(subscribe(0, WEFT_SLOW_WAIT));
    CHECK_OK(subscribe(1, WEFT_SLOW_WAIT));
    reader[1].hold = true;
    flow = (stream){.to = 10};
    sim_do(sim_puppet(NULL), flow_begin, NULL);
    CHECK(flow.n < 10);
    sim_do(reader[1].ref, stop_me, NULL);
    CHECK_U64(flow.n, 10);
    CHECK_U64(reader[0].n, 10);
}

static void who_is_waited_for_too_long_is_disconnected(void)
{
    begin(&(weft_topic_config){.queue_max = 2, .wait_ms = 700}, 1);
    CHECK_OK(subscribe(0, WEFT_SLOW_WAIT));
    CHECK_OK(subscribe(1, WEFT_SLOW_WAIT));
    reader[1].hold = true;
    flow = (stream){.to = 10};
    sim_do(sim_puppet(NULL), flow_begin, NULL);
    weft_sim_advance(sim, 600);
    CHECK(flow.n < 10);
    weft_sim_advance(sim, 200);
    CHECK_U64(flow.n, 10);
    CHECK_U64(reader[1].ended, 1);
    CHECK_ERR(reader[1].reason, WEFT_ETIMEDOUT);
    CHECK_U64(look().subscribers, 1);
}

static void who_no_longer_wants_to_wait_lets_others_publish(void)
{
    begin(&(weft_topic_config){.queue_max = 2}, 1);
    CHECK_OK(subscribe(0, WEFT_SLOW_WAIT));
    reader[0].hold = true;
    flow = (stream){.to = 10};
    sim_do(sim_puppet(NULL), flow_begin, NULL);
    CHECK_U64(look().waiting, 1);
    CHECK_OK(subscribe(0, WEFT_SLOW_DROP_NEWEST));
    CHECK(weft_sim_run(sim));
    CHECK_U64(flow.n, 10);
}

static void only_so_many_publications_wait(void)
{
    begin(&(weft_topic_config){.queue_max = 1}, 1);
    CHECK_OK(subscribe(0, WEFT_SLOW_WAIT));
    reader[0].hold = true;
    for (uint64_t n = 1; n <= 2 + WEFT_TOPIC_WAITING_MAX; n++)
        tell(n);
    CHECK_U64(look().waiting, WEFT_TOPIC_WAITING_MAX);
    CHECK_ERR(publish(99), WEFT_EFULL);
    /* a request that is given up is not published */
    release_at(0);
    CHECK_U64(reader[0].n, 2 + WEFT_TOPIC_WAITING_MAX);
    for (unsigned i = 0; i < GOT; i++)
        CHECK_U64(reader[0].got[i], i + 1);
    CHECK_U64(look().waiting, 0);
}

static void a_publication_that_is_given_up_while_it_waits_is_not_published(void)
{
    begin(&(weft_topic_config){.queue_max = 1}, 1);
    CHECK_OK(subscribe(0, WEFT_SLOW_WAIT));
    reader[0].hold = true;
    tell(1);
    tell(2);
    num three = {3};
    CHECK_ERR(weft_sim_ask_body(sim, topic, &num_type, &three, 50)->err, WEFT_ETIMEDOUT);
    tell(4);
    CHECK_U64(look().waiting, 1);
    release_at(0);
    CHECK_GOT(0, 1, 2, 4);
}

static void bytes_are_charged_once_and_only_while_somebody_needs_them(void)
{
    begin(NULL, 2);
    for (unsigned i = 0; i < READERS; i++)
        CHECK_OK(subscribe(i, WEFT_SLOW_DROP_OLDEST));
    reader[5].hold = true;
    CHECK_OK(publish_bytes(1, 40000));
    CHECK(look().held_bytes >= 40000);
    CHECK(look().held_bytes < 80000);
    release_at(5);
    CHECK_U64(look().held_bytes, 0);
    for (unsigned i = 0; i < READERS; i++)
        CHECK_U64(reader[i].bytes, 40000);
}

static void a_slow_one_holds_no_more_bytes_than_its_queue(void)
{
    begin(&(weft_topic_config){.queue_bytes_max = 100000}, 1);
    CHECK_OK(subscribe(0, WEFT_SLOW_DROP_OLDEST));
    reader[0].hold = true;
    for (uint64_t n = 1; n <= 20; n++)
        CHECK_OK(publish_bytes(n, 30000));
    CHECK(look().held_bytes <= 100000 + 2 * 33000);
    CHECK(look().dropped >= 16);
    /* a piece larger than the whole queue still gets through */
    release_at(0);
    reader[0].n = 0;
    CHECK_OK(publish_bytes(77, 150000));
    CHECK(weft_sim_run(sim));
    CHECK_GOT(0, 77);
}

static void a_topic_whose_bytes_are_used_up_refuses(void)
{
    begin(&(weft_topic_config){.bytes_max = 100000}, 1);
    CHECK_OK(subscribe(0, WEFT_SLOW_DROP_OLDEST));
    reader[0].hold = true;
    for (uint64_t n = 1; n <= 3; n++)
        CHECK_OK(publish_bytes(n, 30000));
    CHECK_ERR(publish_bytes(4, 30000), WEFT_EFULL);
    release_at(0);
    CHECK_OK(publish_bytes(5, 30000));
    CHECK(weft_sim_run(sim));
    CHECK_GOT(0, 1, 2, 3, 5);
}

static weft_err publish_line(weft_actor *self, weft_msg *msg, void *with)
{
    Pbtest__Line line = PBTEST__LINE__INIT;
    line.count = *(const uint32_t *)with;
    return weft_when(msg, weft_ask_body(self, topic, &line_type, &line, WEFT_INHERIT), on_piece);
}

static void protobuf_publications_are_given_to_all_and_may_wait(void)
{
    begin(&(weft_topic_config){.queue_max = 1, .retain = true}, 1);
    weft_ref publisher = sim_puppet(NULL);
    uint32_t count = 1;
    sim_do(publisher, publish_line, &count); /* nobody is there: only retained */
    CHECK_OK(subscribe(0, WEFT_SLOW_WAIT));
    CHECK_OK(subscribe(1, WEFT_SLOW_DROP_OLDEST));
    reader[0].hold = true;
    for (count = 2; count <= 6; count++)
        sim_do(publisher, publish_line, &count);
    CHECK(look().waiting > 0);
    release_at(0);
    CHECK_GOT(0, 1, 2, 3, 4, 5, 6);
    CHECK_GOT(1, 1, 2, 3, 4, 5, 6);
}

static void gone(void *body)
{
    (void)body;
}

static void what_cannot_be_shared_cannot_be_published(void)
{
    static const weft_type event_type = {
        .name = "test.event", .size = sizeof(num), .release = gone};
    begin(NULL, 1);
    num one = {1};
    CHECK_ERR(weft_sim_ask_body(sim, topic, &event_type, &one, WEFT_INHERIT)->err, WEFT_EINVAL);
}

static void a_subscriber_that_fails_or_has_no_row_is_a_subscriber(void)
{
    begin(NULL, 1);
    CHECK_OK(subscribe(0, WEFT_SLOW_WAIT));
    record *rec = record_new();
    weft_ref strange = sim_puppet(rec);
    CHECK_OK(weft_sim_ask(sim, topic, weft_topic_subscribe, .who = strange)->err);
    reader[0].sick = true;
    for (uint64_t n = 1; n <= 4; n++)
        CHECK_OK(publish_bytes(n, 10)); /* puppets have no row for news */
    tell(5);
    CHECK_GOT(0, 1, 2, 3, 4, 5);
    CHECK_U64(rec->n, 1);
}

static void subscribers_have_a_limit(void)
{
    begin(&(weft_topic_config){.subscribers_max = 3}, 1);
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(subscribe(i, WEFT_SLOW_DROP_OLDEST));
    CHECK_ERR(subscribe(3, WEFT_SLOW_DROP_OLDEST), WEFT_ELIMIT);
    CHECK_OK(subscribe(2, WEFT_SLOW_WAIT));
}

static weft_err stop_topic(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_ref(self, topic, WEFT_OK);
}

static void a_topic_that_ends_lets_go_of_everything(void)
{
    begin(&(weft_topic_config){.queue_max = 2, .retain = true}, 2);
    CHECK_OK(subscribe(0, WEFT_SLOW_WAIT));
    CHECK_OK(subscribe(1, WEFT_SLOW_DROP_OLDEST));
    reader[0].hold = reader[1].hold = true;
    flow = (stream){.to = 10};
    sim_do(sim_puppet(NULL), flow_begin, NULL);
    (void)weft_sim_tell(sim, topic, num, .n = 50);
    sim_do(sim_puppet(NULL), stop_topic, NULL);
    CHECK_ERR(flow.err, WEFT_EGONE);
    CHECK_ERR(publish(1), WEFT_EGONE);
}

static void what_is_unanswered_by_a_full_mailbox_comes_when_there_is_room(void)
{
    static const weft_behaviour small = {
        .name = "small", .handlers = reader_rows, .ended = reader_gone, .mailbox_max = 1};
    begin(NULL, 2);
    reader[0].ref = weft_system_spawn(weft_sim_system(sim), 1, &small, (const char *)reader);
    CHECK_OK(subscribe(0, WEFT_SLOW_WAIT));
    for (uint64_t n = 1; n <= 30; n++)
        tell(n);
    CHECK(weft_sim_run(sim));
    CHECK_U64(reader[0].n, 30);
}

/* ---- memory */

static void use_a_topic(void)
{
    static const weft_topic_config config = {.name = "t", .queue_max = 2, .retain = true};
    memset(reader, 0, sizeof reader);
    sim = weft_sim_new(&(weft_sim_options){.system.reactors = 2});
    if (sim == NULL)
        return;
    for (unsigned i = 0; i < 3; i++)
        reader[i].ref = weft_system_spawn(weft_sim_system(sim), i % 2, &reader_behaviour,
                                          (const char *)reader + i);
    topic = weft_sim_spawn(sim, &weft_topic, &config);
    for (unsigned i = 0; i < 3; i++)
        (void)subscribe(i, (weft_slow)(i + 1));
    for (uint64_t n = 1; n <= 6; n++) {
        (void)publish(n);
        weft_ref p = weft_sim_spawn(sim, &puppet, NULL);
        piece what = {.n = n, .size = 5000};
        (void)weft_sim_ask(sim, p, act, .fn = send_piece, .with = &what);
    }
    weft_sim_advance(sim, 100000);
    for (unsigned i = 0; i < 3; i++)
        for (unsigned k = 1; k < reader[i].n && k < GOT; k++)
            CHECK(reader[i].got[k] >= reader[i].got[k - 1]);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void memory_that_is_out_leaves_out_or_disconnects(void)
{
    use_a_topic();
    CHECK_U64(reader[0].n, 12);
    each_allocation_fails(use_a_topic);
}

static const test_case cases[] = {
    TEST(each_subscriber_gets_each_publication_in_order),
    TEST(a_topic_has_a_name),
    TEST(who_unsubscribes_or_ends_gets_no_more),
    TEST(the_last_publication_is_kept_for_who_comes_later),
    TEST(who_publishes_may_do_without_its_own),
    TEST(slow_and_oldest_dropped),
    TEST(slow_and_newest_dropped),
    TEST(slow_and_disconnected),
    TEST(slow_and_waited_for),
    TEST(who_is_waited_for_and_ends_holds_nobody_up),
    TEST(who_is_waited_for_too_long_is_disconnected),
    TEST(who_no_longer_wants_to_wait_lets_others_publish),
    TEST(only_so_many_publications_wait),
    TEST(a_publication_that_is_given_up_while_it_waits_is_not_published),
    TEST(bytes_are_charged_once_and_only_while_somebody_needs_them),
    TEST(a_slow_one_holds_no_more_bytes_than_its_queue),
    TEST(a_topic_whose_bytes_are_used_up_refuses),
    TEST(protobuf_publications_are_given_to_all_and_may_wait),
    TEST(what_cannot_be_shared_cannot_be_published),
    TEST(a_subscriber_that_fails_or_has_no_row_is_a_subscriber),
    TEST(subscribers_have_a_limit),
    TEST(a_topic_that_ends_lets_go_of_everything),
    TEST(what_is_unanswered_by_a_full_mailbox_comes_when_there_is_room),
    TEST(memory_that_is_out_leaves_out_or_disconnects),
    {0},
};

const test_suite topic_suite = {.name = "actors/topic", .after = sim_done, .cases = cases};
