/* SPDX-License-Identifier: MIT */
#include "http_world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <weft/weft.h>

#include "check.h"
#include "http1_codec.h"

http_seen http_saw;
weft_http_site_config http_config;

uint8_t http_pattern(uint64_t i)
{
    return (uint8_t)(i % 64 == 63 ? '\n' : 'a' + i % 26);
}

static uint32_t number(weft_msg *msg, const char *name)
{
    return (uint32_t)strtoul(weft_http_param(msg, name), NULL, 10);
}

/* ---- responses, as a client reads them */

/* No body is larger than what came, so that one piece of memory does. */
static void put_body(http_reply *r, const wf_http1_piece *piece, size_t bytes_max)
{
    if (r->body == NULL && (r->body = malloc(bytes_max + 1)) == NULL)
        abort();
    if (piece->data_bytes != 0)
        memcpy(r->body + r->body_bytes, piece->data, piece->data_bytes);
    r->body_bytes += piece->data_bytes;
    r->body[r->body_bytes] = 0;
}

http_reply http_take_reply(const uint8_t **at, size_t *n, bool head_only)
{
    http_reply r = {0};
    wf_http1_limits limits = wf_http1_limits_filled(NULL);
    wf_http1 parser;
    wf_http1_head head = {.status = 100};
    wf_http1_piece piece = {.trailers = NULL};
    weft_http_field fields[64];
    weft_why why;
    while (head.status / 100 == 1) {
        size_t scanned = 0, bytes = wf_http1_head_end(*at, *n, &scanned);
        wf_http1_init(&parser, &limits);
        if (bytes == 0 ||
            wf_http1_parse_response(&parser, *at, bytes, head_only ? WEFT_HTTP_HEAD : WEFT_HTTP_GET,
                                    &head, fields, 64, &why) != WEFT_OK)
            return r;
        r.head = (const char *)*at;
        r.head_bytes = bytes;
        *at += bytes;
        *n -= bytes;
    }
    r.status = head.status;
    const size_t bytes_max = *n;
    while (!r.whole && wf_http1_body(&parser, *at, *n, &piece, &why) == WEFT_OK) {
        put_body(&r, &piece, bytes_max);
        *at += piece.consumed;
        *n -= piece.consumed;
        r.whole = piece.complete;
        if (piece.consumed == 0 && !piece.complete)
            break;
    }
    return r;
}

bool http_is_pattern(const http_reply *reply, uint64_t bytes)
{
    if (reply->body_bytes != bytes)
        return false;
    for (uint64_t i = 0; i < bytes; i++)
        if (reply->body[i] != http_pattern(i))
            return false;
    return true;
}

/* ---- handlers on the connection's actor */

static weft_err hello(weft_actor *self, weft_msg *msg)
{
    (void)self;
    http_saw.served++;
    return weft_http_text(msg, 200, "hello\n");
}

static weft_err tell(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *r = weft_body(msg);
    weft_http_text agent = weft_http_field_of(msg, "user-agent");
    const char *a = weft_http_query(msg, "a"), *b = weft_http_query(msg, "b c");
    (void)self;
    return weft_http_text(
        msg, 200, "%.*s name=%s a=%s b=%s host=%.*s agent=%.*s\n", (int)r->method_name.bytes,
        r->method_name.at, weft_http_param(msg, "name"), a != NULL ? a : "(none)",
        b != NULL ? b : "(none)", (int)r->host.bytes, r->host.bytes != 0 ? r->host.at : "",
        (int)agent.bytes, agent.bytes != 0 ? agent.at : "");
}

static weft_err echo(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *r = weft_body(msg);
    (void)self;
    return weft_http_bytes(msg, 200, "text/plain", r->body);
}

/* The trailer X-Sum, of a body that was gathered. */
static weft_err sum(weft_actor *self, weft_msg *msg)
{
    weft_http_text t = weft_http_trailer_of(msg, "x-sum");
    const weft_http_request *r = weft_body(msg);
    (void)self;
    return weft_http_text(msg, 200, "%zu %.*s\n", r->body.size, (int)t.bytes,
                          t.bytes != 0 ? t.at : "");
}

