/* SPDX-License-Identifier: MIT */
/* The field names that weft knows by number, and the rules that every field line obeys, whichever
 * version of HTTP carries it (RFC 9110 section 5). Nothing here allocates. thread: any. */
#ifndef WF_HTTP_FIELDS_H
#define WF_HTTP_FIELDS_H

#include <stdbool.h>

#include <weft/http_types.h>

/* X(number, name in lower case), sorted by length; http_fields.c says where each length begins. */
#define WF_HTTP_NAMES(X)                                        \
    X(WF_HTTP_TE, "te")                                         \
    X(WF_HTTP_VIA, "via")                                       \
    X(WF_HTTP_DATE, "date")                                     \
    X(WF_HTTP_ETAG, "etag")                                     \
    X(WF_HTTP_HOST, "host")                                     \
    X(WF_HTTP_RANGE, "range")                                   \
    X(WF_HTTP_ACCEPT, "accept")                                 \
    X(WF_HTTP_COOKIE, "cookie")                                 \
    X(WF_HTTP_EXPECT, "expect")                                 \
    X(WF_HTTP_ORIGIN, "origin")                                 \
    X(WF_HTTP_SERVER, "server")                                 \
    X(WF_HTTP_REFERER, "referer")                               \
    X(WF_HTTP_TRAILER, "trailer")                               \
    X(WF_HTTP_UPGRADE, "upgrade")                               \
    X(WF_HTTP_IF_MATCH, "if-match")                             \
    X(WF_HTTP_IF_RANGE, "if-range")                             \
    X(WF_HTTP_LOCATION, "location")                             \
    X(WF_HTTP_FORWARDED, "forwarded")                           \
    X(WF_HTTP_CONNECTION, "connection")                         \
    X(WF_HTTP_KEEP_ALIVE, "keep-alive")                         \
    X(WF_HTTP_SET_COOKIE, "set-cookie")                         \
    X(WF_HTTP_USER_AGENT, "user-agent")                         \
    X(WF_HTTP_CONTENT_TYPE, "content-type")                     \
    X(WF_HTTP_AUTHORIZATION, "authorization")                   \
    X(WF_HTTP_CACHE_CONTROL, "cache-control")                   \
    X(WF_HTTP_CONTENT_RANGE, "content-range")                   \
    X(WF_HTTP_IF_NONE_MATCH, "if-none-match")                   \
    X(WF_HTTP_LAST_MODIFIED, "last-modified")                   \
    X(WF_HTTP_CONTENT_LENGTH, "content-length")                 \
    X(WF_HTTP_ACCEPT_ENCODING, "accept-encoding")               \
    X(WF_HTTP_X_FORWARDED_FOR, "x-forwarded-for")               \
    X(WF_HTTP_CONTENT_ENCODING, "content-encoding")             \
    X(WF_HTTP_PROXY_CONNECTION, "proxy-connection")             \
    X(WF_HTTP_WWW_AUTHENTICATE, "www-authenticate")             \
    X(WF_HTTP_IF_MODIFIED_SINCE, "if-modified-since")           \
    X(WF_HTTP_SEC_WEBSOCKET_KEY, "sec-websocket-key")           \
    X(WF_HTTP_TRANSFER_ENCODING, "transfer-encoding")           \
    X(WF_HTTP_PROXY_AUTHENTICATE, "proxy-authenticate")         \
    X(WF_HTTP_IF_UNMODIFIED_SINCE, "if-unmodified-since")       \
    X(WF_HTTP_PROXY_AUTHORIZATION, "proxy-authorization")       \
    X(WF_HTTP_SEC_WEBSOCKET_ACCEPT, "sec-websocket-accept")     \
    X(WF_HTTP_SEC_WEBSOCKET_VERSION, "sec-websocket-version")   \
    X(WF_HTTP_SEC_WEBSOCKET_PROTOCOL, "sec-websocket-protocol") \
    X(WF_HTTP_SEC_WEBSOCKET_EXTENSIONS, "sec-websocket-extensions")

#define WF_HTTP_NAME_ENUMERATOR(number, name) number,
typedef enum wf_http_name {
    WF_HTTP_NAME_OTHER, /* none of them */
    WF_HTTP_NAMES(WF_HTTP_NAME_ENUMERATOR) WF_HTTP_NAMES_COUNT_
} wf_http_name;
#undef WF_HTTP_NAME_ENUMERATOR

/* The number of the field @name, case aside. @name consists of token characters. */
wf_http_name wf_http_name_of(const char *name, size_t name_bytes);

/* What a byte may be part of, as bits. */
#define WF_HTTP_TOKEN 1u /* tchar, RFC 9110 section 5.6.2 */
#define WF_HTTP_REG 2u   /* of a reg-name, RFC 3986 section 3.2.2, but for '%' */
#define WF_HTTP_HEX 4u   /* HEXDIG in either case */
#define WF_HTTP_VALUE 8u /* a field value: VCHAR, obs-text, SP and HTAB */

extern const uint8_t wf_http_classes[256];

static inline bool wf_http_is(char c, unsigned classes)
{
    return (wf_http_classes[(uint8_t)c] & classes) != 0;
}

/* How many bytes of @text, from its start, are all in @classes. */
size_t wf_http_span(const char *text, size_t bytes, unsigned classes);

/* True if @text is a token: not empty and of token characters alone. */
static inline bool wf_http_is_token(const char *text, size_t bytes)
{
    return bytes > 0 && wf_http_span(text, bytes, WF_HTTP_TOKEN) == bytes;
}

/* How many bytes of @text, from its start, may stand in a field value: visible characters,
 * obs-text, spaces and tabs (RFC 9110 section 5.5). As wf_http_span with WF_HTTP_VALUE, eight at a
 * time. */
size_t wf_http_value_span(const char *text, size_t bytes);

/* True if @text is @word, case aside. @word is in lower case. */
bool wf_http_text_is(weft_http_text text, const char *word);

/* Takes the next member of a comma-separated list of tokens off @list, without the white space
 * around it. Empty members are skipped (RFC 9110 section 5.6.1.2). False when there is none left.
 * Quoted strings are not known: a comma in one would end its member. */
bool wf_http_list_next(weft_http_text *list, weft_http_text *member);

/* Reads 1 to 19 decimal digits and nothing else. False if that is not what @text is or the number
 * does not fit 63 bits. */
bool wf_http_number_read(weft_http_text text, uint64_t *out);

#endif
