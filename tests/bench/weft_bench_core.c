/* SPDX-License-Identifier: MIT */
/* weft's side of `./weft bench core`: messages, asks, spawns and memory, one case a run.
 *
 * weft_bench_core CASE [N] prints lines "name value unit". README.md defines each workload. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weft/fiber.h>
#include <weft/system.h>

#include "weft_bench_restart.h"

typedef struct num {
    int64_t v;
} num;
static const weft_type ping_type = WEFT_TYPE("bench.ping", num, NULL);
static const weft_type go_type = WEFT_TYPE("bench.go", num, NULL);
static const weft_type answer_type = WEFT_TYPE("bench.answer", num, NULL);
static const weft_type query_type = WEFT_TYPE("bench.query", num, &answer_type);
typedef num ping, go, answer, query;

static weft_system *bench_system;
static double begun;
static const char *case_name;
static double per_op;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static long rss_kb(void)
{
    long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Wake-ups of both reactors for each message, where each side sleeps before it. */
static void tell_wakes(void)
{
    uint64_t wakes = 0;
    weft_reactor_stats stats;
    for (unsigned i = 0; weft_stats_reactor(bench_system, i, &stats); i++)
        wakes += stats.wakes;
    printf("%s_wakes %.2f wakes/msg\n", case_name, (double)wakes / per_op);
}

