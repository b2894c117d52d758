/* SPDX-License-Identifier: MIT */
/* The system's users, by the shadow file. */
#include "auth_shadow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ENTRY_BYTES = 8192, DAY_SECONDS = 86400 };

weft_err wf_shadow_check(const char *path, weft_why *why)
{
    if (access(path, R_OK) == 0)
        return WEFT_OK;
    weft_err err = weft_err_from_errno(errno);
    return weft_because(why, err == WEFT_ENOTFOUND ? err : WEFT_EDENIED,
                        "the auth unix needs to read %s: %s (root and the group shadow may)", path,
                        strerrordesc_np(errno));
}

int wf_shadow_lets_in(const struct spwd *entry, long today)
{
    if (!wf_passphrase_is_hash(entry->sp_pwdp))
        return 0; /* locked (!, *), without a password, or of a method that is too weak */
    if (entry->sp_expire >= 0 && today >= entry->sp_expire)
        return 0;
    if (entry->sp_lstchg == 0)
        return 0; /* it must be changed at the first login */
    return entry->sp_lstchg < 0 || entry->sp_max < 0 || today <= entry->sp_lstchg + entry->sp_max;
}

weft_err wf_shadow_hash(const char *user, char hash[WF_PASSPHRASE_HASH_BYTES])
{
    char room[ENTRY_BYTES];
    struct spwd entry, *found = NULL;
    struct timespec now;
    hash[0] = '\0';
    /* the C library takes a file it may not read for one that has nobody in it */
    if (access(WF_SHADOW_FILE, R_OK) != 0)
        return WEFT_EIO;
    int error = getspnam_r(user, &entry, room, sizeof room, &found);
    if (found != NULL && clock_gettime(CLOCK_REALTIME, &now) == 0 &&
        wf_shadow_lets_in(found, (long)(now.tv_sec / DAY_SECONDS)))
        (void)snprintf(hash, WF_PASSPHRASE_HASH_BYTES, "%s", found->sp_pwdp);
    explicit_bzero(room, sizeof room);
    /* ENOENT and the like are how some say that there is no such user */
    return found == NULL && (error == EACCES || error == EIO || error == ERANGE) ? WEFT_EIO
                                                                                 : WEFT_OK;
}
