/* SPDX-License-Identifier: MIT */
/* Nodes for tests. */
#include "node_kit.h"

#include <stdlib.h>

const weft_type count_type =
    WEFT_TYPE_PROTO("test.count", count, &weft__test__count__descriptor, NULL);
const weft_type blob_type = WEFT_TYPE_PROTO("test.blob", blob, &weft__test__blob__descriptor, NULL);
const weft_type introduce_type =
    WEFT_TYPE_PROTO("test.introduce", introduce, &weft__test__introduce__descriptor, NULL);

weft_sim *world;
kit_node node_at[KIT_NODES_MAX];
weft_node kit_defaults;
bool kit_strangers;
unsigned kit_reactors;
void (*kit_more)(unsigned i);
static unsigned nodes;
static weft_node_member members[KIT_NODES_MAX][KIT_NODES_MAX + 1];

/* ---- the counter */

static seen *seen_of(const weft_actor *self)
{
    const counter_config *c = weft_config(self);
    return c->seen;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    const counter_config *c = weft_config(self);
    (void)msg;
    return c->name != NULL ? weft_register(self, c->name) : WEFT_OK;
}

static void add(seen *s, uint64_t n)
{
    if (s->n < KIT_SEEN_MAX)
        s->got[s->n] = n;
    s->n++;
}

static weft_err on_count(weft_actor *self, weft_msg *msg)
{
    const count *c = weft_body(msg);
    seen *s = seen_of(self);
    s->from = weft_sender(msg);
    add(s, c->n);
    if (!weft_is_request(msg))
        return WEFT_OK;
    s->asks++;
    if (c->n == UINT64_MAX)
        return weft_fail(msg, WEFT_EINVAL, "the total would overflow");
    if (c->n != 0)
        return weft_reply(msg, count, .n = c->n + 1, .from = c->from);
    s->kept = weft_keep(msg);
    return WEFT_OK;
}

static weft_err on_blob(weft_actor *self, weft_msg *msg)
{
    const blob *b = weft_body(msg);
    seen *s = seen_of(self);
    add(s, b->n);
    for (size_t i = 0; i < b->bytes.len; i++)
        if (b->bytes.data[i] != (uint8_t)(b->n + i))
            return weft_fail(msg, WEFT_EPROTO, "byte %zu is wrong", i);
    s->bytes += b->bytes.len;
    return weft_is_request(msg) ? weft_reply(msg, blob, .n = b->n, .bytes = b->bytes) : WEFT_OK;
}

static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    seen *s = seen_of(self);
    s->cancels++;
    if (((const weft_cancelled *)weft_body(msg))->msg == s->kept)
        weft_drop(&s->kept);
    return WEFT_OK;
}

static weft_err on_down(weft_actor *self, weft_msg *msg)
{
    const weft_down *down = weft_body(msg);
    seen *s = seen_of(self);
    s->downs++;
    s->down = down->reason;
    (void)snprintf(s->why, sizeof s->why, "%s", down->why);
    return WEFT_OK;
}

static weft_err on_restarted(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    seen_of(self)->restarts++;
    return WEFT_OK;
}

/* Something to be done, as that actor. */
typedef struct deed {
    kit_fn *fn;
    void *with;
} deed;
static const weft_type deed_type = WEFT_TYPE("test.deed", deed, NULL);

static weft_err on_deed(weft_actor *self, weft_msg *msg)
{
    const deed *d = weft_body(msg);
    return d->fn(self, msg, d->with);
}

static void counter_ended(weft_actor *self, weft_err reason)
{
    seen *s = seen_of(self);
    s->ends++;
    s->ended = reason;
    s->kept = NULL;
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &count_type, .fn = on_count},
    {.type = &blob_type, .fn = on_blob},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {.type = &weft_down_type, .fn = on_down},
    {.type = &weft_restarted_type, .fn = on_restarted},
    {.type = &deed_type, .fn = on_deed},
    {0},
};

const weft_behaviour counter = {.name = "counter", .handlers = handlers, .ended = counter_ended};

/* ---- the world */

static const weft_node_allow allow[] = {
    {.node = "*", .actor = "counter", .type = NULL},
    {.node = "*", .actor = "worker", .type = NULL},
    {0},
};
static const weft_type *const types[] = {&count_type, &blob_type, &introduce_type, NULL};

static void list_members(unsigned i)
{
    unsigned k = 0;
    for (unsigned other = 0; other < nodes && !kit_strangers; other++)
        if (other != i)
            members[i][k++] =
                (weft_node_member){.name = node_at[other].name, .url = node_at[other].url};
    members[i][k] = (weft_node_member){.name = NULL};
}

