/* SPDX-License-Identifier: MIT */
/* Guards before routes: Basic and Digest over the auth actor, in a simulation. */
#include "alloc.h"
#include "check.h"

#include <stdio.h>
#include <string.h>

#include <weft/auth.h>
#include <weft/hash.h>
#include <weft/http.h>
#include <weft/net.h>
#include <weft/testing.h>
#include <weft/testing_stream.h>
#include <weft/websocket.h>

#include "hashes.h"
#include "http_credentials.h"

static weft_sim *sim;
static weft_sim_peer *client;
static weft_auth_source source = {
    .kind = WEFT_AUTH_FROM_MEMORY, .user = "ann", .password = "se:cret"};
static weft_auth_config auth = {.sources = &source, .count = 1, .realm = "here"};
static weft_http_guard basic = {.realm = "shop"}, digest = {.digest = true};

/* ---- routes */

static weft_err hello(weft_actor *self, weft_msg *msg)
{
    (void)self;
    const weft_http_request *r = weft_body(msg);
    const char *who = weft_http_principal(msg);
    return weft_http_text(msg, 200, "%s of %zu", who != NULL ? who : "nobody", r->body.size);
}

typedef struct counting {
    weft_msg *request;
    size_t bytes;
} counting;

static weft_err on_request(weft_actor *self, weft_msg *msg)
{
    counting *c = weft_state(self);
    c->request = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    counting *c = weft_state(self);
    c->bytes += ((const weft_data *)weft_body(msg))->bytes.size;
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    counting *c = weft_state(self);
    (void)msg;
    weft_err err =
        weft_http_text(c->request, 200, "%s sent %zu", weft_http_principal(c->request), c->bytes);
    weft_drop(&c->request);
    return err;
}

static void over(weft_actor *self, weft_err reason)
{
    counting *c = weft_state(self);
    (void)reason;
    weft_drop(&c->request);
}

static const weft_handler rows[] = {
    {.type = &weft_http_request_type, .fn = on_request},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {0},
};
static const weft_behaviour counter = {
    .name = "test.counter", .handlers = rows, .state_bytes = sizeof(counting), .ended = over};

/* A socket that says who asked for it, and then what it is told. */
static weft_err on_up(weft_actor *self, weft_msg *msg)
{
    weft_ws_info info;
    CHECK_OK(weft_ws_about(self, weft_sender(msg), &info));
    return weft_ws_send_text(self, weft_sender(msg), "up: %s",
                             info.principal != NULL ? info.principal : "nobody");
}

static weft_err on_message(weft_actor *self, weft_msg *msg)
{
    const weft_ws_text *m = weft_body(msg);
    return weft_ws_send_text(self, weft_sender(msg), "told: %.*s", (int)m->bytes.size,
                             (const char *)m->bytes.at);
}

static const weft_handler socket_rows[] = {
    {.type = &weft_opened_type, .fn = on_up},
    {.type = &weft_ws_text_type, .fn = on_message},
    {0},
};
static const weft_behaviour socket_behaviour = {.name = "test.socket", .handlers = socket_rows};
static const weft_websocket_config sockets = {.behaviour = &socket_behaviour,
                                              .options = {.no_deflate = true}};

static const weft_http_route routes[] = {
    {.route = "/socket", .use = &weft_websocket, .config = &sockets, .guard = &basic},
    {.route = "/digest-socket", .use = &weft_websocket, .config = &sockets, .guard = &digest},
    {.route = "/open-socket", .use = &weft_websocket, .config = &sockets},
    {.route = "/basic", .handler = hello, .guard = &basic},
    {.route = "/digest", .handler = hello, .guard = &digest},
    {.route = "POST /stream", .use = &counter, .guard = &basic, .stream = true},
    {.route = "/open", .handler = hello},
    {0},
};

/* ---- the world */

static void begin(void)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    REQUIRE(sim != NULL);
    basic.auth = digest.auth = weft_sim_spawn(sim, &weft_auth, &auth);
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://web", &weft_http_site, routes));
    client = weft_sim_connect(sim, "sim://web");
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void say(const char *text)
{
    weft_sim_peer_say(client, text);
    (void)weft_sim_settle(sim, 1000);
}

