/* SPDX-License-Identifier: MIT */
/* TLS as a stage: what it carries, what it refuses, and where it may begin. */
#include <weft/edge.h>
#include <weft/framing.h>
#include <weft/tls.h>

#include "actors/stream_kit.h"
#include "test_certificate.h"

/* The tests of every transport have TLS in them; these push it themselves. */
static const kit_transport pair = {.name = "pair"}, tls_pair = {.name = "tls", .tls = true};

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_close(self, s->stream));
}

static void end_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_end(self, s->stream));
}

static void send_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    (void)kit_send(self, s, 16 << 10);
}

static void run_on(const kit_transport *by, kit_side *a, kit_side *b)
{
    kit_run(&(kit_world){.by = by, .a = a, .b = b});
}

/* ---- what it carries */

static void check_about(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_tls_info info;
    (void)msg;
    CHECK_OK(weft_tls_about(self, s->stream, &info));
    CHECK(info.up);
    CHECK_STR(info.version, "TLSv1.3");
    CHECK_STR(info.alpn, "");
}

static void a_mebibyte_goes_both_ways_at_the_same_time(void)
{
    kit_side a = {.opened = send_it, .total = 1 << 20, .end_when_sent = true, .data = check_about};
    kit_side b = a;
    run_on(&tls_pair, &a, &b);
    CHECK_U64(a.got, 1 << 20);
    CHECK_U64(b.got, 1 << 20);
    CHECK_STR(a.log, "odec");
    CHECK_STR(b.log, "odec");
    CHECK_ERR(a.reason, WEFT_EDONE);
    CHECK_ERR(b.reason, WEFT_EDONE);
}

static void nothing_is_told_of_a_stream_without_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_tls_info info;
    CHECK_ERR(weft_tls_about(self, s->stream, &info), WEFT_ENOTFOUND);
    CHECK_ERR(weft_tls_about(self, WEFT_NOBODY, &info), WEFT_EGONE);
    close_it(self, s, msg);
}

static void a_stream_without_tls_says_so(void)
{
    kit_side a = {.opened = nothing_is_told_of_a_stream_without_it}, b = {.ended = close_it};
    run_on(&pair, &a, &b);
}

/* ---- whom it trusts */

static weft_tls *one_side, *other_side;
static const char *expected_host;

static void push(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_why why = {""};
    bool client = s == s->world->a;
    (void)msg;
    CHECK_OK(weft_tls_push(self, s->stream, client ? one_side : other_side,
                           client ? expected_host : NULL, &why));
    s->total = 5;
    CHECK_OK(kit_send(self, s, 5));
}

/* Takes both. */
static void shake_hands(weft_tls *client, weft_tls *server, const char *host, kit_side *a,
                        kit_side *b)
{
    one_side = client;
    other_side = server;
    expected_host = host;
    a->opened = b->opened = push;
    a->ended = b->ended = close_it;
    run_on(&pair, a, b);
    weft_tls_drop(&one_side);
    weft_tls_drop(&other_side);
}

static void a_certificate_that_nobody_trusts_is_refused_by_both_with_a_reason(void)
{
    kit_side a = {.count = 0}, b = {.count = 0};
    shake_hands(kit_tls_client(), kit_tls_stranger(), "localhost", &a, &b);
    CHECK_ERR(a.reason, WEFT_ETLS);
    CHECK(strstr(a.why, "certificate is not accepted") != NULL);
    CHECK_U64(a.got + b.got, 0);
    /* the alert arrived before the end */
    CHECK_ERR(b.reason, WEFT_ETLS);
    CHECK(strstr(b.why, "alert") != NULL);
}

