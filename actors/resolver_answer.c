/* SPDX-License-Identifier: MIT */
/* Answers of the resolver: read out of messages into one block that is shared. */
#include <stdatomic.h>
#include <string.h>

#include "resolver.h"

enum { ALIASES_MAX = 16 };

/* ---- shares */

wf_answer *wf_answer_share(wf_answer *answer)
{
    /* relaxed: whoever shares has a share, so the block is there */
    if (answer != NULL)
        atomic_fetch_add_explicit(&answer->shares, 1, memory_order_relaxed);
    return answer;
}

void wf_answer_drop(wf_answer **answer)
{
    wf_answer *a = *answer;
    *answer = NULL;
    /* acq_rel pairs with itself in the other droppers: all they read is read before it is freed */
    if (a != NULL && atomic_fetch_sub_explicit(&a->shares, 1, memory_order_acq_rel) == 1)
        weft_alloc_free(a);
}

weft_resolver_answer wf_answer_body(wf_answer *answer, uint32_t ttl_s)
{
    return (weft_resolver_answer){.name = answer->name,
                                  .records = answer->record,
                                  .n = answer->n,
                                  .ttl_s = ttl_s,
                                  .held = answer};
}

static void body_share(void *body)
{
    (void)wf_answer_share(((weft_resolver_answer *)body)->held);
}

static void body_release(void *body)
{
    wf_answer_drop(&((weft_resolver_answer *)body)->held);
}

const weft_type weft_resolver_answer_type = {.name = "weft.resolver_answer",
                                             .size = sizeof(weft_resolver_answer),
                                             .share = body_share,
                                             .release = body_release};

/* ---- the block */

/* @records of them, and @bytes that they point to. */
static wf_answer *block_new(uint32_t records, size_t bytes, uint8_t **room)
{
    size_t head = sizeof(wf_answer) + records * sizeof(weft_resolver_record);
    wf_answer *a = weft_alloc_zero(head + bytes);
    if (a == NULL)
        return NULL;
    atomic_init(&a->shares, 1);
    *room = (uint8_t *)a + head;
    return a;
}

static const char *put_text(uint8_t **room, const char *text)
{
    char *at = (char *)*room;
    size_t n = strlen(text) + 1;
    memcpy(at, text, n);
    *room += n;
    return at;
}

wf_answer *wf_answer_of_addresses(const char *name, const weft_address *addresses, uint32_t n,
                                  uint32_t ttl_s)
{
    uint8_t *room;
    wf_answer *a = block_new(n, strlen(name) + 1, &room);
    if (a == NULL)
        return NULL;
    a->none = n == 0;
    a->n = n;
    a->ttl_s = ttl_s;
    a->name = put_text(&room, name);
    for (uint32_t i = 0; i < n; i++)
        a->record[i] = (weft_resolver_record){
            .type = addresses[i].family == WEFT_FAMILY_V6 ? WEFT_DNS_AAAA : WEFT_DNS_A,
            .address = addresses[i]};
    return a;
}

wf_answer *wf_answer_of_host(const char *name, const char *host, uint32_t ttl_s)
{
    uint8_t *room;
    wf_answer *a = block_new(1, strlen(name) + 1 + strlen(host) + 1, &room);
    if (a == NULL)
        return NULL;
    a->n = 1;
    a->ttl_s = ttl_s;
    a->name = put_text(&room, name);
    a->record[0] = (weft_resolver_record){.type = WEFT_DNS_PTR, .host = put_text(&room, host)};
    return a;
}

/* ---- reading */

/* A message being looked through, again and again: a record is 3 KiB and none is kept. */
typedef struct scan {
    const uint8_t *message;
    size_t size;
    weft_dns_reader r;
    weft_dns_header header;
    uint32_t left;
    weft_dns_record record;
    weft_err err;
    weft_why *why;
} scan;

