/* SPDX-License-Identifier: MIT */
/* Asking the resolver. */
#include <string.h>
#include <weft/deferred.h>

#include "address_order.h"
#include "resolver.h"
#include "resolver_ref.h"

enum { ADDRESSES_MAX = 64 };

weft_deferred weft_resolver_ask(weft_actor *self, const char *name, weft_dns_type type)
{
    weft_resolver_query query = {.type = (uint16_t)type};
    weft_why why = {""};
    size_t n = strlen(name);
    if (n >= sizeof query.name)
        return weft_failed(self, WEFT_EINVAL, "a name of %zu bytes: at most %zu", n,
                           sizeof query.name - 1);
    memcpy(query.name, name, n + 1);
    weft_ref resolver = wf_resolver_ref(self, &why);
    if (weft_ref_is_nobody(resolver))
        return weft_failed(self, WEFT_ENOMEM, "no resolver: %s", why.text);
    return weft_ask_body(self, resolver, &weft_resolver_query_type, &query, WEFT_INHERIT);
}

static uint32_t take_addresses(const weft_outcome *got, weft_address *to, uint32_t n,
                               const char **name, uint32_t *ttl_s)
{
    const weft_resolver_answer *answer = got->body;
    if (got->err != WEFT_OK)
        return n;
    *name = answer->name;
    *ttl_s = answer->ttl_s < *ttl_s ? answer->ttl_s : *ttl_s;
    for (uint32_t i = 0; i < answer->n && n < ADDRESSES_MAX; i++)
        to[n++] = answer->records[i].address;
    return n;
}

/* That there is no such record says less than why the other question has no answer. */
static const weft_outcome *worse(const weft_outcome *a, const weft_outcome *b)
{
    return a->err == WEFT_ENONAME && b->err != WEFT_OK ? b : a;
}

static weft_err both(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    const weft_outcomes *all = got->body;
    weft_address address[ADDRESSES_MAX];
    const char *name = NULL;
    uint32_t ttl_s = UINT32_MAX, n = 0;
    for (size_t i = 0; i < all->n; i++)
        n = take_addresses(&all->at[i], address, n, &name, &ttl_s);
    if (n == 0) {
        const weft_outcome *failed = worse(&all->at[0], &all->at[1]);
        *next = weft_failed(self, failed->err, "%s", failed->why);
        return WEFT_OK;
    }
    wf_addresses_order(address, n);
    wf_answer *answer = wf_answer_of_addresses(name, address, n, ttl_s);
    if (answer == NULL)
        return WEFT_ENOMEM;
    weft_resolver_answer body = wf_answer_body(answer, ttl_s);
    *next = weft_succeed_body(self, &weft_resolver_answer_type, &body);
    wf_answer_drop(&answer);
    return WEFT_OK;
}

weft_deferred weft_resolver_addresses(weft_actor *self, const char *name)
{
    weft_deferred asked[] = {weft_resolver_ask(self, name, WEFT_DNS_AAAA),
                             weft_resolver_ask(self, name, WEFT_DNS_A)};
    return weft_then(self, weft_settled(self, asked, 2), both);
}

weft_deferred weft_resolver_names(weft_actor *self, const weft_address *address)
{
    char name[WEFT_DNS_NAME_BYTES];
    if (address->family != WEFT_FAMILY_V4 && address->family != WEFT_FAMILY_V6)
        return weft_failed(self, WEFT_EINVAL, "only IP addresses have names");
    weft_dns_name_of_address(address->ip, address->family == WEFT_FAMILY_V4 ? 4 : 16, name);
    return weft_resolver_ask(self, name, WEFT_DNS_PTR);
}
