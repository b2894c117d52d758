/* SPDX-License-Identifier: MIT */
/* Records and atoms: what stands in the bodies of MAIL and ATOMS frames. */
#include "link_bytes.h"
#include "link_codec.h"

enum { ATOM_HEAD_BYTES = 8 };

/* What an op's record must have, and may have. */
typedef struct op_rule {
    const char *name;
    bool dst, req, type; /* must be there */
    uint8_t flags;       /* may be set */
} op_rule;

static const op_rule rules[] = {
    [LINK_OP_TELL] = {"tell", .dst = true, .type = true,
                      .flags = LINK_NAMED | LINK_CONTEXT | LINK_NOTED},
    [LINK_OP_ASK] = {"ask", .dst = true, .req = true, .type = true,
                     .flags = LINK_NAMED | LINK_CONTEXT},
    [LINK_OP_REPLY] = {"reply", .req = true, .type = true},
    [LINK_OP_FAIL] = {"fail", .req = true},
    [LINK_OP_CANCEL] = {"cancel", .req = true},
    [LINK_OP_MONITOR] = {"monitor", .dst = true, .req = true, .flags = LINK_NAMED | LINK_LIFE},
    [LINK_OP_DEMONITOR] = {"demonitor", .req = true},
    [LINK_OP_DOWN] = {"down", .req = true},
    [LINK_OP_RESTARTED] = {"restarted", .req = true},
    [LINK_OP_LINK] = {"link", .dst = true, .flags = LINK_NAMED},
    [LINK_OP_STOP] = {"stop", .dst = true},
    [LINK_OP_STREAM] = {"stream", .dst = true, .req = true, .flags = LINK_NAMED},
    [LINK_OP_BYTES] = {"bytes", .req = true},
    [LINK_OP_ROOM] = {"room", .dst = true, .req = true},
    [LINK_OP_ENDED] = {"ended", .req = true},
    [LINK_OP_CLOSED] = {"closed", .req = true},
    [LINK_OP_UNDELIVERED] = {"undelivered", .dst = true},
};

static size_t head_bytes(const link_record *record)
{
    return (record->flags & LINK_CONTEXT) != 0 ? LINK_RECORD_BYTES + LINK_CONTEXT_BYTES
                                               : LINK_RECORD_BYTES;
}

size_t wf_link_record_bytes(const link_record *record)
{
    return padded(head_bytes(record) + record->bytes);
}

size_t wf_link_write_record_head(uint8_t *to, const link_record *record)
{
    size_t head = head_bytes(record);
    store_u32(to, (uint32_t)head + record->bytes);
    store_u32(to + 4, record->type);
    store_u64(to + 8, record->dst);
    store_u64(to + 16, record->src);
    store_u32(to + 24, record->req);
    to[28] = (uint8_t)record->op;
    to[29] = record->flags;
    store_u16(to + 30, record->code);
    if ((record->flags & LINK_CONTEXT) != 0) {
        store_u64(to + 32, record->trace);
        store_u32(to + 40, record->left_ms);
        store_u32(to + 44, 0);
    }
    return head;
}

void wf_link_write_record(uint8_t *to, const link_record *record)
{
    size_t head = wf_link_write_record_head(to, record);
    size_t n = head + record->bytes, all = padded(n);
    if (record->bytes != 0)
        memcpy(to + head, record->payload, record->bytes);
    memset(to + n, 0, all - n);
}

static weft_err refuse(const link_record *r, weft_why *why)
{
    if (r->op < LINK_OP_TELL || r->op > LINK_OP_LAST)
        return weft_because(why, WEFT_EPROTO, "a record of op %u; expected %u to %u", r->op,
                            (unsigned)LINK_OP_TELL, (unsigned)LINK_OP_LAST);
    const op_rule *rule = &rules[r->op];
    if ((r->flags & ~rule->flags) != 0)
        return weft_because(why, WEFT_EPROTO, "a %s record with flags %02x; expected only %02x",
                            rule->name, r->flags, rule->flags);
    if (rule->dst && r->dst == 0)
        return weft_because(why, WEFT_EPROTO, "a %s record for nobody", rule->name);
    if (rule->req != (r->req != 0))
        return weft_because(why, WEFT_EPROTO, "a %s record with request %u", rule->name, r->req);
    if (rule->type != (r->type != 0))
        return weft_because(why, WEFT_EPROTO, "a %s record of type %u", rule->name, r->type);
    return weft_because(why, WEFT_EPROTO, "a %s record with error %u; expected one below %d",
                        rule->name, r->code, WEFT_ERR_COUNT_);
}

