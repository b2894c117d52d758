/* SPDX-License-Identifier: MIT */
/* Locks, semaphores, queues: who is next, what comes back, what the limits are; and all of the Deferreds
 * when memory runs out. */
#include "kit.h"

#include <weft/sync.h>

#include "core.h"
#include "sys.h"

enum { TAKERS = 5 };

typedef struct shared {
    came came; /* must be first: where on_came writes */
    weft_lock lock;
    weft_semaphore semaphore;
    weft_queue queue;
    weft_deferred d[TAKERS];
    unsigned n, order[TAKERS], fired;
    weft_err errs[TAKERS];
    uint64_t got[TAKERS];
    unsigned cancel; /* which one */
    weft_err err;
} shared;

/* One that waits for its turn: the number of the taker stands in front. */
typedef struct taker {
    shared *s;
    unsigned i;
} taker;

static weft_err on_taken(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const taker *t = ((const act *)weft_body(msg))->with;
    shared *s = t->s;
    (void)self;
    s->errs[t->i] = got->err;
    s->got[t->i] = got->type == &num_type ? ((const num *)got->body)->n : 0;
    if (got->err == WEFT_OK)
        s->order[s->fired++] = t->i;
    return WEFT_OK;
}
static weft_err take_lock(weft_actor *self, weft_msg *msg, void *with)
{
    const taker *t = with;
    t->s->d[t->i] = weft_lock_take(self, &t->s->lock);
    return weft_when(msg, t->s->d[t->i], on_taken);
}
static weft_err take_semaphore(weft_actor *self, weft_msg *msg, void *with)
{
    const taker *t = with;
    t->s->d[t->i] = weft_semaphore_take(self, &t->s->semaphore);
    return weft_when(msg, t->s->d[t->i], on_taken);
}
static weft_err take_item(weft_actor *self, weft_msg *msg, void *with)
{
    const taker *t = with;
    t->s->d[t->i] = weft_queue_take(self, &t->s->queue);
    return weft_when(msg, t->s->d[t->i], on_taken);
}
static weft_err give_lock(weft_actor *self, weft_msg *msg, void *with)
{
    shared *s = with;
    (void)msg;
    s->err = weft_lock_give(self, &s->lock);
    return WEFT_OK;
}
static weft_err give_semaphore(weft_actor *self, weft_msg *msg, void *with)
{
    shared *s = with;
    (void)msg;
    s->err = weft_semaphore_give(self, &s->semaphore);
    return WEFT_OK;
}
static weft_err put_item(weft_actor *self, weft_msg *msg, void *with)
{
    shared *s = with;
    (void)msg;
    s->err = weft_queue_put(self, &s->queue, num, .n = 100 + s->n);
    s->n += s->err == WEFT_OK;
    return WEFT_OK;
}
static weft_err cancel_one(weft_actor *self, weft_msg *msg, void *with)
{
    shared *s = with;
    (void)msg;
    s->err = weft_cancel(self, s->d[s->cancel]);
    return WEFT_OK;
}
static weft_err stop_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop(self, WEFT_OK);
}

static taker takers[TAKERS];
static void take_all(weft_ref a, shared *s, act_fn *take)
{
    for (unsigned i = 0; i < TAKERS; i++) {
        takers[i] = (taker){s, i};
        sim_do(a, take, &takers[i]);
    }
}

/* ---- locks, semaphores */

static void a_lock_goes_to_who_waits_longest(void)
{
    shared s = {.n = 0};
    weft_ref a = sim_puppet(NULL);
    take_all(a, &s, take_lock);
    CHECK_U64(s.fired, 1);
    CHECK_U64(s.lock.one.line.waiting, TAKERS - 1);
    for (unsigned i = 1; i < TAKERS; i++) {
        sim_do(a, give_lock, &s);
        CHECK_OK(s.err);
        CHECK_U64(s.fired, i + 1);
        CHECK_U64(s.order[i], i);
    }
    sim_do(a, give_lock, &s);
    CHECK_OK(s.err);
    CHECK_U64(s.lock.one.held, 0);
    sim_do(a, give_lock, &s);
    CHECK_ERR(s.err, WEFT_EINVAL);
    CHECK_U64(sim_cells(0), 0);
}

