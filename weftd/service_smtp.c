/* SPDX-License-Identifier: MIT */
/* A mail server: what comes is put into a maildir, given to a program, or posted to a web server. */
#include <string.h>
#include <strings.h>

#include <weft/auth.h>
#include <weft/smtp.h>
#include <weft/tls.h>

#include "service_auth.h"
#include "services.h"

typedef struct smtp_settings {
    weft_option_urls listen;
    weft_option_texts reject, auth, recipients;
    const char *to, *certificate, *key;
    bool lmtp;
    uint32_t size_mib;
    weft_smtp_config config;
    /* what is made of them */
    weft_smtp_maildir_config maildir;
    weft_smtp_exec_config exec;
    weft_smtp_post_config post;
    const char *argv[2];
    service_auth who;
} smtp_settings;

static smtp_settings settings;

static const weft_option smtp_options[] = {
    OPTION_ROW_LISTEN(smtp_settings, "tcp://127.0.0.1:2525"),
    {.name = "to",
     .kind = WEFT_OPTION_TEXT,
     .value = "WHERE",
     .unset = "maildir:Maildir",
     .at = offsetof(smtp_settings, to),
     .help = "maildir:DIR, exec:PROGRAM, or the URL of a web server that takes POST"},
    {.name = "for",
     .kind = WEFT_OPTION_TEXTS,
     .value = "ADDRESS",
     .at = offsetof(smtp_settings, recipients),
     .help = "recipients there are, USER@HOST or @HOST for all of a host; else there are all"},
    {.name = "reject",
     .kind = WEFT_OPTION_TEXTS,
     .value = "ADDRESS",
     .at = offsetof(smtp_settings, reject),
     .help = "a sender or recipient that is refused, USER@HOST or @HOST"},
    {.name = "auth",
     .kind = WEFT_OPTION_TEXTS,
     .value = "SOURCE",
     .at = offsetof(smtp_settings, auth),
     .help = "who may send: memory:USER:PASSWORD, file:PATH or unix; nobody else may then"},
    {.name = "auth-in-clear",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(smtp_settings, config.auth_in_clear),
     .help = "passwords are taken without TLS too"},
    {.name = "certificate",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(smtp_settings, certificate),
     .help = "a certificate and what leads to its root (PEM): STARTTLS is offered"},
    {.name = "key",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(smtp_settings, key),
     .help = "its key (PEM), if it does not stand in the same file"},
    {.name = "tls-required",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(smtp_settings, config.tls_required),
     .help = "no mail without TLS"},
    {.name = "host",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .unset = "localhost",
     .at = offsetof(smtp_settings, config.host),
     .help = "what the server calls itself"},
    {.name = "size",
     .kind = WEFT_OPTION_COUNT,
     .value = "MIB",
     .unset = "32",
     .at = offsetof(smtp_settings, size_mib),
     .min = 1,
     .max = 4096,
     .help = "of a message at most"},
    {.name = "lmtp",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(smtp_settings, lmtp),
     .help = "speak LMTP (RFC 2033)"},
    {0},
};

/* ---- the judge: lists of addresses */

/* Domains are compared without regard to case, what stands before the @ with it, but for postmaster. */
static bool matches(const char *pattern, const char *address)
{
    const char *domain = strrchr(address, '@'), *wanted = strrchr(pattern, '@');
    if (domain == NULL || wanted == NULL)
        return strcasecmp(pattern, address) == 0;
    size_t n = (size_t)(wanted - pattern);
    return strcasecmp(domain, wanted) == 0 &&
           (n == 0 || (n == (size_t)(domain - address) && strncmp(pattern, address, n) == 0));
}

static bool listed(const weft_option_texts *list, const char *address)
{
    for (size_t i = 0; i < list->count; i++)
        if (matches(list->at[i], address))
            return true;
    return false;
}

static weft_err on_sender(weft_actor *self, weft_msg *msg)
{
    const smtp_settings *s = weft_config(self);
    const weft_smtp_sender *asked = weft_body(msg);
    if (asked->from[0] != '\0' && listed(&s->reject, asked->from))
        return weft_fail(msg, WEFT_EDENIED, "this sender is not welcome");
    return weft_reply(msg, weft_smtp_status, .code = 0);
}

static weft_err on_recipient(weft_actor *self, weft_msg *msg)
{
    const smtp_settings *s = weft_config(self);
    const weft_smtp_recipient *asked = weft_body(msg);
    bool known = s->recipients.count == 0 || listed(&s->recipients, asked->to) ||
                 strcasecmp(asked->to, "postmaster") == 0; /* RFC 5321, section 4.5.1 */
    if (!known || listed(&s->reject, asked->to))
        return weft_fail(msg, WEFT_ENOTFOUND, "no such mailbox here");
    return weft_reply(msg, weft_smtp_status, .code = 0);
}

