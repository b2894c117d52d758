/* SPDX-License-Identifier: MIT */
/* Bytes: borrowed and kept, shared and copied, and who pays for them. */
#include "kit.h"

#include <stdlib.h>

#include <weft/edge.h>

#include "buffer.h"
#include "sys.h"

static uint32_t alive(unsigned reactor)
{
    return wf_buffers_alive(weft_sim_system(sim)->reactor[reactor]);
}

/* ---- borrowed */

static weft_err make_some(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    weft_bytes a = weft_bytes_copy(msg, "hello", 5);
    weft_bytes b = weft_bytes_printf(msg, "%s %d", "number", 17);
    weft_bytes none = weft_bytes_copy(msg, "", 0), empty = weft_bytes_printf(msg, "%s", "");
    CHECK_MEM(a.at, a.size, "hello", 5);
    CHECK_MEM(b.at, b.size, "number 17", 9);
    CHECK_U64(none.size, 0);
    CHECK_U64(empty.size, 0);
    CHECK_U64(alive(0), 2);
    CHECK(weft_bytes_account(a) == NULL);
    return WEFT_OK;
}

static void fresh_bytes_die_with_the_message(void)
{
    sim_do(sim_puppet(NULL), make_some, NULL);
    CHECK_U64(alive(0), 0);
}

static void a_slice_is_cut_to_what_there_is(void)
{
    weft_bytes b = WEFT_BYTES_LITERAL("0123456789");
    weft_bytes s = weft_bytes_slice(b, 3, 4);
    CHECK_MEM(s.at, s.size, "3456", 4);
    s = weft_bytes_slice(b, 8, 100);
    CHECK_MEM(s.at, s.size, "89", 2);
    s = weft_bytes_slice(b, 100, 1);
    CHECK_U64(s.size, 0);
    s = weft_bytes_slice(b, 0, SIZE_MAX);
    CHECK_U64(s.size, 10);
    s = weft_bytes_slice(WEFT_NO_BYTES, 0, 1);
    CHECK_U64(s.size, 0);
    CHECK_U64(weft_bytes_charge(b), 0);
    CHECK_U64(weft_bytes_spare(b), 0);
}

static weft_err make_sizes(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    for (size_t size = 0; size < (3U << 20); size = size * 3 / 2 + 1) {
        uint8_t *to = NULL;
        weft_bytes b;
        CHECK_OK(weft_bytes_new(size, &to, &b));
        CHECK_U64(b.size, size);
        CHECK(b.at == to);
        memset(to, 0x5A, size);
        CHECK(weft_bytes_charge(b) >= size);
        CHECK(weft_bytes_spare(b) < weft_bytes_charge(b));
        weft_bytes_drop(&b);
        CHECK(b.at == NULL && b.size == 0 && b.buffer == NULL);
        weft_bytes_drop(&b);
    }
    return WEFT_OK;
}

static void buffers_of_any_size_are_given_back(void)
{
    sim_do(sim_puppet(NULL), make_sizes, NULL);
    CHECK_U64(alive(0), 0);
}

/* ---- kept */

typedef struct keeping {
    weft_bytes kept[3];
    const uint8_t *whole_at;
    uint32_t alive;
} keeping;

static weft_err keep_parts(weft_actor *self, weft_msg *msg, void *with)
{
    keeping *k = with;
    (void)msg;
    uint8_t *to;
    weft_bytes whole;
    CHECK_OK(weft_bytes_new(8000, &to, &whole));
    memset(to, 'x', 8000);
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(to + 4000, "ten bytes!", 10);
    k->whole_at = whole.at;
    k->kept[0] = weft_bytes_keep(self, weft_bytes_slice(whole, 4000, 10));
    k->kept[1] = weft_bytes_keep(self, weft_bytes_slice(whole, 0, 6000));
    k->kept[2] = weft_bytes_keep(self, WEFT_BYTES_LITERAL("static"));
    weft_bytes_drop(&whole);
    return WEFT_OK;
}
static weft_err drop_parts(weft_actor *self, weft_msg *msg, void *with)
{
    keeping *k = with;
    (void)self, (void)msg;
    CHECK_MEM(k->kept[0].at, k->kept[0].size, "ten bytes!", 10);
    CHECK_U64(k->kept[1].at[5999], 'x');
    for (int i = 0; i < 3; i++)
        weft_bytes_drop(&k->kept[i]);
    return WEFT_OK;
}

