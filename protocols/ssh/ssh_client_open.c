/* SPDX-License-Identifier: MIT */
/* Channels that a client asks for, step by step, until their streams are up. */
#include <string.h>

#include "ssh_client.h"

/* ---- failing */

static void fail(wf_ssh_slot *slot, weft_err err, const char *why)
{
    (void)weft_fail(slot->request, err, "%s", why);
    weft_drop(&slot->request);
    if (slot->channel != NULL)
        wf_ssh_channel_free(slot->channel);
    slot->channel = NULL;
    wf_ssh_slot_done(slot);
}

void wf_ssh_client_fail(weft_actor *self, const weft_msg *msg, weft_err err, const char *why)
{
    wf_ssh_client_state *s = weft_state(self);
    for (wf_ssh_slot *slot = s->conn.slots, *next; slot != NULL; slot = next) {
        next = slot->next;
        if (slot->request != NULL && (msg == NULL || slot->request == msg))
            fail(slot, err, why);
    }
    if (s->conn.ssh != NULL && !s->conn.over)
        weft_hook_queue(&s->conn.hook);
}

/* ---- steps: the channel, its variables, its terminal, and what is to run */

static wf_ssh_asked kind_asked(weft_ssh_kind kind)
{
    return kind == WEFT_SSH_SHELL       ? WF_SSH_ASK_SHELL
           : kind == WEFT_SSH_SUBSYSTEM ? WF_SSH_ASK_SUBSYSTEM
                                        : WF_SSH_ASK_EXEC;
}

static wf_ssh_progress ask(const wf_ssh_slot *slot, const wf_ssh_wish *wish)
{
    wf_ssh_channel *c = slot->channel;
    uint32_t step = slot->step;
    if (step == 0)
        return wf_ssh_channel_ask(
            c, wish->kind == WEFT_SSH_FORWARD ? WF_SSH_ASK_FORWARD : WF_SSH_ASK_SESSION,
            wf_ssh_wish_text(wish, 0), wish->port, wish->window);
    if (step <= wish->env_count)
        return wf_ssh_channel_ask(c, WF_SSH_ASK_ENV, wf_ssh_wish_text(wish, 1 + step), 0,
                                  wish->window);
    if (wish->terminal && step == wish->env_count + 1)
        return wf_ssh_channel_ask(c, WF_SSH_ASK_PTY, wf_ssh_wish_text(wish, 1), 0, wish->window);
    return wf_ssh_channel_ask(c, kind_asked(wish->kind), wf_ssh_wish_text(wish, 0), 0,
                              wish->window);
}

static uint32_t steps_of(const wf_ssh_wish *wish)
{
    return wish->kind == WEFT_SSH_FORWARD ? 1 : wish->env_count + (wish->terminal ? 3 : 2);
}

static void no_stream(wf_ssh_slot *slot)
{
    weft_leaf *leaf = slot->leaf;
    if (leaf == NULL) {
        fail(slot, WEFT_ENOMEM, "no memory for a stream");
        return;
    }
    (void)weft_fail(slot->request, WEFT_ENOMEM, "no memory for a stream");
    weft_drop(&slot->request);
    weft_leaf_lost(leaf, WEFT_ENOMEM, "no memory for a stream");
}

static void up(weft_actor *self, wf_ssh_slot *slot, const wf_ssh_wish *wish)
{
    weft_ssh_channel made = {.errors = WEFT_NOBODY};
    slot->leaf = weft_leaf_new(self, &wf_ssh_leaf, slot, slot->owner, &slot->stream);
    if (slot->leaf != NULL && wish->errors)
        slot->error = weft_leaf_new(self, &wf_ssh_leaf_error, slot, slot->owner, &made.errors);
    if (slot->leaf == NULL || (wish->errors && slot->error == NULL)) {
        no_stream(slot);
        return;
    }
    made.stream = slot->stream;
    /* a forwarded connection ends without a word */
    slot->told_exit = wish->kind == WEFT_SSH_FORWARD;
    (void)weft_reply_body(slot->request, &weft_ssh_channel_type, &made);
    weft_drop(&slot->request);
    weft_leaf_begin(slot->leaf);
    if (slot->error != NULL)
        weft_leaf_begin(slot->error);
}

static void go(weft_actor *self, wf_ssh_slot *slot)
{
    const wf_ssh_wish *wish = weft_body(slot->request);
    while (slot->step < steps_of(wish)) {
        wf_ssh_progress p = ask(slot, wish);
        /* one that the host has closed gets no answer any more */
        if (p == WF_SSH_LATER && slot->step != 0 && wf_ssh_channel_closed(slot->channel))
            p = WF_SSH_NO;
        if (p == WF_SSH_LATER)
            return;
        if (p == WF_SSH_NO) {
            fail(slot, WEFT_EDENIED,
                 slot->step == 0 ? "the host opens no channel for it"
                                 : "the host does not do that");
            return;
        }
        slot->step++;
    }
    up(self, slot, wish);
}

void wf_ssh_client_go_on(weft_actor *self)
{
    wf_ssh_client_state *s = weft_state(self);
    for (wf_ssh_slot *slot = s->conn.slots, *next; slot != NULL; slot = next) {
        next = slot->next;
        if (slot->request != NULL)
            go(self, slot);
    }
}

void wf_ssh_client_open(weft_actor *self, weft_msg *msg)
{
    wf_ssh_client_state *s = weft_state(self);
    const wf_ssh_wish *wish = weft_body(msg);
    wf_ssh_channel *channel = wf_ssh_channel_new(s->conn.ssh, wish->errors);
    wf_ssh_slot *slot = channel != NULL ? wf_ssh_slot_new(&s->conn, channel) : NULL;
    if (slot == NULL) {
        (void)weft_fail(msg, channel == NULL ? WEFT_EFULL : WEFT_ENOMEM,
                        "there is no place for another channel (channels_max)");
        if (channel != NULL)
            wf_ssh_channel_free(channel);
        weft_drop(&msg);
        return;
    }
    slot->owner = weft_sender(msg);
    slot->request = msg;
    go(self, slot);
}

/* ---- what owners may ask of a channel that is up */

static wf_ssh_slot *slot_of(weft_ref stream)
{
    weft_leaf *leaf = weft_leaf_of(stream, &wf_ssh_leaf);
    wf_ssh_slot *slot = leaf != NULL ? weft_leaf_context(leaf) : NULL;
    return slot != NULL && slot->channel != NULL && !weft_ref_is_nobody(slot->owner) ? slot : NULL;
}

weft_err weft_ssh_resize(weft_actor *self, weft_ref stream, weft_window window)
{
    wf_ssh_slot *slot = slot_of(stream);
    (void)self;
    if (slot == NULL)
        return WEFT_EGONE;
    wf_ssh_channel_resize(slot->channel, window);
    weft_hook_queue(&slot->conn->hook);
    return WEFT_OK;
}

weft_err weft_ssh_send_signal(weft_actor *self, weft_ref stream, const char *signal)
{
    wf_ssh_slot *slot = slot_of(stream);
    (void)self;
    if (slot == NULL)
        return WEFT_EGONE;
    wf_ssh_channel_send_signal(slot->channel, signal);
    weft_hook_queue(&slot->conn->hook);
    return WEFT_OK;
}
