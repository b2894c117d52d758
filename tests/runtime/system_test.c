/* SPDX-License-Identifier: MIT */
/* Whole systems on the real driver: how they end, signals, the watcher, the blocking pool, idleness. */
#include "kit.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weft/edge.h>

#include "sys.h"

/* Lines of the log that contain a text. Written by any thread. */
static _Atomic unsigned heard;
static const char *listen_for = "";
static void on_line(void *context, const weft_log_line *line)
{
    (void)context;
    if (strstr(line->text, listen_for) != NULL)
        heard++;
}

static weft_system_options options(const char *text)
{
    listen_for = text;
    heard = 0;
    return (weft_system_options){.log_hook = on_line, .no_signals = true};
}

static weft_system *new_system(const weft_system_options *o)
{
    weft_system *sys = weft_system_new(o);
    REQUIRE(sys != NULL);
    return sys;
}

/* Has an actor of reactor @reactor do @fn once the system runs. */
static void first(weft_system *sys, unsigned reactor, act_fn *fn, void *with)
{
    act body = {fn, with};
    weft_ref a = weft_system_spawn(sys, reactor, &puppet, NULL);
    CHECK_OK(weft_system_tell(sys, a, &act_type, &body));
}

/* ---- ends */

static weft_err stop_with(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    weft_system_stop(self, *(const weft_err *)with);
    return WEFT_OK;
}

static void one_that_stops_in_order_gives_0(void)
{
    weft_err ok = WEFT_OK;
    for (unsigned reactors = 1; reactors <= 3; reactors++) {
        weft_system_options o = options("");
        o.reactors = reactors;
        weft_system *sys = new_system(&o);
        first(sys, reactors - 1, stop_with, &ok);
        CHECK_I64(weft_run(&sys), 0);
        CHECK(sys == NULL);
    }
}

static void one_that_stops_with_an_error_gives_70(void)
{
    weft_err err = WEFT_EIO;
    weft_system_options o = options("");
    weft_system *sys = new_system(&o);
    first(sys, 0, stop_with, &err);
    CHECK_I64(weft_run(&sys), 70);
}

static weft_err refuse_phase(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_fail(msg, WEFT_EDENIED, "not today");
}
static const weft_handler refusing_handlers[] = {
    {.type = &weft_phase_begins_type, .fn = refuse_phase}, {0}};
static const weft_behaviour refusing = {.name = "refusing", .handlers = refusing_handlers};

static void one_that_fails_to_start_gives_70(void)
{
    weft_system_options o = options("phase start failed: not today");
    weft_system *sys = new_system(&o);
    weft_ref a = weft_system_spawn(sys, 0, &refusing, NULL);
    CHECK_OK(weft_on_phase(sys, WEFT_PHASE_START, a));
    CHECK_I64(weft_run(&sys), 70);
    CHECK_U64(heard, 1);
}

static void one_that_could_not_have_what_it_asked_for_gives_69(void)
{
    weft_system_options o = options("");
    weft_system *sys = new_system(&o);
    weft_system_refuse(sys, WEFT_EEXISTS);
    CHECK_I64(weft_run(&sys), 69);
    CHECK(sys == NULL);
}

static void one_that_never_ran_can_be_freed(void)
{
    weft_system_options o = options("");
    weft_system *sys = new_system(&o);
    first(sys, 0, stop_with, NULL); /* told, never served */
    CHECK(!weft_ref_is_nobody(weft_system_spawn_blocking(sys, &puppet, NULL)));
    weft_system_free(&sys);
    CHECK(sys == NULL);
    weft_system_free(&sys);
}

static void options_have_their_bounds(void)
{
    weft_system_options o = options("");
    o.reactors = 10000;
    o.pool = 10000;
    weft_system *sys = new_system(&o);
    CHECK_U64(weft_system_reactors(sys), WEFT_REACTORS_MAX);
    CHECK_U64(sys->options.pool, 64);
    weft_system_free(&sys);
    sys = new_system(NULL);
    CHECK_U64(weft_system_reactors(sys), 1);
    CHECK_U64(sys->options.ask_limit_ms, 30000);
    CHECK_U64(sys->options.stop_grace_ms, 10000);
    weft_system_free(&sys);
}

static void *shut_down_from_a_thread(void *arg)
{
    weft_system_shutdown(arg, WEFT_EABORTED);
    return NULL;
}
static weft_err start_thread(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    CHECK(pthread_create(with, NULL, shut_down_from_a_thread, weft_system_of(self)) == 0);
    return WEFT_OK;
}

static void any_thread_may_shut_it_down(void)
{
    pthread_t thread;
    weft_system_options o = options("");
    o.reactors = 2;
    weft_system *sys = new_system(&o);
    first(sys, 1, start_thread, &thread);
    CHECK_I64(weft_run(&sys), 70);
    (void)pthread_join(thread, NULL);
}

