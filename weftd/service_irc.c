/* SPDX-License-Identifier: MIT */
/* An IRC server: plain, over TLS, and for browsers over WebSocket, whichever the URLs say. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/auth.h>
#include <weft/http.h>
#include <weft/irc.h>
#include <weft/url.h>
#include <weft/websocket.h>

#include "in_clear.h"
#include "service_auth.h"
#include "services.h"

enum { MOTD_BYTES_MAX = 64 << 10 };

/* Where browsers ask: the path of one URL. */
typedef struct web_door {
    char *url;
    char route[sizeof "GET " + 3 * WEFT_URL_PATH_BYTES_MAX];
    weft_http_route routes[2];
    weft_http_site_config site;
} web_door;

typedef struct irc_settings {
    weft_option_urls listen;
    weft_option_texts auth, oper;
    const char *motd, *password;
    weft_irc_config config;
    /* what check makes of them */
    weft_option_urls plain;
    web_door web[WEFT_OPTION_URLS_MAX];
    size_t web_count;
    service_auth who;
    weft_irc_oper opers[WEFT_OPTION_TEXTS_MAX];
    char *names[WEFT_OPTION_TEXTS_MAX]; /* of the operators: their own copies */
    char *motd_text;
    weft_websocket_config sockets;
} irc_settings;

static irc_settings settings;

static const weft_option irc_options[] = {
    OPTION_ROW_LISTEN(irc_settings, "tcp://127.0.0.1:6667"),
    {.name = "name",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .unset = "irc.weft",
     .at = offsetof(irc_settings, config.server),
     .help = "the server's name, which its clients see"},
    {.name = "network",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .unset = "weft",
     .at = offsetof(irc_settings, config.network),
     .help = "the network's name"},
    {.name = "motd",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(irc_settings, motd),
     .help = "the message of the day, of at most 64 KiB"},
    {.name = "password",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(irc_settings, password),
     .help = "a file with the password that PASS must say; without it anybody may come in"},
    {.name = "auth",
     .kind = WEFT_OPTION_TEXTS,
     .value = "TYPE:ARG",
     .at = offsetof(irc_settings, auth),
     .help = "accounts for SASL: memory:USER:PASSWORD, file:PATH or unix; anonymous: none is "
             "needed; may be given 16 times"},
    {.name = "auth-required",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(irc_settings, config.auth_required),
     .help = "nobody comes in without an account"},
    {.name = "oper",
     .kind = WEFT_OPTION_TEXTS,
     .value = "NAME:PASSWORD",
     .at = offsetof(irc_settings, oper),
     .help = "who may become an operator of the network; may be given 16 times"},
    {.name = "clients",
     .kind = WEFT_OPTION_COUNT,
     .value = "N",
     .unset = "100000",
     .at = offsetof(irc_settings, config.clients_max),
     .min = 1,
     .max = 1000000,
     .help = "clients at most"},
    {.name = "channels",
     .kind = WEFT_OPTION_COUNT,
     .value = "N",
     .unset = "50",
     .at = offsetof(irc_settings, config.user_channels_max),
     .min = 1,
     .max = 1000,
     .help = "channels that one client may be in"},
    {.name = "ping",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "2m",
     .at = offsetof(irc_settings, config.ping_ms),
     .min = 0,
     .max = 86400000,
     .help = "a client that is silent so long is pinged, and closed after as long again"},
    {.name = "flood-lines",
     .kind = WEFT_OPTION_COUNT,
     .value = "N",
     .unset = "20",
     .at = offsetof(irc_settings, config.flood_lines),
     .min = 1,
     .max = 100000,
     .help = "lines that a client may send at once"},
    {.name = "flood-line",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "500ms",
     .at = offsetof(irc_settings, config.flood_line_ms),
     .min = 0,
     .max = 60000,
     .help = "then it is read a line each such time; off: as fast as it sends"},
    {0},
};

/* A zero that somebody wrote is none at all, not the default. */
static void turn_off(uint32_t *ms)
{
    if (*ms == 0)
        *ms = WEFT_IRC_NEVER;
}

