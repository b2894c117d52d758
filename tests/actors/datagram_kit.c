/* SPDX-License-Identifier: MIT */
/* Two endpoints over any transport of datagrams: the actors of their tests. */
#include "actors/datagram_kit.h"

#include <stdlib.h>
#include <unistd.h>

enum { HANGS_AFTER_MS = 60000, SIM_HANGS_AFTER_MS = 3600000 };

const gram_transport gram_transports[] = {
    {.name = "udp, connected", .url = "udp://127.0.0.1:0", .icmp = true},
    {.name = "udp", .url = "udp://127.0.0.1:0", .other = "udp://127.0.0.1:0", .icmp = true},
    {.name = "udp, v6", .url = "udp://[::1]:0", .other = "udp://[::1]:0", .icmp = true},
    {.name = "udp, v6 connected", .url = "udp://[::1]:0", .icmp = true},
    {.name = "udp, v4 on v6", .url = "udp://*:0", .reach = "udp://127.0.0.1", .icmp = true},
    {.name = "udp, merged",
     .url = "udp://127.0.0.1:0?merge",
     .other = "udp://127.0.0.1:0?merge",
     .icmp = true,
     .merged = true},
    {.name = "unixgram path",
     .url = "unixgram:" P_tmpdir "/weft-test-%d.gram",
     .other = "unixgram:" P_tmpdir "/weft-test-%d.other",
     .local = true},
    {.name = "unixgram abstract, connected", .url = "unixgram:@weft-test-%d", .local = true},
    {.name = "simulated", .url = "sim://kit:1", .other = "sim://kit:2", .sim = true, .icmp = true},
    {.name = "simulated, connected", .url = "sim://kit:1", .sim = true, .icmp = true},
    {.name = "simulated, slow and out of order",
     .url = "sim://kit:1",
     .sim = true,
     .icmp = true,
     .faults = {.latency_ms_max = 5, .short_write = 300000}},
    {0},
};

static unsigned failures_before;

bool gram_wants(const gram_transport *by)
{
    failures_before = CU_get_number_of_failures();
    const char *only = getenv("WEFT_TEST_TRANSPORT");
    return only == NULL || strcmp(only, by->name) == 0;
}

void gram_tell_failures(const gram_transport *by)
{
    unsigned now = CU_get_number_of_failures();
    if (now != failures_before)
        (void)fprintf(stderr, "\n    (the last %u with transport %s)", now - failures_before,
                      by->name);
}

void gram_fault(gram_side *s, const char *what, int line)
{
    s->faults++;
    (void)fprintf(stderr, "\n    line %d: not so: %s", line, what);
}

/* ---- what scripts use */

static uint8_t byte_of(uint32_t n, size_t at)
{
    return (uint8_t)(at < sizeof n ? n >> (8 * at) : n * 131 + at * 7 + (at >> 8));
}

weft_err gram_send(weft_actor *self, gram_side *s, uint32_t n, size_t size)
{
    uint8_t *to;
    weft_bytes bytes;
    weft_err err = weft_bytes_new(size, &to, &bytes);
    if (err != WEFT_OK)
        return err;
    for (size_t i = 0; i < size; i++)
        to[i] = byte_of(n, i);
    err = weft_send(self, s->endpoint, s->to.family != WEFT_FAMILY_NONE ? &s->to : NULL, bytes);
    weft_bytes_drop(&bytes);
    return err;
}

uint32_t gram_number(const weft_datagram *d)
{
    uint32_t n;
    if (d->bytes.size < sizeof n)
        return UINT32_MAX;
    memcpy(&n, d->bytes.at, sizeof n);
    return n;
}

void gram_close(weft_actor *self, gram_side *s, weft_msg *msg)
{
    (void)msg;
    GRAM_CHECK(s, weft_endpoint_close(self, s->endpoint) == WEFT_OK);
}

static weft_err on_counted(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    gram_side *s = (gram_side *)(uintptr_t)weft_config(self);
    GRAM_CHECK(s, got->err == WEFT_OK);
    if (got->err == WEFT_OK)
        s->stats = *(const weft_endpoint_stats *)got->body;
    gram_close(self, s, msg);
    return WEFT_OK;
}

