/* SPDX-License-Identifier: MIT */
/* Requests of the other node: asked of whom they are for, answered when that has answered, cancelled when nobody
 * waits any more. */
#include "link.h"

#include <string.h>

#include "node_spawn.h"

#ifdef WEFT_DEV
enum { SPARE_MAX = 0 };
#else
enum { SPARE_MAX = 1024 };
#endif

/* A request of the other node's: served in place, asked of its actor, answered when that has answered. */
struct served {
    served *next_spare;
    node *node;
    node_link *link; /* NULL: nobody waits any more */
    uint32_t req, limit_ms;
    bool spawns;          /* what it is answered is an actor, which must not be lost */
    uint64_t asker;       /* the token of who asked */
    const message_in *in; /* while it is given on */
    weft_msg *msg;
    weft_deferred asked; /* of its actor */
    _Alignas(16) unsigned char room[];
};

typedef struct served_body {
    struct served *served;
} served_body;

static const weft_type served_type = WEFT_TYPE("weft.link_served", served_body, NULL);

/* Nobody hears of what was spawned: it would live for nobody. */
static void unspawn(weft_actor *self, weft_ref made)
{
    if (!weft_ref_is_nobody(made))
        (void)weft_stop_ref(self, made, WEFT_EGONE); /* of this reactor: it needs no memory */
}

static void answer(weft_actor *self, served *s, const weft_outcome *got)
{
    node_link *l = s->link;
    weft_ref made = got->err == WEFT_OK ? wf_node_spawned_ref(got->type, got->body) : WEFT_NOBODY;
    if (l == NULL) {
        unspawn(self, made);
        return;
    }
    s->link = NULL;
    wf_map_take(&l->served, s->req);
    link_record r = {.op = LINK_OP_REPLY, .req = s->req, .src = wf_export(l->node, got->from)};
    weft_why why = {""};
    weft_err err = got->err;
    uint64_t src = key_of(got->from);
    if (err == WEFT_OK && got->type == NULL)
        err = weft_because(&why, WEFT_ETYPE, "it was answered without a value");
    else if (err == WEFT_OK)
        err =
            wf_link_put_typed(l, &r, got->type, (void *)(uintptr_t)got->body, src, s->asker, &why);
    else
        weft_explain(&why, "%s", got->why);
    if (err != WEFT_OK || l->s.state != LINK_UP)
        unspawn(self, made);
    if (err != WEFT_OK)
        wf_link_say(l, &(link_record){.op = LINK_OP_FAIL, .req = s->req, .code = (uint16_t)err},
                    why.text, 0, src, s->asker);
    wf_node_drained(l->node);
}

static void on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    answer(self, ((const served_body *)weft_body(msg))->served, got);
}

/* Some are kept for the next requests; not in dev builds, where the sanitizer is to see their ends. */
static void on_done(weft_msg *msg)
{
    served *s = ((const served_body *)weft_body(msg))->served;
    node *n = s->node;
    if (n->spare_n == SPARE_MAX) {
        weft_alloc_free(s);
        return;
    }
    s->next_spare = n->spare;
    n->spare = s;
    n->spare_n++;
}

static served *served_take(node *n)
{
    served *s = n->spare;
    size_t bytes = sizeof *s + weft_local_bytes(sizeof(served_body));
    if (s == NULL)
        return weft_alloc(bytes);
    n->spare = s->next_spare;
    n->spare_n--;
    return s;
}

void wf_served_done(node *n)
{
    for (served *s = n->spare, *next; s != NULL; s = next) {
        next = s->next_spare;
        weft_alloc_free(s);
    }
    n->spare = NULL;
    n->spare_n = 0;
}

static const weft_local_ops served_ops = {.answer = on_answered, .done = on_done};

static weft_err on_outcome(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    answer(self, ((const served_body *)weft_body(msg))->served, got);
    return WEFT_OK;
}

static weft_err give_on(weft_actor *self, weft_msg *msg)
{
    served *s = ((const served_body *)weft_body(msg))->served;
    const message_in *m = s->in;
    s->asked = weft_remote_ask(self, m->from, m->to, &m->body, s->limit_ms);
    weft_err err = weft_when(msg, s->asked, on_outcome);
    if (err != WEFT_OK) /* it is said to have failed: it must not be served */
        (void)weft_cancel(self, s->asked);
    return err;
}

static void fail(node_link *l, const link_record *r, weft_err err, const char *why)
{
    wf_link_say(l, &(link_record){.op = LINK_OP_FAIL, .req = r->req, .code = (uint16_t)err}, why, 0,
                0, 0);
}

static served *served_new(node_link *l, const link_record *r, const message_in *in)
{
    served *s = NULL;
    if (l->served.n < NODE_SERVED_MAX && wf_map_reserve(&l->served) == WEFT_OK)
        s = served_take(l->node);
    if (s == NULL)
        return NULL;
    *s = (served){.node = l->node,
                  .link = l,
                  .req = r->req,
                  .asker = r->src,
                  .in = in,
                  .spawns = in->body.type == &wf_node_spawn_type,
                  .limit_ms = r->left_ms != 0 ? r->left_ms : WEFT_NO_LIMIT};
    if (s->spawns) /* it is answered at once, and the answer is waited for */
        s->limit_ms = WEFT_NO_LIMIT;
    s->msg = weft_local_init(s->room, &served_type, &served_ops, r->trace, r->left_ms);
    served_body body = {s};
    memcpy((void *)(uintptr_t)weft_body(s->msg), &body, sizeof body);
    wf_map_put(&l->served, r->req)->pointer = s;
    return s;
}

void wf_link_on_ask(node_link *l, const link_record *r)
{
    message_in m;
    weft_why why = {""};
    if (wf_map_at(&l->served, r->req) != NULL) {
        fail(l, r, WEFT_EPROTO, "the number of the request is in use");
        return;
    }
    weft_err err = wf_link_message_in(l, r, &m, &why);
    if (err == WEFT_OK && l->node->closing)
        err = weft_because(&why, WEFT_ESTOPPING, "node %s is shutting down", l->node->me.node);
    served *s = err == WEFT_OK ? served_new(l, r, &m) : NULL;
    if (err == WEFT_OK && s == NULL)
        err = weft_because(&why, WEFT_ELIMIT, "node %s serves too much", l->node->me.node);
    if (err != WEFT_OK)
        fail(l, r, err, why.text);
    else
        weft_local_serve(l->self, s->msg, give_on);
}

static void cancel(node_link *l, served *s)
{
    s->link = NULL;
    if (!s->spawns) /* else the answer comes, and says what is to be stopped */
        (void)weft_cancel(l->self, s->asked);
}

void wf_link_on_cancel(node_link *l, const link_record *r)
{
    const link_map_row *row = wf_map_at(&l->served, r->req);
    served *s = row != NULL ? row->pointer : NULL;
    if (s == NULL)
        return; /* answered meanwhile */
    wf_map_take(&l->served, r->req);
    cancel(l, s);
    wf_node_drained(l->node);
}

void wf_link_cancel_served(node_link *l)
{
    link_map all = l->served;
    size_t at = 0;
    l->served = (link_map){.n = 0};
    wf_map_sort(&all); /* the newest first, which is how they are found at once */
    for (const link_map_row *row; (row = wf_map_next(&all, &at)) != NULL;)
        cancel(l, row->pointer);
    wf_map_done(&all);
    wf_node_drained(l->node);
}
