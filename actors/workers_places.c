/* SPDX-License-Identifier: MIT */
/* The workers of a pool: spawned, watched, replaced.
 *
 *                     weft_spawn, weft_spawn_on            monitored
 *      (no worker) ─────────────────────────────▶ spawning ─────────▶ up
 *           ▲                                         │ failed         │ down
 *           └────────── replace_after_ms ◀────────────┴────────────────┘ at once if it lived long enough
 */
#include "workers.h"

#include "node/node_spawn.h"

enum { WORKERS = 4, REQUESTS_MAX = 1024, REPLACE_AFTER_MS = 1000, SPAWN_LIMIT_MS = 1000 };

const weft_type wf_refill_type = WEFT_TYPE("weft.workers_refill", wf_refill, NULL);

static weft_err fill_later(weft_actor *self, uint32_t place)
{
    uint32_t after_ms = wf_workers_config_of(self)->replace_after_ms;
    weft_timer timer =
        weft_after(self, after_ms != 0 ? after_ms : REPLACE_AFTER_MS, wf_refill, place);
    if (timer.slot == 0)
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to replace worker %u", place);
    return WEFT_OK;
}

/* A worker that cannot be watched must not live on beside the one that takes its place. Without memory to stop it the
 * pool ends, and it with the pool. */
static weft_err unwatched(weft_actor *self, uint32_t place, weft_err reason)
{
    wf_workers *p = weft_state(self);
    if (weft_stop_ref(self, p->worker[place].ref, reason) == WEFT_ENOMEM)
        return weft_stop_because(self, WEFT_ENOMEM, "no memory to watch worker %u, nor to stop it",
                                 place);
    p->worker[place].ref = WEFT_NOBODY;
    return WEFT_OK;
}

/* A worker that cannot be watched is of no use: its end would leave a hole for good. */
static weft_err take_in(weft_actor *self, uint32_t place, weft_ref ref)
{
    wf_workers *p = weft_state(self);
    weft_err err = weft_monitor(self, ref);
    if (err != WEFT_OK && wf_workers_config_of(self)->members != NULL)
        return weft_stop_because(self, err, "unable to watch member %u", place);
    p->worker[place].ref = ref;
    if (err != WEFT_OK) {
        err = unwatched(self, place, err);
        return err == WEFT_OK ? fill_later(self, place) : err;
    }
    p->worker[place].far = weft_remote_node_of(ref) != 0;
    p->worker[place].since_ms = weft_now_ms(self);
    return WEFT_OK;
}

static weft_err fill_from(weft_actor *self, weft_msg *msg, uint32_t place);

static weft_err on_spawned(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_workers *p = weft_state(self);
    uint32_t place = *(const uint32_t *)weft_scratch_last(msg);
    const weft_spawned *spawned = got->body;
    weft_err err;

    p->spawning--;
    if (p->stopping) {
        if (got->err == WEFT_OK)
            (void)weft_stop_ref(self, spawned->ref, p->reason);
        return p->spawning == 0 ? weft_stop(self, p->reason) : WEFT_OK;
    }
    if (got->err == WEFT_OK) {
        err = take_in(self, place, spawned->ref);
    } else {
        /* a node that is not there is asked again and again */
        weft_log(self, wf_workers_config_of(self)->offer != NULL ? WEFT_INFO : WEFT_ERROR,
                 "no worker %u: %s", place, got->why);
        err = fill_later(self, place);
    }
    if (err == WEFT_OK && weft_type_of(msg) == &weft_started_type)
        return fill_from(self, msg, place + 1);
    return err;
}

/* Has a worker spawned that is not of this reactor. */
static weft_deferred spawn_far(weft_actor *self, uint32_t place, unsigned reactor)
{
    const wf_workers *p = weft_state(self);
    const weft_workers_config *config = wf_workers_config_of(self);
    if (config->offer != NULL)
        return wf_node_spawn_owned(self, config->nodes[place % p->nodes], config->offer,
                                   SPAWN_LIMIT_MS);
    return config->blocking ? weft_spawn_blocking(self, config->worker, config->config)
                            : weft_spawn_on(self, reactor, config->worker, config->config);
}

/* Sets *@waits when the place will be filled by on_spawned, which goes on with @msg. */
static weft_err fill(weft_actor *self, weft_msg *msg, uint32_t place, bool *waits)
{
    wf_workers *p = weft_state(self);
    const weft_workers_config *config = wf_workers_config_of(self);
    unsigned here = weft_reactor_of(self), reactor = here;
    *waits = false;
    if (!config->blocking && config->spread)
        reactor = place % weft_system_reactors(weft_system_of(self));
    if (!config->blocking && config->offer == NULL && reactor == here) {
        weft_ref ref = weft_spawn(self, config->worker, config->config);
        return weft_ref_is_nobody(ref) ? fill_later(self, place) : take_in(self, place, ref);
    }
    uint32_t *what = weft_scratch_last(msg);
    if (what == NULL)
        what = weft_scratch(msg, sizeof *what);
    if (what == NULL)
        return fill_later(self, place);
    *what = place;
    weft_deferred made = spawn_far(self, place, reactor);
    if (weft_when(msg, made, on_spawned) != WEFT_OK) {
        (void)weft_cancel(self, made);
        return fill_later(self, place);
    }
    p->spawning++;
    *waits = true;
    return WEFT_OK;
}

