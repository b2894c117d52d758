/* SPDX-License-Identifier: MIT */
/* The resolver in virtual time: what it asks, what it keeps, and the limits. */
#include "runtime/kit.h"

#include <weft/resolver.h>
#include <weft/testing_names.h>

enum { ASKS = 64 };

/* What one question came to. */
typedef struct result {
    const char *name;
    weft_dns_type type; /* 0: all addresses */
    unsigned fired;
    weft_err err;
    char why[WEFT_WHY_BYTES];
    char text[512]; /* the records, spaces between */
    uint32_t ttl_s, at_ms;
} result;

static result results[ASKS];
static weft_ref asker;

static void print_record(char *to, size_t room, const weft_resolver_record *r)
{
    char address[WEFT_ADDRESS_TEXT_BYTES];
    switch (r->type) {
    case WEFT_DNS_A:
    case WEFT_DNS_AAAA:
        (void)snprintf(to, room, "%s", weft_address_host(&r->address, address));
        break;
    case WEFT_DNS_SRV:
        (void)snprintf(to, room, "%u/%u/%u/%s", r->priority, r->weight, r->port, r->host);
        break;
    case WEFT_DNS_MX:
        (void)snprintf(to, room, "%u/%s", r->priority, r->host);
        break;
    default:
        (void)snprintf(to, room, "%.*s", r->host != NULL ? 255 : (int)r->data_bytes,
                       r->host != NULL ? r->host : (const char *)r->data);
    }
}

static weft_err on_result(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    result *r = ((const act *)weft_body(msg))->with;
    r->fired++;
    r->err = got->err;
    r->at_ms = weft_now_ms(self);
    (void)snprintf(r->why, sizeof r->why, "%s", got->why);
    if (got->err != WEFT_OK)
        return WEFT_OK;
    CHECK(got->type == &weft_resolver_answer_type);
    const weft_resolver_answer *answer = got->body;
    (void)snprintf(r->text, sizeof r->text, "%s:", answer->name);
    r->ttl_s = answer->ttl_s;
    for (uint32_t i = 0; i < answer->n; i++) {
        size_t n = strlen(r->text);
        r->text[n++] = ' ';
        print_record(r->text + n, sizeof r->text - n, &answer->records[i]);
    }
    return WEFT_OK;
}

static weft_err ask(weft_actor *self, weft_msg *msg, void *with)
{
    result *r = with;
    return weft_when(msg,
                     r->type == 0 ? weft_resolver_addresses(self, r->name)
                                  : weft_resolver_ask(self, r->name, r->type),
                     on_result);
}

/* Begins question @i. */
static result *begin(unsigned i, const char *name, weft_dns_type type)
{
    results[i] = (result){.name = name, .type = type};
    sim_do(asker, ask, &results[i]);
    return &results[i];
}

/* And waits for what it comes to. */
static result *look_up(const char *name, weft_dns_type type)
{
    result *r = begin(0, name, type);
    for (unsigned ms = 0; ms < 60000 && r->fired == 0; ms += 10)
        weft_sim_advance(sim, 10);
    CHECK_U64(r->fired, 1);
    return r;
}

static void world(const weft_sim_name *rows)
{
    sim_of(1);
    asker = sim_puppet(NULL);
    CHECK_OK(weft_sim_names(sim, rows));
}

static void world_with(const weft_sim_name *rows, const weft_resolver_options *options)
{
    world(rows);
    CHECK_OK(weft_resolver_use(weft_sim_system(sim), options));
}

