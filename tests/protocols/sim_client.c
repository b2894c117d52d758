/* SPDX-License-Identifier: MIT */
#include "sim_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/net.h>

typedef struct client_state {
    sim_client *client;
    weft_ref stream;
    weft_msg *kept;
    weft_bytes rest; /* not taken yet */
    bool ending, closing;
} client_state;

typedef struct client_say {
    const void *at;
    size_t n;
} client_say;

typedef enum client_act { CLIENT_END, CLIENT_CLOSE, CLIENT_ABORT, CLIENT_HEAR } client_act;

typedef struct client_do {
    client_act act;
} client_do;

static const weft_type client_say_type = WEFT_TYPE("test.client_say", client_say, NULL);
static const weft_type client_do_type = WEFT_TYPE("test.client_do", client_do, NULL);

static void send_rest(weft_actor *self, client_state *s)
{
    while (s->rest.size != 0) {
        weft_bytes piece = weft_bytes_slice(s->rest, 0, 64U << 10);
        weft_err err = weft_write(self, s->stream, piece);
        if (err == WEFT_EFULL)
            return;
        s->rest = weft_bytes_slice(s->rest, err == WEFT_OK ? piece.size : s->rest.size, SIZE_MAX);
    }
    if (s->ending)
        (void)weft_end(self, s->stream);
    if (s->closing)
        (void)weft_close(self, s->stream);
    s->ending = s->closing = false;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    client_state *s = weft_state(self);
    (void)msg;
    s->client = (sim_client *)(uintptr_t)weft_config(self);
    s->client->actor = weft_self(self);
    if (!s->client->listens)
        s->stream = weft_connect(self, s->client->url, weft_self(self));
    return WEFT_OK;
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    client_state *s = weft_state(self);
    const weft_opened *opened = weft_body(msg);
    s->stream = opened->stream;
    s->client->opened = true;
    send_rest(self, s);
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    client_state *s = weft_state(self);
    sim_client *c = s->client;
    const weft_data *data = weft_body(msg);
    uint8_t *bigger = realloc(c->got, c->got_bytes + data->bytes.size + 1);
    if (bigger == NULL)
        abort();
    memcpy(bigger + c->got_bytes, data->bytes.at, data->bytes.size);
    c->got = bigger;
    c->got_bytes += data->bytes.size;
    c->got[c->got_bytes] = '\0';
    if (c->deaf)
        s->kept = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    const client_state *s = weft_state(self);
    (void)msg;
    s->client->ended = true;
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    send_rest(self, weft_state(self));
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    client_state *s = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    s->client->closed = true;
    s->client->reason = closed->reason;
    (void)snprintf(s->client->why, sizeof s->client->why, "%s", closed->why);
    weft_drop(&s->kept);
    return weft_stop(self, WEFT_OK);
}

static weft_err on_say(weft_actor *self, weft_msg *msg)
{
    client_state *s = weft_state(self);
    const client_say *say = weft_body(msg);
    s->rest = weft_bytes_static(say->at, say->n);
    if (s->client->opened)
        send_rest(self, s);
    return WEFT_OK;
}

static weft_err on_do(weft_actor *self, weft_msg *msg)
{
    client_state *s = weft_state(self);
    const client_do *d = weft_body(msg);
    s->ending |= d->act == CLIENT_END;
    s->closing |= d->act == CLIENT_CLOSE;
    if (d->act == CLIENT_ABORT)
        (void)weft_abort(self, s->stream, WEFT_OK);
    else if (d->act == CLIENT_HEAR)
        weft_drop(&s->kept);
    else if (s->client->opened)
        send_rest(self, s);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_drained_type, .fn = on_drained},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &client_say_type, .fn = on_say},
    {.type = &client_do_type, .fn = on_do},
    {0},
};

static const weft_behaviour client_behaviour = {
    .name = "test.client", .handlers = handlers, .state_bytes = sizeof(client_state)};

static void act(sim_client *c, client_act what)
{
    (void)weft_sim_tell(c->sim, c->actor, client_do, .act = what);
    (void)weft_sim_run(c->sim);
}

static void connect_as(sim_client *c, sim_client what)
{
    *c = what;
    c->got = calloc(1, 1);
    if (weft_ref_is_nobody(weft_sim_spawn(c->sim, &client_behaviour, c)))
        c->closed = true;
    (void)weft_sim_run(c->sim);
}

void client_connect(sim_client *c, weft_sim *sim, const char *url)
{
    connect_as(c, (sim_client){.sim = sim, .url = url});
}

void client_connect_deaf(sim_client *c, weft_sim *sim, const char *url)
{
    connect_as(c, (sim_client){.sim = sim, .url = url, .deaf = true});
}

void client_listen(sim_client *c, weft_sim *sim, const char *url)
{
    *c = (sim_client){.sim = sim, .url = url, .listens = true, .got = calloc(1, 1)};
    (void)weft_listen(weft_sim_system(sim), url, &client_behaviour, c);
}

void client_send(sim_client *c, const void *at, size_t n)
{
    (void)weft_sim_tell(c->sim, c->actor, client_say, .at = at, .n = n);
    (void)weft_sim_run(c->sim);
}

void client_send_split(sim_client *c, const void *at, size_t n, size_t step)
{
    for (size_t i = 0; i < n; i += step)
        client_send(c, (const uint8_t *)at + i, n - i < step ? n - i : step);
}

void client_end(sim_client *c)
{
    act(c, CLIENT_END);
}

void client_close(sim_client *c)
{
    act(c, CLIENT_CLOSE);
}

void client_abort(sim_client *c)
{
    act(c, CLIENT_ABORT);
}

void client_set_deaf(sim_client *c, bool deaf)
{
    c->deaf = deaf;
    if (!deaf)
        act(c, CLIENT_HEAR);
}

void client_hear_once(sim_client *c)
{
    c->deaf = true;
    act(c, CLIENT_HEAR);
}

void client_done(sim_client *c)
{
    free(c->got);
    c->got = NULL;
    c->got_bytes = 0;
}
