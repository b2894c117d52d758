/* SPDX-License-Identifier: MIT */
/* Files of passwords and of keys. What is here blocks. */
#ifndef WF_AUTH_FILES_H
#define WF_AUTH_FILES_H

#include "auth_text.h"
#include "passphrase.h"

/* A file's text. */
typedef struct wf_text {
    char *at;
    size_t n;
} wf_text;

/* errors: ENOTFOUND, EDENIED, EIO, ETOOBIG, ENOMEM and @why. */
WEFT_MUST_USE weft_err wf_text_read(const char *path, wf_text *out, weft_why *why);
/* Wipes it and gives it back. */
void wf_text_done(wf_text *t);

/* The hash of @user and, for users that are not there, of somebody: "" when there is none. */
void wf_text_hash(const wf_text *file, const char *user, char hash[WF_PASSPHRASE_HASH_BYTES],
                  char like[WF_PASSPHRASE_HASH_BYTES]);

/* Whether a line without options has the key. */
bool wf_text_has_key(const wf_text *file, const uint8_t *key_blob, size_t size);

#endif
