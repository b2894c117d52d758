/* SPDX-License-Identifier: MIT */
/* The client: against the server of this library, and against peers that say what a script says. */
#include <weft/net.h>
#include <weft/testing_names.h>
#include <weft/tls.h>

#include "alloc.h"
#include "smtp_world.h"
#include "test_certificate.h"

/* ---- who sends */

enum { LETTERS_MAX = 300 };

/* A letter to be sent, and what came of it. */
typedef struct letter {
    weft_ref client;
    const char *from, *to[4], *text;
    size_t repeat; /* so often the text is written; 0: once */
    bool nobody, eight_bit, unended, aborted;
    uint32_t limit_ms;
    unsigned fired;
    weft_err err;
    char why[WEFT_WHY_BYTES];
    uint32_t accepted;
    uint16_t code, each[4];
} letter;

typedef struct send_it {
    letter *what;
} send_it;
static const weft_type send_it_type = WEFT_TYPE("test.send_it", send_it, NULL);

typedef struct sender {
    letter *what;
    weft_ref stream;
    size_t left;
} sender;

static weft_err on_sent(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    letter *l = ((const send_it *)weft_body(msg))->what;
    (void)self;
    l->fired++;
    l->err = got->err;
    (void)snprintf(l->why, sizeof l->why, "%s", got->why);
    if (got->err != WEFT_OK)
        return WEFT_OK;
    const weft_smtp_report *report = got->body;
    l->accepted = report->accepted;
    l->code = report->status.code;
    for (uint32_t i = 0; i < 4; i++)
        l->each[i] = weft_smtp_report_to(report, i).code;
    return WEFT_OK;
}

static weft_err write_on(weft_actor *self)
{
    sender *s = weft_state(self);
    weft_err err = WEFT_OK;
    while (s->left != 0 && err == WEFT_OK) {
        err = weft_write_copy(self, s->stream, s->what->text, strlen(s->what->text));
        s->left -= err == WEFT_OK ? 1 : 0;
    }
    if (s->left == 0 && s->what->aborted)
        (void)weft_abort(self, s->stream, WEFT_EABORTED);
    else if (s->left == 0 && !s->what->unended)
        (void)weft_end(self, s->stream);
    return WEFT_OK;
}

