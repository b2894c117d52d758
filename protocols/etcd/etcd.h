/* SPDX-License-Identifier: MIT */
/* etcd's client as an actor: what its files share.
 *
 *     no lease ── granted ──▶ lease ── renewed every third of its time ──▶ lease
 *        ▲                      └── its time is over, or etcd knows it no more: names are lost ──┐
 *        └─────────────────────────────────────────────────────────────────────────────────────┘
 *     nothing read ── range ──▶ read up to a revision ── watch ──▶ watching
 *        ▲ └────────────────── compacted, set back ◀───────┴── over: again from the next revision
 *
 * Both go on side by side. */
#ifndef WF_ETCD_H
#define WF_ETCD_H

#include <weft/edge.h>
#include <weft/etcd.h>
#include <weft/stream.h>
#include <weft/timer.h>

#include "etcd_codec.h"

enum {
    ETCD_TTL_S = 10,
    ETCD_CALL_MS_MAX = 3000, /* for one call; or a fifth of the lease's time, if that is less */
    ETCD_RETRY_MS = 200,     /* after a failure */
    ETCD_WATCH_MS = 60000,   /* a watch that is silent for so long is begun anew */
    ETCD_MEMBERS_MAX = 4095,
    ETCD_OPS_MAX = 1 << 17, /* names being taken or given back */
};

/* One of the calls that are made by themselves: one of a kind at a time. */
typedef struct etcd_call {
    bool asked;
    uint32_t sent;  /* when */
    uint32_t again; /* not before */
} etcd_call;

/* A name that is being taken or given back. */
typedef struct etcd_op {
    struct etcd_op *next;
    struct etcd *etcd;
    weft_msg *msg; /* kept; NULL: nobody waits for it any more */
    char name[WEFT_NAME_BYTES];
    uint64_t claim;
    uint64_t lease; /* with which it is being taken */
    bool gives;
    etcd_call call;
} etcd_op;

typedef struct etcd_member {
    struct etcd_member *next;
    char name[WEFT_NODE_NAME_BYTES], url[WEFT_NODE_URL_BYTES];
    bool told; /* since the range began */
} etcd_member;

typedef struct etcd {
    weft_actor *self;
    const weft_etcd *config;
    weft_http_client_config client_config;
    weft_ref client, registry;
    char prefix[WEFT_ETCD_PREFIX_BYTES], node[WEFT_NODE_NAME_BYTES];
    uint32_t ttl_s, call_ms;
    unsigned endpoint, endpoints;
    weft_alarm alarm;
    uint32_t due; /* what failed while it was looked at what is due is so again */
    uint64_t failed;

    uint64_t lease, epoch; /* epoch: which of our leases it is */
    uint32_t good_until, refresh_at;
    etcd_call grant, refresh, put;
    uint64_t put_lease; /* with which this node's key is being put */
    bool registered, own_told;
    uint64_t untold; /* the epoch of a loss that there was no memory to tell of; 0: none */

    uint64_t revision; /* all up to it is known; 0: nothing */
    etcd_call range, watch;
    weft_ref stream;
    uint32_t heard; /* when the stream said something */
    char *line;
    size_t line_n, line_room;

    etcd_member *members;
    uint32_t n_members;
    etcd_op *ops;
    uint32_t n_ops;

    weft_msg *closing; /* the request to end */
    bool closed;
} etcd;

/* ---- etcd_call.c */

/* Sends @body to /v3/@path; @step gets weft_http_page, with @context. false: it was not sent, and is to be sent
 * again later, as @c says. */
bool wf_etcd_call(etcd *e, etcd_call *c, const char *path, const char *body, bool stream,
                  weft_step_fn *step, void *context);
/* What came of it: an answer to be freed, with WEFT_OK also if it says that etcd failed it. errors: there is none; the
 * next server is asked from now on, and @c not before a while. */
WEFT_MUST_USE weft_err wf_etcd_called(etcd *e, etcd_call *c, const weft_outcome *got,
                                      etcd_answer *out, weft_why *why);
/* It failed, and is made again in a while, of the next server. */
void wf_etcd_call_failed(etcd *e, etcd_call *c);
/* Whether it can be made now; if not, *@next is when, if that is before. */
bool wf_etcd_may_call(const etcd *e, const etcd_call *c, uint32_t *next);

/* ---- etcd.c */

/* Does what is due, and sees to it that it goes on. */
void wf_etcd_go(etcd *e);
/* Whether @a, which has failed, says that our lease is not there. */
bool wf_etcd_no_lease(const etcd_answer *a);

/* ---- etcd_lease.c */

void wf_etcd_lease_go(etcd *e, uint32_t *next);
/* Whether what hangs on the lease is ours for certain. */
bool wf_etcd_lease_good(const etcd *e);
void wf_etcd_lease_lost(etcd *e, const char *why);
/* Gives it back, and answers the request to end. */
void wf_etcd_revoke(etcd *e);

/* ---- etcd_watch.c */

void wf_etcd_watch_go(etcd *e, uint32_t *next);
void wf_etcd_watch_stop(etcd *e);
/* Something could not be told for want of memory: all is read again. */
void wf_etcd_read_again(etcd *e);
weft_err wf_etcd_on_data(weft_actor *self, weft_msg *msg);
weft_err wf_etcd_on_ended(weft_actor *self, weft_msg *msg);
weft_err wf_etcd_on_closed(weft_actor *self, weft_msg *msg);

/* ---- etcd_members.c */

/* The key nodes/@name; @url NULL: it is gone. */
void wf_etcd_member(etcd *e, const char *name, const char *url, uint64_t lease);
/* Before and behind all there are. */
void wf_etcd_members_begin(etcd *e);
void wf_etcd_members_end(etcd *e);
void wf_etcd_members_done(etcd *e);

/* ---- etcd_names.c */

weft_err wf_etcd_on_take(weft_actor *self, weft_msg *msg);
weft_err wf_etcd_on_give(weft_actor *self, weft_msg *msg);
weft_err wf_etcd_on_cancelled(weft_actor *self, weft_msg *msg);
void wf_etcd_names_go(etcd *e, uint32_t *next);
/* The key names/@name; @value NULL: that of the revision @term is gone. */
void wf_etcd_name(etcd *e, const char *name, const etcd_event *event, uint64_t term);
void wf_etcd_names_done(etcd *e);

#endif
