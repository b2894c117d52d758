/* SPDX-License-Identifier: MIT */
/* Types and outcomes of DNS by their names. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <weft/dns.h>

typedef struct word {
    unsigned code;
    const char *name;
} word;

static const word types[] = {
    {WEFT_DNS_A, "A"},     {WEFT_DNS_NS, "NS"},     {WEFT_DNS_CNAME, "CNAME"},
    {WEFT_DNS_SOA, "SOA"}, {WEFT_DNS_PTR, "PTR"},   {WEFT_DNS_MX, "MX"},
    {WEFT_DNS_TXT, "TXT"}, {WEFT_DNS_AAAA, "AAAA"}, {WEFT_DNS_SRV, "SRV"},
    {WEFT_DNS_OPT, "OPT"}, {WEFT_DNS_ANY, "ANY"},   {0},
};

static const char *const rcodes[] = {
    [WEFT_DNS_NOERROR] = "NOERROR",   [WEFT_DNS_FORMERR] = "FORMERR",
    [WEFT_DNS_SERVFAIL] = "SERVFAIL", [WEFT_DNS_NXDOMAIN] = "NXDOMAIN",
    [WEFT_DNS_NOTIMP] = "NOTIMP",     [WEFT_DNS_REFUSED] = "REFUSED",
};

const char *weft_dns_type_name(unsigned type)
{
    for (const word *w = types; w->name != NULL; w++)
        if (w->code == type)
            return w->name;
    return NULL;
}

weft_err weft_dns_type_of(const char *name, uint16_t *out)
{
    static const char prefix[] = "TYPE";
    for (const word *w = types; w->name != NULL; w++)
        if (strcasecmp(w->name, name) == 0) {
            *out = (uint16_t)w->code;
            return WEFT_OK;
        }
    uint32_t code = 0;
    const char *at = name + sizeof prefix - 1;
    if (strncasecmp(name, prefix, sizeof prefix - 1) != 0 || *at == '\0')
        return WEFT_EINVAL;
    for (; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || code > UINT16_MAX)
            return WEFT_EINVAL;
        code = code * 10 + (uint32_t)(*at - '0');
    }
    if (code > UINT16_MAX)
        return WEFT_EINVAL;
    *out = (uint16_t)code;
    return WEFT_OK;
}

const char *weft_dns_rcode_name(unsigned rcode)
{
    return rcode < sizeof rcodes / sizeof *rcodes ? rcodes[rcode] : "RCODE";
}
