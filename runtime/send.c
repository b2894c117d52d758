/* SPDX-License-Identifier: MIT */
/* Sending: the way of a body from a handler to a mailbox. */
#include "mailbox.h"

#include "ask.h"
#include "buffer.h"
#include "name.h"
#include "post.h"
#include "put.h"
#include "remote.h"
#include "wf_pb.h"

/* The buffer of the weft_bytes in @body, if its type has one. */
static wf_buffer *buffer_of(const weft_type *type, const void *body)
{
    if (type->bytes == 0)
        return NULL;
    return ((const weft_bytes *)(const void *)((const char *)body + type->bytes - 1))->buffer;
}

void wf_body_release(const weft_type *type, void *body)
{
    wf_buffer *buffer = buffer_of(type, body);
    if (buffer != NULL)
        wf_buffer_drop(buffer);
    if (type->release != NULL)
        type->release(body);
}

static inline WF_FAST weft_err msg_new(wf_reactor *r, const weft_actor *from, const weft_type *type,
                                       const void *body, uint64_t request, unsigned flags,
                                       size_t room, weft_msg **out, weft_why *why)
{
    size_t bytes = type->size;
    weft_err err;
    if (bytes == 0)
        return weft_because(why, WEFT_EINVAL, "type %s has no size: it needs at least one byte",
                            type->name);
    if (WF_UNLIKELY(type->descriptor != NULL) &&
        (err = wf_pb_measure(type->descriptor, body, &bytes, why)) != WEFT_OK)
        return err;
    weft_msg *m =
        wf_block_take(r, room == 0 ? bytes : ((bytes + 7) & ~(size_t)7) + room); /* a whole end */
    if (m == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a message of type %s", type->name);
    wf_fill(r, m, from, type, request, flags);
    if (WF_UNLIKELY(type->descriptor != NULL))
        wf_pb_copy(type->descriptor, body, m->body);
    else
        memcpy(m->body, body, bytes);
    wf_buffer *buffer = buffer_of(type, body);
    if (buffer != NULL)
        wf_buffer_share(buffer);
    if (type->share != NULL)
        type->share(m->body);
    if (type->bytes == 0 && type->release == NULL)
        m->flags |= WF_PLAIN;
    *out = m;
    return WEFT_OK;
}

weft_err wf_msg_new(wf_reactor *r, const weft_actor *from, const weft_type *type, const void *body,
                    uint64_t request, unsigned flags, weft_msg **out, weft_why *why)
{
    return msg_new(r, from, type, body, request, flags, 0, out, why);
}

weft_err wf_msg_new_room(wf_reactor *r, const weft_actor *from, const weft_type *type,
                         const void *body, uint64_t request, unsigned flags, size_t room,
                         weft_msg **out, weft_why *why)
{
    return msg_new(r, from, type, body, request, flags, room, out, why);
}

void wf_msg_free(wf_reactor *r, weft_msg *m)
{
    if (WF_UNLIKELY((m->flags & (WF_PLAIN | WF_FAILED)) == 0))
        wf_body_release(m->type, m->body);
    wf_block_free(r, m);
}

weft_ref wf_resolve(wf_reactor *r, weft_ref to)
{
    if (to.home == WF_HOME_NAME)
        return wf_name_resolve(r->sys, to);
    if (to.home == WF_HOME_GROUP)
        return wf_group_resolve(r, to);
    return to;
}

static WF_COLD weft_err gone(wf_reactor *r, unsigned flags)
{
    if ((flags & WF_REPLY) != 0)
        WF_STAT_ADD(r->stat.late_replies, 1);
    else
        WF_STAT_ADD(r->stat.dead_letters, 1);
    return WEFT_EGONE;
}

static WF_COLD weft_err full(wf_reactor *r)
{
    WF_STAT_ADD(r->stat.refused, 1);
    return WEFT_EFULL;
}

weft_err wf_put_msg(wf_reactor *r, weft_ref to, weft_msg *m)
{
    if (WF_UNLIKELY(to.home != r->home)) {
        to = wf_resolve(r, to);
        if (WF_UNLIKELY(wf_is_remote(to.home)) && (m->flags & WF_REPLY) != 0)
            to = wf_remote_link(r->sys, to); /* which asked for whoever is there */
        if (to.slot == 0 || wf_home_index(to.home) >= wf_threads(r->sys))
            return gone(r, m->flags);
        unsigned index = wf_home_index(to.home);
        if (index != r->index) {
            if ((m->flags & WF_UNCOUNTED) == 0 && !wf_has_credit(r, index))
                return full(r);
            return wf_post(r, index, to.slot, to.gen, m);
        }
    }
    weft_actor *a = wf_actor_at(r, to.slot, to.gen);
    if (WF_UNLIKELY(a == NULL || (a->bits & WF_STOPPING) != 0))
        return gone(r, m->flags);
    if (WF_UNLIKELY(wf_mail_count(a) >= WF_STAT_GET(a->program)->mailbox_max) &&
        (m->flags & WF_UNCOUNTED) == 0)
        return full(r);
    wf_deliver(r, a, m);
    return WEFT_OK;
}

/* A plain body of one word for an actor of another reactor, while there are credit and a batch with room for
 * more than it. false: nothing was done. */
static inline WF_FAST bool put_far(wf_reactor *r, const weft_actor *from, weft_ref to,
                                   const weft_type *type, const void *body, uint64_t request,
                                   unsigned flags)
{
    unsigned index = wf_home_index(to.home);
    wf_batch *b = index < WF_THREADS_MAX ? r->out[index] : NULL;
    if (b == NULL || b->n >= WF_BATCH - 1 || from == NULL || !wf_credit_left(r, index) ||
        (from->rare != NULL && from->rare->note_undelivered))
        return false;
    weft_msg *m = wf_msg_of_word(r, type, body, flags);
    if (m == NULL)
        return false;
    m->from = wf_ref_of(r, from);
    m->request = request;
    b->entry[b->n++] = (wf_entry){m, to.slot, to.gen};
    r->abroad[index]++;
    r->abroad_bytes[index] += WF_BLOCK_UNIT;
    return true;
}

/* What the fast path leaves: other reactors, names, large bodies, bytes, an empty pool, what is refused. The
 * checks come before the copy, so that a refused body is never touched. */
static WF_NOINLINE weft_err put_slow(weft_actor *from, weft_ref to, const weft_type *type,
                                     const void *body, uint64_t request, unsigned flags)
{
    wf_reactor *r = WF_R;
    weft_msg *m = NULL;
    if (to.home != r->home) {
        if (put_far(r, from, to, type, body, request, flags))
            return WEFT_OK;
        to = wf_resolve(r, to);
        if (WF_UNLIKELY(wf_is_remote(to.home)))
            return wf_remote_put(from, to, type, body, request, flags);
    }
    if (to.home != r->home && to.slot != 0 && (flags & WF_UNCOUNTED) == 0 &&
        wf_home_index(to.home) < wf_threads(r->sys) && !wf_has_credit(r, wf_home_index(to.home)))
        return full(r);
    if (from != NULL && from->rare != NULL && from->rare->note_undelivered && request == 0)
        flags |= WF_NOTED;
    weft_err err = wf_msg_new(r, from, type, body, request, flags, &m, NULL);
    if (err != WEFT_OK)
        return err;
    err = wf_put_msg(r, to, m);
    if (err != WEFT_OK)
        wf_msg_free(r, m);
    return err;
}

weft_err wf_put(weft_actor *from, weft_ref to, const weft_type *type, const void *body,
                uint64_t request, unsigned flags)
{
    return put_slow(from, to, type, body, request, flags);
}

weft_err wf_put_reply(weft_actor *from, weft_ref to, const weft_type *type, const void *body,
                      uint64_t request)
{
    if (wf_put_fast(WF_R, from, to, type, body, request, WF_REPLY | WF_UNCOUNTED,
                    WF_R->current->deadline))
        return WEFT_OK;
    return put_slow(from, to, type, body, request, WF_REPLY | WF_UNCOUNTED);
}

weft_err weft_tell_body(weft_actor *self, weft_ref to, const weft_type *type, const void *body)
{
    if (wf_put_fast(WF_R, self, to, type, body, 0, 0, WF_R->current->deadline))
        return WEFT_OK;
    return put_slow(self, to, type, body, 0, 0);
}

const weft_type weft_undelivered_type = WEFT_TYPE("weft.undelivered", weft_undelivered, NULL);

/* A sender of this reactor is looked at now, so that the fast path need not mark its messages. */
static bool wants_report(const wf_reactor *r, const weft_msg *m)
{
    if ((m->flags & WF_UNCOUNTED) != 0)
        return false;
    if (m->from.home != r->home)
        return (m->flags & WF_NOTED) != 0;
    const weft_actor *from = wf_actor_at(r, m->from.slot, m->from.gen);
    return from != NULL && from->rare != NULL && from->rare->note_undelivered;
}

void wf_refuse(wf_reactor *r, uint32_t slot, uint32_t gen, weft_msg *m, weft_err err)
{
    if ((m->flags & WF_LOCAL) != 0) { /* the `started` of a ward that never had its turn */
        wf_local_done(m);
        return;
    }
    if ((m->flags & WF_REPLY) != 0) {
        WF_STAT_ADD(r->stat.late_replies, 1);
    } else {
        WF_STAT_ADD(r->stat.dead_letters, 1);
        if (m->request != 0 && (m->flags & (WF_TIMER | WF_ANSWERED)) == 0) {
            if (wf_fail_request(r, NULL, m, err, NULL) != WEFT_OK) {
                wf_owe_failure(r, m);
                return;
            }
        } else if (wants_report(r, m)) {
            weft_undelivered body = {
                .to = {.home = r->home, .slot = slot, .gen = gen}, .type = m->type, .err = err};
            (void)wf_put(NULL, m->from, &weft_undelivered_type, &body, 0, WF_UNCOUNTED);
        }
    }
    wf_msg_free(r, m);
}

/* ---- control */

const weft_type wf_control_type = {.name = "weft.control", .size = sizeof(wf_control)};

void wf_control_run(wf_reactor *r, uint32_t slot, uint32_t gen, weft_msg *m)
{
    wf_control *control = (wf_control *)(void *)m->body;
    control->run(r, slot != 0 ? wf_actor_at(r, slot, gen) : NULL, m);
    if (WF_UNLIKELY(r->control_taken == m))
        r->control_taken = NULL;
    else
        wf_block_free(r, m);
}

weft_err wf_control_send(wf_reactor *r, weft_ref to, const wf_control *control)
{
    if (wf_home_index(to.home) >= wf_threads(r->sys))
        return WEFT_EGONE; /* of another system */
    weft_msg *m = wf_block_take(r, sizeof *control);
    if (m == NULL)
        return WEFT_ENOMEM;
    wf_fill(r, m, NULL, &wf_control_type, 0, WF_UNCOUNTED | WF_CONTROL);
    memcpy(m->body, control, sizeof *control);
    if (to.home == r->home) {
        wf_control_run(r, to.slot, to.gen, m);
        return WEFT_OK;
    }
    weft_err err = wf_post(r, wf_home_index(to.home), to.slot, to.gen, m);
    if (err != WEFT_OK)
        wf_block_free(r, m);
    return err;
}
