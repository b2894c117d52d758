/* SPDX-License-Identifier: MIT */
/* Names: taken where nobody has them, given back, and what others have. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "etcd.h"

/* What stands under a name: who has it, and which of its takings it was. */
static void value_of(const etcd_op *op, char out[ETCD_VALUE_BYTES])
{
    (void)snprintf(out, ETCD_VALUE_BYTES, "%s %016" PRIx64, op->etcd->node, op->claim);
}

static void key_of_op(const etcd_op *op, char out[ETCD_KEY_BYTES])
{
    (void)snprintf(out, ETCD_KEY_BYTES, "%snames/%s", op->etcd->prefix, op->name);
}

static etcd_op *op_new(etcd *e, weft_msg *msg, const char *name, uint64_t claim, bool gives)
{
    etcd_op *op = e->n_ops < ETCD_OPS_MAX ? weft_alloc_zero(sizeof *op) : NULL;
    if (op == NULL)
        return NULL;
    *op = (etcd_op){.next = e->ops, .etcd = e, .claim = claim, .gives = gives};
    (void)snprintf(op->name, sizeof op->name, "%s", name);
    op->msg = weft_keep(msg);
    e->ops = op;
    e->n_ops++;
    return op;
}

static void op_over(etcd *e, etcd_op *op)
{
    etcd_op **at = &e->ops;
    while (*at != op)
        at = &(*at)->next;
    *at = op->next;
    e->n_ops--;
    if (op->msg != NULL)
        weft_drop(&op->msg);
    weft_alloc_free(op);
}

/* ---- given back */

static weft_err on_given(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    etcd *e = weft_state(self);
    etcd_op *op = got->context;
    etcd_answer a;
    weft_why why = {""};
    (void)next;
    if (wf_etcd_called(e, &op->call, got, &a, &why) == WEFT_OK && !a.failed) {
        if (op->msg != NULL)
            (void)weft_reply(op->msg, weft_store_given, 0);
        op_over(e, op);
    }
    wf_etcd_answer_done(&a);
    wf_etcd_go(e);
    return WEFT_OK;
}

static void give(etcd *e, etcd_op *op)
{
    char body[ETCD_REQUEST_BYTES], key[ETCD_KEY_BYTES], value[ETCD_VALUE_BYTES];
    key_of_op(op, key);
    value_of(op, value);
    wf_etcd_write_give(body, key, value);
    (void)wf_etcd_call(e, &op->call, "kv/txn", body, false, on_given, op);
}

/* Nobody waits for it any more, and it may have been taken. */
static void let_go(etcd_op *op)
{
    if (op->msg != NULL)
        weft_drop(&op->msg);
    op->gives = true;
}

/* ---- taken */

static void taken(etcd *e, etcd_op *op, uint64_t term)
{
    if (op->msg == NULL || op->lease != e->lease || !wf_etcd_lease_good(e) || e->closing != NULL) {
        if (op->msg != NULL)
            (void)weft_fail(op->msg, WEFT_EUNREACHABLE, "the lease was lost meanwhile");
        let_go(op);
        return;
    }
    (void)weft_reply(op->msg, weft_store_taken, .term = term, .lease = e->epoch);
    op_over(e, op);
}

static void not_taken(etcd *e, etcd_op *op, const etcd_answer *a)
{
    char value[ETCD_VALUE_BYTES];
    value_of(op, value);
    if (a->n == 1 && a->events[0].lease == op->lease &&
        strcmp(a->events[0].value, value) == 0) { /* what was said got lost */
        taken(e, op, a->events[0].created);
        return;
    }
    if (op->msg != NULL)
        (void)weft_fail(op->msg, WEFT_EEXISTS, "node %.*s has it",
                        a->n == 1 ? (int)strcspn(a->events[0].value, " ") : 1,
                        a->n == 1 ? a->events[0].value : "?");
    op_over(e, op);
}

static weft_err on_taken(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    etcd *e = weft_state(self);
    etcd_op *op = got->context;
    etcd_answer a;
    weft_why why = {""};
    (void)next;
    weft_err err = wf_etcd_called(e, &op->call, got, &a, &why);
    if (err == WEFT_OK && a.failed && wf_etcd_no_lease(&a) && op->lease == e->lease)
        wf_etcd_lease_lost(e, why.text);
    else if (err == WEFT_OK && !a.failed && a.succeeded)
        taken(e, op, a.revision);
    else if (err == WEFT_OK && !a.failed)
        not_taken(e, op, &a);
    wf_etcd_answer_done(&a);
    wf_etcd_go(e);
    return WEFT_OK;
}

