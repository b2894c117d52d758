/* SPDX-License-Identifier: MIT */
/* The one file that knows Boost.Context. Its header is C++, so the two entry points are declared here as
 * boost/context/detail/fcontext.hpp of 1.74 has them: extern "C", two pointers returned in registers. */
#include "wf_switch.h"

#if defined(WF_SWITCH_ADDRESS)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#elif defined(WF_SWITCH_THREAD)
#include <sanitizer/tsan_interface.h>
#endif

/* What the sanitizers put into functions must be the same when they are left as when they were entered, which
 * it is not where stacks change within. */
#if defined(WF_SWITCH_ADDRESS) || defined(WF_SWITCH_THREAD)
#define UNWATCHED __attribute__((no_sanitize("address", "thread", "undefined")))
#else
#define UNWATCHED
#endif

/* Where the other side goes on, and what it was told. */
typedef struct transfer {
    void *context, *data;
} transfer;

extern transfer jump_fcontext(void *to, void *data);
extern void *make_fcontext(void *top, size_t bytes, void (*entry)(transfer from));

/* Debuggers and unwinders end their walk where the return address is said to be unknown. */
#if defined(__x86_64__)
#define OUTERMOST_FRAME __asm__ volatile(".cfi_undefined rip")
#elif defined(__aarch64__)
#define OUTERMOST_FRAME __asm__ volatile(".cfi_undefined x30")
#else
#define OUTERMOST_FRAME (void)0
#endif

UNWATCHED static inline void before_enter(wf_switch *at)
{
#if defined(WF_SWITCH_ADDRESS)
    __sanitizer_start_switch_fiber(&at->outer_fake, at->bottom, at->bytes);
#elif defined(WF_SWITCH_THREAD)
    at->outer = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(at->known, 0);
#else
    (void)at;
#endif
}

UNWATCHED static inline void after_enter(wf_switch *at)
{
#if defined(WF_SWITCH_ADDRESS)
    __sanitizer_finish_switch_fiber(at->outer_fake, NULL, NULL);
#else
    (void)at;
#endif
}

/* @fake: where the frames of this side are kept meanwhile; NULL: they are over. */
UNWATCHED static inline void before_leave(wf_switch *at, void **fake)
{
#if defined(WF_SWITCH_ADDRESS)
    __sanitizer_start_switch_fiber(fake, at->outer_bottom, at->outer_bytes);
#elif defined(WF_SWITCH_THREAD)
    (void)fake;
    __tsan_switch_to_fiber(at->outer, 0);
#else
    (void)at, (void)fake;
#endif
}

UNWATCHED static inline void after_leave(wf_switch *at, void *fake)
{
#if defined(WF_SWITCH_ADDRESS)
    __sanitizer_finish_switch_fiber(fake, &at->outer_bottom, &at->outer_bytes);
#else
    (void)at, (void)fake;
#endif
}

/* The first frame of every stack; it never returns. */
UNWATCHED static void fiber_begins(transfer from)
{
    OUTERMOST_FRAME;
    wf_switch *at = from.data;
    after_leave(at, NULL);
    at->to = from.context;
    at->run(at);
    before_leave(at, NULL);
    (void)jump_fcontext(at->to, NULL);
    __builtin_unreachable();
}

void wf_switch_init(wf_switch *at, void *bottom, void *top, void (*run)(wf_switch *at))
{
    size_t bytes = (size_t)((char *)top - (char *)bottom);
    at->run = run;
    at->to = make_fcontext(top, bytes, fiber_begins);
#if defined(WF_SWITCH_ADDRESS)
    at->bottom = bottom;
    at->bytes = bytes;
#elif defined(WF_SWITCH_THREAD)
    if (at->known == NULL)
        at->known = __tsan_create_fiber(0);
#endif
}

UNWATCHED void wf_switch_enter(wf_switch *at)
{
    before_enter(at);
    transfer from = jump_fcontext(at->to, at);
    after_enter(at);
    at->to = from.context;
}

UNWATCHED void wf_switch_leave(wf_switch *at)
{
    void **fake = NULL;
#if defined(WF_SWITCH_ADDRESS)
    fake = &at->fake;
#endif
    before_leave(at, fake);
    transfer from = jump_fcontext(at->to, NULL);
    after_leave(at, fake != NULL ? *fake : NULL);
    at->to = from.context;
}

UNWATCHED _Noreturn void wf_switch_abandon(wf_switch *at)
{
    before_leave(at, NULL);
    (void)jump_fcontext(at->to, NULL);
    __builtin_unreachable();
}

void wf_switch_done(wf_switch *at)
{
#if defined(WF_SWITCH_ADDRESS)
    /* frames that were abandoned have left their marks */
    __asan_unpoison_memory_region(at->bottom, at->bytes);
#elif defined(WF_SWITCH_THREAD)
    if (at->known != NULL)
        __tsan_destroy_fiber(at->known);
    at->known = NULL;
#else
    (void)at;
#endif
}
