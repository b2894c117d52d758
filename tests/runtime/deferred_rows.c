/* SPDX-License-Identifier: MIT */
/* The rows. A step writes its name and what it was given, a promise that is not wanted "cut" and its number,
 * the end "->" and what it came to. tests/programs/deferreds.py has the same rows, in the same order. */
#include "deferred_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <weft/testing.h>

typedef struct val {
    uint64_t n;
} val;
static const weft_type val_type = WEFT_TYPE("rows.val", val, NULL);

enum { PROMISES = 4 };

static struct {
    char text[1024];
    size_t used;
    weft_deferred top;
    weft_promise promise[PROMISES];
    weft_deferred deferred[PROMISES];
    weft_lock lock;
    weft_semaphore semaphore;
    weft_queue queue;
} w;

static void say(const char *text)
{
    size_t n = strlen(text);
    if (n >= sizeof w.text - w.used)
        n = sizeof w.text - w.used - 1;
    memcpy(w.text + w.used, text, n);
    w.used += n;
    w.text[w.used] = '\0';
}

static void say_number(uint64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, n);
    say(text);
}

static void say_error(weft_err err)
{
    say("!");
    say(weft_err_name(err));
}

static void say_outcome(const weft_outcome *got)
{
    const weft_outcomes *all = got->body;
    if (got->err != WEFT_OK) {
        say_error(got->err);
    } else if (got->type == NULL) {
        say("nothing");
    } else if (got->type == &val_type) {
        say_number(((const val *)got->body)->n);
    } else {
        say("[");
        for (size_t i = 0; i < all->n; i++) {
            say(i == 0 ? "" : " ");
            const weft_outcome *one = &all->at[i];
            if (one->err != WEFT_OK)
                say_error(one->err);
            else
                say_number(((const val *)one->body)->n);
        }
        say("]");
    }
}

static void say_step(const char *name, const weft_outcome *got)
{
    say(name);
    say("(");
    say_outcome(got);
    say(") ");
}

static uint64_t number(const weft_outcome *got)
{
    return got->type == &val_type ? ((const val *)got->body)->n : 0;
}

/* ---- promises */

static void cut(weft_actor *self, weft_promise *promise, void *context)
{
    (void)self, (void)promise;
    say("cut");
    say_number((uint64_t)((weft_promise *)context - w.promise));
    say(" ");
}
static void cut_value(weft_actor *self, weft_promise *promise, void *context)
{
    cut(self, promise, context);
    (void)weft_resolve(self, promise, val, .n = 9);
}
static void cut_error(weft_actor *self, weft_promise *promise, void *context)
{
    cut(self, promise, context);
    (void)weft_reject(self, promise, WEFT_EIO, "cut");
}

static weft_deferred promised(weft_actor *self, unsigned i, weft_unwanted_fn *unwanted)
{
    weft_deferred d = weft_promise_new(self, &w.promise[i], unwanted, &w.promise[i]);
    return w.deferred[i] = d;
}

static weft_deferred one(weft_actor *self)
{
    return weft_succeed(self, val, .n = 1);
}
static weft_deferred bad(weft_actor *self)
{
    return weft_failed(self, WEFT_EIO, "bad");
}
static weft_deferred pending(weft_actor *self)
{
    return promised(self, 0, cut);
}
static weft_deferred pending_value(weft_actor *self)
{
    return promised(self, 0, cut_value);
}
static weft_deferred pending_error(weft_actor *self)
{
    return promised(self, 0, cut_error);
}
static weft_deferred pending_deaf(weft_actor *self)
{
    return promised(self, 0, NULL);
}

/* ---- steps */

