/* SPDX-License-Identifier: MIT */
/* Processes: what they are started with, what is told of them, and that nothing of them is left. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/process_kit.h"

static bool holds(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* ---- what is told */

static void a_program_is_run_and_its_end_is_told_once_and_last(void)
{
    process_run r = {.shell = "echo hello; echo trouble >&2; exit 3"};
    process_run_it(&r);
    CHECK_STR(r.out, "hello\n");
    CHECK_STR(r.err, "trouble\n");
    CHECK_U64(r.starts, 1);
    CHECK_U64(r.ends, 1);
    CHECK_U64(r.closes, 3);
    CHECK(r.log[0] == 's' && r.log[strlen(r.log) - 1] == 'E');
    CHECK_OK(r.end.err);
    CHECK_I64(r.end.code, 3);
    CHECK_I64(r.end.signal, 0);
    CHECK_STR(r.end.why, "exited with 3");
    CHECK_OK(r.lost);
    CHECK(r.end.pid > 0 && kill(r.end.pid, 0) != 0);
}

static void what_is_written_before_it_runs_is_read_by_it(void)
{
    static const char *const cat[] = {"cat", NULL};
    process_run r = {.options = {.argv = cat}, .input = "written early\n", .end_input = true};
    process_run_it(&r);
    CHECK_STR(r.out, "written early\n");
    CHECK_I64(r.end.code, 0);
}

static void a_signal_is_told_by_its_number_and_name(void)
{
    process_run r = {.shell = "kill -USR1 $$"};
    process_run_it(&r);
    CHECK_OK(r.end.err);
    CHECK_I64(r.end.signal, SIGUSR1);
    CHECK(holds(r.end.why, "signal 10"));
}

/* ---- what it is started with */

static void arguments_environment_and_folder_are_those_asked_for(void)
{
    static const char *const argv[] = {"named", "-c", "echo \"$0|$1|$A|$HOME|$PWD\"",
                                       "a b",   "",   NULL};
    static const char *const env[] = {"A=first", "A=one two", "HOME", NULL};
    process_run r = {.options = {.argv = argv, .program = "/bin/sh", .env = env, .dir = "/usr"}};
    process_run_it(&r);
    CHECK_STR(r.out, "a b||one two||/usr\n");

    static const char *const list[] = {"env", NULL};
    static const char *const only[] = {"ONLY=this", "PATH=/nowhere:/usr/bin", NULL};
    process_run bare = {.options = {.argv = list, .env = only, .env_empty = true}};
    process_run_it(&bare);
    CHECK_STR(bare.out, "ONLY=this\nPATH=/nowhere:/usr/bin\n");
}

static void a_child_has_the_descriptors_it_was_given_and_no_others(void)
{
    static const char *const argv[] = {"ls", "/proc/self/fd", NULL};
    int leaky = open("/dev/null", O_RDONLY), pipes[2] = {-1, -1}; /* not closed on exec */
    REQUIRE(leaky >= 0 && pipe2(pipes, 0) == 0);
    process_run r = {.options = {.argv = argv}};
    process_run_it(&r);
    CHECK_STR(r.out, "0\n1\n2\n3\n"); /* the last is the folder */

    /* each stands where the other one is to be */
    const weft_process_fd fds[] = {
        {.child = 1, .kind = WEFT_PROCESS_FROM},
        {.child = pipes[0], .kind = WEFT_PROCESS_GIVEN, .given = pipes[1]},
        {.child = pipes[1], .kind = WEFT_PROCESS_GIVEN, .given = pipes[0]},
    };
    char shell[128], word[8] = "";
    (void)snprintf(shell, sizeof shell, "ls /proc/self/fd | wc -l; echo moved >&%d", pipes[0]);
    process_run moved = {.shell = shell, .options = {.fds = fds, .n_fds = 3}};
    process_run_it(&moved);
    CHECK_STR(moved.out, "6\n"); /* 0, 1, 2, two given, the folder */
    CHECK_I64(read(pipes[0], word, 6), 6);
    CHECK_MEM(word, 6, "moved\n", 6);
    (void)close(leaky);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}

