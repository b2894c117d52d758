/* SPDX-License-Identifier: MIT */
/* Auth: requests in, one way out for every failure.
 *
 *   request ──▶ throttled? ──▶ memory? ──▶ the pool? ───▶ granted, the attempt is forgiven
 *                  │ ELIMIT                   └──────────▶ EDENIED, the attempt stays counted
 */
#include "auth.h"

#include <stdio.h>
#include <string.h>
#include <weft/edge.h>
#include <weft/pool.h>

#include "auth_nonce.h"
#include "auth_throttle.h"

enum {
    CHECKS_MAX = 256,
    FAILURES_USER_MAX = 10,
    FAILURES_PEER_MAX = 30,
    FAILURES_WINDOW_MS = 60000,
    THROTTLED_MAX = 4096,
    CHALLENGE_MS = 300000,
    CHALLENGES_MAX = 4096,
    NS_OF_MS = 1000000
};

static void wipe(void *body)
{
    explicit_bzero(body, sizeof(weft_auth_request));
}

const weft_type weft_auth_granted_type = WEFT_TYPE("weft.auth_granted", weft_auth_granted, NULL);
const weft_type weft_auth_request_type = {.name = "weft.auth_request",
                                          .size = sizeof(weft_auth_request),
                                          .reply = &weft_auth_granted_type,
                                          .release = wipe};
const weft_type weft_auth_challenge_type =
    WEFT_TYPE("weft.auth_challenge", weft_auth_challenge, NULL);
const weft_type weft_auth_challenge_request_type = WEFT_TYPE(
    "weft.auth_challenge_request", weft_auth_challenge_request, &weft_auth_challenge_type);
const weft_type weft_auth_offer_type = WEFT_TYPE("weft.auth_offer", weft_auth_offer, NULL);
const weft_type weft_auth_offer_request_type =
    WEFT_TYPE("weft.auth_offer_request", weft_auth_offer_request, &weft_auth_offer_type);

typedef struct auth {
    wf_throttle throttle;
    wf_nonces nonces;
    uint32_t kinds;
    uint32_t checks; /* that wait for the blocking pool */
    bool ready;
} auth;

static const weft_auth_config *config_of(const weft_actor *self)
{
    return weft_config(self);
}

