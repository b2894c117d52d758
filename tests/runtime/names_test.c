/* SPDX-License-Identifier: MIT */
/* Names and references: who has a name, when, from everywhere; and what is printed. */
#include "kit.h"

#include <stdlib.h>

typedef struct naming {
    const char *name;
    weft_err err;
    weft_ref ref;
} naming;

static weft_err take(weft_actor *self, weft_msg *msg, void *with)
{
    naming *n = with;
    (void)msg;
    n->err = weft_register(self, n->name);
    return WEFT_OK;
}
static weft_err look_up(weft_actor *self, weft_msg *msg, void *with)
{
    naming *n = with;
    (void)msg;
    n->ref = weft_lookup(self, n->name);
    return WEFT_OK;
}
static weft_err refer(weft_actor *self, weft_msg *msg, void *with)
{
    naming *n = with;
    (void)msg;
    n->ref = weft_named(self, n->name);
    return WEFT_OK;
}
static weft_err tell_it(weft_actor *self, weft_msg *msg, void *with)
{
    naming *n = with;
    (void)msg;
    n->err = weft_tell(self, n->ref, num, .n = 1);
    return WEFT_OK;
}
static weft_err stop_now(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static void a_name_is_resolved_where_it_is_used(void)
{
    sim_of(3);
    record *rec = record_new();
    weft_ref b = sim_puppet_on(1, rec);
    naming n = {.name = "quotes/eu-1.prices_x"};
    for (unsigned i = 0; i < 3; i++) {
        sim_do(sim_puppet_on(i, NULL), refer, &n);
        CHECK(weft_ref_kind_of(n.ref) == WEFT_REF_NAME);
        sim_do(sim_puppet_on(i, NULL), tell_it, &n);
        CHECK_ERR(n.err, WEFT_EGONE); /* nobody has it yet */
    }
    sim_do(b, take, &n);
    CHECK_OK(n.err);
    for (unsigned i = 0; i < 3; i++) {
        naming m = {.name = n.name};
        sim_do(sim_puppet_on(i, NULL), refer, &m);
        CHECK(weft_ref_same(m.ref, n.ref)); /* one reference, wherever it was made */
        sim_do(sim_puppet_on(i, NULL), tell_it, &m);
        CHECK_OK(m.err);
        sim_do(sim_puppet_on(i, NULL), look_up, &m);
        CHECK(weft_ref_same(m.ref, b));
    }
    CHECK_U64(rec->n, 3);
    CHECK_OK(weft_system_tell(weft_sim_system(sim), n.ref, &num_type, &(num){5}));
    CHECK(weft_sim_run(sim));
    CHECK_U64(rec->n, 4);
}

static void a_name_that_is_taken_is_refused(void)
{
    naming n = {.name = "mine"};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, take, &n);
    CHECK_OK(n.err);
    sim_do(sim_puppet(NULL), take, &n);
    CHECK_ERR(n.err, WEFT_EEXISTS);
    sim_do(a, take, &n); /* its own: it may have been restarted */
    CHECK_OK(n.err);
}

static void the_names_of_an_actor_go_with_it(void)
{
    naming one = {.name = "one"}, two = {.name = "two"};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, take, &one);
    sim_do(a, take, &two);
    CHECK_OK(one.err);
    CHECK_OK(two.err);
    weft_ref x = sim_puppet(NULL);
    sim_do(x, refer, &one);
    sim_do(a, stop_now, NULL);
    sim_do(x, tell_it, &one);
    CHECK_ERR(one.err, WEFT_EGONE);
    sim_do(x, look_up, &two);
    CHECK(weft_ref_is_nobody(two.ref));
    record *rec = record_new();
    weft_ref b = sim_puppet(rec);
    sim_do(b, take, &one);
    CHECK_OK(one.err);
    sim_do(x, refer, &one);
    sim_do(x, tell_it, &one);
    CHECK_U64(rec->n, 1);
}

static void names_that_are_not_valid_are_refused(void)
{
    static const char *const bad[] = {
        "",    " ",   "a b",
        "a:b", "a\n", "\xc3\xa9",
        "a@b", "*",   "0123456789012345678901234567890123456789012345678901234567890123", /* 64 */
    };
    weft_ref a = sim_puppet(NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        naming n = {.name = bad[i]};
        sim_do(a, take, &n);
        CHECK_ERR(n.err, WEFT_EINVAL);
        sim_do(a, refer, &n);
        CHECK(weft_ref_is_nobody(n.ref));
        sim_do(a, look_up, &n);
        CHECK(weft_ref_is_nobody(n.ref));
    }
    naming longest = {.name = "012345678901234567890123456789012345678901234567890123456789012"};
    CHECK_U64(strlen(longest.name), WEFT_NAME_BYTES - 1);
    sim_do(a, take, &longest);
    CHECK_OK(longest.err);
    sim_do(a, look_up, &longest);
    CHECK(weft_ref_same(longest.ref, a));
}

