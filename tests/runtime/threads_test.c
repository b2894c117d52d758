/* SPDX-License-Identifier: MIT */
/* Reactors that are threads: storms between them, what goes home, and sleeps that lose no wake-up.
 *
 * Every test ends by a count; what goes wrong meanwhile is counted, since a check is the main thread's. */
#include "kit.h"

#include <pthread.h>
#include <stdlib.h>

#include <weft/edge.h>

#include "random.h"
#include "sys.h"

enum { REACTORS = 4 };

static _Atomic uint64_t wrong; /* what must not be */

static weft_system *threads_of(unsigned reactors)
{
    wrong = 0;
    weft_system *sys = weft_system_new(&(weft_system_options){.reactors = reactors,
                                                              .no_signals = true,
                                                              .spin_us = 1,
                                                              .log_level = WEFT_NO_LOG,
                                                              .log_level_set = true});
    REQUIRE(sys != NULL);
    return sys;
}

static void run_to_its_end(weft_system *sys)
{
    CHECK_I64(weft_run(&sys), 0);
    CHECK_U64(wrong, 0);
}

static void begin(weft_system *sys, weft_ref who, act_fn *fn, void *with)
{
    act body = {fn, with};
    CHECK_OK(weft_system_tell(sys, who, &act_type, &body));
}

static weft_ref puppet_on(weft_system *sys, unsigned reactor)
{
    weft_ref ref = weft_system_spawn(sys, reactor, &puppet, NULL);
    REQUIRE(!weft_ref_is_nobody(ref));
    return ref;
}

/* Looks every millisecond whether @over() and then stops the system. */
typedef bool over_fn(void);
static over_fn *is_over;
static weft_err look(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    if (is_over())
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}
static weft_err start_looking(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    if (weft_timer_start(self, 1, 1, &act_type, &(act){look, NULL}).slot == 0)
        wrong++;
    return WEFT_OK;
}
static void stop_when(weft_system *sys, over_fn *over)
{
    is_over = over;
    begin(sys, puppet_on(sys, 0), start_looking, NULL);
}

/* ---- a storm of tells, asks and big bodies among all of them */

enum { PLAYERS = 16, QUOTA = 3000 };

typedef struct shot {
    uint32_t from, seq;
} shot;
typedef struct big_shot {
    shot s;
    unsigned char room[3000];
} big_shot;
static const weft_type shot_type = WEFT_TYPE("test.shot", shot, NULL);
static const weft_type asked_shot_type = WEFT_TYPE("test.asked_shot", shot, NULL);
static const weft_type big_shot_type = WEFT_TYPE("test.big_shot", big_shot, NULL);

typedef struct player {
    uint32_t index;
    uint32_t sent;          /* attempts that were accepted */
    uint32_t seq[PLAYERS];  /* to each */
    uint32_t last[PLAYERS]; /* of each */
    test_random random;
} player;

static struct {
    weft_ref who[PLAYERS];
    _Atomic uint64_t accepted, received, asked, fired, done, full, rooms;
} storm;

static weft_err play_on(weft_actor *self, weft_msg *msg);

/* Its own mailbox may be full too; a timer is never refused. */
static weft_err play_later(weft_actor *self)
{
    if (weft_tell(self, weft_self(self), num, .n = 0) != WEFT_OK &&
        weft_after(self, 0, num, .n = 0).slot == 0)
        wrong++;
    return WEFT_OK;
}

static weft_err on_room(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    storm.rooms++;
    if (got->err != WEFT_OK)
        wrong++;
    return play_later(self);
}

static weft_err on_shot_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    storm.fired++;
    /* a refusal is an answer too */
    if (got->err != WEFT_OK && got->err != WEFT_EFULL)
        wrong++;
    return WEFT_OK;
}

/* A few shots a turn, at anybody; one that finds no room waits for some. */
static weft_err play_on(weft_actor *self, weft_msg *msg)
{
    player *p = weft_state(self);
    for (int i = 0; i < 20 && p->sent < QUOTA; i++) {
        uint32_t at = (uint32_t)test_below(&p->random, PLAYERS);
        weft_ref to = storm.who[at];
        shot s = {p->index, p->seq[at] + 1};
        if (p->sent % 3 == 0) {
            storm.asked++;
            p->sent++;
            weft_deferred d = weft_ask_body(self, to, &asked_shot_type, &s, 0);
            if (weft_when(msg, d, on_shot_answer) != WEFT_OK)
                wrong++;
            continue;
        }
        weft_err err;
        if (p->sent % 7 == 0) {
            big_shot big = {.s = s};
            err = weft_tell_body(self, to, &big_shot_type, &big);
        } else
            err = weft_tell_body(self, to, &shot_type, &s);
        if (err == WEFT_EFULL) {
            storm.full++;
            return weft_when(msg, weft_room(self, to), on_room);
        }
        if (err != WEFT_OK)
            wrong++;
        p->seq[at]++;
        p->sent++;
        storm.accepted++;
    }
    if (p->sent == QUOTA) {
        storm.done++;
        return WEFT_OK;
    }
    return play_later(self);
}

