/* SPDX-License-Identifier: MIT */
/* From a file and the wishes of a request to a response. */
#include "http_file_answer.h"

#include <string.h>

#include "http_fields.h"
#include "http_file_choice.h"
#include "http_server.h"

#define NS_PER_S 1000000000

/* A response in the making. */
typedef struct answering {
    weft_actor *self;
    weft_msg *msg;
    wf_http_file_entry *entry;
    const wf_http_work_done *done;
    weft_ref *worker;
    weft_why *why;
    const wf_http_file *file;
    const wf_http_form *form;
    wf_http_coding coding;
    wf_http_choice choice;
} answering;

weft_err wf_http_file_refuse(weft_msg *msg, int status, const weft_http_field *field)
{
    return wf_http_error_with(msg, status, NULL, field, 1);
}

/* ---- what goes out */

static weft_err answer_whole(const answering *a)
{
    const wf_http_form *form = a->form;

    return weft_http_respond(a->msg, &(weft_http_answer){
                                         .status = 200,
                                         .content_type = a->file->content_type,
                                         .fields = form->fields,
                                         .fields_count = form->fields_count,
                                         .body = form->content,
                                         .file = form->file,
                                         .file_bytes = form->file != NULL ? form->size : 0,
                                     });
}

static weft_err answer_part(const answering *a)
{
    const wf_http_form *form = a->form;
    wf_http_range range = a->choice.ranges[0];
    weft_http_field fields[WF_HTTP_FORM_FIELDS_MAX + 1];
    char value[WF_HTTP_CONTENT_RANGE_BYTES_MAX];
    wf_http_writer w = wf_http_writer_over(value, sizeof value);
    uint32_t n = form->fields_count;

    memcpy(fields, form->fields, n * sizeof *fields);
    wf_http_put_content_range(&w, range, form->size);
    fields[n++] = (weft_http_field){"Content-Range", value, 13, (uint32_t)w.n};

    weft_http_answer answer = {
        .status = 206, .content_type = a->file->content_type, .fields = fields, .fields_count = n};
    if (form->file != NULL) {
        answer.file = form->file;
        answer.file_offset = range.first;
        answer.file_bytes = wf_http_range_length(range);
    } else
        answer.body = weft_bytes_slice(form->content, (size_t)range.first,
                                       (size_t)wf_http_range_length(range));
    return weft_http_respond(a->msg, &answer);
}

/* Whether the pool has read the ranges of what is served now. */
static bool has_read(const answering *a)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < a->choice.ranges_n; i++)
        total += wf_http_range_length(a->choice.ranges[i]);
    return a->done != NULL && a->done->read.size == total &&
           wf_http_stamp_same(&a->done->stamp, &a->form->stamp);
}

/* @before: how many bytes the ranges before it have. errors: COLD, ENOMEM, ETRUNCATED,
 * EIO. */
static weft_err copy_range(const answering *a, wf_http_range range, uint64_t before, uint8_t *to)
{
    const wf_http_form *form = a->form;
    size_t n = (size_t)wf_http_range_length(range), got;

    if (form->file == NULL) {
        memcpy(to, form->content.at + range.first, n);
        return WEFT_OK;
    }
    if (has_read(a)) {
        memcpy(to, a->done->read.at + before, n);
        return WEFT_OK;
    }
    const wf_http_file_cache *cache = wf_http_file_cache_here(a->self, weft_http_config_of(a->msg));
    if (cache == NULL)
        return WEFT_ENOMEM;
    weft_err err =
        wf_http_file_read(&cache->root, weft_file_fd(form->file), range.first, to, n, &got);
    return err == WEFT_OK && got < n ? WEFT_ETRUNCATED : err;
}