static void a_small_slice_that_is_kept_is_copied_out(void)
{
    keeping k = {.alive = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, keep_parts, &k);
    CHECK(k.kept[0].at != k.whole_at + 4000);
    CHECK(weft_bytes_charge(k.kept[0]) < 200);
    CHECK(k.kept[1].at == k.whole_at);
    CHECK_STR((const char *)k.kept[2].at, "static");
    CHECK_U64(alive(0), 2);
    sim_do(a, drop_parts, &k);
    CHECK_U64(alive(0), 0);
}

static weft_err spare_of(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    uint8_t *to;
    weft_bytes b;
    CHECK_OK(weft_bytes_new(10, &to, &b));
    size_t spare = weft_bytes_spare(b);
    CHECK(spare >= 50);
    memset(to + 10, 'y', spare); /* is ours */
    weft_bytes other = weft_bytes_keep(self, b);
    CHECK_U64(weft_bytes_spare(b), 0); /* shared now */
    weft_bytes_drop(&other);
    CHECK_U64(weft_bytes_spare(b), spare);
    weft_bytes_drop(&b);
    return WEFT_OK;
}

static void room_behind_bytes_is_for_their_only_holder(void)
{
    sim_do(sim_puppet(NULL), spare_of, NULL);
}

/* ---- accounts of their own */

typedef struct paying {
    weft_account *one, *two;
    weft_bytes bytes, shared;
    weft_err err;
} paying;

static weft_err move_them(weft_actor *self, weft_msg *msg, void *with)
{
    paying *p = with;
    (void)msg;
    uint8_t *to;
    p->one = weft_account_new("one", 2000);
    p->two = weft_account_new("two", 100000);
    REQUIRE(p->one != NULL && p->two != NULL);
    CHECK_U64(weft_account_held(p->one), 0);

    CHECK_OK(weft_bytes_new(900, &to, &p->bytes)); /* 1,024 with what belongs to it */
    memset(to, 'a', 900);
    size_t charge = weft_bytes_charge(p->bytes);
    CHECK(charge >= 900 && charge <= 1024);
    const uint8_t *at = p->bytes.at;
    CHECK_OK(weft_bytes_move(&p->bytes, p->one));
    CHECK(p->bytes.at == at); /* the whole buffer moved */
    CHECK_U64(weft_account_held(p->one), charge);
    CHECK(weft_bytes_account(p->bytes) == p->one);
    CHECK_OK(weft_bytes_move(&p->bytes, p->one)); /* it is there */
    CHECK_U64(weft_account_held(p->one), charge);
    CHECK_OK(weft_bytes_move(&p->bytes, p->two));
    CHECK_U64(weft_account_held(p->one), 0);
    CHECK_U64(weft_account_held(p->two), charge);
    CHECK(p->bytes.at == at);

    p->shared = weft_bytes_keep(self, p->bytes);
    CHECK_OK(weft_bytes_move(&p->bytes, p->one)); /* somebody else holds it: a copy */
    CHECK(p->bytes.at != at);
    CHECK_MEM(p->bytes.at, p->bytes.size, p->shared.at, p->shared.size);
    CHECK_U64(weft_account_held(p->two), charge);
    weft_bytes_drop(&p->shared);
    CHECK_U64(weft_account_held(p->two), 0);

    CHECK_OK(weft_bytes_new(3000, &to, &p->shared));
    at = p->shared.at;
    CHECK_ERR(weft_bytes_move(&p->shared, p->one), WEFT_ELIMIT);
    CHECK(p->shared.at == at && p->shared.size == 3000);
    CHECK(weft_bytes_account(p->shared) == NULL);
    weft_bytes_drop(&p->shared);

    weft_bytes literal = WEFT_BYTES_LITERAL("free"), none = WEFT_NO_BYTES;
    CHECK_OK(weft_bytes_move(&literal, p->one));
    CHECK_OK(weft_bytes_move(&none, p->one));
    CHECK_MEM(literal.at, literal.size, "free", 4);
    return WEFT_OK;
}
static weft_err close_them(weft_actor *self, weft_msg *msg, void *with)
{
    paying *p = with;
    (void)self, (void)msg;
    weft_account_close(&p->one);
    weft_account_close(&p->two);
    CHECK(p->one == NULL && p->two == NULL);
    weft_account_close(&p->one);
    CHECK_U64(p->bytes.at[899], 'a'); /* stay valid */
    weft_bytes_drop(&p->bytes);       /* and free the account */
    return WEFT_OK;
}

