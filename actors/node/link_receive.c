/* SPDX-License-Identifier: MIT */
/* What comes from the other node: checked, unpacked, and given to whom it is for, with its references as they
 * are here. Whatever is refused, is answered where an answer is waited for, and counted where none is. */
#include "link.h"

#include <stdio.h>
#include <string.h>

#include "node_spawn.h"
#include "weft_link.pb-c.h"

static const weft_type failure_type = WEFT_TYPE_PROTO("weft.link.failure", Weft__Link__Failure,
                                                      &weft__link__failure__descriptor, NULL);

/* ---- numbers */

static weft_err grow(atom_in **atoms, uint32_t *n, uint32_t id)
{
    if (id < *n)
        return WEFT_OK;
    uint32_t room = *n != 0 ? 2 * *n : 16;
    while (room <= id)
        room *= 2;
    atom_in *bigger = weft_alloc_again(*atoms, room * sizeof *bigger);
    if (bigger == NULL)
        return WEFT_ENOMEM;
    memset(bigger + *n, 0, (room - *n) * sizeof *bigger);
    *atoms = bigger;
    *n = room;
    return WEFT_OK;
}

weft_err wf_link_on_atom(node_link *l, const link_atom *atom, weft_why *why)
{
    bool type = atom->kind == LINK_ATOM_TYPE;
    atom_in **atoms = type ? &l->types_in : &l->names_in;
    uint32_t *n = type ? &l->n_types_in : &l->n_names_in;
    if (atom->id >= *n && atom->id > 2 * *n + 16) /* they are given out in order */
        return weft_because(why, WEFT_EPROTO, "an atom with number %u after %u", atom->id, *n);
    weft_err err = grow(atoms, n, atom->id);
    char *text = err == WEFT_OK ? weft_alloc((size_t)atom->bytes + 1) : NULL;
    if (text == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a name of %u bytes", atom->bytes);
    memcpy(text, atom->text, atom->bytes);
    text[atom->bytes] = '\0';
    atom_in *a = &(*atoms)[atom->id];
    if (a->text != NULL) {
        weft_alloc_free(text);
        return weft_because(why, WEFT_EPROTO, "the number %u stands for %.60s already", atom->id,
                            a->text);
    }
    *a = (atom_in){.text = text};
    return WEFT_OK;
}

/* errors: EPROTO (no such number), ETYPE (nobody here knows it). */
static weft_err type_in(const node_link *l, uint32_t id, const weft_type **out, weft_why *why)
{
    atom_in *a = id < l->n_types_in ? &l->types_in[id] : NULL;
    if (a == NULL || a->text == NULL)
        return weft_because(why, WEFT_EPROTO, "a type has number %u, which stands for nothing", id);
    if (a->type == NULL)
        a->type = wf_types_find(l->node, a->text, strlen(a->text));
    if (a->type == NULL)
        return weft_because(why, WEFT_ETYPE, "node %s knows no type %.80s", l->node->me.node,
                            a->text);
    *out = a->type;
    return WEFT_OK;
}

/* ---- for whom it is */

static weft_err named_in(node_link *l, const link_record *r, const weft_type *type, weft_ref *out,
                         weft_why *why)
{
    atom_in *a = r->dst < l->n_names_in ? &l->names_in[r->dst] : NULL;
    if (a == NULL || a->text == NULL)
        return weft_because(why, WEFT_EPROTO, "a name has number %u, which stands for nothing",
                            (unsigned)r->dst);
    if (type != NULL &&
        a->type == type) { /* let in before: found by its reference, without a lock */
        *out = a->named;
        return WEFT_OK;
    }
    if (!l->family && !wf_node_allows(l->node, l->name, a->text, type))
        return weft_because(why, WEFT_EDENIED, "node %s does not let %s reach %.60s",
                            l->node->me.node, l->name, a->text);
    *out = weft_lookup(l->self, a->text);
    if (weft_ref_is_nobody(*out))
        return weft_because(why, WEFT_EGONE, "nobody has the name %.60s on node %s", a->text,
                            l->node->me.node);
    if (type != NULL) { /* somebody had it: no name of a stranger's making */
        a->named = weft_named(l->self, a->text);
        a->type = type;
    }
    return WEFT_OK;
}

weft_err wf_link_dst_in(node_link *l, const link_record *r, const weft_type *type, weft_ref *out,
                        weft_why *why)
{
    if ((r->flags & LINK_NAMED) != 0)
        return named_in(l, r, type, out, why);
    *out = wf_exported(l->node, r->dst);
    if (weft_ref_is_nobody(*out))
        return weft_because(why, WEFT_EGONE, "it has ended on node %s", l->node->me.node);
    return WEFT_OK;
}

/* @out->type is set. A small and plain body is made where its message will stand. */
static weft_err unpack(node_link *l, const link_record *r, weft_remote_body *out, weft_why *why)
{
    void *made;
    if (weft_remote_plain(r->payload, r->bytes, out))
        return WEFT_OK;
    weft_err err = weft_unpack(out->type, r->payload, r->bytes, l->node->arena, &made, why);
    if (err == WEFT_OK)
        wf_refs_in(l, out->type, made);
    out->made = made;
    return err;
}

/* Most messages are of the type, from whom and for whom the one before was. An actor that had a name may lose it, so
 * that what is remembered is the name. */
static bool came_before(const node_link *l, const link_record *r, message_in *out)
{
    const link_recent *c = &l->came;
    if (c->type == NULL || c->type_number != r->type || c->dst != r->dst || c->src != r->src ||
        c->named != (r->flags & LINK_NAMED) || c->ended != l->node->exports_ended)
        return false;
    out->body.type = c->type;
    out->from = c->from;
    out->to = c->to;
    return true;
}

static void remember(node_link *l, const link_record *r, const message_in *m)
{
    uint8_t named = r->flags & LINK_NAMED;
    if (named != 0 && weft_ref_kind_of(m->to) != WEFT_REF_NAME)
        return;
    l->came = (link_recent){.type = m->body.type,
                            .from = m->from,
                            .to = m->to,
                            .ended = l->node->exports_ended,
                            .src = r->src,
                            .dst = r->dst,
                            .type_number = r->type,
                            .named = named};
}

weft_err wf_link_message_in(node_link *l, const link_record *r, message_in *out, weft_why *why)
{
    weft_err err = WEFT_OK;
    if (!came_before(l, r, out)) {
        err = type_in(l, r->type, &out->body.type, why);
        if (err == WEFT_OK)
            err = wf_link_dst_in(l, r, out->body.type, &out->to, why);
        out->from = weft_remote_ref(l->node->sys, l->number, r->src);
        if (err == WEFT_OK)
            remember(l, r, out);
    }
    return err == WEFT_OK ? unpack(l, r, &out->body, why) : err;
}

/* ---- tells */

static void on_tell(node_link *l, const link_record *r)
{
    message_in m;
    weft_why why = {""};
    weft_err err = wf_link_message_in(l, r, &m, &why);
    if (err == WEFT_OK) {
        err = weft_remote_tell(l->self, m.from, m.to, &m.body, r->trace, r->left_ms,
                               (r->flags & LINK_NOTED) != 0);
        if (err != WEFT_OK)
            weft_explain(&why, "%s", weft_err_text(err));
    }
    if (err == WEFT_OK)
        return;
    l->lost++;
    if ((r->flags & LINK_NOTED) != 0)
        wf_link_say_undelivered(l, r, err);
    weft_log(l->self, WEFT_DEBUG, "a message from %s is refused: %s", l->name, why.text);
}

/* ---- answers */

/* Nobody was told of what was spawned there for this node: it has it stopped again. */
static void unspawn(node_link *l, const link_record *r)
{
    const weft_type *type;
    weft_why why;
    if (type_in(l, r->type, &type, &why) != WEFT_OK || type != &wf_node_spawned_type)
        return;
    uint64_t token = wf_node_spawned_token(r->payload, r->bytes);
    if (token != 0 && (l->s.peer.features & LINK_FEATURE_STOP) != 0)
        wf_link_control(
            l, &(link_record){.op = LINK_OP_STOP, .dst = token, .code = (uint16_t)WEFT_EGONE});
}

/* The body of an answer to @msg. What was spawned is made what other spawns give, in *@spawned, so that nothing can
 * fail behind the link. */
static weft_err reply_in(node_link *l, const link_record *r, const weft_msg *msg,
                         weft_remote_body *body, weft_spawned *spawned, weft_why *why)
{
    const weft_type *wanted = weft_remote_mail_of(msg)->type->reply;
    weft_err err = type_in(l, r->type, &body->type, why);
    if (err == WEFT_OK && wanted != NULL && wanted != body->type)
        err = weft_because(why, WEFT_ETYPE, "it is answered by %s, not by %s", wanted->name,
                           body->type->name);
    if (err == WEFT_OK)
        err = unpack(l, r, body, why);
    if (err != WEFT_OK || wanted != &wf_node_spawned_type)
        return err;
    spawned->ref = wf_node_spawned_ref(body->type, body->made);
    if (weft_ref_is_nobody(spawned->ref))
        return weft_because(why, WEFT_EGONE, "what was spawned is gone");
    *body = (weft_remote_body){.type = &weft_spawned_type, .made = spawned};
    return WEFT_OK;
}

static void on_reply(node_link *l, const link_record *r)
{
    weft_remote_body body;
    weft_spawned spawned;
    weft_why why = {""};
    weft_msg *msg = wf_link_take_ask(l, r->req);
    if (msg == NULL) { /* no longer wanted */
        unspawn(l, r);
        return;
    }
    weft_err err = reply_in(l, r, msg, &body, &spawned, &why);
    if (err == WEFT_OK) {
        err = weft_remote_answer(l->self, msg, weft_remote_ref(l->node->sys, l->number, r->src),
                                 &body);
        if (err != WEFT_OK)
            weft_explain(&why, "the answer came, but %s", weft_err_text(err));
    }
    if (err != WEFT_OK) {
        unspawn(l, r);
        (void)!weft_remote_fail(l->self, msg, err, WEFT_DELIVERED, why.text);
    }
    weft_drop(&msg);
}

weft_err wf_link_failure_of(const node_link *l, const link_record *r, link_failure *out)
{
    void *made;
    weft_why why;
    *out = (link_failure){.err = r->code != WEFT_OK ? (weft_err)r->code : WEFT_EINTERNAL};
    if (weft_unpack(&failure_type, r->payload, r->bytes, l->node->arena, &made, &why) != WEFT_OK)
        return WEFT_EPROTO;
    const Weft__Link__Failure *failure = made;
    (void)snprintf(out->why, sizeof out->why, "%s", failure->why);
    out->count = failure->count;
    return WEFT_OK;
}

static void on_fail(node_link *l, const link_record *r)
{
    link_failure f;
    weft_msg *msg = wf_link_take_ask(l, r->req);
    if (msg == NULL)
        return;
    if (wf_link_failure_of(l, r, &f) != WEFT_OK)
        (void)snprintf(f.why, sizeof f.why, "it failed on node %s", l->name);
    (void)!weft_remote_fail(l->self, msg, f.err, WEFT_DELIVERED, f.why);
    weft_drop(&msg);
}

/* ---- all */

void wf_link_on_record(node_link *l, const link_record *r)
{
    switch (r->op) {
    case LINK_OP_TELL:
        on_tell(l, r);
        break;
    case LINK_OP_ASK:
        wf_link_on_ask(l, r);
        break;
    case LINK_OP_REPLY:
        on_reply(l, r);
        break;
    case LINK_OP_FAIL:
        on_fail(l, r);
        break;
    case LINK_OP_CANCEL:
        wf_link_on_cancel(l, r);
        break;
    case LINK_OP_STREAM:
    case LINK_OP_BYTES:
    case LINK_OP_ROOM:
    case LINK_OP_ENDED:
    case LINK_OP_CLOSED:
        wf_streams_on_record(l, r);
        break;
    case LINK_OP_UNDELIVERED:
        wf_link_on_undelivered_record(l, r);
        break;
    default:
        wf_link_on_watch_record(l, r);
        break;
    }
    weft_arena_reset(l->node->arena);
}

static void atoms_done(atom_in **atoms, uint32_t *n)
{
    for (uint32_t i = 0; i < *n; i++)
        weft_alloc_free((*atoms)[i].text);
    weft_alloc_free(*atoms);
    *atoms = NULL;
    *n = 0;
}

void wf_link_receive_done(node_link *l)
{
    l->came.type = NULL;
    atoms_done(&l->types_in, &l->n_types_in);
    atoms_done(&l->names_in, &l->n_names_in);
}
