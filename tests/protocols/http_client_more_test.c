/* SPDX-License-Identifier: MIT */
/* The client's cookies, packed bodies, proxies, forms and TLS, and memory that runs out. */
#include "actors/stream_kit.h"
#include "alloc.h"
#include "http_client_world.h"

#include <stdlib.h>

#include <weft/socks.h>
#include <weft/tls.h>

#include "http_packer.h"
#include "http_proxy_rules.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* ---- cookies */

static const weft_http_client_config with_cookies = {.cookies = true};

static void cookies_go_back_also_within_redirects(void)
{
    begin(&with_cookies);
    script_say(&origin, "HTTP/1.1 302 Go\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\n"
                        "Location: /next\r\nContent-Length: 0\r\n\r\n");
    script_say(&origin, OK_HELLO);
    script_say(&origin, OK_HELLO);
    script_say(&elsewhere, OK_HELLO);
    CHECK_OK(get("http://server/deep/er")->err);
    CHECK(strstr(origin.got, "GET /next HTTP/1.1\r\n") != NULL);
    CHECK(strstr(origin.got, "Cookie: a=1\r\n") != NULL);
    CHECK_OK(get("http://server/deep/")->err);
    CHECK(strstr(origin.got, "Cookie: b=2; a=1\r\n") != NULL);
    CHECK_OK(get("http://other:8080/deep/")->err);
    CHECK(strstr(elsewhere.got, "Cookie") == NULL);
    finish();
}

static void without_a_jar_none_do(void)
{
    begin(NULL);
    script_say(&origin, "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n");
    script_say(&origin, OK_HELLO);
    CHECK_OK(get("http://server/")->err);
    CHECK_OK(get("http://server/")->err);
    CHECK(strstr(origin.got, "Cookie") == NULL);
    finish();
}

/* ---- packed bodies */

static char *packed_answer(const void *at, size_t n, size_t *total)
{
    char *text = malloc(n + 256);
    size_t packed;
    REQUIRE(text != NULL);
    CHECK_OK(wf_http_pack_whole(WF_HTTP_GZIP, at, n, (uint8_t *)text + 128, n + 128, &packed));
    int head = snprintf(text, 128,
                        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                        packed);
    memmove(text + head, text + 128, packed);
    *total = (size_t)head + packed;
    return text;
}

static void a_packed_body_is_unpacked_unless_it_is_wanted_packed(void)
{
    const size_t n = 3000000;
    size_t total;
    char *body = calloc(1, n), *text;
    REQUIRE(body != NULL);
    for (size_t i = 0; i < n; i++)
        body[i] = (char)(i >> 8 ^ i * 31 >> 4);
    text = packed_answer(body, n, &total);
    begin(NULL);
    for (int i = 0; i < 3; i++)
        script_say_bytes(&origin, text, total, SCRIPT_STAY);
    const weft_outcome *got = get("http://server/");
    CHECK_OK(got->err);
    REQUIRE(got->err == WEFT_OK);
    const weft_http_page *page = got->body;
    CHECK(page->unpacked);
    CHECK_MEM(page->body.at, page->body.size, body, n);
    got = ask((weft_http_call){.url = "http://server/", .packed = true});
    CHECK_OK(got->err);
    REQUIRE(got->err == WEFT_OK);
    page = got->body;
    CHECK(!page->unpacked && page->body.size < n);
    script_asker a = {
        .client = client, .deaf = true, .call = {.url = "http://server/", .stream = true}};
    script_ask(&a, sim);
    (void)weft_sim_run(sim);
    CHECK(a.answered && a.body_bytes == UINT64_MAX && a.got_n < n);
    script_hear(&a, sim);
    (void)weft_sim_settle(sim, 60000);
    CHECK(a.ended);
    CHECK_MEM(a.got, a.got_n, body, n);
    finish();
    script_asked(&a);
    free(text);
    free(body);
}

