/* SPDX-License-Identifier: MIT */
/** A line editor: what a terminal sends in, lines and what the terminal is to show out.
 *
 *     weft_editor *editor = weft_editor_new(NULL);
 *     weft_editor_begin(editor, "> ", false);
 *     ... for what came: weft_editor_feed, and for each event what it says
 *     ... behind each of these: what weft_editor_output gives is written to the terminal
 *
 * It knows no stream: behind it may be telnet, a terminal, an SSH channel. The terminal is one that sends
 * each key at once and does not echo, understands the cursor movements of ECMA-48, and shows UTF-8.
 *
 * Keys are those of readline's Emacs mode: arrows, Home, End, Delete, Ctrl-A E B F P N H D K U W Y T L,
 * Alt-B F D Backspace, Ctrl-arrows by words, Tab. What is pasted (bracketed paste) never ends a line: line
 * ends and tabs in it become blanks. */
#ifndef WEFT_EDITOR_H
#define WEFT_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_editor weft_editor;

/** Where completions are gathered. */
typedef struct weft_completion weft_completion;

/** Completes: @line has @at bytes before the cursor (and no more are looked at). Says what may stand there by
 * weft_completion_add, having said by weft_completion_from where the word begins. */
typedef void weft_complete_fn(void *context, const char *line, size_t at, weft_completion *to);

/** What an editor is made with; zero means the default. */
typedef struct weft_editor_options {
    uint32_t line_bytes_max;    /**< of a line; more is not taken, and the bell rings; 0: 4,096 */
    uint32_t history_max;       /**< lines remembered; 0: 200 */
    uint16_t columns, rows;     /**< of the terminal; 0: 80 and 24 */
    weft_complete_fn *complete; /**< NULL: Tab is a blank */
    void *context;              /**< of complete */
} weft_editor_options;

#define WEFT_COMPLETIONS_MAX 256U /**< candidates; more are left out */
#define WEFT_PROMPT_BYTES 128U    /**< of a prompt, the final zero included; more is cut off */

/** @options may be NULL. errors: NULL when memory is out. thread: any, as everything here; one editor
 * belongs to one at a time. */
WEFT_MUST_USE weft_editor *weft_editor_new(const weft_editor_options *options);
/** Frees it, wiping what was typed; sets *@editor to NULL. Takes NULL calmly. */
void weft_editor_free(weft_editor **editor);

/** Begins a line. @hidden: for a secret: nothing of it is shown, remembered, or completed. */
void weft_editor_begin(weft_editor *editor, const char *prompt, bool hidden);

/** What feeding came to. After others than WEFT_EDITOR_NOTHING no line is being edited: what is fed is not
 * taken until the next weft_editor_begin. */
typedef enum weft_editor_event {
    WEFT_EDITOR_NOTHING,   /**< all was taken */
    WEFT_EDITOR_LINE,      /**< Enter: weft_editor_line has it */
    WEFT_EDITOR_INTERRUPT, /**< Ctrl-C: the line is given up */
    WEFT_EDITOR_END,       /**< Ctrl-D in an empty line: the user wants to leave */
} weft_editor_event;

/** Takes @n bytes up to the first event; @used of them were. errors: ENOMEM: the terminal is not shown what
 * it should be. */
WEFT_MUST_USE weft_err weft_editor_feed(weft_editor *editor, const uint8_t *at, size_t n,
                                        size_t *used, weft_editor_event *event);

/** The line as it is, UTF-8 with a zero behind it, no controls in it; valid until the next call. */
const char *weft_editor_line(const weft_editor *editor);

/** Remembers @line for the arrows, if it is not empty and not the one before. WEFT_EDITOR_LINE does it by
 * itself, but for hidden lines. errors: ENOMEM, EINVAL (too long,
 * not UTF-8, controls in it). */
WEFT_MUST_USE weft_err weft_editor_remember(weft_editor *editor, const char *line);

/** Shows @n bytes of text above the line that is being edited ("\n" ends lines; controls are left out).
 * errors: ENOMEM. */
WEFT_MUST_USE weft_err weft_editor_print(weft_editor *editor, const char *text, size_t n);

/** The terminal has another size; 0: as it was. errors: ENOMEM. */
WEFT_MUST_USE weft_err weft_editor_resize(weft_editor *editor, uint16_t columns, uint16_t rows);

/** What the terminal is to be sent, @n bytes, gathered since the last call; valid until the next call of
 * anything. */
const char *weft_editor_output(weft_editor *editor, size_t *n);

/** Candidates replace what stands between @start and the cursor. */
void weft_completion_from(weft_completion *to, size_t start);
/** Adds @word if it begins with what stands there, is UTF-8 without controls, and shorter than 128 bytes.
 * Order and repetitions do not matter. The only one that fits gets a blank behind it, unless it ends in = or {. */
void weft_completion_add(weft_completion *to, const char *word);

#ifdef __cplusplus
}
#endif
#endif
