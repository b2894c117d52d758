/* SPDX-License-Identifier: MIT */
/* The slow half of auth, on threads that may block.
 *
 * Each source costs the same whether it knows the user or not, and none is left out before one says
 * yes, so that the time tells nothing about a user. */
#include "auth.h"

#include <string.h>

#include "auth_files.h"
#include "auth_shadow.h"

static void wipe(void *body)
{
    explicit_bzero(body, sizeof(wf_auth_check));
}

const weft_type wf_auth_checked_type = WEFT_TYPE("weft.auth_checked", wf_auth_checked, NULL);
const weft_type wf_auth_check_type = {.name = "weft.auth_check",
                                      .size = sizeof(wf_auth_check),
                                      .reply = &wf_auth_checked_type,
                                      .release = wipe};

/* ---- passwords */

static bool matches(wf_passphrase *room, const char *password, const char *hash, const char *like)
{
    if (hash[0] != '\0')
        return wf_passphrase_matches(room, password, hash);
    wf_passphrase_waste(room, password, like[0] != '\0' ? like : NULL);
    return false;
}

static weft_err in_file(wf_passphrase *room, const weft_auth_source *source,
                        const weft_auth_request *r, bool *yes, weft_why *why)
{
    char hash[WF_PASSPHRASE_HASH_BYTES], like[WF_PASSPHRASE_HASH_BYTES];
    wf_text file = {NULL, 0};
    weft_err err = wf_text_read(source->path, &file, why);
    if (err != WEFT_OK)
        return err;
    wf_text_hash(&file, r->user, hash, like);
    wf_text_done(&file);
    *yes = matches(room, r->password, hash, like);
    explicit_bzero(hash, sizeof hash);
    explicit_bzero(like, sizeof like);
    return WEFT_OK;
}

static weft_err in_unix(wf_passphrase *room, const weft_auth_request *r, bool *yes, weft_why *why)
{
    char hash[WF_PASSPHRASE_HASH_BYTES];
    weft_err err = wf_shadow_hash(r->user, hash);
    if (err != WEFT_OK)
        return weft_because(
            why, err, "unable to read the shadow entry of a user: is " WF_SHADOW_FILE " readable?");
    *yes = matches(room, r->password, hash, "");
    explicit_bzero(hash, sizeof hash);
    return WEFT_OK;
}

/* ---- keys */

static weft_err in_keys(const weft_auth_source *source, const weft_auth_request *r, bool *yes,
                        weft_why *why)
{
    char path[2 * WEFT_AUTH_PATH_BYTES];
    wf_text file = {NULL, 0};
    *yes = false;
    weft_err err = wf_key_path(source->path, r->user, path);
    if (err == WEFT_OK)
        err = wf_text_read(path, &file, why);
    if (err == WEFT_EDENIED || (err == WEFT_ENOTFOUND && strstr(source->path, "%u") != NULL))
        return WEFT_OK; /* a user without a file has no key */
    if (err != WEFT_OK)
        return err;
    *yes = wf_text_has_key(&file, r->key.blob, r->key.size);
    wf_text_done(&file);
    return WEFT_OK;
}

/* ---- all of them */

static weft_err ask_source(wf_passphrase *room, const weft_auth_source *source,
                           const weft_auth_request *r, bool *yes, weft_why *why)
{
    *yes = false;
    if ((wf_auth_kinds_of(source->kind) & 1U << r->kind) == 0)
        return WEFT_OK;
    switch (source->kind) {
    case WEFT_AUTH_FROM_FILE:
        return in_file(room, source, r, yes, why);
    case WEFT_AUTH_FROM_UNIX:
        return in_unix(room, r, yes, why);
    case WEFT_AUTH_FROM_SSHKEY:
        return in_keys(source, r, yes, why);
    default:
        return WEFT_OK;
    }
}

/* The first source that says yes. errors: EIO, ENOMEM, when none did and one could not say. */
static weft_err ask_all(weft_actor *self, wf_passphrase *room, const wf_auth_check *check,
                        weft_auth_source_kind *by)
{
    const weft_auth_config *config = check->config;
    weft_err failed = WEFT_OK;
    *by = (weft_auth_source_kind)0;
    for (uint32_t i = 0; i < config->count; i++) {
        weft_why why = {""};
        bool yes;
        weft_err err = ask_source(room, &config->sources[i], &check->request, &yes, &why);
        if (err == WEFT_OK && yes) {
            *by = config->sources[i].kind;
            return WEFT_OK;
        }
        if (err != WEFT_OK) {
            weft_log(self, WEFT_ERROR, "auth: %s", why.text);
            failed = err == WEFT_ENOMEM ? err : WEFT_EIO;
        }
    }
    return failed;
}

weft_err wf_auth_check_there(weft_actor *self, weft_msg *msg)
{
    weft_auth_source_kind by;
    wf_passphrase *room = wf_passphrase_new();
    weft_err err = room != NULL ? ask_all(self, room, weft_body(msg), &by) : WEFT_ENOMEM;
    wf_passphrase_free(room);
    if (err != WEFT_OK)
        return weft_fail(msg, err, err == WEFT_EIO ? "a source cannot be read" : NULL);
    return weft_reply(msg, wf_auth_checked, .by = by);
}
