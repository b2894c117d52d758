/* SPDX-License-Identifier: MIT */
/* The bytes of SOCKS, as a server hears and says them. */
#include "socks_codec.h"

#include <arpa/inet.h>
#include <string.h>

#include <weft/url.h>

enum { ADDRESS_V4 = 1, ADDRESS_NAME = 3, ADDRESS_V6 = 4 };

/* ---- lengths */

static size_t at_least(size_t n, size_t bytes)
{
    return n >= bytes ? bytes : 0;
}

/* Whether a text that ends in a zero is whole; *@at is then behind it. */
static weft_err skip_text(const uint8_t *text, size_t n, size_t *at, bool *whole, const char *what,
                          weft_why *why)
{
    size_t left = n - *at, most = WF_SOCKS_NAME_BYTES_MAX + 1U;
    const uint8_t *end = memchr(text + *at, 0, left < most ? left : most);
    *whole = end != NULL;
    if (end != NULL)
        *at = (size_t)(end - text) + 1;
    else if (left >= most)
        return weft_because(why, WEFT_ETOOBIG,
                            "the %s of a SOCKS 4 request is longer than %d bytes", what,
                            WF_SOCKS_NAME_BYTES_MAX);
    return WEFT_OK;
}

/* SOCKS 4A: "a client should set the first three bytes of DSTIP to NULL and the last byte to a non-zero
 * value" */
static bool is_4a(const uint8_t *at)
{
    return at[4] == 0 && at[5] == 0 && at[6] == 0 && at[7] != 0;
}

static weft_err length4(const uint8_t *at, size_t n, size_t *out, weft_why *why)
{
    size_t end = 8;
    bool whole = false;
    if (n < 9)
        return WEFT_OK;
    weft_err err = skip_text(at, n, &end, &whole, "user", why);
    if (err == WEFT_OK && whole && is_4a(at))
        err = skip_text(at, n, &end, &whole, "name", why);
    if (err == WEFT_OK && whole)
        *out = end;
    return err;
}

static weft_err length_login(const uint8_t *at, size_t n, size_t *out, weft_why *why)
{
    if (at[0] != 1)
        return weft_because(why, WEFT_EPROTO, "a login has version %u, expected 1", at[0]);
    if (n >= 2 && n >= 3U + at[1])
        *out = at_least(n, 3U + at[1] + at[2 + at[1]]);
    return WEFT_OK;
}

/* Of what has an address from its fourth byte on, and a port behind it. */
static void length_address(const uint8_t *at, size_t n, size_t *out)
{
    if (at[3] == ADDRESS_V4)
        *out = at_least(n, 10);
    else if (at[3] == ADDRESS_V6)
        *out = at_least(n, 22);
    else if (at[3] == ADDRESS_NAME)
        *out = at_least(n, 7U + at[4]);
    else
        *out = 5; /* its length is not known, and it is refused */
}

static weft_err length5(const uint8_t *at, size_t n, size_t *out, weft_why *why)
{
    if (at[0] != 5)
        return weft_because(why, WEFT_EPROTO, "a request has version %u, expected 5", at[0]);
    if (n < 5)
        return WEFT_OK;
    length_address(at, n, out);
    return WEFT_OK;
}

weft_err wf_socks_length(wf_socks_expected expected, const uint8_t *at, size_t n, size_t *out,
                         weft_why *why)
{
    *out = 0;
    if (n == 0)
        return WEFT_OK;
    if (expected == WF_SOCKS_LOGIN)
        return length_login(at, n, out, why);
    if (expected == WF_SOCKS_REQUEST)
        return length5(at, n, out, why);
    if (at[0] == 4)
        return length4(at, n, out, why);
    if (at[0] != 5)
        return weft_because(why, WEFT_EPROTO, "the first byte is 0x%02x, which is no SOCKS", at[0]);
    if (n >= 2)
        *out = at_least(n, 2U + at[1]);
    return WEFT_OK;
}

/* ---- reading */

bool wf_socks_offers(const uint8_t *at, wf_socks_method method)
{
    return memchr(at + 2, (int)method, at[1]) != NULL;
}

static bool read_text(const uint8_t *counted, char out[256])
{
    memcpy(out, counted + 1, counted[0]);
    out[counted[0]] = '\0';
    return strlen(out) == counted[0];
}

weft_err wf_socks_read_login(const uint8_t *at, char user[256], char password[256], weft_why *why)
{
    bool right = at[1] != 0;
    right = read_text(at + 1, user) && right;
    right = read_text(at + 2 + at[1], password) && right;
    return right ? WEFT_OK
                 : weft_because(why, WEFT_EPROTO, "a login without a user, or with a zero byte");
}

/* What is no literal is a name as RFC 1123 section 2.1 has it, and may have _ as the field does. */
static weft_err check_host(const char *host, weft_why *why)
{
    weft_host_kind kind = weft_host_kind_of(host);
    bool right = kind != WEFT_HOST_ANY && strchr(host, '%') == NULL;
    if (kind == WEFT_HOST_V6)
        return right ? WEFT_OK : weft_because(why, WEFT_EPROTO, "an address has a zone");
    for (const char *c = host; *c != '\0' && right; c++)
        right = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                *c == '-' || *c == '.' || *c == '_';
    return right ? WEFT_OK
                 : weft_because(why, WEFT_EPROTO,
                                "the name asked for has bytes that no host's name has");
}

