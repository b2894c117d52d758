/* SPDX-License-Identifier: MIT */
/* A script that serves a request: the actor between the request's stream and the streams of a process.
 *
 *   request ──▶ found (pool) ──▶ started ── head ──▶ answered ── its output ──▶ ended, and so is the response
 *      body ── waits ──────────────▶ its input
 *
 * What one side does not read holds the other back: whatever is written is shared with the stream it came from. */
#include "http_cgi.h"

#include <stdio.h>
#include <string.h>

#include <weft/process.h>
#include <weft/timer.h>

#include "http_path.h"
#include "http_server.h"

enum { CHILDREN_MAX = 32, TIME_MS = 60000 };

/* How many scripts of a config run on this reactor. */
struct wf_http_cgi_count {
    wf_http_cgi_count *next;
    const weft_http_cgi_config *config;
    uint32_t children;
};

typedef struct cgi {
    weft_msg *request;
    weft_msg *held; /* data of the body, until there is a process */
    weft_ref stream, process, in, out;
    wf_http_cgi_count *count;
    weft_timer timer;
    weft_bytes head; /* as far as it has come */
    uint8_t *to;
    size_t scanned;
    bool directory, started, body_ended, stopping;
    bool answered, deaf; /* @deaf: to what the script says from now on */
    weft_err late;       /* ETIMEDOUT: it took too long */
    char path[WF_HTTP_PATH_BYTES_MAX];
} cgi;

typedef struct too_long {
    char nothing;
} too_long;
static const weft_type too_long_type = WEFT_TYPE("weft.http_cgi_too_long", too_long, NULL);

/* ---- how many */

void wf_http_cgi_counts_free(wf_http_cgi_count *first)
{
    for (wf_http_cgi_count *c = first, *next; c != NULL; c = next) {
        next = c->next;
        weft_alloc_free(c);
    }
}

static wf_http_cgi_count *count_of(const weft_http_cgi_config *config)
{
    wf_http_reactor *h = wf_http_reactor_here();
    wf_http_cgi_count *c = h != NULL ? h->cgis : NULL;
    while (c != NULL && c->config != config)
        c = c->next;
    if (c != NULL || h == NULL || (c = weft_alloc_zero(sizeof *c)) == NULL)
        return c;
    *c = (wf_http_cgi_count){.next = h->cgis, .config = config};
    return h->cgis = c;
}

static void uncount(cgi *c)
{
    if (c->count != NULL)
        c->count->children--;
    c->count = NULL;
}

/* ---- answers */

static weft_err answer_error(cgi *c, int status, const char *detail)
{
    c->answered = c->deaf = true;
    return weft_http_error(c->request, status, detail);
}

/* What the script says is no response: that is for the log, and a 502 for the client. */
static weft_err refuse(weft_actor *self, cgi *c, const char *what)
{
    weft_log(self, WEFT_ERROR, "a script said what is no response: %s", what);
    weft_err err = answer_error(c, 502, NULL);
    (void)weft_process_stop(self, c->process);
    return err;
}

static weft_err respond(cgi *c, const wf_http_cgi_head *head)
{
    char *type = NULL;
    if (head->content_type.at != NULL) {
        type = weft_scratch(c->request, head->content_type.bytes + 1);
        if (type == NULL)
            return WEFT_ENOMEM;
        memcpy(type, head->content_type.at, head->content_type.bytes);
        type[head->content_type.bytes] = '\0';
    }
    weft_http_field fields[WF_HTTP_CGI_FIELDS_MAX + 1];
    uint32_t n = head->fields_count;
    memcpy(fields, head->fields, n * sizeof *fields);
    if (head->location.at != NULL)
        fields[n++] = (weft_http_field){"Location", head->location.at, 8, head->location.bytes};
    int status = head->status != 0 ? head->status : head->location.at != NULL ? 302 : 200;
    c->answered = true;
    return weft_http_respond(c->request,
                             &(weft_http_answer){.status = status,
                                                 .content_type = type,
                                                 .fields = fields,
                                                 .fields_count = n,
                                                 .stream = head->content_length != 0,
                                                 .stream_bytes = head->content_length != UINT64_MAX
                                                                     ? head->content_length
                                                                     : 0});
}

/* The head is whole. */
static weft_err on_head(weft_actor *self, cgi *c, size_t n)
{
    wf_http_cgi_head head;
    weft_why why = {""};
    if (wf_http_cgi_head_read((const char *)c->head.at, n, &head, &why) != WEFT_OK)
        return refuse(self, c, why.text);
    if (wf_http_cgi_is_local(&head)) {
        c->answered = c->deaf = true;
        return wf_http_send_on(c->request, head.location);
    }
    weft_err err = respond(c, &head);
    if (err != WEFT_OK)
        return weft_stop(self, err);
    /* what stands behind the head begins the body */
    if (c->head.size > n)
        (void)weft_write(self, c->stream, weft_bytes_slice(c->head, n, SIZE_MAX));
    weft_bytes_drop(&c->head);
    return WEFT_OK;
}

