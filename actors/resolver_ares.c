/* SPDX-License-Identifier: MIT */
/* Questions sent by c-ares, whose sockets and time limits the reactor looks after. The only file that knows
 * c-ares. */
#include <ares.h>
#include <pthread.h>
#include <string.h>
#include <sys/time.h>

#include "resolver.h"

enum {
    EDNS_BYTES = 1232, /* what passes everywhere without fragments (dnsflagday.net/2020) */
    DNS_PORT = 53,
    CLASS_IN = 1,
    US_OF_MS = 1000,
    MS_OF_S = 1000,
};

/* A socket of the channel; kept for the next when it is closed, as that happens within its own watch. */
typedef struct ares_socket {
    struct ares_socket *next;
    struct ares_sender *owner;
    weft_watch watch;
    int fd; /* -1: none */
} ares_socket;

typedef struct ares_sender {
    wf_resolver *resolver;
    ares_channel channel;
    ares_socket *sockets;
    weft_alarm alarm;
} ares_sender;

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_status;

static void library_init(void)
{
    library_status = ares_library_init(ARES_LIB_INIT_ALL);
}

/* ---- readiness and time */

static void on_alarm(weft_alarm *alarm);

static void set_alarm(ares_sender *s)
{
    struct timeval room, *left = ares_timeout(s->channel, NULL, &room);
    if (left == NULL) {
        weft_alarm_clear(&s->alarm);
        return;
    }
    /* not before c-ares' own clock says so */
    uint64_t ms = (uint64_t)left->tv_sec * MS_OF_S + (uint64_t)left->tv_usec / US_OF_MS + 1;
    weft_alarm_set(&s->alarm, ms < WEFT_TIMER_MS_MAX ? (uint32_t)ms : WEFT_TIMER_MS_MAX, on_alarm);
}

