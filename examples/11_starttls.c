/* SPDX-License-Identifier: MIT */
/* A line protocol that goes over to TLS in the middle, as SMTP does. */
#include "11_starttls.h"

#include <string.h>
#include <strings.h>
#include <weft/tls.h>

typedef struct session {
    weft_ref stream;
    bool secure;
} session;

/* [starttls] */
static weft_err start_tls(weft_actor *self, session *s)
{
    weft_tls *tls = (weft_tls *)(uintptr_t)weft_config(self);
    weft_why why;
    if (s->secure)
        return weft_write_text(self, s->stream, "503 this is TLS already\r\n");
    if (weft_unread(self, s->stream) != 0) {
        /* sent before the secured session, and never a part of it */
        (void)weft_write_text(self, s->stream, "554 there was something behind STARTTLS\r\n");
        return weft_close(self, s->stream);
    }
    (void)weft_write_text(self, s->stream, "220 go ahead\r\n"); /* the last thing in the clear */
    weft_err err = weft_tls_push(self, s->stream, tls, NULL, &why);
    if (err != WEFT_OK)
        return weft_abort(self, s->stream, err);
    s->secure = true;
    return WEFT_OK;
}
/* [/starttls] */

static bool is(weft_bytes line, const char *word)
{
    size_t n = strlen(word);
    return line.size >= n && strncasecmp((const char *)line.at, word, n) == 0 &&
           (line.size == n || line.at[n] == ' ');
}

/* [session] */
static weft_err on_line(weft_actor *self, weft_msg *msg)
{
    session *s = weft_state(self);
    weft_bytes line = ((const weft_line *)weft_body(msg))->bytes;

    if (is(line, "STARTTLS"))
        return start_tls(self, s);
    if (is(line, "EHLO"))
        return weft_write_text(self, s->stream, "250-hello\r\n250 %s\r\n",
                               s->secure ? "ECHO" : "STARTTLS");
    if (is(line, "ECHO"))
        return weft_write_text(self, s->stream, "250 %.*s\r\n", (int)line.size, line.at);
    if (!is(line, "QUIT"))
        return weft_write_text(self, s->stream, "500 what?\r\n");
    (void)weft_write_text(self, s->stream, "221 bye\r\n");
    return weft_close(self, s->stream);
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    session *s = weft_state(self);
    const weft_framer short_lines = {.frame_bytes_max = 512};
    weft_why why;
    s->stream = weft_sender(msg);
    weft_err err = weft_frame_by(self, s->stream, &weft_lines, &short_lines, &why);
    return err == WEFT_OK ? weft_write_text(self, s->stream, "220 weft\r\n") : err;
}

/* No row for `ended`: a client that sends no more gets its answers, then the stream closes. None for
 * `closed`: the session ends with its stream. */
static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_line_type, .fn = on_line},
    {0},
};
/* [/session] */

const weft_behaviour starttls_behaviour = {
    .name = "starttls", .handlers = handlers, .state_bytes = sizeof(session)};
