/* SPDX-License-Identifier: MIT */
/* Routes from rows of text to a table: read, sort, and cut the sorted rows into a tree. Sorting
 * brings together what shares its first segments, so that each node is a run of rows. */
#include <stdlib.h>

#include <weft/edge.h>

#include "http_path.h"
#include "http_route.h"
#include "http_route_table.h"

/* In the order in which rows are sorted, below one node: the path ends, goes on, ends in '*'. */
typedef enum segment_kind { LITERAL, PARAM, REST } segment_kind;

typedef struct segment {
    segment_kind kind;
    weft_http_text label; /* a literal's */
} segment;

#define ANY_METHOD WF_HTTP_ROUTE_NOBODY

/* One row, read. */
typedef struct route {
    const char *text;
    unsigned method; /* or ANY_METHOD */
    uint32_t row;
    uint32_t segments_n;
    const segment *segments;
} route;

/* What is at work while a table is made. The counts are how much of each array is used. */
typedef struct compiler {
    wf_http_routes *table;
    const char *const *rows;
    route *routes;
    segment *segments;
    uint32_t segments_n, nodes_n, leaves_n, names_n;
    size_t text_n;
    weft_why *why;
} compiler;

#define ROW_SHOWN "route \"%.80s\": "

/* ---- reading a row ---- */

static weft_err read_method(compiler *c, route *r, const char **at)
{
    const char *text = *at;
    size_t n = strcspn(text, " ");

    r->method = ANY_METHOD;
    if (text[0] == '/')
        return WEFT_OK;
    r->method = weft_http_method_of(text, n);
    if (text[n] == '\0' || r->method == WEFT_HTTP_OTHER)
        return weft_because(c->why, WEFT_EINVAL,
                            ROW_SHOWN "expected a path, or a method such as GET and a path", text);
    *at = text + n + strspn(text + n, " ");
    if (**at != '/')
        return weft_because(c->why, WEFT_EINVAL, ROW_SHOWN "its path does not start with '/'",
                            text);
    return WEFT_OK;
}

static bool is_name(const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char ch = name[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
        if (!letter && (i == 0 || ch < '0' || ch > '9'))
            return false;
    }
    return n > 0;
}

/* Keeps @n bytes as long as the table. */
static weft_http_text keep_text(compiler *c, const char *text, size_t n)
{
    char *kept = c->table->text + c->text_n;
    memcpy(kept, text, n);
    c->text_n += n;
    return (weft_http_text){kept, (uint32_t)n};
}

static weft_err add_param(compiler *c, const route *r, const char *name, size_t n)
{
    wf_http_route_row *row = &c->table->rows[r->row];

    if (row->names_n == WF_HTTP_ROUTE_PARAMS_MAX)
        return weft_because(c->why, WEFT_ELIMIT, ROW_SHOWN "more than %u parameters", r->text,
                            WF_HTTP_ROUTE_PARAMS_MAX);
    for (uint32_t i = 0; i < row->names_n; i++)
        if (row->names[i].bytes == n && memcmp(row->names[i].at, name, n) == 0)
            return weft_because(c->why, WEFT_EINVAL, ROW_SHOWN "two parameters are named \"%.*s\"",
                                r->text, (int)(n < 40 ? n : 40), name);
    c->table->names[c->names_n++] = keep_text(c, name, n);
    row->names_n++;
    return WEFT_OK;
}

/* A byte of a literal: what a path may have, decoded, and none of the signs that mean something. */
static bool is_literal_byte(unsigned char byte, size_t spelled)
{
    if (spelled == 3)
        return byte >= 0x20 && byte != 0x7f && byte != '/';
    return byte > 0x20 && byte != 0x7f && byte != '?' && byte != '#' && byte != '*';
}

static weft_err read_literal(compiler *c, const route *r, const char *at, size_t n, segment *out)
{
    char *label = c->table->text + c->text_n;
    uint32_t label_n = 0;

    for (size_t i = 0, spelled = 0; i < n; i += spelled) {
        unsigned char byte = 0;
        spelled = wf_http_percent_next(at + i, n - i, &byte);
        if (spelled == 0)
            return weft_because(c->why, WEFT_EINVAL, ROW_SHOWN "a '%%' without two digits",
                                r->text);
        if (!is_literal_byte(byte, spelled) && byte == '*')
            return weft_because(c->why, WEFT_EINVAL,
                                ROW_SHOWN "a '*' must be the whole last segment", r->text);
        if (!is_literal_byte(byte, spelled))
            return weft_because(c->why, WEFT_EINVAL, ROW_SHOWN "the byte 0x%02x is in no path",
                                r->text, byte);
        if (label_n == WF_HTTP_ROUTE_LITERAL_BYTES_MAX)
            return weft_because(c->why, WEFT_ELIMIT, ROW_SHOWN "a segment of more than %u bytes",
                                r->text, WF_HTTP_ROUTE_LITERAL_BYTES_MAX);
        label[label_n++] = (char)byte;
    }
    if (label_n > 0 && label_n <= 2 && memcmp(label, "..", label_n) == 0)
        return weft_because(c->why, WEFT_EINVAL, ROW_SHOWN "\".\" and \"..\" are no segments",
                            r->text);
    *out = (segment){LITERAL, {label, label_n}};
    c->text_n += label_n;
    return WEFT_OK;
}

