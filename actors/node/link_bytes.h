/* SPDX-License-Identifier: MIT */
/* Little-endian numbers in bytes, wherever they stand. */
#ifndef WF_LINK_BYTES_H
#define WF_LINK_BYTES_H

#include <endian.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void store_u16(uint8_t *to, uint16_t value)
{
    value = htole16(value);
    memcpy(to, &value, sizeof value);
}

static inline void store_u32(uint8_t *to, uint32_t value)
{
    value = htole32(value);
    memcpy(to, &value, sizeof value);
}

static inline void store_u64(uint8_t *to, uint64_t value)
{
    value = htole64(value);
    memcpy(to, &value, sizeof value);
}

static inline uint16_t load_u16(const uint8_t *from)
{
    uint16_t value;
    memcpy(&value, from, sizeof value);
    return le16toh(value);
}

static inline uint32_t load_u32(const uint8_t *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return le32toh(value);
}

static inline uint64_t load_u64(const uint8_t *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return le64toh(value);
}

/* @bytes with the padding behind them. */
static inline size_t padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

#endif
