/* SPDX-License-Identifier: MIT */
/* What must always hold in a simulation: what the runtime counts is what is there, and what tests add. */
#include <inttypes.h>
#include <stdio.h>

#include "alloc.h"
#include "buffer.h"
#include "family.h"
#include "log.h"
#include "mailbox.h"
#include "sim.h"

enum {
    ALWAYS_MAX = 256, /* actors and cells of a reactor that is looked at after each of its steps */
    EVERY = 1024,     /* steps between two looks at a larger one */
    LAST_LINES = 12,  /* of the event log, in the text of a failure */
};

struct wf_sim_invariant {
    wf_sim_invariant *next;
    const char *name;
    weft_sim_invariant_fn *fn;
    void *context;
};

void wf_sim_check_init(weft_sim *sim)
{
    sim->invariants_tail = &sim->invariants;
}

void wf_sim_check_done(weft_sim *sim)
{
    for (wf_sim_invariant *i = sim->invariants, *next; i != NULL; i = next) {
        next = i->next;
        wf_free(i);
    }
}

weft_err weft_sim_always(weft_sim *sim, const char *name, weft_sim_invariant_fn *fn, void *context)
{
    wf_sim_invariant *i = wf_alloc_zero(sizeof *i);
    if (i == NULL)
        return WEFT_ENOMEM;
    *i = (wf_sim_invariant){.name = name, .fn = fn, .context = context};
    *sim->invariants_tail = i;
    sim->invariants_tail = &i->next;
    return WEFT_OK;
}

const char *weft_sim_failure(const weft_sim *sim)
{
    return sim->failure;
}

/* ---- a failure */

/* The last lines of the event log: as many as there are, and as fit into @room bytes. */
static const char *last_lines(const weft_sim *sim, size_t room)
{
    const char *begin = sim->events.text, *end = begin + sim->events.n, *from = end;
    for (unsigned lines = 0; lines < LAST_LINES && from > begin; lines++) {
        const char *line = from - 1; /* the newline that ends it */
        while (line > begin && line[-1] != '\n')
            line--;
        if ((size_t)(end - line) >= room)
            break;
        from = line;
    }
    return from;
}

/* Only the first is told: what follows may be due to it. */
static void broken(weft_sim *sim, const char *name, const weft_why *why)
{
    char *text = sim->failure;
    if (text[0] != '\0')
        return;
    int head =
        snprintf(text, WF_SIM_FAILURE_BYTES,
                 "\"%.80s\" does not hold after step %" PRIu64 " of seed %" PRIu64 ": %s\n"
                 "to stop there: the same calls with .seed = %" PRIu64 ", .stop_at = %" PRIu64
                 "; or, if nothing was told meanwhile, weft_sim_run_to(sim, %" PRIu64 ")\n"
                 "the last that happened:\n",
                 name, sim->root->steps, sim->seed, why->text, sim->seed, sim->root->steps,
                 sim->root->steps);
    size_t room = WF_SIM_FAILURE_BYTES - (size_t)head;
    (void)snprintf(text + head, room, "%s", last_lines(sim, room));
    sim->halted = !sim->ending;
    wf_log(sim->sys, WEFT_ERROR, "weft",
           "\"%.80s\" does not hold after step %" PRIu64 " of seed %" PRIu64 ": %s", name,
           sim->root->steps, sim->seed, why->text);
}

static void check_those_of_tests(weft_sim *sim)
{
    for (const wf_sim_invariant *i = sim->invariants; i != NULL; i = i->next) {
        weft_why why = {""};
        weft_err err = i->fn(sim, i->context, &why);
        if (err == WEFT_OK)
            continue;
        if (why.text[0] == '\0')
            (void)weft_because(&why, err, "%s", weft_err_text(err));
        broken(sim, i->name, &why);
        return;
    }
}

/* ---- what each reactor counts */

static uint64_t mail_of(const weft_msg *m)
{
    uint64_t mail = 0;
    for (; m != NULL; m = m->next)
        mail += wf_mail_of(m);
    return mail;
}

