/* SPDX-License-Identifier: MIT */
/** SP sockets: requests, queues, publications, surveys and pairs with any program that uses nanomsg or NNG.
 *
 *     static const char *const at[] = {"nng+rep://127.0.0.1:5555", "nng+rep+ipc:///run/app.sp", NULL};
 *     static const weft_sp_config config = {.listen = at};
 *     weft_ref socket = weft_spawn(self, &weft_sp, &config);
 *
 * A socket is an actor with any number of pipes (connections), made by dialling and by listening at one or several
 * URLs of one kind. It takes weft_sp_message, and gives weft_sp_message: what it is told or asked it sends, and what
 * it receives it asks its owner. So the owner of one socket may be another socket, and two of them are a device.
 *
 * - What came is let go of as data of a stream is: the next message of that pipe comes when the handler has
 *   returned, or has answered or dropped what it kept. A slow owner slows its peers, each pipe in its turn.
 * - rep, respondent: the owner's reply goes back to who asked. pair, pair1: so does a reply there. None: nothing does.
 * - req: an ask is the request, its reply the answer. Any number may be outstanding, each with its own time limit.
 *   A request is sent again, through another pipe, when its pipe is lost and after resend_ms: it may be served twice.
 * - push, pair: an ask is answered weft_sp_sent when a pipe has taken the message. They go round the pipes that have
 *   room, and wait in the socket's queue while none has. What a pipe has taken may be lost with it.
 * - pub, bus: a message goes to each pipe that has room; where there is none it is left out, and counted.
 * - sub: messages that begin with one of the topics are given on, others are let go of.
 * - surveyor: an ask is answered weft_sp_answers when survey_ms have passed.
 * - pair, pair1: one pipe at a time; a second is closed, and counted.
 *
 * Not here: pair1's polyamorous mode, and devices that keep the way a request has come (raw sockets): a device made
 * of two sockets asks anew. Standards: sp-tcp-mapping-01, sp-request-reply-01, sp-publish-subscribe-01,
 * sp-surveyor-01, sp-pipeline-01, sp-websocket-mapping-01 (nanomsg's RFCs), and NNG's pair1. */
#ifndef WEFT_SP_H
#define WEFT_SP_H

#include <weft/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a socket is: the protocol's number on the wire. */
typedef enum weft_sp_kind {
    WEFT_SP_PAIR = 16,
    WEFT_SP_PAIR1 = 17,
    WEFT_SP_PUB = 32,
    WEFT_SP_SUB = 33,
    WEFT_SP_REQ = 48,
    WEFT_SP_REP = 49,
    WEFT_SP_PUSH = 80,
    WEFT_SP_PULL = 81,
    WEFT_SP_SURVEYOR = 98,
    WEFT_SP_RESPONDENT = 99,
    WEFT_SP_BUS = 112,
} weft_sp_kind;

/* ---- what it is spawned with */

/** The config of weft_sp; it must live as long as the socket. Zero means the default.
 *
 * URLs are `nng+KIND://HOST:PORT` (TCP) and `nng+KIND+TRANSPORT://...` with KIND one of pair, pair1, pub, sub, req,
 * rep, push, pull, surveyor, respondent, bus, and TRANSPORT one of tcp, ipc (a path), tls, ws, wss (with a path), sim
 * and ws+sim. Behind it stand the options of the stream below, as in <weft/url.h>: ?cert=...&key=... */
typedef struct weft_sp_config {
    const char *const *listen; /**< URLs to listen at, ended by NULL; NULL: none */
    const char *const *dial;   /**< URLs to stay connected to, ended by NULL; NULL: none */
    weft_ref owner;            /**< who is asked what comes; nobody: who spawned it */
    const char *name;          /**< registered (weft_register); NULL: none */
    const char *const
        *topics; /**< sub: prefixes, ended by NULL; NULL: none until weft_sp_subscribe */
    uint64_t
        message_bytes_max; /**< of a message that comes; 0: 1 MiB. Beyond: the pipe is closed (ETOOBIG) */
    uint32_t pipes_max;       /**< 0: 1,024; at most 65,535. Beyond: closed, and counted */
    uint32_t queue_max;       /**< messages that wait for a pipe; 0: 64. Beyond: EFULL */
    uint64_t queue_bytes_max; /**< and their bytes; 0: 1 MiB. One is taken whatever its size */
    uint32_t
        pipe_queue_max; /**< messages on their way to one pipe that it has no room for yet; 0: 64 */
    uint32_t pipe_requests_max; /**< rep, respondent: of one pipe, served at a time; 0: 64 */
    uint32_t requests_max; /**< req, surveyor: outstanding; push, pair: on their way; 0: 4,096; at
                                   most 32,768. Beyond: EFULL */
    uint32_t resend_ms;   /**< req: 0: 60,000; WEFT_NO_LIMIT: never, also not when a pipe is lost */
    uint32_t reply_ms;    /**< rep, respondent: what the owner may take; 0: 60,000 */
    uint32_t survey_ms;   /**< surveyor: 0: 1,000 */
    uint32_t answers_max; /**< surveyor: a survey ends when so many have come; 0: 1,024 */
    uint64_t answers_bytes_max; /**< surveyor: or so many bytes; 0: 16 MiB */
    uint32_t hops_max;     /**< devices that a message may have passed; 0: 8, which is the most */
    uint32_t delay_ms;     /**< the first pause before dialling again; 0: 100 */
    uint32_t delay_max_ms; /**< the longest (<weft/reconnect.h>); 0: 10,000 */
} weft_sp_config;

