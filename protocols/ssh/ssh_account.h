/* SPDX-License-Identifier: MIT */
/* Whose a session's programs and files are: a user of the system. */
#ifndef WF_SSH_ACCOUNT_H
#define WF_SSH_ACCOUNT_H

#include <stdbool.h>

#include <weft/ssh.h>

typedef struct wf_ssh_account {
    uint32_t uid, gid, n_groups;
    uint32_t groups[WEFT_PROCESS_GROUPS_MAX]; /* all, @gid among them */
    char name[WEFT_AUTH_USER_BYTES];          /* "": this program's own user has none */
    char home[1024], shell[512];
} wf_ssh_account;

/* The system's user @name; NULL: this program's own, which is there in any case. Blocks.
 * errors: ENOTFOUND (no such user), EDENIED (the account is over, or only root may come in now), ELIMIT (groups),
 * ETOOBIG (a home that is too long), EIO (the system cannot say), and @why. */
WEFT_MUST_USE weft_err wf_ssh_account_find(const char *name, wf_ssh_account *to, weft_why *why);

/* The name that stands for whoever was let in, if programs and files are to be theirs: "" if anybody is. */
const char *wf_ssh_account_name(const weft_ssh_session *session);

/* What a thread had before it touched files as somebody else. */
typedef struct wf_ssh_rights {
    bool changed;
    uint32_t effective[2]; /* capabilities */
    int n_groups;
    uint32_t groups[WEFT_PROCESS_GROUPS_MAX];
} wf_ssh_rights;

/* From now on this thread, and no other, touches files with the rights of @account: its user, its groups, and nothing
 * that root may. For whom this thread is already, nothing changes. errors: EDENIED, and @why; nothing has changed. */
WEFT_MUST_USE weft_err wf_ssh_rights_take(const wf_ssh_account *account, wf_ssh_rights *was,
                                          weft_why *why);
/* Has again what it had. A thread that cannot go back ends the program: it would serve others as that user. */
void wf_ssh_rights_give_back(const wf_ssh_rights *was);

#endif
