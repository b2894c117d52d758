/* SPDX-License-Identifier: MIT */
/* Hashes of passwords as crypt(5) has them. Slow by design: for actors of the blocking pool. */
#ifndef WF_PASSPHRASE_H
#define WF_PASSPHRASE_H

#include <stdbool.h>
#include <stdint.h>

/* The bytes of a hash at most, the final zero included. */
#define WF_PASSPHRASE_HASH_BYTES 384

/* Room for hashing. errors: NULL. */
typedef struct wf_passphrase wf_passphrase;
wf_passphrase *wf_passphrase_new(void);
/* Takes NULL calmly. */
void wf_passphrase_free(wf_passphrase *room);

/* Whether @hash is a whole one of a method that is strong enough: bcrypt, yescrypt, gost-yescrypt, scrypt,
 * sha512crypt. */
bool wf_passphrase_is_hash(const char *hash);

/* About how long a check against @hash takes, in us: to compare hashes with, whatever their methods. It must
 * be one (wf_passphrase_is_hash). */
uint64_t wf_passphrase_cost(const char *hash);

/* Whether @phrase has the hash @hash; what the room held is wiped. */
bool wf_passphrase_matches(wf_passphrase *room, const char *phrase, const char *hash);

/* Takes as long as a check against @like, or a yescrypt one if that is NULL; for users that are not
 * there. */
void wf_passphrase_waste(wf_passphrase *room, const char *phrase, const char *like);

/* Tests only: how many times this thread has hashed. */
unsigned long wf_passphrase_count(void);

#endif
