/* SPDX-License-Identifier: MIT */
/* What is said to a proxy, and what it answers: no descriptor, no actor.
 *
 *   SOCKS 5   methods ──▶ (login ──▶) request ──▶ done
 *   SOCKS 4                           request ──▶ done
 *   HTTP                              request ──▶ done
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <weft/hash.h>

#include "via.h"

enum { METHODS, LOGIN, REQUEST }; /* whose answer is waited for */

enum { METHOD_NONE = 0x00, METHOD_PASSWORD = 0x02, METHOD_NO = 0xff };
enum { ADDRESS_V4 = 1, ADDRESS_NAME = 3, ADDRESS_V6 = 4 };
enum { CONNECT = 1 };

/* ---- saying */

typedef struct words {
    uint8_t *at;
    size_t n;
} words;

static void put_byte(words *w, unsigned byte)
{
    w->at[w->n++] = (uint8_t)byte;
}

static void put(words *w, const void *from, size_t n)
{
    memcpy(w->at + w->n, from, n);
    w->n += n;
}

static void put_counted(words *w, const char *text)
{
    size_t n = strlen(text);
    put_byte(w, (unsigned)n);
    put(w, text, n);
}

static void put_port(words *w, uint16_t port)
{
    put_byte(w, port >> 8);
    put_byte(w, port & 0xff);
}

/* RFC 1928 section 3 */
static size_t say_methods(const wf_via_talk *t, uint8_t *say)
{
    words w = {say, 0};
    bool login = t->proxy.user[0] != '\0';
    put_byte(&w, 5);
    put_byte(&w, login ? 2 : 1);
    put_byte(&w, METHOD_NONE);
    if (login)
        put_byte(&w, METHOD_PASSWORD);
    return w.n;
}

/* RFC 1929 section 2 */
static size_t say_login(const wf_via_talk *t, uint8_t *say)
{
    words w = {say, 0};
    put_byte(&w, 1);
    put_counted(&w, t->proxy.user);
    put_counted(&w, t->proxy.password);
    return w.n;
}

/* RFC 1928 section 4 */
static size_t say_request5(const wf_via_talk *t, uint8_t *say)
{
    words w = {say, 0};
    uint8_t address[16];
    put(&w, (const uint8_t[]){5, CONNECT, 0}, 3);
    if (t->target.kind == WEFT_HOST_V4 && inet_pton(AF_INET, t->target.name, address) == 1) {
        put_byte(&w, ADDRESS_V4);
        put(&w, address, 4);
    } else if (t->target.kind == WEFT_HOST_V6 &&
               inet_pton(AF_INET6, t->target.name, address) == 1) {
        put_byte(&w, ADDRESS_V6);
        put(&w, address, 16);
    } else {
        put_byte(&w, ADDRESS_NAME);
        put_counted(&w, t->target.name);
    }
    put_port(&w, t->target.port);
    return w.n;
}

/* An address, or 0.0.0.1 and the name behind the user: what SOCKS 4a adds. */
static size_t say_request4(const wf_via_talk *t, uint8_t *say)
{
    words w = {say, 0};
    uint8_t address[4] = {0, 0, 0, 1};
    bool named = t->target.kind != WEFT_HOST_V4 || inet_pton(AF_INET, t->target.name, address) != 1;
    put_byte(&w, 4);
    put_byte(&w, CONNECT);
    put_port(&w, t->target.port);
    put(&w, address, 4);
    put(&w, t->proxy.user, strlen(t->proxy.user) + 1);
    if (named)
        put(&w, t->target.name, strlen(t->target.name) + 1);
    return w.n;
}