static weft_err done(weft_actor *self)
{
    if (strstr(case_name, "asleep") != NULL)
        tell_wakes();
    printf("%s %.2f ns\n", case_name, (now_s() - begun) * 1e9 / per_op);
    fflush(stdout);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err ignore(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

/* ---- ping-pong and ring: v > 0 goes on with v - 1 */

typedef struct peer {
    weft_ref to;
    int64_t left, n;
} peer;
static const weft_type wire_type = WEFT_TYPE("bench.wire", weft_ref, NULL);

static weft_err on_wire(weft_actor *self, weft_msg *msg)
{
    memcpy(&((peer *)weft_state(self))->to, weft_body(msg), sizeof(weft_ref));
    return WEFT_OK;
}

static weft_err on_ping(weft_actor *self, weft_msg *msg)
{
    const peer *p = weft_state(self);
    int64_t v = ((const ping *)weft_body(msg))->v;
    if (v == 0)
        return done(self);
    return weft_tell(self, p->to, ping, .v = v - 1);
}

static weft_err on_ring_go(weft_actor *self, weft_msg *msg)
{
    const peer *p = weft_state(self);
    begun = now_s();
    return weft_tell(self, p->to, ping, .v = ((const go *)weft_body(msg))->v);
}

static const weft_handler pinger_rows[] = {
    {.type = &wire_type, .fn = on_wire},
    {.type = &go_type, .fn = on_ring_go},
    {.type = &ping_type, .fn = on_ping},
    {0},
};
static const weft_behaviour pinger = {
    .name = "pinger", .handlers = pinger_rows, .state_bytes = sizeof(peer)};

static void ring(weft_system *sys, int n, int64_t hops)
{
    weft_ref *v = calloc((size_t)n, sizeof *v);
    per_op = (double)hops;
    for (int i = 0; i < n; i++)
        v[i] = weft_system_spawn(sys, 0, &pinger, NULL);
    for (int i = 0; i < n; i++)
        (void)weft_system_tell(sys, v[i], &wire_type, &v[(i + 1) % n]);
    (void)weft_system_tell(sys, v[0], &go_type, &(go){hops});
    free(v);
}

static void pingpong_cross(weft_system *sys, int64_t n)
{
    weft_ref a = weft_system_spawn(sys, 0, &pinger, NULL);
    weft_ref b = weft_system_spawn(sys, 1, &pinger, NULL);
    per_op = (double)n;
    (void)weft_system_tell(sys, a, &wire_type, &b);
    (void)weft_system_tell(sys, b, &wire_type, &a);
    (void)weft_system_tell(sys, a, &go_type, &(go){n});
}

/* ---- count and fan-in: 1,000 a turn, then "go" to itself; a refusal ends the turn early */

static weft_err on_count(weft_actor *self, weft_msg *msg)
{
    peer *p = weft_state(self);
    (void)msg;
    if (++p->n == p->left)
        return done(self);
    return WEFT_OK;
}

static weft_err on_count_go(weft_actor *self, weft_msg *msg)
{
    peer *p = weft_state(self);
    p->left = ((const go *)weft_body(msg))->v;
    return WEFT_OK;
}

static weft_err on_roomy(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg, (void)got;
    return weft_tell(self, weft_self(self), go, .v = 0);
}

static weft_err on_produce(weft_actor *self, weft_msg *msg)
{
    peer *p = weft_state(self);
    int64_t first = ((const go *)weft_body(msg))->v;
    if (begun == 0)
        begun = now_s();
    if (first != 0)
        p->left = first;
    weft_err err = WEFT_OK;
    for (int i = 0; i < 1000 && p->left != 0; i++, p->left--)
        if ((err = weft_tell(self, p->to, ping, .v = 1)) != WEFT_OK)
            break;
    if (p->left == 0)
        return WEFT_OK;
    if (err == WEFT_EFULL)
        return weft_when(msg, weft_room(self, p->to), on_roomy);
    return weft_tell(self, weft_self(self), go, .v = 0);
}

static const weft_handler counter_rows[] = {
    {.type = &go_type, .fn = on_count_go},
    {.type = &ping_type, .fn = on_count},
    {0},
};
static const weft_behaviour counter = {
    .name = "counter", .handlers = counter_rows, .state_bytes = sizeof(peer)};
static const weft_handler producer_rows[] = {
    {.type = &wire_type, .fn = on_wire},
    {.type = &go_type, .fn = on_produce},
    {0},
};
static const weft_behaviour producer = {
    .name = "producer", .handlers = producer_rows, .state_bytes = sizeof(peer)};

static void count(weft_system *sys, unsigned home, int producers, int64_t n)
{
    weft_ref c = weft_system_spawn(sys, home, &counter, NULL);
    int64_t each = n / producers;
    per_op = (double)(each * producers);
    (void)weft_system_tell(sys, c, &go_type, &(go){each * producers});
    for (int i = 0; i < producers; i++) {
        unsigned at = producers > 1 && weft_system_reactors(sys) > 1 ? (unsigned)i & 1 : 0;
        weft_ref p = weft_system_spawn(sys, at, &producer, NULL);
        (void)weft_system_tell(sys, p, &wire_type, &c);
        (void)weft_system_tell(sys, p, &go_type, &(go){each});
    }
}

/* ---- ask: each answer asks again */

static uint32_t ask_limit;
static weft_ref await_then; /* does the same by awaiting, for comparison */
static double asked_ns;

static weft_err on_asked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    peer *p = weft_state(self);
    if (got->err != WEFT_OK) {
        fprintf(stderr, "ask failed: %s\n", got->why);
        exit(1);
    }
    if (--p->left == 0 && weft_ref_is_nobody(await_then))
        return done(self);
    if (p->left == 0) {
        asked_ns = (now_s() - begun) * 1e9 / per_op;
        return weft_ignore(self,
                           weft_ask_within(self, await_then, 600000, query, .v = (int64_t)per_op));
    }
    return weft_when(
        msg, weft_ask_within(self, p->to, ask_limit, query, .v = ((const answer *)got->body)->v),
        on_asked);
}

static weft_err on_ask_query(weft_actor *self, weft_msg *msg)
{
    /* served as a request with a limit, so that its asks inherit */
    peer *p = weft_state(self);
    p->left = ((const query *)weft_body(msg))->v;
    begun = now_s();
    return weft_when(msg, weft_ask_within(self, p->to, ask_limit, query, .v = 0), on_asked);
}

/* The same in a straight line: each answer is awaited. */
static weft_err on_await_query(weft_actor *self, weft_msg *msg)
{
    const peer *p = weft_state(self);
    int64_t v = 0;
    begun = now_s();
    for (int64_t left = ((const query *)weft_body(msg))->v; left != 0; left--) {
        const weft_outcome *got =
            weft_await(self, weft_ask_within(self, p->to, ask_limit, query, .v = v));
        if (got->err != WEFT_OK) {
            fprintf(stderr, "ask failed: %s\n", got->why);
            exit(1);
        }
        v = ((const answer *)got->body)->v;
    }
    printf("await_more %.2f ns\n", (now_s() - begun) * 1e9 / per_op - asked_ns);
    return done(self);
}

static weft_err on_starter_go(weft_actor *self, weft_msg *msg)
{
    const peer *p = weft_state(self);
    return weft_ignore(
        self, weft_ask_within(self, p->to, 600000, query, .v = ((const go *)weft_body(msg))->v));
}

static weft_err on_query(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, answer, .v = ((const query *)weft_body(msg))->v + 1);
}

