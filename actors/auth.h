/* SPDX-License-Identifier: MIT */
/* What the auth actor and its checkers share. */
#ifndef WF_AUTH_H
#define WF_AUTH_H

#include <weft/auth.h>

/* The request that goes to the blocking pool. The reply is wf_auth_checked. Its memory is wiped when the
 * message goes away. */
typedef struct wf_auth_check {
    const weft_auth_config *config;
    weft_auth_request request;
} wf_auth_check;
typedef struct wf_auth_checked {
    weft_auth_source_kind by; /* 0: by none */
} wf_auth_checked;
extern const weft_type wf_auth_check_type, wf_auth_checked_type;

/* Serves wf_auth_check where it may block. */
weft_handler_fn wf_auth_check_there;

/* Whether a source is the blocking pool's work. */
static inline bool wf_auth_is_slow(weft_auth_source_kind kind)
{
    return kind == WEFT_AUTH_FROM_FILE || kind == WEFT_AUTH_FROM_UNIX ||
           kind == WEFT_AUTH_FROM_SSHKEY;
}

/* Whether it makes sense, without a look at files. errors: EINVAL and @why. */
weft_err wf_auth_config_check(const weft_auth_config *config, weft_why *why);
const char *wf_auth_realm(const weft_auth_config *config);

/* Whether a source in memory says yes to a whole request; told by no time. */
bool wf_auth_in_memory(const weft_auth_config *config, const weft_auth_request *r);

/* What a source takes: 1 << a weft_auth_kind, for each. */
uint32_t wf_auth_kinds_of(weft_auth_source_kind kind);

#endif