static void rows_that_are_not_given_are_dev_null(void)
{
    /* a number that nobody has: the low ones may be those of a library's threads */
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    int high = fcntl(zero, F_DUPFD_CLOEXEC, 100);
    char shell[96];
    REQUIRE(zero >= 0 && high >= 0);
    const weft_process_fd fds[] = {{.child = 1, .kind = WEFT_PROCESS_FROM},
                                   {.child = high, .kind = WEFT_PROCESS_INHERIT}};
    (void)snprintf(shell, sizeof shell, "readlink /proc/self/fd/0 /proc/self/fd/2 /proc/self/fd/%d",
                   high);
    process_run r = {.shell = shell, .options = {.fds = fds, .n_fds = 2}};
    process_run_it(&r);
    (void)close(high);
    (void)close(zero);
    CHECK_STR(r.out, "/dev/null\n/dev/null\n/dev/zero\n");
}

static void talk(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)msg;
    if (r->got == 5)
        CHECK_OK(weft_end(self, process_run_stream(self, r, 3)));
}

static void one_socket_carries_both_directions(void)
{
    static const weft_process_fd fds[] = {{.child = 3, .kind = WEFT_PROCESS_BOTH}};
    process_run r = {.shell = "echo ping >&3; exec cat <&3 >&2", .data = talk};
    r.options = (weft_process_options){.fds = fds, .n_fds = 1};
    process_run_it(&r);
    CHECK_STR(r.out, "ping\n");
    CHECK_I64(r.end.code, 0);
}

