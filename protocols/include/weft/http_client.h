/* SPDX-License-Identifier: MIT */
/** The HTTP client: requests as asks, responses as replies, large bodies as streams. RFC 9110, 9112.
 *
 *     weft_when(msg, weft_http_get(self, "http://127.0.0.1:8880/hello/you"), on_page);
 *
 *     static weft_err on_page(weft_actor *self, weft_msg *msg, const weft_outcome *got)
 *     {
 *         const weft_http_page *page = got->body;
 *         if (got->err != WEFT_OK)
 *             return weft_fail(msg, got->err, "%s", got->why);
 *         ... page->status, page->body ...
 *     }
 *
 * A client is an actor: weft_http_caller, spawned with a configuration of its own, or the one that every
 * reactor has. It keeps connections and uses them again, one exchange at a time on each. Whatever status
 * a server answers with is an answer; a failure means that there is none, or not all of it. */
#ifndef WEFT_HTTP_CLIENT_H
#define WEFT_HTTP_CLIENT_H

#include <stdio.h>

#include <weft/deferred.h>
#include <weft/http.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_tls_config;

/* ---- what is asked */

/** A request to a client. Zero is the default. All of it is copied when it is asked. */
typedef struct weft_http_call {
    weft_http_method method; /**< not CONNECT */
    const char *method_name; /**< OTHER only */
    const char *url;         /**< http://HOST[:PORT][/PATH][?QUERY], https://... */
    const char *to;          /**< connects there instead of to the URL's host, by a URL of a stream:
                                  "unix:/run/app.sock"; NULL: the client's .to, or the host */
    const weft_http_field *fields;
    uint32_t fields_count;
    const char *content_type; /**< of the body; NULL: none is said */
    weft_bytes body;
    bool stream;       /**< the response's body comes as a stream, the answer with its head */
    bool packed;       /**< the body as it is sent: neither asked for packed nor unpacked */
    bool no_redirects; /**< a redirect is the answer */
    bool at_once;      /**< without asking by Expect whether the body is wanted, which is done for
                                  one of 1 MiB or more and for a streamed one of unknown length */
    uint64_t body_bytes_max; /**< of a gathered response; 0: the client's */
    uint32_t limit_ms;       /**< weft_http_ask: as that of weft_ask_body; WEFT_INHERIT is 0 */

    uint64_t upload_bytes; /**< weft_http_open: the body's length; 0: not known, it is sent in
                                    chunks */
    struct wf_http_call_text *own; /**< weft's */
} weft_http_call;

/** A response. Borrowed like every outcome; weft_bytes_keep(body) keeps the body. */
typedef struct weft_http_page {
    weft_bytes body;     /**< whole; empty when it is streamed */
    weft_ref stream;     /**< of a call with .stream: the asker is its owner. The body is its data,
                              and when all of it has come it tells `ended` (then close it, as who has no
                              row for that does); `closed` before that says what went wrong */
    uint64_t body_bytes; /**< the body's length, UINT64_MAX if a stream's is not known */
    uint16_t status;
    uint8_t minor;                 /**< HTTP/1.minor */
    bool unpacked;                 /**< the body came packed (gzip, br) and was unpacked */
    uint32_t redirects;            /**< that were followed */
    const char *url;               /**< where it came from in the end */
    weft_http_text reason;         /**< behind the status, for people */
    const weft_http_field *fields; /**< as they came, Content-Encoding and Content-Length too */
    uint32_t fields_count;
    struct wf_http_page_text *own; /**< weft's */
} weft_http_page;

/** The request and the response of a client: `weft_ask(self, client, weft_http_call, .url = ...)`. A
 * client serves weft_http_request too, so that a server's request can be forwarded to it. */
extern const weft_type weft_http_call_type, weft_http_page_type;

/** The value of the first field @name, case aside; `at` is NULL if there is none. thread: any. */
weft_http_text weft_http_page_field(const weft_http_page *page, const char *name);

