/* SPDX-License-Identifier: MIT */
/* The operator's console over telnet, behind a login. */
#include <string.h>

#include <weft/console.h>
#include <weft/log.h>
#include <weft/url.h>

#include "operator.h"
#include "service_auth.h"
#include "services.h"

#define AUTH_NAME "telnet/auth"

typedef struct telnet_settings {
    weft_option_urls listen;
    weft_option_texts auth;
    bool in_clear;
    weft_console_config config;
    service_auth who;
} telnet_settings;

static telnet_settings settings;

static const weft_option telnet_options[] = {
    OPTION_ROW_LISTEN(telnet_settings, "tcp://127.0.0.1:2323"),
    {.name = "console",
     .kind = WEFT_OPTION_CONNECT,
     .value = "URL",
     .at = offsetof(telnet_settings, config.to),
     .help = "the console of a service that was given --admin URL; without it, this daemon's own"},
    {.name = "auth",
     .kind = WEFT_OPTION_TEXTS,
     .value = "TYPE:ARG",
     .at = offsetof(telnet_settings, auth),
     .help = "who is let in: file:FILE, memory:USER:PASSWORD, unix, or anonymous: whoever comes; "
             "may be given 16 times"},
    {.name = "in-clear",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(telnet_settings, in_clear),
     .help = "listen beyond this machine without TLS too: passwords can be read on the way"},
    {.name = "prompt",
     .kind = WEFT_OPTION_TEXT,
     .value = "TEXT",
     .unset = "weft> ",
     .at = offsetof(telnet_settings, config.prompt),
     .help = "of this daemon's own console"},
    {0},
};

/* ---- who is let in */

static weft_err check_auth(telnet_settings *s, weft_why *why)
{
    if (s->auth.count == 0)
        return weft_because(why, WEFT_EINVAL,
                            "nobody could be let in, expected --auth (such as file:FILE), or "
                            "--auth anonymous for whoever comes");
    weft_err err = service_auth_read_alone(
        &s->auth, SERVICE_AUTH_ANONYMOUS | SERVICE_AUTH_PASSWORDS, &s->who, why);
    s->config.auth = s->who.asks ? AUTH_NAME : NULL;
    return err;
}

/* ---- where */

static weft_err check_url(const telnet_settings *s, const char *text, weft_why *why)
{
    weft_url url;
    weft_err err = weft_url_parse(text, &url, why);
    if (err != WEFT_OK)
        return err;
    if (url.scheme == WEFT_SCHEME_HTTP || url.scheme == WEFT_SCHEME_HTTPS)
        return weft_because(why, WEFT_EINVAL,
                            "--listen %.100s: telnet is no HTTP, expected tcp:// or tls://", text);
    bool secret = url.scheme == WEFT_SCHEME_TLS || url.options.tls;
    bool here = url.host.kind == WEFT_HOST_NONE || weft_url_host_is_loopback(&url.host);
    return secret || here || s->in_clear
               ? WEFT_OK
               : weft_because(why, WEFT_EINVAL,
                              "--listen %.100s: telnet hides nothing, expected tls://, an address "
                              "of this machine, or --in-clear",
                              text);
}

static weft_err telnet_check(void *at, weft_why *why)
{
    telnet_settings *s = at;
    s->config.telnet = true;
    weft_err err = check_auth(s, why);
    for (size_t i = 0; err == WEFT_OK && i < s->listen.count; i++)
        err = check_url(s, s->listen.at[i], why);
    return err;
}

/* ---- what is said at the start */

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    weft_log(self, WEFT_WARNING, "%s", OPERATOR_ANYBODY);
    return WEFT_OK;
}

static const weft_handler warning_rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour warning = {.name = "telnet warning", .handlers = warning_rows};

static weft_err telnet_children(void *at, weft_children *to, weft_why *why)
{
    telnet_settings *s = at;
    const weft_child auth = {.name = "auth", .behaviour = &weft_auth, .config = &s->who.config};
    const weft_child warns = {.name = "warning", .behaviour = &warning};
    weft_err err = weft_children_add(to, s->config.auth != NULL ? &auth : &warns, why);
    return err == WEFT_OK ? weft_children_listen(to, &s->listen, &weft_console, &s->config, why)
                          : err;
}

static weft_err telnet_settled(void *at, weft_why *why)
{
    return service_auth_settled(&((const telnet_settings *)at)->who, why);
}

static void telnet_done(void *at)
{
    telnet_settings *s = at;
    explicit_bzero(s->who.sources, sizeof s->who.sources);
}

const weft_service service_telnet = {
    .name = "telnet",
    .summary = "let operators in over telnet: the console, behind a login",
    .about =
        "Whoever is let in is an operator: may look into what runs, and stop it. Telnet hides\n"
        "nothing; a tls:// URL does (openssl s_client, socat and telnet-ssl speak it). A login "
        "may\n"
        "fail three times and take a minute.",
    .example = "weftd telnet --listen tcp://127.0.0.1:2323 --console unix:web.admin "
               "--auth file:/etc/weftd/operators",
    .options = telnet_options,
    .settings = &settings,
    .check = telnet_check,
    .children = telnet_children,
    .settled = telnet_settled,
    .done = telnet_done,
};
