/* SPDX-License-Identifier: MIT */
/* One file of a copy: opened at both ends, read in parts of which several are under way, closed.
 *
 * It ends where the reading end says so, whatever size it had when it was looked at. */
#include <string.h>

#include "ssh_client_copy.h"

/* ---- closing */

static void on_from_closed(weft_actor *self, wf_ssh_copy *c, wf_sftp_reply *reply)
{
    (void)reply; /* nothing was written there */
    c->copied.files++;
    wf_ssh_copy_next(self, c);
}

static void close_from(weft_actor *self, wf_ssh_copy *c)
{
    uint32_t id;
    wf_sftp_out out = wf_ssh_copy_begin(&c->from, SFTP_CLOSE, &id);
    wf_sftp_put_text(&out, c->from.handle, c->from.handle_size);
    wf_ssh_copy_ask(self, c, &c->from, &out, on_from_closed);
}

static void on_placed(weft_actor *self, wf_ssh_copy *c, wf_sftp_reply *reply)
{
    if (reply->type != SFTP_STATUS || reply->status != SFTP_OK) {
        wf_ssh_copy_refused(self, c, &c->to, reply);
        return;
    }
    weft_alloc_free(c->part_path);
    c->part_path = NULL;
    close_from(self, c);
}

/* A disk that is full may say so here. */
static void on_to_closed(weft_actor *self, wf_ssh_copy *c, wf_sftp_reply *reply)
{
    if (reply->type != SFTP_STATUS || reply->status != SFTP_OK)
        wf_ssh_copy_refused(self, c, &c->to, reply);
    else if (c->part_path != NULL)
        wf_ssh_copy_place(self, c, on_placed);
    else
        close_from(self, c);
}

static void close_both(weft_actor *self, wf_ssh_copy *c)
{
    uint32_t id;
    wf_sftp_out out = wf_ssh_copy_begin(&c->to, SFTP_CLOSE, &id);
    wf_sftp_put_text(&out, c->to.handle, c->to.handle_size);
    wf_ssh_copy_ask(self, c, &c->to, &out, on_to_closed);
}

/* ---- parts */

static void read_part(weft_actor *self, wf_ssh_copy *c, wf_ssh_part *p, uint64_t offset,
                      uint32_t length)
{
    p->is = WF_SSH_READING;
    p->offset = offset;
    p->length = length;
    wf_sftp_out out = wf_ssh_copy_begin(&c->from, SFTP_READ, &p->id);
    wf_sftp_put_text(&out, c->from.handle, c->from.handle_size);
    wf_sftp_put64(&out, offset);
    wf_sftp_put32(&out, length);
    wf_ssh_copy_send(self, c, &c->from, &out);
}

static void go_on(weft_actor *self, wf_ssh_copy *c)
{
    bool busy = false;
    for (int i = 0; i < WF_SSH_PIECES && !c->done; i++) {
        wf_ssh_part *p = &c->part[i];
        if (p->is == WF_SSH_UNUSED && c->next_offset < c->end) {
            read_part(self, c, p, c->next_offset, WF_SSH_PIECE_BYTES);
            c->next_offset += WF_SSH_PIECE_BYTES;
        }
        busy |= p->is != WF_SSH_UNUSED;
    }
    if (!busy && !c->done)
        close_both(self, c);
}

static void on_read(weft_actor *self, wf_ssh_copy *c, wf_ssh_part *p, const wf_sftp_reply *reply)
{
    if (reply->type == SFTP_STATUS && reply->status == SFTP_EOF) {
        p->is = WF_SSH_UNUSED;
        c->end = p->offset < c->end ? p->offset : c->end;
        go_on(self, c);
        return;
    }
    if (reply->type != SFTP_DATA || reply->text.size == 0 || reply->text.size > p->length) {
        wf_ssh_copy_refused(self, c, &c->from, reply);
        return;
    }
    p->is = WF_SSH_WRITING;
    uint32_t got = reply->text.size;
    wf_sftp_out out = wf_ssh_copy_begin(&c->to, SFTP_WRITE, &p->id);
    wf_sftp_put_text(&out, c->to.handle, c->to.handle_size);
    wf_sftp_put64(&out, p->offset);
    wf_sftp_put_text(&out, reply->text.at, got);
    wf_ssh_copy_send(self, c, &c->to, &out);
    c->copied.bytes += got;
    p->offset += got;
    p->length -= got; /* what is left of it is asked for when this is written */
}

