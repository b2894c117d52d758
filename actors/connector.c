/* SPDX-License-Identifier: MIT */
/* Connecting to a name: the targets of a service, their addresses, attempts side by side. */
#include "connector.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft/log.h>
#include <weft/resolver.h>

#include "address.h"
#include "race.h"
#include "resolver.h"
#include "socket.h"
#include "srv_order.h"
#include "wire.h"

enum { TARGETS_MAX = 16, ATTEMPTS_MAX = 2 * WF_RACE_ADDRESSES_MAX, WHY_BYTES = 384 };

/* A connect under way. */
typedef struct attempt {
    wf_connector *k;
    weft_watch watch;
    int fd; /* -1: none */
    wire_end *end;
    weft_address address;
} attempt;

typedef struct target {
    uint16_t port;
    char host[WEFT_RESOLVER_NAME_BYTES];
} target;

struct wf_connector {
    conn *c; /* NULL: it is over */
    const weft_url *url;
    struct weft_sim *sim;
    void (*won)(conn *c, const wf_connector_won *by);
    void (*lost)(conn *c, weft_err err, const char *why);
    uint32_t targets, at; /* of them all; the one that is tried */
    uint32_t round;       /* counts targets, so that late answers about an earlier one are known */
    wf_race race;
    weft_alarm delay;
    attempt attempts[ATTEMPTS_MAX];
    bool said;    /* why this target failed */
    weft_err err; /* of the first failure; all are told in @why */
    char why[WHY_BYTES];
    target target[TARGETS_MAX];
};

static void look(wf_connector *k);
static void next_target(weft_actor *self, void *context);

static weft_actor *actor_of(wf_connector *k)
{
    return weft_actor_of_state(k);
}

/* ---- what went wrong */

static void note_failure(wf_connector *k, weft_err err, const char *what, const char *why)
{
    size_t n = strlen(k->why);
    /* that there is no name says less than that somebody refused */
    if (k->err == WEFT_OK || k->err == WEFT_ENONAME)
        k->err = err;
    k->said = true;
    (void)snprintf(k->why + n, sizeof k->why - n, "%s%.100s%s%s", n != 0 ? "; " : "", what,
                   what[0] != '\0' ? ": " : "", why);
}

static void close_attempt(attempt *a)
{
    if (a->fd >= 0) {
        weft_watch_set(&a->watch, 0);
        (void)close(a->fd);
    }
    if (a->end != NULL)
        wf_wire_refuse(a->end);
    a->fd = -1;
    a->end = NULL;
}

static void close_all(wf_connector *k)
{
    weft_alarm_clear(&k->delay);
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++)
        close_attempt(&k->attempts[i]);
}

void wf_connector_end(wf_connector *k)
{
    if (k->c == NULL)
        return;
    k->c = NULL;
    close_all(k);
    (void)weft_stop(actor_of(k), WEFT_OK);
}

static void fail(wf_connector *k)
{
    conn *c = k->c;
    weft_log(actor_of(k), WEFT_INFO, "unable to connect to %s: %s", k->url->host.name, k->why);
    k->lost(c, k->err, k->why);
}

bool wf_connector_resolves(const wf_connector *k)
{
    return k->race.tried == 0;
}

/* ---- attempts */

static void attempt_won(attempt *a)
{
    wf_connector *k = a->k;
    wf_connector_won by = {.fd = a->fd, .end = a->end};
    if (a->fd >= 0)
        weft_watch_set(&a->watch, 0);
    a->fd = -1;
    a->end = NULL;
    close_all(k);
    k->won(k->c, &by);
}

static void attempt_failed(attempt *a, weft_err err, const char *why)
{
    char text[WEFT_ADDRESS_TEXT_BYTES];
    close_attempt(a);
    note_failure(a->k, err, weft_address_print(&a->address, text), why);
    wf_race_attempt_failed(&a->k->race);
}

static void on_ready(weft_watch *watch, unsigned events)
{
    attempt *a = (attempt *)(void *)((char *)watch - offsetof(attempt, watch));
    int failed = 0;
    socklen_t n = sizeof failed;
    (void)events;
    (void)getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &failed, &n);
    if (failed == 0) {
        attempt_won(a);
        return;
    }
    attempt_failed(a, weft_err_from_errno(failed), strerror(failed));
    look(a->k);
}

static void on_wire_outcome(void *context)
{
    attempt *a = context;
    weft_err err = wf_wire_outcome(a->end);
    if (err == WEFT_OK) {
        attempt_won(a);
        return;
    }
    attempt_failed(a, err, "refused");
    look(a->k);
}

