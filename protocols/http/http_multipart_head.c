/* SPDX-License-Identifier: MIT */
/* Boundaries and the heads of parts. */
#include <string.h>
#include <strings.h>

#include <weft/http_form.h>

#include "http_fields.h"
#include "http_lex.h"
#include "http_multipart.h"

/* ---- parameters: ;name=token or ;name="text" */

/* A quoted string as forms have it: '\"' and %22 are a '"', and any other '\' is itself, since some clients send
 * "C:\photo.jpg" (HTML, "multipart/form-data encoding algorithm"; RFC 7578 section 5.1.3). Written out in place. */
static bool read_quoted(wf_http_lex *lex, weft_http_text *out)
{
    char *to = (char *)(uintptr_t)lex->at;
    out->at = to;
    while (lex->at < lex->end && *lex->at != '"') {
        size_t left = (size_t)(lex->end - lex->at);
        char c = *lex->at;
        size_t n = 1;
        if (c == '\\' && left > 1 && lex->at[1] == '"')
            n = 2;
        else if (c == '%' && left > 2 && memcmp(lex->at, "%22", 3) == 0)
            n = 3;
        if (n > 1)
            c = '"';
        else if (!wf_http_is(c, WF_HTTP_VALUE))
            return false;
        *to++ = c;
        lex->at += n;
    }
    out->bytes = (uint32_t)(to - out->at);
    return wf_http_lex_char(lex, '"');
}

/* The next parameter. false: there is none, or *@broken. */
static bool next_param(wf_http_lex *lex, weft_http_text *name, weft_http_text *value, bool *broken)
{
    wf_http_lex_ows(lex);
    if (wf_http_lex_ended(lex))
        return false;
    *broken = true;
    if (!wf_http_lex_char(lex, ';'))
        return false;
    wf_http_lex_ows(lex);
    if (wf_http_lex_ended(lex)) { /* a ';' at the end */
        *broken = false;
        return false;
    }
    *name = wf_http_lex_token(lex);
    if (name->bytes == 0 || !wf_http_lex_char(lex, '='))
        return false;
    if (wf_http_lex_char(lex, '"')) {
        *broken = !read_quoted(lex, value);
        return !*broken;
    }
    /* boundaries have bytes that no token has, and are often not quoted all the same */
    value->at = lex->at;
    while (lex->at < lex->end && strchr("; \t\"", *lex->at) == NULL)
        lex->at++;
    value->bytes = (uint32_t)(lex->at - value->at);
    *broken = value->bytes == 0;
    return !*broken;
}

/* ---- types */

static weft_http_text type_of(wf_http_lex *lex)
{
    wf_http_lex_ows(lex);
    const char *at = lex->at;
    while (lex->at < lex->end && strchr("; \t", *lex->at) == NULL)
        lex->at++;
    return (weft_http_text){at, (uint32_t)(lex->at - at)};
}

bool wf_http_media_type_is(weft_http_text content_type, const char *type)
{
    wf_http_lex lex = wf_http_lex_over(content_type);
    return content_type.at != NULL && wf_http_text_is(type_of(&lex), type);
}

static bool is_boundary(weft_http_text text)
{
    if (text.bytes == 0 || text.bytes > WEFT_HTTP_BOUNDARY_BYTES_MAX ||
        text.at[text.bytes - 1] == ' ')
        return false;
    for (uint32_t i = 0; i < text.bytes; i++) {
        char c = text.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || wf_http_is_digit(c);
        if (!letter && (c == '\0' || strchr("'()+_,-./:=? ", c) == NULL))
            return false;
    }
    return true;
}

weft_err wf_http_boundary_of(weft_http_text content_type, weft_http_text *out, weft_why *why)
{
    char copy[512]; /* quoted strings are written out in place */
    weft_http_text name, value;
    bool broken = false;
    if (!wf_http_media_type_is(content_type, "multipart/form-data"))
        return weft_because(why, WEFT_EUNSUPPORTED, "the body is no multipart/form-data");
    if (content_type.bytes > sizeof copy)
        return weft_because(why, WEFT_EPROTO, "the Content-Type is too long");
    memcpy(copy, content_type.at, content_type.bytes);
    wf_http_lex lex = wf_http_lex_over((weft_http_text){copy, content_type.bytes});
    (void)type_of(&lex);
    while (next_param(&lex, &name, &value, &broken))
        if (wf_http_text_is(name, "boundary")) {
            if (!is_boundary(value))
                return weft_because(why, WEFT_EPROTO, "the boundary can be none");
            /* unquoted or not, none of its bytes was escaped: it stands in the field as it is */
            *out = (weft_http_text){content_type.at + (value.at - copy), value.bytes};
            return WEFT_OK;
        }
    return weft_because(why, WEFT_EPROTO, "the Content-Type names no boundary");
}

/* ---- heads of parts */

static weft_err read_disposition(weft_http_text value, wf_http_part_head *out, weft_why *why)
{
    wf_http_lex lex = wf_http_lex_over(value);
    weft_http_text name, text;
    bool broken = false;
    if (out->name.at != NULL || !wf_http_text_is(type_of(&lex), "form-data"))
        return weft_because(why, WEFT_EPROTO, "a part that is not one form-data");
    while (next_param(&lex, &name, &text, &broken)) {
        weft_http_text *to = wf_http_text_is(name, "name")       ? &out->name
                             : wf_http_text_is(name, "filename") ? &out->file_name
                                                                 : NULL;
        if (to != NULL && to->at != NULL)
            return weft_because(why, WEFT_EPROTO, "a part with two names");
        if (to != NULL)
            *to = text;
    }
    if (broken || out->name.at == NULL)
        return weft_because(why, WEFT_EPROTO, "the Content-Disposition of a part is broken");
    return WEFT_OK;
}

static weft_err read_line(const char *at, const char *end, wf_http_part_head *out, weft_why *why)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));
    if (colon == NULL || !wf_http_is_token(at, (size_t)(colon - at)))
        return weft_because(why, WEFT_EPROTO, "a line of a part's head has no name");
    const weft_http_text name = {at, (uint32_t)(colon - at)};
    const weft_http_text value =
        wf_http_trimmed((weft_http_text){colon + 1, (uint32_t)(end - colon - 1)});
    if (wf_http_value_span(value.at, value.bytes) != value.bytes)
        return weft_because(why, WEFT_EPROTO, "a line of a part's head has a control byte");
    if (wf_http_text_is(name, "content-disposition"))
        return read_disposition(value, out, why);
    if (wf_http_text_is(name, "content-type"))
        out->content_type = value;
    /* RFC 7578 section 4.8: other fields "MUST be ignored"; of those that change the bytes there is none any more */
    return WEFT_OK;
}

weft_err wf_http_part_head_read(char *head, size_t n, wf_http_part_head *out, weft_why *why)
{
    const char *at = head, *end = head + n;
    *out = (wf_http_part_head){.name = {NULL, 0}};
    while (at < end) {
        const char *stop = memmem(at, (size_t)(end - at), "\r\n", 2);
        if (stop == NULL)
            stop = end;
        weft_err err = read_line(at, stop, out, why);
        if (err != WEFT_OK)
            return err;
        at = stop + 2 < end ? stop + 2 : end;
    }
    if (out->name.at == NULL)
        return weft_because(why, WEFT_EPROTO, "a part without a name");
    return WEFT_OK;
}
