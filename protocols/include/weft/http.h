/* SPDX-License-Identifier: MIT */
// HTTP: a site of routes, requests as messages, responses as replies, bodies as streams. RFC 9110, 9112.
//
//     static const weft_http_route routes[] = {
//         {.route = "GET /hello/:name", .handler = hello},
//         {.route = "GET /files/*", .use = &weft_http_files, .config = &files},
//         {.route = "POST /upload", .use = &upload, .stream = true},
//         {.route = "/quotes/*", .to = "quotes"},
//         {0},
//     };
//     weft_serve("http://127.0.0.1:8880", &weft_http_site, routes);
//
// Functions that take the message are called by whoever serves the request: a handler of the site, an
// actor that was named (.to) or made for it (.use), while it serves or keeps it.
#ifndef WEFT_HTTP_H
#define WEFT_HTTP_H

#include <weft/http_types.h>
#include <weft/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- requests */

/** A request. Everything in it is borrowed as long as the message lives; but a handler that goes on
 * later (weft_when, weft_keep) reads it anew, since its bytes may have moved meanwhile. */
typedef struct weft_http_request {
    weft_http_method method;
    uint8_t minor; /**< HTTP/1.minor */
    weft_http_text method_name;
    weft_http_text target;      /**< as it came */
    weft_http_text path, query; /**< still encoded; the path without "." and ".." segments */
    weft_http_text host;
    const weft_http_field *fields;
    uint32_t fields_count;
    weft_bytes body;     /**< whole; empty when it is streamed */
    weft_ref stream;     /**< of a route with .stream: the body comes from it, and a streamed
                                      response may go to it; nobody otherwise */
    uint64_t body_bytes; /**< its length if it is known, else UINT64_MAX */
    struct wf_http_exchange *exchange; /**< weft's */
} weft_http_request;
extern const weft_type weft_http_request_type, weft_http_response_type;

/** The value of the route's parameter @name (":name" or "*"), percent-decoded; "" if there is none, or if
 * it holds a zero byte. Lives as long as the message. */
const char *weft_http_param(weft_msg *msg, const char *name);
/** The value of @name in the query, decoded ('+' is a blank); NULL if it is not there. */
const char *weft_http_query(weft_msg *msg, const char *name);
/** The value of the first field @name, case aside; `at` is NULL if there is none. */
weft_http_text weft_http_field_of(const weft_msg *msg, const char *name);
/** The value of the first trailer @name of a chunked body; `at` is NULL if there is none. Trailers are
 * there when the body is whole: of a streamed one, from `ended` on. */
weft_http_text weft_http_trailer_of(const weft_msg *msg, const char *name);
/** Who asks: the address of the client. */
weft_address weft_http_client(weft_msg *msg);
/** Who asks, as a guard has found out; NULL: nobody was asked. Lives as long as the message. */
const char *weft_http_principal(const weft_msg *msg);
/** Whether it came over TLS. */
bool weft_http_is_secure(const weft_msg *msg);
/** The config of the route that matched. */
const void *weft_http_config_of(const weft_msg *msg);

/* ---- responses: each answers the request, once (WEFT_EUSED after that) */

/** A response. What is zero is left out. */
typedef struct weft_http_answer {
    int status;               /**< 200 to 599 */
    const char *content_type; /**< NULL: none */
    const weft_http_field *fields;
    uint32_t fields_count;
    weft_bytes body;
    weft_file *file; /**< instead of @body: this range of it */
    uint64_t file_offset, file_bytes;
    bool stream;           /**< the body follows on the request's stream (a route's .stream):
                                   weft_write or weft_produce, then weft_end or weft_close */
    uint64_t stream_bytes; /**< its length; 0: unknown (chunked, or until close for HTTP/1.0). One
                                   that comes to another length is cut, and the connection with it */
    bool close;            /**< close the connection behind it */
    const char
        *upgrade; /**< the Upgrade field, of a 426: what to speak instead. A literal: it is not
                                   copied */
} weft_http_answer;

