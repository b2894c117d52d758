/* SPDX-License-Identifier: MIT */
/* Any lines as routes, the last one as a path: the table finds the row that a plain search over all
 * rows finds, with the same parameters. The path's line begins with a byte that chooses the method.
 */
#include <stdlib.h>
#include <string.h>

#include "http_path.h"
#include "http_route.h"

#define ROWS_MAX 16
#define DEPTH_MAX (WF_HTTP_ROUTE_SEGMENTS_MAX + 2)

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* How one row matches: what each segment is, ranked as the rule ranks them. The lesser, the better.
 */
typedef struct way {
    char kinds[DEPTH_MAX]; /* 1 literal, 2 parameter, 3 rest; 0 ends it */
    int method;            /* 0 itself, 1 GET for HEAD, 2 any */
    unsigned params_n;
    weft_http_text values[WF_HTTP_ROUTE_PARAMS_MAX];
} way;

static bool same_literal(const char *label, size_t label_n, const char *segment, size_t n)
{
    char a[512], b[512];
    size_t a_n, b_n;
    if (label_n >= sizeof a || n >= 3 * sizeof b)
        return false;
    return wf_http_percent_decode((weft_http_text){label, (uint32_t)label_n}, WF_HTTP_PLUS_IS_PLUS,
                                  a, sizeof a, &a_n) == WEFT_OK &&
           wf_http_percent_decode((weft_http_text){segment, (uint32_t)n}, WF_HTTP_PLUS_IS_PLUS, b,
                                  sizeof b, &b_n) == WEFT_OK &&
           a_n == b_n && memcmp(a, b, a_n) == 0;
}

/* @row and @path each stand at a '/' or at their end. */
static bool path_matches(const char *row, const char *path, const char *end, way *out)
{
    for (unsigned depth = 0;; depth++) {
        if (*row == '\0') {
            out->kinds[depth] = 0;
            return path == end;
        }
        const char *label = row + 1;
        size_t label_n = strcspn(label, "/");
        if (label_n == 1 && *label == '*') {
            const char *value = path < end ? path + 1 : end;
            out->values[out->params_n++] = (weft_http_text){value, (uint32_t)(end - value)};
            out->kinds[depth] = 3;
            out->kinds[depth + 1] = 0;
            return true;
        }
        if (path == end)
            return false;
        const char *segment = path + 1;
        const char *slash = memchr(segment, '/', (size_t)(end - segment));
        size_t n = (size_t)((slash != NULL ? slash : end) - segment);
        if (*label == ':') {
            if (n == 0)
                return false;
            out->values[out->params_n++] = (weft_http_text){segment, (uint32_t)n};
            out->kinds[depth] = 2;
        } else {
            if (!same_literal(label, label_n, segment, n))
                return false;
            out->kinds[depth] = 1;
        }
        row = label + label_n;
        path = segment + n;
    }
}

static bool method_matches(const char *row, weft_http_method method, int *how)
{
    if (*row == '/') {
        *how = 2;
        return true;
    }
    weft_http_method has = weft_http_method_of(row, strcspn(row, " "));
    *how = has == WEFT_HTTP_GET && method == WEFT_HTTP_HEAD;
    return has == method || *how == 1;
}

static bool better(const way *a, const way *b)
{
    int order = strcmp(a->kinds, b->kinds);
    return order != 0 ? order < 0 : a->method < b->method;
}

static void check(const wf_http_routes *routes, const char *const *rows, unsigned rows_n,
                  weft_http_method method, weft_http_text path)
{
    wf_http_match m;
    way best = {.method = 99};
    unsigned found = rows_n, on_path = 0;

    for (unsigned i = 0; i < rows_n; i++) {
        way w = {.params_n = 0};
        if (path.bytes == 0 || *path.at != '/' ||
            !path_matches(strchr(rows[i], '/'), path.at, path.at + path.bytes, &w))
            continue;
        on_path++;
        if (method_matches(rows[i], method, &w.method) && (found == rows_n || better(&w, &best))) {
            best = w;
            found = i;
        }
    }

    wf_http_route_kind kind = wf_http_route_match(routes, method, path, &m);
    must((kind == WF_HTTP_ROUTE_FOUND) == (found < rows_n));
    must((kind == WF_HTTP_ROUTE_NO_PATH) == (on_path == 0));
    must((wf_http_route_allow(routes, path) != 0) == (on_path > 0));
    if (kind == WF_HTTP_ROUTE_NO_METHOD)
        must((m.allow & WF_HTTP_METHOD_BIT(method)) == 0);
    if (kind != WF_HTTP_ROUTE_FOUND)
        return;
    must(m.row == found && m.params_n == best.params_n);
    for (unsigned i = 0; i < m.params_n; i++)
        must(m.params[i].value.at == best.values[i].at &&
             m.params[i].value.bytes == best.values[i].bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *rows[ROWS_MAX + 1];
    unsigned n = 0;
    char *text = malloc(size + 1);
    must(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';

    char *at = text, *newline;
    while (n < ROWS_MAX && (newline = strchr(at, '\n')) != NULL) {
        *newline = '\0';
        rows[n++] = at;
        at = newline + 1;
    }
    wf_http_routes *routes = NULL;
    weft_why why = {""};
    weft_err err = wf_http_routes_compile(rows, n, &routes, &why);
    must((err == WEFT_OK) == (routes != NULL) && (err == WEFT_OK) == (why.text[0] == '\0'));
    if (err == WEFT_OK && at < text + size)
        check(routes, rows, n, (weft_http_method)((unsigned char)*at % (WEFT_HTTP_OTHER + 1)),
              (weft_http_text){at + 1, (uint32_t)(text + size - at - 1)});
    wf_http_routes_free(&routes);
    free(text);
    return 0;
}
