/* SPDX-License-Identifier: MIT */
/* TLS as a stage: OpenSSL between the bytes of the wire and those of the owner, and behind a server's handshake
 * records of our own, or those of the kernel.
 *
 *   wire bytes ──▶ in ──▶ [BIO] ──▶ SSL_read  ──▶ piece
 *   records  ◀── send ◀── [BIO] ◀── SSL_write ◀── down */
#include "tls_parts.h"

#include <stdio.h>
#include <string.h>

enum { DOWN_BYTES_MAX = 64 << 10 };

/* ---- failures */

static weft_err refused(const tls_state *s, weft_why *why)
{
    char verdict[96];
    wf_tls_verdict(SSL_get_verify_result(s->ssl), verdict, sizeof verdict);
    return weft_because(why, WEFT_ETLS, "TLS: the peer's certificate is not accepted: %s", verdict);
}

/* What SSL says of its last call, which failed with @code. */
static weft_err failure(tls_state *s, int code, weft_why *why)
{
    bool judges = (SSL_get_verify_mode(s->ssl) & SSL_VERIFY_PEER) != 0;
    const char *reason = wf_tls_last_reason();
    weft_err err = s->sending;
    if (wf_tls_memory_was_out())
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory");
    if (err != WEFT_OK)
        return weft_because(why, err, "TLS: unable to send: %s", weft_err_text(err));
    if (judges && SSL_get_verify_result(s->ssl) != X509_V_OK && !s->up)
        return refused(s, why);
    if (code == SSL_ERROR_SSL)
        return weft_because(why, WEFT_ETLS, "TLS: %s", reason);
    return weft_because(why, WEFT_ETLS, "TLS: failed with code %d", code);
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

/* ---- the handshake */

/* A browser that was sent here by a URL of http is told so in words that it shows. */
static bool answer_http(tls_state *s)
{
    const char *text = s->tls->own.config.plain_http_answer;
    if (!s->tls->server || text == NULL || ERR_GET_REASON(ERR_peek_error()) != SSL_R_HTTP_REQUEST)
        return false;
    weft_bytes bytes;
    uint8_t *to;
    size_t n = strlen(text);
    if (weft_bytes_new(n, &to, &bytes) == WEFT_OK) {
        memcpy(to, text, n); /* NOLINT(bugprone-not-null-terminated-result): bytes, no text */
        (void)!weft_stage_send(s->stage, bytes);
        weft_bytes_drop(&bytes);
    }
    return true;
}

/* A server's SSL is needed no longer where its records can be had without. */
static void let_ssl_go(tls_state *s)
{
    if (!wf_tls_records_begin(s->records, s->ssl) || !wf_tls_know(s->ssl, &s->known)) {
        wf_tls_records_drop(&s->records);
        return;
    }
    SSL_free(s->ssl);
    s->ssl = NULL;
    wf_tls_setup_drop(&s->setup);
}

static weft_err handshake(tls_state *s, weft_why *why)
{
    if (s->up)
        return WEFT_OK;
    ERR_clear_error();
    int result = SSL_do_handshake(s->ssl);
    if (result <= 0 && answer_http(s)) {
        ERR_clear_error();
        return weft_because(why, WEFT_ETLS, "TLS: the peer speaks plain HTTP");
    }
    weft_err err = outcome(s, result, why);
    if (err == WEFT_OK) {
        s->up = true;
        let_ssl_go(s);
        weft_stage_ready(s->stage);
        /* what the peer says first is not read before the owner knows that the stream is open */
        return weft_stage_is_last(s->stage) ? WEFT_EFULL : WEFT_OK;
    }
    return err == WEFT_EDONE ? weft_because(why, WEFT_ETLS, "TLS: ended in the handshake") : err;
}

/* ---- upward */

/* Reads into the reactor's block what there is, up to its size. The end, or a failure, behind what came
 * before it is told at the next call. */
static weft_err read_all(tls_state *s, size_t *size, weft_why *why)
{
    uint8_t *block = weft_read_block();
    weft_err err = block != NULL ? WEFT_OK : WEFT_ENOMEM;
    while (err == WEFT_OK && *size < WEFT_READ_BYTES_MAX) {
        size_t n = 0;
        if (s->ssl == NULL) {
            err = wf_tls_records_read(s, block, WEFT_READ_BYTES_MAX, size, why);
            continue;
        }
        ERR_clear_error();
        err = outcome(s, SSL_read_ex(s->ssl, block + *size, WEFT_READ_BYTES_MAX - *size, &n), why);
        *size += n;
    }
    s->ended = err == WEFT_EDONE;
    return err == WEFT_EFULL || err == WEFT_EDONE ? WEFT_OK : err;
}

/* A failure, perhaps behind bytes that come first. */
static void fail(tls_state *s, weft_err err, const weft_why *why)
{
    size_t n = strlen(why->text) + 1;
    s->failed = err;
    s->stage->lets_by = false; /* what is written comes to tls_down again, and no further */
    s->why = weft_alloc(n);
    if (s->why != NULL)
        memcpy(s->why, why->text, n);
}

static weft_err make_piece(tls_state *s, weft_piece *out, weft_why *why)
{
    size_t size = 0;
    if (s->failed != WEFT_OK)
        return weft_because(why, s->failed, "%s",
                            s->why != NULL ? s->why : weft_err_text(s->failed));
    if (s->ended) {
        out->kind = WEFT_PIECE_END;
        return WEFT_OK;
    }
    weft_err err = handshake(s, why);
    if (err == WEFT_OK)
        err = read_all(s, &size, why);
    if (err == WEFT_EFULL)
        return WEFT_OK;
    if (err != WEFT_OK)
        fail(s, err, why);
    if (err != WEFT_OK && size == 0)
        return err;
    if (size == 0) {
        out->kind = s->ended ? WEFT_PIECE_END : WEFT_PIECE_NONE;
        return WEFT_OK;
    }
    out->kind = WEFT_PIECE_BYTES;
    return weft_read_bytes(size, &s->stage->owner->window, &out->bytes);
}

static weft_err use(tls_state *s, weft_bytes in, weft_piece *out, weft_why *why)
{
    weft_why reason = {""};
    s->in = in;
    s->used = 0;
    weft_err err = make_piece(s, out, &reason);
    s->in = WEFT_NO_BYTES;
    weft_stage_take(s->stage, s->used);
    return err == WEFT_OK ? err : weft_because(why, err, "%s", reason.text);
}

static weft_err tls_up(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    tls_state *s = weft_stage_state(stage);
    if (!s->up && in.size != 0 && !wf_tls_turn(s))
        return WEFT_OK;
    return use(s, in, out, why);
}

static weft_err tls_up_end(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    tls_state *s = weft_stage_state(stage);
    weft_err err = WEFT_OK;
    /* what the peer said before it ended, an alert perhaps, need not wait any longer for its turn */
    wf_tls_turn_leave(s);
    if (in.size != 0 || s->failed != WEFT_OK)
        err = use(s, in, out, why);
    if (err != WEFT_OK || out->kind != WEFT_PIECE_NONE || s->ended)
        return err;
    return weft_because(why, WEFT_ETRUNCATED, "TLS: the peer ended %s",
                        s->up ? "without a close_notify" : "in the handshake");
}

/* ---- downward */

static weft_err unable(weft_err err, weft_why *why)
{
    return err == WEFT_OK ? err
                          : weft_because(why, err, "TLS: unable to send: %s", weft_err_text(err));
}

static weft_err tls_down(weft_stage *stage, weft_bytes bytes, weft_why *why)
{
    tls_state *s = weft_stage_state(stage);
    size_t n = 0;
    if (!s->up || s->failed != WEFT_OK) /* section 6.2: behind a fatal alert nothing is said */
        return WEFT_EFULL;
    if (s->ssl == NULL)
        return unable(wf_tls_records_send(s, bytes), why);
    ERR_clear_error();
    /* whole, since the BIO takes everything */
    return outcome(s, SSL_write_ex(s->ssl, bytes.at, bytes.size, &n), why);
}

static weft_err tls_down_end(weft_stage *stage, weft_why *why)
{
    tls_state *s = weft_stage_state(stage);
    if (!s->up || s->failed != WEFT_OK) /* section 6.2: behind a fatal alert nothing is said */
        return WEFT_EFULL;
    if (s->ssl == NULL)
        return unable(wf_tls_records_alert(s, 0), why);
    ERR_clear_error();
    /* 0: sent, the peer's has not come */
    int result = SSL_shutdown(s->ssl);
    return result >= 0 ? WEFT_OK : outcome(s, result, why);
}

/* ---- begin and end */

static void tls_close(weft_stage *stage)
{
    tls_state *s = weft_stage_state(stage);
    wf_tls_turn_leave(s);
    SSL_free(s->ssl);
    wf_tls_records_drop(&s->records);
    wf_tls_known_done(&s->known);
    wf_tls_setup_drop(&s->setup);
    weft_alloc_free(s->why);
    weft_alloc_free(s->host);
    if (s->tls != NULL)
        weft_tls_drop(&s->tls);
}

static bool begin_client(tls_state *s, const char *host)
{
    SSL_set_connect_state(s->ssl);
    if (host == NULL)
        return true;
    if (!wf_tls_expect(s->ssl, host))
        return false;
    if (s->tls->own.config.no_resuming)
        return true;
    size_t n = strlen(host) + 1;
    s->host = weft_alloc(n);
    if (s->host == NULL)
        return false;
    memcpy(s->host, host, n);
    wf_tls_sessions_resume(s->tls, s->ssl, host);
    return true;
}

static bool begin(tls_state *s, const char *host)
{
    s->ssl = SSL_new(s->setup->ctx[0]);
    BIO *bio = s->ssl != NULL ? wf_tls_bio_new(s) : NULL;
    if (bio == NULL)
        return false;
    SSL_set_bio(s->ssl, bio, bio);
    if (SSL_set_app_data(s->ssl, s) != 1)
        return false;
    if (!s->tls->server)
        return begin_client(s, host);
    SSL_set_accept_state(s->ssl);
    return true;
}

static weft_err tls_open(weft_stage *stage, const void *config, weft_why *why)
{
    tls_state *s = weft_stage_state(stage);
    const wf_tls_push *c = config;
    if (!c->tls->server && !c->tls->own.config.unverified && c->host == NULL)
        return weft_because(why, WEFT_EINVAL,
                            "TLS: a client has to say whom it expects at the other end");
    s->stage = stage;
    s->tls = weft_tls_share(c->tls);
    s->kernel = s->tls->kernel ? TLS_KERNEL_MAY : TLS_KERNEL_NOT;
    wf_tls_check(s->tls, conn_actor(stage->owner));
    s->setup = wf_tls_now(s->tls);
    ERR_clear_error();
    if (!begin(s, c->host)) {
        ERR_clear_error();
        return weft_because(why, WEFT_ENOMEM, "TLS: no memory");
    }
    if (s->tls->server)
        return WEFT_OK; /* which has nothing to say before its client has */
    weft_err err = handshake(s, why);
    return err == WEFT_EFULL ? WEFT_OK : err;
}

const weft_stage_ops wf_tls_ops = {
    .name = "TLS",
    .state_bytes = sizeof(tls_state),
    .open = tls_open,
    .up = tls_up,
    .up_end = tls_up_end,
    .down = tls_down,
    .lets_by = wf_tls_kernel_lets_by,
    .down_end = tls_down_end,
    .close = tls_close,
    .down_bytes_max = DOWN_BYTES_MAX,
    .holds = true,
};

weft_err weft_tls_push(weft_actor *self, weft_ref stream, weft_tls *tls, const char *host,
                       weft_why *why)
{
    return weft_push(self, stream, &wf_tls_ops, &(wf_tls_push){tls, host}, WEFT_STAGE_BOTTOM, why);
}
