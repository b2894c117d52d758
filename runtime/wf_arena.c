/* SPDX-License-Identifier: MIT */
/* The arena: a list of blocks, the first of which is being filled. */
#include "wf_arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "alloc.h"

#ifdef WEFT_DEV
/* Each piece is a block of its own, so that the address sanitizer sees its bounds and its end. */
enum { APART = true };
#else
enum { APART = false };
#endif
enum { ALIGN = _Alignof(max_align_t), BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20 };

typedef struct wf_arena_block {
    struct wf_arena_block *next;
    size_t bytes; /* this head included */
    _Alignas(ALIGN) unsigned char room[];
} block;

static block *block_new(wf_arena *arena, size_t bytes)
{
    if (bytes > arena->bytes_max - arena->bytes) {
        arena->err = WEFT_ELIMIT;
        return NULL;
    }
    block *b = wf_alloc(bytes);
    if (b == NULL) {
        arena->err = WEFT_ENOMEM;
        return NULL;
    }
    b->bytes = bytes;
    arena->bytes += bytes;
    return b;
}

static void block_fill(wf_arena *arena, block *b)
{
    b->next = arena->blocks;
    arena->blocks = b;
    arena->at = b->room;
    arena->left = b->bytes - sizeof *b;
}

/* What is large is put behind the block that is being filled, so it does not close that one. */
static void *take_apart(wf_arena *arena, size_t bytes)
{
    block *b = block_new(arena, sizeof *b + bytes);
    if (b == NULL)
        return NULL;
    if (arena->blocks == NULL) {
        block_fill(arena, b);
        arena->left = 0;
    } else {
        b->next = arena->blocks->next;
        arena->blocks->next = b;
    }
    return memset(b->room, 0, bytes);
}

/* Blocks grow with what is held, so they stay few; the last one takes what is left. */
static size_t next_block_bytes(const wf_arena *arena)
{
    size_t left = arena->bytes_max - arena->bytes;
    size_t bytes = arena->bytes < BLOCK_MIN   ? BLOCK_MIN
                   : arena->bytes > BLOCK_MAX ? BLOCK_MAX
                                              : arena->bytes;
    return bytes < left ? bytes : left;
}

void *wf_arena_take(wf_arena *arena, size_t bytes)
{
    if (bytes > arena->bytes_max || bytes > SIZE_MAX / 2) {
        arena->err = WEFT_ELIMIT;
        return NULL;
    }
    bytes = bytes == 0 ? ALIGN : (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (bytes > arena->left || APART) {
        size_t next = next_block_bytes(arena);
        if (bytes > next / 4 || APART)
            return take_apart(arena, bytes);
        block *b = block_new(arena, next);
        if (b == NULL)
            return NULL;
        block_fill(arena, b);
    }
    unsigned char *given = arena->at;
    arena->at += bytes;
    arena->left -= bytes;
    return memset(given, 0, bytes);
}

void wf_arena_reset(wf_arena *arena)
{
    block *kept = NULL;
    for (block *b = arena->blocks, *next; b != NULL; b = next) {
        next = b->next;
        /* A block for one huge piece would be kept for ever because of one huge use. */
        if (kept == NULL && b->bytes <= BLOCK_MAX && !APART)
            kept = b;
        else
            wf_free(b);
    }
    *arena = (wf_arena){.bytes_max = arena->bytes_max};
    if (kept != NULL) {
        arena->bytes = kept->bytes;
        block_fill(arena, kept);
    }
}

void wf_arena_done(wf_arena *arena)
{
    for (block *b = arena->blocks, *next; b != NULL; b = next) {
        next = b->next;
        wf_free(b);
    }
    *arena = (wf_arena){.bytes_max = arena->bytes_max};
}
