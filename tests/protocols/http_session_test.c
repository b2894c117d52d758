/* SPDX-License-Identifier: MIT */
/* Cookies on the server's side, and sessions: who is remembered, for how long, and by what name. */
#include "alloc.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/http_session.h>
#include <weft/net.h>
#include <weft/testing.h>
#include <weft/testing_stream.h>

static weft_sim *sim;
static weft_sim_peer *client;
static weft_http_sessions sessions;
static weft_session_store_config limits;

/* ---- routes */

static weft_err answer(weft_msg *msg, const weft_session *session, const char *text)
{
    weft_http_field cookie;
    weft_err err = weft_http_session_field(msg, &sessions, session, &cookie);
    if (err != WEFT_OK)
        return err;
    return weft_http_respond(msg,
                             &(weft_http_answer){.status = 200,
                                                 .fields = &cookie,
                                                 .fields_count = 1,
                                                 .body = weft_bytes_copy(msg, text, strlen(text))});
}

static weft_err on_begun(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    return answer(msg, got->body, "begun");
}

static weft_err login(weft_actor *self, weft_msg *msg)
{
    const char *data = weft_http_query(msg, "data");
    weft_bytes bytes = data != NULL ? weft_bytes_copy(msg, data, strlen(data)) : WEFT_NO_BYTES;
    return weft_when(msg, weft_http_session_begin(self, msg, &sessions, bytes), on_begun);
}

static weft_err on_session(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err == WEFT_ENOTFOUND)
        return weft_http_text(msg, 403, "nobody");
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    const weft_session *s = got->body;
    return weft_http_text(msg, 200, "data=%.*s", (int)s->data.size, (const char *)s->data.at);
}

static weft_err page(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg, weft_http_session(self, msg, &sessions), on_session);
}

static weft_err save(weft_actor *self, weft_msg *msg)
{
    const char *data = weft_http_query(msg, "data");
    return weft_when(
        msg, weft_http_session_save(self, msg, &sessions, weft_bytes_copy(msg, data, strlen(data))),
        on_session);
}

static weft_err on_ended(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    return answer(msg, NULL, "ended");
}

static weft_err logout(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg, weft_http_session_end(self, msg, &sessions), on_ended);
}

static weft_err cookies(weft_actor *self, weft_msg *msg)
{
    const char *a = weft_http_cookie(msg, "a"), *b = weft_http_cookie(msg, "b");
    (void)self;
    return weft_http_text(msg, 200, "a=%s b=%s", a != NULL ? a : "(none)",
                          b != NULL ? b : "(none)");
}

static const weft_http_set_cookie *to_set;
static weft_err set_err;

static weft_err set(weft_actor *self, weft_msg *msg)
{
    weft_http_field field = {"X", "x", 1, 1};
    (void)self;
    set_err = weft_http_cookie_field(msg, to_set, &field);
    return weft_http_respond(
        msg, &(weft_http_answer){.status = 204, .fields = &field, .fields_count = 1});
}

static const weft_http_route routes[] = {
    {.route = "/login", .handler = login},
    {.route = "/page", .handler = page},
    {.route = "/save", .handler = save},
    {.route = "/logout", .handler = logout},
    {.route = "/cookies", .handler = cookies},
    {.route = "/set", .handler = set},
    {0},
};

/* ---- the world */

static void begin(void)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    REQUIRE(sim != NULL);
    sessions = (weft_http_sessions){.store = weft_sim_spawn(sim, &weft_session_store, &limits)};
    CHECK_OK(weft_listen(weft_sim_system(sim), "sim://web", &weft_http_site, routes));
    client = weft_sim_connect(sim, "sim://web");
}

static void finish(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    limits = (weft_session_store_config){.sessions_max = 0};
}

/* What comes for a request with the Cookie lines @cookie, on a connection of its own. */
static const char *ask(const char *path, const char *cookie)
{
    char text[1024];
    client = weft_sim_connect(sim, "sim://web");
    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: web\r\n%s\r\n", path, cookie);
    weft_sim_peer_say(client, text);
    (void)weft_sim_settle(sim, 100);
    return client->got;
}

