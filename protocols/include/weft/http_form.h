/* SPDX-License-Identifier: MIT */
/** Forms: what browsers send with a POST (application/x-www-form-urlencoded, multipart/form-data by RFC 7578).
 *
 *     static weft_err on_form(weft_actor *self, weft_msg *msg)
 *     {
 *         const weft_http_form_part *photo = weft_http_form_find(self, "photo");
 *         ...
 *         return weft_http_text(msg, 200, "%" PRIu64 " bytes\n", photo->bytes);
 *     }
 *     static const weft_http_form_config form = {.handler = on_form, .spool = "/var/tmp"};
 *     {.route = "POST /photos", .use = &weft_http_forms, .config = &form, .stream = true},
 *
 * Who wants the parts as they come reads the stream of a route of its own with a weft_multipart. */
#ifndef WEFT_HTTP_FORM_H
#define WEFT_HTTP_FORM_H

#include <weft/http.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- gathered */

/** Zero is the default. */
typedef struct weft_http_form_config {
    /** Gets the request when the form is whole; `self` is the form's actor. It may wait (weft_when). */
    weft_handler_fn *handler;
    const char
        *spool; /**< the folder that files come to, on the disk they are kept on; NULL: a form
                            with a file is answered 415 */
    uint32_t fields_max;       /**< fields that are no files: 256; beyond: 413 */
    uint32_t fields_bytes_max; /**< their names and values together: 256 KiB; beyond: 413 */
    uint32_t files_max;        /**< 16; beyond: 413 */
    uint64_t file_bytes_max;   /**< of one: 32 MiB; beyond: 413 */
    uint64_t files_bytes_max;  /**< of all: 64 MiB; beyond: 413 */
    const void *context;       /**< the handler's, as weft_http_form_context */
} weft_http_form_config;

/** One field, or one file. */
typedef struct weft_http_form_part {
    const char *name;
    const char *file_name; /**< as the client calls it, never a path to open; NULL: it is no file */
    const char *content_type; /**< as the client says; NULL: it does not */
    const char *value;        /**< of a field, with a zero behind it */
    uint64_t bytes;           /**< of the value, or the file */
    const char
        *path; /**< where the file is. It is removed with the form's actor unless it was kept */
} weft_http_form_part;

/** Gathers a form and has its handler serve it; for a route with .stream. Fields stand in memory, files in the
 * spool folder, written by the blocking pool while the client waits for the disk. What is no form is answered 415,
 * one that breaks its format or is cut off 400, beyond a limit 413, a full disk 507; the client that leaves, an
 * answer of that kind and the end of the handler's answer leave no file behind. */
extern const weft_behaviour weft_http_forms;

/** Part @i of the form, in the order they came; NULL: there are no more. Lives as long as @self.
 * thread: in the handler, and what goes on from it. */
const weft_http_form_part *weft_http_form_at(weft_actor *self, uint32_t i);
/** The first of that name; NULL: none. */
const weft_http_form_part *weft_http_form_find(weft_actor *self, const char *name);
/** The value of the first field of that name; NULL: none. */
const char *weft_http_form_value(weft_actor *self, const char *name);
/** The .context of the config. */
const void *weft_http_form_context(weft_actor *self);

/** Moves the file of @part to @path on the same file system, over what is there, and syncs both to the disk. Without a
 * value. errors of the Deferred: EINVAL (no file), EUSED (it was kept), ENOMEM, EFULL (no room), EIO with a
 * sentence. */
WEFT_MUST_USE weft_deferred weft_http_form_keep(weft_actor *self, const weft_http_form_part *part,
                                                const char *path);

/* ---- parts as they come */

#define WEFT_HTTP_BOUNDARY_BYTES_MAX 70u    /* RFC 2046 section 5.1.1 */
#define WEFT_HTTP_PART_HEAD_BYTES_MAX 4096u /* the lines in front of a part */

typedef struct weft_multipart weft_multipart;

typedef enum weft_multipart_kind {
    WEFT_MULTIPART_MORE,     /**< all that was given is read */
    WEFT_MULTIPART_PART,     /**< a part begins: its names */
    WEFT_MULTIPART_DATA,     /**< some of it */
    WEFT_MULTIPART_PART_END, /**< it is whole */
    WEFT_MULTIPART_END,      /**< the form is whole; what follows is passed over */
} weft_multipart_kind;

/** What was read next. Slices of what was given or of the reader, until the next call. */
typedef struct weft_multipart_event {
    weft_multipart_kind kind;
    size_t consumed;             /**< of the bytes that were given, with every kind */
    weft_http_text name;         /**< PART */
    weft_http_text file_name;    /**< PART; `at` NULL: none */
    weft_http_text content_type; /**< PART; `at` NULL: none */
    const uint8_t *data;         /**< DATA */
    size_t data_bytes;
} weft_multipart_event;

/** A reader for the body of a request whose Content-Type is @content_type. owns: *@out, for
 * weft_multipart_free. errors: EUNSUPPORTED (it is no multipart/form-data), EPROTO (no boundary, or one that can
 * be none), ENOMEM. thread: any, one at a time. */
WEFT_MUST_USE weft_err weft_multipart_new(weft_http_text content_type, weft_multipart **out,
                                          weft_why *why);
/** Takes NULL. */
void weft_multipart_free(weft_multipart *reader);
/** Reads on in the @n bytes at @at, which begin behind what was consumed before. MORE asks for others.
 * errors: EPROTO (the format is broken: RFC 7578, RFC 2046 section 5.1), ETOOBIG (the head of a part); the reader is
 * of no use any more. */
WEFT_MUST_USE weft_err weft_multipart_next(weft_multipart *reader, const uint8_t *at, size_t n,
                                           weft_multipart_event *event, weft_why *why);
/** Whether the last delimiter has come. */
bool weft_multipart_is_whole(const weft_multipart *reader);

#ifdef __cplusplus
}
#endif
#endif
