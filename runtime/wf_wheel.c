/* SPDX-License-Identifier: MIT */
/* Running the timer wheel: jumping from one slot that holds something to the next. */
#include "wf_wheel.h"

enum {
    LEVELS = 4,
    SLOTS = 256,
    LOOK_MAX = 8,        /* so many timers of a slot are looked at to say when the first is due */
    NEXT_MAX = 1U << 30, /* half of what a signed difference of ticks can say */
    PAST_MAX =
        1U << 16, /* no clock goes back; this much is a start at another tick than the clock's */
};

static bool slot_is_empty(const wf_timer *head)
{
    return head->next == NULL || head->next == head;
}

/* Steps of @level from now's slot to the next that holds a timer, 1 to 256; 0: none does. The slot
 * of now comes last: what it held has fallen, so what it holds is one turn of the wheel ahead. Bits
 * that cancelling left behind are cleared on the way, so that each costs one look. */
static uint32_t steps_to_next(wf_wheel *wheel, uint32_t level)
{
    uint32_t from = wheel->now >> (8 * level);
    for (uint32_t step = 1; step <= SLOTS;) {
        uint32_t i = (from + step) & (SLOTS - 1);
        uint64_t *word = &wheel->bits[level][i >> 6];
        uint64_t rest = *word >> (i & 63);
        if (rest == 0) {
            step += 64 - (i & 63);
            continue;
        }
        uint32_t skip = (uint32_t)__builtin_ctzll(rest);
        step += skip;
        i += skip;
        if (step > SLOTS)
            break;
        if (!slot_is_empty(&wheel->slot[level][i]))
            return step;
        *word &= ~((uint64_t)1 << (i & 63));
        step++;
    }
    return 0;
}

/* Ticks until the slot begins that is @steps of @level away. */
static uint32_t ticks_to(const wf_wheel *wheel, uint32_t level, uint32_t steps)
{
    uint32_t shift = 8 * level;
    return (((wheel->now >> shift) + steps) << shift) - wheel->now;
}

/* Ticks until a slot has to be emptied, by firing or by falling. */
static uint32_t ticks_to_work(wf_wheel *wheel)
{
    uint32_t best = WF_WHEEL_NEVER;
    for (uint32_t level = 0; level < LEVELS; level++) {
        uint32_t steps = steps_to_next(wheel, level);
        uint32_t ticks = steps != 0 ? ticks_to(wheel, level, steps) : WF_WHEEL_NEVER;
        if (ticks < best)
            best = ticks;
    }
    return best;
}

/* Ticks until the first timer of a slot is due; if there are many in it, until it begins. */
static uint32_t ticks_to_first(const wf_wheel *wheel, uint32_t level, uint32_t steps)
{
    const wf_timer *head = &wheel->slot[level][((wheel->now >> (8 * level)) + steps) & (SLOTS - 1)];
    uint32_t best = WF_WHEEL_NEVER;
    int looked = 0;
    for (const wf_timer *timer = head->next; timer != head; timer = timer->next) {
        if (looked++ == LOOK_MAX)
            return ticks_to(wheel, level, steps);
        if (timer->when - wheel->now < best)
            best = timer->when - wheel->now;
    }
    return best;
}

uint32_t wf_wheel_next(wf_wheel *wheel)
{
    uint32_t best = WF_WHEEL_NEVER;
    if (wheel->armed == 0)
        return best;
    for (uint32_t level = 0; level < LEVELS; level++) {
        uint32_t steps = steps_to_next(wheel, level);
        if (steps == 0)
            continue;
        /* Within a level, the timers of a nearer slot are due before those of one behind it. */
        uint32_t ticks = level == 0 ? steps : ticks_to_first(wheel, level, steps);
        if (ticks < best)
            best = ticks;
    }
    return best < NEXT_MAX ? best : NEXT_MAX;
}

/* Puts @timer in front of those of its slot that stand below: for the same tick, it was armed
 * first. */
static void fall(wf_wheel *wheel, wf_timer *timer)
{
    uint32_t ahead = timer->when - wheel->now;
    uint32_t level = ahead < 256 ? 0 : (31U - (uint32_t)__builtin_clz(ahead)) >> 3;
    uint32_t i = (timer->when >> (8 * level)) & (SLOTS - 1);
    wf_timer *head = &wheel->slot[level][i];
    wf_timer *first = head->next != NULL ? head->next : head;
    timer->next = first;
    timer->back = head;
    first->back = timer;
    head->next = timer;
    wheel->bits[level][i >> 6] |= (uint64_t)1 << (i & 63);
}

/* The slot of now at @level falls, last timer first, so that each comes to stand before the later
 * ones. */
static void slot_fall(wf_wheel *wheel, uint32_t level)
{
    uint32_t i = (wheel->now >> (8 * level)) & (SLOTS - 1);
    wf_timer *head = &wheel->slot[level][i], *timer = head->back, *before;
    wheel->bits[level][i >> 6] &= ~((uint64_t)1 << (i & 63));
    if (slot_is_empty(head))
        return;
    head->next = head->back = head;
    for (; timer != head; timer = before) {
        before = timer->back;
        fall(wheel, timer);
    }
}

/* A fire function may take out any other timer of the slot, so each is taken from its front. None
 * can come in: the nearest that is armed now is due in the next tick. */
static void slot_fire(wf_wheel *wheel)
{
    uint32_t i = wheel->now & (SLOTS - 1);
    wf_timer *head = &wheel->slot[0][i];
    wheel->bits[0][i >> 6] &= ~((uint64_t)1 << (i & 63));
    while (!slot_is_empty(head)) {
        wf_timer *timer = head->next;
        wf_timer_cancel(wheel, timer);
        timer->fire(timer);
    }
}

void wf_wheel_settle(wf_wheel *wheel, uint32_t late)
{
    wf_timer *head = &wheel->fresh;
    while (!slot_is_empty(head)) {
        wf_timer *timer = head->next;
        uint32_t ms = timer->when < WF_TIMER_MS_MAX - late ? timer->when + late : WF_TIMER_MS_MAX;
        wf_timer_cancel(wheel, timer);
        wf_timer_arm(wheel, timer, ms, timer->fire);
    }
}

/* Whether @to lies behind. An empty wheel may have slept for longer than a signed difference can
 * say. */
static bool is_past(const wf_wheel *wheel, uint32_t to)
{
    return wheel->armed != 0 ? (int32_t)(to - wheel->now) <= 0 : wheel->now - to <= PAST_MAX;
}

void wf_wheel_run(wf_wheel *wheel, uint32_t to)
{
    if (is_past(wheel, to))
        return;
    while (wheel->armed != 0) {
        uint32_t ticks = ticks_to_work(wheel);
        if (ticks > to - wheel->now)
            break;
        wheel->now += ticks;
        /* Upwards: what stands higher was armed earlier, so it has to come in front. */
        for (uint32_t level = 1; level < LEVELS; level++) {
            if ((wheel->now & ((1U << (8 * level)) - 1)) != 0)
                break;
            slot_fall(wheel, level);
        }
        slot_fire(wheel);
    }
    wheel->now = to;
}
