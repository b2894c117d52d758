/* SPDX-License-Identifier: MIT */
/** TLS 1.2 and 1.3 (RFC 8446), as a stage at the bottom of a stream: over any transport, from the first
 * byte or from a known one on (STARTTLS), also within another TLS.
 *
 * Most programs never include this: `tls://`, `https://` and the option `tls` of other URLs do all of it
 * (<weft/url.h>), and `opened` is then told when the handshake is over. This header is for TLS that begins
 * in the middle of a stream, for certificates that are no files, and for asking who the peer is.
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

#define WEFT_TLS_IDENTITIES_MAX 16U       /**< certificates of one side */
#define WEFT_TLS_PEM_BYTES_MAX (1U << 20) /**< of a file of certificates, or of a key */
/** How often, while connections come, the files are looked at: changed ones are read anew. */
#define WEFT_TLS_CHECK_MS 10000U
/** How long a ticket of a server can be resumed with; its key is used for new ones half as long. */
#define WEFT_TLS_TICKET_MS (2U * 3600U * 1000U)
#define WEFT_TLS_SESSIONS_MAX 256U /**< a client remembers, one for each host; the oldest goes */
/** A file of so many bytes, or more, has the kernel seal what a server sends from then on (kTLS). */
#define WEFT_TLS_KERNEL_BYTES_MIN (256U << 10)
/** Handshakes that a reactor works on before it looks at its other descriptors and actors again. */
#define WEFT_TLS_HANDSHAKES_A_ROUND 4U

/** A certificate and its key. All texts are borrowed for the call. PEM, from a file or from memory: give
 * one of the two. */
typedef struct weft_tls_identity {
    /** The certificate, with those that lead to a root behind it. */
    const char *certificate_file, *certificate_pem;
    /** Its key, without a passphrase; neither: it stands in the same file or text. */
    const char *key_file, *key_pem;
    /** An answer of the issuer's OCSP responder (DER), which a server sends along. NULL: none. */
    const char *ocsp_file;
} weft_tls_identity;

/** What a server wants of its clients' certificates. */
typedef enum weft_tls_clients {
    WEFT_TLS_CLIENTS_IGNORED,  /**< they are not asked for */
    WEFT_TLS_CLIENTS_ASKED,    /**< one that is given must be accepted */
    WEFT_TLS_CLIENTS_REQUIRED, /**< and one must be given */
} weft_tls_clients;

/** Whether the kernel seals what a server sends (kTLS), so that files leave by sendfile. It can where TLS 1.3
 * stands right on a TCP socket; everything else is sealed here, which the peer cannot tell. */
typedef enum weft_tls_kernel {
    WEFT_TLS_KERNEL_AUTO, /**< from the first file of WEFT_TLS_KERNEL_BYTES_MIN on, if the kernel can */
    WEFT_TLS_KERNEL_OFF,
    WEFT_TLS_KERNEL_ON, /**< whatever is written; a kernel that cannot is an error when the side is made */
} weft_tls_kernel;

typedef struct weft_tls_config {
    /** This side's certificate and key: a server has to have them; a client may (sent when asked for). */
    const char *certificate_file, *certificate_pem;
    const char *key_file, *key_pem;
    const char *ocsp_file; /**< as in weft_tls_identity */
    /** Further ones, ended by a row without a certificate; NULL: none. A server chooses by the name that
     * its client asks for (SNI, RFC 6066); certificates for the same names with keys of different kinds
     * (ECDSA, RSA) stand side by side. Whoever asks for none of the names gets the first. */
    const weft_tls_identity *more;
    /** The roots that peers are verified with; none given: those of the system. */
    const char *trust_file, *trust_pem;
    /** A server: what it wants of clients. */
    weft_tls_clients clients;
    /** Protocols for ALPN (RFC 7301), the preferred first, ended by NULL; NULL: it is not spoken of. A
     * server that has none of those a client offers refuses it. */
    const char *const *alpn;
    /** A client that takes any certificate of anybody. weft_tls_about still says what was wrong. */
    bool unverified;
    bool tls13_only;        /**< no TLS 1.2 */
    bool no_resuming;       /**< a server gives no tickets; a client remembers no sessions */
    weft_tls_kernel kernel; /**< a server: who seals what it sends */
    /** What a server answers, in the clear, to a peer that speaks plain HTTP; NULL: an alert. */
    const char *plain_http_answer;
    /** When certificates are judged, in seconds since 1970; 0: now. For tests. */
    int64_t judged_at_s;
} weft_tls_config;

