/* SPDX-License-Identifier: MIT */
/* Any bytes as what a client sends behind its handshake: as they are, sealed as records, sealed and changed.
 * Records come out in their order and whole, split or not, up to the first that is refused, and nothing beyond
 * what came is read. */
#include <stdlib.h>
#include <string.h>

#include <weft/testing.h>

#include "test_certificate.h"

/* With what no other file sees, how one record is sealed; beside the one that is linked anyway. */
#define wf_tls_records_max fuzzed_records_max
#define wf_tls_records_hear fuzzed_records_hear
#define wf_tls_records_count fuzzed_records_count
#define wf_tls_records_begin fuzzed_records_begin
#define wf_tls_records_out fuzzed_records_out
#define wf_tls_records_out_drop fuzzed_records_out_drop
#define wf_tls_records_drop fuzzed_records_drop
#define wf_tls_records_send fuzzed_records_send
#define wf_tls_records_alert fuzzed_records_alert
#define wf_tls_records_read fuzzed_records_read
#include "actors/tls/tls_records.c"

enum { SUITES = 3, WIRE = 64 << 10, TEXT_MAX = 300 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* ---- a handshake of each suite, once: its secrets begin every input */

static struct shaken {
    SSL *server;
    tls_records ours, theirs; /* not begun: a server's, and a client's */
} shaken[SUITES];

static void pass(SSL *from, SSL *to)
{
    char *at;
    long n = BIO_get_mem_data(SSL_get_wbio(from), &at);
    if (n > 0)
        must(BIO_write(SSL_get_rbio(to), at, (int)n) == n);
    (void)BIO_reset(SSL_get_wbio(from));
}

static void shake(struct shaken *h, weft_tls *tls, SSL_CTX *ctx, const char *suite)
{
    tls_state state = {.tls = tls};
    SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
    must(client_ctx != NULL && SSL_CTX_set_ciphersuites(client_ctx, suite) == 1);
    SSL *client = SSL_new(client_ctx);
    h->server = SSL_new(ctx);
    must(client != NULL && h->server != NULL && SSL_set_app_data(h->server, &state) == 1);
    SSL_set_bio(client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_bio(h->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(client);
    SSL_set_accept_state(h->server);
    (void)SSL_set_num_tickets(h->server, 0); /* they are of the time that a stream's actor knows */
    for (int round = 0; round < 3; round++) {
        (void)SSL_do_handshake(client);
        pass(client, h->server);
        (void)SSL_do_handshake(h->server);
        pass(h->server, client);
    }
    must(SSL_is_init_finished(h->server) && state.records != NULL);
    must(SSL_set_app_data(h->server, NULL) == 1);
    ERR_clear_error();
    h->ours = h->theirs = *state.records;
    h->ours.in.number = h->ours.out.number = 0;
    h->theirs = h->ours;
    h->theirs.in = h->ours.out;
    h->theirs.out = h->ours.in;
    wf_tls_records_drop(&state.records);
    SSL_free(client);
    SSL_CTX_free(client_ctx);
}

static void begin_all(void)
{
    static const char *const suites[SUITES] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                               "TLS_CHACHA20_POLY1305_SHA256"};
    static test_certificate own;
    static weft_tls *tls;
    static weft_sim *sim; /* whose reactor the buffers are of */
    weft_why why;
    if (sim != NULL)
        return;
    sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    test_certificate_make("localhost", &own);
    const weft_tls_config config = {.certificate_pem = own.certificate, .key_pem = own.key};
    must(sim != NULL && weft_tls_server(&config, &tls, &why) == WEFT_OK);
    wf_tls_setup *setup = wf_tls_now(tls);
    for (size_t i = 0; i < SUITES; i++)
        shake(&shaken[i], tls, setup->ctx[0], suites[i]);
}

static tls_records *records_new(const struct shaken *h, const tls_records *secrets)
{
    tls_records *r = weft_alloc_zero(sizeof *r);
    must(r != NULL);
    *r = *secrets;
    must(wf_tls_records_begin(r, h->server));
    return r;
}

/* ---- the client */

typedef struct client {
    tls_records *records;
    const uint8_t *data;
    size_t left;
    uint8_t wire[WIRE], text[WIRE]; /* what is sent; what must come of it */
    size_t wire_bytes, text_bytes;
    bool sound; /* all that was sent so far are data and new keys */
} client;

static uint8_t next(client *c)
{
    if (c->left == 0)
        return 0;
    c->left--;
    return *c->data++;
}

/* The next bytes of the input, at most TEXT_MAX. */
static size_t take(client *c, uint8_t *to)
{
    size_t n = (size_t)next(c) * (next(c) % 4 == 0 ? 2U : 1U);
    n = n < TEXT_MAX ? n : TEXT_MAX;
    n = n < c->left ? n : c->left;
    memcpy(to, c->data, n);
    c->data += n;
    c->left -= n;
    return n;
}

static void put(client *c, const uint8_t *from, size_t n)
{
    if (n > WIRE - c->wire_bytes)
        n = WIRE - c->wire_bytes;
    memcpy(c->wire + c->wire_bytes, from, n);
    c->wire_bytes += n;
}

/* One record of @n bytes of @type, padded, with one of its bytes changed if @change is not 0. */
static void put_record(client *c, uint8_t type, const uint8_t *from, size_t n, size_t padding,
                       uint8_t change)
{
    uint8_t inner[TEXT_MAX + 1 + UINT8_MAX] = {0}, record[sizeof inner + HEADER + 1 + TAG];
    memcpy(inner, from, n);
    inner[n] = type;
    size_t size = HEADER + n + 1 + padding + TAG;
    if (size > WIRE - c->wire_bytes)
        return;
    /* what stands last of the content is written as the type */
    must(seal_one(&c->records->out, inner[n + padding], inner, n + padding, record));
    if (change != 0) {
        record[c->left % size] ^= change;
        c->sound = false;
    }
    put(c, record, size);
}

/* Data that is to come out, if all before it was sound; TLS 1.3 may carry none. */
static void put_data(client *c, const uint8_t *from, size_t n, size_t padding)
{
    put_record(c, DATA, from, n, padding, 0);
    if (c->sound) {
        memcpy(c->text + c->text_bytes, from, n);
        c->text_bytes += n;
    }
}

static void put_keys(client *c, uint8_t asked)
{
    const uint8_t message[KEY_UPDATE_BYTES] = {KEY_UPDATE, 0, 0, 1, asked % 2};
    size_t first = asked % 3 == 0 ? 1 + asked % 4U : sizeof message; /* in one record or two */
    put_record(c, HANDSHAKE, message, first, 0, 0);
    if (first < sizeof message)
        put_record(c, HANDSHAKE, message + first, sizeof message - first, 0, 0);
    must(update_keys(c->records, &c->records->out, true));
}

static void put_one(client *c)
{
    uint8_t text[TEXT_MAX], kind = next(c), more = next(c);
    bool room = WIRE - c->wire_bytes > 2 * sizeof text + UINT8_MAX;
    size_t n = take(c, text);
    if (!room) {
        c->left = 0;
        return;
    }
    switch (kind % 6) {
    case 0:
        c->sound = c->sound && n == 0;
        put(c, text, n);
        break;
    case 1:
        put_record(c, DATA, text, n, more, more | 1);
        break;
    case 2:
        c->sound = false;
        put_record(c, more, text, n, kind / 6, 0);
        break;
    case 3:
        put_keys(c, more);
        break;
    default:
        put_data(c, text, n, more % 4 == 0 ? more : 0);
        break;
    }
}

/* ---- the server */

/* What comes of the wire, @step bytes at a time. */
static weft_err serve(const struct shaken *h, const client *c, size_t step, uint8_t *got,
                      size_t *got_bytes)
{
    conn owner = {.flags =
                      CONN_END_SENT}; /* what is said to the client is sealed, and goes nowhere */
    weft_stage *stage = calloc(1, sizeof *stage);
    must(stage != NULL);
    stage->owner = &owner;
    tls_state s = {.stage = stage, .up = true, .records = records_new(h, &h->ours)};
    weft_err err = WEFT_EFULL;
    size_t taken = 0;
    *got_bytes = 0;
    for (size_t came = 0; err == WEFT_EFULL && came < c->wire_bytes;) {
        came = c->wire_bytes - came < step ? c->wire_bytes : came + step;
        size_t n = came - taken;
        uint8_t *exact = malloc(n);
        must(exact != NULL);
        memcpy(exact, c->wire + taken, n);
        s.in = (weft_bytes){.at = exact, .size = n};
        s.used = 0;
        do {
            weft_why why = {""};
            err = wf_tls_records_read(&s, got, WIRE, got_bytes, &why);
            must(*got_bytes <= WIRE && s.used <= n);
            must(err == WEFT_OK || err == WEFT_EFULL || err == WEFT_EDONE || why.text[0] != '\0');
        } while (err == WEFT_OK);
        taken += s.used;
        free(exact);
    }
    wf_tls_records_drop(&s.records);
    free(stage);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static client c;
    static uint8_t got[WIRE], again[WIRE];
    size_t got_bytes = 0, again_bytes = 0;
    if (size < 2)
        return 0;
    begin_all();
    const struct shaken *h = &shaken[data[0] % SUITES];
    c = (client){.records = records_new(h, &h->theirs), .sound = true};
    c.data = data + 2;
    c.left = size - 2;
    while (c.left != 0)
        put_one(&c);

    weft_err err = serve(h, &c, WIRE, got, &got_bytes);
    must(got_bytes >= c.text_bytes && memcmp(got, c.text, c.text_bytes) == 0);
    must(!c.sound || (err == WEFT_EFULL && got_bytes == c.text_bytes));
    weft_err split = serve(h, &c, 1 + (size_t)data[1] * 3, again, &again_bytes);
    must(split == err && again_bytes == got_bytes && memcmp(again, got, got_bytes) == 0);
    wf_tls_records_drop(&c.records);
    ERR_clear_error();
    return 0;
}
