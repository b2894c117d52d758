/* SPDX-License-Identifier: MIT */
/* One resolver asked from several threads, which share its answers. */
#include <stdatomic.h>
#include <weft/resolver.h>

#include "actors/fake_dns.h"
#include "check.h"

enum { REACTORS = 4, ASKS = 300, NAMES = 7 };

static fake_dns server;
static atomic_uint right, finished;

static fake_dns_how answer(const weft_dns_question *q, bool tcp, weft_dns_writer *w, uint8_t *rcode)
{
    (void)tcp, (void)rcode;
    fake_dns_address(w, q->name, 60, q->type == WEFT_DNS_A ? "192.0.2.5" : "2001:db8::5");
    return FAKE_ANSWER;
}

typedef struct asker {
    unsigned asked;
} asker;
typedef struct go {
    char nothing;
} go;
static const weft_type go_type = WEFT_TYPE("test.go", go, NULL);

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const asker *a = weft_state(self);
    const weft_resolver_answer *found = got->body;
    (void)msg;
    if (got->err == WEFT_OK && found->n == 2 && found->records[0].address.ip[15] == 5 &&
        found->records[1].address.ip[3] == 5)
        atomic_fetch_add(&right, 1);
    if (a->asked < ASKS)
        return weft_tell(self, weft_self(self), go, .nothing = 0);
    if (atomic_fetch_add(&finished, 1) + 1 == REACTORS)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_go(weft_actor *self, weft_msg *msg)
{
    asker *a = weft_state(self);
    char name[32];
    (void)snprintf(name, sizeof name, "n%u.test", a->asked++ % NAMES);
    return weft_when(msg, weft_resolver_addresses(self, name), on_answer);
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_go}, {.type = &go_type, .fn = on_go}, {0}};
static const weft_behaviour behaviour = {
    .name = "asker", .handlers = rows, .state_bytes = sizeof(asker)};

static void run(void)
{
    static char servers[32];
    weft_system *sys = weft_system_new(&(weft_system_options){
        .reactors = REACTORS, .log_level = WEFT_ERROR, .log_level_set = true});
    REQUIRE(sys != NULL);
    atomic_store(&right, 0);
    atomic_store(&finished, 0);
    server = (fake_dns){.answer = answer};
    fake_dns_open(&server, 1);
    REQUIRE(!weft_ref_is_nobody(weft_system_spawn(sys, REACTORS - 1, &fake_dns_server, &server)));
    (void)snprintf(servers, sizeof servers, "127.0.0.1:%u", server.port);
    CHECK_OK(weft_resolver_use(sys, &(weft_resolver_options){.servers = servers, .hosts = ""}));
    for (unsigned i = 0; i < REACTORS; i++)
        REQUIRE(!weft_ref_is_nobody(weft_system_spawn(sys, i, &behaviour, NULL)));
    CHECK_I64(weft_run(&sys), 0);
    CHECK_U64(atomic_load(&finished), REACTORS);
}

static void threads_that_ask_one_resolver_share_its_answers(void)
{
    run();
    CHECK_U64(atomic_load(&right), REACTORS * ASKS);
    CHECK_U64(server.udp, 2 * NAMES);
}

static const test_case cases[] = {
    TEST(threads_that_ask_one_resolver_share_its_answers),
    {0},
};

const test_suite resolver_threads_suite = {
    .name = "actors/resolver_threads", .cases = cases, .threads = true};
