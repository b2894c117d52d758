/* SPDX-License-Identifier: MIT */
/* Representations: read, packed, and dressed with the fields that say what they are. */
#include "http_file.h"

#include <string.h>
#include <unistd.h>

#include <weft/edge.h>

#include "http_listing.h"
#include "http_packer.h"

/* A file that is written while it is read is read again this often. */
#define READ_TRIES_MAX 3

/* What is packed and does not get smaller by at least an eighth is not worth unpacking. */
#define PACK_SAVES_SHARE 8

#define NS_PER_S INT64_C(1000000000)

static int64_t floor_s(int64_t ns)
{
    return ns / NS_PER_S - (ns % NS_PER_S < 0);
}

static bool is_lately(int64_t mtime_ns, int64_t now_ns)
{
    return mtime_ns > now_ns - WF_HTTP_FILE_LATELY_NS && mtime_ns < now_ns + WF_HTTP_FILE_LATELY_NS;
}

/* The tag of what is packed on the fly is weak, as a packer's bytes may change with its version, and
 * another one than the file's and than that of another coding: each stands for other bytes. */
static void stamp_form(wf_http_form *form, wf_http_coding coding, const wf_http_stamp *stamp,
                       int64_t now_ns)
{
    static const uint64_t twists[WF_HTTP_CODINGS_COUNT_] = {
        [WF_HTTP_GZIP] = UINT64_MAX, [WF_HTTP_BROTLI] = UINT64_MAX >> 1};
    uint64_t inode = stamp->inode ^ twists[coding];

    form->stamp = *stamp;
    form->dated = true;
    form->lately = form->lately || is_lately(stamp->mtime_ns, now_ns);
    form->etag_bytes =
        (uint8_t)wf_http_etag_format(form->etag, (uint64_t)stamp->mtime_ns, stamp->size, inode,
                                     form->lately || form->on_the_fly);
    /* "An origin server with a clock MUST NOT generate a Last-Modified date that is later than the
     * server's time of message origination" (RFC 9110 8.8.2.1). */
    form->mtime_s = floor_s(stamp->mtime_ns < now_ns ? stamp->mtime_ns : now_ns);
    wf_http_date_format(form->last_modified, form->mtime_s);
}

/* ---- read */

/* Reads @n bytes that should be the whole of the file. *@whole: they are, and it is still as it was
 * found; else @found says how it is now. */
static weft_err read_once(const wf_http_file_root *root, wf_http_found *found, weft_bytes *content,
                          bool *whole)
{
    size_t n = (size_t)found->stamp.size, got;
    wf_http_stamp now;
    uint8_t *to;
    /* one byte more tells whether it has grown */
    weft_err err = weft_bytes_new(n + 1, &to, content);

    if (err != WEFT_OK)
        return err;
    err = wf_http_file_read(root, found->fd, 0, to, n + 1, &got);
    if (err == WEFT_OK)
        err = wf_http_file_stamp(found->fd, &now);
    if (err != WEFT_OK) {
        weft_bytes_drop(content);
        return err;
    }
    *whole = got == n && wf_http_stamp_same(&now, &found->stamp);
    content->size = got < n ? got : n;
    found->stamp = now;
    return WEFT_OK;
}

/* Reads a small file. One that never stands still is served as it was seen last, and is not trusted
 * beyond that. One that has grown large meanwhile is left unread. */
static weft_err read_small(const wf_http_file_root *root, wf_http_found *found, wf_http_form *form)
{
    bool whole = false;

    for (unsigned i = 0; i < READ_TRIES_MAX && !whole; i++) {
        weft_bytes_drop(&form->content);
        if (found->stamp.size > WF_HTTP_FILE_SMALL_BYTES_MAX)
            return WEFT_OK;
        weft_err err = read_once(root, found, &form->content, &whole);
        if (err != WEFT_OK)
            return err;
    }
    form->size = found->stamp.size = form->content.size;
    form->lately = !whole;
    return WEFT_OK;
}

static weft_err read_into(const wf_http_file_root *root, wf_http_form *form, wf_http_found *found)
{
    weft_err err = WEFT_OK;

    if (found->stamp.size <= WF_HTTP_FILE_SMALL_BYTES_MAX)
        err = read_small(root, found, form);
    if (err != WEFT_OK || found->stamp.size <= WF_HTTP_FILE_SMALL_BYTES_MAX)
        return err;
    form->size = found->stamp.size;
    if (!root->hasty)
        wf_http_file_read_ahead(found->fd, WF_HTTP_FILE_AHEAD_BYTES);
    form->file = weft_file_new(found->fd);
    found->fd = -1;
    return form->file != NULL ? WEFT_OK : WEFT_ENOMEM;
}

