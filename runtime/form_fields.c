/* SPDX-License-Identifier: MIT */
/* The text form of plain structs whose types name their fields. */
#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weft/ref.h>

#include "form.h"

enum { REACTORS_MAX = 128 };

/* Whether a member of that size can be what its row says. */
static bool is_sound(const weft_field *f)
{
    switch (f->kind) {
    case WEFT_FIELD_SIGNED:
    case WEFT_FIELD_UNSIGNED:
        return f->bytes == 1 || f->bytes == 2 || f->bytes == 4 || f->bytes == 8;
    case WEFT_FIELD_REAL:
        return f->bytes == sizeof(float) || f->bytes == sizeof(double);
    case WEFT_FIELD_FLAG:
        return f->bytes == sizeof(bool);
    case WEFT_FIELD_TEXT:
        return f->bytes != 0;
    case WEFT_FIELD_REF:
        return f->bytes == sizeof(weft_ref);
    }
    return false;
}

/* ---- numbers of any width */

static uint64_t load(const char *at, uint32_t bytes)
{
    uint8_t one;
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (bytes) {
    case 1:
        memcpy(&one, at, 1);
        return one;
    case 2:
        memcpy(&two, at, 2);
        return two;
    case 4:
        memcpy(&four, at, 4);
        return four;
    default:
        memcpy(&eight, at, 8);
        return eight;
    }
}

static void store(char *at, uint32_t bytes, uint64_t value)
{
    uint8_t one = (uint8_t)value;
    uint16_t two = (uint16_t)value;
    uint32_t four = (uint32_t)value;
    memcpy(at,
           bytes == 1   ? (const void *)&one
           : bytes == 2 ? (const void *)&two
           : bytes == 4 ? (const void *)&four
                        : (const void *)&value,
           bytes);
}

/* The largest number of @bits bits. */
static uint64_t highest(uint32_t bits)
{
    return UINT64_MAX >> (64 - bits);
}

/* ---- writing */

static void print_value(const weft_field *f, const char *at, wf_form_out *out)
{
    double real;
    float small;
    weft_ref ref;
    char text[WEFT_REF_TEXT_BYTES];
    uint32_t unused;
    switch (f->kind) {
    case WEFT_FIELD_SIGNED:
        unused = 64 - f->bytes * 8;
        wf_form_put(out, "%" PRId64, (int64_t)(load(at, f->bytes) << unused) >> unused);
        return;
    case WEFT_FIELD_UNSIGNED:
        wf_form_put(out, "%" PRIu64, load(at, f->bytes));
        return;
    case WEFT_FIELD_REAL:
        if (f->bytes == sizeof small) {
            memcpy(&small, at, sizeof small);
            wf_form_put_float(out, small);
        } else {
            memcpy(&real, at, sizeof real);
            wf_form_put_double(out, real);
        }
        return;
    case WEFT_FIELD_FLAG:
        wf_form_put(out, "%s", load(at, f->bytes) != 0 ? "true" : "false");
        return;
    case WEFT_FIELD_TEXT:
        wf_form_put_text(out, at, strnlen(at, f->bytes));
        return;
    case WEFT_FIELD_REF:
        memcpy(&ref, at, sizeof ref);
        wf_form_put(out, "%s", weft_ref_print(ref, text));
        return;
    }
}

void wf_fields_print(const weft_type *type, const void *body, wf_form_out *out)
{
    for (const weft_field *f = type->fields; f->name != NULL; f++) {
        wf_form_put_name(out, f->name);
        if (!is_sound(f))
            wf_form_put(out, "?");
        else
            print_value(f, (const char *)body + f->offset, out);
    }
}

/* ---- reading */

static const char *name_at(const void *of, unsigned i)
{
    return ((const weft_field *)of)[i].name;
}

static weft_err parse_text(wf_form_in *in, const weft_field *f, const wf_form_value *v, char *at)
{
    if (v->kind == WF_FORM_OPEN || memchr(v->at, '\0', v->n) != NULL)
        return wf_form_refuse(in, WEFT_EINVAL, "%s: expected a text without zero bytes", f->name);
    if (v->n >= f->bytes)
        return wf_form_refuse(in, WEFT_EINVAL, "%s: a text of more than %u bytes", f->name,
                              f->bytes - 1);
    memcpy(at, v->at, v->n);
    return WEFT_OK;
}

