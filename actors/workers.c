/* SPDX-License-Identifier: MIT */
/* Pools: which worker is next, and what becomes of a message that it is given. */
#include "workers.h"

const weft_type weft_workers_counts_type =
    WEFT_TYPE("weft.workers_counts", weft_workers_counts, NULL);
const weft_type weft_workers_look_type =
    WEFT_TYPE("weft.workers_look", weft_workers_look, &weft_workers_counts_type);

/* A tell is not counted, and so not refused for what is. */
static bool is_free(const wf_workers *p, const wf_worker *w, bool counted)
{
    return !weft_ref_is_nobody(w->ref) && (!counted || w->outstanding < p->requests_max);
}

/* Nearby keys, and keys that are multiples, go to different workers. */
static wf_worker *by_key(const wf_workers *p, uint64_t key, bool counted)
{
    key = (key ^ key >> 32) * 0x9E3779B97F4A7C15U;
    wf_worker *w = &p->worker[(key >> 32) % p->n];
    return is_free(p, w, counted) ? w : NULL;
}

static wf_worker *by_turns(wf_workers *p, bool counted)
{
    for (uint32_t tries = 0; tries < p->n; tries++) {
        wf_worker *w = &p->worker[p->next];
        p->next = p->next + 1 < p->n ? p->next + 1 : 0;
        if (is_free(p, w, counted))
            return w;
    }
    return NULL;
}

static wf_worker *least_loaded(wf_workers *p, bool counted)
{
    wf_worker *best = NULL;
    for (uint32_t i = 0, at = p->next; i < p->n; i++, at = at + 1 < p->n ? at + 1 : 0) {
        wf_worker *w = &p->worker[at];
        if (is_free(p, w, counted) && (best == NULL || w->outstanding < best->outstanding))
            best = w;
    }
    if (best != NULL)
        p->next = (uint32_t)(best - p->worker + 1) % p->n;
    return best;
}

static bool is_counted(const wf_workers *p, const weft_msg *msg)
{
    return p->requests_max != 0 && weft_is_request(msg);
}

static wf_worker *choose(weft_actor *self, const weft_msg *msg)
{
    wf_workers *p = weft_state(self);
    const weft_workers_config *config = wf_workers_config_of(self);
    bool counted = is_counted(p, msg);
    if (config->policy == WEFT_WORKERS_BY_KEY)
        return by_key(p, config->key(weft_type_of(msg), weft_body(msg)), counted);
    return config->policy == WEFT_WORKERS_LEAST_LOADED ? least_loaded(p, counted)
                                                       : by_turns(p, counted);
}

/* Who is next after @tries workers had no room. */
static wf_worker *choose_again(weft_actor *self, const weft_msg *msg, uint32_t tries)
{
    wf_workers *p = weft_state(self);
    if (wf_workers_config_of(self)->policy == WEFT_WORKERS_BY_KEY || tries >= p->n)
        return NULL;
    return by_turns(p, is_counted(p, msg));
}

static weft_err nobody_is_free(weft_actor *self, weft_msg *msg)
{
    wf_workers *p = weft_state(self);
    p->refused++;
    if (weft_is_request(msg))
        return weft_fail(msg, WEFT_EFULL, "none of the pool's workers that may serve it is free");
    return WEFT_EFULL;
}

/* Where a counted request is. */
typedef struct given {
    uint32_t place, tries;
} given;

static weft_err ask(weft_actor *self, weft_msg *msg, wf_worker *w, given *g);

/* Whether it was lost, and is to be tried again. */
static bool try_again(weft_actor *self, const wf_worker *w, const weft_outcome *got)
{
    weft_workers_lost lost = wf_workers_config_of(self)->lost;
    bool gone = got->err == WEFT_EGONE && (weft_ref_is_nobody(got->from) || w->far);
    if (!gone && got->err != WEFT_ELOST && got->err != WEFT_EUNREACHABLE)
        return false;
    return lost == WEFT_WORKERS_RETRY ||
           (lost == WEFT_WORKERS_RETRY_UNSENT && got->delivery == WEFT_NOT_DELIVERED);
}

static weft_err on_answered(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const wf_workers *p = weft_state(self);
    given *g = weft_scratch_last(msg);

    p->worker[g->place].outstanding--;
    if (got->err == WEFT_OK)
        return weft_reply_body(msg, got->type, got->body);
    if (got->err == WEFT_EFULL && weft_ref_is_nobody(got->from)) {
        /* others fill its mailbox too: it was refused unrun */
        wf_worker *w = choose_again(self, msg, ++g->tries);
        return w != NULL ? ask(self, msg, w, g) : nobody_is_free(self, msg);
    }
    if (try_again(self, &p->worker[g->place], got)) {
        wf_worker *w = choose_again(self, msg, ++g->tries);
        if (w != NULL)
            return ask(self, msg, w, g);
    }
    return weft_fail(msg, got->err, "%s", got->why);
}

/* Asks on the asker's behalf. */
static weft_err ask(weft_actor *self, weft_msg *msg, wf_worker *w, given *g)
{
    const wf_workers *p = weft_state(self);
    uint32_t limit_ms = weft_time_left_ms(msg) == WEFT_NO_LIMIT ? WEFT_NO_LIMIT : WEFT_INHERIT;
    if (g == NULL)
        return WEFT_ENOMEM;
    g->place = (uint32_t)(w - p->worker);
    weft_err err = weft_when(
        msg, weft_ask_body(self, w->ref, weft_type_of(msg), weft_body(msg), limit_ms), on_answered);
    if (err == WEFT_OK)
        w->outstanding++;
    return err;
}

static weft_err on_other(weft_actor *self, weft_msg *msg)
{
    const wf_workers *p = weft_state(self);
    if (p->n == 0)
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to begin");
    wf_worker *w = choose(self, msg);
    if (w != NULL && is_counted(p, msg))
        return ask(self, msg, w, weft_scratch(msg, sizeof(given)));
    for (uint32_t tries = 1; w != NULL; tries++) {
        weft_err err = weft_forward(msg, w->ref);
        if (err != WEFT_EFULL && err != WEFT_EGONE && err != WEFT_EUNREACHABLE)
            return err;
        w = choose_again(self, msg, tries);
    }
    return nobody_is_free(self, msg);
}

static weft_err on_look(weft_actor *self, weft_msg *msg)
{
    const wf_workers *p = weft_state(self);
    weft_workers_counts counts = {.refused = p->refused, .ended = p->ended};
    for (uint32_t i = 0; i < p->n; i++) {
        const wf_worker *w = &p->worker[i];
        counts.workers += !weft_ref_is_nobody(w->ref);
        counts.outstanding += w->outstanding;
        if (w->outstanding > counts.most)
            counts.most = w->outstanding;
    }
    return weft_reply_body(msg, &weft_workers_counts_type, &counts);
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = wf_workers_started, .serial = true},
    {.type = &weft_stopping_type, .fn = wf_workers_stopping},
    {.type = &weft_down_type, .fn = wf_workers_down},
    {.type = &wf_refill_type, .fn = wf_workers_refill},
    {.type = &weft_workers_look_type, .fn = on_look},
    {0},
};

const weft_behaviour weft_workers = {.name = "workers",
                                     .handlers = rows,
                                     .otherwise = on_other,
                                     .state_bytes = sizeof(wf_workers),
                                     .ended = wf_workers_ended};
