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
    CHECK_U64(client.updates, 1); /* one for both that were asked for together */
    CHECK_U64(client.asked, 0);
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
    CHECK(client.updates > client.asked);
    CHECK(client.asked != 0); /* OpenSSL, which does not renew its own by itself, is asked to */
}

/* A server that says nothing while its client uploads. */
static void end_when_asked_twice(tls_client *c, size_t bytes)
{
    (void)bytes;
    if (c->asked >= 2 && (SSL_get_shutdown(c->ssl) & SSL_SENT_SHUTDOWN) == 0)
        CHECK(SSL_shutdown(c->ssl) >= 0);
    else if (c->asked < 2)
        tls_client_say(c, 0, ALL);
}

static void a_silent_server_asks_for_new_keys_too(void)
{
    uint64_t max = wf_tls_records_max;
    kit_side b = {.raw = true, .ended = close_it};
    client = (tls_client){.up = say_all, .heard = end_when_asked_twice};
    wf_tls_records_max = 3;
    run(&b);
    wf_tls_records_max = max;
    CHECK_ERR(b.reason, WEFT_EDONE);
    CHECK_U64(client.asked, 2);
    CHECK_U64(client.updates, 2);
}

static void seal_update(tls_sealer *s, uint8_t request, uint8_t *to, size_t *n)
{
    *n += tls_sealer_seal(s, 22, (uint8_t[]){24, 0, 0, 1, request}, 5, 0, to + *n);
}

static void seal_text(tls_sealer *s, size_t at, size_t size, uint8_t *to, size_t *n)
{
    uint8_t text[64];
    for (size_t i = 0; i < size; i++)
        text[i] = kit_byte(at + i);
    *n += tls_sealer_seal(s, 23, text, size, 0, to + *n);
}

/* As many as are borne between data, whose answer is one each, and that twice. */
static void forge_many(tls_sealer *s, uint8_t *to, size_t *n)
{
    for (size_t i = 0; i < 2; i++) {
        for (int k = 0; k < 32; k++) {
            seal_update(s, 1, to, n);
            tls_sealer_update(s);
        }
        seal_text(s, 10 * i, 10, to, n);
    }
    *n += tls_sealer_seal(s, 21, (uint8_t[]){1, 0}, 2, 0, to + *n);
}

static void many_that_ask_for_new_keys_get_one_answer(void)
{
    kit_side b = {.data = echo, .ended = close_it};
    client = (tls_client){.forge = forge_many};
    run(&b);
    CHECK_U64(b.got, 20);
    CHECK_U64(client.got, 20);
    CHECK_U64(client.updates, 1); /* all came before the first data was told */
    CHECK_ERR(b.reason, WEFT_EDONE);
}

/* ---- what was agreed on of records */