static bool says(const char *got, const char *what)
{
    bool there = strstr(got, what) != NULL;
    if (!there)
        (void)fprintf(stderr, "  not \"%s\" in: %s\n", what, got);
    return there;
}

/* The Cookie line that brings back what was set. */
static void bring_back(const char *got, char line[128])
{
    const char *at = strstr(got, "\r\nSet-Cookie: session=");
    line[0] = '\0';
    if (at != NULL)
        (void)snprintf(line, 128, "Cookie: other=1; session=%.*s\r\n", (int)WEFT_SESSION_ID_BYTES,
                       at + sizeof "\r\nSet-Cookie: session=" - 1);
}

/* ---- cookies */

static void a_cookie_is_what_the_browser_sent(void)
{
    begin();
    CHECK(says(ask("/cookies", ""), "a=(none) b=(none)"));
    CHECK(says(ask("/cookies", "Cookie: a=1; b=2\r\n"), "a=1 b=2"));
    CHECK(says(ask("/cookies", "Cookie: xa=0;A=0; a=1;a=2; b=\r\n"), "a=1 b="));
    CHECK(says(ask("/cookies", "Cookie: a; =x; b = \"q=r\" ;\r\n"), "a=(none) b=\"q=r\""));
    CHECK(says(ask("/cookies", "Cookie: c=1\r\ncookie: a=3\r\n"), "a=3 b=(none)"));
    CHECK(says(ask("/cookies", "Cookie: ;;;\r\n"), "a=(none) b=(none)"));
    finish();
}

static void a_cookie_that_is_set_says_who_may_have_it(void)
{
    static const struct {
        weft_http_set_cookie cookie;
        const char *line;
    } good[] = {
        {{.name = "a", .value = "b"}, "a=b; Path=/; SameSite=Lax; HttpOnly"},
        {{.name = "a", .max_age_s = -1}, "a=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly"},
        {{.name = "a",
          .value = "b",
          .path = "/x",
          .domain = "example.org",
          .max_age_s = 60,
          .same_site = WEFT_SAME_SITE_NONE,
          .secure = true,
          .readable = true},
         "a=b; Path=/x; Domain=example.org; Max-Age=60; SameSite=None; Secure"},
        {{.name = "a", .value = "b", .same_site = WEFT_SAME_SITE_STRICT},
         "a=b; Path=/; SameSite=Strict; HttpOnly"},
    };
    begin();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char line[128];
        to_set = &good[i].cookie;
        (void)snprintf(line, sizeof line, "\r\nSet-Cookie: %s\r\n", good[i].line);
        CHECK(says(ask("/set", ""), line));
    }
    finish();
}

static void a_cookie_that_can_be_none_is_refused(void)
{
    static char large[WEFT_HTTP_COOKIE_BYTES_MAX + 1];
    memset(large, 'x', sizeof large - 1);
    const weft_http_set_cookie bad[] = {
        {.name = NULL, .value = "b"},
        {.name = "", .value = "b"},
        {.name = "a b", .value = "b"},
        {.name = "a", .value = "b;c"},
        {.name = "a", .value = "b c"},
        {.name = "a", .value = "b\r\nX: y"},
        {.name = "a", .value = "\xc3\xa4"},
        {.name = "a", .value = "b", .path = "/;x"},
        {.name = "a", .value = "b", .domain = "x\r\n"},
        {.name = "a", .value = "b", .same_site = WEFT_SAME_SITE_NONE},
        {.name = "a", .value = large},
    };
    begin();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        to_set = &bad[i];
        CHECK(strstr(ask("/set", ""), "Set-Cookie") == NULL);
        CHECK_ERR(set_err, bad[i].value == large ? WEFT_ETOOBIG : WEFT_EINVAL);
    }
    large[WEFT_HTTP_COOKIE_BYTES_MAX - 1] = '\0';
    to_set = &bad[sizeof bad / sizeof *bad - 1];
    CHECK(says(ask("/set", ""), "Set-Cookie: a=xxx"));
    finish();
}

