/* SPDX-License-Identifier: MIT */
/* A server's records behind its handshake, against OpenSSL's own client: new keys, padding, what was changed on
 * its way, what is no record. */
#include "actors/stream_kit.h"
#include "tls/tls_parts.h"

static const kit_transport by = {.name = "tls", .tls = true};

/* The client: OpenSSL over memory, whose records side a takes to the stream and back. */
static struct client {
    SSL_CTX *ctx;
    SSL *ssl;
    const char *suite;
    void (*up)(struct client *c);                   /* the handshake is over */
    void (*heard)(struct client *c, size_t bytes);  /* so much has come so far */
    void (*change)(uint8_t *records, size_t bytes); /* of what is sent, once */
    bool is_up, ended;
    size_t got, wrong;
    unsigned reason;  /* of the failure of its last read; 0: none */
    unsigned updates; /* new keys that the server told of */
} client;

static void count_updates(int sent, int version, int type, const void *at, size_t size, SSL *ssl,
                          void *context)
{
    struct client *c = context;
    (void)version, (void)ssl;
    if (!sent && type == SSL3_RT_HANDSHAKE && size != 0 && *(const uint8_t *)at == 24)
        c->updates++;
}

static void begin(struct client *c)
{
    c->ctx = SSL_CTX_new(TLS_client_method());
    REQUIRE(c->ctx != NULL);
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_msg_callback(c->ctx, count_updates);
    SSL_CTX_set_msg_callback_arg(c->ctx, c);
    if (c->suite != NULL)
        CHECK(SSL_CTX_set_ciphersuites(c->ctx, c->suite) == 1);
    c->ssl = SSL_new(c->ctx);
    REQUIRE(c->ssl != NULL);
    SSL_set_bio(c->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(c->ssl);
}

static void end(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    ERR_clear_error();
}

static void step(struct client *c)
{
    uint8_t in[4096];
    int n;
    ERR_clear_error();
    if (!c->is_up) {
        if (SSL_do_handshake(c->ssl) != 1)
            return;
        c->is_up = true;
        c->up(c);
    }
    while (ERR_clear_error(), (n = SSL_read(c->ssl, in, sizeof in)) > 0) {
        for (int i = 0; i < n; i++)
            c->wrong += in[i] != kit_byte(c->got + (size_t)i);
        c->got += (size_t)n;
    }
    int code = SSL_get_error(c->ssl, n);
    c->ended = c->ended || code == SSL_ERROR_ZERO_RETURN;
    if (code == SSL_ERROR_SSL)
        c->reason = (unsigned)ERR_GET_REASON(ERR_peek_error());
    if (c->heard != NULL)
        c->heard(c, c->got);
}

static void flush(weft_actor *self, kit_side *s)
{
    char *at;
    long n = BIO_get_mem_data(SSL_get_wbio(client.ssl), &at);
    if (n <= 0)
        return;
    if (client.is_up && client.change != NULL) {
        client.change((uint8_t *)at, (size_t)n);
        client.change = NULL;
    }
    weft_err err = weft_write_copy(self, s->stream, at, (size_t)n);
    CHECK(err == WEFT_OK || err == WEFT_EGONE);
    (void)BIO_reset(SSL_get_wbio(client.ssl));
}

static void on_open(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    step(&client);
    flush(self, s);
}

static void on_records(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_bytes bytes = ((const weft_data *)weft_body(msg))->bytes;
    CHECK(BIO_write(SSL_get_rbio(client.ssl), bytes.at, (int)bytes.size) == (int)bytes.size);
    step(&client);
    flush(self, s);
}

static void close_it(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_close(self, s->stream));
}

/* Side b, the server, is what the kit makes of it. */
static void run(kit_side *b)
{
    kit_side a = {.plain = true, .raw = true, .opened = on_open, .data = on_records};
    a.ended = close_it;
    begin(&client);
    kit_run(&(kit_world){.by = &by, .a = &a, .b = b});
    CHECK_U64(client.wrong, 0);
    end(&client);
}

static void echo(weft_actor *self, kit_side *s, weft_msg *msg)
{
    CHECK_OK(weft_write(self, s->stream, ((const weft_data *)weft_body(msg))->bytes));
}

/* ---- what it carries */

enum { ALL = 100000, PART = 5000 };

static void say(struct client *c, size_t from, size_t to)
{
    for (size_t n; from < to; from += n) {
        uint8_t text[PART];
        n = to - from < PART ? to - from : PART;
        for (size_t i = 0; i < n; i++)
            text[i] = kit_byte(from + i);
        CHECK(SSL_write(c->ssl, text, (int)n) == (int)n);
    }
}

static void say_all(struct client *c)
{
    say(c, 0, ALL);
}

static void end_when_all_came(struct client *c, size_t bytes)
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
        client = (struct client){.suite = suites[i], .up = say_all, .heard = end_when_all_came};
        run(&b);
        check_echo(&b);
    }
}

static void pad_and_say(struct client *c)
{
    CHECK(SSL_set_block_padding(c->ssl, 1000) == 1);
    say(c, 0, ALL);
}

static void padding_is_taken_off(void)
{
    kit_side b = {.data = echo, .ended = close_it};
    client = (struct client){.up = pad_and_say, .heard = end_when_all_came};
    run(&b);
    check_echo(&b);
}

/* ---- new keys */

static void renew(struct client *c, int how)
{
    CHECK(SSL_key_update(c->ssl, how) == 1);
    CHECK(SSL_do_handshake(c->ssl) == 1);
}

static void say_with_new_keys(struct client *c)
{
    say(c, 0, 10);
    renew(c, SSL_KEY_UPDATE_NOT_REQUESTED);
    say(c, 10, 20);
    renew(c, SSL_KEY_UPDATE_REQUESTED);
    renew(c, SSL_KEY_UPDATE_REQUESTED);
    say(c, 20, ALL);
}

static void a_peer_may_renew_its_keys_and_ask_for_others(void)
{
    kit_side b = {.data = echo, .ended = close_it};
    client = (struct client){.up = say_with_new_keys, .heard = end_when_all_came};
    run(&b);
    check_echo(&b);
    CHECK_U64(client.updates, 2); /* those that were asked for */
}

static void keys_are_renewed_before_they_have_sealed_too_much(void)
{
    uint64_t max = wf_tls_records_max;
    kit_side b = {.data = echo, .ended = close_it};
    client = (struct client){.up = say_all, .heard = end_when_all_came};
    wf_tls_records_max = 3;
    run(&b);
    wf_tls_records_max = max;
    check_echo(&b);
    CHECK(client.updates != 0);
}

/* ---- what is refused, and what the peer is told of it */

static void say_ten(struct client *c)
{
    say(c, 0, 10);
}

static void flip_a_bit(uint8_t *records, size_t bytes)
{
    records[bytes - 20] ^= 1;
}

static void check_refused(void (*change)(uint8_t *, size_t), const char *why, int reason)
{
    kit_side b = {.data = echo, .ended = close_it};
    client = (struct client){.up = say_ten, .change = change};
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