static weft_err inc(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    say_step("inc", got);
    *next = weft_succeed(self, val, .n = number(got) + 1);
    return WEFT_OK;
}
static weft_err boom(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)self, (void)next;
    say_step("boom", got);
    return WEFT_EIO;
}
static weft_err deny(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)self, (void)next;
    say_step("deny", got);
    return WEFT_EDENIED;
}
static weft_err recover(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    say_step("recover", got);
    *next = weft_succeed(self, val, .n = 7);
    return WEFT_OK;
}
static weft_err again(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)self, (void)next;
    say_step("again", got);
    return got->err;
}
static weft_err seen(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)self, (void)next;
    say_step("seen", got);
    return WEFT_OK;
}
static weft_err give_failed(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    say_step("sad", got);
    *next = bad(self);
    return WEFT_OK;
}
static weft_err wait_one(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    say_step("wait", got);
    *next = promised(self, 1, cut);
    return WEFT_OK;
}
static weft_err wait_two(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    say_step("wait", got);
    *next = promised(self, 2, cut);
    return WEFT_OK;
}
static weft_err wait_chain(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    say_step("chain", got);
    *next = weft_then(self, promised(self, 1, cut), inc);
    return WEFT_OK;
}
static weft_err wait_twice(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    say_step("twice", got);
    *next = weft_then(self, promised(self, 1, cut), wait_two);
    return WEFT_OK;
}

/* ---- what happens */

static void resolve(weft_actor *self, unsigned i, uint64_t n)
{
    weft_err err = weft_resolve(self, &w.promise[i], val, .n = n);
    if (err == WEFT_EUSED)
        say("used ");
    else if (err == WEFT_EGONE)
        say("swallowed ");
}
static void resolve_0(weft_actor *self)
{
    resolve(self, 0, 1);
}
static void resolve_1(weft_actor *self)
{
    resolve(self, 1, 2);
}
static void resolve_2(weft_actor *self)
{
    resolve(self, 2, 3);
}
/* For one that was left: whether somebody waits is not the row's matter. */
static void resolve_2_late(weft_actor *self)
{
    (void)weft_resolve(self, &w.promise[2], val, .n = 3);
}
static void reject(weft_actor *self, unsigned i)
{
    if (weft_reject(self, &w.promise[i], WEFT_EIO, "rejected") == WEFT_EUSED)
        say("used ");
}
static void reject_0(weft_actor *self)
{
    reject(self, 0);
}
static void reject_1(weft_actor *self)
{
    reject(self, 1);
}
static void cancel(weft_actor *self)
{
    (void)weft_cancel(self, w.top);
}
static void cancel_1(weft_actor *self)
{
    (void)weft_cancel(self, w.deferred[1]);
}
static void note(weft_actor *self)
{
    (void)self;
    say("still ");
}

/* ---- chains */

static weft_deferred then_inc(weft_actor *self)
{
    return weft_then(self, one(self), inc);
}
static weft_deferred then_past_failure(weft_actor *self)
{
    return weft_then(self, bad(self), inc);
}
static weft_deferred catch_recovers(weft_actor *self)
{
    return weft_catch(self, bad(self), recover);
}
static weft_deferred catch_past_success(weft_actor *self)
{
    return weft_catch(self, one(self), recover);
}
static weft_deferred catch_leaves_alone(weft_actor *self)
{
    return weft_catch(self, bad(self), seen);
}
static weft_deferred catch_passes_on(weft_actor *self)
{
    return weft_catch(self, weft_catch(self, bad(self), again), recover);
}
static weft_deferred catch_fails(weft_actor *self)
{
    return weft_catch(self, weft_catch(self, bad(self), deny), again);
}
static weft_deferred finally_after_success(weft_actor *self)
{
    return weft_then(self, weft_finally(self, one(self), seen), inc);
}
static weft_deferred finally_after_failure(weft_actor *self)
{
    return weft_catch(self, weft_finally(self, bad(self), seen), recover);
}
static weft_deferred finally_fails(weft_actor *self)
{
    return weft_finally(self, one(self), boom);
}
static weft_deferred finally_fails_anew(weft_actor *self)
{
    return weft_finally(self, bad(self), deny);
}
static weft_deferred finally_gives(weft_actor *self)
{
    return weft_finally(self, bad(self), recover);
}
static weft_deferred callbacks_then_errbacks(weft_actor *self)
{
    weft_deferred d = weft_then(self, one(self), inc);
    d = weft_then(self, d, boom);
    d = weft_then(self, d, inc);
    d = weft_catch(self, d, recover);
    return weft_then(self, d, inc);
}
static weft_deferred gives_failed(weft_actor *self)
{
    return weft_catch(self, weft_then(self, one(self), give_failed), recover);
}
static weft_deferred gives_pending(weft_actor *self)
{
    return weft_then(self, weft_then(self, one(self), wait_one), inc);
}
static weft_deferred gives_chain(weft_actor *self)
{
    return weft_then(self, weft_then(self, one(self), wait_chain), inc);
}
static weft_deferred gives_twice(weft_actor *self)
{
    return weft_then(self, weft_then(self, one(self), wait_twice), inc);
}
static weft_deferred catch_gives_pending(weft_actor *self)
{
    return weft_then(self, weft_catch(self, bad(self), wait_one), inc);
}
static weft_deferred pending_inc(weft_actor *self)
{
    return weft_then(self, pending(self), inc);
}
static weft_deferred pending_recovers(weft_actor *self)
{
    return weft_catch(self, weft_then(self, pending(self), inc), recover);
}
static weft_deferred gives_pending_recovers(weft_actor *self)
{
    return weft_then(self, weft_catch(self, gives_pending(self), recover), inc);
}
static weft_deferred pending_waits_again(weft_actor *self)
{
    return weft_catch(self, pending(self), wait_one);
}

