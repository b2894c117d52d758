/* SPDX-License-Identifier: MIT */
/* Trees with isolated children for tests. */
#include "isolated_kit.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "process_kit.h"

/* ---- the child */

typedef struct odd {
    uint64_t asked;
    bool stubborn;
    weft_msg *kept;
} odd;

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    if (weft_config(self) != NULL)
        return weft_fail(msg, WEFT_ENOTFOUND, "%s", (const char *)weft_config(self));
    return WEFT_OK;
}

static weft_err on_passed(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    return weft_reply(msg, count, .n = ((const count *)got->body)->n);
}

static weft_err ask_there(weft_actor *self, weft_msg *msg, const char *name)
{
    char text[128];
    (void)snprintf(text, sizeof text, "%s@%s", name, weft_isolated_by(self));
    return weft_when(
        msg, weft_ask_within(self, weft_named(self, text), ISOLATED_LIMIT_MS, count, .n = 100),
        on_passed);
}

static weft_err signal_self(weft_msg *msg, int number)
{
    (void)raise(number);
    return weft_reply(msg, count, .n = 0);
}

static weft_err on_count(weft_actor *self, weft_msg *msg)
{
    odd *o = weft_state(self);
    uint64_t n = ((const count *)weft_body(msg))->n;
    volatile bool forever = true;
    o->asked++;
    switch (n) {
    case ORDER_PID:
        return weft_reply(msg, count, .n = (uint64_t)getpid(), .from = o->asked);
    case ORDER_KEEP:
        o->kept = weft_keep(msg);
        return WEFT_OK;
    case ORDER_KILL:
        return signal_self(msg, SIGKILL);
    case ORDER_ABORT:
        (void)signal(SIGABRT, SIG_DFL);
        return signal_self(msg, SIGABRT);
    case ORDER_HALT:
        return signal_self(msg, SIGSTOP);
    case ORDER_FAIL:
        (void)weft_reply(msg, count, .n = 0);
        return weft_stop_because(self, WEFT_EINVAL, "it was asked to fail");
    case ORDER_DONE:
        (void)weft_reply(msg, count, .n = 0);
        return weft_stop(self, WEFT_OK);
    case ORDER_SPIN:
        while (forever)
            ;
        return WEFT_OK;
    case ORDER_UP:
        return ask_there(self, msg, "driver");
    case ORDER_SIDE:
        return ask_there(self, msg, "second");
    case ORDER_X:
        return ask_there(self, msg, "shop/x");
    case ORDER_STUBBORN:
        o->stubborn = true;
        return weft_reply(msg, count, .n = 0);
    default:
        return weft_reply(msg, count, .n = n + 1);
    }
}

/* Streams are sent back what they say. */
static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_write(self, data->stream, data->bytes);
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    const odd *o = weft_state(self);
    return o->stubborn ? WEFT_OK : weft_stop(self, ((const weft_stopping *)weft_body(msg))->reason);
}

static const weft_handler odd_rows[] = {
    {.type = &weft_started_type, .fn = on_started},   {.type = &count_type, .fn = on_count},
    {.type = &weft_data_type, .fn = on_data},         {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_stopping_type, .fn = on_stopping}, {0},
};
static const weft_behaviour odd_behaviour = {
    .name = "odd", .handlers = odd_rows, .state_bytes = sizeof(odd)};

/* ---- trees */

#define ODD(child_name, ...)                                           \
    {                                                                  \
        .name = (child_name), .behaviour = &odd_behaviour, __VA_ARGS__ \
    }

static const weft_child two[] = {
    ODD("first", .isolated = true), ODD("second", .isolated = true), ODD("here"), {0}};
static const weft_child once[] = {ODD("first", .isolated = true, .restart = WEFT_RESTART_ON_ERROR),
                                  {0}};
static const weft_child broken[] = {
    ODD("first", .isolated = true, .config = "there is no such thing"), {0}};
static const weft_child quick[] = {ODD("first", .isolated = true, .stop_ms = 300), {0}};
static const weft_child deepest[] = {ODD("z"), {0}};
static const weft_supervisor deepest_table = {.children = deepest};
static const weft_child deep[] = {
    ODD("x"),
    ODD("far", .reactor = WEFT_ON_REACTOR(1)),
    ODD("y", .isolated = true),
    {.name = "below",
     .behaviour = &weft_supervisor_behaviour,
     .config = &deepest_table,
     .isolated = true},
    {0},
};
static const weft_supervisor deep_table = {.children = deep};
static const weft_child nested[] = {
    {.name = "shop",
     .behaviour = &weft_supervisor_behaviour,
     .config = &deep_table,
     .isolated = true},
    {0},
};

static const struct {
    const char *name;
    weft_supervisor tree;
} trees[] = {
    {"two", {.restarts_max = 1000, .children = two}},
    {"strict", {.restarts_max = 2, .children = two}},
    {"once", {.restarts_max = 1000, .children = once}},
    {"broken", {.children = broken}},
    {"quick", {.restarts_max = 1000, .children = quick}},
    {"nested", {.restarts_max = 1000, .children = nested}},
};

