/* SPDX-License-Identifier: MIT */
/* Spawning: a slot, a block of memory, a place in the family. */
#include "family.h"

#include <weft/pool.h>

#include "ask.h"
#include "block.h"
#include "mailbox.h"
#include "poison.h"
#include "pool.h"
#include "program.h"
#include "sys.h"

enum { STATE_BYTES_MAX = 64 << 10 };

const weft_type weft_started_type = WEFT_TYPE("weft.started", weft_started, NULL);
const weft_type weft_stopping_type = WEFT_TYPE("weft.stopping", weft_stopping, NULL);
const weft_type weft_spawned_type = WEFT_TYPE("weft.spawned", weft_spawned, NULL);

/* Classes of 16 bytes up to 1 KiB, then powers of two: memory of actors stays memory of actors, so that
 * statistics may read an actor that has just ended. */
static uint8_t class_of(size_t bytes)
{
    if (bytes < 1024)
        return (uint8_t)((bytes + 15) / 16);
    return (uint8_t)(64 + 54 - __builtin_clzll((unsigned long long)bytes - 1));
}

static size_t class_bytes(uint8_t class)
{
    return class < 64 ? 16 * (size_t) class : (size_t)1024 << (class - 64);
}

static weft_actor *memory_take(wf_reactor *r, size_t bytes)
{
    uint8_t class = class_of(bytes);
    weft_actor *a = r->free_actor[class];
    if (WF_LIKELY(a != NULL)) {
        r->free_actor[class] = a->next_ready;
        WF_UNPOISON(a->state, class_bytes(class) - sizeof *a);
    } else {
        a = wf_carve(r, class_bytes(class));
        if (a == NULL)
            return NULL;
    }
    return a;
}

/* Other threads may read the counts of the actor that lived here before: each is stored as they are read. */
static void header_init(weft_actor *a, const wf_program *program, uint32_t slot, uint32_t gen)
{
    WF_STAT_SET(a->program, program);
    WF_STAT_SET(a->slot, slot);
    WF_STAT_SET(a->gen, gen);
    WF_STAT_SET(a->mail, 0);
    WF_STAT_SET(a->ready_at, 0);
    WF_STAT_SET(a->handled, 0);
    WF_STAT_SET(a->parent, 0);
    a->head = NULL;
    a->tail = &a->head;
    a->next_ready = NULL;
    a->bits = WF_UNRUN;
    a->unrun = 0;
    a->child = a->sibling = a->sibling_back = 0;
    a->cells = a->asks = 0;
    a->rare = NULL;
}

/* The bytes of an actor: header, state, and the config behind it. */
static size_t actor_bytes(const weft_behaviour *b, bool config)
{
    size_t bytes = sizeof(weft_actor) + b->state_bytes;
    return config ? ((bytes + 7) & ~(size_t)7) + sizeof(void *) : bytes;
}

void wf_actor_free(wf_reactor *r, weft_actor *a, const weft_behaviour *spawned_as)
{
    uint8_t class = class_of(actor_bytes(spawned_as, (a->bits & WF_CONFIG) != 0));
    WF_POISON(a->state, class_bytes(class) - sizeof *a);
    a->next_ready = r->free_actor[class];
    r->free_actor[class] = a;
}

static uint32_t slot_take(wf_reactor *r)
{
    uint32_t i = r->free_slot;
    if (WF_LIKELY(i != 0)) {
        r->free_slot = r->slots[i].next_free;
        return i;
    }
    i = r->slots_used + 1;
    if (i > r->sys->options.actors_max || i >= WF_SLOTS_MAX)
        return 0;
    __atomic_store_n(&r->slots[i].gen, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&r->slots_used, i, __ATOMIC_RELAXED);
    return i;
}

void wf_family_join(wf_reactor *r, weft_actor *parent, weft_actor *a, uint32_t slot)
{
    WF_STAT_SET(a->parent, WF_STAT_GET(parent->slot));
    a->sibling = parent->child;
    if (a->sibling != 0)
        r->slots[a->sibling].actor->sibling_back = slot;
    parent->child = slot;
}