static weft_err read_segment(compiler *c, const route *r, const char *at, size_t n, segment *out)
{
    bool last = at[n] == '\0';

    if (n == 0 && !last)
        return weft_because(c->why, WEFT_EINVAL, ROW_SHOWN "an empty segment", r->text);
    if (n == 1 && *at == '*' && last) {
        *out = (segment){.kind = REST};
        return add_param(c, r, at, n);
    }
    if (n == 0 || *at != ':')
        return read_literal(c, r, at, n, out);
    if (!is_name(at + 1, n - 1))
        return weft_because(c->why, WEFT_EINVAL,
                            ROW_SHOWN "a parameter's name is letters, digits and '_'", r->text);
    *out = (segment){.kind = PARAM};
    return add_param(c, r, at + 1, n - 1);
}

static weft_err read_row(compiler *c, uint32_t row)
{
    route *r = &c->routes[row];
    const char *at = c->rows[row];
    weft_err err;

    *r = (route){.text = at, .row = row, .segments = c->segments + c->segments_n};
    c->table->rows[row].names = c->table->names + c->names_n;
    if ((err = read_method(c, r, &at)) != WEFT_OK)
        return err;
    while (*at == '/') {
        size_t n = strcspn(++at, "/");
        if (r->segments_n == WF_HTTP_ROUTE_SEGMENTS_MAX)
            return weft_because(c->why, WEFT_ELIMIT, ROW_SHOWN "more than %u segments", r->text,
                                WF_HTTP_ROUTE_SEGMENTS_MAX);
        if ((err = read_segment(c, r, at, n, &c->segments[c->segments_n])) != WEFT_OK)
            return err;
        c->segments_n++;
        r->segments_n++;
        at += n;
    }
    return WEFT_OK;
}

/* ---- sorting ---- */

static int compare_segments(const segment *a, const segment *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->label.bytes != b->label.bytes)
        return a->label.bytes < b->label.bytes ? -1 : 1;
    return a->label.bytes > 0 ? memcmp(a->label.at, b->label.at, a->label.bytes) : 0;
}

static int compare_routes(const void *x, const void *y)
{
    const route *a = x, *b = y;
    for (uint32_t i = 0; i < a->segments_n && i < b->segments_n; i++) {
        int order = compare_segments(&a->segments[i], &b->segments[i]);
        if (order != 0)
            return order;
    }
    if (a->segments_n != b->segments_n)
        return a->segments_n < b->segments_n ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row; /* so that errors name the later row */
}

/* ---- the tree ---- */

/* Makes the leaf of the rows from @first up to @last, whose segments are all the same. */
static weft_err make_leaf(compiler *c, const route *first, const route *last, uint32_t *out)
{
    wf_http_route_leaf *leaf = &c->table->leaves[c->leaves_n];

    for (const route *r = first; r < last; r++) {
        if (leaf->row[r->method] != 0)
            return weft_because(c->why, WEFT_EEXISTS,
                                ROW_SHOWN "takes the same requests as \"%.60s\"", r->text,
                                c->rows[leaf->row[r->method] - 1]);
        leaf->row[r->method] = (uint16_t)(r->row + 1);
    }
    if (leaf->row[WEFT_HTTP_HEAD] == 0)
        leaf->row[WEFT_HTTP_HEAD] = leaf->row[WEFT_HTTP_GET];
    for (unsigned m = 0; m <= WEFT_HTTP_OTHER; m++) {
        if (leaf->row[m] == 0)
            leaf->row[m] = leaf->row[ANY_METHOD];
        if (leaf->row[m] != 0 && m < WEFT_HTTP_OTHER)
            leaf->allow |= (uint16_t)WF_HTTP_METHOD_BIT(m);
    }
    leaf->row[ANY_METHOD] = 0; /* the slot in which nobody is found */
    *out = c->leaves_n++;
    return WEFT_OK;
}

/* The end of the run of routes, from @first, whose segment @depth is the same. */
static const route *run_end(const route *first, const route *last, uint32_t depth)
{
    const route *r = first + 1;
    while (r < last && compare_segments(&first->segments[depth], &r->segments[depth]) == 0)
        r++;
    return r;
}

