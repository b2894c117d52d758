/* SPDX-License-Identifier: MIT */
/* A name that one actor of a cluster has, by etcd. Run it as: 41_names NODE URL ETCD
 *
 *     41_names edge-1 unix:/tmp/edge-1 http://127.0.0.1:2379
 *     41_names edge-2 unix:/tmp/edge-2 http://127.0.0.1:2379 */
#include <inttypes.h>
#include <stdio.h>

#include <weft/weft.h>

static void say(const char *what, uint64_t term)
{
    (void)printf("%s %" PRIu64 "\n", what, term);
    (void)fflush(stdout);
}

/* [claim] */
static weft_err on_billing(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)msg;
    if (got->err != WEFT_OK)
        return weft_stop_because(self, got->err, "no billing: %s", got->why);
    say("is billing, in term", ((const weft_claimed *)got->body)->term);
    return WEFT_OK;
}

static weft_err claim(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg, weft_claim(self, "billing", WEFT_NO_LIMIT), on_billing);
}
/* [/claim] */

/* [lost] */
static weft_err on_lost(weft_actor *self, weft_msg *msg)
{
    const weft_name_lost *lost = weft_body(msg);
    say("is not billing any more, since term", lost->term);
    return claim(self, msg); /* and waits for its turn */
}

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = claim},
    {.type = &weft_name_lost_type, .fn = on_lost},
    {0},
};
/* [/lost] */
static const weft_behaviour billing = {.name = "billing", .handlers = rows};

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fprintf(stderr, "usage: %s NODE URL ETCD\n", argv[0]);
        return 64;
    }
    const char *const servers[] = {argv[3], NULL};
    const weft_node node = {.name = argv[1], .cluster = "orchestra", .listen = argv[2]};
    const weft_etcd etcd = {.endpoints = servers, .url = argv[2], .ttl_s = 5};
    weft_why why;
    weft_system *sys = weft_system_new(NULL);
    if (sys == NULL || weft_node_begin(sys, &node, &why) != WEFT_OK ||
        weft_etcd_begin(sys, &etcd, &why) != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", sys != NULL ? why.text : "memory is out");
        weft_system_free(&sys);
        return 69;
    }
    if (weft_ref_is_nobody(weft_system_spawn(sys, 0, &billing, NULL)))
        return 71;
    return weft_run(&sys);
}
