/* SPDX-License-Identifier: MIT */
/* AUTH: lines of base64 until there is something to ask the auth actor. RFC 4954; PLAIN is RFC 4616, CRAM-MD5 RFC
 * 2195, and LOGIN what clients do. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <weft/auth.h>
#include <weft/edge.h>
#include <weft/hash.h>

#include "smtp_server.h"

enum { PLAIN_BYTES = WEFT_AUTH_USER_BYTES * 2 + WEFT_AUTH_PASSWORD_BYTES };

const char *wf_smtp_mechanisms(const wf_smtp_session *s)
{
    bool password = (s->auth_kinds >> WEFT_AUTH_PASSWORD & 1) != 0;
    bool cram = (s->auth_kinds >> WEFT_AUTH_CRAM_MD5 & 1) != 0;
    return password && cram ? " PLAIN LOGIN CRAM-MD5"
           : password       ? " PLAIN LOGIN"
           : cram           ? " CRAM-MD5"
                            : "";
}

void wf_smtp_auth_forget(wf_smtp_session *s)
{
    weft_alloc_free(s->challenge);
    weft_alloc_free(s->user);
    s->challenge = s->user = NULL;
    s->mechanism = WF_SMTP_NO_MECHANISM;
}

static void refuse(weft_actor *self, wf_smtp_session *s, uint16_t code, uint8_t subject,
                   uint8_t detail, const char *text)
{
    wf_smtp_auth_forget(s);
    wf_smtp_phase_set(self, s, WF_SMTP_COMMAND);
    wf_smtp_say(self, s, code, subject, detail, text);
}

/* ---- asking */

static const char *const names[] = {[WF_SMTP_NO_MECHANISM] = "nothing",
                                    [WF_SMTP_PLAIN] = "PLAIN",
                                    [WF_SMTP_LOGIN_USER] = "LOGIN",
                                    [WF_SMTP_LOGIN_PASSWORD] = "LOGIN",
                                    [WF_SMTP_CRAM] = "CRAM-MD5"};

/* Whom it wants to be, for the log: without memory that is somebody. */
static void note_user(wf_smtp_session *s, const char *user)
{
    size_t n = strlen(user) + 1;
    if (s->user == NULL && (s->user = weft_alloc(n)) != NULL)
        memcpy(s->user, user, n);
}

static weft_err on_proved(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_smtp_session *s = got->context;
    (void)next;
    if (s->phase != WF_SMTP_WAIT)
        return WEFT_OK;
    const char *by = names[s->mechanism];
    if (got->err != WEFT_OK)
        wf_smtp_log(self, s, "refused as %s by %s: %s", s->user != NULL ? s->user : "somebody", by,
                    got->err == WEFT_EDENIED ? "the credentials are not valid" : got->why);
    wf_smtp_auth_forget(s);
    if (got->err == WEFT_OK) {
        const weft_auth_granted *granted = got->body;
        memcpy(s->peer.user, granted->principal, sizeof s->peer.user);
        wf_smtp_log(self, s, "logged in by %s", by);
        wf_smtp_say(self, s, 235, 7, 0, "welcome");
    } else if (got->err == WEFT_EDENIED)
        wf_smtp_say(self, s, 535, 7, 8, "the credentials are not valid");
    else
        wf_smtp_say(self, s, 454, 7, 0,
                    got->err == WEFT_ELIMIT ? "too many failures: try again later"
                                            : "nobody can be authenticated now");
    wf_smtp_resume(self, s, WF_SMTP_COMMAND);
    return WEFT_OK;
}

static void ask(weft_actor *self, wf_smtp_session *s, weft_auth_request *request)
{
    request->peer = s->peer.address;
    note_user(s, request->user);
    wf_smtp_phase_set(self, s, WF_SMTP_WAIT);
    wf_smtp_then(
        self, s,
        weft_ask_body(self, s->auth, &weft_auth_request_type, request, s->limits.answer_timeout_ms),
        on_proved);
    weft_auth_wipe(request);
}

