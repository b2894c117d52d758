/* SPDX-License-Identifier: MIT */
/* The connection of a client: finding where, greeting, hello, TLS, and what its end means for a letter. */
#include <stdio.h>
#include <string.h>

#include <weft/edge.h>
#include <weft/net.h>
#include <weft/resolver.h>
#include <weft/tls.h>
#include <weft/url.h>

#include "smtp_client.h"

/* ---- time */

static uint32_t limit_ms(const wf_smtp_client *c)
{
    const weft_smtp_client_config *config = c->config;
    switch (c->phase) {
    case WF_SMTP_C_NONE:
    case WF_SMTP_C_LOOKING: /* the resolver and the connect have limits of their own */
    case WF_SMTP_C_CONNECTING:
        return WEFT_TIMER_MS_MAX;
    case WF_SMTP_C_READY:
        return config->idle_timeout_ms != 0 ? config->idle_timeout_ms : 30000;
    case WF_SMTP_C_FINAL:
        return config->final_timeout_ms != 0 ? config->final_timeout_ms : 600000;
    default:
        return config->answer_timeout_ms != 0 ? config->answer_timeout_ms : 300000;
    }
}

void wf_smtp_client_phase_set(weft_actor *self, wf_smtp_client *c, wf_smtp_client_phase phase)
{
    c->phase = phase;
    (void)weft_timer_reset(self, c->timer, limit_ms(c));
}

static void say(weft_actor *self, wf_smtp_client *c, const char *line)
{
    (void)weft_write_copy(self, c->stream, line, strlen(line));
}

void wf_smtp_client_late(weft_actor *self, wf_smtp_client *c)
{
    if (c->phase == WF_SMTP_C_READY) {
        wf_smtp_client_phase_set(self, c, WF_SMTP_C_QUIT);
        say(self, c, "QUIT\r\n");
    } else if (c->phase == WF_SMTP_C_TEXT && c->first != NULL && c->first->data == NULL) {
        /* its maker is slow, not the server: who asked has a limit */
        wf_smtp_client_phase_set(self, c, WF_SMTP_C_TEXT);
    } else if (c->phase != WF_SMTP_C_NONE)
        (void)weft_abort(self, c->stream, WEFT_ETIMEDOUT);
}

/* ---- where to */

static void connect_to(weft_actor *self, wf_smtp_client *c, const char *url)
{
    c->secure = c->used = c->handshake = false;
    c->can = c->auth_step = 0;
    c->lines.n = 0;
    c->reply = (wf_smtp_reply){.lines = 0};
    wf_smtp_client_phase_set(self, c, WF_SMTP_C_CONNECTING);
    c->stream = weft_connect(self, url, weft_self(self));
    if (weft_ref_is_nobody(c->stream)) {
        wf_smtp_client_phase_set(self, c, WF_SMTP_C_NONE);
        wf_smtp_job_failed(self, c, WEFT_ENOMEM, "no memory for a connection");
    }
}

static void connect_exchanger(weft_actor *self, wf_smtp_client *c)
{
    char url[WEFT_SMTP_DOMAIN_BYTES + 32];
    (void)snprintf(url, sizeof url, "%s://%s:25",
                   c->config->scheme != NULL ? c->config->scheme : "tcp",
                   c->exchangers[c->exchanger]);
    connect_to(self, c, url);
}

static void add_exchanger(wf_smtp_client *c, const char *name)
{
    if (c->exchangers_n < WF_SMTP_EXCHANGERS_MAX && strlen(name) < WEFT_SMTP_DOMAIN_BYTES)
        (void)stpcpy(c->exchangers[c->exchangers_n++], name);
}

/* By preference, the order within one as it came: the resolver has mixed it, or the server. */
static void add_exchangers(wf_smtp_client *c, const weft_resolver_answer *answer)
{
    uint32_t least = 0;
    for (bool more = true; more;) {
        uint32_t next = UINT32_MAX;
        for (uint32_t i = 0; i < answer->n; i++) {
            const weft_resolver_record *r = &answer->records[i];
            if (r->host != NULL && r->priority == least)
                add_exchanger(c, r->host);
            else if (r->host != NULL && r->priority > least && r->priority < next)
                next = r->priority;
        }
        more = next != UINT32_MAX;
        least = next;
    }
}