static void on_written(weft_actor *self, wf_ssh_copy *c, wf_ssh_part *p, const wf_sftp_reply *reply)
{
    if (reply->type != SFTP_STATUS || reply->status != SFTP_OK) {
        wf_ssh_copy_refused(self, c, &c->to, reply);
        return;
    }
    p->is = WF_SSH_UNUSED;
    if (p->length != 0 && p->offset < c->end)
        read_part(self, c, p, p->offset, p->length);
    else
        go_on(self, c);
}

bool wf_ssh_copy_part(weft_actor *self, wf_ssh_copy *c, const wf_ssh_end *end,
                      const wf_sftp_reply *reply)
{
    for (int i = 0; i < WF_SSH_PIECES; i++) {
        wf_ssh_part *p = &c->part[i];
        if (p->is == WF_SSH_UNUSED || p->id != reply->id ||
            end != (p->is == WF_SSH_READING ? &c->from : &c->to))
            continue;
        if (p->is == WF_SSH_READING)
            on_read(self, c, p, reply);
        else
            on_written(self, c, p, reply);
        return true;
    }
    return false;
}

/* ---- opening */

static bool keep_handle(wf_ssh_end *end, const wf_sftp_reply *reply)
{
    if (reply->type != SFTP_HANDLE || reply->text.size > WF_SFTP_HANDLE_MAX)
        return false;
    memcpy(end->handle, reply->text.at, reply->text.size);
    end->handle_size = reply->text.size;
    return true;
}

static void open_to(weft_actor *self, wf_ssh_copy *c);

static void on_to_open(weft_actor *self, wf_ssh_copy *c, wf_sftp_reply *reply)
{
    if (c->part_path != NULL && reply->type == SFTP_STATUS) {
        /* a folder where nothing can be made may have a file that can be written */
        weft_alloc_free(c->part_path);
        c->part_path = NULL;
        open_to(self, c);
        return;
    }
    if (!keep_handle(&c->to, reply)) {
        wf_ssh_copy_refused(self, c, &c->to, reply);
        return;
    }
    c->next_offset = 0;
    c->end = UINT64_MAX;
    go_on(self, c);
}

static void open_to(weft_actor *self, wf_ssh_copy *c)
{
    const wf_sftp_attrs attrs = {.has = SFTP_HAS_MODE, .mode = c->item->mode & 0777};
    uint32_t id;
    wf_sftp_out out = wf_ssh_copy_begin(&c->to, SFTP_OPEN, &id);
    if (c->part_path != NULL)
        wf_sftp_put_text(&out, c->part_path, strlen(c->part_path));
    else
        wf_ssh_copy_put_path(&out, c, &c->to);
    wf_sftp_put32(&out, SFTP_TO_WRITE | SFTP_TO_CREATE |
                            (c->part_path != NULL ? SFTP_EXCLUSIVE : SFTP_TO_TRUNCATE));
    wf_sftp_put_attrs(&out, &attrs);
    wf_ssh_copy_ask(self, c, &c->to, &out, on_to_open);
}

static void on_to_looked_at(weft_actor *self, wf_ssh_copy *c, wf_sftp_reply *reply)
{
    if (!wf_ssh_copy_choose_part(self, c, reply))
        wf_ssh_copy_over(self, c, WEFT_ENOMEM, "no memory for the name of a file");
    else
        open_to(self, c);
}

static void on_from_open(weft_actor *self, wf_ssh_copy *c, wf_sftp_reply *reply)
{
    uint32_t id;
    if (!keep_handle(&c->from, reply)) {
        wf_ssh_copy_refused(self, c, &c->from, reply);
        return;
    }
    if (!c->to.is_here) {
        open_to(self, c);
        return;
    }
    wf_sftp_out out = wf_ssh_copy_begin(&c->to, SFTP_LSTAT, &id);
    wf_ssh_copy_put_path(&out, c, &c->to);
    wf_ssh_copy_ask(self, c, &c->to, &out, on_to_looked_at);
}

void wf_ssh_copy_file(weft_actor *self, wf_ssh_copy *c)
{
    const wf_sftp_attrs none = {0};
    uint32_t id;
    wf_sftp_out out = wf_ssh_copy_begin(&c->from, SFTP_OPEN, &id);
    wf_ssh_copy_put_path(&out, c, &c->from);
    wf_sftp_put32(&out, SFTP_TO_READ);
    wf_sftp_put_attrs(&out, &none);
    wf_ssh_copy_ask(self, c, &c->from, &out, on_from_open);
}
