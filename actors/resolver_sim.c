/* SPDX-License-Identifier: MIT */
/* Questions of a simulated system: answered by the test's table, with messages as a server would send. */
#include <stdio.h>
#include <string.h>
#include <weft/testing_names.h>

#include "resolver.h"
#include "wire.h"

enum { MESSAGE_BYTES = 4096, ALIASES_MAX = 32, TEXT_BYTES_MAX = 255 };

typedef struct sim_sender {
    wf_resolver *resolver;
    wf_wire_names *names;
} sim_sender;

/* ---- the table */

weft_err weft_sim_names(weft_sim *sim, const weft_sim_name *rows)
{
    wf_wire_names *names = wf_wire_names_of(sim);
    if (names == NULL)
        return WEFT_ENOMEM;
    names->rows = rows;
    return WEFT_OK;
}

unsigned weft_sim_names_asked(weft_sim *sim)
{
    const wf_wire_names *names = wf_wire_names_of(sim);
    return names != NULL ? names->asked : 0;
}

bool wf_wire_is_name(struct weft_sim *sim, const char *name)
{
    const wf_wire_names *names = wf_wire_names_of(sim);
    char normal[WEFT_DNS_NAME_BYTES];
    if (names == NULL || names->rows == NULL || weft_dns_name_normal(name, normal, NULL) != WEFT_OK)
        return false;
    for (const weft_sim_name *row = names->rows; row->name != NULL; row++)
        if (strcmp(row->name, normal) == 0)
            return true;
    return false;
}

/* What there is of a name. */
typedef struct found {
    bool any; /* it has rows */
    const weft_sim_name *fails;
    const char *alias;
    uint32_t delay_ms;
} found;

static found look_for(const wf_wire_names *names, const char *name, uint16_t type)
{
    found f = {.any = false};
    for (const weft_sim_name *row = names->rows; row != NULL && row->name != NULL; row++) {
        if (strcmp(row->name, name) != 0)
            continue;
        f.any = true;
        bool alias = row->type == WEFT_DNS_CNAME && type != WEFT_DNS_CNAME;
        if (row->type != type && !alias)
            continue;
        f.delay_ms = row->delay_ms > f.delay_ms ? row->delay_ms : f.delay_ms;
        if (row->failure != WEFT_OK)
            f.fails = row;
        else if (alias)
            f.alias = row->value;
    }
    return f;
}

/* ---- answers */

static void set_name(char to[WEFT_DNS_NAME_BYTES], const char *from)
{
    (void)snprintf(to, WEFT_DNS_NAME_BYTES, "%s", from);
}

/* A value of the table that is none is the test's mistake, and is answered with garbage. */
static bool set_value(weft_dns_record *record, const char *value, uint8_t text[TEXT_BYTES_MAX + 2])
{
    char host[WEFT_RESOLVER_NAME_BYTES] = "";
    weft_address address;
    size_t n = strlen(value);
    switch (record->type) {
    case WEFT_DNS_A:
    case WEFT_DNS_AAAA:
        if (!wf_address_of_text(value, &address))
            return false;
        memcpy(record->of.ip, address.ip, 16);
        return true;
    case WEFT_DNS_MX:
        if (sscanf(value, "%hu %255s", &record->of.mx.preference, host) != 2)
            return false;
        set_name(record->of.mx.host, host);
        return true;
    case WEFT_DNS_SRV:
        if (sscanf(value, "%hu %hu %hu %255s", &record->of.srv.priority, &record->of.srv.weight,
                   &record->of.srv.port, host) != 4)
            return false;
        set_name(record->of.srv.host, host);
        return true;
    case WEFT_DNS_TXT:
        if (n > TEXT_BYTES_MAX)
            return false;
        text[0] = (uint8_t)n;
        (void)snprintf((char *)text + 1, TEXT_BYTES_MAX + 1, "%s", value);
        record->data = text;
        record->data_bytes = (uint16_t)(n + 1);
        return true;
    default:
        set_name(record->of.host, value);
        return true;
    }
}

static bool put_rows(weft_dns_writer *w, const wf_wire_names *names, const char *name,
                     uint16_t type)
{
    uint8_t text[TEXT_BYTES_MAX + 2];
    for (const weft_sim_name *row = names->rows; row->name != NULL; row++) {
        if (strcmp(row->name, name) != 0 || row->type != type || row->failure != WEFT_OK)
            continue;
        weft_dns_record record = {
            .type = type, .class_code = WEFT_DNS_CLASS_IN, .ttl_s = row->ttl_s};
        set_name(record.name, name);
        if (!set_value(&record, row->value, text) ||
            weft_dns_write_record(w, WEFT_DNS_ANSWER, &record, NULL) != WEFT_OK)
            return false;
    }
    return true;
}

