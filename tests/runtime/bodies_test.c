/* SPDX-License-Identifier: MIT */
/* Bodies: plain ones of any size, with bytes beside them, with hooks, of protobuf. */
#include "kit.h"

#include <stdlib.h>

#include "pb_test.pb-c.h"

/* ---- sizes */

typedef struct big {
    unsigned char room[5000];
} big;
static const weft_type big_type = WEFT_TYPE("test.big", big, NULL);
typedef struct middle {
    unsigned char room[512];
} middle;
static const weft_type middle_type = WEFT_TYPE("test.middle", middle, NULL);
typedef struct tiny {
    char c;
} tiny;
static const weft_type tiny_type = WEFT_TYPE("test.tiny", tiny, NULL);
static const weft_type empty_type = {.name = "test.empty", .size = 0};

typedef struct seen {
    const weft_type *type;
    unsigned n;
    bool whole;
} seen;
static seen saw;

static bool is_whole(const unsigned char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (at[i] != (unsigned char)(i * 7 + 1))
            return false;
    return true;
}

static void fill(unsigned char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (unsigned char)(i * 7 + 1);
}

static weft_err see(weft_actor *self, weft_msg *msg)
{
    (void)self;
    saw.type = weft_type_of(msg);
    saw.n++;
    saw.whole = is_whole(weft_body(msg), saw.type->size);
    return weft_is_request(msg) ? weft_reply_body(msg, saw.type, weft_body(msg)) : WEFT_OK;
}

static const weft_behaviour seer = {.name = "seer", .otherwise = see};

typedef struct send {
    weft_ref to;
    const weft_type *type;
    const void *body;
    weft_err err;
    unsigned times;
} send;

static weft_err send_it(weft_actor *self, weft_msg *msg, void *with)
{
    send *s = with;
    (void)msg;
    for (unsigned i = 0; i < (s->times != 0 ? s->times : 1); i++)
        s->err = weft_tell_body(self, s->to, s->type, s->body);
    return WEFT_OK;
}

static void check_size(const weft_type *type, const void *body)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        send s = {weft_system_spawn(weft_sim_system(sim), there, &seer, NULL), type, body, WEFT_OK,
                  1};
        saw = (seen){0};
        sim_do(sim_puppet(NULL), send_it, &s);
        CHECK_OK(s.err);
        CHECK(saw.type == type);
        CHECK(saw.whole);
        const weft_outcome *got = weft_sim_ask_body(sim, s.to, type, body, WEFT_INHERIT);
        CHECK_OK(got->err);
        CHECK(got->body != NULL && is_whole(got->body, type->size));
    }
}

static void a_body_of_any_size_is_copied_whole(void)
{
    static big b;
    middle m;
    tiny t;
    fill(b.room, sizeof b.room);
    fill(m.room, sizeof m.room);
    fill((unsigned char *)&t.c, 1);
    check_size(&big_type, &b);
    check_size(&middle_type, &m);
    check_size(&tiny_type, &t);
}

/* Every size around the classes of blocks. */
static void bodies_at_the_edges_of_block_classes_are_whole(void)
{
    unsigned char room[640];
    weft_ref to = weft_sim_spawn(sim, &seer, NULL);
    fill(room, sizeof room);
    for (uint32_t size = 1; size <= sizeof room; size++) {
        weft_type type = {.name = "test.sized", .size = size};
        saw = (seen){0};
        CHECK_OK(weft_sim_tell_body(sim, to, &type, room));
        if (!saw.whole)
            CHECK_U64(size, 0);
    }
}

static void a_type_without_a_size_is_refused(void)
{
    send s = {
        .to = weft_sim_spawn(sim, &seer, NULL), .type = &empty_type, .body = "", .err = WEFT_OK};
    saw = (seen){0};
    sim_do(sim_puppet(NULL), send_it, &s);
    CHECK_ERR(s.err, WEFT_EINVAL);
    CHECK_U64(saw.n, 0);
    const weft_outcome *got = weft_sim_ask_body(sim, s.to, &empty_type, "", WEFT_INHERIT);
    CHECK_ERR(got->err, WEFT_EINVAL);
    CHECK_STR(got->why, "type test.empty has no size: it needs at least one byte");
    CHECK_ERR(weft_system_tell(weft_sim_system(sim), s.to, &empty_type, ""), WEFT_EINVAL);
}

