/* SPDX-License-Identifier: MIT */
/* The simulator without its wire: steps, time, asks, the event log, leaks. */
#include "check.h"

#include <stdlib.h>

#include <weft/testing.h>

#include "pb_test.pb-c.h"

enum { SEEDS = 50 };

/* ---- an actor that adds, keeps, waits, shouts */

typedef struct add {
    uint64_t amount;
} add;
typedef struct total {
    uint64_t value;
} total;
typedef struct later {
    uint32_t ms;
} later;
typedef struct nothing {
    char c;
} nothing;
typedef nothing never;
typedef nothing stop;
typedef later every;
typedef struct text {
    weft_bytes bytes;
} text;
typedef text hoard;
typedef struct shout {
    weft_level level;
} shout;
typedef struct relay {
    weft_ref to;
    uint64_t amount;
} relay;
typedef Pbtest__Item item;

static const weft_type total_type = WEFT_TYPE("test.total", total, NULL);
static const weft_type add_type = WEFT_TYPE("test.add", add, &total_type);
static const weft_type later_type = WEFT_TYPE("test.later", later, &total_type);
static const weft_type tick_type = WEFT_TYPE("test.tick", nothing, NULL);
static const weft_type every_type = WEFT_TYPE("test.every", later, NULL);
static const weft_type never_type = WEFT_TYPE("test.never", nothing, NULL);
static const weft_type text_type = WEFT_TYPE_BYTES("test.text", text, bytes, NULL);
static const weft_type shout_type = WEFT_TYPE("test.shout", shout, NULL);
static const weft_type relay_type = WEFT_TYPE("test.relay", relay, &total_type);
static const weft_type stop_type = WEFT_TYPE("test.stop", nothing, NULL);
static const weft_type hoard_type = WEFT_TYPE_BYTES("test.hoard", text, bytes, NULL);
static const weft_type item_type =
    WEFT_TYPE_PROTO("test.item", item, &pbtest__item__descriptor, NULL);

typedef struct state {
    uint64_t total, ticks;
    weft_msg *kept;
    weft_bytes hoard;
} state;

static weft_err on_add(weft_actor *self, weft_msg *msg)
{
    state *s = weft_state(self);
    const add *a = weft_body(msg);
    if (a->amount > UINT64_MAX - s->total)
        return weft_fail(msg, WEFT_EINVAL, "the total would overflow");
    s->total += a->amount;
    return weft_reply(msg, total, .value = s->total);
}

static weft_err on_later(weft_actor *self, weft_msg *msg)
{
    state *s = weft_state(self);
    const later *l = weft_body(msg);
    weft_drop(&s->kept);
    s->kept = weft_keep(msg);
    (void)weft_timer_start(self, l->ms, 0, &tick_type, &(nothing){0});
    return WEFT_OK;
}

static weft_err on_every(weft_actor *self, weft_msg *msg)
{
    const later *l = weft_body(msg);
    (void)weft_timer_start(self, l->ms, l->ms, &tick_type, &(nothing){0});
    return WEFT_OK;
}

static weft_err on_tick(weft_actor *self, weft_msg *msg)
{
    state *s = weft_state(self);
    (void)msg;
    s->ticks++;
    if (s->kept != NULL)
        (void)weft_reply(s->kept, total, .value = weft_now_ms(self));
    weft_drop(&s->kept);
    return WEFT_OK;
}

static weft_err on_never(weft_actor *self, weft_msg *msg)
{
    state *s = weft_state(self);
    weft_drop(&s->kept);
    s->kept = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_text(weft_actor *self, weft_msg *msg)
{
    const text *t = weft_body(msg);
    (void)self;
    return weft_reply(
        msg, text,
        .bytes = weft_bytes_printf(msg, "<%.*s>", (int)t->bytes.size, (const char *)t->bytes.at));
}

static weft_err on_hoard(weft_actor *self, weft_msg *msg)
{
    state *s = weft_state(self);
    s->hoard = weft_bytes_keep(self, ((const text *)weft_body(msg))->bytes);
    return WEFT_OK;
}

static weft_err on_item(weft_actor *self, weft_msg *msg)
{
    item answer = *(const item *)weft_body(msg);
    (void)self;
    answer.weight *= 2;
    return weft_reply_body(msg, &item_type, &answer);
}

static weft_err on_shout(weft_actor *self, weft_msg *msg)
{
    weft_log(self, ((const shout *)weft_body(msg))->level, "hear, hear");
    return WEFT_OK;
}

static weft_err on_relayed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    return weft_reply_body(msg, &total_type, got->body);
}

