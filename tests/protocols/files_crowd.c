/* SPDX-License-Identifier: MIT */
/* Clients that ask once, and note what came. */
#include "files_crowd.h"

#include <weft/edge.h>
#include <weft/net.h>

files_visitor files_crowd[FILES_CROWD];

static weft_err on_started(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    weft_ref stream = weft_connect(self, "sim://files", weft_self(self));
    return weft_ref_is_nobody(stream) ? weft_stop(self, WEFT_ENOMEM) : WEFT_OK;
}
static weft_err on_opened(weft_actor *self, weft_msg *msg)
{
    const files_visitor *v = weft_config(self);
    const weft_opened *opened = weft_body(msg);
    weft_err err = weft_write_copy(self, opened->stream, v->request, strlen(v->request));
    return err == WEFT_OK && v->leaves
               ? weft_after(self, 1, weft_pull, .stream = opened->stream).slot != 0 ? WEFT_OK
                                                                                    : WEFT_ENOMEM
               : err;
}
static weft_err on_leave(weft_actor *self, weft_msg *msg)
{
    return weft_abort(self, ((const weft_pull *)weft_body(msg))->stream, WEFT_EABORTED);
}
static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    files_visitor *v = (files_visitor *)(uintptr_t)weft_config(self);
    const weft_data *data = weft_body(msg);
    if (v->bytes == 0 && data->bytes.size > 12) {
        const uint8_t *code = data->bytes.at + 9; /* behind "HTTP/1.1 " */
        v->status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
        v->packed = memmem(data->bytes.at, data->bytes.size, "Content-Encoding: gzip", 22) != NULL;
    }
    v->bytes += data->bytes.size;
    return WEFT_OK;
}
static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    return weft_stop(self, WEFT_OK);
}
static void visitor_ended(weft_actor *self, weft_err reason)
{
    (void)reason;
    ((files_visitor *)(uintptr_t)weft_config(self))->over = true;
}
static const weft_handler rows[] = {
    {.type = &weft_started_type, .fn = on_started}, {.type = &weft_opened_type, .fn = on_opened},
    {.type = &weft_pull_type, .fn = on_leave},      {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_closed_type, .fn = on_closed},   {0},
};
static const weft_behaviour visiting = {
    .name = "visitor", .handlers = rows, .ended = visitor_ended};

void files_come(unsigned n, const char *request)
{
    for (unsigned i = 0; i < n; i++) {
        files_crowd[i] =
            (files_visitor){.request = request != NULL ? request : files_crowd[i].request,
                            .leaves = files_crowd[i].leaves};
        CHECK(!weft_ref_is_nobody(weft_sim_spawn(files_sim, &visiting, &files_crowd[i])));
    }
}
void files_come_and_wait(unsigned n, const char *request)
{
    files_come(n, request);
    CHECK(weft_sim_settle(files_sim, 20000));
    weft_sim_advance(files_sim, 1000);
}

void files_crowd_forget(void)
{
    memset(files_crowd, 0, sizeof files_crowd);
}
