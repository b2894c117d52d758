/* SPDX-License-Identifier: MIT */
/* A SOCKS server. */
#include <stdlib.h>
#include <string.h>

#include <weft/socks.h>

#include "service_auth.h"
#include "services.h"

enum { RULES_MAX = 64 };

/* A list of rules: its own copy, cut at the commas. */
typedef struct rule_list {
    char *text;
    const char *at[RULES_MAX + 1];
} rule_list;

typedef struct socks_settings {
    weft_option_urls listen;
    weft_option_texts auth;
    const char *allow, *deny;
    weft_socks_config config;
    /* what start makes of them */
    service_auth who;
    rule_list allowed, denied;
} socks_settings;

static socks_settings settings;

static const weft_option socks_options[] = {
    OPTION_ROW_LISTEN(socks_settings, "tcp://127.0.0.1:1080"),
    {.name = "auth",
     .kind = WEFT_OPTION_TEXTS,
     .value = "TYPE:ARG",
     .at = offsetof(socks_settings, auth),
     .help = "who may log in: memory:USER:PASSWORD, file:PATH or unix; may be given 16 times; "
             "without it, and with anonymous alone, anybody may"},
    {.name = "allow",
     .kind = WEFT_OPTION_TEXT,
     .value = "RULES",
     .at = offsetof(socks_settings, allow),
     .help =
         "the only targets: HOST[:PORT[-PORT]],... with *, NAME, .SUFFIX, 10.0.0.0/8, [fc00::]/7"},
    {.name = "deny",
     .kind = WEFT_OPTION_TEXT,
     .value = "RULES",
     .at = offsetof(socks_settings, deny),
     .help = "targets that are refused, in the same form"},
    {.name = "options",
     .kind = WEFT_OPTION_TEXT,
     .value = "OPTIONS",
     .at = offsetof(socks_settings, config.connect),
     .help = "of each connect, as in a URL: bind=10.0.0.1&via=socks5h://next:1080"},
    {.name = "request-timeout",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "10s",
     .at = offsetof(socks_settings, config.request_timeout_ms),
     .min = 1,
     .max = 3600000,
     .help = "time until a client has asked for its target"},
    {.name = "connect-timeout",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "10s",
     .at = offsetof(socks_settings, config.connect_timeout_ms),
     .min = 1,
     .max = 86400000,
     .help = "time until that has been reached"},
    {.name = "idle",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "off",
     .at = offsetof(socks_settings, config.idle_ms),
     .min = 0,
     .max = 86400000,
     .help = "close a pair when nothing has come from either side for so long"},
    {0},
};

/* NULL in @out: there is no list. */
static weft_err cut(const char *text, rule_list *list, const char *const **out, weft_why *why)
{
    size_t n = 0;
    char *rest = NULL;
    if (text == NULL)
        return WEFT_OK;
    list->text = strdup(text);
    if (list->text == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for rules");
    for (char *rule = strtok_r(list->text, ",", &rest); rule != NULL;
         rule = strtok_r(NULL, ",", &rest)) {
        if (n == RULES_MAX)
            return weft_because(why, WEFT_ELIMIT, "there are more than %d rules", RULES_MAX);
        list->at[n++] = rule;
    }
    *out = list->at;
    return WEFT_OK;
}

static weft_err read_auth(socks_settings *s, weft_why *why)
{
    weft_err err = service_auth_read_alone(
        &s->auth, SERVICE_AUTH_ANONYMOUS | SERVICE_AUTH_PASSWORDS, &s->who, why);
    s->config.auth_name = s->who.asks ? "socks/auth" : NULL;
    return err;
}

static weft_err read_settings(socks_settings *s, weft_why *why)
{
    weft_err err = cut(s->allow, &s->allowed, &s->config.allow, why);
    if (err == WEFT_OK)
        err = cut(s->deny, &s->denied, &s->config.deny, why);
    if (err == WEFT_OK)
        err = weft_socks_check(&s->config, why);
    return err == WEFT_OK ? read_auth(s, why) : err;
}

static weft_err socks_check(void *at, weft_why *why)
{
    return read_settings(at, why);
}

static weft_err socks_children(void *at, weft_children *to, weft_why *why)
{
    const socks_settings *s = at;
    const weft_child auth = {.name = "auth", .behaviour = &weft_auth, .config = &s->who.config};
    weft_err err = s->who.asks ? weft_children_add(to, &auth, why) : WEFT_OK;
    return err == WEFT_OK
               ? weft_children_listen(to, &s->listen, &weft_socks_server, &s->config, why)
               : err;
}

static weft_err socks_settled(void *at, weft_why *why)
{
    return service_auth_settled(&((const socks_settings *)at)->who, why);
}

static void socks_done(void *at)
{
    socks_settings *s = at;
    free(s->allowed.text);
    free(s->denied.text);
}

const weft_service service_socks = {
    .name = "socks",
    .summary = "connect for others: a SOCKS server (RFC 1928, RFC 1929, SOCKS 4a)",
    .about =
        "Each client names a target, which is connected to; then bytes go both ways as with\n"
        "weftd forward. Names are resolved here. A target that --deny is about is refused, also\n"
        "when a name turns out to have such an address; with --allow so is every other.\n"
        "Clients connect to what this machine can reach: give --auth where others can get at it.",
    .example = "weftd socks --listen tcp://127.0.0.1:1080 --deny '127.0.0.0/8,[::1]' --idle 10m",
    .options = socks_options,
    .settings = &settings,
    .check = socks_check,
    .children = socks_children,
    .settled = socks_settled,
    .done = socks_done,
};
