/* SPDX-License-Identifier: MIT */
/* OpenSSL's own client, over memory, against a server's records: what it sends and gets is in a test's hands. */
#ifndef WEFT_TESTS_TLS_CLIENT_H
#define WEFT_TESTS_TLS_CLIENT_H

#include "actors/stream_kit.h"
#include "tls/tls_parts.h"
#include "tls_sealer.h"

typedef struct tls_client tls_client;
struct tls_client {
    SSL_CTX *ctx;
    SSL *ssl;
    const char *suite;
    void (*up)(tls_client *c);                  /* the handshake is over; NULL: nothing is said */
    void (*heard)(tls_client *c, size_t bytes); /* so much has come so far */
    void (*change)(uint8_t *records, size_t bytes); /* of what is sent, once */
    void (*take)(tls_client *c, weft_bytes wire);   /* gives SSL what came; NULL: as it is */
    void (*finish)(tls_client *c);                  /* and what it kept back of it, at the end */
    /* makes records that SSL would not, in its place, once: behind the handshake. With AES-256-GCM */
    void (*forge)(tls_sealer *s, uint8_t *to, size_t *n);
    tls_sealer sealer;
    unsigned fragment; /* max_fragment_length; 0: none */
    bool is_up, ended;
    size_t got, wrong;
    unsigned reason;  /* of the failure of its last read; 0: none */
    unsigned updates; /* new keys that the server told of */
    unsigned asked;   /* and of those that asked for ours */
    unsigned alerts;  /* that it sent */
};

/* Runs it over @by against side b, the server, which is what the kit makes of it. */
void tls_client_run(tls_client *c, const kit_transport *by, kit_side *b);
/* Says the bytes of the pattern from @from up to @to. */
void tls_client_say(tls_client *c, size_t from, size_t to);
/* New keys of its own; SSL_KEY_UPDATE_REQUESTED: and of the server's. */
void tls_client_renew(tls_client *c, int how);
/* Gives SSL bytes of the wire. */
void tls_client_give(tls_client *c, const void *at, size_t size);

#endif
