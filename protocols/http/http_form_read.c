/* SPDX-License-Identifier: MIT */
/* Gathering a form: the actor made for a request, from the first byte of the body to the handler.
 *
 *   data ──▶ reader ──▶ field: memory
 *              └──────▶ file: block ── full, or the last ──▶ pool ── written ──▶ on with the data
 *
 * A data message is held until it is read to its end, so that a client waits for the disk. */
#include <string.h>

#include <weft/deferred.h>
#include <weft/edge.h>

#include "http_form_parts.h"
#include "http_multipart.h"
#include "http_server.h"

enum { BLOCK_BYTES = 64 << 10, TEXT_BYTES_MIN = 4096 };

typedef struct form {
    wf_http_form_parts parts;
    weft_multipart *reader; /* NULL: it is urlencoded */
    weft_promise whole;
    weft_msg *held;
    size_t at;            /* how much of what is held was read */
    const uint8_t *piece; /* of a part, read and not yet taken; of the reader or what is held */
    size_t piece_bytes;
    weft_bytes block; /* of a file; or the text of an urlencoded form */
    uint8_t *to;
    size_t n, room;
    bool writing; /* the pool is */
    bool ended, done;
} form;

wf_http_form_parts *wf_http_form_parts_of(weft_actor *self)
{
    if (weft_behaviour_of(self) != &weft_http_forms)
        return NULL;
    return &((form *)weft_state(self))->parts;
}

/* ---- the end of it, one way or the other */

static void let_go(form *f)
{
    weft_drop(&f->held);
    weft_bytes_drop(&f->block);
    weft_multipart_free(f->reader);
    f->reader = NULL;
    f->piece_bytes = 0;
}

static void refuse(weft_actor *self, form *f, weft_err err, const char *why)
{
    f->done = true;
    let_go(f);
    wf_http_form_parts_free(&f->parts);
    (void)weft_reject(self, &f->whole, err, "%s", why);
}

static int status_of(weft_err err)
{
    switch (err) {
    case WEFT_EPROTO:
    case WEFT_ETRUNCATED:
        return 400;
    case WEFT_ETOOBIG:
        return 413;
    case WEFT_EUNSUPPORTED:
        return 415;
    case WEFT_EFULL:
        return 507;
    case WEFT_ENOMEM:
    case WEFT_ELIMIT:
        return 503;
    default:
        return 500;
    }
}

static weft_err on_whole(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    const weft_http_form_config *config = weft_config(self);
    if (got->err == WEFT_OK)
        return config->handler(self, msg);
    if (got->err == WEFT_ECANCELLED)
        return WEFT_OK; /* the client has left */
    int status = status_of(got->err);
    if (status >= 500)
        weft_log(self, WEFT_ERROR, "a form cannot be taken: %s", got->why);
    return weft_http_error(msg, status, status < 500 ? got->why : NULL);
}

static void finish(weft_actor *self, form *f)
{
    weft_why why = {""};
    weft_err err = WEFT_OK;
    if (f->reader != NULL && !weft_multipart_is_whole(f->reader))
        err = weft_because(&why, WEFT_ETRUNCATED, "the form ends before its last boundary");
    else if (f->reader == NULL)
        err = wf_http_form_decode(self, &f->parts, (const char *)f->to, f->n, &why);
    if (err != WEFT_OK) {
        refuse(self, f, err, why.text);
        return;
    }
    f->done = true;
    let_go(f);
    (void)weft_resolve_body(self, &f->whole, NULL, NULL);
}

/* ---- files */

static void go_on(weft_actor *self, form *f);

static weft_err on_written(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    form *f = got->context;
    (void)next;
    f->writing = false;
    if (f->done)
        return WEFT_OK;
    if (got->err != WEFT_OK)
        refuse(self, f, got->err, got->why);
    else
        go_on(self, f);
    return WEFT_OK;
}

static void write_block(weft_actor *self, form *f, bool last)
{
    weft_bytes bytes = weft_bytes_slice(f->block, 0, f->n);
    weft_deferred written =
        wf_http_spool_write(self, wf_http_form_last(&f->parts)->file, bytes, last);
    f->writing = true;
    f->n = 0;
    weft_bytes_drop(&f->block);
    (void)weft_ignore(self, weft_finally_with(self, written, on_written, f));
}

/* Takes what of the piece fits the block. */
static weft_err take_for_file(weft_actor *self, form *f, weft_why *why)
{
    if (f->block.size == 0) {
        weft_err err = weft_bytes_new(BLOCK_BYTES, &f->to, &f->block);
        if (err != WEFT_OK)
            return weft_because(why, err, "no memory for a form");
        f->n = 0;
    }
    size_t n = BLOCK_BYTES - f->n < f->piece_bytes ? BLOCK_BYTES - f->n : f->piece_bytes;
    weft_err err = wf_http_form_count(&f->parts, n, why);
    if (err != WEFT_OK)
        return err;
    memcpy(f->to + f->n, f->piece, n);
    f->n += n;
    f->piece += n;
    f->piece_bytes -= n;
    if (f->n == BLOCK_BYTES)
        write_block(self, f, false);
    return WEFT_OK;
}