static bool got(const char *what)
{
    bool there = strstr(client->got, what) != NULL;
    if (!there)
        (void)fprintf(stderr, "  not \"%s\" in: %s\n", what, client->got);
    return there;
}

#define ASK(path, credentials) \
    "GET " path " HTTP/1.1\r\nHost: web\r\nAuthorization: " credentials "\r\n\r\n"
#define ANN "Basic YW5uOnNlOmNyZXQ=" /* ann:se:cret */
#define WRONG "Basic YW5uOndyb25n"   /* ann:wrong */

/* ---- Basic */

static void who_does_not_say_who_it_is_is_asked(void)
{
    begin();
    say("GET /basic HTTP/1.1\r\nHost: web\r\n\r\n");
    CHECK(got("HTTP/1.1 401 Unauthorized\r\n"));
    CHECK(got("WWW-Authenticate: Basic realm=\"shop\", charset=\"UTF-8\"\r\n"));
    finish();
}

static void who_says_it_rightly_is_served(void)
{
    begin();
    say(ASK("/basic", ANN));
    CHECK(got("\r\n\r\nann of 0"));
    say("POST /basic HTTP/1.1\r\nHost: web\r\nAuthorization: bAsIc  YW5uOnNlOmNyZXQ=\r\n"
        "Content-Length: 4\r\n\r\nsome");
    CHECK(got("\r\n\r\nann of 4"));
    say("GET /open HTTP/1.1\r\nHost: web\r\n\r\n");
    CHECK(got("\r\n\r\nnobody of 0"));
    finish();
}

static void who_says_it_wrongly_is_asked_again(void)
{
    static const char *const wrong[] = {
        ASK("/basic", WRONG),
        ASK("/basic", "Basic"),
        ASK("/basic", "Basic YW5u"),     /* no colon */
        ASK("/basic", "Basic YW5uOgA="), /* a zero byte */
        ASK("/basic", "Basic ****"),
        ASK("/basic", "Digest username=\"ann\""),
        ASK("/basic", "Bearer x"),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        begin();
        say(wrong[i]);
        CHECK(got("HTTP/1.1 401 Unauthorized\r\n"));
        CHECK(strstr(client->got, "ann of") == NULL);
        finish();
    }
}

static void who_fails_too_often_has_to_wait(void)
{
    auth.failures_user_max = 2;
    begin();
    for (int i = 0; i < 3; i++)
        say(ASK("/basic", WRONG));
    CHECK(got("HTTP/1.1 429 "));
    say(ASK("/basic", ANN));
    CHECK(strstr(client->got, "ann of") == NULL);
    finish();
    auth.failures_user_max = 0;
}

static void without_the_actor_nobody_is_served(void)
{
    weft_http_guard before = basic;
    begin();
    basic.auth_name = "nobody/here";
    say(ASK("/basic", ANN));
    CHECK(got("HTTP/1.1 503 "));
    finish();
    basic = before;
}

static void a_streamed_body_waits_until_it_is_known_whose_it_is(void)
{
    begin();
    say("POST /stream HTTP/1.1\r\nHost: web\r\nAuthorization: " ANN
        "\r\nContent-Length: 8\r\n\r\nsome");
    say("more");
    CHECK(got("\r\n\r\nann sent 8"));
    say("POST /stream HTTP/1.1\r\nHost: web\r\nAuthorization: " ANN
        "\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n0\r\n\r\n");
    CHECK(got("\r\n\r\nann sent 4"));
    finish();
    begin();
    say("POST /stream HTTP/1.1\r\nHost: web\r\nAuthorization: " WRONG
        "\r\nContent-Length: 8\r\n\r\nsomemore");
    CHECK(got("HTTP/1.1 401 "));
    CHECK(strstr(client->got, "sent") == NULL);
    finish();
}

/* An actor that never answers. */
static weft_err stay(weft_actor *self, weft_msg *msg)
{
    weft_msg **kept = weft_state(self);
    (void)self;
    if (*kept == NULL)
        *kept = weft_keep(msg);
    return WEFT_OK;
}

static void let_go(weft_actor *self, weft_err reason)
{
    (void)reason;
    weft_drop((weft_msg **)weft_state(self));
}

