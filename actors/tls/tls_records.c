/* SPDX-License-Identifier: MIT */
/* Records of TLS 1.3 (RFC 8446 section 5) behind a server's handshake, with keys and counters alone.
 *
 *   handshake by SSL ── its secrets, heard ──▶ keys of both ways ──▶ SSL is freed
 *
 * What SSL keeps of a handshake is most of what a connection costs, and cannot be given back by any call of
 * OpenSSL's (docs/decisions/0090). What may still come are data, alerts and KeyUpdate; nothing else is taken. */
#include "tls_parts.h"

#include <string.h>

enum {
    ALERT = 21,
    HANDSHAKE = 22,
    DATA = 23, /* types of content */
    KEY_UPDATE = 24,
    KEY_UPDATE_BYTES = 5,
    HEADER = 5,
    TAG = 16,
    PLAIN_MAX = 1 << 14,
    SEALED_MAX = PLAIN_MAX + 256, /* section 5.2 */
    /* Records in a row that bring no data: empty ones, new keys, user_canceled. Each is allowed, and costs its
     * peer less than it costs here. */
    USELESS_MAX = 32,
};

/* Section 5.5 allows 2^24.5 of AES-GCM. */
uint64_t wf_tls_records_max = UINT64_C(1) << 23;

/* What alerts say (section 6). */
enum {
    CLOSE_NOTIFY = 0,
    UNEXPECTED_MESSAGE = 10,
    BAD_RECORD_MAC = 20,
    RECORD_OVERFLOW = 22,
    ILLEGAL_PARAMETER = 47,
    DECODE_ERROR = 50,
    INTERNAL_ERROR = 80,
    USER_CANCELED = 90,
};

/* The keys of one way, and the number of its next record. */
typedef struct way {
    EVP_CIPHER_CTX *cipher;
    uint64_t number;
    bool known; /* the secret was heard, and the keys are those of it */
    unsigned char iv[12], secret[EVP_MAX_MD_SIZE];
} way;

struct tls_records {
    way in, out;
    const EVP_MD *digest;
    size_t secret_bytes;
    size_t plain_max; /* of a record, both ways: less where the client asked for less (RFC 6066) */
    unsigned useless; /* records in a row */
    bool owes;        /* the peer asks for new keys of ours: before our next data (section 4.6.3) */
    bool asked;       /* we for new ones of the peer's, and none came yet */
    unsigned char gathered[KEY_UPDATE_BYTES]; /* of a message that came in pieces */
    unsigned gathered_bytes;
    /* of a record that has not come whole: it does not pin what it was read into, and has room for what its
     * header promises, once that is there */
    size_t part_bytes;
    uint8_t header[HEADER];
    uint8_t *part; /* NULL: no more than a header came, if that */
};

/* ---- what is heard while SSL shakes hands */

/* 16: it is none. */
static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* The last word of @line: its bytes; 0: it is no secret. */
static size_t read_secret(const char *line, unsigned char *to, size_t room)
{
    const char *at = strrchr(line, ' ');
    size_t n = 0;
    for (at = at != NULL ? at + 1 : ""; *at != '\0'; at += 2) {
        unsigned high = digit(at[0]), low = high < 16 ? digit(at[1]) : 16;
        if (low == 16 || n == room)
            return 0;
        to[n++] = (unsigned char)(high << 4 | low);
    }
    return n;
}

void wf_tls_records_hear(const SSL *ssl, const char *line)
{
    static const char theirs[] = "CLIENT_TRAFFIC_SECRET_0 ", ours[] = "SERVER_TRAFFIC_SECRET_0 ";
    tls_state *s = tls_state_of(ssl);
    bool in = strncmp(line, theirs, sizeof theirs - 1) == 0;
    if (!in && strncmp(line, ours, sizeof ours - 1) != 0)
        return;
    if (s->records == NULL && (s->records = weft_alloc_zero(sizeof *s->records)) == NULL)
        return; /* it stays SSL's */
    tls_records *r = s->records;
    way *w = in ? &r->in : &r->out, *other = in ? &r->out : &r->in;
    size_t n = read_secret(line, w->secret, sizeof w->secret);
    /* both are of one length; what is not understood stays SSL's */
    w->known = n != 0 && (!other->known || n == r->secret_bytes);
    r->secret_bytes = n;
}