static const weft_sim_name names[] = {
    {"a.example", WEFT_DNS_A, "192.0.2.1", .ttl_s = 300},
    {"a.example", WEFT_DNS_A, "192.0.2.2", .ttl_s = 200},
    {"a.example", WEFT_DNS_AAAA, "2001:db8::1", .ttl_s = 100},
    {"a.example", WEFT_DNS_AAAA, "2001:db8::2", .ttl_s = 100},
    {"v4.example", WEFT_DNS_A, "192.0.2.4", .ttl_s = 300},
    {"www.example", WEFT_DNS_CNAME, "alias.example", .ttl_s = 50},
    {"alias.example", WEFT_DNS_CNAME, "a.example", .ttl_s = 60},
    {"mail.example", WEFT_DNS_MX, "10 mx1.example", .ttl_s = 300},
    {"mail.example", WEFT_DNS_MX, "20 mx2.example", .ttl_s = 300},
    {"mail.example", WEFT_DNS_TXT, "v=spf1 -all", .ttl_s = 300},
    {"_x._tcp.example", WEFT_DNS_SRV, "1 2 443 a.example", .ttl_s = 300},
    {"1.2.0.192.in-addr.arpa", WEFT_DNS_PTR, "a.example", .ttl_s = 300},
    {"slow.example", WEFT_DNS_A, "192.0.2.9", .ttl_s = 300, .delay_ms = 500},
    {"fails.example", WEFT_DNS_A, .failure = WEFT_EUNREACHABLE},
    {"silent.example", WEFT_DNS_A, .delay_ms = 5000, .failure = WEFT_ETIMEDOUT},
    {"garbage.example", WEFT_DNS_A, .failure = WEFT_EPROTO},
    {"half.example", WEFT_DNS_A, "192.0.2.5", .ttl_s = 300},
    {"half.example", WEFT_DNS_AAAA, .delay_ms = 100, .failure = WEFT_EUNREACHABLE},
    {"loop.example", WEFT_DNS_CNAME, "loop.example", .ttl_s = 300},
    {"zero.example", WEFT_DNS_A, "192.0.2.7", .ttl_s = 0},
    {"day.example", WEFT_DNS_A, "192.0.2.8", .ttl_s = 1000000},
    {0},
};

static void check(const char *name, weft_dns_type type, const char *text)
{
    const result *r = look_up(name, type);
    CHECK_ERR(r->err, WEFT_OK);
    CHECK_STR(r->text, text);
}

static void check_fails(const char *name, weft_dns_type type, weft_err err, const char *word)
{
    const result *r = look_up(name, type);
    CHECK_ERR(r->err, err);
    if (strstr(r->why, word) == NULL)
        CHECK_STR(r->why, word);
}

static void records_of_each_type_are_looked_up(void)
{
    world(names);
    check("a.example", WEFT_DNS_A, "a.example: 192.0.2.1 192.0.2.2");
    check("A.Example.", WEFT_DNS_AAAA, "a.example: 2001:db8::1 2001:db8::2");
    check("mail.example", WEFT_DNS_MX, "mail.example: 10/mx1.example 20/mx2.example");
    check("mail.example", WEFT_DNS_TXT, "mail.example: v=spf1 -all");
    check("_x._tcp.example", WEFT_DNS_SRV, "_x._tcp.example: 1/2/443/a.example");
    check("1.2.0.192.in-addr.arpa", WEFT_DNS_PTR, "1.2.0.192.in-addr.arpa: a.example");
    check("www.example", WEFT_DNS_CNAME, "www.example: alias.example");
}

static void aliases_are_followed_and_the_least_ttl_holds(void)
{
    world(names);
    check("www.example", WEFT_DNS_A, "a.example: 192.0.2.1 192.0.2.2");
    CHECK_U64(results[0].ttl_s, 50);
    check_fails("loop.example", WEFT_DNS_A, WEFT_EPROTO, "alias");
}

static void all_addresses_come_in_the_order_to_try_them(void)
{
    world(names);
    check("a.example", 0, "a.example: 2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2");
    CHECK_U64(results[0].ttl_s, 100);
    check("v4.example", 0, "v4.example: 192.0.2.4");
    check("half.example", 0, "half.example: 192.0.2.5");
    check("localhost", 0, "localhost: ::1 127.0.0.1");
    check_fails("nobody.example", 0, WEFT_ENONAME, "nobody.example");
    check_fails("fails.example", 0, WEFT_EUNREACHABLE, "SERVFAIL");
}

static void what_does_not_come_is_told_by_its_reason(void)
{
    world(names);
    check_fails("nobody.example", WEFT_DNS_A, WEFT_ENONAME, "\"nobody.example\" has no A record");
    check_fails("v4.example", WEFT_DNS_AAAA, WEFT_ENONAME, "no AAAA record");
    check_fails("fails.example", WEFT_DNS_A, WEFT_EUNREACHABLE, "SERVFAIL");
    check_fails("silent.example", WEFT_DNS_A, WEFT_ETIMEDOUT, "no name server answered");
    check_fails("garbage.example", WEFT_DNS_A, WEFT_ETRUNCATED, "no header");
    check_fails("a..b", WEFT_DNS_A, WEFT_EINVAL, "label is empty");
    check_fails("a.example", WEFT_DNS_SOA, WEFT_EUNSUPPORTED, "SOA");
    char name[300];
    memset(name, 'a', sizeof name);
    name[299] = '\0';
    check_fails(name, WEFT_DNS_A, WEFT_EINVAL, "255");
}

