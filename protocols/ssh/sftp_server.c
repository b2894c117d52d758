/* SPDX-License-Identifier: MIT */
/* SFTP behind a channel: packets are gathered, and served by the blocking pool as many as are there at once.
 *
 *   data ──▶ in ── job ──▶ a thread of the pool: wf_sftp_serve, packet by packet
 *   write ◀──────── job ◀──┘    replies, at most WF_SFTP_REPLY_MAX of them and a last one
 *
 * While a job is away nothing is touched, and the data message that has more is kept: a peer that asks for more
 * than is worked off is not read. The order of replies is that of requests, as one job is away at most. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/edge.h>
#include <weft/log.h>
#include <weft/pool.h>
#include <weft/ssh.h>

#include "sftp_path.h"
#include "sftp_serve.h"
#include "ssh_account.h"

enum {
    PACKET_MAX = WEFT_SFTP_PACKET_BYTES_MAX + 4,
    OUT_MAX = WF_SFTP_REPLY_MAX + (34 << 10),
    HANDLES_MAX = 64,
};

/* Shared by the actor and the message it travels in; touched by one of them at a time. */
typedef struct job {
    _Atomic uint32_t refs;
    char *root; /* a thread of the pool may have it longer than the config lives */
    char user[WEFT_AUTH_USER_BYTES];
    bool as_user;
    wf_ssh_account *account; /* NULL: not looked up yet */
    wf_sftp sftp;
    uint8_t *in;
    size_t in_size;
    weft_bytes out; /* OUT_MAX to write replies to; none: made when it is needed */
    weft_bytes reply;
    weft_err err;
    weft_why why;
} job;

typedef struct sftp {
    weft_ref stream;
    job *job;
    weft_msg *data; /* kept until all of it was gathered */
    size_t used;
    bool away;  /* the job is */
    bool full;  /* enough waits to be sent */
    bool ended; /* the peer asks for no more */
} sftp;

/* ---- the job */

typedef struct job_share {
    job *job;
} job_share;
typedef struct job_done {
    char nothing;
} job_done;

static void job_take(void *body)
{
    /* relaxed: who copies a share holds one */
    atomic_fetch_add_explicit(&((job_share *)body)->job->refs, 1, memory_order_relaxed);
}

static void job_drop(job *j)
{
    /* acquire and release: what others did to it comes before its end */
    if (j == NULL || atomic_fetch_sub_explicit(&j->refs, 1, memory_order_acq_rel) != 1)
        return;
    wf_sftp_done(&j->sftp);
    weft_alloc_free(j->root);
    weft_alloc_free(j->account);
    weft_alloc_free(j->sftp.handles);
    weft_alloc_free(j->in);
    weft_bytes_drop(&j->out);
    weft_bytes_drop(&j->reply);
    weft_alloc_free(j);
}

static void job_release(void *body)
{
    job_drop(((job_share *)body)->job);
}

static const weft_type job_done_type = WEFT_TYPE("weft.sftp_done", job_done, NULL);
static const weft_type job_share_type = {.name = "weft.sftp_job",
                                         .size = sizeof(job_share),
                                         .reply = &job_done_type,
                                         .share = job_take,
                                         .release = job_release};

static job *job_new(const weft_ssh_sftp_config *config)
{
    uint32_t handles = config->handles_max != 0 ? config->handles_max : HANDLES_MAX;
    job *j = weft_alloc_zero(sizeof *j);
    if (j == NULL)
        return NULL;
    atomic_init(&j->refs, 1);
    if (handles > WEFT_SFTP_HANDLES_MAX)
        handles = WEFT_SFTP_HANDLES_MAX;
    j->root = weft_alloc(strlen(config->root) + 1);
    j->in = weft_alloc(PACKET_MAX);
    j->sftp = (wf_sftp){.root = -1,
                        .read_only = config->read_only,
                        .handles_max = handles,
                        .handles = weft_alloc_zero(handles * sizeof(wf_sftp_handle))};
    if (j->in == NULL || j->sftp.handles == NULL || j->root == NULL) {
        weft_alloc_free(j->sftp.handles);
        j->sftp.handles = NULL;
        job_drop(j);
        return NULL;
    }
    (void)stpcpy(j->root, config->root);
    for (uint32_t i = 0; i < handles; i++)
        j->sftp.handles[i].fd = -1;
    return j;
}

