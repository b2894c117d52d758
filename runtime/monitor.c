/* SPDX-License-Identifier: MIT */
/* Monitors and links: an entry at each end; what will be told is made beforehand at both. */
#include <stdio.h>

#include "ask.h"
#include "family.h"
#include "mailbox.h"
#include "post.h"
#include "remote.h"
#include "sys.h"
#include "ward.h"

/* What is made beforehand has room for most sentences; a longer one is told whole if there is memory for it. */
enum { DOWN_WHY_BYTES = 96, SEND_AGAIN_MS = 10 };

/* What an entry is there for. */
enum {
    ENTRY_MONITOR,
    ENTRY_LINK, /* the watcher is stopped when this life of the watched ends with an error */
    ENTRY_LIFE, /* the watcher is told when this life is over */
};

/* One that is sent on leaves the message behind that its sentence stands in. */
static void down_copied(void *body)
{
    weft_down *down = body;
    down->why = weft_err_text(down->reason);
}

const weft_type weft_down_type = {
    .name = "weft.down", .size = sizeof(weft_down), .share = down_copied};

static void restarted_copied(void *body)
{
    weft_restarted *restarted = body;
    restarted->why = weft_err_text(restarted->reason);
}

/* Most need not know. */
static weft_err restarted_ignored(weft_actor *self, weft_msg *msg)
{
    (void)self, (void)msg;
    return WEFT_OK;
}

const weft_type weft_restarted_type = {.name = "weft.restarted",
                                       .size = sizeof(weft_restarted),
                                       .share = restarted_copied,
                                       .otherwise = restarted_ignored};

/* The watched side's entry: the control message that will go to the watcher. */
typedef struct wf_watcher {
    wf_control control; /* must be first: the block is sent as it is */
    struct wf_watcher *next, **back;
    weft_ref watcher, who;
    uint64_t cell;
    uint32_t link;
    weft_err reason;
    uint32_t restarts; /* which of them is untold */
    bool is_long;      /* it is that of a long_watcher */
    struct wf_watcher *untold, **untold_back;
    char why[DOWN_WHY_BYTES];
} wf_watcher;
typedef struct long_watcher {
    wf_watcher watcher; /* must be first; its sentence is cut */
    char why[WEFT_WHY_BYTES];
} long_watcher;

/* A weft_down with room for its sentence. */
typedef struct down_body {
    weft_down down;
    char why[DOWN_WHY_BYTES];
} down_body;
typedef struct long_down_body {
    weft_down down;
    char why[WEFT_WHY_BYTES];
} long_down_body;
typedef struct restarted_body {
    weft_restarted restarted;
    char why[WEFT_WHY_BYTES];
} restarted_body;

static weft_msg *block_of(wf_watcher *w)
{
    return (weft_msg *)(void *)((char *)w - offsetof(weft_msg, body));
}

/* ---- sentences */

static const char *sentence_of(weft_err reason, const char *why)
{
    return why != NULL && why[0] != '\0' ? why : weft_err_text(reason);
}

static void set_reason(wf_watcher *w, weft_err reason, const char *why)
{
    w->reason = reason;
    (void)snprintf(w->why, sizeof w->why, "%.*s", DOWN_WHY_BYTES - 1, sentence_of(reason, why));
}

static const char *why_of(const wf_watcher *w)
{
    return w->is_long ? ((const long_watcher *)(const void *)w)->why : w->why;
}

/* An entry, which is on no list, with room for @why; itself if memory is out. */
static WF_COLD wf_watcher *lengthened(wf_reactor *r, wf_watcher *w, const char *why)
{
    weft_msg *m = wf_block_take(r, sizeof(long_watcher));
    if (m == NULL)
        return w;
    wf_fill(r, m, NULL, &wf_control_type, 0, WF_UNCOUNTED | WF_CONTROL);
    long_watcher *l = (long_watcher *)(void *)m->body;
    l->watcher = *w;
    l->watcher.is_long = true;
    (void)snprintf(l->why, sizeof l->why, "%s", why);
    wf_block_free(r, block_of(w));
    return &l->watcher;
}