static weft_err big(weft_actor *self, weft_msg *msg)
{
    uint32_t n = number(msg, "n");
    weft_bytes body;
    uint8_t *to;
    (void)self;
    weft_err err = n != 0 ? weft_bytes_new(n, &to, &body) : WEFT_ENOMEM;
    if (err != WEFT_OK)
        return err;
    for (uint32_t i = 0; i < n; i++)
        to[i] = http_pattern(i);
    err = weft_http_bytes(msg, 200, "text/plain", body);
    weft_bytes_drop(&body);
    return err;
}

static weft_err text(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_text(msg, 200, "%*s\n", (int)number(msg, "n"), "x");
}

static weft_err status(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_respond(msg, &(weft_http_answer){.status = (int)number(msg, "n")});
}

static weft_err client(weft_actor *self, weft_msg *msg)
{
    char address[WEFT_ADDRESS_TEXT_BYTES];
    weft_address a = weft_http_client(msg);
    (void)self;
    return weft_http_text(msg, 200, "%s\n", weft_address_print(&a, address));
}

static weft_err error(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_error(msg, (int)number(msg, "n"), "<b>because</b>");
}

static weft_err redirect(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_redirect(msg, 303, "/hello");
}

static weft_err twice(weft_actor *self, weft_msg *msg)
{
    (void)self;
    weft_err err = weft_http_text(msg, 200, "once\n");
    if (weft_http_text(msg, 200, "twice\n") == WEFT_EUSED)
        http_saw.used++;
    return err;
}

static weft_err no_answer(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

static weft_err failed(weft_actor *self, weft_msg *msg)
{
    static const struct {
        const char *name;
        weft_err err;
    } errors[] = {{"EINVAL", WEFT_EINVAL},       {"ENOTFOUND", WEFT_ENOTFOUND},
                  {"EDENIED", WEFT_EDENIED},     {"ETIMEDOUT", WEFT_ETIMEDOUT},
                  {"EFULL", WEFT_EFULL},         {"ELOST", WEFT_ELOST},
                  {"ETOOBIG", WEFT_ETOOBIG},     {"EEXISTS", WEFT_EEXISTS},
                  {"EINTERNAL", WEFT_EINTERNAL}, {"EUNSUPPORTED", WEFT_EUNSUPPORTED}};
    (void)self;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (strcmp(errors[i].name, weft_http_param(msg, "err")) == 0)
            return weft_fail(msg, errors[i].err, "because of %s", errors[i].name);
    return WEFT_ENOTFOUND;
}

static weft_err bad_field(weft_actor *self, weft_msg *msg)
{
    static const weft_http_field field = WEFT_HTTP_FIELD("X-Bad", "a\r\nX-Worse: b");
    (void)self;
    return weft_http_respond(
        msg, &(weft_http_answer){.status = 200, .fields = &field, .fields_count = 1});
}

static weft_err bad_stream(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_respond(msg, &(weft_http_answer){.status = 200, .stream = true});
}

static weft_err closing(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_respond(msg, &(weft_http_answer){.status = 200,
                                                      .content_type = "text/plain",
                                                      .body = WEFT_BYTES_LITERAL("bye\n"),
                                                      .close = true});
}

/* ---- an actor of the name "other", on another reactor, that is asked */

typedef struct other {
    weft_msg *kept;
} other;
typedef struct other_tick {
    char nothing;
} other_tick;
static const weft_type other_tick_type = WEFT_TYPE("test.other_tick", other_tick, NULL);

static weft_err other_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, "other");
}

static weft_err other_answers(weft_msg *msg)
{
    const weft_http_request *r = weft_body(msg);
    const weft_http_field field = WEFT_HTTP_FIELD("X-From", "other");
    const char *a = weft_http_query(msg, "a");
    weft_bytes body = weft_bytes_printf(msg, "other: %.*s %s\n", (int)r->path.bytes, r->path.at,
                                        a != NULL ? a : "");
    if (body.size == 0)
        return WEFT_ENOMEM;
    return weft_http_respond(msg, &(weft_http_answer){.status = 200,
                                                      .content_type = "text/plain",
                                                      .fields = &field,
                                                      .fields_count = 1,
                                                      .body = body});
}

