/* SPDX-License-Identifier: MIT */
#include "sync_path.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool wf_sync_path(const char *path, int flags)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    bool ok = fd >= 0 && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = why;
    return ok;
}
