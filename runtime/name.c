/* SPDX-License-Identifier: MIT */
/* Names and groups. A name's entry is written under the system's lock and read as a seqlock. */
#include "name.h"

#include <stdio.h>

#include "alloc.h"
#include "ask.h"
#include "remote.h"
#include "sys.h"

enum { BUCKETS = 4096 };

typedef struct name {
    char text[WEFT_NAME_BYTES];
    _Atomic uint32_t version; /* odd while it is written; pairs with wf_name_resolve */
    _Atomic uint32_t slot, gen;
    _Atomic uint64_t home;
    uint32_t next;  /* in its bucket */
    uint32_t chain; /* the next name of the same actor */
} name;

struct wf_names {
    name *entry; /* reserved: never moves */
    uint32_t used;
    uint32_t bucket[BUCKETS];
};

typedef struct group {
    unsigned n;
    weft_ref member[WEFT_REACTORS_MAX];
} group;

struct wf_groups {
    unsigned n;
    group *_Atomic group[WF_GROUPS_MAX];
};

static struct wf_names *names_of(weft_system *sys)
{
    if (sys->names == NULL) {
        struct wf_names *names = wf_alloc_zero(sizeof *names);
        if (names == NULL)
            return NULL;
        names->entry = wf_reserve((WF_NAMES_MAX + 1) * sizeof *names->entry);
        if (names->entry == NULL) {
            wf_free(names);
            return NULL;
        }
        sys->names = names;
    }
    return sys->names;
}

bool wf_name_valid(const char *text)
{
    size_t n = strnlen(text, WEFT_NAME_BYTES);
    if (n == 0 || n == WEFT_NAME_BYTES)
        return false;
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/") == n;
}

static uint32_t hash(const char *text)
{
    uint32_t h = 2166136261U;
    for (; *text != '\0'; text++)
        h = (h ^ (uint8_t)*text) * 16777619U;
    return h % BUCKETS;
}

/* The index of @text; 0: nobody has used it. The lock is held. */
static uint32_t known_index(const struct wf_names *names, const char *text)
{
    if (names == NULL)
        return 0;
    for (uint32_t i = names->bucket[hash(text)]; i != 0; i = names->entry[i].next)
        if (strcmp(names->entry[i].text, text) == 0)
            return i;
    return 0;
}

/* The same, made if it is new; 0 when there is no room. */
static uint32_t index_of(weft_system *sys, const char *text)
{
    struct wf_names *names = names_of(sys);
    uint32_t known = known_index(names, text);
    if (names == NULL || known != 0)
        return known;
    uint32_t *bucket = &names->bucket[hash(text)];
    if (names->used == WF_NAMES_MAX)
        return 0;
    uint32_t i = ++names->used;
    (void)snprintf(names->entry[i].text, WEFT_NAME_BYTES, "%s", text);
    names->entry[i].next = *bucket;
    *bucket = i;
    return i;
}

static void assign(name *n, weft_ref who)
{
    uint32_t version = atomic_load_explicit(&n->version, memory_order_relaxed);
    atomic_store_explicit(&n->version, version + 1, memory_order_relaxed);
    atomic_thread_fence(
        memory_order_release); /* odd before the fields; pairs with the reader's acquire */
    atomic_store_explicit(&n->home, who.home, memory_order_relaxed);
    atomic_store_explicit(&n->slot, who.slot, memory_order_relaxed);
    atomic_store_explicit(&n->gen, who.gen, memory_order_relaxed);
    atomic_store_explicit(&n->version, version + 2, memory_order_release);
}

