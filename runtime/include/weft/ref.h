/* SPDX-License-Identifier: MIT */
/** References: how one actor names another. Values: copy, store, compare and send them freely. */
#ifndef WEFT_REF_H
#define WEFT_REF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Stands for an actor, for a name (resolved where it lives, at each use), or for a group (the member
 * on the sender's reactor answers). A reference to an actor that has ended is an error (WEFT_EGONE)
 * and a counted dead letter, never a crash. A supervised restart keeps it. The fields are weft's. */
typedef struct weft_ref {
    uint64_t home;
    uint32_t slot, gen;
} weft_ref;

/** Nobody: what a failed spawn gives. Telling it is WEFT_EGONE. */
#define WEFT_NOBODY ((weft_ref){0, 0, 0})

/** What a reference stands for. */
typedef enum weft_ref_kind {
    WEFT_REF_NOBODY,
    WEFT_REF_ACTOR,
    WEFT_REF_NAME,
    WEFT_REF_GROUP,
} weft_ref_kind;

/** The bytes weft_ref_print needs at most, the final zero included. */
#define WEFT_REF_TEXT_BYTES 48

/** Whether both stand for the same actor, name or group. thread: any. */
static inline bool weft_ref_same(weft_ref a, weft_ref b)
{
    return a.home == b.home && a.slot == b.slot && a.gen == b.gen;
}

/** Whether it stands for nobody. thread: any. */
static inline bool weft_ref_is_nobody(weft_ref ref)
{
    return ref.slot == 0;
}

/** What it stands for. thread: any. */
weft_ref_kind weft_ref_kind_of(weft_ref ref);

/** Writes "<reactor.slot.generation>", "name:17", "group:3" or "nobody" into @text and returns it; of another
 * node "<@node.life token>" or "name:17@node", the node by its number. thread: any. */
const char *weft_ref_print(weft_ref ref, char text[WEFT_REF_TEXT_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
