/* SPDX-License-Identifier: MIT */
/* The files of the resolver, and whether they have changed. */
#ifndef WF_RESOLVER_FILES_H
#define WF_RESOLVER_FILES_H

#include <sys/stat.h>

#include "resolver.h"

/* What tells one state of a file from another; all zero: it is not there. */
typedef struct wf_file_mark {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed, modified;
} wf_file_mark;

/* All zero at first. */
typedef struct wf_resolver_files {
    bool looked;
    uint32_t looked_ms;
    wf_file_mark resolv_conf_mark, hosts_mark;
    wf_hosts *hosts;
} wf_resolver_files;

typedef struct wf_files_changed {
    bool resolv_conf, hosts;
} wf_files_changed;

/* Looks, if the last look is look_ms ago, and reads the hosts file if it changed. @again: looks now, and
 * resolv.conf counts as changed. They are small files of the system's own, read on the reactor. */
wf_files_changed wf_resolver_files_look(wf_resolver_files *f, weft_actor *self,
                                        const weft_resolver_options *options, bool again);
void wf_resolver_files_done(wf_resolver_files *f);

#endif
