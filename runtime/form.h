/* SPDX-License-Identifier: MIT */
/* The text form of messages: what is written, and how what people typed is read piece by piece. */
#ifndef WF_FORM_H
#define WF_FORM_H

#include <weft/form.h>

#include "wf_arena.h"

/* ---- writing */

typedef struct wf_form_out {
    char *at;
    size_t n, room; /* without the zero at the end */
    bool cut;
} wf_form_out;

void wf_form_put(wf_form_out *out, const char *format, ...) WEFT_PRINTF(2, 3);
/* "NAME=", with a space before it unless it is the first. */
void wf_form_put_name(wf_form_out *out, const char *name);
/* In quotes, on one line, with nothing in it that a terminal obeys. */
void wf_form_put_text(wf_form_out *out, const char *text, size_t n);
/* Bytes as hex digits. */
void wf_form_put_hex(wf_form_out *out, const uint8_t *at, size_t n);
/* As few digits as bring it back. */
void wf_form_put_double(wf_form_out *out, double value);
void wf_form_put_float(wf_form_out *out, float value);

/* ---- reading */

typedef struct wf_form_in {
    const char *start, *at, *end;
    const weft_type *type; /* for sentences */
    char *room;            /* for a text without its quotes: as long as the whole */
    wf_arena *arena;
    weft_why *why;
} wf_form_in;

typedef enum wf_form_event { WF_FORM_FIELD, WF_FORM_CLOSE, WF_FORM_END } wf_form_event;

typedef struct wf_form_value {
    enum { WF_FORM_WORD, WF_FORM_QUOTED, WF_FORM_OPEN } kind;
    const char *at; /* of QUOTED: without quotes, in the reader's room, until the next is read */
    size_t n;
} wf_form_value;

/* Returns @err with "TYPE: at byte N: ..." */
weft_err wf_form_refuse(const wf_form_in *in, weft_err err, const char *format, ...)
    WEFT_PRINTF(3, 4);

/* What comes next: a field, whose name it reads up to its "="; a brace; the end. errors: EINVAL. */
weft_err wf_form_next(wf_form_in *in, char name[WEFT_FORM_NAME_BYTES], wf_form_event *what);
/* The value behind it. errors: EINVAL. */
weft_err wf_form_value_of(wf_form_in *in, const char *name, wf_form_value *out);

/* @v as a number within the bounds. errors: EINVAL. */
weft_err wf_form_signed(wf_form_in *in, const char *name, const wf_form_value *v, int64_t min,
                        int64_t max, int64_t *out);
weft_err wf_form_unsigned(wf_form_in *in, const char *name, const wf_form_value *v, uint64_t max,
                          uint64_t *out);
weft_err wf_form_real(wf_form_in *in, const char *name, const wf_form_value *v, double *out);
weft_err wf_form_flag(wf_form_in *in, const char *name, const wf_form_value *v, bool *out);
/* Its bytes, in the reader's room: hex digits of a word, the text in quotes. errors: EINVAL. */
weft_err wf_form_bytes(wf_form_in *in, const char *name, wf_form_value *v);

/* The sentence for a field that is not there; @name_at(of, i) gives the names there are, then NULL. */
weft_err wf_form_no_field(const wf_form_in *in, const char *name,
                          const char *(*name_at)(const void *of, unsigned i), const void *of);

/* ---- completing */

static inline bool wf_form_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline bool wf_form_is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* What completion is to know of a field. */
typedef struct wf_form_field {
    const char *name;
    const void *nested; /* the descriptor of the messages that are its values; or NULL */
    const void *names;  /* the descriptor of the enum that it is; or NULL */
    bool flag;
} wf_form_field;

/* ---- plain structs */

void wf_fields_print(const weft_type *type, const void *body, wf_form_out *out);
weft_err wf_fields_parse(wf_form_in *in, void **out);

#endif