void gram_count(weft_actor *self, gram_side *s, weft_msg *msg)
{
    GRAM_CHECK(s, weft_when(msg, weft_ask(self, s->endpoint, weft_endpoint_count, .nothing = 0),
                            on_counted) == WEFT_OK);
}

void gram_echo(weft_actor *self, gram_side *s, weft_msg *msg)
{
    const weft_datagram *d = weft_body(msg);
    GRAM_CHECK(s, weft_send(self, d->endpoint, &d->from, d->bytes) == WEFT_OK);
}

void gram_let_go(gram_side *s)
{
    unsigned n = s->n_kept;
    s->n_kept = 0;
    for (unsigned i = 0; i < n; i++)
        weft_bytes_drop(&s->kept[i]);
    if (s->held != NULL)
        weft_drop(&s->held);
}

/* ---- the sides */

typedef struct gram_done {
    char nothing;
} gram_done;
static const weft_type gram_done_type = WEFT_TYPE("gram.done", gram_done, NULL);
static const weft_type gram_ready_type = WEFT_TYPE("gram.ready", gram_done, NULL);
static const weft_type gram_late_type = WEFT_TYPE("gram.late", gram_done, NULL);
const weft_type gram_note_type = WEFT_TYPE("gram.note", gram_note, NULL);

void gram_tell(weft_actor *self, gram_side *to, uint32_t what)
{
    GRAM_CHECK(to, weft_tell(self, to->self, gram_note, .what = what) == WEFT_OK);
}

static gram_side *side_of(weft_actor *self)
{
    return (gram_side *)(uintptr_t)weft_config(self);
}

static void saw(gram_side *s, char what)
{
    size_t n = strlen(s->log);
    if ((n == 0 || s->log[n - 1] != what) && n + 1 < sizeof s->log)
        s->log[n] = what;
}

static void call(gram_fn *fn, weft_actor *self, weft_msg *msg)
{
    if (fn != NULL)
        fn(self, side_of(self), msg);
}

static void url_of(gram_side *s, const char *form, char *out, size_t room)
{
    int n = snprintf(out, room, form, (int)getpid());
    if (s->options != NULL)
        (void)snprintf(out + n, room - (size_t)n, "%s%s", strchr(out, '?') != NULL ? "&" : "?",
                       s->options + 1);
}

static weft_ref begin(weft_actor *self, gram_side *s, weft_ref owner)
{
    char url[512];
    const gram_world *w = s->world;
    if (s == w->b)
        url_of(s, w->by->url, url, sizeof url);
    else if (w->by->other != NULL)
        url_of(s, w->by->other, url, sizeof url);
    else {
        (void)snprintf(url, sizeof url, "%s%s", w->url, s->options != NULL ? s->options : "");
        return weft_endpoint_connect(self, url, owner);
    }
    return weft_endpoint_bind(self, url, owner);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    gram_side *s = side_of(self);
    (void)msg;
    s->self = weft_self(self);
    if ((s->world->far && s == s->world->a) || (s->world->listen && s == s->world->b))
        return WEFT_OK;
    s->endpoint = begin(self, s, weft_self(self));
    GRAM_CHECK(s, !weft_ref_is_nobody(s->endpoint));
    return WEFT_OK;
}

/* How b is reached, once it is open. */
static void write_url(gram_world *w, const weft_address *local)
{
    char text[WEFT_ADDRESS_TEXT_BYTES];
    (void)weft_address_print(local, text);
    if (w->by->reach != NULL)
        (void)snprintf(w->url, sizeof w->url, "%s:%u", w->by->reach, local->port);
    else if (local->family == WEFT_FAMILY_UNIX)
        (void)snprintf(w->url, sizeof w->url, "unixgram:%s", local->path);
    else
        (void)snprintf(w->url, sizeof w->url, "%s%s",
                       local->family == WEFT_FAMILY_SIM ? "" : "udp://", text);
}