static weft_err on_shot(weft_actor *self, weft_msg *msg)
{
    player *p = weft_state(self);
    const shot *s = weft_body(msg);
    storm.received++;
    if (s->seq != p->last[s->from] + 1) /* each, and in the order of sending */
        wrong++;
    p->last[s->from] = s->seq;
    return WEFT_OK;
}

static weft_err on_asked_shot(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, num, .n = 1);
}

static weft_err start_player(weft_actor *self, weft_msg *msg, void *with)
{
    player *p = weft_state(self);
    p->index = (uint32_t)(uintptr_t)with;
    p->random.state = p->index * 7919U + 1;
    return play_on(self, msg);
}
static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}
static const weft_handler player_handlers[] = {{.type = &act_type, .fn = on_act},
                                               {.type = &num_type, .fn = play_on},
                                               {.type = &shot_type, .fn = on_shot},
                                               {.type = &big_shot_type, .fn = on_shot},
                                               {.type = &asked_shot_type, .fn = on_asked_shot},
                                               {0}};
/* A mailbox small enough to be full now and then. */
static const weft_behaviour playing = {.name = "player",
                                       .handlers = player_handlers,
                                       .state_bytes = sizeof(player),
                                       .mailbox_max = 100};

static bool storm_is_over(void)
{
    return storm.done == PLAYERS && storm.received == storm.accepted && storm.fired == storm.asked;
}

static void start_storm(weft_system *sys)
{
    memset(&storm, 0, sizeof storm);
    for (unsigned i = 0; i < PLAYERS; i++) {
        storm.who[i] = weft_system_spawn(sys, i % weft_system_reactors(sys), &playing, NULL);
        REQUIRE(!weft_ref_is_nobody(storm.who[i]));
    }
    for (unsigned i = 0; i < PLAYERS; i++)
        begin(sys, storm.who[i], start_player, (void *)(uintptr_t)i);
}

static void check_storm(unsigned reactors)
{
    weft_system *sys = threads_of(reactors);
    start_storm(sys);
    stop_when(sys, storm_is_over);
    run_to_its_end(sys);
    CHECK_U64(storm.accepted + storm.asked, PLAYERS * QUOTA);
    CHECK_U64(storm.received, storm.accepted);
    CHECK_U64(storm.fired, storm.asked);
}

static void a_storm_of_two_reactors_loses_nothing(void)
{
    check_storm(2);
}
static void a_storm_of_four_reactors_loses_nothing(void)
{
    check_storm(REACTORS);
}

/* ---- credit: more than may be abroad, to one that takes its time */

enum { FLOOD = 60000 };
static struct {
    weft_ref sink;
    _Atomic uint64_t got, refused;
    uint64_t sent;
} flood;

static weft_err flood_more(weft_actor *self, weft_msg *msg, void *with);
static weft_err on_flood_room(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    if (got->err != WEFT_OK)
        wrong++;
    return weft_tell(self, weft_self(self), act, .fn = flood_more);
}
static weft_err take_flood(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)msg, (void)with;
    while (flood.refused == 0) { /* 16,384 may be abroad: the rest has to wait */
    }
    flood.got++;
    return WEFT_OK;
}
static weft_err flood_more(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    while (flood.sent < FLOOD) {
        weft_err err = weft_tell(self, flood.sink, act, .fn = take_flood);
        if (err == WEFT_EFULL) {
            flood.refused++;
            return weft_when(msg, weft_room(self, flood.sink), on_flood_room);
        }
        if (err != WEFT_OK)
            wrong++;
        flood.sent++;
    }
    return WEFT_OK;
}
static bool flood_is_over(void)
{
    return flood.got == FLOOD;
}

