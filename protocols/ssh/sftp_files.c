/* SPDX-License-Identifier: MIT */
/* What is done by a path alone: attributes, names, links, folders.
 *
 * Each path is opened beneath the root, or the folder it is in is, and the rest is done with that descriptor, so
 * that a link put in the way meanwhile leads nowhere. */
#include "sftp_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sftp_path.h"

/* What is open by its path alone has no other way to its mode than by the name the kernel has for it. */
static int set_mode(int fd, mode_t mode)
{
    char name[32];
    if (fchmod(fd, mode) == 0)
        return 0;
    if (errno != EBADF)
        return errno;
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return chmod(name, mode) == 0 ? 0 : errno;
}

int wf_sftp_set_attrs(const wf_sftp *s, int fd, const wf_sftp_attrs *a)
{
    if ((a->has & SFTP_HAS_MODE) != 0 && !s->own && (a->mode & (S_ISUID | S_ISGID)) != 0)
        return EPERM;
    if ((a->has & SFTP_HAS_SIZE) != 0 &&
        (a->size > (uint64_t)INT64_MAX || ftruncate(fd, (off_t)a->size) != 0))
        return a->size > (uint64_t)INT64_MAX ? EFBIG : errno;
    if ((a->has & SFTP_HAS_IDS) != 0 && fchownat(fd, "", a->uid, a->gid, AT_EMPTY_PATH) != 0)
        return errno;
    int e = (a->has & SFTP_HAS_MODE) != 0 ? set_mode(fd, a->mode & 07777) : 0;
    if (e == 0 && (a->has & SFTP_HAS_TIMES) != 0) {
        const struct timespec times[2] = {{.tv_sec = a->atime}, {.tv_sec = a->mtime}};
        e = utimensat(fd, "", times, AT_EMPTY_PATH) == 0 ? 0 : errno;
    }
    return e;
}

static int set_by_path(const wf_sftp *s, const char *path, const wf_sftp_attrs *attrs)
{
    int how = (attrs->has & SFTP_HAS_SIZE) != 0 ? O_WRONLY : O_RDONLY;
    int fd = wf_sftp_path_open(s->root, path, how | O_NONBLOCK | O_NOCTTY, 0);
    /* whose it is may change what there is to say of it, and need not be able to read it */
    if (fd < 0 && errno == EACCES && how == O_RDONLY)
        fd = wf_sftp_path_open(s->root, path, O_PATH, 0);
    if (fd < 0)
        return errno;
    int e = wf_sftp_set_attrs(s, fd, attrs);
    (void)close(fd);
    return e;
}

