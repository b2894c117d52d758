/* SPDX-License-Identifier: MIT */
/* The actor that waits for a job of the blocking pool (http_file_job.c), and answers whoever asks it meanwhile.
 *
 *   who asks for a file ── is it done? ──▶ worker ── job ──▶ pool
 *                                            │ ◀── job ───────┘
 *                       ◀── a share of the entry ── all at once; then it ends
 *
 * The worker's own first message is a serial one: whoever asks waits in its mailbox until that is
 * over, so that there is no list of waiters but the mailbox, and a cancel takes one out of it. */
#include "http_file_work.h"

#include <string.h>

#include <weft/pool.h>

#include "http_file_job.h"

/* ---- who waits for it */

typedef struct worker {
    wf_http_file_entry *entry; /* a share */
    wf_http_file_job *job;     /* a share */
    wf_http_file_cache *users; /* whose lookups this counts as one of; NULL: none */
    weft_err err;
    weft_why why;
} worker;

static void entry_take(void *body)
{
    wf_http_file_entry_share(((wf_http_work_done *)body)->entry);
}

static void entry_release(void *body)
{
    wf_http_file_entry_drop(((wf_http_work_done *)body)->entry);
}

const weft_type wf_http_work_done_type = {.name = "http.file_done",
                                          .size = sizeof(wf_http_work_done),
                                          .bytes = 1 + offsetof(wf_http_work_done, read),
                                          .share = entry_take,
                                          .release = entry_release};
const weft_type wf_http_work_wait_type =
    WEFT_TYPE("http.file_wait", wf_http_work_wait, &wf_http_work_done_type);

typedef struct over {
    uint64_t none;
} over;
static const weft_type over_type = WEFT_TYPE("http.file_over", over, NULL);

/* From now on nobody new comes. */
static void leave_entry(worker *w)
{
    if (w->users != NULL)
        w->users->users_looking--;
    w->users = NULL;
    if (w->job->kind == WF_HTTP_WORK_LOOK)
        w->entry->looking = WEFT_NOBODY;
    else if (w->job->kind == WF_HTTP_WORK_PACK)
        w->entry->packing[w->job->coding] = WEFT_NOBODY;
}

/* Whoever waits stands before this in the mailbox. */
static weft_err finish(weft_actor *self, worker *w, weft_err err, const char *why)
{
    w->err = err;
    if (err != WEFT_OK) {
        (void)weft_because(&w->why, err, "%s", why[0] != '\0' ? why : weft_err_text(err));
        if (w->job->kind == WF_HTTP_WORK_LOOK)
            wf_http_file_cache_lose(w->entry);
    }
    leave_entry(w);
    /* never refused for room, which whoever waits may have used up */
    over body = {0};
    if (weft_event(self, weft_self(self), &over_type, &body) != WEFT_OK)
        return weft_stop(self, WEFT_ENOMEM); /* who waits is told so */
    return WEFT_OK;
}

static weft_err on_over(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_OK);
}

static weft_err on_wait(weft_actor *self, weft_msg *msg)
{
    const worker *w = weft_state(self);

    if (w->err != WEFT_OK)
        return weft_fail(msg, w->err, "%s", w->why.text);
    weft_bytes read = w->job->kind == WF_HTTP_WORK_READ ? w->job->made : WEFT_NO_BYTES;
    return weft_reply(msg, wf_http_work_done, .entry = w->entry, .read = read,
                      .stamp = w->job->stamp);
}

static weft_err on_job_done(weft_actor *self, weft_msg *msg, const weft_outcome *got);

static weft_err ask_pool(weft_actor *self, weft_msg *msg, worker *w)
{
    weft_err err = weft_when(msg,
                             weft_ask_pool_body(self, wf_http_file_job_do, &wf_http_file_job_type,
                                                &(wf_http_file_job_share){w->job}, WEFT_INHERIT),
                             on_job_done);
    return err == WEFT_OK ? WEFT_OK : finish(self, w, err, "");
}

/* The file may have changed meanwhile, and what was packed is then of no use. */
static void take_packed(worker *w)
{
    wf_http_file *file = &w->entry->file;
    wf_http_coding coding = w->job->coding;
    const wf_http_form *form = file->forms[coding];

    if (file->kind == WF_HTTP_FILE_SERVED && form != NULL && form->unmade &&
        wf_http_stamp_same(&form->stamp, &w->job->stamp))
        (void)wf_http_file_packed(file, coding, w->job->err, &w->job->made);
    wf_http_file_cache_count(w->entry);
}

static weft_err take_looked_up(weft_actor *self, weft_msg *msg, worker *w)
{
    wf_http_file_entry *e = w->entry;
    wf_http_file_job *j = w->job;

    if (e->cache != NULL && j->ask.user_n == 0)
        wf_http_file_root_adopt(&e->cache->root, &j->root);
    if (j->err == WEFT_ELIMIT && e->cache != NULL && wf_http_file_cache_spare(e->cache, e))
        return ask_pool(self, msg, w);
    if (j->err != WEFT_OK)
        return finish(self, w, j->err, j->why.text);
    wf_http_file_cache_put(e, self, &j->file);
    j->file = (wf_http_file){.kind = WF_HTTP_FILE_NONE};
    return finish(self, w, WEFT_OK, "");
}