static weft_err read_file(const char *option, const char *path, char **out, weft_why *why)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return weft_because(why, weft_err_from_errno(errno), "--%s %.100s: %s", option, path,
                            strerror(errno));
    char *text = malloc(MOTD_BYTES_MAX + 1);
    size_t n = text != NULL ? fread(text, 1, MOTD_BYTES_MAX + 1, file) : 0;
    int failed = text != NULL && ferror(file) != 0 ? errno : 0; /* a folder, say */
    (void)fclose(file);
    weft_err err = text == NULL                    ? WEFT_ENOMEM
                   : failed != 0                   ? weft_err_from_errno(failed)
                   : n > MOTD_BYTES_MAX            ? WEFT_ETOOBIG
                   : memchr(text, '\0', n) != NULL ? WEFT_EPROTO
                                                   : WEFT_OK;
    if (err != WEFT_OK) {
        free(text);
        return weft_because(why, err, "--%s %.100s: %s, expected a text of at most %d bytes",
                            option, path, failed != 0 ? strerror(failed) : weft_err_text(err),
                            MOTD_BYTES_MAX);
    }
    text[n] = '\0';
    *out = text;
    return WEFT_OK;
}

static weft_err read_password(irc_settings *s, weft_why *why)
{
    char *text = NULL;
    if (s->password == NULL)
        return WEFT_OK;
    weft_err err = read_file("password", s->password, &text, why);
    if (err != WEFT_OK || text == NULL)
        return err;
    text[strcspn(text, "\r\n")] = '\0';
    s->config.password = text;
    return WEFT_OK;
}

static weft_err read_opers(irc_settings *s, weft_why *why)
{
    for (size_t i = 0; i < s->oper.count; i++) {
        s->names[i] = strdup(s->oper.at[i]);
        if (s->names[i] == NULL)
            return weft_because(why, WEFT_ENOMEM, "no memory for operators");
        char *colon = strchr(s->names[i], ':');
        if (colon == NULL || colon == s->names[i] || colon[1] == '\0')
            return weft_because(why, WEFT_EINVAL, "--oper: expected NAME:PASSWORD");
        *colon = '\0';
        s->opers[i] = (weft_irc_oper){.name = s->names[i], .password = colon + 1};
    }
    s->config.opers = s->opers;
    s->config.opers_count = (uint32_t)s->oper.count;
    return WEFT_OK;
}

static weft_err read_auth(irc_settings *s, weft_why *why)
{
    weft_err err =
        service_auth_read(&s->auth, SERVICE_AUTH_ANONYMOUS | SERVICE_AUTH_PASSWORDS, &s->who, why);
    s->config.auth = s->who.asks ? "irc/auth" : NULL;
    if (err != WEFT_OK || !s->config.auth_required || s->config.auth != NULL)
        return err;
    return weft_because(why, WEFT_EINVAL,
                        s->who.anonymous
                            ? "--auth anonymous lets everybody in, expected no --auth-required"
                            : "--auth-required lets nobody in, expected an --auth with it");
}

/* ---- URLs */

/* The path stands for itself alone: what a route has a meaning for is written in the other way. */
static void write_route(const char *path, char *to)
{
    to = stpcpy(to, "GET ");
    for (; *path != '\0'; path++)
        if (*path == ':' || *path == '*')
            to = stpcpy(to, *path == ':' ? "%3A" : "%2A");
        else
            *to++ = *path;
    *to = '\0';
}

/* A browser speaks the protocol in the messages of a WebSocket at the path of the URL: "/" if it has none. */
static weft_err add_web(irc_settings *s, char *text, const weft_url *url, weft_why *why)
{
    web_door *door = &s->web[s->web_count++];
    door->url = text;
    write_route(url->path, door->route);
    door->routes[0] =
        (weft_http_route){.route = door->route, .use = &weft_websocket, .config = &s->sockets};
    door->site = (weft_http_site_config){.routes = door->routes};
    weft_why wrong = {""};
    weft_err err = weft_http_check(door->routes, &wrong);
    return err == WEFT_OK ? err
                          : weft_because(why, err, "--listen %.80s: %.100s", text, wrong.text);
}