/** Answers. Everything in @answer stays yours; bytes and file are shared. WEFT_OK also when the client
 * has gone, or was told that the answer took too long. What can be no response (a status beyond 200 to
 * 599, a field that would break its line, more than 64 fields, a 204 with a body, a stream without a
 * .stream route) is answered with 500 in its stead and named in the log.
 * errors: EUSED, EINVAL (@msg is no HTTP request), ENOMEM. */
weft_err weft_http_respond(weft_msg *msg, const weft_http_answer *answer);

/** Answers with text (text/plain; charset=utf-8). */
weft_err weft_http_text_reply(weft_msg *msg, int status, const char *format, ...) WEFT_PRINTF(3, 4);
#define weft_http_text(msg, ...) weft_http_text_reply((msg), __VA_ARGS__)

/** Answers with bytes of @content_type. */
weft_err weft_http_bytes(weft_msg *msg, int status, const char *content_type, weft_bytes body);

/** Sends the client to @location with @status (301, 302, 303, 307, 308). */
weft_err weft_http_redirect(weft_msg *msg, int status, const char *location);

/** Answers with the error page of @status; @detail (may be NULL) is for people. */
weft_err weft_http_error(weft_msg *msg, int status, const char *detail);

/** Fields behind a streamed body: sent with its end, which has not been asked for yet, if the body is
 * chunked; else left out. Those given before are replaced. thread: on @stream's reactor.
 * errors: EGONE, EINVAL (a name or a value that would break its line), ENOMEM. */
weft_err weft_http_trailers(weft_actor *self, weft_ref stream, const weft_http_field *fields,
                            uint32_t count);

/** The status that stands for @err: 404 for ENOTFOUND, 504 for ETIMEDOUT, ...; 500 if none fits. */
int weft_http_status_of(weft_err err);

/* ---- sites */

/** Has a route ask who somebody is before it serves (<weft/auth.h>): Basic (RFC 7617), or Digest (RFC 7616,
 * SHA-256 and MD5), which a source that knows the passwords themselves can check. Who does not say, or not
 * rightly, is answered 401 with a challenge; who failed too often 429; without the actor it is a 503. Basic is
 * readable to all who can see the connection: give it TLS. Behind a request that asks to become a WebSocket nothing
 * is read until it is known whose it is. */
typedef struct weft_http_guard {
    const char *auth_name; /**< the name of a weft_auth actor; NULL: @auth */
    weft_ref auth;
    const char
        *realm; /**< of Basic, without quotes; NULL: "weft". That of digests is the actor's */
    bool digest;
} weft_http_guard;

/** Packs what a row answers, as gzip or brotli, for clients that take it (Accept-Encoding, with its weights): text and
 * what else packs well, by its type, if it is not packed already, no part, no file, not too short, and Cache-Control does
 * not say no-transform. A body of up to 16 KiB is packed at once; a larger one and one that is streamed in steps of as
 * much, each of which can be unpacked when it comes, chunked, with back-pressure, and with turns of others in between.
 * HTTP/1.0 gets only small bodies packed. Vary is said in any case; a strong ETag becomes a weak one. What
 * weft_http_files serves it packs by itself. Zero is the default.
 *
 * A secret in a packed page can be guessed by who sees how long pages are and may have something of their own put into
 * them (BREACH): do not pack pages that have a secret and what the client said. */
typedef struct weft_http_compress {
    uint32_t bytes_min; /**< shorter bodies stay as they are: 1 KiB */
    uint32_t
        packings_max; /**< large and streamed bodies at once for each reactor: 64, each of up to
                                1 MiB of memory; beyond, they stay as they are */
    bool no_brotli;   /**< gzip alone */
} weft_http_compress;

