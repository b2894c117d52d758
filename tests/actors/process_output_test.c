/* SPDX-License-Identifier: MIT */
/* The output of a program as a Deferred: what it gives, its limits, and that nobody's program lives on. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "actors/process_kit.h"

/* What an output came to; asked for by the actor of the kit. */
static struct {
    weft_output_options options;
    const char *shell;
    uint32_t limit_ms;
    bool cancel, cancel_late;
    weft_deferred deferred;
    /* seen */
    unsigned fired;
    weft_err err;
    char why[WEFT_WHY_BYTES], out[256], errors[256];
    size_t out_n, err_n;
    int code, signal;
} asked;

static weft_err on_output(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_output *output = got->body;
    (void)msg;
    asked.fired++;
    asked.err = got->err;
    (void)snprintf(asked.why, sizeof asked.why, "%s", got->why);
    if (got->err == WEFT_OK) {
        weft_bytes out = weft_output_out(output), err = weft_output_err(output);
        asked.out_n = out.size;
        asked.err_n = err.size;
        (void)snprintf(asked.out, sizeof asked.out, "%.*s", (int)out.size, (const char *)out.at);
        (void)snprintf(asked.errors, sizeof asked.errors, "%.*s", (int)err.size,
                       (const char *)err.at);
        asked.code = output->code;
        asked.signal = output->signal;
    }
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static void ask(weft_actor *self, process_run *r, weft_msg *msg)
{
    const char *argv[] = {"sh", "-c", asked.shell, NULL};
    (void)r;
    if (asked.shell != NULL)
        asked.options.process.argv = argv;
    asked.deferred = weft_process_output_of(self, &asked.options, asked.limit_ms);
    CHECK_OK(weft_when(msg, asked.deferred, on_output));
    if (asked.cancel)
        CHECK_OK(weft_cancel(self, asked.deferred));
    if (asked.cancel_late)
        (void)weft_after(self, 30, process_note, .what = 0);
}

static void cancel_it(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)r, (void)msg;
    CHECK_OK(weft_cancel(self, asked.deferred));
}

/* The kit's actor asks; that no child is left is looked at when the system has ended. */
static void run(const char *shell)
{
    process_run r = {.starting = ask, .note = cancel_it};
    asked.shell = shell;
    asked.fired = 0;
    asked.out[0] = asked.errors[0] = asked.why[0] = '\0';
    process_run_it(&r);
    CHECK_U64(asked.fired, 1);
}

static void forget(void)
{
    memset(&asked, 0, sizeof asked);
    asked.limit_ms = 20000;
}

static void output_errors_and_status_come_together(void)
{
    run("echo out; echo err >&2; echo more; exit 9");
    CHECK_OK(asked.err);
    CHECK_STR(asked.out, "out\nmore\n");
    CHECK_STR(asked.errors, "err\n");
    CHECK_I64(asked.code, 9);
    run("kill -9 $$");
    CHECK_OK(asked.err);
    CHECK_I64(asked.signal, SIGKILL);
    CHECK_U64(asked.out_n + asked.err_n, 0);
}

static weft_err only_argv(weft_actor *self, weft_msg *msg)
{
    static const char *const argv[] = {"echo", "simple", NULL};
    return weft_when(msg, weft_process_output(self, argv, 20000), on_output);
}

static void ask_simply(weft_actor *self, process_run *r, weft_msg *msg)
{
    (void)r;
    CHECK_OK(only_argv(self, msg));
}

static void arguments_are_all_that_need_be_said(void)
{
    process_run r = {.starting = ask_simply};
    process_run_it(&r);
    CHECK_STR(asked.out, "simple\n");
}

static void what_is_given_it_is_read(void)
{
    asked.options.input = WEFT_BYTES_LITERAL("3\n1\n2\n");
    run("sort");
    CHECK_STR(asked.out, "1\n2\n3\n");
    run("exit 1"); /* one that does not read it is no failure */
    CHECK_OK(asked.err);
    CHECK_I64(asked.code, 1);
    asked.options.input = WEFT_NO_BYTES;
    run("wc -c");
    CHECK_STR(asked.out, "0\n");
}

static void a_program_that_cannot_be_run_is_a_failure_with_its_sentence(void)
{
    static const char *const argv[] = {"/no/such/program", NULL};
    asked.options.process.argv = argv;
    run(NULL);
    CHECK_ERR(asked.err, WEFT_ENOTFOUND);
    CHECK(strstr(asked.why, "unable to run /no/such/program") != NULL);
    asked.options.process.dir = "/no/such/folder";
    run("true");
    CHECK_ERR(asked.err, WEFT_ENOTFOUND);
    CHECK(strstr(asked.why, "unable to enter") != NULL);
}

static void more_than_is_gathered_is_a_failure_or_cut(void)
{
    asked.options.bytes_max = 10;
    run("printf 123456789; printf 0 >&2");
    CHECK_OK(asked.err);
    CHECK_U64(asked.out_n + asked.err_n, 10);
    run("yes");
    CHECK_ERR(asked.err, WEFT_ETOOBIG);
    asked.options.cut = true;
    run("head -c 1000000 /dev/zero | tr '\\0' y; exit 3");
    CHECK_OK(asked.err);
    CHECK_STR(asked.out, "yyyyyyyyyy");
    CHECK_I64(asked.code, 3);
}

static void a_megabyte_comes_whole(void)
{
    run("head -c 1000000 /dev/zero; head -c 500000 /dev/zero >&2");
    CHECK_OK(asked.err);
    CHECK_U64(asked.out_n, 1000000);
    CHECK_U64(asked.err_n, 500000);
}

static void one_that_takes_too_long_is_stopped(void)
{
    asked.limit_ms = 50;
    asked.options.process.grace_ms = 50;
    run("trap '' TERM; while :; do sleep 1; done");
    CHECK_ERR(asked.err, WEFT_ETIMEDOUT);
}

static void one_that_is_cancelled_is_stopped(void)
{
    asked.cancel = true; /* before its actor has heard of it */
    run("sleep 1000");
    CHECK_ERR(asked.err, WEFT_ECANCELLED);
    asked.cancel = false;
    asked.cancel_late = true;
    run("sleep 1000");
    CHECK_ERR(asked.err, WEFT_ECANCELLED);
}

static const test_case cases[] = {
    TEST(output_errors_and_status_come_together),
    TEST(arguments_are_all_that_need_be_said),
    TEST(what_is_given_it_is_read),
    TEST(a_program_that_cannot_be_run_is_a_failure_with_its_sentence),
    TEST(more_than_is_gathered_is_a_failure_or_cut),
    TEST(a_megabyte_comes_whole),
    TEST(one_that_takes_too_long_is_stopped),
    TEST(one_that_is_cancelled_is_stopped),
    {0},
};

const test_suite process_output_suite = {
    .name = "actors/process output", .before = forget, .cases = cases};