static void credit_comes_back_to_one_that_waits_for_room(void)
{
    weft_system *sys = threads_of(2);
    memset(&flood, 0, sizeof flood);
    flood.sink = puppet_on(sys, 1);
    begin(sys, puppet_on(sys, 0), flood_more, NULL);
    stop_when(sys, flood_is_over);
    run_to_its_end(sys);
    CHECK_U64(flood.got, FLOOD);
    CHECK(flood.refused != 0);
}

/* ---- sleeping and waking */

enum { PINGS = 20000 };
static struct {
    weft_ref who[2];
    uint64_t pings;
} pong;

static weft_err ping(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    bool first = weft_ref_same(weft_self(self), pong.who[0]);
    if (first && ++pong.pings == PINGS) {
        weft_reactor_stats s;
        if (!weft_stats_reactor(weft_system_of(self), 0, &s) || s.sleeps == 0)
            wrong++;
        weft_system_stop(self, WEFT_OK);
        return WEFT_OK;
    }
    return weft_tell(self, pong.who[first], act, .fn = ping);
}

/* Each message finds its reactor asleep or about to be: one lost wake-up would hang it. */
static void a_ping_pong_between_sleepers_loses_no_wake_up(void)
{
    weft_system *sys = threads_of(2);
    pong.pings = 0;
    pong.who[0] = puppet_on(sys, 0);
    pong.who[1] = puppet_on(sys, 1);
    begin(sys, pong.who[0], ping, NULL);
    run_to_its_end(sys);
    CHECK_U64(pong.pings, PINGS);
}

/* ---- other threads */

enum { TELLERS = 3, TELLS = 5000 };
static struct {
    weft_system *sys;
    weft_ref to[REACTORS];
    _Atomic uint64_t got, through;
} tellers;

static weft_err take_one(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    if (!weft_ref_is_nobody(weft_sender(msg)))
        wrong++;
    tellers.got++;
    return WEFT_OK;
}
static void *tell_them(void *arg)
{
    act body = {take_one, NULL};
    (void)arg;
    for (unsigned i = 0; i < TELLS; i++)
        if (weft_system_tell(tellers.sys, tellers.to[i % REACTORS], &act_type, &body) != WEFT_OK)
            wrong++;
    tellers.through++;
    return NULL;
}
/* The system has to live as long as somebody tells it something. */
static bool tellers_are_over(void)
{
    return tellers.through == TELLERS && tellers.got == TELLERS * TELLS;
}

static void other_threads_may_tell(void)
{
    pthread_t thread[TELLERS];
    tellers.got = tellers.through = 0;
    tellers.sys = threads_of(REACTORS);
    for (unsigned i = 0; i < REACTORS; i++)
        tellers.to[i] = puppet_on(tellers.sys, i);
    stop_when(tellers.sys, tellers_are_over);
    for (int i = 0; i < TELLERS; i++)
        REQUIRE(pthread_create(&thread[i], NULL, tell_them, NULL) == 0);
    run_to_its_end(tellers.sys);
    for (int i = 0; i < TELLERS; i++)
        (void)pthread_join(thread[i], NULL);
    CHECK_U64(tellers.got, TELLERS * TELLS);
}

/* ---- bytes */

typedef struct gift {
    weft_bytes bytes;
    uint64_t seq;
} gift;
static const weft_type gift_type = WEFT_TYPE_BYTES("test.gift", gift, bytes, NULL);

enum { GIFTS = 2000 };
static struct {
    weft_ref to[REACTORS * 2];
    _Atomic uint64_t got;
} gifts;

typedef struct giver {
    weft_account account;
    uint64_t given;
} giver;
static _Atomic uint64_t lows;
static void on_low(weft_account *account)
{
    (void)account;
    lows++;
}
static const weft_account_ops giver_ops = {
    .name = "giver", .low = on_low, .state_offset = 1 + offsetof(giver, account)};