/* A text of exactly @n bytes, none of them zero, into an array. */
static bool put(char *to, size_t room, const char *from, size_t n)
{
    if (n == 0 || n >= room || memchr(from, '\0', n) != NULL)
        return false;
    memcpy(to, from, n);
    to[n] = '\0';
    return true;
}

/* ---- the mechanisms: what a line says. false: nothing that could be asked */

/* "message = [authzid] UTF8NUL authcid UTF8NUL passwd" */
static bool plain(weft_actor *self, wf_smtp_session *s, const char *said, size_t n)
{
    weft_auth_request request = {.kind = WEFT_AUTH_PASSWORD};
    const char *end = said + n, *user = memchr(said, '\0', n);
    const char *password = user != NULL ? memchr(user + 1, '\0', (size_t)(end - user - 1)) : NULL;
    if (password == NULL ||
        !put(request.user, sizeof request.user, user + 1, (size_t)(password - user - 1)) ||
        !put(request.password, sizeof request.password, password + 1, (size_t)(end - password - 1)))
        return false;
    /* to act as somebody else is for nobody here */
    size_t as = (size_t)(user - said);
    if (as != 0 && (as != strlen(request.user) || memcmp(said, request.user, as) != 0)) {
        weft_auth_wipe(&request);
        return false;
    }
    ask(self, s, &request);
    return true;
}

static bool login_user(weft_actor *self, wf_smtp_session *s, const char *said, size_t n)
{
    s->user = weft_alloc_zero(WEFT_AUTH_USER_BYTES);
    if (s->user == NULL || !put(s->user, WEFT_AUTH_USER_BYTES, said, n))
        return false;
    s->mechanism = WF_SMTP_LOGIN_PASSWORD;
    wf_smtp_say(self, s, 334, 0, 0, "UGFzc3dvcmQ6");
    return true;
}

static bool login_password(weft_actor *self, wf_smtp_session *s, const char *said, size_t n)
{
    weft_auth_request request = {.kind = WEFT_AUTH_PASSWORD};
    if (!put(request.password, sizeof request.password, said, n))
        return false;
    (void)snprintf(request.user, sizeof request.user, "%s", s->user);
    ask(self, s, &request);
    return true;
}

/* "a string consisting of the user name, a space, and a 'digest'" */
static bool cram(weft_actor *self, wf_smtp_session *s, const char *said, size_t n)
{
    weft_auth_request request = {.kind = WEFT_AUTH_CRAM_MD5};
    const char *blank = memrchr(said, ' ', n);
    if (blank == NULL || !put(request.user, sizeof request.user, said, (size_t)(blank - said)) ||
        !put(request.cram.response, sizeof request.cram.response, blank + 1,
             (size_t)(said + n - blank - 1)))
        return false;
    (void)snprintf(request.cram.challenge, sizeof request.cram.challenge, "%s", s->challenge);
    ask(self, s, &request);
    return true;
}

static bool (*const mechanisms[])(weft_actor *, wf_smtp_session *, const char *, size_t) = {
    [WF_SMTP_PLAIN] = plain,
    [WF_SMTP_LOGIN_USER] = login_user,
    [WF_SMTP_LOGIN_PASSWORD] = login_password,
    [WF_SMTP_CRAM] = cram,
};

void wf_smtp_auth_line(weft_actor *self, wf_smtp_session *s, const char *line, size_t n)
{
    char said[PLAIN_BYTES];
    size_t size = 0;
    if (n == 1 && line[0] == '*') {
        refuse(self, s, 501, 7, 0, "taken back");
        return;
    }
    /* "=" stands for an empty response (section 4) */
    bool empty = n == 0 || (n == 1 && line[0] == '=');
    if (!empty && weft_unbase64(line, n, said, sizeof said, &size) != WEFT_OK) {
        refuse(self, s, 501, 5, 2, "expected base64");
        return;
    }
    if (empty || !mechanisms[s->mechanism](self, s, said, size))
        refuse(self, s, 501, 5, 2, "these are no credentials");
    explicit_bzero(said, sizeof said);
}