static weft_err on_relay(weft_actor *self, weft_msg *msg)
{
    const relay *r = weft_body(msg);
    return weft_when(msg, weft_ask(self, r->to, add, .amount = r->amount), on_relayed);
}

static weft_err on_stop(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &add_type, .fn = on_add},     {.type = &later_type, .fn = on_later},
    {.type = &tick_type, .fn = on_tick},   {.type = &every_type, .fn = on_every},
    {.type = &never_type, .fn = on_never}, {.type = &text_type, .fn = on_text},
    {.type = &shout_type, .fn = on_shout}, {.type = &relay_type, .fn = on_relay},
    {.type = &stop_type, .fn = on_stop},   {.type = &item_type, .fn = on_item},
    {.type = &hoard_type, .fn = on_hoard}, {0},
};
static const weft_behaviour worker = {
    .name = "worker", .handlers = handlers, .state_bytes = sizeof(state)};

/* ---- around each test */

static weft_sim *sim;
static weft_ref who;

static void begin(void)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = 7, .system = {.reactors = 2}});
    REQUIRE(sim != NULL);
    who = weft_sim_spawn(sim, &worker, NULL);
}

static void end(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    CHECK(sim == NULL);
}

static uint64_t asked(weft_ref to, uint64_t amount)
{
    const weft_outcome *got = weft_sim_ask(sim, to, add, .amount = amount);
    CHECK_OK(got->err);
    return got->body != NULL ? ((const total *)got->body)->value : 0;
}

static unsigned ticks(void)
{
    unsigned n = 0;
    const char *at = weft_sim_event_log(sim, NULL);
    while ((at = strstr(at, "test.tick timer")) != NULL) {
        n++;
        at++;
    }
    return n;
}

/* ---- tells and asks */

static void what_is_told_from_outside_has_been_served_when_the_call_returns(void)
{
    CHECK_OK(weft_sim_tell(sim, who, add, .amount = 2));
    CHECK_OK(weft_sim_tell(sim, who, add, .amount = 3));
    CHECK_U64(asked(who, 0), 5);
    CHECK_U64(weft_sim_now(sim), 0);
}

static void an_ask_from_outside_gives_what_it_came_to(void)
{
    CHECK_U64(asked(who, UINT64_MAX), UINT64_MAX);
    const weft_outcome *got = weft_sim_ask(sim, who, add, .amount = 1);
    CHECK_ERR(got->err, WEFT_EINVAL);
    CHECK_STR(got->why, "the total would overflow");
    CHECK(got->body == NULL && got->type == NULL);
    got = weft_sim_ask(sim, who, add, .amount = 0);
    CHECK(got->type == &total_type);
    CHECK(weft_ref_same(got->from, who));
    CHECK_STR(got->why, "");
}

static void an_outcome_with_bytes_lives_until_the_next_ask(void)
{
    const weft_outcome *got = weft_sim_ask(sim, who, text, .bytes = WEFT_BYTES_LITERAL("bytes"));
    REQUIRE(got->err == WEFT_OK);
    weft_sim_advance(sim, 1000);
    const text *t = got->body;
    CHECK_MEM(t->bytes.at, t->bytes.size, "<bytes>", 7);
}

static void a_test_may_make_bytes_for_a_message(void)
{
    weft_bytes bytes;
    uint8_t *to;
    REQUIRE(weft_bytes_new(3, &to, &bytes) == WEFT_OK);
    memset(to, 'a', 3);
    const weft_outcome *got = weft_sim_ask(sim, who, text, .bytes = bytes);
    weft_bytes_drop(&bytes);
    REQUIRE(got->err == WEFT_OK);
    const text *t = got->body;
    CHECK_MEM(t->bytes.at, t->bytes.size, "<aaa>", 5);
}

static void a_protobuf_message_and_its_reply_are_copied_deeply(void)
{
    item body = PBTEST__ITEM__INIT;
    char sku[] = "spade";
    body.sku = sku;
    body.weight = 1.5;
    const weft_outcome *got = weft_sim_ask_body(sim, who, &item_type, &body, WEFT_INHERIT);
    memset(sku, 'x', sizeof sku - 1);
    REQUIRE(got->err == WEFT_OK);
    const item *answer = got->body;
    CHECK_STR(answer->sku, "spade");
    CHECK(answer->weight == 3.0);
}

static void an_ask_advances_the_clock_to_its_answer(void)
{
    const weft_outcome *got = weft_sim_ask(sim, who, later, .ms = 250);
    REQUIRE(got->err == WEFT_OK);
    CHECK_U64(weft_sim_now(sim), 250);
}

