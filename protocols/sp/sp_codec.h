/* SPDX-License-Identifier: MIT */
/* SP on the wire: greetings, where messages begin and end, and what stands before their bodies.
 *
 *   TCP, TLS:   00 53 50 00 PP PP 00 00        then each message:     length(8) message
 *   IPC:        the same                       then each message:  01 length(8) message
 *   WebSocket:  the subprotocol says it        each message is a frame
 *
 *   message:    word* id body      words are of devices, an id has its highest bit set (req, rep, surveyor, respondent)
 *               00 00 00 hops body                                                     (pair1)
 *               body                                                                   (all others)
 *
 * Pure: bytes in, numbers out. All numbers are in network byte order. */
#ifndef WF_SP_CODEC_H
#define WF_SP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>
#include <weft/sp.h>

enum {
    WF_SP_HELLO_BYTES = 8,
    WF_SP_FRAME_BYTES_MAX = 9, /* what stands before a message */
    WF_SP_WORD_BYTES = 4,
    WF_SP_HOPS_MAX = 8,
    WF_SP_TRACE_BYTES_MAX = WF_SP_WORD_BYTES * WF_SP_HOPS_MAX,
};

/* The highest bit of an id. */
#define WF_SP_ID_BIT 0x80000000U

/* What a kind is like. */
typedef struct wf_sp_kind_row {
    weft_sp_kind kind, peer;
    const char *name;
    bool sends; /* messages of its own, asked of the socket */
    bool one;   /* each goes to one pipe; otherwise to all */
    bool asks;  /* answers are expected, matched by an id */
    bool hears; /* its owner is asked what comes */
    bool tells; /* the owner's reply goes back */
    bool stack; /* what comes has a stack of words, which goes back with the reply */
    bool hops;  /* a message begins with a count of hops */
} wf_sp_kind_row;

/* NULL: there is no such kind. */
const wf_sp_kind_row *wf_sp_kind_of(weft_sp_kind kind);
const wf_sp_kind_row *wf_sp_kind_named(const char *name, size_t n);

void wf_sp_write_hello(weft_sp_kind kind, uint8_t to[WF_SP_HELLO_BYTES]);

/* Reads the greeting at the front of @n bytes, which is judged as far as it has come. *@whole: it is there, and the peer
 * is of a kind that @own talks to. errors: EPROTO. */
WEFT_MUST_USE weft_err wf_sp_read_hello(const wf_sp_kind_row *own, const uint8_t *at, size_t n,
                                        bool *whole, weft_why *why);

/* What stands before a message of @size bytes; gives how many bytes that is. */
size_t wf_sp_write_frame(bool ipc, uint64_t size, uint8_t to[WF_SP_FRAME_BYTES_MAX]);

/* Reads that. *@used: its bytes; 0: it is not whole. errors: EPROTO (IPC: no message), ETOOBIG (more than @max). */
WEFT_MUST_USE weft_err wf_sp_read_frame(bool ipc, uint64_t max, const uint8_t *at, size_t n,
                                        size_t *used, uint64_t *size, weft_why *why);

void wf_sp_write_word(uint32_t word, uint8_t to[WF_SP_WORD_BYTES]);

/* The one id that an answer begins with. errors: EPROTO. */
WEFT_MUST_USE weft_err wf_sp_read_id(const uint8_t *at, size_t n, uint32_t *id, weft_why *why);

/* The stack of words that a request begins with, up to its id. *@used: its bytes; 0: it has passed more than @hops_max
 * devices, and is to be let go of. errors: EPROTO (it ends before there was an id). */
WEFT_MUST_USE weft_err wf_sp_read_stack(const uint8_t *at, size_t n, uint32_t hops_max,
                                        size_t *used, weft_why *why);

/* The hops of pair1; as wf_sp_read_stack. */
WEFT_MUST_USE weft_err wf_sp_read_hops(const uint8_t *at, size_t n, uint32_t hops_max, size_t *used,
                                       weft_why *why);

#endif
