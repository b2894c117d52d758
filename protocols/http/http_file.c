/* SPDX-License-Identifier: MIT */
/* What a path is served with: which file, and which forms of it there are. */
#include "http_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/edge.h>

#include "http_listing.h"
#include "http_mime.h"
#include "http_path.h"

static const char *const suffixes[WF_HTTP_CODINGS_COUNT_] = {
    [WF_HTTP_GZIP] = ".gz",
    [WF_HTTP_BROTLI] = ".br",
};

/* One lookup. */
typedef struct lookup {
    const wf_http_file_root *root;
    const weft_http_files_config *config;
    const wf_http_file_ask *ask;
    int64_t now_ns;
    wf_http_file *old, *out;
    unsigned taken; /* the set of codings whose form comes from `old` */
    bool cold;      /* it would have to wait, somewhere */
    weft_why *why;
} lookup;

/* ---- forms */

static void put_form(wf_http_file *file, wf_http_coding coding, wf_http_form *form)
{
    file->forms[coding] = form;
    file->codings |= WF_HTTP_CODING_BIT(coding);
}

static wf_http_form *take_form(wf_http_file *file, wf_http_coding coding)
{
    wf_http_form *form = file->forms[coding];
    file->forms[coding] = NULL;
    file->codings &= ~WF_HTTP_CODING_BIT(coding);
    return form;
}

/* Whether what was known of the form is still so. */
static bool is_same(const wf_http_file *old, wf_http_coding coding, const wf_http_stamp *stamp)
{
    const wf_http_form *form = old != NULL ? old->forms[coding] : NULL;
    return form != NULL && form->dated && !form->lately && wf_http_stamp_same(&form->stamp, stamp);
}

static weft_err load_form(lookup *l, wf_http_coding coding, wf_http_found *found)
{
    wf_http_form *form;
    weft_err err = WEFT_OK;

    if (is_same(l->old, coding, &found->stamp) && !l->old->forms[coding]->on_the_fly) {
        form = take_form(l->old, coding);
        l->taken |= WF_HTTP_CODING_BIT(coding);
        (void)close(found->fd);
    } else
        err = wf_http_form_read(l->root, found, l->now_ns, &form);
    l->cold = l->cold || err == WF_HTTP_FILE_COLD;
    if (err == WEFT_OK)
        put_form(l->out, coding, form);
    return err;
}

/* A file beside the file that has the same content, packed: "a.css.br" beside "a.css". One that is
 * older than the file has been forgotten, and serves no more. */
static void load_sibling(lookup *l, wf_http_coding coding, const char *path)
{
    const wf_http_form *plain = l->out->forms[WF_HTTP_IDENTITY];
    char name[WF_HTTP_PATH_BYTES_MAX];
    wf_http_found found;
    int n = snprintf(name, sizeof name, "%s%s", path, suffixes[coding]);

    if (n < 0 || (size_t)n >= sizeof name)
        return;
    weft_err err = wf_http_file_open(l->root, name, &found, NULL);
    l->cold = l->cold || err == WF_HTTP_FILE_COLD;
    if (err != WEFT_OK)
        return;
    if (found.kind != WF_HTTP_FOUND_FILE || found.stamp.size == 0 ||
        found.stamp.mtime_ns / 1000000000 < plain->stamp.mtime_ns / 1000000000)
        (void)close(found.fd);
    else
        /* without it there is still the file */
        (void)load_form(l, coding, &found);
}

static bool ends_in(const char *path, const char *suffix)
{
    size_t n = strlen(path), suffix_n = strlen(suffix);
    return n >= suffix_n && memcmp(path + n - suffix_n, suffix, suffix_n) == 0;
}

static void load_siblings(lookup *l, const char *path)
{
    if (ends_in(path, suffixes[WF_HTTP_GZIP]) || ends_in(path, suffixes[WF_HTTP_BROTLI]))
        return;
    load_sibling(l, WF_HTTP_GZIP, path);
    load_sibling(l, WF_HTTP_BROTLI, path);
}

/* One that is packed on the fly, unless there is a file of it. */
static void load_packed(lookup *l, wf_http_coding coding)
{
    const wf_http_form *plain = l->out->forms[WF_HTTP_IDENTITY];
    wf_http_form *form;

    if (l->out->forms[coding] != NULL || (plain->dense & WF_HTTP_CODING_BIT(coding)) != 0)
        return;
    if (is_same(l->old, coding, &plain->stamp) && l->old->forms[coding]->on_the_fly) {
        form = take_form(l->old, coding);
        l->taken |= WF_HTTP_CODING_BIT(coding);
    } else
        form = wf_http_form_unmade(plain, coding, l->now_ns);
    if (form != NULL)
        put_form(l->out, coding, form);
}

