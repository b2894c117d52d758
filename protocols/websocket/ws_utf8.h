/* SPDX-License-Identifier: MIT */
/* Whether text that comes in pieces is UTF-8 (RFC 3629): a piece may end within a character. */
#ifndef WF_WS_UTF8_H
#define WF_WS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero is between two characters. */
typedef struct wf_ws_utf8 {
    uint8_t left;      /* bytes of a character that are still to come */
    uint8_t low, high; /* what the next of them may be */
} wf_ws_utf8;

/* false: it is not. */
bool wf_ws_utf8_add(wf_ws_utf8 *u, const uint8_t *at, size_t n);
static inline bool wf_ws_utf8_whole(const wf_ws_utf8 *u)
{
    return u->left == 0;
}

#endif
