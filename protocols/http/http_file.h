/* SPDX-License-Identifier: MIT */
/* What is served for one path: a file in each coding there is of it, the page that lists a folder,
 * or nothing; with all fields of the response ready.
 *
 * A file is held so: what is small in memory, so that head and body leave in one write; what is
 * large as an open descriptor. thread: in a handler, of a reactor or of the pool. */
#ifndef WF_HTTP_FILE_H
#define WF_HTTP_FILE_H

#include <weft/bytes.h>
#include <weft/http.h>

#include "http_accept.h"
#include "http_conditional.h"
#include "http_date.h"
#include "http_file_root.h"

/* Files up to this are kept in memory. */
#define WF_HTTP_FILE_SMALL_BYTES_MAX (16u << 10)

/* gzip_bytes_max, unless the config says otherwise. */
#define WF_HTTP_GZIP_BYTES_MAX_DEFAULT (1u << 20)

/* What is larger is packed by the blocking pool: this much takes half a millisecond. */
#define WF_HTTP_PACK_HERE_BYTES_MAX WF_HTTP_FILE_SMALL_BYTES_MAX

/* What the pool has the kernel begin to read of a large file that it opens: sendfile then waits less,
 * and reads ahead by itself from there on. */
#define WF_HTTP_FILE_AHEAD_BYTES (1u << 20)

/* A page lists no more entries than this, and says so. */
#define WF_HTTP_LISTING_ENTRIES_MAX 10000u

/* A clock ticks this coarsely at worst: a file changed within that time may change again and look
 * the same, so its tag is weak, and what was read of it is not trusted for longer than cache_ms. */
#define WF_HTTP_FILE_LATELY_NS INT64_C(2000000000)

/* ETag, Last-Modified, Vary, Cache-Control; Accept-Ranges, Content-Encoding, the page's policy. */
#define WF_HTTP_FORM_FIELDS_MAX 7

/* One representation (RFC 9110 3.2). */
typedef struct wf_http_form {
    weft_file *file;    /* NULL: `content` is all of it */
    weft_bytes content; /* kept */
    uint64_t size;
    bool
        unmade; /* to be packed on the fly, that nobody has asked for: neither file nor content yet */
    bool on_the_fly;
    bool ranges;   /* parts of it may be asked for */
    bool lately;   /* see WF_HTTP_FILE_LATELY_NS */
    bool dated;    /* it has a tag and a date */
    uint8_t dense; /* the codings that it was packed in once, and that were not worth it */
    uint8_t etag_bytes;
    uint8_t fields_count;
    uint8_t validators_count; /* how many of the fields, from the first on, go with 304 too */
    wf_http_stamp stamp;      /* of the file; of the one it was packed from */
    int64_t mtime_s;          /* as Last-Modified says */
    weft_http_field fields[WF_HTTP_FORM_FIELDS_MAX];
    char etag[WF_HTTP_ETAG_BYTES_MAX];
    char last_modified[WF_HTTP_DATE_BYTES];
} wf_http_form;

typedef enum wf_http_file_kind {
    WF_HTTP_FILE_NONE,    /* nothing: `err` says why */
    WF_HTTP_FILE_SERVED,  /* a file */
    WF_HTTP_FILE_LISTING, /* a page that lists a folder; identity only */
    WF_HTTP_FILE_FOLDER,  /* a folder that was asked for without the '/' at its end */
} wf_http_file_kind;

typedef struct wf_http_file {
    wf_http_file_kind kind;
    weft_err err;                                /* NONE: ENOTFOUND or EDENIED */
    unsigned codings;                            /* the set of those in `forms` */
    const char *content_type;                    /* static */
    wf_http_form *forms[WF_HTTP_CODINGS_COUNT_]; /* its own */
    char *title;                                 /* LISTING: as in wf_http_file_ask; its own */
} wf_http_file;

/* What is asked for. */
typedef struct wf_http_file_ask {
    const char *path; /* as wf_http_path_resolve gives it */
    size_t path_n;
    size_t user_n;        /* how many bytes of it are the "~NAME" it begins with; 0: none */
    bool folder;          /* it had a '/' at its end */
    weft_http_text title; /* what stands before the path in the URL, still encoded: for listings */
} wf_http_file_ask;

