/* SPDX-License-Identifier: MIT */
/* The option `via` of URLs: how it is written, and the stage that talks to the proxy. */
#include <string.h>

#include <weft/stage.h>

#include "url_parts.h"
#include "via.h"

/* ---- how it is written */

static const struct {
    const char *name;
    wf_via_kind kind;
    int32_t port_default;
} kinds[] = {
    {"socks5h", WF_VIA_SOCKS5, 1080}, {"socks5", WF_VIA_SOCKS5, 1080},
    {"socks4a", WF_VIA_SOCKS4, 1080}, {"socks4", WF_VIA_SOCKS4, 1080},
    {"http", WF_VIA_HTTP, -1},
};

static weft_err read_word(wf_piece word, const char *what, char *out, weft_why *why)
{
    if (word.n == 0 || word.n > WF_VIA_WORD_BYTES_MAX)
        return weft_because(why, WEFT_EINVAL, "the %s of the proxy has %zu bytes, expected 1 to %d",
                            what, word.n, WF_VIA_WORD_BYTES_MAX);
    memcpy(out, word.at, word.n);
    out[word.n] = '\0';
    return WEFT_OK;
}

static weft_err read_user(wf_piece text, wf_via *out, weft_why *why)
{
    wf_piece password, user = wf_piece_until(text, ':', &password);
    weft_err err = read_word(user, "user", out->user, why);
    if (err != WEFT_OK)
        return err;
    if (out->kind == WF_VIA_SOCKS4)
        return password.at == NULL ? WEFT_OK
                                   : weft_because(why, WEFT_EINVAL,
                                                  "SOCKS 4 has users and no passwords: expected "
                                                  "socks4a://USER@HOST");
    return read_word(password, "password", out->password, why);
}

static size_t last_at(const char *text)
{
    const char *at = strrchr(text, '@');
    return at != NULL ? (size_t)(at - text) : 0;
}

weft_err wf_via_parse(const char *text, bool sim, wf_via *out, weft_why *why)
{
    wf_piece rest, name = wf_piece_until((wf_piece){text, strlen(text)}, ':', &rest);
    wf_via proxy = {.kind = WF_VIA_SOCKS5};
    size_t i = 0, kinds_n = sizeof kinds / sizeof *kinds;
    while (i < kinds_n && !wf_piece_is(name, kinds[i].name))
        i++;
    if (rest.at == NULL || rest.n < 2 || memcmp(rest.at, "//", 2) != 0)
        return weft_because(why, WEFT_EINVAL,
                            "a proxy is written KIND://[USER:PASSWORD@]HOST[:PORT]");
    if (i == kinds_n)
        return weft_because(why, WEFT_EUNSUPPORTED,
                            "there is no proxy of kind \"%s\", expected socks5h, socks5, socks4a, "
                            "socks4 or http",
                            wf_quote_of(name).text);
    proxy.kind = kinds[i].kind;
    rest = (wf_piece){rest.at + 2, rest.n - 2};
    size_t user = last_at(rest.at);
    if (user != 0 || (rest.n > 0 && rest.at[0] == '@')) {
        weft_err err = read_user((wf_piece){rest.at, user}, &proxy, why);
        if (err != WEFT_OK)
            return err;
        rest = (wf_piece){rest.at + user + 1, rest.n - user - 1};
    }
    if (rest.n > 0 && rest.at[rest.n - 1] == '/')
        rest.n--;
    const wf_host_rules rules = {
        .what = "the host of the proxy",
        .names_only = sim,
        .port_default = kinds[i].port_default,
    };
    weft_err err = wf_host_read(rest, &rules, &proxy.host, why);
    if (err == WEFT_OK && (proxy.host.kind == WEFT_HOST_ANY || proxy.host.port == 0))
        err = weft_because(why, WEFT_EINVAL, "a proxy has a host, and a port from 1 to 65535");
    if (err == WEFT_OK)
        *out = proxy;
    return err;
}

weft_err wf_via_check(const wf_via *proxy, const weft_url_host *target, weft_why *why)
{
    if (target->kind == WEFT_HOST_V6 && strchr(target->name, '%') != NULL)
        return weft_because(why, WEFT_EINVAL, "a zone means nothing to a proxy: [%s]",
                            target->name);
    if (target->kind == WEFT_HOST_V6 && proxy->kind == WF_VIA_SOCKS4)
        return weft_because(why, WEFT_EINVAL, "SOCKS 4 has no IPv6 addresses: [%s]", target->name);
    return WEFT_OK;
}

