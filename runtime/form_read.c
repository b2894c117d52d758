/* SPDX-License-Identifier: MIT */
/* Reading a text form: names, values, numbers, and the sentences for what is none. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "form.h"

enum { NUMBER_BYTES = 64, WORD_BYTES_MAX = 31 };

weft_err wf_form_refuse(const wf_form_in *in, weft_err err, const char *format, ...)
{
    char what[WEFT_WHY_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return weft_because(in->why, err, "%.60s: at byte %zu: %s", in->type->name,
                        (size_t)(in->at - in->start), what);
}

weft_err wf_form_next(wf_form_in *in, char name[WEFT_FORM_NAME_BYTES], wf_form_event *what)
{
    while (in->at < in->end && wf_form_is_space(*in->at))
        in->at++;
    *what = in->at == in->end ? WF_FORM_END : *in->at == '}' ? WF_FORM_CLOSE : WF_FORM_FIELD;
    if (*what == WF_FORM_CLOSE)
        in->at++;
    if (*what != WF_FORM_FIELD)
        return WEFT_OK;
    size_t n = 0, left = (size_t)(in->end - in->at);
    while (n < left && wf_form_is_name(in->at[n]))
        n++;
    if (n == 0 || n == left || in->at[n] != '=')
        return wf_form_refuse(in, WEFT_EINVAL, "expected a field, NAME=VALUE");
    if (n >= WEFT_FORM_NAME_BYTES)
        return wf_form_refuse(in, WEFT_EINVAL, "a name of more than %u bytes",
                              WEFT_FORM_NAME_BYTES - 1);
    memcpy(name, in->at, n);
    name[n] = '\0';
    in->at += n + 1;
    return WEFT_OK;
}

/* ---- texts */

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The character behind a backslash at in->at, which it steps over. false: there is none. */
static bool unescape(wf_form_in *in, char *to)
{
    static const char named[] = "n\nr\rt\t\"\"\\\\";
    char c = *in->at++;
    for (size_t i = 0; i + 1 < sizeof named; i += 2)
        if (named[i] == c) {
            *to = named[i + 1];
            return true;
        }
    if (c != 'x' || in->end - in->at < 2 || hex(in->at[0]) < 0 || hex(in->at[1]) < 0)
        return false;
    *to = (char)(hex(in->at[0]) << 4 | hex(in->at[1]));
    in->at += 2;
    return true;
}

static weft_err quoted(wf_form_in *in, wf_form_value *out)
{
    size_t n = 0;
    for (in->at++; in->at < in->end && *in->at != '"'; n++) {
        char c = *in->at++;
        if (c == '\\' && (in->at == in->end || !unescape(in, &c)))
            return wf_form_refuse(in, WEFT_EINVAL,
                                  "expected n, r, t, \", \\ or xHH behind a backslash");
        in->room[n] = c;
    }
    if (in->at == in->end)
        return wf_form_refuse(in, WEFT_EINVAL, "a text is not closed by a quote");
    in->at++;
    if (in->at < in->end && !wf_form_is_space(*in->at) && *in->at != '}')
        return wf_form_refuse(in, WEFT_EINVAL, "expected a space behind a text");
    *out = (wf_form_value){.kind = WF_FORM_QUOTED, .at = in->room, .n = n};
    return WEFT_OK;
}

weft_err wf_form_value_of(wf_form_in *in, const char *name, wf_form_value *out)
{
    size_t n = 0, left = (size_t)(in->end - in->at);
    if (left != 0 && *in->at == '"')
        return quoted(in, out);
    if (left != 0 && *in->at == '{') {
        in->at++;
        *out = (wf_form_value){.kind = WF_FORM_OPEN};
        return WEFT_OK;
    }
    while (n < left && !wf_form_is_space(in->at[n]) && strchr("{}\"", in->at[n]) == NULL)
        n++;
    if (n == 0)
        return wf_form_refuse(in, WEFT_EINVAL, "%s has no value", name);
    *out = (wf_form_value){.kind = WF_FORM_WORD, .at = in->at, .n = n};
    in->at += n;
    return WEFT_OK;
}

weft_err wf_form_bytes(wf_form_in *in, const char *name, wf_form_value *v)
{
    if (v->kind == WF_FORM_QUOTED)
        return WEFT_OK;
    if (v->kind == WF_FORM_OPEN || v->n % 2 != 0)
        return wf_form_refuse(in, WEFT_EINVAL, "%s: expected bytes as hex digits, two each", name);
    for (size_t i = 0; i < v->n; i += 2) {
        int high = hex(v->at[i]), low = hex(v->at[i + 1]);
        if (high < 0 || low < 0)
            return wf_form_refuse(in, WEFT_EINVAL, "%s: expected bytes as hex digits, two each",
                                  name);
        in->room[i / 2] = (char)(high << 4 | low);
    }
    *v = (wf_form_value){.kind = WF_FORM_QUOTED, .at = in->room, .n = v->n / 2};
    return WEFT_OK;
}

