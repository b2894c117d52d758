/* SPDX-License-Identifier: MIT */
/* Memory from the system, with a tap that tests can close. */
#include "alloc.h"

#include <stdlib.h>
#include <sys/mman.h>

static __thread long fail_after = -1, fail_run = 1, taken, failed;

/* The n-th taking fails, and as many behind it as were asked for: code that goes on after a failure is tested
 * with memory back again, and with none. */
static int fails(void)
{
    taken++;
    if (__builtin_expect(fail_after < 0, 1))
        return 0;
    if (fail_after != 0) {
        fail_after--;
        return 0;
    }
    failed++;
    if (--fail_run <= 0)
        fail_after = -1;
    return 1;
}

void *wf_alloc(size_t bytes)
{
    return fails() ? NULL : malloc(bytes);
}

void *wf_alloc_zero(size_t bytes)
{
    return fails() ? NULL : calloc(1, bytes);
}

void *wf_alloc_aligned(size_t alignment, size_t bytes)
{
    return fails() ? NULL : aligned_alloc(alignment, (bytes + alignment - 1) & ~(alignment - 1));
}

void *wf_realloc(void *block, size_t bytes)
{
    return fails() ? NULL : realloc(block, bytes);
}

void wf_free(void *block)
{
    free(block);
}

void *wf_reserve(size_t bytes)
{
    if (fails())
        return NULL;
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

void *wf_reserve_guarded(size_t guard, size_t bytes)
{
    void *at = wf_reserve(guard + bytes);
    if (at != NULL && mprotect(at, guard, PROT_NONE) != 0) {
        wf_unreserve(at, guard + bytes);
        at = NULL;
    }
    return at;
}

void wf_unreserve(void *block, size_t bytes)
{
    if (block != NULL)
        (void)munmap(block, bytes);
}

void wf_alloc_fail_after(long n)
{
    wf_alloc_fail_run(n, 1);
}

void wf_alloc_fail_run(long n, long run)
{
    fail_after = n;
    fail_run = run;
}

long wf_alloc_count(void)
{
    return taken;
}

long wf_alloc_failed(void)
{
    return failed;
}
