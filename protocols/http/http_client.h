/* SPDX-License-Identifier: MIT */
/* The HTTP client's own structures: jobs, the client's pool of connections, a connection.
 *
 *   asker ── call ──▶ client ── start ──▶ connection ── request ──▶ server
 *   asker ◀── page ── client ◀── told ─── connection ◀── answer ─── server
 *
 * A job is one call on its way through that. It is one struct that the client and the connection
 * which serves it both hold; they live on one reactor, and it is the client's to change before it is
 * started and after its connection has told that it is over, and the connection's in between. What
 * both may look at at any time are its flags.
 *
 *   new ──▶ waiting ──▶ started ──▶ over: answered, failed, or (redirect, retry) new again
 *
 * A streamed body travels over a stream that the connection owns: its data is the request's body, and
 * the response's is written to it. It is the other end of a pair whose first end the asker has, or the
 * stream of a server's request, handed over. */
#ifndef WF_HTTP_CLIENT_H
#define WF_HTTP_CLIENT_H

#include <stdatomic.h>

#include <weft/edge.h>
#include <weft/http_client.h>
#include <weft/tls.h>

#include "http1_codec.h"
#include "http1_write.h"
#include "http_proxy_rules.h"
#include "http_url.h"

typedef struct wf_http_job wf_http_job;
typedef struct wf_http_link wf_http_link;
typedef struct wf_http_origin wf_http_origin;
typedef struct wf_http_client wf_http_client;
typedef struct wf_http_upstreams wf_http_upstreams;

/* How the sentence of a failure begins, and thereby its kind. */
#define WF_HTTP_NOT_SENT "not sent: "
#define WF_HTTP_NO_ANSWER "no answer: "
#define WF_HTTP_PARTIAL "partial answer: "

/* ---- what a page points into (http_page.c) */

/* Counted, since an answer may go to another reactor. */
typedef struct wf_http_page_text {
    _Atomic uint32_t refs;
    uint32_t fields_count;
    uint64_t known_bytes; /* of the body; UINT64_MAX: not known */
    weft_http_text reason;
    char *url;                /* set when it is answered */
    weft_http_field fields[]; /* and the text behind them */
} wf_http_page_text;

/* The texts of a call, copied when it is first asked, and its stream. Counted too. */
typedef struct wf_http_call_text {
    _Atomic uint32_t refs;
    bool open;                 /* by weft_http_open: */
    weft_ref upload, download; /* the client's end of its stream, and the asker's */
    weft_http_field fields[];  /* and the texts behind them */
} wf_http_call_text;

/* Makes the texts its own: once, then they are shared. No memory: its url is NULL. */
void wf_http_call_share(void *call);
void wf_http_call_release(void *call);

/* A copy of what a head says. errors: NULL. */
wf_http_page_text *wf_http_page_text_new(const wf_http1_head *head, const weft_http_field *fields);
void wf_http_page_text_drop(wf_http_page_text *text);
weft_http_text wf_http_find(const weft_http_field *fields, uint32_t count, const char *name);

/* ---- upstreams (http_upstreams.c) */

typedef struct wf_http_upstream {
    const char *url;
    uint32_t busy;      /* requests that are under way there */
    uint32_t fails;     /* in a row */
    uint32_t out_until; /* tick; while it is out */
    bool out;
} wf_http_upstream;

/* Those of @config, which may be none. owns: *@out, freed by weft_alloc_free. errors: EINVAL, ELIMIT, ENOMEM. */
WEFT_MUST_USE weft_err wf_http_upstreams_new(const weft_http_client_config *config,
                                             wf_http_upstreams **out, weft_why *why);
/* The URL of the upstream that @job goes to now: one that it has not been at. NULL: there is none left. */
const char *wf_http_upstreams_choose(wf_http_client *c, wf_http_job *job, uint32_t now);
/* It is no longer under way there, if it was. */
void wf_http_upstreams_leave(wf_http_job *job);
/* Takes note of how @job came out. */
void wf_http_upstreams_judge(weft_actor *self, const wf_http_client *c, const wf_http_job *job);
/* Whether @job, which has failed, may be sent to another. */
bool wf_http_upstreams_may_follow(weft_actor *self, const wf_http_job *job);

/* ---- jobs (http_job.c) */

