/* SPDX-License-Identifier: MIT */
/* The resolver: its life, what it sends questions with, and requests that come. */
#include <string.h>
#include <weft/log.h>

#include "resolver_ref.h"
#include "resolver_state.h"

enum {
    TIMEOUT_MS = 2000,
    TRIES = 3,
    LOOK_MS = 1000,
    TTL_MAX_S = 86400,
    NEGATIVE_MAX_S = 900,
    CACHE_MAX = 4096,
    QUESTIONS_MAX = 512,
    WAITING_MAX = 16384,
    MS = 1000,
};

const weft_type weft_resolver_query_type =
    WEFT_TYPE("weft.resolver_query", weft_resolver_query, &weft_resolver_answer_type);

weft_actor *wf_resolver_actor(const wf_resolver *r)
{
    return weft_actor_of_state((void *)(uintptr_t)r);
}

/* ---- the sender */

static void renew_sender(wf_resolver *r)
{
    if (r->sender != NULL)
        r->ops->stop(r->sender);
    r->sender = NULL;
    r->search = (wf_search){.ndots = 1};
    weft_err err = r->ops->start(r, &r->options, &r->search, &r->sender, &r->no_sender);
    if (err != WEFT_OK)
        weft_log(wf_resolver_actor(r), WEFT_ERROR, "unable to ask name servers: %s",
                 r->no_sender.text);
    wf_questions_send_again(r);
}

/* Files that have changed since the last look are read anew. */
static void look(wf_resolver *r)
{
    weft_actor *self = wf_resolver_actor(r);
    wf_files_changed changed = {.resolv_conf = r->sender == NULL};
    if (weft_sim_of(weft_system_of(self)) == NULL)
        changed = wf_resolver_files_look(&r->files, self, &r->options, r->sender == NULL);
    if (changed.resolv_conf || changed.hosts)
        wf_cache_clear(&r->cache);
    if (changed.resolv_conf)
        renew_sender(r);
}

/* ---- requests */

static weft_err check_query(const weft_resolver_query *query, char normal[WEFT_DNS_NAME_BYTES],
                            weft_why *why)
{
    if (query->type == WEFT_DNS_SOA || query->type == WEFT_DNS_OPT || query->type == WEFT_DNS_ANY)
        return weft_because(why, WEFT_EUNSUPPORTED, "records of type %s are not looked up",
                            weft_dns_type_name(query->type));
    if (memchr(query->name, 0, sizeof query->name) == NULL)
        return weft_because(why, WEFT_EINVAL, "a name of more than %u bytes",
                            WEFT_RESOLVER_NAME_BYTES - 1);
    weft_err err = weft_dns_name_normal(query->name, normal, why);
    if (err == WEFT_OK && strlen(normal) >= WEFT_RESOLVER_NAME_BYTES)
        return weft_because(why, WEFT_EINVAL, "a name of more than %u bytes",
                            WEFT_RESOLVER_NAME_BYTES - 1);
    return err;
}

static weft_err on_query(weft_actor *self, weft_msg *msg)
{
    wf_resolver *r = weft_state(self);
    const weft_resolver_query *query = weft_body(msg);
    char normal[WEFT_DNS_NAME_BYTES];
    weft_why why = {""};
    wf_answer *answer = NULL;
    if (r->second)
        return weft_forward(msg, weft_named(self, WEFT_RESOLVER_NAME));
    weft_err err = wf_address_of_text(query->name, &(weft_address){0})
                       ? wf_resolver_special(query->name, query->type, &answer)
                       : check_query(query, normal, &why);
    if (err == WEFT_OK && answer == NULL)
        err = wf_resolver_special(normal, query->type, &answer);
    if (err == WEFT_OK && answer == NULL) {
        look(r);
        if (r->files.hosts != NULL)
            err = wf_hosts_find(r->files.hosts, normal, query->type, &answer);
    }
    if (err != WEFT_OK)
        return weft_fail(msg, err, why.text[0] != '\0' ? "%s" : NULL, why.text);
    return answer != NULL ? wf_answer_reply(msg, answer) : wf_questions_ask(r, msg, query, normal);
}

static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    wf_questions_cancel(weft_state(self), ((const weft_cancelled *)weft_body(msg))->msg);
    return WEFT_OK;
}

/* ---- its life */

static void set_default(uint32_t *value, uint32_t preset, uint32_t max)
{
    if (*value == 0)
        *value = preset;
    if (*value > max)
        *value = max;
}