/* ---- on a thread of the pool */

static weft_err serve(job *j, wf_sftp_out *out)
{
    size_t at = 0, bytes = 0;
    weft_err err = WEFT_OK;
    for (;;) {
        if (!wf_sftp_packet(j->in + at, j->in_size - at, PACKET_MAX, &bytes)) {
            err = weft_because(&j->why, WEFT_EPROTO, "a packet of SFTP is too long, or empty");
            break;
        }
        if (bytes == 0 || bytes > j->in_size - at)
            break;
        if (!wf_sftp_serve(&j->sftp, j->in + at, bytes, out)) {
            if (!out->is_short)
                err = weft_because(&j->why, WEFT_EPROTO, "SFTP begins with its version, and once");
            break;
        }
        at += bytes;
    }
    j->in_size -= at;
    memmove(j->in, j->in + at, j->in_size);
    return err;
}

static weft_err open_root(job *j)
{
    if (j->sftp.root >= 0)
        return WEFT_OK;
    j->sftp.root = open(j->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (j->sftp.root >= 0)
        return WEFT_OK;
    return weft_because(&j->why, WEFT_EIO, "unable to open the root %.100s: %s", j->root,
                        strerror(errno));
}

/* Looked up once: who it is does not change while it is here. */
static weft_err find_account(job *j)
{
    if (!j->as_user || j->account != NULL)
        return WEFT_OK;
    wf_ssh_account *account = weft_alloc(sizeof *account);
    if (account == NULL)
        return weft_because(&j->why, WEFT_ENOMEM, "no memory for a user");
    weft_err err = wf_ssh_account_find(j->user, account, &j->why);
    if (err == WEFT_OK)
        j->account = account;
    else
        weft_alloc_free(account);
    return err;
}

static weft_err serve_as_user(job *j, wf_sftp_out *out)
{
    wf_ssh_rights was;
    weft_err err = find_account(j);
    if (err == WEFT_OK && j->as_user)
        err = wf_ssh_rights_take(j->account, &was, &j->why);
    if (err != WEFT_OK)
        return err;
    err = open_root(j);
    if (err == WEFT_OK)
        err = serve(j, out);
    if (j->as_user)
        wf_ssh_rights_give_back(&was);
    return err;
}

/* Much leaves from where it was written; little must not hold that much. */
static weft_err take_reply(job *j, size_t size)
{
    uint8_t *to;
    if (size > OUT_MAX / 4) {
        j->reply = j->out;
        j->reply.size = size;
        j->out = WEFT_NO_BYTES;
        return WEFT_OK;
    }
    weft_err err = size != 0 ? weft_bytes_new(size, &to, &j->reply) : WEFT_OK;
    if (err == WEFT_OK && size != 0)
        memcpy(to, j->out.at, size);
    return err;
}

static weft_err serve_all(job *j)
{
    wf_sftp_out out = {.max = OUT_MAX};
    weft_err err = j->out.buffer != NULL ? WEFT_OK : weft_bytes_new(OUT_MAX, &out.at, &j->out);
    if (err != WEFT_OK)
        return weft_because(&j->why, err, "no memory for a reply");
    out.at = (uint8_t *)(uintptr_t)j->out.at;
    err = serve_as_user(j, &out);
    weft_err taken = take_reply(j, out.size);
    return taken == WEFT_OK ? err : weft_because(&j->why, taken, "no memory for a reply");
}

static weft_err on_job(weft_actor *self, weft_msg *msg)
{
    job *j = ((const job_share *)weft_body(msg))->job;
    (void)self;
    j->err = serve_all(j);
    return weft_reply(msg, job_done, .nothing = 0);
}

/* ---- the actor */

static void go_on(weft_actor *self, sftp *s);

static void fail(weft_actor *self, const sftp *s, weft_err err, const char *why)
{
    weft_log(self, WEFT_NOTICE, "%s", why);
    (void)weft_abort(self, s->stream, err);
}

static weft_err on_done(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    sftp *s = weft_state(self);
    job *j = s->job;
    (void)next;
    s->away = false;
    if (got->err != WEFT_OK) {
        fail(self, s, got->err, got->why);
        return WEFT_OK;
    }
    if (j->reply.size != 0 && weft_write(self, s->stream, j->reply) == WEFT_ENOMEM)
        j->err = weft_because(&j->why, WEFT_ENOMEM, "no memory for a reply");
    weft_bytes_drop(&j->reply);
    if (j->err != WEFT_OK) {
        fail(self, s, j->err, j->why.text);
        return WEFT_OK;
    }
    s->full = weft_write_full(self, s->stream);
    go_on(self, s);
    return WEFT_OK;
}

/* scp takes an end without a code for a failure. */
static void end(weft_actor *self, const sftp *s)
{
    (void)weft_ssh_exit(self, s->stream, 0);
    (void)weft_close(self, s->stream);
}

static void gather(sftp *s)
{
    job *j = s->job;
    if (s->data == NULL)
        return;
    weft_bytes bytes = ((const weft_data *)weft_body(s->data))->bytes;
    size_t n = bytes.size - s->used, room = PACKET_MAX - j->in_size;
    if (n > room)
        n = room;
    memcpy(j->in + j->in_size, bytes.at + s->used, n);
    j->in_size += n;
    s->used += n;
    if (s->used == bytes.size)
        weft_drop(&s->data);
}

static void go_on(weft_actor *self, sftp *s)
{
    size_t bytes = 0;
    if (s->away || s->full)
        return;
    gather(s);
    bool good = wf_sftp_packet(s->job->in, s->job->in_size, PACKET_MAX, &bytes);
    if (good && (bytes == 0 || bytes > s->job->in_size)) {
        if (s->ended)
            end(self, s);
        return;
    }
    weft_deferred done = weft_finally(
        self,
        weft_ask_pool_body(self, on_job, &job_share_type, &(job_share){s->job}, WEFT_NO_LIMIT),
        on_done);
    s->away = weft_ignore(self, done) == WEFT_OK;
    if (!s->away)
        (void)weft_stop(self, WEFT_ENOMEM);
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const weft_ssh_sftp_config *config = weft_config(self);
    sftp *s = weft_state(self);
    s->stream = ((const weft_opened *)weft_body(msg))->stream;
    const weft_ssh_session *session = weft_ssh_session_of(s->stream);
    if (config->as_user && session == NULL)
        return weft_stop_because(self, WEFT_EINVAL, "no channel of SSH, so nobody's files");
    s->job = job_new(config);
    if (s->job == NULL)
        return weft_stop_because(self, WEFT_ENOMEM, "no memory for SFTP");
    s->job->as_user = s->job->sftp.own = config->as_user;
    if (session != NULL)
        (void)snprintf(s->job->user, sizeof s->job->user, "%s", wf_ssh_account_name(session));
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    sftp *s = weft_state(self);
    s->data = weft_keep(msg);
    s->used = 0;
    go_on(self, s);
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    sftp *s = weft_state(self);
    (void)msg;
    s->full = false;
    go_on(self, s);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    sftp *s = weft_state(self);
    (void)msg;
    s->ended = true;
    go_on(self, s);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_OK);
}

static void sftp_ended(weft_actor *self, weft_err reason)
{
    sftp *s = weft_state(self);
    (void)reason;
    weft_drop(&s->data);
    job_drop(s->job);
    s->job = NULL;
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},   {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_drained_type, .fn = on_drained}, {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},   {0},
};

const weft_behaviour weft_ssh_sftp = {
    .name = "ssh.sftp", .handlers = handlers, .state_bytes = sizeof(sftp), .ended = sftp_ended};
