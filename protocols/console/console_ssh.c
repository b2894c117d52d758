/* SPDX-License-Identifier: MIT */
/* A session in a channel of SSH: with a terminal it is for people, without one it takes lines; a command is run, and
 * the channel ends with its code. Who the peer is, the SSH server has asked. */
#include <stdio.h>
#include <string.h>

#include <weft/log.h>
#include <weft/ssh.h>

#include "console_session.h"

/* It leaves when the answer is there. */
static void run_once(weft_actor *self, weft_msg *msg, wf_session *s, const char *command)
{
    size_t n = strlen(command);
    s->once = true;
    if (n < sizeof s->line) {
        memcpy(s->line, command, n + 1);
        (void)wf_console_line(self, msg, s, s->line);
        return;
    }
    wf_text none = {.at = NULL};
    weft_why why = {""};
    weft_err err = weft_because(&why, WEFT_ETOOBIG, "a command of %zu bytes, expected at most %u",
                                n, WEFT_CONSOLE_LINE_BYTES_MAX);
    wf_console_answer(self, s, err, &none, &why);
    wf_console_leave(self, s);
}

weft_err wf_console_ssh_begin(weft_actor *self, weft_msg *msg, wf_session *s)
{
    const weft_ssh_session *session = weft_ssh_session_of(s->stream);
    s->ssh = true;
    (void)snprintf(s->user, sizeof s->user, "%s", session->user);
    weft_log(self, WEFT_NOTICE, "console of %s", s->user);
    if (session->terminal &&
        wf_console_edit(self, s, session->window.columns, session->window.rows) != WEFT_OK)
        return WEFT_OK;
    s->stage = session->terminal ? WF_COMMANDS : WF_LINES;
    if (session->kind == WEFT_SSH_EXEC)
        run_once(self, msg, s, session->command);
    else
        wf_console_begin(self, s);
    return WEFT_OK;
}

weft_err wf_console_on_window(weft_actor *self, weft_msg *msg)
{
    wf_session *s = weft_state(self);
    const weft_ssh_window *is = weft_body(msg);
    if (s->editor == NULL || s->closing)
        return WEFT_OK;
    (void)!weft_editor_resize(s->editor, is->window.columns, is->window.rows);
    wf_console_say(self, s, "", 0);
    return WEFT_OK;
}

/* Ctrl-C of a peer whose terminal does not send it as a key; whatever else there is ends the session. */
weft_err wf_console_on_signal(weft_actor *self, weft_msg *msg)
{
    wf_session *s = weft_state(self);
    const weft_ssh_signal *signal = weft_body(msg);
    static const uint8_t interrupt[] = {3};
    if (s->closing)
        return WEFT_OK;
    if (s->editor != NULL && strcmp(signal->name, "INT") == 0)
        wf_console_feed(self, s, interrupt, 1);
    else
        wf_console_leave(self, s);
    return WEFT_OK;
}
