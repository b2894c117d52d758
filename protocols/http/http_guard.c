/* SPDX-License-Identifier: MIT */
/* Guards: who asks is found out before a route serves it.
 *
 *   request ── no credentials ──▶ (a nonce is asked for) ──▶ 401
 *      └────── credentials ──▶ auth ── granted ──▶ the route
 *                                └── denied ──▶ 401, too many ──▶ 429 */
#include <stdio.h>
#include <string.h>

#include "http_credentials.h"
#include "http_fields.h"
#include "http_server.h"

enum { CHALLENGE_BYTES = 640, REALM_BYTES_MAX = 120 };

static const weft_http_guard *guard_of(const weft_msg *msg)
{
    return wf_http_exchange_of(msg)->row->guard;
}

static weft_ref auth_of(weft_actor *self, const weft_http_guard *guard)
{
    return guard->auth_name != NULL ? weft_named(self, guard->auth_name) : guard->auth;
}

weft_err wf_http_guard_check(const weft_http_guard *guard, weft_why *why)
{
    const char *realm = guard->realm != NULL ? guard->realm : "";
    if (guard->auth_name == NULL && weft_ref_is_nobody(guard->auth))
        return weft_because(why, WEFT_EINVAL, "a guard without an auth actor");
    if (strlen(realm) <= REALM_BYTES_MAX && strpbrk(realm, "\"\\\r\n") == NULL)
        return WEFT_OK;
    return weft_because(why, WEFT_EINVAL,
                        "the realm \"%.40s\", expected at most %d bytes and no quotes", realm,
                        REALM_BYTES_MAX);
}

/* ---- 401 */

static weft_http_field challenge_field(const char *text)
{
    return (weft_http_field){"WWW-Authenticate", text, 16, (uint32_t)strlen(text)};
}

static weft_err refuse(weft_msg *msg, const weft_http_field *fields, uint32_t count)
{
    return wf_http_error_with(msg, 401, NULL, fields, count);
}

static weft_err refuse_basic(weft_msg *msg)
{
    const weft_http_guard *guard = guard_of(msg);
    char text[CHALLENGE_BYTES];
    (void)snprintf(text, sizeof text, "Basic realm=\"%s\", charset=\"UTF-8\"",
                   guard->realm != NULL ? guard->realm : "weft");
    const weft_http_field field = challenge_field(text);
    return refuse(msg, &field, 1);
}

/* RFC 7616 section 3.7: the stronger one first. */
static weft_err refuse_digest(weft_msg *msg, const weft_outcome *got, bool stale)
{
    static const weft_digest_algorithm algorithms[] = {WEFT_DIGEST_SHA256, WEFT_DIGEST_MD5};
    char text[2][CHALLENGE_BYTES];
    weft_http_field fields[2];
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err == WEFT_EGONE ? WEFT_EGONE : WEFT_EINTERNAL, "%s", got->why);
    const weft_auth_challenge *challenge = got->body;
    for (int i = 0; i < 2; i++) {
        (void)weft_digest_challenge(challenge->realm, challenge->text, algorithms[i], stale,
                                    text[i], sizeof text[i]);
        fields[i] = challenge_field(text[i]);
    }
    return refuse(msg, fields, 2);
}

static weft_err on_challenge(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    return refuse_digest(msg, got, false);
}

static weft_err on_stale_challenge(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    return refuse_digest(msg, got, true);
}

static weft_err ask_for_credentials(weft_actor *self, weft_msg *msg, bool stale)
{
    const weft_http_guard *guard = guard_of(msg);
    if (!guard->digest)
        return refuse_basic(msg);
    return weft_when(
        msg,
        weft_ask(self, auth_of(self, guard), weft_auth_challenge_request, .kind = WEFT_AUTH_DIGEST),
        stale ? on_stale_challenge : on_challenge);
}

/* ---- asked */

