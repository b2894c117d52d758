/* SPDX-License-Identifier: MIT */
/* Channels as streams: the leaves that read and write them, and what their services may ask and say. */
#include <stdio.h>
#include <string.h>

#include <weft/ssh_client.h>

#include "ssh_conn.h"

enum {
    WRITTEN_MAX = WF_SSH_WRITTEN_MAX,
    DIRECT_MIN = 16 << 10,
};

const weft_type weft_ssh_window_type = {.name = "weft.ssh_window", .size = sizeof(weft_ssh_window)};
const weft_type weft_ssh_exited_type = {.name = "weft.ssh_exited", .size = sizeof(weft_ssh_exited)};
const weft_type weft_ssh_signal_type = {.name = "weft.ssh_signal", .size = sizeof(weft_ssh_signal)};

/* ---- slots */

wf_ssh_slot *wf_ssh_slot_new(wf_ssh_conn *c, wf_ssh_channel *channel)
{
    static const char *const no_env[] = {NULL};
    wf_ssh_slot *slot = weft_alloc_zero(sizeof *slot);
    if (slot == NULL)
        return NULL;
    slot->conn = c;
    slot->channel = channel;
    slot->session = (weft_ssh_session){.user = c->user,
                                       .command = "",
                                       .env = no_env,
                                       .term = "",
                                       .peer = c->peer,
                                       .local = c->local,
                                       .by = c->by};
    slot->next = c->slots;
    c->slots = slot;
    wf_ssh_channel_set_user(channel, slot);
    return slot;
}

static void slot_free(wf_ssh_slot *slot)
{
    for (uint32_t i = 0; i < slot->env_count; i++)
        weft_alloc_free(slot->env[i]);
    weft_alloc_free(slot->env);
    weft_alloc_free(slot->command);
    weft_alloc_free(slot->term);
    weft_drop(&slot->request);
    weft_alloc_free(slot);
}

void wf_ssh_slot_done(wf_ssh_slot *slot)
{
    if (slot->channel != NULL || slot->leaf != NULL || slot->error != NULL || slot->served ||
        slot->request != NULL)
        return;
    wf_ssh_slot **at = &slot->conn->slots;
    while (*at != slot)
        at = &(*at)->next;
    *at = slot->next;
    slot_free(slot);
}

void wf_ssh_slots_free(wf_ssh_conn *c)
{
    while (c->slots != NULL) {
        wf_ssh_slot *slot = c->slots;
        c->slots = slot->next;
        slot_free(slot);
    }
}

void wf_ssh_lose(wf_ssh_conn *c, const char *why)
{
    for (wf_ssh_slot *slot = c->slots, *next; slot != NULL; slot = next) {
        next = slot->next;
        /* closing the second of its leaves may be the end of the slot */
        weft_leaf *leaf = slot->leaf, *error = slot->error;
        wf_ssh_channel *channel = leaf == NULL ? slot->channel : NULL;
        if (channel != NULL) {
            wf_ssh_channel_free(channel);
            slot->channel = NULL;
        }
        if (leaf == NULL && error == NULL)
            wf_ssh_slot_done(slot);
        if (error != NULL)
            weft_leaf_lost(error, WEFT_ELOST, why);
        if (leaf != NULL)
            weft_leaf_lost(leaf, WEFT_ELOST, why);
    }
}

/* ---- what has happened */

void wf_ssh_tell(weft_actor *self, const wf_ssh_slot *slot, const weft_type *type, const void *body)
{
    if (slot->served && weft_event(self, slot->service, type, body) == WEFT_ENOMEM)
        weft_log(self, WEFT_WARNING, "no memory to tell a service of a %s", type->name);
}

static bool has_room(const wf_ssh_slot *slot)
{
    return !slot->conn->blocked && slot->conn->written < WRITTEN_MAX && slot->channel != NULL &&
           wf_ssh_channel_room(slot->channel) > 0;
}

/* A client's owner hears how it ended before it hears that nothing more comes, for that may be the end of the stream. */
static bool has_ended(const wf_ssh_slot *slot)
{
    return wf_ssh_channel_ended(slot->channel) &&
           (weft_ref_is_nobody(slot->owner) || slot->told_exit);
}

static unsigned ready(const wf_ssh_slot *slot)
{
    unsigned events = 0;
    if (slot->channel == NULL)
        return WEFT_READABLE | WEFT_WRITABLE;
    if (wf_ssh_channel_waiting(slot->channel) > 0 || has_ended(slot))
        events |= WEFT_READABLE;
    if (has_room(slot) || wf_ssh_channel_closed(slot->channel))
        events |= WEFT_WRITABLE;
    return events;
}

