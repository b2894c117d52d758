/* SPDX-License-Identifier: MIT */
/* Which targets a SOCKS server connects to. */
#include "socks_rules.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <weft/url.h>

static weft_err no_rule(const char *text, weft_why *why)
{
    return weft_because(why, WEFT_EINVAL,
                        "\"%.60s\" is no rule, expected HOST[:PORT[-PORT]] with *, NAME, .SUFFIX, "
                        "10.0.0.0/8 or [fc00::]/7 as HOST",
                        text);
}

/* A number up to @max at **@at, which is moved behind it. */
static bool read_number(const char **at, uint32_t max, uint32_t *out)
{
    uint32_t n = 0;
    const char *c = *at;
    while (*c >= '0' && *c <= '9' && n <= max)
        n = n * 10 + (uint32_t)(*c++ - '0');
    bool right = c != *at && n <= max;
    *at = c;
    *out = n;
    return right;
}

static bool read_literal(const char *at, size_t n, int family, weft_address *out)
{
    char text[INET6_ADDRSTRLEN];
    if (n >= sizeof text)
        return false;
    memcpy(text, at, n);
    text[n] = '\0';
    *out = (weft_address){.family = family == AF_INET ? WEFT_FAMILY_V4 : WEFT_FAMILY_V6};
    return inet_pton(family, text, out->ip) == 1;
}

/* The host; *@at is moved behind it. */
static bool read_host(const char **at, wf_socks_rule *out)
{
    const char *text = *at;
    if (text[0] == '[') {
        size_t n = strcspn(text, "]");
        *at = text + n + (text[n] == ']');
        return text[n] == ']' && read_literal(text + 1, n - 1, AF_INET6, &out->network);
    }
    size_t n = strcspn(text, ":/");
    *at = text + n;
    if (n == 0 || (n == 1 && text[0] == '*') || read_literal(text, n, AF_INET, &out->network)) {
        out->network.family = n <= 1 ? WEFT_FAMILY_NONE : WEFT_FAMILY_V4;
        return n > 0;
    }
    out->network.family = WEFT_FAMILY_NONE;
    out->name = text;
    out->name_bytes = n;
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") >= n;
}

weft_err wf_socks_rule_parse(const char *text, wf_socks_rule *out, weft_why *why)
{
    wf_socks_rule rule = {.port_last = UINT16_MAX};
    const char *at = text;
    uint32_t first = 0, last = UINT16_MAX;
    if (!read_host(&at, &rule))
        return no_rule(text, why);
    uint32_t bits_max = rule.network.family == WEFT_FAMILY_V6   ? 128
                        : rule.network.family == WEFT_FAMILY_V4 ? 32
                                                                : 0;
    rule.bits = bits_max;
    if (*at == '/' && (bits_max == 0 || (at++, !read_number(&at, bits_max, &rule.bits))))
        return no_rule(text, why);
    if (*at == ':') {
        at++;
        if (!read_number(&at, UINT16_MAX, &first))
            return no_rule(text, why);
        last = first;
        if (*at == '-' && (at++, !read_number(&at, UINT16_MAX, &last)))
            return no_rule(text, why);
    }
    if (*at != '\0' || last < first)
        return no_rule(text, why);
    rule.port_first = (uint16_t)first;
    rule.port_last = (uint16_t)last;
    *out = rule;
    return WEFT_OK;
}

wf_socks_place wf_socks_place_at(const weft_address *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    wf_socks_place place = {.address = *address, .port = address->port};
    if (address->family == WEFT_FAMILY_V6 && memcmp(address->ip, mapped, sizeof mapped) == 0) {
        place.address.family = WEFT_FAMILY_V4;
        memmove(place.address.ip, address->ip + sizeof mapped, 4);
    }
    return place;
}

wf_socks_place wf_socks_place_of(const char *host, uint16_t port)
{
    weft_address address = {.port = port};
    bool v6 = strchr(host, ':') != NULL;
    if (read_literal(host, strlen(host), v6 ? AF_INET6 : AF_INET, &address)) {
        address.port = port;
        return wf_socks_place_at(&address);
    }
    return (wf_socks_place){.name = host, .port = port};
}

static bool same_bits(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
    uint32_t bytes = bits / 8;
    uint8_t mask = (uint8_t)(0xff00 >> bits % 8);
    return memcmp(a, b, bytes) == 0 && (bits % 8 == 0 || ((a[bytes] ^ b[bytes]) & mask) == 0);
}

/* Case aside, and without the dot at the end that says that a name is whole. */
static bool is_name(const wf_socks_rule *rule, const char *name)
{
    size_t n = strlen(name);
    if (n > 0 && name[n - 1] == '.')
        n--;
    if (n < rule->name_bytes || (n > rule->name_bytes && rule->name[0] != '.'))
        return false;
    return strncasecmp(name + n - rule->name_bytes, rule->name, rule->name_bytes) == 0;
}

static bool is_about(const wf_socks_rule *rule, const wf_socks_place *place)
{
    if (place->port < rule->port_first || place->port > rule->port_last)
        return false;
    if (rule->name != NULL)
        return place->name != NULL && is_name(rule, place->name);
    if (rule->network.family == WEFT_FAMILY_NONE)
        return true;
    return place->name == NULL && place->address.family == rule->network.family &&
           same_bits(place->address.ip, rule->network.ip, rule->bits);
}

bool wf_socks_rules_match(const char *const *rules, const wf_socks_place *place)
{
    wf_socks_rule rule;
    for (; rules != NULL && *rules != NULL; rules++)
        if (wf_socks_rule_parse(*rules, &rule, NULL) == WEFT_OK && is_about(&rule, place))
            return true;
    return false;
}

bool wf_socks_allowed(const char *const *allow, const char *const *deny,
                      const wf_socks_place *place)
{
    return !wf_socks_rules_match(deny, place) &&
           (allow == NULL || wf_socks_rules_match(allow, place));
}
