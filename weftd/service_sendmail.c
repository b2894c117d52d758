/* SPDX-License-Identifier: MIT */
/* Sends the message on the standard input. */
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include <weft/net.h>
#include <weft/smtp.h>
#include <weft/tls.h>
#include <weft/url.h>

#include "secret.h"
#include "services.h"

typedef struct sendmail_settings {
    weft_option_texts to, words;
    const char *from, *server, *user, *trust;
    secret password;
    int tls;
    bool insecure_auth;
    weft_smtp_client_config client;
    /* what is made of them */
    const char *recipients[2 * WEFT_OPTION_TEXTS_MAX];
    uint32_t recipients_n;
    char url[WEFT_URL_BYTES_MAX + 1];
    weft_err err;
    bool partly;
} sendmail_settings;

static sendmail_settings settings;

static const char *const policies[] = {"may", "must", "never", NULL};

static const weft_option sendmail_options[] = {
    {.name = "to",
     .kind = WEFT_OPTION_TEXTS,
     .value = "ADDRESS",
     .at = offsetof(sendmail_settings, to),
     .help = "a recipient; may be given 16 times"},
    {.name = "ADDRESS",
     .kind = WEFT_OPTION_TEXTS,
     .positional = true,
     .value = "ADDRESS",
     .at = offsetof(sendmail_settings, words),
     .help = "recipients, as --to; 16 at most"},
    {.name = "from",
     .kind = WEFT_OPTION_TEXT,
     .value = "ADDRESS",
     .unset = "",
     .at = offsetof(sendmail_settings, from),
     .help = "the sender that failures are reported to; \"\": nobody"},
    {.name = "server",
     .kind = WEFT_OPTION_CONNECT,
     .value = "URL",
     .at = offsetof(sendmail_settings, server),
     .help =
         "tcp://HOST:587 or tls://HOST:465; else the mail exchangers of the recipients' domain"},
    {.name = "host",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .unset = "localhost",
     .at = offsetof(sendmail_settings, client.host),
     .help = "what this machine calls itself"},
    {.name = "tls",
     .kind = WEFT_OPTION_CHOICE,
     .value = "WHEN",
     .unset = "may",
     .words = policies,
     .at = offsetof(sendmail_settings, tls),
     .help = "STARTTLS if it is offered (may), or nothing is sent (must), or never"},
    {.name = "trust",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(sendmail_settings, trust),
     .help = "certificates (PEM) that --tls must and tls:// trust, instead of the system's"},
    {.name = "login",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .at = offsetof(sendmail_settings, user),
     .help = "who logs in"},
    OPTION_ROWS_SECRET(sendmail_settings, password, "password", "WEFT_PASSWORD",
                       "the password of --login"),
    {.name = "auth-in-clear",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(sendmail_settings, insecure_auth),
     .help = "log in without TLS too"},
    {.name = "lmtp",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(sendmail_settings, client.lmtp),
     .help = "speak LMTP (RFC 2033)"},
    {0},
};

/* ---- the actor: from the standard input to the client, line ends made those of mail */

typedef struct sendmail {
    weft_ref input, letter;
    weft_msg *held; /* a part of the input there is no room for */
    bool after_cr, input_over, over;
} sendmail;

typedef struct sendmail_begin {
    char nothing;
} sendmail_begin;
static const weft_type sendmail_begin_type = WEFT_TYPE("sendmail.begin", sendmail_begin, NULL);

static sendmail_settings *settings_of(const weft_actor *self)
{
    return (sendmail_settings *)(uintptr_t)weft_config(self);
}

static weft_err stop(weft_actor *self, weft_err err, const char *why)
{
    sendmail_settings *s = settings_of(self);
    sendmail *m = weft_state(self);
    if (m->over)
        return WEFT_OK;
    m->over = true;
    s->err = err;
    if (err != WEFT_OK)
        (void)fprintf(stderr, "weftd sendmail: %s (%s)\n", why, weft_err_name(err));
    weft_drop(&m->held);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

/* The answer of a server has its own code in front; a failure of ours has a name. */
static weft_err not_sent(weft_actor *self, const weft_outcome *got)
{
    sendmail_settings *s = settings_of(self);
    bool said = strstr(got->why, "the server said: ") != NULL;
    (void)fprintf(stderr, "weftd sendmail: %s: %s%s%s%s\n",
                  s->server != NULL ? s->server : s->client.domain, got->why, said ? "" : " (",
                  said ? "" : weft_err_name(got->err), said ? "" : ")");
    (void)stop(self, WEFT_OK, "");
    s->err = got->err;
    return WEFT_OK;
}

static weft_err on_sent(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    sendmail_settings *s = settings_of(self);
    const weft_smtp_report *report = got->body;
    (void)msg;
    if (got->err != WEFT_OK)
        return not_sent(self, got);
    for (uint32_t i = 0; i < report->recipients_n; i++) {
        weft_smtp_status status = weft_smtp_report_to(report, i);
        if (status.code / 100 == 2)
            continue;
        s->partly = true;
        (void)fprintf(stderr, "weftd sendmail: %s: %u %s\n", s->recipients[i], status.code,
                      status.text);
    }
    return stop(self, WEFT_OK, "");
}

/* The tree is up first. */
static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_tell(self, weft_self(self), sendmail_begin, .nothing = 0);
}

