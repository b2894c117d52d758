/* SPDX-License-Identifier: MIT */
/* Any body as a form of the boundary "x", and any text as a Content-Type: what is told is the same in any pieces,
 * stays within what came, and a form that is whole was so at once. The first byte says how it is cut. */
#include <stdlib.h>
#include <string.h>

#include <weft/http_form.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* What was told: each byte of it, and where each part begins and ends. */
typedef struct told {
    uint64_t hash;
    size_t parts, data;
    weft_err err;
    bool whole;
} told;

static void add(told *t, const void *at, size_t n)
{
    const uint8_t *from = at;
    for (size_t i = 0; i < n; i++)
        t->hash = (t->hash ^ from[i]) * 1099511628211U;
}

static void add_text(told *t, weft_http_text text)
{
    add(t, &text.bytes, sizeof text.bytes);
    add(t, text.at, text.bytes);
}

static told read_in(const uint8_t *body, size_t n, size_t step)
{
    static const char type[] = "multipart/form-data; boundary=x";
    told t = {.hash = 14695981039346656037U};
    weft_multipart *m;
    size_t at = 0;
    must(weft_multipart_new((weft_http_text){type, sizeof type - 1}, &m, NULL) == WEFT_OK);
    while (at < n && t.err == WEFT_OK) {
        weft_multipart_event e;
        size_t left = n - at < step ? n - at : step;
        uint8_t *piece = malloc(left); /* so that what lies beyond is found out */
        must(piece != NULL);
        memcpy(piece, body + at, left);
        t.err = weft_multipart_next(m, piece, left, &e, NULL);
        must(e.consumed <= left);
        at += e.consumed;
        must(t.err != WEFT_OK || e.kind != WEFT_MULTIPART_MORE || e.consumed == left);
        if (t.err == WEFT_OK && e.kind == WEFT_MULTIPART_PART) {
            t.parts++;
            add(&t, "[", 1);
            add_text(&t, e.name);
            add_text(&t, e.file_name);
            add_text(&t, e.content_type);
        } else if (t.err == WEFT_OK && e.kind == WEFT_MULTIPART_DATA) {
            must(e.data_bytes != 0);
            t.data += e.data_bytes;
            add(&t, e.data, e.data_bytes);
        } else if (t.err == WEFT_OK && e.kind == WEFT_MULTIPART_PART_END)
            add(&t, "]", 1);
        free(piece);
    }
    t.whole = weft_multipart_is_whole(m);
    weft_multipart_free(m);
    return t;
}

static void check_type(const uint8_t *data, size_t n)
{
    weft_multipart *m = NULL;
    weft_err err = weft_multipart_new((weft_http_text){(const char *)data, (uint32_t)n}, &m, NULL);
    must((err == WEFT_OK) == (m != NULL));
    weft_multipart_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t step = (size_t)data[0] + 1;
    const told whole = read_in(data + 1, size - 1, size), cut = read_in(data + 1, size - 1, step);
    must(whole.err == cut.err && whole.whole == cut.whole);
    must(whole.parts == cut.parts && whole.data == cut.data && whole.hash == cut.hash);
    must(whole.data <= size);
    check_type(data + 1, size - 1);
    return 0;
}
