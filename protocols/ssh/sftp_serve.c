/* SPDX-License-Identifier: MIT */
/* Handles: opening, reading, writing, closing. What is done by path alone is in sftp_files.c. */
#include "sftp_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sftp_path.h"

enum { VERSION = 3, TYPE_AT = 4, HANDLE_BYTES = 8, STATUS_ROOM = 512 };

void wf_sftp_fail(wf_sftp_out *out, uint32_t id, int e)
{
    wf_sftp_status status = SFTP_FAILURE;
    if (e == ENOENT || e == ENOTDIR || e == ELOOP || e == ENAMETOOLONG)
        status = SFTP_NO_SUCH_FILE;
    else if (e == EACCES || e == EPERM || e == EROFS || e == EXDEV)
        status = SFTP_PERMISSION_DENIED;
    const char *text = e == EXDEV ? "it leads out of the root" : strerrordesc_np(e);
    (void)wf_sftp_put_status(out, id, status, text != NULL ? text : "failure");
}

/* ---- handles: the number and how often it was used, so that an old one is no new one */

static void put_handle(const wf_sftp *s, const wf_sftp_handle *h, uint32_t id, wf_sftp_out *out)
{
    uint8_t text[HANDLE_BYTES];
    uint32_t words[2] = {(uint32_t)(h - s->handles), h->gen};
    memcpy(text, words, sizeof text);
    wf_sftp_begin(out, SFTP_HANDLE, id);
    wf_sftp_put_text(out, text, sizeof text);
    (void)wf_sftp_end(out);
}

static wf_sftp_handle *handle_of(wf_sftp *s, wf_sftp_text text)
{
    uint32_t words[2];
    if (text.size != HANDLE_BYTES)
        return NULL;
    memcpy(words, text.at, sizeof words);
    if (words[0] >= s->handles_max || s->handles[words[0]].fd < 0 ||
        s->handles[words[0]].gen != words[1])
        return NULL;
    return &s->handles[words[0]];
}

static wf_sftp_handle *handle_new(wf_sftp *s)
{
    for (uint32_t i = 0; i < s->handles_max; i++)
        if (s->handles[i].fd < 0)
            return &s->handles[i];
    return NULL;
}

static int handle_close(wf_sftp_handle *h)
{
    int rc = h->dir != NULL ? closedir(h->dir) : close(h->fd);
    *h = (wf_sftp_handle){.fd = -1, .gen = h->gen + 1};
    return rc == 0 ? 0 : errno;
}

static void put_end(wf_sftp_out *out, uint32_t id, int e)
{
    if (e != 0)
        wf_sftp_fail(out, id, e);
    else
        (void)wf_sftp_put_status(out, id, SFTP_OK, "done");
}

/* ---- files */

static int flags_of(uint32_t flags)
{
    int made = (flags & SFTP_TO_WRITE) == 0  ? O_RDONLY
               : (flags & SFTP_TO_READ) == 0 ? O_WRONLY
                                             : O_RDWR;
    made |= (flags & SFTP_TO_APPEND) != 0 ? O_APPEND : 0;
    made |= (flags & SFTP_TO_CREATE) != 0 ? O_CREAT : 0;
    made |= (flags & SFTP_TO_TRUNCATE) != 0 ? O_TRUNC : 0;
    made |= (flags & SFTP_EXCLUSIVE) != 0 ? O_EXCL : 0;
    /* a pipe without a writer would hold its thread */
    return made | O_NOCTTY | O_NONBLOCK;
}

mode_t wf_sftp_mode(const wf_sftp *s, const wf_sftp_request *r, mode_t otherwise)
{
    mode_t bits = s->own ? 07777 : 01777;
    return (r->attrs.has & SFTP_HAS_MODE) != 0 ? r->attrs.mode & bits : otherwise;
}

