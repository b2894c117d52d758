/* SPDX-License-Identifier: MIT */
/* Conditional requests: whether what the client has is what would be sent. */
#include "http_conditional.h"

#include <string.h>

#include "http_date.h"
#include "http_lex.h"

/* ---- entity tags ---- */

/* The finaliser of splitmix64: one to one, so different input is different output. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static char *put_hex(char *at, uint64_t value)
{
    int shift = value == 0 ? 0 : (63 - __builtin_clzll(value)) & ~3;
    for (; shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[value >> shift & 15];
    return at;
}

size_t wf_http_etag_format(char out[WF_HTTP_ETAG_BYTES_MAX], uint64_t mtime_ns, uint64_t size,
                           uint64_t inode, bool weak)
{
    char *at = out;
    if (weak) {
        *at++ = 'W';
        *at++ = '/';
    }
    *at++ = '"';
    at = put_hex(at, size);
    *at++ = '-';
    at = put_hex(at, mix(mtime_ns + mix(inode)));
    *at++ = '"';
    return (size_t)(at - out);
}

static bool is_weak(weft_http_text etag)
{
    return etag.bytes >= 2 && etag.at[0] == 'W' && etag.at[1] == '/';
}

static bool same_text(weft_http_text a, weft_http_text b)
{
    return a.bytes == b.bytes && a.bytes > 0 && memcmp(a.at, b.at, a.bytes) == 0;
}

static weft_http_text opaque(weft_http_text etag)
{
    return is_weak(etag) ? (weft_http_text){etag.at + 2, etag.bytes - 2} : etag;
}

bool wf_http_etag_equal_strong(weft_http_text a, weft_http_text b)
{
    return !is_weak(a) && same_text(a, b);
}

bool wf_http_etag_equal_weak(weft_http_text a, weft_http_text b)
{
    return same_text(opaque(a), opaque(b));
}

/* etagc = %x21 / %x23-7E / obs-text: no space, quote, control or DEL */
static bool is_etagc(char c)
{
    unsigned char b = (unsigned char)c;
    return b > 0x20 && b != '"' && b != 0x7f;
}

/* entity-tag = [ weak ] opaque-tag, with weak = %s"W/": that letter is never a small one */
static bool lex_etag(wf_http_lex *lex, weft_http_text *etag)
{
    const char *start = lex->at;
    if (wf_http_lex_char(lex, 'W') && !wf_http_lex_char(lex, '/'))
        return false;
    if (!wf_http_lex_char(lex, '"'))
        return false;
    while (!wf_http_lex_ended(lex) && is_etagc(*lex->at))
        lex->at++;
    if (!wf_http_lex_char(lex, '"'))
        return false;
    *etag = (weft_http_text){start, (uint32_t)(lex->at - start)};
    return true;
}

typedef bool etag_equal(weft_http_text a, weft_http_text b);

/* Whether "*" or a tag of the list matches what is there. Empty elements are passed over; what
 * breaks the grammar ends the list. */
static bool list_matches(weft_http_text list, const wf_http_current *current, etag_equal *equal)
{
    wf_http_lex lex = wf_http_lex_over(list);
    weft_http_text etag;

    wf_http_lex_ows(&lex);
    if (wf_http_lex_char(&lex, '*')) {
        wf_http_lex_ows(&lex);
        return wf_http_lex_ended(&lex) && current->exists;
    }
    if (!current->exists)
        return false;
    while (!wf_http_lex_ended(&lex)) {
        if (!wf_http_lex_char(&lex, ',')) {
            if (!lex_etag(&lex, &etag))
                return false;
            wf_http_lex_ows(&lex);
            if (!wf_http_lex_ended(&lex) && !wf_http_lex_char(&lex, ','))
                return false;
            if (equal(etag, current->etag))
                return true;
        }
        wf_http_lex_ows(&lex);
    }
    return false;
}

/* ---- conditions ---- */

static bool is_there(weft_http_text field)
{
    return field.at != NULL;
}

/* A date field that may be judged: "A recipient MUST ignore [it] if the received field value is not
 * a valid HTTP-date" or "if the resource does not have a modification date available"
 * (13.1.3, 13.1.4). */
static bool read_date(weft_http_text field, const wf_http_current *current, int64_t now_s,
                      int64_t *date_s)
{
    return is_there(field) && current->exists && current->has_mtime &&
           wf_http_date_parse(field, now_s, date_s);
}

/* Steps 1 and 2: "When recipient is the origin server and If-Match is present, evaluate" it; "and
 * If-Match is not present, and If-Unmodified-Since is present, evaluate" that one. */
static bool may_start(const wf_http_conditions *c, const wf_http_current *current, int64_t now_s)
{
    int64_t date_s;
    if (is_there(c->if_match))
        return list_matches(c->if_match, current, wf_http_etag_equal_strong);
    return !read_date(c->if_unmodified_since, current, now_s, &date_s) ||
           current->mtime_s <= date_s;
}

wf_http_verdict wf_http_judge(const wf_http_conditions *c, weft_http_method method,
                              const wf_http_current *current, int64_t now_s)
{
    bool get_or_head = method == WEFT_HTTP_GET || method == WEFT_HTTP_HEAD;
    int64_t date_s;

    if (!may_start(c, current, now_s))
        return WF_HTTP_PRECONDITION_FAILED;

    /* Step 3: "if false for GET/HEAD, respond 304; if false for other methods, respond 412" */
    if (is_there(c->if_none_match)) {
        if (!list_matches(c->if_none_match, current, wf_http_etag_equal_weak))
            return WF_HTTP_PROCEED;
        return get_or_head ? WF_HTTP_NOT_MODIFIED : WF_HTTP_PRECONDITION_FAILED;
    }
    /* Step 4: "When the method is GET or HEAD, If-None-Match is not present, and If-Modified-Since
     * is" */
    if (get_or_head && read_date(c->if_modified_since, current, now_s, &date_s) &&
        current->mtime_s <= date_s)
        return WF_HTTP_NOT_MODIFIED;
    return WF_HTTP_PROCEED;
}

bool wf_http_if_range(weft_http_text if_range, const wf_http_current *current, int64_t now_s)
{
    wf_http_lex lex = wf_http_lex_over(if_range);
    weft_http_text etag;
    int64_t date_s;

    if (!is_there(if_range))
        return true;
    if (!current->exists)
        return false;
    if (lex_etag(&lex, &etag))
        return wf_http_lex_ended(&lex) && wf_http_etag_equal_strong(etag, current->etag);
    return read_date(if_range, current, now_s, &date_s) && date_s == current->mtime_s &&
           current->mtime_s < now_s;
}