static unsigned error_ready(const wf_ssh_slot *slot)
{
    unsigned events = ready(slot) & WEFT_WRITABLE;
    if (slot->channel == NULL || wf_ssh_channel_error_waiting(slot->channel) > 0 ||
        wf_ssh_channel_closed(slot->channel) || wf_ssh_channel_error_ended(slot->channel))
        events |= WEFT_READABLE;
    return events;
}

/* A client's owner hears how it ended once, whatever the host says. */
static void look_at_exit(weft_actor *self, wf_ssh_slot *slot)
{
    weft_ssh_exited exited = {.stream = slot->stream, .code = -1};
    if (slot->channel == NULL || slot->leaf == NULL || slot->told_exit)
        return;
    if (wf_ssh_channel_exited(slot->channel, &exited.code, exited.signal, &exited.core)) {
        if (exited.signal[0] != '\0')
            exited.code = -1;
    } else if (!wf_ssh_channel_closed(slot->channel)) {
        return;
    }
    slot->told_exit = true;
    if (weft_event(self, slot->owner, &weft_ssh_exited_type, &exited) == WEFT_ENOMEM)
        weft_leaf_lost(slot->leaf, WEFT_ENOMEM, "no memory to tell how it ended");
}

static void look_at(weft_actor *self, wf_ssh_slot *slot)
{
    weft_ssh_signal signal = {.stream = slot->stream};
    if (slot->channel != NULL && wf_ssh_channel_signal(slot->channel, signal.name) != NULL &&
        slot->served)
        wf_ssh_tell(self, slot, &weft_ssh_signal_type, &signal);
    /* closed before anything was asked of it, or after the service was done */
    if (slot->channel != NULL && slot->leaf == NULL && slot->error == NULL &&
        slot->request == NULL && wf_ssh_channel_closed(slot->channel)) {
        wf_ssh_channel_free(slot->channel);
        slot->channel = NULL;
        wf_ssh_slot_done(slot);
        return;
    }
    /* a service that neither reads nor writes would not hear of it: nobody is there for whom it goes on */
    if (slot->leaf != NULL && slot->ended && slot->channel != NULL &&
        weft_ref_is_nobody(slot->owner) && wf_ssh_channel_closed(slot->channel)) {
        weft_leaf_lost(slot->leaf, WEFT_ELOST, "the peer has closed the channel");
        return;
    }
    /* a read that fails closes its leaf, and the last one's end is that of the slot */
    weft_leaf *leaf = slot->leaf, *error = slot->error;
    unsigned events = ready(slot) & slot->want, error_events = error_ready(slot) & slot->want_error;
    if (error != NULL && error_events != 0)
        weft_leaf_ready(error, error_events);
    if (leaf != NULL && events != 0)
        weft_leaf_ready(leaf, events);
}

void wf_ssh_look(weft_actor *self)
{
    wf_ssh_conn *c = weft_state(self);
    for (wf_ssh_slot *slot = c->slots, *next; slot != NULL; slot = next) {
        next = slot->next;
        if (!weft_ref_is_nobody(slot->owner))
            look_at_exit(self, slot);
    }
    for (wf_ssh_slot *slot = c->slots, *next; slot != NULL; slot = next) {
        next = slot->next;
        look_at(self, slot);
    }
}

/* ---- the leaves */

/* All of it: libssh gives the peer its whole window again whenever some of it was read, whatever is left, so that
 * what a slow owner leaves would be more and more. */
static weft_err read_from(weft_leaf *leaf, size_t n, bool error, weft_bytes *out)
{
    wf_ssh_slot *slot = weft_leaf_context(leaf);
    uint8_t *to;
    weft_err err = weft_bytes_charged(n, weft_leaf_window(leaf), &to, out);
    if (err != WEFT_OK)
        return err;
    out->size = error ? wf_ssh_channel_error_read(slot->channel, to, n)
                      : wf_ssh_channel_read(slot->channel, to, n);
    weft_hook_queue(&slot->conn->hook); /* the peer is told of the room */
    if (out->size != 0)
        return WEFT_OK;
    weft_bytes_drop(out);
    return WEFT_EFULL;
}

static weft_err leaf_read(weft_leaf *leaf, weft_bytes *out, weft_why *why)
{
    wf_ssh_slot *slot = weft_leaf_context(leaf);
    (void)why;
    size_t n = slot->channel != NULL ? wf_ssh_channel_waiting(slot->channel) : 0;
    if (n != 0)
        return read_from(leaf, n, false, out);
    slot->ended = slot->channel == NULL || has_ended(slot);
    return slot->ended ? WEFT_EDONE : WEFT_EFULL;
}