static void signals_are_as_a_program_expects_them(void)
{
    static const char *const argv[] = {"grep", "-E", "SigBlk|SigIgn", "/proc/self/status", NULL};
    sigset_t set, before;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &set, &before);
    process_run r = {.options = {.argv = argv}};
    process_run_it(&r);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    CHECK_STR(r.out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

static void groups_and_sessions_are_its_own_or_ours(void)
{
    static const char *const argv[] = {"sh", "-c", "cut -d' ' -f1,5,6 /proc/$$/stat", NULL};
    int pid = 0, group = 0, session = 0;
    process_run r = {.options = {.argv = argv}};
    process_run_it(&r);
    CHECK_I64(sscanf(r.out, "%d %d %d", &pid, &group, &session), 3);
    CHECK(group == pid && session == getsid(0));
    process_run s = {.options = {.argv = argv, .group = WEFT_PROCESS_NEW_SESSION}};
    process_run_it(&s);
    CHECK_I64(sscanf(s.out, "%d %d %d", &pid, &group, &session), 3);
    CHECK(group == pid && session == pid);
    process_run o = {.options = {.argv = argv, .group = WEFT_PROCESS_OUR_GROUP}};
    process_run_it(&o);
    CHECK_I64(sscanf(o.out, "%d %d %d", &pid, &group, &session), 3);
    CHECK(group == getpgrp() && session == getsid(0));
}

static void it_runs_as_whom_it_is_told_to(void)
{
    static const uint32_t groups[] = {7, 8};
    static const weft_process_ids ids = {.uid = 1, .gid = 2, .groups = groups, .n_groups = 2};
    process_run r = {.shell = "id -u; id -g; id -G", .options = {.ids = &ids}};
    if (geteuid() != 0)
        return; /* nobody else may become another; that it says so is looked at below */
    process_run_it(&r);
    CHECK_STR(r.out, "1\n2\n2 7 8\n");
}

/* ---- steps that fail */

static void fails(weft_process_options o, weft_process_step step, int sys_errno, const char *part)
{
    static const char *const argv[] = {"true", NULL};
    if (o.argv == NULL)
        o.argv = argv;
    process_run r = {.options = o};
    process_run_it(&r);
    CHECK_U64(r.starts, 0);
    CHECK_U64(r.ends, 1);
    CHECK_I64(r.end.pid, 0);
    CHECK_I64(r.end.step, step);
    CHECK_I64(r.end.sys_errno, sys_errno);
    CHECK(r.end.err != WEFT_OK);
    CHECK(r.log[strlen(r.log) - 1] == 'E');
    if (!holds(r.end.why, part))
        CHECK_STR(r.end.why, part);
}

static void a_program_that_cannot_be_run_says_why(void)
{
    static const char *const nowhere[] = {"no-such-program", NULL}, *const none[] = {NULL};
    static const char *const plain[] = {"/etc/passwd", NULL}, *const empty[] = {"", NULL};
    const weft_process_step exec = WEFT_PROCESS_STEP_EXEC, options = WEFT_PROCESS_STEP_OPTIONS;
    fails((weft_process_options){.argv = nowhere}, exec, ENOENT, "unable to run no-such-program");
    fails((weft_process_options){.argv = plain}, exec, EACCES, "/etc/passwd");
    fails((weft_process_options){.argv = none}, options, 0, "without a program");
    fails((weft_process_options){.argv = empty}, options, 0, "\"\"");
    fails((weft_process_options){.dir = "/no/such/folder"}, WEFT_PROCESS_STEP_DIRECTORY, ENOENT,
          "unable to enter /no/such/folder");
}

static void a_program_of_one_folder_that_may_not_be_run_is_looked_for_in_the_next(void)
{
    static const char *const env[] = {"PATH=/etc:/nowhere:", NULL};
    static const char *const argv[] = {"passwd", NULL};
    fails((weft_process_options){.argv = argv, .env = env}, WEFT_PROCESS_STEP_EXEC, EACCES,
          "passwd");
    process_run r = {.options = {.argv = (const char *const[]){"true", NULL},
                                 .env = (const char *const[]){"PATH=/etc:", NULL},
                                 .dir = "/usr/bin"}};
    process_run_it(&r); /* an empty folder is where it runs */
    CHECK_OK(r.end.err);
}

static void descriptors_that_cannot_be_had_say_so(void)
{
    const weft_process_fd twice[] = {{.child = 1, .kind = WEFT_PROCESS_FROM}, {.child = 1}};
    const weft_process_fd closed[] = {{.child = 4, .kind = WEFT_PROCESS_GIVEN, .given = 999}};
    const weft_process_fd beyond[] = {{.child = 1 << 30}}, negative[] = {{.child = -1}};
    const weft_process_step options = WEFT_PROCESS_STEP_OPTIONS,
                            fds = WEFT_PROCESS_STEP_DESCRIPTORS;
    weft_process_fd many[WEFT_PROCESS_FDS_MAX + 1] = {{.child = 0}};
    fails((weft_process_options){.fds = twice, .n_fds = 2}, options, 0, "1 of true");
    fails((weft_process_options){.fds = negative, .n_fds = 1}, options, 0, "-1 of true");
    fails((weft_process_options){.fds = closed, .n_fds = 1}, fds, EBADF, "999");
    fails((weft_process_options){.fds = beyond, .n_fds = 1}, fds, EINVAL, "descriptors of true");
    fails((weft_process_options){.fds = many, .n_fds = WEFT_PROCESS_FDS_MAX + 1}, options, 0, "64");
}

static void texts_and_groups_have_limits(void)
{
    static char big[WEFT_PROCESS_TEXT_MAX];
    const char *const argv[] = {"true", big, NULL};
    const uint32_t groups[1] = {0};
    const weft_process_ids ids = {.groups = groups, .n_groups = WEFT_PROCESS_GROUPS_MAX + 1};
    memset(big, 'x', sizeof big - 1);
    fails((weft_process_options){.argv = argv}, WEFT_PROCESS_STEP_OPTIONS, 0, "bytes");
    big[200 << 10] = '\0'; /* what the kernel takes of one argument is less */
    fails((weft_process_options){.argv = argv}, WEFT_PROCESS_STEP_EXEC, E2BIG, "too long");
    fails((weft_process_options){.ids = &ids}, WEFT_PROCESS_STEP_OPTIONS, 0, "1024 groups");
}

static void once_more_without_processes(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)msg;
    if (r->ends == 2) {
        weft_system_stop(self, WEFT_OK);
        return;
    }
    CHECK_OK(r->end.err); /* so that the thread of the pool is there */
    CHECK_I64(setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0}), 0);
    process_run_start(self, r);
}

static void without_rights(void)
{
    static const weft_process_ids ids = {.uid = 2, .gid = 2};
    if (geteuid() == 0)
        REQUIRE(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    fails((weft_process_options){.ids = &ids}, WEFT_PROCESS_STEP_IDS, EPERM, "user 2");
    process_run r = {.shell = "true", .goes_on = true, .ended = once_more_without_processes};
    process_run_it(&r);
    CHECK_ERR(r.end.err, WEFT_ELIMIT);
    CHECK_I64(r.end.step, WEFT_PROCESS_STEP_FORK);
    CHECK_I64(r.end.sys_errno, EAGAIN);
}

static void without_rights_or_processes_it_says_so(void)
{
    process_apart(without_rights);
}

static void run_out(void)
{
    unsigned met = 0;
    int used = dup(0);
    (void)close(used);
    for (rlim_t more = 5; more < 24; more++) {
        CHECK_I64(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)used + more, 1024}), 0);
        process_run r = {.shell = "exit 4"};
        process_run_it(&r);
        CHECK_U64(r.ends, 1);
        met += r.end.err != WEFT_OK;
        if (r.end.err != WEFT_OK)
            CHECK(r.end.err == WEFT_ELIMIT || /* the pool's thread has descriptors too: */
                  (r.end.err == WEFT_ENOMEM && r.end.step == WEFT_PROCESS_STEP_FORK));
        else
            CHECK_I64(r.end.code, 4);
    }
    CHECK(met > 2 && met < 19);
}

