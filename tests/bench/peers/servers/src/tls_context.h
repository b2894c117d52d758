/* SPDX-License-Identifier: MIT */
/* What the programs that speak TLS share: a context of one end. */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include "common.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

UNUSED static SSL_CTX *context_of(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (ctx == NULL)
        die("no context");
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

/* A client that takes any certificate. */
UNUSED static SSL_CTX *client_context(void)
{
    SSL_CTX *ctx = context_of(TLS_client_method());
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    return ctx;
}

UNUSED static SSL_CTX *server_context(const char *folder, const char *name)
{
    char path[4096];
    SSL_CTX *ctx = context_of(TLS_server_method());
    snprintf(path, sizeof path, "%s/%s.pem", folder, name);
    if (SSL_CTX_use_certificate_chain_file(ctx, path) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1)
        die("no certificate and key in %s", path);
    return ctx;
}

#endif
