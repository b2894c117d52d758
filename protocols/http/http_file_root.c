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
#include <sys/uio.h>
#include <unistd.h>

#include <weft/edge.h>
#include <weft/testing.h>

/* A rename that runs beside a lookup makes the kernel give up; it says so, and may be asked again.
 */
#define RENAMED_TRIES_MAX 8

/* Without O_NONBLOCK a pipe without a writer would hold the reactor. */
#define READ_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define LOOK_FLAGS (O_PATH | O_CLOEXEC)

static weft_err failed(int error, const char *path, weft_why *why)
{
    switch (error) {
    case EAGAIN:
        return weft_because(why, WF_HTTP_FILE_COLD, "\"%.120s\" is not in memory", path);
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

/* ---- what must not wait */

/* In a simulation a draw says it, and what the kernel has in memory makes no difference. */
static bool is_cold(const wf_http_file_root *root)
{
    return root->sim != NULL && weft_sim_chance(root->sim, weft_sim_faults_of(root->sim)->cold);
}

static int open_how(int root, const char *path, int flags, unsigned long long resolve)
{
    struct open_how how = {.flags = (unsigned)flags, .resolve = resolve};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

/* Only what is in the kernel's memory of paths. Without openat2, or its RESOLVE_CACHED (Linux 5.12),
 * nothing is known to be. */
static int open_cached(int root, const char *path, int flags, unsigned long long resolve)
{
    int fd = open_how(root, path, flags, resolve | RESOLVE_CACHED);

    if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL || errno == EINTR))
        errno = EAGAIN;
    return fd;
}

static ssize_t read_cached(int fd, void *to, size_t n, off_t offset)
{
    struct iovec piece = {to, n};
    ssize_t r = preadv2(fd, &piece, 1, offset, RWF_NOWAIT);

    if (r < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR))
        errno = EAGAIN;
    return r;
}

/* ---- one path */

#define BENEATH (RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)

static int open_beneath(int root, const char *path, int flags)
{
    int fd = -1;

    for (int i = 0; i < RENAMED_TRIES_MAX; i++) {
        fd = open_how(root, path, flags, BENEATH);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    /* the last rename was in the way, too: what is asked for may be there or not */
    if (fd < 0 && errno == EAGAIN)
        errno = EIO;
    return fd;
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
    if (root->hasty && (is_cold(root) || (root->walk && root->sim == NULL))) {
        errno = EAGAIN;
        return -1;
    }
    if (root->hasty && root->sim == NULL)
        return open_cached(root->fd, path, flags, root->follow ? 0 : BENEATH);
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

weft_err wf_http_file_read(const wf_http_file_root *root, int fd, uint64_t offset, void *to,
                           size_t n, size_t *got)
{
    bool cached = root->hasty && root->sim == NULL;
    char *at = to;

    *got = 0;
    if (root->hasty && is_cold(root))
        return WF_HTTP_FILE_COLD;
    while (*got < n) {
        off_t from = (off_t)(offset + *got);
        ssize_t r = cached ? read_cached(fd, at + *got, n - *got, from)
                           : pread(fd, at + *got, n - *got, from);
        if (r == 0)
            break;
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return errno == EAGAIN ? WF_HTTP_FILE_COLD : WEFT_EIO;
        *got += (size_t)r;
    }
    return WEFT_OK;
}

void wf_http_file_read_ahead(int fd, uint64_t bytes)
{
    /* advice: a file system that knows nothing of it does without */
    (void)posix_fadvise(fd, 0, (off_t)bytes, POSIX_FADV_WILLNEED);
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
    bool cached = root->hasty && root->sim == NULL;
    int fd = cached ? open_cached(root->cwd, root->path, LOOK_FLAGS | O_DIRECTORY, 0)
                    : openat(root->cwd, root->path, LOOK_FLAGS | O_DIRECTORY);

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
    /* one that is hasty was opened by openat2 */
    root->walk = root->walk || (!cached && !has_openat2(fd));
    return WEFT_OK;
}

weft_err wf_http_file_root_begin(wf_http_file_root *root, weft_why *why)
{
    if (root->cwd >= 0 || root->path[0] == '/')
        return WEFT_OK;
    /* where the program is, is always in memory */
    root->cwd = open(".", LOOK_FLAGS | O_DIRECTORY);
    return root->cwd >= 0 ? WEFT_OK : failed(errno, ".", why);
}

weft_err wf_http_file_root_refresh(wf_http_file_root *root, weft_why *why)
{
    struct stat st;
    weft_err err = wf_http_file_root_begin(root, why);

    if (err != WEFT_OK)
        return err;
    if (root->hasty && is_cold(root))
        return WF_HTTP_FILE_COLD;
    /* a look by path may wait: a hasty one opens it again, and looks at that */
    if (root->hasty && root->sim == NULL)
        return open_root(root, why);
    if (root->fd >= 0 && fstatat(root->cwd, root->path, &st, 0) == 0 && st.st_dev == root->device &&
        st.st_ino == root->inode)
        return WEFT_OK;
    return open_root(root, why);
}

weft_err wf_http_file_root_below(const wf_http_file_root *from, const char *path,
                                 wf_http_file_root *root, weft_why *why)
{
    wf_http_found found = {.fd = -1};
    weft_err err = open_as(from, path, LOOK_FLAGS | O_DIRECTORY, &found, why);

    if (err != WEFT_OK)
        return err;
    root->walk = from->walk;
    root->fd = found.fd;
    root->device = found.stamp.device;
    root->inode = found.stamp.inode;
    return WEFT_OK;
}

void wf_http_file_root_adopt(wf_http_file_root *root, wf_http_file_root *from)
{
    root->walk = root->walk || from->walk;
    if (from->fd < 0 ||
        (root->fd >= 0 && root->device == from->device && root->inode == from->inode))
        return;
    if (root->fd >= 0)
        (void)close(root->fd);
    root->fd = from->fd;
    root->device = from->device;
    root->inode = from->inode;
    from->fd = -1;
}

void wf_http_file_root_done(wf_http_file_root *root)
{
    if (root->fd >= 0)
        (void)close(root->fd);
    if (root->cwd >= 0)
        (void)close(root->cwd);
    root->fd = root->cwd = -1;
}