/* Several holders on several reactors for each buffer, and an account that must be empty in the end. */
static weft_err give(weft_actor *self, weft_msg *msg, void *with)
{
    giver *g = weft_state(self);
    (void)msg, (void)with;
    g->account.ops = &giver_ops;
    for (int i = 0; i < 20 && g->given < GIFTS; i++, g->given++) {
        uint8_t *to;
        gift body = {.seq = g->given};
        if (weft_bytes_charged(100 + g->given % 3000, &g->account, &to, &body.bytes) != WEFT_OK) {
            wrong++;
            continue;
        }
        memset(to, (int)(g->given & 0xFF), body.bytes.size);
        for (unsigned k = 0; k < REACTORS * 2; k++)
            if (weft_tell_body(self, gifts.to[k], &gift_type, &body) != WEFT_OK)
                wrong++;
        weft_bytes_drop(&body.bytes);
    }
    if (g->given == GIFTS && gifts.got == GIFTS * REACTORS * 2 &&
        weft_account_held(&g->account) == 0) {
        if (lows != GIFTS)
            wrong++;
        weft_system_stop(self, WEFT_OK);
        return WEFT_OK;
    }
    /* not at once: the others are to have a chance on few processors */
    return weft_after(self, 1, act, .fn = give).slot != 0 ? WEFT_OK : WEFT_ENOMEM;
}
static weft_err on_gift(weft_actor *self, weft_msg *msg)
{
    puppet_state *s = weft_state(self);
    const gift *g = weft_body(msg);
    for (size_t i = 0; i < g->bytes.size; i += 97)
        if (g->bytes.at[i] != (g->seq & 0xFF))
            wrong++;
    weft_bytes_drop(&s->bytes);
    if (g->seq % 3 == 0 && g->seq + 1 != GIFTS)
        s->bytes = weft_bytes_keep(self, g->bytes);
    gifts.got++;
    return WEFT_OK;
}
static void taker_ended(weft_actor *self, weft_err reason)
{
    puppet_state *s = weft_state(self);
    (void)reason;
    weft_bytes_drop(&s->bytes);
}
static const weft_handler giver_handlers[] = {{.type = &act_type, .fn = on_act}, {0}};
static const weft_behaviour giving = {.name = "giver",
                                      .handlers = giver_handlers,
                                      .state_bytes = sizeof(giver),
                                      .account = 1 + offsetof(giver, account)};
static const weft_handler taker_handlers[] = {{.type = &gift_type, .fn = on_gift}, {0}};
static const weft_behaviour taking = {.name = "taker",
                                      .handlers = taker_handlers,
                                      .state_bytes = sizeof(puppet_state),
                                      .ended = taker_ended,
                                      .mailbox_max = 1 << 20};

static void bytes_dropped_abroad_come_home_to_their_account(void)
{
    weft_system *sys = threads_of(REACTORS);
    gifts.got = lows = 0;
    for (unsigned i = 0; i < REACTORS * 2; i++)
        gifts.to[i] = weft_system_spawn(sys, i % REACTORS, &taking, NULL);
    begin(sys, weft_system_spawn(sys, 0, &giving, NULL), give, NULL);
    run_to_its_end(sys);
}

/* ---- monitors */

enum { MORTALS = 400 };
static struct {
    weft_ref mortal[MORTALS];
    _Atomic uint64_t monitored, downs, ready;
} deaths;

static weft_err die(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    return weft_stop_because(self, WEFT_EDONE, "its time had come");
}
static bool is_ignored(unsigned mortal, unsigned watcher)
{
    return mortal % 5 == watcher;
}
static weft_err watch_all(weft_actor *self, weft_msg *msg)
{
    unsigned me = weft_reactor_of(self);
    (void)msg;
    for (unsigned i = 0; i < MORTALS; i++) {
        if (weft_monitor(self, deaths.mortal[i]) != WEFT_OK)
            wrong++;
        if (is_ignored(i, me)) { /* some of them it no longer cares for */
            weft_demonitor(self, deaths.mortal[i]);
            continue;
        }
        deaths.monitored++;
        if (i % REACTORS == me) {
            act body = {die, NULL};
            weft_err err = weft_tell_body(self, deaths.mortal[i], &act_type, &body);
            if (err != WEFT_OK && err != WEFT_EGONE)
                wrong++;
        }
    }
    deaths.ready++;
    return WEFT_OK;
}
static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    const weft_down *down = weft_body(msg);
    unsigned i = 0;
    while (i < MORTALS && !weft_ref_same(down->who, deaths.mortal[i]))
        i++;
    if (i == MORTALS)
        wrong++;
    if (!is_ignored(i, weft_reactor_of(self))) /* whose may have been in the mailbox before */
        deaths.downs++;
    if (down->reason == WEFT_EDONE ? strcmp(down->why, "its time had come") != 0
                                   : down->reason != WEFT_EGONE)
        wrong++;
    return WEFT_OK;
}
static const weft_handler watcher_handlers[] = {
    {.type = &num_type, .fn = watch_all}, {.type = &weft_down_type, .fn = on_down}, {0}};
