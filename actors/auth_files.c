/* SPDX-License-Identifier: MIT */
/* Files of passwords and of keys: read whole, looked through, checked before start. */
#include "auth_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <weft/edge.h>

#include "auth_shadow.h"

void wf_text_done(wf_text *t)
{
    if (t->at != NULL)
        explicit_bzero(t->at, t->n);
    weft_alloc_free(t->at);
    t->at = NULL;
}

static weft_err read_all(int fd, char *to, size_t max, size_t *size)
{
    size_t n = 0;
    for (;;) {
        ssize_t got = read(fd, to + n, max - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return WEFT_EIO;
        n += (size_t)got;
        if (got == 0 || n == max)
            break;
    }
    *size = n;
    return WEFT_OK;
}

weft_err wf_text_read(const char *path, wf_text *out, weft_why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return weft_because(why, weft_err_from_errno(errno), "unable to open %s: %s", path,
                            strerrordesc_np(errno));
    wf_text t = {.at = weft_alloc(WEFT_AUTH_FILE_BYTES_MAX + 1)};
    weft_err err = WEFT_ENOMEM;
    if (t.at != NULL)
        err = read_all(fd, t.at, WEFT_AUTH_FILE_BYTES_MAX + 1, &t.n);
    (void)close(fd);
    if (err == WEFT_OK && t.n > WEFT_AUTH_FILE_BYTES_MAX)
        err = WEFT_ETOOBIG;
    if (err != WEFT_OK) {
        wf_text_done(&t);
        return weft_because(why, err, "unable to read %s: %s", path, weft_err_text(err));
    }
    *out = t;
    return WEFT_OK;
}

/* ---- looking through */

static bool piece_same(wf_piece piece, const char *word)
{
    return piece.n == strlen(word) && memcmp(piece.at, word, piece.n) == 0;
}

void wf_text_hash(const wf_text *file, const char *user, char hash[WF_PASSPHRASE_HASH_BYTES],
                  char like[WF_PASSPHRASE_HASH_BYTES])
{
    char text[WF_PASSPHRASE_HASH_BYTES];
    wf_piece rest = {file->at, file->n}, line, name, found;
    uint64_t most = 0;
    hash[0] = like[0] = '\0';
    while (wf_text_line(&rest, &line)) {
        if (wf_password_line(line, &name, &found, NULL) != WEFT_OK)
            continue;
        memcpy(text, found.at, found.n);
        text[found.n] = '\0';
        if (!wf_passphrase_is_hash(text))
            continue;
        uint64_t cost = wf_passphrase_cost(text);
        if (hash[0] == '\0' && piece_same(name, user))
            memcpy(hash, text, found.n + 1);
        else if (like[0] == '\0' || cost > most) {
            memcpy(like, text, found.n + 1);
            most = cost;
        }
    }
    explicit_bzero(text, sizeof text);
}

bool wf_text_has_key(const wf_text *file, const uint8_t *key_blob, size_t size)
{
    wf_piece rest = {file->at, file->n}, line;
    uint8_t blob[WEFT_AUTH_KEY_BYTES];
    wf_key_line key;
    size_t n;
    while (wf_text_line(&rest, &line))
        /* what options demand would not be obeyed, so that such a line lets nobody in */
        if (wf_key_line_read(line, &key, NULL) == WEFT_OK && key.options.n == 0 &&
            wf_key_blob(&key, blob, &n, NULL) == WEFT_OK && n == size &&
            memcmp(blob, key_blob, n) == 0)
            return true;
    return false;
}

/* ---- before start */

static weft_err check_line(weft_auth_source_kind kind, wf_piece line, weft_why *why)
{
    uint8_t blob[WEFT_AUTH_KEY_BYTES];
    char text[WF_PASSPHRASE_HASH_BYTES];
    wf_piece user, hash;
    wf_key_line key;
    size_t n;
    weft_err err;
    if (kind == WEFT_AUTH_FROM_SSHKEY) {
        err = wf_key_line_read(line, &key, why);
        if (err == WEFT_OK && key.options.n != 0)
            return weft_because(why, WEFT_EUNSUPPORTED, "its options (%s) would not be obeyed",
                                wf_quote_of(key.options).text);
        return err == WEFT_OK ? wf_key_blob(&key, blob, &n, why) : err;
    }
    err = wf_password_line(line, &user, &hash, why);
    if (err != WEFT_OK)
        return err;
    memcpy(text, hash.at, hash.n);
    text[hash.n] = '\0';
    if (!wf_passphrase_is_hash(text))
        return weft_because(why, WEFT_EPROTO,
                            "the hash of %s is of no strong method, expected one by "
                            "htpasswd -B or mkpasswd",
                            wf_quote_of(user).text);
    return WEFT_OK;
}

static weft_err check_file(const weft_auth_source *source, weft_why *why)
{
    wf_piece line;
    wf_text file = {NULL, 0};
    unsigned number = 0;
    weft_err err = wf_text_read(source->path, &file, why);
    if (err != WEFT_OK)
        return err;
    for (wf_piece rest = {file.at, file.n}; wf_text_line(&rest, &line);) {
        weft_why what = {""};
        number++;
        err = check_line(source->kind, line, &what);
        if (err != WEFT_OK && err != WEFT_ENOTFOUND) {
            err = weft_because(why, err, "%.80s:%u: %.100s", source->path, number, what.text);
            break;
        }
        err = WEFT_OK;
    }
    wf_text_done(&file);
    return err;
}

weft_err weft_auth_source_check(const weft_auth_source *source, weft_why *why)
{
    switch (source->kind) {
    case WEFT_AUTH_FROM_ANONYMOUS:
    case WEFT_AUTH_FROM_MEMORY:
        return WEFT_OK;
    case WEFT_AUTH_FROM_UNIX:
        return wf_shadow_check(WF_SHADOW_FILE, why);
    case WEFT_AUTH_FROM_SSHKEY:
        if (strstr(source->path, "%u") != NULL)
            return WEFT_OK;
        return check_file(source, why);
    case WEFT_AUTH_FROM_FILE:
        return check_file(source, why);
    }
    return weft_because(why, WEFT_EINVAL, "a source of kind %d", (int)source->kind);
}