/* Whether @r says what its op says. */
static inline bool is_sound(const link_record *r)
{
    const op_rule *rule = &rules[(unsigned)r->op <= LINK_OP_LAST ? r->op : 0];
    return rule->name != NULL && (r->flags & ~rule->flags) == 0 && (!rule->dst || r->dst != 0) &&
           rule->req == (r->req != 0) && rule->type == (r->type != 0) && r->code < WEFT_ERR_COUNT_;
}

weft_err wf_link_read_record(const uint8_t **at, size_t *n, link_record *out, weft_why *why)
{
    const uint8_t *from = *at;
    if (*n == 0)
        return WEFT_EDONE;
    if (*n < LINK_RECORD_BYTES)
        return weft_because(why, WEFT_EPROTO, "%zu bytes behind the last record", *n);
    *out = (link_record){.type = load_u32(from + 4),
                         .dst = load_u64(from + 8),
                         .src = load_u64(from + 16),
                         .req = load_u32(from + 24),
                         .op = (link_op)from[28],
                         .flags = from[29],
                         .code = load_u16(from + 30)};
    uint32_t length = load_u32(from);
    size_t head = head_bytes(out);
    if (length < head || *n < padded(length))
        return weft_because(why, WEFT_EPROTO, "a record of %u bytes where %zu are left", length,
                            *n);
    if (!is_sound(out))
        return refuse(out, why);
    if ((out->flags & LINK_CONTEXT) != 0) {
        out->trace = load_u64(from + 32);
        out->left_ms = load_u32(from + 40);
    }
    out->payload = from + head;
    out->bytes = length - (uint32_t)head;
    *at += padded(length);
    *n -= padded(length);
    return WEFT_OK;
}

/* ---- atoms */

size_t wf_link_atom_bytes(const link_atom *atom)
{
    return padded(ATOM_HEAD_BYTES + atom->bytes);
}

void wf_link_write_atom(uint8_t *to, const link_atom *atom)
{
    memset(to, 0, wf_link_atom_bytes(atom));
    store_u32(to, atom->id);
    to[4] = (uint8_t)atom->kind;
    store_u16(to + 6, (uint16_t)atom->bytes);
    memcpy(to + ATOM_HEAD_BYTES, atom->text, atom->bytes);
}

static bool is_plain(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] <= 0x20 || text[i] >= 0x7f)
            return false;
    return true;
}

weft_err wf_link_read_atom(const uint8_t **at, size_t *n, link_atom *out, weft_why *why)
{
    const uint8_t *from = *at;
    if (*n == 0)
        return WEFT_EDONE;
    if (*n < ATOM_HEAD_BYTES)
        return weft_because(why, WEFT_EPROTO, "%zu bytes behind the last atom", *n);
    link_atom a = {.kind = (link_atom_kind)from[4],
                   .id = load_u32(from),
                   .bytes = load_u16(from + 6),
                   .text = (const char *)from + ATOM_HEAD_BYTES};
    if (a.kind < LINK_ATOM_TYPE || a.kind > LINK_ATOM_NAME || from[5] != 0 || a.id == 0)
        return weft_because(why, WEFT_EPROTO, "an atom of kind %u with number %u", from[4], a.id);
    if (a.bytes == 0 || a.bytes > LINK_ATOM_BYTES_MAX || wf_link_atom_bytes(&a) > *n)
        return weft_because(why, WEFT_EPROTO, "an atom of %u bytes where %zu are left", a.bytes,
                            *n);
    if (!is_plain(a.text, a.bytes))
        return weft_because(why, WEFT_EPROTO, "an atom that is not printing ASCII");
    *at += wf_link_atom_bytes(&a);
    *n -= wf_link_atom_bytes(&a);
    *out = a;
    return WEFT_OK;
}
