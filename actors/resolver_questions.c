/* SPDX-License-Identifier: MIT */
/* Questions that were sent: requests that wait for them, their candidates, and what comes of answers. */
#include <string.h>
#include <weft/log.h>

#include "resolver_state.h"

enum { MS = 1000 };

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

/* ---- questions */

static wf_question **bucket_of(wf_resolver *r, const char *name, uint16_t type)
{
    return &r->bucket[wf_resolver_hash(r->cache.seed, name, type) % WF_QUESTION_BUCKETS];
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

weft_err wf_answer_reply(weft_msg *msg, wf_answer *answer)
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

weft_err wf_questions_ask(wf_resolver *r, weft_msg *msg, const weft_resolver_query *query,
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

void wf_questions_cancel(wf_resolver *r, const weft_msg *msg)
{
    wf_waiter *w = weft_scratch_last(msg);
    if (w == NULL || w->question == NULL)
        return;
    waiter_unlink(r, w->question, w);
    weft_msg *kept = w->msg;
    weft_drop(&kept);
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

/* ---- all of them */

void wf_questions_init(wf_resolver *r)
{
    r->done_tail = &r->done;
    r->hook.run = run_hook;
}

void wf_questions_send_again(wf_resolver *r)
{
    for (unsigned i = 0; i < WF_QUESTION_BUCKETS; i++)
        for (wf_question *q = r->bucket[i]; q != NULL; q = q->next) {
            if (q->done)
                continue;
            if (r->sender != NULL)
                r->ops->ask(r->sender, q);
            else
                wf_question_failed(q, WEFT_EUNREACHABLE, r->no_sender.text);
        }
}

void wf_questions_end(wf_resolver *r)
{
    weft_hook_cancel(&r->hook);
    weft_alarm_clear(&r->sweep);
    for (unsigned i = 0; i < WF_QUESTION_BUCKETS; i++)
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
}
