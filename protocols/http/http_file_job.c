/* SPDX-License-Identifier: MIT */
/* What the blocking pool does for files: a job, and how each kind of it is done there. */
#include "http_file_job.h"

#include <string.h>
#include <unistd.h>

#include "http_users.h"

static void job_take(void *body)
{
    /* relaxed: who copies a share holds one */
    atomic_fetch_add_explicit(&((wf_http_file_job_share *)body)->job->refs, 1,
                              memory_order_relaxed);
}

void wf_http_file_job_drop(wf_http_file_job *j)
{
    /* acquire and release: what others did to it comes before its end */
    if (j == NULL || atomic_fetch_sub_explicit(&j->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (j->root.fd >= 0)
        (void)close(j->root.fd);
    wf_http_file_done(&j->file);
    weft_file_drop(&j->source);
    weft_bytes_drop(&j->made);
    weft_alloc_free(j);
}

static void job_release(void *body)
{
    wf_http_file_job_drop(((wf_http_file_job_share *)body)->job);
}

static const weft_type job_done_type = {.name = "http.file_job_done",
                                        .size = sizeof(wf_http_file_job_share),
                                        .share = job_take,
                                        .release = job_release};
const weft_type wf_http_file_job_type = {.name = "http.file_job",
                                         .size = sizeof(wf_http_file_job_share),
                                         .reply = &job_done_type,
                                         .share = job_take,
                                         .release = job_release};

wf_http_file_job *wf_http_file_job_new(wf_http_work_kind kind, size_t text_bytes)
{
    wf_http_file_job *j = weft_alloc_zero(sizeof *j + text_bytes);

    if (j == NULL)
        return NULL;
    atomic_init(&j->refs, 1);
    j->kind = kind;
    j->root.fd = -1;
    return j;
}

/* ---- on a thread of the pool */

/* Below the folder of the user that the path begins with. Who does not have one, or not for everybody, is not told
 * from who is not there. */
static weft_err look_at_user(wf_http_file_job *j)
{
    weft_err err =
        wf_http_user_open(j->config->users, j->ask.path + 1, j->ask.user_n - 1, &j->root, &j->why);

    if (err == WEFT_OK)
        err = wf_http_file_load(&j->root, j->config, &j->ask, j->now_ns, NULL, &j->file, &j->why);
    wf_http_file_root_done(&j->root);
    if (err == WEFT_ENOTFOUND) {
        j->file.kind = WF_HTTP_FILE_NONE;
        err = WEFT_OK;
    }
    if (err == WEFT_OK && j->file.kind == WF_HTTP_FILE_NONE)
        j->file.err = WEFT_ENOTFOUND;
    return err == WF_HTTP_FILE_COLD ? WEFT_EIO : err;
}

static weft_err look(wf_http_file_job *j)
{
    if (j->ask.user_n != 0)
        return look_at_user(j);
    weft_err err = wf_http_file_root_refresh(&j->root, &j->why);

    /* a root that is not there is the server's fault, not the client's */
    if (err == WEFT_ENOTFOUND || err == WEFT_EDENIED)
        return WEFT_EIO;
    if (err == WEFT_OK)
        err = wf_http_file_load(&j->root, j->config, &j->ask, j->now_ns, NULL, &j->file, &j->why);
    /* what waits for something else than the disk is not served */
    return err == WF_HTTP_FILE_COLD ? WEFT_EIO : err;
}

static weft_err read_ranges(wf_http_file_job *j)
{
    uint64_t total = 0;
    size_t done = 0, got = 0;
    uint8_t *to;

    for (unsigned i = 0; i < j->ranges_n; i++)
        total += wf_http_range_length(j->ranges[i]);
    weft_err err = weft_bytes_new((size_t)total, &to, &j->made);
    for (unsigned i = 0; i < j->ranges_n && err == WEFT_OK; i++, done += got) {
        size_t n = (size_t)wf_http_range_length(j->ranges[i]);
        err = wf_http_file_read(&j->root, weft_file_fd(j->source), j->ranges[i].first, to + done, n,
                                &got);
        if (err == WEFT_OK && got < n)
            err = WEFT_ETRUNCATED;
    }
    return err;
}

weft_err wf_http_file_job_do(weft_actor *self, weft_msg *msg)
{
    wf_http_file_job *j = ((const wf_http_file_job_share *)weft_body(msg))->job;
    (void)self;

    switch (j->kind) {
    case WF_HTTP_WORK_LOOK:
        j->err = look(j);
        break;
    case WF_HTTP_WORK_PACK:
        j->err = wf_http_pack_file(j->coding, j->source, j->size, &j->made);
        break;
    case WF_HTTP_WORK_READ:
        j->err = read_ranges(j);
        break;
    }
    return weft_reply_body(msg, &job_done_type, &(wf_http_file_job_share){j});
}
