/* SPDX-License-Identifier: MIT */
/* What is under way when a node shuts down, when a member parts while it connects, and when a connection is lost in the
 * middle of a long request. */
#include "node_kit.h"

#include <stdlib.h>

#include "link.h"
#include "link_visit.h"

enum { SOON_MS = 50, GRACE_MS = 10000, STEP_MS = 5, LONG_BYTES = 1 << 20 };

/* ---- an ask of n0's that n1 keeps */

static struct {
    unsigned fired;
    weft_err err;
    weft_delivery delivery;
    uint64_t n;
    char why[WEFT_WHY_BYTES];
} asked;

static weft_err on_fired(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    asked.fired++;
    asked.err = got->err;
    asked.delivery = got->delivery;
    if (got->err == WEFT_OK && got->type == &count_type)
        asked.n = ((const count *)got->body)->n;
    (void)snprintf(asked.why, sizeof asked.why, "%s", got->why);
    return WEFT_OK;
}

static weft_err ask_kept(weft_actor *self, weft_msg *msg, void *with)
{
    memset(&asked, 0, sizeof asked);
    return weft_when(msg,
                     weft_ask_within(self, weft_named(self, "counter@n1"), *(const uint32_t *)with,
                                     count, .n = 0),
                     on_fired);
}

static weft_err answer_kept(weft_actor *self, weft_msg *msg, void *with)
{
    seen *s = with;
    (void)self, (void)msg;
    REQUIRE(s->kept != NULL);
    CHECK_OK(weft_reply(s->kept, count, .n = 42));
    weft_drop(&s->kept);
    return WEFT_OK;
}

/* n1 serves what n0 has asked for so long at most, and is told to stop. */
static void shut_down_while_serving(uint32_t limit_ms)
{
    world_of(2, 7, NULL);
    CHECK(all_linked());
    node_do(0, ask_kept, &limit_ms);
    weft_sim_advance(world, SOON_MS);
    CHECK_U64(info_of(1, 0).serving, 1);
    weft_system_shutdown(weft_sim_system(node_at[1].sim), WEFT_OK);
    weft_sim_advance(world, SOON_MS);
    CHECK_U64(asked.fired, 0);
    CHECK(is_up(0, 1));
}

static bool has_left(void)
{
    return weft_sim_logged(node_at[0].sim, WEFT_NOTICE, "is down: node n1: it leaves") == 1;
}

static void a_node_that_shuts_down_serves_what_it_was_asked_first(void)
{
    shut_down_while_serving(WEFT_NO_LIMIT);
    weft_sim_advance(world, GRACE_MS / 4);
    CHECK_U64(asked.fired, 0);
    CHECK(!has_left());
    node_do(1, answer_kept, &node_at[1].counter);
    weft_sim_advance(world, SOON_MS);
    CHECK_U64(asked.fired, 1);
    CHECK_OK(asked.err);
    CHECK_U64(asked.n, 42);
    CHECK(has_left()); /* at once: nothing more is served */
}

static void and_refuses_what_it_is_asked_from_then_on(void)
{
    shut_down_while_serving(WEFT_NO_LIMIT);
    const weft_outcome *got = ask_counter(0, 1, 1, GRACE_MS / 4);
    CHECK_ERR(got->err, WEFT_ESTOPPING);
    CHECK_STR(got->why, "node n1 is shutting down");
    CHECK_U64(node_at[1].counter.asks, 1);
    CHECK_U64(asked.fired, 0);
}

static void it_waits_for_half_of_its_time_and_then_says_what_came_of_it(void)
{
    shut_down_while_serving(WEFT_NO_LIMIT);
    weft_sim_advance(world, GRACE_MS / 2 - 4 * SOON_MS);
    CHECK_U64(asked.fired, 0);
    weft_sim_advance(world, 5 * SOON_MS);
    CHECK_U64(asked.fired, 1);
    CHECK_ERR(asked.err, WEFT_ELOST);
    CHECK_STR(asked.why, "node n1 is down: it leaves");
    CHECK(has_left());
}

static void it_does_not_wait_for_what_nobody_wants_any_more(void)
{
    shut_down_while_serving(GRACE_MS / 4);
    weft_sim_advance(world, GRACE_MS / 4 - 4 * SOON_MS);
    CHECK_U64(asked.fired, 0);
    CHECK(!has_left());
    weft_sim_advance(world, 4 * SOON_MS);
    CHECK_U64(asked.fired, 1);
    CHECK_ERR(asked.err, WEFT_ETIMEDOUT);
    CHECK(has_left());
}