static void fail_all(weft_actor *self, wf_smtp_client *c, weft_err err, const char *why)
{
    wf_smtp_client_phase_set(self, c, WF_SMTP_C_NONE);
    while (c->first != NULL)
        wf_smtp_job_failed(self, c, err, why);
}

static weft_err on_exchangers(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_smtp_client *c = got->context;
    (void)next;
    if (c->phase != WF_SMTP_C_LOOKING)
        return WEFT_OK;
    c->exchangers_n = c->exchanger = 0;
    if (got->err == WEFT_OK)
        add_exchangers(c, got->body);
    else if (
        got->err ==
        WEFT_ENONAME) /* "the address RR is treated as if it was associated with an implicit MX" */
        add_exchanger(c, c->config->domain);
    else {
        fail_all(self, c, got->err, got->why);
        return WEFT_OK;
    }
    /* RFC 7505: a domain that says it takes no mail */
    if (c->exchangers_n == 0 || c->exchangers[0][0] == '\0' || strcmp(c->exchangers[0], ".") == 0)
        fail_all(self, c, WEFT_ENONAME, "the domain takes no mail");
    else if (c->first == NULL)
        wf_smtp_client_phase_set(self, c, WF_SMTP_C_NONE);
    else
        connect_exchanger(self, c);
    return WEFT_OK;
}

void wf_smtp_client_connect(weft_actor *self, wf_smtp_client *c)
{
    c->tls_failed = false;
    if (c->config->url != NULL) {
        connect_to(self, c, c->config->url);
        return;
    }
    wf_smtp_client_phase_set(self, c, WF_SMTP_C_LOOKING);
    (void)weft_ignore(
        self, weft_finally_with(self, weft_resolver_ask(self, c->config->domain, WEFT_DNS_MX),
                                on_exchangers, c));
}

void wf_smtp_client_opened(weft_actor *self, wf_smtp_client *c)
{
    weft_tls_info tls;
    c->secure = weft_tls_about(self, c->stream, &tls) == WEFT_OK;
    wf_smtp_client_phase_set(self, c, WF_SMTP_C_GREETING);
}

/* ---- the end */

/* RFC 5321, section 5.1: the client "tries the relevant addresses [...] until a delivery attempt succeeds". Only as
 * long as there is no letter under way: what refuses a sender or a recipient is an answer. */
static bool is_before_letters(wf_smtp_client_phase phase)
{
    return phase >= WF_SMTP_C_CONNECTING && phase <= WF_SMTP_C_AUTH;
}

/* The next exchanger, for a letter that waits. false: there is none. */
static bool try_next(weft_actor *self, wf_smtp_client *c)
{
    if (c->exchanger + 1 >= c->exchangers_n || c->first == NULL)
        return false;
    c->exchanger++;
    c->tls_failed = false;
    connect_exchanger(self, c);
    return true;
}

/* Whoever takes letters in the clear, and cannot do TLS though it says so, is sent them in the clear: that is what
 * MAY means, and another could have taken the offer away. false: it is not that. */
static bool try_in_clear(weft_actor *self, wf_smtp_client *c, const char *why)
{
    if (!c->handshake || c->config->tls_policy != WEFT_SMTP_TLS_MAY || c->first == NULL)
        return false;
    c->tls_failed = true;
    weft_log(self, WEFT_WARNING, "%s: TLS failed (%s), tried without",
             c->exchangers_n != 0 ? c->exchangers[c->exchanger] : c->config->url, why);
    if (c->exchangers_n != 0)
        connect_exchanger(self, c);
    else
        connect_to(self, c, c->config->url);
    return true;
}

void wf_smtp_client_drop(weft_actor *self, wf_smtp_client *c, weft_err reason)
{
    (void)weft_abort(self, c->stream, reason);
    c->stream = (weft_ref){0};
    wf_smtp_client_phase_set(self, c, WF_SMTP_C_NONE);
}

