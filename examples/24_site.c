/* SPDX-License-Identifier: MIT */
/* A site of several hosts: pages, a shop that other servers make, a door for the staff, scripts, what has moved.
 *
 *     24_site http://127.0.0.1:8080 scripts http://127.0.0.1:3000 [http://127.0.0.1:3001]
 *     curl http://127.0.0.1:8080/shop/hello/you             (another server's /hello/you)
 *     curl -u ann:secret http://127.0.0.1:8080/staff/
 *     curl -H 'Host: bob.example.org' http://127.0.0.1:8080/
 */
#include <stdio.h>
#include <string.h>

#include <weft/weft.h>

/* [proxy] */
static const char *shops[] = {"http://127.0.0.1:3000", NULL, NULL};
static const weft_http_client_config shop = {
    .upstreams = shops, .balance = WEFT_HTTP_LEAST_BUSY, .strip = "/shop"};
/* [/proxy] */

/* ---- pages */

static weft_err home(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_text(msg, 200, "home\n");
}

static weft_err article(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_text(msg, 200, "article %s\n", weft_http_param(msg, "name"));
}

/* [guard] */
static weft_http_guard staff = {.realm = "staff"}; /* .auth: who is asked */

static weft_err on_staff(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_text(msg, 200, "hello, %s\n", weft_http_principal(msg));
}
/* [/guard] */

/* [scripts] */
static weft_http_cgi_config scripts = {.time_ms = 10000};
/* [/scripts] */

/* [routes] */
static const weft_http_route main_routes[] = {
    {.route = "GET /", .handler = home},
    {.route = "/shop/*", .use = &weft_http_proxy, .config = &shop, .stream = true},
    {.route = "/staff/*", .handler = on_staff, .guard = &staff},
    {.route = "/cgi-bin/*", .use = &weft_http_cgi, .config = &scripts, .stream = true},
    {.route = "GET /articles/:name", .handler = article},
    /* [moved] */
    {.route = "GET /old/*", .redirect = "/articles/*", .redirect_status = 301},
    {.route = "/u/:id", .redirect = "https://people.example.org/:id"},
    {.route = "/blog/:page", .rewrite = "/articles/:page"},
    /* [/moved] */
    {0},
};
/* [/routes] */

/* [hosts] */
static weft_err person(weft_actor *self, weft_msg *msg)
{
    const weft_http_text host = ((const weft_http_request *)weft_body(msg))->host;
    (void)self;
    return weft_http_text(msg, 200, "the page of %.*s\n", (int)host.bytes, host.at);
}

static const weft_http_route user_routes[] = {{.route = "GET /", .handler = person}, {0}};
static const weft_http_host hosts[] = {
    {"example.org", main_routes}, {"*.example.org", user_routes}, {0}};
/* [/hosts] */

/* [pages] */
static weft_err make_sorry(const weft_http_request *request, int status, const char *detail,
                           weft_bytes *out)
{
    char page[128];
    uint8_t *to;
    int n = snprintf(page, sizeof page, "<h1>Sorry</h1><p>Tell us what you did: %d.\n", status);
    (void)request, (void)detail;
    weft_err err = weft_bytes_new((size_t)n, &to, out);
    if (err == WEFT_OK)
        memcpy(to, page, (size_t)n);
    return err;
}

static const char lost[] = "<h1>Lost</h1><p><a href=/>home</a>\n";
static const weft_http_error_page pages[] = {
    {.status = 404, .page = {lost, sizeof lost - 1}},
    {.status = 500, .last = 599, .make = make_sorry},
    {0},
};
/* [/pages] */

/* [site] */
static const weft_http_site_config site = {
    .hosts = hosts, .routes = main_routes, .error_pages = pages};
/* [/site] */

int main(int argc, char **argv)
{
    static const weft_auth_source ann = {
        .kind = WEFT_AUTH_FROM_MEMORY, .user = "ann", .password = "secret"};
    static const weft_auth_config auth = {.sources = &ann, .count = 1};
    weft_why why;
    if (argc != 4 && argc != 5) {
        (void)fprintf(stderr, "usage: 24_site URL SCRIPTS UPSTREAM [UPSTREAM]\n");
        return 64; /* EX_USAGE */
    }
    scripts.root = argv[2];
    shops[0] = argv[3];
    shops[1] = argc == 5 ? argv[4] : NULL;
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL)
        return 71; /* EX_OSERR */
    staff.auth = weft_system_spawn(sys, 0, &weft_auth, &auth);
    if (weft_http_check_site(&site, &why) != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        weft_system_free(&sys);
        return 78; /* EX_CONFIG */
    }
    (void)weft_listen(sys, argv[1], &weft_http_server, &site);
    return weft_run(&sys);
}
