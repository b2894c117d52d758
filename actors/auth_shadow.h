/* SPDX-License-Identifier: MIT */
/* The system's users. */
#ifndef WF_AUTH_SHADOW_H
#define WF_AUTH_SHADOW_H

#include <shadow.h>

#include <weft/error.h>

#include "passphrase.h"

#define WF_SHADOW_FILE "/etc/shadow"

/* Whether the shadow file can be read. errors: EDENIED, ENOTFOUND and @why. */
WEFT_MUST_USE weft_err wf_shadow_check(const char *path, weft_why *why);

/* The hash of @user, or "" when there is none: no such user, locked, or over. Blocks.
 * errors: EIO (the system cannot say, or not to who this process is). */
WEFT_MUST_USE weft_err wf_shadow_hash(const char *user, char hash[WF_PASSPHRASE_HASH_BYTES]);

/* Whether an entry lets its user in on day @today (since 1970): not locked, not expired, no password that
 * had to be changed and was not (shadow(5)). */
int wf_shadow_lets_in(const struct spwd *entry, long today);

#endif
