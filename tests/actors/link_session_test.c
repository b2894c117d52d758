/* SPDX-License-Identifier: MIT */
/* Two sessions, and a wire that cuts what is between them anywhere: hellos, order, credit, chunks, pings,
 * goodbyes, and what a peer must not do. */
#include "check.h"
#include "random.h"

#include <stdlib.h>

#include "alloc.h"
#include "link_bytes.h"
#include "link_out.h"

enum { GOT_MAX = 8192 };

/* One end, and what it was called with. */
typedef struct side {
    link_session s;
    unsigned hellos, ups, records, atoms, credits;
    uint64_t got[GOT_MAX];
    uint64_t bytes, wrong;
    weft_err refuse;
} side;

static side *a, *b;
static uint32_t now_ms;
static weft_why why;

static weft_err on_hello(link_session *s, const link_hello *hello, link_bye *bye, weft_why *w)
{
    side *me = s->context;
    (void)hello, (void)bye;
    me->hellos++;
    return me->refuse == WEFT_OK ? WEFT_OK : weft_because(w, me->refuse, "not welcome");
}

static void on_up(link_session *s)
{
    ((side *)s->context)->ups++;
}

static void on_record(link_session *s, const link_record *r)
{
    side *me = s->context;
    if (me->records < GOT_MAX)
        me->got[me->records] = r->dst;
    me->records++;
    me->bytes += r->bytes;
    for (uint32_t i = 0; i < r->bytes; i++)
        me->wrong += r->payload[i] != (uint8_t)(r->dst + i);
}

static weft_err on_atom(link_session *s, const link_atom *atom, weft_why *w)
{
    (void)atom, (void)w;
    ((side *)s->context)->atoms++;
    return WEFT_OK;
}

static void on_credit(link_session *s)
{
    ((side *)s->context)->credits++;
}

static const link_session_ops ops = {
    .hello = on_hello, .up = on_up, .record = on_record, .atom = on_atom, .credit = on_credit};

static side *side_new(const char *name, bool dialed, const link_limits *limits)
{
    side *new = calloc(1, sizeof *new);
    link_hello me = {.life = 7, .attempt = 1};
    REQUIRE(new != NULL);
    (void)snprintf(me.node, sizeof me.node, "%s", name);
    wf_session_init(&new->s, &ops, new, limits, &me, dialed, now_ms);
    return new;
}

static void begin_with(const link_limits *limits)
{
    now_ms = 1000;
    a = side_new("a", true, limits);
    b = side_new("b", false, limits);
}

static void begin(void)
{
    begin_with(&(link_limits){.credit_bytes = 0});
}

static void done(void)
{
    for (side **one = &a; one != NULL; one = one == &a ? &b : NULL)
        if (*one != NULL) {
            wf_session_done(&(*one)->s);
            free(*one);
            *one = NULL;
        }
}

/* Carries what @from has to say to @to, in pieces of up to @piece bytes; who accepts has heard its hello by
 * other ears. */
static weft_err carry(side *from, side *to, size_t piece)
{
    const uint8_t *at;
    size_t n = wf_session_flush(&from->s, &at);
    uint8_t *copy = malloc(n + 1);
    weft_err err = WEFT_OK;
    size_t done_bytes = 0;
    REQUIRE(copy != NULL);
    if (n != 0)
        memcpy(copy, at, n);
    wf_session_flushed(&from->s);
    if (!to->s.dialed && to->s.state == LINK_FRESH && n != 0) {
        link_reader reader = {.bytes_max = LINK_HELLO_BYTES_MAX};
        const uint8_t *p = copy;
        size_t left = n;
        link_frame f;
        link_hello hello;
        REQUIRE(wf_link_read(&reader, &p, &left, &f, &why) == WEFT_OK);
        REQUIRE(wf_link_read_hello(&f, &hello, &why) == WEFT_OK);
        REQUIRE(wf_session_accept(&to->s, &hello) == WEFT_OK);
        wf_link_reader_done(&reader);
        done_bytes = n - left;
    }
    while (err == WEFT_OK && done_bytes < n) {
        size_t part = piece < n - done_bytes ? piece : n - done_bytes;
        err = wf_session_data(&to->s, copy + done_bytes, part, now_ms);
        done_bytes += part;
    }
    free(copy);
    return err;
}

static void settle(size_t piece)
{
    while (wf_session_waiting(&a->s) != 0 || wf_session_waiting(&b->s) != 0) {
        CHECK_OK(carry(a, b, piece));
        CHECK_OK(carry(b, a, piece));
    }
}