static uint32_t value_or(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

void weft_auth_wipe(weft_auth_request *request)
{
    wipe(request);
}

static uint64_t wall_ms(const weft_actor *self)
{
    return weft_wall_ns(self) / NS_OF_MS;
}

/* At the first message: an actor that nobody asks takes no memory. */
static weft_err begin(weft_actor *self)
{
    auth *a = weft_state(self);
    const weft_auth_config *config = config_of(self);
    uint8_t seed[16], secret[32];
    weft_why why;
    if (a->ready)
        return WEFT_OK;
    if (wf_auth_config_check(config, &why) != WEFT_OK)
        return weft_stop_because(self, WEFT_EINVAL, "%s", why.text), WEFT_EINVAL;
    weft_random(self, seed, sizeof seed);
    weft_random(self, secret, sizeof secret);
    weft_err err = wf_throttle_init(&a->throttle, value_or(config->throttled_max, THROTTLED_MAX),
                                    value_or(config->failures_window_ms, FAILURES_WINDOW_MS), seed);
    if (err == WEFT_OK)
        err = wf_nonces_init(&a->nonces, value_or(config->challenges_max, CHALLENGES_MAX),
                             value_or(config->challenge_ms, CHALLENGE_MS), secret);
    explicit_bzero(secret, sizeof secret);
    if (err != WEFT_OK) {
        wf_throttle_done(&a->throttle);
        return err; /* the next one may find memory */
    }
    for (uint32_t i = 0; i < config->count; i++)
        a->kinds |= wf_auth_kinds_of(config->sources[i].kind);
    a->ready = true;
    return WEFT_OK;
}

/* ---- challenges */

/* The nonce in "<NONCE@HOST>"; false: it is not of that form. */
static bool cram_nonce(const char *challenge, const char *host, char out[WF_NONCE_BYTES])
{
    char whole[WEFT_AUTH_CHALLENGE_BYTES];
    if (challenge[0] != '<' || strcspn(challenge, "@") != WF_NONCE_BYTES)
        return false;
    memcpy(out, challenge + 1, WF_NONCE_BYTES - 1);
    out[WF_NONCE_BYTES - 1] = '\0';
    (void)snprintf(whole, sizeof whole, "<%s@%s>", out, host);
    return strcmp(whole, challenge) == 0;
}

/* What was right with its challenge takes the use of it. */
static bool challenge_holds(weft_actor *self, const weft_auth_request *r)
{
    auth *a = weft_state(self);
    char nonce[WF_NONCE_BYTES];
    uint32_t count = 0;
    if (r->kind == WEFT_AUTH_DIGEST)
        return sscanf(r->digest.nc, "%8x", &count) == 1 &&
               wf_nonce_use_of(&a->nonces, r->digest.nonce, count, wall_ms(self));
    return cram_nonce(r->cram.challenge, wf_auth_realm(config_of(self)), nonce) &&
           wf_nonce_use_of(&a->nonces, nonce, 1, wall_ms(self));
}

static weft_err on_challenge(weft_actor *self, weft_msg *msg)
{
    const auth *a = weft_state(self);
    const weft_auth_challenge_request *wanted = weft_body(msg);
    const char *realm = wf_auth_realm(config_of(self));
    weft_auth_challenge challenge = {.text = ""};
    uint8_t random[8];
    char nonce[WF_NONCE_BYTES];
    weft_err err = begin(self);
    if (err != WEFT_OK)
        return err;
    if ((wanted->kind != WEFT_AUTH_DIGEST && wanted->kind != WEFT_AUTH_CRAM_MD5) ||
        (a->kinds & 1U << wanted->kind) == 0)
        return weft_fail(msg, WEFT_EUNSUPPORTED, "no source takes such challenges");
    weft_random(self, random, sizeof random);
    if (!wf_nonce_new(&a->nonces, wall_ms(self), random, nonce))
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a challenge");
    (void)snprintf(challenge.text, sizeof challenge.text,
                   wanted->kind == WEFT_AUTH_DIGEST ? "%s" : "<%s@%s>", nonce, realm);
    (void)snprintf(challenge.realm, sizeof challenge.realm, "%s", realm);
    return weft_reply_body(msg, &weft_auth_challenge_type, &challenge);
}

static weft_err on_offer(weft_actor *self, weft_msg *msg)
{
    const auth *a = weft_state(self);
    weft_err err = begin(self);
    return err == WEFT_OK ? weft_reply(msg, weft_auth_offer, .kinds = a->kinds) : err;
}

/* ---- requests */

static bool ends(const char *text, size_t max)
{
    return strnlen(text, max) < max;
}

static bool is_whole(const weft_auth_request *r)
{
    if (!ends(r->user, sizeof r->user))
        return false;
    switch (r->kind) {
    case WEFT_AUTH_PASSWORD:
        return ends(r->password, sizeof r->password);
    case WEFT_AUTH_DIGEST:
        return ends(r->digest.user, sizeof r->digest.user) &&
               ends(r->digest.realm, sizeof r->digest.realm) &&
               ends(r->digest.nonce, sizeof r->digest.nonce) &&
               ends(r->digest.cnonce, sizeof r->digest.cnonce) &&
               ends(r->digest.uri, sizeof r->digest.uri) &&
               ends(r->digest.nc, sizeof r->digest.nc) &&
               ends(r->digest.response, sizeof r->digest.response) &&
               ends(r->digest.method, sizeof r->digest.method);
    case WEFT_AUTH_CRAM_MD5:
        return ends(r->cram.challenge, sizeof r->cram.challenge) &&
               ends(r->cram.response, sizeof r->cram.response);
    case WEFT_AUTH_SSH_KEY:
        return r->key.size <= sizeof r->key.blob;
    default:
        return true;
    }
}

/* Keys are no guesses: a client offers all it has. Their peers are counted all the same. */
static uint64_t user_key(const auth *a, const weft_auth_request *r)
{
    return r->kind != WEFT_AUTH_SSH_KEY ? wf_throttle_user(&a->throttle, r->user) : 0;
}

static void forgive(weft_actor *self, const weft_auth_request *r)
{
    auth *a = weft_state(self);
    wf_throttle_forgive(&a->throttle, user_key(a, r));
    wf_throttle_forgive(&a->throttle, wf_throttle_peer(&a->throttle, &r->peer));
}

static weft_err grant(weft_actor *self, weft_msg *msg, weft_auth_source_kind by)
{
    const weft_auth_request *r = weft_body(msg);
    weft_auth_granted granted = {.kind = r->kind, .by = by};
    forgive(self, r);
    (void)snprintf(granted.principal, sizeof granted.principal, "%s",
                   r->kind == WEFT_AUTH_ANONYMOUS ? "anonymous" : r->user);
    return weft_reply_body(msg, &weft_auth_granted_type, &granted);
}

static weft_err deny(weft_msg *msg)
{
    return weft_fail(msg, WEFT_EDENIED, "these credentials are not accepted");
}

/* An attempt counts as a failure from now on. false: there were too many, which the asker is told. */
static bool charge(weft_actor *self, weft_msg *msg)
{
    auth *a = weft_state(self);
    const weft_auth_config *config = config_of(self);
    const weft_auth_request *r = weft_body(msg);
    uint64_t user = user_key(a, r), peer = wf_throttle_peer(&a->throttle, &r->peer);
    uint32_t now = weft_now_ms(self);
    uint32_t wait = wf_throttle_wait_ms(
        &a->throttle, user, value_or(config->failures_user_max, FAILURES_USER_MAX), now);
    uint32_t peer_wait = wf_throttle_wait_ms(
        &a->throttle, peer, value_or(config->failures_peer_max, FAILURES_PEER_MAX), now);
    wait = peer_wait > wait ? peer_wait : wait;
    if (wait > 0) {
        (void)weft_fail(msg, WEFT_ELIMIT, "too many failures: try again in %u s",
                        (wait + 999) / 1000);
        return false;
    }
    wf_throttle_charge(&a->throttle, user, now);
    wf_throttle_charge(&a->throttle, peer, now);
    return true;
}

static weft_err on_checked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    auth *a = weft_state(self);
    a->checks--;
    if (got->err != WEFT_OK) {
        if (got->err != WEFT_ECANCELLED)
            forgive(self, weft_body(msg)); /* it was not looked at */
        return weft_fail(msg, got->err, "%s", got->why);
    }
    const wf_auth_checked *checked = got->body;
    return checked->by != 0 ? grant(self, msg, checked->by) : deny(msg);
}

