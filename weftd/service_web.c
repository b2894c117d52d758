/* SPDX-License-Identifier: MIT */
/* A web server for the files of a folder. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <weft/http.h>
#include <weft/url.h>

#include "in_clear.h"
#include "services.h"
#include "web_hosts.h"
#include "web_pages.h"
#include "web_sites.h"

typedef struct web_settings {
    weft_option_urls listen;
    weft_http_files_config files;
    weft_http_users users;
    web_sites sites;
    web_hosts hosts;
    web_pages pages;
    const char *access_log; /* a path, "-", or NULL */
    int access_log_format;
    /* what start makes of them */
    weft_http_access_log access;
    weft_http_site_config site;
} web_settings;

static const char *const access_formats[] = {"combined", "json", NULL};

static web_settings settings;

static const weft_option web_options[] = {
    {.name = "path",
     .kind = WEFT_OPTION_TEXT,
     .value = "FOLDER",
     .unset = ".",
     .at = offsetof(web_settings, files.root),
     .help = "the folder whose files are served; nothing outside of it ever is"},
    {.name = "host",
     .kind = WEFT_OPTION_TEXTS,
     .value = "NAME=FOLDER",
     .at = offsetof(web_settings, hosts.given),
     .help =
         "the files for the host NAME, or *.NAME for every name below it; may be given 16 times"},
    OPTION_ROW_LISTEN(web_settings, "http://127.0.0.1:8080"),
    {.name = "port",
     .kind = WEFT_OPTION_PORT,
     .value = "PORT",
     .at = offsetof(web_settings, listen),
     .help = "short for --listen http://127.0.0.1:PORT"},
    {.name = "index",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .unset = "index.html",
     .at = offsetof(web_settings, files.index),
     .help = "the file that is served for a folder"},
    {.name = "no-listing",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(web_settings, files.no_listing),
     .help = "a folder without that file is not found, instead of listed"},
    {.name = "hidden",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(web_settings, files.hidden),
     .help = "serve names that begin with a dot too"},
    {.name = "follow-symlinks",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(web_settings, files.follow_symlinks),
     .help = "follow links that lead out of the folder too"},
    {.name = "users",
     .kind = WEFT_OPTION_TEXT,
     .value = "FOLDER",
     .at = offsetof(web_settings, users.folder),
     .help = "serve /~NAME/ from FOLDER (public_html, say) in the home of the user NAME"},
    {.name = "users-uid-min",
     .kind = WEFT_OPTION_COUNT,
     .value = "NUMBER",
     .unset = "1000",
     .at = offsetof(web_settings, users.uid_min),
     .min = 1,
     .max = UINT32_MAX - 1,
     .help = "no user with a number below has one; root never has"},
    {.name = "no-compression",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(web_settings, files.no_compression),
     .help = "compress nothing on the fly; .gz and .br files beside a file are still used"},
    {.name = "cache-control",
     .kind = WEFT_OPTION_TEXT,
     .value = "TEXT",
     .at = offsetof(web_settings, files.cache_control),
     .help = "the Cache-Control field of what is served, such as max-age=3600"},
    {.name = "access-log",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(web_settings, access_log),
     .help = "append a line for each request to FILE; - is the standard output"},
    {.name = "access-log-format",
     .kind = WEFT_OPTION_CHOICE,
     .value = "FORMAT",
     .unset = "combined",
     .at = offsetof(web_settings, access_log_format),
     .words = access_formats,
     .help = "of those lines: combined, as other servers write it, or json"},
    {.name = "proxy",
     .kind = WEFT_OPTION_TEXTS,
     .value = "PATH=URL",
     .at = offsetof(web_settings, sites.proxy),
     .help = "pass what is at PATH and below on to URL, or to one of several (URL,URL); may be "
             "given 16 times"},
    {.name = "proxy-strip",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(web_settings, sites.strip),
     .help = "without PATH: /api/x goes to /x"},
    {.name = "proxy-keep-host",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(web_settings, sites.keep_host),
     .help = "with the Host that was asked for, instead of that of URL"},
    {.name = "proxy-least-busy",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(web_settings, sites.least_busy),
     .help = "of several to the one with the fewest requests under way, instead of by turns"},
    {.name = "redirect",
     .kind = WEFT_OPTION_TEXTS,
     .value = "[STATUS:]FROM=TO",
     .at = offsetof(web_settings, sites.redirect),
     .help =
         "send who asks for FROM to TO (302): /old/*=/new/*, 301:/u/:id=https://x.org/:id; may be "
         "given 16 times"},
    {.name = "rewrite",
     .kind = WEFT_OPTION_TEXTS,
     .value = "FROM=TO",
     .at = offsetof(web_settings, sites.rewrite),
     .help =
         "serve FROM as if TO had been asked for: /blog/:page=/pages/:page.html; may be given 16 "
         "times"},
    {.name = "compress",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(web_settings, sites.compress),
     .help = "pack what --proxy and --cgi answer, as gzip or brotli; not for pages with secrets"},
    {.name = "cgi",
     .kind = WEFT_OPTION_TEXTS,
     .value = "PATH=FOLDER",
     .at = offsetof(web_settings, sites.cgi),
     .help =
         "run what is below PATH as the programs in FOLDER (CGI, RFC 3875); may be given 16 times"},
    {.name = "cgi-time",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "60s",
     .at = offsetof(web_settings, sites.cgi_time_ms),
     .min = 1,
     .max = 86400000,
     .help = "how long one of them may take before it is stopped"},
    {.name = "cgi-children",
     .kind = WEFT_OPTION_COUNT,
     .value = "NUMBER",
     .unset = "32",
     .at = offsetof(web_settings, sites.cgi_children),
     .min = 1,
     .max = 4096,
     .help = "how many of them may run at once for each thread; beyond, a client is told 503"},
    {.name = "error-page",
     .kind = WEFT_OPTION_TEXTS,
     .value = "STATUS[-LAST]=FILE",
     .at = offsetof(web_settings, pages.given),
     .help =
         "the page that goes with an error: 404=lost.html, 500-599=down.html; read at the start; "
         "may be given 16 times"},
    {.name = "auth",
     .kind = WEFT_OPTION_TEXTS,
     .value = "TYPE:ARG",
     .at = offsetof(web_settings, sites.auth),
     .help = "serve only who is in memory:USER:PASSWORD, file:PATH (htpasswd -B) or unix; may be "
             "given 16 times; anonymous, alone: everybody"},
    {.name = "auth-digest",
     .kind = WEFT_OPTION_FLAG,
     .at = offsetof(web_settings, sites.digest),
     .help = "ask by Digest instead of Basic; with memory alone"},
    {0},
};

