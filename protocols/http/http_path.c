/* SPDX-License-Identifier: MIT */
/* Request paths. One rule keeps a file path below its root: a byte is decoded first and judged
 * after, and ".." takes back a segment that stands in the output, or is refused. */
#include "http_path.h"

#include <string.h>

#include "http_lex.h"

size_t wf_http_percent_next(const char *raw, size_t raw_n, unsigned char *byte)
{
    int high, low;

    if (*raw != '%') {
        *byte = (unsigned char)*raw;
        return 1;
    }
    if (raw_n < 3 || (high = wf_http_hex_value(raw[1])) < 0 ||
        (low = wf_http_hex_value(raw[2])) < 0)
        return 0;
    *byte = (unsigned char)(high << 4 | low);
    return 3;
}

/* The output is whole segments, each with a '/' behind it, and then the segment being read. */
typedef struct resolver {
    char *out;
    size_t n, room;    /* room leaves a byte for the final zero */
    size_t segment_at; /* where the segment being read starts */
    unsigned segments;
    bool directory;
    weft_why *why;
} resolver;

static weft_err put(resolver *r, char c)
{
    if (r->n == r->room)
        return weft_because(r->why, WEFT_ETOOBIG,
                            "the path of the request is longer than the %zu bytes a path may have",
                            r->room);
    r->out[r->n++] = c;
    return WEFT_OK;
}

/* Takes the last whole segment back. It is found by the '/' before its own. */
static weft_err go_up(resolver *r)
{
    if (r->segments == 0)
        return weft_because(r->why, WEFT_EDENIED, "the path of the request leads above its root");
    r->segments--;
    r->n = r->segment_at - 1;
    while (r->n > 0 && r->out[r->n - 1] != '/')
        r->n--;
    return WEFT_OK;
}

static weft_err end_segment(resolver *r)
{
    const char *segment = r->out + r->segment_at;
    size_t n = r->n - r->segment_at;
    weft_err err = WEFT_OK;

    r->directory = true; /* unless bytes of another segment follow */
    if (n == 0)
        return WEFT_OK;
    if (n == 1 && segment[0] == '.')
        r->n = r->segment_at;
    else if (n == 2 && segment[0] == '.' && segment[1] == '.')
        err = go_up(r);
    else {
        err = put(r, '/');
        r->segments++;
    }
    r->segment_at = r->n;
    return err;
}

static weft_err refuse_byte(resolver *r, unsigned char byte, size_t spelled)
{
    if (spelled == 0)
        return weft_because(r->why, WEFT_EINVAL,
                            "the path of the request has a '%%' without two hexadecimal digits");
    return weft_because(r->why, WEFT_EINVAL,
                        "the path of the request holds the byte 0x%02x, which no path may", byte);
}

static bool is_allowed(unsigned char byte, size_t spelled)
{
    return byte >= 0x20 && byte != 0x7f && (spelled == 3 || (byte != '?' && byte != '#'));
}

static weft_err read_bytes(resolver *r, weft_http_text raw)
{
    weft_err err = WEFT_OK;

    for (size_t i = 0, spelled = 0; i < raw.bytes && err == WEFT_OK; i += spelled) {
        unsigned char byte = 0;
        spelled = wf_http_percent_next(raw.at + i, raw.bytes - i, &byte);
        if (spelled == 0 || !is_allowed(byte, spelled))
            return refuse_byte(r, byte, spelled);
        if (byte == '/' && spelled == 3)
            return weft_because(r->why, WEFT_ENOTFOUND,
                                "the path of the request has an encoded '/', which no file has");
        if (byte == '/') {
            err = end_segment(r);
        } else {
            r->directory = false;
            err = put(r, (char)byte);
        }
    }
    return err;
}

/* Hidden names are looked for in what is left, as ".git/../a" is not hidden. */
static bool is_hidden(const char *path, size_t n)
{
    static const char well_known[] = ".well-known";
    size_t known_n = sizeof well_known - 1;

    if (n >= known_n && memcmp(path, well_known, known_n) == 0 &&
        (n == known_n || path[known_n] == '/')) {
        path += known_n;
        n -= known_n;
    } else if (n > 0 && path[0] == '.') {
        return true;
    }
    return n >= 2 && memmem(path, n, "/.", 2) != NULL;
}

weft_err wf_http_path_resolve(weft_http_text raw, char *out, size_t out_max, wf_http_path *path,
                              weft_why *why)
{
    resolver r = {.out = out, .room = out_max - 1, .directory = true, .why = why};
    weft_err err;

    if (out_max == 0)
        return weft_because(why, WEFT_ETOOBIG, "there is no room for a path");
    if ((err = read_bytes(&r, raw)) != WEFT_OK)
        return err;

    /* The last segment is ended as if by a '/', which then goes, as does one that was there. */
    bool directory = r.directory;
    size_t last_n = r.n - r.segment_at;
    bool dots = last_n > 0 && last_n <= 2 && memcmp(out + r.segment_at, "..", last_n) == 0;
    if (last_n > 0 && !dots) {
        r.segments++;
    } else {
        if ((err = end_segment(&r)) != WEFT_OK)
            return err;
        if (r.n > 0)
            r.n--;
    }
    out[r.n] = '\0';
    *path = (wf_http_path){.n = r.n,
                           .segments = r.segments,
                           .directory = directory || dots,
                           .hidden = is_hidden(out, r.n)};
    return WEFT_OK;
}

static weft_http_text text_between(const char *start, const char *end)
{
    return (weft_http_text){start, (uint32_t)(end - start)};
}

weft_http_text wf_http_target_split(weft_http_text target, weft_http_text *query)
{
    const char *mark = target.bytes > 0 ? memchr(target.at, '?', target.bytes) : NULL;
    if (mark == NULL) {
        *query = (weft_http_text){NULL, 0};
        return target;
    }
    *query = text_between(mark + 1, target.at + target.bytes);
    return text_between(target.at, mark);
}

bool wf_http_query_next(weft_http_text *query, wf_http_pair *pair)
{
    while (query->bytes > 0 && *query->at == '&') {
        query->at++;
        query->bytes--;
    }
    if (query->bytes == 0)
        return false;

    const char *start = query->at, *end = start + query->bytes;
    const char *stop = memchr(start, '&', query->bytes);
    if (stop == NULL)
        stop = end;
    const char *equals = memchr(start, '=', (size_t)(stop - start));
    pair->name = text_between(start, equals != NULL ? equals : stop);
    pair->value = text_between(equals != NULL ? equals + 1 : stop, stop);
    *query = text_between(stop, end);
    return true;
}

weft_err wf_http_percent_decode(weft_http_text raw, wf_http_plus plus, char *out, size_t out_max,
                                size_t *out_n)
{
    size_t n = 0;

    for (size_t i = 0, spelled = 0; i < raw.bytes; i += spelled) {
        unsigned char byte = 0;
        spelled = wf_http_percent_next(raw.at + i, raw.bytes - i, &byte);
        if (spelled == 0 || byte == 0)
            return WEFT_EINVAL;
        if (byte == '+' && spelled == 1 && plus == WF_HTTP_PLUS_IS_SPACE)
            byte = ' ';
        if (n + 1 >= out_max)
            return WEFT_ETOOBIG;
        out[n++] = (char)byte;
    }
    if (n >= out_max)
        return WEFT_ETOOBIG;
    out[n] = '\0';
    if (out_n != NULL)
        *out_n = n;
    return WEFT_OK;
}