static void link_up(void)
{
    CHECK_OK(wf_session_greet(&a->s));
    settle(SIZE_MAX);
    CHECK(a->s.state == LINK_UP && b->s.state == LINK_UP);
}

/* A record for @dst of @n bytes of a pattern. */
static uint64_t send(side *from, link_op op, uint64_t dst, uint32_t n)
{
    link_record r = {
        .op = op, .type = 1, .dst = dst, .req = op == LINK_OP_TELL ? 0 : 1, .bytes = n};
    uint8_t *payload;
    uint64_t seq = 0;
    if (op == LINK_OP_REPLY)
        r.src = 1;
    REQUIRE(wf_session_record(&from->s, &r, &payload, &seq) == WEFT_OK);
    for (uint32_t i = 0; i < n; i++)
        payload[i] = (uint8_t)(dst + i);
    return seq;
}

/* ---- up and down */

static void two_sessions_say_hello_and_are_up(void)
{
    begin();
    CHECK_OK(wf_session_greet(&a->s));
    CHECK_OK(carry(a, b, SIZE_MAX));
    CHECK(b->s.state == LINK_GREETED && b->ups == 0);
    CHECK_STR(b->s.peer.node, "a");
    CHECK_OK(carry(b, a, SIZE_MAX));
    CHECK(a->s.state == LINK_UP && a->hellos == 1 && a->ups == 1);
    CHECK_STR(a->s.peer.node, "b");
    CHECK(b->ups == 0); /* a hello alone may be of a peer that has died since */
    CHECK_OK(carry(a, b, SIZE_MAX));
    CHECK(b->s.state == LINK_UP && b->ups == 1);
}

static void a_hello_that_is_not_welcome_is_answered_with_a_goodbye(void)
{
    begin();
    a->refuse = WEFT_EDENIED;
    CHECK_OK(wf_session_greet(&a->s));
    CHECK_OK(carry(a, b, SIZE_MAX));
    CHECK_ERR(carry(b, a, SIZE_MAX), WEFT_EDENIED);
    CHECK_STR(a->s.why.text, "not welcome");
    CHECK_ERR(carry(a, b, SIZE_MAX), WEFT_EREFUSED);
    CHECK(b->s.bye == LINK_BYE_REFUSED && b->ups == 0);
    CHECK_STR(b->s.why.text, "not welcome");
}

static void who_leaves_says_so(void)
{
    begin();
    link_up();
    wf_session_leave(&a->s, LINK_BYE_DONE, "it leaves");
    CHECK(a->s.state == LINK_LEAVING);
    CHECK_ERR(carry(a, b, 1), WEFT_EDONE);
    CHECK(b->s.bye == LINK_BYE_DONE);
    CHECK_STR(b->s.why.text, "it leaves");
    CHECK_ERR(wf_session_data(&b->s, (const uint8_t *)"more", 4, now_ms), WEFT_EDONE);
}

/* ---- records */

static void records_come_once_and_in_order_however_they_are_cut(void)
{
    test_random random = {3};
    for (size_t piece = 1; piece < 100000; piece = piece * 7 + 1) {
        begin();
        link_up();
        for (uint64_t i = 1; i <= 1000; i++)
            (void)send(a, LINK_OP_TELL, i, (uint32_t)test_below(&random, 300));
        settle(piece);
        CHECK_U64(b->records, 1000);
        CHECK_U64(b->wrong, 0);
        for (uint64_t i = 0; i < 1000; i++)
            CHECK_U64(b->got[i], i + 1);
        done();
    }
}

static void records_share_frames_up_to_their_target(void)
{
    begin();
    link_up();
    uint64_t before = a->s.seq_out;
    for (uint64_t i = 1; i <= 1000; i++)
        (void)send(a, LINK_OP_TELL, i, 8);
    CHECK_U64(a->s.seq_out - before, 1);
    for (uint64_t i = 0; i < 1000; i++)
        (void)send(a, LINK_OP_TELL, 1 + i, 64);
    CHECK_U64(a->s.seq_out - before,
              (1000 * 40 + 1000 * 96 + LINK_FRAME_TARGET - 1) / LINK_FRAME_TARGET);
    settle(SIZE_MAX);
    CHECK_U64(b->records, 2000);
}

/* ---- credit */