/* ---- asking */

/** Gets @url with this reactor's client. errors of the Deferred: see weft_http_failure; the time limit is
 * inherited. thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_http_get(weft_actor *self, const char *url);

/** Asks this reactor's client. As weft_http_get. */
WEFT_MUST_USE weft_deferred weft_http_ask(weft_actor *self, const weft_http_call *call);

/** Asks with bodies that are streamed both ways: what is written to *@stream, up to weft_end, is the
 * request's body, of call->upload_bytes if that is not 0; the response's body is its data. It takes
 * what is written from the start; `drained` and weft_produce tell when there is room. The answer comes
 * with the head of the response, which may be before the request is whole. *@stream is set only if there
 * is a stream. It is no use any more when the Deferred fails: `closed` follows.
 * @client is one of this reactor, or nobody: this reactor's own. errors: those of weft_http_ask, EGONE (no
 * client here). thread: in a handler. */
WEFT_MUST_USE weft_deferred weft_http_open(weft_actor *self, weft_ref client,
                                           const weft_http_call *call, weft_ref *stream);

/** This reactor's client, which is made at its first use: the default configuration, no cookies.
 * errors: nobody, when memory is out. thread: in a handler. */
weft_ref weft_http_client_here(weft_actor *self);

/** Writes the body of @page to @to; a streamed or failed one is nothing. errors: EIO. */
weft_err weft_http_print(const weft_outcome *page, FILE *to);

/* ---- failing */

/** What kind of failure it was: what did not happen decides what may be tried again. The code beside it
 * says why: ETIMEDOUT, ELOST, EPROTO, ... and the sentence begins with the kind. */
typedef enum weft_http_failure {
    WEFT_HTTP_NO_FAILURE,
    WEFT_HTTP_NOT_SENT,       /**< nothing of the request was sent: it may be asked again */
    WEFT_HTTP_REFUSED,        /**< not sent: nobody listens there (EREFUSED) */
    WEFT_HTTP_NO_NAME,        /**< not sent: the host has no address (ENONAME) */
    WEFT_HTTP_NO_ANSWER,      /**< it was, at least in part, and no answer came */
    WEFT_HTTP_PARTIAL_ANSWER, /**< the answer was not whole, or could not be understood */
    WEFT_HTTP_OVER_LIMIT, /**< a named limit was met: ETOOBIG (head, body), ELIMIT (redirects) */
} weft_http_failure;

/** The kind of a failed outcome of a client. One that ended by the asker's own time limit or cancel may
 * have been sent: NO_ANSWER. thread: any. */
weft_http_failure weft_http_failure_of(const weft_outcome *got);

/* ---- clients */

/** Limits of a client; zero is the default. */
typedef struct weft_http_client_limits {
    uint32_t conns_per_origin_max; /**< 16 */
    uint32_t conns_max;            /**< of all origins: 1,024 */
    uint32_t waiting_max;          /**< requests that wait for a connection: 4,096; then EFULL */
    uint32_t wait_timeout_ms;      /**< for one: 30 s */
    uint32_t connect_timeout_ms;   /**< 10 s */
    uint32_t send_timeout_ms;      /**< while the server takes nothing of the request: 30 s */
    uint32_t answer_timeout_ms;    /**< from the sent request to the head of its answer: 60 s */
    uint32_t continue_timeout_ms;  /**< a large body waits for 100 Continue: 1 s, then it goes */
    uint32_t body_timeout_ms;      /**< between two pieces of an answer: 30 s */
    uint32_t idle_timeout_ms;      /**< of a kept connection nobody uses: 30 s */
    uint32_t requests_max;         /**< on one connection; none */
    uint32_t head_bytes_max;       /**< 32 KiB */
    uint32_t fields_max;           /**< 100 */
    uint64_t body_bytes_max;       /**< of a gathered body, unpacked: 8 MiB */
    uint32_t redirects_max;        /**< 20 */
    uint32_t cookies_max;          /**< 3,000; 50 of one domain */
    uint32_t upstream_fails_max;   /**< in a row, then an upstream is left out: 3 */
    uint32_t upstream_rest_ms;     /**< for so long, then one request tries it: 10 s */
} weft_http_client_limits;

