/* SPDX-License-Identifier: MIT */
/* What edge actors use of the reactor they live on. */
#include <weft/edge.h>

#include "alloc.h"
#include "ask.h"
#include "buffer.h"
#include "family.h"
#include "log.h"
#include "mailbox.h"
#include "post.h"
#include "sys.h"

enum { READ_COPY_RATIO = 4 };

void *weft_alloc(size_t bytes)
{
    return wf_alloc(bytes);
}

void *weft_alloc_zero(size_t bytes)
{
    return wf_alloc_zero(bytes);
}

void *weft_alloc_again(void *block, size_t bytes)
{
    return wf_realloc(block, bytes);
}

void weft_alloc_free(void *block)
{
    wf_free(block);
}

void weft_watch_init(weft_watch *watch, int fd, weft_ready_fn *ready)
{
    WF_R->drv->watch_init(WF_R->poller, watch, fd, ready);
}

void weft_watch_set(weft_watch *watch, unsigned events)
{
    WF_R->drv->watch_set(WF_R->poller, watch, events);
}

int weft_watch_fd(const weft_watch *watch)
{
    return WF_R->drv->watch_fd(watch);
}

void weft_hook_queue(weft_hook *hook)
{
    wf_reactor *r = WF_R;
    if (hook->queued)
        return;
    hook->queued = true;
    hook->next = NULL;
    bool later = r->in_hooks && !hook->same_round;
    weft_hook ***tail = later ? &r->later_tail : &r->hooks_tail;
    **tail = hook;
    *tail = &hook->next;
    ++*(later ? &r->later_n : &r->hooks_n);
}

static bool take_out(weft_hook **list, weft_hook ***tail, const weft_hook *hook)
{
    for (weft_hook **at = list; *at != NULL; at = &(*at)->next)
        if (*at == hook) {
            *at = hook->next;
            if (hook->next == NULL)
                *tail = at;
            return true;
        }
    return false;
}

void weft_hook_cancel(weft_hook *hook)
{
    wf_reactor *r = WF_R;
    if (!hook->queued)
        return;
    hook->queued = false;
    if (take_out(&r->hooks, &r->hooks_tail, hook))
        r->hooks_n--;
    else if (take_out(&r->later, &r->later_tail, hook))
        r->later_n--;
}

/* ---- bytes */

uint8_t *weft_read_block(void)
{
    wf_reactor *r = WF_R;
    if (r->read_block == NULL)
        r->read_block = wf_buffer_new(r, WEFT_READ_BYTES_MAX);
    return r->read_block != NULL ? r->read_block->data : NULL;
}

weft_err weft_read_bytes(size_t size, weft_account *account, weft_bytes *out)
{
    wf_reactor *r = WF_R;
    wf_buffer *b = r->read_block;
    if (size * READ_COPY_RATIO <= WEFT_READ_BYTES_MAX) {
        b = wf_buffer_new(r, size);
        if (b == NULL)
            return WEFT_ENOMEM;
        memcpy(b->data, r->read_block->data, size);
    } else
        r->read_block = NULL;
    wf_buffer_charge(b, account);
    *out = (weft_bytes){b->data, size, b};
    return WEFT_OK;
}

void wf_read_block_done(wf_reactor *r)
{
    if (r->read_block != NULL)
        wf_buffer_drop(r->read_block);
    r->read_block = NULL;
}

weft_err weft_bytes_charged(size_t size, weft_account *account, uint8_t **to, weft_bytes *out)
{
    weft_err err = weft_bytes_new(size, to, out);
    if (err == WEFT_OK)
        wf_buffer_charge(out->buffer, account);
    return err;
}

size_t weft_bytes_spare(weft_bytes bytes)
{
    const wf_buffer *b = bytes.buffer;
    if (b == NULL || atomic_load_explicit(&b->refs, memory_order_acquire) != 1)
        return 0;
    return b->capacity - (size_t)(bytes.at - b->data) - bytes.size;
}

weft_bytes weft_bytes_share(weft_bytes bytes)
{
    if (bytes.buffer != NULL)
        wf_buffer_share(bytes.buffer);
    return bytes;
}

size_t weft_bytes_charge(weft_bytes bytes)
{
    return bytes.buffer != NULL ? bytes.buffer->charge : 0;
}

