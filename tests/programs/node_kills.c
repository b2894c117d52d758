/* SPDX-License-Identifier: MIT */
/* A node that has another one run, asks it as fast as it can, and kills it in the middle of that; again and again.
 *
 *     node_kills URL CYCLES STOPS [CERT_STEADY CERT_PEER CA]
 *
 * Every STOPS-th cycle (0: none) it is stopped rather than killed, which nothing but its silence says. Of each
 * cycle every ask must come to an end, and the monitor must be told once; and once more for each time that a link is
 * lost and comes again, and never otherwise. In the end what was seen must be within the limits of
 * node_kills_seen.c: when crashes and hangs were noticed, descriptors, memory. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/process.h>
#include <weft/weft.h>

#include "node_kills_seen.h"
#include "node_test.pb-c.h"

typedef Weft__Test__Count count;
static const weft_type count_type =
    WEFT_TYPE_PROTO("kills.count", count, &weft__test__count__descriptor, NULL);
static const weft_type *const types[] = {&count_type, NULL};

enum {
    ASKS = 64,
    ANSWERS_MIN = 100,
    ANSWERS_MORE = 300,
    LOST_MS = 1000,
    CYCLE_MS_MAX = 60000,
    AGAIN_MS = 2,
    PARENT_MS = 500,
};

/* ---- the peer answers, until it is killed or alone */

typedef struct look {
    char nothing;
} look;
static const weft_type look_type = WEFT_TYPE("kills.look", look, NULL);

static weft_err peer_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    (void)weft_timer_start(self, PARENT_MS, PARENT_MS, &look_type, &(look){0});
    return weft_register(self, "echo");
}

static weft_err on_look(weft_actor *self, weft_msg *msg)
{
    const pid_t *parent = weft_config(self);
    (void)msg;
    if (getppid() != *parent)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_count(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, count, .n = ((const count *)weft_body(msg))->n + 1);
}

static const weft_handler peer_rows[] = {{.type = &weft_started_type, .fn = peer_started},
                                         {.type = &look_type, .fn = on_look},
                                         {.type = &count_type, .fn = on_count},
                                         {0}};
static const weft_behaviour peer_behaviour = {.name = "peer", .handlers = peer_rows};

/* ---- the steady one */

typedef struct steady {
    char url[256]; /* where it listens */
    const char *cert, *ca;
    unsigned cycles, stops, cycle;
    weft_ref process;
    bool running, killed, stopped, ended, watched, forced;
    unsigned outstanding, answers, wanted, downs;
    uint32_t watched_ups; /* how often the link had come up when the monitor was made */
    uint64_t cut_ns;
    kills_seen seen;
    const char *wrong;
} steady;

static steady all;

typedef struct again {
    uint32_t cycle;
} again;
static const weft_type again_type = WEFT_TYPE("kills.again", again, NULL);
typedef struct late {
    uint32_t cycle;
} late;
static const weft_type late_type = WEFT_TYPE("kills.late", late, NULL);

static weft_err wrong(weft_actor *self, const char *what)
{
    if (all.wrong == NULL)
        all.wrong = what;
    (void)fprintf(
        stderr,
        "node_kills: cycle %u: %s (outstanding %u, answers %u, downs %u, killed %d, ended %d)\n",
        all.cycle, what, all.outstanding, all.answers, all.downs, all.killed, all.ended);
    weft_system_stop(self, WEFT_EINTERNAL);
    return WEFT_OK;
}

static weft_err begin_cycle(weft_actor *self)
{
    char parent[16];
    (void)snprintf(parent, sizeof parent, "%d", (int)getpid());
    const char *const argv[] = {"/proc/self/exe", "peer", parent, all.url, all.cert, all.ca, NULL};
    static const weft_process_fd fds[] = {{.child = 2, .kind = WEFT_PROCESS_INHERIT}};
    const weft_process_options options = {.argv = argv, .fds = fds, .n_fds = 1};
    all.cycle++;
    all.killed = all.stopped = all.ended = all.watched = all.forced = all.running = false;
    all.outstanding = all.answers = all.downs = 0;
    all.process = weft_process_start(self, &options, weft_self(self));
    if (weft_ref_is_nobody(all.process))
        return wrong(self, "no memory for a process");
    (void)weft_after(self, CYCLE_MS_MAX, late, .cycle = all.cycle);
    return WEFT_OK;
}

