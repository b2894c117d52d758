/* SPDX-License-Identifier: MIT */
/* What people type as the text form of a message: the first byte picks the type. What is let in is shown, and what is
 * shown whole is let in again and shows the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weft/form.h>
#include <weft/ref.h>

#include "pb_test.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct plain {
    int8_t small;
    int64_t large;
    uint32_t count;
    float rough;
    double fine;
    bool yes;
    char name[8];
    weft_ref who;
} plain;
static const weft_field fields[] = {
    WEFT_FIELD(plain, small, WEFT_FIELD_SIGNED),
    WEFT_FIELD(plain, large, WEFT_FIELD_SIGNED),
    WEFT_FIELD(plain, count, WEFT_FIELD_UNSIGNED),
    WEFT_FIELD(plain, rough, WEFT_FIELD_REAL),
    WEFT_FIELD(plain, fine, WEFT_FIELD_REAL),
    WEFT_FIELD(plain, yes, WEFT_FIELD_FLAG),
    WEFT_FIELD(plain, name, WEFT_FIELD_TEXT),
    WEFT_FIELD(plain, who, WEFT_FIELD_REF),
    {0},
};
static const weft_type types[] = {
    WEFT_TYPE_PROTO("everything", Pbtest__Everything, &pbtest__everything__descriptor, NULL),
    WEFT_TYPE_PROTO("scalars", Pbtest__Scalars, &pbtest__scalars__descriptor, NULL),
    WEFT_TYPE_PROTO("arrays", Pbtest__Arrays, &pbtest__arrays__descriptor, NULL),
    WEFT_TYPE_PROTO("tree", Pbtest__Tree, &pbtest__tree__descriptor, NULL),
    WEFT_TYPE_FIELDS("plain", plain, fields, NULL),
};

static size_t told;

/* A word stands in the text, or at its end. */
static void on_word(void *context, size_t from, const char *word)
{
    told += strlen(word);
    if (from > *(const size_t *)context)
        abort();
}

static void must(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char first[1 << 18], second[1 << 18];
    weft_why why = {""};
    void *body = NULL;
    if (size == 0)
        return 0;
    const weft_type *type = &types[data[0] % (sizeof types / sizeof *types)];
    size -= 1;
    weft_form_complete(type, (const char *)data + 1, size, on_word, &size);
    weft_arena *arena = weft_arena_new(4 << 20);
    must(arena != NULL);
    weft_err err = weft_form_parse(type, (const char *)data + 1, size, arena, &body, &why);
    must((err == WEFT_OK) == (body != NULL));
    must(err == WEFT_OK || why.text[0] != '\0');
    if (err == WEFT_OK && weft_form_print(type, body, first, sizeof first)) {
        size_t n = strlen(first);
        for (size_t i = 0; i < n; i++)
            must((unsigned char)first[i] >= 0x20 && first[i] != 0x7f);
        weft_arena_reset(arena);
        err = weft_form_parse(type, first, n, arena, &body, &why);
        must(err == WEFT_OK || err == WEFT_ELIMIT);
        must(err != WEFT_OK || weft_form_print(type, body, second, sizeof second));
        must(err != WEFT_OK || strcmp(first, second) == 0);
    }
    weft_arena_free(arena);
    return 0;
}
