/* SPDX-License-Identifier: MIT */
/* Routes of the options of `weftd web`: proxies and moves before files, and one guard before all. */
#include "web_sites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const weft_http_compress packed = {.bytes_min = 0};

/* ---- proxies: PATH=URL[,URL...] */

static weft_err bad_proxy(const char *text, weft_why *why)
{
    return weft_because(why, WEFT_EINVAL,
                        "--proxy %.100s, expected PATH=URL[,URL...] such as "
                        "/api=http://127.0.0.1:3000",
                        text);
}

static weft_err take_upstreams(web_proxy *p, char *urls, const char *text, weft_why *why)
{
    char *rest = NULL;
    size_t n = 0;
    for (char *url = strtok_r(urls, ",", &rest); url != NULL; url = strtok_r(NULL, ",", &rest)) {
        if (n == WEB_UPSTREAMS_MAX)
            return weft_because(why, WEFT_ELIMIT, "--proxy %.60s: more than %d URLs", text,
                                WEB_UPSTREAMS_MAX);
        if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
            return bad_proxy(text, why);
        p->upstreams[n++] = url;
    }
    return n != 0 ? WEFT_OK : bad_proxy(text, why);
}

/* What is below @path; @path itself is a route too unless it ends in a slash. */
static weft_err add_routes(web_sites *s, web_proxy *p, const char *path, weft_http_route **to)
{
    size_t n = strlen(path), room = n + 3;
    bool slash = n != 0 && path[n - 1] == '/';
    const weft_http_route row = {.use = &weft_http_proxy,
                                 .config = &p->client,
                                 .stream = true,
                                 .compress = s->compress ? &packed : NULL,
                                 .guard = s->who.asks ? &s->guard : NULL};
    p->route = malloc(room);
    if (p->route == NULL)
        return WEFT_ENOMEM;
    (void)snprintf(p->route, room, "%s%s*", path, slash ? "" : "/");
    **to = row;
    (*to)++->route = p->route;
    if (!slash) {
        **to = row;
        (*to)++->route = path;
    }
    return WEFT_OK;
}