static void one_may_be_shut_down_before_it_runs(void)
{
    weft_system_options o = options("");
    o.reactors = 2;
    weft_system *sys = new_system(&o);
    weft_system_shutdown(sys, WEFT_OK);
    CHECK_I64(weft_run(&sys), 0);
}

/* ---- signals */

static weft_err signal_self(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg;
    CHECK(kill(getpid(), *(const int *)with) == 0);
    return WEFT_OK;
}

static bool is_blocked(int number)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, number) == 1;
}

static void a_signal_shuts_it_down_in_order(void)
{
    static const struct {
        int number;
        const char *said;
    } signals[] = {{SIGINT, "interrupted: shutting down"},
                   {SIGTERM, "asked to end: shutting down"}};
    for (int i = 0; i < 2; i++) {
        weft_system_options o = options(signals[i].said);
        o.no_signals = false;
        o.reactors = 2;
        weft_system *sys = new_system(&o);
        int number = signals[i].number;
        first(sys, 1, signal_self, &number);
        CHECK_I64(weft_run(&sys), 0);
        CHECK_U64(heard, 1);
        CHECK(!is_blocked(SIGINT) && !is_blocked(SIGTERM)); /* as it was */
    }
}

static unsigned phases_seen;
static weft_err never_done(weft_actor *self, weft_msg *msg)
{
    int number = SIGTERM;
    phases_seen |= 1U << ((const weft_phase_begins *)weft_body(msg))->phase;
    (void)weft_keep(msg); /* until the end */
    return signal_self(self, msg, &number);
}
static const weft_handler never_handlers[] = {{.type = &weft_phase_begins_type, .fn = never_done},
                                              {0}};
static const weft_behaviour never = {.name = "never", .handlers = never_handlers};

static void a_second_signal_ends_it_at_once(void)
{
    weft_system_options o = options("a second signal");
    o.no_signals = false;
    o.stop_grace_ms = 600000; /* longer than the run of all the tests may take */
    weft_system *sys = new_system(&o);
    weft_ref a = weft_system_spawn(sys, 0, &never, NULL);
    int number = SIGTERM;
    phases_seen = 0;
    for (int p = WEFT_PHASE_CLOSE; p < WEFT_PHASE_COUNT_; p++)
        CHECK_OK(weft_on_phase(sys, (weft_phase)p, a));
    first(sys, 0, signal_self, &number);
    CHECK_I64(weft_run(&sys), 0);
    CHECK_U64(phases_seen, 1U << WEFT_PHASE_CLOSE);
    CHECK_U64(heard, 1);
}

static weft_system *to_shut_down;
static void on_signal(int number)
{
    (void)number;
    weft_system_shutdown(to_shut_down, WEFT_OK);
}

static void signals_may_stay_the_programs_whose_handler_shuts_it_down(void)
{
    struct sigaction was;
    CHECK(sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_signal}, &was) == 0);
    weft_system_options o = options("");
    to_shut_down = new_system(&o);
    weft_system *sys = to_shut_down;
    int number = SIGTERM;
    first(sys, 0, signal_self, &number);
    CHECK_I64(weft_run(&sys), 0);
    CHECK(sigaction(SIGTERM, &was, NULL) == 0);
}

/* ---- the watcher */

static weft_err hog(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    while (heard == 0) {
    }
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static void a_handler_that_holds_its_reactor_is_reported_by_name(void)
{
    weft_system_options o = options("puppet on reactor 1 has held it for ");
    o.reactors = 2;
    o.hog_ms = 20;
    weft_system *sys = new_system(&o);
    first(sys, 1, hog, NULL);
    CHECK_I64(weft_run(&sys), 0);
    CHECK_U64(heard, 1);
}

static weft_err hog_for_time(weft_actor *self, weft_msg *msg, void *with)
{
    weft_actor_stats s = {.busy_us = 0};
    bool there = true;
    (void)msg, (void)with;
    while (there && s.busy_us < 20000) /* at least two samples */
        there = weft_stats_actor(weft_system_of(self), weft_self(self), &s);
    CHECK(there);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static void time_in_handlers_is_sampled(void)
{
    weft_system_options o = options("");
    weft_system *sys = new_system(&o);
    first(sys, 0, hog_for_time, NULL);
    CHECK_I64(weft_run(&sys), 0);
}

/* ---- the pool */

typedef struct blocking {
    sem_t go;
    weft_ref blocker, other;
    _Atomic unsigned served;
} blocking;

static weft_err block(weft_actor *self, weft_msg *msg, void *with)
{
    blocking *b = with;
    CHECK(weft_reactor_of(self) >= weft_system_reactors(weft_system_of(self)));
    while (sem_wait(&b->go) != 0) {
    }
    return weft_reply(msg, num, .n = b->served);
}
static weft_err unblock(weft_actor *self, weft_msg *msg, void *with)
{
    blocking *b = with;
    (void)self, (void)msg;
    b->served++;
    CHECK(sem_post(&b->go) == 0);
    return WEFT_OK;
}
static weft_err on_unblocked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    CHECK_OK(got->err);
    if (got->err == WEFT_OK)
        CHECK_U64(((const num *)got->body)->n, 1);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}
/* Asks the one that blocks, which only what this reactor serves afterwards lets go on. */
static weft_err ask_blocker(weft_actor *self, weft_msg *msg, void *with)
{
    blocking *b = with;
    CHECK_OK(weft_tell(self, b->other, act, .fn = unblock, .with = b));
    return weft_when(msg, weft_ask(self, b->blocker, act, .fn = block, .with = b), on_unblocked);
}

static void an_actor_of_the_pool_may_block(void)
{
    static blocking b;
    CHECK(sem_init(&b.go, 0, 0) == 0);
    b.served = 0;
    weft_system_options o = options("");
    weft_system *sys = new_system(&o);
    b.blocker = weft_system_spawn_blocking(sys, &puppet, NULL);
    b.other = weft_system_spawn(sys, 0, &puppet, NULL);
    first(sys, 0, ask_blocker, &b);
    CHECK_I64(weft_run(&sys), 0);
    (void)sem_destroy(&b.go);
}

/* ---- idleness */

static int ready_fd;
static weft_err say_ready(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    return got->err == WEFT_OK && write(ready_fd, "r", 1) == 1 ? WEFT_OK : WEFT_EIO;
}
static weft_err serve_in_pool(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, num, .n = 1);
}
/* The pool has had something to do, and has a thread more since then. */
static weft_err use_pool(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    return weft_when(msg, weft_ask_pool(self, serve_in_pool, num, .n = 0), say_ready);
}