static weft_err on_send(weft_actor *self, weft_msg *msg)
{
    sender *s = weft_state(self);
    letter *l = ((const send_it *)weft_body(msg))->what;
    uint32_t n = 0;
    while (n < 4 && l->to[n] != NULL)
        n++;
    s->what = l;
    s->left = l->repeat != 0 ? l->repeat : 1;
    weft_deferred sent =
        weft_smtp_send(self, l->client, l->from, l->to, n, l->eight_bit, &s->stream);
    if (l->limit_ms != 0)
        sent = weft_within(self, sent, l->limit_ms);
    weft_err err = weft_when(msg, sent, on_sent);
    return err == WEFT_OK && !weft_ref_is_nobody(s->stream) ? write_on(self) : err;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return write_on(self);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static const weft_handler sender_rows[] = {
    {.type = &send_it_type, .fn = on_send},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour senders = {
    .name = "sender", .handlers = sender_rows, .state_bytes = sizeof(sender)};

static weft_sim *sim;
static weft_smtp_client_config config;
static weft_ref client;

static void reset(void)
{
    smtp_reset();
    config = (weft_smtp_client_config){.url = "sim://mail", .host = "client.example"};
}

static void start(const weft_sim_options *options)
{
    sim = smtp_open(options);
    client = weft_sim_spawn(sim, &weft_smtp_client, &config);
    (void)weft_sim_run(sim);
}

static void done(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void begin_letter(letter *l)
{
    l->client = client;
    l->from = l->from != NULL ? l->from : "me@client.example";
    l->text = l->text != NULL ? l->text : "Subject: hello\r\n\r\nhello\r\n";
    if (l->to[0] == NULL && !l->nobody)
        l->to[0] = "you@mail.example";
    weft_ref who = weft_sim_spawn(sim, &senders, NULL);
    CHECK_OK(weft_sim_tell(sim, who, send_it, .what = l));
}

static void send_letter(letter *l)
{
    begin_letter(l);
    weft_sim_advance(sim, 5000);
    CHECK_U64(l->fired, 1);
}

#define LETTER(...) ((letter){__VA_ARGS__})

/* ---- against the server */

static void a_letter_is_sent(void)
{
    letter l = LETTER(.text = "Subject: x\r\n\r\n.dot\r\n..\r\nend\r\n");
    reset();
    start(NULL);
    send_letter(&l);
    CHECK_OK(l.err);
    CHECK_U64(l.code, 250);
    CHECK_U64(l.accepted, 1);
    CHECK_STR(smtp_saw.text, l.text);
    CHECK_STR(smtp_saw.from, l.from);
    CHECK_STR(smtp_saw.helo, "client.example");
    done();
}

static void each_recipient_has_its_answer(void)
{
    letter l = LETTER(.to = {"a@x.y", "nobody@x.y", "b@x.y", "full@x.y"});
    reset();
    start(NULL);
    send_letter(&l);
    CHECK_OK(l.err);
    CHECK_U64(l.accepted, 2);
    CHECK(l.each[0] == 250 && l.each[1] == 550 && l.each[2] == 250 && l.each[3] == 452);
    CHECK_STR(smtp_saw.to[1], "b@x.y");
    done();
}

static void a_letter_for_nobody_is_not_sent(void)
{
    letter l = LETTER(.to = {"nobody@x.y"}), again = LETTER(.text = "again\r\n");
    reset();
    start(NULL);
    send_letter(&l);
    CHECK_ERR(l.err, WEFT_ENOTFOUND);
    CHECK_STR(l.why, "the server said: 550 5.1.1 nobody of that name");
    CHECK_U64(smtp_saw.letters, 0);
    send_letter(&again); /* the connection is as it was */
    CHECK_OK(again.err);
    done();
}

static void a_sender_that_is_refused_is_told(void)
{
    letter l = LETTER(.from = "bad@x.y"), again = LETTER(.text = "again\r\n");
    reset();
    start(NULL);
    send_letter(&l);
    CHECK_ERR(l.err, WEFT_EDENIED);
    CHECK(strstr(l.why, "5.7.27") != NULL);
    send_letter(&again);
    CHECK_OK(again.err);
    done();
}

static void letters_share_a_connection(void)
{
    static letter l[LETTERS_MAX];
    reset();
    start(NULL);
    for (size_t i = 0; i < 50; i++) {
        l[i] = LETTER(.from = "a@b.c");
        begin_letter(&l[i]);
    }
    weft_sim_advance(sim, 20000);
    for (size_t i = 0; i < 50; i++) {
        CHECK_U64(l[i].fired, 1);
        CHECK_OK(l[i].err);
    }
    CHECK_U64(smtp_saw.letters, 50);
    CHECK_U64(weft_sim_logged(sim, WEFT_DEBUG, "QUIT"), 0);
    done();
}

static void a_large_letter_is_streamed(void)
{
    letter l =
        LETTER(.text = "0123456789012345678901234567890123456789012345678901234567890123\r\n",
               .repeat = 100000);
    reset();
    start(NULL);
    begin_letter(&l);
    weft_sim_advance(sim, 60000);
    CHECK_U64(l.fired, 1);
    CHECK_OK(l.err);
    CHECK_U64(smtp_saw.bytes, 6600000);
    done();
}

static void a_letter_with_a_bare_line_end_is_refused(void)
{
    letter l = LETTER(.text = "a\r\n.\nb\r\n"), again = LETTER(.text = "again\r\n");
    reset();
    start(NULL);
    send_letter(&l);
    CHECK_ERR(l.err, WEFT_EINVAL);
    CHECK_U64(smtp_saw.replied, 0);
    send_letter(&again);
    CHECK_OK(again.err);
    done();
}

static void a_letter_that_is_cut_is_not_sent(void)
{
    letter l = LETTER(.aborted = true), late = LETTER(.unended = true, .limit_ms = 1000);
    reset();
    start(NULL);
    send_letter(&l);
    CHECK(l.err != WEFT_OK);
    send_letter(&late);
    CHECK_ERR(late.err, WEFT_ETIMEDOUT);
    CHECK_U64(smtp_saw.replied, 0);
    CHECK_U64(smtp_saw.workers, 0);
    done();
}

static void addresses_that_would_break_the_dialogue_are_refused(void)
{
    letter l = LETTER(.to = {"a@b>\r\nRSET"}), empty = LETTER(.nobody = true);
    reset();
    start(NULL);
    send_letter(&l);
    CHECK_ERR(l.err, WEFT_EINVAL);
    send_letter(&empty);
    CHECK_ERR(empty.err, WEFT_EINVAL);
    done();
}

static void letters_beyond_waiting_max_are_refused(void)
{
    letter first = LETTER(.unended = true, .limit_ms = 3000), second = LETTER(.text = "x\r\n");
    reset();
    config.waiting_max = 1;
    start(NULL);
    begin_letter(&first);
    send_letter(&second);
    CHECK_ERR(second.err, WEFT_EFULL);
    CHECK(strstr(second.why, "waiting_max") != NULL);
    done();
}

static void a_login_that_is_refused_sends_nothing(void)
{
    reset();
    smtp_config.auth_required = true;
    config.user = "tim";
    config.password = "tanstaaftanstaaf";
    config.auth_in_clear = true;
    letter l = LETTER(.text = "x\r\n");
    start(NULL);
    send_letter(&l);
    CHECK_OK(l.err);
    CHECK_STR(smtp_saw.user, "tim");
    done();
    letter wrong = LETTER(.text = "x\r\n");
    smtp_saw.letters = 0;
    config.password = "wrong";
    start(NULL);
    send_letter(&wrong);
    CHECK_ERR(wrong.err, WEFT_EDENIED);
    CHECK_U64(smtp_saw.letters, 0);
    done();
}

static void a_password_is_not_said_in_the_clear(void)
{
    letter l = LETTER(.text = "x\r\n");
    reset();
    config.user = "tim";
    config.password = "tanstaaftanstaaf";
    start(NULL);
    send_letter(&l);
    CHECK_ERR(l.err, WEFT_EUNSUPPORTED);
    done();
}

static void lmtp_tells_what_became_of_each(void)
{
    letter l = LETTER(.to = {"a@x.y", "nobody@x.y", "b@x.y", "c@x.y"});
    reset();
    smtp_config.lmtp = true;
    smtp_does = SMTP_BY_EACH;
    config.lmtp = true;
    start(NULL);
    send_letter(&l);
    CHECK_OK(l.err);
    CHECK_U64(l.accepted, 2);
    CHECK(l.each[0] == 250 && l.each[1] == 550 && l.each[2] == 550 && l.each[3] == 250);
    done();
}

/* ---- TLS */

static weft_tls *server_tls, *client_tls;

static void make_tls(void)
{
    static test_certificate own;
    weft_why why = {""};
    if (own.certificate[0] == '\0')
        test_certificate_make("mail", &own);
    const weft_tls_config server = {.certificate_pem = own.certificate, .key_pem = own.key};
    const weft_tls_config trusting = {.trust_pem = own.certificate};
    CHECK_OK(weft_tls_server(&server, &server_tls, &why));
    CHECK_OK(weft_tls_client(&trusting, &client_tls, &why));
}

static void drop_tls(void)
{
    weft_tls_drop(&server_tls);
    weft_tls_drop(&client_tls);
}

static void starttls_secures_what_follows(void)
{
    letter l = LETTER(.text = "x\r\n");
    reset();
    make_tls();
    smtp_config.tls = server_tls;
    smtp_config.auth_in_clear = false;
    smtp_config.auth_required = smtp_config.tls_required = true;
    config.tls = client_tls;
    config.tls_policy = WEFT_SMTP_TLS_MUST;
    config.tls_host = "mail";
    config.user = "tim";
    config.password = "tanstaaftanstaaf";
    start(NULL);
    send_letter(&l);
    CHECK_OK(l.err);
    CHECK(smtp_saw.secure);
    CHECK_STR(smtp_saw.user, "tim");
    done();
    drop_tls();
}

static void a_server_that_is_somebody_else_is_not_trusted(void)
{
    letter l = LETTER(.text = "x\r\n");
    reset();
    make_tls();
    smtp_config.tls = server_tls;
    config.tls = client_tls;
    config.tls_policy = WEFT_SMTP_TLS_MUST;
    config.tls_host = "other";
    start(NULL);
    send_letter(&l);
    CHECK_ERR(l.err, WEFT_ETLS);
    CHECK_U64(smtp_saw.letters, 0);
    done();
    drop_tls();
}

static void where_tls_may_fail_a_letter_goes_in_the_clear(void)
{
    letter l = LETTER(.text = "x\r\n");
    reset();
    make_tls();
    smtp_config.tls = server_tls;
    config.tls = client_tls;
    config.tls_host = "other";
    start(NULL);
    send_letter(&l);
    CHECK_OK(l.err);
    CHECK(!smtp_saw.secure);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "sim://mail: TLS failed"), 1);
    done();
    drop_tls();
}

static void without_tls_nothing_goes_where_it_must(void)
{
    letter l = LETTER(.text = "x\r\n");
    reset();
    config.tls_policy = WEFT_SMTP_TLS_MUST;
    start(NULL);
    send_letter(&l);
    CHECK_ERR(l.err, WEFT_EUNSUPPORTED);
    CHECK_U64(smtp_saw.letters, 0);
    done();
}

static void bytes_behind_starttls_are_never_said_within(void)
{
    reset();
    make_tls();
    smtp_config.tls = server_tls;
    start(NULL);
    weft_sim_peer *p = weft_sim_connect(sim, "sim://mail");
    weft_sim_peer_say(p, "EHLO x\r\nSTARTTLS\r\nMAIL FROM:<evil@x>\r\n");
    weft_sim_advance(sim, 3000);
    CHECK(strstr(p->got, "554 5.5.1 there was something behind STARTTLS\r\n") != NULL);
    CHECK(strstr(p->got, "220 2.0.0 go ahead") == NULL);
    CHECK(p->ended);
    CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "EPROTO"), 1);
    done();
    drop_tls();
}

