/* SPDX-License-Identifier: MIT */
/* Keys, read byte by byte. */
#include "terminal_keys.h"

#include <stdbool.h>
#include <string.h>

enum { GROUND, ESCAPE, CSI, SS3 };
enum { ESC = 0x1b, REPLACEMENT = 0xfffd };

/* By the last byte of a sequence. With a modifier (Shift, Alt, Ctrl) left and right go by words. */
static const struct {
    uint8_t last;
    uint32_t key, modified;
} finals[] = {
    {'A', WF_KEY_UP, WF_KEY_UP},
    {'B', WF_KEY_DOWN, WF_KEY_DOWN},
    {'C', WF_KEY_RIGHT, WF_KEY_WORD_RIGHT},
    {'D', WF_KEY_LEFT, WF_KEY_WORD_LEFT},
    {'H', WF_KEY_HOME, WF_KEY_HOME},
    {'F', WF_KEY_END, WF_KEY_END},
};

/* By the number before a "~". */
static const struct {
    uint16_t number;
    uint32_t key;
} numbered[] = {
    {1, WF_KEY_HOME}, {3, WF_KEY_DELETE},  {4, WF_KEY_END},         {7, WF_KEY_HOME},
    {8, WF_KEY_END},  {200, WF_KEY_PASTE}, {201, WF_KEY_PASTE_END},
};

/* By the byte behind an ESC. */
static const struct {
    uint8_t byte;
    uint32_t key;
} escaped[] = {
    {'b', WF_KEY_WORD_LEFT},       {'B', WF_KEY_WORD_LEFT},       {'f', WF_KEY_WORD_RIGHT},
    {'F', WF_KEY_WORD_RIGHT},      {'d', WF_KEY_KILL_WORD},       {'D', WF_KEY_KILL_WORD},
    {0x7f, WF_KEY_KILL_WORD_BACK}, {0x08, WF_KEY_KILL_WORD_BACK},
};

static uint32_t key_of_final(const wf_keys *k, uint8_t last)
{
    if (last == '~') {
        for (size_t i = 0; i < sizeof numbered / sizeof *numbered; i++)
            if (numbered[i].number == k->number[0])
                return numbered[i].key;
        return WF_KEY_OTHER;
    }
    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++)
        if (finals[i].last == last)
            return k->numbers > 1 && k->number[1] > 1 ? finals[i].modified : finals[i].key;
    return WF_KEY_OTHER;
}

static uint32_t on_escape(wf_keys *k, uint8_t byte)
{
    if (byte == '[' || byte == 'O') {
        *k = (wf_keys){.state = byte == '[' ? CSI : SS3, .numbers = 1};
        return WF_KEY_NONE;
    }
    k->state = GROUND;
    for (size_t i = 0; i < sizeof escaped / sizeof *escaped; i++)
        if (escaped[i].byte == byte)
            return escaped[i].key;
    return WF_KEY_OTHER;
}

static uint32_t on_sequence(wf_keys *k, uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        if (k->numbers <= 2 && k->number[k->numbers - 1] < 1000)
            k->number[k->numbers - 1] = (uint16_t)(k->number[k->numbers - 1] * 10 + (byte - '0'));
    } else if (byte == ';')
        k->numbers = k->numbers < 3 ? (uint8_t)(k->numbers + 1U) : k->numbers;
    else if (byte >= 0x40) {
        k->state = GROUND;
        return byte < 0x7f ? key_of_final(k, byte) : WF_KEY_OTHER;
    }
    if (++k->n < WF_KEY_SEQUENCE_BYTES_MAX)
        return WF_KEY_NONE;
    k->state = GROUND;
    return WF_KEY_OTHER;
}

/* The first byte of a character. RFC 3629: C0, C1 and F5 to FF never stand in UTF-8. */
static uint32_t on_lead(wf_keys *k, uint8_t byte)
{
    if (byte < 0x80)
        return byte;
    if (byte < 0xc2 || byte > 0xf4)
        return REPLACEMENT;
    k->rune_left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    k->rune_min = byte < 0xe0 ? 0x80 : byte < 0xf0 ? 0x800 : 0x10000;
    k->rune = byte & (0x3fU >> k->rune_left);
    return WF_KEY_NONE;
}

static uint32_t on_trail(wf_keys *k, uint8_t byte)
{
    k->rune = k->rune << 6 | (byte & 0x3fU);
    if (--k->rune_left > 0)
        return WF_KEY_NONE;
    return k->rune < k->rune_min || k->rune > 0x10ffff || (k->rune >= 0xd800 && k->rune <= 0xdfff)
               ? REPLACEMENT
               : k->rune;
}

static uint32_t on_byte(wf_keys *k, uint8_t byte)
{
    if (byte == ESC) {
        *k = (wf_keys){.state = ESCAPE};
        return WF_KEY_NONE;
    }
    if (k->state == ESCAPE)
        return on_escape(k, byte);
    if (k->state != GROUND && byte >= 0x20)
        return on_sequence(k, byte);
    k->state = GROUND; /* a control breaks a sequence off */
    return k->rune_left > 0 ? on_trail(k, byte) : on_lead(k, byte);
}

size_t wf_keys_read(wf_keys *k, const uint8_t *at, size_t n, uint32_t *key)
{
    *key = WF_KEY_NONE;
    for (size_t i = 0; i < n; i++) {
        if (k->rune_left > 0 && (at[i] & 0xc0U) != 0x80) {
            k->rune_left = 0; /* this byte is read again, as a first one */
            *key = REPLACEMENT;
            return i;
        }
        *key = on_byte(k, at[i]);
        if (*key != WF_KEY_NONE)
            return i + 1;
    }
    return n;
}