static void a_bomb_ends_at_the_limit_or_waits_for_its_reader(void)
{
    const size_t n = 64 << 20;
    size_t total;
    char *body = calloc(1, n), *text;
    REQUIRE(body != NULL);
    text = packed_answer(body, n, &total);
    begin(NULL);
    script_say_bytes(&origin, text, total, SCRIPT_STAY);
    script_say_bytes(&origin, text, total, SCRIPT_STAY);
    const weft_outcome *got = get("http://server/");
    CHECK_ERR(got->err, WEFT_ETOOBIG);
    script_asker a = {
        .client = client, .deaf = true, .call = {.url = "http://server/", .stream = true}};
    script_ask(&a, sim);
    (void)weft_sim_run(sim);
    weft_reactor_stats stats = {0};
    CHECK(weft_stats_reactor(weft_sim_system(sim), 0, &stats));
    CHECK(a.answered && stats.buffer_bytes < 4000000);
    finish();
    script_asked(&a);
    free(text);
    free(body);
}

static void a_body_that_is_not_what_it_says_fails(void)
{
    begin(NULL);
    script_say(&origin, "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 9\r\n\r\n"
                        "not at all");
    const weft_outcome *got = get("http://server/");
    CHECK_ERR(got->err, WEFT_EPROTO);
    CHECK_U64(weft_http_failure_of(got), WEFT_HTTP_PARTIAL_ANSWER);
    finish();
}

/* ---- proxies */

static void a_proxy_is_asked_with_the_whole_url(void)
{
    static const weft_http_client_config proxied = {.proxy = "http://other:8080",
                                                    .proxy_auth = "Basic cHJveHk="};
    begin(&proxied);
    script_say(&elsewhere, OK_HELLO);
    CHECK_OK(get("http://far.example:81?x")->err);
    CHECK(strstr(elsewhere.got,
                 "GET http://far.example:81/?x HTTP/1.1\r\nHost: far.example:81\r\n") ==
          elsewhere.got);
    CHECK(strstr(elsewhere.got, "Proxy-Authorization: Basic cHJveHk=\r\n") != NULL);
    CHECK_U64(origin.conns, 0);
    finish();
}

static void a_socks_proxy_is_gone_through_and_its_refusal_is_a_failure(void)
{
    static const weft_http_client_config proxied = {.proxy = "socks5h://front"};
    static const weft_http_client_config by4 = {.proxy = "socks4a://a%26b@front:1080"};
    const weft_http_client_config *const both[] = {&proxied, &by4};
    for (size_t i = 0; i < 2; i++) {
        begin(both[i]);
        CHECK_OK(weft_listen(weft_sim_system(sim), "sim://front:1080", &weft_socks_server, NULL));
        script_say(&origin, OK_HELLO);
        CHECK_OK(get("http://server/x")->err);
        CHECK(strstr(origin.got, "GET /x HTTP/1.1\r\nHost: server\r\n") == origin.got);
        const weft_outcome *got = get("http://nobody/");
        CHECK_ERR(got->err, WEFT_EREFUSED);
        CHECK_U64(weft_http_failure_of(got), WEFT_HTTP_REFUSED);
        CHECK(strstr(got->why, "the proxy says") != NULL);
        finish();
    }
}

static void a_proxy_that_is_no_url_is_refused(void)
{
    static char text[2100];
    static const weft_http_client_config bad = {.proxy = text};
    const char *const texts[] = {"socks9://h", "socks5h://", "socks5h://u@h"};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(text, sizeof text, "%s", texts[i]);
        begin(&bad);
        CHECK(get("http://server/x")->err != WEFT_OK);
        finish();
    }
    memset(text, 'x', sizeof text - 1);
    for (size_t i = 0; i < 10; i++)
        text[i] = "socks5h://"[i];
    begin(&bad);
    CHECK_ERR(get("http://server/x")->err, WEFT_ETOOBIG);
    finish();
}