static bool begin_socket(attempt *a)
{
    weft_err err;
    weft_why why = {""};
    int fd = wf_socket_connect_to(a->k->url, &a->address, &err, &why);
    if (fd < 0) {
        attempt_failed(a, err, weft_err_text(err));
        return false;
    }
    a->fd = fd;
    weft_watch_init(&a->watch, fd, on_ready);
    weft_watch_set(&a->watch, WEFT_WRITABLE);
    return true;
}

/* In a simulation an address is a place of that name. */
static bool begin_wire(attempt *a)
{
    char host[WEFT_ADDRESS_TEXT_BYTES];
    weft_address to;
    wf_connector *k = a->k;
    (void)wf_wire_address(&to, weft_address_host(&a->address, host), a->address.port, NULL);
    a->end = wf_wire_begin(k->sim, k->url, &to, weft_reactor_of(actor_of(k)), on_wire_outcome, a);
    if (a->end == NULL)
        attempt_failed(a, WEFT_ENOMEM, "no memory for a simulated link");
    return a->end != NULL;
}

static void try_next(wf_connector *k)
{
    attempt *a = &k->attempts[0];
    weft_address address = wf_race_next(&k->race);
    /* as many attempts as addresses: one is free */
    while (a->fd >= 0 || a->end != NULL)
        a++;
    address.port = k->target[k->at].port;
    a->k = k;
    a->address = address;
    (void)(k->sim != NULL ? begin_wire(a) : begin_socket(a));
}

static void on_delay(weft_alarm *alarm)
{
    wf_connector *k = (wf_connector *)(void *)((char *)alarm - offsetof(wf_connector, delay));
    wf_race_delayed(&k->race);
    look(k);
}

/* Does what is next. */
static void look(wf_connector *k)
{
    for (;;)
        switch (wf_race_look(&k->race)) {
        case WF_RACE_TRY:
            weft_alarm_clear(&k->delay);
            try_next(k);
            break;
        case WF_RACE_DELAY:
            weft_alarm_set(&k->delay, k->race.delay_ms, on_delay);
            return;
        case WF_RACE_FAILED:
            if (!k->said)
                note_failure(k, WEFT_ENONAME, k->target[k->at].host, "the name has no address");
            k->at++;
            weft_enter(actor_of(k), next_target, k);
            return;
        default:
            return;
        }
}

/* ---- addresses */

/* Which target, and which family, a question was about. */
static void *tag_of(const wf_connector *k, bool v6)
{
    return (void *)(uintptr_t)(k->round * 2 + v6);
}

static weft_err on_addresses(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_connector *k = weft_state(self);
    const weft_resolver_answer *answer = got->body;
    weft_address address[WF_RACE_ADDRESSES_MAX];
    bool v6 = ((uintptr_t)got->context & 1) != 0;
    uint32_t n = 0;
    *next = weft_succeed_body(self, NULL, NULL);
    if (k->c == NULL || tag_of(k, v6) != got->context)
        return WEFT_OK;
    if (got->err != WEFT_OK && got->err != WEFT_ENONAME)
        note_failure(k, got->err, "", got->why);
    for (; got->err == WEFT_OK && n < answer->n && n < WF_RACE_ADDRESSES_MAX; n++)
        address[n] = answer->records[n].address;
    wf_race_answer(&k->race, v6, address, n);
    look(k);
    return WEFT_OK;
}

static void ask(wf_connector *k, bool v6)
{
    weft_actor *self = actor_of(k);
    weft_deferred asked =
        weft_resolver_ask(self, k->target[k->at].host, v6 ? WEFT_DNS_AAAA : WEFT_DNS_A);
    /* without memory nobody would say what came of it */
    if (weft_ignore(self, weft_finally_with(self, asked, on_addresses, tag_of(k, v6))) != WEFT_OK) {
        note_failure(k, WEFT_ENOMEM, "", "no memory to ask for addresses");
        wf_race_answer(&k->race, v6, NULL, 0);
    }
}

/* localhost is what listeners at localhost are: 127.0.0.1, and ::1 if nobody is there. */
static bool begin_localhost(wf_connector *k)
{
    weft_address v4 = {.family = WEFT_FAMILY_V4}, v6 = {.family = WEFT_FAMILY_V6};
    if (weft_host_kind_of(k->target[k->at].host) != WEFT_HOST_LOCALHOST || k->sim != NULL)
        return false;
    memcpy(v4.ip, "\x7f\0\0\1", 4);
    v6.ip[15] = 1;
    wf_race_answer(&k->race, false, &v4, 1);
    wf_race_answer(&k->race, true, &v6, 1);
    k->race.tried = 1;
    k->race.last_v6 = true;
    return true;
}

