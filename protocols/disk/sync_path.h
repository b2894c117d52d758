/* SPDX-License-Identifier: MIT */
/* What is on the disk for good: a file when it is synced, its name when its folder is. Blocks: for the pool. */
#ifndef WF_SYNC_PATH_H
#define WF_SYNC_PATH_H

#include <stdbool.h>

/* Syncs the file or folder at @path, opened with @flags besides (O_DIRECTORY, O_NOFOLLOW). errors: false, errno. */
bool wf_sync_path(const char *path, int flags);

#endif
