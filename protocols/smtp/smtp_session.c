/* SPDX-License-Identifier: MIT */
/* Commands, one row a verb: when each may come, and what is answered. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weft/auth.h>
#include <weft/tls.h>

#include "smtp_server.h"

static const char *host_of(const wf_smtp_session *s)
{
    return s->config->host != NULL ? s->config->host : "localhost";
}

void wf_smtp_greet(weft_actor *self, wf_smtp_session *s)
{
    (void)weft_write_text(self, s->stream, "220 %s %s weft\r\n", host_of(s),
                          s->config->lmtp ? "LMTP" : "ESMTP");
}

/* ---- hello */

static bool may_start_tls(const wf_smtp_session *s)
{
    return s->config->tls != NULL && !s->peer.secure;
}

static void answer_extended(weft_actor *self, wf_smtp_session *s)
{
    const char *mechanisms = wf_smtp_mechanisms(s);
    bool tls = may_start_tls(s);
    (void)weft_write_text(
        self, s->stream,
        "250-%s greets %s\r\n250-PIPELINING\r\n250-SIZE %" PRIu64
        "\r\n%s%s%s%s250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n",
        host_of(s), s->peer.helo, s->limits.message_bytes_max, tls ? "250-STARTTLS\r\n" : "",
        mechanisms[0] != '\0' ? "250-AUTH" : "", mechanisms, mechanisms[0] != '\0' ? "\r\n" : "");
}

static weft_err on_offer(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_smtp_session *s = got->context;
    (void)next;
    if (s->phase != WF_SMTP_WAIT)
        return WEFT_OK;
    s->auth_kinds = got->err == WEFT_OK ? ((const weft_auth_offer *)got->body)->kinds : 0;
    answer_extended(self, s);
    wf_smtp_resume(self, s, WF_SMTP_COMMAND);
    return WEFT_OK;
}

static bool may_authenticate(const wf_smtp_session *s)
{
    return !weft_ref_is_nobody(s->auth) && (s->peer.secure || s->config->auth_in_clear);
}

static void hello(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    bool helo = command->verb == WF_SMTP_HELO;
    if (s->config->lmtp != (command->verb == WF_SMTP_LHLO)) {
        wf_smtp_say(self, s, 500, 5, 1, s->config->lmtp ? "this is LMTP: LHLO" : "this is SMTP");
        return;
    }
    /* "the SMTP server MUST clear all buffers and reset the state exactly as if a RSET command had been issued" */
    wf_smtp_mail_drop(self, s, WEFT_ECANCELLED, "the client began anew");
    memcpy(s->peer.helo, command->address, sizeof s->peer.helo);
    s->hello = true;
    s->extended = !helo;
    s->auth_kinds = 0;
    if (helo)
        wf_smtp_say(self, s, 250, 0, 0, host_of(s));
    else if (!may_authenticate(s))
        answer_extended(self, s);
    else {
        wf_smtp_phase_set(self, s, WF_SMTP_WAIT);
        wf_smtp_then(self, s,
                     weft_ask_within(self, s->auth, s->limits.answer_timeout_ms,
                                     weft_auth_offer_request, .nothing = 0),
                     on_offer);
    }
}

/* ---- the small ones */

static void reset(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    (void)command;
    wf_smtp_mail_drop(self, s, WEFT_ECANCELLED, "the client took it back");
    wf_smtp_say(self, s, 250, 0, 0, "OK");
}

static void noop(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    (void)command;
    wf_smtp_say(self, s, 250, 0, 0, "OK");
}

/* What can be said now. */
static void help(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    char text[WEFT_SMTP_TEXT_BYTES];
    (void)command;
    (void)snprintf(text, sizeof text,
                   "%s MAIL RCPT DATA BDAT RSET NOOP VRFY HELP%s%s QUIT: RFC 5321",
                   s->config->lmtp ? "LHLO" : "EHLO HELO", may_start_tls(s) ? " STARTTLS" : "",
                   may_authenticate(s) ? " AUTH" : "");
    wf_smtp_say(self, s, 214, 0, 0, text);
}

static void quit(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    (void)command;
    wf_smtp_mail_drop(self, s, WEFT_ECANCELLED, "the client took it back");
    wf_smtp_over(self, s, 221, "2.0.0", "goodbye");
}

static void expn(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    (void)command;
    wf_smtp_say(self, s, 502, 5, 1, "lists are nobody's business");
}

static weft_err on_verified(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_smtp_session *s = got->context;
    (void)next;
    if (s->phase != WF_SMTP_WAIT)
        return WEFT_OK;
    weft_smtp_status status =
        wf_smtp_verdict(got, (weft_smtp_status){252, 5, 0, "it will be tried"});
    wf_smtp_answer(self, s, &status);
    wf_smtp_resume(self, s, WF_SMTP_COMMAND);
    return WEFT_OK;
}