static weft_err add_proxy(web_sites *s, web_proxy *p, const char *text, weft_http_route **to,
                          weft_why *why)
{
    p->text = strdup(text);
    if (p->text == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for --proxy");
    char *urls = strchr(p->text, '=');
    if (text[0] != '/' || urls == NULL || strcspn(text, ":*") < (size_t)(urls - p->text))
        return bad_proxy(text, why);
    *urls++ = '\0';
    weft_err err = take_upstreams(p, urls, text, why);
    p->client = (weft_http_client_config){
        .upstreams = p->upstreams,
        .balance = s->least_busy ? WEFT_HTTP_LEAST_BUSY : WEFT_HTTP_BY_TURNS,
        .strip = s->strip ? p->text : NULL,
        .keep_host = s->keep_host,
    };
    return err == WEFT_OK ? add_routes(s, p, p->text, to) : err;
}

/* ---- redirects and rewrites: [STATUS:]FROM=TO, FROM=TO */

static weft_err bad_move(const char *option, const char *text, weft_why *why)
{
    return weft_because(why, WEFT_EINVAL, "--%s %.100s, expected %sFROM=TO such as /old/*=/new/*",
                        option, text, strcmp(option, "redirect") == 0 ? "[STATUS:]" : "");
}

/* The number in front of a ':'; 0: there is none. */
static int take_status(char **text)
{
    char *end;
    long status = strtol(*text, &end, 10);
    if (end == *text || *end != ':' || status <= 0 || status > 999)
        return 0;
    *text = end + 1;
    return (int)status;
}

static bool is_redirect(int status)
{
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

static weft_err add_move(web_sites *s, const char *option, const char *text, weft_http_route **to,
                         weft_why *why)
{
    char *from = s->moves[s->moves_n++] = strdup(text);
    bool redirect = strcmp(option, "redirect") == 0;
    if (from == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for --%s", option);
    int status = redirect ? take_status(&from) : 0;
    char *target = strchr(from, '=');
    if (from[0] != '/' || target == NULL)
        return bad_move(option, text, why);
    *target++ = '\0';
    if (!redirect && strcmp(from, target) == 0)
        return weft_because(why, WEFT_EINVAL,
                            "--rewrite %.100s leads to itself, expected another TO", text);
    if (status != 0 && !is_redirect(status))
        return weft_because(why, WEFT_EINVAL,
                            "--redirect %.100s, expected a status of 301, 302, 303, 307 or 308",
                            text);
    *(*to)++ = (weft_http_route){.route = from,
                                 .redirect = redirect ? target : NULL,
                                 .redirect_status = status,
                                 .rewrite = redirect ? NULL : target,
                                 .guard = redirect && s->who.asks ? &s->guard : NULL};
    return WEFT_OK;
}

static weft_err add_moves(web_sites *s, weft_http_route **to, weft_why *why)
{
    weft_err err = WEFT_OK;
    for (size_t i = 0; i < s->redirect.count && err == WEFT_OK; i++)
        err = add_move(s, "redirect", s->redirect.at[i], to, why);
    for (size_t i = 0; i < s->rewrite.count && err == WEFT_OK; i++)
        err = add_move(s, "rewrite", s->rewrite.at[i], to, why);
    return err;
}

/* ---- scripts: PATH=FOLDER */

static weft_err check_cgi_folder(const char *path, weft_why *why)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return weft_because(why, weft_err_from_errno(errno), "--cgi %.100s: %s, expected a folder",
                            path, strerror(errno));
    return S_ISDIR(st.st_mode) ? WEFT_OK
                               : weft_because(why, WEFT_EINVAL, "--cgi %.100s is no folder", path);
}

static weft_err add_cgi(web_sites *s, web_cgi *g, const char *text, weft_http_route **to,
                        weft_why *why)
{
    const char *folder = strchr(text, '=');
    size_t n = folder != NULL ? (size_t)(folder - text) : 0;
    if (text[0] != '/' || n == 0 || folder[1] == '\0' || strcspn(text, ":*") < n)
        return weft_because(why, WEFT_EINVAL,
                            "--cgi %.100s, expected PATH=FOLDER such as /cgi-bin=./scripts", text);
    while (n > 1 && text[n - 1] == '/')
        n--;
    size_t room = n + sizeof "/*";
    g->route = malloc(room);
    if (g->route == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for --cgi");
    (void)snprintf(g->route, room, "%.*s/*", n == 1 ? 0 : (int)n, text);
    g->config = (weft_http_cgi_config){
        .root = folder + 1, .time_ms = s->cgi_time_ms, .children_max = s->cgi_children};
    *(*to)++ = (weft_http_route){.route = g->route,
                                 .use = &weft_http_cgi,
                                 .config = &g->config,
                                 .stream = true,
                                 .compress = s->compress ? &packed : NULL,
                                 .guard = s->who.asks ? &s->guard : NULL};
    return check_cgi_folder(folder + 1, why);
}

/* ---- who may */

static weft_err make_guard(web_sites *s, weft_why *why)
{
    weft_err err = service_auth_read_alone(
        &s->auth, SERVICE_AUTH_ANONYMOUS | SERVICE_AUTH_PASSWORDS, &s->who, why);
    s->guard = (weft_http_guard){.auth_name = "web/auth", .digest = s->digest};
    /* a digest is made of the password, which only who has it can make again */
    for (uint32_t i = 0; err == WEFT_OK && s->digest && i < s->who.config.count; i++)
        if (s->who.sources[i].kind != WEFT_AUTH_FROM_MEMORY)
            return weft_because(why, WEFT_EINVAL,
                                "--auth-digest can check --auth memory:USER:PASSWORD alone");
    if (err == WEFT_OK && s->digest && !s->who.asks)
        return weft_because(why, WEFT_EINVAL,
                            "--auth-digest asks nobody, expected --auth memory:USER:PASSWORD");
    return err;
}

/* ---- all of it */

weft_err web_sites_make(web_sites *s, const weft_http_files_config *files, weft_why *why)
{
    weft_http_route *to = s->routes;
    bool all = false;
    weft_err err = make_guard(s, why);
    for (size_t i = 0; i < s->proxy.count && err == WEFT_OK; i++) {
        err = add_proxy(s, &s->proxies[i], s->proxy.at[i], &to, why);
        all |= strncmp(s->proxy.at[i], "/=", 2) == 0;
    }
    for (size_t i = 0; i < s->cgi.count && err == WEFT_OK; i++)
        err = add_cgi(s, &s->cgis[i], s->cgi.at[i], &to, why);
    if (err == WEFT_OK)
        err = add_moves(s, &to, why);
    if (err != WEFT_OK)
        return err;
    if (!all) /* else nothing is left for files */
        *to = (weft_http_route){.route = "GET /*",
                                .use = &weft_http_files,
                                .config = files,
                                .guard = s->who.asks ? &s->guard : NULL};
    return weft_http_check(s->routes, why);
}

void web_sites_done(web_sites *s)
{
    for (size_t i = 0; i < WEB_PROXIES_MAX; i++) {
        free(s->proxies[i].text);
        free(s->proxies[i].route);
        s->proxies[i] = (web_proxy){.text = NULL};
    }
    for (size_t i = 0; i < WEFT_OPTION_TEXTS_MAX; i++) {
        free(s->cgis[i].route);
        s->cgis[i] = (web_cgi){.route = NULL};
    }
    while (s->moves_n != 0)
        free(s->moves[--s->moves_n]);
}
