/* SPDX-License-Identifier: MIT */
/* A mail server: what comes is put into a maildir, given to a program, or posted to a web server. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/auth.h>
#include <weft/smtp.h>
#include <weft/tls.h>

#include "address_list.h"
#include "in_clear.h"
#include "service_auth.h"
#include "services.h"

typedef struct smtp_settings {
    weft_option_urls listen;
    weft_option_texts reject, reject_files, auth, recipients, recipients_files;
    const char *to, *certificate, *key;
    bool lmtp;
    uint32_t size_mib;
    weft_smtp_config config;
    /* what is made of them */
    address_list known, unwelcome;
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
     .help = "recipients there are, USER@HOST or @HOST; may be given 16 times. Else there are all"},
    {.name = "for-file",
     .kind = WEFT_OPTION_TEXTS,
     .value = "FILE",
     .at = offsetof(smtp_settings, recipients_files),
     .help = "such recipients, one a line; may be given 16 times"},
    {.name = "reject",
     .kind = WEFT_OPTION_TEXTS,
     .value = "ADDRESS",
     .at = offsetof(smtp_settings, reject),
     .help = "a sender or recipient that is refused, as --for; may be given 16 times"},
    {.name = "reject-file",
     .kind = WEFT_OPTION_TEXTS,
     .value = "FILE",
     .at = offsetof(smtp_settings, reject_files),
     .help = "such senders and recipients, one a line; may be given 16 times"},
    {.name = "auth",
     .kind = WEFT_OPTION_TEXTS,
     .value = "TYPE:ARG",
     .at = offsetof(smtp_settings, auth),
     .help = "who may send: memory:USER:PASSWORD, file:PATH or unix, and nobody else then unless "
             "anonymous is among them; may be given 16 times"},
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

/* A file of recipients that is empty says that there are none. */
static bool has_recipients(const smtp_settings *s)
{
    return s->recipients.count != 0 || s->recipients_files.count != 0;
}

static bool has_rejected(const smtp_settings *s)
{
    return s->reject.count != 0 || s->reject_files.count != 0;
}

static weft_err on_sender(weft_actor *self, weft_msg *msg)
{
    const smtp_settings *s = weft_config(self);
    const weft_smtp_sender *asked = weft_body(msg);
    if (asked->from[0] != '\0' && address_list_has(&s->unwelcome, asked->from))
        return weft_fail(msg, WEFT_EDENIED, "this sender is not welcome");
    return weft_reply(msg, weft_smtp_status, .code = 0);
}

static weft_err on_recipient(weft_actor *self, weft_msg *msg)
{
    const smtp_settings *s = weft_config(self);
    const weft_smtp_recipient *asked = weft_body(msg);
    if (address_list_has(&s->unwelcome, asked->to))
        return weft_fail(msg, WEFT_ENOTFOUND, "no such mailbox here");
    bool known = !has_recipients(s) || address_list_has(&s->known, asked->to) ||
                 strcasecmp(asked->to, "postmaster") == 0; /* RFC 5321, section 4.5.1 */
    if (!known && address_list_has_host(&s->known, asked->to))
        return weft_fail(msg, WEFT_ENOTFOUND, "no such mailbox here");
    if (!known)
        return weft_fail(msg, WEFT_EDENIED, "nothing is relayed to other hosts");
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

static weft_err no_target(const char *to, const char *why_not, weft_why *why)
{
    return weft_because(why, WEFT_EINVAL, "--to %.100s: %s", to, why_not);
}

/* A maildir is made when it is not there, in a folder that is. */
static weft_err check_maildir(const char *to, const char *path, weft_why *why)
{
    struct stat st;
    char above[PATH_MAX];
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) ? WEFT_OK : no_target(to, "it is no folder", why);
    if (errno != ENOENT)
        return no_target(to, strerror(errno), why);
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    if (n >= sizeof above)
        return no_target(to, strerror(ENAMETOOLONG), why);
    (void)snprintf(above, sizeof above, "%.*s", n != 0 ? (int)n : 1, n != 0 ? path : ".");
    return stat(above, &st) == 0 && S_ISDIR(st.st_mode)
               ? WEFT_OK
               : no_target(to, "the folder that it would be made in is not there", why);
}

/* Without a slash it is looked for when it is run, as a shell does. */
static weft_err check_program(const char *to, const char *path, weft_why *why)
{
    struct stat st;
    if (strchr(path, '/') == NULL)
        return WEFT_OK;
    if (stat(path, &st) != 0)
        return no_target(to, strerror(errno), why);
    return S_ISREG(st.st_mode) && access(path, X_OK) == 0
               ? WEFT_OK
               : no_target(to, "it is no program that weftd may run", why);
}

/* What one request, and one variable of the environment, have room for: others are sent with a message more. */
enum { POST_RECIPIENTS_MAX = 64, EXEC_RECIPIENTS_MAX = 500 };

