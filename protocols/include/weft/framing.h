/* SPDX-License-Identifier: MIT */
/** Framings: where one message ends and the next begins in a stream of bytes.
 *
 * A protocol has its stream framed when that opens, and is told lines, or frames, instead of data:
 *
 *     static weft_err on_opened(weft_actor *self, weft_msg *msg)
 *     {
 *         const weft_opened *opened = weft_body(msg);
 *         return weft_frame_by(self, opened->stream, &weft_lines, NULL, NULL);
 *     }
 *
 * Below that stand pure codecs. A framing is a table of functions without state of its own; a
 * framer is what one direction of one stream needs, a small value embedded where the stream is:
 *
 *     weft_framer framer = {.frame_bytes_max = 512, .delimiter = "\r\n", .delimiter_bytes = 2};
 *     weft_frame_place frame;
 *
 *     while ((err = weft_lines.next(&framer, at, n, &frame, &why)) == WEFT_OK &&
 *            frame.consumed > 0) {
 *         use(at + frame.start, frame.bytes);
 *         at += frame.consumed, n -= frame.consumed;
 *     }
 */
#ifndef WEFT_FRAMING_H
#define WEFT_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>
#include <weft/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_FRAME_BYTES_MAX 65536 /**< the default of frame_bytes_max */
#define WEFT_DELIMITER_BYTES_MAX 8
#define WEFT_FRAME_HEAD_BYTES_MAX 16 /**< what any framing puts before a frame */

/** What is to be framed and how far that came. Zeroed, it is ready and has the defaults. The first
 * part is set before the first use and not changed after it; one framer with that part set serves
 * for sending too. */
typedef struct weft_framer {
    uint32_t frame_bytes_max;                    /**< a received frame's bytes, without what stands
                                                      around it; 0: WEFT_FRAME_BYTES_MAX */
    uint8_t delimiter[WEFT_DELIMITER_BYTES_MAX]; /**< lines: what ends a line, exactly */
    uint8_t delimiter_bytes;                     /**< lines: 0: "\n", with or without one "\r"
                                                      directly before it */
    bool little_endian;                          /**< prefix16, prefix32: the order of the prefix */
    bool unended_last;                           /**< lines of a stream: what stands behind the last
                                                      end when the peer ends is a line too;
                                                      otherwise the stream is lost (ETRUNCATED): a
                                                      command that was cut must not be obeyed */

    uint32_t length; /**< state: netstrings: the number read so far */
    size_t scanned;  /**< state: bytes at the start of the unread that need no second look */
} weft_framer;

/** Where a frame was found, as offsets from where the search began. */
typedef struct weft_frame_place {
    size_t start;    /**< of the frame's first byte */
    size_t bytes;    /**< of the frame */
    size_t consumed; /**< frame, head and tail; 0: there is no whole frame yet */
    size_t need;     /**< if consumed is 0: so many bytes more at least until there is one, which is
                          at least 1; otherwise 0 */
} weft_frame_place;

/** What stands around a frame when it is sent. */
typedef struct weft_frame_ends {
    uint8_t head[WEFT_FRAME_HEAD_BYTES_MAX];
    uint8_t tail[WEFT_DELIMITER_BYTES_MAX];
    uint8_t head_bytes, tail_bytes;
} weft_frame_ends;

/** One way to frame. Members are never NULL. Nothing here allocates, copies a frame or does I/O.
 * thread: any, for every function; one framer belongs to one at a time. */