/* One after the other, so that one message can wait for all. */
static weft_err fill_from(weft_actor *self, weft_msg *msg, uint32_t place)
{
    const wf_workers *p = weft_state(self);
    weft_err err = WEFT_OK;
    for (bool waits = false; err == WEFT_OK && !waits && place < p->n; place++)
        err = fill(self, msg, place, &waits);
    return err;
}

weft_err wf_workers_refill(weft_actor *self, weft_msg *msg)
{
    const wf_workers *p = weft_state(self);
    bool waits;
    return p->stopping ? WEFT_OK
                       : fill(self, msg, ((const wf_refill *)weft_body(msg))->place, &waits);
}

weft_err wf_workers_down(weft_actor *self, weft_msg *msg)
{
    wf_workers *p = weft_state(self);
    const weft_workers_config *config = wf_workers_config_of(self);
    const weft_down *down = weft_body(msg);
    uint32_t place = 0, after_ms = config->replace_after_ms;
    bool waits;

    while (place < p->n && !weft_ref_same(p->worker[place].ref, down->who))
        place++;
    if (place == p->n)
        return WEFT_OK;
    /* where it lives there may have been no room for a monitor: then it is told to have ended, and has not */
    if (config->members == NULL && (down->reason == WEFT_ENOMEM || down->reason == WEFT_ELIMIT)) {
        weft_err err = unwatched(self, place, down->reason);
        if (err != WEFT_OK)
            return err;
    }
    p->worker[place].ref = WEFT_NOBODY;
    p->ended++;
    if (p->stopping || config->members != NULL)
        return WEFT_OK;
    if (down->reason != WEFT_OK)
        weft_log(self, WEFT_WARNING, "worker %u is replaced: %s", place, down->why);
    if (weft_now_ms(self) - p->worker[place].since_ms <
        (after_ms != 0 ? after_ms : REPLACE_AFTER_MS))
        return fill_later(self, place);
    return fill(self, msg, place, &waits);
}

/* ---- beginning and ending */

static weft_err refuse(weft_actor *self, const char *why)
{
    return weft_stop_because(self, WEFT_EINVAL, "the config of a pool: %s", why);
}

static weft_err check(const weft_workers_config *config, const char **why)
{
    unsigned kinds = config == NULL ? 0
                                    : (unsigned)(config->worker != NULL) +
                                          (config->members != NULL) + (config->offer != NULL);
    *why = config == NULL ? "there is none"
           : kinds != 1   ? "expected worker, members or offer"
           : (config->offer != NULL) != (config->nodes != NULL && config->nodes[0] != NULL)
               ? "offer and nodes go together"
           : config->members != NULL && config->workers == 0 ? "workers counts the members"
           : config->workers > WEFT_WORKERS_MAX              ? "more than 1,024 workers"
           : config->policy == WEFT_WORKERS_BY_KEY && config->key == NULL
               ? "there is no key function"
               : NULL;
    return *why == NULL ? WEFT_OK : WEFT_EINVAL;
}

weft_err wf_workers_started(weft_actor *self, weft_msg *msg)
{
    wf_workers *p = weft_state(self);
    const weft_workers_config *config = wf_workers_config_of(self);
    const char *why;

    if (check(config, &why) != WEFT_OK)
        return refuse(self, why);
    while (config->nodes != NULL && config->nodes[p->nodes] != NULL)
        p->nodes++;
    p->n = config->workers;
    if (p->n == 0 && config->offer != NULL)
        p->n = p->nodes;
    else if (p->n == 0)
        p->n = config->spread ? weft_system_reactors(weft_system_of(self)) : WORKERS;
    p->requests_max = config->requests_max;
    if (p->requests_max == 0 &&
        (config->policy == WEFT_WORKERS_LEAST_LOADED || config->lost != WEFT_WORKERS_FAIL))
        p->requests_max = REQUESTS_MAX;
    p->worker = weft_alloc_zero(p->n * sizeof *p->worker);
    if (p->worker == NULL)
        return weft_stop_because(self, WEFT_ENOMEM, "no memory for %u workers", p->n);

    if (config->members == NULL)
        return fill_from(self, msg, 0);
    weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < p->n && err == WEFT_OK; i++)
        err = take_in(self, i, config->members[i]);
    return err;
}

/* Who was spawned on other reactors has no parent there: the pool must hear of each before it ends. */
weft_err wf_workers_stopping(weft_actor *self, weft_msg *msg)
{
    wf_workers *p = weft_state(self);
    p->reason = ((const weft_stopping *)weft_body(msg))->reason;
    if (p->spawning == 0)
        return weft_stop(self, p->reason);
    p->stopping = true;
    return WEFT_OK;
}

void wf_workers_ended(weft_actor *self, weft_err reason)
{
    wf_workers *p = weft_state(self);
    const weft_workers_config *config = wf_workers_config_of(self);
    if (p->worker == NULL)
        return;
    for (uint32_t i = 0; i < p->n && config->members == NULL; i++)
        if (!weft_ref_is_nobody(p->worker[i].ref))
            (void)weft_stop_ref(self, p->worker[i].ref, reason);
    weft_alloc_free(p->worker);
}
