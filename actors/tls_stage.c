/* SPDX-License-Identifier: MIT */
/* TLS as a stage: OpenSSL between the bytes of the wire and those of the owner.
 *
 *   wire bytes ──▶ in ──▶ [BIO] ──▶ SSL_read  ──▶ piece
 *   records  ◀── send ◀── [BIO] ◀── SSL_write ◀── down
 *
 * The BIO reads what stands below the stage where it stands, a record at a time, and sends what it is
 * given at once: OpenSSL holds no more than the record at hand. */
#include <weft/tls.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"

enum { DOWN_BYTES_MAX = 64 << 10, ALPN_BYTES_MAX = 256 };

struct weft_tls {
    _Atomic uint32_t refs;
    SSL_CTX *ctx;
    BIO_METHOD *bio;
    bool server, unverified;
    unsigned char alpn[ALPN_BYTES_MAX]; /* as on the wire: each with its length before it */
    unsigned alpn_bytes;
};

typedef struct tls_state {
    weft_tls *tls;
    SSL *ssl;
    weft_stage *stage;
    weft_bytes in;    /* what stands below, while SSL works on it */
    size_t used;      /* of it */
    weft_err sending; /* why nothing could be sent */
    weft_err failed;  /* told behind what came before it */
    weft_why why;
    bool up;    /* the handshake is over */
    bool ended; /* the peer's close_notify came */
} tls_state;

/* ---- the BIO */

static int bio_read(BIO *bio, char *to, int size)
{
    tls_state *s = BIO_get_data(bio);
    size_t left = s->in.size - s->used, n = left < (size_t)size ? left : (size_t)size;
    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(to, s->in.at + s->used, n);
    s->used += n;
    return (int)n;
}

static int bio_write(BIO *bio, const char *from, int size)
{
    tls_state *s = BIO_get_data(bio);
    weft_bytes bytes;
    uint8_t *to;
    BIO_clear_retry_flags(bio);
    s->sending = weft_bytes_new((size_t)size, &to, &bytes);
    if (s->sending != WEFT_OK)
        return -1;
    memcpy(to, from, (size_t)size);
    s->sending = weft_stage_send(s->stage, bytes);
    if (s->sending == WEFT_EGONE)
        s->sending = WEFT_OK; /* behind our close_notify nothing has to be said any more */
    weft_bytes_drop(&bytes);
    return s->sending == WEFT_OK ? size : -1;
}

static long bio_ctrl(BIO *bio, int cmd, long number, void *at)
{
    (void)bio, (void)number, (void)at;
    return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_new(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "weft stage");
    if (m != NULL)
        (void)(BIO_meth_set_read(m, bio_read), BIO_meth_set_write(m, bio_write),
               BIO_meth_set_ctrl(m, bio_ctrl));
    return m;
}

/* ---- failures */

static const char *last_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != NULL ? reason : "no reason was given";
}

/* What SSL says of its last call, which failed with @code. */
static weft_err failure(tls_state *s, int code, weft_why *why)
{
    long verified = SSL_get_verify_result(s->ssl);
    weft_err err = s->sending;
    if (err != WEFT_OK)
        (void)weft_because(why, err, "TLS: unable to send: %s", weft_err_text(err));
    else if (verified != X509_V_OK && !s->up)
        err = weft_because(why, WEFT_ETLS, "TLS: the peer's certificate is not accepted: %s",
                           X509_verify_cert_error_string(verified));
    else if (code == SSL_ERROR_SSL)
        err = weft_because(why, WEFT_ETLS, "TLS: %s", last_reason());
    else
        err = weft_because(why, WEFT_ETLS, "TLS: failed with code %d", code);
    ERR_clear_error();
    return err;
}

/* What the call that gave @result came to: EFULL: SSL needs more from the peer first. */
static weft_err outcome(tls_state *s, int result, weft_why *why)
{
    int code = SSL_get_error(s->ssl, result);
    switch (code) {
    case SSL_ERROR_NONE:
        return WEFT_OK;
    case SSL_ERROR_WANT_READ:
        return WEFT_EFULL;
    case SSL_ERROR_ZERO_RETURN:
        return WEFT_EDONE;
    default:
        return failure(s, code, why);
    }
}

static weft_err handshake(tls_state *s, weft_why *why)
{
    if (s->up)
        return WEFT_OK;
    ERR_clear_error();
    weft_err err = outcome(s, SSL_do_handshake(s->ssl), why);
    if (err == WEFT_OK) {
        s->up = true;
        weft_stage_ready(s->stage);
    }
    return err == WEFT_EDONE ? weft_because(why, WEFT_ETLS, "TLS: ended in the handshake") : err;
}