/** One row of a site: exactly one of handler, use, to, redirect, rewrite. Of several that match, the most specific
 * wins.
 *
 * In .redirect and .rewrite ":name" and "*" stand for the route's parameters, as they came; the request's query goes
 * along unless the target has one, or a fragment. Nothing that a client asks for names the host it is sent to. What
 * is rewritten is looked up anew among the rows of its host, at most ten times (500 beyond), and has the path and the
 * query of the target from then on, but the target that came. A result longer than a request line may be is a 414.
 *
 * What .use makes lives as long as its exchange: it is stopped when the response is written, or before
 * that with a reason: ELOST (the client has gone), ETIMEDOUT (it took too long, or the client did),
 * ETRUNCATED, EPROTO or ETOOBIG (its streamed body will not be whole). Its `ended` is told the reason, and
 * with a row for weft_stopping it has its own time to end. One that ends with an error cuts the response
 * it was streaming, so that what is not whole never looks whole; one that ends in order has said all.
 *
 * With .stream it owns request->stream, which tells it `opened`, `data` and, when the body is whole,
 * `ended` (but for a GET or HEAD without a body, where nobody expects one). As with every stream, `ended` without a row for it flushes and
 * closes, so whoever goes on writing after the request has ended needs that row. It may answer before the
 * body comes, while it does, or behind it; the time for that begins anew whenever the client has been
 * waited for. */
typedef struct weft_http_route {
    const char *route;         /**< "GET /path/:param"; without a method: any */
    weft_handler_fn *handler;  /**< serves the request; `self` is the connection's actor */
    const weft_behaviour *use; /**< an actor of it is made for each request, and asked; one without
                                           state and with one row is run in place */
    const char *to;            /**< the actor of that name is asked */
    const char *redirect;      /**< the client is sent to this path or URL */
    int redirect_status;       /**< 301, 302, 303, 307 or 308; 0: 302 */
    const char *rewrite; /**< it is served as if this path had been asked for; no guard: that is the
                                           other row's */
    const void *config;  /**< for weft_http_config_of, and weft_config of what .use makes */
    const weft_http_guard *guard;       /**< who may; NULL: all */
    const weft_http_compress *compress; /**< its answers are packed; NULL: not */
    bool stream;             /**< .use: the body comes as a stream, owned by that actor */
    uint64_t body_bytes_max; /**< 0: the site's; of a streamed body: no limit */
} weft_http_route;

/** Limits of a site; zero is the default. */
typedef struct weft_http_limits {
    uint32_t request_line_bytes_max; /**< 8 KiB; beyond: 414 */
    uint32_t head_bytes_max;         /**< 32 KiB; beyond: 431 */
    uint32_t fields_max;             /**< 100; beyond: 431 */
    uint64_t body_bytes_max;         /**< 1 MiB; beyond: 413 */
    uint32_t responses_pending_max;  /**< 64 requests of a connection read and not yet answered */
    uint32_t requests_max;           /**< of one connection; none */
    uint32_t head_timeout_ms;   /**< from the first byte of a head to its last: 10 s; then 408 */
    uint32_t body_timeout_ms;   /**< between two pieces of a body: 30 s; then 408 */
    uint32_t idle_timeout_ms;   /**< between requests: 60 s; then the connection is closed */
    uint32_t answer_timeout_ms; /**< from a whole request to the head of its response: 30 s;
                                           then 504 */
    uint32_t write_timeout_ms;  /**< while the client takes nothing, or whoever streams the
                                           response gives nothing: 60 s, at most twice that; then the
                                           connection is aborted */
} weft_http_limits;

/** Access logs: one line an exchange, in the combined format or as JSON. An exchange whose client left
 * before the response began has the status 499. Lines that cannot be written (a full disk) are lost: an
 * error is logged when that begins, and their number when it is over. */
typedef struct weft_http_access_log {
    int fd; /**< appended to; -1: none */
    bool json;
} weft_http_access_log;

#define WEFT_HTTP_ERROR_PAGES_MAX 64u
#define WEFT_HTTP_ERROR_PAGE_BYTES_MAX 65536u

