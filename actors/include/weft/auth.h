/* SPDX-License-Identifier: MIT */
/** Auth: one actor that every protocol asks who somebody is.
 *
 *     weft_auth_source sources[1];
 *     err = weft_auth_source_parse("file:/etc/shop/passwords", &sources[0], &why);
 *     static const weft_auth_config config = {.sources = sources, .count = 1};
 *     err = weft_auth_check(&config, &why);
 *     weft_ref auth = weft_system_spawn(sys, 0, &weft_auth, &config);
 *
 * A request names a principal, says by what it is to be proved, and is answered weft_auth_granted or
 * fails with EDENIED and a sentence that does not tell which part was wrong; nor does the time it takes,
 * as an unknown user costs what a wrong password costs. Hashing and files are the work of the blocking
 * pool. Failures are counted for each principal and each peer, an attempt under way as one.
 * Secrets are wiped from messages when they go away; what a caller has on its stack is the caller's. */
#ifndef WEFT_AUTH_H
#define WEFT_AUTH_H

#include <weft/address.h>
#include <weft/system.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- limits, by name; the final zero included */

#define WEFT_AUTH_USER_BYTES 256U
#define WEFT_AUTH_PASSWORD_BYTES 512U
#define WEFT_AUTH_PATH_BYTES 256U
#define WEFT_AUTH_REALM_BYTES 128U
#define WEFT_AUTH_KEY_BYTES 2048U      /**< of a public key, as RFC 4253 section 6.6 has it */
#define WEFT_AUTH_CHALLENGE_BYTES 256U /**< of a challenge */
#define WEFT_AUTH_FILE_BYTES_MAX \
    (1U << 20) /**< of a file of passwords or keys; a larger one is no file */

/* ---- sources: where principals come from */

typedef enum weft_auth_source_kind {
    WEFT_AUTH_FROM_ANONYMOUS = 1, /**< anybody, as "anonymous" */
    WEFT_AUTH_FROM_MEMORY,        /**< one user and the password itself */
    /** Lines USER:HASH, as `htpasswd -B` and `mkpasswd` make them: bcrypt, yescrypt or another hash that
     * crypt(5) calls strong. Looked at for each request, so that a change needs no restart. */
    WEFT_AUTH_FROM_FILE,
    WEFT_AUTH_FROM_UNIX,   /**< the system's users, by /etc/shadow, which must be readable */
    WEFT_AUTH_FROM_SSHKEY, /**< an authorized_keys file; %u in its path is the user */
} weft_auth_source_kind;

typedef struct weft_auth_source {
    weft_auth_source_kind kind;
    char user[WEFT_AUTH_USER_BYTES];         /**< of memory */
    char password[WEFT_AUTH_PASSWORD_BYTES]; /**< of memory; nothing but zeros behind it */
    char path[WEFT_AUTH_PATH_BYTES];         /**< of file and sshkey */
} weft_auth_source;

/** Reads `anonymous`, `memory:USER:PASSWORD`, `file:PATH`, `unix` or `sshkey:PATH`. @out is written only
 * on success. errors: EINVAL (the sentence names the nearest type), ETOOBIG. thread: any. */
WEFT_MUST_USE weft_err weft_auth_source_parse(const char *word, weft_auth_source *out,
                                              weft_why *why);

/** Whether a source can be used now: its file is there and every line of it makes sense, the shadow file
 * is readable. Blocks. errors: ENOTFOUND, EDENIED, EPROTO (which line), ETOOBIG, EIO. thread: any. */
WEFT_MUST_USE weft_err weft_auth_source_check(const weft_auth_source *source, weft_why *why);

/* ---- the actor */

/** The config of weft_auth; it and its sources must live until the system ends. Zero means the default. */
typedef struct weft_auth_config {
    const weft_auth_source *sources; /**< asked in order */
    uint32_t count;
    const char *realm;           /**< of digests, and the host of CRAM challenges; NULL: "weft" */
    uint32_t checks_max;         /**< requests that wait for the blocking pool; 0: 256 */
    uint32_t failures_user_max;  /**< of one principal within the window; 0: 10 */
    uint32_t failures_peer_max;  /**< of one peer (a v4 address, a v6 network of 64 bits); 0: 30 */
    uint32_t failures_window_ms; /**< 0: 60,000 */
    uint32_t throttled_max;      /**< principals and peers remembered; 0: 4,096 */
    uint32_t challenge_ms;       /**< how long a challenge is good for; 0: 300,000 */
    uint32_t challenges_max;     /**< that were used and are remembered; 0: 4,096 */
} weft_auth_config;

/** Whether a config makes sense and each of its sources can be used now. Blocks: before start, or on the
 * blocking pool. errors: EINVAL, and those of weft_auth_source_check. thread: any. */
WEFT_MUST_USE weft_err weft_auth_check(const weft_auth_config *config, weft_why *why);

