/* SPDX-License-Identifier: MIT */
/* The quick half of auth: passwords that are known, and what is proved with them. */
#include <string.h>

#include "auth.h"
#include "auth_digest.h"

/* Whether two texts are the same, whose fields have @max bytes, told by no time. */
static bool text_same(const char *a, const char *b, size_t max)
{
    char left[WEFT_AUTH_PASSWORD_BYTES] = {0}, right[WEFT_AUTH_PASSWORD_BYTES] = {0};
    memcpy(left, a, strnlen(a, max));
    memcpy(right, b, strnlen(b, max));
    bool same = wf_same(left, right, max);
    explicit_bzero(left, sizeof left);
    explicit_bzero(right, sizeof right);
    return same;
}

static bool digest_right(const weft_auth_request *r, const char *realm, const char *password)
{
    char right[WF_HASH_HEX_BYTES];
    bool same = strcmp(r->digest.realm, realm) == 0 && strcmp(r->digest.user, r->user) == 0;
    if (!wf_digest_response(&r->digest, realm, password, right))
        return false;
    same &= wf_hex_same(r->digest.response, right);
    explicit_bzero(right, sizeof right);
    return same;
}

/* RFC 2195: the keyed MD5 of the challenge, where the key is the password. */
static bool cram_right(const weft_auth_request *r, const char *password)
{
    uint8_t hash[WF_HASH_BYTES_MAX];
    char right[WF_HASH_HEX_BYTES];
    if (!wf_hmac_of(WF_MD5, password, strlen(password), r->cram.challenge,
                    strlen(r->cram.challenge), hash))
        return false;
    wf_hex(hash, wf_hash_bytes(WF_MD5), right);
    return wf_hex_same(r->cram.response, right);
}

/* All are asked, and all of each, so that the time does not tell which one it was. */
bool wf_auth_in_memory(const weft_auth_config *config, const weft_auth_request *r)
{
    bool yes = false;
    for (uint32_t i = 0; i < config->count; i++) {
        const weft_auth_source *s = &config->sources[i];
        if (s->kind != WEFT_AUTH_FROM_MEMORY)
            continue;
        bool right = false;
        if (r->kind == WEFT_AUTH_PASSWORD)
            right = text_same(r->password, s->password, sizeof s->password);
        else if (r->kind == WEFT_AUTH_DIGEST)
            right = digest_right(r, wf_auth_realm(config), s->password);
        else if (r->kind == WEFT_AUTH_CRAM_MD5)
            right = cram_right(r, s->password);
        yes |= right & text_same(r->user, s->user, sizeof s->user);
    }
    return yes;
}
