/* SPDX-License-Identifier: MIT */
/* Tickets of a server (RFC 5077, RFC 8446 section 4.6.1): sealed with keys that all reactors share, and
 * that time replaces.
 *
 *   newest ── seals and opens ── half a lifetime ──▶ older ── opens ── until its last ticket is over */
#include "tls_parts.h"

#include <string.h>

enum { ROTATES_MS = WEFT_TLS_TICKET_MS / 2 };

static bool make_key(tls_ticket_key *key, uint32_t now)
{
    key->since_ms = now;
    key->there = RAND_bytes(key->name, sizeof key->name) == 1 &&
                 RAND_priv_bytes(key->aes, sizeof key->aes) == 1 &&
                 RAND_priv_bytes(key->hmac, sizeof key->hmac) == 1;
    return key->there;
}

static bool is_over(const tls_ticket_key *key, uint32_t now)
{
    return now - key->since_ms >= ROTATES_MS + WEFT_TLS_TICKET_MS;
}

/* The key that new tickets are sealed with. false: there is no randomness. */
static bool newest(tls_tickets *t, uint32_t now, tls_ticket_key *out)
{
    bool good = true;
    if (!t->key[0].there || now - t->key[0].since_ms >= ROTATES_MS) {
        tls_ticket_key key;
        good = make_key(&key, now);
        if (good) {
            memmove(&t->key[1], &t->key[0], sizeof t->key - sizeof t->key[0]);
            t->key[0] = key;
        }
        OPENSSL_cleanse(&key, sizeof key);
    }
    *out = t->key[0];
    return good;
}

/* The key of the name @name: its number, or -1. */
static int find(const tls_tickets *t, uint32_t now, const unsigned char *name, tls_ticket_key *out)
{
    for (int i = 0; i < TLS_TICKET_KEYS; i++)
        if (t->key[i].there && !is_over(&t->key[i], now) &&
            memcmp(t->key[i].name, name, sizeof t->key[i].name) == 0) {
            *out = t->key[i];
            return i;
        }
    return -1;
}

static bool set_mac(EVP_MAC_CTX *mac, tls_ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->hmac, sizeof key->hmac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* 1: done; 0: a ticket of a key that is gone: a full handshake; 2: done, and a new one is due; -1. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int sealing)
{
    const tls_state *s = tls_state_of(ssl);
    tls_tickets *t = &s->tls->tickets;
    uint32_t now = weft_now_ms(conn_actor(s->stage->owner));
    tls_ticket_key key = {.there = false};
    (void)pthread_mutex_lock(&t->lock);
    int at = sealing ? (newest(t, now, &key) ? 0 : -1) : find(t, now, name, &key);
    (void)pthread_mutex_unlock(&t->lock);
    if (at < 0)
        return sealing ? -1 : 0;
    bool good = !sealing || RAND_bytes(iv, EVP_MAX_IV_LENGTH) == 1;
    if (sealing)
        memcpy(name, key.name, sizeof key.name);
    good = good && EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.aes, iv, sealing) == 1 &&
           set_mac(mac, &key);
    OPENSSL_cleanse(&key, sizeof key);
    if (!good)
        return -1;
    /* a ticket of TLS 1.3 is used once: whoever resumes is given the next one */
    return sealing || (at == 0 && SSL_version(ssl) < TLS1_3_VERSION) ? 1 : 2;
}

bool wf_tls_tickets_use(SSL_CTX *ctx)
{
    (void)SSL_CTX_set_timeout(ctx, WEFT_TLS_TICKET_MS / 1000);
    /* each connection gives the next one its ticket: a second would be for clients that open several */
    return SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
           SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) == 1;
}
