/* SPDX-License-Identifier: MIT */
/* Who the peer is: what it says is put to the auth actor, and the session stands still until the answer. */
#include <string.h>

#include "ssh_server.h"

enum { TRIES_MAX = 6 };

static bool copy(char *to, size_t bytes, const char *from)
{
    size_t n = strlen(from);
    if (n >= bytes)
        return false;
    memcpy(to, from, n + 1);
    return true;
}

/* What the peer says it can prove it with. */
static const char *method_name(unsigned method)
{
    return method == WF_SSH_KEY        ? "a public key"
           : method == WF_SSH_PASSWORD ? "a password"
                                       : "nothing";
}

/* Clients offer every key they have, so that one of them is no news; nor is it that there were some, unless nobody was
 * let in after all, which is said at the end (wf_ssh_over). */
static void refused(weft_actor *self, const char *why)
{
    const weft_ssh_config *config = weft_config(self);
    wf_ssh_server *s = weft_state(self);
    wf_ssh_conn *c = &s->conn;
    char text[WEFT_ADDRESS_TEXT_BYTES];
    wf_ssh_answer_auth(c->ssh, s->is_signed, false);
    weft_log(self, s->method == WF_SSH_PASSWORD ? WEFT_NOTICE : WEFT_INFO,
             "%s: \"%s\" is refused, by %s: %s", weft_address_print(&c->peer, text), c->user,
             method_name(s->method), why);
    if (++s->tries >= or_default(config->tries_max, TRIES_MAX))
        wf_ssh_over(self, WEFT_EDENIED, "too many tries to say who it is");
}

static void let_in(weft_actor *self, const weft_auth_granted *granted)
{
    wf_ssh_server *s = weft_state(self);
    wf_ssh_conn *c = &s->conn;
    char text[WEFT_ADDRESS_TEXT_BYTES], key[WEFT_SSH_FINGERPRINT_BYTES] = "";
    (void)copy(c->user, sizeof c->user, granted->principal);
    c->by = granted->by;
    if (s->method == WF_SSH_KEY)
        wf_ssh_auth_fingerprint(c->ssh, key);
    wf_ssh_answer_auth(c->ssh, true, true);
    weft_log(self, WEFT_NOTICE, "%s: \"%s\" is let in, by %s%s%s",
             weft_address_print(&c->peer, text), c->user, method_name(s->method),
             key[0] != '\0' ? " " : "", key);
    wf_ssh_granted(self);
}

static weft_err on_answer(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    const wf_ssh_server *s = weft_state(self);
    wf_ssh_conn *c = weft_state(self);
    (void)next;
    c->asking = false;
    if (c->over)
        return WEFT_OK;
    if (got->err != WEFT_OK || got->type != &weft_auth_granted_type)
        refused(self, got->err != WEFT_OK ? got->why : "no answer");
    else if (s->is_signed)
        let_in(self, got->body);
    else
        wf_ssh_answer_auth(c->ssh, false, true);
    wf_ssh_pump(self);
    return WEFT_OK;
}

/* What is asked of the auth actor. false: there is nothing to be asked, and the peer is refused. */
static bool fill(const weft_ssh_config *config, const wf_ssh_event *event, weft_auth_request *to)
{
    if (!copy(to->user, sizeof to->user, event->user))
        return false;
    switch (event->method) {
    case WF_SSH_NONE:
        to->kind = WEFT_AUTH_ANONYMOUS;
        return config->anonymous;
    case WF_SSH_PASSWORD:
        to->kind = WEFT_AUTH_PASSWORD;
        return config->password && copy(to->password, sizeof to->password, event->password);
    case WF_SSH_KEY:
        to->kind = WEFT_AUTH_SSH_KEY;
        to->key.size = event->key_bytes;
        memcpy(to->key.blob, event->key, event->key_bytes);
        return config->public_key && event->key_bytes != 0;
    default:
        return false;
    }
}

void wf_ssh_on_auth(weft_actor *self, const wf_ssh_event *event)
{
    const weft_ssh_config *config = weft_config(self);
    wf_ssh_server *s = weft_state(self);
    wf_ssh_conn *c = &s->conn;
    weft_auth_request request = {.peer = c->peer};
    weft_ref auth = config->auth_name != NULL ? weft_named(self, config->auth_name) : config->auth;
    if (!c->granted && !copy(c->user, sizeof c->user, event->user))
        (void)copy(c->user, sizeof c->user, "(a name that is too long)");
    s->method = event->method;
    s->is_signed = event->method != WF_SSH_KEY || event->is_signed;
    if (event->method == WF_SSH_NONE && !config->anonymous && !s->asked_none) {
        /* how clients ask what there is (RFC 4252 section 5.2): no try, once */
        s->asked_none = true;
        wf_ssh_answer_auth(c->ssh, true, false);
        return;
    }
    if (c->granted || !fill(config, event, &request)) {
        refused(self, "it says nothing that could be looked at");
        weft_auth_wipe(&request);
        return;
    }
    weft_deferred answer = weft_finally(
        self, weft_ask_body(self, auth, &weft_auth_request_type, &request, WEFT_INHERIT),
        on_answer);
    weft_auth_wipe(&request);
    c->asking = weft_ignore(self, answer) == WEFT_OK;
    if (!c->asking)
        refused(self, "no memory to look at it");
}