static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    gram_side *s = side_of(self);
    const weft_endpoint_opened *opened = weft_body(msg);
    gram_world *w = s->world;
    s->endpoint = opened->endpoint;
    s->local = opened->local;
    s->opens++;
    saw(s, 'o');
    if (s == w->b) {
        write_url(w, &s->local);
        call(s->opened, self, msg);
        return weft_tell_body(self, w->director, &gram_ready_type, &(gram_done){0});
    }
    if (w->by->other != NULL)
        GRAM_CHECK(s, weft_endpoint_address(w->url, &s->to, NULL) == WEFT_OK);
    call(s->opened, self, msg);
    return WEFT_OK;
}

static weft_err on_datagram(weft_actor *self, weft_msg *msg)
{
    gram_side *s = side_of(self);
    const weft_datagram *d = weft_body(msg);
    uint32_t n = gram_number(d);
    for (size_t i = 0; i < d->bytes.size && !s->raw && n != UINT32_MAX; i++)
        s->wrong += d->bytes.at[i] != byte_of(n, i);
    s->bytes += d->bytes.size;
    s->grams++;
    saw(s, 'd');
    call(s->datagram, self, msg);
    return WEFT_OK;
}

static weft_err on_failed(weft_actor *self, weft_msg *msg)
{
    gram_side *s = side_of(self);
    s->failure = *(const weft_datagram_failed *)weft_body(msg);
    s->fail = s->failure.reason;
    s->fails++;
    saw(s, 'f');
    call(s->failed, self, msg);
    return WEFT_OK;
}

static weft_err on_drained(weft_actor *self, weft_msg *msg)
{
    gram_side *s = side_of(self);
    s->drains++;
    saw(s, 'r');
    call(s->drained, self, msg);
    return WEFT_OK;
}

static weft_err on_note(weft_actor *self, weft_msg *msg)
{
    call(side_of(self)->note, self, msg);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    gram_side *s = side_of(self);
    const weft_endpoint_closed *closed = weft_body(msg);
    saw(s, 'c');
    s->closes++;
    s->reason = closed->reason;
    (void)snprintf(s->why, sizeof s->why, "%s", closed->why);
    gram_let_go(s);
    call(s->closed, self, msg);
    return weft_tell_body(self, s->world->director, &gram_done_type, &(gram_done){0});
}

static void side_ended(weft_actor *self, weft_err reason)
{
    (void)reason;
    gram_let_go(side_of(self));
}

static const weft_handler side_rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_endpoint_opened_type, .fn = on_opened},
    {.type = &weft_datagram_type, .fn = on_datagram},
    {.type = &weft_datagram_failed_type, .fn = on_failed},
    {.type = &weft_endpoint_drained_type, .fn = on_drained},
    {.type = &weft_endpoint_closed_type, .fn = on_closed},
    {.type = &gram_note_type, .fn = on_note},
    {0},
};
const weft_behaviour gram_behaviour = {.name = "side", .handlers = side_rows, .ended = side_ended};

/* One that leaves all else to the defaults: that its actor ends is what tells of `closed`. */
static void bare_ended(weft_actor *self, weft_err reason)
{
    gram_side *s = side_of(self);
    (void)reason;
    s->closes++;
    (void)weft_tell_body(self, s->world->director, &gram_done_type, &(gram_done){0});
}

static const weft_handler bare_rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_datagram_type, .fn = on_datagram},
    {0},
};
const weft_behaviour gram_bare_behaviour = {
    .name = "bare", .handlers = bare_rows, .ended = bare_ended};

/* ---- the director */

static void spawn_side(weft_actor *self, gram_side *s)
{
    s->self = weft_spawn(self, s->bare ? &gram_bare_behaviour : &gram_behaviour, s);
    GRAM_CHECK(s, !weft_ref_is_nobody(s->self));
}

static weft_err on_director(weft_actor *self, weft_msg *msg)
{
    gram_world *w = (gram_world *)(uintptr_t)((const weft_started *)weft_body(msg))->config;
    (void)weft_timer_start(self, w->by->sim ? SIM_HANGS_AFTER_MS : HANGS_AFTER_MS, 0,
                           &gram_late_type, &(gram_done){0});
    w->director = weft_self(self);
    if (!w->listen)
        spawn_side(self, w->b);
    if (w->early)
        spawn_side(self, w->a);
    return WEFT_OK;
}

