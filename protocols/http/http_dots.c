/* SPDX-License-Identifier: MIT */
/* Dot segments of request paths: found in every spelling, and resolved. */
#include "http_dots.h"

#include <string.h>

#include "http_path.h"

typedef enum segment_kind {
    NAME,
    HERE,      /* "." */
    UP,        /* ".." */
    AMBIGUOUS, /* has one of them inside, for who decodes '/', takes '\' for one, or cuts at ';' */
} segment_kind;

/* What is no escape is a byte like others here: whoever opens the path refuses it. */
static size_t next_byte(const char *at, size_t n, unsigned char *byte)
{
    size_t spelled = wf_http_percent_next(at, n, byte);
    if (spelled != 0)
        return spelled;
    *byte = '%';
    return 1;
}

static bool is_dots(bool only, size_t dots)
{
    return only && (dots == 1 || dots == 2);
}

static segment_kind kind_of(const char *at, size_t n)
{
    bool only = true, parts = false, found = false; /* dots alone since the last separator; ... */
    size_t dots = 0;
    unsigned char byte;
    for (size_t i = 0; i < n;) {
        i += next_byte(at + i, n - i, &byte);
        if (byte == '/' || byte == '\\' || byte == ';') {
            found |= is_dots(only, dots);
            parts = true;
            only = byte != ';'; /* what follows that is a parameter of what stood before */
            dots = 0;
        } else if (byte == '.') {
            dots++;
        } else {
            only = false;
        }
    }
    found |= is_dots(only, dots);
    if (!found)
        return NAME;
    if (parts)
        return AMBIGUOUS;
    return dots == 1 ? HERE : UP;
}

/* Up to the next '/', or the end. @from is behind a '/'. */
static size_t segment_bytes(weft_http_text path, size_t from)
{
    const char *slash = memchr(path.at + from, '/', path.bytes - from);
    return slash != NULL ? (size_t)(slash - path.at) - from : path.bytes - from;
}

/* Almost every path is seen here to have none. */
static bool may_have_dots(weft_http_text path)
{
    return memchr(path.at, '%', path.bytes) != NULL || memchr(path.at, '\\', path.bytes) != NULL ||
           memmem(path.at, path.bytes, "/.", 2) != NULL;
}

bool wf_http_path_has_dots(weft_http_text path)
{
    if (path.bytes == 0 || path.at[0] != '/' || !may_have_dots(path))
        return false;
    for (size_t at = 1; at <= path.bytes;) {
        size_t n = segment_bytes(path, at);
        if (kind_of(path.at + at, n) != NAME)
            return true;
        at += n + 1;
    }
    return false;
}

/* Takes the last segment back, with the '/' before it. */
static size_t without_last(const char *out, size_t n)
{
    while (out[--n] != '/')
        ;
    return n;
}

weft_err wf_http_path_undot(weft_http_text path, char *out, size_t *out_n)
{
    size_t n = 0;
    for (size_t at = 1, segment_n; at <= path.bytes; at += segment_n + 1) {
        segment_n = segment_bytes(path, at);
        segment_kind kind = kind_of(path.at + at, segment_n);
        if (kind == AMBIGUOUS || (kind == UP && n == 0))
            return WEFT_EINVAL;
        if (kind == UP)
            n = without_last(out, n);
        if (kind == NAME) {
            memcpy(out + n, path.at + at - 1, segment_n + 1);
            n += segment_n + 1;
        } else if (at + segment_n == path.bytes) {
            out[n++] = '/'; /* only a folder can be meant */
        }
    }
    *out_n = n;
    return WEFT_OK;
}