static const weft_behaviour watching = {.name = "watching", .handlers = watcher_handlers};
static bool deaths_are_over(void)
{
    return deaths.ready == REACTORS && deaths.downs == deaths.monitored;
}
static weft_err die_at_last(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg, (void)with;
    for (unsigned i = 0; i < MORTALS; i++)
        (void)weft_tell(self, deaths.mortal[i], act, .fn = die);
    return WEFT_OK;
}

static void every_monitor_across_reactors_is_told_once(void)
{
    weft_system *sys = threads_of(REACTORS);
    memset(&deaths, 0, sizeof deaths);
    for (unsigned i = 0; i < MORTALS; i++)
        deaths.mortal[i] = puppet_on(sys, (i / 7) % REACTORS);
    for (unsigned i = 0; i < REACTORS; i++)
        CHECK_OK(weft_system_tell(sys, weft_system_spawn(sys, i, &watching, NULL), &num_type,
                                  &(num){1}));
    begin(sys, puppet_on(sys, 2), die_at_last, NULL);
    stop_when(sys, deaths_are_over);
    run_to_its_end(sys);
}

/* ---- names */

enum { CLAIMS = 1500 };
static struct {
    _Atomic int held[4];
    _Atomic uint64_t claims, claimed;
} claims;

static const char *const claim_names[4] = {"crown", "sceptre", "orb", "throne"};

static void claimant_ended(weft_actor *self, weft_err reason)
{
    int64_t *which = weft_state(self);
    (void)reason;
    if (*which != 0)
        claims.held[*which - 1]--; /* before the name is free again */
}
static weft_err claim(weft_actor *self, weft_msg *msg);
static const weft_handler claim_handlers[] = {{.type = &num_type, .fn = claim}, {0}};
static const weft_behaviour claimant = {
    .name = "claimant", .handlers = claim_handlers, .state_bytes = 8, .ended = claimant_ended};

static weft_err claim(weft_actor *self, weft_msg *msg)
{
    int64_t *which = weft_state(self);
    uint64_t k = ((const num *)weft_body(msg))->n % 4;
    weft_err err = weft_register(self, claim_names[k]);
    if (err == WEFT_OK) {
        *which = (int64_t)k + 1;
        claims.claimed++;
        if (++claims.held[k] != 1) /* never two of them at once */
            wrong++;
        if (!weft_ref_same(weft_lookup(self, claim_names[k]), weft_self(self)))
            wrong++;
    } else if (err != WEFT_EEXISTS)
        wrong++;
    (void)weft_tell(self, weft_named(self, claim_names[(k + 1) % 4]), act, .fn = die);
    claims.claims++;
    return weft_stop(self, WEFT_OK);
}
static weft_err send_claimants(weft_actor *self, weft_msg *msg, void *with)
{
    uint64_t left = (uint64_t)(uintptr_t)with;
    (void)msg;
    for (int i = 0; i < 10 && left != 0; i++, left--)
        if (weft_tell(self, weft_spawn(self, &claimant, NULL), num, .n = left) != WEFT_OK)
            wrong++;
    if (left == 0)
        return WEFT_OK;
    return weft_tell(self, weft_self(self), act, .fn = send_claimants,
                     .with = (void *)(uintptr_t)left);
}
static bool claims_are_over(void)
{
    return claims.claims == (uint64_t)CLAIMS * REACTORS;
}

static void a_name_has_one_holder_whoever_claims_it(void)
{
    weft_system *sys = threads_of(REACTORS);
    memset(&claims, 0, sizeof claims);
    for (unsigned i = 0; i < REACTORS; i++)
        begin(sys, puppet_on(sys, i), send_claimants, (void *)(uintptr_t)CLAIMS);
    stop_when(sys, claims_are_over);
    run_to_its_end(sys);
    CHECK(claims.claimed >= 4);
}

/* ---- spawning on other reactors */

enum { SPAWNS = 500 };
static _Atomic uint64_t spawned, bodies;

