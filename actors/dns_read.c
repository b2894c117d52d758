/* SPDX-License-Identifier: MIT */
/* Messages of DNS, read: the header, questions, records. */
#include <string.h>

#include "dns_name.h"

enum { HEADER_BYTES = 12, RECORD_BYTES = 10, TTL_SIGN_BIT = 31 };

static uint16_t u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t u32(const uint8_t *at)
{
    return (uint32_t)u16(at) << 16 | u16(at + 2);
}

/* ---- the header */

weft_err weft_dns_read_begin(weft_dns_reader *r, const uint8_t *at, size_t size,
                             weft_dns_header *out, weft_why *why)
{
    if (size < HEADER_BYTES)
        return weft_because(why, WEFT_ETRUNCATED, "a message of %zu bytes has no header", size);
    *r = (weft_dns_reader){.at = at, .size = size, .next = HEADER_BYTES};
    *out = (weft_dns_header){
        .id = u16(at),
        .response = (at[2] & 0x80) != 0,
        .opcode = at[2] >> 3 & 15,
        .authoritative = (at[2] & 4) != 0,
        .truncated = (at[2] & 2) != 0,
        .recursion_desired = (at[2] & 1) != 0,
        .recursion_available = (at[3] & 0x80) != 0,
        .authentic = (at[3] & 0x20) != 0,
        .no_checking = (at[3] & 0x10) != 0,
        .rcode = at[3] & 15,
        .questions = u16(at + 4),
        .answers = u16(at + 6),
        .authorities = u16(at + 8),
        .additional = u16(at + 10),
    };
    return WEFT_OK;
}

static weft_err short_of(const weft_dns_reader *r, weft_why *why, const char *what)
{
    return weft_because(why, WEFT_ETRUNCATED, "the message ends at byte %zu, within a %s", r->size,
                        what);
}

/* A reader that failed stands at its end. */
static weft_err fail(weft_dns_reader *r, weft_err err)
{
    r->next = r->size;
    return err;
}

weft_err weft_dns_read_question(weft_dns_reader *r, weft_dns_question *out, weft_why *why)
{
    weft_err err = wf_dns_name_read(r->at, r->size, &r->next, out->name, why);
    if (err != WEFT_OK)
        return fail(r, err);
    if (r->size - r->next < 4)
        return fail(r, short_of(r, why, "question"));
    out->type = u16(r->at + r->next);
    out->class_code = u16(r->at + r->next + 2);
    r->next += 4;
    return WEFT_OK;
}

/* ---- what records hold */

/* The data of a record: names in it may lead back into all of the message, but end within it. */
typedef struct data {
    const weft_dns_reader *r;
    size_t next, end;
    weft_err err;
    weft_why *why;
} data;

/* The next @n bytes; zeroes if they are not there. */
static const uint8_t *take(data *d, size_t n)
{
    static const uint8_t none[20];
    const uint8_t *at = d->r->at + d->next;
    if (d->err != WEFT_OK)
        return none;
    if (d->end - d->next < n) {
        d->err = weft_because(d->why, WEFT_EPROTO, "the data of a record ends too early");
        return none;
    }
    d->next += n;
    return at;
}

static void take_name(data *d, char out[WEFT_DNS_NAME_BYTES])
{
    out[0] = '\0';
    if (d->err != WEFT_OK)
        return;
    /* what follows the data is not the name's */
    d->err = wf_dns_name_read(d->r->at, d->end, &d->next, out, d->why);
    if (d->err == WEFT_ETRUNCATED)
        d->err = weft_because(d->why, WEFT_EPROTO, "a name goes beyond the data of its record");
}

static void take_soa(data *d, weft_dns_record *out)
{
    take_name(d, out->of.soa.primary);
    take_name(d, out->of.soa.mailbox);
    const uint8_t *at = take(d, 20);
    out->of.soa.serial = u32(at);
    out->of.soa.refresh_s = u32(at + 4);
    out->of.soa.retry_s = u32(at + 8);
    out->of.soa.expire_s = u32(at + 12);
    out->of.soa.minimum_s = u32(at + 16);
}

