/* SPDX-License-Identifier: MIT */
/* A supervised application: a counter, and a web site that asks it. GET /add/5 adds; GET /crash stops the
 * counter with an error, and its supervisor restarts it. */
#include <inttypes.h>
#include <stdlib.h>

#include "03_counter.h"

/* [site] */
static weft_err on_added(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const counter_total *total = got->body;
    (void)self;
    if (got->err != WEFT_OK)
        return weft_http_text(msg, 503, "the counter does not answer: %s\n", got->why);
    return weft_http_text(msg, 200, "%" PRIu64 "\n", total->value);
}

static weft_err add(weft_actor *self, weft_msg *msg)
{
    uint64_t amount = strtoull(weft_http_param(msg, "amount"), NULL, 10);
    weft_ref counter = weft_named(self, "counter");
    return weft_when(msg, weft_ask(self, counter, counter_add, .amount = amount), on_added);
}

/* Stands for a bug: whoever stops with an error is restarted. */
static weft_err crash(weft_actor *self, weft_msg *msg)
{
    weft_err err = weft_stop_ref(self, weft_named(self, "counter"), WEFT_EINTERNAL);
    return weft_http_text(msg, 200, "%s\n", weft_err_text(err));
}

static const weft_http_route routes[] = {
    {.route = "GET /add/:amount", .handler = add},
    {.route = "GET /crash", .handler = crash},
    {0},
};
/* [/site] */

/* [options] */
typedef struct web_settings {
    const char *url;
} web_settings;
static web_settings web;

static const weft_option web_options[] = {
    {.name = "listen",
     .kind = WEFT_OPTION_URL,
     .value = "URL",
     .unset = "http://127.0.0.1:8080",
     .at = offsetof(web_settings, url),
     .help = "where the site is served"},
    {0},
};
/* [/options] */

/* [tree] */
static weft_child children[] = {
    {.name = "counter", .behaviour = &counter_behaviour, .restart = WEFT_RESTART_ON_ERROR},
    {.name = "web", .behaviour = &weft_http_site, .config = routes, .listen = "set by --listen"},
    {0},
};

static const weft_supervisor tree = {
    .strategy = WEFT_ONE_FOR_ONE,
    .restarts_max = 3,
    .restarts_window_ms = 5000,
    .children = children,
};
/* [/tree] */

/* [main] */
static weft_err set_up(void *settings, weft_why *why)
{
    const web_settings *s = settings;
    (void)why;
    children[1].listen = s->url;
    return WEFT_OK;
}

static const weft_service services[] = {
    {.name = "web", .options = web_options, .settings = &web, .check = set_up},
    {0},
};

int main(int argc, char **argv)
{
    return weft_main(&(weft_app){.name = "06_supervised",
                                 .summary = "a counter on the web that may crash",
                                 .tree = &tree,
                                 .services = services},
                     argc, argv);
}
/* [/main] */
