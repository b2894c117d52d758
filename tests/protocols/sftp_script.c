/* SPDX-License-Identifier: MIT */
#include "sftp_script.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The fields of a packet, each a letter: n a number, o one of 64 bits, p a text without a space, h a handle, f how a
 * file is opened, s a status, d the rest of the line, a attributes until the end, x pairs NAME=VALUE until the end, w
 * texts until the end, e an empty text (or a count of none), m one name without attributes. */
static const struct {
    const char *name;
    uint8_t type;
    const char *fields;
} packets[] = {
    {"init", 1, "nx"},       {"version", 2, "nx"},
    {"open", 3, "npfa"},     {"close", 4, "nh"},
    {"read", 5, "nhon"},     {"write", 6, "nhod"},
    {"lstat", 7, "np"},      {"fstat", 8, "nh"},
    {"setstat", 9, "npa"},   {"fsetstat", 10, "nha"},
    {"opendir", 11, "np"},   {"readdir", 12, "nh"},
    {"remove", 13, "np"},    {"mkdir", 14, "npa"},
    {"rmdir", 15, "np"},     {"realpath", 16, "np"},
    {"stat", 17, "np"},      {"rename", 18, "npp"},
    {"readlink", 19, "np"},  {"symlink", 20, "npp"},
    {"status", 101, "nsde"}, {"handle", 102, "nh"},
    {"data", 103, "nd"},     {"name", 104, "nm"},
    {"listing", 104, "ne"},  {"attrs", 105, "na"},
    {"extended", 200, "nw"}, {0},
};

#define HAS_MORE 0x80000000U
enum { HAS_SIZE = 1, HAS_IDS = 2, HAS_MODE = 4, HAS_TIMES = 8, COUNT_AT = 9 };

/* ---- words */

static char *next_word(char **rest)
{
    char *word = *rest, *end = word + strcspn(word, " ");
    if (*end == ' ')
        *end++ = '\0';
    *rest = end;
    return word;
}

static void store32(wire_text *out, size_t at, uint32_t v)
{
    const uint8_t bytes[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
                              (uint8_t)v};
    memcpy(out->at + at, bytes, sizeof bytes);
}

static void put32(wire_text *out, uint32_t v)
{
    wire_put(out, "0000", 4);
    store32(out, out->n - 4, v);
}

static void put64(wire_text *out, uint64_t v)
{
    put32(out, (uint32_t)(v >> 32));
    put32(out, (uint32_t)v);
}

/* A number where it stands alone. */
static bool put_number(wire_text *out, const char *word, bool large)
{
    char *end;
    unsigned long long v = strtoull(word, &end, 10);
    if (word[0] == '\0' || *end != '\0' || (!large && v > UINT32_MAX))
        return false;
    if (large)
        put64(out, v);
    else
        put32(out, (uint32_t)v);
    return true;
}

/* "" is the empty text, *N the pattern. */
static void put_text(wire_text *out, const char *word)
{
    size_t at = out->n;
    put32(out, 0);
    if (word[0] == '*')
        wire_put_pattern(out, word + 1);
    else if (strcmp(word, "\"\"") != 0)
        wire_put_escaped(out, word);
    store32(out, at, (uint32_t)(out->n - at - 4));
}

/* SLOT.USE: the server has its handles in slots, and counts how often each was used. Anything else is no handle that
 * it gave. */
static void put_handle(wire_text *out, const char *word)
{
    char *end;
    uint32_t words[2] = {(uint32_t)strtoul(word, &end, 10), 0};
    if (*end != '.') {
        put_text(out, word);
        return;
    }
    words[1] = (uint32_t)strtoul(end + 1, NULL, 10);
    put32(out, sizeof words);
    wire_put(out, words, sizeof words);
}

/* ---- fields with names */

static bool put_flags(wire_text *out, const char *word)
{
    static const char letters[] = "rwactx"; /* section 6.3: READ is 1, WRITE 2, ... */
    uint32_t flags = 0;
    for (; *word != '\0'; word++) {
        const char *letter = strchr(letters, *word);
        if (letter == NULL)
            return false;
        flags |= 1U << (letter - letters);
    }
    put32(out, flags);
    return true;
}

static bool put_status(wire_text *out, const char *word)
{
    static const char *const names[] = {
        "ok",          "eof",           "no_such_file",    "permission_denied", "failure",
        "bad_message", "no_connection", "connection_lost", "op_unsupported",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(word, names[i]) == 0) {
            put32(out, (uint32_t)i);
            return true;
        }
    return false;
}

