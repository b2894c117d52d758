/* SPDX-License-Identifier: MIT */
/* Messages that go on to a web server: what it is sent, and what its status means to who sent the mail. */
#include <stdlib.h>

#include <weft/net.h>

#include "script_server.h"
#include "smtp_world.h"

static weft_sim *sim;
static script_server web;
static const weft_smtp_post_config post = {.url = "http://web/mail"};

static weft_sim_peer *begin(void)
{
    smtp_reset();
    smtp_config.message = &weft_smtp_post;
    smtp_config.message_config = &post;
    sim = smtp_open(NULL);
    web = (script_server){.n = 0};
    script_listen(&web, sim, "sim://web:80");
    return weft_sim_connect(sim, "sim://mail");
}

static void done(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    script_done(&web);
}

static bool got(const weft_sim_peer *p, const char *text)
{
    return strstr(p->got, text) != NULL;
}

static const char mail[] =
    "EHLO x.example\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nRCPT TO:<g@h.i>\r\n"
    "DATA\r\nSubject: hi\r\n\r\n..dots\r\n.\r\n";

/* ---- */

static void the_body_is_the_message_and_the_fields_are_its_envelope(void)
{
    weft_sim_peer *p = begin();
    script_say(&web, "HTTP/1.1 204 No Content\r\n\r\n");
    web.answers[0].delay_ms =
        5000; /* it does not say to go on, and is sent the body all the same */
    weft_sim_peer_say(p, mail);
    weft_sim_advance(sim, 4000);
    CHECK(!got(p, "\r\n250 2.0.0 OK"));
    weft_sim_advance(sim, 2000);
    REQUIRE(web.got != NULL);
    CHECK(strncmp(web.got, "POST /mail HTTP/1.1\r\n", 21) == 0);
    CHECK(strstr(web.got, "X-Mail-From: a@b.c\r\n") != NULL);
    CHECK(strstr(web.got, "X-Rcpt-To: d@e.f\r\nX-Rcpt-To: g@h.i\r\n") != NULL);
    CHECK(strstr(web.got, "Content-Type: message/rfc822\r\n") != NULL);
    CHECK(strstr(web.got, "Subject: hi\r\n\r\n.dots\r\n") != NULL);
    CHECK(got(p, "\r\n250 2.0.0 OK"));
    done();
}

static void each_status_has_an_answer(void)
{
    static const struct {
        const char *status, *answer;
    } rows[] = {
        {"200 OK", "\r\n250 "},          {"404 Not Found", "\r\n550 "},
        {"410 Gone", "\r\n550 "},        {"413 Too Large", "\r\n552 "},
        {"507 Full", "\r\n452 "},        {"400 Bad Request", "\r\n554 "},
        {"408 Timeout", "\r\n451 "},     {"429 Too Many", "\r\n451 "},
        {"503 Unavailable", "\r\n451 "}, {"301 Moved", "\r\n451 "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[96];
        weft_sim_peer *p = begin();
        (void)snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n",
                       rows[i].status);
        script_say(&web, text);
        weft_sim_peer_say(p, mail);
        weft_sim_advance(sim, 1000);
        const char *go = strstr(p->got, "\r\n354 ");
        if (go == NULL || strstr(go, rows[i].answer) == NULL)
            CHECK_STR(p->got, rows[i].status);
        done();
    }
}

static void a_server_that_is_lost_leaves_the_mail_with_its_sender(void)
{
    weft_sim_peer *p = begin();
    script_say_then(&web, "", SCRIPT_ABORT);
    weft_sim_peer_say(p, mail);
    weft_sim_advance(sim, 10000);
    CHECK(got(p, "\r\n451 "));
    CHECK(!got(p, "\r\n250 2.0.0 OK"));
    done();
}

static void a_slow_server_holds_the_client_back(void)
{
    enum { TEXT = 8 << 20, LINE = 64 };
    weft_sim_peer *p = begin();
    web.deaf = true;
    char *text = malloc(TEXT);
    REQUIRE(text != NULL);
    for (size_t i = 0; i < TEXT; i += LINE) {
        memset(text + i, 'x', LINE);
        text[i + LINE - 2] = '\r';
        text[i + LINE - 1] = '\n';
    }
    weft_sim_peer_say(p, "EHLO x.example\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n");
    weft_sim_peer_send(p, text, TEXT);
    weft_sim_advance(sim, 1000);
    CHECK(p->waiting > TEXT / 2);
    free(text);
    weft_sim_peer_abort(p);
    weft_sim_advance(sim, 1000);
    done();
}

/* What came of it must not look like a message: its request has no end. */
static void a_client_that_is_lost_aborts_the_request(void)
{
    weft_sim_peer *p = begin();
    weft_sim_peer_say(
        p, "EHLO x.example\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nhalf of it\r\n");
    weft_sim_advance(sim, 1000);
    CHECK_U64(web.open, 1);
    weft_sim_peer_abort(p);
    weft_sim_advance(sim, 1000);
    CHECK_U64(web.open, 0);
    CHECK(web.got == NULL || strstr(web.got, "\r\n0\r\n\r\n") == NULL);
    done();
}

static const test_case cases[] = {
    TEST(the_body_is_the_message_and_the_fields_are_its_envelope),
    TEST(each_status_has_an_answer),
    TEST(a_server_that_is_lost_leaves_the_mail_with_its_sender),
    TEST(a_slow_server_holds_the_client_back),
    TEST(a_client_that_is_lost_aborts_the_request),
    {0},
};
const test_suite smtp_post_suite = {.name = "protocols/smtp_post", .cases = cases};