static const weft_handler asker_rows[] = {
    {.type = &wire_type, .fn = on_wire},
    {.type = &query_type, .fn = on_ask_query},
    {0},
};
static const weft_behaviour asker = {
    .name = "asker", .handlers = asker_rows, .state_bytes = sizeof(peer)};
static const weft_handler awaiter_rows[] = {
    {.type = &wire_type, .fn = on_wire},
    {.type = &query_type, .fn = on_await_query, .fiber = true},
    {0},
};
static const weft_behaviour awaiter = {
    .name = "awaiter", .handlers = awaiter_rows, .state_bytes = sizeof(peer)};
static const weft_handler starter_rows[] = {
    {.type = &wire_type, .fn = on_wire},
    {.type = &go_type, .fn = on_starter_go},
    {0},
};
static const weft_behaviour starter = {
    .name = "starter", .handlers = starter_rows, .state_bytes = sizeof(peer)};
static const weft_handler server_rows[] = {
    {.type = &query_type, .fn = on_query},
    {0},
};
static const weft_behaviour server = {.name = "server", .handlers = server_rows};

static void ask(weft_system *sys, unsigned home, uint32_t limit, int64_t n)
{
    weft_ref s = weft_system_spawn(sys, home, &server, NULL);
    weft_ref a = weft_system_spawn(sys, 0, &asker, NULL);
    weft_ref b = weft_system_spawn(sys, 0, &starter, NULL);
    ask_limit = limit;
    per_op = (double)n;
    (void)weft_system_tell(sys, a, &wire_type, &s);
    (void)weft_system_tell(sys, b, &wire_type, &a);
    (void)weft_system_tell(sys, b, &go_type, &(go){n});
}

static void await(weft_system *sys, int64_t n)
{
    weft_ref s = weft_system_spawn(sys, 0, &server, NULL);
    await_then = weft_system_spawn(sys, 0, &awaiter, NULL);
    (void)weft_system_tell(sys, await_then, &wire_type, &s);
    ask(sys, 0, WEFT_INHERIT, n);
}

/* ---- spawn: 1,000 alive, each gets one message, answers and exits */

static weft_err on_short(weft_actor *self, weft_msg *msg)
{
    weft_err err = weft_tell(self, weft_sender(msg), answer, .v = 1);
    return err != WEFT_OK ? err : weft_stop(self, WEFT_OK);
}

static const weft_handler short_rows[] = {
    {.type = &ping_type, .fn = on_short},
    {0},
};
static const weft_behaviour short_lived = {
    .name = "short", .handlers = short_rows, .state_bytes = 32};

static void spawn_one(weft_actor *self)
{
    weft_ref child = weft_spawn(self, &short_lived, NULL);
    if (weft_tell(self, child, ping, .v = 1) != WEFT_OK) {
        fprintf(stderr, "spawn failed\n");
        exit(1);
    }
}

static weft_err on_short_done(weft_actor *self, weft_msg *msg)
{
    peer *p = weft_state(self);
    (void)msg;
    if (--p->left == 0)
        return done(self);
    if (p->n > 0) {
        p->n--;
        spawn_one(self);
    }
    return WEFT_OK;
}

static weft_err on_spawner_go(weft_actor *self, weft_msg *msg)
{
    peer *p = weft_state(self);
    p->n = p->left = ((const go *)weft_body(msg))->v;
    begun = now_s();
    for (int i = 0; i < 1000; i++, p->n--)
        spawn_one(self);
    return WEFT_OK;
}

static const weft_handler spawner_rows[] = {
    {.type = &go_type, .fn = on_spawner_go},
    {.type = &answer_type, .fn = on_short_done},
    {0},
};
static const weft_behaviour spawner = {
    .name = "spawner", .handlers = spawner_rows, .state_bytes = sizeof(peer)};

/* ---- producer_thousand: a spawner of 1,000 children a turn; children alive at most are told */

static int64_t alive, alive_most;

static weft_err on_brief(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    alive--;
    return weft_stop(self, WEFT_OK);
}
static const weft_handler brief_rows[] = {
    {.type = &ping_type, .fn = on_brief},
    {0},
};
static const weft_behaviour brief = {.name = "brief", .handlers = brief_rows, .state_bytes = 32};

