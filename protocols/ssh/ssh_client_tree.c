/* SPDX-License-Identifier: MIT */
/* What a copy has to do, one item after the other: a folder is made, and what is in it becomes items.
 *
 * The names a host lists are names of files to be written here, so one that is none (with a slash in it, or "..")
 * ends the copy: nothing it says leads out of the folder that is filled. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ssh_client_copy.h"

enum { ITEMS_MAX = 100000, DEPTH_MAX = 64 };

static const wf_ssh_wish *wish_of(const wf_ssh_copy *c)
{
    return weft_body(c->request);
}

/* ---- items */

static bool push(wf_ssh_copy *c, const char *folder, wf_sftp_text name, uint32_t mode,
                 uint32_t depth)
{
    size_t n = strlen(folder);
    wf_ssh_item *item = weft_alloc(sizeof *item + n + name.size + 2);
    if (item == NULL)
        return false;
    *item = (wf_ssh_item){.next = c->items, .folder = S_ISDIR(mode), .mode = mode, .depth = depth};
    memcpy(item->path, folder, n);
    if (name.size != 0) {
        item->path[n++] = '/';
        memcpy(item->path + n, name.at, name.size);
        n += name.size;
    }
    item->path[n] = '\0';
    c->items = item;
    c->items_count++;
    return true;
}

void wf_ssh_copy_items_free(wf_ssh_copy *c)
{
    while (c->items != NULL) {
        wf_ssh_item *item = c->items;
        c->items = item->next;
        weft_alloc_free(item);
    }
    weft_alloc_free(c->item);
    c->item = NULL;
}

/* ---- folders */

static void on_folder_closed(weft_actor *self, wf_ssh_copy *c, wf_sftp_reply *reply)
{
    (void)reply;
    c->copied.folders++;
    wf_ssh_copy_next(self, c);
}

static void ask_names(weft_actor *self, wf_ssh_copy *c);

/* 1: it is an item, 0: it is none of a copy, -1: it is no name. */
static int name_is(wf_sftp_text name)
{
    bool dots = name.size <= 2 && name.size != 0 && memcmp(name.at, "..", name.size) == 0;
    if (dots)
        return 0;
    return name.size == 0 || name.size > NAME_MAX || memchr(name.at, '/', name.size) != NULL ||
                   memchr(name.at, '\0', name.size) != NULL
               ? -1
               : 1;
}

/* false: the copy is over. */
static bool add_name(weft_actor *self, wf_ssh_copy *c, wf_sftp_text name, const wf_sftp_attrs *a)
{
    int is = name_is(name);
    bool has_mode = (a->has & SFTP_HAS_MODE) != 0;
    if (is < 0) {
        wf_ssh_copy_over(self, c, WEFT_EPROTO, "a folder lists what is no name");
        return false;
    }
    if (is == 0)
        return true;
    if (!has_mode || (!S_ISDIR(a->mode) && !S_ISREG(a->mode))) {
        c->copied.left_out++;
        return true;
    }
    if (c->items_count >= ITEMS_MAX || strlen(c->item->path) + name.size + 2 > PATH_MAX) {
        wf_ssh_copy_over(self, c, WEFT_ELIMIT, "there is more in a tree than can be remembered");
        return false;
    }
    if (push(c, c->item->path, name, a->mode, c->item->depth + 1))
        return true;
    wf_ssh_copy_over(self, c, WEFT_ENOMEM, "no memory for a name");
    return false;
}

static void on_names(weft_actor *self, wf_ssh_copy *c, wf_sftp_reply *reply)
{
    wf_sftp_text name;
    wf_sftp_attrs attrs;
    uint32_t id;
    if (reply->type == SFTP_STATUS && reply->status == SFTP_EOF) {
        wf_sftp_out out = wf_ssh_copy_begin(&c->from, SFTP_CLOSE, &id);
        wf_sftp_put_text(&out, c->from.handle, c->from.handle_size);
        wf_ssh_copy_ask(self, c, &c->from, &out, on_folder_closed);
        return;
    }
    if (reply->type != SFTP_NAME || reply->names == 0) {
        wf_ssh_copy_refused(self, c, &c->from, reply);
        return;
    }
    while (reply->names != 0) {
        if (!wf_sftp_next_name(reply, &name, &attrs)) {
            wf_ssh_copy_over(self, c, WEFT_EPROTO, "a list of names is cut");
            return;
        }
        if (!add_name(self, c, name, &attrs))
            return;
    }
    ask_names(self, c);
}

static void ask_names(weft_actor *self, wf_ssh_copy *c)
{
    uint32_t id;
    wf_sftp_out out = wf_ssh_copy_begin(&c->from, SFTP_READDIR, &id);
    wf_sftp_put_text(&out, c->from.handle, c->from.handle_size);
    wf_ssh_copy_ask(self, c, &c->from, &out, on_names);
}

