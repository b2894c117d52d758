/* SPDX-License-Identifier: MIT */
/* Visits on real threads and descriptors: the connections of visitors live on any of a node's reactors. */
#include <weft/system.h>
#include <weft/visit.h>

#include <stdlib.h>
#include <unistd.h>

#include "check.h"

enum { VISITORS = 12, PINGS = 40 };

static struct {
    weft_visit visit;
    unsigned answered, failed, left;
} crowd;

static weft_err on_pinged(weft_actor *self, weft_msg *msg, const weft_outcome *got);

static weft_err ping(weft_actor *self, weft_msg *msg, weft_ref visitor)
{
    *(weft_ref *)weft_scratch_last(msg) = visitor;
    return weft_when(msg, weft_ask_within(self, visitor, 20000, weft_visit_ping, 0), on_pinged);
}

static weft_err on_pinged(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    weft_ref visitor = *(const weft_ref *)weft_scratch_last(msg);
    crowd.failed += got->err != WEFT_OK;
    if (got->err == WEFT_OK && ++crowd.answered % PINGS != 0)
        return ping(self, msg, visitor);
    if (--crowd.left == 0)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

/* One that visits, at its own pace. */
static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    weft_ref visitor = weft_spawn(self, &weft_visitor, &crowd.visit);
    if (weft_scratch(msg, sizeof visitor) == NULL)
        return WEFT_ENOMEM;
    return ping(self, msg, visitor);
}

static const weft_handler guest_rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour guest = {.name = "guest", .handlers = guest_rows};

static void visit_at(const char *url)
{
    const weft_node node = {.name = "n", .listen = url};
    weft_system *sys = weft_system_new(
        &(weft_system_options){.reactors = 3, .no_signals = true, .log_level = WEFT_ERROR});
    weft_why why = {""};
    REQUIRE(sys != NULL);
    crowd.visit = (weft_visit){.url = url, .name = "n"};
    crowd.answered = crowd.failed = 0;
    crowd.left = VISITORS;
    CHECK_OK(weft_node_begin(sys, &node, &why));
    CHECK_STR(why.text, "");
    for (unsigned i = 0; i < VISITORS; i++)
        CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &guest, NULL)));
    CHECK_U64((unsigned)weft_run(&sys), 0);
    CHECK_U64(crowd.answered, VISITORS * PINGS);
    CHECK_U64(crowd.failed, 0);
}

static void a_crowd_visits_a_node_of_three_reactors(void)
{
    char folder[] = P_tmpdir "/weft-visit-XXXXXX", url[64];
    REQUIRE(mkdtemp(folder) != NULL);
    (void)snprintf(url, sizeof url, "unix:%s/n", folder);
    visit_at(url);
    (void)snprintf(url, sizeof url, "nng+ipc:%s/m", folder);
    visit_at(url);
    CHECK(rmdir(folder) == 0);
}

static const test_case cases[] = {TEST(a_crowd_visits_a_node_of_three_reactors), {0}};

const test_suite visit_threads_suite = {
    .name = "actors/visit_threads", .cases = cases, .threads = true};