/* ---- the stage */

/* Reads into the reactor's block what there is, up to its size. The end, or a failure, behind what came
 * before it is told at the next call. */
static weft_err read_all(tls_state *s, size_t *size, weft_why *why)
{
    uint8_t *block = weft_read_block();
    weft_err err = block != NULL ? WEFT_OK : WEFT_ENOMEM;
    while (err == WEFT_OK && *size < WEFT_READ_BYTES_MAX) {
        size_t n = 0;
        ERR_clear_error();
        err = outcome(s, SSL_read_ex(s->ssl, block + *size, WEFT_READ_BYTES_MAX - *size, &n), why);
        *size += n;
    }
    s->ended = err == WEFT_EDONE;
    return err == WEFT_EFULL || err == WEFT_EDONE ? WEFT_OK : err;
}

static weft_err make_piece(tls_state *s, weft_piece *out, weft_why *why)
{
    size_t size = 0;
    if (s->failed != WEFT_OK)
        return weft_because(why, s->failed, "%s", s->why.text);
    if (s->ended) {
        out->kind = WEFT_PIECE_END;
        return WEFT_OK;
    }
    weft_err err = handshake(s, why);
    if (err == WEFT_OK)
        err = read_all(s, &size, why);
    if (err == WEFT_EFULL)
        return WEFT_OK;
    if (err != WEFT_OK && size == 0)
        return err;
    if (err != WEFT_OK) {
        s->failed = err;
        (void)weft_because(&s->why, err, "%s", why->text);
    }
    if (size == 0) {
        out->kind = s->ended ? WEFT_PIECE_END : WEFT_PIECE_NONE;
        return WEFT_OK;
    }
    out->kind = WEFT_PIECE_BYTES;
    return weft_read_bytes(size, &s->stage->owner->window, &out->bytes);
}

static weft_err tls_up(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    tls_state *s = weft_stage_state(stage);
    weft_why reason = {""};
    s->in = in;
    s->used = 0;
    weft_err err = make_piece(s, out, &reason);
    s->in = WEFT_NO_BYTES;
    weft_stage_take(stage, s->used);
    return err == WEFT_OK ? err : weft_because(why, err, "%s", reason.text);
}

static weft_err tls_up_end(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    const tls_state *s = weft_stage_state(stage);
    (void)in, (void)out;
    if (s->ended)
        return WEFT_OK;
    return weft_because(why, WEFT_ETRUNCATED, "TLS: the peer ended %s",
                        s->up ? "without a close_notify" : "in the handshake");
}

static weft_err tls_down(weft_stage *stage, weft_bytes bytes, weft_why *why)
{
    tls_state *s = weft_stage_state(stage);
    size_t n = 0;
    if (!s->up)
        return WEFT_EFULL;
    ERR_clear_error();
    /* whole, since the BIO takes everything */
    return outcome(s, SSL_write_ex(s->ssl, bytes.at, bytes.size, &n), why);
}

static weft_err tls_down_end(weft_stage *stage, weft_why *why)
{
    tls_state *s = weft_stage_state(stage);
    if (!s->up)
        return WEFT_EFULL;
    ERR_clear_error();
    /* 0: sent, the peer's has not come */
    int result = SSL_shutdown(s->ssl);
    return result >= 0 ? WEFT_OK : outcome(s, result, why);
}

static void tls_close(weft_stage *stage)
{
    tls_state *s = weft_stage_state(stage);
    SSL_free(s->ssl);
    weft_tls_drop(&s->tls);
}

typedef struct tls_config {
    weft_tls *tls;
    const char *host;
} tls_config;

/* Has the client say, and check, whom it expects. false: memory is out. */
static bool expect(SSL *ssl, const char *host)
{
    unsigned char ip[16];
    if (inet_pton(AF_INET, host, ip) == 1 || inet_pton(AF_INET6, host, ip) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    /* what the macro of SSL_set_tlsext_host_name does, without its cast that drops const */
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    (void *)(uintptr_t)host) == 1 &&
           SSL_set1_host(ssl, host) == 1;
}

