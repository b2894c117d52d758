/* SPDX-License-Identifier: MIT */
/* Who is whose child. */
#include "console.h"

enum { DEPTH_MAX = 64 };

/* Children are put in front: from the last row to the first, so that they come in their order. */
static void join(wf_actors *a)
{
    for (size_t i = a->n; i-- > 0;) {
        wf_actor_row *row = &a->row[i];
        wf_actor_row *parent =
            weft_ref_is_nobody(row->stats.parent) ? NULL : wf_actors_find(a, row->stats.parent);
        if (parent == NULL || parent == row)
            continue;
        row->below = true;
        row->sibling = parent->child;
        parent->child = (uint32_t)i + 1;
    }
}

static void put_row(const wf_actor_row *row, unsigned depth, wf_text *out)
{
    char ref[WEFT_REF_TEXT_BYTES];
    wf_text_put(out, "%*s%s %s", (int)(2 * depth), "", weft_ref_print(row->stats.ref, ref),
                row->stats.behaviour);
    if (row->name[0] != '\0')
        wf_text_put(out, " \"%s\"", row->name);
    if (row->stats.queued != 0)
        wf_text_put(out, ", %u waiting", row->stats.queued);
    if (row->stats.suspended)
        wf_text_put(out, ", suspended");
    wf_text_put(out, "\n");
}

/* Down first, then on. What was read while actors came and went may be any graph: each row has one parent,
 * so that a walk from one that has none meets each once. */
static void put_below(const wf_actors *a, uint32_t top, wf_text *out)
{
    uint32_t path[DEPTH_MAX];
    unsigned depth = 0;
    path[0] = top;
    for (;;) {
        const wf_actor_row *row = &a->row[path[depth] - 1];
        put_row(row, depth, out);
        if (row->child != 0 && depth + 1 < DEPTH_MAX) {
            path[++depth] = row->child;
            continue;
        }
        while (depth > 0 && a->row[path[depth] - 1].sibling == 0)
            depth--;
        if (depth == 0)
            return;
        path[depth] = a->row[path[depth] - 1].sibling;
    }
}

void wf_actors_put_tree(wf_actors *a, uint32_t from, wf_text *out)
{
    join(a);
    if (from != 0) {
        put_below(a, from, out);
        return;
    }
    for (size_t i = 0; i < a->n; i++)
        if (!a->row[i].below)
            put_below(a, (uint32_t)i + 1, out);
}