/* SSL counts what it sends with these keys by itself: a ticket, say. */
void wf_tls_records_count(int sent, int version, int type, const void *at, size_t size, SSL *ssl,
                          void *context)
{
    const tls_state *s = tls_state_of(ssl);
    (void)version, (void)at, (void)size, (void)context;
    if (sent && type == SSL3_RT_HEADER && s->records != NULL && s->records->out.known)
        s->records->out.number++;
}

/* ---- keys (section 7.3) */

/* Looked up once: OpenSSL 3.0 takes longer to find an algorithm than to use it. */
static struct {
    EVP_MAC *hmac;
    EVP_CIPHER *aes128, *aes256, *chacha;
} fetched;
static pthread_once_t fetched_once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    fetched.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    fetched.aes128 = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    fetched.aes256 = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    fetched.chacha = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
}

static const EVP_CIPHER *cipher_of(const SSL_CIPHER *suite)
{
    (void)pthread_once(&fetched_once, fetch);
    switch (suite != NULL ? SSL_CIPHER_get_cipher_nid(suite) : NID_undef) {
    case NID_aes_128_gcm:
        return fetched.aes128;
    case NID_aes_256_gcm:
        return fetched.aes256;
    case NID_chacha20_poly1305:
        return fetched.chacha;
    default:
        return NULL; /* a tag of 8 bytes, as one suite of CCM has, would be another length */
    }
}

/* The HMAC that keys come from. errors: NULL. */
static EVP_MAC_CTX *mac_new(const EVP_MD *digest)
{
    EVP_MAC_CTX *mac = fetched.hmac != NULL ? EVP_MAC_CTX_new(fetched.hmac) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                         (char *)(uintptr_t)EVP_MD_get0_name(digest), 0),
        OSSL_PARAM_construct_end(),
    };
    if (mac != NULL && EVP_MAC_CTX_set_params(mac, params) == 1)
        return mac;
    EVP_MAC_CTX_free(mac);
    return NULL;
}

/* HKDF-Expand-Label with an empty context, for what one block of the digest is enough for. */
static bool expand(const tls_records *r, EVP_MAC_CTX *mac, const unsigned char *secret,
                   const char *label, size_t size, unsigned char *out)
{
    unsigned char info[32], block[EVP_MAX_MD_SIZE];
    size_t n = strlen(label), got = 0;
    info[0] = 0;
    info[1] = (unsigned char)size;
    info[2] = (unsigned char)n;
    memcpy(info + 3, label, n);
    info[3 + n] = 0;
    info[4 + n] = 1;
    bool good = mac != NULL && EVP_MAC_init(mac, secret, r->secret_bytes, NULL) == 1 &&
                EVP_MAC_update(mac, info, n + 5) == 1 &&
                EVP_MAC_final(mac, block, &got, sizeof block) == 1 && got >= size;
    if (good)
        memcpy(out, block, size);
    OPENSSL_cleanse(block, sizeof block);
    return good;
}

/* From the way's secret. */
static bool set_keys(const tls_records *r, EVP_MAC_CTX *mac, way *w, const EVP_CIPHER *cipher,
                     bool seals)
{
    unsigned char key[EVP_MAX_KEY_LENGTH];
    if (w->cipher == NULL && (w->cipher = EVP_CIPHER_CTX_new()) == NULL)
        return false;
    if (cipher == NULL)
        cipher = EVP_CIPHER_CTX_get0_cipher(w->cipher);
    bool good =
        expand(r, mac, w->secret, "tls13 key", (size_t)EVP_CIPHER_get_key_length(cipher), key) &&
        expand(r, mac, w->secret, "tls13 iv", sizeof w->iv, w->iv) &&
        EVP_CipherInit_ex(w->cipher, cipher, NULL, key, w->iv, seals) == 1;
    OPENSSL_cleanse(key, sizeof key);
    return good;
}

/* The next secret, and the keys of it (section 7.2). Where that fails the way is used no more: a number that
 * began anew must not meet the old keys. */
static bool update_keys(const tls_records *r, way *w, bool seals)
{
    unsigned char next[EVP_MAX_MD_SIZE];
    EVP_MAC_CTX *mac = mac_new(r->digest);
    w->known = false;
    if (expand(r, mac, w->secret, "tls13 traffic upd", r->secret_bytes, next)) {
        memcpy(w->secret, next, r->secret_bytes);
        w->number = 0;
        w->known = set_keys(r, mac, w, NULL, seals);
    }
    OPENSSL_cleanse(next, sizeof next);
    EVP_MAC_CTX_free(mac);
    return w->known;
}