/* Begins at the first answer. errors: as reading. */
static weft_err scan_begin(scan *s)
{
    weft_dns_question question;
    s->err = weft_dns_read_begin(&s->r, s->message, s->size, &s->header, s->why);
    for (unsigned i = 0; s->err == WEFT_OK && i < s->header.questions; i++)
        s->err = weft_dns_read_question(&s->r, &question, s->why);
    s->left = s->err == WEFT_OK ? s->header.answers : 0;
    return s->err;
}

/* The next record of the section. false: no more, or an error. */
static bool scan_next(scan *s)
{
    if (s->left == 0)
        return false;
    s->left--;
    s->err = weft_dns_read_record(&s->r, &s->record, s->why);
    if (s->err != WEFT_OK)
        s->left = 0;
    return s->err == WEFT_OK;
}

static bool is_of(const weft_dns_record *record, const char *name, uint16_t type)
{
    return record->type == type && record->class_code == WEFT_DNS_CLASS_IN &&
           weft_dns_name_same(record->name, name);
}

/* Follows one alias of @name, if there is one. */
static bool follow_alias(scan *s, char name[WEFT_DNS_NAME_BYTES], uint32_t *ttl_s)
{
    if (scan_begin(s) != WEFT_OK)
        return false;
    while (scan_next(s))
        if (is_of(&s->record, name, WEFT_DNS_CNAME)) {
            memcpy(name, s->record.of.host, WEFT_DNS_NAME_BYTES);
            *ttl_s = s->record.ttl_s < *ttl_s ? s->record.ttl_s : *ttl_s;
            return true;
        }
    return false;
}

static const char *host_of(const weft_dns_record *record)
{
    switch (record->type) {
    case WEFT_DNS_NS:
    case WEFT_DNS_CNAME:
    case WEFT_DNS_PTR:
        return record->of.host;
    case WEFT_DNS_MX:
        return record->of.mx.host;
    case WEFT_DNS_SRV:
        return record->of.srv.host;
    default:
        return NULL;
    }
}

static bool has_data(uint16_t type)
{
    return type != WEFT_DNS_A && type != WEFT_DNS_AAAA;
}

/* How many records there are, and the bytes they point to at most. */
static uint32_t measure(scan *s, const char *name, uint16_t type, size_t *bytes, uint32_t *ttl_s)
{
    uint32_t n = 0;
    if (scan_begin(s) != WEFT_OK)
        return 0;
    while (scan_next(s)) {
        if (!is_of(&s->record, name, type))
            continue;
        const char *host = host_of(&s->record);
        n++;
        *bytes += host != NULL ? strlen(host) + 1 : has_data(type) ? s->record.data_bytes : 0;
        *ttl_s = s->record.ttl_s < *ttl_s ? s->record.ttl_s : *ttl_s;
    }
    return n;
}

static void put_text_strings(weft_resolver_record *to, const weft_dns_record *from, uint8_t **room)
{
    const uint8_t *text;
    size_t at = 0, n;
    to->data = *room;
    while (weft_dns_text_next(from, &at, &text, &n)) {
        memcpy(*room, text, n);
        *room += n;
    }
    to->data_bytes = (size_t)(*room - to->data);
}

static void put_record(weft_resolver_record *to, const weft_dns_record *from, uint8_t **room)
{
    const char *host = host_of(from);
    *to = (weft_resolver_record){.type = from->type};
    if (host != NULL)
        to->host = put_text(room, host);
    switch (from->type) {
    case WEFT_DNS_A:
        to->address.family = WEFT_FAMILY_V4;
        memcpy(to->address.ip, from->of.ip, 4);
        return;
    case WEFT_DNS_AAAA:
        to->address.family = WEFT_FAMILY_V6;
        memcpy(to->address.ip, from->of.ip, 16);
        return;
    case WEFT_DNS_MX:
        to->priority = from->of.mx.preference;
        return;
    case WEFT_DNS_SRV:
        to->priority = from->of.srv.priority;
        to->weight = from->of.srv.weight;
        to->port = from->of.srv.port;
        return;
    case WEFT_DNS_TXT:
        put_text_strings(to, from, room);
        return;
    default:
        if (host != NULL)
            return;
        to->data = *room;
        to->data_bytes = from->data_bytes;
        memcpy(*room, from->data, from->data_bytes);
        *room += from->data_bytes;
    }
}

