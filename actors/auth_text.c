/* SPDX-License-Identifier: MIT */
/* Lines of password files and of authorized_keys. */
#include "auth_text.h"

#include <stdio.h>
#include <string.h>

#include "passphrase.h"

bool wf_text_line(wf_piece *text, wf_piece *line)
{
    if (text->at == NULL || text->n == 0)
        return false;
    *line = wf_piece_until(*text, '\n', text);
    if (line->n > 0 && line->at[line->n - 1] == '\r')
        line->n--;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static wf_piece without_blanks(wf_piece text)
{
    while (text.n > 0 && is_blank(text.at[0])) {
        text.at++;
        text.n--;
    }
    while (text.n > 0 && is_blank(text.at[text.n - 1]))
        text.n--;
    return text;
}

static bool says_nothing(wf_piece line)
{
    line = without_blanks(line);
    return line.n == 0 || line.at[0] == '#';
}

/* ---- passwords */

weft_err wf_password_line(wf_piece line, wf_piece *user, wf_piece *hash, weft_why *why)
{
    wf_piece rest;
    if (says_nothing(line))
        return WEFT_ENOTFOUND;
    *user = wf_piece_until(line, ':', &rest);
    if (rest.at == NULL)
        return weft_because(why, WEFT_EPROTO, "there is no colon, expected USER:HASH");
    *hash = wf_piece_until(rest, ':', &rest);
    if (user->n == 0 || user->n >= WEFT_AUTH_USER_BYTES)
        return weft_because(why, WEFT_EPROTO, "a user of %zu bytes, expected 1 to %u", user->n,
                            WEFT_AUTH_USER_BYTES - 1);
    if (hash->n == 0 || hash->n >= WF_PASSPHRASE_HASH_BYTES)
        return weft_because(why, WEFT_EPROTO, "a hash of %zu bytes, expected 1 to %d", hash->n,
                            WF_PASSPHRASE_HASH_BYTES - 1);
    if (memchr(line.at, '\0', line.n) != NULL)
        return weft_because(why, WEFT_EPROTO, "there is a zero byte in it");
    return WEFT_OK;
}

/* ---- keys */

/* Up to the first blank that is not within double quotes; false: the quotes do not end. */
static bool word_with_quotes(wf_piece text, wf_piece *word, wf_piece *rest)
{
    bool quoted = false;
    size_t n = 0;
    for (; n < text.n && (quoted || !is_blank(text.at[n])); n++) {
        if (text.at[n] == '\\' && quoted && n + 1 < text.n && text.at[n + 1] == '"')
            n++;
        else if (text.at[n] == '"')
            quoted = !quoted;
    }
    if (n > text.n)
        n = text.n;
    *word = (wf_piece){text.at, n};
    *rest = without_blanks((wf_piece){text.at + n, text.n - n});
    return !quoted;
}

static bool is_key_type(wf_piece word)
{
    static const char *const types[] = {
        "ssh-ed25519",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (word.n == strlen(types[i]) && memcmp(word.at, types[i], word.n) == 0)
            return true;
    return false;
}

weft_err wf_key_line_read(wf_piece line, wf_key_line *out, weft_why *why)
{
    wf_piece rest = without_blanks(line), word;
    *out = (wf_key_line){.options = {NULL, 0}};
    if (says_nothing(line))
        return WEFT_ENOTFOUND;
    if (!word_with_quotes(rest, &word, &rest))
        return weft_because(why, WEFT_EPROTO, "its quotes do not end");
    if (!is_key_type(word)) {
        out->options = word;
        (void)word_with_quotes(rest, &word, &rest);
        if (!is_key_type(word))
            return weft_because(why, WEFT_EPROTO,
                                "\"%s\" is no type of key, expected ssh-ed25519, "
                                "ssh-rsa, ecdsa-sha2-nistp256, ...",
                                wf_quote_of(word).text);
    }
    out->type = word;
    size_t n = 0;
    while (n < rest.n && !is_blank(rest.at[n]))
        n++;
    out->base64 = (wf_piece){rest.at, n};
    out->comment = without_blanks((wf_piece){rest.at + n, rest.n - n});
    if (n == 0)
        return weft_because(why, WEFT_EPROTO, "there is no key behind its type");
    return WEFT_OK;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

weft_err wf_base64_decode(wf_piece base64, uint8_t *out, size_t max, size_t *size)
{
    size_t n = base64.n, made = 0;
    uint32_t bits = 0;
    if (n == 0 || n % 4 != 0)
        return WEFT_EPROTO;
    for (int pads = 0; pads < 2 && base64.at[n - 1] == '='; pads++)
        n--;
    for (size_t i = 0; i < n; i++) {
        int value = base64_value(base64.at[i]);
        if (value < 0)
            return WEFT_EPROTO;
        bits = (bits << 6 | (uint32_t)value) & 0xffffff;
        if (i % 4 == 0)
            continue;
        if (made == max)
            return WEFT_ETOOBIG;
        out[made++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    /* section 3.5: what is left over must be zero, so that a key has one spelling */
    if (n % 4 == 1 || (n % 4 == 2 && (bits & 0xf) != 0) || (n % 4 == 3 && (bits & 0x3) != 0))
        return WEFT_EPROTO;
    *size = made;
    return WEFT_OK;
}

weft_err wf_key_blob(const wf_key_line *line, uint8_t out[WEFT_AUTH_KEY_BYTES], size_t *size,
                     weft_why *why)
{
    size_t n = 0;
    weft_err err = wf_base64_decode(line->base64, out, WEFT_AUTH_KEY_BYTES, &n);
    if (err != WEFT_OK)
        return weft_because(why, err,
                            err == WEFT_ETOOBIG ? "the key is longer than %u bytes"
                                                : "the key is not base64 (%u bytes)",
                            WEFT_AUTH_KEY_BYTES);
    /* RFC 4253 section 6.6: "string certificate or public key format identifier" comes first */
    size_t type = n >= 4
                      ? (size_t)out[0] << 24 | (size_t)out[1] << 16 | (size_t)out[2] << 8 | out[3]
                      : SIZE_MAX;
    if (type != line->type.n || n - 4 < type || memcmp(out + 4, line->type.at, type) != 0)
        return weft_because(why, WEFT_EPROTO, "the key is not of the type \"%s\" it stands behind",
                            wf_quote_of(line->type).text);
    *size = n;
    return WEFT_OK;
}

static bool is_file_name(const char *user)
{
    return user[0] != '\0' && user[0] != '.' &&
           strspn(user, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@+") ==
               strlen(user);
}

weft_err wf_key_path(const char *path, const char *user, char out[2 * WEFT_AUTH_PATH_BYTES])
{
    const char *at = strstr(path, "%u");
    size_t before = at != NULL ? (size_t)(at - path) : strlen(path);
    const char *middle = at != NULL ? user : "", *after = at != NULL ? at + 2 : "";
    if (at != NULL && !is_file_name(user))
        return WEFT_EDENIED;
    if (before + strlen(middle) + strlen(after) >= 2 * WEFT_AUTH_PATH_BYTES)
        return WEFT_ETOOBIG;
    (void)snprintf(out, (size_t)2 * WEFT_AUTH_PATH_BYTES, "%.*s%s%s", (int)before, path, middle,
                   after);
    return WEFT_OK;
}
