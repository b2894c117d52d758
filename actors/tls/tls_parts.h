/* SPDX-License-Identifier: MIT */
/* What the files of TLS share; it alone includes OpenSSL's headers.
 *
 *   weft_tls ── now ──▶ setup ──▶ SSL_CTX for each group of names ──▶ SSL of each stream
 *      │                  (replaced as a whole when files change; streams keep theirs)
 *      ├── tickets   keys of a server, rotated
 *      └── sessions  of a client, by host */
#ifndef WF_TLS_PARTS_H
#define WF_TLS_PARTS_H

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include <weft/tls.h>

#include "conn.h"
#include "leaf_sealed.h"

enum { TLS_ALPN_BYTES_MAX = 256 };

/* ---- reading (tls_pem.c, tls_ocsp.c) */

/* A file, or a text of the caller's: both end with a zero byte that is not counted. */
typedef struct tls_text {
    const char *name; /* in sentences */
    char *own;        /* NULL: borrowed */
    const char *at;
    size_t size;
} tls_text;

/* errors: ENOTFOUND, EDENIED, ETOOBIG, EIO, ENOMEM. */
WEFT_MUST_USE weft_err wf_tls_text_open(const char *file, const char *pem, const char *what,
                                        tls_text *out, weft_why *why);
void wf_tls_text_close(tls_text *text);
/* The certificates of @text, in its order; at least one. errors: EINVAL with the line, ENOMEM. */
WEFT_MUST_USE weft_err wf_tls_certificates(const tls_text *text, STACK_OF(X509) * *out,
                                           weft_why *why);
/* Its key. errors: EINVAL, ENOMEM. */
WEFT_MUST_USE weft_err wf_tls_key(const tls_text *text, EVP_PKEY **out, weft_why *why);
/* A failure of OpenSSL: ENOMEM if memory was out, else @err. Forgets OpenSSL's own notes. */
weft_err wf_tls_refuse(weft_why *why, weft_err err, const char *name, const char *text);
/* Forgets OpenSSL's notes of what failed; whether memory was out is among them. */
bool wf_tls_memory_was_out(void);
/* What OpenSSL says of the last failure. */
const char *wf_tls_last_reason(void);

/* An answer of OCSP, and until when it may be used. */
typedef struct tls_ocsp {
    uint8_t *der; /* NULL: none */
    size_t size;
    int64_t until_s;
} tls_ocsp;
/* errors: EINVAL (no answer, or one that says less than "good"), those of a file. */
WEFT_MUST_USE weft_err wf_tls_ocsp_read(const char *file, tls_ocsp *out, weft_why *why);

/* ---- what one side is made of (tls_config.c) */

/* The config, all texts its own. */
typedef struct tls_own {
    weft_tls_config config;
    weft_tls_identity identity[WEFT_TLS_IDENTITIES_MAX];
    unsigned identities;
    unsigned char alpn[TLS_ALPN_BYTES_MAX]; /* as on the wire: each with its length before it */
    unsigned alpn_bytes;
    char *room; /* of all texts */
} tls_own;

WEFT_MUST_USE weft_err wf_tls_own_copy(const weft_tls_config *config, tls_own *out, weft_why *why);
void wf_tls_own_done(tls_own *own);

/* ---- contexts (tls_setup.c) */

typedef struct tls_identity {
    X509 *leaf; /* of its context */
    int key;    /* its kind */
    unsigned group;
    tls_ocsp ocsp;
} tls_identity;

/* What the files said when they were read. Certificates for the same names share a context: a group. */
typedef struct wf_tls_setup {
    _Atomic uint32_t refs;
    weft_tls *tls; /* who holds a setup holds this too */
    unsigned groups, identities;
    SSL_CTX *ctx[WEFT_TLS_IDENTITIES_MAX]; /* the first also serves whoever asks for no name here */
    tls_identity identity[WEFT_TLS_IDENTITIES_MAX];
} wf_tls_setup;

WEFT_MUST_USE weft_err wf_tls_setup_make(weft_tls *tls, wf_tls_setup **out, weft_why *why);
void wf_tls_setup_drop(wf_tls_setup **setup);