typedef struct weft_framing {
    const char *name;

    /** Looks for one frame at the start of the @n bytes @at, which always begin with the first byte
     * not yet consumed: the caller keeps what is incomplete, and calls again with the same bytes
     * and more behind them. @at may be elsewhere each time, and NULL
     * if @n is 0. No byte is looked at twice over those
     * calls, but for the up to 7 of a delimiter that has begun; no call looks at more than
     * frame_bytes_max and a few bytes, whatever @n is. The frame lies inside @at; @out is written
     * on success only. errors: WEFT_ETOOBIG as soon as it is certain that the frame is beyond
     * frame_bytes_max (a prefix at once, a line before its end), WEFT_EPROTO for malformed
     * netstrings, WEFT_EINVAL for a delimiter_bytes that cannot be or an @n below that of the call
     * before. After an error the stream is lost: the same call gives the same error again. */
    weft_err (*next)(weft_framer *f, const uint8_t *at, size_t n, weft_frame_place *out,
                     weft_why *why) WEFT_MUST_USE;

    /** Says what must stand before and behind the @n bytes @frame when they are sent. It is refused
     * to wrap what the other side would not read back as this one frame. frame_bytes_max is not
     * looked at: it is about what is received. @out is written on success only.
     * errors: WEFT_ETOOBIG for a frame longer than a prefix can say, WEFT_EINVAL for a line that
     * has its delimiter inside it (or, with the default delimiter, a "\r" at its end). */
    weft_err (*wrap)(const weft_framer *f, const uint8_t *frame, size_t n, weft_frame_ends *out,
                     weft_why *why) WEFT_MUST_USE;
} weft_framing;

/** Lines. By default a line ends with "\n", and one "\r" directly before it belongs to the end; any
 * other "\r" is data. With a delimiter of up to 8 bytes set, exactly that is the end, at its first
 * occurrence: with "\r\n", a "\r" or a "\n" alone is data. An empty line is an empty frame. */
extern const weft_framing weft_lines;

/** Netstrings (D. J. Bernstein, 1997): "12:hello world!,". No leading zeros, no blanks. */
extern const weft_framing weft_netstrings;

/** A length of 8, 16 or 32 bits before each frame, which does not count itself; network byte order
 * unless little_endian is set. */
extern const weft_framing weft_prefix8, weft_prefix16, weft_prefix32;

/** Forgets an incomplete frame: for a stream whose unread bytes were taken otherwise, as when a
 * line protocol goes over to raw data. Not needed between whole frames. */
static inline void weft_framer_forget(weft_framer *f)
{
    f->length = 0;
    f->scanned = 0;
}

/* ---- over a stream */

/** A line of a stream framed by weft_lines, without what ended it. Borrowed like data; the next one
 * is told when this one has been let go of. */
typedef weft_data weft_line;
extern const weft_type weft_line_type;

/** A frame of a stream framed by anything else, without what stood around it; else as a line. */
typedef weft_data weft_frame;
extern const weft_type weft_frame_type;

/** From now on the owner of @stream is told what @framing makes of the bytes, also of those that
 * came behind the message being served. @settings (copied) says the limit and the form; NULL: the
 * defaults. A frame beyond the limit, a malformed one or an end in the middle of one loses the
 * stream: `closed` with ETOOBIG, EPROTO or ETRUNCATED and a sentence. A frame longer than the
 * stream's window (128 KiB, if that is smaller) is ETOOBIG too, whatever the limit.
 * errors: EGONE (no stream of this reactor), EINVAL (a delimiter longer than there is room for),
 * ENOMEM. thread: in a handler of the stream's owner. */
WEFT_MUST_USE weft_err weft_frame_by(weft_actor *self, weft_ref stream, const weft_framing *framing,
                                     const weft_framer *settings, weft_why *why);

/** Takes the framing away again, as when a line protocol goes over to raw data: what came behind
 * the frame being served is told as data.
 * errors: EGONE, ENOTFOUND (the stream is not framed, or another stage was put on top), ENOMEM.
 * thread: in a handler of the stream's owner. */
WEFT_MUST_USE weft_err weft_unframe(weft_actor *self, weft_ref stream);

/** Writes @bytes as one frame: whole, or not at all. @settings as for weft_frame_by; the stream
 * need not be framed. errors: what wrap says (EINVAL, ETOOBIG), and those of weft_write_parts.
 * thread: in a handler. */
weft_err weft_write_frame(weft_actor *self, weft_ref stream, const weft_framing *framing,
                          const weft_framer *settings, weft_bytes bytes);

#ifdef __cplusplus
}
#endif
#endif
