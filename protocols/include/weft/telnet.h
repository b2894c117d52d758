/* SPDX-License-Identifier: MIT */
/** Telnet, both ends: text with options agreed on beside it. RFC 854, 855, 856 (BINARY), 857 (ECHO),
 * 858 (SGA), 1073 (NAWS), 1091 (TTYPE), 1143 (how options are agreed on), 1184 (LINEMODE).
 *
 * It is a stage: a stream that speaks telnet is told data without telnet's own bytes in it, and what its
 * owner writes is text ("\n" leaves as "\r\n"). What came beside the text is told as weft_telnet_event. */
#ifndef WEFT_TELNET_H
#define WEFT_TELNET_H

#include <weft/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Commands of a peer, and what is sent by weft_telnet_send (RFC 854). */
typedef enum weft_telnet_command {
    WEFT_TELNET_CHANGED =
        0, /**< no command: an option, the window or the terminal is another now */
    WEFT_TELNET_NOP = 241,
    WEFT_TELNET_BREAK = 243,
    WEFT_TELNET_INTERRUPT = 244,
    WEFT_TELNET_ABORT_OUTPUT = 245,
    WEFT_TELNET_ARE_YOU_THERE = 246, /**< answered with a line "[yes]", and not told */
    WEFT_TELNET_ERASE_CHARACTER = 247,
    WEFT_TELNET_ERASE_LINE = 248,
    WEFT_TELNET_END_OF_FILE = 236, /**< RFC 1184 */
    WEFT_TELNET_SUSPEND = 237,
    WEFT_TELNET_ABORT = 238,
} weft_telnet_command;

/** Something came beside the text, in its place: @bytes is one byte, a weft_telnet_command; others than
 * those named are not told. Unhandled: ignored. */
typedef weft_data weft_telnet_event;
extern const weft_type weft_telnet_event_type;

/** The bytes of a terminal's name, the final zero included (RFC 1091: "up to 40 characters"). */
#define WEFT_TELNET_TERMINAL_BYTES 41

/** Which end, and what it wants. Zero: a server that edits and echoes itself, character by character. */
typedef struct weft_telnet_options {
    bool client;    /**< it begins nothing, and agrees with what a server for terminals asks for */
    bool line_mode; /**< of a server: the peer edits lines and echoes, by LINEMODE if it can */
    bool quiet;     /**< nothing is told but data: for streams with a framing above */
    const char *terminal;   /**< of a client: its name; NULL: "UNKNOWN" */
    uint16_t columns, rows; /**< of a client: its window; 0: not known */
} weft_telnet_options;

/** From now on @stream speaks telnet. A server asks at once for what it wants. @options (copied) may be
 * NULL. A subnegotiation of more than 512 bytes, or one that does not end as it should, loses the stream:
 * `closed` with ETOOBIG or EPROTO. errors: EGONE, EINVAL (a terminal's name too long), ENOMEM, ELIMIT.
 * thread: in a handler of the stream's owner, on the stream's reactor. */
WEFT_MUST_USE weft_err weft_telnet_speak(weft_actor *self, weft_ref stream,
                                         const weft_telnet_options *options, weft_why *why);

/** What the two ends have agreed on. */
typedef struct weft_telnet_info {
    bool echo;      /**< the server echoes */
    bool no_ga;     /**< both suppress "go ahead": with echo, character by character */
    bool line_mode; /**< the client edits (RFC 1184 EDIT, acknowledged) */
    bool binary_in, binary_out;
    uint16_t columns, rows;                    /**< of the client's window; 0: not known */
    char terminal[WEFT_TELNET_TERMINAL_BYTES]; /**< as the client says; "": not known */
} weft_telnet_info;

/** errors: EGONE (no stream here), ENOTFOUND (it does not speak telnet). */
WEFT_MUST_USE weft_err weft_telnet_about(weft_actor *self, weft_ref stream, weft_telnet_info *out);

/** Of a server: from now on it echoes what it is told, or the peer does. With a peer that edits itself, on
 * before a password hides it. errors: EGONE, ENOTFOUND, EINVAL (a client), ENOMEM. */
WEFT_MUST_USE weft_err weft_telnet_echo(weft_actor *self, weft_ref stream, bool on);

/** Of a client: the window is another now. errors: EGONE, ENOTFOUND, EINVAL (a server), ENOMEM. */
WEFT_MUST_USE weft_err weft_telnet_resize(weft_actor *self, weft_ref stream, uint16_t columns,
                                          uint16_t rows);

/** Sends a command. It may overtake text that waits in the stream. errors: EGONE, ENOTFOUND, EINVAL (not
 * a command), ENOMEM. */
WEFT_MUST_USE weft_err weft_telnet_send(weft_actor *self, weft_ref stream,
                                        weft_telnet_command command);

#ifdef __cplusplus
}
#endif
#endif