/** A page of the site's own for what is answered with weft_http_error, by weft or by a handler. It takes the place of
 * the standard page's body and nothing else: the status and the fields stay. A handler's own answers are not touched.
 * Exactly one of page and make; of several that fit the first counts. */
typedef struct weft_http_error_page {
    int status, last;         /**< 400 to 599: from status to last; last 0: that status alone */
    const char *content_type; /**< NULL: "text/html; charset=utf-8" */
    weft_http_text page; /**< at most WEFT_HTTP_ERROR_PAGE_BYTES_MAX; lives as long as the site */
    /** Makes it: gives *@out a body of at most as much. @request is borrowed, NULL if what came was none; @detail
     * may be NULL. An error, or more than that: the standard page. thread: of whoever answers. */
    weft_err (*make)(const weft_http_request *request, int status, const char *detail,
                     weft_bytes *out);
} weft_http_error_page;

#define WEFT_HTTP_HOSTS_MAX 1024

/** Routes for requests that name a host. */
typedef struct weft_http_host {
    const char *
        name; /**< "example.org"; "*.example.org": every name below it. Case aside, without a port */
    const weft_http_route *routes;
} weft_http_host;

/** A site with more to say than its routes. */
typedef struct weft_http_site_config {
    const weft_http_route
        *routes; /**< with .hosts, for other hosts; NULL then: those are answered 421 */
    const weft_http_host
        *hosts; /**< up to one without a name: by the name, else by the nearest "*." */
    weft_http_limits limits;
    const weft_http_access_log *access_log; /**< NULL: none */
    const weft_http_error_page
        *error_pages;   /**< up to one whose status is 0; NULL: the standard ones */
    const char *server; /**< the Server field; NULL: "weft"; "": none */
} weft_http_site_config;

/** The protocol actor of an HTTP connection; config: the routes (`const weft_http_route *`). */
extern const weft_behaviour weft_http_site;
/** The same; config: a `const weft_http_site_config *`. */
extern const weft_behaviour weft_http_server;

/** Whether a site could serve these routes. errors: EINVAL, EEXISTS, ELIMIT naming the row.
 * thread: any. */
WEFT_MUST_USE weft_err weft_http_check(const weft_http_route *routes, weft_why *why);

/** The same for a site with hosts. errors: those of weft_http_check, also for names. thread: any. */
WEFT_MUST_USE weft_err weft_http_check_site(const weft_http_site_config *site, weft_why *why);

/* ---- proxies */

/** Forwards what a route gets to an HTTP server behind it, or to several: a reverse proxy. The route's config is a
 * weft_http_client_config (<weft/http_client.h>) with an .upstream, or .upstreams; each reactor has a client with
 * it, which keeps connections, made when it is first needed. With the route's .stream, which a proxy wants, both
 * bodies stream and a slow side slows the other; without, they are gathered.
 *
 * What belongs to one connection stays behind. X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto and Forwarded
 * (RFC 7239) say who asked for what, Via that it came through here; a client's own names that CGI takes for the first
 * three (X_Forwarded_For) are left out. An upstream that cannot be reached, or answers what is no HTTP, is a 502; one
 * that takes too long a 504; no place for the request a 503. The reason is in the log, and not for the client.
 * A Location that is a URL of the upstream's own, below its .upstream, becomes the path here (.strip before it).
 * With .stream a client that waits to be told to send its body (Expect: 100-continue) is told when the upstream
 * says so, or has said nothing for continue_timeout_ms.
 * A request to become a WebSocket is passed on too, and if the upstream agrees both are joined. If it does
 * not, its answer goes back without its body. Another Upgrade is left out, as RFC 9110 section 7.8 lets. */
extern const weft_behaviour weft_http_proxy;

/* ---- scripts */