static void the_bytes_of_what_waits_are_counted_as_allocated(void)
{
    static big b;
    static const weft_behaviour hoarder = {.name = "hoarder", .otherwise = see};
    weft_system *sys = rig_new(1);
    weft_ref to = weft_system_spawn(sys, 0, &hoarder, NULL);
    weft_actor_stats s;
    CHECK_OK(weft_system_tell(sys, to, &big_type, &b));
    weft_ref a = weft_system_spawn(sys, 0, &puppet, NULL);
    send two = {.to = to, .type = &big_type, .body = &b, .times = 2};
    rig_do(sys, a, send_it, &two);
    (void)rig_round(sys, 0); /* all is served within the round */
    CHECK(weft_stats_actor(sys, to, &s));
    CHECK_U64(s.queued, 0);
    CHECK_U64(s.queued_bytes, 0);
    CHECK_U64(s.handled, 3);
    rig_free(&sys);
}

/* ---- hooks */

typedef struct hooked {
    int *shares;
} hooked;
static int shares, releases;

static void hooked_share(void *body)
{
    ++*((hooked *)body)->shares;
}
static void hooked_release(void *body)
{
    (void)body;
    releases++;
}
static const weft_type hooked_type = {.name = "test.hooked",
                                      .size = sizeof(hooked),
                                      .share = hooked_share,
                                      .release = hooked_release};

static weft_err nothing_to_it(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}
static const weft_behaviour sink = {.name = "sink", .otherwise = nothing_to_it, .mailbox_max = 2};

static void what_a_body_points_to_is_shared_and_released_once_each(void)
{
    hooked body = {&shares};
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        shares = releases = 0;
        send s = {.to = weft_system_spawn(weft_sim_system(sim), there, &sink, NULL),
                  .type = &hooked_type,
                  .body = &body,
                  .err = WEFT_OK};
        sim_do(sim_puppet(NULL), send_it, &s);
        CHECK_U64(shares, 1);
        CHECK_U64(releases, 1);
    }
}

static void a_refused_body_is_given_back_what_was_shared(void)
{
    hooked body = {&shares};
    shares = releases = 0;
    weft_ref gone = sim_puppet(NULL);
    send s = {
        .to = weft_sim_spawn(sim, &sink, NULL), .type = &hooked_type, .body = &body, .times = 5};
    sim_do(sim_puppet(NULL), send_it, &s);
    CHECK_ERR(s.err, WEFT_EFULL);
    CHECK_U64(releases, shares);
    CHECK(shares >= 2);
    weft_err err = weft_sim_tell_body(sim, WEFT_NOBODY, &hooked_type, &body);
    CHECK_ERR(err, WEFT_EGONE);
    CHECK_U64(releases, shares);
    (void)gone;
}

/* ---- bytes beside a body */

typedef struct text {
    uint32_t id;
    weft_bytes bytes;
} text;
static const weft_type text_type = WEFT_TYPE_BYTES("test.text", text, bytes, NULL);

typedef struct passing {
    weft_ref to;
    const uint8_t *at;
    char got[16];
    unsigned n;
    weft_err err;
} passing;
static passing *passed;

static weft_err read_text(weft_actor *self, weft_msg *msg)
{
    const text *t = weft_body(msg);
    (void)self;
    passed->n++;
    passed->at = t->bytes.at;
    (void)snprintf(passed->got, sizeof passed->got, "%.*s", (int)t->bytes.size,
                   (const char *)t->bytes.at);
    return WEFT_OK;
}
static const weft_handler reader_handlers[] = {{.type = &text_type, .fn = read_text}, {0}};
static const weft_behaviour reader = {.name = "reader", .handlers = reader_handlers};

static weft_err tell_text(weft_actor *self, weft_msg *msg, void *with)
{
    passing *p = with;
    text t = {.id = 3, .bytes = weft_bytes_printf(msg, "hello %d", 17)};
    CHECK_U64(t.bytes.size, 8);
    p->err = weft_tell_body(self, p->to, &text_type, &t);
    p->at = t.bytes.at;
    return WEFT_OK;
}

