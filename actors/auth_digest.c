/* SPDX-License-Identifier: MIT */
/* Digests (RFC 7616): what a client's header says, the challenge's, and the response they must come to. */
#include "auth_digest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- the header: 1#auth-param, auth-param = token BWS "=" BWS ( token / quoted-string ) (RFC 7235) */

/* What is left of the header. */
typedef struct scan {
    const char *at, *end;
} scan;

static void skip_blanks(scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t'))
        s->at++;
}

/* RFC 7230 section 3.2.6. */
static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static wf_piece token(scan *s)
{
    const char *from = s->at;
    while (s->at < s->end && is_token(*s->at))
        s->at++;
    return (wf_piece){from, (size_t)(s->at - from)};
}

/* The value, unquoted, in @out of @max bytes. errors: EPROTO, ETOOBIG. */
static weft_err value(scan *s, char *out, size_t max)
{
    size_t n = 0;
    if (s->at == s->end || *s->at != '"') {
        wf_piece word = token(s);
        if (word.n == 0)
            return WEFT_EPROTO;
        if (word.n >= max)
            return WEFT_ETOOBIG;
        memcpy(out, word.at, word.n);
        out[word.n] = '\0';
        return WEFT_OK;
    }
    for (s->at++; s->at < s->end && *s->at != '"'; s->at++) {
        if (*s->at == '\\' && ++s->at == s->end)
            break;
        if ((unsigned char)*s->at < ' ' || *s->at == 0x7f)
            return WEFT_EPROTO;
        if (n + 1 >= max)
            return WEFT_ETOOBIG;
        out[n++] = *s->at;
    }
    if (s->at == s->end)
        return WEFT_EPROTO; /* the quotes do not end */
    s->at++;
    out[n] = '\0';
    return WEFT_OK;
}

/* Parameters that are looked at and not passed on. */
typedef struct words {
    char algorithm[16], qop[16], userhash[8], extended[WEFT_AUTH_USER_BYTES];
} words;

/* A parameter, and where its value goes. */
typedef struct param {
    const char *name;
    bool needed;
    char *to;
    size_t max;
} param;

static const param *param_of(const param *params, wf_piece name)
{
    for (; params->name != NULL; params++)
        if (wf_piece_is(name, params->name))
            return params;
    return NULL;
}

static weft_err read_params(scan *s, const param *params, uint32_t *given, weft_why *why)
{
    char ignored[1024];
    for (;;) {
        skip_blanks(s);
        while (s->at < s->end && *s->at == ',') {
            s->at++; /* RFC 7230 section 7: empty elements */
            skip_blanks(s);
        }
        if (s->at == s->end)
            return WEFT_OK;
        wf_piece name = token(s);
        skip_blanks(s);
        if (name.n == 0 || s->at == s->end || *s->at != '=')
            return weft_because(why, WEFT_EPROTO, "a digest is not NAME=VALUE, ...");
        s->at++;
        skip_blanks(s);
        const param *p = param_of(params, name);
        weft_err err = value(s, p != NULL ? p->to : ignored, p != NULL ? p->max : sizeof ignored);
        if (err != WEFT_OK)
            return weft_because(why, err, "the %s of a digest is %s", wf_quote_of(name).text,
                                err == WEFT_ETOOBIG ? "too long" : "no value");
        uint32_t bit = p != NULL ? UINT32_C(1) << (p - params) : 0;
        if ((*given & bit) != 0)
            return weft_because(why, WEFT_EPROTO, "a digest has two of %s", p->name);
        *given |= bit;
        skip_blanks(s);
        if (s->at < s->end && *s->at != ',')
            return weft_because(why, WEFT_EPROTO, "there is no comma behind the %s of a digest",
                                wf_quote_of(name).text);
    }
}

static bool is_hex(const char *text, size_t n)
{
    return strlen(text) == n && strspn(text, "0123456789abcdefABCDEF") == n;
}

/* What was read makes sense, and is what this end offers. */
static weft_err judge(const words *w, weft_digest *d, weft_why *why)
{
    if (w->extended[0] != '\0' || strcasecmp(w->userhash, "true") == 0)
        return weft_because(why, WEFT_EUNSUPPORTED, "a digest with a hashed or encoded user name");
    if (w->algorithm[0] == '\0' || strcasecmp(w->algorithm, "MD5") == 0)
        d->algorithm = WEFT_DIGEST_MD5;
    else if (strcasecmp(w->algorithm, "SHA-256") == 0)
        d->algorithm = WEFT_DIGEST_SHA256;
    else
        return weft_because(why, WEFT_EUNSUPPORTED,
                            "the algorithm of a digest is %s, expected MD5 "
                            "or SHA-256",
                            w->algorithm);
    if (strcasecmp(w->qop, "auth") != 0)
        return weft_because(why, WEFT_EUNSUPPORTED, "the qop of a digest is \"%s\", expected auth",
                            w->qop);
    if (!is_hex(d->nc, 8))
        return weft_because(why, WEFT_EPROTO, "the nc of a digest is not eight hex digits");
    if (!is_hex(d->response, 2 * wf_hash_bytes((wf_hash)d->algorithm)))
        return weft_because(why, WEFT_EPROTO, "the response of a digest is not of its algorithm");
    return WEFT_OK;
}

