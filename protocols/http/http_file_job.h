/* SPDX-License-Identifier: MIT */
/* A job that travels to the blocking pool and back: what is to be done for a file, and what came of it. */
#ifndef WF_HTTP_FILE_JOB_H
#define WF_HTTP_FILE_JOB_H

#include <stdatomic.h>

#include "http_file_work.h"

/* Shared by the worker and the messages it travels in; touched by one of them at a time. */
typedef struct wf_http_file_job {
    _Atomic uint32_t refs;
    wf_http_work_kind kind;
    weft_err err;
    weft_why why;
    /* LOOK */
    const weft_http_files_config *config;
    wf_http_file_root root; /* opened anew there; its cwd is the cache's */
    wf_http_file_ask ask;
    int64_t now_ns;
    wf_http_file file;
    /* PACK, READ */
    wf_http_coding coding;
    weft_file *source;
    wf_http_stamp stamp;
    uint64_t size;
    weft_bytes made; /* packed, or read */
    unsigned ranges_n;
    wf_http_range ranges[WF_HTTP_RANGES_MAX_DEFAULT];
    char text[]; /* what `ask` points to */
} wf_http_file_job;

/* The body of the message it travels in: a share. */
typedef struct wf_http_file_job_share {
    wf_http_file_job *job;
} wf_http_file_job_share;
extern const weft_type wf_http_file_job_type;

/* With room for @text_bytes of text and one share, the caller's. errors: NULL: no memory. */
WEFT_MUST_USE wf_http_file_job *wf_http_file_job_new(wf_http_work_kind kind, size_t text_bytes);
/* Drops a share; the last one closes what the job has open. Takes NULL calmly. */
void wf_http_file_job_drop(wf_http_file_job *j);

/* Does it: the handler of the pool for wf_http_file_job_type. How that went is the job's err and why; the answer comes in
 * any case. thread: one of the pool. */
weft_err wf_http_file_job_do(weft_actor *self, weft_msg *msg);

#endif