/* ---- against scripts */

static weft_sim_peer *script;

static void start_script(const char *url)
{
    sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    REQUIRE(sim != NULL);
    script = weft_sim_listen(sim, url);
    client = weft_sim_spawn(sim, &weft_smtp_client, &config);
    (void)weft_sim_run(sim);
}

static void say(const char *expect, const char *answer)
{
    CHECK_STR(weft_sim_expect(script, expect), "");
    weft_sim_peer_say(script, answer);
}

static void a_server_of_old_is_spoken_to_in_its_own_words(void)
{
    letter l = LETTER(.to = {"a@b.c", "d@e.f"});
    reset();
    start_script("sim://mail");
    begin_letter(&l);
    say("", "220 old\r\n");
    say("EHLO client.example\r\n", "502 what?\r\n");
    say("HELO client.example\r\n", "250 old\r\n");
    say("MAIL FROM:<me@client.example>\r\n", "250 ok\r\n");
    say("RCPT TO:<a@b.c>\r\n", "250 ok\r\n");
    say("RCPT TO:<d@e.f>\r\n", "250 ok\r\n");
    say("DATA\r\n", "354 go\r\n");
    say("Subject: hello\r\n\r\nhello\r\n.\r\n", "250 ok\r\n");
    weft_sim_advance(sim, 10);
    CHECK_OK(l.err);
    CHECK_U64(l.fired, 1);
    weft_sim_advance(sim, 31000); /* idle_timeout_ms */
    say("QUIT\r\n", "221 bye\r\n");
    weft_sim_advance(sim, 3000);
    CHECK(script->ended);
    done();
}

