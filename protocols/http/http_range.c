/* SPDX-License-Identifier: MIT */
/* Range requests. The whole field is read before anything is believed: one bad range makes all of
 * them void. */
#include "http_range.h"

#include "http_fields.h"
#include "http_lex.h"

/* ---- the request ---- */

/* The set as it grows: apart from each other, in the order of asking. */
typedef struct range_set {
    wf_http_range *at;
    unsigned n;
} range_set;

/* Neither can overflow: a last byte is below the size. */
static bool overlap_or_touch(wf_http_range a, wf_http_range b)
{
    return a.first <= b.last + 1 && b.first <= a.last + 1;
}

static void set_remove(range_set *set, unsigned i)
{
    set->n--;
    for (; i < set->n; i++)
        set->at[i] = set->at[i + 1];
}

/* Joins @range with all that it meets, in the place of the first of those. A range that has grown
 * may meet what it did not meet before, so each join looks again from the start. */
static void set_add(range_set *set, wf_http_range range)
{
    unsigned place = set->n, i = 0;

    while (i < set->n) {
        if (!overlap_or_touch(set->at[i], range)) {
            i++;
            continue;
        }
        if (set->at[i].first < range.first)
            range.first = set->at[i].first;
        if (set->at[i].last > range.last)
            range.last = set->at[i].last;
        if (place > i)
            place = i;
        set_remove(set, i);
        i = 0;
    }
    for (unsigned j = set->n++; j > place; j--)
        set->at[j] = set->at[j - 1];
    set->at[place] = range;
}

typedef enum spec_kind { SPEC_BAD, SPEC_OUTSIDE, SPEC_INSIDE } spec_kind;

/* suffix-range = "-" suffix-length, behind the "-". "If the selected representation is shorter than
 * the specified suffix-length, the entire representation is used." */
static spec_kind read_suffix(wf_http_lex *lex, uint64_t size, wf_http_range *range)
{
    uint64_t length;
    if (!wf_http_lex_u64(lex, &length))
        return SPEC_BAD;
    if (length == 0)
        return SPEC_OUTSIDE;
    *range = (wf_http_range){length < size ? size - length : 0, size - 1};
    return SPEC_INSIDE;
}

/* int-range = first-pos "-" [ last-pos ]. "An int-range is invalid if the last-pos value is present
 * and less than first-pos"; a last-pos beyond the end is the end. */
static spec_kind read_spec(wf_http_lex *lex, uint64_t size, wf_http_range *range)
{
    uint64_t first, last = UINT64_MAX;

    if (wf_http_lex_char(lex, '-'))
        return read_suffix(lex, size, range);
    if (!wf_http_lex_u64(lex, &first) || !wf_http_lex_char(lex, '-'))
        return SPEC_BAD;
    if (wf_http_lex_u64(lex, &last) && last < first)
        return SPEC_BAD;
    if (first >= size)
        return SPEC_OUTSIDE;
    *range = (wf_http_range){first, last < size ? last : size - 1};
    return SPEC_INSIDE;
}

/* ranges-specifier = range-unit "=" range-set, the unit in any case */
static bool read_unit(wf_http_lex *lex)
{
    return wf_http_text_is(wf_http_lex_token(lex), "bytes") && wf_http_lex_char(lex, '=');
}

wf_http_range_kind wf_http_range_parse(weft_http_text field, uint64_t size, wf_http_range *ranges,
                                       unsigned ranges_max, unsigned *ranges_n)
{
    wf_http_lex lex = wf_http_lex_over(field);
    range_set set = {.at = ranges};
    wf_http_range range;
    unsigned specs = 0;

    if (field.at == NULL || size == 0 || !read_unit(&lex))
        return WF_HTTP_RANGE_WHOLE;

    /* range-set = 1#range-spec: empty elements do not count, but one must be there. */
    for (wf_http_lex_ows(&lex); !wf_http_lex_ended(&lex); wf_http_lex_ows(&lex)) {
        if (wf_http_lex_char(&lex, ','))
            continue;
        spec_kind kind = read_spec(&lex, size, &range);
        wf_http_lex_ows(&lex);
        if (kind == SPEC_BAD || ++specs > ranges_max)
            return WF_HTTP_RANGE_WHOLE;
        if (!wf_http_lex_ended(&lex) && !wf_http_lex_char(&lex, ','))
            return WF_HTTP_RANGE_WHOLE;
        if (kind == SPEC_INSIDE)
            set_add(&set, range);
    }
    if (specs == 0)
        return WF_HTTP_RANGE_WHOLE;
    if (set.n == 0)
        return WF_HTTP_RANGE_UNSATISFIABLE;
    *ranges_n = set.n;
    return WF_HTTP_RANGE_PARTIAL;
}

/* ---- the answer ---- */

void wf_http_put_content_range(wf_http_writer *w, wf_http_range range, uint64_t size)
{
    wf_http_put_str(w, "bytes ");
    wf_http_put_u64(w, range.first);
    wf_http_put_char(w, '-');
    wf_http_put_u64(w, range.last);
    wf_http_put_char(w, '/');
    wf_http_put_u64(w, size);
}

void wf_http_put_content_range_none(wf_http_writer *w, uint64_t size)
{
    wf_http_put_str(w, "bytes */");
    wf_http_put_u64(w, size);
}

wf_http_byteranges wf_http_byteranges_new(uint64_t nonce, weft_http_text type, uint64_t size)
{
    wf_http_byteranges parts = {.type = type, .size = size};
    for (unsigned i = 0; i < WF_HTTP_BOUNDARY_BYTES; i++)
        parts.boundary[i] = "0123456789abcdef"[nonce >> (4 * i) & 15];
    return parts;
}

void wf_http_put_byteranges_type(wf_http_writer *w, const wf_http_byteranges *parts)
{
    wf_http_put_str(w, "multipart/byteranges; boundary=");
    wf_http_put(w, parts->boundary, sizeof parts->boundary);
}

void wf_http_put_byteranges_head(wf_http_writer *w, const wf_http_byteranges *parts, bool first,
                                 wf_http_range range)
{
    /* The line end before a boundary belongs to the boundary (RFC 2046 5.1.1). */
    if (!first)
        wf_http_put_str(w, "\r\n");
    wf_http_put_str(w, "--");
    wf_http_put(w, parts->boundary, sizeof parts->boundary);
    if (parts->type.bytes > 0) {
        wf_http_put_str(w, "\r\nContent-Type: ");
        wf_http_put(w, parts->type.at, parts->type.bytes);
    }
    wf_http_put_str(w, "\r\nContent-Range: ");
    wf_http_put_content_range(w, range, parts->size);
    wf_http_put_str(w, "\r\n\r\n");
}

void wf_http_put_byteranges_end(wf_http_writer *w, const wf_http_byteranges *parts)
{
    wf_http_put_str(w, "\r\n--");
    wf_http_put(w, parts->boundary, sizeof parts->boundary);
    wf_http_put_str(w, "--\r\n");
}

uint64_t wf_http_byteranges_total(const wf_http_byteranges *parts, const wf_http_range *ranges,
                                  unsigned ranges_n)
{
    /* A writer without room counts what the real one will be given. */
    wf_http_writer counter = wf_http_writer_over(NULL, 0);
    uint64_t bytes = 0;

    for (unsigned i = 0; i < ranges_n; i++) {
        wf_http_put_byteranges_head(&counter, parts, i == 0, ranges[i]);
        bytes += wf_http_range_length(ranges[i]);
    }
    wf_http_put_byteranges_end(&counter, parts);
    return counter.total + bytes;
}
