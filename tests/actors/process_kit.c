/* SPDX-License-Identifier: MIT */
/* One actor that starts a process, does with it what a test says, and notes what it is told. */
#include "actors/process_kit.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANGS_AFTER_MS = 60000 };

const weft_type process_note_type = WEFT_TYPE("test.process_note", process_note, NULL);
typedef struct process_late {
    char nothing;
} process_late;
static const weft_type process_late_type = WEFT_TYPE("test.process_late", process_late, NULL);

static process_run *run_of(weft_actor *self)
{
    return (process_run *)(uintptr_t)weft_config(self);
}

static void note(process_run *r, char what)
{
    size_t n = strlen(r->log);
    if ((n == 0 || r->log[n - 1] != what) && n + 1 < sizeof r->log)
        r->log[n] = what;
}

static void call(process_run_fn *fn, weft_actor *self, weft_msg *msg)
{
    if (fn != NULL)
        fn(self, run_of(self), msg);
}

weft_ref process_run_stream(weft_actor *self, const process_run *r, int fd)
{
    return weft_process_stream(self, r->process, fd);
}

void process_run_start(weft_actor *self, process_run *r)
{
    const char *argv[] = {"sh", "-c", r->shell, NULL};
    weft_process_options o = r->options;
    if (r->shell != NULL)
        o.argv = argv;
    r->process = weft_process_start(self, &o, weft_self(self));
    if (r->input != NULL)
        CHECK_OK(weft_write_text(self, process_run_stream(self, r, 0), "%s", r->input));
    if (r->end_input)
        CHECK_OK(weft_end(self, process_run_stream(self, r, 0)));
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    process_run *r = run_of(self);
    r->self = weft_self(self);
    (void)weft_after(self, HANGS_AFTER_MS, process_late, .nothing = 0);
    if (r->starting != NULL)
        call(r->starting, self, msg);
    else
        process_run_start(self, r);
    call(r->begun, self, msg);
    return WEFT_OK;
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    run_of(self)->hung = true;
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_process(weft_actor *self, weft_msg *msg)
{
    process_run *r = run_of(self);
    r->starts++;
    note(r, 's');
    r->end.pid = ((const weft_process_started *)weft_body(msg))->pid;
    call(r->started, self, msg);
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    note(run_of(self), 'o');
    return WEFT_OK;
}

static void gather(char *to, size_t *n, size_t room, weft_bytes bytes)
{
    size_t take = bytes.size < room - 1 - *n ? bytes.size : room - 1 - *n;
    memcpy(to + *n, bytes.at, take);
    *n += take;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    process_run *r = run_of(self);
    const weft_data *data = weft_body(msg);
    note(r, 'd');
    r->got += data->bytes.size;
    if (weft_ref_same(data->stream, process_run_stream(self, r, 2)))
        gather(r->err, &r->err_n, sizeof r->err, data->bytes);
    else
        gather(r->out, &r->out_n, sizeof r->out, data->bytes);
    call(r->data, self, msg);
    return WEFT_OK;
}

static weft_err on_stream_ended(weft_actor *self, weft_msg *msg)
{
    note(run_of(self), 'e');
    return weft_close(self, ((const weft_ended *)weft_body(msg))->stream);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    process_run *r = run_of(self);
    const weft_closed *closed = weft_body(msg);
    note(r, 'c');
    r->closes++;
    if (closed->reason != WEFT_EDONE)
        r->lost = closed->reason;
    call(r->closed, self, msg);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    process_run *r = run_of(self);
    note(r, 'E');
    r->ends++;
    r->end = *(const weft_process_ended *)weft_body(msg);
    call(r->ended, self, msg);
    if (!r->goes_on)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    const process_run *r = run_of(self);
    return r->drained != NULL ? r->drained(self, msg) : WEFT_OK;
}

static weft_err on_note(weft_actor *self, weft_msg *msg)
{
    call(run_of(self)->note, self, msg);
    return WEFT_OK;
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &process_late_type, .fn = on_late},
    {.type = &weft_process_started_type, .fn = on_process},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_stream_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_process_ended_type, .fn = on_ended},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &process_note_type, .fn = on_note},
    {0},
};
static const weft_behaviour runner = {.name = "runner", .handlers = rows, .mailbox_max = 65536};

static void be_quiet(void *context, const weft_log_line *line)
{
    (void)context;
    if (getenv("WEFT_TEST_LOG") != NULL)
        (void)fprintf(stderr, "\n    log: %s: %s", line->name, line->text);
}

unsigned process_count_fds(void)
{
    unsigned n = 0;
    DIR *folder = opendir("/proc/self/fd");
    REQUIRE(folder != NULL);
    while (readdir(folder) != NULL)
        n++;
    (void)closedir(folder);
    return n;
}

bool process_no_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

void process_run_it(process_run *r)
{
    unsigned fds = process_count_fds();
    weft_system *sys = weft_system_new(&(weft_system_options){.reactors = r->reactors,
                                                              .no_signals = true,
                                                              .stop_grace_ms = r->stop_grace_ms,
                                                              .log_hook = be_quiet});
    REQUIRE(sys != NULL);
    CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &runner, r)));
    CHECK_I64(weft_run(&sys), 0);
    CHECK(!r->hung);
    CHECK(r->ends <= 1 || r->goes_on);
    CHECK(process_no_children());
    CHECK_U64(process_count_fds(), fds);
}

void process_apart(void (*fn)(void))
{
    int status = 0;
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        unsigned failures = CU_get_number_of_failures(), i = 0;
        fn();
        for (const CU_FailureRecord *f = CU_get_failure_list(); f != NULL; f = f->pNext)
            if (i++ >= failures)
                (void)fprintf(stderr, "\n    in the child: %s:%u: %s", f->strFileName,
                              f->uiLineNumber, f->strCondition);
        _exit(CU_get_number_of_failures() != failures);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_I64(status, 0);
}
