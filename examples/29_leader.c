/* SPDX-License-Identifier: MIT */
/* Nodes that find each other by etcd, of which one leads at a time. Run it as: 29_leader NODE URL ETCD
 *
 *     29_leader edge-1 unix:/tmp/edge-1 http://127.0.0.1:2379
 *     29_leader edge-2 unix:/tmp/edge-2 http://127.0.0.1:2379 */
#include <inttypes.h>
#include <stdio.h>

#include <weft/weft.h>

/* [leader] */
static weft_err on_leader(weft_actor *self, weft_msg *msg)
{
    const weft_leader_changed *leader = weft_body(msg);
    (void)self;
    if (leader->mine)
        (void)printf("leads, term %" PRIu64 "\n", leader->term);
    else if (leader->node[0] != '\0')
        (void)printf("follows %s\n", leader->node);
    else
        (void)printf("nobody leads\n");
    (void)fflush(stdout);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    static const weft_leader_config config = {.name = "conductor"};
    (void)msg;
    weft_ref candidate = weft_spawn(self, &weft_leader, &config);
    return weft_ref_is_nobody(candidate) ? WEFT_ENOMEM : weft_link(self, candidate);
}
/* [/leader] */

static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &weft_leader_changed_type, .fn = on_leader},
    {0},
};
static const weft_behaviour player = {.name = "player", .handlers = rows};

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fprintf(stderr, "usage: %s NODE URL ETCD\n", argv[0]);
        return 64;
    }
    /* [etcd] */
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
    /* [/etcd] */
    if (weft_ref_is_nobody(weft_system_spawn(sys, 0, &player, NULL)))
        return 71;
    return weft_run(&sys);
}
