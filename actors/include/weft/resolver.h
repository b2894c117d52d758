/* SPDX-License-Identifier: MIT */
/** The resolver: what names stand for, by the hosts file, a cache, and the system's name servers.
 *
 * There is one in a system, an actor named "weft.resolver" that starts when somebody first asks. Names are
 * looked up as the system's own library does it: a name of the hosts file is that; a name with fewer than `ndots`
 * dots is first tried in the search domains of resolv.conf; one with a dot at its end is tried as it is alone.
 * The same question asked twice at a time is sent once. Answers are kept as long as they say, within limits;
 * that a name has none, too (RFC 2308). When a file changes it is read anew, and what was kept is forgotten.
 *
 * Never looked up: addresses, which stand for themselves; localhost and names below it, which are the loopback
 * (RFC 6761 6.3); names below `invalid` and `onion`, which do not exist (RFC 6761 6.4, RFC 7686).
 *
 * In a simulated system the table of <weft/testing_names.h> takes the place of servers and files. */
#ifndef WEFT_RESOLVER_H
#define WEFT_RESOLVER_H

#include <weft/address.h>
#include <weft/dns.h>
#include <weft/system.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The name of the resolver's actor. */
#define WEFT_RESOLVER_NAME "weft.resolver"
/** The bytes of a name that is asked for at most, the final zero included. */
#define WEFT_RESOLVER_NAME_BYTES 256U

/** Asks for the records of a name. errors of the answer:
 * - ENONAME: there is no such name, or it has no record of this type
 * - ETIMEDOUT: no name server answered in time
 * - EUNREACHABLE: no name server could be reached, or none of them could answer
 * - EPROTO: the answer is none
 * - EINVAL (no name), EUNSUPPORTED (SOA, OPT and ANY), EFULL (questions_max, waiting_max), ENOMEM */
typedef struct weft_resolver_query {
    uint16_t type; /**< a weft_dns_type */
    char name[WEFT_RESOLVER_NAME_BYTES];
} weft_resolver_query;
extern const weft_type weft_resolver_query_type;

/** One record. */
typedef struct weft_resolver_record {
    uint16_t type;
    uint16_t priority, weight, port; /**< SRV; MX: its preference is @priority */
    weft_address address;            /**< A, AAAA; the port is 0 */
    const char *host;                /**< SRV, MX, PTR, CNAME, NS: a name; else NULL */
    const uint8_t *data;             /**< TXT: its strings joined; unknown types: their bytes */
    size_t data_bytes;
} weft_resolver_record;

/** The answer. What it points to is shared: it lives as long as the message it came in does. */
typedef struct weft_resolver_answer {
    const char *name;                    /**< where the records stand, aliases followed */
    const weft_resolver_record *records; /**< in the order they came in */
    uint32_t n;                          /**< how many; at least one */
    uint32_t ttl_s;                      /**< how long that holds from now on */
    struct wf_answer *held;              /**< weft's */
} weft_resolver_answer;
extern const weft_type weft_resolver_answer_type;

/** Asks the resolver, starting it if it is the first time: a Deferred of weft_resolver_answer.
 * errors of the Deferred: as weft_resolver_query, those of an ask. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_resolver_ask(weft_actor *self, const char *name,
                                              weft_dns_type type);

/** All addresses of @name, A and AAAA asked at once, in the order in which they should be tried (RFC 6724,
 * families by turns as in RFC 8305 4): a Deferred of weft_resolver_answer. One of both answers is enough.
 * errors of the Deferred: as weft_resolver_ask. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_resolver_addresses(weft_actor *self, const char *name);

/** The names of @address (PTR). errors of the Deferred: as weft_resolver_ask, EINVAL (no IP address).
 * thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_resolver_names(weft_actor *self, const weft_address *address);

/** How the resolver works; zero means the default. Texts must live as long as the system. */
typedef struct weft_resolver_options {
    const char *servers;     /**< "192.0.2.1,[2001:db8::1]:5353"; NULL: those of resolv_conf */
    const char *resolv_conf; /**< NULL: /etc/resolv.conf */
    const char *hosts;       /**< NULL: /etc/hosts; "": none */
    uint16_t port;           /**< of servers that are written without one; 0: 53 */
    uint32_t timeout_ms;     /**< of the first try of a server, longer with each round; 0: 2,000 */
    uint32_t tries;          /**< rounds of all servers; 0: 3 */
    uint32_t look_ms;        /**< files are looked at when a question comes so long after the last
                                 look; 0: 1,000 */
    uint32_t ttl_min_s, ttl_max_s; /**< what TTLs are bounded by; 0: 0 and 86,400 */
    uint32_t negative_max_s;       /**< and what is not there is believed; 0: 900 */
    uint32_t cache_max;            /**< answers kept; 0: 4,096; the least used goes */
    uint32_t questions_max;        /**< sent and not answered; 0: 512 */
    uint32_t waiting_max;          /**< requests that wait for answers; 0: 16,384 */
} weft_resolver_options;

/** Starts the resolver of @sys, with these options. It lives on reactor 0.
 * errors: ENOMEM, EEXISTS (it was started before). thread: before start. */
WEFT_MUST_USE weft_err weft_resolver_use(weft_system *sys, const weft_resolver_options *options);

/** The same on the reactor of @self, for an actor that asks before anybody else does.
 * errors: ENOMEM, EEXISTS. thread: in a handler. */
WEFT_MUST_USE weft_err weft_resolver_begin(weft_actor *self, const weft_resolver_options *options);

#ifdef __cplusplus
}
#endif
#endif
