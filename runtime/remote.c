/* SPDX-License-Identifier: MIT */
/* Other nodes: a table of their names, their links and their lives, and the way of a message to and from a
 * link. See weft/remote.h for who does what. */
#include "remote.h"

#include <stdio.h>

#include <weft/pack.h>

#include "alloc.h"
#include "ask.h"
#include "mailbox.h"
#include "name.h"
#include "sys.h"

/* The upper half of a home: which node, and which life of it. */
enum { LIFE_BITS = 20, LIFE_MAX = (1 << LIFE_BITS) - 1 };
_Static_assert(WEFT_REMOTE_NODES_MAX < 1U << (32 - LIFE_BITS), "a node's number fits a home");

typedef struct remote_node {
    char name[WEFT_NODE_NAME_BYTES]; /* written before its number is given out */
    weft_ref link;                   /* written once, before `takes` is other than 0 */
    _Atomic bool linked;
    _Atomic uint32_t life;   /* 1 to LIFE_MAX, and around */
    _Atomic uint32_t takes;  /* release: whoever reads it sees the link */
    _Atomic uint64_t queued; /* bytes of messages on their way to the link; of all reactors */
} remote_node;

struct wf_remotes {
    char self[WEFT_NODE_NAME_BYTES];
    _Atomic unsigned n; /* release: names below it are written */
    remote_node node[WEFT_REMOTE_NODES_MAX + 1];
};

/* ---- nodes */