/* The server offers @offered; what the client says of itself, and what it is answered, takes turns. */
static void log_in(const char *offered, const char *const *talk)
{
    char hello[128];
    letter l = LETTER(.text = "x\r\n");
    reset();
    config.user = "tim";
    config.password = "tanstaaftanstaaf";
    config.auth_in_clear = true;
    start_script("sim://mail");
    begin_letter(&l);
    (void)snprintf(hello, sizeof hello, "250-mail\r\n250 AUTH %s\r\n", offered);
    say("", "220 mail\r\n");
    say("EHLO client.example\r\n", hello);
    for (; *talk != NULL; talk += 2)
        say(talk[0], talk[1]);
    say("MAIL FROM:<me@client.example>\r\n", "250 ok\r\n");
    weft_sim_peer_abort(script);
    weft_sim_advance(sim, 10);
    CHECK_ERR(l.err, WEFT_ELOST);
    done();
}

static void every_mechanism_logs_in(void)
{
    /* "\0tim\0tanstaaftanstaaf"; RFC 4954 4.1, 4616 4 */
    log_in("PLAIN LOGIN", (const char *const[]){"AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n",
                                                "235 in\r\n", NULL});
    log_in("LOGIN", (const char *const[]){"AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n", "dGlt\r\n",
                                          "334 UGFzc3dvcmQ6\r\n", "dGFuc3RhYWZ0YW5zdGFhZg==\r\n",
                                          "235 in\r\n", NULL});
    /* RFC 2195 2 */
    log_in("PLAIN CRAM-MD5",
           (const char *const[]){"AUTH CRAM-MD5\r\n",
                                 "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n",
                                 "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n",
                                 "235 in\r\n", NULL});
}