enum {
    WF_HTTP_JOB_FORWARDED = 1 << 0,  /* a server's request, to be answered with a response */
    WF_HTTP_JOB_UPLOAD = 1 << 1,     /* the request's body is data of job->body_stream */
    WF_HTTP_JOB_STREAM = 1 << 2,     /* the response's body goes to a stream */
    WF_HTTP_JOB_FRESH = 1 << 3,      /* on a new connection only: it was retried */
    WF_HTTP_JOB_WAITING = 1 << 4,    /* in its origin's queue */
    WF_HTTP_JOB_HERE = 1 << 5,       /* job->body_stream is the client's, until it is handed on */
    WF_HTTP_JOB_ANSWERED = 1 << 6,   /* its asker has the answer's head */
    WF_HTTP_JOB_CANCELLED = 1 << 7,  /* nobody wants it: nothing of the message may be read */
    WF_HTTP_JOB_REPEATED = 1 << 8,   /* it was redirected as a GET: without the body */
    WF_HTTP_JOB_ELSEWHERE = 1 << 9,  /* it was redirected to another origin: without credentials */
    WF_HTTP_JOB_UNTOUCHED = 1 << 10, /* failed on a used connection before anything came */
    WF_HTTP_JOB_OVER = 1 << 11,      /* its connection has told that it is over */
    WF_HTTP_JOB_UNPACKED = 1 << 12,
    WF_HTTP_JOB_BEGUN = 1 << 13,       /* something of it was given to a connection that was up */
    WF_HTTP_JOB_ASKED = 1 << 14,       /* its head asks whether the body is wanted */
    WF_HTTP_JOB_INSISTS = 1 << 15,     /* it was asked that in vain: the body goes at once */
    WF_HTTP_JOB_TURNED_AWAY = 1 << 16, /* which has just come out: it is to be sent again */
    WF_HTTP_JOB_EXPECTS = 1 << 18,     /* whoever asked waits to hear whether the body is wanted */
    WF_HTTP_JOB_LATE =
        1 << 17, /* its stream is made when an answer needs one; then it is a STREAM */
};

struct wf_http_job {
    uint32_t refs, flags;
    wf_http_job *next, *back; /* of all jobs of the client */
    wf_http_job *behind;      /* in its origin's queue */
    weft_msg *msg;            /* kept by the client; NULL once it was let go of */
    wf_http_link *link;
    wf_http_origin *origin;
    weft_http_method method;
    weft_http_text method_name;
    char *url, *cookie;  /* its own; cookie may be NULL */
    wf_http_url where;   /* the url taken apart, when it was placed */
    uint32_t base_bytes; /* of the url: the upstream's, without a '/' at its end */
    const char *to;
    weft_ref body_stream, asker_stream; /* the connection's end, and the asker's, if it has one */
    weft_msg *opened;                   /* of body_stream, kept until it is handed on */
    uint64_t upload_bytes;              /* 0: not known */
    uint64_t body_bytes_max;
    uint32_t redirects;
    uint32_t until; /* the tick its time is over, if it has a limit */
    bool limited;
    uint32_t since;             /* the tick it began to wait */
    wf_http_upstream *upstream; /* of a request that is forwarded */
    uint64_t tried;             /* upstreams, as bits */

    /* what its connection tells */
    weft_err err;
    weft_why why;
    uint16_t status;
    uint8_t minor;
    wf_http_page_text *text;
    weft_bytes body;
};

/* A job for @msg, a call or a request; it does not hold @msg yet. errors: NULL with @err and @why. */
wf_http_job *wf_http_job_new(weft_actor *self, const wf_http_client *c, weft_msg *msg,
                             weft_err *err, weft_why *why);
/* Aims a request that is forwarded at the upstream @base. errors: ENOMEM. */
WEFT_MUST_USE weft_err wf_http_job_aim(const wf_http_client *c, wf_http_job *job, const char *base,
                                       weft_why *why);
void wf_http_job_drop(wf_http_job *job);
/* Forgets what its last connection told. */
void wf_http_job_again(wf_http_job *job);
const weft_http_call *wf_http_job_call(const wf_http_job *job);       /* NULL: it is forwarded */
const weft_http_request *wf_http_job_request(const wf_http_job *job); /* NULL: it is a call */
/* The body that is sent with the head. */
weft_bytes wf_http_job_body(const wf_http_job *job);
/* Whether it may be sent again when nothing is known of what came of it: RFC 9110 section 9.2.2. */
bool wf_http_job_is_repeatable(const wf_http_job *job);
/* Whether its body is large enough to ask first whether it is wanted. (http_client_continue.c) */
bool wf_http_job_asks_first(const wf_http_job *job);
/* Notes a failure. */
void wf_http_job_fail(wf_http_job *job, weft_err err, const char *format, ...) WEFT_PRINTF(3, 4);

/* ---- redirects (http_redirect.c) */

/* The method that follows a redirect of @status to @method (RFC 9110 section 15.4). */
weft_http_method wf_http_redirect_method(int status, weft_http_method method);
/* Whether the answer is a redirect that is followed: its body is then thrown away. */
bool wf_http_redirect_follows(const wf_http_job *job, int status, weft_http_text location);
/* Makes the job that of the next place. errors: ELIMIT, EINVAL, EUNSUPPORTED, ETOOBIG, ENOMEM. */
WEFT_MUST_USE weft_err wf_http_redirect(const wf_http_client *c, wf_http_job *job, weft_why *why);
/* Whether @field goes along with the job's request. */
bool wf_http_field_goes(const wf_http_job *job, const weft_http_field *field);
/* Whether the field @name belongs to one connection: hop by hop, or named by @connection. */
bool wf_http_field_is_of_hop(const weft_http_field *field, weft_http_text connection);

/* ---- requests (http_client_send.c) */

/* Writes the head, and the body if that is in the message and need not wait. errors: EINVAL, ETOOBIG, ENOMEM, those of
 * weft_write. */
