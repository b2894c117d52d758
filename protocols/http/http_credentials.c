/* SPDX-License-Identifier: MIT */
/* What clients say in Authorization: Basic (RFC 7617), and Digest (RFC 7616), which the auth layer reads. */
#include "http_credentials.h"

#include <string.h>
#include <strings.h>

#define BASIC_BYTES_MAX (WEFT_AUTH_USER_BYTES + WEFT_AUTH_PASSWORD_BYTES)

static int value_of(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
    return at != NULL ? (int)(at - alphabet) : -1;
}

/* Base64 as RFC 4648 section 4 has it, with its padding and without bits behind its end. */
static weft_err decode(weft_http_text in, char *out, size_t max, size_t *n)
{
    uint32_t bits = 0, left = in.bytes, held = 0;
    *n = 0;
    if (left == 0 || left % 4 != 0)
        return WEFT_EPROTO;
    uint32_t padding = in.at[left - 1] != '=' ? 0 : in.at[left - 2] != '=' ? 1 : 2;
    if (left / 4 * 3 - padding > max)
        return WEFT_ETOOBIG;
    for (uint32_t i = 0; i < left - padding; i++) {
        int value = value_of(in.at[i]);
        if (value < 0)
            return WEFT_EPROTO;
        held = held << 6 | (uint32_t)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[(*n)++] = (char)(held >> bits & 0xff);
        }
    }
    return (held & ((1U << bits) - 1)) == 0 ? WEFT_OK : WEFT_EPROTO;
}

/* Section 2: "The user-id and password MUST NOT contain any control characters", nor the first a colon. */
static weft_err read_basic(weft_http_text value, weft_auth_request *out)
{
    char text[BASIC_BYTES_MAX];
    size_t n;
    weft_err err = decode(value, text, sizeof text, &n);
    const char *colon = err == WEFT_OK ? memchr(text, ':', n) : NULL;
    if (err == WEFT_OK && colon == NULL)
        err = WEFT_EPROTO;
    for (size_t i = 0; i < n && err == WEFT_OK; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            err = WEFT_EPROTO;
    if (err == WEFT_OK) {
        size_t user = (size_t)(colon - text), password = n - user - 1;
        if (user < sizeof out->user && password < sizeof out->password) {
            out->kind = WEFT_AUTH_PASSWORD;
            memcpy(out->user, text, user);
            memcpy(out->password, colon + 1, password);
        } else {
            err = WEFT_ETOOBIG;
        }
    }
    explicit_bzero(text, sizeof text);
    return err;
}

static weft_err read_digest(weft_http_text value, weft_auth_request *out)
{
    weft_why why;
    weft_err err = weft_digest_parse(value.at, value.bytes, &out->digest, &why);
    if (err != WEFT_OK)
        return err;
    out->kind = WEFT_AUTH_DIGEST;
    memcpy(out->user, out->digest.user, sizeof out->user);
    return WEFT_OK;
}

weft_err wf_http_credentials_read(weft_http_text value, bool digest, weft_auth_request *out)
{
    const char *scheme = digest ? "digest " : "basic ";
    uint32_t n = (uint32_t)strlen(scheme);
    if (value.at == NULL || value.bytes < n || strncasecmp(value.at, scheme, n) != 0)
        return WEFT_ENOTFOUND;
    while (n < value.bytes && value.at[n] == ' ')
        n++;
    value = (weft_http_text){value.at + n, value.bytes - n};
    return digest ? read_digest(value, out) : read_basic(value, out);
}