const weft_account *weft_bytes_account(weft_bytes bytes)
{
    return bytes.buffer != NULL ? bytes.buffer->account : NULL;
}

/* ---- events */

weft_err weft_event(weft_actor *self, weft_ref to, const weft_type *type, const void *body)
{
    wf_reactor *r = WF_R;
    weft_msg *m = wf_block_take(r, type->size);
    if (m == NULL)
        return WEFT_ENOMEM;
    wf_fill(r, m, self, type, 0, WF_UNCOUNTED);
    /* it comes from the world, not from the message that happens to be served: that one's time limit
     * would go on from event to event for the life of the stream */
    m->deadline = 0;
    m->trace = 0;
    memcpy(m->body, body, type->size);
    weft_err err = wf_put_msg(r, to, m);
    if (err != WEFT_OK)
        wf_block_free(r, m); /* not its body: that stays the caller's */
    return err;
}

weft_actor *weft_here(weft_ref ref)
{
    wf_reactor *r = WF_R;
    if (ref.home != r->home)
        return NULL;
    weft_actor *a = wf_actor_at(r, ref.slot, ref.gen);
    return a != NULL && (a->bits & WF_STOPPING) == 0 ? a : NULL;
}

weft_actor *weft_actor_of_state(void *state)
{
    return (weft_actor *)(void *)((char *)state - offsetof(weft_actor, state));
}

weft_ref weft_spawn_apart(const weft_behaviour *behaviour, const void *config, weft_why *why)
{
    wf_reactor *r = WF_R;
    const weft_actor *a = wf_spawn(r, NULL, behaviour, config, why);
    return a != NULL ? wf_ref_of(r, a) : WEFT_NOBODY;
}

void weft_release_child(weft_actor *self, weft_ref child)
{
    wf_reactor *r = WF_R;
    if (child.home != r->home)
        return;
    weft_actor *a = wf_actor_at(r, child.slot, child.gen);
    if (a != NULL && WF_STAT_GET(a->parent) == WF_STAT_GET(self->slot) &&
        (a->rare == NULL || a->rare->ward == NULL)) /* a ward is its parent's for life */
        wf_family_move(r, a, WF_STAT_GET(self->parent));
}

void weft_leave_parent(weft_actor *self)
{
    if (self->rare == NULL || self->rare->ward == NULL)
        wf_family_move(WF_R, self, 0);
}

bool weft_stop_children(weft_actor *self, weft_err reason)
{
    wf_reactor *r = WF_R;
    if (self->child == 0)
        return false;
    for (uint32_t i = self->child; i != 0; i = r->slots[i].actor->sibling)
        wf_actor_stop(r, r->slots[i].actor, reason, NULL, false);
    return true;
}

bool weft_is_here(weft_ref ref)
{
    return ref.home == WF_R->home;
}

bool weft_handles(const weft_actor *actor, const weft_type *type)
{
    return wf_program_row(WF_STAT_GET(actor->program), type)->type == type;
}

/* ---- handlers within handlers, or outside of any */

/* What stood before comes back afterwards: Deferreds that the outer handler has not consumed yet too. */
typedef struct outer {
    weft_actor *running;
    weft_msg *current;
    uint32_t unconsumed;
} outer;

static outer go_in(wf_reactor *r, weft_actor *self, weft_msg *msg)
{
    outer o = {WF_STAT_GET(r->running), r->current, r->unconsumed};
    if (o.current != r->nothing)
        o.current->flags |= WF_RUNS;
    r->current = msg;
    r->unconsumed = 0;
    WF_STAT_PUBLISH(r->running, self);
    return o;
}

static void go_out(wf_reactor *r, weft_actor *self, outer o)
{
    if (r->unconsumed != 0 && self != NULL)
        wf_detach_unconsumed(r, self);
    WF_STAT_PUBLISH(r->running, o.running);
    r->current = o.current;
    r->unconsumed = o.unconsumed;
    if (o.current != r->nothing)
        o.current->flags &= (uint16_t)~WF_RUNS;
}

/* ---- calls across reactors */

static void call_here(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    const wf_control *c = (const wf_control *)(const void *)m->body;
    weft_call_fn *run = (weft_call_fn *)(uintptr_t)c->word[4];
    outer o = go_in(r, target, r->nothing);
    run(target, c->word);
    go_out(r, target, o);
}

