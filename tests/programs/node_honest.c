/* SPDX-License-Identifier: MIT */
/* Two nodes that mean no harm: one asks and asks, the other one answers, whatever others send to where it listens.
 *
 *     node_honest answers URL [CERT CA]     edge-1, which knows edge-2 and edge-3
 *     node_honest asks URL [CERT CA]        edge-2, which connects to it
 *
 * Who asks writes how many answers it has, ten times a second. Told to stop it asks no more, waits for what is
 * outstanding, and ends with 0 if every ask was answered, and the link was there all the time. What is asked is
 * numbered; who answers ends with 0 if the numbers came in order, each once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/weft.h>

#include "node_test.pb-c.h"

typedef Weft__Test__Count count;
typedef Weft__Test__Blob blob;
static const weft_type count_type =
    WEFT_TYPE_PROTO("honest.count", count, &weft__test__count__descriptor, NULL);
static const weft_type blob_type =
    WEFT_TYPE_PROTO("honest.blob", blob, &weft__test__blob__descriptor, NULL);
static const weft_type *const types[] = {&count_type, &blob_type, NULL};

enum {
    AT_ONCE = 8,
    ASK_MS = 20000,
    LONG_IN = 16,        /* of so many asks one is long, and goes in chunks */
    LONG_BYTES = 150000, /* of that */
    SAY_MS = 100,
    LOST_MS = 30000, /* it is not the time of a busy machine that is tested */
};

/* ---- who answers */

static struct {
    uint64_t last, wrong;
} served;

static void look_at(uint64_t n)
{
    served.wrong += n != served.last + 1;
    served.last = n;
}

static weft_err echo_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, "echo");
}

static weft_err on_count(weft_actor *self, weft_msg *msg)
{
    const count *c = weft_body(msg);
    (void)self;
    look_at(c->n);
    return weft_reply(msg, count, .n = c->n);
}

static weft_err on_blob(weft_actor *self, weft_msg *msg)
{
    const blob *b = weft_body(msg);
    (void)self;
    look_at(b->n);
    return weft_reply(msg, blob, .n = b->n, .bytes = b->bytes);
}

static const weft_handler echo_rows[] = {{.type = &weft_started_type, .fn = echo_started},
                                         {.type = &count_type, .fn = on_count},
                                         {.type = &blob_type, .fn = on_blob},
                                         {0}};
static const weft_behaviour echo = {.name = "echo", .handlers = echo_rows};

/* ---- who asks */

static struct {
    uint64_t asked, answered, failed;
    uint32_t ups;
    weft_msg *closing; /* the phase that waits for what is outstanding */
    char why[WEFT_WHY_BYTES];
} asker;

typedef struct say {
    char nothing;
} say;
static const weft_type say_type = WEFT_TYPE("honest.say", say, NULL);

static weft_err ask(weft_actor *self, weft_msg *msg);

static uint64_t number_of(const weft_outcome *got)
{
    if (got->type == &count_type)
        return ((const count *)got->body)->n;
    const blob *b = got->type == &blob_type ? got->body : NULL;
    return b != NULL && b->bytes.len == LONG_BYTES ? b->n : 0;
}

static void note_failure(const weft_outcome *got)
{
    asker.failed++;
    (void)snprintf(asker.why, sizeof asker.why, "%s",
                   got->err != WEFT_OK ? got->why : "another answer than to what was asked");
}

static weft_err on_answer(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    if (got->err != WEFT_OK || number_of(got) != asker.answered + 1)
        note_failure(got);
    asker.answered++;
    if (asker.closing == NULL)
        return ask(self, msg);
    if (asker.answered == asker.asked) {
        (void)weft_reply(asker.closing, weft_phase_done, .cut = 0);
        weft_drop(&asker.closing);
    }
    return WEFT_OK;
}

static weft_err ask(weft_actor *self, weft_msg *msg)
{
    static uint8_t data[LONG_BYTES];
    weft_ref there = weft_named(self, "echo@edge-1");
    uint64_t n = ++asker.asked;
    weft_deferred answer = n % LONG_IN == 0
                               ? weft_ask_within(self, there, ASK_MS, blob, .n = n,
                                                 .bytes = {.len = sizeof data, .data = data})
                               : weft_ask_within(self, there, ASK_MS, count, .n = n);
    return weft_when(msg, answer, on_answer);
}

