/* SPDX-License-Identifier: MIT */
/* SASL PLAIN (RFC 4616) over AUTHENTICATE: gathered, decoded, and asked of the auth actor. */
#include "irc_server.h"

#include <string.h>

#include <weft/hash.h>

#include <weft/auth.h>

static bool is(weft_irc_text text, const char *word)
{
    return weft_irc_same(WEFT_IRC_ASCII, text, weft_irc_text_of(word));
}

static void forget_sasl(wf_irc_user *user)
{
    if (user->rare != NULL) {
        explicit_bzero(user->rare->sasl, sizeof user->rare->sasl);
        user->rare->sasl_bytes = 0;
    }
    user->flags &= (uint16_t) ~(IRC_AUTHENTICATING | IRC_BUSY);
}

static weft_err on_checked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_irc_net *net = weft_state(self);
    const wf_irc_line *line = weft_body(msg); /* a line that waited has the same id and gen */
    wf_irc_user *user = wf_irc_user_at(net, line->id, line->gen);
    const weft_auth_granted *granted = got->body;
    if (user == NULL)
        return WEFT_OK;
    wf_irc_turn t = {.self = self, .net = net, .user = user};
    if (got->err != WEFT_OK)
        wf_irc_log(self, WEFT_NOTICE, user, "refused as %s by SASL PLAIN: %s",
                   user->rare != NULL ? user->rare->sasl : "somebody",
                   got->err == WEFT_EDENIED ? "the credentials are not valid" : got->why);
    forget_sasl(user);
    size_t n = got->err == WEFT_OK ? strlen(granted->principal) + 1 : 0;
    char *account = n > 0 ? weft_alloc(n) : NULL;
    if (account != NULL) {
        memcpy(account, granted->principal, n);
        weft_alloc_free(user->account);
        user->account = account;
        if ((user->flags & IRC_IN) != 0) /* else a line says so when it comes in */
            wf_irc_log(self, WEFT_NOTICE, user, "logged in by SASL PLAIN");
        wf_irc_number(&t, 900, "%s!%s@%s %s :You are now logged in as %s",
                      user->nick[0] != '\0' ? user->nick : "*",
                      user->name[0] != '\0' ? user->name : "*", user->host, account, account);
        wf_irc_number(&t, 903, ":SASL authentication successful");
    } else {
        wf_irc_number(&t, 904, ":SASL authentication failed");
    }
    wf_irc_go_on(self, net, user);
    return WEFT_OK;
}

/* authzid NUL authcid NUL password; who wants to be somebody else than who is proved is refused. */
static bool read_plain(const char *at, size_t n, weft_auth_request *out)
{
    const char *user = memchr(at, '\0', n);
    if (user == NULL)
        return false;
    size_t zid = (size_t)(user++ - at), left = n - zid - 1;
    const char *password = memchr(user, '\0', left);
    if (password == NULL)
        return false;
    size_t u = (size_t)(password++ - user), p = left - u - 1;
    if (u == 0 || u >= sizeof out->user || p >= sizeof out->password ||
        memchr(password, '\0', p) != NULL || (zid != 0 && (zid != u || memcmp(at, user, u) != 0)))
        return false;
    out->kind = WEFT_AUTH_PASSWORD;
    memcpy(out->user, user, u);
    memcpy(out->password, password, p);
    return true;
}

static bool decode(const wf_irc_rare *rare, weft_auth_request *out)
{
    char plain[IRC_SASL_BYTES];
    size_t n;
    bool good = weft_unbase64(rare->sasl, rare->sasl_bytes, plain, sizeof plain, &n) == WEFT_OK &&
                read_plain(plain, n, out);
    explicit_bzero(plain, sizeof plain);
    return good;
}

/* Whom it wants to be stands where the answer stood, for the log. */
static void note_user(wf_irc_rare *rare, const char *user)
{
    _Static_assert(sizeof rare->sasl > WEFT_AUTH_USER_BYTES, "a user's name fits");
    explicit_bzero(rare->sasl, sizeof rare->sasl);
    memcpy(rare->sasl, user, strlen(user));
}

/* The line's message goes on being served when it is known: a line behind it waits (IRC_BUSY). */
static void check(wf_irc_turn *t)
{
    weft_auth_request request = {.peer = t->user->address};
    if (!decode(t->user->rare, &request)) {
        forget_sasl(t->user);
        wf_irc_number(t, 904, ":SASL authentication failed");
        return;
    }
    weft_deferred asked = weft_ask_body(t->self, weft_named(t->self, t->net->config.auth),
                                        &weft_auth_request_type, &request, WEFT_INHERIT);
    note_user(t->user->rare, request.user);
    weft_auth_wipe(&request);
    t->user->flags |= IRC_BUSY;
    if (weft_when(t->served, asked, on_checked) != WEFT_OK) {
        forget_sasl(t->user);
        wf_irc_number(t, 904, ":SASL authentication failed");
    }
}

/* "AUTHENTICATE messages are ... 400 bytes"; one of exactly 400 is followed by another. */
static void gather(wf_irc_turn *t, weft_irc_text text)
{
    wf_irc_rare *rare = t->user->rare;
    bool more = text.bytes == 400;
    if (text.bytes > 400 || rare->sasl_bytes + text.bytes > sizeof rare->sasl) {
        forget_sasl(t->user);
        wf_irc_number(t, 905, ":SASL message too long");
        return;
    }
    if (!is(text, "+")) {
        memcpy(rare->sasl + rare->sasl_bytes, text.at, text.bytes);
        rare->sasl_bytes += text.bytes;
    }
    if (!more)
        check(t);
}

void wf_irc_authenticate(wf_irc_turn *t)
{
    weft_irc_text text = wf_irc_parameter(t, 0);
    if (t->net->config.auth == NULL || (t->user->caps & IRC_SASL) == 0) {
        wf_irc_number(t, 904, ":SASL authentication failed");
    } else if (t->user->account != NULL) {
        wf_irc_number(t, 907, ":You have already authenticated using SASL");
    } else if (is(text, "*")) {
        forget_sasl(t->user);
        wf_irc_number(t, 906, ":SASL authentication aborted");
    } else if ((t->user->flags & IRC_AUTHENTICATING) != 0) {
        gather(t, text);
    } else if (!is(text, "PLAIN")) {
        wf_irc_number(t, 908, "PLAIN :are available SASL mechanisms");
        wf_irc_number(t, 904, ":SASL authentication failed");
    } else if (wf_irc_rare_of(t->user) == NULL) {
        wf_irc_doom(t->self, t->net, t->user);
    } else {
        t->user->flags |= IRC_AUTHENTICATING;
        wf_irc_say_bare(t->self, t->net, t->user, "AUTHENTICATE +");
    }
}