void wf_smtp_client_closed(weft_actor *self, wf_smtp_client *c, weft_err reason, const char *why)
{
    wf_smtp_client_phase was = c->phase;
    wf_smtp_job *job = c->first;
    c->stream = (weft_ref){0};
    wf_smtp_client_phase_set(self, c, WF_SMTP_C_NONE);
    bool busy = was != WF_SMTP_C_READY && was != WF_SMTP_C_QUIT && was != WF_SMTP_C_RESET;
    if (is_before_letters(was) && (try_in_clear(self, c, why) || try_next(self, c)))
        return;
    if (busy && job != NULL) {
        /* a kept connection may be closed just as it is used: nothing was promised yet, and nothing sent */
        bool again = c->used && was == WF_SMTP_C_ENVELOPE && job->answered == 0 && !job->retried;
        job->retried = true;
        if (!again)
            wf_smtp_job_failed(self, c, reason == WEFT_EDONE ? WEFT_ELOST : reason, why);
    }
    wf_smtp_client_go(self, c);
}

/* ---- answers before there is a letter */

/* Whatever it was, the letter cannot be sent over it. */
static void give_up(weft_actor *self, wf_smtp_client *c, weft_err err, const char *why)
{
    bool early = is_before_letters(c->phase);
    wf_smtp_client_drop(self, c, WEFT_EABORTED);
    if (early && try_next(self, c))
        return;
    if (c->first != NULL)
        wf_smtp_job_failed(self, c, err, why);
    wf_smtp_client_go(self, c);
}

/* One that will not talk at all, or not now, may have a next; what it says for good of this client stands. */
static void refused(weft_actor *self, wf_smtp_client *c, const weft_smtp_status *status)
{
    bool other = c->phase == WF_SMTP_C_GREETING || status->code / 100 == 4;
    wf_smtp_client_drop(self, c, WEFT_EABORTED);
    if (other && try_next(self, c))
        return;
    if (c->first != NULL)
        wf_smtp_job_refused(self, c, status);
    wf_smtp_client_go(self, c);
}

static void hello(weft_actor *self, wf_smtp_client *c)
{
    const char *host = c->config->host != NULL ? c->config->host : "localhost";
    wf_smtp_client_phase_set(self, c, WF_SMTP_C_HELLO);
    (void)weft_write_text(self, c->stream, "%s %s\r\n", c->config->lmtp ? "LHLO" : "EHLO", host);
}

static void ready(weft_actor *self, wf_smtp_client *c)
{
    wf_smtp_client_phase_set(self, c, WF_SMTP_C_READY);
    wf_smtp_client_go(self, c);
}

static void authenticate(weft_actor *self, wf_smtp_client *c)
{
    if (c->config->user == NULL)
        ready(self, c);
    else if (!c->secure && !c->config->auth_in_clear)
        give_up(self, c, WEFT_EUNSUPPORTED, "the connection is not secure: nothing to log in over");
    else if (!wf_smtp_client_auth(self, c))
        give_up(self, c, WEFT_EUNSUPPORTED,
                "the server offers no way to log in that is known here");
}

static void on_hello(weft_actor *self, wf_smtp_client *c, const weft_smtp_status *status)
{
    c->handshake = false;
    if (status->code != 250) {
        /* "the client should attempt to revert to HELO": one that knows nothing of TLS or AUTH */
        bool plain = c->config->tls_policy != WEFT_SMTP_TLS_MUST && c->config->user == NULL &&
                     !c->config->lmtp && status->code / 100 == 5 && c->auth_step == 0;
        c->auth_step = plain ? 1 : 0;
        if (plain)
            (void)weft_write_text(self, c->stream, "HELO %s\r\n",
                                  c->config->host != NULL ? c->config->host : "localhost");
        else
            refused(self, c, status);
        return;
    }
    c->auth_step = 0;
    c->can = c->reply.can;
    c->size_max = c->reply.size;
    bool must = c->config->tls_policy == WEFT_SMTP_TLS_MUST;
    bool offered = (c->can & WF_SMTP_CAN_TLS) != 0;
    bool clear = c->config->tls_policy == WEFT_SMTP_TLS_NEVER || c->tls_failed;
    if (c->secure || clear || (!offered && !must))
        authenticate(self, c);
    else if (!offered)
        give_up(self, c, WEFT_EUNSUPPORTED, "the server offers no TLS");
    else {
        wf_smtp_client_phase_set(self, c, WF_SMTP_C_STARTTLS);
        say(self, c, "STARTTLS\r\n");
    }
}

