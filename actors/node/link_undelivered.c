/* SPDX-License-Identifier: MIT */
/* Tells that come to nothing, of which their sender wants to know (weft_report_undelivered): not sent, refused when
 * they came, or by the actor's own reactor. What was on its way when a link was lost nobody can tell of. */
#include "link.h"

#include <stdio.h>
#include <string.h>

#include "weft_link.pb-c.h"

static const weft_type said_type = WEFT_TYPE_PROTO("weft.link.undelivered", Weft__Link__Undelivered,
                                                   &weft__link__undelivered__descriptor, NULL);

void wf_link_tell_undelivered(const weft_msg *msg, weft_err err)
{
    const weft_remote_mail *mail = weft_remote_mail_of(msg);
    weft_undelivered body = {.to = mail->to, .type = mail->type, .err = err};
    (void)!weft_event(NULL, weft_sender(msg), &weft_undelivered_type,
                      &body); /* it may have ended */
}

/* ---- there */

/* At once: no order is owed, and there are no more of them than there were tells. */
static void say(node_link *l, link_record *r, const char *type, const char *name)
{
    char texts[2][LINK_ATOM_BYTES_MAX + 1];
    uint8_t *payload;
    uint64_t seq;
    Weft__Link__Undelivered m;
    if (l->s.state != LINK_UP)
        return;
    weft__link__undelivered__init(&m);
    (void)snprintf(texts[0], sizeof texts[0], "%s", type);
    (void)snprintf(texts[1], sizeof texts[1], "%s", name);
    m.type = texts[0];
    m.name = texts[1];
    r->bytes = (uint32_t)weft_packed_bytes(&said_type, &m);
    if (wf_session_record(&l->s, r, &payload, &seq) != WEFT_OK) {
        wf_link_broken(l);
        return;
    }
    weft_pack(&said_type, &m, payload);
    wf_link_touch(l);
}

static const char *text_of(const atom_in *atoms, uint32_t n, uint64_t id)
{
    return id < n && atoms[id].text != NULL ? atoms[id].text : "";
}

void wf_link_say_undelivered(node_link *l, const link_record *tell, weft_err err)
{
    bool named = (tell->flags & LINK_NAMED) != 0;
    link_record r = {.op = LINK_OP_UNDELIVERED, .dst = tell->src, .code = (uint16_t)err};
    if (tell->src == 0)
        return; /* nobody sent it */
    if (!named)
        r.src = tell->dst;
    say(l, &r, text_of(l->types_in, l->n_types_in, tell->type),
        named ? text_of(l->names_in, l->n_names_in, tell->dst) : "");
}

weft_err wf_link_on_undelivered(weft_actor *self, weft_msg *msg)
{
    node_link *l = wf_link_of(self);
    const weft_remote_undelivered *u = weft_body(msg);
    if (!weft_remote_is_current(l->node->sys, u->whom))
        return WEFT_OK;
    link_record r = {.op = LINK_OP_UNDELIVERED,
                     .dst = weft_remote_token(u->whom),
                     .src = wf_export(l->node, u->what.to),
                     .code = (uint16_t)u->what.err};
    say(l, &r, weft_packed_name(u->what.type), "");
    return WEFT_OK;
}

/* ---- here */

static weft_ref whom_of(const node_link *l, const link_record *r, const char *name)
{
    char text[WEFT_NAME_BYTES + WEFT_NODE_NAME_BYTES];
    if (name[0] == '\0')
        return r->src != 0 ? weft_remote_ref(l->node->sys, l->number, r->src) : WEFT_NOBODY;
    if (snprintf(text, sizeof text, "%s@%s", name, l->name) >= (int)sizeof text)
        return WEFT_NOBODY;
    return weft_named(l->self, text);
}

void wf_link_on_undelivered_record(node_link *l, const link_record *r)
{
    void *made;
    weft_why why;
    weft_ref sender = wf_exported(l->node, r->dst);
    if (l->noted == 0 || weft_ref_is_nobody(sender) ||
        weft_unpack(&said_type, r->payload, r->bytes, l->node->arena, &made, &why) != WEFT_OK)
        return; /* more than could be, of nobody, or nonsense */
    l->noted--;
    const Weft__Link__Undelivered *m = made;
    weft_undelivered body = {.to = whom_of(l, r, m->name),
                             .type = wf_types_find(l->node, m->type, strlen(m->type)),
                             .err = r->code != WEFT_OK ? (weft_err)r->code : WEFT_EINTERNAL};
    if (body.type != NULL)
        (void)!weft_event(NULL, sender, &weft_undelivered_type, &body);
}