static void an_ask_without_an_answer_ends_at_its_limit(void)
{
    const weft_outcome *got = weft_sim_ask_body(sim, who, &never_type, &(nothing){0}, 1500);
    CHECK_ERR(got->err, WEFT_ETIMEDOUT);
    CHECK_U64(weft_sim_now(sim), 1500);
    CHECK_ERR(weft_sim_ask(sim, who, never, .c = 0)->err, WEFT_ETIMEDOUT);
    CHECK_U64(weft_sim_now(sim), 31500);
}

static void an_ask_without_a_limit_is_given_up_when_nothing_is_left(void)
{
    const weft_outcome *got =
        weft_sim_ask_body(sim, who, &never_type, &(nothing){0}, WEFT_NO_LIMIT);
    CHECK_ERR(got->err, WEFT_ETIMEDOUT);
    CHECK_STR(got->why, "nobody answered, and nothing is left that could");
    CHECK_U64(weft_sim_now(sim), 0);
    CHECK_U64(asked(who, 1), 1);
}

static void an_actor_that_has_ended_cannot_be_told_or_asked(void)
{
    CHECK_ERR(weft_sim_tell(sim, WEFT_NOBODY, add, .amount = 1), WEFT_EGONE);
    CHECK_ERR(weft_sim_ask(sim, WEFT_NOBODY, add, .amount = 1)->err, WEFT_EGONE);
}

static void when_the_system_has_ended_nobody_can_be_told(void)
{
    CHECK_OK(weft_sim_tell(sim, who, stop, .c = 0));
    CHECK_ERR(weft_sim_tell(sim, who, add, .amount = 1), WEFT_EGONE);
    CHECK_ERR(weft_sim_ask(sim, who, add, .amount = 1)->err, WEFT_EGONE);
    CHECK(weft_sim_run(sim));
}

/* ---- time */

static void the_clock_moves_only_when_it_is_told_to(void)
{
    CHECK_OK(weft_sim_tell(sim, who, every, .ms = 100));
    CHECK(weft_sim_run(sim));
    CHECK_U64(weft_sim_now(sim), 0);
    weft_sim_advance(sim, 99);
    CHECK_U64(ticks(), 0);
    weft_sim_advance(sim, 1);
    CHECK_U64(ticks(), 1);
    weft_sim_advance(sim, 1000);
    CHECK_U64(ticks(), 11);
    CHECK_U64(weft_sim_now(sim), 1100);
}

static void a_reactor_that_slept_counts_from_now(void)
{
    weft_ref far = weft_system_spawn(weft_sim_system(sim), 1, &worker, NULL);
    weft_sim_advance(sim, 5000);
    REQUIRE(weft_sim_ask(sim, far, later, .ms = 10)->err == WEFT_OK);
    CHECK_U64(weft_sim_now(sim), 5010);
}

static void settling_leaves_timers_that_nobody_waits_for(void)
{
    CHECK_OK(weft_sim_tell(sim, who, every, .ms = 100));
    CHECK(weft_sim_settle(sim, 10000));
    CHECK_U64(weft_sim_now(sim), 0);
}

/* ---- reactors, phases */

static void actors_of_other_reactors_and_of_the_pool_are_served(void)
{
    weft_system *sys = weft_sim_system(sim);
    weft_ref far = weft_system_spawn(sys, 1, &worker, NULL);
    weft_ref pool = weft_system_spawn_blocking(sys, &worker, NULL);
    REQUIRE(!weft_ref_is_nobody(far) && !weft_ref_is_nobody(pool));
    CHECK_U64(asked(far, 1), 1);
    CHECK_U64(asked(pool, 2), 2);
    const weft_outcome *got = weft_sim_ask(sim, far, relay, .to = pool, .amount = 3);
    REQUIRE(got->err == WEFT_OK);
    CHECK_U64(((const total *)got->body)->value, 5);
}

static uint32_t phases;

static weft_err on_phase(weft_actor *self, weft_msg *msg)
{
    (void)self;
    phases = phases * 10 + (uint32_t)((const weft_phase_begins *)weft_body(msg))->phase;
    return weft_reply(msg, weft_phase_done, .cut = 0);
}

static const weft_handler phase_handlers[] = {{.type = &weft_phase_begins_type, .fn = on_phase},
                                              {0}};
static const weft_behaviour phased = {.name = "phased", .handlers = phase_handlers};

