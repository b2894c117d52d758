/* SPDX-License-Identifier: MIT */
/* Records of TLS 1.3 without SSL, as the two files that do them share them: their keys (tls_record_keys.c), and what is
 * sent and comes with those (tls_records.c). What the stage asks of both stands in tls_parts.h. */
#ifndef WF_TLS_RECORDS_H
#define WF_TLS_RECORDS_H

#include "tls_parts.h"

enum {
    TLS_HEADER = 5,           /* bytes before a record's text (RFC 8446 section 5.1) */
    TLS_PLAIN_MAX = 1 << 14,  /* of its data */
    TLS_KEY_UPDATE_BYTES = 5, /* of that message (section 4.6.3) */
};

/* The keys of one way, and the number of its next record. */
typedef struct tls_way {
    EVP_CIPHER_CTX *cipher;
    uint64_t number;
    bool known; /* the secret was heard, and the keys are those of it */
    unsigned char iv[12], secret[EVP_MAX_MD_SIZE];
} tls_way;

struct tls_records {
    tls_way in, out;
    const EVP_MD *digest;
    size_t secret_bytes;
    size_t plain_max; /* of a record, both ways: less where the client asked for less (RFC 6066) */
    unsigned useless; /* records in a row */
    bool owes;        /* the peer asks for new keys of ours: before our next data (section 4.6.3) */
    bool asked;       /* we for new ones of the peer's, and none came yet */
    unsigned char gathered[TLS_KEY_UPDATE_BYTES]; /* of a message that came in pieces */
    unsigned gathered_bytes;
    /* of a record that has not come whole: it does not pin what it was read into, and has room for what its
     * header promises, once that is there */
    size_t part_bytes;
    uint8_t header[TLS_HEADER];
    uint8_t *part; /* NULL: no more than a header came, if that */
};

/* The next secret of @way, and the keys of it (section 7.2). false: memory is out, and @way is used no more: a number
 * that began anew must not meet the old keys. */
bool wf_tls_way_update(const tls_records *r, tls_way *way, bool seals);

#endif
