/* SPDX-License-Identifier: MIT */
/* How long a node takes to answer: asked by another one, whose console is told to, or by a visitor at its URL. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <weft/fiber.h>
#include <weft/timer.h>
#include <weft/url.h>
#include <weft/visit.h>

#include "services.h"

enum { KEPT_MAX = 10000, MS_MAX = 60000 };

typedef struct ping_settings {
    const char *who, *to, *cluster;
    weft_visit visit; /* at a URL */
    uint32_t count, interval_ms, limit_ms;
    int code;
    uint32_t sent, lost;
    uint64_t ns[KEPT_MAX]; /* of the last that were answered */
} ping_settings;

/* One service runs, and these are its. */
static ping_settings settings;

static const weft_option ping_options[] = {
    {.name = "NODE",
     .kind = WEFT_OPTION_TEXT,
     .at = offsetof(ping_settings, who),
     .positional = true,
     .help = "the name of a member, which --to asks; or the URL where a node listens"},
    {.name = "to",
     .kind = WEFT_OPTION_CONNECT,
     .value = "URL",
     .at = offsetof(ping_settings, to),
     .help = "of a name: the console of what runs, as it was told by --admin"},
    {.name = "count",
     .kind = WEFT_OPTION_COUNT,
     .value = "N",
     .unset = "4",
     .at = offsetof(ping_settings, count),
     .min = 0,
     .max = 1000000,
     .help = "of a URL, as all that follows: how often to ask; 0: until it is stopped"},
    {.name = "interval",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "1s",
     .at = offsetof(ping_settings, interval_ms),
     .min = 0,
     .max = MS_MAX,
     .help = "from one to the next"},
    {.name = "timeout",
     .kind = WEFT_OPTION_MS,
     .value = "TIME",
     .unset = "5s",
     .at = offsetof(ping_settings, limit_ms),
     .min = 1,
     .max = MS_MAX,
     .help = "what each answer may take, and the node until it has said who it is"},
    {.name = "expect",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .at = offsetof(ping_settings, visit.name),
     .help = "the node that must answer; with TLS, whom its certificate is for (else the host)"},
    {.name = "cluster",
     .kind = WEFT_OPTION_TEXT,
     .value = "NAME",
     .at = offsetof(ping_settings, cluster),
     .help = "the cluster that it must be of"},
    {.name = "cert",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(ping_settings, visit.cert),
     .help = "with a certificate (PEM) to show, of the nodes' authority, for any name"},
    {.name = "key",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(ping_settings, visit.key),
     .help = "with the key of that; without it, it stands in the same file"},
    {.name = "ca",
     .kind = WEFT_OPTION_TEXT,
     .value = "FILE",
     .at = offsetof(ping_settings, visit.ca),
     .help = "with the authority that the certificates of all nodes are of"},
    {0},
};

/* ---- what is printed */

static int by_value(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return one < other ? -1 : one > other;
}

static double ms_of(uint64_t ns)
{
    return (double)ns / 1e6;
}

static void print_summary(ping_settings *s)
{
    uint32_t answered = s->sent - s->lost, n = answered < KEPT_MAX ? answered : KEPT_MAX;
    if (s->sent == 0)
        return;
    (void)printf("asked %u times, %u without an answer", s->sent, s->lost);
    if (n != 0) {
        qsort(s->ns, n, sizeof *s->ns, by_value);
        uint64_t median = (s->ns[(n - 1) / 2] + s->ns[n / 2]) / 2;
        (void)printf("; min %.3f ms, median %.3f ms, max %.3f ms", ms_of(s->ns[0]), ms_of(median),
                     ms_of(s->ns[n - 1]));
    }
    (void)printf("\n");
}

static void print_who(const weft_visited *v)
{
    (void)printf("%s of %s%s%s, links of version %u (%s), after %.3f ms\n", v->node,
                 v->cluster[0] != '\0' ? "the cluster \"" : "no cluster", v->cluster,
                 v->cluster[0] != '\0' ? "\"" : "", v->version, v->features, ms_of(v->ns));
}

/* ---- a visit */

static int code_of(weft_err err)
{
    switch (err) {
    case WEFT_EINVAL:
        return EX_USAGE;
    case WEFT_ENONAME:
        return EX_NOHOST;
    case WEFT_ETIMEDOUT:
        return EX_TEMPFAIL;
    case WEFT_EPROTO:
    case WEFT_EUNSUPPORTED:
        return EX_PROTOCOL;
    case WEFT_ETLS:
    case WEFT_EDENIED:
        return EX_NOPERM;
    case WEFT_EIO:
        return EX_IOERR;
    default:
        return EX_UNAVAILABLE;
    }
}

static void failed(weft_err err, const char *why)
{
    bool says_where = strstr(why, settings.who) != NULL;
    settings.code = code_of(err);
    (void)fflush(stdout);
    (void)fprintf(stderr, "weftd ping: %s%s%s (%s)\n", says_where ? "" : settings.who,
                  says_where ? "" : ": ", why, weft_err_name(err));
}

