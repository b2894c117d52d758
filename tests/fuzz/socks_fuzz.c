/* SPDX-License-Identifier: MIT */
/* Any bytes as what a client of SOCKS says, and as what a proxy answers: whole and split they come to the same,
 * nothing beyond them is read, and what is read as a host is one. The first byte chooses which. */
#include <stdlib.h>
#include <string.h>

#include "socks_codec.h"
#include "socks_rules.h"
#include "via.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* A block of exactly @n bytes, so that reading too far is found. */
static uint8_t *exact(const uint8_t *at, size_t n)
{
    uint8_t *block = malloc(n + (n == 0));
    if (block == NULL)
        abort();
    memcpy(block, at, n);
    return block;
}

/* ---- a server hears */

static void check_request(const uint8_t *at, size_t n)
{
    wf_socks_request r;
    weft_why why = {""};
    weft_err err = wf_socks_read_request(at, n, &r, &why);
    must((err == WEFT_OK) == (why.text[0] == '\0'));
    if (err != WEFT_OK)
        return;
    size_t host = strlen(r.host);
    must(host > 0 && host <= WF_SOCKS_NAME_BYTES_MAX && strpbrk(r.host, "/?&=#%@[] ") == NULL);
    static const char *const rules[] = {"10.0.0.0/8", "[fc00::]/7", ".example.com", NULL};
    wf_socks_place place = wf_socks_place_of(r.host, r.port);
    (void)wf_socks_rules_match(rules, &place);
}

static void check_message(wf_socks_expected expected, const uint8_t *at, size_t n)
{
    char user[256], password[256];
    weft_why why = {""};
    if (expected == WF_SOCKS_LOGIN)
        (void)wf_socks_read_login(at, user, password, &why);
    else if (expected == WF_SOCKS_REQUEST || at[0] == 4)
        check_request(at, n);
    else
        (void)wf_socks_offers(at, WF_SOCKS_PASSWORD);
}

static void check_packet(const uint8_t *data, size_t n)
{
    wf_socks_request r;
    uint8_t *all = exact(data, n);
    size_t head = wf_socks_read_packet(all, n, &r);
    must(head <= n && (head == 0 || r.host[0] != '\0'));
    free(all);
}

static void serve(const uint8_t *data, size_t n)
{
    check_packet(data, n);
    static const wf_socks_expected order[] = {WF_SOCKS_GREETING, WF_SOCKS_LOGIN, WF_SOCKS_REQUEST};
    for (size_t i = 0; i < 3; i++) {
        size_t whole = 0, split = 0, seen = 0;
        weft_err split_err = WEFT_OK;
        uint8_t *all = exact(data, n);
        weft_err err = wf_socks_length(order[i], all, n, &whole, NULL);
        must(whole <= n && whole <= WF_SOCKS_MESSAGE_BYTES_MAX);
        for (; seen <= n && split == 0 && split_err == WEFT_OK; seen++) {
            uint8_t *part = exact(data, seen);
            split_err = wf_socks_length(order[i], part, seen, &split, NULL);
            must(split == 0 || split == seen);
            free(part);
        }
        must(split == whole && split_err == err);
        free(all);
        if (whole == 0)
            return;
        uint8_t *message = exact(data, whole);
        check_message(order[i], message, whole);
        free(message);
        data += whole;
        n -= whole;
    }
}

/* ---- a client hears */

typedef struct heard {
    weft_err err;
    bool done;
    size_t taken, said;
} heard;

/* What comes, @step bytes at a time, until it is done, refused, or over. */
static heard hear(const wf_via *proxy, const weft_url_host *target, const uint8_t *data, size_t n,
                  size_t step)
{
    wf_via_talk t;
    uint8_t say[WF_VIA_SAY_BYTES];
    heard h = {.said = wf_via_begin(&t, proxy, target, say)};
    for (size_t seen = step < n ? step : n; h.err == WEFT_OK && !t.done;) {
        size_t taken, said;
        weft_why why = {""};
        uint8_t *part = exact(data + h.taken, seen - h.taken);
        h.err = wf_via_hear(&t, part, seen - h.taken, &taken, say, &said, &why);
        free(part);
        must((h.err != WEFT_OK) == (why.text[0] != '\0'));
        must(taken <= seen - h.taken && said <= sizeof say);
        if (h.err != WEFT_OK)
            break;
        h.taken += taken;
        h.said += said;
        if (taken == 0 && seen == n)
            break;
        if (taken == 0)
            seen = n - seen < step ? n : seen + step;
    }
    h.done = t.done;
    return h;
}

static void ask(uint8_t choice, const uint8_t *data, size_t n)
{
    static const weft_url_host target = {.kind = WEFT_HOST_NAME, .port = 80, .name = "name"};
    wf_via proxy = {.kind = (wf_via_kind)(choice % 3)};
    if ((choice & 0x40) != 0 && proxy.kind != WF_VIA_SOCKS4)
        memcpy(proxy.password, "sesame", 7);
    if ((choice & 0x40) != 0)
        memcpy(proxy.user, "me", 3);
    heard whole = hear(&proxy, &target, data, n, n + 1), split = hear(&proxy, &target, data, n, 1);
    must(whole.done == split.done && whole.err == split.err && whole.taken == split.taken &&
         whole.said == split.said);
}

/* ---- texts */

static void read_texts(const uint8_t *data, size_t n)
{
    char text[1024];
    wf_via proxy;
    wf_socks_rule rule;
    weft_why why = {""};
    n = n < sizeof text - 1 ? n : sizeof text - 1;
    memcpy(text, data, n);
    text[n] = '\0';
    if (wf_via_parse(text, false, &proxy, &why) == WEFT_OK)
        must(proxy.host.port != 0 && proxy.host.name[0] != '\0');
    else
        must(why.text[0] != '\0');
    if (wf_socks_rule_parse(text, &rule, NULL) == WEFT_OK)
        must(rule.port_first <= rule.port_last && rule.bits <= 128);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 2 * WF_VIA_HEAD_BYTES_MAX)
        return 0;
    if ((data[0] & 0x80) != 0)
        serve(data + 1, size - 1);
    else
        ask(data[0], data + 1, size - 1);
    read_texts(data + 1, size - 1);
    return 0;
}
