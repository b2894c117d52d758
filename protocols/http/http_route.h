/* SPDX-License-Identifier: MIT */
/* Routes: rows such as "GET /hello/:name", compiled once into a table that tells which row a
 * request belongs to.
 *
 * A row is "METHOD /path", or "/path" for any method. A segment of its path is
 *
 *     name     that text
 *     :name    any one segment that is not empty, as the parameter "name"
 *     *        the last one: all that follows, '/' and all, also nothing, as the parameter "*"
 *
 * A '*' also takes the path that ends before its '/', so that "/files" can be redirected to
 * "/files/".
 *
 * The most specific row wins, segment by segment from the left: a literal before a parameter before
 * '*'. A row serves a request only if it has its method; if it has not, the next specific row that
 * matches the path is tried. Of the rows of one path, the one that names the method wins over the
 * one that takes any. HEAD is served by GET's row if it has none of its own.
 *
 * A literal is compared decoded ("/a%62" is "/ab"), with case, and a '/' at the end counts. The
 * path is taken as it is: "." and ".." are segments like any other, which a server has resolved before
 * (http_dots.h), and an encoded '/' is no separator.
 *
 * Matching is pure: no I/O, no allocation, time bounded by the path's length and the table's size.
 * thread: any, a compiled table never changes. */
#ifndef WF_HTTP_ROUTE_H
#define WF_HTTP_ROUTE_H

#include <weft/error.h>
#include <weft/http_types.h>

#include "http_writer.h"

#define WF_HTTP_ROUTES_MAX 4096u
#define WF_HTTP_ROUTE_PARAMS_MAX 8u          /* of one row, the '*' included */
#define WF_HTTP_ROUTE_SEGMENTS_MAX 32u       /* of one row */
#define WF_HTTP_ROUTE_LITERAL_BYTES_MAX 255u /* of one segment, decoded */

/* A compiled table: one block. */
typedef struct wf_http_routes wf_http_routes;

/* Compiles @rows_n rows into *@out, which wf_http_routes_free takes back; the rows need not outlive
 * the call. Allocates. errors, with the row in @why: WEFT_EINVAL  a row that is not [METHOD SP]
 * PATH; a parameter without a name, or named twice; a '*' that is not the whole last segment; a
 * byte that no path has; "." or ".." WEFT_EEXISTS two rows take the same requests WEFT_ELIMIT  too
 * many rows, segments, parameters, or too long a literal WEFT_ENOMEM */
WEFT_MUST_USE weft_err wf_http_routes_compile(const char *const *rows, size_t rows_n,
                                              wf_http_routes **out, weft_why *why);

/* Frees the table and sets yours to NULL; NULL is fine. */
void wf_http_routes_free(wf_http_routes **routes);

/* A parameter of the row that matched. */
typedef struct wf_http_param {
    weft_http_text name;  /* without the ':'; "*" for the rest. The table's */
    weft_http_text value; /* still encoded. The path's */
} wf_http_param;

typedef enum wf_http_route_kind {
    WF_HTTP_ROUTE_FOUND,
    WF_HTTP_ROUTE_NO_PATH,   /* 404 */
    WF_HTTP_ROUTE_NO_METHOD, /* 405, with Allow */
} wf_http_route_kind;

/* A method in a set of methods. */
#define WF_HTTP_METHOD_BIT(method) (1u << (method))

typedef struct wf_http_match {
    uint32_t row;      /* FOUND: its place among the rows that were compiled */
    uint32_t allow;    /* NO_METHOD: the set of methods that this path does take */
    uint32_t params_n; /* FOUND */
    wf_http_param params[WF_HTTP_ROUTE_PARAMS_MAX]; /* from left to right */
} wf_http_match;

/* Finds the row for @method and @path, the path of the request without its query. Only the fields
 * that the result names are written. */
wf_http_route_kind wf_http_route_match(const wf_http_routes *routes, weft_http_method method,
                                       weft_http_text path, wf_http_match *match);

/* The set of methods that @path takes, for OPTIONS; 0 if there is no such path. */
uint32_t wf_http_route_allow(const wf_http_routes *routes, weft_http_text path);

/* The value of the parameter @name, still encoded; `at` NULL if the row has none of that name. */
weft_http_text wf_http_match_param(const wf_http_match *match, const char *name);

/* Decodes the parameter @name into @out with a final zero; @out_n (may be NULL) gets its length. As
 * a value it may hold '/' and "..": a file is opened by what wf_http_path_resolve makes of it.
 * errors: WEFT_ENOTFOUND (no such parameter), and those of wf_http_percent_decode. */
WEFT_MUST_USE weft_err wf_http_match_param_decode(const wf_http_match *match, const char *name,
                                                  char *out, size_t out_max, size_t *out_n);

/* Puts the value of Allow: "GET, HEAD, POST". */
void wf_http_put_allow(wf_http_writer *w, uint32_t allow);

#endif
