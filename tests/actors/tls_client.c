/* SPDX-License-Identifier: MIT */
/* The client that the tests of a server's records have: side a takes its records to the stream and back. */
#include "actors/tls_client.h"

static tls_client *client;

/* The client's own secret. */
static void on_secret(const SSL *ssl, const char *line)
{
    static const char label[] = "CLIENT_TRAFFIC_SECRET_0 ";
    tls_sealer *s = &client->sealer;
    (void)ssl;
    if (client->forge == NULL || strncmp(line, label, sizeof label - 1) != 0)
        return;
    const char *at = strrchr(line, ' ') + 1;
    s->secret_bytes = strlen(at) / 2;
    s->cipher = "AES-256-GCM"; /* what both prefer */
    REQUIRE(s->secret_bytes == 48);
    for (size_t i = 0; i < s->secret_bytes; i++) {
        char byte[3] = {at[2 * i], at[2 * i + 1], '\0'};
        s->secret[i] = (unsigned char)strtoul(byte, NULL, 16);
    }
    tls_sealer_begin(s);
}

static void count_messages(int sent, int version, int type, const void *at, size_t size, SSL *ssl,
                           void *context)
{
    tls_client *c = context;
    const uint8_t *message = at;
    (void)version, (void)ssl;
    if (!sent && type == SSL3_RT_HANDSHAKE && size == 5 && message[0] == 24) {
        c->updates++;
        c->asked += message[4];
    }
    c->alerts += !sent && type == SSL3_RT_ALERT;
}

static void begin(tls_client *c)
{
    c->ctx = SSL_CTX_new(TLS_client_method());
    REQUIRE(c->ctx != NULL);
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_msg_callback(c->ctx, count_messages);
    SSL_CTX_set_msg_callback_arg(c->ctx, c);
    SSL_CTX_set_keylog_callback(c->ctx, on_secret);
    if (c->fragment != 0)
        CHECK(SSL_CTX_set_tlsext_max_fragment_length(c->ctx, (uint8_t)c->fragment) == 1);
    if (c->suite != NULL)
        CHECK(SSL_CTX_set_ciphersuites(c->ctx, c->suite) == 1);
    c->ssl = SSL_new(c->ctx);
    REQUIRE(c->ssl != NULL);
    SSL_set_bio(c->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(c->ssl);
}

static void end(tls_client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    ERR_clear_error();
}

static void step(tls_client *c)
{
    uint8_t in[4096];
    int n;
    ERR_clear_error();
    if (!c->is_up) {
        if (SSL_do_handshake(c->ssl) != 1)
            return;
        c->is_up = true;
        if (c->up != NULL)
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

static void forge(weft_actor *self, kit_side *s)
{
    static uint8_t forged[64 << 10];
    size_t bytes = 0;
    client->forge(&client->sealer, forged, &bytes);
    client->forge = NULL;
    CHECK_OK(weft_write_copy(self, s->stream, forged, bytes));
}

static void flush(weft_actor *self, kit_side *s)
{
    char *at;
    long n = BIO_get_mem_data(SSL_get_wbio(client->ssl), &at);
    if (n <= 0)
        return;
    if (client->is_up && client->change != NULL) {
        client->change((uint8_t *)at, (size_t)n);
        client->change = NULL;
    }
    weft_err err = weft_write_copy(self, s->stream, at, (size_t)n);
    CHECK(err == WEFT_OK || err == WEFT_EGONE);
    (void)BIO_reset(SSL_get_wbio(client->ssl));
    if (client->is_up && client->forge != NULL)
        forge(self, s);
}

static void on_open(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    step(client);
    flush(self, s);
}

static void on_records(weft_actor *self, kit_side *s, weft_msg *msg)
{
    weft_bytes bytes = ((const weft_data *)weft_body(msg))->bytes;
    if (client->take != NULL)
        client->take(client, bytes);
    else
        tls_client_give(client, bytes.at, bytes.size);
    step(client);
    flush(self, s);
}

static void on_end(weft_actor *self, kit_side *s, weft_msg *msg)
{
    (void)msg;
    if (client->finish != NULL) {
        client->finish(client);
        step(client);
        flush(self, s);
    }
    CHECK_OK(weft_close(self, s->stream));
}

void tls_client_run(tls_client *c, const kit_transport *by, kit_side *b)
{
    kit_side a = {.plain = true, .raw = true, .opened = on_open, .data = on_records};
    a.ended = on_end;
    client = c;
    begin(c);
    kit_run(&(kit_world){.by = by, .a = &a, .b = b});
    CHECK_U64(c->wrong, 0);
    end(c);
}

void tls_client_say(tls_client *c, size_t from, size_t to)
{
    uint8_t text[5000];
    for (size_t n; from < to; from += n) {
        n = to - from < sizeof text ? to - from : sizeof text;
        for (size_t i = 0; i < n; i++)
            text[i] = kit_byte(from + i);
        CHECK(SSL_write(c->ssl, text, (int)n) == (int)n);
    }
}

void tls_client_renew(tls_client *c, int how)
{
    CHECK(SSL_key_update(c->ssl, how) == 1);
    CHECK(SSL_do_handshake(c->ssl) == 1);
}

void tls_client_give(tls_client *c, const void *at, size_t size)
{
    CHECK(BIO_write(SSL_get_rbio(c->ssl), at, (int)size) == (int)size);
}