static weft_err granted(weft_actor *self, weft_msg *msg, const weft_auth_granted *who)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    size_t n = strlen(who->principal) + 1;
    weft_alloc_free(x->principal); /* of a row that sent it on */
    x->principal = weft_alloc(n);
    if (x->principal == NULL)
        return weft_fail(msg, WEFT_ENOMEM, "no memory for who asks");
    memcpy(x->principal, who->principal, n);
    return wf_http_serve_row(self, msg);
}

static weft_err decide(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    if (got->err == WEFT_OK)
        return granted(self, msg, got->body);
    if (got->err == WEFT_EDENIED)
        return ask_for_credentials(self, msg, false);
    if (got->err == WEFT_ETIMEDOUT && strcmp(got->why, "the challenge is over") == 0)
        return ask_for_credentials(self, msg, true);
    if (got->err == WEFT_ELIMIT)
        return weft_http_error(msg, 429, got->why);
    return weft_fail(msg, got->err == WEFT_EFULL ? WEFT_EGONE : got->err, "%s", got->why);
}

static weft_err on_checked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_http_exchange *x = wf_http_exchange_of(msg);
    weft_err err = WEFT_OK;
    bool holds = (x->flags & WF_HTTP_X_HOLDS) != 0;
    x->flags &= (uint16_t) ~(WF_HTTP_X_ASKING | WF_HTTP_X_HOLDS);
    /* meanwhile its client may have gone, or been told that it took too long */
    if ((x->flags & (WF_HTTP_X_LOST | WF_HTTP_X_ANSWERED)) == 0)
        err = holds ? wf_http_input_go_on(self, x, decide, got) : decide(self, msg, got);
    /* a body that waited */
    if ((x->flags & WF_HTTP_X_LOST) == 0)
        wf_http_input(self, x->conn);
    return err;
}

/* RFC 7616 section 3.4.6: what the digest is about must be what was asked for. */
static bool is_about(const weft_auth_request *request, const weft_http_request *r)
{
    return strlen(request->digest.uri) == r->target.bytes &&
           memcmp(request->digest.uri, r->target.at, r->target.bytes) == 0;
}

/* It may become something else than HTTP, and what stands behind it with it (RFC 9110 section 7.8). */
static bool may_hand_over(const weft_msg *msg)
{
    const weft_http_request *r = weft_body(msg);
    return r->method == WEFT_HTTP_GET && weft_http_field_of(msg, "upgrade").at != NULL;
}

weft_err wf_http_guard_serve(weft_actor *self, weft_msg *msg)
{
    const weft_http_guard *guard = guard_of(msg);
    weft_auth_request request = {.peer = weft_http_client(msg)};
    /* a message that is kept may find its request elsewhere */
    if (!wf_http_exchange_persist(self, wf_http_exchange_of(msg)))
        return WEFT_ENOMEM;
    const weft_http_request *r = weft_body(msg);
    weft_err err =
        wf_http_credentials_read(weft_http_field_of(msg, "authorization"), guard->digest, &request);
    if (err == WEFT_OK && guard->digest) {
        bool fits = r->method_name.bytes < sizeof request.digest.method;
        const char *name = weft_http_method_name(r->method);
        (void)snprintf(request.digest.method, sizeof request.digest.method, "%.*s",
                       r->method == WEFT_HTTP_OTHER && fits ? (int)r->method_name.bytes : 31,
                       r->method == WEFT_HTTP_OTHER && fits ? r->method_name.at : name);
        if (!is_about(&request, r))
            return weft_http_error(msg, 400, "The digest is about something else.");
    }
    if (err != WEFT_OK) {
        weft_auth_wipe(&request);
        return ask_for_credentials(self, msg, false);
    }
    weft_deferred asked =
        weft_ask_body(self, auth_of(self, guard), &weft_auth_request_type, &request, WEFT_INHERIT);
    weft_auth_wipe(&request);
    wf_http_exchange_of(msg)->flags |=
        WF_HTTP_X_ASKING | (may_hand_over(msg) ? WF_HTTP_X_HOLDS : 0);
    return weft_when(msg, asked, on_checked);
}

const char *weft_http_principal(const weft_msg *msg)
{
    const wf_http_exchange *x = wf_http_exchange_of(msg);
    return x != NULL ? x->principal : NULL;
}
