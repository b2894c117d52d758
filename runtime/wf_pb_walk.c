/* SPDX-License-Identifier: MIT */
/* Where a walk over a protobuf-c message says no: paths, sentences, limits. */
#include "wf_pb_walk.h"

#include <stdarg.h>
#include <stdio.h>

/* Writes the path of @at into the end of @text and returns its beginning; a long one loses its
 * front. */
static const char *path_of(const frame *at, char *text, size_t n)
{
    size_t left = n - 1;
    text[left] = '\0';
    for (; at != NULL; at = at->up) {
        char step[80];
        int length =
            at->index == NO_INDEX
                ? snprintf(step, sizeof step, "%.50s", name_of(at->field->name))
                : snprintf(step, sizeof step, "%.50s[%zu]", name_of(at->field->name), at->index);
        size_t bytes = (size_t)length;
        bool last = at->up == NULL;
        if (left < bytes + (last ? 0 : 1) + 3) {
            left -= 3;
            memcpy(text + left, "...", 3);
            break;
        }
        left -= bytes;
        memcpy(text + left, step, bytes);
        if (!last)
            text[--left] = '.';
    }
    return text + left;
}

weft_err wf_pb_refuse(const walk *w, const frame *at, weft_err err, const char *format, ...)
{
    char path[96], what[WEFT_WHY_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (at == NULL)
        return weft_because(w->why, err, "%.60s: the message %s", name_of(w->type->name), what);
    return weft_because(w->why, err, "%.60s: %s %s", name_of(w->type->name),
                        path_of(at, path, sizeof path), what);
}

weft_err wf_pb_add_bytes(walk *w, const frame *at, size_t bytes)
{
    if (bytes > WF_PB_BYTES_MAX - w->bytes)
        return wf_pb_refuse(w, at, WEFT_ELIMIT, "makes it larger than %zu bytes", WF_PB_BYTES_MAX);
    w->bytes += bytes;
    return WEFT_OK;
}

/* Structs and arrays begin aligned. The limit is a multiple of the alignment: rounding stays
 * within. */
weft_err wf_pb_add_aligned(walk *w, const frame *at, size_t bytes)
{
    w->bytes = aligned(w->bytes);
    return wf_pb_add_bytes(w, at, bytes);
}

weft_err wf_pb_add_fields(walk *w, const frame *at, size_t fields)
{
    if (fields > WF_PB_FIELDS_MAX - w->fields)
        return wf_pb_refuse(w, at, WEFT_ELIMIT,
                            "is more than the %zu fields that a message may have",
                            WF_PB_FIELDS_MAX);
    w->fields += fields;
    return WEFT_OK;
}

weft_err wf_pb_enter(walk *w, const frame *at, const message_type *type)
{
    if (w->depth == WF_PB_DEPTH_MAX)
        return wf_pb_refuse(w, at, WEFT_ELIMIT, "is nested more than %d messages deep",
                            WF_PB_DEPTH_MAX);
    if (type->sizeof_message > WF_PB_STRUCT_BYTES_MAX)
        return wf_pb_refuse(w, at, WEFT_ELIMIT, "has a struct of %zu bytes, more than %zu",
                            type->sizeof_message, WF_PB_STRUCT_BYTES_MAX);
    w->depth++;
    return WEFT_OK;
}