WEFT_MUST_USE weft_err wf_http_job_send(weft_actor *self, weft_ref stream, const wf_http_client *c,
                                        const wf_http_job *job, bool close, weft_why *why);
/* The head of a forwarded request to become a WebSocket. owns: *@out. errors: as wf_http_job_send. */
WEFT_MUST_USE weft_err wf_http_upgrade_ask(const wf_http_client *c, const wf_http_job *job,
                                           weft_bytes *out, weft_why *why);
/* Writes the head of a CONNECT to @origin. */
WEFT_MUST_USE weft_err wf_http_tunnel_send(weft_actor *self, weft_ref stream,
                                           const wf_http_client *c, const wf_http_origin *origin,
                                           weft_why *why);

/* ---- the client and its pool (http_client.c, http_client_pool.c) */

/* A connection as the client knows it. */
struct wf_http_link {
    weft_ref ref;
    wf_http_origin *origin;
    wf_http_link *next, *back; /* of its origin */
    wf_http_job *job;          /* NULL: idle, or ending */
    bool idle;
};

struct wf_http_origin {
    wf_http_origin *next; /* in its bucket */
    uint32_t hash;
    char *connect;  /* the URL of the stream */
    const char *to; /* if the call says where: its own copy */
    uint16_t port;
    bool secure, tunnel, through; /* TLS; after a CONNECT; absolute targets, to a proxy */
    uint32_t links_count;
    wf_http_link *links; /* the last used first */
    wf_http_job *first, *last;
    char authority[WF_HTTP_URL_AUTHORITY_BYTES]; /* Host */
    char whole[WF_HTTP_URL_AUTHORITY_BYTES];     /* with the port */
    char host[WEFT_URL_HOST_BYTES_MAX + 1];
};

enum { WF_HTTP_BUCKETS = 64 };

struct wf_http_client {
    const weft_http_client_config *config;
    weft_http_client_limits limits;
    wf_http1_limits codec_limits;
    const char *user_agent;
    weft_tls *tls;
    struct wf_http_jar *jar;
    wf_http_upstreams *upstreams;
    wf_http_proxies proxies;
    wf_http_job *jobs;
    wf_http_url known; /* the last host that was read: the next URL often has it too */
    char known_authority[WEFT_URL_HOST_BYTES_MAX + 16];
    wf_http_origin *buckets[WF_HTTP_BUCKETS];
    uint32_t links_count, waiting;
    weft_alarm alarm; /* of those that wait */
    uint32_t armed;
    bool ending;
};

/* Finds a connection for @job, or a place in the queue. errors: it is failed (job->err). */
WEFT_MUST_USE weft_err wf_http_pool_place(weft_actor *self, wf_http_client *c, wf_http_job *job);
/* Takes it out of its queue, or has its connection give it up. */
void wf_http_pool_leave(weft_actor *self, wf_http_client *c, wf_http_job *job);
/* The connection can serve another, or (@idle false) not. */
void wf_http_pool_freed(weft_actor *self, wf_http_client *c, wf_http_link *link, bool idle);
/* The connection's actor has ended. Gives the job that it had, if any. */
wf_http_job *wf_http_pool_lost(weft_actor *self, wf_http_client *c, weft_ref ref);
void wf_http_pool_done(wf_http_client *c);
/* It is over, or has waited too long: answered, and let go of. (http_client.c) */
void wf_http_client_finish(weft_actor *self, wf_http_client *c, wf_http_job *job);

/* Makes it ready, unless it is: a client that was just spawned is not before its first turn. (http_client.c)
 * errors: EINVAL, ELIMIT, ENOMEM, of what is in @config. */
WEFT_MUST_USE weft_err wf_http_client_prepare(wf_http_client *c,
                                              const weft_http_client_config *config, weft_why *why);
/* Makes c->tls, unless it is there. errors: those of weft_tls_client. (http_client_pool.c) */
WEFT_MUST_USE weft_err wf_http_client_tls(wf_http_client *c, weft_why *why);
/* Where @url is to be reached, as the URL of a stream in @out; names are looked up where that connects.
 * errors: ETOOBIG. */
WEFT_MUST_USE weft_err wf_http_reach(weft_actor *self, const wf_http_url *url, const char *to,
                                     uint32_t timeout_ms, char out[WEFT_URL_BYTES_MAX + 1],
                                     weft_why *why);

/* ---- a connection (http_client_conn.c and what stands beside it) */

typedef struct wf_http_start {
    wf_http_job *job;
} wf_http_start;
typedef enum wf_http_told_what {
    WF_HTTP_TOLD_HEAD, /* a streamed answer begins: it waits for wf_http_go_on */
    WF_HTTP_TOLD_OVER, /* the job is over, the connection ends */
    WF_HTTP_TOLD_IDLE, /* the job is over, the connection can serve another */
} wf_http_told_what;
typedef struct wf_http_told {
    wf_http_job *job;
    wf_http_told_what what;
} wf_http_told;
extern const weft_type wf_http_start_type, wf_http_go_on_type, wf_http_give_up_type,
    wf_http_told_type;

/* The actor of a connection; config: its wf_http_origin. */
extern const weft_behaviour wf_http_conn_behaviour;

#endif
