/* SPDX-License-Identifier: MIT */
/* The environment of a session's programs: what sshd sets, and nothing of this program's own. */
#ifndef WF_SSH_ENV_H
#define WF_SSH_ENV_H

#include "ssh_account.h"

enum { WF_SSH_ENV_TAKEN_MAX = 32, WF_SSH_ENV_SET_MAX = 12 };

typedef struct wf_ssh_env {
    const char *at[WF_SSH_ENV_SET_MAX + WF_SSH_ENV_TAKEN_MAX + 1]; /* ends in NULL */
    size_t n;
    char text[8192];
    size_t used;
} wf_ssh_env;

/* Fills it for a session whose programs @account has, and whose shell is @shell. What the peer set, of which its
 * language alone is taken, is borrowed from @session. @as_user: the peer is @account; else USER and LOGNAME say
 * who the peer is. */
void wf_ssh_env_fill(wf_ssh_env *env, const weft_ssh_session *session,
                     const wf_ssh_account *account, bool as_user, const char *shell);

#endif