/* ---- reading */

static weft_err take_piece(weft_actor *self, form *f, weft_why *why)
{
    if (wf_http_form_last(&f->parts)->file != NULL)
        return take_for_file(self, f, why);
    size_t n = f->piece_bytes;
    f->piece_bytes = 0;
    return wf_http_form_add(&f->parts, f->piece, n, why);
}

static weft_err read_parts(weft_actor *self, form *f, weft_bytes in, weft_why *why)
{
    weft_multipart_event event;
    if (f->piece_bytes != 0)
        return take_piece(self, f, why);
    weft_err err = weft_multipart_next(f->reader, in.at + f->at, in.size - f->at, &event, why);
    f->at += event.consumed;
    if (err != WEFT_OK)
        return err;
    switch (event.kind) {
    case WEFT_MULTIPART_PART:
        return wf_http_form_begin(self, &f->parts, &event, why);
    case WEFT_MULTIPART_DATA:
        f->piece = event.data;
        f->piece_bytes = event.data_bytes;
        return WEFT_OK;
    case WEFT_MULTIPART_PART_END:
        if (wf_http_form_last(&f->parts)->file != NULL)
            write_block(self, f, true);
        return WEFT_OK;
    case WEFT_MULTIPART_MORE:
    case WEFT_MULTIPART_END:
        break;
    }
    return WEFT_OK;
}

/* The text of an urlencoded form. */
static weft_err read_text(form *f, weft_bytes in, weft_why *why)
{
    weft_bytes bigger;
    uint8_t *to;
    size_t needed = f->n + in.size;
    f->at = in.size;
    if (needed > wf_http_form_fields_bytes_max(f->parts.config))
        return weft_because(why, WEFT_ETOOBIG, "the fields of the form are too large");
    if (needed > f->room) {
        size_t room = 2 * needed > TEXT_BYTES_MIN ? 2 * needed : TEXT_BYTES_MIN;
        weft_err err = weft_bytes_new(room, &to, &bigger);
        if (err != WEFT_OK)
            return weft_because(why, err, "no memory for a form");
        if (f->n != 0)
            memcpy(to, f->to, f->n);
        weft_bytes_drop(&f->block);
        f->block = bigger;
        f->to = to;
        f->room = room;
    }
    memcpy(f->to + f->n, in.at, in.size);
    f->n = needed;
    return WEFT_OK;
}

static void go_on(weft_actor *self, form *f)
{
    weft_why why = {""};
    weft_err err = WEFT_OK;
    while (err == WEFT_OK && f->held != NULL && !f->writing) {
        weft_bytes in = ((const weft_data *)weft_body(f->held))->bytes;
        if (f->at == in.size && f->piece_bytes == 0)
            weft_drop(&f->held);
        else
            err = f->reader != NULL ? read_parts(self, f, in, &why) : read_text(f, in, &why);
    }
    if (err != WEFT_OK)
        refuse(self, f, err, why.text);
    else if (f->held == NULL && f->ended && !f->writing)
        finish(self, f);
}

/* ---- messages */

static weft_err begin(form *f, weft_msg *msg, weft_why *why)
{
    weft_http_text type = weft_http_field_of(msg, "content-type");
    if (wf_http_media_type_is(type, "application/x-www-form-urlencoded"))
        return WEFT_OK;
    return weft_multipart_new(type, &f->reader, why);
}

static weft_err on_request(weft_actor *self, weft_msg *msg)
{
    form *f = weft_state(self);
    const weft_http_request *request = weft_body(msg);
    weft_why why = {""};
    f->parts.config = weft_config(self);
    if (f->parts.config == NULL || f->parts.config->handler == NULL ||
        weft_ref_is_nobody(request->stream)) {
        weft_log(self, WEFT_ERROR, "a form's route needs .stream, and a handler in its config");
        return weft_http_error(msg, 500, NULL);
    }
    weft_err err = begin(f, msg, &why);
    f->done = err != WEFT_OK;
    if (f->done)
        return weft_http_error(msg, status_of(err), why.text);
    err = weft_when(msg, weft_promise_new(self, &f->whole, NULL, NULL), on_whole);
    /* without a body nobody may say that it has ended */
    if (err == WEFT_OK && request->body_bytes == 0)
        finish(self, f);
    return err;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    form *f = weft_state(self);
    if (f->done)
        return WEFT_OK; /* it has been answered */
    f->held = weft_keep(msg);
    f->at = 0;
    go_on(self, f);
    return WEFT_OK;
}

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    form *f = weft_state(self);
    (void)msg;
    f->ended = true;
    if (!f->done)
        go_on(self, f);
    return WEFT_OK;
}

static void on_over(weft_actor *self, weft_err reason)
{
    form *f = weft_state(self);
    (void)reason;
    f->done = true;
    let_go(f);
    wf_http_form_parts_free(&f->parts);
}

static const weft_handler handlers[] = {
    {.type = &weft_http_request_type, .fn = on_request},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {0},
};

const weft_behaviour weft_http_forms = {
    .name = "http.form", .handlers = handlers, .state_bytes = sizeof(form), .ended = on_over};
