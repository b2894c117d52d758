/* SPDX-License-Identifier: MIT */
/* The SOCKS server: one actor for each client, which becomes a forwarder when its target is there.
 *
 *   greeting ──▶ (login ──▶ checking) ──▶ request ──▶ connecting ──▶ joined: forward.c; associated:
 *       │              │                      │            │           socks_associate.c
 *       └──────────────┴──────────────────────┴────────────┴──▶ over: answered, and closes
 *
 * A stage gathers the messages; it is taken out when the target is there, so that what the client sent behind
 * its request is the first thing forwarded. The request is kept until then: nothing more is read. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weft/auth.h>
#include <weft/edge.h>
#include <weft/net.h>
#include <weft/socks.h>
#include <weft/stage.h>
#include <weft/timer.h>
#include <weft/url.h>

#include "socks_associate.h"
#include "socks_codec.h"
#include "socks_rules.h"
#include "wire/forward.h"

typedef enum phase { GREETING, LOGIN, CHECKING, REQUEST, CONNECTING, ASSOCIATED, OVER } phase;

typedef struct session {
    wf_forward forward; /* what a forwarder's state begins with */
    weft_msg *asked;    /* the request, while connecting */
    weft_timer timer;   /* until then */
    phase phase;
    weft_address peer;
    weft_ref association; /* UDP ASSOCIATE: whoever relays the datagrams */
} session;

typedef struct socks_late {
    char nothing;
} socks_late;
static const weft_type socks_late_type = WEFT_TYPE("weft.socks_late", socks_late, NULL);

static const weft_socks_config *config_of(const weft_actor *self)
{
    static const weft_socks_config standard = {.idle_ms = 0};
    const weft_socks_config *config = weft_config(self);
    return config != NULL ? config : &standard;
}

static bool wants_login(const weft_socks_config *config)
{
    return config->auth_name != NULL || !weft_ref_is_nobody(config->auth);
}

/* ---- the stage: one message a frame */

typedef struct framed {
    wf_socks_expected expected;
} framed;

static const weft_type socks_message_type = WEFT_DATA_TYPE("weft.socks");

static weft_err framed_up(weft_stage *stage, weft_bytes in, weft_piece *out, weft_why *why)
{
    const framed *f = weft_stage_state(stage);
    size_t n;
    weft_err err = wf_socks_length(f->expected, in.at, in.size, &n, why);
    if (err != WEFT_OK || n == 0)
        return err;
    *out = (weft_piece){.kind = WEFT_PIECE_FRAME,
                        .type = &socks_message_type,
                        .bytes = weft_bytes_share(weft_bytes_slice(in, 0, n))};
    weft_stage_take(stage, n);
    return WEFT_OK;
}

static const weft_stage_ops framed_ops = {
    .name = "socks", .state_bytes = sizeof(framed), .up = framed_up};

/* Takes effect for the next message: the one that is served is not let go of yet. */
static void expect(weft_actor *self, session *s, phase next)
{
    weft_stage *stage = weft_stage_of(self, s->forward.client.stream, &framed_ops);
    s->phase = next;
    if (stage != NULL)
        *(framed *)weft_stage_state(stage) =
            (framed){next == LOGIN ? WF_SOCKS_LOGIN : WF_SOCKS_REQUEST};
}

/* ---- saying */

static weft_err say(weft_actor *self, const session *s, const uint8_t *words, size_t n)
{
    weft_err err = weft_write_copy(self, s->forward.client.stream, words, n);
    return err == WEFT_OK || err == WEFT_EGONE ? WEFT_OK
                                               : weft_abort(self, s->forward.client.stream, err);
}

/* Nothing more is said, or heard. */
static weft_err leave(weft_actor *self, session *s)
{
    s->phase = OVER;
    weft_timer_cancel(self, &s->timer);
    (void)weft_close(self, s->forward.client.stream);
    if (s->asked != NULL)
        weft_drop(&s->asked);
    return WEFT_OK;
}

static weft_err refuse(weft_actor *self, session *s, uint8_t version, wf_socks_reply reply)
{
    static const weft_address none = {.family = WEFT_FAMILY_NONE};
    uint8_t words[WF_SOCKS_SAY_BYTES];
    size_t n = wf_socks_say_reply(version, reply, &none, words);
    (void)say(self, s, words, n);
    return leave(self, s);
}

