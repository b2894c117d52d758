/* SPDX-License-Identifier: MIT */
/* What travels between two nodes, as bytes: frames, and the records in them. Pure; knows no actor.
 *
 *   frame    u32 length | u8 kind | u8 flags (0) | u16 reserved (0) | u64 seq | body of `length` bytes
 *   record   u32 length | u32 type | u64 dst | u64 src | u32 req | u8 op | u8 flags | u16 code
 *            [ u64 trace | u32 left_ms | u32 reserved (0) ]  payload  padding to 8
 *
 * All numbers are little endian. A record's length counts its head, its context and its payload, not its
 * padding, which is zero. Everything here looks before it takes: a length is compared with its limit before
 * a byte of memory is asked for, and nothing is read behind what is there. thread: any. */
#ifndef WF_LINK_CODEC_H
#define WF_LINK_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

enum {
    LINK_HEAD_BYTES = 16,             /* of a frame */
    LINK_FRAME_BYTES_MAX = 256 << 10, /* of a frame's body */
    LINK_HELLO_BYTES_MAX = 4096,      /* of the first frame's body: from a stranger */
    LINK_RECORD_BYTES = 32,           /* of a record's head */
    LINK_CONTEXT_BYTES = 16,          /* of what may follow it */
    LINK_CHUNK_HEAD_BYTES = 16,       /* of a chunk's head */
    LINK_CHUNK_BYTES_MAX = 32 << 10,  /* of what a chunk carries */
    LINK_RECORD_WHOLE_MAX = 64 << 10, /* a longer record goes in chunks */
    LINK_ATOM_BYTES_MAX = 255,        /* of the text of an atom */
    LINK_BYE_BYTES_MAX = 160,         /* of the sentence of a goodbye */
};

typedef enum link_kind {
    LINK_HELLO = 1, /* who is there: the first frame each way */
    LINK_MAIL,      /* records */
    LINK_CHUNK,     /* a piece of one long record */
    LINK_ATOMS,     /* numbers for names that records then use */
    LINK_CREDIT,    /* so many bytes of records may follow */
    LINK_PING,
    LINK_PONG,
    LINK_BYE, /* the last one */
} link_kind;

typedef struct link_frame {
    link_kind kind;
    uint64_t seq; /* from 1, without a gap */
    const uint8_t *body;
    uint32_t bytes;
} link_frame;

/* ---- reading frames */

/* What is kept of a frame that has not come whole. All zero at first, but for bytes_max. */
typedef struct link_reader {
    uint32_t bytes_max; /* of a frame's body, LINK_FRAME_BYTES_MAX at most */
    uint8_t head[LINK_HEAD_BYTES];
    uint32_t head_n;
    link_frame frame; /* its head has come; its body is gathered in @kept */
    uint8_t *kept;
    uint32_t kept_n;
} link_reader;

/* Takes the next frame off *@at, *@n, which move on. WEFT_OK: *@out is one, whose body stands where the bytes
 * stood if it came in one piece, else in the reader; it is good until the next call. WEFT_EFULL: everything
 * was taken, and there is no whole one. errors: EPROTO, ETOOBIG (with @why), ENOMEM; the reader is of no more
 * use. */
WEFT_MUST_USE weft_err wf_link_read(link_reader *reader, const uint8_t **at, size_t *n,
                                    link_frame *out, weft_why *why);
/* Gives back what is kept. */
void wf_link_reader_done(link_reader *reader);

/* Writes the head of a frame of @bytes at @to. */
void wf_link_write_head(uint8_t to[LINK_HEAD_BYTES], link_kind kind, uint64_t seq, uint32_t bytes);

/* ---- records */

typedef enum link_op {
    LINK_OP_TELL = 1,  /* a message of @type from @src to @dst */
    LINK_OP_ASK,       /* the same, to be answered with @req */
    LINK_OP_REPLY,     /* the answer to @req, from @src */
    LINK_OP_FAIL,      /* @req fails: a weft.link.Failure */
    LINK_OP_CANCEL,    /* @req is no longer wanted */
    LINK_OP_MONITOR,   /* @dst is watched as @req */
    LINK_OP_DEMONITOR, /* @req is watched no more */
    LINK_OP_DOWN,      /* what is watched as @req has ended: a weft.link.Failure */
    LINK_OP_RESTARTED, /* what is watched as @req begins again: a weft.link.Failure */
    LINK_OP_LINK,      /* @dst and @src end together */
    LINK_OP_STOP,      /* @dst is to end with @code; to who has LINK_FEATURE_STOP */
    /* Streams; to who has LINK_FEATURE_STREAMS. Numbers of who dialed are odd, of the other even. */
    LINK_OP_STREAM, /* one to @dst is @req from now on: a weft.link.Stream */
    LINK_OP_BYTES,  /* of the stream @req, within what may be on its way */
    LINK_OP_ROOM,   /* @dst more bytes of records of @req may come; the first: it is open */
    LINK_OP_ENDED,  /* no more bytes of @req come */
    LINK_OP_CLOSED, /* the stream @req is closed, with an error: aborted; a weft.link.Failure */
    LINK_OP_UNDELIVERED, /* what @dst told was refused, with @code; @src: by whom; a weft.link.Undelivered */
    LINK_OP_LAST = LINK_OP_UNDELIVERED,
} link_op;

