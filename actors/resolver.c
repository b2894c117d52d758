/* SPDX-License-Identifier: MIT */
/* The resolver: requests, their candidates, questions that several of them wait for. */
#include <string.h>
#include <weft/log.h>

#include "resolver.h"
#include "resolver_files.h"
#include "resolver_ref.h"

enum {
    BUCKETS = 64,
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

/* A request that waits; it stands in the scratch memory of its message. */
struct wf_waiter {
    wf_waiter *next, *before;
    wf_question *question;
    weft_msg *msg;
    unsigned candidate;
    uint16_t type;
    bool absolute;
    char name[WEFT_RESOLVER_NAME_BYTES]; /* in its normal form */
};

struct wf_resolver {
    weft_resolver_options options; /* with defaults filled in */
    const wf_sender_ops *ops;
    void *sender; /* NULL: not started, or it could not be */
    weft_why no_sender;
    wf_search search;
    wf_resolver_files files;
    wf_cache cache;
    wf_question *bucket[BUCKETS];
    uint32_t questions, waiting;
    wf_question *done, **done_tail; /* answered, and not yet told to those that wait */
    weft_hook hook;                 /* tells them */
    weft_alarm sweep;               /* when nothing that is kept holds any more */
    uint32_t sweep_at_ms;
    bool second; /* another one has the name: requests are passed on */
};

const weft_type weft_resolver_query_type =
    WEFT_TYPE("weft.resolver_query", weft_resolver_query, &weft_resolver_answer_type);

weft_actor *wf_resolver_actor(const wf_resolver *r)
{
    return weft_actor_of_state((void *)(uintptr_t)r);
}

/* ---- the sender */

static void send_again(wf_resolver *r)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        for (wf_question *q = r->bucket[i]; q != NULL; q = q->next) {
            if (q->done)
                continue;
            if (r->sender != NULL)
                r->ops->ask(r->sender, q);
            else
                wf_question_failed(q, WEFT_EUNREACHABLE, r->no_sender.text);
        }
}

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
    send_again(r);
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

/* ---- questions */

static wf_question **bucket_of(wf_resolver *r, const char *name, uint16_t type)
{
    return &r->bucket[wf_resolver_hash(r->cache.seed, name, type) % BUCKETS];
}

/* The question, under way or new. errors: NULL with @err and @why. */
static wf_question *question_of(wf_resolver *r, const char *name, uint16_t type, weft_err *err,
                                weft_why *why)
{
    wf_question **bucket = bucket_of(r, name, type);
    for (wf_question *q = *bucket; q != NULL; q = q->next)
        if (!q->done && q->type == type && strcmp(q->name, name) == 0)
            return q;
    if (r->questions == r->options.questions_max) {
        *err = weft_because(why, WEFT_EFULL, "%u questions have no answer yet (questions_max)",
                            r->questions);
        return NULL;
    }
    size_t n = strlen(name) + 1;
    wf_question *q = weft_alloc_zero(sizeof *q + n);
    if (q == NULL) {
        *err = weft_because(why, WEFT_ENOMEM, "no memory to ask for %.80s", name);
        return NULL;
    }
    q->resolver = r;
    q->type = type;
    memcpy(q->name, name, n);
    q->next = *bucket;
    *bucket = q;
    r->questions++;
    r->ops->ask(r->sender, q);
    return q;
}

static void question_free(wf_resolver *r, wf_question *q)
{
    wf_question **at = bucket_of(r, q->name, q->type);
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    r->questions--;
    if (!q->done && r->ops->forget != NULL)
        r->ops->forget(q);
    wf_answer_drop(&q->answer);
    weft_alloc_free(q);
}

/* ---- requests */

static void waiter_unlink(wf_resolver *r, wf_question *q, wf_waiter *w)
{
    *(w->before != NULL ? &w->before->next : &q->first) = w->next;
    *(w->next != NULL ? &w->next->before : &q->last) = w->before;
    w->question = NULL;
    r->waiting--;
}

