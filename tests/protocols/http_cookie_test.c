/* SPDX-License-Identifier: MIT */
/* Cookies: what a Set-Cookie says, who may set which, and which go where. */
#include "check.h"
#include "http_cookie.h"

#include <stdlib.h>

#define NOW INT64_C(1600000000)
#define TEXT(s) ((weft_http_text){(s), (uint32_t)strlen(s)})

static void a_cookie_is_read(void)
{
    wf_http_cookie c;
    CHECK(wf_http_cookie_parse(TEXT(" a = b c ; Path=/x; DOMAIN=.Example.com ; Secure; HttpOnly; "
                                    "SameSite=Lax"),
                               NOW, &c));
    CHECK_MEM(c.name.at, c.name.bytes, "a", 1);
    CHECK_MEM(c.value.at, c.value.bytes, "b c", 3);
    CHECK_MEM(c.path.at, c.path.bytes, "/x", 2);
    CHECK_MEM(c.domain.at, c.domain.bytes, "Example.com", 11);
    CHECK(c.secure && c.http_only && !c.persistent);
    CHECK(wf_http_cookie_parse(TEXT("a="), NOW, &c) && c.value.bytes == 0);
    CHECK(wf_http_cookie_parse(TEXT("alone"), NOW, &c) && c.name.bytes == 0);
    CHECK(wf_http_cookie_parse(TEXT("a=b; Path=x; Domain="), NOW, &c));
    CHECK(c.path.at == NULL && c.domain.at == NULL);
}

static void what_is_no_cookie_is_ignored(void)
{
    char *large = malloc(5000);
    wf_http_cookie c;
    REQUIRE(large != NULL);
    memset(large, 'x', 5000);
    CHECK(!wf_http_cookie_parse(TEXT(""), NOW, &c));
    CHECK(!wf_http_cookie_parse(TEXT("  ; Path=/"), NOW, &c));
    CHECK(!wf_http_cookie_parse(TEXT("=; Path=/"), NOW, &c));
    CHECK(!wf_http_cookie_parse(TEXT("a=b\x01"), NOW, &c));
    CHECK(!wf_http_cookie_parse((weft_http_text){large, WF_HTTP_COOKIE_BYTES_MAX + 1}, NOW, &c));
    CHECK(wf_http_cookie_parse((weft_http_text){large, WF_HTTP_COOKIE_BYTES_MAX}, NOW, &c));
    free(large);
}