/* @down, which was made beforehand, or one with room for what @w says. */
static weft_msg *fill_down(wf_reactor *r, weft_msg *down, const wf_watcher *w)
{
    weft_msg *m = w->is_long ? wf_block_take(r, sizeof(long_down_body)) : NULL;
    if (m == NULL) {
        down_body *body = (down_body *)(void *)down->body;
        memcpy(body->why, w->why, sizeof body->why);
        body->down = (weft_down){w->who, w->reason, body->why};
        return down;
    }
    wf_fill(r, m, NULL, &weft_down_type, 0, WF_UNCOUNTED);
    m->deadline = 0;
    long_down_body *body = (long_down_body *)(void *)m->body;
    memcpy(body->why, why_of(w), sizeof body->why);
    body->down = (weft_down){w->who, w->reason, body->why};
    wf_block_free(r, down);
    return m;
}

/* ---- telling */

/* The watched one of @target's has ended; needs no memory. */
static void tell_down(wf_reactor *r, weft_actor *target, const wf_watcher *w)
{
    wf_cell *cell = wf_cell_at(r, w->cell);
    if (target == NULL || cell == NULL || cell->kind != WF_CELL_MONITOR)
        return;
    weft_msg *down = cell->tick;
    cell->tick = NULL;
    target->rare->monitors--;
    wf_cell_free(r, cell);
    if (w->link == ENTRY_LINK) {
        wf_block_free(r, down);
        if (w->reason != WEFT_OK)
            wf_actor_stop(r, target, w->reason, why_of(w), true);
        return;
    }
    wf_deliver(r, target, fill_down(r, down, w));
}

/* At the watcher. */
static void arrive_down(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    tell_down(r, target, (const wf_watcher *)(const void *)m->body);
}

static void send_unsent(wf_timer *timer);

static void later(wf_reactor *r)
{
    if (!wf_timer_armed(&r->unsent_timer))
        wf_timer_arm(&r->wheel, &r->unsent_timer, SEND_AGAIN_MS, send_unsent);
}

static bool post_entry(wf_reactor *r, wf_watcher *w)
{
    return wf_post(r, wf_home_index(w->watcher.home), w->watcher.slot, w->watcher.gen,
                   block_of(w)) == WEFT_OK;
}

static void tell_again(wf_reactor *r);
static void untold_forget(wf_watcher *w);
static bool send_refused(wf_reactor *r, wf_watcher *w);

/* false: memory is still out. */
static bool send_one(wf_reactor *r, wf_watcher *w)
{
    return w->control.run == arrive_down ? post_entry(r, w) : send_refused(r, w);
}

static void send_unsent(wf_timer *timer)
{
    wf_reactor *r = WF_R;
    (void)timer;
    while (r->unsent != NULL) {
        wf_watcher *w = r->unsent;
        r->unsent = w->next;
        if (!send_one(r, w)) {
            w->next = r->unsent;
            r->unsent = w;
            break;
        }
    }
    tell_again(r);
    if (r->unsent != NULL || r->untold != NULL)
        later(r);
}

/* There is memory for it, but none to send it in: whoever watches must hear of it all the same. */
static WF_COLD void send_later(wf_reactor *r, wf_watcher *w)
{
    w->next = r->unsent;
    r->unsent = w;
    later(r);
}

void wf_monitors_done(wf_reactor *r)
{
    wf_timer_cancel(&r->wheel, &r->unsent_timer);
    while (r->unsent != NULL) {
        wf_watcher *w = r->unsent;
        r->unsent = w->next;
        wf_block_free(r, block_of(w));
    }
}

/* Sends an entry, which is on no list, to its watcher. */
static void tell_watcher(wf_reactor *r, wf_watcher *w, weft_err reason, const char *why)
{
    untold_forget(w);
    set_reason(w, reason, why);
    if (why != NULL && WF_UNLIKELY(strlen(why) >= DOWN_WHY_BYTES))
        w = lengthened(r, w, why);
    w->control.run = arrive_down;
    if (w->watcher.home == r->home)
        wf_control_run(r, w->watcher.slot, w->watcher.gen, block_of(w));
    else if (!post_entry(r, w))
        send_later(r, w);
}

void wf_monitors_fire(wf_reactor *r, weft_actor *a)
{
    const wf_rare *rare = a->rare;
    for (wf_watcher *w = rare->watchers, *next; w != NULL; w = next) {
        next = w->next;
        tell_watcher(r, w, rare->reason, rare->why);
    }
    a->rare->watchers = NULL;
}