/** Spawn it with a weft_auth_config, which weft_auth_check has looked at. It ends with EINVAL when the
 * config makes no sense. */
extern const weft_behaviour weft_auth;

/** By what a principal is proved. */
typedef enum weft_auth_kind {
    WEFT_AUTH_ANONYMOUS,
    WEFT_AUTH_PASSWORD, /**< the password itself: memory, file, unix */
    WEFT_AUTH_DIGEST,   /**< RFC 7616: memory */
    WEFT_AUTH_CRAM_MD5, /**< RFC 2195: memory */
    /** Whether a public key is the user's: sshkey. That the peer has the private one is what the SSH
     * library proves. */
    WEFT_AUTH_SSH_KEY,
    WEFT_AUTH_KINDS_
} weft_auth_kind;

/* ---- digests */

typedef enum weft_digest_algorithm { WEFT_DIGEST_MD5, WEFT_DIGEST_SHA256 } weft_digest_algorithm;

/** What a client says in `Authorization: Digest ...` (RFC 7616 section 3.4), unquoted; qop is auth. */
typedef struct weft_digest {
    weft_digest_algorithm algorithm;
    char user[WEFT_AUTH_USER_BYTES], realm[WEFT_AUTH_REALM_BYTES];
    char nonce[WEFT_AUTH_CHALLENGE_BYTES], cnonce[128], uri[1024];
    char nc[9];        /**< eight hex digits */
    char response[65]; /**< hex digits, as many as the algorithm has */
    char method[32];   /**< of the request; the caller's to fill in */
} weft_digest;

/** Reads what stands behind "Digest " in the header. The caller compares uri with what was asked for.
 * @out is written only on success. errors: EPROTO, ETOOBIG, EUNSUPPORTED (another algorithm or qop, a
 * hashed or encoded user name). thread: any. */
WEFT_MUST_USE weft_err weft_digest_parse(const char *text, size_t size, weft_digest *out,
                                         weft_why *why);

/** Writes what goes behind `WWW-Authenticate: `, for one algorithm; @stale says that only the challenge
 * was over. Returns as snprintf does. thread: any. */
size_t weft_digest_challenge(const char *realm, const char *nonce, weft_digest_algorithm algorithm,
                             bool stale, char *text, size_t size);

/* ---- requests */

/** Is @user who it says? The reply is weft_auth_granted. Its memory is wiped when the message goes away.
 * errors: EDENIED (and no more is said), ETIMEDOUT with the sentence "the challenge is over" (the
 * credentials are right: give another challenge), ELIMIT (too many failures; the sentence says for how
 * long), EUNSUPPORTED (no source takes this kind), EFULL (checks_max), EINVAL (a text without an end),
 * EIO (a source cannot be read; the log says why). */
typedef struct weft_auth_request {
    weft_auth_kind kind;
    weft_address peer;               /**< family none: not counted */
    char user[WEFT_AUTH_USER_BYTES]; /**< for a digest: as in it */
    union {
        char password[WEFT_AUTH_PASSWORD_BYTES];
        weft_digest digest;
        struct {
            char challenge[WEFT_AUTH_CHALLENGE_BYTES];
            char response[33]; /**< hex digits */
        } cram;
        struct {
            uint32_t size;
            uint8_t blob[WEFT_AUTH_KEY_BYTES];
        } key;
    };
} weft_auth_request;

typedef struct weft_auth_granted {
    char principal[WEFT_AUTH_USER_BYTES];
    weft_auth_kind kind;
    weft_auth_source_kind by;
} weft_auth_granted;

/** Wipes a request that a caller has no more use for. thread: any. */
void weft_auth_wipe(weft_auth_request *request);

/** A challenge, for WEFT_AUTH_DIGEST (its text is the nonce) or WEFT_AUTH_CRAM_MD5 (it is what is to be
 * sent before it is put into base64). The reply is weft_auth_challenge. errors: EUNSUPPORTED. */
typedef struct weft_auth_challenge_request {
    weft_auth_kind kind;
} weft_auth_challenge_request;
typedef struct weft_auth_challenge {
    char text[WEFT_AUTH_CHALLENGE_BYTES];
    char realm[WEFT_AUTH_REALM_BYTES];
} weft_auth_challenge;

/** What does it take? The reply is weft_auth_offer, with which a protocol lists its mechanisms. */
typedef struct weft_auth_offer_request {
    char nothing;
} weft_auth_offer_request;
typedef struct weft_auth_offer {
    uint32_t kinds; /**< 1 << a weft_auth_kind, for each */
} weft_auth_offer;

extern const weft_type weft_auth_request_type, weft_auth_granted_type,
    weft_auth_challenge_request_type, weft_auth_challenge_type, weft_auth_offer_request_type,
    weft_auth_offer_type;

#ifdef __cplusplus
}
#endif
#endif