/* ---- who connects meanwhile */

/* What n1's node says to who asks it that, as its gates do. */
static const weft_outcome *ask_node(const weft_type *type, const void *body)
{
    const node *n = weft_system_kept(weft_sim_system(node_at[1].sim), WEFT_KEPT_NODE);
    return weft_sim_ask_body(node_at[1].sim, n->ref, type, body, SOON_MS);
}

static void nobody_is_welcome_any_more_at_a_node_that_shuts_down(void)
{
    static const link_knock knock = {{.node = "n0", .life = UINT64_MAX, .attempt = 1}};
    static const link_visit_ask visit = {0};
    world_of(2, 7, NULL);
    CHECK(all_linked());
    CHECK_OK(ask_node(&wf_link_knock_type, &knock)->err);
    CHECK_OK(ask_node(&wf_link_visit_ask_type, &visit)->err);
    world_done();
    shut_down_while_serving(WEFT_NO_LIMIT);
    const weft_outcome *got = ask_node(&wf_link_knock_type, &knock);
    CHECK_ERR(got->err, WEFT_EDENIED);
    CHECK_STR(got->why, "n1 is shutting down");
    got = ask_node(&wf_link_visit_ask_type, &visit);
    CHECK_ERR(got->err, WEFT_ESTOPPING);
    CHECK_STR(got->why, "n1 is shutting down");
    CHECK_U64(asked.fired, 0);
    CHECK(is_up(0, 1)); /* what was asked before is served on */
}

static void who_has_not_said_hello_and_who_connects_is_let_go(void)
{
    uint32_t limit_ms = WEFT_NO_LIMIT;
    world_of(2, 7, NULL);
    CHECK(all_linked());
    node_do(0, ask_kept, &limit_ms);
    weft_sim_peer *early = weft_sim_connect(world, "sim://n1");
    weft_sim_advance(world, SOON_MS);
    CHECK(early->opened && !early->closed && !early->ended);
    weft_system_shutdown(weft_sim_system(node_at[1].sim), WEFT_OK);
    weft_sim_advance(world, SOON_MS);
    CHECK(early->closed || early->ended);
    CHECK_U64(early->got_bytes, 0);
    const weft_sim_peer *late = weft_sim_connect(world, "sim://n1");
    weft_sim_advance(world, SOON_MS);
    CHECK(!late->opened && late->closed);
    CHECK_U64(asked.fired, 0);
    CHECK(is_up(0, 1));
}

/* ---- a member that parts in the moment that it connects */

static struct {
    unsigned changed;
    weft_err err;
} parted;

typedef struct go {
    char nothing;
} go;
static const weft_type go_type = WEFT_TYPE("test.go", go, NULL);

static weft_err on_parted(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    parted.changed++;
    parted.err = got->err;
    return WEFT_OK;
}

static weft_err on_go(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg, weft_node_part(self, "n0"), on_parted);
}

static const weft_handler parter_rows[] = {{.type = &go_type, .fn = on_go}, {0}};
static const weft_behaviour parter = {.name = "parter", .handlers = parter_rows};

/* Sends n1 the hello of n0, takes @steps steps, and has n1's node part with n0. Whether they were linked then. */
static bool part_after(unsigned steps)
{
    const link_hello hello = {.node = "n0",
                              .life = 5,
                              .attempt = 1,
                              .frame_bytes_max = LINK_FRAME_BYTES_MAX,
                              .credit_bytes = LINK_CREDIT_BYTES};
    uint8_t frame[2 * LINK_VISIT_FRAME_MAX];
    link_visit out = {.seq_out = 0};
    memset(&parted, 0, sizeof parted);
    world_of(2, 3, NULL);
    node_crash(0);
    weft_ref who = weft_sim_spawn(node_at[1].sim, &parter, NULL);
    weft_sim_advance(world, 1);
    weft_sim_peer *p = weft_sim_connect(world, "sim://n1");
    CHECK_OK(weft_sim_delay(world, "sim://n1", STEP_MS));
    size_t n = wf_visit_hello(&out, frame, &hello);
    n += wf_visit_pair(&out, frame + n, LINK_PING, 0); /* behind which it is up */
    weft_sim_peer_send(p, frame, n);
    weft_sim_advance(world, STEP_MS - 1);
    CHECK(!is_up(1, 0));
    CHECK(weft_sim_run_to(world, weft_sim_steps(world) + steps));
    const node *n1 = weft_system_kept(weft_sim_system(node_at[1].sim), WEFT_KEPT_NODE);
    bool linked = n1->links->state == WEFT_LINK_UP; /* looked at, so that no step is taken */
    CHECK_OK(weft_system_tell(weft_sim_system(node_at[1].sim), who, &go_type, &(go){0}));
    weft_sim_advance(world, SOON_MS);
    CHECK_U64(parted.changed, 1);
    CHECK_OK(parted.err);
    CHECK(!is_up(1, 0));
    CHECK(p->closed || p->ended);
    world_done();
    return linked;
}

