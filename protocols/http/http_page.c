/* SPDX-License-Identifier: MIT */
/* Calls and pages as messages: what they point to travels with them. */
#include <string.h>
#include <strings.h>

#include "http_client.h"

/* ---- calls */

static size_t text_bytes(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static const char *copy_text(char **to, const char *text)
{
    size_t n = text_bytes(text);
    char *at = *to;
    if (n == 0)
        return NULL;
    memcpy(at, text, n);
    *to += n;
    return at;
}

static char *copy_fields(weft_http_field *to, const weft_http_field *from, uint32_t count,
                         char *text)
{
    for (uint32_t i = 0; i < count; i++) {
        to[i] = (weft_http_field){text, text + from[i].name_bytes, from[i].name_bytes,
                                  from[i].value_bytes};
        memcpy(text, from[i].name, from[i].name_bytes);
        text += from[i].name_bytes;
        if (from[i].value_bytes != 0)
            memcpy(text, from[i].value, from[i].value_bytes);
        text += from[i].value_bytes;
    }
    return text;
}

static size_t fields_bytes(const weft_http_field *fields, uint32_t count)
{
    size_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        n += sizeof *fields + fields[i].name_bytes + fields[i].value_bytes;
    return n;
}

/* Without memory it is no call any more, which the client says. */
void wf_http_call_share(void *body)
{
    weft_http_call *call = body;
    if (call->own != NULL) {
        atomic_fetch_add_explicit(&call->own->refs, 1, memory_order_relaxed);
        return;
    }
    size_t texts = text_bytes(call->url) + text_bytes(call->to) + text_bytes(call->method_name) +
                   text_bytes(call->content_type);
    wf_http_call_text *own =
        weft_alloc(sizeof *own + fields_bytes(call->fields, call->fields_count) + texts);
    if (own == NULL) {
        call->url = NULL;
        call->fields_count = 0;
        call->to = call->method_name = call->content_type = NULL;
        return;
    }
    atomic_init(&own->refs, 1);
    own->open = false;
    own->upload = own->download = WEFT_NOBODY;
    char *to = copy_fields(own->fields, call->fields, call->fields_count,
                           (char *)&own->fields[call->fields_count]);
    call->fields = own->fields;
    call->url = copy_text(&to, call->url);
    call->to = copy_text(&to, call->to);
    call->method_name = copy_text(&to, call->method_name);
    call->content_type = copy_text(&to, call->content_type);
    call->own = own;
}

void wf_http_call_release(void *body)
{
    wf_http_call_text *own = ((weft_http_call *)body)->own;
    /* acquire and release: whoever read it last did so before it is freed */
    if (own != NULL && atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) == 1)
        weft_alloc_free(own);
}

const weft_type weft_http_call_type = {.name = "weft.http_call",
                                       .size = sizeof(weft_http_call),
                                       .bytes = 1 + offsetof(weft_http_call, body),
                                       .reply = &weft_http_page_type,
                                       .share = wf_http_call_share,
                                       .release = wf_http_call_release};

/* ---- pages */

wf_http_page_text *wf_http_page_text_new(const wf_http1_head *head, const weft_http_field *fields)
{
    size_t n = fields_bytes(fields, head->fields_count) + head->reason.bytes;
    wf_http_page_text *text = weft_alloc(sizeof *text + n);
    if (text == NULL)
        return NULL;
    atomic_init(&text->refs, 1);
    text->fields_count = head->fields_count;
    text->known_bytes = head->has_content_length ? head->content_length : UINT64_MAX;
    text->url = NULL;
    char *to = copy_fields(text->fields, fields, head->fields_count,
                           (char *)&text->fields[head->fields_count]);
    if (head->reason.bytes != 0)
        memcpy(to, head->reason.at, head->reason.bytes);
    text->reason = (weft_http_text){to, head->reason.bytes};
    return text;
}

void wf_http_page_text_drop(wf_http_page_text *text)
{
    if (text == NULL || atomic_fetch_sub_explicit(&text->refs, 1, memory_order_acq_rel) != 1)
        return;
    weft_alloc_free(text->url);
    weft_alloc_free(text);
}

static void page_share(void *body)
{
    atomic_fetch_add_explicit(&((weft_http_page *)body)->own->refs, 1, memory_order_relaxed);
}

static void page_release(void *body)
{
    wf_http_page_text_drop(((weft_http_page *)body)->own);
}

const weft_type weft_http_page_type = {.name = "weft.http_page",
                                       .size = sizeof(weft_http_page),
                                       .bytes = 1 + offsetof(weft_http_page, body),
                                       .share = page_share,
                                       .release = page_release};

weft_http_text wf_http_find(const weft_http_field *fields, uint32_t count, const char *name)
{
    size_t n = strlen(name);
    for (uint32_t i = 0; i < count; i++)
        if (fields[i].name_bytes == n && strncasecmp(fields[i].name, name, n) == 0)
            return (weft_http_text){fields[i].value, fields[i].value_bytes};
    return (weft_http_text){NULL, 0};
}

weft_http_text weft_http_page_field(const weft_http_page *page, const char *name)
{
    return wf_http_find(page->fields, page->fields_count, name);
}

weft_err weft_http_print(const weft_outcome *page, FILE *to)
{
    if (page->err != WEFT_OK || page->type != &weft_http_page_type)
        return WEFT_OK;
    const weft_http_page *p = page->body;
    bool all = fwrite(p->body.at != NULL ? p->body.at : (const uint8_t *)"", 1, p->body.size, to) ==
               p->body.size;
    return all && fflush(to) == 0 ? WEFT_OK : WEFT_EIO;
}

/* ---- failures */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

weft_http_failure weft_http_failure_of(const weft_outcome *got)
{
    switch (got->err) {
    case WEFT_OK:
        return WEFT_HTTP_NO_FAILURE;
    case WEFT_EREFUSED:
        return WEFT_HTTP_REFUSED;
    case WEFT_ENONAME:
        return WEFT_HTTP_NO_NAME;
    case WEFT_ETOOBIG:
    case WEFT_ELIMIT:
        return WEFT_HTTP_OVER_LIMIT;
    default:
        break;
    }
    if (begins(got->why, WF_HTTP_NOT_SENT))
        return WEFT_HTTP_NOT_SENT;
    return begins(got->why, WF_HTTP_PARTIAL) ? WEFT_HTTP_PARTIAL_ANSWER : WEFT_HTTP_NO_ANSWER;
}