static weft_err other_request(weft_actor *self, weft_msg *msg)
{
    other *o = weft_state(self);
    const char *how = weft_http_param(msg, "how");
    if (strcmp(how, "") == 0)
        return WEFT_ENOMEM;
    if (strcmp(how, "keep") == 0 || strcmp(how, "never") == 0) {
        weft_drop(&o->kept);
        o->kept = weft_keep(msg);
        if (strcmp(how, "keep") == 0 && weft_after(self, 1000, other_tick, .nothing = 0).slot == 0)
            return WEFT_ENOMEM;
        return WEFT_OK;
    }
    if (strcmp(how, "drop") == 0)
        return WEFT_OK;
    if (strcmp(how, "fail") == 0)
        return weft_fail(msg, WEFT_ENOTFOUND, "other has no such thing");
    if (strcmp(how, "client") == 0)
        return client(self, msg);
    return other_answers(msg);
}

static weft_err other_ticked(weft_actor *self, weft_msg *msg)
{
    other *o = weft_state(self);
    (void)msg;
    const char *how = o->kept != NULL ? weft_http_param(o->kept, "how") : "";
    if (strcmp(how, "") != 0)
        (void)weft_http_text(o->kept, 200, "kept %s\n", how);
    weft_drop(&o->kept);
    return WEFT_OK;
}

static weft_err other_cancelled(weft_actor *self, weft_msg *msg)
{
    other *o = weft_state(self);
    const weft_cancelled *c = weft_body(msg);
    http_saw.cancelled++;
    if (c->msg == o->kept)
        weft_drop(&o->kept);
    return WEFT_OK;
}

static void other_ended(weft_actor *self, weft_err reason)
{
    other *o = weft_state(self);
    (void)reason;
    weft_drop(&o->kept);
}

static const weft_handler other_rows[] = {
    {.type = &weft_started_type, .fn = other_started},
    {.type = &weft_http_request_type, .fn = other_request},
    {.type = &other_tick_type, .fn = other_ticked},
    {.type = &weft_cancelled_type, .fn = other_cancelled},
    {0},
};
static const weft_behaviour other_behaviour = {.name = "test.other",
                                               .handlers = other_rows,
                                               .state_bytes = sizeof(other),
                                               .ended = other_ended};

/* A handler that asks it and goes on. */
static weft_err asked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    weft_err err = weft_http_text(msg, 200, "asked for %s\n", weft_http_param(msg, "how"));
    return err;
}

static weft_err ask(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg,
                     weft_ask_body(self, weft_named(self, "other"), &weft_http_request_type,
                                   weft_body(msg), WEFT_INHERIT),
                     asked);
}

static weft_err forward(weft_actor *self, weft_msg *msg)
{
    return weft_forward(msg, weft_named(self, "other"));
}

/* ---- actors made for a request */

typedef struct worker {
    weft_msg *request;
    weft_ref stream;
    uint64_t made, left;
    uint32_t bytes;
    bool counted, seen;
} worker;
typedef struct worker_tick {
    char nothing;
} worker_tick;
static const weft_type worker_tick_type = WEFT_TYPE("test.worker_tick", worker_tick, NULL);

static weft_err worker_begins(weft_actor *self, weft_msg *msg)
{
    worker *w = weft_state(self);
    const weft_http_request *r = weft_body(msg);
    w->stream = r->stream;
    w->counted = true;
    http_saw.served++;
    http_saw.workers++;
    return WEFT_OK;
}

static void worker_over(weft_actor *self, weft_err reason)
{
    worker *w = weft_state(self);
    http_saw.ended = reason;
    http_saw.workers -= w->counted;
    weft_drop(&w->request);
}

