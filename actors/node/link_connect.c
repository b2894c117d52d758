/* SPDX-License-Identifier: MIT */
/* How a link comes to a connection: it dials, again and again; it is given a descriptor; or a gate hands one over
 * whose hello is welcome. Of two, one goes. */
#include <string.h>
#include <unistd.h>

#include <weft/net.h>

#include "isolated.h"
#include "link.h"

/* ---- connecting */

static void on_redial(weft_alarm *alarm)
{
    node_link *l = (node_link *)(void *)((char *)alarm - offsetof(node_link, redial));
    weft_enter(l->self, wf_link_dial, l);
}

/* Later, each time twice as late, give or take a half: so that those who lost the same node do not all
 * come back at once. */
void wf_link_dial_later(node_link *l)
{
    const weft_node *c = l->node->config;
    uint32_t first = c->redial_ms != 0 ? c->redial_ms : NODE_REDIAL_MS;
    uint32_t most = c->redial_ms_max != 0 ? c->redial_ms_max : NODE_REDIAL_MS_MAX, random;
    if (l->url == NULL || l->leaving)
        return;
    l->redial_ms = l->redial_ms == 0 ? first : l->redial_ms < most / 2 ? 2 * l->redial_ms : most;
    weft_random(l->self, &random, sizeof random);
    weft_alarm_set(&l->redial, l->redial_ms / 2 + random % (l->redial_ms + 1) + 1, on_redial);
}

void wf_link_dial(weft_actor *self, void *context)
{
    node_link *l = context;
    if (!weft_ref_is_nobody(l->stream) || l->leaving || l->url == NULL)
        return;
    l->dials = true;
    l->stream = weft_connect(self, l->url, weft_self(self));
    if (weft_ref_is_nobody(l->stream))
        wf_link_dial_later(l);
    else
        wf_link_set_state(l, WEFT_LINK_DIALING);
}

static void close_unadopted(void *body)
{
    const link_adopt *adopt = body;
    if (adopt->fd >= 0)
        (void)close(adopt->fd);
}

static void give_up_stream(node_link *l, const char *why);

/* false: there is none, and there will be none. */
static bool begins_anew(node_link *l, const link_adopt *adopt)
{
    l->over = adopt->fd == WF_ISOLATED_GONE;
    if (l->over)
        wf_link_lost(l, WEFT_EGONE, "it has ended");
    else
        give_up_stream(l, "it began anew");
    if (adopt->fd == WF_ISOLATED_ANEW)
        wf_link_set_state(l, WEFT_LINK_DIALING);
    return adopt->fd >= 0;
}

/* A descriptor that nobody took is closed with its message. */
const weft_type wf_link_adopt_type = {
    .name = "weft.link_adopt", .size = sizeof(link_adopt), .release = close_unadopted};

weft_err wf_link_on_adopt(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    link_adopt *adopt = (link_adopt *)(uintptr_t)weft_body(msg);
    if (l->family && !begins_anew(l, adopt))
        return WEFT_OK;
    if (l->url != NULL || (l->state != WEFT_LINK_DOWN && !l->family) || l->leaving) {
        weft_log(self, WEFT_WARNING, "is not to adopt a connection to %s: it has one", l->name);
        wf_link_publish(l);
        return WEFT_OK;
    }
    l->stream = weft_adopt(self, adopt->fd, weft_self(self));
    adopt->fd = -1;
    l->dials = adopt->dials;
    if (!weft_ref_is_nobody(l->stream))
        l->state = WEFT_LINK_DIALING;
    wf_link_publish(l);
    return WEFT_OK;
}

/* ---- which of two */

weft_err wf_link_knock(const node_link *l, const link_hello *hello, weft_why *why)
{
    if (l->leaving)
        return weft_because(why, WEFT_EDENIED, "%s is shutting down", l->node->me.node);
    if (l->session_live && (l->state == WEFT_LINK_UP || !l->s.dialed)) {
        if (hello->life < l->s.peer.life)
            return weft_because(why, WEFT_EGONE, "a newer life of %s is linked", hello->node);
        if (hello->life == l->s.peer.life && hello->attempt <= l->s.peer.attempt)
            return weft_because(why, WEFT_EEXISTS, "there is a later connection");
        return WEFT_OK;
    }
    if (!weft_ref_is_nobody(l->stream) && strcmp(l->node->me.node, l->name) < 0)
        return weft_because(why, WEFT_EEXISTS, "%s connects itself", l->node->me.node);
    return WEFT_OK;
}

/* What there was goes, for a better one. While there was no link yet, what waits for it waits on. */
static void give_up_stream(node_link *l, const char *why)
{
    weft_ref stream = l->stream;
    if (weft_ref_is_nobody(stream))
        return;
    if (l->state == WEFT_LINK_UP)
        wf_link_lost(l, WEFT_ELOST, why);
    else if (l->session_live)
        wf_link_session_end(l);
    l->stream = WEFT_NOBODY;
    weft_alarm_clear(&l->redial);
    (void)weft_abort(l->self, stream, WEFT_OK);
}

weft_err wf_link_on_handed(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    const link_handed *handed = weft_body(msg);
    weft_why why;
    if (wf_link_knock(l, &handed->hello, &why) != WEFT_OK) {
        l->handed.stream = WEFT_NOBODY;
        return (void)weft_abort(self, handed->stream, WEFT_OK), WEFT_OK;
    }
    if (!weft_ref_is_nobody(l->handed.stream))
        (void)weft_abort(self, l->handed.stream, WEFT_OK);
    l->handed = *handed;
    return WEFT_OK;
}

static void leave_listener(weft_actor *stream, const uint64_t word[4])
{
    (void)word;
    if (stream != NULL)
        weft_leave_parent(stream);
}

static weft_err take_handed(node_link *l)
{
    link_hello hello = l->handed.hello;
    weft_ref stream = l->handed.stream;
    weft_why why;
    l->handed.stream = WEFT_NOBODY;
    if (wf_link_knock(l, &hello, &why) != WEFT_OK)
        return (void)weft_abort(l->self, stream, WEFT_OK), WEFT_OK;
    give_up_stream(l, hello.life != l->s.peer.life ? "it began anew" : "it connects anew");
    wf_link_session_begin(l, stream, false);
    /* a link is up until the system has drained: the listener's children are not */
    (void)weft_call(stream, leave_listener, (const uint64_t[4]){0});
    wf_link_set_state(l, WEFT_LINK_DIALING);
    return wf_link_session_begun(l, wf_session_accept(&l->s, &hello));
}

weft_err wf_link_on_opened(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    weft_ref stream = ((const weft_opened *)weft_body(msg))->stream;
    if (weft_ref_same(stream, l->handed.stream))
        return take_handed(l);
    if (!weft_ref_same(stream, l->stream) || l->session_live)
        return (void)weft_abort(self, stream, WEFT_OK), WEFT_OK;
    wf_link_session_begin(l, stream, l->dials);
    return l->s.dialed ? wf_link_session_begun(l, wf_session_greet(&l->s)) : WEFT_OK;
}
