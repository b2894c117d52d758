/* SPDX-License-Identifier: MIT */
/* What may stand at the end of a text form that is being written: a name of a field, or a value of one. */
#include <stdio.h>
#include <string.h>

#include "form.h"
#include "wf_pb.h"

typedef struct completer {
    const weft_type *type;
    const char *start, *at, *end;
    const void
        *inner[WF_PB_DEPTH_MAX - 1]; /* descriptors of what is open within the outer message */
    unsigned depth;
    weft_form_word_fn *fn;
    void *context;
} completer;

/* ---- fields */

static bool plain_field_at(const weft_field *rows, unsigned i, wf_form_field *out)
{
    if (rows[i].name == NULL)
        return false;
    *out = (wf_form_field){.name = rows[i].name, .flag = rows[i].kind == WEFT_FIELD_FLAG};
    return true;
}

/* The @i-th field of the innermost message. */
static bool field_at(const completer *c, unsigned i, wf_form_field *out)
{
    if (c->type->descriptor == NULL)
        return plain_field_at(c->type->fields, i, out);
    return wf_pb_field_at(c->depth != 0 ? c->inner[c->depth - 1] : c->type->descriptor, i, out);
}

static bool field_named(const completer *c, const char *name, size_t n, wf_form_field *out)
{
    for (unsigned i = 0; field_at(c, i, out); i++)
        if (strlen(out->name) == n && memcmp(out->name, name, n) == 0)
            return true;
    return false;
}

/* ---- what may stand there */

static void say_names(const completer *c, const char *from)
{
    char word[WEFT_FORM_NAME_BYTES + 2];
    wf_form_field f;
    for (unsigned i = 0; field_at(c, i, &f); i++)
        if (snprintf(word, sizeof word, "%s=%s", f.name, f.nested != NULL ? "{" : "") <
            (int)sizeof word)
            c->fn(c->context, (size_t)(from - c->start), word);
}

static void say_values(const completer *c, const wf_form_field *f, const char *from)
{
    const size_t start = (size_t)(from - c->start);
    const char *value;
    for (unsigned i = 0; f->names != NULL && (value = wf_pb_value_at(f->names, i)) != NULL; i++)
        c->fn(c->context, start, value);
    if (f->flag) {
        c->fn(c->context, start, "true");
        c->fn(c->context, start, "false");
    }
}

/* ---- what stands before it */

/* Over a text in quotes. false: it is not closed. */
static bool skip_quoted(completer *c)
{
    for (c->at++; c->at < c->end && *c->at != '"'; c->at++)
        if (*c->at == '\\' && ++c->at == c->end)
            return false;
    return c->at++ < c->end;
}

/* Over the value of @f. false: the text ends in it. */
static bool skip_value(completer *c, const wf_form_field *f)
{
    const char *from = c->at;
    if (from < c->end && *from == '"')
        return skip_quoted(c) && c->at < c->end; /* a space has to come before another name */
    if (from < c->end && *from == '{') {
        if (f->nested == NULL || c->depth == WF_PB_DEPTH_MAX - 1)
            return false;
        c->inner[c->depth++] = f->nested;
        c->at++;
        return true;
    }
    while (c->at < c->end && !wf_form_is_space(*c->at) && *c->at != '"' && *c->at != '{' &&
           *c->at != '}')
        c->at++;
    if (c->at < c->end)
        return c->at != from;
    say_values(c, f, from);
    return false;
}

/* Over the closing brace. false: none was open, or the text ends with it. */
static bool close_message(completer *c)
{
    if (c->depth == 0)
        return false;
    c->depth--;
    return ++c->at < c->end;
}

/* Over a field. false: the text ends in it, or nothing is known of what comes. */
static bool skip_field(completer *c)
{
    wf_form_field f;
    const char *name = c->at;
    while (c->at < c->end && wf_form_is_name(*c->at))
        c->at++;
    if (c->at == c->end) {
        say_names(c, name);
        return false;
    }
    if (*c->at != '=' || !field_named(c, name, (size_t)(c->at - name), &f))
        return false;
    c->at++;
    return skip_value(c, &f);
}

void weft_form_complete(const weft_type *type, const char *text, size_t n, weft_form_word_fn *fn,
                        void *context)
{
    completer c = {
        .type = type, .start = text, .at = text, .end = text + n, .fn = fn, .context = context};
    bool more = weft_has_form(type) && n <= WEFT_FORM_BYTES_MAX;
    while (more) {
        while (c.at < c.end && wf_form_is_space(*c.at))
            c.at++;
        more = c.at < c.end && *c.at == '}' ? close_message(&c) : skip_field(&c);
    }
}