static weft_err read_urls(irc_settings *s, weft_why *why)
{
    static const char *const protocols[] = {"text.ircv3.net", "binary.ircv3.net", NULL};
    weft_err err = WEFT_OK;
    s->sockets = (weft_websocket_config){.behaviour = &weft_irc_server,
                                         .config = &s->config,
                                         .options = {.message_bytes_max = 16 << 10},
                                         .protocols = protocols};
    for (size_t i = 0; err == WEFT_OK && i < s->listen.count; i++) {
        weft_url url;
        err = weft_url_parse(s->listen.at[i], &url, why);
        bool web = url.scheme == WEFT_SCHEME_HTTP || url.scheme == WEFT_SCHEME_HTTPS;
        if (err == WEFT_OK && web)
            err = add_web(s, s->listen.at[i], &url, why);
        else if (err == WEFT_OK)
            s->plain.at[s->plain.count++] = s->listen.at[i];
    }
    return err;
}

static weft_err irc_check(void *at, weft_why *why)
{
    irc_settings *s = at;
    s->config.actor = "irc/network";
    turn_off(&s->config.ping_ms);
    turn_off(&s->config.flood_line_ms);
    weft_err err = s->motd != NULL ? read_file("motd", s->motd, &s->motd_text, why) : WEFT_OK;
    s->config.motd = s->motd_text;
    if (err == WEFT_OK)
        err = read_password(s, why);
    if (err == WEFT_OK)
        err = read_opers(s, why);
    if (err == WEFT_OK)
        err = read_auth(s, why);
    if (err == WEFT_OK)
        err = read_urls(s, why);
    if (err == WEFT_OK && (s->auth.count != 0 || s->password != NULL || s->oper.count != 0))
        in_clear_warn("irc", &s->listen, "listen at tls:// or https://");
    return err == WEFT_OK ? weft_irc_check(&s->config, why) : err;
}

static weft_err irc_children(void *at, weft_children *to, weft_why *why)
{
    const irc_settings *s = at;
    const weft_child auth = {.name = "auth", .behaviour = &weft_auth, .config = &s->who.config};
    const weft_child network = {
        .name = "network", .behaviour = &weft_irc_network, .config = &s->config};
    weft_err err = s->who.asks ? weft_children_add(to, &auth, why) : WEFT_OK;
    if (err == WEFT_OK)
        err = weft_children_add(to, &network, why);
    if (err == WEFT_OK && s->plain.count > 0)
        err = weft_children_listen(to, &s->plain, &weft_irc_server, &s->config, why);
    for (size_t i = 0; err == WEFT_OK && i < s->web_count; i++) {
        const weft_option_urls one = {.at = {s->web[i].url}, .count = 1};
        err = weft_children_listen(to, &one, &weft_http_server, &s->web[i].site, why);
    }
    return err;
}

static weft_err irc_settled(void *at, weft_why *why)
{
    return service_auth_settled(&((const irc_settings *)at)->who, why);
}

static void irc_done(void *at)
{
    irc_settings *s = at;
    for (size_t i = 0; i < s->oper.count; i++)
        free(s->names[i]);
    free(s->motd_text);
    free((char *)(uintptr_t)s->config.password);
}

const weft_service service_irc = {
    .name = "irc",
    .summary = "an IRC server",
    .about =
        "Channels are made by who joins them first. An http:// URL is for browsers, which speak\n"
        "IRC in the messages of a WebSocket at its path, and nowhere else. A client that does not "
        "read is closed when its\n"
        "stream's write_queue is full, and holds nobody else. The log says who comes in, who is\n"
        "refused, and what operators do.",
    .example = "weftd irc --listen tcp://127.0.0.1:6667 --oper root:sesame",
    .options = irc_options,
    .settings = &settings,
    .check = irc_check,
    .children = irc_children,
    .settled = irc_settled,
    .done = irc_done,
};