#define WEFT_HTTP_UPSTREAMS_MAX 64

/** Which of several upstreams is next. */
typedef enum weft_http_balance {
    WEFT_HTTP_BY_TURNS,
    WEFT_HTTP_LEAST_BUSY, /**< the one with the fewest requests under way here; of those, by turns */
} weft_http_balance;

/** The config of weft_http_caller; NULL: all defaults. Borrowed for the client's life. */
typedef struct weft_http_client_config {
    weft_http_client_limits limits;
    const char *upstream;         /**< "http://HOST:PORT": where forwarded requests go */
    const char *const *upstreams; /**< instead of one: several, up to a NULL, of which each request
                                       gets one, and the next if it could not be sent there, or if
                                       that was in vain and it is idempotent; not once its body has
                                       begun to go */
    weft_http_balance balance;
    const char *strip; /**< taken off the front of forwarded paths: "/api" sends /api/x to /x */
    bool keep_host;    /**< forwarded requests keep their Host; else it is the upstream's */
    const char *to;    /**< the default of a call's .to, and that of forwarded requests */
    const char *proxy; /**< "http://HOST:PORT": http is asked of it, https is tunnelled (CONNECT);
                            "socks5h://[USER:PASSWORD@]HOST[:PORT]", or socks5, socks4a, socks4: both go
                            through it, and names are resolved there */
    const char *proxy_auth;      /**< the value of Proxy-Authorization; of an http proxy */
    bool proxy_from_environment; /**< if there is no .proxy: http_proxy, https_proxy, all_proxy and
                                      no_proxy as curl reads them, once, when the client starts */
    const char
        *no_proxy; /**< hosts that are reached directly: names and what is below them, addresses,
                               networks ("10.0.0.0/8"), between commas; "*" is all */
    const char *user_agent;            /**< NULL: "weft"; "": none */
    bool cookies;                      /**< keeps cookies and sends them (RFC 6265bis) */
    const struct weft_tls_config *tls; /**< whom https trusts; NULL: the system's roots */
} weft_http_client_config;

/** A client: answers weft_http_call with weft_http_page, and weft_http_request, which a server forwards
 * (weft_forward), with its response, for .upstream. Fields that belong to one connection stay behind, a
 * streamed body is taken over with its stream, an upstream that fails is answered 502, 503 or 504 with the
 * reason. One that ends fails what it has not answered (ESTOPPING). */
extern const weft_behaviour weft_http_caller;

/* ---- bodies to send */

/** One part of a form. */
typedef struct weft_http_part {
    const char *name;
    const char *value;        /**< a text; NULL: @body */
    const char *file_name;    /**< NULL: not a file */
    const char *content_type; /**< NULL: none is said */
    weft_bytes body;
} weft_http_part;

/** A form as application/x-www-form-urlencoded, of @count parts (their values or bodies). Borrowed until
 * @msg has been served. errors: no bytes (size 0) when memory is out, or there is nothing in it.
 * thread: in a handler. */
weft_bytes weft_http_form(weft_msg *msg, const weft_http_part *parts, unsigned count);

/** The bytes of a content type that weft_http_multipart writes, the final zero included. */
#define WEFT_HTTP_MULTIPART_TYPE_BYTES 80

/** A form as multipart/form-data (RFC 7578), whose boundary stands in @content_type and in no part.
 * As weft_http_form; no bytes also for a content type that would break its line. */
weft_bytes weft_http_multipart(weft_actor *self, weft_msg *msg, const weft_http_part *parts,
                               unsigned count, char content_type[WEFT_HTTP_MULTIPART_TYPE_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
