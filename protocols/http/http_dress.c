/* SPDX-License-Identifier: MIT */
/* Whether a response is packed, and how its head reads then. */
#include <string.h>

#include "http_fields.h"
#include "http_lex.h"
#include "http_packer.h"
#include "http_packing.h"

/* What is packed and does not get smaller by at least an eighth is not worth unpacking. */
#define PACK_SAVES_SHARE 8

static bool says_no_transform(const weft_http_field *field)
{
    static const char word[] = "no-transform";
    const uint32_t n = sizeof word - 1;

    for (uint32_t at = 0; at + n <= field->value_bytes; at++)
        if (wf_http_text_is((weft_http_text){field->value + at, n}, word))
            return true;
    return false;
}

/* Whether a field of @a forbids it. That it is packed already does, and that it is a part. */
static bool is_forbidden(const weft_http_answer *a)
{
    for (uint32_t i = 0; i < a->fields_count; i++)
        switch (wf_http_name_of(a->fields[i].name, a->fields[i].name_bytes)) {
        case WF_HTTP_CONTENT_ENCODING:
        case WF_HTTP_CONTENT_RANGE:
            return true;
        case WF_HTTP_CACHE_CONTROL:
            if (says_no_transform(&a->fields[i]))
                return true;
            break;
        default:
            break;
        }
    return false;
}

static weft_http_text type_of(const weft_http_answer *a)
{
    if (a->content_type != NULL)
        return (weft_http_text){a->content_type, (uint32_t)strlen(a->content_type)};
    for (uint32_t i = 0; i < a->fields_count; i++)
        if (wf_http_name_of(a->fields[i].name, a->fields[i].name_bytes) == WF_HTTP_CONTENT_TYPE)
            return (weft_http_text){a->fields[i].value, a->fields[i].value_bytes};
    return (weft_http_text){"", 0};
}

/* A body of a length that is known and too short is not; what a file or a part of one is, neither. */
static bool is_worth_it(const wf_http_exchange *x, const weft_http_answer *a)
{
    uint64_t min = x->row->compress->bytes_min;
    uint64_t bytes = a->stream ? a->stream_bytes : a->body.size;

    if (min == 0)
        min = WF_HTTP_COMPRESS_BYTES_MIN;
    return a->file == NULL && a->upgrade == NULL && a->status != 204 && a->status != 205 &&
           a->status != 206 && a->status != 304 && (bytes >= min || (a->stream && bytes == 0)) &&
           wf_http_type_compresses(type_of(a)) && !is_forbidden(a);
}

static wf_http_coding coding_for(wf_http_exchange *x)
{
    const weft_http_request *request = wf_http_request_of(x);
    wf_http_accept accept = {.given = false};
    unsigned offered = WF_HTTP_CODING_BIT(WF_HTTP_IDENTITY) | WF_HTTP_CODING_BIT(WF_HTTP_GZIP);

    if (!x->row->compress->no_brotli)
        offered |= WF_HTTP_CODING_BIT(WF_HTTP_BROTLI);
    for (uint32_t i = 0; i < request->fields_count; i++) {
        const weft_http_field *field = &request->fields[i];
        if (wf_http_name_of(field->name, field->name_bytes) == WF_HTTP_ACCEPT_ENCODING)
            wf_http_accept_add(&accept, (weft_http_text){field->value, field->value_bytes});
    }
    wf_http_coding coding = wf_http_accept_best(&accept, offered);
    return coding != WF_HTTP_CODING_NONE ? coding : WF_HTTP_IDENTITY;
}

/* ---- the head */

static void add_field(weft_http_answer *a, weft_http_field *fields, const char *name,
                      const char *value)
{
    fields[a->fields_count++] = (weft_http_field){.name = name,
                                                  .value = value,
                                                  .name_bytes = (uint32_t)strlen(name),
                                                  .value_bytes = (uint32_t)strlen(value)};
}