static int look(const wf_sftp *s, const char *path, bool follow, struct stat *st)
{
    const char *name = "";
    int fd = follow || path[0] == '\0' ? wf_sftp_path_open(s->root, path, O_PATH, 0)
                                       : wf_sftp_path_parent(s->root, path, &name);
    if (fd < 0)
        return errno;
    int e = fstatat(fd, name, st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0 ? 0 : errno;
    (void)close(fd);
    return e;
}

static void put_attrs(const wf_sftp *s, const wf_sftp_request *r, const char *path,
                      wf_sftp_out *out)
{
    struct stat st;
    wf_sftp_attrs attrs;
    int e = look(s, path, r->type == SFTP_STAT, &st);
    if (e != 0) {
        wf_sftp_fail(out, r->id, e);
        return;
    }
    wf_sftp_attrs_of(&st, &attrs);
    wf_sftp_begin(out, SFTP_ATTRS, r->id);
    wf_sftp_put_attrs(out, &attrs);
    (void)wf_sftp_end(out);
}

static void put_one_name(const wf_sftp_request *r, const char *name, size_t n, wf_sftp_out *out)
{
    const wf_sftp_attrs none = {0};
    wf_sftp_begin(out, SFTP_NAME, r->id);
    wf_sftp_put32(out, 1);
    wf_sftp_put_text(out, name, n);
    wf_sftp_put_text(out, name, n);
    wf_sftp_put_attrs(out, &none);
    (void)wf_sftp_end(out);
}

static void put_real_path(const wf_sftp_request *r, const char *path, wf_sftp_out *out)
{
    char text[PATH_MAX + 1];
    int n = snprintf(text, sizeof text, "/%s", path);
    put_one_name(r, text, (size_t)n, out);
}

static void put_link(const wf_sftp *s, const wf_sftp_request *r, const char *path, wf_sftp_out *out)
{
    char text[PATH_MAX];
    const char *name;
    int fd = wf_sftp_path_parent(s->root, path, &name);
    ssize_t n = fd < 0 ? -1 : readlinkat(fd, name, text, sizeof text);
    int e = errno;
    if (fd >= 0)
        (void)close(fd);
    if (n < 0)
        wf_sftp_fail(out, r->id, e);
    else
        put_one_name(r, text, (size_t)n, out);
}

/* ---- changes */

static int change_one(const wf_sftp *s, const wf_sftp_request *r, const char *path)
{
    const char *name;
    mode_t mode = wf_sftp_mode(s, r, 0777);
    int fd = wf_sftp_path_parent(s->root, path, &name), rc = -1;
    if (fd < 0)
        return errno;
    if (r->type == SFTP_REMOVE)
        rc = unlinkat(fd, name, 0);
    else if (r->type == SFTP_RMDIR)
        rc = unlinkat(fd, name, AT_REMOVEDIR);
    else
        rc = mkdirat(fd, name, mode);
    int e = rc == 0 ? 0 : errno;
    (void)close(fd);
    return e;
}

/* A link may say anything: it is followed beneath the root or not at all. */
static int make_link(const wf_sftp *s, const wf_sftp_request *r)
{
    char path[PATH_MAX], target[PATH_MAX];
    const char *name;
    /* OpenSSH's order, which is not the draft's: the target comes first */
    if (!wf_sftp_path(r->path2, path) || r->path.size >= PATH_MAX ||
        memchr(r->path.at, 0, r->path.size) != NULL)
        return ENAMETOOLONG;
    memcpy(target, r->path.at, r->path.size);
    target[r->path.size] = '\0';
    int fd = wf_sftp_path_parent(s->root, path, &name);
    if (fd < 0)
        return errno;
    int e = symlinkat(target, fd, name) == 0 ? 0 : errno;
    (void)close(fd);
    return e;
}

static int move(const wf_sftp *s, const wf_sftp_request *r)
{
    char from[PATH_MAX], to[PATH_MAX];
    const char *from_name, *to_name;
    int e, a, b;
    if (!wf_sftp_path(r->path, from) || !wf_sftp_path(r->path2, to))
        return ENAMETOOLONG;
    a = wf_sftp_path_parent(s->root, from, &from_name);
    if (a < 0)
        return errno;
    b = wf_sftp_path_parent(s->root, to, &to_name);
    if (b < 0)
        e = errno;
    else if (r->flags == 2)
        e = linkat(a, from_name, b, to_name, 0) == 0 ? 0 : errno;
    else /* section 6.5: it is an error if the new name is there; of the extension it is none */
        e = renameat2(a, from_name, b, to_name, r->flags == 1 ? 0 : RENAME_NOREPLACE) == 0 ? 0
                                                                                           : errno;
    (void)close(a);
    if (b >= 0)
        (void)close(b);
    return e;
}

static int change(const wf_sftp *s, const wf_sftp_request *r, const char *path)
{
    if (s->read_only)
        return EROFS;
    switch (r->type) {
    case SFTP_SETSTAT:
        return set_by_path(s, path, &r->attrs);
    case SFTP_RENAME:
    case SFTP_EXTENDED:
        return move(s, r);
    case SFTP_SYMLINK:
        return make_link(s, r);
    default:
        return change_one(s, r, path);
    }
}

void wf_sftp_files(wf_sftp *s, const wf_sftp_request *r, wf_sftp_out *out)
{
    char path[PATH_MAX];
    if (r->type < SFTP_LSTAT || (r->type > SFTP_SYMLINK && r->type != SFTP_EXTENDED) ||
        (r->type == SFTP_EXTENDED && r->flags == 0)) {
        (void)wf_sftp_put_status(out, r->id, SFTP_OP_UNSUPPORTED, "it is not known here");
        return;
    }
    if (!wf_sftp_path(r->path, path) && r->type != SFTP_SYMLINK) {
        wf_sftp_fail(out, r->id, ENAMETOOLONG);
        return;
    }
    if (r->type == SFTP_STAT || r->type == SFTP_LSTAT) {
        put_attrs(s, r, path, out);
    } else if (r->type == SFTP_REALPATH) {
        put_real_path(r, path, out);
    } else if (r->type == SFTP_READLINK) {
        put_link(s, r, path, out);
    } else {
        int e = change(s, r, path);
        if (e != 0)
            wf_sftp_fail(out, r->id, e);
        else
            (void)wf_sftp_put_status(out, r->id, SFTP_OK, "done");
    }
}