static void commands_go_ahead_where_that_is_offered(void)
{
    letter l = LETTER(.to = {"a@b.c"}, .text = "x");
    reset();
    start_script("sim://mail");
    begin_letter(&l);
    say("", "220-hello\r\n220 there\r\n");
    say("EHLO client.example\r\n", "250-x\r\n250-PIPELINING\r\n250 SIZE 1000\r\n");
    say("MAIL FROM:<me@client.example>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n",
        "250 ok\r\n250 ok\r\n354 go\r\n");
    say("x\r\n.\r\n", "250 2.0.0 queued\r\n");
    weft_sim_advance(sim, 10);
    CHECK_OK(l.err);
    done();
}

static void nothing_is_said_to_nobody_though_data_went_ahead(void)
{
    letter l = LETTER(.to = {"a@b.c"}, .text = "x");
    reset();
    start_script("sim://mail");
    begin_letter(&l);
    say("", "220 x\r\n");
    say("EHLO client.example\r\n", "250-x\r\n250 PIPELINING\r\n");
    say("MAIL FROM:<me@client.example>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n",
        "250 ok\r\n550 5.1.1 no\r\n354 go\r\n");
    say(".\r\n", "554 nobody\r\n");
    weft_sim_advance(sim, 10);
    CHECK_ERR(l.err, WEFT_ENOTFOUND);
    done();
}

static void what_is_no_answer_ends_the_connection(void)
{
    static const char *const rows[] = {"hello\r\n", "99 x\r\n", "220-a\r\n250 b\r\n", "220 x\n",
                                       "2200 x\r\n"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        letter l = LETTER(.text = "x");
        reset();
        start_script("sim://mail");
        begin_letter(&l);
        say("", rows[i]);
        weft_sim_advance(sim, 10);
        CHECK_U64(l.fired, 1);
        CHECK_ERR(l.err, WEFT_EPROTO);
        done();
    }
}

static void a_server_that_never_answers_is_given_up(void)
{
    letter l = LETTER(.text = "x");
    reset();
    config.answer_timeout_ms = 2000;
    start_script("sim://mail");
    begin_letter(&l);
    weft_sim_advance(sim, 1900);
    CHECK_U64(l.fired, 0);
    weft_sim_advance(sim, 200);
    CHECK_U64(l.fired, 1);
    CHECK_ERR(l.err, WEFT_ETIMEDOUT);
    done();
}

