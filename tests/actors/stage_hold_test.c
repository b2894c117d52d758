/* SPDX-License-Identifier: MIT */
/* Stages that hold `opened` back: what is told when, and what ends a stream that never opens. */
#include <string.h>

#include <weft/leaf.h>
#include <weft/stage.h>
#include <weft/testing.h>

#include "check.h"

/* ---- a wire that gives what the test says: pieces in order; then nothing, or its end */

typedef struct wire {
    const char *piece[4];
    unsigned next;
    bool ends;
    bool closed, aborted;
    char sent[64];
    size_t sent_bytes;
} wire;

static weft_err wire_read(weft_leaf *leaf, weft_bytes *out, weft_why *why)
{
    wire *w = weft_leaf_context(leaf);
    uint8_t *to;
    (void)why;
    const char *text = w->next < 4 ? w->piece[w->next] : NULL;
    if (text == NULL)
        return w->ends ? WEFT_EDONE : WEFT_EFULL;
    w->next++;
    weft_err err = weft_bytes_charged(strlen(text), weft_leaf_window(leaf), &to, out);
    for (size_t i = 0; err == WEFT_OK && text[i] != '\0'; i++)
        to[i] = (uint8_t)text[i];
    return err;
}

static weft_err wire_write(weft_leaf *leaf, const weft_leaf_item *items, unsigned n, size_t *sent,
                           weft_why *why)
{
    wire *w = weft_leaf_context(leaf);
    (void)why;
    for (unsigned i = 0; i < n; i++) {
        CHECK(w->sent_bytes + items[i].bytes.size < sizeof w->sent);
        memcpy(w->sent + w->sent_bytes, items[i].bytes.at, items[i].bytes.size);
        w->sent_bytes += items[i].bytes.size;
        *sent += items[i].bytes.size;
    }
    return WEFT_OK;
}

static void wire_want(weft_leaf *leaf, unsigned events)
{
    (void)leaf, (void)events;
}

static void wire_end(weft_leaf *leaf)
{
    (void)leaf;
}

static void wire_close(weft_leaf *leaf, bool abort)
{
    wire *w = weft_leaf_context(leaf);
    w->closed = true;
    w->aborted = abort;
}

static void wire_addresses(weft_leaf *leaf, weft_address *local, weft_address *peer)
{
    (void)leaf, (void)local;
    peer->family = WEFT_FAMILY_UNIX;
}

static weft_err wire_nodelay(weft_leaf *leaf, bool on)
{
    (void)leaf, (void)on;
    return WEFT_EUNSUPPORTED;
}

static const weft_leaf_ops wire_ops = {
    .name = "scripted",
    .read = wire_read,
    .write = wire_write,
    .want = wire_want,
    .end = wire_end,
    .close = wire_close,
    .addresses = wire_addresses,
    .nodelay = wire_nodelay,
};

/* ---- what a test says, and sees */

static struct {
    wire wire;
    unsigned gates;
    bool memory_fails;
    bool leaves;       /* the stage does, once it is open */
    const char *write; /* before it is open */
    char log[64];
    char got[64];
    uint16_t port;
    weft_err reason;
    char why[96];
    weft_leaf *leaf;
    weft_ref stream;
} seen;

/* ---- a stage that holds until a '.' came, and passes on what stands behind it */

typedef struct gate {
    bool open;
} gate;

static weft_stage *latest;
static unsigned gates_open;

static weft_err gate_open(weft_stage *stage, const void *config, weft_why *why)
{
    (void)config, (void)why;
    latest = stage;
    gates_open++;
    return WEFT_OK;
}

static weft_err gate_up(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    gate *g = weft_stage_state(stage);
    (void)why;
    const uint8_t *dot = g->open ? NULL : memchr(in.at, '.', in.size);
    size_t skip = dot != NULL ? (size_t)(dot - in.at) + 1 : 0;
    if (dot != NULL) {
        g->open = true;
        weft_stage_ready(stage);
        if (seen.leaves)
            weft_stage_leave(stage);
    }
    if (g->open && in.size > skip) {
        out->kind = WEFT_PIECE_BYTES;
        out->bytes = weft_bytes_share(weft_bytes_slice(in, skip, SIZE_MAX));
        skip = in.size;
    }
    weft_stage_take(stage, skip);
    return WEFT_OK;
}

static weft_err gate_down(weft_stage *stage, weft_bytes bytes, weft_why *why)
{
    const gate *g = weft_stage_state(stage);
    (void)why;
    return g->open ? weft_stage_send(stage, bytes) : WEFT_EFULL;
}

static void gate_about(const weft_stage *stage, weft_address *local, weft_address *peer)
{
    (void)stage, (void)peer;
    local->port = 7;
}

static void gate_close(weft_stage *stage)
{
    gates_open--;
    if (latest == stage)
        latest = NULL;
}