static void bytes_move_between_accounts(void)
{
    paying p = {.err = WEFT_OK};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, move_them, &p);
    sim_do(a, close_them, &p);
    CHECK_U64(alive(0), 0);
}

static weft_err move_a_slice(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    uint8_t *to;
    weft_bytes b;
    weft_account *account = weft_account_new("slices", 1000);
    REQUIRE(account != NULL);
    CHECK_OK(weft_bytes_new(60000, &to, &b));
    memset(to, 'q', 60000);
    b = weft_bytes_slice(b, 100, 200);
    CHECK_OK(weft_bytes_move(&b, account)); /* two hundred bytes must not cost sixty thousand */
    CHECK_U64(b.size, 200);
    CHECK_U64(b.at[199], 'q');
    CHECK(weft_account_held(account) <= 512);
    CHECK_U64(alive(0), 1);
    weft_bytes_drop(&b);
    CHECK_U64(weft_account_held(account), 0);
    weft_account_close(&account);
    return WEFT_OK;
}

static void a_small_slice_that_is_moved_is_copied_out(void)
{
    sim_do(sim_puppet(NULL), move_a_slice, NULL);
}

static weft_err fill_account(weft_actor *self, weft_msg *msg, void *with)
{
    enum { N = 40 };
    weft_bytes b[N];
    unsigned n = 0;
    weft_account *account = weft_account_new("full", 10000);
    (void)self, (void)msg, (void)with;
    REQUIRE(account != NULL);
    for (; n < N; n++) {
        uint8_t *to;
        CHECK_OK(weft_bytes_new(900, &to, &b[n]));
        weft_err err = weft_bytes_move(&b[n], account);
        if (err == WEFT_OK)
            continue;
        CHECK_ERR(err, WEFT_ELIMIT);
        weft_bytes_drop(&b[n]);
        break;
    }
    CHECK(n >= 9 && n <= 11);
    CHECK(weft_account_held(account) <= 10000);
    while (n-- != 0)
        weft_bytes_drop(&b[n]);
    CHECK_U64(weft_account_held(account), 0);
    weft_account_close(&account);
    return WEFT_OK;
}

static void an_account_takes_no_more_than_its_limit(void)
{
    sim_do(sim_puppet(NULL), fill_account, NULL);
}

/* ---- sources: an account in the state of an actor, and bytes that go abroad */

typedef struct source {
    weft_account account;
    uint64_t more[4];
} source;
static unsigned lows;
static void low(weft_account *account)
{
    (void)account;
    lows++;
}
static const weft_account_ops source_ops = {
    .name = "source", .low = low, .state_offset = 1 + offsetof(source, account)};

typedef struct data {
    weft_bytes bytes;
} data;
static const weft_type data_type = WEFT_TYPE_BYTES("test.data", data, bytes, NULL);

static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}
static const weft_handler source_handlers[] = {{.type = &act_type, .fn = on_act}, {0}};
static const weft_behaviour source_behaviour = {.name = "source",
                                                .handlers = source_handlers,
                                                .state_bytes = sizeof(source),
                                                .account = 1 + offsetof(source, account)};
static const weft_behaviour become_behaviour = {.name = "source_too", .handlers = source_handlers};

static weft_err keep_data(weft_actor *self, weft_msg *msg)
{
    puppet_state *s = weft_state(self);
    weft_bytes_drop(&s->bytes);
    s->bytes = weft_bytes_keep(self, ((const data *)weft_body(msg))->bytes);
    return WEFT_OK;
}
static weft_err drop_data(weft_actor *self, weft_msg *msg)
{
    puppet_state *s = weft_state(self);
    (void)msg;
    CHECK(s->bytes.size == 0 || s->bytes.at[s->bytes.size - 1] == 'd');
    weft_bytes_drop(&s->bytes);
    return WEFT_OK;
}
static void drop_at_end(weft_actor *self, weft_err reason)
{
    puppet_state *s = weft_state(self);
    (void)reason;
    weft_bytes_drop(&s->bytes);
}
static const weft_handler sink_handlers[] = {
    {.type = &data_type, .fn = keep_data}, {.type = &num_type, .fn = drop_data}, {0}};
static const weft_behaviour sink = {.name = "sink",
                                    .handlers = sink_handlers,
                                    .state_bytes = sizeof(puppet_state),
                                    .ended = drop_at_end};

