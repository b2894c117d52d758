/* SPDX-License-Identifier: MIT */
/* Memory that is taken piece by piece and given back all at once, within a limit.
 *
 * thread: one at a time. */
#ifndef WF_ARENA_H
#define WF_ARENA_H

#include <stddef.h>

#include <weft/error.h>

struct wf_arena_block;

/* {.bytes_max = N} is an empty arena. */
typedef struct wf_arena {
    size_t bytes_max;              /* the most it may hold, its own overhead included */
    size_t bytes;                  /* what it holds */
    struct wf_arena_block *blocks; /* the one being filled first */
    unsigned char *at;             /* what is left of that one, */
    size_t left;                   /* and how much */
    weft_err err;                  /* why the last refused taking was refused; WEFT_OK: none was */
} wf_arena;

/* @bytes zeroed bytes, aligned for any type; they live until the arena is reset or done.
 * errors: NULL, with ELIMIT (bytes_max) or ENOMEM in @arena->err. */
void *wf_arena_take(wf_arena *arena, size_t bytes) __attribute__((warn_unused_result));

/* Gives back all that was taken but keeps one block for the next use: memory stays flat and a small
 * use takes nothing from the system. */
void wf_arena_reset(wf_arena *arena);

/* Gives back everything; the arena is empty and may be used again. Takes one never used calmly. */
void wf_arena_done(wf_arena *arena);

#endif