static void waiter_link(wf_resolver *r, wf_waiter *w, wf_question *q)
{
    w->question = q;
    w->next = NULL;
    w->before = q->last;
    *(q->last != NULL ? &q->last->next : &q->first) = w;
    q->last = w;
    r->waiting++;
}

static weft_err reply(weft_msg *msg, wf_answer *answer, uint32_t ttl_s)
{
    const weft_resolver_query *query = weft_body(msg);
    const char *type = weft_dns_type_name(query->type);
    if (answer->none)
        return weft_fail(msg, WEFT_ENONAME, "\"%.120s\" has no %s record", query->name,
                         type != NULL ? type : "such");
    weft_resolver_answer body = wf_answer_body(answer, ttl_s);
    return weft_reply_body(msg, &weft_resolver_answer_type, &body);
}

static weft_err reply_once(weft_msg *msg, wf_answer *answer)
{
    weft_err err = reply(msg, answer, answer->ttl_s);
    wf_answer_drop(&answer);
    return err;
}

/* What is kept, or waited for, of the candidates from the waiter's own on. @waits: it waits now. */
static weft_err go_on(wf_resolver *r, wf_waiter *w, weft_msg *msg, bool *waits)
{
    char name[WEFT_DNS_NAME_BYTES];
    weft_why why = {""};
    weft_err err = WEFT_OK;
    *waits = false;
    for (; wf_search_name(&r->search, w->name, w->absolute, w->candidate, name); w->candidate++) {
        uint32_t ttl_s = 0, now_ms = weft_now_ms(wf_resolver_actor(r));
        wf_answer *kept = wf_cache_find(&r->cache, name, w->type, now_ms, &ttl_s);
        if (kept != NULL && kept->none)
            continue;
        if (kept != NULL)
            return reply(msg, kept, ttl_s);
        wf_question *q = question_of(r, name, w->type, &err, &why);
        if (q == NULL)
            return weft_fail(msg, err, "%s", why.text);
        waiter_link(r, w, q);
        *waits = true;
        return WEFT_OK;
    }
    const char *type = weft_dns_type_name(w->type);
    return weft_fail(msg, WEFT_ENONAME, "\"%.120s\" has no %s record", w->name,
                     type != NULL ? type : "such");
}

static bool ends_with_dot(const char *name)
{
    size_t n = strlen(name), slashes = 0;
    if (n < 2 || name[n - 1] != '.')
        return false;
    while (slashes < n - 1 && name[n - 2 - slashes] == '\\')
        slashes++;
    return slashes % 2 == 0;
}

static weft_err ask_servers(wf_resolver *r, weft_msg *msg, const weft_resolver_query *query,
                            const char *normal)
{
    bool waits;
    if (r->sender == NULL)
        return weft_fail(msg, WEFT_EUNREACHABLE, "%s", r->no_sender.text);
    if (r->waiting == r->options.waiting_max)
        return weft_fail(msg, WEFT_EFULL, "%u requests wait for answers (waiting_max)", r->waiting);
    wf_waiter *w = weft_scratch(msg, sizeof *w);
    if (w == NULL)
        return weft_fail(msg, WEFT_ENOMEM, "no memory to look up %.80s", normal);
    w->type = query->type;
    w->absolute = ends_with_dot(query->name);
    memcpy(w->name, normal, strlen(normal) + 1);
    weft_err err = go_on(r, w, msg, &waits);
    if (waits)
        w->msg = weft_keep(msg);
    return err;
}

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
    return answer != NULL ? reply_once(msg, answer) : ask_servers(r, msg, query, normal);
}

/* Whoever asked no longer wants to know; the question goes on, for the cache. */
static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    wf_resolver *r = weft_state(self);
    wf_waiter *w = weft_scratch_last(((const weft_cancelled *)weft_body(msg))->msg);
    if (w == NULL || w->question == NULL)
        return WEFT_OK;
    waiter_unlink(r, w->question, w);
    weft_msg *kept = w->msg;
    weft_drop(&kept);
    return WEFT_OK;
}