static void the_system_starts_with_the_first_step_and_ends_with_all_its_phases(void)
{
    weft_ref p = weft_sim_spawn(sim, &phased, NULL);
    phases = 9;
    for (int i = 0; i < WEFT_PHASE_COUNT_; i++)
        CHECK_OK(weft_on_phase(weft_sim_system(sim), (weft_phase)i, p));
    CHECK_U64(phases, 9);
    CHECK(weft_sim_run(sim));
    CHECK_U64(phases, 901);
    CHECK_U64(weft_sim_free(&sim), 0);
    CHECK_U64(phases, 901234);
    begin();
}

/* ---- the seed */

typedef struct crowd {
    uint64_t hash;
    char *log;
    uint64_t random;
} crowd;

static weft_err draw(weft_actor *self, weft_msg *msg)
{
    uint64_t value;
    weft_random(self, &value, sizeof value);
    return weft_reply(msg, total, .value = value);
}

static const weft_handler dice_handlers[] = {{.type = &add_type, .fn = draw}, {0}};
static const weft_behaviour dice = {.name = "dice", .handlers = dice_handlers};

/* Many actors on three reactors that all ask each other. */
static crowd run_crowd(uint64_t seed)
{
    enum { N = 12 };
    crowd c = {0};
    weft_ref ref[N];
    weft_sim *s = weft_sim_new(&(weft_sim_options){.seed = seed, .system = {.reactors = 3}});
    for (unsigned i = 0; i < N; i++)
        ref[i] = weft_system_spawn(weft_sim_system(s), i % 3, &worker, NULL);
    for (unsigned i = 0; i < N; i++) {
        (void)weft_system_tell(weft_sim_system(s), ref[i], &every_type, &(later){10 + i % 4});
        (void)weft_system_tell(weft_sim_system(s), ref[i], &relay_type,
                               &(relay){.to = ref[(i * 5 + 1) % N], .amount = i});
    }
    weft_sim_advance(s, 60);
    weft_ref d = weft_sim_spawn(s, &dice, NULL);
    const weft_outcome *got = weft_sim_ask(s, d, add, .amount = 0);
    c.random = got->err == WEFT_OK ? ((const total *)got->body)->value : 0;
    c.hash = weft_sim_event_hash(s);
    c.log = strdup(weft_sim_event_log(s, NULL));
    CHECK_U64(weft_sim_free(&s), 0);
    return c;
}

static void the_same_seed_gives_the_same_event_log(void)
{
    for (uint64_t seed = 0; seed < 5; seed++) {
        crowd a = run_crowd(seed), b = run_crowd(seed);
        CHECK_STR(a.log, b.log);
        CHECK_U64(a.hash, b.hash);
        CHECK_U64(a.random, b.random);
        free(a.log);
        free(b.log);
    }
}

static void each_seed_has_an_order_and_random_bytes_of_its_own(void)
{
    crowd all[SEEDS];
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        all[seed] = run_crowd(seed);
        free(all[seed].log);
        for (uint64_t before = 0; before < seed; before++)
            CHECK(all[seed].hash != all[before].hash && all[seed].random != all[before].random);
    }
}

/* ---- the log */

static void log_lines_are_found_by_level_and_text(void)
{
    CHECK_OK(weft_sim_tell(sim, who, shout, .level = WEFT_DEBUG));
    CHECK_OK(weft_sim_tell(sim, who, shout, .level = WEFT_WARNING));
    CHECK_OK(weft_sim_tell(sim, who, shout, .level = WEFT_WARNING));
    CHECK_U64(weft_sim_logged(sim, WEFT_DEBUG, "hear"), 3);
    CHECK_U64(weft_sim_logged(sim, WEFT_INFO, "hear, hear"), 2);
    CHECK_U64(weft_sim_logged(sim, WEFT_ERROR, "hear"), 0);
    CHECK_U64(weft_sim_logged(sim, WEFT_DEBUG, "worker"), 3);
    CHECK_U64(weft_sim_logged(sim, WEFT_DEBUG, "there"), 0);
    CHECK(strstr(weft_sim_event_log(sim, NULL), "log warning worker") != NULL);
}

static unsigned hooked;

static void log_hook(void *context, const weft_log_line *line)
{
    CHECK(context == &hooked);
    if (line->level == WEFT_WARNING)
        hooked++;
}

static void a_hook_and_a_threshold_are_the_programs(void)
{
    weft_sim *s = weft_sim_new(&(weft_sim_options){.system = {.log_hook = log_hook,
                                                              .log_context = &hooked,
                                                              .log_level_set = true,
                                                              .log_level = WEFT_INFO}});
    weft_ref w = weft_sim_spawn(s, &worker, NULL);
    hooked = 0;
    CHECK_OK(weft_sim_tell(s, w, shout, .level = WEFT_WARNING));
    CHECK_OK(weft_sim_tell(s, w, shout, .level = WEFT_DEBUG));
    CHECK_U64(hooked, 1);
    CHECK_U64(weft_sim_logged(s, WEFT_DEBUG, "hear"), 1);
    CHECK_U64(weft_sim_free(&s), 0);
}