enum {
    LINK_NAMED = 1 << 0,   /* @dst is the number of a name */
    LINK_CONTEXT = 1 << 1, /* trace and left_ms are there */
    LINK_LIFE = 1 << 2,    /* of a monitor: told when this life of @dst is over */
    LINK_NOTED = 1 << 3,   /* of a tell: @src wants to know if it is refused; to who has
                              LINK_FEATURE_UNDELIVERED */
    LINK_FLAGS = 15,       /* all of them */
};

/* What a node can do that others may not know: bits of a hello. */
enum { LINK_FEATURE_STOP = 1, LINK_FEATURE_STREAMS = 2, LINK_FEATURE_UNDELIVERED = 4 };

typedef struct link_record {
    uint32_t type; /* the number of its type; 0: of the link's own, or none */
    uint64_t dst, src;
    uint32_t req;
    link_op op;
    uint8_t flags;
    uint16_t code; /* of a failure: an error of <weft/error.h> */
    uint64_t trace;
    uint32_t left_ms; /* of its time; 0: no limit */
    const uint8_t *payload;
    uint32_t bytes; /* of the payload */
} link_record;

/* The bytes @record takes, its padding included. */
size_t wf_link_record_bytes(const link_record *record);
/* Writes @record at @to, which has room for that; its payload must not overlap. */
void wf_link_write_record(uint8_t *to, const link_record *record);
/* The same without the payload, of which @record->bytes are to follow; returns how much was written. */
size_t wf_link_write_record_head(uint8_t *to, const link_record *record);

/* Takes the next record off *@at, *@n, which move on; its payload stands where it stood. At the end (*@n is
 * 0): WEFT_EDONE. errors: EPROTO with @why. */
WEFT_MUST_USE weft_err wf_link_read_record(const uint8_t **at, size_t *n, link_record *out,
                                           weft_why *why);

/* ---- the bodies of other frames */

/* A piece of a record that is too long for one frame. */
typedef struct link_chunk {
    uint32_t id;     /* of those under way */
    uint32_t total;  /* bytes of the record, as wf_link_record_bytes */
    uint32_t offset; /* of this piece */
    const uint8_t *at;
    uint32_t bytes;
} link_chunk;
void wf_link_write_chunk_head(uint8_t to[LINK_CHUNK_HEAD_BYTES], const link_chunk *chunk);
/* errors: EPROTO with @why. */
WEFT_MUST_USE weft_err wf_link_read_chunk(const link_frame *frame, link_chunk *out, weft_why *why);

typedef enum link_atom_kind { LINK_ATOM_TYPE = 1, LINK_ATOM_NAME } link_atom_kind;
/* From now on @id stands for @text; each kind has its own numbers, from 1. */
typedef struct link_atom {
    link_atom_kind kind;
    uint32_t id;
    uint32_t bytes;
    const char *text; /* without a final zero */
} link_atom;
size_t wf_link_atom_bytes(const link_atom *atom);
void wf_link_write_atom(uint8_t *to, const link_atom *atom);
/* As wf_link_read_record. The text has printing ASCII characters alone. */
WEFT_MUST_USE weft_err wf_link_read_atom(const uint8_t **at, size_t *n, link_atom *out,
                                         weft_why *why);

/* Two numbers: of CREDIT, the bytes that may follow; of PING and PONG, a time of whoever asks. The second is
 * the seq of the last frame that was consumed: what came in it, and before it, has arrived. */
typedef struct link_pair {
    uint64_t value, consumed;
} link_pair;
enum { LINK_PAIR_BYTES = 16 };
void wf_link_write_pair(uint8_t to[LINK_PAIR_BYTES], link_pair pair);
/* errors: EPROTO with @why. */
WEFT_MUST_USE weft_err wf_link_read_pair(const link_frame *frame, link_pair *out, weft_why *why);

/* Why a link ends. */
typedef enum link_bye {
    LINK_BYE_DONE = 1, /* the node leaves */
    LINK_BYE_TWIN,     /* there is a better connection between the two */
    LINK_BYE_OLD,      /* a newer life of the same node is linked */
    LINK_BYE_REFUSED,  /* the sentence says why: another cluster, an unknown name, ... */
    LINK_BYE_PROTOCOL, /* something that cannot be came */
    LINK_BYE_LAST = LINK_BYE_PROTOCOL,
} link_bye;
typedef struct link_goodbye {
    link_bye reason;
    uint64_t consumed;
    char why[LINK_BYE_BYTES_MAX];
} link_goodbye;
/* Writes at most @room bytes; returns how many, a multiple of 8. */
enum { LINK_GOODBYE_BYTES_MAX = 16 + LINK_BYE_BYTES_MAX };
size_t wf_link_write_goodbye(uint8_t to[LINK_GOODBYE_BYTES_MAX], const link_goodbye *goodbye);
/* errors: EPROTO with @why. */
WEFT_MUST_USE weft_err wf_link_read_goodbye(const link_frame *frame, link_goodbye *out,
                                            weft_why *why);

#endif