/* A part of the head. */
static weft_err gather(weft_actor *self, cgi *c, weft_bytes bytes)
{
    size_t n;
    if (c->to == NULL) {
        if (weft_bytes_new(WF_HTTP_CGI_HEAD_BYTES_MAX, &c->to, &c->head) != WEFT_OK)
            return weft_stop(self, WEFT_ENOMEM);
        c->head.size = 0;
    }
    size_t room = WF_HTTP_CGI_HEAD_BYTES_MAX - c->head.size;
    size_t taken = bytes.size < room ? bytes.size : room;
    memcpy(c->to + c->head.size, bytes.at, taken);
    c->head.size += taken;
    n = wf_http_cgi_head_end(c->head.at, c->head.size, &c->scanned);
    if (n == 0)
        return taken < bytes.size || c->head.size == WF_HTTP_CGI_HEAD_BYTES_MAX
                   ? refuse(self, c, "its head has no end")
                   : WEFT_OK;
    weft_err err = on_head(self, c, n);
    if (err == WEFT_OK && taken < bytes.size && c->head.at == NULL)
        (void)weft_write(self, c->stream, weft_bytes_slice(bytes, taken, SIZE_MAX));
    return err;
}

/* ---- the process */

static weft_err start(weft_actor *self, cgi *c, const wf_http_cgi_script *script)
{
    const weft_http_cgi_config *config = weft_config(self);
    static const weft_process_fd fds[] = {
        {.child = 0, .kind = WEFT_PROCESS_TO},
        {.child = 1, .kind = WEFT_PROCESS_FROM},
        {.child = 2, .kind = WEFT_PROCESS_INHERIT},
    };
    const char *file = (const char *)script->file.at;
    const char *const *env = wf_http_cgi_env(c->request, config, script, c->path, c->directory);
    size_t folder = (size_t)(strrchr(file, '/') - file);
    char *dir = weft_scratch(c->request, folder + 2);
    if (env == NULL || dir == NULL)
        return WEFT_ENOMEM;
    (void)snprintf(dir, folder + 2, "%.*s", folder != 0 ? (int)folder : 1, file);
    const char *const argv[] = {file, NULL};
    c->process = weft_process_start(
        self,
        &(weft_process_options){
            .argv = argv, .env = env, .env_empty = true, .dir = dir, .fds = fds, .n_fds = 3},
        weft_self(self));
    if (weft_ref_is_nobody(c->process))
        return WEFT_ENOMEM;
    c->in = weft_process_stream(self, c->process, 0);
    c->out = weft_process_stream(self, c->process, 1);
    c->started = true;
    uint32_t ms = config->time_ms != 0 ? config->time_ms : TIME_MS;
    if (ms != WEFT_NO_LIMIT)
        c->timer = weft_after(self, ms, too_long, .nothing = 0);
    return WEFT_OK;
}

/* What came meanwhile. */
static void pass_on(weft_actor *self, cgi *c)
{
    if (c->held != NULL)
        (void)weft_write(self, c->in, ((const weft_data *)weft_body(c->held))->bytes);
    weft_drop(&c->held);
    if (c->body_ended)
        (void)weft_end(self, c->in);
}

static weft_err on_found(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    cgi *c = got->context;
    (void)next;
    if (c->stopping || c->answered)
        return WEFT_OK;
    if (got->err == WEFT_ENOTFOUND)
        return answer_error(c, 404, NULL);
    if (got->err == WEFT_EDENIED)
        return answer_error(c, 403, NULL);
    weft_err err = got->err == WEFT_OK ? start(self, c, got->body) : got->err;
    if (err == WEFT_OK)
        pass_on(self, c);
    else {
        weft_log(self, WEFT_ERROR, "a script cannot be run: %s", got->why);
        return answer_error(c, err == WEFT_ENOMEM || err == WEFT_EFULL ? 503 : 500, NULL);
    }
    return WEFT_OK;
}

/* ---- the request */

static weft_err find_out(weft_actor *self, cgi *c, const weft_http_cgi_config *config)
{
    uint32_t most = config->children_max != 0 ? config->children_max : CHILDREN_MAX;
    wf_http_cgi_count *count = count_of(config);
    if (count == NULL)
        return WEFT_ENOMEM;
    if (count->children >= most)
        return answer_error(c, 503, NULL);
    count->children++;
    c->count = count;
    return weft_ignore(
        self, weft_finally_with(self, wf_http_cgi_find(self, config, c->path), on_found, c));
}

