/* SPDX-License-Identifier: MIT */
/** The text form of messages: what people type, and what they are shown.
 *
 *     amount=5 name="a b" mood=GLAD key=00ff10 tag=a tag=b order={id=7 line={sku=x} line={sku=y}}
 *
 * A field is NAME=VALUE; spaces stand between fields, in any order. One that repeats is given again and again. A
 * nested message stands in braces. Numbers are decimal (or 0x...), real ones as C reads them, in the locale of
 * the program; flags are true or false; enums go by name (or number); texts are a bare word, or stand in quotes,
 * with \n \r \t \" \\ \xHH; bytes are hex digits, or a text in quotes; an actor is 0.1.2, or nobody. What is not given is zero,
 * or not there.
 *
 * A type that protoc-c made has its form from its descriptor. A plain struct has one if its type names its
 * fields; without, nothing of its body is ever shown:
 *
 *     static const weft_field counter_add_fields[] = {
 *         WEFT_FIELD(counter_add, amount, WEFT_FIELD_UNSIGNED),
 *         {0},
 *     };
 *     const weft_type counter_add_type =
 *         WEFT_TYPE_FIELDS("counter.add", counter_add, counter_add_fields, &counter_total_type);
 */
#ifndef WEFT_FORM_H
#define WEFT_FORM_H

#include <stdbool.h>

#include <weft/pack.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a member of a plain struct is. */
typedef enum weft_field_kind {
    WEFT_FIELD_SIGNED = 1, /**< int8_t to int64_t; an enum */
    WEFT_FIELD_UNSIGNED,   /**< uint8_t to uint64_t */
    WEFT_FIELD_REAL,       /**< float, double */
    WEFT_FIELD_FLAG,       /**< bool */
    WEFT_FIELD_TEXT,       /**< char[N], which ends in zero */
    WEFT_FIELD_REF,        /**< weft_ref */
} weft_field_kind;

/** One member; a table of them ends in {0}, and may be empty. */
typedef struct weft_field {
    const char *name;
    uint32_t offset, bytes;
    weft_field_kind kind;
} weft_field;

/** The row of @member of the struct @T. */
#define WEFT_FIELD(T, member, field_kind)                         \
    {                                                             \
        .name = #member, .offset = (uint32_t)offsetof(T, member), \
        .bytes = sizeof(((T *)0)->member), .kind = (field_kind)   \
    }

/** A plain struct @T with a text form: its @rows. */
#define WEFT_TYPE_FIELDS(type_name, T, rows, reply_type)                                \
    {                                                                                   \
        .name = (type_name), .size = sizeof(T), .reply = (reply_type), .fields = (rows) \
    }

/** Whether bodies of @type have a text form. thread: any. */
bool weft_has_form(const weft_type *type);

/** Writes the text form of @made into @to, at most @room bytes with the zero at the end; one that is cut ends in
 * "...". Nothing that would move a terminal's cursor is written. @made: as weft_pack. Returns whether it is whole;
 * "" and true without a form. thread: any. */
bool weft_form_print(const weft_type *type, const void *made, char *to, size_t room);

/** The body that the @n bytes at @text describe: made of pieces of @arena, and good until that is reset.
 * errors: EUNSUPPORTED (no text form), EINVAL (with the place and, for an unknown field, the nearest), ELIMIT
 * (WEFT_FORM_BYTES_MAX, nesting, the arena), ENOMEM. thread: any. */
WEFT_MUST_USE weft_err weft_form_parse(const weft_type *type, const char *text, size_t n,
                                       weft_arena *arena, void **out, weft_why *why);

/** A word that may stand in a text from its byte @from on. */
typedef void weft_form_word_fn(void *context, size_t from, const char *word);

/** Says what may stand at the end of the @n bytes at @text, the beginning of a text form of @type: names of fields,
 * with "=" or "={" behind them, within whichever message is open there; or the values of a flag or an enum. What has
 * begun is not looked at: each word is told, and whoever is told leaves out those that do not begin with it. Nothing
 * is told of a type without a form, of other values, and behind what cannot be parsed. thread: any. */
void weft_form_complete(const weft_type *type, const char *text, size_t n, weft_form_word_fn *fn,
                        void *context);

/* ---- limits, by name */

#define WEFT_FORM_BYTES_MAX (64U << 10) /**< of a text that is parsed */
#define WEFT_FORM_NAME_BYTES 64U        /**< of a field's name in it, the final zero included */

#ifdef __cplusplus
}
#endif
#endif
