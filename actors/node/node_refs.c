/* SPDX-License-Identifier: MIT */
/* References on their way: actors of this node get a token that cannot be guessed the first time one of them
 * leaves it, and lose it when they end; what comes back as a token is looked up. */
#include <stdio.h>
#include <string.h>

#include "link.h"
#include "weft_ref.pb-c.h"

typedef struct export
{
    weft_ref ref;
    uint64_t token;
}
export;

static void watch_export(weft_actor *self, void *at)
{
    export *e = at;
    if (weft_monitor(self, e->ref) != WEFT_OK)
        e->token = 0;
}

static bool has_room(const node *n)
{
    return n->self != NULL &&
           n->exported < (n->config->exports_max != 0 ? n->config->exports_max : NODE_EXPORTS_MAX);
}

/* As @token, or one that cannot be guessed (0). errors: NULL. */
static export *export_new(node *n, weft_ref ref, uint64_t token)
{
    export *e = NULL;
    if (has_room(n) && wf_map_reserve(&n->tokens) == WEFT_OK &&
        wf_map_reserve(&n->exports) == WEFT_OK)
        e = weft_alloc(sizeof *e);
    if (e == NULL)
        return NULL;
    *e = (export){.ref = ref, .token = token};
    while ((uint32_t)e->token == 0 || wf_map_at(&n->tokens, e->token) != NULL)
        weft_random(n->self, &e->token, sizeof e->token);
    weft_enter(n->self, watch_export, e);
    if (e->token == 0) {
        weft_alloc_free(e);
        return NULL;
    }
    wf_map_put(&n->tokens, e->token)->pointer = e;
    wf_map_put(&n->exports, key_of(ref))->pointer = e;
    n->exported++;
    return e;
}

weft_err wf_export_check(const node *n, uint64_t token)
{
    if (!has_room(n))
        return WEFT_ELIMIT;
    return (uint32_t)token == 0 || wf_map_at(&n->tokens, token) != NULL ? WEFT_EEXISTS : WEFT_OK;
}

weft_err wf_export_as(node *n, weft_ref ref, uint64_t token)
{
    return export_new(n, ref, token) != NULL ? WEFT_OK : WEFT_ENOMEM;
}

uint64_t wf_export(node *n, weft_ref ref)
{
    if (weft_ref_is_nobody(ref) || weft_ref_kind_of(ref) != WEFT_REF_ACTOR ||
        weft_remote_node_of(ref) != 0)
        return 0;
    const link_map_row *row = wf_map_at(&n->exports, key_of(ref));
    const export *e = row != NULL ? row->pointer : export_new(n, ref, 0);
    if (e == NULL && n->self != NULL)
        weft_log(n->self, WEFT_WARNING, "no room for a reference of an actor to leave the node");
    return e != NULL ? e->token : 0;
}

uint64_t wf_export_known(const node *n, weft_ref ref)
{
    const link_map_row *row = wf_map_at(&n->exports, key_of(ref));
    return row != NULL ? ((const export *)row->pointer)->token : 0;
}

weft_ref wf_exported(const node *n, uint64_t token)
{
    const link_map_row *row = wf_map_at(&n->tokens, token);
    return row != NULL ? ((const export *)row->pointer)->ref : WEFT_NOBODY;
}

void wf_export_ended(node *n, weft_ref who)
{
    const link_map_row *row = wf_map_at(&n->exports, key_of(who));
    if (row == NULL)
        return;
    export *e = row->pointer;
    wf_map_take(&n->exports, key_of(who));
    wf_map_take(&n->tokens, e->token);
    weft_alloc_free(e);
    n->exported--;
    n->exports_ended++;
}

void wf_exports_done(node *n)
{
    size_t at = 0;
    for (const link_map_row *row; (row = wf_map_next(&n->tokens, &at)) != NULL;)
        weft_alloc_free(row->pointer);
    wf_map_done(&n->tokens);
    wf_map_done(&n->exports);
}

/* ---- in messages */