static void on_folder_open(weft_actor *self, wf_ssh_copy *c, wf_sftp_reply *reply)
{
    if (reply->type != SFTP_HANDLE || reply->text.size > WF_SFTP_HANDLE_MAX) {
        wf_ssh_copy_refused(self, c, &c->from, reply);
        return;
    }
    memcpy(c->from.handle, reply->text.at, reply->text.size);
    c->from.handle_size = reply->text.size;
    ask_names(self, c);
}

static void open_folder(weft_actor *self, wf_ssh_copy *c)
{
    uint32_t id;
    wf_sftp_out out = wf_ssh_copy_begin(&c->from, SFTP_OPENDIR, &id);
    wf_ssh_copy_put_path(&out, c, &c->from);
    wf_ssh_copy_ask(self, c, &c->from, &out, on_folder_open);
}

/* One that is there already is as good. */
static void on_folder_there(weft_actor *self, wf_ssh_copy *c, wf_sftp_reply *reply)
{
    if (reply->type == SFTP_ATTRS && (reply->attrs.has & SFTP_HAS_MODE) != 0 &&
        S_ISDIR(reply->attrs.mode))
        open_folder(self, c);
    else if (reply->type == SFTP_STATUS)
        wf_ssh_copy_refused(self, c, &c->to, reply);
    else
        wf_ssh_copy_over(self, c, WEFT_EUNSUPPORTED, "where a folder is to be there is none");
}

static void on_folder_made(weft_actor *self, wf_ssh_copy *c, wf_sftp_reply *reply)
{
    uint32_t id;
    if (reply->type == SFTP_STATUS && reply->status == SFTP_OK) {
        open_folder(self, c);
        return;
    }
    wf_sftp_out out = wf_ssh_copy_begin(&c->to, SFTP_STAT, &id);
    wf_ssh_copy_put_path(&out, c, &c->to);
    wf_ssh_copy_ask(self, c, &c->to, &out, on_folder_there);
}

static void make_folder(weft_actor *self, wf_ssh_copy *c)
{
    /* what it is filled by can write there */
    const wf_sftp_attrs attrs = {.has = SFTP_HAS_MODE, .mode = (c->item->mode & 0777) | 0700};
    uint32_t id;
    wf_sftp_out out = wf_ssh_copy_begin(&c->to, SFTP_MKDIR, &id);
    wf_ssh_copy_put_path(&out, c, &c->to);
    wf_sftp_put_attrs(&out, &attrs);
    wf_ssh_copy_ask(self, c, &c->to, &out, on_folder_made);
}

/* ---- the next one, and the first */

void wf_ssh_copy_next(weft_actor *self, wf_ssh_copy *c)
{
    const weft_ssh_client_config *config = weft_config(self);
    weft_alloc_free(c->item);
    c->item = c->items;
    if (c->done)
        return;
    if (c->item == NULL) {
        wf_ssh_copy_over(self, c, WEFT_OK, "");
        return;
    }
    c->items = c->item->next;
    c->items_count--;
    if (!c->item->folder)
        wf_ssh_copy_file(self, c);
    else if (c->item->depth >= or_default(config->copy_depth_max, DEPTH_MAX))
        wf_ssh_copy_over(self, c, WEFT_ELIMIT, "there are too many folders within each other");
    else
        make_folder(self, c);
}

static void on_first(weft_actor *self, wf_ssh_copy *c, wf_sftp_reply *reply)
{
    if (reply->type != SFTP_ATTRS) {
        wf_ssh_copy_refused(self, c, &c->from, reply);
        return;
    }
    uint32_t mode = (reply->attrs.has & SFTP_HAS_MODE) != 0 ? reply->attrs.mode : 0;
    if (!S_ISREG(mode) && !(S_ISDIR(mode) && wish_of(c)->tree)) {
        wf_ssh_copy_over(self, c, WEFT_EUNSUPPORTED,
                         S_ISDIR(mode) ? "it is a folder, which is copied as a tree only"
                                       : "it is no file");
        return;
    }
    c->item->folder = S_ISDIR(mode);
    c->item->mode = mode;
    c->items = c->item;
    c->items_count = 1;
    c->item = NULL;
    wf_ssh_copy_next(self, c);
}

void wf_ssh_copy_items(weft_actor *self, wf_ssh_copy *c)
{
    uint32_t id;
    if (!push(c, "", (wf_sftp_text){NULL, 0}, 0, 0)) {
        wf_ssh_copy_over(self, c, WEFT_ENOMEM, "no memory for a copy");
        return;
    }
    c->item = c->items;
    c->items = NULL;
    wf_sftp_out out = wf_ssh_copy_begin(&c->from, SFTP_STAT, &id);
    wf_ssh_copy_put_path(&out, c, &c->from);
    wf_ssh_copy_ask(self, c, &c->from, &out, on_first);
}