static void a_proxy_is_tunnelled_through_for_https(void)
{
    static const weft_http_client_config proxied = {.proxy = "http://other:8080"};
    begin(&proxied);
    script_say(&elsewhere, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    const weft_outcome *got = get("https://far.example/x");
    CHECK_ERR(got->err, WEFT_EREFUSED);
    CHECK(strstr(got->why, "the proxy answered 403 to CONNECT") != NULL);
    CHECK_STR(elsewhere.got, "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n");
    /* after a yes TLS begins: its first record is no text */
    script_say(&elsewhere, "HTTP/1.1 200 Yes\r\n\r\n");
    got = get("https://far.example/x");
    CHECK(got->err != WEFT_OK);
    const char *second = strstr(elsewhere.got + 10, "CONNECT ");
    CHECK(second != NULL && strstr(second, "\r\n\r\n\x16\x03") != NULL);
    finish();
}

static void what_is_near_is_reached_directly(void)
{
    static const struct {
        const char *list, *url;
        bool direct;
    } rows[] = {
        {"example.org", "http://example.org/", true},
        {"example.org", "http://www.EXAMPLE.org./", true},
        {"a.b, .example.org", "http://www.example.org/", true},
        {"example.org.", "http://example.org/", true},
        {"example.org", "http://notexample.org/", false},
        {"www.example.org", "http://example.org/", false},
        {"*", "http://anything/", true},
        {"*.example.org", "http://a.example.org/", false}, /* as curl has it */
        {"", "http://example.org/", false},
        {" , ,", "http://example.org/", false},
        {".", "http://example.org/", false},
        {"10.0.0.0/8 x", "http://10.200.3.4/", true},
        {"10.0.0.0/8", "http://11.0.0.1/", false},
        {"10.1.2.192/26", "http://10.1.2.191/", false},
        {"10.1.2.192/26", "http://10.1.2.193/", true},
        {"10.0.0.0/33", "http://10.0.0.0/", false},
        {"10.0.0.0/", "http://10.0.0.0/", false},
        {"10.0.0.0/x", "http://10.0.0.0/", false},
        {"0.0.0.0/0", "http://1.2.3.4/", true},
        {"127.0.0.1", "http://127.0.0.1/", true},
        {"0.0.1", "http://127.0.0.1/", false},
        {"::1", "http://[::1]/", true},
        {"[::1]", "http://[::1]/", true},
        {"2001:db8::/32", "http://[2001:db8:1::2]/", true},
        {"2001:db8::/32", "http://[2001:db9::]/", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wf_http_url url;
        CHECK_OK(wf_http_url_parse(rows[i].url, &url, NULL));
        CHECK(wf_http_is_direct(rows[i].list, &url) == rows[i].direct);
        if (wf_http_is_direct(rows[i].list, &url) != rows[i].direct)
            (void)fprintf(stderr, "  row %zu: %s\n", i, rows[i].list);
    }
    static const weft_http_client_config proxied = {.proxy = "http://other:8080",
                                                    .no_proxy = "server"};
    begin(&proxied);
    script_say(&origin, OK_HELLO);
    CHECK_OK(get("http://server/")->err);
    CHECK_U64(elsewhere.conns, 0);
    script_say(&elsewhere, OK_HELLO);
    CHECK_OK(get("http://far/")->err);
    CHECK_U64(elsewhere.conns, 1);
    finish();
}

static void the_environment_names_proxies_if_it_is_asked(void)
{
    static const char *const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    static const struct {
        const char *name, *value, *name2, *value2, *url, *proxy;
    } rows[] = {
        {"http_proxy", "p:1", NULL, NULL, "http://x/", "http://p:1"},
        {"http_proxy", "p:1", NULL, NULL, "https://x/", NULL},
        {"HTTP_PROXY", "p:1", NULL, NULL, "http://x/", NULL},
        {"HTTPS_PROXY", "http://p:1", NULL, NULL, "https://x/", "http://p:1"},
        {"https_proxy", "socks5h://p", "HTTPS_PROXY", "q", "https://x/", "socks5h://p"},
        {"ALL_PROXY", "p", NULL, NULL, "http://x/", "http://p"},
        {"all_proxy", "p", "http_proxy", "q", "http://x/", "http://q"},
        {"http_proxy", "p", "NO_PROXY", "x", "http://x/", NULL},
        {"http_proxy", "", "all_proxy", "", "http://x/", NULL},
    };
    const weft_http_client_config asks = {.proxy_from_environment = true}, plain = {.proxy = NULL};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wf_http_proxies p = {NULL}, none = {NULL};
        wf_http_url url;
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            CHECK(unsetenv(names[k]) == 0);
        CHECK(setenv(rows[i].name, rows[i].value, 1) == 0);
        CHECK(rows[i].name2 == NULL || setenv(rows[i].name2, rows[i].value2, 1) == 0);
        CHECK_OK(wf_http_url_parse(rows[i].url, &url, NULL));
        CHECK_OK(wf_http_proxies_read(&asks, &p));
        CHECK_OK(wf_http_proxies_read(&plain, &none));
        const char *proxy = wf_http_proxy_to(&asks, &p, &url);
        CHECK((proxy == NULL) == (rows[i].proxy == NULL));
        if (proxy != NULL && rows[i].proxy != NULL)
            CHECK_STR(proxy, rows[i].proxy);
        CHECK(wf_http_proxy_to(&plain, &none, &url) == NULL);
        wf_http_proxies_done(&p);
        wf_http_proxies_done(&none);
    }
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        CHECK(unsetenv(names[k]) == 0);
}

/* ---- TLS */

static weft_err tls_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_write(self, data->stream, WEFT_BYTES_LITERAL(OK_HELLO));
}