static weft_err on_job_done(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    worker *w = weft_state(self);

    if (got->err != WEFT_OK) {
        /* the pool may still have the job, which is no longer looked at */
        return finish(self, w, got->err, got->why);
    }
    switch (w->job->kind) {
    case WF_HTTP_WORK_LOOK:
        return take_looked_up(self, msg, w);
    case WF_HTTP_WORK_PACK:
        take_packed(w);
        break;
    case WF_HTTP_WORK_READ:
        return finish(self, w, w->job->err, "");
    }
    return finish(self, w, WEFT_OK, "");
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    return ask_pool(self, msg, weft_state(self));
}

static void ended(weft_actor *self, weft_err reason)
{
    worker *w = weft_state(self);
    (void)reason;

    if (w->job == NULL)
        return; /* there was no memory to begin with */
    /* never looked up: it ended with the system */
    if (w->job->kind == WF_HTTP_WORK_LOOK && w->entry->list == NULL)
        wf_http_file_cache_lose(w->entry);
    leave_entry(w);
    wf_http_file_entry_drop(w->entry);
    wf_http_file_job_drop(w->job);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started, .serial = true},
    {.type = &wf_http_work_wait_type, .fn = on_wait},
    {.type = &over_type, .fn = on_over},
    {0},
};

static const weft_behaviour worker_behaviour = {.name = "http.file_work",
                                                .handlers = handlers,
                                                .state_bytes = sizeof(worker),
                                                .mailbox_max = WF_HTTP_FILE_WAITERS_MAX,
                                                .ended = ended};

/* Takes @j, in success and in failure. */
static weft_err begin(wf_http_file_entry *e, wf_http_file_job *j, weft_ref *out, weft_why *why)
{
    weft_ref ref = weft_spawn_apart(&worker_behaviour, NULL, why);
    weft_actor *a = weft_here(ref);

    if (a == NULL) {
        wf_http_file_job_drop(j);
        return WEFT_ENOMEM;
    }
    worker *w = weft_state(a);
    w->job = j;
    w->entry = e;
    if (j->ask.user_n != 0) {
        w->users = e->cache;
        w->users->users_looking++;
    }
    wf_http_file_entry_share(e);
    *out = ref;
    return WEFT_OK;
}

/* ---- the kinds */

weft_err wf_http_work_look(weft_actor *self, wf_http_file_entry *e, const wf_http_file_ask *ask,
                           weft_why *why)
{
    wf_http_file_root *root = &e->cache->root;
    weft_err err = wf_http_file_root_begin(root, why);
    wf_http_file_job *j =
        err == WEFT_OK ? wf_http_file_job_new(WF_HTTP_WORK_LOOK, ask->path_n + ask->title.bytes + 1)
                       : NULL;

    if (j == NULL)
        return err != WEFT_OK ? err : WEFT_ENOMEM;
    j->config = e->cache->config;
    j->root = (wf_http_file_root){
        .path = root->path, .follow = root->follow, .walk = root->walk, .cwd = root->cwd, .fd = -1};
    if (ask->user_n != 0)
        j->root = (wf_http_file_root){.path = "", .cwd = -1, .fd = -1};
    j->ask = *ask;
    memcpy(j->text, ask->path, ask->path_n);
    j->ask.path = j->text;
    if (ask->title.bytes > 0)
        memcpy(j->text + ask->path_n + 1, ask->title.at, ask->title.bytes);
    j->ask.title.at = j->text + ask->path_n + 1;
    j->now_ns = (int64_t)weft_wall_ns(self);
    return begin(e, j, &e->looking, why);
}

weft_err wf_http_work_pack(wf_http_file_entry *e, wf_http_coding coding, weft_why *why)
{
    const wf_http_form *plain = e->file.forms[WF_HTTP_IDENTITY];

    if (!weft_ref_is_nobody(e->packing[coding]))
        return WEFT_OK;
    wf_http_file_job *j = wf_http_file_job_new(WF_HTTP_WORK_PACK, 0);
    if (j == NULL)
        return WEFT_ENOMEM;
    j->coding = coding;
    j->source = weft_file_share(plain->file);
    j->size = plain->size;
    j->stamp = plain->stamp;
    return begin(e, j, &e->packing[coding], why);
}

weft_err wf_http_work_read(wf_http_file_entry *e, const wf_http_form *form,
                           const wf_http_range *ranges, unsigned n, weft_ref *out, weft_why *why)
{
    wf_http_file_job *j = wf_http_file_job_new(WF_HTTP_WORK_READ, 0);

    if (j == NULL)
        return WEFT_ENOMEM;
    j->source = weft_file_share(form->file);
    j->stamp = form->stamp;
    j->ranges_n = n;
    memcpy(j->ranges, ranges, n * sizeof *ranges);
    return begin(e, j, out, why);
}
