/* SPDX-License-Identifier: MIT */
/* The compiled form of routes, known to their compiler and to their matcher only.
 *
 * It is a tree of segments. A node stands for the segments from the root to it; its literal
 * children lie side by side, sorted by length and bytes. A leaf says which row serves which method
 * where a path may end. What falls back on what (HEAD on GET, every method on the row without one)
 * is settled when the table is compiled, so that matching ends with one look. */
#ifndef WF_HTTP_ROUTE_TABLE_H
#define WF_HTTP_ROUTE_TABLE_H

#include <weft/http_types.h>

#include "http_route.h"

/* A slot for each method, and one that is always empty: asking for it finds no row but all leaves.
 */
#define WF_HTTP_ROUTE_NOBODY (WEFT_HTTP_OTHER + 1)
#define WF_HTTP_ROUTE_SLOTS (WEFT_HTTP_OTHER + 2)

typedef struct wf_http_route_leaf {
    uint16_t row[WF_HTTP_ROUTE_SLOTS]; /* 1 + the row; 0 is none */
    uint16_t allow;                    /* a set of methods */
} wf_http_route_leaf;

/* Zero is no child and no leaf: node 0 is the root, nobody's child, and leaf 0 is not used. */
typedef struct wf_http_route_node {
    const char *label; /* what leads here, decoded; a literal's only */
    uint32_t label_bytes;
    uint32_t literals, literals_n; /* its literal children: the first, and how many */
    uint32_t param;                /* the child behind any one segment */
    uint32_t leaf;                 /* the path may end here */
    uint32_t rest;                 /* the leaf that takes all that follows */
} wf_http_route_node;

typedef struct wf_http_route_row {
    const weft_http_text *names; /* of its parameters, from left to right */
    uint32_t names_n;
} wf_http_route_row;

struct wf_http_routes {
    wf_http_route_node *nodes;
    wf_http_route_leaf *leaves;
    wf_http_route_row *rows;
    weft_http_text *names;
    char *text; /* of labels and names */
};

#endif
