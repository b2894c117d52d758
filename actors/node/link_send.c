/* SPDX-License-Identifier: MIT */
/* What goes to the other node: messages and answers packed into records, with numbers for types and names, and
 * with their references as they go. */
#include <stdio.h>
#include <string.h>

#include "link_line.h"
#include "weft_link.pb-c.h"

static const weft_type failure_type = WEFT_TYPE_PROTO("weft.link.failure", Weft__Link__Failure,
                                                      &weft__link__failure__descriptor, NULL);

/* ---- what cannot be sent */

void wf_link_refuse(node_link *l, weft_msg *msg, weft_err err, const char *why)
{
    if (weft_is_request(msg)) {
        (void)!weft_remote_fail(l->self, msg, err, WEFT_NOT_DELIVERED, why);
        return;
    }
    l->lost++;
    if (weft_remote_mail_of(msg)->noted)
        wf_link_tell_undelivered(msg, err);
    weft_log(l->self, WEFT_DEBUG, "a message is lost: %s", why);
}

/* ---- numbers for types and names */

static weft_err say_atom(node_link *l, link_map *map, uint64_t key, link_atom_kind kind,
                         const char *text, uint32_t *last, uint32_t *out)
{
    const link_map_row *row = wf_map_at(map, key);
    *out = 0;
    if (row != NULL) {
        *out = (uint32_t)row->number;
        return WEFT_OK;
    }
    if (*last == LINK_ATOMS_MAX)
        return WEFT_ELIMIT;
    link_atom atom = {.kind = kind, .id = *last + 1, .bytes = (uint32_t)strlen(text), .text = text};
    weft_err err = wf_map_reserve(map);
    if (err == WEFT_OK)
        err = wf_session_atom(&l->s, &atom);
    if (err != WEFT_OK)
        return err;
    wf_map_put(map, key)->number = *out = ++*last;
    return WEFT_OK;
}

static weft_err type_out(node_link *l, const weft_type *type, uint32_t *out, weft_why *why)
{
    const link_map_row *row = wf_map_at(&l->types_out, (uint64_t)(uintptr_t)type);
    if (row != NULL) {
        *out = (uint32_t)row->number;
        return WEFT_OK;
    }
    weft_err err = wf_types_add_both(l->node, type, why);
    if (err != WEFT_OK)
        return err;
    err = say_atom(l, &l->types_out, (uint64_t)(uintptr_t)type, LINK_ATOM_TYPE,
                   weft_packed_name(type), &l->last_type, out);
    return err == WEFT_OK ? err : weft_because(why, err, "no number for %s", type->name);
}

weft_err wf_link_dst(node_link *l, weft_ref to, link_record *record)
{
    const char *name = weft_remote_name(l->node->sys, to);
    uint32_t id;
    if (name == NULL) {
        record->dst = weft_remote_token(to);
        return WEFT_OK;
    }
    weft_err err = say_atom(l, &l->names_out, to.slot, LINK_ATOM_NAME, name, &l->last_name, &id);
    record->dst = id;
    record->flags |= LINK_NAMED;
    return err;
}

/* What keeps the order of messages to @to apart from those to others. */
uint64_t wf_dst_key(weft_ref to)
{
    return weft_ref_kind_of(to) == WEFT_REF_NAME ? UINT64_C(1) << 63 | to.slot
                                                 : weft_remote_token(to);
}

/* ---- packing */

/* The whole record in memory of its own, but for its payload, which goes where this says. errors: NULL. */
static uint8_t *pack_apart(item *it, const link_record *record)
{
    size_t total = wf_link_record_bytes(record);
    uint8_t *bytes = weft_alloc(total);
    if (bytes == NULL)
        return NULL;
    memset(bytes + total - 8, 0, 8);
    it->bytes = bytes;
    it->total = (uint32_t)total;
    return bytes + wf_link_write_record_head(bytes, record);
}

bool wf_link_fits(const node_link *l, size_t bytes)
{
    return bytes <= l->s.limits.message_bytes_max - LINK_RECORD_BYTES - LINK_CONTEXT_BYTES - 8;
}

static weft_err check_size(const node_link *l, size_t bytes, weft_why *why)
{
    if (wf_link_fits(l, bytes))
        return WEFT_OK;
    return weft_because(why, WEFT_ETOOBIG, "a message of %zu bytes; expected %u at most", bytes,
                        l->s.limits.message_bytes_max);
}

