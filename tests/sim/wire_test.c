/* SPDX-License-Identifier: MIT */
/* Streams over the simulated wire: an echo that gives back every byte or a reason, whatever
 * happens. */
#include "check.h"

#include <sys/mman.h>
#include <unistd.h>

#include <weft/net.h>
#include <weft/testing.h>

enum { SEEDS = 200, PIECE_MAX = 3000 };

/* ---- the server */

static weft_err echo_data(weft_actor *self, weft_msg *msg)
{
    return weft_write(self, weft_sender(msg), ((const weft_data *)weft_body(msg))->bytes);
}

static const weft_handler echo_handlers[] = {{.type = &weft_data_type, .fn = echo_data}, {0}};
static const weft_behaviour echo = {.name = "echo", .handlers = echo_handlers};

/* ---- the client: writes @bytes, ends, checks what comes back */

typedef struct transfer {
    const char *url;
    uint32_t bytes;
    /* what came of it */
    weft_ref stream;
    uint32_t written, back;
    unsigned opened, closed;
    bool wrong, ended;
    weft_err reason;
    char why[96];
    weft_address local, peer;
} transfer;

static uint8_t byte_at(uint32_t i)
{
    return (uint8_t)(i * 2654435761U >> 13);
}

static transfer *transfer_of(weft_actor *self)
{
    return (transfer *)(uintptr_t)weft_config(self);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    transfer *t = transfer_of(self);
    (void)msg;
    t->stream = weft_connect(self, t->url, weft_self(self));
    if (weft_ref_is_nobody(t->stream)) {
        t->closed = 1;
        t->reason = WEFT_ENOMEM;
    }
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    transfer *t = transfer_of(self);
    const weft_opened *opened = weft_body(msg);
    t->opened++;
    t->local = opened->local;
    t->peer = opened->peer;
    return weft_produce(self, opened->stream);
}

/* One piece a pull; what finds no room, or no memory, is tried again with the next. */
static weft_err on_pull(weft_actor *self, weft_msg *msg)
{
    transfer *t = transfer_of(self);
    const weft_pull *pull = weft_body(msg);
    uint8_t piece[PIECE_MAX];
    uint16_t size;
    if (t->written == t->bytes) {
        weft_produce_end(self, pull->stream);
        return weft_end(self, pull->stream);
    }
    weft_random(self, &size, sizeof size);
    uint32_t n = 1 + size % PIECE_MAX;
    n = n < t->bytes - t->written ? n : t->bytes - t->written;
    for (uint32_t i = 0; i < n; i++)
        piece[i] = byte_at(t->written + i);
    if (weft_write_copy(self, pull->stream, piece, n) == WEFT_OK)
        t->written += n;
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    transfer *t = transfer_of(self);
    const weft_data *data = weft_body(msg);
    for (size_t i = 0; i < data->bytes.size; i++)
        if (data->bytes.at[i] != byte_at(t->back++))
            t->wrong = true;
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    transfer *t = transfer_of(self);
    t->ended = true;
    return weft_close(self, ((const weft_ended *)weft_body(msg))->stream);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    transfer *t = transfer_of(self);
    const weft_closed *closed = weft_body(msg);
    t->closed++;
    t->reason = closed->reason;
    memcpy(t->why, closed->why, sizeof t->why);
    return weft_stop(self, WEFT_OK);
}

static const weft_handler transfer_handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_pull_type, .fn = on_pull},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour client = {.name = "client", .handlers = transfer_handlers};

/* ---- what is checked */

static weft_sim *sim;

static void make(const weft_sim_options *options)
{
    sim = weft_sim_new(options);
    REQUIRE(sim != NULL);
}

static void listens(const char *url)
{
    CHECK_OK(weft_listen(weft_sim_system(sim), url, &echo, NULL));
}

static void connects(transfer *t, unsigned reactor)
{
    CHECK(!weft_ref_is_nobody(weft_system_spawn(weft_sim_system(sim), reactor, &client, t)));
}