static weft_err parse_ref(wf_form_in *in, const weft_field *f, const wf_form_value *v, char *at)
{
    char text[WEFT_REF_TEXT_BYTES];
    unsigned reactor, slot, gen;
    int used = 0;
    size_t n = v->kind == WF_FORM_WORD && v->n < sizeof text ? v->n : 0;
    weft_ref ref = WEFT_NOBODY;
    if (n != 0)
        memcpy(text, v->at, n);
    text[n] = '\0';
    const char *from = text + (text[0] == '<');
    bool actor = sscanf(from, "%5u.%9u.%10u%n", &reactor, &slot, &gen, &used) == 3 &&
                 reactor < REACTORS_MAX && strcmp(from + used, from != text ? ">" : "") == 0;
    if (!actor && strcmp(text, "nobody") != 0)
        return wf_form_refuse(in, WEFT_EINVAL, "%s: expected an actor such as 0.1.2", f->name);
    if (actor)
        ref = (weft_ref){.home = reactor + 1U, .slot = slot, .gen = gen};
    memcpy(at, &ref, sizeof ref);
    return WEFT_OK;
}

static weft_err parse_real(wf_form_in *in, const weft_field *f, const wf_form_value *v, char *at)
{
    double real;
    weft_err err = wf_form_real(in, f->name, v, &real);
    if (err != WEFT_OK)
        return err;
    float small = real > (double)FLT_MAX    ? __builtin_inff()
                  : real < (double)-FLT_MAX ? -__builtin_inff()
                                            : (float)real;
    memcpy(at, f->bytes == sizeof small ? (const void *)&small : (const void *)&real, f->bytes);
    return WEFT_OK;
}

static weft_err parse_value(wf_form_in *in, const weft_field *f, const wf_form_value *v, char *at)
{
    uint32_t bits = f->bytes * 8;
    int64_t number = 0;
    uint64_t count = 0;
    bool flag = false;
    weft_err err = WEFT_OK;
    switch (f->kind) {
    case WEFT_FIELD_SIGNED:
        err = wf_form_signed(in, f->name, v, -(int64_t)highest(bits - 1) - 1,
                             (int64_t)highest(bits - 1), &number);
        store(at, f->bytes, (uint64_t)number);
        return err;
    case WEFT_FIELD_UNSIGNED:
        err = wf_form_unsigned(in, f->name, v, highest(bits), &count);
        store(at, f->bytes, count);
        return err;
    case WEFT_FIELD_FLAG:
        err = wf_form_flag(in, f->name, v, &flag);
        store(at, f->bytes, flag);
        return err;
    case WEFT_FIELD_REAL:
        return parse_real(in, f, v, at);
    case WEFT_FIELD_TEXT:
        return parse_text(in, f, v, at);
    case WEFT_FIELD_REF:
        return parse_ref(in, f, v, at);
    }
    return WEFT_OK;
}

weft_err wf_fields_parse(wf_form_in *in, void **out)
{
    char name[WEFT_FORM_NAME_BYTES];
    const weft_field *rows = in->type->fields;
    size_t count = 0;
    while (rows[count].name != NULL)
        count++;
    char *body = wf_arena_take(in->arena, in->type->size),
         *given = wf_arena_take(in->arena, count + 1);
    if (body == NULL || given == NULL)
        return wf_form_refuse(in, in->arena->err, "no memory for it");
    for (;;) {
        wf_form_event what;
        wf_form_value v;
        weft_err err = wf_form_next(in, name, &what);
        if (err == WEFT_OK && what == WF_FORM_CLOSE)
            err = wf_form_refuse(in, WEFT_EINVAL, "a brace that nothing opened");
        if (err != WEFT_OK)
            return err;
        if (what == WF_FORM_END)
            break;
        size_t i = 0;
        while (i < count && strcmp(rows[i].name, name) != 0)
            i++;
        if (i == count)
            return wf_form_no_field(in, name, name_at, rows);
        if (given[i]++ != 0)
            return wf_form_refuse(in, WEFT_EINVAL, "%s is given twice", name);
        if (!is_sound(&rows[i]))
            return wf_form_refuse(in, WEFT_EUNSUPPORTED,
                                  "%s: its row is not right for a member of %u bytes", name,
                                  rows[i].bytes);
        err = wf_form_value_of(in, name, &v);
        if (err == WEFT_OK)
            err = parse_value(in, &rows[i], &v, body + rows[i].offset);
        if (err != WEFT_OK)
            return err;
    }
    *out = body;
    return WEFT_OK;
}
