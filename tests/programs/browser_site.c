/* SPDX-License-Identifier: MIT */
/* A site for tests/programs/browser_live.sh, whose page tries all that a browser does.
 * usage: weft_browser_site URL FOLDER     FOLDER has the page; what the page finds out is said, and ends it */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/weft.h>

#include "parts/ws_echo.h"

/* ---- a socket */

static const weft_websocket_config sockets = {.behaviour = &ws_echo,
                                              .protocols = ws_echo_protocols,
                                              .options = {.message_bytes_max = 4 << 20}};

/* ---- events: two at a time, from the one behind the last that was had */

static weft_err on_events(weft_actor *self, weft_msg *msg)
{
    weft_ref stream = ((const weft_http_request *)weft_body(msg))->stream;
    unsigned first = (unsigned)strtoul(weft_sse_last_id(msg), NULL, 10) + 1;
    char id[16], text[32];
    weft_err err = weft_sse_begin(msg);

    for (unsigned i = first; i < first + 2 && err == WEFT_OK; i++) {
        (void)snprintf(id, sizeof id, "%u", i);
        (void)snprintf(text, sizeof text, "event\n%u", i);
        err = weft_sse_send(self, stream,
                            &(weft_sse){.event = "count", .id = id, .text = text, .retry_ms = 10});
    }
    return err == WEFT_OK ? weft_close(self, stream) : err;
}

static const weft_handler event_rows[] = {{.type = &weft_http_request_type, .fn = on_events}, {0}};
static const weft_behaviour events = {.name = "events", .handlers = event_rows, .state_bytes = 8};

/* ---- sessions, forms */

static const weft_http_sessions sessions = {.store_name = "sessions"};

static weft_err on_begun(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    weft_http_field field = {0};
    weft_err err = got->err;
    (void)self;
    if (err == WEFT_OK)
        err = weft_http_session_field(msg, &sessions, got->body, &field);
    if (err != WEFT_OK)
        return weft_fail(msg, err, "no session");
    return weft_http_respond(
        msg, &(weft_http_answer){.status = 204, .fields = &field, .fields_count = 1});
}

static weft_err on_login(weft_actor *self, weft_msg *msg)
{
    const char *name = weft_http_form_value(self, "name");
    if (name == NULL)
        return weft_http_error(msg, 400, NULL);
    return weft_when(
        msg,
        weft_http_session_begin(self, msg, &sessions, weft_bytes_copy(msg, name, strlen(name))),
        on_begun);
}

static weft_err on_known(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_http_error(msg, 403, NULL);
    const weft_session *session = got->body;
    return weft_http_text(msg, 200, "%.*s", (int)session->data.size,
                          (const char *)session->data.at);
}

static weft_err on_who(weft_actor *self, weft_msg *msg)
{
    return weft_when(msg, weft_http_session(self, msg, &sessions), on_known);
}

static weft_err on_upload(weft_actor *self, weft_msg *msg)
{
    const weft_http_form_part *file = weft_http_form_find(self, "file");
    const char *note = weft_http_form_value(self, "note");
    if (file == NULL || note == NULL)
        return weft_http_error(msg, 400, NULL);
    return weft_http_text(msg, 200, "%s %" PRIu64 " %s", file->file_name, file->bytes, note);
}

/* ---- the rest */

/* The port that the client's connection comes from: another one is another connection. */
static weft_err on_port(weft_actor *self, weft_msg *msg)
{
    (void)self;
    return weft_http_text(msg, 200, "%u", (unsigned)weft_http_client(msg).port);
}

static weft_err on_numbers(weft_actor *self, weft_msg *msg)
{
    enum { COUNT = 40000, ROOM = 8 };
    weft_bytes body;
    uint8_t *to;
    size_t n = 0;
    (void)self;
    weft_err err = weft_bytes_new((size_t)COUNT * ROOM, &to, &body);
    if (err != WEFT_OK)
        return err;
    for (unsigned i = 0; i < COUNT; i++)
        n += (size_t)snprintf((char *)to + n, ROOM, "%u\n", i);
    body.size = n;
    err = weft_http_bytes(msg, 200, "text/plain", body);
    weft_bytes_drop(&body);
    return err;
}

static weft_err on_result(weft_actor *self, weft_msg *msg)
{
    weft_bytes body = ((const weft_http_request *)weft_body(msg))->body;
    (void)self;
    (void)printf("%.*s\n", (int)body.size, (const char *)body.at);
    (void)fflush(stdout);
    return weft_http_respond(msg, &(weft_http_answer){.status = 204});
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: weft_browser_site URL FOLDER\n");
        return 64; /* EX_USAGE */
    }
    const weft_http_compress packed = {.bytes_min = 0};
    const weft_http_form_config login = {.handler = on_login};
    const weft_http_form_config upload = {
        .handler = on_upload, .spool = argv[2], .file_bytes_max = 8 << 20};
    const weft_http_files_config files = {.root = argv[2]};
    const weft_http_route routes[] = {
        {.route = "GET /socket", .use = &weft_websocket, .config = &sockets},
        {.route = "GET /events", .use = &events, .stream = true},
        {.route = "POST /login", .use = &weft_http_forms, .config = &login, .stream = true},
        {.route = "POST /upload", .use = &weft_http_forms, .config = &upload, .stream = true},
        {.route = "GET /who", .handler = on_who},
        {.route = "GET /port", .handler = on_port},
        {.route = "GET /numbers", .handler = on_numbers, .compress = &packed},
        {.route = "POST /result", .handler = on_result},
        {.route = "GET /*", .use = &weft_http_files, .config = &files},
        {0},
    };
    const weft_child children[] = {
        {.name = "sessions", .behaviour = &weft_session_store},
        {.name = "web", .behaviour = &weft_http_site, .config = routes, .listen = argv[1]},
        {0},
    };
    const weft_supervisor tree = {.children = children};
    return weft_main(&(weft_app){.tree = &tree}, 1, argv);
}
