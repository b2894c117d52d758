/* SPDX-License-Identifier: MIT */
/* Checking UTF-8: eight bytes at a time while they are ASCII, else sequence by sequence. */
#include "wf_utf8.h"

#include <stdint.h>
#include <string.h>

/* RFC 3629 section 4: after a first byte from @first to @last comes a second one from @low to
 * @high, and then as many from 80 to BF as make @bytes. */
typedef struct shape {
    uint8_t first, last, bytes, low, high;
} shape;

static const shape shapes[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf},                              /* C0 and C1 would be overlong */
    {0xe0, 0xe0, 3, 0xa0, 0xbf},                              /* below A0: overlong */
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, /* above 9F: surrogates */
    {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf}, /* below 90: overlong */
    {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f}, /* above 8F: beyond U+10FFFF */
};

/* The bytes of the sequence at @at, whose first byte is not ASCII; 0: there is none. */
static size_t sequence_bytes(const uint8_t *at, size_t n)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const shape *s = &shapes[i];
        if (at[0] > s->last)
            continue;
        if (at[0] < s->first || n < s->bytes || at[1] < s->low || at[1] > s->high)
            return 0;
        for (size_t k = 2; k < s->bytes; k++)
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        return s->bytes;
    }
    return 0;
}

size_t wf_utf8_prefix(const char *text, size_t n)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t i = 0;

    while (i < n) {
        uint64_t eight;
        while (n - i >= sizeof eight) {
            memcpy(&eight, at + i, sizeof eight);
            if ((eight & 0x8080808080808080U) != 0)
                break;
            i += sizeof eight;
        }
        if (i == n)
            break;
        size_t bytes = at[i] < 0x80 ? 1 : sequence_bytes(at + i, n - i);
        if (bytes == 0)
            return i;
        i += bytes;
    }
    return i;
}
