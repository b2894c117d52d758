/* SPDX-License-Identifier: MIT */
/* Messages of DNS, written: names compressed where readers must know it. */
#include <string.h>

#include "dns_name.h"

enum {
    HEADER_BYTES = 12,
    RECORD_BYTES = 10,
    POINTER = 0xc0,
    POINTER_AT_MAX = 0x3fff,
    QUESTIONS_AT = 4, /* in the header; answers and the others follow */
};

static void set_u16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void set_u32(uint8_t *at, uint32_t value)
{
    set_u16(at, value >> 16);
    set_u16(at + 2, value & 0xffff);
}

static unsigned count_at(const weft_dns_writer *w, size_t at)
{
    return (unsigned)w->at[at] << 8 | w->at[at + 1];
}

weft_err weft_dns_write_begin(weft_dns_writer *w, uint8_t *at, size_t room,
                              const weft_dns_header *header)
{
    if (room < HEADER_BYTES)
        return WEFT_ETOOBIG;
    *w = (weft_dns_writer){.at = at,
                           .room = room < WEFT_DNS_MESSAGE_BYTES_MAX ? room
                                                                     : WEFT_DNS_MESSAGE_BYTES_MAX,
                           .size = HEADER_BYTES};
    memset(at, 0, HEADER_BYTES);
    set_u16(at, header->id);
    at[2] =
        (uint8_t)(header->response << 7 | (header->opcode & 15) << 3 | header->authoritative << 2 |
                  header->truncated << 1 | (int)header->recursion_desired);
    at[3] = (uint8_t)(header->recursion_available << 7 | header->authentic << 5 |
                      header->no_checking << 4 | (header->rcode & 15));
    return WEFT_OK;
}

void weft_dns_write_truncated(weft_dns_writer *w)
{
    w->at[2] |= 2;
}

/* ---- names */

/* Whether the name that stands at @place is @name; what stands there was written here. */
static bool stands_at(const weft_dns_writer *w, size_t place, const uint8_t *name)
{
    for (;;) {
        while ((w->at[place] & POINTER) == POINTER)
            place = ((size_t)(w->at[place] & ~POINTER) << 8) | w->at[place + 1];
        if (w->at[place] != *name || memcmp(w->at + place, name, 1U + *name) != 0)
            return false;
        if (*name == 0)
            return true;
        place += 1U + *name;
        name += 1U + *name;
    }
}

/* Where @name stands already; 0: nowhere. */
static size_t find(const weft_dns_writer *w, const uint8_t *name)
{
    for (unsigned i = 0; i < w->names; i++)
        if (stands_at(w, w->name_at[i], name))
            return w->name_at[i];
    return 0;
}

static void remember(weft_dns_writer *w, size_t place)
{
    if (w->names < WEFT_DNS_COMPRESSED_NAMES_MAX && place <= POINTER_AT_MAX)
        w->name_at[w->names++] = (uint16_t)place;
}

/* A message being added to: what does not fit is noted and leaves no trace. */
typedef struct put {
    weft_dns_writer *w;
    size_t before;
    unsigned names_before;
    weft_err err;
    weft_why *why;
} put;

static put put_begin(weft_dns_writer *w, weft_why *why)
{
    return (put){.w = w, .before = w->size, .names_before = w->names, .why = why};
}

/* Room for @n bytes; NULL: there is none. */
static uint8_t *put_room(put *p, size_t n)
{
    if (p->err != WEFT_OK)
        return NULL;
    if (p->w->room - p->w->size < n) {
        p->err = weft_because(p->why, WEFT_ETOOBIG,
                              "the message has no room for more than %zu bytes", p->w->room);
        return NULL;
    }
    p->w->size += n;
    return p->w->at + p->w->size - n;
}

static void put_u16(put *p, unsigned value)
{
    uint8_t *at = put_room(p, 2);
    if (at != NULL)
        set_u16(at, value);
}

static void put_u32(put *p, uint32_t value)
{
    uint8_t *at = put_room(p, 4);
    if (at != NULL)
        set_u32(at, value);
}

static void put_bytes(put *p, const void *from, size_t n)
{
    uint8_t *at = put_room(p, n);
    if (at != NULL && n != 0)
        memcpy(at, from, n);
}

