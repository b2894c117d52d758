/* SPDX-License-Identifier: MIT */
/* Names that are known without asking anybody. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "resolver.h"

bool wf_address_of_text(const char *text, weft_address *out)
{
    weft_address address = {.family = WEFT_FAMILY_NONE};
    if (inet_pton(AF_INET, text, address.ip) == 1)
        address.family = WEFT_FAMILY_V4;
    else if (inet_pton(AF_INET6, text, address.ip) == 1)
        address.family = WEFT_FAMILY_V6;
    if (address.family == WEFT_FAMILY_NONE)
        return false;
    *out = address;
    return true;
}

/* Whether @name is @domain, or below it. */
static bool is_below(const char *name, const char *domain)
{
    size_t n = strlen(name), m = strlen(domain);
    return n >= m && weft_dns_name_same(name + n - m, domain) && (n == m || name[n - m - 1] == '.');
}

static weft_err addresses(const char *name, const weft_address *address, uint32_t n,
                          wf_answer **out)
{
    *out = wf_answer_of_addresses(name, address, n, UINT32_MAX);
    return *out != NULL ? WEFT_OK : WEFT_ENOMEM;
}

static unsigned type_of(const weft_address *address)
{
    return address->family == WEFT_FAMILY_V4 ? WEFT_DNS_A : WEFT_DNS_AAAA;
}

/* The names that the loopback's addresses stand at. */
static bool is_loopback_name(const char *name)
{
    char text[WEFT_DNS_NAME_BYTES];
    static const uint8_t v4[4] = {127, 0, 0, 1}, v6[16] = {[15] = 1};
    weft_dns_name_of_address(v4, 4, text);
    if (weft_dns_name_same(name, text))
        return true;
    weft_dns_name_of_address(v6, 16, text);
    return weft_dns_name_same(name, text);
}

weft_err wf_resolver_special(const char *name, uint16_t type, wf_answer **out)
{
    weft_address address = {.family = WEFT_FAMILY_NONE};
    *out = NULL;
    if (wf_address_of_text(name, &address))
        return addresses(name, &address, type_of(&address) == type ? 1 : 0, out);
    if (is_below(name, "localhost")) {
        if (!wf_address_of_text(type == WEFT_DNS_AAAA ? "::1" : "127.0.0.1", &address))
            return WEFT_EINTERNAL;
        return addresses(name, &address, type_of(&address) == type ? 1 : 0, out);
    }
    if (is_below(name, "invalid") || is_below(name, "onion"))
        return addresses(name, NULL, 0, out);
    if (type == WEFT_DNS_PTR && is_loopback_name(name)) {
        *out = wf_answer_of_host(name, "localhost", UINT32_MAX);
        return *out != NULL ? WEFT_OK : WEFT_ENOMEM;
    }
    return WEFT_OK;
}

/* ---- search domains */

static unsigned dots_of(const char *name)
{
    unsigned n = 0;
    for (; *name != '\0'; name++)
        n += *name == '.';
    return n;
}

/* resolv.conf(5): with `ndots` dots or more the name is tried as it is first, else last. */
bool wf_search_name(const wf_search *search, const char *name, bool absolute, unsigned i,
                    char out[WEFT_DNS_NAME_BYTES])
{
    unsigned n = absolute ? 0 : search->n, as_it_is = dots_of(name) >= search->ndots ? 0 : n;
    size_t length = strlen(name);
    if (i > n)
        return false;
    memcpy(out, name, length + 1);
    if (i == as_it_is)
        return true;
    const char *domain = search->domain[as_it_is == 0 ? i - 1 : i];
    size_t more = strlen(domain);
    if (length + 1 + more >= WEFT_DNS_NAME_BYTES)
        return false;
    out[length] = '.';
    memcpy(out + length + 1, domain, more + 1);
    return true;
}
