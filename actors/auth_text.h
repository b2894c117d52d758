/* SPDX-License-Identifier: MIT */
/* Lines of password files and of authorized_keys: pieces of text, nothing opened. */
#ifndef WF_AUTH_TEXT_H
#define WF_AUTH_TEXT_H

#include <weft/auth.h>

#include "url_parts.h"

/* The next line of *@text without its end, which may be CRLF; false: there is none. */
bool wf_text_line(wf_piece *text, wf_piece *line);

/* USER:HASH, and perhaps :MORE. errors: ENOTFOUND (an empty line or a comment), EPROTO and @why. */
weft_err wf_password_line(wf_piece line, wf_piece *user, wf_piece *hash, weft_why *why);

/* A line of authorized_keys (sshd(8)). */
typedef struct wf_key_line {
    wf_piece options; /* empty: none */
    wf_piece type, base64, comment;
} wf_key_line;

/* errors: ENOTFOUND (an empty line or a comment), EPROTO and @why. */
weft_err wf_key_line_read(wf_piece line, wf_key_line *out, weft_why *why);

/* Decodes @base64 (RFC 4648 section 4, with its padding, nothing else) into at most @max bytes.
 * errors: EPROTO, ETOOBIG. */
weft_err wf_base64_decode(wf_piece base64, uint8_t *out, size_t max, size_t *size);

/* The key of a line, whose blob begins with the type it stands behind. errors: EPROTO, ETOOBIG. */
weft_err wf_key_blob(const wf_key_line *line, uint8_t out[WEFT_AUTH_KEY_BYTES], size_t *size,
                     weft_why *why);

/* Puts @user where @path has %u. errors: EDENIED (a user whose name is no file name), ETOOBIG. */
weft_err wf_key_path(const char *path, const char *user, char out[2 * WEFT_AUTH_PATH_BYTES]);

#endif