static void credit_is_taken_by_tells_and_asks_and_comes_back_in_eighths(void)
{
    begin_with(&(link_limits){.credit_bytes = 8000});
    link_up();
    CHECK_I64(a->s.credit, 8000);
    (void)send(a, LINK_OP_TELL, 1, 8);
    (void)send(a, LINK_OP_ASK, 2, 8);
    CHECK_I64(a->s.credit, 8000 - 80);
    (void)send(a, LINK_OP_REPLY, 3, 8);
    CHECK_I64(a->s.credit, 8000 - 80);
    settle(SIZE_MAX);
    CHECK_I64(a->s.credit, 8000 - 80); /* less than an eighth */
    for (unsigned i = 0; i < 24; i++)
        (void)send(a, LINK_OP_TELL, 1, 8);
    settle(SIZE_MAX);
    CHECK_I64(a->s.credit, 8000);
    CHECK_U64(b->s.owed, 0);
    CHECK(a->credits > 0);
}

static void who_sends_beyond_its_credit_is_told_so(void)
{
    begin_with(&(link_limits){.credit_bytes = 1000, .message_bytes_max = 1000});
    link_up();
    b->s.limits.credit_bytes = 100000000; /* nothing is given back */
    for (unsigned i = 0; i < 60; i++)
        (void)send(a, LINK_OP_TELL, 1, 8);
    b->s.limits.message_bytes_max = 0;
    b->s.limits.credit_bytes = 1000;
    CHECK_ERR(carry(a, b, SIZE_MAX), WEFT_EPROTO);
    CHECK(strstr(b->s.why.text, "expected no more than the credit of 1000") != NULL);
    CHECK_ERR(carry(b, a, SIZE_MAX), WEFT_EPROTO);
    CHECK(a->s.bye == LINK_BYE_PROTOCOL);
}

static void credit_that_was_not_taken_cannot_come_back(void)
{
    begin();
    link_up();
    CHECK_OK(wf_out_pair(&b->s, LINK_CREDIT, 1));
    CHECK_ERR(carry(b, a, SIZE_MAX), WEFT_EPROTO);
    CHECK_STR(a->s.why.text, "more credit came back than was taken");
}

static void what_was_consumed_is_acknowledged(void)
{
    begin();
    link_up();
    uint64_t seq = send(a, LINK_OP_ASK, 1, 8);
    settle(SIZE_MAX);
    CHECK(a->s.acknowledged < seq);
    now_ms += LINK_PING_MS;
    uint32_t next;
    CHECK_OK(wf_session_tick(&a->s, now_ms, &next));
    settle(SIZE_MAX);
    CHECK(a->s.acknowledged >= seq);
    CHECK_OK(wf_out_frame(&b->s, LINK_PING, (const uint8_t[16]){[8] = 200}, 16));
    CHECK_ERR(carry(b, a, SIZE_MAX), WEFT_EPROTO); /* frame 200 of some ten */
}

/* ---- chunks */

/* A record of @n bytes, whole in memory. */
static uint8_t *whole(link_op op, uint64_t dst, uint32_t n, uint32_t *total)
{
    link_record r = {.op = op, .type = 1, .dst = dst, .bytes = n};
    if (op == LINK_OP_REPLY)
        r.req = 1;
    *total = (uint32_t)wf_link_record_bytes(&r);
    uint8_t *bytes = calloc(1, *total);
    REQUIRE(bytes != NULL);
    size_t head = wf_link_write_record_head(bytes, &r);
    for (uint32_t i = 0; i < n; i++)
        bytes[head + i] = (uint8_t)(dst + i);
    return bytes;
}

static void long_records_come_whole_with_short_ones_between_their_chunks(void)
{
    begin();
    link_up();
    uint32_t total[2], offset[2] = {0, 0};
    uint8_t *bytes[2] = {whole(LINK_OP_TELL, 71, 300000, &total[0]),
                         whole(LINK_OP_REPLY, 72, 200001, &total[1])};
    uint64_t seq;
    unsigned between = 0;
    while (offset[0] < total[0] || offset[1] < total[1]) {
        for (uint32_t i = 0; i < 2; i++)
            if (offset[i] < total[i])
                CHECK_OK(
                    wf_session_chunk(&a->s, i + 1, bytes[i], total[i], &offset[i], i == 0, &seq));
        (void)send(a, LINK_OP_TELL, 5, 8);
        between++;
        settle(1000);
    }
    CHECK_U64(b->records, between + 2);
    CHECK_U64(b->got[0], 5); /* before either long one was whole */
    CHECK_U64(b->wrong, 0);
    CHECK_U64(b->bytes, 300000 + 200001 + 8ULL * between);
    CHECK_U64(b->s.partial_bytes, 0);
    CHECK_I64(a->s.credit + (int64_t)b->s.owed, LINK_CREDIT_BYTES);
    free(bytes[0]);
    free(bytes[1]);
}