/* Much of it goes to the socket below the connection at once, if that is all there is; a few bytes are better
 * gathered. */
static size_t write_some(wf_ssh_slot *slot, const uint8_t *at, size_t size, bool error)
{
    wf_ssh_conn *c = slot->conn;
    weft_actor *self = weft_actor_of_state(c);
    int socket = size >= DIRECT_MIN ? weft_stream_socket(self, c->stream) : -1;
    bool direct = socket >= 0 && wf_ssh_direct_begin(c->ssh, socket);
    size_t n = wf_ssh_channel_write(slot->channel, at, size, error);
    if (direct && wf_ssh_direct_end(c->ssh))
        wf_ssh_heard(self, c);
    return n;
}

/* libssh takes a packet at a time. */
static size_t write_bytes(wf_ssh_slot *slot, weft_bytes bytes, bool error)
{
    size_t done = 0;
    while (done < bytes.size && has_room(slot)) {
        size_t size = bytes.size - done, room = WRITTEN_MAX - slot->conn->written;
        if (size > room + WF_SSH_WRITTEN_OVER)
            size = room;
        size_t n = write_some(slot, bytes.at + done, size, error);
        if (n == 0)
            break;
        slot->conn->written += (uint32_t)n;
        done += n;
    }
    return done;
}

static weft_err write_to(wf_ssh_slot *slot, const weft_leaf_item *items, unsigned n, size_t *sent,
                         bool error, weft_why *why)
{
    *sent = 0;
    if (slot->channel == NULL || wf_ssh_channel_closed(slot->channel)) {
        if (weft_ref_is_nobody(slot->owner))
            return weft_because(why, WEFT_ELOST, "the peer has closed the channel");
        /* a command that has ended reads no more; what it said is still to be read */
        for (unsigned i = 0; i < n; i++)
            *sent += items[i].bytes.size;
        return WEFT_OK;
    }
    weft_hook_queue(&slot->conn->hook);
    for (unsigned i = 0; i < n; i++) {
        if (items[i].file != NULL)
            return *sent != 0 ? WEFT_OK : WEFT_EUNSUPPORTED; /* then it comes as bytes */
        size_t done = write_bytes(slot, items[i].bytes, error);
        *sent += done;
        if (done < items[i].bytes.size)
            return WEFT_EFULL;
    }
    return WEFT_OK;
}

static weft_err leaf_write(weft_leaf *leaf, const weft_leaf_item *items, unsigned n, size_t *sent,
                           weft_why *why)
{
    return write_to(weft_leaf_context(leaf), items, n, sent, false, why);
}

static void leaf_want(weft_leaf *leaf, unsigned events)
{
    wf_ssh_slot *slot = weft_leaf_context(leaf);
    slot->want = events;
    if ((ready(slot) & events) != 0)
        weft_hook_queue(&slot->conn->hook);
}

static void leaf_end(weft_leaf *leaf)
{
    wf_ssh_slot *slot = weft_leaf_context(leaf);
    if (slot->channel != NULL)
        wf_ssh_channel_end(slot->channel);
    weft_hook_queue(&slot->conn->hook);
}

static void say_exit(wf_ssh_slot *slot)
{
    if (slot->signal[0] != '\0')
        wf_ssh_channel_exit_signal(slot->channel, slot->signal, slot->core);
    else if (slot->exits)
        wf_ssh_channel_exit(slot->channel, slot->code);
}

static void close_channel(wf_ssh_slot *slot)
{
    say_exit(slot);
    wf_ssh_channel_free(slot->channel);
    slot->channel = NULL;
    if (!slot->conn->over)
        weft_hook_queue(&slot->conn->hook);
}

/* What a command said as errors may be read when its output has ended, and its stream. */
static bool has_unread_errors(const wf_ssh_slot *slot)
{
    return slot->error != NULL && wf_ssh_channel_ended(slot->channel) &&
           wf_ssh_channel_error_waiting(slot->channel) > 0;
}

static void leaf_close(weft_leaf *leaf, bool abort)
{
    wf_ssh_slot *slot = weft_leaf_context(leaf);
    (void)abort;
    slot->leaf = NULL;
    if (slot->channel != NULL && !has_unread_errors(slot))
        close_channel(slot);
    wf_ssh_slot_done(slot);
}

