/* SPDX-License-Identifier: MIT */
/* An HTTP server with one route for each thing a real client is to try: for http_curl.sh.
 *
 * usage: http_server URL [ACCESS-LOG] */
#include <fcntl.h>
#include <stdlib.h>

#include <weft/weft.h>

static weft_err hello(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_text(msg, 200, "hello\n");
}

static weft_err echo(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *request = weft_body(msg);
    (void)self;
    return weft_http_bytes(msg, 200, "application/octet-stream", request->body);
}

/* The body's size and its trailer X-Sum. */
static weft_err sum(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *request = weft_body(msg);
    weft_http_text sent = weft_http_trailer_of(msg, "x-sum");
    (void)self;
    return weft_http_text(msg, 200, "%zu %.*s\n", request->body.size, (int)sent.bytes,
                          sent.bytes != 0 ? sent.at : "");
}

/* ---- answers after :ms milliseconds */

typedef struct late {
    weft_msg *request;
} late;
typedef struct late_tick {
    char nothing;
} late_tick;
static const weft_type late_tick_type = WEFT_TYPE("late_tick", late_tick, NULL);

static weft_err late_request(weft_actor *self, weft_msg *msg)
{
    late *l = weft_state(self);
    l->request = weft_keep(msg);
    (void)weft_after(self, (uint32_t)strtoul(weft_http_param(msg, "ms"), NULL, 10), late_tick,
                     .nothing = 0);
    return WEFT_OK;
}

static weft_err late_answer(weft_actor *self, weft_msg *msg)
{
    const late *l = weft_state(self);
    (void)msg;
    return weft_http_text(l->request, 200, "late\n");
}

static void late_ended(weft_actor *self, weft_err reason)
{
    late *l = weft_state(self);
    (void)reason;
    weft_drop(&l->request);
}

static const weft_handler late_rows[] = {
    {.type = &weft_http_request_type, .fn = late_request},
    {.type = &late_tick_type, .fn = late_answer},
    {0},
};
static const weft_behaviour lates = {
    .name = "late", .handlers = late_rows, .state_bytes = sizeof(late), .ended = late_ended};

/* ---- gives back what comes, as it comes, with a trailer behind it */

static weft_err back_request(weft_actor *self, weft_msg *msg)
{
    static const weft_http_field trailer = WEFT_HTTP_FIELD("X-Sum", "42");
    const weft_http_request *request = weft_body(msg);
    weft_err err = weft_http_trailers(self, request->stream, &trailer, 1);
    return err == WEFT_OK
               ? weft_http_respond(msg, &(weft_http_answer){.status = 200, .stream = true})
               : err;
}

static weft_err back_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    return weft_write(self, data->stream, data->bytes);
}

static const weft_handler back_rows[] = {
    {.type = &weft_http_request_type, .fn = back_request},
    {.type = &weft_data_type, .fn = back_data},
    {0},
};
static const weft_behaviour back = {.name = "back", .handlers = back_rows};

/* ---- an actor of a name, on another reactor than most connections */

static weft_err other_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_register(self, "other");
}

static weft_err other_request(weft_actor *self, weft_msg *msg)
{
    static const weft_http_field field = WEFT_HTTP_FIELD("X-From", "other");
    const char *name = weft_http_param(msg, "name");
    (void)self;
    return weft_http_respond(
        msg, &(weft_http_answer){.status = 200,
                                 .fields = &field,
                                 .fields_count = 1,
                                 .body = weft_bytes_printf(msg, "other %s\n", name)});
}

static const weft_handler other_rows[] = {
    {.type = &weft_started_type, .fn = other_started},
    {.type = &weft_http_request_type, .fn = other_request},
    {0},
};
static const weft_behaviour other = {.name = "other", .handlers = other_rows};

int main(int argc, char **argv)
{
    static const weft_http_route routes[] = {
        {.route = "GET /hello", .handler = hello},
        {.route = "POST /echo", .handler = echo},
        {.route = "PUT /small", .handler = echo, .body_bytes_max = 100},
        {.route = "POST /sum", .handler = sum},
        {.route = "GET /late/:ms", .use = &lates},
        {.route = "POST /back", .use = &back, .stream = true},
        {.route = "GET /other/:name", .to = "other"},
        {.route = "GET /nobody", .to = "nobody"},
        {0},
    };
    weft_http_access_log access = {.fd = -1};
    if (argc > 2)
        access.fd = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const weft_http_site_config site = {
        .routes = routes,
        .limits = {.head_timeout_ms = 1000, .requests_max = 100000},
        .access_log = &access,
    };
    weft_system *sys = weft_system_new(&(weft_system_options){.reactors = 2});
    if (argc < 2 || sys == NULL)
        return EXIT_FAILURE;
    if (weft_ref_is_nobody(weft_system_spawn(sys, 1, &other, NULL)))
        return EXIT_FAILURE;
    (void)weft_listen(sys, argv[1], &weft_http_server, &site);
    return weft_run(&sys);
}
