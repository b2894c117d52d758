/* SPDX-License-Identifier: MIT */
/* Auth's config: what its sources take, and whether it can work. */
#include <string.h>

#include "auth.h"

const char *wf_auth_realm(const weft_auth_config *config)
{
    return config->realm != NULL ? config->realm : "weft";
}

uint32_t wf_auth_kinds_of(weft_auth_source_kind kind)
{
    switch (kind) {
    case WEFT_AUTH_FROM_ANONYMOUS:
        return 1U << WEFT_AUTH_ANONYMOUS;
    case WEFT_AUTH_FROM_MEMORY:
        return 1U << WEFT_AUTH_PASSWORD | 1U << WEFT_AUTH_DIGEST | 1U << WEFT_AUTH_CRAM_MD5;
    case WEFT_AUTH_FROM_FILE:
    case WEFT_AUTH_FROM_UNIX:
        return 1U << WEFT_AUTH_PASSWORD;
    case WEFT_AUTH_FROM_SSHKEY:
        return 1U << WEFT_AUTH_SSH_KEY;
    }
    return 0;
}

weft_err wf_auth_config_check(const weft_auth_config *config, weft_why *why)
{
    const char *realm = config != NULL ? wf_auth_realm(config) : "";
    if (config == NULL || config->count == 0)
        return weft_because(why, WEFT_EINVAL,
                            "auth needs a source, expected one of anonymous, "
                            "memory, file, unix, sshkey");
    if (strlen(realm) >= WEFT_AUTH_REALM_BYTES || strpbrk(realm, "\"\\<>\r\n") != NULL ||
        realm[0] == '\0')
        return weft_because(why, WEFT_EINVAL,
                            "the realm of auth is 1 to %u bytes without quotes, "
                            "backslashes, < or >",
                            WEFT_AUTH_REALM_BYTES - 1);
    return WEFT_OK;
}

weft_err weft_auth_check(const weft_auth_config *config, weft_why *why)
{
    weft_err err = wf_auth_config_check(config, why);
    for (uint32_t i = 0; err == WEFT_OK && i < config->count; i++)
        err = weft_auth_source_check(&config->sources[i], why);
    return err;
}