static uint32_t next_req(node_link *l)
{
    do
        l->last_req++;
    while (l->last_req == 0 || wf_map_at(&l->asks, l->last_req) != NULL);
    return l->last_req;
}

/* The token of @ref, which is mostly that of the message before. */
static uint64_t src_of(node_link *l, weft_ref ref)
{
    if (!weft_ref_same(ref, l->last_src) || l->last_src_ended != l->node->exports_ended) {
        l->last_src_token = wf_export(l->node, ref);
        l->last_src = ref;
        l->last_src_ended = l->node->exports_ended;
    }
    return l->last_src_token;
}

static weft_err record_of(node_link *l, weft_msg *msg, link_record *record, weft_why *why)
{
    const weft_remote_mail *mail = weft_remote_mail_of(msg);
    uint32_t left = weft_time_left_ms(msg);
    bool ask = weft_is_request(msg);
    *record = (link_record){.op = ask ? LINK_OP_ASK : LINK_OP_TELL,
                            .trace = weft_trace(msg),
                            .left_ms = left == WEFT_NO_LIMIT ? 0
                                       : left != 0           ? left
                                                             : 1};
    if (mail->noted && (l->s.peer.features & LINK_FEATURE_UNDELIVERED) != 0) {
        record->flags |= LINK_NOTED;
        l->noted++;
    }
    if (record->trace != 0 || record->left_ms != 0)
        record->flags |= LINK_CONTEXT;
    weft_err err = type_out(l, mail->type, &record->type, why);
    if (err == WEFT_OK && (err = wf_link_dst(l, mail->to, record)) != WEFT_OK)
        err = weft_because(why, err, "no number for a name of node %s", l->name);
    if (err == WEFT_OK && !mail->packed) /* the message is this link's own */
        err = wf_refs_out(l->node, mail->type, (void *)(uintptr_t)weft_body(msg), why);
    if (err != WEFT_OK)
        return err;
    record->src = src_of(l, weft_sender(msg));
    size_t bytes = weft_remote_mail_bytes(msg);
    record->bytes = (uint32_t)bytes;
    return check_size(l, bytes, why);
}

/* A request is kept until it is answered. errors: ENOMEM. */
static weft_err keep_request(node_link *l, weft_msg *msg, link_record *record, pending **out)
{
    pending *p = weft_remote_mail_room(msg);
    if (wf_map_reserve(&l->asks) != WEFT_OK || wf_map_reserve(&l->kept) != WEFT_OK)
        return WEFT_ENOMEM;
    p->msg = weft_keep(msg);
    p->item = NULL;
    wf_map_put(&l->kept, wf_kept_key(msg))->pointer = p;
    p->req = record->req = next_req(l);
    wf_map_put(&l->asks, p->req)->pointer = p;
    *out = p;
    return WEFT_OK;
}

/* Of a long one: what there was of @it goes on as a packed one. */
static weft_err send_long(node_link *l, weft_msg *msg, const link_record *record, pending *p)
{
    const weft_remote_mail *mail = weft_remote_mail_of(msg);
    item *it = weft_alloc_zero(sizeof *it);
    uint8_t *payload = it != NULL ? pack_apart(it, record) : NULL;
    if (payload == NULL) {
        weft_alloc_free(it);
        return WEFT_ENOMEM;
    }
    weft_remote_mail_pack(msg, payload);
    it->src = key_of(weft_sender(msg));
    it->dst = wf_dst_key(mail->to);
    it->counted = true;
    it->pending = p;
    if (p != NULL)
        p->item = it;
    wf_big_begin(l, it);
    return WEFT_OK;
}

static weft_err send_short(node_link *l, const weft_msg *msg, const link_record *record, pending *p)
{
    uint8_t *payload;
    uint64_t seq;
    weft_err err = wf_session_record(&l->s, record, &payload, &seq);
    if (err != WEFT_OK)
        return err;
    weft_remote_mail_pack(msg, payload);
    if (p != NULL)
        p->seq = seq;
    return WEFT_OK;
}

