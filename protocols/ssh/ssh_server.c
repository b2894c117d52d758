/* SPDX-License-Identifier: MIT */
/* A server's connection: how it begins and ends.
 *
 *   opened ──▶ unknown ── granted ──▶ known ──▶ over (goodbye, flush) ──▶ closed: ends
 *                 └── auth_ms, tries_max, a mistake of the peer ──▲
 */
#include "ssh_server.h"

enum {
    AUTH_MS = 30000,
    UNKNOWN_MAX = 100,
    CHANNELS_MAX = 10,
    KEEPALIVE_MS = 60000,
    KEEPALIVE_MAX = 3,
};

typedef struct ssh_auth_over {
    char nothing;
} ssh_auth_over;
static const weft_type ssh_auth_over_type = WEFT_TYPE("weft.ssh_auth_over", ssh_auth_over, NULL);

static void leave_unknown(wf_ssh_server *s, const weft_ssh_config *config)
{
    if (s->counted)
        wf_ssh_keys_leave(config->keys);
    s->counted = false;
}

void wf_ssh_granted(weft_actor *self)
{
    const weft_ssh_config *config = weft_config(self);
    wf_ssh_server *s = weft_state(self);
    s->conn.granted = true;
    leave_unknown(s, config);
    if (wf_ssh_watch(self, or_default(config->keepalive_ms, KEEPALIVE_MS),
                     or_default(config->keepalive_max, KEEPALIVE_MAX)) != WEFT_OK)
        wf_ssh_over(self, WEFT_ENOMEM, "no memory for a timer");
}

/* Whoever looks at ports comes and goes without a name; who was refused and stayed away is another matter. */
static bool is_news(const wf_ssh_server *s, weft_err err)
{
    if (!s->conn.granted)
        return s->tries != 0 || err == WEFT_EDENIED || err == WEFT_ENOMEM;
    return err != WEFT_OK && err != WEFT_EDONE;
}

void wf_ssh_over(weft_actor *self, weft_err err, const char *why)
{
    const wf_ssh_server *s = weft_state(self);
    wf_ssh_conn *c = weft_state(self);
    char text[WEFT_ADDRESS_TEXT_BYTES];
    if (c->over || c->ssh == NULL)
        return;
    if (c->user[0] != '\0')
        weft_log(self, is_news(s, err) ? WEFT_NOTICE : WEFT_INFO, "%s: \"%s\" %s: %s",
                 weft_address_print(&c->peer, text), c->user,
                 c->granted ? "has gone" : "was not let in", why);
    else
        weft_log(self, is_news(s, err) ? WEFT_NOTICE : WEFT_INFO, "%s: nobody was let in: %s",
                 weft_address_print(&c->peer, text), why);
    c->over = true;
    weft_hook_cancel(&c->hook);
    wf_ssh_lose(c, why);
    wf_ssh_goodbye(c->ssh);
    wf_ssh_take_output(self);
    weft_drop(&c->data);
    (void)weft_close(self, c->stream);
}

/* ---- messages */

static weft_err begin(weft_actor *self, wf_ssh_server *s, const weft_ssh_config *config,
                      weft_why *why)
{
    unsigned methods = (config->password ? (unsigned)WF_SSH_PASSWORD : 0) |
                       (config->public_key ? (unsigned)WF_SSH_KEY : 0) |
                       (config->anonymous ? (unsigned)WF_SSH_NONE : 0);
    uint32_t channels = or_default(config->channels_max, CHANNELS_MAX);
    if (!wf_ssh_keys_enter(config->keys, or_default(config->unknown_max, UNKNOWN_MAX)))
        return weft_because(why, WEFT_ELIMIT,
                            "too many connections of whom is not known who they are");
    s->counted = true;
    if (channels > WEFT_SSH_CHANNELS_MAX)
        channels = WEFT_SSH_CHANNELS_MAX;
    weft_err err = wf_ssh_new(config->keys, methods, channels, &s->conn.ssh, why);
    if (err == WEFT_OK &&
        weft_after(self, or_default(config->auth_ms, AUTH_MS), ssh_auth_over, .nothing = 0).slot ==
            0)
        err = weft_because(why, WEFT_ENOMEM, "no memory for a timer");
    return err;
}

static void on_event(weft_actor *self, const wf_ssh_event *event)
{
    switch (event->want) {
    case WF_SSH_AUTH:
        wf_ssh_on_auth(self, event);
        break;
    case WF_SSH_OPEN:
        wf_ssh_on_open(self, event);
        break;
    case WF_SSH_REQUEST:
        wf_ssh_on_request(self, event);
        break;
    default:
        break;
    }
}

static const wf_ssh_side side = {.event = on_event, .over = wf_ssh_over};

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    wf_ssh_server *s = weft_state(self);
    char text[WEFT_ADDRESS_TEXT_BYTES];
    weft_why why;
    wf_ssh_conn_begin(&s->conn, &side, weft_body(msg));
    weft_err err = begin(self, s, weft_config(self), &why);
    if (err != WEFT_OK) {
        weft_log(self, WEFT_WARNING, "%s: %s", weft_address_print(&s->conn.peer, text), why.text);
        (void)weft_abort(self, s->conn.stream, err);
        return WEFT_OK;
    }
    wf_ssh_pump(self);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    wf_ssh_over(self, WEFT_EDONE, "the peer has ended its side");
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    wf_ssh_conn *c = weft_state(self);
    if (c->ssh != NULL && !c->over)
        wf_ssh_over(self, closed->reason, closed->why);
    return weft_stop(self, WEFT_OK);
}

static weft_err on_auth_over(weft_actor *self, weft_msg *msg)
{
    wf_ssh_conn *c = weft_state(self);
    (void)msg;
    if (!c->granted)
        wf_ssh_over(self, WEFT_ETIMEDOUT, "it took too long to say who it is");
    return WEFT_OK;
}

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    wf_ssh_conn *c = weft_state(self);
    (void)msg;
    if (c->ssh == NULL)
        return weft_stop(self, WEFT_OK);
    wf_ssh_over(self, WEFT_OK, "this server stops");
    return WEFT_OK;
}

static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    wf_ssh_conn *c = weft_state(self);
    (void)reason;
    for (wf_ssh_slot *slot = c->slots, *next; slot != NULL; slot = next) {
        next = slot->next;
        if (!slot->served || !weft_ref_same(slot->service, child))
            continue;
        slot->served = false;
        wf_ssh_slot_done(slot);
    }
}

static void server_ended(weft_actor *self, weft_err reason)
{
    wf_ssh_server *s = weft_state(self);
    (void)reason;
    leave_unknown(s, weft_config(self));
    wf_ssh_conn_done(&s->conn);
    wf_ssh_lose(&s->conn, "the connection has ended");
    wf_ssh_slots_free(&s->conn);
    wf_ssh_free(&s->conn.ssh);
}

static const weft_handler handlers[] = {
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = wf_ssh_on_data},
    {.type = &weft_drained_type, .fn = wf_ssh_on_drained},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {.type = &wf_ssh_go_on_type, .fn = wf_ssh_on_go_on},
    {.type = &ssh_auth_over_type, .fn = on_auth_over},
    {.type = &wf_ssh_alive_type, .fn = wf_ssh_on_alive},
    {0},
};

const weft_behaviour weft_ssh_server = {
    .name = "ssh",
    .handlers = handlers,
    .state_bytes = sizeof(wf_ssh_server),
    .ended = server_ended,
    .child_ended = child_ended,
};