/* ---- limits */

static weft_deferred limited(weft_actor *self)
{
    return weft_within(self, pending(self), 100);
}
static weft_deferred limited_value(weft_actor *self)
{
    return weft_within(self, pending_value(self), 100);
}
static weft_deferred limited_error(weft_actor *self)
{
    return weft_within(self, pending_error(self), 100);
}
static weft_deferred limited_recovers(weft_actor *self)
{
    return weft_catch(self, limited(self), recover);
}
static weft_deferred recovers_limited(weft_actor *self)
{
    return weft_within(self, weft_catch(self, pending(self), recover), 100);
}
static weft_deferred limited_while_waiting(weft_actor *self)
{
    return weft_within(self, gives_pending(self), 100);
}

/* ---- several */

static void three(weft_actor *self, weft_deferred d[3])
{
    for (unsigned i = 0; i < 3; i++)
        d[i] = promised(self, i, cut);
}
static weft_deferred all_three(weft_actor *self)
{
    weft_deferred d[3];
    three(self, d);
    return weft_all(self, d, 3, WEFT_LEAVE_REST);
}
static weft_deferred all_goes_on(weft_actor *self)
{
    weft_deferred d[] = {weft_then(self, promised(self, 0, cut), inc), promised(self, 1, cut)};
    return weft_all(self, d, 2, WEFT_LEAVE_REST);
}
static weft_deferred all_of_none(weft_actor *self)
{
    return weft_all(self, NULL, 0, WEFT_LEAVE_REST);
}
static weft_deferred all_fired(weft_actor *self)
{
    weft_deferred d[] = {one(self), one(self)};
    return weft_all(self, d, 2, WEFT_LEAVE_REST);
}
static weft_deferred settled_three(weft_actor *self)
{
    weft_deferred d[3];
    three(self, d);
    return weft_settled(self, d, 3);
}
static weft_deferred settled_of_none(weft_actor *self)
{
    return weft_settled(self, NULL, 0);
}
static weft_err tell_winner(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)self, (void)next;
    say("first");
    say_number(got->index);
    say(" ");
    return WEFT_OK;
}
static weft_deferred any_three(weft_actor *self)
{
    weft_deferred d[3];
    three(self, d);
    return weft_then(self, weft_any(self, d, 3, WEFT_LEAVE_REST), tell_winner);
}

/* ---- locks, semaphores, queues */