/* How often the threads of @pid that are weft's gave up their processors of their own will. */
static unsigned long switches_of(pid_t pid)
{
    char path[300], line[128];
    unsigned long sum = 0, n;
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL)
        return 0;
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;) {
        if (task->d_name[0] == '.')
            continue;
        bool counts = atoi(task->d_name) == (int)pid;
        (void)snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)pid, task->d_name);
        FILE *status = fopen(path, "re");
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            if (strncmp(line, "Name:\tweft-", 11) == 0)
                counts = true;
            if (counts && sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1)
                sum += n;
        }
        if (status != NULL)
            (void)fclose(status);
    }
    (void)closedir(tasks);
    return sum;
}

static void run_idle(void)
{
    weft_system_options o = options("");
    o.reactors = 2;
    o.no_signals = false;
    weft_system *sys = new_system(&o);
    CHECK(!weft_ref_is_nobody(weft_system_spawn_blocking(sys, &puppet, NULL)));
    first(sys, 1, use_pool, NULL);
    _exit(weft_run(&sys));
}

static void an_idle_process_makes_no_wake_ups(void)
{
    int ready[2], status = -1;
    char c;
    REQUIRE(pipe(ready) == 0);
    ready_fd = ready[1];
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        run_idle();
    REQUIRE(pid > 0);
    CHECK(read(ready[0], &c, 1) == 1);
    unsigned long was = 0, now = switches_of(pid);
    int quiet = 0;
    /* the watcher looks on for a moment: after that, three looks in a row see nothing move */
    for (int looks = 0; looks < 40 && quiet < 3; looks++) {
        (void)poll(NULL, 0, 100);
        was = now;
        now = switches_of(pid);
        quiet = now == was ? quiet + 1 : 0;
    }
    CHECK_U64(quiet, 3);
    CHECK(now > 0);
    CHECK(kill(pid, SIGTERM) == 0); /* and yet it is awake when it has to be */
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

static void one_without_a_loop_cannot_be_started(void)
{
    weft_why why;
    weft_system_options o = options("");
    weft_system *sys = new_system(&o);
    CHECK_ERR(weft_start(sys, &why), WEFT_EINVAL);
    CHECK(strstr(why.text, "needs a loop") != NULL);
    weft_system_free(&sys);
}

static const test_case cases[] = {
    TEST(one_that_stops_in_order_gives_0),
    TEST(one_that_stops_with_an_error_gives_70),
    TEST(one_that_fails_to_start_gives_70),
    TEST(one_that_could_not_have_what_it_asked_for_gives_69),
    TEST(one_that_never_ran_can_be_freed),
    TEST(options_have_their_bounds),
    TEST(any_thread_may_shut_it_down),
    TEST(one_may_be_shut_down_before_it_runs),
    TEST(a_signal_shuts_it_down_in_order),
    TEST(a_second_signal_ends_it_at_once),
    TEST(signals_may_stay_the_programs_whose_handler_shuts_it_down),
    TEST(a_handler_that_holds_its_reactor_is_reported_by_name),
    TEST(time_in_handlers_is_sampled),
    TEST(an_actor_of_the_pool_may_block),
    TEST(an_idle_process_makes_no_wake_ups),
    TEST(one_without_a_loop_cannot_be_started),
    {0},
};

const test_suite system_suite = {.name = "runtime/system", .cases = cases, .threads = true};