static void bytes_are_shared_and_never_copied(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        passing p = {.to = weft_system_spawn(weft_sim_system(sim), there, &reader, NULL)}, told;
        passed = &p;
        sim_do(sim_puppet(NULL), tell_text, &p);
        CHECK_OK(p.err);
        CHECK_U64(p.n, 1);
        CHECK_STR(p.got, "hello 17");
        told = p; /* the address the reader saw is the one that was told: see tell_text */
        CHECK(told.at == p.at);
        CHECK_U64(sim_stats(0).buffer_bytes == 0 || sim_stats(0).buffer_bytes >= 128, 1);
    }
}

static weft_err tell_many_texts(weft_actor *self, weft_msg *msg, void *with)
{
    passing *p = with;
    text t = {.bytes = weft_bytes_copy(msg, "shared", 6)};
    p->at = t.bytes.at;
    for (int i = 0; i < 100; i++)
        CHECK_OK(weft_tell_body(self, p->to, &text_type, &t));
    return weft_stop(self, WEFT_OK); /* they outlive who told them */
}

static void one_buffer_may_stand_in_many_messages(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        passing p = {.to = weft_system_spawn(weft_sim_system(sim), there, &reader, NULL)};
        passed = &p;
        sim_do(sim_puppet(NULL), tell_many_texts, &p);
        CHECK_U64(p.n, 100);
        CHECK_STR(p.got, "shared");
    }
}

static void static_bytes_go_like_any_others(void)
{
    passing p = {.to = weft_sim_spawn(sim, &reader, NULL)};
    text t = {.bytes = WEFT_BYTES_LITERAL("literal")};
    passed = &p;
    CHECK_OK(weft_sim_tell_body(sim, p.to, &text_type, &t));
    CHECK_STR(p.got, "literal");
    t.bytes = WEFT_NO_BYTES;
    CHECK_OK(weft_sim_tell_body(sim, p.to, &text_type, &t));
    CHECK_STR(p.got, "");
}

static void bytes_of_a_refused_message_are_dropped(void)
{
    passing p = {.to = WEFT_NOBODY};
    sim_do(sim_puppet(NULL), tell_text, &p); /* sim_done finds what is left */
    CHECK_ERR(p.err, WEFT_EGONE);
}

static weft_err answer_text(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    return weft_reply(msg, text, .bytes = weft_bytes_copy(msg, "an answer", 9));
}

static void a_reply_may_carry_bytes(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        const weft_outcome *got = sim_ask(sim_puppet_on(there, NULL), answer_text, NULL);
        CHECK_OK(got->err);
        const text *t = got->body;
        CHECK_MEM(t->bytes.at, t->bytes.size, "an answer", 9);
    }
}

/* ---- protobuf */

typedef Pbtest__Order order;
static const weft_type order_type =
    WEFT_TYPE_PROTO("test.order", order, &pbtest__order__descriptor, NULL);

typedef struct unpacked {
    char sku[64];
    unsigned n, lines;
    uint64_t count;
} unpacked;
static unpacked unpack;

static weft_err take_order(weft_actor *self, weft_msg *msg)
{
    const order *o = weft_body(msg);
    (void)self;
    unpack.n++;
    unpack.lines = (unsigned)o->n_lines;
    if (o->gift != NULL)
        (void)snprintf(unpack.sku, sizeof unpack.sku, "%s", o->gift->sku);
    CHECK(o->base.descriptor == &pbtest__order__descriptor);
    for (size_t i = 0; i < o->n_lines; i++)
        unpack.count += o->lines[i]->count;
    return weft_is_request(msg) ? weft_reply_body(msg, &order_type, o) : WEFT_OK;
}
static const weft_handler taker_handlers[] = {{.type = &order_type, .fn = take_order}, {0}};
static const weft_behaviour taker = {.name = "taker", .handlers = taker_handlers};

static weft_err tell_order(weft_actor *self, weft_msg *msg, void *with)
{
    send *s = with;
    char sku[] = "mine to change";
    Pbtest__Item gift = PBTEST__ITEM__INIT;
    Pbtest__Line one = PBTEST__LINE__INIT, two = PBTEST__LINE__INIT;
    Pbtest__Line *lines[] = {&one, &two};
    order o = PBTEST__ORDER__INIT;
    (void)msg;
    one.count = 3;
    two.count = 4;
    gift.sku = sku;
    o.gift = &gift;
    o.n_lines = 2;
    o.lines = lines;
    memset(&o.base, 0, sizeof o.base); /* the send path sets it from the type */
    s->err = weft_tell_body(self, s->to, &order_type, &o);
    memset(sku, '!', sizeof sku - 1);
    one.count = 1000;
    return WEFT_OK;
}

