/* SPDX-License-Identifier: MIT */
/* Services of a .proto: methods of the same messages are told apart, within a node and between nodes. */
#include "node_kit.h"

#include "service_test.weft.h"

enum { SEEDS = 60 };

/* ---- who serves it */

static weft_err on_add(weft_actor *self, weft_msg *msg)
{
    const weft_test_sums_pocket_calculator_add *pair = weft_body(msg);
    (void)self;
    return weft_reply(msg, weft_test_sums_pocket_calculator_add_answer, .value = pair->a + pair->b);
}

static weft_err on_multiply(weft_actor *self, weft_msg *msg)
{
    const weft_test_sums_pocket_calculator_multiply *pair = weft_body(msg);
    (void)self;
    if (pair->a == 13) /* the answer of another method */
        return weft_reply(msg, weft_test_sums_pocket_calculator_add_answer, .value = 1), WEFT_OK;
    return weft_reply(msg, weft_test_sums_pocket_calculator_multiply_answer,
                      .value = pair->a * pair->b);
}

static weft_err on_swap_all(weft_actor *self, weft_msg *msg)
{
    const weft_test_sums_pocket_calculator_swap_all *pair = weft_body(msg);
    (void)self;
    return weft_reply(msg, weft_test_sums_pocket_calculator_swap_all_answer, .a = pair->b,
                      .b = pair->a);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, weft_config(self));
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    WEFT_TEST_SUMS_POCKET_CALCULATOR_ROWS(on_add, on_multiply, on_swap_all),
    {0},
};
static const weft_behaviour calculator = {.name = "calculator", .handlers = rows};

/* One that knows a single method. */
static const weft_handler adder_rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_test_sums_pocket_calculator_add_type, .fn = on_add},
    {0},
};
static const weft_behaviour adder = {.name = "adder", .handlers = adder_rows};

static const weft_node_allow allow[] = {
    {.node = "*", .actor = "calculator"},
    {.node = "*", .actor = "adder"},
    {.node = "*", .actor = "strict", .type = &weft_test_sums_pocket_calculator_add_type},
    {0},
};

static void add_calculators(unsigned i)
{
    static const struct {
        const weft_behaviour *behaviour;
        const char *name;
    } all[] = {{&calculator, "calculator"}, {&adder, "adder"}, {&calculator, "strict"}};
    for (size_t k = 0; i == 1 && k < sizeof all / sizeof all[0]; k++)
        CHECK(!weft_ref_is_nobody(weft_sim_spawn(node_at[1].sim, all[k].behaviour, all[k].name)));
}

static void two(uint64_t seed, const weft_sim_faults *faults)
{
    kit_defaults.allow = allow;
    kit_defaults.types = weft_test_sums_pocket_calculator_types;
    kit_more = add_calculators;
    world_of(2, seed, faults);
    CHECK(all_linked());
}

static const weft_outcome *call(unsigned from, const char *name, const weft_type *type, int64_t a,
                                int64_t b)
{
    const Weft__Test__Sums__Pair body = {.a = a, .b = b};
    return weft_sim_ask_body(node_at[from].sim, named_at(from, name, 1), type, &body, 2000);
}

static void check_number(const weft_outcome *got, const weft_type *type, int64_t value)
{
    CHECK_OK(got->err);
    CHECK(got->err == WEFT_OK && got->type == type &&
          ((const Weft__Test__Sums__Number *)got->body)->value == value);
}

static void methods_of_the_same_messages_are_told_apart(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        two(seed, &(weft_sim_faults){.latency_ms_max = (uint32_t)seed % 15});
        for (unsigned from = 0; from < 2; from++) { /* from the other node, and its own */
            int64_t a = (int64_t)seed - 20, b = 7;
            check_number(call(from, "calculator", &weft_test_sums_pocket_calculator_add_type, a, b),
                         &weft_test_sums_pocket_calculator_add_answer_type, a + b);
            if (a != 13)
                check_number(
                    call(from, "calculator", &weft_test_sums_pocket_calculator_multiply_type, a, b),
                    &weft_test_sums_pocket_calculator_multiply_answer_type, a * b);
            const weft_outcome *got =
                call(from, "calculator", &weft_test_sums_pocket_calculator_swap_all_type, a, b);
            CHECK_OK(got->err);
            const weft_test_sums_pocket_calculator_swap_all_answer *swapped = got->body;
            CHECK(swapped != NULL && swapped->a == b && swapped->b == a);
        }
        world_done();
    }
}

static void a_method_that_nobody_serves_is_an_error(void)
{
    two(7, NULL);
    for (unsigned from = 0; from < 2; from++) {
        check_number(call(from, "adder", &weft_test_sums_pocket_calculator_add_type, 2, 3),
                     &weft_test_sums_pocket_calculator_add_answer_type, 5);
        const weft_outcome *got =
            call(from, "adder", &weft_test_sums_pocket_calculator_multiply_type, 2, 3);
        CHECK_ERR(got->err, WEFT_EUNHANDLED);
    }
}

static void a_method_that_a_node_does_not_know_is_named(void)
{
    kit_defaults.allow = allow + 2; /* whose type is known, and no other */
    kit_more = add_calculators;
    world_of(2, 7, NULL);
    CHECK(all_linked());
    const weft_outcome *got =
        call(0, "strict", &weft_test_sums_pocket_calculator_multiply_type, 2, 3);
    CHECK_ERR(got->err, WEFT_ETYPE);
    CHECK_STR(got->why, "node n1 knows no type weft.test.sums.PocketCalculator/Multiply");
}

static void methods_are_allowed_one_by_one(void)
{
    two(7, NULL);
    check_number(call(0, "strict", &weft_test_sums_pocket_calculator_add_type, 2, 3),
                 &weft_test_sums_pocket_calculator_add_answer_type, 5);
    CHECK_ERR(call(0, "strict", &weft_test_sums_pocket_calculator_multiply_type, 2, 3)->err,
              WEFT_EDENIED);
}

static void the_answer_of_another_method_is_refused(void)
{
    two(7, NULL);
    for (unsigned from = 0; from < 2; from++)
        CHECK_ERR(
            call(from, "calculator", &weft_test_sums_pocket_calculator_multiply_type, 13, 1)->err,
            WEFT_ETYPE);
}

static const test_case cases[] = {
    TEST(methods_of_the_same_messages_are_told_apart),
    TEST(a_method_that_nobody_serves_is_an_error),
    TEST(a_method_that_a_node_does_not_know_is_named),
    TEST(methods_are_allowed_one_by_one),
    TEST(the_answer_of_another_method_is_refused),
    {0},
};
const test_suite node_service_suite = {
    .name = "actors/node_service", .cases = cases, .after = world_done};