static void ends(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void succeeded(const transfer *t)
{
    CHECK_U64(t->opened, 1);
    CHECK_U64(t->closed, 1);
    CHECK_U64(t->back, t->bytes);
    CHECK(t->ended && !t->wrong);
    CHECK_ERR(t->reason, WEFT_EDONE);
}

/* Every byte, or a failure that has a name, and nothing that was not sent. */
static void succeeded_or_failed(const transfer *t, uint64_t seed)
{
    bool whole = t->reason == WEFT_EDONE && t->ended && t->back == t->bytes;
    bool failed = t->reason != WEFT_EDONE && t->reason != WEFT_OK;
    bool ok =
        t->closed == 1 && t->opened <= 1 && !t->wrong && t->back <= t->written && (whole || failed);
    CHECK(ok);
    if (!ok)
        (void)printf("seed %" PRIu64 ": opened %u closed %u written %u back %u of %u: %s %s\n",
                     seed, t->opened, t->closed, t->written, t->back, t->bytes,
                     weft_err_name(t->reason), t->why);
}

/* ---- without faults */

static void a_client_hears_its_own_bytes(void)
{
    transfer t = {.url = "sim://echo", .bytes = 300000};
    make(NULL);
    listens("sim://echo");
    connects(&t, 0);
    CHECK(weft_sim_run(sim));
    succeeded(&t);
    CHECK_U64(weft_sim_now(sim), 0);
    ends();
}

static void latency_is_virtual_time(void)
{
    transfer t = {.url = "sim://echo?latency=20ms", .bytes = 1};
    make(NULL);
    listens("sim://echo?latency=30ms");
    connects(&t, 0);
    weft_sim_advance(sim, 69);
    CHECK_U64(t.opened, 0); /* there by the client's own latency, back by that of both */
    weft_sim_advance(sim, 1);
    CHECK_U64(t.opened, 1);
    weft_sim_advance(sim, 99);
    CHECK_U64(t.back, 0);
    weft_sim_advance(sim, 1);
    CHECK_U64(t.back, 1);
    CHECK(weft_sim_settle(sim, 1000));
    succeeded(&t);
    ends();
}

static void connections_are_spread_over_reactors(void)
{
    transfer t[6] = {{0}};
    make(&(weft_sim_options){.seed = 5, .system = {.reactors = 3}});
    listens("sim://echo:7");
    for (unsigned i = 0; i < 6; i++) {
        t[i] = (transfer){.url = "sim://echo:7", .bytes = 20000};
        connects(&t[i], i % 3);
    }
    CHECK(weft_sim_run(sim));
    for (unsigned i = 0; i < 6; i++)
        succeeded(&t[i]);
    CHECK(strstr(weft_sim_event_log(sim, NULL), " r1 <1.") != NULL);
    CHECK(strstr(weft_sim_event_log(sim, NULL), " echo: weft.data") != NULL);
    ends();
}

static void addresses_are_the_urls(void)
{
    transfer t = {.url = "sim://echo:7", .bytes = 1};
    weft_listening at;
    weft_why why;
    char text[WEFT_ADDRESS_TEXT_BYTES];
    make(NULL);
    REQUIRE(weft_listen_at(weft_sim_system(sim), "sim://echo:7", &echo, NULL, &at, &why) ==
            WEFT_OK);
    CHECK_STR(at.url, "sim://echo:7");
    connects(&t, 0);
    CHECK(weft_sim_run(sim));
    CHECK_STR(weft_address_print(&t.peer, text), "sim://echo:7");
    CHECK_STR(weft_address_host(&t.peer, text), "echo");
    CHECK_STR(weft_address_print(&t.local, text), "sim://client:49153");
    ends();
}

static void nobody_listens_twice_or_elsewhere(void)
{
    weft_listening at;
    weft_why why;
    transfer t = {.url = "sim://echo:8", .bytes = 1};
    make(NULL);
    weft_system *sys = weft_sim_system(sim);
    listens("sim://echo:7");
    CHECK_ERR(weft_listen_at(sys, "sim://echo:7", &echo, NULL, &at, &why), WEFT_EEXISTS);
    CHECK_ERR(weft_listen_at(sys, "tcp://127.0.0.1:0", &echo, NULL, &at, &why), WEFT_EUNSUPPORTED);
    CHECK_STR(why.text, "a simulated system has simulated wires only: sim://NAME[:PORT]");
    connects(&t, 0);
    CHECK(weft_sim_run(sim));
    CHECK_ERR(t.reason, WEFT_EREFUSED);
    CHECK_U64(t.opened, 0);
    ends();
}

static void the_real_world_has_no_simulated_wires(void)
{
    weft_listening at;
    weft_why why;
    weft_system *sys = weft_system_new(NULL);
    REQUIRE(sys != NULL);
    CHECK_ERR(weft_listen_at(sys, "sim://echo", &echo, NULL, &at, &why), WEFT_EUNSUPPORTED);
    CHECK_STR(why.text, "sim://echo: simulated wires exist in a simulated system only");
    weft_system_free(&sys);
}

static void a_small_window_slows_the_sender_and_loses_nothing(void)
{
    transfer t = {.url = "sim://echo?window=1k", .bytes = 100000};
    make(NULL);
    listens("sim://echo?window=500");
    connects(&t, 0);
    CHECK(weft_sim_run(sim));
    succeeded(&t);
    ends();
}

static void a_listener_that_is_full_answers_when_somebody_has_left(void)
{
    transfer t[4] = {{0}};
    make(NULL);
    listens("sim://echo?conns_max=1&backlog=1&latency=100ms");
    for (unsigned i = 0; i < 4; i++) {
        t[i] = (transfer){.url = "sim://echo?timeout=1h", .bytes = 20000};
        connects(&t[i], 0);
    }
    weft_sim_advance(sim, 60000);
    for (unsigned i = 0; i < 4; i++)
        succeeded(&t[i]);
    CHECK(strstr(weft_sim_event_log(sim, NULL), "no answer: too many wait there") != NULL);
    ends();
}

static void a_connect_that_nobody_answers_ends_at_its_timeout(void)
{
    transfer t = {.url = "sim://echo?timeout=50ms&latency=30ms", .bytes = 1};
    make(NULL);
    listens("sim://echo");
    connects(&t, 0);
    weft_sim_advance(sim, 49);
    CHECK_U64(t.closed, 0);
    weft_sim_advance(sim, 1);
    CHECK_ERR(t.reason, WEFT_ETIMEDOUT);
    CHECK_U64(t.opened, 0);
    CHECK(weft_sim_settle(sim, 1000));
    ends();
}

/* ---- files */

static weft_err send_file(weft_actor *self, weft_msg *msg)
{
    weft_ref stream = ((const weft_opened *)weft_body(msg))->stream;
    const uint32_t *size = weft_config(self);
    weft_file *file = weft_file_new(memfd_create("wire_test", MFD_CLOEXEC));
    uint8_t bytes[10000];
    REQUIRE(file != NULL);
    for (uint32_t i = 0; i < sizeof bytes; i++)
        bytes[i] = byte_at(i);
    CHECK(write(weft_file_fd(file), bytes, sizeof bytes) == (ssize_t)sizeof bytes);
    CHECK_OK(weft_write_file(self, stream, file, 0, *size));
    weft_file_drop(&file);
    return weft_close(self, stream);
}

static const weft_handler file_handlers[] = {{.type = &weft_opened_type, .fn = send_file}, {0}};
static const weft_behaviour sends_file = {.name = "sends file", .handlers = file_handlers};

static void a_file_comes_through_and_one_that_is_too_short_is_a_loss(void)
{
    static const uint32_t sizes[2] = {10000, 10001};
    make(&(weft_sim_options){.faults = {.short_write = 300000, .short_read = 300000}});
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://whole", &sends_file, &sizes[0]));
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://short", &sends_file, &sizes[1]));
    transfer whole = {.url = "sim://whole?window=1k"}, cut = {.url = "sim://short?window=1k"};
    connects(&whole, 0);
    connects(&cut, 0);
    CHECK(weft_sim_run(sim));
    CHECK_U64(whole.back, 10000);
    CHECK(!whole.wrong && whole.ended);
    CHECK(cut.back <= 10000 && !cut.wrong && !cut.ended);
    CHECK_ERR(cut.reason, WEFT_ELOST);
    ends();
}

/* ---- the server's side closes */

static weft_err slam(weft_actor *self, weft_msg *msg)
{
    return weft_abort(self, weft_sender(msg), WEFT_OK);
}

static weft_err hang_up(weft_actor *self, weft_msg *msg)
{
    return weft_close(self, weft_sender(msg));
}

static const weft_handler slam_handlers[] = {{.type = &weft_data_type, .fn = slam}, {0}};
static const weft_behaviour slams = {.name = "slams", .handlers = slam_handlers};
static const weft_handler hang_up_handlers[] = {{.type = &weft_opened_type, .fn = hang_up}, {0}};
static const weft_behaviour hangs_up = {.name = "hangs up", .handlers = hang_up_handlers};

static void an_abort_is_a_loss_for_the_peer(void)
{
    transfer t = {.url = "sim://slams", .bytes = 100000};
    make(NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://slams", &slams, NULL));
    connects(&t, 0);
    CHECK(weft_sim_run(sim));
    CHECK_ERR(t.reason, WEFT_ELOST);
    CHECK(!t.ended);
    ends();
}

static void a_peer_that_writes_to_a_closed_end_loses_the_connection(void)
{
    transfer t = {.url = "sim://hangs-up", .bytes = 1000000};
    make(NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://hangs-up?latency=5ms", &hangs_up, NULL));
    connects(&t, 0);
    CHECK(weft_sim_settle(sim, 1000));
    CHECK_U64(t.closed, 1);
    CHECK_U64(t.back, 0);
    ends();
}

/* ---- with faults */

static const weft_sim_faults bad_day = {.lost = 15000,
                                        .short_read = 200000,
                                        .short_write = 200000,
                                        .refused = 50000,
                                        .latency_ms_max = 40};

enum { CLIENTS = 3 };

typedef struct day {
    transfer t[CLIENTS];
    uint64_t hash;
} day;

static void begin_day(day *d, uint64_t seed, const weft_sim_faults *faults)
{
    *d = (day){.hash = 0};
    make(&(weft_sim_options){
        .seed = seed, .system = {.reactors = 1 + (unsigned)(seed % 3)}, .faults = *faults});
    listens("sim://echo?window=4k&latency=1ms");
    for (unsigned i = 0; i < CLIENTS; i++) {
        d->t[i] = (transfer){.url = "sim://echo?window=6k", .bytes = 1U << (10 + 2 * i)};
        connects(&d->t[i], i % (1 + (unsigned)(seed % 3)));
    }
}

static void whatever_happens_every_byte_is_right_or_the_failure_has_a_name(void)
{
    unsigned whole = 0, failed = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        day d;
        begin_day(&d, seed, &bad_day);
        CHECK(weft_sim_settle(sim, 600000));
        for (unsigned i = 0; i < CLIENTS; i++) {
            succeeded_or_failed(&d.t[i], seed);
            whole += d.t[i].reason == WEFT_EDONE;
            failed += d.t[i].reason == WEFT_ELOST || d.t[i].reason == WEFT_EREFUSED;
        }
        ends();
    }
    CHECK_U64(whole + failed, SEEDS * CLIENTS);
    CHECK(whole > SEEDS && failed > SEEDS / 5);
}

static void a_bad_day_repeats_itself(void)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t hash[2];
        for (int k = 0; k < 2; k++) {
            day d;
            begin_day(&d, seed, &bad_day);
            CHECK(weft_sim_settle(sim, 600000));
            hash[k] = weft_sim_event_hash(sim);
            ends();
        }
        CHECK_U64(hash[0], hash[1]);
    }
}

