/* SPDX-License-Identifier: MIT */
/* Chains: callbacks, then errbacks. Counts the words of pages, some of which have moved or are not there.
 *
 * usage: 05_chain PAGE... */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

enum { NAME_BYTES = 16, TEXT_BYTES = 64, PAGES_MAX = 16 };

/** The page @name. The reply is page. */
typedef struct page_query {
    char name[NAME_BYTES];
} page_query;
typedef struct page {
    bool moved; /* @text is the name of another one */
    char text[TEXT_BYTES];
} page;

/** How many words has the page @name? The reply is word_count. */
typedef struct word_query {
    char name[NAME_BYTES];
} word_query;
typedef struct word_count {
    uint64_t n;
} word_count;

static const weft_type page_type = WEFT_TYPE("page", page, NULL);
static const weft_type page_query_type = WEFT_TYPE("page_query", page_query, &page_type);
static const weft_type word_count_type = WEFT_TYPE("word_count", word_count, NULL);
static const weft_type word_query_type = WEFT_TYPE("word_query", word_query, &word_count_type);

/* ---- who has the pages */

static weft_err on_page_query(weft_actor *self, weft_msg *msg)
{
    const page_query *q = weft_body(msg);
    (void)self;

    if (strcmp(q->name, "index") == 0)
        return weft_reply(msg, page, .text = "all that is here");
    if (strcmp(q->name, "about") == 0)
        return weft_reply(msg, page, .text = "threads that cross");
    if (strcmp(q->name, "home") == 0)
        return weft_reply(msg, page, .moved = true, .text = "index");
    if (strcmp(q->name, "secret") == 0)
        return weft_fail(msg, WEFT_EDENIED, "not for you");
    return weft_fail(msg, WEFT_ENOTFOUND, "there is no page %.*s", NAME_BYTES, q->name);
}

static const weft_handler pages_handlers[] = {
    {.type = &page_query_type, .fn = on_page_query},
    {0},
};
static const weft_behaviour pages_behaviour = {.name = "pages", .handlers = pages_handlers};

/* ---- who counts their words */

typedef struct counter {
    weft_ref pages;
} counter;

/* [steps] */
/* A step that gives another Deferred: the chain waits for it. */
static weft_err on_page_moved(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    const counter *c = weft_state(self);
    const page *p = got->body;

    if (p->moved) {
        page_query q = {""};
        (void)snprintf(q.name, sizeof q.name, "%.*s", NAME_BYTES - 1, p->text);
        *next = weft_ask_body(self, c->pages, &page_query_type, &q, WEFT_INHERIT);
    }
    return WEFT_OK;
}

/* A step that gives another value. */
static weft_err on_page_counted(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    const page *p = got->body;
    uint64_t n = 1;

    for (const char *c = p->text; *c != '\0'; c++)
        n += *c == ' ';
    *next = weft_succeed(self, word_count, .n = n);
    return WEFT_OK;
}

/* A step that recovers from one failure and passes on the others. */
static weft_err on_page_missing(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    if (got->err != WEFT_ENOTFOUND)
        return got->err;
    *next = weft_succeed(self, word_count, .n = 0);
    return WEFT_OK;
}
/* [/steps] */

/* [chain] */
static weft_err on_words_counted(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    return weft_reply_body(msg, got->type, got->body);
}

static weft_err on_word_query(weft_actor *self, weft_msg *msg)
{
    const counter *c = weft_state(self);
    const word_query *q = weft_body(msg);
    page_query wanted = {""};
    memcpy(wanted.name, q->name, sizeof wanted.name);

    weft_deferred d = weft_ask_body(self, c->pages, &page_query_type, &wanted, WEFT_INHERIT);
    d = weft_then(self, d, on_page_moved);
    d = weft_then(self, d, on_page_counted);
    d = weft_catch(self, d, on_page_missing);
    return weft_when(msg, d, on_words_counted);
}
/* [/chain] */

static weft_err on_counter_started(weft_actor *self, weft_msg *msg)
{
    counter *c = weft_state(self);
    (void)msg;

    c->pages = weft_spawn(self, &pages_behaviour, NULL);
    return WEFT_OK;
}

static const weft_handler counter_handlers[] = {
    {.type = &weft_started_type, .fn = on_counter_started},
    {.type = &word_query_type, .fn = on_word_query},
    {0},
};
static const weft_behaviour counter_behaviour = {
    .name = "counter", .handlers = counter_handlers, .state_bytes = sizeof(counter)};

/* ---- who wants to know */

typedef struct wanted {
    size_t n;
    char **names;
} wanted;

/* [all] */
static weft_err on_all_counted(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_outcomes *all = got->body;
    uint64_t sum = 0;
    (void)msg;

    if (got->err != WEFT_OK) {
        (void)printf("page %zu: %s (%s)\n", got->index + 1, got->why, weft_err_name(got->err));
    } else {
        for (size_t i = 0; i < all->n; i++)
            sum += ((const word_count *)all->at[i].body)->n;
        (void)printf("%" PRIu64 " words\n", sum);
    }
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

static weft_err on_reader_started(weft_actor *self, weft_msg *msg)
{
    const wanted *w = weft_config(self);
    weft_ref counting = weft_spawn(self, &counter_behaviour, NULL);
    weft_deferred each[PAGES_MAX];

    for (size_t i = 0; i < w->n; i++) {
        word_query q = {""};
        (void)snprintf(q.name, sizeof q.name, "%s", w->names[i]);
        each[i] = weft_ask_body(self, counting, &word_query_type, &q, WEFT_INHERIT);
    }
    weft_deferred all = weft_all(self, each, w->n, WEFT_CANCEL_REST);
    return weft_when(msg, weft_within(self, all, 1000), on_all_counted);
}
/* [/all] */

static const weft_handler reader_handlers[] = {
    {.type = &weft_started_type, .fn = on_reader_started},
    {0},
};
static const weft_behaviour reader = {.name = "reader", .handlers = reader_handlers};

int main(int argc, char **argv)
{
    wanted w = {.n = (size_t)argc - 1, .names = argv + 1};
    weft_system *sys = weft_system_new(NULL);

    if (w.n > PAGES_MAX)
        w.n = PAGES_MAX;
    if (sys == NULL || weft_ref_is_nobody(weft_system_spawn(sys, 0, &reader, &w)))
        return EXIT_FAILURE;
    return weft_run(&sys);
}
