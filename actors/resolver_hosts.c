/* SPDX-License-Identifier: MIT */
/* The hosts file: lines of an address and its names, hosts(5). */
#include <string.h>

#include "resolver.h"

enum { SAME_MAX = 32, LINE_NAMES_MAX = 64 };

typedef struct entry {
    struct entry *next; /* of its bucket, in the order of the file */
    weft_address address;
    bool first; /* the first name of its line: what the address is called */
    char name[];
} entry;

enum { BUCKETS = 256 };

struct wf_hosts {
    entry *buckets[BUCKETS], **tails[BUCKETS];
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* The next word of the line; false: none. */
static bool next_word(const char **at, const char *end, const char **word, size_t *n)
{
    while (*at < end && is_space(**at))
        (*at)++;
    *word = *at;
    while (*at < end && !is_space(**at))
        (*at)++;
    *n = (size_t)(*at - *word);
    return *n != 0;
}

/* @word as text with a zero; false: it is longer than any name. */
static bool text_of(const char *word, size_t n, char to[WEFT_RESOLVER_NAME_BYTES])
{
    if (n >= WEFT_RESOLVER_NAME_BYTES || memchr(word, 0, n) != NULL)
        return false;
    memcpy(to, word, n);
    to[n] = '\0';
    return true;
}

static weft_err add(wf_hosts *hosts, const char *name, const weft_address *address, bool first)
{
    char normal[WEFT_DNS_NAME_BYTES];
    if (weft_dns_name_normal(name, normal, NULL) != WEFT_OK)
        return WEFT_OK;
    size_t n = strlen(normal) + 1;
    entry *e = weft_alloc_zero(sizeof *e + n);
    if (e == NULL)
        return WEFT_ENOMEM;
    e->address = *address;
    e->first = first;
    memcpy(e->name, normal, n);
    uint32_t bucket = wf_resolver_hash(0, normal, 0) % BUCKETS;
    *hosts->tails[bucket] = e;
    hosts->tails[bucket] = &e->next;
    return WEFT_OK;
}

static weft_err read_line(wf_hosts *hosts, const char *at, const char *end)
{
    char text[WEFT_RESOLVER_NAME_BYTES];
    weft_address address;
    const char *word;
    size_t n;
    if (!next_word(&at, end, &word, &n) || !text_of(word, n, text) ||
        !wf_address_of_text(text, &address))
        return WEFT_OK;
    for (unsigned i = 0; i < LINE_NAMES_MAX && next_word(&at, end, &word, &n); i++) {
        weft_err err = text_of(word, n, text) ? add(hosts, text, &address, i == 0) : WEFT_OK;
        if (err != WEFT_OK)
            return err;
    }
    return WEFT_OK;
}

wf_hosts *wf_hosts_read(const char *text, size_t size)
{
    wf_hosts *hosts = weft_alloc_zero(sizeof *hosts);
    const char *end = text + size;
    if (hosts == NULL)
        return NULL;
    for (unsigned i = 0; i < BUCKETS; i++)
        hosts->tails[i] = &hosts->buckets[i];
    while (text < end) {
        const char *line = text, *newline = memchr(text, '\n', (size_t)(end - text));
        const char *line_end = newline != NULL ? newline : end;
        text = newline != NULL ? newline + 1 : end;
        const char *comment = memchr(line, '#', (size_t)(line_end - line));
        if (read_line(hosts, line, comment != NULL ? comment : line_end) != WEFT_OK) {
            wf_hosts_free(&hosts);
            return NULL;
        }
    }
    return hosts;
}

void wf_hosts_free(wf_hosts **hosts)
{
    wf_hosts *h = *hosts;
    *hosts = NULL;
    for (unsigned i = 0; h != NULL && i < BUCKETS; i++)
        for (entry *e = h->buckets[i], *next; e != NULL; e = next) {
            next = e->next;
            weft_alloc_free(e);
        }
    weft_alloc_free(h);
}

static weft_err find_addresses(const wf_hosts *hosts, const char *name, uint16_t type,
                               wf_answer **out)
{
    unsigned family = type == WEFT_DNS_A      ? WEFT_FAMILY_V4
                      : type == WEFT_DNS_AAAA ? WEFT_FAMILY_V6
                                              : WEFT_FAMILY_NONE;
    weft_address address[SAME_MAX];
    uint32_t n = 0;
    bool known = false;
    for (const entry *e = hosts->buckets[wf_resolver_hash(0, name, 0) % BUCKETS]; e != NULL;
         e = e->next) {
        if (strcmp(e->name, name) != 0)
            continue;
        known = true;
        if (e->address.family == family && n < SAME_MAX)
            address[n++] = e->address;
    }
    /* other types may be asked of servers */
    if (!known || family == WEFT_FAMILY_NONE)
        return WEFT_OK;
    *out = wf_answer_of_addresses(name, address, n, 0);
    return *out != NULL ? WEFT_OK : WEFT_ENOMEM;
}

/* The address whose PTR records stand at @name; false: none's do. */
static bool address_of_reverse(const char *name, weft_address *out)
{
    static const char digits[] = "0123456789abcdef";
    char again[WEFT_DNS_NAME_BYTES];
    const char *at = name;
    *out = (weft_address){.family = WEFT_FAMILY_V6};
    for (unsigned i = 0; i < 32 && *at != '\0' && at[1] == '.'; i++, at += 2) {
        const char *digit = strchr(digits, *at);
        unsigned value = digit != NULL ? (unsigned)(digit - digits) : 0;
        out->ip[15 - i / 2] |= (uint8_t)(i % 2 == 0 ? value : value << 4);
    }
    weft_dns_name_of_address(out->ip, 16, again);
    if (strcmp(again, name) == 0)
        return true;
    *out = (weft_address){.family = WEFT_FAMILY_V4};
    at = name;
    for (unsigned i = 0; i < 4; i++, at += *at == '.') {
        unsigned value = 0;
        for (; *at >= '0' && *at <= '9' && value <= UINT8_MAX; at++)
            value = value * 10 + (unsigned)(*at - '0');
        out->ip[3 - i] = (uint8_t)value;
    }
    weft_dns_name_of_address(out->ip, 4, again);
    return strcmp(again, name) == 0;
}

static weft_err find_name(const wf_hosts *hosts, const char *name, wf_answer **out)
{
    weft_address address;
    if (!address_of_reverse(name, &address))
        return WEFT_OK;
    size_t n = address.family == WEFT_FAMILY_V4 ? 4 : 16;
    for (unsigned i = 0; i < BUCKETS; i++)
        for (const entry *e = hosts->buckets[i]; e != NULL; e = e->next)
            if (e->first && e->address.family == address.family &&
                memcmp(e->address.ip, address.ip, n) == 0) {
                *out = wf_answer_of_host(name, e->name, 0);
                return *out != NULL ? WEFT_OK : WEFT_ENOMEM;
            }
    return WEFT_OK;
}

weft_err wf_hosts_find(const wf_hosts *hosts, const char *name, uint16_t type, wf_answer **out)
{
    *out = NULL;
    return type == WEFT_DNS_PTR ? find_name(hosts, name, out)
                                : find_addresses(hosts, name, type, out);
}