/* The node @at stands for the first @depth segments, which the routes from @first to @last share.
 * What is below it is made in the order of the sort: its leaf, literals, parameter, rest. */
static weft_err make_node(compiler *c, uint32_t at, const route *first, const route *last,
                          uint32_t depth)
{
    wf_http_route_node *node = &c->table->nodes[at];
    const route *r = first, *end;
    weft_err err;

    while (r < last && r->segments_n == depth)
        r++;
    if (r > first && (err = make_leaf(c, first, r, &node->leaf)) != WEFT_OK)
        return err;

    /* Literal children are numbered together, before any of them has children of its own. */
    node->literals = c->nodes_n;
    for (const route *l = r; l < last && l->segments[depth].kind == LITERAL; l = end) {
        end = run_end(l, last, depth);
        c->table->nodes[c->nodes_n + node->literals_n].label = l->segments[depth].label.at;
        c->table->nodes[c->nodes_n + node->literals_n++].label_bytes =
            l->segments[depth].label.bytes;
    }
    c->nodes_n += node->literals_n;
    for (uint32_t child = node->literals; r < last && r->segments[depth].kind == LITERAL; r = end) {
        end = run_end(r, last, depth);
        if ((err = make_node(c, child++, r, end, depth + 1)) != WEFT_OK)
            return err;
    }
    if (r < last && r->segments[depth].kind == PARAM) {
        end = run_end(r, last, depth);
        node->param = c->nodes_n++;
        if ((err = make_node(c, node->param, r, end, depth + 1)) != WEFT_OK)
            return err;
        r = end;
    }
    return r < last ? make_leaf(c, r, last, &node->rest) : WEFT_OK;
}

/* ---- memory ---- */

/* How much the rows can need at most, by the bytes they are made of. */
typedef struct needs {
    size_t segments, params, text;
} needs;

static needs count_needs(const char *const *rows, size_t rows_n)
{
    needs n = {0};
    for (size_t i = 0; i < rows_n; i++)
        for (const char *at = rows[i]; *at != '\0'; at++) {
            n.segments += *at == '/';
            n.params += *at == ':' || *at == '*';
            n.text++;
        }
    return n;
}

/* The arrays in one block, those of the strictest alignment first. */
static wf_http_routes *table_new(size_t rows_n, const needs *need)
{
    size_t nodes = (need->segments + 1) * sizeof(wf_http_route_node);
    size_t rows = rows_n * sizeof(wf_http_route_row);
    size_t names = need->params * sizeof(weft_http_text);
    size_t leaves = (rows_n + 1) * sizeof(wf_http_route_leaf);
    char *block =
        weft_alloc_zero(sizeof(wf_http_routes) + nodes + rows + names + leaves + need->text);

    if (block == NULL)
        return NULL;
    wf_http_routes *table = (void *)block;
    table->nodes = (void *)(block += sizeof *table);
    table->rows = (void *)(block += nodes);
    table->names = (void *)(block += rows);
    table->leaves = (void *)(block += names);
    table->text = block + leaves;
    return table;
}

static weft_err compile(compiler *c, size_t rows_n)
{
    weft_err err;
    for (uint32_t row = 0; row < rows_n; row++)
        if ((err = read_row(c, row)) != WEFT_OK)
            return err;
    qsort(c->routes, rows_n, sizeof *c->routes, compare_routes);
    return make_node(c, 0, c->routes, c->routes + rows_n, 0);
}

weft_err wf_http_routes_compile(const char *const *rows, size_t rows_n, wf_http_routes **out,
                                weft_why *why)
{
    weft_err err = WEFT_ENOMEM;

    if (rows_n > WF_HTTP_ROUTES_MAX)
        return weft_because(why, WEFT_ELIMIT, "%zu routes; a table takes %u", rows_n,
                            WF_HTTP_ROUTES_MAX);
    needs need = count_needs(rows, rows_n);
    wf_http_routes *table = table_new(rows_n, &need);
    route *routes = weft_alloc_zero((rows_n + 1) * sizeof *routes);
    segment *segments = weft_alloc_zero((need.segments + 1) * sizeof *segments);
    if (table != NULL && routes != NULL && segments != NULL)
        err = compile(&(compiler){.table = table,
                                  .rows = rows,
                                  .routes = routes,
                                  .segments = segments,
                                  .nodes_n = 1,
                                  .leaves_n = 1,
                                  .why = why},
                      rows_n);
    else
        (void)weft_because(why, err, "no memory for a table of %zu routes", rows_n);
    weft_alloc_free(routes);
    weft_alloc_free(segments);
    if (err == WEFT_OK)
        *out = table;
    else
        weft_alloc_free(table);
    return err;
}

void wf_http_routes_free(wf_http_routes **routes)
{
    if (routes == NULL)
        return;
    weft_alloc_free(*routes);
    *routes = NULL;
}