static void open_file(wf_sftp *s, const wf_sftp_request *r, wf_sftp_out *out)
{
    char path[PATH_MAX];
    struct stat st;
    wf_sftp_handle *h = handle_new(s);
    mode_t mode = wf_sftp_mode(s, r, 0666);
    if (h == NULL)
        wf_sftp_fail(out, r->id, EMFILE);
    else if (s->read_only && (r->flags & ~(uint32_t)SFTP_TO_READ) != 0)
        wf_sftp_fail(out, r->id, EROFS);
    else if (!wf_sftp_path(r->path, path))
        wf_sftp_fail(out, r->id, ENAMETOOLONG);
    else if ((h->fd = wf_sftp_path_open(s->root, path, flags_of(r->flags), mode)) < 0)
        wf_sftp_fail(out, r->id, errno);
    else if (fstat(h->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)handle_close(h);
        (void)wf_sftp_put_status(out, r->id, SFTP_FAILURE, "it is no file");
    } else {
        h->append = (r->flags & SFTP_TO_APPEND) != 0;
        put_handle(s, h, r->id, out);
    }
}

static void read_file(const wf_sftp_handle *h, const wf_sftp_request *r, wf_sftp_out *out)
{
    size_t n = r->length < WF_SFTP_DATA_MAX ? r->length : WF_SFTP_DATA_MAX;
    wf_sftp_begin(out, SFTP_DATA, r->id);
    uint8_t *to = wf_sftp_reserve(out, n);
    if (to == NULL) {
        (void)wf_sftp_end(out);
        return;
    }
    ssize_t got = r->offset > (uint64_t)INT64_MAX ? 0 : pread(h->fd, to, n, (off_t)r->offset);
    int e = errno;
    /* who asks for nothing gets that: it says nothing about where the file ends */
    if (got > 0 || (got == 0 && n == 0)) {
        wf_sftp_cut(out, n, (size_t)got);
        (void)wf_sftp_end(out);
        return;
    }
    out->size = out->begun;
    if (got < 0)
        wf_sftp_fail(out, r->id, e);
    else
        (void)wf_sftp_put_status(out, r->id, SFTP_EOF, "the end of the file");
}

static void write_file(const wf_sftp_handle *h, const wf_sftp_request *r, wf_sftp_out *out)
{
    size_t done = 0;
    int e = r->offset > (uint64_t)INT64_MAX - r->path2.size ? EFBIG : 0;
    while (e == 0 && done < r->path2.size) {
        ssize_t n = h->append ? write(h->fd, r->path2.at + done, r->path2.size - done)
                              : pwrite(h->fd, r->path2.at + done, r->path2.size - done,
                                       (off_t)(r->offset + done));
        if (n < 0 && errno != EINTR)
            e = errno;
        done += n > 0 ? (size_t)n : 0;
    }
    put_end(out, r->id, e);
}

/* ---- folders */

static bool is_root(const wf_sftp *s, int fd)
{
    struct stat one, root;
    return fstat(fd, &one) == 0 && fstat(s->root, &root) == 0 && one.st_dev == root.st_dev &&
           one.st_ino == root.st_ino;
}

static void open_folder(wf_sftp *s, const wf_sftp_request *r, wf_sftp_out *out)
{
    char path[PATH_MAX];
    wf_sftp_handle *h = handle_new(s);
    if (h == NULL)
        wf_sftp_fail(out, r->id, EMFILE);
    else if (!wf_sftp_path(r->path, path))
        wf_sftp_fail(out, r->id, ENAMETOOLONG);
    else if ((h->fd = wf_sftp_path_open(s->root, path, O_RDONLY | O_DIRECTORY, 0)) < 0)
        wf_sftp_fail(out, r->id, errno);
    else if ((h->dir = fdopendir(h->fd)) == NULL) {
        int e = errno;
        (void)handle_close(h);
        wf_sftp_fail(out, r->id, e);
    } else {
        h->top = is_root(s, h->fd);
        put_handle(s, h, r->id, out);
    }
}

/* ---- one packet */