weft_err weft_call(weft_ref to, weft_call_fn *run, const uint64_t word[4])
{
    wf_reactor *r = WF_R;
    wf_control control = {.run = call_here};
    to = wf_resolve(r, to);
    if (to.home == 0 || wf_home_index(to.home) >= wf_threads(r->sys))
        return WEFT_EGONE;
    memcpy(control.word, word, 4 * sizeof *word);
    control.word[4] = (uint64_t)(uintptr_t)run;
    return wf_control_send(r, to, &control);
}

void weft_enter(weft_actor *self, void (*fn)(weft_actor *self, void *context), void *context)
{
    wf_reactor *r = WF_R;
    outer o = go_in(r, self, r->nothing);
    fn(self, context);
    go_out(r, self, o);
}

void weft_system_log(weft_system *sys, int level, const char *name, const char *text)
{
    wf_log(sys, (weft_level)level, name, "%s", text);
}

void weft_system_refuse(weft_system *sys, weft_err err)
{
    sys->failed = err;
}

uint64_t weft_clock_ns(void)
{
    const wf_reactor *r = WF_R;
    return r->drv->now_ns(r->sys->driver);
}

/* ---- statistics */

void weft_count(weft_counter counter)
{
    WF_STAT_ADD(WF_R->stat.above[counter], 1);
}

/* ---- what layers above keep */

void **weft_kept(weft_kept_id id)
{
    return &WF_R->kept[id];
}

void weft_kept_set_free(weft_kept_id id, void (*free)(void *kept))
{
    WF_R->kept_free[id] = free;
}

void weft_system_keep(weft_system *sys, weft_kept_id id, void *kept, void (*free)(void *kept))
{
    sys->reactor[0]->kept[id] = kept;
    sys->reactor[0]->kept_free[id] = free;
}

void *weft_system_kept(const weft_system *sys, weft_kept_id id)
{
    return sys->reactor[0]->kept[id];
}

/* ---- requests served in place: the request word holds the ops */

size_t weft_local_bytes(size_t body_bytes)
{
    return sizeof(weft_msg) + body_bytes;
}

weft_msg *weft_local_init(void *room, const weft_type *type, const weft_local_ops *ops,
                          uint64_t trace, uint32_t limit_ms)
{
    weft_msg *m = room;
    *m = (weft_msg){.type = type,
                    .request = (uint64_t)(uintptr_t)ops,
                    .trace = trace,
                    .flags = WF_LOCAL | WF_UNCOUNTED};
    weft_local_limit(m, limit_ms);
    return m;
}

void weft_local_limit(weft_msg *msg, uint32_t limit_ms)
{
    uint32_t deadline = WF_R->wheel.now + limit_ms;
    msg->deadline = limit_ms == 0 ? 0 : deadline != 0 ? deadline : 1;
}

void weft_local_serve(weft_actor *self, weft_msg *msg, weft_handler_fn *fn)
{
    wf_reactor *r = WF_R;
    outer o = go_in(r, self, msg);
    weft_err err = fn(self, msg);
    if (err != WEFT_OK && (msg->flags & WF_ANSWERED) == 0)
        (void)weft_fail(msg, err, NULL);
    go_out(r, self, o);
    wf_msg_done(r, self, msg);
}

bool weft_is_local(const weft_msg *msg)
{
    return (msg->flags & WF_LOCAL) != 0;
}

void weft_local_cancel(weft_actor *self, weft_msg *msg)
{
    msg->flags |= WF_ANSWERED;
    wf_tell_holder(WF_R, self, msg);
}

/* ---- alarms */

_Static_assert(sizeof(weft_alarm) >= sizeof(wf_timer), "an alarm has room for a timer");

void weft_alarm_set(weft_alarm *alarm, uint32_t ms, weft_alarm_fn *fn)
{
    wf_timer *timer = (wf_timer *)alarm;
    wf_timer_cancel(&WF_R->wheel, timer);
    /* whoever learns of readiness runs before the reactor has looked at the clock: after a long sleep its
     * tick is long past, and what is armed from there on is due at once */
    wf_timer_start(&WF_R->wheel, timer, ms, (wf_fire_fn *)(void *)fn);
}

void weft_alarm_clear(weft_alarm *alarm)
{
    wf_timer_cancel(&WF_R->wheel, (wf_timer *)alarm);
}
