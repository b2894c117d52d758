/* SPDX-License-Identifier: MIT */
/* Processes: terminals, back-pressure, many at once, memory that is out. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <weft/testing.h>

#include "actors/process_kit.h"
#include "alloc.h"
#include "conn.h"

static bool holds(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* ---- terminals */

static void resize_and_answer(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)msg;
    if (r->count == 0 && holds(r->out, "30 100\r\n")) {
        r->count = 1;
        CHECK_OK(weft_process_resize(self, r->process, (weft_window){.rows = 41, .columns = 133}));
    }
    if (r->count == 1 && holds(r->out, "41 133\r\n")) {
        r->count = 2;
        CHECK_OK(weft_write_text(self, process_run_stream(self, r, 0), "an answer\n"));
    }
}

static void a_terminal_has_a_size_a_session_and_hears_of_changes(void)
{
    static const weft_window window = {.rows = 30, .columns = 100};
    process_run r = {
        .shell = "trap w=1 WINCH; test -t 0 && test -t 2 && stty size </dev/tty; "
                 "while test -z $w; do sleep 0.01; done; stty size; read x; echo \"<$x>\"; exit 2",
        .options = {.terminal = &window},
        .data = resize_and_answer};
    process_run_it(&r);
    CHECK(holds(r.out, "an answer\r\n")); /* the echo */
    CHECK(holds(r.out, "<an answer>\r\n"));
    CHECK_I64(r.end.code, 2);
    CHECK_U64(r.closes, 1);
    CHECK_OK(r.lost);
}

static void a_terminal_is_its_users_who_finds_its_path(void)
{
    static const weft_window window = {.rows = 24, .columns = 80};
    static const uint32_t groups[] = {2};
    static const weft_process_ids ids = {.uid = 1, .gid = 2, .groups = groups, .n_groups = 1};
    static const char *const env[] = {"TTY_IS=set", "OTHER=kept", NULL};
    char wanted[64];
    CHECK(setenv("TTY_IS", "inherited", 1) == 0);
    process_run r = {.shell = "test \"$TTY_IS\" = \"$(tty)\" && stat -c \"%u $OTHER\" \"$TTY_IS\"; "
                              "env | grep -c TTY_IS",
                     .options = {.terminal = &window,
                                 .terminal_env = "TTY_IS",
                                 .env = env,
                                 .ids = geteuid() == 0 ? &ids : NULL}};
    process_run_it(&r);
    (void)snprintf(wanted, sizeof wanted, "%u kept\r\n1\r\n", geteuid() == 0 ? 1 : geteuid());
    CHECK_STR(r.out, wanted);
    /* without a terminal there is nothing to be said */
    process_run plain = {.shell = "echo ${TTY_IS:-none}",
                         .options = {.terminal_env = "TTY_IS", .env = env, .env_empty = true}};
    process_run_it(&plain);
    CHECK_STR(plain.out, "set\n");
    CHECK(unsetenv("TTY_IS") == 0);
}

static void the_end_of_a_terminal_is_the_character_for_it(void)
{
    static const weft_window window = {.rows = 0, .columns = 0};
    static const char *const texts[] = {"", "a line\n", "no line"};
    for (int i = 0; i < 3; i++) {
        process_run r = {.shell = "stty size; exec cat", .options = {.terminal = &window}};
        r.input = texts[i][0] != '\0' ? texts[i] : NULL;
        r.end_input = true;
        process_run_it(&r);
        CHECK(holds(r.out, "24 80\r\n"));
        CHECK_I64(r.end.code, 0);
    }
}

static void stop_at_once(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_process_stop(self, r->process));
}

static void a_session_of_a_terminal_is_hung_up(void)
{
    static const weft_window window = {.rows = 0, .columns = 0};
    process_run r = {.shell = "trap '' TERM; echo up; while :; do sleep 0.01; done",
                     .options = {.terminal = &window},
                     .data = stop_at_once};
    process_run_it(&r);
    CHECK_I64(r.end.signal, SIGHUP);
    CHECK(!r.end.forced);
}

/* ---- back-pressure */

enum { GIB = 1 << 30, KEPT_EVERY = 1024 };

static uint32_t held_most;

static void read_slowly(weft_actor *self, process_run *r, weft_msg *msg)
{
    const conn *c = wf_conn_here(process_run_stream(self, r, 1));
    if (c != NULL && c->window.held > held_most)
        held_most = c->window.held;
    if (++r->count % KEPT_EVERY != 0)
        return;
    r->held = weft_keep(msg);
    (void)weft_after(self, 2, process_note, .what = 0);
}

