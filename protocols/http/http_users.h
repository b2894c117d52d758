/* SPDX-License-Identifier: MIT */
/* Folders of users: from the ~NAME in front of a path to the open folder in that user's home. */
#ifndef WF_HTTP_USERS_H
#define WF_HTTP_USERS_H

#include <weft/http.h>

#include "http_file_root.h"

/* weft_http_users, unless it says otherwise. */
#define WF_HTTP_USERS_FOLDER_DEFAULT "public_html"
#define WF_HTTP_USERS_UID_MIN_DEFAULT 1000u
#define WF_HTTP_USERS_LOOKUPS_MAX_DEFAULT 16u

/* How many bytes of @path, as wf_http_path_resolve gives it, are the "~NAME" it begins with; 0: none. */
size_t wf_http_user_bytes(const char *path);

/* Opens the folder that the user @name, of @name_n bytes, has files served from, as @root, of which nothing is open.
 * May wait for wherever the system's users are written down, and for the disk. errors: ENOTFOUND (no such user, none
 * whose files are served, no such folder, or one that is not the user's), ELIMIT, ENOMEM, and EIO with @why.
 * thread: of the pool. */
WEFT_MUST_USE weft_err wf_http_user_open(const weft_http_users *users, const char *name,
                                         size_t name_n, wf_http_file_root *root, weft_why *why);

#endif
