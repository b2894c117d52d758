/* SPDX-License-Identifier: MIT */
/* Paths below a root: what a peer writes becomes a path without "." and "..", and is opened beneath. */
#ifndef WF_SFTP_PATH_H
#define WF_SFTP_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "sftp_codec.h"

/* "/a/../b//c" and "b/c" become "b/c", "/" becomes "". ".." of the root is the root. false: it is too long, or
 * has a zero in it. */
bool wf_sftp_path(wf_sftp_text text, char out[PATH_MAX]);

/* Opens @path, as wf_sftp_path made it, beneath @root, whatever links are on the way: one that leads out is
 * refused. errors: -1 and errno. */
int wf_sftp_path_open(int root, const char *path, int flags, unsigned mode);
/* The folder that @path is in, as an O_PATH descriptor, and in @name what it is called there.
 * errors: -1 and errno; EINVAL for the root. */
int wf_sftp_path_parent(int root, const char *path, const char **name);

#endif
