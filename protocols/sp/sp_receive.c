/* SPDX-License-Identifier: MIT */
/* What comes by the pipes: matched to what asked for it, filtered by topic, or asked of the owner. The pipe is answered
 * when the owner has let go of the message; that is what makes it read on. */
#include <string.h>

#include <weft/edge.h>

#include "sp_socket.h"

const weft_type wf_sp_taken_type = WEFT_TYPE_BYTES("weft.sp_taken", wf_sp_taken, reply, NULL);
const weft_type wf_sp_got_type =
    WEFT_TYPE_BYTES("weft.sp_got", wf_sp_got, bytes, &wf_sp_taken_type);
const weft_type weft_sp_topics_type = WEFT_TYPE("weft.sp_topics", weft_sp_topics, NULL);
const weft_type weft_sp_subscribe_type =
    WEFT_TYPE_BYTES("weft.sp_subscribe", weft_sp_subscribe, topic, &weft_sp_topics_type);
const weft_type weft_sp_unsubscribe_type =
    WEFT_TYPE_BYTES("weft.sp_unsubscribe", weft_sp_unsubscribe, topic, &weft_sp_topics_type);

/* ---- topics */

static bool is_topic(const wf_sp_topic *t, const void *at, size_t n)
{
    return t->n == n && (n == 0 || memcmp(t->at, at, n) == 0);
}

weft_err wf_sp_topic_add(wf_sp_socket *s, const void *at, size_t n)
{
    if (n > WEFT_SP_TOPIC_BYTES_MAX)
        return WEFT_ETOOBIG;
    for (uint32_t i = 0; i < s->topics_n; i++)
        if (is_topic(&s->topics[i], at, n))
            return WEFT_OK;
    if (s->topics_n == WEFT_SP_TOPICS_MAX)
        return WEFT_ELIMIT;
    if (s->topics_n == s->topics_room) {
        uint32_t room = s->topics_room != 0 ? 2 * s->topics_room : 4;
        wf_sp_topic *topics = weft_alloc_again(s->topics, room * sizeof *topics);
        if (topics == NULL)
            return WEFT_ENOMEM;
        s->topics = topics;
        s->topics_room = room;
    }
    wf_sp_topic *t = &s->topics[s->topics_n++];
    t->n = (uint8_t)n;
    if (n != 0)
        memcpy(t->at, at, n);
    return WEFT_OK;
}

weft_err wf_sp_on_subscribe(weft_actor *self, weft_msg *msg)
{
    wf_sp_socket *s = weft_state(self);
    const weft_sp_subscribe *m = weft_body(msg);
    if (s->kind->kind != WEFT_SP_SUB)
        return weft_fail(msg, WEFT_EUNSUPPORTED, "a %s has no topics", s->kind->name);
    weft_err err = wf_sp_topic_add(s, m->topic.at, m->topic.size);
    return err == WEFT_OK ? weft_reply(msg, weft_sp_topics, .n = s->topics_n) : err;
}

weft_err wf_sp_on_unsubscribe(weft_actor *self, weft_msg *msg)
{
    wf_sp_socket *s = weft_state(self);
    const weft_sp_unsubscribe *m = weft_body(msg);
    if (s->kind->kind != WEFT_SP_SUB)
        return weft_fail(msg, WEFT_EUNSUPPORTED, "a %s has no topics", s->kind->name);
    for (uint32_t i = 0; i < s->topics_n; i++)
        if (is_topic(&s->topics[i], m->topic.at, m->topic.size)) {
            s->topics[i] = s->topics[--s->topics_n];
            return weft_reply(msg, weft_sp_topics, .n = s->topics_n);
        }
    return WEFT_ENOTFOUND;
}

/* sp-publish-subscribe-01 section 2: a message matches a subscription that is a prefix of it. */
static bool is_wanted(const wf_sp_socket *s, weft_bytes bytes)
{
    for (uint32_t i = 0; i < s->topics_n; i++) {
        const wf_sp_topic *t = &s->topics[i];
        if (t->n == 0 || (t->n <= bytes.size && memcmp(t->at, bytes.at, t->n) == 0))
            return true;
    }
    return false;
}

/* ---- the owner */

static weft_err give(weft_actor *self, weft_msg *msg);

static weft_err on_room(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_sp_socket *s = weft_state(self);
    if (got->err == WEFT_OK)
        return give(self, msg);
    s->counts.unserved++;
    return weft_reply(msg, wf_sp_taken, .replies = false);
}

static weft_err on_given(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_sp_socket *s = weft_state(self);
    if (got->err == WEFT_EFULL && weft_ref_is_nobody(got->from))
        return weft_when(msg, weft_room(self, s->owner), on_room);
    wf_sp_taken taken = {.replies = false};
    if (got->err != WEFT_OK && got->err != WEFT_ENOANSWER)
        s->counts.unserved++;
    else
        s->counts.received++;
    if (got->err == WEFT_OK && got->type == &weft_sp_message_type && s->kind->tells) {
        taken.reply = ((const weft_sp_message *)got->body)->bytes;
        taken.replies = true;
    }
    return weft_reply_body(msg, &wf_sp_taken_type, &taken);
}

static weft_err give(weft_actor *self, weft_msg *msg)
{
    const wf_sp_socket *s = weft_state(self);
    const wf_sp_got *m = weft_body(msg);
    return weft_when(msg,
                     weft_ask_within(self, s->owner,
                                     s->kind->stack ? s->config.reply_ms : WEFT_NO_LIMIT,
                                     weft_sp_message, .bytes = m->bytes, .socket = weft_self(self),
                                     .pipe = weft_sender(msg)),
                     on_given);
}

weft_err wf_sp_on_got(weft_actor *self, weft_msg *msg)
{
    wf_sp_socket *s = weft_state(self);
    const wf_sp_got *m = weft_body(msg);
    if (s->kind->asks)
        wf_sp_answer(self, s, m);
    else if (s->kind->kind == WEFT_SP_SUB && !is_wanted(s, m->bytes))
        s->counts.filtered++;
    else if (s->kind->hears)
        return give(self, msg);
    return weft_reply(msg, wf_sp_taken, .replies = false);
}
