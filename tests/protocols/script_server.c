/* SPDX-License-Identifier: MIT */
#include "script_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* ---- the server */

typedef struct conn_state {
    script_server *server;
    weft_ref stream;
    unsigned newlines; /* of the end of a head */
    script_answer late;
    weft_msg *kept;
} conn_state;

enum { ABORT = SCRIPT_MAX }; /* no answer: the abort behind one */

typedef struct script_late {
    unsigned number;
} script_late;
static const weft_type script_late_type = WEFT_TYPE("test.script_late", script_late, NULL);

static void give(weft_actor *self, conn_state *s, const script_answer *a)
{
    if (a->n != 0)
        (void)weft_write(self, s->stream, weft_bytes_static(a->at, a->n));
    if (a->then == SCRIPT_CLOSE)
        (void)weft_close(self, s->stream);
    else if (a->then == SCRIPT_ABORT && a->n == 0)
        (void)weft_abort(self, s->stream, WEFT_OK);
    else if (a->then == SCRIPT_ABORT) /* what was written leaves first */
        (void)weft_after(self, 1, script_late, .number = ABORT);
}

static void answer(weft_actor *self, conn_state *s)
{
    script_server *server = s->server;
    if (server->next >= server->n)
        return;
    const script_answer *a = &server->answers[server->next++];
    if (a->delay_ms == 0)
        give(self, s, a);
    else
        (void)weft_after(self, a->delay_ms, script_late, .number = server->next - 1);
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    conn_state *s = weft_state(self);
    const script_late *late = weft_body(msg);
    if (late->number == ABORT)
        return weft_abort(self, s->stream, WEFT_OK);
    give(self, s, &s->server->answers[late->number]);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    conn_state *s = weft_state(self);
    (void)msg;
    s->server = (script_server *)(uintptr_t)weft_config(self);
    s->server->conns++;
    s->server->open++;
    return WEFT_OK;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    conn_state *s = weft_state(self);
    script_server *server = s->server;
    const weft_data *data = weft_body(msg);
    s->stream = data->stream;
    if (server->deaf) {
        s->kept = weft_keep(msg);
        return WEFT_OK;
    }
    for (size_t i = 0; i < data->bytes.size; i++) {
        char c = (char)data->bytes.at[i];
        if (server->got_n + 1 < SCRIPT_GOT_MAX)
            server->got[server->got_n++] = c;
        s->newlines = c == '\n' ? s->newlines + 1 : c == '\r' ? s->newlines : 0;
        if (s->newlines == 2) {
            s->newlines = 0;
            answer(self, s);
        }
    }
    server->got[server->got_n] = '\0';
    return WEFT_OK;
}

static void conn_ended(weft_actor *self, weft_err reason)
{
    conn_state *s = weft_state(self);
    (void)reason;
    weft_drop(&s->kept);
    if (s->server != NULL)
        s->server->open--;
}

static const weft_handler conn_rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &script_late_type, .fn = on_late},
    {0},
};
static const weft_behaviour conn_behaviour = {.name = "test.script",
                                              .handlers = conn_rows,
                                              .state_bytes = sizeof(conn_state),
                                              .ended = conn_ended};

void script_listen(script_server *s, weft_sim *sim, const char *url)
{
    if (s->got == NULL)
        s->got = calloc(1, SCRIPT_GOT_MAX);
    CHECK_OK(weft_listen(weft_sim_system(sim), url, &conn_behaviour, s));
}

void script_say_bytes(script_server *s, const void *at, size_t n, script_then then)
{
    REQUIRE(s->n < SCRIPT_MAX);
    s->answers[s->n++] = (script_answer){.at = at, .n = n, .then = then};
}

void script_say_then(script_server *s, const char *text, script_then then)
{
    script_say_bytes(s, text, strlen(text), then);
}

void script_say(script_server *s, const char *text)
{
    script_say_then(s, text, SCRIPT_STAY);
}

void script_done(script_server *s)
{
    free(s->got);
    *s = (script_server){.n = 0};
}

/* ---- the asker */

typedef struct asker_state {
    script_asker *a;
    weft_deferred asked;
    weft_msg *kept;
} asker_state;