weft_err weft_digest_parse(const char *text, size_t size, weft_digest *out, weft_why *why)
{
    weft_digest d = {.algorithm = WEFT_DIGEST_MD5};
    words w = {.algorithm = ""};
    const param params[] = {
        {"username", true, d.user, sizeof d.user},
        {"realm", true, d.realm, sizeof d.realm},
        {"nonce", true, d.nonce, sizeof d.nonce},
        {"uri", true, d.uri, sizeof d.uri},
        {"response", true, d.response, sizeof d.response},
        {"cnonce", true, d.cnonce, sizeof d.cnonce},
        {"nc", true, d.nc, sizeof d.nc},
        {"qop", true, w.qop, sizeof w.qop},
        {"algorithm", false, w.algorithm, sizeof w.algorithm},
        {"userhash", false, w.userhash, sizeof w.userhash},
        {"username*", false, w.extended, sizeof w.extended},
        {NULL, false, NULL, 0},
    };
    scan s = {text, text + size};
    uint32_t given = 0;
    weft_err err = read_params(&s, params, &given, why);
    if (err == WEFT_OK && w.extended[0] == '\0')
        for (const param *p = params; p->name != NULL; p++)
            if (p->needed && (given & UINT32_C(1) << (p - params)) == 0)
                return weft_because(why, WEFT_EPROTO, "a digest has no %s", p->name);
    if (err == WEFT_OK)
        err = judge(&w, &d, why);
    if (err == WEFT_OK)
        *out = d;
    return err;
}

/* ---- the challenge */

size_t weft_digest_challenge(const char *realm, const char *nonce, weft_digest_algorithm algorithm,
                             bool stale, char *text, size_t size)
{
    return (size_t)snprintf(
        text, size,
        "Digest realm=\"%s\", qop=\"auth\", algorithm=%s, nonce=\"%s\"%s, charset=UTF-8", realm,
        algorithm == WEFT_DIGEST_MD5 ? "MD5" : "SHA-256", nonce, stale ? ", stale=true" : "");
}

/* ---- the response: section 3.4.1 */

enum { JOINED_BYTES = 2048 };

/* H(the parts with colons between them) as hex digits. */
static bool hash_joined(wf_hash kind, const char *const *parts, unsigned count,
                        char hex[WF_HASH_HEX_BYTES])
{
    char joined[JOINED_BYTES];
    uint8_t hash[WF_HASH_BYTES_MAX];
    size_t n = 0;
    bool ok = true;
    for (unsigned i = 0; ok && i < count; i++) {
        size_t part = strlen(parts[i]);
        ok = n + part + 1 < sizeof joined;
        if (!ok)
            break;
        memcpy(joined + n, parts[i], part);
        n += part;
        joined[n++] = ':';
    }
    ok = ok && wf_hash_of(kind, joined, n - 1, hash);
    if (ok)
        wf_hex(hash, wf_hash_bytes(kind), hex);
    explicit_bzero(joined, sizeof joined);
    explicit_bzero(hash, sizeof hash);
    return ok;
}

bool wf_digest_response(const weft_digest *d, const char *realm, const char *password,
                        char hex[WF_HASH_HEX_BYTES])
{
    wf_hash kind = d->algorithm == WEFT_DIGEST_MD5 ? WF_MD5 : WF_SHA256;
    char a1[WF_HASH_HEX_BYTES], a2[WF_HASH_HEX_BYTES];
    const char *first[] = {d->user, realm, password}, *second[] = {d->method, d->uri};
    bool ok = hash_joined(kind, first, 3, a1) && hash_joined(kind, second, 2, a2);
    if (ok) {
        const char *all[] = {a1, d->nonce, d->nc, d->cnonce, "auth", a2};
        ok = hash_joined(kind, all, 6, hex);
    }
    explicit_bzero(a1, sizeof a1);
    return ok;
}

bool wf_hex_same(const char *given, const char *right)
{
    char lower[WF_HASH_HEX_BYTES] = {0};
    size_t n = strlen(right);
    if (strnlen(given, sizeof lower) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        lower[i] = (char)(given[i] >= 'A' && given[i] <= 'F' ? given[i] + ('a' - 'A') : given[i]);
    return wf_same(lower, right, n);
}