static weft_err on_thousand(weft_actor *self, weft_msg *msg)
{
    peer *p = weft_state(self);
    int64_t first = ((const go *)weft_body(msg))->v;
    if (first != 0) {
        p->left = first;
        begun = now_s();
    }
    for (int i = 0; i < 1000 && p->left > 0; i++, p->left--) {
        weft_ref child = weft_spawn(self, &brief, NULL);
        (void)weft_tell(self, child, ping, .v = 1);
        if (++alive > alive_most)
            alive_most = alive;
    }
    if (p->left > 0)
        return weft_tell(self, weft_self(self), go, .v = 0);
    printf("producer_thousand_alive %lld actors\n", (long long)alive_most);
    return done(self);
}
static const weft_handler thousand_rows[] = {
    {.type = &go_type, .fn = on_thousand},
    {0},
};
static const weft_behaviour thousand = {
    .name = "thousand", .handlers = thousand_rows, .state_bytes = sizeof(peer)};

/* ---- skynet */

typedef struct sky {
    weft_ref parent;
    int64_t sum;
    int32_t waiting;
} sky;
typedef struct sky_start {
    int64_t first, size;
} sky_start;
static const weft_type sky_start_type = WEFT_TYPE("bench.sky_start", sky_start, NULL);
static const weft_behaviour sky_node;
static long rss_before;

static weft_err on_sky_start(weft_actor *self, weft_msg *msg)
{
    const sky_start *s = weft_body(msg);
    sky *me = weft_state(self);
    me->parent = weft_sender(msg);
    if (weft_ref_is_nobody(me->parent)) {
        rss_before = rss_kb();
        begun = now_s();
    }
    if (s->size == 1) {
        weft_err err = weft_tell(self, me->parent, answer, .v = s->first);
        return err != WEFT_OK ? err : weft_stop(self, WEFT_OK);
    }
    me->waiting = 10;
    for (int i = 0; i < 10; i++)
        (void)weft_tell(self, weft_spawn(self, &sky_node, NULL), sky_start,
                        .first = s->first + i * (s->size / 10), .size = s->size / 10);
    return WEFT_OK;
}

static weft_err on_sky_answer(weft_actor *self, weft_msg *msg)
{
    sky *me = weft_state(self);
    me->sum += ((const answer *)weft_body(msg))->v;
    if (--me->waiting != 0)
        return WEFT_OK;
    if (weft_ref_is_nobody(me->parent)) {
        if (me->sum != 499999500000) {
            fprintf(stderr, "skynet: wrong sum %lld\n", (long long)me->sum);
            exit(1);
        }
        printf("skynet_rss %.2f MiB\n", (double)(rss_kb() - rss_before) / 1024);
        return done(self);
    }
    weft_err err = weft_tell(self, me->parent, answer, .v = me->sum);
    return err != WEFT_OK ? err : weft_stop(self, WEFT_OK);
}

static const weft_handler sky_rows[] = {
    {.type = &sky_start_type, .fn = on_sky_start},
    {.type = &answer_type, .fn = on_sky_answer},
    {0},
};
static const weft_behaviour sky_node = {
    .name = "sky", .handlers = sky_rows, .state_bytes = sizeof(sky)};

/* ---- idle: a million actors with 32 bytes of state, one message each */

static weft_err on_idle_ping(weft_actor *self, weft_msg *msg)
{
    peer *p = weft_state(self);
    p->n += ((const ping *)weft_body(msg))->v;
    return weft_tell(self, weft_sender(msg), answer, .v = p->n);
}
static const weft_handler idle_rows[] = {
    {.type = &ping_type, .fn = on_idle_ping},
    {0},
};
static const weft_behaviour idle = {.name = "idle", .handlers = idle_rows, .state_bytes = 32};

static weft_err on_idle_go(weft_actor *self, weft_msg *msg)
{
    peer *p = weft_state(self);
    int64_t first = ((const go *)weft_body(msg))->v;
    if (first != 0) {
        p->n = p->left = first;
        rss_before = rss_kb();
    }
    for (int i = 0; i < 1000 && p->left > 0; i++, p->left--)
        (void)weft_tell(self, weft_spawn(self, &idle, NULL), ping, .v = 1);
    if (p->left > 0)
        return weft_tell(self, weft_self(self), go, .v = 0);
    printf("idle %.1f bytes\n", (double)(rss_kb() - rss_before) * 1024 / (double)p->n);
    fflush(stdout);
    _exit(0); /* ending a million actors is not what is measured */
}
static const weft_handler idle_root_rows[] = {
    {.type = &go_type, .fn = on_idle_go},
    {.type = &answer_type, .fn = ignore},
    {0},
};
static const weft_behaviour idle_root = {.name = "idle_root",
                                         .handlers = idle_root_rows,
                                         .state_bytes = sizeof(peer),
                                         .mailbox_max = 1 << 22};

