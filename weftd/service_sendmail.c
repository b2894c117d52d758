/* SPDX-License-Identifier: MIT */
/* Sends the message on the standard input. */
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include <weft/smtp.h>
#include <weft/tls.h>
#include <weft/url.h>

#include "letter.h"
#include "secret.h"
#include "services.h"

typedef struct sendmail_settings {
    weft_option_texts to, words, as_sendmail;
    const char *server, *user, *trust;
    secret password;
    int tls;
    bool insecure_auth, ignore_dots;
    letter letter;
    char url[WEFT_URL_BYTES_MAX + 1];
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
    {.name = "read-recipients",
     .letters = "t",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(sendmail_settings, letter.read_recipients),
     .help = "recipients are those of the fields To, Cc and Bcc, too; Bcc is not sent"},
    {.name = "from",
     .letters = "f",
     .kind = WEFT_OPTION_TEXT,
     .value = "ADDRESS",
     .at = offsetof(sendmail_settings, letter.from),
     .help =
         "the sender that failures are reported to; \"\": nobody. Unset: with -t that of the field "
         "From, else nobody"},
    {.name = "ignore-dots",
     .letters = "i",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(sendmail_settings, ignore_dots),
     .help = "changes nothing: a line of one dot never ends the message here"},
    {.name = "as-sendmail",
     .letters = "oBF",
     .kind = WEFT_OPTION_TEXTS,
     .value = "WORD",
     .at = offsetof(sendmail_settings, as_sendmail),
     .help =
         "changes nothing: sendmail's -oi, -oem, -B8BITMIME, -F NAME and so on; may be given 16 "
         "times"},
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
     .at = offsetof(sendmail_settings, letter.client.host),
     .help = "what this machine calls itself; names without a host in fields are of it"},
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
     .at = offsetof(sendmail_settings, letter.client.lmtp),
     .help = "speak LMTP (RFC 2033)"},
    {0},
};

/* ---- the service */

static weft_err add_words(envelope *e, const weft_option_texts *words, weft_why *why)
{
    weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && i < words->count; i++) {
        err = weft_smtp_address_check(words->at[i], true, why);
        if (err == WEFT_OK)
            err = envelope_add(e, words->at[i], why);
    }
    return err;
}

/* What the header says of it is known when it has come. */
static weft_err check_envelope(sendmail_settings *s, weft_why *why)
{
    letter *l = &s->letter;
    weft_err err = add_words(&l->envelope, &s->to, why);
    if (err == WEFT_OK)
        err = add_words(&l->envelope, &s->words, why);
    if (err == WEFT_OK && l->from != NULL && l->from[0] != '\0')
        err = weft_smtp_address_check(l->from, true, why);
    if (err != WEFT_OK || l->read_recipients)
        return err;
    if (l->envelope.to_n == 0)
        return weft_because(why, WEFT_EINVAL,
                            "there are no recipients: --to ADDRESS, or -t for those of the header");
    return letter_route(l, why);
}

/* A URL of TLS from the first byte says by itself whom it trusts: --trust becomes its option. */
static weft_err read_server(sendmail_settings *s, weft_why *why)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    weft_url url;
    s->letter.client.url = s->server;
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
    s->letter.client.url = s->url;
    return weft_url_parse(s->url, &url, why);
}

static weft_err sendmail_check(void *at, weft_why *why)
{
    sendmail_settings *s = at;
    s->letter.server = s->server;
    s->letter.err = WEFT_ESTOPPING;
    weft_err err = check_envelope(s, why);
    if (err == WEFT_OK)
        err = read_server(s, why);
    if (err != WEFT_OK)
        return err;
    s->letter.client.tls_policy = (weft_smtp_tls)s->tls;
    s->letter.client.user = s->user;
    if (s->user != NULL)
        err =
            secret_read(&s->password, "password", "WEFT_PASSWORD", &s->letter.client.password, why);
    if (err != WEFT_OK)
        return err;
    s->letter.client.auth_in_clear = s->insecure_auth;
    s->letter.client.report_refusals = true;
    const weft_tls_config tls = {.trust_file = s->trust, .unverified = s->tls == WEFT_SMTP_TLS_MAY};
    return s->tls != WEFT_SMTP_TLS_NEVER ? weft_tls_client(&tls, &s->letter.client.tls, why)
                                         : WEFT_OK;
}

static weft_err sendmail_children(void *at, weft_children *to, weft_why *why)
{
    const weft_child child = {.name = "letter",
                              .behaviour = &letter_behaviour,
                              .config = &((sendmail_settings *)at)->letter,
                              .restart = WEFT_RESTART_NEVER};
    return weft_children_add(to, &child, why);
}

static int sendmail_code(const void *at)
{
    const letter *l = &((const sendmail_settings *)at)->letter;
    switch (l->err) {
    case WEFT_OK:
        return l->later ? EX_TEMPFAIL : l->partly ? EX_UNAVAILABLE : EX_OK;
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
    envelope_done(&s->letter.envelope);
    weft_tls_drop(&s->letter.client.tls);
}

const weft_service service_sendmail = {
    .name = "sendmail",
    .summary = "send the message on the standard input",
    .about =
        "The message is sent as it is, with its header; lines may end as they do here. With -t it\n"
        "goes to the recipients that its header names, besides those of the command line, and\n"
        "without Bcc: programs that call sendmail -t -i can call this. The exit code is 0 when "
        "every\n"
        "recipient was taken, 75 if it may be tried again, for one recipient at least, or if it "
        "was\n"
        "stopped before that, 65 if the header cannot be read, 67 or 69 if a recipient was "
        "refused.",
    .example = "weftd sendmail --server tcp://127.0.0.1:2525 --from me@example.org "
               "--to you@example.net <letter",
    .options = sendmail_options,
    .settings = &settings,
    .check = sendmail_check,
    .children = sendmail_children,
    .code = sendmail_code,
    .done = sendmail_done,
};