static weft_err on_request(weft_actor *self, weft_msg *msg)
{
    cgi *c = weft_state(self);
    const weft_http_cgi_config *config = weft_config(self);
    const weft_http_request *r = weft_body(msg);
    wf_http_path path;
    c->request = weft_keep(msg);
    c->stream = r->stream;
    weft_http_text rest =
        config == NULL ? (weft_http_text){NULL, 0}
                       : wf_http_route_rest(msg, config->param != NULL ? config->param : "*");
    if (rest.at == NULL || config->root == NULL || weft_ref_is_nobody(r->stream)) {
        weft_log(self, WEFT_ERROR, "a route of scripts needs .stream, a star, and a root");
        return answer_error(c, 500, NULL);
    }
    /* a script is told how long its body is (RFC 3875 section 4.1.2) */
    if (r->body_bytes == UINT64_MAX)
        return answer_error(c, 411, NULL);
    weft_err err = wf_http_path_resolve(rest, c->path, sizeof c->path, &path, NULL);
    if (err != WEFT_OK)
        return answer_error(c, err == WEFT_ENOTFOUND ? 404 : err == WEFT_ETOOBIG ? 414 : 400, NULL);
    /* with an empty segment it is another's: one with a guard may stand in front of that */
    if (path.hidden || path.n == 0 || memmem(r->path.at, r->path.bytes, "//", 2) != NULL)
        return answer_error(c, 404, NULL);
    c->directory = path.directory;
    c->body_ended = r->body_bytes == 0;
    return find_out(self, c, config);
}

/* ---- both ways */

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    cgi *c = weft_state(self);
    const weft_data *data = weft_body(msg);
    if (c->stopping)
        return WEFT_OK;
    if (weft_ref_same(data->stream, c->stream)) {
        if (c->started)
            (void)weft_write(self, c->in,
                             data->bytes); /* one that reads no more may still answer */
        else if (!c->answered)
            c->held = weft_keep(msg);
        return WEFT_OK;
    }
    if (!c->answered)
        return gather(self, c, data->bytes);
    if (!c->deaf)
        (void)weft_write(self, c->stream, data->bytes);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    cgi *c = weft_state(self);
    const weft_ended *ended = weft_body(msg);
    if (!weft_ref_same(ended->stream, c->stream))
        return WEFT_OK; /* of its output: how it ends is said by its end */
    c->body_ended = true;
    if (c->started)
        (void)weft_end(self, c->in);
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const cgi *c = weft_state(self);
    const weft_closed *closed = weft_body(msg);
    if (weft_ref_same(closed->stream, c->stream) && !c->started)
        return weft_stop(self, WEFT_OK);
    if (weft_ref_same(closed->stream, c->stream))
        (void)weft_process_stop(self, c->process);
    return WEFT_OK;
}

static weft_err on_too_long(weft_actor *self, weft_msg *msg)
{
    cgi *c = weft_state(self);
    (void)msg;
    c->timer = (weft_timer){0};
    c->late = WEFT_ETIMEDOUT;
    weft_log(self, WEFT_WARNING, "a script took too long: it is stopped");
    if (!c->answered)
        (void)answer_error(c, 504, NULL);
    return weft_process_stop(self, c->process);
}

static weft_err on_process_ended(weft_actor *self, weft_msg *msg)
{
    cgi *c = weft_state(self);
    const weft_process_ended *ended = weft_body(msg);
    uncount(c);
    if (c->stopping)
        return weft_stop(self, WEFT_OK);
    if (c->deaf)
        return WEFT_OK; /* the answer is no stream: it is over by itself */
    if (!c->answered) {
        weft_log(self, WEFT_ERROR, "a script ended without a response: %s", ended->why);
        return answer_error(c, ended->err != WEFT_OK ? 500 : 502, NULL);
    }
    /* what a signal or the limit ended is not whole, and must not look so */
    if (ended->signal != 0 || c->late != WEFT_OK)
        return weft_stop(self, c->late != WEFT_OK ? c->late : WEFT_EIO);
    return weft_close(self, c->stream);
}

/* The exchange is over, or nobody wants it: the script is waited for, so that it is counted as long as it runs. */
static weft_err on_stopping(weft_actor *self, weft_msg *msg)
{
    cgi *c = weft_state(self);
    (void)msg;
    weft_timer_cancel(self, &c->timer);
    c->stopping = true;
    weft_drop(&c->held);
    if (!c->started || c->count == NULL)
        return weft_stop(self, WEFT_OK);
    return weft_process_stop(self, c->process);
}

static void on_over(weft_actor *self, weft_err reason)
{
    cgi *c = weft_state(self);
    (void)self;
    (void)reason;
    uncount(c);
    weft_bytes_drop(&c->head);
    weft_drop(&c->held);
    weft_drop(&c->request);
}

static const weft_handler handlers[] = {
    {.type = &weft_http_request_type, .fn = on_request},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {.type = &weft_process_ended_type, .fn = on_process_ended},
    {.type = &too_long_type, .fn = on_too_long},
    {.type = &weft_stopping_type, .fn = on_stopping},
    {0},
};

const weft_behaviour weft_http_cgi = {
    .name = "http.cgi", .handlers = handlers, .state_bytes = sizeof(cgi), .ended = on_over};
