/* SPDX-License-Identifier: MIT */
/* What a GET or HEAD asks of a representation: which coding, which part, and whether at all.
 *
 * Pure: no I/O, no allocation. thread: any. */
#ifndef WF_HTTP_FILE_CHOICE_H
#define WF_HTTP_FILE_CHOICE_H

#include "http_accept.h"
#include "http_conditional.h"
#include "http_range.h"

/* What the fields of a request say about it; the values are borrowed from them. */
typedef struct wf_http_wish {
    weft_http_method method;
    bool conditional; /* there is a condition or a range: else the answer is the whole */
    wf_http_conditions conditions;
    weft_http_text range, if_range; /* `at` NULL where the field is not there, or is no use */
    wf_http_accept accept;
    uint64_t repeated; /* bit 1 << wf_http_name: there is more than one line of that field. The
                          caller joins those of If-Match and If-None-Match, which are lists */
} wf_http_wish;

/* Reads the fields of a request. */
void wf_http_wish_read(wf_http_wish *wish, weft_http_method method, const weft_http_field *fields,
                       uint32_t fields_count);

/* The coding of @offered (a set that has identity in it) to answer with. @on_the_fly: what of them
 * is packed on the fly, and so has no parts: a wish for one is better served without it. */
wf_http_coding wf_http_wish_coding(const wf_http_wish *wish, unsigned offered, unsigned on_the_fly);

typedef enum wf_http_answer_kind {
    WF_HTTP_ANSWER_WHOLE,         /* 200 */
    WF_HTTP_ANSWER_PART,          /* 206: one range */
    WF_HTTP_ANSWER_PARTS,         /* 206: several, as multipart/byteranges */
    WF_HTTP_ANSWER_NOT_MODIFIED,  /* 304 */
    WF_HTTP_ANSWER_FAILED,        /* 412 */
    WF_HTTP_ANSWER_UNSATISFIABLE, /* 416 */
} wf_http_answer_kind;

typedef struct wf_http_choice {
    wf_http_answer_kind kind;
    unsigned ranges_n; /* PART: 1; PARTS: more */
    wf_http_range ranges[WF_HTTP_RANGES_MAX_DEFAULT];
} wf_http_choice;

/* What @wish comes to for a representation of @size bytes, of which parts may be asked for if
 * @ranges says so. Only the ranges that are named are written. */
void wf_http_choose(const wf_http_wish *wish, const wf_http_current *current, uint64_t size,
                    bool ranges, int64_t now_s, wf_http_choice *choice);

#endif