static void detach(wf_watcher *w)
{
    *w->back = w->next;
    if (w->next != NULL)
        w->next->back = w->back;
}

void wf_monitors_life_over(wf_reactor *r, weft_actor *a)
{
    const wf_rare *rare = a->rare;
    for (wf_watcher *w = rare->watchers, *next; w != NULL; w = next) {
        next = w->next;
        if (w->link == ENTRY_MONITOR)
            continue;
        detach(w);
        tell_watcher(r, w, rare->reason, rare->why);
    }
}

/* ---- restarts */

/* Says to @w's watcher what stands in @w, with @why for its sentence. false: memory is out. */
static bool tell_restarted(wf_reactor *r, const wf_watcher *w, const char *why)
{
    weft_msg *m = wf_block_take(r, sizeof(restarted_body));
    if (m == NULL)
        return false;
    wf_fill(r, m, NULL, &weft_restarted_type, 0, WF_UNCOUNTED);
    m->deadline = 0;
    restarted_body *body = (restarted_body *)(void *)m->body;
    (void)snprintf(body->why, sizeof body->why, "%s", why);
    body->restarted = (weft_restarted){w->who, w->reason, body->why, w->restarts};
    weft_err err = wf_put_msg(r, w->watcher, m);
    if (err != WEFT_OK)
        wf_block_free(r, m);
    return err != WEFT_ENOMEM;
}

static void untold_forget(wf_watcher *w)
{
    if (w->untold_back == NULL)
        return;
    *w->untold_back = w->untold;
    if (w->untold != NULL)
        w->untold->untold_back = w->untold_back;
    w->untold_back = NULL;
}

static WF_COLD void untold_add(wf_reactor *r, wf_watcher *w)
{
    w->untold = r->untold;
    w->untold_back = &r->untold;
    if (w->untold != NULL)
        w->untold->untold_back = &w->untold;
    r->untold = w;
    later(r);
}

static void tell_again(wf_reactor *r)
{
    while (r->untold != NULL && tell_restarted(r, r->untold, r->untold->why))
        untold_forget(r->untold);
}

/* What could not be told of an earlier restart is told with this one. */
void wf_monitors_restarted(wf_reactor *r, weft_actor *a, uint32_t count)
{
    const wf_rare *rare = a->rare;
    for (wf_watcher *w = rare->watchers; w != NULL; w = w->next) {
        untold_forget(w);
        set_reason(w, rare->reason, rare->why);
        w->restarts = count;
        if (!tell_restarted(r, w, sentence_of(rare->reason, rare->why)))
            untold_add(r, w);
    }
}

/* A copy of @asked that is a message. errors: NULL. */
static wf_watcher *entry_new(wf_reactor *r, const wf_watcher *asked)
{
    weft_msg *m = wf_block_take(r, sizeof *asked);
    if (m == NULL)
        return NULL;
    wf_fill(r, m, NULL, &wf_control_type, 0, WF_UNCOUNTED | WF_CONTROL);
    memcpy(m->body, asked, sizeof *asked);
    return (wf_watcher *)(void *)m->body;
}

/* Puts a copy of @asked on the list of @target, which may be NULL. errors: EGONE, ENOMEM. */
static weft_err attach(wf_reactor *r, weft_actor *target, const wf_watcher *asked)
{
    if (target == NULL)
        return WEFT_EGONE;
    wf_rare *rare = wf_rare_of(target);
    wf_watcher *w = rare != NULL ? entry_new(r, asked) : NULL;
    if (w == NULL)
        return WEFT_ENOMEM;
    w->next = rare->watchers;
    w->back = &rare->watchers;
    if (w->next != NULL)
        w->next->back = &w->next;
    rare->watchers = w;
    return WEFT_OK;
}

/* The monitor @asked, whose reason says why it came to nothing, which its watcher must hear of. */
static bool send_refused(wf_reactor *r, wf_watcher *asked)
{
    wf_watcher *w = entry_new(r, asked);
    if (w == NULL)
        return false;
    tell_watcher(r, w, asked->reason, NULL);
    wf_block_free(r, block_of(asked));
    return true;
}

