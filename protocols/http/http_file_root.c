/* SPDX-License-Identifier: MIT */
/* Opening files below a root, and nothing else. */
#include "http_file_root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A rename that runs beside a lookup makes the kernel give up; it says so, and may be asked again.
 */
#define RENAMED_TRIES_MAX 8

/* Without O_NONBLOCK a pipe without a writer would hold the reactor. */
#define READ_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define LOOK_FLAGS (O_PATH | O_CLOEXEC)

static weft_err failed(int error, const char *path, weft_why *why)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP: /* links in a circle, or any link where none is followed */
    case EXDEV: /* out of the root */
    case ENXIO: /* a socket */
    case ENODEV:
        return weft_because(why, WEFT_ENOTFOUND, "there is no file \"%.120s\"", path);
    case EACCES:
    case EPERM:
        return weft_because(why, WEFT_EDENIED, "no permission to read \"%.120s\"", path);
    case EMFILE:
    case ENFILE:
        return weft_because(why, WEFT_ELIMIT, "no descriptor left to open \"%.100s\"", path);
    case ENOMEM:
        return weft_because(why, WEFT_ENOMEM, "no memory to open \"%.120s\"", path);
    default:
        return weft_because(why, WEFT_EIO, "unable to open \"%.100s\": %s", path,
                            strerrordesc_np(error));
    }
}

/* ---- one path */

static int open_beneath(int root, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)flags,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd = -1;

    for (int i = 0; i < RENAMED_TRIES_MAX; i++) {
        fd = syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return (int)fd;
}

/* Opens one folder after the other and follows no link. The path has no "." or "..", so there is no
 * way up either. */
static int open_walking(int root, const char *path, int flags)
{
    char name[NAME_MAX + 1];
    int at = root, next = -1;

    for (;;) {
        size_t n = strcspn(path, "/");
        bool last = path[n] == '\0';
        if (n >= sizeof name) {
            errno = ENAMETOOLONG;
            next = -1;
        } else {
            memcpy(name, path, n);
            name[n] = '\0';
            next = openat(at, name, O_NOFOLLOW | (last ? flags : LOOK_FLAGS | O_DIRECTORY));
        }
        int error = errno;
        if (at != root)
            (void)close(at);
        errno = error;
        if (next < 0 || last)
            return next;
        at = next;
        path += n + 1;
    }
}

static int open_path(const wf_http_file_root *root, const char *path, int flags)
{
    if (path[0] == '\0')
        path = ".";
    if (root->follow)
        return openat(root->fd, path, flags);
    return root->walk ? open_walking(root->fd, path, flags) : open_beneath(root->fd, path, flags);
}

static int64_t in_ns(struct timespec t)
{
    int64_t ns;
    if (__builtin_mul_overflow(t.tv_sec, INT64_C(1000000000), &ns) ||
        __builtin_add_overflow(ns, t.tv_nsec, &ns))
        return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

static wf_http_found found_of(int fd, const struct stat *st)
{
    return (wf_http_found){
        .fd = fd,
        .kind = S_ISREG(st->st_mode)   ? WF_HTTP_FOUND_FILE
                : S_ISDIR(st->st_mode) ? WF_HTTP_FOUND_FOLDER
                : S_ISLNK(st->st_mode) ? WF_HTTP_FOUND_LINK
                                       : WF_HTTP_FOUND_OTHER,
        .stamp = {.device = st->st_dev,
                  .inode = st->st_ino,
                  .size = (uint64_t)st->st_size,
                  .mtime_ns = in_ns(st->st_mtim),
                  .ctime_ns = in_ns(st->st_ctim)},
    };
}

static weft_err open_as(const wf_http_file_root *root, const char *path, int flags,
                        wf_http_found *found, weft_why *why)
{
    struct stat st;
    int fd = open_path(root, path, flags);

    if (fd < 0)
        return failed(errno, path, why);
    if (fstat(fd, &st) < 0) {
        int error = errno;
        (void)close(fd);
        return failed(error, path, why);
    }
    /* followed nowhere, a link itself is what O_PATH opens */
    if (S_ISLNK(st.st_mode)) {
        (void)close(fd);
        return failed(ELOOP, path, why);
    }
    *found = found_of(fd, &st);
    return WEFT_OK;
}

weft_err wf_http_file_open(const wf_http_file_root *root, const char *path, wf_http_found *found,
                           weft_why *why)
{
    return open_as(root, path, READ_FLAGS, found, why);
}

weft_err wf_http_file_look(const wf_http_file_root *root, const char *path, wf_http_found *found,
                           weft_why *why)
{
    weft_err err = open_as(root, path, LOOK_FLAGS, found, why);
    if (err == WEFT_OK) {
        (void)close(found->fd);
        found->fd = -1;
    }
    return err;
}

weft_err wf_http_file_look_in(int folder, const char *name, wf_http_found *found)
{
    struct stat st;

    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return failed(errno, name, NULL);
    *found = found_of(-1, &st);
    return WEFT_OK;
}

weft_err wf_http_file_stamp(int fd, wf_http_stamp *stamp)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return WEFT_EIO;
    *stamp = found_of(fd, &st).stamp;
    return WEFT_OK;
}

weft_err wf_http_file_read(int fd, uint64_t offset, void *to, size_t n, size_t *got)
{
    char *at = to;

    *got = 0;
    while (*got < n) {
        ssize_t r = pread(fd, at + *got, n - *got, (off_t)(offset + *got));
        if (r == 0)
            break;
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return WEFT_EIO;
        *got += (size_t)r;
    }
    return WEFT_OK;
}

/* ---- the root itself */

/* Whether openat2 is there: not before Linux 5.6, nor where a sandbox does not know it. */
static bool has_openat2(int root)
{
    int fd = open_beneath(root, ".", LOOK_FLAGS);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0 || (errno != ENOSYS && errno != EPERM);
}

static weft_err open_root(wf_http_file_root *root, weft_why *why)
{
    struct stat st;
    int fd = openat(root->cwd, root->path, LOOK_FLAGS | O_DIRECTORY);

    if (fd < 0 || fstat(fd, &st) < 0) {
        int error = errno;
        if (fd >= 0)
            (void)close(fd);
        return failed(error, root->path, why);
    }
    if (root->fd >= 0)
        (void)close(root->fd);
    root->fd = fd;
    root->device = st.st_dev;
    root->inode = st.st_ino;
    root->walk = root->walk || !has_openat2(fd);
    return WEFT_OK;
}

weft_err wf_http_file_root_refresh(wf_http_file_root *root, weft_why *why)
{
    struct stat st;

    if (root->cwd < 0 && root->path[0] != '/') {
        root->cwd = open(".", LOOK_FLAGS | O_DIRECTORY);
        if (root->cwd < 0)
            return failed(errno, ".", why);
    }
    if (root->fd >= 0 && fstatat(root->cwd, root->path, &st, 0) == 0 && st.st_dev == root->device &&
        st.st_ino == root->inode)
        return WEFT_OK;
    return open_root(root, why);
}

void wf_http_file_root_done(wf_http_file_root *root)
{
    if (root->fd >= 0)
        (void)close(root->fd);
    if (root->cwd >= 0)
        (void)close(root->cwd);
    root->fd = root->cwd = -1;
}