static void its_end_is_read_in_every_form(void)
{
    static const struct {
        const char *text;
        int64_t at; /* 0: it has none */
    } rows[] = {
        {"a=b; Max-Age=10", NOW + 10},
        {"a=b; Max-Age=0", INT64_MIN / 2},
        {"a=b; Max-Age=-1", INT64_MIN / 2},
        {"a=b; Max-Age=x", 0},
        {"a=b; Max-Age=99999999999999999999", NOW + WF_HTTP_COOKIE_AGE_MAX_S},
        {"a=b; Expires=Sun, 13 Sep 2020 12:26:50 GMT", NOW + 10},
        {"a=b; Expires=Sunday, 13-Sep-20 12:26:50 GMT", NOW + 10},
        {"a=b; Expires=Sun Sep 13 12:26:50 2020", NOW + 10},
        {"a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"a=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT", NOW + WF_HTTP_COOKIE_AGE_MAX_S},
        {"a=b; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT", NOW + 10},
        {"a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=10", NOW + 10},
        {"a=b; Expires=never", 0},
        {"a=b; Expires=Sun, 13 Sep 2020 24:00:00 GMT", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wf_http_cookie c = {.expires_s = 0};
        CHECK(wf_http_cookie_parse(TEXT(rows[i].text), NOW, &c));
        CHECK_I64(c.expires_s, rows[i].at);
        CHECK(c.persistent == (rows[i].at != 0 || strstr(rows[i].text, "1970") != NULL));
    }
}

static void an_attribute_without_a_value_is_none(void)
{
    wf_http_cookie c;
    CHECK(wf_http_cookie_parse(TEXT("a=b; Expires; Max-Age; Domain; Path; Expires="), NOW, &c));
    CHECK(!c.persistent && c.domain.at == NULL && c.path.at == NULL);
}

static void domains_match_whole_labels(void)
{
    CHECK(wf_http_cookie_domain_matches("a.example", TEXT("A.Example")));
    CHECK(wf_http_cookie_domain_matches("b.a.example", TEXT("a.example")));
    CHECK(!wf_http_cookie_domain_matches("ba.example", TEXT("a.example")));
    CHECK(!wf_http_cookie_domain_matches("a.example", TEXT("b.a.example")));
    CHECK(!wf_http_cookie_domain_matches("1.2.3.4", TEXT("3.4")));
    CHECK(wf_http_cookie_domain_matches("1.2.3.4", TEXT("1.2.3.4")));
    CHECK(!wf_http_cookie_domain_matches("a.example", TEXT("")));
}

static void paths_match_whole_segments(void)
{
    CHECK(wf_http_cookie_path_matches(TEXT("/a/b"), TEXT("/a")));
    CHECK(wf_http_cookie_path_matches(TEXT("/a/b"), TEXT("/a/")));
    CHECK(wf_http_cookie_path_matches(TEXT("/a"), TEXT("/a")));
    CHECK(wf_http_cookie_path_matches(TEXT(""), TEXT("/")));
    CHECK(!wf_http_cookie_path_matches(TEXT("/ab"), TEXT("/a")));
    CHECK(!wf_http_cookie_path_matches(TEXT("/a"), TEXT("/a/")));
}

/* ---- jars */

static wf_http_jar *jar;
static char put[WF_HTTP_COOKIE_HEADER_BYTES_MAX + 1];

static void before(void)
{
    jar = wf_http_jar_new(100);
    REQUIRE(jar != NULL);
}

static void after(void)
{
    wf_http_jar_free(jar);
}

static void set(const char *host, bool secure, const char *path, const char *field)
{
    const wf_http_place from = {.host = host, .secure = secure, .path = TEXT(path)};
    CHECK_OK(wf_http_jar_set(jar, &from, TEXT(field), NOW));
}

static const char *sent_at(const char *host, bool secure, const char *path, int64_t now)
{
    const wf_http_place to = {.host = host, .secure = secure, .path = TEXT(path)};
    wf_http_writer w = wf_http_writer_over(put, sizeof put - 1);
    wf_http_jar_put(jar, &to, now, &w);
    CHECK_OK(w.err);
    put[w.n] = '\0';
    return put;
}

static const char *sent(const char *host, const char *path)
{
    return sent_at(host, false, path, NOW);
}

static void a_cookie_goes_back_to_where_it_came_from(void)
{
    set("a.example", false, "/x/y", "n=1");
    CHECK_STR(sent("a.example", "/x/z"), "n=1");
    CHECK_STR(sent("a.example", "/"), "");
    CHECK_STR(sent("b.a.example", "/x/"), "");
    set("a.example", false, "/x/y", "n=2");
    CHECK_STR(sent("a.example", "/x"), "n=2");
    CHECK_U64(wf_http_jar_count(jar), 1);
    set("a.example", false, "/x/y", "n=; Max-Age=0");
    CHECK_STR(sent("a.example", "/x"), "");
    CHECK_U64(wf_http_jar_count(jar), 0);
}

static void longer_paths_come_first_and_then_the_older(void)
{
    set("a.example", false, "/", "one=1; Path=/");
    set("a.example", false, "/", "two=2; Path=/long");
    set("a.example", false, "/", "three=3; Path=/");
    CHECK_STR(sent("a.example", "/long/er"), "two=2; one=1; three=3");
}

static void a_domain_is_its_own_or_a_parents_but_no_public_suffix(void)
{
    set("b.a.com", false, "/", "parent=1; Domain=a.com");
    CHECK_STR(sent("c.a.com", "/"), "parent=1");
    set("b.a.com", false, "/", "other=1; Domain=c.com");
    set("b.a.com", false, "/", "below=1; Domain=x.b.a.com");
    set("b.a.com", false, "/", "suffix=1; Domain=com");
    set("b.a.co.uk", false, "/", "suffix=1; Domain=co.uk");
    CHECK_U64(wf_http_jar_count(jar), 1);
    set("github.io", false, "/", "own=1; Domain=github.io");
    CHECK_STR(sent("github.io", "/"), "own=1");
    CHECK_STR(sent("x.github.io", "/"), "");
}

static void what_is_secure_comes_and_goes_by_https_alone(void)
{
    set("a.com", false, "/", "n=1; Secure");
    CHECK_U64(wf_http_jar_count(jar), 0);
    set("a.com", true, "/", "n=1; Secure");
    CHECK_STR(sent("a.com", "/"), "");
    CHECK_STR(sent_at("a.com", true, "/", NOW), "n=1");
    set("a.com", false, "/", "n=overlaid");
    CHECK_STR(sent_at("a.com", true, "/", NOW), "n=1");
}

static void prefixes_keep_their_promises(void)
{
    set("a.com", true, "/", "__Secure-a=1");
    set("a.com", true, "/", "__Host-a=1; Secure; Path=/; Domain=a.com");
    set("a.com", true, "/", "__Host-a=1; Secure; Path=/x");
    set("a.com", true, "/", "__Host-a=1; Path=/");
    CHECK_U64(wf_http_jar_count(jar), 0);
    set("a.com", true, "/", "__Secure-a=1; Secure");
    set("a.com", true, "/", "__Host-a=1; Secure; Path=/");
    CHECK_U64(wf_http_jar_count(jar), 2);
}

static void cookies_expire(void)
{
    set("a.com", false, "/", "n=1; Max-Age=10");
    CHECK_STR(sent_at("a.com", false, "/", NOW + 9), "n=1");
    CHECK_STR(sent_at("a.com", false, "/", NOW + 10), "");
    CHECK_U64(wf_http_jar_count(jar), 0);
}

static void the_oldest_go_when_there_are_too_many(void)
{
    char text[32];
    for (int i = 0; i < 60; i++) {
        (void)snprintf(text, sizeof text, "n%d=1", i);
        set("a.com", false, "/", text);
    }
    CHECK_U64(wf_http_jar_count(jar), WF_HTTP_COOKIES_OF_DOMAIN_MAX);
    CHECK(strncmp(sent("a.com", "/"), "n10=1; n11=1", 12) == 0);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof text, "h%d.com", i);
        set(text, false, "/", "n=1");
    }
    CHECK_U64(wf_http_jar_count(jar), 100);
    CHECK_STR(sent("a.com", "/"), "");
}

static const test_case cases[] = {
    TEST(a_cookie_is_read),
    TEST(what_is_no_cookie_is_ignored),
    TEST(its_end_is_read_in_every_form),
    TEST(an_attribute_without_a_value_is_none),
    TEST(domains_match_whole_labels),
    TEST(paths_match_whole_segments),
    TEST(a_cookie_goes_back_to_where_it_came_from),
    TEST(longer_paths_come_first_and_then_the_older),
    TEST(a_domain_is_its_own_or_a_parents_but_no_public_suffix),
    TEST(what_is_secure_comes_and_goes_by_https_alone),
    TEST(prefixes_keep_their_promises),
    TEST(cookies_expire),
    TEST(the_oldest_go_when_there_are_too_many),
    {0},
};

const test_suite http_cookie_suite = {
    .name = "protocols/http_cookie", .before = before, .after = after, .cases = cases};