static weft_err tls_open(weft_stage *stage, const void *config, weft_why *why)
{
    tls_state *s = weft_stage_state(stage);
    const tls_config *c = config;
    s->stage = stage;
    s->tls = weft_tls_share(c->tls);
    if (!c->tls->server && !c->tls->unverified && c->host == NULL)
        return weft_because(why, WEFT_EINVAL,
                            "TLS: a client has to say whom it expects at the other end");
    s->ssl = SSL_new(c->tls->ctx);
    BIO *bio = s->ssl != NULL ? BIO_new(c->tls->bio) : NULL;
    if (bio == NULL || (c->host != NULL && !c->tls->server && !expect(s->ssl, c->host))) {
        BIO_free(bio);
        return weft_because(why, WEFT_ENOMEM, "no memory for TLS");
    }
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    if (c->tls->server)
        SSL_set_accept_state(s->ssl);
    else
        SSL_set_connect_state(s->ssl);
    weft_err err = handshake(s, why);
    return err == WEFT_EFULL ? WEFT_OK : err;
}

static const weft_stage_ops tls_ops = {
    .name = "TLS",
    .state_bytes = sizeof(tls_state),
    .open = tls_open,
    .up = tls_up,
    .up_end = tls_up_end,
    .down = tls_down,
    .down_end = tls_down_end,
    .close = tls_close,
    .down_bytes_max = DOWN_BYTES_MAX,
    .holds = true,
};

weft_err weft_tls_push(weft_actor *self, weft_ref stream, weft_tls *tls, const char *host,
                       weft_why *why)
{
    return weft_push(self, stream, &tls_ops, &(tls_config){tls, host}, WEFT_STAGE_BOTTOM, why);
}

weft_err weft_tls_about(weft_actor *self, weft_ref stream, weft_tls_info *out)
{
    weft_stage *stage = weft_stage_of(self, stream, &tls_ops);
    if (stage == NULL)
        return wf_conn_here(stream) != NULL ? WEFT_ENOTFOUND : WEFT_EGONE;
    const tls_state *s = weft_stage_state(stage);
    const unsigned char *alpn = NULL;
    unsigned n = 0;
    SSL_get0_alpn_selected(s->ssl, &alpn, &n);
    *out = (weft_tls_info){
        .up = s->up, .version = SSL_get_version(s->ssl), .cipher = SSL_get_cipher_name(s->ssl)};
    if (n != 0 && n < sizeof out->alpn)
        memcpy(out->alpn, alpn, n);
    return WEFT_OK;
}

/* ---- who one side is */

static weft_err refuse(weft_why *why, const char *what, const char *where)
{
    weft_err err = ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SYS
                       ? weft_err_from_errno(ERR_GET_REASON(ERR_peek_error()))
                       : WEFT_EINVAL;
    (void)weft_because(why, err, "TLS: unable to use the %s%s%.60s: %s", what,
                       where != NULL ? " of " : "", where != NULL ? where : "", last_reason());
    ERR_clear_error();
    return err;
}

static BIO *open_pem(const char *file, const char *pem)
{
    return file != NULL ? BIO_new_file(file, "r") : BIO_new_mem_buf(pem, -1);
}

/* Nobody is asked for the password of a key: the program has no terminal to ask at. */
static int no_password(char *to, int size, int writing, void *context)
{
    (void)to, (void)size, (void)writing, (void)context;
    return -1;
}

/* Takes certificate after certificate out of @bio. false: none, or one that is not valid. */
static bool each_certificate(BIO *bio, SSL_CTX *ctx, bool (*use)(SSL_CTX *ctx, X509 *x, unsigned i))
{
    unsigned i = 0;
    for (X509 *x; (x = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL; i++) {
        bool good = use(ctx, x, i);
        X509_free(x);
        if (!good)
            return false;
    }
    /* the end of the file is how it ends */
    bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (i != 0 && end)
        ERR_clear_error();
    return i != 0 && end;
}

static bool use_own(SSL_CTX *ctx, X509 *x, unsigned i)
{
    return i == 0 ? SSL_CTX_use_certificate(ctx, x) == 1 : SSL_CTX_add1_chain_cert(ctx, x) == 1;
}

static bool use_root(SSL_CTX *ctx, X509 *x, unsigned i)
{
    (void)i;
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x) == 1;
}

static weft_err use_identity(SSL_CTX *ctx, const weft_tls_config *c, weft_why *why)
{
    BIO *bio = open_pem(c->certificate_file, c->certificate_pem);
    bool good = bio != NULL && each_certificate(bio, ctx, use_own);
    BIO_free(bio);
    if (!good)
        return refuse(why, "certificate", c->certificate_file);
    bio = open_pem(c->key_file, c->key_pem);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    good = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return good ? WEFT_OK : refuse(why, "key", c->key_file);
}

