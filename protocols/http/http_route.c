/* SPDX-License-Identifier: MIT */
/* Finding the row that serves a request. */
#include "http_route.h"

#include "http_path.h"
#include "http_route_table.h"

/* Up to here, children are compared in a row; above, by halves. */
#define LITERALS_IN_A_ROW 8

/* One search. Each node is entered by one way only, so going back never repeats work. */
typedef struct search {
    const wf_http_routes *routes;
    const char *end; /* of the path */
    unsigned slot;   /* the method's */
    bool escaped;    /* there is a '%' in the path */
    uint32_t allow;  /* of the leaves that matched without the method */
    weft_http_text values[WF_HTTP_ROUTE_PARAMS_MAX];
} search;

/* The row that serves the method where the path ends, as 1 + its place, or 0. */
static uint32_t take(search *s, uint32_t leaf_at)
{
    const wf_http_route_leaf *leaf = &s->routes->leaves[leaf_at];
    if (leaf_at != 0 && leaf->row[s->slot] == 0)
        s->allow |= leaf->allow;
    return leaf->row[s->slot]; /* leaf 0 has none */
}

static int compare(const wf_http_route_node *node, const char *label, size_t n)
{
    if (node->label_bytes != n)
        return node->label_bytes < n ? -1 : 1;
    return memcmp(node->label, label, n);
}

static const wf_http_route_node *find_literal(const search *s, const wf_http_route_node *parent,
                                              const char *label, size_t n)
{
    const wf_http_route_node *first = &s->routes->nodes[parent->literals];
    uint32_t low = 0, high = parent->literals_n;

    while (high - low > LITERALS_IN_A_ROW) {
        uint32_t middle = (low + high) / 2;
        if (compare(&first[middle], label, n) <= 0)
            low = middle;
        else
            high = middle;
    }
    for (; low < high; low++)
        if (compare(&first[low], label, n) == 0)
            return &first[low];
    return NULL;
}

/* As above for a segment that may have escapes. What decodes to more than a label can be, or not at
 * all, is no literal. */
static const wf_http_route_node *find_decoded(const search *s, const wf_http_route_node *parent,
                                              const char *segment, size_t n)
{
    char label[WF_HTTP_ROUTE_LITERAL_BYTES_MAX + 1];
    size_t label_n;

    if (!s->escaped || n == 0)
        return find_literal(s, parent, segment, n);
    if (wf_http_percent_decode((weft_http_text){segment, (uint32_t)n}, WF_HTTP_PLUS_IS_PLUS, label,
                               sizeof label, &label_n) != WEFT_OK)
        return NULL;
    return find_literal(s, parent, label, label_n);
}

/* Where the segment that starts at @at ends. Segments are short, so bytes are looked at one by one.
 */
static const char *segment_end(const char *at, const char *end)
{
    while (at < end && *at != '/')
        at++;
    return at;
}

/* Tries what stands behind @node, the most specific first. @at is where the next segment starts,
 * NULL if there is none; @params counts the values so far. As deep as the table is: a bounded
 * number. */
static uint32_t walk(search *s, const wf_http_route_node *node, const char *at, unsigned params)
{
    uint32_t row;

    if (at == NULL) {
        if ((row = take(s, node->leaf)) != 0)
            return row;
        if (node->rest != 0)
            s->values[params] = (weft_http_text){s->end, 0};
        return take(s, node->rest);
    }

    const char *stop = segment_end(at, s->end);
    const char *next = stop < s->end ? stop + 1 : NULL;
    const wf_http_route_node *child;
    if (node->literals_n > 0 && (child = find_decoded(s, node, at, (size_t)(stop - at))) != NULL &&
        (row = walk(s, child, next, params)) != 0)
        return row;
    if (node->param != 0 && stop > at) {
        s->values[params] = (weft_http_text){at, (uint32_t)(stop - at)};
        if ((row = walk(s, &s->routes->nodes[node->param], next, params + 1)) != 0)
            return row;
    }
    if (node->rest == 0)
        return 0;
    s->values[params] = (weft_http_text){at, (uint32_t)(s->end - at)};
    return take(s, node->rest);
}

static uint32_t search_run(search *s, weft_http_text path)
{
    if (path.bytes == 0 || *path.at != '/')
        return 0;
    s->end = path.at + path.bytes;
    s->escaped = memchr(path.at, '%', path.bytes) != NULL;
    return walk(s, &s->routes->nodes[0], path.at + 1, 0);
}

wf_http_route_kind wf_http_route_match(const wf_http_routes *routes, weft_http_method method,
                                       weft_http_text path, wf_http_match *match)
{
    search s;
    s.routes = routes;
    s.slot = (unsigned)method <= WEFT_HTTP_OTHER ? (unsigned)method : WEFT_HTTP_OTHER;
    s.allow = 0; /* the values are written before they are read */

    uint32_t row = search_run(&s, path);
    if (row == 0) {
        match->allow = s.allow;
        return s.allow != 0 ? WF_HTTP_ROUTE_NO_METHOD : WF_HTTP_ROUTE_NO_PATH;
    }
    const wf_http_route_row *found = &routes->rows[row - 1];
    match->row = row - 1;
    match->params_n = found->names_n;
    for (uint32_t i = 0; i < found->names_n; i++)
        match->params[i] = (wf_http_param){found->names[i], s.values[i]};
    return WF_HTTP_ROUTE_FOUND;
}

uint32_t wf_http_route_allow(const wf_http_routes *routes, weft_http_text path)
{
    search s = {.routes = routes, .slot = WF_HTTP_ROUTE_NOBODY};
    (void)search_run(&s, path);
    return s.allow;
}

weft_http_text wf_http_match_param(const wf_http_match *match, const char *name)
{
    size_t n = strlen(name);
    for (uint32_t i = 0; i < match->params_n; i++)
        if (match->params[i].name.bytes == n && memcmp(match->params[i].name.at, name, n) == 0)
            return match->params[i].value;
    return (weft_http_text){NULL, 0};
}

weft_err wf_http_match_param_decode(const wf_http_match *match, const char *name, char *out,
                                    size_t out_max, size_t *out_n)
{
    weft_http_text value = wf_http_match_param(match, name);
    if (value.at == NULL)
        return WEFT_ENOTFOUND;
    return wf_http_percent_decode(value, WF_HTTP_PLUS_IS_PLUS, out, out_max, out_n);
}

void wf_http_put_allow(wf_http_writer *w, uint32_t allow)
{
    bool first = true;
    for (unsigned m = 0; m < WEFT_HTTP_OTHER; m++) {
        if ((allow & WF_HTTP_METHOD_BIT(m)) == 0)
            continue;
        if (!first)
            wf_http_put_str(w, ", ");
        wf_http_put_str(w, weft_http_method_name((weft_http_method)m));
        first = false;
    }
}