typedef enum asker_act { ASKER_HEAR, ASKER_CANCEL } asker_act;
typedef struct asker_do {
    asker_act act;
} asker_do;
static const weft_type asker_do_type = WEFT_TYPE("test.asker_do", asker_do, NULL);

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    asker_state *s = weft_state(self);
    script_asker *a = s->a;
    (void)msg;
    a->answered = true;
    a->err = got->err;
    a->failure = weft_http_failure_of(got);
    (void)snprintf(a->why, sizeof a->why, "%s", got->why);
    if (got->err != WEFT_OK)
        return WEFT_OK;
    const weft_http_page *page = got->body;
    a->status = page->status;
    a->stream = page->stream;
    a->body_bytes = page->body_bytes;
    if (a->close)
        (void)weft_abort(self, page->stream, WEFT_OK);
    return WEFT_OK;
}

static weft_err asker_started(weft_actor *self, weft_msg *msg)
{
    asker_state *s = weft_state(self);
    script_asker *a = s->a = (script_asker *)(uintptr_t)weft_config(self);
    weft_ref stream = WEFT_NOBODY;
    a->actor = weft_self(self);
    if (a->open)
        s->asked = weft_http_open(self, a->client, &a->call, &stream);
    else if (weft_ref_is_nobody(a->client))
        s->asked = weft_http_ask(self, &a->call);
    else
        s->asked = weft_ask_body(self, a->client, &weft_http_call_type, &a->call, a->call.limit_ms);
    if (a->open && a->upload_n != 0)
        a->not_written =
            weft_write(self, stream, weft_bytes_static(a->upload, a->upload_n)) != WEFT_OK;
    if (a->open)
        (void)weft_end(self, stream);
    return weft_when(msg, s->asked, on_answered);
}

static weft_err asker_data(weft_actor *self, weft_msg *msg)
{
    asker_state *s = weft_state(self);
    script_asker *a = s->a;
    const weft_data *data = weft_body(msg);
    a->before_answer |= !a->answered;
    uint8_t *bigger = realloc(a->got, a->got_n + data->bytes.size + 1);
    if (bigger == NULL)
        abort();
    memcpy(bigger + a->got_n, data->bytes.at, data->bytes.size);
    a->got = bigger;
    a->got_n += data->bytes.size;
    a->got[a->got_n] = '\0';
    if (a->deaf)
        s->kept = weft_keep(msg);
    return WEFT_OK;
}

static weft_err asker_ended(weft_actor *self, weft_msg *msg)
{
    asker_state *s = weft_state(self);
    s->a->ended = true;
    return weft_close(self, weft_sender(msg));
}

static weft_err asker_closed(weft_actor *self, weft_msg *msg)
{
    asker_state *s = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    s->a->closed = true;
    s->a->reason = closed->reason;
    (void)snprintf(s->a->closed_why, sizeof s->a->closed_why, "%s", closed->why);
    return WEFT_OK;
}

static weft_err on_do(weft_actor *self, weft_msg *msg)
{
    asker_state *s = weft_state(self);
    const asker_do *d = weft_body(msg);
    if (d->act == ASKER_CANCEL)
        (void)weft_cancel(self, s->asked);
    else
        weft_drop(&s->kept);
    return WEFT_OK;
}

static void asker_over(weft_actor *self, weft_err reason)
{
    asker_state *s = weft_state(self);
    (void)reason;
    weft_drop(&s->kept);
}

static const weft_handler asker_rows[] = {
    {.type = &weft_started_type, .fn = asker_started},
    {.type = &weft_data_type, .fn = asker_data},
    {.type = &weft_ended_type, .fn = asker_ended},
    {.type = &weft_closed_type, .fn = asker_closed},
    {.type = &asker_do_type, .fn = on_do},
    {0},
};
static const weft_behaviour asker_behaviour = {.name = "test.asker",
                                               .handlers = asker_rows,
                                               .state_bytes = sizeof(asker_state),
                                               .ended = asker_over};

void script_ask(script_asker *a, weft_sim *sim)
{
    a->got = calloc(1, 1);
    (void)!weft_ref_is_nobody(weft_sim_spawn(sim, &asker_behaviour, a));
}

void script_hear(script_asker *a, weft_sim *sim)
{
    a->deaf = false;
    (void)weft_sim_tell(sim, a->actor, asker_do, .act = ASKER_HEAR);
}

void script_cancel(script_asker *a, weft_sim *sim)
{
    (void)weft_sim_tell(sim, a->actor, asker_do, .act = ASKER_CANCEL);
}

void script_asked(script_asker *a)
{
    free(a->got);
    a->got = NULL;
}