static weft_err ignore(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

/* Answers after :ms milliseconds. */
static weft_err late_request(weft_actor *self, weft_msg *msg)
{
    worker *w = weft_state(self);
    (void)worker_begins(self, msg);
    w->request = weft_keep(msg);
    if (weft_after(self, number(msg, "ms"), worker_tick, .nothing = 0).slot == 0)
        return WEFT_ENOMEM;
    return WEFT_OK;
}

static weft_err late_tick(weft_actor *self, weft_msg *msg)
{
    worker *w = weft_state(self);
    const char *ms = weft_http_param(w->request, "ms");
    (void)msg;
    if (strcmp(ms, "") == 0)
        return weft_http_error(w->request, 503, NULL);
    return weft_http_text(w->request, 200, "late %s\n", ms);
}

static const weft_handler late_rows[] = {
    {.type = &weft_http_request_type, .fn = late_request},
    {.type = &worker_tick_type, .fn = late_tick},
    {0},
};
static const weft_behaviour late = {.name = "test.late",
                                    .handlers = late_rows,
                                    .state_bytes = sizeof(worker),
                                    .ended = worker_over};

/* Ends without an answer. */
static weft_err crash_request(weft_actor *self, weft_msg *msg)
{
    (void)worker_begins(self, msg);
    return weft_stop_because(self, WEFT_EINTERNAL, "a fault"), WEFT_OK;
}

static const weft_handler crash_rows[] = {
    {.type = &weft_http_request_type, .fn = crash_request},
    {.type = &weft_closed_type, .fn = ignore},
    {0},
};
static const weft_behaviour crash = {.name = "test.crash",
                                     .handlers = crash_rows,
                                     .state_bytes = sizeof(worker),
                                     .ended = worker_over};

/* Counts what comes and says it at the end; with ?stop=n it reads no more than n pieces. */
static weft_err count_request(weft_actor *self, weft_msg *msg)
{
    worker *w = weft_state(self);
    const char *stop = weft_http_query(msg, "stop");
    (void)worker_begins(self, msg);
    w->request = weft_keep(msg);
    w->left = stop != NULL ? strtoul(stop, NULL, 10) : UINT64_MAX;
    return WEFT_OK;
}

static weft_err count_data(weft_actor *self, weft_msg *msg)
{
    worker *w = weft_state(self);
    const weft_data *data = weft_body(msg);
    for (size_t i = 0; i < data->bytes.size; i++)
        CHECK(data->bytes.at[i] == http_pattern(w->made + i));
    w->made += data->bytes.size;
    http_saw.body_bytes += data->bytes.size;
    http_saw.pieces++;
    if (--w->left == 0)
        (void)weft_keep(msg); /* for good: nothing more comes, and the end of the actor drops it */
    return WEFT_OK;
}

static weft_err count_ended(weft_actor *self, weft_msg *msg)
{
    const worker *w = weft_state(self);
    weft_http_text t = weft_http_trailer_of(w->request, "X-Sum");
    (void)msg;
    return weft_http_text(w->request, 200, "%" PRIu64 " bytes%s%.*s\n", w->made,
                          t.at != NULL ? ", sum " : "", (int)t.bytes, t.at != NULL ? t.at : "");
}

static const weft_handler count_rows[] = {
    {.type = &weft_http_request_type, .fn = count_request},
    {.type = &weft_data_type, .fn = count_data},
    {.type = &weft_ended_type, .fn = count_ended},
    {.type = &weft_closed_type, .fn = ignore},
    {0},
};
static const weft_behaviour count = {.name = "test.count",
                                     .handlers = count_rows,
                                     .state_bytes = sizeof(worker),
                                     .ended = worker_over};

/* Streams what comes back, and ends with it: `ended` has no row. */
static weft_err back_request(weft_actor *self, weft_msg *msg)
{
    (void)worker_begins(self, msg);
    return weft_http_respond(
        msg, &(weft_http_answer){.status = 200, .content_type = "text/plain", .stream = true});
}

static weft_err back_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    weft_err err = weft_write(self, data->stream, data->bytes);
    /* what is lost must not look as if it had never been there */
    return err != WEFT_OK ? weft_abort(self, data->stream, err) : err;
}

static const weft_handler back_rows[] = {
    {.type = &weft_http_request_type, .fn = back_request},
    {.type = &weft_data_type, .fn = back_data},
    {.type = &weft_closed_type, .fn = ignore},
    {0},
};
static const weft_behaviour back = {.name = "test.back",
                                    .handlers = back_rows,
                                    .state_bytes = sizeof(worker),
                                    .ended = worker_over};

/* Refuses before the body has come; lets go of the stream first if ?close is there. */
static weft_err early_request(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *r = weft_body(msg);
    (void)worker_begins(self, msg);
    if (weft_http_query(msg, "close") != NULL)
        (void)weft_close(self, r->stream);
    if (weft_http_query(msg, "abort") != NULL)
        (void)weft_abort(self, r->stream, WEFT_OK);
    return weft_http_text(msg, 403, "no\n");
}