static weft_err read_target(smtp_settings *s, weft_why *why)
{
    if (begins(s->to, "maildir:") && s->to[sizeof "maildir:" - 1] != '\0') {
        s->maildir.path = s->to + sizeof "maildir:" - 1;
        s->config.message = &weft_smtp_maildir;
        s->config.message_config = &s->maildir;
        return check_maildir(s->to, s->maildir.path, why);
    }
    if (begins(s->to, "exec:") && s->to[sizeof "exec:" - 1] != '\0') {
        s->argv[0] = s->to + sizeof "exec:" - 1;
        s->exec.argv = s->argv;
        s->config.no_blanks = true;
        s->config.limits.recipients_max = EXEC_RECIPIENTS_MAX;
        s->config.message = &weft_smtp_exec;
        s->config.message_config = &s->exec;
        return check_program(s->to, s->argv[0], why);
    }
    if (begins(s->to, "http://") || begins(s->to, "https://")) {
        s->post.url = s->to;
        s->config.limits.recipients_max = POST_RECIPIENTS_MAX;
        s->config.message = &weft_smtp_post;
        s->config.message_config = &s->post;
    } else
        return weft_because(why, WEFT_EINVAL,
                            "--to %.80s: expected maildir:DIR, exec:PROGRAM or http://HOST/PATH",
                            s->to);
    return WEFT_OK;
}

/* It is said in a greeting and in fields: a domain, or an address in brackets. */
static weft_err check_host(const smtp_settings *s, weft_why *why)
{
    char text[WEFT_SMTP_ADDRESS_BYTES + 2];
    weft_why wrong = {""};
    int n = snprintf(text, sizeof text, "x@%s", s->config.host);
    return n > 2 && (size_t)n < sizeof text && strchr(s->config.host, '@') == NULL &&
                   weft_smtp_address_check(text, false, &wrong) == WEFT_OK
               ? WEFT_OK
               : weft_because(why, WEFT_EINVAL,
                              "--host %.100s, expected a name such as mail.example.org",
                              s->config.host);
}

static weft_err read_auth(smtp_settings *s, weft_why *why)
{
    s->who.config.realm = s->config.host;
    weft_err err =
        service_auth_read(&s->auth, SERVICE_AUTH_ANONYMOUS | SERVICE_AUTH_PASSWORDS, &s->who, why);
    s->config.auth_required = s->who.asks && !s->who.anonymous;
    if (err == WEFT_OK && s->who.asks && s->config.auth_in_clear)
        in_clear_warn("smtp", &s->listen, "leave --auth-in-clear out, or listen at tls://");
    return err;
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
    weft_err err = check_host(s, why);
    if (err == WEFT_OK)
        err = read_target(s, why);
    if (err == WEFT_OK)
        err = address_list_fill(&s->known, "for", &s->recipients, &s->recipients_files, why);
    if (err == WEFT_OK)
        err = address_list_fill(&s->unwelcome, "reject", &s->reject, &s->reject_files, why);
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
    if (has_recipients(s) || has_rejected(s)) {
        s->config.judge_name = "smtp/judge";
        err = weft_children_add(to, &judges, why);
    }
    if (err == WEFT_OK && s->who.asks) {
        s->config.auth_name = "smtp/auth";
        err = weft_children_add(to, &auth, why);
    }
    return err == WEFT_OK ? weft_children_listen(to, &s->listen, &weft_smtp_server, &s->config, why)
                          : err;
}

static weft_err smtp_settled(void *at, weft_why *why)
{
    return service_auth_settled(&((const smtp_settings *)at)->who, why);
}

static void smtp_done(void *at)
{
    smtp_settings *s = at;
    address_list_done(&s->known);
    address_list_done(&s->unwelcome);
    weft_tls_drop(&s->config.tls);
    explicit_bzero(s->who.sources, sizeof s->who.sources);
}

const weft_service service_smtp = {
    .name = "smtp",
    .summary = "take mail (RFC 5321): into a maildir, a program or a web server",
    .about =
        "The client hears 250 when the message is safe: synced to the disk, or taken by the\n"
        "program (exit code 0; 75 is \"later\") or the web server (2xx). Nothing is relayed:\n"
        "all that comes goes to one place, for any recipient unless --for says for whom.\n"
        "A program has the message as its input, and SENDER, RECIPIENTS (a line each) and\n"
        "MESSAGE_ID in its environment; a web server is told X-Mail-From and X-Rcpt-To. The log "
        "has a line\n"
        "for each message, for each that is refused and for each login; addresses are compared\n"
        "without regard to case. Files of them may have lines that begin with #.",
    .example = "weftd smtp --to maildir:/var/mail/all --for @example.org",
    .options = smtp_options,
    .settings = &settings,
    .check = smtp_check,
    .children = smtp_children,
    .settled = smtp_settled,
    .done = smtp_done,
};