/* Heads and bytes in turn, and the end; all of it is as long as wf_http_byteranges_total says. */
static weft_err put_parts(const answering *a, const wf_http_byteranges *parts, uint8_t *to,
                          size_t room)
{
    size_t at = 0;
    uint64_t before = 0;
    wf_http_writer w;

    for (unsigned i = 0; i < a->choice.ranges_n; i++) {
        wf_http_range range = a->choice.ranges[i];
        w = wf_http_writer_over((char *)to + at, room - at);
        wf_http_put_byteranges_head(&w, parts, i == 0, range);
        at += w.n;
        weft_err err = copy_range(a, range, before, to + at);
        if (err != WEFT_OK)
            return err;
        before += wf_http_range_length(range);
        at += (size_t)wf_http_range_length(range);
    }
    w = wf_http_writer_over((char *)to + at, room - at);
    wf_http_put_byteranges_end(&w, parts);
    return w.err;
}

/* What is not in memory is read by the pool. errors: COLD, ENOMEM. */
static weft_err read_parts(const answering *a)
{
    weft_err err = wf_http_work_read(a->entry, a->form, a->choice.ranges, a->choice.ranges_n,
                                     a->worker, a->why);
    return err == WEFT_OK ? WF_HTTP_FILE_COLD : err;
}

static weft_err answer_parts(const answering *a)
{
    const char *type = a->file->content_type;
    uint64_t nonce;
    weft_bytes body;
    uint8_t *to;
    char parts_type[WF_HTTP_BYTERANGES_TYPE_BYTES + 1];

    /* Content-Encoding would be said of the parts and their heads, which are not encoded. */
    if (a->coding != WF_HTTP_IDENTITY)
        return answer_whole(a);

    weft_random(a->self, &nonce, sizeof nonce);
    wf_http_byteranges parts = wf_http_byteranges_new(
        nonce, (weft_http_text){type, (uint32_t)strlen(type)}, a->form->size);
    uint64_t total = wf_http_byteranges_total(&parts, a->choice.ranges, a->choice.ranges_n);
    if (total > WF_HTTP_PARTS_BYTES_MAX)
        return answer_whole(a);

    weft_err err = weft_bytes_new((size_t)total, &to, &body);
    if (err != WEFT_OK)
        return err;
    err = put_parts(a, &parts, to, (size_t)total);
    wf_http_writer w = wf_http_writer_over(parts_type, sizeof parts_type - 1);
    wf_http_put_byteranges_type(&w, &parts);
    parts_type[w.n] = '\0';
    if (err == WEFT_OK)
        err = weft_http_respond(a->msg, &(weft_http_answer){
                                            .status = 206,
                                            .content_type = parts_type,
                                            .fields = a->form->fields,
                                            .fields_count = a->form->fields_count,
                                            .body = body,
                                        });
    weft_bytes_drop(&body);
    return err == WF_HTTP_FILE_COLD ? read_parts(a) : err;
}

static weft_err answer_not_modified(const answering *a)
{
    return weft_http_respond(a->msg, &(weft_http_answer){
                                         .status = 304,
                                         .fields = a->form->fields,
                                         .fields_count = a->form->validators_count,
                                     });
}

static weft_err answer_unsatisfiable(const answering *a)
{
    char value[WF_HTTP_CONTENT_RANGE_BYTES_MAX];
    wf_http_writer w = wf_http_writer_over(value, sizeof value);

    wf_http_put_content_range_none(&w, a->form->size);
    return wf_http_file_refuse(a->msg, 416,
                               &(weft_http_field){"Content-Range", value, 13, (uint32_t)w.n});
}

/* ---- choosing */

/* The lines of a list, joined as one (RFC 9110 5.3). Without memory for it, the first line. */
static void join(weft_msg *msg, wf_http_name name, weft_http_text *list)
{
    const weft_http_request *request = weft_body(msg);
    size_t room = 0, n = 0;

    for (uint32_t i = 0; i < request->fields_count; i++)
        room += request->fields[i].value_bytes + 2;
    char *joined = weft_scratch(msg, room);
    if (joined == NULL)
        return;
    for (uint32_t i = 0; i < request->fields_count; i++) {
        const weft_http_field *field = &request->fields[i];
        if (wf_http_name_of(field->name, field->name_bytes) != name)
            continue;
        if (n > 0) {
            joined[n++] = ',';
            joined[n++] = ' ';
        }
        memcpy(joined + n, field->value, field->value_bytes);
        n += field->value_bytes;
    }
    *list = (weft_http_text){joined, (uint32_t)n};
}