/* All but `started`. errors: NULL with @err (EINVAL, ENOMEM, ELIMIT) and @why. */
static inline WF_FAST weft_actor *make(wf_reactor *r, weft_actor *parent,
                                       const weft_behaviour *behaviour, const void *config,
                                       weft_err *err, weft_why *why)
{
    *err = WEFT_OK;
    const wf_program *program = wf_program_of(r, behaviour, err, why);
    if (WF_UNLIKELY(program == NULL))
        return NULL;
    size_t bytes = actor_bytes(behaviour, config != NULL);
    if (WF_UNLIKELY(behaviour->state_bytes > STATE_BYTES_MAX)) {
        *err = weft_because(why, WEFT_ELIMIT, "behaviour %s: a state of %u bytes, at most %d",
                            behaviour->name, behaviour->state_bytes, STATE_BYTES_MAX);
        return NULL;
    }
    weft_actor *a = memory_take(r, bytes);
    if (WF_UNLIKELY(a == NULL)) {
        *err = weft_because(why, WEFT_ENOMEM, "no memory for an actor of behaviour %s",
                            behaviour->name);
        return NULL;
    }
    uint32_t slot = slot_take(r);
    if (WF_UNLIKELY(slot == 0)) {
        a->bits = config != NULL ? WF_CONFIG : 0; /* which says how large it is */
        wf_actor_free(r, a, behaviour);
        *err = weft_because(why, WEFT_ELIMIT, "no actor of behaviour %s: actors_max is %u",
                            behaviour->name, r->sys->options.actors_max);
        return NULL;
    }
    wf_slot *s = &r->slots[slot];
    header_init(a, program, slot, s->gen);
    memset(a->state, 0, bytes - sizeof *a);
    __atomic_store_n(&s->actor, a, __ATOMIC_RELEASE);
    if (config != NULL) {
        a->bits |= WF_CONFIG;
        memcpy((char *)a + bytes - sizeof config, &config, sizeof config);
    }
    if (parent != NULL)
        wf_family_join(r, parent, a, slot);
    WF_STAT_ADD(r->stat.actors, 1);
    return a;
}

/* errors: EINVAL, ENOMEM, ELIMIT and @why. */
static inline WF_FAST weft_err spawn(wf_reactor *r, weft_actor *parent,
                                     const weft_behaviour *behaviour, const void *config,
                                     weft_actor **out, weft_why *why)
{
    weft_err err;
    weft_actor *a = make(r, parent, behaviour, config, &err, why);
    if (WF_UNLIKELY(a == NULL))
        return err;
    if (WF_UNLIKELY(WF_STAT_GET(a->program)->wants_started)) {
        weft_started body = {config};
        weft_msg *m;
        if (wf_msg_new(r, NULL, &weft_started_type, &body, 0, WF_UNCOUNTED, &m, why) != WEFT_OK) {
            wf_actor_stop(r, a, WEFT_ENOMEM, NULL, true);
            /* it never lived: `ended` must not give back what is the caller's */
            a->bits |= WF_DOWN;
            return WEFT_ENOMEM;
        }
        m->deadline = 0;
        wf_deliver(r, a, m);
    }
    *out = a;
    return WEFT_OK;
}

weft_actor *wf_spawn(wf_reactor *r, weft_actor *parent, const weft_behaviour *behaviour,
                     const void *config, weft_why *why)
{
    weft_actor *a = NULL;
    (void)spawn(r, parent, behaviour, config, &a, why);
    return a;
}

weft_actor *wf_spawn_quietly(wf_reactor *r, weft_actor *parent, const weft_behaviour *behaviour,
                             const void *config, weft_err *err, weft_why *why)
{
    return make(r, parent, behaviour, config, err, why);
}

weft_ref weft_spawn(weft_actor *self, const weft_behaviour *behaviour, const void *config)
{
    wf_reactor *r = WF_R;
    weft_why why;
    const weft_actor *a = wf_spawn(r, self, behaviour, config, &why);
    if (WF_UNLIKELY(a == NULL)) {
        weft_log(self, WEFT_ERROR, "unable to spawn: %s", why.text);
        return WEFT_NOBODY;
    }
    return wf_ref_of(r, a);
}

static void spawn_here(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    const wf_control *c = (const wf_control *)(const void *)m->body;
    weft_ref asker = WEFT_NOBODY;
    weft_why why = {""};
    weft_actor *a = NULL;
    (void)target;
    memcpy(&asker, &c->word[0], sizeof asker);
    /* one that came now would not be told to stop */
    weft_err err = r->ending ? WEFT_ESTOPPING
                             : spawn(r, NULL, (const weft_behaviour *)(uintptr_t)c->word[3],
                                     (const void *)(uintptr_t)c->word[4], &a, &why);
    if (err == WEFT_OK && a != NULL) {
        weft_spawned body = {wf_ref_of(r, a)};
        if (wf_put(NULL, asker, &weft_spawned_type, &body, c->word[2], WF_REPLY | WF_UNCOUNTED) !=
            WEFT_ENOMEM)
            return;
        wf_actor_stop(r, a, WEFT_ENOMEM, NULL, true); /* nobody knows of it */
        err = weft_because(&why, WEFT_ECANCELLED, "no memory to say who was spawned");
    }
    m->from = asker;
    m->request = c->word[2];
    (void)wf_fail_request(r, NULL, m, err, why.text);
}