static void verify(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    weft_smtp_recipient asked = {.peer = s->peer};
    memcpy(asked.to, command->address, sizeof asked.to);
    /* RFC 5321, section 7.3: no more is told than RCPT would tell */
    if (weft_ref_is_nobody(s->judge) || asked.to[0] == '\0') {
        wf_smtp_say(self, s, 252, 5, 0, "it will be tried");
        return;
    }
    wf_smtp_phase_set(self, s, WF_SMTP_WAIT);
    wf_smtp_then(self, s,
                 weft_ask_body(self, s->judge, &weft_smtp_recipient_type, &asked,
                               s->limits.answer_timeout_ms),
                 on_verified);
}

/* RFC 3207. What came behind the command came from anybody, and must not count as said within. */
static void start_tls(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    weft_why why;
    (void)command;
    if (!may_start_tls(s)) {
        wf_smtp_say(self, s, s->peer.secure ? 503 : 502, 5, 1,
                    s->peer.secure ? "this is TLS already" : "there is no TLS here");
        return;
    }
    if (s->at < s->in.size || weft_unread(self, s->stream) != 0) {
        weft_log(self, WEFT_WARNING, "bytes behind STARTTLS (%s): refused",
                 weft_err_name(WEFT_EPROTO));
        wf_smtp_mail_drop(self, s, WEFT_EPROTO, "bytes behind STARTTLS");
        wf_smtp_over(self, s, 554, "5.5.1", "there was something behind STARTTLS");
        return;
    }
    wf_smtp_say(self, s, 220, 0, 0, "go ahead");
    weft_err err = weft_tls_push(self, s->stream, s->config->tls, NULL, &why);
    if (err != WEFT_OK) {
        (void)weft_abort(self, s->stream, err);
        s->phase = WF_SMTP_OVER;
        return;
    }
    /* "The server MUST discard any knowledge obtained from the client" */
    wf_smtp_mail_drop(self, s, WEFT_ECANCELLED, "the client began TLS");
    s->peer = (weft_smtp_peer){.address = s->peer.address, .secure = true};
    s->hello = s->extended = false;
    s->auth_kinds = 0;
}

static void mail(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    if (s->config->auth_required && s->peer.user[0] == '\0') {
        static const weft_smtp_status refused = {530, 7, 0, "authentication is required"};
        wf_smtp_log_refused(self, s, command->address, NULL, &refused);
        wf_smtp_answer(self, s, &refused);
    } else
        wf_smtp_mail_from(self, s, command);
}

static void data(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    (void)command;
    wf_smtp_mail_data(self, s);
}

/* ---- which, and when */

enum { ANY_TIME = 1, IN_CLEAR = 2 };

static const struct {
    void (*serve)(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command);
    unsigned when; /* ANY_TIME: before a hello too. IN_CLEAR: also if TLS is required */
} rows[WF_SMTP_VERBS_] = {
    [WF_SMTP_EHLO] = {hello, ANY_TIME | IN_CLEAR},
    [WF_SMTP_HELO] = {hello, ANY_TIME | IN_CLEAR},
    [WF_SMTP_LHLO] = {hello, ANY_TIME | IN_CLEAR},
    [WF_SMTP_MAIL] = {mail, 0},
    [WF_SMTP_RCPT] = {wf_smtp_mail_to, 0},
    [WF_SMTP_DATA] = {data, 0},
    [WF_SMTP_BDAT] = {wf_smtp_mail_chunk, 0},
    [WF_SMTP_RSET] = {reset, ANY_TIME},
    [WF_SMTP_NOOP] = {noop, ANY_TIME | IN_CLEAR},
    [WF_SMTP_VRFY] = {verify, 0},
    [WF_SMTP_EXPN] = {expn, 0},
    [WF_SMTP_HELP] = {help, ANY_TIME},
    [WF_SMTP_QUIT] = {quit, ANY_TIME | IN_CLEAR},
    [WF_SMTP_STARTTLS] = {start_tls, IN_CLEAR},
    [WF_SMTP_AUTH] = {wf_smtp_auth, 0},
};

void wf_smtp_command_serve(weft_actor *self, wf_smtp_session *s, const char *line, size_t n)
{
    wf_smtp_command command;
    weft_smtp_status wrong;
    if (wf_smtp_is_foreign(line, n)) {
        wf_smtp_log(self, s, "speaks HTTP: let go");
        wf_smtp_mail_drop(self, s, WEFT_EPROTO, "the client speaks HTTP");
        wf_smtp_over(self, s, 554, "5.7.0", "this is no web server");
        return;
    }
    if (!wf_smtp_command_read(line, n, &command, &wrong)) {
        wf_smtp_answer(self, s, &wrong);
        /* a chunk is sent without waiting whether its command was understood */
        if (command.verb == WF_SMTP_BDAT)
            wf_smtp_over(self, s, 421, "4.5.4", "a chunk of unknown size cannot be left out");
        return;
    }
    unsigned when = rows[command.verb].when;
    if (s->config->tls_required && !s->peer.secure && (when & IN_CLEAR) == 0)
        wf_smtp_say(self, s, 530, 7, 0, "STARTTLS comes first");
    else if (!s->hello && (when & ANY_TIME) == 0 && command.verb != WF_SMTP_BDAT)
        wf_smtp_say(self, s, 503, 5, 1, "a hello comes first");
    else
        rows[command.verb].serve(self, s, &command);
}