static void take_srv(data *d, weft_dns_record *out)
{
    const uint8_t *at = take(d, 6);
    out->of.srv.priority = u16(at);
    out->of.srv.weight = u16(at + 2);
    out->of.srv.port = u16(at + 4);
    take_name(d, out->of.srv.host);
}

/* RFC 1035 3.3.14: "one or more <character-string>s". */
static void take_text(data *d)
{
    if (d->next == d->end)
        d->err = weft_because(d->why, WEFT_EPROTO, "a TXT record without a string");
    while (d->err == WEFT_OK && d->next < d->end)
        (void)take(d, *take(d, 1));
}

/* RFC 6891 6.1.3: the class is a size, the TTL is flags. */
static void take_opt(data *d, weft_dns_record *out, uint32_t ttl)
{
    out->of.opt.udp_bytes_max = out->class_code;
    out->of.opt.rcode_high = (uint8_t)(ttl >> 24);
    out->of.opt.version = (uint8_t)(ttl >> 16);
    out->of.opt.dnssec = (ttl & 0x8000) != 0;
    out->ttl_s = 0;
    while (d->err == WEFT_OK && d->next < d->end)
        (void)take(d, u16(take(d, 4) + 2));
}

static void take_data(data *d, weft_dns_record *out, uint32_t ttl)
{
    switch (out->type) {
    case WEFT_DNS_A:
        memcpy(out->of.ip, take(d, 4), 4);
        break;
    case WEFT_DNS_AAAA:
        memcpy(out->of.ip, take(d, 16), 16);
        break;
    case WEFT_DNS_NS:
    case WEFT_DNS_CNAME:
    case WEFT_DNS_PTR:
        take_name(d, out->of.host);
        break;
    case WEFT_DNS_MX:
        out->of.mx.preference = u16(take(d, 2));
        take_name(d, out->of.mx.host);
        break;
    case WEFT_DNS_SRV:
        take_srv(d, out);
        break;
    case WEFT_DNS_SOA:
        take_soa(d, out);
        break;
    case WEFT_DNS_TXT:
        take_text(d);
        break;
    case WEFT_DNS_OPT:
        take_opt(d, out, ttl);
        break;
    default:
        d->next = d->end;
    }
    if (d->err == WEFT_OK && d->next != d->end)
        d->err = weft_because(d->why, WEFT_EPROTO, "%zu bytes too many in the data of a record",
                              d->end - d->next);
}

weft_err weft_dns_read_record(weft_dns_reader *r, weft_dns_record *out, weft_why *why)
{
    weft_err err = wf_dns_name_read(r->at, r->size, &r->next, out->name, why);
    if (err != WEFT_OK)
        return fail(r, err);
    if (r->size - r->next < RECORD_BYTES)
        return fail(r, short_of(r, why, "record"));
    const uint8_t *at = r->at + r->next;
    uint32_t ttl = u32(at + 4);
    out->type = u16(at);
    out->class_code = u16(at + 2);
    /* RFC 2181 8: "a value ... with the most significant bit set [is to be treated] as if ... zero" */
    out->ttl_s = ttl >> TTL_SIGN_BIT != 0 ? 0 : ttl;
    out->data_bytes = u16(at + 8);
    r->next += RECORD_BYTES;
    if (r->size - r->next < out->data_bytes)
        return fail(r, short_of(r, why, "record"));
    out->data = r->at + r->next;
    data d = {.r = r, .next = r->next, .end = r->next + out->data_bytes, .why = why};
    take_data(&d, out, ttl);
    if (d.err != WEFT_OK)
        return fail(r, d.err);
    r->next = d.end;
    return WEFT_OK;
}

bool weft_dns_text_next(const weft_dns_record *record, size_t *at, const uint8_t **text,
                        size_t *bytes)
{
    if (*at >= record->data_bytes || record->data[*at] >= record->data_bytes - *at)
        return false;
    *bytes = record->data[*at];
    *text = record->data + *at + 1;
    *at += 1 + *bytes;
    return true;
}
