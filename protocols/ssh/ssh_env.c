/* SPDX-License-Identifier: MIT */
/* The environment of a session's programs: what sshd sets, and nothing of this program's own. */
#include "ssh_env.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where Debian's login has programs. */
static const char path_root[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
static const char path_users[] = "/usr/local/bin:/usr/bin:/bin:/usr/games";

/* All that is set has room, as the limits of its parts say. */
static WEFT_PRINTF(2, 3) void set(wf_ssh_env *env, const char *format, ...)
{
    va_list args;
    size_t room = sizeof env->text - env->used;
    va_start(args, format);
    int n = vsnprintf(env->text + env->used, room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room || env->n >= WF_SSH_ENV_SET_MAX)
        return;
    env->at[env->n++] = env->text + env->used;
    env->used += (size_t)n + 1;
}

/* Over what has no addresses of IP sshd says the same. */
static const char *host_of(const weft_address *address, char text[WEFT_ADDRESS_TEXT_BYTES],
                           unsigned *port)
{
    bool ip = address->family == WEFT_FAMILY_V4 || address->family == WEFT_FAMILY_V6;
    *port = ip ? address->port : UINT16_MAX;
    return ip ? weft_address_host(address, text) : "UNKNOWN";
}

static void set_connection(wf_ssh_env *env, const weft_ssh_session *session)
{
    char there[WEFT_ADDRESS_TEXT_BYTES], here[WEFT_ADDRESS_TEXT_BYTES];
    unsigned port, own;
    const char *peer = host_of(&session->peer, there, &port);
    const char *local = host_of(&session->local, here, &own);
    set(env, "SSH_CLIENT=%s %u %u", peer, port, own);
    set(env, "SSH_CONNECTION=%s %u %s %u", peer, port, local, own);
}

/* What a peer sets may decide what programs do (LD_PRELOAD): as with OpenSSH, its language alone is taken. */
static bool is_taken(const char *variable)
{
    return strncmp(variable, "LANG=", 5) == 0 || strncmp(variable, "LC_", 3) == 0;
}

void wf_ssh_env_fill(wf_ssh_env *env, const weft_ssh_session *session,
                     const wf_ssh_account *account, bool as_user, const char *shell)
{
    const char *user = as_user ? account->name : session->user, *zone = getenv("TZ");
    env->n = env->used = 0;
    set(env, "USER=%s", user);
    set(env, "LOGNAME=%s", user);
    set(env, "HOME=%s", account->home);
    set(env, "PATH=%s", account->uid == 0 ? path_root : path_users);
    set(env, "SHELL=%s", shell);
    if (as_user)
        set(env, "MAIL=/var/mail/%s", user);
    set_connection(env, session);
    if (session->terminal)
        set(env, "TERM=%.200s", session->term);
    if (zone != NULL)
        set(env, "TZ=%s", zone);
    size_t max = env->n + WF_SSH_ENV_TAKEN_MAX;
    for (const char *const *e = session->env; *e != NULL && env->n < max; e++)
        if (is_taken(*e))
            env->at[env->n++] = *e;
    env->at[env->n] = NULL;
}