static void an_actor_that_never_says_is_not_waited_for_for_ever(void)
{
    static const weft_handler silent_rows[] = {{.type = &weft_auth_request_type, .fn = stay}, {0}};
    static const weft_behaviour silent = {.name = "test.silent",
                                          .handlers = silent_rows,
                                          .state_bytes = sizeof(weft_msg *),
                                          .ended = let_go};
    begin();
    basic.auth = weft_sim_spawn(sim, &silent, NULL);
    say("POST /stream HTTP/1.1\r\nHost: web\r\nAuthorization: " ANN
        "\r\nContent-Length: 8\r\n\r\nsomemore");
    CHECK_U64(client->got_bytes, 0);
    weft_sim_advance(sim, 70000);
    CHECK(got("HTTP/1.1 50"));
    CHECK(strstr(client->got, "sent") == NULL);
    finish();
}

/* ---- Digest */

static void hex_of(const char *text, char out[65])
{
    uint8_t hash[WF_HASH_BYTES_MAX];
    REQUIRE(wf_hash_of(WF_SHA256, text, strlen(text), hash));
    wf_hex(hash, 32, out);
}

/* What ann says to @challenge when she asks for @uri, about @about. */
static void say_digest(const char *challenge, const char *uri, const char *about,
                       const char *password)
{
    char nonce[WEFT_AUTH_CHALLENGE_BYTES], text[1024], a1[65], a2[65], response[65];
    const char *at = strstr(challenge, "nonce=\"");
    REQUIRE(at != NULL);
    (void)snprintf(nonce, sizeof nonce, "%.*s", (int)strcspn(at + 7, "\""), at + 7);
    (void)snprintf(text, sizeof text, "ann:here:%s", password);
    hex_of(text, a1);
    (void)snprintf(text, sizeof text, "GET:%s", about);
    hex_of(text, a2);
    (void)snprintf(text, sizeof text, "%s:%s:00000001:c:auth:%s", a1, nonce, a2);
    hex_of(text, response);
    (void)snprintf(text, sizeof text,
                   "GET %s HTTP/1.1\r\nHost: web\r\nAuthorization: Digest username=\"ann\", "
                   "realm=\"here\", nonce=\"%s\", uri=\"%s\", algorithm=SHA-256, qop=auth, "
                   "nc=00000001, cnonce=\"c\", response=\"%s\"\r\n\r\n",
                   uri, nonce, about, response);
    say(text);
}

static void a_digest_is_asked_for_and_checked(void)
{
    begin();
    say("GET /digest HTTP/1.1\r\nHost: web\r\n\r\n");
    CHECK(got("HTTP/1.1 401 ") && got("algorithm=SHA-256") && got("algorithm=MD5"));
    say_digest(client->got, "/digest", "/digest", "se:cret");
    CHECK(got("\r\n\r\nann of 0"));
    finish();
    begin();
    say("GET /digest HTTP/1.1\r\nHost: web\r\n\r\n");
    say_digest(client->got, "/digest", "/digest", "wrong");
    CHECK(strstr(client->got, "ann of") == NULL);
    say_digest(client->got, "/digest", "/other", "se:cret");
    CHECK(got("HTTP/1.1 400 "));
    say(ASK("/digest", ANN)); /* Basic is not taken in its stead */
    CHECK(strstr(client->got, "ann of") == NULL);
    finish();
}

static void a_challenge_that_is_over_is_given_anew(void)
{
    begin();
    say("GET /digest HTTP/1.1\r\nHost: web\r\n\r\n");
    const weft_sim_peer *first = client;
    weft_sim_advance(sim, 301000);
    client = weft_sim_connect(sim, "sim://web");
    say_digest(first->got, "/digest", "/digest", "se:cret");
    CHECK(got("stale=true"));
    finish();
}

/* ---- WebSockets */

#define SOCKET(path, credentials)                                                              \
    "GET " path " HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"      \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" credentials \
    "\r\n"
#define AS_ANN "Authorization: " ANN "\r\n"
/* a text "hi", masked with zeros */
#define FRAME "\x81\x82\0\0\0\0hi"