weft_ref wf_name_resolve(const weft_system *sys, weft_ref ref)
{
    weft_ref who;
    if (sys->names == NULL || ref.slot > WF_NAMES_MAX)
        return WEFT_NOBODY; /* of another system */
    name *n = &sys->names->entry[ref.slot];
    for (;;) {
        uint32_t before = atomic_load_explicit(&n->version, memory_order_acquire);
        who.home = atomic_load_explicit(&n->home, memory_order_relaxed);
        who.slot = atomic_load_explicit(&n->slot, memory_order_relaxed);
        who.gen = atomic_load_explicit(&n->gen, memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        if ((before & 1) == 0 && atomic_load_explicit(&n->version, memory_order_relaxed) == before)
            return who;
    }
}

/* Gives @text, until @self ends, to @who: itself, or one of another node. */
static weft_err register_for(weft_actor *self, const char *text, weft_ref who)
{
    weft_system *sys = WF_R->sys;
    if (!wf_name_valid(text))
        return WEFT_EINVAL;
    wf_rare *rare = wf_rare_of(self);
    if (rare == NULL)
        return WEFT_ENOMEM;
    weft_err err = WEFT_OK;
    wf_lock_take(sys, &sys->lock);
    uint32_t i = index_of(sys, text);
    if (i == 0)
        err = WEFT_ELIMIT;
    else if (atomic_load_explicit(&sys->names->entry[i].slot, memory_order_relaxed) != 0)
        err = weft_ref_same(wf_name_resolve(sys, (weft_ref){.home = WF_HOME_NAME, .slot = i}), who)
                  ? WEFT_OK
                  : WEFT_EEXISTS;
    else {
        name *n = &sys->names->entry[i];
        assign(n, who);
        n->chain = rare->names;
        rare->names = i;
    }
    wf_lock_give(sys, &sys->lock);
    return err;
}

weft_err weft_register(weft_actor *self, const char *text)
{
    return register_for(self, text, wf_ref_of(WF_R, self));
}

weft_err weft_remote_register(weft_actor *self, const char *text, weft_ref who)
{
    return register_for(self, text, who);
}

weft_err weft_system_register(weft_system *sys, weft_ref who, const char *text)
{
    unsigned index = wf_home_index(who.home);
    if (weft_ref_is_nobody(who) || index >= wf_threads(sys))
        return WEFT_EGONE;
    wf_reactor *outer = WF_R;
    WF_R = sys->reactor[index];
    weft_actor *a = weft_here(who);
    weft_err err = a != NULL ? weft_register(a, text) : WEFT_EGONE;
    WF_R = outer;
    return err;
}

void wf_names_release(weft_system *sys, uint32_t first)
{
    wf_lock_take(sys, &sys->lock);
    for (uint32_t i = first; i != 0; i = sys->names->entry[i].chain)
        assign(&sys->names->entry[i], WEFT_NOBODY);
    wf_lock_give(sys, &sys->lock);
}

static weft_ref named(weft_system *sys, const char *text)
{
    if (!wf_name_valid(text))
        return WEFT_NOBODY;
    wf_lock_take(sys, &sys->lock);
    uint32_t i = index_of(sys, text);
    wf_lock_give(sys, &sys->lock);
    return i != 0 ? (weft_ref){.home = WF_HOME_NAME, .slot = i} : WEFT_NOBODY;
}

const char *weft_name_of(const weft_actor *actor)
{
    const wf_rare *rare = actor->rare;
    /* its own thread alone writes the chain, and the text of an entry never changes */
    return rare != NULL && rare->names != 0 ? WF_R->sys->names->entry[rare->names].text : NULL;
}

/* "NAME@NODE" */
static WF_COLD weft_ref named_elsewhere(weft_system *sys, const char *text, const char *at)
{
    char local[WEFT_NAME_BYTES];
    size_t n = (size_t)(at - text);
    if (n >= sizeof local)
        return WEFT_NOBODY;
    memcpy(local, text, n);
    local[n] = '\0';
    weft_ref ref = named(sys, local);
    return ref.slot != 0 ? wf_remote_named(sys, ref.slot, at + 1) : ref;
}

weft_ref weft_named(weft_actor *self, const char *text)
{
    const char *at = strchr(text, '@');
    (void)self;
    return at == NULL ? named(WF_R->sys, text) : named_elsewhere(WF_R->sys, text, at);
}

const char *wf_name_text(const weft_system *sys, uint32_t slot)
{
    return sys->names->entry[slot].text;
}

weft_ref weft_lookup(weft_actor *self, const char *text)
{
    weft_system *sys = WF_R->sys;
    (void)self;
    if (!wf_name_valid(text))
        return WEFT_NOBODY;
    /* what is only looked up uses none of names_max up: it may come from a stranger */
    wf_lock_take(sys, &sys->lock);
    uint32_t i = known_index(sys->names, text);
    wf_lock_give(sys, &sys->lock);
    return i != 0 ? wf_name_resolve(sys, (weft_ref){.home = WF_HOME_NAME, .slot = i}) : WEFT_NOBODY;
}

const char *weft_name_text(const weft_system *sys, weft_ref ref)
{
    return ref.home == WF_HOME_NAME && ref.slot != 0 && ref.slot <= WF_NAMES_MAX
               ? wf_name_text(sys, ref.slot)
               : NULL;
}

weft_ref weft_group_member(const weft_actor *self, weft_ref ref)
{
    (void)self;
    return ref.home == WF_HOME_GROUP ? wf_group_resolve(WF_R, ref) : ref;
}

bool weft_names_next(weft_system *sys, uint32_t *cursor, char *text, weft_ref *who)
{
    bool found = false;
    wf_lock_take(sys, &sys->lock);
    while (!found && sys->names != NULL && *cursor < sys->names->used) {
        uint32_t i = ++*cursor;
        weft_ref ref = wf_name_resolve(sys, (weft_ref){.home = WF_HOME_NAME, .slot = i});
        found = !weft_ref_is_nobody(ref);
        if (found) {
            *who = ref;
            (void)snprintf(text, WEFT_NAME_BYTES, "%s", sys->names->entry[i].text);
        }
    }
    wf_lock_give(sys, &sys->lock);
    return found;
}

/* ---- groups */

weft_ref wf_group_new(weft_system *sys, const weft_ref *members, unsigned n)
{
    if (sys->groups == NULL)
        sys->groups = wf_alloc_zero(sizeof *sys->groups);
    if (sys->groups == NULL || sys->groups->n + 1 >= WF_GROUPS_MAX)
        return WEFT_NOBODY;
    group *g = wf_alloc_zero(sizeof *g);
    if (g == NULL)
        return WEFT_NOBODY;
    g->n = n;
    memcpy(g->member, members, n * sizeof *members);
    unsigned i = ++sys->groups->n;
    atomic_store_explicit(&sys->groups->group[i], g, memory_order_release);
    return (weft_ref){.home = WF_HOME_GROUP, .slot = i};
}

weft_ref wf_group_resolve(const wf_reactor *r, weft_ref ref)
{
    if (r->sys->groups == NULL || ref.slot >= WF_GROUPS_MAX)
        return WEFT_NOBODY;
    const group *g = atomic_load_explicit(&r->sys->groups->group[ref.slot], memory_order_acquire);
    if (g == NULL)
        return WEFT_NOBODY;
    return g->member[r->index < g->n ? r->index : 0];
}

void wf_names_free(weft_system *sys)
{
    if (sys->names != NULL) {
        wf_unreserve(sys->names->entry, (WF_NAMES_MAX + 1) * sizeof *sys->names->entry);
        wf_free(sys->names);
    }
    for (unsigned i = 1; sys->groups != NULL && i <= sys->groups->n; i++)
        wf_free(sys->groups->group[i]);
    wf_free(sys->groups);
}

/* ---- printing */

weft_ref_kind weft_ref_kind_of(weft_ref ref)
{
    if (ref.slot == 0)
        return WEFT_REF_NOBODY;
    if (ref.home == WF_HOME_NAME || (uint32_t)ref.home == WF_HOME_REMOTE_NAME)
        return WEFT_REF_NAME;
    return ref.home == WF_HOME_GROUP ? WEFT_REF_GROUP : WEFT_REF_ACTOR;
}

const char *weft_ref_print(weft_ref ref, char text[WEFT_REF_TEXT_BYTES])
{
    if (wf_is_remote(ref.home) && ref.slot != 0)
        return wf_remote_print(ref, text);
    switch (weft_ref_kind_of(ref)) {
    case WEFT_REF_NOBODY:
        (void)snprintf(text, WEFT_REF_TEXT_BYTES, "nobody");
        break;
    case WEFT_REF_NAME:
        (void)snprintf(text, WEFT_REF_TEXT_BYTES, "name:%u", ref.slot);
        break;
    case WEFT_REF_GROUP:
        (void)snprintf(text, WEFT_REF_TEXT_BYTES, "group:%u", ref.slot);
        break;
    default:
        (void)snprintf(text, WEFT_REF_TEXT_BYTES, "<%u.%u.%u>", wf_home_index(ref.home), ref.slot,
                       ref.gen);
    }
    return text;
}