static void a_stop_in_the_middle_of_everything_leaves_nothing(void)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        day d;
        begin_day(&d, seed, &bad_day);
        weft_sim_advance(sim, (uint32_t)(seed * 7 % 200));
        for (uint64_t steps = seed * 31 % 400; steps != 0 && weft_sim_step(sim); steps--) {
        }
        if (seed % 2 == 0) {
            weft_system_shutdown(weft_sim_system(sim), WEFT_OK);
            weft_sim_advance(sim, 60000);
            for (unsigned i = 0; i < CLIENTS; i++)
                CHECK(!d.t[i].wrong && d.t[i].closed <= 1);
        }
        ends();
    }
}

static void without_memory_too_every_byte_is_right_or_the_failure_has_a_name(void)
{
    weft_sim_faults faults = bad_day;
    faults.allocation = 5000;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        day d;
        begin_day(&d, seed, &faults);
        CHECK(weft_sim_settle(sim, 600000));
        for (unsigned i = 0; i < CLIENTS; i++)
            succeeded_or_failed(&d.t[i], seed);
        ends();
    }
}

static const test_case cases[] = {
    TEST(a_client_hears_its_own_bytes),
    TEST(latency_is_virtual_time),
    TEST(connections_are_spread_over_reactors),
    TEST(addresses_are_the_urls),
    TEST(nobody_listens_twice_or_elsewhere),
    TEST(the_real_world_has_no_simulated_wires),
    TEST(a_small_window_slows_the_sender_and_loses_nothing),
    TEST(a_listener_that_is_full_answers_when_somebody_has_left),
    TEST(a_connect_that_nobody_answers_ends_at_its_timeout),
    TEST(a_file_comes_through_and_one_that_is_too_short_is_a_loss),
    TEST(an_abort_is_a_loss_for_the_peer),
    TEST(a_peer_that_writes_to_a_closed_end_loses_the_connection),
    TEST(whatever_happens_every_byte_is_right_or_the_failure_has_a_name),
    TEST(a_bad_day_repeats_itself),
    TEST(a_stop_in_the_middle_of_everything_leaves_nothing),
    TEST(without_memory_too_every_byte_is_right_or_the_failure_has_a_name),
    {0},
};

const test_suite sim_wire_suite = {.name = "sim/wire", .cases = cases};