/* A strong tag would be said of other bytes than those it was made for (RFC 9110 section 8.8.3.3). false: it is left
 * out. */
static bool weaken(weft_http_field *field, char etag[WF_HTTP_PACK_ETAG_BYTES_MAX])
{
    if (field->value_bytes >= 2 && memcmp(field->value, "W/", 2) == 0)
        return true;
    if (field->value_bytes + 2 > WF_HTTP_PACK_ETAG_BYTES_MAX)
        return false;
    etag[0] = 'W';
    etag[1] = '/';
    memcpy(etag + 2, field->value, field->value_bytes);
    field->value = etag;
    field->value_bytes += 2;
    return true;
}

/* Of what is packed no parts can be had. */
static void copy_fields(const weft_http_answer *from, bool packed, wf_http_dressed *to)
{
    to->answer = *from;
    to->answer.fields = to->fields;
    to->answer.fields_count = 0;
    for (uint32_t i = 0; i < from->fields_count; i++) {
        weft_http_field field = from->fields[i];
        if (packed &&
            (wf_http_text_is((weft_http_text){field.name, field.name_bytes}, "accept-ranges") ||
             (wf_http_name_of(field.name, field.name_bytes) == WF_HTTP_ETAG &&
              !weaken(&field, to->etag))))
            continue;
        to->fields[to->answer.fields_count++] = field;
    }
}

static void dress(const weft_http_answer *from, wf_http_coding coding, wf_http_dressed *to)
{
    copy_fields(from, coding != WF_HTTP_IDENTITY, to);
    add_field(&to->answer, to->fields, "Vary", "Accept-Encoding");
    if (coding != WF_HTTP_IDENTITY)
        add_field(&to->answer, to->fields, "Content-Encoding", wf_http_coding_name(coding));
}

/* ---- the body */

/* false: not worth it, or there is no memory. */
static bool pack_small(weft_bytes body, wf_http_coding coding, weft_bytes *out)
{
    uint8_t *to;
    weft_err err = weft_bytes_new(body.size - body.size / PACK_SAVES_SHARE, &to, out);

    if (err == WEFT_OK)
        err = wf_http_pack_whole(coding, body.at, body.size, to, out->size, &out->size);
    if (err != WEFT_OK)
        weft_bytes_drop(out);
    return err == WEFT_OK;
}

/* How it goes out; IDENTITY: as it is, since packing it is not worth it, or there is no place for that. */
static wf_http_coding pack(wf_http_exchange *x, const weft_http_answer *a, wf_http_coding coding,
                           wf_http_dressed *room)
{
    bool small = !a->stream && a->body.size <= WF_HTTP_PACK_STEP_BYTES;

    if (small)
        return pack_small(a->body, coding, &room->packed) ? coding : WF_HTTP_IDENTITY;
    /* HTTP/1.0 has no chunks: what is cut would look whole */
    if (x->head.minor == 0)
        return WF_HTTP_IDENTITY;
    return !wf_http1_has_body(a->status, x->head.method) || wf_http_packing_open(x, coding, a)
               ? coding
               : WF_HTTP_IDENTITY;
}

const weft_http_answer *wf_http_dress(wf_http_exchange *x, const weft_http_answer *a,
                                      wf_http_dressed *room)
{
    room->packed = WEFT_NO_BYTES;
    if (!is_worth_it(x, a))
        return a;
    wf_http_coding coding = coding_for(x);
    if (coding != WF_HTTP_IDENTITY)
        coding = pack(x, a, coding, room);
    dress(a, coding, room);
    if (coding == WF_HTTP_IDENTITY)
        return &room->answer;
    room->answer.body = room->packed;
    if (room->packed.size == 0) {
        room->answer.stream = true;
        room->answer.stream_bytes = 0;
    }
    return &room->answer;
}

void wf_http_dressed_done(wf_http_dressed *room)
{
    weft_bytes_drop(&room->packed);
}