static void records_are_as_small_as_the_client_asked(void)
{
    kit_side b = {.data = echo, .ended = close_it};
    client = (tls_client){
        .up = say_all, .heard = end_when_all_came, .fragment = TLSEXT_max_fragment_length_512};
    run(&b);
    check_echo(&b);
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

/* Records with the right keys, which OpenSSL's client does not make. */
static void check_forged(void (*forge)(tls_sealer *, uint8_t *, size_t *), const char *why,
                         int reason)
{
    kit_side b = {.data = echo, .ended = close_it};
    client = (tls_client){.forge = forge};
    run(&b);
    CHECK_ERR(b.reason, WEFT_ETLS);
    if (strstr(b.why, why) == NULL)
        CHECK_STR(b.why, why);
    CHECK_U64(client.reason, reason);
    CHECK_U64(client.alerts, 1);
}

static void forge_unknown_request(tls_sealer *s, uint8_t *to, size_t *n)
{
    seal_update(s, 2, to, n);
}

static void forge_long_update(tls_sealer *s, uint8_t *to, size_t *n)
{
    *n = tls_sealer_seal(s, 22, (uint8_t[]){24, 0, 0, 2, 0, 0}, 6, 0, to);
}

static void forge_two_updates(tls_sealer *s, uint8_t *to, size_t *n)
{
    *n = tls_sealer_seal(s, 22, (uint8_t[]){24, 0, 0, 1, 0, 24, 0, 0, 1, 0}, 10, 0, to);
}

static void forge_finished(tls_sealer *s, uint8_t *to, size_t *n)
{
    *n = tls_sealer_seal(s, 22, (uint8_t[]){20, 0, 0, 32}, 4, 0, to);
}

static void forge_data_within(tls_sealer *s, uint8_t *to, size_t *n)
{
    *n = tls_sealer_seal(s, 22, (uint8_t[]){24, 0}, 2, 0, to);
    seal_text(s, 0, 10, to, n);
}

static void forge_change_cipher_spec(tls_sealer *s, uint8_t *to, size_t *n)
{
    *n = tls_sealer_seal(s, 20, (uint8_t[]){1}, 1, 0, to);
}

static void forge_plain_change_cipher_spec(tls_sealer *s, uint8_t *to, size_t *n)
{
    (void)s;
    memcpy(to, (uint8_t[]){20, 3, 3, 0, 1, 1}, 6);
    *n = 6;
}

static void forge_padding_alone(tls_sealer *s, uint8_t *to, size_t *n)
{
    *n = tls_sealer_seal(s, 0, NULL, 0, 100, to);
}

static void forge_too_much_padding(tls_sealer *s, uint8_t *to, size_t *n)
{
    *n = tls_sealer_seal(s, 23, (uint8_t[]){0}, 1, 1 << 14, to);
}

static void forge_empty_ones(tls_sealer *s, uint8_t *to, size_t *n)
{
    for (int i = 0; i < 33; i++)
        *n += tls_sealer_seal(s, 23, NULL, 0, 0, to + *n);
}

static void forge_long_alert(tls_sealer *s, uint8_t *to, size_t *n)
{
    *n = tls_sealer_seal(s, 21, (uint8_t[]){1, 0, 0}, 3, 0, to);
}

static void what_no_peer_may_say_is_refused_with_its_alert(void)
{
    check_forged(forge_unknown_request, "not known", SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER);
    check_forged(forge_long_update, "one byte", SSL_R_TLSV1_ALERT_DECODE_ERROR);
    check_forged(forge_two_updates, "behind", SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE);
    check_forged(forge_finished, "over", SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE);
    check_forged(forge_data_within, "within", SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE);
    check_forged(forge_change_cipher_spec, "none", SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE);
    check_forged(forge_plain_change_cipher_spec, "no record", SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE);
    check_forged(forge_padding_alone, "padding", SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE);
    check_forged(forge_too_much_padding, "too long", SSL_R_TLSV1_ALERT_RECORD_OVERFLOW);
    check_forged(forge_empty_ones, "without data", SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE);
    check_forged(forge_long_alert, "two bytes", SSL_R_TLSV1_ALERT_DECODE_ERROR);
}

/* As much padding as a record may have, with and without data, in pieces of a message. */
static void forge_all_that_is_allowed(tls_sealer *s, uint8_t *to, size_t *n)
{
    *n = tls_sealer_seal(s, 23, NULL, 0, 1 << 14, to);
    seal_text(s, 0, 10, to, n);
    *n += tls_sealer_seal(s, 22, (uint8_t[]){24, 0}, 2, 7, to + *n);
    *n += tls_sealer_seal(s, 22, (uint8_t[]){0, 1, 0}, 3, 0, to + *n);
    tls_sealer_update(s);
    seal_text(s, 10, 10, to, n);
    *n += tls_sealer_seal(s, 21, (uint8_t[]){1, 90}, 2, 0, to + *n);
    *n += tls_sealer_seal(s, 21, (uint8_t[]){1, 0}, 2, 0, to + *n);
    seal_text(s, 50, 10, to, n); /* behind a close_notify: not heard */
}

static void what_a_peer_may_say_is_heard(void)
{
    kit_side b = {.data = echo, .ended = close_it};
    client = (tls_client){.forge = forge_all_that_is_allowed};
    run(&b);
    CHECK_U64(b.got, 20);
    CHECK_U64(client.got, 20);
    CHECK_U64(client.reason, 0);
    CHECK(client.ended);
    CHECK_ERR(b.reason, WEFT_EDONE);
}

/* ---- behind a fatal alert nothing is said */

static void forge_good_and_bad(tls_sealer *s, uint8_t *to, size_t *n)
{
    seal_text(s, 0, 10, to, n);
    *n += tls_sealer_seal(s, 20, (uint8_t[]){1}, 1, 0, to + *n);
}

/* SSL reads no more once it has read the alert. */
static size_t left_behind;

static void look_behind(tls_client *c, size_t bytes)
{
    (void)bytes;
    left_behind = BIO_ctrl_pending(SSL_get_rbio(c->ssl));
}

static void nothing_is_said_behind_a_fatal_alert(void)
{
    kit_side b = {.data = echo, .ended = close_it};
    client = (tls_client){.forge = forge_good_and_bad, .heard = look_behind};
    run(&b);
    CHECK_U64(b.got, 10);
    CHECK_U64(client.got, 0);
    CHECK_U64(left_behind, 0);
    CHECK_U64(client.reason, SSL_R_SSLV3_ALERT_UNEXPECTED_MESSAGE);
    CHECK_ERR(b.reason, WEFT_ETLS);
}

/* ---- what is heard of secrets */

static tls_state heard_of(SSL *ssl, const char *theirs, const char *ours)
{
    tls_state s = {.ssl = ssl};
    CHECK(SSL_set_app_data(ssl, &s) == 1);
    wf_tls_records_hear(ssl, theirs);
    wf_tls_records_hear(ssl, ours);
    return s;
}

#define HEX_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define THEIRS "CLIENT_TRAFFIC_SECRET_0 00 "
#define OURS "SERVER_TRAFFIC_SECRET_0 00 "

static void only_what_is_a_secret_is_taken_for_one(void)
{
    static const struct {
        const char *theirs, *ours;
        bool good;
    } rows[] = {
        {THEIRS HEX_32, OURS HEX_32, true},
        {THEIRS HEX_32, OURS "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
         true},
        {THEIRS HEX_32, "EXPORTER_SECRET 00 " HEX_32, false},
        {THEIRS HEX_32, OURS HEX_32 "0", false},
        {THEIRS HEX_32, OURS HEX_32 "00", false},
        {THEIRS HEX_32 "00", OURS HEX_32 "00", false},
        {THEIRS, OURS HEX_32, false},
        {THEIRS HEX_32, OURS "0001020304050607 8090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
         false},
        {THEIRS HEX_32, OURS "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
         false},
        {THEIRS HEX_32 HEX_32 HEX_32, OURS HEX_32 HEX_32 HEX_32, false},
    };
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL *ssl = SSL_new(ctx);
    REQUIRE(ssl != NULL);
    const SSL_CIPHER *suite = SSL_CIPHER_find(ssl, (const unsigned char[]){0x13, 0x01});
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tls_state s = heard_of(ssl, rows[i].theirs, rows[i].ours);
        if (wf_tls_records_start(s.records, suite, 0) != rows[i].good)
            CHECK_U64(i, SIZE_MAX);
        wf_tls_records_drop(&s.records);
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
}

static const test_case cases[] = {
    TEST(every_suite_is_spoken),
    TEST(padding_is_taken_off),
    TEST(a_peer_may_renew_its_keys_and_ask_for_others),
    TEST(keys_are_renewed_before_they_have_sealed_too_much),
    TEST(a_silent_server_asks_for_new_keys_too),
    TEST(many_that_ask_for_new_keys_get_one_answer),
    TEST(records_are_as_small_as_the_client_asked),
    TEST(a_record_that_was_changed_is_refused_with_an_alert),
    TEST(what_is_no_record_is_refused_with_an_alert),
    TEST(what_no_peer_may_say_is_refused_with_its_alert),
    TEST(what_a_peer_may_say_is_heard),
    TEST(nothing_is_said_behind_a_fatal_alert),
    TEST(only_what_is_a_secret_is_taken_for_one),
    {0},
};

const test_suite tls_records_suite = {.name = "actors/tls records", .cases = cases};