/* ---- sessions */

static void who_logs_in_is_known_until_it_logs_out(void)
{
    char mine[128];
    begin();
    CHECK(says(ask("/page", ""), "\r\n\r\nnobody"));
    const char *got = ask("/login?data=ann", "");
    CHECK(says(got, "; Path=/; SameSite=Lax; HttpOnly\r\n"));
    CHECK(strstr(got, "Secure") == NULL);
    bring_back(got, mine);
    CHECK(says(ask("/page", mine), "\r\n\r\ndata=ann"));
    CHECK(says(ask("/save?data=bob", mine), "\r\n\r\ndata=bob"));
    CHECK(says(ask("/page", mine), "\r\n\r\ndata=bob"));
    got = ask("/logout", mine);
    CHECK(says(got, "\r\nSet-Cookie: session=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly\r\n"));
    CHECK(says(ask("/page", mine), "\r\n\r\nnobody"));
    CHECK(says(ask("/save?data=x", mine), "\r\n\r\nnobody"));
    CHECK(says(ask("/logout", mine), "\r\n\r\nended"));
    CHECK(says(ask("/logout", ""), "\r\n\r\nended"));
    finish();
}

static void a_site_behind_a_proxy_says_that_it_is_secure(void)
{
    begin();
    sessions.secure = true;
    sessions.cookie = "s";
    sessions.path = "/shop";
    sessions.same_site = WEFT_SAME_SITE_STRICT;
    const char *got = ask("/login", "");
    CHECK(says(got, "\r\nSet-Cookie: s="));
    CHECK(says(got, "; Path=/shop; SameSite=Strict; Secure; HttpOnly\r\n"));
    finish();
}

/* Who planted a name in a browser, or knew the one before, is not let in by it. */
static void logging_in_makes_a_new_name(void)
{
    char first[128], second[128];
    begin();
    bring_back(ask("/login?data=before", ""), first);
    bring_back(ask("/login?data=after", first), second);
    CHECK(first[0] != '\0' && second[0] != '\0' && strcmp(first, second) != 0);
    CHECK(says(ask("/page", first), "\r\n\r\nnobody"));
    CHECK(says(ask("/page", second), "\r\n\r\ndata=after"));
    finish();
}

static void a_name_nobody_was_given_is_nobody_s(void)
{
    char mine[128];
    begin();
    bring_back(ask("/login?data=ann", ""), mine);
    static const char *const guesses[] = {
        "Cookie: session=\r\n", "Cookie: session=x\r\n",
        "Cookie: session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n",
        "Cookie: session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n"};
    for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++)
        CHECK(says(ask("/page", guesses[i]), "\r\n\r\nnobody"));
    size_t last = strlen(mine) - 3;
    mine[last] = mine[last] == 'A' ? 'B' : 'A';
    CHECK(says(ask("/page", mine), "\r\n\r\nnobody"));
    finish();
}

static void one_that_is_not_used_is_over(void)
{
    char mine[128], other[128];
    limits.idle_ms = 10000;
    begin();
    bring_back(ask("/login?data=ann", ""), mine);
    bring_back(ask("/login?data=bob", ""), other);
    for (int i = 0; i < 3; i++) {
        weft_sim_advance(sim, 6000);
        CHECK(says(ask("/page", mine), "\r\n\r\ndata=ann"));
    }
    CHECK(says(ask("/page", other), "\r\n\r\nnobody"));
    weft_sim_advance(sim, 10000);
    CHECK(says(ask("/page", mine), "\r\n\r\nnobody"));
    finish();
}