static void tell_log(weft_actor *self, const session *s, const char *text)
{
    char peer[WEFT_ADDRESS_TEXT_BYTES];
    weft_log(self, WEFT_INFO, "%s: %s", weft_address_print(&s->peer, peer), text);
}

/* ---- greeting and login */

static weft_err on_greeting(weft_actor *self, session *s, const uint8_t *at)
{
    uint8_t words[WF_SOCKS_SAY_BYTES];
    bool login = wants_login(config_of(self));
    wf_socks_method method = login ? WF_SOCKS_PASSWORD : WF_SOCKS_NO_LOGIN;
    bool offered = wf_socks_offers(at, method);
    size_t n = wf_socks_say_method(offered ? method : WF_SOCKS_NO_METHOD, words);
    weft_err err = say(self, s, words, n);
    if (offered) {
        expect(self, s, login ? LOGIN : REQUEST);
        return err;
    }
    tell_log(self, s,
             login ? "the client offers no login by password" : "the client offers logins only");
    return leave(self, s);
}

static weft_err on_login_checked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    session *s = weft_state(self);
    uint8_t words[WF_SOCKS_SAY_BYTES];
    (void)msg;
    if (s->phase != CHECKING)
        return WEFT_OK;
    size_t n = wf_socks_say_login(got->err == WEFT_OK, words);
    weft_err err = say(self, s, words, n);
    if (got->err == WEFT_OK) {
        expect(self, s, REQUEST);
        return err;
    }
    tell_log(self, s, got->why);
    /* RFC 1929 section 2: "it MUST close the connection" */
    return leave(self, s);
}

static weft_err on_login(weft_actor *self, session *s, weft_msg *msg, const uint8_t *at)
{
    weft_auth_request request = {.kind = WEFT_AUTH_PASSWORD, .peer = s->peer};
    const weft_socks_config *config = config_of(self);
    char password[256];
    weft_why why = {""};
    weft_err err = wf_socks_read_login(at, request.user, password, &why);
    weft_deferred checked;
    memcpy(request.password, password, sizeof password);
    explicit_bzero(password, sizeof password);
    weft_ref auth = config->auth_name != NULL ? weft_named(self, config->auth_name) : config->auth;
    if (err == WEFT_OK)
        checked = weft_ask_body(self, auth, &weft_auth_request_type, &request, WEFT_INHERIT);
    else
        checked = weft_failed(self, err, "%s", why.text);
    weft_auth_wipe(&request);
    s->phase = CHECKING;
    return weft_when(msg, checked, on_login_checked);
}

/* ---- the request */

static weft_err connect_to(weft_actor *self, session *s, const wf_socks_request *r)
{
    char url[WEFT_URL_BYTES_MAX + 1];
    const weft_socks_config *config = config_of(self);
    uint32_t timeout =
        config->connect_timeout_ms != 0 ? config->connect_timeout_ms : WEFT_SOCKS_CONNECT_MS;
    bool sim = weft_sim_of(weft_system_of(self)) != NULL, v6 = strchr(r->host, ':') != NULL;
    int n = snprintf(url, sizeof url, "%s://%s%s%s:%u?timeout=%" PRIu32 "ms%s%s",
                     sim ? "sim" : "tcp", v6 ? "[" : "", r->host, v6 ? "]" : "", r->port, timeout,
                     config->connect != NULL ? "&" : "",
                     config->connect != NULL ? config->connect : "");
    if (n >= (int)sizeof url)
        return WEFT_ETOOBIG;
    s->forward.target.stream = weft_connect(self, url, weft_self(self));
    return weft_ref_is_nobody(s->forward.target.stream) ? WEFT_ENOMEM : WEFT_OK;
}

/* What is wrong with a request before anything is connected. */
static wf_socks_reply judge(weft_actor *self, const uint8_t *at, size_t n, wf_socks_request *r,
                            weft_why *why)
{
    const weft_socks_config *config = config_of(self);
    weft_err err = wf_socks_read_request(at, n, r, why);
    if (err != WEFT_OK)
        return err == WEFT_EUNSUPPORTED ? WF_SOCKS_NO_ADDRESS_TYPE : WF_SOCKS_FAILED;
    if (r->version == 4 && wants_login(config)) {
        weft_explain(why, "SOCKS 4 has no logins");
        return WF_SOCKS_NOT_ALLOWED;
    }
    if (r->version == 5 && r->command == WF_SOCKS_ASSOCIATE)
        return WF_SOCKS_SUCCEEDED; /* each datagram has its target */
    if (r->command != WF_SOCKS_CONNECT) {
        weft_explain(why, "command %u is not supported", r->command);
        return WF_SOCKS_NO_COMMAND;
    }
    wf_socks_place place = wf_socks_place_of(r->host, r->port);
    if (!wf_socks_allowed(config->allow, config->deny, &place)) {
        weft_explain(why, "%.100s port %u is not allowed", r->host, r->port);
        return WF_SOCKS_NOT_ALLOWED;
    }
    return WF_SOCKS_SUCCEEDED;
}