/* ---- the command */

static weft_err on_challenge(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_smtp_session *s = got->context;
    char text[WEFT_BASE64_BYTES(WEFT_AUTH_CHALLENGE_BYTES) + 1];
    (void)next;
    if (s->phase != WF_SMTP_WAIT)
        return WEFT_OK;
    s->challenge = got->err == WEFT_OK ? weft_alloc(WEFT_AUTH_CHALLENGE_BYTES) : NULL;
    if (s->challenge == NULL) {
        wf_smtp_auth_forget(s);
        wf_smtp_say(self, s, 454, 7, 0, "nobody can be authenticated now");
        wf_smtp_resume(self, s, WF_SMTP_COMMAND);
        return WEFT_OK;
    }
    memcpy(s->challenge, ((const weft_auth_challenge *)got->body)->text, WEFT_AUTH_CHALLENGE_BYTES);
    (void)weft_base64(s->challenge, strlen(s->challenge), text);
    (void)weft_write_text(self, s->stream, "334 %s\r\n", text);
    wf_smtp_resume(self, s, WF_SMTP_PROOF);
    return WEFT_OK;
}

static void begin_cram(weft_actor *self, wf_smtp_session *s)
{
    s->mechanism = WF_SMTP_CRAM;
    wf_smtp_phase_set(self, s, WF_SMTP_WAIT);
    wf_smtp_then(self, s,
                 weft_ask_within(self, s->auth, s->limits.answer_timeout_ms,
                                 weft_auth_challenge_request, .kind = WEFT_AUTH_CRAM_MD5),
                 on_challenge);
}

static bool is(const wf_smtp_command *command, const char *name)
{
    return command->text_n == strlen(name) &&
           strncasecmp(command->text, name, command->text_n) == 0;
}

static wf_smtp_mechanism mechanism_of(const wf_smtp_session *s, const wf_smtp_command *command)
{
    bool password = (s->auth_kinds >> WEFT_AUTH_PASSWORD & 1) != 0;
    if (password && is(command, "PLAIN"))
        return WF_SMTP_PLAIN;
    if (password && is(command, "LOGIN"))
        return WF_SMTP_LOGIN_USER;
    bool has_cram = (s->auth_kinds >> WEFT_AUTH_CRAM_MD5 & 1) != 0;
    return has_cram && is(command, "CRAM-MD5") ? WF_SMTP_CRAM : WF_SMTP_NO_MECHANISM;
}

void wf_smtp_auth(weft_actor *self, wf_smtp_session *s, const wf_smtp_command *command)
{
    if (s->mail != NULL || s->peer.user[0] != '\0') {
        wf_smtp_say(self, s, 503, 5, 1, "not now: AUTH comes once, and before MAIL");
        return;
    }
    s->mechanism = mechanism_of(s, command);
    if (s->mechanism == WF_SMTP_NO_MECHANISM) {
        bool clear = !weft_ref_is_nobody(s->auth) && !s->peer.secure && !s->config->auth_in_clear;
        wf_smtp_say(self, s, clear ? 538 : 504, clear ? 7 : 5, clear ? 11 : 4,
                    clear ? "encryption is required" : "there is no such mechanism");
    } else if (s->mechanism == WF_SMTP_CRAM) {
        if (command->more != NULL)
            refuse(self, s, 501, 7, 0, "CRAM-MD5 begins with the server");
        else
            begin_cram(self, s);
    } else {
        wf_smtp_phase_set(self, s, WF_SMTP_PROOF);
        if (command->more != NULL)
            wf_smtp_auth_line(self, s, command->more, command->more_n);
        else
            wf_smtp_say(self, s, 334, 0, 0, s->mechanism == WF_SMTP_PLAIN ? "" : "VXNlcm5hbWU6");
    }
}