static void what_needs_no_server_is_not_asked(void)
{
    world(names);
    check("192.0.2.77", WEFT_DNS_A, "192.0.2.77: 192.0.2.77");
    check("2001:db8::77", WEFT_DNS_AAAA, "2001:db8::77: 2001:db8::77");
    check("localhost", WEFT_DNS_A, "localhost: 127.0.0.1");
    check("db.localhost.", WEFT_DNS_AAAA, "db.localhost: ::1");
    check("1.0.0.127.in-addr.arpa", WEFT_DNS_PTR, "1.0.0.127.in-addr.arpa: localhost");
    check_fails("192.0.2.77", WEFT_DNS_AAAA, WEFT_ENONAME, "192.0.2.77");
    check_fails("localhost", WEFT_DNS_MX, WEFT_ENONAME, "localhost");
    check_fails("nowhere.invalid", WEFT_DNS_A, WEFT_ENONAME, "nowhere.invalid");
    check_fails("x.onion", WEFT_DNS_A, WEFT_ENONAME, "x.onion");
    CHECK_U64(weft_sim_names_asked(sim), 0);
    /* only whole labels count */
    check_fails("notlocalhost", WEFT_DNS_A, WEFT_ENONAME, "notlocalhost");
    CHECK_U64(weft_sim_names_asked(sim), 1);
}

/* ---- what is kept */

static void an_answer_is_kept_for_its_ttl_and_counts_down(void)
{
    world(names);
    check("a.example", WEFT_DNS_A, "a.example: 192.0.2.1 192.0.2.2");
    CHECK_U64(results[0].ttl_s, 200);
    weft_sim_advance(sim, 150 * 1000);
    check("a.example", WEFT_DNS_A, "a.example: 192.0.2.1 192.0.2.2");
    CHECK_U64(results[0].ttl_s, 50);
    CHECK_U64(weft_sim_names_asked(sim), 1);
    weft_sim_advance(sim, 50 * 1000);
    check("a.example", WEFT_DNS_A, "a.example: 192.0.2.1 192.0.2.2");
    CHECK_U64(weft_sim_names_asked(sim), 2);
}

static void that_there_is_nothing_is_kept_as_long_as_the_zone_says(void)
{
    world(names);
    for (int i = 0; i < 3; i++)
        check_fails("nobody.example", WEFT_DNS_A, WEFT_ENONAME, "nobody");
    CHECK_U64(weft_sim_names_asked(sim), 1);
    weft_sim_advance(sim, WEFT_SIM_NAME_NONE_S * 1000);
    check_fails("nobody.example", WEFT_DNS_A, WEFT_ENONAME, "nobody");
    CHECK_U64(weft_sim_names_asked(sim), 2);
    /* that a server failed says nothing about the name */
    check_fails("fails.example", WEFT_DNS_A, WEFT_EUNREACHABLE, "SERVFAIL");
    check_fails("fails.example", WEFT_DNS_A, WEFT_EUNREACHABLE, "SERVFAIL");
    CHECK_U64(weft_sim_names_asked(sim), 4);
}

static void ttls_are_bounded(void)
{
    world_with(names,
               &(weft_resolver_options){.ttl_min_s = 10, .ttl_max_s = 1000, .negative_max_s = 20});
    check("zero.example", WEFT_DNS_A, "zero.example: 192.0.2.7");
    CHECK_U64(results[0].ttl_s, 10);
    check("day.example", WEFT_DNS_A, "day.example: 192.0.2.8");
    CHECK_U64(results[0].ttl_s, 1000);
    check_fails("nobody.example", WEFT_DNS_A, WEFT_ENONAME, "nobody");
    weft_sim_advance(sim, 20 * 1000);
    check_fails("nobody.example", WEFT_DNS_A, WEFT_ENONAME, "nobody");
    CHECK_U64(weft_sim_names_asked(sim), 4);
    /* a TTL of zero is not kept by default */
    world(names);
    check("zero.example", WEFT_DNS_A, "zero.example: 192.0.2.7");
    check("zero.example", WEFT_DNS_A, "zero.example: 192.0.2.7");
    CHECK_U64(weft_sim_names_asked(sim), 2);
    check("day.example", WEFT_DNS_A, "day.example: 192.0.2.8");
    CHECK_U64(results[0].ttl_s, 86400);
}