#define WEFT_SP_TOPICS_MAX 1024U     /**< of a socket */
#define WEFT_SP_TOPIC_BYTES_MAX 255U /**< of a topic */
#define WEFT_SP_HELLO_MS 10000U /**< a pipe whose peer has not said by then what it is is closed */

/** Spawn it with a weft_sp_config. It is up when it listens at every URL. It ends with EINVAL (URLs that are none, or of
 * several kinds), with what listening failed for, and with what dialling gave up for; a peer that is not there yet
 * is no failure. Stopped politely it takes nothing more, and flushes what its pipes have taken. */
extern const weft_behaviour weft_sp;

/* ---- messages */

/** A message. To be sent: only @bytes count; they are shared, not copied. As it came: also who it came to.
 * errors of one to be sent: EFULL (queue_max, queue_bytes_max, requests_max), EUNSUPPORTED (sub, pull, rep,
 * respondent send nothing of their own; a req's must be an ask), ESTOPPING, ENOMEM; of an ask besides its own time limit
 * ELOST (the pipe was lost, and resend_ms is never). */
typedef struct weft_sp_message {
    weft_bytes bytes;
    weft_ref socket; /**< that received it */
    weft_ref pipe;   /**< it came by */
} weft_sp_message;

/** How many pipes it was given to, and how many had no room for it. */
typedef struct weft_sp_sent {
    uint32_t pipes;
    uint32_t dropped;
} weft_sp_sent;

/** What a survey came to. Shared, never copied. */
typedef struct weft_sp_answers {
    uint32_t asked; /**< pipes; none: it ended at once */
    uint32_t n;     /**< answers, in the order they came */
    const weft_bytes *at;
} weft_sp_answers;

extern const weft_type weft_sp_message_type, weft_sp_sent_type, weft_sp_answers_type;

/** sub: from now on messages that begin with these bytes are given on (no bytes: all). Answered weft_sp_topics.
 * errors: ELIMIT (WEFT_SP_TOPICS_MAX), ETOOBIG (WEFT_SP_TOPIC_BYTES_MAX), EUNSUPPORTED (it is no sub), ENOMEM. */
typedef struct weft_sp_subscribe {
    weft_bytes topic;
} weft_sp_subscribe;
/** No longer. errors: ENOTFOUND, EUNSUPPORTED. */
typedef struct weft_sp_unsubscribe {
    weft_bytes topic;
} weft_sp_unsubscribe;
/** How many there are now. */
typedef struct weft_sp_topics {
    uint32_t n;
} weft_sp_topics;
extern const weft_type weft_sp_subscribe_type, weft_sp_unsubscribe_type, weft_sp_topics_type;

/** Told to the owner: a pipe is up; one is over. Unhandled: ignored. */
typedef struct weft_sp_joined {
    weft_ref socket, pipe;
    uint32_t pipes; /**< that are up now */
} weft_sp_joined;
typedef struct weft_sp_left {
    weft_ref socket, pipe;
    uint32_t pipes;
} weft_sp_left;
extern const weft_type weft_sp_joined_type, weft_sp_left_type;

/** Asks a socket for its counts. */
typedef struct weft_sp_look {
    char nothing;
} weft_sp_look;
typedef struct weft_sp_counts {
    uint32_t pipes;       /**< that are up */
    uint32_t waiting;     /**< messages in the queue */
    uint32_t outstanding; /**< requests and surveys; messages on their way */
    uint64_t received;    /**< given to the owner, or matched to what asked for them */
    uint64_t sent;        /**< taken by a pipe; one for each that took it */
    uint64_t dropped;     /**< pub, bus, surveyor: left out, since a pipe had no room */
    uint64_t refused;     /**< messages answered with EFULL */
    uint64_t resent;      /**< req: sent again */
    uint64_t late;        /**< answers that nobody waits for */
    uint64_t filtered;    /**< sub: of no topic */
    uint64_t unserved;    /**< that the owner did not take: it failed, or was not there */
    uint64_t pipes_refused;
} weft_sp_counts;
extern const weft_type weft_sp_look_type, weft_sp_counts_type;

/* ---- URLs */

/** What a URL says. */
typedef struct weft_sp_url {
    weft_sp_kind kind;
    bool ipc;          /**< framed as IPC is */
    bool web;          /**< WebSocket, as path @path */
    bool simulated;    /**< a wire of a simulation */
    char stream[2048]; /**< the URL of the stream below, with its options */
    char path[256];    /**< of a WebSocket: begins with "/" */
} weft_sp_url;

/** Reads @text. The stream's URL is looked at too, as one to listen at (@listens) or to connect to.
 * errors: EINVAL, EUNSUPPORTED, ETOOBIG. thread: any. */
WEFT_MUST_USE weft_err weft_sp_url_parse(const char *text, bool listens, weft_sp_url *out,
                                         weft_why *why);

/** "req"; NULL: no such kind. Static. thread: any. */
const char *weft_sp_kind_name(weft_sp_kind kind);

/** A row of the forms of URLs, for listings. */
typedef struct weft_sp_form {
    const char *form; /**< "nng+KIND+ipc:///PATH" */
    const char *help;
} weft_sp_form;
/** Form number @i, from 0; NULL behind the last. */
const weft_sp_form *weft_sp_form_at(size_t i);

#ifdef __cplusplus
}
#endif
#endif
