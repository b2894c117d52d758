/* SPDX-License-Identifier: MIT */
/* etcd's version 3 as JSON (its gRPC gateway): requests are written, answers read. Pure.
 *
 * What the gateway does with protobuf holds for all of it: 64-bit numbers are strings, bytes are base64, and a
 * field that is zero, false or empty is absent. */
#ifndef WF_ETCD_CODEC_H
#define WF_ETCD_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

enum {
    ETCD_KEY_BYTES = 256,   /* of a key, a zero behind it included; what is longer is left out */
    ETCD_VALUE_BYTES = 512, /* of a value, likewise */
    ETCD_ANSWER_BYTES_MAX = 32 << 20,
    ETCD_EVENTS_MAX = 1 << 17, /* of one answer */
    ETCD_REQUEST_BYTES = 4096, /* any request fits */
    ETCD_WHY_BYTES = 160,
};

/* ---- requests: each is written to @out, with a zero behind it */

void wf_etcd_write_grant(char out[ETCD_REQUEST_BYTES], uint32_t ttl_s);
/* Of keep-alives and of revocations. */
void wf_etcd_write_lease(char out[ETCD_REQUEST_BYTES], uint64_t lease);
void wf_etcd_write_put(char out[ETCD_REQUEST_BYTES], const char *key, const char *value,
                       uint64_t lease);
/* All keys that begin with @prefix, which does not end in the byte 255. */
void wf_etcd_write_range(char out[ETCD_REQUEST_BYTES], const char *prefix);
/* Puts @key if it is not there, else gets it. */
void wf_etcd_write_take(char out[ETCD_REQUEST_BYTES], const char *key, const char *value,
                        uint64_t lease);
/* Deletes @key if it has @value. */
void wf_etcd_write_give(char out[ETCD_REQUEST_BYTES], const char *key, const char *value);
/* Watches all that begin with @prefix, from the revision @from on. */
void wf_etcd_write_watch(char out[ETCD_REQUEST_BYTES], const char *prefix, uint64_t from);

/* ---- answers */

/* A key that is there, or (@deleted) that was. */
typedef struct etcd_event {
    char key[ETCD_KEY_BYTES];
    char value[ETCD_VALUE_BYTES]; /* deleted: "" */
    uint64_t
        created; /* the revision that made it; of one that was deleted 0 if that is not known */
    uint64_t modified; /* the last revision that put, or deleted, it */
    uint64_t lease;
    bool deleted;
} etcd_event;

/* What any answer can say; what it does not say is zero. */
typedef struct etcd_answer {
    uint64_t revision;
    uint64_t lease, ttl_s;
    bool succeeded;          /* the first branch of a transaction */
    bool created, cancelled; /* of a watch */
    uint64_t compacted;      /* that is why: revisions below it are gone */
    etcd_event *events;      /* keys of a range, of the other branch of a transaction, or events */
    size_t n, room;
    size_t left_out; /* of those: too long, or no text */
    bool failed;     /* it is an error: */
    uint32_t code;   /* of gRPC: 5 is NOT_FOUND, 11 OUT_OF_RANGE, 14 UNAVAILABLE */
    char why[ETCD_WHY_BYTES];
} etcd_answer;

/* Reads one answer, or one line of a stream of them. errors: EPROTO (no JSON, or not of that form), ETOOBIG,
 * ENOMEM, with @why; *@out is empty. What it is given is freed with wf_etcd_answer_done. */
WEFT_MUST_USE weft_err wf_etcd_read(const void *at, size_t n, etcd_answer *out, weft_why *why);
void wf_etcd_answer_done(etcd_answer *answer);

#endif