static void serve_handle(wf_sftp *s, const wf_sftp_request *r, wf_sftp_out *out)
{
    wf_sftp_handle *h = handle_of(s, r->path);
    struct stat st;
    wf_sftp_attrs attrs;
    if (h == NULL || (h->dir == NULL && r->type == SFTP_READDIR) ||
        (h->dir != NULL && (r->type == SFTP_READ || r->type == SFTP_WRITE))) {
        (void)wf_sftp_put_status(out, r->id, SFTP_FAILURE, "it is no such handle");
        return;
    }
    switch (r->type) {
    case SFTP_READ:
        read_file(h, r, out);
        break;
    case SFTP_WRITE:
        write_file(h, r, out);
        break;
    case SFTP_READDIR:
        wf_sftp_list(h, r->id, out);
        break;
    case SFTP_CLOSE:
        put_end(out, r->id, handle_close(h));
        break;
    case SFTP_FSTAT:
        if (fstat(h->fd, &st) != 0) {
            wf_sftp_fail(out, r->id, errno);
            break;
        }
        wf_sftp_attrs_of(&st, &attrs);
        wf_sftp_begin(out, SFTP_ATTRS, r->id);
        wf_sftp_put_attrs(out, &attrs);
        (void)wf_sftp_end(out);
        break;
    default:
        put_end(out, r->id, s->read_only ? EROFS : wf_sftp_set_attrs(s, h->fd, &r->attrs));
        break;
    }
}

/* Section 4: the lowest version of both is spoken. Extensions came with version 3. */
static void serve_init(wf_sftp *s, uint32_t version, wf_sftp_out *out)
{
    static const char *const known[] = {"posix-rename@openssh.com", "hardlink@openssh.com"};
    s->begun = true;
    s->earlier = version < VERSION;
    wf_sftp_begin(out, SFTP_VERSION, s->earlier ? version : VERSION);
    for (size_t i = 0; i < sizeof known / sizeof *known && !s->earlier; i++) {
        wf_sftp_put_text(out, known[i], strlen(known[i]));
        wf_sftp_put_text(out, "1", 1);
    }
    (void)wf_sftp_end(out);
}

/* What a reply may need, before anything is done: what was done cannot be taken back. */
static size_t room_for(const wf_sftp_request *r)
{
    size_t n = r->length < WF_SFTP_DATA_MAX ? r->length : WF_SFTP_DATA_MAX;
    if (r->type == SFTP_READ)
        return n + STATUS_ROOM;
    return r->type == SFTP_READDIR ? WF_SFTP_LIST_MAX : STATUS_ROOM + 2 * (size_t)PATH_MAX;
}

bool wf_sftp_serve(wf_sftp *s, const uint8_t *packet, size_t size, wf_sftp_out *out)
{
    wf_sftp_request r;
    bool good = wf_sftp_read(packet, size, &r);
    out->is_short = out->max - out->size < room_for(&r);
    if (out->is_short)
        return false;
    if (s->begun == (r.type == SFTP_INIT))
        return false;
    out->earlier = s->earlier;
    if (!good) {
        (void)wf_sftp_put_status(out, r.id, SFTP_BAD_MESSAGE, "it is not what its type says");
        return true;
    }
    /* section 10.1, by the packet's own type: an extension may have become what it does */
    if (s->earlier && packet[TYPE_AT] >= SFTP_READLINK)
        r.type = SFTP_UNKNOWN;
    switch (r.type) {
    case SFTP_INIT:
        serve_init(s, r.id, out);
        break;
    case SFTP_OPEN:
        open_file(s, &r, out);
        break;
    case SFTP_OPENDIR:
        open_folder(s, &r, out);
        break;
    case SFTP_READ:
    case SFTP_WRITE:
    case SFTP_READDIR:
    case SFTP_CLOSE:
    case SFTP_FSTAT:
    case SFTP_FSETSTAT:
        serve_handle(s, &r, out);
        break;
    default:
        wf_sftp_files(s, &r, out);
        break;
    }
    return true;
}

void wf_sftp_done(wf_sftp *s)
{
    for (uint32_t i = 0; s->handles != NULL && i < s->handles_max; i++)
        if (s->handles[i].fd >= 0)
            (void)handle_close(&s->handles[i]);
    if (s->root >= 0)
        (void)close(s->root);
    s->root = -1;
}