static weft_err got_it(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)self, (void)next;
    say("got");
    say_number((uintptr_t)got->context);
    say(" ");
    return WEFT_OK;
}
static weft_err did_not(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)self, (void)next;
    say("not");
    say_number((uintptr_t)got->context);
    say_error(got->err);
    say(" ");
    return WEFT_OK;
}
static weft_deferred told(weft_actor *self, weft_deferred d, unsigned i)
{
    void *number = (void *)(uintptr_t)i;
    w.deferred[i] = d;
    return weft_catch_with(self, weft_then_with(self, d, got_it, number), did_not, number);
}
static weft_deferred lock_three(weft_actor *self)
{
    weft_deferred d[3];
    for (unsigned i = 0; i < 3; i++)
        d[i] = told(self, weft_lock_take(self, &w.lock), i);
    return weft_ignore(self, d[0]), weft_ignore(self, d[1]), d[2];
}
static weft_deferred semaphore_three(weft_actor *self)
{
    weft_deferred d[3];
    w.semaphore.max = 2;
    for (unsigned i = 0; i < 3; i++)
        d[i] = told(self, weft_semaphore_take(self, &w.semaphore), i);
    return weft_ignore(self, d[0]), weft_ignore(self, d[1]), d[2];
}
static void unlock(weft_actor *self)
{
    if (weft_lock_give(self, &w.lock) == WEFT_EINVAL)
        say("nobody ");
}
static void leave(weft_actor *self)
{
    (void)weft_semaphore_give(self, &w.semaphore);
}
static void put(weft_actor *self, uint64_t n)
{
    if (weft_queue_put(self, &w.queue, val, .n = n) == WEFT_EFULL)
        say("full ");
}
static void put_4(weft_actor *self)
{
    put(self, 4);
}
static void put_5(weft_actor *self)
{
    put(self, 5);
}
static weft_deferred take_before(weft_actor *self)
{
    return weft_queue_take(self, &w.queue);
}
static weft_deferred take_after(weft_actor *self)
{
    put(self, 4);
    put(self, 5);
    return weft_queue_take(self, &w.queue);
}
static weft_deferred take_of_full(weft_actor *self)
{
    w.queue.items_max = 1;
    return take_after(self);
}
static weft_deferred take_two(weft_actor *self)
{
    weft_deferred d[2];
    for (unsigned i = 0; i < 2; i++)
        d[i] = w.deferred[i] = weft_queue_take(self, &w.queue);
    return weft_settled(self, d, 2);
}
static void cancel_first(weft_actor *self)
{
    (void)weft_cancel(self, w.deferred[0]);
}
static weft_deferred take_too_often(weft_actor *self)
{
    weft_deferred d[2];
    w.queue.waiting_max = 1;
    for (unsigned i = 0; i < 2; i++)
        d[i] = weft_catch(self, weft_queue_take(self, &w.queue), recover);
    return weft_settled(self, d, 2);
}

