/* SPDX-License-Identifier: MIT */
/* The order in which the addresses of a name are tried: by precedence, families by turns. */
#include "address_order.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct policy {
    uint8_t prefix[16];
    unsigned bits, precedence;
} policy;

/* RFC 6724 2.1, the default table; the longest prefix that fits is the first here. */
static const policy policies[] = {
    {.prefix = {[15] = 1}, .bits = 128, .precedence = 50},
    {.prefix = {[10] = 0xff, [11] = 0xff}, .bits = 96, .precedence = 35},
    {.bits = 96, .precedence = 1},
    {.prefix = {0x20, 0x01}, .bits = 32, .precedence = 5},
    {.prefix = {0x20, 0x02}, .bits = 16, .precedence = 30},
    {.prefix = {0x3f, 0xfe}, .bits = 16, .precedence = 1},
    {.prefix = {0xfe, 0xc0}, .bits = 10, .precedence = 1},
    {.prefix = {0xfc}, .bits = 7, .precedence = 3},
    {.precedence = 40},
};

static unsigned bit_at(const uint8_t *ip, unsigned i)
{
    return ((unsigned)ip[i / 8] >> (7 - i % 8)) & 1U;
}

static bool fits(const policy *p, const uint8_t ip[16])
{
    unsigned i = 0;
    while (i < p->bits && bit_at(p->prefix, i) == bit_at(ip, i))
        i++;
    return i == p->bits;
}

unsigned wf_address_precedence(const weft_address *address)
{
    uint8_t ip[16] = {[10] = 0xff, [11] = 0xff};
    if (address->family == WEFT_FAMILY_V4)
        memcpy(ip + 12, address->ip, 4);
    else
        memcpy(ip, address->ip, 16);
    const policy *p = policies;
    while (!fits(p, ip))
        p++;
    return p->precedence;
}

/* Puts the address at @from before that at @to. */
static void move(weft_address *addresses, uint32_t from, uint32_t to)
{
    weft_address moved = addresses[from];
    memmove(addresses + to + 1, addresses + to, (from - to) * sizeof *addresses);
    addresses[to] = moved;
}

static void sort(weft_address *addresses, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        uint32_t to = i;
        while (to > 0 &&
               wf_address_precedence(&addresses[to - 1]) < wf_address_precedence(&addresses[i]))
            to--;
        move(addresses, i, to);
    }
}

void wf_addresses_order(weft_address *addresses, uint32_t n)
{
    sort(addresses, n);
    for (uint32_t i = 1; i < n; i++) {
        uint32_t other = i;
        while (other < n && addresses[other].family == addresses[i - 1].family)
            other++;
        if (other == n)
            return;
        move(addresses, other, i);
    }
}