static void one_in_line_may_be_cancelled_wherever_it_stands(void)
{
    for (unsigned which = 1; which < TAKERS; which++) {
        shared s = {.cancel = which};
        weft_ref a = sim_puppet(NULL);
        take_all(a, &s, take_lock);
        sim_do(a, cancel_one, &s);
        CHECK_OK(s.err);
        CHECK_ERR(s.errs[which], WEFT_ECANCELLED);
        CHECK_U64(s.lock.one.line.waiting, TAKERS - 2);
        for (unsigned i = 0; i < TAKERS - 1; i++)
            sim_do(a, give_lock, &s);
        CHECK_U64(s.fired, TAKERS - 1);
        CHECK_U64(s.lock.one.held, 0);
        CHECK_U64(s.lock.one.line.waiting, 0);
        CHECK_U64(sim_cells(0), 0);
    }
}

static weft_err cancel_and_give(weft_actor *self, weft_msg *msg, void *with)
{
    CHECK_OK(cancel_one(self, msg, with));
    return give_lock(self, msg, with);
}

static void one_whose_cancel_is_under_way_is_passed_over(void)
{
    shared s = {.cancel = 1};
    weft_ref a = sim_puppet(NULL);
    take_all(a, &s, take_lock);
    sim_do(a, cancel_and_give, &s);
    CHECK_ERR(s.errs[1], WEFT_ECANCELLED);
    CHECK_U64(s.fired, 2);
    CHECK_U64(s.order[1], 2);
    CHECK_U64(s.lock.one.line.waiting, TAKERS - 3);
    sim_do(a, stop_it, NULL);
    CHECK_U64(s.lock.one.line.waiting, 0);
}

static void a_semaphore_lets_in_as_many_as_it_says(void)
{
    shared s = {.semaphore.max = 3, .semaphore.waiting_max = 1};
    weft_ref a = sim_puppet(NULL);
    take_all(a, &s, take_semaphore);
    CHECK_U64(s.fired, 3);
    CHECK_U64(s.semaphore.held, 3);
    CHECK_U64(s.semaphore.line.waiting, 1);
    CHECK_ERR(s.errs[4], WEFT_EFULL); /* waiting_max */
    sim_do(a, give_semaphore, &s);
    CHECK_U64(s.fired, 4);
    CHECK_U64(s.semaphore.held, 3);
}

static weft_err lock_or_value(weft_actor *self, weft_msg *msg, void *with)
{
    shared *s = with;
    weft_deferred d[] = {weft_succeed(self, num, .n = 1), weft_lock_take(self, &s->lock)};
    return weft_when(msg, weft_race(self, d, 2, WEFT_CANCEL_REST), on_came);
}
static weft_err lock_or_item(weft_actor *self, weft_msg *msg, void *with)
{
    shared *s = with;
    weft_deferred d[] = {weft_succeed(self, num, .n = 1),
                         weft_within(self, weft_queue_take(self, &s->queue), 50)};
    return weft_when(msg, weft_race(self, d, 2, WEFT_LEAVE_REST), on_came);
}
static weft_err ignore_lock(weft_actor *self, weft_msg *msg, void *with)
{
    shared *s = with;
    (void)msg;
    return weft_ignore(self, weft_lock_take(self, &s->lock));
}

static void a_lock_that_reaches_nobody_comes_back(void)
{
    shared s = {.n = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, lock_or_value, &s); /* both had fired: the lock was late */
    CHECK_U64(s.came.index, 0);
    CHECK_U64(s.lock.one.held, 0);
    sim_do(a, ignore_lock, &s);
    CHECK_U64(s.lock.one.held, 0);
    take_all(a, &s, take_lock);
    CHECK_U64(s.fired, 1);
    sim_do(a, ignore_lock, &s); /* in line, for nobody */
    for (unsigned i = 0; i < TAKERS; i++)
        sim_do(a, give_lock, &s);
    CHECK_U64(s.fired, TAKERS);
    CHECK_U64(s.lock.one.held, 0);
    CHECK_U64(sim_cells(0), 0);
}

/* ---- queues */