static void tls_host(const wf_smtp_client *c, char out[WEFT_SMTP_DOMAIN_BYTES])
{
    weft_url url;
    weft_why why;
    const char *host = c->config->tls_host;
    if (host == NULL && c->exchangers_n != 0)
        host = c->exchangers[c->exchanger];
    if (host == NULL && c->config->url != NULL &&
        weft_url_parse(c->config->url, &url, &why) == WEFT_OK)
        host = url.host.name;
    (void)snprintf(out, WEFT_SMTP_DOMAIN_BYTES, "%s", host != NULL ? host : "");
}

static void on_starttls(weft_actor *self, wf_smtp_client *c, const weft_smtp_status *status)
{
    char host[WEFT_SMTP_DOMAIN_BYTES];
    weft_why why = {""};
    if (status->code != 220) {
        if (c->config->tls_policy == WEFT_SMTP_TLS_MUST)
            refused(self, c, status);
        else
            authenticate(self, c);
        return;
    }
    tls_host(c, host);
    weft_err err = weft_tls_push(self, c->stream, c->tls, host[0] != '\0' ? host : NULL, &why);
    if (err != WEFT_OK) {
        give_up(self, c, err, why.text);
        return;
    }
    c->secure = c->handshake = true;
    hello(self, c);
}

static void on_auth(weft_actor *self, wf_smtp_client *c, const weft_smtp_status *status)
{
    if (status->code == 235)
        ready(self, c);
    else if (status->code != 334 || !wf_smtp_client_auth_more(self, c, status->text))
        refused(self, c, status);
}

static void answered(weft_actor *self, wf_smtp_client *c, const weft_smtp_status *status)
{
    switch (c->phase) {
    case WF_SMTP_C_GREETING:
        if (status->code == 220)
            hello(self, c);
        else
            refused(self, c, status);
        break;
    case WF_SMTP_C_HELLO:
        on_hello(self, c, status);
        break;
    case WF_SMTP_C_STARTTLS:
        on_starttls(self, c, status);
        break;
    case WF_SMTP_C_AUTH:
        on_auth(self, c, status);
        break;
    case WF_SMTP_C_RESET:
        if (status->code == 250)
            ready(self, c);
        else
            wf_smtp_client_drop(self, c, WEFT_EABORTED);
        break;
    case WF_SMTP_C_QUIT:
        (void)weft_close(self, c->stream);
        break;
    case WF_SMTP_C_ENVELOPE:
    case WF_SMTP_C_TEXT:
    case WF_SMTP_C_FINAL:
        wf_smtp_client_answer(self, c, status);
        break;
    default: /* nobody asked: 421, before it closes */
        wf_smtp_client_phase_set(self, c, WF_SMTP_C_QUIT);
        (void)weft_close(self, c->stream);
    }
}

void wf_smtp_client_data(weft_actor *self, wf_smtp_client *c, weft_bytes bytes)
{
    weft_ref stream = c->stream;
    for (size_t at = 0, used; at < bytes.size && weft_ref_same(stream, c->stream); at += used) {
        const char *line;
        size_t n;
        weft_err err = wf_smtp_line_next(&c->lines, (const char *)bytes.at + at, bytes.size - at,
                                         &used, &line, &n);
        if (err == WEFT_EFULL)
            continue;
        if (err == WEFT_OK)
            err = wf_smtp_reply_line(&c->reply, line, n);
        if (err == WEFT_EFULL)
            continue;
        if (err != WEFT_OK) {
            give_up(self, c, err, "the server says what is no answer");
            return;
        }
        /* what stands behind the answer to STARTTLS was said by anybody */
        if (c->phase == WF_SMTP_C_STARTTLS && at + used < bytes.size) {
            give_up(self, c, WEFT_EPROTO, "there is something behind the answer to STARTTLS");
            return;
        }
        weft_smtp_status status = c->reply.status;
        answered(self, c, &status);
        c->reply = (wf_smtp_reply){.lines = 0};
    }
}