/* Packed on the fly, where it is worth it. */
static void load_on_the_fly(lookup *l, bool compresses)
{
    uint32_t bytes_max =
        l->config->gzip_bytes_max != 0 ? l->config->gzip_bytes_max : WF_HTTP_GZIP_BYTES_MAX_DEFAULT;
    const wf_http_form *plain = l->out->forms[WF_HTTP_IDENTITY];

    if (!compresses || l->config->no_compression || plain->size < WF_HTTP_COMPRESS_BYTES_MIN ||
        plain->size > bytes_max)
        return;
    load_packed(l, WF_HTTP_GZIP);
    load_packed(l, WF_HTTP_BROTLI);
}

static void dress(const weft_http_files_config *config, wf_http_file *file)
{
    bool vary = file->codings != WF_HTTP_CODING_BIT(WF_HTTP_IDENTITY);

    for (unsigned c = 0; c < WF_HTTP_CODINGS_COUNT_; c++)
        if (file->forms[c] != NULL)
            wf_http_form_dress(file->forms[c], (wf_http_coding)c, vary, config->cache_control);
}

static weft_err load_forms(lookup *l, const char *path, wf_http_found *found)
{
    const wf_http_mime *mime = wf_http_mime_of(path, strlen(path));
    weft_err err = load_form(l, WF_HTTP_IDENTITY, found);

    if (err != WEFT_OK)
        return err;
    l->out->kind = WF_HTTP_FILE_SERVED;
    l->out->content_type = mime->type.at;
    load_siblings(l, path);
    if (l->cold)
        return WF_HTTP_FILE_COLD;
    load_on_the_fly(l, mime->compresses);
    dress(l->config, l->out);
    return WEFT_OK;
}

/* ---- paths */

static weft_err load_named(lookup *l)
{
    const char *path = wf_http_file_below(l->ask);
    wf_http_found found;
    weft_err err = wf_http_file_open(l->root, path, &found, l->why);

    if (err != WEFT_OK)
        return err;
    if (found.kind == WF_HTTP_FOUND_FILE)
        return load_forms(l, path, &found);
    (void)close(found.fd);
    if (found.kind != WF_HTTP_FOUND_FOLDER)
        return weft_because(l->why, WEFT_ENOTFOUND, "\"%.120s\" is no file", path);
    l->out->kind = WF_HTTP_FILE_FOLDER;
    return WEFT_OK;
}

static weft_err load_index(lookup *l)
{
    const char *index = l->config->index != NULL ? l->config->index : "index.html";
    const char *folder = wf_http_file_below(l->ask), *slash = folder[0] != '\0' ? "/" : "";
    char path[WF_HTTP_PATH_BYTES_MAX];
    wf_http_found found;
    int n = snprintf(path, sizeof path, "%s%s%s", folder, slash, index);

    if (n < 0 || (size_t)n >= sizeof path)
        return WEFT_ENOTFOUND;
    weft_err err = wf_http_file_open(l->root, path, &found, l->why);
    if (err != WEFT_OK)
        return err;
    if (found.kind == WF_HTTP_FOUND_FILE)
        return load_forms(l, path, &found);
    (void)close(found.fd);
    return WEFT_ENOTFOUND;
}

static weft_err load_listing(lookup *l)
{
    wf_http_form *form;
    if (l->root->hasty)
        return WF_HTTP_FILE_COLD; /* a folder's entries are never known to be in memory */
    weft_err err = wf_http_folder_list(l->root, l->ask, l->config->hidden, &form, l->why);

    if (err != WEFT_OK)
        return err;
    /* not strndup: what follows the slice is not ours to look at */
    l->out->title = weft_alloc_zero(l->ask->title.bytes + 1);
    if (l->out->title == NULL) {
        wf_http_form_free(&form);
        return WEFT_ENOMEM;
    }
    if (l->ask->title.bytes > 0)
        memcpy(l->out->title, l->ask->title.at, l->ask->title.bytes);
    l->out->kind = WF_HTTP_FILE_LISTING;
    l->out->content_type = WF_HTTP_LISTING_TYPE;
    put_form(l->out, WF_HTTP_IDENTITY, form);
    dress(l->config, l->out);
    return WEFT_OK;
}

static weft_err load_folder(lookup *l)
{
    weft_err err = load_index(l);

    if (err == WEFT_ENOTFOUND && !l->config->no_listing)
        err = load_listing(l);
    return err;
}