static void a_queue_gives_in_the_order_of_putting_and_of_waiting(void)
{
    shared s = {.n = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, put_item, &s);
    sim_do(a, put_item, &s);
    CHECK_U64(s.queue.items, 2);
    take_all(a, &s, take_item);
    CHECK_U64(s.fired, 2);
    CHECK_U64(s.queue.line.waiting, TAKERS - 2);
    for (unsigned i = 2; i < TAKERS; i++)
        sim_do(a, put_item, &s);
    CHECK_U64(s.fired, TAKERS);
    for (unsigned i = 0; i < TAKERS; i++) {
        CHECK_U64(s.order[i], i);
        CHECK_U64(s.got[i], 100 + i);
    }
    CHECK_U64(sim_cells(0), 0);
}

static void a_queue_holds_items_max_and_waiting_max(void)
{
    shared s = {.queue.items_max = 2, .queue.waiting_max = 3};
    weft_ref a = sim_puppet(NULL);
    for (unsigned i = 0; i < 3; i++)
        sim_do(a, put_item, &s);
    CHECK_ERR(s.err, WEFT_EFULL);
    CHECK_U64(s.queue.items, 2);
    take_all(a, &s, take_item);
    CHECK_U64(s.fired, 2);
    sim_do(a, take_item, &takers[4]); /* the fourth in line */
    CHECK_ERR(s.errs[4], WEFT_EFULL);
    sim_do(a, stop_it, NULL);
    CHECK_U64(sim_cells(0), 0);
}

static void the_default_of_a_queue_is_4096_items(void)
{
    shared s = {.n = 0};
    weft_ref a = sim_puppet(NULL);
    for (unsigned i = 0; i < 4096; i++)
        sim_do(a, put_item, &s);
    CHECK_OK(s.err);
    sim_do(a, put_item, &s);
    CHECK_ERR(s.err, WEFT_EFULL);
}

static void an_item_that_reaches_nobody_is_first_again(void)
{
    shared s = {.queue.items_max = 2};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, put_item, &s);
    sim_do(a, put_item, &s);
    sim_do(a, lock_or_item, &s);
    CHECK_U64(s.came.index, 0);
    CHECK_U64(s.queue.items, 2);
    take_all(a, &s, take_item);
    CHECK_U64(s.got[0], 100);
    CHECK_U64(s.got[1], 101);
    s.cancel = 2;
    sim_do(a, cancel_one, &s);
    CHECK_ERR(s.errs[2], WEFT_ECANCELLED);
    sim_do(a, put_item, &s);
    CHECK_U64(s.got[3], 102);
    sim_do(a, stop_it, NULL);
}

typedef struct letter {
    weft_bytes bytes;
} letter;
static const weft_type letter_type = WEFT_TYPE_BYTES("test.letter", letter, bytes, NULL);
static weft_err put_letter(weft_actor *self, weft_msg *msg, void *with)
{
    shared *s = with;
    letter l = {weft_bytes_copy(msg, "never taken", 12)};
    return weft_queue_put_body(self, &s->queue, &letter_type, &l);
}

static void what_is_left_in_a_queue_ends_with_its_actor(void)
{
    shared s = {.n = 0};
    weft_ref a = sim_puppet(NULL);
    sim_do(a, put_letter, &s);
    sim_do(a, put_letter, &s);
    CHECK_U64(WF_STAT_GET(weft_sim_system(sim)->reactor[0]->stat.buffers), 2);
    sim_do(a, stop_it, NULL);
    CHECK_U64(WF_STAT_GET(weft_sim_system(sim)->reactor[0]->stat.buffers), 0);
    CHECK_U64(sim_cells(0), 0);
}

/* ---- without memory */

static struct {
    unsigned waits, fired, held, served;
} life;
static shared mine;

