/* SPDX-License-Identifier: MIT */
/* Forwarding: a request goes on as it is, and its asker's cell learns where to, so that a cancel finds it.
 *
 *      asker ── request ──▶ first ── request ──▶ second
 *        ▲                    └───── behind it ────▶ │
 *        └────────── "it is here now" ───────────────┘
 *
 * An ask costs nothing for it; a forward costs a store where all live on one reactor. Elsewhere the word
 * goes to the asker behind the request, by way of the second's reactor: a cancel that leaves when the
 * word has come can only find the request there, or gone on. Words of several forwards may overtake each
 * other, so each says how many there were before it. A word that finds the ask cancelled or over sends
 * the cancel on by itself; where the ask was merely answered, that finds nothing. */
#include "ask.h"
#include "mailbox.h"
#include "remote.h"

/* At the asker's reactor. */
static void learn_target(wf_reactor *r, weft_ref asker, uint64_t request, weft_ref to)
{
    wf_cell *cell = wf_cell_at(r, request);
    if (cell == NULL || cell->kind != WF_CELL_ASK || cell->target_slot == 0) {
        wf_cancel_at(r, to, asker, wf_request_of(request));
        return;
    }
    unsigned forwards = wf_forwards_of(request);
    if (forwards <= (unsigned)cell->target_home >> WF_TARGET_HOME_BITS)
        return;
    cell->target_home = (uint16_t)(forwards << WF_TARGET_HOME_BITS | to.home);
    cell->target_slot = to.slot;
    cell->target_gen = to.gen;
}

static void learn_here(wf_reactor *r, weft_actor *asker, weft_msg *m)
{
    const wf_control *c = (const wf_control *)(const void *)m->body;
    weft_ref who, to;
    (void)asker;
    memcpy(&who, &c->word[0], sizeof who);
    memcpy(&to, &c->word[3], sizeof to);
    learn_target(r, who, c->word[2], to);
}

/* At the new target's reactor: the request has arrived. One that was refused has failed its asker. */
static void arrived_here(wf_reactor *r, weft_actor *target, weft_msg *m)
{
    const wf_control *c = (const wf_control *)(const void *)m->body;
    weft_ref asker;
    if (target == NULL)
        return;
    weft_ref to = wf_ref_of(r, target);
    memcpy(&asker, &c->word[0], sizeof asker);
    if (asker.home == r->home) {
        learn_target(r, asker, c->word[2], to);
        return;
    }
    wf_control word = *c;
    word.run = learn_here;
    memcpy(&word.word[3], &to, sizeof to);
    (void)wf_control_send(r, asker, &word);
}

/* Without memory for the word, only the time limit that the request carries ends it there. */
static void tell_asker(wf_reactor *r, weft_ref asker, uint64_t request, weft_ref to)
{
    wf_control word = {.run = arrived_here, .word = {[2] = request}};
    if (wf_is_remote(asker.home))
        asker = wf_remote_link(r->sys, asker); /* which asked for it here */
    if (asker.home == r->home) {
        /* a cancel from here goes the way of the request, and behind it */
        learn_target(r, asker, request, to);
        return;
    }
    memcpy(&word.word[0], &asker, sizeof asker);
    (void)wf_control_send(r, to, &word);
}

/* The request as the next target gets it. errors: ELIMIT, EINVAL, ENOMEM. */
static weft_err copy_of(wf_reactor *r, const weft_msg *msg, weft_msg **out)
{
    uint64_t request = (msg->flags & WF_TIMER) != 0 ? 0 : msg->request;
    unsigned noted = request == 0 ? msg->flags & WF_NOTED : 0;
    if (request != 0) {
        if (wf_forwards_of(request) == WF_FORWARDS_MAX)
            return WEFT_ELIMIT;
        request += (uint64_t)1 << WF_FORWARDS_SHIFT;
    }
    /* not WF_GUARDED: there may be no memory to tell the asker, so what is asked there needs limits of its
     * own */
    weft_err err = wf_msg_new(r, NULL, msg->type, msg->body, request, noted, out, NULL);
    if (err != WEFT_OK)
        return err;
    (*out)->from = msg->from;
    (*out)->trace = msg->trace;
    (*out)->deadline = msg->deadline;
    return WEFT_OK;
}

static weft_err on_forwarded(weft_actor *self, weft_msg *msg, const weft_outcome *got)
{
    (void)self;
    if (got->err != WEFT_OK)
        return weft_fail(msg, got->err, "%s", got->why);
    return weft_reply_body(msg, got->type, got->body);
}

weft_err weft_forward(weft_msg *msg, weft_ref to)
{
    wf_reactor *r = WF_R;
    weft_msg *copy;
    if ((msg->flags & WF_ANSWERED) != 0)
        return WEFT_EUSED;
    to = wf_resolve(r, to);
    if (WF_UNLIKELY(wf_is_remote(to.home)) && !weft_is_request(msg))
        return weft_tell_body(WF_STAT_GET(r->running), to, msg->type, msg->body);
    /* a request served in place has no asker to be named to others, and elsewhere nobody knows the asker */
    if ((msg->flags & WF_LOCAL) != 0 || wf_is_remote(to.home))
        return weft_when(
            msg, weft_ask_body(WF_STAT_GET(r->running), to, msg->type, msg->body, WEFT_INHERIT),
            on_forwarded);
    weft_err err = copy_of(r, msg, &copy);
    if (err != WEFT_OK)
        return err;
    uint64_t request = copy->request;
    err = wf_put_msg(r, to, copy);
    if (err != WEFT_OK) {
        wf_msg_free(r, copy);
        return err;
    }
    msg->flags |= WF_ANSWERED;
    if (request != 0)
        tell_asker(r, msg->from, request, to);
    if ((msg->flags & WF_WAITS) != 0)
        wf_arm_waiting(r, WF_STAT_GET(r->running), msg);
    return WEFT_OK;
}