static weft_err on_associated(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    session *s = weft_state(self);
    uint8_t words[WF_SOCKS_SAY_BYTES];
    (void)msg;
    if (s->phase != CONNECTING)
        return WEFT_OK;
    if (got->err != WEFT_OK) {
        tell_log(self, s, got->why);
        return refuse(self, s, 5, WF_SOCKS_FAILED);
    }
    const wf_socks_associated *up = got->body;
    s->phase = ASSOCIATED;
    return say(self, s, words, wf_socks_say_reply(5, WF_SOCKS_SUCCEEDED, &up->bound, words));
}

/* Lives as long as the client's connection, whose other end says who may send. */
static weft_err associate(weft_actor *self, session *s, weft_msg *msg, const wf_socks_request *r)
{
    wf_socks_associate body = {.client = s->peer};
    weft_address peer;
    body.client.port = r->port;
    bool known =
        weft_stream_addresses(self, s->forward.client.stream, &body.local, &peer) == WEFT_OK;
    if (!known || (s->peer.family != WEFT_FAMILY_V4 && s->peer.family != WEFT_FAMILY_V6)) {
        tell_log(self, s, "datagrams are relayed for clients of TCP only");
        return refuse(self, s, r->version, WF_SOCKS_NO_COMMAND);
    }
    s->association = weft_spawn(self, &wf_socks_association, config_of(self));
    if (weft_ref_is_nobody(s->association))
        return refuse(self, s, r->version, WF_SOCKS_FAILED);
    s->phase = CONNECTING;
    return weft_when(
        msg, weft_ask_body(self, s->association, &wf_socks_associate_type, &body, WEFT_INHERIT),
        on_associated);
}

static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    session *s = weft_state(self);
    (void)reason;
    if (s->phase == ASSOCIATED && weft_ref_same(child, s->association))
        (void)leave(self, s);
}