static size_t say_request_http(const wf_via_talk *t, uint8_t *say)
{
    char where[WEFT_URL_HOST_BYTES_MAX + sizeof "[]:65535"];
    char head[2 * sizeof where + 64], user[2 * WF_VIA_WORD_BYTES_MAX + 2];
    char coded[WEFT_BASE64_BYTES(sizeof user) + 1];
    words w = {say, 0};
    bool v6 = t->target.kind == WEFT_HOST_V6;
    (void)snprintf(where, sizeof where, "%s%s%s:%u", v6 ? "[" : "", t->target.name, v6 ? "]" : "",
                   t->target.port);
    int n = snprintf(head, sizeof head, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", where, where);
    put(&w, head, (size_t)n);
    if (t->proxy.user[0] != '\0') {
        n = snprintf(user, sizeof user, "%s:%s", t->proxy.user, t->proxy.password);
        put(&w, "Proxy-Authorization: Basic ", 27);
        put(&w, coded, weft_base64(user, (size_t)n, coded));
        put(&w, "\r\n", 2);
    }
    put(&w, "\r\n", 2);
    return w.n;
}

size_t wf_via_begin(wf_via_talk *t, const wf_via *proxy, const weft_url_host *target,
                    uint8_t say[WF_VIA_SAY_BYTES])
{
    *t = (wf_via_talk){.proxy = *proxy, .target = *target, .phase = REQUEST};
    if (proxy->kind == WF_VIA_SOCKS4)
        return say_request4(t, say);
    if (proxy->kind == WF_VIA_HTTP)
        return say_request_http(t, say);
    t->phase = METHODS;
    return say_methods(t, say);
}

/* ---- hearing */

static weft_err hear_methods(wf_via_talk *t, const uint8_t *in, size_t n, size_t *taken,
                             uint8_t *say, size_t *said, weft_why *why)
{
    bool login = t->proxy.user[0] != '\0';
    if (n >= 1 && in[0] != 5)
        return weft_because(why, WEFT_EPROTO, "the proxy's answer is not SOCKS 5");
    if (n < 2)
        return WEFT_OK;
    *taken = 2;
    if (in[1] == METHOD_NONE) {
        t->phase = REQUEST;
        *said = say_request5(t, say);
        return WEFT_OK;
    }
    if (in[1] == METHOD_PASSWORD && login) {
        t->phase = LOGIN;
        *said = say_login(t, say);
        return WEFT_OK;
    }
    if (in[1] == METHOD_NO)
        return weft_because(why, WEFT_EDENIED, "the proxy wants %s",
                            login ? "no user and password, but something else"
                                  : "a user and a password, or something else");
    return weft_because(why, WEFT_EPROTO, "the proxy chose method %u, which was not offered",
                        in[1]);
}

static weft_err hear_login(wf_via_talk *t, const uint8_t *in, size_t n, size_t *taken, uint8_t *say,
                           size_t *said, weft_why *why)
{
    if (n < 2)
        return WEFT_OK;
    *taken = 2;
    /* the version in front is 1; there are proxies that say 5, and nothing depends on it */
    if (in[1] != 0)
        return weft_because(why, WEFT_EDENIED, "the proxy does not accept the user and password");
    t->phase = REQUEST;
    *said = say_request5(t, say);
    return WEFT_OK;
}

/* RFC 1928 section 6 */
static const struct {
    weft_err err;
    const char *text;
} replies5[] = {
    [1] = {WEFT_EUNREACHABLE, "general failure"},
    [2] = {WEFT_EDENIED, "not allowed by its rules"},
    [3] = {WEFT_EUNREACHABLE, "network unreachable"},
    [4] = {WEFT_EUNREACHABLE, "host unreachable"},
    [5] = {WEFT_EREFUSED, "connection refused"},
    [6] = {WEFT_ETIMEDOUT, "time to live expired"},
    [7] = {WEFT_EUNSUPPORTED, "command not supported"},
    [8] = {WEFT_EUNSUPPORTED, "type of address not supported"},
};

static weft_err hear_reply5(wf_via_talk *t, const uint8_t *in, size_t n, size_t *taken,
                            weft_why *why)
{
    if (n >= 1 && in[0] != 5)
        return weft_because(why, WEFT_EPROTO, "the proxy's answer is not SOCKS 5");
    if (n >= 2 && in[1] != 0) {
        if (in[1] < sizeof replies5 / sizeof *replies5)
            return weft_because(why, replies5[in[1]].err, "the proxy says: %s (reply %u)",
                                replies5[in[1]].text, in[1]);
        return weft_because(why, WEFT_EPROTO, "the proxy says %u, which is no reply of SOCKS 5",
                            in[1]);
    }
    if (n < 5)
        return WEFT_OK;
    size_t address = in[3] == ADDRESS_V4     ? 4
                     : in[3] == ADDRESS_V6   ? 16
                     : in[3] == ADDRESS_NAME ? 1 + (size_t)in[4]
                                             : 0;
    if (address == 0)
        return weft_because(why, WEFT_EPROTO, "the proxy's reply has an address of type %u", in[3]);
    size_t all = 4 + address + 2;
    if (n < all)
        return WEFT_OK;
    *taken = all;
    t->done = true;
    return WEFT_OK;
}

static weft_err hear_reply4(wf_via_talk *t, const uint8_t *in, size_t n, size_t *taken,
                            weft_why *why)
{
    if (n >= 1 && in[0] != 0)
        return weft_because(why, WEFT_EPROTO, "the proxy's answer is not SOCKS 4");
    if (n < 2)
        return WEFT_OK;
    if (in[1] == 91)
        return weft_because(why, WEFT_EREFUSED, "the proxy says: rejected or failed (reply 91)");
    if (in[1] == 92 || in[1] == 93)
        return weft_because(why, WEFT_EDENIED, "the proxy does not let this user (reply %u)",
                            in[1]);
    if (in[1] != 90)
        return weft_because(why, WEFT_EPROTO, "the proxy says %u, which is no reply of SOCKS 4",
                            in[1]);
    if (n < 8)
        return WEFT_OK;
    *taken = 8;
    t->done = true;
    return WEFT_OK;
}

/* The bytes of a head with its empty line; 0: it is not whole. */
static size_t head_bytes(const uint8_t *in, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        if (in[i] != '\n')
            continue;
        if (in[i + 1] == '\n')
            return i + 2;
        if (i + 2 < n && in[i + 1] == '\r' && in[i + 2] == '\n')
            return i + 3;
    }
    return 0;
}

