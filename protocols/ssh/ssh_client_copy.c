/* SPDX-License-Identifier: MIT */
/* The actor of a copy: its two ends, packets to and from them, and how it is over. */
#include "ssh_client_copy.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <weft/net.h>

enum { VERSION = 3, PACKET_MAX = WEFT_SFTP_PACKET_BYTES_MAX + 4 };

/* ---- the end */

void wf_ssh_copy_over(weft_actor *self, wf_ssh_copy *c, weft_err err, const char *why)
{
    if (c->done)
        return;
    c->done = true;
    if (err == WEFT_OK)
        (void)weft_reply_body(c->request, &weft_ssh_copied_type, &c->copied);
    else
        (void)weft_fail(c->request, err, "%s", why);
    weft_drop(&c->request);
    if (!weft_ref_is_nobody(c->from.stream))
        (void)weft_close(self, c->from.stream);
    if (!weft_ref_is_nobody(c->to.stream))
        (void)weft_close(self, c->to.stream);
    (void)weft_stop(self, WEFT_OK);
}

static weft_err err_of(wf_sftp_status status)
{
    switch (status) {
    case SFTP_NO_SUCH_FILE:
        return WEFT_ENOTFOUND;
    case SFTP_PERMISSION_DENIED:
        return WEFT_EDENIED;
    case SFTP_OP_UNSUPPORTED:
        return WEFT_EUNSUPPORTED;
    case SFTP_BAD_MESSAGE:
        return WEFT_EPROTO;
    default:
        return WEFT_EIO;
    }
}

void wf_ssh_copy_refused(weft_actor *self, wf_ssh_copy *c, const wf_ssh_end *end,
                         const wf_sftp_reply *reply)
{
    char why[WEFT_WHY_BYTES];
    if (reply->type != SFTP_STATUS || reply->status == SFTP_OK) {
        (void)snprintf(why, sizeof why, "%s: a reply of SFTP that was not asked for", end->where);
        wf_ssh_copy_over(self, c, WEFT_EPROTO, why);
        return;
    }
    int n = snprintf(why, sizeof why, "%s: %.60s%.40s: ", end->where, end->root,
                     c->item != NULL ? c->item->path : "");
    size_t room = sizeof why - (size_t)n - 1, size = reply->text.size;
    size = size < room ? size : room;
    /* what a host says is shown, and nothing that a terminal would obey */
    for (size_t i = 0; i < size; i++)
        why[(size_t)n + i] =
            reply->text.at[i] >= ' ' && reply->text.at[i] < 127 ? (char)reply->text.at[i] : '?';
    why[(size_t)n + size] = '\0';
    wf_ssh_copy_over(self, c, err_of(reply->status), why);
}

/* ---- packets out */

wf_sftp_out wf_ssh_copy_begin(wf_ssh_end *end, uint8_t type, uint32_t *id)
{
    uint8_t *block = weft_read_block();
    wf_sftp_out out = {.at = block, .max = block != NULL ? WEFT_READ_BYTES_MAX : 0};
    *id = type == SFTP_INIT ? VERSION : ++end->next_id;
    wf_sftp_begin(&out, type, *id);
    return out;
}

void wf_ssh_copy_send(weft_actor *self, wf_ssh_copy *c, const wf_ssh_end *end, wf_sftp_out *out)
{
    weft_err err = wf_sftp_end(out)  ? weft_write_copy(self, end->stream, out->at, out->size)
                   : out->at == NULL ? WEFT_ENOMEM
                                     : WEFT_ETOOBIG;
    /* one that is gone says so itself */
    if (err != WEFT_OK && err != WEFT_EGONE)
        wf_ssh_copy_over(self, c, err, "unable to send a request of SFTP");
}

void wf_ssh_copy_ask(weft_actor *self, wf_ssh_copy *c, wf_ssh_end *end, wf_sftp_out *out,
                     wf_ssh_copy_fn *then)
{
    c->asked = end;
    c->asked_id = end->next_id;
    c->then = then;
    wf_ssh_copy_send(self, c, end, out);
}

void wf_ssh_copy_put_path(wf_sftp_out *out, const wf_ssh_copy *c, const wf_ssh_end *end)
{
    const char *path = c->item->path;
    size_t n = strnlen(end->root, PATH_MAX), more = strnlen(path, PATH_MAX);
    /* beneath a root without a name the path begins with its own one */
    if (n == 0 && more != 0) {
        path++;
        more--;
    }
    uint8_t *to = wf_sftp_reserve(out, n + more);
    if (to == NULL)
        return;
    memcpy(to, end->root, n);
    memcpy(to + n, path, more);
    wf_sftp_cut(out, n + more, n + more);
}

/* ---- packets in */

