/* SPDX-License-Identifier: MIT */
/* The entries of a folder that would be served, sorted, as a page. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/edge.h>

#include "http_file.h"
#include "http_listing.h"
#include "http_path.h"

#define NS_PER_S 1000000000

/* The folder while it is read. */
typedef struct folder {
    const wf_http_file_root *root;
    const wf_http_file_ask *ask;
    int fd;
    bool hidden;
    bool cut; /* there is more than was taken */
    wf_http_entry *entries;
    size_t n, room;
    char path[WF_HTTP_PATH_BYTES_MAX + NAME_MAX + 2]; /* of the entry being looked at */
    size_t name_at;                                   /* where its name begins */
} folder;

static bool make_room(folder *f)
{
    size_t room = f->room != 0 ? 2 * f->room : 64;
    wf_http_entry *entries;

    if (f->n < f->room)
        return true;
    entries = reallocarray(f->entries, room, sizeof *entries);
    if (entries == NULL)
        return false;
    f->entries = entries;
    f->room = room;
    return true;
}

/* A name with a control byte cannot be asked for: wf_http_path_resolve refuses it. */
static bool is_shown(const folder *f, const char *name)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (name[0] == '.' && !f->hidden))
        return false;
    for (const char *c = name; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return true;
}

/* Looks at the entry as it would be served: a link is what it leads to, if that is below the root.
 */
static bool look(folder *f, const char *name, wf_http_found *found)
{
    size_t n = strlen(name);

    if (wf_http_file_look_in(f->fd, name, found) != WEFT_OK)
        return false;
    if (found->kind != WF_HTTP_FOUND_LINK)
        return found->kind != WF_HTTP_FOUND_OTHER;
    if (f->name_at + n >= sizeof f->path)
        return false;
    memcpy(f->path + f->name_at, name, n + 1);
    return wf_http_file_look(f->root, f->path, found, NULL) == WEFT_OK &&
           found->kind != WF_HTTP_FOUND_OTHER;
}

static weft_err take_entry(folder *f, const char *name)
{
    wf_http_found found;

    if (!is_shown(f, name) || !look(f, name, &found))
        return WEFT_OK;
    if (f->n == WF_HTTP_LISTING_ENTRIES_MAX) {
        f->cut = true;
        return WEFT_OK;
    }
    char *own = make_room(f) ? strdup(name) : NULL;
    if (own == NULL)
        return WEFT_ENOMEM;
    f->entries[f->n++] = (wf_http_entry){
        .name = own,
        .size = found.stamp.size,
        .mtime_s = found.stamp.mtime_ns / NS_PER_S,
        .is_dir = found.kind == WF_HTTP_FOUND_FOLDER,
    };
    return WEFT_OK;
}

static weft_err read_entries(folder *f, DIR *dir)
{
    struct dirent *entry;
    weft_err err = WEFT_OK;

    while (err == WEFT_OK && !f->cut && (entry = readdir(dir)) != NULL)
        err = take_entry(f, entry->d_name);
    if (err == WEFT_OK && f->n > 0)
        qsort(f->entries, f->n, sizeof *f->entries, wf_http_entry_compare);
    return err;
}

/* The folder as it is called in the URL, decoded, with a '/' at its end. NULL: no memory. */
static char *title_of(const wf_http_file_ask *ask, size_t *title_n)
{
    char *title = weft_alloc((size_t)ask->title.bytes + ask->path_n + 2);
    size_t n = 0;

    if (title == NULL)
        return NULL;
    if (wf_http_percent_decode(ask->title, WF_HTTP_PLUS_IS_PLUS, title, ask->title.bytes + 1u,
                               &n) != WEFT_OK)
        n = 0;
    if (n == 0)
        title[n++] = '/';
    memcpy(title + n, ask->path, ask->path_n);
    n += ask->path_n;
    if (title[n - 1] != '/')
        title[n++] = '/';
    *title_n = n;
    return title;
}

static weft_err put_page(const folder *f, wf_http_writer *w, const char *title, size_t title_n)
{
    wf_http_listing listing = wf_http_listing_begin(w, title, title_n, f->ask->path_n > 0);

    for (size_t i = 0; i < f->n; i++)
        wf_http_listing_add(&listing, &f->entries[i]);
    return wf_http_listing_end(&listing, f->cut);
}

/* Written twice: into a writer that only counts, and to its place. */
static weft_err make_page(const folder *f, wf_http_form **out)
{
    size_t title_n;
    char *title = title_of(f->ask, &title_n);
    wf_http_writer w = wf_http_writer_over(NULL, 0);
    uint8_t *to;

    if (title == NULL)
        return WEFT_ENOMEM;
    (void)put_page(f, &w, title, title_n);
    wf_http_form *form = wf_http_form_page((size_t)w.total, &to);
    weft_err err = form != NULL ? WEFT_OK : WEFT_ENOMEM;
    if (form != NULL) {
        w = wf_http_writer_over((char *)to, form->size);
        err = put_page(f, &w, title, title_n);
    }
    weft_alloc_free(title);
    if (err == WEFT_OK)
        *out = form;
    else
        wf_http_form_free(&form);
    return err;
}

static void folder_done(folder *f)
{
    for (size_t i = 0; i < f->n; i++)
        weft_alloc_free((char *)(uintptr_t)f->entries[i].name);
    weft_alloc_free(f->entries);
    weft_alloc_free(f);
}

static weft_err list(folder *f, DIR *dir, wf_http_form **out)
{
    const char *below = wf_http_file_below(f->ask);
    size_t n = strlen(below);

    memcpy(f->path, below, n);
    if (n > 0)
        f->path[n++] = '/';
    f->name_at = n;
    weft_err err = read_entries(f, dir);
    return err == WEFT_OK ? make_page(f, out) : err;
}

weft_err wf_http_folder_list(const wf_http_file_root *root, const wf_http_file_ask *ask,
                             bool hidden, wf_http_form **out, weft_why *why)
{
    wf_http_found found;
    weft_err err = wf_http_file_open(root, wf_http_file_below(ask), &found, why);

    if (err != WEFT_OK)
        return err;
    if (found.kind != WF_HTTP_FOUND_FOLDER) {
        (void)close(found.fd);
        return weft_because(why, WEFT_ENOTFOUND, "\"%.120s\" is no folder", ask->path);
    }
    DIR *dir = fdopendir(found.fd);
    folder *f = weft_alloc_zero(sizeof *f);
    if (dir == NULL || f == NULL) {
        if (dir != NULL)
            (void)closedir(dir);
        else
            (void)close(found.fd);
        weft_alloc_free(f);
        return weft_because(why, WEFT_ENOMEM, "no memory to list \"%.120s\"", ask->path);
    }
    f->root = root;
    f->ask = ask;
    f->fd = found.fd;
    f->hidden = hidden;
    err = list(f, dir, out);
    (void)closedir(dir);
    folder_done(f);
    if (err != WEFT_OK)
        return weft_because(why, err, "unable to list \"%.120s\"", ask->path);
    return WEFT_OK;
}