static weft_err set_name(const uint8_t *from, size_t n, wf_socks_request *out, weft_why *why)
{
    if (memchr(from, 0, n) != NULL)
        return weft_because(why, WEFT_EPROTO, "the name asked for has a zero byte");
    memcpy(out->host, from, n);
    out->host[n] = '\0';
    return check_host(out->host, why);
}

static uint16_t port_at(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static weft_err read4(const uint8_t *at, size_t n, wf_socks_request *out, weft_why *why)
{
    out->port = port_at(at + 2);
    if (!is_4a(at)) {
        (void)inet_ntop(AF_INET, at + 4, out->host, sizeof out->host);
        return WEFT_OK;
    }
    size_t name = 8 + strlen((const char *)at + 8) + 1;
    return set_name(at + name, n - name - 1, out, why);
}

static weft_err read5(const uint8_t *at, size_t n, wf_socks_request *out, weft_why *why)
{
    switch (at[3]) {
    case ADDRESS_V4:
        (void)inet_ntop(AF_INET, at + 4, out->host, sizeof out->host);
        break;
    case ADDRESS_V6:
        (void)inet_ntop(AF_INET6, at + 4, out->host, sizeof out->host);
        break;
    case ADDRESS_NAME: {
        weft_err err = set_name(at + 5, at[4], out, why);
        if (err != WEFT_OK)
            return err;
        break;
    }
    default:
        return weft_because(why, WEFT_EUNSUPPORTED, "an address of type %u", at[3]);
    }
    out->port = port_at(at + n - 2);
    return WEFT_OK;
}

weft_err wf_socks_read_request(const uint8_t *at, size_t n, wf_socks_request *out, weft_why *why)
{
    *out = (wf_socks_request){.version = at[0], .command = at[1]};
    return at[0] == 4 ? read4(at, n, out, why) : read5(at, n, out, why);
}

size_t wf_socks_read_packet(const uint8_t *at, size_t n, wf_socks_request *out)
{
    size_t head = 0;
    *out = (wf_socks_request){.version = 5};
    /* from its fourth byte on it is as a request; what stands before is two of nothing, and the fragment */
    if (n < 5 || at[2] != 0)
        return 0;
    length_address(at, n, &head);
    return head >= 7 && read5(at, head, out, NULL) == WEFT_OK ? head : 0;
}

/* ---- saying */

wf_socks_reply wf_socks_reply_of(weft_err err)
{
    switch (err) {
    case WEFT_OK:
        return WF_SOCKS_SUCCEEDED;
    case WEFT_EDENIED:
        return WF_SOCKS_NOT_ALLOWED;
    case WEFT_EUNREACHABLE:
    case WEFT_ENONAME:
        return WF_SOCKS_HOST_UNREACHABLE;
    case WEFT_EREFUSED:
        return WF_SOCKS_REFUSED;
    case WEFT_ETIMEDOUT:
        return WF_SOCKS_EXPIRED;
    default:
        return WF_SOCKS_FAILED;
    }
}

size_t wf_socks_say_method(wf_socks_method method, uint8_t say[WF_SOCKS_SAY_BYTES])
{
    say[0] = 5;
    say[1] = (uint8_t)method;
    return 2;
}

size_t wf_socks_say_login(bool granted, uint8_t say[WF_SOCKS_SAY_BYTES])
{
    say[0] = 1;
    say[1] = granted ? 0 : 1;
    return 2;
}

static void put_port(uint8_t *to, uint16_t port)
{
    to[0] = (uint8_t)(port >> 8);
    to[1] = (uint8_t)port;
}

static size_t say_reply4(wf_socks_reply reply, const weft_address *bound, uint8_t *say)
{
    bool v4 = bound->family == WEFT_FAMILY_V4;
    memset(say, 0, 8);
    say[1] = reply == WF_SOCKS_SUCCEEDED ? 90 : 91;
    if (v4) {
        put_port(say + 2, bound->port);
        memcpy(say + 4, bound->ip, 4);
    }
    return 8;
}

size_t wf_socks_say_reply(uint8_t version, wf_socks_reply reply, const weft_address *bound,
                          uint8_t say[WF_SOCKS_SAY_BYTES])
{
    if (version == 4)
        return say_reply4(reply, bound, say);
    bool v4 = bound->family == WEFT_FAMILY_V4, v6 = bound->family == WEFT_FAMILY_V6;
    size_t address = v6 ? 16 : 4;
    memset(say, 0, WF_SOCKS_SAY_BYTES);
    say[0] = 5;
    say[1] = (uint8_t)reply;
    say[3] = v6 ? ADDRESS_V6 : ADDRESS_V4;
    if (v4 || v6) {
        memcpy(say + 4, bound->ip, address);
        put_port(say + 4 + address, bound->port);
    }
    return 4 + address + 2;
}

size_t wf_socks_say_packet(const weft_address *from, uint8_t say[WF_SOCKS_SAY_BYTES])
{
    size_t n = wf_socks_say_reply(5, WF_SOCKS_SUCCEEDED, from, say);
    say[0] = 0;
    return n;
}