static void leaf_addresses(weft_leaf *leaf, weft_address *local, weft_address *peer)
{
    const wf_ssh_slot *slot = weft_leaf_context(leaf);
    *local = slot->conn->local;
    *peer = slot->conn->peer;
}

static weft_err leaf_nodelay(weft_leaf *leaf, bool on)
{
    (void)leaf, (void)on;
    return WEFT_EUNSUPPORTED;
}

const weft_leaf_ops wf_ssh_leaf = {
    .name = "ssh",
    .read = leaf_read,
    .write = leaf_write,
    .want = leaf_want,
    .end = leaf_end,
    .close = leaf_close,
    .addresses = leaf_addresses,
    .nodelay = leaf_nodelay,
};

static weft_err error_read(weft_leaf *leaf, weft_bytes *out, weft_why *why)
{
    const wf_ssh_slot *slot = weft_leaf_context(leaf);
    (void)why;
    size_t n = slot->channel != NULL ? wf_ssh_channel_error_waiting(slot->channel) : 0;
    if (n != 0)
        return read_from(leaf, n, true, out);
    return slot->channel == NULL || wf_ssh_channel_error_ended(slot->channel) ? WEFT_EDONE
                                                                              : WEFT_EFULL;
}

static weft_err error_write(weft_leaf *leaf, const weft_leaf_item *items, unsigned n, size_t *sent,
                            weft_why *why)
{
    wf_ssh_slot *slot = weft_leaf_context(leaf);
    *sent = 0;
    if (!weft_ref_is_nobody(slot->owner))
        return weft_because(why, WEFT_EUNSUPPORTED, "what a host says as errors is only read");
    return write_to(slot, items, n, sent, true, why);
}

static void error_want(weft_leaf *leaf, unsigned events)
{
    wf_ssh_slot *slot = weft_leaf_context(leaf);
    slot->want_error = events;
    if ((error_ready(slot) & events) != 0)
        weft_hook_queue(&slot->conn->hook);
}

static void error_end(weft_leaf *leaf)
{
    (void)leaf; /* the protocol knows the end of the channel alone */
}

static void error_close(weft_leaf *leaf, bool abort)
{
    wf_ssh_slot *slot = weft_leaf_context(leaf);
    (void)abort;
    slot->error = NULL;
    if (slot->leaf == NULL && slot->channel != NULL && slot->request == NULL)
        close_channel(slot);
    wf_ssh_slot_done(slot);
}

const weft_leaf_ops wf_ssh_leaf_error = {
    .name = "ssh-stderr",
    .read = error_read,
    .write = error_write,
    .want = error_want,
    .end = error_end,
    .close = error_close,
    .addresses = leaf_addresses,
    .nodelay = leaf_nodelay,
};

/* ---- what services ask and say */

static wf_ssh_slot *slot_of(weft_ref stream)
{
    weft_leaf *leaf = weft_leaf_of(stream, &wf_ssh_leaf);
    wf_ssh_slot *slot = leaf != NULL ? weft_leaf_context(leaf) : NULL;
    return slot != NULL && weft_ref_is_nobody(slot->owner) ? slot : NULL;
}

const weft_ssh_session *weft_ssh_session_of(weft_ref stream)
{
    const wf_ssh_slot *slot = slot_of(stream);
    return slot != NULL ? &slot->session : NULL;
}

weft_ref weft_ssh_stderr(weft_actor *self, weft_ref stream)
{
    wf_ssh_slot *slot = slot_of(stream);
    weft_ref made;
    if (slot == NULL || slot->error != NULL || slot->channel == NULL)
        return WEFT_NOBODY;
    slot->error = weft_leaf_new(self, &wf_ssh_leaf_error, slot, weft_self(self), &made);
    if (slot->error == NULL)
        return WEFT_NOBODY;
    weft_leaf_begin(slot->error);
    return made;
}

weft_err weft_ssh_exit(weft_actor *self, weft_ref stream, int code)
{
    wf_ssh_slot *slot = slot_of(stream);
    (void)self;
    if (slot == NULL)
        return WEFT_EGONE;
    slot->exits = true;
    slot->code = code;
    return WEFT_OK;
}

weft_err weft_ssh_exit_signal(weft_actor *self, weft_ref stream, const char *signal, bool core)
{
    wf_ssh_slot *slot = slot_of(stream);
    (void)self;
    if (slot == NULL)
        return WEFT_EGONE;
    (void)snprintf(slot->signal, sizeof slot->signal, "%s", signal);
    slot->core = core;
    return WEFT_OK;
}
