/* SPDX-License-Identifier: MIT */
/* SP sockets in a simulation. */
#include "sp_world.h"

#include <stdlib.h>

enum { TEXT_MAX = 64, PATTERN_MAX = 4 << 20 };

static sp_side sides[SP_SIDES];
static unsigned sides_n;
static weft_deferred last_ask;

static sp_side *side_of(const weft_actor *self)
{
    return (sp_side *)(uintptr_t)weft_config(self);
}

static void note(char *to, weft_bytes bytes)
{
    size_t at = strlen(to);
    if (bytes.size > TEXT_MAX)
        (void)snprintf(to + at, SP_TEXT - at, " %zu", bytes.size);
    else
        (void)snprintf(to + at, SP_TEXT - at, " %.*s", (int)bytes.size,
                       bytes.size != 0 ? (const char *)bytes.at : "");
}

/* Bytes that came are those that were sent: the pattern of sp_ask_bytes. */
static bool is_pattern(weft_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.at[i] != (uint8_t)(i * 7 + bytes.size))
            return false;
    return true;
}

/* ---- the owner */

static weft_err sign(sp_side *s, weft_msg *msg, weft_bytes bytes)
{
    return weft_reply(msg, weft_sp_message,
                      .bytes = weft_bytes_printf(msg, "%s:%.*s", s->name, (int)bytes.size,
                                                 bytes.size != 0 ? (const char *)bytes.at : ""));
}

static weft_err on_message(weft_actor *self, weft_msg *msg)
{
    sp_side *s = side_of(self);
    const weft_sp_message *m = weft_body(msg);
    CHECK(weft_ref_same(m->socket, s->socket));
    CHECK(!weft_ref_is_nobody(m->pipe));
    if (m->bytes.size > TEXT_MAX)
        CHECK(is_pattern(m->bytes));
    note(s->got, m->bytes);
    s->messages++;
    s->bytes += m->bytes.size;
    switch (s->manner) {
    case SP_ECHOES:
        return weft_reply(msg, weft_sp_message, .bytes = m->bytes);
    case SP_SIGNS:
        return sign(s, msg, m->bytes);
    case SP_KEEPS:
        REQUIRE(s->kept_n < SP_KEPT);
        s->kept[s->kept_n++] = weft_keep(msg);
        return WEFT_OK;
    case SP_FAILS:
        return WEFT_EDENIED;
    case SP_STOPS:
        weft_system_stop(self, WEFT_OK);
        return WEFT_OK;
    default:
        return WEFT_OK;
    }
}

static weft_err on_joined(weft_actor *self, weft_msg *msg)
{
    sp_side *s = side_of(self);
    const weft_sp_joined *joined = weft_body(msg);
    s->joined++;
    CHECK_U64(joined->pipes, s->joined - s->left);
    return WEFT_OK;
}

static weft_err on_left(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    side_of(self)->left++;
    return WEFT_OK;
}

/* Of a request that was kept: nobody wants it any more. */
static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    sp_side *s = side_of(self);
    const weft_cancelled *cancelled = weft_body(msg);
    for (unsigned i = 0; i < s->kept_n; i++)
        if (s->kept[i] == cancelled->msg) {
            weft_drop(&s->kept[i]);
            s->kept[i] = s->kept[--s->kept_n];
            break;
        }
    return WEFT_OK;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    sp_side *s = side_of(self);
    const weft_down *down = weft_body(msg);
    s->downs++;
    s->ended = down->reason;
    (void)snprintf(s->why, sizeof s->why, "%s", down->why);
    return WEFT_OK;
}

static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    sp_side *s = side_of(self);
    (void)msg;
    s->socket = weft_spawn(self, &weft_sp, &s->config);
    return weft_monitor(self, s->socket);
}

static void owner_ended(weft_actor *self, weft_err reason)
{
    sp_side *s = side_of(self);
    (void)reason;
    while (s->kept_n != 0)
        weft_drop(&s->kept[--s->kept_n]);
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_sp_message_type, .fn = on_message},
    {.type = &weft_sp_joined_type, .fn = on_joined},
    {.type = &weft_sp_left_type, .fn = on_left},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &act_type, .fn = on_act},
    {0},
};
static const weft_behaviour owner = {.name = "owner", .handlers = rows, .ended = owner_ended};

/* ---- sides */

void sp_reset(void)
{
    memset(sides, 0, sizeof sides);
    sides_n = 0;
}

sp_side *sp_side_new(const char *name, const char *listen, const char *dial)
{
    REQUIRE(sides_n < SP_SIDES);
    sp_side *s = &sides[sides_n++];
    s->name = name;
    s->listen[0] = listen;
    s->dial[0] = dial;
    s->config = (weft_sp_config){.listen = s->listen, .dial = s->dial};
    return s;
}

void sp_begin(sp_side *side)
{
    side->owner = weft_sim_spawn(sim, &owner, side);
    (void)weft_sim_settle(sim, 1000);
}

sp_side *sp_listen(const char *name, const char *url)
{
    sp_side *s = sp_side_new(name, url, NULL);
    sp_begin(s);
    return s;
}

sp_side *sp_dial(const char *name, const char *url)
{
    sp_side *s = sp_side_new(name, NULL, url);
    sp_begin(s);
    return s;
}

/* ---- what it is asked */