weft_err wf_via_redirect(weft_url *url, weft_why *why)
{
    wf_via proxy;
    const char *text = weft_url_text(url, WEFT_URL_VIA, 0);
    if (text == NULL)
        return WEFT_OK;
    weft_err err = wf_via_parse(text, url->scheme == WEFT_SCHEME_SIM, &proxy, why);
    if (err != WEFT_OK)
        return err;
    url->host = proxy.host;
    url->options.given[WEFT_URL_VIA / 64] &= ~(UINT64_C(1) << WEFT_URL_VIA % 64);
    return WEFT_OK;
}

/* ---- the stage: talks, then leaves */

static weft_err say(weft_stage *stage, const uint8_t *from, size_t n)
{
    weft_bytes bytes;
    uint8_t *to;
    weft_err err = weft_bytes_new(n, &to, &bytes);
    if (err != WEFT_OK)
        return err;
    memcpy(to, from, n);
    err = weft_stage_send(stage, bytes);
    weft_bytes_drop(&bytes);
    return err;
}

typedef struct asked {
    wf_via proxy;
    weft_url_host target;
} asked;

static weft_err proxied_open(weft_stage *stage, const void *config, weft_why *why)
{
    const asked *a = config;
    uint8_t words[WF_VIA_SAY_BYTES];
    size_t n = wf_via_begin(weft_stage_state(stage), &a->proxy, &a->target, words);
    weft_err err = say(stage, words, n);
    return err == WEFT_OK ? WEFT_OK : weft_because(why, err, "no memory to talk to the proxy");
}

/* What was talked about is taken; the rest of @in is the target's. */
static weft_err talk(weft_stage *stage, weft_bytes *in, weft_why *why)
{
    wf_via_talk *t = weft_stage_state(stage);
    uint8_t words[WF_VIA_SAY_BYTES];
    size_t taken = 1, said = 0;
    weft_err err = WEFT_OK;
    while (err == WEFT_OK && taken != 0 && !t->done) {
        err = wf_via_hear(t, in->at, in->size, &taken, words, &said, why);
        if (err == WEFT_OK && said != 0)
            err = say(stage, words, said);
        *in = weft_bytes_slice(*in, taken, SIZE_MAX);
        weft_stage_take(stage, taken);
    }
    if (err == WEFT_OK && t->done) {
        weft_stage_ready(stage);
        weft_stage_leave(stage);
    }
    return err;
}

static weft_err proxied_up(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    const wf_via_talk *t = weft_stage_state(stage);
    weft_err err = t->done ? WEFT_OK : talk(stage, &in, why);
    if (err != WEFT_OK || !t->done || in.size == 0)
        return err;
    *out = (weft_piece){.kind = WEFT_PIECE_BYTES, .bytes = weft_bytes_share(in)};
    weft_stage_take(stage, in.size);
    return WEFT_OK;
}

static weft_err proxied_down(weft_stage *stage, weft_bytes bytes, weft_why *why)
{
    const wf_via_talk *t = weft_stage_state(stage);
    (void)why;
    return t->done ? weft_stage_send(stage, bytes) : WEFT_EFULL;
}

static const weft_stage_ops proxied_ops = {
    .name = "proxy",
    .state_bytes = sizeof(wf_via_talk),
    .open = proxied_open,
    .up = proxied_up,
    .down = proxied_down,
    .holds = true,
};

/* ---- the part of the pipeline */

static weft_err prepare(const weft_url *url, weft_url_end end, void **out, weft_why *why)
{
    const char *text = weft_url_text(url, WEFT_URL_VIA, 0);
    if (end != WEFT_URL_CONNECT || text == NULL)
        return WEFT_OK;
    if (weft_url_given(url, WEFT_URL_SRV))
        return weft_because(why, WEFT_EINVAL,
                            "srv and via exclude each other: a proxy is told one host and port");
    asked *a = weft_alloc(sizeof *a);
    if (a == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a proxy");
    a->target = url->host;
    weft_err err = wf_via_parse(text, url->scheme == WEFT_SCHEME_SIM, &a->proxy, why);
    if (err == WEFT_OK)
        err = wf_via_check(&a->proxy, &a->target, why);
    if (err == WEFT_OK)
        *out = a;
    else
        weft_alloc_free(a);
    return err;
}

static weft_err push(conn *c, void *prepared, const weft_url *url, weft_why *why)
{
    weft_actor *self = conn_actor(c);
    (void)url;
    return weft_push(self, weft_self(self), &proxied_ops, prepared, WEFT_STAGE_TOP, why);
}

const wf_pipeline_part wf_via_part = {
    .name = "via", .prepare = prepare, .push = push, .drop = weft_alloc_free};
