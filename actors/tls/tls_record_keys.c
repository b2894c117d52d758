/* SPDX-License-Identifier: MIT */
/* Keys of records: heard while SSL shakes hands, made of their secrets, renewed, given to whoever seals instead.
 *
 *   handshake by SSL ── its secrets, heard ──▶ keys of both ways ──▶ SSL is freed
 *
 * What SSL keeps of a handshake is most of what a connection costs, and cannot be given back by any call of
 * OpenSSL's (docs/decisions/0090). */
#include "tls_records.h"

#include <string.h>

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
    tls_way *w = in ? &r->in : &r->out, *other = in ? &r->out : &r->in;
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
static bool set_keys(const tls_records *r, EVP_MAC_CTX *mac, tls_way *w, const EVP_CIPHER *cipher,
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

bool wf_tls_way_update(const tls_records *r, tls_way *w, bool seals)
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
    r->plain_max = max_fragment != 0 ? (size_t)256 << max_fragment : TLS_PLAIN_MAX;
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
    bool good = r->out.known && r->plain_max == TLS_PLAIN_MAX && n <= sizeof out->key;
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