static void go_on_reading(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)self, (void)msg;
    weft_drop(&r->held);
}

static void a_gib_for_a_slow_reader_is_flat_in_memory(void)
{
    static const char *const argv[] = {"head", "-c", "1073741824", "/dev/zero", NULL};
    process_run r = {.options = {.argv = argv}, .data = read_slowly, .note = go_on_reading};
    held_most = 0;
    process_run_it(&r);
    CHECK_U64(r.got, GIB);
    CHECK_I64(r.end.code, 0);
    CHECK(held_most != 0 && held_most <= WEFT_WINDOW_BYTES + 2 * WEFT_READ_BYTES_MAX);
}

/* The sizes of what came from its output; each message is kept until its errors say that the next stands there. */
static uint64_t pieces[4];

static void let_it_fill_the_pipe(weft_actor *self, process_run *r, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    if (weft_ref_same(data->stream, process_run_stream(self, r, 2))) {
        weft_drop(&r->held);
        return;
    }
    if (r->count < 4)
        pieces[r->count++] = data->bytes.size;
    if (r->count < 3)
        r->held = weft_keep(msg);
    CHECK_OK(weft_write_text(self, process_run_stream(self, r, 0), "go on\n"));
}

static void a_pipe_that_was_full_once_holds_more_and_is_read_at_once(void)
{
    process_run r = {.shell = "printf x; read a; head -c 65536 /dev/zero; echo filled >&2; read a; "
                              "head -c 262144 /dev/zero; echo filled >&2; read a",
                     .data = let_it_fill_the_pipe};
    memset(pieces, 0, sizeof pieces);
    process_run_it(&r);
    CHECK_U64(pieces[0], 1);
    CHECK_U64(pieces[1], WEFT_READ_BYTES_MAX);
    CHECK_U64(pieces[2], WEFT_WINDOW_BYTES);
    CHECK_U64(pieces[3], 0);
    CHECK_I64(r.end.code, 0);
}

static void read_after_its_end(weft_actor *self, process_run *r, weft_msg *msg)
{
    if (r->count++ != 0)
        return;
    r->held = weft_keep(msg);
    (void)weft_after(self, 60, process_note, .what = 0);
}

static void what_is_read_late_is_not_taken_for_the_end(void)
{
    /* the program has long ended, and the pipe been full for longer than it may be empty */
    process_run r = {.shell = "head -c 60000 /dev/zero",
                     .options = {.linger_ms = 10},
                     .data = read_after_its_end,
                     .note = go_on_reading};
    process_run_it(&r);
    CHECK_U64(r.got, 60000);
    CHECK_OK(r.lost);
}

static void write_more(weft_actor *self, process_run *r)
{
    static char text[64 << 10];
    weft_ref to = process_run_stream(self, r, 0);
    while (r->count < 40 << 20 && weft_write_copy(self, to, text, sizeof text) == WEFT_OK)
        r->count += sizeof text;
    if (r->count >= 40 << 20)
        CHECK_OK(weft_end(self, to));
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    write_more(self, (process_run *)(uintptr_t)weft_config(self));
    return WEFT_OK;
}

static void begin_to_write(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)msg;
    write_more(self, r);
}

static void a_program_that_reads_slowly_holds_its_writer_back(void)
{
    process_run r = {.shell = "(head -c 1000000; sleep 0.05; cat) | wc -c",
                     .begun = begin_to_write,
                     .drained = on_drained};
    process_run_it(&r);
    CHECK_STR(r.out, "41943040\n");
}

/* ---- many */

enum { MANY = 1000 };

static void start_many(weft_actor *self, process_run *r, weft_msg *msg)
{
    static const char *const argv[] = {"echo", "one", NULL};
    static const weft_process_fd fds[] = {{.child = 1, .kind = WEFT_PROCESS_FROM}};
    const weft_process_options o = {.argv = argv, .fds = fds, .n_fds = 1};
    (void)msg;
    for (int i = 0; i < MANY; i++)
        r->count += weft_ref_is_nobody(weft_process_start(self, &o, weft_self(self)));
}

static void count_to_many(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)msg;
    if (r->end.err != WEFT_OK)
        CHECK_STR(r->end.why, "");
    if (r->ends == MANY)
        weft_system_stop(self, WEFT_OK);
}

