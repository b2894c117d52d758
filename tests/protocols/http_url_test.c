/* SPDX-License-Identifier: MIT */
/* The URLs of a client, and references to them. */
#include "check.h"
#include "http_url.h"

static void a_url_is_taken_apart(void)
{
    static const struct {
        const char *text, *host, *target, *authority, *whole;
        uint16_t port;
        bool secure;
    } rows[] = {
        {"http://a/", "a", "/", "a", "a:80", 80, false},
        {"HTTP://A.Example", "a.example", "", "a.example", "a.example:80", 80, false},
        {"https://a?x=1#y", "a", "?x=1", "a", "a:443", 443, true},
        {"https://a:80/b", "a", "/b", "a:80", "a:80", 80, true},
        {"http://a:/b", "a", "/b", "a", "a:80", 80, false},
        {"http://[::1]:81/%20?/:@", "::1", "/%20?/:@", "[::1]:81", "[::1]:81", 81, false},
        {"http://127.0.0.1/", "127.0.0.1", "/", "127.0.0.1", "127.0.0.1:80", 80, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[WF_HTTP_URL_AUTHORITY_BYTES];
        wf_http_url url;
        CHECK_OK(wf_http_url_parse(rows[i].text, &url, NULL));
        CHECK_STR(url.host, rows[i].host);
        CHECK_MEM(url.target.at, url.target.bytes, rows[i].target, strlen(rows[i].target));
        CHECK_U64(url.port, rows[i].port);
        CHECK(url.secure == rows[i].secure);
        CHECK_U64(wf_http_url_authority(&url, false, text), strlen(rows[i].authority));
        CHECK_STR(text, rows[i].authority);
        CHECK_U64(wf_http_url_authority(&url, true, text), strlen(rows[i].whole));
        CHECK_STR(text, rows[i].whole);
    }
}

static void what_is_no_url_is_refused(void)
{
    static const struct {
        const char *text;
        weft_err err;
    } rows[] = {
        {"", WEFT_EINVAL},
        {"a/b", WEFT_EINVAL},
        {"//a/b", WEFT_EINVAL},
        {"http:a", WEFT_EINVAL},
        {"http:///a", WEFT_EINVAL},
        {"http://a:0/", WEFT_EINVAL},
        {"http://a:99999/", WEFT_EINVAL},
        {"http://user@a/", WEFT_EINVAL},
        {"http://a/ b", WEFT_EINVAL},
        {"http://a/\r\nX: y", WEFT_EINVAL},
        {"http://a/\xc3\xa4", WEFT_EINVAL},
        {"ws://a/", WEFT_EUNSUPPORTED},
        {"file:///etc/passwd", WEFT_EUNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wf_http_url url = {.port = 7};
        weft_why why = {""};
        CHECK_ERR(wf_http_url_parse(rows[i].text, &url, &why), rows[i].err);
        CHECK(why.text[0] != '\0');
        CHECK_U64(url.port, 7);
    }
}

static void origins_are_scheme_host_and_port(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"http://a/x", "http://A:80/y?z", true}, {"http://a/", "https://a/", false},
        {"http://a/", "http://a:81/", false},    {"http://a/", "http://b.a/", false},
        {"https://a:443/", "https://a/", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wf_http_url a, b;
        CHECK_OK(wf_http_url_parse(rows[i].a, &a, NULL));
        CHECK_OK(wf_http_url_parse(rows[i].b, &b, NULL));
        CHECK(wf_http_url_same_origin(&a, &b) == rows[i].same);
    }
}

/* RFC 3986 section 5.4.1 and 5.4.2, without its fragments and its other schemes. */
static void references_are_resolved_as_the_rfc_says(void)
{
    static const char *const rows[][2] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {";x", "http://a/b/c/;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"https://b:8/x", "https://b:8/x"},
        {"a b\xc3\xa4", "http://a/b/c/a%20b%C3%A4"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[256];
        weft_http_text reference = {rows[i][0], (uint32_t)strlen(rows[i][0])};
        CHECK_OK(wf_http_url_resolve("http://a/b/c/d;p?q", reference, out, sizeof out, NULL));
        CHECK_STR(out, rows[i][1]);
    }
}

static void a_reference_that_leads_nowhere_is_refused(void)
{
    static const struct {
        const char *text;
        weft_err err;
    } rows[] = {
        {"gopher://x/", WEFT_EUNSUPPORTED},
        {"javascript:alert(1)", WEFT_EINVAL},
        {"http:g", WEFT_EINVAL},
        {"//user@host/", WEFT_EINVAL},
        {"/a\r\nb", WEFT_EINVAL},
        {"http://", WEFT_EINVAL},
    };
    char out[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weft_http_text reference = {rows[i].text, (uint32_t)strlen(rows[i].text)};
        CHECK_ERR(wf_http_url_resolve("http://a/b", reference, out, sizeof out, NULL), rows[i].err);
    }
    CHECK_ERR(wf_http_url_resolve("http://a/b",
                                  (weft_http_text){"/0123456789012345678901234567890"
                                                   "12345678901234567890123456789",
                                                   61},
                                  out, sizeof out, NULL),
              WEFT_ETOOBIG);
}

static const test_case cases[] = {
    TEST(a_url_is_taken_apart),
    TEST(what_is_no_url_is_refused),
    TEST(origins_are_scheme_host_and_port),
    TEST(references_are_resolved_as_the_rfc_says),
    TEST(a_reference_that_leads_nowhere_is_refused),
    {0},
};

const test_suite http_url_suite = {.name = "protocols/http_url", .cases = cases};