static void a_full_cache_forgets_what_was_not_used_for_longest(void)
{
    world_with(names, &(weft_resolver_options){.cache_max = 2});
    check("v4.example", WEFT_DNS_A, "v4.example: 192.0.2.4");
    check("half.example", WEFT_DNS_A, "half.example: 192.0.2.5");
    check("v4.example", WEFT_DNS_A, "v4.example: 192.0.2.4");
    check("day.example", WEFT_DNS_A, "day.example: 192.0.2.8"); /* half.example goes */
    CHECK_U64(weft_sim_names_asked(sim), 3);
    check("v4.example", WEFT_DNS_A, "v4.example: 192.0.2.4");
    CHECK_U64(weft_sim_names_asked(sim), 3);
    check("half.example", WEFT_DNS_A, "half.example: 192.0.2.5");
    CHECK_U64(weft_sim_names_asked(sim), 4);
}

/* ---- several at once */

static void the_same_question_is_sent_once(void)
{
    world(names);
    for (unsigned i = 0; i < 5; i++)
        (void)begin(i, i % 2 == 0 ? "slow.example" : "SLOW.example.", WEFT_DNS_A);
    CHECK_U64(weft_sim_names_asked(sim), 1);
    weft_sim_advance(sim, 499);
    CHECK_U64(results[0].fired, 0);
    weft_sim_advance(sim, 1);
    for (unsigned i = 0; i < 5; i++) {
        CHECK_U64(results[i].fired, 1);
        CHECK_STR(results[i].text, "slow.example: 192.0.2.9");
    }
    CHECK_U64(weft_sim_names_asked(sim), 1);
}

static void more_questions_or_requests_than_the_limits_are_refused(void)
{
    world_with(names, &(weft_resolver_options){.questions_max = 1, .waiting_max = 3});
    (void)begin(0, "slow.example", WEFT_DNS_A);
    (void)begin(1, "silent.example", WEFT_DNS_A);
    CHECK_ERR(results[1].err, WEFT_EFULL);
    CHECK(strstr(results[1].why, "questions_max") != NULL);
    (void)begin(2, "slow.example", WEFT_DNS_A);
    (void)begin(3, "slow.example", WEFT_DNS_A);
    (void)begin(4, "slow.example", WEFT_DNS_A);
    CHECK_ERR(results[4].err, WEFT_EFULL);
    CHECK(strstr(results[4].why, "waiting_max") != NULL);
    weft_sim_advance(sim, 500);
    CHECK_U64(results[0].fired + results[2].fired + results[3].fired, 3);
    (void)begin(5, "v4.example", WEFT_DNS_A);
    weft_sim_advance(sim, 1);
    CHECK_STR(results[5].text, "v4.example: 192.0.2.4");
}

static weft_err ask_briefly(weft_actor *self, weft_msg *msg, void *with)
{
    result *r = with;
    return weft_when(msg, weft_within(self, weft_resolver_ask(self, r->name, r->type), 100),
                     on_result);
}

static void an_asker_that_gives_up_leaves_the_others_waiting(void)
{
    world(names);
    results[1] = (result){.name = "slow.example", .type = WEFT_DNS_A};
    (void)begin(0, "slow.example", WEFT_DNS_A);
    sim_do(asker, ask_briefly, &results[1]);
    (void)begin(2, "slow.example", WEFT_DNS_A);
    weft_sim_advance(sim, 100);
    CHECK_U64(results[1].fired, 1);
    CHECK_ERR(results[1].err, WEFT_ETIMEDOUT);
    weft_sim_advance(sim, 400);
    CHECK_STR(results[0].text, "slow.example: 192.0.2.9");
    CHECK_STR(results[2].text, "slow.example: 192.0.2.9");
}

static void a_question_that_nobody_waits_for_any_more_still_fills_the_cache(void)
{
    world(names);
    results[1] = (result){.name = "slow.example", .type = WEFT_DNS_A};
    sim_do(asker, ask_briefly, &results[1]);
    weft_sim_advance(sim, 600);
    CHECK_ERR(results[1].err, WEFT_ETIMEDOUT);
    check("slow.example", WEFT_DNS_A, "slow.example: 192.0.2.9");
    CHECK_U64(weft_sim_names_asked(sim), 1);
}

static void a_system_may_stop_while_questions_are_under_way(void)
{
    world(names);
    (void)begin(0, "slow.example", WEFT_DNS_A);
    (void)begin(1, "silent.example", WEFT_DNS_A);
    (void)begin(2, "slow.example", WEFT_DNS_A);
    sim_done();
    sim_one();
}