/* errors: EINTERNAL. */
static weft_err check_actor(const wf_reactor *r, const weft_actor *a, weft_why *why)
{
    char who[WEFT_REF_TEXT_BYTES];
    const char *name = WF_STAT_GET(a->program)->behaviour->name;
    if (a->head != NULL && (a->bits & WF_READY) == 0)
        return weft_because(why, WEFT_EINTERNAL, "%s %s has mail and is idle",
                            weft_ref_print(wf_ref_of(r, a), who), name);
    uint64_t mail = mail_of(a->head);
    if (r->rest_actor == a)
        mail += mail_of(r->rest);
    if (a->rare != NULL)
        mail += mail_of(a->rare->held);
    if (mail != WF_STAT_GET(a->mail))
        return weft_because(
            why, WEFT_EINTERNAL, "the mailbox of %s %s counts %u messages and has %u",
            weft_ref_print(wf_ref_of(r, a), who), name, wf_mail_count(a), (uint32_t)mail);
    return WEFT_OK;
}

static weft_err check_actors(const wf_reactor *r, weft_why *why)
{
    uint32_t alive = 0;
    for (uint32_t i = 1; i <= r->slots_used; i++) {
        const weft_actor *a = r->slots[i].actor;
        if (a == NULL || WF_STAT_GET(a->slot) != i || WF_STAT_GET(a->gen) != r->slots[i].gen)
            continue;
        alive++;
        weft_err err = check_actor(r, a, why);
        if (err != WEFT_OK)
            return err;
    }
    if (alive != WF_STAT_GET(r->stat.actors))
        return weft_because(why, WEFT_EINTERNAL, "reactor %u counts %u actors and has %u", r->index,
                            WF_STAT_GET(r->stat.actors), alive);
    return WEFT_OK;
}

/* Promises are counted as asks are: somebody waits for another's word. */
static weft_err check_asks(const wf_reactor *r, weft_why *why)
{
    uint32_t asks = 0;
    for (uint32_t i = 1; i <= r->cells_used; i++)
        asks += r->cells[i].kind == WF_CELL_ASK || r->cells[i].kind == WF_CELL_PLAIN;
    if (asks != WF_STAT_GET(r->stat.asks))
        return weft_because(why, WEFT_EINTERNAL, "reactor %u counts %u asks and has %u", r->index,
                            WF_STAT_GET(r->stat.asks), asks);
    return WEFT_OK;
}

static void check_reactor(weft_sim *sim, const wf_reactor *r)
{
    weft_why why = {""};
    if (check_actors(r, &why) != WEFT_OK)
        broken(sim, "actors and their mail are counted", &why);
    else if (check_asks(r, &why) != WEFT_OK)
        broken(sim, "asks are counted", &why);
}

/* ---- what all of them together hold */

static uint64_t given_out(const wf_reactor *r)
{
    uint64_t bytes = 0;
    for (uint32_t i = 1; i <= r->slots_used; i++) {
        weft_actor *a = r->slots[i].actor;
        if (a == NULL || WF_STAT_GET(a->slot) != i || WF_STAT_GET(a->gen) != r->slots[i].gen)
            continue;
        const weft_account *account = wf_account_of(a);
        bytes += account != NULL ? WF_STAT_GET(account->held) : 0;
    }
    return bytes;
}

static void check_bytes(weft_sim *sim)
{
    uint64_t given = 0, alive = 0;
    weft_why why = {""};
    for (unsigned i = 0; i < wf_threads(sim->sys); i++) {
        given += given_out(sim->sys->reactor[i]);
        alive += wf_buffers_alive_bytes(sim->sys->reactor[i]);
    }
    if (given <= alive)
        return;
    (void)weft_because(&why, WEFT_EINTERNAL,
                       "accounts hold %" PRIu64 " bytes, and %" PRIu64 " are alive", given, alive);
    broken(sim, "bytes given out are alive", &why);
}

/* ---- when */

void wf_sim_check(weft_sim *sim, const wf_reactor *r)
{
    if (r->slots_used + r->cells_used <= ALWAYS_MAX || sim->root->steps % EVERY == 0)
        check_reactor(sim, r);
    check_those_of_tests(sim);
    if (sim != sim->root)
        check_those_of_tests(sim->root); /* which look at all members */
}

void wf_sim_check_rest(weft_sim *sim)
{
    for (unsigned i = 0; i < wf_threads(sim->sys); i++)
        if (sim->sys->reactor[i]->slots_used + sim->sys->reactor[i]->cells_used > ALWAYS_MAX)
            check_reactor(sim, sim->sys->reactor[i]);
    check_bytes(sim);
}