static void a_certificate_of_another_host_is_refused(void)
{
    kit_side a = {.count = 0}, b = {.count = 0};
    shake_hands(kit_tls_client(), kit_tls_server(), "other.example", &a, &b);
    CHECK_ERR(a.reason, WEFT_ETLS);
    CHECK(strstr(a.why, "ostname") != NULL);
    CHECK_ERR(b.reason, WEFT_ETLS);

    kit_side c = {.count = 0}, d = {.count = 0};
    shake_hands(kit_tls_client(), kit_tls_server(), "127.0.0.1", &c, &d);
    CHECK_ERR(c.reason, WEFT_ETLS);
}

static void a_client_that_verifies_nothing_takes_it(void)
{
    kit_side a = {.data = close_it}, b = {.count = 0};
    weft_tls *client = NULL;
    CHECK_OK(weft_tls_client(&(weft_tls_config){.unverified = true}, &client, NULL));
    shake_hands(client, kit_tls_stranger(), NULL, &a, &b);
    CHECK_U64(a.got, 5);
    CHECK_ERR(a.reason, WEFT_EDONE);
}

static void push_without_host(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_why why = {""};
    weft_tls *client = kit_tls_client();
    CHECK_ERR(weft_tls_push(self, s->stream, client, NULL, &why), WEFT_EINVAL);
    CHECK(strstr(why.text, "whom") != NULL);
    weft_tls_drop(&client);
    /* and the stream is what it was */
    s->total = 5;
    send_it(self, s, msg);
    end_it(self, s, msg);
}

static void a_client_must_say_whom_it_expects(void)
{
    kit_side a = {.opened = push_without_host}, b = {.ended = close_it};
    run_on(&pair, &a, &b);
    CHECK_U64(b.got, 5);
}

/* ---- ALPN */

static void check_alpn(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_tls_info info;
    CHECK_OK(weft_tls_about(self, s->stream, &info));
    CHECK_STR(info.alpn, "h2");
    if (s == s->world->a)
        close_it(self, s, msg);
}

static void the_server_chooses_what_both_speak(void)
{
    static const char *const ours[] = {"h2", "http/1.1", NULL}, *const theirs[] = {"x", "h2", NULL};
    static const char *const others[] = {"smtp", NULL};
    test_certificate c;
    test_certificate_make("localhost", &c);
    weft_tls_config config = {.certificate_pem = c.certificate, .key_pem = c.key, .alpn = ours};
    weft_tls *server = NULL, *client = NULL;
    CHECK_OK(weft_tls_server(&config, &server, NULL));
    CHECK_OK(weft_tls_client(&(weft_tls_config){.trust_pem = c.certificate, .alpn = theirs},
                             &client, NULL));
    kit_side a = {.data = check_alpn}, b = {.data = check_alpn};
    shake_hands(client, weft_tls_share(server), "localhost", &a, &b);
    CHECK_U64(a.got, 5);

    CHECK_OK(weft_tls_client(&(weft_tls_config){.trust_pem = c.certificate, .alpn = others},
                             &client, NULL));
    kit_side d = {.count = 0}, e = {.count = 0};
    shake_hands(client, server, "localhost", &d, &e);
    CHECK_ERR(d.reason, WEFT_ETLS);
    CHECK_ERR(e.reason, WEFT_ETLS);
}

/* ---- ends that are none */

static void an_end_in_the_handshake_is_a_truncation(void)
{
    kit_side a = {.ended = close_it}, b = {.plain = true, .raw = true, .data = end_it};
    run_on(&tls_pair, &a, &b);
    CHECK_ERR(a.reason, WEFT_ETRUNCATED);
    CHECK(strstr(a.why, "handshake") != NULL);
}

static void bytes_that_are_no_tls_are_refused(void)
{
    kit_side a = {.plain = true, .raw = true, .opened = send_it, .total = 100, .ended = close_it};
    kit_side b = {.ended = close_it};
    run_on(&tls_pair, &a, &b);
    CHECK_ERR(b.reason, WEFT_ETLS);
    CHECK_U64(b.got, 0);
}

static bool cut_now;