static const weft_handler tls_rows[] = {
    {.type = &weft_data_type, .fn = tls_data},
    {0},
};
static const weft_behaviour tls_server = {.name = "test.tls", .handlers = tls_rows};

static void https_is_verified(void)
{
    char listen[256];
    weft_tls_config ours = {.trust_file = kit_tls_file()};
    const weft_http_client_config trusting = {.tls = &ours, .to = "sim://safe:443"};
    (void)snprintf(listen, sizeof listen, "sim://safe:443?tls&alpn=http/1.1&cert=%s",
                   kit_tls_file());
    begin(&trusting);
    CHECK_OK(weft_listen(weft_sim_system(sim), listen, &tls_server, NULL));
    weft_ref stranger = weft_sim_spawn(sim, &weft_http_caller, NULL);
    const weft_outcome *got = get("https://localhost/");
    CHECK_OK(got->err);
    if (got->err != WEFT_OK)
        (void)fprintf(stderr, "  %s\n", got->why);
    got = get("https://another.example/"); /* which the certificate is not for */
    CHECK_ERR(got->err, WEFT_ETLS);
    CHECK_U64(weft_http_failure_of(got), WEFT_HTTP_NOT_SENT);
    const weft_http_call call = {.url = "https://localhost/", .to = "sim://safe:443"};
    got = weft_sim_ask_body(sim, stranger, &weft_http_call_type, &call, WEFT_NO_LIMIT);
    CHECK_ERR(got->err, WEFT_ETLS);
    finish();
}

/* ---- forms */

typedef struct form_got {
    char text[1024], type[WEFT_HTTP_MULTIPART_TYPE_BYTES];
    bool multipart;
    const weft_http_part *parts;
    unsigned count;
} form_got;

static weft_err make_form(weft_actor *self, weft_msg *msg)
{
    form_got *g = (form_got *)(uintptr_t)weft_config(self);
    weft_bytes bytes = g->multipart ? weft_http_multipart(self, msg, g->parts, g->count, g->type)
                                    : weft_http_form(msg, g->parts, g->count);
    (void)snprintf(g->text, sizeof g->text, "%.*s", (int)bytes.size,
                   bytes.size != 0 ? (const char *)bytes.at : "");
    return WEFT_OK;
}

static const weft_handler form_rows[] = {{.type = &weft_started_type, .fn = make_form}, {0}};
static const weft_behaviour form_maker = {.name = "test.form", .handlers = form_rows};