typedef struct asking {
    sp_side *side;
    const char *text;
    size_t n;
    uint32_t limit_ms;
    bool tells, wanted;
} asking;

static weft_err on_outcome(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    sp_side *s = side_of(self);
    (void)next;
    s->fired++;
    s->err = got->err;
    (void)snprintf(s->why, sizeof s->why, "%s", got->why);
    if (got->err != WEFT_OK)
        return WEFT_OK;
    s->succeeded++;
    if (got->type == &weft_sp_message_type) {
        note(s->answers, ((const weft_sp_message *)got->body)->bytes);
    } else if (got->type == &weft_sp_sent_type) {
        s->sent = *(const weft_sp_sent *)got->body;
    } else if (got->type == &weft_sp_answers_type) {
        s->survey = *(const weft_sp_answers *)got->body;
        for (uint32_t i = 0; i < s->survey.n; i++)
            note(s->answers, s->survey.at[i]);
        s->survey.at = NULL;
    }
    return WEFT_OK;
}

static weft_err send(weft_actor *self, weft_msg *msg, void *with)
{
    const asking *a = with;
    weft_bytes bytes = weft_bytes_copy(msg, a->text, a->n);
    if (a->tells)
        return weft_tell(self, a->side->socket, weft_sp_message, .bytes = bytes);
    last_ask = weft_ask_within(self, a->side->socket, a->limit_ms, weft_sp_message, .bytes = bytes);
    last_ask = weft_finally_with(self, last_ask, on_outcome, NULL);
    a->side->asked += last_ask.slot != 0;
    /* consumed by nobody: cancelled or not, it comes to on_outcome */
    return WEFT_OK;
}

/* As sim_do, but memory may be out. */
static void do_so(weft_ref who, act_fn *fn, void *with)
{
    (void)weft_sim_tell(sim, who, act, .fn = fn, .with = with);
}

void sp_ask(sp_side *side, const char *text, uint32_t limit_ms)
{
    asking a = {.side = side, .text = text, .n = strlen(text), .limit_ms = limit_ms};
    do_so(side->owner, send, &a);
    (void)weft_sim_settle(sim, 50);
}

void sp_tell(sp_side *side, const char *text)
{
    asking a = {.side = side, .text = text, .n = strlen(text), .tells = true};
    do_so(side->owner, send, &a);
    (void)weft_sim_settle(sim, 50);
}

void sp_ask_bytes(sp_side *side, size_t n)
{
    REQUIRE(n <= PATTERN_MAX);
    uint8_t *pattern = malloc(n);
    REQUIRE(pattern != NULL);
    for (size_t i = 0; i < n; i++)
        pattern[i] = (uint8_t)(i * 7 + n);
    asking a = {.side = side, .text = (const char *)pattern, .n = n};
    do_so(side->owner, send, &a);
    (void)weft_sim_settle(sim, 50);
    free(pattern);
}

static weft_err cancel(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_cancel(self, last_ask);
}

void sp_cancel(sp_side *side)
{
    do_so(side->owner, cancel, NULL);
}

static weft_err let_go(weft_actor *self, weft_msg *msg, void *with)
{
    const asking *a = with;
    sp_side *s = a->side;
    (void)self;
    if (s->kept_n == 0)
        return WEFT_OK;
    weft_msg *kept = s->kept[0];
    memmove(s->kept, s->kept + 1, --s->kept_n * sizeof(weft_msg *));
    weft_err err = WEFT_OK;
    if (a->text != NULL)
        err = weft_reply(kept, weft_sp_message, .bytes = weft_bytes_copy(msg, a->text, a->n));
    weft_drop(&kept);
    return err;
}

void sp_let_go(sp_side *side, const char *text)
{
    asking a = {.side = side, .text = text, .n = text != NULL ? strlen(text) : 0};
    do_so(side->owner, let_go, &a);
    (void)weft_sim_settle(sim, 50);
}

static weft_err subscribe(weft_actor *self, weft_msg *msg, void *with)
{
    const asking *a = with;
    weft_bytes topic = weft_bytes_copy(msg, a->text, a->n);
    weft_deferred asked =
        a->wanted ? weft_ask(self, a->side->socket, weft_sp_subscribe, .topic = topic)
                  : weft_ask(self, a->side->socket, weft_sp_unsubscribe, .topic = topic);
    return weft_ignore(self, weft_finally_with(self, asked, on_outcome, NULL));
}

void sp_subscribe(sp_side *side, const char *topic, bool wanted)
{
    asking a = {.side = side, .text = topic, .n = strlen(topic), .wanted = wanted};
    do_so(side->owner, subscribe, &a);
    (void)weft_sim_settle(sim, 50);
}

weft_sp_counts sp_counts(const sp_side *side)
{
    const weft_outcome *got = weft_sim_ask(sim, side->socket, weft_sp_look, .nothing = 0);
    weft_sp_counts counts = {.pipes = UINT32_MAX};
    if (got->err == WEFT_OK)
        counts = *(const weft_sp_counts *)got->body;
    return counts;
}

static weft_err stop(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    return weft_stop_ref(self, ((const sp_side *)with)->socket, WEFT_OK);
}

void sp_stop(sp_side *side)
{
    do_so(side->owner, stop, side);
    (void)weft_sim_settle(sim, 10000);
}