weft_err weft_remote_begin(weft_system *sys, const char *name, weft_why *why)
{
    if (!wf_name_valid(name))
        return weft_because(why, WEFT_EINVAL, "\"%.64s\" is no name of a node", name);
    if (sys->remotes != NULL)
        return weft_because(why, WEFT_EEXISTS, "this system is the node %s already",
                            sys->remotes->self);
    struct wf_remotes *remotes = wf_reserve(sizeof *remotes);
    if (remotes == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for the table of nodes");
    (void)snprintf(remotes->self, sizeof remotes->self, "%s", name);
    sys->remotes = remotes;
    return WEFT_OK;
}

void wf_remotes_free(weft_system *sys)
{
    if (sys->remotes != NULL)
        wf_unreserve(sys->remotes, sizeof *sys->remotes);
    sys->remotes = NULL;
}

const char *weft_remote_self(const weft_system *sys)
{
    return sys->remotes != NULL ? sys->remotes->self : NULL;
}

static unsigned count(const struct wf_remotes *remotes)
{
    return atomic_load_explicit(&remotes->n, memory_order_acquire);
}

static unsigned known(const struct wf_remotes *remotes, const char *name)
{
    for (unsigned i = 1; i <= count(remotes); i++)
        if (strcmp(remotes->node[i].name, name) == 0)
            return i;
    return 0;
}

unsigned weft_remote_node(weft_system *sys, const char *name)
{
    struct wf_remotes *remotes = sys->remotes;
    if (remotes == NULL || !wf_name_valid(name))
        return 0;
    wf_lock_take(sys, &sys->lock);
    unsigned i = known(remotes, name);
    if (i == 0 && count(remotes) < WEFT_REMOTE_NODES_MAX) {
        i = count(remotes) + 1;
        remote_node *n = &remotes->node[i];
        (void)snprintf(n->name, sizeof n->name, "%s", name);
        atomic_store_explicit(&n->life, 1, memory_order_relaxed);
        atomic_store_explicit(&remotes->n, i, memory_order_release);
    }
    wf_lock_give(sys, &sys->lock);
    return i;
}

static remote_node *node_at(const weft_system *sys, unsigned node)
{
    struct wf_remotes *remotes = sys->remotes;
    return remotes != NULL && node != 0 && node <= count(remotes) ? &remotes->node[node] : NULL;
}

const char *weft_remote_node_name(const weft_system *sys, unsigned node)
{
    const remote_node *n = node_at(sys, node);
    return n != NULL ? n->name : NULL;
}

void weft_remote_attach(weft_system *sys, unsigned node, weft_ref link)
{
    remote_node *n = node_at(sys, node);
    n->link = link;
    atomic_store_explicit(&n->linked, true, memory_order_release);
}

void weft_remote_takes(weft_system *sys, unsigned node, unsigned takes)
{
    atomic_store_explicit(&node_at(sys, node)->takes, takes, memory_order_release);
}

void weft_remote_anew(weft_system *sys, unsigned node)
{
    remote_node *n = node_at(sys, node);
    uint32_t life = atomic_load_explicit(&n->life, memory_order_relaxed);
    atomic_store_explicit(&n->life, life % LIFE_MAX + 1, memory_order_relaxed);
}

/* ---- references */

unsigned weft_remote_node_of(weft_ref ref)
{
    return wf_is_remote(ref.home) && ref.slot != 0 ? (unsigned)(ref.home >> (32 + LIFE_BITS)) : 0;
}

static bool is_name(weft_ref ref)
{
    return (uint32_t)ref.home == WF_HOME_REMOTE_NAME;
}

static uint64_t home_of(unsigned node, uint32_t life, uint32_t kind)
{
    return (uint64_t)((uint32_t)node << LIFE_BITS | life) << 32 | kind;
}

weft_ref weft_remote_ref(const weft_system *sys, unsigned node, uint64_t token)
{
    const remote_node *n = node_at(sys, node);
    if (n == NULL || (uint32_t)token == 0)
        return WEFT_NOBODY;
    uint32_t life = atomic_load_explicit(&n->life, memory_order_relaxed);
    return (weft_ref){.home = home_of(node, life, WF_HOME_REMOTE),
                      .slot = (uint32_t)token,
                      .gen = (uint32_t)(token >> 32)};
}

bool weft_remote_is_current(const weft_system *sys, weft_ref ref)
{
    const remote_node *n = node_at(sys, weft_remote_node_of(ref));
    return n != NULL && (is_name(ref) || ((ref.home >> 32) & LIFE_MAX) ==
                                             atomic_load_explicit(&n->life, memory_order_relaxed));
}

const char *weft_remote_name(const weft_system *sys, weft_ref ref)
{
    return is_name(ref) && ref.slot != 0 ? wf_name_text(sys, ref.slot) : NULL;
}

uint64_t weft_remote_token(weft_ref ref)
{
    return (uint64_t)ref.gen << 32 | ref.slot;
}

weft_ref wf_remote_named(weft_system *sys, uint32_t slot, const char *node)
{
    if (sys->remotes != NULL && strcmp(node, sys->remotes->self) == 0)
        return (weft_ref){.home = WF_HOME_NAME, .slot = slot};
    unsigned number = weft_remote_node(sys, node);
    return number != 0 ? (weft_ref){.home = home_of(number, 0, WF_HOME_REMOTE_NAME), .slot = slot}
                       : WEFT_NOBODY;
}

const char *wf_remote_print(weft_ref ref, char text[WEFT_REF_TEXT_BYTES])
{
    if (is_name(ref))
        (void)snprintf(text, WEFT_REF_TEXT_BYTES, "name:%u@%u", ref.slot, weft_remote_node_of(ref));
    else
        (void)snprintf(text, WEFT_REF_TEXT_BYTES, "<@%u.%u %08x%08x>", weft_remote_node_of(ref),
                       (unsigned)(ref.home >> 32) & LIFE_MAX, ref.gen, ref.slot);
    return text;
}

/* ---- the way to a link */

static bool has_link(const remote_node *n)
{
    return n != NULL && atomic_load_explicit(&n->linked, memory_order_acquire);
}

weft_ref weft_remote_link_to(const weft_system *sys, unsigned node)
{
    const remote_node *n = node_at(sys, node);
    return has_link(n) ? n->link : WEFT_NOBODY;
}

weft_ref wf_remote_link(const weft_system *sys, weft_ref ref)
{
    const remote_node *n = node_at(sys, weft_remote_node_of(ref));
    return has_link(n) && weft_remote_is_current(sys, ref) ? n->link : WEFT_NOBODY;
}

/* What stands at the end of the block of a message to a link. */
typedef struct envelope {
    weft_remote_mail mail;
    remote_node *queued_at; /* NULL: it does not count any more */
} envelope;

static envelope *envelope_of(weft_msg *m)
{
    return (envelope *)(void *)((char *)wf_block_start(m) + wf_block_size(m) - sizeof(envelope));
}

void weft_remote_taken(weft_msg *msg)
{
    envelope *e = envelope_of(msg);
    if (e->queued_at != NULL)
        atomic_fetch_sub_explicit(&e->queued_at->queued, wf_block_size(msg), memory_order_relaxed);
    e->queued_at = NULL;
}

static void mail_release(void *body)
{
    weft_msg *m = (weft_msg *)(void *)((char *)body - offsetof(weft_msg, body));
    weft_remote_taken(m);
    wf_body_release(envelope_of(m)->mail.type, body);
}

const weft_type weft_remote_mail_type = {
    .name = "weft.remote_mail", .size = 1, .release = mail_release};

const weft_remote_mail *weft_remote_mail_of(const weft_msg *msg)
{
    weft_msg *m;
    memcpy(&m, &msg, sizeof(void *)); /* nothing is written */
    return &envelope_of(m)->mail;
}

/* Where a request that goes to another node is cancelled: at its link. */
static void asked_link(wf_reactor *r, uint64_t request, weft_ref link)
{
    wf_cell *cell = wf_cell_at(r, request);
    if (cell == NULL || cell->kind != WF_CELL_ASK)
        return;
    cell->target_home = (uint16_t)link.home;
    cell->target_slot = link.slot;
    cell->target_gen = link.gen;
}

static weft_err put_mail(wf_reactor *r, const weft_actor *from, weft_ref to, remote_node *n,
                         const weft_type *type, const void *body, uint64_t request, unsigned flags)
{
    weft_msg *m;
    weft_err err = wf_msg_new_room(r, from, type, body, request, flags, sizeof(envelope), &m, NULL);
    if (err != WEFT_OK)
        return err;
    envelope *e = envelope_of(m);
    *e = (envelope){.mail = {.to = to, .type = type}, .queued_at = n};
    atomic_fetch_add_explicit(&n->queued, wf_block_size(m), memory_order_relaxed);
    m->type = &weft_remote_mail_type;
    m->flags &= (uint16_t)~WF_PLAIN;
    err = wf_put_msg(r, n->link, m);
    if (err != WEFT_OK)
        wf_msg_free(r, m);
    return err;
}

static weft_err put_plainly(wf_reactor *r, const weft_actor *from, weft_ref link,
                            const weft_type *type, const void *body, uint64_t request,
                            unsigned flags)
{
    weft_msg *m;
    weft_err err = wf_msg_new(r, from, type, body, request, flags, &m, NULL);
    if (err != WEFT_OK)
        return err;
    err = wf_put_msg(r, link, m);
    if (err != WEFT_OK)
        wf_msg_free(r, m);
    return err;
}

weft_err wf_remote_put(weft_actor *from, weft_ref to, const weft_type *type, const void *body,
                       uint64_t request, unsigned flags)
{
    wf_reactor *r = WF_R;
    weft_ref link = wf_remote_link(r->sys, to);
    if ((flags & WF_REPLY) != 0) {
        if (!weft_packs(type))
            return WEFT_ETYPE;
        return put_plainly(r, from, link, type, body, request, flags);
    }
    remote_node *n = node_at(r->sys, weft_remote_node_of(to));
    if (link.slot == 0) {
        WF_STAT_ADD(r->stat.dead_letters, 1);
        return has_link(n) ? WEFT_EGONE : WEFT_EUNREACHABLE;
    }
    if (type == &weft_room_type) {
        asked_link(r, request, link);
        return put_plainly(r, from, link, type, body, request, flags);
    }
    if (!weft_packs(type))
        return WEFT_ETYPE;
    unsigned takes = atomic_load_explicit(&n->takes, memory_order_acquire);
    if ((takes & (request != 0 ? WEFT_REMOTE_ASKS : WEFT_REMOTE_TELLS)) == 0 ||
        atomic_load_explicit(&n->queued, memory_order_relaxed) >= WEFT_REMOTE_QUEUED_MAX) {
        WF_STAT_ADD(r->stat.refused, 1);
        return (takes & WEFT_REMOTE_THERE) == 0 ? WEFT_EUNREACHABLE : WEFT_EFULL;
    }
    weft_err err = put_mail(r, from, to, n, type, body, request, flags);
    if (err == WEFT_OK && request != 0)
        asked_link(r, request, link);
    return err;
}

void wf_remote_explain(wf_reactor *r, weft_ref to, const weft_type *type, weft_err err,
                       weft_why *why)
{
    const char *name = weft_remote_node_name(r->sys, weft_remote_node_of(to));
    name = name != NULL ? name : "nowhere";
    switch (err) {
    case WEFT_ETYPE:
        weft_explain(why, "%s is a plain struct: it cannot go to node %s", type->name, name);
        break;
    case WEFT_EUNREACHABLE:
        weft_explain(why, "there is no link to node %s", name);
        break;
    case WEFT_EGONE:
        weft_explain(why, "node %s began anew since, or is not known", name);
        break;
    case WEFT_EFULL:
        weft_explain(why, "too much waits for node %s", name);
        break;
    default:
        weft_explain(why, "%s", weft_err_text(err));
    }
}

weft_err wf_remote_tell_link(wf_reactor *r, weft_ref ref, const weft_type *type, const void *body)
{
    weft_ref link = wf_remote_link(r->sys, ref);
    if (link.slot == 0)
        return WEFT_EGONE;
    return put_plainly(r, NULL, link, type, body, 0, WF_UNCOUNTED);
}

/* ---- answers */

bool weft_remote_is_cancelled(const weft_msg *msg)
{
    return (msg->flags & WF_CANCELLED) != 0;
}

weft_err weft_remote_room_there(weft_msg *msg)
{
    unsigned char yes = 1;
    return weft_reply_body(msg, &weft_room_type, &yes);
}

weft_err weft_remote_answer(weft_actor *self, weft_msg *msg, weft_ref from, const weft_type *type,
                            const void *body)
{
    wf_reactor *r = WF_R;
    const weft_type *wanted = weft_remote_mail_of(msg)->type->reply;
    weft_msg *m;
    (void)self;
    if (wanted != NULL && wanted != type)
        return WEFT_ETYPE;
    weft_err err = wf_msg_new(r, NULL, type, body, msg->request, WF_REPLY | WF_UNCOUNTED, &m, NULL);
    if (err != WEFT_OK)
        return err;
    m->from = from;
    m->trace = msg->trace;
    m->deadline = msg->deadline;
    msg->flags |= WF_ANSWERED;
    if (wf_put_msg(r, msg->from, m) != WEFT_OK)
        wf_msg_free(r, m); /* the asker has ended */
    return WEFT_OK;
}

weft_err weft_remote_fail(weft_actor *self, weft_msg *msg, weft_err err, weft_delivery delivery,
                          const char *why)
{
    if (!weft_is_request(msg))
        return WEFT_OK;
    weft_err failed = wf_fail_delivery(WF_R, self, msg, err, delivery, why);
    if (failed != WEFT_OK)
        msg->flags &= (uint16_t)~WF_ANSWERED;
    return failed;
}

/* ---- what has come */

weft_err weft_remote_tell(weft_actor *self, weft_ref from, weft_ref to, const weft_type *type,
                          const void *body, uint64_t trace, uint32_t left_ms)
{
    wf_reactor *r = WF_R;
    weft_msg *m;
    to = wf_resolve(r, to);
    if (WF_UNLIKELY(wf_is_remote(to.home))) /* a name of this node, of who lives on a third */
        return weft_tell_body(self, to, type, body);
    weft_err err = wf_msg_new(r, NULL, type, body, 0, 0, &m, NULL);
    if (err != WEFT_OK)
        return err;
    uint32_t deadline = r->wheel.now + left_ms;
    m->from = from;
    m->trace = trace;
    m->deadline = left_ms == 0 ? 0 : deadline != 0 ? deadline : 1;
    err = wf_put_msg(r, to, m);
    if (err != WEFT_OK)
        wf_msg_free(r, m);
    return err;
}

typedef struct asking {
    weft_ref from;
    const weft_type *type;
    const void *body;
} asking;

static weft_err send_ask(weft_actor *self, weft_ref to, uint64_t request, unsigned flags,
                         void *context, weft_why *why)
{
    const asking *a = context;
    weft_msg *m;
    (void)self;
    weft_err err = wf_msg_new(WF_R, NULL, a->type, a->body, request, flags, &m, why);
    if (err != WEFT_OK)
        return err;
    m->from = a->from;
    err = wf_put_msg(WF_R, to, m);
    if (err != WEFT_OK)
        wf_msg_free(WF_R, m);
    return err;
}

weft_deferred weft_remote_ask(weft_actor *self, weft_ref from, weft_ref to, const weft_type *type,
                              const void *body, uint32_t limit_ms)
{
    weft_why why = {""};
    asking a = {from, type, body};
    to = wf_resolve(WF_R, to);
    if (WF_UNLIKELY(wf_is_remote(to.home)))
        return weft_ask_body(self, to, type, body, limit_ms);
    return wf_ask_by(self, to, limit_ms, send_ask, &a, &why);
}