static weft_err next_cycle(weft_actor *self)
{
    if (all.outstanding != 0 || all.downs == 0 || !all.killed)
        return WEFT_OK;
    if (!all.forced) {
        all.forced = true;
        (void)weft_process_signal(self, all.process, SIGKILL, false);
    }
    if (!all.ended)
        return WEFT_OK;
    kills_look(&all.seen, all.cycle);
    if (all.cycle % 1000 == 0)
        (void)fprintf(stderr, "node_kills: %u cycles\n", all.cycle);
    if (all.cycle < all.cycles)
        return begin_cycle(self);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static void kill_it(weft_actor *self)
{
    all.killed = true;
    all.stopped = all.stops != 0 && all.cycle % all.stops == 0;
    all.forced = !all.stopped;
    all.cut_ns = weft_wall_ns(self);
    (void)weft_process_signal(self, all.process, all.stopped ? SIGSTOP : SIGKILL, false);
}

/* ---- the monitor */

/* How often the link to the peer has come up; *@up: whether it is. */
static uint32_t ups(weft_actor *self, bool *up)
{
    weft_link_info info = {.state = WEFT_LINK_DOWN};
    if (!weft_link_info_at(self, 0, &info))
        return 0;
    *up = info.state == WEFT_LINK_UP;
    return info.ups;
}

static void watch(weft_actor *self)
{
    bool up = false;
    all.watched = true;
    all.watched_ups = ups(self, &up);
    (void)weft_monitor(self, weft_named(self, "echo@peer"));
}

/* A slow machine: the link is taken for lost, and comes up again. */
static weft_err on_flap(weft_actor *self)
{
    bool up = false;
    if (ups(self, &up) == all.watched_ups && up)
        return wrong(self, "the monitor was told of a loss, and there was none");
    all.seen.flaps++;
    return WEFT_OK;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    uint64_t took = weft_wall_ns(self) - all.cut_ns;
    (void)msg;
    if (!all.watched)
        return wrong(self, "the monitor was told twice"); /* of this cycle, or of the one before */
    all.watched = false;
    if (!all.killed)
        return on_flap(self);
    all.downs++;
    kills_add(all.stopped ? &all.seen.hangs : &all.seen.crashes, took);
    return next_cycle(self);
}

/* ---- asking */

static weft_err ask(weft_actor *self, weft_msg *msg);

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    all.outstanding--;
    if (got->err == WEFT_OK) {
        all.seen.answered++;
        all.answers++;
        if (!all.watched && !all.killed)
            watch(self);
        if (all.answers == all.wanted && !all.killed)
            kill_it(self);
    } else if (got->err == WEFT_ELOST)
        all.seen.lost++;
    else if (got->err == WEFT_ETIMEDOUT)
        return wrong(self, "an ask ran out of time");
    else if (!all.killed) { /* it is not there yet */
        (void)weft_after(self, AGAIN_MS, again, .cycle = all.cycle);
        return WEFT_OK;
    }
    return all.killed ? next_cycle(self) : ask(self, msg);
}

static weft_err ask(weft_actor *self, weft_msg *msg)
{
    all.outstanding++;
    return weft_when(
        msg,
        weft_ask_within(self, weft_named(self, "echo@peer"), 30000, count, .n = all.seen.answered),
        on_answer);
}

static weft_err on_again(weft_actor *self, weft_msg *msg)
{
    return ((const again *)weft_body(msg))->cycle == all.cycle && !all.killed ? ask(self, msg)
                                                                              : WEFT_OK;
}