static weft_err on_begin(weft_actor *self, weft_msg *msg)
{
    const sendmail_settings *s = settings_of(self);
    sendmail *m = weft_state(self);
    weft_ref client = weft_spawn(self, &weft_smtp_client, &s->client);
    weft_deferred sent =
        weft_smtp_send(self, client, s->from, s->recipients, s->recipients_n, true, &m->letter);
    m->input = weft_connect(self, "stdio:", weft_self(self));
    if (weft_ref_is_nobody(m->input))
        return stop(self, WEFT_ENOMEM, "no memory");
    return weft_when(msg, weft_within(self, sent, WEFT_NO_LIMIT), on_sent);
}

/* A line may end as it does on this machine. */
static weft_err put(weft_actor *self, sendmail *m, weft_bytes bytes)
{
    weft_bytes out;
    uint8_t *to;
    size_t n = 0;
    bool after_cr = m->after_cr;
    weft_err err = weft_bytes_new(2 * bytes.size, &to, &out);
    if (err != WEFT_OK)
        return err;
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.at[i] == '\n' && !after_cr)
            to[n++] = '\r';
        to[n++] = bytes.at[i];
        after_cr = bytes.at[i] == '\r';
    }
    out.size = n;
    err = weft_write(self, m->letter, out);
    weft_bytes_drop(&out);
    if (err == WEFT_OK)
        m->after_cr = after_cr;
    return err;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    sendmail *m = weft_state(self);
    weft_err err = put(self, m, ((const weft_data *)weft_body(msg))->bytes);
    if (err == WEFT_EFULL)
        m->held = weft_keep(msg);
    else if (err == WEFT_ENOMEM)
        return stop(self, err, "no memory");
    return WEFT_OK; /* a letter that is over was answered */
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    sendmail *m = weft_state(self);
    (void)msg;
    if (m->held == NULL)
        return WEFT_OK;
    weft_err err = put(self, m, ((const weft_data *)weft_body(m->held))->bytes);
    if (err != WEFT_EFULL)
        weft_drop(&m->held);
    return err == WEFT_ENOMEM ? stop(self, err, "no memory") : WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    sendmail *m = weft_state(self);
    if (weft_ref_same(((const weft_ended *)weft_body(msg))->stream, m->input)) {
        m->input_over = true;
        (void)weft_end(self, m->letter);
    }
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const sendmail *m = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    if (weft_ref_same(closed->stream, m->input) && !m->input_over)
        return stop(self, closed->reason == WEFT_EDONE ? WEFT_EIO : closed->reason, closed->why);
    return WEFT_OK; /* that of the letter: its answer says more */
}

static void on_over(weft_actor *self, weft_err reason)
{
    sendmail *m = weft_state(self);
    (void)reason;
    weft_drop(&m->held);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &sendmail_begin_type, .fn = on_begin},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour sendmail_behaviour = {
    .name = "sendmail", .handlers = handlers, .state_bytes = sizeof(sendmail), .ended = on_over};

/* ---- the service */

static weft_err check_addresses(sendmail_settings *s, weft_why *why)
{
    for (size_t i = 0; i < s->to.count; i++)
        s->recipients[s->recipients_n++] = s->to.at[i];
    for (size_t i = 0; i < s->words.count; i++)
        s->recipients[s->recipients_n++] = s->words.at[i];
    if (s->recipients_n == 0)
        return weft_because(why, WEFT_EINVAL, "there are no recipients: --to ADDRESS");
    for (size_t i = 0; i < s->recipients_n; i++)
        if (weft_smtp_address_check(s->recipients[i], true, why) != WEFT_OK)
            return WEFT_EINVAL;
    return s->from[0] != '\0' ? weft_smtp_address_check(s->from, true, why) : WEFT_OK;
}

