/* SPDX-License-Identifier: MIT */
/* The way of a message to a link, and from it: what is sent to another node stands in the link's mailbox with the
 * reference beside it, small and plain bodies packed already. */
#include <stdio.h>

#include <weft/pack.h>

#include "ask.h"
#include "mailbox.h"
#include "remote_table.h"
#include "wf_pb.h"

/* What stands at the end of the block of a message to a link; before it, for a request, the link's room. */
typedef struct envelope {
    weft_remote_mail mail;
    remote_node *queued_at; /* NULL: it does not count any more */
} envelope;

static envelope *envelope_of(const weft_msg *msg)
{
    weft_msg *m;
    memcpy(&m, &msg, sizeof(void *)); /* who only reads writes nothing */
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
    const envelope *e = envelope_of(m);
    if (e->queued_at != NULL)
        weft_remote_taken(m);
    if (!e->mail.packed)
        wf_body_release(e->mail.type, body);
}

const weft_type weft_remote_mail_type = {
    .name = "weft.remote_mail", .size = 1, .release = mail_release};

const weft_remote_mail *weft_remote_mail_of(const weft_msg *msg)
{
    return &envelope_of(msg)->mail;
}

void *weft_remote_mail_room(const weft_msg *msg)
{
    return (char *)envelope_of(msg) - WEFT_REMOTE_ROOM_BYTES;
}

size_t weft_remote_mail_bytes(const weft_msg *msg)
{
    const weft_remote_mail *mail = weft_remote_mail_of(msg);
    return mail->packed ? mail->packed_bytes : wf_pb_packed_bytes(msg->body);
}