static void chunks_that_cannot_be_are_refused(void)
{
    static const struct {
        uint32_t id, total, offset, bytes;
        const char *why;
    } rows[] = {
        {0, 100, 0, 100, "a chunk without a number"},
        {1, 100, 40, 60, "a chunk of 60 bytes at 40 of nothing"},
        {1, 100, 0, 8, "a chunk of 8 bytes at 0 of nothing"},
        {1, LINK_MESSAGE_BYTES_MAX + 1, 0, 100,
         "a record of 16777217 bytes; expected 16777216 at most"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t body[LINK_CHUNK_HEAD_BYTES + 100] = {0};
        begin();
        link_up();
        wf_link_write_chunk_head(body, &(link_chunk){.id = rows[i].id,
                                                     .total = rows[i].total,
                                                     .offset = rows[i].offset,
                                                     .bytes = rows[i].bytes});
        CHECK_OK(wf_out_frame(&a->s, LINK_CHUNK, body, LINK_CHUNK_HEAD_BYTES + rows[i].bytes));
        CHECK_ERR(carry(a, b, SIZE_MAX), WEFT_EPROTO);
        CHECK_STR(b->s.why.text, rows[i].why);
        done();
    }
}

static void what_may_come_in_chunks_at_once_is_limited(void)
{
    begin();
    link_up();
    weft_err err = WEFT_OK;
    uint32_t begun = 0;
    for (uint32_t id = 1; err == WEFT_OK && id < 100; id++) {
        uint8_t body[LINK_CHUNK_HEAD_BYTES + 40] = {0};
        wf_link_write_chunk_head(
            body, &(link_chunk){.id = id, .total = LINK_MESSAGE_BYTES_MAX, .bytes = 40});
        CHECK_OK(wf_out_frame(&a->s, LINK_CHUNK, body, sizeof body));
        err = carry(a, b, SIZE_MAX);
        begun += err == WEFT_OK;
    }
    CHECK_ERR(err, WEFT_EPROTO);
    CHECK_U64(begun, LINK_PARTIAL_BYTES_MAX / LINK_MESSAGE_BYTES_MAX);
    CHECK_STR(b->s.why.text, "more than 64 records or 67108864 bytes in chunks");
}

/* ---- what else must not be */

static void a_gap_or_a_repeat_in_the_frames_ends_it(void)
{
    static const int steps[] = {-1, 1, 100};
    for (size_t i = 0; i < 3; i++) {
        begin();
        link_up();
        a->s.seq_out = (uint64_t)((int64_t)a->s.seq_out + steps[i]);
        CHECK_OK(wf_out_pair(&a->s, LINK_PING, 0));
        CHECK_ERR(carry(a, b, SIZE_MAX), WEFT_EPROTO);
        CHECK(strstr(b->s.why.text, "came; expected") != NULL);
        done();
    }
}

/* The head of a frame of @bytes alone. */
static weft_err say_head(side *to, link_kind kind, uint64_t seq, uint32_t bytes)
{
    uint8_t head[LINK_HEAD_BYTES];
    wf_link_write_head(head, kind, seq, bytes);
    return wf_session_data(&to->s, head, sizeof head, now_ms);
}

static void what_a_frame_may_have_is_little_before_the_hello_and_limited_behind_it(void)
{
    for (unsigned dialed = 0; dialed < 2; dialed++)
        for (uint32_t more = 0; more < 2; more++) {
            begin();
            side *one = dialed != 0 ? a : b;
            if (dialed != 0)
                CHECK_OK(wf_session_greet(&a->s));
            weft_err err = say_head(one, LINK_HELLO, 1, LINK_HELLO_BYTES_MAX + more);
            CHECK_ERR(err, more != 0 ? WEFT_ETOOBIG : WEFT_OK);
            CHECK_STR(one->s.why.text,
                      more != 0 ? "a hello frame of 4097 bytes; expected 4096 at most" : "");
            done();
            begin();
            link_up();
            one = dialed != 0 ? a : b;
            err = say_head(one, LINK_MAIL, one->s.seq_in + 1, LINK_FRAME_BYTES_MAX + more);
            CHECK_ERR(err, more != 0 ? WEFT_ETOOBIG : WEFT_OK);
            CHECK_STR(one->s.why.text,
                      more != 0 ? "a mail frame of 262145 bytes; expected 262144 at most" : "");
            done();
        }
}

static void a_second_hello_and_a_number_too_high_end_it(void)
{
    uint8_t body[LINK_HELLO_BYTES_MAX];
    begin();
    link_up();
    CHECK_OK(wf_out_frame(&a->s, LINK_HELLO, body, wf_link_write_hello(body, &a->s.mine)));
    CHECK_ERR(carry(a, b, SIZE_MAX), WEFT_EPROTO);
    CHECK_STR(b->s.why.text, "a second hello");
    done();
    begin();
    link_up();
    CHECK_OK(wf_session_atom(&a->s, &(link_atom){LINK_ATOM_TYPE, LINK_ATOMS_MAX, 1, "x"}));
    CHECK_OK(carry(a, b, SIZE_MAX));
    CHECK_OK(wf_session_atom(&a->s, &(link_atom){LINK_ATOM_TYPE, LINK_ATOMS_MAX + 1, 1, "x"}));
    CHECK_ERR(carry(a, b, SIZE_MAX), WEFT_EPROTO);
}

static void hellos_of_other_versions_and_without_names_are_refused(void)
{
    static const struct {
        link_hello hello;
        weft_err err;
    } rows[] = {
        {{.node = "a", .life = 1, .frame_bytes_max = LINK_FRAME_TARGET, .credit_bytes = 1},
         WEFT_OK},
        {{.node = "", .life = 1, .frame_bytes_max = LINK_FRAME_TARGET, .credit_bytes = 1},
         WEFT_EPROTO},
        {{.node = "a b", .life = 1, .frame_bytes_max = LINK_FRAME_TARGET, .credit_bytes = 1},
         WEFT_EPROTO},
        {{.node = "a",
          .cluster = "\x01",
          .life = 1,
          .frame_bytes_max = LINK_FRAME_TARGET,
          .credit_bytes = 1},
         WEFT_EPROTO},
        {{.node = "a", .life = 1, .frame_bytes_max = 100, .credit_bytes = 1}, WEFT_EPROTO},
        {{.node = "a", .life = 1, .frame_bytes_max = LINK_FRAME_TARGET}, WEFT_EPROTO},
    };
    uint8_t body[LINK_HELLO_BYTES_MAX];
    link_frame f = {.kind = LINK_HELLO, .seq = 1, .body = body};
    link_hello got;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        f.bytes = (uint32_t)wf_link_write_hello(body, &rows[i].hello);
        CHECK_ERR(wf_link_read_hello(&f, &got, &why), rows[i].err);
    }
    f.bytes = (uint32_t)wf_link_write_hello(body, &rows[0].hello);
    body[1] = LINK_VERSION + 1; /* the first field */
    CHECK_ERR(wf_link_read_hello(&f, &got, &why), WEFT_EUNSUPPORTED);
    CHECK_STR(why.text, "the peer speaks version 2; expected 1");
    body[1] = LINK_VERSION;
    f.kind = LINK_MAIL;
    CHECK_ERR(wf_link_read_hello(&f, &got, &why), WEFT_EPROTO);
}