static void join_lists(weft_msg *msg, wf_http_wish *wish)
{
    if ((wish->repeated & UINT64_C(1) << WF_HTTP_IF_MATCH) != 0)
        join(msg, WF_HTTP_IF_MATCH, &wish->conditions.if_match);
    if ((wish->repeated & UINT64_C(1) << WF_HTTP_IF_NONE_MATCH) != 0)
        join(msg, WF_HTTP_IF_NONE_MATCH, &wish->conditions.if_none_match);
}

static void choose_form(answering *a, const wf_http_wish *wish)
{
    a->coding = wf_http_wish_coding(wish, a->file->codings, wf_http_file_on_the_fly(a->file));
    a->form = a->file->forms[a->coding];
}

static void choose_answer(answering *a, const wf_http_wish *wish)
{
    const wf_http_form *form = a->form;
    wf_http_current current = {.exists = true,
                               .has_mtime = form->dated,
                               .etag = {form->dated ? form->etag : NULL, form->etag_bytes},
                               .mtime_s = form->mtime_s};
    int64_t now_s = (int64_t)(weft_wall_ns(a->self) / NS_PER_S);

    wf_http_choose(wish, &current, form->size, form->ranges, now_s, &a->choice);
}

static weft_err answer_as_chosen(const answering *a)
{
    switch (a->choice.kind) {
    case WF_HTTP_ANSWER_PART:
        return answer_part(a);
    case WF_HTTP_ANSWER_PARTS:
        return answer_parts(a);
    case WF_HTTP_ANSWER_NOT_MODIFIED:
        return answer_not_modified(a);
    case WF_HTTP_ANSWER_FAILED:
        return weft_http_error(a->msg, 412, NULL);
    case WF_HTTP_ANSWER_UNSATISFIABLE:
        return answer_unsatisfiable(a);
    case WF_HTTP_ANSWER_WHOLE:
        break;
    }
    return answer_whole(a);
}

/* Packs what its bytes are to be sent of, here or there. errors: COLD, ENOMEM. */
static weft_err pack(answering *a, const wf_http_wish *wish)
{
    wf_http_file_entry *e = a->entry;

    if (e->file.forms[WF_HTTP_IDENTITY]->file == NULL) {
        (void)wf_http_file_pack(&e->file, a->coding);
        wf_http_file_cache_count(e);
        choose_form(a, wish);
        return WEFT_OK;
    }
    weft_err err = wf_http_work_pack(e, a->coding, a->why);
    *a->worker = e->packing[a->coding];
    return err == WEFT_OK ? WF_HTTP_FILE_COLD : err;
}

weft_err wf_http_file_answer(weft_actor *self, weft_msg *msg, wf_http_file_entry *e,
                             const wf_http_work_done *done, weft_ref *worker, weft_why *why)
{
    const weft_http_request *request = weft_body(msg);
    answering a;
    wf_http_wish wish;

    a.self = self;
    a.msg = msg;
    a.entry = e;
    a.file = &e->file;
    a.done = done;
    a.worker = worker;
    a.why = why;
    a.choice.kind = WF_HTTP_ANSWER_WHOLE;
    wf_http_wish_read(&wish, request->method, request->fields, request->fields_count);
    if (wish.repeated != 0)
        join_lists(msg, &wish);
    choose_form(&a, &wish);
    if (wish.conditional)
        choose_answer(&a, &wish);
    /* packed only when its bytes are to be sent, for its tag is known before */
    if (a.choice.kind == WF_HTTP_ANSWER_WHOLE && a.form->unmade) {
        weft_err err = pack(&a, &wish);
        if (err != WEFT_OK)
            return err;
    }
    return answer_as_chosen(&a);
}
