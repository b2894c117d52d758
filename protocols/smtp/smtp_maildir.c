/* SPDX-License-Identifier: MIT */
/* A message into a maildir: gathered, written by the blocking pool, synced, and only then moved to where
 * readers look (https://cr.yp.to/proto/maildir.html).
 *
 *   data ──▶ block ── full, or the last ──▶ pool: tmp/NAME ── the last: fsync, new/NAME, fsync ──▶ 250
 *
 * The file belongs to whoever has a share of it: the actor, and each request that is under way. With the last
 * share it is closed, and taken away unless it was delivered, so that a client that goes in the middle leaves
 * nothing behind. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/edge.h>
#include <weft/smtp.h>

#include "disk/sync_path.h"

enum { BLOCK_BYTES = 256 << 10, NAME_BYTES = 128, PATH_BYTES = 4096 };

/* ---- files, shared */

typedef struct maildir_file {
    atomic_uint
        shares; /* relaxed up; acquire and release down: the last sees all that was written to it */
    int fd;
    bool made, delivered;
    const char *folder;
    char name[NAME_BYTES];
} maildir_file;

static bool path_in(const maildir_file *f, const char *sub, const char *name, char out[PATH_BYTES])
{
    int n =
        snprintf(out, PATH_BYTES, "%s/%s%s%s", f->folder, sub, name[0] != '\0' ? "/" : "", name);
    return n > 0 && n < PATH_BYTES;
}

static void file_drop(maildir_file *f)
{
    char path[PATH_BYTES];
    if (f == NULL || atomic_fetch_sub_explicit(&f->shares, 1, memory_order_acq_rel) != 1)
        return;
    if (f->fd >= 0)
        (void)close(f->fd);
    if (f->made && !f->delivered && path_in(f, "tmp", f->name, path))
        (void)unlink(path);
    weft_alloc_free(f);
}

/* What the pool is asked: to write, and to deliver with the last. */
typedef struct maildir_write {
    maildir_file *file;
    weft_bytes bytes;
    bool last;
} maildir_write;
typedef struct maildir_written {
    char nothing;
} maildir_written;

static void write_share(void *body)
{
    maildir_file *f = ((maildir_write *)body)->file;
    (void)atomic_fetch_add_explicit(&f->shares, 1, memory_order_relaxed);
}

static void write_release(void *body)
{
    file_drop(((maildir_write *)body)->file);
}

static const weft_type maildir_written_type =
    WEFT_TYPE("weft.maildir_written", maildir_written, NULL);
static const weft_type maildir_write_type = {.name = "weft.maildir_write",
                                             .size = sizeof(maildir_write),
                                             .bytes = 1 + (uint32_t)offsetof(maildir_write, bytes),
                                             .reply = &maildir_written_type,
                                             .share = write_share,
                                             .release = write_release};

/* ---- on the pool */

static weft_err failed(weft_msg *msg, const maildir_file *f, const char *what)
{
    bool full = errno == ENOSPC || errno == EDQUOT;
    return weft_fail(msg, full ? WEFT_EFULL : WEFT_EIO, "unable to %s in %.80s: %s", what,
                     f->folder, strerror(errno));
}

/* What is in a folder is safe only when the folder's own name is. */
static bool make_folders(const maildir_file *f)
{
    static const char *const names[] = {"", "tmp", "new", "cur"};
    char path[PATH_BYTES];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!path_in(f, names[i], "", path) || (mkdir(path, 0700) != 0 && errno != EEXIST))
            return false;
    return path_in(f, "", "", path) && wf_sync_path(path, O_DIRECTORY) &&
           path_in(f, "..", "", path) && wf_sync_path(path, O_DIRECTORY);
}