const deferred_row deferred_rows[] = {
    {"succeeded", one, {NULL}, 0, "-> 1"},
    {"failed", bad, {NULL}, 0, "-> !EIO"},
    {"then on success", then_inc, {NULL}, 0, "inc(1) -> 2"},
    {"then past failure", then_past_failure, {NULL}, 0, "-> !EIO"},
    {"catch on failure", catch_recovers, {NULL}, 0, "recover(!EIO) -> 7"},
    {"catch past success", catch_past_success, {NULL}, 0, "-> 1"},
    {"catch leaves alone", catch_leaves_alone, {NULL}, 0, "seen(!EIO) -> nothing"},
    {"catch passes on", catch_passes_on, {NULL}, 0, "again(!EIO) recover(!EIO) -> 7"},
    {"catch fails", catch_fails, {NULL}, 0, "deny(!EIO) again(!EDENIED) -> !EDENIED"},
    {"finally after success", finally_after_success, {NULL}, 0, "seen(1) inc(1) -> 2"},
    {"finally after failure", finally_after_failure, {NULL}, 0, "seen(!EIO) recover(!EIO) -> 7"},
    {"finally fails", finally_fails, {NULL}, 0, "boom(1) -> !EIO"},
    {"finally fails anew", finally_fails_anew, {NULL}, 0, "deny(!EIO) -> !EDENIED"},
    {"finally gives", finally_gives, {NULL}, 0, "recover(!EIO) -> 7"},
    {"callbacks then errbacks",
     callbacks_then_errbacks,
     {NULL},
     0,
     "inc(1) boom(2) recover(!EIO) inc(7) -> 8"},
    {"gives failed", gives_failed, {NULL}, 0, "sad(1) recover(!EIO) -> 7"},
    {"gives pending", gives_pending, {note, resolve_1}, 0, "wait(1) still inc(2) -> 3"},
    {"gives pending that fails", gives_pending, {reject_1}, 0, "wait(1) -> !EIO"},
    {"gives a chain", gives_chain, {note, resolve_1}, 0, "chain(1) still inc(2) inc(3) -> 4"},
    {"gives one that gives one",
     gives_twice,
     {resolve_1, note, resolve_2},
     0,
     "twice(1) wait(2) still inc(3) -> 4"},
    {"catch gives pending",
     catch_gives_pending,
     {note, resolve_1},
     0,
     "wait(!EIO) still inc(2) -> 3"},
    {"promise resolved", pending_inc, {note, resolve_0}, 0, "still inc(1) -> 2"},
    {"promise rejected", pending_recovers, {note, reject_0}, 0, "still recover(!EIO) -> 7"},
    {"resolved twice", pending, {resolve_0, resolve_0}, 0, "-> 1 used"},
    {"rejected after resolved", pending, {resolve_0, reject_0}, 0, "-> 1 used"},
    {"cancelled", pending, {cancel}, 0, "cut0 -> !ECANCELLED"},
    {"cancelled with a value", pending_value, {cancel}, 0, "cut0 -> 9"},
    {"cancelled with an error", pending_error, {cancel}, 0, "cut0 -> !EIO"},
    {"cancelled, nobody told", pending_deaf, {cancel}, 0, "-> !ECANCELLED"},
    {"resolved after cancelled", pending_deaf, {cancel, resolve_0}, 0, "-> !ECANCELLED swallowed"},
    {"cancelled after resolved", pending, {resolve_0, cancel}, 0, "-> 1"},
    {"cancelled twice", pending, {cancel, cancel}, 0, "cut0 -> !ECANCELLED"},
    {"chain cancelled", pending_inc, {cancel}, 0, "cut0 -> !ECANCELLED"},
    {"chain cancelled and recovered",
     pending_recovers,
     {cancel},
     0,
     "cut0 recover(!ECANCELLED) -> 7"},
    {"cancelled while it waits", gives_pending, {cancel}, 0, "wait(1) cut1 -> !ECANCELLED"},
    {"cancelled while it waits, recovered",
     gives_pending_recovers,
     {cancel},
     0,
     "wait(1) cut1 recover(!ECANCELLED) inc(7) -> 8"},
    {"cancelled while it waits twice",
     gives_twice,
     {resolve_1, cancel},
     0,
     "twice(1) wait(2) cut2 -> !ECANCELLED"},
    {"cancelled, then waits again",
     pending_waits_again,
     {cancel, note, resolve_1},
     0,
     "cut0 wait(!ECANCELLED) still -> 2"},
    {"cancelled twice, at two places",
     pending_waits_again,
     {cancel, cancel},
     0,
     "cut0 wait(!ECANCELLED) cut1 -> !ECANCELLED"},
    {"limit passes", limited, {NULL}, 200, "cut0 -> !ETIMEDOUT"},
    {"limit does not pass", limited, {resolve_0}, 200, "-> 1"},
    {"limit passes, with a value", limited_value, {NULL}, 200, "cut0 -> 9"},
    {"limit passes, with an error", limited_error, {NULL}, 200, "cut0 -> !EIO"},
    {"limit passes, recovered", limited_recovers, {NULL}, 200, "cut0 recover(!ETIMEDOUT) -> 7"},
    {"recovered below the limit", recovers_limited, {NULL}, 200, "cut0 recover(!ECANCELLED) -> 7"},
    {"limit passes while it waits",
     limited_while_waiting,
     {NULL},
     200,
     "wait(1) cut1 -> !ETIMEDOUT"},
    {"limited, but cancelled", limited, {cancel}, 200, "cut0 -> !ECANCELLED"},
    {"all", all_three, {resolve_2, resolve_0, resolve_1}, 0, "-> [1 2 3]"},
    {"all, fired before", all_fired, {NULL}, 0, "-> [1 1]"},
    {"all, one fails", all_three, {resolve_0, reject_1, resolve_2_late}, 0, "-> !EIO"},
    {"all, one fails, the other goes on", all_goes_on, {reject_1, resolve_0}, 0, "-> !EIO inc(1)"},
    {"all of none", all_of_none, {NULL}, 0, "-> []"},
    {"all cancelled", all_three, {cancel}, 0, "cut0 -> !ECANCELLED cut1 cut2"},
    {"settled", settled_three, {reject_1, resolve_2, resolve_0}, 0, "-> [1 !EIO 3]"},
    {"settled of none", settled_of_none, {NULL}, 0, "-> []"},
    {"settled cancelled",
     settled_three,
     {resolve_1, cancel},
     0,
     "cut0 cut2 -> [!ECANCELLED 2 !ECANCELLED]"},
    {"any", any_three, {reject_0, resolve_1, resolve_2_late}, 0, "first1 -> 2"},
    {"lock", lock_three, {unlock, unlock, unlock, unlock}, 0, "got0 got1 got2 -> nothing nobody"},
    {"lock, one in line cancelled",
     lock_three,
     {cancel_1, unlock, unlock},
     0,
     "got0 not1!ECANCELLED got2 -> nothing"},
    {"semaphore of two", semaphore_three, {note, leave}, 0, "got0 got1 still got2 -> nothing"},
    {"queue, taken before", take_before, {put_4, put_5}, 0, "-> 4"},
    {"queue, taken after", take_after, {NULL}, 0, "-> 4"},
    {"queue, full", take_of_full, {NULL}, 0, "full -> 4"},
    {"queue, two in line", take_two, {put_4, put_5}, 0, "-> [4 5]"},
    {"queue, first in line cancelled", take_two, {cancel_first, put_4}, 0, "-> [!ECANCELLED 4]"},
    {"queue, too many in line", take_too_often, {put_4}, 0, "recover(!EFULL) -> [4 7]"},
    {0},
};

