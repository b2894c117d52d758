/* SPDX-License-Identifier: MIT */
/* The bytes of telnet (RFC 854, 855): text, commands, negotiations; pure.
 *
 *   IAC WILL|WONT|DO|DONT option    IAC SB option ... IAC SE    IAC command    IAC IAC: the byte 255
 *
 * Text is given as it stands in what came, in runs that end where something else begins. */
#ifndef WF_TELNET_CODEC_H
#define WF_TELNET_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

enum {
    WF_TELNET_SE = 240,
    WF_TELNET_NOP = 241,
    WF_TELNET_AYT = 246,
    WF_TELNET_SB = 250,
    WF_TELNET_WILL = 251,
    WF_TELNET_WONT = 252,
    WF_TELNET_DO = 253,
    WF_TELNET_DONT = 254,
    WF_TELNET_IAC = 255,
};

/* Options spoken here. */
enum {
    WF_TELNET_BINARY = 0,    /* RFC 856 */
    WF_TELNET_ECHO = 1,      /* RFC 857 */
    WF_TELNET_SGA = 3,       /* RFC 858 */
    WF_TELNET_TTYPE = 24,    /* RFC 1091 */
    WF_TELNET_NAWS = 31,     /* RFC 1073 */
    WF_TELNET_LINEMODE = 34, /* RFC 1184 */
};

/* The bytes of a subnegotiation at most, each IAC IAC counted once. */
enum { WF_TELNET_SUB_BYTES_MAX = 512 };

typedef enum wf_telnet_kind {
    WF_TELNET_NOTHING, /* all was used, and more is needed */
    WF_TELNET_TEXT,    /* @n bytes @at, which is in what came or static */
    WF_TELNET_COMMAND, /* @verb */
    WF_TELNET_SAYS,    /* @verb of @option */
    WF_TELNET_SUB,     /* @n bytes @at of @option; valid until the next call */
} wf_telnet_kind;

typedef struct wf_telnet_event {
    wf_telnet_kind kind;
    uint8_t verb, option;
    const uint8_t *at;
    size_t n;
} wf_telnet_event;

/* What has been read so far; {0} is how it begins. */
typedef struct wf_telnet_reader {
    uint8_t state, verb, option;
    bool after_cr; /* the last byte of text was a "\r" */
    bool binary;   /* RFC 856 is on for what comes: a "\r" is a byte like others */
    uint16_t n;
    uint8_t sub[WF_TELNET_SUB_BYTES_MAX];
} wf_telnet_reader;

/* Reads one event off the @n bytes @at; @used of them are done with. "\r\0" becomes "\r" (RFC 854).
 * errors: ETOOBIG, EPROTO (something within a subnegotiation that is neither its end nor a byte); the
 * stream is lost then. */
WEFT_MUST_USE weft_err wf_telnet_read(wf_telnet_reader *r, const uint8_t *at, size_t n,
                                      size_t *used, wf_telnet_event *out, weft_why *why);

/* How text is written. */
typedef struct wf_telnet_writer {
    bool after_cr; /* a "\r" was written, and nothing behind it yet */
    bool binary;   /* RFC 856 is on for what is sent */
} wf_telnet_writer;

/* What @n bytes of text may become at most. */
#define WF_TELNET_WRITTEN_BYTES(n) (2 * (n) + 1)

/* Writes text: 255 doubled; "\n" as "\r\n", "\r" before anything else as "\r\0" (RFC 854: "the sequence CR
 * LF", "CR NUL"). @to has room for WF_TELNET_WRITTEN_BYTES. Gives how many it came to. */
size_t wf_telnet_write(wf_telnet_writer *w, const uint8_t *at, size_t n, uint8_t *to);

/* Writes IAC SB @option @at IAC SE, at most 2 n + 5 bytes. Gives how many. */
size_t wf_telnet_write_sub(uint8_t option, const uint8_t *at, size_t n, uint8_t *to);

#endif
