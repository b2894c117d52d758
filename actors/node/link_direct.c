/* SPDX-License-Identifier: MIT */
/* What is told to the other node by an actor of this reactor, while nothing stands before it: it is packed into the
 * frame that is open, without a message in between. Whatever is not known yet, or has to wait, goes the way of all. */
#include "link_line.h"

/* What was sent last, mostly the same again. */
static bool is_last(const node_link *l, const weft_remote_told *told)
{
    const link_direct *d = &l->direct;
    return d->type == told->type && weft_ref_same(d->to, told->to) &&
           weft_ref_same(d->from, told->from) && d->ended == l->node->exports_ended;
}

/* Looks up the numbers of @told; false: one of them has not been said yet. */
static bool look_up(node_link *l, const weft_remote_told *told)
{
    const link_map_row *type = wf_map_at(&l->types_out, (uint64_t)(uintptr_t)told->type);
    const link_map_row *name = NULL;
    uint64_t src = wf_export_known(l->node, told->from);
    bool named = weft_ref_kind_of(told->to) == WEFT_REF_NAME;
    if (named)
        name = wf_map_at(&l->names_out, told->to.slot);
    if (type == NULL || src == 0 || (named && name == NULL))
        return false;
    l->direct = (link_direct){.type = told->type,
                              .from = told->from,
                              .to = told->to,
                              .ended = l->node->exports_ended,
                              .src = src,
                              .dst = named ? name->number : weft_remote_token(told->to),
                              .type_number = (uint32_t)type->number,
                              .flags = named ? LINK_NAMED : 0};
    return true;
}

uint8_t *wf_link_direct(void *link, const weft_remote_told *told)
{
    node_link *l = link;
    uint8_t *payload;
    uint64_t seq;
    if (l->state != WEFT_LINK_UP || l->leaving || l->waiting.n != 0 || l->bigs != NULL ||
        told->noted)
        return NULL;
    wf_link_write_some(l);
    if (!wf_link_may_send(l, true) || (!is_last(l, told) && !look_up(l, told)))
        return NULL;
    link_record record = {.op = LINK_OP_TELL,
                          .type = l->direct.type_number,
                          .dst = l->direct.dst,
                          .src = l->direct.src,
                          .trace = told->trace,
                          .left_ms = told->left_ms,
                          .bytes = told->bytes,
                          .flags = l->direct.flags};
    if (record.trace != 0 || record.left_ms != 0)
        record.flags |= LINK_CONTEXT;
    if (wf_link_record_bytes(&record) > LINK_RECORD_WHOLE_MAX || !wf_link_fits(l, told->bytes) ||
        wf_session_record(&l->s, &record, &payload, &seq) != WEFT_OK)
        return NULL;
    weft_hook_queue(&l->flush);
    return payload;
}