static void on_reply(weft_actor *self, wf_ssh_copy *c, wf_ssh_end *end, wf_sftp_reply *reply)
{
    if (!end->up) {
        if (reply->type != SFTP_VERSION || reply->id < VERSION) {
            wf_ssh_copy_over(self, c, WEFT_EUNSUPPORTED, "the host speaks another SFTP");
            return;
        }
        end->up = true;
        if (c->from.up && c->to.up)
            wf_ssh_copy_items(self, c);
        return;
    }
    if (end == c->asked && reply->id == c->asked_id) {
        c->asked = NULL;
        c->then(self, c, reply);
    } else if (!wf_ssh_copy_part(self, c, end, reply)) {
        wf_ssh_copy_over(self, c, WEFT_EPROTO, "a reply of SFTP to nothing that was asked");
    }
}

/* false: it is no packet, and nothing can follow. */
static bool take_packets(weft_actor *self, wf_ssh_copy *c, wf_ssh_end *end)
{
    wf_sftp_reply reply;
    size_t at = 0, bytes = 0;
    while (!c->done) {
        if (!wf_sftp_packet(end->in + at, end->in_size - at, PACKET_MAX, &bytes))
            return false;
        if (bytes == 0 || bytes > end->in_size - at)
            break;
        if (!wf_sftp_read_reply(end->in + at, bytes, &reply))
            return false;
        on_reply(self, c, end, &reply);
        at += bytes;
    }
    end->in_size -= at;
    memmove(end->in, end->in + at, end->in_size);
    return true;
}

static wf_ssh_end *end_of(wf_ssh_copy *c, weft_ref stream)
{
    if (weft_ref_same(stream, c->from.stream))
        return &c->from;
    return weft_ref_same(stream, c->to.stream) ? &c->to : NULL;
}

static weft_err on_data(weft_actor *self, weft_msg *msg)
{
    const weft_data *data = weft_body(msg);
    wf_ssh_copy *c = weft_state(self);
    wf_ssh_end *end = end_of(c, data->stream);
    for (size_t at = 0; end != NULL && !c->done && at < data->bytes.size;) {
        size_t n = data->bytes.size - at, room = PACKET_MAX - end->in_size;
        n = n < room ? n : room;
        memcpy(end->in + end->in_size, data->bytes.at + at, n);
        end->in_size += n;
        at += n;
        if (!take_packets(self, c, end))
            wf_ssh_copy_over(self, c, WEFT_EPROTO, "what comes is no SFTP");
    }
    return WEFT_OK;
}

/* ---- beginning */

static void greet(weft_actor *self, wf_ssh_copy *c, wf_ssh_end *end)
{
    uint32_t id;
    wf_sftp_out out = wf_ssh_copy_begin(end, SFTP_INIT, &id);
    wf_ssh_copy_send(self, c, end, &out);
}

/* This machine's end: a server of the folder that the path is in. */
static weft_err begin_here(weft_actor *self, wf_ssh_copy *c, wf_ssh_end *end)
{
    weft_ref ends[2], server = weft_spawn(self, &weft_ssh_sftp, &c->here);
    if (weft_ref_is_nobody(server))
        return WEFT_ENOMEM;
    weft_err err = weft_pair(self, weft_self(self), server, ends);
    if (err != WEFT_OK)
        return err;
    end->stream = ends[0];
    greet(self, c, end);
    return WEFT_OK;
}

static weft_err on_open(weft_actor *self, weft_deferred *next, const weft_outcome *got)
{
    wf_ssh_copy *c = weft_state(self);
    (void)next;
    if (c->done)
        return WEFT_OK;
    if (got->err != WEFT_OK) {
        bool none = got->err == WEFT_EDENIED && strstr(got->why, "does not do that") != NULL;
        wf_ssh_copy_over(self, c, none ? WEFT_EUNSUPPORTED : got->err,
                         none ? "the host has no sftp" : got->why);
        return WEFT_OK;
    }
    bool to_host = ((const wf_ssh_wish *)weft_body(c->request))->to_host;
    wf_ssh_end *there = to_host ? &c->to : &c->from;
    there->stream = ((const weft_ssh_channel *)got->body)->stream;
    greet(self, c, there);
    if (!c->done && begin_here(self, c, to_host ? &c->from : &c->to) != WEFT_OK)
        wf_ssh_copy_over(self, c, WEFT_ENOMEM, "no memory for this end of a copy");
    return WEFT_OK;
}

