/* SPDX-License-Identifier: MIT */
/* An actor whose rows are fibers, and what its acts do. */
#include "fiber_kit.h"

const weft_type serial_act_type = WEFT_TYPE("test.serial_act", act, NULL);
const weft_type plain_act_type = WEFT_TYPE("test.plain_act", act, NULL);
const weft_type letter_type = WEFT_TYPE("test.letter", num, NULL);

record *seen;
weft_ref it, other;

static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}

static weft_err on_num(weft_actor *self, weft_msg *msg)
{
    (void)self;
    record_add(seen, ((const num *)weft_body(msg))->n);
    return weft_is_request(msg) ? weft_reply(msg, num, .n = 0) : WEFT_OK;
}

static void on_ended(weft_actor *self, weft_err reason)
{
    waiter_state *s = weft_state(self);
    (void)reason;
    s->kept = NULL;
    if (seen != NULL)
        record_add(seen, 999);
}

static const weft_handler handlers[] = {
    {.type = &act_type, .fn = on_act, .fiber = true},
    {.type = &serial_act_type, .fn = on_act, .fiber = true, .serial = true},
    {.type = &plain_act_type, .fn = on_act},
    {.type = &num_type, .fn = on_num},
    {0},
};
const weft_behaviour waiter = {.name = "waiter",
                               .handlers = handlers,
                               .state_bytes = sizeof(waiter_state),
                               .asks_max = 20000,
                               .mailbox_max = 20000,
                               .ended = on_ended};

void fibers_before(void)
{
    sim_one();
    seen = record_new();
    it = weft_sim_spawn(sim, &waiter, NULL);
    other = sim_puppet(record_new());
}

void check_seen(const uint64_t *want, unsigned n, int line)
{
    check_u64(seen->n, n, "how much was seen", __FILE__, line);
    for (unsigned i = 0; i < n && i < seen->n; i++)
        check_u64(seen->got[i], want[i], "what was seen", __FILE__, line);
}

weft_err answer_7(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    return weft_reply(msg, num, .n = 7);
}

weft_err fail_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    return weft_fail(msg, WEFT_EPROTO, "no");
}

weft_err keep_it(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)with;
    s->kept = weft_keep(msg);
    return WEFT_OK;
}

weft_err answer_kept(weft_actor *self, weft_msg *msg, void *with)
{
    puppet_state *s = weft_state(self);
    (void)msg, (void)with;
    if (s->kept != NULL)
        CHECK_OK(weft_reply(s->kept, num, .n = 8));
    weft_drop(&s->kept);
    return WEFT_OK;
}

weft_err stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

weft_deferred ask_other(weft_actor *self, act_fn *fn)
{
    return weft_ask(self, other, act, .fn = fn);
}

void tell_num(uint64_t n)
{
    CHECK_OK(weft_sim_tell(sim, it, num, .n = n));
}