static weft_err look(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    *(weft_ref *)with = weft_lookup(self, WEFT_RESOLVER_NAME);
    return WEFT_OK;
}

static void a_killed_resolver_fails_its_askers_and_the_next_question_starts_another(void)
{
    weft_ref resolver = WEFT_NOBODY;
    world(names);
    (void)begin(0, "slow.example", WEFT_DNS_A);
    sim_do(asker, look, &resolver);
    CHECK(!weft_ref_is_nobody(resolver));
    CHECK_OK(weft_sim_kill(sim, resolver, WEFT_EINTERNAL));
    weft_sim_advance(sim, 1);
    CHECK_U64(results[0].fired, 1);
    CHECK_ERR(results[0].err, WEFT_ESTOPPING);
    check("slow.example", WEFT_DNS_A, "slow.example: 192.0.2.9");
}

static void all_reactors_share_one_resolver(void)
{
    sim_of(4);
    CHECK_OK(weft_sim_names(sim, names));
    for (unsigned i = 0; i < 4; i++) {
        asker = sim_puppet_on(i, NULL);
        results[i] = (result){.name = "slow.example", .type = WEFT_DNS_A};
        /* no step between: each finds that there is none yet */
        CHECK_OK(weft_system_tell(weft_sim_system(sim), asker, &act_type,
                                  &(act){.fn = ask, .with = &results[i]}));
    }
    weft_sim_advance(sim, 600);
    for (unsigned i = 0; i < 4; i++)
        CHECK_STR(results[i].text, "slow.example: 192.0.2.9");
    CHECK_U64(weft_sim_names_asked(sim), 1);
}

static void begin_anyhow(unsigned i, const char *name, weft_dns_type type)
{
    results[i] = (result){.name = name, .type = type};
    (void)weft_sim_tell(sim, asker, act, .fn = ask, .with = &results[i]);
}

static void look_some_up(void)
{
    memset(results, 0, sizeof results);
    sim = weft_sim_new(NULL);
    if (sim == NULL)
        return;
    if (weft_sim_names(sim, names) == WEFT_OK) {
        asker = weft_sim_spawn(sim, &puppet, NULL);
        begin_anyhow(0, "www.example", 0);
        begin_anyhow(1, "slow.example", WEFT_DNS_A);
        begin_anyhow(2, "slow.example", WEFT_DNS_A);
        begin_anyhow(3, "nobody.example", WEFT_DNS_A);
        weft_sim_advance(sim, 40000);
    }
    CHECK_U64(weft_sim_free(&sim), 0);
    for (unsigned i = 0; i < 4; i++)
        if (results[i].err == WEFT_OK && results[i].fired != 0)
            CHECK(results[i].text[0] != '\0');
}

static void whatever_memory_fails_no_asker_hangs_and_nothing_leaks(void)
{
    sim_done();
    look_some_up();
    CHECK_U64(results[0].fired + results[1].fired + results[2].fired + results[3].fired, 4);
    each_allocation_fails(look_some_up);
    sim_one();
}

static const test_case cases[] = {
    TEST(records_of_each_type_are_looked_up),
    TEST(aliases_are_followed_and_the_least_ttl_holds),
    TEST(all_addresses_come_in_the_order_to_try_them),
    TEST(what_does_not_come_is_told_by_its_reason),
    TEST(what_needs_no_server_is_not_asked),
    TEST(an_answer_is_kept_for_its_ttl_and_counts_down),
    TEST(that_there_is_nothing_is_kept_as_long_as_the_zone_says),
    TEST(ttls_are_bounded),
    TEST(a_full_cache_forgets_what_was_not_used_for_longest),
    TEST(the_same_question_is_sent_once),
    TEST(more_questions_or_requests_than_the_limits_are_refused),
    TEST(an_asker_that_gives_up_leaves_the_others_waiting),
    TEST(a_question_that_nobody_waits_for_any_more_still_fills_the_cache),
    TEST(a_system_may_stop_while_questions_are_under_way),
    TEST(a_killed_resolver_fails_its_askers_and_the_next_question_starts_another),
    TEST(all_reactors_share_one_resolver),
    TEST(whatever_memory_fails_no_asker_hangs_and_nothing_leaks),
    {0},
};

const test_suite resolver_suite = {
    .name = "actors/resolver", .before = sim_one, .after = sim_done, .cases = cases};