/* Whether @folder could lie in a home: relative, and no step up. */
static bool is_within(const char *folder)
{
    if (folder[0] == '/' || folder[0] == '\0')
        return false;
    for (const char *at = folder; at[0] != '\0'; at += strcspn(at, "/"), at += at[0] == '/')
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
            return false;
    return true;
}

static weft_err check_users(web_settings *s, weft_why *why)
{
    s->files.users = s->users.folder != NULL ? &s->users : NULL;
    if (s->users.folder == NULL || is_within(s->users.folder))
        return WEFT_OK;
    return weft_because(why, WEFT_EINVAL,
                        "--users %.100s, expected a folder in each home such as public_html",
                        s->users.folder);
}

static weft_err check_texts(const web_settings *s, weft_why *why)
{
    const char *index = s->files.index, *cached = s->files.cache_control;
    if (index[0] == '\0' || strchr(index, '/') != NULL)
        return weft_because(why, WEFT_EINVAL,
                            "--index %.100s, expected the name of a file such as index.html",
                            index);
    for (; cached != NULL && *cached != '\0'; cached++)
        if ((unsigned char)*cached < ' ' || *cached == 0x7f) /* RFC 9110, section 5.5 */
            return weft_because(
                why, WEFT_EINVAL,
                "--cache-control, expected a text of one line such as max-age=3600");
    return WEFT_OK;
}