static void without_descriptors_it_does_not_start_and_leaves_none(void)
{
    process_apart(run_out);
}

/* ---- stopping */

static void stop_it(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)msg;
    if (r->out_n != 0)
        CHECK_OK(weft_process_stop(self, r->process));
}

static void one_that_is_asked_to_stop_may_say_something(void)
{
    process_run r = {.shell = "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done",
                     .data = stop_it};
    process_run_it(&r);
    CHECK_STR(r.out, "up\nbye\n");
    CHECK_I64(r.end.code, 7);
    CHECK(!r.end.forced);
}

static void one_that_does_not_stop_when_asked_is_killed(void)
{
    process_run r = {.shell = "trap '' TERM; echo up; while :; do sleep 0.01; done",
                     .options = {.grace_ms = 50},
                     .data = stop_it};
    process_run_it(&r);
    CHECK_I64(r.end.signal, SIGKILL);
    CHECK(r.end.forced);
}

static void what_it_started_is_stopped_with_it(void)
{
    /* the one that is left ignores SIGTERM, and holds the pipe: without an end of it there is none here */
    process_run r = {.shell = "(trap '' TERM; while :; do sleep 1; done) & echo up; wait",
                     .options = {.linger_ms = WEFT_NO_LIMIT},
                     .data = stop_it};
    process_run_it(&r);
    CHECK_I64(r.end.signal, SIGTERM);
    CHECK(!r.end.forced);
}

static void send_usr1(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)msg;
    if (r->out_n == 3)
        CHECK_OK(weft_process_signal(self, r->process, SIGUSR1, false));
}

static void a_signal_can_be_sent_to_it(void)
{
    process_run r = {.shell =
                         "trap 'echo caught; exit 0' USR1; echo up; while :; do sleep 0.01; done",
                     .data = send_usr1};
    process_run_it(&r);
    CHECK_STR(r.out, "up\ncaught\n");
}

static void stop_system(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)r, (void)msg;
    weft_system_stop(self, WEFT_OK);
}

static void it_ends_with_the_system(void)
{
    process_run r = {.shell = "echo up; sleep 1000", .data = stop_system};
    process_run_it(&r);
    CHECK(kill(r.end.pid, 0) != 0);

    /* one that does not want to, and one that is only being started */
    process_run deaf = {.shell = "trap '' TERM; echo up; while :; do sleep 1; done",
                        .options = {.grace_ms = 50},
                        .data = stop_system};
    process_run_it(&deaf);
    CHECK(kill(deaf.end.pid, 0) != 0);
    process_run early = {.shell = "sleep 1000", .begun = stop_system};
    process_run_it(&early);
}

static void wait_for_its_end(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)msg;
    if (kill((pid_t)r->count, 0) == 0)
        (void)weft_after(self, 5, process_note, .what = 0);
    else
        weft_system_stop(self, WEFT_OK);
}

/* An actor between the test and the process, which stops when that runs. */
static weft_err middle_started(weft_actor *self, weft_msg *msg)
{
    static const char *const argv[] = {"sleep", "1000", NULL};
    (void)msg;
    weft_ref ref = weft_process_start(self, &(weft_process_options){.argv = argv}, weft_self(self));
    CHECK(!weft_ref_is_nobody(ref));
    return WEFT_OK;
}

static weft_err middle_runs(weft_actor *self, weft_msg *msg)
{
    process_run *r = (process_run *)(uintptr_t)weft_config(self);
    r->count = (uint64_t)((const weft_process_started *)weft_body(msg))->pid;
    CHECK_OK(weft_tell(self, r->self, process_note, .what = 0));
    return weft_stop(self, WEFT_OK);
}

static const weft_handler middle_rows[] = {{.type = &weft_started_type, .fn = middle_started},
                                           {.type = &weft_process_started_type, .fn = middle_runs},
                                           {0}};
static const weft_behaviour middle = {.name = "middle", .handlers = middle_rows};

