/* SPDX-License-Identifier: MIT */
/* Which folder a user's files are served from. */
#include "http_users.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRY_BYTES = 16 << 10 };

size_t wf_http_user_bytes(const char *path)
{
    return path[0] == '~' ? strcspn(path, "/") : 0;
}

/* ---- who it is */

/* How some say that there is no such user (getpwnam(3)). */
static bool says_nobody(int error)
{
    return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

static weft_err system_home(const char *name, weft_http_home *home, weft_why *why)
{
    char room[ENTRY_BYTES];
    struct passwd entry, *found = NULL;
    int error = getpwnam_r(name, &entry, room, sizeof room, &found);

    if (found == NULL)
        return says_nobody(error)
                   ? WEFT_ENOTFOUND
                   : weft_because(why, WEFT_EIO, "unable to look up the user \"%.60s\": %s", name,
                                  strerrordesc_np(error));
    int n = snprintf(home->path, sizeof home->path, "%s", found->pw_dir);
    home->uid = found->pw_uid;
    return n >= 0 && (size_t)n < sizeof home->path ? WEFT_OK : WEFT_ENOTFOUND;
}

/* A name that a list of users could not hold is not asked for. */
static bool is_name(const char *name, size_t n)
{
    return n > 0 && n <= WEFT_HTTP_USER_BYTES_MAX && memchr(name, ':', n) == NULL;
}

static bool may_be_served(const weft_http_users *users, const weft_http_home *home)
{
    uint32_t uid_min = users->uid_min != 0 ? users->uid_min : WF_HTTP_USERS_UID_MIN_DEFAULT;

    return home->uid != 0 && home->uid >= uid_min && home->path[0] == '/';
}

static weft_err find_home(const weft_http_users *users, const char *name, size_t name_n,
                          weft_http_home *home, weft_why *why)
{
    char user[WEFT_HTTP_USER_BYTES_MAX + 1];

    if (!is_name(name, name_n))
        return WEFT_ENOTFOUND;
    memcpy(user, name, name_n);
    user[name_n] = '\0';
    weft_err err = (users->find != NULL ? users->find : system_home)(user, home, why);
    if (err != WEFT_OK)
        return err;
    return may_be_served(users, home) ? WEFT_OK : WEFT_ENOTFOUND;
}

/* ---- its folder */

/* It must be a folder of the user's own: a home that several accounts share has none. */
static bool is_theirs(const wf_http_file_root *root, const weft_http_home *home)
{
    struct stat st;

    return fstat(root->fd, &st) == 0 && st.st_uid == home->uid;
}

/* The home is where the system says, whatever it is; from there on the user decides, and so nothing leads out. */
static weft_err open_folder(const weft_http_users *users, const weft_http_home *home,
                            wf_http_file_root *root, weft_why *why)
{
    wf_http_file_root at_home = {.path = home->path, .cwd = -1, .fd = -1};
    const char *folder = users->folder != NULL ? users->folder : WF_HTTP_USERS_FOLDER_DEFAULT;
    weft_err err = wf_http_file_root_refresh(&at_home, why);

    if (err == WEFT_OK)
        err = wf_http_file_root_below(&at_home, folder, root, why);
    wf_http_file_root_done(&at_home);
    return err;
}

weft_err wf_http_user_open(const weft_http_users *users, const char *name, size_t name_n,
                           wf_http_file_root *root, weft_why *why)
{
    weft_http_home home = {.uid = 0};
    weft_err err = find_home(users, name, name_n, &home, why);

    if (err == WEFT_OK)
        err = open_folder(users, &home, root, why);
    if (err == WEFT_OK && !is_theirs(root, &home)) {
        wf_http_file_root_done(root);
        return WEFT_ENOTFOUND;
    }
    return err == WEFT_EDENIED ? WEFT_ENOTFOUND : err;
}