/* ---- numbers */

/* @v with a zero at its end. NULL: it is no word of a number's length. */
static const char *word(const wf_form_value *v, char to[NUMBER_BYTES])
{
    if (v->kind != WF_FORM_WORD || v->n >= NUMBER_BYTES || memchr(v->at, '\0', v->n) != NULL)
        return NULL;
    memcpy(to, v->at, v->n);
    to[v->n] = '\0';
    return to;
}

/* Decimal, or hexadecimal behind 0x: not octal, which nobody means. */
static int base_of(const char *text)
{
    text += *text == '-' || *text == '+';
    return text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
}

weft_err wf_form_signed(wf_form_in *in, const char *name, const wf_form_value *v, int64_t min,
                        int64_t max, int64_t *out)
{
    char room[NUMBER_BYTES], *rest;
    const char *text = word(v, room);
    errno = 0;
    long long got = text != NULL ? strtoll(text, &rest, base_of(text)) : 0;
    if (text == NULL || *rest != '\0' || errno != 0 || got < min || got > max)
        return wf_form_refuse(in, WEFT_EINVAL, "%s: expected a number from %lld to %lld", name,
                              (long long)min, (long long)max);
    *out = got;
    return WEFT_OK;
}

weft_err wf_form_unsigned(wf_form_in *in, const char *name, const wf_form_value *v, uint64_t max,
                          uint64_t *out)
{
    char room[NUMBER_BYTES], *rest;
    const char *text = word(v, room);
    errno = 0;
    bool may = text != NULL && text[0] != '-';
    unsigned long long got = may ? strtoull(text, &rest, base_of(text)) : 0;
    if (!may || *rest != '\0' || errno != 0 || got > max)
        return wf_form_refuse(in, WEFT_EINVAL, "%s: expected a number from 0 to %llu", name,
                              (unsigned long long)max);
    *out = got;
    return WEFT_OK;
}

weft_err wf_form_real(wf_form_in *in, const char *name, const wf_form_value *v, double *out)
{
    char room[NUMBER_BYTES], *rest;
    const char *text = word(v, room);
    double got = text != NULL ? strtod(text, &rest) : 0;
    if (text == NULL || *rest != '\0')
        return wf_form_refuse(in, WEFT_EINVAL, "%s: expected a real number", name);
    *out = got;
    return WEFT_OK;
}

weft_err wf_form_flag(wf_form_in *in, const char *name, const wf_form_value *v, bool *out)
{
    char room[NUMBER_BYTES];
    const char *text = word(v, room);
    bool yes = text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
    if (!yes && (text == NULL || (strcmp(text, "false") != 0 && strcmp(text, "0") != 0)))
        return wf_form_refuse(in, WEFT_EINVAL, "%s: expected true or false", name);
    *out = yes;
    return WEFT_OK;
}

/* ---- who was meant */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Insertions, deletions and replacements that lead from @a to @b. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_BYTES_MAX + 1];
    size_t width = strnlen(b, WORD_BYTES_MAX);
    for (size_t k = 0; k <= width; k++)
        row[k] = (unsigned)k;
    for (size_t i = 0; i < WORD_BYTES_MAX && a[i] != '\0'; i++) {
        unsigned corner = row[0]++;
        for (size_t k = 1; k <= width; k++) {
            unsigned replaced = corner + (a[i] != b[k - 1]);
            corner = row[k];
            row[k] = least(replaced, least(row[k], row[k - 1]) + 1);
        }
    }
    return row[width];
}

weft_err wf_form_no_field(const wf_form_in *in, const char *name,
                          const char *(*name_at)(const void *of, unsigned i), const void *of)
{
    const char *nearest = NULL, *one;
    unsigned best = UINT32_MAX;
    for (unsigned i = 0; (one = name_at(of, i)) != NULL; i++) {
        unsigned d = distance(name, one);
        if (d < best) {
            best = d;
            nearest = one;
        }
    }
    if (nearest == NULL)
        return wf_form_refuse(in, WEFT_EINVAL, "there is no field %s, nor any other", name);
    return wf_form_refuse(in, WEFT_EINVAL, "there is no field %s; the nearest is %.63s", name,
                          nearest);
}