static void take(etcd *e, etcd_op *op)
{
    char body[ETCD_REQUEST_BYTES], key[ETCD_KEY_BYTES], value[ETCD_VALUE_BYTES];
    key_of_op(op, key);
    value_of(op, value);
    op->lease = e->lease;
    wf_etcd_write_take(body, key, value, e->lease);
    (void)wf_etcd_call(e, &op->call, "kv/txn", body, false, on_taken, op);
}

void wf_etcd_names_go(etcd *e, uint32_t *next)
{
    for (etcd_op *op = e->ops; op != NULL; op = op->next) {
        if (op->gives && wf_etcd_may_call(e, &op->call, next))
            give(e, op);
        else if (!op->gives && wf_etcd_lease_good(e) && wf_etcd_may_call(e, &op->call, next))
            take(e, op); /* else when there is a lease */
    }
}

/* ---- what is asked */

weft_err wf_etcd_on_take(weft_actor *self, weft_msg *msg)
{
    etcd *e = weft_state(self);
    const weft_store_take *body = weft_body(msg);
    if (e->closing != NULL || e->closed)
        return weft_fail(msg, WEFT_ESTOPPING, "this node leaves");
    if (op_new(e, msg, body->name, body->claim, false) == NULL)
        return weft_fail(msg, WEFT_ENOMEM, "no room to take a name");
    wf_etcd_go(e);
    return WEFT_OK;
}

weft_err wf_etcd_on_give(weft_actor *self, weft_msg *msg)
{
    etcd *e = weft_state(self);
    const weft_store_give *body = weft_body(msg);
    if (e->closing != NULL || e->closed)
        return weft_reply(msg, weft_store_given, 0); /* with all others */
    if (op_new(e, msg, body->name, body->claim, true) == NULL)
        return weft_fail(msg, WEFT_ENOMEM, "no room to give a name back");
    wf_etcd_go(e);
    return WEFT_OK;
}

weft_err wf_etcd_on_cancelled(weft_actor *self, weft_msg *msg)
{
    etcd *e = weft_state(self);
    const weft_msg *which = ((const weft_cancelled *)weft_body(msg))->msg;
    for (etcd_op *op = e->ops; op != NULL; op = op->next) {
        if (op->msg != which || !weft_remote_is_cancelled(op->msg))
            continue;
        bool sent = op->gives || op->lease != 0;
        let_go(op);
        if (!sent)
            op_over(e, op);
        break;
    }
    wf_etcd_go(e);
    return WEFT_OK;
}

/* ---- what others have */

/* Only what hangs on the lease there is now is surely of this process. */
static uint64_t own_claim(const etcd *e, const etcd_event *event)
{
    size_t n = strlen(e->node);
    return e->lease != 0 && event->lease == e->lease && strncmp(event->value, e->node, n) == 0 &&
                   event->value[n] == ' '
               ? strtoull(event->value + n + 1, NULL, 16)
               : 0;
}

void wf_etcd_name(etcd *e, const char *name, const etcd_event *event, uint64_t term)
{
    weft_store_owner owner = {.term = term};
    const char *value = event->value;
    size_t n = event->deleted ? 0 : strcspn(value, " ");
    if (strlen(name) >= sizeof owner.name || n >= sizeof owner.node ||
        (!event->deleted && n == 0)) {
        weft_log(e->self, WEFT_WARNING, "leaves out the name %.64s: it is not as names are", name);
        return;
    }
    (void)snprintf(owner.name, sizeof owner.name, "%s", name);
    if (n != 0) {
        memcpy(owner.node, value, n);
        owner.claim = own_claim(e, event);
    }
    if (weft_event(e->self, e->registry, &weft_store_owner_type, &owner) == WEFT_ENOMEM)
        wf_etcd_read_again(e);
}

void wf_etcd_names_done(etcd *e)
{
    for (etcd_op *op = e->ops, *next; op != NULL; op = next) {
        next = op->next;
        if (op->msg != NULL)
            weft_drop(&op->msg);
        weft_alloc_free(op);
    }
}