/** CGI scripts below a folder (RFC 3875). Zero is the default. */
typedef struct weft_http_cgi_config {
    const char *root;       /**< the folder; what is run never lies outside of it */
    const char *param;      /**< the route's parameter that is the path; NULL: "*" */
    const char *const *env; /**< more variables (NAME=VALUE), ends in NULL; may be NULL */
    uint32_t children_max;  /**< that run for each reactor: 32; beyond: 503 */
    uint32_t time_ms;       /**< from its start to its end: 60 s, then it is stopped; before its
                                 response began that is a 504. WEFT_NO_LIMIT */
} weft_http_cgi_config;

/** Runs scripts: for a route that ends in a star, with .stream. The first part of the path that is a file is the
 * script, and what is behind it PATH_INFO. It is run in its folder, with the variables of RFC 3875 section 4.1 (without
 * PATH_TRANSLATED), REQUEST_URI, SCRIPT_FILENAME, HTTPS, PATH and those of the config, and nothing else of this
 * program's environment; neither what guards read nor Proxy is told. Its standard error is this program's.
 *
 * The body streams to it and its output back, a slow side slowing the other; a body of unknown length is a 411. Status,
 * Content-Type and Location are its response's head (16 KiB, 48 other fields at most); a Location alone that is a path
 * is served as a GET of it in its stead. What is no response is a 502. A script whose client has gone is stopped, and
 * one that was ended by a signal has its response cut. */
extern const weft_behaviour weft_http_cgi;

/* ---- static files */

#define WEFT_HTTP_USER_BYTES_MAX 255u
#define WEFT_HTTP_HOME_BYTES_MAX 4096u

/** Whose home is where. */
typedef struct weft_http_home {
    uint32_t uid;
    char path[WEFT_HTTP_HOME_BYTES_MAX]; /**< absolute */
} weft_http_home;

/** Folders of users: what is asked for as ~NAME/ is served from a folder in the home of NAME, by the same rules as
 * other files; but no link leads out of it, whatever .follow_symlinks says. The folder must belong to the user, and
 * what is above it is no way in: links in the home lead to it only within the home. A user that there is not, root,
 * users below .uid_min, those without the folder and what may not be read there are all the same 404. Zero is the
 * default. */
typedef struct weft_http_users {
    const char *folder;   /**< relative to the home; NULL: "public_html" */
    uint32_t uid_min;     /**< of users who are served: 1,000; root is not, whatever it is */
    uint32_t lookups_max; /**< under way at once for each reactor: 16; beyond: 503 */
    /** Finds the home of @name (at most WEFT_HTTP_USER_BYTES_MAX bytes, and no ':'); may wait. NULL: among the
     * system's users. errors: ENOTFOUND; else what fails is a 500, and logged. thread: of the pool, several at
     * once. */
    weft_err (*find)(const char *name, weft_http_home *home, weft_why *why);
} weft_http_users;

/** Files below a root. Zero is the default. */
typedef struct weft_http_files_config {
    const char *root;     /**< a folder; what is served never lies outside of it */
    const char *param;    /**< the route's parameter that is the path; NULL: "*" */
    const char *index;    /**< served for a folder; NULL: "index.html" */
    bool no_listing;      /**< a folder without index is 404 instead of a listing */
    bool hidden;          /**< names with a dot at the front are served too */
    bool follow_symlinks; /**< also those that lead out of the root; else only within */
    bool no_compression;  /**< nothing packed on the fly; .gz and .br siblings are still used */
    const char *cache_control;    /**< the Cache-Control field; NULL: none */
    uint32_t cache_ms;            /**< how stale an open file may be at most: 1,000 */
    uint32_t cache_files_max;     /**< open files kept by each reactor: 1,024 */
    uint32_t gzip_bytes_max;      /**< larger files are not compressed on the fly: 1 MiB */
    const weft_http_users *users; /**< NULL: ~NAME/ is a folder of the root as others are */
} weft_http_files_config;

/** Serves files: for a route that ends in a star. */
extern const weft_behaviour weft_http_files;

#ifdef __cplusplus
}
#endif
#endif