/* ---- tickets (tls_tickets.c) */

enum { TLS_TICKET_KEYS = 3 }; /* the one in use, and those whose tickets may still come */

typedef struct tls_ticket_key {
    unsigned char name[16], aes[32], hmac[32];
    uint32_t since_ms;
    bool there;
} tls_ticket_key;

typedef struct tls_tickets {
    pthread_mutex_t lock;
    tls_ticket_key key[TLS_TICKET_KEYS]; /* the newest first */
} tls_tickets;

/* Has @ctx seal and open tickets with the keys of its side. errors: false, memory is out. */
bool wf_tls_tickets_use(SSL_CTX *ctx);

/* ---- sessions (tls_sessions.c) */

typedef struct tls_session {
    char *host;
    SSL_SESSION *session;
    uint64_t used; /* the greatest was used last */
} tls_session;

typedef struct tls_sessions {
    pthread_mutex_t lock;
    tls_session *kept; /* of WEFT_TLS_SESSIONS_MAX; NULL: none was kept yet */
    unsigned count;
    uint64_t uses;
} tls_sessions;

void wf_tls_sessions_use(SSL_CTX *ctx);
/* Lets @ssl resume what is known of @host. */
void wf_tls_sessions_resume(weft_tls *tls, SSL *ssl, const char *host);
void wf_tls_sessions_done(tls_sessions *sessions);

/* ---- one side (tls_config.c); files that change (tls_watch.c) */

/* What tells that a file is another one. */
typedef struct tls_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
} tls_stamp;

enum { TLS_FILES_MAX = 3 * WEFT_TLS_IDENTITIES_MAX + 1 };

struct weft_tls {
    _Atomic uint32_t refs;
    bool server, has_files; /* as it was made */
    tls_own own;
    bool kernel; /* may seal what is sent: it can, and was not to be left out */
    BIO_METHOD *bio;
    pthread_mutex_t lock; /* of @now and @stamps; never held while files are read */
    wf_tls_setup *now;
    tls_stamp stamps[TLS_FILES_MAX]; /* of the files as they were last read */
    _Atomic uint32_t checked_ms;     /* when the files were last looked at, by the system's clock */
    _Atomic bool checking;           /* somebody does */
    tls_tickets tickets;
    tls_sessions sessions;
};

/* A share of what the files said. */
wf_tls_setup *wf_tls_now(weft_tls *tls);
/* Whether anything comes from files. */
bool wf_tls_has_files(const weft_tls *tls);
/* Notes what the files look like: before they are read. */
void wf_tls_stamp(weft_tls *tls);
/* Looks at the files, elsewhere, if that is due. thread: in a handler. */
void wf_tls_check(weft_tls *tls, weft_actor *self);

/* ---- verifying (tls_verify.c) */

/* Sets whom @ctx trusts and what it asks of peers. */
WEFT_MUST_USE weft_err wf_tls_trust(const tls_own *own, bool server, SSL_CTX *ctx, weft_why *why);
/* Has the client say, and check, whom it expects. false: memory is out. */
bool wf_tls_expect(SSL *ssl, const char *host);
/* Why the peer's certificate is not accepted. */
void wf_tls_verdict(long verdict, char *to, size_t room);

/* ---- the stage (tls_stage.c), and its turns (tls_turns.c) */

/* Whether the kernel seals what is sent. */
typedef enum tls_kernel {
    TLS_KERNEL_NOT,
    TLS_KERNEL_MAY, /* when there is something that is worth it */
    TLS_KERNEL_SEALS,
} tls_kernel;

/* What weft_tls_about tells of a stream whose SSL is gone. */
typedef struct tls_known {
    const char *version, *cipher;
    X509 *peer;
    long verdict;
    bool resumed;
    uint8_t alpn_bytes;
    char *texts; /* the host that was asked for, with a zero, and the protocol; NULL: neither */
} tls_known;