void node_start(unsigned i)
{
    kit_node *n = &node_at[i];
    weft_sim_options options = {.seed = 1000 + i, .beside = world};
    options.system.reactors = kit_reactors;
    weft_why why = {""};
    n->sim = weft_sim_new(&options);
    REQUIRE(n->sim != NULL);
    n->config = kit_defaults;
    n->config.name = n->name;
    n->config.listen = n->url;
    n->config.join = members[i];
    if (n->config.allow == NULL)
        n->config.allow = allow;
    if (n->config.types == NULL)
        n->config.types = types;
    CHECK_OK(weft_node_begin(weft_sim_system(n->sim), &n->config, &why));
    CHECK_STR(why.text, "");
    n->counter_config = (counter_config){&n->counter, "counter"};
    n->counter_ref = weft_sim_spawn(n->sim, &counter, &n->counter_config);
    if (kit_more != NULL)
        kit_more(i);
}

void world_of(unsigned n, uint64_t seed, const weft_sim_faults *faults)
{
    weft_sim_options options = {.seed = seed};
    if (faults != NULL)
        options.faults = *faults;
    world = weft_sim_new(&options);
    REQUIRE(world != NULL);
    memset(node_at, 0, sizeof node_at);
    nodes = n;
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(node_at[i].name, sizeof node_at[i].name, "n%u", i);
        (void)snprintf(node_at[i].url, sizeof node_at[i].url, "sim://n%u", i);
    }
    for (unsigned i = 0; i < n; i++)
        list_members(i);
    for (unsigned i = 0; i < n; i++)
        node_start(i);
}

void node_crash(unsigned i)
{
    CHECK_U64(weft_sim_crash(&node_at[i].sim), 0);
}

void node_stop(unsigned i)
{
    CHECK_U64(weft_sim_free(&node_at[i].sim), 0);
}

void world_done(void)
{
    for (unsigned i = 0; i < nodes; i++)
        if (node_at[i].sim != NULL) {
            CHECK_STR(weft_sim_failure(node_at[i].sim), "");
            node_stop(i);
        }
    nodes = 0;
    if (world != NULL)
        CHECK_U64(weft_sim_free(&world), 0);
    memset(&kit_defaults, 0, sizeof kit_defaults);
    kit_strangers = false;
    kit_reactors = 0;
    kit_more = NULL;
}

/* ---- doing */

void node_do(unsigned i, kit_fn *fn, void *with)
{
    CHECK_OK(weft_sim_tell(node_at[i].sim, node_at[i].counter_ref, deed, fn, with));
}

const weft_outcome *node_ask_do(unsigned i, kit_fn *fn, void *with)
{
    return weft_sim_ask(node_at[i].sim, node_at[i].counter_ref, deed, fn, with);
}

typedef struct naming {
    char text[WEFT_NAME_BYTES + 8];
    weft_ref ref;
} naming;

static weft_err name_it(weft_actor *self, weft_msg *msg, void *with)
{
    naming *n = with;
    (void)msg;
    n->ref = weft_named(self, n->text);
    return WEFT_OK;
}

weft_ref named_at(unsigned from, const char *name, unsigned to)
{
    naming n = {.ref = WEFT_NOBODY};
    (void)snprintf(n.text, sizeof n.text, "%s@n%u", name, to);
    node_do(from, name_it, &n);
    return n.ref;
}

weft_err tell_counter(unsigned from, unsigned to, uint64_t n)
{
    return weft_sim_tell(node_at[from].sim, named_at(from, "counter", to), count, .n = n);
}

const weft_outcome *ask_counter(unsigned from, unsigned to, uint64_t n, uint32_t limit_ms)
{
    const count body = {.n = n};
    return weft_sim_ask_body(node_at[from].sim, named_at(from, "counter", to), &count_type, &body,
                             limit_ms);
}

uint64_t count_of(const weft_outcome *got)
{
    CHECK_OK(got->err);
    CHECK_STR(got->why, "");
    return got->err == WEFT_OK && got->type == &count_type ? ((const count *)got->body)->n : 0;
}

/* ---- what it has come to */

typedef struct looking {
    const char *name;
    weft_link_info info;
} looking;

static weft_err look(weft_actor *self, weft_msg *msg, void *with)
{
    looking *k = with;
    weft_link_info info;
    (void)msg;
    for (unsigned i = 0; weft_link_info_at(self, i, &info); i++)
        if (strcmp(info.name, k->name) == 0)
            k->info = info;
    return WEFT_OK;
}

weft_link_info info_of(unsigned from, unsigned to)
{
    looking k = {.name = node_at[to].name};
    node_do(from, look, &k);
    return k.info;
}

bool is_up(unsigned from, unsigned to)
{
    return info_of(from, to).state == WEFT_LINK_UP;
}

static bool all_are_up(void)
{
    for (unsigned i = 0; i < nodes; i++)
        for (unsigned k = 0; k < nodes; k++)
            if (i != k && node_at[i].sim != NULL && node_at[k].sim != NULL && !is_up(i, k))
                return false;
    return true;
}

bool all_linked(void)
{
    for (unsigned i = 0; i < 2000; i++) {
        if (all_are_up())
            return true;
        weft_sim_advance(world, 10);
    }
    return false;
}
