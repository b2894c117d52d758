/* SPDX-License-Identifier: MIT */
/** SOCKS: a server of versions 5 (RFC 1928, RFC 1929) and 4 (with 4a), to listen with.
 *
 *     static const weft_socks_config config = {.auth = ...};
 *     weft_listen(sys, "tcp://127.0.0.1:1080", &weft_socks_server, &config);
 *
 * CONNECT joins the client with its target as weft_forward_service does: bytes both ways, a slow side slows
 * the other one's source, a half close is passed on, an abort at once. Names are resolved here, by the
 * connect. UDP ASSOCIATE relays datagrams for as long as the client's connection lives (those to names that need a
 * look-up, and fragments, are dropped). BIND is answered "command not supported". Connecting through a proxy is an option
 * of a URL: `tcp://HOST:PORT?via=socks5h://PROXY:1080`, see <weft/url.h>. */
#ifndef WEFT_SOCKS_H
#define WEFT_SOCKS_H

#include <weft/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_SOCKS_REQUEST_MS 10000U /**< until a client has asked for its target, by default */
#define WEFT_SOCKS_CONNECT_BYTES_MAX 1500 /**< of the options of connects */
#define WEFT_SOCKS_CONNECT_MS 10000U      /**< until that has been reached, by default */

/** The config of weft_socks_server; NULL, and zero in each field: the default. Borrowed for the life of its
 * listeners. */
typedef struct weft_socks_config {
    /** Who is asked about users (<weft/auth.h>): clients then have to log in with user and password, and those of
     * SOCKS 4, which cannot, are refused. Nobody: no login is asked for. */
    weft_ref auth;
    const char
        *auth_name; /**< the same by its name, for one that a supervisor starts; NULL: @auth */
    /** Rules about targets, each ending in NULL: `HOST[:PORT[-PORT]]`, where HOST is `*`, a NAME, a .SUFFIX
     * (names below it), an address or a network (`10.0.0.0/8`, `[fc00::]/7`). What a rule of @deny is about is
     * refused, also when a name turns out to have such an address; so is what no rule of @allow is about,
     * unless that is NULL. A name is matched as it is written, an address by rules of addresses. */
    const char *const *allow, *const *deny;
    /** Options of each connect, as they stand in a URL: "bind=10.0.0.1&keepalive=1m". NULL: none. */
    const char *connect;
    uint32_t request_timeout_ms; /**< 0: WEFT_SOCKS_REQUEST_MS */
    uint32_t connect_timeout_ms; /**< 0: WEFT_SOCKS_CONNECT_MS */
    uint32_t idle_ms;            /**< as that of weft_forward_config; 0: never */
} weft_socks_config;

/** Serves one client. A client that breaks the protocol, or takes too long, is closed. */
extern const weft_behaviour weft_socks_server;

/** Whether the rules and options of @config make sense. errors: EINVAL and those of <weft/url.h>, with a sentence
 * that says which. thread: any. */
WEFT_MUST_USE weft_err weft_socks_check(const weft_socks_config *config, weft_why *why);

#ifdef __cplusplus
}
#endif
#endif