/* One of size=N ids=UID,GID|own mode=OCTAL times=READ,WRITTEN more=TYPE,DATA. Gives its bit; 0: it is none. */
static uint32_t put_attr(wire_text *out, const char *word, char *value)
{
    bool own = strcmp(value, "own") == 0;
    char *second = strchr(value, ',');
    if (second != NULL)
        *second++ = '\0';
    uint32_t b = second != NULL ? (uint32_t)strtoul(second, NULL, 10) : 0;
    if (strcmp(word, "size") == 0) {
        put64(out, strtoull(value, NULL, 10));
        return HAS_SIZE;
    }
    if (strcmp(word, "ids") == 0) {
        put32(out, own ? getuid() : (uint32_t)strtoul(value, NULL, 10));
        put32(out, own ? getgid() : b);
        return HAS_IDS;
    }
    if (strcmp(word, "mode") == 0) {
        put32(out, (uint32_t)strtoul(value, NULL, 8));
        return HAS_MODE;
    }
    if (strcmp(word, "times") == 0) {
        put32(out, (uint32_t)strtoul(value, NULL, 10));
        put32(out, b);
        return HAS_TIMES;
    }
    if (strcmp(word, "more") != 0 || second == NULL)
        return 0;
    put32(out, 1);
    put_text(out, value);
    put_text(out, second);
    return HAS_MORE;
}

/* In the order of the draft, as far as there are any; has=HEX says in front of them what the flags say there is, be it so
 * or not. */
static bool put_attrs(wire_text *out, char *rest)
{
    size_t at = out->n;
    uint32_t has = 0, said = 0;
    bool is_said = false;
    put32(out, 0);
    while (rest[0] != '\0') {
        const char *word = next_word(&rest);
        char *value = strchr(word, '=');
        if (value == NULL)
            return false;
        *value++ = '\0';
        if (strcmp(word, "has") == 0) {
            said = (uint32_t)strtoul(value, NULL, 16);
            is_said = true;
            continue;
        }
        uint32_t bit = put_attr(out, word, value);
        if (bit <= has) /* none, or out of order */
            return false;
        has |= bit;
    }
    store32(out, at, is_said ? said : has);
    return true;
}

static bool put_pairs(wire_text *out, char *rest)
{
    while (rest[0] != '\0') {
        char *name = next_word(&rest), *value = strchr(name, '=');
        if (value == NULL)
            return false;
        *value++ = '\0';
        put_text(out, name);
        put_text(out, value);
    }
    return true;
}

/* ---- packets */

static bool put_field(wire_text *out, char field, char **rest)
{
    switch (field) {
    case 'n':
    case 'o':
        return put_number(out, next_word(rest), field == 'o');
    case 'p':
        put_text(out, next_word(rest));
        return true;
    case 'h':
        put_handle(out, next_word(rest));
        return true;
    case 'f':
        return put_flags(out, next_word(rest));
    case 's':
        return put_status(out, next_word(rest));
    case 'd':
        put_text(out, *rest);
        *rest += strlen(*rest);
        return true;
    case 'e':
        put32(out, 0);
        return true;
    case 'm': /* a name, the same for people, no attributes */
        put32(out, 1);
        put_text(out, *rest);
        put_text(out, *rest);
        put32(out, 0);
        *rest += strlen(*rest);
        return true;
    default:
        break;
    }
    bool good = true;
    while (field == 'w' && (*rest)[0] != '\0')
        put_text(out, next_word(rest));
    if (field == 'a')
        good = put_attrs(out, *rest);
    else if (field == 'x')
        good = put_pairs(out, *rest);
    *rest += strlen(*rest);
    return good;
}

static size_t listing_at; /* where the last listing begins */

/* NAME ATTRS : LINE */
static bool add_entry(char *rest, wire_text *out)
{
    char *line = strstr(rest, " : ");
    if (line == NULL || listing_at + COUNT_AT + 4 > out->n)
        return false;
    *line = '\0';
    put_text(out, next_word(&rest));
    put_text(out, line + strlen(" : "));
    if (!put_attrs(out, rest))
        return false;
    const uint8_t *count = (const uint8_t *)out->at + listing_at + COUNT_AT;
    store32(out, listing_at + COUNT_AT, count[3] + 1U);
    store32(out, listing_at, (uint32_t)(out->n - listing_at - 4));
    return true;
}

bool sftp_script_put(const char *word, char *rest, wire_text *out)
{
    size_t i = 0, at = out->n;
    if (strcmp(word, "entry") == 0)
        return add_entry(rest, out);
    while (packets[i].name != NULL && strcmp(word, packets[i].name) != 0)
        i++;
    if (packets[i].name == NULL)
        return false;
    put32(out, 0);
    wire_put(out, &packets[i].type, 1);
    for (const char *field = packets[i].fields; *field != '\0'; field++)
        if (!put_field(out, *field, &rest))
            return false;
    store32(out, at, (uint32_t)(out->n - at - 4));
    if (strcmp(word, "listing") == 0)
        listing_at = at;
    return rest[0] == '\0';
}