bool wf_tls_records_start(tls_records *r, const SSL_CIPHER *suite, unsigned max_fragment)
{
    const EVP_CIPHER *cipher = cipher_of(suite);
    if (r == NULL || !r->in.known || !r->out.known || cipher == NULL || max_fragment > 4)
        return false;
    r->digest = SSL_CIPHER_get_handshake_digest(suite);
    if (r->digest == NULL || r->secret_bytes != (size_t)EVP_MD_get_size(r->digest))
        return false;
    /* RFC 6066 section 4: 2^9, 2^10, 2^11, 2^12 */
    r->plain_max = max_fragment != 0 ? (size_t)256 << max_fragment : PLAIN_MAX;
    EVP_MAC_CTX *mac = mac_new(r->digest);
    bool good = set_keys(r, mac, &r->in, cipher, false) && set_keys(r, mac, &r->out, cipher, true);
    EVP_MAC_CTX_free(mac);
    return good;
}

bool wf_tls_records_begin(tls_records *r, const SSL *ssl)
{
    const SSL_SESSION *session = SSL_get0_session(ssl);
    return SSL_version(ssl) == TLS1_3_VERSION && SSL_has_pending(ssl) == 0 && session != NULL &&
           wf_tls_records_start(r, SSL_get_current_cipher(ssl),
                                SSL_SESSION_get_max_fragment_length(session));
}

static wf_seal_cipher seal_cipher_of(const EVP_CIPHER *cipher)
{
    return cipher == fetched.aes128   ? WF_SEAL_AES_128_GCM
           : cipher == fetched.aes256 ? WF_SEAL_AES_256_GCM
           : cipher == fetched.chacha ? WF_SEAL_CHACHA20_POLY1305
                                      : WF_SEAL_NONE;
}

bool wf_tls_records_out(const tls_records *r, wf_seal_key *out)
{
    const EVP_CIPHER *cipher = EVP_CIPHER_CTX_get0_cipher(r->out.cipher);
    EVP_MAC_CTX *mac = mac_new(r->digest);
    size_t n = (size_t)EVP_CIPHER_get_key_length(cipher);
    bool good = r->out.known && r->plain_max == PLAIN_MAX && n <= sizeof out->key;
    *out = (wf_seal_key){.cipher = seal_cipher_of(cipher), .number = r->out.number};
    memcpy(out->iv, r->out.iv, sizeof out->iv);
    good = good && expand(r, mac, r->out.secret, "tls13 key", n, out->key);
    EVP_MAC_CTX_free(mac);
    return good;
}

void wf_tls_records_out_drop(tls_records *r)
{
    EVP_CIPHER_CTX_free(r->out.cipher);
    OPENSSL_cleanse(&r->out, sizeof r->out);
    r->out.cipher = NULL;
}

void wf_tls_records_drop(tls_records **at)
{
    tls_records *r = *at;
    *at = NULL;
    if (r == NULL)
        return;
    EVP_CIPHER_CTX_free(r->in.cipher);
    EVP_CIPHER_CTX_free(r->out.cipher);
    weft_alloc_free(r->part);
    OPENSSL_cleanse(r, sizeof *r);
    weft_alloc_free(r);
}

/* ---- one record */

/* Section 5.3: the number, padded to the left, exclusive-or the static one. */
static bool begin_record(way *w, const uint8_t header[HEADER])
{
    unsigned char nonce[sizeof w->iv];
    int n = 0;
    if (!w->known)
        return false;
    memcpy(nonce, w->iv, sizeof nonce);
    for (unsigned i = 0; i < 8; i++)
        nonce[sizeof nonce - 1 - i] ^= (unsigned char)(w->number >> (8 * i));
    w->number++;
    return EVP_CipherInit_ex(w->cipher, NULL, NULL, NULL, nonce, -1) == 1 &&
           EVP_CipherUpdate(w->cipher, NULL, &n, header, HEADER) == 1;
}

