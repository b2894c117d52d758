/* SPDX-License-Identifier: MIT */
/* What the writers of HTTP/1.1 share: bytes put one behind another into room that is there. */
#ifndef WF_HTTP1_PUT_H
#define WF_HTTP1_PUT_H

#include <string.h>

#include "http1_write.h"

/* Each takes where to write, and returns where it stopped. */
static inline uint8_t *put(uint8_t *p, const void *from, size_t n)
{
    memcpy(p, from, n);
    return p + n;
}

#define PUT(p, literal) put((p), (literal), sizeof(literal) - 1)

/* "Name: value" and the line end; @name has the colon and the space. */
#define PUT_LINE(p, name, value) put_line((p), (name), sizeof(name) - 1, (value))
#define LINE_BYTES(name) (sizeof(name) - 1 + 2)

static inline uint8_t *put_line(uint8_t *p, const char *name, size_t name_bytes,
                                weft_http_text value)
{
    p = put(p, name, name_bytes);
    p = put(p, value.at, value.bytes);
    return PUT(p, "\r\n");
}

/* What framing, connection and the empty line take at most, without the text of Upgrade. */
#define WF_HTTP1_FIXED_BYTES_MAX 128u

/* What @fields take. */
size_t wf_http1_fields_bound(const weft_http_field *fields, uint32_t count);

uint8_t *wf_http1_put_number(uint8_t *p, uint64_t n);
uint8_t *wf_http1_put_framing(uint8_t *p, wf_http1_framing framing, uint64_t content_length);
uint8_t *wf_http1_put_connection(uint8_t *p, bool close, bool keep_alive, weft_http_text upgrade);

/* Writes @fields at *@p, which goes on. errors: EINVAL, the sentence names the field. */
weft_err wf_http1_put_fields(uint8_t **p, const weft_http_field *fields, uint32_t count,
                             bool request, weft_why *why);

/* Is @text fit for a line of its own? errors: EINVAL; @what names it. */
weft_err wf_http1_check_text(weft_http_text text, const char *what, weft_why *why);

/* The error of too little room. */
weft_err wf_http1_no_room(size_t room, size_t bound, weft_why *why);

#endif
