/* SPDX-License-Identifier: MIT */
/** Testing what looks names up: the names of a simulation (<weft/testing.h>).
 *
 * They take the place of name servers and of the hosts file; the resolver's cache and limits are the real ones.
 * A connect to `sim://NAME:PORT` whose NAME stands here is a connect to its addresses, which listen at
 * `sim://192.0.2.1:PORT`, `sim://[2001:db8::1]:PORT`; any other NAME is where somebody listens, as ever. */
#ifndef WEFT_TESTING_NAMES_H
#define WEFT_TESTING_NAMES_H

#include <weft/dns.h>
#include <weft/testing.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A record, or what comes instead. What is not here does not exist. */
typedef struct weft_sim_name {
    const char *name; /**< in lower case, without a dot at its end */
    weft_dns_type type;
    /** As in a zone file: "192.0.2.1", "2001:db8::1", "mail.example" (PTR, CNAME, NS), "10 mail.example" (MX),
     * "0 5 443 host.example" (SRV: priority, weight, port), text of at most 255 bytes (TXT). */
    const char *value;
    uint32_t ttl_s;
    uint32_t delay_ms; /**< of the answer; of several rows the longest */
    /** Instead of a value: ENONAME (there is no such record), EUNREACHABLE (the server fails), ETIMEDOUT (no
     * answer: told after @delay_ms), EPROTO (the answer is garbage). */
    weft_err failure;
} weft_sim_name;

/** How long it is believed that a name is not here. */
#define WEFT_SIM_NAME_NONE_S 60U

/** From now on @rows, which end in {0} and must live until there are others, are the names. */
WEFT_MUST_USE weft_err weft_sim_names(weft_sim *sim, const weft_sim_name *rows);

/** How many questions were sent so far: what was in the cache was not. */
unsigned weft_sim_names_asked(weft_sim *sim);

#ifdef __cplusplus
}
#endif
#endif