static weft_err refused_http(unsigned status, weft_why *why)
{
    weft_err err = status == 407 || status == 401 || status == 403 ? WEFT_EDENIED
                   : status == 502 || status == 503                ? WEFT_EUNREACHABLE
                   : status == 504                                 ? WEFT_ETIMEDOUT
                                                                   : WEFT_EREFUSED;
    return weft_because(why, err, "the proxy answered %u to CONNECT", status);
}

static weft_err hear_head(wf_via_talk *t, const uint8_t *in, size_t n, size_t *taken, weft_why *why)
{
    static const char begins[] = "HTTP/1.";
    size_t known = sizeof begins - 1;
    if (memcmp(in, begins, n < known ? n : known) != 0)
        return weft_because(why, WEFT_EPROTO, "the proxy's answer is not HTTP/1");
    size_t head = head_bytes(in, n < WF_VIA_HEAD_BYTES_MAX ? n : WF_VIA_HEAD_BYTES_MAX);
    if (head == 0)
        return n < WF_VIA_HEAD_BYTES_MAX
                   ? WEFT_OK
                   : weft_because(why, WEFT_ETOOBIG, "the proxy's answer is longer than %d bytes",
                                  WF_VIA_HEAD_BYTES_MAX);
    /* "HTTP/1.1 200 ..." */
    unsigned status = 0;
    bool is_status = head > known + 5 && in[known + 1] == ' ';
    for (size_t i = known + 2; i < known + 5 && is_status; i++) {
        is_status = in[i] >= '0' && in[i] <= '9';
        status = status * 10 + (unsigned)(in[i] - '0');
    }
    if (!is_status || status < 100)
        return weft_because(why, WEFT_EPROTO, "the proxy's answer has no status");
    *taken = head;
    if (status >= 300)
        return refused_http(status, why);
    t->done = status >= 200; /* RFC 9110 section 15.2: others may come before */
    return WEFT_OK;
}

weft_err wf_via_hear(wf_via_talk *t, const uint8_t *in, size_t n, size_t *taken,
                     uint8_t say[WF_VIA_SAY_BYTES], size_t *said, weft_why *why)
{
    *taken = *said = 0;
    if (n == 0)
        return WEFT_OK;
    if (t->proxy.kind == WF_VIA_HTTP)
        return hear_head(t, in, n, taken, why);
    if (t->proxy.kind == WF_VIA_SOCKS4)
        return hear_reply4(t, in, n, taken, why);
    if (t->phase == METHODS)
        return hear_methods(t, in, n, taken, say, said, why);
    if (t->phase == LOGIN)
        return hear_login(t, in, n, taken, say, said, why);
    return hear_reply5(t, in, n, taken, why);
}
