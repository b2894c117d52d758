/* SPDX-License-Identifier: MIT */
/* Reconnecting clients.
 *
 *   connecting ── opened: handed over ──▶ up
 *     ▲     └── closed ──▶ waiting ◀── down ──┘
 *     └──── the pause is over ─┘ └── too many failures ──▶ ended
 */
#include <weft/reconnect.h>

#include <stdio.h>
#include <weft/edge.h>
#include <weft/ward.h>

enum {
    DELAY_MS = 500,
    DELAY_MAX_MS = 60000,
    FACTOR_PERCENT = 200,
    JITTER_PERCENT = 50,
    STABLE_MS = 10000,
    PERCENT = 100,
};

typedef enum reconnect_state { CONNECTING, UP, WAITING } reconnect_state;

typedef struct client {
    reconnect_state state;
    weft_ref owner, stream;
    weft_timer pause;
    uint32_t failures; /* in a row */
    uint32_t up_ms;    /* when the stream stood */
} client;

typedef struct pause_over {
    char nothing;
} pause_over;

static weft_err ignore(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static const weft_type pause_over_type = WEFT_TYPE("weft.reconnect_pause", pause_over, NULL);
const weft_type weft_reconnect_now_type = WEFT_TYPE("weft.reconnect_now", weft_reconnect_now, NULL);
const weft_type weft_reconnect_waiting_type = {
    .name = "weft.reconnect_waiting", .size = sizeof(weft_reconnect_waiting), .otherwise = ignore};
const weft_type weft_reconnect_gave_up_type = {
    .name = "weft.reconnect_gave_up", .size = sizeof(weft_reconnect_gave_up), .otherwise = ignore};

/* ---- pauses */

static uint32_t or_default(uint32_t value, uint32_t preset)
{
    return value != 0 ? value : preset;
}

/* Whole, before chance takes its part. */
static uint32_t whole_delay(const weft_reconnect_config *config, uint32_t failures)
{
    uint64_t delay = or_default(config->delay_ms, DELAY_MS);
    uint64_t max = or_default(config->delay_max_ms, DELAY_MAX_MS);
    uint64_t factor = or_default(config->factor_percent, FACTOR_PERCENT);
    max = max < WEFT_TIMER_MS_MAX ? max : WEFT_TIMER_MS_MAX;
    for (uint32_t i = 1; i < failures && delay < max && factor > PERCENT; i++)
        delay = delay * factor / PERCENT > delay ? delay * factor / PERCENT : delay + 1;
    return (uint32_t)(delay < max ? delay : max);
}

static uint32_t delay_of(weft_actor *self, uint32_t failures)
{
    const weft_reconnect_config *config = weft_config(self);
    uint32_t whole = whole_delay(config, failures), drawn;
    uint32_t jitter = or_default(config->jitter_percent, JITTER_PERCENT);
    if (jitter == WEFT_NO_JITTER)
        return whole;
    jitter = jitter < PERCENT ? jitter : PERCENT;
    weft_random(self, &drawn, sizeof drawn);
    return whole - (uint32_t)((uint64_t)whole * jitter / PERCENT * drawn >> 32);
}

static weft_err connect_now(weft_actor *self);

static weft_err give_up(weft_actor *self, weft_err reason, const char *why)
{
    client *c = weft_state(self);
    weft_reconnect_gave_up body = {
        .client = weft_self(self), .failures = c->failures, .reason = reason};
    (void)snprintf(body.why, sizeof body.why, "%s", why);
    if (weft_event(self, c->owner, &weft_reconnect_gave_up_type, &body) == WEFT_ENOMEM)
        weft_log(self, WEFT_ERROR, "no memory to tell its owner that it gave up");
    return weft_stop_because(self, reason, "%s", why);
}

static bool is_hopeless(weft_err reason)
{
    return reason == WEFT_EINVAL || reason == WEFT_EUNSUPPORTED || reason == WEFT_ETOOBIG;
}

/* A connect has failed, or a stream has ended. */
static weft_err wait(weft_actor *self, weft_err reason, const char *why)
{
    client *c = weft_state(self);
    const weft_reconnect_config *config = weft_config(self);
    c->stream = WEFT_NOBODY;
    c->state = WAITING;
    if (is_hopeless(reason) || (config->failures_max != 0 && c->failures >= config->failures_max))
        return give_up(self, reason, why);
    weft_reconnect_waiting body = {.client = weft_self(self),
                                   .failures = c->failures,
                                   .delay_ms = delay_of(self, c->failures),
                                   .reason = reason};
    (void)snprintf(body.why, sizeof body.why, "%s", why);
    c->pause = weft_after(self, body.delay_ms, pause_over, .nothing = 0);
    if (c->pause.slot == 0)
        return weft_stop_because(self, WEFT_ENOMEM, "no memory for a pause");
    if (weft_event(self, c->owner, &weft_reconnect_waiting_type, &body) == WEFT_ENOMEM)
        weft_log(self, WEFT_ERROR, "no memory to tell its owner of a pause");
    return WEFT_OK;
}

/* ---- streams */

static weft_err connect_now(weft_actor *self)
{
    client *c = weft_state(self);
    const weft_reconnect_config *config = weft_config(self);
    weft_timer_cancel(self, &c->pause);
    c->state = CONNECTING;
    c->stream = config->connect != NULL ? config->connect(self, config)
                                        : weft_connect(self, config->url, weft_self(self));
    if (!weft_ref_is_nobody(c->stream))
        return WEFT_OK;
    c->failures++;
    return wait(self, WEFT_ENOMEM, "no memory to connect");
}

/* What it was told of another stream is over and done with. */
static bool is_current(const client *c, weft_ref stream)
{
    return weft_ref_same(c->stream, stream);
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    client *c = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    if (!is_current(c, opened->stream))
        return WEFT_OK;
    weft_err err = weft_monitor(self, c->stream);
    if (err == WEFT_OK)
        err = weft_hand_over(self, c->stream, c->owner, (weft_bytes){.size = 0});
    if (err == WEFT_ENOMEM || err == WEFT_ELIMIT)
        return weft_abort(self, c->stream, err); /* `closed` follows */
    /* it is the owner's now, and lives on without this one */
    weft_release_child(self, c->stream);
    c->state = UP;
    c->up_ms = weft_now_ms(self);
    return WEFT_OK;
}

/* The stream that stood is over. */
static weft_err on_over(weft_actor *self)
{
    client *c = weft_state(self);
    const weft_reconnect_config *config = weft_config(self);
    bool stable = weft_now_ms(self) - c->up_ms >= or_default(config->stable_ms, STABLE_MS);
    c->failures = stable ? 0 : c->failures + 1;
    return wait(self, WEFT_EDONE, "the stream has ended");
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    client *c = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    if (!is_current(c, closed->stream))
        return WEFT_OK;
    weft_demonitor(self, c->stream);
    if (c->state == UP)
        return on_over(self);
    c->failures++;
    return wait(self, closed->reason, closed->why);
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    client *c = weft_state(self);
    const weft_down *down = weft_body(msg);
    if (weft_ref_same(down->who, c->owner))
        return weft_stop(self, WEFT_OK);
    if (!is_current(c, down->who))
        return WEFT_OK;
    if (c->state == UP)
        return on_over(self);
    /* it was ended by force while it connected */
    c->failures++;
    return wait(self, WEFT_EABORTED, "the connect was ended");
}

/* ---- its life */

static weft_err on_pause_over(weft_actor *self, weft_msg *msg)
{
    const client *c = weft_state(self);
    (void)msg;
    return c->state == WAITING ? connect_now(self) : WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    client *c = weft_state(self);
    const weft_reconnect_config *config = weft_config(self);
    (void)msg;
    if (config == NULL || config->url == NULL)
        return weft_stop_because(self, WEFT_EINVAL, "a reconnecting client without a URL");
    c->owner = weft_ref_is_nobody(config->owner) ? weft_parent(self) : config->owner;
    weft_err err = weft_monitor_life(self, c->owner);
    return err == WEFT_OK ? connect_now(self)
                          : weft_stop_because(self, err, "no memory to watch its owner");
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &pause_over_type, .fn = on_pause_over},
    {.type = &weft_reconnect_now_type, .fn = on_pause_over},
    {0},
};

const weft_behaviour weft_reconnect = {
    .name = "reconnect", .handlers = rows, .state_bytes = sizeof(client)};