/* A stage that passes everything on, and when told says that the wire has ended where it has not. */
static weft_err cut_up(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    (void)why;
    if (cut_now)
        out->kind = WEFT_PIECE_END;
    else if (in.size != 0) {
        *out = (weft_piece){.kind = WEFT_PIECE_BYTES, .bytes = weft_bytes_share(in)};
        weft_stage_take(stage, in.size);
    }
    return WEFT_OK;
}

static const weft_stage_ops cutter = {.name = "cutter", .up = cut_up};

static void put_cutter(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    cut_now = false;
    CHECK_OK(weft_push(self, s->stream, &cutter, NULL, WEFT_STAGE_BOTTOM, NULL));
}

static void cut_after_data(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)self, (void)s, (void)msg;
    cut_now = true;
}

static void an_end_without_a_close_notify_is_a_truncation(void)
{
    kit_side a = {.opened = send_it, .total = 5, .end_when_sent = true, .ended = close_it};
    kit_side b = {.opened = put_cutter, .data = cut_after_data};
    run_on(&tls_pair, &a, &b);
    CHECK_ERR(b.reason, WEFT_ETRUNCATED);
    CHECK(strstr(b.why, "close_notify") != NULL);
    CHECK_STR(b.log, "odc");
}

/* ---- STARTTLS: from a known byte on */

typedef struct talk {
    kit_side side;
    bool inject;
    weft_err pushed;
    char heard[64];
} talk;

static talk talks[2];

static void frame_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_why why;
    (void)msg;
    CHECK_OK(weft_frame_by(self, s->stream, &weft_lines, NULL, &why));
    if (s == s->world->a)
        CHECK_OK(weft_write_text(self, s->stream,
                                 talks[0].inject ? "STARTTLS\r\nEVIL\r\n" : "STARTTLS\r\n"));
}

static talk *talk_of(kit_side *s)
{
    return s == s->world->a ? &talks[0] : &talks[1];
}

static void hear(weft_actor *self, kit_side *s, weft_msg *msg)
{
    const weft_data *line = weft_body(msg);
    talk *t = talk_of(s);
    weft_why why = {""};
    weft_tls *tls = s == s->world->a ? kit_tls_client() : kit_tls_server();
    size_t n = strlen(t->heard);
    (void)snprintf(t->heard + n, sizeof t->heard - n, "%.*s.", (int)line->bytes.size,
                   (const char *)line->bytes.at);
    if (strstr(t->heard, "secret") != NULL) {
        CHECK_OK(weft_close(self, s->stream));
    } else if (s == s->world->b) {
        t->pushed = WEFT_OK;
        CHECK_OK(weft_write_text(self, s->stream, "go\r\n"));
        t->pushed = weft_tls_push(self, s->stream, tls, NULL, &why);
        if (t->pushed != WEFT_OK) {
            CHECK(strstr(why.text, "6 bytes") != NULL);
            CHECK_OK(weft_abort(self, s->stream, t->pushed));
        }
    } else {
        CHECK_OK(weft_tls_push(self, s->stream, tls, "localhost", &why));
        CHECK_OK(weft_write_text(self, s->stream, "secret\r\n"));
    }
    weft_tls_drop(&tls);
}

static weft_err on_line(weft_actor *self, weft_msg *msg)
{
    kit_side *s = (kit_side *)(uintptr_t)weft_config(self);
    hear(self, s, msg);
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    kit_side *s = (kit_side *)(uintptr_t)weft_config(self);
    s->stream = ((const weft_opened *)weft_body(msg))->stream;
    frame_it(self, s, msg);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    kit_side *s = (kit_side *)(uintptr_t)weft_config(self);
    const weft_closed *closed = weft_body(msg);
    s->reason = closed->reason;
    if (++s->world->seen == 2)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static const weft_handler talk_rows[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_line_type, .fn = on_line},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};
static const weft_behaviour talker = {.name = "talker", .handlers = talk_rows};

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    weft_ref out[2];
    (void)msg;
    CHECK_OK(weft_pair(self, weft_spawn(self, &talker, &talks[0].side),
                       weft_spawn(self, &talker, &talks[1].side), out));
    return WEFT_OK;
}

