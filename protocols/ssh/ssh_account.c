/* SPDX-License-Identifier: MIT */
/* Users of the system: who they are, and whether they may come in now. */
#include "ssh_account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ENTRY_BYTES = 16 << 10, DAY_SECONDS = 86400 };

_Static_assert(sizeof(gid_t) == sizeof(uint32_t), "groups are handed on as they are");

/* How some say that there is no such user (getpwnam(3)). */
static bool says_nobody(int error)
{
    return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

static bool put(char *to, size_t bytes, const char *from)
{
    int n = snprintf(to, bytes, "%s", from);
    return n >= 0 && (size_t)n < bytes;
}

static weft_err fill(wf_ssh_account *to, const struct passwd *entry, weft_why *why)
{
    int n = WEFT_PROCESS_GROUPS_MAX;
    to->uid = entry->pw_uid;
    to->gid = entry->pw_gid;
    if (!put(to->name, sizeof to->name, entry->pw_name) ||
        !put(to->home, sizeof to->home, entry->pw_dir[0] != '\0' ? entry->pw_dir : "/") ||
        !put(to->shell, sizeof to->shell, entry->pw_shell[0] != '\0' ? entry->pw_shell : "/bin/sh"))
        return weft_because(why, WEFT_ETOOBIG, "the home or the shell of %.60s is too long a path",
                            entry->pw_name);
    if (getgrouplist(entry->pw_name, entry->pw_gid, to->groups, &n) < 0)
        return weft_because(why, WEFT_ELIMIT, "%.60s is in more than %u groups", entry->pw_name,
                            WEFT_PROCESS_GROUPS_MAX);
    to->n_groups = (uint32_t)n;
    return WEFT_OK;
}

/* A key opens no account that is over; a password was looked at with it (shadow(5)). */
static bool is_over(const char *name)
{
    char room[ENTRY_BYTES];
    struct spwd entry, *found = NULL;
    struct timespec now;
    bool over = getspnam_r(name, &entry, room, sizeof room, &found) == 0 && found != NULL &&
                clock_gettime(CLOCK_REALTIME, &now) == 0 && found->sp_expire >= 0 &&
                now.tv_sec / DAY_SECONDS >= found->sp_expire;
    explicit_bzero(room, sizeof room);
    return over;
}

static weft_err find_named(const char *name, wf_ssh_account *to, weft_why *why)
{
    char room[ENTRY_BYTES];
    struct passwd entry, *found = NULL;
    int error = getpwnam_r(name, &entry, room, sizeof room, &found);
    if (found == NULL && !says_nobody(error))
        return weft_because(why, WEFT_EIO, "unable to look up the user %.60s: %s", name,
                            strerrordesc_np(error));
    if (found == NULL || name[0] == '\0')
        return weft_because(why, WEFT_ENOTFOUND, "\"%.60s\" is no user of this system", name);
    if (is_over(name))
        return weft_because(why, WEFT_EDENIED, "the account of %.60s is over", name);
    if (found->pw_uid != 0 &&
        (access("/etc/nologin", F_OK) == 0 || access("/run/nologin", F_OK) == 0))
        return weft_because(why, WEFT_EDENIED, "only root may come in now (nologin)");
    return fill(to, found, why);
}

weft_err wf_ssh_account_find(const char *name, wf_ssh_account *to, weft_why *why)
{
    char room[ENTRY_BYTES];
    struct passwd entry, *found = NULL;
    memset(to, 0, sizeof *to);
    if (name != NULL)
        return find_named(name, to, why);
    (void)getpwuid_r(geteuid(), &entry, room, sizeof room, &found);
    if (found != NULL)
        return fill(to, found, why);
    to->uid = geteuid();
    to->gid = getegid();
    (void)put(to->home, sizeof to->home, "/");
    (void)put(to->shell, sizeof to->shell, "/bin/sh");
    return WEFT_OK;
}

const char *wf_ssh_account_name(const weft_ssh_session *session)
{
    return session->by != WEFT_AUTH_FROM_ANONYMOUS ? session->user : "";
}