static void a_protobuf_body_is_copied_deeply(void)
{
    for (unsigned there = 0; there < 2; there++) {
        sim_of(2);
        unpack = (unpacked){0};
        send s = {.to = weft_system_spawn(weft_sim_system(sim), there, &taker, NULL)};
        sim_do(sim_puppet(NULL), tell_order, &s);
        CHECK_OK(s.err);
        CHECK_STR(unpack.sku, "mine to change");
        CHECK_U64(unpack.lines, 2);
        CHECK_U64(unpack.count, 7);
    }
}

static void a_protobuf_body_may_be_answered_with_itself(void)
{
    char sku[] = "there and back";
    Pbtest__Item gift = PBTEST__ITEM__INIT;
    order o = PBTEST__ORDER__INIT;
    gift.sku = sku;
    gift.weight = 9;
    o.gift = &gift;
    const weft_outcome *got =
        weft_sim_ask_body(sim, weft_sim_spawn(sim, &taker, NULL), &order_type, &o, WEFT_INHERIT);
    CHECK_OK(got->err);
    const order *back = got->body;
    CHECK_STR(back->gift->sku, "there and back");
    CHECK(back->gift->weight == 9);
    CHECK(back->gift != &gift);
}

static void a_protobuf_body_can_be_huge(void)
{
    enum { N = 3000 };
    static Pbtest__Line one[N], *lines[N];
    order o = PBTEST__ORDER__INIT;
    for (unsigned i = 0; i < N; i++) {
        one[i] = (Pbtest__Line)PBTEST__LINE__INIT;
        one[i].count = 1;
        lines[i] = &one[i];
    }
    o.n_lines = N;
    o.lines = lines;
    unpack = (unpacked){0};
    CHECK_OK(weft_sim_tell_body(sim, weft_sim_spawn(sim, &taker, NULL), &order_type, &o));
    CHECK_U64(unpack.count, N);
}

static void a_nested_message_without_its_descriptor_is_named(void)
{
    Pbtest__Line one;
    Pbtest__Line *lines[] = {&one};
    order o = PBTEST__ORDER__INIT;
    weft_ref to = weft_sim_spawn(sim, &taker, NULL);
    memset(&one, 0, sizeof one);
    o.n_lines = 1;
    o.lines = lines;
    unpack = (unpacked){0};
    CHECK_ERR(weft_sim_tell_body(sim, to, &order_type, &o), WEFT_EINVAL);
    const weft_outcome *got = weft_sim_ask_body(sim, to, &order_type, &o, WEFT_INHERIT);
    CHECK_ERR(got->err, WEFT_EINVAL);
    CHECK(strstr(got->why, "lines") != NULL);
    CHECK_U64(unpack.n, 0);
}

static const test_case cases[] = {
    TEST(a_body_of_any_size_is_copied_whole),
    TEST(bodies_at_the_edges_of_block_classes_are_whole),
    TEST(a_type_without_a_size_is_refused),
    TEST(the_bytes_of_what_waits_are_counted_as_allocated),
    TEST(what_a_body_points_to_is_shared_and_released_once_each),
    TEST(a_refused_body_is_given_back_what_was_shared),
    TEST(bytes_are_shared_and_never_copied),
    TEST(one_buffer_may_stand_in_many_messages),
    TEST(static_bytes_go_like_any_others),
    TEST(bytes_of_a_refused_message_are_dropped),
    TEST(a_reply_may_carry_bytes),
    TEST(a_protobuf_body_is_copied_deeply),
    TEST(a_protobuf_body_may_be_answered_with_itself),
    TEST(a_protobuf_body_can_be_huge),
    TEST(a_nested_message_without_its_descriptor_is_named),
    {0},
};

const test_suite bodies_suite = {
    .name = "runtime/bodies", .before = sim_one, .after = sim_done, .cases = cases};
