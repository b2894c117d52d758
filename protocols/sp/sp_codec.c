/* SPDX-License-Identifier: MIT */
/* SP on the wire. */
#include "sp_codec.h"

#include <string.h>

/* sp-protocol-ids-01: a kind is 16 times the number of its protocol, and which end of it it is. */
/* clang-format off */
static const wf_sp_kind_row kinds[] = {
    {WEFT_SP_PAIR,       WEFT_SP_PAIR,       "pair",       .sends = true, .one = true, .hears = true, .tells = true},
    {WEFT_SP_PAIR1,      WEFT_SP_PAIR1,      "pair1",      .sends = true, .one = true, .hears = true, .tells = true, .hops = true},
    {WEFT_SP_PUB,        WEFT_SP_SUB,        "pub",        .sends = true},
    {WEFT_SP_SUB,        WEFT_SP_PUB,        "sub",        .hears = true},
    {WEFT_SP_REQ,        WEFT_SP_REP,        "req",        .sends = true, .one = true, .asks = true},
    {WEFT_SP_REP,        WEFT_SP_REQ,        "rep",        .hears = true, .tells = true, .stack = true},
    {WEFT_SP_PUSH,       WEFT_SP_PULL,       "push",       .sends = true, .one = true},
    {WEFT_SP_PULL,       WEFT_SP_PUSH,       "pull",       .hears = true},
    {WEFT_SP_SURVEYOR,   WEFT_SP_RESPONDENT, "surveyor",   .sends = true, .asks = true},
    {WEFT_SP_RESPONDENT, WEFT_SP_SURVEYOR,   "respondent", .hears = true, .tells = true, .stack = true},
    {WEFT_SP_BUS,        WEFT_SP_BUS,        "bus",        .sends = true, .hears = true},
};
/* clang-format on */

enum { KINDS = sizeof kinds / sizeof kinds[0] };

const wf_sp_kind_row *wf_sp_kind_of(weft_sp_kind kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].kind == kind)
            return &kinds[i];
    return NULL;
}

const wf_sp_kind_row *wf_sp_kind_named(const char *name, size_t n)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strlen(kinds[i].name) == n && memcmp(kinds[i].name, name, n) == 0)
            return &kinds[i];
    return NULL;
}

const char *weft_sp_kind_name(weft_sp_kind kind)
{
    const wf_sp_kind_row *row = wf_sp_kind_of(kind);
    return row != NULL ? row->name : NULL;
}

/* ---- greetings */

void wf_sp_write_hello(weft_sp_kind kind, uint8_t to[WF_SP_HELLO_BYTES])
{
    const uint8_t hello[WF_SP_HELLO_BYTES] = {0, 'S', 'P', 0, (uint8_t)(kind >> 8), (uint8_t)kind,
                                              0, 0};
    memcpy(to, hello, sizeof hello);
}

weft_err wf_sp_read_hello(const wf_sp_kind_row *own, const uint8_t *at, size_t n, bool *whole,
                          weft_why *why)
{
    uint8_t expected[WF_SP_HELLO_BYTES];
    wf_sp_write_hello(own->peer, expected);
    size_t seen = n < WF_SP_HELLO_BYTES ? n : WF_SP_HELLO_BYTES;
    *whole = n >= WF_SP_HELLO_BYTES;
    if (seen == 0 || memcmp(at, expected, seen) == 0)
        return WEFT_OK;
    /* a peer of another kind is told apart from one that speaks something else */
    if (seen < 6 || memcmp(at, expected, 4) != 0 ||
        (seen > 6 && memcmp(at + 6, expected + 6, seen - 6) != 0))
        return weft_because(why, WEFT_EPROTO,
                            "SP: the peer's greeting is none, expected 00 53 50 00");
    unsigned said = (unsigned)(at[4] << 8 | at[5]);
    const wf_sp_kind_row *peer = wf_sp_kind_of((weft_sp_kind)said);
    if (peer == NULL)
        return weft_because(why, WEFT_EPROTO, "SP: the peer is of kind %u, expected %s (%u)", said,
                            weft_sp_kind_name(own->peer), (unsigned)own->peer);
    return weft_because(why, WEFT_EPROTO, "SP: the peer is a %s, expected a %s", peer->name,
                        weft_sp_kind_name(own->peer));
}

/* ---- messages */

size_t wf_sp_write_frame(bool ipc, uint64_t size, uint8_t to[WF_SP_FRAME_BYTES_MAX])
{
    size_t n = 0;
    if (ipc)
        to[n++] = 1;
    for (int shift = 56; shift >= 0; shift -= 8)
        to[n++] = (uint8_t)(size >> shift);
    return n;
}

weft_err wf_sp_read_frame(bool ipc, uint64_t max, const uint8_t *at, size_t n, size_t *used,
                          uint64_t *size, weft_why *why)
{
    size_t first = ipc ? 1 : 0;
    uint64_t value = 0;
    *used = 0;
    if (ipc && n != 0 && at[0] != 1)
        return weft_because(why, WEFT_EPROTO, "SP: a message of type %u, expected 1", at[0]);
    if (n < first + 8)
        return WEFT_OK;
    for (size_t i = first; i < first + 8; i++)
        value = value << 8 | at[i];
    if (value > max)
        return weft_because(why, WEFT_ETOOBIG,
                            "SP: a message of %llu bytes, at most %llu (message_bytes_max)",
                            (unsigned long long)value, (unsigned long long)max);
    *used = first + 8;
    *size = value;
    return WEFT_OK;
}

/* ---- what stands before bodies */

static uint32_t word_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void wf_sp_write_word(uint32_t word, uint8_t to[WF_SP_WORD_BYTES])
{
    for (int i = 0; i < WF_SP_WORD_BYTES; i++)
        to[i] = (uint8_t)(word >> (24 - 8 * i));
}

weft_err wf_sp_read_id(const uint8_t *at, size_t n, uint32_t *id, weft_why *why)
{
    if (n < WF_SP_WORD_BYTES)
        return weft_because(why, WEFT_EPROTO, "SP: an answer of %zu bytes has no id", n);
    uint32_t word = word_at(at);
    if ((word & WF_SP_ID_BIT) == 0)
        return weft_because(why, WEFT_EPROTO,
                            "SP: an answer's id is %08x: its highest bit is not set", word);
    *id = word;
    return WEFT_OK;
}

weft_err wf_sp_read_stack(const uint8_t *at, size_t n, uint32_t hops_max, size_t *used,
                          weft_why *why)
{
    *used = 0;
    for (size_t i = 0; i < hops_max; i++) {
        if (n < (i + 1) * WF_SP_WORD_BYTES)
            return weft_because(why, WEFT_EPROTO, "SP: a request of %zu bytes ends before its id",
                                n);
        if ((word_at(at + i * WF_SP_WORD_BYTES) & WF_SP_ID_BIT) != 0) {
            *used = (i + 1) * WF_SP_WORD_BYTES;
            return WEFT_OK;
        }
    }
    return WEFT_OK;
}

weft_err wf_sp_read_hops(const uint8_t *at, size_t n, uint32_t hops_max, size_t *used,
                         weft_why *why)
{
    *used = 0;
    if (n < WF_SP_WORD_BYTES)
        return weft_because(why, WEFT_EPROTO,
                            "SP: a pair1 message of %zu bytes has no count of hops", n);
    uint32_t word = word_at(at);
    if (word > 0xff)
        return weft_because(why, WEFT_EPROTO, "SP: a pair1 message begins with %08x, expected hops",
                            word);
    if (word <= hops_max)
        *used = WF_SP_WORD_BYTES;
    return WEFT_OK;
}