static weft_err on_any_end(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    life.fired++;
    CHECK(got->why != NULL);
    return WEFT_OK;
}
static void wait_for(weft_msg *msg, weft_deferred d)
{
    life.waits += weft_when(msg, d, on_any_end) == WEFT_OK;
}
static weft_err say(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    life.served++;
    return weft_reply(msg, num, .n = 1);
}
static weft_err ask_itself(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)got;
    *next = weft_ask(self, weft_self(self), act, .fn = say);
    return WEFT_OK;
}
static weft_err fails(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)self, (void)next, (void)got;
    return WEFT_EIO;
}
static weft_err give_back(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    (void)next;
    (void)got;
    return weft_lock_give(self, &mine.lock);
}
static weft_err do_all(weft_actor *self, weft_msg *msg, void *with)
{
    weft_promise p, q;
    (void)with;
    weft_deferred d = weft_succeed(self, num, .n = 1);
    d = weft_finally(self, weft_catch(self, weft_then(self, d, ask_itself), fails), fails);
    wait_for(msg, weft_within(self, d, 1000));
    wait_for(msg, weft_within(self, weft_promise_new(self, &p, NULL, NULL), 20));
    wait_for(msg, weft_promise_new(self, &q, NULL, NULL));
    if (weft_resolve(self, &q, num, .n = 2) == WEFT_ENOMEM)
        (void)weft_reject(self, &q, WEFT_ENOMEM, NULL);
    weft_deferred some[] = {weft_ask(self, weft_self(self), act, .fn = say),
                            weft_failed(self, WEFT_EIO, "one of them"),
                            weft_succeed(self, num, .n = 3)};
    wait_for(msg, weft_settled(self, some, 3));
    weft_deferred more[] = {weft_ask(self, weft_self(self), act, .fn = say),
                            weft_ask(self, weft_self(self), act, .fn = say)};
    wait_for(msg, weft_any(self, more, 2, WEFT_CANCEL_REST));
    for (unsigned i = 0; i < 3; i++)
        wait_for(msg, weft_then(self, weft_lock_take(self, &mine.lock), give_back));
    (void)weft_queue_put(self, &mine.queue, num, .n = 4);
    for (unsigned i = 0; i < 2; i++)
        wait_for(msg, weft_within(self, weft_queue_take(self, &mine.queue), 30));
    d = weft_then(self, weft_promise_new(self, &p, NULL, NULL), ask_itself);
    (void)weft_cancel(self, d);
    wait_for(msg, d);
    return WEFT_OK;
}

static void live(void)
{
    memset(&life, 0, sizeof life);
    memset(&mine, 0, sizeof mine);
    sim = weft_sim_new(NULL);
    if (sim == NULL)
        return;
    weft_ref a = weft_system_spawn(weft_sim_system(sim), 0, &puppet, NULL);
    (void)weft_sim_tell(sim, a, act, .fn = do_all);
    weft_sim_advance(sim, 40000);
    CHECK_U64(life.fired, life.waits);
    CHECK_U64(mine.lock.one.held, 0);
    CHECK_U64(mine.lock.one.line.waiting, 0);
    CHECK_U64(mine.queue.line.waiting, 0);
    weft_err err = weft_sim_tell(sim, a, act, .fn = stop_it);
    if (err == WEFT_OK)
        CHECK_U64(sim_cells(0), 0);
    CHECK_U64(weft_sim_free(&sim), 0);
}

static void without_memory_every_deferred_fires_and_nothing_leaks(void)
{
    sim_done();
    live();
    CHECK_U64(life.waits, 11);
    CHECK(life.served >= 3);
    each_allocation_fails(live);
}

static const test_case cases[] = {
    TEST(a_lock_goes_to_who_waits_longest),
    TEST(one_in_line_may_be_cancelled_wherever_it_stands),
    TEST(one_whose_cancel_is_under_way_is_passed_over),
    TEST(a_semaphore_lets_in_as_many_as_it_says),
    TEST(a_lock_that_reaches_nobody_comes_back),
    TEST(a_queue_gives_in_the_order_of_putting_and_of_waiting),
    TEST(a_queue_holds_items_max_and_waiting_max),
    TEST(the_default_of_a_queue_is_4096_items),
    TEST(an_item_that_reaches_nobody_is_first_again),
    TEST(what_is_left_in_a_queue_ends_with_its_actor),
    TEST(without_memory_every_deferred_fires_and_nothing_leaks),
    {0},
};

const test_suite deferred_sync_suite = {
    .name = "runtime/deferred_sync", .before = sim_one, .after = sim_done, .cases = cases};