static const weft_stage_ops gate_ops = {
    .name = "gate",
    .state_bytes = sizeof(gate),
    .open = gate_open,
    .up = gate_up,
    .down = gate_down,
    .close = gate_close,
    .holds = true,
    .about = gate_about,
};

/* ---- the owner */

typedef struct poke {
    uint32_t what; /* 0: bytes may be read; 1: stop; 2: close */
} poke;
static const weft_type poke_type = WEFT_TYPE("test.poke", poke, NULL);

static void note(char c)
{
    size_t n = strlen(seen.log);
    if (n + 1 < sizeof seen.log)
        seen.log[n] = c;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    weft_why why = {""};
    (void)msg;
    seen.leaf = weft_leaf_new(self, &wire_ops, &seen.wire, weft_self(self), &seen.stream);
    if (seen.leaf == NULL)
        return weft_stop(self, WEFT_ENOMEM);
    for (unsigned i = 0; i < seen.gates; i++) {
        weft_err err = weft_push(self, seen.stream, &gate_ops, NULL, WEFT_STAGE_TOP, &why);
        if (err != WEFT_OK) {
            CHECK(seen.memory_fails && err == WEFT_ENOMEM);
            return weft_stop(self, err);
        }
    }
    weft_leaf_begin(seen.leaf);
    if (seen.write != NULL)
        CHECK_OK(weft_write_text(self, seen.stream, "%s", seen.write));
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const weft_opened *opened = weft_body(msg);
    (void)self;
    note('o');
    seen.port = opened->local.port;
    CHECK(opened->peer.family == WEFT_FAMILY_UNIX);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    weft_bytes b = ((const weft_data *)weft_body(msg))->bytes;
    size_t n = strlen(seen.got);
    (void)self;
    note('d');
    if (n + b.size < sizeof seen.got)
        memcpy(seen.got + n, b.at, b.size);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    note('e');
    return weft_close(self, weft_sender(msg));
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    (void)self;
    note('c');
    seen.reason = closed->reason;
    memcpy(seen.why, closed->why, sizeof seen.why);
    return WEFT_OK;
}

static weft_err on_poke(weft_actor *self, weft_msg *msg)
{
    switch (((const poke *)weft_body(msg))->what) {
    case 0:
        weft_leaf_ready(seen.leaf, WEFT_READABLE);
        return WEFT_OK;
    case 1:
        return weft_stop(self, WEFT_OK);
    default:
        return weft_close(self, seen.stream);
    }
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &poke_type, .fn = on_poke},
    {0},
};
static const weft_behaviour owner = {.name = "owner", .handlers = handlers};

static weft_sim *sim;
static weft_ref who;

static void begin(unsigned gates)
{
    seen.gates = gates;
    seen.reason = WEFT_OK;
    sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    who = weft_sim_spawn(sim, &owner, NULL);
    CHECK(weft_sim_run(sim));
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    CHECK(latest == NULL);
    CHECK(seen.wire.closed);
    memset(&seen, 0, sizeof seen);
}

static void tell(uint32_t what)
{
    CHECK_OK(weft_sim_tell(sim, who, poke, .what = what));
    CHECK(weft_sim_run(sim));
}

static void opened_waits_for_the_stage_and_comes_before_the_bytes_behind_it(void)
{
    seen.wire.piece[0] = "he";
    seen.wire.piece[1] = "ad.body";
    seen.wire.piece[2] = " more";
    begin(1);
    tell(0);
    CHECK_STR(seen.log, "");
    tell(0);
    CHECK_STR(seen.log, "od");
    CHECK_STR(seen.got, "body");
    CHECK_U64(seen.port, 7);
    tell(0);
    CHECK_STR(seen.got, "body more");
    finish();
}

static void one_that_leaves_is_gone_when_nothing_stands_in_it(void)
{
    seen.leaves = true;
    seen.wire.piece[0] = "head.bo";
    seen.wire.piece[1] = "dy.bo";
    seen.wire.piece[2] = " more";
    seen.write = "hello";
    begin(2);
    tell(0);
    CHECK(latest != NULL); /* the upper one waits for its own dot */
    tell(0);
    CHECK_STR(seen.got, "bo");
    CHECK(latest == NULL && gates_open == 0);
    CHECK_STR(seen.wire.sent, "hello");
    tell(0);
    CHECK_STR(seen.got, "bo more");
    tell(2);
    CHECK_ERR(seen.reason, WEFT_EDONE);
    finish();
}

static void it_waits_for_every_stage(void)
{
    seen.wire.piece[0] = "a.";
    seen.wire.piece[1] = "b.c";
    begin(2);
    tell(0);
    CHECK_STR(seen.log, "");
    tell(0);
    CHECK_STR(seen.log, "od");
    CHECK_STR(seen.got, "c");
    finish();
}