static void set_options(wf_resolver *r, const weft_resolver_options *given)
{
    weft_resolver_options *o = &r->options;
    if (given != NULL)
        *o = *given;
    if (o->resolv_conf == NULL)
        o->resolv_conf = "/etc/resolv.conf";
    if (o->hosts == NULL)
        o->hosts = "/etc/hosts";
    set_default(&o->timeout_ms, TIMEOUT_MS, WEFT_TIMER_MS_MAX / MS);
    set_default(&o->tries, TRIES, UINT8_MAX);
    set_default(&o->look_ms, LOOK_MS, WEFT_TIMER_MS_MAX);
    set_default(&o->ttl_max_s, TTL_MAX_S, WEFT_TIMER_MS_MAX / MS);
    set_default(&o->ttl_min_s, 0, o->ttl_max_s);
    set_default(&o->negative_max_s, NEGATIVE_MAX_S, o->ttl_max_s);
    set_default(&o->cache_max, CACHE_MAX, UINT32_MAX / 2);
    set_default(&o->questions_max, QUESTIONS_MAX, UINT32_MAX);
    set_default(&o->waiting_max, WAITING_MAX, UINT32_MAX);
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    wf_resolver *r = weft_state(self);
    uint32_t seed;
    (void)msg;
    weft_err err = weft_register(self, WEFT_RESOLVER_NAME);
    /* two reactors asked for the first time at once: this one was not needed */
    r->second = err == WEFT_EEXISTS;
    if (r->second)
        return WEFT_OK;
    set_options(r, weft_config(self));
    r->ops = weft_sim_of(weft_system_of(self)) != NULL ? &wf_sender_sim : &wf_sender_ares;
    wf_questions_init(r);
    weft_random(self, &seed, sizeof seed);
    if (err == WEFT_OK)
        err = wf_cache_init(&r->cache, r->options.cache_max, seed);
    return err == WEFT_OK ? WEFT_OK : weft_stop_because(self, err, "the resolver cannot start");
}

static void ended(weft_actor *self, weft_err reason)
{
    wf_resolver *r = weft_state(self);
    weft_resolver_options *config = (weft_resolver_options *)(uintptr_t)weft_config(self);
    (void)reason;
    if (r->sender != NULL)
        r->ops->stop(r->sender);
    wf_questions_end(r);
    if (r->cache.buckets != NULL)
        wf_cache_done(&r->cache);
    wf_resolver_files_done(&r->files);
    weft_alloc_free(config);
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_resolver_query_type, .fn = on_query},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {0},
};

static const weft_behaviour behaviour = {.name = "resolver",
                                         .handlers = rows,
                                         .state_bytes = sizeof(wf_resolver),
                                         .mailbox_max = WAITING_MAX,
                                         .ended = ended};

weft_err weft_resolver_use(weft_system *sys, const weft_resolver_options *options)
{
    weft_resolver_options *config = weft_alloc_zero(sizeof *config);
    if (config == NULL)
        return WEFT_ENOMEM;
    *config = *options;
    weft_ref ref = weft_system_spawn(sys, 0, &behaviour, config);
    if (weft_ref_is_nobody(ref)) {
        weft_alloc_free(config);
        return WEFT_ENOMEM;
    }
    /* now, so that nobody who starts earlier begins another one */
    return weft_system_register(sys, ref, WEFT_RESOLVER_NAME);
}

/* Where this reactor remembers the one it has spawned, which has not its name yet. errors: NULL. */
static weft_ref *spawned_here(void)
{
    weft_ref **kept = (weft_ref **)weft_kept(WEFT_KEPT_RESOLVER);
    if (*kept == NULL) {
        *kept = weft_alloc_zero(sizeof **kept);
        if (*kept != NULL)
            weft_kept_set_free(WEFT_KEPT_RESOLVER, weft_alloc_free);
    }
    return *kept;
}

weft_err weft_resolver_begin(weft_actor *self, const weft_resolver_options *options)
{
    weft_why why = {""};
    weft_ref *here = spawned_here();
    if (!weft_ref_is_nobody(weft_lookup(self, WEFT_RESOLVER_NAME)) ||
        (here != NULL && weft_here(*here) != NULL))
        return WEFT_EEXISTS;
    weft_resolver_options *config = here != NULL ? weft_alloc_zero(sizeof *config) : NULL;
    if (config == NULL)
        return WEFT_ENOMEM;
    *config = *options;
    *here = weft_spawn_apart(&behaviour, config, &why);
    if (!weft_ref_is_nobody(*here))
        return WEFT_OK;
    weft_alloc_free(config);
    return WEFT_ENOMEM;
}

weft_ref wf_resolver_ref(weft_actor *self, weft_why *why)
{
    weft_ref ref = weft_lookup(self, WEFT_RESOLVER_NAME);
    if (!weft_ref_is_nobody(ref))
        return ref;
    weft_ref *here = spawned_here();
    if (here == NULL) {
        weft_explain(why, "no memory for a resolver");
        return WEFT_NOBODY;
    }
    if (weft_here(*here) == NULL)
        *here = weft_spawn_apart(&behaviour, NULL, why);
    return *here;
}