typedef struct tls_state tls_state;
typedef struct tls_records tls_records;
struct tls_state {
    weft_tls *tls;
    wf_tls_setup *setup;
    SSL *ssl;             /* NULL: @records do it alone, and @known says what it was */
    tls_records *records; /* NULL: it is SSL's, unless SSL is gone */
    tls_known known;
    weft_stage *stage;
    weft_bytes in;          /* what stands below, while SSL works on it */
    size_t used;            /* of it */
    weft_err sending;       /* why nothing could be sent */
    weft_err failed;        /* told behind what came before it; nothing is sent any more */
    char *why;              /* of it; NULL: no memory for a sentence */
    char *host;             /* whom a client resumes with; NULL: nobody */
    bool up;                /* the handshake is over */
    bool ended;             /* the peer's close_notify came */
    bool waiting;           /* for its turn to go on with the handshake */
    bool turn;              /* which this is */
    uint8_t kernel;         /* a tls_kernel */
    tls_state *next, *back; /* of those that wait */
};

extern const weft_stage_ops wf_tls_ops;
/* What is given to its open. */
typedef struct wf_tls_push {
    weft_tls *tls;
    const char *host;
} wf_tls_push;

/* Whether the handshake may go on now; if not, it is gone on with (weft_stage_again) in a later round. */
bool wf_tls_turn(tls_state *s);
void wf_tls_turn_leave(tls_state *s);

/* ---- records that the kernel seals (tls_kernel.c) */

/* Whether @tls may have it done. errors: EUNSUPPORTED: it was asked for, and the kernel cannot. */
WEFT_MUST_USE weft_err wf_tls_kernel_may(weft_tls *tls, weft_why *why);
/* The stage's lets_by: whether the kernel takes over before @bytes, of a file or not, are sent. */
weft_err wf_tls_kernel_lets_by(weft_stage *stage, bool file, uint64_t bytes);

/* ---- what is remembered of SSL (tls_about.c) */

/* errors: false, memory is out. */
bool wf_tls_know(const SSL *ssl, tls_known *out);
void wf_tls_known_done(tls_known *known);

/* ---- records without SSL (tls_records.c; keys: tls_record_keys.c) */

/* So many records are sealed with one key; then the peer is told of the next (KeyUpdate). Lower in tests. */
extern uint64_t wf_tls_records_max;
/* Callbacks of a server's context: its secrets, and its records, while SSL shakes hands. */
void wf_tls_records_hear(const SSL *ssl, const char *line);
void wf_tls_records_count(int sent, int version, int type, const void *at, size_t size, SSL *ssl,
                          void *context);
/* Whether @r, which may be NULL, can go on where @ssl, whose handshake is over, is now. */
bool wf_tls_records_begin(tls_records *r, const SSL *ssl);
/* The same, by what it needs of that: the suite, and the client's max_fragment_length (0: none). */
bool wf_tls_records_start(tls_records *r, const SSL_CIPHER *suite, unsigned max_fragment);
void wf_tls_records_drop(tls_records **records);
/* Whether we tell of new keys before our next data: whoever takes over our keys must not before that. */
bool wf_tls_records_renews(const tls_state *s);
/* What somebody else needs to seal the next records. errors: false, also where they are short. */
bool wf_tls_records_out(const tls_records *r, wf_seal_key *out);
/* And does from now on: what @r needed for it is dropped. */
void wf_tls_records_out_drop(tls_records *r);
/* Sends @bytes, one after the other in records. errors: of weft_stage_send; ENOMEM. */
WEFT_MUST_USE weft_err wf_tls_records_send(tls_state *s, weft_bytes bytes);
/* Sends an alert; 0: close_notify. errors: the same. */
WEFT_MUST_USE weft_err wf_tls_records_alert(tls_state *s, uint8_t what);
/* The next record of @s->in, its data at @to + *@size, which grows by it. errors: EFULL: it is not whole, or
 * there is no room for it; EDONE: close_notify; ETLS, after an alert; ENOMEM. */
WEFT_MUST_USE weft_err wf_tls_records_read(tls_state *s, uint8_t *to, size_t room, size_t *size,
                                           weft_why *why);

BIO_METHOD *wf_tls_bio_method(void);
/* A BIO over what stands below the stage of @s. errors: NULL. */
BIO *wf_tls_bio_new(tls_state *s);

static inline tls_state *tls_state_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

#endif
