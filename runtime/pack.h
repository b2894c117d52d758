/* SPDX-License-Identifier: MIT */
/* The arena within the one that is given out. */
#ifndef WF_PACK_H
#define WF_PACK_H

#include <weft/pack.h>

#include "wf_arena.h"

struct weft_arena {
    wf_arena arena;
};

static inline wf_arena *wf_arena_of(weft_arena *arena)
{
    return &arena->arena;
}

#endif