static const weft_handler early_rows[] = {
    {.type = &weft_http_request_type, .fn = early_request},
    {.type = &weft_ended_type, .fn = ignore},
    {.type = &weft_closed_type, .fn = ignore},
    {0},
};
static const weft_behaviour early = {.name = "test.early",
                                     .handlers = early_rows,
                                     .state_bytes = sizeof(worker),
                                     .ended = worker_over};

/* Makes :n bytes on demand. ?say=m promises m of them; ?end=how ends with close, end, crash, stop, abort
 * or trailers; ?first ends before the answer is given; ?piece=n makes pieces of that size. */
static weft_err make_request(weft_actor *self, weft_msg *msg)
{
    worker *w = weft_state(self);
    const char *say = weft_http_query(msg, "say"), *piece = weft_http_query(msg, "piece");
    const char *n = weft_http_param(msg, "n");
    (void)worker_begins(self, msg);
    w->request = weft_keep(msg);
    if (n[0] == '\0')
        return WEFT_ENOMEM;
    w->left = strtoul(n, NULL, 10);
    w->bytes = piece != NULL ? (uint32_t)strtoul(piece, NULL, 10) : 1000;
    if (w->left == 0 && weft_http_query(msg, "first") != NULL)
        (void)weft_end(self, w->stream);
    weft_err err = weft_http_respond(
        msg, &(weft_http_answer){.status = 200,
                                 .content_type = "text/plain",
                                 .stream = true,
                                 .stream_bytes = say != NULL ? strtoul(say, NULL, 10) : 0});
    if (err == WEFT_OK && weft_produce(self, w->stream) != WEFT_OK)
        return weft_stop(self, WEFT_ENOMEM); /* it has been answered: only ending cuts it */
    return err;
}

static weft_err make_end(weft_actor *self, worker *w)
{
    static const weft_http_field sums[] = {WEFT_HTTP_FIELD("X-Sum", "42")};
    const char *how = weft_http_query(w->request, "end");
    weft_produce_end(self, w->stream);
    if (how == NULL || strcmp(how, "close") == 0)
        return weft_close(self, w->stream);
    if (strcmp(how, "trailers") == 0)
        (void)weft_http_trailers(self, w->stream, sums, 1);
    if (strcmp(how, "stop") == 0)
        return weft_stop(self, WEFT_OK);
    if (strcmp(how, "crash") != 0 && strcmp(how, "abort") != 0)
        return weft_end(self, w->stream);
    (void)weft_after(self, 10, worker_tick, .nothing = 0); /* when what was written has left */
    return WEFT_OK;
}

static weft_err make_pull(weft_actor *self, weft_msg *msg)
{
    worker *w = weft_state(self);
    uint8_t piece[4096];
    uint64_t n = w->left < w->bytes ? w->left : w->bytes;
    (void)msg;
    http_saw.pulls++;
    n = n < sizeof piece ? n : sizeof piece;
    for (uint64_t i = 0; i < n; i++)
        piece[i] = http_pattern(w->made + i);
    weft_err err = weft_write_copy(self, w->stream, piece, n);
    if (err != WEFT_OK)
        return err;
    w->made += n;
    w->left -= n;
    return w->left == 0 ? make_end(self, w) : WEFT_OK;
}

static weft_err make_tick(weft_actor *self, weft_msg *msg)
{
    worker *w = weft_state(self);
    (void)msg;
    if (strcmp(weft_http_query(w->request, "end"), "abort") == 0)
        return weft_abort(self, w->stream, WEFT_OK);
    return weft_stop_because(self, WEFT_EINTERNAL, "a fault");
}

static const weft_handler make_rows[] = {
    {.type = &weft_http_request_type, .fn = make_request},
    {.type = &weft_pull_type, .fn = make_pull},
    {.type = &worker_tick_type, .fn = make_tick},
    {.type = &weft_ended_type, .fn = ignore},
    {.type = &weft_closed_type, .fn = ignore},
    {0},
};
static const weft_behaviour make = {.name = "test.make",
                                    .handlers = make_rows,
                                    .state_bytes = sizeof(worker),
                                    .ended = worker_over};