typedef struct giving {
    weft_ref to;
    size_t size;
    bool read, become;
    uint32_t held;
} giving;

static weft_err give(weft_actor *self, weft_msg *msg, void *with)
{
    const giving *g = with;
    source *s = weft_state(self);
    weft_bytes b;
    uint8_t *to;
    (void)msg;
    s->account.ops = &source_ops;
    s->account.max = 1 << 20;
    if (g->read) {
        uint8_t *block = weft_read_block();
        REQUIRE(block != NULL);
        memset(block, 'd', g->size);
        CHECK_OK(weft_read_bytes(g->size, &s->account, &b));
        /* what is large is not copied: the block itself went */
        CHECK_I64(b.at == block, g->size * 4 > WEFT_READ_BYTES_MAX);
    } else {
        CHECK_OK(weft_bytes_charged(g->size, &s->account, &to, &b));
        memset(to, 'd', g->size);
    }
    CHECK(weft_bytes_account(b) == &s->account);
    CHECK(weft_event(self, g->to, &data_type, &(data){b}) == WEFT_OK);
    if (g->become)
        CHECK_OK(weft_become(self, &become_behaviour));
    return WEFT_OK;
}
static weft_err stop_now(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static void check_source(unsigned there, giving g)
{
    sim_of(2);
    weft_ref from = weft_sim_spawn(sim, &source_behaviour, NULL);
    g.to = weft_system_spawn(weft_sim_system(sim), there, &sink, NULL);
    lows = 0;
    CHECK_OK(weft_sim_tell(sim, from, act, .fn = give, .with = &g));
    uint32_t held = sim_stats_of(from).held_bytes;
    CHECK(held >= g.size);
    CHECK_U64(lows, 0);
    CHECK_OK(weft_sim_tell(sim, g.to, num, .n = 1));
    CHECK_U64(sim_stats_of(from).held_bytes, 0);
    CHECK_U64(lows, 1);
}

static void what_a_source_gave_out_is_charged_until_the_last_holder_drops_it(void)
{
    for (unsigned there = 0; there < 2; there++) {
        check_source(there, (giving){.size = 1000});
        check_source(there, (giving){.size = 100000});
        check_source(there, (giving){.size = 500, .read = true});
        check_source(there, (giving){.size = WEFT_READ_BYTES_MAX, .read = true});
        check_source(there, (giving){.size = WEFT_READ_BYTES_MAX / 4, .read = true});
        check_source(there, (giving){.size = WEFT_READ_BYTES_MAX / 4 + 1, .read = true});
    }
}

/* Its memory waits for the bytes it gave out, and is given out again as what it was. */
static void check_source_ends_first(unsigned there, bool becomes)
{
    sim_of(2);
    weft_ref from = weft_sim_spawn(sim, &source_behaviour, NULL);
    giving g = {.to = weft_system_spawn(weft_sim_system(sim), there, &sink, NULL),
                .size = 3000,
                .become = becomes};
    CHECK_OK(weft_sim_tell(sim, from, act, .fn = give, .with = &g));
    CHECK_OK(weft_sim_tell(sim, from, act, .fn = stop_now));
    weft_actor_stats s;
    CHECK(!weft_stats_actor(weft_sim_system(sim), from, &s));
    /* others come and go meanwhile */
    for (int i = 0; i < 5; i++) {
        weft_ref other = weft_sim_spawn(sim, &source_behaviour, NULL);
        CHECK_OK(weft_sim_tell(sim, other, act, .fn = stop_now));
    }
    CHECK_OK(weft_sim_tell(sim, g.to, num, .n = 1));
    CHECK_U64(alive(0), 0);
    for (int i = 0; i < 5; i++)
        CHECK(!weft_ref_is_nobody(
            weft_sim_spawn(sim, i % 2 ? &source_behaviour : &become_behaviour, NULL)));
}

static void a_source_may_end_before_its_bytes(void)
{
    for (unsigned there = 0; there < 2; there++) {
        check_source_ends_first(there, false);
        check_source_ends_first(there, true);
    }
}

static weft_err event_to_nobody(weft_actor *self, weft_msg *msg, void *with)
{
    uint8_t *to;
    data d;
    (void)msg;
    CHECK_OK(weft_bytes_new(100, &to, &d.bytes));
    CHECK_ERR(weft_event(self, *(const weft_ref *)with, &data_type, &d), WEFT_EGONE);
    CHECK_U64(alive(0), 1); /* still ours */
    weft_bytes_drop(&d.bytes);
    return WEFT_OK;
}

static void a_refused_event_leaves_its_bytes_to_who_sent_it(void)
{
    weft_ref gone = sim_puppet(NULL);
    sim_do(gone, stop_now, NULL);
    sim_do(sim_puppet(NULL), event_to_nobody, &gone);
    CHECK_U64(alive(0), 0);
}

/* The last bytes go with an answer: what its source then says is said by nobody's message. */
static weft_err answer_last(weft_actor *self, weft_msg *msg)
{
    puppet_state *s = weft_state(self);
    data d = {s->bytes};
    weft_err err = weft_reply_body(msg, &data_type, &d);
    weft_bytes_drop(&s->bytes);
    return err;
}
static const weft_type want_type = {.name = "test.want", .size = 8};
static const weft_handler lending_handlers[] = {
    {.type = &data_type, .fn = keep_data}, {.type = &want_type, .fn = answer_last}, {0}};
static const weft_behaviour lending = {.name = "lending",
                                       .handlers = lending_handlers,
                                       .state_bytes = sizeof(puppet_state),
                                       .ended = drop_at_end};

static weft_ref low_tells;
static void say_low(weft_actor *self, void *context)
{
    (void)context;
    CHECK_OK(weft_tell(self, low_tells, num, .n = 3));
}
static void telling_low(weft_account *account)
{
    weft_actor *self = weft_actor_of_state((char *)account - (account->ops->state_offset - 1));
    lows++;
    weft_enter(self, say_low, NULL);
}
static void telling_low_plainly(weft_account *account)
{
    weft_actor *self = weft_actor_of_state((char *)account - (account->ops->state_offset - 1));
    lows++;
    CHECK_OK(weft_tell(self, low_tells, num, .n = 4));
}
static weft_account_ops telling_ops = {
    .name = "source", .low = telling_low, .state_offset = 1 + offsetof(source, account)};

static weft_err give_telling(weft_actor *self, weft_msg *msg, void *with)
{
    source *s = weft_state(self);
    CHECK_OK(give(self, msg, with));
    s->account.ops = &telling_ops;
    return WEFT_OK;
}
static weft_err on_want(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    CHECK_OK(got->err);
    return WEFT_OK; /* and nothing of it is kept */
}
static weft_err want_it(weft_actor *self, weft_msg *msg, void *with)
{
    return weft_when(msg, weft_ask_body(self, *(const weft_ref *)with, &want_type, &(num){1}, 0),
                     on_want);
}

static void bytes_that_end_with_an_answer_let_their_source_speak(void)
{
    for (int plainly = 0; plainly < 2; plainly++) {
        sim_of(1);
        record *rec = record_new();
        telling_ops.low = plainly ? telling_low_plainly : telling_low;
        low_tells = sim_puppet(rec);
        weft_ref from = weft_sim_spawn(sim, &source_behaviour, NULL);
        weft_ref lender = weft_sim_spawn(sim, &lending, NULL);
        giving g = {.to = lender, .size = 2000};
        lows = 0;
        CHECK_OK(weft_sim_tell(sim, from, act, .fn = give_telling, .with = &g));
        sim_do(sim_puppet(NULL), want_it, &lender);
        CHECK_U64(lows, 1);
        CHECK_U64(rec->n, 1);
    }
}

static const test_case cases[] = {
    TEST(fresh_bytes_die_with_the_message),
    TEST(a_slice_is_cut_to_what_there_is),
    TEST(buffers_of_any_size_are_given_back),
    TEST(a_small_slice_that_is_kept_is_copied_out),
    TEST(room_behind_bytes_is_for_their_only_holder),
    TEST(bytes_move_between_accounts),
    TEST(a_small_slice_that_is_moved_is_copied_out),
    TEST(an_account_takes_no_more_than_its_limit),
    TEST(what_a_source_gave_out_is_charged_until_the_last_holder_drops_it),
    TEST(a_source_may_end_before_its_bytes),
    TEST(a_refused_event_leaves_its_bytes_to_who_sent_it),
    TEST(bytes_that_end_with_an_answer_let_their_source_speak),
    {0},
};

const test_suite bytes_suite = {
    .name = "runtime/bytes", .before = sim_one, .after = sim_done, .cases = cases};