static void a_server_that_goes_in_the_middle_fails_the_letter(void)
{
    letter l = LETTER(.text = "x");
    reset();
    start_script("sim://mail");
    begin_letter(&l);
    say("", "220 x\r\n");
    say("EHLO client.example\r\n", "250 x\r\n");
    say("MAIL FROM:<me@client.example>\r\n", "250 ok\r\n");
    weft_sim_peer_abort(script);
    weft_sim_advance(sim, 10);
    CHECK_U64(l.fired, 1);
    CHECK_ERR(l.err, WEFT_ELOST);
    done();
}

/* ---- where to */

static void exchangers_are_tried_in_order(void)
{
    static const weft_sim_name names[] = {
        {.name = "example.org", .type = WEFT_DNS_MX, .value = "20 second.example.org"},
        {.name = "example.org", .type = WEFT_DNS_MX, .value = "10 first.example.org"},
        {.name = "first.example.org", .type = WEFT_DNS_A, .value = "192.0.2.1"},
        {.name = "second.example.org", .type = WEFT_DNS_A, .value = "192.0.2.2"},
        {.name = "null.example", .type = WEFT_DNS_MX, .value = "0 ."},
        {0},
    };
    letter l = LETTER(.text = "x"), none = LETTER(.text = "x");
    reset();
    config.url = NULL;
    config.domain = "example.org";
    config.scheme = "sim";
    start_script("sim://192.0.2.2:25");
    CHECK_OK(weft_sim_names(sim, names));
    begin_letter(&l);
    weft_sim_advance(sim, 1000);
    say("", "220 x\r\n");
    say("EHLO client.example\r\n", "250 x\r\n");
    say("MAIL FROM:<me@client.example>\r\n", "550 5.7.1 no\r\n");
    weft_sim_advance(sim, 10);
    CHECK_ERR(l.err, WEFT_EDENIED);
    done();
    config.domain = "null.example";
    start_script("sim://192.0.2.2:25");
    CHECK_OK(weft_sim_names(sim, names));
    send_letter(&none);
    CHECK_ERR(none.err, WEFT_ENONAME);
    done();
}

/* Two exchangers: scripts, of which the first is preferred. */
static weft_sim_peer *preferred;

static void start_exchangers(letter *l)
{
    static const weft_sim_name names[] = {
        {.name = "example.org", .type = WEFT_DNS_MX, .value = "20 second.example.org"},
        {.name = "example.org", .type = WEFT_DNS_MX, .value = "10 first.example.org"},
        {.name = "first.example.org", .type = WEFT_DNS_A, .value = "192.0.2.1"},
        {.name = "second.example.org", .type = WEFT_DNS_A, .value = "192.0.2.2"},
        {0},
    };
    reset();
    config.url = NULL;
    config.domain = "example.org";
    config.scheme = "sim";
    start_script("sim://192.0.2.2:25");
    preferred = weft_sim_listen(sim, "sim://192.0.2.1:25");
    CHECK_OK(weft_sim_names(sim, names));
    begin_letter(l);
    weft_sim_advance(sim, 1000);
}

static void first_says(const char *expect, const char *answer)
{
    CHECK_STR(weft_sim_expect(preferred, expect), "");
    weft_sim_peer_say(preferred, answer);
}

/* The second one takes the letter. */
static void second_takes(const letter *l)
{
    weft_sim_advance(sim, 1000);
    say("", "220 x\r\n");
    say("EHLO client.example\r\n", "250 x\r\n");
    say("MAIL FROM:<me@client.example>\r\n", "250 ok\r\n");
    say("RCPT TO:<you@mail.example>\r\n", "250 ok\r\n");
    say("DATA\r\n", "354 go\r\n");
    say("Subject: hello\r\n\r\nhello\r\n.\r\n", "250 ok\r\n");
    weft_sim_advance(sim, 10);
    CHECK_U64(l->fired, 1);
    CHECK_OK(l->err);
    done();
}

