/* SPDX-License-Identifier: MIT */
/* Paths below a root, opened by the kernel so that nothing leads out of it. */
#include "sftp_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A rename beside a lookup has the kernel give up; it says so, and may be asked again. */
enum { TRIES_MAX = 8 };

static void up(char out[PATH_MAX], size_t *n)
{
    while (*n > 0 && out[*n - 1] != '/')
        --*n;
    if (*n > 0)
        --*n;
}

bool wf_sftp_path(wf_sftp_text text, char out[PATH_MAX])
{
    /* a path that is not there has no place to which anything may be added */
    const char *at = text.size != 0 ? (const char *)text.at : "", *end = at + text.size;
    size_t n = 0;
    if (text.size >= PATH_MAX || (text.size != 0 && memchr(at, 0, text.size) != NULL))
        return false;
    while (at < end) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        size_t part = (size_t)((slash != NULL ? slash : end) - at);
        if (part == 2 && at[0] == '.' && at[1] == '.') {
            up(out, &n);
        } else if (part != 0 && !(part == 1 && at[0] == '.')) {
            if (n != 0)
                out[n++] = '/';
            memcpy(out + n, at, part);
            n += part;
        }
        at += part + (slash != NULL);
    }
    out[n] = '\0';
    return true;
}

int wf_sftp_path_open(int root, const char *path, int flags, unsigned mode)
{
    struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC,
                           .mode = (flags & O_CREAT) != 0 ? mode : 0,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = -1;
    for (int i = 0; i < TRIES_MAX; i++) {
        fd = (int)syscall(SYS_openat2, root, path[0] == '\0' ? "." : path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return fd;
}

int wf_sftp_path_parent(int root, const char *path, const char **name)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash != NULL ? (size_t)(slash - path) : 0;
    if (path[0] == '\0') {
        errno = EINVAL;
        return -1;
    }
    memcpy(folder, path, n);
    folder[n] = '\0';
    *name = slash != NULL ? slash + 1 : path;
    return wf_sftp_path_open(root, folder, O_PATH | O_DIRECTORY, 0);
}
