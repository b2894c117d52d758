/* SPDX-License-Identifier: MIT */
/* The life of a socket: it listens and dials, pipes join and leave, and it ends when all of them have.
 *
 *   started ──▶ places made ──▶ dialers spawned ──▶ listeners up, one by one ──▶ up
 *   stopping ──▶ children told to stop: pipes close behind what they wrote ──▶ the last has ended ──▶ ended */
#include <string.h>

#include <weft/edge.h>
#include <weft/timer.h>

#include "sp_socket.h"

enum {
    MESSAGE_BYTES_MAX = 1 << 20,
    PIPES_MAX = 1024,
    PIPES_MOST = 65535,
    QUEUE_MAX = 64,
    QUEUE_BYTES_MAX = 1 << 20,
    PIPE_QUEUE_MAX = 64,
    PIPE_REQUESTS_MAX = 64,
    REQUESTS_MAX = 4096,
    REQUESTS_MOST = 32768,
    RESEND_MS = 60000,
    REPLY_MS = 60000,
    SURVEY_MS = 1000,
    ANSWERS_MAX = 1024,
    ANSWERS_BYTES_MAX = 16 << 20,
    DELAY_MS = 100,
    DELAY_MAX_MS = 10000,
};

static weft_err ignore(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static const weft_type joined_answer_type = WEFT_TYPE("weft.sp_join_answer", wf_sp_done, NULL);
const weft_type wf_sp_join_type = WEFT_TYPE("weft.sp_join", wf_sp_join, &joined_answer_type);
const weft_type weft_sp_message_type =
    WEFT_TYPE_BYTES("weft.sp_message", weft_sp_message, bytes, NULL);
const weft_type weft_sp_sent_type = WEFT_TYPE("weft.sp_sent", weft_sp_sent, NULL);
const weft_type weft_sp_joined_type = {
    .name = "weft.sp_joined", .size = sizeof(weft_sp_joined), .otherwise = ignore};
const weft_type weft_sp_left_type = {
    .name = "weft.sp_left", .size = sizeof(weft_sp_left), .otherwise = ignore};
const weft_type weft_sp_counts_type = WEFT_TYPE("weft.sp_counts", weft_sp_counts, NULL);
const weft_type weft_sp_look_type = WEFT_TYPE("weft.sp_look", weft_sp_look, &weft_sp_counts_type);

/* ---- its config */

static void preset32(uint32_t *value, uint32_t preset, uint32_t most)
{
    *value = *value == 0 ? preset : *value < most ? *value : most;
}

static void preset64(uint64_t *value, uint64_t preset)
{
    *value = *value != 0 ? *value : preset;
}

static void set_defaults(weft_sp_config *c)
{
    preset64(&c->message_bytes_max, MESSAGE_BYTES_MAX);
    preset32(&c->pipes_max, PIPES_MAX, PIPES_MOST);
    preset32(&c->queue_max, QUEUE_MAX, UINT32_MAX);
    preset64(&c->queue_bytes_max, QUEUE_BYTES_MAX);
    preset32(&c->pipe_queue_max, PIPE_QUEUE_MAX, UINT32_MAX);
    preset32(&c->pipe_requests_max, PIPE_REQUESTS_MAX, UINT32_MAX);
    preset32(&c->requests_max, REQUESTS_MAX, REQUESTS_MOST);
    preset32(&c->resend_ms, RESEND_MS, UINT32_MAX);
    preset32(&c->reply_ms, REPLY_MS, UINT32_MAX);
    preset32(&c->survey_ms, SURVEY_MS, WEFT_TIMER_MS_MAX);
    preset32(&c->answers_max, ANSWERS_MAX, UINT32_MAX);
    preset64(&c->answers_bytes_max, ANSWERS_BYTES_MAX);
    preset32(&c->hops_max, WF_SP_HOPS_MAX, WF_SP_HOPS_MAX);
    preset32(&c->delay_ms, DELAY_MS, UINT32_MAX);
    preset32(&c->delay_max_ms, DELAY_MAX_MS, UINT32_MAX);
}

/* Adds a place for each of @urls, in order. */
static weft_err add_places(weft_actor *self, wf_sp_socket *s, const char *const *urls, bool listens,
                           wf_sp_place ***end, weft_why *why)
{
    for (; urls != NULL && *urls != NULL; urls++) {
        weft_err err = wf_sp_place_new(self, &s->config, *urls, listens, &s->kind, *end, why);
        if (err != WEFT_OK)
            return err;
        *end = &(**end)->next;
        s->listens += listens;
    }
    return WEFT_OK;
}

static weft_err read_config(weft_actor *self, wf_sp_socket *s, weft_why *why)
{
    const weft_sp_config *config = weft_config(self);
    wf_sp_place **end = &s->places;
    if (config == NULL)
        return weft_because(why, WEFT_EINVAL, "an SP socket without a config");
    s->config = *config;
    set_defaults(&s->config);
    s->owner = weft_ref_is_nobody(config->owner) ? weft_parent(self) : config->owner;
    weft_err err = add_places(self, s, config->listen, true, &end, why);
    if (err == WEFT_OK)
        err = add_places(self, s, config->dial, false, &end, why);
    if (err == WEFT_OK && s->kind == NULL)
        err = weft_because(why, WEFT_EINVAL, "an SP socket that neither listens nor dials");
    for (const char *const *t = config->topics; err == WEFT_OK && t != NULL && *t != NULL; t++)
        err = wf_sp_topic_add(s, *t, strlen(*t));
    if (err == WEFT_OK && s->kind->kind == WEFT_SP_SURVEYOR) {
        s->answers = weft_account_new("sp answers", s->config.answers_bytes_max);
        err = s->answers != NULL ? WEFT_OK : WEFT_ENOMEM;
    }
    if (err == WEFT_OK && config->name != NULL)
        err = weft_register(self, config->name);
    if (err != WEFT_OK && why->text[0] == '\0')
        weft_explain(why, "%s", weft_err_text(err));
    return err;
}

/* ---- starting */

static weft_err listen_next(weft_actor *self, weft_msg *msg);

static weft_err fail_start(weft_actor *self, weft_msg *msg, weft_err err, const char *why)
{
    (void)weft_stop_because(self, err, "%s", why);
    return weft_fail(msg, err, "%s", why);
}

static weft_err on_listening(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const wf_sp_socket *s = weft_state(self);
    weft_err err = got->err;
    if (err == WEFT_OK)
        err = weft_monitor(self, ((const weft_supervisor_added *)got->body)->ref);
    if (err != WEFT_OK)
        return fail_start(self, msg, err, err == got->err ? got->why : weft_err_text(err));
    return s->listening < s->listens ? listen_next(self, msg) : WEFT_OK;
}

static wf_sp_place *place_at(const wf_sp_socket *s, uint32_t i)
{
    wf_sp_place *place = s->places;
    while (i-- > 0)
        place = place->next;
    return place;
}

static weft_err listen_next(weft_actor *self, weft_msg *msg)
{
    wf_sp_socket *s = weft_state(self);
    const wf_sp_place *place = place_at(s, s->listening++);
    const weft_child child = {.behaviour = place->url.web ? &weft_http_site : &wf_sp_pipe,
                              .config = place->url.web ? (const void *)place->routes : place,
                              .listen = place->url.stream,
                              .restart = WEFT_RESTART_NEVER, /* the socket ends with it */
                              .stop_ms = WEFT_TIMER_MS_MAX}; /* never by force: see all_gone */
    return weft_when(msg, weft_ask(self, s->supervisor, weft_supervisor_add, .child = child),
                     on_listening);
}

static weft_err dial_all(weft_actor *self, const wf_sp_socket *s)
{
    for (const wf_sp_place *place = place_at(s, s->listens); place != NULL; place = place->next)
        if (weft_ref_is_nobody(weft_spawn(self, &wf_sp_dialer, place)))
            return WEFT_ENOMEM;
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    static const weft_supervisor no_children = {.restarts_max = 1};
    wf_sp_socket *s = weft_state(self);
    weft_why why = {""};
    weft_err err = read_config(self, s, &why);
    if (err == WEFT_OK)
        err = dial_all(self, s);
    if (err == WEFT_OK && s->listens != 0) {
        s->supervisor = weft_spawn(self, &weft_supervisor_behaviour, &no_children);
        err = weft_ref_is_nobody(s->supervisor) ? WEFT_ENOMEM : WEFT_OK;
    }
    if (err != WEFT_OK)
        return fail_start(self, msg, err, why.text[0] != '\0' ? why.text : weft_err_text(err));
    return s->listens != 0 ? listen_next(self, msg) : WEFT_OK;
}

/* ---- pipes */

static void tell_owner(weft_actor *self, const wf_sp_socket *s, weft_ref pipe, bool joined)
{
    const weft_sp_joined body = {weft_self(self), pipe, s->pipes_up};
    _Static_assert(sizeof(weft_sp_joined) == sizeof(weft_sp_left), "both say the same");
    if (weft_event(self, s->owner, joined ? &weft_sp_joined_type : &weft_sp_left_type, &body) ==
        WEFT_ENOMEM)
        weft_log(self, WEFT_ERROR, "no memory to tell the owner of a pipe");
}

/* A free entry; UINT32_MAX: memory is out. */
static uint32_t free_entry(wf_sp_socket *s)
{
    for (uint32_t i = 0; i < s->pipes_n; i++)
        if (weft_ref_is_nobody(s->pipes[i].ref))
            return i;
    if (s->pipes_n == s->pipes_room) {
        uint32_t room = s->pipes_room != 0 ? 2 * s->pipes_room : 4;
        wf_sp_pipe_entry *pipes = weft_alloc_again(s->pipes, room * sizeof *pipes);
        if (pipes == NULL)
            return UINT32_MAX;
        s->pipes = pipes;
        s->pipes_room = room;
    }
    s->pipes[s->pipes_n] = (wf_sp_pipe_entry){.gen = 0};
    return s->pipes_n++;
}

static weft_err on_join(weft_actor *self, weft_msg *msg)
{
    wf_sp_socket *s = weft_state(self);
    const wf_sp_join *join = weft_body(msg);
    bool pair = s->kind->one && s->kind->hears;
    if (s->stopping)
        return WEFT_ESTOPPING;
    if (s->pipes_up >= (pair ? 1 : s->config.pipes_max)) {
        s->counts.pipes_refused++;
        return weft_fail(msg, WEFT_ELIMIT,
                         pair ? "a pair has a peer already" : "pipes_max is reached");
    }
    uint32_t at = free_entry(s);
    weft_err err = at != UINT32_MAX ? weft_monitor(self, join->pipe) : WEFT_ENOMEM;
    if (err == WEFT_OK)
        err = weft_reply_body(msg, &joined_answer_type, &(wf_sp_done){0});
    if (err != WEFT_OK)
        return err;
    s->pipes[at] = (wf_sp_pipe_entry){.ref = join->pipe, .gen = s->pipes[at].gen};
    s->pipes_up++;
    tell_owner(self, s, join->pipe, true);
    wf_sp_pump(self, s);
    return WEFT_OK;
}

static void pipe_over(weft_actor *self, wf_sp_socket *s, uint32_t at)
{
    weft_ref pipe = s->pipes[at].ref;
    uint16_t gen = s->pipes[at].gen;
    s->pipes[at] = (wf_sp_pipe_entry){.gen = (uint16_t)(gen + 1)};
    s->pipes_up--;
    tell_owner(self, s, pipe, false);
    wf_sp_requests_lost(self, s, at, gen);
    wf_sp_pump(self, s);
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    wf_sp_socket *s = weft_state(self);
    const weft_down *down = weft_body(msg);
    for (uint32_t i = 0; i < s->pipes_n; i++)
        if (weft_ref_same(s->pipes[i].ref, down->who)) {
            pipe_over(self, s, i);
            return WEFT_OK;
        }
    return s->stopping
               ? WEFT_OK
               : weft_stop_because(self, down->reason != WEFT_OK ? down->reason : WEFT_EGONE,
                                   "a listener has ended: %s", down->why);
}

/* ---- what is known of it */

static weft_err on_look(weft_actor *self, weft_msg *msg)
{
    const wf_sp_socket *s = weft_state(self);
    weft_sp_counts counts = s->counts;
    counts.pipes = s->pipes_up;
    counts.waiting = s->waiting;
    counts.outstanding = s->items_n - s->waiting;
    return weft_reply_body(msg, &weft_sp_counts_type, &counts);
}

/* ---- the end */

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    wf_sp_socket *s = weft_state(self);
    const weft_stopping *stopping = weft_body(msg);
    s->stopping = true;
    s->reason = stopping->reason;
    return weft_stop_children(self, WEFT_ESTOPPING) ? WEFT_OK : weft_stop(self, s->reason);
}