static void next_target(weft_actor *self, void *context)
{
    wf_connector *k = context;
    (void)self;
    if (k->at == k->targets) {
        fail(k);
        return;
    }
    k->round++;
    k->said = false;
    close_all(k);
    wf_race_begin(&k->race);
    if (begin_localhost(k)) {
        look(k);
        return;
    }
    /* RFC 8305 3: "the AAAA query SHOULD be sent first, immediately followed by the A query" */
    ask(k, true);
    ask(k, false);
    look(k);
}

/* ---- the targets of a service */

static uint32_t draw(void *context, uint32_t max)
{
    uint32_t drawn;
    weft_random(context, &drawn, sizeof drawn);
    return (uint32_t)((uint64_t)drawn * ((uint64_t)max + 1) >> 32);
}

static void set_target(target *t, const char *host, uint16_t port)
{
    t->port = port;
    (void)snprintf(t->host, sizeof t->host, "%s", host);
}

/* RFC 2782: "A Target of "." means that the service is decidedly not available at this domain." */
static bool is_refusal(const weft_resolver_answer *answer)
{
    return answer->n == 1 && strcmp(answer->records[0].host, ".") == 0;
}

static void take_targets(wf_connector *k, weft_actor *self, const weft_resolver_answer *answer)
{
    wf_srv_target found[TARGETS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < answer->n && n < TARGETS_MAX; i++) {
        const weft_resolver_record *r = &answer->records[i];
        if (strlen(r->host) < WEFT_RESOLVER_NAME_BYTES && strcmp(r->host, ".") != 0)
            found[n++] = (wf_srv_target){
                .priority = r->priority, .weight = r->weight, .port = r->port, .host = r->host};
    }
    wf_srv_order(found, n, draw, self);
    for (uint32_t i = 0; i < n; i++)
        set_target(&k->target[i], found[i].host, found[i].port);
    k->targets = n;
}

static weft_err on_service(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    wf_connector *k = weft_state(self);
    (void)msg;
    if (k->c == NULL)
        return WEFT_OK;
    if (got->err == WEFT_OK && is_refusal(got->body))
        note_failure(k, WEFT_ENONAME, k->url->host.name, "the service is not offered there");
    else if (got->err == WEFT_OK)
        take_targets(k, self, got->body);
    else {
        /* RFC 2782: without records the name itself is tried */
        note_failure(k, got->err, "", got->why);
        if (got->err == WEFT_ENONAME && k->url->host.port != 0)
            set_target(&k->target[k->targets++], k->url->host.name, k->url->host.port);
    }
    next_target(self, k);
    return WEFT_OK;
}

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    wf_connector *k = weft_state(self);
    const char *service = weft_url_text(k->url, WEFT_URL_SRV, 0);
    char name[WEFT_URL_HOST_BYTES_MAX + WEFT_URL_SERVICE_BYTES_MAX + sizeof "_._tcp."];
    if (k->c == NULL)
        return WEFT_OK;
    if (service == NULL) {
        set_target(&k->target[k->targets++], k->url->host.name, k->url->host.port);
        next_target(self, k);
        return WEFT_OK;
    }
    (void)snprintf(name, sizeof name, "_%s._tcp.%s", service, k->url->host.name);
    return weft_when(msg, weft_resolver_ask(self, name, WEFT_DNS_SRV), on_service);
}

/* ---- its life */

static void ended(weft_actor *self, weft_err reason)
{
    wf_connector *k = weft_state(self);
    conn *c = k->c;
    k->c = NULL;
    close_all(k);
    /* ended by force, or by memory that is out: the stream would wait for its time limit */
    if (c != NULL)
        k->lost(c, reason != WEFT_OK ? reason : WEFT_EABORTED, "what connected it has ended");
}

static const weft_handler rows[] = {{.type = &weft_started_type, .fn = on_started}, {0}};
static const weft_behaviour behaviour = {
    .name = "connector", .handlers = rows, .state_bytes = sizeof(wf_connector), .ended = ended};

weft_err wf_connector_begin(conn *c, const weft_url *url,
                            void (*won)(conn *c, const wf_connector_won *by),
                            void (*lost)(conn *c, weft_err err, const char *why),
                            wf_connector **out, weft_why *why)
{
    weft_actor *a = weft_here(weft_spawn(conn_actor(c), &behaviour, NULL));
    if (a == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory to look up \"%.80s\"", url->host.name);
    wf_connector *k = weft_state(a);
    k->c = c;
    k->url = url;
    k->sim = weft_sim_of(weft_system_of(a));
    k->won = won;
    k->lost = lost;
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++)
        k->attempts[i].fd = -1;
    *out = k;
    return WEFT_OK;
}