/* The path below the root that it is looked up in: for "~NAME/..." that user's. */
static inline const char *wf_http_file_below(const wf_http_file_ask *ask)
{
    const char *at = ask->path + ask->user_n;
    return at + (*at == '/');
}

/* Looks up what @ask is served with now. What @old (NULL: nothing) holds and is still so is taken
 * from it instead of being read again. @now_ns: the wall clock. errors, @out and @old then being
 * untouched: ELIMIT (no descriptor left), COLD (of a hasty @root; every page of a folder is), ENOMEM,
 * EIO with @why. What is not there or not permitted is no error but a kind of result. */
WEFT_MUST_USE weft_err wf_http_file_load(const wf_http_file_root *root,
                                         const weft_http_files_config *config,
                                         const wf_http_file_ask *ask, int64_t now_ns,
                                         wf_http_file *old, wf_http_file *out, weft_why *why);

/* What @old holds and is still so, what was packed on the fly too, changes places with what was read
 * anew into @fresh, without @old. */
void wf_http_file_keep(const weft_http_files_config *config, wf_http_file *fresh,
                       wf_http_file *old);

/* Makes what is unmade of @file's form in @coding, of what is in memory, at most
 * WF_HTTP_PACK_HERE_BYTES_MAX. false: it is not worth it, or cannot be done; the form is then gone. */
bool wf_http_file_pack(wf_http_file *file, wf_http_coding coding);

/* Packing that form came to @err; takes @packed. false: as above. */
bool wf_http_file_packed(wf_http_file *file, wf_http_coding coding, weft_err err,
                         weft_bytes *packed);

/* The codings whose form is packed on the fly. */
unsigned wf_http_file_on_the_fly(const wf_http_file *file);

/* Gives back all it holds; it is then {0}. */
void wf_http_file_done(wf_http_file *file);

/* The memory and the descriptors it holds. */
size_t wf_http_file_bytes(const wf_http_file *file);
unsigned wf_http_file_descriptors(const wf_http_file *file);

/* ---- forms */

/* A form of what was found below @root, whose descriptor it takes in success and in failure.
 * errors: ENOMEM, COLD, EIO. */
WEFT_MUST_USE weft_err wf_http_form_read(const wf_http_file_root *root, wf_http_found *found,
                                         int64_t now_ns, wf_http_form **out);

/* The form in @coding, unmade, of what @from holds. errors: NULL. */
WEFT_MUST_USE wf_http_form *wf_http_form_unmade(const wf_http_form *from, wf_http_coding coding,
                                                int64_t now_ns);

/* Packs @n bytes at @bytes, or the file, which is read for that and may wait for the disk. The
 * caller owns what is packed. errors: ETOOBIG (not worth it), ENOMEM, EIO. */
WEFT_MUST_USE weft_err wf_http_pack_bytes(wf_http_coding coding, const uint8_t *bytes, size_t n,
                                          weft_bytes *out);
WEFT_MUST_USE weft_err wf_http_pack_file(wf_http_coding coding, const weft_file *file,
                                         uint64_t size, weft_bytes *out);

/* Makes @form, unmade, of what was packed; takes @packed. */
void wf_http_form_packed(wf_http_form *form, weft_bytes *packed);

/* A form of @size bytes of a page that has neither tag nor date; *@to gets where they go.
 * errors: NULL. */
WEFT_MUST_USE wf_http_form *wf_http_form_page(size_t size, uint8_t **to);

/* Writes the fields; @vary: there are other forms. The page's policy is added if it is no file. */
void wf_http_form_dress(wf_http_form *form, wf_http_coding coding, bool vary,
                        const char *cache_control);

/* Frees *@form and sets it to NULL. Takes NULL. */
void wf_http_form_free(wf_http_form **form);

/* ---- the page of a folder */

/* Lists the folder @path into *@out. errors: ELIMIT, ENOMEM, EIO, ENOTFOUND, EDENIED. */
WEFT_MUST_USE weft_err wf_http_folder_list(const wf_http_file_root *root,
                                           const wf_http_file_ask *ask, bool hidden,
                                           wf_http_form **out, weft_why *why);

#endif
