/* SPDX-License-Identifier: MIT */
/* Giving up the user and the group that a process was started with. */
#ifndef WF_PRIVILEGES_H
#define WF_PRIVILEGES_H

#include <weft/error.h>

/* Becomes @user with its groups, and @group (either may be NULL; a user's own group without it), for good.
 * errors: ENOTFOUND (no such user or group), EDENIED, and @why. thread: while there is only one. */
weft_err wf_privileges_drop(const char *user, const char *group, weft_why *why);

#endif
