/* SPDX-License-Identifier: MIT */
/* A server of etcd for tests: what its JSON gateway does with leases, keys, transactions and watches, in a
 * system of its own in a simulated world. What it holds outlives its crashes, as etcd's does. It speaks HTTP with its own
 * few lines, not with weft's. */
#ifndef WEFT_TESTS_ETCD_PEER_H
#define WEFT_TESTS_ETCD_PEER_H

#include <weft/testing.h>

enum {
    PEER_KEYS_MAX = 256,
    PEER_LEASES_MAX = 512,
    PEER_CHANGES_MAX = 16384,
    PEER_TEXT_BYTES = 320,
};

typedef struct peer_key {
    char key[PEER_TEXT_BYTES], value[PEER_TEXT_BYTES];
    uint64_t created, modified, lease; /* created 0: it is not there */
} peer_key;

typedef struct peer_lease {
    uint64_t id;
    uint32_t ttl_s, until; /* of the system's own clock */
} peer_lease;

typedef struct peer_change {
    peer_key now, before;
    bool deleted;
} peer_change;

typedef struct etcd_peer {
    weft_sim *sim;
    char url[32], endpoint[32];
    uint64_t revision, compacted, last_lease;
    peer_key keys[PEER_KEYS_MAX];
    peer_lease leases[PEER_LEASES_MAX];
    peer_change changes[PEER_CHANGES_MAX];
    unsigned n_changes;
    struct peer_conn *conns;
    unsigned calls, watches;
    unsigned
        cut_answers; /* so many transactions to come are done, and then the connection is lost */
    unsigned errors; /* so many calls to come are answered with an error */
} etcd_peer;

/* Makes it, at sim://@name:2379, and (again) starts it. */
etcd_peer *etcd_peer_new(const char *name);
void etcd_peer_start(etcd_peer *p, weft_sim *world);
void etcd_peer_crash(etcd_peer *p);
/* Stops it if it runs, and frees it. */
void etcd_peer_free(etcd_peer *p);

/* What stands under @key; NULL: nothing. */
const peer_key *etcd_peer_at(const etcd_peer *p, const char *key);
/* How many keys begin with @prefix. */
unsigned etcd_peer_count(const etcd_peer *p, const char *prefix);
/* Does from outside what somebody with etcdctl would. */
void etcd_peer_delete(etcd_peer *p, const char *key);
void etcd_peer_put(etcd_peer *p, const char *key, const char *value);
void etcd_peer_compact(etcd_peer *p);
/* Ends all watches, as a server that goes does. */
void etcd_peer_cut_watches(etcd_peer *p);

#endif