static weft_err use_trust(SSL_CTX *ctx, const weft_tls_config *c, weft_why *why)
{
    if (c->trust_file == NULL && c->trust_pem == NULL)
        return SSL_CTX_set_default_verify_paths(ctx) == 1
                   ? WEFT_OK
                   : refuse(why, "certificates that the system trusts", NULL);
    BIO *bio = open_pem(c->trust_file, c->trust_pem);
    bool good = bio != NULL && each_certificate(bio, ctx, use_root);
    BIO_free(bio);
    return good ? WEFT_OK : refuse(why, "trusted certificates", c->trust_file);
}

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                       const unsigned char *in, unsigned in_bytes, void *context)
{
    const weft_tls *tls = context;
    unsigned char *chosen = NULL;
    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_bytes, tls->alpn, tls->alpn_bytes, in, in_bytes) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static weft_err use_alpn(weft_tls *tls, const char *const *names, weft_why *why)
{
    for (; names != NULL && *names != NULL; names++) {
        size_t n = strlen(*names);
        if (n == 0 || n > 63 || tls->alpn_bytes + 1 + n > ALPN_BYTES_MAX)
            return weft_because(why, WEFT_EINVAL,
                                "TLS: \"%.70s\" cannot be a protocol: expected 1 to 63 bytes, and "
                                "%d for all",
                                *names, ALPN_BYTES_MAX);
        tls->alpn[tls->alpn_bytes++] = (unsigned char)n;
        memcpy(tls->alpn + tls->alpn_bytes, *names, n);
        tls->alpn_bytes += (unsigned)n;
    }
    if (tls->alpn_bytes == 0)
        return WEFT_OK;
    if (tls->server)
        SSL_CTX_set_alpn_select_cb(tls->ctx, select_alpn, tls);
    else if (SSL_CTX_set_alpn_protos(tls->ctx, tls->alpn, tls->alpn_bytes) != 0)
        return weft_because(why, WEFT_ENOMEM, "no memory for TLS");
    return WEFT_OK;
}

static void set_rules(const weft_tls *tls)
{
    (void)SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_mode(tls->ctx, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(tls->ctx, tls->server || tls->unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                       NULL);
}

static weft_err fill(weft_tls *tls, const weft_tls_config *c, weft_why *why)
{
    weft_err err = WEFT_OK;
    tls->ctx = SSL_CTX_new(tls->server ? TLS_server_method() : TLS_client_method());
    tls->bio = bio_new();
    if (tls->ctx == NULL || tls->bio == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for TLS");
    set_rules(tls);
    bool has_own = (c->certificate_file != NULL || c->certificate_pem != NULL) &&
                   (c->key_file != NULL || c->key_pem != NULL);
    if (tls->server && !has_own)
        return weft_because(why, WEFT_EINVAL, "TLS: a server needs a certificate and its key");
    if (has_own)
        err = use_identity(tls->ctx, c, why);
    if (err == WEFT_OK && !tls->server && !tls->unverified)
        err = use_trust(tls->ctx, c, why);
    return err == WEFT_OK ? use_alpn(tls, c->alpn, why) : err;
}

static weft_err make(bool server, const weft_tls_config *config, weft_tls **out, weft_why *why)
{
    static const weft_tls_config nothing;
    const weft_tls_config *c = config != NULL ? config : &nothing;
    weft_tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for TLS");
    atomic_init(&tls->refs, 1);
    tls->server = server;
    tls->unverified = c->unverified && !server;
    ERR_clear_error();
    weft_err err = fill(tls, c, why);
    if (err != WEFT_OK)
        weft_tls_drop(&tls);
    else
        *out = tls;
    return err;
}

weft_err weft_tls_server(const weft_tls_config *config, weft_tls **out, weft_why *why)
{
    return make(true, config, out, why);
}

weft_err weft_tls_client(const weft_tls_config *config, weft_tls **out, weft_why *why)
{
    return make(false, config, out, why);
}

weft_tls *weft_tls_share(weft_tls *tls)
{
    atomic_fetch_add_explicit(&tls->refs, 1, memory_order_relaxed);
    return tls;
}

void weft_tls_drop(weft_tls **at)
{
    weft_tls *tls = *at;
    *at = NULL;
    /* acquire and release: whoever used it last did so before it is freed */
    if (tls == NULL || atomic_fetch_sub_explicit(&tls->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(tls->ctx);
    BIO_meth_free(tls->bio);
    free(tls);
}
