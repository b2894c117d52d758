/* SPDX-License-Identifier: MIT */
/* Text forms: the front, and how values are written. */
#include "form.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pack.h"
#include "wf_pb.h"
#include "wf_utf8.h"

/* ---- writing */

static void put(wf_form_out *out, const char *at, size_t n)
{
    size_t left = out->room - out->n;
    if (n > left) {
        out->cut = true;
        n = left;
    }
    memcpy(out->at + out->n, at, n);
    out->n += n;
}

void wf_form_put(wf_form_out *out, const char *format, ...)
{
    char text[128];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(out, text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void wf_form_put_name(wf_form_out *out, const char *name)
{
    if (out->n != 0 && out->at[out->n - 1] != '{')
        put(out, " ", 1);
    put(out, name, strlen(name));
    put(out, "=", 1);
}

static void put_escaped(wf_form_out *out, unsigned char c)
{
    static const char named[] = "n\nr\rt\t\"\"\\\\";
    char text[8];
    for (size_t i = 0; i + 1 < sizeof named; i += 2)
        if ((unsigned char)named[i + 1] == c) {
            (void)snprintf(text, sizeof text, "\\%c", named[i]);
            put(out, text, 2);
            return;
        }
    (void)snprintf(text, sizeof text, "\\x%02x", c);
    put(out, text, 4);
}

/* Control characters of both sets are escaped; and all that is not ASCII, if it is not UTF-8 throughout. */
void wf_form_put_text(wf_form_out *out, const char *text, size_t n)
{
    bool utf8 = wf_utf8_prefix(text, n) == n;
    put(out, "\"", 1);
    for (size_t i = 0; i < n && !out->cut; i++) {
        unsigned char c = (unsigned char)text[i];
        bool control = c < 0x20 || c == 0x7f || c == '"' || c == '\\' || (c >= 0x80 && !utf8);
        bool second = utf8 && c == 0xc2 && i + 1 < n && (unsigned char)text[i + 1] < 0xa0;
        if (second)
            put_escaped(out, c), put_escaped(out, (unsigned char)text[++i]);
        else if (control)
            put_escaped(out, c);
        else
            put(out, text + i, 1);
    }
    put(out, "\"", 1);
}

void wf_form_put_hex(wf_form_out *out, const uint8_t *at, size_t n)
{
    if (n == 0)
        put(out, "\"\"", 2);
    for (size_t i = 0; i < n && !out->cut; i++)
        wf_form_put(out, "%02x", at[i]);
}

void wf_form_put_double(wf_form_out *out, double value)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) != value)
        (void)snprintf(text, sizeof text, "%.17g", value);
    put(out, text, strlen(text));
}

void wf_form_put_float(wf_form_out *out, float value)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.6g", (double)value);
    if (strtof(text, NULL) != value)
        (void)snprintf(text, sizeof text, "%.9g", (double)value);
    put(out, text, strlen(text));
}

/* Three dots in place of the last bytes, and of a character that is no longer whole. */
static void end(wf_form_out *out)
{
    if (out->cut && out->room >= 3) {
        size_t n = out->n < out->room - 3 ? out->n : out->room - 3;
        while (n > 0 && ((unsigned char)out->at[n] & 0xc0) == 0x80)
            n--;
        memcpy(out->at + n, "...", 3);
        out->n = n + 3;
    }
    out->at[out->n] = '\0';
}

/* ---- the front */

bool weft_has_form(const weft_type *type)
{
    return type->descriptor != NULL ? wf_pb_name(type->descriptor) != NULL : type->fields != NULL;
}

bool weft_form_print(const weft_type *type, const void *made, char *to, size_t room)
{
    if (room == 0)
        return false;
    wf_form_out out = {.at = to, .room = room - 1};
    if (!weft_has_form(type))
        ;
    else if (type->descriptor != NULL)
        wf_pb_print(type->descriptor, made, &out);
    else
        wf_fields_print(type, made, &out);
    end(&out);
    return !out.cut;
}

weft_err weft_form_parse(const weft_type *type, const char *text, size_t n, weft_arena *arena,
                         void **out, weft_why *why)
{
    if (!weft_has_form(type))
        return weft_because(why, WEFT_EUNSUPPORTED, "%s has no text form: its type names no fields",
                            type->name);
    if (n > WEFT_FORM_BYTES_MAX)
        return weft_because(why, WEFT_ELIMIT, "%s: a text of %zu bytes, more than %u", type->name,
                            n, WEFT_FORM_BYTES_MAX);
    wf_form_in in = {.start = text,
                     .at = text,
                     .end = text + n,
                     .type = type,
                     .arena = wf_arena_of(arena),
                     .why = why};
    in.room = wf_arena_take(in.arena, n + 1);
    if (in.room == NULL)
        return weft_because(why, in.arena->err, "%s: no memory for it", type->name);
    return type->descriptor != NULL ? wf_pb_parse(type->descriptor, &in, out)
                                    : wf_fields_parse(&in, out);
}