static void spawn_middle(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)msg;
    CHECK(!weft_ref_is_nobody(weft_spawn(self, &middle, r)));
}

static void it_ends_with_its_owner(void)
{
    process_run r = {.starting = spawn_middle, .note = wait_for_its_end};
    process_run_it(&r);
    CHECK(r.count != 0);
}

/* ---- pipes that others hold, and ends that nobody reads */

static void a_grandchild_that_holds_the_pipe_does_not_hold_its_end(void)
{
    process_run r = {.shell = "sleep 1000 & echo hi", .options = {.linger_ms = 30}};
    process_run_it(&r);
    CHECK_STR(r.out, "hi\n");
    CHECK_OK(r.end.err);
    CHECK_I64(r.end.code, 0);
    CHECK_OK(r.lost);
    CHECK_I64(kill(-r.end.pid, SIGKILL), 0); /* it was let live */
}

static void what_a_grandchild_still_writes_is_read(void)
{
    process_run r = {.shell = "(for i in 1 2 3 4 5 6; do sleep 0.05; echo $i; done) & echo hi",
                     .options = {.linger_ms = 600}};
    process_run_it(&r);
    CHECK_STR(r.out, "hi\n1\n2\n3\n4\n5\n6\n");
}

static void fill_input(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)msg;
    static char text[900 << 10];
    memset(text, 'x', sizeof text);
    CHECK_OK(weft_write_copy(self, process_run_stream(self, r, 0), text, sizeof text));
}

static void input_that_is_not_read_is_a_loss_of_its_stream_alone(void)
{
    process_run r = {.shell = "head -c 3; echo; exit 5", .begun = fill_input};
    process_run_it(&r);
    CHECK_STR(r.out, "xxx\n");
    CHECK_I64(r.end.code, 5);
    CHECK_ERR(r.lost, WEFT_ELOST);

    /* the same where both directions are one stream: what came is told first */
    process_run j = {.shell = "head -c 3; echo; exit 5", .options = {.joined = true}};
    j.begun = fill_input;
    process_run_it(&j);
    CHECK_STR(j.out, "xxx\n");
    CHECK_U64(j.closes, 1);
    CHECK_ERR(j.lost, WEFT_ELOST);
    CHECK_I64(j.end.code, 5);
}

static void joined_pipes_are_one_stream(void)
{
    static const char *const cat[] = {"cat", NULL};
    process_run r = {
        .options = {.argv = cat, .joined = true}, .input = "both ways", .end_input = true};
    process_run_it(&r);
    CHECK_STR(r.out, "both ways");
    CHECK_STR(r.log, "sodecE");
    CHECK_U64(r.closes, 1);
    CHECK_OK(r.lost);
}

static const test_case cases[] = {
    TEST(a_program_is_run_and_its_end_is_told_once_and_last),
    TEST(what_is_written_before_it_runs_is_read_by_it),
    TEST(a_signal_is_told_by_its_number_and_name),
    TEST(arguments_environment_and_folder_are_those_asked_for),
    TEST(a_child_has_the_descriptors_it_was_given_and_no_others),
    TEST(rows_that_are_not_given_are_dev_null),
    TEST(one_socket_carries_both_directions),
    TEST(signals_are_as_a_program_expects_them),
    TEST(groups_and_sessions_are_its_own_or_ours),
    TEST(it_runs_as_whom_it_is_told_to),
    TEST(a_program_that_cannot_be_run_says_why),
    TEST(a_program_of_one_folder_that_may_not_be_run_is_looked_for_in_the_next),
    TEST(descriptors_that_cannot_be_had_say_so),
    TEST(texts_and_groups_have_limits),
    TEST(without_rights_or_processes_it_says_so),
    TEST(without_descriptors_it_does_not_start_and_leaves_none),
    TEST(one_that_is_asked_to_stop_may_say_something),
    TEST(one_that_does_not_stop_when_asked_is_killed),
    TEST(what_it_started_is_stopped_with_it),
    TEST(a_signal_can_be_sent_to_it),
    TEST(it_ends_with_the_system),
    TEST(it_ends_with_its_owner),
    TEST(a_grandchild_that_holds_the_pipe_does_not_hold_its_end),
    TEST(what_a_grandchild_still_writes_is_read),
    TEST(input_that_is_not_read_is_a_loss_of_its_stream_alone),
    TEST(joined_pipes_are_one_stream),
    {0},
};

const test_suite process_suite = {.name = "actors/process", .cases = cases, .threads = true};
