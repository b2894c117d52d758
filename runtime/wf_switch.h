/* SPDX-License-Identifier: MIT */
/* Switching between a thread's own stack and another one: Boost.Context's C entry points, told to the
 * sanitizers.
 *
 *      thread's stack                       the other stack
 *      wf_switch_enter ───────────────────▶ run(at)
 *           ...returns ◀─────────────────── wf_switch_leave
 *      wf_switch_enter ───────────────────▶ ...returns
 *           ...returns ◀─────────────────── run returned, or wf_switch_abandon
 */
#ifndef WF_SWITCH_H
#define WF_SWITCH_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define WF_SWITCH_ADDRESS 1
#elif defined(__SANITIZE_THREAD__)
#define WF_SWITCH_THREAD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WF_SWITCH_ADDRESS 1
#elif __has_feature(thread_sanitizer)
#define WF_SWITCH_THREAD 1
#endif
#endif

/* One stack to switch to and back from. */
typedef struct wf_switch wf_switch;
struct wf_switch {
    void *to; /* where the side that does not run goes on */
    void (*run)(wf_switch *at);
#if defined(WF_SWITCH_ADDRESS)
    const void *bottom, *outer_bottom; /* of this stack, and of the thread's */
    size_t bytes, outer_bytes;
    void *fake, *outer_fake;
#elif defined(WF_SWITCH_THREAD)
    void *known, *outer; /* as the thread sanitizer knows the two */
#endif
};

/* Prepares the stack from @bottom up to @top (aligned to 16): the first enter calls @run(@at) there. A
 * switch that was used before is prepared anew; of one that was not, all is zero. */
void wf_switch_init(wf_switch *at, void *bottom, void *top, void (*run)(wf_switch *at));

/* Goes to the other stack; returns when that has left. thread: the same for each enter, but for a thread
 * that has ended. */
void wf_switch_enter(wf_switch *at);

/* Goes back to who entered; returns at the next enter. */
void wf_switch_leave(wf_switch *at);

/* Goes back for good, with what stands on the stack unfinished. */
_Noreturn void wf_switch_abandon(wf_switch *at);

/* The stack is about to be unmapped. */
void wf_switch_done(wf_switch *at);

#endif
