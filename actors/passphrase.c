/* SPDX-License-Identifier: MIT */
/* Hashes of passwords: libxcrypt's. */
#include "passphrase.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include <weft/edge.h>

#include "hashes.h"

struct wf_passphrase {
    struct crypt_data data;
};

_Static_assert(WF_PASSPHRASE_HASH_BYTES == CRYPT_OUTPUT_SIZE, "a hash has room");

wf_passphrase *wf_passphrase_new(void)
{
    return weft_alloc_zero(sizeof(wf_passphrase));
}

void wf_passphrase_free(wf_passphrase *room)
{
    if (room != NULL)
        explicit_bzero(room, sizeof *room);
    weft_alloc_free(room);
}

/* What a setting begins with, and how many bytes a whole hash ends with behind its last '$'. bcrypt has its
 * 22 bytes of salt there too. */
static const struct method {
    const char *prefix;
    size_t tail;
} methods[] = {
    {"$2b$", 53}, {"$2y$", 53}, {"$2a$", 53}, {"$y$", 43}, {"$gy$", 43}, {"$7$", 43}, {"$6$", 86},
};

bool wf_passphrase_is_hash(const char *hash)
{
    if (strlen(hash) >= WF_PASSPHRASE_HASH_BYTES || crypt_checksalt(hash) != CRYPT_SALT_OK)
        return false;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strncmp(hash, methods[i].prefix, strlen(methods[i].prefix)) == 0)
            return strlen(strrchr(hash, '$') + 1) == methods[i].tail;
    return false;
}

/* ---- costs, from what crypt(5) says of the settings */

/* The value of the first @n digits of crypt's base 64, the lowest first. */
static uint64_t digits(const char *at, unsigned n)
{
    static const char all[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint64_t value = 0;
    for (unsigned i = 0; i < n && at[i] != '\0'; i++) {
        const char *found = strchr(all, at[i]);
        value |= (uint64_t)(found != NULL ? found - all : 0) << (6 * i);
    }
    return value;
}

static uint64_t power(uint64_t log2)
{
    return UINT64_C(1) << (log2 < 40 ? log2 : 40);
}

static uint64_t cost_of_bcrypt(const char *setting)
{
    return 50 * power(strtoul(setting, NULL, 10));
}

/* Its flavour, then one digit each for what it takes, less one. */
static uint64_t cost_of_yescrypt(const char *setting)
{
    if (setting[0] == '\0' || setting[1] == '\0')
        return 0;
    return power(digits(setting + 1, 1) + 1) * (digits(setting + 2, 1) + 1) / 5;
}

static uint64_t cost_of_scrypt(const char *setting)
{
    if (strlen(setting) < 11)
        return 0;
    return power(digits(setting, 1)) * digits(setting + 1, 5) * digits(setting + 6, 5) / 3;
}

static uint64_t cost_of_sha512(const char *setting)
{
    static const char rounds[] = "rounds=";
    bool said = strncmp(setting, rounds, sizeof rounds - 1) == 0;
    return (said ? strtoul(setting + sizeof rounds - 1, NULL, 10) : 5000) / 2;
}

uint64_t wf_passphrase_cost(const char *hash)
{
    const char *setting = strchr(hash + 1, '$');
    if (setting == NULL)
        return 0;
    setting++;
    switch (hash[1]) {
    case '2':
        return cost_of_bcrypt(setting);
    case 'y':
    case 'g':
        return cost_of_yescrypt(setting);
    case '7':
        return cost_of_scrypt(setting);
    default:
        return cost_of_sha512(setting);
    }
}

static __thread unsigned long hashed;

unsigned long wf_passphrase_count(void)
{
    return hashed;
}

/* The hash of @phrase with the setting of @hash in @room; NULL: there is none. */
static const char *hash_with(wf_passphrase *room, const char *phrase, const char *hash)
{
    hashed++;
    return crypt_rn(phrase, hash, &room->data, (int)sizeof room->data);
}

bool wf_passphrase_matches(wf_passphrase *room, const char *phrase, const char *hash)
{
    const char *got = hash_with(room, phrase, hash);
    size_t n = strlen(hash);
    bool same = got != NULL && strlen(got) == n && wf_same(got, hash, n);
    explicit_bzero(&room->data, sizeof room->data);
    return same;
}

void wf_passphrase_waste(wf_passphrase *room, const char *phrase, const char *like)
{
    (void)hash_with(room, phrase, like != NULL ? like : "$y$j9T$weftweftweftweft$");
    explicit_bzero(&room->data, sizeof room->data);
}