static void an_exchanger_that_does_not_talk_has_a_next(void)
{
    static const char *const greetings[] = {"421 busy\r\n", "554 no\r\n", "what?\r\n"};
    static const char *const hellos[] = {"421 4.3.2 stopping\r\n", "451 later\r\n"};
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        letter l = LETTER(.nobody = false);
        start_exchangers(&l);
        first_says("", greetings[i]);
        second_takes(&l);
    }
    for (size_t i = 0; i < sizeof hellos / sizeof *hellos; i++) {
        letter l = LETTER(.nobody = false);
        start_exchangers(&l);
        first_says("", "220 x\r\n");
        first_says("EHLO client.example\r\n", hellos[i]);
        second_takes(&l);
    }
}

static void an_exchanger_that_drops_in_the_handshake_has_a_next(void)
{
    for (int must = 0; must < 2; must++) {
        letter l = LETTER(.nobody = false);
        start_exchangers(&l);
        config.tls_policy = must != 0 ? WEFT_SMTP_TLS_MUST : WEFT_SMTP_TLS_MAY;
        first_says("", "220 x\r\n");
        first_says("EHLO client.example\r\n", "250-x\r\n250 STARTTLS\r\n");
        first_says("STARTTLS\r\n", "220 go\r\n");
        weft_sim_advance(sim, 10);
        weft_sim_peer_abort(preferred);
        weft_sim_advance(sim, 10);
        /* with MAY it is tried in the clear, where nobody is any more */
        CHECK_U64(weft_sim_logged(sim, WEFT_WARNING, "first.example.org: TLS failed"),
                  must != 0 ? 0 : 1);
        config.tls_policy = WEFT_SMTP_TLS_NEVER; /* of the second */
        second_takes(&l);
    }
}

static void an_exchanger_that_refuses_for_good_is_the_last(void)
{
    letter l = LETTER(.nobody = false);
    start_exchangers(&l);
    config.tls_policy = WEFT_SMTP_TLS_NEVER;
    first_says("", "220 x\r\n");
    first_says("EHLO client.example\r\n", "554 5.7.1 not you\r\n");
    first_says("HELO client.example\r\n", "554 5.7.1 not you\r\n");
    weft_sim_advance(sim, 10);
    CHECK_U64(l.fired, 1);
    CHECK_ERR(l.err, WEFT_EDENIED);
    done();
}

/* ---- what a server cannot take, and whom */

static void ascii_goes_where_nothing_beyond_it_is_taken(void)
{
    letter l = LETTER(.eight_bit = true);
    reset();
    start_script("sim://mail");
    begin_letter(&l);
    say("", "220 x\r\n");
    say("EHLO client.example\r\n", "250 x\r\n");
    say("MAIL FROM:<me@client.example>\r\n", "250 ok\r\n");
    say("RCPT TO:<you@mail.example>\r\n", "250 ok\r\n");
    say("DATA\r\n", "354 go\r\n");
    say("Subject: hello\r\n\r\nhello\r\n.\r\n", "250 ok\r\n");
    weft_sim_advance(sim, 10);
    CHECK_U64(l.fired, 1);
    CHECK_OK(l.err);
    done();
}

static void what_is_beyond_ascii_does_not(void)
{
    letter l = LETTER(.eight_bit = true, .text = "\xc3\xa4\r\n");
    reset();
    start_script("sim://mail");
    begin_letter(&l);
    say("", "220 x\r\n");
    say("EHLO client.example\r\n", "250 x\r\n");
    say("MAIL FROM:<me@client.example>\r\n", "250 ok\r\n");
    say("RCPT TO:<you@mail.example>\r\n", "250 ok\r\n");
    say("DATA\r\n", "354 go\r\n");
    weft_sim_advance(sim, 10);
    CHECK_U64(l.fired, 1);
    CHECK_ERR(l.err, WEFT_EUNSUPPORTED);
    CHECK_STR(l.why, "the server takes no text beyond ASCII");
    done();
}

static void one_who_may_be_tried_again_makes_a_letter_that_may(void)
{
    letter l = LETTER(.to = {"nobody@x.y", "full@x.y"}),
           each = LETTER(.to = {"nobody@x.y", "full@x.y"});
    reset();
    start(NULL);
    send_letter(&l);
    CHECK_ERR(l.err, WEFT_EFULL);
    config.report_refusals = true;
    send_letter(&each);
    CHECK_OK(each.err);
    CHECK_U64(each.accepted, 0);
    CHECK(each.code == 452 && each.each[0] == 550 && each.each[1] == 452);
    done();
}

