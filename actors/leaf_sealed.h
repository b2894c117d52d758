/* SPDX-License-Identifier: MIT */
/* Sockets whose records of TLS 1.3 the kernel seals (kTLS): what is written to them is plain, and files leave
 * by sendfile. What is read stays sealed: that half is the stage's.
 *
 *   TLS stage ── key, number of the next record ──▶ kernel
 *   what is written ──▶ queue ──▶ leaf ── plain; the type beside what is no data ──▶ kernel ──▶ records */
#ifndef WF_LEAF_SEALED_H
#define WF_LEAF_SEALED_H

#include "conn.h"

typedef enum wf_seal_cipher {
    WF_SEAL_NONE, /* one that the kernel has not */
    WF_SEAL_AES_128_GCM,
    WF_SEAL_AES_256_GCM,
    WF_SEAL_CHACHA20_POLY1305,
} wf_seal_cipher;

/* What the kernel has to know to go on. */
typedef struct wf_seal_key {
    wf_seal_cipher cipher;
    unsigned char key[32], iv[12];
    uint64_t number; /* of the next record */
} wf_seal_key;

/* setsockopt, which tests replace. */
extern int (*wf_seal_set)(int fd, int level, int name, const void *value, unsigned size);
/* So many records at most are sealed with one key of AES: the kernel of today can be given no other. Lower
 * in tests. */
extern uint64_t wf_seal_records_max;

/* Whether this kernel has it: asked once a process, which may load its module. errors: EUNSUPPORTED.
 * thread: any; may block the first time. */
WEFT_MUST_USE weft_err wf_seal_offered(weft_why *why);
/* Forgets what the kernel said. For tests. */
void wf_seal_forget(void);

/* Whether @c is over a descriptor, behind a meter or not. */
bool wf_seal_can(const conn *c);
/* Whether @bytes may be sealed with @key. */
bool wf_seal_has_room(const wf_seal_key *key, uint64_t bytes);
/* Has the kernel seal what @c writes from now on; nothing waits to be sent. errors: EUNSUPPORTED: it is as
 * before; the socket is of another kind, or the kernel has not the cipher, which is remembered. */
WEFT_MUST_USE weft_err wf_seal_begin(conn *c, const wf_seal_key *key);

#endif
