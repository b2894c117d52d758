/* SPDX-License-Identifier: MIT */
/* What the tests of the runtime share. */
#include "kit.h"

#include <stdlib.h>

#include "alloc.h"
#include "driver_sim.h"
#include "mailbox.h"
#include "reactor.h"
#include "sys.h"

const weft_type num_type = WEFT_TYPE("kit.num", num, NULL);
const weft_type act_type = WEFT_TYPE("kit.act", act, NULL);

static record *records[64];
static unsigned records_used;

record *record_new(void)
{
    REQUIRE(records_used < sizeof records / sizeof records[0]);
    record *r = calloc(1, sizeof *r);
    REQUIRE(r != NULL);
    return records[records_used++] = r;
}

static void records_done(void)
{
    while (records_used != 0)
        free(records[--records_used]);
}

void record_add(record *r, uint64_t n)
{
    if (r->n < RECORD_MAX)
        r->got[r->n] = n;
    r->n++;
}

/* ---- puppets */

static record *record_of(const weft_actor *self)
{
    record *rec;
    const void *config = weft_config(self);
    memcpy(&rec, &config, sizeof(void *));
    return rec;
}

static weft_err on_act(weft_actor *self, weft_msg *msg)
{
    const act *a = weft_body(msg);
    return a->fn(self, msg, a->with);
}

static weft_err on_num(weft_actor *self, weft_msg *msg)
{
    record *rec = record_of(self);
    if (rec != NULL)
        record_add(rec, ((const num *)weft_body(msg))->n);
    return WEFT_OK;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    record *rec = record_of(self);
    const weft_down *down = weft_body(msg);
    if (rec == NULL)
        return WEFT_OK;
    rec->downs++;
    rec->down = *down;
    (void)snprintf(rec->why, sizeof rec->why, "%s", down->why);
    rec->down.why = rec->why;
    return WEFT_OK;
}

static weft_err on_undelivered(weft_actor *self, weft_msg *msg)
{
    record *rec = record_of(self);
    if (rec == NULL)
        return WEFT_OK;
    rec->undelivered++;
    rec->refused = *(const weft_undelivered *)weft_body(msg);
    return WEFT_OK;
}

static void on_ended(weft_actor *self, weft_err reason)
{
    puppet_state *s = weft_state(self);
    record *rec = record_of(self);
    weft_bytes_drop(&s->bytes);
    if (rec == NULL)
        return;
    rec->ends++;
    rec->ended = reason;
}

static const weft_handler handlers[] = {
    {.type = &act_type, .fn = on_act},
    {.type = &num_type, .fn = on_num},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &weft_undelivered_type, .fn = on_undelivered},
    {0},
};

const weft_behaviour puppet = {
    .name = "puppet", .handlers = handlers, .state_bytes = sizeof(puppet_state), .ended = on_ended};

/* ---- simulations */

weft_sim *sim;

static void on_log(void *context, const weft_log_line *line)
{
    (void)context;
    if (line->level >= WEFT_ERROR && strstr(line->text, "leaked") != NULL)
        (void)fprintf(stderr, "\n%s\n", line->text);
}

void sim_with(const weft_sim_options *options)
{
    weft_sim_options o = *options;
    sim_done();
    if (o.system.log_hook == NULL)
        o.system.log_hook = on_log;
    sim = weft_sim_new(&o);
    REQUIRE(sim != NULL);
}

void sim_of(unsigned reactors)
{
    sim_with(&(weft_sim_options){.seed = 1, .system.reactors = reactors});
}

void sim_one(void)
{
    sim_of(1);
}

void sim_done(void)
{
    CHECK_U64(weft_sim_free(&sim), 0);
    records_done();
}

weft_ref sim_puppet_on(unsigned reactor, record *rec)
{
    weft_ref ref = weft_system_spawn(weft_sim_system(sim), reactor, &puppet, rec);
    REQUIRE(!weft_ref_is_nobody(ref));
    return ref;
}

weft_ref sim_puppet(record *rec)
{
    return sim_puppet_on(0, rec);
}

void sim_do(weft_ref who, act_fn *fn, void *with)
{
    CHECK_OK(weft_sim_tell(sim, who, act, .fn = fn, .with = with));
}

const weft_outcome *sim_ask(weft_ref who, act_fn *fn, void *with)
{
    return weft_sim_ask(sim, who, act, .fn = fn, .with = with);
}

weft_reactor_stats sim_stats(unsigned reactor)
{
    weft_reactor_stats s;
    memset(&s, 0, sizeof s);
    CHECK(weft_stats_reactor(weft_sim_system(sim), reactor, &s));
    return s;
}

weft_actor_stats sim_stats_of(weft_ref who)
{
    weft_actor_stats s;
    memset(&s, 0, sizeof s);
    CHECK(weft_stats_actor(weft_sim_system(sim), who, &s));
    return s;
}

uint32_t sim_cells(unsigned reactor)
{
    const wf_reactor *r = weft_sim_system(sim)->reactor[reactor];
    uint32_t n = 0;
    for (uint32_t k = 1; k <= r->cells_used; k++)
        n += r->cells[k].kind != WF_CELL_FREE;
    return n;
}

/* ---- Deferreds */

void came_to(weft_actor *self, came *c, const weft_outcome *got)
{
    c->fired++;
    c->err = got->err;
    (void)snprintf(c->why, sizeof c->why, "%s", got->why);
    c->type = got->type;
    c->body = got->body;
    c->n = got->type == &num_type ? ((const num *)got->body)->n : 0;
    c->index = got->index;
    c->at_ms = weft_now_ms(self);
}

weft_err on_came(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    came_to(self, ((const act *)weft_body(msg))->with, got);
    return WEFT_OK;
}

/* ---- by hand */

weft_system *rig_new(unsigned reactors)
{
    weft_why why;
    weft_system_options o = {.reactors = reactors, .log_level = WEFT_NO_LOG, .log_level_set = true};
    weft_system *sys = wf_system_new(&o, wf_driver_sim_new(1), &why);
    REQUIRE(sys != NULL);
    WF_R = sys->reactor[0];
    return sys;
}

void rig_free(weft_system **sys)
{
    weft_system_free(sys);
    WF_R = NULL;
    records_done();
}

void rig_do(weft_system *sys, weft_ref who, act_fn *fn, void *with)
{
    act body = {fn, with};
    CHECK_OK(weft_system_tell(sys, who, &act_type, &body));
}

bool rig_round(weft_system *sys, unsigned reactor)
{
    WF_R = sys->reactor[reactor];
    bool more = wf_reactor_round(WF_R);
    wf_block_send_home(WF_R);
    WF_R = sys->reactor[0];
    return more;
}

void rig_settle(weft_system *sys)
{
    bool more = true;
    for (int n = 0; more && n < 100000; n++) {
        more = false;
        for (unsigned i = 0; i < sys->threads; i++)
            more |= rig_round(sys, i);
        /* a later one may have sent to an earlier one */
        for (unsigned i = 0; i < sys->threads; i++)
            more |= atomic_load_explicit(&sys->reactor[i]->inbox, memory_order_relaxed) != NULL;
    }
    CHECK(!more);
}

/* ---- memory */

void each_allocation_fails(void (*scenario)(void))
{
    for (long n = 0; n < 100000; n++) {
        long failed = wf_alloc_failed();
        wf_alloc_fail_after(n);
        scenario();
        wf_alloc_fail_after(-1);
        if (wf_alloc_failed() == failed)
            return;
    }
    CHECK(!"a scenario that ends");
}
