/* SPDX-License-Identifier: MIT */
/* The files of the resolver: looked at now and then, the hosts file read. */
#include "resolver_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <weft/log.h>

static wf_file_mark mark_of(const struct stat *st)
{
    return (wf_file_mark){.device = st->st_dev,
                          .inode = st->st_ino,
                          .size = st->st_size,
                          .changed = st->st_ctim,
                          .modified = st->st_mtim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool mark_same(const wf_file_mark *a, const wf_file_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(&a->changed, &b->changed) && same_time(&a->modified, &b->modified);
}

/* Whether @path is another than it was. */
static bool changed(const char *path, wf_file_mark *mark)
{
    struct stat st;
    wf_file_mark now = {.size = 0};
    if (*path != '\0' && stat(path, &st) == 0)
        now = mark_of(&st);
    if (mark_same(&now, mark))
        return false;
    *mark = now;
    return true;
}

/* The bytes of the file, at most WF_HOSTS_BYTES_MAX. errors: NULL with @err. */
static char *read_all(const char *path, size_t *size, weft_err *err)
{
    char *text = weft_alloc(WF_HOSTS_BYTES_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = 0;
    *size = 0;
    *err = text == NULL ? WEFT_ENOMEM : fd < 0 ? weft_err_from_errno(errno) : WEFT_OK;
    while (*err == WEFT_OK && *size < WF_HOSTS_BYTES_MAX) {
        n = read(fd, text + *size, WF_HOSTS_BYTES_MAX - *size);
        if (n <= 0)
            break;
        *size += (size_t)n;
    }
    if (*err == WEFT_OK && n < 0)
        *err = weft_err_from_errno(errno);
    if (fd >= 0)
        (void)close(fd);
    if (*err == WEFT_OK)
        return text;
    weft_alloc_free(text);
    return NULL;
}

static void read_hosts(wf_resolver_files *f, weft_actor *self, const char *path)
{
    weft_err err;
    size_t size;
    wf_hosts_free(&f->hosts);
    if (f->hosts_mark.inode == 0)
        return;
    char *text = read_all(path, &size, &err);
    if (text != NULL) {
        f->hosts = wf_hosts_read(text, size);
        err = f->hosts != NULL ? WEFT_OK : WEFT_ENOMEM;
    }
    if (err != WEFT_OK)
        weft_log(self, WEFT_ERROR, "unable to read %s: %s", path, weft_err_text(err));
    else if (size == WF_HOSTS_BYTES_MAX)
        weft_log(self, WEFT_WARNING, "%s: what is behind the first %d bytes was not read", path,
                 WF_HOSTS_BYTES_MAX);
    weft_alloc_free(text);
}

wf_files_changed wf_resolver_files_look(wf_resolver_files *f, weft_actor *self,
                                        const weft_resolver_options *options, bool again)
{
    wf_files_changed out = {.resolv_conf = again};
    uint32_t now_ms = weft_now_ms(self);
    if (f->looked && !again && now_ms - f->looked_ms < options->look_ms)
        return out;
    f->looked = true;
    f->looked_ms = now_ms;
    out.resolv_conf = changed(options->resolv_conf, &f->resolv_conf_mark) || again;
    out.hosts = changed(options->hosts, &f->hosts_mark);
    if (out.hosts)
        read_hosts(f, self, options->hosts);
    return out;
}

void wf_resolver_files_done(wf_resolver_files *f)
{
    wf_hosts_free(&f->hosts);
}