/* Answers with a stream and then says nothing more. */
static weft_err silent_request(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *r = weft_body(msg);
    (void)worker_begins(self, msg);
    weft_err err = weft_http_respond(
        msg, &(weft_http_answer){.status = 200, .content_type = "text/plain", .stream = true});
    return err == WEFT_OK ? weft_write(self, r->stream, WEFT_BYTES_LITERAL("begun\n")) : err;
}

static const weft_handler silent_rows[] = {
    {.type = &weft_http_request_type, .fn = silent_request},
    {.type = &weft_ended_type, .fn = ignore},
    {.type = &weft_closed_type, .fn = ignore},
    {0},
};
static const weft_behaviour silent = {.name = "test.silent",
                                      .handlers = silent_rows,
                                      .state_bytes = sizeof(worker),
                                      .ended = worker_over};

/* Answers its message long after it was given up. */
static weft_err calm_asked(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self, (void)got;
    weft_err err = weft_http_text(msg, 200, "too late\n");
    http_saw.calm += err == WEFT_OK;
    return err;
}

static weft_err calm(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg,
                     weft_ask_body(self, weft_named(self, "other"), &weft_http_request_type,
                                   weft_body(msg), WEFT_NO_LIMIT),
                     calm_asked);
}

/* ---- the site */

const weft_http_route http_routes[] = {
    {.route = "GET /hello", .handler = hello},
    {.route = "POST /hello/:name", .handler = tell},
    {.route = "GET /hello/:name", .handler = tell},
    {.route = "POST /echo", .handler = echo},
    {.route = "PUT /small", .handler = echo, .body_bytes_max = 10},
    {.route = "POST /sum", .handler = sum},
    {.route = "GET /big/:n", .handler = big},
    {.route = "GET /text/:n", .handler = text},
    {.route = "GET /status/:n", .handler = status},
    {.route = "GET /error/:n", .handler = error},
    {.route = "GET /client", .handler = client},
    {.route = "GET /redirect", .handler = redirect},
    {.route = "GET /twice", .handler = twice},
    {.route = "GET /no-answer", .handler = no_answer},
    {.route = "GET /fail/:err", .handler = failed},
    {.route = "GET /bad-field", .handler = bad_field},
    {.route = "GET /bad-stream", .handler = bad_stream},
    {.route = "GET /closing", .handler = closing},
    {.route = "GET /other/:how", .to = "other"},
    {.route = "POST /other/:how", .to = "other"},
    {.route = "GET /nobody", .to = "nobody"},
    {.route = "GET /ask/:how", .handler = ask},
    {.route = "GET /forward/:how", .handler = forward},
    {.route = "GET /calm/:how", .handler = calm},
    {.route = "GET /late/:ms", .use = &late},
    {.route = "POST /late/:ms", .use = &late},
    {.route = "GET /crash", .use = &crash},
    {.route = "POST /crash", .use = &crash, .stream = true},
    {.route = "POST /count", .use = &count, .stream = true},
    {.route = "PUT /count", .use = &count, .stream = true, .body_bytes_max = 100000},
    {.route = "POST /back", .use = &back, .stream = true},
    {.route = "POST /early", .use = &early, .stream = true},
    {.route = "GET /make/:n", .use = &make, .stream = true},
    {.route = "POST /make/:n", .use = &make, .stream = true},
    {.route = "GET /silent", .use = &silent, .stream = true},
    {.route = "/any/*", .handler = hello},
    {0},
};

void http_world_reset(void)
{
    http_config = (weft_http_site_config){.routes = http_routes};
}

weft_sim *http_world_open(const weft_sim_options *options)
{
    weft_sim_options o = {.seed = 1};
    weft_listening at;
    weft_why why = {""};
    if (options != NULL)
        o = *options;
    if (o.system.reactors == 0)
        o.system.reactors = 2;
    http_saw = (http_seen){0};
    weft_sim *sim = weft_sim_new(&o);
    if (sim == NULL)
        return NULL;
    weft_system *sys = weft_sim_system(sim);
    CHECK_OK(weft_listen_at(sys, "sim://web", &weft_http_server, &http_config, &at, &why));
    weft_ref ref = weft_system_spawn(sys, o.system.reactors - 1, &other_behaviour, NULL);
    CHECK(!weft_ref_is_nobody(ref));
    (void)weft_sim_run(sim);
    return sim;
}
