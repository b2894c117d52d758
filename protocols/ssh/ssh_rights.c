/* SPDX-License-Identifier: MIT */
/* Touching files as somebody else, by one thread: as file servers do it.
 *
 * Linux keeps who touches files for each thread. The C library would have all threads of the process change, so the
 * calls go past it. Capabilities are taken away as well: some that root has say yes where files say no. */
#include "ssh_account.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool get_effective(uint32_t to[2], struct __user_cap_data_struct now[2])
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    if (syscall(SYS_capget, &head, now) != 0)
        return false;
    to[0] = now[0].effective;
    to[1] = now[1].effective;
    return true;
}

static bool set_effective(const uint32_t from[2])
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct now[2];
    uint32_t were[2];
    if (!get_effective(were, now))
        return false;
    now[0].effective = from[0];
    now[1].effective = from[1];
    return syscall(SYS_capset, &head, now) == 0;
}

/* These two say what was before, whether they succeed or not: -1 is nobody, and changes nothing. */
static bool set_fs_ids(uint32_t uid, uint32_t gid)
{
    (void)setfsgid(gid);
    (void)setfsuid(uid);
    return (uint32_t)setfsgid((gid_t)-1) == gid && (uint32_t)setfsuid((uid_t)-1) == uid;
}

static bool set_groups(size_t n, const uint32_t *groups)
{
    return syscall(SYS_setgroups, n, groups) == 0;
}

weft_err wf_ssh_rights_take(const wf_ssh_account *account, wf_ssh_rights *was, weft_why *why)
{
    static const uint32_t none[2] = {0, 0};
    struct __user_cap_data_struct now[2];
    was->changed = false;
    if (account->uid == geteuid())
        return WEFT_OK;
    was->n_groups = getgroups(WEFT_PROCESS_GROUPS_MAX, was->groups);
    if (was->n_groups < 0 || !get_effective(was->effective, now) ||
        !set_groups(account->n_groups, account->groups))
        return weft_because(why, WEFT_EDENIED, "unable to touch files as %.60s: %s", account->name,
                            strerrordesc_np(errno));
    was->changed = true;
    if (set_fs_ids(account->uid, account->gid) && set_effective(none))
        return WEFT_OK;
    weft_err err = weft_because(why, WEFT_EDENIED, "unable to touch files as %.60s: %s",
                                account->name, strerrordesc_np(errno));
    wf_ssh_rights_give_back(was);
    was->changed = false;
    return err;
}

void wf_ssh_rights_give_back(const wf_ssh_rights *was)
{
    if (was->changed && (!set_effective(was->effective) || !set_fs_ids(geteuid(), getegid()) ||
                         !set_groups((size_t)was->n_groups, was->groups)))
        abort();
}