static bool came(const char *what, size_t n)
{
    return memmem(client->got, client->got_bytes, what, n) != NULL;
}
#define CAME(literal) came(literal, sizeof(literal) - 1)

static void a_socket_is_up_when_it_is_known_whose_it_is(void)
{
    begin();
    say(SOCKET("/socket", AS_ANN));
    CHECK(got("HTTP/1.1 101 "));
    CHECK(CAME("\x81\x07up: ann"));
    weft_sim_peer_send(client, FRAME, sizeof FRAME - 1);
    (void)weft_sim_settle(sim, 1000);
    CHECK(CAME("\x81\x08told: hi"));
    finish();
    begin();
    say(SOCKET("/open-socket", ""));
    CHECK(CAME("\x81\x0aup: nobody"));
    finish();
}

static void what_stands_behind_the_request_is_the_socket_s(void)
{
    static const char both[] = SOCKET("/socket", AS_ANN) FRAME;
    for (int cut = WEFT_SIM_WHOLE; cut <= WEFT_SIM_SPLIT; cut++) {
        begin();
        weft_sim_peer_send_cut(client, both, sizeof both - 1, (weft_sim_cut)cut);
        (void)weft_sim_settle(sim, 1000);
        CHECK(CAME("\x81\x07up: ann"));
        CHECK(CAME("\x81\x08told: hi"));
        finish();
    }
}

static void a_socket_of_nobody_is_401_and_the_connection_goes_on(void)
{
    static const char *const asks[] = {SOCKET("/socket", ""), SOCKET("/digest-socket", ""),
                                       SOCKET("/socket", "Authorization: " WRONG "\r\n"),
                                       SOCKET("/basic", "Authorization: " WRONG "\r\n")};
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        char both[1024];
        (void)snprintf(both, sizeof both, "%sGET /open HTTP/1.1\r\nHost: web\r\n\r\n", asks[i]);
        for (int cut = WEFT_SIM_WHOLE; cut <= WEFT_SIM_SPLIT; cut++) {
            begin();
            weft_sim_peer_send_cut(client, both, strlen(both), (weft_sim_cut)cut);
            (void)weft_sim_settle(sim, 1000);
            CHECK(got("HTTP/1.1 401 "));
            CHECK(got("\r\n\r\nnobody of 0"));
            CHECK(!CAME("101 Switching"));
            finish();
        }
    }
}

static void what_could_be_a_socket_and_is_none_is_served(void)
{
    begin();
    say(SOCKET("/basic", AS_ANN) SOCKET("/open", ""));
    CHECK(got("\r\n\r\nann of 0"));
    CHECK(got("\r\n\r\nnobody of 0"));
    finish();
}

static void who_leaves_before_it_is_known_who_it_is_gets_no_socket(void)
{
    for (unsigned steps = 1; steps < 40; steps++) {
        begin();
        weft_sim_peer *other = weft_sim_connect(sim, "sim://web");
        weft_sim_peer_say(other, SOCKET("/socket", AS_ANN));
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(sim);
        weft_sim_peer_abort(other);
        (void)weft_sim_settle(sim, 1000);
        say(SOCKET("/socket", AS_ANN));
        CHECK(CAME("\x81\x07up: ann"));
        finish();
    }
}

static void without_memory_there_is_no_socket_of_nobody(void)
{
    for (long nth = 2; nth < 60; nth++) {
        begin();
        wf_alloc_fail_after(nth);
        weft_sim_peer_say(client, SOCKET("/socket", AS_ANN));
        (void)weft_sim_settle(sim, 100);
        wf_alloc_fail_after(-1);
        (void)weft_sim_settle(sim, 60000);
        CHECK(!CAME("up: nobody"));
        finish();
    }
}

/* ---- what is wrong before it begins, memory, the end */

static void a_guard_that_cannot_work_is_refused(void)
{
    static const weft_http_guard nobody = {.realm = "x"},
                                 quoted = {.auth_name = "a", .realm = "\""};
    const weft_http_route a[] = {{.route = "/", .handler = hello, .guard = &nobody}, {0}};
    const weft_http_route b[] = {{.route = "/", .handler = hello, .guard = &quoted}, {0}};
    weft_why why;
    CHECK_ERR(weft_http_check(a, &why), WEFT_EINVAL);
    CHECK_ERR(weft_http_check(b, &why), WEFT_EINVAL);
}