static void give_back(lookup *l)
{
    for (unsigned c = 0; c < WF_HTTP_CODINGS_COUNT_; c++)
        if ((l->taken & WF_HTTP_CODING_BIT(c)) != 0)
            put_form(l->old, (wf_http_coding)c, take_form(l->out, (wf_http_coding)c));
}

weft_err wf_http_file_load(const wf_http_file_root *root, const weft_http_files_config *config,
                           const wf_http_file_ask *ask, int64_t now_ns, wf_http_file *old,
                           wf_http_file *out, weft_why *why)
{
    wf_http_file fresh = {.kind = WF_HTTP_FILE_NONE};
    lookup l = {.root = root,
                .config = config,
                .ask = ask,
                .now_ns = now_ns,
                .old = old,
                .out = &fresh,
                .why = why};
    weft_err err = ask->folder ? load_folder(&l) : load_named(&l);

    if (err != WEFT_OK && err != WEFT_ENOTFOUND && err != WEFT_EDENIED) {
        give_back(&l);
        wf_http_file_done(&fresh);
        return err;
    }
    fresh.err = err;
    *out = fresh;
    return WEFT_OK;
}

/* ---- what it holds */

static void drop_form(wf_http_file *file, wf_http_coding coding)
{
    wf_http_form *form = take_form(file, coding);
    wf_http_form_free(&form);
}

unsigned wf_http_file_on_the_fly(const wf_http_file *file)
{
    unsigned set = 0;

    for (unsigned c = 0; c < WF_HTTP_CODINGS_COUNT_; c++)
        if (file->forms[c] != NULL && file->forms[c]->on_the_fly)
            set |= WF_HTTP_CODING_BIT(c);
    return set;
}

void wf_http_file_keep(const weft_http_files_config *config, wf_http_file *fresh, wf_http_file *old)
{
    if (fresh->kind != WF_HTTP_FILE_SERVED || old->kind != WF_HTTP_FILE_SERVED)
        return;
    for (unsigned c = 0; c < WF_HTTP_CODINGS_COUNT_; c++) {
        wf_http_form *form = fresh->forms[c], *before = old->forms[c];
        if (form == NULL || before == NULL || form->on_the_fly != before->on_the_fly ||
            !is_same(old, (wf_http_coding)c, &form->stamp))
            continue;
        fresh->forms[c] = before;
        old->forms[c] = form;
    }
    const wf_http_form *plain = fresh->forms[WF_HTTP_IDENTITY];
    for (unsigned c = 0; plain != NULL && c < WF_HTTP_CODINGS_COUNT_; c++)
        if ((plain->dense & WF_HTTP_CODING_BIT(c)) != 0 && fresh->forms[c] != NULL &&
            fresh->forms[c]->on_the_fly)
            drop_form(fresh, (wf_http_coding)c);
    dress(config, fresh);
}

bool wf_http_file_packed(wf_http_file *file, wf_http_coding coding, weft_err err,
                         weft_bytes *packed)
{
    if (err == WEFT_OK) {
        wf_http_form_packed(file->forms[coding], packed);
        return true;
    }
    if (err == WEFT_ETOOBIG)
        file->forms[WF_HTTP_IDENTITY]->dense |= (uint8_t)WF_HTTP_CODING_BIT(coding);
    drop_form(file, coding);
    return false;
}

bool wf_http_file_pack(wf_http_file *file, wf_http_coding coding)
{
    const weft_bytes *plain = &file->forms[WF_HTTP_IDENTITY]->content;
    weft_bytes packed = WEFT_NO_BYTES;
    weft_err err = wf_http_pack_bytes(coding, plain->at, plain->size, &packed);

    return wf_http_file_packed(file, coding, err, &packed);
}

void wf_http_file_done(wf_http_file *file)
{
    for (unsigned c = 0; c < WF_HTTP_CODINGS_COUNT_; c++)
        wf_http_form_free(&file->forms[c]);
    weft_alloc_free(file->title);
    *file = (wf_http_file){.kind = WF_HTTP_FILE_NONE};
}

size_t wf_http_file_bytes(const wf_http_file *file)
{
    size_t bytes = 0;

    for (unsigned c = 0; c < WF_HTTP_CODINGS_COUNT_; c++)
        if (file->forms[c] != NULL)
            bytes += sizeof *file->forms[c] + file->forms[c]->content.size;
    return bytes;
}

unsigned wf_http_file_descriptors(const wf_http_file *file)
{
    unsigned n = 0;

    for (unsigned c = 0; c < WF_HTTP_CODINGS_COUNT_; c++)
        n += file->forms[c] != NULL && file->forms[c]->file != NULL;
    return n;
}
