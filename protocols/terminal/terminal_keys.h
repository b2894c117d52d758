/* SPDX-License-Identifier: MIT */
/* What a terminal sends, as keys: characters of UTF-8, controls, and the sequences of ECMA-48 that keys of
 * today's terminals send. */
#ifndef WF_TERMINAL_KEYS_H
#define WF_TERMINAL_KEYS_H

#include <stddef.h>
#include <stdint.h>

/* A key is a character, a control (Ctrl-A is 1), or one of these. */
enum {
    WF_KEY_NONE = 0x110000, /* more is needed */
    WF_KEY_OTHER,           /* a sequence that means nothing here */
    WF_KEY_UP,
    WF_KEY_DOWN,
    WF_KEY_LEFT,
    WF_KEY_RIGHT,
    WF_KEY_HOME,
    WF_KEY_END,
    WF_KEY_DELETE,
    WF_KEY_WORD_LEFT,
    WF_KEY_WORD_RIGHT,
    WF_KEY_KILL_WORD,      /* Alt-D */
    WF_KEY_KILL_WORD_BACK, /* Alt-Backspace */
    WF_KEY_PASTE,          /* what follows was pasted, up to ... */
    WF_KEY_PASTE_END,
};

/* A sequence is given up beyond so many bytes. */
enum { WF_KEY_SEQUENCE_BYTES_MAX = 32 };

/* What has been read of a key; {0} is how it begins. */
typedef struct wf_keys {
    uint8_t state, n;
    uint8_t numbers; /* of the sequence: how many have begun */
    uint16_t number[2];
    uint8_t rune_left; /* bytes of UTF-8 to come */
    uint32_t rune, rune_min;
} wf_keys;

/* Reads one key off the @n bytes @at (at least 1); gives the bytes that are done with, at least 1 unless @key
 * is U+FFFD, which stands for bytes that are no UTF-8. */
size_t wf_keys_read(wf_keys *k, const uint8_t *at, size_t n, uint32_t *key);

#endif