static weft_err far_spawned(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    gram_world *w = (gram_world *)(uintptr_t)weft_config(self);
    (void)msg;
    GRAM_CHECK(w->b, got->err == WEFT_OK);
    if (got->err == WEFT_OK)
        GRAM_CHECK(w->b,
                   !weft_ref_is_nobody(begin(self, w->a, ((const weft_spawned *)got->body)->ref)));
    return WEFT_OK;
}

static weft_err on_ready(weft_actor *self, weft_msg *msg)
{
    gram_world *w = (gram_world *)(uintptr_t)weft_config(self);
    if (w->far)
        return weft_when(msg, weft_spawn_on(self, 1, &gram_behaviour, w->a), far_spawned);
    if (w->a != NULL)
        spawn_side(self, w->a);
    return WEFT_OK;
}

static weft_err on_done(weft_actor *self, weft_msg *msg)
{
    gram_world *w = (gram_world *)(uintptr_t)weft_config(self);
    (void)msg;
    if (++w->seen == w->closes)
        weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_late(weft_actor *self, weft_msg *msg)
{
    gram_world *w = (gram_world *)(uintptr_t)weft_config(self);
    (void)msg;
    w->hung = true;
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static const weft_handler director_rows[] = {
    {.type = &weft_started_type, .fn = on_director},
    {.type = &gram_ready_type, .fn = on_ready},
    {.type = &gram_done_type, .fn = on_done},
    {.type = &gram_late_type, .fn = on_late},
    {0},
};
static const weft_behaviour director = {.name = "director", .handlers = director_rows};

static void be_quiet(void *context, const weft_log_line *line)
{
    (void)context;
    if (line->level > WEFT_WARNING || getenv("WEFT_TEST_LOG") != NULL)
        (void)fprintf(stderr, "\n    log: %s: %s", line->name, line->text);
}

static void bind_first(weft_system *sys, gram_world *w)
{
    char url[512];
    weft_listening got;
    weft_why why = {""};
    if (!w->listen)
        return;
    url_of(w->b, w->by->url, url, sizeof url);
    weft_err err = weft_bind_at(sys, url, w->b->bare ? &gram_bare_behaviour : &gram_behaviour, w->b,
                                &got, &why);
    if (err != WEFT_OK)
        (void)fprintf(stderr, "\n    bind: %s", why.text);
    REQUIRE(err == WEFT_OK);
}

static void run_real(gram_world *w)
{
    weft_system *sys = weft_system_new(&(weft_system_options){
        .reactors = w->reactors, .no_signals = true, .stop_grace_ms = 2000, .log_hook = be_quiet});
    REQUIRE(sys != NULL);
    w->director = weft_system_spawn(sys, 0, &director, w);
    CHECK(!weft_ref_is_nobody(w->director));
    bind_first(sys, w);
    CHECK_I64(weft_run(&sys), 0);
}

/* The same in virtual time, with one seed after the other, so that runs differ and are the same again. */
static void run_simulated(gram_world *w)
{
    static uint64_t seed;
    weft_sim *sim = weft_sim_new(
        &(weft_sim_options){.seed = ++seed,
                            .faults = w->by->faults,
                            .system = {.reactors = w->reactors, .log_hook = be_quiet}});
    REQUIRE(sim != NULL);
    w->director = weft_sim_spawn(sim, &director, w);
    CHECK(!weft_ref_is_nobody(w->director));
    bind_first(weft_sim_system(sim), w);
    while (w->seen < w->closes && !w->hung)
        weft_sim_advance(sim, 50);
    CHECK_U64(weft_sim_free(&sim), 0);
}

void gram_run(gram_world *w)
{
    w->closes = w->closes != 0 ? w->closes : 2;
    w->b->world = w;
    if (w->a != NULL)
        w->a->world = w;
    if (w->by->sim)
        run_simulated(w);
    else
        run_real(w);
    if (w->hung)
        (void)fprintf(stderr, "\n    it hung: a saw %s (%u), b saw %s (%u)",
                      w->a != NULL ? w->a->log : "", w->a != NULL ? w->a->grams : 0, w->b->log,
                      w->b->grams);
    CHECK(!w->hung);
    CHECK_U64(w->b->wrong + (w->a != NULL ? w->a->wrong : 0), 0);
    CHECK_U64(w->b->faults + (w->a != NULL ? w->a->faults : 0), 0);
}