/* Sends it now, or fails it. true: it is a request that waits for its answer, and is kept. */
bool wf_send_message(node_link *l, weft_msg *msg)
{
    link_record record;
    pending *p = NULL;
    weft_why why = {"no memory to send it"};
    weft_err err = record_of(l, msg, &record, &why);
    if (err == WEFT_OK && record.op == LINK_OP_ASK)
        err = keep_request(l, msg, &record, &p);
    if (err == WEFT_OK)
        err = wf_link_record_bytes(&record) > LINK_RECORD_WHOLE_MAX
                  ? send_long(l, msg, &record, p)
                  : send_short(l, msg, &record, p);
    if (err == WEFT_OK)
        return p != NULL;
    if (p != NULL)
        wf_map_take(&l->asks, p->req);
    wf_link_refuse(l, msg, err, why.text);
    return false;
}

/* As send_message, of one that was kept in line. */
void wf_send_kept(node_link *l, item *it)
{
    weft_msg *msg = it->msg;
    bool kept = false;
    if (it->pending != NULL)
        it->pending->item = NULL;
    wf_item_free(it);
    if (!weft_remote_is_current(l->node->sys, weft_remote_mail_of(msg)->to))
        wf_link_refuse(l, msg, WEFT_EGONE, "its node began anew");
    else
        kept = wf_send_message(l, msg);
    if (!kept)
        wf_link_let_go(l, msg);
}

void wf_send_packed(node_link *l, item *it)
{
    uint8_t *payload;
    uint64_t seq;
    link_record record;
    weft_why why;
    const uint8_t *at = it->bytes;
    size_t n = it->total;
    if (it->total > LINK_RECORD_WHOLE_MAX) {
        wf_big_begin(l, it);
        return;
    }
    if (wf_link_read_record(&at, &n, &record, &why) != WEFT_OK ||
        wf_session_record(&l->s, &record, &payload, &seq) != WEFT_OK)
        wf_link_broken(l);
    else if (record.bytes != 0)
        memcpy(payload, record.payload, record.bytes);
    wf_item_free(it);
}

/* ---- records of the link's own */

weft_err wf_link_put(node_link *l, link_record *record, const weft_type *type, void *made,
                     uint64_t src, uint64_t dst)
{
    weft_why why;
    uint8_t *payload;
    uint64_t seq;
    size_t bytes = type != NULL ? weft_packed_bytes(type, made) : 0;
    weft_err err = check_size(l, bytes, &why);
    if (err != WEFT_OK || l->s.state != LINK_UP)
        return err;
    record->bytes = (uint32_t)bytes;
    if (l->waiting.n == 0 && wf_link_record_bytes(record) <= LINK_RECORD_WHOLE_MAX &&
        wf_big_of_pair(l, src, dst) == NULL) {
        err = wf_session_record(&l->s, record, &payload, &seq);
        if (err == WEFT_OK && type != NULL)
            weft_pack(type, made, payload);
        wf_link_touch(l);
        return err;
    }
    item *it = weft_alloc_zero(sizeof *it);
    payload = it != NULL ? pack_apart(it, record) : NULL;
    if (payload == NULL) {
        weft_alloc_free(it);
        return WEFT_ENOMEM;
    }
    if (type != NULL)
        weft_pack(type, made, payload);
    it->src = src;
    it->dst = dst;
    wf_line_put(&l->waiting, it);
    wf_link_touch(l);
    return WEFT_OK;
}

weft_err wf_link_put_typed(node_link *l, link_record *record, const weft_type *type, void *made,
                           uint64_t src, uint64_t dst, weft_why *why)
{
    weft_err err = type_out(l, type, &record->type, why);
    if (err == WEFT_OK)
        err = wf_refs_out(l->node, type, made, why);
    if (err == WEFT_OK && (err = wf_link_put(l, record, type, made, src, dst)) != WEFT_OK)
        weft_explain(why, "an answer of type %s does not go over the link", type->name);
    return err;
}

void wf_link_say(node_link *l, const link_record *record, const char *why, uint32_t count,
                 uint64_t src, uint64_t dst)
{
    char text[WEFT_WHY_BYTES];
    link_record r = *record;
    Weft__Link__Failure failure;
    weft__link__failure__init(&failure);
    (void)snprintf(text, sizeof text, "%s", why);
    failure.why = text;
    failure.count = count;
    if (wf_link_put(l, &r, &failure_type, &failure, src, dst) != WEFT_OK)
        wf_link_broken(l);
}

void wf_link_control(node_link *l, const link_record *record)
{
    uint8_t *payload;
    uint64_t seq;
    if (l->s.state != LINK_UP)
        return;
    if (wf_session_record(&l->s, record, &payload, &seq) != WEFT_OK)
        wf_link_broken(l);
    wf_link_touch(l);
}