const weft_supervisor *isolated_tree(const char *name)
{
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++)
        if (strcmp(trees[i].name, name) == 0)
            return &trees[i].tree;
    return NULL;
}

static void be_quiet(void *context, const weft_log_line *line)
{
    (void)context, (void)line;
}

int isolated_main(const char *name)
{
    weft_isolation how = {.lost_ms = ISOLATED_LOST_MS};
    char *argv[] = {(char[]){"weft_tests"}, (char[]){"--isolated"}, strdup(name), NULL};
    how.argv = argv;
    int code =
        weft_isolated_main(isolated_tree(name), &how, &(weft_system_options){.log_hook = be_quiet});
    free(argv[2]);
    return code;
}

/* ---- the driver */

weft_ref isolated_supervisor;

typedef struct go {
    char nothing;
} go;
static const weft_type go_type = WEFT_TYPE("test.go", go, NULL);
typedef struct noted {
    char nothing;
} noted;
static const weft_type noted_type = WEFT_TYPE("test.noted", noted, NULL);

typedef struct plan {
    isolated_drive *drive;
    seen seen;
} plan;

static plan *plan_of(const weft_actor *self)
{
    return (plan *)(uintptr_t)weft_config(self);
}

static weft_err driver_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    CHECK_OK(weft_register(self, "driver"));
    return weft_tell(self, weft_self(self), go, 0);
}

static weft_err on_go(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    plan_of(self)->drive(self);
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err driver_down(weft_actor *self, weft_msg *msg)
{
    seen *s = &plan_of(self)->seen;
    const weft_down *down = weft_body(msg);
    s->downs++;
    s->down = down->reason;
    (void)snprintf(s->why, sizeof s->why, "%s", down->why);
    return weft_tell(self, weft_self(self), noted, 0);
}

static weft_err driver_noted(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

const seen *isolated_down(weft_actor *self)
{
    weft_msg *msg;
    seen *s = &plan_of(self)->seen;
    if (s->downs == 0)
        CHECK_OK(weft_next(self, noted, ISOLATED_LIMIT_MS, &msg));
    s->downs = 0;
    return s;
}

static weft_err driver_count(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_reply(msg, count, .n = ((const count *)weft_body(msg))->n + 1);
}

static const weft_handler driver_rows[] = {
    {.type = &weft_started_type, .fn = driver_started},
    {.type = &go_type, .fn = on_go, .fiber = true},
    {.type = &count_type, .fn = driver_count},
    {.type = &weft_down_type, .fn = driver_down},
    {.type = &noted_type, .fn = driver_noted},
    {0},
};
static const weft_behaviour driver = {.name = "driver", .handlers = driver_rows};

void isolated_run(const char *name, isolated_drive *drive, const weft_node *node)
{
    static plan p;
    char text[16];
    weft_why why = {""};
    p = (plan){.drive = drive};
    unsigned fds = process_count_fds();
    (void)snprintf(text, sizeof text, "%s", name);
    char *argv[] = {(char[]){"weft_tests"}, (char[]){"--isolated"}, text, NULL};
    weft_isolation how = {.argv = argv, .lost_ms = ISOLATED_LOST_MS};
    weft_system *sys =
        weft_system_new(&(weft_system_options){.no_signals = true, .log_hook = be_quiet});
    REQUIRE(sys != NULL);
    if (node != NULL)
        CHECK_OK(weft_node_begin(sys, node, &why));
    CHECK_OK(weft_isolated_begin(sys, isolated_tree(name), &how, &why));
    CHECK_STR(why.text, "");
    isolated_supervisor =
        weft_system_spawn(sys, 0, &weft_supervisor_behaviour, isolated_tree(name));
    CHECK(!weft_ref_is_nobody(isolated_supervisor));
    CHECK(!weft_ref_is_nobody(weft_system_spawn(sys, 0, &driver, &p)));
    CHECK_I64(weft_run(&sys), 0);
    CHECK(process_no_children());
    CHECK(process_count_fds() <=
          fds); /* fewer: NNG closes what tests before this one had open later */
}

const weft_outcome *isolated_ask(weft_actor *self, const char *name, uint64_t n)
{
    return weft_await(
        self, weft_ask_within(self, weft_named(self, name), ISOLATED_LIMIT_MS, count, .n = n));
}

uint64_t isolated_value(weft_actor *self, const char *name, uint64_t n)
{
    return count_of(isolated_ask(self, name, n));
}

weft_supervisor_listing isolated_list(weft_actor *self)
{
    const weft_outcome *got =
        weft_await(self, weft_ask_within(self, isolated_supervisor, ISOLATED_LIMIT_MS,
                                         weft_supervisor_list, .first = 0));
    CHECK_OK(got->err);
    return got->err == WEFT_OK ? *(const weft_supervisor_listing *)got->body
                               : (weft_supervisor_listing){.n = 0};
}
