/* SPDX-License-Identifier: MIT */
/* The parts of a form as they are gathered: fields in memory, files in a spool folder. */
#ifndef WF_HTTP_FORM_PARTS_H
#define WF_HTTP_FORM_PARTS_H

#include <weft/http_form.h>

#include "http_spool.h"

typedef struct wf_http_form_part {
    weft_http_form_part shown;
    char *texts; /* name, file name, type */
    char *value;
    size_t value_room;
    wf_http_spool_file *file;
    bool kept;
} wf_http_form_part;

typedef struct wf_http_form_parts {
    const weft_http_form_config *config;
    wf_http_form_part *at;
    uint32_t count, room;
    uint32_t fields, files;
    uint64_t fields_bytes, files_bytes;
} wf_http_form_parts;

/* Begins a part; one with a @file_name is a file of the spool. errors: ETOOBIG (fields_max, files_max,
 * fields_bytes_max), EUNSUPPORTED (a file, and no spool), ENOMEM. */
WEFT_MUST_USE weft_err wf_http_form_begin(weft_actor *self, wf_http_form_parts *p,
                                          const weft_multipart_event *part, weft_why *why);
/* Puts @n bytes behind the value of the last part, a field. errors: ETOOBIG, ENOMEM. */
WEFT_MUST_USE weft_err wf_http_form_add(wf_http_form_parts *p, const void *at, size_t n,
                                        weft_why *why);
/* Counts @n bytes of the last part, a file. errors: ETOOBIG. */
WEFT_MUST_USE weft_err wf_http_form_count(wf_http_form_parts *p, size_t n, weft_why *why);
/* The fields of an urlencoded form. errors: EPROTO, and as above. */
WEFT_MUST_USE weft_err wf_http_form_decode(weft_actor *self, wf_http_form_parts *p,
                                           const char *text, size_t n, weft_why *why);
/* The last part; there is one. */
static inline wf_http_form_part *wf_http_form_last(const wf_http_form_parts *p)
{
    return &p->at[p->count - 1];
}
/* Files that were not kept are removed. */
void wf_http_form_parts_free(wf_http_form_parts *p);

/* The parts of the form that @self gathers (http_form_read.c). */
wf_http_form_parts *wf_http_form_parts_of(weft_actor *self);

/* A limit of the config, or its default. */
uint64_t wf_http_form_fields_bytes_max(const weft_http_form_config *config);

#endif