static bool put_soa(weft_dns_writer *w)
{
    weft_dns_record record = {
        .type = WEFT_DNS_SOA, .class_code = WEFT_DNS_CLASS_IN, .ttl_s = WEFT_SIM_NAME_NONE_S};
    set_name(record.name, ".");
    set_name(record.of.soa.primary, ".");
    set_name(record.of.soa.mailbox, ".");
    record.of.soa.minimum_s = WEFT_SIM_NAME_NONE_S;
    return weft_dns_write_record(w, WEFT_DNS_AUTHORITY, &record, NULL) == WEFT_OK;
}

/* The message for @q; false: garbage. */
static bool write_answer(weft_dns_writer *w, uint8_t *at, const wf_wire_names *names,
                         const wf_question *q)
{
    weft_dns_header header = {.response = true, .recursion_available = true};
    char name[WEFT_DNS_NAME_BYTES];
    set_name(name, q->name);
    found f = look_for(names, name, q->type);
    header.rcode = f.fails != NULL && f.fails->failure == WEFT_EUNREACHABLE ? WEFT_DNS_SERVFAIL
                   : f.any                                                  ? WEFT_DNS_NOERROR
                                                                            : WEFT_DNS_NXDOMAIN;
    if (weft_dns_write_begin(w, at, MESSAGE_BYTES, &header) != WEFT_OK ||
        weft_dns_write_question(w, name, q->type, NULL) != WEFT_OK)
        return false;
    for (unsigned i = 0; f.alias != NULL && i < ALIASES_MAX; i++) {
        if (!put_rows(w, names, name, WEFT_DNS_CNAME))
            return false;
        set_name(name, f.alias);
        f = look_for(names, name, q->type);
    }
    return (names->rows == NULL || put_rows(w, names, name, q->type)) && put_soa(w);
}

static void on_arrival(weft_arrival *arrival)
{
    wf_question *q = (wf_question *)(void *)((char *)arrival - offsetof(wf_question, arrival));
    weft_sim *sim = weft_sim_of(weft_system_of(wf_resolver_actor(q->resolver)));
    const wf_wire_names *names = wf_wire_names_of(sim);
    uint8_t message[MESSAGE_BYTES];
    weft_dns_writer w = {.size = 0};
    found f = look_for(names, q->name, q->type);
    weft_err failure = f.fails != NULL ? f.fails->failure : WEFT_OK;
    if (failure == WEFT_ETIMEDOUT)
        wf_question_failed(q, failure, "no name server answered in time");
    else if (failure == WEFT_EPROTO || !write_answer(&w, message, names, q))
        wf_question_answered(q, (const uint8_t *)"garbage", 7);
    else
        wf_question_answered(q, message, w.size);
}

/* ---- the sender */

static void ask(void *sender, wf_question *q)
{
    sim_sender *s = sender;
    char note[64 + WEFT_RESOLVER_NAME_BYTES];
    weft_actor *self = wf_resolver_actor(s->resolver);
    found f = look_for(s->names, q->name, q->type);
    s->names->asked++;
    (void)snprintf(note, sizeof note, "names: asked for %.200s, type %u", q->name, q->type);
    weft_sim_note(weft_sim_of(weft_system_of(self)), note);
    weft_arrive(&q->arrival, weft_sim_place(weft_reactor_of(self)), f.delay_ms, on_arrival);
}

static weft_err start(wf_resolver *r, const weft_resolver_options *options, wf_search *search,
                      void **sender, weft_why *why)
{
    (void)options, (void)search;
    sim_sender *s = weft_alloc_zero(sizeof *s);
    wf_wire_names *names = wf_wire_names_of(weft_sim_of(weft_system_of(wf_resolver_actor(r))));
    if (s == NULL || names == NULL) {
        weft_alloc_free(s);
        return weft_because(why, WEFT_ENOMEM, "no memory for simulated names");
    }
    *s = (sim_sender){.resolver = r, .names = names};
    *sender = s;
    return WEFT_OK;
}

static void stop(void *sender)
{
    weft_alloc_free(sender);
}

/* A question that goes away does not arrive. */
static void forget(wf_question *q)
{
    weft_arrive_cancel(&q->arrival);
}

const wf_sender_ops wf_sender_sim = {.start = start, .ask = ask, .stop = stop, .forget = forget};