static void names_and_passwords_have_their_limits(void)
{
    char plain[1200], text[1700];
    static const struct {
        size_t user, password;
        weft_err err;
    } rows_of[] = {{255, 511, WEFT_OK},
                   {256, 1, WEFT_ETOOBIG},
                   {1, 512, WEFT_ETOOBIG},
                   {500, 600, WEFT_ETOOBIG},
                   {0, 0, WEFT_OK}};
    for (size_t i = 0; i < sizeof rows_of / sizeof *rows_of; i++) {
        weft_auth_request request = {.kind = WEFT_AUTH_ANONYMOUS};
        memset(plain, 'x', sizeof plain);
        plain[rows_of[i].user] = ':';
        /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, whose length is kept */
        memcpy(text, "Basic ", 6);
        size_t n = weft_base64(plain, rows_of[i].user + 1 + rows_of[i].password, text + 6);
        const weft_http_text value = {text, (uint32_t)n + 6};
        CHECK_ERR(wf_http_credentials_read(value, false, &request), rows_of[i].err);
        if (rows_of[i].err == WEFT_OK)
            CHECK_U64(strlen(request.password), rows_of[i].password);
    }
    weft_auth_request request = {.kind = WEFT_AUTH_ANONYMOUS};
    const weft_http_text bits = {"Basic YTp=", 10}; /* bits behind the end */
    CHECK_ERR(wf_http_credentials_read(bits, false, &request), WEFT_EPROTO);
}

static void each_allocation_that_fails_lets_nobody_in(void)
{
    for (long nth = 2; nth < 40; nth++) {
        begin();
        wf_alloc_fail_after(nth);
        weft_sim_peer_say(client, ASK("/basic", WRONG));
        (void)weft_sim_settle(sim, 100);
        wf_alloc_fail_after(-1);
        (void)weft_sim_settle(sim, 60000);
        CHECK(strstr(client->got, "ann of") == NULL);
        finish();
    }
}

static void stopped_at_any_step_nothing_is_left(void)
{
    for (unsigned steps = 1; steps < 30; steps++) {
        begin();
        weft_sim_peer *other = weft_sim_connect(sim, "sim://web");
        weft_sim_peer_say(other, "POST /stream HTTP/1.1\r\nHost: web\r\nAuthorization: " ANN
                                 "\r\nContent-Length: 8\r\n\r\nsome");
        weft_sim_peer_say(client, ASK("/basic", ANN));
        if (steps % 2 == 0)
            weft_sim_peer_abort(other);
        for (unsigned i = 0; i < steps; i++)
            (void)weft_sim_step(sim);
        finish();
    }
}

static const test_case cases[] = {
    TEST(who_does_not_say_who_it_is_is_asked),
    TEST(who_says_it_rightly_is_served),
    TEST(who_says_it_wrongly_is_asked_again),
    TEST(who_fails_too_often_has_to_wait),
    TEST(without_the_actor_nobody_is_served),
    TEST(a_streamed_body_waits_until_it_is_known_whose_it_is),
    TEST(an_actor_that_never_says_is_not_waited_for_for_ever),
    TEST(a_digest_is_asked_for_and_checked),
    TEST(a_challenge_that_is_over_is_given_anew),
    TEST(a_socket_is_up_when_it_is_known_whose_it_is),
    TEST(what_stands_behind_the_request_is_the_socket_s),
    TEST(a_socket_of_nobody_is_401_and_the_connection_goes_on),
    TEST(what_could_be_a_socket_and_is_none_is_served),
    TEST(who_leaves_before_it_is_known_who_it_is_gets_no_socket),
    TEST(without_memory_there_is_no_socket_of_nobody),
    TEST(a_guard_that_cannot_work_is_refused),
    TEST(names_and_passwords_have_their_limits),
    TEST(each_allocation_that_fails_lets_nobody_in),
    TEST(stopped_at_any_step_nothing_is_left),
    {0},
};

const test_suite http_guard_suite = {.name = "protocols/http_guard", .cases = cases};
