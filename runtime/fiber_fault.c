/* SPDX-License-Identifier: MIT */
/* The report of a stack overflow: one line that names behaviour and row, then what would have happened
 * without us. It stands in the way of nobody: a fault that is no overflow of a fiber goes to whoever
 * handled faults before. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "alloc.h"
#include "fiber.h"

enum { ALTERNATE_BYTES_MIN = 16 << 10, LINE_BYTES = 320 };

/* Of the process: how many reactors want the report, and what stood there before. */
static atomic_flag busy = ATOMIC_FLAG_INIT;
static unsigned users;
static struct sigaction before;

/* ---- the line: only what a signal handler may call */

typedef struct line {
    char text[LINE_BYTES];
    size_t n;
} line;

static void put(line *l, const char *text)
{
    while (*text != '\0' && l->n < sizeof l->text - 1)
        l->text[l->n++] = *text++;
}

static void put_number(line *l, unsigned long n)
{
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do
        digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    put(l, digits + at);
}

static void report(const wf_fiber *f)
{
    line l = {.n = 0};
    put(&l, "weft: stack overflow in a fiber of actor ");
    put(&l, WF_STAT_GET(f->actor->program)->behaviour->name);
    put(&l, ", row ");
    put(&l, f->msg->type->name);
    put(&l, ": it has ");
    put_number(&l, WF_FIBER_STACK_BYTES);
    put(&l, " bytes");
    l.text[l.n++] = '\n';
    ssize_t written = write(STDERR_FILENO, l.text, l.n);
    (void)written;
}

/* ---- the signal */

static void pass_on(int number, siginfo_t *info, void *context)
{
    bool sent = info->si_code <= 0; /* by a process: it does not happen again by itself */
    if ((before.sa_flags & SA_SIGINFO) != 0) {
        before.sa_sigaction(number, info, context);
    } else if (before.sa_handler == SIG_IGN && sent) {
        return;
    } else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) {
        (void)sigaction(SIGSEGV, &before, NULL);
        if (sent)
            (void)raise(SIGSEGV);
    } else {
        before.sa_handler(number);
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    int error = errno;
    const wf_fiber *f = WF_R != NULL ? WF_R->fiber : NULL;
    uintptr_t at = (uintptr_t)info->si_addr;
    uintptr_t bottom = f != NULL ? (uintptr_t)wf_fiber_bottom(f) : 0;
    if (f != NULL && info->si_code > 0 && at < bottom && at >= bottom - WF_FIBER_GUARD_BYTES) {
        report(f);
        /* the instruction runs again, and the fault is then theirs */
        (void)sigaction(SIGSEGV, &before, NULL);
    } else {
        pass_on(number, info, context);
    }
    errno = error;
}

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) {
    }
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&busy, memory_order_release); /* pairs with lock */
}

static void handler_begin(void)
{
    struct sigaction ours = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    ours.sa_sigaction = on_fault;
    (void)sigemptyset(&ours.sa_mask);
    lock();
    if (users++ == 0)
        (void)sigaction(SIGSEGV, &ours, &before);
    unlock();
}

static void handler_end(void)
{
    struct sigaction now;
    lock();
    /* whoever came after us keeps its place */
    if (--users == 0 && sigaction(SIGSEGV, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
        now.sa_sigaction == on_fault)
        (void)sigaction(SIGSEGV, &before, NULL);
    unlock();
}

/* A handler cannot run on the stack that has overflowed. */
static bool alternate_begin(void **alternate)
{
    stack_t there;
    if (sigaltstack(NULL, &there) != 0 || (there.ss_flags & SS_DISABLE) == 0)
        return true;
    long wanted = sysconf(_SC_SIGSTKSZ);
    size_t bytes = wanted > ALTERNATE_BYTES_MIN ? (size_t)wanted : ALTERNATE_BYTES_MIN;
    *alternate = wf_alloc(bytes);
    if (*alternate == NULL)
        return false;
    return sigaltstack(&(stack_t){.ss_sp = *alternate, .ss_size = bytes}, NULL) == 0;
}

/* The thread it was made for is this one, or has ended. */
static void alternate_end(void **alternate)
{
    stack_t there;
    if (*alternate != NULL && sigaltstack(NULL, &there) == 0 && there.ss_sp == *alternate)
        (void)sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    wf_free(*alternate);
    *alternate = NULL;
}

bool wf_fault_begin(void **alternate)
{
    if (!alternate_begin(alternate)) {
        alternate_end(alternate);
        return false;
    }
    handler_begin();
    return true;
}

void wf_fault_end(void **alternate)
{
    handler_end();
    alternate_end(alternate);
}