static void the_event_log_keeps_its_last_mebibyte_and_all_log_lines(void)
{
    size_t bytes = 0, before;
    CHECK_OK(weft_sim_tell(sim, who, shout, .level = WEFT_NOTICE));
    do {
        before = bytes;
        for (int i = 0; i < 100; i++)
            CHECK_OK(weft_sim_tell(sim, who, add, .amount = 1));
        (void)weft_sim_event_log(sim, &bytes);
    } while (bytes > before);
    CHECK(bytes >= 1 << 20 && bytes < 2 << 20);
    CHECK(strlen(weft_sim_event_log(sim, NULL)) == bytes);
    CHECK(strstr(weft_sim_event_log(sim, NULL), "hear") == NULL);
    CHECK_U64(weft_sim_logged(sim, WEFT_NOTICE, "hear"), 1);
}

/* ---- leaks, faults */

static void bytes_that_nobody_gives_back_are_counted(void)
{
    weft_bytes bytes;
    uint8_t *to;
    REQUIRE(weft_bytes_new(2000, &to, &bytes) == WEFT_OK);
    CHECK_OK(weft_sim_tell(sim, who, hoard, .bytes = bytes));
    void *leaked = bytes.buffer;
    weft_bytes_drop(&bytes);
    CHECK_U64(weft_sim_free(&sim), 1);
    free(leaked);
    begin();
}

static void a_simulation_that_never_ran_leaves_nothing(void)
{
    weft_sim *s = weft_sim_new(NULL);
    CHECK_U64(weft_sim_free(&s), 0);
    CHECK_U64(weft_sim_free(&s), 0);
}

static void asks_fail_in_order_when_memory_is_out(void)
{
    unsigned failed = 0, answered = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        weft_sim *s = weft_sim_new(&(weft_sim_options){
            .seed = seed, .system = {.reactors = 2}, .faults = {.allocation = 30000}});
        weft_ref a = weft_sim_spawn(s, &worker, NULL);
        weft_ref b = weft_system_spawn(weft_sim_system(s), 1, &worker, NULL);
        for (uint64_t i = 0; i < 20; i++) {
            const weft_outcome *got = weft_sim_ask(s, a, relay, .to = b, .amount = 1);
            if (got->err == WEFT_OK)
                answered++;
            else
                failed++;
        }
        CHECK_U64(weft_sim_free(&s), 0);
    }
    CHECK(answered > failed);
#ifdef WEFT_DEV
    CHECK(failed > 0); /* elsewhere pools hardly ever take memory */
#endif
}

static const test_case cases[] = {
    TEST(what_is_told_from_outside_has_been_served_when_the_call_returns),
    TEST(an_ask_from_outside_gives_what_it_came_to),
    TEST(an_outcome_with_bytes_lives_until_the_next_ask),
    TEST(a_test_may_make_bytes_for_a_message),
    TEST(a_protobuf_message_and_its_reply_are_copied_deeply),
    TEST(an_ask_advances_the_clock_to_its_answer),
    TEST(an_ask_without_an_answer_ends_at_its_limit),
    TEST(an_ask_without_a_limit_is_given_up_when_nothing_is_left),
    TEST(an_actor_that_has_ended_cannot_be_told_or_asked),
    TEST(when_the_system_has_ended_nobody_can_be_told),
    TEST(the_clock_moves_only_when_it_is_told_to),
    TEST(a_reactor_that_slept_counts_from_now),
    TEST(settling_leaves_timers_that_nobody_waits_for),
    TEST(actors_of_other_reactors_and_of_the_pool_are_served),
    TEST(the_system_starts_with_the_first_step_and_ends_with_all_its_phases),
    TEST(the_same_seed_gives_the_same_event_log),
    TEST(each_seed_has_an_order_and_random_bytes_of_its_own),
    TEST(log_lines_are_found_by_level_and_text),
    TEST(a_hook_and_a_threshold_are_the_programs),
    TEST(the_event_log_keeps_its_last_mebibyte_and_all_log_lines),
    TEST(bytes_that_nobody_gives_back_are_counted),
    TEST(a_simulation_that_never_ran_leaves_nothing),
    TEST(asks_fail_in_order_when_memory_is_out),
    {0},
};

const test_suite sim_suite = {.name = "runtime/sim", .before = begin, .after = end, .cases = cases};
