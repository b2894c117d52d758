/* SPDX-License-Identifier: MIT */
/* Parts of a form: counted, kept, and looked at. */
#include "http_form_parts.h"

#include <string.h>

#include <weft/edge.h>

#include "http_path.h"

enum {
    FIELDS_MAX = 256,
    FIELDS_BYTES_MAX = 256 << 10,
    FILES_MAX = 16,
    FILE_BYTES_MAX = 32 << 20,
    FILES_BYTES_MAX = 64 << 20,
};

static uint64_t or_default(uint64_t value, uint64_t standard)
{
    return value != 0 ? value : standard;
}

uint64_t wf_http_form_fields_bytes_max(const weft_http_form_config *config)
{
    return or_default(config->fields_bytes_max, FIELDS_BYTES_MAX);
}

/* ---- gathered */

static weft_err grow(wf_http_form_parts *p, weft_why *why)
{
    if (p->count < p->room)
        return WEFT_OK;
    uint32_t room = p->room != 0 ? 2 * p->room : 8;
    wf_http_form_part *bigger = weft_alloc_zero(room * sizeof *bigger);
    if (bigger == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a form");
    if (p->count != 0)
        memcpy(bigger, p->at, p->count * sizeof *bigger);
    weft_alloc_free(p->at);
    p->at = bigger;
    p->room = room;
    return WEFT_OK;
}

static weft_err check_count(wf_http_form_parts *p, const weft_multipart_event *part, weft_why *why)
{
    const weft_http_form_config *c = p->config;
    if (part->file_name.at == NULL)
        return ++p->fields > or_default(c->fields_max, FIELDS_MAX)
                   ? weft_because(why, WEFT_ETOOBIG, "the form has too many fields")
                   : WEFT_OK;
    if (c->spool == NULL)
        return weft_because(why, WEFT_EUNSUPPORTED, "this form takes no files");
    return ++p->files > or_default(c->files_max, FILES_MAX)
               ? weft_because(why, WEFT_ETOOBIG, "the form has too many files")
               : WEFT_OK;
}

static weft_err count_field(wf_http_form_parts *p, size_t n, weft_why *why)
{
    p->fields_bytes += n;
    return p->fields_bytes <= wf_http_form_fields_bytes_max(p->config)
               ? WEFT_OK
               : weft_because(why, WEFT_ETOOBIG, "the fields of the form are too large");
}

static const char *put_text(char **to, weft_http_text text)
{
    char *at = *to;
    if (text.at == NULL)
        return NULL;
    if (text.bytes != 0)
        memcpy(at, text.at, text.bytes);
    at[text.bytes] = '\0';
    *to += text.bytes + 1;
    return at;
}

weft_err wf_http_form_begin(weft_actor *self, wf_http_form_parts *p,
                            const weft_multipart_event *part, weft_why *why)
{
    size_t n = (size_t)part->name.bytes + part->file_name.bytes + part->content_type.bytes;
    weft_err err = check_count(p, part, why);
    if (err == WEFT_OK)
        err = count_field(p, n, why);
    if (err == WEFT_OK)
        err = grow(p, why);
    if (err != WEFT_OK)
        return err;
    wf_http_form_part *last = &p->at[p->count];
    *last = (wf_http_form_part){.texts = weft_alloc(n + 3)};
    char *to = last->texts;
    if (to == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a form");
    p->count++;
    last->shown = (weft_http_form_part){.name = put_text(&to, part->name),
                                        .file_name = put_text(&to, part->file_name),
                                        .content_type = put_text(&to, part->content_type),
                                        .value = ""};
    if (part->file_name.at == NULL)
        return WEFT_OK;
    last->file = wf_http_spool_new(self, p->config->spool);
    if (last->file == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a form");
    last->shown.value = NULL;
    last->shown.path = wf_http_spool_path(last->file);
    return WEFT_OK;
}

weft_err wf_http_form_add(wf_http_form_parts *p, const void *at, size_t n, weft_why *why)
{
    wf_http_form_part *last = wf_http_form_last(p);
    size_t had = (size_t)last->shown.bytes, needed = had + n + 1;
    weft_err err = count_field(p, n, why);
    if (err != WEFT_OK)
        return err;
    if (needed > last->value_room) {
        char *bigger = weft_alloc(2 * needed);
        if (bigger == NULL)
            return weft_because(why, WEFT_ENOMEM, "no memory for a form");
        if (had != 0)
            memcpy(bigger, last->value, had);
        weft_alloc_free(last->value);
        last->value = bigger;
        last->value_room = 2 * needed;
    }
    if (n != 0)
        memcpy(last->value + had, at, n);
    last->value[had + n] = '\0';
    last->shown.value = last->value;
    last->shown.bytes += n;
    return WEFT_OK;
}

weft_err wf_http_form_count(wf_http_form_parts *p, size_t n, weft_why *why)
{
    wf_http_form_part *last = wf_http_form_last(p);
    last->shown.bytes += n;
    p->files_bytes += n;
    if (last->shown.bytes > or_default(p->config->file_bytes_max, FILE_BYTES_MAX))
        return weft_because(why, WEFT_ETOOBIG, "a file of the form is too large");
    if (p->files_bytes > or_default(p->config->files_bytes_max, FILES_BYTES_MAX))
        return weft_because(why, WEFT_ETOOBIG, "the files of the form are too large");
    return WEFT_OK;
}

/* ---- urlencoded */

static weft_err decode_pair(weft_actor *self, wf_http_form_parts *p, const wf_http_pair *pair,
                            char *room, size_t max, weft_why *why)
{
    size_t n;
    weft_multipart_event field = {.name = {room, 0}};
    weft_err err = wf_http_percent_decode(pair->name, WF_HTTP_PLUS_IS_SPACE, room, max, &n);
    field.name.bytes = (uint32_t)n;
    if (err == WEFT_OK)
        err = wf_http_form_begin(self, p, &field, why);
    else
        err = weft_because(why, WEFT_EPROTO, "a name of the form is broken");
    if (err != WEFT_OK)
        return err;
    if (wf_http_percent_decode(pair->value, WF_HTTP_PLUS_IS_SPACE, room, max, &n) != WEFT_OK)
        return weft_because(why, WEFT_EPROTO, "a value of the form is broken");
    return wf_http_form_add(p, room, n, why);
}

weft_err wf_http_form_decode(weft_actor *self, wf_http_form_parts *p, const char *text, size_t n,
                             weft_why *why)
{
    weft_http_text left = {text, (uint32_t)n};
    wf_http_pair pair;
    weft_err err = WEFT_OK;
    char *room = weft_alloc(n + 1);
    if (room == NULL)
        return weft_because(why, WEFT_ENOMEM, "no memory for a form");
    while (err == WEFT_OK && wf_http_query_next(&left, &pair))
        err = decode_pair(self, p, &pair, room, n + 1, why);
    weft_alloc_free(room);
    return err;
}

void wf_http_form_parts_free(wf_http_form_parts *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        weft_alloc_free(p->at[i].texts);
        weft_alloc_free(p->at[i].value);
        wf_http_spool_drop(p->at[i].file);
    }
    weft_alloc_free(p->at);
    p->at = NULL;
    p->count = p->room = 0;
}

/* ---- looked at */

const weft_http_form_part *weft_http_form_at(weft_actor *self, uint32_t i)
{
    const wf_http_form_parts *p = wf_http_form_parts_of(self);
    return p != NULL && i < p->count ? &p->at[i].shown : NULL;
}

const weft_http_form_part *weft_http_form_find(weft_actor *self, const char *name)
{
    const weft_http_form_part *part;
    for (uint32_t i = 0; (part = weft_http_form_at(self, i)) != NULL; i++)
        if (strcmp(part->name, name) == 0)
            return part;
    return NULL;
}

const char *weft_http_form_value(weft_actor *self, const char *name)
{
    const weft_http_form_part *part;
    for (uint32_t i = 0; (part = weft_http_form_at(self, i)) != NULL; i++)
        if (part->value != NULL && strcmp(part->name, name) == 0)
            return part->value;
    return NULL;
}

const void *weft_http_form_context(weft_actor *self)
{
    const wf_http_form_parts *p = wf_http_form_parts_of(self);
    return p != NULL ? p->config->context : NULL;
}

weft_deferred weft_http_form_keep(weft_actor *self, const weft_http_form_part *part,
                                  const char *path)
{
    const wf_http_form_parts *p = wf_http_form_parts_of(self);
    for (uint32_t i = 0; p != NULL && i < p->count; i++) {
        wf_http_form_part *own = &p->at[i];
        if (&own->shown != part || own->file == NULL)
            continue;
        if (own->kept)
            return weft_failed(self, WEFT_EUSED, "the file was kept before");
        own->kept = true;
        return wf_http_spool_keep(self, own->file, path);
    }
    return weft_failed(self, WEFT_EINVAL, "no file of this form");
}