static weft_err ask_pool(weft_actor *self, weft_msg *msg)
{
    auth *a = weft_state(self);
    const weft_auth_config *config = config_of(self);
    if (a->checks >= value_or(config->checks_max, CHECKS_MAX)) {
        forgive(self, weft_body(msg));
        return weft_fail(msg, WEFT_EFULL, "checks_max is reached: too many wait for their turn");
    }
    wf_auth_check check = {.config = config};
    check.request = *(const weft_auth_request *)weft_body(msg);
    weft_err err = weft_when(
        msg,
        weft_ask_pool_body(self, wf_auth_check_there, &wf_auth_check_type, &check, WEFT_INHERIT),
        on_checked);
    explicit_bzero(&check, sizeof check);
    if (err == WEFT_OK)
        a->checks++;
    else
        forgive(self, weft_body(msg));
    return err;
}

static bool has_slow_source(const weft_auth_config *config, weft_auth_kind kind)
{
    for (uint32_t i = 0; i < config->count; i++)
        if (wf_auth_is_slow(config->sources[i].kind) &&
            (wf_auth_kinds_of(config->sources[i].kind) & 1U << kind) != 0)
            return true;
    return false;
}

static weft_err on_request(weft_actor *self, weft_msg *msg)
{
    const auth *a = weft_state(self);
    const weft_auth_config *config = config_of(self);
    const weft_auth_request *r = weft_body(msg);
    weft_err err = begin(self);
    if (err != WEFT_OK)
        return err;
    if ((unsigned)r->kind >= WEFT_AUTH_KINDS_ || (a->kinds & 1U << r->kind) == 0)
        return weft_fail(msg, WEFT_EUNSUPPORTED, "no source takes such a proof");
    if (r->kind == WEFT_AUTH_ANONYMOUS)
        return grant(self, msg, WEFT_AUTH_FROM_ANONYMOUS);
    if (!is_whole(r))
        return weft_fail(msg, WEFT_EINVAL, "a text of the request does not end");
    if (!charge(self, msg))
        return WEFT_OK;
    if (r->user[0] == '\0')
        return deny(msg);
    if (wf_auth_in_memory(config, r)) {
        if (r->kind == WEFT_AUTH_PASSWORD || challenge_holds(self, r))
            return grant(self, msg, WEFT_AUTH_FROM_MEMORY);
        forgive(self, r);
        return weft_fail(msg, WEFT_ETIMEDOUT, "the challenge is over");
    }
    return has_slow_source(config, r->kind) ? ask_pool(self, msg) : deny(msg);
}

static void on_ended(weft_actor *self, weft_err reason)
{
    auth *a = weft_state(self);
    (void)reason;
    wf_throttle_done(&a->throttle);
    wf_nonces_done(&a->nonces);
}

static const weft_handler rows[] = {
    {.type = &weft_auth_request_type, .fn = on_request},
    {.type = &weft_auth_challenge_request_type, .fn = on_challenge},
    {.type = &weft_auth_offer_request_type, .fn = on_offer},
    {0},
};

const weft_behaviour weft_auth = {
    .name = "auth", .handlers = rows, .state_bytes = sizeof(auth), .ended = on_ended};
