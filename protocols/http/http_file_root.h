/* SPDX-License-Identifier: MIT */
/* The folder whose files are served: held open, and every file opened below it by the kernel's own
 * rules, so that no name, link or rename leads out of it.
 *
 * What it does blocks as long as the disk does, unless the root is `hasty`: then whatever is not in
 * the kernel's memory is refused as WF_HTTP_FILE_COLD, and is to be done by the blocking pool.
 * thread: one at a time. */
#ifndef WF_HTTP_FILE_ROOT_H
#define WF_HTTP_FILE_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

/* It would wait for the disk. */
#define WF_HTTP_FILE_COLD WEFT_EFULL

struct weft_sim;

/* What tells one state of a file from another. */
typedef struct wf_http_stamp {
    uint64_t device, inode, size;
    int64_t mtime_ns, ctime_ns;
} wf_http_stamp;

static inline bool wf_http_stamp_same(const wf_http_stamp *a, const wf_http_stamp *b)
{
    return a->inode == b->inode && a->size == b->size && a->mtime_ns == b->mtime_ns &&
           a->ctime_ns == b->ctime_ns && a->device == b->device;
}

/* {.path = ..., .follow = ..., .cwd = -1, .fd = -1} is a root that was never opened. */
typedef struct wf_http_file_root {
    const char *path; /* borrowed */
    bool follow;      /* symbolic links may lead out of it */
    bool walk;        /* the kernel has no openat2: each folder is opened, and no link followed */
    bool hasty;       /* nothing may wait for the disk */
    struct weft_sim *sim; /* says what is in memory, for a hasty one; NULL: the kernel does */
    int cwd; /* what a relative @path is relative to for good, wherever the program goes */
    int fd;  /* the folder; -1: not open */
    uint64_t device, inode;
} wf_http_file_root;

/* Opens the root, or opens it anew if its path means another folder by now (a release that was
 * switched, a site that was built again). errors: as wf_http_file_open. */
WEFT_MUST_USE weft_err wf_http_file_root_refresh(wf_http_file_root *root, weft_why *why);

/* Makes what a relative path of the root is relative to for good. errors: as wf_http_file_open. */
WEFT_MUST_USE weft_err wf_http_file_root_begin(wf_http_file_root *root, weft_why *why);

/* Takes over the folder that @from, of the same path, has open, if it is another one. */
void wf_http_file_root_adopt(wf_http_file_root *root, wf_http_file_root *from);

/* Opens the folder @path below @from as a root of its own, @root, of which nothing is open; its path is not looked
 * at again. errors: as wf_http_file_open. */
WEFT_MUST_USE weft_err wf_http_file_root_below(const wf_http_file_root *from, const char *path,
                                               wf_http_file_root *root, weft_why *why);

/* Closes what it holds. Takes one that was never opened. */
void wf_http_file_root_done(wf_http_file_root *root);

typedef enum wf_http_found_kind {
    WF_HTTP_FOUND_FILE,
    WF_HTTP_FOUND_FOLDER,
    WF_HTTP_FOUND_LINK,  /* a symbolic link that was not followed */
    WF_HTTP_FOUND_OTHER, /* a device, a pipe, a socket: nothing to serve */
} wf_http_found_kind;

typedef struct wf_http_found {
    int fd; /* the caller's to close; to read from */
    wf_http_found_kind kind;
    wf_http_stamp stamp;
} wf_http_found;

/* Opens @path, as wf_http_path_resolve gives it, for reading; "" is the root itself. Symbolic links
 * are followed as long as each step stays below the root (an absolute link never does), or wherever
 * they lead with `follow`. errors: ENOTFOUND (not there, too long, or out of the root), EDENIED (no
 * permission), ELIMIT (no descriptor left: worth another try), COLD, ENOMEM, EIO with @why. */
WEFT_MUST_USE weft_err wf_http_file_open(const wf_http_file_root *root, const char *path,
                                         wf_http_found *found, weft_why *why);

/* As above, but what is found is only looked at: `fd` is -1. */
WEFT_MUST_USE weft_err wf_http_file_look(const wf_http_file_root *root, const char *path,
                                         wf_http_found *found, weft_why *why);

/* Looks at the entry @name of the open folder @folder; a link is not followed.
 * errors: as wf_http_file_open. */
WEFT_MUST_USE weft_err wf_http_file_look_in(int folder, const char *name, wf_http_found *found);

/* How the open file @fd is now. errors: EIO. */
WEFT_MUST_USE weft_err wf_http_file_stamp(int fd, wf_http_stamp *stamp);

/* Reads up to @n bytes of the file @fd, opened below @root, from @offset on; *@got is less only where
 * the file ends. errors: COLD, EIO. */
WEFT_MUST_USE weft_err wf_http_file_read(const wf_http_file_root *root, int fd, uint64_t offset,
                                         void *to, size_t n, size_t *got);

/* Has the kernel begin to read the first @bytes of a file that was opened. */
void wf_http_file_read_ahead(int fd, uint64_t bytes);

#endif