static void a_member_that_parts_while_it_connects_is_not_linked(void)
{
    enum { STEPS = 40 };
    unsigned linked = 0;
    for (unsigned steps = 0; steps < STEPS; steps++)
        linked += part_after(steps);
    CHECK(linked > 0 && linked < STEPS - 5); /* so all of what is between was met */
}

/* ---- a long request whose connection is lost */

static weft_err ask_long(weft_actor *self, weft_msg *msg, void *with)
{
    memset(&asked, 0, sizeof asked);
    return weft_when(msg,
                     weft_ask_within(self, weft_named(self, "counter@n1"), 60000, blob, .n = 1,
                                     .bytes = {.len = LONG_BYTES, .data = with}),
                     on_fired);
}

static void drop_all(void)
{
    CHECK_OK(weft_sim_drop(world, "sim://n0", NULL));
    CHECK_OK(weft_sim_drop(world, "sim://n1", NULL));
    weft_sim_advance(world, 1);
}

/* Asks with a MiB of which an eighth may be on its way at a time, and loses the connection in @ms. */
static void cut_long_request_after(uint32_t ms, uint8_t *data)
{
    kit_defaults.credit_bytes = LONG_BYTES / 8;
    world_of(2, 7, NULL);
    CHECK(all_linked());
    CHECK_OK(weft_sim_delay(world, "sim://n0", STEP_MS));
    CHECK_OK(weft_sim_delay(world, "sim://n1", STEP_MS));
    node_do(0, ask_long, data);
    weft_sim_advance(world, ms);
    uint64_t sent = info_of(0, 1).bytes_out;
    drop_all();
    CHECK_U64(asked.fired, 1);
    CHECK(asked.err == WEFT_OK || asked.err == WEFT_ELOST);
    if (asked.err == WEFT_ELOST && sent < LONG_BYTES)
        CHECK(asked.delivery == WEFT_NOT_DELIVERED);
    if (asked.err == WEFT_ELOST && asked.delivery == WEFT_NOT_DELIVERED)
        CHECK_U64(node_at[1].counter.n, 0);
    if (asked.err == WEFT_OK || asked.delivery == WEFT_DELIVERED)
        CHECK_U64(node_at[1].counter.n, 1);
}

static void a_long_request_that_was_cut_off_half_way_surely_did_not_arrive(void)
{
    unsigned cut = 0, whole = 0, answered = 0;
    uint8_t *data = malloc(LONG_BYTES);
    REQUIRE(data != NULL);
    for (unsigned i = 0; i < LONG_BYTES; i++)
        data[i] = (uint8_t)(1 + i);
    for (uint32_t ms = 0; answered == 0 && ms < 2000; ms += STEP_MS) {
        cut_long_request_after(ms, data);
        answered += asked.err == WEFT_OK;
        cut += asked.err == WEFT_ELOST && asked.delivery == WEFT_NOT_DELIVERED;
        whole += asked.err == WEFT_ELOST && asked.delivery != WEFT_NOT_DELIVERED;
        world_done();
    }
    free(data);
    CHECK(cut > 1); /* it was met at several places, */
    CHECK(whole > 0);
    CHECK_U64(answered, 1);
}

static const test_case cases[] = {
    TEST(a_node_that_shuts_down_serves_what_it_was_asked_first),
    TEST(and_refuses_what_it_is_asked_from_then_on),
    TEST(it_waits_for_half_of_its_time_and_then_says_what_came_of_it),
    TEST(it_does_not_wait_for_what_nobody_wants_any_more),
    TEST(nobody_is_welcome_any_more_at_a_node_that_shuts_down),
    TEST(who_has_not_said_hello_and_who_connects_is_let_go),
    TEST(a_member_that_parts_while_it_connects_is_not_linked),
    TEST(a_long_request_that_was_cut_off_half_way_surely_did_not_arrive),
    {0},
};
const test_suite node_ends_suite = {
    .name = "actors/node_ends", .after = world_done, .cases = cases};
