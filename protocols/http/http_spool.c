/* SPDX-License-Identifier: MIT */
/* Files that are there for a while. */
#include "http_spool.h"
#include "disk/sync_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/edge.h>
#include <weft/pool.h>
#include <weft/timer.h>

enum { NAME_RANDOM_BYTES = 16 };

struct wf_http_spool_file {
    /* relaxed up; acquire and release down: the last sees all that was done to it */
    atomic_uint shares;
    int fd;
    bool made, moved;
    char path[];
};

wf_http_spool_file *wf_http_spool_new(weft_actor *self, const char *folder)
{
    uint8_t random[NAME_RANDOM_BYTES];
    size_t n = strlen(folder);
    wf_http_spool_file *f =
        weft_alloc_zero(sizeof *f + n + sizeof "/weft-" + 2 * (size_t)NAME_RANDOM_BYTES);
    if (f == NULL)
        return NULL;
    atomic_init(&f->shares, 1);
    f->fd = -1;
    weft_random(self, random, sizeof random);
    int at = sprintf(f->path, "%s/weft-", folder);
    for (size_t i = 0; i < sizeof random; i++)
        at += sprintf(f->path + at, "%02x", random[i]);
    return f;
}

void wf_http_spool_drop(wf_http_spool_file *f)
{
    if (f == NULL || atomic_fetch_sub_explicit(&f->shares, 1, memory_order_acq_rel) != 1)
        return;
    if (f->fd >= 0)
        (void)close(f->fd);
    if (f->made && !f->moved)
        (void)unlink(f->path);
    weft_alloc_free(f);
}

const char *wf_http_spool_path(const wf_http_spool_file *file)
{
    return file->path;
}

/* ---- what the pool is asked */

typedef struct spool_job {
    wf_http_spool_file *file;
    weft_bytes bytes; /* to write, or the path it is moved to, with its zero */
    bool last, move;
} spool_job;
typedef struct spool_done {
    char nothing;
} spool_done;

static void job_share(void *body)
{
    wf_http_spool_file *f = ((spool_job *)body)->file;
    (void)atomic_fetch_add_explicit(&f->shares, 1, memory_order_relaxed);
}

static void job_release(void *body)
{
    wf_http_spool_drop(((spool_job *)body)->file);
}

static const weft_type spool_done_type = WEFT_TYPE("weft.http_spool_done", spool_done, NULL);
static const weft_type spool_job_type = {.name = "weft.http_spool_job",
                                         .size = sizeof(spool_job),
                                         .bytes = 1 + (uint32_t)offsetof(spool_job, bytes),
                                         .reply = &spool_done_type,
                                         .share = job_share,
                                         .release = job_release};

/* ---- on the pool */

static bool write_all(int fd, const uint8_t *at, size_t n)
{
    while (n != 0) {
        ssize_t wrote = write(fd, at, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        at += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

static bool write_job(wf_http_spool_file *f, weft_bytes bytes, bool last)
{
    if (f->fd < 0) {
        f->fd = open(f->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        f->made = f->fd >= 0;
        if (!f->made)
            return false;
    }
    if (!write_all(f->fd, bytes.at, bytes.size))
        return false;
    if (!last)
        return true;
    int fd = f->fd;
    f->fd = -1;
    return close(fd) == 0; /* some file systems say only here that there was no room */
}

/* The bytes are safe before they have their name, and that only when its folder is. */
static bool move_job(wf_http_spool_file *f, char *to)
{
    if (!wf_sync_path(f->path, O_NOFOLLOW) || rename(f->path, to) != 0)
        return false;
    f->moved = true;
    char *slash = strrchr(to, '/');
    if (slash != NULL)
        *(slash != to ? slash : slash + 1) = '\0';
    return wf_sync_path(slash != NULL ? to : ".", O_DIRECTORY);
}

static weft_err on_job(weft_actor *self, weft_msg *msg)
{
    const spool_job *job = weft_body(msg);
    char *to = job->move ? weft_scratch(msg, job->bytes.size) : NULL;
    (void)self;
    if (job->move && to == NULL)
        return WEFT_ENOMEM;
    if (job->move)
        memcpy(to, job->bytes.at, job->bytes.size);
    bool ok = job->move ? move_job(job->file, to) : write_job(job->file, job->bytes, job->last);
    if (ok)
        return weft_reply(msg, spool_done, .nothing = 0);
    bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    return weft_fail(msg, full ? WEFT_EFULL : WEFT_EIO, "unable to %s %.100s: %s",
                     job->move ? "keep" : "write", job->file->path, strerror(errno));
}

weft_deferred wf_http_spool_write(weft_actor *self, wf_http_spool_file *file, weft_bytes bytes,
                                  bool last)
{
    const spool_job job = {.file = file, .bytes = bytes, .last = last};
    return weft_ask_pool_body(self, on_job, &spool_job_type, &job, WEFT_NO_LIMIT);
}

weft_deferred wf_http_spool_keep(weft_actor *self, wf_http_spool_file *file, const char *path)
{
    spool_job job = {.file = file, .move = true};
    uint8_t *to;
    size_t n = strlen(path) + 1;
    weft_err err = weft_bytes_new(n, &to, &job.bytes);
    if (err != WEFT_OK)
        return weft_failed(self, err, NULL);
    memcpy(to, path, n);
    weft_deferred kept = weft_ask_pool_body(self, on_job, &spool_job_type, &job, WEFT_NO_LIMIT);
    weft_bytes_drop(&job.bytes);
    return kept;
}