/* Who only asks belongs to a gate: a link that meets one says goodbye. */
static void a_visitors_hello_says_nothing_and_is_refused_by_a_session(void)
{
    static const link_hello hello = {
        .node = "b \x01", .cluster = "c", .frame_bytes_max = 1, .features = 7};
    uint8_t body[LINK_HELLO_BYTES_MAX];
    link_frame f = {.kind = LINK_HELLO, .seq = 1, .body = body};
    link_hello got;
    f.bytes = (uint32_t)wf_link_write_hello(body, &hello);
    CHECK_OK(wf_link_read_hello(&f, &got, &why));
    CHECK_U64(got.life, 0);
    CHECK_U64(got.features, 0);
    CHECK_STR(got.node, "");
    CHECK_STR(got.cluster, "");
    for (int dials = 0; dials < 2; dials++) {
        const uint8_t *at;
        begin();
        side *from = dials != 0 ? b : a, *to = dials != 0 ? a : b;
        if (dials != 0)
            CHECK_OK(wf_session_greet(&to->s));
        CHECK_OK(wf_out_frame(&from->s, LINK_HELLO, body, f.bytes));
        size_t n = wf_session_flush(&from->s, &at);
        CHECK_ERR(wf_session_data(&to->s, at, n, now_ms), WEFT_EPROTO);
        CHECK_STR(to->s.why.text, "a visitor says hello; expected a node");
        CHECK_U64(to->s.state, LINK_OVER);
        done();
    }
}