static void what_was_written_before_leaves_behind_it(void)
{
    seen.wire.piece[0] = ".";
    seen.write = "hello";
    begin(1);
    CHECK_STR(seen.wire.sent, "");
    tell(0);
    CHECK_STR(seen.log, "o");
    CHECK_STR(seen.wire.sent, "hello");
    finish();
}

static void an_end_behind_the_header_is_told_after_opened(void)
{
    seen.wire.piece[0] = ".x";
    seen.wire.ends = true;
    begin(1);
    tell(0);
    tell(0);
    CHECK_STR(seen.log, "odec");
    CHECK_ERR(seen.reason, WEFT_EDONE);
    finish();
}

static void a_peer_that_ends_first_closes_it_with_a_reason(void)
{
    seen.wire.piece[0] = "head";
    seen.wire.ends = true;
    begin(1);
    tell(0);
    tell(0);
    CHECK_STR(seen.log, "c");
    CHECK_ERR(seen.reason, WEFT_ELOST);
    CHECK(strstr(seen.why, "before the stream was open") != NULL);
    finish();
}

static void a_peer_that_says_nothing_is_given_up_in_time(void)
{
    begin(1);
    weft_sim_advance(sim, WEFT_HANDSHAKE_MS - 1);
    CHECK_STR(seen.log, "");
    weft_sim_advance(sim, 2);
    CHECK_STR(seen.log, "c");
    CHECK_ERR(seen.reason, WEFT_ETIMEDOUT);
    CHECK(seen.wire.aborted);
    finish();
}

static void one_that_has_opened_in_time_stays(void)
{
    seen.wire.piece[0] = ".";
    begin(1);
    tell(0);
    weft_sim_advance(sim, 2 * WEFT_HANDSHAKE_MS);
    CHECK_STR(seen.log, "o");
    finish();
}

static void a_stage_may_be_ready_or_fail_from_outside(void)
{
    begin(1);
    ((gate *)weft_stage_state(latest))->open = true;
    weft_stage_ready(latest);
    CHECK(weft_sim_run(sim));
    CHECK_STR(seen.log, "o");
    weft_stage_fail(latest, WEFT_ELIMIT, "enough");
    CHECK(weft_sim_run(sim));
    CHECK_STR(seen.log, "oc");
    CHECK_ERR(seen.reason, WEFT_ELIMIT);
    CHECK_STR(seen.why, "enough");
    finish();
}

static void an_owner_that_leaves_before_closes_it(void)
{
    begin(1);
    tell(1);
    CHECK(seen.wire.closed && seen.wire.aborted);
    finish();
}

static void a_close_before_it_is_open_is_in_order(void)
{
    begin(1);
    tell(2);
    CHECK_STR(seen.log, "c");
    CHECK_ERR(seen.reason, WEFT_EDONE);
    finish();
}

static void memory_that_is_out_anywhere_closes_it_and_leaks_nothing(void)
{
    for (uint64_t n = 1;; n++) {
        sim = weft_sim_new(&(weft_sim_options){.seed = 1});
        seen.gates = 2;
        seen.memory_fails = true;
        seen.wire.piece[0] = "a.";
        seen.wire.piece[1] = "b.c";
        weft_sim_fail_allocation(sim, n);
        who = weft_sim_spawn(sim, &owner, NULL);
        (void)weft_sim_run(sim);
        for (int i = 0; i < 2 && !weft_ref_is_nobody(who); i++) {
            (void)weft_sim_tell(sim, who, poke, .what = 0);
            (void)weft_sim_run(sim);
        }
        bool met = weft_sim_allocation_failed(sim);
        CHECK(!met || seen.reason == WEFT_OK || seen.reason == WEFT_ENOMEM);
        CHECK_U64(weft_sim_free(&sim), 0);
        memset(&seen, 0, sizeof seen);
        if (!met)
            break;
    }
}

static const test_case cases[] = {
    TEST(opened_waits_for_the_stage_and_comes_before_the_bytes_behind_it),
    TEST(one_that_leaves_is_gone_when_nothing_stands_in_it),
    TEST(it_waits_for_every_stage),
    TEST(what_was_written_before_leaves_behind_it),
    TEST(an_end_behind_the_header_is_told_after_opened),
    TEST(a_peer_that_ends_first_closes_it_with_a_reason),
    TEST(a_peer_that_says_nothing_is_given_up_in_time),
    TEST(one_that_has_opened_in_time_stays),
    TEST(a_stage_may_be_ready_or_fail_from_outside),
    TEST(an_owner_that_leaves_before_closes_it),
    TEST(a_close_before_it_is_open_is_in_order),
    TEST(memory_that_is_out_anywhere_closes_it_and_leaks_nothing),
    {0},
};
const test_suite stage_hold_suite = {.name = "actors/stage_hold", .cases = cases};
