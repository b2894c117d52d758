/* SPDX-License-Identifier: MIT */
/* Mailboxes, paths and domains: how far each goes, and what is wrong with those that go nowhere. */
#include "smtp_address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { LABEL_BYTES_MAX = 63, LITERAL_BYTES_MAX = 64 };

/* Of the UTF-8 character at @at its length; 0: it is none (RFC 3629, section 4). */
static size_t utf8_bytes(const char *at, size_t n)
{
    const unsigned char *c = (const unsigned char *)at;
    size_t size = c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;
    if (size == 0 || size > n)
        return 0;
    unsigned low = c[0] == 0xe0 ? 0xa0 : c[0] == 0xf0 ? 0x90 : 0x80;
    unsigned high = c[0] == 0xed ? 0x9f : c[0] == 0xf4 ? 0x8f : 0xbf;
    if (c[1] < low || c[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

/* The length of one character if @is takes it, or if it is beyond ASCII. */
static size_t one_of(const char *at, size_t n, bool (*is)(unsigned char), bool *utf8)
{
    unsigned char c = (unsigned char)*at;
    if (c < 0x80)
        return is(c) ? 1 : 0;
    size_t size = utf8_bytes(at, n);
    *utf8 |= size != 0;
    return size;
}

static size_t run_of(const char *at, size_t n, bool (*is)(unsigned char), bool *utf8)
{
    size_t i = 0, size = 1;
    while (i < n && size != 0) {
        size = one_of(at + i, n - i, is, utf8);
        i += size;
    }
    return i;
}

/* ---- local parts */

bool wf_smtp_is_atext(unsigned char c)
{
    return isalnum(c) != 0 || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* RFC 5321, section 4.1.2: qtextSMTP */
static bool is_qtext(unsigned char c)
{
    return c >= 32 && c <= 126 && c != '"' && c != '\\';
}

static size_t dot_string(const char *at, size_t n, bool *utf8)
{
    size_t i = 0;
    for (;;) {
        size_t atom = run_of(at + i, n - i, wf_smtp_is_atext, utf8);
        if (atom == 0)
            return 0;
        i += atom;
        if (i == n || at[i] != '.')
            return i;
        i++;
    }
}

/* With its quotes. "quoted-pairSMTP = %d92 %d32-126" */
static size_t quoted_string(const char *at, size_t n, bool *utf8)
{
    for (size_t i = 1; i < n;) {
        if (at[i] == '"')
            return i + 1;
        bool pair = at[i] == '\\' && i + 1 < n && at[i + 1] >= 32 && at[i + 1] <= 126;
        size_t size = pair ? 2 : one_of(at + i, n - i, is_qtext, utf8);
        if (size == 0)
            return 0;
        i += size;
    }
    return 0;
}

/* ---- domains */

static bool is_let_dig(unsigned char c)
{
    return isalnum(c) != 0;
}

static bool is_ldh(unsigned char c)
{
    return isalnum(c) != 0 || c == '-';
}

/* "sub-domain = Let-dig [Ldh-str]"; an underscore is let through nowhere. */
static size_t label(const char *at, size_t n, bool *utf8)
{
    bool ignored = false;
    size_t size = run_of(at, n, is_ldh, utf8);
    if (size == 0 || size > LABEL_BYTES_MAX || one_of(at, n, is_let_dig, &ignored) == 0 ||
        at[size - 1] == '-')
        return 0;
    return size;
}

/* With its brackets: "[192.0.2.1]", "[IPv6:2001:db8::1]". Others have no meaning anybody registered. */
static size_t literal(const char *at, size_t n)
{
    static const char tag[] = "IPv6:";
    char text[LITERAL_BYTES_MAX];
    unsigned char ip[16];
    const char *end = memchr(at, ']', n < sizeof text ? n : sizeof text);
    if (end == NULL)
        return 0;
    size_t size = (size_t)(end - at) - 1;
    memcpy(text, at + 1, size);
    text[size] = '\0';
    if (strlen(text) != size)
        return 0;
    bool six = strncasecmp(text, tag, sizeof tag - 1) == 0;
    return inet_pton(six ? AF_INET6 : AF_INET, six ? text + sizeof tag - 1 : text, ip) == 1
               ? size + 2
               : 0;
}

size_t wf_smtp_domain(const char *at, size_t n, bool *utf8, const char **wrong)
{
    size_t i = 0;
    *wrong = "expected a domain";
    if (n != 0 && at[0] == '[') {
        *wrong = "expected an address such as [192.0.2.1] or [IPv6:2001:db8::1]";
        return literal(at, n);
    }
    for (;;) {
        size_t size = label(at + i, n - i, utf8);
        if (size == 0)
            return 0;
        i += size;
        if (i >= WEFT_SMTP_DOMAIN_BYTES) {
            *wrong = "the domain is too long";
            return 0;
        }
        if (i == n || at[i] != '.')
            return i;
        i++;
    }
}

/* ---- mailboxes and paths */

size_t wf_smtp_mailbox(const char *at, size_t n, bool *utf8, const char **wrong)
{
    size_t local = n != 0 && at[0] == '"' ? quoted_string(at, n, utf8) : dot_string(at, n, utf8);
    *wrong = "expected a mailbox such as user@example.org";
    if (local == 0 || local == n || at[local] != '@')
        return 0;
    if (local >= WEFT_SMTP_LOCAL_BYTES) {
        *wrong = "the part before the @ is too long";
        return 0;
    }
    size_t domain = wf_smtp_domain(at + local + 1, n - local - 1, utf8, wrong);
    if (domain == 0)
        return 0;
    if (local + 1 + domain < WEFT_SMTP_ADDRESS_BYTES)
        return local + 1 + domain;
    *wrong = "the address is too long";
    return 0;
}

/* "A-d-l = At-domain *( "," At-domain )", and the ":" behind it. true: there was none, or it was well formed. */
static bool skip_route(const char *at, size_t n, size_t *i)
{
    const char *wrong;
    bool utf8 = false;
    while (*i < n && at[*i] == '@') {
        size_t size = wf_smtp_domain(at + *i + 1, n - *i - 1, &utf8, &wrong);
        *i += 1 + size;
        if (size == 0 || *i == n || (at[*i] != ',' && at[*i] != ':'))
            return false;
        if (at[(*i)++] == ':')
            return true;
    }
    return *i < n && at[*i - 1] != ',';
}

size_t wf_smtp_path(const char *at, size_t n, bool null, bool postmaster,
                    char out[WEFT_SMTP_ADDRESS_BYTES], bool *utf8, const char **wrong)
{
    static const char local[] = "postmaster>";
    size_t i = 1, size;
    *wrong = "expected an address in < and >";
    if (n < 2 || at[0] != '<' || !skip_route(at, n, &i))
        return 0;
    if (null && at[1] == '>')
        size = 0;
    else if (postmaster && n - i >= sizeof local - 1 &&
             strncasecmp(at + i, local, sizeof local - 1) == 0)
        size = sizeof local - 2;
    else if ((size = wf_smtp_mailbox(at + i, n - i, utf8, wrong)) == 0)
        return 0;
    if (i + size == n || at[i + size] != '>') {
        *wrong = "expected > behind the address";
        return 0;
    }
    memcpy(out, at + i, size);
    out[size] = '\0';
    return i + size + 1;
}

bool wf_smtp_has_blank(const char *address)
{
    for (const unsigned char *c = (const unsigned char *)address; *c != '\0'; c++)
        if (*c <= ' ' || *c == 127)
            return true;
    return false;
}

weft_err weft_smtp_address_check(const char *text, bool utf8, weft_why *why)
{
    size_t n = strlen(text);
    const char *wrong;
    bool beyond = false;
    if (n >= WEFT_SMTP_ADDRESS_BYTES)
        return weft_because(why, WEFT_ETOOBIG, "an address of %zu bytes, expected at most %u", n,
                            WEFT_SMTP_ADDRESS_BYTES - 1);
    size_t size = wf_smtp_mailbox(text, n, &beyond, &wrong);
    if (size == 0)
        return weft_because(why, WEFT_EINVAL, "\"%.80s\" is no address: %s", text, wrong);
    if (size != n)
        return weft_because(why, WEFT_EINVAL,
                            "\"%.80s\" is no address: there is something behind it", text);
    if (beyond && !utf8)
        return weft_because(why, WEFT_EINVAL, "\"%.80s\" has characters beyond ASCII", text);
    return WEFT_OK;
}
