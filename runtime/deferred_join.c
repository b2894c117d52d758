/* SPDX-License-Identifier: MIT */
/* Joins: several Deferreds as one. A join's memory is made with it, and is the body of the message it comes
 * to, so that no memory is needed when it fires. The messages of its members stay as they are. */
#define WEFT_MAKES_DEFERREDS
#include "deferreds.h"
#include "mailbox.h"

enum { JOIN_ALL, JOIN_SETTLED, JOIN_ANY, JOIN_RACE };

typedef struct member {
    uint32_t cell; /* 0: it has fired */
    weft_msg *m;   /* what it came to; NULL: not kept */
} member;

struct wf_join {
    weft_outcomes outcomes; /* must be first: the value that others see */
    uint32_t n, left;
    uint8_t kind, rest;
    member *member; /* behind @at */
    weft_outcome at[];
};

static weft_msg *block_of(struct wf_join *join)
{
    return (weft_msg *)(void *)((char *)join - offsetof(weft_msg, body));
}

/* The outcomes go with their message: the messages that they point into. */
static void release(void *body)
{
    const struct wf_join *join = body;
    wf_reactor *r = WF_R;
    for (uint32_t i = 0; i < join->n; i++)
        if (join->member[i].m != NULL)
            wf_msg_free(r, join->member[i].m);
}

/* Without a size nothing can send it: it points into messages of its actor. */
const weft_type weft_outcomes_type = {.name = "weft.outcomes", .release = release};

void wf_join_free(wf_reactor *r, struct wf_join *join)
{
    wf_msg_free(r, block_of(join));
}

uint32_t wf_join_member(const struct wf_join *join, uint32_t from)
{
    for (uint32_t i = from; join != NULL && i < join->n; i++)
        if (join->member[i].cell != 0)
            return join->member[i].cell;
    return 0;
}

static struct wf_join *join_new(wf_reactor *r, size_t n, unsigned kind, weft_rest rest)
{
    size_t kept =
        kind == JOIN_ALL || kind == JOIN_SETTLED ? n : 0; /* the others give their winner */
    size_t bytes = sizeof(struct wf_join) + kept * sizeof(weft_outcome) + n * sizeof(member);
    weft_msg *m = n < WF_CELLS_MAX ? wf_block_take(r, bytes) : NULL;
    if (m == NULL)
        return NULL;
    wf_fill(r, m, NULL, &weft_outcomes_type, 0, WF_REPLY | WF_UNCOUNTED);
    struct wf_join *join = (struct wf_join *)(void *)m->body;
    *join = (struct wf_join){.outcomes = {kept, join->at},
                             .n = (uint32_t)n,
                             .left = (uint32_t)n,
                             .kind = (uint8_t)kind,
                             .rest = (uint8_t)rest,
                             .member = (member *)(void *)&join->at[kept]};
    memset(join->member, 0, n * sizeof(member));
    return join;
}

/* The join fires, or fails to begin: members that are outstanding are left to themselves. */
static void leave_members(wf_reactor *r, struct wf_join *join)
{
    for (uint32_t i = 0; i < join->n; i++)
        if (join->member[i].cell != 0) {
            wf_leave(r, &r->cells[join->member[i].cell], (weft_rest)join->rest);
            join->member[i].cell = 0;
        }
}

static void over(wf_reactor *r, wf_cell *cell)
{
    struct wf_join *join = wf_more_of(r, cell)->join;
    wf_more_of(r, cell)->join = NULL;
    leave_members(r, join);
    wf_join_free(r, join);
}

/* There is nothing to wait for: of none all have succeeded, but there is no first. */
static void fire_empty(wf_reactor *r, weft_actor *self, wf_cell *cell)
{
    struct wf_join *join = wf_more_of(r, cell)->join;
    if (join->kind == JOIN_ALL || join->kind == JOIN_SETTLED) {
        wf_more_of(r, cell)->join = NULL;
        wf_plain_fire(r, self, cell, block_of(join));
        return;
    }
    over(r, cell);
    wf_fail_cell(r, cell, WEFT_EINVAL, "there is no first of none");
}

/* Without memory for it: every member is treated as when the join fails. */
static weft_deferred no_memory(wf_reactor *r, weft_actor *self, const weft_deferred *members,
                               size_t n, weft_rest rest)
{
    weft_err err;
    for (size_t i = 0; i < n; i++) {
        wf_cell *cell = wf_consume(self, members[i], WF_DETACHED, &err);
        if (cell != NULL)
            wf_leave(r, cell, rest);
    }
    return weft_failed(self, WEFT_ENOMEM, NULL);
}

static weft_deferred join_of(weft_actor *self, const weft_deferred *members, size_t n,
                             unsigned kind, weft_rest rest)
{
    wf_reactor *r = WF_R;
    struct wf_join *join = join_new(r, n, kind, rest);
    if (join == NULL)
        return no_memory(r, self, members, n, rest);
    wf_cell *cell = wf_derived_new(r, self, WF_CELL_JOIN);
    if (cell == NULL) {
        wf_join_free(r, join);
        return (weft_deferred){0, 0};
    }
    wf_more_of(r, cell)->join = join;
    for (uint32_t i = 0; i < n; i++) {
        const wf_cell *taken = wf_take(r, self, members[i], cell, i);
        if (taken == NULL) { /* there is no cell even for a failure */
            over(r, cell);
            wf_fail_cell(r, cell, WEFT_ELIMIT, NULL);
            return wf_deferred_of(r, cell);
        }
        join->member[i].cell = wf_cell_index(r, taken);
    }
    if (n == 0)
        fire_empty(r, self, cell);
    return wf_deferred_of(r, cell);
}

weft_deferred weft_all(weft_actor *self, const weft_deferred *members, size_t n, weft_rest rest)
{
    return join_of(self, members, n, JOIN_ALL, rest);
}
weft_deferred weft_settled(weft_actor *self, const weft_deferred *members, size_t n)
{
    return join_of(self, members, n, JOIN_SETTLED, WEFT_CANCEL_REST);
}
weft_deferred weft_any(weft_actor *self, const weft_deferred *members, size_t n, weft_rest rest)
{
    return join_of(self, members, n, JOIN_ANY, rest);
}
weft_deferred weft_race(weft_actor *self, const weft_deferred *members, size_t n, weft_rest rest)
{
    return join_of(self, members, n, JOIN_RACE, rest);
}

/* ---- arriving */

/* Keeps what member @at came to; the last one makes the join's own message of it. */
static wf_cell *keep(wf_reactor *r, wf_cell *cell, uint32_t at, wf_rising *up)
{
    struct wf_join *join = wf_more_of(r, cell)->join;
    join->at[at] = wf_outcome_of(up->m);
    join->at[at].index = up->index;
    join->member[at].m = up->m;
    up->m = NULL;
    up->giver = NULL;
    up->index = 0;
    if (join->left != 0)
        return NULL;
    wf_more_of(r, cell)->join = NULL;
    up->m = block_of(join);
    return cell;
}

wf_cell *wf_join_arrive(wf_reactor *r, wf_cell *cell, uint32_t at, wf_rising *up)
{
    struct wf_join *join = wf_more_of(r, cell)->join;
    bool failed = (up->m->flags & WF_FAILED) != 0;
    join->member[at].cell = 0;
    join->left--;
    if (join->kind == JOIN_SETTLED || (join->kind == JOIN_ALL && !failed))
        return keep(r, cell, at, up);
    if (join->kind == JOIN_ANY && failed && join->left != 0) {
        wf_rising_done(r, up);
        return NULL;
    }
    over(r, cell);
    up->index = at;
    return cell;
}