void wf_spawned_late(weft_actor *a, const weft_msg *m)
{
    const weft_spawned *spawned = (const weft_spawned *)(const void *)m->body;
    (void)weft_stop_ref(a, spawned->ref, WEFT_EGONE); /* it may have ended */
}

weft_deferred weft_spawn_on(weft_actor *self, unsigned reactor, const weft_behaviour *behaviour,
                            const void *config)
{
    wf_control control = {.run = spawn_here};
    control.word[3] = (uint64_t)(uintptr_t)behaviour;
    control.word[4] = (uint64_t)(uintptr_t)config;
    bool sent, there = reactor < WF_R->sys->reactors;
    return wf_ask_control(self, (weft_ref){.home = there ? wf_home(reactor) : 0}, &control, &sent);
}

static weft_err no_thread(weft_actor *self, weft_ref to, uint64_t request, unsigned flags,
                          void *context, weft_why *why)
{
    (void)self, (void)to, (void)request, (void)flags, (void)why;
    return *(const weft_err *)context;
}

static void spawn_in_pool(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    spawn_here(r, target, m);
    wf_pool_done(r, WF_POOL_ACTOR);
}

weft_deferred weft_spawn_blocking(weft_actor *self, const weft_behaviour *behaviour,
                                  const void *config)
{
    wf_control control = {.run = spawn_in_pool};
    weft_why why = {""};
    weft_err err;
    bool sent;
    wf_reactor *thread = wf_pool_choose(WF_R->sys, WF_POOL_ACTOR, &err, &why);
    if (thread == NULL)
        return wf_ask_by(self, WEFT_NOBODY, WEFT_INHERIT, no_thread, &err, &why);
    control.word[3] = (uint64_t)(uintptr_t)behaviour;
    control.word[4] = (uint64_t)(uintptr_t)config;
    weft_deferred deferred =
        wf_ask_control(self, (weft_ref){.home = thread->home}, &control, &sent);
    if (!sent)
        wf_pool_done(thread, WF_POOL_ACTOR);
    return deferred;
}

void *weft_state(weft_actor *self)
{
    return self->state;
}

const void *weft_config(const weft_actor *self)
{
    const void *config = NULL;
    if ((self->bits & WF_CONFIG) != 0) {
        const weft_behaviour *b = wf_spawned_as(self);
        size_t at = (sizeof *self + b->state_bytes + 7) & ~(size_t)7;
        memcpy(&config, (const char *)self + at, sizeof config);
    }
    return config;
}

const weft_behaviour *wf_spawned_as(const weft_actor *self)
{
    if (self->rare != NULL && self->rare->spawned_as != NULL)
        return self->rare->spawned_as;
    return WF_STAT_GET(self->program)->behaviour;
}

weft_ref weft_self(const weft_actor *self)
{
    return wf_ref_of(WF_R, self);
}

weft_ref weft_parent(const weft_actor *self)
{
    uint32_t parent = WF_STAT_GET(self->parent);
    return parent != 0 ? wf_ref_of(WF_R, WF_R->slots[parent].actor) : WEFT_NOBODY;
}

const weft_behaviour *weft_behaviour_of(const weft_actor *self)
{
    return WF_STAT_GET(self->program)->behaviour;
}

weft_err weft_become(weft_actor *self, const weft_behaviour *behaviour)
{
    const weft_behaviour *first = wf_spawned_as(self);
    if (behaviour->state_bytes > first->state_bytes)
        return WEFT_EINVAL;
    wf_rare *rare = wf_rare_of(self);
    weft_err err = WEFT_ENOMEM;
    const wf_program *program = rare != NULL ? wf_program_of(WF_R, behaviour, &err, NULL) : NULL;
    if (program == NULL)
        return err;
    rare->spawned_as = first;
    WF_STAT_PUBLISH(self->program, program);
    return WEFT_OK;
}

void weft_report_undelivered(weft_actor *self, bool wanted)
{
    wf_rare *rare = wf_rare_of(self);
    if (rare != NULL)
        rare->note_undelivered = wanted;
}