static weft_err count_body(weft_actor *self, weft_msg *msg, void *with)
{
    (void)msg;
    if (weft_reactor_of(self) != (unsigned)(uintptr_t)with)
        wrong++;
    bodies++;
    return weft_stop(self, WEFT_OK);
}
static weft_err on_spawned(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    if (got->err != WEFT_OK) {
        wrong++;
        return WEFT_OK;
    }
    weft_ref ref = ((const weft_spawned *)got->body)->ref;
    spawned++;
    return weft_tell(self, ref, act, .fn = count_body, .with = (void *)(uintptr_t)(ref.home - 1));
}
static weft_err spawn_many(weft_actor *self, weft_msg *msg, void *with)
{
    (void)with;
    for (unsigned i = 0; i < SPAWNS; i++)
        if (weft_when(msg, weft_spawn_on(self, i % REACTORS, &puppet, NULL), on_spawned) != WEFT_OK)
            wrong++;
    return WEFT_OK;
}
static bool spawns_are_over(void)
{
    return bodies == (uint64_t)SPAWNS * REACTORS;
}

static void actors_are_spawned_on_every_reactor_from_every_other(void)
{
    weft_system *sys = threads_of(REACTORS);
    spawned = bodies = 0;
    for (unsigned i = 0; i < REACTORS; i++)
        begin(sys, puppet_on(sys, i), spawn_many, NULL);
    stop_when(sys, spawns_are_over);
    run_to_its_end(sys);
    CHECK_U64(spawned, SPAWNS * REACTORS);
}

/* ---- cancelling */

enum { CANCELS = 3000 };
static struct {
    weft_ref answerer;
    _Atomic uint64_t fired, asked;
} cancels;

static weft_err answer_it(weft_actor *self, weft_msg *msg, void *with)
{
    (void)self, (void)with;
    return weft_reply(msg, num, .n = 1);
}
static weft_err on_either(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    cancels.fired++;
    if (got->err != WEFT_OK && got->err != WEFT_ECANCELLED)
        wrong++;
    return WEFT_OK;
}
static weft_err ask_and_cancel(weft_actor *self, weft_msg *msg, void *with)
{
    uint64_t left = (uint64_t)(uintptr_t)with;
    for (int i = 0; i < 5 && left != 0; i++, left--) {
        weft_deferred d = weft_ask(self, cancels.answerer, act, .fn = answer_it);
        cancels.asked++;
        if (weft_when(msg, d, on_either) != WEFT_OK ||
            (left % 2 != 0 && weft_cancel(self, d) != WEFT_OK))
            wrong++;
    }
    if (left == 0)
        return WEFT_OK;
    return weft_tell(self, weft_self(self), act, .fn = ask_and_cancel,
                     .with = (void *)(uintptr_t)left);
}
static bool cancels_are_over(void)
{
    return cancels.asked == (uint64_t)CANCELS * (REACTORS - 1) && cancels.fired == cancels.asked;
}

static void asks_cancelled_on_their_way_end_once(void)
{
    weft_system *sys = threads_of(REACTORS);
    memset(&cancels, 0, sizeof cancels);
    cancels.answerer = puppet_on(sys, 0);
    for (unsigned i = 1; i < REACTORS; i++)
        begin(sys, puppet_on(sys, i), ask_and_cancel, (void *)(uintptr_t)CANCELS);
    stop_when(sys, cancels_are_over);
    run_to_its_end(sys);
}

/* ---- requests that are forwarded, and cancelled on their way */

enum { FORWARDS = 2000 };
static struct {
    weft_ref first[REACTORS], second[REACTORS];
    _Atomic uint64_t asked, fired, kept, told;
} forwards;

static weft_err go_second(weft_actor *self, weft_msg *msg)
{
    const num *n = weft_body(msg);
    (void)self;
    return weft_forward(msg, forwards.second[n->n % REACTORS]);
}
static weft_err go_first(weft_actor *self, weft_msg *msg)
{
    const num *n = weft_body(msg);
    (void)self;
    return weft_forward(msg, forwards.first[n->n / REACTORS % REACTORS]);
}
/* Keeps every request until it is told that nobody waits: one that is not found stays for ever. */
static weft_err keep_for_ever(weft_actor *self, weft_msg *msg)
{
    (void)self;
    forwards.kept++;
    (void)weft_keep(msg);
    return WEFT_OK;
}
static weft_err let_go(weft_actor *self, weft_msg *msg)
{
    weft_msg *kept = (weft_msg *)(uintptr_t)((const weft_cancelled *)weft_body(msg))->msg;
    (void)self;
    forwards.told++;
    weft_drop(&kept);
    return WEFT_OK;
}
static const weft_handler door_rows[] = {{.type = &num_type, .fn = go_first}, {0}};
static const weft_handler first_rows[] = {{.type = &num_type, .fn = go_second}, {0}};
static const weft_handler second_rows[] = {
    {.type = &num_type, .fn = keep_for_ever}, {.type = &weft_cancelled_type, .fn = let_go}, {0}};
