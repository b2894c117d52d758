/* SPDX-License-Identifier: MIT */
/* A session that is joined with the console of another system: what is typed goes there, what that shows comes here.
 *
 *   login, or none ──▶ connecting ── opened ──▶ "hello people" ── greeting ──▶ joined ── either is over ──▶ closed
 *                          └── not to be reached, or no console: the peer is told, and closed
 *
 * What is typed before they are joined waits, as what is typed ahead of an answer does. */
#include <stdio.h>
#include <string.h>

#include <weft/log.h>
#include <weft/net.h>
#include <weft/telnet.h>

#include "console_session.h"

const weft_type wf_console_join_over_type =
    WEFT_TYPE("weft.console_join_over", wf_console_join_over, NULL);

static weft_err refuse(weft_actor *self, wf_session *s, const char *why)
{
    char text[WEFT_WHY_BYTES + 64];
    if (s->closing)
        return WEFT_OK;
    weft_log(self, WEFT_WARNING, "unable to reach the console: %s", why);
    int n = snprintf(text, sizeof text, "error: unable to reach the console: %s\n", why);
    wf_console_say(self, s, text, (size_t)n);
    wf_console_leave(self, s);
    return WEFT_OK;
}

void wf_console_join(weft_actor *self, wf_session *s, const char *to)
{
    weft_editor_free(&s->editor);
    s->stage = WF_JOINED;
    s->reader = (weft_console_reader){.greeted = false};
    s->other = weft_connect(self, to, weft_self(self));
    (void)weft_after(self, WEFT_CONSOLE_JOIN_MS, wf_console_join_over, .nothing = 0);
    if (weft_ref_is_nobody(s->other))
        (void)refuse(self, s, "no memory");
}

weft_err wf_console_join_opened(weft_actor *self, wf_session *s)
{
    weft_telnet_options options = {.client = true, .quiet = true};
    weft_telnet_info info;
    weft_why why = {""};
    if (weft_telnet_about(self, s->stream, &info) == WEFT_OK) {
        options.columns = info.columns;
        options.rows = info.rows;
        options.terminal = info.terminal[0] != '\0' ? info.terminal : NULL;
    }
    weft_err err = weft_telnet_speak(self, s->other, &options, &why);
    if (err == WEFT_OK)
        err = weft_write_text(self, s->other, WEFT_CONSOLE_HELLO_PEOPLE);
    return err == WEFT_OK ? WEFT_OK : refuse(self, s, weft_err_text(err));
}

weft_err wf_console_on_join_over(weft_actor *self, weft_msg *msg)
{
    wf_session *s = weft_state(self);
    (void)msg;
    return s->reader.greeted ? WEFT_OK : refuse(self, s, "it says nothing");
}

/* ---- there */

static void pass(weft_actor *self, wf_session *s, const uint8_t *at, size_t n)
{
    weft_err err = n != 0 ? weft_write_copy(self, s->other, at, n) : WEFT_OK;
    if (err == WEFT_EFULL)
        wf_console_ring(self, s); /* it does not read */
    else if (err != WEFT_OK && err != WEFT_EGONE)
        (void)refuse(self, s, weft_err_text(err));
}

void wf_console_join_type(weft_actor *self, wf_session *s, const uint8_t *at, size_t n)
{
    if (s->reader.greeted)
        pass(self, s, at, n);
    else
        wf_console_keep(self, s, at, n);
}

void wf_console_join_resize(weft_actor *self, wf_session *s, const weft_telnet_info *is)
{
    if (s->reader.greeted)
        (void)!weft_telnet_resize(self, s->other, is->columns, is->rows);
}

weft_err wf_console_join_ended(weft_actor *self, wf_session *s)
{
    s->over = true;
    return s->reader.greeted ? weft_end(self, s->other) : WEFT_OK;
}

/* ---- here */

static weft_err greeted(weft_actor *self, wf_session *s)
{
    weft_telnet_info info;
    if (weft_telnet_about(self, s->stream, &info) == WEFT_OK) /* it may have changed meanwhile */
        wf_console_join_resize(self, s, &info);
    if (s->ahead != NULL)
        pass(self, s, s->ahead, s->ahead_n);
    wf_console_wait_done(s);
    return s->over ? weft_end(self, s->other) : WEFT_OK;
}

static weft_err show(weft_actor *self, wf_session *s, weft_bytes bytes)
{
    weft_err err = s->closing || bytes.size == 0 ? WEFT_OK : weft_write(self, s->stream, bytes);
    return err == WEFT_EGONE ? WEFT_OK : err;
}

weft_err wf_console_join_hear(weft_actor *self, wf_session *s, weft_bytes bytes)
{
    char said[sizeof s->reader.text + 32];
    size_t used;
    if (s->reader.greeted)
        return show(self, s, bytes);
    switch (weft_console_read(&s->reader, bytes.at, bytes.size, &used)) {
    case WEFT_CONSOLE_GREETED:
        (void)greeted(self, s);
        return show(self, s, weft_bytes_slice(bytes, used, bytes.size - used));
    case WEFT_CONSOLE_MORE:
        return WEFT_OK;
    default:
        (void)snprintf(said, sizeof said, "it is none: it says \"%.100s\"", s->reader.text);
        return refuse(self, s, said);
    }
}

weft_err wf_console_join_closed(weft_actor *self, wf_session *s, const weft_closed *closed)
{
    s->other = WEFT_NOBODY;
    if (!s->reader.greeted)
        return refuse(self, s,
                      closed->reason == WEFT_EDONE ? "it is none: it says nothing" : closed->why);
    wf_console_leave(self, s);
    return WEFT_OK;
}
