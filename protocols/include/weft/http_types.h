/* SPDX-License-Identifier: MIT */
/** What HTTP is made of, whichever version carries it: methods, statuses, fields, pieces of text.
 */
#ifndef WEFT_HTTP_TYPES_H
#define WEFT_HTTP_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The methods of RFC 9110 section 9 and RFC 5789. Whatever else a server knows is OTHER; its name
 * stands beside it in the request. */
typedef enum weft_http_method {
    WEFT_HTTP_GET,
    WEFT_HTTP_HEAD,
    WEFT_HTTP_POST,
    WEFT_HTTP_PUT,
    WEFT_HTTP_DELETE,
    WEFT_HTTP_CONNECT,
    WEFT_HTTP_OPTIONS,
    WEFT_HTTP_TRACE,
    WEFT_HTTP_PATCH,
    WEFT_HTTP_OTHER,
} weft_http_method;

/** A piece of text inside bytes that somebody else owns; not terminated. `at` is NULL if there is
 * no such piece, and not NULL if it is there but empty. */
typedef struct weft_http_text {
    const char *at;
    uint32_t bytes;
} weft_http_text;

/** A field line. In what was received, both point into the received bytes and the value has no
 * white space around it; in what is to be sent, both are the sender's. Names are compared without
 * regard to case (RFC 9110 section 5.1). */
typedef struct weft_http_field {
    const char *name, *value;
    uint32_t name_bytes, value_bytes;
} weft_http_field;

/** A field of two string literals. */
#define WEFT_HTTP_FIELD(name_text, value_text)                                 \
    ((weft_http_field){("" name_text), ("" value_text), sizeof(name_text) - 1, \
                       sizeof(value_text) - 1})

/** The name of @method as it goes over the wire, "GET"; "" for OTHER. Static. thread: any. */
const char *weft_http_method_name(weft_http_method method);

/** The method of that name; OTHER if it is none of ours. Methods are case-sensitive (RFC 9110
 * section 9.1): "get" is OTHER. thread: any. */
weft_http_method weft_http_method_of(const char *name, size_t name_bytes);

/** The reason phrase of @status, "Not Found"; "" if the status is not registered. Static.
 * thread: any. */
const char *weft_http_status_text(int status);

#ifdef __cplusplus
}
#endif
#endif
