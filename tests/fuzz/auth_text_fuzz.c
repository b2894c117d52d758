/* SPDX-License-Identifier: MIT */
/* Any text as a password file, as authorized_keys, as a digest and as the word of a source: pieces lie
 * within what was read, limits hold, and nothing is written in failure. */
#include <stdlib.h>
#include <string.h>

#include "auth_digest.h"
#include "auth_text.h"
#include "passphrase.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_lie_in(wf_piece part, wf_piece whole)
{
    must(part.n == 0 || (part.at >= whole.at && part.at + part.n <= whole.at + whole.n));
}

static void check_lines(wf_piece text)
{
    wf_piece rest = text, line, user, hash;
    uint8_t blob[WEFT_AUTH_KEY_BYTES];
    wf_key_line key;
    while (wf_text_line(&rest, &line)) {
        weft_why why = {""};
        size_t n = 0;
        must_lie_in(line, text);
        weft_err err = wf_password_line(line, &user, &hash, &why);
        if (err == WEFT_OK) {
            must(user.n > 0 && user.n < WEFT_AUTH_USER_BYTES);
            must(hash.n > 0 && hash.n < WF_PASSPHRASE_HASH_BYTES);
            must_lie_in(user, line);
            must_lie_in(hash, line);
        } else {
            must(err == WEFT_ENOTFOUND || why.text[0] != '\0');
        }
        if (wf_key_line_read(line, &key, &why) != WEFT_OK)
            continue;
        must_lie_in(key.options, line);
        must_lie_in(key.type, line);
        must_lie_in(key.base64, line);
        must_lie_in(key.comment, line);
        must(key.base64.n > 0);
        if (wf_key_blob(&key, blob, &n, &why) == WEFT_OK)
            must(n > 4 + key.type.n - 1 && n <= key.base64.n / 4 * 3);
    }
}

static void check_digest(const char *text, size_t size)
{
    static const weft_digest untouched;
    weft_digest d = untouched;
    weft_why why = {""};
    char right[WF_HASH_HEX_BYTES];
    if (weft_digest_parse(text, size, &d, &why) != WEFT_OK) {
        must(why.text[0] != '\0' && memcmp(&d, &untouched, sizeof d) == 0);
        return;
    }
    must(strlen(d.nc) == 8 && strlen(d.user) < sizeof d.user && strlen(d.uri) < sizeof d.uri);
    must(wf_digest_response(&d, "weft", "sesame", right));
    must(!wf_hex_same(d.response, right) || strlen(d.response) == strlen(right));
}

static void check_words(const char *text)
{
    weft_auth_source s = {.path = ""};
    weft_why why = {""};
    char path[2 * WEFT_AUTH_PATH_BYTES];
    if (weft_auth_source_parse(text, &s, &why) != WEFT_OK)
        must(why.text[0] != '\0' && s.kind == 0);
    else if (s.kind == WEFT_AUTH_FROM_SSHKEY && wf_key_path(s.path, "user", path) == WEFT_OK)
        must(strlen(path) < sizeof path);
    if (strlen(text) < WEFT_AUTH_USER_BYTES && wf_key_path("/keys/%u", text, path) == WEFT_OK)
        must(strchr(path + 6, '/') == NULL && path[6] != '.');
    (void)wf_passphrase_is_hash(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    check_lines((wf_piece){text, size});
    check_digest(text, size);
    check_words(text);
    free(text);
    return 0;
}
