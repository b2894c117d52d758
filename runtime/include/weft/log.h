/* SPDX-License-Identifier: MIT */
/** Logs: levels, names, text on a terminal and JSON lines elsewhere. */
#ifndef WEFT_LOG_H
#define WEFT_LOG_H

#include <weft/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum weft_level {
    WEFT_DEBUG,
    WEFT_INFO,
    WEFT_NOTICE,
    WEFT_WARNING,
    WEFT_ERROR,
    WEFT_NO_LOG /**< as a threshold: nothing */
} weft_level;

typedef enum weft_log_format {
    WEFT_LOG_AUTO, /**< text if standard error is a terminal, else JSON */
    WEFT_LOG_TEXT,
    WEFT_LOG_JSON,
} weft_log_format;

/** One line as a hook sees it. Borrowed for the call. */
typedef struct weft_log_line {
    weft_level level;
    uint64_t wall_ns; /**< since 1970 */
    const char *name; /**< of the behaviour or part of the runtime that speaks */
    const char *who;  /**< the actor, as weft_ref_print writes it, or "" */
    uint64_t trace;   /**< of the message being served, or 0 */
    const char *text;
} weft_log_line;

typedef void weft_log_hook(void *context, const weft_log_line *line);

/** Logs a line for @self at @level; costs one comparison below the threshold. Text beyond 1,000 bytes is
 * cut. thread: in a handler. */
void weft_log(weft_actor *self, weft_level level, const char *format, ...) WEFT_PRINTF(3, 4);

/** "debug", "info", ... thread: any. */
const char *weft_level_name(weft_level level);

/** Reads a level's name. errors: EINVAL naming those there are. thread: any. */
WEFT_MUST_USE weft_err weft_level_parse(const char *text, weft_level *out, weft_why *why);

#ifdef __cplusplus
}
#endif
#endif