static const weft_handler judge_rows[] = {
    {.type = &weft_smtp_sender_type, .fn = on_sender},
    {.type = &weft_smtp_recipient_type, .fn = on_recipient},
    {0},
};
static const weft_behaviour judge = {.name = "smtp judge", .handlers = judge_rows};

/* ---- from options to a config */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static weft_err read_target(smtp_settings *s, weft_why *why)
{
    if (begins(s->to, "maildir:") && s->to[sizeof "maildir:" - 1] != '\0') {
        s->maildir.path = s->to + sizeof "maildir:" - 1;
        s->config.message = &weft_smtp_maildir;
        s->config.message_config = &s->maildir;
    } else if (begins(s->to, "exec:") && s->to[sizeof "exec:" - 1] != '\0') {
        s->argv[0] = s->to + sizeof "exec:" - 1;
        s->exec.argv = s->argv;
        s->config.message = &weft_smtp_exec;
        s->config.message_config = &s->exec;
    } else if (begins(s->to, "http://") || begins(s->to, "https://")) {
        s->post.url = s->to;
        s->config.message = &weft_smtp_post;
        s->config.message_config = &s->post;
    } else
        return weft_because(why, WEFT_EINVAL,
                            "--to %.80s: expected maildir:DIR, exec:PROGRAM or http://HOST/PATH",
                            s->to);
    return WEFT_OK;
}

static weft_err read_addresses(const char *option, const weft_option_texts *list, weft_why *why)
{
    weft_why wrong = {""};
    char text[WEFT_SMTP_ADDRESS_BYTES + 2];
    for (size_t i = 0; i < list->count; i++) {
        bool host = list->at[i][0] == '@';
        (void)snprintf(text, sizeof text, "%s%s", host ? "x" : "", list->at[i]);
        if (weft_smtp_address_check(text, true, &wrong) != WEFT_OK)
            return weft_because(why, WEFT_EINVAL, "--%s %.80s: expected USER@HOST or @HOST", option,
                                list->at[i]);
    }
    return WEFT_OK;
}

static weft_err read_auth(smtp_settings *s, weft_why *why)
{
    s->who.config.realm = s->config.host;
    s->config.auth_required = s->auth.count != 0;
    return service_auth_read(&s->auth, &s->who, why);
}

static weft_err read_tls(smtp_settings *s, weft_why *why)
{
    if (s->certificate == NULL)
        return s->key == NULL && !s->config.tls_required
                   ? WEFT_OK
                   : weft_because(why, WEFT_EINVAL, "TLS needs a --certificate");
    const weft_tls_config tls = {.certificate_file = s->certificate, .key_file = s->key};
    return weft_tls_server(&tls, &s->config.tls, why);
}

static weft_err smtp_check(void *at, weft_why *why)
{
    smtp_settings *s = at;
    s->config.lmtp = s->lmtp;
    s->config.limits.message_bytes_max = (uint64_t)s->size_mib << 20;
    weft_err err = read_target(s, why);
    if (err == WEFT_OK)
        err = read_addresses("for", &s->recipients, why);
    if (err == WEFT_OK)
        err = read_addresses("reject", &s->reject, why);
    if (err == WEFT_OK)
        err = read_auth(s, why);
    return err == WEFT_OK ? read_tls(s, why) : err;
}

static weft_err smtp_children(void *at, weft_children *to, weft_why *why)
{
    smtp_settings *s = at;
    const weft_child judges = {.name = "judge", .behaviour = &judge, .config = s};
    const weft_child auth = {.name = "auth", .behaviour = &weft_auth, .config = &s->who.config};
    weft_err err = WEFT_OK;
    if (s->recipients.count != 0 || s->reject.count != 0) {
        s->config.judge_name = "smtp/judge";
        err = weft_children_add(to, &judges, why);
    }
    if (err == WEFT_OK && s->auth.count != 0) {
        s->config.auth_name = "smtp/auth";
        err = weft_children_add(to, &auth, why);
    }
    return err == WEFT_OK ? weft_children_listen(to, &s->listen, &weft_smtp_server, &s->config, why)
                          : err;
}

static void smtp_done(void *at)
{
    smtp_settings *s = at;
    weft_tls_drop(&s->config.tls);
    explicit_bzero(s->who.sources, sizeof s->who.sources);
}

const weft_service service_smtp = {
    .name = "smtp",
    .summary = "take mail (RFC 5321): into a maildir, a program or a web server",
    .about = "The client hears 250 when the message is safe: synced to the disk, or taken by the\n"
             "program (exit code 0; 75 is \"later\") or the web server (2xx). Nothing is relayed:\n"
             "all that comes goes to one place, for any recipient unless --for says for whom.\n"
             "A program has the message as its input, and SENDER, RECIPIENTS and MESSAGE_ID in\n"
             "its environment; a web server is told X-Mail-From and X-Rcpt-To.",
    .example = "weftd smtp --to maildir:/var/mail/all --for @example.org",
    .options = smtp_options,
    .settings = &settings,
    .check = smtp_check,
    .children = smtp_children,
    .done = smtp_done,
};