static void one_that_began_too_long_ago_is_over_though_it_is_used(void)
{
    char mine[128];
    limits = (weft_session_store_config){.idle_ms = 10000, .age_ms = 20000};
    begin();
    bring_back(ask("/login?data=ann", ""), mine);
    weft_sim_advance(sim, 9000);
    CHECK(says(ask("/page", mine), "\r\n\r\ndata=ann"));
    weft_sim_advance(sim, 9000);
    CHECK(says(ask("/page", mine), "\r\n\r\ndata=ann"));
    weft_sim_advance(sim, 3000);
    CHECK(says(ask("/page", mine), "\r\n\r\nnobody"));
    finish();
}

static void beyond_sessions_max_none_begins_and_none_is_lost(void)
{
    char first[128], last[128];
    limits = (weft_session_store_config){.sessions_max = 100, .idle_ms = 60000};
    begin();
    bring_back(ask("/login?data=first", ""), first);
    for (int i = 1; i < 100; i++)
        bring_back(ask("/login?data=last", ""), last);
    CHECK(says(ask("/login", ""), "HTTP/1.1 503 "));
    CHECK(says(ask("/page", first), "\r\n\r\ndata=first"));
    CHECK(says(ask("/page", last), "\r\n\r\ndata=last"));
    CHECK(says(ask("/login?data=again", last), "\r\n\r\nbegun"));
    CHECK(says(ask("/logout", first), "\r\n\r\nended"));
    CHECK(says(ask("/login", ""), "\r\n\r\nbegun"));
    weft_sim_advance(sim, 60000);
    CHECK(says(ask("/login", ""), "\r\n\r\nbegun"));
    finish();
}

static void data_has_its_limit(void)
{
    char mine[128];
    limits.data_bytes_max = 3;
    begin();
    bring_back(ask("/login?data=ann", ""), mine);
    CHECK(says(ask("/login?data=anna", mine), "HTTP/1.1 413 "));
    CHECK(says(ask("/save?data=anna", mine), "HTTP/1.1 413 "));
    CHECK(says(ask("/page", mine), "\r\n\r\ndata=ann"));
    finish();
}

static void without_a_store_it_is_503(void)
{
    begin();
    sessions = (weft_http_sessions){.store_name = "nobody"};
    CHECK(says(ask("/login", ""), "HTTP/1.1 503 "));
    finish();
}

static void a_store_that_cannot_be_ends(void)
{
    limits.idle_ms = UINT32_MAX;
    begin();
    CHECK(says(ask("/login", ""), "HTTP/1.1 503 "));
    finish();
}

static void without_memory_what_was_there_stays(void)
{
    for (long nth = 1; nth < 20; nth++) {
        char mine[128];
        begin();
        bring_back(ask("/login?data=ann", ""), mine);
        client = weft_sim_connect(sim, "sim://web");
        (void)weft_sim_settle(sim, 100);
        wf_alloc_fail_after(nth);
        weft_sim_peer_say(client, "GET /login?data=bob HTTP/1.1\r\nHost: web\r\n\r\n");
        (void)weft_sim_settle(sim, 100);
        wf_alloc_fail_after(-1);
        CHECK(says(ask("/page", mine), "\r\n\r\ndata=ann"));
        finish();
    }
}

static const test_case cases[] = {
    TEST(a_cookie_is_what_the_browser_sent),
    TEST(a_cookie_that_is_set_says_who_may_have_it),
    TEST(a_cookie_that_can_be_none_is_refused),
    TEST(who_logs_in_is_known_until_it_logs_out),
    TEST(a_site_behind_a_proxy_says_that_it_is_secure),
    TEST(logging_in_makes_a_new_name),
    TEST(a_name_nobody_was_given_is_nobody_s),
    TEST(one_that_is_not_used_is_over),
    TEST(one_that_began_too_long_ago_is_over_though_it_is_used),
    TEST(beyond_sessions_max_none_begins_and_none_is_lost),
    TEST(data_has_its_limit),
    TEST(without_a_store_it_is_503),
    TEST(a_store_that_cannot_be_ends),
    TEST(without_memory_what_was_there_stays),
    {0},
};

const test_suite http_session_suite = {.name = "protocols/http_session", .cases = cases};
