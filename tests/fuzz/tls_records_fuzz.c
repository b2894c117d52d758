/* SPDX-License-Identifier: MIT */
/* What a peer of TLS 1.3 sends behind its handshake: records with the right keys, of any type, length and padding,
 * messages in pieces, records that were changed, bytes that are none; also with short records, and where the
 * kernel seals what is sent. Whole and cut they come to the same, nothing beyond them is read, what was said is
 * heard, and behind what was changed nothing is.
 *
 *   choices (4 bytes): the first's bits: 0x80: keys are renewed often, 0x40: the kernel seals, 0x38: records as
 *                      short as RFC 6066 has them, all of them: suite; the others: cuts
 *   then operations: what (1), size (2), padding (2), bytes of some */
#include <weft/testing.h>

#include "tls/tls_parts.h"
#include "tls_sealer.h"

enum {
    CHOICE_BYTES = 4,
    WIRE_BYTES_MAX = 1 << 18,
    RECORD_BYTES_MAX = (1 << 16) + TLS_SEALER_OVERHEAD,
    USELESS_MAX = 32,
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* ---- what is sent */

typedef struct wire {
    uint8_t at[WIRE_BYTES_MAX], said[WIRE_BYTES_MAX];
    size_t n, said_n;
    unsigned useless;
    size_t plain_max; /* of one record */
    bool kernel;      /* which seals what is sent, and can have no new keys */
    bool sure;        /* what is to be heard is known: @said, and */
    bool ended;       /* nothing behind that */
} wire;

static uint16_t take_16(const uint8_t **at, size_t *n)
{
    uint16_t value = 0;
    for (int i = 0; i < 2 && *n != 0; i++, ++*at, --*n)
        value = (uint16_t)(value << 8 | **at);
    return value;
}

static void say_data(wire *w, tls_sealer *s, size_t n, size_t padding)
{
    const uint8_t *text = w->said + w->said_n;
    for (size_t i = 0; i < n; i++)
        w->said[w->said_n + i] = (uint8_t)(w->said_n + i * 7 + 1);
    w->n += tls_sealer_seal(s, 23, text, n, padding, w->at + w->n);
    w->useless = n == 0 ? w->useless + 1 : 0;
    w->ended = w->ended || n > w->plain_max || n + padding > 1 << 14 || w->useless > USELESS_MAX;
    w->said_n += w->ended ? 0 : n;
}

/* In one record, or the first @front of its bytes in one of their own. */
static void say_update(wire *w, tls_sealer *s, uint8_t request, size_t front)
{
    const uint8_t message[] = {24, 0, 0, 1, request};
    if (front != 0) {
        w->n += tls_sealer_seal(s, 22, message, front, 0, w->at + w->n);
        w->useless++;
    }
    w->n += tls_sealer_seal(s, 22, message + front, sizeof message - front, 0, w->at + w->n);
    tls_sealer_update(s);
    w->useless++;
    w->ended = w->ended || w->useless > USELESS_MAX || (w->kernel && request == 1);
}

/* One operation off the front of @at. */
static void say_one(wire *w, tls_sealer *s, const uint8_t **at, size_t *n)
{
    uint8_t what = *(*at)++;
    --*n;
    size_t size = take_16(at, n), padding = take_16(at, n), left;
    left = size < *n ? size : *n;
    switch (what & 7) {
    case 0: /* any record */
        w->sure = w->sure && w->ended;
        w->n += tls_sealer_seal(s, what >> 3, *at, left, padding % 300, w->at + w->n);
        *at += left;
        *n -= left;
        return;
    case 1: /* bytes */
        memcpy(w->at + w->n, *at, left);
        w->n += left;
        w->ended = w->ended || left != 0;
        *at += left;
        *n -= left;
        return;
    case 2: { /* one that was changed */
        uint8_t *record = w->at + w->n;
        size_t bytes = tls_sealer_seal(s, 23, *at, left, padding % 300, record);
        record[padding % bytes] ^= (uint8_t)(1 << (what >> 5));
        w->n += bytes;
        w->ended = true;
        return;
    }
    case 3: /* one of the longest, or longer */
        say_data(w, s, (1 << 14) - 20 + size % 24, padding % 300);
        return;
    case 4:
        say_update(w, s, what >> 3 & 1, (what >> 4) % 5);
        return;
    default:
        say_data(w, s, size % 600, padding % 17000);
    }
}

/* ---- what is heard */

typedef struct heard {
    uint8_t at[WIRE_BYTES_MAX];
    size_t n;
    weft_err err;
} heard;

typedef struct reading {
    tls_state state;
    heard *heard;
    size_t taken;
} reading;

static void read_all(reading *r, const uint8_t *at, size_t n)
{
    static uint8_t block[WEFT_READ_BYTES_MAX];
    tls_state *s = &r->state;
    weft_err err = r->heard->err;
    size_t size = 0;
    weft_why why = {""};
    uint8_t *exact = malloc(n + (n == 0));
    must(exact != NULL);
    memcpy(exact, at, n);
    s->in = (weft_bytes){exact, n, NULL};
    s->used = 0;
    do {
        size_t before = size;
        err = err == WEFT_OK || err == WEFT_EFULL
                  ? wf_tls_records_read(s, block, sizeof block, &size, &why)
                  : err;
        must(size >= before && size <= sizeof block && s->used <= n);
        if (err == WEFT_EFULL && size != 0) {
            must(r->heard->n + size <= sizeof r->heard->at);
            memcpy(r->heard->at + r->heard->n, block, size);
            r->heard->n += size;
            size = 0;
            err = WEFT_OK;
        }
    } while (err == WEFT_OK);
    memcpy(r->heard->at + r->heard->n, block, size);
    r->heard->n += size;
    must((err == WEFT_ETLS) == (why.text[0] != '\0') || r->heard->err == err);
    r->heard->err = err == WEFT_EFULL ? WEFT_OK : err;
    r->taken += s->used;
    s->in = WEFT_NO_BYTES;
    free(exact);
}

typedef struct job {
    const uint8_t *choices;
    tls_sealer first;
    wire wire;
    heard whole, cut;
} job;

static SSL *ssl;

static unsigned fragment_of(const uint8_t *choices)
{
    unsigned chosen = choices[0] >> 3 & 7;
    return chosen <= 4 ? chosen : 0;
}

static bool kernel_of(const uint8_t *choices)
{
    return (choices[0] & 0x40) != 0 && fragment_of(choices) == 0;
}

/* Gives away what seals. */
static void let_kernel_seal(tls_state *s)
{
    wf_seal_key key;
    must(!wf_tls_records_renews(s) && wf_tls_records_out(s->records, &key));
    must(key.cipher != WF_SEAL_NONE && key.number == 0);
    wf_tls_records_out_drop(s->records);
    s->kernel = TLS_KERNEL_SEALS;
}

static void hear_secret(tls_state *s, const char *label, const tls_sealer *from)
{
    char line[256];
    int n = snprintf(line, sizeof line, "%s 00 ", label);
    for (size_t i = 0; i < from->secret_bytes; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, "%02x", from->secret[i]);
    must(SSL_set_app_data(ssl, s) == 1);
    wf_tls_records_hear(ssl, line);
}

static void read_by(job *j, bool cuts, heard *out)
{
    static const unsigned char suites[][2] = {{0x13, 1}, {0x13, 2}, {0x13, 3}};
    /* a stream that is closed: what is said to it goes nowhere */
    static conn nobody = {.flags = CONN_CLOSED};
    static weft_stage stage = {.owner = &nobody};
    reading r = {.state = {.stage = &stage}, .heard = out};
    hear_secret(&r.state, "CLIENT_TRAFFIC_SECRET_0", &j->first);
    hear_secret(&r.state, "SERVER_TRAFFIC_SECRET_0", &j->first);
    must(wf_tls_records_start(r.state.records, SSL_CIPHER_find(ssl, suites[j->choices[0] % 3]),
                              fragment_of(j->choices)));
    if (kernel_of(j->choices))
        let_kernel_seal(&r.state);
    for (size_t i = 0, come = 0; come < j->wire.n && out->err == WEFT_OK; i++) {
        size_t step =
            cuts ? 1 + (size_t)j->choices[1 + i % 3] * (i % 7 == 0 ? 200 : 1) : WIRE_BYTES_MAX;
        come = step < j->wire.n - come ? come + step : j->wire.n;
        read_all(&r, j->wire.at + r.taken, come - r.taken);
        if (cuts && out->err == WEFT_OK && !j->wire.kernel)
            must(wf_tls_records_send(&r.state, (weft_bytes){j->choices, 1, NULL}) == WEFT_OK);
    }
    wf_tls_records_drop(&r.state.records);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    job *j = (job *)(uintptr_t)weft_config(self);
    (void)msg;
    read_by(j, false, &j->whole);
    read_by(j, true, &j->cut);
    return weft_stop(self, WEFT_OK);
}

static const weft_handler rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour behaviour = {.name = "reader", .handlers = rows};

static void prepare(job *j, const uint8_t *data)
{
    static const char *const ciphers[] = {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"};
    if (ssl == NULL)
        must((ssl = SSL_new(SSL_CTX_new(TLS_server_method()))) != NULL);
    memset(j, 0, sizeof *j);
    j->choices = data;
    j->wire.sure = true;
    j->wire.kernel = kernel_of(data);
    j->wire.plain_max = fragment_of(data) != 0 ? (size_t)256 << fragment_of(data) : 1 << 14;
    j->first =
        (tls_sealer){.cipher = ciphers[data[0] % 3], .secret_bytes = data[0] % 3 == 1 ? 48 : 32};
    memset(j->first.secret, data[0], j->first.secret_bytes);
    tls_sealer_begin(&j->first);
    wf_tls_records_max = (data[0] & 0x80) != 0 ? 5 : UINT64_C(1) << 23;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static job job;
    if (size < CHOICE_BYTES || size > 20000)
        return 0;
    prepare(&job, data);
    wire *w = &job.wire;
    tls_sealer s = job.first;
    const uint8_t *at = data + CHOICE_BYTES;
    size_t n = size - CHOICE_BYTES;
    while (n != 0 && w->n + RECORD_BYTES_MAX < WIRE_BYTES_MAX)
        say_one(w, &s, &at, &n);

    weft_sim *sim = weft_sim_new(&(weft_sim_options){.seed = 1});
    must(sim != NULL && !weft_ref_is_nobody(weft_sim_spawn(sim, &behaviour, &job)));
    weft_sim_advance(sim, 1);
    must(weft_sim_free(&sim) == 0);
    must(job.whole.err == job.cut.err && job.whole.n == job.cut.n &&
         memcmp(job.whole.at, job.cut.at, job.cut.n) == 0);
    if (w->sure)
        must(job.whole.n == w->said_n && memcmp(job.whole.at, w->said, w->said_n) == 0);
    if (w->sure && !w->ended)
        must(job.whole.err == WEFT_OK);
    return 0;
}