static weft_err check_listen(const web_settings *s, weft_why *why)
{
    weft_url url;
    weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && i < s->listen.count; i++) {
        err = weft_url_parse(s->listen.at[i], &url, why);
        bool http = url.scheme == WEFT_SCHEME_HTTP || url.scheme == WEFT_SCHEME_HTTPS;
        if (err == WEFT_OK && http && strcmp(url.path, "/") != 0)
            return weft_because(why, WEFT_EINVAL,
                                "--listen %.100s: a server listens for all paths, expected none",
                                s->listen.at[i]);
    }
    return err;
}

static weft_err web_open(void *at, weft_why *why)
{
    web_settings *s = at;
    if (s->access_log == NULL)
        return WEFT_OK;
    s->access.fd = strcmp(s->access_log, "-") == 0
                       ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                       : open(s->access_log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (s->access.fd >= 0)
        return WEFT_OK;
    return weft_because(why, weft_err_from_errno(errno),
                        "--access-log %.100s: %s, expected a file to append to", s->access_log,
                        strerror(errno));
}

static weft_err make_hosts(web_settings *s, weft_why *why)
{
    if (s->hosts.given.count == 0)
        return WEFT_OK;
    s->site.hosts = s->hosts.rows;
    weft_err err = web_hosts_make(&s->hosts, s->sites.routes, &s->files, why);
    return err == WEFT_OK ? weft_http_check_site(&s->site, why) : err;
}

static weft_err web_check(void *at, weft_why *why)
{
    web_settings *s = at;
    s->access = (weft_http_access_log){.fd = -1, .json = s->access_log_format == 1};
    s->site = (weft_http_site_config){
        .routes = s->sites.routes, .access_log = &s->access, .error_pages = s->pages.pages};
    weft_err err = web_folder_check("path", s->files.root, why);
    if (err == WEFT_OK)
        err = check_texts(s, why);
    if (err == WEFT_OK)
        err = check_listen(s, why);
    if (err == WEFT_OK)
        err = check_users(s, why);
    if (err == WEFT_OK)
        err = web_pages_read(&s->pages, why);
    if (err == WEFT_OK && s->sites.auth.count != 0 && !s->sites.digest)
        in_clear_warn("web", &s->listen, "listen at https://, or have --auth-digest");
    if (err == WEFT_OK)
        err = web_sites_make(&s->sites, &s->files, why);
    return err == WEFT_OK ? make_hosts(s, why) : err;
}

static weft_err web_children(void *at, weft_children *to, weft_why *why)
{
    const web_settings *s = at;
    const weft_child auth = {
        .name = "auth", .behaviour = &weft_auth, .config = &s->sites.who.config};
    weft_err err = s->sites.who.asks ? weft_children_add(to, &auth, why) : WEFT_OK;
    return err == WEFT_OK ? weft_children_listen(to, &s->listen, &weft_http_server, &s->site, why)
                          : err;
}

static weft_err web_settled(void *at, weft_why *why)
{
    return service_auth_settled(&((const web_settings *)at)->sites.who, why);
}

static void web_done(void *at)
{
    web_settings *s = at;
    if (s->access.fd >= 0)
        (void)close(s->access.fd);
    s->access.fd = -1;
    web_hosts_done(&s->hosts);
    web_sites_done(&s->sites);
    web_pages_done(&s->pages);
}

const weft_service service_web = {
    .name = "web",
    .summary = "serve the files of a folder over HTTP, and pass on what is elsewhere",
    .about =
        "Types by name, listings, conditional requests and ranges, files compressed beforehand\n"
        "(.gz, .br) and text compressed on the fly. Names with a dot at the front are not found\n"
        "unless --hidden is given. What --proxy passes on goes by HTTP and as WebSockets; an URL "
        "that\n"
        "fails three times in a row rests for ten seconds. With --auth each request proves who "
        "asks.\n"
        "Options other than --path are for every --host.",
    .example = "weftd web --path . --listen http://127.0.0.1:8080 --access-log -",
    .options = web_options,
    .settings = &settings,
    .check = web_check,
    .children = web_children,
    .open = web_open,
    .settled = web_settled,
    .done = web_done,
};
