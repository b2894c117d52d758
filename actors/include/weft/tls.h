/* SPDX-License-Identifier: MIT */
/** TLS, as a stage at the bottom of a stream: over any transport, from the first byte or from a known
 * one on (STARTTLS).
 *
 * What is written before the handshake is over waits; what comes is told to the owner once it was
 * decrypted, so that a protocol needs no row for any of it. The owner's end of its side, or its close,
 * sends a close_notify behind what was written; the peer's close_notify is `ended`. A stream that ends
 * without one is closed with ETRUNCATED; a certificate that is not accepted, an alert, or bytes that are
 * no TLS close it with ETLS, whose sentence says what was wrong. */
#ifndef WEFT_TLS_H
#define WEFT_TLS_H

#include <weft/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Who one side is, and whom it trusts: made once, shared by any number of streams and reactors. */
typedef struct weft_tls weft_tls;

/** All texts are borrowed for the call. PEM, from a file or from memory: give one of the two. */
typedef struct weft_tls_config {
    /** This side's certificate, with those that lead to a root behind it, and its key. A server has to
     * have them; a client may (they are then sent when asked for). */
    const char *certificate_file, *certificate_pem;
    const char *key_file, *key_pem;
    /** The roots a client trusts; none given: those of the system. */
    const char *trust_file, *trust_pem;
    /** Protocols for ALPN, the preferred first, ended by NULL; NULL: it is not spoken of. A server that
     * has none of those a client offers refuses it. */
    const char *const *alpn;
    /** A client that takes any certificate of anybody: for tests. */
    bool unverified;
} weft_tls_config;

/** Makes the server side, or the client side (NULL config: the system's roots). TLS 1.2 and later.
 * owns: *@out, given back by weft_tls_drop. errors: EINVAL (no certificate, a key of another
 * certificate, not PEM), ENOTFOUND, EDENIED (files), ENOMEM. thread: any. */
WEFT_MUST_USE weft_err weft_tls_server(const weft_tls_config *config, weft_tls **out,
                                       weft_why *why);
WEFT_MUST_USE weft_err weft_tls_client(const weft_tls_config *config, weft_tls **out,
                                       weft_why *why);

/** Takes a share. thread: any. */
weft_tls *weft_tls_share(weft_tls *tls);
/** Gives a share back and sets *@tls to NULL. thread: any. */
void weft_tls_drop(weft_tls **tls);

/** Begins TLS on @stream, below whatever stages it has; a client says hello. @host is whom a client
 * expects there, a name or an address: the certificate must be for it. A server's is NULL. The stream
 * takes a share of @tls. errors: those of weft_push (EPROTO: bytes came before it); EINVAL (a client
 * without a @host, unless it is unverified). thread: in a handler of the stream's owner. */
WEFT_MUST_USE weft_err weft_tls_push(weft_actor *self, weft_ref stream, weft_tls *tls,
                                     const char *host, weft_why *why);

/** What was agreed on. */
typedef struct weft_tls_info {
    bool up;             /**< the handshake is over: true in every handler of data */
    const char *version; /**< "TLSv1.3" */
    const char *cipher;
    char alpn[64]; /**< "": none */
} weft_tls_info;

/** Tells about the TLS of a stream of this reactor. The texts are static or copied. errors: EGONE (no
 * such stream), ENOTFOUND (it has no TLS). thread: in a handler. */
weft_err weft_tls_about(weft_actor *self, weft_ref stream, weft_tls_info *out);

#ifdef __cplusplus
}
#endif
#endif
