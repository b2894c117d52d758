/* SPDX-License-Identifier: MIT */
/* The one way memory is taken from the system, so that tests can make the n-th taking fail. */
#ifndef WF_ALLOC_H
#define WF_ALLOC_H

#include <stddef.h>

/* As malloc, calloc(1, n), aligned_alloc and free; wf_free takes NULL. thread: any. */
void *wf_alloc(size_t bytes) __attribute__((malloc, warn_unused_result));
void *wf_alloc_zero(size_t bytes) __attribute__((malloc, warn_unused_result));
void *wf_alloc_aligned(size_t alignment, size_t bytes) __attribute__((malloc, warn_unused_result));
void *wf_realloc(void *block, size_t bytes) __attribute__((warn_unused_result));
void wf_free(void *block);

/* Address space only: pages come zeroed when touched, and a table made of it never moves. */
void *wf_reserve(size_t bytes) __attribute__((warn_unused_result));
/* The same, with no access to its first @guard bytes, of @guard + @bytes, both multiples of a page. */
void *wf_reserve_guarded(size_t guard, size_t bytes) __attribute__((warn_unused_result));
void wf_unreserve(void *block, size_t bytes);

/* Tests only: lets @n takings on this thread succeed and the one after it fail; negative: none fails. */
void wf_alloc_fail_after(long n);
/* The same for the @run takings after the @n-th. */
void wf_alloc_fail_run(long n, long run);
/* How many takings this thread has made, failed ones included. */
long wf_alloc_count(void);
/* How many of them were made to fail. */
long wf_alloc_failed(void);

#endif