/* At the watched, on another reactor: told as ended rather than never; when there is no memory even for that,
 * what asked for it is kept until there is. */
static void monitor_here(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    wf_watcher *asked = (wf_watcher *)(void *)m->body;
    weft_err err = attach(r, target, asked);
    if (err == WEFT_OK)
        return;
    r->control_taken = m;
    asked->reason = err;
    if (!send_refused(r, asked))
        send_later(r, asked);
}

/* Its link sees to it; without one it has gone. */
static WF_COLD weft_err send_monitor_away(wf_reactor *r, weft_actor *self, weft_ref who,
                                          wf_watcher *entry)
{
    weft_err err = wf_remote_watch(r, who, entry->watcher, entry->cell, entry->link,
                                   entry->link != ENTRY_MONITOR);
    if (err != WEFT_EGONE)
        return err;
    weft_why why;
    long_watcher gone;
    wf_remote_explain(r, who, NULL, err, &why);
    set_reason(entry, err, why.text);
    gone.watcher = *entry;
    gone.watcher.is_long = true;
    memcpy(gone.why, why.text, sizeof gone.why);
    tell_down(r, self, &gone.watcher);
    return WEFT_OK;
}

static weft_err send_monitor(wf_reactor *r, weft_actor *self, weft_ref who, wf_watcher *entry)
{
    if (wf_is_remote(who.home))
        return send_monitor_away(r, self, who, entry);
    if (who.home == r->home || who.slot == 0 || wf_home_index(who.home) >= wf_threads(r->sys)) {
        weft_actor *target = who.home == r->home ? wf_actor_at(r, who.slot, who.gen) : NULL;
        weft_err err = attach(r, target, entry);
        if (err != WEFT_EGONE)
            return err;
        set_reason(entry, WEFT_EGONE, NULL);
        tell_down(r, self, entry);
        return WEFT_OK;
    }
    entry->control.run = monitor_here;
    wf_watcher *w = entry_new(r, entry);
    if (w == NULL)
        return WEFT_ENOMEM;
    weft_err err = wf_post(r, wf_home_index(who.home), who.slot, who.gen, block_of(w));
    if (err != WEFT_OK)
        wf_block_free(r, block_of(w));
    return err;
}

static weft_err watch(weft_actor *self, weft_ref who, uint32_t link)
{
    wf_reactor *r = WF_R;
    wf_rare *rare = wf_rare_of(self);
    if (rare == NULL)
        return WEFT_ENOMEM;
    if (rare->monitors >= WF_STAT_GET(self->program)->monitors_max)
        return WEFT_ELIMIT;
    weft_msg *down = wf_block_take(r, sizeof(down_body));
    uint64_t id;
    wf_cell *cell = down != NULL ? wf_cell_new(r, self, WF_CELL_MONITOR, &id) : NULL;
    if (cell == NULL) {
        if (down != NULL)
            wf_block_free(r, down);
        return WEFT_ENOMEM;
    }
    wf_fill(r, down, NULL, &weft_down_type, 0, WF_UNCOUNTED);
    down->deadline = 0;
    weft_ref target = wf_resolve(r, who);
    cell->tick = down;
    cell->target_home = (uint16_t)target.home;
    cell->target_slot = target.slot;
    cell->target_gen = target.gen;
    if (wf_is_remote(target.home)) /* the cell has no room for the node */
        r->more[wf_cell_index(r, cell)].context = (void *)(uintptr_t)(target.home >> 32);
    self->rare->monitors++;
    wf_watcher entry = {.watcher = wf_ref_of(r, self), .who = who, .cell = id, .link = link};
    weft_err err = send_monitor(r, self, target, &entry);
    if (err != WEFT_OK)
        wf_monitor_end(r, cell);
    return err;
}

weft_err weft_monitor(weft_actor *self, weft_ref who)
{
    return watch(self, who, ENTRY_MONITOR);
}

weft_err weft_monitor_life(weft_actor *self, weft_ref who)
{
    return watch(self, who, ENTRY_LIFE);
}

static void link_here(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    const wf_control *c = (const wf_control *)(const void *)m->body;
    weft_ref other;
    (void)r;
    memcpy(&other, &c->word[0], sizeof other);
    if (target != NULL && watch(target, other, ENTRY_LINK) != WEFT_OK)
        weft_log(target, WEFT_ERROR, "unable to link back: no memory");
}

