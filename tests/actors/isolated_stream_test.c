/* SPDX-License-Identifier: MIT */
/* Streams to children in processes of their own, which send back what comes: real ones, and simulated ones. */
#include "isolated_kit.h"

#include <weft/net.h>
#include <weft/stream.h>
#include <weft/testing_isolated.h>

enum { TOTAL = 2 << 20, SMALL = 20000 };

/* Asked of an actor: to send so much to the child "first", and to say what came back. */
typedef struct job {
    uint64_t total, kill_at; /* so much has come back: the child is killed; 0: it is not */
    bool given;              /* the stream is one of this process, whose other end is handed over */
} job;
typedef struct job_done {
    uint64_t got, wrong;
    weft_err reason;
} job_done;
static const weft_type job_done_type = WEFT_TYPE("test.job_done", job_done, NULL);
static const weft_type job_type = WEFT_TYPE("test.job", job, &job_done_type);

typedef struct sender {
    job job;
    job_done done;
    uint64_t sent;
    bool ended;
    weft_ref stream;
    weft_msg *asked;
} sender;

static uint8_t byte_at(uint64_t at)
{
    return (uint8_t)(at * 31 + (at >> 8));
}

static weft_err finish(weft_actor *self, weft_err reason)
{
    sender *s = weft_state(self);
    s->done.reason = reason;
    (void)weft_reply_body(s->asked, &job_done_type, &s->done);
    weft_drop(&s->asked);
    return WEFT_OK;
}

static weft_err on_made(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    return got->err != WEFT_OK ? finish(self, got->err) : WEFT_OK;
}

static weft_err give(weft_actor *self, weft_ref first)
{
    weft_ref end[2];
    weft_err err = weft_pair(self, weft_self(self), weft_self(self), end);
    if (err == WEFT_OK)
        err = weft_hand_over(self, end[1], first, WEFT_NO_BYTES);
    return err;
}

static weft_err on_job(weft_actor *self, weft_msg *msg)
{
    sender *s = weft_state(self);
    weft_ref first = weft_named(self, "first");
    *s = (sender){.job = *(const job *)weft_body(msg), .asked = weft_keep(msg)};
    if (s->job.given)
        return give(self, first);
    return weft_when(msg, weft_node_stream(self, first), on_made);
}

static weft_err send_some(weft_actor *self, sender *s)
{
    uint8_t bytes[4096];
    while (s->sent < s->job.total) {
        size_t n =
            s->job.total - s->sent < sizeof bytes ? (size_t)(s->job.total - s->sent) : sizeof bytes;
        for (size_t i = 0; i < n; i++)
            bytes[i] = byte_at(s->sent + i);
        if (weft_write_copy(self, s->stream, bytes, n) != WEFT_OK)
            return WEFT_OK;
        s->sent += n;
    }
    if (!s->ended)
        (void)weft_end(self, s->stream);
    s->ended = true;
    return WEFT_OK;
}

/* The first that opens is the one that is written to. */
static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    sender *s = weft_state(self);
    if (!weft_ref_is_nobody(s->stream))
        return WEFT_OK; /* the end that is about to be handed over */
    s->stream = ((const weft_opened *)weft_body(msg))->stream;
    return send_some(self, s);
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return send_some(self, weft_state(self));
}

static weft_err on_killed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg, (void)got;
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    sender *s = weft_state(self);
    weft_bytes bytes = ((const weft_data *)weft_body(msg))->bytes;
    for (size_t i = 0; i < bytes.size; i++)
        s->done.wrong += bytes.at[i] != byte_at(s->done.got + i);
    s->done.got += bytes.size;
    if (s->job.kill_at == 0 || s->done.got < s->job.kill_at)
        return WEFT_OK;
    s->job.kill_at = 0;
    return weft_when(msg, weft_ask(self, weft_named(self, "first"), count, .n = ORDER_KILL),
                     on_killed);
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    return weft_close(self, ((const weft_ended *)weft_body(msg))->stream);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const sender *s = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    return weft_ref_same(closed->stream, s->stream) && s->asked != NULL
               ? finish(self, closed->reason)
               : WEFT_OK;
}

static void sender_ended(weft_actor *self, weft_err reason)
{
    (void)reason;
    weft_drop(&((sender *)weft_state(self))->asked);
}