static weft_err look_up_many(weft_actor *self, weft_msg *msg, void *with)
{
    char name[32];
    (void)msg, (void)with;
    for (int i = 0; i < 70000; i++) {
        (void)snprintf(name, sizeof name, "stranger/%d", i);
        CHECK(weft_ref_is_nobody(weft_lookup(self, name)));
    }
    return WEFT_OK;
}

/* Names that strangers ask for must not use up the table. */
static void what_is_only_looked_up_takes_no_room(void)
{
    naming n = {.name = "after-all"};
    sim_do(sim_puppet(NULL), look_up_many, NULL);
    sim_do(sim_puppet(NULL), take, &n);
    CHECK_OK(n.err);
}

static weft_err take_many(weft_actor *self, weft_msg *msg, void *with)
{
    char name[32];
    naming *n = with;
    (void)msg;
    unsigned i = 0;
    do
        (void)snprintf(name, sizeof name, "many/%u", i++);
    while ((n->err = weft_register(self, name)) == WEFT_OK && i < 70000);
    CHECK_U64(i, 65537);
    return WEFT_OK;
}

static void names_beyond_names_max_are_refused(void)
{
    naming n = {.name = "many/17"};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, take_many, &n);
    CHECK_ERR(n.err, WEFT_ELIMIT);
    sim_do(sim_puppet(NULL), look_up, &n);
    CHECK(weft_ref_same(n.ref, a));
    sim_do(a, stop_now, NULL);
    sim_do(sim_puppet(NULL), look_up, &n);
    CHECK(weft_ref_is_nobody(n.ref));
    sim_do(sim_puppet(NULL), take, &n); /* a name that was used can be used again */
    CHECK_OK(n.err);
}

static void a_name_of_another_system_is_gone(void)
{
    naming n = {.ref = {.home = 0xFFFEU, .slot = 12345}};
    sim_do(sim_puppet(NULL), tell_it, &n);
    CHECK_ERR(n.err, WEFT_EGONE);
    n.ref.slot = UINT32_MAX;
    sim_do(sim_puppet(NULL), tell_it, &n);
    CHECK_ERR(n.err, WEFT_EGONE);
    n.ref = (weft_ref){.home = 0xFFFDU, .slot = UINT32_MAX};
    sim_do(sim_puppet(NULL), tell_it, &n);
    CHECK_ERR(n.err, WEFT_EGONE);
}

/* ---- references */

static void references_are_compared_and_printed(void)
{
    char text[WEFT_REF_TEXT_BYTES];
    weft_ref a = sim_puppet(NULL), b = sim_puppet(NULL);
    CHECK(weft_ref_same(a, a));
    CHECK(!weft_ref_same(a, b));
    CHECK(weft_ref_is_nobody(WEFT_NOBODY));
    CHECK(!weft_ref_is_nobody(a));
    CHECK(weft_ref_kind_of(a) == WEFT_REF_ACTOR);
    CHECK(weft_ref_kind_of(WEFT_NOBODY) == WEFT_REF_NOBODY);
    CHECK_STR(weft_ref_print(WEFT_NOBODY, text), "nobody");
    CHECK_STR(weft_ref_print((weft_ref){.home = 1, .slot = 17, .gen = 3}, text), "<0.17.3>");
    CHECK_STR(weft_ref_print((weft_ref){.home = 0xFFFEU, .slot = 17}, text), "name:17");
    CHECK_STR(weft_ref_print((weft_ref){.home = 0xFFFDU, .slot = 3}, text), "group:3");
    CHECK(strlen(weft_ref_print((weft_ref){UINT64_MAX, UINT32_MAX, UINT32_MAX}, text)) <
          sizeof text);
}

static void names_are_listed_with_who_has_them(void)
{
    char name[WEFT_NAME_BYTES];
    weft_ref who, a = sim_puppet(NULL), b = sim_puppet(NULL);
    uint32_t cursor = 0;
    CHECK(!weft_names_next(weft_sim_system(sim), &cursor, name, &who));
    sim_do(a, take, &(naming){.name = "first"});
    sim_do(b, take, &(naming){.name = "gone"});
    sim_do(a, take, &(naming){.name = "last"});
    sim_do(b, stop_now, NULL);
    CHECK(weft_names_next(weft_sim_system(sim), &cursor, name, &who));
    CHECK_STR(name, "first");
    CHECK(weft_ref_same(who, a));
    CHECK(weft_names_next(weft_sim_system(sim), &cursor, name, &who));
    CHECK_STR(name, "last");
    CHECK(!weft_names_next(weft_sim_system(sim), &cursor, name, &who));
}

static const test_case cases[] = {
    TEST(a_name_is_resolved_where_it_is_used),  TEST(a_name_that_is_taken_is_refused),
    TEST(the_names_of_an_actor_go_with_it),     TEST(names_that_are_not_valid_are_refused),
    TEST(what_is_only_looked_up_takes_no_room), TEST(names_beyond_names_max_are_refused),
    TEST(a_name_of_another_system_is_gone),     TEST(names_are_listed_with_who_has_them),
    TEST(references_are_compared_and_printed),  {0},
};

const test_suite names_suite = {
    .name = "runtime/names", .before = sim_one, .after = sim_done, .cases = cases};