/* Writes HEADER + @size + 1 + TAG bytes. */
static bool seal_one(way *w, uint8_t type, const uint8_t *from, size_t size, uint8_t *to)
{
    size_t sealed = size + 1 + TAG;
    int n = 0;
    to[0] = DATA;
    to[1] = to[2] = 3;
    to[3] = (uint8_t)(sealed >> 8);
    to[4] = (uint8_t)sealed;
    return begin_record(w, to) &&
           EVP_CipherUpdate(w->cipher, to + HEADER, &n, from, (int)size) == 1 &&
           EVP_CipherUpdate(w->cipher, to + HEADER + size, &n, &type, 1) == 1 &&
           EVP_CipherFinal_ex(w->cipher, to + HEADER + size + 1, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(w->cipher, EVP_CTRL_AEAD_GET_TAG, TAG, to + HEADER + size + 1) == 1;
}

/* Into @to, which has room for @size bytes less the tag; @n: of the inner plaintext. false: it is forged. */
static bool open_one(way *w, const uint8_t *record, size_t size, uint8_t *to, size_t *n)
{
    int got = 0, rest = 0;
    size_t text = size - TAG;
    uint8_t *tag = (uint8_t *)(uintptr_t)(record + HEADER + text);
    bool good = begin_record(w, record) &&
                EVP_CipherUpdate(w->cipher, to, &got, record + HEADER, (int)text) == 1 &&
                EVP_CIPHER_CTX_ctrl(w->cipher, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
                EVP_CipherFinal_ex(w->cipher, to + got, &rest) == 1;
    *n = text;
    return good;
}

/* ---- out */

static weft_err seal(tls_records *r, uint8_t type, const uint8_t *from, size_t size,
                     weft_bytes *out)
{
    size_t pieces = (size + r->plain_max - 1) / r->plain_max;
    uint8_t *to;
    weft_err err = weft_bytes_new(size + pieces * (HEADER + 1 + TAG), &to, out);
    for (size_t at = 0, n; err == WEFT_OK && at < size; at += n) {
        n = size - at < r->plain_max ? size - at : r->plain_max;
        if (!seal_one(&r->out, type, from + at, n, to))
            err = WEFT_ENOMEM;
        to += n + HEADER + 1 + TAG;
    }
    if (err != WEFT_OK)
        weft_bytes_drop(out);
    return err;
}

/* For whoever seals it below. */
static weft_err copy(const uint8_t *from, size_t size, weft_bytes *out)
{
    uint8_t *to;
    weft_err err = weft_bytes_new(size, &to, out);
    if (err == WEFT_OK)
        memcpy(to, from, size);
    return err;
}

static weft_err send(tls_state *s, uint8_t type, const uint8_t *from, size_t size)
{
    weft_bytes bytes = WEFT_NO_BYTES;
    bool below = s->kernel == TLS_KERNEL_SEALS;
    weft_err err = below ? copy(from, size, &bytes) : seal(s->records, type, from, size, &bytes);
    if (err == WEFT_OK)
        err = below ? wf_conn_send_record(s->stage, type, bytes) : weft_stage_send(s->stage, bytes);
    weft_bytes_drop(&bytes);
    return err == WEFT_EGONE ? WEFT_OK : err; /* behind our close_notify nothing has to be said */
}

/* New keys for what is sent from now on; @asks: and of the peer for what it sends. */
static weft_err send_key_update(tls_state *s, bool asks)
{
    const uint8_t message[KEY_UPDATE_BYTES] = {KEY_UPDATE, 0, 0, 1, asks};
    tls_records *r = s->records;
    weft_err err = send(s, HANDSHAKE, message, sizeof message);
    if (err == WEFT_OK && !update_keys(r, &r->out, true))
        err = WEFT_ENOMEM;
    r->owes = false;
    r->asked = r->asked || asks;
    return err;
}

/* The limit is the sender's to keep, but OpenSSL's clients, and others, do not: they are asked to. Whoever asks
 * renews its own keys by that, so nobody is asked where the kernel has these. */
static bool is_to_ask(const tls_state *s)
{
    const tls_records *r = s->records;
    return s->kernel != TLS_KERNEL_SEALS && r->in.number >= wf_tls_records_max && !r->asked;
}

bool wf_tls_records_renews(const tls_state *s)
{
    const tls_records *r = s->records;
    return is_to_ask(s) || r->owes || r->out.number >= wf_tls_records_max;
}

/* Where something waits to be sent this can wait too, and must not count as what floods the queue. */
static weft_err ask_for_new_keys(tls_state *s)
{
    bool now = is_to_ask(s) && !conn_has_output(s->stage->owner);
    return now ? send_key_update(s, true) : WEFT_OK;
}

weft_err wf_tls_records_send(tls_state *s, weft_bytes bytes)
{
    weft_err err = wf_tls_records_renews(s) ? send_key_update(s, is_to_ask(s)) : WEFT_OK;
    return err == WEFT_OK ? send(s, DATA, bytes.at, bytes.size) : err;
}

weft_err wf_tls_records_alert(tls_state *s, uint8_t what)
{
    const uint8_t alert[2] = {what == CLOSE_NOTIFY ? 1 : 2, what};
    return send(s, ALERT, alert, sizeof alert);
}

/* ---- in */

static weft_err refuse(tls_state *s, uint8_t alert, const char *text, weft_why *why)
{
    (void)!wf_tls_records_alert(s, alert); /* its last word */
    return weft_because(why, WEFT_ETLS, "TLS: %s", text);
}

/* A record that brought no data. */
static weft_err tolerate(tls_state *s, weft_why *why)
{
    if (++s->records->useless <= USELESS_MAX)
        return WEFT_OK;
    return refuse(s, UNEXPECTED_MESSAGE, "too many records without data", why);
}

static weft_err on_alert(tls_state *s, const uint8_t *at, size_t n, weft_why *why)
{
    if (n != 2)
        return refuse(s, n == 0 ? UNEXPECTED_MESSAGE : DECODE_ERROR,
                      "an alert of another length than two bytes", why);
    if (at[1] == CLOSE_NOTIFY)
        return WEFT_EDONE;
    if (at[1] == USER_CANCELED)
        return tolerate(s, why); /* section 6.1: followed by a close_notify */
    return weft_because(why, WEFT_ETLS, "TLS: the peer's alert: %s",
                        SSL_alert_desc_string_long(at[1]));
}

/* The peer's keys are new from its next record on. */
static weft_err on_key_update(tls_state *s, unsigned request, weft_why *why)
{
    tls_records *r = s->records;
    if (request > 1)
        return refuse(s, ILLEGAL_PARAMETER, "a KeyUpdate that asks for what is not known", why);
    if (request == 1 && s->kernel == TLS_KERNEL_SEALS) {
        /* it must be told of new keys before the next data, and the kernel can have none: there is no such */
        wf_conn_written_drop(s->stage->owner);
        return refuse(s, INTERNAL_ERROR, "the peer asks for new keys, which the kernel cannot have",
                      why);
    }
    if (!update_keys(r, &r->in, false))
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory for new keys");
    r->asked = false;
    /* one answer to all that come while nothing is said, and never more than is said */
    r->owes = r->owes || request == 1;
    return tolerate(s, why);
}

/* Section 4.6.3; behind it, in the same record, nothing may follow. */
static weft_err on_handshake(tls_state *s, const uint8_t *at, size_t n, weft_why *why)
{
    static const uint8_t begins[] = {KEY_UPDATE, 0, 0, 1};
    tls_records *r = s->records;
    uint8_t message[KEY_UPDATE_BYTES];
    size_t had = r->gathered_bytes, fits = sizeof message - had;
    memcpy(message, r->gathered, had);
    memcpy(message + had, at, n < fits ? n : fits);
    size_t all = had + n, known = all < sizeof begins ? all : sizeof begins;
    if (n == 0 || message[0] != KEY_UPDATE)
        return refuse(s, UNEXPECTED_MESSAGE, "a message of a handshake that is over", why);
    if (memcmp(message, begins, known) != 0)
        return refuse(s, DECODE_ERROR, "a KeyUpdate of another length than one byte", why);
    if (n > fits)
        return refuse(s, UNEXPECTED_MESSAGE, "a message behind a KeyUpdate", why);
    memcpy(r->gathered, message, all);
    r->gathered_bytes = (unsigned)all;
    if (all < sizeof message)
        return tolerate(s, why);
    r->gathered_bytes = 0;
    return on_key_update(s, message[4], why);
}

static weft_err on_data(tls_state *s, size_t n, size_t *size, weft_why *why)
{
    if (n == 0)
        return tolerate(s, why);
    s->records->useless = 0;
    *size += n;
    return WEFT_OK;
}

/* What the inner plaintext of @n bytes at @at is; data stays where it is: *@size more. */
static weft_err on_plain(tls_state *s, const uint8_t *at, size_t n, size_t *size, weft_why *why)
{
    bool is_long = n > PLAIN_MAX + 1; /* section 5.4: with its padding too */
    while (n != 0 && at[n - 1] == 0)
        n--; /* padding */
    if (is_long || (n != 0 && n - 1 > s->records->plain_max))
        return refuse(s, RECORD_OVERFLOW, "a record that is too long", why);
    if (n == 0)
        return refuse(s, UNEXPECTED_MESSAGE, "a record of padding alone", why);
    uint8_t type = at[--n];
    if (s->records->gathered_bytes != 0 && type != HANDSHAKE)
        return refuse(s, UNEXPECTED_MESSAGE, "a record within a message", why);
    switch (type) {
    case DATA:
        return on_data(s, n, size, why);
    case ALERT:
        return on_alert(s, at, n, why);
    case HANDSHAKE:
        return on_handshake(s, at, n, why);
    default:
        return refuse(s, UNEXPECTED_MESSAGE, "a record of a type that is none", why);
    }
}

/* What the header at @at promises: @n bytes behind it. */
static weft_err read_header(tls_state *s, const uint8_t *at, size_t *n, weft_why *why)
{
    *n = (size_t)at[3] << 8 | at[4];
    if (at[0] != DATA || at[1] != 3 || at[2] != 3)
        return refuse(s, UNEXPECTED_MESSAGE, "what came is no record", why);
    if (*n > SEALED_MAX)
        return refuse(s, RECORD_OVERFLOW, "a record that is too long", why);
    if (*n <= TAG)
        return refuse(s, BAD_RECORD_MAC, "a record that is too short", why);
    return WEFT_OK;
}

/* Moves what stands below to @to, where the part is gathered, until that has @size bytes. Whether it has. */
static bool take_part(tls_state *s, uint8_t *to, size_t size)
{
    tls_records *r = s->records;
    size_t left = s->in.size - s->used, n = size - r->part_bytes;
    if (r->part_bytes >= size)
        return true;
    n = n < left ? n : left;
    if (n != 0)
        memcpy(to + r->part_bytes, s->in.at + s->used, n);
    r->part_bytes += n;
    s->used += n;
    return r->part_bytes == size;
}

/* The next record, whole: @at its header, @n behind that. errors: EFULL: it is not; as the header's. */
static weft_err next_record(tls_state *s, const uint8_t **at, size_t *n, weft_why *why)
{
    tls_records *r = s->records;
    size_t left = s->in.size - s->used;
    weft_err err = WEFT_OK;
    if (r->part_bytes == 0 && left >= HEADER) {
        *at = s->in.at + s->used;
        err = read_header(s, *at, n, why);
        if (err != WEFT_OK || left >= HEADER + *n)
            return err;
    }
    if (!take_part(s, r->header, HEADER))
        return WEFT_EFULL;
    err = read_header(s, r->header, n, why);
    if (err != WEFT_OK)
        return err;
    if (r->part == NULL && (r->part = weft_alloc(HEADER + *n)) == NULL)
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory for a record");
    memcpy(r->part, r->header, HEADER);
    *at = r->part;
    return take_part(s, r->part, HEADER + *n) ? WEFT_OK : WEFT_EFULL;
}

static void used_record(tls_state *s, size_t bytes)
{
    tls_records *r = s->records;
    if (r->part == NULL)
        s->used += bytes;
    weft_alloc_free(r->part);
    r->part = NULL;
    r->part_bytes = 0;
}

weft_err wf_tls_records_read(tls_state *s, uint8_t *to, size_t room, size_t *size, weft_why *why)
{
    const uint8_t *at = NULL;
    size_t n = 0, plain = 0;
    weft_err err = next_record(s, &at, &n, why);
    if (err == WEFT_OK && room - *size < n - TAG)
        err = WEFT_EFULL;
    if (err != WEFT_OK)
        return err;
    bool good = open_one(&s->records->in, at, n, to + *size, &plain);
    used_record(s, HEADER + n);
    if (!good) {
        ERR_clear_error();
        return refuse(s, BAD_RECORD_MAC, "a record that was changed on its way", why);
    }
    err = on_plain(s, to + *size, plain, size, why);
    return err == WEFT_OK ? ask_for_new_keys(s) : err;
}