/* false: it is not what was to be asked, or nobody. */
static bool meet(weft_actor *self, weft_ref visitor)
{
    const weft_outcome *got =
        weft_await(self, weft_ask_within(self, visitor, WEFT_NO_LIMIT, weft_visit_who, 0));
    if (got->err == WEFT_ESTOPPING)
        return false;
    if (got->err != WEFT_OK)
        return failed(got->err, got->why), false;
    const weft_visited *v = got->body;
    print_who(v);
    if (settings.cluster == NULL || strcmp(settings.cluster, v->cluster) == 0)
        return fflush(stdout) == 0;
    settings.code = EX_DATAERR;
    (void)fflush(stdout);
    (void)fprintf(stderr, "weftd ping: %s is of the cluster \"%s\"; expected \"%s\"\n", v->node,
                  v->cluster, settings.cluster);
    return false;
}

/* One answer, or none. false: there will be no other. */
static bool ping_once(weft_actor *self, weft_ref visitor)
{
    ping_settings *s = &settings;
    const weft_outcome *got =
        weft_await(self, weft_ask_within(self, visitor, s->limit_ms, weft_visit_ping, 0));
    if (got->err == WEFT_ESTOPPING)
        return false;
    s->sent++;
    if (got->err == WEFT_OK) {
        uint64_t ns = ((const weft_node_pinged *)got->body)->ns;
        s->ns[(s->sent - s->lost - 1) % KEPT_MAX] = ns;
        (void)printf("%u: %.3f ms\n", s->sent, ms_of(ns));
    } else {
        s->lost++;
        if (got->err != WEFT_ETIMEDOUT)
            return failed(got->err, got->why), false;
        s->code = EX_TEMPFAIL;
        (void)printf("%u: no answer within %u ms\n", s->sent, s->limit_ms);
    }
    return fflush(stdout) == 0;
}

static weft_err on_visit(weft_actor *self, weft_msg *msg)
{
    ping_settings *s = &settings;
    (void)msg;
    weft_ref visitor = weft_spawn(self, &weft_visitor, &s->visit);
    if (weft_ref_is_nobody(visitor))
        failed(WEFT_ENOMEM, "memory is out");
    else if (meet(self, visitor)) {
        bool more = true;
        for (uint32_t i = 0; more && (s->count == 0 || i < s->count); i++) {
            uint32_t began_ms = weft_now_ms(self);
            more = ping_once(self, visitor);
            uint32_t took_ms = weft_now_ms(self) - began_ms;
            if (more && i + 1 != s->count)
                more = weft_sleep(self, took_ms < s->interval_ms ? s->interval_ms - took_ms : 0) ==
                       WEFT_OK;
        }
    }
    print_summary(s);
    if (fflush(stdout) != 0)
        s->code = EX_IOERR;
    weft_system_stop(self, WEFT_OK);
    return WEFT_OK;
}

/* Says that the service is up, which must not take longer than a start may, and begins. */
typedef struct ping_begin {
    char nothing;
} ping_begin;
static const weft_type ping_begin_type = WEFT_TYPE("weft.ping_begin", ping_begin, NULL);

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_tell(self, weft_self(self), ping_begin, .nothing = 0);
}

static const weft_handler handlers[] = {
    {.type = &weft_started_type, .fn = on_started},
    {.type = &ping_begin_type, .fn = on_visit, .fiber = true},
    {0},
};
static const weft_behaviour ping_behaviour = {.name = "ping", .handlers = handlers};

/* ---- the service */

/* Names of nodes have no colon, URLs do. */
static bool is_url(const char *who)
{
    return strchr(who, ':') != NULL;
}

static weft_err ping_check(void *at, weft_why *why)
{
    const ping_settings *s = at;
    weft_url url;
    if (!is_url(s->who))
        return WEFT_OK;
    if (s->to != NULL)
        return weft_because(why, WEFT_EINVAL, "a node at a URL is asked itself: expected no --to");
    weft_err err = weft_url_parse(s->who, &url, why);
    return err == WEFT_OK ? weft_url_check(&url, WEFT_URL_CONNECT, why) : err;
}

static weft_err ping_children(void *at, weft_children *to, weft_why *why)
{
    ping_settings *s = at;
    if (!is_url(s->who))
        return console_operate(to, "ping", s->who, s->to, why);
    s->visit.url = s->who;
    s->visit.limit_ms = s->limit_ms;
    const weft_child visit = {
        .name = "ping", .behaviour = &ping_behaviour, .restart = WEFT_RESTART_NEVER};
    return weft_children_add(to, &visit, why);
}

static int ping_code(const void *at)
{
    const ping_settings *s = at;
    return is_url(s->who) ? s->code : console_code();
}

static void ping_done(void *at)
{
    (void)at;
    console_done();
}

const weft_service service_ping = {
    .name = "ping",
    .summary = "measure how long a node takes to answer",
    .about =
        "A node at a URL is visited: asked as a member would, without being taken for one. What "
        "it\n"
        "is comes first, then each answer, then a summary. The exit code is 65 if it is of "
        "another\n"
        "cluster, 69 if nobody is there, 75 if an answer takes too long, 76 if it is no node, 77 "
        "if\n"
        "a certificate is refused, or another node is there than the one expected.",
    .example = "weftd ping nng+tcp://127.0.0.1:7000",
    .options = ping_options,
    .settings = &settings,
    .check = ping_check,
    .children = ping_children,
    .code = ping_code,
    .done = ping_done,
};