/* "a/b" is b in the folder a; what has no name of its own is the folder. */
static bool split_local(wf_ssh_copy *c, const char *local, const char **name)
{
    size_t n = strlen(local);
    while (n > 1 && local[n - 1] == '/')
        n--;
    size_t slash = n;
    while (slash > 0 && local[slash - 1] != '/')
        slash--;
    size_t last = n - slash;
    bool is_folder = (last == 1 && local[slash] == '.') || last == 0 ||
                     (last == 2 && memcmp(local + slash, "..", 2) == 0);
    c->root = weft_alloc(n + 4);
    if (c->root == NULL)
        return false;
    size_t folder = is_folder ? n : slash > 1 ? slash - 1 : slash;
    memcpy(c->root, local, folder);
    if (folder == 0)
        c->root[folder++] = '.';
    c->root[folder] = '\0';
    /* the name stands behind it */
    *name = "";
    if (is_folder)
        return true;
    char *text = weft_alloc(last + 1);
    if (text == NULL)
        return false;
    memcpy(text, local + slash, last);
    text[last] = '\0';
    c->name = text;
    *name = text;
    return true;
}

static weft_err on_copy(weft_actor *self, weft_msg *msg)
{
    const wf_ssh_wish *wish = weft_body(msg);
    wf_ssh_copy *c = weft_state(self);
    wf_ssh_end *here = wish->to_host ? &c->from : &c->to,
               *there = wish->to_host ? &c->to : &c->from;
    static const char sftp[] = "sftp\0";
    weft_bytes text;
    uint8_t *to;
    c->request = weft_keep(msg);
    here->is_here = true;
    here->where = "here";
    there->where = "there";
    there->root = wf_ssh_wish_text(wish, 1);
    c->from.in = weft_alloc(PACKET_MAX);
    c->to.in = weft_alloc(PACKET_MAX);
    if (c->from.in == NULL || c->to.in == NULL ||
        !split_local(c, wf_ssh_wish_text(wish, 0), &here->root) ||
        weft_bytes_new(sizeof sftp, &to, &text) != WEFT_OK) {
        wf_ssh_copy_over(self, c, WEFT_ENOMEM, "no memory for a copy");
        return WEFT_OK;
    }
    memcpy(to, sftp, sizeof sftp);
    c->here = (weft_ssh_sftp_config){.root = c->root, .read_only = wish->to_host};
    const wf_ssh_wish channel = {.kind = WEFT_SSH_SUBSYSTEM, .text = text};
    (void)weft_ignore(self, weft_finally(self,
                                         weft_ask_body(self, weft_parent(self), &wf_ssh_open_type,
                                                       &channel, WEFT_INHERIT),
                                         on_open));
    weft_bytes_drop(&text);
    return WEFT_OK;
}

/* ---- messages */

static weft_err on_ended(weft_actor *self, weft_msg *msg)
{
    wf_ssh_copy *c = weft_state(self);
    if (end_of(c, ((const weft_ended *)weft_body(msg))->stream) != NULL)
        wf_ssh_copy_over(self, c, WEFT_ELOST, "one end of a copy has ended in the middle");
    return WEFT_OK;
}

static weft_err on_closed(weft_actor *self, weft_msg *msg)
{
    const weft_closed *closed = weft_body(msg);
    wf_ssh_copy *c = weft_state(self);
    if (end_of(c, closed->stream) != NULL)
        wf_ssh_copy_over(self, c, closed->reason == WEFT_EDONE ? WEFT_ELOST : closed->reason,
                         closed->why);
    return WEFT_OK;
}

static weft_err on_cancelled(weft_actor *self, weft_msg *msg)
{
    (void)msg;
    wf_ssh_copy_over(self, weft_state(self), WEFT_ECANCELLED, "nobody wants it any more");
    return WEFT_OK;
}

static void copy_ended(weft_actor *self, weft_err reason)
{
    wf_ssh_copy *c = weft_state(self);
    (void)self, (void)reason;
    if (c->request != NULL)
        (void)weft_fail(c->request, WEFT_EGONE, "the client has ended");
    weft_drop(&c->request);
    wf_ssh_copy_part_done(c);
    wf_ssh_copy_items_free(c);
    weft_alloc_free(c->root);
    weft_alloc_free(c->name);
    weft_alloc_free(c->from.in);
    weft_alloc_free(c->to.in);
}

static const weft_handler handlers[] = {
    {.type = &wf_ssh_copy_type, .fn = on_copy},
    {.type = &weft_cancelled_type, .fn = on_cancelled},
    {.type = &weft_data_type, .fn = on_data},
    {.type = &weft_ended_type, .fn = on_ended},
    {.type = &weft_closed_type, .fn = on_closed},
    {0},
};

const weft_behaviour wf_ssh_client_copy = {.name = "ssh.copy",
                                           .handlers = handlers,
                                           .state_bytes = sizeof(wf_ssh_copy),
                                           .ended = copy_ended};
