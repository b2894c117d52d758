/* SPDX-License-Identifier: MIT */
/* A crowd on an SSH server, over a wire with faults: each logs in, runs commands that say back what they read, and
 * tries again what failed.
 *
 * - what a command that ended well said is whole, and each is answered once
 * - what failed says why, and neither end keeps anything of it */
#include <string.h>

#include "protocols/ssh_world.h"
#include "random.h"

enum { PEOPLE = 200, COMMANDS = 3, TRIES_MAX = 12, INPUT_BYTES_MAX = 20000, LONG_MS = 3600000 };

typedef struct person {
    uint32_t number;
    weft_ref client;
    unsigned asked, answered, done, failed;
} person;

static person people[PEOPLE];

static size_t compose(const person *p, char *to)
{
    test_random r = {.state = (uint64_t)p->number << 8 | p->done};
    size_t n = test_below(&r, test_below(&r, 6) == 0 ? INPUT_BYTES_MAX : 300);
    for (size_t i = 0; i < n; i++)
        to[i] = (char)('a' + test_below(&r, 26));
    return n;
}

static void run_next(weft_actor *self, person *p);

static weft_err on_answer(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    static char expected[INPUT_BYTES_MAX];
    person *p = (person *)(uintptr_t)weft_config(self);
    (void)next;
    p->answered++;
    CHECK_U64(p->answered, p->asked);
    if (got->err != WEFT_OK) {
        CHECK(got->why[0] != '\0');
        p->failed++;
    } else {
        const weft_ssh_result *r = got->body;
        size_t n = compose(p, expected);
        /* a host that goes away before it says how a command ended has not said that it went well */
        if (r->code == 0) {
            CHECK(r->output.size == n && (n == 0 || memcmp(r->output.at, expected, n) == 0));
            p->done++;
        } else
            p->failed++;
    }
    if (p->done < COMMANDS && p->failed < TRIES_MAX)
        run_next(self, p);
    return WEFT_OK;
}

static void run_next(weft_actor *self, person *p)
{
    static char input[INPUT_BYTES_MAX];
    size_t n = compose(p, input);
    p->asked++;
    weft_deferred d = weft_ssh_run(
        self, p->client,
        &(weft_ssh_call){.command = "cat", .input = {.at = (const uint8_t *)input, .size = n}});
    (void)weft_ignore(self, weft_finally(self, d, on_answer));
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    person *p = (person *)(uintptr_t)weft_config(self);
    (void)msg;
    p->client = weft_spawn(self, &weft_ssh_client, &ssh.client);
    if (weft_ref_is_nobody(p->client))
        return WEFT_ENOMEM;
    run_next(self, p);
    return WEFT_OK;
}

static const weft_handler rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour user = {.name = "user", .handlers = rows};

/* Gives how many commands were done. */
static unsigned crowd(uint64_t seed, weft_sim_faults faults)
{
    unsigned done = 0;
    memset(people, 0, sizeof people);
    ssh_world_open(&(weft_sim_options){.seed = seed, .system.reactors = 3, .faults = faults});
    for (uint32_t i = 0; i < PEOPLE; i++) {
        people[i].number = i;
        CHECK(!weft_ref_is_nobody(
            weft_system_spawn(weft_sim_system(ssh.sim), i % 3, &user, &people[i])));
    }
    weft_sim_advance(ssh.sim, LONG_MS);
    for (uint32_t i = 0; i < PEOPLE; i++) {
        CHECK_U64(people[i].answered, people[i].asked);
        CHECK(people[i].done == COMMANDS || people[i].failed == TRIES_MAX);
        done += people[i].done;
    }
    CHECK_STR(weft_sim_failure(ssh.sim), "");
    ssh_world_close();
    return done;
}

static void a_crowd_on_a_good_wire(void)
{
    CHECK_U64(crowd(1, (weft_sim_faults){.latency_ms_max = 20}), PEOPLE * COMMANDS);
}

static void a_crowd_on_a_wire_that_cuts_and_loses(void)
{
    unsigned failed = 0;
    unsigned done = crowd(2, (weft_sim_faults){.latency_ms_max = 30,
                                               .lost = 5000,
                                               .refused = 20000,
                                               .short_read = 200000,
                                               .short_write = 200000});
    for (uint32_t i = 0; i < PEOPLE; i++)
        failed += people[i].failed;
    CHECK(done > PEOPLE * COMMANDS * 3 / 4);
    CHECK(failed > 0);
}

static const test_case cases[] = {
    TEST(a_crowd_on_a_good_wire),
    TEST(a_crowd_on_a_wire_that_cuts_and_loses),
    {0},
};
const test_suite ssh_crowd_suite = {
    .name = "sim/ssh_crowd", .cases = cases, .before = ssh_world_before, .after = ssh_world_after};