static void a_client_that_ends_fails_what_waits(void)
{
    letter l = LETTER(.unended = true), second = LETTER(.text = "x\r\n");
    reset();
    start(NULL);
    begin_letter(&l);
    begin_letter(&second);
    weft_sim_advance(sim, 100);
    CHECK_OK(weft_sim_kill(sim, client, WEFT_EINTERNAL));
    weft_sim_advance(sim, 100);
    CHECK(l.fired == 1 && second.fired == 1);
    CHECK_ERR(second.err, WEFT_EGONE);
    done();
}

/* Told once, and true: what is said to be there is there. The other way round a letter may have arrived though its
 * sender cannot know. */
static void any_allocation_may_fail(void)
{
    unsigned sent = 0, failed = 0;
    make_tls();
    for (long nth = 0; nth < 300; nth++) {
        letter l = LETTER(.limit_ms = 200000);
        reset();
        smtp_knows_nobody = true;
        config.tls = client_tls;
        start(&(weft_sim_options){.seed = 1, .faults = {.latency_ms_max = 2}});
        begin_letter(&l);
        wf_alloc_fail_run(nth, 1000); /* one that fails alone is a connection more */
        weft_sim_advance(sim, 1000);
        wf_alloc_fail_after(-1);
        weft_sim_advance(sim, 300000);
        CHECK(l.fired <= 1); /* its request may have had no memory to be sent with */
        sent += l.fired != 0 && l.err == WEFT_OK;
        failed += l.fired != 0 && l.err != WEFT_OK;
        if (l.fired != 0 && l.err == WEFT_OK)
            CHECK_STR(smtp_saw.text, l.text);
        done();
    }
    CHECK(sent > 10 && failed > 10);
    drop_tls();
}

static const test_case cases[] = {
    TEST(a_letter_is_sent),
    TEST(each_recipient_has_its_answer),
    TEST(a_letter_for_nobody_is_not_sent),
    TEST(a_sender_that_is_refused_is_told),
    TEST(letters_share_a_connection),
    TEST(a_large_letter_is_streamed),
    TEST(a_letter_with_a_bare_line_end_is_refused),
    TEST(a_letter_that_is_cut_is_not_sent),
    TEST(addresses_that_would_break_the_dialogue_are_refused),
    TEST(letters_beyond_waiting_max_are_refused),
    TEST(a_login_that_is_refused_sends_nothing),
    TEST(every_mechanism_logs_in),
    TEST(a_password_is_not_said_in_the_clear),
    TEST(lmtp_tells_what_became_of_each),
    TEST(starttls_secures_what_follows),
    TEST(a_server_that_is_somebody_else_is_not_trusted),
    TEST(where_tls_may_fail_a_letter_goes_in_the_clear),
    TEST(without_tls_nothing_goes_where_it_must),
    TEST(bytes_behind_starttls_are_never_said_within),
    TEST(a_server_of_old_is_spoken_to_in_its_own_words),
    TEST(commands_go_ahead_where_that_is_offered),
    TEST(nothing_is_said_to_nobody_though_data_went_ahead),
    TEST(what_is_no_answer_ends_the_connection),
    TEST(a_server_that_never_answers_is_given_up),
    TEST(a_server_that_goes_in_the_middle_fails_the_letter),
    TEST(exchangers_are_tried_in_order),
    TEST(an_exchanger_that_does_not_talk_has_a_next),
    TEST(an_exchanger_that_drops_in_the_handshake_has_a_next),
    TEST(an_exchanger_that_refuses_for_good_is_the_last),
    TEST(ascii_goes_where_nothing_beyond_it_is_taken),
    TEST(what_is_beyond_ascii_does_not),
    TEST(one_who_may_be_tried_again_makes_a_letter_that_may),
    TEST(a_client_that_ends_fails_what_waits),
    TEST(any_allocation_may_fail),
    {0},
};
const test_suite smtp_client_suite = {.name = "protocols/smtp_client", .cases = cases};
