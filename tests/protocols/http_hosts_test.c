/* SPDX-License-Identifier: MIT */
/* Virtual hosts: which routes a request's host finds. */
#include "alloc.h"
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <weft/http.h>
#include <weft/net.h>
#include <weft/testing.h>
#include <weft/testing_stream.h>

#include "http_hosts.h"

static weft_err who(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_text(msg, 200, "%s", (const char *)weft_http_config_of(msg));
}

#define ROUTES(name, text)                                                                       \
    static const weft_http_route name[] = {{.route = "GET /", .handler = who, .config = (text)}, \
                                           {0}}
ROUTES(plain, "plain");
ROUTES(wild, "wild");
ROUTES(deep, "deep");
ROUTES(six, "six");
ROUTES(others, "others");

static const weft_http_host hosts[] = {
    {"Example.org", plain}, {"*.example.org", wild}, {"*.b.example.org", deep}, {"[::1]", six}, {0},
};

static const struct {
    const char *host, *text;
} rows[] = {
    {"example.org", "plain"},
    {"EXAMPLE.ORG", "plain"},
    {"example.org.", "plain"},
    {"www.example.org", "wild"},
    {"a.www.example.org", "wild"},
    {"b.example.org", "wild"},
    {"a.b.example.org", "deep"},
    {"x.a.b.example.org", "deep"},
    {"[::1]", "six"},
    {"example.com", NULL},
    {"org", NULL},
    {"xexample.org", NULL},
    {".example.org", NULL},
    {"*.example.org", "wild"},
    {"", NULL},
    {".", NULL},
    {"..", NULL},
    {"[::2]", NULL},
};

static void a_name_finds_its_own_routes_or_the_nearest_wildcard(void)
{
    wf_http_hosts *compiled = NULL;
    weft_why why = {""};
    CHECK_OK(wf_http_hosts_compile(hosts, &compiled, &why));
    REQUIRE(compiled != NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const weft_http_text name = {rows[i].host, (uint32_t)strlen(rows[i].host)};
        const wf_http_table *found = wf_http_hosts_find(compiled, name);
        CHECK((found != NULL) == (rows[i].text != NULL));
        if (found != NULL && rows[i].text != NULL)
            CHECK_STR((const char *)found->rows[0].config, rows[i].text);
    }
    CHECK(wf_http_hosts_find(compiled, (weft_http_text){"x.example.org\0y", 15}) == NULL);
    char longest[400];
    memset(longest, 'x', sizeof longest);
    CHECK(wf_http_hosts_find(compiled, (weft_http_text){longest, sizeof longest}) == NULL);
    wf_http_hosts_free(compiled);
}

static void names_that_are_none_or_twice_there_are_refused(void)
{
    static const char *const bad[] = {"",      "*",        "*.", "a b", "a*.b",
                                      "*.*.b", "http://x", "x/", "x."};
    weft_why why;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const weft_http_host list[] = {{bad[i], plain}, {0}};
        CHECK_ERR(weft_http_check_site(&(weft_http_site_config){.hosts = list}, &why), WEFT_EINVAL);
    }
    const weft_http_host twice[] = {{"a.b", plain}, {"A.B", wild}, {0}};
    CHECK_ERR(weft_http_check_site(&(weft_http_site_config){.hosts = twice}, &why), WEFT_EEXISTS);
    const weft_http_host none[] = {{"a.b", NULL}, {0}};
    CHECK_ERR(weft_http_check_site(&(weft_http_site_config){.hosts = none}, &why), WEFT_EINVAL);
    CHECK_ERR(weft_http_check_site(&(weft_http_site_config){.routes = NULL}, &why), WEFT_EINVAL);
    CHECK_OK(weft_http_check_site(&(weft_http_site_config){.hosts = hosts}, &why));
    static weft_http_host many[WEFT_HTTP_HOSTS_MAX + 2];
    static char names[WEFT_HTTP_HOSTS_MAX + 1][16];
    for (int i = 0; i <= WEFT_HTTP_HOSTS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "h%d", i);
        many[i] = (weft_http_host){names[i], plain};
    }
    CHECK_ERR(weft_http_check_site(&(weft_http_site_config){.hosts = many}, &why), WEFT_ELIMIT);
    many[WEFT_HTTP_HOSTS_MAX] = (weft_http_host){0};
    CHECK_OK(weft_http_check_site(&(weft_http_site_config){.hosts = many}, &why));
}

static void without_memory_nothing_is_left(void)
{
    weft_why why;
    weft_err err = WEFT_ENOMEM;
    for (long nth = 0; nth < 100 && err != WEFT_OK; nth++) {
        wf_alloc_fail_after(nth);
        err =
            weft_http_check_site(&(weft_http_site_config){.hosts = hosts, .routes = others}, &why);
        wf_alloc_fail_after(-1);
        CHECK(err == WEFT_OK || err == WEFT_ENOMEM);
    }
    CHECK_OK(err);
}

/* What the site answers to a request for "/" of @host. */
static void ask(const weft_http_site_config *site, const char *host, const char *expected)
{
    char text[128];
    weft_sim *sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    REQUIRE(sim != NULL);
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://web", &weft_http_server, site));
    weft_sim_peer *peer = weft_sim_connect(sim, "sim://web");
    (void)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
    weft_sim_peer_say(peer, text);
    CHECK(strstr(peer->got, expected) != NULL);
    if (strstr(peer->got, expected) == NULL)
        (void)fprintf(stderr, "  got: %s\n", peer->got);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void a_site_serves_each_host_by_its_routes(void)
{
    const weft_http_site_config all = {.hosts = hosts, .routes = others};
    const weft_http_site_config strict = {.hosts = hosts};
    ask(&all, "example.org:8080", "\r\n\r\nplain");
    ask(&all, "www.example.org", "\r\n\r\nwild");
    ask(&all, "[::1]:80", "\r\n\r\nsix");
    ask(&all, "elsewhere", "\r\n\r\nothers");
    ask(&strict, "example.org", "\r\n\r\nplain");
    ask(&strict, "elsewhere", "HTTP/1.1 421 ");
}

static const test_case cases[] = {
    TEST(a_name_finds_its_own_routes_or_the_nearest_wildcard),
    TEST(names_that_are_none_or_twice_there_are_refused),
    TEST(without_memory_nothing_is_left),
    TEST(a_site_serves_each_host_by_its_routes),
    {0},
};

const test_suite http_hosts_suite = {.name = "protocols/http_hosts", .cases = cases};