static const weft_handler starter_rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour starter = {.name = "starter", .handlers = starter_rows};

static void run_talk(bool inject)
{
    kit_world w = {.by = &pair, .a = &talks[0].side, .b = &talks[1].side};
    memset(talks, 0, sizeof talks);
    talks[0].inject = inject;
    talks[0].side.world = talks[1].side.world = &w;
    weft_system *sys = weft_system_new(&(weft_system_options){.no_signals = true});
    REQUIRE(sys != NULL);
    CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &starter, &w)));
    CHECK_I64(weft_run(&sys), 0);
}

static void tls_begins_behind_a_line_and_the_lines_go_on_within_it(void)
{
    run_talk(false);
    CHECK_STR(talks[0].heard, "go.");
    CHECK_STR(talks[1].heard, "STARTTLS.secret.");
    CHECK_ERR(talks[0].side.reason, WEFT_EDONE);
    CHECK_ERR(talks[1].side.reason, WEFT_EDONE);
}

static void bytes_that_came_behind_the_command_are_refused(void)
{
    run_talk(true);
    CHECK_ERR(talks[1].pushed, WEFT_EPROTO);
    CHECK_STR(talks[1].heard, "STARTTLS.");
    CHECK_ERR(talks[1].side.reason, WEFT_EPROTO);
}

/* ---- what it is made of */

static void sides_that_cannot_be_are_refused_with_a_sentence(void)
{
    test_certificate c, other;
    weft_tls *tls = NULL;
    weft_why why;
    test_certificate_make("localhost", &c);
    test_certificate_make("localhost", &other);
    CHECK_ERR(weft_tls_server(NULL, &tls, &why), WEFT_EINVAL);
    CHECK(strstr(why.text, "certificate") != NULL);
    CHECK_ERR(
        weft_tls_server(&(weft_tls_config){.certificate_pem = c.certificate, .key_pem = other.key},
                        &tls, &why),
        WEFT_EINVAL);
    CHECK_ERR(weft_tls_server(&(weft_tls_config){.certificate_pem = "nonsense", .key_pem = c.key},
                              &tls, &why),
              WEFT_EINVAL);
    CHECK_ERR(
        weft_tls_server(&(weft_tls_config){.certificate_file = "/nowhere/at/all", .key_pem = c.key},
                        &tls, &why),
        WEFT_ENOTFOUND);
    CHECK(strstr(why.text, "/nowhere/at/all") != NULL);
    CHECK_ERR(weft_tls_client(&(weft_tls_config){.trust_pem = c.key}, &tls, &why), WEFT_EINVAL);
    static const char *const empty[] = {"", NULL};
    CHECK_ERR(weft_tls_client(&(weft_tls_config){.alpn = empty}, &tls, &why), WEFT_EINVAL);
    CHECK(tls == NULL);
}

static const test_case cases[] = {
    TEST(a_mebibyte_goes_both_ways_at_the_same_time),
    TEST(a_stream_without_tls_says_so),
    TEST(a_certificate_that_nobody_trusts_is_refused_by_both_with_a_reason),
    TEST(a_certificate_of_another_host_is_refused),
    TEST(a_client_that_verifies_nothing_takes_it),
    TEST(a_client_must_say_whom_it_expects),
    TEST(the_server_chooses_what_both_speak),
    TEST(an_end_in_the_handshake_is_a_truncation),
    TEST(bytes_that_are_no_tls_are_refused),
    TEST(an_end_without_a_close_notify_is_a_truncation),
    TEST(tls_begins_behind_a_line_and_the_lines_go_on_within_it),
    TEST(bytes_that_came_behind_the_command_are_refused),
    TEST(sides_that_cannot_be_are_refused_with_a_sentence),
    {0},
};

const test_suite tls_stage_suite = {.name = "actors/tls stage", .cases = cases};