/* ---- time */

static void silence_is_asked_about_and_then_is_a_loss(void)
{
    begin();
    link_up();
    uint32_t next;
    CHECK_OK(wf_session_tick(&a->s, now_ms, &next));
    CHECK_U64(next, LINK_PING_MS);
    for (unsigned i = 1; i <= 3; i++) {
        now_ms += LINK_PING_MS;
        CHECK_OK(wf_session_tick(&a->s, now_ms, &next));
        CHECK(wf_session_waiting(&a->s) != 0);
        wf_session_flushed(&a->s); /* it gets lost */
    }
    now_ms += LINK_PING_MS;
    CHECK_ERR(wf_session_tick(&a->s, now_ms, &next), WEFT_ETIMEDOUT);
    CHECK_STR(a->s.why.text, "nothing came for 4000 ms");
}

static void a_ping_is_answered_and_measures_the_way(void)
{
    begin();
    link_up();
    uint32_t next;
    now_ms += LINK_PING_MS;
    CHECK_OK(wf_session_tick(&a->s, now_ms, &next));
    CHECK_OK(carry(a, b, SIZE_MAX));
    now_ms += 37;
    CHECK_OK(carry(b, a, SIZE_MAX));
    CHECK_U64(a->s.round_trip_ms, 37);
}

static void a_hello_that_does_not_come_is_a_loss(void)
{
    begin();
    uint32_t next;
    CHECK_OK(wf_session_greet(&a->s));
    CHECK_OK(wf_session_tick(&a->s, now_ms, &next));
    CHECK_U64(next, LINK_HELLO_MS);
    now_ms += LINK_HELLO_MS;
    CHECK_ERR(wf_session_tick(&a->s, now_ms, &next), WEFT_ETIMEDOUT);
    CHECK_STR(a->s.why.text, "no hello came within 5000 ms");
}

/* ---- memory */

static void memory_that_is_out_at_any_place_ends_the_session_and_leaks_nothing(void)
{
    for (long fail = 0; fail < 12; fail++) {
        begin();
        link_up();
        uint32_t total, offset = 0;
        uint64_t seq;
        uint8_t *bytes = whole(LINK_OP_TELL, 9, 100000, &total);
        while (offset < total)
            REQUIRE(wf_session_chunk(&a->s, 1, bytes, total, &offset, true, &seq) == WEFT_OK);
        (void)send(a, LINK_OP_TELL, 1, 8);
        wf_alloc_fail_after(fail);
        weft_err err = carry(a, b, 777);
        wf_alloc_fail_after(-1);
        CHECK(err == WEFT_OK || err == WEFT_ENOMEM);
        CHECK(err == WEFT_OK || b->s.state == LINK_OVER);
        free(bytes);
        done();
    }
}

static const test_case cases[] = {
    TEST(two_sessions_say_hello_and_are_up),
    TEST(a_hello_that_is_not_welcome_is_answered_with_a_goodbye),
    TEST(who_leaves_says_so),
    TEST(records_come_once_and_in_order_however_they_are_cut),
    TEST(records_share_frames_up_to_their_target),
    TEST(credit_is_taken_by_tells_and_asks_and_comes_back_in_eighths),
    TEST(who_sends_beyond_its_credit_is_told_so),
    TEST(credit_that_was_not_taken_cannot_come_back),
    TEST(what_was_consumed_is_acknowledged),
    TEST(long_records_come_whole_with_short_ones_between_their_chunks),
    TEST(chunks_that_cannot_be_are_refused),
    TEST(what_may_come_in_chunks_at_once_is_limited),
    TEST(a_gap_or_a_repeat_in_the_frames_ends_it),
    TEST(what_a_frame_may_have_is_little_before_the_hello_and_limited_behind_it),
    TEST(a_second_hello_and_a_number_too_high_end_it),
    TEST(hellos_of_other_versions_and_without_names_are_refused),
    TEST(a_visitors_hello_says_nothing_and_is_refused_by_a_session),
    TEST(silence_is_asked_about_and_then_is_a_loss),
    TEST(a_ping_is_answered_and_measures_the_way),
    TEST(a_hello_that_does_not_come_is_a_loss),
    TEST(memory_that_is_out_at_any_place_ends_the_session_and_leaks_nothing),
    {0},
};
const test_suite link_session_suite = {
    .name = "actors/link_session", .after = done, .cases = cases};