static weft_err on_running(weft_actor *self, weft_msg *msg)
{
    uint32_t random;
    (void)msg;
    all.running = true;
    weft_random(self, &random, sizeof random);
    all.wanted = ANSWERS_MIN + random % ANSWERS_MORE;
    for (unsigned i = 0; i < ASKS; i++)
        (void)weft_tell(self, weft_self(self), again, .cycle = all.cycle);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    const weft_process_ended *ended = weft_body(msg);
    all.ended = true;
    if (ended->signal != SIGKILL)
        return wrong(self, ended->why);
    return next_cycle(self);
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    return ((const late *)weft_body(msg))->cycle == all.cycle ? wrong(self, "it hangs") : WEFT_OK;
}

static weft_err steady_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return begin_cycle(self);
}

static const weft_handler steady_rows[] = {{.type = &weft_started_type, .fn = steady_started},
                                           {.type = &weft_process_started_type, .fn = on_running},
                                           {.type = &weft_process_ended_type, .fn = on_ended},
                                           {.type = &weft_down_type, .fn = on_down},
                                           {.type = &again_type, .fn = on_again},
                                           {.type = &late_type, .fn = on_late},
                                           {0}};
static const weft_behaviour steady_behaviour = {.name = "steady", .handlers = steady_rows};

static void see_where(void *context, const weft_log_line *line)
{
    const char *at = strstr(line->text, " listens at ");
    (void)context;
    if (at != NULL)
        (void)snprintf(all.url, sizeof all.url, "%s", at + sizeof " listens at " - 1);
    if (line->level >= WEFT_ERROR || getenv("NODE_KILLS_LOG") != NULL)
        (void)fprintf(stderr, "%s: %s\n", line->name, line->text);
}

/* ---- both */

static int run(const weft_node *node, const weft_behaviour *behaviour, const void *config)
{
    weft_why why = {""};
    weft_system *sys = weft_system_new(&(weft_system_options){
        .log_hook = see_where, .log_level = WEFT_NOTICE, .log_level_set = true, .pool = 1});
    if (sys == NULL || weft_node_begin(sys, node, &why) != WEFT_OK ||
        weft_ref_is_nobody(weft_system_spawn(sys, 0, behaviour, config))) {
        (void)fprintf(stderr, "node_kills: %s\n", why.text);
        weft_system_free(&sys);
        return 69;
    }
    return weft_run(&sys);
}

static int run_peer(char **argv)
{
    const pid_t parent = (pid_t)strtol(argv[2], NULL, 10);
    const weft_node_member join[] = {{.name = "steady", .url = argv[3]}, {0}};
    static const weft_node_allow allow[] = {{"steady", "echo", NULL}, {0}};
    const weft_node node = {.name = "peer",
                            .join = join,
                            .allow = allow,
                            .types = types,
                            .redial_ms = 10,
                            .redial_ms_max = 100,
                            .cert = argv[4],
                            .ca = argv[4] != NULL ? argv[5] : NULL};
    return run(&node, &peer_behaviour, &parent);
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "peer") == 0)
        return run_peer(argv);
    if (argc != 4 && argc != 7) {
        (void)fprintf(stderr, "usage: %s URL CYCLES STOPS [CERT_STEADY CERT_PEER CA]\n", argv[0]);
        return 64;
    }
    static const weft_node_member join[] = {{.name = "peer"}, {0}};
    all.cycles = (unsigned)strtoul(argv[2], NULL, 10);
    all.stops = (unsigned)strtoul(argv[3], NULL, 10);
    all.cert = argc == 7 ? argv[5] : NULL;
    all.ca = argc == 7 ? argv[6] : NULL;
    const weft_node node = {.name = "steady",
                            .listen = argv[1],
                            .join = join,
                            .types = types,
                            .ping_ms = LOST_MS / 4,
                            .lost_ms = LOST_MS,
                            .cert = argc == 7 ? argv[4] : NULL,
                            .ca = all.ca};
    if (!kills_begin(&all.seen, all.cycles)) {
        (void)fprintf(stderr, "node_kills: no memory\n");
        return 69;
    }
    int code = run(&node, &steady_behaviour, NULL);
    bool within = kills_report(&all.seen, LOST_MS);
    return code == 0 && all.wrong == NULL && within ? 0 : 1;
}