/* Pipes that were dialled have ended before it. */
static void free_places(wf_sp_socket *s)
{
    wf_sp_place *next;
    uint32_t i = 0;
    for (wf_sp_place *p = s->places; p != NULL; p = next, i++) {
        next = p->next;
        if (s->all_gone || i >= s->listens)
            wf_sp_place_free(p);
        else
            wf_sp_place_leave(p);
    }
    s->places = NULL;
}

static void child_ended(weft_actor *self, weft_ref child, weft_err reason)
{
    wf_sp_socket *s = weft_state(self);
    bool listeners = weft_ref_same(child, s->supervisor);
    if (listeners)
        s->all_gone = reason != WEFT_ETIMEDOUT;
    if (!s->stopping)
        (void)weft_stop_because(self, reason != WEFT_OK ? reason : WEFT_EGONE, "%s",
                                listeners ? "its listeners have ended" : "a dialer has given up");
    else if (!weft_stop_children(self, WEFT_ESTOPPING))
        (void)weft_stop(self, s->reason);
}

static void ended(weft_actor *self, weft_err reason)
{
    wf_sp_socket *s = weft_state(self);
    (void)reason;
    wf_sp_fail_all(self, s, WEFT_EGONE);
    free_places(s);
    weft_account_close(&s->answers);
    weft_alloc_free(s->items);
    weft_alloc_free(s->item_gens);
    weft_alloc_free(s->pipes);
    weft_alloc_free(s->topics);
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_sp_message_type, .fn = wf_sp_on_message},
    {.type = &wf_sp_got_type, .fn = wf_sp_on_got},
    {.type = &wf_sp_join_type, .fn = on_join},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &weft_cancelled_type, .fn = wf_sp_on_cancelled},
    {.type = &weft_sp_subscribe_type, .fn = wf_sp_on_subscribe},
    {.type = &weft_sp_unsubscribe_type, .fn = wf_sp_on_unsubscribe},
    {.type = &wf_sp_again_type, .fn = wf_sp_on_again},
    {.type = &wf_sp_survey_over_type, .fn = wf_sp_on_survey_over},
    {.type = &weft_sp_look_type, .fn = on_look},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {0},
};

const weft_behaviour weft_sp = {.name = "sp",
                                .handlers = rows,
                                .state_bytes = sizeof(wf_sp_socket),
                                .ended = ended,
                                .child_ended = child_ended};
