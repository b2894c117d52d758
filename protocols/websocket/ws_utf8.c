/* SPDX-License-Identifier: MIT */
/* UTF-8 a byte at a time, eight at a time while they are ASCII. */
#include "ws_utf8.h"

#include <string.h>

/* Table 3-7 of the Unicode standard, chapter 3: what may follow a first byte, and how much. */
static bool begin(wf_ws_utf8 *u, uint8_t b)
{
    u->low = 0x80;
    u->high = 0xbf;
    if (b >= 0xc2 && b <= 0xdf)
        u->left = 1;
    else if (b >= 0xe0 && b <= 0xef) {
        u->left = 2;
        if (b == 0xe0)
            u->low = 0xa0; /* else overlong */
        if (b == 0xed)
            u->high = 0x9f; /* else a surrogate */
    } else if (b >= 0xf0 && b <= 0xf4) {
        u->left = 3;
        if (b == 0xf0)
            u->low = 0x90;
        if (b == 0xf4)
            u->high = 0x8f; /* else beyond U+10FFFF */
    } else
        return false;
    return true;
}

static size_t ascii(const uint8_t *at, size_t n)
{
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= n; i += sizeof word) {
        memcpy(&word, at + i, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    while (i < n && at[i] < 0x80)
        i++;
    return i;
}

bool wf_ws_utf8_add(wf_ws_utf8 *u, const uint8_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (u->left == 0) {
            i += ascii(at + i, n - i);
            if (i == n)
                return true;
            if (!begin(u, at[i]))
                return false;
            continue;
        }
        if (at[i] < u->low || at[i] > u->high)
            return false;
        u->left--;
        u->low = 0x80;
        u->high = 0xbf;
    }
    return true;
}