/** Makes the server side, or the client side (NULL config: the system's roots). Files that change are
 * read anew by themselves (WEFT_TLS_CHECK_MS); what stands open stays as it is, and new files that are no
 * good are logged once, while the old ones stay in use.
 * owns: *@out, given back by weft_tls_drop. errors: EINVAL (no certificate, a key of another certificate,
 * not PEM, expired; the sentence says which file, where, and what was expected), ENOTFOUND, EDENIED
 * (files), EUNSUPPORTED (a kernel without TLS, which was to be used), ETOOBIG, ELIMIT, ENOMEM. thread: any; reads files. */
WEFT_MUST_USE weft_err weft_tls_server(const weft_tls_config *config, weft_tls **out,
                                       weft_why *why);
WEFT_MUST_USE weft_err weft_tls_client(const weft_tls_config *config, weft_tls **out,
                                       weft_why *why);

/** Takes a share. thread: any. */
weft_tls *weft_tls_share(weft_tls *tls);
/** Gives a share back and sets *@tls to NULL. thread: any. */
void weft_tls_drop(weft_tls **tls);

/** Reads the files again, now: new connections use what they hold; if that is no good, nothing changes.
 * errors: as weft_tls_server. thread: any; reads files. */
weft_err weft_tls_reload(weft_tls *tls, weft_why *why);

/** Begins TLS on @stream, below whatever stages its owner put there, and above those of its URL; a client
 * says hello. @host is whom a client expects there, a name or an address: the certificate must be for it. A
 * server's is NULL. The stream takes a share of @tls. errors: those of weft_push (EPROTO: bytes came before
 * it); EINVAL (a client without a @host, unless it is unverified). thread: in a handler of the stream's
 * owner. */
WEFT_MUST_USE weft_err weft_tls_push(weft_actor *self, weft_ref stream, weft_tls *tls,
                                     const char *host, weft_why *why);

/** The peer's certificate. */
typedef struct weft_tls_peer {
    bool given;        /**< there was one */
    bool verified;     /**< and it is accepted, for the expected host too */
    char problem[96];  /**< why not; "": it is, or there is none */
    char subject[160]; /**< RFC 2253, cut to fit: "CN=client,O=weft" */
    char
        names[256]; /**< DNS names and addresses it is for, a comma between; as many as fit whole */
    char fingerprint[65];              /**< SHA-256, in hexadecimal */
    int64_t not_before_s, not_after_s; /**< since 1970 */
} weft_tls_peer;

/** What was agreed on. */
typedef struct weft_tls_info {
    bool up;             /**< the handshake is over: true in every handler of data */
    bool server;         /**< which side this is */
    bool resumed;        /**< by an earlier session: the peer's certificate is that of then */
    bool kernel;         /**< the kernel seals what is sent */
    const char *version; /**< "TLSv1.3" */
    const char *cipher;
    char alpn[64];  /**< "": none */
    char host[256]; /**< a server: which name its client asked for; a client: whom it asked for */
    weft_tls_peer peer;
} weft_tls_info;

/** Tells about the outermost (topmost) TLS of a stream of this reactor. errors: EGONE (no such stream),
 * ENOTFOUND (it has no TLS). thread: in a handler. */
weft_err weft_tls_about(weft_actor *self, weft_ref stream, weft_tls_info *out);

#ifdef __cplusplus
}
#endif
#endif