static const weft_behaviour door = {.name = "door", .handlers = door_rows};
static const weft_behaviour first_hop = {.name = "first", .handlers = first_rows};
static const weft_behaviour second_hop = {.name = "second", .handlers = second_rows};
static weft_ref doors[REACTORS];

static weft_err on_forward_end(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    forwards.fired++;
    if (got->err != WEFT_ECANCELLED)
        wrong++;
    return WEFT_OK;
}

typedef struct patience {
    weft_deferred asked[8];
    uint64_t left, seed;
} patience;

/* Cancels what the turn before asked, a little or a long time after. */
static weft_err ask_far(weft_actor *self, weft_msg *msg)
{
    patience *p = weft_state(self);
    for (unsigned i = 0; i < 8; i++)
        if (p->asked[i].slot != 0 && weft_cancel(self, p->asked[i]) != WEFT_OK)
            wrong++;
    memset(p->asked, 0, sizeof p->asked);
    for (unsigned i = 0; i < 8 && p->left != 0; i++, p->left--) {
        p->seed = p->seed * 6364136223846793005U + 1442695040888963407U;
        p->asked[i] =
            weft_ask(self, doors[p->seed >> 60 & (REACTORS - 1)], num, .n = p->seed >> 40);
        forwards.asked++;
        if (weft_when(msg, p->asked[i], on_forward_end) != WEFT_OK)
            wrong++;
    }
    if (p->asked[0].slot == 0)
        return WEFT_OK;
    for (uint64_t spin = p->seed >> 33 & 0x3fff; spin != 0; spin--)
        __asm__ volatile("");
    return weft_tell(self, weft_self(self), shot, .seq = 1);
}
static weft_err begin_far(weft_actor *self, weft_msg *msg)
{
    patience *p = weft_state(self);
    p->left = FORWARDS;
    p->seed = 1 + weft_reactor_of(self);
    return ask_far(self, msg);
}
static const weft_handler impatient_rows[] = {
    {.type = &weft_started_type, .fn = begin_far}, {.type = &shot_type, .fn = ask_far}, {0}};
static const weft_behaviour impatient = {
    .name = "impatient", .handlers = impatient_rows, .state_bytes = sizeof(patience)};

static bool forwards_are_over(void)
{
    return forwards.asked == (uint64_t)FORWARDS * REACTORS && forwards.fired == forwards.asked &&
           forwards.told == forwards.kept;
}

static void a_cancel_finds_what_was_forwarded_whoever_is_faster(void)
{
    weft_system *sys = threads_of(REACTORS);
    memset(&forwards, 0, sizeof forwards);
    for (unsigned i = 0; i < REACTORS; i++) {
        doors[i] = weft_system_spawn(sys, i, &door, NULL);
        forwards.first[i] = weft_system_spawn(sys, i, &first_hop, NULL);
        forwards.second[i] = weft_system_spawn(sys, i, &second_hop, NULL);
    }
    for (unsigned i = 0; i < REACTORS; i++)
        CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, i, &impatient, NULL)));
    stop_when(sys, forwards_are_over);
    run_to_its_end(sys);
    CHECK(forwards.kept > 0);
}

/* ---- the pool, grown by all reactors at once */

enum { POOL_ASKS = 500, POOL_THREADS = 6 };
static struct {
    _Atomic uint64_t served, fired, spawned, seen[POOL_THREADS];
} pool;

static weft_err serve_pool(weft_actor *self, weft_msg *msg)
{
    const num *n = weft_body(msg);
    unsigned at = weft_reactor_of(self) - REACTORS;
    if (at >= POOL_THREADS)
        wrong++;
    else
        pool.seen[at]++;
    pool.served++;
    return weft_reply(msg, num, .n = n->n + 1);
}
static weft_err on_pool(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const num *n = weft_body(msg);
    if (got->err != WEFT_OK || ((const num *)got->body)->n != n->n)
        wrong++;
    pool.fired++;
    return n->n == 1 ? WEFT_OK : weft_tell(self, weft_self(self), num, .n = n->n - 1);
}
static weft_err ask_pool_once(weft_actor *self, weft_msg *msg)
{
    const num *n = weft_body(msg);
    return weft_when(msg, weft_ask_pool(self, serve_pool, num, .n = n->n - 1), on_pool);
}
static weft_err on_pool_spawned(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)msg;
    if (got->err != WEFT_OK)
        wrong++;
    pool.spawned++;
    return WEFT_OK;
}
static weft_err begin_pool(weft_actor *self, weft_msg *msg)
{
    weft_err err = weft_when(msg, weft_spawn_blocking(self, &puppet, NULL), on_pool_spawned);
    if (err != WEFT_OK || weft_tell(self, weft_self(self), num, .n = POOL_ASKS) != WEFT_OK)
        wrong++;
    return WEFT_OK;
}
static const weft_handler pool_rows[] = {
    {.type = &weft_started_type, .fn = begin_pool}, {.type = &num_type, .fn = ask_pool_once}, {0}};