static bool open_file(maildir_file *f)
{
    char path[PATH_BYTES];
    if (!path_in(f, "tmp", f->name, path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    f->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (f->fd < 0 && errno == ENOENT && make_folders(f))
        f->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    f->made = f->fd >= 0;
    return f->made;
}

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

static bool deliver(maildir_file *f)
{
    char from[PATH_BYTES], to[PATH_BYTES];
    if (!path_in(f, "tmp", f->name, from) || !path_in(f, "new", f->name, to)) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = f->fd;
    if (fsync(fd) != 0)
        return false;
    f->fd = -1;
    /* some file systems say only here that there was no room */
    if (close(fd) != 0)
        return false;
    bool moved = rename(from, to) == 0;
    if (!moved && errno == ENOENT && make_folders(f)) /* "new" may be missing alone */
        moved = rename(from, to) == 0;
    if (!moved)
        return false;
    f->delivered = true;
    /* a file's name is safe only when its folder is */
    return path_in(f, "new", "", to) && wf_sync_path(to, O_DIRECTORY);
}

static weft_err on_write(weft_actor *self, weft_msg *msg)
{
    const maildir_write *asked = weft_body(msg);
    maildir_file *f = asked->file;
    (void)self;
    if (f->fd < 0 && !open_file(f))
        return failed(msg, f, "make a file");
    if (!write_all(f->fd, asked->bytes.at, asked->bytes.size))
        return failed(msg, f, "write a message");
    if (asked->last && !deliver(f))
        return failed(msg, f, "deliver a message");
    return weft_reply(msg, maildir_written, .nothing = 0);
}

/* ---- the actor */

typedef struct maildir {
    weft_msg *request, *held; /* @held: data there is no room for */
    maildir_file *file;
    weft_bytes block;
    uint8_t *to;
    size_t n;
    bool writing, ended;
} maildir;

static void put(maildir *m, const void *at, size_t n)
{
    memcpy(m->to + m->n, at, n);
    m->n += n;
}

static weft_err fail(weft_actor *self, maildir *m, weft_err err, const char *why)
{
    weft_log(self, WEFT_ERROR, "a message cannot be delivered: %s", why);
    /* what the system said is for the log */
    (void)weft_fail(m->request, err, NULL);
    return weft_stop(self, WEFT_OK);
}

/* A fresh block, the one before being the pool's. */
static weft_err new_block(maildir *m)
{
    weft_bytes_drop(&m->block);
    m->n = 0;
    return weft_bytes_new(BLOCK_BYTES, &m->to, &m->block);
}

static weft_err on_written(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    maildir *m = got->context;
    (void)next;
    m->writing = false;
    if (got->err != WEFT_OK)
        return fail(self, m, got->err, got->why);
    if (m->ended) {
        (void)weft_reply(m->request, weft_smtp_status, .code = 0);
        return weft_stop(self, WEFT_OK);
    }
    if (m->held != NULL) {
        const weft_data *data = weft_body(m->held);
        if (new_block(m) != WEFT_OK)
            return fail(self, m, WEFT_ENOMEM, "no memory");
        put(m, data->bytes.at, data->bytes.size);
        weft_drop(&m->held);
    }
    return WEFT_OK;
}

static void write_block(weft_actor *self, maildir *m)
{
    maildir_write asked = {.file = m->file, .bytes = m->block, .last = m->ended};
    asked.bytes.size = m->n;
    m->n = 0;
    weft_deferred written =
        weft_ask_pool_body(self, on_write, &maildir_write_type, &asked, WEFT_NO_LIMIT);
    m->writing = weft_ignore(self, weft_finally_with(self, written, on_written, m)) == WEFT_OK;
    if (!m->writing)
        (void)fail(self, m, WEFT_ENOMEM, "no memory");
}

/* Seconds, microseconds, and a number that nobody else has. */
static void name_file(weft_actor *self, maildir_file *f, const char *id)
{
    uint64_t ns = weft_wall_ns(self);
    char host[64] = "localhost";
    (void)gethostname(host, sizeof host);
    host[sizeof host - 1] = '\0';
    for (char *c = host; *c != '\0'; c++)
        if (*c == '/' || *c == ':')
            *c = '_';
    (void)snprintf(f->name, sizeof f->name, "%" PRIu64 ".M%" PRIu64 "R%s.%s", ns / 1000000000U,
                   ns / 1000 % 1000000, id, host);
}

static weft_err on_message(weft_actor *self, weft_msg *msg)
{
    maildir *m = weft_state(self);
    const weft_smtp_message *message = weft_body(msg);
    const weft_smtp_maildir_config *config = weft_config(self);
    char line[WEFT_SMTP_ADDRESS_BYTES + sizeof "Return-Path: <>\r\n"];
    m->file = weft_alloc_zero(sizeof *m->file);
    if (m->file == NULL)
        return WEFT_ENOMEM;
    atomic_init(&m->file->shares, 1);
    m->file->fd = -1;
    m->file->folder = config->path;
    name_file(self, m->file, message->id);
    weft_err err = new_block(m);
    if (err != WEFT_OK)
        return err;
    m->request = weft_keep(msg);
    /* "When the delivery SMTP server makes the 'final delivery' of a message, it inserts a return-path line" */
    int n = snprintf(line, sizeof line, "Return-Path: <%s>\r\n", message->from);
    put(m, line, (size_t)n);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    maildir *m = weft_state(self);
    const weft_data *data = weft_body(msg);
    if (m->request == NULL)
        return WEFT_OK;
    if (!m->writing && data->bytes.size <= BLOCK_BYTES - m->n) {
        put(m, data->bytes.at, data->bytes.size);
        return WEFT_OK;
    }
    m->held = weft_keep(msg);
    if (!m->writing)
        write_block(self, m);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    maildir *m = weft_state(self);
    (void)msg;
    m->ended = true;
    if (m->request != NULL)
        write_block(self, m);
    return WEFT_OK;
}

static void on_over(weft_actor *self, weft_err reason)
{
    maildir *m = weft_state(self);
    (void)reason;
    weft_drop(&m->held);
    weft_drop(&m->request);
    weft_bytes_drop(&m->block);
    file_drop(m->file);
}

static const weft_handler handlers[] = {
    {.type = &weft_smtp_message_type, .fn = on_message},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {0},
};

const weft_behaviour weft_smtp_maildir = {
    .name = "maildir", .handlers = handlers, .state_bytes = sizeof(maildir), .ended = on_over};