weft_err weft_link(weft_actor *self, weft_ref who)
{
    wf_reactor *r = WF_R;
    weft_ref me = wf_ref_of(r, self), target = wf_resolve(r, who);
    weft_err err = watch(self, target, ENTRY_LINK);
    if (err != WEFT_OK || target.slot == 0)
        return err;
    if (wf_is_remote(target.home)) {
        weft_remote_linked linked = {.who = target, .other = me};
        err = wf_remote_tell_link(r, target, &weft_remote_linked_type, &linked);
        return err == WEFT_EGONE ? WEFT_OK : err; /* it has gone: told as such */
    }
    wf_control control = {.run = link_here};
    memcpy(&control.word[0], &me, sizeof me);
    return wf_control_send(r, target, &control);
}

/* ---- of other nodes: told by their links */

weft_err wf_monitor_tell(wf_reactor *r, weft_ref watcher, weft_ref who, uint64_t id, uint32_t kind,
                         weft_err reason, const char *why)
{
    wf_watcher asked = {.watcher = watcher, .who = who, .cell = id, .link = kind};
    wf_watcher *w = entry_new(r, &asked);
    if (w == NULL)
        return WEFT_ENOMEM;
    tell_watcher(r, w, reason, why);
    return WEFT_OK;
}

weft_err wf_monitor_tell_restarted(wf_reactor *r, weft_ref watcher, weft_ref who, weft_err reason,
                                   const char *why, uint32_t count)
{
    wf_watcher w = {.watcher = watcher, .who = who, .restarts = count};
    set_reason(&w, reason, why);
    return tell_restarted(r, &w, sentence_of(reason, why)) ? WEFT_OK : WEFT_ENOMEM;
}

weft_err wf_monitor_link_back(wf_reactor *r, weft_ref target, weft_ref other)
{
    wf_control control = {.run = link_here};
    memcpy(&control.word[0], &other, sizeof other);
    return target.slot != 0 ? wf_control_send(r, target, &control) : WEFT_EGONE;
}

/* ---- taking a monitor back */

static void demonitor_here(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    const wf_control *c = (const wf_control *)(const void *)m->body;
    weft_ref watcher;
    memcpy(&watcher, &c->word[0], sizeof watcher);
    if (target == NULL || target->rare == NULL)
        return;
    for (wf_watcher *w = target->rare->watchers; w != NULL; w = w->next)
        if (w->cell == c->word[2] && weft_ref_same(w->watcher, watcher)) {
            detach(w);
            untold_forget(w);
            wf_block_free(r, block_of(w));
            return;
        }
}

/* Whom the monitor of @cell watches. */
static weft_ref watched_by(const wf_reactor *r, const wf_cell *cell)
{
    weft_ref who = {cell->target_home, cell->target_slot, cell->target_gen};
    if (wf_is_remote(who.home))
        who.home |= (uint64_t)(uintptr_t)r->more[wf_cell_index(r, cell)].context << 32;
    return who;
}

void wf_monitor_end(wf_reactor *r, wf_cell *cell)
{
    weft_actor *self = r->slots[cell->timer.spare].actor;
    weft_ref target = watched_by(r, cell);
    weft_ref me = wf_ref_of(r, self);
    wf_control control = {.run = demonitor_here};
    memcpy(&control.word[0], &me, sizeof me);
    control.word[2] = wf_cell_id(r, cell);
    if (cell->tick != NULL)
        wf_block_free(r, cell->tick);
    self->rare->monitors--;
    wf_cell_free(r, cell);
    if (wf_is_remote(target.home))
        wf_remote_unwatch(r, target, me, control.word[2]);
    else if (target.slot != 0)
        (void)wf_control_send(r, target, &control);
}

void weft_demonitor(weft_actor *self, weft_ref who)
{
    wf_reactor *r = WF_R;
    weft_ref target = wf_resolve(r, who);
    for (uint32_t i = self->cells, next; i != 0; i = next) {
        wf_cell *cell = &r->cells[i];
        next = cell->next;
        if (cell->kind == WF_CELL_MONITOR && weft_ref_same(watched_by(r, cell), target))
            wf_monitor_end(r, cell);
    }
}
