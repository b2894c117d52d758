/* SPDX-License-Identifier: MIT */
/* Plays wire scripts: what a client sends, and what it must see. tests/wire/README.md has the format. */
#ifndef WEFT_TESTS_WIRE_PLAYER_H
#define WEFT_TESTS_WIRE_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/testing.h>

/* How what is sent is cut. */
typedef enum wire_cut { WIRE_WHOLE, WIRE_BYTES, WIRE_SPLIT } wire_cut;

/* Text that grows. */
typedef struct wire_text {
    char *at;
    size_t n, room;
} wire_text;
void wire_put(wire_text *text, const void *at, size_t n);
/* A text in which \r, \n, \t, \\ and \xHH stand for bytes; the first @count bytes of the pattern. */
void wire_put_escaped(wire_text *text, const char *from);
void wire_put_pattern(wire_text *text, const char *count);

/* What scripts call by a name: a limit they may set, as either size (the other is NULL); and a count they may
 * look at. Tables of them end with a row without a name. */
typedef struct wire_limit {
    const char *name;
    uint32_t *value;
    uint64_t *large;
} wire_limit;
typedef struct wire_count {
    const char *name;
    uint64_t value;
} wire_count;

/* Does "limit NAME VALUE", of which @word is the first; cuts @rest only then. false: it is something else. */
bool wire_set_limit(const wire_limit *limits, const char *word, char *rest);
/* Compares the count @word with the number @rest. false: there is none of that name. */
bool wire_check_count(const wire_count *counts, const char *word, const char *rest);

/* Takes the Date lines of HTTP out of what came: a strip. */
size_t wire_strip_dates(char *came, size_t n);

/* What a script needs from the protocol it is about. */
typedef struct wire_world {
    const char *url; /* where the server listens */
    /* Forgets what setup said, and says what is of this world: "limit head_timeout_ms 100". false: it
     * does not know @word. */
    void (*reset)(void);
    bool (*setup)(const char *word, char *rest);
    weft_sim *(*open)(uint64_t seed);
    /* What "<NAME ..." stands for. false: it does not know @word. */
    bool (*expand)(const char *word, char *rest, wire_text *out);
    /* What ">NAME ..." does, of protocols whose requests are no lines; NULL: there is none. */
    bool (*request)(const char *word, char *rest, wire_text *out);
    /* "check NAME VALUE", of the server's side. false: it does not know @word. */
    bool (*check)(const char *word, const char *rest);
    /* Takes out of what came what is different each time; gives its new length. */
    size_t (*strip)(char *came, size_t n);
} wire_world;

/* Plays tests/wire/@name.wire in @world; the seed cuts, and orders what has no order of its own. Failures
 * are printed with the script's line, and counted as checks. */
void wire_play(const char *name, const wire_world *world, wire_cut cut, uint64_t seed);
/* Whole, byte by byte, and with ten seeds. */
void wire_play_all(const char *name, const wire_world *world);

#endif