static void on_alarm(weft_alarm *alarm)
{
    ares_sender *s = (ares_sender *)(void *)((char *)alarm - offsetof(ares_sender, alarm));
    ares_process_fd(s->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_alarm(s);
}

static void on_ready(weft_watch *watch, unsigned events)
{
    ares_socket *at = (ares_socket *)(void *)((char *)watch - offsetof(ares_socket, watch));
    ares_sender *s = at->owner;
    int fd = at->fd;
    ares_process_fd(s->channel, (events & WEFT_READABLE) != 0 ? fd : ARES_SOCKET_BAD,
                    (events & WEFT_WRITABLE) != 0 ? fd : ARES_SOCKET_BAD);
    set_alarm(s);
}

static ares_socket *socket_of(ares_sender *s, int fd)
{
    ares_socket *at = s->sockets;
    while (at != NULL && at->fd != fd)
        at = at->next;
    return at;
}

static ares_socket *socket_new(ares_sender *s, int fd)
{
    ares_socket *at = socket_of(s, -1);
    if (at == NULL) {
        at = weft_alloc_zero(sizeof *at);
        if (at == NULL)
            return NULL;
        at->owner = s;
        at->next = s->sockets;
        s->sockets = at;
    }
    at->fd = fd;
    weft_watch_init(&at->watch, fd, on_ready);
    return at;
}

/* Memory that is out leaves the socket unwatched: its questions time out. */
static void on_socket(void *data, ares_socket_t fd, int readable, int writable)
{
    ares_sender *s = data;
    ares_socket *at = socket_of(s, fd);
    unsigned events = (readable ? WEFT_READABLE : 0U) | (writable ? WEFT_WRITABLE : 0U);
    if (at == NULL && events != 0)
        at = socket_new(s, fd);
    if (at == NULL)
        return;
    weft_watch_set(&at->watch, events);
    if (events == 0)
        at->fd = -1;
}

/* ---- answers */

static weft_err err_of(int status)
{
    switch (status) {
    case ARES_ETIMEOUT:
        return WEFT_ETIMEDOUT;
    case ARES_ENOMEM:
        return WEFT_ENOMEM;
    case ARES_EBADNAME:
        return WEFT_EINVAL;
    case ARES_EBADRESP:
    case ARES_EFORMERR:
        return WEFT_EPROTO;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
        return WEFT_ENONAME;
    default:
        return WEFT_EUNREACHABLE;
    }
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *message, int size)
{
    wf_question *q = arg;
    weft_why why;
    (void)timeouts;
    /* the channel is renewed, and the question sent by the new one; or it is not wanted any more */
    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
        return;
    if (message != NULL && size > 0) {
        wf_question_answered(q, message, (size_t)size);
        return;
    }
    weft_explain(&why, "unable to look up %.100s: %s", q->name, ares_strerror(status));
    wf_question_failed(q, err_of(status), why.text);
}

static void ask(void *sender, wf_question *q)
{
    ares_sender *s = sender;
    ares_query(s->channel, q->name, CLASS_IN, q->type, on_answer, q);
    set_alarm(s);
}

/* ---- the channel */

static void stop(void *sender)
{
    ares_sender *s = sender;
    if (s->channel != NULL)
        ares_destroy(s->channel);
    weft_alarm_clear(&s->alarm);
    for (ares_socket *at = s->sockets, *next; at != NULL; at = next) {
        next = at->next;
        weft_alloc_free(at);
    }
    weft_alloc_free(s);
}

static void take_search(ares_sender *s, wf_search *search)
{
    struct ares_options saved;
    int mask = 0;
    if (ares_save_options(s->channel, &saved, &mask) != ARES_SUCCESS)
        return;
    if (saved.ndots >= 0)
        search->ndots = saved.ndots < WF_NDOTS_MAX ? (unsigned)saved.ndots : WF_NDOTS_MAX;
    for (int i = 0; i < saved.ndomains && search->n < WF_SEARCH_MAX; i++) {
        char normal[WEFT_DNS_NAME_BYTES];
        if (weft_dns_name_normal(saved.domains[i], normal, NULL) == WEFT_OK &&
            strlen(normal) < WEFT_RESOLVER_NAME_BYTES)
            memcpy(search->domain[search->n++], normal, strlen(normal) + 1);
    }
    ares_destroy_options(&saved);
}

static int open_channel(ares_sender *s, const weft_resolver_options *options)
{
    struct ares_options o = {
        .flags = ARES_FLAG_EDNS,
        .ednspsz = EDNS_BYTES,
        .timeout = (int)options->timeout_ms,
        .tries = (int)options->tries,
        .udp_port = options->port != 0 ? options->port : DNS_PORT,
        .tcp_port = options->port != 0 ? options->port : DNS_PORT,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = s,
        .resolvconf_path = (char *)(uintptr_t)options->resolv_conf,
    };
    int status = ares_init_options(&s->channel, &o,
                                   ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS |
                                       ARES_OPT_TRIES | ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT |
                                       ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF);
    if (status != ARES_SUCCESS)
        s->channel = NULL;
    else if (options->servers != NULL)
        status = ares_set_servers_ports_csv(s->channel, options->servers);
    return status;
}

static weft_err start(wf_resolver *r, const weft_resolver_options *options, wf_search *search,
                      void **sender, weft_why *why)
{
    (void)pthread_once(&library_once, library_init);
    ares_sender *s = weft_alloc_zero(sizeof *s);
    if (s == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory to ask name servers");
    s->resolver = r;
    int status = library_status == ARES_SUCCESS ? open_channel(s, options) : library_status;
    if (status != ARES_SUCCESS) {
        stop(s);
        return weft_because(why, WEFT_EUNREACHABLE, "no name servers: %s", ares_strerror(status));
    }
    take_search(s, search);
    *sender = s;
    return WEFT_OK;
}

const wf_sender_ops wf_sender_ares = {.start = start, .ask = ask, .stop = stop};