static const weft_handler sender_rows[] = {
    {.type = &job_type, .fn = on_job},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour sender_behaviour = {.name = "sender",
                                                .handlers = sender_rows,
                                                .state_bytes = sizeof(sender),
                                                .ended = sender_ended};

/* ---- real processes */

static job_done do_job(weft_actor *self, weft_ref who, job what)
{
    const weft_outcome *got =
        weft_await(self, weft_ask_body(self, who, &job_type, &what, ISOLATED_LIMIT_MS));
    CHECK_OK(got->err);
    return got->err == WEFT_OK ? *(const job_done *)got->body : (job_done){.got = 0};
}

static void check_echoed(job_done done, uint64_t total)
{
    CHECK_U64(done.got, total);
    CHECK_U64(done.wrong, 0);
    CHECK_ERR(done.reason, WEFT_EDONE);
}

static void send_to_it(weft_actor *self)
{
    weft_ref who = weft_spawn(self, &sender_behaviour, NULL);
    CHECK_U64(isolated_value(self, "first", 1), 2);
    check_echoed(do_job(self, who, (job){.total = TOTAL}), TOTAL);
    check_echoed(do_job(self, who, (job){.total = TOTAL, .given = true}), TOTAL);
    CHECK_U64(isolated_value(self, "first", 1), 2);
}

static void a_stream_goes_to_a_child_in_its_process_and_back(void)
{
    isolated_run("two", send_to_it, NULL);
}

static void kill_it_meanwhile(weft_actor *self)
{
    weft_ref who = weft_spawn(self, &sender_behaviour, NULL);
    uint64_t pid = isolated_value(self, "first", ORDER_PID);
    job_done done = do_job(self, who, (job){.total = 64 * (uint64_t)TOTAL, .kill_at = TOTAL / 4});
    CHECK_ERR(done.reason, WEFT_ELOST);
    CHECK_U64(done.wrong, 0);
    CHECK(isolated_value(self, "first", ORDER_PID) != pid);
    check_echoed(do_job(self, who, (job){.total = TOTAL}), TOTAL);
}

static void a_child_that_is_killed_ends_its_streams(void)
{
    isolated_run("two", kill_it_meanwhile, NULL);
}

/* ---- simulated ones */

static weft_sim *first_system, *sim;

static const job_done *sim_job(weft_ref who, job what)
{
    const weft_outcome *got = weft_sim_ask_body(sim, who, &job_type, &what, ISOLATED_LIMIT_MS);
    CHECK_OK(got->err);
    REQUIRE(got->err == WEFT_OK);
    return got->body;
}

static void so_it_does_in_the_simulated_world_and_is_killed_there(void)
{
    weft_why why = {""};
    first_system = weft_sim_new(&(weft_sim_options){.seed = 5, .faults = {.latency_ms_max = 3}});
    REQUIRE(first_system != NULL);
    sim = weft_sim_new(&(weft_sim_options){.beside = first_system});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_isolated_begin(weft_sim_system(sim), isolated_tree("two"), NULL, &why));
    CHECK(
        !weft_ref_is_nobody(weft_sim_spawn(sim, &weft_supervisor_behaviour, isolated_tree("two"))));
    weft_ref who = weft_sim_spawn(sim, &sender_behaviour, NULL);
    weft_sim_advance(first_system, 100);
    check_echoed(*sim_job(who, (job){.total = SMALL}), SMALL);
    check_echoed(*sim_job(who, (job){.total = SMALL, .given = true}), SMALL);
    job body = {.total = 100 * (uint64_t)TOTAL};
    CHECK_OK(weft_sim_tell_body(sim, who, &job_type, &body));
    weft_sim_advance(first_system, 50);
    CHECK(weft_sim_isolated_kill(sim, "first"));
    weft_sim_advance(first_system, 5000);
    const sender *s = weft_sim_state(sim, who);
    REQUIRE(s != NULL);
    CHECK(s->asked == NULL);
    CHECK_ERR(s->done.reason, WEFT_ELOST);
    CHECK(s->done.got != 0);
    CHECK_U64(s->done.wrong, 0);
    CHECK_STR(weft_sim_failure(sim), "");
    CHECK_U64(weft_sim_free(&sim), 0);
    weft_sim_advance(first_system, 100);
    CHECK_U64(weft_sim_free(&first_system), 0);
}

static const test_case cases[] = {
    TEST(a_stream_goes_to_a_child_in_its_process_and_back),
    TEST(a_child_that_is_killed_ends_its_streams),
    TEST(so_it_does_in_the_simulated_world_and_is_killed_there),
    {0},
};
const test_suite isolated_stream_suite = {
    .name = "actors/isolated_stream", .cases = cases, .threads = true};