/* ---- running one */

typedef struct stage {
    void (*fn)(weft_actor *self);
} stage;
static const weft_type stage_type = WEFT_TYPE("rows.stage", stage, NULL);
typedef struct start {
    const deferred_row *row;
} start;
static const weft_type start_type = WEFT_TYPE("rows.start", start, NULL);

static weft_err on_end(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    say("-> ");
    say_outcome(got);
    say(" ");
    return WEFT_OK;
}

static weft_err on_start(weft_actor *self, weft_msg *msg)
{
    w.top = ((const start *)weft_body(msg))->row->make(self);
    return weft_when(msg, w.top, on_end);
}

static weft_err on_stage(weft_actor *self, weft_msg *msg)
{
    ((const stage *)weft_body(msg))->fn(self);
    return WEFT_OK;
}

static const weft_handler handlers[] = {
    {.type = &start_type, .fn = on_start},
    {.type = &stage_type, .fn = on_stage},
    {0},
};
static const weft_behaviour behaviour = {.name = "rows", .handlers = handlers};

const char *deferred_row_run(const deferred_row *row)
{
    weft_sim *sim = weft_sim_new(NULL);
    memset(&w, 0, sizeof w);
    if (sim == NULL)
        return NULL;
    weft_ref actor = weft_sim_spawn(sim, &behaviour, NULL);
    (void)weft_sim_tell(sim, actor, start, .row = row);
    for (unsigned i = 0; i < ROW_STAGES && row->stage[i] != NULL; i++)
        (void)weft_sim_tell(sim, actor, stage, .fn = row->stage[i]);
    if (row->advance_ms != 0)
        weft_sim_advance(sim, row->advance_ms);
    while (w.used != 0 && w.text[w.used - 1] == ' ')
        w.text[--w.used] = '\0';
    size_t used = w.used; /* what ends with the actor is not the row's */
    bool leaked = weft_sim_free(&sim) != 0;
    w.text[used] = '\0';
    return leaked ? NULL : w.text;
}
