/* SPDX-License-Identifier: MIT */
/* A server's records behind its handshake, against OpenSSL's own client: new keys, padding, what was changed on
 * its way, what is no record. */
#include "actors/tls_client.h"

static const kit_transport by = {.name = "tls", .tls = true};
static tls_client client;

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_close(self, s->stream));
}

static void run(kit_side *b)
{
    tls_client_run(&client, &by, b);
}

static void echo(weft_actor *self, kit_side *s, weft_msg *msg)
{
    CHECK_OK(weft_write(self, s->stream, ((const weft_data *)weft_body(msg))->bytes));
}

/* ---- what it carries */

enum { ALL = 100000 };

static void say_all(tls_client *c)
{
    tls_client_say(c, 0, ALL);
}

static void end_when_all_came(tls_client *c, size_t bytes)
{
    if (bytes == ALL && (SSL_get_shutdown(c->ssl) & SSL_SENT_SHUTDOWN) == 0)
        CHECK(SSL_shutdown(c->ssl) >= 0);
}

static void check_echo(const kit_side *b)
{
    CHECK_U64(client.got, ALL);
    CHECK_U64(b->got, ALL);
    CHECK(client.ended);
    CHECK_U64(client.reason, 0);
    CHECK_STR(b->log, "odec");
    CHECK_ERR(b->reason, WEFT_EDONE);
}

static void check_suite(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_tls_info info;
    CHECK_OK(weft_tls_about(self, s->stream, &info));
    CHECK(info.up && info.server && !info.resumed);
    CHECK_STR(info.version, "TLSv1.3");
    CHECK_STR(info.cipher, client.suite);
    CHECK_STR(info.host, "");
    CHECK(!info.peer.given);
    echo(self, s, msg);
}

static void every_suite_is_spoken(void)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                         "TLS_CHACHA20_POLY1305_SHA256"};
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        kit_side b = {.data = check_suite, .ended = close_it};
        client = (tls_client){.suite = suites[i], .up = say_all, .heard = end_when_all_came};
        run(&b);
        check_echo(&b);
    }
}

static void pad_and_say(tls_client *c)
{
    CHECK(SSL_set_block_padding(c->ssl, 1000) == 1);
    tls_client_say(c, 0, ALL);
}

static void padding_is_taken_off(void)
{
    kit_side b = {.data = echo, .ended = close_it};
    client = (tls_client){.up = pad_and_say, .heard = end_when_all_came};
    run(&b);
    check_echo(&b);
}

/* ---- new keys */

static void say_with_new_keys(tls_client *c)
{
    tls_client_say(c, 0, 10);
    tls_client_renew(c, SSL_KEY_UPDATE_NOT_REQUESTED);
    tls_client_say(c, 10, 20);
    tls_client_renew(c, SSL_KEY_UPDATE_REQUESTED);
    tls_client_renew(c, SSL_KEY_UPDATE_REQUESTED);
    tls_client_say(c, 20, ALL);
}

static void a_peer_may_renew_its_keys_and_ask_for_others(void)
{
    kit_side b = {.data = echo, .ended = close_it};
    client = (tls_client){.up = say_with_new_keys, .heard = end_when_all_came};
    run(&b);
    check_echo(&b);
    CHECK_U64(client.updates, 2); /* those that were asked for */
}

static void keys_are_renewed_before_they_have_sealed_too_much(void)
{
    uint64_t max = wf_tls_records_max;
    kit_side b = {.data = echo, .ended = close_it};
    client = (tls_client){.up = say_all, .heard = end_when_all_came};
    wf_tls_records_max = 3;
    run(&b);
    wf_tls_records_max = max;
    check_echo(&b);
    CHECK(client.updates != 0);
}

/* ---- what is refused, and what the peer is told of it */

static void say_ten(tls_client *c)
{
    tls_client_say(c, 0, 10);
}

static void flip_a_bit(uint8_t *records, size_t bytes)
{
    records[bytes - 20] ^= 1;
}

static void check_refused(void (*change)(uint8_t *, size_t), const char *why, int reason)
{
    kit_side b = {.data = echo, .ended = close_it};
    client = (tls_client){.up = say_ten, .change = change};
    run(&b);
    CHECK_U64(b.got, 0);
    CHECK_ERR(b.reason, WEFT_ETLS);
    if (strstr(b.why, why) == NULL)
        CHECK_STR(b.why, why);
    CHECK_U64(client.reason, reason);
}

/* The last record is the one of ten bytes; before it stand those of the handshake. */
static uint8_t *last_record(uint8_t *records, size_t bytes)
{
    return records + bytes - (5 + 10 + 1 + 16);
}

static void make_plain(uint8_t *records, size_t bytes)
{
    last_record(records, bytes)[0] = 22;
}

static void make_long(uint8_t *records, size_t bytes)
{
    last_record(records, bytes)[3] = 0x41;
    last_record(records, bytes)[4] = 0x01;
}

static void make_short(uint8_t *records, size_t bytes)
{
    last_record(records, bytes)[4] = 16;
}

static void a_record_that_was_changed_is_refused_with_an_alert(void)
{
    check_refused(flip_a_bit, "changed on its way", SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
}

static void what_is_no_record_is_refused_with_an_alert(void)
{
    check_refused(make_plain, "no record", SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE);
    check_refused(make_long, "too long", SSL_R_TLSV1_ALERT_RECORD_OVERFLOW);
    check_refused(make_short, "too short", SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
}

static const test_case cases[] = {
    TEST(every_suite_is_spoken),
    TEST(padding_is_taken_off),
    TEST(a_peer_may_renew_its_keys_and_ask_for_others),
    TEST(keys_are_renewed_before_they_have_sealed_too_much),
    TEST(a_record_that_was_changed_is_refused_with_an_alert),
    TEST(what_is_no_record_is_refused_with_an_alert),
    {0},
};

const test_suite tls_records_suite = {.name = "actors/tls records", .cases = cases};
