/* SPDX-License-Identifier: MIT */
/* Rules about targets: HOST[:PORT[-PORT]], where HOST is *, a NAME, a .SUFFIX (names below it), an address or
 * a network: 10.0.0.0/8, [fc00::]/7. Pure. */
#ifndef WF_SOCKS_RULES_H
#define WF_SOCKS_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/address.h>
#include <weft/error.h>

/* A rule, taken apart; @name points into its text. */
typedef struct wf_socks_rule {
    const char *name; /* NULL: an address, or any host */
    size_t name_bytes;
    weft_address network; /* family none: any host, if there is no name either */
    uint32_t bits;
    uint16_t port_first, port_last;
} wf_socks_rule;

/* errors: EINVAL; the sentence quotes the rule. */
WEFT_MUST_USE weft_err wf_socks_rule_parse(const char *text, wf_socks_rule *out, weft_why *why);

/* What is asked for: a literal, which becomes an address, or a name. */
typedef struct wf_socks_place {
    const char *name; /* NULL: an address */
    weft_address address;
    uint16_t port;
} wf_socks_place;

wf_socks_place wf_socks_place_of(const char *host, uint16_t port);
/* The same of an address; one of IPv4 written as one of IPv6 (RFC 4291 section 2.5.5.2) is one of IPv4. */
wf_socks_place wf_socks_place_at(const weft_address *address);

/* Whether one of @rules (NULL, or ending in NULL; those that make no sense match nothing) is about @place. */
bool wf_socks_rules_match(const char *const *rules, const wf_socks_place *place);
/* Whether @deny is not about it, and @allow is or is NULL. */
bool wf_socks_allowed(const char *const *allow, const char *const *deny,
                      const wf_socks_place *place);

#endif