/* A URL of TLS from the first byte says by itself whom it trusts: --trust becomes its option. */
static weft_err read_server(sendmail_settings *s, weft_why *why)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    weft_url url;
    s->client.url = s->server;
    if (s->server == NULL || s->trust == NULL)
        return WEFT_OK;
    weft_err err = weft_url_parse(s->server, &url, why);
    if (err != WEFT_OK || url.scheme != WEFT_SCHEME_TLS)
        return err;
    int n = snprintf(s->url, sizeof s->url, "%s%cca=", s->server,
                     strchr(s->server, '?') != NULL ? '&' : '?');
    size_t at = (size_t)n;
    for (const char *c = s->trust; *c != '\0' && at + 4 < sizeof s->url; c++)
        at += (size_t)snprintf(s->url + at, 4, strchr(plain, *c) != NULL ? "%c" : "%%%02X",
                               (unsigned char)*c);
    if (at + 4 >= sizeof s->url)
        return weft_because(why, WEFT_ETOOBIG, "--server and --trust are too long together");
    s->client.url = s->url;
    return weft_url_parse(s->url, &url, why);
}

static weft_err check_domains(sendmail_settings *s, weft_why *why)
{
    if (s->server != NULL)
        return WEFT_OK;
    s->client.domain = strrchr(s->recipients[0], '@') + 1;
    for (size_t i = 1; i < s->recipients_n; i++)
        if (strcasecmp(strrchr(s->recipients[i], '@') + 1, s->client.domain) != 0)
            return weft_because(why, WEFT_EINVAL, "recipients of several domains need a --server");
    return WEFT_OK;
}

static weft_err sendmail_check(void *at, weft_why *why)
{
    sendmail_settings *s = at;
    weft_err err = check_addresses(s, why);
    if (err == WEFT_OK)
        err = check_domains(s, why);
    if (err == WEFT_OK)
        err = read_server(s, why);
    if (err != WEFT_OK)
        return err;
    s->client.tls_policy = (weft_smtp_tls)s->tls;
    s->client.user = s->user;
    if (s->user != NULL)
        err = secret_read(&s->password, "password", "WEFT_PASSWORD", &s->client.password, why);
    if (err != WEFT_OK)
        return err;
    s->client.auth_in_clear = s->insecure_auth;
    const weft_tls_config tls = {.trust_file = s->trust, .unverified = s->tls == WEFT_SMTP_TLS_MAY};
    return s->tls != WEFT_SMTP_TLS_NEVER ? weft_tls_client(&tls, &s->client.tls, why) : WEFT_OK;
}

static weft_err sendmail_children(void *at, weft_children *to, weft_why *why)
{
    const weft_child child = {.name = "letter",
                              .behaviour = &sendmail_behaviour,
                              .config = at,
                              .restart = WEFT_RESTART_NEVER};
    return weft_children_add(to, &child, why);
}

static int sendmail_code(const void *at)
{
    const sendmail_settings *s = at;
    switch (s->err) {
    case WEFT_OK:
        return s->partly ? EX_UNAVAILABLE : EX_OK;
    case WEFT_EDENIED:
    case WEFT_ETOOBIG:
    case WEFT_EUNSUPPORTED:
        return EX_UNAVAILABLE;
    case WEFT_ENOTFOUND:
        return EX_NOUSER;
    case WEFT_ENONAME:
        return EX_NOHOST;
    case WEFT_EPROTO:
    case WEFT_ETLS:
        return EX_PROTOCOL;
    case WEFT_EINVAL:
        return EX_DATAERR;
    case WEFT_EIO:
        return EX_IOERR;
    default:
        return EX_TEMPFAIL;
    }
}

static void sendmail_done(void *at)
{
    sendmail_settings *s = at;
    weft_tls_drop(&s->client.tls);
}

const weft_service service_sendmail = {
    .name = "sendmail",
    .summary = "send the message on the standard input",
    .about =
        "The message is sent as it is, with its header; lines may end as they do here. The exit\n"
        "code is 0 when every recipient was taken, 75 if it may be tried again, 67 or 69 if not.",
    .example = "weftd sendmail --server tcp://127.0.0.1:2525 --from me@example.org "
               "--to you@example.net <letter",
    .options = sendmail_options,
    .settings = &settings,
    .check = sendmail_check,
    .children = sendmail_children,
    .code = sendmail_code,
    .done = sendmail_done,
};
