/* SPDX-License-Identifier: MIT */
/* Giving up privileges: groups first, since nobody may change them afterwards; then looked at, since a
 * process that believes it has none and has them is worse than one that ends. */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static weft_err find_user(const char *name, uid_t *uid, gid_t *gid, weft_why *why)
{
    errno = 0;
    const struct passwd *found = getpwnam(name);
    if (found == NULL)
        return weft_because(why, WEFT_ENOTFOUND, "--user: there is no user \"%.60s\"%s%s", name,
                            errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    *uid = found->pw_uid;
    *gid = found->pw_gid;
    return WEFT_OK;
}

static weft_err find_group(const char *name, gid_t *gid, weft_why *why)
{
    errno = 0;
    const struct group *found = getgrnam(name);
    if (found == NULL)
        return weft_because(why, WEFT_ENOTFOUND, "--group: there is no group \"%.60s\"%s%s", name,
                            errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    *gid = found->gr_gid;
    return WEFT_OK;
}

static weft_err refused(const char *what, const char *name, weft_why *why)
{
    return weft_because(why, WEFT_EDENIED, "unable to become %s \"%.60s\": %s", what, name,
                        strerror(errno));
}

weft_err wf_privileges_drop(const char *user, const char *group, weft_why *why)
{
    uid_t uid = getuid(), real, effective, saved;
    gid_t gid = getgid();
    weft_err err = WEFT_OK;
    if (user == NULL && group == NULL)
        return WEFT_OK;
    if (user != NULL)
        err = find_user(user, &uid, &gid, why);
    if (err == WEFT_OK && group != NULL)
        err = find_group(group, &gid, why);
    if (err != WEFT_OK)
        return err;
    if (user != NULL && getuid() == 0 && initgroups(user, gid) != 0)
        return refused("a member of the groups of", user, why);
    if (setresgid(gid, gid, gid) != 0)
        return refused(group != NULL ? "group" : "the group of", group != NULL ? group : user, why);
    if (user == NULL)
        return WEFT_OK;
    if (setresuid(uid, uid, uid) != 0)
        return refused("user", user, why);
    if (getresuid(&real, &effective, &saved) != 0 || real != uid || effective != uid ||
        saved != uid || (uid != 0 && setuid(0) == 0))
        return weft_because(why, WEFT_EDENIED, "user \"%.60s\" was taken on, and is not final",
                            user);
    return WEFT_OK;
}