static void run_form(form_got *g)
{
    begin(NULL);
    CHECK(!weft_ref_is_nobody(weft_sim_spawn(sim, &form_maker, g)));
    (void)weft_sim_run(sim);
    finish();
}

static void a_form_is_encoded(void)
{
    const weft_http_part parts[] = {{.name = "a b", .value = "c&d=e"},
                                    {.name = "x", .body = WEFT_BYTES_LITERAL("\xc3\xa4*-._~")}};
    form_got g = {.parts = parts, .count = 2};
    run_form(&g);
    CHECK_STR(g.text, "a+b=c%26d%3De&x=%C3%A4*-._%7E");
}

static void a_multipart_form_has_a_boundary_that_stands_in_no_part(void)
{
    const weft_http_part parts[] = {{.name = "a", .value = "b"},
                                    {.name = "f\"1",
                                     .file_name = "x\r\ny",
                                     .content_type = "text/plain",
                                     .body = WEFT_BYTES_LITERAL("some")}};
    form_got g = {.multipart = true, .parts = parts, .count = 2};
    char want[1024];
    run_form(&g);
    const char *prefix = "multipart/form-data; boundary=";
    CHECK(strncmp(g.type, prefix, strlen(prefix)) == 0);
    const char *b = g.type + strlen(prefix);
    (void)snprintf(want, sizeof want,
                   "--%s\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n"
                   "--%s\r\nContent-Disposition: form-data; name=\"f%%221\"; "
                   "filename=\"x%%0D%%0Ay\"\r\nContent-Type: text/plain\r\n\r\nsome\r\n--%s--\r\n",
                   b, b, b);
    CHECK_STR(g.text, want);
    const weft_http_part bad = {.name = "a", .value = "b", .content_type = "x\r\ny"};
    form_got refused = {.multipart = true, .parts = &bad, .count = 1};
    run_form(&refused);
    CHECK_STR(refused.text, "");
}

/* ---- memory */

static void each_allocation_that_fails_is_a_failure_or_nothing(void)
{
    unsigned answered = 0, failed = 0;
    for (int stream = 0; stream < 2; stream++)
        for (long nth = 0; nth < 200; nth++) {
            begin(&with_cookies);
            script_asker a = {.client = client,
                              .call = {.url = "http://server/", .stream = stream != 0}};
            script_say(&origin, "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nTransfer-Encoding: chunked"
                                "\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
            script_say(&origin, OK_HELLO);
            wf_alloc_fail_after(nth);
            script_ask(&a, sim);
            (void)weft_sim_run(sim);
            wf_alloc_fail_after(-1);
            weft_sim_advance(sim, 200000);
            answered += a.answered && a.err == WEFT_OK;
            failed += a.answered && a.err != WEFT_OK;
            if (a.answered && a.err == WEFT_OK && stream != 0 && a.ended)
                CHECK_STR((const char *)a.got, "hello");
            finish();
            script_asked(&a);
        }
    CHECK(answered > 50 && failed > 10);
}

static const test_case cases[] = {
    TEST(cookies_go_back_also_within_redirects),
    TEST(without_a_jar_none_do),
    TEST(a_packed_body_is_unpacked_unless_it_is_wanted_packed),
    TEST(a_bomb_ends_at_the_limit_or_waits_for_its_reader),
    TEST(a_body_that_is_not_what_it_says_fails),
    TEST(a_proxy_is_asked_with_the_whole_url),
    TEST(a_socks_proxy_is_gone_through_and_its_refusal_is_a_failure),
    TEST(a_proxy_that_is_no_url_is_refused),
    TEST(a_proxy_is_tunnelled_through_for_https),
    TEST(what_is_near_is_reached_directly),
    TEST(the_environment_names_proxies_if_it_is_asked),
    TEST(https_is_verified),
    TEST(a_form_is_encoded),
    TEST(a_multipart_form_has_a_boundary_that_stands_in_no_part),
    TEST(each_allocation_that_fails_is_a_failure_or_nothing),
    {0},
};

const test_suite http_client_more_suite = {.name = "protocols/http_client_more", .cases = cases};
