/* SPDX-License-Identifier: MIT */
/* What fibers.sh runs: a fiber that fills its stack, a fault that is none of a fiber's, a wait to be
 * looked at by a debugger. usage: weft_fibers overflow|own|fault|wait */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/weft.h>

static const weft_type deep_type = WEFT_TYPE("test.deep", uint64_t, NULL);
static const weft_type fault_type = WEFT_TYPE("test.fault", uint64_t, NULL);
static const weft_type wait_type = WEFT_TYPE("test.wait", uint64_t, NULL);

static volatile unsigned sink;

__attribute__((noinline)) static unsigned go_down(unsigned depth)
{
    volatile char room[1000];
    room[0] = (char)depth;
    return depth == 0 ? 0 : go_down(depth - 1) + (unsigned)room[0];
}

static weft_err on_deep(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    if (weft_sleep(self, 1) == WEFT_OK)
        sink = go_down(10000);
    return WEFT_OK;
}

static weft_err on_fault(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    if (weft_sleep(self, 1) == WEFT_OK)
        (void)raise(SIGSEGV);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

/* The debugger stops here. */
__attribute__((noinline)) static void look_here(void)
{
    sink++;
}

static weft_err on_wait(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    if (weft_sleep(self, 1) == WEFT_OK)
        look_here();
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &deep_type, .fn = on_deep, .fiber = true},
    {.type = &fault_type, .fn = on_fault, .fiber = true},
    {.type = &wait_type, .fn = on_wait, .fiber = true},
    {0},
};
static const weft_behaviour diver = {.name = "diver", .handlers = handlers};

static void own_handler(int number)
{
    static const char text[] = "the program's own handler\n";
    (void)number;
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    _exit(written > 0 ? 3 : 4);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    const weft_type *type = strcmp(what, "fault") == 0  ? &fault_type
                            : strcmp(what, "wait") == 0 ? &wait_type
                                                        : &deep_type;
    static char alternate[64 << 10];
    uint64_t body = 0;
    if (strcmp(what, "overflow") != 0 && strcmp(what, "wait") != 0) {
        /* as a program does that writes a report of its own; its stack for signals stays */
        (void)sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof alternate}, NULL);
        (void)sigaction(
            SIGSEGV, &(struct sigaction){.sa_handler = own_handler, .sa_flags = SA_ONSTACK}, NULL);
    }
    weft_system *sys = weft_system_new(NULL);
    weft_ref ref = sys != NULL ? weft_system_spawn(sys, 0, &diver, NULL) : WEFT_NOBODY;
    if (sys == NULL || weft_system_tell(sys, ref, type, &body) != WEFT_OK)
        return EXIT_FAILURE;
    return weft_run(&sys);
}