weft_err wf_http_form_read(const wf_http_file_root *root, wf_http_found *found, int64_t now_ns,
                           wf_http_form **out)
{
    wf_http_form *form = weft_alloc_zero(sizeof *form);
    weft_err err = form != NULL ? read_into(root, form, found) : WEFT_ENOMEM;

    if (found->fd >= 0)
        (void)close(found->fd);
    found->fd = -1;
    if (err != WEFT_OK) {
        wf_http_form_free(&form);
        return err;
    }
    form->ranges = true;
    stamp_form(form, WF_HTTP_IDENTITY, &found->stamp, now_ns);
    *out = form;
    return WEFT_OK;
}

/* ---- packed */

wf_http_form *wf_http_form_unmade(const wf_http_form *from, wf_http_coding coding, int64_t now_ns)
{
    wf_http_form *form = weft_alloc_zero(sizeof *form);

    if (form == NULL)
        return NULL;
    form->unmade = form->on_the_fly = true;
    stamp_form(form, coding, &from->stamp, now_ns);
    return form;
}

weft_err wf_http_pack_bytes(wf_http_coding coding, const uint8_t *bytes, size_t n, weft_bytes *out)
{
    size_t room = n - n / PACK_SAVES_SHARE, packed_n = 0;
    uint8_t *packed = weft_alloc(room), *to;
    weft_err err = packed != NULL ? wf_http_pack_whole(coding, bytes, n, packed, room, &packed_n)
                                  : WEFT_ENOMEM;

    if (err == WEFT_OK)
        err = weft_bytes_new(packed_n, &to, out);
    if (err == WEFT_OK)
        memcpy(to, packed, packed_n);
    weft_alloc_free(packed);
    return err;
}

weft_err wf_http_pack_file(wf_http_coding coding, const weft_file *file, uint64_t size,
                           weft_bytes *out)
{
    static const wf_http_file_root patient = {.cwd = -1, .fd = -1};
    uint8_t *bytes = weft_alloc((size_t)size);
    size_t got = 0;

    if (bytes == NULL)
        return WEFT_ENOMEM;
    weft_err err = wf_http_file_read(&patient, weft_file_fd(file), 0, bytes, (size_t)size, &got);
    if (err == WEFT_OK)
        err = got == size ? wf_http_pack_bytes(coding, bytes, got, out) : WEFT_EIO;
    weft_alloc_free(bytes);
    return err;
}

void wf_http_form_packed(wf_http_form *form, weft_bytes *packed)
{
    form->content = *packed;
    form->size = packed->size;
    form->unmade = false;
    *packed = WEFT_NO_BYTES;
}

/* ---- a page */

wf_http_form *wf_http_form_page(size_t size, uint8_t **to)
{
    wf_http_form *form = weft_alloc_zero(sizeof *form);

    if (form == NULL || weft_bytes_new(size, to, &form->content) != WEFT_OK) {
        weft_alloc_free(form);
        return NULL;
    }
    form->size = size;
    return form;
}

/* ---- dressed */

static void add(wf_http_form *form, const char *name, const char *value, size_t value_bytes)
{
    form->fields[form->fields_count++] = (weft_http_field){
        .name = name,
        .value = value,
        .name_bytes = (uint32_t)strlen(name),
        .value_bytes = (uint32_t)value_bytes,
    };
}

static void add_str(wf_http_form *form, const char *name, const char *value)
{
    add(form, name, value, strlen(value));
}

void wf_http_form_dress(wf_http_form *form, wf_http_coding coding, bool vary,
                        const char *cache_control)
{
    form->fields_count = 0;
    /* "The server generating a 304 response MUST generate any of the following header fields that
     * would have been sent in a 200 (OK) response to the same request: Content-Location, Date,
     * ETag, and Vary; Cache-Control and Expires" (RFC 9110 15.4.5). */
    if (form->dated) {
        add(form, "ETag", form->etag, form->etag_bytes);
        add(form, "Last-Modified", form->last_modified, sizeof form->last_modified);
    }
    if (vary)
        add_str(form, "Vary", "Accept-Encoding");
    if (cache_control != NULL)
        add_str(form, "Cache-Control", cache_control);
    form->validators_count = form->fields_count;

    if (form->ranges)
        add_str(form, "Accept-Ranges", "bytes");
    if (coding != WF_HTTP_IDENTITY)
        add_str(form, "Content-Encoding", wf_http_coding_name(coding));
    if (!form->dated)
        add_str(form, "Content-Security-Policy", WF_HTTP_LISTING_POLICY);
}

void wf_http_form_free(wf_http_form **at)
{
    wf_http_form *form = *at;

    *at = NULL;
    if (form == NULL)
        return;
    weft_file_drop(&form->file);
    weft_bytes_drop(&form->content);
    weft_alloc_free(form);
}