/* RFC 2308 5: "the minimum of the SOA.MINIMUM field and SOA's TTL"; without a SOA it is not kept. */
static uint32_t negative_ttl(scan *s)
{
    uint32_t ttl = 0;
    if (scan_begin(s) != WEFT_OK)
        return 0;
    s->left += s->header.authorities;
    while (scan_next(s))
        if (s->record.type == WEFT_DNS_SOA) {
            ttl = s->record.ttl_s < s->record.of.soa.minimum_s ? s->record.ttl_s
                                                               : s->record.of.soa.minimum_s;
            break;
        }
    return ttl;
}

static weft_err fill(scan *s, const char *name, uint16_t type, uint32_t n, size_t bytes,
                     wf_answer **out)
{
    uint8_t *room;
    wf_answer *a = block_new(n, strlen(name) + 1 + bytes, &room);
    if (a == NULL)
        return weft_because(s->why, WEFT_ENOMEM, "no memory for an answer of %u records", n);
    a->none = n == 0;
    a->name = put_text(&room, name);
    if (n != 0 && scan_begin(s) == WEFT_OK)
        while (a->n < n && scan_next(s))
            if (is_of(&s->record, name, type))
                put_record(&a->record[a->n++], &s->record, &room);
    *out = a;
    return WEFT_OK;
}

/* What is no answer at all. */
static weft_err check_head(scan *s, const char *asked, uint16_t type)
{
    weft_dns_question question;
    weft_err err = weft_dns_read_begin(&s->r, s->message, s->size, &s->header, s->why);
    if (err != WEFT_OK)
        return err;
    if (!s->header.response || s->header.questions != 1)
        return weft_because(s->why, WEFT_EPROTO, "what came for %.80s is no answer", asked);
    err = weft_dns_read_question(&s->r, &question, s->why);
    if (err != WEFT_OK)
        return err;
    if (question.type != type || !weft_dns_name_same(question.name, asked))
        return weft_because(s->why, WEFT_EPROTO, "an answer about another name than %.80s", asked);
    if (s->header.rcode != WEFT_DNS_NOERROR && s->header.rcode != WEFT_DNS_NXDOMAIN)
        return weft_because(s->why, WEFT_EUNREACHABLE, "no name server could answer for %.80s: %s",
                            asked, weft_dns_rcode_name(s->header.rcode));
    return WEFT_OK;
}

static uint32_t within(uint32_t value, uint32_t min, uint32_t max)
{
    value = value < max ? value : max;
    return value > min ? value : min;
}

weft_err wf_answer_read(const uint8_t *message, size_t size, const char *asked, uint16_t type,
                        const wf_answer_limits *limits, wf_answer **out, weft_why *why)
{
    scan s = {.message = message, .size = size, .why = why};
    char name[WEFT_DNS_NAME_BYTES];
    uint32_t ttl_s = UINT32_MAX, n = 0;
    size_t bytes = 0;
    weft_err err = check_head(&s, asked, type);
    if (err != WEFT_OK)
        return err;
    memcpy(name, asked, strlen(asked) + 1);
    for (unsigned aliases = 0;; aliases++) {
        bytes = 0;
        n = measure(&s, name, type, &bytes, &ttl_s);
        if (n != 0 || s.err != WEFT_OK || !follow_alias(&s, name, &ttl_s))
            break;
        if (aliases == ALIASES_MAX)
            return weft_because(why, WEFT_EPROTO, "%.80s is an alias of an alias, %d times", asked,
                                ALIASES_MAX);
    }
    if (s.err != WEFT_OK)
        return s.err;
    uint32_t none_s = n == 0 ? negative_ttl(&s) : 0;
    if (s.err == WEFT_OK)
        s.err = fill(&s, name, type, n, bytes, out);
    if (s.err == WEFT_OK)
        (*out)->ttl_s = n == 0 ? within(none_s, 0, limits->negative_max_s)
                               : within(ttl_s, limits->ttl_min_s, limits->ttl_max_s);
    return s.err;
}