static void a_thousand_at_once_are_told_of_each(void)
{
    process_run r = {.starting = start_many, .ended = count_to_many, .goes_on = true};
    process_run_it(&r);
    CHECK_U64(r.count, 0);
    CHECK_U64(r.starts, MANY);
    CHECK_U64(r.ends, MANY);
    CHECK_U64(r.closes, MANY);
    CHECK_U64(r.got, 4 * MANY);
    CHECK_OK(r.lost);
}

/* ---- memory is out */

static long failing;

static void start_without_memory(weft_actor *self, process_run *r, weft_msg *msg)
{
    static const char *const argv[] = {"cat", NULL};
    static const weft_process_fd fds[] = {{.child = 3, .kind = WEFT_PROCESS_BOTH}};
    (void)msg;
    weft_process_options o = {.argv = argv, .joined = true, .fds = fds, .n_fds = 1};
    wf_alloc_fail_after(failing);
    r->process = weft_process_start(self, &o, weft_self(self));
    weft_ref to = process_run_stream(self, r, 0);
    (void)weft_write_text(self, to, "text");
    (void)weft_end(self, to);
    if (weft_ref_is_nobody(r->process)) {
        wf_alloc_fail_after(-1);
        weft_system_stop(self, WEFT_OK);
    }
}

static void have_memory_again(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)self, (void)r, (void)msg;
    wf_alloc_fail_after(-1);
}

static void the_nth_taking_of_memory_fails_and_it_is_told_all_the_same(void)
{
    bool met = true;
    unsigned failed = 0;
    for (failing = 0; met && failing < 400; failing++) {
        long before = wf_alloc_failed();
        process_run r = {.starting = start_without_memory, .ended = have_memory_again};
        process_run_it(&r);
        wf_alloc_fail_after(-1);
        met = wf_alloc_failed() != before;
        failed += met && r.end.err != WEFT_OK;
        CHECK(r.ends == 1 || (r.ends == 0 && weft_ref_is_nobody(r.process)));
        if (!met)
            CHECK_STR(r.out, "text");
    }
    CHECK(!met);
    CHECK(failed > 5);
}

/* ---- where there are none */

static weft_err simulated_started(weft_actor *self, weft_msg *msg)
{
    static const char *const argv[] = {"true", NULL};
    (void)msg;
    CHECK(!weft_ref_is_nobody(
        weft_process_start(self, &(weft_process_options){.argv = argv}, weft_self(self))));
    return WEFT_OK;
}

static weft_err simulated_ended(weft_actor *self, weft_msg *msg)
{
    const weft_process_ended *ended = weft_body(msg);
    CHECK_ERR(ended->err, WEFT_EUNSUPPORTED);
    CHECK(holds(ended->why, "simulation"));
    ++*(unsigned *)(uintptr_t)weft_config(self);
    return WEFT_OK;
}

static const weft_handler simulated_rows[] = {
    {.type = &weft_started_type, .fn = simulated_started},
    {.type = &weft_process_ended_type, .fn = simulated_ended},
    {0}};
static const weft_behaviour simulated = {.name = "simulated", .handlers = simulated_rows};

static void a_simulation_has_no_processes_and_says_so(void)
{
    unsigned told = 0;
    weft_sim *sim = weft_sim_new(NULL);
    REQUIRE(sim != NULL);
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &simulated, &told)));
    CHECK(weft_sim_run(sim));
    CHECK_U64(weft_sim_free(&sim), 0);
    CHECK_U64(told, 1);
}

static const test_case cases[] = {
    TEST(a_terminal_has_a_size_a_session_and_hears_of_changes),
    TEST(a_terminal_is_its_users_who_finds_its_path),
    TEST(the_end_of_a_terminal_is_the_character_for_it),
    TEST(a_session_of_a_terminal_is_hung_up),
    TEST(a_gib_for_a_slow_reader_is_flat_in_memory),
    TEST(a_pipe_that_was_full_once_holds_more_and_is_read_at_once),
    TEST(what_is_read_late_is_not_taken_for_the_end),
    TEST(a_program_that_reads_slowly_holds_its_writer_back),
    TEST(a_thousand_at_once_are_told_of_each),
    TEST(the_nth_taking_of_memory_fails_and_it_is_told_all_the_same),
    TEST(a_simulation_has_no_processes_and_says_so),
    {0},
};

const test_suite process_flow_suite = {.name = "actors/process flow", .cases = cases};