void weft_ref_to_message(struct Weft__Ref *to, weft_ref ref)
{
    weft__ref__init(to);
    to->home = ref.home;
    to->slot = ref.slot;
    to->gen = ref.gen;
}

weft_ref weft_ref_of_message(const struct Weft__Ref *from)
{
    return from != NULL ? (weft_ref){.home = from->home, .slot = from->slot, .gen = from->gen}
                        : WEFT_NOBODY;
}

/* A string of the struct that lives as long as what it names: it is packed, not kept. */
static char *lent(const char *text)
{
    char *pointer;
    memcpy(&pointer, &text, sizeof(void *));
    return pointer;
}

/* One of another node: its name and its life say whose token it is. */
static void foreign_out(const node *n, Weft__Ref *to, weft_ref ref)
{
    const char *name = weft_remote_node_name(n->sys, weft_remote_node_of(ref));
    const node_link *l = name != NULL ? wf_node_link(n, name) : NULL;
    if (l == NULL || !weft_remote_is_current(n->sys, ref))
        return;
    to->node = lent(l->name);
    if (weft_remote_name(n->sys, ref) != NULL) {
        to->name = lent(weft_remote_name(n->sys, ref));
        return;
    }
    to->life = l->peer_life;
    to->token = weft_remote_token(ref);
}

static weft_err ref_out(void *nested, void *context)
{
    node *n = context;
    Weft__Ref *to = nested;
    weft_ref ref = weft_ref_of_message(to);
    weft__ref__init(to);
    if (weft_ref_is_nobody(ref))
        return WEFT_OK;
    if (weft_remote_node_of(ref) != 0) {
        foreign_out(n, to, ref);
    } else if (weft_ref_kind_of(ref) == WEFT_REF_NAME) {
        const char *text = weft_name_text(n->sys, ref);
        if (text != NULL)
            to->name = lent(text);
    } else {
        to->life = n->me.life;
        to->token = wf_export(n, weft_group_member(n->self, ref));
    }
    return WEFT_OK;
}

weft_err wf_refs_out(node *n, const weft_type *type, void *body, weft_why *why)
{
    (void)why;
    if (!wf_types_nest_refs(n, type))
        return WEFT_OK;
    return weft_each_nested(type, body, &weft__ref__descriptor, ref_out, n);
}

/* What stands for it here: of this node, of the one that sent it, or of a third. */
static weft_ref ref_of(const node_link *l, const Weft__Ref *r)
{
    const node *n = l->node;
    char text[WEFT_NAME_BYTES + WEFT_NODE_NAME_BYTES];
    const char *whose = r->node[0] != '\0' ? r->node : l->name;
    bool ours = strcmp(whose, n->me.node) == 0;
    if (r->name[0] != '\0') {
        if (ours)
            return weft_named(n->self, r->name);
        if (snprintf(text, sizeof text, "%s@%s", r->name, whose) >= (int)sizeof text)
            return WEFT_NOBODY;
        return wf_node_link(n, whose) != NULL ? weft_named(n->self, text) : WEFT_NOBODY;
    }
    if (ours)
        return r->life == n->me.life ? wf_exported(n, r->token) : WEFT_NOBODY;
    const node_link *third = wf_node_link(n, whose);
    if (third == NULL || third->peer_life != r->life)
        return WEFT_NOBODY;
    return weft_remote_ref(n->sys, third->number, r->token);
}

static weft_err ref_in(void *nested, void *context)
{
    const node_link *l = context;
    Weft__Ref *r = nested;
    weft_ref ref = ref_of(l, r);
    weft_ref_to_message(r, ref);
    return WEFT_OK;
}

void wf_refs_in(const node_link *l, const weft_type *type, void *body)
{
    node_link *context;
    if (!wf_types_nest_refs(l->node, type))
        return;
    memcpy(&context, &l, sizeof(void *)); /* only read */
    (void)!weft_each_nested(type, body, &weft__ref__descriptor, ref_in, context);
}