static weft_err on_request(weft_actor *self, session *s, weft_msg *msg, weft_bytes in)
{
    wf_socks_request r;
    weft_why why = {""};
    weft_timer_cancel(self, &s->timer);
    wf_socks_reply reply = judge(self, in.at, in.size, &r, &why);
    if (reply != WF_SOCKS_SUCCEEDED) {
        tell_log(self, s, why.text);
        return refuse(self, s, in.at[0], reply);
    }
    if (r.command == WF_SOCKS_ASSOCIATE)
        return associate(self, s, msg, &r);
    weft_err err = connect_to(self, s, &r);
    if (err != WEFT_OK)
        return refuse(self, s, r.version, WF_SOCKS_FAILED);
    s->phase = CONNECTING;
    s->asked = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_message(weft_actor *self, weft_msg *msg)
{
    session *s = weft_state(self);
    weft_bytes in = ((const weft_data *)weft_body(msg))->bytes;
    switch (s->phase) {
    case GREETING:
        return in.at[0] == 4 ? on_request(self, s, msg, in) : on_greeting(self, s, in.at);
    case LOGIN:
        return on_login(self, s, msg, in.at);
    case REQUEST:
        return on_request(self, s, msg, in);
    default:
        return WEFT_OK; /* it closes */
    }
}

/* ---- connected, or not */

static weft_err on_client_opened(weft_actor *self, session *s, const weft_opened *opened)
{
    weft_why why = {""};
    const weft_socks_config *config = config_of(self);
    uint32_t limit =
        config->request_timeout_ms != 0 ? config->request_timeout_ms : WEFT_SOCKS_REQUEST_MS;
    s->forward.client.stream = opened->stream;
    s->peer = opened->peer;
    s->timer = weft_after(self, limit, socks_late, .nothing = 0);
    if (s->timer.slot == 0)
        return weft_abort(self, opened->stream, WEFT_ENOMEM);
    weft_err err = weft_push(self, opened->stream, &framed_ops, NULL, WEFT_STAGE_TOP, &why);
    return err == WEFT_OK ? WEFT_OK : weft_abort(self, opened->stream, err);
}

/* A name may turn out to have an address that is not allowed; behind a proxy it is the proxy that knows. */
static bool is_denied_there(const weft_socks_config *config, const weft_address *peer)
{
    wf_socks_place place = wf_socks_place_at(peer);
    bool proxied = config->connect != NULL && strstr(config->connect, "via=") != NULL;
    return !proxied && wf_socks_rules_match(config->deny, &place);
}

static weft_err on_target_opened(weft_actor *self, session *s, const weft_opened *opened)
{
    const weft_socks_config *config = config_of(self);
    weft_ref client = s->forward.client.stream;
    uint8_t words[WF_SOCKS_SAY_BYTES];
    uint8_t version = ((const weft_data *)weft_body(s->asked))->bytes.at[0];
    if (is_denied_there(config, &opened->peer)) {
        tell_log(self, s, "the target's address is not allowed");
        (void)weft_abort(self, opened->stream, WEFT_OK);
        return refuse(self, s, version, WF_SOCKS_NOT_ALLOWED);
    }
    size_t n = wf_socks_say_reply(version, WF_SOCKS_SUCCEEDED, &opened->local, words);
    (void)say(self, s, words, n);
    weft_err err = wf_forward_join(self, config->idle_ms);
    if (err == WEFT_OK)
        err = weft_pop(self, client, &framed_ops);
    if (err != WEFT_OK && err != WEFT_EGONE)
        return weft_stop_because(self, err, "no memory to join a client with its target");
    weft_drop(&s->asked);
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    session *s = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    if (weft_ref_is_nobody(s->forward.client.stream))
        return on_client_opened(self, s, opened);
    return s->phase == CONNECTING ? on_target_opened(self, s, opened)
                                  : weft_abort(self, opened->stream, WEFT_OK);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    session *s = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    if (!weft_ref_same(closed->stream, s->forward.target.stream)) {
        if (closed->reason == WEFT_EPROTO || closed->reason == WEFT_ETOOBIG)
            tell_log(self, s, closed->why);
        return weft_stop(self, WEFT_OK);
    }
    if (s->phase != CONNECTING)
        return WEFT_OK;
    tell_log(self, s, closed->why);
    return refuse(self, s, ((const weft_data *)weft_body(s->asked))->bytes.at[0],
                  wf_socks_reply_of(closed->reason));
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    session *s = weft_state(self);
    (void)msg;
    tell_log(self, s, "the client did not ask for anything in time");
    return leave(self, s);
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &socks_message_type, .fn = on_message},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &socks_late_type, .fn = on_late},
    {0},
};

const weft_behaviour weft_socks_server = {
    .name = "socks",
    .handlers = handlers,
    .state_bytes = sizeof(session),
    .child_ended = child_ended,
};

/* ---- the config */

static weft_err check_rules(const char *const *rules, weft_why *why)
{
    wf_socks_rule rule;
    for (; rules != NULL && *rules != NULL; rules++) {
        weft_err err = wf_socks_rule_parse(*rules, &rule, why);
        if (err != WEFT_OK)
            return err;
    }
    return WEFT_OK;
}

weft_err weft_socks_check(const weft_socks_config *config, weft_why *why)
{
    char text[WEFT_URL_BYTES_MAX + 1];
    weft_url url;
    weft_err err = check_rules(config->allow, why);
    if (err == WEFT_OK)
        err = check_rules(config->deny, why);
    if (err != WEFT_OK || config->connect == NULL)
        return err;
    if (strlen(config->connect) > WEFT_SOCKS_CONNECT_BYTES_MAX)
        return weft_because(why, WEFT_ETOOBIG, "the options of connects are longer than %d bytes",
                            WEFT_SOCKS_CONNECT_BYTES_MAX);
    (void)snprintf(text, sizeof text, "tcp://127.0.0.1:1?%s", config->connect);
    err = weft_url_parse(text, &url, why);
    if (err == WEFT_OK && weft_url_given(&url, WEFT_URL_TIMEOUT))
        err = weft_because(why, WEFT_EINVAL, "the time to connect has an option of its own");
    return err == WEFT_OK ? weft_url_check(&url, WEFT_URL_CONNECT, why) : err;
}
