/* SPDX-License-Identifier: MIT */
/* Lines of known_hosts: who is meant, and by which key. */
#include "known_hosts.h"

#include <stdio.h>
#include <string.h>

#include <weft/hash.h>

#include "ssh_session.h"

typedef struct word {
    const char *at;
    size_t size;
} word;

typedef struct entry {
    bool revoked;
    word hosts, type, key;
} entry;

/* ---- names */

static char small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool wf_known_hosts_name(const char *host, uint16_t port, char to[WF_KNOWN_HOST_BYTES])
{
    size_t n = strlen(host);
    if (n == 0 || n > 255 || strpbrk(host, " \t\r\n,*?!|#@[]") != NULL)
        return false;
    if (port == 22)
        (void)snprintf(to, WF_KNOWN_HOST_BYTES, "%s", host);
    else
        (void)snprintf(to, WF_KNOWN_HOST_BYTES, "[%s]:%u", host, (unsigned)port);
    for (char *c = to; *c != '\0'; c++)
        *c = small(*c);
    return true;
}

/* Without going back further than to the last "*", which no earlier one can do better than. */
static bool matches(word pattern, const char *name)
{
    size_t p = 0, n = 0, star = SIZE_MAX, back = 0;
    while (name[n] != '\0') {
        if (p < pattern.size && pattern.at[p] == '*') {
            star = p++;
            back = n;
        } else if (p < pattern.size && (pattern.at[p] == '?' || small(pattern.at[p]) == name[n])) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++back;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.at[p] == '*')
        p++;
    return p == pattern.size;
}

/* "|1|salt|hash", both in base64: HMAC-SHA1 (RFC 2104) of the name with the salt. */
static bool hashes_to(word hosts, const char *name)
{
    uint8_t block[64] = {0}, text[64 + WF_KNOWN_HOST_BYTES], hash[WEFT_SHA1_BYTES];
    uint8_t should[WEFT_SHA1_BYTES], inner[64 + WEFT_SHA1_BYTES];
    size_t salt = 0, size = 0, n = strnlen(name, WF_KNOWN_HOST_BYTES - 1);
    const char *at = hosts.at + 3, *end = hosts.at + hosts.size;
    const char *bar = memchr(at, '|', (size_t)(end - at));
    if (bar == NULL ||
        weft_unbase64(at, (size_t)(bar - at), block, sizeof block, &salt) != WEFT_OK ||
        weft_unbase64(bar + 1, (size_t)(end - bar - 1), should, sizeof should, &size) != WEFT_OK ||
        size != WEFT_SHA1_BYTES)
        return false;
    for (size_t i = 0; i < sizeof block; i++) {
        text[i] = block[i] ^ 0x36;
        inner[i] = block[i] ^ 0x5c;
    }
    memcpy(text + sizeof block, name, n);
    if (!weft_sha1(text, sizeof block + n, hash))
        return false;
    memcpy(inner + sizeof block, hash, sizeof hash);
    return weft_sha1(inner, sizeof inner, hash) && memcmp(hash, should, sizeof hash) == 0;
}

/* A pattern that begins with "!" and matches has the whole line not meant. */
static bool is_meant(word hosts, const char *name)
{
    bool meant = false;
    if (hosts.size > 3 && memcmp(hosts.at, "|1|", 3) == 0)
        return hashes_to(hosts, name);
    for (size_t at = 0; at <= hosts.size;) {
        const char *comma = memchr(hosts.at + at, ',', hosts.size - at);
        size_t end = comma != NULL ? (size_t)(comma - hosts.at) : hosts.size;
        word pattern = {hosts.at + at, end - at};
        bool no = pattern.size != 0 && pattern.at[0] == '!';
        if (no)
            pattern = (word){pattern.at + 1, pattern.size - 1};
        if (pattern.size != 0 && matches(pattern, name)) {
            if (no)
                return false;
            meant = true;
        }
        at = end + 1;
    }
    return meant;
}

/* ---- lines */

static word next_word(const char **at, const char *end)
{
    while (*at < end && (**at == ' ' || **at == '\t'))
        ++*at;
    word w = {*at, 0};
    while (*at < end && **at != ' ' && **at != '\t')
        ++*at;
    w.size = (size_t)(*at - w.at);
    return w;
}

static bool is(word w, const char *text)
{
    return w.size == strlen(text) && memcmp(w.at, text, w.size) == 0;
}

/* false: it has no key of a host. */
static bool read_line(const char *at, const char *end, entry *out)
{
    if (end > at && end[-1] == '\r')
        end--;
    *out = (entry){.revoked = false};
    out->hosts = next_word(&at, end);
    if (out->hosts.size == 0 || out->hosts.at[0] == '#')
        return false;
    if (out->hosts.at[0] == '@') {
        if (!is(out->hosts, "@revoked"))
            return false;
        out->revoked = true;
        out->hosts = next_word(&at, end);
    }
    out->type = next_word(&at, end);
    out->key = next_word(&at, end);
    return out->key.size != 0;
}

typedef struct lines {
    const char *at, *end;
    unsigned number;
} lines;

/* The next line about @name. false: there is none. */
static bool next_about(lines *l, const char *name, entry *out)
{
    while (l->at < l->end) {
        const char *at = l->at, *end = memchr(at, '\n', (size_t)(l->end - at));
        end = end != NULL ? end : l->end;
        l->at = end < l->end ? end + 1 : end;
        l->number++;
        if (end - at <= WF_KNOWN_LINE_BYTES_MAX && read_line(at, end, out) &&
            is_meant(out->hosts, name))
            return true;
    }
    return false;
}

wf_known wf_known_hosts_look(const char *text, size_t size, const char *name, const char *type,
                             const char *key, unsigned *line)
{
    lines l = {text, text + size, 0};
    wf_known known = WF_KNOWN_NOT;
    entry e;
    *line = 0;
    while (next_about(&l, name, &e)) {
        bool same = is(e.type, type) && is(e.key, key);
        if (e.revoked && !same)
            continue;
        if (known != WF_KNOWN_YES || e.revoked)
            *line = l.number;
        if (e.revoked)
            return WF_KNOWN_REVOKED;
        if (same)
            known = WF_KNOWN_YES;
        else if (known == WF_KNOWN_NOT)
            known = WF_KNOWN_CHANGED;
    }
    return known;
}

unsigned wf_known_hosts_types(const char *text, size_t size, const char *name)
{
    static const struct {
        const char *name;
        unsigned bit;
    } types[] = {
        {"ssh-ed25519", WF_SSH_ED25519},
        {"ecdsa-sha2-nistp256", WF_SSH_ECDSA_256},
        {"ecdsa-sha2-nistp384", WF_SSH_ECDSA_384},
        {"ecdsa-sha2-nistp521", WF_SSH_ECDSA_521},
        {"ssh-rsa", WF_SSH_RSA},
    };
    lines l = {text, text + size, 0};
    unsigned known = 0;
    entry e;
    while (next_about(&l, name, &e))
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            if (!e.revoked && is(e.type, types[i].name))
                known |= types[i].bit;
    return known;
}