static weft_err on_say(weft_actor *self, weft_msg *msg)
{
    weft_link_info info = {.ups = 0};
    (void)msg;
    if (weft_link_info_at(self, 0, &info))
        asker.ups = info.ups;
    (void)printf("%" PRIu64 "\n", asker.answered - asker.failed);
    (void)fflush(stdout);
    return WEFT_OK;
}

static weft_err asker_started(weft_actor *self, weft_msg *msg)
{
    (void)weft_timer_start(self, SAY_MS, SAY_MS, &say_type, &(say){0});
    for (unsigned i = 0; i < AT_ONCE; i++) {
        weft_err err = ask(self, msg);
        if (err != WEFT_OK)
            return err;
    }
    return WEFT_OK;
}

static weft_err on_phase(weft_actor *self, weft_msg *msg)
{
    (void)on_say(self, msg);
    if (asker.answered == asker.asked)
        return weft_reply(msg, weft_phase_done, .cut = 0);
    asker.closing = weft_keep(msg);
    return WEFT_OK;
}

static const weft_handler asker_rows[] = {{.type = &weft_started_type, .fn = asker_started},
                                          {.type = &say_type, .fn = on_say},
                                          {.type = &weft_phase_begins_type, .fn = on_phase},
                                          {0}};
static const weft_behaviour asker_behaviour = {.name = "asker", .handlers = asker_rows};

/* ---- both */

static int run(const weft_node *node, const weft_behaviour *behaviour)
{
    weft_why why = {""};
    weft_system *sys = weft_system_new(&(weft_system_options){.pool = 1});
    if (sys == NULL || weft_node_begin(sys, node, &why) != WEFT_OK) {
        (void)fprintf(stderr, "node_honest: %s\n", why.text);
        weft_system_free(&sys);
        return 69;
    }
    weft_ref who = weft_system_spawn(sys, 0, behaviour, NULL);
    if (weft_ref_is_nobody(who) ||
        (behaviour == &asker_behaviour && weft_on_phase(sys, WEFT_PHASE_CLOSE, who) != WEFT_OK)) {
        weft_system_free(&sys);
        return 71;
    }
    return weft_run(&sys);
}

static int answer_all(const char *url, const char *cert, const char *ca)
{
    static const weft_node_member join[] = {{.name = "edge-2"}, {.name = "edge-3"}, {0}};
    static const weft_node_allow allow[] = {{"edge-2", "echo", NULL}, {0}};
    const weft_node node = {.name = "edge-1",
                            .listen = url,
                            .join = join,
                            .allow = allow,
                            .types = types,
                            .lost_ms = LOST_MS,
                            .cert = cert,
                            .ca = ca};
    int code = run(&node, &echo);
    (void)printf("served %" PRIu64 ", %" PRIu64 " out of order\n", served.last, served.wrong);
    return code != 0 ? code : served.wrong != 0;
}

static int ask_all(const char *url, const char *cert, const char *ca)
{
    const weft_node_member join[] = {{.name = "edge-1", .url = url}, {0}};
    const weft_node node = {
        .name = "edge-2", .join = join, .types = types, .lost_ms = LOST_MS, .cert = cert, .ca = ca};
    int code = run(&node, &asker_behaviour);
    (void)printf("asked %" PRIu64 ", answered %" PRIu64 ", failed %" PRIu64 ", links %" PRIu32
                 "%s%s\n",
                 asker.asked, asker.answered, asker.failed, asker.ups,
                 asker.failed != 0 ? ": " : "", asker.why);
    if (code != 0)
        return code;
    return asker.failed != 0 || asker.answered != asker.asked || asker.ups != 1;
}

int main(int argc, char **argv)
{
    const char *cert = argc == 5 ? argv[3] : NULL, *ca = argc == 5 ? argv[4] : NULL;
    if ((argc == 3 || argc == 5) && strcmp(argv[1], "answers") == 0)
        return answer_all(argv[2], cert, ca);
    if ((argc == 3 || argc == 5) && strcmp(argv[1], "asks") == 0)
        return ask_all(argv[2], cert, ca);
    (void)fprintf(stderr, "usage: %s answers|asks URL [CERT CA]\n", argv[0]);
    return 64;
}
