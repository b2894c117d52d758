/* SPDX-License-Identifier: MIT */
/* Open files in queues: a descriptor with a count. */
#include <stdatomic.h>
#include <unistd.h>

#include <weft/edge.h>
#include <weft/stream.h>

struct weft_file {
    _Atomic uint32_t refs;
    int fd;
};

weft_file *weft_file_new(int fd)
{
    weft_file *file = weft_alloc(sizeof *file);
    if (file == NULL) {
        (void)close(fd);
        return NULL;
    }
    atomic_init(&file->refs, 1);
    file->fd = fd;
    return file;
}

weft_file *weft_file_share(weft_file *file)
{
    atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
    return file;
}

void weft_file_drop(weft_file **at)
{
    weft_file *file = *at;
    *at = NULL;
    /* acquire and release: whoever used the descriptor last did so before it is closed */
    if (file == NULL || atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) != 1)
        return;
    (void)close(file->fd);
    weft_alloc_free(file);
}

int weft_file_fd(const weft_file *file)
{
    return file->fd;
}