static const weft_behaviour pool_asker = {.name = "pool_asker", .handlers = pool_rows};

static bool pool_is_over(void)
{
    return pool.fired == (uint64_t)POOL_ASKS * REACTORS && pool.spawned == REACTORS;
}

static void a_pool_that_all_reactors_ask_at_once_serves_all(void)
{
    weft_system *sys = weft_system_new(&(weft_system_options){.reactors = REACTORS,
                                                              .pool = POOL_THREADS,
                                                              .no_signals = true,
                                                              .spin_us = 1,
                                                              .log_level = WEFT_NO_LOG,
                                                              .log_level_set = true});
    REQUIRE(sys != NULL);
    wrong = 0;
    memset(&pool, 0, sizeof pool);
    for (unsigned i = 0; i < REACTORS; i++)
        CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, i, &pool_asker, NULL)));
    CHECK_U64(wf_threads(sys), REACTORS);
    stop_when(sys, pool_is_over);
    run_to_its_end(sys);
    CHECK_U64(pool.served, pool.fired);
}

/* ---- an end in the middle of everything, and somebody who looks on */

static _Atomic bool looking;
static void *look_on(void *arg)
{
    const weft_system *sys = arg;
    uint64_t sum = 0;
    while (looking)
        for (unsigned i = 0; i < REACTORS; i++) {
            weft_reactor_stats r;
            weft_actor_stats a;
            uint32_t cursor = 0;
            if (!weft_stats_reactor(sys, i, &r))
                wrong++;
            sum += r.messages;
            while (weft_stats_next(sys, i, &cursor, &a))
                sum += a.handled + a.queued + strlen(a.behaviour);
        }
    return (void *)(uintptr_t)(sum != 0);
}

typedef struct ending {
    weft_system *sys;
    uint64_t after;
    pthread_t looker;
} ending;
static void *end_in_the_middle(void *arg)
{
    const ending *e = arg;
    while (storm.received < e->after) {
    }
    looking = false;
    (void)pthread_join(e->looker, NULL); /* who looks on does so while it lives */
    weft_system_shutdown(e->sys, WEFT_OK);
    return NULL;
}

static void a_storm_may_be_stopped_in_its_middle(void)
{
    for (uint64_t after = 1; after < 8000; after = after * 5 + 3) {
        pthread_t ender;
        ending e = {.sys = threads_of(REACTORS), .after = after};
        weft_system *sys = e.sys;
        start_storm(sys);
        looking = true;
        REQUIRE(pthread_create(&e.looker, NULL, look_on, sys) == 0);
        REQUIRE(pthread_create(&ender, NULL, end_in_the_middle, &e) == 0);
        CHECK_I64(weft_run(&sys), 0);
        (void)pthread_join(ender, NULL);
    }
}

static const test_case cases[] = {
    TEST(a_storm_of_two_reactors_loses_nothing),
    TEST(a_storm_of_four_reactors_loses_nothing),
    TEST(credit_comes_back_to_one_that_waits_for_room),
    TEST(a_ping_pong_between_sleepers_loses_no_wake_up),
    TEST(other_threads_may_tell),
    TEST(bytes_dropped_abroad_come_home_to_their_account),
    TEST(every_monitor_across_reactors_is_told_once),
    TEST(a_name_has_one_holder_whoever_claims_it),
    TEST(actors_are_spawned_on_every_reactor_from_every_other),
    TEST(asks_cancelled_on_their_way_end_once),
    TEST(a_cancel_finds_what_was_forwarded_whoever_is_faster),
    TEST(a_pool_that_all_reactors_ask_at_once_serves_all),
    TEST(a_storm_may_be_stopped_in_its_middle),
    {0},
};

const test_suite threads_suite = {.name = "runtime/threads", .cases = cases, .threads = true};