/* The labels that stand nowhere yet, and a pointer to the others. */
static void put_name(put *p, const char *text, bool compressed)
{
    wf_dns_wire_name name;
    size_t at = 0, there = 0, begin = p->w->size;
    if (p->err == WEFT_OK)
        p->err = wf_dns_name_encode(text, &name, p->why);
    if (p->err != WEFT_OK)
        return;
    while (name.at[at] != 0 && (there = compressed ? find(p->w, name.at + at) : 0) == 0)
        at += 1U + name.at[at];
    put_bytes(p, name.at, there != 0 ? at : at + 1);
    if (there != 0)
        put_u16(p, POINTER << 8 | (unsigned)there);
    /* only now, as a name is found by reading it to its end */
    for (size_t i = 0; p->err == WEFT_OK && compressed && i < at; i += 1U + name.at[i])
        remember(p->w, begin + i);
}

/* One more in the count at @at of the header. */
static weft_err put_end(put *p, size_t at)
{
    unsigned count = count_at(p->w, at);
    if (p->err == WEFT_OK && count == UINT16_MAX)
        p->err = weft_because(p->why, WEFT_ETOOBIG, "the message has %u of these", count);
    if (p->err != WEFT_OK) {
        p->w->size = p->before;
        p->w->names = p->names_before;
        return p->err;
    }
    set_u16(p->w->at + at, count + 1);
    return WEFT_OK;
}

/* What stands behind @at was not begun. */
static weft_err check_order(const weft_dns_writer *w, size_t at, weft_why *why)
{
    for (at += 2; at < HEADER_BYTES; at += 2)
        if (count_at(w, at) != 0)
            return weft_because(why, WEFT_EINVAL, "a later section has begun");
    return WEFT_OK;
}

weft_err weft_dns_write_question(weft_dns_writer *w, const char *name, uint16_t type, weft_why *why)
{
    put p = put_begin(w, why);
    p.err = check_order(w, QUESTIONS_AT, why);
    put_name(&p, name, true);
    put_u16(&p, type);
    put_u16(&p, WEFT_DNS_CLASS_IN);
    return put_end(&p, QUESTIONS_AT);
}

/* ---- records */

static void put_soa(put *p, const weft_dns_record *record)
{
    put_name(p, record->of.soa.primary, true);
    put_name(p, record->of.soa.mailbox, true);
    put_u32(p, record->of.soa.serial);
    put_u32(p, record->of.soa.refresh_s);
    put_u32(p, record->of.soa.retry_s);
    put_u32(p, record->of.soa.expire_s);
    put_u32(p, record->of.soa.minimum_s);
}

/* RFC 3597 4: only the types of RFC 1035 may have compressed names in their data. */
static void put_data(put *p, const weft_dns_record *record)
{
    switch (record->type) {
    case WEFT_DNS_A:
        put_bytes(p, record->of.ip, 4);
        break;
    case WEFT_DNS_AAAA:
        put_bytes(p, record->of.ip, 16);
        break;
    case WEFT_DNS_NS:
    case WEFT_DNS_CNAME:
    case WEFT_DNS_PTR:
        put_name(p, record->of.host, true);
        break;
    case WEFT_DNS_MX:
        put_u16(p, record->of.mx.preference);
        put_name(p, record->of.mx.host, true);
        break;
    case WEFT_DNS_SRV:
        put_u16(p, record->of.srv.priority);
        put_u16(p, record->of.srv.weight);
        put_u16(p, record->of.srv.port);
        put_name(p, record->of.srv.host, false);
        break;
    case WEFT_DNS_SOA:
        put_soa(p, record);
        break;
    default:
        put_bytes(p, record->data, record->data_bytes);
    }
}

static void put_head(put *p, const weft_dns_record *record)
{
    bool opt = record->type == WEFT_DNS_OPT;
    put_name(p, record->name, true);
    put_u16(p, record->type);
    put_u16(p, opt ? record->of.opt.udp_bytes_max : record->class_code);
    put_u32(p, opt ? (uint32_t)record->of.opt.rcode_high << 24 |
                         (uint32_t)record->of.opt.version << 16 |
                         (record->of.opt.dnssec ? 0x8000U : 0)
                   : record->ttl_s);
}

weft_err weft_dns_write_record(weft_dns_writer *w, weft_dns_section section,
                               const weft_dns_record *record, weft_why *why)
{
    size_t at = QUESTIONS_AT + 2 + 2 * (size_t)section;
    put p = put_begin(w, why);
    p.err = check_order(w, at, why);
    put_head(&p, record);
    put_u16(&p, 0);
    size_t data_at = w->size;
    put_data(&p, record);
    if (p.err == WEFT_OK)
        set_u16(w->at + data_at - 2, (unsigned)(w->size - data_at));
    return put_end(&p, at);
}