/* ---- answers */

static void sweep(weft_alarm *alarm)
{
    wf_resolver *r = (wf_resolver *)(void *)((char *)alarm - offsetof(wf_resolver, sweep));
    wf_cache_clear(&r->cache);
}

static void keep_answer(wf_resolver *r, const wf_question *q)
{
    uint32_t now_ms = weft_now_ms(wf_resolver_actor(r)), ttl_ms = q->answer->ttl_s * MS;
    bool first = r->cache.n == 0;
    wf_cache_put(&r->cache, q->name, q->type, q->answer, now_ms);
    /* the clock goes round: nothing may be kept for so long that it looks fresh again */
    if (ttl_ms != 0 && (first || (int32_t)(now_ms + ttl_ms - r->sweep_at_ms) > 0)) {
        r->sweep_at_ms = now_ms + ttl_ms;
        weft_alarm_set(&r->sweep, ttl_ms, sweep);
    }
}

static void tell_waiter(wf_resolver *r, wf_question *q, wf_waiter *w)
{
    weft_msg *msg = w->msg;
    bool waits = false;
    weft_err err;
    waiter_unlink(r, q, w);
    if (q->answer == NULL)
        err = weft_fail(msg, q->err, "%s", q->why.text);
    else if (!q->answer->none)
        err = reply(msg, q->answer, q->answer->ttl_s);
    else {
        w->candidate++;
        err = go_on(r, w, msg, &waits);
    }
    /* memory is out even for the failure: letting go of it fails it */
    if (err != WEFT_OK)
        weft_log(wf_resolver_actor(r), WEFT_WARNING, "unable to answer: %s", weft_err_text(err));
    if (!waits)
        weft_drop(&msg);
}

static void tell_done(weft_actor *self, void *context)
{
    wf_resolver *r = context;
    (void)self;
    for (wf_question *q; (q = r->done) != NULL; question_free(r, q)) {
        if ((r->done = q->next_done) == NULL)
            r->done_tail = &r->done;
        while (q->first != NULL)
            tell_waiter(r, q, q->first);
    }
}

static void run_hook(weft_hook *hook)
{
    wf_resolver *r = (wf_resolver *)(void *)((char *)hook - offsetof(wf_resolver, hook));
    weft_enter(wf_resolver_actor(r), tell_done, r);
}

/* The requests are told later: what sends may be in the middle of its own. */
static void done(wf_question *q)
{
    wf_resolver *r = q->resolver;
    q->done = true;
    *r->done_tail = q;
    r->done_tail = &q->next_done;
    weft_hook_queue(&r->hook);
}

void wf_question_answered(wf_question *q, const uint8_t *message, size_t size)
{
    const weft_resolver_options *o = &q->resolver->options;
    wf_answer_limits limits = {o->ttl_min_s, o->ttl_max_s, o->negative_max_s};
    q->err = wf_answer_read(message, size, q->name, q->type, &limits, &q->answer, &q->why);
    /* at once: who asks before the others are told finds it */
    if (q->answer != NULL)
        keep_answer(q->resolver, q);
    done(q);
}

void wf_question_failed(wf_question *q, weft_err err, const char *why)
{
    q->err = weft_because(&q->why, err, "%s", why);
    done(q);
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
    r->done_tail = &r->done;
    r->hook.run = run_hook;
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
    weft_hook_cancel(&r->hook);
    weft_alarm_clear(&r->sweep);
    if (r->sender != NULL)
        r->ops->stop(r->sender);
    for (unsigned i = 0; i < BUCKETS; i++)
        while (r->bucket[i] != NULL) {
            while (r->bucket[i]->first != NULL) {
                wf_waiter *w = r->bucket[i]->first;
                weft_msg *msg = w->msg;
                waiter_unlink(r, r->bucket[i], w);
                (void)weft_fail(msg, WEFT_ESTOPPING, "the resolver has stopped");
                weft_drop(&msg);
            }
            question_free(r, r->bucket[i]);
        }
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
