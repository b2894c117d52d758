/* SPDX-License-Identifier: MIT */
/* Large bodies: an upload that goes to a file piece by piece, and a download made on demand. Whatever their
 * size, memory stays flat: a disk that is slow slows the client that sends, and a client that stops reading
 * stops the maker of lines. */
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include <weft/weft.h>

/* [upload] */
typedef struct upload {
    weft_msg *request; /* kept until the body is whole */
    uint64_t bytes;
    int fd;
} upload;

static weft_err upload_request(weft_actor *self, weft_msg *msg)
{
    upload *u = weft_state(self);
    u->fd = open(weft_config(self), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    u->request = weft_keep(msg);
    return u->fd < 0 ? weft_http_error(msg, 507, NULL) : WEFT_OK;
}

static weft_err upload_data(weft_actor *self, weft_msg *msg)
{
    upload *u = weft_state(self);
    const weft_data *data = weft_body(msg);
    if (pwrite(u->fd, data->bytes.at, data->bytes.size, (off_t)u->bytes) !=
        (ssize_t)data->bytes.size)
        return weft_http_error(u->request, 507, NULL);
    u->bytes += data->bytes.size;
    return WEFT_OK;
}

static weft_err upload_ended(weft_actor *self, weft_msg *msg)
{
    const upload *u = weft_state(self);
    (void)msg;
    return weft_http_text(u->request, 201, "%" PRIu64 " bytes\n", u->bytes);
}

static void upload_over(weft_actor *self, weft_err reason)
{
    upload *u = weft_state(self);
    (void)reason;
    weft_drop(&u->request);
    if (u->fd > 0)
        (void)close(u->fd);
}

static const weft_handler upload_rows[] = {
    {.type = &weft_http_request_type, .fn = upload_request},
    {.type = &weft_data_type, .fn = upload_data},
    {.type = &weft_ended_type, .fn = upload_ended},
    {0},
};
static const weft_behaviour uploads = {
    .name = "upload", .handlers = upload_rows, .state_bytes = sizeof(upload), .ended = upload_over};
/* [/upload] */

/* [lines] */
typedef struct maker {
    unsigned made;
} maker;

enum { LINES = 1000000, LINES_A_PULL = 1000 };

static weft_err lines_request(weft_actor *self, weft_msg *msg)
{
    const weft_http_request *request = weft_body(msg);
    weft_err err = weft_http_respond(
        msg, &(weft_http_answer){.status = 200, .content_type = "text/plain", .stream = true});
    return err == WEFT_OK ? weft_produce(self, request->stream) : err;
}

/* There is room for more: never told to one whose client does not read. */
static weft_err lines_pull(weft_actor *self, weft_msg *msg)
{
    maker *m = weft_state(self);
    weft_ref stream = weft_sender(msg);
    for (int i = 0; i < LINES_A_PULL && m->made < LINES; i++)
        (void)weft_write_text(self, stream, "line %u of %d\n", ++m->made, LINES);
    return m->made == LINES ? weft_close(self, stream) : WEFT_OK;
}

static const weft_handler lines_rows[] = {
    {.type = &weft_http_request_type, .fn = lines_request},
    {.type = &weft_pull_type, .fn = lines_pull},
    {0},
};
static const weft_behaviour lines = {
    .name = "lines", .handlers = lines_rows, .state_bytes = sizeof(maker)};
/* [/lines] */

int main(int argc, char **argv)
{
    const weft_http_route routes[] = {
        {.route = "POST /upload",
         .use = &uploads,
         .config = argc > 2 ? argv[2] : "uploaded",
         .stream = true},
        {.route = "GET /lines", .use = &lines, .stream = true},
        {0},
    };
    return weft_serve(argc > 1 ? argv[1] : "http://127.0.0.1:8880", &weft_http_site, routes);
}