void weft_remote_mail_pack(const weft_msg *msg, uint8_t *to)
{
    const weft_remote_mail *mail = weft_remote_mail_of(msg);
    if (mail->packed)
        memcpy(to, msg->body, mail->packed_bytes);
    else
        (void)wf_pb_pack(msg->body, to);
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

/* A message whose body is @body packed, if that is flat. NULL: it is not, or memory is out. */
static weft_msg *packed_new(wf_reactor *r, const weft_actor *from, const weft_type *type,
                            const void *body, uint64_t request, unsigned flags, size_t room,
                            size_t *bytes)
{
    if (!wf_pb_flat_bytes(type->descriptor, body, bytes))
        return NULL;
    weft_msg *m = wf_block_take(r, ((*bytes + 7) & ~(size_t)7) + room);
    if (m == NULL)
        return NULL;
    wf_fill(r, m, from, &weft_remote_mail_type, request, flags);
    wf_pb_flat_pack(type->descriptor, body, m->body);
    return m;
}

/* Whether @from wants to know of what is refused. */
static inline bool notes(const weft_actor *from)
{
    return WF_UNLIKELY(from->rare != NULL) && from->rare->note_undelivered;
}

static weft_err put_mail(wf_reactor *r, const weft_actor *from, weft_ref to, remote_node *n,
                         const weft_type *type, const void *body, uint64_t request, unsigned flags)
{
    size_t bytes = 0, room = sizeof(envelope) + (request != 0 ? WEFT_REMOTE_ROOM_BYTES : 0);
    weft_msg *m = packed_new(r, from, type, body, request, flags, room, &bytes);
    bool packed = m != NULL;
    weft_err err =
        packed ? WEFT_OK : wf_msg_new_room(r, from, type, body, request, flags, room, &m, NULL);
    if (err != WEFT_OK)
        return err;
    *envelope_of(m) = (envelope){.mail = {.to = to,
                                          .type = type,
                                          .packed = packed,
                                          .noted = request == 0 && from != NULL && notes(from),
                                          .packed_bytes = (uint32_t)bytes},
                                 .queued_at = n};
    if (request != 0)
        memset(weft_remote_mail_room(m), 0, WEFT_REMOTE_ROOM_BYTES);
    atomic_fetch_add_explicit(&n->queued, wf_block_size(m), memory_order_relaxed);
    m->type = &weft_remote_mail_type;
    m->flags &= (uint16_t)~WF_PLAIN;
    err = wf_put_msg(r, n->link, m);
    if (err != WEFT_OK)
        wf_msg_free(r, m);
    return err;
}

/* Nothing is between @from and the link: neither a message that waits, which order forbids to pass, nor somebody who
 * looks at messages. */
static inline bool is_open(wf_reactor *r, const remote_node *n)
{
    enum { MUST_WAIT = WF_STOPPING | WF_BUSY | WF_HOLDS | WF_EXPECTS | WF_SUSPENDED | WF_TAPPED };
    if (n->link.home != r->home || n->room == NULL)
        return false;
    const weft_actor *link = wf_actor_at(r, n->link.slot, n->link.gen);
    return link != NULL && WF_STAT_GET(link->mail) == 0 && (link->bits & MUST_WAIT) == 0;
}

/* A tell that the link has packed where it leaves from. false: nothing was done. */
static bool put_directly(wf_reactor *r, const weft_actor *from, weft_ref to, const remote_node *n,
                         const weft_type *type, const void *body)
{
    size_t bytes;
    if (from == NULL || !is_open(r, n) || !wf_pb_flat_bytes(type->descriptor, body, &bytes))
        return false;
    uint32_t left = weft_time_left_ms(r->current);
    weft_remote_told told = {.from = wf_ref_of(r, from),
                             .to = to,
                             .type = type,
                             .trace = r->current->trace,
                             .bytes = (uint32_t)bytes,
                             .left_ms = left == WEFT_NO_LIMIT ? 0
                                        : left != 0           ? left
                                                              : 1,
                             .noted = notes(from)};
    uint8_t *at = n->room(n->room_link, &told);
    if (at == NULL)
        return false;
    wf_pb_flat_pack(type->descriptor, body, at);
    return true;
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

const weft_type weft_remote_undelivered_type =
    WEFT_TYPE("weft.remote_undelivered", weft_remote_undelivered, NULL);

static weft_err tell_undelivered(wf_reactor *r, weft_ref whom, const weft_undelivered *what)
{
    weft_remote_undelivered body = {whom, *what};
    return wf_remote_tell_link(r, whom, &weft_remote_undelivered_type, &body);
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
    remote_node *n = wf_remote_at(r->sys, weft_remote_node_of(to));
    if (link.slot == 0) {
        WF_STAT_ADD(r->stat.dead_letters, 1);
        return wf_remote_has_link(n) ? WEFT_EGONE : WEFT_EUNREACHABLE;
    }
    if (type == &weft_room_type) {
        asked_link(r, request, link);
        return put_plainly(r, from, link, type, body, request, flags);
    }
    if (!weft_packs(type))
        return type == &weft_undelivered_type ? tell_undelivered(r, to, body) : WEFT_ETYPE;
    unsigned takes = atomic_load_explicit(&n->takes, memory_order_acquire);
    if ((takes & (request != 0 ? WEFT_REMOTE_ASKS : WEFT_REMOTE_TELLS)) == 0 ||
        atomic_load_explicit(&n->queued, memory_order_relaxed) >= WEFT_REMOTE_QUEUED_MAX) {
        WF_STAT_ADD(r->stat.refused, 1);
        return (takes & WEFT_REMOTE_THERE) == 0 ? WEFT_EUNREACHABLE : WEFT_EFULL;
    }
    if (request == 0 && put_directly(r, from, to, n, type, body))
        return WEFT_OK;
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

bool weft_remote_plain(const uint8_t *at, size_t bytes, weft_remote_body *out)
{
    size_t room;
    if (!wf_pb_flat_measure(out->type->descriptor, at, bytes, &room))
        return false;
    out->made = NULL;
    out->at = at;
    out->bytes = (uint32_t)bytes;
    out->room = (uint32_t)room;
    return true;
}

/* A message with a body that has come. errors: as wf_msg_new. */
static weft_err came_new(wf_reactor *r, weft_ref from, const weft_remote_body *body,
                         uint64_t request, unsigned flags, weft_msg **out, weft_why *why)
{
    weft_msg *m;
    if (body->made != NULL) {
        weft_err err = wf_msg_new(r, NULL, body->type, body->made, request, flags, &m, why);
        if (err != WEFT_OK)
            return err;
    } else {
        m = wf_block_take(r, body->room);
        if (m == NULL)
            return weft_because(why, WEFT_ENOMEM, "no memory for a message of type %s",
                                body->type->name);
        wf_fill(r, m, NULL, body->type, request, flags | WF_PLAIN);
        wf_pb_flat_make(body->type->descriptor, body->at, body->bytes, m->body);
    }
    m->from = from;
    *out = m;
    return WEFT_OK;
}

weft_err weft_remote_answer(weft_actor *self, weft_msg *msg, weft_ref from,
                            const weft_remote_body *body)
{
    wf_reactor *r = WF_R;
    weft_msg *m;
    (void)self;
    weft_err err = came_new(r, from, body, msg->request, WF_REPLY | WF_UNCOUNTED, &m, NULL);
    if (err != WEFT_OK)
        return err;
    m->trace = msg->trace;
    m->deadline = msg->deadline;
    err = wf_put_msg(r, msg->from, m);
    if (err != WEFT_OK)
        wf_msg_free(r, m);
    if (err == WEFT_ENOMEM) /* to another reactor: the asker still waits */
        return err;
    msg->flags |= WF_ANSWERED;
    return err == WEFT_OK ? WEFT_OK : WEFT_EGONE;
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

/* @body as it can be sent on; *@held is freed behind that. NULL: memory is out. */
static const void *made_of(wf_reactor *r, const weft_remote_body *body, weft_msg **held)
{
    *held = NULL;
    if (body->made != NULL)
        return body->made;
    return came_new(r, WEFT_NOBODY, body, 0, 0, held, NULL) == WEFT_OK ? (*held)->body : NULL;
}

/* A name of this node stands for who lives on a third. */
static weft_err tell_on(weft_actor *self, weft_ref to, const weft_remote_body *body)
{
    weft_msg *held;
    const void *made = made_of(WF_R, body, &held);
    weft_err err = made != NULL ? weft_tell_body(self, to, body->type, made) : WEFT_ENOMEM;
    if (held != NULL)
        wf_msg_free(WF_R, held);
    return err;
}

static weft_deferred ask_on(weft_actor *self, weft_ref to, const weft_remote_body *body,
                            uint32_t limit_ms)
{
    weft_msg *held;
    const void *made = made_of(WF_R, body, &held);
    weft_deferred asked = made != NULL ? weft_ask_body(self, to, body->type, made, limit_ms)
                                       : weft_failed(self, WEFT_ENOMEM, NULL);
    if (held != NULL)
        wf_msg_free(WF_R, held);
    return asked;
}

weft_err weft_remote_tell(weft_actor *self, weft_ref from, weft_ref to,
                          const weft_remote_body *body, uint64_t trace, uint32_t left_ms,
                          bool noted)
{
    wf_reactor *r = WF_R;
    weft_msg *m;
    to = wf_resolve(r, to);
    if (WF_UNLIKELY(wf_is_remote(to.home)))
        return tell_on(self, to, body);
    weft_err err = came_new(r, from, body, 0, noted ? WF_NOTED : 0, &m, NULL);
    if (err != WEFT_OK)
        return err;
    uint32_t deadline = r->wheel.now + left_ms;
    m->trace = trace;
    m->deadline = left_ms == 0 ? 0 : deadline != 0 ? deadline : 1;
    err = wf_put_msg(r, to, m);
    if (err != WEFT_OK)
        wf_msg_free(r, m);
    return err;
}

typedef struct asking {
    weft_ref from;
    const weft_remote_body *body;
} asking;

static weft_err send_ask(weft_actor *self, weft_ref to, uint64_t request, unsigned flags,
                         void *context, weft_why *why)
{
    const asking *a = context;
    weft_msg *m;
    (void)self;
    weft_err err = came_new(WF_R, a->from, a->body, request, flags, &m, why);
    if (err != WEFT_OK)
        return err;
    err = wf_put_msg(WF_R, to, m);
    if (err != WEFT_OK)
        wf_msg_free(WF_R, m);
    return err;
}

weft_deferred weft_remote_ask(weft_actor *self, weft_ref from, weft_ref to,
                              const weft_remote_body *body, uint32_t limit_ms)
{
    weft_why why = {""};
    asking a = {from, body};
    to = wf_resolve(WF_R, to);
    if (WF_UNLIKELY(wf_is_remote(to.home)))
        return ask_on(self, to, body, limit_ms);
    return wf_ask_by(self, to, limit_ms, send_ask, &a, &why);
}
