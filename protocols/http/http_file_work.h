/* SPDX-License-Identifier: MIT */
/* What files need that would hold a reactor, done by the blocking pool: lookups of what is not in the
 * kernel's memory, packing, and reading of parts.
 *
 * Each piece of work has an actor of its own on the reactor that wants it, which asks the pool once
 * and answers whoever has asked it meanwhile; then it ends. Who no longer wants it leaves by cancel;
 * the work goes on for the others, and for the cache. */
#ifndef WF_HTTP_FILE_WORK_H
#define WF_HTTP_FILE_WORK_H

#include "http_file_cache.h"
#include "http_range.h"

/* How many may wait for one piece of work; beyond it asking fails with EFULL. */
#define WF_HTTP_FILE_WAITERS_MAX 1024u

typedef enum wf_http_work_kind {
    WF_HTTP_WORK_LOOK, /* look up a path */
    WF_HTTP_WORK_PACK, /* make a packed form */
    WF_HTTP_WORK_READ, /* read ranges of a file */
} wf_http_work_kind;

/* Is it done? The answer comes when it is, or is a failure. */
typedef struct wf_http_work_wait {
    uint64_t tries;
} wf_http_work_wait;
extern const weft_type wf_http_work_wait_type;

/* The answer: a share of what was worked for. */
typedef struct wf_http_work_done {
    wf_http_file_entry *entry;
    weft_bytes read;     /* READ: the ranges, one behind the other */
    wf_http_stamp stamp; /* of the file they were read from */
} wf_http_work_done;
extern const weft_type wf_http_work_done_type;

/* Begins to look up @ask, for @e; `looking` of @e is asked for it. errors: ENOMEM, EIO, ELIMIT, and
 * @why. thread: in a handler. */
WEFT_MUST_USE weft_err wf_http_work_look(weft_actor *self, wf_http_file_entry *e,
                                         const wf_http_file_ask *ask, weft_why *why);

/* Begins to make what is unmade of the form in @coding of @e, whose file is not kept in memory; `packing` of @e for
 * it is asked for it. Calm when that is under way. errors: ENOMEM. thread: in a handler. */
WEFT_MUST_USE weft_err wf_http_work_pack(wf_http_file_entry *e, wf_http_coding coding,
                                         weft_why *why);

/* Begins to read @n ranges of @form, a file of @e; @out is asked for it. errors: ENOMEM.
 * thread: in a handler. */
WEFT_MUST_USE weft_err wf_http_work_read(wf_http_file_entry *e, const wf_http_form *form,
                                         const wf_http_range *ranges, unsigned n, weft_ref *out,
                                         weft_why *why);

#endif
