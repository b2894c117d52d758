/* SPDX-License-Identifier: MIT */
/* SOCKS as a server hears and says it: RFC 1928 (version 5), RFC 1929 (its logins), and SOCKS 4 with 4a.
 *
 *   5:  greeting ──▶ (login ──▶) request        4:  request
 *
 * Pure: bytes in, structs out. Nothing that is not whole is looked at twice as more than a length. */
#ifndef WF_SOCKS_CODEC_H
#define WF_SOCKS_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/address.h>
#include <weft/error.h>

enum {
    WF_SOCKS_USER_BYTES_MAX = 255, /* of SOCKS 4, whose user has no length of its own */
    WF_SOCKS_NAME_BYTES_MAX = 255,
    WF_SOCKS_MESSAGE_BYTES_MAX = 520, /* no message is longer: 8 + 256 + 256 */
    WF_SOCKS_SAY_BYTES = 22,          /* nor is what is said: an IPv6 address and 6 */
};

/* What may come next. */
typedef enum wf_socks_expected {
    WF_SOCKS_GREETING, /* or the request of version 4 */
    WF_SOCKS_LOGIN,
    WF_SOCKS_REQUEST, /* of version 5 */
} wf_socks_expected;

/* The bytes of the message that begins at @at; 0: it is not whole. errors: EPROTO, ETOOBIG (a user or name of
 * version 4). */
WEFT_MUST_USE weft_err wf_socks_length(wf_socks_expected expected, const uint8_t *at, size_t n,
                                       size_t *out, weft_why *why);

typedef enum wf_socks_method {
    WF_SOCKS_NO_LOGIN = 0x00,
    WF_SOCKS_PASSWORD = 0x02,
    WF_SOCKS_NO_METHOD = 0xff, /* none that was offered will do: the client has to close */
} wf_socks_method;

/* Whether the greeting @at offers @method. */
bool wf_socks_offers(const uint8_t *at, wf_socks_method method);

/* A login, terminated. errors: EPROTO (a zero byte in it, no user). */
WEFT_MUST_USE weft_err wf_socks_read_login(const uint8_t *at, char user[256], char password[256],
                                           weft_why *why);

typedef enum wf_socks_command {
    WF_SOCKS_CONNECT = 1,
    WF_SOCKS_BIND = 2,
    WF_SOCKS_ASSOCIATE = 3,
} wf_socks_command;

typedef struct wf_socks_request {
    uint8_t version, command;
    uint16_t port;
    char host[WF_SOCKS_NAME_BYTES_MAX + 1]; /* a literal, an IPv6 one without brackets, or a name */
} wf_socks_request;

/* A request of either version, whose length is right. A name may have letters, digits, - . and _ alone, or be
 * a literal: nothing in it means anything to a URL. errors: EPROTO, EUNSUPPORTED (a type of address). */
WEFT_MUST_USE weft_err wf_socks_read_request(const uint8_t *at, size_t n, wf_socks_request *out,
                                             weft_why *why);

/* The header of a datagram, as a client sends it (RFC 1928 section 7): its bytes, with whom it is for in @out; 0: it
 * has none, or is a fragment. */
size_t wf_socks_read_packet(const uint8_t *at, size_t n, wf_socks_request *out);

/* RFC 1928 section 6 */
typedef enum wf_socks_reply {
    WF_SOCKS_SUCCEEDED,
    WF_SOCKS_FAILED,
    WF_SOCKS_NOT_ALLOWED,
    WF_SOCKS_NETWORK_UNREACHABLE,
    WF_SOCKS_HOST_UNREACHABLE,
    WF_SOCKS_REFUSED,
    WF_SOCKS_EXPIRED,
    WF_SOCKS_NO_COMMAND,
    WF_SOCKS_NO_ADDRESS_TYPE,
} wf_socks_reply;

/* What a connect that came to @err is to a client. */
wf_socks_reply wf_socks_reply_of(weft_err err);

/* Each writes what is said, and gives its length. An address of another family than IPv4 and IPv6 is said as
 * 0.0.0.0:0; a reply to version 4 is 90 or 91. */
size_t wf_socks_say_method(wf_socks_method method, uint8_t say[WF_SOCKS_SAY_BYTES]);
size_t wf_socks_say_login(bool granted, uint8_t say[WF_SOCKS_SAY_BYTES]);
size_t wf_socks_say_reply(uint8_t version, wf_socks_reply reply, const weft_address *bound,
                          uint8_t say[WF_SOCKS_SAY_BYTES]);
/* The header of a datagram that came from @from. */
size_t wf_socks_say_packet(const weft_address *from, uint8_t say[WF_SOCKS_SAY_BYTES]);

#endif