/* ---- timer: armed and cancelled with 100,000 armed */

static weft_err on_timer_go(weft_actor *self, weft_msg *msg)
{
    int64_t n = ((const go *)weft_body(msg))->v;
    for (uint32_t i = 0; i < 100000; i++)
        (void)weft_after(self, 1000 + i, ping, .v = 1);
    begun = now_s();
    for (int64_t i = 0; i < n; i++) {
        weft_timer t = weft_after(self, 5000 + ((uint32_t)i & 4095), ping, .v = 1);
        weft_timer_cancel(self, &t);
    }
    per_op = (double)n;
    return done(self);
}
static const weft_handler timer_rows[] = {
    {.type = &go_type, .fn = on_timer_go},
    {.type = &ping_type, .fn = ignore},
    {0},
};
static const weft_behaviour timer_user = {.name = "timers", .handlers = timer_rows};

static weft_err start_one(weft_system *sys, const weft_behaviour *behaviour, int64_t n)
{
    per_op = (double)n;
    return weft_system_tell(sys, weft_system_spawn(sys, 0, behaviour, NULL), &go_type, &(go){n});
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "pingpong";
    int64_t n = argc > 2 ? atoll(argv[2]) : 0;
    bool cross = strstr(name, "cross") != NULL || strcmp(name, "fanin") == 0;
    bool asleep = strstr(name, "asleep") != NULL;
    bool restart = strcmp(name, "restart") == 0; /* each would be a line of the log */
    weft_system_options options = {.reactors = cross ? 2 : 1,
                                   .spin_us = asleep ? WEFT_NO_SPIN : 100,
                                   .log_level = restart ? WEFT_ERROR : WEFT_NOTICE,
                                   .log_level_set = true};
    weft_system *sys = weft_system_new(&options);
    if (sys == NULL)
        return 1;
    bench_system = sys;
#define N(def) (n != 0 ? n : (def))
    case_name = name;
    long rss = rss_kb();
    if (strcmp(name, "pingpong") == 0)
        ring(sys, 2, N(10000000));
    else if (strcmp(name, "ring") == 0)
        ring(sys, 1000, N(10000000));
    else if (strcmp(name, "count") == 0 || strcmp(name, "runaway") == 0)
        count(sys, 0, 1, N(10000000));
    else if (strcmp(name, "count_cross") == 0)
        count(sys, 1, 1, N(10000000));
    else if (strcmp(name, "fanin") == 0)
        count(sys, 1, 100, N(10000000));
    else if (strcmp(name, "pingpong_cross") == 0)
        pingpong_cross(sys, N(2000000));
    else if (asleep)
        pingpong_cross(sys, N(60000));
    else if (strcmp(name, "ask") == 0)
        ask(sys, 0, WEFT_INHERIT, N(3000000));
    else if (strcmp(name, "ask_cross") == 0)
        ask(sys, 1, WEFT_INHERIT, N(1000000));
    else if (strcmp(name, "ask_limit") == 0)
        ask(sys, 0, 5000, N(3000000));
    else if (strcmp(name, "await") == 0)
        await(sys, N(3000000));
    else if (strcmp(name, "spawn") == 0)
        (void)start_one(sys, &spawner, N(2000000));
    else if (strcmp(name, "producer_thousand") == 0)
        (void)start_one(sys, &thousand, N(2000000));
    else if (strcmp(name, "skynet") == 0) {
        weft_ref root = weft_system_spawn(sys, 0, &sky_node, NULL);
        per_op = 1111111;
        (void)weft_system_tell(sys, root, &sky_start_type, &(sky_start){0, 1000000});
    } else if (strcmp(name, "idle") == 0)
        (void)start_one(sys, &idle_root, N(1000000));
    else if (strcmp(name, "timer") == 0)
        (void)start_one(sys, &timer_user, N(10000000));
    else if (restart)
        bench_restart(sys, N(1000000));
    else {
        fprintf(stderr, "no case %s\n", name);
        weft_system_free(&sys);
        return 64;
    }
    int code = weft_run(&sys);
    if (strcmp(name, "runaway") == 0 || strcmp(name, "producer_thousand") == 0)
        printf("%s_rss %.2f MiB\n", name, (double)(rss_kb() - rss) / 1024);
    return code;
}
