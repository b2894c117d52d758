/* SPDX-License-Identifier: MIT */
/* Looping calls.
 *
 *   told what to ask ──▶ waiting ── the beat ──▶ asking ── answered ──▶ waiting ...
 *                           └── stop ──▶ ended ◀── stop was asked for, or it failed
 */
#include <weft/loop.h>

#include <weft/edge.h>
#include <weft/system.h>

enum { NS_OF_MS = 1000000, ROUND_MS = 30000 };

typedef struct beat {
    char nothing;
} beat;
static const weft_type beat_type = WEFT_TYPE("weft.loop_beat", beat, NULL);

const weft_type weft_loop_stopped_type = WEFT_TYPE("weft.loop_stopped", weft_loop_stopped, NULL);
const weft_type weft_loop_stop_type =
    WEFT_TYPE("weft.loop_stop", weft_loop_stop, &weft_loop_stopped_type);

typedef struct loop {
    weft_msg *call;     /* what is asked */
    weft_msg *stopping; /* who wants it to end */
    weft_ref to;
    uint32_t due_ms; /* of the round that is waited for, or under way */
    bool asking;
    weft_loop_stopped counts;
} loop;

static uint32_t ms_until(const weft_actor *self, uint64_t wall_ns)
{
    uint64_t now = weft_wall_ns(self), ms;
    if (wall_ns <= now)
        return 0;
    ms = (wall_ns - now - 1) / NS_OF_MS + 1;
    return ms <= WEFT_TIMER_MS_MAX ? (uint32_t)ms : UINT32_MAX;
}

weft_timer weft_timer_at(weft_actor *self, uint64_t wall_ns, const weft_type *type,
                         const void *body)
{
    uint32_t ms = ms_until(self, wall_ns);
    if (ms == UINT32_MAX)
        return (weft_timer){0, 0};
    return weft_timer_start(self, ms, 0, type, body);
}

static weft_err wait(weft_actor *self, uint32_t ms)
{
    weft_timer timer = weft_after(self, ms, beat, .nothing = 0);
    return timer.slot != 0 ? WEFT_OK
                           : weft_stop_because(self, WEFT_ENOMEM, "no memory for the next round");
}

static weft_err end(weft_actor *self)
{
    loop *l = weft_state(self);
    (void)weft_reply_body(l->stopping, &weft_loop_stopped_type, &l->counts);
    weft_drop(&l->stopping);
    return weft_stop(self, WEFT_OK);
}

/* The next beat that has not passed. */
static weft_err wait_for_next(weft_actor *self)
{
    loop *l = weft_state(self);
    const weft_loop_config *config = weft_config(self);
    uint32_t late_ms = weft_now_ms(self) - l->due_ms, beats = late_ms / config->period_ms;
    l->counts.skipped += beats;
    l->due_ms += (beats + 1) * config->period_ms;
    return wait(self, l->due_ms - weft_now_ms(self));
}

static weft_err on_round(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    loop *l = weft_state(self);
    const weft_loop_config *config = weft_config(self);
    (void)msg;
    l->asking = false;
    /* a handler that answers nothing has done its round too */
    if (got->err != WEFT_OK && got->err != WEFT_ENOANSWER) {
        if (!config->go_on)
            return weft_stop_because(self, got->err, "%s", got->why);
        weft_log(self, WEFT_WARNING, "a round failed: %s", got->why);
    }
    return l->stopping != NULL ? end(self) : wait_for_next(self);
}

static weft_err on_beat(weft_actor *self, weft_msg *msg)
{
    loop *l = weft_state(self);
    const weft_loop_config *config = weft_config(self);
    if (l->stopping != NULL)
        return WEFT_OK;
    l->counts.rounds++;
    weft_err err = weft_when(msg,
                             weft_ask_body(self, l->to, weft_type_of(l->call), weft_body(l->call),
                                           config->round_ms != 0 ? config->round_ms : ROUND_MS),
                             on_round);
    l->asking = err == WEFT_OK;
    return err == WEFT_OK ? WEFT_OK : weft_stop_because(self, err, "unable to begin a round");
}

static weft_err on_call(weft_actor *self, weft_msg *msg)
{
    loop *l = weft_state(self);
    const weft_loop_config *config = weft_config(self);
    uint32_t ms;
    if (config == NULL || config->period_ms == 0 || config->period_ms > WEFT_TIMER_MS_MAX)
        return weft_stop_because(self, WEFT_EINVAL, "a loop without a period");
    if (l->call != NULL)
        return weft_stop_because(self, WEFT_EINVAL, "a loop that is told twice what to ask");
    ms = config->now               ? 0
         : config->at_wall_ns != 0 ? ms_until(self, config->at_wall_ns)
                                   : config->period_ms;
    if (ms == UINT32_MAX)
        return weft_stop_because(self, WEFT_EINVAL, "a loop that begins in more than 24 days");
    l->call = weft_keep(msg);
    l->to = weft_ref_is_nobody(config->to) ? weft_sender(msg) : config->to;
    l->due_ms = weft_now_ms(self) + ms;
    return ms == 0 ? on_beat(self, msg) : wait(self, ms);
}

static weft_err on_stop(weft_actor *self, weft_msg *msg)
{
    loop *l = weft_state(self);
    if (l->stopping != NULL)
        return weft_fail(msg, WEFT_EUSED, "the loop is being stopped");
    l->stopping = weft_keep(msg);
    return l->asking ? WEFT_OK : end(self);
}

static const weft_handler rows[] = {
    {.type = &beat_type, .fn = on_beat},
    {.type = &weft_loop_stop_type, .fn = on_stop},
    {0},
};

const weft_behaviour weft_loop = {
    .name = "loop", .handlers = rows, .otherwise = on_call, .state_bytes = sizeof(loop)};
